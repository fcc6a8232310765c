"""A silence: what it fits, when it holds, and the words for its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.alerts.records import dump, load
from monitor.alerts.silences import Silence
from monitor.months import parse_month

AT = datetime(2026, 6, 30, 23, 59, tzinfo=UTC)
MAY, MARCH, APRIL = (parse_month(f"2026-{n}") for n in ("05", "03", "04"))
US = {"partner": "US", "product": "CN8:85051110", "team": ""}


@pytest.mark.parametrize(
    ("matchers", "fits"),
    [
        (['partner="US"'], True),
        (['partner="US"', 'product=~"CN8:8505.*"'], True),
        (['partner="US"', 'product=~"CN8:2846.*"'], False),
        (['partner!="DE"'], True),
        (['owner!="ada"'], False),
        (['team!="ada"'], False),
    ],
)
def test_all_its_matchers_must_hold_and_an_absent_or_empty_label_never_does(
    silence: Any, matchers: list[str], fits: bool
) -> None:
    assert silence(*matchers).fits(US) is fits


def test_it_holds_from_its_first_moment_to_the_end_of_its_last_day(silence: Any) -> None:
    one = silence('partner="US"', starts=AT - timedelta(days=1), until=datetime(2026, 7, 1, tzinfo=UTC))
    assert one.end == "30 June 2026"
    assert [one.holds(at, MAY) for at in (AT - timedelta(days=2), AT, AT + timedelta(minutes=1))] == [False, True, False]


def test_until_the_figures_of_a_month_it_holds_for_each_dataset_up_to_and_with_them(silence: Any) -> None:
    one = silence('partner="US"', until_figures=MARCH)
    assert one.end == "the figures of March 2026"
    assert [one.holds(AT, newest) for newest in (MARCH - 1, MARCH, APRIL)] == [True, True, False]
    assert one.is_over(AT + timedelta(days=5000), None) is False, "no day ends it"


def test_ended_by_hand_it_holds_no_longer_whatever_end_it_has(silence: Any) -> None:
    ended = {"ended": AT, "ended_by": "bob", "ended_why": "mended"}
    for one in (silence('partner="US"', **ended), silence('partner="US"', until_figures=APRIL, **ended)):
        assert (one.holds(AT - timedelta(days=1), MARCH), one.holds(AT, MARCH)) == (True, False)
        assert one.ended_words(AT, MARCH) == "the silence of ada (known outage) was ended by bob on 30 June 2026"


def test_who_asks_until_when_and_why_is_one_sentence(silence: Any) -> None:
    one = silence('partner="US"', until=datetime(2026, 7, 1, tzinfo=UTC))
    assert one.by == "silenced by ada until 30 June 2026: known outage"
    assert silence('partner="US"', until_figures=MARCH).by == "silenced by ada until the figures of March 2026: known outage"


def test_each_way_to_end_has_its_own_words(silence: Any) -> None:
    day = silence('partner="US"', until=datetime(2026, 7, 1, tzinfo=UTC))
    assert day.ended_words(datetime(2026, 7, 3, tzinfo=UTC), MAY) == "the silence of ada (known outage) ended 30 June 2026"
    month = silence('partner="US"', until_figures=MARCH)
    assert month.ended_words(AT, APRIL) == "the silence of ada (known outage) ended with the figures of March 2026"
    assert month.ended_words(AT, MARCH) == "the silence of ada (known outage) does not cover it", "it is worse, or relabelled"


def test_what_is_stored_is_read_back_as_it_was(silence: Any) -> None:
    for one in (silence('partner="US"', 'product=~"a\\"b"'), silence('partner="US"', until_figures=MARCH)):
        assert load(Silence, dump(one)) == one
