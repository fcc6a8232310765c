"""After a collapse and after a level change: the return is no alarm for years, and the model is at home within a year."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import monitor
from monitor.alerts.episodes import fold
from monitor.alerts.records import Change
from monitor.alerts.records import Path as Life
from monitor.judge import Bench, Verdicts, judge
from monitor.months import format_month, month, parse_month
from monitor.panel import Floats, Panel
from monitor.rules.loading import load_rules
from monitor.series import SeriesKey

KEY = SeriesKey(
    source="census", dataset="imports/naics", reporter="US", partner="MX", product="NAICS3:336", flow="import",
    measure="value", unit="USD",
)  # fmt: skip
START, MONTHS, ROWS = month(2010, 1), 120, 60
FALL, COLLAPSE = 72, 6
RETURN = FALL + COLLAPSE
NOISE = pytest.mark.parametrize("noise", [0.1, 0.15, 0.2])
SEEDS = pytest.mark.parametrize("seed", [1, 2, 3])


def usual_trade(seed: int, noise: float) -> Floats:
    """Draw logarithms of series with a season of their own, a level that wanders a little, and noise."""
    rng = np.random.default_rng(seed)
    season = np.take(rng.normal(0, 0.2, (ROWS, 12)), np.arange(MONTHS) % 12, axis=1)
    level = np.log(1e9) + rng.normal(0, 1, (ROWS, 1)) + np.cumsum(rng.normal(0, 0.01, (ROWS, MONTHS)), axis=1)
    return level + season + rng.normal(0, noise, (ROWS, MONTHS))


@pytest.fixture(scope="session")
def judged(shipped: Path) -> Callable[..., Verdicts]:
    """Judge figures by the shipped rule on US imports."""
    rules = load_rules(shipped / "rules" / "us-imports.yaml", baskets={}, partner_groups={})

    def of(figures: Any, start: int = START, **key: str) -> Verdicts:
        keys = [KEY.replace(product=f"NAICS3:{100 + row}", **key) for row in range(len(figures))]
        (found,) = judge(Bench(Panel.of(keys, start, figures, resolution=1.0)), rules)
        return found

    return of


@pytest.fixture(scope="session")
def collapse(judged: Callable[..., Verdicts]) -> Callable[[int, float], tuple[Verdicts, Floats]]:
    """Six months at 10 to 30% of usual, and the logarithms without them."""

    @cache
    def of(seed: int, noise: float) -> tuple[Verdicts, Floats]:
        logs = usual_trade(seed, noise)
        fallen = logs.copy()
        fallen[:, FALL:RETURN] += np.log(np.random.default_rng(seed + 100).uniform(0.1, 0.3, (ROWS, 1)))
        return judged(np.exp(fallen)), logs

    return of


@pytest.fixture(scope="session")
def halving(judged: Callable[..., Verdicts]) -> Callable[[int, float], Verdicts]:
    """A level that is half of what it was, and stays so."""

    @cache
    def of(seed: int, noise: float) -> Verdicts:
        logs = usual_trade(seed, noise)
        logs[:, FALL:] += np.log(0.5)
        return judged(np.exp(logs))

    return of


def lives(verdicts: Verdicts, since: range = range(FALL, FALL + 3)) -> Iterator[Life]:
    """Yield the alerts that opened in some months."""
    for row in range(len(verdicts.keys)):
        yield from (path for path in fold(verdicts.conduct, verdicts.cells(row)) if path.since - verdicts.panel.start in since)


def open_in(verdicts: Verdicts, column: int) -> int:
    """Count the alerts that are open after a month."""
    at = verdicts.panel.start + column
    return sum(path.since <= at < path.until or path.state.is_open for path in lives(verdicts, range(column + 1)))


def alarms(verdicts: Verdicts, columns: slice) -> float:
    """Return the share of cells beyond three standard deviations."""
    return float((np.abs(verdicts.reader.ask("surprise")[:, columns]) >= 3).mean())


# The rebound.


@SEEDS
@NOISE
def test_the_fall_to_a_fifth_is_an_alert(collapse: Any, seed: int, noise: float) -> None:
    verdicts, _ = collapse(seed, noise)
    assert len(list(lives(verdicts))) >= 0.75 * ROWS


@SEEDS
@NOISE
def test_fourteen_months_after_the_return_no_alert_is_open(collapse: Any, seed: int, noise: float) -> None:
    verdicts, _ = collapse(seed, noise)
    assert open_in(verdicts, RETURN + 14) <= 0.02 * ROWS


@SEEDS
@NOISE
def test_the_months_after_the_return_raise_no_alarm(collapse: Any, seed: int, noise: float) -> None:
    verdicts, _ = collapse(seed, noise)
    assert alarms(verdicts, slice(RETURN + 2, RETURN + 24)) <= 0.006


@SEEDS
@NOISE
def test_a_year_later_usual_trade_is_expected_and_no_second_collapse(collapse: Any, seed: int, noise: float) -> None:
    verdicts, logs = collapse(seed, noise)
    off = (np.log(verdicts.reader.ask("expected")) - logs)[:, FALL + 12 : RETURN + 12]
    assert abs(np.median(off)) < 0.25
    assert np.quantile(off, 0.05) > np.log(0.45)


# A level that stays.


@SEEDS
@NOISE
def test_a_year_after_a_halving_the_model_is_at_home(halving: Any, seed: int, noise: float) -> None:
    verdicts = halving(seed, noise)
    assert alarms(verdicts, slice(FALL + 12, None)) <= 0.004
    off = np.log(verdicts.panel.values / verdicts.reader.ask("expected"))[:, FALL + 12 :]
    assert abs(np.median(off)) < 0.1


@SEEDS
def test_an_alert_of_a_halving_ends_as_a_new_normal_within_a_year(halving: Any, seed: int) -> None:
    ended = list(lives(halving(seed, 0.1)))
    assert len(ended) >= 0.4 * ROWS
    assert all(path.until - path.since <= 18 for path in ended)
    assert np.mean([path.until - path.since <= 12 for path in ended]) >= 0.9
    assert np.mean([path.steps[-1].change is Change.NEW_NORMAL for path in ended]) >= 0.7


@SEEDS
@NOISE
def test_fourteen_months_after_a_halving_no_alert_is_open(halving: Any, seed: int, noise: float) -> None:
    assert open_in(halving(seed, noise), FALL + 14) <= 0.02 * ROWS


# As it was.


@cache
def _bundled() -> pd.DataFrame:
    frame = pd.read_parquet(Path(monitor.__file__).parent / "data" / "us_imports_naics3.parquet")
    return frame[frame["measure"] == "value"].astype(dict.fromkeys(("partner", "product", "period"), "str"))


@pytest.fixture(scope="session")
def of_imports(judged: Callable[..., Verdicts]) -> Callable[[str, str], Verdicts]:
    """Judge one bundled series of US imports; a month without a row is a zero."""

    def of(partner: str, product: str) -> Verdicts:
        frame = _bundled()
        mine = frame[(frame["partner"] == partner) & (frame["product"] == product)].set_index("period")["value"]
        months = sorted(frame["period"].unique())
        return judged(mine.reindex(months, fill_value=0).to_numpy(float)[None], parse_month(months[0]))

    return of


def _said(verdicts: Verdicts, since: str, until: str) -> list[str]:
    columns = range(parse_month(since) - verdicts.panel.start, parse_month(until) - verdicts.panel.start + 1)
    found = [step for path in lives(verdicts, columns) for step in path.steps]
    return [f"{format_month(step.month)} {step.change.value}" for step in found]


@pytest.mark.parametrize(("partner", "product"), [
    ("MEXICO", "336"), ("CANADA", "336"), ("JAPAN", "336"), ("CHILE", "326"), ("INDIA", "315"),
])  # fmt: skip
def test_the_stop_of_spring_2020_ends_as_recovered_in_the_autumn_and_is_no_alarm_again(
    of_imports: Any, partner: str, product: str
) -> None:
    verdicts = of_imports(partner, product)
    said = _said(verdicts, "2020-03", "2020-05")
    assert said[0] in ("2020-03 opened", "2020-04 opened", "2020-05 opened")
    assert said[-1].endswith(" recovered")
    assert said[-1] <= "2020-11"
    assert _said(verdicts, "2020-08", "2021-12") == []
    ratio = (verdicts.reader.ask("expected") / verdicts.reader.ask("usual"))[0]
    spring = parse_month("2021-04") - verdicts.panel.start
    assert ratio[spring : spring + 2].min() > 0.5  # not the spring of 2020 once more


def test_the_end_of_oil_products_from_russia_is_a_new_normal(of_imports: Any) -> None:
    verdicts = of_imports("RUSSIA", "324")
    said = _said(verdicts, "2022-04", "2022-06")
    assert said[0] == "2022-05 opened"
    assert said[-1].endswith(" new normal")
    assert said[-1] <= "2023-09"
    later = parse_month("2023-06") - verdicts.panel.start
    assert alarms(verdicts, slice(later, None)) == 0


# The return is news.


@SEEDS
@NOISE
def test_the_return_is_seen_within_three_months(collapse: Any, seed: int, noise: float) -> None:
    """As a rise that was not expected, or as the end of the alert: recovered."""
    verdicts, _ = collapse(seed, noise)
    jump = (verdicts.reader.ask("surprise")[:, RETURN : RETURN + 3] >= 3).any(axis=1)
    for row in range(ROWS):
        steps = [step for path in fold(verdicts.conduct, verdicts.cells(row)) for step in path.steps]
        back = [step for step in steps if step.change is Change.RECOVERED and 0 <= step.month - START - RETURN < 3]
        jump[row] |= bool(back)
    opened = {
        verdicts.keys[row]
        for row in range(ROWS)
        if any(FALL <= path.since - START < FALL + 3 for path in fold(verdicts.conduct, verdicts.cells(row)))
    }
    among = [row for row in range(ROWS) if verdicts.keys[row] in opened]
    assert jump[among].mean() >= 0.8


@SEEDS
def test_fourteen_months_after_the_return_a_fall_to_two_fifths_stands_out_again(judged: Any, seed: int) -> None:
    logs = usual_trade(seed, 0.1)
    again = np.exp(logs)
    again[:, RETURN + 14] *= 0.4
    without = judged(again).reader.ask("surprise")[:, RETURN + 14]
    again[:, FALL:RETURN] *= 0.2
    after = judged(again).reader.ask("surprise")[:, RETURN + 14]
    assert (without <= -3).mean() >= 0.9
    assert (after <= -1.96).mean() >= 0.9
