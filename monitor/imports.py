"""One release of the files that a person gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from monitor.app import App
from monitor.errors import MonitorError
from monitor.settings import SourceSettings
from monitor.sources.base import ReleaseNotice, Table
from monitor.wording import join_words
from monitor.yamlfile import did_you_mean

DOWNLOADS = "gacc"
"""The kind of source whose files a person downloads: its headings say what they are."""


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
    entry = entry_named(app, source)
    made = app.source(entry)
    if not hasattr(made, "from_files"):
        raise MonitorError(f"{entry.entry}: the kind {entry.kind} takes no files; it asks its source itself")
    if missing := [str(file) for file in files if not file.is_file()]:
        raise MonitorError(f"{join_words(missing)}: there is no such file")
    at = None if published is None else _moment(published, app.clock())
    notice, table = made.from_files(list(files))
    if at is None:  # the calendar's hour; what somebody has is out, whatever the calendar says
        return entry, replace(notice, published_at=min(notice.published_at, app.clock())), table
    return entry, replace(notice, published_at=at, estimated=False), table


def source_and_files(app: App, words: Sequence[str]) -> tuple[str, tuple[Path, ...]]:
    """
    Tell the source from the files; files alone are downloads of the one entry of kind gacc.

    Raises
    ------
    MonitorError
        If files stand alone and no entry, or more than one, is meant for downloads.
    """
    names = {name for entry in app.settings.sources for name in (entry.entry, entry.name)}
    if len(words) == 1 and words[0] not in names and not Path(words[0]).is_file():
        raise MonitorError(f"{words[0]}: there is no such file, and no source of that name")
    if words[0] in names or not Path(words[0]).is_file():
        return words[0], tuple(map(Path, words[1:]))
    downloads = [entry.entry for entry in app.settings.sources if entry.kind == DOWNLOADS]
    if len(downloads) != 1:
        known = ", ".join(entry.entry for entry in app.settings.sources)
        raise MonitorError(f"name the source before the files; known are {known}")
    return downloads[0], tuple(map(Path, words))


def entry_named(app: App, source: str) -> SourceSettings:
    """
    Return the one entry that a name means, on or off.

    Raises
    ------
    MonitorError
        If there is none, or several datasets have the name.
    """
    found = [e for e in app.settings.sources if source in (e.entry, e.name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise MonitorError(f'"{source}" has several datasets; name one of {", ".join(e.entry for e in found)}')
    raise MonitorError(f'there is no source "{source}"{did_you_mean(source, [e.entry for e in app.settings.sources])}')


def _moment(published: str, now: datetime) -> datetime:
    """Read a day, meaning its noon UTC, or a moment."""
    try:
        found = datetime.fromisoformat(published)
    except ValueError:
        raise MonitorError(f'"{published}" is not a date; write it as 2025-08-20, or 2025-08-20T09:30+08:00') from None
    if len(published) <= len("2025-08-20"):
        found = datetime.combine(found, time(12, 0))
    found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    if found > now + timedelta(days=1):
        raise MonitorError(f'"{published}" is in the future; say when the files were published')
    return found
