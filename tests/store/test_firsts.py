"""Figures as first released, and every change of every release."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from monitor.panel import Floats
from monitor.series import Status
from monitor.store.observations import Figures

NAN = float("nan")
Commit = Callable[..., Any]


def first(figures: Figures, **more: Any) -> Floats | None:
    return figures.panel("gacc", "magnets", first=True, **more).first


def test_a_dataset_without_revisions_needs_no_memory_for_them(figures: Figures, commit: Commit) -> None:
    commit([("US", 1, 10.0)], day=40)
    commit([("US", 2, 11.0), ("DE", 2, 5.0)], day=70)
    assert first(figures) is None


def test_the_first_figure_stays_whatever_comes_after(figures: Figures, commit: Commit) -> None:
    commit([("US", 1, 10.0)], day=40)
    commit([("US", 1, 12.0), ("US", 2, 20.0)], day=70)
    commit([("US", 1, 13.0), ("US", 2, 21.0), ("DE", 2, 1.0)], day=100)
    panel = figures.panel("gacc", "magnets", first=True)
    by_partner = dict(zip((key.partner for key in panel.keys), panel.released.tolist(), strict=True))
    assert by_partner["US"] == [10, 20]
    assert by_partner["DE"][1] == 1
    assert figures.panel("gacc", "magnets").first is None


def test_nothing_is_known_of_later_releases(figures: Figures, commit: Commit) -> None:
    old = commit([("US", 1, 10.0)], day=40)
    newer = commit([("US", 1, 12.0)], day=70)
    assert first(figures, as_of=old) is None
    np.testing.assert_array_equal(first(figures, as_of=newer), [[10.0]])


def test_a_release_that_arrives_late_is_the_first_if_it_was_published_first(figures: Figures, commit: Commit) -> None:
    commit([("US", 1, 12.0)], day=70)
    assert first(figures) is None
    commit([("US", 1, 10.0)], day=40)
    np.testing.assert_array_equal(first(figures), [[10.0]])


def test_what_was_no_number_at_first_is_first_released_with_its_number(figures: Figures, commit: Commit) -> None:
    commit([("US", 1, None), ("DE", 1, 4.0)], day=40)
    commit([("US", 1, 12.0), ("DE", 1, None)], day=70)
    panel = figures.panel("gacc", "magnets", first=True)
    by_partner = dict(zip((key.partner for key in panel.keys), panel.released.tolist(), strict=True))
    assert by_partner == {"US": [12.0], "DE": [4.0]}
    assert panel.status.tolist()[[key.partner for key in panel.keys].index("DE")] == [Status.SUPPRESSED]


def test_the_first_figures_are_those_of_the_panel_also_where_what_is_derived_was_lost(figures: Figures, commit: Commit) -> None:
    for day in range(40, 46):
        commit([("US", 1, float(day)), ("DE", 1, 7.0), ("US", 2, 2.0 * day)], day=day)
    expected = first(figures)
    for path in (figures.folder / ".derived").rglob("*.arrow"):
        path.unlink()
    np.testing.assert_array_equal(first(figures), expected)


def test_changes_hold_each_figure_once_a_release_that_changed_it(figures: Figures, commit: Commit) -> None:
    one = commit([("US", 1, 10.0), ("DE", 1, 5.0)], day=40)
    two = commit([("US", 1, 12.0), ("DE", 1, 5.0)], day=70)
    keys, changes = figures.changes("gacc", "magnets")
    told = [
        (release.id, keys[int(s)].partner, float(v))
        for release, cells in changes
        for s, v in zip(cells.series, cells.value, strict=True)
    ]
    assert sorted(told) == sorted([(one.id, "US", 10.0), (one.id, "DE", 5.0), (two.id, "US", 12.0)])
    assert [release.id for release, _ in figures.changes("gacc", "magnets", as_of=one)[1]] == [one.id]
