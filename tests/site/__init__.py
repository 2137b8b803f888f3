"""Tests of the built site; `make docs` builds it and runs them."""
