"""Conditions that end a training, and what they observe."""
