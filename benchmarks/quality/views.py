"""Which cases are reported together, and what each method is worth in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.quality.cases import Group, Stratum
from benchmarks.quality.metrics import Trials, detection, per_thousand, recalls
from benchmarks.quality.ours import Answers
from monitor.panel import Bools, Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class Method:
    """A method and what it said of each group; None where it was not asked."""

    name: str
    answers: Sequence[Answers | None]


@dataclass(frozen=True, kw_only=True)
class View:
    """Cases that are reported together: some strata, in some calendar months."""

    name: str
    strata: tuple[Stratum, ...]
    months: tuple[int, ...] = tuple(range(1, 13))

    def cases(self, group: Group) -> tuple[Bools, Bools]:
        """Return the rows, shape (m,), and origins, shape (O,), of a group that belong here."""
        return np.array([s in self.strata for s in group.strata], bool), np.isin(group.calendar, self.months)


DENSE = (Stratum.REAL, Stratum.SYNTHETIC)
VIEWS = (
    View(name="dense", strata=DENSE),
    View(name="dense real", strata=(Stratum.REAL,)),
    View(name="dense synthetic", strata=(Stratum.SYNTHETIC,)),
    View(name="January to March", strata=DENSE, months=(1, 2, 3)),
    View(name="short history", strata=(Stratum.SHORT,)),
    View(name="intermittent", strata=(Stratum.INTERMITTENT,)),
)
BESIDE = (
    View(name="small real", strata=(Stratum.SMALL_REAL,)),
    View(name="intermittent real", strata=(Stratum.INTERMITTENT_REAL,)),
    View(name="duties", strata=(Stratum.DUTIES,)),
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Pool:
    """What one method said of the cases of one view, series of all groups one after the other."""

    trials: Trials
    signed: Floats
    outside: Bools | None
    level: float | None

    @property
    def series(self) -> int:
        """How many series there are."""
        return len(self.signed)


def pool(view: View, groups: Sequence[Group], method: Method) -> Pool | None:
    """Bring together what a method said of a view's cases; None where it was not asked about any of them."""
    parts, level, outside = [], None, []
    for group, answers in zip(groups, method.answers, strict=True):
        rows, origins = view.cases(group)
        if answers is None or not rows.any():
            if rows.any():
                return None
            continue
        at = np.ix_(rows, origins)
        parts.append((answers.scores[at], group.usable[at], group.positive[at]))
        level = answers.level
        outside.append(answers.outside[at] if answers.outside is not None else None)
    if not parts:
        return None
    signed, usable, positive = (np.concatenate(part) for part in zip(*parts, strict=True))
    trials = Trials(scores=_size(method, signed), usable=usable, positive=positive)
    known = [part for part in outside if part is not None]
    return Pool(trials=trials, signed=signed, outside=np.concatenate(known) if known else None, level=level)


def _size(method: Method, signed: Floats) -> Floats:
    """Return scores that grow with the alarm; what a method cannot judge never alerts."""
    size = signed if method.name == "best test" else np.abs(signed)
    return np.where(np.isnan(size), -np.inf if method.name == "best test" else 0.0, size)


@dataclass(frozen=True, eq=False, kw_only=True)
class Measures:
    """A method's measures in a view, each with its bootstrap draws, the first of which is the estimate."""

    series: int
    detection: Floats  # (draws, 2): average precision, recall at ten
    false: Floats | None
    miss: Floats | None
    recalls: list[float]


def measure(pooled: Pool, weights: Floats) -> Measures:
    """Measure a method with the same resamples of series as every other one."""
    trials = pooled.trials
    untouched = np.sort(trials.scores[..., 0][trials.usable])[::-1]
    threshold = untouched[int(len(untouched) * 0.01)] if len(untouched) else np.inf
    alerts = None if pooled.level is None else trials.scores[..., 0] >= pooled.level
    return Measures(
        series=pooled.series,
        detection=detection(trials, weights),
        false=None if alerts is None else per_thousand(alerts, trials.usable, weights),
        miss=None if pooled.outside is None else per_thousand(pooled.outside, trials.usable, weights),
        recalls=list(recalls(trials, threshold)),
    )
