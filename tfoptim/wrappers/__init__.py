"""Optimizers made of optimizers."""
