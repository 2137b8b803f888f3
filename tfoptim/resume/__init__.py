"""Resuming interrupted training: the callback, its snapshots and its checkpoints."""
