"""What is printed can be printed by every terminal, and read on one of 80 columns."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import report, studies
from experiments.__main__ import main
from experiments.analysis import result_columns
from experiments.analysis.columns import cells
from experiments.analysis.lint import Claims
from experiments.checks.benchmark import output
from experiments.checks.benchmark.plan import Row, read
from experiments.checks.benchmark.tables import headline
from experiments.report import printed
from experiments.studies import STUDIES
from experiments.text import READABLE, readable, say
from tests.experiments import small
from tests.experiments.evidence import APART, THREE, evidence
from tests.experiments.kept import finished

ENCODINGS = ("ascii", "latin-1", "cp1252", "koi8-r")
STUDY = "größe ≈ 日本"
FILE = "größe.toml"
PLAIN = small.TOML.replace('budget = "smoke"', 'budget = "smoke"\ntrack = "default"').replace(
    'title = "A small study"', f'title = "{STUDY}"'
)


@pytest.fixture
def screen(monkeypatch):
    """Makes both streams those of a terminal with an encoding, and returns what they got."""

    def make(encoding):
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True) for _ in range(2)]
        for name, stream in zip(("stdout", "stderr"), streams, strict=True):
            monkeypatch.setattr(sys, name, stream)
        return lambda: [stream.buffer.getvalue().decode(encoding) for stream in streams]

    return make


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a study whose name and labels have letters that few encodings have."""
    text = PLAIN.replace('label = "GD"', 'label = "Größe"').replace('label = "Adam"', 'label = "Adam ≈ 日本"')
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("experiments.records.run_folder.ROOT", tmp_path / "runs")
    return tmp_path


def test_the_list_ends_where_the_terminal_knows_ascii_alone():
    """It has a formula with exponents half way."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "experiments", "list"]
    done = subprocess.run(command, capture_output=True, env=environment, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"2x^4 + 3x^3 + 2" in done.stdout
    assert b"optimizers" in done.stdout


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        [],
        ["lint", FILE],
        ["status"],
        ["compare", FILE, "--dry-run"],
        ["run", FILE, "--dry-run"],
        ["compare", FILE, "--optimizers", "Größ"],
        ["compare", "größer.toml"],
        ["report", FILE],
        ["status", "größer"],
        ["prepare", "größe", "日本"],
    ],
    ids=lambda words: " ".join(words) or "help",
)
@pytest.mark.usefixtures("place")
def test_no_command_dies_of_an_encoding(encoding, words, screen):
    """Neither what it says nor what it complains of: no command ends with an error of its own."""
    shown = screen(encoding)
    assert main(words) in (0, 1, 2)
    out, error = shown()
    assert out or error
    assert "UnicodeEncodeError" not in error
    assert "codec" not in error


def test_signs_have_a_place_in_letters_and_names_are_told_apart():
    """What has no like is its number, so that two names never look the same."""
    plain = "≈ † ± √2 ≥ é Ж 日".encode("ascii", READABLE)
    assert plain == rb"~ + +/- sqrt 2 >= \xe9 \u0416 \u65e5"
    assert "größe ≈".encode("latin-1", READABLE) == "größe ~".encode("latin-1")


def test_a_name_that_could_not_be_decoded_is_written_as_it_was_typed():
    """In the C locale a word of the command line has bytes that are no letters there."""
    typed = "größe".encode()
    word = typed.decode("ascii", "surrogateescape")
    assert word.encode("ascii", READABLE) == typed


@pytest.mark.parametrize("locale", ["C", "POSIX"])
def test_a_locale_without_letters_is_no_obstacle(locale, place):
    """Even where Python is kept from making up for it: with the study's name in bytes, nothing dies."""
    root = str(Path(__file__).parents[3])
    environment = {**os.environ, "LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": root}
    environment.pop("PYTHONIOENCODING", None)
    command = [sys.executable, "-m", "experiments", "compare", FILE, "--dry-run"]
    done = subprocess.run(command, capture_output=True, env=environment, check=False, timeout=60, cwd=place)
    assert b"Unicode" not in done.stderr
    assert FILE.encode() in done.stdout + done.stderr or "größe".encode() in done.stdout


@pytest.mark.parametrize("encoding", ENCODINGS[:2])
def test_a_report_with_such_names_is_printed_and_its_files_are_in_utf_8(encoding, screen, tmp_path, monkeypatch):
    """Tables are as wide as what is shown; a letter that the font lacks is a box, without a warning for each."""
    monkeypatch.setattr("experiments.figures.canvas.DPI", 20)
    monkeypatch.setattr(report, "broken", lambda *study: [])
    ends = {"Größe": APART["GD"], STUDY: APART["Adam"]}
    shown = screen(encoding)
    readable()
    made = report.write(evidence(ends, tuned=False), STUDIES / "small.toml", tmp_path, illustrations=False)
    printed.show(made, wide=False)
    printed.tell_files(made.files, tmp_path)
    out, _ = shown()
    rows = [line for line in out.splitlines() if re.search(r"\d\.\d{4} \[", line)]
    assert len(rows) == 2
    assert len({line.index("[") for line in rows}) == 1, "columns stand below each other"
    assert out.splitlines()[-1] == f"Open {tmp_path / 'report.html'}"
    for name in ("report.html", "report.md", "report.csv", "scores.svg"):
        assert STUDY in (tmp_path / name).read_text(encoding="utf-8")


def shown(rows, *, wide, limit, capsys, monkeypatch):
    """What a report of some ends prints on a terminal so many columns wide."""
    monkeypatch.setenv("COLUMNS", str(limit))
    whole = evidence(rows)
    made = report.Report(whole, report.result(whole, Claims(("why not, for a reason that takes some words",))), [], [])
    printed.show(made, wide=wide)
    return capsys.readouterr().out


LONG = {"Adam, cosine, restarts": APART["Adam"], "Adam, cosine, restarts, Nesterov": APART["GD"]}


@pytest.mark.parametrize("ends", [THREE, LONG], ids=["short", "long"])
@pytest.mark.parametrize("wide", [False, True], ids=["narrow", "wide"])
@pytest.mark.parametrize("limit", [80, 60, 110])
def test_a_table_fits_its_terminal_and_no_cell_is_cut(ends, wide, limit, capsys, monkeypatch):
    """Numbers with their intervals stay in one line; names go on in the next; columns that do not fit stand below."""
    out = shown(ends, wide=wide, limit=limit, capsys=capsys, monkeypatch=monkeypatch)
    assert max(map(len, out.splitlines())) <= limit
    assert "…" not in out
    assert "..." not in out
    assert "0.9080 [0.9" in out
    words = set(re.findall(r"\w+", out))
    assert {word for label in ends for word in re.findall(r"\w+", label)} <= words
    whole = evidence(ends)
    texts = (
        [cells(result_columns.columns(whole), row) for row in report.result(whole, Claims(("x",))).rows] if wide else []
    )
    assert all(cell in out for row in texts for cell in row[1:-1])


def test_the_narrow_table_has_the_five_columns_that_tell_most(capsys, monkeypatch):
    """The rate in three digits, the score with its interval, the gap, the verdict."""
    out = shown(THREE, wide=False, limit=80, capsys=capsys, monkeypatch=monkeypatch)
    heading = next(line for line in out.splitlines() if line.startswith("optimizer"))
    assert re.split(r"  +", heading) == ["optimizer", "rate", "test accuracy [95 % CI]", "gap to best", "verdict"]
    assert re.search(r"^GD +0\.0166 +0\.5040 \[0\.\d{4}, 0\.\d{4}\] +0\.4040 +no claim$", out, re.MULTILINE)


def test_diverged_and_missing_runs_are_counted_in_the_narrow_table(capsys, monkeypatch):
    """In the place of the score, which they have none of."""
    ends = {"GD": [0.5, None, 0.5, 0.5, 0.5], "Adam": [0.9, float("nan"), 0.9, 0.9, 0.9]}
    out = shown(ends, wide=False, limit=80, capsys=capsys, monkeypatch=monkeypatch)
    assert re.search(r"^GD +0\.0166 +4 of 5 runs +- +runs missing$", out, re.MULTILINE)
    assert re.search(r"^Adam +0\.00166 +1 of 5 diverged ", out, re.MULTILINE)


@pytest.mark.parametrize("limit", [80, 50])
def test_the_tables_of_the_benchmark_fit_as_well(limit, capsys, monkeypatch):
    """The committed one, whose widest has nine columns."""
    monkeypatch.setenv("COLUMNS", str(limit))
    rows, _ = read(Row, (studies.STUDIES.parents[1] / "static" / "benchmark.csv").read_text(encoding="utf-8"))
    grid = headline(rows)
    output.show(grid)
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= limit
    assert all(cell in out for cells in grid.cells for cell in cells[1:])


@pytest.mark.parametrize("words", [["list"], ["status"], ["lint"], []], ids=["list", "status", "lint", "help"])
def test_what_other_commands_print_fits_80_columns_without_breaking_words(words, capsys, monkeypatch, tmp_path):
    """But for examples of commands, which are there to be copied."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("experiments.records.run_folder.ROOT", tmp_path / "runs")
    finished(small.run())
    main(words)
    lines = [line for line in capsys.readouterr().out.splitlines() if "python -m experiments" not in line]
    assert lines
    assert max(map(len, lines)) <= 80 or words == []


def test_a_pipe_has_no_width(capsys, monkeypatch):
    """So that lines can be searched."""
    monkeypatch.delenv("COLUMNS", raising=False)
    say("word " * 60)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_files_are_counted_and_the_last_line_is_the_page(capsys, tmp_path):
    """42 names in one line were read by nobody."""
    names = [f"figure_{i}.{kind}" for i in range(14) for kind in ("png", "svg", "csv")]
    names += ["report.html", "report.md", "report.csv"]
    printed.tell_files([tmp_path / name for name in names], tmp_path)
    first, last = capsys.readouterr().out.splitlines()
    assert first == f"Written to {tmp_path}: 14 figures, each as PNG, SVG and CSV; report.html, report.md, report.csv."
    assert last == f"Open {tmp_path / 'report.html'}"
