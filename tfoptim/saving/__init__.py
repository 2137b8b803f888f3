"""Saving and loading of optimizer state: file layout, matching of variables, assignment."""
