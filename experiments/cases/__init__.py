"""What is said of each case of a segmentation: predicted and measured at the end of a run, then tabled and drawn."""
