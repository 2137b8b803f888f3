"""What a timed run says of its machine, and of the memory that it took."""

import os
import subprocess
import sys
import types

from experiments import machine
from experiments.running import timing_pass


def test_the_most_memory_of_a_process_is_at_least_what_it_holds():
    """In bytes on every system: a tenth is left for pages that the two counters see differently."""
    assert timing_pass.resident() * 0.9 < timing_pass.peak_resident() < 2**40
    assert timing_pass.UNIT == (1 if sys.platform == "darwin" else 1024)


def test_state_is_counted_in_bytes_for_the_weights():
    """Adam keeps two float32 numbers for each, plain descent none; counters for the whole do not count."""
    import keras

    import tfoptim

    weights = keras.Variable([[1.0, 2.0, 3.0]])
    kept = {}
    for name in ("adam", "gd"):
        optimizer = tfoptim.get(name, learning_rate=0.1)
        optimizer.build([weights])
        model = types.SimpleNamespace(trainable_variables=[weights])
        kept[name] = timing_pass.measured(types.SimpleNamespace(model=model, optimizer=optimizer), 0, 5.0)
    assert [(one["state_bytes"], one["parameters"]) for one in kept.values()] == [(24, 3), (0, 3)]
    assert (kept["adam"]["runs_before"], kept["adam"]["began"]) == (0, 5.0)
    assert kept["adam"]["ended"] > 1.7e9


def _tensorflow(peak):
    """A TensorFlow that has a GPU; an error is what it says when asked for its memory."""

    def info(device):
        if isinstance(peak, Exception):
            raise peak
        return {"current": 1, "peak": peak}

    experimental = types.SimpleNamespace(get_memory_info=info, get_device_details=lambda gpu: {"device_name": "A 100"})
    return types.SimpleNamespace(
        config=types.SimpleNamespace(
            list_physical_devices=lambda kind: ["gpu"],
            get_visible_devices=lambda kind: ["gpu"],
            experimental=experimental,
        )
    )


def test_a_gpu_tells_its_name_and_its_most_memory(monkeypatch):
    """One that does not count, such as Apple's, tells its name alone."""
    for peak, expected in ((2**30, 2**30), (ValueError("does not count"), None)):
        monkeypatch.setitem(sys.modules, "tensorflow", _tensorflow(peak))
        assert (timing_pass.device(), timing_pass.peak_device()) == ("A 100", expected)


def test_a_machine_is_told_by_what_times_depend_on(monkeypatch, tmp_path):
    """Its processor, cores, memory and system; its name and its user's are nobody's business."""
    found = machine.fingerprint()
    assert set(found) == {"cpu", "cores", "memory_gib", "platform"}
    assert found["cores"] == os.cpu_count()
    assert found["memory_gib"] > 0.1
    cpus = tmp_path / "cpuinfo"
    cpus.write_text("processor\t: 0\nmodel name\t: Some CPU @ 3 GHz: fast\nmodel name\t: other\n", encoding="utf-8")
    monkeypatch.setattr(machine, "CPUS", cpus)
    assert machine.processor() == "Some CPU @ 3 GHz: fast"


def test_a_mac_is_asked_for_its_processor(monkeypatch, tmp_path):
    """By sysctl; where that is not there, the kind of processor has to do."""
    monkeypatch.setattr(machine, "CPUS", tmp_path / "missing")
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: types.SimpleNamespace(stdout="Apple M1\n"))
    assert machine.processor() == "Apple M1"

    def missing(*arguments, **how):
        raise FileNotFoundError("sysctl")

    monkeypatch.setattr(subprocess, "run", missing)
    monkeypatch.setattr(machine.platform, "processor", lambda: "arm")
    assert machine.processor() == "arm"


def test_a_machine_with_other_work_is_told_of(monkeypatch):
    """By its load for each core; where none is told, nothing is said."""
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(os, "getloadavg", lambda: (3.0, 0.0, 0.0))
    assert machine.load() == 0.75
    assert "not idle: in the last minute 0.8 processes wanted each core" in machine.warning(0.75)
    assert machine.warning(0.5) == machine.warning(None) == ""

    def untold():
        raise OSError("not told")

    monkeypatch.setattr(os, "getloadavg", untold)
    assert machine.load() is None
