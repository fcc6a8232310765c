"""The newest-month test shows nothing that comes after, and counts only figures that changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.quality.casefile import cases_of
from benchmarks.quality.cases import DENSE, FACTORS, SHORT, Group, Half, Stratum, half_of, sample, short, strata_of
from benchmarks.quality.panels import IMPORTS, real_panels
from monitor.detection.bank import Bank
from monitor.detection.expected import surprise
from monitor.series import Status


def test_one_pass_over_the_panel_gives_the_score_of_a_figure_at_the_end_of_a_history_cut_there(group: Group) -> None:
    expectation = Bank().expect(group.panel)
    scores = group.scores(lambda panel: surprise(expectation, panel))
    for place, column in ((0, group.columns[0]), (7, group.columns[7])):
        for kind, factor in ((0, 1.0), (3, FACTORS[2]), (5, FACTORS[4])):
            figures = group.panel.values.copy()
            figures[:, column] = np.round(figures[:, column] * factor)
            cut = replace(group.panel, values=figures).cut(group.panel.start + int(column))
            alone = surprise(Bank().expect(cut), cut)[:, -1]
            np.testing.assert_array_equal(scores[:, place, kind], alone)


def test_a_figure_that_rounding_leaves_as_it_was_carries_no_shock(group: Group) -> None:
    figures = group.cases()
    assert (figures == np.round(figures)).all()
    zero = figures[..., 0] == 0
    assert zero.sum() > 50
    assert not group.positive[zero].any()
    assert group.positive[figures[..., 0] > 100].all()


def test_the_halves_share_no_pair_of_partner_and_product(group: Group) -> None:
    of = {(key.partner, key.product): half_of(key) for key in group.panel.keys}
    assert all(half_of(key.replace(measure="value", flow="export")) is of[key.partner, key.product] for key in group.panel.keys)
    assert 30 < sum(half is Half.TUNE for half in of.values()) < 66


def test_a_short_history_holds_25_to_36_months_before_each_month(group: Group) -> None:
    cut = short(group)
    assert set(cut.strata) == {Stratum.SHORT}
    assert [int(column) for column in cut.columns] == list(range(SHORT, SHORT + 12))
    held = cut.panel.known.sum(axis=1)[cut.rows]
    assert (held == SHORT + 12).all()
    np.testing.assert_array_equal(cut.cases(), group.cases()[group.strata == Stratum.SYNTHETIC])


def test_a_sample_takes_every_third_month_of_the_series_asked_for(group: Group) -> None:
    (chosen,) = sample([group], {Stratum.SYNTHETIC: 5, Stratum.INTERMITTENT: 2})
    assert sorted(chosen.strata) == [Stratum.SYNTHETIC] * 5 + [Stratum.INTERMITTENT] * 2
    assert [int(column) for column in chosen.columns] == [int(column) for column in group.columns[2::3]]
    assert 1 <= sum(month <= 3 for month in chosen.calendar) <= 2


def test_a_peer_is_shown_a_series_up_to_the_month_before(group: Group) -> None:
    rows = cases_of([group])
    assert len(rows) == len(group.rows) * 12
    for row, (i, j) in zip(rows[::37], [divmod(n, 12) for n in range(0, len(rows), 37)], strict=True):
        column = int(group.columns[j])
        np.testing.assert_array_equal(row["history"], group.panel.values[group.rows[i], :column])
        assert row["figures"][0] == group.panel.values[group.rows[i], column]
        assert len(row["lunar"]) == len(row["history"]) + 1
        assert (row["year"], row["month"]) == (2014, 11)


def test_real_series_come_through_the_door_of_the_product_and_stand_in_the_stratum_that_they_were_before() -> None:
    panel = real_panels()[IMPORTS]
    strata = strata_of(panel)
    assert (panel.resolution == 1).all()
    assert (panel.status == Status.ABSENT_ZERO).sum() > 1000
    for row in np.flatnonzero(strata == Stratum.REAL)[::50]:
        assert panel.keys[row].measure == "value"
        assert (panel.values[row, :-12] == 0).mean() <= DENSE
    assert {panel.keys[row].measure for row in np.flatnonzero(strata == Stratum.DUTIES)} == {"duty"}
    assert not {panel.keys[row].partner for row in np.flatnonzero(strata == Stratum.REAL)} & {"WORLD", "EU", "USMCA"}
