"""What a change of an alert rested on, in words: amounts with their units, growth with its sign, nothing left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from monitor.detection.indicators import INDICATORS
from monitor.months import parse_month, say_month
from monitor.series import SeriesKey, Status
from monitor.units import Dimension
from monitor.wording import say_amount, say_derived, say_growth, say_number, say_percent

Amount = Callable[[float], str]
"""Writes an amount of the series."""

# What is said elsewhere: in the heading of the change, or as part of another fact.
_SAID = {
    "series",
    "month",
    "words",
    "status",
    "derived",
    "base_derived",
    "to_date",
    "base_to_date",
    "usual_months",
    "leader_value",
    "ranked",
    "ranked_share",
}
_SAID |= {"told", "two_years", "yoy", "mom", "lower", "upper", "rule_version", "release"}

_NAMES = {
    "value": "figure",
    "base": "a year earlier",
    "base_ratio": "that one to its own usual",
    "previous": "the month before",
    "ratio": "to its usual",
    "low": "lowest of",
    "high": "highest of",
    "first_rise_in": "first y/y rise in",
    "first_fall_in": "first y/y fall in",
    "rise_streak": "y/y rises in a row",
    "fall_streak": "y/y falls in a row",
    "probability_of_zero": "a zero was likely by",
    "surprise": "surprise",
    "share": "share of the total",
    "contribution": "in the total's growth",
    "why_yoy": "not known",
    "why_model": "not known",
    "condition": "read by the rule",
    "revisions": "revised",
    "old_path": "was",
    "new_path": "is",
}


def evidence_lines(evidence: Mapping[str, Any], key: SeriesKey, shown: str = "") -> list[str]:
    """
    Write evidence as aligned lines.

    Parameters
    ----------
    evidence : mapping
        Of a `Transition`: facts of the cell, what the condition read, revisions, old and new path.
    key : SeriesKey
        Its unit is that of the amounts.
    shown : str
        The unit in which its basket shows them; "" leaves that to their size.
    """
    amount = partial(say_amount, unit=key.unit, shown=shown)
    pairs = [(_NAMES.get(name, name.replace("_", " ")), words) for name, words in _pairs(evidence, amount)]
    width = max((len(name) for name, _ in pairs), default=0)
    return [f"{name.ljust(width)}  {words}" for name, words in pairs]


def _pairs(evidence: Mapping[str, Any], say: Amount) -> Iterator[tuple[str, str]]:
    for name, value in evidence.items():
        if name in _SAID:
            continue
        words = _WORDS[name](evidence, say) if name in _WORDS else _plain(name, value, say)
        if words:
            yield name, words
    yield from ((name, str(evidence[name])) for name in ("release", "rule_version") if name in evidence)


def _plain(name: str, value: Any, say: Amount) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    indicator = INDICATORS.get(name)
    return measured(float(value), indicator.dimension if indicator else Dimension.STEPS, say)


def measured(value: float, dimension: Dimension | None, say: Amount) -> str:
    """Write a number as what it counts; None is the figure's own unit."""
    if dimension is Dimension.GROWTH:
        return say_growth(value)
    if dimension in (Dimension.SHARE, Dimension.RATIO):
        return say_percent(value)
    if dimension in (Dimension.SCORE, Dimension.STEPS):
        return say_number(value, 0 if value.is_integer() and dimension is Dimension.STEPS else 2)
    return say(value)


def _amount(evidence: Mapping[str, Any], say: Amount, name: str, *notes: str) -> str:
    said = ", ".join(filter(None, notes))
    amount = say(float(evidence[name]))
    return f"{amount} ({said})" if said else amount


def _growth(evidence: Mapping[str, Any], name: str, what: str) -> str:
    return f"{what} {say_growth(float(evidence[name]))}" if name in evidence else ""


def _derived(evidence: Mapping[str, Any], which: str) -> str:
    return say_derived(bool(evidence.get(f"{which}to_date"))) if evidence.get(f"{which}derived") else ""


def _figure(evidence: Mapping[str, Any], say: Amount) -> str:
    status = str(evidence.get("status", ""))
    notes = ["" if status == Status.VALUE.sentence else status, _derived(evidence, "")]
    return _amount(evidence, say, "value", *notes)


def _base(evidence: Mapping[str, Any], say: Amount) -> str:
    derived = _derived(evidence, "base_")
    growth = _growth(evidence, "yoy", "y/y"), _growth(evidence, "two_years", "against two years earlier")
    return _amount(evidence, say, "base", derived, *growth)


def _previous(evidence: Mapping[str, Any], say: Amount) -> str:
    return _amount(evidence, say, "previous", _growth(evidence, "mom", "m/m"))


def _usual(evidence: Mapping[str, Any], say: Amount) -> str:
    held = evidence.get("usual_months")
    return _amount(evidence, say, "usual", f"median of {held} of the 24 months before" if held else "")


def _expected(evidence: Mapping[str, Any], say: Amount) -> str:
    if "lower" not in evidence or "upper" not in evidence:
        return _amount(evidence, say, "expected")
    low, high = (say(float(evidence[name])) for name in ("lower", "upper"))
    return _amount(evidence, say, "expected", f"{low} to {high}, 99%")


def _zero(evidence: Mapping[str, Any], say: Amount) -> str:
    return say_percent(float(evidence["probability_of_zero"])) if evidence["probability_of_zero"] else ""


def _span(name: str) -> Callable[[Mapping[str, Any], Amount], str]:
    def words(evidence: Mapping[str, Any], say: Amount) -> str:
        span = evidence[name]
        held = int(span["months_held"])
        return f"{held} months held, from {say_month(parse_month(span['since']))}" if held > 1 else ""

    return words


def _streak(name: str) -> Callable[[Mapping[str, Any], Amount], str]:
    def words(evidence: Mapping[str, Any], say: Amount) -> str:
        return say_number(float(evidence[name])) if evidence[name] else ""

    return words


def _months(name: str) -> Callable[[Mapping[str, Any], Amount], str]:
    def words(evidence: Mapping[str, Any], say: Amount) -> str:
        return f"{say_number(float(evidence[name]))} months" if float(evidence[name]) > 1 else ""

    return words


def _rank(evidence: Mapping[str, Any], say: Amount) -> str:
    held = f" of {evidence['ranked']} held" if evidence.get("ranked") else ""
    part = evidence.get("ranked_share")
    return f"{say_number(float(evidence['rank']))}{held}{f', {say_percent(float(part))} of the total' if part else ''}"


def _contribution(evidence: Mapping[str, Any], say: Amount) -> str:
    return f"{say_number(float(evidence['contribution']) * 100, 1)} points"


def _leader(evidence: Mapping[str, Any], say: Amount) -> str:
    value = evidence.get("leader_value")
    return f"{evidence['leader']}{f' ({say(float(value))})' if value is not None else ''}"


def _condition(evidence: Mapping[str, Any], say: Amount) -> str:
    return ", ".join(f"{call} {_reading(call, value, say)}" for call, value in evidence["condition"].items())


def _reading(call: str, value: float | None, say: Amount) -> str:
    if value is None or not math.isfinite(value):
        return "not known"
    name = call.partition("(")[0].rpartition(".")[2]
    indicator = INDICATORS.get(name)
    foreign = "measure=" in call or "." in call.partition("(")[0]  # a sibling's amount is in another unit
    if indicator is None or (indicator.dimension is None and foreign) or indicator.dimension is Dimension.PRICE:
        return say_number(float(value), 2)
    return measured(float(value), indicator.dimension, say)


def _revisions(evidence: Mapping[str, Any], say: Amount) -> str:
    return "; ".join(
        f"{say_month(parse_month(one['period']))} from {_held(one['old'], say)} to {_held(one['new'], say)}"
        for one in evidence["revisions"]
    )


def _held(value: float | None, say: Amount) -> str:
    return "no figure" if value is None else say(float(value))


def _path(name: str) -> Callable[[Mapping[str, Any], Amount], str]:
    def words(evidence: Mapping[str, Any], say: Amount) -> str:
        steps = [str(step).split(" ", 1) for step in evidence[name]]
        return "; ".join(f"{say_month(parse_month(month))} {what}" for month, what in steps) or "nothing"

    return words


_WORDS: dict[str, Callable[[Mapping[str, Any], Amount], str]] = {
    "value": _figure,
    "base": _base,
    "previous": _previous,
    "usual": _usual,
    "expected": _expected,
    "probability_of_zero": _zero,
    "low": _span("low"),
    "high": _span("high"),
    "rise_streak": _streak("rise_streak"),
    "fall_streak": _streak("fall_streak"),
    "first_rise_in": _months("first_rise_in"),
    "first_fall_in": _months("first_fall_in"),
    "rank": _rank,
    "leader": _leader,
    "contribution": _contribution,
    "condition": _condition,
    "revisions": _revisions,
    "old_path": _path("old_path"),
    "new_path": _path("new_path"),
}
