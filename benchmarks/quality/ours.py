"""The bank and the shipped rules on the cases, as the product judges them: one pass over each panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.peers.scoring import cpu_seconds
from benchmarks.quality.cases import FACTORS, ORIGINS, Group
from benchmarks.quality.panels import EXPORTS, IMPORTS
from benchmarks.quality.synthetic import law_surprise, likelihood_ratio
from monitor.detection.bank import Bank
from monitor.detection.expected import surprise
from monitor.judge import Bench, judge
from monitor.panel import Bools, Floats
from monitor.rules.expression import TRUE
from monitor.rules.loading import load_rules
from monitor.shipped import shipped_folder

OWN_LEVEL = 3.0
NORMAL_99 = 2.5758293035489004
RULES = {IMPORTS: "us-imports.yaml", EXPORTS: "us-exports-to-china.yaml"}


@dataclass(frozen=True, eq=False, kw_only=True)
class Answers:
    """
    What one method said of a group's cases.

    `scores` (m, O, 6) are signed; NaN where it could say nothing. `level` is the size of a score at which the method alerts
    by itself, `outside` (m, O) tells where the figure as it is lies outside its 99% interval; None where it has none.
    `cpu` (m, O) is seconds per judged month, `fallback` (m, O) tells where another method answered.
    """

    scores: Floats
    level: float | None
    outside: Bools | None
    cpu: Floats | None = None
    fallback: Bools | None = None


def bank(group: Group) -> Answers:
    """Judge a group by the bank; its cost is that of a whole history, since the newest month needs all of it."""
    begin = cpu_seconds()
    expectation = Bank().expect(group.panel)
    cpu = np.full((len(group.rows), len(group.columns)), (cpu_seconds() - begin) / group.panel.shape[0])
    scores = group.scores(lambda panel: surprise(expectation, panel))
    silent = np.isnan(scores[..., 0])
    return Answers(scores=scores, level=OWN_LEVEL, outside=np.abs(scores[..., 0]) > NORMAL_99, cpu=cpu, fallback=silent)


def own_law(group: Group, *, given_trade: bool = False) -> Answers | None:
    """Judge a synthetic group by the law it was drawn from; None for others."""
    law = group.law
    if law is None:
        return None
    scores = group.scores(lambda panel: law_surprise(law, panel.values, given_trade=given_trade))
    return Answers(scores=scores, level=OWN_LEVEL, outside=np.abs(scores[..., 0]) > NORMAL_99)


def best_test(group: Group) -> Answers | None:
    """Judge a synthetic group by the likelihood ratio of the very shocks that are tried; None for others."""
    law = group.law
    if law is None:
        return None
    scores = group.scores(lambda panel: likelihood_ratio(law, panel.values, FACTORS))
    return Answers(scores=scores, level=None, outside=None)


def alerts_of_shipped_rules(groups: Sequence[Group]) -> float:
    """Return how many of 1,000 months that the shipped rules judged, of the last 12, hold a level and reach the size."""
    alerts = judged = 0
    for group in groups:
        if group.name in RULES:
            rows, counted = _rule_alerts(group)
            alerts, judged = alerts + rows, judged + counted
    return 1000 * alerts / judged


def _rule_alerts(group: Group) -> tuple[int, int]:
    rules = load_rules(shipped_folder("rules") / RULES[group.name], baskets={}, partner_groups={})
    alerts = judged = 0
    for verdicts in judge(Bench(group.panel), rules):
        tried = np.isin(verdicts.reader.rows, group.rows)
        counted = verdicts.judged[tried, -ORIGINS:]
        alerts += int(((verdicts.level > 0) & (verdicts.gate == TRUE))[tried, -ORIGINS:][counted].sum())
        judged += int(counted.sum())
    return alerts, judged
