"""`monitor render` prints what would be sent; a broken template is said and fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commands.conftest import Typist

ASKED = ("render", "--receiver", "desk", "--release", "gacc-2025-10")


def test_what_would_be_sent_its_text_and_its_names_are_printed(desk: Typist) -> None:
    (desk.folder / "page.txt").write_text("{{ title }}, for {{ receiver }}")
    template = str(desk.folder / "page.txt")
    assert "Subject: China magnets, Oct 2025" in desk.reads(*ASKED)
    assert (
        desk.reads(*ASKED, "--template", f"text={template}", "--format", "text").strip()
        == "China magnets, October 2025, for desk"
    )
    assert desk.reads(*ASKED, "--template", template, "--format", "text").strip() == "China magnets, October 2025, for desk"
    assert "<html" in desk.reads(*ASKED, "--format", "html")
    assert json.loads(desk.reads(*ASKED, "--format", "context"))["title"] == "China magnets, October 2025"
    assert set(json.loads(desk.reads(*ASKED, "--format", "json"))) == {"folder", "files"}


def test_it_is_written_to_a_file_as_it_would_be_sent(desk: Typist) -> None:
    out = desk.folder / "message.txt"
    result = desk.types("render", "--receiver", "terminal", "--release", "gacc-2025-10", "--out", str(out))
    assert (result.exit_code, result.stdout) == (0, "")
    assert out.read_text(encoding="utf-8") == "China magnets, Oct 2025: 1 new drop, 1 first rise"


def test_a_broken_template_fails_with_its_place_after_what_would_be_sent(desk: Typist) -> None:
    (desk.folder / "page.txt").write_text("one\n{{ nothing }}")
    result = desk.types(*ASKED, "--template", str(desk.folder / "page.txt"), "--format", "text")
    assert result.exit_code == 1
    assert "656 t in October 2025" in result.stdout
    assert result.stderr.strip().endswith("page.txt:2: 'nothing' is undefined")


def test_what_the_words_do_not_allow_is_said(desk: Typist) -> None:
    assert desk.types(*ASKED, "--alert", "x").exit_code == 2
    assert desk.types("render", "--receiver", "desk").exit_code == 2
    assert desk.is_told("render", "--receiver", "terminal", "--release", "gacc-2025-10", "--format", "html") == (
        "monitor: what this receiver is sent has no page of its own; --format sent shows it"
    )


def test_a_part_that_no_message_has_is_told_with_those_that_there_are(desk: Typist) -> None:
    result = desk.types(*ASKED, "--template", "txt=page.txt")
    assert result.exit_code == 2
    assert '"txt" is no part of a message; parts are subject, text, html, body' in " ".join(result.stderr.split())
