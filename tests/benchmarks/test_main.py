"""The command of the quality benchmark: what is asked for is printed, and nothing else is run or written."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality import __main__ as command
from benchmarks.quality.cases import Group, Half, Stratum
from benchmarks.quality.panels import IMPORTS, real_panels


@pytest.fixture
def real() -> Group:
    """Eight real series that the shipped rules watch."""
    panel = real_panels()[IMPORTS]
    watched = np.array([key.measure == "value" and key.partner == "MX" for key in panel.keys])
    rows = np.flatnonzero(watched & (panel.values > 0).all(axis=1))[:8]
    return Group(
        name=IMPORTS,
        panel=panel.select(rows),
        rows=np.arange(len(rows)),
        strata=np.full(len(rows), Stratum.REAL, dtype=object),
        columns=np.arange(panel.shape[1] - 12, panel.shape[1]),
    )


def test_the_bank_alone_prints_its_table_and_how_often_the_shipped_rules_alert(
    group: Group, real: Group, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    halves: list[Half] = []

    def found(half: Half) -> list[Group]:
        halves.append(half)
        return [group, real]

    monkeypatch.setattr(command, "groups", found)
    monkeypatch.setattr(sys, "argv", ["quality", "--only", "bank", "--half", "tune", "--out", str(tmp_path / "quality.md")])
    command.main()
    head, _, *rows, blank, rules = capsys.readouterr().out.splitlines()
    assert head.startswith("| cases | method | series | AP@2% | R@10 |")
    methods = [tuple(cell.strip() for cell in row.split("|")[1:4]) for row in rows]
    assert ("dense synthetic", "bank", "64") in methods
    assert ("dense synthetic", "own law", "64") in methods
    assert ("dense real", "bank", "8") in methods
    assert blank == ""
    assert rules.startswith("Shipped rules: ")
    assert halves == [Half.TUNE]
    assert list(tmp_path.iterdir()) == []
