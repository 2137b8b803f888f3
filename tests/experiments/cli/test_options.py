"""Each run is in exactly one share of a study."""

import argparse

import pytest

from experiments.cli import options


def test_the_known_hash_is_in_its_known_shares():
    """That of the canonical example is in the second of two, the third of three, the second of four."""
    identity = "158d35d8b578c605994d4b0984021488d8b22b831c36244c0097500a4d6f839b"
    found = [(i, n) for n in (1, 2, 3, 4) for i in range(1, n + 1) if options.Shard(i, n).has(identity)]
    assert found == [(1, 1), (2, 2), (3, 3), (2, 4)]


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "1/0", "-1/2", "1/2/3", ""])
def test_shares_that_are_none_are_refused(text):
    """With what is allowed."""
    with pytest.raises(argparse.ArgumentTypeError, match="must be I/N with I from 1 to N, such as 2/4"):
        options.shard(text)
