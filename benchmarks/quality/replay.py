"""
Shocks that happened: which windows a method catches, and what it says elsewhere.

A window names series, months and a direction (`windows.csv`), or is an event of the shipped `config/events.yaml` that names
products of a bundled dataset, from its month on for three months, in either direction. Every method judges each month of all
histories with nothing after it visible. A window is caught if one of its series-months reaches the threshold on its side: where
10 of 1,000 series-months outside all windows alert, and beside it the method's own level.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.peers import year_on_year
from benchmarks.peers.scoring import YEAR, Case, seasonal_naive
from benchmarks.peers.settings import PEERS
from benchmarks.quality.cases import SMALL
from benchmarks.quality.metrics import FALSE_ALERTS
from benchmarks.quality.ours import OWN_LEVEL
from benchmarks.quality.panels import EXPORTS, IMPORTS, MAGNETS, of_one_country
from benchmarks.quality.table import markdown, title
from monitor.detection.bank import Bank
from monitor.detection.expected import surprise
from monitor.months import Month, format_month, parse_month
from monitor.panel import Bools, Floats, Ints, Panel
from monitor.series import SeriesKey
from monitor.settings import Settings
from monitor.shipped import shipped_folder

AFTER = 2  # months after an event's own that count
SIDES = {"drop": -1, "rise": 1, "either": 0}
LEVELS = {"bank": OWN_LEVEL, "seasonal_naive": PEERS["seasonal_naive"].level, "year_on_year": PEERS["year_on_year"].level}
METHODS = tuple(LEVELS)


@dataclass(frozen=True, kw_only=True)
class Window:
    """Series-months in which something is known to have happened, and on which side (0 for either)."""

    name: str
    dataset: str
    concerns: Callable[[SeriesKey], bool]
    first: Month
    last: Month
    side: int

    def cells(self, panel: Panel) -> Bools:
        """Return the cells of a panel that belong to the window, (n, T)."""
        rows = np.array([self.concerns(key) and key.measure != "duty" for key in panel.keys], bool)
        months = (panel.months >= self.first) & (panel.months <= self.last)
        return rows[:, None] & months


def windows() -> list[Window]:
    """Return our own list, then the shipped events that name products of the bundled US figures."""
    path = Path(__file__).with_name("windows.csv")
    own = [_listed(row) for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())]
    events = [event for event in Settings.load(shipped_folder("config"), {}).events if event.products and event.reporter == "US"]
    return own + [
        Window(
            name=f"event: {event.word}",
            dataset=EXPORTS,
            concerns=event.concerns,
            first=event.month,
            last=event.month + AFTER,
            side=0,
        )
        for event in events
    ]


def _listed(row: Mapping[str, str]) -> Window:
    partners, products = row["partners"].split(), row["products"].split()
    return Window(
        name=row["name"],
        dataset=row["dataset"],
        concerns=lambda key: key.partner in partners and key.product in products,
        first=parse_month(row["first"]),
        last=parse_month(row["last"]),
        side=SIDES[row["direction"]],
    )


def replayed(panels: Mapping[str, Panel]) -> str:
    """Return the table of windows, and of what each method says at 10 alerts per 1,000 elsewhere and at its own level."""
    found = windows()
    judged = {
        dataset: _scores(panels[dataset], [w for w in found if w.dataset == dataset]) for dataset in (IMPORTS, EXPORTS, MAGNETS)
    }
    elsewhere = {name: np.concatenate([scores.elsewhere(name) for scores in judged.values()]) for name in METHODS}
    thresholds = {name: float(np.quantile(sizes, 1 - FALSE_ALERTS / 1000)) for name, sizes in elsewhere.items()}
    rows = [_row(window, panels[window.dataset], judged[window.dataset], thresholds) for window in found]
    heads = ("window", "months", "side", "series-months", *(title(name) for name in METHODS))
    summary = [
        [
            title(name),
            f"{thresholds[name]:.2f}",
            _caught(found, panels, judged, name, thresholds[name]),
            f"{LEVELS[name]:g}",
            _caught(found, panels, judged, name, LEVELS[name]),
            f"{1000 * float((elsewhere[name] >= LEVELS[name]).mean()):.1f}",
        ]
        for name in METHODS
    ]
    heads_below = ("method", "size where 10 of 1,000 others alert", "caught", "own level", "caught", "others per 1,000")
    return markdown(heads_below, summary) + "\n\n" + markdown(heads, rows)


@dataclass(frozen=True, eq=False, kw_only=True)
class Scores:
    """Signed scores of each method on a panel, (n, T), NaN where it says nothing; `others` are cells outside all windows."""

    by: dict[str, Floats]
    others: Bools

    def elsewhere(self, name: str) -> Floats:
        """Return the sizes outside all windows."""
        sizes = np.abs(self.by[name][self.others])
        return np.asarray(sizes[~np.isnan(sizes)], np.float64)

    def within(self, window: Window, cells: Bools, name: str) -> Floats:
        """Return how far on its side each judged cell of a window is."""
        scores = self.by[name][cells]
        scores = scores[~np.isnan(scores)]
        return np.asarray(np.abs(scores) if window.side == 0 else scores * window.side, np.float64)


def _scores(panel: Panel, found: Sequence[Window]) -> Scores:
    """Judge every month of the series of a panel that are large enough for a desk, zeros or not, or in a window."""
    inside = np.zeros(panel.shape, bool)
    for window in found:
        inside |= window.cells(panel)
    large = _large(panel)
    tried = np.flatnonzero(large | inside.any(axis=1))
    bank = surprise(Bank().expect(panel), panel)
    too_short = bool(np.isnan(bank).all())  # for anything but a comparison of two months
    by = {
        "bank": bank,
        "seasonal_naive": _month_by_month(panel, tried, seasonal_naive, held=2 * YEAR),
        "year_on_year": _month_by_month(panel, tried, year_on_year.judge, held=1 if too_short else 2 * YEAR),
    }
    judged = ~np.isnan(bank) & ~np.isnan(by["year_on_year"])
    return Scores(by=by, others=large[:, None] & ~inside & judged)


def _large(panel: Panel) -> Bools:
    """Return the customs values of single countries that are 1 M USD a month or more on the average of their months, (n,)."""
    value = np.array([key.measure == "value" for key in panel.keys], bool)
    return np.asarray(value & of_one_country(panel) & (np.nanmean(panel.values, axis=1) >= SMALL), bool)


def _month_by_month(panel: Panel, rows: Ints, judge: Callable[[Case], Floats], *, held: int) -> Floats:
    """Ask a peer about every month of some series that has a figure, a figure a year before, and enough months held."""
    out = np.full(panel.shape, np.nan)
    known = panel.known
    first, step = known.argmax(axis=1), np.where(panel.resolution > 0, panel.resolution, 1.0)
    before: Ints = np.cumsum(known, axis=1) - known
    asked = known & (before >= held)
    asked[:, YEAR:] &= known[:, :-YEAR]
    nothing = np.zeros(1)
    for row in rows:
        for column in np.flatnonzero(asked[row]):
            case = Case(
                series=int(row),
                history=panel.values[row, first[row] : column],
                figures=panel.values[row, column : column + 1],
                start=(0, 1),
                step=float(step[row]),
                lunar=nothing,
            )
            out[row, column] = judge(case)[0]
    return out


def _row(window: Window, panel: Panel, scores: Scores, thresholds: Mapping[str, float]) -> list[str]:
    cells = window.cells(panel)
    months = f"{format_month(window.first)} to {format_month(window.last)}"
    side = next(name for name, side in SIDES.items() if side == window.side)
    counted = int((cells & panel.known).sum())
    marks = [_mark(scores.within(window, cells, name), thresholds[name]) for name in METHODS]
    return [window.name, months, side, str(counted), *marks]


def _mark(sizes: Floats, threshold: float) -> str:
    """Say how far the farthest month of a window is, and whether that is an alert."""
    if not len(sizes):
        return "not judged"
    return f"{'caught' if sizes.max() >= threshold else 'missed'} ({sizes.max():.1f})".replace("-", "−")


def _caught(
    found: Sequence[Window], panels: Mapping[str, Panel], judged: Mapping[str, Scores], name: str, threshold: float
) -> str:
    sizes = [judged[w.dataset].within(w, w.cells(panels[w.dataset]), name) for w in found]
    asked = [size for size in sizes if len(size)]
    return f"{sum(size.max() >= threshold for size in asked)} of {len(asked)}"
