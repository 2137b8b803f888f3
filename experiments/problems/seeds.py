"""Every random stream of a run, derived from (problem, seed, purpose) and never from the optimizer.

So two optimizers of one seed start from the same weights, see the examples in the same order and
draw the same dropout keys, and their difference is a paired difference (rule B10).
"""

import hashlib

import numpy as np

EVALUATION = range(1000)
TUNING = range(1000, 2000)
TARGET = range(2000, 3000)
TIMING = range(3000, 4000)


def derive(problem: str, seed: int, purpose: str) -> int:
    """Returns the 64-bit seed of one purpose: `init`, `order`, `augment`, `dropout` or `noise`."""
    digest = hashlib.sha256(f"{problem}|{seed}|{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def order(problem: str, seed: int, epoch: int, examples: int) -> np.ndarray:
    """Returns the order of the training examples in one pass, from 1, of a task: a permutation of int32."""
    generator = np.random.default_rng([derive(problem, seed, "order"), epoch])
    return generator.permutation(examples).astype(np.int32)
