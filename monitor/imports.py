"""One release of the files that a person gives, and what was understood of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path

from monitor.app import App
from monitor.errors import MonitorError
from monitor.months import format_month
from monitor.series import WORLD
from monitor.settings import SourceSettings
from monitor.sources.base import ReleaseNotice, Table
from monitor.units import UNITS, Dimension
from monitor.wording import join_words, say_amount, say_count


def read_files(
    app: App, source: str, files: Sequence[Path], published: str | None
) -> tuple[SourceSettings, ReleaseNotice, Table]:
    """
    Read files as one release of a configured source.

    Raises
    ------
    MonitorError
        If the source is unknown or takes no files, or the date is none.
    SourceFormatChanged
        With the place and the reason, if a file cannot be read; nothing is taken in.
    """
    entry = _entry(app, source)
    made = app.source(entry)
    if not hasattr(made, "from_files"):
        raise MonitorError(f"{entry.entry}: the kind {entry.kind} takes no files; it asks its source itself")
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        raise MonitorError(f"{join_words(missing)}: there is no such file")
    notice, table = made.from_files(list(files))
    return entry, notice if published is None else _placed(notice, published), table


def _entry(app: App, source: str) -> SourceSettings:
    found = [e for e in app.settings.sources if source in (e.entry, e.name)]
    if len(found) != 1:
        known = ", ".join(e.entry for e in (found or app.settings.sources))
        raise MonitorError(f'"{source}" is {"more than one source" if found else "no source"} here; name one of {known}')
    return found[0]


def _placed(notice: ReleaseNotice, published: str) -> ReleaseNotice:
    try:
        day = datetime.fromisoformat(published)
    except ValueError:
        raise MonitorError(f'"{published}" is not a date; write it as 2025-08-20') from None
    if len(published) <= 10:
        day = datetime.combine(day, time(12, 0))
    aware = day if day.tzinfo else day.replace(tzinfo=UTC)
    return replace(notice, published_at=aware.astimezone(UTC), estimated=False)


def understood(table: Table) -> str:
    """Say what was read: ``42 partners, 1 product, 2025-10, 5,473 t``."""
    frame = table.frame
    months = sorted({int(m) for m in frame["period"]})
    span = format_month(months[0]) if len(months) == 1 else f"{format_month(months[0])} to {format_month(months[-1])}"
    partners, products = frame["partner"].nunique(), frame["product"].nunique()
    newest = frame[(frame["period"] == months[-1]) & (frame["partner"] != WORLD)]
    sums = []
    for (measure, unit), cells in newest.groupby(["measure", "unit"]):
        if UNITS[str(unit)].dimension in (Dimension.WEIGHT, Dimension.MONEY, Dimension.COUNT):
            sums.append(f"{measure} {say_amount(float(cells['value'].sum()), str(unit))}")
    parts = [say_count(partners, "partner"), say_count(products, "product"), span, say_count(len(frame), "cell")]
    return f"Understood: {', '.join(parts)}; partners' sum in {format_month(months[-1])}: {join_words(sums) or 'none'}."
