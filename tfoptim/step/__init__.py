"""The order of one step, from gradients to iterations."""
