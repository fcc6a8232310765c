"""Alerts that stay as they are and are said once more, and the words for why."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.alerts.cells import Again
from monitor.alerts.records import Episode, State
from monitor.alerts.reminding import reminders
from monitor.alerts.situation import Desk, Situation
from monitor.alerts.suppressions import Why


def said_again(situation: Situation, desk: Desk) -> list[tuple[Episode, Again]]:
    """
    Return the alerts that fire and are to be said once more, with why; what still holds one back is asked afterwards.

    `Situation.stored` are the alerts as the release leaves them.
    """
    if situation.release.as_history:
        return []
    firing = [episode for episode in situation.stored if episode.path.state is State.FIRING and episode.opened_at is not None]
    held = dict(_after_holding(firing, situation))
    again = [(episode, Again(words=held[episode.id])) for episode in firing if episode.id in held]
    return again + reminders([episode for episode in firing if episode.id not in held], situation, desk)


def _after_holding(firing: list[Episode], situation: Situation) -> Iterator[tuple[str, str]]:
    """Yield what something held back, or holds back from now on: told once nothing does any more."""
    silences = [one for one in situation.silences if one.holds(situation.at, situation.newest)]
    for episode in firing:
        snoozed, labels = situation.handling(episode).is_snoozed(situation.newest, episode.path), episode.fires_as
        if episode.held is not None or snoozed or any(one.fits(labels) for one in silences):
            yield episode.id, no_longer(episode, situation)


def no_longer(episode: Episode, situation: Situation) -> str:
    """Say that what held an alert back does not any more; "" where nothing did."""
    held = episode.held
    if held is None:
        return ""
    silence = next((one for one in situation.silences if held.why is Why.SILENCE and one.id == held.holder), None)
    return f"no longer {held.by}" if silence is None else silence.ended_words(situation.at, situation.newest)
