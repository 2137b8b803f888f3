"""Callbacks for `fit`."""

from tfoptim.resume import Resume as Resume
