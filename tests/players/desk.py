"""A desk with one source, whose office and clock a test moves; and what each kind of source says of a figure."""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from pytest_httpserver import HTTPServer

from monitor import pulling
from monitor.app import App
from monitor.months import Month, last_day, month
from monitor.series import WORLD, Flag, Release, ReleaseState, SeriesKey, Status
from players.clock import Clock
from players.gacc import Drop
from players.office import HTTP, PRICE, Office

FEBRUARY, MARCH, MAY, JUNE, JULY = month(2025, 2), month(2025, 3), month(2025, 5), month(2025, 6), month(2025, 7)
RULES = """rules:
  - name: fall
    direction: drop
    watch: {measure: %s, partner: [each, total]}
    when: {warning: ratio <= 0.6}
  - name: operations
    kind: operations
    facts: [source_failed, credentials_missing, quota_used_up, release_held, format_changed]
    labels: {audience: operators}
"""
ROUTES = {
    "operators": "operators",
    "routes": [
        {"name": "operators", "match": ['audience="operators"'], "receivers": ["operators"]},
        {"name": "all", "receivers": ["desk"]},
    ],
}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """
    What a kind of source says of a figure.

    `lag` is how many days after a month its figures come; `key` what was traded with a partner; `currency` that of the value
    which stands beside a weight; `second` another product; `first` the first month; `newest` what marks the newest one;
    `half` what operators are told of a month that is half loaded; `total` tells whether there is a total.
    """

    lag: int
    key: str
    currency: str | None
    second: str
    first: Month = FEBRUARY
    total: bool = True
    keys: dict[str, Any] = field(default_factory=lambda: {"first": "2025-02"})
    partners: tuple[str, ...] = ("DE", "FR", "CN", "KR", "VN")
    newest: Flag = Flag.NONE
    half: str = ""


FACTS = {
    "census": Facts(
        lag=35,
        key="census/imports/hs/US/{}/HS10:8505110070/import/weight/kg/reported",
        currency="USD",
        second="8505119000",
        half="release is held",
    ),
    "comtrade": Facts(
        lag=40,
        key="comtrade/imports/jp/JP/{}/HS6:850511/import/weight/kg/reported",
        currency="USD",
        second="850519",
    ),
    "eurostat": Facts(
        lag=46,
        key="eurostat/trade/magnets/DE/{}/CN8:85051110/import/weight/kg/reported",
        currency="EUR",
        second="85051190",
        partners=("CN", "FR", "JP", "KR", "VN"),
    ),
    "gacc": Facts(
        lag=20,
        key="gacc/exports/hs8/CN/{}/CN8:85051110/export/weight/kg/reported",
        currency="USD",
        second="85051190",
        keys={},
        partners=("DE", "FR", "JP", "KR", "VN"),
        half="release is held",
    ),
    "gacc_bulletin": Facts(
        lag=9,
        key="gacc/flash/CN/{}/HS:TOTAL/export/value/USD/reported",
        currency=None,
        second="",
        first=MARCH,
        keys={"first": "2025-03"},
        half="release is held",
    ),
    "hmrc": Facts(
        lag=44,
        key="hmrc/imports/cn8/GB/{}/CN8:85051110/import/weight/kg/reported",
        currency="GBP",
        second="85051190",
    ),
    "japan": Facts(
        lag=29,
        key="japan/imports/hs9/JP/{}/HS9:850511000/import/weight/kg/reported",
        currency="JPY",
        second="850519000",
        newest=Flag.PROVISIONAL,
        half="source could not be read",
    ),
    "korea": Facts(
        lag=15,
        key="korea/magnets/KR/{}/HSK10:8505110000/import/weight/kg/reported",
        currency="USD",
        second="8505190000",
        partners=("DE", "FR", "JP", "CN", "VN"),
        newest=Flag.PROVISIONAL,
        half="release is held",
    ),
    "table": Facts(
        lag=20,
        key="table/magnets/CN/{}/CN8:85051110/export/weight/kg/reported",
        currency=None,
        second="CN8:85051190",
        total=False,
        keys={},
        partners=("DE", "FR", "JP", "KR", "VN"),
        half="release is held",
    ),
}


def player(kind: str) -> Any:
    """Return the class that plays a kind."""
    return importlib.import_module(f"players.{kind}").Office


class Desk:
    """A desk with one source, whose office and clock a test moves. It holds February to May; June is due tomorrow."""

    def __init__(self, kind: str, folder: Path, clock: Clock, server: HTTPServer) -> None:
        self.kind, self.folder, self.clock, self.facts = kind, folder, clock, FACTS[kind]
        self.watches = issubclass(player(kind), Drop)
        parts = (folder / "inbox", lambda: clock.now) if self.watches else (server,)
        self.office: Office = player(kind)(*parts)
        self.keys: dict[str, Any] = {}
        self.http: dict[str, Any] = {"attempts": 1}
        for period in range(self.facts.first, JUNE):
            self.office.publish(period, self.figures())

    def serve(self) -> App:
        entry = self.office.entry(**self.facts.keys, **self.keys, ask={"every": "1 day", "otherwise": "1 day"})
        receivers = [{"name": name, "kind": "file", "folder": f"said/{name}", "as": "text"} for name in ("desk", "operators")]
        files = {"sources": {"sources": [entry]}, "receivers": {"receivers": receivers}, "routes": ROUTES}
        for folder in ("config", "rules"):
            (self.folder / folder).mkdir(exist_ok=True)
        for name, content in (files | {"monitor": {"http": HTTP | self.http}}).items():
            (self.folder / "config" / f"{name}.yaml").write_text(json.dumps(content), encoding="utf-8")
        (self.folder / "rules" / "r.yaml").write_text(RULES % self.key(WORLD).measure, encoding="utf-8")
        app = self.clock.serve(self.folder / "config", dict(self.office.environ))
        assert {job: ended.failure for job, ended in self.clock.vitals.rounds.items() if ended.failure} == {}
        return app

    def pull_alone(self) -> None:
        """Take in what is out, in a process that does nothing else."""
        app = App.open(self.folder / "config", dict(self.office.environ))
        pulling.pull(app, app.entries[0])
        app.close()

    @property
    def app(self) -> App:
        return self.clock.app

    def two_products(self, **keys: Any) -> None:
        """Trade in another product too."""
        self.office.products = (*self.office.products, self.facts.second)
        self.keys |= keys

    def ask(self, times: int = 1) -> None:
        """Let days go by: the source is asked once a day."""
        for _ in range(times):
            self.clock.to(self.clock.now + timedelta(days=1))

    def later(self) -> None:
        """Let a month go by in which no service runs."""
        self.clock.stop()
        self.clock.to(self.clock.now + timedelta(days=31))

    def figures(self, *products: str, **changed: float) -> dict[tuple[str, str], float]:
        """Return a month's figures, each partner's another; a partner who is given 0 is left out."""
        usual = {partner: 1000.0 * (number + 1) for number, partner in enumerate(self.facts.partners)} | changed
        return {(of, product): kg for product in products or self.office.products for of, kg in usual.items() if kg}

    def key(self, partner: str) -> SeriesKey:
        return SeriesKey.parse(self.facts.key.format(partner))

    def worth(self, kg: float) -> float:
        """Return the figure that is held of so many kilograms."""
        return kg if self.key(WORLD).measure == "weight" else kg * PRICE

    def held(self, until: Month) -> list[Month]:
        """Return the months that are out before one."""
        return list(range(self.facts.first, until))

    def cell(self, key: SeriesKey, period: Month) -> tuple[float, Status, Flag]:
        panel = self.app.figures.panel(*self.dataset)
        row, column = panel.row(key), panel.column(period)
        assert row >= 0
        return float(panel.values[row, column]), Status(panel.status[row, column]), Flag(int(panel.flags[row, column]))

    def months(self) -> list[Month]:
        """Return the months of which any figure is held, oldest first."""
        panel = self.app.figures.panel(*self.dataset)
        return [int(period) for period in panel.months[panel.known.any(axis=0)]]

    @property
    def dataset(self) -> tuple[str, str]:
        key = self.key(WORLD)
        return key.source, key.dataset

    def releases(self, state: ReleaseState | None = ReleaseState.COMMITTED) -> list[Release]:
        return self.app.releases.find(*self.dataset, state)

    def said(self, receiver: str) -> list[str]:
        """Return what was said to a receiver, oldest first."""
        return [attempt.subject for attempt in self.app.outbox.deliveries(receiver=receiver)][::-1]

    def told(self) -> list[str]:
        """Return what operators were told, without the entry's name."""
        return [subject.partition(": ")[2] for subject in self.said("operators")]

    @property
    def alerts(self) -> list[str]:
        """The partners of whom a fall was told."""
        reporter = self.key(WORLD).reporter
        return [episode.key.partner for episode in self.app.episodes.find() if episode.key.reporter == reporter]


def start(kind: str) -> datetime:
    return datetime.combine(last_day(JUNE) + timedelta(days=FACTS[kind].lag - 1), time(10), UTC)
