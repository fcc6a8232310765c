"""A desk in memory: rules from text, releases from figures, and what is stored between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.alerts.assess import assess
from monitor.alerts.evaluation import Evaluation
from monitor.alerts.handling import Act, Deed
from monitor.alerts.inhibition import Inhibition, Trouble
from monitor.alerts.messages import Line
from monitor.alerts.records import Change, Episode, State, Transition
from monitor.alerts.routing import Matcher, Route, Routes
from monitor.alerts.sentences import Names
from monitor.alerts.silences import Silence
from monitor.alerts.situation import Desk, Reach, Situation
from monitor.detection.reader import Reader
from monitor.months import month, parse_month
from monitor.panel import Panel
from monitor.rules.loading import load_rule_set, ruleset_version
from monitor.series import Coverage, Release, Revision, RevisionKind, SeriesKey

KEY = SeriesKey(
    source="gacc",
    dataset="magnets",
    reporter="CN",
    partner="US",
    product="CN8:85051110",
    flow="export",
    measure="weight",
    unit="kg",
)
TONNES = {
    "US": {
        "2019-05": 430.961, "2022-05": 627, "2024-05": 689, "2024-07": 590.6, "2024-08": 668.9, "2024-09": 596.5,
        "2024-10": 627.8, "2025-05": 46, "2025-06": 353, "2025-07": 619, "2025-08": 590, "2025-09": 420, "2025-10": 656,
    },
    "DE": {
        "2024-07": 1149.5, "2024-09": 1007, "2024-10": 717.1, "2025-05": 209, "2025-06": 764.4, "2025-07": 1115,
        "2025-08": 1346, "2025-09": 1288, "2025-10": 1118,
    },
    "KR": {"2024-09": 462.9, "2024-10": 433.4, "2025-09": 854, "2025-10": 569},
    "JP": {"2024-09": 188.7, "2024-10": 173.6, "2025-06": 131.8, "2025-07": 232, "2025-09": 228, "2025-10": 226},
    "WORLD": {
        "2024-05": 4811.5, "2024-06": 5150.2, "2024-07": 5278, "2024-08": 5325, "2024-09": 4915, "2024-10": 4725,
        "2025-05": 1238.47, "2025-06": 3188, "2025-07": 5577, "2025-08": 6146, "2025-09": 5774, "2025-10": 5473,
    },
}  # fmt: skip
NAMES = Names({"CN8:85051110": "magnets"})
FALL = """
  - name: fall
    direction: drop
    watch: {measure: weight, partner: [each, total]}
    when: {warning: value <= 50 t, critical: value <= 20 t}
    clear: value >= 70 t
"""


@pytest.fixture(scope="session")
def key() -> SeriesKey:
    return KEY


@pytest.fixture(scope="session")
def magnets() -> Panel:
    """China's magnet exports as published, in kg."""
    start = parse_month("2019-05")
    values = np.full((len(TONNES), parse_month("2025-10") - start + 1), np.nan)
    for row, figures in enumerate(TONNES.values()):
        for period, tonnes in figures.items():
            values[row, parse_month(period) - start] = tonnes * 1000
    return Panel.of([KEY.replace(partner=partner) for partner in TONNES], start, values, resolution=1000.0)


@pytest.fixture(scope="session")
def facts_of(magnets: Panel) -> Callable[..., Any]:
    """Return the facts of a partner and month, as of that month's release."""
    from monitor.alerts.facts import FactBook

    def of(partner: str, period: str, panel: Panel = magnets, **reader: Any) -> Any:
        known = panel.cut(parse_month(period))
        row = next(n for n, one in enumerate(known.keys) if one.partner == partner)
        return FactBook(Reader(known, np.array([row]), **reader)).of(0, known.shape[1] - 1)

    return of


@pytest.fixture(scope="session")
def rules_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Any, ...]]:
    """Load rules from the text below ``rules:``."""
    folder = tmp_path_factory.mktemp("rules")

    @cache
    def of(text: str) -> tuple[Any, ...]:
        path = Path(folder / "rules.yaml")
        path.write_text(f"rules:\n{text}", "utf-8")
        return load_rule_set(path, baskets={}, partner_groups={}).rules

    return of


@dataclass
class Memory:
    """A desk that judges releases one by one and keeps what a store would."""

    rules: tuple[Any, ...]
    start: int = month(2023, 1)
    partners: tuple[str, ...] = ("US",)
    routes: tuple[Route, ...] = (Route(name="all", matchers=(), receivers=("desk",), goes_on=False),)
    receivers: Mapping[str, Reach] = field(default_factory=lambda: {"desk": Reach()})
    full_lines: int = 12
    quiet_pages: bool = False
    silences: list[Silence] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    passed: dict[tuple[str, str], int] = field(default_factory=dict)
    operators: str = "operators"
    troubles: tuple[Trouble, ...] = ()
    inhibitions: tuple[Inhibition, ...] = ()
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stored: dict[str, Episode] = field(default_factory=dict)
    told: list[tuple[str, str, str]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    history: list[Evaluation] = field(default_factory=list)
    figures: list[list[float]] = field(default_factory=list)
    horizon: int | None = None
    live_from: int | None = None

    def desk(self) -> Desk:
        return Desk(
            rules=self.rules,
            version=ruleset_version(self.rules),
            routes=Routes(self.routes),
            receivers=self.receivers,
            names=NAMES,
            full_lines=self.full_lines,
            inhibitions=self.inhibitions,
            parts=self.parts,
            operators=self.operators,
        )

    def does(self, deed: Deed, value: str = "", *, episode: str = "", **said: Any) -> Act:
        """Do something with an alert, the one that was told last unless another is named, as ada on 3 June 2025."""
        found = self.stored[episode or self.told[-1][0]]
        level = found.path.peak if deed is Deed.FEEDBACK else found.path.level
        given: dict[str, Any] = {"by": "ada", "at": datetime(2025, 6, 3, tzinfo=UTC), "newest": self.horizon, "level": level}
        self.acts.append(Act(episode=found.id, deed=deed, value=value, **{**given, **said}))
        return self.acts[-1]

    def panel(self) -> Panel:
        keys = [KEY.replace(partner=partner) for partner in self.partners]
        return Panel.of(keys, self.start, np.array(self.figures) * 1000)

    def release(self, *rows: Iterable[float], as_history: bool = False, late: bool = False, again: bool = False) -> Evaluation:
        """Judge the figures in tonnes as they stand after one more release, and keep what changed."""
        before, self.figures = self.figures, [list(row) for row in rows]
        newest = self.start + len(self.figures[0]) - 1
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=len(self.history))
        published = Release(
            id=f"r{len(self.history)}", source="gacc", dataset="magnets", published_at=at, estimated=False, fetched_at=at,
            arrival=len(self.history), coverage=Coverage(periods=(newest,)), rows=1, sha256="", as_history=as_history,
        )  # fmt: skip
        if self.live_from is None:
            self.live_from = newest
        situation = Situation(
            release=published, panel=self.panel(), stored=self._kept(),
            told=tuple(self.told), versions=dict(self.versions), horizon=self.horizon, live_from=self.live_from,
            revisions=tuple(self._revisions(before)), title="China magnets", credit="Source: gacc.", at=at,
            late=late, again=again, tell_quiet=self.quiet_pages,
            silences=tuple(self.silences), troubles=self.troubles, acts=tuple(self.acts), waited=dict(self.passed),
        )  # fmt: skip
        found = assess(situation, self.desk())
        self.stored |= {episode.id: episode for episode in found.episodes}
        if not again:
            self.passed = {page: count + 1 for page, count in self.passed.items()}
        worse = {t.episode for t in found.transitions if t.change is Change.WORSENED and not t.quiet}
        for episode, name, _ in found.told:
            if episode in worse or (episode, name) not in self.passed:
                self.passed[episode, name] = 0
        self.told += [told for told in found.told if told not in self.told]
        self.versions |= {count.rule: count.version for count in found.counts}
        self.horizon = newest if self.horizon is None else max(newest, self.horizon)
        self.history.append(found)
        return found

    def again(self, **options: Any) -> Evaluation:
        """Judge the same figures once more."""
        return self.release(*self.figures, again=True, **options)

    def _kept(self) -> tuple[Episode, ...]:
        return tuple(episode for episode in self.stored.values() if episode.path.state is not State.RETIRED)

    def _revisions(self, before: list[list[float]]) -> Iterable[Revision]:
        for row, (old, new) in enumerate(zip(before, self.figures, strict=False)):
            for column, (was, now) in enumerate(zip(old, new, strict=False)):
                if was != now and not (np.isnan(was) and np.isnan(now)):
                    yield Revision(
                        key=KEY.replace(partner=self.partners[row]),
                        period=self.start + column,
                        old=was * 1000,
                        new=now * 1000,
                        kind=RevisionKind.REVISION,
                    )


@pytest.fixture
def memory(rules_of: Callable[..., Any]) -> Callable[..., Memory]:
    """Make a desk in memory from the text of its rules."""

    def make(text: str = FALL, **options: Any) -> Memory:
        return Memory(rules_of(text), **options)

    return make


@pytest.fixture(scope="session")
def route() -> Callable[..., Route]:
    """Make a route from the texts of its matchers."""

    def make(name: str, receivers: str, *matchers: str, goes_on: bool = False, **more: Any) -> Route:
        found = tuple(Matcher.parse(text) for text in matchers)
        return Route(name=name, matchers=found, receivers=tuple(receivers.split()), goes_on=goes_on, **more)

    return make


@pytest.fixture(scope="session")
def silence() -> Callable[..., Silence]:
    """Make a silence of ada's from the texts of its matchers; without more it has no end that a test meets."""

    def make(*matchers: str, **given: Any) -> Silence:
        began = datetime(2026, 1, 1, tzinfo=UTC)
        given = {"id": "5f", "author": "ada", "reason": "known outage", "created": began, "starts": began, **given}
        if "until_figures" not in given:
            given.setdefault("until", datetime(2030, 7, 1, tzinfo=UTC))
        return Silence(matchers=tuple(Matcher.parse(text) for text in matchers), **given)

    return make


@pytest.fixture(scope="session")
def lines() -> Callable[..., list[Line]]:
    """Return the lines that an evaluation tells a receiver."""

    def of(evaluation: Evaluation, receiver: str = "desk") -> list[Line]:
        return [line for n in evaluation.notifications if n.receiver == receiver for line in n.digest.lines]

    return of


@pytest.fixture(scope="session")
def said() -> Callable[..., list[str]]:
    """Say an evaluation's transitions: ``opened critical``; those that nobody hears of with why."""

    def of(evaluation: Evaluation) -> list[str]:
        return [_say(transition) for transition in evaluation.transitions]

    return of


def _say(transition: Transition) -> str:
    quiet = f" ({transition.quiet})" if transition.quiet else ""
    return f"{transition.change.value} {transition.level.label}{quiet}"
