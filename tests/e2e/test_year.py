"""
A year of a desk through the real scheduler: what arrived is what ``year.yaml`` says, line by line.

Four offices are played over sockets on their calendars, a person drops files, another decides a held release; mail goes to a
real SMTP server and calls to a real HTTP receiver.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from aiosmtpd.controller import Controller
from players import census, eurostat, gacc, korea
from players.clock import Clock
from players.office import HTTP, Trouble
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from werkzeug import Request, Response

from monitor import pulling
from monitor.months import Month, calendar_month, format_month, last_day, parse_month
from monitor.series import ReleaseState
from monitor.store import tables

pytestmark = pytest.mark.timeout(600)  # a year takes a minute, and more beside other tests

SCRIPT: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("year.yaml").read_text(encoding="utf-8"))
TONNE = 1000.0
JUST_BEFORE = timedelta(seconds=1)  # an office has published when the hour strikes
SECTION = re.compile(r"^(?P<name>[^\n]+)\n-+\n\n", re.MULTILINE)
RULES = """rules:
  - name: drop
    direction: drop
    watch: {basket: magnets, measure: weight, partner: [each, total]}
    when: {warning: ratio <= 0.75, critical: ratio <= 0.3}
    clear: ratio >= 0.9
    at_least: 10 t

  - name: compounds-drop
    direction: drop
    watch: {basket: compounds, product: total, measure: weight, partner: [each, total]}
    when: {warning: ratio <= 0.75, critical: ratio <= 0.3}
    at_least: 10 t
"""
BASKETS = {
    "baskets": {
        "magnets": {"title": "Magnets", "codes": ["CN8:85051110", "HSK10:8505110000", "HS10:8505110070"]},
        "compounds": {
            "title": "Rare earth compounds",
            "codes": ["CN8:28469060", "HSK10:2846901000", "HSK10:2846909000"],
        },
    },
    "titles": {
        **dict.fromkeys(["CN8:85051110", "HSK10:8505110000", "HS10:8505110070"], "Magnets"),
        **dict.fromkeys(["CN8:28469060", "HSK10:2846901000", "HSK10:2846909000"], "Rare earth compounds"),
    },
}
ENDED = [
    "CN8:28469060",
    {"code": "HSK10:2846901000", "valid_to": "2024-12", "successors": ["HSK10:2846909000"]},
    {"code": "HSK10:2846909000", "valid_from": "2025-01"},
]


def moment(text: Any) -> datetime:
    """Read a moment of the script."""
    return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)


class Postbox:
    """A mail server and a receiver of webhooks that note what came, and when by the moved clock."""

    def __init__(self, web: HTTPServer) -> None:
        self.came: list[str] = []
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.port = int(taken.getsockname()[1])
        self.mail = Controller(self, hostname="127.0.0.1", port=self.port)
        self.mail.start()
        web.expect_request("/machine", method="POST").respond_with_handler(self._called)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        [to] = envelope.rcpt_tos
        found = message_from_bytes(envelope.content, policy=default)
        assert isinstance(found, EmailMessage)
        self.came.append("\n".join([f"{self._head(to.partition('@')[0])}: {found['Subject']}", *_lines(found)]))
        return "250 taken"

    def _called(self, request: Request) -> Response:
        calls = sorted(_call(alert) for alert in json.loads(request.data)["alerts"])
        self.came.append("\n".join([self._head("machine"), *calls]))
        return Response("ok")

    def _head(self, receiver: str) -> str:
        return f"{datetime.now(UTC):%Y-%m-%d} {receiver}"


def _lines(mail: EmailMessage) -> Iterator[str]:
    """Yield the lines of a page with their section, each on one line without its evidence."""
    body = mail.get_body(("plain",))
    assert body is not None
    _, *parts = SECTION.split(body.get_content().replace("\r\n", "\n"))
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        for paragraph in text.split("\n\n"):
            if "  Evidence: " in paragraph:
                yield f"  {name}: {' '.join(paragraph.partition('  Evidence: ')[0].split())}"


def _call(alert: dict[str, Any]) -> str:
    labels = alert["labels"]
    return f"  {alert['status']} {labels['alertname']} {labels['partner']} {labels['severity']}"


def expected() -> list[str]:
    """Return the messages of the script as they are to arrive."""
    return sorted(_written(message) for message in SCRIPT["messages"])


def _written(message: dict[str, Any]) -> str:
    head = f"{message['date']} {message['to']}"
    if "calls" in message:
        return "\n".join([head, *sorted(f"  {call}" for call in message["calls"])])
    sections = {name: lines for name, lines in message.items() if name not in ("date", "to", "subject")}
    return "\n".join([f"{head}: {message['subject']}", *(f"  {name}: {line}" for name in sections for line in sections[name])])


def shortened(came: list[str], wanted: list[str]) -> list[str]:
    """Return what came in the words of the script: a line that fits one of it, dots and all, is written as that one."""
    patterns = [
        (line, re.compile(".*".join(map(re.escape, re.split(r" ?\.\.\. ?", line))))) for line in "\n".join(wanted).split("\n")
    ]

    def short(line: str) -> str:
        return next((words for words, pattern in patterns if pattern.fullmatch(line)), line)

    return sorted("\n".join(map(short, message.split("\n"))) for message in came)


class Anna(gacc.Office):
    """Drops the months that come out together in one file."""

    def drop(self, month: Month) -> None:
        """Leave the file to `drop_together`."""

    def drop_together(self, months: Sequence[Month]) -> None:
        """Write one file."""
        first, *others = (self.content(self.shown(month), month) for month in months)
        path = self.folder / self.name(months[-1], 0)
        path.write_text(first + "".join(other.partition("\r\n")[2] for other in others), encoding=self.encoding, newline="")
        at = (self.clock() - timedelta(minutes=5)).timestamp()
        os.utime(path, (at, at))


@dataclass
class Year:
    """The script as moments at which something is done, and the desk that it is done to."""

    clock: Clock
    desk: Path
    web: HTTPServer
    post: Postbox
    steps: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start, self.end = moment(SCRIPT["start"]), moment(SCRIPT["end"])
        self.first = parse_month(str(SCRIPT["first"]))
        scripts = SCRIPT["offices"]
        self.offices: dict[str, Any] = {
            "gacc": Anna(self.desk / "inbox", lambda: self.clock.now, tuple(scripts["gacc"]["usual"])),
            "korea": korea.Office(self.web, (*scripts["korea"]["usual"], scripts["korea"]["ended"]["successor"])),
            "census": census.Office(self.web, tuple(scripts["census"]["usual"])),
            "eurostat": eurostat.Office(self.web, tuple(scripts["eurostat"]["usual"])),
        }
        self.environ = {name: value for office in self.offices.values() for name, value in office.environ.items()}
        self.environ["HOOK"] = self.web.url_for("/machine")
        for name, script in scripts.items():
            self._plan(name, script)
        accepts = SCRIPT["people"]["accepts"]
        self._at(moment(accepts["at"]), partial(self._accept, accepts["source"]))

    def run(self) -> None:
        """Go through the year, from one step of the script to the next."""
        self._do_until(self.start)
        self._serve()
        for at in sorted({at for at, *_ in self.steps}):
            self.clock.to(at - JUST_BEFORE)
            self._do_until(at)
        self.clock.to(self.end)

    def _do_until(self, at: datetime) -> None:
        """Do what the script says for every moment up to this one, in order."""
        due = sorted((step for step in self.steps if step[0] <= at), key=lambda step: step[:2])
        self.steps = [step for step in self.steps if step[0] > at]
        for *_, do in due:
            do()

    def _at(self, at: datetime, do: Callable[[], None]) -> None:
        if at < self.end:
            self.steps.append((at, len(self.steps), do))

    def _plan(self, name: str, script: dict[str, Any]) -> None:
        """Put what an office does into the calendar; what was out before the desk began is there from its first hour on."""
        office = self.offices[name]
        months: dict[datetime, list[Month]] = {}
        month = self.first
        while (there := self._there(name, month)) < self.end:
            months.setdefault(max(there, self.start), []).append(month)
            month += 1
        for at, together in months.items():
            self._at(at, partial(self._publish, name, *together))
        for trouble in script.get("troubles", ()):
            self._at(moment(trouble["from"]), partial(office.trouble, Trouble(trouble["what"])))
            self._at(moment(trouble["to"]), office.calm)
        if half := script.get("half"):
            self._at(moment(half["until"]), partial(self._publish, name, parse_month(half["month"])))
        if revised := script.get("revised"):
            self._at(moment(revised["at"]), partial(self._publish, name, parse_month(revised["month"])))

    def out(self, name: str, month: Month) -> datetime:
        """Return when an office publishes a month."""
        script = SCRIPT["offices"][name]
        late = {str(key): at for key, at in script.get("late", {}).items()}
        if format_month(month) in late:
            return moment(late[format_month(month)])
        out = script["out"]
        january = name == "gacc" and calendar_month(month) == 1
        day = last_day(month + january) + timedelta(days=out.get("days_after", out.get("day", 0)))
        local = datetime.combine(day, time.fromisoformat(out["time"]), ZoneInfo(out.get("zone", "UTC")))
        return local.astimezone(UTC)

    def _there(self, name: str, month: Month) -> datetime:
        """Return when the desk can have a month: when it is published, or when Anna drops its file."""
        if name != "gacc":
            return self.out(name, month)
        drops = SCRIPT["people"]["drops"]
        late = {str(key): at for key, at in drops["late"].items()}.get(format_month(month))
        return moment(late) if late else self.out(name, month) + timedelta(hours=drops["after_hours"])

    def _publish(self, name: str, *months: Month) -> None:
        script, office = SCRIPT["offices"][name], self.offices[name]
        for month in months:
            if script.get("withheld", {}).get("from") == format_month(month):
                office.withdraw(product=script["withheld"]["product"])
            office.publish(month, self._figures(script, month))
            half = script.get("half", {})
            if half.get("month") == format_month(month) and self.clock.now < moment(half["until"]) - JUST_BEFORE:
                office.half(month)
        if name == "gacc":
            office.drop_together(months)

    def _figures(self, script: dict[str, Any], month: Month) -> dict[tuple[str, str], float]:
        """Return what an office says of a month now, in kilograms by partner and product."""
        unusual = script.get("figures", {}).get(format_month(month), {})
        found = {(partner, product): t for product, usual in script["usual"].items() for partner, t in usual.items()}
        found |= {(partner, product): t for product, changed in unusual.items() for partner, t in changed.items()}
        if (ended := script.get("ended")) and month >= parse_month(ended["from"]):
            found = {(of, ended["successor"] if code == ended["code"] else code): t for (of, code), t in found.items()}
        revised = script.get("revised")
        if revised and month == parse_month(revised["month"]) and self.clock.now >= moment(revised["at"]) - JUST_BEFORE:
            found[revised["partner"], revised["product"]] = revised["to"]
        return {cell: t * TONNE for cell, t in found.items()}

    def _accept(self, source: str) -> None:
        """Write what became of the code that ended, start the service anew, and take the held release in."""
        compounds = {**BASKETS["baskets"]["compounds"], "codes": ENDED}
        self._write("baskets", {**BASKETS, "baskets": {**BASKETS["baskets"], "compounds": compounds}})
        self._serve()
        [held] = self.clock.app.releases.find(source, state=ReleaseState.HELD)
        pulling.accept(self.clock.app, held.id, by="ada")

    def _serve(self) -> None:
        self.clock.serve(self.desk / "config", self.environ)

    def _write(self, name: str, content: dict[str, Any]) -> None:
        (self.desk / "config" / f"{name}.yaml").write_text(json.dumps(content, indent=1), encoding="utf-8")

    def settle_in(self, rules: Path) -> None:
        """Make the desk: its own two rules beside the shipped ones on partners, figures and the service."""
        for folder in ("config", "rules"):
            (self.desk / folder).mkdir(parents=True)
        for theme in ("market", "operations", "data-quality"):
            shutil.copy(rules / f"{theme}.yaml", self.desk / "rules")
        (self.desk / "rules" / "drops.yaml").write_text(RULES, encoding="utf-8")
        self._write("monitor", {"http": {**HTTP, "attempts": 1}, "digest": {"quiet_release": "none", "charts": 0}})
        self._write("sources", {"sources": [office.entry(**ENTRIES[name]) for name, office in self.offices.items()]})
        mailboxes = [self._mailbox(name) for name in ("desk", "operators", "anna", "head")]
        machine = {"name": "machine", "kind": "webhook", "url": {"env": "HOOK"}}
        self._write("receivers", {"receivers": [*mailboxes, machine]})
        operators = {"name": "operators", "match": ['audience="operators"'], "receivers": ["operators"]}
        desk = {"name": "desk", "receivers": ["desk", "machine"]}
        self._write("routes", {"operators": "operators", "routes": [operators, desk]})
        self._write("baskets", BASKETS)

    def _mailbox(self, name: str) -> dict[str, Any]:
        server = {"host": "127.0.0.1", "port": self.post.port, "tls": "none"}
        return {"name": name, "kind": "email", "from": "monitor@desk.example", "to": [f"{name}@desk.example"], **server}


ASK = {"every": "1 hour", "before": "1 hour", "for": "40 days", "otherwise": "1 day"}
ENTRIES: dict[str, dict[str, Any]] = {
    "gacc": {"title": "China magnets", "ask": ASK, "task": {"owner": "anna", "escalate_to": "head", "after": "2 days"}},
    "korea": {"title": "Korea magnets", "ask": ASK, "late_after": "3 days", "first": SCRIPT["first"]},
    "census": {"title": "US magnets", "ask": ASK, "late_after": "5 days", "first": SCRIPT["first"]},
    "eurostat": {"title": "EU trade", "ask": ASK, "late_after": "5 days", "first": SCRIPT["first"]},
}


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Year]:
    """The year, gone through once."""
    with HTTPServer(host="127.0.0.1") as web, Clock(moment(SCRIPT["start"])) as clock:
        post = Postbox(web)
        try:
            found = Year(clock, tmp_path_factory.mktemp("year") / "desk", web, post)
            found.settle_in(repository / "rules")
            found.run()
            yield found
        finally:
            post.mail.stop()


def test_every_message_of_the_year_arrived_and_no_other(year: Year) -> None:
    wanted = expected()
    came = shortened(year.post.came, wanted)
    script, arrived = ("\n".join(messages).split("\n") for messages in (wanted, came))
    differences = list(difflib.unified_diff(script, arrived, "the script", "what came", lineterm="", n=1))
    assert not differences, "\n".join(differences)


def test_every_release_came_in_once_and_was_judged_once(year: Year) -> None:
    app = year.clock.app
    found: dict[str, list[str]] = {}
    horizon: dict[str, Month] = {}
    for release in sorted(app.releases.find(state=ReleaseState.COMMITTED), key=lambda release: release.arrival):
        dataset = f"{release.source}/{release.dataset}"
        fresh = [month for month in sorted(release.coverage.periods) if month > horizon.get(dataset, 0)]
        horizon[dataset] = max(horizon.get(dataset, 0), release.newest)
        if release.fetched_at > year.start:
            found.setdefault(dataset, []).append(" ".join(map(format_month, fresh)))
    assert found == SCRIPT["releases"]
    assert app.releases.pending() == []
    with app.database.read() as connection:
        judged = connection.execute(select(tables.evaluations.c.release, tables.evaluations.c.evaluated_at)).all()
    again = [row.release for row in judged]
    edited = {row.release for row in judged if again.count(row.release) > 1}
    at = {tables.from_stamp(row.evaluated_at) for row in judged if row.release in edited}
    assert max(at, default=year.start) <= moment(SCRIPT["people"]["accepts"]["at"])  # the edited baskets alone judge anew


def test_nothing_is_dated_before_it_was_out(year: Year) -> None:
    for release in year.clock.app.releases.find():
        assert release.published_at <= release.fetched_at
        if release.fetched_at > year.start:
            assert release.published_at >= year.out(release.source, release.newest) - JUST_BEFORE, release
