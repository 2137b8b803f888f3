"""Records in, rows and verdicts out; nothing is drawn or trained here."""
