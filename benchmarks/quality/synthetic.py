"""
Seeded trade whose own predictive law is known, so that the distance to the best possible judgement is known too.

The logarithm of a figure above zero is, for month t of calendar month m::

    x_t = level_t + season_t[m] + beta c_t + noise_t          c_t: the Lunar New Year regressor; beta 0 where none is kept
    level_t = level_{t-1} + slope_t + walk_t + shift_t        shift_t: N(0, 0.4²) once in 120 months, else 0
    slope_t = 0.97 slope_{t-1} + turn_t                       season_t[m] = season_{t-1}[m] + drift_t
    noise_t: N(0, s²), and N(0, (4 s)²) in one month of 100 (an outlier)

A third of the series is intermittent: each month is zero with the series' own probability, and a figure is rounded to whole
units. The law of a month given everything before it is a mixture of three normals (ordinary, outlier, shift), found by a
Kalman filter that knows the variances, and which *earlier* months were outliers or shifts: nobody who reads the figures
alone can do better. Rounding enters the probabilities, not the filter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitor.detection.lunar import CALENDARS, regressors
from monitor.months import month
from monitor.panel import Bools, Floats, Panel
from monitor.series import SeriesKey

START, MONTHS = month(2014, 11), 132
KEEPING, OTHERS = ("CN", "VN", "KR", "TW"), ("DE", "MX", "CA", "JP", "IN", "IT", "FR", "TH")
PARTNERS = tuple(
    partner for pair in zip(KEEPING * 2, OTHERS, strict=True) for partner in pair
)  # every other one keeps the holiday

SHIFT, SHIFT_SD = 1 / 120, 0.4
OUTLIER, OUTLIER_SIZE = 1 / 100, 4.0
DAMPING = 0.97
BETA, BETA_SD = -0.3, 0.15
LEVEL_SD = 3.0  # what the filter holds of the first level before it sees a figure
STATES = 15  # level, slope, twelve seasonal factors, beta


@dataclass(frozen=True, eq=False, kw_only=True)
class Recipe:
    """What each series is drawn with, shape (n,); `lunar` (n, T)."""

    noise: Floats
    walk: Floats
    turn: Floats
    season: Floats
    drift: Floats
    level: Floats
    slope: Floats
    zero: Floats
    lunar: Floats
    keeps: Bools


@dataclass(frozen=True, eq=False, kw_only=True)
class Law:
    """
    The law of each figure given everything before it, all (n, T) but `zero`, which is (n, 1).

    The logarithm is a mixture of normals around `location`, with probabilities `chances` and standard deviations `scales`,
    both (3, n, T): an ordinary month, an outlier, a shift.
    """

    location: Floats
    scales: Floats
    zero: Floats

    @property
    def chances(self) -> Floats:
        """Probability of each of the three, (3, 1, 1)."""
        return np.array([1 - OUTLIER - SHIFT, OUTLIER, SHIFT]).reshape(3, 1, 1)

    def below(self, logs: Floats) -> Floats:
        """Return the probability that the logarithm of a figure above zero is at most this."""
        from scipy.special import ndtr

        return np.asarray((self.chances * ndtr((logs - self.location) / self.scales)).sum(axis=0), np.float64)

    def density(self, logs: Floats) -> Floats:
        """Return the density of the logarithm, without the constant 1 / sqrt(2 pi)."""
        score = (logs - self.location) / self.scales
        return np.asarray((self.chances * np.exp(-0.5 * score * score) / self.scales).sum(axis=0), np.float64)


@dataclass(frozen=True, eq=False, kw_only=True)
class Synthetic:
    """A drawn panel, which of its series are intermittent, and its law."""

    panel: Panel
    intermittent: Bools
    law: Law


def draw(series: int, *, seed: int = 4) -> Synthetic:
    """Draw series whose keys have 16 partners and as many products as are needed."""
    rng = np.random.default_rng(seed)
    keys = [_key(i) for i in range(series)]
    empty = Panel.of(keys, START, np.zeros((series, MONTHS)))
    intermittent = np.arange(series) // len(PARTNERS) % 3 == 2
    recipe = _recipe(rng, empty, intermittent)
    outliers, shifts = _events(rng, empty.shape)
    logs = _logs(rng, recipe, outliers, shifts)
    values = np.asarray(np.round(np.exp(logs)), np.float64)
    values[rng.random(values.shape) < recipe.zero[:, None]] = 0.0
    law = _filter(recipe, logs, values > 0, outliers, shifts)
    return Synthetic(panel=Panel.of(keys, START, values, resolution=1.0), intermittent=intermittent, law=law)


def _key(i: int) -> SeriesKey:
    return SeriesKey(
        source="synthetic",
        dataset="imports",
        reporter="US",
        partner=PARTNERS[i % len(PARTNERS)],
        product=f"HS6:{100000 + i // len(PARTNERS)}",
        flow="import",
        measure="quantity",
        unit="pcs",
    )


def _recipe(rng: np.random.Generator, panel: Panel, intermittent: Bools) -> Recipe:
    n = len(intermittent)
    noise = np.clip(np.exp(rng.normal(np.log(0.06), 0.45, n)), 0.02, 0.2)
    dense, sparse = rng.uniform(np.log(3e3), np.log(3e7), n), rng.uniform(np.log(20), np.log(4e3), n)
    return Recipe(
        noise=noise,
        walk=noise * rng.uniform(0.1, 0.5, n),
        turn=rng.uniform(0.001, 0.006, n),
        season=rng.uniform(0.03, 0.3, n),
        drift=rng.uniform(0.0, 0.02, n),
        level=np.where(intermittent, sparse, dense),
        slope=np.full(n, 0.01),
        zero=np.where(intermittent, rng.uniform(0.1, 0.6, n), 0.0),
        lunar=regressors(panel),
        keeps=np.array([key.partner in CALENDARS for key in panel.keys], bool),
    )


def _events(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Bools, Bools]:
    """Return where a month is an outlier, and where the level shifts: never both."""
    event = rng.random(shape)
    return event < OUTLIER, event > 1 - SHIFT


def _logs(rng: np.random.Generator, recipe: Recipe, outliers: Bools, shifts: Bools) -> Floats:
    n, months = outliers.shape
    level, slope = recipe.level.copy(), rng.normal(0, recipe.slope)
    season = rng.normal(0, recipe.season[:, None], (n, 12))
    beta = np.where(recipe.keeps, rng.normal(BETA, BETA_SD, n), 0.0)
    logs = np.empty((n, months))
    for t in range(months):
        slope = DAMPING * slope + rng.normal(0, recipe.turn)
        level = level + slope + rng.normal(0, recipe.walk) + shifts[:, t] * rng.normal(0, SHIFT_SD, n)
        season = season + rng.normal(0, recipe.drift[:, None] / np.sqrt(12), (n, 12))
        noise = rng.normal(0, recipe.noise) * np.where(outliers[:, t], OUTLIER_SIZE, 1.0)
        logs[:, t] = level + season[:, t % 12] + beta * recipe.lunar[:, t] + noise
    return logs


def _filter(recipe: Recipe, logs: Floats, seen: Bools, outliers: Bools, shifts: Bools) -> Law:
    """Run the Kalman filter of all series side by side: states (n, 15), covariances (n, 15, 15)."""
    n, months = logs.shape
    state, cover = _prior(recipe)
    location, scales = np.empty((n, months)), np.empty((3, n, months))
    noise, walk = recipe.noise**2, recipe.walk**2
    move = np.eye(STATES)
    move[0, 1] = move[1, 1] = DAMPING
    turning = np.zeros((STATES, STATES))
    turning[:2, :2] = 1.0  # a turn of the slope moves the level in the same month
    for t in range(months):
        state, cover = state @ move.T, move @ cover @ move.T + recipe.turn[:, None, None] ** 2 * turning
        cover[:, 0, 0] += walk
        cover[:, range(2, 14), range(2, 14)] += recipe.drift[:, None] ** 2 / 12
        sight = np.zeros((n, STATES))
        sight[:, 0] = sight[:, 2 + t % 12] = 1.0
        sight[:, 14] = recipe.lunar[:, t]
        spread = np.einsum("ni,nij,nj->n", sight, cover, sight) + noise
        location[:, t] = (sight * state).sum(axis=1)
        scales[:, :, t] = np.sqrt([spread, spread + (OUTLIER_SIZE**2 - 1) * noise, spread + SHIFT_SD**2])
        cover[:, 0, 0] += shifts[:, t] * SHIFT_SD**2
        gain = np.einsum("nij,nj->ni", cover, sight)
        spread = (gain * sight).sum(axis=1) + noise * np.where(outliers[:, t], OUTLIER_SIZE**2, 1.0)
        gain = gain * seen[:, t, None]
        state = state + gain * ((logs[:, t] - location[:, t]) / spread)[:, None]
        cover = cover - np.einsum("ni,nj->nij", gain, gain) / spread[:, None, None]
    return Law(location=location, scales=scales, zero=recipe.zero[:, None])


def _prior(recipe: Recipe) -> tuple[Floats, Floats]:
    n = len(recipe.noise)
    state, cover = np.zeros((n, STATES)), np.zeros((n, STATES, STATES))
    state[:, 0], cover[:, 0, 0] = recipe.level, LEVEL_SD**2
    cover[:, 1, 1] = recipe.slope**2
    cover[:, range(2, 14), range(2, 14)] = recipe.season[:, None] ** 2
    state[:, 14], cover[:, 14, 14] = np.where(recipe.keeps, BETA, 0.0), np.where(recipe.keeps, BETA_SD**2, 0.0)
    return state, cover


def law_surprise(law: Law, figures: Floats, *, given_trade: bool = False) -> Floats:
    """
    Return the signed standard-normal value of each figure under its own law, rounding included, (n, T).

    By the whole law a small figure is as likely as it and the zeros are together; `given_trade` judges a figure above zero
    among figures above zero, and a zero not at all where zeros occur.
    """
    from scipy.special import ndtri

    under, over = np.log(figures + 0.5), np.log(np.maximum(figures - 0.5, 1e-9))
    zero = law.zero * (not given_trade)
    at_most = zero + (1 - zero) * law.below(under)
    at_least = np.where(figures == 0, 1.0, (1 - zero) * (1 - law.below(over)))
    tail = np.where(given_trade & (figures == 0) & (law.zero > 0), 0.5, np.minimum(at_most, at_least))
    size = -ndtri(np.clip(tail, 1e-300, 0.5))
    return np.asarray(np.where(at_least < at_most, size, -size), np.float64)


def likelihood_ratio(law: Law, figures: Floats, factors: tuple[float, ...]) -> Floats:
    """
    Return the log likelihood ratio of a figure that was multiplied by one of some factors, each as likely, to one as it was.

    By the lemma of Neyman and Pearson no other score, of any method, finds more of these shocks at the same false alerts.
    """
    logs = np.log(np.maximum(figures, 0.5))
    shocked = sum(law.density(logs - np.log(factor)) for factor in factors) / len(factors)
    ratio = np.log(np.maximum(shocked, 1e-300)) - np.log(np.maximum(law.density(logs), 1e-300))
    return np.asarray(np.where((figures == 0) & (law.zero > 0), -np.inf, ratio), np.float64)
