"""What HMRC's trade API answers: pages of rows with what they expand; and what the rows of one page after another say."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Generic, TypeVar

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_pascal

from monitor.countries import UNSPECIFIED, find_code, partner_of
from monitor.errors import SourceFormatChanged, SourceUnavailable
from monitor.series import WORLD, Basis, Flag, Status
from monitor.sources.base import FIGURE_COLUMNS
from monitor.sources.bodies import html_title
from monitor.sources.figures import checked
from monitor.sources.http import Answer
from monitor.wording import one_line

MEASURES = {"value": ("value", "GBP"), "weight": ("net_mass", "kg"), "quantity": ("supp_unit", "pcs")}
"""Measure -> the row's field, and its unit."""

NOT_COUNTRIES = frozenset({951, 952, 958, 959, 962, 977, *range(1001, 1008)})
"""Stores and provisions, low value trade, estimates, the confidential country, and the rest of each continent."""

_OTHER_CODES = {"XS": "RS", "XC": "ES", "XL": "ES"}  # the Geonomenclature's Serbia, Ceuta and Melilla
_NOWHERE = re.compile("Q[P-Z]")  # the Geonomenclature's high seas, stores and countries not told
_CN8 = r"\d{8}"
_CELL = ["period", "product", "partner"]


class _Part(BaseModel):
    """A part of an answer; what is not asked for is left unread."""

    model_config = ConfigDict(alias_generator=to_pascal, extra="ignore", frozen=True, strict=True, allow_inf_nan=False)


class Commodity(_Part):
    """A commodity code; residues of a chapter have a shorter one, or none that is a number."""

    cn8_code: str
    cn8_long_description: str | None = None


class Country(_Part):
    """A partner, or one of the heads under which HMRC books what has none."""

    country_code_alpha: str | None = None
    country_name: str | None = None


class Row(_Part):
    """The trade of one commodity with one country through one port in a month; `suppression_index` 0 is open."""

    month_id: int
    flow_type_id: int
    suppression_index: int
    commodity_id: int
    commodity_sitc_id: int | None = None
    country_id: int
    port_id: int | None = None
    value: float | None
    net_mass: float | None
    supp_unit: float | None
    commodity: Commodity | None
    country: Country | None

    @property
    def identity(self) -> tuple[int | None, ...]:
        """What no two rows share."""
        where = (self.commodity_id, self.commodity_sitc_id, self.country_id, self.port_id)
        return (self.month_id, self.flow_type_id, self.suppression_index, *where)


class Sign(_Part):
    """A row of which only the month is asked for: a sign that the month is out."""

    month_id: int


P = TypeVar("P", bound=_Part)


class Page(_Part, Generic[P]):
    """One answer. `next_link` is there only where the server says itself that it cut the answer short."""

    value: tuple[P, ...] = Field(alias="value")
    next_link: str | None = Field(None, alias="@odata.nextLink")


def read_page(answer: Answer, part: type[P], where: str) -> Page[P]:
    """
    Read one answer.

    Raises
    ------
    SourceUnavailable
        If it was cut short, or is the web page of a gateway.
    SourceFormatChanged
        If a field is missing or of another kind.
    """
    text = answer.body.strip()
    if answer.content_type == "text/html" and text:
        title = one_line(html_title(text), 80)
        raise SourceUnavailable(f'{where}: a web page came in place of figures, titled "{title}"')
    try:
        return Page[part].model_validate_json(text)  # type: ignore[valid-type]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid" and not text.endswith(b"}"):
            raise SourceUnavailable(f"{where}: the answer is cut short after {len(text):,} bytes") from None
        place = ".".join(map(str, first["loc"])) or "the answer"
        raise SourceFormatChanged(one_line(f"{where}: {place}: {first['msg']}")) from None


def to_table(rows: Sequence[Row]) -> pd.DataFrame:
    """Return the rows as columns; a row without a commodity or a country has empty texts."""
    named = [
        row.model_dump(exclude={"commodity", "country"})
        | {
            "product": row.commodity.cn8_code.strip() if row.commodity else "",
            "alpha": (row.country.country_code_alpha or "").strip() if row.country else "",
            "name": (row.country.country_name or "").strip() if row.country else "",
        }
        for row in rows
    ]
    columns = [*Row.model_fields, "product", "alpha", "name"]
    return pd.DataFrame(named, columns=[name for name in columns if name not in ("commodity", "country")])


def refuse_repeated(rows: Sequence[Row], pages: int, where: str) -> None:
    """
    Refuse a row that came twice.

    The API keeps no order on request. As long as the number of rows is the same, one that moved off its page has another
    in its place twice; so no row twice means no row lost.
    """
    seen: set[tuple[int | None, ...]] = set()
    for row in rows:
        if row.identity in seen:
            said = f"{where}: a row of CommodityId {row.commodity_id} and CountryId {row.country_id} came twice"
            if pages > 1:
                raise SourceUnavailable(f"{said}; the rows moved while {pages} pages were read")
            raise SourceFormatChanged(said)
        seen.add(row.identity)


def with_partners(table: pd.DataFrame, partners: Mapping[str, str], where: str) -> pd.DataFrame:
    """Return the rows of whole commodity codes with the column ``partner``."""
    table = table[table["product"].str.fullmatch(_CN8).to_numpy(bool)]
    countries = table[["country_id", "alpha", "name"]].drop_duplicates()
    codes = [_partner(int(number), alpha, name, partners, where) for number, alpha, name in countries.itertuples(index=False)]
    return table.merge(countries.assign(partner=codes), on=["country_id", "alpha", "name"], how="left")


def _partner(number: int, alpha: str, name: str, partners: Mapping[str, str], where: str) -> str:
    """Return the code of a partner: by the desk's word for it, by HMRC's letters, or by its name."""
    if number in NOT_COUNTRIES or _NOWHERE.fullmatch(alpha):
        return UNSPECIFIED
    if name in partners:
        return partners[name]
    if found := _OTHER_CODES.get(alpha) or find_code(alpha):
        return found
    try:
        return partner_of(name, partners)
    except ValueError as error:
        raise SourceFormatChanged(one_line(f"{where}: {error} (CountryId {number}, {alpha or 'no letters'})")) from None


def refuse_other(
    table: pd.DataFrame, months: Collection[int], flow_types: Collection[int], products: tuple[str, ...], where: str
) -> None:
    """Refuse rows about a month, a flow or a commodity that was not asked for."""
    asked = {
        "MonthId": (table["month_id"], table["month_id"].isin(list(months))),
        "FlowTypeId": (table["flow_type_id"], table["flow_type_id"].isin(list(flow_types))),
        "Cn8Code": (table["product"], table["product"].str.startswith(products)),
    }
    for field, (column, good) in asked.items():
        wrong = ~good.to_numpy(bool)
        if wrong.any():
            raise SourceFormatChanged(
                f"{where}: a row has the {field} {column.iloc[int(wrong.argmax())]}, which was not asked for"
            )


def to_figures(table: pd.DataFrame, measures: Sequence[str], pieces: tuple[str, ...], flow: str, where: str) -> pd.DataFrame:
    """
    Add up ports and flow types, for each partner and for all of them as the World.

    A cell with a suppressed row is suppressed, whatever else it has: the rest alone would be taken for a fall. So is then
    the World, and with it any partner that is missing. A cell with a row without a figure has none. Supplementary units
    are read for the codes that begin as `pieces` say.
    """
    if table.empty:
        return pd.DataFrame(columns=list(FIGURE_COLUMNS))
    period = table["month_id"] // 100 * 12 + table["month_id"] % 100 - 1
    table = table.assign(period=period, hidden=table["suppression_index"] != 0)
    rows = pd.concat([table, table.assign(partner=WORLD)], ignore_index=True)
    parts = [_cells(rows, measure, flow) for measure in measures]
    frame = pd.concat(parts, ignore_index=True)
    kept = (frame["measure"] != "quantity") | frame["product"].str.startswith(pieces)
    return checked(frame[kept].assign(product="CN8:" + frame["product"]), where=where)


def _cells(rows: pd.DataFrame, measure: str, flow: str) -> pd.DataFrame:
    field, unit = MEASURES[measure]
    figure = rows[field].astype("float64")
    groups = rows.assign(figure=figure, none=figure.isna()).groupby(_CELL, sort=False)
    cells = groups.agg(value=("figure", "sum"), none=("none", "any"), hidden=("hidden", "any")).reset_index()
    return cells[_CELL].assign(
        reporter="GB",
        flow=flow,
        measure=measure,
        unit=unit,
        basis=Basis.REPORTED.value,
        value=cells["value"].mask(cells["none"] | cells["hidden"]),
        status=np.where(cells["hidden"], float(Status.SUPPRESSED), np.nan),
        flags=int(Flag.NONE),
    )
