"""How right the judgements are, beside peers on the same cases: `python -m benchmarks.quality`."""
