"""What may stand in the files of ``config/``: one frozen model a file or block, each key with its default."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, StringConstraints, model_validator

from monitor.alerts.routing import Matcher
from monitor.baskets.partners import why_no_partner
from monitor.countries import PartnerKind, partner_kind
from monitor.months import Month, parse_month
from monitor.secrets import HOW, is_there
from monitor.series import Basis, SeriesKey
from monitor.sources.completeness import CompleteWhen
from monitor.sources.http import HttpSettings

_SIZES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}
_TIMES = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "year": 31_536_000}
_LONGEST = 1000 * _TIMES["year"]
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)")
_SHOWN_PASSWORD = re.compile(r"//[^/@]*:[^/@]+@")


def read_size(value: Any) -> int:
    """Read ``50 MB`` as a number of bytes."""
    found = _AMOUNT.fullmatch(str(value))
    if found is None or found[2] not in _SIZES:
        raise ValueError(f'"{value}" is not a size; write a number and one of {", ".join(_SIZES)}, like 50 MB')
    return int(float(found[1]) * _SIZES[found[2]])


def read_duration(value: Any) -> timedelta:
    """Read ``3 days`` or ``20 seconds``."""
    if isinstance(value, timedelta):
        return value
    found = _AMOUNT.fullmatch(str(value))
    seconds = _TIMES.get(found[2].removesuffix("s"), 0) if found else 0
    if found is None or not seconds or not float(found[1]):
        raise ValueError(
            f'"{value}" is not a length of time; write a number and {", ".join(f"{unit}s" for unit in _TIMES)}, like 3 days'
        )
    if float(found[1]) * seconds > _LONGEST:
        raise ValueError(f'"{value}" is not a length of time that means anything here; write at most 1000 years')
    return timedelta(seconds=float(found[1]) * seconds)


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text):
        raise ValueError(f'"{text}" is not a name; letters, digits, ".", "_" and "-" are allowed, at most 64')
    return text


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
        raise ValueError(f'"{text}" is not a web address; write it as https://monitor.example.org')
    return text.rstrip("/")


def _secret_address(address: SecretStr | str | None) -> SecretStr | None:
    if isinstance(address, str):
        return SecretStr(_web_address(address)) if address else None
    if is_there(address) and urlsplit(address.get_secret_value()).scheme not in ("http", "https"):
        raise ValueError("the secret that stands here is not a web address; it begins with https://")
    return address


def _digits(code: Any) -> str:
    if not isinstance(code, str) or not re.fullmatch(r"[0-9]{2,10}", code):
        raise ValueError(f'"{code}" is not a code to tick; write its digits in quotes, like "85051110"')
    return code


def _page(text: str) -> str:
    if text and not (urlsplit(text).scheme in ("http", "https") and urlsplit(text).hostname):
        raise ValueError(f'"{text}" is not a web address; write it as https://stats.example.org/query')
    return text


def _month(text: Any) -> Month:
    return parse_month(str(text))


def _matcher(text: Any) -> Matcher:
    if not isinstance(text, str):
        raise ValueError('a matcher is text, like severity="critical"; put it in single quotes if it holds braces or commas')
    return Matcher.parse(text)


def _database(address: SecretStr | str | None) -> SecretStr | str | None:
    if isinstance(address, str) and _SHOWN_PASSWORD.search(address):
        raise ValueError(f"the database's address holds a password in plain text; set MONITOR_DATABASE, or {HOW}")
    return address


def _country(code: str) -> str:
    if partner_kind(code) is not PartnerKind.COUNTRY or (sentence := why_no_partner(code)):
        raise ValueError(sentence if partner_kind(code) is PartnerKind.COUNTRY else f'"{code}" is not one country')
    return code


Name = Annotated[str, AfterValidator(_name)]
Size = Annotated[int, BeforeValidator(read_size)]
Duration = Annotated[timedelta, BeforeValidator(read_duration)]


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Ask(_Block):
    """
    How often a source is asked: `every` so often from `before` the hour at which figures are due until they are in.

    While they are late the pause grows, until it is the one of `otherwise` after so long as `for_` says.
    """

    every: Duration = timedelta(minutes=10)
    before: Duration = timedelta(hours=1)
    for_: Duration = Field(default=timedelta(days=3), alias="for")
    otherwise: Duration | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Ask:
        if self.every < timedelta(minutes=1):
            raise ValueError("every is under a minute; no source is asked more often than that")
        if self.otherwise is not None and self.otherwise < self.every:
            raise ValueError("otherwise is shorter than every; it is the pause where nothing is due")
        return self


class Entry(_Block):
    """What every entry of sources and receivers has; the rest belongs to its kind."""

    name: Name
    kind: str


class StageKeys(_Block):
    """Which stage of its thread an entry is: what comes out of one month in one thread is told as one conversation."""

    thread: Name
    step: int = Field(ge=1, le=9)
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]


class Task(_Block):
    """
    What a person fetches from a source that no program may ask, each time that figures are due.

    The text of it says the boxes and the page that the kind knows, the codes of `codes` or `basket`, else those of the last
    release, and the folder. Without `escalate_to` the operators hear of it once it is not done `after` so long.
    """

    owner: str
    escalate_to: str = ""
    after: Duration = timedelta(days=2)
    page: Annotated[str, AfterValidator(_page)] = ""
    codes: tuple[Annotated[str, BeforeValidator(_digits)], ...] = ()
    basket: str = ""
    boxes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> Task:
        if self.codes and self.basket:
            raise ValueError("write either codes or basket")
        return self


class SourceKeys(Entry):
    """What every source has, whatever its kind."""

    dataset: str = Field(min_length=1)
    title: str = ""
    enabled: bool = True
    ask: Ask = Ask()
    late_after: Duration | None = None
    failed_after: Duration = timedelta(hours=1)
    task: Task | None = None
    credit: str = ""
    complete_when: CompleteWhen | None = None
    stage: StageKeys | None = None
    basis: Basis = Basis.REPORTED
    of: tuple[Annotated[str, AfterValidator(_country)], ...] = ()

    @model_validator(mode="after")
    def _names_whose(self) -> SourceKeys:
        if self.of and self.basis is not Basis.MIRROR:
            raise ValueError("of goes with basis: mirror, and says whose flows the figures mirror")
        if self.basis is Basis.MIRROR and not self.of and self.kind != "table":  # a file may hold mirrored flows as they are
            raise ValueError("of is missing: the countries whose flows the figures mirror, like [CN]")
        return self


class SourceFile(_Block):
    """``sources.yaml``."""

    sources: tuple[dict[str, Any], ...] = Field(min_length=1)


class ReceiverFile(_Block):
    """``receivers.yaml``."""

    receivers: tuple[dict[str, Any], ...] = Field(min_length=1)


class RouteKeys(_Block):
    """One route."""

    name: Name
    match: tuple[Annotated[Matcher, BeforeValidator(_matcher)], ...] = ()
    receivers: tuple[str, ...] = Field(min_length=1)
    goes_on: bool = Field(default=False, alias="continue")


class RouteFile(_Block):
    """``routes.yaml``."""

    operators: str
    routes: tuple[RouteKeys, ...] = Field(min_length=1)


class Event(_Block):
    """
    Something that happened, for charts; `date`, `what` and `source_url` are for whoever reads the file.

    `month` is the first whose figures should show it, `word` what a chart writes beside its line. Without `partners` or
    `products` it concerns all; a product code stands for all codes that begin with it.
    """

    date: date
    month: Annotated[Month, BeforeValidator(_month)]
    word: str = Field(min_length=1, max_length=20)
    what: str = ""
    reporter: str = ""
    partners: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    source_url: str = ""

    def concerns(self, key: SeriesKey) -> bool:
        """Tell whether a series should show it."""
        return (
            self.reporter in ("", key.reporter)
            and (not self.partners or key.partner in self.partners)
            and (not self.products or key.product.startswith(self.products))
        )


class EventFile(_Block):
    """``events.yaml``."""

    events: tuple[Event, ...]


class Log(_Block):
    """The log on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"

    @classmethod
    def words(cls, text: str) -> dict[str, str]:
        """Read ``debug``, ``json`` or ``debug json``, as the environment writes it."""
        return {"format" if word in ("text", "json") else "level": word for word in text.replace(",", " ").split()}


class Http(_Block):
    """Limits of every outgoing call."""

    connect: Duration = timedelta(seconds=10)
    silence: Duration = timedelta(seconds=30)
    total: Duration = timedelta(minutes=3)
    max_bytes: Size = 50 * 10**6
    attempts: int = Field(default=4, ge=1, le=20)
    per_host_per_minute: float = Field(default=60.0, gt=0)
    allow_hosts: tuple[str, ...] = ()
    proxy: SecretStr | None = None
    ca_file: Path | None = None

    def limits(self) -> HttpSettings:
        """Return what the client takes."""
        return HttpSettings(
            connect_s=self.connect.total_seconds(),
            read_s=self.silence.total_seconds(),
            total_s=self.total.total_seconds(),
            max_bytes=self.max_bytes,
            attempts=self.attempts,
            per_host_per_minute=self.per_host_per_minute,
            allow_hosts=self.allow_hosts,
            proxy=self.proxy.get_secret_value() if self.proxy else None,
            ca_file=str(self.ca_file) if self.ca_file else None,
        )


class Digests(_Block):
    """How much one message says."""

    full_lines: int = Field(default=12, ge=1, le=100)
    charts: int = Field(default=4, ge=0, le=12)
    quiet_release: Literal["first_source", "all", "none"] = "first_source"


class Deliver(_Block):
    """How deliveries are tried."""

    give_up_after: Duration = timedelta(days=3)


class Retention(_Block):
    """How long what is not needed to show any figure again is kept; nothing said: for good."""

    raw: Duration | None = None
    verdicts: Duration | None = None
    fits: Duration | None = timedelta(days=90)


class Health(_Block):
    """Where ``/healthz`` and ``/metrics`` answer; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = Field(default=8480, ge=0, le=65535)


class Monitor(_Block):
    """``monitor.yaml``."""

    data_dir: Path = Path("var")
    database: Annotated[str | SecretStr | None, AfterValidator(_database)] = None
    rules: Path = Path("rules")
    public_url: Annotated[str, AfterValidator(_web_address)] = ""
    log: Log = Log()
    http: Http = Http()
    digest: Digests = Digests()
    deliver: Deliver = Deliver()
    retention: Retention = Retention()
    health: Health = Health()
    heartbeat: Annotated[str | SecretStr | None, AfterValidator(_secret_address)] = None
