"""Which rules, over which figures, since when: what somebody asks for, and what cannot be replayed and why."""

from __future__ import annotations

import shutil

import pytest

from monitor import pulling
from monitor.app import App
from monitor.errors import MonitorError, RuleError
from monitor.imports import read_files
from monitor.months import month
from monitor.replay.judging import Known
from monitor.replay.rehearsal import choose, rehearse
from monitor.replay.tally import alerts_of

SINCE = month(2025, 1)
DOUBTFUL = """rules:
  - name: not-so-small
    direction: drop
    watch: {source: gacc, product: each, measure: weight, partner: each}
    when: {data: value <= 100 t}
"""
PRICES = """rules:
  - name: dear
    direction: either
    watch: {source: gacc, product: each, measure: weight, partner: [each, total, FR]}
    when: {data: unit_value.ratio > 2}
"""
LOST = """rules:
  - name: magnet-drop
    direction: drop
    watch: {source: gacc, product: each, measure: weight, partner: FR}
    when: {warning: ratio <= 0.75}
  - name: elsewhere
    direction: drop
    watch: {source: other, product: each, measure: weight, partner: each}
    when: {warning: ratio <= 0.75}
"""


@pytest.fixture(scope="module")
def desk(held_magnets, tmp_path_factory):
    """A desk with the bundled magnets, taken in and not judged; its folder."""
    folder = shutil.copytree(held_magnets, tmp_path_factory.mktemp("rehearsed") / "desk")
    app = App.open(folder / "config", {})
    yield app, folder
    app.close()


@pytest.fixture
def app(desk):
    return desk[0]


@pytest.fixture
def folder(desk):
    return desk[1]


def drop(app, **options):
    (found,) = rehearse(app, [choose(app, "magnet-drop")], SINCE, **options)
    return found


def test_rules_are_a_file_a_folder_or_the_name_of_one(app, folder):
    file = str(folder / "rules" / "rare-earth-magnets.yaml")
    assert [rule.name for rule in choose(app, "magnet-drop").rules] == ["magnet-drop"]
    assert len(choose(app, file).rules) == 4
    assert {rule.name for rule in choose(app, str(folder / "rules")).rules} == {rule.name for rule in app.ruleset.rules}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("magnet-dorp", 'nor a folder of them, nor a rule of this desk; did you mean "magnet-drop"?'),
        ("nowhere/rules.yaml", '"nowhere/rules.yaml" is neither a rule file'),
    ],
)
def test_anything_else_is_refused_with_what_may_be_meant(app, words, said):
    with pytest.raises(MonitorError) as refused:
        choose(app, words)
    assert said in str(refused.value)


def test_a_files_name_without_its_ending_is_answered_with_the_file(app, folder, monkeypatch):
    monkeypatch.chdir(folder)
    for words in ("rare-earth-magnets", "rules/rare-earth-magnets"):
        with pytest.raises(MonitorError, match=r"; the file of that name is rules/rare-earth-magnets\.yaml"):
            choose(app, words)


def test_what_a_rule_cannot_watch_is_told_by_the_last_that_was_left_out(app, tmp_path):
    (tmp_path / "prices.yaml").write_text(PRICES, encoding="utf-8")
    with pytest.raises(MonitorError) as refused:
        rehearse(app, [choose(app, str(tmp_path / "prices.yaml"))], SINCE)
    assert "dear watches nothing: 7 series have no unit value: neither a weight nor a quantity is held (gacc/magnets)" in str(
        refused.value
    )


def test_a_file_of_rules_on_the_service_has_nothing_to_replay(app, folder):
    with pytest.raises(MonitorError, match=r"operations\.yaml: no rule on figures is here"):
        choose(app, str(folder / "rules" / "operations.yaml"))


def test_a_mistake_in_a_file_is_told_with_its_place(app, tmp_path):
    (tmp_path / "bad.yaml").write_text("rules:\n  - name: x\n    treshold: 3\n", encoding="utf-8")
    with pytest.raises(RuleError, match=r"bad\.yaml:3:5"):
        choose(app, str(tmp_path / "bad.yaml"))


def test_a_span_is_the_months_with_figures_in_what_was_asked_for(app):
    assert drop(app).span.until == month(2025, 10)
    assert drop(app, until=month(2025, 6)).span.until == month(2025, 6)
    (early,) = rehearse(app, [choose(app, "magnet-drop")], month(1990, 1))
    assert early.span.since == month(2016, 12)


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        (month(2030, 1), None, "--since 2030-01 is after the newest month held, October 2025 (gacc/magnets)"),
        (month(2025, 5), month(2025, 4), "--until 2025-04 is before --since 2025-05"),
        (month(1990, 5), month(1991, 4), "--until 1991-04 is before the first month held, December 2016 (gacc/magnets)"),
    ],
)
def test_a_span_without_figures_is_refused(app, since, until, said):
    with pytest.raises(MonitorError) as refused:
        rehearse(app, [choose(app, "magnet-drop")], since, until)
    assert str(refused.value) == said


def test_rules_that_watch_nothing_are_refused_and_some_among_others_are_named(app, folder, tmp_path):
    (tmp_path / "lost.yaml").write_text(LOST, encoding="utf-8")
    with pytest.raises(MonitorError) as refused:
        rehearse(app, [choose(app, str(tmp_path / "lost.yaml"))], SINCE)
    assert str(refused.value) == (
        f"{tmp_path / 'lost.yaml'}: nothing can be replayed; magnet-drop watches nothing: France: no series is held "
        "(gacc/magnets); "
        "elsewhere watches nothing: no figures of its source and dataset are held"
    )
    (found,) = rehearse(app, [choose(app, str(folder / "rules"))], SINCE)
    assert found.blind == (
        "unit-value-doubt watches nothing: no series has this source, dataset, reporter, flow, measure and basis (gacc/magnets)",
    )


def test_a_desk_without_figures_says_how_to_get_some(magnets_desk):
    app = App.open(magnets_desk / "config", {})
    with pytest.raises(MonitorError, match="no figures are held yet, so no rule can be replayed; `monitor run` takes them in"):
        rehearse(app, [choose(app, "magnet-drop")], SINCE)
    app.close()


def test_it_says_as_of_when_the_figures_are(app):
    assert drop(app).figures == [
        "Over today's figures, which may since have been revised; --as-published judges each release as it came out."
    ]
    assert drop(app, as_published=True).figures == [
        "gacc/magnets: from January 2025 on 8 releases, each as of itself; they revised 0 figures."
    ]
    (early,) = rehearse(app, [choose(app, "magnet-drop")], month(2016, 1), as_published=True)
    assert early.figures[0].endswith("Months up to December 2016 are as the first release held knows them.")


def test_a_dataset_with_one_release_is_as_that_one_knows_it(magnets_desk, tmp_path):
    app = App.open(magnets_desk / "config", {})
    lines = [f"2025-{n:02d},United States,CN8:85051110,{600 if n < 6 else 40},stated" for n in range(1, 8)]
    (tmp_path / "all.csv").write_text("\n".join(["period,partner,product,value_t,kind", *lines]), encoding="utf-8")
    pulling.commit(app, *read_files(app, "gacc/magnets", [tmp_path / "all.csv"], "2025-08-20"))
    found = drop(app, as_published=True)
    app.close()
    assert found.figures == [
        "gacc/magnets: no release came out in these months but the first that is held; they are as it knows them."
    ]
    assert {edition.known for one in found.replays for edition in one.editions} == {Known.FIRST}
    assert any(edition.transitions for one in found.replays for edition in one.editions)


def test_the_data_rules_of_the_desk_weigh_and_are_not_told(app, folder):
    doubts = folder / "rules" / "doubts.yaml"
    doubts.write_text(DOUBTFUL, encoding="utf-8")
    doubting = App.open(folder / "config", {})
    found = {"without": drop(app), "with": drop(doubting)}
    doubting.close()
    doubts.unlink()
    levels = {
        name: {alert.level.label for alert in alerts_of(one.replays, one.rules) if alert.key.partner == "US"}
        for name, one in found.items()
    }
    assert levels == {"without": {"critical", "warning"}, "with": {"warning"}}, "46 t is in doubt: no more than a warning"
    told = {page.receiver for one in found["with"].replays for edition in one.editions for page in edition.pages}
    assert told == {"desk", "terminal"}


def test_two_choices_share_their_span_and_judge_apart(app):
    one, other = rehearse(app, [choose(app, "magnet-drop"), choose(app, "magnet-first-rise")], SINCE)
    assert one.span == other.span
    rules = [{e.rule for replay in found.replays for e in replay.episodes.values()} for found in (one, other)]
    assert rules == [{"magnet-drop"}, {"magnet-first-rise"}]
