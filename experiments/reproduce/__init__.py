"""Results beside what is known: the published ones of DeepOBS, and the minima of test functions (rule B20)."""
