"""A locale changes how figures are written and never which: whatever is written reads back as what is said plainly."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from babel.numbers import parse_decimal
from hypothesis import given
from hypothesis import strategies as st

from monitor.speech import PLAIN, Speech, day, hour, speaking, spoken
from monitor.wording import MINUS, say_amount, say_growth, say_moment, say_number, say_percent

LOCALES = ("de_DE", "fr_CH", "en_US", "en_IN", "ja_JP")
JUNE_20 = datetime(2025, 6, 20, 2, 10, tzinfo=UTC)
NUMBERS = st.floats(-1e13, 1e13, allow_nan=False, allow_infinity=False)


def read_back(words: str, locale: str) -> Decimal:
    """Return the number in words as a reader of the locale reads it."""
    found = re.search(r"[\d.,’'\u00a0\u202f]*\d", words)
    assert found
    size = parse_decimal(found[0], locale=locale)
    return -size if MINUS in words else size


@given(NUMBERS, st.integers(0, 2), st.sampled_from(LOCALES))
def test_no_figure_changes_its_value(value: float, decimals: int, locale: str) -> None:
    plain = read_back(say_number(value, decimals), "en_US")
    with speaking(Speech(locale=locale)):
        assert read_back(say_number(value, decimals), locale) == plain


@given(NUMBERS, st.sampled_from(("kg", "pcs", "USD", "USD/kg")), st.sampled_from(LOCALES))
def test_no_amount_changes_its_value_its_unit_or_its_decimals(value: float, unit: str, locale: str) -> None:
    plain = say_amount(value, unit)
    with speaking(Speech(locale=locale)):
        said = say_amount(value, unit)
    assert read_back(said, locale) == read_back(plain, "en_US")
    assert re.sub(r"[^A-Za-z/ ]", "", said).split() == re.sub(r"[^A-Za-z/ ]", "", plain).split()


@given(st.floats(-50, 50), st.sampled_from(LOCALES))
def test_no_growth_changes_its_value_or_its_sign(growth: float, locale: str) -> None:
    plain = say_growth(growth)
    with speaking(Speech(locale=locale)):
        said = say_growth(growth)
    assert (said[0], read_back(said, locale)) == (plain[0], read_back(plain, "en_US"))


@pytest.mark.parametrize(
    ("locale", "number", "growth", "share"),
    [
        ("", "1,234,567.5", "−18.3%", "12.0%"),
        ("de_DE", "1.234.567,5", "−18,3\u00a0%", "12,0\u00a0%"),
        ("fr_CH", "1\u202f234\u202f567,5", "−18,3%", "12,0%"),
        ("en_US", "1,234,567.5", "−18.3%", "12.0%"),
        ("en_IN", "12,34,567.5", "−18.3%", "12.0%"),
        ("ja_JP", "1,234,567.5", "−18.3%", "12.0%"),
        ("tr_TR", "1.234.567,5", "−%18,3", "%12,0"),
    ],
)
def test_numbers_and_percentages_are_written_as_readers_do(locale: str, number: str, growth: str, share: str) -> None:
    with speaking(Speech(locale=locale)):
        assert (say_number(1234567.5, 1), say_growth(-0.183), say_percent(0.12)) == (number, growth, share)


@pytest.mark.parametrize(
    ("speech", "moment", "short"),
    [
        (PLAIN, "20 June 2025, 02:10 UTC", "20 June"),
        (Speech(time_zone="Europe/Berlin"), "20 June 2025, 04:10 CEST", "20 June"),
        (Speech(locale="de_DE", time_zone="Europe/Berlin"), "20. June 2025, 04:10 CEST", "20. June"),
        (Speech(locale="en_US", time_zone="America/New_York"), "June 19, 2025, 10:10 PM EDT", "June 19"),
        (Speech(locale="en_IN", time_zone="Asia/Kolkata"), "20 June 2025, 7:40 AM IST", "20 June"),
        (Speech(locale="ja_JP", time_zone="Asia/Kathmandu"), "2025-06-20, 07:55 UTC+05:45", "June 20"),
    ],
)
def test_moments_stand_in_the_readers_order_and_zone(speech: Speech, moment: str, short: str) -> None:
    with speaking(speech):
        assert (say_moment(JUNE_20), day(JUNE_20, year=False)) == (moment, short)


def test_a_day_has_no_zone() -> None:
    with speaking(Speech(time_zone="America/New_York")):
        assert day(date(2025, 6, 20)) == "20 June 2025"
        assert hour(JUNE_20) == "22:10 EDT"


def test_a_way_of_speaking_ends_with_what_is_said_within_it() -> None:
    with pytest.raises(ValueError, match="x"), speaking(Speech(locale="de_DE")):
        raise ValueError("x")
    assert spoken() == PLAIN
