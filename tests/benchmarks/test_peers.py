"""Peers are asked in processes of their own, each case is answered, and failures are counted, never dropped."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers import scoring, year_on_year
from benchmarks.peers.scoring import Case, answer, seasonal_naive
from benchmarks.peers.settings import PEERS
from benchmarks.quality import peers
from benchmarks.quality.casefile import cases_of, write
from benchmarks.quality.cases import Group, Stratum, sample
from monitor.errors import MonitorError


def a_case(history: list[float], *figures: float) -> Case:
    numbers = np.array(history, np.float64)
    return Case(series=0, history=numbers, figures=np.array(figures), start=(2020, 1), step=1.0, lunar=np.zeros(len(numbers) + 1))


@pytest.fixture
def few(group: Group) -> list[Group]:
    return sample([group], {Stratum.SYNTHETIC: 3, Stratum.INTERMITTENT: 2})


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run peers in the environment of the tests, which has what the two cheap ones need."""
    monkeypatch.setattr(peers, "python_of", lambda environment, say: Path(sys.executable))


@pytest.mark.usefixtures("here")
def test_answers_come_back_in_the_order_of_the_cases(few: list[Group], tmp_path: Path) -> None:
    said: list[str] = []
    answers = peers.ask(few, peers.CHEAP, said.append)
    write(tmp_path / "cases.parquet", cases_of(few))
    cases = scoring.read(str(tmp_path / "cases.parquet"))
    for name, judge in zip(peers.CHEAP, (seasonal_naive, year_on_year.judge), strict=True):
        (found,) = answers[name]
        np.testing.assert_allclose(found.scores.reshape(-1, 6), [judge(case) for case in cases])
        assert found.cpu is not None
        assert found.fallback is not None
        assert (found.cpu > 0).all()
        assert not found.fallback.any()
    assert len(said) == len(peers.CHEAP) * peers.WORKERS


@pytest.mark.usefixtures("here")
def test_a_peer_that_stops_is_told_with_its_last_line(few: list[Group], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "cases_of", lambda groups: [{"series": n, "nothing": 1.0} for n in range(2)])
    with pytest.raises(MonitorError, match=r"-m benchmarks\.peers\.seasonal_naive .* ended with 1: KeyError: 'history'"):
        peers.ask(few, ["seasonal_naive"], lambda line: None)


@pytest.mark.parametrize("wrong", ["raises", "not a number", "too few"])
def test_a_case_that_a_peer_cannot_answer_is_answered_by_the_seasonal_naive_forecast_and_counted(wrong: str) -> None:
    case = a_case([*range(10, 46)], 46.0, 92.0)

    def judge(case: Case) -> np.ndarray:
        if wrong == "raises":
            raise np.linalg.LinAlgError("did not converge")
        return np.array([np.nan, 1.0]) if wrong == "not a number" else np.zeros(1)

    found, failed = answer(judge, case)
    assert failed
    np.testing.assert_array_equal(found, seasonal_naive(case))


def test_the_seasonal_naive_forecast_is_last_years_month_and_its_scale_that_of_yearly_changes() -> None:
    year = np.arange(100, 112, dtype=float)
    case = a_case([*year, *(year * 1.2), *(year * 1.1), *(year * 1.4)], 140.0, 280.0, 0.0)
    logs = np.log1p(case.history)
    changes = logs[12:] - logs[:-12]
    scale = 1.4826 * np.median(np.abs(changes - np.median(changes)))
    expected = (np.log1p([140.0, 280.0, 0.0]) - np.log1p(140.0)) / scale
    np.testing.assert_allclose(seasonal_naive(case), expected)


@pytest.mark.parametrize(
    ("base", "figure", "score"), [(100, 130, 1), (100, 70, -1), (100, 100, 0), (100, 0, -50), (0, 5, 50), (0, 0, 0)]
)
def test_thirty_percent_either_way_is_one(base: float, figure: float, score: float) -> None:
    assert year_on_year.judge(a_case([base, *[1.0] * 11], figure)) == pytest.approx([score])


def test_gaps_lie_on_straight_lines() -> None:
    np.testing.assert_allclose(scoring.filled(np.array([1.0, np.nan, np.nan, 4.0, np.nan])), [1, 2, 3, 4, 4])


@pytest.mark.parametrize("name", list(PEERS))
def test_every_peer_has_a_script_a_reason_and_a_locked_environment(name: str, repository: Path) -> None:
    folder = repository / "benchmarks" / "peers"
    assert (folder / f"{name}.py").is_file()
    assert len(PEERS[name].why) > 60
    assert name in peers.SLOWEST_FIRST
    lock = (folder / f"{PEERS[name].environment}.txt").read_text(encoding="utf-8")
    entries = re.findall(r"^[a-z][^\n]*==.*?(?=^[a-z]|\Z)", lock, re.M | re.S)
    assert len(entries) >= 2
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in lock
