"""What a desk says as of a day is what a desk said that knew nothing later, word for word."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from monitor.cli import root
from monitor.months import Month, format_month, month

FIRST = month(2023, 1)
THEN = "2025-03-31"
HEADING = "period,partner,product,value\n"
SHARED = {
    "kind": "table", "folder": "inbox", "measure": "weight", "unit": "t", "absent": "zero", "coverage": "file",
    "resolution": {"weight": "1 t"}, "reporter": "CN", "flow": "export", "nomenclature": "CN8",
}  # fmt: skip
CHINA = SHARED | {"name": "china", "dataset": "exports"}
CUSTOMS = SHARED | {
    "name": "customs", "dataset": "imports", "reporter": "US", "flow": "import", "nomenclature": "HS6",
    "basis": "mirror", "of": ["CN"],
}  # fmt: skip
RULES = [
    {"name": "fall", "direction": "drop", "watch": {"source": "china", "measure": "weight"}, "when": {"warning": "ratio <= 0.7"}},
    {"name": "moved", "direction": "either", "watch": {"source": "china", "measure": "weight"},
     "when": {"info": "abs(revision_score) >= 1"}},
    {"name": "gap", "direction": "drop", "watch": {"basis": "mirror", "measure": "weight"},
     "when": {"info": "mirror_gap <= -20%"}},
    {"name": "basket", "direction": "drop", "watch": {"basket": "all", "product": "total", "measure": "weight"},
     "when": {"info": "ratio <= 0.7"}},
]  # fmt: skip
BASKETS = {"all": {"title": "Magnets", "codes": ["CN8:85051110", {"code": "CN8:85051190", "valid_from": "2024-01"}]}}
SERIES = "china/exports/CN/US/CN8:85051110/export/weight/kg/reported"
MIRROR = "customs/imports/CN/US/HS6:850511/export/weight/kg/mirror"
TOTAL = "china/exports/CN/US/X:all-total/export/weight/kg/reported"


def lines(figures: dict[Month, float], partner: str = "United States", product: str = "85051110") -> str:
    return "".join(f"{format_month(period)},{partner},{product},{value}\n" for period, value in figures.items())


def past() -> dict[Month, float]:
    return {FIRST + n: 500.0 + 37 * (n * 7 % 11) for n in range(24)}


@pytest.fixture
def desk(new_desk: Callable[..., Any], tmp_path: Path) -> Any:
    """A desk that holds three releases of China's and two of the importer's, all out by the end of March 2025."""
    desk = new_desk(tmp_path / "then", sources=["gacc/magnets"], rules=["rare-earth-magnets"])
    shutil.rmtree(desk.folder / "rules")
    (desk.folder / "rules").mkdir()
    desk.write("rules/r.yaml", {"rules": RULES})
    desk.write("config/baskets.yaml", {"baskets": BASKETS})
    desk.write("config/sources.yaml", {"sources": [CHINA, CUSTOMS]})
    desk.open()
    desk.take_in("china/exports", HEADING + lines(past()), "2025-01-18T10:00+00:00")
    mirrored = {period + 1: value * 1.1 for period, value in past().items()}
    desk.take_in("customs/imports", HEADING + lines(mirrored, "China", "850511"), "2025-02-05T10:00+00:00")
    desk.take_in("china/exports", HEADING + lines({month(2024, 12): 700, month(2025, 1): 300}), "2025-02-20T10:00+00:00")
    desk.take_in("customs/imports", HEADING + lines({month(2025, 2): 200}, "China", "850511"), "2025-03-06T10:00+00:00")
    desk.take_in("china/exports", HEADING + lines({month(2025, 2): 410}), "2025-03-20T10:00+00:00")
    return desk


def go_on(desk: Any) -> None:
    """Revisions of every month, another code for all months, a partner for all months, another account of the importer's."""
    everything = {period: value * 3 for period, value in past().items()} | {month(2025, n): 90.0 for n in (1, 2, 3)}
    other = lines(everything, product="85051190") + lines(everything, "Germany")
    desk.take_in("china/exports", HEADING + lines(everything) + other, "2025-04-20T10:00+00:00")
    desk.take_in("customs/imports", HEADING + lines(everything, "China", "850511"), "2025-04-21T10:00+00:00")


def said(desk: Any, *words: str) -> str:
    result = CliRunner().invoke(root, ["--config", str(desk.folder / "config"), *words])
    assert result.exit_code == 0, result.output
    return result.output


COMMANDS = [
    ("series", "show", SERIES, "--as-of", THEN, "--json"),
    ("series", "show", SERIES, "--as-of", THEN, "--vintages"),
    ("explain", SERIES, "2025-02", "--as-of", THEN, "--json"),
    ("explain", SERIES, "2024-12", "--as-of", THEN, "--json"),
    ("explain", MIRROR, "2025-02", "--as-of", THEN, "--json"),
    ("brief", "china", "2025-02", "--format", "json"),
    ("brief", "china", "2025-01", "--format", "json"),
    ("brief", "customs", "2025-02", "--format", "json"),
    *(
        ("replay", name, "--since", "2024-12", "--until", "2025-02", "--as-published")
        for name in ("fall", "moved", "gap", "basket")
    ),
]


def test_nothing_that_came_later_is_in_what_is_said_as_of_a_day(desk: Any) -> None:
    then = [said(desk, *words) for words in COMMANDS]
    assert '"mirror_gap"' in then[4], "the explanation reads the other account"
    go_on(desk)
    for words, before in zip(COMMANDS, then, strict=True):
        assert said(desk, *words) == before, " ".join(words)
    assert said(desk, "explain", SERIES, "2025-02", "--json") != then[2], "what came later does matter"
