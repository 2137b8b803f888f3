"""Learning rates are chosen by one rule, on validation data, from the same number of trials for all."""

import dataclasses
import json
import math

import pytest

from experiments import studies
from experiments.errors import UserError
from experiments.studies import Tuning, identity, runs
from experiments.tuning import choosing, selection
from experiments.tuning.search import LogUniform
from tests.experiments.small import TOML, middle, record, saved, select, study, trial

BOTH = GD, ADAM = study().optimizers


def search_of(entry=GD, **changes):
    """The first search of an optimizer of the small study: three points."""
    return choosing.searches(study(**changes), entry)[0]


def trials_with_best(search, index, label="GD"):
    """One trial a point; the best has the highest accuracy."""
    return [
        trial(
            label,
            point.values["learning_rate"],
            accuracy=0.9 if point.index == index else 0.5,
            **choosing.place(search, point),
        )
        for point in search.points
    ]


def edge(search):
    """The index of the point with the lowest rate, which on this problem lies in the outer tenth."""
    return min(search.points, key=lambda point: point.units[0]).index


def test_all_optimizers_are_tried_at_the_same_places_around_their_defaults():
    """The same relative rates, four decades wide."""
    places = [[point.values["learning_rate"] / e.default_learning_rate for point in search_of(e).points] for e in BOTH]
    assert places[0] == pytest.approx(places[1], rel=1e-5)  # values have six digits
    assert all(0.01 <= place <= 100 for place in places[0])


def test_the_highest_median_wins():
    """One lucky seed does not choose."""
    trials = [trial(index=0, accuracy=a, seed=s) for s, a in enumerate((0.99, 0.1, 0.2))]
    trials += [trial(index=1, accuracy=a, seed=s) for s, a in enumerate((0.6, 0.7, 0.5))]
    assert choosing.best(trials) == 1


def test_ties_go_to_the_lower_loss_and_then_to_the_earlier_point():
    """The choice does not depend on the order of the trials."""
    trials = [trial(index=0, loss=0.5), trial(index=1, loss=0.4), trial(index=2, loss=0.4)]
    assert choosing.best(trials[::-1]) == 1


def test_a_diverged_trial_is_the_worst():
    """A rate that diverges with one of two seeds is not chosen; where all do, the lowest rate leads downwards."""
    trials = [trial(index=0, accuracy=a, seed=s) for s, a in enumerate((0.99, -math.inf))]
    trials += [trial(index=1, accuracy=0.3, seed=s) for s in range(2)]
    assert choosing.best(trials) == 1
    lost = [trial(index=i, rate=r, accuracy=-math.inf, loss=math.inf) for i, r in enumerate((0.3, 0.1, 0.2))]
    assert choosing.best(lost) == 1


def test_a_wider_search_is_asked_for_while_the_best_lies_at_the_edge():
    """The side of the edge is widened by a decade, and all points are run again."""
    first = search_of()
    (second,) = choosing.settle(study(), GD, trials_with_best(first, edge(first)))
    assert (second.widenings, second.space) == (1, (LogUniform("learning_rate", 1e-5, 1.0),))


def test_a_best_inside_settles():
    """Nothing more is tried, and nothing is flagged."""
    search = search_of()
    choice = choosing.settle(study(), GD, trials_with_best(search, middle(search)))
    assert choice.values == search.points[middle(search)].values
    assert (choice.window, choice.widenings, choice.boundary) == ((1e-4, 1.0), 0, False)
    assert (choice.validation_score, choice.trials) == (0.9, (3, 3))


def test_a_best_at_the_edge_is_flagged_when_no_widening_is_left():
    """The report says that a better rate may lie outside."""
    whole = study(tuning=Tuning((1000,)))
    (search,), trials = choosing.searches(whole, GD), []
    while True:
        trials += trials_with_best(search, edge(search))
        found = choosing.settle(whole, GD, trials)
        if isinstance(found, choosing.Choice):
            break
        (search,) = found
    assert (found.widenings, found.boundary, found.trials) == (6, True, (3, 21))
    assert found.window == (1e-10, 1.0)


def test_a_missing_trial_is_asked_for():
    """A choice from part of a search would favour what was tried."""
    search = search_of()
    assert choosing.settle(study(), GD, trials_with_best(search, 0)[:-1]) == [search]


def test_of_several_rounds_the_median_is_taken():
    """Not the luckiest; five points that are the same for all problems are never widened."""
    whole = study(track="agnostic")
    trials = []
    for search, accuracy in zip(choosing.searches(whole, GD), (0.9, 0.7, 0.8), strict=True):
        assert (search.problem, search.trials) == ("agnostic", 5)
        trials += [dataclasses.replace(t, score=accuracy) for t in trials_with_best(search, edge(search))]
    choice = choosing.settle(whole, GD, trials)
    assert (choice.round, choice.validation_score) == (2, 0.8)


@pytest.mark.parametrize("track", ["default", "self-tuning"])
def test_a_track_without_tuning_takes_the_documented_rates(tmp_path, track):
    """No file is needed, and none is read."""
    found = selection.read(tmp_path / "small.toml", study(track=track))
    assert {label: choice.learning_rate for label, choice in found.items()} == {"GD": 0.01, "Adam": 0.001}


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
    changed.write_text(text.replace('"learning_rate": 0.0', '"learning_rate": 0.1').replace(",0.9,", ",0.1,"), "utf-8")
    assert changed.read_text(encoding="utf-8") != text
    with pytest.raises(UserError, match="do not lead to"):
        selection.read(path, study())


@pytest.mark.parametrize(("word", "count"), [("trials", 5), ("diverged", 1)])
def test_a_selection_that_counts_its_trials_wrongly_is_refused(tmp_path, word, count):
    """What it says of its cost is what the evidence has (rule B23): six trials, none of which diverged."""
    path = tmp_path / "small.toml"
    select(path, study())
    selected = selection.paths(path)[0]
    content = saved(selected)
    assert (content["trials"], content["diverged"]) == (6, 0)
    selected.write_text(json.dumps({**content, word: count}), "utf-8")
    with pytest.raises(UserError, match="do not lead to"):
        selection.read(path, study())


def test_costs_are_read_from_the_evidence(tmp_path):
    """Runs, those of widened searches, and gradients; how long they took is no part of it."""
    path = tmp_path / "small.toml"
    select(path, study())
    evidence = selection.paths(path)[1]
    text = evidence.read_text(encoding="utf-8")
    found = selection.costs_of(text, study())
    # A pass over 4,000 examples is one step of GD, and 32 in batches of 128.
    assert {label: (c.runs, c.widened, c.steps, c.gradients) for label, c in found.items()} == {
        "GD": (3, 0, 3, 12_000),
        "Adam": (3, 0, 96, 12_000),
    }
    assert math.isnan(found["GD"].seconds)


def test_a_broken_selection_is_refused_in_one_sentence(tmp_path):
    """A merge conflict in the file is no traceback."""
    path = tmp_path / "small.toml"
    select(path, study())
    selection.paths(path)[0].write_text("<<<<<<<", encoding="utf-8")
    with pytest.raises(UserError, match="cannot be read"):
        selection.read(path, study())


PROBLEMS = [
    own for name in studies.names() for own in studies.each(studies.find(name), studies.declared(studies.find(name)))
]


@pytest.mark.parametrize(
    ("path", "whole"),
    [pytest.param(*own, id=own[0].stem) for own in PROBLEMS if selection.paths(own[0])[0].exists()],
)
def test_committed_selections_follow_from_their_evidence(path, whole):
    """Every committed rate is the one that the committed trials and the rule give, for this very study."""
    choices = selection.read(path, whole)
    assert set(choices) == {entry.label for entry in whole.optimizers}
    in_last_search = {choice.trials[0] for choice in choices.values()}
    assert in_last_search == {whole.limits.trials * len(whole.tuning.seeds)}


@pytest.mark.parametrize("name", ["mnist", "mni152", "functions"])
def test_the_embedded_studies_have_their_selections(name):
    """The README's commands need no tuning first."""
    path = studies.find(name)
    for own, whole in studies.each(path, studies.load(path)):
        assert saved(selection.paths(own)[0])["tuning_hash"] == identity.tuning_hash(whole)


def test_evidence_names_only_tuning_seeds(tmp_path):
    """No evaluation seed has a part in the choice."""
    path = tmp_path / "small.toml"
    select(path, studies.parse(TOML, "small.toml"))
    trials = selection.trials_of(selection.paths(path)[1].read_text(encoding="utf-8"))
    assert {trial.seed for trial in trials} == {1000}


def test_of_a_loss_the_lowest_is_best(tmp_path):
    """Where a problem is judged by its loss, the point with the lowest is chosen; the files say the loss as it is."""
    whole, path = study(task="quadratic_deep", data="quadratic_deep"), tmp_path / "small.toml"
    found = []
    for entry in whole.optimizers:
        (search,) = choosing.searches(whole, entry)
        for point in search.points:
            loss = 0.1 if point.index == middle(search) else 0.5
            rate, place = point.values["learning_rate"], choosing.place(search, point)
            made = record(entry.label, (0.1, 0.9), rate, 1000, runs.TUNING, place)
            last = {"epoch": 1, "validation_loss": loss, "running_loss": loss, "example_gradients": 1}
            one = dataclasses.replace(made.run, task="quadratic_deep")
            found.append(dataclasses.replace(made, run=one, evaluations=(last,)))
    trials = [choosing.trial_of(made) for made in found]
    choices = {entry.label: choosing.settle(whole, entry, trials) for entry in whole.optimizers}
    selection.write(path, whole, found, choices)
    assert {choice.validation_score for choice in choices.values()} == {-0.1}
    assert {choice["validation_loss"] for choice in saved(selection.paths(path)[0])["choices"].values()} == {0.1}
    assert saved(selection.paths(path)[0])["rule"] == "lowest median validation loss after the last epoch"
    assert selection.read(path, whole) == choices
