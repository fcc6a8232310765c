"""What people type to handle an alert, what comes of it, and what is refused in a sentence."""

from __future__ import annotations

import re
from typing import Any

import pytest

NASTY = ["a\x1b[31mb", "two\nlines", "right\u202eleft", "x" * 501, "   ", "tab\there"]


@pytest.fixture
def alert(desk: Any) -> str:
    """The id of an open alert."""
    return str(desk.json("alerts", "list", "--open")[0]["id"])[:8]


@pytest.fixture
def ended(desk: Any) -> str:
    """The id of an alert that has recovered."""
    found = desk.json("alerts", "list")
    return str(next(one["id"] for one in found if one["state"] == "resolved" and one["labels"]["kind"] == "state"))[:8]


def test_an_acknowledged_alert_says_by_whom_in_lists_and_pages(desk: Any, alert: str) -> None:
    said = desk.reads("alerts", "ack", alert, "--comment", "licence pending", "--by", "ada")
    assert said.endswith("): acknowledged: licence pending.\n")
    assert "acknowledged by\n" in desk.reads("alerts", "list").splitlines(keepends=True)[0]
    (mine,) = [one for one in desk.json("alerts", "list") if one["id"].startswith(alert)]
    assert mine["handling"]["acknowledged_by"] == "ada"
    shown = desk.reads("alerts", "show", alert)
    assert shown.splitlines()[-1].endswith("UTC, ada: acknowledged: licence pending")
    assert desk.json("alerts", "show", alert)["acts"][0]["comment"] == "licence pending"


def test_the_second_who_acknowledges_hears_of_the_first(desk: Any, alert: str) -> None:
    desk.reads("alerts", "ack", alert, "--by", "ada")
    assert "It was acknowledged by ada on " in desk.reads("alerts", "ack", alert, "--by", "bob")
    assert [one["by"] for one in desk.json("alerts", "show", alert)["acts"]] == ["ada", "bob"]
    assert desk.json("alerts", "show", alert)["handling"]["acknowledged_by"] == "ada"


def test_what_is_acknowledged_or_somebody_elses_can_be_left_out(desk: Any, alert: str) -> None:
    every = desk.json("alerts", "list")
    desk.reads("alerts", "ack", alert)
    desk.reads("alerts", "own", alert, "grace")
    assert len(desk.json("alerts", "list", "--unacknowledged")) == len(every) - 1
    assert [one["id"][:8] for one in desk.json("alerts", "list", "--owner", "grace")] == [alert]
    desk.reads("alerts", "unack", alert)
    assert len(desk.json("alerts", "list", "--unacknowledged")) == len(every)


def test_whoever_is_not_named_is_taken_from_the_environment(desk: Any, alert: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_USER", "grace")
    desk.reads("alerts", "comment", alert, "asked the supplier")
    monkeypatch.delenv("MONITOR_USER")
    monkeypatch.setenv("LOGNAME", "hopper")
    desk.reads("alerts", "comment", alert, "asked again")
    assert [one["by"] for one in desk.json("alerts", "show", alert)["acts"]] == ["grace", "hopper"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("snooze", "--months", "2"), "snoozed until the December 2025 figures"),
        (("snooze", "--months", "0"), "ended the snooze"),
        (("impact", "confirmed"), "impact confirmed by supplier"),
        (("feedback", "new-normal", "--comment", "moved to Malaysia"), "called new normal: moved to Malaysia"),
        (("feedback", "data-error"), "called data error"),
        (("comment", "asked"), "comment: asked"),
    ],
)
def test_every_act_says_what_was_done(desk: Any, alert: str, words: tuple[str, ...], said: str) -> None:
    name, *rest = words
    assert desk.reads("alerts", name, alert, *rest).endswith(f": {said}.\n")


def test_a_data_error_notes_the_figure_that_was_told(desk: Any, alert: str) -> None:
    from monitor.app import App

    desk.reads("alerts", "feedback", alert, "data-error")
    app = App.open(desk.folder / "config", {})
    (act,) = app.acts.all()
    told = [t for t in app.episodes.transitions(act.episode) if not t.quiet][-1]
    app.close()
    assert act.figure == told.evidence["value"]
    assert act.month == told.month


def test_an_alert_that_ended_can_be_restored_or_called_wrong_and_not_acknowledged(desk: Any, ended: str) -> None:
    for words in (
        ("impact", ended, "restored"),
        ("feedback", ended, "expected"),
        ("comment", ended, "over"),
        ("own", ended, "ada"),
    ):
        desk.reads("alerts", *words)
    for words in (("ack", ended), ("unack", ended), ("snooze", ended, "--months", "1")):
        said = desk.is_told("alerts", *words)
        assert said == f"monitor: alert {ended} is resolved; only an open one can be acknowledged or snoozed"


def test_an_event_can_be_acknowledged(desk: Any) -> None:
    event = next(one["id"] for one in desk.json("alerts", "list") if one["labels"]["kind"] == "event")
    desk.reads("alerts", "ack", event[:8])
    assert "only an open one" in desk.is_told("alerts", "snooze", event[:8], "--months", "1")


def test_what_cannot_be_done_is_said_in_a_sentence(desk: Any, alert: str) -> None:
    assert desk.is_told("alerts", "ack", "ffffffff") == 'monitor: no alert is "ffffffff"'
    assert desk.is_told("alerts", "unack", alert) == f"monitor: alert {alert} is not acknowledged"


@pytest.mark.parametrize("text", NASTY)
def test_text_that_no_one_sees_whole_is_refused(desk: Any, alert: str, text: str) -> None:
    for words in (
        ("ack", alert, "--comment", text),
        ("comment", alert, text),
        ("own", alert, text),
    ):
        assert re.match("monitor: (comment|owner): the text (is empty|has|holds)", desk.is_told("alerts", *words))
    assert desk.types("alerts", "ack", alert, "--by", text).exit_code == 2
    assert desk.json("alerts", "show", alert)["acts"] == []


def test_markup_in_a_name_is_a_name(desk: Any, alert: str) -> None:
    name = '<script>alert("x")</script> {{ 7*7 }} *bold* =1+1'
    desk.reads("alerts", "own", alert, name)
    assert name in desk.reads("alerts", "show", alert)
    assert desk.json("alerts", "list", "--owner", name)[0]["handling"]["owner"] == name
