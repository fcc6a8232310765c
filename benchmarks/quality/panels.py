"""The bundled real series as panels, read through the product's own door: configuration, source, checks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import numpy as np
import pandas as pd

from monitor.countries import PartnerKind, partner_kind
from monitor.panel import Bools, Panel
from monitor.series import KEY_FIELDS, SeriesKey, Status
from monitor.settings import Settings
from monitor.shipped import shipped_folder
from monitor.sources.base import Table as Figures
from monitor.sources.http import Client
from monitor.sources.table import Table
from monitor.sources.table_keys import TableParameters

IMPORTS, EXPORTS, MAGNETS = "imports/naics", "exports/hs", "magnets"


def real_panels() -> dict[str, Panel]:
    """Return the bundled datasets by name, each as one release of everything."""
    settings = Settings.load(shipped_folder("config"), {})
    found = {}
    for entry in settings.sources:
        if isinstance(entry.parameters, TableParameters) and entry.parameters.package:
            whole = entry.parameters.model_copy(update={"releases": None})
            source = Table(entry.name, whole, client=cast(Client, None), clock=lambda: datetime.now(UTC))  # reads no network
            found[entry.dataset] = to_panel(entry.name, entry.dataset, source.fetch(next(iter(source.releases(0)))))
    return found


def to_panel(source: str, dataset: str, figures: Figures) -> Panel:
    """Lay one release out as a panel; from a series' first row on, a missing row is what the source declares."""
    frame = figures.frame.assign(source=source, dataset=dataset)
    columns = frame["period"].to_numpy() - frame["period"].min()
    rows, names = pd.factorize(pd.MultiIndex.from_frame(frame[list(KEY_FIELDS)]))
    keys = [SeriesKey(**dict(zip(KEY_FIELDS, map(str, name), strict=True))) for name in names]
    values = np.full((len(keys), int(columns.max()) + 1), np.nan)
    status = np.zeros(values.shape, np.uint8)
    values[rows, columns], status[rows, columns] = frame["value"], frame["status"]
    if figures.absent == "zero":
        given = np.maximum.accumulate(status != Status.NOT_PUBLISHED, axis=1)
        missing = given & (status == Status.NOT_PUBLISHED)
        values[missing], status[missing] = 0.0, Status.ABSENT_ZERO
    steps = np.array([figures.resolution.get(key.measure, 0.0) for key in keys])
    return Panel.of(keys, int(frame["period"].min()), values, status=status, resolution=steps)


def of_one_country(panel: Panel) -> Bools:
    """Return which series have a single country as partner: groups and the world stand beside their parts."""
    return np.array([partner_kind(key.partner) is PartnerKind.COUNTRY for key in panel.keys], bool)
