"""`monitor expect`: a file in, a file out, no desk."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from monitor.cli import root

FIGURES = Path("monitor") / "data" / "us_exports_china_hs4.parquet"


def expect(*words: str) -> Result:
    return CliRunner().invoke(root, ["--config", "/no/desk", "expect", *words], prog_name="monitor")


@pytest.fixture
def exports(repository: Path) -> str:
    return str(repository / FIGURES)


def test_it_says_how_much_was_judged_and_needs_no_desk(exports: str, tmp_path: Path):
    out = tmp_path / "judged.parquet"
    result = expect(exports, "--out", str(out), "--resolution", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    found = pd.read_parquet(out)
    assert result.stdout == f"1,216 series, 106,196 rows, {found['judged'].sum():,} judged: written to judged.parquet.\n"
    assert len(found) == 106_196


def test_the_example_of_the_manual_is_what_comes_out(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    page = (repository / "docs" / "expect.md").read_text(encoding="utf-8")
    call, said, shown = (re.search(rf"^```{kind}\n(.*?)^```$", page, re.M | re.S)[1] for kind in ("", "text", "csv"))
    (tmp_path / "monitor").symlink_to(repository / "monitor")
    monkeypatch.chdir(tmp_path)
    assert expect(*shlex.split(call)[2:]).stdout == said
    out = (tmp_path / "judged.csv").read_text(encoding="utf-8").splitlines()
    head, *rows = shown.splitlines()
    assert out[0] == head
    written = [line.split(",") for line in out if re.match('"336","MEXICO","value","2020-0[234]"', line)]
    shown_rows = [line.split(",") for line in rows]
    assert [row[:5] + row[9:] for row in written] == [row[:5] + row[9:] for row in shown_rows]
    computed = [[float(number) for number in row[5:9]] for row in written]  # the last digits are the processor's
    assert computed == [pytest.approx([float(number) for number in row[5:9]], rel=1e-3) for row in shown_rows]


def test_only_what_is_unusual_is_written_if_asked(exports: str, tmp_path: Path):
    out = tmp_path / "unusual.csv"
    result = expect(exports, "--out", str(out), "--key", "product, partner,measure", "--at-least", "4", "--json")
    said = json.loads(result.stdout)
    found = pd.read_csv(out)
    assert (said["series"], said["written"], said["out"]) == (1216, len(found), str(out))
    assert list(found.columns[:4]) == ["product", "partner", "measure", "period"]
    assert (found["surprise"].abs() >= 4).all()
    assert 0 < len(found) < 1000


def test_a_mistake_is_one_sentence(exports: str, tmp_path: Path):
    result = expect(exports, "--out", str(tmp_path / "a.csv"), "--value", "usd")
    assert result.exit_code == 1
    assert result.stderr == (
        'monitor: us_exports_china_hs4.parquet: there is no column "usd"; known are partner, product, measure, period, value\n'
    )


def test_out_is_asked_for(exports: str):
    assert expect(exports).exit_code == 2
