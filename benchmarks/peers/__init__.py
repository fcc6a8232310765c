"""Other methods on the same cases: one script each, run in an environment of its own."""
