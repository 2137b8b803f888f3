"""What only a Mac with an Apple GPU can confirm: `python -m experiments metal-check`."""
