"""What a saved state holds, how its variables are paired with those of a model, and how it is loaded."""
