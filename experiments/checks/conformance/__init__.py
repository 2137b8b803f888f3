"""What Keras's optimizers get wrong on TensorFlow and what tfoptim's do instead, measured on both by the same code.

`rows` says what a row is, `catalogue` has all of them, each other module a few that belong together. Rows need no more
than Keras and tfoptim; those about replicas and workers run in processes of their own (`processes`).
"""
