"""Korea Customs Service on data.go.kr, as SOURCES says: XML, refusals inside status 200, a total row, pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from werkzeug import Request, Response

from monitor.months import parse_month
from players.office import Amount, Trouble, WebOffice

KEY = "abcDEF0123%2B%2Fxyz%3D%3D"
PATH = "/1220000/nitemtrade"
TOTAL = "총계"

Amounts = tuple[str, str, str, str]  # export kg and USD, import kg and USD


def item(period: str, country: str, code: str, amounts: Amounts, name: str = "나라", title: str = "영구자석") -> str:
    """Return one row."""
    tags = ("expWgt", "expDlr", "impWgt", "impDlr")
    figures = "".join(f"<{tag}>{amount}</{tag}>" for tag, amount in zip(tags, amounts, strict=True))
    return (
        f"<item><year>{period}</year><statCdCntnKor1>{name}</statCdCntnKor1><statCd>{country}</statCd><hsCd>{code}</hsCd>"
        f"<statKor>{title}</statKor>{figures}<balPayments>-1</balPayments></item>"
    )


def total(*amounts: str) -> str:
    """Return the total row."""
    return item(TOTAL, "-", "-", amounts, "-", "-")  # type: ignore[arg-type]


def xml(*items: str, code: str = "00", more: str = "") -> str:
    """Return the service's envelope."""
    head = f"<header><resultCode>{code}</resultCode><resultMsg>NORMAL SERVICE.</resultMsg></header>"
    return f'<?xml version="1.0" encoding="UTF-8"?><response>{head}<body><items>{"".join(items)}</items>{more}</body></response>'


def gateway(code: str, name: str) -> str:
    """Return the gateway's envelope, in which refusals come."""
    said = f"<errMsg>SERVICE ERROR</errMsg><returnAuthMsg>{name}</returnAuthMsg><returnReasonCode>{code}</returnReasonCode>"
    return f"<OpenAPI_ServiceResponse><cmmMsgHeader>{said}</cmmMsgHeader></OpenAPI_ServiceResponse>"


class Api(WebOffice):
    """
    The API over the amounts of one code that a test gives: month -> country -> amounts.

    `page` is the most rows of one answer.
    """

    kind = "korea"
    environ: Mapping[str, str] = {"DATA_GO_KR_KEY": KEY}
    media = "text/xml;charset=UTF-8"
    renamed = ("impWgt", "impWeight")
    page = 1000
    code = "8505110000"
    held: Mapping[str, Mapping[str, Amounts]] = {}

    def answer(self, path: str, request: Request) -> Response:
        asked = request.args
        assert path == f"{PATH}/getNitemtradeList"
        assert asked["strtYymm"] == asked["endYymm"]
        items = self.rows(asked["strtYymm"], asked["hsSgn"], asked.get("cntyCd", ""))
        most = min(self.page, int(asked["numOfRows"]))
        start = (int(asked["pageNo"]) - 1) * most
        return Response(xml(*items[start : start + most]), content_type=self.media)

    def refusal(self, what: Trouble) -> Response:
        quota = ("22", "LIMITED_NUMBER_OF_SERVICE_REQUESTS_EXCEEDS_ERROR")
        code, name = quota if what is Trouble.QUOTA else ("30", "SERVICE_KEY_IS_NOT_REGISTERED_ERROR")
        return Response(gateway(code, name), content_type=self.media)

    def rows(self, month: str, code: str, country: str) -> list[str]:
        """Return the total row and the rows of a code in a month like ``202506``."""
        held = self.held.get(month, {}) if self.code.startswith(code) else {}
        sums = [str(sum(int(amounts[at]) for amounts in held.values())) for at in range(4)]
        rows = [item(f"{month[:4]}.{month[4:]}", of, self.code, amounts) for of, amounts in held.items()]
        return [total(*sums), *rows] if rows else []


class Office(Api):
    """Imports by code and country."""

    products = ("8505110000",)

    def entry(self, **keys: Any) -> dict[str, Any]:
        return {
            "name": "korea",
            "kind": "korea",
            "dataset": "magnets",
            "products": list(self.products),
            "flows": ["import"],
            "key": {"env": "DATA_GO_KR_KEY"},
            "base_url": self.url + PATH,
            "complete_when": {"rows_at_least": "60%", "total": "required"},
        } | keys

    def rows(self, month: str, code: str, country: str) -> list[str]:
        """Return the total row and the rows of a code, or the one row of machines that are traded with China every month."""
        period, written = parse_month(month), f"{month[:4]}.{month[4:]}"
        if code == "85" and country and self.traded(period):
            return [item(written, country, "8542310000", ("1", "2", "3", "4"))]
        told = self.shown(period, code)
        title = escape(self.title)
        rows = [item(written, of, product, _written(amount), title=title) for (of, product), amount in told.items()]
        return [total(*_written(self.total(period, code))), *rows] if rows or self.rest(period, code) else []


def _written(amount: Amount) -> Amounts:
    return ("0", "0", *("" if figure is None else f"{figure:.0f}" for figure in amount))  # type: ignore[return-value]
