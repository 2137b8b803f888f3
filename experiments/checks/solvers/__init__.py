"""Methods that need the loss itself, measured: on test functions, on a curve fit, and after Adam on a small network."""
