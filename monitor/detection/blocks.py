"""Some series side by side, months first, as the bank walks them; and the season and level that the walk starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.detection.expected import NEEDED
from monitor.panel import Bools, Floats, Ints

Singles = NDArray[np.float32]

_LANES = 16  # blocks are padded to full vector registers, so that a sum has the same order whatever the block


@dataclass(frozen=True, kw_only=True)
class Block:
    """
    Some series, months first: arrays are (T, lanes), of which the first `rows` lanes are series.

    Parameters
    ----------
    origin : ndarray, shape (lanes,)
        The logarithm that the others are counted from: the first of each series.
    logs, positive, early : ndarray of float32, shape (T, lanes)
        Logarithms, 0 where there is no figure above zero; 1.0 where there is one; 1.0 where there is one among the first 24
        months held.
    judged : ndarray of bool, shape (T, lanes)
        Where 24 months were held before, and one of them above zero.
    lunar : ndarray of float32, shape (T, lanes)
    first : int
        Calendar month of the first column, 0 for January.
    """

    rows: int
    origin: Floats
    logs: Singles
    positive: Singles
    early: Singles
    judged: Bools
    lunar: Singles
    first: int

    @classmethod
    def of(cls, values: Floats, seen: Ints, lunar: Floats, first: int) -> Block:
        """Lay (rows, T) figures, months held before each, and the New Year regressor side by side."""
        pad = -len(values) % _LANES
        values, seen = _lanes(values, pad, np.nan), _lanes(seen, pad, 0)
        positive = values > 0
        logs = np.log(values, out=np.zeros(values.shape), where=positive)
        origin = _first(positive, logs)
        logs -= origin * positive
        return cls(
            rows=values.shape[1] - pad,
            origin=origin,
            logs=logs.astype(np.float32),
            positive=positive.astype(np.float32),
            early=(positive & (seen < NEEDED)).astype(np.float32),
            judged=(seen >= NEEDED) & (np.cumsum(positive, axis=0) > positive),
            lunar=_lanes(lunar, pad, 0.0).astype(np.float32),
            first=first,
        )


def _lanes(array: Any, pad: int, fill: float) -> Any:
    return np.ascontiguousarray(np.pad(array.T, ((0, 0), (0, pad)), constant_values=fill))


def _first(held: Bools, logs: Floats) -> Floats:
    """Return the first logarithm held in each lane, 0 where none is."""
    if not len(logs):
        return np.zeros(logs.shape[1])
    return np.asarray(np.take_along_axis(logs, held.argmax(axis=0)[None], axis=0)[0])


def start(block: Block, prior: tuple[float, float, float]) -> tuple[Singles, Singles]:
    """
    Return the first level, (lanes,), and the seasonal factors, (12, lanes), from the first 24 months held.

    A factor is the mean deviation of its calendar month from a centred 12-month mean, shrunk towards zero by how much larger
    the season is than the noise about it (empirical Bayes: Morris, *JASA* 78, 1983). At the ends the mean is over the months
    there are.

    Parameters
    ----------
    block : Block
    prior : tuple of float
        A noise variance, its weight in months, and the least ratio of season to noise.
    """
    factors = _factors(block, *(np.float32(part) for part in prior))
    factors -= factors.mean(axis=0)
    if not len(block.logs):
        return np.zeros(block.logs.shape[1], np.float32), factors
    first = block.positive.argmax(axis=0)
    return np.asarray(-factors[(block.first + first) % 12, np.arange(len(first))]), factors


def _factors(block: Block, usual: np.float32, weight: np.float32, least: np.float32) -> Singles:
    used = block.early
    logs = block.logs * used
    deviations = (logs - _centred(logs) / np.maximum(_centred(used), np.float32(1e-9))) * used
    visits, mean, squares = np.zeros((3, 12, logs.shape[1]), np.float32)
    for column in range(min(len(logs), 12)):
        month, held = (block.first + column) % 12, used[column::12]
        visits[month] = held.sum(axis=0)
        mean[month] = deviations[column::12].sum(axis=0) / np.maximum(visits[month], 1)
        squares[month] = (held * (deviations[column::12] - mean[month]) ** 2).sum(axis=0)
    seen, share = (visits > 0).sum(axis=0), 1 / np.maximum(visits, 1)
    noise = (squares.sum(axis=0) + weight * usual) / (np.maximum(visits - 1, 0).sum(axis=0) + weight)
    spread = (mean * mean).sum(axis=0) / np.maximum(seen, 1)
    season = np.maximum(spread - noise * (share * (visits > 0)).sum(axis=0) / np.maximum(seen, 1), least * noise)
    return np.asarray(mean * season / (season + noise * share), np.float32)


def _centred(array: Singles) -> Singles:
    """Return sums over 12 months around each one, the two ends by half (a 2 x 12 moving average), along axis 0."""
    out = array.copy()
    for lag in range(1, min(7, len(array))):
        weight = np.float32(0.5 if lag == 6 else 1.0)
        out[lag:] += weight * array[:-lag]
        out[:-lag] += weight * array[lag:]
    return out
