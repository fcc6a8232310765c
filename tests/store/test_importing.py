"""A desk that was moved is the same desk, whatever its database; an archive that is not what was written leaves nothing."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from monitor.alerts.evaluation import Evaluation
from monitor.alerts.messages import Delivery, Notification, Outcome
from monitor.errors import StoreError
from monitor.series import Release
from monitor.store.asks import Asks
from monitor.store.database import Database
from monitor.store.episodes import Conditions, Episodes
from monitor.store.exporting import export_desk
from monitor.store.importing import Imported, import_desk
from monitor.store.observations import Figures
from monitor.store.outbox import Outbox
from monitor.store.releases import Releases
from monitor.store.tables import conditions, metadata, rule_counts, titles

Commit = Callable[..., Release]
Notes = Callable[..., Notification]
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
LEASE = timedelta(minutes=5)
postgres = pytest.param("postgresql", marks=pytest.mark.postgres)


def rows_of(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    with database.read() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
        }


def assert_untouched(database: Database, folder: Path) -> None:
    assert not any(rows_of(database).values())
    assert not folder.exists()
    assert not list(folder.parent.glob(".tmp-*"))


@pytest.fixture
def desk(database: Database, releases: Releases, commit: Commit, note: Notes) -> list[Release]:
    """A desk with something in most tables: releases in every state, an evaluation, messages sent, waiting and dead."""
    first = commit([("US", 1, 689e3), ("DE", 1, None)], 20, resolution=1000.0)
    second = commit([("US", 1, 690e3), ("US", 2, 46e3)], 50)
    commit([("US", 3, 6e3)], 80, held="few rows")
    rejected = commit([("US", 4, 6e3)], 90, held="few rows")
    releases.reject(rejected.id, 'a partial file \u2212 "half"\n\u4eba\u6c11\u5e01', who="ada", at=NOW)
    Episodes(database).record(Evaluation(release=first, version="v1", evaluated_at=NOW, after=0))
    Conditions(database).raise_("late", "gacc/magnets", "It is late.", NOW)
    outbox = Outbox(database)
    outbox.queue(note("sent"), note("dead", "other"), note("waits", "third"))
    for id, outcome in (("sent", Outcome.SENT), ("dead", Outcome.REFUSED)):
        outbox.record(Delivery(notification=id, attempt=1, at=NOW, outcome=outcome, answer=""), retry_at=None)
    return [first, second]


@pytest.fixture
def archive(desk: list[Release], database: Database, figures: Figures, tmp_path: Path) -> Path:
    path = tmp_path / "desk.tar"
    export_desk(database, figures.folder, path, program="0.1", now=NOW)
    return path


@pytest.mark.parametrize("to", ["sqlite", postgres])
def test_a_moved_desk_holds_the_same_and_goes_on(
    archive: Path,
    desk: list[Release],
    database: Database,
    figures: Figures,
    new_database: Callable[[str], Database],
    note: Notes,
    table: Callable[..., Any],
    notice: Callable[..., Any],
    to: str,
) -> None:
    copy = new_database(to)
    other = Figures(archive.parent / "copy" / "figures", copy)
    import_desk(copy, other.folder, archive, now=NOW, take_over=True)
    assert rows_of(copy) == rows_of(database)
    assert other.check(now=NOW) == []
    for release in desk:
        found, wanted = (each.panel("gacc", "magnets", as_of=release) for each in (other, figures))
        assert found.keys == wanted.keys
        np.testing.assert_array_equal(found.values, wanted.values)
        np.testing.assert_array_equal(found.status, wanted.status)
        assert other.revisions(release) == figures.revisions(release)
    # The next of everything.
    store = Releases(copy, other)
    assert store.commit(table([("US", 1, 690e3), ("US", 2, 46e3)]), notice("again", 99), source="gacc", fetched_at=NOW) is None
    later = store.commit(table([("FR", 5, 1.0)]), notice("later", 120), source="gacc", fetched_at=NOW)
    assert later is not None
    assert later.arrival == 5
    Outbox(copy).queue(note("next"))
    evaluation = Evaluation(release=desk[1], version="v1", evaluated_at=NOW, after=1)
    assert Episodes(copy).record(evaluation)
    assert [row[0] for row in rows_of(copy)["notification"]] == [1, 2, 3, 4]


def test_what_waited_is_sent_by_one_of_the_two_desks(
    archive: Path, database: Database, new_database: Callable[[str], Database], tmp_path: Path
) -> None:
    copy = new_database("sqlite")
    found = import_desk(copy, tmp_path / "copy", archive, now=NOW)
    assert found.left == 1
    assert Outbox(copy).claim(NOW, lease=LEASE) == []
    assert [claim.notification.id for claim in Outbox(database).claim(NOW, lease=LEASE)] == ["waits"]
    [attempt] = [each for each in Outbox(copy).deliveries(dead=True) if each.notification == "waits"]
    assert attempt.answer == "it waited when this desk was copied: the desk that it was copied from sends it"
    Outbox(copy).retry("waits")
    assert [claim.notification.id for claim in Outbox(copy).claim(NOW, lease=LEASE)] == ["waits"]


def test_a_desk_that_is_taken_over_sends_what_waited(
    archive: Path, new_database: Callable[[str], Database], tmp_path: Path
) -> None:
    copy = new_database("sqlite")
    assert import_desk(copy, tmp_path / "copy", archive, now=NOW, take_over=True).left == 0
    assert [claim.notification.id for claim in Outbox(copy).claim(NOW, lease=LEASE)] == ["waits"]


def test_only_an_empty_desk_takes_one_in(archive: Path, database: Database, new_database: Callable[[str], Database]) -> None:
    folder = archive.parent / "copy"
    with pytest.raises(StoreError, match=r"this desk is not empty \(its table \w+ has rows\)"):
        import_desk(database, folder, archive, now=NOW)
    assert not folder.exists()
    folder.mkdir()
    (folder / "mine.parquet").write_bytes(b"mine")
    with pytest.raises(StoreError, match="holds files that this desk does not know"):
        import_desk(new_database("sqlite"), folder, archive, now=NOW)
    assert (folder / "mine.parquet").read_bytes() == b"mine"


def test_a_desk_whose_sources_were_only_asked_is_empty(
    archive: Path, database: Database, new_database: Callable[[str], Database], tmp_path: Path
) -> None:
    copy = new_database("sqlite")
    Asks(copy).note("gacc", "asked-in-vain", at=NOW, outcome="it does not answer")
    import_desk(copy, tmp_path / "copy", archive, now=NOW)
    assert Asks(copy).last("gacc", "asked-in-vain") is None
    taken = new_database("sqlite")
    Asks(taken).note("gacc", "asked-in-vain", at=NOW, outcome="")
    archive.write_bytes(archive.read_bytes()[:-2000])
    with pytest.raises(StoreError):
        import_desk(taken, tmp_path / "other", archive, now=NOW)
    assert Asks(taken).last("gacc", "asked-in-vain") is not None  # a refused archive changes nothing


def test_what_a_killed_import_left_is_removed_by_the_next(archive: Path, new_database: Callable[[str], Database]) -> None:
    left = archive.parent / "data" / ".tmp-import" / "gacc"
    left.mkdir(parents=True)
    (left / "half.parquet").write_bytes(b"half")
    copy = new_database("sqlite")
    figures = Figures(archive.parent / "data" / "figures", copy)
    import_desk(copy, figures.folder, archive, now=NOW)
    assert figures.check(now=NOW) == []
    assert [path.name for path in figures.folder.parent.iterdir()] == ["figures"]


# What follows reads archives that nobody should have written: SQLite is enough to see that nothing of them stays.


@pytest.fixture
def small(sqlite_template: Path, tmp_path: Path, table: Callable[..., Any], notice: Callable[..., Any]) -> Path:
    """The archive of a desk with one release."""
    database = copied(sqlite_template, tmp_path / "small.db")
    figures = Figures(tmp_path / "small", database)
    Releases(database, figures).commit(table([("US", 1, 1.0)]), notice("a", 20), source="gacc", fetched_at=NOW)
    export_desk(database, figures.folder, tmp_path / "small.tar", program="0.1", now=NOW)
    database.close()
    return tmp_path / "small.tar"


def copied(template: Path, path: Path) -> Database:
    path.write_bytes(template.read_bytes())
    return Database(f"sqlite:///{path}")


@pytest.fixture
def take_in(sqlite_template: Path) -> Callable[[bytes], Imported]:
    """Import bytes into a new desk; where they are refused, make sure that nothing of them stayed."""

    def run(written: bytes) -> Imported:
        with tempfile.TemporaryDirectory() as name:
            database = copied(sqlite_template, Path(name) / "m.db")
            path, folder = Path(name) / "x.tar", Path(name) / "figures"
            path.write_bytes(written)
            try:
                return import_desk(database, folder, path, now=NOW)
            except StoreError:
                assert_untouched(database, folder)
                raise
            finally:
                database.close()

    return run


Members = dict[str, bytes]


def members_of(path: Path) -> Members:
    with tarfile.open(path) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive.getmembers()}  # type: ignore[union-attr]


def packed(members: Members, *more: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
        for about, content in more:
            archive.addfile(about, io.BytesIO(content))
    return buffer.getvalue()


def with_manifest(members: Members, change: Callable[[dict[str, Any]], None]) -> Members:
    said = json.loads(members["manifest.json"])
    change(said)
    return {**members, "manifest.json": json.dumps(said).encode()}


def with_rows(members: Members, table: str, content: bytes, *, plain: int | None = None) -> Members:
    """Replace a table, with a list of contents that agrees."""
    written = gzip.compress(content)

    def change(said: dict[str, Any]) -> None:
        [rows] = [each for each in said["tables"] if each["table"] == table]
        rows |= {"size": len(written), "sha256": hashlib.sha256(written).hexdigest(), "rows": content.count(b"\n") - 1}
        rows["plain"] = len(content) if plain is None else plain

    return with_manifest({**members, f"tables/{table}.jsonl.gz": written}, change)


def head(table: str) -> bytes:
    return json.dumps(list(metadata.tables[table].columns.keys())).encode() + b"\n"


def test_an_archive_that_is_written_again_as_it_is_is_taken_in(small: Path, take_in: Callable[[bytes], Imported]) -> None:
    assert len(take_in(packed(members_of(small))).manifest.files) == 2


PATHS = ["/etc/cron.d/x", "../../x.parquet", "a/../../x", ".derived/x", "a//b", "a/.hidden", "A/b", "a/b\\c", "a", ""]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_leads_elsewhere_is_refused(small: Path, take_in: Callable[[bytes], Imported], path: str) -> None:
    members = members_of(small)
    name = next(name for name in members if name.endswith(".parquet"))
    said = with_manifest(members, lambda said: said["files"][0].update(path=path))
    moved = {f"figures/{path}" if each == name else each: content for each, content in said.items()}
    with pytest.raises(StoreError, match=r"its list of contents cannot be read: files\.0\.path"):
        take_in(packed(moved))


def test_a_file_that_no_release_names_is_refused(small: Path, take_in: Callable[[bytes], Imported]) -> None:
    members = members_of(small)
    extra = {"path": "gacc/magnets/other.parquet", "size": 1, "sha256": hashlib.sha256(b"x").hexdigest()}
    said = with_manifest(members, lambda said: said["files"].append(extra))
    with pytest.raises(StoreError, match="its files are not those of its releases"):
        take_in(packed({**said, "figures/gacc/magnets/other.parquet": b"x"}))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_a_link_folder_or_device_is_refused(small: Path, take_in: Callable[[bytes], Imported], kind: bytes) -> None:
    members = members_of(small)
    first = {"manifest.json": members["manifest.json"]}
    about = tarfile.TarInfo("tables/condition.jsonl.gz")
    about.type, about.linkname = kind, "/etc/passwd"
    with pytest.raises(StoreError, match="is no regular file; an archive of a desk holds nothing else"):
        take_in(packed(first, (about, b"")))


def test_something_after_the_end_is_refused(small: Path, take_in: Callable[[bytes], Imported]) -> None:
    about = tarfile.TarInfo("more")
    about.size = 1
    with pytest.raises(StoreError, match="something follows that its list of contents does not name"):
        take_in(packed(members_of(small), (about, b"x")))


def test_another_version_is_named_with_what_to_do(small: Path, take_in: Callable[[bytes], Imported]) -> None:
    said = with_manifest(members_of(small), lambda said: said.update(tables_of="0999", program="9.9"))
    with pytest.raises(StoreError, match=r"was written by Trade Monitor 9\.9 \(its schema is 0999, this version's \d+\)"):
        take_in(packed(said))


def test_what_the_disk_has_no_room_for_is_refused_before_it_is_read(small: Path, take_in: Callable[[bytes], Imported]) -> None:
    said = with_manifest(members_of(small), lambda said: said["tables"][0].update(plain=10**18))
    with pytest.raises(StoreError, match=r"needs 1,000,000,[\d,]+ bytes, and .* left"):
        take_in(packed(said))


def test_a_table_that_unpacks_to_more_than_was_said_is_stopped(small: Path, take_in: Callable[[bytes], Imported]) -> None:
    bomb = head("title") + b" " * 10_000_000
    with pytest.raises(StoreError, match="table title: is larger than its list of contents says"):
        take_in(packed(with_rows(members_of(small), "title", bomb, plain=1000)))


ROWS = {
    "is no list": b'{"a": 1}',
    "lacks a column": b'["gacc", "magnets", "CN8:1"]',
    "is a number": b'["gacc", "magnets", "CN8:1", 7]',
    "is nothing": b'["gacc", "magnets", "CN8:1", null]',
    "cannot be stored": b'["gacc", "magnets", "CN8:1", "\\u0000"]',
    "is half a letter": b'["gacc", "magnets", "CN8:1", "\\ud800"]',
    "is no JSON": b"gacc",
    "is deep": b"[" * 100_000,
    "is a long number": b"9" * 10_000,
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_row_that_no_table_holds_is_refused(small: Path, take_in: Callable[[bytes], Imported], row: bytes) -> None:
    with pytest.raises(StoreError, match=r"table title: .* was changed"):
        take_in(packed(with_rows(members_of(small), "title", head("title") + row + b"\n")))


def test_a_row_that_points_nowhere_is_refused(small: Path, take_in: Callable[[bytes], Imported]) -> None:
    lost = head("delivery") + b'[1, "no such message", "{}", null]\n'
    with pytest.raises(StoreError, match="refused a statement"):
        take_in(packed(with_rows(members_of(small), "delivery", lost)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_an_archive_that_is_cut_anywhere_leaves_nothing(small: Path, take_in: Callable[[bytes], Imported], share: float) -> None:
    written = small.read_bytes().rstrip(b"\0")
    with pytest.raises(StoreError, match=r"it is not whole, copy it again|is no archive of a desk"):
        take_in(written[: int(share * len(written))])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10**9), bit=st.integers(0, 7))
@example(place=45_397_683, bit=0)
def test_one_changed_bit_is_seen_or_changes_nothing(
    small: Path, take_in: Callable[[bytes], Imported], place: int, bit: int
) -> None:
    written = bytearray(small.read_bytes())
    written[place % len(written)] ^= 1 << bit
    wanted, found = take_in(small.read_bytes()).manifest, None
    with suppress(StoreError):
        found = take_in(bytes(written)).manifest
    assert found is None or (found.tables, found.files) == (wanted.tables, wanted.files)


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(st.tuples(texts, texts, texts), max_size=5, unique_by=lambda row: row[1]),
    chances=st.lists(st.none() | st.floats(allow_nan=False), max_size=4),
    moments=st.lists(st.integers(-(2**62), 2**62), max_size=4),
)
def test_whatever_text_and_number_a_table_holds_arrives(
    sqlite_template: Path,
    table: Callable[..., Any],
    notice: Callable[..., Any],
    words: list[tuple[str, str, str]],
    chances: list[float | None],
    moments: list[int],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one, two = copied(sqlite_template, folder / "1.db"), copied(sqlite_template, folder / "2.db")
        store = Releases(one, Figures(folder / "f1", one))
        release = store.commit(table([("US", 1, 1.0)]), notice("a", 20), source="gacc", fetched_at=NOW)
        assert release is not None
        Episodes(one).record(Evaluation(release=release, version="v", evaluated_at=NOW, after=0))
        with one.write() as connection:
            for source, product, title in words:
                connection.execute(titles.insert().values(source=source, dataset="d", product=product, title=title))
            for n, moment in enumerate(moments):
                row = {"kind": "late", "subject": str(n), "sentence": "", "raised_at": moment, "cleared_at": None}
                connection.execute(conditions.insert().values(row))
            for n, chance in enumerate(chances):
                row = {"evaluation": 1, "rule": str(n), "version": "", "judged": 0, "not_judged": 0, "at_level": 0}
                connection.execute(rule_counts.insert().values(row | {"by_chance": chance}))
        export_desk(one, folder / "f1", folder / "a.tar", program="0.1", now=NOW)
        import_desk(two, folder / "f2", folder / "a.tar", now=NOW)
        assert rows_of(two) == rows_of(one)
        one.close()
        two.close()
