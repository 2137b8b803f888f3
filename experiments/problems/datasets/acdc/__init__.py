"""The data set `acdc`: hearts at two moments of the beat, from the ACDC challenge, which users download."""
