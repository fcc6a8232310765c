"""One spring of magnets as the people around it live it: told, held back, known, put off, passed on, ended, on both databases."""

from __future__ import annotations

import json
from typing import Any

import pytest
import time_machine
from click.testing import CliRunner
from pytest_httpserver import HTTPServer

from monitor import jobs
from monitor.cli import root

HEADING = "period,partner,product,value_t,kind\n"
NEXT = {
    "2025-04": "2025-05-20",
    "2025-05": "2025-06-20",
    "2025-06": "2025-07-20",
    "2025-07": "2025-08-20",
    "2025-08": "2025-09-20",
}


class Spring:
    """A desk to which the months come one by one, a person at its command line, and what every receiver got."""

    def __init__(self, desk: Any, figures: dict[str, str], hook: HTTPServer) -> None:
        self.desk, self.figures, self.hook = desk, figures, hook

    def comes(self, *periods: str) -> None:
        """Let the figures of months come out, and everybody be told."""
        for period in periods:
            self.desk.later(days=1)
            self.desk.open()
            self.desk.take_in("gacc/magnets", HEADING + self.figures[period], NEXT[period])
            jobs.deliver(self.desk.app)

    def types(self, *words: str) -> str:
        """Type a command that must succeed, at the desk's own time."""
        with time_machine.travel(self.desk.now, tick=False):
            result = CliRunner().invoke(root, ["--config", str(self.desk.folder / "config"), *words], prog_name="monitor")
        assert result.exit_code == 0, result.output
        return result.output

    def alert(self, rule: str, partner: str) -> str:
        """Return the id of the alert of a rule about a partner that began last."""
        found = [one for one in self.desk.app.episodes.find(rule=rule) if one.key.partner == partner]
        return str(found[0].id)

    def told(self, receiver: str, period: str) -> str:
        """Return what a receiver read of the release of a month, in one line; "" where nothing came."""
        pages = (self.desk.folder / receiver).glob(f"*_gacc-{period}-*.txt")
        return " ".join(" ".join(page.read_text(encoding="utf-8").split()) for page in sorted(pages))

    def heard(self, rule: str, partner: str) -> list[str]:
        """Return what the machine was told of one alert, call by call."""
        alerts = [alert for request, _ in self.hook.log for alert in json.loads(request.data)["alerts"]]
        mine = [one for one in alerts if (one["labels"]["alertname"], one["labels"]["partner"]) == (rule, partner)]
        return [f"{one['labels']['severity']} {one['status']}" for one in mine]


@pytest.fixture(params=["sqlite", "postgresql"])
def spring(
    request: pytest.FixtureRequest,
    magnets: Any,
    figures: dict[str, str],
    httpserver: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Spring:
    """A desk that knows the months up to March 2025."""
    if request.param == "postgresql":
        address = request.getfixturevalue("new_postgresql")()
        monkeypatch.setenv("MONITOR_DATABASE", address)
        magnets.environ["MONITOR_DATABASE"] = address
    monkeypatch.setenv("HOOK_URL", httpserver.url_for("/hook"))
    magnets.environ["HOOK_URL"] = httpserver.url_for("/hook")
    httpserver.expect_request("/hook", method="POST").respond_with_data("ok")
    files = [{"name": name, "kind": "file", "folder": name, "as": "text"} for name in ("buyers", "chief", "operators")]
    magnets.write("config/monitor.yaml", {"http": {"allow_hosts": ["127.0.0.1", "localhost"]}})
    hook = {"name": "hook", "kind": "webhook", "url": {"env": "HOOK_URL"}}
    magnets.write("config/receivers.yaml", {"receivers": [*files, hook]})
    passed_on = {"to": "chief", "after": 1}
    routes = [
        {"name": "machines", "match": ['theme="magnets"'], "receivers": ["hook"], "continue": True},
        {"name": "buyers", "receivers": ["buyers"], "escalate": passed_on, "remind": [3]},
    ]
    magnets.write("config/routes.yaml", {"operators": "operators", "routes": routes})
    magnets.open()
    made = Spring(magnets, figures, httpserver)
    history = "".join(lines for period, lines in figures.items() if period < "2025-04")
    magnets.take_in("gacc/magnets", HEADING + history, "2025-04-20")
    return made


def test_what_is_silenced_is_kept_in_the_record_and_said_once_the_silence_is_over(spring: Spring) -> None:
    spring.types(
        "silences", "add", 'partner="DE"', "--reason", "the plant is being moved", "--until-figures", "2025-05", "--by", "ada"
    )
    spring.comes("2025-04", "2025-05")
    assert "China to Germany" not in spring.told("buyers", "2025-05")
    assert spring.heard("magnet-drop", "DE") == []
    germany = spring.alert("magnet-drop", "DE")
    assert "silenced by ada until the figures of May 2025: the plant is being moved" in spring.types("alerts", "show", germany)
    spring.comes("2025-06")
    said = spring.told("buyers", "2025-06")
    assert "China to Germany" in said
    assert "the silence of ada (the plant is being moved) ended with the figures of May 2025" in said
    assert spring.heard("magnet-drop", "DE")[0] == "critical firing"
    spring.comes("2025-07")
    assert "ended with the figures of May 2025" not in spring.told("buyers", "2025-07")
    assert spring.heard("magnet-drop", "DE")[-1] == "critical resolved"


def test_what_is_known_is_passed_on_to_nobody_and_what_is_not_is(spring: Spring) -> None:
    spring.comes("2025-04")
    world = spring.alert("magnet-drop", "WORLD")
    spring.comes("2025-05")
    for rule in ("magnet-drop", "magnet-below-last-year"):
        spring.types("alerts", "ack", spring.alert(rule, "US"), "--comment", "licence pending", "--by", "grace")
    spring.comes("2025-06")
    said = spring.told("chief", "2025-06")
    assert "China to World" in said
    assert "China to United States" not in said
    assert "acknowledged by grace" in spring.told("buyers", "2025-06")
    spring.comes("2025-07")
    assert "Recovered" in spring.told("chief", "2025-07")  # whoever was told of it is told of its end
    assert spring.desk.app.episodes.get(world).path.state.value == "resolved"


def test_what_is_put_off_is_not_told_while_it_does_not_get_worse(spring: Spring) -> None:
    spring.comes("2025-04", "2025-05")
    for rule in ("magnet-drop", "magnet-below-last-year"):
        spring.types("alerts", "snooze", spring.alert(rule, "US"), "--months", "1", "--by", "grace")
    spring.comes("2025-06")
    assert "China to United States" not in spring.told("buyers", "2025-06")
    assert "snoozed by grace" in spring.types("alerts", "show", spring.alert("magnet-drop", "US"))
    spring.comes("2025-07")
    assert "China to United States" in spring.told("buyers", "2025-07")


def test_an_alert_called_expected_is_counted_and_the_next_like_it_is_not_told(spring: Spring) -> None:
    spring.comes("2025-04", "2025-05")
    first = spring.alert("magnet-below-last-year", "US")
    spring.types("alerts", "feedback", first, "expected", "--comment", "licences began", "--by", "ada")
    spring.comes("2025-06", "2025-07", "2025-08")
    second = spring.alert("magnet-below-last-year", "US")
    assert second != first
    assert "called expected by ada" in spring.types("alerts", "show", second)
    assert "magnet-below-last-year" not in spring.told("buyers", "2025-08")
    (row,) = [one for one in json.loads(spring.types("rules", "report", "--json")) if one["rule"] == "magnet-below-last-year"]
    assert row["wrong"] == 1


def test_who_did_what_is_written_down_for_good(spring: Spring) -> None:
    spring.comes("2025-04", "2025-05")
    alert = spring.alert("magnet-drop", "US")
    spring.types("alerts", "ack", alert, "--by", "grace")
    spring.types("alerts", "impact", alert, "confirmed", "--by", "ada")
    said = json.loads(spring.types("audit", "list", "--json"))
    assert {(row["who"], row["what"]) for row in said} >= {("grace", "act"), ("ada", "act")}


def test_nobody_is_told_a_thing_twice_however_often_it_is_run(spring: Spring) -> None:
    spring.types("silences", "add", 'partner="DE"', "--reason", "known", "--until-figures", "2025-05", "--by", "ada")
    spring.comes("2025-04", "2025-05", "2025-06")
    before = spring.desk.app.outbox.counts()
    for _ in range(3):
        spring.desk.later(days=1)
        spring.types("evaluate")
        spring.types("deliver")
    assert spring.desk.app.outbox.counts() == before


def test_whatever_a_person_types_is_done_and_written_down(spring: Spring) -> None:
    spring.comes("2025-04")
    spring.hook.clear_all_handlers()
    spring.hook.expect_request("/hook").respond_with_data("no", status=500)
    spring.comes("2025-05")
    (waiting,) = json.loads(spring.types("deliveries", "list", "--waiting", "--json"))
    message = waiting["notification"]
    spring.types("deliveries", "drop", message, "--reason", "known by telephone", "--by", "ada")
    assert json.loads(spring.types("deliveries", "list", "--dead", "--json"))
    spring.hook.clear_all_handlers()
    spring.hook.expect_request("/hook").respond_with_data("ok")
    spring.types("deliveries", "retry", message, "--by", "ada")
    spring.types("receivers", "enable", "hook", "--by", "ada")
    spring.types("deliver")
    assert "critical firing" in spring.heard("magnet-drop", "US")
    assert '"alerts"' in spring.types("deliveries", "show", message)

    alert = spring.alert("magnet-drop", "US")
    for words in (
        ["own", alert, "grace"],
        ["comment", alert, "asked"],
        ["ack", alert],
        ["unack", alert],
        ["snooze", alert, "--months", "1"],
    ):
        spring.types("alerts", *words, "--by", "grace")
    assert "asked" in spring.types("alerts", "show", alert)
    assert "China to United States" in spring.types("render", "--receiver", "buyers", "--alert", alert)
    spring.types("silences", "add", 'partner="JP"', "--reason", "known", "--until-figures", "2025-06", "--by", "ada")
    (silence,) = json.loads(spring.types("silences", "list", "--json"))
    spring.types("silences", "extend", silence["id"], "--until-figures", "2025-07", "--reason", "later", "--by", "ada")
    spring.types("silences", "end", silence["id"], "--reason", "over", "--by", "grace")
    assert "over" in spring.types("silences", "show", silence["id"])
    assert "buyers" in spring.types("routes", "test", "--all")

    def noted(what: str) -> list[str]:
        return [one["who"] for one in json.loads(spring.types("audit", "list", "--what", what, "--json"))]

    assert noted("delivery") == ["ada", "ada"]
    assert noted("receiver") == ["ada"]
    assert noted("act") == ["grace"] * 5
    assert noted("silence") == ["grace", "ada", "ada"]
    assert noted("rule")
