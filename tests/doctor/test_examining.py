"""A desk is made wrong in one way after the other, and the doctor names each, with what to do; of the desk nothing changes."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from conftest import Desk

from monitor import jobs
from monitor.alerts.messages import Delivery, Digest, Notification, Outcome
from monitor.alerts.routing import Matcher
from monitor.alerts.silences import Silence
from monitor.doctor.examining import examine
from monitor.doctor.findings import Finding, Grade
from monitor.scheduler import alone
from monitor.store.opt_outs import How, OptOut, OptOuts
from monitor.store.silences import Silences

SECRET = "whsec_" + "QUJD" * 8


def examined(desk: Desk, later: timedelta = timedelta(0)) -> list[Finding]:
    with time_machine.travel(desk.now + later, tick=False):
        return examine(desk.folder / "config")


def troubles(desk: Desk, later: timedelta = timedelta(0)) -> list[str]:
    return [f"{one.sentence}; {one.do}" for one in examined(desk, later) if one.grade is Grade.TROUBLE]


def notices(desk: Desk, later: timedelta = timedelta(0)) -> list[str]:
    return [one.sentence for one in examined(desk, later) if one.grade is Grade.NOTICE]


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


@pytest.fixture
def well(desk: Desk) -> Desk:
    """A desk that was asked, judged, told and run a moment ago."""
    desk.receivers[0]["as"] = ["text"]
    desk.now = datetime(2025, 8, 21, tzinfo=UTC)
    desk.month("2025-07", 10)
    desk.pull()
    jobs.evaluate(desk.app)
    desk.deliver()
    desk.app.rounds.note("round", began=desk.now, ended=desk.now)
    return desk


def test_a_desk_that_is_well_has_no_trouble_and_nothing_of_it_changes(well: Desk) -> None:
    before = contents(well.folder)
    assert troubles(well) == []
    assert contents(well.folder) == before


def test_a_desk_on_postgresql_is_examined_too(
    desk: Desk, new_postgresql: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = new_postgresql()
    desk.environ = {"MONITOR_DATABASE": address}
    monkeypatch.setenv("MONITOR_DATABASE", address)
    desk.now = datetime.now(UTC)
    desk.open().rounds.note("run", began=desk.now, ended=desk.now)
    assert [one.sentence for one in examine(desk.folder / "config") if one.grade is Grade.TROUBLE] == []
    desk.app.asks.note("customs", "magnets", at=desk.now, outcome="no answer")
    assert ["no answer" in one.sentence for one in examine(desk.folder / "config") if one.grade is Grade.TROUBLE] == [True]


def test_a_desk_on_which_nothing_ran_is_no_trouble_and_gets_no_database(desk: Desk) -> None:
    desk.open()
    assert troubles(desk) == []
    assert notices(desk)[-1] == "nothing has run on this desk yet: it has no database"
    assert not (desk.folder / "var").exists()


def test_mistakes_of_every_file_are_told_even_where_the_settings_cannot_be_read(well: Desk) -> None:
    (well.folder / "config" / "receivers.yaml").write_text("receivers: [{name: desk, kind: fil}]")
    well.edit_rules("rules: [{name: x}]")
    said = " ".join(troubles(well))
    assert "receivers.yaml:1:" in said
    assert "edit this place; `monitor check` checks again" in said


@pytest.mark.parametrize("content", [b"no database at all " * 200, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_dead_database_is_named_and_the_rest_is_examined_all_the_same(well: Desk, content: bytes) -> None:
    for app in well.opened:
        app.close()
    for path in (well.folder / "var").glob("monitor.db*"):
        path.unlink()
    (well.folder / "var" / "monitor.db").write_bytes(content)
    well.edit_rules("rules: [{name: x}]")
    said = " ".join(troubles(well))
    assert "monitor.db is damaged or is not a database; restore it from a backup" in said
    assert "r.yaml:1:" in said


def test_a_database_that_another_program_holds_is_named_and_not_waited_for(well: Desk) -> None:
    for app in well.opened:
        app.close()
    holder = sqlite3.connect(well.folder / "var" / "monitor.db", isolation_level=None)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    said = " ".join(troubles(well))
    holder.close()
    assert "monitor.db was locked by another process for 1 s" in said
    assert time.monotonic() - began < 10


def test_a_server_that_does_not_answer_is_named_without_its_password(well: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_DATABASE", "postgresql://ada:hunter2secret@127.0.0.1:1/desk")
    said = " ".join(troubles(well))
    assert "the database desk at 127.0.0.1 does not answer" in said
    assert "hunter2secret" not in said


def test_a_newer_schema_an_older_one_and_a_missing_file_are_told_apart(well: Desk) -> None:
    next((well.folder / "var" / "figures").rglob("*.parquet")).unlink()
    assert "is missing, like" in " ".join(troubles(well))
    for schema, grade in (("9999", Grade.TROUBLE), ("0002", Grade.NOTICE)):
        with well.app.database.write() as connection:
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{schema}'")
        (found,) = [one for one in examined(well) if one.area == "database"]
        assert (f"has the schema {schema}" in found.sentence, found.grade) == (True, grade)


def test_a_service_that_hangs_one_that_is_gone_and_a_job_that_fails(well: Desk) -> None:
    assert troubles(well, timedelta(hours=30))[:1] == [
        "no service runs here, and the last round ended 30 hours ago; start it: `monitor serve`, or `monitor run` every hour"
    ]
    with alone(well.folder / "var"):
        assert (
            f"the service (process {os.getpid()}) runs, and no round ended for 2 hours" in troubles(well, timedelta(hours=2))[0]
        )
        assert troubles(well, timedelta(minutes=30)) == []
    well.app.rounds.note("evaluate", began=well.now, ended=well.now, failure="the disk is full")
    assert "evaluate failed on 21 August 2025, 00:00 UTC: the disk is full" in troubles(well)[0]


def _fails(desk: Desk) -> None:
    desk.app.asks.note("customs", "magnets", at=desk.now, outcome="no answer")


def _dies(desk: Desk) -> None:
    note = Notification(
        id="dead-one",
        receiver="desk",
        route="default",
        thread="t",
        cause="c",
        created_at=desk.now,
        digest=Digest(subject="s", title="t"),
    )
    desk.app.outbox.queue(note)
    refused = Delivery(notification="dead-one", attempt=1, at=desk.now, outcome=Outcome.REFUSED, answer="no")
    desk.app.outbox.record(refused, retry_at=None)


def _waits(desk: Desk) -> None:
    at = desk.now - timedelta(hours=9)
    note = Notification(
        id="slow-one",
        receiver="desk#a",
        route="default",
        thread="t",
        cause="c",
        created_at=at,
        digest=Digest(subject="s", title="t"),
    )
    desk.app.outbox.queue(note)


def _is_gone(desk: Desk) -> None:
    with desk.app.database.write() as connection:
        connection.exec_driver_sql("INSERT INTO receiver_state VALUES ('desk', 0, NULL, 0, 0, 1755734400000000, '410 Gone')")


def _breaks(desk: Desk) -> None:
    with desk.app.database.write() as connection:
        connection.exec_driver_sql("INSERT INTO receiver_state VALUES ('desk', 7, 1755734400000000, 0, 0, NULL, '503')")


def _was_asked_tomorrow(desk: Desk) -> None:
    desk.app.asks.note("customs", "magnets", at=desk.now + timedelta(days=1), outcome="")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            _fails,
            "customs/magnets: cannot be read since 21 August 2025, 00:00 UTC: no answer; `monitor sources test customs` tries",
        ),
        (_dies, "desk: 1 message was refused or given up; `monitor deliveries list --dead`, then retry or drop"),
        (_waits, "desk: 1 message waits, the oldest for 9 hours; `monitor deliveries list --receiver desk` says"),
        (
            _is_gone,
            "desk: is disabled since 21 August 2025, 00:00 UTC: 410 Gone; mend its address, then `monitor receivers enable",
        ),
        (
            _breaks,
            "desk: is left alone, it failed 7 times in a row since 21 August 2025, 00:00 UTC: 503; `monitor receivers test",
        ),
        (
            _was_asked_tomorrow,
            "a source was asked 24 hours from now, by the record: a clock was wrong, or is; set this machine's",
        ),
    ],
)
def test_what_is_wrong_with_sources_messages_and_clocks_is_said_with_what_to_do(
    well: Desk, wrong: Callable[[Desk], None], said: str
) -> None:
    wrong(well)
    (found,) = troubles(well)
    assert found.startswith(said)


def test_a_month_that_is_late_is_said_with_its_day(well: Desk) -> None:
    said = " ".join(troubles(well, timedelta(days=40)))
    assert "customs/magnets: August 2025 was due on 20 September 2025, 10:00 UTC, 10 days ago" in said


def test_a_secret_that_others_may_read_is_named_by_its_path_alone(well: Desk) -> None:
    key = well.folder / "key"
    key.write_text(SECRET)
    well.receivers[0]["secret"] = {"file": str(key)}
    well.open()
    for mode, grade in ((0o644, Grade.TROUBLE), (0o640, Grade.NOTICE), (0o600, None)):
        key.chmod(mode)
        found = [one for one in examined(well) if one.area == "secrets"]
        assert [one.grade for one in found] == ([grade] if grade else [])
        assert all(str(key) in one.sentence and SECRET not in one.sentence for one in found)


def test_no_secret_is_printed_whatever_a_source_answered(well: Desk) -> None:
    key = well.folder / "key"
    key.write_text(SECRET)
    key.chmod(0o600)
    well.receivers[0]["secret"] = {"file": str(key)}
    well.open().asks.note("customs", "magnets", at=well.now, outcome=f"refused: {SECRET}")
    assert SECRET not in json.dumps([vars(one) for one in examined(well)])
    assert "refused: <secret>" in troubles(well)[0]


def test_who_left_and_silences_that_end_or_ended_are_noticed(well: Desk) -> None:
    at = well.now
    OptOuts(well.app.database).add(
        OptOut(receiver="desk", address="a@example.org", at=at, how=How.LINK, why=""), who="a@example.org"
    )
    silenced(well, "soonsoon1", at + timedelta(days=2))
    silenced(well, "nothing22", at - timedelta(days=1))
    said = notices(well)
    assert "desk: a@example.org is not written to any more: unsubscribed on 21 August 2025" in said
    assert "the silence soonsoon of ada (known) ends in 2 days" in said
    assert not [one for one in said if "nothing2" in one], "it ended, and held nothing back"
    well.now = datetime(2025, 9, 21, tzinfo=UTC)
    silenced(well, "endedend3", well.now + timedelta(days=1))
    well.month("2025-08", 1)
    well.pull()
    jobs.evaluate(well.app)
    ended = "the silence endedend of ada (known) ended 24 hours ago, and 1 alert that it held back fires"
    assert ended in notices(well, timedelta(days=2))


def silenced(desk: Desk, id: str, until: datetime) -> None:
    begins = desk.now - timedelta(days=9)
    matchers = (Matcher.parse('partner="US"'),)
    silence = Silence(id=id, matchers=matchers, author="ada", reason="known", created=begins, starts=begins, until=until)
    Silences(desk.app.database).add(silence)


def test_mails_without_a_public_address_are_noticed(well: Desk) -> None:
    well.receivers.append({"name": "buyers", "kind": "email", "host": "mail.example.org", "to": "a@example.org"})
    well.open()
    assert any(one.startswith("public_url is not set: mails to buyers have no links") for one in notices(well))
    well.settings["public_url"] = "https://desk.example.org"
    well.open()
    assert not any(one.startswith("public_url") for one in notices(well))
