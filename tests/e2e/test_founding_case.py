"""The founding case: China's magnet exports of 2025, release by release, through pull, evaluate and the outbox."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monitor.judge import Bench, judge
from monitor.months import month
from monitor.notify.render import text
from monitor.rules.examples import read_examples

TABLE = Path(__file__).resolve().parents[2] / "rules" / "tests" / "rare-earth-magnets.yaml"
PARTNERS = ("US", "WORLD", "DE", "JP")


class Run:
    """A desk after its first run, with what the run judged."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk
        self.judged = desk.run()

    def digest(self, period: str) -> Any:
        """The page of a month's release."""
        (found,) = [n.digest for n in self.notes("desk") if f"gacc-{period}" in n.digest.release]
        return found

    def said(self, period: str) -> str:
        """Its text, in one line."""
        return " ".join(text(self.digest(period)).split())

    def notes(self, receiver: str) -> list[Any]:
        return [n for one in self.judged for n in one.evaluation.notifications if n.receiver == receiver]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def run(request: pytest.FixtureRequest, new_desk: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Run:
    desk = new_desk(tmp_path_factory.mktemp("founding"), sources=["gacc/magnets"], rules=["rare-earth-magnets"])
    if request.param == "postgresql":
        desk.environ["MONITOR_DATABASE"] = request.getfixturevalue("new_postgresql")()
    return Run(desk)


def _table() -> list[Any]:
    """The founding table, as the shipped rule test has it."""
    tests = read_examples([TABLE])
    (keys,) = [one.keys for one in tests if one.name == "the founding table of 2025"]
    return list(keys.expect or ())


def test_2025_has_exactly_these_transitions(run: Run) -> None:
    rows = _table()
    expected = [(row.rule, row.series, row.month, row.change, row.level) for row in rows]
    found = {
        (e.rule, f"{e.key.partner} {e.key.product}", t.month, t.change.value, t.level.label): t.evidence["condition"]
        for e, t in run.desk.transitions(history=True)
        if e.key.partner in PARTNERS and t.month >= month(2025, 1)
    }
    assert sorted(found) == sorted(expected)
    for row, cell in zip(rows, expected, strict=True):
        assert all(value.says(found[cell][name]) for name, value in row.reads.items()), cell


def test_each_release_is_judged_as_of_itself_in_the_order_of_publication(run: Run) -> None:
    months = [one.release.newest for one in run.judged]
    assert months == sorted(months)
    assert len(months) == 22
    assert all(one.won for one in run.judged)


def test_a_year_earlier_that_is_not_held_is_not_judged_and_says_so(run: Run) -> None:
    june = next(one.release for one in run.judged if one.release.newest == month(2025, 6))
    panel = run.desk.app.figures.panel("gacc", "magnets", as_of=june)
    rule = next(rule for rule in run.desk.app.ruleset.rules if rule.name == "magnet-below-last-year")
    (verdicts,) = judge(Bench(panel), [rule])
    row = next(n for n, key in enumerate(verdicts.keys) if key.partner == "US")
    column = month(2025, 6) - panel.start
    assert not verdicts.judged[row, column]
    assert verdicts.why(row, column) == "y/y: June 2024 is not held"
    assert "No y/y: June 2024 is not held." in run.said("2025-06")


def test_the_seasonal_model_says_that_it_cannot_speak_yet(run: Run) -> None:
    us = next(line for line in run.digest("2025-05").lines if "United States" in line.title)
    assert "Seasonal model: not yet (7 of 24 months)." in us.sentences
    assert not [e for e, _ in run.desk.transitions(history=True) if e.rule == "magnet-unusual"]


def test_may_says_the_figure_its_base_its_usual_and_its_record(run: Run) -> None:
    said = run.said("2025-05")
    assert (
        "Magnets, China to United States: 46 t in May 2025, 93.3% below a year earlier (689 t) and 7% of its usual 628 t "
        "(median of 5 of 24 months held). Lowest of the 8 months held, May 2019 to May 2025. "
        "Seasonal model: not yet (7 of 24 months)." in said
    )
    assert run.digest("2025-05").subject == "China magnets, May 2025: 1 worse, 2 new drops"


def test_july_says_what_recovered_and_how_long_it_was_below(run: Run) -> None:
    said = run.said("2025-07")
    assert "Magnets, China to United States: 619 t in July 2025, 4.8% above a year earlier (591 t), 104% of its usual" in said
    assert "Recovered (104% of its usual; below for 2 months, May and June)." in said


def test_october_says_the_first_rise_with_both_bases(run: Run) -> None:
    said = run.said("2025-10")
    assert "Magnets, China to United States: 656 t in October 2025, 4.5% above a year earlier (628 t)" in said
    assert "56.2% above September (420 t): the first y/y rise in three months." in said
    assert run.digest("2025-10").subject == "China magnets, Oct 2025: 1 new drop, 1 first rise"
    assert "Magnets with semi-finished goods, China to Japan: 538 t in October 2025, 18.3% below a year earlier" in said


@pytest.mark.parametrize("receiver", ["desk", "terminal"])
def test_every_release_is_told_once_to_each_receiver(run: Run, receiver: str) -> None:
    told = Counter(note.digest.release for note in run.notes(receiver))
    assert told == Counter(one.release.id for one in run.judged)
    sent = Counter(attempt.notification for attempt in run.desk.app.outbox.deliveries(limit=500, receiver=receiver))
    assert sent == Counter(note.id for note in run.notes(receiver))


def test_a_mail_and_a_call_of_may_are_files(run: Run) -> None:
    folder = run.desk.folder / "var" / "outbox"
    assert len(list(folder.glob("*.eml"))) == len(run.judged)
    assert len(list(folder.glob("*gacc-2025-05*.eml"))) == 1
    assert len(list(folder.glob("*gacc-2025-05*.json"))) == 1
    assert not list(folder.glob("*gacc-2024-10*.json"))  # no alert changed: nothing to call about


def _machine_states(run: Run, period: str, rule: str, partner: str) -> list[tuple[str, str]]:
    (file,) = (run.desk.folder / "var" / "outbox").glob(f"*gacc-{period}*.json")
    alerts = json.loads(file.read_text(encoding="utf-8"))["body"]["alerts"]
    mine = [a for a in alerts if (a["labels"]["alertname"], a["labels"]["partner"]) == (rule, partner)]
    return [(alert["labels"]["severity"], alert["status"]) for alert in mine]


@pytest.mark.parametrize(
    ("period", "rule", "partner", "expected"),
    [
        ("2025-05", "magnet-drop", "US", [("critical", "firing")]),
        ("2025-05", "magnet-drop", "WORLD", [("warning", "resolved"), ("critical", "firing")]),
        ("2025-06", "magnet-drop", "US", [("critical", "resolved")]),  # a warning now, muted by the other rule's critical
        ("2025-06", "magnet-below-last-year", "US", []),
        ("2025-06", "magnet-drop", "DE", []),  # easing: it still fires as it did
        ("2025-07", "magnet-drop", "US", []),
        ("2025-07", "magnet-below-last-year", "US", [("critical", "resolved")]),
        ("2025-07", "magnet-drop", "DE", [("critical", "resolved")]),
        ("2025-08", "magnet-below-last-year", "US", [("warning", "firing")]),
        ("2025-10", "magnet-first-rise", "US", [("info", "firing")]),
    ],
)
def test_machines_are_told_each_state_once(run: Run, period: str, rule: str, partner: str, expected: list[Any]) -> None:
    assert _machine_states(run, period, rule, partner) == expected


def test_labels_of_an_alert_never_change_but_for_its_severity(run: Run) -> None:
    labels: dict[str, set[tuple[tuple[str, str], ...]]] = {}
    for note in run.notes("desk"):
        for state in note.digest.alerts:
            bare = tuple(sorted((k, v) for k, v in state.labels.items() if k != "severity"))
            labels.setdefault(state.episode, set()).add(bare)
    assert labels
    assert all(len(found) == 1 for found in labels.values())


def test_a_second_run_takes_in_nothing_and_sends_nothing(run: Run) -> None:
    before = run.desk.state()
    files = sorted((run.desk.folder / "var" / "outbox").rglob("*"))
    assert run.desk.run() == []
    assert run.desk.state() == before
    assert sorted((run.desk.folder / "var" / "outbox").rglob("*")) == files
