"""The ReLU that tensorflow-metal loses is told, and its rewriting turned off, before it can do harm."""

import itertools
import os
import subprocess
import sys

import pytest
import tensorflow as tf

from experiments import machine as metal
from experiments.machine import Cure, Facts

MAC = Facts(system="Darwin", machine="arm64", plugin="1.2.0", switch=None)


def changed(**facts):
    """A Mac in danger, with some facts changed."""
    return Facts(**{**vars(MAC), **facts})


@pytest.mark.parametrize(
    ("system", "machine", "plugin", "switch", "imported"),
    list(
        itertools.product(
            ("Darwin", "Linux", "Windows"),
            ("arm64", "x86_64"),
            ("1.2.0", "1.0.0", None),
            (None, "1", "0"),
            (False, True),
        )
    ),
)
def test_the_fault_threatens_a_mac_with_the_plugin_and_without_the_switch(system, machine, plugin, switch, imported):
    """Every combination of facts: a Mac of Apple's own processor, the plugin, and anything but exactly 1."""
    verdict = metal.judge(Facts(system, machine, plugin, switch, imported))
    threatened = system == "Darwin" and machine == "arm64" and plugin is not None and switch != "1"
    assert (verdict is not None) == threatened


@pytest.mark.parametrize(
    ("facts", "cure", "words"),
    [
        (MAC, Cure.SWITCH, "it has been set for this process"),
        (changed(imported=True), Cure.OPTION, "use_plugin_optimizers=False has been set instead"),
        (changed(switch="0"), Cure.NONE, "here it is '0', which does not: do not trust results"),
        (changed(switch="true", imported=True), Cure.NONE, "here it is 'true', which does not"),
        (changed(switch=""), Cure.NONE, "here it is ''"),
    ],
)
def test_the_cure_is_what_can_still_help_and_never_undoes_what_the_user_set(facts, cure, words):
    """The switch before TensorFlow is imported, TensorFlow's option after; a value that is there stays."""
    found, said = metal.judge(facts)
    assert found is cure
    assert words in said
    for fact in ("tensorflow-metal 1.2.0", "ReLU", "TURN_OFF_REMAPPER=1", "tensorflow#62137"):
        assert fact in said


def protected(monkeypatch, facts):
    """What the process's switch is, and what was warned of, after `protect` has seen these facts twice."""
    monkeypatch.delenv(metal.SWITCH, raising=False)
    if facts.switch is not None:
        monkeypatch.setenv(metal.SWITCH, facts.switch)
    monkeypatch.setattr(metal, "here", lambda: Facts(**{**vars(facts), "switch": os.environ.get(metal.SWITCH)}))
    with pytest.warns(RuntimeWarning) as warned:
        metal.protect()
    return os.environ.get(metal.SWITCH), [str(each.message) for each in warned]


def test_the_switch_is_set_in_time_and_told_once(monkeypatch):
    """Child processes inherit it, and another import finds nothing to say."""
    switch, said = protected(monkeypatch, MAC)
    assert (switch, len(said)) == ("1", 1)
    metal.protect()  # a warning would be an error here


def test_a_switch_of_the_users_own_is_told_of_and_left(monkeypatch):
    """It may be there to show the fault."""
    switch, said = protected(monkeypatch, changed(switch="0"))
    assert (switch, len(said)) == ("0", 1)


def test_after_tensorflow_its_option_is_set(monkeypatch):
    """The variable would be read by nobody any more."""
    before = tf.config.optimizer.get_experimental_options()
    try:
        switch, _ = protected(monkeypatch, changed(imported=True))
        assert switch is None
        assert tf.config.optimizer.get_experimental_options()["use_plugin_optimizers"] is False
    finally:
        tf.config.optimizer.set_experimental_options({"use_plugin_optimizers": True})
    assert before == {key: v for key, v in tf.config.optimizer.get_experimental_options().items() if key in before}


def test_a_machine_that_is_no_mac_is_not_in_danger(monkeypatch):
    """The facts are read from the machine, and on a Mac from what is installed there."""
    monkeypatch.setattr(metal.platform, "system", lambda: "Darwin")
    monkeypatch.setattr(metal.platform, "machine", lambda: "arm64")
    monkeypatch.setattr(metal.importlib.metadata, "version", {metal.PLUGIN: "1.2.0"}.__getitem__)
    monkeypatch.delenv(metal.SWITCH, raising=False)
    assert metal.here() == changed(imported=True)
    monkeypatch.setattr(metal.platform, "system", lambda: "Linux")
    assert metal.here().plugin is None
    assert metal.judge(metal.here()) is None


def test_importing_the_experiments_warns_before_tensorflow_is_there():
    """A fresh process, made to look like a Mac: one warning, the switch set, TensorFlow not imported."""
    code = (
        "import importlib.metadata, platform, os, sys, warnings\n"
        "platform.system, platform.machine = lambda: 'Darwin', lambda: 'arm64'\n"
        "importlib.metadata.version = lambda name: '1.2.0'\n"
        "os.environ.pop('TURN_OFF_REMAPPER', None)\n"
        "with warnings.catch_warnings(record=True) as said:\n"
        "    warnings.simplefilter('always')\n"
        "    import experiments, experiments.studies, experiments.__main__\n"
        "print(len(said), os.environ['TURN_OFF_REMAPPER'], 'tensorflow' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["1", "1", "False"]
