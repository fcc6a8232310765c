"""
One file of Japan's trade statistics by commodity and country: a year in one row, two quantities and the value a month.

The file is cumulative: it has every month of its year that is out, and 0 for those that are not. Codes have nine digits and
stand in single quotes, countries are numbers of Japan Customs, values are in 1,000 yen, cut and not rounded.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

from monitor.errors import SourceFormatChanged, SourceUnavailable
from monitor.months import Month, calendar_month, format_month, say_month
from monitor.panel import Floats
from monitor.series import WORLD
from monitor.sources.base import FIGURE_COLUMNS
from monitor.sources.figures import checked, refusal

FIELDS = ("Exp or Imp", "Year", "HS", "Country", "Unit1", "Unit2")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
KINDS = ("Quantity1", "Quantity2", "Value")
LINE = "line"

_FLOWS = {"export": "1", "import": "2"}
_WEIGHTS = {"KG": 1.0, "MT": 1000.0, "GR": 0.001}
_COUNTS = {"NO": 1.0, "TH": 1000.0, "DZ": 12.0, "PR": 1.0, "ST": 1.0}
_CUT = 12  # twelve months of which each was cut may fall short of their year by as many units


@dataclass(frozen=True, eq=False, kw_only=True)
class File:
    """The rows of some products, as texts and with their lines; `raw` is the heading and these rows as they came."""

    where: str
    frame: pd.DataFrame
    raw: bytes


def read_file(body: bytes, where: str, *, flow: str, months: Sequence[Month], products: Sequence[str]) -> File:
    """
    Return the rows of products out of a file.

    Parameters
    ----------
    body : bytes
    where : str
        The file, for sentences.
    flow : {"import", "export"}
    months : sequence of int
        The months that the list of files says are in it.
    products : sequence of str
        Codes, or how they begin.

    Raises
    ------
    SourceUnavailable
        If the file was cut short, or does not yet hold, or already holds more than, what the list says.
    SourceFormatChanged
        If it is not such a file, or about another year or flow.
    """
    lines = _lines(body, where)
    rows = _rows(lines, where)
    places = _places(next(rows), where)
    silent = {name: places[f"Value-{name}"] for name in MONTHS}
    wanted: list[tuple[int, list[str]]] = []
    for line, row in enumerate(rows, 2):
        for name in [name for name, at in silent.items() if row[at].strip() not in ("0", "")]:
            del silent[name]
        if _code(row[places["HS"]]).startswith(tuple(products)):
            wanted.append((line, row))
    _refuse_other_months(silent, months, where)
    frame = _frame(wanted, places)
    _refuse_other_rows(frame, where, year=format_month(months[0])[:4], flow=flow)
    _refuse_other_sums(frame, where)
    return File(where=where, frame=frame, raw="".join([lines[0], *(lines[line - 1] for line, _ in wanted)]).encode())


def _lines(body: bytes, where: str) -> list[str]:
    for encoding in ("utf-8-sig", "cp932"):
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.lstrip()[:1] == "<":
            raise SourceFormatChanged(f"{where}: a web page in place of a CSV file")
        return [line for line in text.splitlines(keepends=True) if line.strip()]
    raise SourceFormatChanged(f"{where}: the text is neither UTF-8 nor Shift JIS")


def _rows(lines: list[str], where: str) -> Iterator[list[str]]:
    """Yield the rows one by one: a file has some hundred thousand, of which few are wanted."""
    if not lines:
        raise SourceUnavailable(f"{where}: the file is empty")
    reader, width = csv.reader(lines, strict=True), 0
    try:
        for line, row in enumerate(reader, 1):
            width = width or len(row)
            if len(row) < width and line == len(lines):
                raise SourceUnavailable(f"{where}: the file is cut short in line {line:,}")
            if len(row) != width or reader.line_num != line:
                raise SourceFormatChanged(f"{where}:{line}: {len(row)} cells in one line, where the heading has {width}")
            yield row
    except csv.Error as error:
        raise SourceFormatChanged(f"{where}:{reader.line_num}: not a row of this file: {error}") from None


def _places(header: list[str], where: str) -> dict[str, int]:
    """Return where each column stands; some years write Apl for April."""
    found = {name.strip().replace("-Apl", "-Apr"): at for at, name in enumerate(header)}
    needed = [*FIELDS, *(f"{kind}-{name}" for name in ("Year", *MONTHS) for kind in KINDS)]
    missing = [name for name in needed if name not in found]
    if missing:
        had = ", ".join(header[:6])[:120]
        raise SourceFormatChanged(f"{where}: the file has no column {missing[0]}; its heading begins {had}")
    return {name: found[name] for name in needed}


def _code(text: str) -> str:
    return text.strip().strip("'\"").strip()


def _frame(wanted: Sequence[tuple[int, list[str]]], places: Mapping[str, int]) -> pd.DataFrame:
    texts = {name: pd.Series([row[at].strip() for _, row in wanted], dtype="str") for name, at in places.items()}
    frame = pd.DataFrame(texts).assign(**{LINE: [line for line, _ in wanted]})
    return frame.assign(HS=pd.Series(map(_code, frame["HS"]), dtype="str"))


def _refuse_other_months(silent: Collection[str], months: Sequence[Month], where: str) -> None:
    """Refuse a file that is being replaced: over all products, its months are not those of the list."""
    stated = {MONTHS[calendar_month(m) - 1]: m for m in months}
    if empty := [m for name, m in stated.items() if name in silent]:
        raise SourceUnavailable(f"{where}: the list of files has {say_month(empty[0])}, the file has no figure of it yet")
    if more := [name for name in MONTHS if name not in silent and name not in stated]:
        raise SourceUnavailable(f"{where}: the file has figures of {more[0]}, which the list of files does not have yet")


def _refuse_other_rows(frame: pd.DataFrame, where: str, *, year: str, flow: str) -> None:
    checks = (
        ("Exp or Imp", frame["Exp or Imp"] == _FLOWS[flow], f"{_FLOWS[flow]}, which is {flow},"),
        ("Year", frame["Year"] == year, year),
        ("HS", frame["HS"].str.fullmatch(r"\d{9}"), "a code of nine digits"),
        ("Country", frame["Country"].str.fullmatch(r"\d{3}"), "a number of three digits"),
    )
    for name, good, expected in checks:
        if not good.all():
            row = int((~good).to_numpy(bool).argmax())
            raise refusal(where, frame[LINE], row, f'{name} is "{frame[name].iloc[row][:40]}"; {expected} is expected')


def _refuse_other_sums(frame: pd.DataFrame, where: str) -> None:
    """The year to date is a check on its months: another sum is a damaged row."""
    for kind in KINDS:
        year = _numbers(frame, f"{kind}-Year", where)
        months = np.nansum([_numbers(frame, f"{kind}-{name}", where) for name in MONTHS], axis=0)
        wrong = np.abs(year - months) > _CUT
        if wrong.any():
            row = int(wrong.argmax())
            cell = f"{kind} of {frame['HS'].iloc[row]} and country {frame['Country'].iloc[row]}"
            sums = f"the year says {year[row]:,.12g}, its months sum to {months[row]:,.12g}"
            raise refusal(where, frame[LINE], row, f"{cell}: {sums}")


def _numbers(frame: pd.DataFrame, column: str, where: str) -> Floats:
    """Read whole numbers; a blank, as of a quantity without unit, is none."""
    texts = frame[column]
    wrong = ~texts.str.fullmatch(r"[0-9]{0,15}").to_numpy(bool)
    if wrong.any():
        row = int(wrong.argmax())
        raise refusal(where, frame[LINE], row, f'{column} is "{texts.iloc[row][:40]}"; a whole number of 0 or more is expected')
    return pd.to_numeric(texts.where(texts != "")).to_numpy(np.float64, na_value=np.nan)


def figures(file: File, measure: str, period: Month) -> tuple[Floats, Floats]:
    """
    Return the figures of a measure in a month in base units, and the step that each is cut to.

    Of two quantities of one kind the second is taken, which the office calls the main one. Both are NaN where nothing is
    counted in a unit of this kind.

    Raises
    ------
    SourceFormatChanged
        If a figure is missing or no number.
    """
    name = MONTHS[calendar_month(period) - 1]
    if measure == "value":
        return _given(file, _numbers(file.frame, f"Value-{name}", file.where), np.full(len(file.frame), 1000.0), name)
    units = _WEIGHTS if measure == "weight" else _COUNTS
    one, two = (file.frame[unit].str.upper().map(units).to_numpy(np.float64) for unit in ("Unit1", "Unit2"))
    first, second = (_numbers(file.frame, f"{kind}-{name}", file.where) for kind in KINDS[:2])
    main = ~np.isnan(two)
    return _given(file, np.where(main, second, first), np.where(main, two, one), name)


def _given(file: File, count: Floats, factor: Floats, name: str) -> tuple[Floats, Floats]:
    missing = np.isnan(count) & ~np.isnan(factor)
    if missing.any():
        raise refusal(file.where, file.frame[LINE], int(missing.argmax()), f"no figure of {name}, which the list of files has")
    return count * factor, factor


def partners(file: File, known: Mapping[str, str]) -> pd.Series:
    """
    Return the partner of each row; `known` goes before the office's list.

    Raises
    ------
    SourceFormatChanged
        Naming the first number that is in neither.
    """
    codes = {**_codes(), **known}
    found = file.frame["Country"].map(codes)
    unknown = found.isna().to_numpy(bool)
    if unknown.any():
        row = int(unknown.argmax())
        number = file.frame["Country"].iloc[row]
        raise refusal(file.where, file.frame[LINE], row, f'unknown country number "{number}"; give it a code under partners')
    return found.astype("str")


def with_total(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """
    Add up numbers of one country (the Azores and Portugal), and all of them: the files have every country and no total.

    The same number twice is left to be refused.
    """
    if frame.empty:
        return frame.reindex(columns=list(FIGURE_COLUMNS))
    keys = [name for name in frame.columns if name not in ("country", "partner", "value")]
    again = frame.duplicated([*keys, "country"])
    if again.any():
        row = frame[again].iloc[0]
        raise SourceFormatChanged(f"{where}: {row['product']} has two rows of country {row['country']}")
    single = frame.groupby([*keys, "partner"], sort=False, as_index=False)["value"].sum()
    total = single.groupby(keys, sort=False, as_index=False)["value"].sum().assign(partner=WORLD)
    return checked(pd.concat([single, total], ignore_index=True), where=where)


@cache
def _codes() -> dict[str, str]:
    text = (files("monitor") / "data" / "japan_country_codes.csv").read_text("utf-8")
    return {row["code"]: row["partner"] for row in csv.DictReader(text.splitlines())}
