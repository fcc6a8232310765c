"""
STL's season carried forward: a forecast that people can check by eye against the picture that `explain` shows.

On logarithms, ``log y = level + season + error``. A series is decomposed when 24 months are held and every year from there,
each time on what was known by then. The season of a calendar month is the mean of its last five, shrunk by
``years / (years + 2)`` since two visits are a guess. The level of what is left moves by robust exponential smoothing
(Gelper, Fried and Croux, *Journal of Forecasting* 29, 2010)::

    forecast   f = L + S[m]                    error   e = x - f;  clipped  ec = clip(e, ± k sqrt(v))
    level      L <- L + max(.35, 1/seen) ec
    variance   n <- .975 n + 1;  v <- v + (1.12 ec² - v) / n

(f, v) is what the figure is judged against. A month without a figure above zero teaches nothing, and v grows by .35² of
itself with each. STL's own trend is not carried: at the end of a series it leans on the last few months.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from monitor.detection.expected import DID_NOT_CONVERGE, NEEDED, Expectation, months_held, positive_logs
from monitor.detection.fitting import Fitting, current
from monitor.detection.stl import season
from monitor.panel import Bools, Bytes, Floats, Panel

_YEARS, _SHRINKAGE, _REFIT = 5, 2.0, 12
_LEAST = 12  # figures above zero that a season is read from
_GAIN, _CLIP = 0.35, 2.8
_START, _START_WEIGHT, _MEMORY = 0.25**2, 2.0, 0.975
_CLIPPED, _FITTED = 1.12, 2.0  # what a variance lacks by clipping, and by a season that was read from the same months
_YOUNG = 3  # months that say where the level is; later ones say by how much it is missed
_SECONDS = 0.005


@dataclass(frozen=True)
class StlForecast:
    """The STL model; months at zero are missing to it, and zeros are judged as the bank judges them."""

    fitting: Fitting = field(default_factory=current)

    name = "stl"

    def expect(self, panel: Panel) -> Expectation:
        """Return what the model expected of each cell; a year whose season cannot be read is not judged, with the reason."""
        logs = positive_logs(panel.values)
        judged = _judged(panel.values, logs)
        seasons, trouble = self._seasons(logs, judged)
        location, variance = _smoothed(logs, seasons, judged)
        location[~judged | (trouble > 0)] = np.nan
        return Expectation.of(panel, location=location, variance=variance, trouble=trouble, model="STL model")

    def _seasons(self, logs: Floats, judged: Bools) -> tuple[Floats, Bytes]:
        """Return the season carried into each cell, and trouble; both (n, T). Months before the first fit read that one."""
        seasons, trouble = np.zeros(logs.shape), np.zeros(logs.shape, np.uint8)
        spans = list(_spans(logs, judged))
        jobs = [(logs[row, :first],) for row, first, _ in spans]
        found = self.fitting.found(_season, jobs, settings=(_YEARS, _SHRINKAGE), seconds=_SECONDS)
        for (row, first, stop), factors in zip(spans, found, strict=True):
            if factors is None:
                trouble[row, first:stop] = DID_NOT_CONVERGE
            else:
                begin = first if judged[row, first - 1] else 0
                seasons[row, begin:stop] = factors[np.arange(begin, stop) % 12]
        return seasons, trouble


def _judged(values: Floats, logs: Floats) -> Bools:
    """Return where enough months were held before, one of them above zero."""
    return (months_held(values) >= NEEDED) & (months_held(logs) > 0)


def _spans(logs: Floats, judged: Bools) -> Iterator[tuple[int, int, int]]:
    """Yield row, first column and one past the last of each stretch with one season, where figures suffice to read one."""
    width = logs.shape[1]
    held = ~np.isnan(logs)
    for row in np.flatnonzero(judged.any(axis=1)):
        born, oldest = int(judged[row].argmax()), int(held[row].argmax())
        for first in range(born, width, _REFIT):
            known = np.flatnonzero(held[row, :first])
            if len(known) >= _LEAST and known[-1] - oldest + 1 >= NEEDED:
                yield int(row), first, min(first + _REFIT, width)


def _season(logs: Floats) -> Floats:
    """Return the season of each calendar month as it is carried forward, shape (12,)."""
    held = np.flatnonzero(~np.isnan(logs))
    years = float(held[-1] - held[0] + 1) / 12
    return season(logs, years=_YEARS) * (years / (years + _SHRINKAGE))


def _smoothed(logs: Floats, seasons: Floats, judged: Bools) -> tuple[Floats, Floats]:
    """Return mean and variance of the forecast of each month from those before it, both (n, T)."""
    location, variance = np.empty(logs.shape), np.empty(logs.shape)
    level, count, gap = np.zeros((3, len(logs)))
    square, weight = np.full(len(logs), _START), np.full(len(logs), _START_WEIGHT)
    for column in range(logs.shape[1]):
        location[:, column] = level + seasons[:, column]
        variance[:, column] = square * (1 + _GAIN**2 * gap)
        error = logs[:, column] - location[:, column]
        held = np.isfinite(error)
        limit = np.where(count > 0, _CLIP * np.sqrt(variance[:, column]), np.inf)
        clipped = np.clip(np.where(held, error, 0.0), -limit, limit)
        learns = held & (count >= _YOUNG)
        weight = np.where(learns, _MEMORY * weight + 1, weight)
        gain = np.where(judged[:, column], _CLIPPED, _FITTED)
        square = np.where(learns, square + (gain * clipped**2 - square) / weight, square)
        level = level + np.maximum(_GAIN, 1 / (count + 1)) * clipped
        count, gap = count + held, np.where(held, 0.0, gap + 1)
    return location, variance
