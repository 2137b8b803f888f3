"""Trains one model: what decides the numbers of a run, and nothing else."""

import os

# Recorded numbers must not depend on whether a machine has a compiler.
os.environ["TFOPTIM_NATIVE"] = "0"
