"""What a rule test gives, as releases: the same notices and tables that a source would hand over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from monitor.app import App
from monitor.errors import ConfigError, SourceError
from monitor.months import Month, format_month
from monitor.rules.example_keys import WITHHELD, GivenKeys
from monitor.rules.examples import Example
from monitor.series import KEY_FIELDS, Basis, Coverage, SeriesKey, Status
from monitor.sources.base import ReleaseNotice, Table
from monitor.sources.figures import SERIES, checked
from monitor.sources.mapping import Mapping, to_figures
from monitor.sources.payload import Layout, load, read_frame
from monitor.units import find_unit, parse_quantity
from monitor.yamlfile import Loc, did_you_mean

Part = tuple[ReleaseNotice, Table]
_LISTS = ("reporter", "partner", "product")


@dataclass(frozen=True, eq=False, kw_only=True)
class Given:
    """
    The releases of one dataset that a test gives, in the order in which they come in.

    `beside` are those of other datasets, each with its source: they come in as soon as a release is published after them.
    """

    source: str
    dataset: str
    parts: tuple[Part, ...]
    beside: tuple[tuple[str, Part], ...] = ()

    @property
    def keys(self) -> tuple[SeriesKey, ...]:
        """Every series that some release gives."""
        rows = pd.concat([table.frame[SERIES] for _, table in self.parts]).drop_duplicates()
        named = [dict(zip(SERIES, row, strict=True)) for row in rows.astype("str").itertuples(index=False, name=None)]
        return tuple(sorted(SeriesKey(source=self.source, dataset=self.dataset, **row) for row in named))


def given(example: Example, app: App) -> Given:
    """
    Return the releases that a test gives.

    Raises
    ------
    ConfigError
        Where its figures belong to several datasets, cannot be read, or cannot be right.
    """
    return _Giving(example, app).given()


class _Giving:
    def __init__(self, example: Example, app: App) -> None:
        self._example, self._app = example, app
        first = example.keys.given[0]
        self.source, self.dataset = str(first.source), str(first.dataset)
        self._bundled: list[Part] | None = None
        self._steps: dict[str, float] = {}
        self._titles: dict[str, str] = {}
        self._absent = "not_published"

    def given(self) -> Given:
        keys = self._example.keys
        own = all(entry.bundled for entry in keys.given) and not keys.releases and keys.live_from is None
        parts = self._as_published() if own else list(self._written())
        return Given(source=self.source, dataset=self.dataset, parts=tuple(parts), beside=tuple(self._beside(parts)))

    def _beside(self, parts: Sequence[Part]) -> Iterable[tuple[str, Part]]:
        """Yield, for each release of the test, what other datasets gave the day before: the months up to its newest."""
        others: dict[tuple[str, str], list[pd.DataFrame]] = {}
        for entry in self._example.keys.beside:
            others.setdefault((str(entry.source), str(entry.dataset)), []).append(self._figures(entry))
        for (source, dataset), frames in others.items():
            figures = pd.concat(frames, ignore_index=True)
            for notice, _ in parts:
                months = tuple(range(int(figures["period"].min()), max(notice.periods) + 1))
                frame = figures[figures["period"].isin(months) & _said(figures)]
                if len(frame):
                    notice, table = self._part(frame, months, notice.published_at - timedelta(days=1), ("beside",))
                    yield source, (replace(notice, dataset=dataset), table)

    def _wrong(self, loc: Loc, sentence: str) -> ConfigError:
        return ConfigError([self._example.mistake(loc, sentence)])

    def _as_published(self) -> list[Part]:
        """Return the bundled releases as they came out, without the series and months that are not asked for."""
        wanted = self._frames(self._example.keys.given, ("given",))
        cells = pd.MultiIndex.from_frame(wanted[[*SERIES, "period"]])
        found = []
        for notice, table in self._source_parts(("given", 0)):
            frame = table.frame[pd.MultiIndex.from_frame(table.frame[[*SERIES, "period"]]).isin(cells)].reset_index(drop=True)
            if len(frame):
                months = tuple(sorted(int(m) for m in frame["period"].unique()))
                found.append((notice, replace(table, frame=frame, coverage=replace(table.coverage, periods=months))))
        return found

    def _written(self) -> Iterable[Part]:
        """Yield the releases that the test writes; a later one knows every revision before it."""
        keys = self._example.keys
        figures = self._frames(keys.given, ("given",))
        for n, (published, months, revised) in enumerate(self._releases(figures)):
            if revised:
                figures = _laid(figures, self._frames(revised, ("releases", n, "revised")))
            frame = figures[figures["period"].isin(months) & _said(figures)]
            loc: Loc = ("releases", n) if keys.releases else ("given",)
            yield self._part(frame, months, published, loc)
        if keys.releases:
            self._refuse_unreleased(figures)

    def _releases(self, figures: pd.DataFrame) -> list[tuple[datetime, tuple[Month, ...], tuple[GivenKeys, ...]]]:
        keys = self._example.keys
        if keys.releases:
            return [(one.published or _on_the_20th(one.months[-1]), one.months, one.revised) for one in keys.releases]
        first, last = int(figures["period"].min()), int(figures["period"].max())
        live = first if keys.live_from is None else keys.live_from
        if not first <= live <= last:
            span = f"{format_month(first)} to {format_month(last)}"
            raise self._wrong(("live_from",), f"{format_month(live)} is not one of the months given, {span}")
        given = set(figures["period"][_said(figures)].astype(int))  # a month without a figure does not come out
        covers = [tuple(range(first, live + 1)), *((month,) for month in range(live + 1, last + 1) if month in given)]
        return [(_on_the_20th(months[-1]), months, ()) for months in covers]

    def _refuse_unreleased(self, figures: pd.DataFrame) -> None:
        """Refuse figures of a month that no release covers: nothing would judge them."""
        covered = {month for one in self._example.keys.releases for month in one.months}
        if left := {int(month) for month in figures["period"][_said(figures)]} - covered:
            raise self._wrong(("releases",), f"no release covers {format_month(min(left))}, of which figures are given")

    def _part(self, frame: pd.DataFrame, months: tuple[Month, ...], published: datetime, loc: Loc) -> Part:
        try:
            whole = checked(frame, where=format_month(months[-1]))
        except SourceError as error:
            raise self._wrong(loc, str(error)) from None
        name = f"{format_month(months[-1])} of {published:%Y-%m-%d %H:%M}"
        notice = ReleaseNotice(dataset=self.dataset, name=name, published_at=published, estimated=False, periods=months)
        return notice, Table(
            frame=whole,
            coverage=Coverage(periods=months),
            absent=self._absent,
            resolution=self._steps,
            titles=self._titles,
        )

    def _frames(self, entries: Sequence[GivenKeys], loc: Loc) -> pd.DataFrame:
        frames = [self._frame(entry, (*loc, n)) for n, entry in enumerate(entries)]
        return pd.concat(frames, ignore_index=True)

    def _frame(self, entry: GivenKeys, loc: Loc) -> pd.DataFrame:
        if (entry.source, entry.dataset) != (self.source, self.dataset):
            this, first = f"{entry.source}/{entry.dataset}", f"{self.source}/{self.dataset}"
            raise self._wrong(loc, f"a test gives figures of one dataset; this is {this}, not {first}")
        if entry.figures is not None:
            return self._figures(entry)
        if entry.file is not None:
            return _chosen(self._file(entry, loc), entry, months_only=True)
        found = _chosen(pd.concat([table.frame for _, table in self._source_parts(loc)]), entry)
        if found.empty:
            raise self._wrong(loc, "no bundled figure is of these series and months")
        return found

    def _figures(self, entry: GivenKeys) -> pd.DataFrame:
        unit, figures = find_unit(str(entry.unit)), entry.figures or ()
        if entry.resolution:
            self._steps[str(entry.measure)] = parse_quantity(entry.resolution).amount
        values = np.array([figure * float(unit.factor) if isinstance(figure, float) else np.nan for figure in figures])
        status = [float(Status.WITHHELD) if str(figure) == WITHHELD else np.nan for figure in figures]
        months = np.arange(entry.from_ or 0, (entry.from_ or 0) + len(figures))
        named = {**_constants(entry), "unit": unit.base, "basis": str(entry.basis or Basis.REPORTED)}
        return pd.DataFrame({"period": months, "value": values, "status": status}).assign(flags=0, **named)

    def _file(self, entry: GivenKeys, loc: Loc) -> pd.DataFrame:
        path = self._example.path.parent / str(entry.file)
        if entry.resolution and entry.measure:
            self._steps[entry.measure] = parse_quantity(entry.resolution).amount
        try:
            rows = read_frame(load(path), path.name, Layout())
            frame, titles = to_figures(rows, Mapping(**_constants(entry)), path.name)
        except SourceError as error:
            raise self._wrong((*loc, "file"), str(error)) from None
        self._titles |= titles
        frame["basis"] = frame["basis"] if "basis" in frame else str(Basis.REPORTED)
        return frame.drop(columns="line").assign(flags=frame.get("flags", 0))

    def _source_parts(self, loc: Loc) -> list[Part]:
        """Read the releases that come with the desk's entry for this dataset."""
        if self._bundled is None:
            entry = self._app.entry(self.source, self.dataset)
            if entry is None or getattr(entry.parameters, "package", None) is None:
                bundled = [e.entry for e in self._app.settings.sources if getattr(e.parameters, "package", None)]
                name = f"{self.source}/{self.dataset}"
                raise self._wrong(loc, f'no figures of "{name}" are bundled{did_you_mean(name, bundled)}')
            source = self._app.source(entry)
            self._bundled = [(notice, source.fetch(notice)) for notice in source.releases(0)]
            self._steps |= self._bundled[0][1].resolution
            self._titles |= self._bundled[0][1].titles
            self._absent = self._bundled[0][1].absent
        return self._bundled


def _said(figures: pd.DataFrame) -> pd.Series:
    """Tell which rows come out: figures, and what is said to be withheld."""
    found = figures["value"].notna()
    return found | (figures["status"] == Status.WITHHELD) if "status" in figures else found


def _constants(entry: GivenKeys) -> dict[str, Any]:
    """Return the fields of a series that are written, each as one text."""
    fields = {name: getattr(entry, name) for name in (*_LISTS, "flow", "measure", "unit", "basis")}
    return {name: str(value[0]) if name in _LISTS else str(value) for name, value in fields.items() if value is not None}


def _chosen(frame: pd.DataFrame, entry: GivenKeys, *, months_only: bool = False) -> pd.DataFrame:
    """Return the figures of the series and months that an entry asks for."""
    asked = frame["period"].between(entry.from_ or 0, entry.to or 10**6)
    for name in KEY_FIELDS if not months_only else ():
        wanted = getattr(entry, name)
        if wanted is not None and name not in ("source", "dataset", "unit"):
            asked &= frame[name].isin(wanted if name in _LISTS else [str(wanted)])
    return frame[asked]


def _laid(figures: pd.DataFrame, revised: pd.DataFrame) -> pd.DataFrame:
    """Lay revised figures over those before them."""
    return pd.concat([figures, revised]).drop_duplicates([*SERIES, "period"], keep="last").reset_index(drop=True)


def _on_the_20th(month: Month) -> datetime:
    year, index = divmod(month + 1, 12)
    return datetime(year, index + 1, 20, 12, tzinfo=UTC)
