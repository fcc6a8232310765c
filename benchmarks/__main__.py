"""Every benchmark in one run, as ratios against a peer or an aim: `python -m benchmarks [--small]`."""

from __future__ import annotations

import argparse
import os
import platform

from benchmarks import delivery, judging, reading, release, scale, vintages


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--small", action="store_true", help="fewer series and releases: half a minute instead of eight")
    small = parser.parse_args().small
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores")
    for room in (judging, release, reading, vintages, delivery, scale):
        room.report(small)


if __name__ == "__main__":
    main()
