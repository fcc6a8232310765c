"""Whether there is trade at all: partners that appear, come back and stay away, and figures that a source no longer gives."""

from __future__ import annotations

import numpy as np

from monitor.detection.changes import lagged
from monitor.detection.market import markets
from monitor.detection.records import months_since_trade, run_length
from monitor.panel import Bools, Floats, Ints, Panel
from monitor.series import Status

UNGIVEN = (Status.WITHHELD, Status.SUPPRESSED)
"""Statuses by which a source says that there is a figure, and that it does not give it."""


def first_trade(panel: Panel) -> Floats:
    """
    Return how many months before are held of a series' market, where it has its first figure above zero; else 0.

    A month is held of a market if any of its partners, or its total, has a figure: a partner without a row has none to be
    held by. Unknown where this month is no figure, and at a first figure before which one was withheld, suppressed, failed
    or missing, for trade may hide in it.
    """
    trade = panel.values > 0
    first = trade & ~_before(trade)
    begun = np.logical_or.accumulate(panel.known, axis=1)
    hidden = ~panel.known & (begun | (panel.status != Status.NOT_PUBLISHED))
    count = np.where(first, _held_before(panel), 0).astype(np.float64)
    return np.where(~panel.known | (first & _before(hidden)), np.nan, count)


def quiet_before(panel: Panel) -> Floats:
    """
    Return how many months without trade end with this one: 31 is "no trade for 31 months before"; 0 where none do.

    Unknown where this month is no figure; at a figure above zero also where no earlier trade is held, or a month since is
    no figure.
    """
    quiet = np.where(panel.values > 0, lagged(months_since_trade(panel), 1), 0.0)
    return np.where(panel.known, quiet, np.nan)


def months_traded(panel: Panel, *, months: int = 24) -> Floats:
    """Return in how many of the `months` up to this one the figure was above zero; months without a figure are not counted."""
    traded = np.zeros((panel.shape[0], panel.shape[1] + 1))
    np.cumsum(panel.values > 0, axis=1, out=traded[:, 1:])
    columns = np.arange(1, panel.shape[1] + 1)
    return np.asarray(traded[:, columns] - traded[:, np.maximum(columns - months, 0)])


def withheld_streak(panel: Panel) -> Floats:
    """
    Return for how many months in a row, up to this one, the source withholds or suppresses the figure; never unknown.

    0 before the first figure: what was never given is not taken away.
    """
    begun = np.logical_or.accumulate(panel.known, axis=1)
    return run_length(begun & np.isin(panel.status, UNGIVEN)).astype(np.float64)


def _before(flags: Bools) -> Bools:
    """Return where a flag is true in some earlier column."""
    seen = np.logical_or.accumulate(flags, axis=1)
    return np.concatenate([np.zeros((len(flags), 1), bool), seen[:, :-1]], axis=1)[:, : flags.shape[1]]


def _held_before(panel: Panel) -> Ints:
    """Return how many months before each one are held of each series' market, shape (n, T)."""
    if not len(panel.keys):
        return np.zeros(panel.shape, np.int64)
    market = markets(panel)
    order = np.argsort(market, kind="stable")
    first = np.flatnonzero(np.diff(market[order], prepend=-1))
    held = np.logical_or.reduceat(panel.known[order], first, axis=0).astype(np.int64)
    return np.asarray((np.cumsum(held, axis=1) - held)[market])
