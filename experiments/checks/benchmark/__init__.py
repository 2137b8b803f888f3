"""How fast the step of each optimizer is, beside Keras's and torch's: `python -m experiments benchmark`."""
