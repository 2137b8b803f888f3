"""Rules of matrices follow their loops on matrices of all kinds, and on what is none."""

import numpy as np
import pytest

import tfoptim
from tests.library.cases import CASES, CLASSES
from tests.library.harness import MODES, assert_follows, train
from tests.library.products import parameters

SHAPES = ((4, 3), (6, 6), (3, 3, 2, 4), (3,))
STEPS = 12
ROUNDING = 1e-12  # float64, twelve steps


def of_matrices(case):
    """Whether a row's rule is one for matrices."""
    return getattr(tfoptim, case.name).family == "matrix"


FIRST = [case.id for case in CLASSES]  # of each class; other rows follow the loop on a matrix and a vector, in step/


@pytest.mark.parametrize(
    ("case", "mode"),
    [
        parameters(case, mode, fast=mode == "graph" and case.id in FIRST)
        for case in CASES
        for mode in MODES
        if of_matrices(case)
    ],
)
def test_training_follows_the_loop_on_every_kind_of_variable(case, mode):
    """High and square matrices, a convolution and a vector."""
    generator = np.random.default_rng(0)
    start = [generator.normal(size=shape) for shape in SHAPES]
    gradients = [[generator.normal(size=shape) for shape in SHAPES] for _ in range(STEPS)]
    columns = [case.trajectory(w, [step[i] for step in gradients]) for i, w in enumerate(start)]
    actual = train(case.make(), start, gradients, mode=mode, dtype="float64")[:-1]
    assert_follows(list(zip(*columns, strict=True)), actual, start, ROUNDING)
