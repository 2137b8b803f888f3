"""Makes the runs that are missing: sweeps, engines, training and timing."""
