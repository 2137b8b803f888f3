"""Processes that write at once tear nothing."""

import subprocess
import sys

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
