"""Which series each rule watches over the figures held, and what it cannot watch and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.app import App
from monitor.companions import with_companions
from monitor.errors import MonitorError
from monitor.judge import Bench, judge_rule
from monitor.months import format_month, say_month
from monitor.rules.loading import resolve
from monitor.rules.schema import Rule
from monitor.wording import say_count
from monitor.yamlfile import did_you_mean


@dataclass(frozen=True, kw_only=True)
class Watchlist:
    """
    One rule on one dataset: what it watches, and what it cannot watch and why.

    `series` are (name, title, why its newest month is not judged); the last is "" where it is judged, and None where
    that was not asked: fitting a `model` to every series takes a while.
    """

    rule: str
    place: str
    dataset: str
    month: int
    model: str
    series: tuple[tuple[str, str, str | None], ...]
    reasons: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return plain data."""
        series = [{"series": key, "title": title, "not_judged": why} for key, title, why in self.series]
        return {
            "rule": self.rule,
            "place": self.place,
            "dataset": self.dataset,
            "month": format_month(self.month),
            "series": series,
            "cannot_watch": list(self.reasons),
        }

    def lines(self, *, whole: bool) -> list[str]:
        """Return the words: a summary, and every series if `whole`."""
        found = [f"{self.rule} on {self.dataset}: {self._summary()}"]
        found += [f"  cannot watch: {reason}" for reason in self.reasons]
        if whole:
            found += [f"  {title}{f' (not judged: {why})' if why else ''}" for _, title, why in self.series]
        return found

    def _summary(self) -> str:
        if not self.series:
            return "watches nothing"
        count = say_count(len(self.series), "series", "series")
        if any(why is None for _, _, why in self.series):
            return f"{count} by the model {self.model} (monitor rules show {self.rule} says which can be judged)"
        blind = sum(bool(why) for _, _, why in self.series)
        judged = f"{len(self.series) - blind:,} judged in {say_month(self.month)}" if blind < len(self.series) else ""
        parts = [judged, f"{blind:,} not judged{'' if judged else f' in {say_month(self.month)}'}" if blind else ""]
        return f"{count}, {', '.join(filter(None, parts))}"


def watchlists(app: App, name: str | None = None, progress: Callable[[str], None] = lambda step: None) -> list[Watchlist]:
    """
    Return the watch-list of every rule, or of the one of that name, on every dataset held that it may watch.

    Raises
    ------
    MonitorError
        If no rule on figures has that name.
    """
    rules = [rule for rule in app.ruleset.rules if name in (None, rule.name)]
    if name is not None and not rules:
        raise MonitorError(f'there is no rule "{name}" on figures{did_you_mean(name, [r.name for r in app.ruleset.rules])}')
    found = []
    for source, dataset, mine, bench in benches(app, rules):
        for rule in mine:
            progress(rule.name)
            found.append(_watchlist(app, rule, bench, source, dataset, ask=name is not None or rule.model == "bank"))
    return found


def benches(app: App, rules: Sequence[Rule]) -> Iterator[tuple[str, str, list[Rule], Bench]]:
    """Yield every dataset held with those of some rules that may watch it, and its newest figures for them."""
    for source, dataset in app.releases.datasets():
        mine = [r for r in rules if r.watch.source in (None, source) and r.watch.dataset in (None, dataset)]
        if mine:
            panel = app.figures.panel(source, dataset, first=any(rule.reads_first for rule in mine))
            yield source, dataset, mine, Bench(with_companions(app, panel, mine))


def _watchlist(app: App, rule: Rule, bench: Bench, source: str, dataset: str, *, ask: bool) -> Watchlist:
    watched, names = resolve(rule, bench.panel), app.names(source, dataset)
    keys = [watched.panel.keys[row] for row in watched.rows]
    whys = _whys(rule, bench) if ask else [None] * len(keys)
    return Watchlist(
        rule=rule.name,
        place=rule.place,
        dataset=f"{source}/{dataset}",
        month=bench.panel.last,
        model=rule.model,
        series=tuple((str(key), names.title(key), why) for key, why in zip(keys, whys, strict=True)),
        reasons=watched.reasons,
    )


def _whys(rule: Rule, bench: Bench) -> Sequence[str | None]:
    """Say of each watched series why its newest month is not judged."""
    verdicts, last = judge_rule(bench.reader(rule), rule, set()), bench.panel.shape[1] - 1
    return [verdicts.why(row, last) for row in range(len(verdicts.keys))]
