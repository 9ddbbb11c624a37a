"""Expectations: statements 11 (goodwill written off at AOL Time Warner) and 12 (optimism)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from sim.intervals import Interval, mean_of, ratio_of
from sim.study.effects import Floats, Settings, hazard_of_failing, monthly, outcome, run, total_value
from sim.study.patterns.claims import BELOW_ZERO, Claim
from sim.study.patterns.conditions import CALM, MORE, NOBODY_LEAVES

# ---------------------------------------------------------------------------------------------------------------
# 11 AOL Time Warner
# ---------------------------------------------------------------------------------------------------------------
DYADS = 20
"""Dyads run for each replicate asked for: this scenario has one alliance where the others have 75."""
LIKE_CULTURES: Settings = {"Time Warner__default_culture": 0.9}
"""What takes the culture clash out of the scenario."""


def written_off(seed: int, replicates: int, clash: bool, crash: bool, **settings: Any) -> Floats:
    """Goodwill written off in one of the four cells of the scenario, money, (R,)."""
    cell = {"events__crash__enabled": crash, **({} if clash else LIKE_CULTURES)}
    return outcome(run(seed, DYADS * replicates, "aol_time_warner", **settings, **cell), "written_off")


def written_off_alone(seed: int, replicates: int, clash: bool, crash: bool, **settings: Any) -> Interval:
    """Money written off, one of clash and crash against neither."""
    alone = written_off(seed, replicates, clash, crash, **settings)
    return mean_of(alone - written_off(seed, replicates, clash=False, crash=False, **settings))


def share_of_clash(seed: int, replicates: int) -> Interval:
    """Share due to the clash (Shapley value: mean of what it adds first and last) of what both add to the write-off."""
    neither = written_off(seed, replicates, clash=False, crash=False)
    clash = written_off(seed, replicates, clash=True, crash=False)
    crash = written_off(seed, replicates, clash=False, crash=True)
    both = written_off(seed, replicates, clash=True, crash=True)
    return ratio_of(0.5 * (clash - neither + both - crash), both - neither)


CLASH_AND_CRASH = (
    Claim(
        "the clash alone causes a write-off",
        "money written off, clash against neither",
        partial(written_off_alone, clash=True, crash=False),
        off="unlike practices do nothing (friction_gap 0, synergy 0)",
        without={"friction_gap": 0.0, "synergy": 0.0},
    ),
    Claim(
        "the crash alone causes a write-off",
        "money written off, crash against neither",
        partial(written_off_alone, clash=False, crash=True),
        off="the market recovers within the month (market_recovery 1)",
        without={"market_recovery": 1.0},
    ),
    Claim(
        "each has its share: the clash's",
        "share due to the clash (Shapley) of what both add to the write-off",
        share_of_clash,
        expected=(0.0, 1.0),
    ),
)
"""11. Clash and crash each alone can cause a write-off, and each has its share."""


# ---------------------------------------------------------------------------------------------------------------
# 12 Optimism
# ---------------------------------------------------------------------------------------------------------------
DISAPPOINTED, SETTLED = 18, 96
"""Months at which frustration stands highest in the baseline, and at which it has long settled."""
SOBER: Settings = {"optimism": 0.0}
"""Expectations are managed."""


def path(seed: int, replicates: int, variable: str, **settings: Any) -> Floats:
    """A recorded variable month by month, nobody leaving, (R, months + 1)."""
    return monthly(run(seed, MORE * replicates, **NOBODY_LEAVES, **settings), variable)


def honeymoon(seed: int, replicates: int, **settings: Any) -> Interval:
    """Hazard of failing in the second year above that of the first half-year, 1/month."""
    result = run(seed, 4 * MORE * replicates, months=24, **settings)
    return mean_of(hazard_of_failing(result, 13, 24) - hazard_of_failing(result, 1, 6))


def passing_frustration(seed: int, replicates: int, **settings: Any) -> Interval:
    """Frustration when it stands highest above frustration when it has settled."""
    frustration = path(seed, replicates, "frustration", **settings)
    return mean_of(frustration[:, DISAPPOINTED] - frustration[:, SETTLED])


def cost_of_optimism(seed: int, replicates: int, variable: str, **settings: Any) -> Interval:
    """A variable when frustration stands highest, optimism as it is against none."""
    optimistic, sober = (path(seed, replicates, variable, **settings, **hopes) for hopes in ({}, SOBER))
    return mean_of(optimistic[:, DISAPPOINTED] - sober[:, DISAPPOINTED])


def most_fall_short(seed: int, replicates: int, **settings: Any) -> Interval:
    """Share of alliances worth less than expected at the signature, above one half."""
    return mean_of(outcome(run(seed, replicates, **settings), "fell_short") - 0.5)


def skewness_of_value(seed: int, replicates: int, **settings: Any) -> Interval:
    """Skewness of value over the alliances of a replicate."""
    return mean_of(skewness(total_value(run(seed, replicates, **settings))))


def skewness(x: Floats) -> Floats:
    """Skewness over the last axis."""
    z = (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)
    return np.asarray((z**3).mean(-1))


def share_drained(seed: int, replicates: int, **settings: Any) -> Interval:
    """Share of alliances whose net value is negative."""
    return mean_of(np.asarray((total_value(run(seed, replicates, **settings)) < 0.0).mean(1)))


OPTIMISM = (
    Claim(
        "a honeymoon: few leave at first",
        "endings by distrust or disappointment per alliance-month, months 13–24 above months 1–6",
        honeymoon,
        off="partners begin without credit: only the newest result counts, no trust has to be used up first, and "
        "markets do not drift apart (value_smoothing 1, trust_exit 0, market_volatility 0)",
        without={"value_smoothing": 1.0, "trust_exit": 0.0, "market_volatility": 0.0},
    ),
    Claim(
        "then disappointment, which passes; managing expectations removes it",
        f"frustration in month {DISAPPOINTED} above month {SETTLED}, nobody leaving",
        passing_frustration,
        off="expectations are managed (optimism 0)",
        without=SOBER,
    ),
    Claim(
        "managing expectations spares the trust that disappointment costs",
        f"trust in month {DISAPPOINTED}, optimism as it is against none, nobody leaving",
        partial(cost_of_optimism, variable="trust"),
        expected=BELOW_ZERO,
        off="partners take disappointment calmly (disappointment_loss, effort_frustration, adapt_frustration 0)",
        without=CALM,
    ),
    Claim(
        "and the effort that it drains",
        f"share of the extra mile in month {DISAPPOINTED}, optimism as it is against none, nobody leaving",
        partial(cost_of_optimism, variable="extra_mile"),
        expected=BELOW_ZERO,
        off="as above",
        without=CALM,
    ),
    Claim(
        "most fall short of what was expected",
        "share of alliances worth less than expected at the signature, above one half",
        most_fall_short,
        off="expectations are managed (optimism 0)",
        without=SOBER,
    ),
    Claim(
        "the best reap large rewards: values are skewed to the right",
        "skewness of value over alliances",
        skewness_of_value,
        off="know-how does not grow on itself and markets do not fluctuate (know_how_returns, market_volatility 0)",
        without={"know_how_returns": 0.0, "market_volatility": 0.0},
    ),
    Claim(
        "the worst drain",
        "share of alliances whose net value is negative",
        share_drained,
        expected=(0.01, 1.0),
        off="nothing is sunk in the relation (specific_investment, contracting_cost 0)",
        without={"specific_investment": 0.0, "contracting_cost": 0.0},
    ),
)
"""12. Optimism gives honeymoon, then disappointment; most fall short; values are wide and skewed."""
