"""Stopping conditions and their observations."""
