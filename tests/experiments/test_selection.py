"""Learning rates are chosen by one rule, on validation data, from the same number of trials for all."""

import dataclasses
import math

import pytest

from experiments import config, selection
from experiments.errors import UserError
from tests.experiments.small import TOML, saved, select, study, trial

GD, ADAM = study().optimizers


def trials_with_best(rates, best, label="GD"):
    """One trial a rate; the best has the highest accuracy."""
    return [trial(label, rate, accuracy=0.9 if rate == best else 0.5) for rate in rates]


def test_window_lies_around_the_documented_default():
    """The same width and number of rates for every optimizer."""
    assert selection.window(GD, study().tuning, 0) == [0.001, 0.01, 0.1]
    assert selection.window(ADAM, study().tuning, 0) == [0.0001, 0.001, 0.01]


def test_windows_share_their_rates_bit_for_bit():
    """A run of one window serves the next, since the rate is part of its identity."""
    tuning = dataclasses.replace(study().tuning, points=9, decades=4)
    first, second = (selection.window(GD, tuning, slides) for slides in (0, 1))
    assert first[2:] == second[:-2]


def test_the_highest_median_wins():
    """One lucky seed does not choose."""
    trials = [trial(rate=0.1, accuracy=a, seed=s) for s, a in enumerate((0.99, 0.1, 0.2))]
    trials += [trial(rate=0.2, accuracy=a, seed=s) for s, a in enumerate((0.6, 0.7, 0.5))]
    assert selection.best([0.1, 0.2], trials) == 0.2


def test_ties_go_to_the_lower_loss_and_then_to_the_smaller_rate():
    """The choice does not depend on the order of the trials."""
    trials = [trial(rate=0.1, loss=0.5), trial(rate=0.2, loss=0.4), trial(rate=0.3, loss=0.4)]
    assert selection.best([0.1, 0.2, 0.3], trials[::-1]) == 0.2


def test_a_diverged_trial_is_the_worst():
    """A rate that diverges with one of two seeds is not chosen."""
    trials = [trial(rate=0.1, accuracy=a, seed=s) for s, a in enumerate((0.99, -math.inf))]
    trials += [trial(rate=0.2, accuracy=0.3, seed=s) for s in range(2)]
    assert selection.best([0.1, 0.2], trials) == 0.2


def test_the_next_window_is_asked_for_while_the_best_lies_at_the_edge():
    """The window moves on by a decade towards the edge."""
    first = trials_with_best([0.001, 0.01, 0.1], 0.1)
    assert selection.settle(study(), GD, first) == [0.01, 0.1, 1.0]


def test_a_best_inside_settles():
    """Nothing more is tried, and nothing is flagged."""
    choice = selection.settle(study(), GD, trials_with_best([0.001, 0.01, 0.1], 0.01))
    assert choice == selection.Choice(0.01, (0.001, 0.1), 0, False, 0.9, (3, 3))


def test_a_best_at_the_edge_is_flagged_when_no_slide_is_left():
    """The reader is told that a better rate may lie outside."""
    trials = [*trials_with_best([0.001, 0.01], None), trial(rate=0.1, accuracy=0.6), trial(rate=1.0, accuracy=0.9)]
    choice = selection.settle(study(), GD, trials)
    assert (choice.learning_rate, choice.slides, choice.boundary, choice.trials) == (1.0, 1, True, (3, 4))


def test_a_missing_trial_is_asked_for():
    """A choice from part of a window would favour what was tried."""
    trials = trials_with_best([0.001, 0.01], 0.01)
    assert selection.settle(study(), GD, trials) == [0.001, 0.01, 0.1]


def test_what_is_written_is_read_back(tmp_path):
    """Choice and evidence survive their files."""
    path = tmp_path / "small.toml"
    assert select(path, study()) == selection.read(path, study())


def test_no_selection_is_refused_with_the_command_that_makes_one(tmp_path):
    """Rates are never made up."""
    with pytest.raises(UserError, match="no chosen learning rates yet; choose them with: python -m experiments tune"):
        selection.read(tmp_path / "small.toml", study())


def test_a_selection_for_another_definition_is_refused(tmp_path):
    """Rates chosen for another budget are not the study's."""
    path = tmp_path / "small.toml"
    select(path, study())
    with pytest.raises(UserError, match="chosen for another definition of the study small"):
        selection.read(path, study(epochs=2))


@pytest.mark.parametrize("file", [0, 1])
def test_a_choice_that_its_evidence_does_not_give_is_refused(tmp_path, file):
    """Neither file can be changed by hand without the other showing it."""
    path = tmp_path / "small.toml"
    select(path, study())
    changed = selection.paths(path)[file]
    text = changed.read_text(encoding="utf-8")
    changed.write_text(text.replace('"learning_rate": 0.01', '"learning_rate": 0.1').replace(",0.9,", ",0.8,"), "utf-8")
    assert changed.read_text(encoding="utf-8") != text
    with pytest.raises(UserError, match="do not lead to"):
        selection.read(path, study())


def test_a_broken_selection_is_refused_in_one_sentence(tmp_path):
    """A merge conflict in the file is no traceback."""
    path = tmp_path / "small.toml"
    select(path, study())
    selection.paths(path)[0].write_text("<<<<<<<", encoding="utf-8")
    with pytest.raises(UserError, match="cannot be read"):
        selection.read(path, study())


@pytest.mark.parametrize("name", [n for n in config.names() if selection.paths(config.find(n))[0].exists()])
def test_committed_selections_follow_from_their_evidence(name):
    """Every committed rate is the one that the committed trials and the rule give, for this very study."""
    path = config.find(name)
    whole = config.load(path)
    choices = selection.read(path, whole)
    assert set(choices) == {entry.label for entry in whole.optimizers}
    in_window = {choice.trials[0] for choice in choices.values()}
    assert in_window == {whole.tuning.points * len(whole.tuning.seeds)}


def test_the_default_study_has_its_selection():
    """The README's command needs no tuning first."""
    path = config.find("mnist")
    assert saved(selection.paths(path)[0])["tuning_hash"] == config.tuning_hash(config.load(path))


def test_evidence_names_only_tuning_seeds(tmp_path):
    """No evaluation seed has a part in the choice."""
    path = tmp_path / "small.toml"
    select(path, config.parse(TOML, "small.toml"))
    trials = selection.trials_of(selection.paths(path)[1].read_text(encoding="utf-8"))
    assert {trial.seed for trial in trials} == {1000}
