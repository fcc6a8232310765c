"""A token is made and read by one desk alone, holds no address, and never expires."""

from __future__ import annotations

import stat
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import MonitorError
from monitor.notify.links import Links, kept_key

OURS, THEIRS = Links("the key of this desk"), Links("the key of another")
PEOPLE = [("buyers", f"{name}@example.com") for name in ("ann", "bob", "cho")]


@given(st.sampled_from(PEOPLE))
def test_a_token_finds_its_address_and_no_other_desk_makes_it(person: tuple[str, str]) -> None:
    assert OURS.find(OURS.token(person), PEOPLE) == person
    assert OURS.find(THEIRS.token(person), PEOPLE) is None
    assert OURS.find(OURS.token(person), [one for one in PEOPLE if one != person]) is None


@given(st.text(max_size=60))
def test_no_other_text_is_a_token(text: str) -> None:
    assert OURS.find(text, PEOPLE) is None
    assert OURS.bounced(text) is None


def test_a_receiver_and_an_address_cannot_be_cut_elsewhere() -> None:
    assert OURS.token(("ab", "c")) != OURS.token(("a", "bc"))


@given(st.uuids(), st.integers(0, 41))
def test_a_bounce_token_gives_its_notification_back_and_a_changed_one_nothing(id: uuid.UUID, place: int) -> None:
    token = OURS.bounce(str(id))
    assert len(token) == 42
    assert OURS.bounced(token) == OURS.bounced(token.upper()) == str(id)
    assert THEIRS.bounced(token) is None
    assert OURS.bounced(token[:place] + ("a" if token[place] != "a" else "b") + token[place + 1 :]) is None


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "var" / "link.key"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: kept_key(path), range(16)))
    assert len(keys) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["link.key"]


def test_a_file_that_holds_no_key_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "link.key"
    path.write_text("short\n")
    with pytest.raises(MonitorError, match=r"link\.key: holds 5 letters; a key of at least 16 is expected"):
        kept_key(path)
    assert path.read_text() == "short\n"
