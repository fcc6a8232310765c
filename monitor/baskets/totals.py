"""The total of a basket in a panel: each series group adds up its own codes, of which none holds another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from monitor.baskets.records import Basket, Code, Place
from monitor.panel import Bools, Bytes, Floats, Ints, Panel
from monitor.series import KEY_FIELDS, SeriesKey, Status

SCOPE = ("source", "dataset", "reporter", "flow", "measure", "unit", "basis")
"""What the series of one choice of codes share: the partners of a total are made of the same codes."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Layout:
    """
    Where the codes of a basket's total stand in a panel of T months.

    Parameters
    ----------
    keys : tuple of SeriesKey, length n
        The totals.
    rows : ndarray, shape (P, n)
        The row of each code for each total; −1 where no series is held.
    weights : ndarray, shape (P, n)
        What a unit of that row counts.
    scope : ndarray, shape (n,)
        The number of each total's scope.
    counts : ndarray of bool, shape (S, P, T)
        Which codes make up the totals of a scope in a month.
    """

    keys: tuple[SeriesKey, ...]
    rows: Ints
    weights: Floats
    scope: Ints
    counts: Bools


def with_total(panel: Panel, basket: Basket) -> Panel:
    """
    Return the panel with one more series for each flow of the basket: the sum of its codes, under `Basket.total`.

    Of codes of several nomenclatures that hold each other the most detailed held by then count; a nomenclature of which a
    source has given nothing yet counts nowhere. A month's sum is unknown if one code that counts then is unknown or not held;
    its status is then that code's. Prices are not summed.

    Raises
    ------
    ValueError
        If the codes may not be summed.
    """
    if basket.why_no_total:
        raise ValueError(f'the basket "{basket.name}" has no total: {basket.why_no_total}')
    found = None if basket.total in set(panel.fields["product"]) else layout(panel, basket)
    if found is None:
        return panel
    status, flags, squares = _standing(panel, found)
    return Panel(
        keys=(*panel.keys, *found.keys),
        start=panel.start,
        values=np.vstack([panel.values, _sums(panel.values, found)]),
        status=np.vstack([panel.status, status]),
        flags=np.vstack([panel.flags, flags]),
        resolution=np.concatenate([panel.resolution, np.sqrt(squares)]),
        first=None if panel.first is None else np.vstack([panel.first, _sums(panel.first, found)]),
        beside=panel.beside,
    )


def members(basket: Basket, fields: pd.DataFrame) -> Bools:
    """Tell which series, a row of key fields each, are codes of a basket where these are to be read."""
    found = np.zeros(len(fields), bool)
    for code in (*basket.codes, *basket.heirs):
        found |= (fields["product"] == code.product).to_numpy(bool) & read_in(code.place, fields)
    return found


def expected(basket: Basket, fields: pd.DataFrame) -> tuple[str, ...]:
    """Return the codes that a dataset with these series would give: of its nomenclatures, and read in its places."""
    given = set(fields["product"].str.partition(":")[0])
    places = fields[["source", "reporter", "flow"]].drop_duplicates()
    codes = [code for code in (*basket.codes, *basket.heirs) if code.nomenclature in given]
    return tuple(dict.fromkeys(code.product for code in codes if read_in(code.place, places).any()))


def layout(panel: Panel, basket: Basket) -> Layout | None:
    """Find the codes of a basket's total in a panel; None where no series is held."""
    entries = _entries(panel, basket)
    if entries.empty:
        return None
    target = entries.groupby(list(KEY_FIELDS), sort=False).ngroup().to_numpy()
    _, places = np.unique(target, return_index=True)
    totals = entries.iloc[places]
    rows = np.full((len(basket.summed), len(totals)), -1, np.int64)
    weights = np.ones(rows.shape)
    rows[entries["part"], target] = entries["row"]
    weights[entries["part"], target] = entries["weight"]
    scope: Ints = np.asarray(totals.groupby(list(SCOPE), sort=False).ngroup(), np.int64)
    scopes = totals.iloc[np.unique(scope, return_index=True)[1]]
    held = np.stack([_held(panel, own, scope, len(scopes)) for own in rows], axis=1)
    keys = totals[list(KEY_FIELDS)].itertuples(index=False, name=None)
    return Layout(
        keys=tuple(SeriesKey(**dict(zip(KEY_FIELDS, key, strict=True))) for key in keys),
        rows=rows,
        weights=weights,
        scope=scope,
        counts=_counts(basket.summed, held, scopes, panel.months),
    )


def _entries(panel: Panel, basket: Basket) -> pd.DataFrame:
    """Return a row for every series that a total may read: its key fields, the code, its row, what a unit of it counts."""
    wanted = panel.fields["product"].isin(basket.products) & (panel.fields["measure"] != "unit_value")
    fields = panel.fields[wanted]
    found = [_entries_of(code, n, fields) for n, code in enumerate(basket.summed)]
    entries = pd.concat([plain for plain, _ in found] + [pieces for _, pieces in found])  # a weight goes before pieces weighed
    entries = entries.assign(product=basket.total).drop_duplicates([*KEY_FIELDS, "part"])
    return entries.sort_values("row", kind="stable", ignore_index=True)


def _entries_of(code: Code, part: int, fields: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the series of a code as they are, and its pieces as weight where a piece's is known."""
    own = fields[(fields["product"] == code.product) & read_in(code.place, fields)]
    amounts = own["measure"].isin(("weight", "quantity")).to_numpy(bool)
    own = own.assign(part=part, row=own.index.to_numpy(np.int64), weight=np.where(amounts, code.factor, 1.0) * code.share)
    pieces = own[(own["measure"] == "quantity") & (own["unit"] == "pcs") & (code.piece > 0)]
    return own, pieces.assign(measure="weight", unit="kg", weight=code.piece * code.share)


def read_in(place: Place, fields: pd.DataFrame) -> Bools:
    """Tell which series, a row of key fields each, a code with this place means."""
    found = np.ones(len(fields), bool)
    for name, wanted in (("source", place.sources), ("reporter", place.reporters), ("flow", (place.flow,) if place.flow else ())):
        if wanted:
            found &= fields[name].isin(wanted).to_numpy(bool)
    return found


def _held(panel: Panel, rows: Ints, scope: Ints, scopes: int) -> Bools:
    """Return since when a code has a figure in each scope, shape (S, T): never before its first."""
    found = np.zeros((scopes, panel.shape[1]), bool)
    np.logical_or.at(found, scope, panel.known[rows] & (rows >= 0)[:, None])
    return np.logical_or.accumulate(found, axis=1)


def _counts(codes: Sequence[Code], held: Bools, scopes: pd.DataFrame, months: Ints) -> Bools:
    """
    Choose the codes of each scope and month, shape (S, P, T), from which are held by then.

    A code that is held puts out the coarser ones that hold it; one that is not held is put out by a coarser one that counts.
    """
    names = np.array([code.nomenclature for code in codes])
    given = np.stack([held[:, names == name].any(axis=1) for name in names], axis=1)
    admitted = np.stack([read_in(code.place, scopes) for code in codes], axis=1)
    valid = np.stack([code.valid(months) for code in codes])
    counts = given & admitted[:, :, None] & valid
    there = counts & held
    finer = np.array([[_finer(q, p, codes) for q in range(len(codes))] for p in range(len(codes))], bool)  # [p, q]: q inside p
    for p in np.flatnonzero(finer.any(axis=1)):
        counts[:, p] &= ~there[:, finer[p]].any(axis=1)
    standing = counts & held
    for q in np.flatnonzero(finer.any(axis=0)):
        counts[:, q] &= held[:, q] | ~standing[:, finer[:, q]].any(axis=1)
    return counts


def _finer(q: int, p: int, codes: Sequence[Code]) -> bool:
    """Tell whether code q is the more detailed one of another nomenclature; of the same digits the first written is."""
    one, other = codes[p], codes[q]
    if one.nomenclature == other.nomenclature or not one.holds(other):
        return False
    return len(other.digits) > len(one.digits) or q < p


def _sums(figures: Floats, found: Layout) -> Floats:
    """Add up the (n, T) figures of a panel; NaN where one that counts is not known, or none counts."""
    shape = (len(found.keys), figures.shape[1])
    sums, seen = np.zeros(shape), np.zeros(shape, bool)
    for part, (rows, weights) in enumerate(zip(found.rows, found.weights, strict=True)):
        counts, held = found.counts[found.scope, part], (rows >= 0)[:, None]
        sums += np.where(counts, np.where(held, figures[rows] * weights[:, None], np.nan), 0.0)
        seen |= counts
    sums[~seen] = np.nan
    return sums


def _standing(panel: Panel, found: Layout) -> tuple[Bytes, Bytes, Floats]:
    """Return status and flags of the sums, and the squares of their rounding steps."""
    shape = (len(found.keys), panel.shape[1])
    status, flags = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    squares, seen = np.zeros(shape[0]), np.zeros(shape, bool)
    for part, (rows, weights) in enumerate(zip(found.rows, found.weights, strict=True)):
        counts, held = found.counts[found.scope, part], (rows >= 0)[:, None]
        own = np.where(held, panel.status[rows], Status.NOT_PUBLISHED)
        flags |= np.where(counts & held, panel.flags[rows], 0).astype(np.uint8)
        status = np.where(counts, np.where(seen, _joined(status, own), own), status).astype(np.uint8)
        squares += np.where(held[:, 0] & counts.any(axis=1), (panel.resolution[rows] * weights) ** 2, 0.0)
        seen |= counts
    return status, flags, squares


def _joined(one: Any, other: Any) -> Any:
    """Return the status of a sum: of the first part that is no number, else a value if one part is one."""
    first, second = [(s >= Status.VALUE) & (s <= Status.ABSENT_ZERO) for s in (one, other)]
    return np.where(~first, one, np.where(~second, other, np.minimum(one, other)))
