"""Alerts that stay as they are and are said once more, and the words for why."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.alerts.records import Episode, State
from monitor.alerts.situation import Situation
from monitor.alerts.suppressions import Why


def said_again(situation: Situation) -> dict[str, str]:
    """
    Return the alerts that fire and are to be said once more, by id, with why; what still holds one back is asked afterwards.

    `Situation.stored` are the alerts as the release leaves them.
    """
    if situation.release.as_history:
        return {}
    firing = [episode for episode in situation.stored if episode.path.state is State.FIRING and episode.opened_at is not None]
    return dict(_after_holding(firing, situation))


def _after_holding(firing: list[Episode], situation: Situation) -> Iterator[tuple[str, str]]:
    """Yield what something held back, or a silence covers from now on: told once nothing does any more."""
    silences = [one for one in situation.silences if one.holds(situation.at, situation.newest)]
    for episode in firing:
        if episode.held is not None or any(one.fits(episode.fires_as) for one in silences):
            yield episode.id, no_longer(episode, situation)


def no_longer(episode: Episode, situation: Situation) -> str:
    """Say that what held an alert back does not any more; "" where nothing did."""
    held = episode.held
    if held is None:
        return ""
    silence = next((one for one in situation.silences if held.why is Why.SILENCE and one.id == held.holder), None)
    return f"no longer {held.by}" if silence is None else silence.ended_words(situation.at, situation.newest)
