"""A receiver's own words go out where they can be made; where not, the built-in ones do, and the operators hear of it once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from conftest import Desk

from monitor import jobs
from monitor.check import check
from monitor.notify.base import Message
from monitor.notify.email import Email
from monitor.notify.templated import Templated
from monitor.sources.http import Client

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return written


def shown(message: Message, client: Client, **templates: Path) -> dict[str, Any]:
    parameters = Email.Parameters.model_validate({"host": "mail.example.org", "to": "a@example.org"})
    mailer = Email("mail", parameters, client=client, clock=lambda: datetime.now(UTC))
    return Templated("mail", mailer, templates).show(message)


def test_a_mail_has_the_subject_text_and_page_of_its_receiver_and_pictures_where_the_page_names_them(
    message: Message, write: Write, client: Client
) -> None:
    templates = {
        "subject": write("subject.txt", "{{ lines|length }} lines\r\nBcc: all@example.com\n"),
        "text": write("page.txt", "Own: {{ subject }}"),
        "html": write(
            "page.html", "<p>{{ subject }}</p>{% for l in lines if l.picture %}<img src='{{ l.picture }}'>{% endfor %}"
        ),
    }
    (written,) = shown(message, client, **templates)["mails"]
    mail = message_from_bytes(str(written).encode(), policy=policy.default)
    assert mail["Subject"] == "3 lines Bcc: all@example.com"
    assert mail["Bcc"] is None
    assert mail.get_body(("plain",)).get_content().strip() == "Own: China magnets, May 2025: 2 new drops, 1 worse"  # type: ignore[union-attr]
    page = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    ids = [str(part["Content-ID"])[1:-1] for part in mail.walk() if part["Content-ID"]]
    assert len(ids) == 3
    assert all(f"src='cid:{id}'" in page for id in ids)


def test_a_part_without_a_template_or_with_a_broken_one_is_built_in_and_said(
    message: Message, write: Write, client: Client
) -> None:
    found = shown(message, client, text=write("page.txt", "Own"), html=write("page.html", "{{ nothing }}"))
    (mail,) = found["mails"]
    assert "Subject: China magnets, May 2025: 2 new drops, 1 worse" in str(mail)
    assert "<html" in str(mail)
    assert str(found["template"]).endswith("page.html:1: 'nothing' is undefined")


@pytest.mark.parametrize(
    ("part", "text", "said"),
    [
        ("text", " \n", "makes nothing"),
        ("body", "{{ subject }}", "what it makes is not JSON"),
        ("body", '{"value": NaN}', "what it makes is not JSON: NaN is no number"),
        ("body", '{"value": 1e999}', "what it makes is not JSON: Out of range"),
        ("body", "{{ '[' * 100000 }}", "what it makes is nested too deeply"),
        ("body", r'"\ud800"', "what it makes holds half a character"),
    ],
)
def test_words_that_are_none_are_broken(part: str, text: str, said: str, message: Message, write: Write, client: Client) -> None:
    assert said in str(shown(message, client, **{part: write("own.txt", text)})["template"])


def test_a_broken_template_loses_no_message_and_is_told_once_until_it_works_again(desk: Desk) -> None:
    template = desk.folder / "config" / "page.txt"
    template.write_text("{{ nothing }}")
    desk.receivers[0] |= {"as": ["text"], "templates": {"text": "config/page.txt"}}
    desk.edit_rules(desk.rules.replace("delivery_died]", "delivery_died, template_broken]"))
    for month in (6, 7):
        desk.now = datetime(2025, month + 1, 21, tzinfo=UTC)
        desk.month(f"2025-0{month}", 10)
        desk.pull()
        jobs.evaluate(desk.app)
        desk.deliver()
    desk.deliver()
    assert desk.told("operators") == ["desk: template cannot be filled"]
    written = [path.read_text(encoding="utf-8") for path in sorted((desk.folder / "var" / "out").glob("*.txt"))]
    assert any("10 t in June 2025" in text for text in written)
    template.write_text("Own: {{ title }}")
    desk.now += timedelta(days=31)
    desk.month("2025-08", 100)
    desk.pull()
    jobs.evaluate(desk.app)
    desk.deliver()
    assert desk.told("operators")[1:] == ["desk: template can be filled again"]
    assert any(path.read_text(encoding="utf-8").startswith("Own: ") for path in (desk.folder / "var" / "out").glob("*.txt"))


def test_a_check_finds_what_is_wrong_with_a_template_at_its_line(desk: Desk) -> None:
    (desk.folder / "config" / "page.txt").write_text("one\n{% if %}")
    desk.receivers[0] |= {"templates": {"text": "config/page.txt", "html": "config/gone.html"}}
    desk.open()
    assert [str(mistake).removeprefix(f"{desk.folder}/config/") for mistake in check(desk.folder / "config").mistakes] == [
        "gone.html:1:1: there is no such file",
        "page.txt:2:1: Expected an expression, got 'end of statement block'",
    ]
