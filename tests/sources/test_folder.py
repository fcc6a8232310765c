from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from monitor.errors import SourceUnavailable
from monitor.sources.folder import settled

Write = Callable[..., Path]


def test_a_file_counts_once_it_has_been_unchanged_for_a_minute(write: Write, now: datetime, tmp_path: Path) -> None:
    write("young.csv", "x", seconds_ago=59)
    write("old.csv", "x", seconds_ago=60)
    write("older.xlsx", "x", seconds_ago=61)
    assert [path.name for path in settled(tmp_path, now)] == ["older.xlsx", "old.csv"]


def test_files_that_belong_together_wait_for_the_last_of_them(write: Write, now: datetime, tmp_path: Path) -> None:
    write("young.csv", "x", seconds_ago=59)
    write("old.csv", "x", seconds_ago=60)
    assert settled(tmp_path, now, together=True) == []
    write("young.csv", "x", seconds_ago=61)
    assert len(settled(tmp_path, now, together=True)) == 2


def test_hidden_files_lock_files_folders_and_other_kinds_do_not_count(write: Write, now: datetime, tmp_path: Path) -> None:
    for name in (".a.csv", "~$b.xlsx", "c.csv.part", "d.docx", "e.csv/inner.txt", "f.CSV", "g.tsv.gz"):
        write(name, "x")
    assert sorted(path.name for path in settled(tmp_path, now)) == ["f.CSV", "g.tsv.gz"]


def test_a_missing_folder_is_named(tmp_path: Path, now: datetime) -> None:
    with pytest.raises(SourceUnavailable, match="nowhere: there is no such folder"):
        settled(tmp_path / "nowhere", now)


def test_a_file_whose_time_is_to_come_is_named_instead_of_never_read(write: Write, now: datetime, tmp_path: Path) -> None:
    write("ahead.csv", "x", seconds_ago=-86400)
    with pytest.raises(SourceUnavailable, match=r"ahead\.csv: was changed on .* UTC, which is to come; put it there again"):
        settled(tmp_path, now)


def test_a_file_that_is_taken_away_meanwhile_does_not_count(
    write: Write, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, gone = write("here.csv", "x"), write("gone.csv", "x")
    listing = [here, gone]
    gone.unlink()
    gone.with_suffix(".csv").symlink_to(tmp_path / "nowhere")
    monkeypatch.setattr(Path, "is_file", lambda path: path in listing)
    assert settled(tmp_path, now) == [here]
