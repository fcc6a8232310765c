"""
Japan's trade by nine-digit code and country: the CSV files of the Ministry of Finance on e-Stat, one a year and section.

A file is cumulative: each month the files of the year are replaced by ones with a month more, and with the months before as
they are now revised. So the newest release of a year says all its months again, and the months before it are releases of
their own, dated by the calendar, so that the past can be taken in as it came out. A change after the next month was due
(the fixed figures of a year, in March) is a release of its own too, named by its day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Literal, Self
from zoneinfo import ZoneInfo

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from monitor.countries import code_of
from monitor.errors import SourceFormatChanged, SourceUnavailable
from monitor.months import Month, format_month, month, parse_month, say_month
from monitor.series import Basis, Coverage, Flag
from monitor.sources.base import FIGURE_COLUMNS, ReleaseNotice, Table
from monitor.sources.calendar import Calendar, MonthText
from monitor.sources.http import Client
from monitor.sources.japan_file import File, figures, partners, read_file, with_total
from monitor.sources.japan_listing import Section, Stage, Year, read_parts, read_sections, read_years
from monitor.sources.payload import packed

Measure = Literal["value", "weight", "quantity"]

YEARS_ASKED = 3
"""How many of the newest years are asked for changes; older ones are fixed, and taken from the list as they are."""
MOST_PAGES = 10

_UNIT_OF = {"value": "JPY", "weight": "kg", "quantity": "pcs"}
_TABLES = {"exports/hs9": ("export", "000001013181"), "imports/hs9": ("import", "000001013182")}
_LIST = {"layout": "datalist", "toukei": "00350300", "tstat": "000001013141", "cycle": "1", "tclass1": "000001013180"}
_PAGE = ("text/html", "application/xhtml+xml")
_CSV = (
    "text/csv",
    "application/csv",
    "text/plain",
    "application/octet-stream",
    "application/force-download",
    "application/x-csv",
)


class JapanParameters(BaseModel):
    """
    What to read of Japan's trade by commodity and country.

    `products` are codes of nine digits, or how they begin (two, four or six digits). `weight` and `quantity` are those of
    the two quantities whose unit is one of weight or of pieces.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: Literal["imports/hs9", "exports/hs9"]
    products: tuple[str, ...] = Field(min_length=1)
    measures: tuple[Measure, ...] = Field(("value", "weight"), min_length=1)
    first: MonthText = Field(default="2016-01", description="the first month to fetch")
    partners: dict[str, str] = Field(default_factory=dict, description="a country's number that is not known here -> its code")
    titles: dict[str, str] = Field(default_factory=dict, description="nine-digit code -> its words; the files have none")
    published: Calendar = Calendar(days_after=29, time="09:30", zone="Asia/Tokyo")
    base_url: str = "https://www.e-stat.go.jp"

    @model_validator(mode="after")
    def _codes(self) -> Self:
        for code in self.products:
            if not (code.isascii() and code.isdigit() and len(code) in (2, 4, 6, 9)):
                raise ValueError(f'"{code}" is not a code of nine digits, nor the first two, four or six of one')
        for partner in self.partners.values():
            code_of(partner)
        if other := [code for code in self.titles if not code.startswith(self.products)]:
            raise ValueError(f'the title of "{other[0]}" is of none of the products')
        return self


class Japan:
    """Japan's own account of its trade."""

    Parameters = JapanParameters
    past_is_history = True

    def __init__(self, name: str, parameters: JapanParameters, *, client: Client, clock: Callable[[], datetime]) -> None:
        self.name = name
        self.parameters = parameters
        self._client, self._clock = client, clock
        self._flow, self._table = _TABLES[parameters.dataset]
        self._measures = tuple(dict.fromkeys(parameters.measures))
        self._years: dict[int, Year] = {}
        self._pages: dict[int, list[Section]] = {}
        self._files: dict[int, dict[str, File]] = {}

    def releases(self, since: Month) -> list[ReleaseNotice]:
        """
        Say what is out, oldest first, by the list of years and the pages of the newest three.

        Raises
        ------
        SourceUnavailable
            If a page cannot be had, or lists no file of a product's chapter.
        SourceFormatChanged
            If a page is not such a list.
        """
        self._list()
        first = parse_month(self.parameters.first)
        notices = [notice for year in self._years.values() if year.newest >= first for notice in self._notices(year)]
        found = [notice for notice in notices if notice.periods and notice.periods[-1] >= since]
        return sorted(found, key=lambda notice: (notice.published_at, notice.periods[-1]))

    def fetch(self, notice: ReleaseNotice) -> Table:
        """
        Read the figures of a month, or of all months of a year up to it.

        Raises
        ------
        SourceUnavailable
            If the month is not out, or its files are being replaced.
        SourceFormatChanged
            If a file is not what it was.
        """
        newest = parse_month(notice.name.split()[0])
        months = list(notice.periods) or [newest]
        if not self._years:
            self._list()
        sections = self._sections(newest)
        if min(section.newest for section in sections) < newest:
            raise SourceUnavailable(f"{self._where(newest)}: {say_month(newest)} is not out yet")
        files = self._read_files(sections, newest)
        stem = f"{self.parameters.dataset.replace('/', '-')}-{notice.name.replace(' ', '-')}"
        raw, raw_name = packed({f"{stem}-{section.id}.csv": file.raw for section, file in files})
        try:
            return replace(self._read(files, months), raw=raw, raw_name=raw_name)
        except SourceFormatChanged as error:
            error.raw = raw
            raise

    def calls(self, *notices: ReleaseNotice) -> int:
        """Say how many requests fetching these releases takes: a year's files are read once, and its page where it was not."""
        years = {_year(parse_month(notice.name.split()[0])) for notice in notices} - set(self._files)
        usual = max(map(len, self._pages.values()), default=len({code[:2] for code in self.parameters.products}))
        return sum(len(self._pages[year]) if year in self._pages else 1 + usual for year in years)

    def due(self, period: Month) -> datetime:
        """Return when a month is expected."""
        return self.parameters.published.published_at(period)

    def _list(self) -> None:
        """Ask which years there are; what was read of them before is forgotten."""
        where = f"{self.name} {self.parameters.dataset}"
        self._years = {year.year: year for year in read_years(self._page(where, {}), where)}
        self._pages, self._files = {}, {}

    def _page(self, where: str, more: dict[str, str], number: int = 1) -> list[tuple[str, str]]:
        params = {"page": str(number), **_LIST, "tclass2": self._table, "tclass3val": "0", **more}
        answer = self._client.get(f"{self._base}/stat-search/files", params=params, accept=_PAGE)
        return read_parts(answer.body, where)

    @property
    def _base(self) -> str:
        return self.parameters.base_url.rstrip("/")

    def _where(self, period: Month) -> str:
        return f"{self.name} {self.parameters.dataset} {format_month(period)}"

    def _sections(self, period: Month) -> list[Section]:
        """Return the files of a month's year that hold the products; the list is in pages, read until all are found."""
        number = _year(period)
        year = self._years.get(number)
        if year is None:
            raise SourceUnavailable(f"{self._where(period)}: e-Stat lists no files of {number}")
        if number not in self._pages:
            self._pages[number] = self._needed(year)
        return self._pages[number]

    def _needed(self, year: Year) -> list[Section]:
        where = f"{self.name} {self.parameters.dataset} {year.year}"
        found: dict[str, Section] = {}
        missing = chapters = sorted({int(code[:2]) for code in self.parameters.products})
        for number in range(1, MOST_PAGES + 1):
            parts = self._page(where, {"year": f"{year.year}0", "month": year.code}, number)
            read = read_sections(parts, year.year, self._flow, where)
            new = read.keys() - found.keys()
            found |= read
            missing = [c for c in chapters if not any(s.first <= c <= s.last for s in found.values())]
            if not new or not missing:
                break
        if missing:
            raise SourceUnavailable(f"{where}: e-Stat lists no {self._flow} file of chapter {missing[0]:02d}")
        return sorted((s for s in found.values() if any(s.first <= c <= s.last for c in chapters)), key=lambda s: s.first)

    def _notices(self, year: Year) -> Iterator[ReleaseNotice]:
        """Say the months of a year; the newest one comes with the year to date, unless the change came later than the month."""
        if year.year <= max(self._years) - YEARS_ASKED:
            yield from map(self._slice, self._months(year.newest))
            return
        sections = self._sections(year.newest)
        newest = min(section.newest for section in sections)
        updated = max(section.updated for section in sections)
        published = datetime.combine(updated, self._hour()).astimezone(UTC)
        late = published >= self.due(newest + 1)
        months = self._months(newest)
        yield from map(self._slice, months if late else months[:-1])
        stage = f" {sections[0].stages[newest]} {updated}" if late else ""
        yield self._notice(f"{format_month(newest)}{stage}", published, months, estimated=False)

    def _hour(self) -> time:
        calendar = self.parameters.published
        return time.fromisoformat(calendar.time).replace(tzinfo=ZoneInfo(calendar.zone))

    def _months(self, newest: Month) -> list[Month]:
        """Return the months of a year up to one, from `first` on."""
        january = month(_year(newest), 1)
        return list(range(max(january, parse_month(self.parameters.first)), newest + 1))

    def _slice(self, period: Month) -> ReleaseNotice:
        return self._notice(format_month(period), self.due(period), [period], estimated=True)

    def _notice(self, name: str, published: datetime, months: Sequence[Month], *, estimated: bool) -> ReleaseNotice:
        return ReleaseNotice(
            dataset=self.parameters.dataset,
            name=name,
            published_at=min(published, self._clock().astimezone(UTC)),
            estimated=estimated,
            periods=tuple(months),
        )

    def _read_files(self, sections: Sequence[Section], period: Month) -> list[tuple[Section, File]]:
        """
        Read the files of a year, or remember them: all its months are in them.

        Two years are held, as the fixed figures of one come out between the months of the next.
        """
        year = _year(period)
        held = self._files.pop(year, {})
        files = {section.id: held.get(section.id) or self._download(section) for section in sections}
        self._files = {**dict(list(self._files.items())[-1:]), year: files}
        return [(section, files[section.id]) for section in sections]

    def _download(self, section: Section) -> File:
        where = f"{self._where(section.newest)} file {section.id}"
        params = {"statInfId": section.id, "fileKind": "1"}
        body = self._client.get(f"{self._base}/stat-search/file-download", params=params, accept=_CSV).body
        try:
            return read_file(body, where, flow=self._flow, months=list(section.stages), products=self.parameters.products)
        except SourceFormatChanged as error:
            error.raw = body
            raise

    def _read(self, files: Sequence[tuple[Section, File]], months: list[Month]) -> Table:
        traded = [(section, file) for section, file in files if len(file.frame)]
        parts = [self._cells(section, file, m, measure) for section, file in traded for m in months for measure in self._measures]
        cells = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*FIGURE_COLUMNS, "step"])
        return Table(
            frame=with_total(cells.drop(columns="step"), self._where(months[-1])),
            coverage=self._coverage(cells, months),
            absent="zero",
            resolution={str(measure): float(step) for measure, step in cells.groupby("measure")["step"].max().items()},
            titles={f"HS9:{code}": title for code, title in self.parameters.titles.items()},
        )

    def _cells(self, section: Section, file: File, period: Month, measure: Measure) -> pd.DataFrame:
        """Return the figures of one measure and month in a file, with the step that each is cut to."""
        value, step = figures(file, measure, period)
        flag = Flag.PROVISIONAL if section.stages[period] is Stage.PROVISIONAL else Flag.NONE
        cells = pd.DataFrame(
            {
                "country": file.frame["Country"],
                "reporter": "JP",
                "partner": partners(file, self.parameters.partners),
                "product": "HS9:" + file.frame["HS"],
                "flow": self._flow,
                "measure": measure,
                "unit": _UNIT_OF[measure],
                "basis": Basis.REPORTED.value,
                "period": period,
                "value": value,
                "flags": int(flag),
                "step": step,
            }
        )
        return cells[cells["step"].notna()]

    def _coverage(self, cells: pd.DataFrame, months: list[Month]) -> Coverage:
        """Say nothing of a code without one row in the files of its year, as it may have ended, nor of what is not counted."""
        products, measures = (tuple(sorted(set(cells[name]))) for name in ("product", "measure"))
        return Coverage(periods=tuple(months), products=products, measures=measures, flows=(self._flow,))


def _year(period: Month) -> int:
    return int(format_month(period)[:4])
