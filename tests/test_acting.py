"""What somebody does with an alert reaches the next page, the escalation and the record, through the real jobs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from monitor import jobs, pulling
from monitor.acting import do
from monitor.alerts.handling import Deed
from monitor.alerts.records import State
from monitor.alerts.routing import Route, Routes
from monitor.alerts.suppressions import Why
from monitor.errors import MonitorError
from monitor.months import month
from monitor.rules.levels import Level


@pytest.fixture
def told(desk: Any) -> Any:
    """At a desk that was told of a warning in February 2025."""
    desk.edit_rules(desk.rules.replace("critical: value <= 20 t}", "critical: value <= 20 t}\n    clear: value >= 70 t"))
    desk.month("2025-01", 100)
    desk.month("2025-02", 40)
    release(desk)
    assert len(desk.app.episodes.find(State.FIRING)) == 1
    return desk


def release(desk: Any, *months: tuple[str, float]) -> Any:
    """Take in months one by one; return the last evaluation."""
    found = None
    for period, tonnes in months or ((None, 0.0),):
        if period:
            desk.month(period, tonnes)
        pulling.pull_all(desk.app)
        for judged in jobs.evaluate(desk.app):
            found = judged.evaluation
    return found


def act(desk: Any, deed: Deed, **said: Any) -> Any:
    (episode,) = desk.app.episodes.find(State.FIRING)
    return do(desk.app, episode.id[:8], deed, by="ada", **said)


def test_an_act_knows_the_figures_and_the_level_that_it_was_done_by(told: Any) -> None:
    done = act(told, Deed.ACKNOWLEDGE, comment="licence pending")
    assert (done.act.newest, done.act.level, done.act.at) == (month(2025, 2), Level.WARNING, told.now)
    assert done.handling.acknowledged == done.act


def test_the_next_page_says_who_acknowledged(told: Any) -> None:
    act(told, Deed.ACKNOWLEDGE, comment="licence pending")
    (note,) = release(told, ("2025-03", 10)).notifications
    assert (
        note.digest.lines[0].outcome == "Worse: critical, was warning; acknowledged by ada on 1 September 2025: licence pending"
    )


def test_what_is_snoozed_is_recorded_as_not_told(told: Any) -> None:
    act(told, Deed.SNOOZE, months=2)
    found = release(told, ("2025-03", 100))
    assert [one.why for one in found.suppressions] == [Why.SNOOZE]
    assert not any(note.digest.lines for note in found.notifications)


def test_a_figure_called_wrong_is_the_one_that_was_told(told: Any) -> None:
    done = act(told, Deed.FEEDBACK, value="data-error")
    assert (done.act.month, done.act.figure) == (month(2025, 2), 40_000.0)
    assert {note.receiver for note in release(told, ("2025-03", 60)).notifications} == {"operators"}


def test_what_nobody_acknowledged_goes_to_a_second_receiver_after_two_releases(told: Any) -> None:
    route = Route(name="default", receivers=("desk",), escalate_to="operators", escalate_after=2)
    told.app.settings = replace(told.app.settings, routes=Routes((route,)))
    heard = [[n.receiver for n in release(told, (f"2025-0{n}", 40)).notifications if n.digest.lines] for n in (3, 4, 5, 6)]
    assert heard == [[], ["operators"], [], []]


def test_what_nobody_knows_cannot_be_handled(told: Any) -> None:
    with pytest.raises(MonitorError, match='no alert is "ffff"'):
        do(told.app, "ffff", Deed.ACKNOWLEDGE, by="ada")


@pytest.mark.parametrize(
    ("deed", "said", "why"),
    [
        (Deed.COMMENT, {"comment": ""}, "comment: the text is empty"),
        (Deed.COMMENT, {"comment": "two\nlines"}, "comment: the text holds the character U+000A"),
        (Deed.ACKNOWLEDGE, {"comment": "x" * 501}, "comment: the text has 501 characters; at most 500 are kept"),
        (Deed.OWN, {"value": "right\u202eleft"}, "owner: the text holds the character U+202E"),
        (Deed.OWN, {"value": "x" * 81}, "owner: the text has 81 characters; at most 80 are kept"),
        (Deed.OWN, {"value": "ada", "by": "a\x1b[31m"}, "name: the text holds the character U+001B"),
    ],
)
def test_words_that_are_no_plain_line_are_written_down_by_nobody(told: Any, deed: Deed, said: dict[str, str], why: str) -> None:
    (episode,) = told.app.episodes.find(State.FIRING)
    with pytest.raises(MonitorError, match=f"^{re.escape(why)}"):
        do(told.app, episode.id, deed, **{"by": "ada", **said})
    assert told.app.acts.of(episode.id) == ()
