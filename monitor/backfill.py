"""
Backfill: years of releases that an office still gives, taken in as history, as far as its calls go.

A plan says beforehand what it takes. Every release is committed when it is read, so whatever ends a backfill (a quota, a kill)
loses nothing, and the same plan made again holds what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from monitor.app import App
from monitor.errors import MonitorError, SecretMissing, SourceError, SourceRefused
from monitor.months import Month, format_month, parse_month
from monitor.offices.troubles import fact_of, refuse_early, trouble_found
from monitor.operations import over
from monitor.pulling import missing, newest_of, silent, take_in
from monitor.rules.schema import Fact
from monitor.series import Release
from monitor.settings import SourceSettings
from monitor.sources.base import ReleaseNotice, Source


@dataclass(frozen=True, kw_only=True)
class Plan:
    """
    The releases that are out and not held, and what taking them in needs.

    `past` names those that come in as history: all but the newest that is out. `calls` and `lasts` count neither pages nor
    calls that are tried again.
    """

    entry: SourceSettings
    source: Source
    notices: tuple[ReleaseNotice, ...]
    past: frozenset[str]
    calls: int
    lasts: timedelta

    def left(self, app: App) -> int:
        """Return how many of its releases are still not held."""
        return len(missing(app, self.entry, self.notices))


def planned(app: App, entry: SourceSettings, since: Month | None = None) -> Plan:
    """
    Ask a source what it still gives, from a month on, or from the first that its entry names.

    Raises
    ------
    MonitorError
        If the source reads files; a SourceError if it cannot be asked.
    """
    with _quota_told(app, entry):
        source = app.source(_from(entry, since))
        if not source.past_is_history:
            raise MonitorError(f"{entry.entry}: the kind {entry.kind} asks no office; `monitor pull` takes in all that is there")
        out = list(source.releases(since or 0))
    newest = newest_of(out)
    notices = tuple(missing(app, entry, out))
    calls = source.calls(*notices)
    return Plan(
        entry=entry,
        source=source,
        notices=notices,
        past=frozenset(notice.name for notice in out if notice is not newest),
        calls=calls,
        lasts=timedelta(minutes=calls / app.settings.http.per_host_per_minute),
    )


def bring(app: App, plan: Plan, taken: list[Release], progress: Callable[[str], None] = silent) -> None:
    """
    Take in what a plan holds; what came in is added to `taken`, whatever happens.

    Raises
    ------
    SourceError
        The first trouble. A release that cannot be read is kept aside and stops no other; all else ends the backfill.
    """
    with _quota_told(app, plan.entry):
        trouble = take_in(app, plan.entry, plan.source, plan.notices, plan.past, taken, progress)
    over(app, (Fact.QUOTA_USED_UP,), plan.entry.entry)
    if trouble is not None:
        raise trouble


@contextmanager
def _quota_told(app: App, entry: SourceSettings) -> Iterator[None]:
    """Refuse to ask a source that wants no call yet; of all trouble only a used-up quota is the service's concern too."""
    refuse_early(app, entry)
    try:
        yield
    except SecretMissing as error:
        raise SourceRefused(str(error)) from None
    except SourceError as error:
        if fact_of(error) is Fact.QUOTA_USED_UP:
            trouble_found(app, entry, error)
        raise


def _from(entry: SourceSettings, since: Month | None) -> SourceSettings:
    """Return an entry whose first month is no later than the one asked for."""
    first = getattr(entry.parameters, "first", None)
    if since is None or first is None or parse_month(first) <= since:
        return entry
    return replace(entry, parameters=entry.parameters.model_copy(update={"first": format_month(since)}))
