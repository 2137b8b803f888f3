"""The timing pass (rule B16): short runs, one at a time, each by a process of its own, the optimizers in turn."""
