"""The panel: every series of a dataset over every month, as arrays, as known at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Protocol, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.months import Month, format_month
from monitor.series import KEY_FIELDS, WORLD, SeriesKey, Status

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False, kw_only=True)
class Panel:
    """
    Figures of n series over T consecutive months.

    Parameters
    ----------
    keys : sequence of SeriesKey, length n
    start : Month
        The month of column 0.
    values : ndarray, shape (n, T)
        Figures in each key's unit; NaN wherever `status` is not a number.
    status : ndarray of uint8, shape (n, T)
        `Status` of each cell.
    flags : ndarray of uint8, shape (n, T)
        `Flag` bits of each cell.
    resolution : ndarray, shape (n,)
        The rounding step that the source declares, in the key's unit; 0 where figures are exact.
    first : ndarray, shape (n, T), optional
        The figures as first released, NaN where none was; None where every figure stands as it was, or nobody asked.
    beside : Panel, optional
        What the reporters themselves say of mirrored flows, from other datasets; nothing there is a series of this panel.

    Notes
    -----
    A panel is never changed in place: `select` and `cut` give new ones that share memory.
    """

    keys: tuple[SeriesKey, ...]
    start: Month
    values: Floats
    status: Bytes
    flags: Bytes
    resolution: Floats
    first: Floats | None = None
    beside: Panel | None = None

    @classmethod
    def of(
        cls,
        keys: Sequence[SeriesKey],
        start: Month,
        values: Floats,
        *,
        status: Bytes | None = None,
        flags: Bytes | None = None,
        resolution: Floats | float = 0.0,
        first: Floats | None = None,
    ) -> Panel:
        """Build a panel from figures; without `status`, NaN is not published and 0 a stated zero."""
        values = np.ascontiguousarray(values, dtype=np.float64).reshape(len(keys), -1)
        if status is None:
            status = np.where(np.isnan(values), Status.NOT_PUBLISHED, np.where(values == 0, Status.ZERO, Status.VALUE))
        if flags is None:
            flags = np.zeros(values.shape, np.uint8)
        steps = np.broadcast_to(np.asarray(resolution, np.float64), (len(keys),)).copy()
        status = status.astype(np.uint8)
        return cls(keys=tuple(keys), start=start, values=values, status=status, flags=flags, resolution=steps, first=first)

    @property
    def shape(self) -> tuple[int, int]:
        """``(n, T)``."""
        return self.values.shape[0], self.values.shape[1]

    @property
    def months(self) -> Ints:
        """The months of the columns, shape (T,)."""
        return np.arange(self.start, self.start + self.shape[1])

    @property
    def last(self) -> Month:
        """The month of the last column."""
        return self.start + self.shape[1] - 1

    def column(self, month: Month) -> int:
        """Return the column of a month, which must be inside the panel."""
        if not self.start <= month <= self.last:
            raise KeyError(f"{format_month(month)} is outside {format_month(self.start)} to {format_month(self.last)}")
        return month - self.start

    @property
    def released(self) -> Floats:
        """The figures as they were first released, shape (n, T)."""
        return self.values if self.first is None else self.first

    @property
    def known(self) -> Bools:
        """Where a cell is a number, shape (n, T)."""
        return ~np.isnan(self.values)

    def select(self, rows: NDArray[np.integer] | Sequence[int]) -> Panel:
        """Return the panel of some rows, in the order given."""
        rows = np.asarray(rows, np.int64)
        return Panel(
            keys=tuple(self.keys[i] for i in rows),
            start=self.start,
            values=self.values[rows],
            status=self.status[rows],
            flags=self.flags[rows],
            resolution=self.resolution[rows],
            first=None if self.first is None else self.first[rows],
            beside=self.beside,
        )

    def cut(self, last: Month) -> Panel:
        """Return the panel up to and including a month: what a model at that month may see."""
        stop = max(0, min(last - self.start + 1, self.shape[1]))
        return Panel(
            keys=self.keys,
            start=self.start,
            values=self.values[:, :stop],
            status=self.status[:, :stop],
            flags=self.flags[:, :stop],
            resolution=self.resolution,
            first=None if self.first is None else self.first[:, :stop],
            beside=None if self.beside is None else self.beside.cut(last),
        )

    @cached_property
    def fields(self) -> pd.DataFrame:
        """The keys as a table, one column a field, row i for series i."""
        return pd.DataFrame({name: [getattr(key, name) for key in self.keys] for name in KEY_FIELDS}, dtype="str")

    @cached_property
    def _codes(self) -> dict[str, tuple[Ints, dict[str, int]]]:
        """For each key field the number of each series' value, shape (n,), and the number of each value."""
        found = {}
        for name in KEY_FIELDS:
            codes, values = pd.factorize(self.fields[name])
            found[name] = codes.astype(np.int64), {str(value): number for number, value in enumerate(values)}
        return found

    def _joint_codes(self, names: Sequence[str], changes: Mapping[str, str]) -> Ints:
        """Return a number per series, equal where all these fields are; a value that no series has makes it equal to none."""
        found = np.zeros(len(self.keys), np.int64)
        for name in names:
            codes, numbers = self._codes[name]
            own = np.int64(numbers.get(changes[name], len(numbers))) if name in changes else codes
            found = found * (len(numbers) + 1) + own
        return found

    def row(self, key: SeriesKey) -> int:
        """Return the row of a series, or −1."""
        return self._rows.get(key, -1)

    @cached_property
    def _rows(self) -> dict[SeriesKey, int]:
        return {key: row for row, key in enumerate(self.keys)}

    def siblings(self, **changes: str) -> Ints:
        """
        Return, for each series, the row of its sibling with other key fields, −1 where there is none.

        A sibling of another `measure` is found whatever its unit is.
        """
        any_unit = "measure" in changes and "unit" not in changes
        names = [name for name in KEY_FIELDS if name != "unit" or not any_unit]
        own, wanted = self._joint_codes(names, {}), self._joint_codes(names, changes)
        order = np.argsort(own, kind="stable")  # of several siblings the first
        place = np.minimum(np.searchsorted(own, wanted, sorter=order), max(len(own) - 1, 0))
        found: Ints = order[place] if len(own) else order
        return np.where(own[found] == wanted, found, -1)

    def groups(self, *without: str) -> Ints:
        """Return a group number per series, shape (n,): equal where all key fields but `without` are equal."""
        names = [name for name in KEY_FIELDS if name not in without]
        return np.asarray(self.fields.groupby(names, sort=False).ngroup(), np.int64)

    @cached_property
    def totals(self) -> Ints:
        """For each series the row of its published total over partners, −1 where none is given."""
        return self.siblings(partner=WORLD)

    def take(self, array: Floats, rows: Ints) -> Floats:
        """Return ``array[rows]`` with NaN where a row is −1."""
        return np.where((rows >= 0)[:, None], array[rows], np.nan)

    def to_frame(self) -> pd.DataFrame:
        """Return the figures as a tidy table: key fields, period, value, status."""
        rows, columns = np.nonzero(self.status != Status.NOT_PUBLISHED)
        frame = self.fields.iloc[rows].reset_index(drop=True)
        frame["period"] = [format_month(int(m)) for m in self.start + columns]
        frame["value"] = self.values[rows, columns]
        frame["status"] = [Status(s).name.lower() for s in self.status[rows, columns]]
        return frame


_T = TypeVar("_T", covariant=True)


class _OfPanel(Protocol[_T]):
    def __call__(self, panel: Panel, /) -> _T: ...


def once_a_panel(compute: _OfPanel[_T]) -> _OfPanel[_T]:
    """Keep what is found in a panel for as long as the panel lives, since it never changes; callers must not change it either."""
    found: WeakKeyDictionary[Panel, _T] = WeakKeyDictionary()

    @wraps(compute)
    def remembered(panel: Panel, /) -> _T:
        if panel not in found:
            found[panel] = compute(panel)
        return found[panel]

    return remembered
