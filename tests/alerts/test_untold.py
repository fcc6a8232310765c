"""The foot of a page: how many changes are not told, and what holds them back."""

from __future__ import annotations

import pytest

from monitor.alerts.suppressions import Suppression, Why
from monitor.alerts.untold import untold_words

ADA = "silenced by ada until 30 June 2026: known outage"


def _held(why: Why, *by: str) -> list[Suppression]:
    return [Suppression(episode="e", why=why, by=one) for one in by]


def test_nothing_held_back_is_no_sentence() -> None:
    assert untold_words([]) == ""


def test_one_reason_is_said_whole() -> None:
    assert untold_words(_held(Why.SILENCE, ADA, ADA)) == f"2 changes not told: 2 {ADA}."


def test_several_kinds_stand_side_by_side() -> None:
    held = [*_held(Why.SILENCE, ADA), *_held(Why.INHIBITION, "muted by critical fall, alert ed4e9315")]
    assert untold_words(held) == f"2 changes not told: 1 {ADA}; 1 muted by critical fall, alert ed4e9315."


@pytest.mark.parametrize(
    ("why", "words"),
    [
        (Why.SILENCE, "silenced"),
        (Why.INHIBITION, "muted by what causes them"),
        (Why.SNOOZE, "snoozed"),
        (Why.FEEDBACK, "called expected"),
    ],
)
def test_many_reasons_of_a_kind_are_counted(why: Why, words: str) -> None:
    assert untold_words(_held(why, "one", "another", "another")) == f"3 changes not told: 3 {words}."
