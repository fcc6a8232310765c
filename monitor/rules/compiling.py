"""From one rule as written to the rule as used: conditions parsed, names resolved, everything wrong collected."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor.baskets.partners import why_no_partner
from monitor.baskets.records import Basket, Place, is_product
from monitor.errors import Mistake
from monitor.registry import kinds
from monitor.rules.condition import Condition, ConditionError, common_score, dimension_of_unit, parse
from monitor.rules.contradictions import can_hold, outside
from monitor.rules.levels import Level, RuleKind
from monitor.rules.measuring import MEASURES
from monitor.rules.schema import AtLeast, Operations, OperationsModel, Rule, RuleModel
from monitor.rules.summary import faults_of
from monitor.series import WORLD
from monitor.units import Dimension, parse_quantity
from monitor.yamlfile import Document, Loc, did_you_mean, validate

_SHARE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*of\s+total\s*")
_SCHEME = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*:")
_EXAMPLES = {"weight": "20 t", "value": "1 M USD", "quantity": "500 pcs", "duty": "1 M USD"}


@dataclass(frozen=True)
class Names:
    """What a rule may refer to: baskets and groups of partners."""

    baskets: Mapping[str, Basket] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def compile_operations(document: Document) -> tuple[Operations | None, list[Mistake]]:
    """Return the rule on the service that a document states, or its mistakes."""
    found, mistakes = validate(OperationsModel, document)
    if found is None:
        return None, mistakes
    mistakes += _runbook_mistakes(document, found.runbook)
    return Operations(
        name=found.name,
        facts=tuple(dict.fromkeys(found.facts)),
        level=Level[found.level.upper()],
        labels=found.labels,
        runbook=found.runbook,
        place=_place(document),
    ), mistakes


def compile_rule(document: Document, names: Names) -> tuple[Rule | None, list[Mistake]]:
    """Return the rule that a document states, or every mistake in it."""
    written, mistakes = validate(RuleModel, document)
    work = _Compiler(document, names, mistakes)
    levels, clear = work.conditions()
    floors = work.floors()
    work.check_false_discovery(levels)
    work.references()
    if written is None or work.mistakes:
        return None, work.mistakes
    products, summed, each, partners = work.scope(written)
    basket = work.names.baskets.get(written.watch.basket or "") if summed is None else None
    rule = Rule(
        levels=levels,
        clear=clear,
        at_least=floors,
        needed=written.for_[0],
        within=written.for_[1],
        products=products,
        summed=summed,
        basket=basket,
        each_partner=each,
        partners=partners,
        version=_version(written, levels, clear, floors, (products, summed, each, partners), basket),
        unit=next(iter(work.units), ""),
        place=_place(document),
        **{name: getattr(written, name) for name in _AS_WRITTEN},
    )
    return rule, work.mistakes


_AS_WRITTEN = (
    "name", "kind", "direction", "watch", "false_discovery", "min_history", "jan_feb", "model", "labels", "summary", "runbook",
    "renamed_from",
)  # fmt: skip


@dataclass
class _Compiler:
    document: Document
    names: Names
    mistakes: list[Mistake]
    units: dict[str, None] = field(default_factory=dict)

    def wrong(self, loc: Loc, sentence: str, offset: int = 0, *, key: bool = False) -> None:
        self.mistakes.append(self.document.mistake(loc, sentence, offset=offset, key=key))

    def get(self, *loc: str) -> Any:
        found = self.document.data
        for step in loc:
            found = found.get(step) if isinstance(found, dict) else None
        return found

    @property
    def dimension(self) -> Dimension | None:
        measure = self.get("watch", "measure")
        return MEASURES.get(measure) if isinstance(measure, str) else None

    def conditions(self) -> tuple[tuple[tuple[Level, Condition], ...], Condition | None]:
        """Parse every level and `clear`, and refuse what can never hold."""
        written = self.get("when")
        when = written if isinstance(written, dict) else {}
        if isinstance(written, dict) and not any(when.values()):
            self.wrong(
                ("when",), "a condition for at least one level is expected here: info, warning, critical or data", key=True
            )
        if when.get("data") and len([v for v in when.values() if v]) > 1:
            self.wrong(
                ("when", "data"), "a rule that doubts figures has no other level; move data to a rule of its own", key=True
            )
        found = [(level, self.condition(("when", level.label))) for level in sorted(Level, reverse=True) if level]
        levels = tuple((level, condition) for level, condition in found if condition is not None)
        clear = self.condition(("clear",))
        for level, condition in levels:
            if not can_hold(condition.expression):
                self.wrong(("when", level.label), "this condition can never hold, whatever the figures")
        self.check_clear(clear, levels)
        return levels, clear

    def condition(self, loc: Loc) -> Condition | None:
        text, dimension = self.get(*map(str, loc)), self.dimension
        if not isinstance(text, str) or dimension is None:
            return None
        try:
            found = parse(text, measure_dimension=dimension)
        except ConditionError as error:
            for at, sentence in error.faults:
                self.wrong(loc, sentence, at)
            return None
        self.note_units(loc, [unit for unit in found.units if dimension_of_unit(unit) is dimension])
        return found

    def note_units(self, loc: Loc, units: list[str]) -> None:
        """Refuse amounts in two currencies: a series is in one."""
        self.units.update(dict.fromkeys(units))
        if len(self.units) > 1:
            self.wrong(loc, f"the amounts of this rule are in {' and in '.join(self.units)}; a series is in one of them")
            for unit in units:
                self.units.pop(unit)

    def check_clear(self, clear: Condition | None, levels: tuple[tuple[Level, Condition], ...]) -> None:
        if clear is None:
            return
        if self.get("kind") == RuleKind.EVENT:
            self.wrong(("clear",), "an event has no life, so nothing clears it; leave clear out", key=True)
        elif not can_hold(clear.expression):
            self.wrong(("clear",), "this condition can never hold, whatever the figures: the alert could never end")
        elif levels and not can_hold(outside(clear.expression, [condition.expression for _, condition in levels])):
            self.wrong(("clear",), "this condition holds only where a level holds, and a level wins: the alert could never end")

    def check_false_discovery(self, levels: tuple[tuple[Level, Condition], ...]) -> None:
        """Refuse a share of false discoveries where chance is not known."""
        if self.get("false_discovery") is None or common_score([condition for _, condition in levels]):
            return
        unbounded = [level for level, condition in levels if common_score([condition]) is None]
        for level in unbounded:
            self.wrong(
                ("when", level.label),
                "false_discovery needs to know how often it holds by chance: ask for surprise or shift, like abs(surprise) >= 3",
            )
        if levels and not unbounded:
            self.wrong(("false_discovery",), "false_discovery needs one indicator, like surprise, in every level", key=True)

    def floors(self) -> tuple[AtLeast, ...]:
        """Read the sizes of `at_least`."""
        written = self.get("at_least")
        inner = written.get("any") if isinstance(written, dict) else written
        start: Loc = ("at_least", "any") if isinstance(written, dict) else ("at_least",)
        texts = inner if isinstance(inner, list) else [inner]
        found = []
        for i, text in enumerate(texts):
            loc = (*start, i) if isinstance(inner, list) else start
            if isinstance(text, str) and (floor := self.floor(text, loc)) is not None:
                found.append(floor)
        return tuple(found)

    def floor(self, text: str, loc: Loc) -> AtLeast | None:
        if share := _SHARE.fullmatch(text):
            return AtLeast(text=text, share=float(share[1]) / 100)
        try:
            quantity = parse_quantity(text)
        except ValueError as error:
            self.wrong(loc, f"{error}, or 2% of total" if "not a quantity" in str(error) else str(error))
            return None
        measure, dimension = self.get("watch", "measure"), self.dimension
        if dimension is not None and quantity.dimension is not dimension:
            example = f"; write it like {_EXAMPLES[measure]} or 2% of total" if measure in _EXAMPLES else ""
            self.wrong(loc, f"{text} does not fit the measure {measure}{example}")
            return None
        if quantity.amount <= 0:
            self.wrong(loc, f"a size is above 0, found {text}")
            return None
        self.note_units(loc, [quantity.unit])
        return AtLeast(text=text, amount=quantity.amount, unit=quantity.unit)

    def references(self) -> None:
        """Check every name that leads elsewhere: products, baskets, partners, models, templates."""
        self.check_products()
        for key in ("partner", "reporter"):
            for loc, word in self.words("watch", key):
                self.check_partner(loc, word, reporter=key == "reporter")
        model = self.get("model")
        if isinstance(model, str) and model not in kinds("models"):
            self.wrong(("model",), f'unknown model "{model}"{did_you_mean(model, kinds("models"))}')
        summary = self.get("summary")
        for at, sentence in faults_of(summary) if isinstance(summary, str) else []:
            self.wrong(("summary",), sentence, at)
        self.mistakes += _runbook_mistakes(self.document, self.get("runbook"))

    def words(self, *loc: str) -> list[tuple[Loc, str]]:
        """Return the texts under a key that takes one or several, each with its place."""
        found = self.get(*loc)
        if isinstance(found, list):
            return [((*loc, i), word) for i, word in enumerate(found) if isinstance(word, str)]
        return [(loc, found)] if isinstance(found, str) else []

    def check_products(self) -> None:
        basket = self.get("watch", "basket")
        found = self.names.baskets.get(basket) if isinstance(basket, str) else None
        if isinstance(basket, str) and found is None:
            self.wrong(
                ("watch", "basket"),
                f'there is no basket "{basket}" in config/baskets.yaml{did_you_mean(basket, self.names.baskets)}',
            )
        words = self.words("watch", "product")
        for loc, word in words:
            if word in ("each", "total") and len(words) > 1:
                self.wrong(loc, f'"{word}" stands alone, not in a list')
            elif word == "total":
                self.check_total(loc, basket, found)
            elif word != "each" and not is_product(word):
                self.wrong(loc, f'"{word}" has no nomenclature; write it like HS6:850511')
            elif found is not None and word != "each" and word not in found.products:
                self.wrong(loc, f'{word} is not in the basket "{basket}"{did_you_mean(word, found.products)}')

    def check_total(self, loc: Loc, name: Any, basket: Basket | None) -> None:
        if name is None:
            self.wrong(loc, "a total is the sum of a basket; name one under basket")
        elif basket is not None and basket.why_no_total:
            self.wrong(loc, f'the basket "{name}" has no total: {basket.why_no_total}')
        elif self.get("watch", "measure") == "unit_value":
            self.wrong(loc, "prices cannot be summed; watch each code instead")

    def check_partner(self, loc: Loc, word: str, *, reporter: bool) -> None:
        if not reporter and (word in ("each", "total") or word in self.names.groups):
            return
        sentence = why_no_partner(word)
        if sentence and not reporter and re.fullmatch("[a-z-]+", word):
            sentence = (
                f'there is no group "{word}" in config/partners.yaml{did_you_mean(word, [*self.names.groups, "each", "total"])}'
            )
        if sentence:
            self.wrong(loc, sentence)

    def scope(self, written: RuleModel) -> tuple[tuple[str, ...] | None, Basket | None, bool, tuple[str, ...]]:
        """Resolve which products and partners are watched."""
        watch = written.watch
        basket = self.names.baskets[watch.basket] if watch.basket is not None else None
        summed = basket if watch.product == ("total",) else None
        if summed is not None:
            products: tuple[str, ...] | None = (summed.total,)
        elif watch.product == ("each",):
            products = basket.products if basket is not None else None
        else:
            products = tuple(dict.fromkeys(watch.product))
        codes = [code for word in watch.partner if word != "each" for code in self.partners_of(word)]
        return products, summed, "each" in watch.partner, tuple(dict.fromkeys(codes))

    def partners_of(self, word: str) -> tuple[str, ...]:
        return (WORLD,) if word == "total" else self.names.groups.get(word, (word,))


def _runbook_mistakes(document: Document, runbook: Any) -> list[Mistake]:
    scheme = _SCHEME.match(runbook) if isinstance(runbook, str) else None
    if scheme is None or scheme[0].lower() in ("http:", "https:"):
        return []
    return [document.mistake(("runbook",), f'a runbook is a path or an https address, found "{scheme[0]}"')]


def _place(document: Document) -> str:
    at = document.mistake((), "")
    return f"{at.path}:{at.line}"


def _total(summed: Basket | None) -> str | None:
    return repr([code.decides for code in summed.summed]) if summed is not None else None


def _places(basket: Basket | None) -> list[str]:
    """Return which codes of a watched basket are read in some places only, and where."""
    return [repr((code.product, code.place)) for code in (basket.codes if basket else ()) if code.place != Place()]


def _version(
    written: RuleModel,
    levels: tuple[tuple[Level, Condition], ...],
    clear: Condition | None,
    floors: tuple[AtLeast, ...],
    scope: tuple[tuple[str, ...] | None, Basket | None, bool, tuple[str, ...]],
    basket: Basket | None,
) -> str:
    """Hash what decides a verdict, in a form that spelling and the order of keys do not change."""
    products, summed, each, partners = scope
    decides = {
        "watch": written.watch.model_dump(mode="json", exclude={"product", "partner", "basket"}),
        "scope": [products, _total(summed), each, sorted(partners)],
        "when": {level.label: str(condition) for level, condition in levels},
        "clear": str(clear),
        "at_least": sorted(f"{floor.amount!r} {floor.unit} {floor.share!r}" for floor in floors),
        "for": written.for_,
        "kind": written.kind,
        "direction": written.direction,
        **({"places": places} if (places := _places(basket)) else {}),
        **({"false_discovery": written.false_discovery} if written.false_discovery else {}),
        **{name: getattr(written, name) for name in ("min_history", "jan_feb", "model")},
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:12]
