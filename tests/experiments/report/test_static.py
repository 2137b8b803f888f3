"""What is committed in `static/`: pictures that a page shows, drawings and numbers, and not too much of it."""

import re
import subprocess
from pathlib import Path

import pytest

from experiments.report import glance
from experiments.text import to_csv

ROOT = Path(__file__).parents[3]
MOST = 8_000_000  # bytes
GONE = re.compile(r"(profiles|profiles_pairwise|trajectories|\w+_by_second|time_to_target_shares|chances)\.\w+")
SEVERAL = ("static/functions/overview",)


def tracked(*patterns):
    """The committed files of some patterns, as Git has them."""
    done = subprocess.run(["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("not a checkout of Git")
    return [name for name in done.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def shown():
    """Every PNG that README or a page of the documentation shows or links to."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    return {
        f"static/{name}" for page in pages for name in re.findall(r"static/([\w./-]+\.png)", page.read_text("utf-8"))
    }


def test_all_of_it_is_below_eight_megabytes():
    """Whoever clones has it in a moment."""
    assert sum((ROOT / name).stat().st_size for name in tracked("static")) < MOST


def test_a_picture_is_there_if_and_only_if_a_page_shows_it():
    """All else is SVG, which scales, and CSV."""
    assert set(tracked("static/*.png")) == shown()


def test_git_ignores_the_other_pictures():
    """A report draws them all, so that `git add static` takes those that are shown."""
    lines = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert "/static/**/*.png" in lines
    assert {line.removeprefix("!/") for line in lines if line.startswith("!/static/")} == shown()


def test_every_drawing_has_its_numbers():
    """A CSV of the same name."""
    names = set(tracked("static"))
    alone = {name for name in names if name.endswith(".svg") and name.removesuffix("svg") + "csv" not in names}
    assert alone == set()


def test_the_profile_of_test_errors_is_that_of_the_reports():
    """`python -m experiments results` was run after the last of them."""
    table, _ = glance.profiled(glance.reported())
    assert (ROOT / "static/error_profiles.csv").read_text("utf-8") == to_csv(table)


def test_figures_that_left_the_reports_of_one_problem_left_the_folder():
    """They need several problems, or say what another figure says."""
    assert [name for name in tracked("static") if GONE.fullmatch(Path(name).name)] == []
