from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from pytest_httpserver import HTTPServer

from monitor.alerts.messages import Digest
from monitor.notify.alertmanager_body import ZERO_TIME, body, fingerprint
from monitor.notify.base import Message

if TYPE_CHECKING:
    from players.alertmanager import Alertmanager


def test_the_published_fingerprints_are_reproduced() -> None:
    labels = {"severity": "critical", "hs": "85051110", "partner": "US", "alertname": "MagnetExportDrop"}
    assert fingerprint(labels) == "136bc7d6d0cb7251"
    assert fingerprint({}) == "cbf29ce484222325"


def test_the_body_is_alertmanagers_version_4(message: Message) -> None:
    found = json.loads(body(message, public_url="https://trade.example.com"))
    alerts = found.pop("alerts")
    assert found == {
        "version": "4",
        "groupKey": '{}:{release="gacc-2025-05", route="buyers"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "buyers",
        "groupLabels": {"release": "gacc-2025-05", "route": "buyers"},
        "commonLabels": {"alertname": "magnet-drop"},
        "commonAnnotations": {},
        "externalURL": "https://trade.example.com",
    }
    assert alerts[0] == {
        "status": "firing",
        "labels": {"alertname": "magnet-drop", "partner": "US", "severity": "critical"},
        "annotations": {"summary": "46 t in May 2025", "release": "gacc-2025-05"},
        "startsAt": "2025-06-20T02:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "https://trade.example.com/alerts/3f6c1d2e-5b1a-5c3e-9e6e-0a3c5c7b9d11",
        "fingerprint": fingerprint({"alertname": "magnet-drop", "partner": "US", "severity": "critical"}),
    }


def test_a_changed_level_ends_the_old_label_set_and_starts_the_new_one(message: Message) -> None:
    _, old, new = json.loads(body(message))["alerts"]
    assert (old["status"], old["labels"]["severity"], old["endsAt"]) == ("resolved", "warning", "2025-06-20T02:00:00Z")
    assert (new["status"], new["labels"]["severity"], new["endsAt"]) == ("firing", "critical", ZERO_TIME)
    assert old["fingerprint"] != new["fingerprint"]


def test_a_cut_list_says_how_many_are_missing_and_keeps_the_status_of_all(message: Message) -> None:
    ended, *_ = [state for state in message.digest.alerts if state.ends_at]
    states = (ended, *(state for state in message.digest.alerts if state is not ended))
    reordered = dataclasses.replace(message, digest=dataclasses.replace(message.digest, alerts=states))
    found = json.loads(body(reordered, max_alerts=1))
    assert (found["truncatedAlerts"], len(found["alerts"]), found["status"]) == (2, 1, "firing")


def test_a_message_whose_alerts_all_ended_is_resolved(message: Message) -> None:
    ended = tuple(dataclasses.replace(state, ends_at=state.starts_at) for state in message.digest.alerts)
    gone = dataclasses.replace(message, digest=dataclasses.replace(message.digest, alerts=ended))
    assert json.loads(body(gone))["status"] == "resolved"


def test_hostile_names_stay_inside_their_json_strings(message: Message, hostile: Digest) -> None:
    bad = dataclasses.replace(hostile, alerts=(dataclasses.replace(message.digest.alerts[0], labels={"partner": hostile.title}),))
    found = json.loads(body(dataclasses.replace(message, digest=bad)))
    assert found["alerts"][0]["labels"] == {"partner": hostile.title}


def test_alertmanagers_own_call_has_the_keys_and_kinds_of_values_of_ours(
    start_alertmanager: Callable[..., Alertmanager], httpserver: HTTPServer, message: Message
) -> None:
    httpserver.expect_request("/hook").respond_with_data("ok")
    server = start_alertmanager(httpserver.url_for("/hook"))
    ours = json.loads(body(message, public_url="https://trade.example.com"))
    now = datetime.now(UTC).isoformat()
    alert = {name: ours["alerts"][0][name] for name in ("labels", "annotations", "generatorURL")}
    posted = Request(
        f"{server.url}/api/v2/alerts",
        json.dumps([{**alert, "startsAt": now}]).encode(),
        {"Content-Type": "application/json"},
        method="POST",
    )
    urlopen(posted, timeout=5).close()
    server.wait(lambda: httpserver.log)
    theirs = json.loads(httpserver.log[0][0].data)
    assert shape(ours) == shape(theirs)
    (their_alert,) = theirs["alerts"]
    assert shape(ours["alerts"][0]) == shape(their_alert)
    assert {name: their_alert[name] for name in ("labels", "annotations", "fingerprint", "status", "endsAt", "generatorURL")} == {
        name: ours["alerts"][0][name] for name in ("labels", "annotations", "fingerprint", "status", "endsAt", "generatorURL")
    }
    assert (theirs["version"], theirs["status"], theirs["truncatedAlerts"]) == (ours["version"], "firing", 0)
    assert theirs["groupKey"].startswith("{}:{")


def shape(content: dict[str, Any]) -> dict[str, type]:
    return {name: type(value) for name, value in content.items()}
