"""
Kind ``gacc``: the files that a person downloads from the online query of China's customs.

The query form has a CAPTCHA, and nothing here goes around it: a person ticks export (or import), one currency, by month,
commodity and trading partner, and gives the files to ``monitor import`` or puts them into a watched folder.

The query has no total row. Where no partner was chosen in the form (``every_partner: true``), the sum over partners is
the World total (``total: sum``). Rows that the form split by trade mode or by place of registration are added up.
China itself is a partner in these files (goods that return); it is kept as ``CN``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from monitor.countries import UNSPECIFIED, PartnerKind, partner_kind
from monitor.errors import SourceFormatChanged, SourceUnavailable
from monitor.months import Month, format_month
from monitor.series import WORLD, Coverage
from monitor.sources import base
from monitor.sources.calendar import Calendar
from monitor.sources.figures import checked
from monitor.sources.folder import changed, settled
from monitor.sources.gacc_file import read_download
from monitor.sources.payload import MAX_BYTES, load, packed

if TYPE_CHECKING:
    from monitor.sources.http import Client


class GaccParameters(BaseModel):
    """What the person chose in the query form, and where the files are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str = Field(min_length=1)
    folder: Path | None = None
    flow: Literal["export", "import"] = "export"
    currency: Literal["USD", "CNY"] | None = Field(default=None, description="refuse files in the other currency")
    every_partner: bool = Field(default=False, description="no partner was chosen in the form")
    total: Literal["none", "sum"] = "none"
    absent: Literal["zero", "not_published"] = "not_published"
    partners: dict[str, str] = Field(default_factory=dict, description="the file's name of a partner -> its code")
    titles: dict[str, str] = Field(default_factory=dict)
    max_bytes: int = Field(default=MAX_BYTES, ge=1)
    published: Calendar = Calendar(day_of_next_month=20, time="10:00", zone="Asia/Shanghai", january_with_february=True)

    @model_validator(mode="after")
    def _total_needs_everybody(self) -> Self:
        if self.total == "sum" and not self.every_partner:
            raise ValueError("total: sum needs every_partner: true; a sum over some partners is no total")
        return self


@dataclass(frozen=True, eq=False, kw_only=True)
class Download:
    """One file of the query: its figures in base units, titles, bytes and when it was changed."""

    name: str
    data: bytes
    time: datetime
    frame: pd.DataFrame
    titles: dict[str, str]

    @property
    def scope(self) -> tuple[frozenset[Month], frozenset[str]]:
        """The months and the products that the file has."""
        return frozenset(int(m) for m in self.frame["period"]), frozenset(self.frame["product"])


class Gacc:
    """China's customs figures from downloaded files."""

    Parameters = GaccParameters
    page = "http://stats.customs.gov.cn"
    reporter, nomenclature = "CN", "CN8"
    past_is_history = False

    def __init__(self, name: str, parameters: GaccParameters, *, client: Client, clock: Callable[[], datetime]) -> None:
        self.name = name
        self.parameters = parameters
        self._clock = clock
        self._read: dict[str, Download] = {}

    def releases(self, since: Month) -> Iterable[base.ReleaseNotice]:
        """Say what lies in the folder once nothing in it has changed for a minute: one release a newest month."""
        notices = [self._notice(name, paths) for name, paths in self._batches().items()]
        return sorted((n for n in notices if not n.periods or max(n.periods) >= since), key=lambda n: n.published_at)

    def fetch(self, notice: base.ReleaseNotice) -> base.Table:
        """Read the files of one release."""
        paths = self._batches().get(notice.name)
        if paths is None:
            raise SourceUnavailable(f"{self.name} {notice.dataset}: the files of {notice.name} are no longer there")
        return self.read_files(paths)

    def calls(self, *notices: base.ReleaseNotice) -> int:
        """Say that files take no request."""
        return 0

    def due(self, period: Month) -> datetime | None:
        """Return when a month is expected."""
        return self.parameters.published.published_at(period) if self.parameters.published else None

    @property
    def boxes(self) -> tuple[str, ...]:
        """What a person ticks in the query form."""
        chosen = self.parameters
        currency = chosen.currency or "the currency of the files before"
        partner = "no partner chosen" if chosen.every_partner else "the partners of the files before"
        return (chosen.flow, currency, "by month", "commodity (8 digits) and trading partner", partner)

    def from_files(self, paths: Sequence[Path], published_at: datetime | None = None) -> tuple[base.ReleaseNotice, base.Table]:
        """Make one release of the files given, published then or when the calendar says."""
        table = self.read_files(paths)
        name = ", ".join(path.name for path in paths)
        return self._dated(name, table.coverage.periods, published_at), table

    def read_files(self, paths: Sequence[Path]) -> base.Table:
        """
        Read the files of one release.

        Raises
        ------
        SourceFormatChanged
            In one sentence, naming the file; then nothing of any file is taken.
        """
        downloads = [self._download(path) for path in paths]
        names = ", ".join(download.name for download in downloads)
        frame = checked(pd.concat([download.frame for download in downloads]), where=names, one_unit=False)
        coverage = self._coverage(downloads, frame, names)
        raw, raw_name = packed({download.name: download.data for download in downloads})
        return base.Table(
            frame=self._with_total(frame),
            coverage=coverage,
            absent=self.parameters.absent,
            raw=raw,
            raw_name=raw_name,
            titles={code: title for d in downloads for code, title in d.titles.items()} | self.parameters.titles,
        )

    def _batches(self) -> dict[str, list[Path]]:
        """Group the settled files by their newest month; a file that cannot be read is a release of its own."""
        if self.parameters.folder is None:
            return {}
        batches: dict[str, list[Path]] = {}
        for path in settled(self.parameters.folder, self._clock(), together=True):
            try:
                month = format_month(max(self._download(path).scope[0]))
            except SourceFormatChanged:
                month = path.name
            batches.setdefault(month, []).append(path)
        return {f"{month} {self._digest(paths)}": paths for month, paths in batches.items()}

    def _digest(self, paths: list[Path]) -> str:
        """Tell batches of one month apart by their bytes."""
        return hashlib.sha256(b"".join(map(self._fingerprint, paths))).hexdigest()[:8]

    def _fingerprint(self, path: Path) -> bytes:
        """Return what tells a file from others; of one that is too large, its size and when it was changed."""
        try:
            return hashlib.sha256(load(path, max_bytes=self.parameters.max_bytes)).digest()
        except SourceFormatChanged:
            return f"{path.stat().st_size} {changed(path)}".encode()

    def _notice(self, name: str, paths: list[Path]) -> base.ReleaseNotice:
        try:
            periods = {month for path in paths for month in self._download(path).scope[0]}
        except SourceFormatChanged:
            time = max(changed(path) for path in paths)
            return base.ReleaseNotice(dataset=self.parameters.dataset, name=name, published_at=time, estimated=True)
        return self._dated(name, tuple(sorted(periods)), None)

    def _dated(self, name: str, periods: tuple[Month, ...], published_at: datetime | None) -> base.ReleaseNotice:
        return base.ReleaseNotice(
            dataset=self.parameters.dataset,
            name=name,
            published_at=published_at or self.parameters.published.published_at(periods[-1]),
            estimated=published_at is None,
            periods=periods,
        )

    def _download(self, path: Path) -> Download:
        """Read one file, or remember it."""
        data = load(path, max_bytes=self.parameters.max_bytes)
        key = f"{path} {hashlib.sha256(data).hexdigest()}"
        if key not in self._read:
            frame, titles = self._parse(data, path.name)
            self._read[key] = Download(name=path.name, data=data, time=changed(path), frame=frame, titles=titles)
        return self._read[key]

    def _parse(self, data: bytes, name: str) -> tuple[pd.DataFrame, dict[str, str]]:
        chosen = self.parameters
        try:
            return read_download(
                data, name, flow=chosen.flow, currency=chosen.currency, partners=chosen.partners, max_bytes=chosen.max_bytes
            )
        except SourceFormatChanged as error:
            error.raw = data
            raise

    def _coverage(self, downloads: list[Download], frame: pd.DataFrame, names: str) -> Coverage:
        """
        Return the scope of the files together.

        It is complete for months times products; files that do not make up such a rectangle would turn what nobody
        asked for into zeros.
        """
        months, products = zip(*(download.scope for download in downloads), strict=True)
        if self.parameters.absent == "zero" and len(set(months)) > 1 and len(set(products)) > 1:
            raise SourceFormatChanged(f"{names}: different months for different products; import these files one by one")
        return Coverage(
            periods=tuple(sorted(frozenset[int]().union(*months))),
            partners=None if self.parameters.every_partner else tuple(sorted(set(frame["partner"]))),
            products=tuple(sorted(frozenset[str]().union(*products))),
            measures=tuple(sorted(set(frame["measure"]))),
            flows=(self.parameters.flow,),
        )

    def _with_total(self, frame: pd.DataFrame) -> pd.DataFrame:
        if self.parameters.total == "none":
            return frame
        single = [partner_kind(code) is PartnerKind.COUNTRY or code == UNSPECIFIED for code in frame["partner"]]
        parts = frame[single]
        sums = parts.groupby(["period", "product", "measure", "unit"], sort=False, as_index=False)["value"].sum()
        total = sums.assign(reporter="CN", partner=WORLD, flow=self.parameters.flow)
        return checked(pd.concat([frame, total.assign(basis="reported", flags=0)]), where="total", one_unit=False)
