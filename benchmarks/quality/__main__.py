"""Measure how right the judgements are, beside peers on the same cases: `python -m benchmarks.quality`."""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.settings import PEERS
from benchmarks.quality import ours, peers
from benchmarks.quality.calibration import calibrated
from benchmarks.quality.cases import Group, Half, Stratum, groups, sample
from benchmarks.quality.panels import real_panels
from benchmarks.quality.pictures import draw
from benchmarks.quality.replay import replayed
from benchmarks.quality.table import by_view, common_sample, full_panel, measured
from benchmarks.quality.views import VIEWS, Method
from monitor.errors import MonitorError

SIZES = {Stratum.REAL: 200, Stratum.SYNTHETIC: 120, Stratum.SHORT: 120, Stratum.INTERMITTENT: 30}
QUICK = {Stratum.REAL: 4, Stratum.SYNTHETIC: 3, Stratum.SHORT: 2, Stratum.INTERMITTENT: 1}
OUT = peers.ROOT / "var" / "quality" / "quality.md"


def main() -> None:
    """Run what is asked, print it, and write it with its pictures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few series, to see that everything runs: two minutes")
    parser.add_argument("--half", choices=list(Half), default=Half.REPORT, type=Half, help="of the series (default: report)")
    parser.add_argument(
        "--only", choices=["bank", "replay", "calibration"], help="the bank with its ceiling, real shocks, or chance"
    )
    parser.add_argument("--out", type=Path, default=OUT, help="the file that the tables go to, its pictures beside it")
    options = parser.parse_args()
    try:
        text = _text(options)
    except MonitorError as error:
        sys.exit(str(error))
    print(text)
    if options.only is None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n", encoding="utf-8")
        _say(f"written: {options.out} and its pictures")


def _text(options: argparse.Namespace) -> str:
    if options.only == "replay":
        return replayed(real_panels())
    if options.only == "calibration":
        return calibrated(real_panels())
    found = groups(options.half)
    if options.only == "bank":
        return _bank(found)
    begin = time.perf_counter()
    parts = [*_sampled(found, options.quick, options.out.parent), *_whole(found, options.quick)]
    took = f"{(time.perf_counter() - begin) / 60:.1f} minutes on {platform.machine()}, Python {platform.python_version()}"
    return "\n\n".join([f"Half of the series: {options.half}; {took}.", *parts])


def _bank(found: Sequence[Group]) -> str:
    return full_panel(found, [_ours(found), *_ceilings(found)]) + "\n\n" + _rules(found)


def _sampled(found: Sequence[Group], quick: bool, folder: Path) -> list[str]:
    """Run every method on the common sample."""
    sampled = sample(found, QUICK if quick else SIZES)
    answers = peers.ask(sampled, list(PEERS), _say)
    methods = [_ours(sampled), *(Method(name=name, answers=answers[name]) for name in PEERS), *_ceilings(sampled)]
    results = measured(sampled, methods, VIEWS)
    draw(folder, sampled, methods, results)
    return [
        "## Dense series of the common sample\n\n" + common_sample(results, methods),
        "## AP@2% by kind of series (in brackets: bank − it)\n\n" + by_view(results, methods, 0),
        "## R@10 by kind of series (in brackets: bank − it)\n\n" + by_view(results, methods, 1),
    ]


def _whole(found: Sequence[Group], quick: bool) -> list[str]:
    """Run the bank and the cheap peers on every case, the shipped rules, and the shocks that happened."""
    cheap = {} if quick else peers.ask(found, peers.CHEAP, _say)
    methods = [_ours(found), *(Method(name=name, answers=answers) for name, answers in cheap.items()), *_ceilings(found)]
    return [
        "## Every case of the half\n\n" + full_panel(found, methods),
        _rules(found),
        "## Shocks that happened\n\n" + replayed(real_panels()),
    ]


def _ours(found: Sequence[Group]) -> Method:
    return Method(name="bank", answers=[ours.bank(group) for group in found])


def _ceilings(found: Sequence[Group]) -> list[Method]:
    return [
        Method(name="own law", answers=[ours.own_law(group) for group in found]),
        Method(name="own law, given trade", answers=[ours.own_law(group, given_trade=True) for group in found]),
        Method(name="best test", answers=[ours.best_test(group) for group in found]),
    ]


def _rules(found: Sequence[Group]) -> str:
    rate = ours.alerts_of_shipped_rules(found)
    return f"Shipped rules: {rate:.1f} alerts per 1,000 months judged (the last 12, sizes included)."


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
