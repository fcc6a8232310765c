"""What a desk is, compared with one that nothing happened to; and what its receivers took."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from chaos.figures import put
from chaos.people import Person
from chaos.receivers import Taken
from chaos.storm import Life, Storm
from chaos.victim import date_by_calendar
from monitor import jobs, pulling
from monitor.alerts.messages import Notification
from monitor.alerts.records import load
from monitor.app import App
from monitor.store import tables
from monitor.store.audit import What

_MOMENTS = ("recorded_at", "at", "created_at")


@dataclass(frozen=True, kw_only=True)
class State:
    """Everything that must be the same, without the moments at which it was written."""

    releases: list[Any]
    evaluations: list[Any]
    episodes: list[Any]
    transitions: list[Any]
    told: list[Any]
    suppressions: list[Any]
    rules_noted: list[Any]
    notifications: dict[str, Any]


def undisturbed(config: Path, releases: Sequence[tuple[str, str]]) -> State:
    """Take the releases in one by one, each judged before the next comes; return what the desk is then."""
    app, as_before = App.open(config, {}), date_by_calendar()
    for place, (name, content) in enumerate(releases):
        put(config.parent / "inbox", name, content, place=place)
        _, errors = pulling.pull_all(app)
        assert not errors
        assert len(jobs.evaluate(app)) == 1
    as_before()
    found = state_of(app)
    app.close()
    return found


def state_of(app: App) -> State:
    """Read everything that a desk holds."""
    episodes = app.episodes.find(history=True)
    transitions = [(e.id, _timeless(t)) for e in episodes for t in app.episodes.transitions(e.id)]
    with app.database.read() as connection:
        rows = {table.name: connection.execute(select(table)).all() for table in tables.metadata.sorted_tables}
    notes = [load(Notification, row.record) for row in rows["notification"]]
    return State(
        releases=[(release.id, release.state.value, release.rows) for release in app.releases.find()],
        evaluations=[(row.release, row.version) for row in sorted(rows["evaluation"], key=lambda row: row.number)],
        episodes=sorted((_timeless(e) for e in episodes), key=str),
        transitions=sorted(transitions, key=str),
        told=sorted((row.episode, row.route, row.receiver) for row in rows["told"]),
        suppressions=sorted((row.transition, row.route, row.receiver, row.why, row.by) for row in rows["suppression"]),
        rules_noted=sorted((row.subject, json.loads(row.record)["new"]) for row in rows["audit"] if row.what == What.RULE.value),
        notifications={note.id: (note.receiver, note.route, note.thread, note.cause, _timeless(note.digest)) for note in notes},
    )


def _timeless(record: Any) -> Any:
    """Return a record without the moments at which something was written down."""
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        fields = {f.name: _timeless(getattr(record, f.name)) for f in dataclasses.fields(record)}
        return type(record).__name__, {name: value for name, value in fields.items() if name not in _MOMENTS}
    if isinstance(record, (tuple, list)):
        return tuple(_timeless(each) for each in record)
    if isinstance(record, dict):
        return {key: _timeless(value) for key, value in record.items()}
    return record


def differences(found: Any, expected: Any, place: str = "") -> list[str]:
    """Name every place where two states differ, with what stands there."""
    if isinstance(found, State):
        found, expected = vars(found), vars(expected)
    if isinstance(found, dict) and isinstance(expected, dict):
        keys = [*expected, *(key for key in found if key not in expected)]
        return [d for key in keys for d in differences(found.get(key), expected.get(key), f"{place}.{key}")]
    if isinstance(found, (list, tuple)) and isinstance(expected, (list, tuple)) and len(found) == len(expected):
        return [d for n, pair in enumerate(zip(found, expected, strict=True)) for d in differences(*pair, f"{place}[{n}]")]
    return [] if found == expected else [f"{place}: {str(found)[:300]}, undisturbed {str(expected)[:300]}"]


def judge_messages(taken: Sequence[Taken], lives: Sequence[Life], expected: dict[str, Any]) -> None:
    """
    Hold what the receivers took against what was to be said.

    A message may come again where its answer was lost: the receiver did not give it, or the process that waited for it was
    killed, or could not write it down for want of room.
    """
    lost = {life.worker for life in lives if life.killed or life.starved}
    by_id: dict[str, list[Taken]] = defaultdict(list)
    for one in taken:
        by_id[one.id].append(one)
    wanted = {id for id, (receiver, *_) in expected.items() if receiver != "desk"}
    assert wanted - set(by_id) == set(), "lost"
    assert set(by_id) - wanted == set(), "never queued"
    for id, found in by_id.items():
        assert len({(one.receiver, one.body) for one in found}) == 1, f"{id} came with different words"
        excused = [one for one in found if not one.answered or one.worker in lost]
        assert len(found) - len(excused) <= 1, f"{id} came twice though its answer was there: {found}"


def judge_order(taken: Sequence[Taken], numbers: dict[str, int]) -> None:
    """Of each receiver, messages came first in the order in which they were queued."""
    first: dict[str, list[int]] = defaultdict(list)
    seen: set[str] = set()
    for one in taken:
        if one.id not in seen:
            seen.add(one.id)
            first[one.receiver].append(numbers[one.id])
    assert {receiver: found for receiver, found in first.items() if found != sorted(found)} == {}


def judge_rest(app: App, out: Path) -> None:
    """Nothing waits or is dead, every attempt is of a message, no file is half written."""
    assert {name: n for name, n in app.outbox.counts().items() if name != "sent" and n} == {}
    later = datetime.now(UTC) + timedelta(days=2)
    app.figures.check(repair=True, now=later)
    assert app.figures.check(now=later) == []
    with app.database.read() as connection:
        attempts = connection.execute(select(tables.deliveries.c.notification, tables.deliveries.c.record)).all()
        notes = connection.execute(select(tables.notifications.c.id, tables.notifications.c.receiver)).all()
        transitions = connection.execute(select(tables.transitions.c.id)).scalars().all()
    sent = Counter(row.notification for row in attempts if '"sent"' in row.record)
    assert set(sent) == {row.id for row in notes}
    assert max(Counter(transitions).values()) == 1
    names = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    assert all((out / name).stat().st_size for name in names)
    assert len({name.rpartition(".")[0] for name in names}) >= sum(row.receiver == "desk" for row in notes)


def judge_people(app: App, people: Sequence[Person]) -> None:
    """What somebody was told is written stands there once, with who wrote it; of a person who was killed, once or not at all."""
    with app.database.read() as connection:
        noted = Counter(connection.execute(select(tables.audit.c.who)).scalars().all())
    written = Counter((*(act.by for act in app.acts.all()), *(silence.author for silence in app.silences.all())))
    for one in people:
        assert written[one.said] == noted[one.said], f"{one.said} is written {written[one.said]} times, noted {noted[one.said]}"
        assert one.killed or (one.code in ((0, 1) if one.starved else (0,))), one.log.read_text(encoding="utf-8")
        assert written[one.said] == (one.code == 0) or (one.killed and written[one.said] == 1), one.said
    assert any(one.code == 0 for one in people)


def numbers_of(app: App) -> dict[str, int]:
    """Return the order in which messages were queued."""
    with app.database.read() as connection:
        rows = connection.execute(select(tables.notifications.c.id, tables.notifications.c.number)).all()
    return {row.id: row.number for row in rows}


def faults(storm: Storm) -> list[str]:
    """Return what processes printed that is no sentence: a traceback, or an exit code without a cause."""
    fine = (0, 1)  # 1 says in a sentence that the disk is full
    wrong = [life for life in storm.lives if not life.killed and life.code not in (fine if life.starved else (0,))]
    loud = [life for life in storm.lives if life.command != "serve" and "Traceback" in storm.log(life)]
    return [f"{life.command} ended with {life.code}: {storm.log(life)[-2000:]}" for life in (*wrong, *loud)]
