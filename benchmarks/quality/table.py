"""What was measured, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.peers.settings import PEERS
from benchmarks.quality.cases import Group
from benchmarks.quality.metrics import interval, resamples
from benchmarks.quality.views import BESIDE, VIEWS, Measures, Method, View, measure, pool
from monitor.panel import Floats

CEILINGS = ("own law", "own law, given trade", "best test")
"""Rows that are no methods but what the synthetic series allow; they stand below the methods."""

Measured = dict[str, dict[str, Measures]]
"""View, then method."""


def measured(groups: Sequence[Group], methods: Sequence[Method], views: Sequence[View]) -> Measured:
    """Measure every method in every view, with the same resamples of series for all."""
    found: Measured = {}
    for view in views:
        for method in methods:
            pooled = pool(view, groups, method)
            if pooled is not None:
                found.setdefault(view.name, {})[method.name] = measure(pooled, resamples(pooled.series))
    return found


def full_panel(groups: Sequence[Group], methods: Sequence[Method]) -> str:
    """Return the table of methods on every case of the half, and the share found of each kind of shock at 10 alerts."""
    rows = [
        [view, title(name), f"{found.series:,}", *_cells(found), *(f"{share:.2f}" for share in found.recalls)]
        for view, methods_found in measured(groups, methods, (*VIEWS, *BESIDE)).items()
        for name, found in methods_found.items()
    ]
    return markdown(("cases", "method", "series", *_MEASURES, "×0.7", "×0.5", "×0.1", "×1.5", "×2.0"), rows)


def common_sample(found: Measured, methods: Sequence[Method]) -> str:
    """Return the table of all methods on the dense series of the common sample, with what each costs and how often it failed."""
    own, rows = found["dense"], []
    for method in methods:
        if method.name in own:
            differences = _differences(own, method.name)
            cost = own[method.name].cpu
            cells = [*_cells(own[method.name]), "–" if cost is None else f"{cost:.3g}", _fallbacks(method)]
            rows.append([title(method.name), *cells, *differences])
    heads = ("method", *_MEASURES, "CPU ms", "fallbacks (all kinds)", "AP@2%, bank − it", "R@10, bank − it")
    return markdown(heads, rows)


def by_view(found: Measured, methods: Sequence[Method], place: int) -> str:
    """Return AP@2% (place 0) or R@10 (1) of each method in each view, and below it how far the bank is ahead."""
    views = [view.name for view in VIEWS if view.name in found]
    rows = []
    for method in methods:
        cells = [_in_view(found[view], method.name, place) for view in views]
        rows.append([title(method.name), *cells])
    return markdown(("method", *(f"{view} ({_series(found[view])})" for view in views)), rows)


def _in_view(own: dict[str, Measures], name: str, place: int) -> str:
    if name not in own:
        return "–"
    value = f"{own[name].detection[0, place]:.3f}"
    return value if name == "bank" or name in CEILINGS else f"{value} ({_differences(own, name)[place]})"


def _series(own: dict[str, Measures]) -> str:
    return f"{next(iter(own.values())).series} series"


def _differences(own: dict[str, Measures], name: str) -> list[str]:
    """Write bank minus a method, for both measures, each with its interval."""
    if name == "bank" or name in CEILINGS:
        return ["", ""]
    gap = own["bank"].detection - own[name].detection
    return [signed_interval(gap[:, place]) for place in (0, 1)]


_MEASURES = ("AP@2%", "R@10", "FA/1000", "miss99")


def _cells(found: Measures) -> list[str]:
    return [
        with_interval(found.detection[:, 0], 3),
        with_interval(found.detection[:, 1], 3),
        "–" if found.false is None else with_interval(found.false, 1),
        "–" if found.miss is None else with_interval(found.miss, 1),
    ]


def _fallbacks(method: Method) -> str:
    """Write how many cases of all kinds were answered by another method."""
    failed = [answers.fallback for answers in method.answers if answers is not None and answers.fallback is not None]
    return f"{sum(int(f.sum()) for f in failed):,} of {sum(f.size for f in failed):,}" if failed else "–"


def title(name: str) -> str:
    """Return how a method is called."""
    return PEERS[name].title if name in PEERS else name


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def with_interval(draws: Floats, decimals: int) -> str:
    """Write ``0.538 (0.497 to 0.587)``."""
    low, high = interval(draws)
    return f"{draws[0]:.{decimals}f} ({low:.{decimals}f} to {high:.{decimals}f})"


def signed_interval(draws: Floats) -> str:
    """Write ``+0.043, +0.012 to +0.071`` with real minus signs."""
    low, high = interval(draws)
    return f"{draws[0]:+.3f}, {low:+.3f} to {high:+.3f}".replace("-", "−")
