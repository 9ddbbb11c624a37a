"""Each measured output, defined once: a formula on the alliance records (``state.ALLIANCE``) of any shape.

An outcome is a number for every alliance; a run's outcome is the mean over its alliances (those for which it is
defined). Money is in units of one alliance's base output a month.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.state import DISAPPOINTMENT, DISTRUST, EXOGENOUS

Array = NDArray[np.float64]
Alliances = Any
"""A record array of ``state.ALLIANCE``, any shape."""


@dataclass(frozen=True)
class Outcome:
    """A measured output: its formula on alliance records, unit, meaning, and whether more of it is better.

    ``better`` is +1, -1 or 0 (neither). ``bounds`` are the lowest and the highest value that it can have.
    """

    name: str
    unit: str
    meaning: str
    formula: Callable[[Alliances], Array]
    better: int = 0
    bounds: tuple[float, float] = (-math.inf, math.inf)


OUTCOMES: dict[str, Outcome] = {}

BOUNDS = {"share": (0.0, 1.0), "trust": (0.0, 1.0), "month": (0.0, math.inf)}
"""Lowest and highest value by unit, where an outcome does not name its own; other units have none."""
FROM_ZERO = (0.0, math.inf)


def outcome(
    unit: str, meaning: str, better: int = 0, bounds: tuple[float, float] | None = None
) -> Callable[[Callable[[Alliances], Array]], Callable[[Alliances], Array]]:
    """Register the decorated formula under its own name."""

    def register(formula: Callable[[Alliances], Array]) -> Callable[[Alliances], Array]:
        name, own = formula.__name__, bounds or BOUNDS.get(unit, (-math.inf, math.inf))
        OUTCOMES[name] = Outcome(name, unit, meaning, formula, better, own)
        return formula

    return register


def _ratio(top: Any, bottom: Any) -> Array:
    """top/bottom, NaN where the bottom is 0."""
    bottom = np.asarray(bottom, dtype=np.float64)
    return np.divide(top, bottom, out=np.full(np.shape(bottom), np.nan), where=bottom != 0)


def of_both(sides: Any) -> Array:
    """Sum over the two partners, which are on the last axis."""
    return np.asarray(sides[..., 0] + sides[..., 1])  # several times as fast as a reduction over an axis of two


@outcome("money", "net value of the alliance to both partners over its life, all costs paid", +1)
def value(a: Alliances) -> Array:
    return of_both(a.value)


@outcome("money/month", "net value of the alliance per month that it lived", +1)
def value_per_month(a: Alliances) -> Array:
    return _ratio(of_both(a.value), a.age)


@outcome("money", "incremental value: net value minus what both expected at the signature, over the months lived", +1)
def value_against_expectation(a: Alliances) -> Array:
    return np.asarray(of_both(a.value) - of_both(a.expectation_start) * a.age)


@outcome("share", "alliances whose net value fell short of what was expected at the signature", -1)
def fell_short(a: Alliances) -> Array:
    return np.where(of_both(a.value) < of_both(a.expectation_start) * a.age, 1.0, 0.0)


@outcome("share", "alliances whose net value was at least the sober plan over the months lived", +1)
def succeeded(a: Alliances) -> Array:
    return np.where(of_both(a.value) >= 2.0 * a.plan * a.age, 1.0, 0.0)


@outcome("share", "alliances that are still going on at the horizon")
def survived(a: Alliances) -> Array:
    return np.asarray(a.alive, dtype=np.float64)


@outcome("month", "months worked together, up to the horizon")
def duration(a: Alliances) -> Array:
    return np.asarray(a.age, dtype=np.float64)


@outcome("share", "alliances ended because trust was gone", -1)
def ended_by_distrust(a: Alliances) -> Array:
    return np.where(a.cause == DISTRUST, 1.0, 0.0)


@outcome("share", "alliances ended because results stayed below the outside option", -1)
def ended_by_disappointment(a: Alliances) -> Array:
    return np.where(a.cause == DISAPPOINTMENT, 1.0, 0.0)


@outcome("share", "alliances ended by a sale or a change of strategy; ending is not failing")
def ended_by_strategy(a: Alliances) -> Array:
    return np.where(a.cause == EXOGENOUS, 1.0, 0.0)


@outcome("trust", "effective trust at the end of the alliance or at the horizon, mean of both sides", +1)
def trust(a: Alliances) -> Array:
    return of_both(a.effective) / 2


@outcome("trust", "change of effective trust since the signature", +1, bounds=(-1.0, 1.0))
def trust_change(a: Alliances) -> Array:
    return np.asarray(of_both(a.effective) / 2 - of_both(a.trust_start) / 2)


@outcome("share", "communication at the end", +1)
def communication(a: Alliances) -> Array:
    return np.array(a.communication)


@outcome("share", "relational capital at the end", +1)
def ties(a: Alliances) -> Array:
    return np.array(a.ties)


@outcome("share", "working gap at the end: distance of practised values as it shows in joint work", -1)
def gap(a: Alliances) -> Array:
    return np.array(a.gap)


@outcome("share", "frustration at the end, mean of both sides", -1)
def frustration(a: Alliances) -> Array:
    return of_both(a.frustration) / 2


@outcome(
    "share", "confidence: discretionary resources committed, share of the extra mile gone over the months lived", +1
)
def extra_mile(a: Alliances) -> Array:
    return _ratio(a.extra_mile, a.age)


@outcome(
    "share", "strategic alignment: accuracy of each side's reading of what the other means to do, months lived", +1
)
def alignment(a: Alliances) -> Array:
    return 1.0 - _ratio(a.misreading, a.age)


@outcome("share", "predictability: 1 − mean squared error of each side's forecast whether the other will adapt", +1)
def predictability(a: Alliances) -> Array:
    return 1.0 - _ratio(a.forecast_error, 2.0 * a.contingencies)


@outcome("share of the plan", "performance: net value against the sober plan, over the months lived", +1)
def performance(a: Alliances) -> Array:
    return _ratio(of_both(a.value), 2.0 * a.plan * a.age)


@outcome("money/month", "synergy: value together minus value apart (the outside options), per month lived", +1)
def surplus(a: Alliances) -> Array:
    return _ratio(of_both(a.value) - a.apart, a.age)


@outcome("money", "value together minus value apart (the outside options), over the months lived", +1)
def gain(a: Alliances) -> Array:
    return np.asarray(of_both(a.value) - a.apart)


@outcome("share", "alliances that would have been better off apart: net value below the outside options", -1)
def better_apart(a: Alliances) -> Array:
    return np.where(of_both(a.value) < a.apart, 1.0, 0.0)


@outcome("share", "delegation: decisions left to the absent partner, mean over the months lived")
def delegation(a: Alliances) -> Array:
    return _ratio(a.delegated, a.age)


@outcome("share", "mutual creativity: uncovered contingencies that both partners met together", +1)
def met_together(a: Alliances) -> Array:
    return _ratio(a.met_together, a.contingencies)


@outcome("money/month", "of the synergy: what shared know-how earned", +1)
def synergy(a: Alliances) -> Array:
    return _ratio(a.synergy, a.age)


@outcome("money/month", "losses from friction, bad work, contingencies not met and shirking", -1, bounds=FROM_ZERO)
def losses(a: Alliances) -> Array:
    return _ratio(a.losses, a.age)


@outcome("share", "monitoring cost as a share of what the partners made together", -1, bounds=FROM_ZERO)
def monitoring_share(a: Alliances) -> Array:
    return np.where(a.output > 0, _ratio(a.monitoring_cost, a.output), np.nan)


@outcome("share", "cost of monitoring and contract as a share of what the partners made together", -1, bounds=FROM_ZERO)
def governance_share(a: Alliances) -> Array:
    return np.where(a.output > 0, _ratio(a.monitoring_cost + a.governance_cost, a.output), np.nan)


@outcome("money/month", "spending on people, relations and joint sessions, both partners", bounds=FROM_ZERO)
def relational_cost(a: Alliances) -> Array:
    return _ratio(a.relational_cost, a.age)


@outcome("share", "problems that were talked through", +1)
def talked_through(a: Alliances) -> Array:
    return _ratio(a.hard_talks, a.problems)


@outcome("share", "problems that were laid at somebody's door", -1)
def blamed(a: Alliances) -> Array:
    return _ratio(a.blames, a.problems)


@outcome("share", "problems that were felt and not said", -1)
def festered(a: Alliances) -> Array:
    return _ratio(a.festered, a.problems)


@outcome("money", "goodwill impaired or written off, both partners' books", -1, bounds=FROM_ZERO)
def written_off(a: Alliances) -> Array:
    return np.array(a.written_off)


@outcome("money", "goodwill sold with the alliance at a strategic end, both partners' books", bounds=FROM_ZERO)
def realized(a: Alliances) -> Array:
    return np.array(a.realized)


@outcome("tightness", "tightness of the contract", bounds=FROM_ZERO)
def tightness(a: Alliances) -> Array:
    return np.array(a.tightness)


@outcome("money", "interviews that led to the alliance, vain ones included, both partners", -1, bounds=FROM_ZERO)
def vetting_cost(a: Alliances) -> Array:
    return np.array(a.vetting_cost)


@outcome("share", "alliances between partners who had been allied before")
def repeated(a: Alliances) -> Array:
    return np.where(a.earlier > 0, 1.0, 0.0)
