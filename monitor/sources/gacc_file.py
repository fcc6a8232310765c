"""
What one file of China's customs query says: Chinese or English headings, one currency, two quantities.

The headings follow what was ticked in the form, every line ends in an empty cell, the value has thousands marks, and the
currency is the name of the last column.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from monitor.countries import partner_of
from monitor.errors import SourceFormatChanged
from monitor.months import format_month, parse_month
from monitor.sources.figures import checked, parse_numbers, refusal
from monitor.sources.mapping import translated
from monitor.sources.payload import LINE, MAX_BYTES, Layout, read_frame
from monitor.wording import one_line

MOST_ROWS = 10_000
"""The query gives no more rows in one file; a file with as many is cut short."""

HEADINGS = {
    "period": ("数据年月", "月份", "date of data", "data month", "month", "date"),
    "product": ("商品编码", "commodity code"),
    "title": ("商品名称", "commodity", "commodity name"),
    "partner": ("贸易伙伴名称", "trading partner", "trading partner name", "partner"),
    "mode": ("贸易方式编码", "贸易方式名称", "trade mode code", "trade mode", "customs regime code", "customs regime"),
    "place": ("注册地编码", "注册地名称", "registration place code", "registration place", "location code", "location"),
    "quantity": ("第一数量", "first quantity", "quantity"),
    "unit": ("第一计量单位", "first unit", "unit", "first quantity unit"),
    "quantity2": ("第二数量", "second quantity", "supplimentary quantity", "supplementary quantity"),
    "unit2": ("第二计量单位", "second unit", "supplimentary unit", "supplementary unit", "second quantity unit"),
}
CURRENCIES = {
    "美元": "USD",
    "us dollar": "USD",
    "usd": "USD",
    "人民币": "CNY",
    "人民币元": "CNY",
    "rmb": "CNY",
    "cny": "CNY",
    "yuan": "CNY",
    "renminbi": "CNY",
    "rmb yuan": "CNY",
}
_WEIGHTS = {
    **dict.fromkeys(("千克", "公斤", "kilogram", "kilograms", "kg"), 1.0),
    **dict.fromkeys(("吨", "公吨", "ton", "tonne", "tons", "tonnes", "t"), 1000.0),
    **dict.fromkeys(("克", "gram", "grams", "g"), 0.001),
}
_COUNTS = {
    **dict.fromkeys("台个件只套辆支条张片块根艘架双把座部盘盒袋卷组枚", 1.0),
    **dict.fromkeys(("unit", "units", "piece", "pieces", "set", "sets", "pair", "pairs", "pcs"), 1.0),
    **dict.fromkeys(("千个", "千支", "千块", "千只", "千张", "千枚", "千件"), 1000.0),
}
NOMENCLATURES = {2: "HS2", 4: "HS4", 6: "HS6", 8: "CN8"}
_GROUPS = ["period", "product", "partner", "measure", "unit"]


def read_download(
    data: bytes,
    name: str,
    *,
    flow: str,
    currency: str | None = None,
    partners: Mapping[str, str] | None = None,
    max_bytes: int = MAX_BYTES,
) -> tuple[pd.DataFrame, dict[str, str]]:
    """
    Return the checked figures of one file in base units, and the names of its commodities.

    Parameters
    ----------
    data : bytes
    name : str
        The file's name, for sentences.
    flow : {"export", "import"}
        What was chosen in the form; the file does not say.
    currency : {"USD", "CNY"}, optional
        Refuse a file in the other one.
    partners : mapping, optional
        The file's name of a partner -> its code, before the names that are known.

    Raises
    ------
    SourceFormatChanged
        With the file, the line and what was found.
    """
    rows = read_frame(data, name, Layout(fallback="gb18030", max_bytes=max_bytes))
    if len(rows) >= MOST_ROWS:
        raise SourceFormatChanged(f"{name}: {len(rows):,} rows, and the query stops at {MOST_ROWS:,}; ask for fewer months")
    fields = _fields(rows, name)
    heading, found = _currency(rows, name)
    if currency not in (None, found):
        form = f"a {currency} file is needed, choose currency {currency} in the query form"
        raise SourceFormatChanged(f'{name}: last column is "{heading}" ({found}); {form}')
    head = _cells(rows, fields, name, partners or {})
    value = parse_numbers(rows[heading], thousands=",", where=name, lines=rows[LINE])
    parts = [head.assign(measure="value", unit=found, value=value), *_quantities(rows, fields, head, name)]
    split = [column for field in ("mode", "place") for column in fields.get(field, ())]
    figures = _summed(pd.concat([part.join(rows[split]) for part in parts], ignore_index=True), split, name)
    titles = dict(zip(head["product"], rows[fields["title"][0]].astype("str"), strict=True)) if "title" in fields else {}
    return checked(figures.assign(reporter="CN", flow=flow), where=name), titles


def _cells(rows: pd.DataFrame, fields: dict[str, list[str]], name: str, partners: Mapping[str, str]) -> pd.DataFrame:
    """Return whose figures the rows are: month, commodity, partner, and the line of each."""
    readers = {"period": parse_month, "product": _product, "partner": lambda text: partner_of(text, partners)}
    cells = {field: translated(rows[fields[field][0]], rows[LINE], name, read) for field, read in readers.items()}
    return pd.DataFrame(cells | {"line": rows[LINE]})


def _fields(rows: pd.DataFrame, name: str) -> dict[str, list[str]]:
    """Find the columns of each field by their headings."""
    plain = {" ".join(str(column).casefold().split()): column for column in rows.columns}
    found = {field: [plain[h] for h in headings if h in plain] for field, headings in HEADINGS.items()}
    fields = {field: columns for field, columns in found.items() if columns}
    if "product" not in fields and "partner" not in fields:
        raise SourceFormatChanged(f'{name}: the headings are not those of the customs query ("商品编码", "贸易伙伴名称", …)')
    if "period" not in fields:
        raise SourceFormatChanged(
            f'{name}: no month column ("数据年月"), so the rows are sums over months; tick "by month" in the query form'
        )
    for field in [field for field in ("product", "partner") if field not in fields]:
        raise SourceFormatChanged(f'{name}: no column "{HEADINGS[field][0]}"; tick {field} in the query form')
    return fields


def _currency(rows: pd.DataFrame, name: str) -> tuple[str, str]:
    heading = str([column for column in rows.columns if column != LINE][-1])
    currency = CURRENCIES.get(heading.casefold())
    if currency is None:
        raise SourceFormatChanged(f'{name}: last column is "{one_line(heading)}", expected is "美元" (USD) or "人民币" (CNY)')
    return heading, currency


def _product(text: str) -> str:
    code = text.zfill(len(text) + len(text) % 2)
    if not code.isdecimal() or len(code) not in NOMENCLATURES:
        raise ValueError(f'"{text}" is not a commodity code of 2, 4, 6 or 8 digits')
    return f"{NOMENCLATURES[len(code)]}:{code}"


def _quantities(rows: pd.DataFrame, fields: dict[str, list[str]], head: pd.DataFrame, name: str) -> list[pd.DataFrame]:
    """Read both quantities, in base units; the second counts where it measures something else than the first."""
    parts: list[pd.DataFrame] = []
    for amount, unit in (("quantity", "unit"), ("quantity2", "unit2")):
        if amount not in fields or unit not in fields:
            continue
        number = parse_numbers(rows[fields[amount][0]], thousands=",", where=name, lines=rows[LINE])
        given = ~np.isnan(number)
        meanings = translated(rows[fields[unit][0]][given], rows[LINE][given], name, _unit)
        part = head[given].assign(measure=[m[0] for m in meanings], unit=[m[1] for m in meanings])
        part["value"] = number[given] * np.array([m[2] for m in meanings])
        parts.append(part)
    if len(parts) == 2:
        same = parts[1]["measure"] == parts[0]["measure"].reindex(parts[1].index)
        parts[1] = parts[1][~same]
    return parts


def _unit(text: str) -> tuple[str, str, float]:
    """Return what a unit measures, the base unit, and how many of the base one of it is."""
    name = text.casefold()
    if name in _WEIGHTS:
        return "weight", "kg", _WEIGHTS[name]
    if name in _COUNTS:
        return "quantity", "pcs", _COUNTS[name]
    raise ValueError(f'the unit "{text}" is neither a weight (千克, 吨) nor a count of pieces')


def _summed(rows: pd.DataFrame, split: list[str], name: str) -> pd.DataFrame:
    """Add up the rows that trade mode and place of registration split; the same row twice counts once."""
    rows = rows[rows["value"].notna()]
    if not split:
        return rows
    keys = [*_GROUPS, *split]
    once = rows.drop_duplicates([*keys, "value"])
    again = once.duplicated(keys).to_numpy()
    if again.any():
        row = int(np.argmax(again))
        cell = f"{once['partner'].iloc[row]} {once['product'].iloc[row]} {format_month(int(once['period'].iloc[row]))}"
        raise refusal(name, once["line"], row, f"{cell} has two figures for one trade mode and place")
    return once.groupby(_GROUPS, sort=False, as_index=False).agg({"value": "sum", "line": "first"})
