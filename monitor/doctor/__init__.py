"""What is wrong with a desk, each with what to do: its files, its machine, its store, its service, its figures, its messages."""
