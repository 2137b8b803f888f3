"""Who carries out a run: a folder that appears in one step, with its owner inside, or not at all.

    <run>/lease/owner.json   token, host, pid, boot and start of the owner; touched as long as it lives

A lease whose owner has gone is stale. It is taken over by renaming it after its token: a second taker
finds that name in use, so that exactly one wins. An owner that was taken for dead and wakes up finds
another token in the lease, and publishes nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import secrets
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Self

from experiments.records.files import storing

HEARTBEAT_SECONDS = 15.0
STALE_SECONDS = 120.0


class Lost(Exception):
    """The lease is another's by now; what was made under it does not count."""


@dataclasses.dataclass(frozen=True)
class Owner:
    """Who holds a lease.

    Attributes:
        token: drawn anew for each lease.
        host: name of the machine.
        pid: number of the process there.
        boot: identity of the machine's boot; empty where there is none.
        start: when the process started, in the system's own words: a number used again is told apart.
    """

    token: str
    host: str
    pid: int
    boot: str
    start: str

    @classmethod
    def here(cls) -> Owner:
        """Returns this process as an owner, with a new token."""
        return cls(secrets.token_hex(8), socket.gethostname(), os.getpid(), _boot(), _start(os.getpid()))

    def gone(self) -> bool:
        """Returns whether the process is known to have ended; of another machine nothing is known."""
        if self.host != socket.gethostname():
            return False
        return self.boot != _boot() or self.start != _start(self.pid)


class Lease:
    """A lease that this process holds, kept alive by a thread until it is released."""

    def __init__(self, path: Path, owner: Owner) -> None:
        """Starts the heartbeat; `claim` makes leases."""
        self.path, self.owner = path, owner
        self._end = threading.Event()
        self._heart = threading.Thread(target=self._beat, daemon=True)
        self._heart.start()

    def __enter__(self) -> Self:
        """Holds on."""
        return self

    def __exit__(self, *error: object) -> None:
        """Lets go."""
        self.release()

    def check(self) -> None:
        """Makes sure that the lease is still this process's.

        Raises:
            Lost: it is not.
        """
        if holder(self.path.parent) != self.owner:
            raise Lost(f"The run in {self.path.parent} was taken over by another process.")

    def release(self) -> None:
        """Gives the lease back, if it is still this process's."""
        self._end.set()
        self._heart.join()
        if holder(self.path.parent) == self.owner:
            gone = self.path.with_name(f"lease.{self.owner.token}.tmp")
            with contextlib.suppress(OSError):
                self.path.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def _beat(self) -> None:
        while not self._end.wait(HEARTBEAT_SECONDS):
            with contextlib.suppress(OSError):
                os.utime(self.path / "owner.json")


def claim(folder: Path) -> Lease | None:
    """Takes the lease of a run, from a dead owner if need be; None while another process has it."""
    path, owner = folder / "lease", Owner.here()
    made = folder / f"lease.{owner.token}.tmp"
    with storing(path):
        made.mkdir(parents=True)
        (made / "owner.json").write_text(json.dumps(dataclasses.asdict(owner)), encoding="utf-8")
    if path.exists() and stale(folder):
        _retire(folder)
    try:
        made.rename(path)  # fails where a lease is: it is not empty
    except OSError:
        shutil.rmtree(made, ignore_errors=True)
        return None
    return Lease(path, owner)


def holder(folder: Path) -> Owner | None:
    """Returns who holds the lease of a run, or None when nobody does or it cannot be read."""
    return _owner(folder / "lease")


def stale(folder: Path) -> bool:
    """Returns whether the lease of a run is one that nobody keeps alive."""
    owner = holder(folder)
    return (owner is not None and owner.gone()) or _silence(folder / "lease") > STALE_SECONDS


def held(folder: Path) -> bool:
    """Returns whether a living process holds the lease of a run."""
    return (folder / "lease").exists() and not stale(folder)


def _owner(lease: Path) -> Owner | None:
    try:
        return Owner(**json.loads((lease / "owner.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _retire(folder: Path) -> None:
    """Moves a stale lease out of the way; puts back one that was renewed in the meantime."""
    path, owner = folder / "lease", holder(folder)
    retired = folder / f"lease.stale-{owner.token if owner else secrets.token_hex(8)}"
    with contextlib.suppress(OSError):  # another taker was first
        path.rename(retired)
        if _owner(retired) != owner:
            retired.rename(path)


def _silence(lease: Path) -> float:
    """Returns the seconds since the last heartbeat."""
    try:
        beat = (lease / "owner.json" if (lease / "owner.json").exists() else lease).stat().st_mtime
    except OSError:
        return 0.0
    return abs(
        time.time() - beat
    )  # one from the future is old too: the clock was set back, and nobody has beaten since


@functools.cache
def _boot() -> str:
    """Returns the identity of the machine's boot, or nothing."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else _said("sysctl", "-n", "kern.bootsessionuuid")


def _start(pid: int) -> str:
    """Returns when a process started, in the system's words, or nothing when there is no such process."""
    if not Path("/proc/self/stat").exists():
        return _said("ps", "-o", "lstart=", "-p", str(pid))
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]  # a zombie has ended


def _said(*command: str) -> str:
    try:
        return subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", check=True, timeout=10
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
