"""What was expected of each row of a long table: the columns that the default model adds, for a frame or block by block."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor.detection.bank import Bank
from monitor.detection.expected import Expectation, expected, lower, surprise, upper
from monitor.detection.longtable import Columns, long_table
from monitor.errors import MonitorError
from monitor.panel import Floats, Ints, Panel

if TYPE_CHECKING:
    import pandas as pd

ADDED = ("expected", "lower", "upper", "surprise", "probability_of_zero", "judged")
"""The columns that are added."""


def expect(
    frame: pd.DataFrame,
    *,
    key: Sequence[str] | None = None,
    period: str = "period",
    value: str = "value",
    resolution: float = 0.0,
) -> pd.DataFrame:
    """
    Return, for every row of a long table of monthly series, what was expected of it before it was seen.

    Parameters
    ----------
    frame : DataFrame
        One row for each series and month, in any order. A month without a row, or with an empty value, is not published,
        which is not zero.
    key : sequence of str, optional
        The columns that name a series; all but `period` and `value` where left out. Where ``reporter`` or ``partner`` are
        among them, their country codes or names say who keeps Lunar New Year.
    period : str
        The column of months: ``2025-10``, a monthly period, or the first day of the month as a date.
    value : str
        The column of figures, zero or above.
    resolution : float
        The step that figures are rounded to, in their own unit; 0 where they are exact.

    Returns
    -------
    DataFrame
        The columns of the key, `period` and `value`, with the index and the order of `frame`, and:

        - ``expected``, ``lower``, ``upper``: median and 99% interval of what the months before suggested; NaN for the first
          24 months held of a series
        - ``surprise``: how far off the figure was, as a signed standard-normal value; NaN where there is no figure
        - ``probability_of_zero``: what the months before suggested for a zero; exactly 0 where they hold none
        - ``judged``: whether the row has a surprise

    Raises
    ------
    MonitorError
        In one sentence that names the row (counted from 1), if a month or a figure cannot be understood or stands twice.
        If `resolution` is below zero or no number.

    Examples
    --------
    >>> import pandas as pd
    >>> from monitor.detection import expect
    >>> months = pd.period_range("2022-01", "2024-06", freq="M")
    >>> figures = [100.0] * 29 + [40.0]
    >>> judged = expect(pd.DataFrame({"product": "magnets", "period": months, "value": figures}))
    >>> bool(judged["surprise"].iloc[-1] < -3)
    True
    """
    table, columns = _table(frame, key, period, value)
    found = {name: np.full(len(frame), np.nan) for name in ADDED[:-1]}
    for rows, panel, cells in long_table(table, columns).blocks():
        added = judge(panel, cells, resolution=resolution).columns
        for name in found:
            found[name][rows] = added[name]
    return frame[columns.all].assign(**found, judged=~np.isnan(found["surprise"]))


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """
    What was expected of some cells of a block.

    Parameters
    ----------
    places : ndarray of int, shape (k,)
        Which of the cells asked for the columns are about, ascending.
    columns : dict of str to ndarray, each of shape (k,)
        Each of `ADDED` but the last.
    count : int
        How many of the cells asked for have a surprise.
    """

    places: Ints
    columns: dict[str, Floats]
    count: int


def judge(panel: Panel, cells: Ints, *, resolution: float = 0.0, at_least: float = 0.0) -> Judged:
    """
    Judge a block, and return what was expected of the cells (flat places in the panel) that rows stand for.

    `resolution` is the rounding step of all series; with `at_least`, only cells with a surprise of that size are returned.

    Raises
    ------
    MonitorError
        If either of them is below zero or no number.
    """
    for name, size in (("resolution", resolution), ("smallest surprise", at_least)):
        if not 0 <= size < np.inf:
            raise MonitorError(f"the {name} is a number from zero up, found {size:g}")
    panel = dataclasses.replace(panel, resolution=np.full(panel.shape[0], resolution))
    expectation = Bank().expect(panel)
    surprises = surprise(expectation, panel).ravel()[cells]
    places = np.flatnonzero(np.abs(surprises) >= at_least) if at_least else np.arange(len(cells))
    wanted = _at(expectation, cells[places])
    columns = {name: law(wanted, panel)[:, 0] for name, law in (("expected", expected), ("lower", lower), ("upper", upper))}
    zero = np.where(wanted.judged, wanted.p_zero, np.nan)[:, 0]
    columns |= {"surprise": surprises[places], "probability_of_zero": zero}
    return Judged(places=places, columns=columns, count=int(np.count_nonzero(~np.isnan(surprises))))


def _at(expectation: Expectation, cells: Ints) -> Expectation:
    """Return what was expected of some cells, as arrays of shape (k, 1)."""
    return expectation.each(lambda array: array.ravel()[cells][:, None])


def _table(frame: pd.DataFrame, key: Sequence[str] | None, period: str, value: str) -> tuple[Any, Columns]:
    """Return the columns that matter as an Arrow table."""
    import pyarrow as pa

    columns = Columns.of(list(frame.columns), key=key, period=period, value=value)
    found = {}
    for name in columns.all:
        column = frame[name]
        try:
            found[name] = pa.array(column.astype(str) if str(column.dtype).startswith("period") else column, from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise MonitorError(f'the column "{name}" holds several kinds of things: {error}') from error
    return pa.table(found), columns
