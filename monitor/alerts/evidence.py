"""The evidence of a change: the figures, the condition's values and the revisions that it rested on, as plain JSON."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitor.alerts.cells import Item
from monitor.alerts.records import Change, Episode, Path, Transition
from monitor.alerts.revisions import Changed
from monitor.alerts.situation import NAMESPACE, Desk, Situation
from monitor.alerts.states import said_of
from monitor.detection import gap
from monitor.judge import Verdicts
from monitor.months import Month, format_month
from monitor.rules.levels import Level
from monitor.series import Revision


@dataclass(frozen=True, eq=False, kw_only=True)
class Found:
    """
    One change, with the verdicts it came from and its row in them.

    `revisions` are the revised figures of its series, first the month of the change; `quiet` says why nobody is told.
    """

    changed: Changed
    verdicts: Verdicts
    row: int
    revisions: tuple[Revision, ...] = ()
    quiet: str = ""


def transition_id(episode: Episode, change: Change, month: Month, situation: Situation, desk: Desk) -> str:
    """Return the id of a transition: a UUIDv5 of what changed and by which evaluation."""
    cause = f"{episode.id}|{change}|{month}|{situation.release.id}|{desk.version}"
    return str(uuid.uuid5(NAMESPACE, cause))


def transition(found: Found, item: Item | None, situation: Situation, desk: Desk) -> Transition:
    """Return the record of a change; `item` is what is said of it, None where nothing is."""
    changed, step = found.changed, found.changed.step
    return Transition(
        id=transition_id(changed.episode, step.change, step.month, situation, desk),
        episode=changed.episode.id,
        change=step.change,
        month=step.month,
        level=step.level,
        previous=Level(changed.previous),
        release=situation.release.id,
        recorded_at=situation.at,
        evidence=evidence(found, item) | {"release": situation.release.id},
        quiet=found.quiet,
    )


def retirement(episode: Episode, situation: Situation, desk: Desk) -> Transition:
    """Return the record of an alert that ends because its rule, or its series, is gone."""
    month = situation.panel.last
    return Transition(
        id=transition_id(episode, Change.RETIRED, month, situation, desk),
        episode=episode.id,
        change=Change.RETIRED,
        month=month,
        level=episode.path.level,
        previous=episode.path.level,
        release=situation.release.id,
        recorded_at=situation.at,
        evidence={"why": "the rule, or the series that it watched, is gone"},
        quiet="retired",
    )


def evidence(found: Found, item: Item | None) -> dict[str, Any]:
    """Return what a change rested on, without what is not known."""
    changed, verdicts = found.changed, found.verdicts
    column = changed.step.month - verdicts.panel.start
    said: dict[str, Any] = item.facts.evidence() if item else {"month": format_month(changed.step.month)}
    if item:
        said |= {"words": item.outcome, "told": said_of(item)}
    if 0 <= column < verdicts.panel.shape[1]:
        said["condition"] = _condition_values(verdicts, found.row, column)
    if changed.old is not None and found.revisions:
        said["revisions"] = [
            {"period": format_month(r.period), "old": _plain(r.old), "new": _plain(r.new)} for r in found.revisions
        ]
    if changed.step.change in (Change.CORRECTED, Change.WITHDRAWN, Change.RULE_CHANGED) and changed.old:
        said["old_path"] = _steps(changed.old)
        said["new_path"] = _steps(changed.episode.path)
    return said | {"rule_version": verdicts.rule.version}


def _condition_values(verdicts: Verdicts, row: int, column: int) -> dict[str, float | None]:
    calls = {call for _, condition in verdicts.rule.levels for call in condition.calls}
    found = {str(call): _plain(float(verdicts.reader.read(call)[row, column])) for call in sorted(calls, key=str)}
    if any(call.indicator == "mirror_gap" and "lag" not in dict(call.arguments) for call in calls):
        found["lag"] = _plain(float(gap.lags(verdicts.panel.select([row]))[0, column]))
    return found


def _plain(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None


def _steps(path: Path) -> list[str]:
    return [f"{format_month(step.month)} {step.change.value} {step.level.label}" for step in path.steps]
