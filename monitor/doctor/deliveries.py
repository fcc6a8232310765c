"""The messages of a desk: what is stuck or dead, who takes none or wants none, and silences that end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import select

from monitor.alerts.records import Episode, State, load
from monitor.alerts.suppressions import Why
from monitor.doctor.findings import Finding, Grade, say_span
from monitor.settings import Settings
from monitor.store import tables
from monitor.store.database import Database
from monitor.store.opt_outs import OptOuts
from monitor.store.silences import Silences
from monitor.store.standing import Standing
from monitor.wording import say_count, say_moment

AREA = "messages"
STUCK = timedelta(hours=6)
SOON, LATELY = timedelta(days=3), timedelta(days=30)


def deliveries(settings: Settings, database: Database, standing: Standing, now: datetime) -> Iterator[Finding]:
    """Yield what is wrong with messages and with who gets them."""
    for (receiver, state), queue in sorted(standing.queues.items()):
        if state == "waiting" and now - queue.oldest > STUCK:
            waits = say_count(queue.count, "message waits", "messages wait")
            words = f"{receiver}: {waits}, the oldest for {say_span(now - queue.oldest)}"
            yield Finding(area=AREA, sentence=words, do=f"`monitor deliveries list --receiver {receiver}` says what it answered")
        elif state == "dead":
            words = f"{receiver}: {say_count(queue.count, 'message was', 'messages were')} refused or given up"
            yield Finding(area=AREA, sentence=words, do="`monitor deliveries list --dead`, then retry or drop")
    yield from _receivers(standing)
    yield from _links(settings)
    for left in OptOuts(database).all():
        words = f"{left.receiver}: {left.address} is not written to any more: {left.words}"
        yield Finding(area=AREA, sentence=words, do="take it out of `to`, or ask its reader", grade=Grade.NOTICE)
    yield from _silences(database, now)


def _receivers(standing: Standing) -> Iterator[Finding]:
    for state in standing.receivers:
        if state.disabled_at is not None:
            words = f"{state.receiver}: is disabled since {say_moment(state.disabled_at)}: {state.why}"
            yield Finding(area=AREA, sentence=words, do=f"mend its address, then `monitor receivers enable {state.receiver}`")
        elif state.is_open:
            since = f" since {say_moment(state.failing_since)}" if state.failing_since else ""
            words = f"{state.receiver}: is left alone, it failed {state.failures} times in a row{since}: {state.why}"
            yield Finding(area=AREA, sentence=words, do=f"`monitor receivers test {state.receiver.partition('#')[0]}` tries it")


def _links(settings: Settings) -> Iterator[Finding]:
    mails = [receiver.name for receiver in settings.receivers if receiver.kind == "email"]
    if mails and not settings.public_url:
        words = f"public_url is not set: mails to {', '.join(mails)} have no links to their evidence, and none to unsubscribe"
        yield Finding(area=AREA, sentence=words, do="set it in config/monitor.yaml", grade=Grade.NOTICE)


def _silences(database: Database, now: datetime) -> Iterator[Finding]:
    held = [one.held.holder for one in _firing(database) if one.held and one.held.why is Why.SILENCE]
    for silence in Silences(database).all():
        end = silence.ended or silence.until
        if end is None:
            continue
        if now < end <= now + SOON and silence.starts <= now:
            words = f"the silence {silence.id[:8]} of {silence.author} ({silence.reason}) ends in {say_span(end - now)}"
            yield Finding(area="silences", sentence=words, do="extend it where its cause lasts", grade=Grade.NOTICE)
        elif now - LATELY < end <= now and (count := held.count(silence.id)):
            alerts = say_count(count, "alert that it held back fires", "alerts that it held back fire")
            named = f"the silence {silence.id[:8]} of {silence.author} ({silence.reason})"
            words = f"{named} ended {say_span(now - end)} ago, and {alerts}"
            yield Finding(area="silences", sentence=words, do="`monitor alerts list --open` shows them", grade=Grade.NOTICE)


def _firing(database: Database) -> list[Episode]:
    query = select(tables.episodes.c.record).where(tables.episodes.c.state == State.FIRING.value, ~tables.episodes.c.history)
    with database.read() as connection:
        return [load(Episode, record) for record in connection.execute(query).scalars()]
