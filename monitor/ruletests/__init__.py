"""Rule tests: figures given as releases, judged as any other, and compared with what was expected to be told."""
