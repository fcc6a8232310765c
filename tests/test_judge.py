"""Rules on a panel: Kleene's logic to the letter, doubts, sizes, sides, history and reasons."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from monitor.alerts.episodes import fold
from monitor.baskets.records import Basket, Code
from monitor.detection.bank import Bank
from monitor.detection.expected import quantile
from monitor.judge import DOUBTED, Bench, Verdicts, judge
from monitor.months import month
from monitor.panel import Panel
from monitor.rules.expression import FALSE, TRUE, UNKNOWN
from monitor.rules.levels import Level
from monitor.rules.loading import load_rules
from monitor.series import WORLD, SeriesKey, Status

NAN = float("nan")
START = month(2022, 1)
KEY = SeriesKey(
    source="gacc", dataset="m", reporter="CN", partner="US", product="HS6:850511", flow="export", measure="weight", unit="kg"
)
MONEY = {"measure": "value", "unit": "USD"}
BASKETS = {
    "both": Basket(name="both", title="Both", codes=(Code(product="HS6:850511"), Code(product="HS6:850519"))),
    "pair": Basket(name="pair", title="Pair", codes=(Code(product="HS6:850511"), Code(product="HS6:850520"))),
}
W, C = Level.WARNING, Level.CRITICAL


@pytest.fixture(scope="session")
def load(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Any, ...]]:
    """Load rules: each is the text of its keys after `name`, in YAML's flow style."""
    folder = tmp_path_factory.mktemp("rules")

    def of(*rules: str) -> tuple[Any, ...]:
        path = folder / "rules.yaml"
        path.write_text("rules:\n" + "".join(f"  - {{name: rule-{n}, {rule}}}\n" for n, rule in enumerate(rules)), "utf-8")
        return load_rules(path, baskets=BASKETS, partner_groups={})

    return of


def panel(*rows: Iterable[float], keys: Iterable[SeriesKey] = (KEY,), status: Any = None) -> Panel:
    return Panel.of(tuple(keys), START, np.array([list(row) for row in rows]), status=status)


def _drop(when: str, *, more: str = "", watch: str = "measure: weight") -> str:
    return f"direction: drop, watch: {{{watch}}}, when: {{{when}}}{', ' if more else ''}{more}"


def judged(load: Any, rule: str, figures: Panel) -> Verdicts:
    (found,) = judge(Bench(figures), load(rule))
    return found


NUMBERS = [*([100.0] * 12), 10.0, NAN, 60.0, 100.0]


def test_the_level_is_the_highest_that_holds(load: Any) -> None:
    found = judged(load, _drop("warning: yoy <= -10%, critical: yoy <= -60%"), panel(NUMBERS))
    assert found.level[0, 12:].tolist() == [C, 0, W, 0]
    assert found.certain[0, 12:].tolist() == [True, False, True, True]
    assert found.judged[0].tolist() == [False] * 12 + [True, False, True, True]


def test_a_lower_level_holds_without_certainty_where_a_higher_one_is_unknown(load: Any) -> None:
    found = judged(load, _drop("warning: value <= 20 kg, critical: yoy <= -60%"), panel([10.0, *NUMBERS[1:]]))
    assert (found.level[0, 0], found.certain[0, 0]) == (W, False)
    assert found.judged[0, 0]
    assert found.why(0, 0) == "y/y: January 2021 is not held"


def test_a_higher_level_that_holds_makes_the_lower_ones_unimportant(load: Any) -> None:
    found = judged(load, _drop("warning: yoy <= -10%, critical: value <= 20 kg"), panel([10.0, 100.0]))
    assert (found.level[0, 0], found.certain[0, 0]) == (C, True)
    assert found.why(0, 0) == ""
    assert (found.level[0, 1], found.certain[0, 1]) == (0, False)


def _by_the_letter(truths: list[int]) -> tuple[int, bool]:
    """Return the level and its certainty by the sentence of the design; truths of critical, warning, info."""
    levels = [Level.CRITICAL, Level.WARNING, Level.INFO]
    true = [level for level, truth in zip(levels, truths, strict=True) if truth == TRUE]
    highest = true[0] if true else Level.NONE
    above = [truth for level, truth in zip(levels, truths, strict=True) if level > highest]
    return highest, all(truth == FALSE for truth in above)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from([FALSE, UNKNOWN, TRUE]), min_size=3, max_size=3))
def test_levels_are_those_of_the_letter(load: Any, truths: list[int]) -> None:
    figures = {FALSE: 100.0, UNKNOWN: NAN, TRUE: 1.0}
    keys = [KEY, *[KEY.replace(partner=code) for code in ("VN", "DE", "JP")]]
    rows = panel([100.0], *[[figures[truth]] for truth in truths], keys=keys)
    when = ", ".join(
        f"{level}: value(partner={code}) <= 20 kg" for level, code in (("critical", "VN"), ("warning", "DE"), ("info", "JP"))
    )
    found = judged(load, _drop(when, watch="measure: weight, partner: US"), rows)
    assert (found.level[0, 0], found.certain[0, 0]) == _by_the_letter(truths)


# Clear.


def test_without_a_clear_it_is_clear_where_all_levels_are_known_false(load: Any) -> None:
    found = judged(load, _drop("warning: yoy <= -10%"), panel(NUMBERS))
    assert found.clear[0, 12:].tolist() == [FALSE, FALSE, FALSE, TRUE]


def test_a_clear_is_known_only_where_its_figures_are(load: Any) -> None:
    found = judged(load, _drop("warning: value <= 20 kg", more="clear: yoy > -5%"), panel(NUMBERS))
    assert found.clear[0, 11:].tolist() == [UNKNOWN, FALSE, UNKNOWN, FALSE, TRUE]


# Doubts.

DOUBT = "direction: either, watch: {measure: value}, when: {data: value <= 1 USD}"
CRASH = "warning: value <= 50 kg, critical: value <= 20 kg"
SAME_CELL = [KEY, KEY.replace(**MONEY), KEY.replace(partner="DE")]


def test_a_doubted_cell_is_never_critical_of_any_measure_and_other_cells_are(load: Any) -> None:
    figures = panel([10.0, 10.0], [1.0, 100.0], [10.0, 10.0], keys=SAME_CELL)
    found = judge(Bench(figures), load(_drop(CRASH), DOUBT))[-1]
    assert [key.partner for key in found.keys] == ["US", "DE"]
    assert found.level.tolist() == [[W, C], [C, C]]
    assert found.certain.tolist() == [[False, True], [True, True]]
    assert found.why(0, 0) == DOUBTED
    assert found.why(1, 0) == ""


def test_data_rules_are_judged_first_and_say_their_own_level(load: Any) -> None:
    found = judge(Bench(panel([10.0], [1.0], [10.0], keys=SAME_CELL)), load(_drop(CRASH), DOUBT))
    assert [verdicts.rule.is_data for verdicts in found] == [True, False]
    assert found[0].level.tolist() == [[Level.DATA]]


def test_a_doubted_figure_that_is_back_never_clears_an_open_critical(load: Any) -> None:
    figures = panel([10.0, 100.0, 100.0], [100.0, 1.0, 100.0], [9.0] * 3, keys=SAME_CELL)
    found = judge(Bench(figures), load(_drop(CRASH), DOUBT))[-1]
    (path,) = fold(found.conduct, found.cells(0))
    assert [(step.month - START, step.change.value) for step in path.steps] == [(0, "opened"), (2, "recovered")]


# Size.


def test_the_larger_of_figure_and_usual_must_reach_the_size(load: Any) -> None:
    figures = panel([30.0, 30.0, 30.0, 1.0, NAN, 15.0], [5.0] * 5 + [30.0], keys=[KEY, KEY.replace(partner="DE")])
    found = judged(load, _drop("warning: value <= 50 kg", more="at_least: 20 kg"), figures)
    assert found.gate[0].tolist() == [TRUE] * 6
    assert found.gate[1].tolist() == [FALSE] * 5 + [TRUE]


def test_an_unknown_usual_counts_as_absent_and_no_figure_at_all_is_unknown(load: Any) -> None:
    found = judged(load, _drop("warning: value <= 50 kg", more="at_least: 20 kg"), panel([10.0, NAN, 30.0]))
    assert found.gate[0].tolist() == [FALSE, UNKNOWN, TRUE]


def test_an_unknown_total_makes_its_alternative_unknown_and_any_other_decides(load: Any) -> None:
    keys = [KEY, KEY.replace(partner=WORLD)]
    figures = panel([10.0, 10.0, 10.0, 30.0], [100.0, NAN, 9000.0, NAN], keys=keys)
    one = judged(load, _drop("warning: value <= 50 kg", more="at_least: 2% of total"), figures)
    assert one.gate[0].tolist() == [TRUE, UNKNOWN, FALSE, UNKNOWN]
    either = judged(load, _drop("warning: value <= 50 kg", more="at_least: {any: [20 kg, 2% of total]}"), figures)
    assert either.gate[0].tolist() == [TRUE, UNKNOWN, FALSE, TRUE]


def test_a_total_that_is_no_longer_given_counts_as_its_usual_and_one_that_is_not_published_is_unknown(load: Any) -> None:
    keys = (KEY, KEY.replace(partner=WORLD))
    rule = _drop("warning: withheld_streak >= 1", more="at_least: 10% of total")
    gates = []
    for gap in (Status.WITHHELD, Status.NOT_PUBLISHED):
        status = [[Status.VALUE] * 4 + [Status.WITHHELD], [Status.VALUE] * 4 + [gap]]
        figures = panel([12, 12, 12, 12, NAN], [100, 100, 100, 100, NAN], keys=keys, status=np.array(status))
        gates.append(judged(load, rule, figures).gate[0, -1])
    assert gates == [TRUE, UNKNOWN]


def test_without_a_size_everything_is_large_enough(load: Any) -> None:
    assert (judged(load, _drop("warning: value <= 50 kg"), panel([NAN, 0.0])).gate == TRUE).all()


def test_a_part_of_the_total_of_a_pair_is_of_both_months(load: Any) -> None:
    keys = [KEY, KEY.replace(partner=WORLD)]
    figures = panel([1.0, 5.0], [500.0, 10.0], keys=keys)
    rule = _drop("warning: value <= 50 kg", more="at_least: 2% of total, jan_feb: combined")
    assert judged(load, rule, figures).gate[0, 1] == FALSE


# False discovery.

UNUSUAL = "direction: either, watch: {measure: weight}, when: {warning: abs(surprise) >= 3}"


def _noise(series: int, months: int, seed: int = 3) -> Any:
    """Draw figures that are as the model's law says, with its heavy tails."""
    return 1e6 * np.exp(0.08 * np.random.default_rng(seed).standard_t(5, (series, months)))


def _many(figures: Any) -> Panel:
    return panel(*figures, keys=[KEY.replace(product=f"HS6:{n + 100000}") for n in range(len(figures))])


def _with(figures: Any, **scores: float) -> Panel:
    """Set figures of the last month to what lies so many standard deviations below what was expected."""
    law = Bank().expect(_many(figures))
    for row, score in enumerate(scores.values()):
        figures[row, -1] = quantile(law, float(ndtr(-score)))[row, -1]
    return _many(figures)


def test_one_of_many_must_be_more_unusual_than_one_alone(load: Any) -> None:
    rule = f"{UNUSUAL}, false_discovery: 5%"
    alone = judged(load, rule, _with(_noise(1, 40), one=3.2))
    many = judged(load, rule, _with(_noise(300, 40), one=3.2))
    assert (alone.level[0, -1], alone.may_open[0, -1]) == (W, TRUE)
    assert (many.level[0, -1], many.certain[0, -1], many.may_open[0, -1]) == (W, True, FALSE)
    assert judged(load, UNUSUAL, many.panel).may_open[0, -1] == TRUE


def test_others_that_are_more_unusual_make_room(load: Any) -> None:
    found = judged(load, f"{UNUSUAL}, false_discovery: 5%", _with(_noise(30, 40), one=3.07, other=9.0))
    assert found.may_open[:2, -1].tolist() == [TRUE, TRUE]


def test_a_figure_too_small_to_open_makes_no_room(load: Any) -> None:
    figures = _noise(30, 40)
    figures[1] /= 1000
    rule = f"{UNUSUAL}, false_discovery: 5%, at_least: 100 t"
    found = judged(load, rule, _with(figures, one=3.07, other=9.0))
    assert found.level[:2, -1].tolist() == [W, W]
    assert found.may_open[:2, -1].tolist() == [FALSE, FALSE]


def test_an_open_alert_stays_and_worsens_whatever_the_others_do(load: Any) -> None:
    figures = _noise(300, 42)
    figures[0, 40:] = [5e4, 4e4]
    both = UNUSUAL.replace("3}", "3, critical: value < 45 t and abs(surprise) >= 3}")
    found = judged(load, f"{both}, false_discovery: 5%", _many(figures))
    (path,) = [path for path in fold(found.conduct, found.cells(0)) if path.since == START + 40]
    assert [step.change.value for step in path.steps] == ["opened", "worsened"]
    held = dataclasses.replace(found.discovery, probability=np.where(np.arange(42) == 41, 1.0, found.discovery.probability))
    (same,) = fold(found.conduct, dataclasses.replace(found, discovery=held).cells(0))[-1:]
    assert same == path


def test_an_event_is_held_back_too(load: Any) -> None:
    rule = f"kind: event, {UNUSUAL}, false_discovery: 5%"
    for series, months in ((1, [START + 39]), (300, [])):
        found = judged(load, rule, _with(_noise(series, 40), one=3.2))
        assert [path.since for path in fold(found.conduct, found.cells(0)) if path.since == START + 39] == months


def test_a_month_opens_what_it_opened_whatever_later_months_bring(load: Any) -> None:
    figures = _noise(60, 48) * np.where(np.random.default_rng(4).random((60, 48)) < 0.02, 0.3, 1.0)
    rule = f"{UNUSUAL}, false_discovery: 5%"
    whole = judged(load, rule, _many(figures))
    assert 0 < whole.opens.sum() < whole.reached.sum()
    for months in (30, 40):
        np.testing.assert_array_equal(judged(load, rule, _many(figures[:, :months])).may_open, whole.may_open[:, :months])


def test_noise_opens_an_alert_in_few_months_only(load: Any) -> None:
    figures = _many(_noise(300, 140))
    held, free = judged(load, f"{UNUSUAL}, false_discovery: 5%", figures), judged(load, UNUSUAL, figures)
    assert free.opens[:, 24:].any(axis=0).mean() > 0.2
    assert held.opens[:, 24:].any(axis=0).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 116)


# Sides.


def test_the_side_is_that_of_the_rule(load: Any) -> None:
    assert (judged(load, _drop("warning: value <= 50 kg"), panel(NUMBERS)).side == -1).all()
    rise = _drop("warning: value >= 50 kg").replace("drop", "rise")
    assert (judged(load, rule=rise, figures=panel(NUMBERS)).side == 1).all()


def test_the_side_of_either_is_that_of_the_surprise_else_of_the_ratio(load: Any) -> None:
    rng = np.random.default_rng(1)
    figures = panel([*np.round(1e6 * np.exp(rng.normal(0, 0.05, 40))), 2e5, 4e6])
    both = [_drop(when).replace("drop", "either") for when in ("warning: abs(surprise) >= 3", "warning: abs(yoy) >= 20%")]
    surprised, grown = judge(Bench(figures), load(*both))
    assert surprised.side[0, -2:].tolist() == [-1, 1]
    assert grown.side[0, -2:].tolist() == [-1, 1]
    early = np.sign(np.nan_to_num(surprised.reader.ask("ratio")[0, :20] - 1))
    assert surprised.side[0, :20].tolist() == early.tolist()


def test_the_side_of_a_shift_is_its_own(load: Any) -> None:
    figures = panel(np.exp(0.03 * np.arange(60.0)) * np.where(np.arange(60) < 57, 1e6, 8e5))
    (shifted,) = judge(Bench(figures), load(_drop("warning: abs(shift) >= 3").replace("drop", "either")))
    assert shifted.reader.ask("ratio")[0, -1] > 1
    assert shifted.side[0, -1] == -1


# History.


def test_a_rule_may_ask_for_more_history_and_says_how_much_there_is(load: Any) -> None:
    found = judged(load, _drop("warning: value <= 20 kg", more="min_history: 3"), panel([10.0, NAN, 10.0, 10.0, 10.0]))
    assert found.level[0].tolist() == [0, 0, 0, 0, W]
    assert found.why(0, 2) == "min_history: 1 of 3 months"
    assert found.why(0, 4) == ""


def test_a_short_series_loses_surprise_and_not_the_rule(load: Any) -> None:
    found = judged(load, _drop("warning: abs(surprise) >= 3 or value <= 20 kg"), panel([100.0, 10.0]))
    assert found.level[0].tolist() == [0, W]
    assert found.why(0, 0) == "seasonal model: 0 of 24 months"


# Reasons.


def test_the_reason_is_that_of_a_condition_that_is_unknown(load: Any) -> None:
    when = "warning: abs(surprise) >= 3, critical: value <= 20 kg and yoy <= -60%"
    found = judged(load, _drop(when), panel([100.0] * 7))
    assert found.why(0, 6) == "seasonal model: 6 of 24 months"


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (Status.NOT_PUBLISHED, "this month: not published"),
        (Status.SUPPRESSED, "this month: suppressed by the source"),
        (Status.WITHHELD, "this month: no longer given by the source"),
        (Status.FAILED, "this month: source could not be read"),
    ],
)
def test_a_cell_without_a_figure_says_what_it_is(load: Any, status: Status, sentence: str) -> None:
    figures = panel([100.0, NAN], status=np.array([[Status.VALUE, status]]))
    assert judged(load, _drop("warning: value <= 50 kg"), figures).why(0, 1) == sentence


def test_the_base_that_is_lacking_is_named(load: Any) -> None:
    assert judged(load, _drop("warning: yoy <= -10%"), panel([100.0] * 6)).why(0, 5) == "y/y: June 2021 is not held"


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from([NAN, 0.0, 10.0, 60.0, 100.0]), min_size=1, max_size=30))
def test_a_cell_has_a_reason_exactly_where_it_is_not_certain(load: Any, row: list[float]) -> None:
    found = judged(load, _drop("warning: ratio <= 0.75, critical: yoy <= -60% or ratio <= 0.3"), panel(row))
    for column in range(len(row)):
        assert bool(found.why(0, column)) is not bool(found.certain[0, column])


# Totals of baskets.

PARTS = [KEY, KEY.replace(product="HS6:850519"), KEY.replace(product="HS6:850520")]


def test_the_total_of_a_basket_is_judged_on_the_sum(load: Any) -> None:
    found = judged(load, _drop("warning: value <= 50 kg", watch="measure: weight, basket: both, product: total"),
                   panel([40.0, 20.0], [30.0, 20.0], [1.0, 1.0], keys=PARTS))  # fmt: skip
    assert [key.product for key in found.keys] == ["X:both-total"]
    assert found.level.tolist() == [[0, W]]
    assert found.panel.values.tolist() == [[70.0, 40.0]]


def test_two_totals_in_the_same_row_each_get_their_own_expectation(load: Any) -> None:
    rng = np.random.default_rng(5)
    rows = 1e6 * np.exp(rng.normal(0, 0.1, (3, 40))) * np.array([[1.0], [1.0], [50.0]])
    watch = "measure: weight, basket: {}, product: total"
    rules = load(*[_drop("warning: surprise <= -3", watch=watch.format(name)) for name in ("both", "pair")])
    both, pair = judge(Bench(panel(*rows, keys=PARTS)), rules)
    assert both.reader.rows.tolist() == pair.reader.rows.tolist()
    assert pair.reader.ask("expected")[0, -1] > 20 * both.reader.ask("expected")[0, -1]


def test_rules_on_the_same_rows_ask_the_model_once(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    expect = Bank.expect
    monkeypatch.setattr(Bank, "expect", lambda self, panel: (asked.append(len(panel.keys)), expect(self, panel))[1])
    judge(Bench(panel([100.0] * 30)), load(_drop("warning: surprise <= -3"), _drop("critical: surprise <= -4")))
    assert asked == [1]


# January and February together.


def _pairs(load: Any, row: list[float], more: str = "for: 2") -> Any:
    found = judged(load, _drop("warning: value <= 50 kg", more=f"jan_feb: combined, {more}"), panel(row))
    return found, [(step.month - START, step.change.value) for path in fold(found.conduct, found.cells(0)) for step in path.steps]


def test_a_pair_is_one_step_of_a_run(load: Any) -> None:
    year = [100.0] * 11 + [10.0]
    found, said = _pairs(load, [*year, 20.0, 20.0, 100.0])
    assert found.level[0, 11:14].tolist() == [W, 0, W]
    assert said == [(13, "opened"), (14, "recovered")]


def test_a_january_that_waits_and_one_gap_do_not_end_a_pending_run(load: Any) -> None:
    year = [100.0] * 10 + [10.0, NAN]
    _, said = _pairs(load, [*year, 20.0, 20.0])
    assert said == [(13, "opened")]


def test_two_steps_without_a_figure_do_end_it(load: Any) -> None:
    year = [100.0] * 10 + [10.0, NAN]
    _, said = _pairs(load, [*year, 20.0, NAN, 10.0])
    assert said == [(12, "opened")]  # January is judged alone, for February came without the cell
    _, said = _pairs(load, [*year, NAN, 20.0, 10.0])
    assert said[0] == (13, "lapsed")


def test_a_january_that_waits_says_so(load: Any) -> None:
    found, _ = _pairs(load, [100.0] * 13)
    assert found.why(0, 12) == "January 2023 waits for February"
