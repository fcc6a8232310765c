"""
Codes that may have ended: code lists change with the year, and a code that was replaced falls to nothing as a stop of trade does.

Only a person can tell one from the other, so the release waits for one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import pandas as pd

from monitor.baskets.records import Basket, Baskets, Code, is_aggregate
from monitor.months import Month, calendar_month, month, say_month
from monitor.panel import Bools, Ints, Panel
from monitor.series import WORLD, Coverage, Status
from monitor.wording import join_words, say_amount, say_count

TRADED = 9
"""In how many of the 12 months before a code must have been traded: what is seldom traded has not ended."""

NAMED = 5
"""How many codes are named; the others are counted."""

_CODE = ["reporter", "product", "flow", "basis"]
_MEASURES = ("weight", "value", "quantity", "duty")


def may_end(coverage: Coverage) -> bool:
    """Tell whether a release is of the months in which new code lists show."""
    return calendar_month(max(coverage.periods)) <= 3


def why_ended(panel: Panel, frame: pd.DataFrame, coverage: Coverage, baskets: Baskets, source: str) -> str:
    """
    Say which codes fall to nothing for all partners in a release of January to March; "" where none does.

    Parameters
    ----------
    panel : Panel
        The dataset as held before the release.
    frame : DataFrame
        The figures of the release, as in `Table.frame`.
    coverage : Coverage
        What the release claims to be complete for.
    baskets : Baskets
        A code whose end or successors are written there has no question left.
    source : str
        The source's name.

    Notes
    -----
    A code counts as ended where it was traded in the month before the release's new ones, in 9 of the 12 before them, and in
    the same months of the year before where these are held; and nothing of it, not even a figure kept secret, is in the release.
    """
    if not may_end(coverage) or not len(panel.keys):
        return ""
    found = _Comparison(_inside(panel, coverage), frame, coverage)
    gone = [n for n in found.gone if not _explained(found, n, baskets, source)] if found.months else []
    return _sentence(found, gone, baskets, source) if gone else ""


def _inside(panel: Panel, coverage: Coverage) -> Panel:
    """Return the codes that the release is about, without sums of codes."""
    fields = panel.fields
    wanted = ~fields["product"].map(is_aggregate).to_numpy(bool) & (fields["measure"] != "unit_value").to_numpy(bool)
    for scope, name in ((coverage.products, "product"), (coverage.flows, "flow"), (coverage.measures, "measure")):
        if scope is not None:
            wanted &= fields[name].isin(scope).to_numpy(bool)
    return panel if wanted.all() else panel.select(np.flatnonzero(wanted))


class _Comparison:
    """The codes of a dataset before a release and in it, a number for each."""

    def __init__(self, panel: Panel, frame: pd.DataFrame, coverage: Coverage) -> None:
        self.panel, self.frame = panel, frame
        both = pd.concat([panel.fields[_CODE], frame[_CODE].astype("str")], ignore_index=True)
        numbers: Ints = np.asarray(both.groupby(_CODE, sort=False).ngroup(), np.int64)
        self.codes = both.drop_duplicates(_CODE, ignore_index=True)
        self.held, self.given = numbers[: len(panel.keys)], numbers[len(panel.keys) :]
        known = np.flatnonzero(panel.known.any(axis=0))
        self.last: Month = panel.start + int(known[-1]) if len(known) else 0
        january = month(max(coverage.periods) // 12, 1)
        self.months: list[Month] = [m for m in coverage.periods if m > max(self.last, january - 1)] if len(known) else []

    @cached_property
    def traded(self) -> Bools:
        """In which of the 13 months up to the last one held each code was traded with anybody, oldest first."""
        found = np.zeros((len(self.codes), 13), bool)
        columns = np.arange(self.last - 12, self.last + 1) - self.panel.start
        there = columns >= 0
        np.logical_or.at(found, self.held, (self.panel.values[:, np.maximum(columns, 0)] > 0) & there)
        return found

    @cached_property
    def alive(self) -> Bools:
        """Which codes have a figure above zero, or one that is kept back, in the new months."""
        kept_back = self.frame["status"].isin((Status.WITHHELD, Status.SUPPRESSED, Status.FAILED)).to_numpy(bool)
        there = (self.frame["value"].to_numpy(np.float64) > 0) | kept_back
        found = np.zeros(len(self.codes), bool)
        found[self.given[there & self.frame["period"].isin(self.months).to_numpy(bool)]] = True
        return found

    @cached_property
    def gone(self) -> list[int]:
        """The codes that were traded and are not any more."""
        ago = np.array(self.months) - 12 - (self.last - 12)  # where the year before stands among the 13 months
        inside = ago[(ago >= 0) & (ago <= 12) & (np.array(self.months) - 12 >= self.panel.start)]
        season = self.traded[:, inside].all(axis=1)
        often = self.traded[:, 1:].sum(axis=1) >= TRADED
        return [int(n) for n in np.flatnonzero(self.traded[:, -1] & often & season & ~self.alive)]

    @cached_property
    def begun(self) -> list[int]:
        """The codes that were not traded in the months before and are now."""
        return [int(n) for n in np.flatnonzero(~self.traded.any(axis=1) & self.alive)]

    def last_figure(self, code: int) -> tuple[float, str]:
        """Return the last figure of a code with its unit: the published total, else the sum of its partners."""
        rows = np.flatnonzero(self.held == code)
        column = self.last - self.panel.start
        fields = self.panel.fields.iloc[rows]
        measure = min(fields["measure"], key=lambda name: _MEASURES.index(name) if name in _MEASURES else len(_MEASURES))
        own = rows[(fields["measure"] == measure).to_numpy(bool)]
        world = [row for row in own if self.panel.keys[row].partner == WORLD and self.panel.values[row, column] > 0]
        return float(np.nansum(self.panel.values[world or own, column])), self.panel.keys[own[0]].unit


def _explained(found: _Comparison, code: int, baskets: Baskets, source: str) -> bool:
    """Tell whether a basket says already that a code has ended."""
    return any(c.valid_to is not None and c.valid_to < max(found.months) for _, c in _written(found, code, baskets, source))


def _written(found: _Comparison, code: int, baskets: Baskets, source: str) -> Iterator[tuple[Basket, Code]]:
    reporter, product, flow = (str(found.codes.loc[code, name]) for name in _CODE[:3])
    for basket in baskets.baskets.values():
        for one in basket.codes:
            if one.product == product and one.place.admits(source, reporter, flow):
                yield basket, one


def _sentence(found: _Comparison, gone: Sequence[int], baskets: Baskets, source: str) -> str:
    """Say which codes, what their last figures were, which others begin, and the two ways on."""
    largest = sorted(gone, key=lambda n: -found.last_figure(n)[0])
    named = [_said(found, n, baskets) for n in largest[:NAMED]]
    more = f" and {say_count(len(gone) - NAMED, 'more code')}" if len(gone) > NAMED else ""
    when = join_words([say_month(m) for m in found.months])
    begun = _successors(found, gone, baskets, source)
    begins = (
        f"; {join_words(begun)} {'begins' if len(begun) == 1 else 'begin'} to be traded in it" if begun else "; no code begins"
    )
    ways = "if trade stopped, accept the release; if the code list changed, write valid_to and successors in config/baskets.yaml"
    listed = join_words(named) if not more else ", ".join(named)
    return f"code ended? {listed}{more}: nothing for any partner in {when}{begins}; {ways} first"


def _said(found: _Comparison, code: int, baskets: Baskets) -> str:
    """Name a code with its words and its last figure: ``CN8:85051110 (Magnets; 5,473 t in December 2025)``."""
    product = str(found.codes.loc[code, "product"])
    words = baskets.title(product)
    amount = f"{say_amount(*found.last_figure(code))} in {say_month(found.last)}"
    return f"{product} ({amount if words == product else f'{words}; {amount}'})"


def _successors(found: _Comparison, gone: Sequence[int], baskets: Baskets, source: str) -> list[str]:
    """Return which codes begin that stand in a basket with one that is gone, or share its first six digits."""
    together = {p for n in gone for basket, _ in _written(found, n, baskets, source) for p in basket.products}
    ended = {product.partition(":")[::2] for product in found.codes.loc[list(gone), "product"]}
    headings = {(name, digits[:6]) for name, digits in ended if len(digits) > 6}
    begun = sorted({str(found.codes.loc[n, "product"]) for n in found.begun})
    near = [p for p in begun if p in together or (p.partition(":")[0], p.partition(":")[2][:6]) in headings]
    return near if len(near) <= NAMED else [*near[: NAMED - 1], say_count(len(near) - NAMED + 1, "more code")]
