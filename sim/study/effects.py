"""An effect with its 95% interval, and the same effect with its mechanism switched off.

All numbers come from runs of shipped scenarios that share their random draws (same seed, paired replicates). Intervals
are t intervals over replicates; ratios and shapes are jackknifed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.state import VARIABLES
from sim.engine import Result, simulate
from sim.library import find
from sim.scenario import load
from sim.study.analysis import interval

Floats = NDArray[np.float64]
Range = tuple[float, float]

SEED = 20261122
REPLICATES = 100
"""Each is 50 organizations with 75 alliances over 144 months."""
REMAINS = 0.25
"""Largest share of an effect that may remain when it is said to be gone."""
ABOVE_ZERO: Range = (0.0, math.inf)
BELOW_ZERO: Range = (-math.inf, 0.0)


# ---------------------------------------------------------------------------------------------------------------
# Findings
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Estimate:
    """An estimate with the ends of its 95% interval."""

    value: float
    low: float
    high: float

    def within(self, limits: Range) -> bool:
        """Whether the whole interval lies strictly within ``limits``; an exact number may also lie on them."""
        if self.low == self.high:
            return limits[0] <= self.value <= limits[1]
        return limits[0] < self.low and self.high < limits[1]

    def __str__(self) -> str:
        digits = max(0, min(5, 2 - math.floor(math.log10(max(abs(self.low), abs(self.high), 1e-4)))))
        return f"{self.value:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]".replace("-", "−")


@dataclass(frozen=True)
class Finding:
    """One part of a statement, as measured.

    Attributes:
        statement: its number on the model page; 0 for what the null model is compared on.
        claim: what should come out; ``measured``: how it was measured, with unit.
        effect: the estimate; ``expected``: the range that its whole interval must lie in.
        off: how the mechanism is switched off, empty where there is nothing to switch; ``off_effect``: the effect then;
            ``gone``: the range that its whole interval must lie in (default: at most a quarter of the effect, or
            reversed).
    """

    statement: int
    claim: str
    measured: str
    effect: Estimate
    expected: Range = ABOVE_ZERO
    off: str = ""
    off_effect: Estimate | None = None
    gone: Range = field(default=(math.nan, math.nan))

    @property
    def holds(self) -> bool:
        """The effect is as expected."""
        return self.effect.within(self.expected)

    @property
    def goes_away(self) -> bool:
        """Switched off, the effect is gone; True also where there is nothing to switch."""
        if self.off_effect is None:
            return True
        if not math.isnan(self.gone[0]):
            return self.off_effect.within(self.gone)
        left = REMAINS * abs(self.effect.value)
        return self.off_effect.within((-math.inf, left) if self.effect.value > 0 else (-left, math.inf))

    @property
    def verdict(self) -> str:
        """ "holds", "holds, but not by this mechanism alone" or "not yet"."""
        if not self.holds:
            return "not yet"
        return "holds" if self.goes_away else "holds, but not by this mechanism alone"


def verdict(findings: list[Finding]) -> str:
    """The verdict on a whole statement: "holds", "partly" or "not yet"."""
    sound = [finding.holds and finding.goes_away for finding in findings]
    return "holds" if all(sound) else "partly" if any(sound) else "not yet"


# ---------------------------------------------------------------------------------------------------------------
# Measuring
# ---------------------------------------------------------------------------------------------------------------
def mean(values: Floats) -> Estimate:
    """Mean over replicates with its t interval."""
    value, low, high, _ = interval(values)
    return Estimate(value, low, high)


def jackknife(statistic: Callable[[Floats], float], sample: Floats) -> Estimate:
    """A smooth statistic of the mean of a sample (R, …) over replicates, with its jackknifed t interval.

    ``statistic`` takes the mean, of shape (…).
    """
    from scipy.special import stdtrit

    count = len(sample)
    total = sample.sum(axis=0)
    left_out = np.array([statistic((total - row) / (count - 1)) for row in sample])
    value = statistic(total / count)
    error = math.sqrt((count - 1) * float(left_out.var()))
    half = float(stdtrit(count - 1, 0.975)) * error
    return Estimate(value, value - half, value + half)


@lru_cache(maxsize=6)
def _cached(scenario: str, settings: str, seed: int, replicates: int) -> Result:
    return simulate(load(find("scenarios", scenario)).with_settings(json.loads(settings)), replicates, seed)


def run(seed: int, replicates: int, scenario: str = "baseline", **settings: Any) -> Result:
    """A shipped scenario with settings changed (as in ``Scenario.replace``); the newest few results are kept."""
    keyed = {key.replace("__", "."): value for key, value in settings.items()}
    return _cached(scenario, json.dumps(keyed, sort_keys=True), seed, replicates)


def outcome(result: Result, name: str) -> Floats:
    """An outcome's mean over the alliances of each replicate, (R,)."""
    return np.asarray(result.runs()[name], dtype=np.float64)


def monthly(result: Result, variable: str) -> Floats:
    """A recorded variable's mean over the living alliances, (R, months + 1); nobody may have died out."""
    moments = result.moments[:, :, VARIABLES.index(variable)]
    counts = np.maximum(moments[..., 0], 1.0)  # month 0 has no result and no effort yet: reads 0
    return np.asarray(moments[..., 1] / counts)


def alignment(result: Result, professed: bool) -> Floats:
    """Minus the distance of the partners' professed, or else practised, values at the signature, (R, M)."""
    orgs = result.organizations
    rows = np.arange(len(orgs))[:, None]

    def values(side: int) -> Floats:
        partner = orgs[rows, result.alliances.org[..., side]]
        w = 1.0 if professed else partner.operationalization_start[..., None]
        return np.asarray(w * partner.professed + (1.0 - w) * partner.default_culture)

    return np.asarray(-np.sqrt(((values(0) - values(1)) ** 2).mean(-1)))


def correlations(x: Floats, y: Floats) -> Floats:
    """Pearson's correlation over the alliances of each replicate, (R,)."""
    x = x - x.mean(1, keepdims=True)
    y = y - y.mean(1, keepdims=True)
    return np.asarray((x * y).sum(1) / np.sqrt((x**2).sum(1) * (y**2).sum(1)))


def total_value(result: Result) -> Floats:
    """Net value of each alliance to both partners, money, (R, M)."""
    return np.asarray(result.alliances.value.sum(-1))


def gain(seed: int, replicates: int, name: str, here: dict[str, Any], there: dict[str, Any], **both: Any) -> Floats:
    """Difference of an outcome between two variants of the baseline, ``here`` − ``there``, paired, (R,)."""
    return outcome(run(seed, replicates, **both, **here), name) - outcome(run(seed, replicates, **both, **there), name)
