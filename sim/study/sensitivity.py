"""Which uncertain settings an outcome depends on: elementary effects (Morris) and shares of variance (Sobol).

Both take any function of points (:data:`sim.study.response.Response`), sample it over the factors' ranges, and say how
sure their indices are in two ways: intervals by resampling, and whether the ranks have settled as the sample grew.

When the function gives several replicates, what matters is their mean, of which only a noisy estimate is known. Noise
reads as effect: it raises μ* and the total index, most of all of factors that do nothing. What it adds is estimated by
leaving out one replicate after the other, at the same points (jackknife: Quenouille 1956,
doi:10.1093/biomet/43.3-4.353), and taken out of the index; without noise the index is SALib's. Resamples of points and
replicates have the noise twice, so twice as much is taken out of them; their percentiles are the interval. How much of
the variance is noise is said.

Needs the extra ``analysis`` (SALib: Herman & Usher 2017, doi:10.21105/joss.00097).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.intervals import (
    ALIKE,
    EVERYWHERE,
    FEWEST_RESAMPLED,
    NONE,
    PERCENTILE,
    SHARE,
    Interval,
    Range,
    resampled,
    shown,
)
from sim.study.analysis import factor_names, percent
from sim.study.answer import Answer, optional
from sim.study.plots.sensitivity import morris_figure, sobol_figure
from sim.study.response import Factor, Floats, Ranges, Response, factors_of
from sim.study.words import whole_sentence

RESAMPLES = 500
"""How often the sample and the replicates are drawn anew for an interval."""
LEVELS = 4
"""Levels of a factor in Morris's grid, as he advises."""
SETTLED_BELOW = 0.5
"""Ranks have settled when between resamples they move by less than this many places (weighted, 95% of the pairs).
Sarrazin et al. take 1, which a swap of the two leading factors can pass."""
NEGLIGIBLE = 0.05
"""A factor is negligible when even the upper end of its interval is below this share of the largest index."""
MOST_NAMED = 3
"""Factors that a sentence names one by one."""
NOISY = 0.2
"""Share of noise in the variance between points from which on more replicates are advised."""
DROWNED = 0.5
"""From this share on no factor is named: what is left of the bias after its estimate is taken out is too large."""

MORRIS = ["factor", "low", "high", "mu_star", "mu_star_low", "mu_star_high", "mu_star_plain", "mu", "sigma", "rank"]
"""Columns of the table of :func:`morris`."""
SOBOL = [
    "factor", "low", "high", "first", "first_low", "first_high", "first_plain",
    "total", "total_low", "total_high", "total_plain", "rank",
]  # fmt: skip
"""Columns of the table of :func:`sobol`."""
CONVERGENCE = ["size", "evaluations", "factor", "index", "low", "high", "plain", "rank", "rank_shift", "settled"]
"""Columns of the table ``convergence``. ``size``: trajectories or base points; ``index``: μ* or the total index;
``plain``: the same with the noise of replicates."""

Index = Callable[[Floats], Floats]
"""Takes blocks of a sample with their replicates, (n, …, r), and gives a number for each factor, (k,)."""


# ---------------------------------------------------------------------------------------------------------------
# Morris
# ---------------------------------------------------------------------------------------------------------------
def morris_points(factors: Ranges, trajectories: int, seed: int = 1) -> Floats:
    """Points of Morris's design, (trajectories·(k + 1), k): along a trajectory one factor moves at a time.

    Morris, M. D. (1991), Factorial sampling plans, doi:10.1080/00401706.1991.10484804.

    Raises:
        ValueError: with fewer than 4 trajectories, of which a quarter could not be taken.
        MissingExtra: without SALib.
    """
    return _morris_points(factors_of(None, factors), trajectories, seed)


def _morris_points(factors: Sequence[Factor], trajectories: int, seed: int) -> Floats:
    if trajectories < 4:
        raise ValueError(f"at least 4 trajectories are needed, got {trajectories}")
    sampled = optional("SALib.sample.morris", "Morris's design").sample(
        _problem(factors), trajectories, num_levels=LEVELS, seed=seed
    )
    return np.asarray(sampled, dtype=np.float64)


def morris(
    response: Response,
    factors: Ranges | None = None,
    trajectories: int = 32,
    seed: int = 1,
    outcome: str = "outcome",
    unit: str = "",
) -> Answer:
    """Mean size of the change in an outcome when one factor moves over its whole range, the others being anywhere.

    Args:
        response: the function.
        factors: its arguments with their ranges, ``{name: (low, high)}``, in the order of the points' columns; a
            function of a scenario (:func:`sim.study.response.response_of`) knows its own.
        trajectories: each costs one evaluation more than there are factors.
        seed: of the sample and the resampling.
        outcome: what the function gives, as it stands in a sentence.
        unit: of the outcome, for the figure.

    Returns:
        Table :data:`MORRIS`, in the unit of the outcome: ``mu_star`` is the mean size of the elementary effects with
        its 95% interval (NaN with fewer than ``FEWEST_RESAMPLED`` trajectories), ``mu_star_plain`` the same with the
        noise of replicates, ``mu`` their mean, ``sigma`` their standard deviation (interaction or curvature).
        More: ``convergence`` (:data:`CONVERGENCE`) and ``sample``. Campolongo et al. (2007) introduced μ*,
        doi:10.1016/j.envsoft.2006.10.004.

    Raises:
        TypeError, ValueError: as :func:`morris_points` and :func:`sim.study.response.factors_of`; when the outcome is
            the same everywhere, or not defined somewhere.
        MissingExtra: without SALib.
    """
    chosen = factors_of(response, factors)
    points = _morris_points(chosen, trajectories, seed)
    values = _values(response, points, outcome)
    effects = _elementary_effects(chosen, points, values)

    def index(effects: Floats) -> Floats:
        return np.abs(effects.mean(axis=2)).mean(axis=0)

    settling = _convergence(chosen, effects, index, len(chosen) + 1, seed, (0.0, math.inf))
    means = effects.mean(axis=2)
    others = {"mu": means.mean(axis=0), "sigma": means.std(axis=0, ddof=1)}
    table = _ranked(chosen, settling, "mu_star", others)[MORRIS]
    ranked, settled, told, noise = _shown(table, settling, "mu_star", values)
    said = f"{_morris_sentence(ranked, told, outcome, len(effects))} {_settled_sentence(settling)} {noise.sentence()}"
    more = {"convergence": settling, "sample": _sample(chosen, points, values)}
    draw = lambda: morris_figure(ranked, told, settled, outcome, noise.replicates, unit)  # noqa: E731
    return Answer(table, draw, said.strip(), more)


def elementary_effects(factors: Ranges, points: Floats, values: Floats) -> Floats:
    """Change of the outcome for a step of a factor, over the step as a share of its range: (trajectories, k, r).

    Args:
        factors, points: as of :func:`morris_points`.
        values: of the outcome there, (n, r).
    """
    return _elementary_effects(factors_of(None, factors), points, values)


def _elementary_effects(factors: Sequence[Factor], points: Floats, values: Floats) -> Floats:
    k = len(factors)
    widths = np.array([factor.high - factor.low for factor in factors])
    steps = np.diff((points / widths).reshape(-1, k + 1, k), axis=1)
    changes = np.diff(values.reshape(-1, k + 1, values.shape[1]), axis=1)
    moved = np.abs(steps).argmax(axis=2)
    sizes = np.take_along_axis(steps, moved[..., None], axis=2)
    effects = np.empty_like(changes)
    np.put_along_axis(effects, moved[..., None], changes / sizes, axis=1)
    return effects


def _morris_sentence(table: pd.DataFrame, told: pd.DataFrame, outcome: str, n: int) -> str:
    """The first factors of those that can be told from zero, and those that are negligible."""
    small = _negligible(table, "mu_star", n)
    named = []
    for row in told[~told["factor"].isin(small)].head(MOST_NAMED).itertuples():
        found = Interval(row.mu_star, row.mu_star_low, row.mu_star_high, n, PERCENTILE)
        if not found.known:
            found = Interval(row.mu_star, n=n, method=ALIKE if n >= FEWEST_RESAMPLED else NONE)
        named.append(f"{row.factor} {shown(found)}")
    if not named:
        return f"No factor's effect on {outcome} can be told from zero."
    sure = "95% interval" if n >= FEWEST_RESAMPLED else "no interval"
    return whole_sentence(
        f"over its range each of these moves {outcome} most (μ*, {sure}): {', then '.join(named)}"
    ) + _negligible_words(small)


# ---------------------------------------------------------------------------------------------------------------
# Sobol
# ---------------------------------------------------------------------------------------------------------------
def sobol_points(factors: Ranges, base: int, seed: int = 1) -> Floats:
    """Points of Saltelli's design on a scrambled Sobol sequence, (base·(k + 2), k).

    Raises:
        ValueError: when ``base`` is no power of two from 16, without which the sequence is not balanced.
        MissingExtra: without SALib.
    """
    return _sobol_points(factors_of(None, factors), base, seed)


def _sobol_points(factors: Sequence[Factor], base: int, seed: int) -> Floats:
    if base < 16 or base & (base - 1):
        raise ValueError(f"the base sample must be a power of two from 16 (such as 128 or 256), got {base}")
    sampled = optional("SALib.sample.sobol", "a Sobol index").sample(
        _problem(factors), base, calc_second_order=False, seed=seed
    )
    return np.asarray(sampled, dtype=np.float64)


def sobol(
    response: Response, factors: Ranges | None = None, base: int = 128, seed: int = 1, outcome: str = "outcome"
) -> Answer:
    """Shares of the variance of an outcome, its factors being uniform over their ranges and independent.

    ``first`` is the share that goes when the factor is known, ``total`` the share that stays when all others are; the
    difference is interactions. Estimators of Saltelli et al. (2010), doi:10.1016/j.cpc.2009.09.018.

    Args:
        response: the function.
        factors: its arguments with their ranges, ``{name: (low, high)}``, in the order of the points' columns; a
            function of a scenario (:func:`sim.study.response.response_of`) knows its own.
        base: size of the base sample, a power of two; costs ``base``·(k + 2) evaluations.
        seed: of the sample and the resampling.
        outcome: what the function gives, as it stands in a sentence.

    Returns:
        Table :data:`SOBOL` with 95% intervals; ``first_plain`` and ``total_plain`` are SALib's, with the noise of
        replicates. More: ``convergence`` (:data:`CONVERGENCE`) and ``sample``.

    Raises:
        TypeError, ValueError: as :func:`sobol_points` and :func:`sim.study.response.factors_of`; when the outcome is
            the same at all points of the base sample, so that there is no variance to share out, or not defined
            somewhere.
        MissingExtra: without SALib.
    """
    chosen = factors_of(response, factors)
    points = _sobol_points(chosen, base, seed)
    values = _values(response, points, outcome)
    k = len(chosen)
    rows = values.reshape(-1, k + 2, values.shape[1])  # A, then A with one column of B for each factor, then B
    if np.ptp(rows[:, [0, -1]].mean(axis=2)) == 0.0:
        raise ValueError(f"{outcome} is the same at every point of the base sample: take a larger one")
    analyze = optional("SALib.analyze.sobol", "a Sobol index")

    def indices(rows: Floats) -> tuple[Floats, Floats]:
        means = rows.mean(axis=2)
        scaled = (means - means.mean()) / (means.std() or 1.0)  # the estimator is far steadier around zero
        a, mixed, b = scaled[:, :1], scaled[:, 1:-1], scaled[:, -1:]
        a, b = np.broadcast_to(a, mixed.shape), np.broadcast_to(b, mixed.shape)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a resample without variance, whose indices are 0
            return analyze.first_order(a, mixed, b), analyze.total_order(a, mixed, b)

    settling = _convergence(chosen, rows, lambda rows: indices(rows)[1], k + 2, seed, SHARE)
    alone = _estimate(rows, lambda rows: indices(rows)[0], seed, SHARE)
    others = {"first": alone.index, "first_low": alone.low, "first_high": alone.high, "first_plain": alone.plain}
    table = _ranked(chosen, settling, "total", others)[SOBOL]
    ranked, settled, told, noise = _shown(table, settling, "total", values)
    said = f"{_sobol_sentence(ranked, told, outcome, len(rows))} {_settled_sentence(settling)} {noise.sentence()}"
    more = {"convergence": settling, "sample": _sample(chosen, points, values)}
    return Answer(table, lambda: sobol_figure(ranked, told, settled, outcome, noise.replicates), said.strip(), more)


def _sobol_sentence(table: pd.DataFrame, told: pd.DataFrame, outcome: str, n: int) -> str:
    """The first factors of those that can be told from zero, and those that are negligible."""
    small = _negligible(table, "total", n)
    named = [
        f"{row.factor} (alone {_share(row.first, row.first_low, row.first_high)}, with its interactions "
        f"{_share(row.total, row.total_low, row.total_high)})"
        for row in told[~told["factor"].isin(small)].head(MOST_NAMED).itertuples()
    ]
    if not named:
        return f"No factor's share of the variance of {outcome} can be told from zero."
    return whole_sentence(
        f"of the variance of {outcome} over the ranges, most is decided by {', then '.join(named)}"
    ) + _negligible_words(small)


def _share(index: float, low: float, high: float) -> str:
    """An index in percent; an estimate may lie a little below zero or above one, a share does not."""
    value, low, high = np.clip([index, low, high], *SHARE).tolist()
    return shown(Interval(value, low, high, method=PERCENTILE).times(100.0), "%")


# ---------------------------------------------------------------------------------------------------------------
# The answer
# ---------------------------------------------------------------------------------------------------------------
def _values(response: Response, points: Floats, outcome: str) -> Floats:
    """The function at its points, (n, r); one without replicates has one.

    Raises:
        ValueError: when the outcome is not defined somewhere, or has the same mean at every point.
    """
    found = np.asarray(response(points), dtype=np.float64)
    values = found[:, None] if found.ndim == 1 else found
    if np.isnan(values).any():
        raise ValueError(f"{outcome} is not defined at {int(np.isnan(values).any(axis=1).sum())} of the points")
    if np.ptp(values.mean(axis=1)) == 0.0:
        raise ValueError(f"{outcome} is the same at every point: no factor moves it over the ranges given")
    return values


def _ranked(
    factors: Sequence[Factor], settling: pd.DataFrame, index: str, others: Mapping[str, Floats]
) -> pd.DataFrame:
    """A row a factor, by rank: its range, the index of the whole sample with its interval, and other columns."""
    whole = settling[settling["size"] == settling["size"].max()].reset_index(drop=True)
    ends = {"low": [factor.low for factor in factors], "high": [factor.high for factor in factors]}
    columns = {index: whole["index"], **{f"{index}_{name}": whole[name] for name in ("low", "high", "plain")}}
    table = pd.DataFrame({"factor": whole["factor"], **ends, **columns, **others, "rank": whole["rank"]})
    return table.sort_values("rank", ignore_index=True)


def _shown(
    table: pd.DataFrame, settling: pd.DataFrame, index: str, values: Floats
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, Noise]:
    """What sentence and figure are made of: both tables with the factors in words, rows told from zero, the noise."""
    names = factor_names(table["factor"])
    ranked, settled = (rows.assign(factor=rows["factor"].map(names)) for rows in (table, settling))
    above = ranked[f"{index}_low"].fillna(ranked[index]) > 0.0  # too few trajectories have no interval
    noise = noise_of(values)
    return ranked, settled, ranked[above & (not noise.drowns)], noise


def _sample(factors: Sequence[Factor], points: Floats, values: Floats) -> pd.DataFrame:
    """The points with the mean over their replicates and its standard deviation over them."""
    table = pd.DataFrame(points, columns=[factor.name for factor in factors])
    table["mean"] = values.mean(axis=1)
    table["sd"] = values.std(axis=1, ddof=1) if values.shape[1] > 1 else math.nan
    return table


# ---------------------------------------------------------------------------------------------------------------
# How sure
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Noise:
    """What of the variance between points is the luck of their replicates.

    Attributes:
        share: of the variance of the points' means, [0, 1]; NaN with one replicate.
        replicates: r.
    """

    share: float
    replicates: int

    @property
    def drowns(self) -> bool:
        """Whether there is more noise than effect."""
        return self.share > DROWNED

    def sentence(self) -> str:
        """How much of the variance is noise; nothing for a single replicate, of which nobody knows."""
        if math.isnan(self.share):
            return ""
        more = ": take more of them" if self.share > NOISY else ""
        return f"Of the variance between points {percent(self.share)} is noise of {self.replicates} replicates{more}."


def noise_of(values: Floats) -> Noise:
    """Noise in the means of points that share their replicates, from the table of points and replicates, (n, r).

    A replicate that is lucky everywhere shifts all points alike and moves no index. What is left after taking out both
    means (interaction of points and replicates, on (n − 1)(r − 1) degrees of freedom) is what noise an index feels.
    """
    n, r = values.shape
    if r < 2 or n < 2:
        return Noise(math.nan, r)
    own = values - values.mean(axis=1, keepdims=True)
    left = own - own.mean(axis=0, keepdims=True)
    residual = float((left**2).sum() / ((n - 1) * (r - 1)))
    between = float(values.mean(axis=1).var(ddof=1))
    return Noise(min(1.0, residual / r / between) if between > 0.0 else math.nan, r)


def _resampled(rows: Floats, seed: int) -> Iterator[Floats]:
    """The blocks of a sample (first axis) and its replicates (last axis) drawn anew, both with replacement."""
    rng = np.random.default_rng(seed)
    n, r = rows.shape[0], rows.shape[-1]
    for _ in range(RESAMPLES):
        blocks, replicates = rng.integers(n, size=n), rng.integers(r, size=r)
        yield rows[blocks][..., replicates]


@dataclass(frozen=True, eq=False)
class Estimate:
    """An index of k factors, all arrays (k,) but ``drawn``, (RESAMPLES, k).

    Attributes:
        plain: of the means of the replicates, noise included.
        index: without what their noise adds.
        low, high: 95% interval; NaN with fewer than ``FEWEST_RESAMPLED`` blocks, and for μ* where no block moves.
        drawn: the resamples that the interval is of.
    """

    plain: Floats
    index: Floats
    low: Floats
    high: Floats
    drawn: Floats


def _estimate(rows: Floats, index: Index, seed: int, bounds: Range = EVERYWHERE, least: float = -math.inf) -> Estimate:
    """An index with and without noise, and how sure it is.

    Args:
        rows: blocks of a sample (first axis) with their replicates (last axis).
        index: of such blocks, (k,).
        seed: of the resampling.
        bounds: of the index.
        least: the lowest value that its estimates can have.
    """
    plain, noise = index(rows), _noise_in(index, rows)
    drawn = np.array([index(anew) for anew in _resampled(rows, seed)]) - 2.0 * noise
    drawn = np.maximum(drawn, least)
    return Estimate(plain, np.maximum(plain - noise, least), *resampled(drawn, len(rows), bounds), drawn)


def _noise_in(index: Index, rows: Floats) -> Floats:
    """What the noise of replicates adds to an index, by the jackknife at the same points; 0 with one replicate.

    It is right for what falls as 1/r. Of what noise adds to μ* of a factor that does nothing, which falls as 1/√r, it
    is half.
    """
    r = rows.shape[-1]
    if r == 1:
        return np.zeros_like(index(rows))
    total = rows.sum(axis=-1, keepdims=True)
    left_out = [index((total - rows[..., [k]]) / (r - 1)) for k in range(r)]
    return np.asarray((r - 1) * (np.mean(left_out, axis=0) - index(rows)))


def _convergence(
    factors: Sequence[Factor], rows: Floats, index: Index, cost: int, seed: int, bounds: Range
) -> pd.DataFrame:
    """The index, 0 at least, at a quarter, half and all of a sample: its interval, its rank and how far ranks move.

    ``rank_shift`` is the criterion of Sarrazin, Pianosi & Wagener (2016), doi:10.1016/j.envsoft.2016.02.005: the
    change of ranks between two resamples, weighted by the square of the larger index, at its 95% quantile; NaN and not
    settled below ``FEWEST_RESAMPLED`` blocks, whose resamples are too much alike to tell.
    """
    frames = []
    for size in (len(rows) // 4, len(rows) // 2, len(rows)):
        found = _estimate(rows[:size], index, seed, bounds, least=0.0)
        shift = _rank_shift(found.drawn) if size >= FEWEST_RESAMPLED else math.nan
        frames.append(
            pd.DataFrame(
                {
                    "size": size,
                    "evaluations": size * cost,
                    "factor": [factor.name for factor in factors],
                    "index": found.index,
                    "low": found.low,
                    "high": found.high,
                    "plain": found.plain,
                    "rank": _ranks(found.index),
                    "rank_shift": shift,
                    "settled": shift < SETTLED_BELOW,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)[CONVERGENCE]


def _ranks(index: Floats) -> NDArray[np.int64]:
    """Ranks along the last axis, 1 for the largest; of equals the first comes first."""
    order = np.argsort(-index, axis=-1, kind="stable")
    return np.argsort(order, axis=-1, kind="stable") + 1


def _rank_shift(drawn: Floats) -> float:
    """95% quantile over pairs of resamples of Σ|ΔR|·max(S)²/Σmax(S)²."""
    half = len(drawn) // 2
    one, other = drawn[:half], drawn[half : 2 * half]
    weights = np.maximum(one, other) ** 2
    moved = np.abs(_ranks(one) - _ranks(other))
    whole = weights.sum(axis=1)
    shifts = np.divide((moved * weights).sum(axis=1), whole, out=np.zeros(half), where=whole > 0)
    return float(np.quantile(shifts, 0.95))


def _settled_sentence(settling: pd.DataFrame) -> str:
    last = settling[settling["size"] == settling["size"].max()].iloc[0]
    if math.isnan(last["rank_shift"]):
        return f"Intervals, and whether the ranks have settled, take a sample of {FEWEST_RESAMPLED} or more."
    if last["settled"]:
        return f"The ranks have settled (they move by {last['rank_shift']:.2f} places between resamples)."
    return (
        f"The ranks have not settled (they move by {last['rank_shift']:.1f} places between resamples): "
        "take a larger sample before trusting the order."
    )


def _negligible(table: pd.DataFrame, index: str, n: int) -> list[str]:
    """The factors that hardly matter, as far as the sample can tell."""
    highest = table[f"{index}_high"]
    if n >= FEWEST_RESAMPLED:  # what has no interval then is alike in the whole sample
        highest = highest.fillna(table[index])
    return table.loc[highest <= NEGLIGIBLE * table[index].max(), "factor"].tolist()


def _negligible_words(factors: Sequence[str]) -> str:
    return (
        f" Negligible, below {percent(NEGLIGIBLE)} of the largest with their whole intervals: {', '.join(factors)}."
        if factors
        else ""
    )


def _problem(factors: Sequence[Factor]) -> dict[str, object]:
    """The factors as SALib takes them."""
    if len(factors) < 2:
        raise ValueError("name at least two factors: with one there is nothing to rank")
    return {
        "num_vars": len(factors),
        "names": [factor.name for factor in factors],
        "bounds": [[factor.low, factor.high] for factor in factors],
    }
