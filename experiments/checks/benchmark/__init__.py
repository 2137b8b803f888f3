"""Speed of optimizer steps compared with Keras and torch: `python -m experiments benchmark`."""
