"""The contract of a source: what is out, and the figures of one release as they were published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import pandas as pd

from monitor.months import Month
from monitor.series import Coverage

FIGURE_COLUMNS = ("reporter", "partner", "product", "flow", "measure", "unit", "basis", "period", "value", "status", "flags")


@dataclass(frozen=True, kw_only=True)
class ReleaseNotice:
    """
    A release that is out, before its figures are read.

    `name` tells releases of one dataset apart (``2025-10``, a file's name); `fetch` finds the release by it.
    `published_at` is an aware UTC datetime.
    """

    dataset: str
    name: str
    published_at: datetime
    estimated: bool
    periods: tuple[Month, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Table:
    """
    The figures of one release, checked and in base units.

    Parameters
    ----------
    frame : DataFrame
        Columns `FIGURE_COLUMNS`: texts, `period` a month ordinal, `value` float in the base unit of `unit` (NaN where
        `status` is not a number), `status` a `Status`, `flags` a `Flag`. One row a cell.
    coverage : Coverage
    absent : {"zero", "not_published"}
        What a missing row means inside the coverage.
    resolution : dict of str to float
        Rounding step per measure, in base units; 0 for a measure that is not named.
    raw : bytes
        What was read, as it came.
    raw_name : str
        A file name for `raw`.
    titles : dict of str to str
        Names of product codes as the source writes them.
    cumulative : DataFrame, optional
        Figures of the year to date, in the columns of `frame`: `value` is the sum from January to `period`.
    """

    frame: pd.DataFrame
    coverage: Coverage
    absent: str = "not_published"
    resolution: dict[str, float] = field(default_factory=dict)
    raw: bytes = b""
    raw_name: str = "payload"
    titles: dict[str, str] = field(default_factory=dict)
    cumulative: pd.DataFrame | None = None


class Source(Protocol):
    """
    Where figures come from.

    `name` is part of every key. `past_is_history` says that a new desk is told of the newest release alone, as an office's API
    offers years of them; releases of files that a person gave are told one by one.
    """

    name: str
    past_is_history: bool

    def releases(self, since: Month) -> Iterable[ReleaseNotice]:
        """Say what is out from a month on, oldest first; cheap, without figures."""
        ...

    def fetch(self, notice: ReleaseNotice) -> Table:
        """Read the figures of one release."""
        ...

    def calls(self, *notices: ReleaseNotice) -> int:
        """Say how many requests fetching these releases takes, without what pages, retries and waiting may add."""
        ...

    def due(self, period: Month) -> datetime | None:
        """Say when a month is expected (aware UTC); None where nobody knows."""
        ...
