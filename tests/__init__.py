"""Tests of tfoptim: `cases.py` is the table of optimizers, `reference/` the papers as loops."""
