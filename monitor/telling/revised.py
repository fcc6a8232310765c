"""A section of a brief: what the release changed of earlier figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from monitor.alerts.revised import Revised, summary, usual_words
from monitor.alerts.sentences import Names
from monitor.months import format_month, say_month
from monitor.series import Revision
from monitor.telling.records import Paragraph, Section, Table
from monitor.wording import capital, say_amount, say_growth, say_number

LISTED = 10
"""Changes that stand in the table, the largest; all stand in the JSON."""

_HEADINGS = ("Series", "Month", "Now", "Before", "First", "Change", "Since first")


def revised_section(found: Sequence[Revised], revisions: Sequence[Revision], names: Names) -> Section | None:
    """Tell the changes of a release, the largest first; None where nothing changed."""
    said = summary(found, revisions)
    if not said:
        return None
    shown = found[:LISTED]
    more = f"{say_number(len(found) - len(shown))} more stand in the JSON of this brief." if len(found) > len(shown) else ""
    usual = next(filter(None, map(usual_words, shown)), "")
    note = " ".join(filter(None, (more, f"{capital(usual)}." if usual else "")))
    table = Table(headings=_HEADINGS, cells=tuple(_row(one, names) for one in shown), note=note) if shown else None
    return Section(title="Revised", paragraphs=(Paragraph(name="This release", text=said),), table=table)


def _row(one: Revised, names: Names) -> tuple[str, ...]:
    unit, shown = one.key.unit, names.units.get(one.key.product, "")
    figures = (one.now, one.before, one.first)
    amounts = ("" if math.isnan(amount) else say_amount(amount, unit, shown=shown) for amount in figures)
    growths = (say_growth(one.change), say_growth(one.since_first)) if not math.isnan(one.now) else ("no longer given", "")
    return names.title(one.key), say_month(one.month, short=True), *amounts, *growths


def revised_json(found: Sequence[Revised]) -> list[dict[str, Any]]:
    """Return the changes as plain JSON, amounts in each series' unit; what is not known is left out."""
    numbers = ("first", "before", "now", "change", "since_first")
    return [
        {"series": str(one.key), "month": format_month(one.month)}
        | {name: value for name in numbers if math.isfinite(value := getattr(one, name))}
        for one in found
    ]
