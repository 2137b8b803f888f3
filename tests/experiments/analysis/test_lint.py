"""The lint says nothing of a sound study, and of each violation exactly the one that was planted (rule B22)."""

import dataclasses

import pytest

from experiments import studies as config
from experiments.__main__ import main
from experiments.analysis.lint import RULES, Case, check, findings, scores, searches
from experiments.cli.request import Options, narrowed
from experiments.records import attempts, run_folder
from experiments.studies import runs
from experiments.tuning import choosing, selection
from experiments.tuning.search import LogUniform, Search
from tests.experiments.planted import PLANTED
from tests.experiments.sound import ALONE, RECORDS, SOUND, STUDY, TOML, accurate, all_of

CODES = {rule: code for code, rule in RULES}


def test_of_a_sound_study_there_is_nothing_to_say():
    """With all its records, with none, and with the evaluation alone."""
    assert check(SOUND) == check(ALONE) == []
    assert findings(STUDY, [record for record in RECORDS if record.run.kind == runs.EVALUATION]) == []


@pytest.mark.parametrize(("rule", "plant", "words"), PLANTED, ids=[rule.__name__ for rule, _, _ in PLANTED])
def test_a_planted_violation_is_found_and_nothing_else(rule, plant, words, match):
    """One finding, with the code of its rule and the names of what breaks it."""
    (found,) = check(plant())
    assert found.code == CODES[rule]
    match(words, found.sentence)
    assert str(found) == f"{found.code}: {found.sentence}"


@pytest.fixture
def match():
    """Returns what compares a text with a pattern."""

    def compare(pattern, text):
        with pytest.raises(AssertionError, match=pattern):
            raise AssertionError(text)

    return compare


def test_unequal_spaces_are_found(monkeypatch):
    """A study cannot say such a thing; code could."""

    def narrow(study, entry):
        return [Search(study.task, 0, (LogUniform("learning_rate", 1e-3, 1e-1 if entry.label == "SGD" else 1e-2),), 8)]

    monkeypatch.setattr("experiments.tuning.choosing.searches", narrow)
    found = check(ALONE)
    assert {finding.code for finding in found} == {"L-B6"}
    assert found[0].sentence == "SGD and Momentum must have the same decades of learning rate, got 2.0 and 1.0."


@pytest.mark.parametrize(("budget", "lazy", "count"), [("standard", False, 0), ("paper", False, 1), ("paper", True, 0)])
def test_adam_contains_momentum_where_epsilon_is_searched_and_every_row_moves(budget, lazy, count):
    """Otherwise no point of its space is momentum, and to be worse is no sign of a poor search."""
    spoilt = all_of("Momentum", accurate(0.05))
    entries = tuple(
        dataclasses.replace(entry, hyperparameters={"lazy": True} if lazy and entry.label == "Adam" else {})
        for entry in STUDY.optimizers
    )
    spoilt = dataclasses.replace(spoilt, study=dataclasses.replace(STUDY, budget=budget, optimizers=entries))
    found = [sentence for sentence in scores.excluded(spoilt) if "Adam contains Momentum" in sentence]
    assert len(found) == count


@pytest.mark.parametrize(("names", "limited"), [(("Adam", "Lion"), True), (("AdamW", "Lion"), False)])
def test_a_study_narrowed_without_its_reference_allows_no_claim(names, limited):
    """As `--optimizers` narrows it: comparisons of all pairs were not planned."""
    (path, study), *_ = config.each(config.find("modern"), config.load(config.find("modern")))
    part = narrowed(study, Options("modern", optimizers=names))
    found = [one for one in findings(part, [], path=path) if one.code == "L-B18"]
    assert [one.limits for one in found] == [True] * limited


def test_every_rule_has_a_planted_violation():
    """A check that was never seen to find anything may find nothing."""
    assert {rule for rule, _, _ in PLANTED} | {searches.unequal_spaces} == {rule for _, rule in RULES}


def test_hyperparameters_that_are_not_the_point_are_found():
    """Not the learning rate alone."""
    study = dataclasses.replace(STUDY, budget="standard")
    entry = next(e for e in study.optimizers if e.label == "Adam")
    (search,) = choosing.searches(study, entry)
    point = search.points[0]
    for values, expected in ((point.values, 0), ({**point.values, "beta_1": 0.5}, 1)):
        run = runs.plan("0" * 64, study, runs.TUNING, entry, values, 1000, choosing.place(search, point))
        record = dataclasses.replace(RECORDS[0], run=run)
        case = Case(study, (record,), trials=(choosing.trial_of(record),))
        assert len(list(searches.foreign_points(case))) == expected


def test_points_of_a_widened_search_are_known():
    """They follow from the best of the search before."""
    entry = STUDY.optimizers[0]
    (search,) = choosing.searches(STUDY, entry)
    lowest = min(search.points, key=lambda point: point.units[0]).index
    wider = search.widened(lowest)
    assert wider is not None
    trials = [
        choosing.Trial("SGD", p.values["learning_rate"], 1000, 1.0 if p.index == lowest else 0.5, 1.0, 0, w, p.index)
        for w, one in enumerate((search, wider))
        for p in one.points
    ]
    assert list(searches.foreign_points(Case(STUDY, trials=tuple(trials)))) == []
    trials[-1] = dataclasses.replace(trials[-1], learning_rate=9.0)
    assert len(list(searches.foreign_points(Case(STUDY, trials=tuple(trials))))) == 1


@pytest.fixture
def written(tmp_path, monkeypatch):
    """The sound study in a folder, with its choices and its records on the disk."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "sound.toml"
    path.write_text(TOML, encoding="utf-8")
    tuning = [record for record in RECORDS if record.run.kind == runs.TUNING]
    selection.write(path, STUDY, tuning, SOUND.choices)
    for record in RECORDS:
        attempt = attempts.Attempt(run_folder.folder(run_folder.ROOT, "sound", record.run), record.run)
        for evaluation in record.evaluations:
            attempt.append(evaluation)
        attempt.finish(record.status, record.environment, record.summary)
    return path


def test_the_command_says_what_it_finds(written, capsys):
    """0 and nothing to say; 1 when a run is gone; 2 for a study that is not there."""
    assert main(["lint", "sound.toml"]) == 0
    assert capsys.readouterr().out == "sound: no findings\n"
    (run_folder.folder(run_folder.ROOT, "sound", RECORDS[-1].run) / "DONE").unlink()
    assert main(["lint", "sound.toml"]) == 1
    assert capsys.readouterr().out == "sound: L-B15: Runs are missing: Adam seed 4.\n"
    assert main(["lint", "sund"]) == 2
    assert "Unknown study 'sund'" in capsys.readouterr().err


def test_a_search_without_all_of_its_rounds_is_found():
    """Three scrambles are asked for, and one was tried (rule B12)."""
    study = dataclasses.replace(STUDY, track="agnostic")
    (found,) = [f for f in check(Case(study, trials=SOUND.trials[:16])) if f.code == "L-B12"]
    assert found.sentence == "SGD was searched in 1 of 3 rounds."


def test_the_evidence_tells_the_cost_that_the_records_have(written):
    """A record that the evidence does not know of was paid for all the same (rule B23)."""
    run = dataclasses.replace(RECORDS[0].run, seed=1002)
    more = dataclasses.replace(RECORDS[0], run=run)
    assert findings(written, RECORDS) == []
    codes = {found.code: found.sentence for found in findings(written, [*RECORDS, more])}
    assert codes["L-B23"] == (
        "The evidence says that SGD took 16 runs (0 after widening), 1,024 steps and 128,000 gradients, "
        "but its records took 17 runs (0 after widening), 1,088 steps and 136,000 gradients."
    )


def test_a_damaged_record_is_told(written, capsys):
    """It is no record, and its run is missing."""
    folder = run_folder.folder(run_folder.ROOT, "sound", RECORDS[-1].run)
    (folder / "metrics-1.jsonl").write_text("", encoding="utf-8")
    assert main(["lint", "sound.toml"]) == 1
    out = capsys.readouterr().out
    assert f"sound: L-B2: 1 records of mnist_mlp are damaged, such as: the record in {folder} is damaged: " in out
    assert "L-B15" in out


def test_committed_evidence_serves_where_records_are_gone(written):
    """Choices are read and checked beside the study; a trial altered in the evidence is refused with it."""
    assert findings(written, []) == []
    evidence = selection.paths(written)[1]
    evidence.write_text(evidence.read_text(encoding="utf-8").replace("done", "diverged", 1), encoding="utf-8")
    (found,) = findings(written, [])
    assert (found.code, found.sentence.split(";")[0]) == (
        "L-B2",
        "The trials in sound.tuning.csv do not lead to sound.selection.json",
    )


def test_a_part_of_a_study_is_judged_as_a_part(written):
    """Some optimizers or other seeds: records name the whole study, and the choices are the whole study's."""
    part = dataclasses.replace(STUDY, optimizers=STUDY.optimizers[1:])
    own = [r for r in RECORDS if r.run.label != "SGD" and r.run.kind == runs.EVALUATION]
    assert findings(part, own, path=written) == []
    (found,) = findings(written, own)
    assert found.code == "L-B15"


def test_each_problem_of_a_study_is_judged_by_itself(tmp_path):
    """By the file of the study, and by the path of one of its problems."""
    problems = '\n[[problems]]\ntask = "mnist_mlp"\n\n[[problems]]\ntask = "rosenbrock"\ndata = "rosenbrock"\n'
    text = TOML.replace('task = "mnist_mlp"\n', "").replace('budget = "laptop"', 'budget = "standard"')
    path = tmp_path / "two.toml"
    path.write_text(text + problems, encoding="utf-8")
    assert [finding.code for finding in findings(path, [])] == ["L-B20"]
    of_path = [own for own, _ in config.each(path, config.load(path))]
    assert [len(findings(own, [])) for own in of_path] == [0, 1]
