"""Derived files change what reading costs, never what is read: with them, without, damaged, and after a late release."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from monitor.panel import Panel
from monitor.series import Release
from monitor.store.chain import Sheet
from monitor.store.database import Database
from monitor.store.derived import LEAST_LINKS, LINK, MOST_LINKS, due
from monitor.store.observations import Figures

Commit = Callable[..., Release]
MONTHS = 12


@pytest.fixture
def kind() -> str:
    """Files are the same whatever the database."""
    return "sqlite"


@pytest.fixture
def commit_many(commit: Commit) -> Callable[[int], list[Release]]:
    """Commit some releases of two series, each restating a year with some figures revised."""

    def run(count: int) -> list[Release]:
        rng = np.random.default_rng(1)
        values = {partner: rng.integers(1, 9, MONTHS).astype(float) for partner in ("US", "DE")}
        made = []
        for place in range(count):
            for row in values.values():
                row[rng.integers(MONTHS)] = rng.integers(1, 9)
            cells = [(partner, m + 1, float(row[m])) for partner, row in values.items() for m in range(min(MONTHS, place + 2))]
            made.append(commit(cells, 20 + place, resolution=float(1 + place % 3)))
        return made

    return run


def checkpoints(figures: Figures) -> list[Path]:
    return sorted((figures.folder / ".derived").rglob("*.sheet.arrow"))


def links(figures: Figures) -> list[Path]:
    return sorted({*(figures.folder / ".derived").rglob("*.arrow")} - {*checkpoints(figures)})


def read_all(figures: Figures, releases: list[Release]) -> Iterator[Panel]:
    for release in releases:
        yield figures.panel("gacc", "magnets", as_of=release)


def assert_same(found: Panel, wanted: Panel) -> None:
    assert (found.keys, found.start) == (wanted.keys, wanted.start)
    for name in ("values", "status", "flags", "resolution"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))


@pytest.fixture
def without(figures: Figures, database: Database, tmp_path: Path) -> Callable[[], Figures]:
    """The same releases where nothing can be derived."""

    def open_() -> Figures:
        folder = tmp_path / "without"
        folder.mkdir()
        (folder / ".derived").write_text("in the way of the folder")
        (folder / "gacc").symlink_to(figures.folder / "gacc")
        return Figures(folder, database)

    return open_


def test_every_vintage_is_what_it_is_without_derived_files(
    figures: Figures, without: Callable[[], Figures], commit_many: Callable[[int], list[Release]]
) -> None:
    releases = commit_many(2 * MOST_LINKS + 3)
    figures.panel("gacc", "magnets")
    assert len(links(figures)) == len(releases)
    assert len(checkpoints(figures)) >= 2
    plain = without()
    for found, wanted in zip(read_all(figures, releases), read_all(plain, releases), strict=True):
        assert_same(found, wanted)
    newest, last_checkpoint = releases[-1], releases[-4]
    assert figures.revisions(newest) == plain.revisions(newest)
    assert figures.revisions(last_checkpoint) == plain.revisions(last_checkpoint)


def test_as_of_a_checkpoint_nothing_later_is_seen(figures: Figures, commit_many: Callable[[int], list[Release]]) -> None:
    releases = commit_many(MOST_LINKS + 1)
    figures.panel("gacc", "magnets")
    widths = [panel.shape[1] for panel in read_all(figures, releases)]
    assert widths == [min(MONTHS, place + 2) for place in range(len(releases))]
    assert len(checkpoints(figures)) == 1


def test_a_release_out_of_order_makes_checkpoints_anew_from_its_place(
    figures: Figures, without: Callable[[], Figures], commit: Commit, commit_many: Callable[[int], list[Release]]
) -> None:
    releases = commit_many(2 * MOST_LINKS)
    figures.panel("gacc", "magnets")
    before = checkpoints(figures)
    late = commit([("US", 1, 77.0), ("FR", 1, 5.0)], 20 + MOST_LINKS, as_history=True)
    chain = sorted([*releases, late], key=lambda release: release.order)
    plain = without()
    figures.panel("gacc", "magnets")
    for found, wanted in zip(read_all(figures, chain), read_all(plain, chain), strict=True):
        assert_same(found, wanted)
    after = checkpoints(figures)
    kept = {path for path in before if path in after}
    assert kept
    assert kept < {*before}
    assert len(links(figures)) == len(chain)


@pytest.mark.parametrize(
    "damage", [lambda written: written[:100], lambda written: b"", lambda written: written[:-40] + b"\0" * 40]
)
def test_a_damaged_checkpoint_is_as_none(
    figures: Figures, commit_many: Callable[[int], list[Release]], damage: Callable[[bytes], bytes]
) -> None:
    commit_many(MOST_LINKS + 2)
    wanted = figures.panel("gacc", "magnets")
    assert checkpoints(figures)
    for path in checkpoints(figures):
        path.write_bytes(damage(path.read_bytes()))
    assert_same(figures.panel("gacc", "magnets"), wanted)


def test_a_series_that_only_a_lost_database_knew_is_left_out(
    figures: Figures, database: Database, commit: Commit, commit_many: Callable[[int], list[Release]]
) -> None:
    releases = commit_many(MOST_LINKS)
    held = commit([("FR", 1, 5.0)], 60, held="few rows")  # its series are numbered before anything is read
    assert held is not None
    wanted = figures.panel("gacc", "magnets", as_of=releases[-1])
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM series WHERE partner = 'FR'")
    assert len(checkpoints(figures)) == 1
    assert_same(Figures(figures.folder, database).panel("gacc", "magnets"), wanted)


def test_a_checkpoint_is_due_once_its_links_cost_a_quarter_of_the_sheet() -> None:
    sheet, quarter = Sheet(1000, 0, 1600), 400_000
    assert not due(LEAST_LINKS - 1, 10 * quarter, sheet)
    assert not due(LEAST_LINKS, quarter - LEAST_LINKS * LINK - 1, sheet)
    assert due(LEAST_LINKS, quarter - LEAST_LINKS * LINK, sheet)
    assert not due(quarter // LINK, 0, sheet)
    assert due(quarter // LINK + 1, 0, sheet), "many links without a change are many files to open"


def test_a_small_sheet_needs_no_checkpoint_before_many_links() -> None:
    sheet = Sheet(10, 0, 10)
    assert not due(MOST_LINKS - 1, 100, sheet)
    assert due(MOST_LINKS, 0, sheet)
