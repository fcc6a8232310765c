"""What may stand in ``routes.yaml``: the tree of routes, and what each of them says of the messages that it sends."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from monitor.alerts.routing import Tell
from monitor.configuration.hours_keys import ALWAYS, HoursKeys
from monitor.configuration.inhibit_keys import InhibitKeys
from monitor.configuration.values import AlertMatcher, Label, Name

MOST_ROUTES = 500
"""How many routes may stand beside each other: each is compared with all before it."""

LevelName = Literal["data", "info", "warning", "critical"]


def _some(names: tuple[LevelName, ...]) -> tuple[LevelName, ...]:
    if set(names) == set(get_args(LevelName)):
        raise ValueError("these are all levels; leave the key out")
    return names


def _free(name: str) -> str:
    if name == ALWAYS:
        raise ValueError(f'"{ALWAYS}" is what a route without hours writes; give these another name')
    return name


Levels = Annotated[tuple[LevelName, ...], Field(min_length=1), AfterValidator(_some)]
HoursName = Annotated[Name, AfterValidator(_free)]
Periods = Annotated[int, Field(ge=1, le=120)]


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EscalationKeys(_Block):
    """Who hears of an alert as well once so many releases have passed and nobody acknowledged it."""

    to: str
    after: Annotated[int, Field(ge=1, le=24)] = 2


class RouteKeys(_Block):
    """
    One route: a key that it does not set is that of the route it stands under.

    `levels` are those of the alerts that it takes. `group_by` names labels: one page goes out for each of their values. `tell`
    says whether what is new or worse waits for the page of its release. Outside `hours` messages wait, save those about a level
    that is `urgent`. `remind` are the months after which an alert that is still open is said again.
    """

    name: Name
    match: tuple[AlertMatcher, ...] = ()
    levels: Levels = ()
    receivers: tuple[str, ...] | None = Field(default=None, min_length=1)
    goes_on: bool = Field(default=False, alias="continue")
    group_by: tuple[Label, ...] | None = None
    tell: Tell | None = None
    hours: str | None = None
    urgent: Levels | None = None
    escalate: EscalationKeys | None = None
    remind: tuple[Periods, ...] | None = None
    routes: tuple[RouteKeys, ...] = Field(default=(), min_length=1, max_length=MOST_ROUTES)

    @model_validator(mode="after")
    def _says_levels_once(self) -> RouteKeys:
        if self.levels and any(matcher.label == "severity" for matcher in self.match):
            raise ValueError("write either levels or a matcher of severity")
        return self


class RouteFile(_Block):
    """``routes.yaml``."""

    operators: str
    hours: dict[HoursName, HoursKeys] = Field(default={}, min_length=1)
    routes: tuple[RouteKeys, ...] = Field(min_length=1, max_length=MOST_ROUTES)
    inhibit: tuple[InhibitKeys, ...] = ()
