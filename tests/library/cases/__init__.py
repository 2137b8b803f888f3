"""THE table of optimizers: every test of the library is a product over its rows.

To add an optimizer, add its rows to a file of this folder and its loop to `reference/`; no test file changes.
"""

from tests.library.cases import (
    adam,
    adaptive,
    averaging,
    classical,
    cyclic,
    free,
    kronecker,
    layerwise,
    matrix,
    proximal,
    sign,
)

FILES = (classical, cyclic, layerwise, averaging, adam, adaptive, matrix, kronecker, proximal, sign, free)
CASES = tuple(case for file in FILES for case in file.CASES)
CLASSES = tuple({case.name: case for case in reversed(CASES)}.values())[::-1]  # first row of each class
