"""A preview is what the notifier would send, made out to whom it is for; nothing is sent or written down."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import Desk
from sqlalchemy import select

from monitor import jobs
from monitor.errors import MonitorError
from monitor.preview import page_of_alert, page_of_notification, page_of_release, preview
from monitor.store.tables import metadata


@pytest.fixture
def told(desk: Desk) -> Desk:
    """A desk that has told a fall, and a buyer who was told nothing yet."""
    desk.receivers[0]["as"] = ["text"]
    desk.receivers.append(
        {"name": "buyer", "kind": "email", "host": "mail.example.org", "to": ["a@example.org", "b@example.org"]}
    )
    desk.now = datetime(2025, 8, 21, tzinfo=UTC)
    desk.month("2025-07", 10)
    desk.pull()
    jobs.evaluate(desk.app)
    return desk


def everything(desk: Desk) -> dict[str, list[object]]:
    with desk.app.database.read() as connection:
        return {table.name: list(connection.execute(select(table))) for table in metadata.sorted_tables}


def test_the_page_of_a_release_an_alert_and_a_message_is_shown_and_nothing_changes(told: Desk) -> None:
    app, before = told.app, everything(told)
    (release,), (episode,) = app.releases.find(), app.episodes.of("customs", "magnets")
    by_release = page_of_release(app, "desk", release.id)
    assert page_of_alert(app, "desk", episode.id[:8]) == by_release
    assert page_of_notification(app, "desk", by_release.id[:8]) == by_release
    assert "10 t in July 2025" in preview(app, "desk", by_release).content
    assert everything(told) == before
    assert not (told.folder / "var" / "out").exists()


def test_a_page_that_was_written_for_another_is_made_out_to_the_receiver(told: Desk) -> None:
    app = told.app
    page = page_of_release(app, "buyer", app.releases.find()[0].id)
    assert page.receiver == "desk"
    assert "To: a@example.org" in preview(app, "buyer", page).content
    assert "To: b@example.org" in preview(app, "buyer#b@example.org", page).content


def test_a_template_is_tried_before_it_is_configured_and_a_broken_one_is_said(told: Desk, tmp_path: Path) -> None:
    app, (good, bad) = told.app, (tmp_path / "good.txt", tmp_path / "bad.txt")
    good.write_text("{{ receiver }} hears: {{ lines[0].figure }}")
    bad.write_text("{{ nothing }}")
    page = page_of_release(app, "desk", app.releases.find()[0].id)
    assert preview(app, "desk", page, {"text": good}).content == "desk hears: 10 t in July 2025"
    found = preview(app, "desk", page, {"text": bad})
    assert found.trouble == f"{bad}:1: 'nothing' is undefined"
    assert "10 t in July 2025" in found.content, "the built-in words go out"


def test_who_or_what_is_not_there_is_said(told: Desk, tmp_path: Path) -> None:
    app = told.app
    page = page_of_release(app, "desk", app.releases.find()[0].id)
    with pytest.raises(MonitorError, match='there is no receiver "desc"; did you mean "desk"'):
        preview(app, "desc", page)
    with pytest.raises(
        MonitorError, match='a receiver of the kind file writes no "body"; it has templates for subject, text and html'
    ):
        preview(app, "desk", page, {"body": tmp_path})
    with pytest.raises(MonitorError, match="no release is"):
        page_of_release(app, "desk", "gone")
    with pytest.raises(MonitorError, match="no alert is"):
        page_of_alert(app, "desk", "gone")
