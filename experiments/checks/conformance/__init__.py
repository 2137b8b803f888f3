"""Faults of Keras's optimizers on TensorFlow, measured by the same code on Keras and on tfoptim.

`rows` defines a row, `catalogue` lists all of them, every other module declares the rows of one subject.
"""
