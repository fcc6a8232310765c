"""What a rule test may hold: the keys of given figures, of releases, and of what is expected to be told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    WrapValidator,
    field_validator,
    model_validator,
)

from monitor.baskets.partners import why_no_partner
from monitor.baskets.records import is_product
from monitor.months import FIRST, LAST, Month, format_month, month_of, parse_month
from monitor.rules.measuring import MEASURES
from monitor.rules.schema import Fact, Strict, Words
from monitor.series import Basis
from monitor.units import find_unit, parse_quantity

OPEN_AT_START = "open at the start"
"""What the first release says of an alert that history opened."""

WITHHELD = "withheld"
"""What a test writes for a figure that the source no longer gives."""

_MOST_FIGURES = 1200
_NUMBER = re.compile(r"[-−]?[0-9]{1,15}(\.[0-9]{1,9})?")
_NEEDED = ("source", "dataset", "reporter", "partner", "product", "flow", "measure", "unit")


def _month(value: Any) -> Month:
    found = parse_month(str(value))
    if not FIRST <= found <= LAST:
        raise ValueError(f'"{value}" is not a month between 1900 and 2199')
    return found


def _months(value: Any) -> Any:
    """Read ``2025-05``, or ``2025-01 to 2025-04``."""
    if not isinstance(value, str):
        raise ValueError("write a month like 2025-05, or 2025-01 to 2025-04")
    first, between, last = value.partition(" to ")
    start, end = _month(first), _month(last if between else first)
    if not 0 <= end - start < _MOST_FIGURES:
        raise ValueError(f'"{value}" ends before it begins, or lasts longer than {_MOST_FIGURES // 12} years')
    return tuple(range(start, end + 1))


def _moment(value: Any) -> Any:
    """Read a day, meaning its noon UTC, or a moment."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f'"{value}" is not a date; write it as 2025-06-20, or 2025-06-20T10:00+08:00') from None
    if not FIRST <= month_of(found) <= LAST:
        raise ValueError(f'"{value}" is not a day between 1900 and 2199')
    if len(str(value)) <= len("2025-06-20"):
        found = datetime.combine(found, time(12, 0))
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _partners(codes: tuple[str, ...]) -> tuple[str, ...]:
    if wrong := next(filter(None, map(why_no_partner, codes)), None):
        raise ValueError(wrong)
    return codes


def _products(codes: tuple[str, ...]) -> tuple[str, ...]:
    if wrong := next((code for code in codes if not is_product(code)), None):
        raise ValueError(f'"{wrong}" has no nomenclature; write it like HS6:850511')
    return codes


def _unit(name: str) -> str:
    find_unit(name)
    return name


def _step(text: str) -> str:
    parse_quantity(text)
    return text


def _reading(value: Any) -> Any:
    """Read ``-93.3%`` or ``0.07`` as (number, decimals of it that were written, as a share of 100)."""
    text = str(value).strip()
    number = text.removesuffix("%")
    if not _NUMBER.fullmatch(number):
        raise ValueError(f'"{value}" is not a number; write 0.07 or -93.3%')
    decimals = len(number.partition(".")[2])
    return Reading(number=float(number.replace("−", "-")), decimals=decimals, percent=text.endswith("%"))


@dataclass(frozen=True, kw_only=True)
class Reading:
    """An indicator's value as a test writes it: equal to what rounds to it."""

    number: float
    decimals: int
    percent: bool

    def says(self, value: float | None) -> bool:
        """Tell whether a value, rounded as this one is written, is the same."""
        return value is not None and self.written(value) == self.written(self.number / 100 if self.percent else self.number)

    def written(self, value: float | None) -> str:
        """Write a value as this one is written."""
        if value is None:
            return "not known"
        text = f"{value * 100 if self.percent else value:.{self.decimals}f}"
        return (text if float(text) else text.removeprefix("-")) + ("%" if self.percent else "")

    def __str__(self) -> str:
        return f"{self.number:.{self.decimals}f}{'%' if self.percent else ''}"


_MONTH_SCHEMA = {"type": "string", "pattern": r"^\d{4}-\d{2}$"}
_MONTHS_SCHEMA = {"type": "string", "pattern": r"^\d{4}-\d{2}( to \d{4}-\d{2})?$"}
_READING_SCHEMA = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[-−]?\d+(\.\d+)?%?$"}]}

AMonth = Annotated[Month, BeforeValidator(_month), WithJsonSchema(_MONTH_SCHEMA)]
AReading = Annotated[Any, BeforeValidator(_reading), WithJsonSchema(_READING_SCHEMA)]
Figure = Annotated[
    Annotated[float, Field(ge=0, strict=True)],
    WrapValidator(lambda value, number: value if value == WITHHELD else number(value)),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"const": WITHHELD}]}),
]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class SeriesKeys(Strict):
    """The name of a series; what every series of a test shares stands under `series`."""

    source: str | None = Field(None, description="The source's name, as in config/sources.yaml.")
    dataset: str | None = Field(None, description="The dataset of the source, like imports/naics.")
    reporter: Annotated[Words, AfterValidator(_partners)] | None = Field(None, description="Whose figures: an ISO code.")
    partner: Annotated[Words, AfterValidator(_partners)] | None = Field(None, description="An ISO code, or WORLD.")
    product: Annotated[Words, AfterValidator(_products)] | None = Field(None, description="A code like HS6:850511.")
    flow: Literal["export", "import"] | None = Field(None, description="export or import.")
    measure: Literal["weight", "value", "quantity", "duty"] | None = Field(None, description="What is measured.")
    unit: Annotated[str, AfterValidator(_unit)] | None = Field(None, description="The unit of the figures: t, M USD, pcs…")
    basis: Basis | None = Field(None, description="reported (the default) or mirror.")
    resolution: Annotated[str, AfterValidator(_step)] | None = Field(None, description="The rounding step, like 1 t.")


class GivenKeys(SeriesKeys):
    """Figures that are given: written here, in a file, or bundled with the desk."""

    from_: AMonth | None = Field(None, alias="from", description="The month of the first figure, or the first month taken.")
    to: AMonth | None = Field(None, description="The last month taken of a file, or of bundled figures.")
    figures: tuple[Figure | None, ...] | None = Field(
        None,
        min_length=1,
        max_length=_MOST_FIGURES,
        description="A figure a month; ~ is not published, 0 a stated zero, withheld what the source no longer gives.",
    )
    file: str | None = Field(None, min_length=1, description="A table with a row a figure, beside this file.")
    bundled: Literal[True] | None = Field(None, description="Figures that come with an entry of config/sources.yaml.")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        places = [name for name in ("figures", "file", "bundled") if getattr(self, name) is not None]
        if len(places) != 1:
            raise ValueError(f"write one of figures, file and bundled; here are {' and '.join(places) or 'none'}")
        needed = {"figures": _NEEDED, "file": ("source", "dataset"), "bundled": ("source", "dataset")}[places[0]]
        if missing := [name for name in needed if getattr(self, name) is None]:
            raise ValueError(f"no {' and no '.join(missing)}; write it here, or under series for all")
        if self.figures is not None:
            self._written()
        return self

    def _written(self) -> None:
        if self.from_ is None:
            raise ValueError("from is missing: the month of the first figure")
        if self.to is not None:
            raise ValueError("to does not go with figures: their number says where they end")
        for name in ("reporter", "partner", "product"):
            if len(getattr(self, name)) > 1:
                raise ValueError(f"figures belong to one {name}; here are {len(getattr(self, name))}")
        if find_unit(str(self.unit)).dimension is not MEASURES[str(self.measure)]:
            raise ValueError(f"a {self.measure} is not in {self.unit}")


class ReleaseKeys(Strict):
    """One release: the months it covers, and the figures that it changes."""

    months: Annotated[tuple[Month, ...], BeforeValidator(_months), WithJsonSchema(_MONTHS_SCHEMA)] = Field(
        description="The months that it covers: 2025-05, or 2025-01 to 2025-04."
    )
    published: Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string"})] | None = Field(
        None, description="When it came out, like 2025-06-20; without it, the 20th of the month after its newest one."
    )
    revised: tuple[GivenKeys, ...] = Field((), description="Figures that differ from then on.")

    @field_validator("published")
    @classmethod
    def _over(cls, published: datetime | None, info: ValidationInfo) -> datetime | None:
        newest = info.data.get("months", (FIRST,))[-1]
        if published is not None and month_of(published) <= newest:
            raise ValueError(f"{published:%Y-%m-%d} is before {format_month(newest)} is over, which this release covers")
        return published


class TransitionKeys(Strict):
    """A change of an alert that is expected."""

    month: AMonth = Field(description="The month that it is about.")
    series: str = Field(min_length=1, description="Words that name one series: US, or US CN8:85051110.")
    rule: str | None = Field(None, description="The rule; needed where the test has several.")
    change: Literal[
        "opened", "worsened", "eased", "easing", "recovered", "new normal", "not judged", "lapsed", "withdrawn",
        "opened by revision", "corrected", "event", "open at the start",
    ] = Field(description="What changes.")  # fmt: skip
    level: Literal["data", "info", "warning", "critical"] | None = Field(None, description="The level after it.")
    reads: dict[str, AReading] = Field({}, description="What the condition read, as it rounds: {ratio: 0.07, yoy: -93.3%}.")
    told: bool = Field(True, description="false: it is recorded, and nobody is told.")


class FactKeys(Strict):
    """A fact about the service itself that begins, or is over."""

    begins: Fact | None = Field(None, description="The fact that begins.")
    ends: Fact | None = Field(None, description="The fact that is over.")
    subject: str = Field(min_length=1, description="What it is about: a source's entry, or a receiver.")
    sentence: str = Field("", description="What is told of it when it begins.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.begins is None) == (self.ends is None):
            raise ValueError("write begins or ends, and the fact")
        return self


class ExampleKeys(Strict):
    """One rule test."""

    name: str = Field(min_length=1, max_length=120, description="What it shows, in words.")
    rules: Words = Field(description="Names of rules of the desk, or a rule file beside this one; only these judge.")
    series: SeriesKeys = Field(SeriesKeys(), description="Keys that all series of the test share.")
    given: tuple[GivenKeys, ...] = Field((), description="Figures, as they are first published.")
    beside: tuple[GivenKeys, ...] = Field(
        (), description="Figures that other datasets give meanwhile, each month before the release of the test that reaches it."
    )
    live_from: AMonth | None = Field(
        None, description="The newest month of the first release; each later month comes out in a release of its own."
    )
    releases: tuple[ReleaseKeys, ...] = Field((), description="The releases, in the order in which they come in.")
    facts: tuple[FactKeys, ...] = Field((), description="Facts about the service, for rules of kind operations.")
    expect: tuple[TransitionKeys, ...] | None = Field(None, description="Every change that is told; [] for none.")
    others: Literal["refused", "allowed"] = Field("refused", description="allowed: more may be told than is expected.")
    says: tuple[Sentence, ...] = Field((), description="Lines of a digest, each whole.")
    mentions: tuple[Sentence, ...] = Field((), description="Whole words that stand in some line of a digest.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.given) == bool(self.facts):
            raise ValueError("write given (figures) or facts (about the service), one of them")
        if any(entry.figures is None for entry in self.beside):
            raise ValueError("what stands beside is written as figures")
        if self.facts and (self.expect or self.releases or self.beside or self.live_from is not None):
            raise ValueError("facts have no releases and no transitions; expect what is told under says and mentions")
        if self.releases and self.live_from is not None:
            raise ValueError("write live_from or releases, one of them")
        if self.given and self.expect is None and self.others == "refused":
            raise ValueError("expect is missing: the changes that are told, or [] for none")
        return self
