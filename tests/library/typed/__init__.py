"""Files that type checkers read and nobody runs."""
