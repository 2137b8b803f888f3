"""The loops in `reference/` give numbers that were worked out beforehand, to ten decimals."""

import numpy as np
import pytest

from tests.library import reference

THREE = (0.1, -0.2, 0.3)
FALLING = (1.0, 0.01, 0.01)

KNOWN = [
    ("gd", {}, THREE, (0.9990000000, 1.0010000000, 0.9980000000)),
    ("sgd", {}, THREE, (0.9990000000, 1.0010000000, 0.9980000000)),
    ("sgd", {"momentum": 0.9}, THREE, (0.9990000000, 1.0001000000, 0.9980900000)),
    ("momentum", {}, THREE, (0.9990000000, 1.0001000000, 0.9980900000)),
    ("momentum", {"nesterov": True}, THREE, (0.9981000000, 1.0010900000, 0.9962810000)),
    ("clr", {"cycle": 4}, THREE, (0.9990000000, 1.0091000000, 0.9881900000)),
    ("clmr", {"cycle": 4}, THREE, (0.9981000000, 1.0186950000, 0.9703305000)),
    ("adagrad", {}, THREE, (0.9996984888, 1.0002148864, 0.9996025141)),
    ("rmsprop", {}, THREE, (0.9968378804, 0.9996949941, 0.9971043650)),
    ("rmsprop", {"momentum": 0.9}, THREE, (0.9968378804, 0.9968490865, 0.9942685429)),
    ("rmsprop", {"centered": True}, THREE, (0.9966668518, 0.9995599085, 0.9969293505)),
    (
        "rmsprop",
        {"centered": True, "momentum": 0.9},
        THREE,
        (0.9966668518, 0.9965600751, 0.9938334181),
    ),
    ("adadelta", {}, THREE, (0.9999985859, 1.0000003837, 0.9999982194)),
    ("adam", {}, THREE, (0.9990000316, 0.9993661300, 0.9990228918)),
    ("adam", {"amsgrad": True}, THREE, (0.9990000316, 0.9993661300, 0.9990228918)),
    ("adamw", {}, THREE, (0.9989960316, 0.9993581340, 0.9990108984)),
    ("adamax", {}, THREE, (0.9990000010, 0.9992894745, 0.9990422421)),
    ("nadam", {}, THREE, (0.9989372133, 0.9998188784, 0.9989871558)),
    ("adam", {}, FALLING, (0.9990000032, 0.9983225359, 0.9977924840)),
    ("adam", {"amsgrad": True}, FALLING, (0.9990000032, 0.9983228408, 0.9977932660)),
]


@pytest.mark.parametrize(("rule", "options", "gradients", "expected"), KNOWN)
def test_reference_gives_the_printed_numbers(rule, options, gradients, expected):
    """Each loop reproduces its row from w = 1; the tolerance is half of the last printed digit."""
    actual = getattr(reference, rule)(1.0, gradients, **options)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=0.51e-10)


def test_every_reference_has_a_known_answer():
    """No loop is used by other tests without numbers that it was held against."""
    assert set(reference.__all__) == {rule for rule, *_ in KNOWN}
