"""The model beside the null: what partners who merely learn bring about as well, and one thing that they cannot.

What the null does too is no evidence for the model.
"""

from __future__ import annotations

import numpy as np

from sim.dynamics.state import VARIABLES
from sim.intervals import Interval, exact, mean_of
from sim.study.effects import last_trust, run
from sim.study.null import age_correlation, hazard_by_year, interior_peak, null_model
from sim.study.patterns.claims import Claim
from sim.study.patterns.communication import framings


def peak(seed: int, replicates: int) -> Interval:
    """How far the model's hazard of ending stands higher in years 2 to 6 than before and after, 1/year."""
    result = run(seed, replicates)
    return interior_peak(hazard_by_year(result.alliances.ended, result.scenario.months))


def peak_of_null(seed: int, replicates: int) -> Interval:
    """The same in the null."""
    lives = null_model(seed, replicates)
    return interior_peak(hazard_by_year(lives.ended, lives.trust.shape[-1] - 1))


def trust_with_age(seed: int, replicates: int) -> Interval:
    """The model's correlation of trust with age over living alliance-months."""
    moments = run(seed, replicates).moments[:, :, VARIABLES.index("trust")]
    return age_correlation(moments[..., 0], moments[..., 1], moments[..., 2])


def trust_with_age_of_null(seed: int, replicates: int) -> Interval:
    """The same in the null."""
    trust = null_model(seed, replicates).trust
    alive = ~np.isnan(trust)
    trust = np.where(alive, trust, 0.0)
    return age_correlation(alive.sum(1).astype(np.float64), trust.sum(1), (trust**2).sum(1))


def spread_at_equal_faults(seed: int, replicates: int) -> Interval:
    """Root mean square difference of trust between alliances with the very same problems, after twelve years."""
    well, badly = framings(seed, replicates)
    return mean_of(np.sqrt(((last_trust(well) - last_trust(badly)) ** 2).mean(1)))


def no_spread(seed: int, replicates: int) -> Interval:
    """The same in the null, exactly 0: its trust is a function of the numbers of good and bad months."""
    return exact(0.0)


AGAINST_NULL = (
    Claim(
        "the hazard of ending has an interior peak",
        "endings a year per alliance: mean of years 2–6 above the mean of the first and the last two",
        peak,
        off="the null",
        counterpart=peak_of_null,
    ),
    Claim(
        "a small positive correlation of trust with age",
        "correlation over living alliance-months; calibration target 0 to 0.25",
        trust_with_age,
        expected=(0.0, 0.25),
        off="the null",
        counterpart=trust_with_age_of_null,
    ),
    Claim(
        "equal fault histories diverge",
        "root mean square difference of trust after twelve years, frame_base +2 against −2",
        spread_at_equal_faults,
        expected=(0.05, 1.0),
        off="the null: trust is a function of the numbers of good and bad months",
        counterpart=no_spread,
    ),
)
"""What the null reproduces, beside the model's own number, and what it cannot."""
