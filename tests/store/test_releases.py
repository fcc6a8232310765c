"""Releases: what counts as new, in which order they are judged, and what happens when something breaks half way."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.alerts.evaluation import Evaluation
from monitor.errors import StoreError
from monitor.months import month
from monitor.series import Release, ReleaseState
from monitor.sources.base import ReleaseNotice, Table
from monitor.store.audit import What, entries
from monitor.store.database import Database
from monitor.store.episodes import Episodes
from monitor.store.observations import Figures
from monitor.store.releases import Releases

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
Commit = Callable[..., Release]
JANUARY = month(2025, 1)


def judge(database: Database, release: Release, version: str = "v1") -> None:
    episodes = Episodes(database)
    last = episodes.last_evaluation(release.source, release.dataset)
    after = 0 if last is None else last.number
    assert episodes.record(Evaluation(release=release, version=version, evaluated_at=release.fetched_at, after=after))


def test_a_release_is_stored_whole_and_found_again(releases: Releases, figures: Figures, commit: Commit) -> None:
    release = commit([("US", 1, 600e3), ("DE", 1, 900e3)], 20)
    assert release.id.startswith("gacc-2025-01-")
    assert len(release.id) == len("gacc-2025-01-") + 8
    assert (release.rows, release.arrival, release.state, release.newest) == (2, 1, ReleaseState.COMMITTED, JANUARY)
    assert releases.find() == [release]
    assert releases.get(release.id) == releases.get("gacc-2025-01") == release
    [raw] = figures.folder.rglob("*.raw.gz")
    assert gzip.decompress(raw.read_bytes()) == b"raw"
    assert b"\x00payload\x00"[1:] in raw.read_bytes()  # the name that it had


def test_a_prefix_must_be_unique(releases: Releases, commit: Commit) -> None:
    commit([("US", 1, 1.0)], 20)
    commit([("US", 2, 1.0)], 50)
    with pytest.raises(StoreError, match='"gacc-2025" begins several releases; write more of it'):
        releases.get("gacc-2025")
    with pytest.raises(StoreError, match='no release is "%"'):
        releases.get("%")


def test_the_newest_release_again_is_not_a_new_one_whatever_the_order_of_its_rows(releases: Releases, commit: Commit) -> None:
    commit([("US", 1, 600e3), ("DE", 1, 900e3)], 20)
    assert commit([("DE", 1, 900e3), ("US", 1, 600e3)], 30, raw=b"other bytes") is None
    assert len(releases.find()) == 1
    assert releases.known("gacc", "magnets") == {"day-20", "day-30"}


def test_a_revision_that_is_taken_back_is_a_release_of_its_own(releases: Releases, commit: Commit) -> None:
    ids = [commit([("US", 1, value)], day).id for day, value in ((20, 600e3), (50, 412e3), (80, 600e3))]
    assert len(set(ids)) == 3
    assert [release.id for release in releases.find("gacc", "magnets")] == ids


def test_another_coverage_or_resolution_is_a_new_release(releases: Releases, commit: Commit) -> None:
    commit([("US", 1, 600e3)], 20)
    assert commit([("US", 1, 600e3)], 20, partners=("US",)) is not None
    assert commit([("US", 1, 600e3)], 20, resolution=1000.0) is not None


def test_rows_outside_the_coverage_are_not_taken(figures: Figures, commit: Commit) -> None:
    release = commit([("US", 1, 600e3), ("DE", 1, 1.0), ("US", 2, 1.0)], 20, periods=[1], partners=("US",))
    assert release.rows == 1
    assert figures.panel("gacc", "magnets").values.tolist() == [[600e3]]


def test_two_rows_for_one_cell_are_refused_by_name(releases: Releases, commit: Commit) -> None:
    with pytest.raises(StoreError, match=r"gacc/magnets/CN/US/CN8:85051110/.*two rows for 2025-01; one is expected"):
        commit([("US", 1, 600e3), ("US", 1, 601e3)], 20)
    assert releases.find() == []


def test_releases_come_in_the_order_of_publication_then_arrival(releases: Releases, commit: Commit) -> None:
    later, old, same = commit([("US", 3, 1.0)], 110), commit([("US", 1, 1.0)], 20), commit([("US", 2, 1.0)], 20)
    assert [release.id for release in releases.find()] == [old.id, same.id, later.id]
    assert [release.id for release in releases.pending()] == [old.id, same.id, later.id]


def test_a_release_is_pending_until_any_rules_judged_it(database: Database, releases: Releases, commit: Commit) -> None:
    first, second = commit([("US", 1, 1.0)], 20), commit([("US", 2, 1.0)], 50)
    assert releases.newest_evaluated("gacc", "magnets") is None
    assert releases.horizon("gacc", "magnets") is None
    judge(database, second)
    assert [release.id for release in releases.pending()] == [first.id]
    judge(database, first)
    assert releases.pending() == []
    assert releases.newest_evaluated("gacc", "magnets") == second
    assert releases.horizon("gacc", "magnets") == JANUARY + 1


def test_a_held_release_is_seen_only_once_it_is_accepted(releases: Releases, figures: Figures, commit: Commit) -> None:
    commit([("US", 1, 600e3)], 20)
    held = commit([("US", 2, 6e3)], 50, held="few rows")
    assert (held.state, held.note) == (ReleaseState.HELD, "few rows")
    assert releases.known("gacc", "magnets") == {"day-20"}, "a held release is asked for again"
    assert figures.panel("gacc", "magnets").shape == (1, 1)
    assert releases.accept(held.id, who="ada", at=NOON).state is ReleaseState.COMMITTED
    assert figures.panel("gacc", "magnets").shape == (1, 2)
    with pytest.raises(StoreError, match="is committed; only a held release is accepted or rejected"):
        releases.reject(held.id, "no", who="ada", at=NOON)


def test_a_held_release_can_be_rejected_with_its_reason(releases: Releases, commit: Commit, database: Database) -> None:
    held = commit([("US", 2, 6e3)], 50, held="few rows")
    assert releases.reject(held.id, "a partial file", who="ada", at=NOON).note == "a partial file"
    (noted,) = entries(database, what=What.RELEASE)
    assert (noted.who, noted.subject, noted.record) == ("ada", held.id, {"did": "rejected", "reason": "a partial file"})
    assert releases.find(state=ReleaseState.REJECTED) == [releases.get(held.id)]
    assert commit([("US", 2, 6e3)], 50) is None, "the same again stays aside"


def test_the_whole_release_takes_the_place_of_the_held_one(releases: Releases, commit: Commit) -> None:
    held = commit([("US", 2, 6e3)], 50, held="few rows")
    assert commit([("US", 2, 6e3)], 50, held="few rows") is None
    whole = commit([("US", 2, 600e3), ("DE", 2, 1.0)], 50)
    assert releases.get(held.id).state is ReleaseState.REJECTED
    assert releases.get(held.id).note == f"replaced by {whole.id}"


def test_a_whole_release_of_another_name_takes_the_place_of_what_was_held_before(releases: Releases, commit: Commit) -> None:
    held = commit([("US", 2, 6e3)], 50, held="few rows")
    other_month = commit([("US", 3, 6e3)], 52, held="few rows")
    later = commit([("US", 2, 7e3)], 60, held="few rows")
    whole = commit([("US", 2, 600e3), ("DE", 2, 1.0)], 55)
    assert releases.get(held.id).note == f"replaced by {whole.id}"
    assert [release.id for release in releases.find(state=ReleaseState.HELD)] == [other_month.id, later.id]


def test_a_held_release_that_is_complete_by_now_is_taken_in(releases: Releases, commit: Commit) -> None:
    held = commit([("US", 2, 6e3)], 50, held="few rows")
    accepted = commit([("US", 2, 6e3)], 50)
    assert (accepted.id, accepted.state) == (held.id, ReleaseState.COMMITTED)


def test_live_begins_with_the_newest_period_of_the_first_release_that_came_in(releases: Releases, commit: Commit) -> None:
    assert releases.live_from("gacc", "magnets") is None
    commit([("US", 9, 1.0)], 10, as_history=True)
    commit([("US", 1, 1.0), ("US", 3, 1.0)], 110)
    commit([("US", 2, 1.0)], 50)
    assert releases.live_from("gacc", "magnets") == JANUARY + 2


def test_titles_and_rows_are_remembered(releases: Releases, commit: Commit) -> None:
    commit([("US", 1, 1.0), ("DE", 1, 1.0), ("US", 2, 1.0), ("DE", 2, 1.0)], 50)
    commit([("US", 3, 1.0)], 80)
    assert releases.titles("gacc", "magnets") == {"CN8:85051110": "Magnets of metal"}
    assert releases.rows_history("gacc", "magnets", 12) == [2.0, 1.0]
    assert releases.rows_history("gacc", "magnets", 1) == [1.0]
    assert releases.datasets() == [("gacc", "magnets")]


def test_of_writers_at_once_one_commits_a_release(
    releases: Releases, figures: Figures, table: Callable[..., Table], notice: Callable[..., ReleaseNotice]
) -> None:
    cells, when = table([("US", 1, 600e3)]), notice("a", 20)

    def work(_: int) -> Any:
        return releases.commit(cells, when, source="gacc", fetched_at=when.published_at)

    with ThreadPoolExecutor(6) as pool:
        made = [release for release in pool.map(work, range(6)) if release is not None]
    assert releases.find() == made
    assert len(made) == 1
    assert figures.check(now=when.published_at) == [], "the losers' files are gone"
