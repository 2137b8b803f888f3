"""Models that more than one problem uses."""
