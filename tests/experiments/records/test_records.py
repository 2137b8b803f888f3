"""A record is whole or it is none; what is recorded is not made again, and not altered unseen."""

import json
import math

import pytest

from experiments import environment
from experiments.errors import UserError
from experiments.records import attempts, files, run_folder
from tests.experiments.small import evaluations, run


@pytest.fixture
def folder(tmp_path):
    """The folder of a run."""
    return run_folder.folder(tmp_path, "small", run())


def finished(folder, accuracies=(0.1, 0.9), status="done"):
    """Writes a record of the small run."""
    attempt = attempts.Attempt(folder, run())
    for evaluation in evaluations(accuracies):
        attempt.append(evaluation)
    attempt.finish(status, environment.describe(1), {"note": "small"})
    return attempt


def test_a_record_is_read_back_as_it_was_written(folder):
    """The specification, how it ended, and every evaluation."""
    finished(folder)
    record = run_folder.read(folder, test=True)
    assert (record.run, record.status, record.summary) == (run(), "done", {"note": "small"})
    assert record.evaluations == evaluations((0.1, 0.9))


def test_test_scores_are_opened_only_on_request(folder):
    """Nothing that chooses can see them by accident."""
    finished(folder)
    assert not [key for evaluation in run_folder.read(folder).evaluations for key in evaluation if "test" in key]
    assert "test_accuracy" not in (folder / "metrics-1.jsonl").read_text(encoding="utf-8")


def test_numbers_that_json_lacks_survive(folder):
    """A diverged run is a result, NaN and all."""
    finished(folder, (0.1, math.nan), "diverged")
    record = run_folder.read(folder)
    assert record.status == "diverged"
    assert math.isnan(record.evaluations[1]["train_accuracy"])


def test_a_run_without_its_mark_of_completion_is_no_record(folder):
    """A killed run leaves files, and none of them is believed."""
    attempt = attempts.Attempt(folder, run())
    attempt.append(evaluations((0.1,))[0])
    assert run_folder.read(folder) is None


@pytest.mark.parametrize("name", ["metrics-1.jsonl", "test-1.jsonl", "result-1.json", "spec.json"])
def test_an_altered_record_is_no_record(folder, name):
    """Every file is under a checksum, or is one."""
    finished(folder)
    path = folder / name
    path.write_text(path.read_text(encoding="utf-8").replace("1", "2", 1), encoding="utf-8")
    assert run_folder.read(folder, test=True) is None


def test_a_damaged_record_is_told_with_the_line(folder):
    """What happened is said in one sentence, with file and line."""
    finished(folder)
    assert run_folder.damage(folder) is None
    path = folder / "metrics-1.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("0.9", "0.8"), encoding="utf-8")
    assert run_folder.damage(folder).endswith("is damaged: metrics-1.jsonl, line 2, does not match its checksum")


def test_a_record_that_does_not_tell_its_steps_is_none(folder):
    """Those of earlier versions, whose evaluations were one after each pass: told in a sentence, and made again."""
    attempt = attempts.Attempt(folder, run())
    for one in evaluations((0.1, 0.9), test=False):
        attempt.append({key: value for key, value in one.items() if key != "step"})
    attempt.finish("done", environment.describe(1), {})
    assert run_folder.read(folder) is None
    assert run_folder.damage(folder).endswith("its evaluations have no step: made by an earlier version")


def test_a_discarded_record_is_made_again_beside_the_old_one(folder):
    """Records of other code are kept, but do not count."""
    finished(folder, (0.1, 0.9))
    run_folder.discard(folder)
    assert run_folder.read(folder) is None
    finished(folder, (0.1, 0.7))
    assert run_folder.read(folder).evaluations[-1]["train_accuracy"] == 0.7


def test_runs_that_differ_in_anything_have_folders_of_their_own(tmp_path):
    """The hash is over the whole specification."""
    runs = [run(), run(seed=1), run(rate=0.002), run("GD"), run(epochs=2), run(batch_size=64)]
    assert len({run_folder.folder(tmp_path, "small", one) for one in runs}) == len(runs)


def test_records_of_other_code_or_versions_are_not_current():
    """A comparison never mixes codes or versions."""
    described = environment.describe(1)
    assert environment.current(described)
    assert not environment.current({**described, "source": "other"})
    assert not environment.current({**described, "keras": "0.0.1"})
    assert not environment.current({**described, "onednn": "other"})


def test_times_of_parallel_runs_are_marked():
    """They may be shown as a hint, and never compared."""
    assert environment.describe(2)["timing"].startswith("not-for-timing")
    assert environment.describe(1)["timing"] == "alone"


@pytest.mark.parametrize("name", ["../elsewhere", "a/b", "", "..", "a b", "/tmp/x"])
def test_a_study_whose_name_is_a_path_is_refused(tmp_path, name):
    """Records stay in their folder."""
    with pytest.raises(UserError, match="A study's name must be letters, digits, _, - and single dots"):
        run_folder.folder(tmp_path, name, run())


def test_a_link_that_leads_out_of_the_records_is_refused(tmp_path):
    """Nothing is written where it points."""
    root, outside = tmp_path / "runs", tmp_path / "outside"
    outside.mkdir()
    path = run_folder.folder(root, "small", run())
    path.parent.mkdir(parents=True)
    path.symlink_to(outside, target_is_directory=True)
    with pytest.raises(UserError, match="leads out of"):
        run_folder.folder(root, "small", run())
    assert [] == list(outside.iterdir())


def test_files_that_are_links_are_not_written_through(folder, tmp_path):
    """Neither lines nor whole files; what a link points at stays as it was."""
    target = tmp_path / "target"
    target.write_text("mine", encoding="utf-8")
    folder.mkdir(parents=True)
    for name in ("test-1.jsonl", "metrics-1.jsonl", "result-2.json"):
        (folder / name).symlink_to(target)
    with pytest.raises(files.StorageError, match="cannot be written"):
        files.append(folder / "metrics-1.jsonl", {"step": 1})
    finished(folder)
    assert target.read_text(encoding="utf-8") == "mine"
    assert run_folder.read(folder, test=True).evaluations == evaluations((0.1, 0.9))


def test_a_record_that_names_files_elsewhere_is_refused(folder, tmp_path):
    """A record from elsewhere cannot have files read from outside its folder."""
    finished(folder)
    (tmp_path / "secret").write_text("mine", encoding="utf-8")
    path = folder / "result-1.json"
    result = json.loads(path.read_text(encoding="utf-8"))
    result["files"]["../../../../secret"] = files.sha256(tmp_path / "secret")
    path.write_text(json.dumps(result), encoding="utf-8")
    (folder / "DONE").write_text(f"1 {files.sha256(path)}", encoding="utf-8")
    assert "names a file '../../../../secret'" in run_folder.damage(folder)


@pytest.mark.parametrize("content", ["", "1", "x y", "1 2 3", "-1 abc", "1 " + "0" * 64])
def test_a_mark_of_completion_that_says_nonsense_is_no_record(folder, content):
    """It is told as damage and never believed."""
    finished(folder)
    (folder / "DONE").write_text(content, encoding="utf-8")
    assert run_folder.read(folder) is None
    assert run_folder.damage(folder).startswith(f"the record in {folder} is damaged: ")


@pytest.mark.parametrize("obstacle", ["file", "missing"])
def test_a_folder_that_cannot_be_made_is_told_with_its_path(tmp_path, obstacle):
    """One sentence, and how to go on."""
    root = tmp_path / "runs"
    root.write_text("in the way", encoding="utf-8") if obstacle == "file" else root.symlink_to(tmp_path / "gone" / "x")
    path = root / "small-0" / "trials"
    with pytest.raises(files.StorageError, match=r"runs/small-0/trials cannot be written: .*same command continues"):
        attempts.Attempt(path, run())
