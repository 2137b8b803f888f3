"""A program for the peers that reset TensorFlow: runs the tests of one of them and prints `{test: outcome}` as JSON."""

import json
import sys
import unittest

from tests.library.peers.adapter import DeviatesError, load, names
from tests.library.peers.table import PEERS

PASSED, SKIPPED, DEVIATED = "passed", "skipped: ", "deviated"


class Outcomes(unittest.TestResult):
    """Keeps one word or one traceback for each test."""

    def __init__(self):
        super().__init__()
        self.of = {}

    def addSuccess(self, test):
        """Keras's hook for a test that passed."""
        self.of[test._testMethodName] = PASSED

    def addSkip(self, test, reason):
        """Hook for a test that says it does not apply."""
        self.of[test._testMethodName] = SKIPPED + reason

    def addError(self, test, error):
        """Hook for a test that raised."""
        text = self._exc_info_to_string(error, test)
        self.of[test._testMethodName] = DEVIATED if issubclass(error[0], DeviatesError) else text

    addFailure = addError


def main():
    """Runs the peer named on the command line."""
    (peer,) = (peer for peer in PEERS if str(peer) == sys.argv[1])
    case, outcomes = load(peer), Outcomes()
    for name in names(case):
        case(name).run(outcomes)
    print(json.dumps(outcomes.of))


if __name__ == "__main__":
    main()
