"""The same month a year before, and the median absolute deviation of yearly changes."""

from __future__ import annotations

from benchmarks.peers.scoring import run, seasonal_naive

if __name__ == "__main__":
    run(seasonal_naive)
