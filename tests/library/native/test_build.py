"""The build: with any compiler, checked before it is put in place, and never in the way."""

import os
import runpy
import signal
import subprocess
import sys
import time

import pytest
import tensorflow as tf

from tests.library.native import doubles
from tfoptim.native import __main__ as command
from tfoptim.native import build, check, sources, store


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder of builds, and a process in place of that which checks a library."""
    monkeypatch.setenv("TFOPTIM_NATIVE_FOLDER", str(tmp_path / "builds"))
    real = subprocess.run

    def run(arguments, **options):
        checks = "tfoptim.native.check" in arguments
        return real(["true"] if checks else arguments, **options)

    monkeypatch.setattr(subprocess, "run", run)
    return tmp_path / "builds"


def test_a_build_compiles_each_file_and_is_put_in_place(home, tmp_path, monkeypatch, capsys):
    """Once it is there, the command says so and compiles nothing."""
    program, log = doubles.compiler(tmp_path)
    monkeypatch.setenv("CXX", f"{program} -DEXTRA")
    monkeypatch.setattr(tf, "load_op_library", lambda path: object())
    assert command.main([]) == 0
    lines = log.read_text().splitlines()
    assert len(lines) == len(sources.UNITS) + 1
    assert all(line.startswith("-DEXTRA ") for line in lines)
    assert store.present().read_bytes() == b"a library"
    assert command.main([]) == 0
    assert "built already" in capsys.readouterr().out
    assert len(log.read_text().splitlines()) == len(lines)
    assert command.main(["--force"]) == 0
    assert len(log.read_text().splitlines()) == 2 * len(lines)
    assert [path.name for path in home.iterdir()] == [sources.key()]


def test_no_flag_makes_a_library_that_another_machine_cannot_run_or_that_loses_nan():
    """Vector widths are chosen at run time."""
    assert not {"-march=native", "-ffast-math", "-Ofast"} & set(sources.FLAGS)
    assert "-ffp-contract=off" in sources.FLAGS


def test_a_failing_compiler_leaves_nothing_and_its_last_lines_are_shown(home, tmp_path, monkeypatch, capsys):
    """`make setup` goes on without the operation."""
    program, _ = doubles.compiler(tmp_path, fails="ops.cc")
    monkeypatch.setenv("CXX", str(program))
    assert command.main([]) == 1
    assert command.main(["--optional"]) == 0
    assert "boom" in capsys.readouterr().out
    assert list(home.iterdir()) == []


@pytest.mark.slow
def test_a_build_that_is_killed_leaves_nothing_that_could_be_loaded(tmp_path, monkeypatch):
    """Whenever it is: a build is put in place by one move."""
    program, log = doubles.compiler(tmp_path, waits=True)
    monkeypatch.setenv("TFOPTIM_NATIVE_FOLDER", str(tmp_path / "builds"))
    process = subprocess.Popen(
        [sys.executable, "-m", "tfoptim.native"],
        env={**os.environ, "CXX": str(program)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not log.read_text() and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert [path.name.startswith(store.BUILDING) for path in store.folder().iterdir()] == [True]
    with pytest.raises(store.UnusableError, match="not built"):
        store.present()


def test_a_library_that_fails_its_check_is_not_put_in_place(home, tmp_path, monkeypatch):
    """The check runs in a process of its own, which may crash."""
    program, _ = doubles.compiler(tmp_path)
    real = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda a, **o: real(["false"] if "-m" in a else a, **o))
    with pytest.raises(build.BuildError, match="failed with code 1"):
        build.build([str(program)], print)
    assert list(home.iterdir()) == []


def test_a_compiler_that_cannot_be_started_is_one_sentence(home):
    """Such as a file of another machine."""
    with pytest.raises(build.BuildError, match="cannot be started"):
        build.build(["/nowhere/c++"], print)


def test_without_a_compiler_the_command_says_what_it_tried(home, monkeypatch, capsys):
    """And that everything works without."""
    monkeypatch.setattr(build.shutil, "which", lambda name: None)
    monkeypatch.delenv("CXX", raising=False)
    assert command.main([]) == 1
    assert command.main(["--optional"]) == 0
    sentence = "native operation: no C++ compiler found (tried: c++, g++, clang++); tfoptim works without.\n"
    assert capsys.readouterr().out == 2 * sentence


@pytest.mark.parametrize(("given", "words"), [("strange++", "'strange++', which is not found"), ("a 'b", "a command")])
def test_a_compiler_that_is_named_and_not_there_is_said(given, words, home, monkeypatch, capsys):
    """It is what was asked for: another one is not taken in its place."""
    monkeypatch.setenv("CXX", given)
    assert command.main(["--optional"]) == 0
    assert words in capsys.readouterr().out


def test_a_folder_that_others_can_write_is_refused_before_anything_is_compiled(home, tmp_path, monkeypatch, capsys):
    """Nothing in it would be loaded."""
    program, log = doubles.compiler(tmp_path)
    monkeypatch.setenv("CXX", str(program))
    home.mkdir()
    home.chmod(0o775)
    assert command.main([]) == 1
    assert "can be written by other users" in capsys.readouterr().out
    assert log.read_text() == ""


def test_a_build_that_cannot_be_loaded_is_made_again(home, tmp_path, monkeypatch, capsys):
    """Such as one of a machine with another C library."""
    program, log = doubles.compiler(tmp_path)
    monkeypatch.setenv("CXX", str(program))
    assert [command.main([]), command.main([])] == [0, 0]
    assert len(log.read_text().splitlines()) == 2 * (len(sources.UNITS) + 1)
    assert "built already" not in capsys.readouterr().out


def test_a_folder_of_builds_that_may_not_be_read_stops_no_setup(home, tmp_path, monkeypatch, capsys):
    """Such as root's, in a container that then changes its user."""
    monkeypatch.setenv("CXX", str(doubles.compiler(tmp_path)[0]))

    def present():
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(store, "present", present)
    monkeypatch.setattr(store, "workshop", present)
    assert command.main(["--optional"]) == 0
    assert "cannot be built, tfoptim works without.\n[Errno 13] Permission denied" in capsys.readouterr().out


def test_a_build_can_be_read_by_all(home, tmp_path, monkeypatch):
    """As where root has made it for the users of a machine."""
    program, _ = doubles.compiler(tmp_path)
    monkeypatch.setenv("CXX", str(program))
    assert command.main([]) == 0
    assert [path.stat().st_mode & 0o777 for path in (home, store.present().parent)] == [0o755, 0o755]


def test_a_compiler_on_the_path_is_found(monkeypatch):
    """The usual names, in order."""
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(build.shutil, "which", lambda name: name if name == "g++" else None)
    assert build.compiler() == ["g++"]


def test_the_status_is_one_sentence(capsys):
    """As `doctor` has it."""
    assert command.main(["--status"]) == 0
    assert capsys.readouterr().out.startswith("native operation: ")


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
def test_both_programs_run_as_modules(home, monkeypatch):
    """As the documentation and the build call them."""
    monkeypatch.setattr("sys.argv", ["tfoptim.native", "--status"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("tfoptim.native", run_name="__main__")
    assert ended.value.code == 0
    monkeypatch.setattr("sys.argv", ["tfoptim.native.check", "missing.so"])
    with pytest.raises(tf.errors.NotFoundError):
        runpy.run_module("tfoptim.native.check", run_name="__main__")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_check_finds_a_library_that_computes_something_else():
    """It takes a step of momentum, with and without XLA."""
    check.check(doubles.Momentum())
    with pytest.raises(AssertionError):
        check.check(doubles.Momentum(factor=1.001))


def test_the_sources_say_what_is_compiled():
    """The wheel carries all of them."""
    names = {path.name for path in sources.files()}
    assert {*sources.UNITS, "rules.h", "step.h", "arithmetic.h", "highwayhash.h"} <= names
    assert tf.sysconfig.get_include() in sources.headers()
