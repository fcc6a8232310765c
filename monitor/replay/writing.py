"""A rehearsal written down: a table with one row for each change of an alert, plain data for programs, a picture."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from monitor.alerts.records import Episode, Transition
from monitor.alerts.sentences import Names
from monitor.months import format_month, say_month
from monitor.notify.render import safe_csv
from monitor.replay import tally
from monitor.replay.bars import Counts, draw
from monitor.replay.judging import Edition, Known
from monitor.replay.rehearsal import Rehearsal
from monitor.replay.tally import Alert, Comparison
from monitor.rules.levels import Level
from monitor.series import KEY_FIELDS

MEASURED = ("value", "usual", "ratio", "yoy", "expected", "lower", "upper", "surprise")
COLUMNS = (
    *("month", "release", "figures", "rules", "rule", *KEY_FIELDS, "series_title"),
    *("transition", "level", "previous_level", "told", "alert", "compared", *MEASURED),
)

APPEARS, VANISHES, STAYS, MOVES = "appears", "vanishes", "stays", "stays at another level"

NamesOf = Callable[[str, str], Names]


def as_table(found: Rehearsal, names: NamesOf, other: Rehearsal | None = None, change: Comparison | None = None) -> str:
    """
    Write every change as CSV, one row each; no cell can be a formula.

    With another rehearsal, `compared` says which alerts appear, stay or vanish; the rows of those that vanish come last. It
    is empty for what opened before the span, or never became an alert.
    Figures are in the unit of the series; what is not known, or was not said, is empty.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    words = _compared(change) if change else {}
    writer.writerows(_rows(found, names, words))
    if other is not None and change is not None:
        gone = {alert.id: VANISHES for alert in change.vanish}
        writer.writerows(row for row in _rows(other, names, gone) if row[COLUMNS.index("compared")])
    return safe_csv(out.getvalue())


def _compared(change: Comparison) -> dict[str, str]:
    """Return what a comparison says of each alert of the first set, by its id."""
    said = {APPEARS: change.appear, STAYS: change.stay, MOVES: change.moved}
    return {alert.id: word for word, alerts in said.items() for alert in alerts}


def _rows(found: Rehearsal, names: NamesOf, compared: Mapping[str, str]) -> Iterator[list[str]]:
    asked = set(found.rules)
    for one in found.replays:
        words = names(one.source, one.dataset)
        for edition, episode, transition in one.transitions:
            if episode.rule in asked:
                about = [words.title(episode.key), compared.get(episode.id, "")]
                yield _row(found.choice.name, edition, episode, transition, *about)


def _row(choice: str, edition: Edition, episode: Episode, transition: Transition, title: str, compared: str) -> list[str]:
    measured = [transition.evidence.get(name) for name in MEASURED]
    return [
        format_month(transition.month),
        edition.release,
        edition.known.value,
        choice,
        episode.rule,
        *(str(getattr(episode.key, name)) for name in KEY_FIELDS),
        title,
        transition.change.value,
        transition.level.label,
        transition.previous.label,
        f"no: {transition.quiet}" if transition.quiet else "yes",
        episode.id,
        compared,
        *("" if value is None else repr(value) for value in measured),
    ]


def as_json(found: Rehearsal, other: Rehearsal | None = None, change: Comparison | None = None) -> dict[str, Any]:
    """Return what a program reads: the counts, month by month, and every alert."""
    alerts = tally.alerts_of(found.replays, found.rules)
    written = {
        "rules": found.choice.name,
        "since": format_month(found.span.since),
        "until": format_month(found.span.until),
        "datasets": found.datasets,
        "figures": found.figures,
        "watch_nothing": list(found.blind),
        "alerts": len(alerts),
        "by_rule": [_rule(one) for one in tally.by_rule(found.replays, alerts, found.rules)],
        "by_partner": {partner: _levels(levels) for partner, levels in tally.by_partner(alerts)},
        "by_year": {str(year): _levels(levels) for year, levels in tally.by_year(alerts, found.span).items()},
        "by_month": {format_month(m): _levels(levels) for m, levels in tally.by_month(alerts, found.span).items()},
        "messages": [_message(edition) for one in found.replays for edition in one.editions if edition.pages],
        "every_alert": [_alert(alert) for alert in alerts],
    }
    if other is not None and change is not None:
        written["against"] = {
            "rules": other.choice.name,
            "alerts": len(tally.alerts_of(other.replays, other.rules)),
            "stay": len(change.stay),
            "at_another_level": [_alert(alert) for alert in change.moved],
            "appear": [_alert(alert) for alert in change.appear],
            "vanish": [_alert(alert) for alert in change.vanish],
        }
    return written


def _rule(one: tally.RuleTally) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "judged": one.judged,
        "not_judged": one.missing,
        "alerts": one.alerts,
        "levels": _levels(one.levels),
        "ended": dict(one.ended),
        "median_months": one.median,
        "longest_months": one.longest,
    }


def _levels(levels: Mapping[Level, int]) -> dict[str, int]:
    return {level.label: count for level, count in sorted(Counter(levels).items(), reverse=True)}


def _message(edition: Edition) -> dict[str, Any]:
    pages = [{"receiver": page.receiver, "lines": page.lines} for page in edition.pages]
    return {"release": edition.release, "month": format_month(edition.month), "pages": pages}


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "rule": alert.rule,
        "series": str(alert.key),
        "level": alert.level.label,
        "since": format_month(alert.since),
        "until": format_month(alert.until),
        "ended": alert.ended,
        "months": alert.months,
    }


def as_picture(found: Rehearsal, other: Rehearsal | None = None, form: str = "png") -> bytes:
    """Draw the alerts that opened in each month, by level; those of other rules as a line over them."""
    kinds = {edition.known for one in found.replays for edition in one.editions}
    known = "over today's figures" if Known.TODAY in kinds else "as published"
    span = f"{say_month(found.span.since, short=True)} to {say_month(found.span.until, short=True)}"
    return draw(
        _months(found),
        title="Alerts that opened, by month",
        subtitle=f"{Path(found.choice.name).stem}, {span}, {known}",
        form=form,
        beside=(Path(other.choice.name).stem, _months(other)) if other else None,
    )


def _months(found: Rehearsal) -> Counts:
    return tally.by_month(tally.alerts_of(found.replays, found.rules), found.span)
