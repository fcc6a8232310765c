"""The columns of somebody's file become the fields of figures: names to codes, texts to numbers, units to base units."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

import numpy as np
import pandas as pd
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from monitor.countries import partner_of
from monitor.errors import SourceFormatChanged
from monitor.months import Month, month
from monitor.series import Flag
from monitor.sources.figures import parse_numbers, refusal
from monitor.sources.payload import LINE
from monitor.units import Dimension, find_unit
from monitor.wording import one_line

T = TypeVar("T", bound=Hashable)

MEASURES = {
    "weight": Dimension.WEIGHT,
    "value": Dimension.MONEY,
    "duty": Dimension.MONEY,
    "quantity": Dimension.COUNT,
}
"""What is measured, and the dimension of its unit."""

FieldName = Literal[
    "reporter", "partner", "product", "flow", "measure", "unit", "basis", "period", "year", "month", "value", "flag", "title"
]
_REQUIRED = ("reporter", "partner", "product", "flow", "measure", "unit", "period", "value")
_CODE = re.compile(r"[A-Z][A-Z0-9]*:[A-Za-z0-9][\w.-]*", re.ASCII)
_PERIOD = re.compile(r"(\d{4})[-/.M]?(\d{1,2})(?:[-/.]\d{1,2}(?:[ T][\d:.]*)?)?")


def _known_unit(name: str) -> str:
    find_unit(name)
    return name


def _month_pattern(text: str) -> str:
    try:
        groups = re.compile(text).groupindex
    except re.error as error:
        raise ValueError(f'"{text}" is not a pattern: {error}') from None
    if not {"year", "month"} <= set(groups):
        raise ValueError("wide needs the groups (?P<year>…) and (?P<month>…)")
    return text


UnitName = Annotated[str, AfterValidator(_known_unit)]


class ValueColumn(BaseModel):
    """One measure of a file that has a column for each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    unit: UnitName


class Mapping(BaseModel):
    """
    Which column holds which field, and what the texts in them mean.

    A field is taken from `columns`, else from the column that has its name, else from the constant of its name
    (``reporter: CN``). ``values`` reads one column a measure, ``wide`` one column a month.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[FieldName, str] = Field(default_factory=dict)
    reporter: str | None = None
    partner: str | None = None
    product: str | None = None
    flow: str | None = None
    measure: str | None = None
    unit: UnitName | None = None
    basis: Literal["reported", "mirror"] = "reported"
    values: dict[str, ValueColumn] = Field(default_factory=dict)
    wide: Annotated[str, AfterValidator(_month_pattern)] | None = Field(
        default=None, description="a pattern with the groups year and month, for headings that are months"
    )
    period_format: str | None = Field(default=None, description="as datetime.strptime takes it, where a month is not 2025-10")
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    nomenclature: str = Field(default="", pattern=r"^[A-Z0-9]*$")
    digits: int = Field(default=0, ge=0, le=14, description="product codes are filled with leading zeros to this length")
    partners: dict[str, str] = Field(default_factory=dict)
    products: dict[str, str] = Field(default_factory=dict)
    measures: dict[str, str] = Field(default_factory=dict)
    flows: dict[str, str] = Field(default_factory=dict)
    units: dict[str, UnitName] = Field(default_factory=dict)
    flags: dict[str, Literal["derived", "provisional", "estimated"]] = Field(default_factory=dict)
    cumulative: str | None = Field(default=None, description="the heading of a column with the sums from January on")

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same mark")
        if self.cumulative is not None and (self.values or self.wide is not None):
            raise ValueError("cumulative is a column beside that of the value; it goes with neither values nor wide")
        return self


def to_figures(rows: pd.DataFrame, mapping: Mapping, where: str) -> tuple[pd.DataFrame, dict[str, str]]:
    """
    Return figures (not yet `checked`, with their `line`) and the titles of product codes.

    Raises
    ------
    SourceFormatChanged
        With file, line and the text that has no meaning here.
    """
    rows = _fields(_long(rows, mapping, where), mapping, where)
    value = parse_numbers(rows["value"], decimal=mapping.decimal, thousands=mapping.thousands, where=where, lines=rows["line"])
    units = translated(rows["unit"], rows["line"], where, lambda text: find_unit(mapping.units.get(text, text)))
    frame = rows[["line"]].assign(
        unit=units.map(lambda unit: unit.base),
        value=value * units.map(lambda unit: float(unit.factor)).to_numpy(np.float64),
        **{name: translated(rows[name], rows["line"], where, read) for name, read in _readers(mapping).items() if name in rows},
    )
    frame = frame.rename(columns={"flag": "flags"})
    _refuse_wrong_units(frame, where)
    titles = dict(zip(frame["product"], rows["title"].map(_plain), strict=True)) if "title" in rows else {}
    return frame[~np.isnan(value)], titles


def to_date(rows: pd.DataFrame, mapping: Mapping, where: str) -> pd.DataFrame | None:
    """Return the figures of the year to date, read as `to_figures` reads those of months; None where the file has none."""
    if mapping.cumulative is None:
        return None
    columns = {**mapping.columns, "value": mapping.cumulative}
    return to_figures(rows, mapping.model_copy(update={"columns": columns, "cumulative": None}), where)[0]


def _readers(mapping: Mapping) -> dict[str, Callable[[str], Any]]:
    """What a text in each field's column means."""

    def partner(text: str) -> str:
        return partner_of(text, mapping.partners)

    return {
        "reporter": partner,
        "partner": partner,
        "product": lambda text: _product(text, mapping),
        "flow": lambda text: _flow(mapping.flows.get(text, text)),
        "measure": lambda text: _measure(mapping.measures.get(text, text)),
        "basis": str,
        "period": lambda text: _period(text, mapping.period_format),
        "flag": lambda text: int(Flag[mapping.flags[text].upper()]) if text in mapping.flags else int(Flag.NONE),
    }


def translated(cells: pd.Series, lines: pd.Series, where: str, translate: Callable[[str], T]) -> pd.Series:
    """
    Translate a column by its distinct texts.

    Raises
    ------
    SourceFormatChanged
        For the first line whose text `translate` refuses with a ValueError.
    """
    codes, distinct = pd.factorize(cells, use_na_sentinel=False)
    meanings = np.empty(len(distinct), dtype=object)
    for number, cell in enumerate(distinct):
        try:
            meanings[number] = translate(_plain(cell))
        except ValueError as error:
            row = int(np.argmax(codes == number))
            raise refusal(where, lines, row, str(error)) from error
    return pd.Series(meanings[codes], index=cells.index)


def _plain(cell: object) -> str:
    if cell is None or (isinstance(cell, float) and np.isnan(cell)):
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def _long(rows: pd.DataFrame, mapping: Mapping, where: str) -> pd.DataFrame:
    """Turn a column a month, or a column a measure, into a row a figure."""
    if mapping.wide is not None:
        pattern = re.compile(mapping.wide)
        matches = {name: match for name in rows.columns if (match := pattern.fullmatch(name))}
        if not matches:
            raise SourceFormatChanged(f"{where}: no heading is a month by the pattern {mapping.wide}")
        names = {name: f"{match['year']}-{match['month']}" for name, match in matches.items()}
        others = [name for name in rows.columns if name not in {*names, "period", "value"}]
        months = list(names.values())
        return rows.rename(columns=names)[[*others, *months]].melt(others, months, "period", "value")
    if not mapping.values:
        return rows
    for name in [column.column for column in mapping.values.values() if column.column not in rows]:
        raise SourceFormatChanged(_no_column(where, name, "value", rows))
    parts = [rows.assign(measure=name, unit=column.unit, value=rows[column.column]) for name, column in mapping.values.items()]
    return pd.concat(parts, ignore_index=True)


def _fields(rows: pd.DataFrame, mapping: Mapping, where: str) -> pd.DataFrame:
    """Name columns by field and add the constants."""
    for field, name in mapping.columns.items():
        if name not in rows:
            raise SourceFormatChanged(_no_column(where, name, field, rows))
    named = {field: rows[name] for field in get_args(FieldName) if (name := mapping.columns.get(field, field)) in rows}
    constants = {f: v for f in ("basis", *_REQUIRED[:6]) if (v := getattr(mapping, f)) is not None and f not in named}
    found = pd.DataFrame(named | {"line": rows[LINE]}).assign(**constants)
    if "period" not in found and {"year", "month"} <= set(found.columns):
        years, months = found["year"].map(_plain), found["month"].map(_plain).str.zfill(2)
        found["period"] = years + "-" + months
    if mapping.cumulative is not None and "value" not in found:
        found["value"] = ""  # a file may have nothing but the year to date
    for missing in [name for name in _REQUIRED if name not in found]:
        raise SourceFormatChanged(_no_column(where, missing, missing, rows))
    return found


def _no_column(where: str, name: str, field: str, rows: pd.DataFrame) -> str:
    has = ", ".join(f'"{column}"' for column in rows.columns if column != LINE)
    return one_line(f'{where}: no column "{name}" for the {field}; it has {has}')


def _period(text: str, layout: str | None) -> Month:
    if layout is not None:
        day = datetime.strptime(text, layout)
        return month(day.year, day.month)
    match = _PERIOD.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is not a month; expected is 2025-10, or set period_format')
    return month(int(match[1]), int(match[2]))


def _product(text: str, mapping: Mapping) -> str:
    if not text:
        raise ValueError("no product code")
    code = mapping.products.get(text, text)
    if code == text and mapping.nomenclature:
        code = f"{mapping.nomenclature}:{text.zfill(mapping.digits)}"
    if ":" not in code:
        raise ValueError(f'the product "{text}" has no nomenclature; set nomenclature, or map it under products')
    if not _CODE.fullmatch(code):
        raise ValueError(f'"{text}" is not a product code; letters, digits, ".", "_" and "-" are expected')
    return code


def _flow(text: str) -> str:
    if text not in ("export", "import"):
        raise ValueError(f'"{text}" is neither export nor import; map it under flows')
    return text


def _measure(text: str) -> str:
    if text not in MEASURES:
        raise ValueError(f'unknown measure "{text}"; known are {", ".join(MEASURES)}; map it under measures')
    return text


def _refuse_wrong_units(frame: pd.DataFrame, where: str) -> None:
    pairs = frame[["measure", "unit"]].reset_index(drop=True).drop_duplicates()
    for row, measure, unit in pairs.itertuples():
        dimension = find_unit(unit).dimension
        if dimension != MEASURES[measure]:
            sentence = f"a {measure} in {unit}, which is a unit of {dimension}, not of {MEASURES[measure]}"
            raise refusal(where, frame["line"], row, sentence)
