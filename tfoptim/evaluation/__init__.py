"""Evaluation with averaged weights, and with statistics of batches that belong to them."""
