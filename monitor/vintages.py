"""
Figures as they were known, in the words of ALFRED: first released, as of a day, every release, latest.

Each answer is a tidy table for an analyst: one row a figure, with the release that said it. Nothing is judged, sent or changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.app import App
from monitor.detection.changes import growth
from monitor.errors import MonitorError, StoreError
from monitor.panel import Bools, Floats, Ints
from monitor.series import KEY_FIELDS, Release, SeriesKey, Status
from monitor.yamlfile import did_you_mean

_EPOCH = 1970 * 12
_STATUSES = [status.name.lower() for status in Status]


class Vintages:
    """
    The vintages of a desk's figures.

    Each question takes `of`, a dataset ("gacc/magnets") or one series (its full name, or a `SeriesKey`), and key fields that
    choose among a dataset's series: ``partner="US"``, ``measure=["value", "weight"]``.

    Each table has the key fields, `period` (monthly), `value` (in `unit`; NaN where the cell is no number), `status`,
    `release` (its id) and `published_at` (aware, UTC), by series and period.

    Parameters
    ----------
    app : App
    """

    def __init__(self, app: App) -> None:
        self.app = app

    @classmethod
    def open(cls, config: str | Path = "config") -> Vintages:
        """Open the desk of a configuration folder."""
        return cls(App.open(Path(config)))

    def first_release(self, of: str | SeriesKey, **only: str | Sequence[str]) -> pd.DataFrame:
        """Return each figure as it was first released: the first number that was given for it."""
        found = self._history(of, only)
        found = found.take(~np.isnan(found.value))
        return found.take(found.begins).to_frame()

    def as_of(self, when: str | date | Release, of: str | SeriesKey, **only: str | Sequence[str]) -> pd.DataFrame:
        """
        Return each figure as it was known.

        Parameters
        ----------
        when : str, date, datetime or Release
            A day ("2025-08-31"), whose end counts, UTC: what the world could know. A release or its id: what the desk knew.
        """
        found = self._history(of, only, self.moment(when))
        return found.take(found.ends).to_frame()

    def all_releases(
        self, of: str | SeriesKey, *, as_of: str | date | Release | None = None, **only: str | Sequence[str]
    ) -> pd.DataFrame:
        """
        Return every release of each figure that changed it, oldest first.

        `vintage` counts them from 1; a figure was what the world knew from `realtime_start`, when it was published, until
        `realtime_end`, when the next was; missing where it still is.
        """
        found = self._history(of, only, None if as_of is None else self.moment(as_of))
        frame = found.to_frame()
        replaced = frame["published_at"].shift(-1).where(~found.ends)
        return frame.assign(vintage=found.vintage, realtime_start=frame["published_at"], realtime_end=replaced)

    def latest(self, of: str | SeriesKey, **only: str | Sequence[str]) -> pd.DataFrame:
        """Return each figure as it is known now."""
        found = self._history(of, only)
        return found.take(found.ends).to_frame()

    def triangle(
        self, of: str | SeriesKey, *, as_of: str | date | Release | None = None, **only: str | Sequence[str]
    ) -> pd.DataFrame:
        """
        Return one row a figure: what it was `first`, `second` and at the `latest`, in how many `vintages`.

        `second` is NaN where it was never revised; `change` is the growth from the first figure to the latest;
        `first_published` and `published_at` are when they came out.
        """
        found = self._history(of, only, None if as_of is None else self.moment(as_of))
        found = found.take(~np.isnan(found.value))
        first, last = np.flatnonzero(found.begins), np.flatnonzero(found.ends)
        second = np.where(last > first, found.value[np.minimum(first + 1, max(len(found.value) - 1, 0))], np.nan)
        now, then = found.take(last), found.take(first)
        frame, column = now.to_frame().rename(columns={"value": "latest"}), len(KEY_FIELDS) + 1
        frame.insert(column, "first", then.value)
        frame.insert(column + 1, "second", second)
        frame.insert(column + 3, "vintages", last - first + 1)
        frame.insert(column + 4, "change", growth(now.value, then.value))
        return frame.assign(first_published=then.to_frame()["published_at"])

    def moment(self, when: str | date | Release) -> Release | datetime:
        """Return what a text means: a day, whose end counts, or a release."""
        if isinstance(when, Release | datetime):
            return when
        if isinstance(when, date):
            return datetime.combine(when, time.max, UTC)
        try:
            return self.moment(datetime.strptime(when, "%Y-%m-%d").date())
        except ValueError:
            return _release_of(self.app, when)

    def _history(
        self, of: str | SeriesKey, only: Mapping[str, str | Sequence[str]], as_of: Release | datetime | None = None
    ) -> _History:
        source, dataset, key = self._meant(of)
        keys, changes = self.app.figures.changes(source, dataset, as_of=as_of)
        wanted = _chosen(keys, only) if key is None else np.array([one == key for one in keys], bool)
        rows = [wanted[cells.series] & (cells.status != Status.NOT_PUBLISHED) for _, cells in changes]
        parts = [cells.take(mine) for (_, cells), mine in zip(changes, rows, strict=True)]
        return _History(
            keys=keys,
            releases=[release for release, _ in changes],
            series=_joined([part.series for part in parts]).astype(np.int64),
            period=_joined([part.period for part in parts]).astype(np.int64),
            order=np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
            value=_joined([part.value for part in parts]),
            status=_joined([part.status for part in parts]).astype(np.int64),
        ).sorted()

    def _meant(self, of: str | SeriesKey) -> tuple[str, str, SeriesKey | None]:
        """Return the dataset of a text, and the series where it names one."""
        datasets = {f"{source}/{dataset}": (source, dataset) for source, dataset in self.app.releases.datasets()}
        if of in datasets:
            return (*datasets[str(of)], None)
        key = _key(of)
        if key is None or f"{key.source}/{key.dataset}" not in datasets:
            raise MonitorError(f'no dataset "{of}" is held{did_you_mean(str(of), datasets)}')
        known = self.app.figures.keys_of(key.source, key.dataset)
        if key not in known:
            _chosen(known, vars(key))  # names the first field that no series has
            raise MonitorError(f"no series {key} is held; `monitor series find` lists those that are")
        return key.source, key.dataset, key


@dataclass(frozen=True, eq=False, kw_only=True)
class _History:
    """Figures of a dataset, each once a release that changed it; arrays of one length, by series, period and release."""

    keys: tuple[SeriesKey, ...]
    releases: list[Release]
    series: Ints
    period: Ints
    order: Ints
    value: Floats
    status: Ints

    def take(self, rows: Ints | Bools) -> _History:
        arrays = {name: getattr(self, name)[rows] for name in ("series", "period", "order", "value", "status")}
        return _History(keys=self.keys, releases=self.releases, **arrays)

    def sorted(self) -> _History:
        """Order the rows, and leave out those that change a flag only."""
        found = self.take(np.lexsort((self.order, self.period, self.series)))
        value = found.value
        same = (value[1:] == value[:-1]) | (np.isnan(value[1:]) & np.isnan(value[:-1]))
        again = ~found.begins
        again[1:] &= same & (found.status[1:] == found.status[:-1])
        return found.take(~again) if again.any() else found

    @cached_property
    def begins(self) -> Bools:
        """Where the first row of a figure stands."""
        found = np.ones(len(self.series), np.bool_)
        found[1:] = (self.series[1:] != self.series[:-1]) | (self.period[1:] != self.period[:-1])
        return found

    @property
    def ends(self) -> Bools:
        """Where the last row of a figure stands."""
        return np.append(self.begins[1:], True)[: len(self.begins)]

    @property
    def vintage(self) -> Ints:
        """The number of a row among those of its figure, from 1."""
        at = np.arange(len(self.series))
        found: Ints = at - np.maximum.accumulate(np.where(self.begins, at, 0)) + 1
        return found

    def to_frame(self) -> pd.DataFrame:
        """Return the rows as a tidy table; texts that repeat are categories."""
        columns: dict[str, Any] = {name: self._field(name) for name in KEY_FIELDS}
        published = pd.DatetimeIndex([release.published_at for release in self.releases]).as_unit("us")
        columns["period"] = pd.arrays.PeriodArray(self.period - _EPOCH, dtype=pd.PeriodDtype("M"))
        columns["value"] = self.value
        columns["status"] = _categories(self.status, _STATUSES)
        columns["release"] = _categories(self.order, [release.id for release in self.releases])
        columns["published_at"] = published.take(self.order) if len(published) else pd.DatetimeIndex([], tz=UTC)
        return pd.DataFrame(columns)

    def _field(self, name: str) -> Any:
        codes, values = pd.factorize(np.array([getattr(key, name) for key in self.keys], object))
        return _categories(codes[self.series], list(values))


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.empty(0)


def _categories(codes: NDArray[np.integer], values: Any) -> Any:
    return pd.Categorical.from_codes(codes, categories=values)


def known_when(vintage: Release | datetime) -> str:
    """Say as known when: ``on 2025-08-31`` or ``after gacc-2025-10-3cd14cc2``."""
    return f"on {vintage:%Y-%m-%d}" if isinstance(vintage, datetime) else f"after {vintage.id}"


def _release_of(app: App, text: str) -> Release:
    try:
        return app.releases.get(text)
    except StoreError as error:
        raise MonitorError(f'"{text}" is neither a day, like 2025-08-31, nor a release: {error}') from None


def _key(of: str | SeriesKey) -> SeriesKey | None:
    if isinstance(of, SeriesKey):
        return of
    try:
        return SeriesKey.parse(of)
    except ValueError:
        return None


def _chosen(keys: Sequence[SeriesKey], only: Mapping[str, str | Sequence[str]]) -> Bools:
    """Return which series have the given values of key fields."""
    found = np.ones(len(keys), bool)
    for name, given in only.items():
        if name not in KEY_FIELDS:
            raise MonitorError(f'a series has no "{name}"{did_you_mean(name, KEY_FIELDS)}')
        column = np.array([getattr(key, name) for key in keys], object)
        wanted = [given] if isinstance(given, str) else [*given]
        _refuse_unknown(name, wanted, set(column))
        found &= np.isin(column, wanted)
    return found


def _refuse_unknown(name: str, wanted: Iterable[str], known: set[str]) -> None:
    for value in wanted:
        if value not in known:
            raise MonitorError(f'no series with {name} "{value}" is held{did_you_mean(value, sorted(known))}')
