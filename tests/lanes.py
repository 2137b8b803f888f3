"""The lanes of the tests: how long each test has taken, which is the reason for the mark `slow`."""

import os
import platform
import zlib
from collections import Counter
from pathlib import Path

LIST = Path(__file__).with_name("durations.txt")
SLOW = 4.0  # seconds from which on a test is out of the fast lane
LISTED = 2.0  # seconds from which on it stands in the list
UNLISTED = 0.1  # seconds that another test is taken to need
TITLE = (
    f"# Seconds of all tests that take {LISTED:g} or more, with set-up. From {SLOW:g} on, a test is marked `slow`.\n"
    "# Written by `make durations`, to be run on an idle machine.\n"
)


def measured(text=None):
    """Seconds by test, from the list."""
    lines = (LIST.read_text(encoding="utf-8") if text is None else text).splitlines()
    pairs = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    return {test: float(seconds) for seconds, test in pairs}


def written(seconds):
    """The text of the list, slowest first."""
    chosen = sorted((-number, test) for test, number in seconds.items() if number >= LISTED)
    machine = f"# {platform.machine()}, {os.cpu_count()} logical CPUs, {sum(seconds.values()):.0f} s in all.\n"
    return TITLE + machine + "".join(f"{-number:.1f} {test}\n" for number, test in chosen)


def half_of(test):
    """Which half of the products a test is in, 0 or 1: the same on every machine."""
    return zlib.crc32(test.encode()) % 2


def longest_file_first(items):
    """Puts files that take longest first, so that two workers end together; order within a file stays."""
    seconds, files = measured(), Counter()
    for item in items:
        files[item.path] += seconds.get(item.nodeid, UNLISTED)
    items.sort(key=lambda item: (-files[item.path], str(item.path)))


def misplaced(items):
    """Tests that the list calls slow, and that are in the fast lane all the same."""
    slow = [test for test, seconds in measured().items() if seconds >= SLOW]
    return [item.nodeid for item in items if item.nodeid in slow and not item.get_closest_marker("slow")]
