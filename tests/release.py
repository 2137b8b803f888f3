"""Builds and checks a release: `make release`. Nothing leaves this machine; the last lines say what to do by hand.

It dates the section [Unreleased] of CHANGELOG.md, builds sdist and wheel, checks their descriptions, installs the wheel
with what it requires and nothing else, runs the README's program there and tests of the sdist in its own folder, and
writes what the clean environment holds as a software bill of materials (CycloneDX).
"""

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

import tfoptim

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
TOOLS = Path(sys.prefix) / "release"
TESTS = (
    "tests/library/rules",
    "tests/library/test_registry.py",
    "tests/library/saving/test_keras_files.py",
    "tests/test_readme.py",
)
HEADING = "## [Unreleased]"
BY_HAND = """
Built in dist/. By hand, in this order:
  0. the first time, the address of the repository: [project.urls] in pyproject.toml, repository-code in CITATION.cff,
     a line `git clone ADDRESS` in README.md, and the page for private reports in SECURITY.md
  1. look at the dated section of CHANGELOG.md, and commit it: git commit -am "Release {version}"
  2. git tag -a v{version} -m "tfoptim {version}" && git push origin main v{version}
  3. .ci/run on the tag, with Python 3.11, 3.12 and 3.13
  4. python -m twine upload dist/tfoptim-{version}*   (python: {python}, with PYTHONPATH={tools})
  5. attach dist/tfoptim-{version}.cdx.json and the site of build/docs to the release
  6. raise the version in pyproject.toml, tfoptim/__init__.py and CITATION.cff; make artefacts"""


def dated(text: str, version: str, today: str) -> str:
    """Returns the changelog with its unreleased section under a version and a date, and an empty one above."""
    heading = f"## [{version}]"
    if heading in text:
        return re.sub(rf"{re.escape(heading)} - [\d-]+", f"{heading} - {today}", text)
    return text.replace(HEADING, f"{HEADING}\n\n{heading} - {today}", 1)


def versions() -> set[str]:
    """Returns the version wherever it is written."""
    places = {
        "pyproject.toml": r'^version = "(.*)"$',
        "tfoptim/__init__.py": r'^__version__ = "(.*)"$',
        "CITATION.cff": r"^version: (.*)$",
    }
    return {re.search(found, (ROOT / name).read_text(), re.MULTILINE)[1] for name, found in places.items()}


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> None:
    """Runs a command, and ends with its exit code if it fails."""
    print("$", *command, flush=True)
    done = subprocess.run([str(word) for word in command], cwd=cwd, env={**os.environ, **environment}, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def build() -> tuple[Path, Path]:
    """Builds sdist and wheel, checks them, and returns both."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--no-isolation", PYTHONPATH=str(TOOLS))
    (sdist,), (wheel,) = DIST.glob("*.tar.gz"), DIST.glob("*.whl")
    run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel, PYTHONPATH=str(TOOLS))
    return sdist, wheel


def try_wheel(wheel: Path, folder: Path) -> Path:
    """Installs the wheel into an empty environment, runs the README's program there, and returns its Python."""
    venv.create(folder / "clean", with_pip=True)
    python = folder / "clean/bin/python"
    run(python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", wheel)
    program = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    run(python, "-c", program[1], cwd=folder, TF_CPP_MIN_LOG_LEVEL="3")
    return python


def try_sdist(sdist: Path, folder: Path) -> None:
    """Runs tests of the sdist in its own folder, with the packages of this environment."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))  # from 3.11.4 on
    inside = folder / sdist.name.removesuffix(".tar.gz")
    quick = ("-q", "-n", "0", "--no-cov", "-p", "no:cacheprovider", "-m", "not slow and not network")
    run(sys.executable, "-m", "pytest", *quick, *TESTS, cwd=inside, PYTHONPATH=str(inside))


def main() -> None:
    """Does all of it."""
    version = tfoptim.__version__
    if versions() != {version}:
        sys.exit(f"error: The version is not the same everywhere: {', '.join(sorted(versions() | {version}))}.")
    log = ROOT / "CHANGELOG.md"
    log.write_text(dated(log.read_text(encoding="utf-8"), version, f"{dt.date.today()}"), encoding="utf-8")
    sdist, wheel = build()
    with tempfile.TemporaryDirectory() as name:
        python = try_wheel(wheel, Path(name))
        materials = DIST / f"tfoptim-{version}.cdx.json"
        run(sys.executable, "-m", "cyclonedx_py", "environment", python, "-o", materials, PYTHONPATH=str(TOOLS))
        try_sdist(sdist, Path(name))
    print(BY_HAND.format(version=version, python=sys.executable, tools=TOOLS))


if __name__ == "__main__":
    main()
