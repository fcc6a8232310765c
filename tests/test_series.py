from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.months import month
from monitor.series import Coverage, Release, SeriesKey, Status

KEY = SeriesKey(
    source="gacc",
    dataset="magnets",
    reporter="CN",
    partner="US",
    product="CN8:85051110",
    flow="export",
    measure="weight",
    unit="kg",
)

words = st.text(alphabet="abcXYZ019:-. ", min_size=1, max_size=8)


@given(
    st.builds(
        SeriesKey,
        source=words,
        dataset=st.lists(words, min_size=1, max_size=3).map("/".join),
        reporter=words,
        partner=words,
        product=words,
        flow=words,
        measure=st.sampled_from(["weight", "value", "quantity", "duty"]),
        unit=st.sampled_from(["kg", "USD", "pcs"]),
        basis=st.sampled_from(["reported", "mirror"]),
    )
)
def test_a_key_that_is_written_is_read_back_whatever_its_dataset(key: SeriesKey) -> None:
    assert SeriesKey.parse(str(key)) == key


def test_a_price_with_its_slash_is_read_back() -> None:
    price = KEY.replace(measure="unit_value", unit="USD/kg", dataset="imports/hs")
    assert str(price) == "gacc/imports/hs/CN/US/CN8:85051110/export/unit_value/USD/kg/reported"
    assert SeriesKey.parse(str(price)) == price


@pytest.mark.parametrize("text", ["", "gacc/magnets", "a/b/c/d/e/f/g/h", "a/b/c/d/e/unit_value/USD/kg/reported"])
def test_a_text_with_too_few_parts_is_no_series(text: str) -> None:
    with pytest.raises(ValueError, match="is not a series; its parts are source/dataset/reporter"):
        SeriesKey.parse(text)


def test_a_product_names_its_nomenclature() -> None:
    assert KEY.nomenclature == "CN8"


def test_a_sibling_differs_in_the_given_fields_only() -> None:
    assert KEY.replace(partner="VN").replace(partner="US") == KEY
    assert KEY.replace(partner="VN") != KEY


@pytest.mark.parametrize(
    ("scope", "inside"),
    [
        ({}, True),
        ({"partners": ("US", "DE")}, True),
        ({"partners": ("DE",)}, False),
        ({"partners": ()}, False),
        ({"products": ("CN8:85051110",), "measures": ("weight",), "flows": ("export",)}, True),
        ({"products": ("CN8:85051110",), "measures": ("value",)}, False),
        ({"flows": ("import",)}, False),
    ],
)
def test_a_coverage_includes_what_lies_in_every_part_of_its_scope(scope: dict[str, tuple[str, ...]], inside: bool) -> None:
    assert Coverage(periods=(month(2025, 5),), **scope).includes(KEY) is inside


def test_only_figures_and_zeros_are_numbers() -> None:
    assert [status.name for status in Status if status.is_number] == ["VALUE", "ZERO", "ABSENT_ZERO"]


def test_every_status_has_a_sentence_of_its_own() -> None:
    assert len({status.sentence for status in Status}) == len(Status)


def test_a_release_is_named_by_its_newest_month_and_judged_by_publication_then_arrival() -> None:
    at = datetime(2025, 6, 20, tzinfo=UTC)
    release = Release(
        id="r",
        source="gacc",
        dataset="magnets",
        published_at=at,
        estimated=False,
        fetched_at=at,
        arrival=7,
        coverage=Coverage(periods=(month(2025, 5), month(2025, 4))),
        rows=1,
        sha256="",
    )
    assert release.newest == month(2025, 5)
    assert release.order == (at, 7)
    assert str(release) == "gacc magnets 2025-05"
    assert release.title == "gacc magnets, May 2025"
