"""A study that takes seconds with real worker processes, of TensorFlow or of its stand-in, and what its records say."""

import os
import subprocess
import sys
from pathlib import Path

from experiments import records

ROOT = Path(__file__).parents[2]
STANDIN = Path(__file__).parent / "standin"
EPOCHS = 120
STUDY = f"""
schema = 2
title = "A whole study"
task = "quadratic_deep"
data = "quadratic_deep"
epochs = {EPOCHS}
batch_size = 128
micro_batch = 128
budget = "smoke"
track = "default"
seeds = [0, 1]
figures = "figures"

[[optimizers]]
label = "Momentum"
optimizer = "momentum"
batch = "mini"
default_learning_rate = 0.001
style = {{ color = "#0072B2", line = "solid", marker = "^" }}

[[optimizers]]
label = "Adam"
optimizer = "adam"
batch = "mini"
default_learning_rate = 0.03
style = {{ color = "#D55E00", line = "solid", marker = "v" }}
"""


def prepare(folder):
    """Puts the study into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "whole.toml").write_text(STUDY, encoding="utf-8")
    return folder


def start(folder, *words, real=False, **changes):
    """Starts the program in a folder; where it is not real, its workers train the stand-in."""
    places = [str(ROOT)] if real else [str(STANDIN), str(ROOT)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **changes}
    return subprocess.Popen([sys.executable, "-m", "experiments", *words], cwd=folder, env=environment, **pipes)


def finish(running):
    """Waits for the program; returns its exit code and what it said."""
    out, said = running.communicate(timeout=300)
    return running.returncode, out + said


def program(folder, *words, real=False):
    """Runs the program in a folder; returns its exit code and what it said."""
    return finish(start(folder, *words, real=real))


def results(folder):
    """All that the finished runs say but how long they took, by the name of their folder."""
    found = {}
    for mark in folder.glob("runs/whole-*/trials/*/*/DONE"):
        record = records.read(mark.parent, test=True)
        rows = [{key: value for key, value in row.items() if key != "seconds"} for row in record.evaluations]
        found[mark.parent.name] = (record.status, record.summary["state_sha256"], rows)
    return found


def attempts(folder):
    """How many attempts there were at each run."""
    return {path.name: len(list(path.glob("metrics-*"))) for path in folder.glob("runs/whole-*/trials/*/*")}
