"""The life of an alert as a table: from where it stands and what a month says to where it goes and what is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from monitor.alerts.records import Change


class Stand(StrEnum):
    """Where an alert stands before a month is read."""

    IDLE = "idle"
    PENDING = "pending"
    FIRING = "firing"
    EASING = "easing"


class Before(StrEnum):
    """What a month says while nothing is open."""

    QUIET = "no level holds"
    HOLDS = "a level holds, not yet for long enough or too small to open"
    OPENS = "a level holds for long enough and the figure is large enough"
    UNKNOWN = "not judged"
    UNKNOWN_AGAIN = "not judged, twice in a row"


class During(StrEnum):
    """What a month says to an open alert."""

    WORSE = "a higher level holds"
    SAME = "the same level holds, or a lower one that may be higher"
    LESS = "only a lower level holds"
    BETWEEN = "no level holds, and it is not clear"
    AWAY = "clear, but the figure is not back and it has not been clear for long"
    BACK = "clear, and the figure is back"
    SETTLED = "clear for five judged months, and the figure is not back"
    UNKNOWN = "not judged"
    UNKNOWN_LONG = "not judged for the third month"


@dataclass(frozen=True)
class Row:
    """One row of the table: where it goes, what is recorded, and why."""

    then: Stand
    change: Change | None
    reason: str


TABLE: dict[tuple[Stand, Before | During], Row] = {
    (Stand.IDLE, Before.QUIET): Row(Stand.IDLE, None, "nothing to say"),
    (Stand.IDLE, Before.HOLDS): Row(Stand.PENDING, None, "waiting for more months, or for a larger figure"),
    (Stand.IDLE, Before.OPENS): Row(Stand.FIRING, Change.OPENED, "a new alert is always said"),
    (Stand.IDLE, Before.UNKNOWN): Row(Stand.IDLE, None, "unknown never fires"),
    (Stand.IDLE, Before.UNKNOWN_AGAIN): Row(Stand.IDLE, None, "unknown never fires"),
    (Stand.PENDING, Before.QUIET): Row(Stand.IDLE, Change.LAPSED, "the run ended before it was long enough"),
    (Stand.PENDING, Before.HOLDS): Row(Stand.PENDING, None, "still waiting"),
    (Stand.PENDING, Before.OPENS): Row(Stand.FIRING, Change.OPENED, "a new alert is always said"),
    (Stand.PENDING, Before.UNKNOWN): Row(Stand.PENDING, None, "one unknown month neither counts nor resets"),
    (Stand.PENDING, Before.UNKNOWN_AGAIN): Row(Stand.IDLE, Change.LAPSED, "two unknown months end a pending run"),
    (Stand.FIRING, During.WORSE): Row(Stand.FIRING, Change.WORSENED, "a higher level is always said"),
    (Stand.FIRING, During.SAME): Row(Stand.FIRING, None, "a month that stays is a note in the evidence"),
    (Stand.FIRING, During.LESS): Row(Stand.FIRING, Change.EASED, "a lower level is said"),
    (Stand.FIRING, During.BETWEEN): Row(Stand.EASING, Change.EASING, "between level and clear: said in its first month"),
    (Stand.FIRING, During.AWAY): Row(Stand.FIRING, None, "the model got used to it, people have not: it stays open"),
    (Stand.FIRING, During.BACK): Row(Stand.IDLE, Change.RECOVERED, "clear holds and the figure is back"),
    (Stand.FIRING, During.SETTLED): Row(Stand.IDLE, Change.NEW_NORMAL, "no longer unexpected"),
    (Stand.FIRING, During.UNKNOWN): Row(Stand.FIRING, None, "unknown never clears"),
    (Stand.FIRING, During.UNKNOWN_LONG): Row(Stand.FIRING, Change.NOT_JUDGED, "an open alert says that it is blind"),
    (Stand.EASING, During.WORSE): Row(Stand.FIRING, Change.WORSENED, "a higher level is always said"),
    (Stand.EASING, During.SAME): Row(Stand.FIRING, None, "back at the level that was said last"),
    (Stand.EASING, During.LESS): Row(Stand.FIRING, Change.EASED, "a lower level is said"),
    (Stand.EASING, During.BETWEEN): Row(Stand.EASING, None, "easing was said in its first month"),
    (Stand.EASING, During.AWAY): Row(Stand.EASING, None, "the model got used to it, people have not: it stays open"),
    (Stand.EASING, During.BACK): Row(Stand.IDLE, Change.RECOVERED, "clear holds and the figure is back"),
    (Stand.EASING, During.SETTLED): Row(Stand.IDLE, Change.NEW_NORMAL, "no longer unexpected"),
    (Stand.EASING, During.UNKNOWN): Row(Stand.EASING, None, "unknown never clears"),
    (Stand.EASING, During.UNKNOWN_LONG): Row(Stand.EASING, Change.NOT_JUDGED, "an open alert says that it is blind"),
}
