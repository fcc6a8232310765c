from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from players.slack import CHANNEL, TOKEN, Slack, words
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from monitor.alerts.digest import operations
from monitor.alerts.messages import Digest
from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.notify import slack as receiver
from monitor.notify.base import Message, talks
from monitor.sources.http import Client


@pytest.fixture
def workspace(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Slack:
    monkeypatch.setattr(receiver, "PER_MINUTE", 60_000.0)
    return Slack(httpserver)


@pytest.fixture
def make(client: Client, workspace: Slack) -> Callable[..., receiver.Slack]:
    def build(**parameters: object) -> receiver.Slack:
        bot = {"token": TOKEN, "channel": "#trade", "api": workspace.url, "charts": 0}
        settings = receiver.Slack.Parameters.model_validate(parameters if "url" in parameters else bot | parameters)
        return receiver.Slack("desk", settings, client=client, clock=lambda: pytest.fail("asked the time"))

    return build


def later(message: Message, remembered: dict[str, str], **changes: Any) -> Message:
    digest = dataclasses.replace(message.digest, attachments=(), **changes)
    return dataclasses.replace(message, id=f"{message.id}-later", digest=digest, remembered=remembered)


def test_an_incoming_webhook_gets_the_words_of_the_page(
    make: Callable[..., receiver.Slack], workspace: Slack, message: Message
) -> None:
    receipt = make(url=workspace.hook).send(message)
    (said,) = workspace.messages.values()
    assert said["text"] == message.digest.subject
    assert [line.text for line in message.digest.lines if line.text not in words(said)] == []
    assert receipt.answer == "200 OK"
    assert "s3cretHook" not in receipt.wire


def test_a_bot_posts_with_pictures_and_the_table_in_the_thread(
    make: Callable[..., receiver.Slack], workspace: Slack, message: Message
) -> None:
    receipt = make(charts=2).send(message)
    ((ts, said),) = workspace.messages.items()
    assert [file["title"] for file in workspace.shared] == [
        "Magnets, China to World", "Magnets, China to United States", "alerts.csv",
    ]  # fmt: skip
    assert {file["thread_ts"] for file in workspace.shared} == {ts}
    assert [content[:4] for content in workspace.files.values()] == [b"\x89PNG", b"\x89PNG", b"seri"]
    assert b"'=1+1,'@x,'-cmd" in workspace.files["F2"]
    assert receipt.references == dict.fromkeys(talks(message.digest), f"{CHANNEL} {ts}")
    assert TOKEN not in receipt.wire
    assert said["unfurl_links"] is False


def test_a_later_page_about_the_same_release_answers_in_the_thread_and_the_first_says_what_stands_now(
    make: Callable[..., receiver.Slack], workspace: Slack, message: Message
) -> None:
    desk = make()
    first = desk.send(message).references
    receipt = desk.send(
        later(message, dict(first), subject="China magnets, May 2025: 1 corrected", lines=message.digest.lines[:1])
    )
    (ts, root), (_, answer) = workspace.messages.items()
    assert answer["thread_ts"] == ts
    assert root["edited"]
    assert root["text"] == answer["text"] == "China magnets, May 2025: 1 corrected"
    assert receipt.references[message.digest.release] == f"{CHANNEL} {ts}"


def test_an_alert_is_answered_where_it_began_unless_the_page_has_news_of_others(
    make: Callable[..., receiver.Slack], workspace: Slack, message: Message
) -> None:
    desk = make()
    first = dict(desk.send(message).references)
    desk.send(later(message, first, release="gacc-2025-06", lines=message.digest.lines[1:2]))
    assert len(workspace.top) == 1
    fresh = dataclasses.replace(message.digest.lines[2].reasons[0], episode="another")
    lines = (message.digest.lines[1], dataclasses.replace(message.digest.lines[2], reasons=(fresh,)))
    news = later(message, first, release="gacc-2025-07", lines=lines)
    desk.send(dataclasses.replace(news, id="third"))
    assert len(workspace.top) == 2


def test_a_thread_that_was_deleted_is_begun_anew(make: Callable[..., receiver.Slack], workspace: Slack, message: Message) -> None:
    make().send(later(message, {message.digest.release: f"{CHANNEL} 1700000000.000001"}))
    assert list(workspace.top) == list(workspace.messages)
    assert workspace.calls == ["chat.postMessage", "chat.postMessage"]


def test_a_first_message_that_cannot_be_changed_any_more_stays(
    make: Callable[..., receiver.Slack], workspace: Slack, message: Message
) -> None:
    desk = make()
    first = dict(desk.send(dataclasses.replace(message, digest=dataclasses.replace(message.digest, attachments=()))).references)
    workspace.fails("chat.update", "edit_window_closed")
    assert desk.send(later(message, first)).answer.startswith("answered in the thread")


def test_after_a_failed_upload_the_message_is_not_posted_again(
    make: Callable[..., receiver.Slack], workspace: Slack, message: Message
) -> None:
    desk = make()
    workspace.fails("files.getUploadURLExternal", "ratelimited", 429, **{"Retry-After": "11"})
    with pytest.raises(DeliveryDelayed) as delayed:
        desk.send(message)
    assert delayed.value.retry_after == 11
    assert delayed.value.wire.count("POST ") == 2
    desk.send(message)
    assert len(workspace.messages) == 1
    assert len(workspace.shared) == 1


def test_files_that_are_refused_keep_no_message_and_are_said(
    make: Callable[..., receiver.Slack], workspace: Slack, message: Message
) -> None:
    workspace.fails("files.getUploadURLExternal", "missing_scope")
    answer = make().send(message).answer
    assert "no files: desk: files.getUploadURLExternal was answered with missing_scope: the bot lacks a scope" in answer
    assert len(workspace.messages) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("channel_not_found", "/invite"),
        ("invalid_auth", "does not accept the token"),
        ("is_archived", "archived"),
        ("odd_new_error", "odd_new_error"),
    ],
)
def test_what_slack_refuses_is_said_in_a_sentence(
    make: Callable[..., receiver.Slack], workspace: Slack, message: Message, error: str, said: str
) -> None:
    workspace.fails("chat.postMessage", error)
    with pytest.raises(DeliveryRefused, match=said) as refused:
        make().send(message)
    assert refused.value.wire.startswith("POST ")
    assert TOKEN not in str(refused.value) + refused.value.wire


@pytest.mark.parametrize("error", ["ratelimited", "internal_error"])
def test_what_slack_cannot_do_now_is_delayed(
    make: Callable[..., receiver.Slack], workspace: Slack, message: Message, error: str
) -> None:
    workspace.fails("chat.postMessage", error, **{"Retry-After": "3"})
    with pytest.raises(DeliveryDelayed) as delayed:
        make().send(message)
    assert delayed.value.retry_after == 3


def test_what_does_not_fit_is_counted_and_never_refused(
    make: Callable[..., receiver.Slack], workspace: Slack, message: Message
) -> None:
    lines = tuple(dataclasses.replace(message.digest.lines[1], title=f"Magnets, China to {n}") for n in range(80))
    make(url=workspace.hook).send(dataclasses.replace(message, digest=dataclasses.replace(message.digest, lines=lines, more="")))
    (said,) = workspace.messages.values()
    shown = [line for line in lines if line.text in words(said)]
    assert 5 < len(shown) < 80
    assert f"And {80 - len(shown)} more, see `monitor alerts list`." in words(said)


@pytest.mark.parametrize("text", ["x" * 3_000, "磁" * 3_000, "46 t in May 2025, " * 200, "<&>" * 1_000])
def test_endless_words_are_accepted(make: Callable[..., receiver.Slack], workspace: Slack, message: Message, text: str) -> None:
    (line, *_) = message.digest.lines
    long = dataclasses.replace(line, title=text, figure=text, sentences=(text,) * 5, outcome=text, table=((text, text),) * 30)
    whole = {**dict.fromkeys(("subject", "title", "more", "release"), text), **dict.fromkeys(("notes", "revised"), (text,) * 30)}
    digest = dataclasses.replace(message.digest, lines=(long,) * 5, **whole)
    for one in (digest, dataclasses.replace(digest, lines=())):
        make(url=workspace.hook).send(dataclasses.replace(message, digest=one))
    assert len(workspace.messages) == 2


def test_hostile_names_are_words_and_nothing_else(
    make: Callable[..., receiver.Slack], workspace: Slack, message: Message, hostile: Digest
) -> None:
    subject = f"{hostile.subject} <!here> <@U1> <http://evil|click> &amp;"
    make().send(dataclasses.replace(message, digest=dataclasses.replace(hostile, subject=subject)))
    (said,) = workspace.messages.values()
    assert "&lt;!here&gt; &lt;@U1&gt; &lt;http://evil|click&gt; &amp;amp;" in said["text"]
    assert all(paragraph.isprintable() for paragraph in words(said))
    assert (said["parse"], said["mrkdwn"]) == ("none", False)
    assert [file["title"] for file in workspace.shared] == ["../../etc/pass wd.csv"]


def test_a_quiet_release_trouble_and_a_test_are_a_line_or_two(
    make: Callable[..., receiver.Slack], workspace: Slack, message: Message
) -> None:
    quiet = dataclasses.replace(
        message.digest, lines=(), more="", attachments=(), subject="China magnets, Jun 2025: nothing unusual"
    )
    trouble = operations("gacc/magnets: source could not be read", "No answer within 10 s.", at=message.created_at)
    test = Digest(subject="Test message from Trade Monitor", title="Test message", kind="test")
    desk = make()
    for n, digest in enumerate((quiet, trouble, test)):
        desk.send(dataclasses.replace(message, id=str(n), digest=digest, test=digest.kind == "test"))
    first = [words(said)[0] for said in workspace.messages.values()]
    assert first == [quiet.subject, trouble.subject, "Test: Test message from Trade Monitor"]


def test_a_channel_gets_one_message_a_second(client: Client, httpserver: HTTPServer, message: Message) -> None:
    settings = receiver.Slack.Parameters.model_validate({"url": Slack(httpserver).hook})
    desk, start = receiver.Slack("desk", settings, client=client, clock=lambda: message.created_at), time.monotonic()
    for _ in range(2):
        desk.send(message)
    assert time.monotonic() - start >= 0.99


def test_a_preview_shows_the_message_and_its_files_without_secrets(
    make: Callable[..., receiver.Slack], workspace: Slack, message: Message
) -> None:
    shown = make(charts=1).show(message)
    assert shown["attached"] == ["chart-1.png", "alerts.csv"]
    assert shown["headers"]["Authorization"] == "<secret>"
    assert "s3cretHook" not in json.dumps(make(url=workspace.hook).show(message))


@pytest.mark.parametrize(
    "wrong",
    [
        {}, {"url": "https://hooks.slack.com/x", "token": TOKEN}, {"token": TOKEN}, {"url": "https://h.example", "channel": "#c"},
        {"url": "https://h.example", "charts": 2}, {"token": TOKEN, "channel": "<!here>"},
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        receiver.Slack.Parameters.model_validate(wrong)
