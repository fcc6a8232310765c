"""What a rule is: the keys that a file may hold, and the frozen rule that everything else reads."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from monitor.baskets.records import Basket
from monitor.detection.indicators import INDICATORS
from monitor.rules.condition import Condition, common_score
from monitor.rules.expression import Bounds, Call
from monitor.rules.levels import Direction, Level, RuleKind
from monitor.series import Basis
from monitor.units import Dimension

_SLUG = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
_LABEL = r"^[a-z_][a-z0-9_]*$"


def _listed(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        raise ValueError("write one name or a list of names")
    return value


def _slug(value: str) -> str:
    if not re.fullmatch(_SLUG, value):
        raise ValueError(f'"{value}" is not a name: lower-case letters, digits and hyphens are')
    return value


def _label(value: str) -> str:
    if not re.fullmatch(_LABEL, value):
        raise ValueError(f'"{value}" is not the name of a label: lower-case letters, digits and underscores are')
    return value


def _needed(value: Any) -> Any:
    """Read ``3`` as three of the newest three, ``2 of 3`` as two of the newest three."""
    words = value.split() if isinstance(value, str) else []
    if isinstance(value, int) and not isinstance(value, bool):
        pair = (value, value)
    elif len(words) == 3 and words[1] == "of" and words[0].isdigit() and words[2].isdigit():
        pair = (int(words[0]), int(words[2]))
    else:
        raise ValueError(f'for is a number of months or "2 of 3", found "{value}"')
    if pair[0] > pair[1]:
        raise ValueError(f"for asks for {pair[0]} of the newest {pair[1]} months; the first number may not be the larger one")
    if not 1 <= pair[0] <= pair[1] <= 24:
        raise ValueError(f"for must be at least 1 month and at most 24, found {value}")
    return pair


def _rate(value: Any) -> Any:
    """Read ``5%`` as 0.05."""
    if value is None:
        return None
    written = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", value, re.ASCII) if isinstance(value, str) else None
    if written is None or not 0.1 <= float(written[1]) <= 50:
        raise ValueError(f"false_discovery is a percentage from 0.1% to 50%, like 5%; found {value}")
    return float(written[1]) / 100


def _alternatives(value: Any) -> Any:
    if value is None:
        return ()
    if isinstance(value, dict) and set(value) == {"any"}:
        value = value["any"]
    if not isinstance(value, str | list):
        raise ValueError("write a quantity like 20 t, or any: with a list of them; also 2% of total")
    return _listed(value)


_ONE_OR_MORE = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
_ANY = {"type": "object", "properties": {"any": _ONE_OR_MORE}, "required": ["any"], "additionalProperties": False}
_RATE = {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? *%$"}
_FOR = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 24}, {"type": "string", "pattern": "^[0-9]+ of [0-9]+$"}]}

Words = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1), WithJsonSchema(_ONE_OR_MORE)]
Slug = Annotated[str, AfterValidator(_slug), WithJsonSchema({"type": "string", "pattern": _SLUG})]
LabelName = Annotated[str, AfterValidator(_label), WithJsonSchema({"type": "string", "pattern": _LABEL})]


class Strict(BaseModel):
    """Keys that are not known are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Watch(Strict):
    """Which series a rule looks at. A key that is left out admits every value."""

    source: str | None = Field(None, description="The source's name, as in config/sources.yaml.")
    dataset: str | None = Field(None, description="The dataset of the source, like imports/naics.")
    product: Words = Field(("each",), description="each, total (of the basket), a code like HS6:850511, or a list of codes.")
    basket: str | None = Field(None, description="A basket of config/baskets.yaml; each of its codes unless product is total.")
    reporter: Words | None = Field(None, description="Whose figures: an ISO code, or several.")
    partner: Words = Field(
        ("each",),
        description="each (countries), total (the published world), ISO codes, groups of config/partners.yaml, or a list.",
    )
    flow: Literal["export", "import"] | None = Field(None, description="export or import.")
    measure: Literal["weight", "value", "quantity", "duty", "unit_value"] = Field(description="What is measured.")
    basis: Basis | None = Field(None, description="reported (the reporter's own account) or mirror (its partner's).")


class When(Strict):
    """A condition for each level."""

    info: str | None = Field(None, description="Worth knowing.")
    warning: str | None = Field(None, description="Worth a look.")
    critical: str | None = Field(None, description="Act on it.")
    data: str | None = Field(None, description="A doubt about the figure itself; told to operators.")


class RuleModel(Strict):
    """A rule on figures."""

    name: Slug = Field(description="A name of its own: lower-case letters, digits and hyphens.")
    kind: RuleKind = Field(RuleKind.STATE, description="state opens and ends; event is said once for its month.")
    direction: Direction = Field(description="drop, rise or either: picks the words.")
    watch: Watch = Field(description="Which series the rule looks at.")
    when: When = Field(description="A condition for each level.")
    clear: str | None = Field(None, description="The condition that ends an alert; without it, that no level holds.")
    at_least: Annotated[
        tuple[str, ...], BeforeValidator(_alternatives), WithJsonSchema({"anyOf": [{"type": "string"}, _ANY]})
    ] = Field((), description="How large a figure must be to open an alert: 20 t, 1 M USD, 2% of total, or any: a list.")
    for_: Annotated[tuple[int, int], BeforeValidator(_needed), WithJsonSchema(_FOR)] = Field(
        (1, 1), alias="for", description="For how many judged months: 2, or 2 of 3."
    )
    false_discovery: Annotated[float | None, BeforeValidator(_rate), WithJsonSchema(_RATE)] = Field(
        None, description="Which part of what opens in one release may be chance: 5%, from 0.1% to 50%."
    )
    min_history: int = Field(0, ge=0, le=240, description="Months that must be held before the judged one.")
    jan_feb: Literal["combined", "separate"] = Field("separate", description="combined judges January and February as one.")
    model: str = Field("bank", description="The model behind expected and surprise: bank, structural or stl.")
    labels: dict[LabelName, str] = Field({}, description="Words that routes choose by.")
    summary: Annotated[str, Field(max_length=500)] = Field(
        "", description="A sentence added to each alert; {partner}, {month}… are replaced."
    )
    runbook: Annotated[str, Field(max_length=500)] = Field("", description="What to do: a path or an https address.")
    renamed_from: Annotated[tuple[Slug, ...], BeforeValidator(_listed), WithJsonSchema(_ONE_OR_MORE)] = Field(
        (), description="Former names; their alerts are kept."
    )


class Fact(StrEnum):
    """What operators are told about the service itself."""

    SOURCE_FAILED = "source_failed"
    CREDENTIALS_MISSING = "credentials_missing"
    QUOTA_USED_UP = "quota_used_up"
    FORMAT_CHANGED = "format_changed"
    RELEASE_LATE = "release_late"
    RELEASE_HELD = "release_held"
    CODE_ENDED = "code_ended"
    SUMS_DIFFER = "sums_differ"
    TASK = "task"
    TASK_OVERDUE = "task_overdue"
    DELIVERY_DIED = "delivery_died"
    TEMPLATE_BROKEN = "template_broken"
    MAIL_BOUNCED = "mail_bounced"
    NOBODY_LEFT = "nobody_left"


class OperationsModel(Strict):
    """A rule on the service itself: said once when it begins, and once when it is over."""

    name: Slug = Field(description="A name of its own: lower-case letters, digits and hyphens.")
    kind: Literal["operations"]
    facts: tuple[Fact, ...] = Field(min_length=1, description="Which facts are told.")
    level: Literal["info", "warning", "critical"] = Field("warning", description="How grave.")
    labels: dict[LabelName, str] = Field({}, description="Words that routes choose by.")
    runbook: Annotated[str, Field(max_length=500)] = Field("", description="What to do: a path or an https address.")


@dataclass(frozen=True, kw_only=True)
class AtLeast:
    """A size that opens an alert: an `amount` in `unit` (a base unit), or a `share` of the published total."""

    text: str
    amount: float = math.nan
    unit: str = ""
    share: float | None = None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """
    A rule, checked and compiled.

    Parameters
    ----------
    levels : tuple of (Level, Condition)
        Highest first.
    clear : Condition or None
        None means "all levels known false".
    at_least : tuple of AtLeast
        Alternatives; empty where any size will do.
    needed, within : int
        ``for: 2 of 3`` is needed 2 within 3.
    false_discovery : float or None
        Which part of the cells that open in one month may be chance; None opens whatever reaches a level.
    products : tuple of str or None
        Product codes watched; None is each product that is no aggregate.
    summed : Basket or None
        The basket whose total is watched.
    basket : Basket or None
        The basket that `products` are codes of; it says where each is read.
    each_partner : bool
        Every country is watched, beside `partners`.
    partners : tuple of str
        Partner codes watched, groups of partners written out.
    version : str
        Hash of all that decides a verdict, the data rules of the same set included; not of words and labels.
    unit : str
        The unit of the amounts that the rule names for the watched figure; "" where it names none.
    place : str
        ``rules/x.yaml:4``.
    """

    name: str
    kind: RuleKind
    direction: Direction
    watch: Watch
    levels: tuple[tuple[Level, Condition], ...]
    clear: Condition | None
    at_least: tuple[AtLeast, ...] = ()
    needed: int = 1
    within: int = 1
    false_discovery: float | None = None
    min_history: int = 0
    jan_feb: str = "separate"
    model: str = "bank"
    products: tuple[str, ...] | None = None
    summed: Basket | None = None
    basket: Basket | None = None
    each_partner: bool = True
    partners: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    summary: str = ""
    runbook: str = ""
    renamed_from: tuple[str, ...] = ()
    version: str = ""
    unit: str = ""
    place: str = ""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions of all levels, and `clear`."""
        return (*(condition for _, condition in self.levels), *((self.clear,) if self.clear else ()))

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every indicator that the rule reads, each once."""
        return tuple(dict.fromkeys(call for condition in self.conditions for call in condition.calls))

    @property
    def reads_first(self) -> bool:
        """True where the figures as first released are read."""
        return any(INDICATORS[call.indicator].vintages for call in self.calls)

    @property
    def is_data(self) -> bool:
        """True where the rule doubts figures instead of judging trade."""
        return self.levels[0][0] is Level.DATA

    @property
    def clears_by_score(self) -> bool:
        """True where an alert ends by recovering or by a new normal only: the model gets used to a level, people do not."""
        calls = self.clear.calls if self.clear else ()
        return any(INDICATORS[call.indicator].dimension is Dimension.SCORE for call in calls)

    @property
    def score(self) -> Call | None:
        """The calibrated indicator that every level asks to be extreme, like surprise; None where there is none."""
        return common_score([condition for _, condition in self.levels])

    @property
    def tails(self) -> Bounds | None:
        """(low, high): a level holds only where the score is at most low or at least high; None without a score."""
        score = self.score
        found = [condition.bounds(score) for _, condition in self.levels] if score else []
        known = [pair for pair in found if pair is not None]
        return (max(low for low, _ in known), min(high for _, high in known)) if known else None

    @property
    def by_chance(self) -> float | None:
        """
        The share of judged cells that would reach a level by chance if the model were exact; None where it is not known.

        It is an upper bound: a score is a standard normal value under the model, and further terms of a condition can only
        make it rarer.
        """
        if self.tails is None:
            return None
        low, high = self.tails
        return min(1.0, (math.erfc(-low / math.sqrt(2)) + math.erfc(high / math.sqrt(2))) / 2)


@dataclass(frozen=True, kw_only=True)
class Operations:
    """A rule on the service itself."""

    name: str
    facts: tuple[Fact, ...]
    level: Level
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    runbook: str = ""
    place: str = ""
