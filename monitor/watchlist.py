"""Which series each rule watches over the figures held, and what it cannot watch and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from monitor.app import App
from monitor.judge import Bench, judge_rule
from monitor.months import say_month
from monitor.rules.loading import resolve
from monitor.rules.schema import Rule
from monitor.wording import say_count


@dataclass(frozen=True, kw_only=True)
class Watchlist:
    """One rule on one dataset: watched series with why their newest month is not judged ("" where it is), and the rest."""

    rule: str
    dataset: str
    month: str
    series: tuple[tuple[str, str, str], ...]
    reasons: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return plain data."""
        series = [{"series": key, "title": title, "not_judged": why} for key, title, why in self.series]
        return {
            "rule": self.rule,
            "dataset": self.dataset,
            "month": self.month,
            "series": series,
            "cannot_watch": list(self.reasons),
        }

    def lines(self, *, whole: bool) -> list[str]:
        """Return the words: a summary, and every series if `whole`."""
        blind = sum(bool(why) for _, _, why in self.series)
        head = f"{self.rule} on {self.dataset}: {say_count(len(self.series), 'series', 'series')} watched"
        found = [f"{head}, {len(self.series) - blind} judged in {self.month}, {blind} not."]
        found += [f"  cannot watch: {reason}" for reason in self.reasons]
        if whole:
            found += [f"  {title}{f': not judged ({why})' if why else ''}" for _, title, why in self.series]
        return found


def watchlists(app: App) -> list[Watchlist]:
    """Return the watch-list of every rule on every dataset that it may watch."""
    found = []
    for source, dataset in app.releases.datasets():
        panel = app.figures.panel(source, dataset)
        bench = Bench(panel)
        for rule in app.ruleset.rules:
            if rule.watch.source in (None, source) and rule.watch.dataset in (None, dataset):
                found.append(_watchlist(app, rule, bench, source, dataset))
    return found


def _watchlist(app: App, rule: Rule, bench: Bench, source: str, dataset: str) -> Watchlist:
    verdicts = judge_rule(bench.reader(rule), rule, set())
    names, last = app.names(source, dataset), bench.panel.shape[1] - 1
    judged = verdicts.certain[:, last] if last >= 0 else np.zeros(len(verdicts.keys), bool)
    series = tuple(
        (str(key), names.title(key), "" if judged[row] else verdicts.why(row, last)) for row, key in enumerate(verdicts.keys)
    )
    return Watchlist(
        rule=rule.name,
        dataset=f"{source}/{dataset}",
        month=say_month(bench.panel.last),
        series=series,
        reasons=resolve(rule, bench.panel).reasons,
    )
