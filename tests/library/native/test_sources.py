"""The sources of the operation: they are in the wheel, and name the build that is made of them."""

import configparser

import pytest
import tensorflow as tf

from tfoptim.native import sources


def test_the_wheel_carries_all_sources():
    """A pip user builds from them."""
    package = sources.FOLDER.parents[1]
    settings = configparser.ConfigParser()
    settings.read(package.parent / "setup.cfg")
    patterns = settings["options.package_data"]["tfoptim"].split()
    assert set(sources.files()) <= {path for pattern in patterns for path in package.glob(pattern)}


@pytest.mark.parametrize("change", ["source", "version", "build", "flag", "platform", "machine"])
def test_another_source_tensorflow_flag_or_machine_needs_another_build(change, tmp_path, monkeypatch):
    """A stale build has another name."""
    before = sources.key()
    if change == "source":
        (tmp_path / "step.cc").write_text("// changed\n")
        monkeypatch.setattr(sources, "FOLDER", tmp_path)
    elif change == "flag":
        monkeypatch.setattr(sources, "FLAGS", (*sources.FLAGS, "-g"))
    elif change == "platform":
        monkeypatch.setattr("sys.platform", "darwin")
    elif change == "machine":
        monkeypatch.setattr("platform.machine", lambda: "aarch64")
    else:
        monkeypatch.setattr(tf.version, "VERSION" if change == "version" else "GIT_VERSION", "2.99")
    assert sources.key() != before


def test_the_linker_is_given_what_the_platform_needs(monkeypatch):
    """MacOS finds the symbols in libraries that are loaded already."""
    assert "-l:libtensorflow_cc.so.2" in sources.links()
    monkeypatch.setattr("sys.platform", "darwin")
    assert "dynamic_lookup" in sources.links()
