"""What is on disk: atomic files, run folders, leases, checkpoints, costs."""
