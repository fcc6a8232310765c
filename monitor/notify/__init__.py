"""How a message leaves the house: one file a kind, and the worker that loses nothing."""
