"""Whether a release is whole: a partial month must never be taken for a fall."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from monitor.months import format_month
from monitor.series import WORLD

if TYPE_CHECKING:
    from monitor.sources.base import Table

RELEASES = 12
"""How many releases the usual number of rows is taken from."""


def _percentage(text: str) -> str:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", text)
    if match is None or not 0 < float(match[1]) <= 100:
        raise ValueError(f'"{text}" is not a percentage; write it as 60%')
    return text


class CompleteWhen(BaseModel):
    """
    What makes a release complete.

    ``rows_at_least: 60%`` of the median rows of the last 12 releases; ``total: required`` asks for a figure of the
    published World total in every period and measure that the release has.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows_at_least: Annotated[str, AfterValidator(_percentage)] | None = None
    total: Literal["required"] | None = None

    def check(self, table: Table, history_rows: Sequence[float], whole: Table | None = None) -> str:
        """
        Return why a release is to be held, or an empty text.

        Parameters
        ----------
        table : Table
        history_rows : sequence of float
            Rows per period of earlier releases, oldest first; rows are counted per period so that a release of one
            month can be measured by one of ten years.
        whole : Table, optional
            What was published, where only a part of it is kept: its total and its newest month are asked for.

        Where a release states earlier months again, whole ones would hide that its newest is not: that one is measured by
        those before it.
        """
        published = table if whole is None else whole
        return self._few_rows(table, history_rows) or self._few_in_newest(published) or self._no_total(published)

    @property
    def _share(self) -> float:
        return float(self.rows_at_least.rstrip(" %")) / 100 if self.rows_at_least else 0.0

    def _few_rows(self, table: Table, history_rows: Sequence[float]) -> str:
        if self.rows_at_least is None or not history_rows:
            return ""
        usual = median(history_rows[-RELEASES:])  # a release of nothing but sums (January and February) is measured by those
        given = table.cumulative if table.frame.empty and table.cumulative is not None else table.frame
        rows = len(given) / max(1, given["period"].nunique())
        if rows >= self._share * usual:
            return ""
        return f"{rows:,.0f} rows a month, under {self.rows_at_least} of the usual {usual:,.0f}"

    def _few_in_newest(self, table: Table) -> str:
        rows = table.frame["period"].value_counts().sort_index().tail(RELEASES)
        usual = rows.iloc[:-1].median()
        if len(rows) < 2 or rows.iloc[-1] >= self._share * usual:
            return ""
        newest = f"{rows.iloc[-1]:,} rows in {format_month(int(rows.index[-1]))}"
        return f"{newest}, under {self.rows_at_least} of the {usual:,.0f} in the months before"

    def _no_total(self, table: Table) -> str:
        if self.total is None:
            return ""
        fields = ["period", "flow", "measure"]
        frame = table.frame[fields].drop_duplicates()
        totals = set(table.frame.loc[table.frame["partner"] == WORLD, fields].itertuples(index=False, name=None))
        without = [row for row in frame.itertuples(index=False, name=None) if row not in totals]
        if not without:
            return ""
        period, flow, measure = without[0]
        return f"no World total of {flow} {measure} in {format_month(period)}"
