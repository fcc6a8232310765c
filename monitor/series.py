"""What a figure belongs to and where it came from: series, cells, coverage, releases, revisions."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, IntFlag, StrEnum

from monitor.months import Month, format_month, say_month

WORLD = "WORLD"


class Status(IntEnum):
    """What a cell is. The first three after NOT_PUBLISHED are numbers; the others are never zero."""

    NOT_PUBLISHED = 0
    VALUE = 1
    ZERO = 2
    ABSENT_ZERO = 3
    WITHHELD = 4
    SUPPRESSED = 5
    FAILED = 6

    @property
    def is_number(self) -> bool:
        """True where the cell holds a figure, a stated zero or an implied one."""
        return Status.VALUE <= self <= Status.ABSENT_ZERO

    @property
    def sentence(self) -> str:
        """How a person is told."""
        return _STATUS_SENTENCES[self]


_STATUS_SENTENCES = {
    Status.NOT_PUBLISHED: "not published",
    Status.VALUE: "published",
    Status.ZERO: "zero as stated",
    Status.ABSENT_ZERO: "no row in a complete release",
    Status.WITHHELD: "no longer given by the source",
    Status.SUPPRESSED: "suppressed by the source",
    Status.FAILED: "source could not be read",
}


class Flag(IntFlag):
    """What a source says about one figure."""

    NONE = 0
    DERIVED = 1  # computed from a published growth rate, or as CUMULATIVE says
    PROVISIONAL = 2
    ESTIMATED = 4
    CUMULATIVE = 8  # beside DERIVED: computed from figures of the year to date


class Basis(StrEnum):
    """Whose figure it is: the reporter's own account, or its partner's account of the same flow."""

    REPORTED = "reported"
    MIRROR = "mirror"


@dataclass(frozen=True, order=True, kw_only=True)
class SeriesKey:
    """
    The name of one monthly series.

    `product` carries its nomenclature (``CN8:85051110``; ``X:`` marks a composite that overlaps others), `partner`
    is an ISO code, a group or ``WORLD``, `unit` is a base unit (kg, pcs or a currency).
    """

    source: str
    dataset: str
    reporter: str
    partner: str
    product: str
    flow: str
    measure: str
    unit: str
    basis: str = Basis.REPORTED

    def __str__(self) -> str:
        return "/".join(getattr(self, name) for name in KEY_FIELDS)

    @classmethod
    def parse(cls, text: str) -> SeriesKey:
        """
        Read what ``str`` writes; a dataset may hold slashes.

        Raises
        ------
        ValueError
            If the text has fewer than nine parts.
        """
        parts = text.split("/")
        if parts[-4:-3] == ["unit_value"]:  # a price holds a slash of its own: USD/kg
            parts[-3:-1] = ["/".join(parts[-3:-1])]
        if len(parts) < len(KEY_FIELDS):
            raise ValueError(f'"{text}" is not a series; its parts are {"/".join(KEY_FIELDS)}')
        values = [parts[0], "/".join(parts[1:-7]), *parts[-7:]]
        return cls(**dict(zip(KEY_FIELDS, values, strict=True)))

    def replace(self, **changes: str) -> SeriesKey:
        """Return the sibling that differs in the given fields."""
        return dataclasses.replace(self, **changes)

    @property
    def nomenclature(self) -> str:
        """The list that the product code belongs to: ``HS6``, ``CN8``, ``NAICS3``…"""
        return self.product.partition(":")[0]


KEY_FIELDS: tuple[str, ...] = tuple(f.name for f in dataclasses.fields(SeriesKey))


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What a release claims to be complete for: periods, and a scope in which None means "all"."""

    periods: tuple[Month, ...]
    partners: tuple[str, ...] | None = None
    products: tuple[str, ...] | None = None
    measures: tuple[str, ...] | None = None
    flows: tuple[str, ...] | None = None

    def includes(self, key: SeriesKey) -> bool:
        """Tell whether a series lies in the scope."""
        pairs = (
            (self.partners, key.partner),
            (self.products, key.product),
            (self.measures, key.measure),
            (self.flows, key.flow),
        )
        return all(scope is None or value in scope for scope, value in pairs)


class ReleaseState(StrEnum):
    """Committed releases are judged; held ones wait for completeness or a person."""

    COMMITTED = "committed"
    HELD = "held"
    REJECTED = "rejected"


@dataclass(frozen=True, kw_only=True)
class Release:
    """
    One act of publishing, as stored.

    `arrival` counts releases as they came in; `published_at` and `fetched_at` are aware UTC datetimes;
    `estimated` says that the publication time is the calendar's, not the source's.
    """

    id: str
    source: str
    dataset: str
    published_at: datetime
    estimated: bool
    fetched_at: datetime
    arrival: int
    coverage: Coverage
    rows: int
    sha256: str
    state: ReleaseState = ReleaseState.COMMITTED
    as_history: bool = False
    note: str = ""

    @property
    def newest(self) -> Month:
        """The newest period that the release covers."""
        return max(self.coverage.periods)

    @property
    def order(self) -> tuple[datetime, int]:
        """Releases are judged in this order."""
        return (self.published_at, self.arrival)

    def __str__(self) -> str:
        return f"{self.source} {self.dataset} {format_month(self.newest)}"

    @property
    def title(self) -> str:
        """How a person is told: ``gacc magnets, October 2025``."""
        return f"{self.source} {self.dataset}, {say_month(self.newest)}"


class RevisionKind(StrEnum):
    """A change within half of the coarser resolution is a refinement, not a revision."""

    REVISION = "revision"
    REFINEMENT = "refinement"
    NEW = "new"


@dataclass(frozen=True, kw_only=True)
class Revision:
    """A figure that a later release changed. `old` and `new` are in the key's unit; NaN is no figure."""

    key: SeriesKey
    period: Month
    old: float
    new: float
    kind: RevisionKind
