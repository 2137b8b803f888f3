"""Files and lines are whole or absent, whatever else writes at the same time."""

import subprocess
import sys
import zlib

import pytest

from experiments.records import files

WRITER = """
import sys
from pathlib import Path
from experiments.records import files
for number in range(200):
    files.append(Path(sys.argv[1]), {"writer": int(sys.argv[2]), "number": number, "text": "x" * 300})
"""


def test_eight_processes_that_write_at_once_tear_nothing(tmp_path):
    """Eight times 200 lines, all in one file, all whole, each writer's in its order."""
    path = tmp_path / "lines.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, path, str(number)]) for number in range(8)]
    assert [0] * 8 == [writer.wait(60) for writer in writers]
    found, bad = files.lines_of(path)
    assert (len(found), bad) == (1600, [])
    for writer in range(8):
        assert [line["number"] for line in found if line["writer"] == writer] == list(range(200))


def test_checksums_have_the_known_values():
    """Other tools can check our lines."""
    assert f"{zlib.crc32(b'123456789'):08x}" == "cbf43926"
    assert files.line({"step": 10, "loss": 0.5}) == '{"loss":0.5,"step":10,"crc":"215028d5"}'


def test_torn_lines_are_left_out(tmp_path):
    """Whole lines before and after a torn one are kept, wherever it was cut; the bad one is told by its number."""
    path = tmp_path / "lines.jsonl"
    whole = [files.line({"step": step}) for step in range(3)]
    for cut in range(1, len(whole[1]) - 1):
        path.write_text("\n".join([whole[0], whole[1][:cut], whole[2]]), encoding="utf-8")
        assert [found["step"] for found in files.lines_of(path)[0]] == [0, 2]
        assert files.lines_of(path)[1] == [2]


def test_a_line_after_a_torn_one_is_whole(tmp_path):
    """What a full disk cut off stays alone."""
    path = tmp_path / "lines.jsonl"
    files.append(path, {"step": 0})
    path.write_text(path.read_text(encoding="utf-8") + files.line({"step": 1})[:9], encoding="utf-8")
    files.append(path, {"step": 2})
    assert files.lines_of(path) == ([{"step": 0}, {"step": 2}], [2])


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    """A full disk costs the new file, not the old one."""
    path = tmp_path / "file"
    files.write(path, "old")

    def full(descriptor):
        raise OSError("no space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(files.StorageError, match=r"file cannot be written: no space left on device \(.* MiB free\)"):
        files.write(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert [path] == list(tmp_path.iterdir())
