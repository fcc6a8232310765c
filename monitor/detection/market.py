"""How a series stands among the others of its market: share, rank, concentration, price per unit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from monitor.countries import PartnerKind, partner_kind
from monitor.detection.changes import lagged, quotient
from monitor.panel import Bools, Floats, Ints, Panel, once_a_panel

COVERED = 0.9
"""The part of the total that countries with a figure must make up before concentration is said."""


@once_a_panel
def countries(panel: Panel) -> Bools:
    """Return which series have a country as partner, shape (n,); groups and the world enter no share, rank or sum."""
    kinds = {code: partner_kind(code) is PartnerKind.COUNTRY for code in {key.partner for key in panel.keys}}
    return np.array([kinds[key.partner] for key in panel.keys], np.bool_)


@once_a_panel
def markets(panel: Panel) -> Ints:
    """Return a number per series, shape (n,): equal for the partners of one market."""
    return panel.groups("partner")


def members(panel: Panel, rows: Ints | int) -> Bools:
    """Return which series are of a country and in a market of these rows, shape (n,)."""
    every = markets(panel)
    return countries(panel) & np.isin(every, every[rows])


@once_a_panel
def price_rows(panel: Panel) -> tuple[Ints, Ints]:
    """Return the rows of value and of weight (or quantity) behind each unit value, −1 where there is none, both (n,)."""
    value, weight, quantity = (panel.siblings(measure=name) for name in ("value", "weight", "quantity"))
    measures = panel.fields["measure"].to_numpy(np.str_)
    own = np.arange(len(measures))
    amount = np.select(
        [measures == "value", (measures == "weight") | (measures == "quantity")],
        [np.where(weight >= 0, weight, quantity), own],
        default=-1,
    )
    return np.where(amount >= 0, np.where(measures == "value", own, value), -1), amount


def totals(panel: Panel) -> Floats:
    """Return the published World total of each series' market, shape (n, T); NaN where none is published."""
    return panel.take(panel.values, panel.totals)


def share(panel: Panel) -> Floats:
    """
    Return a country's part of the published total of its market, ``v / v(WORLD)``.

    Unknown without the published total (a sum over the partners held would be another number), for a total of 0, and for
    groups and the total itself.
    """
    return np.where(countries(panel)[:, None], quotient(panel.values, totals(panel)), np.nan)


def share_change(panel: Panel, *, months: int = 12) -> Floats:
    """Return the share less the share `months` earlier: 0.05 is five points more of the total."""
    now = share(panel)
    return now - lagged(now, months)


def contribution(panel: Panel, *, years: int = 1) -> Floats:
    """
    Return a country's points of the total's y/y growth: ``(v[t] − v[t−12·years]) / total[t−12·years]``.

    Contributions of all countries sum to the growth of the total (OECD, *Data and Metadata Reporting and Presentation
    Handbook*, 2007).
    """
    base = quotient(panel.values - lagged(panel.values, 12 * years), lagged(totals(panel), 12 * years))
    return np.where(countries(panel)[:, None], base, np.nan)


def rank(panel: Panel) -> Floats:
    """
    Return the place of a country among the countries of its market with a figure that month: 1 is the largest.

    Ties share the better place: ``1 + the countries with more``. Always said with `rank_coverage`.
    """
    out = np.full(panel.shape, np.nan)
    rows, columns = np.nonzero(countries(panel)[:, None] & panel.known)
    if len(rows):
        cells, figures = _cells(panel, rows, columns), panel.values[rows, columns]
        order = np.lexsort((-figures, cells))
        out[rows[order], columns[order]] = _places(cells[order], figures[order])
    return out


def _places(cells: Ints, figures: Floats) -> Floats:
    """Rank figures sorted by cell, then from the largest."""
    at = np.arange(len(cells))
    new_cell = np.concatenate([[True], cells[1:] != cells[:-1]])
    new_figure = new_cell | np.concatenate([[True], figures[1:] != figures[:-1]])
    starts, firsts = (np.maximum.accumulate(np.where(new, at, 0)) for new in (new_cell, new_figure))
    return (firsts - starts + 1).astype(np.float64)


def rank_coverage(panel: Panel) -> tuple[Ints, Floats]:
    """
    Return what a rank rests on, for every series of the market: "2nd of the 4 held, 47% of the total".

    Returns
    -------
    held : ndarray of int, shape (n, T)
        Countries of the market with a figure.
    covered : ndarray, shape (n, T)
        Their part of the published total; NaN without one, or for a total of 0.
    """
    held = sum_of_countries(panel, panel.known.astype(np.float64))
    return held.astype(np.int64), quotient(sum_of_countries(panel, panel.values), totals(panel))


def hhi(panel: Panel) -> Floats:
    """
    Return the concentration of a market: the sum of the squared shares of countries, from 0 to 1 (one supplier).

    Herfindahl and Hirschman (Hirschman, *American Economic Review* 54, 1964), with shares of the published total, the same
    for every series of the market. Unknown where countries with a figure make up less than 90% of the total.
    """
    squares = sum_of_countries(panel, share(panel) ** 2)
    covered = rank_coverage(panel)[1]
    return np.where(covered >= COVERED, squares, np.nan)


def unit_value(panel: Panel) -> Floats:
    """
    Return value over weight (over quantity where no weight series is held), in currency per kg or piece.

    A unit value in the sense of the UN's *International Merchandise Trade Statistics: Concepts and Definitions* (2010):
    an average over whatever was traded, not a price of one good. Given on the value, weight and quantity series of a cell;
    unknown elsewhere, where either figure is, and where the weight or quantity is 0.
    """
    value, amount = price_rows(panel)
    return quotient(panel.take(panel.values, value), panel.take(panel.values, amount))


def first_unit_value(panel: Panel) -> Floats | None:
    """Return the unit values of what was first released, shape (n, T); None where no figure was revised."""
    return None if panel.first is None else unit_value(replace(panel, values=panel.first, first=None))


def unit_value_unit(panel: Panel, row: int) -> str:
    """Return the unit of a series' unit value, ``USD/kg``; empty where it has none."""
    value, amount = (int(rows[row]) for rows in price_rows(panel))
    return f"{panel.keys[value].unit}/{panel.keys[amount].unit}" if value >= 0 and amount >= 0 else ""


def _cells(panel: Panel, rows: Ints, columns: Ints) -> Ints:
    """Number the (market, month) of each cell."""
    return markets(panel)[rows] * panel.shape[1] + columns


def sum_of_countries(panel: Panel, array: Floats) -> Floats:
    """Sum an (n, T) array over the countries of each market, leaving out NaN; given to every series of the market."""
    width = panel.shape[1]
    rows, columns = np.nonzero(countries(panel)[:, None] & ~np.isnan(array))
    groups = int(markets(panel).max(initial=-1)) + 1
    cells = _cells(panel, rows, columns)
    sums: Floats = np.bincount(cells, weights=array[rows, columns], minlength=groups * width).astype(np.float64)
    return sums.reshape(groups, width)[markets(panel)]
