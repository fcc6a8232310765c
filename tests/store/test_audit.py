"""Who changed what is only ever added, by the database's own refusal, and each change is noted once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, text, update

from monitor.alerts.evaluation import Evaluation, RuleCounts
from monitor.errors import StoreError
from monitor.series import Release
from monitor.store import tables
from monitor.store.audit import What, entries, note, note_files
from monitor.store.database import Database
from monitor.store.episodes import Episodes

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def noted(database: Database, subject: str = "fall", what: What = What.RULE, **record: object) -> None:
    with database.write() as connection:
        note(connection, at=NOW, who="ada", what=what, subject=subject, record=record)


def test_what_is_noted_is_read_back_newest_first(database: Database) -> None:
    noted(database, "fall", old="a", new="b")
    noted(database, "mail", What.RECEIVER, comment="naïve “quotes” 中国")
    found = entries(database)
    assert [(one.subject, one.who, one.at, one.record) for one in found] == [
        ("mail", "ada", NOW, {"comment": "naïve “quotes” 中国"}),
        ("fall", "ada", NOW, {"old": "a", "new": "b"}),
    ]


def test_one_kind_of_change_and_one_subject_can_be_asked_for(database: Database) -> None:
    noted(database, "fall")
    noted(database, "fall_2")
    noted(database, "falling", What.RECEIVER)
    assert [one.subject for one in entries(database, what=What.RULE)] == ["fall_2", "fall"]
    assert [one.subject for one in entries(database, subject="fall_")] == ["fall_2"]
    assert len(entries(database, limit=2)) == 2


@pytest.mark.parametrize("table", [tables.audit, tables.acts], ids=["audit", "act"])
@pytest.mark.parametrize("change", [update, delete], ids=["update", "delete"])
def test_the_database_refuses_to_change_or_remove_a_row(database: Database, table: object, change: object) -> None:
    row = {"at": 1, "record": "{}"}
    with database.write() as connection:
        if table is tables.acts:
            episode = {"id": "e", **dict.fromkeys(("source", "dataset", "rule", "series", "state", "record"), "")}
            connection.execute(insert(tables.episodes).values(**episode, since=1, until=1, history=False))
            connection.execute(insert(tables.acts).values(episode="e", **row))
        else:
            connection.execute(insert(tables.audit).values(who="ada", what="rule", subject="fall", **row))
    statement = change(table)  # type: ignore[operator]
    with pytest.raises(StoreError, match="refused a statement"), database.write() as connection:
        connection.execute(statement.values(record="{1}") if change is update else statement)
    with database.read() as connection:
        assert [one.record for one in connection.execute(table.select())] == ["{}"]  # type: ignore[attr-defined]


def test_a_row_is_not_replaced_nor_all_of_them_emptied(database: Database, kind: str) -> None:
    noted(database, "fall")
    (first,) = entries(database)
    other = f"INTO audit (number, at, who, what, subject, record) VALUES ({first.number}, 1, 'mallory', 'rule', 'x', '{{}}')"
    forged = f"INSERT OR REPLACE {other}" if kind == "sqlite" else "TRUNCATE audit"
    with pytest.raises(StoreError, match="refused a statement"), database.write() as connection:
        connection.execute(text(forged))
    noted(database, "drop")
    assert [one.subject for one in entries(database)] == ["drop", "fall"]


def test_a_settings_file_that_changed_is_noted_once(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    for name in ("monitor", "routes"):
        (folder / f"{name}.yaml").write_text("a: 1", encoding="utf-8")

    def changed() -> list[tuple[str, bool, bool]]:
        before = len(entries(database))
        note_files(database, folder, at=NOW, who="ada")
        new = len(entries(database)) - before
        return [
            (one.subject, bool(one.record["old"]), bool(one.record["new"])) for one in entries(database, limit=new or 1)[:new]
        ]

    assert changed() == [("routes.yaml", False, True), ("monitor.yaml", False, True)]
    assert changed() == []
    (folder / "routes.yaml").write_text("password: hunter2", encoding="utf-8")
    assert changed() == [("routes.yaml", True, True)]
    assert "hunter2" not in str(entries(database))
    (folder / "monitor.yaml").unlink()
    assert changed() == [("monitor.yaml", True, False)]
    assert changed() == []


class TestRules:
    @pytest.fixture
    def judge(self, database: Database, commit: Callable[..., Release]) -> Callable[..., bool]:
        """Record an evaluation in which some rules have these versions."""
        count = iter(range(1, 9))

        def run(**versions: str) -> bool:
            number = next(count)
            release = commit([("US", number, 46e3)], number)
            counts = tuple(
                RuleCounts(rule=name, version=version, judged=1, not_judged=0, at_level=0, place=f"rules/{name}.yaml:4")
                for name, version in versions.items()
            )
            last = Episodes(database).last_evaluation("gacc", "magnets")
            evaluation = Evaluation(
                release=release, version=f"v{number}", evaluated_at=NOW + timedelta(days=number), counts=counts,
                after=last.number if last else 0,
            )  # fmt: skip
            return Episodes(database).record(evaluation)

        return run

    def test_each_version_is_noted_when_it_is_first_used(self, database: Database, judge: Callable[..., bool]) -> None:
        assert all((judge(fall="a"), judge(fall="a", rise="x"), judge(fall="b", rise="x"), judge(fall="a", rise="x")))
        found = entries(database, what=What.RULE)
        assert [(one.subject, one.record["old"], one.record["new"]) for one in found] == [
            ("fall", "b", "a"), ("fall", "a", "b"), ("rise", "", "x"), ("fall", "", "a"),
        ]  # fmt: skip
        assert {one.record["file"] for one in found} == {"rules/fall.yaml:4", "rules/rise.yaml:4"}
        assert found[0].at == NOW + timedelta(days=4)

    def test_a_version_that_was_in_use_before_anything_was_noted_is_no_change(
        self, database: Database, judge: Callable[..., bool]
    ) -> None:
        judge(fall="a")
        with database.write() as connection:  # as a desk was before it kept an audit
            connection.exec_driver_sql(
                "ALTER TABLE audit DISABLE TRIGGER ALL" if database.is_postgresql else "DROP TRIGGER audit_no_delete"
            )
            connection.execute(delete(tables.audit))
        judge(fall="a")
        assert entries(database) == []
        judge(fall="b")
        assert [(one.record["old"], one.record["new"]) for one in entries(database)] == [("a", "b")]

    def test_an_evaluation_that_is_not_recorded_notes_nothing(
        self, database: Database, commit: Callable[..., Release], judge: Callable[..., bool]
    ) -> None:
        judge(fall="a")
        counts = (RuleCounts(rule="fall", version="b", judged=1, not_judged=0, at_level=0),)
        stale = Evaluation(release=commit([("US", 9, 1.0)], 90), version="w", evaluated_at=NOW, counts=counts)
        assert not Episodes(database).record(stale)
        assert len(entries(database)) == 1
