"""Rules over the past: month by month over one panel, and release by release, by the functions that judge for real."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alerts.records import Change
from monitor.alerts.routing import Matcher, Route, Routes
from monitor.alerts.sentences import Names
from monitor.alerts.situation import Desk, Reach
from monitor.judge import Bench
from monitor.months import format_month, month
from monitor.panel import Panel
from monitor.replay.judging import Known, Span, Vintage, replay
from monitor.rules.loading import load_rules, ruleset_version
from monitor.series import Coverage, Release, Revision, RevisionKind, SeriesKey

START = month(2020, 1)
KEY = SeriesKey(
    source="gacc", dataset="magnets", reporter="CN", partner="US", product="CN8:85051110", flow="export", measure="weight",
    unit="kg",
)  # fmt: skip
RULES = """rules:
  - name: fall
    direction: drop
    watch: {measure: weight, partner: each}
    when: {warning: value <= 50 t, critical: value <= 20 t}
    clear: value >= 70 t
  - name: two-months
    direction: drop
    watch: {measure: weight, partner: each}
    when: {warning: value <= 50 t}
    for: 2
  - name: high
    kind: event
    direction: rise
    watch: {measure: weight, partner: each}
    when: {info: value >= 90 t}
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    rules = load_text(RULES, tmp_path_factory.mktemp("rules"))
    grave = Route(name="grave", matchers=(Matcher.parse('severity="critical"'),), receivers=("chief", "machine"), goes_on=True)
    routes = Routes((grave, Route(name="rest", receivers=("desk",))))
    reach = {"desk": Reach(), "chief": Reach(addresses=("a@example.org", "b@example.org")), "machine": Reach(machine=True)}
    names = Names({"CN8:85051110": "magnets"})
    return Desk(rules=rules, version=ruleset_version(rules), routes=routes, receivers=reach, names=names)


def load_text(text, folder):
    (folder / "rules.yaml").write_text(text, encoding="utf-8")
    return load_rules(folder, baskets={}, partner_groups={})


def panel_of(*rows):
    """A panel of tonnes, one row a partner; None is not published."""
    values = np.array([[np.nan if v is None else v * 1000 for v in row] for row in rows], float)
    return Panel.of([KEY.replace(partner=code) for code in ("US", "DE", "JP")[: len(rows)]], START, values)


def release(months, number=1):
    at = datetime(2020, 2, 20, tzinfo=UTC) + timedelta(days=30 * number)
    return Release(
        id=f"r{number}", source="gacc", dataset="magnets", published_at=at, estimated=False, fetched_at=at, arrival=number,
        coverage=Coverage(periods=tuple(months)), rows=1, sha256=str(number),
    )  # fmt: skip


def vintage(panel, last, number=1, revisions=()):
    return Vintage(release=release([last], number), bench=Bench(panel.cut(last)), revisions=tuple(revisions))


def over(desk, panel, since=START, until=None):
    until = panel.last if until is None else until
    return replay(desk, Span(since=since, until=until), vintage(panel, until), of=Known.TODAY)


def said(found, rule=None):
    return [
        (one.month - START, episode.key.partner, episode.rule, one.change.value, one.level.label, one.quiet)
        for _, episode, one in found.transitions
        if rule in (None, episode.rule)
    ]


def pages(found):
    return [sorted((page.receiver, page.lines) for page in edition.pages) for edition in found.editions]


def test_each_month_brings_what_its_own_release_would_have_brought(desk):
    found = over(desk, panel_of([100, 40, 10, 60, 80]))
    assert said(found) == [
        (0, "US", "high", "event", "info", ""),
        (1, "US", "fall", "opened", "warning", ""),
        (2, "US", "fall", "worsened", "critical", ""),
        (2, "US", "two-months", "opened", "warning", ""),
        (3, "US", "fall", "easing", "critical", ""),
        (3, "US", "two-months", "recovered", "warning", ""),
        (4, "US", "fall", "recovered", "critical", ""),
    ]
    assert [edition.month - START for edition in found.editions] == [0, 1, 2, 3, 4]
    assert {edition.known for edition in found.editions} == {Known.TODAY}


def test_a_page_goes_where_the_routes_of_the_desk_lead_and_machines_hear_of_states(desk):
    found = over(desk, panel_of([100, 40, 10, 60, 80]))
    grave = [("chief#a@example.org", 1), ("chief#b@example.org", 1), ("desk", 1)]
    assert pages(found) == [
        [("desk", 1)],
        [("desk", 1)],
        sorted([*grave, ("machine", 1)]),
        grave,
        sorted([*grave, ("machine", 1)]),
    ]


def test_five_partners_that_move_together_are_one_line(desk):
    fallen = [KEY.replace(partner=code) for code in ("US", "DE", "JP", "KR", "VN", "TH")]
    panel = Panel.of(fallen, START, np.tile([80e3, 40e3], (6, 1)))
    assert pages(over(desk, panel)) == [[], [("desk", 1)]]


def test_a_run_that_was_too_short_is_kept_and_never_said(desk):
    found = over(desk, panel_of([80, 40, 80]))
    assert said(found, "two-months") == [(2, "US", "two-months", "lapsed", "warning", "never said")]
    assert pages(found) == [[], [("desk", 1)], [("desk", 1)]]


def test_what_opened_before_the_span_is_known_and_only_its_later_changes_are_found(desk):
    found = over(desk, panel_of([40, 40, 40, 80]), since=START + 2)
    assert said(found, "fall") == [(3, "US", "fall", "recovered", "warning", "")]
    assert [edition.month - START for edition in found.editions] == [2, 3]


def test_cells_that_could_not_be_judged_are_counted_apart(desk):
    found = over(desk, panel_of([80, None, 80], [80, 80, 80]))
    assert [edition.judged["fall"] for edition in found.editions] == [2, 1, 2]
    assert [edition.missing["fall"] for edition in found.editions] == [0, 1, 0]


def test_a_release_that_revises_corrects_and_withdraws_as_it_would_have_done(desk):
    first = panel_of([80, 10, 10])
    second = panel_of([80, 30, 80, 80])
    third = panel_of([80, 80, 80, 80, 80])
    changes = [
        Revision(key=first.keys[0], period=START + 1, old=old, new=new, kind=RevisionKind.REVISION)
        for old, new in ((10e3, 30e3), (30e3, 80e3))
    ]
    span = Span(since=START, until=START + 4)
    later = [vintage(second, START + 3, 2, changes[:1]), vintage(third, START + 4, 3, changes[1:])]
    found = replay(desk, span, vintage(first, START + 2), later, of=Known.FIRST)
    assert said(found, "fall") == [
        (1, "US", "fall", "opened", "critical", ""),
        (1, "US", "fall", "corrected", "warning", ""),
        (1, "US", "fall", "withdrawn", "warning", ""),
    ]
    assert [(edition.known, edition.revised) for edition in found.editions[2:]] == [
        (Known.FIRST, 0), (Known.PUBLISHED, 1), (Known.PUBLISHED, 1),
    ]  # fmt: skip


def test_a_january_that_is_judged_alone_comes_with_the_february_that_lacks_it(desk, tmp_path):
    rules = load_text(RULES.replace("    clear: value >= 70 t\n", "    clear: value >= 70 t\n    jan_feb: combined\n"), tmp_path)
    found = over(replace(desk, rules=rules), panel_of([40, None, 80]))
    brought = [(one.month - START, format_month(t.month)) for one, e, t in found.transitions if e.rule == "fall"]
    assert brought == [(1, "2020-01"), (2, "2020-03")]


def test_no_month_of_a_span_gives_no_edition(desk):
    assert over(desk, panel_of([40]), since=START + 5, until=START + 9).editions == ()


tonnes = st.lists(st.sampled_from([None, 10, 30, 60, 80, 95]), min_size=7, max_size=7)


@settings(deadline=None, max_examples=25)
@given(st.lists(tonnes, min_size=1, max_size=3), st.integers(0, 6))
def test_a_month_is_judged_without_those_after_it(desk, rows, last):
    whole, part = over(desk, panel_of(*rows)), over(desk, panel_of(*rows), until=START + last)
    assert said(part) == [row for row in said(whole) if row[0] <= last]
    assert pages(part) == pages(whole)[: last + 1]


@settings(deadline=None, max_examples=25)
@given(st.lists(tonnes, min_size=1, max_size=3), st.integers(0, 5), st.integers(0, 6))
def test_releases_that_revise_nothing_bring_what_the_months_of_one_panel_bring(desk, rows, known, since):
    panel = panel_of(*rows)
    later = [vintage(panel, month, 2 + n) for n, month in enumerate(range(START + known + 1, panel.last + 1))]
    span = Span(since=START + min(since, known + 1), until=panel.last)
    found = replay(desk, span, vintage(panel, START + known), later, of=Known.FIRST)
    assert sorted(said(found)) == sorted(said(over(desk, panel, since=span.since)))
    assert pages(found) == pages(over(desk, panel, since=span.since))


def test_a_change_keeps_the_figures_that_it_rested_on(desk):
    found = over(desk, panel_of([80, 80, 80, 40]))
    (opened,) = [one for _, _, one in found.transitions if one.change is Change.OPENED]
    assert (opened.evidence["value"], opened.evidence["usual"], opened.evidence["ratio"]) == (40e3, 80e3, 0.5)
