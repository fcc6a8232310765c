"""
Figures on their way in: texts become numbers, and a frame is whole, finite and unambiguous or it is refused.

Nothing is repaired and nothing is read by half: the first thing that cannot be right stops the release, in one sentence
with its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.errors import SourceFormatChanged
from monitor.months import FIRST, LAST, format_month, month_of, say_month
from monitor.panel import Floats
from monitor.series import KEY_FIELDS, Basis, Flag, SeriesKey, Status
from monitor.sources.base import FIGURE_COLUMNS
from monitor.wording import one_line

SERIES = [name for name in KEY_FIELDS if name not in ("source", "dataset")]
_BLANKS = ("", "-", "–", "—")
_NUMBERS = (Status.VALUE, Status.ZERO, Status.ABSENT_ZERO)


def parse_numbers(
    texts: pd.Series, *, decimal: str = ".", thousands: str = "", where: str = "figures", lines: pd.Series | None = None
) -> Floats:
    """
    Read figures as texts; a blank or a dash is no figure (NaN).

    Parameters
    ----------
    texts : Series
        Texts, numbers or a mixture (a spreadsheet); numbers are taken as they are.
    decimal, thousands : str
        The marks; groups between thousands marks must have three digits, so that a wrong setting is noticed. A blank as
        the thousands mark stands for every kind of blank.
    where : str
        The file, for the sentence.
    lines : Series, optional
        The line of each text.

    Raises
    ------
    SourceFormatChanged
        Naming the first text that is not a number, or too large for one.
    """
    if pd.api.types.is_numeric_dtype(texts) and not pd.api.types.is_bool_dtype(texts):
        return texts.to_numpy(np.float64, na_value=np.nan)
    plain = texts.astype("str").str.strip().str.replace("−", "-", regex=False)
    if thousands == " ":
        plain = plain.str.replace(r"\s", " ", regex=True)
    given = (~plain.isin(_BLANKS) & texts.notna()).to_numpy()
    native = texts.map(lambda text: isinstance(text, int | float) and not isinstance(text, bool)).to_numpy()
    good = plain.str.fullmatch(_pattern(decimal, thousands)).to_numpy(bool)
    bad = given & ~native & ~good
    if bad.any():
        row = int(np.argmax(bad))
        raise refusal(where, lines, row, f'"{texts.iloc[row]}" is not a number{_marks(decimal, thousands)}')
    bare = plain.where(native, _without_marks(plain, decimal, thousands))
    numbers = np.full(len(texts), np.nan)
    numbers[given] = bare[given].astype(np.float64)
    large = np.isinf(numbers)
    if large.any():
        row = int(np.argmax(large))
        raise refusal(where, lines, row, f'"{texts.iloc[row]}" is not a finite number')
    return numbers


def _pattern(decimal: str, thousands: str) -> str:
    whole = rf"\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+|\d+" if thousands else r"\d+"
    return rf"[+-]?(?:(?:{whole})(?:{re.escape(decimal)}\d*)?|{re.escape(decimal)}\d+)(?:[eE][+-]?\d+)?"


def _marks(decimal: str, thousands: str) -> str:
    other = f'"{thousands}"' if thousands else "none"
    return f' (decimal mark "{decimal}", thousands mark {other})'


def _without_marks(plain: pd.Series, decimal: str, thousands: str) -> pd.Series:
    if thousands:
        plain = plain.str.replace(thousands, "", regex=False)
    return plain if decimal == "." else plain.str.replace(decimal, ".", regex=False)


def place(where: str, lines: pd.Series | None, row: int) -> str:
    """Return ``figures.csv:14``, or the file alone where the line is not known."""
    return where if lines is None else f"{where}:{int(lines.iloc[row])}"


def refusal(where: str, lines: pd.Series | None, row: int, sentence: str) -> SourceFormatChanged:
    """Return the refusal of a row, on one line whatever the file says."""
    return SourceFormatChanged(one_line(f"{place(where, lines, row)}: {sentence}"))


def checked(frame: pd.DataFrame, *, where: str, one_unit: bool = True) -> pd.DataFrame:
    """
    Return figures that can be kept: whole, finite, not negative, one figure a cell.

    Parameters
    ----------
    frame : DataFrame
        `FIGURE_COLUMNS`; `basis`, `status` and `flags` may be missing (reported, from the value, none). A column `line`
        is used in sentences and dropped.
    where : str
        The file or address, for sentences.
    one_unit : bool
        Refuse a series that has figures in two units (two currencies, kilograms and pieces).

    Returns
    -------
    DataFrame
        Exactly `FIGURE_COLUMNS`, in the order given; rows that repeat a cell with the same figure are dropped.

    Raises
    ------
    SourceFormatChanged
        In one sentence, for the first thing that cannot be right.
    """
    frame = frame.reset_index(drop=True)
    lines = frame.get("line")
    if "basis" not in frame:
        frame = frame.assign(basis=Basis.REPORTED.value)
    if "flags" not in frame:
        frame = frame.assign(flags=int(Flag.NONE))
    missing = [name for name in FIGURE_COLUMNS if name not in frame and name != "status"]
    if missing:
        raise SourceFormatChanged(f"{where}: no column {', '.join(missing)}")
    if frame.empty:
        raise SourceFormatChanged(f"{where}: there are no figures in it")
    frame = _typed(frame, where, lines)
    _refuse_impossible(frame, where, lines)
    if one_unit:
        _refuse_two_units(frame, where, lines)
    return _one_figure_a_cell(frame, where, lines)


def _typed(frame: pd.DataFrame, where: str, lines: pd.Series | None) -> pd.DataFrame:
    for name in SERIES:
        empty = (frame[name].isna() | (frame[name] == "")).to_numpy(bool)
        if empty.any():
            raise refusal(where, lines, int(np.argmax(empty)), f"no {name}")
    value = frame["value"].to_numpy(np.float64, na_value=np.nan)
    stated = np.where(value == 0, Status.ZERO, np.where(np.isnan(value), Status.NOT_PUBLISHED, Status.VALUE))
    status = frame["status"].fillna(pd.Series(stated)).to_numpy(np.uint8) if "status" in frame else stated.astype(np.uint8)
    texts = {name: frame[name].astype("str") for name in SERIES}
    period, flags = frame["period"].astype(np.int64), frame["flags"].astype(np.uint8)
    typed = {"period": period, "value": value, "status": status, "flags": flags}
    return pd.DataFrame({**texts, **typed})[list(FIGURE_COLUMNS)]


def _refuse_impossible(frame: pd.DataFrame, where: str, lines: pd.Series | None) -> None:
    value, number = frame["value"].to_numpy(), np.isin(frame["status"], _NUMBERS)
    months = frame["period"].to_numpy()
    checks: tuple[tuple[NDArray[np.bool_], str], ...] = (
        (np.isinf(value), "the figure of {cell} is not a finite number"),
        (number & np.isnan(value), "{cell} has no figure"),
        (~number & ~np.isnan(value), "{cell} has a figure and is marked as having none"),
        (value < 0, "the figure of {cell} is negative: {value}"),
        ((months < FIRST) | (months > LAST), "{cell} is not a month between 1900 and 2199"),
    )
    for wrong, sentence in checks:
        if wrong.any():
            row = int(np.argmax(wrong))
            raise refusal(where, lines, row, sentence.format(cell=say_cell(frame, row), value=f"{value[row]:,.12g}"))


def say_cell(frame: pd.DataFrame, row: int) -> str:
    """Name the cell of a row: ``CN/US/CN8:85051110/export/weight/kg 2025-05``."""
    names = [name for name in SERIES if name != "basis"]
    return f"{'/'.join(str(frame[name].iloc[row]) for name in names)} {format_month(int(frame['period'].iloc[row]))}"


def _numbered(frame: pd.DataFrame, names: list[str]) -> NDArray[np.int64]:
    """Number the rows so that equal fields have equal numbers; far cheaper than grouping by texts."""
    number = np.zeros(len(frame), np.int64)
    for name in names:
        codes, distinct = pd.factorize(frame[name])
        number = pd.factorize(number * len(distinct) + codes)[0]
    return number


def _refuse_two_units(frame: pd.DataFrame, where: str, lines: pd.Series | None) -> None:
    series = _numbered(frame, [name for name in SERIES if name != "unit"])
    first = pd.Series(frame["unit"]).groupby(series, sort=False).transform("first")
    other = (first != frame["unit"]).to_numpy()
    if other.any():
        row = int(np.argmax(other))
        units = f"is in {frame['unit'].iloc[row]}, the same series before it in {first.iloc[row]}"
        raise refusal(where, lines, row, f"{say_cell(frame, row)} {units}")


def _one_figure_a_cell(frame: pd.DataFrame, where: str, lines: pd.Series | None) -> pd.DataFrame:
    cell = pd.Series(_numbered(frame, [*SERIES, "period"]))
    again = cell.duplicated().to_numpy()
    if not again.any():
        return frame
    first = frame["value"].groupby(cell).transform("first")
    different = again & (frame["value"].fillna(-1.0) != first.fillna(-1.0)).to_numpy()
    if different.any():
        row = int(np.argmax(different))
        figures = f"{first.iloc[row]:,.12g} and {frame['value'].iloc[row]:,.12g}"
        raise refusal(where, lines, row, f"{say_cell(frame, row)} has two figures, {figures}")
    return frame[~again].reset_index(drop=True)


def not_ahead(frame: pd.DataFrame, now: datetime, *, where: str) -> None:
    """
    Refuse figures of months that have not begun: a year mistyped once would make every later month an old one.

    Raises
    ------
    SourceFormatChanged
        Naming the first such cell.
    """
    current = month_of((now + timedelta(days=1)).date())  # a day ahead: an office's date may be
    ahead = (frame["period"] > current).to_numpy(bool)
    if ahead.any():
        cell = say_cell(frame, int(np.argmax(ahead)))
        raise SourceFormatChanged(f"{where}: {cell} is a month that has not begun; the newest possible is {say_month(current)}")


def same_units(frame: pd.DataFrame, known: Iterable[SeriesKey], *, where: str) -> None:
    """
    Refuse figures whose series were in another unit in the releases before.

    Raises
    ------
    SourceFormatChanged
        Naming the series and both units.
    """
    names = [name for name in SERIES if name != "unit"]
    before: dict[tuple[str, ...], set[str]] = {}
    for key in known:
        before.setdefault(tuple([str(getattr(key, name)) for name in names]), set()).add(key.unit)
    distinct = frame[[*names, "unit"]].drop_duplicates().astype(object)  # plain strings are much faster to go through
    for *series, unit in distinct.itertuples(index=False, name=None):
        units = before.get(tuple(map(str, series)), {unit})
        if unit not in units:
            said = "/".join(str(value) for name, value in zip(names, series, strict=True) if name != "basis")
            told = " or ".join(sorted(units))
            raise SourceFormatChanged(f"{where}: {said} is in {unit}, the releases before had it in {told}")
