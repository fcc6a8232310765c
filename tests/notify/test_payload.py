from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from monitor.alerts.messages import AlertState, Digest
from monitor.notify import payload
from monitor.notify.base import Message
from monitor.notify.payload import LIMIT, Type, body, type_of

SCHEMA = json.loads(payload.schema())
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker())
URL = "https://trade.example.com"


def read(message: Message, **more: Any) -> dict[str, Any]:
    content = body(message, **more)
    assert len(content) <= LIMIT
    found: dict[str, Any] = json.loads(content)
    VALIDATOR.validate(found)
    assert undescribed(found, SCHEMA) == []
    return found


def undescribed(content: Any, schema: dict[str, Any]) -> list[str]:
    """Return the keys of a body that the schema does not describe."""
    if "$ref" in schema:
        return undescribed(content, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return [] if content is None else undescribed(content, schema["anyOf"][0])
    if isinstance(content, list):
        return [name for one in content for name in undescribed(one, schema["items"])]
    if not isinstance(content, dict) or "additionalProperties" in schema:
        return []
    known = schema["properties"]
    return [name for name in content if name not in known] + [
        name for key, value in content.items() if key in known for name in undescribed(value, known[key])
    ]


def with_digest(message: Message, **changes: Any) -> Message:
    return dataclasses.replace(message, digest=dataclasses.replace(message.digest, **changes))


def test_the_published_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_a_release_is_told_with_lines_figures_evidence_and_its_vintage(message: Message) -> None:
    found = read(message, public_url=URL)
    assert (found["type"], found["timestamp"]) == ("trade.alert.fired", "2025-06-20T02:00:00Z")
    data = found["data"]
    assert data["release"] == {
        "id": "gacc-2025-05", "source": "gacc", "dataset": "magnets", "published_at": "2025-06-20T02:00:00Z", "estimated": True,
    }  # fmt: skip
    line = data["lines"][1]
    assert (line["figure"], line["value"], line["unit"], line["month"]) == ("46 t in May 2025", 46e3, "kg", "2025-05")
    assert line["reasons"][0]["evidence"] == f"{URL}/alerts/3f6c1d2e-5b1a-5c3e-9e6e-0a3c5c7b9d11"
    assert line["reasons"][0]["command"] == "monitor alerts show 3f6c1d2e"
    assert [alert["status"] for alert in data["alerts"]] == ["firing", "resolved", "firing"]
    assert data["omitted"] == {"alerts": 0, "lines": 0, "notes": 0}
    assert "Not judged: 6 of 14 figures, too few months held." in data["notes"]


def test_the_type_says_what_a_message_is_about(message: Message) -> None:
    (alert, *_) = message.digest.alerts
    ended = dataclasses.replace(alert, ends_at=alert.starts_at)
    event = dataclasses.replace(alert, labels={**alert.labels, "kind": "event"})
    said: dict[Type, Message] = {
        Type.FIRED: with_digest(message, alerts=(alert, ended, event)),
        Type.RESOLVED: with_digest(message, alerts=(ended,)),
        Type.EVENT: with_digest(message, alerts=(event,)),
        Type.BEGUN: with_digest(message, alerts=(alert,), kind="operations", release=""),
        Type.OVER: with_digest(message, alerts=(ended,), kind="operations", release=""),
        Type.TEST: dataclasses.replace(message, digest=Digest(subject="Test", title="Test", kind="test"), test=True),
    }
    assert set(said) == set(Type)
    for kind, one in said.items():
        assert type_of(one) is kind
        assert read(one)["type"] == kind.value


def test_what_does_not_fit_is_left_out_from_the_end_counted_and_said(message: Message) -> None:
    lines = [dataclasses.replace(message.digest.lines[1], title=f"Magnets, China to {n}") for n in range(90)]
    data = read(with_digest(message, lines=tuple(lines), more=""))["data"]
    shown = len(data["lines"])
    assert 10 < shown < 90
    assert [line["title"] for line in data["lines"]] == [line.title for line in lines[:shown]]
    assert (data["omitted"]["alerts"], data["omitted"]["lines"]) == (0, 90 - shown)
    assert data["more"] == f"And {90 - shown} more, see `monitor alerts list`."


def test_alerts_go_before_lines_and_a_limit_of_ones_own_before_both(message: Message) -> None:
    state = message.digest.alerts[0]
    many = [dataclasses.replace(state, labels={**state.labels, "partner": f"P{n}"}) for n in range(200)]
    data = read(with_digest(message, alerts=tuple(many)))["data"]
    assert 20 < len(data["alerts"]) < 200
    assert data["omitted"]["lines"] == 3
    few = read(with_digest(message, alerts=tuple(many)), max_alerts=2)["data"]
    assert (len(few["alerts"]), few["omitted"]["alerts"], few["omitted"]["lines"]) == (2, 198, 0)


@pytest.mark.parametrize("text", ["x" * 3_000, "磁" * 3_000, "46 t in May 2025, " * 200, '"\\' * 2_000, "\ud800" * 2_000])
def test_endless_names_are_shortened_within_the_limit(message: Message, text: str) -> None:
    (line, *_) = message.digest.lines
    long = dataclasses.replace(line, title=text, figure=text, sentences=(text,) * 5, outcome=text)
    labels = {f"l{n}": text for n in range(40)}
    state = AlertState(episode="e", labels=labels, annotations=labels, starts_at=message.created_at, ends_at=None)
    words = dict.fromkeys(("subject", "title", "more", "release", "credit"), text)
    data = read(with_digest(message, lines=(long,) * 30, alerts=(state,) * 5, **words))["data"]
    assert len(data["alerts"]) + data["omitted"]["alerts"] == 5
    assert len(data["lines"]) + data["omitted"]["lines"] == 30


def test_hostile_names_stay_inside_their_strings_without_characters_that_a_terminal_obeys(
    message: Message, hostile: Digest
) -> None:
    data = read(dataclasses.replace(message, digest=dataclasses.replace(hostile, alerts=message.digest.alerts)))["data"]
    (line,) = data["lines"]
    assert line["title"].isprintable()
    assert "\x1b" not in json.dumps(data, ensure_ascii=False)


def test_the_same_message_gives_the_same_bytes(message: Message) -> None:
    assert body(message) == body(message)
