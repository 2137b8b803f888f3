"""Per-run lock: a directory created atomically that names its owner.

    <run>/lease/owner.json   token, host, pid, boot and start of the owner; touched while it lives

A lease whose owner has died is stale. To take it over, a process renames it after the token that it has judged: for a
second process that name is in use, so exactly one wins, and whoever looks between the two renames finds nothing to
judge. An owner that was only suspended finds another token, and publishes nothing.
"""

import contextlib
import dataclasses
import functools
import json
import os
import secrets
import shutil
import socket
import threading
import time
from pathlib import Path
from typing import Self

from experiments import machine
from experiments.records.files import storing

HEARTBEAT_SECONDS = 15.0
STALE_SECONDS = 120.0


class Lost(Exception):
    """The lease was taken over by another process; results made under it do not count."""


@dataclasses.dataclass(frozen=True)
class Owner:
    """Owner of a lease."""

    token: str  # random, one for each lease
    host: str  # name of the machine
    pid: int  # number of the process there
    boot: str  # identity of the machine's boot; empty if the system has none
    start: str  # start of the process as the system prints it, which tells a reused number apart

    @classmethod
    def here(cls) -> Self:
        """Returns this process as an owner, with a new token."""
        return cls(secrets.token_hex(8), socket.gethostname(), os.getpid(), _boot(), _start(os.getpid()))

    def gone(self) -> bool:
        """Returns whether the process is known to have ended; False for another machine."""
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
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def check(self) -> None:
        """Raises Lost unless this process still holds the lease."""
        if holder(self.path.parent) != self.owner:
            raise Lost(f"The run in {self.path.parent} was taken over by another process.")

    def release(self) -> None:
        """Gives the lease back, if this process still holds it."""
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
    """Takes the lease of a run, from a dead owner if needed; None while another process holds it."""
    path, owner = folder / "lease", Owner.here()
    made = folder / f"lease.{owner.token}.tmp"
    with storing(path):
        made.mkdir(parents=True)
        (made / "owner.json").write_text(json.dumps(dataclasses.asdict(owner)), encoding="utf-8")
    mark = _stale_mark(folder)
    if mark is not None:
        _retire(folder, mark)
    try:
        made.rename(path)  # fails if there is a lease, because it is not empty
    except OSError:
        shutil.rmtree(made, ignore_errors=True)
        return None
    return Lease(path, owner)


def holder(folder: Path) -> Owner | None:
    """Returns the owner of the lease of a run, or None if there is none or it is unreadable."""
    return _owner(folder / "lease")


def stale(folder: Path) -> bool:
    """Returns whether the lease of a run is no longer kept alive."""
    return _stale_mark(folder) is not None


def held(folder: Path) -> bool:
    """Returns whether a living process holds the lease of a run."""
    return (folder / "lease").exists() and not stale(folder)


def _stale_mark(folder: Path) -> str | None:
    """Returns what tells the stale lease of a run from any other; None if there is no lease, or a living one."""
    owner = holder(folder)  # read once: mark and verdict are of the same owner
    mark = _mark(folder / "lease", owner)
    gone = owner is not None and owner.gone()
    return mark if gone or _silence(folder / "lease") > STALE_SECONDS else None


def _mark(lease: Path, owner: Owner | None) -> str | None:
    """Returns the token of a lease, or the number of its directory if its owner is unreadable; None without a lease."""
    try:
        return owner.token if owner else f"unreadable-{lease.stat().st_ino}"
    except OSError:
        return None


def _owner(lease: Path) -> Owner | None:
    try:
        return Owner(**json.loads((lease / "owner.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _retire(folder: Path, mark: str) -> None:
    """Moves the stale lease of a mark out of the way; puts back another one that has followed it."""
    path, retired = folder / "lease", folder / f"lease.stale-{mark}"
    with contextlib.suppress(OSError):  # another process was first
        path.rename(retired)
        if _mark(retired, _owner(retired)) != mark:
            retired.rename(path)


def _silence(lease: Path) -> float:
    """Returns the seconds since the last heartbeat."""
    try:
        beat = (lease / "owner.json" if (lease / "owner.json").exists() else lease).stat().st_mtime
    except OSError:
        return 0.0
    # A heartbeat in the future counts as old too: the clock was set back, and there was none since.
    return abs(time.time() - beat)


@functools.cache
def _boot() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else machine.said("sysctl", "-n", "kern.bootsessionuuid") or ""


def _start(pid: int) -> str:
    """Returns the start of a process as the system prints it; empty if there is no such process."""
    if not Path("/proc/self/stat").exists():
        return machine.said("ps", "-o", "lstart=", "-p", str(pid)) or ""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]  # a zombie has ended
