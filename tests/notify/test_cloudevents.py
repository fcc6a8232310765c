from __future__ import annotations

import dataclasses
import json
from urllib.parse import unquote

from jsonschema import Draft202012Validator

from monitor.alerts.messages import Digest
from monitor.notify import cloudevents, payload
from monitor.notify.base import Message

SCHEMA = json.loads(payload.schema())
DATA = Draft202012Validator({**SCHEMA["$defs"]["data"], "$defs": SCHEMA["$defs"]})


def test_a_structured_event_holds_all_in_its_body(message: Message) -> None:
    headers, content = cloudevents.call(message, "structured", public_url="https://trade.example.com")
    assert headers == {"Content-Type": "application/cloudevents+json; charset=UTF-8"}
    event = json.loads(content)
    DATA.validate(event.pop("data"))
    assert event == {
        "specversion": "1.0",
        "id": message.id,
        "source": "https://trade.example.com",
        "type": "trade.alert.fired",
        "subject": "gacc-2025-05",
        "time": "2025-06-20T02:00:00Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:trade-monitor:schema:message:1#/$defs/data",
    }


def test_a_binary_event_has_its_attributes_as_headers_and_the_same_data(message: Message) -> None:
    _, structured = cloudevents.call(message, "structured")
    headers, content = cloudevents.call(message, "binary")
    event = json.loads(structured)
    assert json.loads(content) == event.pop("data")
    assert headers.pop("Content-Type") == event.pop("datacontenttype") == "application/json"
    assert {name.removeprefix("ce-"): unquote(value) for name, value in headers.items()} == event


def test_a_hostile_subject_stays_one_plain_header(message: Message, hostile: Digest) -> None:
    bad = dataclasses.replace(
        message, digest=dataclasses.replace(hostile, release='é"\r\nX-Evil: 1 100% 磁铁', alerts=()), test=True
    )
    headers, _ = cloudevents.call(bad, "binary")
    assert all(value.isascii() and value.isprintable() and '"' not in value for value in headers.values())
    assert unquote(headers["ce-subject"]) == 'é" X-Evil: 1 100% 磁铁'


def test_an_event_stays_within_the_limit(message: Message) -> None:
    lines = message.digest.lines * 40
    big = dataclasses.replace(message, digest=dataclasses.replace(message.digest, lines=lines, release="r" * 5_000))
    for mode in ("structured", "binary"):
        headers, content = cloudevents.call(big, mode)
        assert len(content) <= payload.LIMIT
        assert len(unquote(headers.get("ce-subject", ""))) <= 200


def test_a_message_about_nothing_in_particular_has_no_subject(message: Message) -> None:
    test = dataclasses.replace(message, digest=Digest(subject="Test", title="Test", kind="test"), test=True)
    assert "subject" not in cloudevents.attributes(test)
    assert cloudevents.attributes(test)["source"] == "/trade-monitor"
