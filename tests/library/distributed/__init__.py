"""Training on several devices and processes; `training.py` is what each of them runs."""
