"""What was expected of a figure, and how it compares: pure functions on panels."""
