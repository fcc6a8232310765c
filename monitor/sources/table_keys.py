"""What may be said of a table: where it is, how it is written, what it is complete for, when it comes out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from monitor.months import Month, parse_month
from monitor.series import Coverage
from monitor.sources.calendar import Calendar
from monitor.sources.mapping import MEASURES, Mapping
from monitor.sources.payload import MAX_BYTES, Layout
from monitor.units import parse_quantity

if TYPE_CHECKING:
    import pandas as pd


def _month(text: str) -> str:
    parse_month(text)
    return text


def _quantity(text: str) -> str:
    parse_quantity(text)
    return text


class Split(BaseModel):
    """One release a month of the publication calendar; the first one covers everything up to `first`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    each: Literal["month"]
    first: Annotated[str, AfterValidator(_month)] | None = None


class Scope(BaseModel):
    """What a release is complete for; a list that is left out means all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    partners: tuple[str, ...] | None = None
    products: tuple[str, ...] | None = None
    measures: tuple[str, ...] | None = None
    flows: tuple[str, ...] | None = None


class TableParameters(Mapping):
    """Where a table is, how it is written, what it is complete for and when it comes out."""

    dataset: str = Field(min_length=1)
    path: Path | None = None
    folder: Path | None = None
    url: str | None = Field(default=None, pattern=r"^https://")
    package: str | None = Field(default=None, pattern=r"^[\w-]+(\.[\w-]+)+$")
    encoding: str = ""
    delimiter: Literal["", ",", ";", "\t", "|"] = ""
    header_line: int = Field(default=1, ge=1)
    sheet: str = ""
    max_bytes: int = Field(default=MAX_BYTES, ge=1)
    absent: Literal["zero", "not_published"] = "not_published"
    coverage: Literal["all", "file"] | Scope = "all"
    resolution: dict[str, Annotated[str, AfterValidator(_quantity)]] = Field(default_factory=dict)
    titles: dict[str, str] = Field(default_factory=dict)
    published: Calendar | None = None
    releases: Split | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        places = [name for name in ("path", "folder", "url", "package") if getattr(self, name) is not None]
        if len(places) != 1:
            raise ValueError(f"write one of path, folder, url and package; here are {' and '.join(places) or 'none'}")
        if self.releases is not None and self.published is None:
            raise ValueError("releases needs published: when the figures of a month come out")
        for measure, step in self.resolution.items():
            if measure not in MEASURES or parse_quantity(step).dimension != MEASURES[measure]:
                raise ValueError(f'the resolution "{step}" does not fit the measure "{measure}"')
        return self

    @property
    def layout(self) -> Layout:
        """How the file is to be read."""
        names = ("encoding", "delimiter", "header_line", "sheet", "max_bytes")
        return Layout(**{name: getattr(self, name) for name in names})


def coverage_of(frame: pd.DataFrame, periods: tuple[Month, ...], scope: Literal["all", "file"] | Scope) -> Coverage:
    """Return what a release is complete for: everything, what the file itself names, or what was declared."""
    if scope == "all":
        return Coverage(periods=periods)
    if isinstance(scope, Scope):
        return Coverage(periods=periods, **scope.model_dump())
    fields = {"partners": "partner", "products": "product", "measures": "measure", "flows": "flow"}
    return Coverage(periods=periods, **{plural: tuple(sorted(frame[name].unique())) for plural, name in fields.items()})
