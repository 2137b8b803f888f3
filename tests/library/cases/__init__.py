"""THE table of optimizers: every test of the library is a product over its rows.

To add an optimizer, add its rows to a file of this folder and its loop to `reference/`; no test file changes.
"""

from tests.library.cases import classical, cyclic

CASES = (*classical.CASES, *cyclic.CASES)
CLASSES = tuple({case.name: case for case in reversed(CASES)}.values())  # first row of each class
