"""Who hears a message in place of its receiver: the next that is not disabled, in a copy that says why, once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitor.alerts.messages import Digest, Notification
from monitor.notify.fallbacks import Fallbacks

AT = datetime(2025, 6, 20, 2, tzinfo=UTC)
NOTE = Notification(
    id="n", receiver="mail#a@example.com", route="all", thread="all|mail", cause="c", created_at=AT,
    digest=Digest(subject="x", title="x", notes=("first",)),
)  # fmt: skip


def fallbacks(*, disabled: Collection[str] = ()) -> Fallbacks:
    return Fallbacks(
        after={"mail": "hook", "hook": "file", "file": "", "ops": "", "lonely": "", "last": "ops"},
        operators="ops",
        names=lambda name: [f"{name}#x@example.com", f"{name}#y@example.com"] if name == "hook" else [name],
        disabled=lambda: disabled,
    )


def test_each_address_of_the_fallback_gets_a_copy_that_says_why_under_an_id_that_stays() -> None:
    copies = fallbacks().of(NOTE, "mail answered 410", AT)
    assert [copy.receiver for copy in copies] == ["hook#x@example.com", "hook#y@example.com"]
    assert {copy.digest.notes for copy in copies} == {
        ("first", "This was for mail#a@example.com, which did not take it: mail answered 410.")
    }
    again = fallbacks().of(NOTE, "another reason", AT)
    assert [copy.id for copy in again] == [copy.id for copy in copies]
    assert len({copy.id for copy in copies} | {NOTE.id}) == 3


@pytest.mark.parametrize(
    ("receiver", "disabled", "expected"),
    [
        ("mail", [], "hook"),
        ("mail", ["mail", "hook"], "file"),
        ("mail", ["hook", "file"], "ops"),
        ("mail", ["hook", "file", "ops"], ""),
        ("file", [], "ops"),
        ("lonely", [], ""),
        ("last", ["ops"], ""),
        ("ops", [], ""),
    ],
)
def test_a_disabled_fallback_hands_on_and_at_last_operators_hear(receiver: str, disabled: list[str], expected: str) -> None:
    assert fallbacks(disabled=disabled).instead_of(receiver) == expected


def test_a_message_that_nobody_takes_comes_to_an_end_where_operators_have_a_fallback_themselves() -> None:
    made = Fallbacks(after={"ops": "hook", "hook": "", "mail": "hook"}, operators="ops", names=lambda n: [n], disabled=list)
    heard, notes = ["ops"], made.of(replace(NOTE, receiver="ops"), "503", AT)
    while notes and len(heard) < 9:
        heard += [note.receiver for note in notes]
        notes = tuple(copy for note in notes for copy in made.of(note, "503", AT))
    assert heard == ["ops", "hook"]
