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
    """What one method said of the cases of one view, series of all groups one after the other; `cpu` in ms a judged month."""

    trials: Trials
    outside: Bools | None
    level: float | None
    cpu: float | None

    @property
    def series(self) -> int:
        """How many series there are."""
        return len(self.trials.scores)


def pool(view: View, groups: Sequence[Group], method: Method) -> Pool | None:
    """Bring together what a method said of a view's cases; None where it was not asked about all of them, or there are none."""
    parts = []
    for group, answers in zip(groups, method.answers, strict=True):
        rows, origins = view.cases(group)
        if rows.any():
            parts.append((group, answers, np.ix_(rows, origins)))
    told = [(group, answers, at) for group, answers, at in parts if answers is not None]
    if not parts or len(told) < len(parts):
        return None
    outside = [answers.outside[at] for _, answers, at in told if answers.outside is not None]
    cpu = [answers.cpu[at].ravel() for _, answers, at in told if answers.cpu is not None]
    return Pool(
        trials=Trials(
            scores=_size(method, np.concatenate([answers.scores[at] for _, answers, at in told])),
            usable=np.concatenate([group.usable[at] for group, _, at in told]),
            positive=np.concatenate([group.positive[at] for group, _, at in told]),
        ),
        outside=np.concatenate(outside) if outside else None,
        level=told[0][1].level,
        cpu=1000 * float(np.concatenate(cpu).mean()) if cpu else None,
    )


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
    cpu: float | None
    recalls: list[float]


def measure(pooled: Pool, weights: Floats) -> Measures:
    """Measure a method with the same resamples of series as every other one."""
    trials = pooled.trials
    alerts = None if pooled.level is None else trials.scores[..., 0] >= pooled.level
    return Measures(
        series=pooled.series,
        detection=detection(trials, weights),
        false=None if alerts is None else per_thousand(alerts, trials.usable, weights),
        miss=None if pooled.outside is None else per_thousand(pooled.outside, trials.usable, weights),
        cpu=pooled.cpu,
        recalls=recalls(trials),
    )
