from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta, timezone

from monitor.alerts.messages import Digest
from monitor.notify.base import Message
from monitor.notify.changes import changed, has_alerts, is_event, rfc3339


def test_a_page_that_changes_no_alert_has_nothing_for_a_machine_unless_it_is_a_test(message: Message) -> None:
    quiet = dataclasses.replace(message, digest=Digest(subject="Quiet", title="Quiet"))
    assert (has_alerts(message), has_alerts(quiet)) == (True, False)
    test = dataclasses.replace(quiet, test=True)
    assert has_alerts(test)
    (state,) = changed(test)
    assert (state.labels["alertname"], state.annotations["summary"]) == ("TradeMonitorTest", "Quiet")


def test_an_event_is_known_by_its_label(message: Message) -> None:
    state = message.digest.alerts[0]
    assert not is_event(state)
    assert is_event(dataclasses.replace(state, labels={"kind": "event"}))


def test_moments_are_written_in_utc() -> None:
    assert rfc3339(datetime(2025, 6, 20, 4, tzinfo=timezone(timedelta(hours=2)))) == "2025-06-20T02:00:00Z"
