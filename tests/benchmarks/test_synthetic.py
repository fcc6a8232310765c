"""The law of the synthetic panel is the law that its figures have."""

from __future__ import annotations

import numpy as np

from benchmarks.quality import ours
from benchmarks.quality.cases import FACTORS, Group, Stratum
from benchmarks.quality.metrics import Trials, detection
from benchmarks.quality.synthetic import Synthetic, draw, law_surprise


def test_the_law_is_calibrated() -> None:
    made = draw(240, seed=5)
    known = law_surprise(made.law, made.panel.values)[~made.intermittent, 24:]
    assert 0.007 < (np.abs(known) > 2.5758).mean() < 0.013
    assert abs(known.mean()) < 0.02
    assert 0.97 < known.std() < 1.03


def test_a_third_is_intermittent_in_whole_units_and_every_other_partner_keeps_new_year(drawn: Synthetic) -> None:
    values = drawn.panel.values
    assert drawn.intermittent.mean() == 1 / 3
    assert (values == np.round(values)).all()
    zeros = (values[drawn.intermittent] == 0).mean(axis=1)
    assert zeros.min() > 0.03
    assert zeros.max() < 0.75
    assert (values[~drawn.intermittent] > 0).all()
    assert sum(key.partner in ("CN", "VN", "KR", "TW") for key in drawn.panel.keys) == 48


def test_the_same_seed_draws_the_same_figures(drawn: Synthetic) -> None:
    np.testing.assert_array_equal(draw(96, seed=11).panel.values, drawn.panel.values)
    assert (draw(96, seed=12).panel.values != drawn.panel.values).mean() > 0.5


def test_no_method_beats_the_likelihood_ratio(group: Group) -> None:
    dense = group.strata == Stratum.SYNTHETIC
    best, own, bank = (
        answer.scores[dense] for answer in (ours.best_test(group), ours.own_law(group), ours.bank(group)) if answer
    )
    quality = [
        detection(Trials(scores=scores, usable=group.usable[dense], positive=group.positive[dense]), np.ones((1, dense.sum())))[
            0, 0
        ]
        for scores in (best, np.abs(own), np.abs(bank))
    ]
    assert quality[0] >= quality[1] - 0.02
    assert quality[0] >= quality[2] - 0.02
    assert quality[2] > 0.5
    assert len(FACTORS) == 5
