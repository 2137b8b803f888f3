"""A library is code: only one that fits, is whole, and that no other user could have written is loaded."""

import errno
import os
import threading
from pathlib import Path

import pytest

from tfoptim import native
from tfoptim.native import sources, store


@pytest.fixture
def home(tmp_path, monkeypatch, switched_on):
    """An empty folder of builds."""
    monkeypatch.setenv("TFOPTIM_NATIVE_FOLDER", str(tmp_path / "builds"))
    native._load.cache_clear()
    yield tmp_path / "builds"
    native._load.cache_clear()


@pytest.fixture
def library(home):
    """A build in place, which is no library."""
    folder = store.workshop()
    (folder / store.LIBRARY).write_bytes(b"no library")
    (folder / "step.cc.o").write_bytes(b"left by the compiler")
    return store.put(folder)


def test_a_build_in_place_has_the_library_and_its_digest_alone(library):
    """What the compiler left is gone."""
    assert {path.name for path in library.parent.iterdir()} == {store.LIBRARY, store.DIGEST}
    assert store.present() == library


def test_a_missing_build_is_told_with_the_remedy(home):
    """Without a build everything works as before."""
    assert not native.available()
    assert "not built" in native.status()
    assert "python -m tfoptim.native" in native.status()


def test_a_damaged_library_is_not_loaded(library):
    """A file that was cut short has another digest."""
    library.write_bytes(b"no lib")
    with pytest.raises(store.UnusableError, match="is damaged"):
        store.present()


def test_a_build_with_an_unreadable_digest_is_not_loaded(library):
    """The digest is text."""
    (library.parent / store.DIGEST).write_bytes(b"\xff\xfe")
    with pytest.raises(store.UnusableError, match="is damaged"):
        store.present()


@pytest.mark.parametrize("name", [".", store.LIBRARY, store.DIGEST])
def test_a_build_that_others_can_write_is_not_loaded(library, name):
    """Whoever can write the file can run code as the user."""
    path = library.parent / name
    path.chmod(path.stat().st_mode | 0o022)
    with pytest.raises(store.UnusableError, match="can be written by other users"):
        store.present()


def test_a_link_to_a_library_elsewhere_is_not_loaded(library):
    """It might lead where others can write."""
    moved = library.rename(library.parent.parent / "elsewhere")
    library.symlink_to(moved)
    with pytest.raises(store.UnusableError, match="can be written by other users"):
        store.present()


def test_a_build_without_digest_is_not_loaded(library):
    """Such as one whose writing was interrupted."""
    (library.parent / store.DIGEST).unlink()
    with pytest.raises(store.UnusableError):
        store.present()


def test_a_whole_file_that_is_no_library_is_told_and_not_used(library):
    """The loader's own reason is in the sentence."""
    assert not native.available()
    assert "cannot be loaded" in native.status()


def test_a_second_build_takes_the_place_of_the_first(library):
    """As with --force."""
    folder = store.workshop()
    (folder / store.LIBRARY).write_bytes(b"newer")
    assert store.put(folder).read_bytes() == b"newer"
    assert [path.name for path in store.folder().iterdir()] == [sources.key()]


def test_the_switch_turns_a_build_off(library, monkeypatch):
    """TFOPTIM_NATIVE is asked at each trace."""
    for word in ("0", "False", " off "):
        monkeypatch.setenv("TFOPTIM_NATIVE", word)
        assert native.library() is None
        assert native.status() == f"native operation: off, because TFOPTIM_NATIVE={word}"
    monkeypatch.setenv("TFOPTIM_NATIVE", "disable")
    with pytest.warns(UserWarning, match="must be 0 or 1, got 'disable'; the native operation stays on"):
        assert "off" not in native.status()


def test_the_folder_of_builds_may_be_in_the_home_folder(monkeypatch):
    """As a file for a container writes it."""
    monkeypatch.setenv("TFOPTIM_NATIVE_FOLDER", "~/builds")
    assert store.folder() == Path.home() / "builds"


@pytest.mark.parametrize("before", [None, "0", "1"])
def test_a_block_is_traced_without_the_operation(monkeypatch, before):
    """The variable of the environment is afterwards what it was."""
    monkeypatch.delenv(native.SWITCH, raising=False)
    if before is not None:
        monkeypatch.setenv(native.SWITCH, before)
    with native.off():
        assert not native.available()
    assert os.environ.get(native.SWITCH) == before


def test_a_step_that_has_chosen_the_operations_keeps_them(monkeypatch):
    """Though another thread turns them off before it has traced them."""
    monkeypatch.delenv(native.SWITCH, raising=False)
    chosen = native.library()
    with native.off():
        assert native.operations() is chosen


def test_blocks_of_two_threads_may_overlap(monkeypatch):
    """The operation comes back when the last of them ends."""
    monkeypatch.delenv(native.SWITCH, raising=False)
    first, second = native.off(), native.off()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert native.status() == "native operation: off within tfoptim.native.off()"
    second.__exit__(None, None, None)
    assert "off" not in native.status()


def test_nothing_but_abandoned_builds_is_removed(home, monkeypatch):
    """The folder may be one that a user keeps other things in."""
    store.folder().mkdir(parents=True)
    monkeypatch.setattr(store, "ABANDONED_SECONDS", -1.0)
    names = {".git", ".ssh", "notes"}
    for name in (*names, f"{store.BUILDING}1", f"{store.OLD}2"):
        (store.folder() / name).mkdir()
    made = store.workshop()
    assert {path.name for path in store.folder().iterdir()} == {*names, made.name}


def test_a_user_without_a_home_has_no_build(monkeypatch):
    """As in some containers."""

    def none():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("TFOPTIM_NATIVE_FOLDER", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("pathlib.Path.home", none)
    native._load.cache_clear()
    assert not native.available()
    native._load.cache_clear()


def test_builds_that_end_at_the_same_time_leave_one_that_is_whole(home):
    """Each has a folder of its own, and the last to be put in place stays."""
    start = threading.Barrier(8)

    def build(content):
        folder = store.workshop()
        (folder / store.LIBRARY).write_bytes(content)
        start.wait()
        store.put(folder)

    threads = [threading.Thread(target=build, args=(bytes([i]) * 1000,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert [path.name for path in home.iterdir()] == [sources.key()]
    assert len(store.present().read_bytes()) == 1000


def test_a_build_is_put_where_another_process_has_just_cleared_the_place(home, monkeypatch):
    """Between the refused move and the second, the build that was in the way may go."""
    folder, rename, refused = store.workshop(), Path.rename, []
    (folder / store.LIBRARY).write_bytes(b"a library")

    def in_the_way_once(path, target):
        if path == folder and not refused:
            refused.append(path)
            raise OSError(errno.ENOTEMPTY, "Directory not empty")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", in_the_way_once)
    assert store.put(folder).read_bytes() == b"a library"
    assert [path.name for path in home.iterdir()] == [sources.key()]


def test_what_a_killed_build_left_is_removed_by_a_later_one(home):
    """But not the folder of a build that may be running."""
    old, new = store.workshop(), store.workshop()
    os.utime(old, (0, 0))
    last = store.workshop()
    assert {new, last} == set(home.iterdir())


def test_a_build_that_cannot_be_put_in_place_is_an_error(home, monkeypatch):
    """Such as on a disk that has become read-only."""
    folder = store.workshop()
    (folder / store.LIBRARY).write_bytes(b"a library")

    def refuse(path, target):
        raise PermissionError(f"{target} is read-only")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(PermissionError, match="read-only"):
        store.put(folder)


@pytest.mark.parametrize(
    ("system", "variables", "expected"),
    [
        ("linux", {}, "home/.cache/tfoptim/native"),
        ("linux", {"XDG_CACHE_HOME": "/cache"}, "/cache/tfoptim/native"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "home/.cache/tfoptim/native"),
        ("darwin", {}, "home/Library/Caches/tfoptim/native"),
    ],
)
def test_builds_are_in_the_users_cache(system, variables, expected, tmp_path, monkeypatch):
    """As the platform has it."""
    for name in ("TFOPTIM_NATIVE_FOLDER", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("sys.platform", system)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert store.folder() == tmp_path / expected
