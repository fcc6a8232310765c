"""What may stand in the files of ``config/``: one frozen model a file or block, each key with its default."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

from monitor.configuration.values import (
    CalendarMonth,
    CodeDigits,
    Country,
    DatabaseAddress,
    Duration,
    LinkSecret,
    LocaleName,
    Name,
    Page,
    SecretAddress,
    Size,
    TimeZone,
    WebAddress,
)
from monitor.series import Basis, SeriesKey
from monitor.sources.completeness import CompleteWhen
from monitor.sources.http import HttpSettings


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


class TemplateKeys(_Block):
    """A user's own templates: a file for each part of a message that they write; the other parts are built in."""

    subject: Path | None = None
    text: Path | None = None
    html: Path | None = None
    body: Path | None = None


class BudgetKeys(_Block):
    """How much of one release a receiver is told: `lines` on all its pages together, and `immediate` messages."""

    lines: int | None = Field(default=None, ge=1, le=1000)
    immediate: int = Field(default=3, ge=0, le=100)


class ReceiverKeys(Entry):
    """
    What every receiver has, whatever its kind.

    `fallback` is the receiver that hears what this one does not take; `per_minute` is how many messages it is sent at most.
    `locale` and `time_zone` are those of its readers: how numbers, dates and moments are written.
    `templates` are its own words. `budget` is how much of one release it is told.
    """

    fallback: str = ""
    per_minute: float | None = Field(default=None, gt=0)
    locale: LocaleName = ""
    time_zone: TimeZone = ""
    templates: TemplateKeys = TemplateKeys()
    budget: BudgetKeys = BudgetKeys()


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
    page: Page = ""
    codes: tuple[CodeDigits, ...] = ()
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
    of: tuple[Country, ...] = ()

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


class Event(_Block):
    """
    Something that happened, for charts; `date`, `what` and `source_url` are for whoever reads the file.

    `month` is the first whose figures should show it, `word` what a chart writes beside its line. Without `partners` or
    `products` it concerns all; a product code stands for all codes that begin with it.
    """

    date: date
    month: CalendarMonth
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
    """How deliveries are tried: how long, and how many of one receiver at the same time."""

    give_up_after: Duration = timedelta(days=3)
    at_once: int = Field(default=4, ge=1, le=32)


class Retention(_Block):
    """How long what is not needed to show any figure again is kept; nothing said: for good."""

    raw: Duration | None = None
    verdicts: Duration | None = None
    fits: Duration | None = timedelta(days=90)
    wires: Duration | None = timedelta(days=90)


class Health(_Block):
    """Where ``/healthz`` and ``/metrics`` answer; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = Field(default=8480, ge=0, le=65535)


class Monitor(_Block):
    """``monitor.yaml``."""

    data_dir: Path = Path("var")
    database: DatabaseAddress = None
    rules: Path = Path("rules")
    public_url: WebAddress = ""
    log: Log = Log()
    http: Http = Http()
    digest: Digests = Digests()
    deliver: Deliver = Deliver()
    retention: Retention = Retention()
    health: Health = Health()
    heartbeat: SecretAddress = None
    secrets_dir: Path | None = None
    link_secret: LinkSecret = None
