"""What machine this is, so that times of different ones are not mixed, and whether it has other work to do."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

BUSY = 0.5  # processes that want to run, for each core: above, others take from what is measured
CPUS = Path("/proc/cpuinfo")


def fingerprint() -> dict[str, Any]:
    """Returns what times depend on: the processor, its cores, the memory in GiB, the system; not the machine's name."""
    return {
        "cpu": processor(),
        "cores": os.cpu_count() or 1,
        "memory_gib": round(_memory() / 2**30, 1),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def processor() -> str:
    """Returns the processor's name, or its kind where the system tells no name."""
    if CPUS.exists():
        lines = (line.partition(":") for line in CPUS.read_text(encoding="utf-8", errors="replace").splitlines())
        named = (value.strip() for key, _, value in lines if key.strip() in ("model name", "Model"))
        return next(named, platform.machine())
    try:
        told = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return platform.processor() or platform.machine()
    return told.stdout.strip()


def load() -> float | None:
    """Returns how many processes wanted to run in the last minute, for each core; None where that is not told."""
    try:
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    except (OSError, AttributeError):
        return None


def warning(share: float | None) -> str:
    """Returns the sentence about a machine that has other work to do; empty when it is believed to be idle.

    Args:
        share: its load for each core, as `load` gives it.
    """
    if share is None or share <= BUSY:
        return ""
    return (
        f"The machine is not idle: in the last minute {share:.1f} processes wanted each core, where {BUSY} is the most "
        "for times that can be believed; the records and the lint will say so."
    )


def _memory() -> int:
    """Returns the bytes of memory; 0 where that is not told."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError, AttributeError):
        return 0
