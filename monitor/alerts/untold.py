"""What a page says of the changes that it does not tell: how many, and what holds them back."""

from __future__ import annotations

from collections.abc import Collection

from monitor.alerts.suppressions import Suppression, Why
from monitor.wording import say_count

_MANY = {
    Why.SILENCE: "silenced",
    Why.INHIBITION: "muted by what causes them",
    Why.SNOOZE: "snoozed",
    Why.FEEDBACK: "called expected",
    Why.BUDGET: "over the budget",
}
"""What is said where several hold back for the same kind of reason."""


def untold_words(held: Collection[Suppression]) -> str:
    """Say it in one sentence: ``2 changes not told: 1 silenced by ada until 30 June 2026: known outage; 1 muted by …``."""
    if not held:
        return ""
    return f"{untold_count(held)}: {'; '.join(_counted(why, held) for why in Why if any(one.why is why for one in held))}."


def untold_count(held: Collection[Suppression]) -> str:
    """Say how many: ``2 changes not told``."""
    return f"{say_count(len(held), 'change')} not told"


def _counted(why: Why, held: Collection[Suppression]) -> str:
    mine = [one.by for one in held if one.why is why]
    return f"{len(mine)} {mine[0].rstrip('.') if len(set(mine)) == 1 else _MANY[why]}"
