from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.months import month
from monitor.rules.example_keys import ExampleKeys, GivenKeys, Reading, ReleaseKeys, TransitionKeys

SERIES = {
    "source": "gacc", "dataset": "magnets", "reporter": "CN", "partner": "US", "product": "CN8:85051110",
    "flow": "export", "measure": "weight", "unit": "t",
}  # fmt: skip
FIGURES = {**SERIES, "from": "2025-01", "figures": [600, None, 0]}


def reading(text: object) -> Reading:
    row = {"month": "2025-01", "series": "US", "change": "opened", "reads": {"ratio": text}}
    return TransitionKeys.model_validate(row).reads["ratio"]


def refused(model: type, data: object) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(data)
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "value", "same"),
    [
        (0.07, 0.0732, True),
        (0.07, 0.0751, False),
        ("0.70", 0.704, True),
        ("0.70", 0.706, False),
        ("-93.3%", -0.93324, True),
        ("−93.3%", -0.93324, True),
        ("-93.3%", 0.93324, False),
        (3, 3.0, True),
        ("0%", -0.001, True),
        (1, None, False),
    ],
)
def test_a_reading_is_the_value_that_rounds_to_what_is_written(written, value, same):
    assert reading(written).says(value) is same


@given(st.floats(-1e6, 1e6), st.integers(0, 4))
def test_a_value_written_down_says_itself(value, decimals):
    text = f"{value:.{decimals}f}"
    assert reading(text).says(float(text))
    assert reading(f"{text}%").says(float(text) / 100)


@pytest.mark.parametrize("text", ["much", "nan", "inf", "1e9", "1_0", "0x1", "%", "", "9" * 400, "1 %", "٣"])
def test_what_is_no_number_is_refused(text):
    assert f'"{text}" is not a number; write 0.07 or -93.3%' in refused(
        TransitionKeys, {"month": "2025-01", "series": "US", "change": "opened", "reads": {"ratio": text}}
    )


@pytest.mark.parametrize(
    "release",
    [
        {"months": "9999-12"},
        {"months": "1899-12"},
        {"months": "2025-05", "published": "0001-01-01T00:00+08:00"},
        {"months": "2025-05", "published": "9999-12-31T23:00-08:00"},
    ],
)
def test_times_that_no_release_has_are_refused(release):
    assert "between 1900 and 2199" in refused(ReleaseKeys, release)


def test_months_of_a_release_are_one_or_a_span():
    assert ReleaseKeys.model_validate({"months": "2025-05"}).months == (month(2025, 5),)
    assert ReleaseKeys.model_validate({"months": "2024-11 to 2025-02"}).months == tuple(range(month(2024, 11), month(2025, 3)))
    assert "ends before it begins" in refused(ReleaseKeys, {"months": "2025-05 to 2025-01"})


def test_a_day_means_its_noon_and_a_moment_itself():
    noon, moment = (
        ReleaseKeys.model_validate({"months": "2025-05", "published": text}).published
        for text in ("2025-06-20", "2025-06-20T10:00+08:00")
    )
    assert str(noon) == "2025-06-20 12:00:00+00:00"
    assert str(moment) == "2025-06-20 02:00:00+00:00"


def test_a_gap_is_no_figure_and_a_zero_is_one():
    assert GivenKeys.model_validate(FIGURES).figures == (600, None, 0)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"figures": None}, "write one of figures, file and bundled; here are none"),
        ({"file": "x.csv"}, "here are figures and file"),
        ({"partner": None, "unit": None}, "no partner and no unit; write it here, or under series for all"),
        ({"partner": ["US", "DE"]}, "figures belong to one partner; here are 2"),
        ({"from": None}, "from is missing: the month of the first figure"),
        ({"to": "2025-03"}, "to does not go with figures"),
        ({"unit": "M USD"}, "a weight is not in M USD"),
        ({"product": "85051110"}, '"85051110" has no nomenclature'),
        ({"figures": [-1]}, "greater than or equal to 0"),
        ({"figures": []}, "at least 1"),
    ],
)
def test_given_figures_that_cannot_be_right_are_refused(changes, sentence):
    assert sentence in refused(GivenKeys, {**FIGURES, **changes})


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({}, "write given (figures) or facts"),
        ({"given": [FIGURES]}, "expect is missing: the changes that are told, or [] for none"),
        (
            {"given": [FIGURES], "expect": [], "live_from": "2025-02", "releases": [{"months": "2025-01"}]},
            "live_from or releases",
        ),
        ({"facts": [{"begins": "source_failed", "subject": "x"}], "live_from": "2025-02"}, "facts have no releases"),
        ({"facts": [{"subject": "x"}]}, "write begins or ends"),
    ],
)
def test_a_test_that_says_too_little_or_too_much_is_refused(keys, sentence):
    assert sentence in refused(ExampleKeys, {"name": "x", "rules": "r", **keys})


def test_a_test_that_allows_others_may_expect_sentences_only():
    keys = {"name": "x", "rules": "r", "given": [FIGURES], "others": "allowed", "mentions": ["600 t"]}
    assert ExampleKeys.model_validate(keys).expect is None


@pytest.mark.parametrize("figure", [True, "46", float("nan"), -1])
def test_what_is_no_figure_is_none(figure):
    assert "figures.1" in refused(GivenKeys, {**FIGURES, "figures": [600, figure]})


@pytest.mark.parametrize("key", ["says", "mentions"])
def test_nothing_is_no_sentence_to_wait_for(key):
    keys = {"name": "x", "rules": "r", "given": [FIGURES], "expect": [], key: [" "]}
    assert f"{key}.0" in refused(ExampleKeys, keys)
