from __future__ import annotations

import math
import re
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.wording import (
    is_hidden,
    join_words,
    one_line,
    say_amount,
    say_count,
    say_deviations,
    say_growth,
    say_moment,
    say_months,
    say_number,
    say_ordinal,
    say_percent,
    sentence_case,
    typed_line,
)

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (46_000, "kg", "46 t"),
        (628_000, "kg", "628 t"),
        (5_473_000, "kg", "5,473 t"),
        (1_500, "kg", "1.5 t"),
        (999, "kg", "999 kg"),
        (0, "kg", "0 t"),
        (-46_000, "kg", "−46 t"),
        (1_234_000_000, "USD", "1.23 bn USD"),
        (25_000_000, "USD", "25.0 M USD"),
        (999, "USD", "999 USD"),
        (12_345, "pcs", "12,345 pcs"),
        (51.234, "USD/kg", "51.23 USD/kg"),
        (NAN, "kg", "not known"),
    ],
)
def test_an_amount_is_said_with_its_unit(value: float, unit: str, words: str) -> None:
    assert say_amount(value, unit) == words


@pytest.mark.parametrize(
    ("value", "unit", "shown", "words"),
    [
        (46_000, "kg", "kg", "46,000 kg"),
        (460, "kg", "t", "0.5 t"),
        (5_473_000, "kg", "kt", "5.5 kt"),
        (1_500_000, "USD", "M USD", "1.5 M USD"),
        (46_000, "USD", "t", "46.0 k USD"),
    ],
)
def test_an_amount_is_shown_in_the_unit_that_is_asked_for(value: float, unit: str, shown: str, words: str) -> None:
    assert say_amount(value, unit, shown=shown) == words


@pytest.mark.parametrize("value", [1.0, 46_000.0, 3e9])
@pytest.mark.parametrize("unit", ["kg", "USD", "pcs", "USD/kg"])
def test_a_rise_has_a_plus_where_signs_are_asked_for(value: float, unit: str) -> None:
    assert say_amount(value, unit, signed=True) == f"+{say_amount(value, unit)}"
    assert say_amount(-value, unit, signed=True) == f"−{say_amount(value, unit)}"


@pytest.mark.parametrize(
    ("growth", "words"),
    [
        (0.158, "+15.8%"),
        (-0.183, "−18.3%"),
        (0.0, "+0.0%"),
        (-0.0001, "+0.0%"),
        (-1.0, "−100.0%"),
        (12.0, "+1,200.0%"),
        (INF, "from none"),
        (NAN, "not known"),
    ],
)
def test_growth_has_its_sign_and_growth_from_zero_is_from_none(growth: float, words: str) -> None:
    assert say_growth(growth) == words


@given(st.floats(allow_nan=True, allow_infinity=True, width=32), st.integers(0, 3))
def test_a_number_never_shows_a_hyphen_for_minus_nor_a_minus_for_nothing(value: float, decimals: int) -> None:
    said = say_number(value, decimals)
    assert "-" not in said
    assert not said.startswith("−") or float(said[1:].replace(",", "")) > 0
    assert "nan" not in said
    assert "inf" not in said


@pytest.mark.parametrize(("share", "words"), [(0.12, "12.0%"), (0.0, "0.0%"), (1.04, "104.0%"), (NAN, "not known")])
def test_a_part_is_said_in_percent(share: float, words: str) -> None:
    assert say_percent(share) == words


def test_percentages_are_whole_where_asked_for() -> None:
    assert say_percent(0.0732, 0) == "7%"
    assert say_growth(-0.933, 0) == "−93%"


def test_counts_have_their_number() -> None:
    assert [say_count(n, "alert") for n in (0, 1, 3, 2158)] == ["0 alerts", "1 alert", "3 alerts", "2,158 alerts"]
    assert say_count(2, "country", "countries") == "2 countries"


def test_ranks_are_said_as_people_do() -> None:
    ranks = (1, 2, 3, 4, 10, 11, 12, 13, 21, 22, 101, 111, 112)
    expected = ["1st", "2nd", "3rd", "4th", "10th", "11th", "12th", "13th", "21st", "22nd", "101st", "111th", "112th"]
    assert [say_ordinal(rank) for rank in ranks] == expected


def test_words_are_joined() -> None:
    assert [join_words(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_a_title_that_shouts_is_calmed_and_no_other() -> None:
    assert sentence_case("PETROLEUM & COAL PRODUCTS") == "Petroleum & coal products"
    assert sentence_case("Magnets of NdFeB") == "Magnets of NdFeB"


@pytest.mark.parametrize(
    ("score", "words"),
    [(-4.43, "4.4 standard deviations below"), (3.0, "3.0 standard deviations above"), (0.0, "0.0 standard deviations above")],
)
def test_a_score_is_a_distance_and_a_side(score: float, words: str) -> None:
    assert say_deviations(score) == words


def test_what_a_file_says_stays_on_one_line_in_a_sentence() -> None:
    said = one_line("a\nb\x1b[31m\u202ec " + "x" * 1000)
    assert said.isprintable()
    assert len(said) == 300
    assert one_line("figures", 4) == "fig…"


def test_a_moment_has_its_hour_and_its_zone() -> None:
    assert say_moment(datetime(2025, 7, 4, 6, 5, tzinfo=UTC)) == "4 July 2025, 06:05 UTC"


def test_months_in_a_row_are_said_as_the_first_and_the_last() -> None:
    january = 2025 * 12
    assert say_months([january]) == "January 2025"
    assert say_months([january + 1, january]) == "January 2025 and February 2025"
    assert say_months(range(january, january + 3)) == "January 2025 to March 2025"
    assert say_months([january, january + 1, january + 4]) == "January 2025, February 2025 and May 2025"


@given(st.text(max_size=30))
def test_a_line_that_is_taken_is_kept_as_it_was_typed(text: str) -> None:
    try:
        line = typed_line(text, 20)
    except ValueError:
        hidden = any(is_hidden(c) or (c.isspace() and c != " ") for c in text.strip(" "))
        blank = all(c in "\u200c\u200d" or unicodedata.category(c)[0] in "MZ" for c in text)
        assert hidden or blank or len(text.strip(" ")) > 20
    else:
        assert line == text.strip(" ")
        assert 0 < len(line) <= 20
        assert line.isprintable() or any(c in "\u200c\u200d" for c in line) or not line.isascii()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("  ", "the text is empty"),
        ("\u0300", "the text is empty"),
        ("\u200d \u200d", "the text is empty"),
        ("\u3164", "the text holds the character U+3164, which cannot be seen; write one plain line"),
        ("a\u2800b", "the text holds the character U+2800, which cannot be seen; write one plain line"),
        ("x" * 21, "the text has 21 characters; at most 20 are kept"),
        ("a\x1b[31mb", "the text holds the character U+001B, which cannot be seen; write one plain line"),
        ("a\nb", "the text holds the character U+000A, which cannot be seen; write one plain line"),
        ("a\u202eb", "the text holds the character U+202E, which cannot be seen; write one plain line"),
        ("a\u2028b", "the text holds the character U+2028, which cannot be seen; write one plain line"),
    ],
)
def test_a_line_that_is_not_taken_is_refused_in_a_sentence(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        typed_line(text, 20)
