"""
A documented state-space model for watch-lists: local linear trend, season and Lunar New Year by the Kalman filter.

statsmodels' `UnobservedComponents` (Harvey, *Forecasting, Structural Time Series Models and the Kalman Filter*, 1989) on
logarithms, ``log y = trend + season + beta c_t + irregular``. Its variances and beta are fitted once 24 months are held,
again after one and two years, then every second year, each time on what was known by then, and the filter runs forward with
them in between: each cell is a forecast from earlier months only. A fit of few months takes its own variances for surer than
they are, so the forecast variance is scaled by how large the earlier standardised errors of the series were (clipped, as in
`bank`). Fitting takes about half a second a series, once: this is for the few that one wants to explain so.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from monitor.detection.expected import (
    DID_NOT_CONVERGE,
    NEEDED,
    TOO_FEW,
    Expectation,
    months_held,
    positive_logs,
)
from monitor.detection.fitting import Fitting, current
from monitor.detection.lunar import regressors
from monitor.errors import DidNotConverge
from monitor.panel import Bools, Floats, Panel

_YOUNG, _REFIT_YOUNG, _REFIT = 24, 12, 24  # two years of yearly fits, then one every two years
_LEAST = 12  # figures above zero that a fit needs
_TOLERANCE = {"pgtol": 1e-3, "factr": 1e8}  # of the search: finer ones change the likelihood by less than 1e-4
_ITERATIONS = 200
_SEARCHES = 3  # a search that stops on a flat stretch often settles when it goes on from there
_SECONDS = 0.06  # a fit, about
_CLIP, _MEMORY, _GAIN = 2.8, 0.975, 1.12
_START, _START_WEIGHT = 2.0, 8.0


@dataclass(frozen=True)
class Structural:
    """The structural model; months at zero are missing to it, and zeros are judged as the bank judges them."""

    fitting: Fitting = field(default_factory=current)

    name = "structural"

    def expect(self, panel: Panel) -> Expectation:
        """Return what the model expected of each cell; a fit that does not settle leaves its year not judged, with the reason."""
        logs = positive_logs(panel.values)
        seen, lunar = months_held(panel.values), regressors(panel)
        location, variance = np.full(panel.shape, np.nan), np.full(panel.shape, np.nan)
        positive = months_held(logs)
        trouble = np.where((positive > 0) & (positive < _LEAST), TOO_FEW, 0).astype(np.uint8)
        spans = list(_spans((seen >= NEEDED) & (positive >= _LEAST)))
        jobs = [(logs[row, :first], lunar[row, :first]) for row, first, _ in spans]
        fits = self.fitting.found(_fit, jobs, settings=(_TOLERANCE, _ITERATIONS, _SEARCHES), seconds=_SECONDS)
        for (row, first, stop), params in zip(spans, fits, strict=True):
            law = None if params is None else _forecasts(logs[row, :stop], lunar[row, :stop], first, params)
            if law is None:
                trouble[row, first:stop] = DID_NOT_CONVERGE
            else:
                location[row, first:stop], variance[row, first:stop] = law
        variance *= _correction((logs - location) / np.sqrt(variance))
        return Expectation.of(panel, location=location, variance=variance, trouble=trouble, model="structural model")


def _spans(enough: Bools) -> Iterator[tuple[int, int, int]]:
    """Yield row, first column and one past the last of each stretch judged with one fit, made of the columns before it."""
    width = enough.shape[1]
    for row in np.flatnonzero(enough.any(axis=1)):
        born = int(enough[row].argmax())
        young = range(born, min(born + _YOUNG, width), _REFIT_YOUNG)
        starts = [*young, *range(born + _YOUNG, width, _REFIT)]
        for first, stop in pairwise([*starts, width]):
            yield int(row), first, stop


def _forecasts(logs: Floats, lunar: Floats, first: int, params: Floats) -> tuple[Floats, Floats] | None:
    """Return mean and variance of one-step forecasts from column `first` on; None where the parameters are of another form."""
    return _filter(logs.tobytes(), lunar.tobytes(), first, params.tobytes())


@lru_cache(maxsize=4096)
def _filter(logs: bytes, lunar: bytes, first: int, params: bytes) -> tuple[Floats, Floats] | None:
    model, found = _model(np.frombuffer(logs), np.frombuffer(lunar)), np.frombuffer(params)
    if len(found) != len(model.param_names):
        return None
    result = model.filter(found, cov_type="none")
    return np.asarray(result.forecasts[0, first:]), np.asarray(result.forecasts_error_cov[0, 0, first:])


def _model(logs: Floats, lunar: Floats) -> Any:
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    return UnobservedComponents(logs, level="lltrend", seasonal=12, exog=lunar if lunar.any() else None)


def _fit(logs: Floats, lunar: Floats) -> Floats:
    """
    Return the parameters that fit these months.

    Raises
    ------
    DidNotConverge
        If the search does not settle.
    """
    model, params = _model(logs, lunar), None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether it settled is read from the result
        for _ in range(_SEARCHES):
            try:
                found = model.fit(params, disp=0, maxiter=_ITERATIONS, cov_type="none", optim_complex_step=False, **_TOLERANCE)
            except (np.linalg.LinAlgError, ValueError) as error:
                raise DidNotConverge(f"structural model: {error}") from error
            params = np.asarray(found.params)
            if found.mle_retvals["converged"] and np.isfinite(params).all():
                return params
    raise DidNotConverge(f"structural model: no maximum after {_SEARCHES} searches")


def _correction(errors: Floats) -> Floats:
    """Return, before each month, the running mean square of the clipped standardised errors so far, shape (n, T)."""
    out = np.empty(errors.shape)
    square, weight = np.full(len(errors), _START), np.full(len(errors), _START_WEIGHT)
    for column in range(errors.shape[1]):
        out[:, column] = square
        held = ~np.isnan(errors[:, column])
        limit = _CLIP * np.sqrt(square)
        clipped = np.clip(np.where(held, errors[:, column], 0.0), -limit, limit)
        weight = np.where(held, _MEMORY * weight + 1, weight)
        square = np.where(held, square + (_GAIN * clipped**2 - square) / weight, square)
    return out
