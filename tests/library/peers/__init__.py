"""Keras's own tests of its optimizers, run on ours: see `adapter.py` and, for what fails on purpose, `table.py`."""
