"""A training that goes on where it was interrupted: the callback, its snapshots and its files."""
