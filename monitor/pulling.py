"""Pull: take in what a source has published and the desk does not hold, checked, whole, and told to operators where it is not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence

from monitor.app import App
from monitor.baskets.ended import may_end, why_ended
from monitor.constraints import held_together, tell_sums
from monitor.errors import MonitorError, SecretMissing, SourceError, SourceFormatChanged, SourceRefused
from monitor.eventlog import event
from monitor.months import say_month
from monitor.offices.asking import dated, noted
from monitor.offices.lateness import tell_late
from monitor.offices.tasks import answer, prepare, refused, remind
from monitor.offices.troubles import all_is_well, refuse_early, trouble_found
from monitor.operations import over, raised
from monitor.rules.schema import Fact
from monitor.series import Release, ReleaseState
from monitor.settings import SourceSettings
from monitor.sources.base import ReleaseNotice, Source, Table
from monitor.sources.figures import not_ahead, same_units
from monitor.sources.mirror import mirrored
from monitor.store.files import plain, write_whole

log = logging.getLogger(__name__)

Progress = Callable[[str], None]

_HELD = (Fact.RELEASE_HELD, Fact.CODE_ENDED)
"""Facts that a decision on a held release ends."""


def silent(step: str) -> None:
    """Show no progress."""


def pull(app: App, entry: SourceSettings, progress: Progress = silent, taken: list[Release] | None = None) -> list[Release]:
    """
    Take in everything that a source has published and the desk does not hold.

    A release that cannot be read is kept aside whole and stops no other. What came in is added to `taken` and returned;
    the list has it even where there was trouble.

    Raises
    ------
    SourceError
        The first trouble, after everything else came in and the operators' record of it is made. A source that wants no call
        yet is not asked.
    """
    taken = [] if taken is None else taken
    refuse_early(app, entry)
    with noted(app, entry):
        try:
            trouble = _look(app, entry, taken, progress)
        except SecretMissing as error:
            trouble = SourceRefused(str(error))
        if trouble is not None:
            trouble_found(app, entry, trouble)
            raise trouble
        all_is_well(app, entry)
    return taken


def _look(app: App, entry: SourceSettings, taken: list[Release], progress: Progress) -> SourceError | None:
    """Take in what is new, and tell what is late; return the first trouble."""
    source = app.source(entry)
    prepare(app, entry)
    try:
        trouble = _take_in(app, entry, source, taken, progress)
    except SourceError as error:
        trouble = error
    tell_late(app, entry, source, trouble)
    remind(app, entry, source)
    return trouble


def _take_in(app: App, entry: SourceSettings, source: Source, taken: list[Release], progress: Progress) -> SourceError | None:
    """Commit what is new into `taken`; return the first release's error, if one could not be read."""
    out = list(source.releases(0))
    newest = newest_of(out)
    first = source.past_is_history and app.releases.live_from(entry.name, entry.dataset) is None
    past = {notice.name for notice in out if notice is not newest} if first else set()
    return take_in(app, entry, source, missing(app, entry, out), past, taken, progress)


def missing(app: App, entry: SourceSettings, out: Iterable[ReleaseNotice]) -> list[ReleaseNotice]:
    """Return the releases that are out and that the desk does not hold, in their order."""
    known = app.releases.known(entry.name, entry.dataset)
    return [notice for notice in out if notice.name not in known]


def newest_of(out: Sequence[ReleaseNotice]) -> ReleaseNotice | None:
    """Return the release of the newest month, the last one where there are several."""
    return max(reversed(out), key=lambda notice: max(notice.periods, default=-1), default=None)


def take_in(
    app: App,
    entry: SourceSettings,
    source: Source,
    notices: Iterable[ReleaseNotice],
    past: Collection[str],
    taken: list[Release],
    progress: Progress = silent,
) -> SourceError | None:
    """
    Fetch and commit releases, those named in `past` as history; what came in is added to `taken`.

    Returns
    -------
    SourceError or None
        The first of those that cannot be read, which stop no other.

    Raises
    ------
    SourceError
        If the source does not answer, or refuses; what came in before is kept.
    """
    trouble: SourceError | None = None
    for notice in notices:
        try:
            release = commit(app, entry, dated(app, entry, notice), source.fetch(notice), as_history=notice.name in past)
        except SourceFormatChanged as error:
            _keep_aside(app, entry, notice, error)
            refused(app, entry, notice, error)
            trouble = trouble or error
            continue
        progress(f"{entry.entry} {notice.name}")
        taken += [release] if release is not None else []
    return trouble


def _keep_aside(app: App, entry: SourceSettings, notice: ReleaseNotice, error: SourceFormatChanged) -> None:
    """Keep what came of a release that cannot be read, for a person to look at."""
    event(log, "release not read", level=logging.WARNING, source=entry.entry, release=notice.name, why=str(error))
    if error.raw:
        name = f"{plain(entry.entry)}-{plain(notice.name)}"
        write_whole(app.settings.data_dir / "aside" / name, lambda file: file.write(error.raw))


def commit(app: App, entry: SourceSettings, notice: ReleaseNotice, table: Table, *, as_history: bool = False) -> Release | None:
    """Store one release, held where it is not complete; return None where it is the newest one again."""
    whole, table = table, mirrored(table, entry.of) if entry.of else table
    table, gaps = held_together(app, entry, notice, table)
    _refuse_impossible(app, entry, notice, table)
    held, fact = _why_held(app, entry, table, whole, as_history=as_history)
    release = app.releases.commit(table, notice, source=entry.name, fetched_at=app.clock(), as_history=as_history, held=held)
    answer(app, entry, notice, table, release)
    tell_sums(app, entry, table, gaps)
    if release is None:
        return None
    event(log, "release came in", release=release.id, rows=release.rows, held=held or None)
    subject = _subject(release)
    if release.state is ReleaseState.HELD:
        sentence = f"{release.title} is held: {held}. `monitor releases accept {release.id}` takes it in."
        raised(app, fact, subject, sentence)
    else:
        over(app, _HELD, subject)
    return release


def _why_held(app: App, entry: SourceSettings, table: Table, whole: Table, *, as_history: bool) -> tuple[str, Fact]:
    """Say why a release waits for a decision, "" where it does not, and which fact that is."""
    history = app.releases.rows_history(entry.name, entry.dataset, 12)
    if entry.complete_when and (why := entry.complete_when.check(table, history, whole)):
        return why, Fact.RELEASE_HELD
    if as_history or not may_end(table.coverage):
        return "", Fact.RELEASE_HELD
    held = app.figures.panel(entry.name, entry.dataset)
    return why_ended(held, table.frame, table.coverage, app.baskets, entry.name), Fact.CODE_ENDED


def _refuse_impossible(app: App, entry: SourceSettings, notice: ReleaseNotice, table: Table) -> None:
    """Refuse what only the desk can see to be wrong, with what came, so that it is kept aside."""
    where = f"{entry.entry} {notice.name}"
    try:
        not_ahead(table.frame, app.clock(), where=where)
        same_units(table.frame, app.figures.keys_of(entry.name, entry.dataset), where=where)
    except SourceFormatChanged as error:
        error.raw = table.raw
        raise


def _subject(release: Release) -> str:
    return f"{release.source}/{release.dataset} {say_month(release.newest)}"


def pull_all(
    app: App, progress: Progress = silent, entries: Sequence[SourceSettings] | None = None
) -> tuple[list[Release], list[MonitorError]]:
    """Pull every entry that is on, or those given; one source's trouble stops no other."""
    taken: list[Release] = []
    errors: list[MonitorError] = []
    for entry in app.entries if entries is None else entries:
        try:
            pull(app, entry, progress, taken)
        except SourceError as error:
            errors.append(error)
    return taken, errors


def accept(app: App, release: str, *, by: str) -> Release:
    """Take a held release in."""
    return _decided(app, app.releases.accept(release, who=by, at=app.clock()))


def reject(app: App, release: str, why: str, *, by: str) -> Release:
    """Reject a held release; it is kept and never judged."""
    return _decided(app, app.releases.reject(release, why, who=by, at=app.clock()))


def _decided(app: App, release: Release) -> Release:
    over(app, _HELD, _subject(release))
    return release
