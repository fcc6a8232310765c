"""
Missing rows of Comext that are no zeros.

Comext writes no zeros, so a missing row is one, save in two cases that a desk must not take for a fall. Where partners without
a name have enough trade to hide a partner's, its figure is suppressed. Where a product that the world traded in every month of
a year has no row of any partner, its split is withheld: the member state made it confidential, or the code has ended.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from monitor.countries import UNSPECIFIED
from monitor.months import Month
from monitor.series import WORLD, Status
from monitor.sources.eurostat_cells import GROUP, ROW

HIDDEN = ("QX", "QY", "QZ")
"""Partners that a member state does not name, for commercial or military reasons."""
STEADY = 12
"""Months in a row with trade after which a month without any is no zero."""


def withheld(totals: pd.DataFrame, first: Month, last: Month) -> pd.DataFrame:
    """
    Return the products (`GROUP`) and months without any trade of the world, after a year that had some every month.

    Parameters
    ----------
    totals : DataFrame
        Cells of the world's value, from long before `first`.
    first, last : int
        The months to tell of.
    """
    start = int(totals["period"].min()) if len(totals) else first
    number, groups = pd.factorize(pd.MultiIndex.from_frame(totals[GROUP]))
    there = np.zeros((len(groups), last - start + 1), bool)
    there[number, totals["period"].to_numpy() - start] = (totals["value"] > 0).to_numpy()
    lost = np.zeros_like(there)
    for t in range(STEADY, there.shape[1]):
        lost[:, t] = ~there[:, t] & (there[:, t - STEADY : t].all(axis=1) | lost[:, t - 1])
    row, column = np.nonzero(lost)
    found = pd.DataFrame(list(groups[row]), columns=GROUP).assign(period=column + start)
    return found[found["period"] >= first]


def hides(cells: pd.DataFrame) -> pd.Series[bool]:
    """Return which cells are trade without a partner's name."""
    return cells["theirs"].isin(HIDDEN) & (cells["measure"] == "value") & (cells["value"] > 0)


def gaps(cells: pd.DataFrame, lost: pd.DataFrame, partners: Sequence[str], before: pd.DataFrame) -> pd.DataFrame:
    """
    Return the rows (`ROW`, `status`) that are missing and no zeros.

    Parameters
    ----------
    cells : DataFrame
        Everything that was read.
    lost : DataFrame
        What is `withheld`.
    partners : sequence of str
        Those to tell of where a split is withheld; what is said of the world holds for its partners.
    before : DataFrame
        Cells of earlier months: whom a month hides may have had no name in any that was read.
    """
    value, earlier = (read[(read["measure"] == "value") & (read["value"] > 0)] for read in (cells, before))
    named = pd.concat([earlier, value])
    sums = named.groupby([*GROUP, "partner", "period"], sort=False)["value"].sum().reset_index()
    least = sums.groupby([*GROUP, "partner"], sort=False)["value"].min().rename("least").reset_index()
    least = least[least["partner"] != UNSPECIFIED]
    gone = lost.merge(pd.DataFrame({"partner": list(partners)}), how="cross").assign(status=int(Status.WITHHELD))
    found = pd.concat([gone[[*ROW, "status"]], _hidden(value, least)]).drop_duplicates(ROW)
    beside = found.merge(cells[ROW].drop_duplicates(), "left", ROW, indicator=True)
    return beside.loc[beside["_merge"] == "left_only", [*ROW, "status"]]


def _hidden(value: pd.DataFrame, least: pd.DataFrame) -> pd.DataFrame:
    """Return partners and months in which the trade without a name was at least the partner's smallest figure."""
    unnamed = value[hides(value)].groupby([*GROUP, "period"], sort=False)["value"].sum()
    pairs = least[least["partner"] != WORLD].merge(unnamed.rename("unnamed").reset_index(), on=GROUP)
    return pairs[pairs["unnamed"] >= pairs["least"]].assign(status=int(Status.SUPPRESSED))[[*ROW, "status"]]
