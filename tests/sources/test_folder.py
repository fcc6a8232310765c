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
