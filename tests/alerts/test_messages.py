"""What is told is one page, written whole: a message sent a day later says what was queued."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from monitor.alerts.messages import Digest, Part
from monitor.alerts.records import dump, load


@pytest.fixture
def note(memory: Any) -> Any:
    desk = memory()
    desk.release([100])
    (note,) = desk.release([100, 10]).notifications
    return note


def test_hostile_text_survives(note: Any) -> None:
    digest = replace(note.digest, subject='=1+1\r\n\u2028"<x>\U0001f9f2', notes=("\x00",))
    assert load(Digest, dump(digest)) == digest


def test_a_digest_groups_its_lines_in_the_order_of_sections(note: Any) -> None:
    (line,) = note.digest.lines
    digest = replace(note.digest, lines=(replace(line, part=Part.EASED), line, replace(line, part=Part.WORSE)))
    assert [part for part, _ in digest.parts] == [Part.WORSE, Part.NEW, Part.EASED]
