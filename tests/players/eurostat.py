"""Eurostat's Comext, as SOURCES says: SDMX-CSV by series key, a limit on cells, every row renewed with each update."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.months import Month, format_month, parse_month
from players.office import Amount, Trouble, WebOffice

HEADER = "DATAFLOW,LAST UPDATE,freq,reporter,partner,product,flow,indicators,TIME_PERIOD,OBS_VALUE,OBS_FLAG"
CSV = "application/vnd.sdmx.data+csv;version=1.0.0"
DATA = "/sdmx/2.1/data/DS-045409/"
VALUE, WEIGHT, PIECES = "VALUE_IN_EUROS", "QUANTITY_IN_100KG", "SUPPLEMENTARY_QUANTITY"
REPORTERS = ("DE", "EU27_2020")
CONFIDENTIAL = "QX"
GROUPS = ("EXT_EU27_2020", "WORLD")

Key = tuple[str, str, str, str, str, str]  # reporter, partner, product, flow, indicator, month


def prepared(status: str, key: str = "b3f1-77") -> str:
    """Return the promise of an answer."""
    return (
        '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Header/><env:Body>'
        '<ns0:asyncResponse xmlns:ns0="http://estat.ec.europa.eu/disschain/soap/asynchronous">'
        '<ns1:status xmlns:ns1="http://estat.ec.europa.eu/disschain/asynchronous">'
        f"<ns1:key>{key}</ns1:key><ns1:status>{status}</ns1:status></ns1:status></ns0:asyncResponse></env:Body></env:Envelope>"
    )


def fault(code: str, text: str) -> str:
    """Return an error as the API words it."""
    envelope = "http://schemas.xmlsoap.org/soap/envelope/"
    return f'<S:Fault xmlns:S="{envelope}"><faultcode>{code}</faultcode><faultstring>{text}</faultstring></S:Fault>'


class Api(WebOffice):
    """The API over figures by key that a test gives."""

    kind = "eurostat"
    renamed = ("OBS_VALUE", "VALUE")

    def __init__(self, server: HTTPServer, products: tuple[str, ...] = ()) -> None:
        super().__init__(server, products)
        self.rows: dict[Key, str] = {}
        self.renewed = "15/09/26 11:00:00"
        self.most_cells = 10**9
        self.too_big = fault("413", "EXTRACTION_TOO_BIG: the requested extraction is too big, max authorised is 5000000")

    @property
    def troubles(self) -> frozenset[Trouble]:
        return frozenset(Trouble) - {Trouble.QUOTA, Trouble.KEY}  # it is open to all

    @property
    def queries(self) -> list[str]:
        """The paths that were asked for."""
        return [request.path.removeprefix(f"/{self.kind}/") for request in self.asked]

    def answer(self, path: str, request: Request) -> Response:
        if "/async/" in path:
            return Response(prepared("EXPIRED"), content_type="text/xml")
        filters = [part.split("+") for part in path.removeprefix(DATA).split(".")]
        months = range(parse_month(request.args["startPeriod"]), parse_month(request.args["endPeriod"]) + 1)
        positions = [*filters[1:], list(map(format_month, months))]
        cells = 1
        for each in positions:
            cells *= len(each) if each != [""] else 282
        if cells > self.most_cells:
            return Response(self.too_big, 413, content_type="text/xml")
        return Response(self.table(positions), content_type=CSV)

    def held(self) -> Iterator[tuple[Key, str]]:
        """Return the figures by key; a flag may follow a bar."""
        yield from self.rows.items()

    def table(self, positions: list[list[str]]) -> str:
        """Return the figures at some positions of each dimension."""
        lines = [HEADER]
        for key, text in self.held():
            if all(each == [""] or one in each for one, each in zip(key, positions, strict=True)):
                value, _, flag = text.partition("|")
                lines.append(f"ESTAT:DS-045409(1.0),{self.renewed},M,{','.join(key)},{value},{flag}")
        return "\r\n".join(lines) + "\r\n"


class Office(Api):
    """German imports, which are the Union's too. Of a half loaded month only the Union stands there."""

    products = ("85051110",)

    def entry(self, **keys: Any) -> dict[str, Any]:
        return {
            "name": "eurostat",
            "kind": "eurostat",
            "dataset": "trade/magnets",
            "products": list(self.products),
            "reporters": ["EU", "DE"],
            "flows": ["import"],
            "reread": 2,
            "base_url": self.url,
            "complete_when": {"rows_at_least": "60%", "total": "required"},
        } | keys

    def publish(self, month: Month, figures: Any) -> None:
        super().publish(month, figures)
        self.renewed = f"{datetime.now(ZoneInfo('Europe/Brussels')):%d/%m/%y %H:%M:%S}"

    def held(self) -> Iterator[tuple[Key, str]]:
        for month in self.months:
            for reporter in REPORTERS:
                if self.traded(month) and not (month in self.halves and reporter == "DE"):
                    yield from self._month(month, reporter)

    def _month(self, month: Month, reporter: str) -> Iterator[tuple[Key, str]]:
        """Yield a group of goods that is always there, then partners, confidential trade, and groups that repeat it all."""
        when = format_month(month)
        yield (reporter, "WORLD", "85", "1", VALUE, when), "9000000"
        for product in {product for _, product in self.months[month]}:
            parts = {of: amount for (of, _), amount in self.shown(month, product).items()}
            if rest := self.rest(month, product):
                parts[CONFIDENTIAL] = rest
            for partner, amount in (parts | dict.fromkeys(GROUPS, self.total(month, product))).items():
                yield from _figures((reporter, partner, product), amount, when)


def _figures(of: tuple[str, str, str], amount: Amount, when: str) -> Iterator[tuple[Key, str]]:
    for indicator, figure in ((VALUE, amount.value), (WEIGHT, amount.kg and amount.kg / 100)):
        if figure is not None:
            yield (*of, "1", indicator, when), f"{figure:g}" if indicator == WEIGHT else f"{figure:.0f}"
