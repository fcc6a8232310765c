"""One line an event, readable by machines and people, with no secret in it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from monitor import eventlog

log = logging.getLogger("monitor.test")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    logging.captureWarnings(False)
    root.setLevel(level)
    root.handlers[:] = handlers


def written(form: str, *, secrets: tuple[str, ...] = (), level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    eventlog.configure(level=level, form=form, secrets=secrets, stream=stream)
    return stream


def test_a_json_line_holds_time_level_event_and_fields() -> None:
    stream = written("json")
    eventlog.event(log, "release committed", release="gacc-2025-05", cells=8)
    line = json.loads(stream.getvalue())
    assert line["event"] == "release committed"
    assert (line["level"], line["release"], line["cells"]) == ("info", "gacc-2025-05", 8)
    assert line["time"].endswith("+00:00")


def test_fields_given_as_the_standard_library_takes_them_are_written_too() -> None:
    stream = written("json")
    log.warning("delivery", extra={"receiver": "desk", "attempt": 2})
    line = json.loads(stream.getvalue())
    assert (line["receiver"], line["attempt"]) == ("desk", 2)
    assert set(line) == {"time", "level", "event", "logger", "receiver", "attempt"}


def test_every_event_of_a_run_carries_its_name_and_the_next_run_another() -> None:
    stream = written("json")
    for _ in range(2):
        with eventlog.run("pull"):
            eventlog.event(log, "pull ended")
    eventlog.event(log, "idle")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert lines[0]["run"].startswith("pull-")
    assert lines[0]["run"] != lines[1]["run"]
    assert "run" not in lines[2]


def test_text_from_outside_cannot_begin_a_line_of_its_own() -> None:
    for form in ("text", "json"):
        stream = written(form)
        eventlog.event(log, "pull failed\n12:00:00 info forged", partner="x\ny=1\u2028z")
        assert len(stream.getvalue().splitlines()) == 1


def test_secrets_are_masked_in_fields_messages_and_tracebacks() -> None:
    secret = 'k"ey-1234\\'
    for form in ("text", "json"):
        stream = written(form, secrets=(secret, "x"))
        try:
            raise ValueError(f"refused {secret}")
        except ValueError:
            eventlog.event(log, f"used {secret}", level=logging.ERROR, failure=True, url=f"https://x/?key={secret}")
        assert secret not in stream.getvalue()
        assert json.dumps(secret)[1:-1] not in stream.getvalue()
        assert stream.getvalue().count(eventlog.MASK) >= 3
        assert "Traceback" in stream.getvalue()


def test_a_traceback_in_json_stays_on_its_line() -> None:
    stream = written("json")
    try:
        raise ValueError("broken")
    except ValueError:
        eventlog.event(log, "job failed", level=logging.ERROR, failure=True)
    assert "ValueError: broken" in json.loads(stream.getvalue())["traceback"]


def test_addresses_that_the_http_client_would_log_stay_out() -> None:
    stream = written("text", level="debug")
    logging.getLogger("httpx").info("HTTP Request: GET https://api.example.org/?key=abcdef")
    logging.getLogger("httpcore.connection").debug("connect https://api.example.org/?key=abcdef")
    assert stream.getvalue() == ""


def test_the_level_is_respected() -> None:
    stream = written("text", level="warning")
    eventlog.event(log, "quiet")
    eventlog.event(log, "heard", level=logging.WARNING)
    assert "heard" in stream.getvalue()
    assert "quiet" not in stream.getvalue()
