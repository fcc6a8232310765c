"""What a flow's reporter says, beside what its partner says: which series of other datasets tell the flows of a panel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from monitor.baskets.records import Basket
from monitor.baskets.totals import with_total
from monitor.detection.gap import FLOW
from monitor.panel import Panel
from monitor.series import Basis

_SIX_DIGITS = r"^(?!NAICS|SITC|X:)[A-Z0-9]+:(\d{6})\d*$"
_HS6 = [*(name for name in FLOW if name != "product"), "six"]


def beside(panel: Panel, others: Sequence[Panel], baskets: Iterable[Basket]) -> Panel:
    """
    Return the reporters' own weights of the flows that a panel has from their partners, each under the product of the panel.

    Parameters
    ----------
    panel : Panel
        The whole dataset: whether a code is the only one of its six digits is seen here.
    others : sequence of Panel
        Datasets that may hold the reporters' figures; of two that tell one flow the first is taken.
    baskets : iterable of Basket
        Baskets whose totals are wanted too: either side adds up its own codes.

    Notes
    -----
    A product is the same code, or else the same six digits of the Harmonized System, where each side has one code of these only.
    """
    wanted = list(baskets)
    found = [one for other in others if (one := _of(panel, other, wanted)).keys]
    if not found:
        return panel.select([])
    start = min(one.start for one in found)
    stop = max(one.last + 1 for one in found)
    keys = [key for one in found for key in one.keys]
    values = np.full((len(keys), stop - start), np.nan)
    row = 0
    for one in found:
        values[row : row + len(one.keys), one.start - start : one.start - start + one.shape[1]] = one.values
        row += len(one.keys)
    _, first = np.unique([str(key.replace(source="", dataset="")) for key in keys], return_index=True)
    return Panel.of(keys, start, values).select(np.sort(first).astype(np.int64))


def _of(panel: Panel, other: Panel, baskets: Sequence[Basket]) -> Panel:
    """Return the series of another dataset that tell flows of the panel, and its totals of the baskets."""
    for basket in baskets:
        other = with_total(other, basket)
    fields = other.fields.assign(row=np.arange(len(other.keys)))
    fields = fields[(fields["basis"] == Basis.REPORTED.value) & (fields["measure"] == "weight")]
    own = panel.fields[(panel.fields["basis"] == Basis.MIRROR.value) & (panel.fields["measure"] == "weight")]
    same = fields[pd.MultiIndex.from_frame(fields[FLOW]).isin(pd.MultiIndex.from_frame(own[FLOW]))]
    totals = fields[fields["product"].isin([basket.total for basket in baskets])]
    alike = _only(own).merge(_only(fields), on=_HS6, suffixes=("", "_other"))[["row", "product"]]
    rows = pd.concat([same[["row", "product"]], totals[["row", "product"]], alike]).drop_duplicates()
    found = other.select(rows["row"].to_numpy(np.int64))
    return replace(found, keys=tuple(key.replace(product=p) for key, p in zip(found.keys, rows["product"], strict=True)))


def _only(fields: pd.DataFrame) -> pd.DataFrame:
    """Return the series that alone have the six digits of their product, in a column `six`."""
    six = fields.assign(six=fields["product"].str.extract(_SIX_DIGITS)[0]).dropna(subset="six")
    return six[~six.duplicated(_HS6, keep=False)]
