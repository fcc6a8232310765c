from __future__ import annotations

import dataclasses
import re

from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.messages import Digest
from monitor.notify.shortening import CUT, clipped, left_out, most_that_fit

SENTENCE = "Magnets, China to World: 1,238 t in May 2025, 74.3% below a year earlier (4,812 t), worth 2.35 M USD, −18% since."
TOKENS = ("1,238 t", "May 2025", "74.3%", "4,812 t", "2.35 M USD", "−18%")


def bytes_of(text: str) -> int:
    return len(text.encode())


def test_what_fits_stays_as_it_is() -> None:
    assert clipped(SENTENCE, len(SENTENCE)) == SENTENCE


def test_no_figure_is_cut_from_its_unit_wherever_the_limit_falls() -> None:
    for most in range(1, len(SENTENCE)):
        short = clipped(SENTENCE, most)
        assert len(short) <= most
        kept = short.removesuffix(CUT).removesuffix("…")
        assert SENTENCE.startswith(kept)
        for token in TOKENS:
            place = SENTENCE.index(token)
            assert not place < len(kept) < place + len(token), (most, short)


@given(st.text(max_size=200), st.integers(1, 120))
def test_a_shortened_text_is_within_its_limit_and_begins_as_the_whole(text: str, most: int) -> None:
    for size in (len, lambda t: len(t.encode("utf-8", "surrogatepass"))):
        short = clipped(text, max(most, 3), size=size)
        assert size(short) <= max(most, 3)
        assert text.startswith(re.sub(r" ?…$", "", short)) or short == text


def test_one_endless_word_is_cut_where_no_figure_stands() -> None:
    assert clipped("x" * 50, 10) == "x" * 8 + "…"
    assert clipped("x123456789", 6) == "x…"
    assert clipped("9" * 50, 10) == "…"


def test_a_limit_in_bytes_is_measured_in_bytes() -> None:
    assert bytes_of(clipped("磁铁 出口 到 美国 五月", 20, size=bytes_of)) <= 20


@given(st.integers(0, 60), st.integers(-1, 60))
def test_as_many_as_fit_are_kept(count: int, limit: int) -> None:
    assert most_that_fit(count, lambda n: n <= limit) == max(min(count, limit), 0)


def test_what_is_left_out_is_counted_and_has_a_place_to_see_it(digest: Digest) -> None:
    page = dataclasses.replace(digest, more="And 2 more, 4% of the move, in the attached table.")
    assert left_out(page, 0) == "And 2 more, 4% of the move, see `monitor alerts list`."
    assert left_out(page, 9) == f"And 9 more, see `monitor alerts list`. {left_out(page, 0)}"
    assert left_out(page, 9, table=True) == f"And 9 more, in the attached table. {page.more}"
    assert left_out(dataclasses.replace(page, more=""), 0) == ""
