"""The data set `msd_heart`: left atria in MRI, Task02 of the Medical Segmentation Decathlon, which users download."""
