"""Why a cell of an indicator is unknown, in the words that people read; asked only of cells that are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from monitor.detection import gap
from monitor.detection.breadth import LEAST as TOGETHER
from monitor.detection.changes import LEAST, WINDOW, usual, usual_count, yoy
from monitor.detection.market import COVERED, countries, members, price_rows
from monitor.detection.records import trough_and_peak
from monitor.months import calendar_month, say_month
from monitor.panel import Panel
from monitor.series import Status
from monitor.wording import say_count, say_percent

if TYPE_CHECKING:
    from monitor.detection.expected import Expectation


def never(panel: Panel, row: int, column: int) -> str:
    """Say nothing: an indicator defined on status is never unknown."""
    return ""


def this_month(panel: Panel, row: int, column: int) -> str:
    """Say why the cell itself is no number; empty where it is one."""
    return "" if _is_number(panel, row, column) else f"this month: {Status(int(panel.status[row, column])).sentence}"


def month_before(label: str) -> Callable[..., str]:
    """Return the reason of an indicator that compares with the month before."""

    def why(panel: Panel, row: int, column: int) -> str:
        return this_month(panel, row, column) or _gap(label, panel, row, column - 1)

    return why


def of_yoy(panel: Panel, row: int, column: int, *, years: int = 1, months: int = 1) -> str:
    """Say which month a y/y lacks, the newest first."""
    label = ("y/y" if years == 1 else f"{years}-year change") + (f" of {months} months" if months > 1 else "")
    own = range(column, column - months, -1)
    return _first_gap(label, panel, row, column, [*own, *(c - 12 * years for c in own)])


def of_ytd_yoy(panel: Panel, row: int, column: int) -> str:
    """Say which month since January, of this year or the last, a year to date lacks."""
    own = range(column, column - calendar_month(panel.start + column), -1)
    return _first_gap("year to date", panel, row, column, [*own, *(c - 12 for c in own)])


def of_usual(panel: Panel, row: int, column: int) -> str:
    """Say how many figures a usual has."""
    return _short_usual("usual", panel, row, column)


def of_ratio(panel: Panel, row: int, column: int) -> str:
    """Say whether the figure, its usual, or a usual above zero is lacking."""
    return this_month(panel, row, column) or of_usual(panel, row, column) or "ratio: the usual is 0"


def of_base_ratio(panel: Panel, row: int, column: int, *, years: int = 1) -> str:
    """Say what the base month of the y/y, or its own usual, lacks."""
    base = column - 12 * years
    return (
        _gap("base", panel, row, base)
        or _short_usual(f"base: usual of {_say(panel, base)}", panel, row, base)
        or f"base: the usual of {_say(panel, base)} is 0"
    )


def first_in(label: str) -> Callable[..., str]:
    """Return the reason of `first_rise_in` or `first_fall_in`."""

    def why(panel: Panel, row: int, column: int) -> str:
        unknown = np.flatnonzero(np.isnan(yoy(panel.select([row]))[0, :column]))
        newest = int(unknown[-1]) if len(unknown) else -1
        return of_yoy(panel, row, column) or f"{label}: the y/y of {_say(panel, newest)} is not known"

    return why


def of_drawdown(panel: Panel, row: int, column: int) -> str:
    """Say that there is no earlier figure to fall from."""
    return this_month(panel, row, column) or f"drawdown: no figure in the {WINDOW} months before"


def of_recovered(panel: Panel, row: int, column: int) -> str:
    """Say that the level before the trough is not known, or that nothing fell."""
    if sentence := this_month(panel, row, column):
        return sentence
    one = panel.select([row]).cut(panel.start + column)
    trough, peak = trough_and_peak(one)
    if not np.isnan(peak[0, column]):
        return f"recovered: no fall below the usual in the {WINDOW} months up to this one"
    first = max(column - WINDOW + 1, 0)
    place = first + int(np.flatnonzero(one.values[0, first:] == trough[0, column])[0])
    return _short_usual(f"recovered: usual of {_say(panel, place)}", panel, row, place)


def of_months_since_trade(panel: Panel, row: int, column: int) -> str:
    """Say that there never was trade, or where it may hide."""
    missing = np.flatnonzero(~panel.known[row, :column])
    if len(missing) and (panel.values[row, :column] > 0).any():
        return this_month(panel, row, column) or _gap("last trade", panel, row, int(missing[-1]))
    return this_month(panel, row, column) or "last trade: none in the months held"


def of_first_trade(panel: Panel, row: int, column: int) -> str:
    """Say in which month an earlier trade may hide."""
    missing = np.flatnonzero(~panel.known[row, :column])
    return this_month(panel, row, column) or _gap("first trade", panel, row, int(missing[-1]))


def of_quiet_before(panel: Panel, row: int, column: int) -> str:
    """Say that no trade is held before, or where it may hide."""
    never = not (panel.values[row, :column] > 0).any()
    return this_month(panel, row, column) or ("last trade: none is held" if never else of_months_since_trade(panel, row, column))


def of_revision(panel: Panel, row: int, column: int) -> str:
    """Say that there is no figure, or that what was first released gave none."""
    return this_month(panel, row, column) or "revision: what was first released gives no such figure"


def of_mirror_gap(panel: Panel, row: int, column: int, *, months: int = 3, lag: int = gap.AUTO) -> str:
    """Say which side lacks which month, or how many months the lag and the usual gap rest on."""
    one = panel.select([row]).cut(panel.start + column)
    if gap.companions(one)[0] < 0:
        return "mirror gap: no weight that the reporter itself gives is held"
    own = list(range(column, column - months, -1))
    if sentence := _first_gap("mirror gap", panel, row, column, own):
        return sentence
    learned = gap.lags(one)[0, column] if lag == gap.AUTO else lag
    if np.isnan(learned):
        return f"mirror gap: fewer than {gap.LEAST} months of both before"
    other, earlier = gap.reported(one)[0], [month - int(learned) for month in own]
    for month in earlier:
        if month < 0 or np.isnan(other[month]):
            return f"mirror gap: the reporter's figure of {_say(panel, month)} is not held"
    if not panel.values[row, own].any() and not other[earlier].any():
        return "mirror gap: nothing on either side"
    return f"mirror gap: fewer than {gap.LEAST} months of it before"


def of_share(panel: Panel, row: int, column: int) -> str:
    """Say that the partner is no country, or what is wrong with the total."""
    return _no_country("share", panel, row) or this_month(panel, row, column) or _no_total("share", panel, row, column)


def of_share_change(panel: Panel, row: int, column: int, *, months: int = 12) -> str:
    """Say which of the two shares is not known."""
    if sentence := of_share(panel, row, column):
        return sentence
    return f"share change: the share of {_say(panel, column - months)} is not known"


def of_rank(panel: Panel, row: int, column: int) -> str:
    """Say that the partner is no country."""
    return _no_country("rank", panel, row) or this_month(panel, row, column)


def of_contribution(panel: Panel, row: int, column: int, *, years: int = 1) -> str:
    """Say whether the figure, its base or the base of the total is lacking."""
    base = column - 12 * years
    return (
        _no_country("contribution", panel, row)
        or this_month(panel, row, column)
        or _gap("contribution", panel, row, base)
        or _no_total("contribution", panel, row, base)
    )


def of_hhi(panel: Panel, row: int, column: int) -> str:
    """Say how much of the total is held by country."""
    if sentence := _no_total("concentration", panel, row, column):
        return sentence
    total = int(panel.totals[row])
    covered = np.nansum(panel.values[countries(panel) & (panel.totals == total), column]) / panel.values[total, column]
    return f"concentration: countries held make up {say_percent(covered, 0)} of the total, {say_percent(COVERED, 0)} is needed"


def of_unit_value(panel: Panel, row: int, column: int) -> str:
    """Say which of value and weight is lacking."""
    if panel.keys[row].measure not in ("value", "weight", "quantity"):
        return f"unit value: not of {panel.keys[row].measure}"
    value, amount = (int(rows[row]) for rows in price_rows(panel))
    if amount < 0:
        return "unit value: no weight or quantity is held"
    if value < 0:
        return "unit value: no value is held"
    measure = panel.keys[amount].measure
    return (
        this_month(panel, row, column)
        or _gap("unit value: the value", panel, value, column, of=True)
        or _gap(f"unit value: the {measure}", panel, amount, column, of=True)
        or f"unit value: the {measure} is 0"
    )


def of_expectation(panel: Panel, row: int, column: int, *, expectation: Expectation) -> str:
    """Say how far the model's history goes, or what else it lacks."""
    return expectation.why(row, column)


def of_surprise(panel: Panel, row: int, column: int, *, expectation: Expectation) -> str:
    """Say whether the figure or the model's expectation is lacking."""
    return this_month(panel, row, column) or of_expectation(panel, row, column, expectation=expectation)


def of_shift(panel: Panel, row: int, column: int, *, expectation: Expectation, months: int = 3) -> str:
    """Say which month the window lacks, what was not stated before it, or which zero of it is nothing unusual."""
    first = column - months + 1
    if sentence := _first_gap("shift", panel, row, column, list(range(column, first - 1, -1))):
        return sentence
    if sentence := expectation.why(row, first):
        return sentence
    zero = first + int(np.flatnonzero(panel.values[row, first : column + 1] == 0)[0])
    return f"shift: {_say(panel, zero)} is zero, and zeros are not unusual here"


def of_seasonal_change(panel: Panel, row: int, column: int, *, expectation: Expectation) -> str:
    """Say which of the two months has no statement."""
    return expectation.why(row, column) or expectation.why(row, max(column - 1, 0))


def of_breadth(panel: Panel, row: int, column: int, *, expectation: Expectation) -> str:
    """Say how many countries of the market are judged."""
    judged = int((members(panel, row) & expectation.judged[:, column] & panel.known[:, column]).sum())
    return f"breadth: {judged} of {say_count(TOGETHER, 'country', 'countries')} judged"


def _is_number(panel: Panel, row: int, column: int) -> bool:
    return not np.isnan(panel.values[row, column])


def _say(panel: Panel, column: int) -> str:
    return say_month(panel.start + column)


def _gap(label: str, panel: Panel, row: int, column: int, *, of: bool = False) -> str:
    """Say that a month is no number, also before the data; empty where it is one."""
    month = f"{label} of {_say(panel, column)}" if of else f"{label}: {_say(panel, column)}"
    status = Status(int(panel.status[row, column])) if column >= 0 else Status.NOT_PUBLISHED
    if status == Status.NOT_PUBLISHED:
        return f"{month} is not held"
    return "" if _is_number(panel, row, column) else f"{month}: {status.sentence}"


def _first_gap(label: str, panel: Panel, row: int, column: int, columns: list[int]) -> str:
    gaps = (_gap(label, panel, row, other) for other in columns)
    return this_month(panel, row, column) or next((gap for gap in gaps if gap), "")


def _short_usual(label: str, panel: Panel, row: int, column: int) -> str:
    one = panel.select([row]).cut(panel.start + column)
    if not np.isnan(usual(one)[0, column]):
        return ""
    return f"{label}: {usual_count(one)[0, column]} of {say_count(LEAST, 'month')}"


def _no_country(label: str, panel: Panel, row: int) -> str:
    return "" if countries(panel)[row] else f"{label}: only countries have one"


def _no_total(label: str, panel: Panel, row: int, column: int) -> str:
    total = int(panel.totals[row])
    if total < 0 or not panel.known[total, : column + 1].any():
        return f"{label}: no total is published"
    if sentence := _gap(f"{label}: the total", panel, total, column, of=True):
        return sentence
    return "" if panel.values[total, column] > 0 else f"{label}: the total of {_say(panel, column)} is 0"
