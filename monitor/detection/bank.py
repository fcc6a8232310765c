"""
The default model: a bank of robust seasonal smoothers that forecast each month, then see it, then learn.

Each member is additive Holt-Winters with a damped trend (Gardner and McKenzie, *Management Science* 31, 1985) on
``x = log figure``, made robust by clipping its errors (Gelper, Fried and Croux, *Journal of Forecasting* 29, 2010). The 12
members differ in their gains. For month t with calendar month m, member j::

    forecast   f_j = L_j + phi B_j + S_j[m] + beta c_t                   c_t: Lunar New Year (`lunar`)
    mixture    w_j ∝ exp(score_j);  mu = Σ w_j f_j;  s² = .72 (1 + 1/(visits of m + 1)) Σ w_j (v_j + (f_j - mu)²)
    error      e = x - f_j;  ec = clip(e, ± min(3 / (1 - a_j), 5) sqrt(v_j))
    score      score_j <- d score_j + tau log t4(e; v_j)
    variance   n <- .955 n + 1;  v_j <- v_j + (1.05 min(e², 2.5² v_j) - v_j) / n
    level      a_t = max(a_j, 1/seen);  L_j <- L_j + phi B_j + a_t ec;  B_j <- clip(phi B_j + .15 a_t ec, ± .2)
    season     g_t = max(g_j, 1/(visits of m + 1)) (1 - a_t);  S_j[m] <- S_j[m] + g_t ec
    New Year   beta: recursive ridge regression of the clipped errors on c_t

(mu, s) is what the figure is judged against. The average of the members errs less than they do, and a season that was seen a
few times is less sure. Slow members are held by a tighter clip while fast ones follow, and the score chooses: a shock is
forgotten, a new level is home within months. Variances are clipped tighter still, so that last year's collapse does not hide
the next. A month without a figure above zero teaches nothing: level and trend move on, and v_j grows by 1 + a_j² for each of
the first three such months, as for a random walk seen with that gain. Seasons need not be made to sum to zero again: moving
their mean to the level would change no forecast.

**No look-ahead.** The seasonal factors that the pass starts from are read from the first 24 months held, and only months
after them are judged. Nothing else reads ahead, so more months change no earlier cell.

Arrays are (members, series) of single precision, logarithms counted from the first of each series: a month is some forty
array operations on a block that stays in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from monitor.detection.blocks import Block, Singles, start
from monitor.detection.expected import Expectation, Parts, months_held
from monitor.detection.lunar import regressors
from monitor.months import calendar_month
from monitor.panel import Bools, Floats, Panel


@dataclass(frozen=True, kw_only=True)
class Constants:
    """The constants of the bank. The optimum is flat: half or double of any one costs 0.01 of average precision at most."""

    level_gains: tuple[float, ...] = (0.03, 0.2, 0.5, 1.0)
    seasonal_gains: tuple[float, ...] = (0.02, 0.1, 0.4)
    damping: float = 0.9
    trend_gain: float = 0.15
    trend_most: float = 0.2
    gap_most: float = 3.0
    clip: tuple[float, float] = (3.0, 5.0)
    averaging: float = 0.72
    score_memory: float = 0.95
    score_rate: float = 0.2
    variance_memory: float = 0.955
    variance_start: float = 0.25**2
    variance_start_weight: float = 2.0
    variance_clip: float = 2.5
    variance_gain: float = 1.05  # a normal's variance, clipped there, is that much too small
    variance_floor: float = 1e-6
    season_prior: tuple[float, float, float] = (0.2**2, 4.0, 0.3)
    lunar_ridge: float = 0.25
    lunar_memory: float = 0.995
    lunar_clip: float = 4.0
    block: int = 1024

    @property
    def members(self) -> tuple[Singles, Singles]:
        """Level and seasonal gain of each member, both (members, 1)."""
        level, season = np.meshgrid(self.level_gains, self.seasonal_gains, indexing="ij")
        return level.reshape(-1, 1).astype(np.float32), season.reshape(-1, 1).astype(np.float32)


class Bank:
    """
    The bank as a model.

    Parameters
    ----------
    constants : Constants
    """

    name = "bank"

    def __init__(self, constants: Constants | None = None) -> None:
        self.constants = constants or Constants()

    def expect(self, panel: Panel) -> Expectation:
        """Return what the bank expected of each cell before it saw it."""
        location, variance = self._ask(panel, 2, lambda smoothers, _: smoothers.law)
        return Expectation.of(panel, location=location, variance=variance)

    def parts(self, panel: Panel) -> Parts:
        """Return what each expectation is made of: the mixture's level, trend, season and Lunar New Year."""
        level, trend, season, holiday = self._ask(panel, 4, lambda smoothers, _: smoothers.parts())
        return Parts(level=level, trend=trend, season=season, holiday=holiday)

    def path(self, panel: Panel, *, months: int) -> Floats:
        """
        Return the mean log forecast of the `months` months up to each one, stated before the first of them.

        Shape (n, T); NaN where the first of them was not judged.
        """
        ahead = self._ask(panel, 1, lambda smoothers, lunar: smoothers.path(lunar[:months]))[0]
        out = np.full(panel.shape, np.nan)
        out[:, months - 1 :] = ahead[:, : max(panel.shape[1] - months + 1, 0)]
        return out

    def _ask(self, panel: Panel, arrays: int, answer: Callable[[_Smoothers, Singles], Singles]) -> Floats:
        """
        Return what the smoothers answer before each judged month, shape (arrays, n, T).

        `answer` gives (arrays, lanes) from their state and the New Year regressor from the month on; the first of its arrays
        counts from the block's origin.
        """
        out = np.full((arrays, *panel.shape), np.nan)
        seen, lunar, size = months_held(panel.values), regressors(panel), self.constants.block
        for first in range(0, panel.shape[0], size):  # blocks are independent, and each stays in the cache
            rows = slice(first, first + size)
            block = Block.of(panel.values[rows], seen[rows], lunar[rows], calendar_month(panel.start) - 1)
            for column, smoothers in _walk(block, self.constants):
                stated = np.where(block.judged[column], answer(smoothers, block.lunar[column:]), np.nan)
                out[:, rows, column] = stated[:, : block.rows]
            out[0, rows] += block.origin[: block.rows, None]
        return out


def _walk(block: Block, constants: Constants) -> Iterator[tuple[int, _Smoothers]]:
    """Walk the months once, and stop before each that is judged anywhere, when its forecasts are stated."""
    smoothers = _Smoothers(*start(block, constants.season_prior), block.first, constants)
    wanted: Bools = np.any(block.judged, axis=1)
    for column in range(len(block.logs)):
        smoothers.forecast(block.lunar[column])
        if wanted[column]:
            yield column, smoothers
        smoothers.update(block.logs[column], block.positive[column])


class _Smoothers:
    """The state of all members of a block, (members, lanes) or (lanes,), changed in place month by month."""

    def __init__(self, level: Singles, factors: Singles, first: int, constants: Constants) -> None:
        self.constants, self.month = constants, first - 1
        self.level_gain, self.seasonal_gain = constants.members
        slow, most = constants.clip
        self.clip = np.float32(slow) / np.maximum(1 - self.level_gain, np.float32(slow / most))
        members, lanes = len(self.level_gain), len(level)
        self.level, self.trend = np.tile(level, (members, 1)), np.zeros((members, lanes), np.float32)
        self.season = np.repeat(factors[:, None, :], members, axis=1)
        self.variance = np.full((members, lanes), constants.variance_start, np.float32)
        self.score = np.zeros((members, lanes), np.float32)
        self.weight = np.full(lanes, constants.variance_start_weight, np.float32)
        self.held, self.missed = np.zeros(lanes, np.float32), np.zeros(lanes, np.float32)
        self.visits = np.zeros((12, lanes), np.float32)
        self.lunar_sum, self.lunar_square, self.beta = np.zeros((3, lanes), np.float32)
        self.now, self.spread, self.error, self.work = np.empty((4, members, lanes), np.float32)
        self.wider: Singles | None = None
        self._law: Singles | None = None

    def forecast(self, lunar: Singles) -> None:
        """Go to the next month; state each member's forecast (without New Year) and its variance."""
        self.month, self.lunar, self._law, self.wider = (self.month + 1) % 12, lunar, None, None
        self.trend *= self.constants.damping
        self.level += self.trend
        np.add(self.level, self.season[self.month], out=self.now)
        np.copyto(self.spread, self.variance)
        if self.missed.any():
            self.wider = 1 + self.level_gain**2 * self.missed
            self.spread *= self.wider

    @property
    def law(self) -> Singles:
        """Location and variance of the mixture, (2, lanes)."""
        if self._law is None:
            weights = self.weights()
            location = np.multiply(weights, self.now, out=self.work).sum(axis=0)
            np.subtract(self.now, location, out=self.work)
            self.work *= self.work
            self.work += self.spread
            self.work *= weights
            variance = self.work.sum(axis=0) * (1 + 1 / (self.visits[self.month] + 1)) * np.float32(self.constants.averaging)
            self._law = np.stack([location + self.beta * self.lunar, variance])
        return self._law

    def weights(self) -> Singles:
        """Return each member's weight, (members, lanes)."""
        weights = np.subtract(self.score, self.score.max(axis=0), out=self.error)
        np.exp(weights, out=weights)
        weights /= weights.sum(axis=0)
        return np.asarray(weights)

    def parts(self) -> Singles:
        """Return the mixture's level, trend, season and New Year, (4, lanes); a season is a deviation from its year's mean."""
        weights = self.weights()
        mean = self.season.mean(axis=0)
        level = (weights * (self.level - self.trend + mean)).sum(axis=0)
        season = (weights * (self.season[self.month] - mean)).sum(axis=0)
        return np.stack([level, (weights * self.trend).sum(axis=0), season, self.beta * self.lunar])

    def path(self, lunar: Singles) -> Singles:
        """Return the mean forecast of the mixture for the months of `lunar`, (1, lanes), of which the first is this one."""
        months, damping = len(lunar), self.constants.damping
        steps = np.cumsum(damping ** np.arange(months)) - 1  # of this month's trend, which its level holds already
        seasons = self.season[(self.month + np.arange(months)) % 12].mean(axis=0)
        ahead = self.level + np.float32(steps.mean()) * self.trend + seasons
        return np.asarray((self.weights() * ahead).sum(axis=0) + self.beta * lunar.mean(axis=0))[None]

    def update(self, logs: Singles, positive: Singles) -> None:
        """Let every member learn from the month; one without a figure above zero changes nothing."""
        law = self.law if self.lunar.any() else None
        error, limit = self.error, self.work
        np.subtract(logs - self.beta * self.lunar, self.now, out=error)
        error *= positive
        self._update_score(positive)
        self._update_variance(positive)
        np.sqrt(self.spread, out=limit)
        limit *= self.clip
        np.minimum(error, limit, out=error)
        np.maximum(error, np.negative(limit, out=limit), out=error)
        self._update_states(positive)
        self.missed = np.minimum((self.missed + 1) * (1 - positive) * (self.held > 0), np.float32(self.constants.gap_most))
        if law is not None:
            self._update_lunar(law, logs, positive)

    def _update_score(self, positive: Singles) -> None:
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

    def _update_variance(self, positive: Singles) -> None:
        constants, work, most = self.constants, self.work, self.now
        self.weight += positive * (1 - (1 - constants.variance_memory) * self.weight)
        np.multiply(self.error, self.error, out=work)
        np.minimum(work, np.multiply(self.spread, constants.variance_clip**2, out=most), out=work)
        work *= constants.variance_gain
        if self.wider is not None:
            work /= self.wider
        work -= self.variance
        work *= positive / self.weight
        self.variance += work
        np.maximum(self.variance, constants.variance_floor, out=self.variance)

    def _update_states(self, positive: Singles) -> None:
        error, work, month = self.error, self.work, self.month
        self.held += positive
        gain = np.maximum(self.level_gain, 1 / np.maximum(self.held, 1), out=self.now)
        np.multiply(gain, error, out=work)
        error -= work
        self.level += work
        work *= self.constants.trend_gain
        self.trend += work
        np.clip(self.trend, -self.constants.trend_most, self.constants.trend_most, out=self.trend)
        np.maximum(self.seasonal_gain, 1 / (self.visits[month] + 1), out=gain)
        self.visits[month] += positive
        error *= gain
        self.season[month] += error

    def _update_lunar(self, law: Singles, logs: Singles, positive: Singles) -> None:
        """Learn New Year's coefficient from what the mixture's clipped error and the coefficient so far say together."""
        constants, lunar, (location, variance) = self.constants, self.lunar, law
        limit = np.float32(constants.lunar_clip) * np.sqrt(variance)
        answer = self.beta * lunar + np.clip(logs - location, -limit, limit)
        taught = positive * (lunar != 0)
        keep = 1 - (1 - constants.lunar_memory) * taught
        self.lunar_sum = keep * self.lunar_sum + taught * lunar * answer
        self.lunar_square = keep * self.lunar_square + taught * lunar * lunar
        self.beta = self.lunar_sum / (self.lunar_square + constants.lunar_ridge)
