"""A study that takes seconds with real worker processes, of TensorFlow or of its stand-in, and what its records say."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from experiments.records import run_folder

ROOT = Path(__file__).parents[2]
STANDIN = Path(__file__).parent / "standin"
EPOCHS = 120
KILLS = 20
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


def start(folder, *words, real=False, limits="", variables=None, **changes):
    """Starts the program in a folder; where it is not real, its workers train the stand-in.

    Args:
        folder: where.
        words: the command.
        real: whether TensorFlow trains.
        limits: Python that the process runs before it becomes the program.
        variables: further ones of its environment.
        changes: further arguments of `Popen`.
    """
    places = [str(ROOT)] if real else [str(STANDIN), str(ROOT)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places), **(variables or {})}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **changes}
    command = [sys.executable, "-m", "experiments", *words]
    if limits:
        command = [sys.executable, "-c", f"import os, sys\n{limits}\nos.execv(sys.argv[1], sys.argv[1:])", *command]
    return subprocess.Popen(command, cwd=folder, env=environment, **pipes)


def finish(running):
    """Waits for the program; returns its exit code and what it said."""
    out, said = running.communicate(timeout=300)
    return running.returncode, out + said


def program(folder, *words, **how):
    """Runs the program in a folder as `start` does; returns its exit code and what it said."""
    return finish(start(folder, *words, **how))


def results(folder):
    """All that the finished runs say but how long they took, by the name of their folder."""
    found = {}
    for mark in folder.glob("runs/whole-*/trials/*/*/DONE"):
        record = run_folder.read(mark.parent, test=True)
        rows = [{key: value for key, value in row.items() if key != "seconds"} for row in record.evaluations]
        found[mark.parent.name] = (record.status, record.summary["state_sha256"], rows)
    return found


def attempts(folder):
    """How many attempts there were at each run."""
    return {path.name: len(list(path.glob("metrics-*"))) for path in folder.glob("runs/whole-*/trials/*/*")}


def begun(folder, attempt=1):
    """Waits until some run has begun an attempt and passed its second evaluation."""
    for _ in range(3000):
        for path in folder.glob(f"runs/whole-*/trials/*/*/metrics-{attempt}.jsonl"):
            if not (path.parent / "DONE").exists() and path.read_bytes().count(b"\n") > 2:
                return path.parent
        time.sleep(0.01)
    raise AssertionError("no run has begun")


def battered(folder, words, early, real=False):
    """Carries out the study, killed twenty times: the engine, its worker, or both; returns how often it was at work.

    Args:
        folder: where it is.
        words: the command.
        early: share of the kills that come while the program starts, at random times; the others come after a
            random number of evaluations, on any machine.
        real: whether TensorFlow trains.
    """
    draw, interrupted = random.Random(6), 0
    for number in range(KILLS):
        running = start(folder, *words, real=real, stdout=None, stderr=subprocess.DEVNULL)
        if draw.random() < early:
            time.sleep(draw.uniform(0.0, 2.0))
        else:
            _evaluated(folder, running, draw.randint(1, 40))
            time.sleep(draw.uniform(0.0, 0.02))
        interrupted += running.poll() is None
        workers = children(running.pid)
        for pid in ([running.pid], workers, [running.pid, *workers])[number % 3]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        running.kill()
        running.wait()
    code, said = program(folder, *words, real=real)
    assert code == 0, said
    return interrupted


def _evaluated(folder, running, count):
    """Waits for a number of further lines of metrics, or the program's end."""
    before = _lines(folder)
    while running.poll() is None and _lines(folder) < before + count:
        time.sleep(0.005)


def _lines(folder):
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("runs/whole-*/trials/*/*/metrics-*.jsonl"))


def children(pid):
    """The processes that a process has started."""
    said = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(word) for word in said.split()]
