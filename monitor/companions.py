"""The reporters' own figures beside those of their partners, as they were known at the same moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import numpy as np

from monitor.app import App
from monitor.detection.beside import beside
from monitor.panel import Panel
from monitor.rules.schema import Rule
from monitor.series import Basis, Release, SeriesKey


def with_companions(app: App, panel: Panel, rules: Iterable[Rule], as_of: Release | datetime | None = None) -> Panel:
    """
    Return a panel with what the reporters of its mirrored flows say themselves, where a rule compares the two.

    Parameters
    ----------
    panel : Panel
        A whole dataset.
    rules : iterable of Rule
    as_of : Release or datetime, optional
        What the other datasets knew then: releases of every dataset come in one order, of publication and then arrival.
    """
    reading = [rule for rule in rules if any(call.indicator == "mirror_gap" for call in rule.calls)]
    if not reading:
        return panel
    told = panel.fields[(panel.fields["basis"] == Basis.MIRROR.value) & (panel.fields["measure"] == "weight")]
    flows = set(told[["reporter", "flow"]].drop_duplicates().itertuples(index=False, name=None))
    if not flows:
        return panel
    own = {(key.source, key.dataset) for key in panel.keys}
    order = {(entry.name, entry.dataset): n for n, entry in enumerate(app.settings.sources)}
    datasets = sorted(set(app.releases.datasets()) - own, key=lambda one: (order.get(one, len(order)), one))
    others = [found for one in datasets if (found := _telling(app, *one, flows, as_of)) is not None]
    return replace(panel, beside=beside(panel, others, [rule.summed for rule in reading if rule.summed is not None]))


def _telling(app: App, source: str, dataset: str, flows: set[tuple[str, str]], as_of: Release | datetime | None) -> Panel | None:
    """Return the weights by which a dataset tells some flows itself; None where it has none."""
    if not any(_tells(key, flows) for key in app.figures.keys_of(source, dataset)):
        return None
    panel = app.figures.panel(source, dataset, as_of=as_of)
    return panel.select(np.flatnonzero([_tells(key, flows) for key in panel.keys]))


def _tells(key: SeriesKey, flows: set[tuple[str, str]]) -> bool:
    return key.basis == Basis.REPORTED and key.measure == "weight" and (key.reporter, key.flow) in flows
