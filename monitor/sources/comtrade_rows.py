"""
What the rows of UN Comtrade say: which were asked for, whose they are, their figures, and whether a product is whole.

Every figure is there once under the pinned keys. What comes twice, or under another key, is refused and never added up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from monitor.countries import GROUPS, UNSPECIFIED, PartnerKind, find_code, partner_kind
from monitor.errors import SourceFormatChanged
from monitor.series import WORLD, Flag
from monitor.sources.comtrade_answers import Row
from monitor.wording import one_line

FIELDS = (
    "period", "reporterCode", "reporterISO", "flowCode", "partnerCode", "partnerISO", "partnerDesc", "partner2Code",
    "customsCode", "motCode", "cmdCode", "cmdDesc", "primaryValue", "netWgt", "isNetWgtEstimated", "legacyEstimationFlag",
    "qtyUnitCode", "qty", "isQtyEstimated", "altQtyUnitCode", "altQty", "isAltQtyEstimated",
)  # fmt: skip

_AS_GIVEN = frozenset({"primaryValue", "netWgt", "qty", "altQty", "isNetWgtEstimated", "isQtyEstimated", "isAltQtyEstimated"})
_LEFTOVER = re.compile(r"\b(?:nes|not elsewhere|not specified|bunkers|free zones|neutral zone|special categories)\b", re.I)
_PARTNERS = {0: WORLD, 97: "EU", 975: "ASEAN", 490: "TW", 899: UNSPECIFIED, 530: UNSPECIFIED}  # 530: Antilles, until 2010
_KILOGRAMS = {"8": 1.0}
_PIECES = {"5": 1.0, "6": 2.0, "9": 1000.0, "11": 12.0}  # items, pairs, thousands, dozens
_TOLERANCE = 0.01  # of the World row, beside its partners' sum
_WEIGHT_ESTIMATED = ("4", "6")  # of legacyEstimationFlag


def table_of(rows: Sequence[Row], asked: Mapping[str, Collection[str]], partners: Mapping[str, str], where: str) -> pd.DataFrame:
    """
    Return rows as a table of `FIELDS`, codes as texts, each about what was asked for and nothing else.

    A row under another partner2Code, customsCode or motCode repeats a part of the row that is wanted: it is refused,
    not added.
    """
    if missing := next((name for name in FIELDS if any(name not in row for row in rows)), None):
        raise SourceFormatChanged(f"{where}: a row has no {missing}")
    columns = {name: [row[name] if name in _AS_GIVEN else _text(row[name]) for row in rows] for name in FIELDS}
    table = pd.DataFrame(columns, dtype=object)
    for name, allowed in asked.items():
        odd = ~table[name].isin(allowed).to_numpy(bool)
        if odd.any():
            found = one_line(table[name].iloc[int(odd.argmax())], 30)
            raise SourceFormatChanged(f"{where}: a row has {name} {found}; {_listed(allowed)} was asked for")
    _refuse_repeated(table, where)
    return table.assign(partner=_partners(table, partners, where))


def _text(value: object) -> str:
    """Return a code or a name as a text that can be stored; JSON may hold halves of characters."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _refuse_repeated(table: pd.DataFrame, where: str) -> None:
    """Refuse two rows of one product and partner: adding them up overstates, and choosing one would be a guess."""
    key = table["cmdCode"] + " " + table["partnerCode"]
    again = key.duplicated(keep=False).to_numpy(bool)
    if again.any():
        first = int(again.argmax())
        rows, of = int((key == key[first]).sum()), one_line(table["partnerDesc"].iloc[first], 60)
        says = f"{one_line(table['cmdCode'].iloc[first], 30)} of {of} comes in {rows} rows; one is expected"
        raise SourceFormatChanged(f"{where}: {says}")


def _listed(allowed: Collection[str]) -> str:
    return " or ".join(allowed) if len(allowed) <= 3 else f"one of {len(allowed)}"


def _partners(table: pd.DataFrame, partners: Mapping[str, str], where: str) -> list[str]:
    number, distinct = pd.factorize(pd.MultiIndex.from_frame(table[["partnerCode", "partnerISO", "partnerDesc"]]))
    codes = [partners.get(name.strip()) or _partner(code, iso.strip(), name.strip(), where) for code, iso, name in distinct]
    return [codes[n] for n in number]


def _partner(code: str, iso: str, name: str, where: str) -> str:
    """
    Return the code of a partner.

    Comtrade's numbers are not ISO's (Germany 276, the USA 842, India 699); its alpha-3 codes are, where they are letters.
    """
    if code.isdecimal() and int(code) in _PARTNERS:
        return _PARTNERS[int(code)]
    found = (find_code(iso) if re.fullmatch("[A-Z]{3}", iso) else "") or find_code(name)
    if found and partner_kind(found) is PartnerKind.COUNTRY:
        return found
    if _LEFTOVER.search(name):
        return UNSPECIFIED
    said = f'"{one_line(name, 60)}" ({one_line(iso, 10)}, {one_line(code, 10)})'
    raise SourceFormatChanged(f"{where}: unknown partner {said}; give it a code under partners")


def figures_of(table: pd.DataFrame, measure: str, where: str) -> tuple[pd.Series, pd.Series]:
    """
    Return the figures of a measure in base units, NaN where there is none, and their flags.

    A weight is `netWgt`, else a quantity in kilograms. No weight beside a value is written as null or as 0; both are no
    figure.
    """
    value = _numbers(table, "primaryValue", where)
    if measure == "value":
        return value, pd.Series(int(Flag.NONE), index=table.index)
    quantities = [_quantity(table, "qty", "Qty", measure, where), _quantity(table, "altQty", "AltQty", measure, where)]
    candidates = [_net_weight(table, where), *quantities] if measure == "weight" else quantities
    figures, flags = pd.Series(math.nan, index=table.index), pd.Series(int(Flag.NONE), index=table.index)
    for numbers, estimated in candidates:
        taken = figures.isna() & numbers.notna() & ((numbers > 0) | (value == 0))
        figures = figures.mask(taken, numbers)
        flags = flags.mask(taken & estimated, int(Flag.ESTIMATED))
    return figures, flags


def _net_weight(table: pd.DataFrame, where: str) -> tuple[pd.Series, pd.Series]:
    estimated = (table["isNetWgtEstimated"] == True) | table["legacyEstimationFlag"].isin(_WEIGHT_ESTIMATED)  # noqa: E712
    return _numbers(table, "netWgt", where), estimated


def _quantity(table: pd.DataFrame, name: str, flag: str, measure: str, where: str) -> tuple[pd.Series, pd.Series]:
    factors = _KILOGRAMS if measure == "weight" else _PIECES
    factor = table[f"{name}UnitCode"].map(factors).astype("float64")
    return _numbers(table, name, where) * factor, table[f"is{flag}Estimated"] == True  # noqa: E712


def _numbers(table: pd.DataFrame, name: str, where: str) -> pd.Series:
    """Return a column of numbers; null is no figure, and anything but a finite number of 0 or more is refused."""
    for row, given in enumerate(table[name]):
        if given is not None and not (isinstance(given, int | float) and not isinstance(given, bool) and 0 <= given < 1e18):
            of = one_line(table["partnerDesc"].iloc[row], 60)
            raise SourceFormatChanged(
                f"{where}: {name} of {of} is {one_line(repr(given), 40)}; a number of 0 or more is expected"
            )
    return table[name].astype("float64")


def whole_products(table: pd.DataFrame, where: str) -> tuple[set[str], str]:
    """
    Return the products that are loaded whole, and a sentence about the first that is not, "" if there is none.

    Comtrade's World row is the sum over its partners; where it is missing, or differs from that sum, the product is half
    loaded, or a part of it is there twice.
    """
    value, _ = figures_of(table, "value", where)
    product, world = table["cmdCode"], table["partner"] == WORLD
    total = value[world].groupby(product[world]).first()
    parts = value[~world & ~table["partner"].isin(set(GROUPS))]
    sums = parts.groupby(product[parts.index]).sum().reindex(product.unique(), fill_value=0.0)
    close = (total.reindex(sums.index) - sums).abs() <= _TOLERANCE * total.reindex(sums.index) + 1
    whole = set(sums.index[close])
    if close.all():
        return whole, ""
    code = sums.index[~close][0]
    says = f"the World row says {total[code]:,.0f} USD" if pd.notna(total.get(code)) else "there is no World row"
    return whole, f"{where}: {code} is not loaded whole: its partners make {sums[code]:,.0f} USD, and {says}"


def joined(cells: pd.DataFrame) -> pd.DataFrame:
    """
    Add up the areas that are no country ("Other Africa, nes", "Bunkers") into one partner.

    One without a figure leaves the sum without one. Two areas for one country are left to be refused.
    """
    leftover = cells["partner"] == UNSPECIFIED
    groups = cells[leftover].groupby([name for name in cells.columns if name not in ("value", "flags")], sort=False)
    value = groups["value"].sum(min_count=1).where(groups["value"].count() == groups.size())
    rest = pd.DataFrame({"value": value, "flags": groups["flags"].max()}).reset_index()
    return pd.concat([cells[~leftover], rest], ignore_index=True) if leftover.any() else cells
