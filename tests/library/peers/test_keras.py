"""Keras's own tests pass with our optimizers in place of Keras's, but for those that the table lists with a reason."""

import json
import pathlib
import subprocess
import sys

import keras
import pytest
from packaging.version import Version

from tests.library.peers.adapter import SHIPS_ITS_TESTS, DeviatesError, load, names
from tests.library.peers.alone import DEVIATED, PASSED, SKIPPED
from tests.library.peers.table import PEERS

# Warnings are errors in our tests; whether Keras's tests warn is Keras's affair.
pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.slow]

ROOT = pathlib.Path(__file__).parents[3]
ALONE = [
    pytest.param(peer, name, marks=getattr(getattr(case, name), "pytestmark", ()), id=f"{peer}-{name}")
    for peer in PEERS
    if peer.alone and not peer.why_not
    for case in [load(peer)]
    for name in names(case)
]

for _peer in PEERS:
    if not (_peer.alone or _peer.why_not):
        globals()[f"Test_{_peer}"] = load(_peer)


@pytest.fixture(scope="module")
def outcomes():
    """The outcome of every test of a peer that needs a process of its own; each runs once."""
    known = {}

    def of(peer):
        if str(peer) not in known:
            command = [sys.executable, "-m", "tests.library.peers.alone", str(peer)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)
            assert done.returncode == 0, done.stderr[-3000:]
            known[str(peer)] = json.loads(done.stdout.splitlines()[-1])
        return known[str(peer)]

    return of


@pytest.mark.parametrize("peer", PEERS, ids=str)
def test_the_installed_keras_has_the_file(peer):
    """Older wheels have no tests, and each file that is left out is named; from then on there is no excuse."""
    if peer.why_not and Version(keras.__version__) < SHIPS_ITS_TESTS:
        pytest.skip(peer.why_not)
    assert not peer.why_not


@pytest.mark.parametrize(("peer", "name"), ALONE)
def test_in_a_process_of_its_own(peer, name, outcomes):
    """Tests that reset TensorFlow to get two logical devices pass there."""
    outcome = outcomes(peer)[name]
    if outcome.startswith(SKIPPED):
        pytest.skip(outcome.removeprefix(SKIPPED))
    if outcome == DEVIATED:
        raise DeviatesError(peer.deviations[name].reason)
    assert outcome == PASSED
