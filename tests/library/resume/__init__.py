"""Interrupted training and its checkpoints."""
