"""Measure how right the judgements are: `python -m benchmarks.quality [--quick] [--only bank] [--half tune]`."""

from __future__ import annotations

import argparse

from benchmarks.quality import ours
from benchmarks.quality.cases import Half, groups
from benchmarks.quality.table import Method, full_panel


def main() -> None:
    """Run what is asked and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--half", choices=list(Half), default=Half.REPORT, type=Half, help="of the series (default: report)")
    parser.add_argument("--only", choices=["bank"], help="the bank on the whole panel, with its distance to the ceiling")
    options = parser.parse_args()
    found = groups(options.half)
    methods = [
        Method(name="bank", answers=[ours.bank(group) for group in found]),
        Method(name="own law", answers=[ours.own_law(group) for group in found]),
        Method(name="own law, given trade", answers=[ours.own_law(group, given_trade=True) for group in found]),
        Method(name="best test", answers=[ours.best_test(group) for group in found]),
    ]
    print(full_panel(found, methods))
    rate = ours.alerts_of_shipped_rules(found)
    print(f"\nShipped rules: {rate:.1f} alerts per 1,000 months judged (the last 12, sizes included).")


if __name__ == "__main__":
    main()
