"""What every playing office does, and the part that all with a web server share: paths, troubles, and what was asked."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.months import Month, format_month

PRICE = 60.0
"""What a kilogram is worth where a test gives no value, in the office's currency."""

HTTP = {"allow_hosts": ["127.0.0.1", "localhost"], "per_host_per_minute": 60_000}
"""The block ``http`` of a desk that asks playing offices."""


class Trouble(StrEnum):
    """What can be wrong with an office; each plays it as its documentation says."""

    BUSY = "429 with Retry-After"
    QUOTA = "calls used up"
    FAULT = "500"
    PAGE = "web page with status 200"
    CUT = "truncated body"
    DRIP = "slow drip"
    BROKEN = "connection cut"
    CHANGED = "changed format"
    KEY = "wrong key"


class Amount(NamedTuple):
    """What was traded in a month with one partner; None where the office has no such figure."""

    kg: float | None
    value: float | None


Cell = tuple[str, str]  # partner, product
Figures = Mapping[Cell, float | tuple[float | None, float | None]]
"""(ISO code of the partner, product as the office writes it) -> kg, or kg and value."""


class Office(Protocol):
    """An office that a test plays."""

    kind: str
    products: tuple[str, ...]
    environ: Mapping[str, str]

    @property
    def troubles(self) -> frozenset[Trouble]:
        """The troubles that it can have."""
        ...

    def entry(self, **keys: Any) -> dict[str, Any]:
        """Return an entry of ``sources.yaml`` that asks this office; `keys` add to it or replace."""
        ...

    def publish(self, month: Month, figures: Figures) -> None:
        """Publish a month; published again, it is replaced from now on."""
        ...

    def empty(self, month: Month) -> None:
        """Open a month without a figure in it."""
        ...

    def half(self, month: Month) -> None:
        """Let a published month stand there half loaded until it is published again."""
        ...

    def withdraw(self, *, partner: str = "", product: str = "") -> None:
        """Give the detail of a partner or a product no longer, in months that are published from now on."""
        ...

    def trouble(self, what: Trouble, times: int | None = None) -> None:
        """Be in trouble for so many questions, or until `calm`."""
        ...

    def calm(self) -> None:
        """End the trouble."""
        ...


def amounts(figures: Figures) -> dict[Cell, Amount]:
    """Return what was published, with the values that were left out."""
    return {cell: Amount(*given) if isinstance(given, tuple) else Amount(given, given * PRICE) for cell, given in figures.items()}


def _sum(cells: Iterable[Amount]) -> Amount | None:
    found = list(cells)
    return Amount(kg=sum(cell.kg or 0 for cell in found), value=sum(cell.value or 0 for cell in found)) if found else None


class Ledger:
    """What was published so far: months, those that are half loaded, and what is no longer told in detail."""

    def __init__(self) -> None:
        self.months: dict[Month, dict[Cell, Amount]] = {}
        self.halves: set[Month] = set()
        self.hidden: dict[Month, set[Cell]] = {}
        self._withdrawn: set[tuple[str, str]] = set()

    def publish(self, month: Month, figures: Figures) -> None:
        self.months[month] = amounts(figures)
        self.halves.discard(month)
        self.hidden[month] = {cell for cell in figures if {(cell[0], ""), ("", cell[1])} & self._withdrawn}

    def empty(self, month: Month) -> None:
        self.publish(month, {})

    def half(self, month: Month) -> None:
        self.halves.add(month)

    def withdraw(self, *, partner: str = "", product: str = "") -> None:
        self._withdrawn.add((partner, product))

    def shown(self, month: Month, product: str = "") -> dict[Cell, Amount]:
        """Return the cells of a month that are told in detail, of the products that begin so; half of them of a half month."""
        told = [cell for cell in self.months.get(month, {}) if cell not in self.hidden[month] and cell[1].startswith(product)]
        kept = told[: len(told) // 2] if month in self.halves else told
        return {cell: self.months[month][cell] for cell in kept}

    def rest(self, month: Month, product: str) -> Amount | None:
        """Return the sum of what is in the total of a product alone; None where all is told."""
        return _sum(self.months[month][cell] for cell in self.hidden.get(month, ()) if cell[1].startswith(product))

    def traded(self, month: Month) -> bool:
        """Tell whether a month is there and not empty."""
        return bool(self.months.get(month))

    def total(self, month: Month, product: str) -> Amount:
        """Return the sum of what stands there of a product, told or not."""
        parts = [*self.shown(month, product).values(), *filter(None, [self.rest(month, product)])]
        return _sum(parts) or Amount(0, 0)


class WebOffice(Ledger):
    """
    The server of an office, on a path of its own.

    Parameters
    ----------
    server : HTTPServer
        May serve several offices.
    products : tuple of str
        What its entry asks for.
    """

    kind: str
    media = "application/json"
    environ: Mapping[str, str] = {}
    title = "Permanent magnets"
    """The words for what it trades, where it has words."""
    renamed: tuple[str, str]
    """A word of its answers, and what it is called once the format has changed."""

    def __init__(self, server: HTTPServer, products: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.products = products or self.products
        self.asked: list[Request] = []
        self.times: list[float] = []  # of the questions, on a clock that no test moves
        self.instead: list[Response] = []  # answered first, whatever is asked
        self._played: list[Response] = []
        self._trouble: Trouble | None = None
        self._times: int | None = None
        self.url = server.url_for(f"/{self.kind}")
        server.expect_request(re.compile(f"/{self.kind}/")).respond_with_handler(self._play)

    products: tuple[str, ...] = ()

    @property
    def troubles(self) -> frozenset[Trouble]:
        return frozenset(Trouble)

    def play(self, *answers: Response | str) -> list[Request]:
        """Give these answers in turn, whatever is asked, the last one again and again; return what will have been asked."""
        self._played = [one if isinstance(one, Response) else Response(one, content_type=self.media) for one in answers]
        return self.asked

    def trouble(self, what: Trouble, times: int | None = None) -> None:
        self._trouble, self._times = what, times

    def calm(self) -> None:
        self._trouble = None

    def answer(self, path: str, request: Request) -> Response:
        """Answer as the documentation says, from what was published so far."""
        raise NotImplementedError

    def refusal(self, what: Trouble) -> Response:
        """Return how the office says that its calls are used up, or that a key is wrong."""
        raise NotImplementedError

    def _play(self, request: Request) -> Response:
        self.asked.append(request)
        self.times.append(time.monotonic())
        if self.instead:
            return self.instead.pop(0)
        if self._played:
            return self._played.pop(0) if len(self._played) > 1 else self._played[0]
        what = self._now()
        if what in (Trouble.QUOTA, Trouble.KEY):
            return self.refusal(what)
        if what in _PLAIN:
            return _PLAIN[what]()
        whole = self.answer(request.path.removeprefix(f"/{self.kind}"), request)
        if what is Trouble.CHANGED:
            whole.data = whole.data.replace(*(word.encode() for word in self.renamed))
        return _BROKEN[what](whole) if what in _BROKEN else whole

    def _now(self) -> Trouble | None:
        """Return the trouble that this question meets."""
        if self._times is not None:
            self._times -= 1
            if self._times < 0:
                self._trouble, self._times = None, None
        return self._trouble


def _busy() -> Response:
    return Response("slow down", 429, headers={"Retry-After": "1"}, content_type="text/plain")


def _page() -> Response:
    text = "<html><head><title>Scheduled maintenance</title></head><body>We are back soon.</body></html>"
    return Response(text, content_type="text/html; charset=utf-8")


def _cut(whole: Response) -> Response:
    return Response(whole.data[: len(whole.data) * 2 // 3], content_type=whole.content_type)


def _broken(whole: Response) -> Response:
    length = {"Content-Length": str(len(whole.data))}
    return Response(iter([whole.data[: len(whole.data) // 2]]), headers=length, content_type=whole.content_type)


def _drip(whole: Response) -> Response:
    return Response(_drops(whole.data), content_type=whole.content_type)


def _drops(body: bytes) -> Iterator[bytes]:
    """Yield a body so slowly that no silence is long and the whole takes six seconds."""
    for drop in range(100):
        yield body[drop * len(body) // 100 : (drop + 1) * len(body) // 100]
        time.sleep(0.06)


_PLAIN: dict[Trouble | None, Callable[[], Response]] = {
    Trouble.BUSY: _busy,
    Trouble.FAULT: lambda: Response("Internal Server Error", 500, content_type="text/plain"),
    Trouble.PAGE: _page,
}
_BROKEN: dict[Trouble | None, Callable[[Response], Response]] = {
    Trouble.CUT: _cut,
    Trouble.BROKEN: _broken,
    Trouble.DRIP: _drip,
}


def yyyymm(month: Month) -> str:
    """Write a month as ``202506``."""
    return format_month(month).replace("-", "")
