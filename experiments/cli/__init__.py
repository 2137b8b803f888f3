"""What is typed: one file a command, with its options, its examples and its action."""
