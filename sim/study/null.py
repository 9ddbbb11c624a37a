"""The null model: partners who merely learn how trustworthy the other is, and what is measured of it and of the model.

What it reproduces is no evidence for the model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.intervals import Interval, Range, mean_of
from sim.study.effects import REPLICATES, SEED, Floats, jackknife


@dataclass(frozen=True, eq=False)
class Lives:
    """Trust month by month and when each alliance ended. R replicates, M alliances.

    Attributes:
        trust: (R, M, months + 1), NaN after the end.
        ended: (R, M), month of the end, 0 while it goes on.
    """

    trust: Floats
    ended: NDArray[np.int64]


def null_model(
    seed: int = SEED,
    replicates: int = REPLICATES,
    alliances: int = 75,
    months: int = 144,
    kinds: Range = (2.0, 1.0),
    prior: Range = (16.0, 4.0),
    leaves_below: float = 0.5,
) -> Lives:
    """Partners who merely learn a fixed trustworthiness and leave below a threshold.

    A partner is trustworthy to a degree drawn from Beta(kinds): the chance that a month goes well. Trust is the mean of
    a Beta belief that starts at the optimistic ``prior`` and counts good and bad months; who trusts less than
    ``leaves_below`` leaves. Source: the model page; Fichman & Levinthal 1991 for the honeymoon that it gives. The
    default numbers were chosen in favour of the null, so that it shows both a hump-shaped hazard and a positive
    trust–age correlation; most other numbers give one of the two.

    Raises:
        ValueError: when the prior is not above the threshold.
    """
    if prior[0] / sum(prior) <= leaves_below:
        raise ValueError("prior: its mean must lie above leaves_below, or nobody would begin")
    random = np.random.default_rng(seed)
    worth = random.beta(*kinds, size=(replicates, alliances, 1))
    good = (random.random((replicates, alliances, months)) < worth).cumsum(-1)
    after = (prior[0] + good) / (sum(prior) + np.arange(1, months + 1))
    start = np.full((replicates, alliances, 1), prior[0] / sum(prior))
    trust = np.concatenate([start, after], axis=-1)
    leaving = trust < leaves_below
    ended = np.where(leaving.any(-1), leaving.argmax(-1), 0)
    over = (ended[..., None] > 0) & (np.arange(months + 1) > ended[..., None])
    return Lives(np.where(over, np.nan, trust), ended)


def hazard_by_year(ended: NDArray[np.int64], months: int) -> Floats:
    """Endings in each whole year per alliance alive at its beginning, each replicate, (R, years)."""
    years = np.arange(0, months - 11, 12)
    alive = np.stack([((ended == 0) | (ended > start)).sum(1) for start in years], axis=-1)
    ends = np.stack([((ended > start) & (ended <= start + 12)).sum(1) for start in years], axis=-1)
    return np.asarray(ends / np.maximum(alive, 1))


def interior_peak(by_year: Floats) -> Interval:
    """How far the hazard of years 2 to 6 stands above the mean of the first and the last two years, 1/year."""
    return mean_of(by_year[:, 1:6].mean(1) - 0.5 * (by_year[:, 0] + by_year[:, -2:].mean(1)))


def age_correlation(count: Floats, total: Floats, squares: Floats) -> Interval:
    """Correlation of trust with age over living alliance-months, from their moments by age, each (R, months + 1)."""
    age = np.arange(count.shape[1], dtype=np.float64)

    def correlation(m: Floats) -> float:
        n = m[0].sum()
        mean_age, mean_trust = (m[0] * age).sum() / n, m[1].sum() / n
        covariance = (m[1] * age).sum() / n - mean_age * mean_trust
        spread = ((m[0] * age**2).sum() / n - mean_age**2) * (m[2].sum() / n - mean_trust**2)
        return float(covariance / math.sqrt(spread))

    return jackknife(correlation, np.stack([count, total, squares], axis=1))
