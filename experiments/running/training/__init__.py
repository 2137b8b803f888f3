"""Trains one model: what decides the numbers of a run, and nothing else."""
