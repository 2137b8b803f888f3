"""The sources of the native operation, and all that a build depends on."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from pathlib import Path

import tensorflow as tf

FOLDER = Path(__file__).parent / "src"

UNITS = ("xla.cc", "ops.cc", "step.cc")
"""Files that are compiled, the longest first: XLA's operations, TensorFlow's, and the driver that both call."""

FLAGS = ("-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-fPIC", "-fvisibility=hidden", "-w")
"""No `-ffast-math`, which loses NaN, no contraction, which differs between machines, and no `-march=native`."""


def files() -> list[Path]:
    """Returns all source files, in order."""
    return sorted(path for path in FOLDER.rglob("*") if path.suffix in (".cc", ".h"))


def headers() -> list[str]:
    """Returns the flags by which TensorFlow's headers are found, and those it was compiled with."""
    given = tf.sysconfig.get_compile_flags()
    system = [word for flag in given if flag.startswith("-I") for word in ("-isystem", flag[2:])]
    return [*system, *(flag for flag in given if not flag.startswith("-I")), f"-I{FOLDER / 'missing'}"]


def links() -> list[str]:
    """Returns the flags for the linker: XLA's part is in a library of its own."""
    if sys.platform == "darwin":
        return [*tf.sysconfig.get_link_flags(), "-undefined", "dynamic_lookup"]
    return [*tf.sysconfig.get_link_flags(), "-l:libtensorflow_cc.so.2"]


def key() -> str:
    """Returns the name of the build that fits: a digest of TensorFlow's build, the platform, flags and sources."""
    given = [flag for flag in tf.sysconfig.get_compile_flags() if not flag.startswith("-I")]
    facts = [tf.version.VERSION, tf.version.GIT_VERSION, tf.version.COMPILER_VERSION, sys.platform, platform.machine()]
    system = platform.libc_ver()  # machines that share a home may have different ones
    digest = hashlib.sha256(json.dumps([*facts, *system, *given, *FLAGS]).encode())
    for path in files():
        digest.update(path.relative_to(FOLDER).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"tf{tf.version.VERSION}-{sys.platform}-{platform.machine()}-{digest.hexdigest()[:20]}"
