"""The US Census Bureau's international trade API, as SOURCES says: an array of arrays, or nothing, or a page about the key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from werkzeug import Request, Response

from monitor.countries import name_of
from monitor.months import Month, parse_month
from players.office import Amount, Trouble, WebOffice

KEY = "0123456789abcdef-census"
PATH = "/data/timeseries/intltrade"
WORLD = ("-", "TOTAL FOR ALL COUNTRIES")
GROUPINGS = (("0014", "ASIA"), ("0022", "OECD"))
SCHEDULE_C = {
    "CA": "1220", "CH": "4419", "CN": "5700", "DE": "4280", "FR": "4279", "GB": "4120", "JP": "5880", "KR": "5800", "MX": "2010",
    "MY": "5570", "NL": "4210", "SG": "5590", "TH": "5490", "TW": "5830", "VN": "5520",
}  # fmt: skip

Line = dict[str, str]


class Office(WebOffice):
    """Imports and exports by HS; what is published is in every dataset that is asked for."""

    kind = "census"
    products = ("8505110070",)
    environ: Mapping[str, str] = {"CENSUS_API_KEY": KEY}
    renamed = ("GEN_VAL_MO", "GENERAL_VALUE_MO")

    def entry(self, **keys: Any) -> dict[str, Any]:
        return {
            "name": "census",
            "kind": "census",
            "dataset": "imports/hs",
            "level": "HS10",
            "products": list(self.products),
            "measures": ["value", "weight"],
            "key": {"env": "CENSUS_API_KEY"},
            "base_url": self.url + PATH,
            "complete_when": {"rows_at_least": "60%", "total": "required"},
        } | keys

    @property
    def troubles(self) -> frozenset[Trouble]:
        return frozenset(Trouble) - {Trouble.QUOTA}  # a key has no number of calls

    def answer(self, path: str, request: Request) -> Response:
        asked = request.args.to_dict()
        dataset = path.removeprefix(f"{PATH}/")
        if asked.pop("key", "") != KEY:
            return self.refusal(Trouble.KEY)
        names, month = asked.pop("get").split(","), parse_month(asked["time"])
        lines = self._lines(dataset, month, asked)
        if not lines:
            return Response("", 204)
        header = [*names, *asked]
        rows = [[{**line, **asked}.get(name, "0") for name in header] for line in lines]
        return Response(json.dumps([header, *rows]), content_type="application/json;charset=utf-8")

    def refusal(self, what: Trouble) -> Response:
        return Response("<html><head><title>Invalid Key</title></head></html>", content_type="text/html;charset=utf-8")

    def _lines(self, dataset: str, month: Month, asked: Mapping[str, str]) -> list[Line]:
        """Return the rows of what is asked for; the world's trade in a large group of goods is there in every month."""
        if not self.traded(month):
            return []
        commodity = "E_COMMODITY" if dataset == "exports/hs" else "I_COMMODITY"
        if asked.get("CTY_CODE") == WORLD[0]:
            return [_line(*WORLD, asked[commodity], commodity, Amount(None, 9e9))]
        told = self.shown(month, asked[commodity])
        codes = sorted({code for _, code in self.months[month] if code.startswith(asked[commodity])})
        lines = [_line(SCHEDULE_C[of], name_of(of).upper(), code, commodity, cell) for (of, code), cell in told.items()]
        for code in codes:
            total = self.total(month, code)
            lines += [_line(*grouping, code, commodity, total, "CGP") for grouping in GROUPINGS]
            lines += [_line(*WORLD, code, commodity, total)]
        return [line | {f"{commodity}_SDESC": self.title} for line in lines]


def _line(number: str, name: str, code: str, commodity: str, amount: Amount, level: str = "DET") -> Line:
    kg, value = (f"{figure or 0:.0f}" for figure in amount)
    named = {"CTY_CODE": number, "CTY_NAME": name, commodity: code, "SUMMARY_LVL": level}
    quantity = {"UNIT_QY1": "-" if amount.kg is None else "KG", "GEN_QY1_MO": kg, "CON_QY1_MO": kg, "QTY_1_MO": kg}
    return named | quantity | {"GEN_VAL_MO": value, "CON_VAL_MO": value, "ALL_VAL_MO": value}
