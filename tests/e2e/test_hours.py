"""A release that comes out at night: what waits is told together when the hours open, what is urgent is told at once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest

from monitor import jobs
from monitor.app import App

NIGHT = datetime(2025, 7, 18, 20, tzinfo=UTC)  # a Friday
OPENING = datetime(2025, 7, 21, 6, tzinfo=UTC)  # Monday, 08:00 in Berlin
OFFICE = {"days": "mon-fri", "from": "08:00", "to": "18:00", "time_zone": "Europe/Berlin"}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def open_with(desk, request):
    """Open a desk whose one route says something of its hours, on either database, and take in a usual month at noon."""
    if request.param == "postgresql":
        desk.environ["MONITOR_DATABASE"] = request.getfixturevalue("new_postgresql")()

    def opened(**said) -> None:
        desk.open()
        routes = [{"name": "default", "receivers": ["desk"], "hours": "office", **said}]
        content = {"operators": "operators", "hours": {"office": OFFICE}, "routes": routes}
        (desk.folder / "config" / "routes.yaml").write_text(json.dumps(content))
        desk.opened.append(App.open(desk.folder / "config", desk.environ, clock=lambda: desk.now))
        desk.now = datetime(2025, 7, 18, 12, tzinfo=UTC)
        release(desk, "2025-03", 100)

    return opened


def release(desk, period: str, tonnes: float) -> None:
    desk.month(period, tonnes)
    desk.pull()
    jobs.evaluate(desk.app)


def mails(desk) -> list[str]:
    """Send what is due; return the subjects of the mails that were written, oldest first."""
    desk.deliver()
    written = sorted(desk.folder.glob("var/out/*.eml"), key=lambda path: path.stat().st_mtime_ns)
    return [str(message_from_bytes(path.read_bytes(), policy=default)["subject"]) for path in written]


def test_what_comes_at_night_is_told_together_in_the_morning(desk, open_with):
    open_with()
    assert len(mails(desk)) == 1
    desk.now = NIGHT
    release(desk, "2025-04", 40)
    release(desk, "2025-05", 10)
    assert len(mails(desk)) == 1
    desk.now = OPENING
    assert mails(desk)[1:] == ["Magnets, Apr 2025: 1 new drop; Magnets, May 2025: 1 worse"]
    assert desk.deliver() == 0


def test_what_is_urgent_overtakes_what_waits(desk, open_with):
    open_with(urgent=["critical"])
    desk.now = NIGHT
    release(desk, "2025-04", 40)
    release(desk, "2025-05", 10)
    assert [subject.rpartition(": ")[2] for subject in mails(desk)[1:]] == ["1 worse"]
    desk.now = OPENING
    assert [subject.rpartition(": ")[2] for subject in mails(desk)[1:]] == ["1 worse", "1 new drop"]


def test_messages_of_their_own_that_waited_are_one(desk, open_with):
    open_with(tell="immediate")
    desk.now = NIGHT
    release(desk, "2025-04", 40)
    release(desk, "2025-05", 10)
    desk.now = OPENING
    assert mails(desk)[1:] == ["2 messages: Magnets, April 2025, Magnets, May 2025"]
