"""What a country says that it imported, as the export of the country it names: the same flow, seen from its other end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from monitor.series import WORLD, Basis, Coverage, Status
from monitor.sources.base import FIGURE_COLUMNS, Table

OTHER_END = {"import": "export", "export": "import"}

_SPLIT = ["reporter", "product", "flow", "measure", "unit", "period"]


def mirrored(table: Table, of: Sequence[str]) -> Table:
    """
    Return the flows of some countries that a release tells from their other end; everything else is left out.

    Parameters
    ----------
    table : Table
        What offices say of their own trade: reporter US, partner CN, flow import.
    of : sequence of str
        The countries whose flows are wanted: reporter CN, partner US, flow export, basis mirror.

    Notes
    -----
    The reporter's total is no partner of the mirrored flow and is not kept. Where it is suppressed or withheld, or where it
    is above zero and a release that claims every partner gives none, the partners that are missing are so too: none of them
    can be said to be a zero. Figures of the year to date are mirrored alike.
    """
    frame = pd.concat([table.frame, _ungiven(table, of)], ignore_index=True)
    cumulative = None if table.cumulative is None else _turned(table.cumulative, of)
    return replace(table, frame=_turned(frame, of), coverage=_scope(table.coverage), cumulative=cumulative)


def _turned(frame: pd.DataFrame, of: Sequence[str]) -> pd.DataFrame:
    """Swap the ends of the rows about some countries."""
    rows = frame[frame["partner"].isin(list(of)) & ~frame["reporter"].isin(list(of))]
    ends = {"reporter": rows["partner"], "partner": rows["reporter"], "flow": rows["flow"].map(OTHER_END)}
    return rows.assign(**ends, basis=Basis.MIRROR.value)[list(FIGURE_COLUMNS)].reset_index(drop=True)


def _scope(coverage: Coverage) -> Coverage:
    """Turn the scope of a release round; whom it was complete for among the partners says nothing of who reports."""
    flows = None if coverage.flows is None else tuple(OTHER_END[flow] for flow in coverage.flows)
    return replace(coverage, partners=None, flows=flows)


def _ungiven(table: Table, of: Sequence[str]) -> pd.DataFrame:
    """Return a row for each figure of these countries that a total says is not given."""
    frame = table.frame
    is_total = frame["partner"] == WORLD
    totals = frame[is_total]
    lacking = totals["status"].where(totals["status"].isin([Status.SUPPRESSED, Status.WITHHELD]))
    if table.absent == "zero" and table.coverage.partners is None:
        given = pd.MultiIndex.from_frame(frame.loc[~is_total, _SPLIT])
        alone = (totals["value"] > 0) & ~pd.MultiIndex.from_frame(totals[_SPLIT]).isin(given)
        lacking = lacking.mask(alone, int(Status.WITHHELD))
    hidden = totals.assign(status=lacking)[lacking.notna()].drop(columns="partner")
    rows = hidden.merge(pd.DataFrame({"partner": list(of)}), how="cross").assign(value=float("nan"), flags=0)
    known = pd.MultiIndex.from_frame(frame[[*_SPLIT, "partner"]])
    rows = rows[~pd.MultiIndex.from_frame(rows[[*_SPLIT, "partner"]]).isin(known)]
    return rows.astype({"status": frame["status"].dtype, "flags": frame["flags"].dtype})[list(FIGURE_COLUMNS)]
