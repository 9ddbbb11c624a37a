"""Effects measured on runs of shipped scenarios, each with its 95% interval.

An effect is a difference, a ratio or a correlation between variants that share their random draws (same seed, so that
replicates are paired). Intervals are t intervals over replicates; those of ratios and shapes are jackknifed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.state import DISAPPOINTMENT, DISTRUST, VARIABLES
from sim.engine import Result, simulate
from sim.intervals import Interval
from sim.intervals import jackknife as jackknifed
from sim.library import find
from sim.loaded import BITS, digest
from sim.scenario import Scenario, load

Floats = NDArray[np.float64]
Settings = Mapping[str, Any]
"""Settings of a scenario, as ``Scenario.replace`` takes them."""

SEED = 20261122
REPLICATES = 100
"""Each is 50 organizations with 75 alliances over 144 months."""


# ---------------------------------------------------------------------------------------------------------------
# Estimates
# ---------------------------------------------------------------------------------------------------------------
def jackknife(statistic: Callable[[Floats], float], sample: Floats) -> Interval:
    """A smooth statistic of the mean of a sample (R, …) over replicates, with its jackknifed t interval.

    ``statistic`` takes the mean, of shape (…).
    """
    count = len(sample)
    total = sample.sum(axis=0)
    left_out = np.array([statistic((total - row) / (count - 1)) for row in sample])
    return jackknifed(statistic(total / count), left_out)


# ---------------------------------------------------------------------------------------------------------------
# Variants
# ---------------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=6)
def _cached(scenario: str, tables: str, settings: str, seed: int, replicates: int, code: str) -> Result:
    plain = {**load(find("scenarios", scenario)).written, **json.loads(tables)}
    variant = Scenario.from_plain(plain, scenario).with_settings(json.loads(settings))
    return simulate(variant, replicates, seed)


def run(
    seed: int, replicates: int, scenario: str = "baseline", tables: Settings | None = None, **settings: Any
) -> Result:
    """A variant of a shipped scenario; the newest few results are kept.

    Args:
        seed, replicates: of the runs.
        scenario: its name.
        tables: whole tables of its file that are put in place of its own, such as ``network`` or ``groups``.
        **settings: what is changed then, as in ``Scenario.replace``.
    """
    keyed = {key.replace("__", "."): value for key, value in settings.items()}
    return _cached(
        scenario, json.dumps(tables or {}), json.dumps(keyed, sort_keys=True), seed, replicates, digest(BITS)
    )


def groups_of_equal_size(traits: Mapping[str, Settings]) -> list[dict[str, Any]]:
    """The table ``groups`` of a scenario: for each name a group with these traits, all of the same size."""
    return [{"name": name, "share": 1.0, "traits": dict(own)} for name, own in traits.items()]


def gain(seed: int, replicates: int, name: str, here: Settings, there: Settings, **both: Any) -> Floats:
    """Difference of an outcome between two variants of the baseline, ``here`` − ``there``, paired, (R,)."""
    return outcome(run(seed, replicates, **both, **here), name) - outcome(run(seed, replicates, **both, **there), name)


# ---------------------------------------------------------------------------------------------------------------
# What is read off a result
# ---------------------------------------------------------------------------------------------------------------
def outcome(result: Result, name: str) -> Floats:
    """An outcome's mean over the alliances of each replicate, (R,)."""
    return np.asarray(result.runs()[name], dtype=np.float64)


def monthly(result: Result, variable: str) -> Floats:
    """A recorded variable's mean over the living alliances, (R, months + 1); nobody may have died out."""
    moments = result.moments[:, :, VARIABLES.index(variable)]
    counts = np.maximum(moments[..., 0], 1.0)  # month 0 has no result and no effort yet: reads 0
    return np.asarray(moments[..., 1] / counts)


def total_value(result: Result) -> Floats:
    """Net value of each alliance to both partners, money, (R, M)."""
    return np.asarray(result.alliances.value.sum(-1))


def last_trust(result: Result) -> Floats:
    """Effective trust of each alliance at its end or the last month, mean of both sides, [0, 1], (R, M)."""
    return np.asarray(result.alliances.effective.mean(-1))


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


def hazard_of_failing(result: Result, first: int = 1, last: int | None = None) -> Floats:
    """Endings by distrust or disappointment per alliance-month lived, 1/month, (R,).

    Args:
        result: of any scenario without a market, where all alliances begin together.
        first, last: the months that count; by default all.
    """
    a = result.alliances
    last = result.scenario.months if last is None else last
    failed = np.isin(a.cause, (DISTRUST, DISAPPOINTMENT)) & (a.ended >= first) & (a.ended <= last)
    lived = np.clip(a.age, first - 1, last) - (first - 1)
    return np.asarray(failed.sum(1) / lived.sum(1))
