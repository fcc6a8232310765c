"""What Comext's rows say, as figures: partners and flags read, parts of a partner added up, measures beside each other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitor.countries import UNSPECIFIED, code_of
from monitor.errors import SourceFormatChanged
from monitor.months import parse_month
from monitor.series import WORLD, Basis, Flag, Status
from monitor.sources.figures import parse_numbers
from monitor.wording import one_line

PARTNERS = {"RS": ("XS",), "EA": ("XC", "XL"), "GB": ("GB", "XI"), "EU": ("INT_EU27_2020",), WORLD: ("WORLD",)} | {
    UNSPECIFIED: ("QP", "QQ", "QR", "QS", "QU", "QV", "QW", "QX", "QY", "QZ")
}
"""Partners whose code in Comext is another, or that are several there: Northern Ireland stands beside the rest of the UK."""
MEASURES = {"value": "VALUE_IN_EUROS", "weight": "QUANTITY_IN_100KG", "quantity": "SUPPLEMENTARY_QUANTITY"}
GROUP = ["reporter", "product", "flow"]
ROW = [*GROUP, "partner", "period"]
UNITS = {"value": ("EUR", 1.0), "weight": ("kg", 100.0), "quantity": ("pcs", 1.0)}

_OURS = {theirs: ours for ours, codes in PARTNERS.items() for theirs in codes}
_LEFT_OUT = re.compile(r"XU|(?:EXT|INT|EU|EA)[A-Z0-9_]*")  # the UK once more, and groups
_LEVELS = {2: "HS2", 4: "HS4", 6: "HS6", 8: "CN8"}
_ESTIMATED, _SILENT = frozenset("efis"), frozenset("bdnruz:")


def product_of(code: str) -> str:
    """Return a code with its nomenclature: ``CN8:85051110``."""
    return f"{_LEVELS[len(code)]}:{code}"


def read_cells(rows: pd.DataFrame, named: Mapping[str, str], where: str) -> pd.DataFrame:
    """
    Read rows of texts: the columns of figures, and `theirs`, the partner as Comext writes it.

    Groups of countries, and what stands there a second time, are left out. `named` has the desk's own
    codes of partners.
    """
    partners = {text: _partner(text, named, where) for text in rows["partner"].unique()}
    ours = rows["partner"].map(partners)
    rows = rows.assign(theirs=rows["partner"], partner=ours)[ours != ""].reset_index(drop=True)
    measure = rows["indicators"].map({indicator: name for name, indicator in MEASURES.items()})
    number = parse_numbers(rows["OBS_VALUE"].replace(":", ""), where=f"{where}: OBS_VALUE")
    secret, flags = _marks(rows, where)
    return pd.DataFrame(
        {
            "reporter": rows["reporter"].replace("EU27_2020", "EU"),
            "partner": rows["partner"],
            "theirs": rows["theirs"],
            "product": rows["product"].map({code: product_of(code) for code in rows["product"].unique()}),
            "flow": rows["flow"].map({"1": "import", "2": "export"}),
            "measure": measure,
            "period": rows["TIME_PERIOD"].map({text: parse_month(text) for text in rows["TIME_PERIOD"].unique()}).astype("int64"),
            "value": (number * measure.map({name: factor for name, (_, factor) in UNITS.items()}).astype("float64")).round(3),
            "status": _status(number, secret),
            "flags": flags,
        }
    )


def _status(number: NDArray[np.float64], secret: NDArray[np.bool_]) -> NDArray[np.uint8]:
    none = np.where(secret, Status.SUPPRESSED, Status.NOT_PUBLISHED)
    return np.where(np.isnan(number), none, np.where(number == 0, Status.ZERO, Status.VALUE)).astype(np.uint8)


def _partner(text: str, named: Mapping[str, str], where: str) -> str:
    """Return the code of a partner here; empty for one that is left out."""
    if text in named:
        return named[text]
    if text in _OURS or _LEFT_OUT.fullmatch(text):
        return _OURS.get(text, "")
    try:
        if re.fullmatch("[A-Z]{2}", text):
            return code_of(text)
    except ValueError:
        pass
    raise SourceFormatChanged(one_line(f'{where}: unknown partner "{text}"; give it a code under partners'))


def _marks(rows: pd.DataFrame, where: str) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """Return which figures are confidential, and what the flags say of each."""
    number, marks = pd.factorize(pd.MultiIndex.from_frame(rows[["OBS_FLAG", "CONF_STATUS"]]))
    read = [_mark(str(flag).lower(), str(conf).strip(), where) for flag, conf in marks]
    secret, flags = np.array(read, np.uint8).reshape(-1, 2).T
    return secret[number].astype(bool), flags[number]


def _mark(flag: str, conf: str, where: str) -> tuple[bool, Flag]:
    letters = set(re.sub(r"[\s,]", "", flag))
    if unknown := letters - _ESTIMATED - _SILENT - {"c", "p"}:
        raise SourceFormatChanged(one_line(f'{where}: unknown flag "{min(unknown)}"'))
    flags = (Flag.PROVISIONAL if "p" in letters else Flag.NONE) | (Flag.ESTIMATED if letters & _ESTIMATED else Flag.NONE)
    return "c" in letters or conf not in ("", "F"), flags


def whole_figures(cells: pd.DataFrame, measures: Sequence[str], pieces: Sequence[str]) -> pd.DataFrame:
    """
    Return figures with the parts of a partner added up, and a stated gap where a row lacks a measure.

    Supplementary quantities are in the unit of their product; those of `pieces` are kept.
    """
    parts = crossed(cells[[*ROW, "theirs"]].drop_duplicates(), measures, pieces)
    found = parts.merge(cells.drop_duplicates(), "left", [*ROW, "theirs", "measure"])
    filled = found.fillna({"status": int(Status.NOT_PUBLISHED), "flags": int(Flag.NONE)})
    return _joined(filled.astype({"status": "uint8", "flags": "uint8"}))


def crossed(rows: pd.DataFrame, measures: Sequence[str], pieces: Sequence[str]) -> pd.DataFrame:
    """Return each row once for every measure that its product has."""
    every = rows.merge(pd.DataFrame({"measure": list(measures)}), how="cross")
    return every[(every["measure"] != "quantity") | every["product"].isin([product_of(code) for code in pieces])]


def _joined(cells: pd.DataFrame) -> pd.DataFrame:
    """Add up the parts of one partner; one part twice is left to be refused."""
    keys = [*ROW, "measure"]
    several = cells.duplicated(keys, keep=False)
    if not several.any() or cells.duplicated([*keys, "theirs"]).any():
        return cells.drop(columns="theirs")
    parts = cells[several].groupby(keys, sort=False)
    added = parts.agg(value=("value", _sum), flags=("flags", _either), status=("status", _worst)).reset_index()
    return pd.concat([cells[~several].drop(columns="theirs"), added], ignore_index=True)


def _sum(values: pd.Series) -> float:
    return float(values.sum(skipna=False))


def _either(flags: pd.Series) -> int:
    return int(np.bitwise_or.reduce(flags.to_numpy()))


def _worst(statuses: pd.Series) -> int:
    """A sum lacks what any part lacks; with a part that is above zero, it is."""
    found = set(statuses)
    lacking = found & {int(Status.SUPPRESSED), int(Status.NOT_PUBLISHED)}
    return int(max(lacking)) if lacking else int(min(found))


def with_units(figures: pd.DataFrame) -> pd.DataFrame:
    """Return figures with their unit and basis."""
    units = {name: unit for name, (unit, _) in UNITS.items()}
    return figures.assign(unit=figures["measure"].map(units), basis=Basis.REPORTED.value)
