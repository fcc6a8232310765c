from __future__ import annotations

import dataclasses

from monitor.alerts.messages import Digest
from monitor.notify.base import Message
from monitor.notify.paragraphs import LONGEST, Role, fitting, paragraphs, subject


def test_a_page_is_told_in_its_order_with_what_stands_below_each_line(digest: Digest) -> None:
    found = list(paragraphs(digest, len(digest.lines)))
    assert [one.role for one in found[:3]] == [Role.TITLE, Role.PART, Role.LINE]
    assert [one.text for one in found if one.role is Role.LINE] == [line.text for line in digest.lines]
    assert [one.text for one in found if one.role is Role.PART] == ["Worse", "New"]
    assert "Runbook: docs/runbooks/magnets.md" in [one.text for one in found if one.role is Role.BELOW]
    assert found[-1].text == digest.credit


def test_a_section_whose_lines_are_left_out_is_not_named_and_the_lines_are_counted(digest: Digest) -> None:
    found = list(paragraphs(dataclasses.replace(digest, more=""), 1))
    assert [one.text for one in found if one.role is Role.PART] == ["Worse"]
    assert "And 2 more, see `monitor alerts list`." in [one.text for one in found]


def test_the_table_that_a_receiver_carries_is_said_to_hold_the_rest(digest: Digest) -> None:
    found = [one.text for one in paragraphs(dataclasses.replace(digest, more=""), 0, table=True)]
    assert "And 3 more, in the attached table." in found


def test_a_long_table_and_a_long_foot_are_counted(digest: Digest) -> None:
    line = dataclasses.replace(digest.lines[0], table=(("partner", "figure"), *((f"P{n}", "46 t") for n in range(40))))
    page = dataclasses.replace(digest, lines=(line,), notes=("A note of some length. " * 20,) * 40)
    said = [one.text for one in paragraphs(page, 1)]
    assert "And 28 more rows." in said
    (foot,) = [text for text in said if text.endswith("more sentences.")]
    assert said[-1] == foot
    assert max(map(len, said)) <= 5 * LONGEST


def test_a_test_says_that_it_is_one(digest: Digest) -> None:
    assert next(iter(paragraphs(Digest(subject="Hello", title="Hello", kind="test"), 0, test=True))).text == "Test: Hello"


OWN = {"subject": "Ours", "text": "\nSupply desk\nWorld: down\n\n\nAsk Grace.\n"}


def test_the_text_of_an_own_template_is_told_line_by_line_and_an_empty_one_parts(message: Message) -> None:
    found = fitting(dataclasses.replace(message, own=OWN), lambda made: True)
    assert [(one.role, one.text) for one in found] == [
        (Role.LINE, "Supply desk"), (Role.OWN, "World: down"), (Role.LINE, "Ask Grace."),
    ]  # fmt: skip


def test_lines_of_an_own_template_that_do_not_fit_are_counted_and_a_test_says_so(message: Message) -> None:
    own = {"text": "\n".join(f"line {n}" for n in range(9))}
    found = fitting(dataclasses.replace(message, own=own, test=True), lambda made: len(made) <= 5)
    assert [one.text for one in found] == ["Test", "line 0", "line 1", "line 2", "And 6 more lines, see `monitor alerts list`."]


def test_a_notification_says_the_own_subject_where_there_is_one(message: Message) -> None:
    assert subject(dataclasses.replace(message, own=OWN)) == "Ours"
    assert subject(dataclasses.replace(message, test=True)) == "Test: China magnets, May 2025: 2 new drops, 1 worse"
