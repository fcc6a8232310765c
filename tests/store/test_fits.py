"""Fits on the disk: what is damaged is as none, and nobody ever reads half of one."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.store.fits import Fits

KEY, OTHER = "a" * 64, "b" * 64


def test_what_was_kept_is_recalled_by_another_process(tmp_path: Path) -> None:
    Fits(tmp_path / "fits").keep({KEY: b"12345678", OTHER: b""})
    assert Fits(tmp_path / "fits").recall([OTHER, "c" * 64, KEY]) == {OTHER: b"", KEY: b"12345678"}


@pytest.mark.parametrize("damage", [b"", b"x", b"\0" * 40, b"\xff" * 100_000])
def test_a_damaged_file_is_as_none_and_is_written_again(tmp_path: Path, damage: bytes) -> None:
    fits = Fits(tmp_path)
    fits.keep({KEY: b"12345678"})
    (tmp_path / "aa" / KEY).write_bytes(damage)
    assert fits.recall([KEY]) == {}
    fits.keep({KEY: b"12345678"})
    assert fits.recall([KEY]) == {KEY: b"12345678"}


def test_a_file_that_was_cut_or_belongs_to_another_key_is_as_none(tmp_path: Path) -> None:
    fits = Fits(tmp_path)
    fits.keep({KEY: b"12345678", "ab" * 32: b"87654321"})
    one, other = tmp_path / "aa" / KEY, tmp_path / "ab" / ("ab" * 32)
    other.write_bytes(one.read_bytes())
    one.write_bytes(one.read_bytes()[:-1])
    assert fits.recall([KEY, "ab" * 32]) == {}


def test_a_disk_that_refuses_is_only_no_memory(tmp_path: Path) -> None:
    (tmp_path / "fits").write_text("a file where the folder should be")
    fits = Fits(tmp_path / "fits")
    fits.keep({KEY: b"12345678"})
    assert fits.recall([KEY]) == {}


def test_a_folder_in_the_place_of_a_fit_costs_no_other(tmp_path: Path) -> None:
    (tmp_path / "aa" / KEY).mkdir(parents=True)
    fits = Fits(tmp_path)
    fits.keep({KEY: b"12345678", OTHER: b"87654321"})
    assert fits.recall([KEY, OTHER]) == {OTHER: b"87654321"}
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [OTHER]


def test_what_several_write_at_once_is_whole(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda fits: [fits.keep({KEY: b"12345678" * 1000}) for _ in range(20)], [Fits(tmp_path)] * 4))
    assert Fits(tmp_path).recall([KEY]) == {KEY: b"12345678" * 1000}
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [KEY]


def test_what_nobody_reads_any_more_is_let_go(tmp_path: Path) -> None:
    fits, now = Fits(tmp_path), datetime.now(UTC)
    fits.keep({KEY: b"12345678", OTHER: b"87654321"})
    (tmp_path / "aa" / "folder").mkdir()
    for path in tmp_path.glob("??/*"):
        os.utime(path, ((now - timedelta(days=100)).timestamp(),) * 2)
    assert fits.recall([OTHER]) == {OTHER: b"87654321"}, "reading is noted"
    before = now - timedelta(days=90)
    assert fits.prune(before, dry_run=True) == fits.prune(before) == (1, 40)
    assert fits.prune(before) == (0, 0)
    assert fits.recall([KEY, OTHER]) == {OTHER: b"87654321"}
    assert Fits(tmp_path / "none").prune(before) == (0, 0)
