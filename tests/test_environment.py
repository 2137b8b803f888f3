"""The places that say what to install (pyproject.toml, environment.yml, the locks) agree."""

import configparser
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())
PIP_LINES = next(entry["pip"] for entry in CONDA["dependencies"] if isinstance(entry, dict))

MAC = {"sys_platform": "darwin", "platform_machine": "arm64", "platform_system": "Darwin"}
LINUX = {"sys_platform": "linux", "platform_machine": "x86_64", "platform_system": "Linux"}
LINUX_ARM = LINUX | {"platform_machine": "aarch64"}
MACHINES = {
    f"{name}-py{python}": machine | {"python_version": python, "python_full_version": f"{python}.7", "extra": ""}
    for name, machine in {"mac": MAC, "linux": LINUX, "linux-arm": LINUX_ARM}.items()
    for python in ("3.11", "3.12", "3.13")
}
# Which extras each lock serves besides the dependencies themselves.
LOCKS = {"newest": list(PROJECT["optional-dependencies"]), "oldest": ["test"]}

CONDAS = {name: machine for name, machine in MACHINES.items() if not name.endswith("3.13")}  # metal has no wheel for it

on_every_machine = pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
on_every_conda_machine = pytest.mark.parametrize("machine", CONDAS.values(), ids=CONDAS)
of_every_lock = pytest.mark.parametrize("lock", LOCKS)


def applying(lines, machine):
    """The requirements among `lines` that hold on a machine."""
    requirements = [Requirement(line) for line in lines]
    return [r for r in requirements if r.marker is None or r.marker.evaluate(machine)]


def pins(lock, machine):
    """The pinned version of each package that a lock installs on a machine."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    lines = re.findall(r"^([a-z0-9][^\\\n]*?) \\$", text, flags=re.MULTILINE)
    requirements = applying(lines, machine)
    names = [r.name for r in requirements]
    assert sorted(set(names)) == sorted(names)
    return {r.name: Version(str(r.specifier).removeprefix("==")) for r in requirements}


def declared(extras):
    """The requirements that pyproject.toml declares, those of some extras among them."""
    optional = PROJECT["optional-dependencies"]
    return PROJECT["dependencies"] + [line for extra in extras for line in optional[extra]]


def range_of(name, lines, machine):
    """Every bound that the requirements put on one package, at once."""
    found = [r.specifier for r in applying(lines, machine) if r.name == name]
    return SpecifierSet(",".join(str(specifier) for specifier in found))


def conda_requirements():
    """The entries of environment.yml's pip list that are not the package itself."""
    return [line for line in PIP_LINES if not line.startswith("-e")]


def conda_extras():
    """The extras with which environment.yml installs the package itself."""
    (line,) = [line for line in PIP_LINES if line.startswith("-e")]
    return sorted(Requirement("tfoptim" + line.removeprefix("-e .")).extras)


@of_every_lock
@on_every_machine
def test_lock_pins_each_declared_requirement_within_its_range(lock, machine):
    """What pyproject.toml asks for, the lock installs, in a version that the range allows."""
    pinned = pins(lock, machine)
    for requirement in applying(declared(LOCKS[lock]), machine):
        assert pinned[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("lock", [*LOCKS, "build", "docs", "release"])
def test_lock_has_a_hash_for_each_pin_and_names_no_index(lock):
    """Set-up is the same from any index, and takes only the files that were locked."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert [] == [entry for entry in entries if "--hash=sha256:" not in entry]
    assert [] == re.findall(r"https?://|--(?:extra-)?index-url|--find-links", text)


@on_every_machine
def test_oldest_lock_is_the_floor_of_both_ranges(machine):
    """The lowest TensorFlow and Keras that pyproject.toml allows are the ones that are tested."""
    pinned = pins("oldest", machine)
    floors = {
        r.name: min(s.version for s in r.specifier if s.operator == ">=")
        for r in applying(PROJECT["dependencies"], machine)
    }
    assert Version(floors["keras"]) == pinned["keras"]
    assert Version(floors["tensorflow"]).release == pinned["tensorflow"].release[:2]


@on_every_machine
def test_newest_lock_is_the_end_of_the_tensorflow_range(machine):
    """Nothing above the newest lock's TensorFlow is promised; on a Mac the end is Metal's."""
    release = pins("newest", machine)["tensorflow"].release
    following = Version(f"{release[0]}.{release[1] + 1}.0")
    allowed = range_of("tensorflow", declared(["metal"]), machine)
    assert following not in allowed


@on_every_conda_machine
def test_metal_comes_with_a_tensorflow_that_it_can_load_in(machine):
    """tensorflow-metal 1.2.0 loads in TensorFlow 2.18 and 2.19, and goes only to a Mac."""
    pinned = pins("newest", machine)
    if machine["sys_platform"] == "darwin":
        assert Version("1.2.0") == pinned["tensorflow-metal"]
        for lines in (declared(["metal"]), conda_requirements()):
            allowed = range_of("tensorflow", lines, machine)
            versions = ["2.17.1", "2.18.1", "2.19.1", "2.20.0", "2.21.0"]
            assert ["2.18.1", "2.19.1"] == [v for v in versions if v in allowed]
    else:
        assert "tensorflow-metal" not in pinned


@on_every_machine
def test_python_3_13_gets_a_tensorflow_with_wheels_for_it(machine):
    """From 2.20 on, and so no Metal."""
    pinned = pins("newest", machine)
    if machine["python_version"] == "3.13":
        assert pinned["tensorflow"] >= Version("2.20")
        assert "tensorflow-metal" not in pinned


@on_every_conda_machine
def test_environment_file_names_tensorflow_once_a_machine(machine):
    """The markers of environment.yml's TensorFlow lines exclude each other and miss no machine."""
    names = [r.name for r in applying(conda_requirements(), machine)]
    assert 1 == names.count("tensorflow")


@on_every_conda_machine
def test_environment_file_agrees_with_the_package_and_a_lock(machine):
    """For each entry of environment.yml a tested version exists that pyproject.toml allows too."""
    everything = declared(PROJECT["optional-dependencies"])
    for requirement in applying(conda_requirements(), machine):
        both = requirement.specifier & range_of(requirement.name, everything, machine)
        tested = [pins(lock, machine).get(requirement.name) for lock in LOCKS]
        assert [] != [v for v in tested if v is not None and v in both]


def test_environment_file_installs_a_python_that_the_package_allows():
    """The Python that conda brings is within requires-python."""
    (python,) = [d for d in CONDA["dependencies"] if str(d).startswith("python=")]
    assert f"{python.removeprefix('python=')}.7" in SpecifierSet(PROJECT["requires-python"])


def test_environment_file_keeps_metal_from_dropping_relu():
    """The plugin's remapper is off, and only for the exact text 1."""
    assert "1" == CONDA["variables"]["TURN_OFF_REMAPPER"]


def test_environment_file_installs_extras_that_exist():
    """`-e .[...]` of an unknown extra would install nothing and say little."""
    assert ["experiments", "test"] == conda_extras()
    assert set(conda_extras()) <= set(PROJECT["optional-dependencies"])


@pytest.mark.network
@pytest.mark.parametrize("python", ["3.11", "3.12"])
def test_the_mac_set_resolves_for_macos_arm64(python, tmp_path):
    """Every package of environment.yml has a file for an Apple processor, in the locked version."""
    wanted = tmp_path / "mac.in"
    wanted.write_text("\n".join(conda_requirements() + declared(conda_extras())))
    command = [sys.executable, "-m", "uv", "pip", "compile", "--no-config", "--no-header"]
    command += ["--no-annotate", "--python-platform", "aarch64-apple-darwin"]
    command += ["--python-version", python, "--only-binary", ":all:", "--no-binary", "promise"]
    command += ["--constraints", str(ROOT / "requirements" / "newest.txt"), str(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    found = {r.name: str(r.specifier) for r in map(Requirement, done.stdout.split("\n")[:-1])}
    locked = pins("newest", MACHINES[f"mac-py{python}"])
    assert {"tensorflow", "tensorflow-metal", "keras"} <= set(found)
    assert {name: f"=={locked[name]}" for name in found} == found


@pytest.mark.network
@pytest.mark.parametrize("platform", ["x86_64-manylinux_2_28", "aarch64-manylinux_2_28"])
def test_the_linux_set_resolves(platform, tmp_path):
    """Every package of environment.yml has a file for a Linux server, with and without CUDA."""
    wanted = tmp_path / "linux.in"
    wanted.write_text("\n".join(conda_requirements() + declared(conda_extras())))
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-config", "--python-platform", platform]
    command += ["--python-version", "3.11", "--only-binary", ":all:", "--no-binary", "promise", str(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    assert re.search(r"^tensorflow==2\.19\.", done.stdout, flags=re.MULTILINE)


def test_setup_cfg_says_what_is_packaged_and_nothing_else():
    """Metadata and the tools' settings have one home, pyproject.toml."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    sections = {name: list(config[name]) for name in config.sections()}
    found = {"options.packages.find": ["include"], "options.package_data": ["tfoptim"]}
    assert {"options": ["packages"], **found} == sections


def make_setup(folder, **variables):
    """Run `make setup` for a virtual environment in another folder."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    command = ["make", "-C", str(ROOT), "setup", f"VENV={folder / 'venv'}"]
    command += [f"{name}={value}" for name, value in variables.items()]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def script(path, body):
    """Write a small program that stands for a Python."""
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_setup_without_a_usable_python_says_so_in_one_sentence(tmp_path):
    """A Python that cannot run, as a version manager's shim may be, is named, not traced back."""
    broken = script(tmp_path / "python3.12", "exit 127")
    done = make_setup(tmp_path, PYTHON=broken)
    (said, stopped) = done.stderr.strip().split("\n")
    assert said.startswith("No Python 3.11, 3.12 or 3.13 that can make a virtual environment")
    assert str(broken) in said
    assert "Error 1" in stopped
    assert not (tmp_path / "venv").exists()


def test_setup_passes_over_a_python_that_does_not_work(tmp_path):
    """The first Python that runs is taken, not the first that is on the PATH."""
    broken = script(tmp_path / "python3.11", "exit 127")
    working = script(tmp_path / "python3.12", 'test "$1" != -m || { echo taken; exit 3; }')
    done = make_setup(tmp_path, PYTHON=f"{broken} {working}")
    assert "taken" in done.stdout
    assert "Error 3" in done.stderr
