"""The data set `mni152_tissue`: slices of the MNI-ICBM152 brain template, which comes with the package nilearn."""
