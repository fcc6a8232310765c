"""The tree of routes as a file has it: what is inherited, what is refused and where."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.alerts.routing import Route, Routes, Tell
from monitor.configuration.route_checks import odd_routes, wrong_routes
from monitor.configuration.route_keys import RouteFile
from monitor.configuration.routes import branches, named_receivers
from monitor.rules.levels import Level
from monitor.yamlfile import parse, validate

TREE = """
operators: ops
hours:
  office: {days: mon-fri, from: 08:00, to: 18:00, time_zone: Europe/Berlin, holidays: DE}
routes:
  - name: magnets
    match: [theme="magnets"]
    receivers: [desk]
    hours: office
    urgent: [critical]
    group_by: [partner]
    tell: immediate
    escalate: {to: boss, after: 3}
    remind: [2, 4]
    routes:
      - name: pager
        levels: [critical]
        receivers: [pager]
        hours: always
        group_by: []
        tell: digest
        remind: []
      - name: us
        match: [partner="US"]
        escalate: {to: chief}
  - name: default
    receivers: [desk]
"""


def mistakes(text: str) -> list[str]:
    document = parse(text, "routes.yaml")
    file, found = validate(RouteFile, document)
    if file is not None:
        found = list(wrong_routes(branches(file, document)))
    return [str(one) for one in found]


def warnings(text: str) -> list[str]:
    document = parse(text, "routes.yaml")
    return [str(one) for one in odd_routes(branches(RouteFile.model_validate(document.data), document))]


@pytest.fixture
def tree() -> Routes:
    document = parse(TREE, "routes.yaml")
    return Routes(tuple(branch.route for branch in branches(RouteFile.model_validate(document.data), document)))


def named(tree: Routes, name: str) -> Route:
    found = tree.named(name)
    assert found is not None
    return found


def test_a_route_has_what_it_does_not_set_from_the_one_above(tree: Routes) -> None:
    magnets, us = named(tree, "magnets"), named(tree, "us")
    assert us.receivers == magnets.receivers == ("desk",)
    assert us.hours == magnets.hours
    assert us.hours is not None
    assert us.hours.name == "office"
    assert (us.urgent, us.group_by, us.tell, us.remind) == ((Level.CRITICAL,), ("partner",), Tell.IMMEDIATE, (2, 4))
    assert (us.escalate_to, us.escalate_after) == ("chief", 2)
    assert us.levels == ()


def test_a_route_may_set_anything_anew(tree: Routes) -> None:
    pager = named(tree, "pager")
    assert (pager.receivers, pager.hours, pager.group_by, pager.tell, pager.remind) == (("pager",), None, (), Tell.DIGEST, ())
    assert (pager.escalate_to, pager.escalate_after) == ("boss", 3)


def test_at_the_top_there_are_reminders_and_nothing_else(tree: Routes) -> None:
    assert named(tree, "default") == Route(name="default", receivers=("desk",), remind=(3, 6, 12))


def test_every_receiver_that_is_named_has_a_place() -> None:
    document = parse(TREE, "routes.yaml")
    found = named_receivers(branches(RouteFile.model_validate(document.data), document))
    assert [name for name, _ in found] == ["desk", "boss", "pager", "chief", "desk"]
    assert [document.at(loc) for _, loc in found] == [name for name, _ in found]


def routes(*lines: str, hours: str = "") -> str:
    return "\n".join(
        ("operators: ops", *([f"hours: {{{hours}}}"] if hours else []), "routes:", *lines, "  - {name: z, receivers: [x]}")
    )


OUTER = "  - {name: a, match: ['theme=\"m\"'], receivers: [x], routes: ["
INFO = "  - {name: a, levels: [info], receivers: [x]"
OFFICE = "office: {days: mon-fri, time_zone: UTC}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (routes("  - {name: a, match: ['p=\"q\"']}"), '3:5: "receivers" is missing; only a route under another may leave it out'),
        (routes(f"{OUTER}]}}"), "3:61: at least one entry is expected here"),
        (routes(f"{OUTER}{{name: b}}, {{name: c}}]}}"), '3:69: the route "b" takes every alert, so the routes below it get none'),
        (routes(f"{OUTER}{{name: b, continue: true}}]}}"), '3:82: no route follows the last one; leave "continue" out'),
        (
            routes(f"{OUTER}{{name: b, match: ['theme=\"n\"']}}]}}"),
            '3:80: no alert has theme="n" and theme="m", which stands above it',
        ),
        (
            routes("  - {name: a, levels: [critical], receivers: [x], routes: [{name: b, levels: [info]}]}"),
            '3:78: the route "a" above takes only critical',
        ),
        (routes("  - {name: a, levels: [critcal], receivers: [x]}"), 'did you mean "critical"?'),
        (routes("  - {name: a, levels: [data, info, warning, critical], receivers: [x]}"), "these are all levels"),
        (routes("  - {name: a, levels: [], receivers: [x]}"), "at least one entry"),
        (routes("  - {name: a, levels: [info], match: ['severity=\"info\"'], receivers: [x]}"), "write either levels or"),
        (routes(f"{INFO}, hours: offce}}", hours=OFFICE), 'unknown hours "offce"; did you mean'),
        (routes(f"{INFO}, urgent: [info]}}"), "there are none here"),
        (routes(f"{INFO}, escalate: {{to: x}}}}"), 'the route tells "x" anyway'),
        (routes(f"{INFO}, escalate: {{to: y, after: 0}}}}"), "must be greater than or equal to 1"),
        (routes(f"{INFO}, remind: [0]}}"), "must be greater than or equal to 1"),
        (routes(f"{INFO}, group_by: [a b]}}"), '"a b" is not a label'),
        (routes(f"{INFO}, tell: now}}"), '"now" is not one of digest, immediate'),
        (routes(f"{INFO}, hous: office}}", hours=OFFICE), 'did you mean "hours"?'),
        (routes(hours="always: {days: mon, time_zone: UTC}"), 'give these another name'),
        ("operators: ops\nroutes:\n  - {name: a, levels: [info], receivers: [x]}", 'leave "levels" out, or add a route'),
    ],
)  # fmt: skip
def test_what_is_wrong_at_any_depth_is_said_with_its_place(text: str, said: str) -> None:
    (found,) = mistakes(text)
    assert said in found


def test_routes_stand_under_each_other_only_so_deep() -> None:
    def nested(depth: int) -> str:
        inner = f", routes: [{nested(depth - 1)}]" if depth else ""
        return f"{{name: d{depth}, match: ['l{depth}=\"x\"'], receivers: [x]{inner}}}"

    assert mistakes(routes(f"  - {nested(7)}")) == []
    assert "routes stand under each other 8 deep at most" in mistakes(routes(f"  - {nested(8)}"))[0]
    with pytest.raises(Exception, match="32 levels are nested"):
        parse(routes(f"  - {nested(40)}"), "routes.yaml")


def test_a_route_that_an_earlier_one_covers_is_a_warning() -> None:
    covered = routes(
        "  - {name: a, match: ['p=\"q\"'], receivers: [x]}", "  - {name: b, match: ['p=\"q\"', 'r=\"s\"'], receivers: [x]}"
    )
    assert warnings(covered) == ['routes.yaml:4:12: the route "a" above takes every alert that "b" would']
    assert warnings(covered.replace("receivers: [x]}", "receivers: [x], continue: true}", 1)) == []


def test_hours_that_no_route_names_are_a_warning() -> None:
    assert warnings(routes(hours=OFFICE)) == ['routes.yaml:2:9: no route names the hours "office"']


def test_the_hours_of_a_file_open_when_they_say(tree: Routes) -> None:
    hours = named(tree, "magnets").hours
    assert hours is not None
    assert hours.opening(datetime(2026, 12, 24, 20, tzinfo=UTC)) == datetime(2026, 12, 28, 7, tzinfo=UTC)


def test_more_routes_than_anybody_writes_are_refused_in_one_sentence() -> None:
    many = "operators: ops\nroutes:\n" + "  - {name: a, receivers: [desk]}\n" * 501
    _, mistakes = validate(RouteFile, parse(many, "routes.yaml"))
    assert [str(one) for one in mistakes] == ["routes.yaml:3:3: at most 500 entries are expected here, found 501"]
