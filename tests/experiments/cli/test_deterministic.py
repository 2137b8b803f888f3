"""A switch holds TensorFlow to operations that repeat to the last bit, for debugging: no claim rests on it (B24)."""

import dataclasses

import pytest
import tensorflow as tf

from experiments import studies
from experiments.analysis.lint.case import cases, identities
from experiments.cli import request
from experiments.running.engines import execute
from experiments.studies import identity, runs
from tests.experiments.small import TOML, run, study


def test_the_switch_makes_another_study_with_other_runs_and_programs():
    """It is part of every identity; without it, identities are what they were before there was one."""
    usual, exact = study(), study(deterministic=True)
    assert identity.study_hash(usual) != identity.study_hash(exact)
    assert identity.tuning_hash(usual) != identity.tuning_hash(exact)
    one, other = run(), run(deterministic=True)
    assert not [key for key in one.content if key == "deterministic"]
    assert other.content["deterministic"] is True
    assert one.program != other.program
    assert runs.Run(**other.content) == other


def test_a_study_or_the_command_line_turns_it_on():
    """In a file it is true or false, and nothing else."""
    whole = studies.parse("deterministic = true\n" + TOML, "small.toml")
    assert whole.deterministic
    assert request.changed(study(), request.Options("small", deterministic=True)).deterministic
    assert request.changed(whole, request.Options("small")).deterministic
    assert not request.changed(study(), request.Options("small")).deterministic
    with pytest.raises(studies.reading.UserError, match="deterministic: must be true or false"):
        studies.parse("deterministic = 1\n" + TOML, "small.toml")


@pytest.mark.parametrize("changes", [{"deterministic": True}, {"epochs": 2}, {"grid": "passes"}, {"data": "mnist"}])
def test_the_lint_knows_the_study_that_the_command_line_made(changes):
    """Its records are not those of another study."""
    path = studies.find("mnist")
    made = request.changed(studies.load(path), request.Options("mnist", **changes))
    (case,) = cases(dataclasses.replace(made, optimizers=made.optimizers[:2]), [], path=path)
    assert identities(case)[runs.EVALUATION] == identity.study_hash(made)


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_worker_turns_it_on_before_anything_is_compiled(monkeypatch, deterministic):
    """And leaves TensorFlow as it is without."""
    done = []
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: done.append("exact"))
    monkeypatch.setattr("experiments.running.training.train.Program", lambda *given: done.append("compiled"))
    monkeypatch.setattr(execute.WorkerCache, "_splits", lambda self, run: None)
    execute.WorkerCache().program(dataclasses.replace(run(), deterministic=deterministic))
    assert done == (["exact", "compiled"] if deterministic else ["compiled"])
