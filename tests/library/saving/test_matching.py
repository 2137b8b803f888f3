"""Which variable of a file is which of the optimizer, case by case."""

import pytest

from tfoptim.saving.matching import match

SQUARE, TALL, ONE = {"m": (4, 4)}, {"m": (8, 4)}, {"m": (4, 1)}


@pytest.mark.parametrize(
    ("names", "shapes", "saved", "found", "pairs"),
    [
        (["a", "b"], [ONE, ONE], ["b", "a"], [ONE, ONE], [(0, 1), (1, 0)]),
        (["a", "b"], [ONE, SQUARE], ["b", "a"], [ONE, ONE], [(0, 1)]),
        (["dense_w", "dense_1_w"], [ONE, ONE], ["dense_5_w", "dense_6_w"], [ONE, ONE], [(0, 0), (1, 1)]),
        (["dense_w"], [ONE], ["model_dense_w"], [ONE], [(0, 0)]),
        (["model_2_dense_w", "model_2_new_w"], [ONE, ONE], ["model_dense_w"], [ONE], [(0, 0)]),
        (["dense_1_w"], [ONE], ["model_1_dense_w", "model_1_dense_1_w"], [ONE, ONE], [(0, 1)]),
        (["dense_7_w"], [TALL], ["dense_w", "dense_1_w"], [ONE, TALL], [(0, 1)]),
        (["dense_7_w"], [ONE], ["dense_w", "dense_1_w"], [ONE, ONE], []),
        (["dense_7_w"], [SQUARE], ["dense_w", "dense_1_w"], [ONE, TALL], []),
        (["dense_7_w", "dense_8_w"], [ONE, ONE], ["dense_w"], [ONE], []),
        (["dense_1_w", "dense_2_w", "new_w"], [ONE] * 3, ["dense_w", "dense_1_w"], [ONE] * 2, []),
        (["w", "w"], [ONE, ONE], ["w"], [ONE], []),
        (["w", "w"], [ONE, TALL], ["w", "w"], [ONE, TALL], [(0, 0), (1, 1)]),
        (["a", "b"], [ONE, TALL], ["", ""], [ONE, TALL], [(0, 0), (1, 1)]),
        (["a"], [ONE], ["", ""], [ONE, ONE], []),
        ([], [], ["a"], [ONE], []),
        (["a"], [ONE], [], [], []),
    ],
    ids=[
        "names in another order",
        "a variable of another shape",
        "layers with new numbers",
        "a model's name in front",
        "a model with a new number",
        "a model's name in front, and a layer gone",
        "new numbers, told apart by shapes",
        "new numbers, not to be told apart",
        "new numbers, and no shape that fits",
        "new numbers, and a layer more than there was",
        "numbers that overlap: shifted, or another layer gone",
        "one name for two variables, one gone",
        "one name for two variables",
        "a file of Keras",
        "a file of Keras for other variables",
        "nothing to train",
        "nothing saved",
    ],
)
def test_variables_are_paired_where_it_is_sure(names, shapes, saved, found, pairs):
    """Pairs are (position in the optimizer, position in the file); what could be wrong is in none."""
    assert match(names, shapes, saved, found) == pairs
