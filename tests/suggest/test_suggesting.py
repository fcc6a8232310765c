"""What is suggested for the series that somebody named, and what cannot be asked."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.errors import MonitorError
from monitor.rules.levels import Direction
from monitor.suggest.suggesting import suggest


def noise(seed: int, months: int = 130, size: float = 0.2) -> list[float]:
    return [round(value, 3) for value in 500 * np.exp(np.random.default_rng(seed).normal(0, size, months))]


@pytest.mark.parametrize(
    ("words", "options", "sentence"),
    [
        (["atlantis"], {}, 'no series fits "atlantis"; `monitor series find` lists them'),
        (["naics"], {"at_least": "20 t"}, "no rule can watch these series so: 20 t does not fit the measure value"),
        (["naics"], {"at_least": "much"}, 'no rule can watch these series so: "much" is not a quantity'),
    ],
)
def test_what_cannot_be_asked_is_told(desk, words, options, sentence):
    app = desk({"Mexico": noise(1, 30)})
    with pytest.raises(MonitorError) as caught:
        suggest(app, words, Direction.DROP, **options)
    assert str(caught.value).startswith(sentence)


def test_too_many_series_are_for_one_rule(desk):
    partners = ["Canada", "Mexico", "Germany", "France", "Italy", "Spain", "Poland", "Austria", "Belgium", "Brazil", "Chile",
                "China", "Japan", "India", "Israel", "Norway", "Sweden", "Finland", "Denmark", "Greece", "Portugal"]  # fmt: skip
    app = desk({partner: noise(1, 12) for partner in partners})
    with pytest.raises(MonitorError, match="21 series fit; add a word so that at most 20 do, or --together"):
        suggest(app, ["naics"], Direction.DROP)


def test_rules_over_several_products_and_partners_are_called_by_the_words_asked_for(desk):
    app = desk({f"{partner}/NAICS3:{n}/import": noise(n, 12) for partner in ("Mexico", "Canada") for n in (334, 335, 336)})
    names = [suggest(app, words, Direction.DROP, together=True)[0].name for words in (["naics"], ["naics", "electr"], ["336"])]
    assert names == ["census-imports-naics-value", "census-imports-naics-electr-value", "naics3-336-value"]


def test_series_that_would_share_a_name_in_one_file_are_numbered(desk):
    app = desk({"Mexico": noise(1, 12), "Mexico/NAICS3:334/export": noise(2, 12), "Canada": noise(3, 12)})
    assert [one.name for one in suggest(app, ["naics"], Direction.DROP)] == [
        "ca-naics3-334-value", "mx-naics3-334-value", "mx-naics3-334-value-2",
    ]  # fmt: skip


def test_the_search_tells_how_far_it_is(desk):
    told: list[str] = []
    suggest(desk({"Mexico": noise(1, 40), "Canada": noise(2, 40)}), ["naics"], Direction.DROP, progress=told.append)
    assert told == [
        "Computers and electronics, United States from Canada",
        "Computers and electronics, United States from Mexico",
    ]
