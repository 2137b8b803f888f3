"""Checks for Macs with an Apple GPU: `python -m experiments metal-check`."""
