from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.alerts.digest import operations
from monitor.alerts.messages import Digest
from monitor.errors import DeliveryDelayed
from monitor.notify.base import Message
from monitor.notify.teams import LIMIT, Teams, body, escaped
from monitor.sources.http import Client

CARD = Draft202012Validator(
    json.loads((Path(__file__).parents[1] / "data" / "adaptive-card-1.2.json").read_text(encoding="utf-8"))
)
PATH = "/workflows/0a1b/triggers/manual/paths/invoke"
SIGNED = f"{PATH}?api-version=1&sig=s1g-s3cret"


class Workflow:
    """A workflow as Teams runs it: it checks the card and its size, and keeps what it posts."""

    def __init__(self, httpserver: HTTPServer) -> None:
        self.url, self.cards = httpserver.url_for(SIGNED), list[dict[str, Any]]()
        httpserver.expect_request(
            PATH, method="POST", query_string={"api-version": "1", "sig": "s1g-s3cret"}
        ).respond_with_handler(self._take)

    def _take(self, request: Request) -> Response:
        content = json.loads(request.data)
        (attachment,) = content["attachments"]
        wrong = next(CARD.iter_errors(attachment["content"]), None)
        kind = (content["type"], attachment["contentType"])
        if wrong or len(request.data) > 28_672 or kind != ("message", "application/vnd.microsoft.card.adaptive"):
            return Response(f"bad card: {wrong}", 400)
        self.cards.append(attachment["content"])
        return Response("", 202)


@pytest.fixture
def workflow(httpserver: HTTPServer) -> Workflow:
    return Workflow(httpserver)


@pytest.fixture
def make(client: Client, workflow: Workflow) -> Callable[..., Teams]:
    def build(**parameters: object) -> Teams:
        settings = Teams.Parameters.model_validate({"url": workflow.url, **parameters})
        public = "https://trade.example.com"
        return Teams("desk", settings, client=client, public_url=public, clock=lambda: pytest.fail("asked the time"))

    return build


def words(card: dict[str, Any]) -> list[str]:
    return ["".join(run["text"] for run in block["inlines"]) for block in card["body"] if block["type"] == "RichTextBlock"]


def test_a_digest_becomes_a_card_with_its_words(make: Callable[..., Teams], workflow: Workflow, message: Message) -> None:
    receipt = make().send(message)
    assert receipt.answer == "202 Accepted"
    (card,) = workflow.cards
    said = words(card)
    assert said[0] == "China magnets, May 2025"
    assert [line.text for line in message.digest.lines if line.text not in said] == []
    assert "And 2 more, 4% of the move: monitor alerts list --release gacc-2025-05." in said
    assert card["actions"][1]["url"] == "https://trade.example.com/alerts/3f6c1d2e-5b1a-5c3e-9e6e-0a3c5c7b9d11"
    assert card["body"][-1]["facts"] == [{"title": "Release", "value": "gacc\\-2025\\-05"}]
    assert "s1g" not in receipt.wire
    assert receipt.wire.startswith("POST http://localhost")


def test_what_does_not_fit_is_counted_and_no_figure_is_cut(
    make: Callable[..., Teams], workflow: Workflow, message: Message
) -> None:
    lines = tuple(dataclasses.replace(message.digest.lines[1], title=f"Magnets, China to {n} 磁铁") for n in range(80))
    make().send(dataclasses.replace(message, digest=dataclasses.replace(message.digest, lines=lines, more="")))
    said = words(workflow.cards[0])
    shown = [line for line in lines if line.text in said]
    assert 5 < len(shown) < 80
    assert f"And {80 - len(shown)} more, see `monitor alerts list`." in said


@pytest.mark.parametrize("text", ["x" * 3_000, "磁" * 3_000, "46 t in May 2025, " * 200, '"\\' * 1_500])
def test_an_own_text_is_accepted_as_far_as_it_fits(
    make: Callable[..., Teams], workflow: Workflow, message: Message, text: str
) -> None:
    own = {"text": "\n\n".join([text] * 40), "subject": "Ours"}
    make().send(dataclasses.replace(message, own=own))
    (card,) = workflow.cards
    assert card["fallbackText"] == "Ours"
    assert words(card)[0][:5] == text[:5]
    assert words(card)[-1].endswith("more lines, see `monitor alerts list`.")
    assert len(card["actions"]) == 3, "the evidence of every line"


@pytest.mark.parametrize("text", ["x" * 3_000, "磁" * 3_000, "46 t in May 2025, " * 200, '"\\' * 1_500])
def test_endless_words_are_accepted(make: Callable[..., Teams], workflow: Workflow, message: Message, text: str) -> None:
    (line, *_) = message.digest.lines
    table = ((text, text),) * 30
    long = dataclasses.replace(line, title=text, figure=text, sentences=(text,) * 5, outcome=text, table=table)
    whole = {**dict.fromkeys(("subject", "title", "more", "release"), text), **dict.fromkeys(("notes", "revised"), (text,) * 30)}
    digest = dataclasses.replace(message.digest, lines=(long,) * 5, **whole)
    for one in (digest, dataclasses.replace(digest, lines=())):
        changed = dataclasses.replace(message, digest=one)
        assert len(body(changed)) <= LIMIT
        make().send(changed)
    assert len(workflow.cards) == 2


def test_hostile_names_are_words_and_nothing_else(
    make: Callable[..., Teams], workflow: Workflow, message: Message, hostile: Digest
) -> None:
    make().send(dataclasses.replace(message, digest=hostile))
    (card,) = workflow.cards
    assert all(text.isprintable() for text in words(card))
    assert not any(block["type"] == "TextBlock" for block in card["body"]), "which would read markup"
    assert "\\*md\\*" in card["body"][-1]["facts"][0]["value"]


def test_markup_in_a_fact_is_escaped() -> None:
    assert escaped("**a** [b](http://c) `d` <at>e</at>") == r"\*\*a\*\* \[b\]\(http://c\) \`d\` \<at\>e\</at\>"


def test_a_quiet_release_trouble_and_a_test_are_a_line_or_two(
    make: Callable[..., Teams], workflow: Workflow, message: Message
) -> None:
    quiet = dataclasses.replace(message.digest, lines=(), more="", subject="China magnets, Jun 2025: nothing unusual")
    trouble = operations("gacc/magnets: source could not be read", "No answer within 10 s.", at=message.created_at)
    test = Digest(subject="Test message from Trade Monitor", title="Test message", kind="test")
    desk = make()
    for digest in (quiet, trouble, test):
        desk.send(dataclasses.replace(message, digest=digest, test=digest.kind == "test"))
    first = [words(card)[0] for card in workflow.cards]
    assert first == [quiet.subject, trouble.subject, "Test: Test message from Trade Monitor"]
    assert "No answer within 10 s." in words(workflow.cards[1])


def test_no_more_than_four_calls_go_out_within_a_second(make: Callable[..., Teams], workflow: Workflow, message: Message) -> None:
    desk, start = make(), time.monotonic()
    for _ in range(4):
        desk.send(message)
    assert time.monotonic() - start >= 0.74


def test_a_busy_workflow_delays_and_its_address_is_shown_nowhere(
    make: Callable[..., Teams], httpserver: HTTPServer, message: Message
) -> None:
    direct = f"/powerautomate/automations/direct{PATH}"
    httpserver.expect_request(direct).respond_with_handler(
        lambda request: Response(f"slow down {request.url}", 429, {"Retry-After": "9"})
    )
    desk = make(url=httpserver.url_for(f"{direct}?sig=s1g-s3cret"))
    with pytest.raises(DeliveryDelayed) as delayed:
        desk.send(message)
    assert delayed.value.retry_after == 9
    said = str(delayed.value) + delayed.value.wire + json.dumps(desk.show(message)) + repr(desk._parameters)
    assert [secret for secret in ("s1g", "0a1b") if secret in said] == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://acme.webhook.office.com/webhookb2/1", "retired"),
        ("https://example.com/hook", "/workflows/"),
        ("ftp://x/workflows/", "begins with"),
    ],
)
def test_other_addresses_are_refused_in_a_sentence(url: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Teams.Parameters.model_validate({"url": url})
