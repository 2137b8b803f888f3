"""Programs that measure the library itself, not optimizers on problems."""
