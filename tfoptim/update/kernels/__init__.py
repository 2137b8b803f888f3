"""Kernels that compute a rule's step in one pass."""
