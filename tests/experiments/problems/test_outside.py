"""Code from outside is found, versioned and checked without being run; it runs when it is loaded."""

import importlib
import sys

import pytest

from experiments.errors import UserError
from experiments.problems.own import outside
from experiments.problems.own.outside import OPTIMIZERS, TASKS

CODE = (
    '"""Words."""\nimport helper\n\nRATE = 0.1\n\n\nclass Own:\n    def step(self):\n        return helper.X * RATE\n'
)


def of(text, folder, group=OPTIMIZERS):
    """A reference in a study in a folder."""
    return outside.reference(text, group, str(folder))


@pytest.fixture
def files(tmp_path):
    """A file that imports another one in its folder."""
    (tmp_path / "own.py").write_text(CODE)
    (tmp_path / "helper.py").write_text("X = 2\n")
    return tmp_path


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package with an entry point for optimizers and one for tasks."""
    made = tmp_path / "site-packages"
    (made / "velo").mkdir(parents=True)
    (made / "velo" / "__init__.py").write_text("raise SystemExit('the package was imported')\n")
    (made / "velo" / "rules.py").write_text("class Velo:\n    pass\n")
    info = made / "velo_opt-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: velo-opt\nVersion: 1.2\n")
    (info / "top_level.txt").write_text("velo\n")
    (info / "entry_points.txt").write_text(
        "[tfoptim.optimizers]\nvelo = velo.rules:Velo\nadam = velo.rules:Velo\n"
        "[tfoptim.tasks]\ntrack = velo.rules:Track\n"
    )
    monkeypatch.syspath_prepend(str(made))
    importlib.invalidate_caches()
    outside.entry_points.cache_clear()
    yield made
    outside.entry_points.cache_clear()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("own.py:Own", ""),
        ("own.py:RATE", ""),
        ("own.py:own", "own.py has no own; did you mean 'Own'?"),
        ("own.py:Zebra", "own.py has no Zebra; known are Own, RATE, helper."),
        ("other.py:Own", "other.py; a path is relative to the study's file."),
        ("own.py", "'own.py' must be a file and a name in it, as in my_file.py:NAME"),
        ("own.py:", "'own.py:' must be a file and a name in it"),
        ("keras:lion", "keras.optimizers has no lion; did you mean 'Lion'?"),
        ("keras:Lion", ""),
        ("keras.optimizers:AdamW", ""),
        ("kers.optimizers:Adam", "there is no module 'kers.optimizers' for Python to import"),
    ],
)
def test_a_fault_of_a_reference_is_one_sentence_with_the_way_out(files, text, fault):
    """Nothing is imported for it: Keras takes seconds."""
    said = outside.fault(of(text, files))
    assert (said == fault) if not fault else fault in said


def test_a_file_that_is_no_python_is_refused_with_its_line(files):
    """Before anything runs."""
    (files / "own.py").write_text("class Own:\n    def\n")
    assert "own.py cannot be read: invalid syntax" in outside.fault(of("own.py:Own", files))


def test_what_may_define_any_name_is_asked_when_it_is_loaded(files):
    """A loop, a condition, a star: nothing to read off."""
    (files / "own.py").write_text("if True:\n    class Own:\n        pass\n")
    assert outside.fault(of("own.py:Own", files)) == ""
    assert outside.fault(of("own.py:Other", files)) == ""
    with pytest.raises(UserError, match=r"own.py:Other: own.py has no Other\."):
        outside.load(of("own.py:Other", files))


def version(files, **changes):
    """The version after changes of files."""
    for name, text in changes.items():
        (files / f"{name}.py").write_text(text)
    outside.version.cache_clear()
    return outside.version(of("own.py:Own", files))


def test_a_version_is_that_of_the_meaning_and_follows_imports_from_the_folder(files):
    """Comments and places do not count; a helper does."""
    first = version(files)
    assert version(files, own=CODE.replace("Words", "Other words").replace("0.1", "0.1  # a rate")) == first
    moved = files / "elsewhere"
    moved.mkdir()
    for name in ("own.py", "helper.py"):
        (files / name).rename(moved / name)
    assert version(moved) == first
    assert version(moved, helper="X = 3\n") != first
    assert version(moved, helper="X = 2\n") == first
    assert version(moved, own=CODE.replace("0.1", "0.2")) != first


def test_a_version_has_what_python_runs_before_a_module_of_a_package(files):
    """The package of a helper may replace what is in it."""
    inside = files / "rules" / "new"
    inside.mkdir(parents=True)
    (inside / "step.py").write_text("X = 2\n")
    (files / "rules" / "__init__.py").write_text("import helper\n")
    first = version(files, own=CODE.replace("import helper", "from rules.new import step as helper"))
    assert version(files, helper="X = 5\n") != first
    (inside / "__init__.py").write_text("A = 1\n")
    assert version(files, helper="X = 2\n") != first


def test_a_helper_that_is_no_python_is_refused_with_its_line(files):
    """By its name, not by that of the file which imports it."""
    (files / "helper.py").write_text("def f(:\n")
    with pytest.raises(UserError, match=r"^helper.py cannot be read: invalid syntax \(helper.py, line 1\)\.$"):
        version(files)


def test_two_files_of_one_name_are_refused(tmp_path):
    """Python gives the second study the module of the first, while its version is that of its own file."""
    for folder, number in (("a", 1), ("b", 2), ("c", 3)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one_of_two.py").write_text(f"X = {number}\n")
        late = "def own():\n    import one_of_two\n    return one_of_two.X\n"
        (tmp_path / folder / "own.py").write_text("from one_of_two import X\n" if folder == "a" else late)
    assert outside.load(of("own.py:X", tmp_path / "a")) == 1
    for folder in "bc":
        with pytest.raises(UserError, match=r"two files are called one_of_two.py, .*a/one_of.* and .*rename one\.$"):
            outside.load(of("own.py:own", tmp_path / folder))


def test_a_file_of_the_name_of_a_module_that_is_loaded_is_refused(tmp_path):
    """Such as one of Python's own."""
    (tmp_path / "tokenize.py").write_text("X = 1\n")
    (tmp_path / "own.py").write_text("from tokenize import X\n")
    with pytest.raises(UserError, match=r"own.py:X: two files are called tokenize.py, .*; rename one\.$"):
        outside.load(of("own.py:X", tmp_path))


def test_a_version_of_installed_code_has_its_package(package):
    """So that another release is another run."""
    found = of("velo", package)
    assert (found.place, found.name) == ("velo.rules", "Velo")
    assert outside.version(found).startswith("velo-opt 1.2 ")
    assert outside.version(of("keras:Lion", package)).startswith("keras 3.")
    assert "velo" not in sys.modules


def test_entry_points_are_names_and_hide_none_of_the_librarys(package):
    """A package cannot replace Adam."""
    assert outside.is_outside("velo", OPTIMIZERS)
    assert not outside.is_outside("adam", OPTIMIZERS)
    assert not outside.is_outside("velo", TASKS)
    assert outside.fault(of("track", package, TASKS)).startswith("velo.rules has no Track; ")


def test_a_file_runs_once_and_finds_its_neighbours(files):
    """As a script does; an error names the line of the user's file."""
    assert outside.load(of("own.py:Own", files))().step() == pytest.approx(0.2)
    assert outside.load(of("own.py:Own", files)) is outside.load(of("own.py:Own", files))
    (files / "bad.py").write_text("Own = None\n\nraise ValueError('no data\\nmore')\n")
    with pytest.raises(UserError, match=r"^bad.py:Own cannot be loaded: ValueError: no data \(line 3 of bad.py\)\.$"):
        outside.load(of("bad.py:Own", files))
