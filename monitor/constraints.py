"""What figures of the year to date hold a release to: months that follow, and sums that differ, told to whom it concerns."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.app import App
from monitor.months import say_month
from monitor.operations import over, raised
from monitor.rules.schema import Fact
from monitor.series import Release, SeriesKey
from monitor.settings import SourceSettings
from monitor.sources.base import ReleaseNotice, Table
from monitor.sources.cumulative import Gap, reconciled
from monitor.wording import capital, join_words, say_amount, say_count

MOST_NAMED = 3


def held_together(app: App, entry: SourceSettings, notice: ReleaseNotice, table: Table) -> tuple[Table, tuple[Gap, ...]]:
    """
    Return a release with the months that follow from its figures of the year to date, and where those do not add up.

    What was known is what was out before this release: a month is worked out of no later figure.
    """
    if table.cumulative is None:
        return table, ()
    return reconciled(table, app.figures.panel(entry.name, entry.dataset, as_of=notice.published_at))


def tell_sums(app: App, entry: SourceSettings, table: Table, gaps: Sequence[Gap]) -> None:
    """Tell operators, once, that months do not add up to the year to date, and once that they do again."""
    if table.cumulative is None:
        return
    for year in sorted({int(period) // 12 for period in table.cumulative["period"]}):
        subject = f"{entry.entry} {year}"
        if mine := [gap for gap in gaps if gap.first // 12 == year]:
            raised(app, Fact.SUMS_DIFFER, subject, _sentence(app, entry, mine))
        else:
            over(app, (Fact.SUMS_DIFFER,), subject)


def sums_notes(app: App, release: Release) -> tuple[str, ...]:
    """Return what a release showed of sums that differ, for the foot of its digest; later releases do not say it again."""
    subject = f"{release.source}/{release.dataset} {release.newest // 12}"  # a year, as the year to date begins anew in January
    found = [one for one in app.conditions.open() if (one.kind, one.subject) == (Fact.SUMS_DIFFER.value, subject)]
    before = [one for one in app.releases.find(release.source, release.dataset) if found and one.fetched_at <= found[0].raised_at]
    newest = max(before, key=lambda one: one.arrival, default=None)
    return (found[0].sentence,) if newest is not None and newest.id == release.id else ()


def _sentence(app: App, entry: SourceSettings, gaps: Sequence[Gap]) -> str:
    """Say the first few: ``Rare earths, China to World: January to August 2025 add up to 46,012 t, the year to date says …``."""
    names = app.names(entry.name, entry.dataset)
    said = []
    for gap in gaps[:MOST_NAMED]:
        key = SeriesKey(source=entry.name, dataset=entry.dataset, **gap.series)
        difference = say_amount(gap.stated - gap.added, key.unit, signed=True)
        added, stated = say_amount(gap.added, key.unit), say_amount(gap.stated, key.unit)
        said.append(
            f"{names.title(key)}: the months held add up to {added}, the year to date says {stated} ({difference}); {_where(gap)}"
        )
    more = len(gaps) - MOST_NAMED
    rest = f"; so do the sums of {say_count(more, 'more series', 'more series')}" if more > 0 else ""
    return f"{capital(join_words(said) if len(said) < 2 else '; '.join(said))}{rest}."


def _where(gap: Gap) -> str:
    if gap.first == gap.last:
        return f"{say_month(gap.first)} was changed without being said"
    first = say_month(gap.first).split()[0]
    return f"a month from {first} to {say_month(gap.last)} was changed without being said"
