"""
The default model: a bank of robust seasonal smoothers that forecast each month, then see it, then learn.

Each member is additive Holt-Winters with a damped trend (Gardner and McKenzie, *Management Science* 31, 1985) on
``x = log figure``, made robust by clipping its errors (Gelper, Fried and Croux, *Journal of Forecasting* 29, 2010). The 24
members differ in their gains. For month t with calendar month m, member j::

    forecast   f_j = L_j + phi B_j + S_j[m] + beta c_t                   c_t: Lunar New Year (`lunar`)
    mixture    w_j ∝ exp(score_j);  mu = Σ w_j f_j;  s² = Σ w_j (v_j + (f_j - mu)²)
    error      e = x - f_j;  ec = clip(e, ± k sqrt(v_j))
    score      score_j <- d score_j + tau log t4(e; v_j)
    variance   n <- .975 n + 1;  v_j <- v_j + (1.12 ec² - v_j) / n
    level      a_t = max(a_j, 1/seen);  L_j <- L_j + phi B_j + a_t ec;  B_j <- phi B_j + .15 a_t ec
    season     g_t = max(g_j, 1/(visits of m + 1)) (1 - a_t);  S_j[m] <- S_j[m] + g_t ec
    New Year   beta: recursive ridge regression of the clipped errors on c_t

(mu, s) is what the figure is judged against. A month without a figure above zero teaches nothing: level and trend move on,
and v_j grows by 1 + a_j² for each such month, as for a random walk seen with that gain. Seasons need not be made to sum to
zero again: moving their mean to the level would change no forecast.

**No look-ahead.** The seasonal factors that a pass starts from are read from the first 24 months held, and only months
after them are judged. Two more passes start from the first 36 and the first 48 months; each judges what comes after its
own start, up to where the next takes over. Nothing else reads ahead, so more months change no earlier cell.

Arrays are (members, series): a step of one month is some forty array operations on a block that stays in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from monitor.detection.expected import Expectation, months_held, rounding_variance, zero_probability
from monitor.detection.lunar import regressors
from monitor.months import calendar_month
from monitor.panel import Bools, Floats, Ints, Panel

_LANES = 8  # blocks are padded to full vector registers, so that a sum has the same order whatever the block


@dataclass(frozen=True, kw_only=True)
class Constants:
    """The constants of the bank. The optimum is flat: half or double of any one costs 0.01 of average precision at most."""

    level_gains: tuple[float, ...] = (0.03, 0.1, 0.2, 0.35, 0.55, 0.8)
    seasonal_gains: tuple[float, ...] = (0.0, 0.05, 0.12, 0.25)
    damping: float = 0.9
    trend_gain: float = 0.15
    clip: float = 2.8
    score_memory: float = 0.97
    score_rate: float = 0.15
    variance_memory: float = 0.975
    variance_start: float = 0.25**2
    variance_start_weight: float = 8.0
    variance_gain: float = 1.12
    variance_floor: float = 1e-6
    starts: tuple[int, ...] = (24, 36, 48)
    season_shrinkage: float = 0.3
    lunar_ridge: float = 0.25
    lunar_memory: float = 0.995
    block: int = 512

    @property
    def members(self) -> tuple[Floats, Floats]:
        """Level and seasonal gain of each member, both (members, 1)."""
        level, season = np.meshgrid(self.level_gains, self.seasonal_gains, indexing="ij")
        return level.reshape(-1, 1).copy(), season.reshape(-1, 1).copy()


class Bank:
    """
    The bank as a model.

    Parameters
    ----------
    constants : Constants
    workers : int
        Threads; blocks of series are independent, so their number changes no bit of the answer.
    """

    name = "bank"

    def __init__(self, constants: Constants | None = None, *, workers: int = 1) -> None:
        self.constants = constants or Constants()
        self.workers = workers

    def expect(self, panel: Panel) -> Expectation:
        """Return what the bank expected of each cell before it saw it."""
        location, variance = np.full(panel.shape, np.nan), np.full(panel.shape, np.nan)
        seen, lunar = months_held(panel.values), regressors(panel)

        def judge(rows: slice) -> None:
            block = _Block.of(panel.values[rows], seen[rows], lunar[rows], calendar_month(panel.start) - 1)
            location[rows], variance[rows] = _judge(block, self.constants)

        each(judge, panel.shape[0], self.constants.block, self.workers)
        scale = np.sqrt(variance + rounding_variance(location, panel.resolution))
        p_zero = zero_probability(panel.values)
        return Expectation(location=location, scale=scale, p_zero=p_zero, seen=seen, start=panel.start)


def each(judge: Callable[[slice], None], rows: int, size: int, workers: int) -> None:
    """Call `judge` with each block of rows, on some threads."""
    blocks = [slice(first, min(first + size, rows)) for first in range(0, rows, size)]
    if workers == 1:
        for block in blocks:
            judge(block)
        return
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(judge, blocks))


@dataclass(frozen=True, kw_only=True)
class _Block:
    """Some series, months first: arrays are (T, lanes), of which the first `rows` lanes are series."""

    rows: int
    logs: Floats  # 0 where there is no figure above zero
    positive: Floats  # 1.0 where there is one
    seen: Ints  # months held before
    lunar: Floats
    first: int  # calendar month of the first column, 0 for January

    @classmethod
    def of(cls, values: Floats, seen: Ints, lunar: Floats, first: int) -> _Block:
        pad = -len(values) % _LANES
        values = _lanes(values, pad, np.nan)
        positive = values > 0
        logs = np.log(values, out=np.zeros(values.shape), where=positive)
        return cls(
            rows=values.shape[1] - pad,
            logs=logs,
            positive=positive.astype(np.float64),
            seen=_lanes(seen, pad, 0),
            lunar=_lanes(lunar, pad, 0.0),
            first=first,
        )


def _lanes(array: Any, pad: int, fill: float) -> Any:
    return np.ascontiguousarray(np.pad(array.T, ((0, 0), (0, pad)), constant_values=fill))


def _judge(block: _Block, constants: Constants) -> tuple[Floats, Floats]:
    """Return location and variance of a block, both (rows, T): one pass for each start."""
    out = np.full((2, *block.logs.shape), np.nan)
    begun = np.cumsum(block.positive, axis=0) - block.positive > 0
    for start, stop in pairwise((*constants.starts, np.inf)):
        wanted = begun & (block.seen >= start) & (block.seen < stop)
        columns = np.flatnonzero(wanted.any(axis=1))
        if len(columns):
            _run(block, wanted, int(columns[-1]) + 1, int(start), constants, out)
    return out[0].T[: block.rows], out[1].T[: block.rows]


def _run(block: _Block, wanted: Bools, columns: int, start: int, constants: Constants, out: Floats) -> None:
    """Walk the months once from a start, and write down what was expected of the cells wanted."""
    smoothers = _Smoothers(*_start(block, start, constants), constants)
    for column in range(columns):
        month, lunar = (block.first + column) % 12, block.lunar[column]
        smoothers.forecast(month)
        holiday = bool(lunar.any())
        if holiday or wanted[column].any():
            law = smoothers.mixture(lunar)
            np.copyto(out[:, column], law, where=wanted[column])
        smoothers.update(month, block.logs[column], block.positive[column], lunar)
        if holiday:
            smoothers.update_lunar(law, block.logs[column], block.positive[column], lunar)


def _start(block: _Block, months: int, constants: Constants) -> tuple[Floats, Floats]:
    """
    Return the first level, (lanes,), and the seasonal factors, (12, lanes), from the first months held.

    A factor is the sum of the deviations from a centred 12-month mean over their count + 0.3, so that few deviations are
    shrunk towards zero. At the ends the mean is over the months there are.
    """
    used = block.positive * (block.seen < months)
    logs = block.logs * used
    count, total = _centred(used), _centred(logs)
    deviations = np.where(used > 0, block.logs - total / np.maximum(count, 1e-9), 0.0)
    factors = np.zeros((12, logs.shape[1]))
    for column in range(min(len(logs), 12)):
        sums, visits = deviations[column::12].sum(axis=0), used[column::12].sum(axis=0)
        factors[(block.first + column) % 12] = sums / (visits + constants.season_shrinkage)
    factors -= factors.mean(axis=0)
    return _first_level(block, factors), factors


def _centred(array: Floats) -> Floats:
    """Return sums over 12 months around each one, the two ends by half (a 2 x 12 moving average), along axis 0."""
    out = array.copy()
    for lag in range(1, min(7, len(array))):
        weight = 0.5 if lag == 6 else 1.0
        out[lag:] += weight * array[:-lag]
        out[:-lag] += weight * array[lag:]
    return out


def _first_level(block: _Block, factors: Floats) -> Floats:
    """Return the first logarithm of each series less its season; 0 where a series has no figure above zero."""
    level = np.zeros(block.logs.shape[1])
    if len(block.logs):
        first, lanes = block.positive.argmax(axis=0), np.arange(len(level))
        level = block.logs[first, lanes] - factors[(block.first + first) % 12, lanes] * block.positive[first, lanes]
    return level


class _Smoothers:
    """The state of all members of a block, (members, lanes) or (lanes,), changed in place month by month."""

    def __init__(self, level: Floats, factors: Floats, constants: Constants) -> None:
        self.constants = constants
        self.level_gain, self.seasonal_gain = constants.members
        shape = (len(self.level_gain), len(level))
        self.level, self.trend = np.tile(level, (shape[0], 1)), np.zeros(shape)
        self.season = np.repeat(factors[:, None, :], shape[0], axis=1)
        self.variance, self.score = np.full(shape, constants.variance_start), np.zeros(shape)
        self.weight = np.full(shape[1], constants.variance_start_weight)
        self.held, self.missed = np.zeros(shape[1]), np.zeros(shape[1])
        self.visits = np.zeros((12, shape[1]))
        self.lunar_sum, self.lunar_square, self.beta = np.zeros(shape[1]), np.zeros(shape[1]), np.zeros(shape[1])
        self.now, self.spread, self.error, self.work = (np.empty(shape) for _ in range(4))
        self.wider: Floats | None = None

    def forecast(self, month: int) -> None:
        """State each member's forecast (without New Year) and its variance."""
        self.trend *= self.constants.damping
        self.level += self.trend
        np.add(self.level, self.season[month], out=self.now)
        self.wider = None
        np.copyto(self.spread, self.variance)
        if self.missed.any():
            self.wider = 1 + self.level_gain**2 * self.missed
            self.spread *= self.wider

    def mixture(self, lunar: Floats) -> Floats:
        """Return location and variance of the mixture, (2, lanes)."""
        weights = np.subtract(self.score, self.score.max(axis=0), out=self.error)
        np.exp(weights, out=weights)
        weights /= weights.sum(axis=0)
        location = np.multiply(weights, self.now, out=self.work).sum(axis=0)
        np.subtract(self.now, location, out=self.work)
        self.work *= self.work
        self.work += self.spread
        self.work *= weights
        return np.array([location + self.beta * lunar, self.work.sum(axis=0)])

    def update(self, month: int, logs: Floats, positive: Floats, lunar: Floats) -> None:
        """Let every member learn from the month; one without a figure above zero changes nothing."""
        error, constants = self.error, self.constants
        np.subtract(logs - self.beta * lunar, self.now, out=error)
        error *= positive
        self._update_score(positive)
        limit = np.sqrt(self.spread, out=self.work)
        limit *= constants.clip
        np.minimum(error, limit, out=error)
        np.maximum(error, np.negative(limit, out=limit), out=error)
        self._update_variance(positive)
        self._update_states(month, positive)
        self.missed = (self.missed + 1) * (1 - positive) * (self.held > 0)

    def _update_score(self, positive: Floats) -> None:
        # log t4(e; v) = 2 log v - 2.5 log(4 v + e²) + constant: one logarithm of one quotient
        constants, work, now = self.constants, self.work, self.now
        np.multiply(self.error, self.error, out=work)
        np.multiply(self.spread, 4.0, out=now)
        work += now
        np.sqrt(work, out=now)
        now *= work
        now *= work
        np.multiply(self.spread, self.spread, out=work)
        work /= now
        np.log(work, out=work)
        work *= constants.score_rate * positive
        self.score *= 1 - (1 - constants.score_memory) * positive
        self.score += work

    def _update_variance(self, positive: Floats) -> None:
        constants, work = self.constants, self.work
        self.weight += positive * (1 - (1 - constants.variance_memory) * self.weight)
        np.multiply(self.error, self.error, out=work)
        work *= constants.variance_gain
        if self.wider is not None:
            work /= self.wider
        work -= self.variance
        work *= positive / self.weight
        self.variance += work
        np.maximum(self.variance, constants.variance_floor, out=self.variance)

    def _update_states(self, month: int, positive: Floats) -> None:
        error, work = self.error, self.work
        self.held += positive
        gain = np.maximum(self.level_gain, 1 / np.maximum(self.held, 1.0), out=self.now)
        np.multiply(gain, error, out=work)
        error -= work
        self.level += work
        work *= self.constants.trend_gain
        self.trend += work
        np.maximum(self.seasonal_gain, 1 / (self.visits[month] + 1), out=gain)
        self.visits[month] += positive
        error *= gain
        self.season[month] += error

    def update_lunar(self, law: Floats, logs: Floats, positive: Floats, lunar: Floats) -> None:
        """Learn New Year's coefficient from what the mixture's clipped error and the coefficient so far say together."""
        constants, (location, variance) = self.constants, law
        limit = constants.clip * np.sqrt(variance)
        answer = self.beta * lunar + np.clip(logs - location, -limit, limit)
        taught = positive * (lunar != 0)
        keep = 1 - (1 - constants.lunar_memory) * taught
        self.lunar_sum = keep * self.lunar_sum + taught * lunar * answer
        self.lunar_square = keep * self.lunar_square + taught * lunar * lunar
        self.beta = self.lunar_sum / (self.lunar_square + constants.lunar_ridge)
