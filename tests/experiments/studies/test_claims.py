"""Claims in a study file: on its entries, whatever the case of labels, and no part of its identity."""

import re

import pytest

from experiments import studies
from experiments.cli.request import Options, narrowed
from experiments.errors import UserError
from experiments.studies import identity
from tests.experiments.small import TOML

CLAIM = """
[[claims]]
source = "Someone, 2020"
better = ["adam"]
than = ["gd"]
gain = 0.02
"""


def test_labels_are_spelled_as_those_of_the_entries():
    """So that the report finds their runs."""
    (claim,) = studies.parse(TOML + CLAIM, "x.toml").claims
    assert (claim.better, claim.than) == (("Adam",), ("GD",))


def test_a_wrong_label_is_named_with_its_place():
    """And with the nearest one."""
    with pytest.raises(UserError, match=re.escape("claims[0].than: Unknown label 'gf': did you mean 'gd'?")):
        studies.parse(TOML + CLAIM.replace("gd", "gf"), "x.toml")


def test_nothing_is_to_beat_itself():
    """There would be no difference to answer with."""
    with pytest.raises(UserError, match=r"claims\[0\].than: has adam, as better does"):
        studies.parse(TOML + CLAIM.replace("gd", "Adam"), "x.toml")


def test_runs_and_choices_are_those_of_the_study_without_it():
    """It is asked of runs that are there."""
    asking, silent = (studies.parse(text, "x.toml") for text in (TOML + CLAIM, TOML))
    assert identity.study_hash(asking) == identity.study_hash(silent)
    assert identity.tuning_hash(asking) == identity.tuning_hash(silent)


@pytest.mark.parametrize(("names", "kept"), [(("GD", "Adam"), 1), (("GD",), 0)])
def test_a_part_of_a_study_asks_what_it_has_runs_for(names, kept):
    """As `--optimizers` narrows it."""
    part = narrowed(studies.parse(TOML + CLAIM, "x.toml"), Options("x", optimizers=names))
    assert len(part.claims) == kept
