"""
How numbers and moments are said: thousands separators and units always, a real minus sign, growth from zero as "from none".

Separators, the percent sign and the order of a day are those of the readers for whom something is said (`monitor.speech`).
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime

from monitor import speech
from monitor.months import Month, say_month
from monitor.units import UNITS

MINUS = "−"
MOST_NAME, MOST_COMMENT = 80, 500
"""How long the name and the comment of a person may be."""

_JOINERS = "\u200c\u200d"  # needed to write Persian and Indic words
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"  # letters and signs that nobody sees
_MONEY_STEPS = ((1e9, "bn "), (1e6, "M "), (1e3, "k "))


def say_number(value: float, decimals: int = 0) -> str:
    """Write a number with thousands separators: ``5,473``; NaN is ``not known``."""
    if math.isnan(value):
        return "not known"
    if math.isinf(value):
        return "from none" if value > 0 else "to none"
    text = speech.number(abs(value), decimals)
    return f"{MINUS}{text}" if value < 0 and float(f"{value:.{decimals}f}") else text


def _trimmed(value: float, decimals: int) -> str:
    """Write a number without decimals that are all zero."""
    return say_number(value, 0 if f"{value:.{decimals}f}".endswith(".0") else decimals)


def say_amount(value: float, unit: str, *, signed: bool = False, shown: str = "") -> str:
    """
    Write an amount of a base unit as a person would: kg as t from one tonne on, money in k, M or bn.

    Parameters
    ----------
    value : float
        In `unit`, a base unit (kg, pcs or a currency; ``USD/kg`` for prices).
    signed : bool
        Write a plus sign before a rise.
    shown : str
        A unit of `monitor.units.UNITS` to write it in, whatever its size; one of another base is not used.
    """
    plus = "+" if signed and value > 0 else ""
    if math.isnan(value):
        return "not known"
    size = abs(value)
    if shown in UNITS and UNITS[shown].base == unit:
        scaled = value / float(UNITS[shown].factor)
        return f"{plus}{_trimmed(scaled, 1 if 0 < abs(scaled) < 9.95 else 0)} {shown}"
    if unit == "kg":
        if size and size < 1000:
            return f"{plus}{say_number(value)} kg"
        return f"{plus}{_trimmed(value / 1000, 1 if 0 < size < 9950 else 0)} t"
    if "/" in unit:
        return f"{plus}{say_number(value, 2)} {unit}"
    if unit == "pcs":
        return f"{plus}{say_number(value)} {unit}"
    for factor, prefix in _MONEY_STEPS:
        if size >= factor:
            scaled = value / factor
            return f"{plus}{say_number(scaled, _decimals(scaled))} {prefix}{unit}"
    return f"{plus}{say_number(value)} {unit}"


def _decimals(scaled: float) -> int:
    return 2 if abs(scaled) < 10 else 1 if abs(scaled) < 100 else 0


def say_growth(growth: float, decimals: int = 1) -> str:
    """Write a relative change with its sign: ``+15.8%``, ``−18.3%``, ``from none`` where the base was zero."""
    if math.isnan(growth):
        return "not known"
    if math.isinf(growth):
        return "from none"
    text = say_percent(growth, decimals)
    return text if text.startswith(MINUS) else f"+{text}"


def say_percent(share: float, decimals: int = 1) -> str:
    """Write a part of something: ``12.0%``."""
    if math.isnan(share):
        return "not known"
    digits = say_number(share * 100, decimals)
    sign = MINUS if digits.startswith(MINUS) else ""
    return f"{sign}{speech.percent(digits.removeprefix(MINUS))}"


def say_deviations(score: float) -> str:
    """Write a score as a distance and a side: ``4.4 standard deviations below``."""
    return f"{say_number(abs(score), 1)} standard deviations {'below' if score < 0 else 'above'}"


def say_derived(to_date: bool) -> str:
    """Say what a derived figure was computed from."""
    return f"derived from {'figures of the year to date' if to_date else 'a published growth rate'}"


def say_count(count: int, noun: str, plural: str = "") -> str:
    """Write ``1 alert`` or ``3 alerts``."""
    return f"{say_number(count)} {noun if count == 1 else plural or noun + 's'}"


def say_months(months: Iterable[Month]) -> str:
    """Say months together: ``January 2025 and February 2025``; of three or more in a row the first and the last."""
    found = sorted(set(months))
    if len(found) > 2 and found[-1] - found[0] == len(found) - 1:
        return f"{say_month(found[0])} to {say_month(found[-1])}"
    return join_words([say_month(month) for month in found])


def say_day(at: date, *, year: bool = True) -> str:
    """Write a day: ``20 July 2025``, or ``20 July``."""
    return speech.day(at, year=year)


def say_moment(at: datetime) -> str:
    """Write a moment: ``20 July 2025, 07:00 UTC``."""
    return f"{speech.day(at)}, {speech.hour(at)}"


def say_ordinal(rank: int) -> str:
    """Write ``1st``, ``2nd``, ``3rd``, ``11th``."""
    suffix = "th" if 10 <= rank % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank}{suffix}"


def capital(words: str) -> str:
    """Return words with a capital at their beginning; the rest stays."""
    return words[:1].upper() + words[1:]


def join_words(words: list[str]) -> str:
    """Write ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def sentence_case(title: str) -> str:
    """Write a title that a source shouts as people do: ``Petroleum & coal products``; any other stays."""
    return title.capitalize() if title.isupper() else title


def one_line(text: object, most: int = 300) -> str:
    """Return what a file says as it may stand in a sentence: on one line, without control characters, not too long."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def is_hidden(c: str) -> bool:
    """Tell whether a character is not seen: a control or direction character, or one that is none."""
    return c in _BLANK or (c not in _JOINERS and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co"))


def typed_line(text: str, most: int) -> str:
    """
    Return one line that a person typed, without blanks at its ends.

    Raises
    ------
    ValueError
        In one sentence, if it is empty, longer than `most` characters, or holds a character that is not seen.
    """
    line = text.strip(" ")
    if all(c in _JOINERS or unicodedata.category(c).startswith(("M", "Z")) for c in line):
        raise ValueError("the text is empty")
    hidden = next((c for c in line if is_hidden(c) or (c.isspace() and c != " ")), None)
    if hidden is not None:
        raise ValueError(f"the text holds the character U+{ord(hidden):04X}, which cannot be seen; write one plain line")
    if len(line) > most:
        raise ValueError(f"the text has {len(line):,} characters; at most {most} are kept")
    return line
