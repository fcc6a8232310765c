"""
What trouble with a source means to its operators: which fact it is, when it is told, and when it is over.

A failure that is over at the next ask is told to nobody: it is recorded, and told once it has lasted (`failed_after`). What
a person must mend (a key, a format, a quota) is told at once. Only an answer proves that something is over, so a format that
changed stays so while the source does not answer at all.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.app import App
from monitor.errors import SourceError, SourceFormatChanged, SourceRefused, SourceThrottled
from monitor.operations import over, raised
from monitor.rules.schema import Fact
from monitor.secrets import Absent
from monitor.settings import SourceSettings
from monitor.sources.pace import LONGEST_WAIT
from monitor.store.episodes import Condition
from monitor.wording import say_moment

LONG_WAIT = timedelta(minutes=15)
"""A source that asks for so much patience has told how many calls it takes; it is not asked in the meantime."""

_FAILING, _WAITING = "source_failing", "source_waiting"  # recorded, told to nobody
_DISPROVED: dict[Fact, tuple[Fact, ...]] = {
    Fact.SOURCE_FAILED: (Fact.QUOTA_USED_UP,),  # the time that it named is over
    Fact.CREDENTIALS_MISSING: (Fact.SOURCE_FAILED, Fact.QUOTA_USED_UP),
    Fact.QUOTA_USED_UP: (Fact.SOURCE_FAILED, Fact.CREDENTIALS_MISSING),
    Fact.FORMAT_CHANGED: (Fact.SOURCE_FAILED, Fact.CREDENTIALS_MISSING, Fact.QUOTA_USED_UP),
}
"""Which other facts an error shows to be over: whoever answers in another format answers, knows the key and has calls left."""


def fact_of(error: SourceError) -> Fact:
    """Return which fact an error of a source is."""
    if isinstance(error, SourceFormatChanged):
        return Fact.FORMAT_CHANGED
    if isinstance(error, SourceRefused):
        return Fact.CREDENTIALS_MISSING
    return Fact.QUOTA_USED_UP if _patience(error) else Fact.SOURCE_FAILED


def _patience(error: SourceError) -> timedelta | None:
    """Return how long a source asks to be left alone, where that is long."""
    seconds = error.retry_after if isinstance(error, SourceThrottled) else None
    return timedelta(seconds=seconds) if seconds is not None and seconds >= LONG_WAIT.total_seconds() else None


def trouble_found(app: App, entry: SourceSettings, error: SourceError) -> None:
    """Record an error of a source, and tell it where it is not one that may be over at the next ask."""
    fact, sentence = fact_of(error), f"{entry.entry}: {error}"
    if fact is Fact.SOURCE_FAILED:
        app.conditions.raise_(_FAILING, entry.entry, sentence, app.clock())
        if app.clock() - _since(app, entry) < entry.failed_after:
            return
    else:
        app.conditions.clear(_FAILING, entry.entry, app.clock())
    if patience := _patience(error):
        sentence = f"{sentence.rstrip('.')}. It is not asked again before {say_moment(_wait(app, entry, patience))}."
    raised(app, fact, entry.entry, sentence, ends=_DISPROVED[fact])


def all_is_well(app: App, entry: SourceSettings) -> None:
    """Record that a source was read without trouble; tell it where there was some."""
    for kind in (_FAILING, _WAITING):
        app.conditions.clear(kind, entry.entry, app.clock())
    over(app, _DISPROVED, entry.entry)


def asked_again_at(app: App, entry: SourceSettings) -> datetime | None:
    """
    Return before which moment a source wants no call, because its quota is used up; None where it may be asked now.

    Entries of one kind with one key share what the key allows.
    """
    alike = {other.entry for other in app.settings.sources if (other.kind, _key(other)) == (entry.kind, _key(entry))}
    until = [datetime.fromisoformat(one.sentence) for one in _open(app, _WAITING) if one.subject in alike]
    now = app.clock()  # no wait is longer than a day: what is further off was named before a clock was set back
    return max((moment for moment in until if now < moment <= now + timedelta(seconds=LONGEST_WAIT)), default=None)


def refuse_early(app: App, entry: SourceSettings) -> None:
    """
    Refuse to ask a source that wants no call yet.

    Raises
    ------
    SourceThrottled
        With the moment from which on it may be asked.
    """
    until = asked_again_at(app, entry)
    if until is not None:
        seconds = (until - app.clock()).total_seconds()
        raise SourceThrottled(f"{entry.entry}: not asked: the source takes no more calls before {say_moment(until)}", seconds)


def _wait(app: App, entry: SourceSettings, patience: timedelta) -> datetime:
    """Record until when a source is left alone."""
    until = app.clock() + patience
    app.conditions.clear(_WAITING, entry.entry, app.clock())
    app.conditions.raise_(_WAITING, entry.entry, until.isoformat(), app.clock())
    return until


def _since(app: App, entry: SourceSettings) -> datetime:
    """Return when a failure began that is not over."""
    return next((one.raised_at for one in _open(app, _FAILING) if one.subject == entry.entry), app.clock())


def _open(app: App, kind: str) -> list[Condition]:
    return [one for one in app.conditions.open() if one.kind == kind]


def _key(entry: SourceSettings) -> object:
    """Return the key that a source counts calls by, else its address; the entry itself where its key is not there."""
    key = getattr(entry.parameters, "key", None) or getattr(entry.parameters, "base_url", None)
    return entry.entry if key is None or isinstance(key, Absent) else key
