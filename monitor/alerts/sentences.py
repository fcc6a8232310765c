"""
What is said of one cell: figure first, then the comparison with its base, then how unusual, then since when.

No adjectives, no alarm words: a buyer reads it in two minutes on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from monitor.alerts.facts import Facts
from monitor.alerts.records import Change, Path
from monitor.countries import PartnerKind, name_of, partner_kind, with_article
from monitor.months import Month, say_month
from monitor.rules.levels import Level
from monitor.series import Basis, Revision, SeriesKey, Status
from monitor.wording import capital, join_words, say_amount, say_count, say_derived, say_growth, say_ordinal, say_percent

_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

USUAL_BASE = (0.7, 1.4)
MIRROR_CAVEAT = (
    "Mirror figures are by country of origin, also of goods that came through a third country, and of the month of arrival; "
    "values may hold freight and insurance (CIF), so weights compare better."
)
"""What must be known of a partner's figures beside the reporter's own."""

_MEASURES = {"weight": "", "value": "", "quantity": "", "duty": "duty on ", "unit_value": "unit value of "}


@dataclass(frozen=True)
class Names:
    """
    Short words for product codes; a code without one is said as the code.

    `notes` are sentences that a reader must know of a product, `units` those in which its amounts are shown.
    """

    products: Mapping[str, str]
    notes: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    def notes_of(self, keys: Iterable[SeriesKey]) -> tuple[str, ...]:
        """Return what must be known of the products of some series, each once."""
        found = (self.notes.get(product, "") for product in dict.fromkeys(key.product for key in keys))
        return tuple(note for note in found if note)

    def product(self, code: str) -> str:
        """Return the short words for a product, else its code as ``HS4 1201``."""
        return " ".join(self.products.get(code, "").split()) or code.replace(":", " ", 1)

    def title(self, key: SeriesKey) -> str:
        """Name a series: ``Magnets, China to United States``."""
        reporter, partner = name_of(key.reporter), name_of(key.partner)
        way = f"{reporter} to {partner}" if key.flow == "export" else f"{reporter} from {partner}"
        measure, words = _MEASURES.get(key.measure, f"{key.measure} of "), self.product(key.product)
        words = measure + (words[:1].lower() + words[1:] if measure and words[1:2].islower() else words)
        return f"{capital(words)}, {way}{as_told(key)}"


def as_told(key: SeriesKey) -> str:
    """Say whose figures a mirrored flow is told by: ``, as the United States reports its imports``; "" for the reporter's own."""
    if key.basis == Basis.REPORTED:
        return ""
    return f", as {with_article(key.partner)} reports its {_seen_as(key)}"


def as_told_together(key: SeriesKey) -> str:
    """Say of a mirrored flow to many partners that each tells its own part; "" for the reporter's own figures."""
    return "" if key.basis == Basis.REPORTED else f", as its partners report their {_seen_as(key)}"


def _seen_as(key: SeriesKey) -> str:
    return "imports" if key.flow == "export" else "exports"


def say_small(count: int) -> str:
    """Write small counts as words."""
    return _SMALL[count] if 0 <= count < len(_SMALL) else str(count)


def figure(facts: Facts) -> str:
    """Say the figure and its month: ``46 t in May 2025``."""
    month = f"January and {say_month(facts.month)}" if facts.pair else say_month(facts.month)
    if facts.ungiven:
        return f"{facts.status.sentence} since {say_month(facts.month - facts.ungiven + 1)}"
    if not facts.status.is_number:
        return f"{facts.status.sentence} for {month}"
    doubt = "" if facts.status is Status.VALUE else f" ({facts.status.sentence})"
    return f"{facts.amount(facts.value)}{doubt} in {month}"


def _above(change: float, base: str) -> str:
    if math.isinf(change):
        return f"from none {base}"
    if round(change, 3) == 0:
        return f"as much as {base}"
    return f"{say_percent(abs(change))} {'above' if change > 0 else 'below'} {base}"


def against_last_year(facts: Facts) -> str:
    """Say the y/y with its base: ``93.3% below a year earlier (689 t)``; "" where it is not known."""
    if math.isnan(facts.yoy):
        return ""
    return f"{_above(facts.yoy, 'a year earlier')} ({facts.amount(facts.base)})"


def against_usual(facts: Facts) -> str:
    """Say the ratio with its base: ``7% of its usual 628 t (median of 5 of 24 months held)``."""
    if math.isnan(facts.ratio):
        return ""
    twice = "twice the " if facts.pair else ""
    held = "median of 24 months" if facts.usual_months >= 24 else f"median of {facts.usual_months} of 24 months held"
    return f"{say_percent(facts.ratio, 0)} of its usual {facts.amount(facts.usual)} ({twice}{held})"


def against_last_month(facts: Facts) -> str:
    """Say the m/m with its base: ``56.2% above September (420 t)``."""
    if math.isnan(facts.mom):
        return ""
    name = say_month(facts.month - 1).split()[0]
    return f"{_above(facts.mom, f'in {name}' if math.isinf(facts.mom) else name)} ({facts.amount(facts.previous)})"


def first_in(facts: Facts) -> str:
    """Say a first rise or fall: ``the first y/y rise in three months``; "" where this is none."""
    for months, word in ((facts.first_rise_in, "rise"), (facts.first_fall_in, "fall")):
        if months >= 2:
            return f"the first y/y {word} in {say_small(int(months))} months"
    return ""


def comparison(facts: Facts, *, month_before: bool = False, usual: bool = True) -> str:
    """Say what the figure compares with, in one sentence; "" where there is nothing to compare with."""
    parts = [against_last_year(facts), against_usual(facts) if usual else "", against_last_month(facts) if month_before else ""]
    said = join_words([part for part in parts if part])
    if not said:
        return ""
    first = first_in(facts)
    return f"{said}: {first}." if first else f"{said}."


def record(facts: Facts) -> str:
    """Say an extreme: ``Lowest of the 8 months held, May 2019 to May 2025.``"""
    for span, word in ((facts.low, "Lowest"), (facts.high, "Highest")):
        if span is None or span.months_held < 3:
            continue
        if span.whole_history:
            first, last = say_month(span.first_month), say_month(facts.month)
            return f"{word} of the {span.months_held} months held, {first} to {last}."
        if span.months_held >= 6:
            return f"{word} since {say_month(span.first_month - 1)}."
    return ""


def model(facts: Facts) -> str:
    """Say what the seasonal model expected, or why it cannot: ``Expected 380 t to 720 t (99%).``"""
    if not math.isnan(facts.lower):
        part = f" in {say_month(facts.month).split()[0]} alone" if facts.pair else ""
        range_ = f"{facts.amount(facts.lower)} to {facts.amount(facts.upper)}{part} (99%)"
        if facts.probability_of_zero >= 0.5:
            return f"Expected nothing ({say_percent(facts.probability_of_zero, 0)}), else {range_}."
        return f"Expected {range_}{or_nothing(facts)}."
    name, _, why = facts.why_model.partition(": ")
    if not why or not facts.status.is_number:
        return ""
    return f"{capital(name)}: {'not yet' if why[0].isdigit() else 'no expectation'} ({why})."


def or_nothing(facts: Facts) -> str:
    """Say how often a zero was to be expected, where one would lie inside the 99%: ``, or nothing (30%)``."""
    return f", or nothing ({say_percent(facts.probability_of_zero, 0)})" if facts.probability_of_zero >= 0.005 else ""


def rank(facts: Facts) -> str:
    """Say the rank with its coverage: ``2nd of the 4 countries held (47% of the total), after Germany (1,118 t).``"""
    if math.isnan(facts.rank) or facts.ranked < 2:
        return ""
    covered = "" if math.isnan(facts.ranked_share) else f" ({say_percent(facts.ranked_share, 0)} of the total)"
    place = "First" if facts.rank == 1 else say_ordinal(int(facts.rank))
    after = "" if facts.rank == 1 else f", after {facts.leader} ({facts.amount(facts.leader_value)})"
    return f"{place} of the {facts.ranked} countries held{covered}{after}."


def doubts(facts: Facts) -> list[str]:
    """Say what weakens the comparison: an unusual base month, a derived base, a y/y that cannot be made."""
    said = [words] if (words := unusual_base(facts)) else []
    if facts.base_derived and not math.isnan(facts.yoy):
        said.append(f"The figure a year earlier is {say_derived(facts.base_to_date)}.")
    if facts.derived:
        said.append(f"The figure is {say_derived(facts.to_date)}.")
    if facts.why_yoy and facts.status.is_number:
        said.append(no_growth(facts))
    if facts.alone:
        said.append(f"January is judged alone: February {(facts.month + 1) // 12} is not held.")
    return said


def no_growth(facts: Facts) -> str:
    """Say why there is no y/y: ``No y/y: May 2024 is not held.``; "" where there is one."""
    why = facts.why_yoy
    return "" if not why else f"No {why}." if why.startswith("y/y: ") else f"{capital(why)}."


def unusual_base(facts: Facts) -> str:
    """Say how unusual the month of last year was itself; "" where it was usual, or is not known."""
    low, high = USUAL_BASE
    if math.isnan(facts.yoy) or math.isnan(facts.base_ratio) or low <= facts.base_ratio <= high:
        return ""
    two = "" if math.isnan(facts.two_years) else f"; against two years earlier {say_growth(facts.two_years)}"
    return f"A year earlier was itself {say_percent(facts.base_ratio, 0)} of its usual{two}."


def still_given(facts: Facts) -> str:
    """Say that a total is given of which a part is withheld: ``The total is still given: 5,000 t.``; "" where none is."""
    if not facts.ungiven or not is_country(facts.key) or math.isnan(facts.total):
        return ""
    return f"The total is still given: {facts.amount(facts.total)}."


def is_country(key: SeriesKey) -> bool:
    """True where the partner is a country, so that a rank or a share can be said."""
    return partner_kind(key.partner) is PartnerKind.COUNTRY


def span_words(first: Month, last: Month) -> str:
    """Name the months of a short span: ``2 months, May and June``; a longer one by its ends."""
    count = last - first + 1
    if count <= 3:
        return f"{say_count(count, 'month')}, {join_words([say_month(m).split()[0] for m in range(first, last + 1)])}"
    return f"{say_count(count, 'month')}, {say_month(first)} to {say_month(last)}"


def outcome(
    change: Change, level: Level, previous: Level, path: Path, facts: Facts, *, of_size: bool = True, of_giving: bool = False
) -> str:
    """
    Say what changed since the last message: ``New, critical``, ``Recovered (104% of its usual; below for 2 months…)``.

    `of_size` says that the rule looks at the figure itself, not at a share or a concentration; `of_giving` that it looks at
    whether the source gives it.
    """
    if change in (Change.OPENED, Change.EVENT):
        return f"New, {level.label}"
    if change is Change.OPENED_BY_REVISION:
        end = "" if path.state.is_open or path.until == path.since else f", over since {say_month(path.until)}"
        return f"New by revision, {path.peak.label}{end}"
    if change is Change.WORSENED:
        return f"Worse: {level.label}, was {previous.label}"
    if change is Change.EASED:
        return f"Eased to {level.label}, was {previous.label}"
    if change is Change.EASING:
        return f"Easing: no level holds, not yet clear, {level.label} since {say_month(path.since)}"
    if change is Change.RECOVERED:
        return f"Given again (not given for {_past(path)})" if of_giving else _recovered(path, facts, of_size)
    if change is Change.NEW_NORMAL:
        side = _away(facts, path)
        return f"New normal: no longer unexpected{side}"
    if change is Change.NOT_JUDGED:
        return f"Open since {say_month(path.since)}, {level.label}, and not judged for three months"
    return change.value.capitalize()


def _recovered(path: Path, facts: Facts, of_size: bool) -> str:
    side = path.steps[-1].side if path.steps and of_size else 0
    word = "below" if side < 0 else "above" if side > 0 else "open"
    ratio = "" if math.isnan(facts.ratio) or not of_size else f"{say_percent(facts.ratio, 0)} of its usual; "
    return f"Recovered ({ratio}{word} for {_past(path)})"


def _past(path: Path) -> str:
    """Name the months of an episode that is over."""
    return span_words(path.since, max(path.since, path.until - 1))


def _away(facts: Facts, path: Path) -> str:
    if math.isnan(facts.ratio):
        return ""
    word = "below" if facts.ratio < 1 else "above"
    return f"; still {say_percent(abs(facts.ratio - 1), 0)} {word} its usual, open since {say_month(path.since)}"


def revised_words(revisions: Sequence[Revision], unit: str, shown: str = "") -> str:
    """Say what was revised, in the unit shown: ``46 t was revised to 412 t in May 2025``."""
    say = partial(say_amount, unit=unit, shown=shown)
    said = [f"{say(r.old)} was revised to {say(r.new)} in {say_month(r.period)}" for r in revisions[:3]]
    more = len(revisions) - 3
    return join_words(said) + (f" and {say_count(more, 'more month')}" if more > 0 else "")


def corrected(old: Path, new: Path, revisions: Sequence[Revision], unit: str, shown: str = "") -> str:
    """Say a correction: ``Corrected: 46 t was revised to 412 t in May 2025; it was a warning, not critical``."""
    why = revised_words(revisions, unit, shown) or "the history changed"
    if old.since != new.since:
        result = f"it opened in {say_month(new.since)} as {_a(new.peak)}, not in {say_month(old.since)} as {_a(old.peak)}"
        result = result if old.peak != new.peak else f"it opened in {say_month(new.since)}, not {say_month(old.since)}"
    elif old.peak != new.peak:
        month = _reached(max(old, new, key=lambda path: path.peak))
        result = f"{say_month(month)} was {_a(_level_in(new, month))}, not {_level_in(old, month).label}"
    else:
        result = f"it is {new.state.value}, not {old.state.value}" if old.state is not new.state else "its path changed"
    return f"Corrected: {why}; {result}"


def withdrawn(old: Path, revisions: Sequence[Revision], unit: str, shown: str = "") -> str:
    """Say a withdrawal with both figures: ``Withdrawn: 46 t was revised to 640 t in May 2025``."""
    why = revised_words(revisions, unit, shown) or "the history changed"
    return f"Withdrawn: {why}; there was no alert in {say_month(old.since)}"


def _reached(path: Path) -> Month:
    """Return the month in which an episode reached its peak."""
    return next((step.month for step in path.steps if step.level == path.peak), path.since)


def _level_in(path: Path, month: Month) -> Level:
    """Return the level at which an episode stood in a month."""
    return next((step.level for step in reversed(path.steps) if step.month <= month), path.level)


def _a(level: Level) -> str:
    return f"{'an' if level is Level.INFO else 'a'} {level.label}" if level is not Level.CRITICAL else "critical"
