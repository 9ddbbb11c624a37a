"""Relations: statements 5 (investing in them) and 6 (chemistry and people)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from sim.engine import Result
from sim.intervals import Interval, mean_of, ratio_of
from sim.study.effects import (
    Floats,
    Settings,
    groups_of_equal_size,
    hazard_of_failing,
    jackknife,
    monthly,
    outcome,
    run,
)
from sim.study.patterns.claims import BELOW_ZERO, Claim
from sim.study.patterns.conditions import NOBODY_LEAVES

# ---------------------------------------------------------------------------------------------------------------
# 5 Investing in relations
# ---------------------------------------------------------------------------------------------------------------
HALF_A_YEAR, TWELVE_YEARS = 6, 144
"""Months by which the money is counted."""
WATCHED_MONTHS = 73
"""From the signature to the end of the sixth year: over which falls are timed."""
LEVELS = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
"""Relational investment of the one side that is varied, the other's staying at 1."""


def lost_by_underinvesting(seed: int, replicates: int, variable: str, **settings: Any) -> Floats:
    """A recorded variable month by month, under-investment against the baseline, (R, months + 1)."""
    low, usual = (run(seed, replicates, name, **settings) for name in ("underinvestment", "baseline"))
    return monthly(low, variable) - monthly(usual, variable)


def money_by(seed: int, replicates: int, month: int, **settings: Any) -> Interval:
    """Money made by a month, under-investment against the baseline."""
    return mean_of(lost_by_underinvesting(seed, replicates, "value", **settings)[:, month])


def share_through_trust(seed: int, replicates: int) -> Interval:
    """Share of the money lost to under-investment that is not lost with trust clamped."""
    open_, clamped = (
        lost_by_underinvesting(seed, replicates, "value", clamp_trust=held)[:, TWELVE_YEARS] for held in (False, True)
    )
    return ratio_of(open_ - clamped, open_)


def lag(seed: int, replicates: int, later: str, sooner: str) -> Interval:
    """Months by which one variable's fall under under-investment comes after another's, nobody leaving.

    A fall's delay is the mean month at which its parts come, when what has gone by the last month is the whole.
    """
    paths = [
        lost_by_underinvesting(seed, replicates, variable, **NOBODY_LEAVES)[:, :WATCHED_MONTHS]
        for variable in (later, sooner)
    ]

    def difference_of_delays(falls: Floats) -> float:
        delays = (1.0 - falls / falls[:, -1:]).sum(1)
        return float(delays[0] - delays[1])

    return jackknife(difference_of_delays, np.stack(paths, axis=1))


def two_sides(seed: int, replicates: int, ours: float, **settings: Any) -> Floats:
    """Value to each side, mean over alliances (R, 2), when one side of every alliance invests ``ours``, the other 1."""
    sides = {"us": {"relational_investment": ours}, "them": {"relational_investment": 1.0}}
    tables = {"network": {"mixing": "between"}, "groups": groups_of_equal_size(sides)}
    return np.asarray(run(seed, replicates, tables=tables, **settings).alliances.value.mean(1))


def optimum(values: Floats) -> float:
    """The level at which the parabola through (:data:`LEVELS`, values) is highest, by least squares.

    Held within the levels: beyond them the parabola says nothing.
    """
    bend, slope, _ = np.polyfit(LEVELS, values, 2)
    if bend >= 0.0:
        return LEVELS[-1] if values[-1] > values[0] else LEVELS[0]
    return float(np.clip(-slope / (2.0 * bend), LEVELS[0], LEVELS[-1]))


def gap_of_optima(seed: int, replicates: int, **settings: Any) -> Interval:
    """By how much one side's investment that is best for both lies above the one that is best for itself."""
    values = np.stack([two_sides(seed, replicates, level, **settings) for level in LEVELS], axis=1)
    return jackknife(lambda by_level: optimum(by_level.sum(1)) - optimum(by_level[:, 0]), values)


INVESTING_IN_RELATIONS = (
    Claim(
        "at once it pays",
        "money by month 6, under-investment against the baseline",
        partial(money_by, month=HALF_A_YEAR),
        off="investing costs nothing (relational_cost 0)",
        without={"relational_cost": 0.0},
    ),
    Claim(
        "later it costs more than it saved",
        "money by month 144, under-investment against the baseline",
        partial(money_by, month=TWELVE_YEARS),
        expected=BELOW_ZERO,
        off="clamp_ties",
        without={"clamp_ties": True},
    ),
    Claim(
        "the loss works through communication",
        "money by month 144, under-investment against the baseline",
        partial(money_by, month=TWELVE_YEARS),
        expected=BELOW_ZERO,
        off="clamp_communication",
        without={"clamp_communication": True},
    ),
    Claim(
        "most of the loss passes through trust, its last link",
        "share of the loss by month 144 that is not lost with trust clamped",
        share_through_trust,
        expected=(0.5, 1.5),
    ),
    Claim(
        "communication falls after ties",
        "months by which the mean delay of its fall over six years is longer, nobody leaving",
        partial(lag, later="communication", sooner="ties"),
    ),
    Claim("trust falls after communication", "as above", partial(lag, later="trust", sooner="communication")),
    Claim(
        "a party's own optimum is below the joint one",
        "joint optimum − own optimum of one side's investment (parabolas), the other's being 1",
        gap_of_optima,
        off="investing moves nothing (clamp_ties)",
        without={"clamp_ties": True},
    ),
)
"""5. Under-investing pays at once and costs later, through ties, communication and trust in that order."""


# ---------------------------------------------------------------------------------------------------------------
# 6 Chemistry and people
# ---------------------------------------------------------------------------------------------------------------
LOW_CHEMISTRY: Settings = {"chemistry": 0.15}
HIGH_CHEMISTRY: Settings = {"chemistry": 0.85}


def extra_mile(result: Result) -> Floats:
    """Share of the extra mile gone, (R,)."""
    return outcome(result, "extra_mile")


def compliance(result: Result) -> Floats:
    """Share of partner-months without shirking, mean over alliances, (R,)."""
    return np.asarray(1.0 - (result.alliances.shirks / (2.0 * result.alliances.age)).mean(1))


def exceeding(result: Result) -> Floats:
    """Share of alliances worth more than the sober plan, (R,)."""
    a = result.alliances
    return np.asarray((a.value.sum(-1) > 2.0 * a.plan * a.age).mean(1))


def low_chemistry(seed: int, replicates: int, measured: Callable[[Result], Floats], **settings: Any) -> Interval:
    """A measure of alliances of low chemistry above that of alliances of high chemistry."""
    low, high = (
        run(seed, replicates, **level, chemistry_spread=0.0, **settings) for level in (LOW_CHEMISTRY, HIGH_CHEMISTRY)
    )
    return mean_of(measured(low) - measured(high))


def turnover_raises_hazard(seed: int, replicates: int, **settings: Any) -> Interval:
    """Logarithm of the ratio of hazards of failing, turnover of 0.045 against 0.005 a month."""
    much, little = (hazard_of_failing(run(seed, replicates, turnover=rate, **settings)) for rate in (0.045, 0.005))
    return jackknife(lambda hazards: float(np.log(hazards[0] / hazards[1])), np.stack([much, little], axis=-1))


CHEMISTRY_AND_PEOPLE = (
    Claim(
        "low-chemistry alliances do not go the extra mile",
        "share of the extra mile gone, chemistry 0.15 against 0.85",
        partial(low_chemistry, measured=extra_mile),
        expected=BELOW_ZERO,
        off="effort_chemistry 0",
        without={"effort_chemistry": 0.0},
    ),
    Claim(
        "they comply",
        "share of partner-months without shirking, chemistry 0.15 against 0.85",
        partial(low_chemistry, measured=compliance),
        expected=(-0.01, 0.01),
    ),
    Claim(
        "they seldom exceed the plan",
        "share of alliances worth more than the sober plan, chemistry 0.15 against 0.85",
        partial(low_chemistry, measured=exceeding),
        expected=BELOW_ZERO,
        off="chemistry moves neither effort nor adapting (effort_chemistry 0, adapt_chemistry 0)",
        without={"effort_chemistry": 0.0, "adapt_chemistry": 0.0},
    ),
    Claim(
        "turnover of people raises the hazard of ending",
        "logarithm of the ratio of hazards (distrust or disappointment), turnover 0.045 against 0.005 a month",
        turnover_raises_hazard,
        off="people take nothing with them (turnover_ties_loss 0, turnover_trust_loss 0, chemistry_spread 0)",
        without={"turnover_ties_loss": 0.0, "turnover_trust_loss": 0.0, "chemistry_spread": 0.0},
    ),
    Claim(
        "also by the trust in people that is lost",
        "as above, with neither ties nor chemistry lost",
        partial(turnover_raises_hazard, turnover_ties_loss=0.0, chemistry_spread=0.0),
    ),
)
"""6. Low chemistry complies but seldom exceeds; turnover of people raises the hazard of ending."""
