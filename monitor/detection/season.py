"""What the season alone would have brought: the calendar's part of a change from one month to the next."""

from __future__ import annotations

import numpy as np

from monitor.detection.changes import lagged
from monitor.detection.expected import Expectation
from monitor.panel import Floats, Panel


def seasonal_change(panel: Panel, *, expectation: Expectation) -> Floats:
    """
    Return the growth against the month before that season and holiday alone would bring, shape (n, T).

    ``exp(season[t] + holiday[t] - season[t-1] - holiday[t-1]) - 1``, each month's parts as stated before that month, so
    that nothing of month t is read. NaN where either month has no statement.
    """
    from monitor.detection.bank import Bank

    parts = Bank().parts(panel)
    calendar = parts.season + parts.holiday
    change: Floats = np.expm1(calendar - lagged(calendar, 1))
    return change
