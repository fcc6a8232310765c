"""Labels lead to receivers: first match, `continue`, and no surprise from an absent label."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.routing import Matcher, Operator, Route, Routes
from monitor.rules.levels import Level

MAGNETS = {"severity": "critical", "theme": "magnets", "partner": "US"}


def route(name: str, *matchers: str, goes_on: bool = False) -> Route:
    return Route(name=name, matchers=tuple(map(Matcher.parse, matchers)), receivers=("desk",), goes_on=goes_on)


def names(routes: Routes, labels: dict[str, str]) -> list[str]:
    return [found.name for found in routes.find(labels)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('severity="critical"', True),
        ("severity=critical", True),
        (' severity = "critical" ', True),
        ('severity="crit"', False),
        ('severity!="critical"', False),
        ('severity!="warning"', True),
        ('severity=~"critical|warning"', True),
        ('severity=~"crit"', False),
        ('theme=~"mag.*"', True),
        ('theme!~"mag.*"', False),
        ('theme!~"mag"', True),
        ('theme=~"[a-z]+"', True),
        (r'theme=~"\w+"', True),
    ],
)
def test_a_matcher_compares_the_whole_label(text: str, expected: bool) -> None:
    assert Matcher.parse(text).matches(MAGNETS) is expected


@pytest.mark.parametrize("operator", list(Operator))
@pytest.mark.parametrize("labels", [{}, {"team": ""}])
def test_an_absent_or_empty_label_never_matches(operator: Operator, labels: dict[str, str]) -> None:
    assert not Matcher(label="team", operator=operator, value="buyers").matches(labels)


def test_quotes_inside_a_value_are_read_and_written() -> None:
    matcher = Matcher.parse(r'title="the \"big\" one"')
    assert matcher.value == 'the "big" one'
    assert Matcher.parse(str(matcher)) == matcher


@given(st.sampled_from(list(Operator)), st.from_regex(r"[A-Za-z0-9_ -]{1,20}", fullmatch=True))
def test_what_a_matcher_prints_reads_back_as_itself(operator: Operator, value: str) -> None:
    matcher = Matcher(label="theme", operator=operator, value=value)
    assert Matcher.parse(str(matcher)) == matcher


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("severity", "is not a matcher"),
        ('severity=="critical"', "is not a matcher"),
        ('="critical"', "is not a matcher"),
        ('severity="critical" and theme="x"', "is not a matcher"),
        ('severity=""', "never matches"),
        ('theme=~"("', "is not a regular expression"),
        ('theme=~"(a+)+"', "repeats a group"),
        ('theme=~"(a|a)*"', "repeats a group"),
        (r'theme=~"(a)\1"', "back-reference"),
        ('theme=~"(?i)a"', "back-reference"),
        ('theme=~"' + ".*" * 5 + '"', "5 repeats"),
        ('theme=~"' + "(a|a)" * 39 + 'b"', '39 groups; with "|" at most 4'),
        ('theme=~"((((( |a|aa)))))b"', "5 groups"),
        ('theme=~"' + "a" * 201 + '"', "201 characters"),
    ],
)
def test_a_mistake_is_explained_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        Matcher.parse(text)
    assert said in str(caught.value)


@pytest.mark.parametrize("pattern", ["a*a*a*a*b", "(a|aa|a|aa|a|aa|a|aa|a|aa|a|aa|a|aa|a|aa|a)" * 4 + "b"])
def test_the_slowest_patterns_that_are_allowed_end_soon(pattern: str) -> None:
    begin = time.process_time()
    assert not Matcher.parse(f'theme=~"{pattern}"').matches({"theme": "a" * 100})
    assert time.process_time() - begin < 10


def test_the_first_route_that_matches_takes_the_alert() -> None:
    routes = Routes((route("magnets", 'theme="magnets"'), route("critical", 'severity="critical"'), route("default")))
    assert names(routes, MAGNETS) == ["magnets"]
    assert names(routes, {"severity": "critical"}) == ["critical"]
    assert names(routes, {"severity": "info"}) == ["default"]


def test_a_route_that_continues_lets_the_ones_below_try() -> None:
    routes = Routes((route("magnets", 'theme="magnets"', goes_on=True), route("data", 'severity="data"'), route("default")))
    assert names(routes, MAGNETS) == ["magnets", "default"]


def test_every_matcher_of_a_route_must_hold() -> None:
    both = route("both", 'theme="magnets"', 'severity="warning"')
    assert not both.matches(MAGNETS)
    assert both.matches({**MAGNETS, "severity": "warning"})


@given(st.dictionaries(st.sampled_from(["severity", "theme", "audience"]), st.text(max_size=8)))
def test_with_a_default_route_no_alert_is_lost(labels: dict[str, str]) -> None:
    routes = Routes((route("ops", 'audience="operators"'), route("magnets", 'theme=~"mag.*"', goes_on=True), route("default")))
    assert routes.find(labels)


LABELS = st.dictionaries(st.sampled_from(["severity", "theme", "team"]), st.sampled_from(["critical", "warning", "a", "b", ""]))
CONDITIONS = st.lists(st.sampled_from(['severity="critical"', 'theme="a"', 'theme!="a"', 'team="b"']), max_size=2, unique=True)


def trees(depth: int) -> st.SearchStrategy[tuple[Route, ...]]:
    """Make routes that stand beside each other, with others under them."""
    under = trees(depth - 1) if depth else st.just(())
    one = st.builds(
        lambda matchers, goes_on, levels, routes: Route(
            name="", matchers=tuple(map(Matcher.parse, matchers)), goes_on=goes_on, levels=tuple(levels), routes=routes
        ),
        CONDITIONS, st.booleans(), st.sampled_from([(), (Level.CRITICAL,)]), under,
    )  # fmt: skip
    return st.lists(one, max_size=3).map(tuple)


def numbered(routes: tuple[Route, ...], above: str = "") -> tuple[Route, ...]:
    return tuple(
        replace(route, name=f"{above}/{n}", routes=numbered(route.routes, f"{above}/{n}")) for n, route in enumerate(routes)
    )


@given(trees(2), LABELS)
def test_with_a_default_route_every_label_set_ends_somewhere_and_never_twice(
    tree: tuple[Route, ...], labels: dict[str, str]
) -> None:
    found = names(Routes((*numbered(tree), Route(name="default"))), labels)
    assert found
    assert len(found) == len(set(found))
    assert not any(other.startswith(f"{one}/") for one in found for other in found)  # never a route and one under it


@given(trees(0), LABELS)
def test_a_tree_of_one_level_is_the_list_that_it_was(tree: tuple[Route, ...], labels: dict[str, str]) -> None:
    taken: list[str] = []
    for route in numbered(tree):
        if route.matches(labels):
            taken.append(route.name)
            if not route.goes_on:
                break
    assert names(Routes(numbered(tree)), labels) == taken


@given(trees(1), LABELS)
def test_a_tree_without_going_on_is_a_list_of_its_leaves_with_all_their_matchers(
    tree: tuple[Route, ...], labels: dict[str, str]
) -> None:
    still = tuple(replace(r, goes_on=False, routes=tuple(replace(u, goes_on=False) for u in r.routes)) for r in numbered(tree))
    spread = [
        replace(one, matchers=(*top.matchers, *own), levels=(), routes=())
        for top in still
        if top.levels == ()
        for one, own in [*((under, under.matchers) for under in top.routes if not under.levels), (top, ())]
    ]
    only = tuple(replace(r, routes=tuple(u for u in r.routes if not u.levels)) for r in still if not r.levels)
    assert names(Routes(only), labels) == names(Routes(tuple(spread)), labels)


def test_an_alert_goes_to_the_route_under_the_one_that_matches() -> None:
    under = (route("pager", 'severity="critical"', goes_on=True), route("us", 'partner="US"'), route("de", 'partner="DE"'))
    routes = Routes((replace(route("magnets", 'theme="magnets"'), routes=under), route("default")))
    assert names(routes, MAGNETS) == ["pager", "us"]
    assert names(routes, {**MAGNETS, "severity": "info"}) == ["us"]
    assert names(routes, {"theme": "magnets", "severity": "info"}) == ["magnets"]
    assert names(routes, {"severity": "critical"}) == ["default"]


def test_levels_are_those_of_the_severity() -> None:
    grave = Route(name="grave", levels=(Level.CRITICAL, Level.WARNING))
    assert grave.matches({"severity": "warning"})
    assert not grave.matches({"severity": "info"})
    assert not grave.matches({})
