"""The figures: rows in, pictures out. Nothing here reads a record or trains."""
