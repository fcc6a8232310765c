"""The figures of a sheet as they were first released."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monitor.panel import Floats
from monitor.store.chain import Cells, Sheet


def first_released(sheet: Sheet, changes: Sequence[Cells]) -> Floats | None:
    """
    Return the first number that was given for each cell, shape (n, T), NaN where none was.

    Parameters
    ----------
    sheet : Sheet
        Everything laid.
    changes : sequence of Cells
        What each release changed, the newest first: the oldest has the last word.

    Returns
    -------
    ndarray or None
        None where every figure stands as it was first given, so that a dataset without revisions costs no memory.
    """
    if sum(map(len, changes)) == np.count_nonzero(sheet.status):
        return None  # every cell was given once
    values, first = sheet.values.reshape(-1), None
    for cells in changes:
        at = cells.series.astype(np.int64) * sheet.values.shape[1] + (cells.period - sheet.start)
        number = ~np.isnan(cells.value)
        at, given = at[number], cells.value[number]
        if first is None and np.any(values[at] != given):
            first = values.copy()
        if first is not None:
            first[at] = given
    return None if first is None else first.reshape(sheet.values.shape)
