"""
Partners who may hide in trade that a release gives to nobody.

Where a release states a total, or a rest "not specified", and the partners it names make less, a partner without a row is no
zero if its usual trade fits into what is left: it may be there without its name. What is left in every month hides nobody new.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.countries import GROUPS, UNSPECIFIED, PartnerKind, partner_kind
from monitor.panel import Bools, Floats
from monitor.series import SeriesKey

LOOKBACK = 36
"""Months before one in which a partner's last figure, and what is always left, are looked for."""
FITS = 0.5
"""A partner may hide where at least this part of its last figure is left; where less is, it fell."""
SLIGHT = 0.001
"""A rest of so small a part of the total is what was revised here and not yet there."""

Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Stated:
    """
    What a release says of n series in some months, arrays of shape (n, periods).

    `figures` is NaN where there is no row, or one without a figure, which `gaps` marks; `missing` tells where no row would be
    a zero. Not `whole`: the release does not claim every partner, so that its total is of more than it names.
    """

    figures: Floats
    gaps: Bools
    missing: Bools
    steps: Floats
    whole: bool


@dataclass(frozen=True, eq=False, kw_only=True)
class Splits:
    """
    How n series add up, partners to their total; arrays of shape (n,).

    `number` is equal for a total and its partners, `goods` for all measures of one split; `value` is the place of the value
    of the same trade, -1 where there is none.
    """

    number: Places
    goods: Places
    value: Places
    is_total: Bools
    is_rest: Bools
    is_country: Bools
    groups: tuple[tuple[Bools, Bools], ...]  # of each group that is there: itself, its members

    @classmethod
    def of(cls, keys: tuple[SeriesKey, ...]) -> Splits:
        """Read how the series of a dataset add up."""
        kinds = [partner_kind(key.partner) for key in keys]
        partners = {key.partner for key in keys}
        values = {(*_goods(key), key.partner): place for place, key in enumerate(keys) if key.measure == "value"}
        return cls(
            number=_numbered([(*_goods(key), key.measure, key.unit) for key in keys]),
            goods=_numbered([_goods(key) for key in keys]),
            value=np.array([values.get((*_goods(key), key.partner), -1) for key in keys], np.int64),
            is_total=np.array([kind is PartnerKind.WORLD for kind in kinds], bool),
            is_rest=np.array([key.partner == UNSPECIFIED for key in keys], bool),
            is_country=np.array([kind is PartnerKind.COUNTRY for kind in kinds], bool),
            groups=tuple(
                (np.array([key.partner == name for key in keys], bool), np.array([key.partner in members for key in keys], bool))
                for name, members in GROUPS.items()
                if name in partners
            ),
        )

    def beside(self, rows: Bools) -> Places:
        """Return the places of these series and of all that add up with them, split by split."""
        found = np.flatnonzero(np.isin(self.goods, self.goods[rows]))
        return found[np.argsort(self.number[found], kind="stable")]

    def take(self, rows: Places) -> Splits:
        """Return some of the series, as `beside` finds them."""
        place = np.full(len(self.number) + 1, -1)
        place[rows] = np.arange(len(rows))
        return replace(
            self,
            value=place[self.value[rows]],
            groups=tuple((group[rows], members[rows]) for group, members in self.groups),
            **{name: getattr(self, name)[rows] for name in ("number", "goods", "is_total", "is_rest", "is_country")},
        )

    def hiding(self, stated: Stated, held: Callable[[], Floats], columns: Places) -> Bools:
        """
        Return which missing rows may be trade without a name, shape (n, periods).

        Parameters
        ----------
        stated : Stated
        held : callable
            Returns the figures that are known by now, shape (n, months), NaN where there is none: of this release, or else
            above zero of those before it.
        columns : ndarray, shape (periods,)
            The place of each period among those months.

        Where the value has a total or a rest, it tells for every measure: they come in one row.
        """
        room = self._room(stated.figures, stated.whole)
        room[room <= self._slight(stated)] = 0.0
        if not room.any():
            return np.zeros(room.shape, bool)
        known = held()
        before, found = self._room(known, stated.whole), np.zeros(room.shape, bool)
        for number, column in enumerate(columns):
            first = max(0, int(column) - LOOKBACK)
            usual = _last(known[:, first : column + 1])
            always = before[:, first:column].min(axis=1) if column > first else 0.0
            explained = self._sum(np.where(stated.gaps[:, number], np.nan_to_num(usual, nan=np.inf), 0.0)[:, None])[:, 0]
            found[:, number] = room[:, number] - always - explained >= FITS * usual
        return stated.missing & self._as_value(found, stated.figures)

    def _as_value(self, found: Bools, figures: Floats) -> Bools:
        """Let the value tell for all measures, where it has a total or a rest."""
        sums = (self.is_total | self.is_rest) & (self.value == np.arange(len(self.value)))
        tells = np.zeros((int(self.goods.max(initial=0)) + 1, figures.shape[1]), bool)
        np.logical_or.at(tells, self.goods[sums], ~np.isnan(figures[sums]))
        return np.where(tells[self.goods] & (self.value >= 0)[:, None], found[self.value], found)

    def _room(self, figures: Floats, whole: bool) -> Floats:
        """
        Return for each series what of its split's total is given to nobody and could be its own; 0 where nothing says.

        A group beside its members counts with what they do not make, which is room for its members alone.
        """
        given = np.nan_to_num(figures)
        rest = self._part(given, self.is_rest)
        if not whole:
            return rest
        total, left = self._part(given, self.is_total), -self._part(given, self.is_country)
        for group, members in self.groups:
            extra = np.maximum(self._part(given, group) - self._part(given, members), 0.0)
            left -= np.where(members[:, None], 0.0, extra)
        return np.maximum(np.where(total > 0, total + left, 0.0), rest)

    def _slight(self, stated: Stated) -> Floats:
        """Return what rounding and revising make of a rest: half a step for each figure, and a part of the total."""
        rounded = np.where(np.isnan(stated.figures), 0.0, stated.steps[:, None] / 2)
        return self._sum(rounded) + SLIGHT * self._part(np.nan_to_num(stated.figures), self.is_total)

    def _part(self, given: Floats, mask: Bools) -> Floats:
        return self._sum(np.where(mask[:, None], given, 0.0))

    def _sum(self, figures: Floats) -> Floats:
        """Add up the series of each split, which stand together; return its sum at each of them."""
        first = np.flatnonzero(np.diff(self.number, prepend=-1))
        return np.repeat(np.add.reduceat(figures, first, axis=0), np.diff(first, append=len(figures)), axis=0)


def _goods(key: SeriesKey) -> tuple[str, ...]:
    return (key.reporter, key.product, key.flow, key.basis)


def _numbered(fields: list[tuple[str, ...]]) -> Places:
    numbers: dict[tuple[str, ...], int] = {}
    return np.array([numbers.setdefault(field, len(numbers)) for field in fields], np.int64)


def _last(known: Floats) -> Floats:
    """Return the last figure above zero of each series, NaN where there is none."""
    there = known > 0
    place = known.shape[1] - 1 - there[:, ::-1].argmax(axis=1)
    return np.where(there.any(axis=1), known[np.arange(len(known)), place], np.nan)
