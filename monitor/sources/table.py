"""
Kind ``table``: any file of figures, described by a mapping instead of a program.

A file, a watched folder, an https address or a file that comes with the package; one release a file, or one release a
month where an old file is to be taken in as it once came out.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pandas as pd

from monitor.errors import SourceFormatChanged, SourceUnavailable
from monitor.months import Month, format_month, parse_month
from monitor.sources import base
from monitor.sources.figures import checked
from monitor.sources.folder import changed, settled
from monitor.sources.mapping import to_date, to_figures
from monitor.sources.payload import LINE, load, packed, read_frame
from monitor.sources.table_keys import TableParameters, coverage_of
from monitor.units import parse_quantity

if TYPE_CHECKING:
    from monitor.sources.http import Client

ACCEPT = (
    "text/csv",
    "application/csv",
    "text/plain",
    "text/tab-separated-values",
    "application/gzip",
    "application/x-gzip",
    "application/octet-stream",
    "application/vnd.apache.parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)


@dataclass(frozen=True, kw_only=True)
class File:
    """One file that was found: its bytes, when it was last changed, if that is known, and why it is not read, if it is not."""

    name: str
    data: bytes
    time: datetime | None = None
    refusal: str = ""

    @cached_property
    def release(self) -> str:
        """The name of its release: a file that changed is another one."""
        return f"{self.name} {hashlib.sha256(self.data).hexdigest()[:8]}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Content:
    """What one file, or several, say: checked figures, the rows they were read from, the titles of product codes."""

    frame: pd.DataFrame
    titles: dict[str, str]
    rows: pd.DataFrame
    row_periods: pd.Series
    cumulative: pd.DataFrame | None = None

    @property
    def periods(self) -> tuple[Month, ...]:
        """The months that have figures, of their own or of the year to date, ascending."""
        return periods_of(self.frame, self.cumulative)


class Table:
    """Figures from files."""

    Parameters = TableParameters
    past_is_history = False

    def __init__(self, name: str, parameters: TableParameters, *, client: Client, clock: Callable[[], datetime]) -> None:
        self.name = name
        self.parameters = parameters
        self._client = client
        self._clock = clock
        self._newest: tuple[str, Content] | None = None
        self._seen: dict[str, list[base.ReleaseNotice]] = {}

    def releases(self, since: Month) -> Iterable[base.ReleaseNotice]:
        """Say what is out; a file that cannot be read is announced too, and refused when it is fetched."""
        notices = [notice for file in self._files() for notice in self._announced(file)]
        return sorted((n for n in notices if not n.periods or max(n.periods) >= since), key=lambda n: n.published_at)

    def fetch(self, notice: base.ReleaseNotice) -> base.Table:
        """Read the figures of one release."""
        whole = self.parameters.releases is None
        for file in self._files():
            for part, read in self._parts(file) if not whole or file.release == notice.name else ():
                if part.name == notice.name:
                    return read()
        raise SourceUnavailable(f"{self.name} {notice.dataset}: the release {notice.name} is no longer there")

    def from_files(self, paths: Sequence[Path], published_at: datetime | None = None) -> tuple[base.ReleaseNotice, base.Table]:
        """Make one release of the files given, published then or when the calendar says."""
        found = [File(name=p.name, data=load(p, max_bytes=self.parameters.max_bytes), time=changed(p)) for p in paths]
        contents = [self._content(file) for file in found]
        names = ", ".join(file.name for file in found)
        frame = _together([content.frame for content in contents], names)
        to_date = [content.cumulative for content in contents if content.cumulative is not None]
        cumulative = _together(to_date, names) if to_date else None
        titles = {code: title for content in contents for code, title in content.titles.items()}
        periods = periods_of(frame, cumulative)
        newest = max(file.time for file in found if file.time)
        notice = self._notice(names, periods, newest, published_at)
        raw, raw_name = packed({file.name: file.data for file in found})
        return notice, self._table(frame, cumulative, titles, periods, raw, raw_name)

    def _files(self) -> Iterator[File]:
        parameters = self.parameters
        if parameters.package is not None:
            yield File(name=parameters.package, data=(files("monitor") / "data" / parameters.package).read_bytes())
        elif parameters.url is not None:
            answer = self._client.get(parameters.url, accept=ACCEPT, conditional=True)
            name = urlsplit(parameters.url).path.rpartition("/")[2] or "figures"
            yield File(name=name, data=answer.body, time=self._clock())
        else:
            paths = [parameters.path] if parameters.path else settled(parameters.folder or Path(), self._clock())
            for path in paths:
                yield _found(path, parameters.max_bytes)

    def _content(self, file: File) -> Content:
        """Read a file, remembering the newest: its releases are announced, then fetched."""
        if file.refusal:
            raise SourceFormatChanged(file.refusal)
        key = file.release
        if self._newest is None or self._newest[0] != key:
            rows = read_frame(file.data, file.name, self.parameters.layout)
            frame, titles = to_figures(rows, self.parameters, file.name)
            to_date = self._to_date(rows, file.name)
            lined = frame if to_date is None else pd.concat([frame, to_date])
            periods = lined["period"].set_axis(lined["line"])
            cumulative = None if to_date is None else checked(to_date, where=file.name)
            frame = cumulative.iloc[:0] if cumulative is not None and frame.empty else checked(frame, where=file.name)
            content = Content(frame=frame, titles=titles, rows=rows, row_periods=periods, cumulative=cumulative)
            self._newest = (key, content)
        return self._newest[1]

    def _announced(self, file: File) -> list[base.ReleaseNotice]:
        """Say what a file brings; one that has not changed is not read again."""
        if file.release not in self._seen:
            self._seen[file.release] = [notice for notice, _ in self._parts(file)]
        return self._seen[file.release]

    def _parts(self, file: File) -> Iterator[tuple[base.ReleaseNotice, Callable[[], base.Table]]]:
        """Cut a file into releases; each comes with what reads it."""
        try:
            content = self._content(file)
        except SourceFormatChanged:
            yield self._notice(file.release, (), file.time), partial(self._refuse, file)
            return
        if self.parameters.releases is None:
            notice = self._notice(file.release, content.periods, file.time)
            yield notice, partial(self._whole, content, file)
            return
        for periods in self._months(content):
            name = format_month(periods[-1])
            yield self._notice(name, periods, file.time), partial(self._part, content, periods, f"{file.name}-{name}.parquet")

    def calls(self, *notices: base.ReleaseNotice) -> int:
        """Say how many requests fetching these releases takes: one each for an address, none for files."""
        return len(notices) if self.parameters.url else 0

    def due(self, period: Month) -> datetime | None:
        """Return when a month is expected; None where no calendar is declared."""
        calendar = self.parameters.published
        return calendar.published_at(period) if calendar else None

    def _refuse(self, file: File) -> base.Table:
        try:
            self._content(file)
        except SourceFormatChanged as error:
            error.raw = file.data
            raise
        raise SourceFormatChanged(f"{file.name}: cannot be read")  # pragma: no cover - reading it raises first

    def _months(self, content: Content) -> list[tuple[Month, ...]]:
        """Group months by the release that they came out with, the first release holding the history."""
        split, calendar = self.parameters.releases, self.parameters.published
        first = parse_month(split.first) if split and split.first else content.periods[0]
        grouped: dict[Month, list[Month]] = {}
        for month in content.periods:
            release = max(calendar.periods_of_release(month)) if calendar else month
            grouped.setdefault(first if month <= first else release, []).append(month)
        return [tuple(months) for months in grouped.values()]

    def _notice(
        self, name: str, periods: tuple[Month, ...], time: datetime | None, published_at: datetime | None = None
    ) -> base.ReleaseNotice:
        calendar = self.parameters.published
        guess = calendar.published_at(periods[-1]) if calendar and periods else time or self._clock()
        return base.ReleaseNotice(
            dataset=self.parameters.dataset,
            name=name,
            published_at=published_at or guess,
            estimated=published_at is None,
            periods=periods,
        )

    def _to_date(self, rows: pd.DataFrame, name: str) -> pd.DataFrame | None:
        """Read the figures of the year to date; None where the file has no such column, or nothing in it."""
        found = to_date(rows, self.parameters, name)
        return None if found is None or found.empty else found

    def _whole(self, content: Content, file: File) -> base.Table:
        return self._table(content.frame, content.cumulative, content.titles, content.periods, file.data, file.name)

    def _part(self, content: Content, periods: tuple[Month, ...], raw_name: str) -> base.Table:
        frame = content.frame[content.frame["period"].isin(periods)].reset_index(drop=True)
        cumulative = content.cumulative
        if cumulative is not None:
            cumulative = cumulative[cumulative["period"].isin(periods)].reset_index(drop=True)
        lines = content.row_periods.index[content.row_periods.isin(periods)]
        buffer = io.BytesIO()
        rows = content.rows[content.rows[LINE].isin(lines)]
        rows.to_parquet(buffer, compression="zstd", index=False)
        return self._table(frame, cumulative, content.titles, periods, buffer.getvalue(), raw_name)

    def _table(
        self,
        frame: pd.DataFrame,
        cumulative: pd.DataFrame | None,
        titles: dict[str, str],
        periods: tuple[Month, ...],
        raw: bytes,
        raw_name: str,
    ) -> base.Table:
        parameters = self.parameters
        return base.Table(
            frame=frame,
            coverage=coverage_of(frame if cumulative is None else pd.concat([frame, cumulative]), periods, parameters.coverage),
            absent=parameters.absent,
            resolution={measure: parse_quantity(step).amount for measure, step in parameters.resolution.items()},
            raw=raw,
            raw_name=raw_name,
            titles=titles | parameters.titles,
            cumulative=cumulative,
        )


def periods_of(frame: pd.DataFrame, cumulative: pd.DataFrame | None) -> tuple[Month, ...]:
    """Return the months that figures belong to, ascending."""
    parts = [part["period"] for part in (frame, cumulative) if part is not None]
    return tuple(sorted({int(m) for part in parts for m in part.unique()}))


def _together(parts: Sequence[pd.DataFrame], names: str) -> pd.DataFrame:
    """Put the figures of several files together."""
    whole = pd.concat(parts)
    return whole if whole.empty else checked(whole, where=names)


def _found(path: Path, max_bytes: int) -> File:
    """Read a file; one that is too large is refused when it is fetched, so that it stops no other."""
    try:
        return File(name=path.name, data=load(path, max_bytes=max_bytes), time=changed(path))
    except SourceFormatChanged as error:
        return File(name=path.name, data=b"", time=changed(path), refusal=str(error))
