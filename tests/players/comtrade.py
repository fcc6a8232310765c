"""
UN Comtrade v1, as SOURCES says: an envelope, a limit without a word, refusals in words, and every figure there many times.

No Comtrade payload may be shipped: field names, order and types are the documented ones, the figures are invented.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.countries import name_of
from monitor.months import Month
from players.office import Amount, Trouble, WebOffice, yyyymm

KEY = "0123456789abcdef-comtrade"
PINS = {"partner2Code": "0", "customsCode": "C00", "motCode": "0"}
AREAS = {
    "CA": (124, "CAN"), "CN": (156, "CHN"), "DE": (276, "DEU"), "FR": (251, "FRA"), "GB": (826, "GBR"), "IN": (699, "IND"),
    "KR": (410, "KOR"), "MY": (458, "MYS"), "NL": (528, "NLD"), "TH": (764, "THA"), "US": (842, "USA"), "VN": (704, "VNM"),
}  # fmt: skip
WORLD, NOWHERE = (0, "W00", "World"), (899, "_X ", "Areas, nes ")

Row = dict[str, Any]


def row(code: int, iso: str, name: str, value: float | None = 0, weight: float | None = 0, **changes: Any) -> Row:
    """Return a row with the documented fields, in their order and types."""
    return {
        "typeCode": "C", "freqCode": "M", "refPeriodId": 20250501, "refYear": 2025, "refMonth": 5, "period": "202505",
        "reporterCode": 392, "reporterISO": "JPN", "reporterDesc": "Japan", "flowCode": "M", "flowDesc": "Import",
        "partnerCode": code, "partnerISO": iso, "partnerDesc": name, "partner2Code": 0, "partner2ISO": "W00",
        "partner2Desc": "World", "classificationCode": "H6", "classificationSearchCode": "HS", "isOriginalClassification": True,
        "cmdCode": "850511", "cmdDesc": "Magnets; permanent, of metal", "aggrLevel": 6, "isLeaf": True, "customsCode": "C00",
        "customsDesc": "TOTAL CPC", "mosCode": "0", "motCode": 0, "motDesc": "TOTAL MOT", "qtyUnitCode": -1,
        "qtyUnitAbbr": "N/A", "qty": None, "isQtyEstimated": False, "altQtyUnitCode": -1, "altQtyUnitAbbr": "N/A", "altQty": 0,
        "isAltQtyEstimated": False, "netWgt": weight, "isNetWgtEstimated": False, "grossWgt": 0, "isGrossWgtEstimated": False,
        "cifvalue": value, "fobvalue": None, "primaryValue": value, "legacyEstimationFlag": 0, "isReported": False,
        "isAggregate": True,
    } | changes  # fmt: skip


def availability(period: int, at: str = "2025-07-12T01:47:07.73", records: int = 200_000, **changes: Any) -> Row:
    """Return a row of what is loaded."""
    return {
        "datasetCode": 40013920240101, "typeCode": "C", "freqCode": "M", "period": period, "reporterCode": 392,
        "reporterISO": "JPN", "reporterDesc": "Japan", "classificationCode": "H6", "classificationSearchCode": "HS",
        "isOriginalClassification": True, "totalRecords": records, "datasetChecksum": 123456, "firstReleased": at,
        "lastReleased": at,
    } | changes  # fmt: skip


def envelope(rows: list[Row], **changes: Any) -> Response:
    """Return rows as the API sends them."""
    body = {"elapsedTime": "0.21 secs", "count": len(rows), "data": rows, "error": ""} | changes
    return Response(json.dumps(body), content_type="application/json; charset=utf-8")


class Api(WebOffice):
    """The API over rows that a test gives: it filters by what is asked, and cuts at `maxRecords` without a word."""

    kind = "comtrade"
    environ: Mapping[str, str] = {"COMTRADE_API_KEY": KEY}
    renamed = ("primaryValue", "mainValue")

    def __init__(self, server: HTTPServer, products: tuple[str, ...] = ()) -> None:
        super().__init__(server, products)
        self.rows: list[Row] = []
        self.loaded: list[Row] = []
        self.ignores: tuple[str, ...] = ()

    def answer(self, path: str, request: Request) -> Response:
        assert len(request.url) < 4096
        assert KEY not in request.url
        if path == "/public/v1/getDa/C/M/HS":
            assert "Ocp-Apim-Subscription-Key" not in request.headers
            assert request.args["reporterCode"] == "392"
            return envelope(self.held())
        assert path == "/data/v1/get/C/M/HS"
        assert len(request.args["period"].split(",")) <= 12
        if request.headers["Ocp-Apim-Subscription-Key"] != KEY:
            return self.refusal(Trouble.KEY)
        found = [one for one in self.stored() if all(self._fits(one, *asked) for asked in request.args.items())]
        return envelope(found[: int(request.args.get("maxRecords", 100_000))])

    def refusal(self, what: Trouble) -> Response:
        quota = "Out of call volume quota. Quota will be replenished in 03:14:17."
        key = "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription."
        status, words = (403, quota) if what is Trouble.QUOTA else (401, key)
        return Response(json.dumps({"statusCode": status, "message": words}), status, content_type="application/json")

    def calls(self) -> list[Request]:
        """Return the calls for figures."""
        return [one for one in self.asked if "/data/v1/" in one.path]

    def held(self) -> list[Row]:
        """Return the list of what is loaded."""
        return self.loaded

    def stored(self) -> list[Row]:
        """Return all rows."""
        return self.rows

    def _fits(self, one: Row, name: str, text: str) -> bool:
        if name not in one or name in self.ignores:
            return True
        if text.startswith("AG"):
            return len(one[name]) == int(text[2:])
        return str(one[name]) in text.split(",")


class Office(Api):
    """Japan's imports. A month is loaded when it is published; its World rows come last."""

    products = ("850511",)

    def __init__(self, server: HTTPServer, products: tuple[str, ...] = ()) -> None:
        super().__init__(server, products)
        self.at: dict[Month, datetime] = {}

    def entry(self, **keys: Any) -> dict[str, Any]:
        return {
            "name": "comtrade",
            "kind": "comtrade",
            "dataset": "imports/jp",
            "reporter": "JP",
            "flow": "import",
            "products": list(self.products),
            "key": {"env": "COMTRADE_API_KEY"},
            "base_url": self.url,
            "complete_when": {"rows_at_least": "60%", "total": "required"},
        } | keys

    def publish(self, month: Month, figures: Any) -> None:
        super().publish(month, figures)
        self.at[month] = datetime.now(UTC)

    def held(self) -> list[Row]:
        return [
            availability(int(yyyymm(month)), f"{at:%Y-%m-%dT%H:%M:%S}", 200_000 if self.traded(month) else 0)
            for month, at in self.at.items()
        ]

    def stored(self) -> list[Row]:
        return [one for month in self.months if self.traded(month) for one in self._month(month)]

    def _month(self, month: Month) -> Iterator[Row]:
        period: dict[str, Any] = {"period": yyyymm(month), "cmdDesc": self.title}
        if month not in self.halves:
            yield row(*WORLD, 9e9, **period | {"cmdCode": "TOTAL"})
        for product in {product for _, product in self.months[month]}:
            for (partner, _), amount in self.shown(month, product).items():
                yield from _repeated(_area(partner), amount, cmdCode=product, **period)
            if rest := self.rest(month, product):
                yield from _repeated(NOWHERE, rest, cmdCode=product, **period)
            if month not in self.halves:
                total = self.total(month, product)
                yield row(*WORLD, total.value, total.kg, cmdCode=product, **period)


def _area(partner: str) -> tuple[int, str, str]:
    number, iso = AREAS[partner]
    return number, iso, name_of(partner)


def _repeated(area: tuple[int, str, str], amount: Amount, **fields: Any) -> Iterator[Row]:
    """
    Yield a figure as the database holds it: once whole, then its half by second partner, its quarters by transport.

    Added up they are twice what was traded.
    """
    kg, value = amount.kg, amount.value
    half = None if kg is None else kg / 2, None if value is None else value / 2
    yield row(*area, value, kg, **fields)
    yield row(*area, half[1], half[0], partner2Code=156, **fields)
    for mode in (1000, 2100):
        yield row(*area, half[1] and half[1] / 2, half[0] and half[0] / 2, motCode=mode, **fields)
