"""The commands that work on runs without drawing: `run`, `status`, `resume`, `clean`."""
