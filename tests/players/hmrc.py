"""HMRC's trade API, as SOURCES says: OData without a further link, no ``in``, no order, a month in two halves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.countries import GROUPS, name_of
from monitor.months import Month
from players.office import Amount, Trouble, WebOffice, yyyymm

NUMBERS = {
    "CA": 404, "CH": 39, "CN": 720, "DE": 4, "FR": 1, "HK": 740, "IT": 5, "JP": 732, "KR": 728, "MY": 701, "NL": 3, "TH": 680,
    "TW": 736, "US": 400, "VN": 690,
}  # fmt: skip
CONFIDENTIAL = (977, "QY", "Confidential Country")
ALWAYS = "85423190"
"""A code that the UK trades with everybody in every month."""

Row = dict[str, Any]


def row(month: int, flow: int, country: tuple[int, str, str], code: str, amount: Amount, **more: Any) -> Row:
    """Return one row with what it expands."""
    number, letters, name = country
    plain = {"MonthId": month, "FlowTypeId": flow, "SuppressionIndex": 0, "CommodityId": int(code), "CommoditySitcId": 77884}
    figures = {"CountryId": number, "PortId": 1, "Value": amount.value, "NetMass": amount.kg, "SuppUnit": None}
    expanded = {"Commodity": {"Cn8Code": code}, "Country": {"CountryCodeAlpha": letters, "CountryName": name}}
    return plain | figures | expanded | more


class Api(WebOffice):
    """The API over rows that a test gives."""

    kind = "hmrc"
    renamed = ("NetMass", "NetWeight")

    def __init__(self, server: HTTPServer, products: tuple[str, ...] = (), words: Mapping[str, str] | None = None) -> None:
        super().__init__(server, products)
        self.rows: list[Row] = []
        self.words = dict(words or {})
        self.most = 30_000
        self.links = False

    @property
    def troubles(self) -> frozenset[Trouble]:
        return frozenset(Trouble) - {Trouble.QUOTA, Trouble.KEY}  # it is open to all

    def answer(self, path: str, request: Request) -> Response:
        words = request.args["$filter"]
        if "$orderby" in request.args or " in (" in words:
            return Response("<title>Ip Forbidden</title>", 403, content_type="text/html")
        found = self._trade(words) if path == "/OTS" else self._listed(words)
        skip, top = int(request.args.get("$skip", 0)), min(int(request.args["$top"]), self.most)
        page: dict[str, Any] = {"@odata.context": "https://api.uktradeinfo.com/$metadata#OTS", "value": found[skip : skip + top]}
        if self.links and skip + top < len(found):
            page["@odata.nextLink"] = "https://elsewhere.example/never-followed"
        return Response(json.dumps(page), content_type="application/json; odata.metadata=minimal")

    def trade_calls(self) -> list[str]:
        """Return the filters of the calls for figures."""
        return [one.args["$filter"] for one in self.asked if one.path.endswith("/OTS") and "$expand" in one.args]

    def held(self, months: set[int]) -> list[Row]:
        """Return the rows of some months."""
        return [one for one in self.rows if one["MonthId"] in months]

    def _trade(self, words: str) -> list[Row]:
        months, flows = ({int(n) for n in re.findall(rf"{field} eq (\d+)", words)} for field in ("MonthId", "FlowTypeId"))
        found = [one for one in self.held(months) if one["FlowTypeId"] in flows]
        codes = _codes(words)
        return [one for one in found if not codes or one["Commodity"]["Cn8Code"].startswith(codes)]

    def _listed(self, words: str) -> list[dict[str, str]]:
        codes = _codes(words)
        listed = dict.fromkeys(self.products, self.title) | self.words
        return [{"Cn8Code": code, "Cn8LongDescription": said} for code, said in listed.items() if code.startswith(codes)]


class Office(Api):
    """Imports by CN8 code; the trade with the EU comes later where a month is half loaded."""

    products = ("85051110",)

    def entry(self, **keys: Any) -> dict[str, Any]:
        return {
            "name": "hmrc",
            "kind": "hmrc",
            "dataset": "imports/cn8",
            "products": list(self.products),
            "reread": 2,
            "base_url": self.url,
            "complete_when": {"rows_at_least": "60%"},
        } | keys

    def held(self, months: set[int]) -> list[Row]:
        return [one for month in self.months if int(yyyymm(month)) in months for one in self._month(month)]

    def _month(self, month: Month) -> Iterator[Row]:
        """Yield the rows of a month: through two ports each, without those of the EU as long as it is half loaded."""
        if not self.traded(month):
            return
        number = int(yyyymm(month))
        yield row(number, 3, _country("CN"), ALWAYS, Amount(1, 1))
        if month not in self.halves:
            yield row(number, 1, _country("DE"), ALWAYS, Amount(1, 1))
        for product in {product for _, product in self.months[month]}:
            if rest := self.rest(month, product):
                yield row(number, 3, CONFIDENTIAL, product, rest, SuppressionIndex=3)
        for cell, amount in self.months[month].items():
            flow = 1 if cell[0] in GROUPS["EU"] else 3
            if flow == 1 and month in self.halves:
                continue
            if cell in self.hidden[month]:
                continue
            for port, part in enumerate(_parts(amount), 1):
                yield row(number, flow, _country(cell[0]), cell[1], part, PortId=port)


def _codes(words: str) -> tuple[str, ...]:
    return tuple(re.findall(r"(?:Cn8|Hs\d)Code eq '(\d+)'", words))


def _country(code: str) -> tuple[int, str, str]:
    return NUMBERS[code], code, name_of(code)


def _parts(amount: Amount) -> tuple[Amount, Amount]:
    """Return what came through each of two ports."""
    first = Amount(*(None if figure is None else figure // 2 for figure in amount))
    return first, Amount(*(None if a is None or b is None else a - b for a, b in zip(amount, first, strict=True)))
