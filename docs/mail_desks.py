"""Desks in temporary folders that bring about every kind of mail: real judging of figures that somebody put into a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from monitor import jobs, pulling
from monitor.alerts.messages import Delivery, Notification, Outcome
from monitor.alerts.routing import Matcher
from monitor.alerts.silences import Silence
from monitor.app import App
from monitor.months import parse_month
from monitor.operations import over, raised
from monitor.rules.schema import Fact
from monitor.trial import trial_digest

PRODUCT, EARTHS = "CN8:85051110", "X:rare-earth-products"
HEADING = "period,partner,product,value_t\n"
RULES = """rules:
  - name: magnet-drop
    direction: drop
    watch: {measure: weight, product: [CN8:85051110, X:rare-earth-products], partner: [each, total]}
    when: {warning: ratio <= 0.65, critical: ratio <= 0.3}
    clear: ratio >= 0.9
    summary: "Licences are needed since 4 April 2025."
    runbook: docs/runbooks/magnets.md
  - name: operations
    kind: operations
    facts: [source_failed]
    labels: {audience: operators}
"""
OFFICE = {"days": "mon-fri", "from": "08:00", "to": "18:00", "time_zone": "Europe/Berlin"}
STEPS = {"flash": ("flash", 7), "bulletin": ("monthly bulletin", 18)}


@dataclass
class ExampleDesk:
    """A desk whose figures are files in a folder; its clock stands where the last file was put."""

    folder: Path
    datasets: tuple[str, ...] = ("magnets",)
    now: datetime = datetime(2025, 4, 21, 12, tzinfo=UTC)
    parts: dict[str, Any] = field(default_factory=dict)
    buyers: dict[str, Any] = field(default_factory=dict)
    """What the buyers' route has besides its receiver."""

    def __post_init__(self) -> None:
        for name in ("config", "rules", *self.datasets):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "rules" / "r.yaml").write_text(RULES, encoding="utf-8")
        receivers = [
            {"name": name, "kind": "email", "host": "localhost", "tls": "none", "to": [f"{name}@example.org"], **self.parts}
            for name in ("buyers", "operators")
        ]
        files = {"sources": {"sources": list(map(self._entry, self.datasets))}, "receivers": {"receivers": receivers}}
        for name, content in {**files, "routes": self._routes(), "monitor": {"digest": {"quiet_release": "all"}}}.items():
            (self.folder / "config" / f"{name}.yaml").write_text(json.dumps(content), encoding="utf-8")
        titles = {PRODUCT: "Magnets", EARTHS: "Rare earths"}
        (self.folder / "config" / "baskets.yaml").write_text(json.dumps({"baskets": {}, "titles": titles}), encoding="utf-8")

    def _routes(self) -> dict[str, Any]:
        operators = {"name": "operators", "match": ['audience="operators"'], "receivers": ["operators"]}
        buyers = {"name": "buyers", "receivers": ["buyers"], **self.buyers}
        return {"operators": "operators", "hours": {"office": OFFICE}, "routes": [operators, buyers]}

    def _entry(self, dataset: str) -> dict[str, Any]:
        day = STEPS[dataset][1] if dataset in STEPS else 20
        stage = (
            {"thread": "china", "step": list(STEPS).index(dataset) + 1, "name": STEPS[dataset][0]} if dataset in STEPS else None
        )
        entry: dict[str, Any] = {
            "name": "customs", "kind": "table", "dataset": dataset, "title": "China magnets", "folder": dataset,
            "reporter": "CN", "flow": "export", "measure": "weight", "unit": "t", "columns": {"value": "value_t"},
            "published": {"day_of_next_month": day, "time": "10:00", "zone": "Asia/Shanghai"},
            "credit": "General Administration of Customs of China",
        }  # fmt: skip
        return {**entry, "stage": stage} if stage else entry

    def open(self) -> App:
        """Open the desk anew, as another process would."""
        return App.open(self.folder / "config", {}, clock=lambda: self.now)

    def put(self, name: str, rows: Iterable[str], dataset: str = "magnets") -> None:
        """Put a file into the watched folder; it has been quiet for a while."""
        path = self.folder / dataset / f"{name}.csv"
        path.write_text(HEADING + "".join(f"{row}\n" for row in rows), encoding="utf-8")
        old = (self.now - timedelta(hours=1)).timestamp()
        os.utime(path, (old, old))

    def told(self) -> list[Notification]:
        """Take in what is there, judge it, and return what is told of it."""
        app = self.open()
        pulling.pull_all(app)
        found = [note for judged in jobs.evaluate(app) for note in judged.evaluation.notifications]
        app.close()
        return found


def months(figures: Mapping[str, float], first: str, last: str) -> Iterator[str]:
    """Yield rows of a product for partners with the same figure in every month."""
    year, month = int(first[:4]), int(first[5:])
    while f"{year}-{month:02d}" <= last:
        for partner, tonnes in figures.items():
            season = 1 + 0.06 * ((month * 5 + len(partner)) % 7 - 3) / 3
            yield f"{year}-{month:02d},{partner},{PRODUCT},{tonnes * season:.0f}"
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


USUAL = {"World": 4900, "United States": 620, "Germany": 990, "Japan": 410}
FALLEN = {"World": 2627, "United States": 46, "Germany": 717, "Japan": 398}


def release(
    desk: ExampleDesk, period: str, figures: Mapping[str, float], *more: str, at: datetime | None = None
) -> list[Notification]:
    """Publish a month on the 20th of the next, or `at` a moment; `more` are rows of earlier months, as they stand now."""
    year, month = int(period[:4]), int(period[5:])
    desk.now = at or datetime(year + month // 12, month % 12 + 1, 20, 12, tzinfo=UTC)
    desk.put(period, [*(f"{period},{partner},{PRODUCT},{tonnes}" for partner, tonnes in figures.items()), *more])
    return desk.told()


def lives(folder: Path) -> Iterator[tuple[str, Notification]]:
    """Yield the mails of one alert's life: new, worse, easing, recovered, quiet, and what revisions change of it."""
    desk = ExampleDesk(folder)
    desk.put("until", months(USUAL, "2023-01", "2025-03"))
    desk.told()
    april = {"World": 2627, "United States": 246, "Germany": 717, "Japan": 398}
    may = {"World": 1238, "United States": 46, "Germany": 209, "Japan": 402}
    june = {"World": 3188, "United States": 353, "Germany": 764, "Japan": 401}
    yield from (("new-drop", note) for note in release(desk, "2025-04", april))
    yield from (("worse", note) for note in release(desk, "2025-05", may))
    yield from (("easing", note) for note in release(desk, "2025-06", june))
    yield from (("recovered", note) for note in release(desk, "2025-07", {**USUAL, "United States": 619, "Germany": 1115}))
    revised = f"2025-05,United States,{PRODUCT},412"
    yield from (("corrected", note) for note in release(desk, "2025-08", USUAL, revised))
    yield from (("quiet", note) for note in release(desk, "2025-09", USUAL))


def breadth(folder: Path) -> Iterator[tuple[str, Notification]]:
    """Yield the mail of a month in which many partners fell together."""
    partners = {"Germany": 990, "Japan": 410, "Korea": 380, "Vietnam": 260, "Italy": 150, "Poland": 140, "India": 300}
    desk = ExampleDesk(folder)
    desk.put("until", months({"World": 4900, **partners}, "2023-01", "2025-03"))
    desk.told()
    fallen = {partner: round(tonnes * (0.14 + n * 0.05)) for n, (partner, tonnes) in enumerate(partners.items())}
    yield from (("many-partners", note) for note in release(desk, "2025-04", {"World": 2627, **fallen}))


def stages(folder: Path) -> Iterator[tuple[str, Notification]]:
    """Yield the mails of one month that comes out twice: a flash, and what confirms or corrects it."""
    desk = ExampleDesk(folder, datasets=tuple(STEPS))
    for dataset in STEPS:
        desk.put("until", months({"World": 4900, "United States": 620}, "2023-01", "2025-03"), dataset)
    desk.told()
    desk.now = datetime(2025, 5, 7, 12, tzinfo=UTC)
    desk.put("2025-04", [f"2025-04,World,{PRODUCT},1400", f"2025-04,United States,{PRODUCT},330"], "flash")
    yield from (("flash", note) for note in desk.told())
    desk.now = datetime(2025, 5, 18, 12, tzinfo=UTC)
    desk.put("2025-04", [f"2025-04,World,{PRODUCT},1391", f"2025-04,United States,{PRODUCT},602"], "bulletin")
    yield from (("confirmed", note) for note in desk.told())


def reminder(folder: Path) -> Iterator[tuple[str, Notification]]:
    """Yield the mail that says once more what has been open for three months."""
    desk = known(folder, buyers={"remind": [3, 6, 12]})
    for period in ("2025-04", "2025-05", "2025-06"):
        release(desk, period, FALLEN)
    yield from (("still-open", note) for note in release(desk, "2025-07", FALLEN))


def silence(folder: Path) -> Iterator[tuple[str, Notification]]:
    """Yield the mail that counts what a silence holds back, and the one that says what is still open after it."""
    desk = known(folder)
    app = desk.open()
    silenced = Silence(
        id="5f0b2c7c-7d0c-5d5e-8f43-f0a7a0a21b55", matchers=(Matcher.parse('partner="US"'),), author="ada",
        reason="licence pending", created=desk.now, starts=desk.now, until_figures=parse_month("2025-05"),
    )  # fmt: skip
    app.silences.add(silenced)
    app.close()
    yield from (("not-told", note) for note in release(desk, "2025-04", FALLEN))
    release(desk, "2025-05", FALLEN)
    yield from (("silence-over", note) for note in release(desk, "2025-06", FALLEN))


def gathered(folder: Path) -> Iterator[tuple[str, Notification]]:
    """Yield the mail of a Monday morning: what came out at the weekend, told together."""
    desk = known(folder, buyers={"hours": "office"})
    saturday = datetime(2025, 7, 19, 12, tzinfo=UTC)
    release(desk, "2025-04", FALLEN, at=saturday)
    release(desk, "2025-05", {**FALLEN, "Germany": 209}, at=saturday + timedelta(hours=20))
    app = desk.open()
    monday = datetime(2025, 7, 21, 8, tzinfo=UTC)
    yield from (("together", claim.notification) for claim in app.outbox.claim(monday, lease=timedelta(minutes=1)))
    app.close()


def immediate(folder: Path) -> Iterator[tuple[str, Notification]]:
    """Yield the first message of a route that sends each new line as one of its own."""
    desk = known(folder, buyers={"tell": "immediate"})
    yield from [("immediate", note) for note in release(desk, "2025-04", FALLEN)][:1]


def known(folder: Path, **parts: Any) -> ExampleDesk:
    """Return a desk that knows the figures up to March 2025, and was told of them."""
    desk = ExampleDesk(folder, **parts)
    desk.put("until", months(USUAL, "2023-01", "2025-03"))
    desk.told()
    app = desk.open()
    for claim in app.outbox.claim(desk.now + timedelta(days=7), lease=timedelta(minutes=1)):
        sent(app, claim.notification, desk.now)
    app.close()
    return desk


def sent(app: App, note: Notification, at: datetime) -> None:
    """Write down that a mail was sent."""
    app.outbox.record(Delivery(notification=note.id, attempt=1, at=at, outcome=Outcome.SENT, answer=""), retry_at=None)


def trouble(folder: Path) -> Iterator[tuple[str, Notification]]:
    """Yield what operators are told of a source that fails and comes back, and a test message."""
    desk = ExampleDesk(folder)
    app = desk.open()
    raised(app, Fact.SOURCE_FAILED, "customs/magnets", "The folder magnets cannot be read: permission denied, for 1 hour.")
    desk.now += timedelta(hours=2)
    over(app, (Fact.SOURCE_FAILED,), "customs/magnets")
    for name in ("source-failed", "source-over"):
        (claim,) = app.outbox.claim(desk.now, lease=timedelta(minutes=1))
        yield name, claim.notification
        sent(app, claim.notification, desk.now)
    yield "test", Notification(
        id="7a3c1e52-0b7d-5c1e-9a54-1f2e3d4c5b6a", receiver="buyers#buyers@example.org", route="test", thread="test|buyers",
        cause="test", created_at=desk.now, digest=trial_digest(desk.now),
    )  # fmt: skip
    app.close()


KINDS = (lives, reminder, silence, gathered, immediate, breadth, stages, trouble)
"""What yields the mails, each in a folder of its own."""
