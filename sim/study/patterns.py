"""What must come out: the statements of the model page, each measured as an effect with its 95% interval.

``python -m sim.study.patterns`` prints the table of docs/validation.md; the tests of ``tests/statistical`` hold those
statements that are found to hold. Every function ``statement_…`` runs the shipped scenarios with a few settings changed
and returns its findings. A finding has two halves: the effect, whose whole interval must lie within ``expected``, and
the same effect with its mechanism switched off, whose whole interval must lie within ``gone``.

Unless a finding says otherwise, *gone* means: within a quarter of the effect, or reversed. How effects are measured is
in :mod:`sim.study.effects`; the null model, with which some of them are compared, in :mod:`sim.study.null`.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from sim.dynamics.state import BINS, DISAPPOINTMENT, DISTRUST, VARIABLES
from sim.engine import Result, simulate
from sim.library import find
from sim.scenario import Scenario, load
from sim.study.analysis import valley_depth
from sim.study.effects import (
    ABOVE_ZERO,
    BELOW_ZERO,
    REMAINS,
    REPLICATES,
    SEED,
    Estimate,
    Finding,
    Floats,
    alignment,
    correlations,
    gain,
    jackknife,
    mean,
    monthly,
    outcome,
    run,
    total_value,
    verdict,
)
from sim.study.null import age_correlation, hazard_by_year, interior_peak, null_model
from sim.study.pages import fill
from sim.study.vetting import QUESTIONS

MORE = 4
"""Times as many replicates for effects of the size of a replicate's chance variation."""

CALM: dict[str, Any] = {"disappointment_loss": 0.0, "effort_frustration": 0.0, "adapt_frustration": 0.0}
"""Partners take disappointment calmly."""
NOBODY_LEAVES: dict[str, Any] = {"trust_exit": 0.0, "disappointment_exit": 0.0, "exogenous_exit": 0.0}
"""So that a mean over living alliances is not a matter of which ones are left."""
LOW_INTEGRITY, SOUND = {"beta": [2, 6]}, {"beta": [12, 1]}
SAME_CULTURE: dict[str, Any] = {"default_culture": 0.5, "professed": 0.85}
ONE_TRUST, MORE_TRUST = 0.45, 0.75
"""Two levels of trust at the signature that are compared."""


# ---------------------------------------------------------------------------------------------------------------
# 1 Professed and practised values
# ---------------------------------------------------------------------------------------------------------------
def statement_1(seed: int = SEED, replicates: int = REPLICATES) -> list[Finding]:
    """Professed alignment does not matter, practised alignment does, and mostly through trust."""
    replicates *= MORE

    def correlation(professed: bool, **settings: Any) -> Estimate:
        result = run(seed, replicates, **settings)
        return mean(correlations(alignment(result, professed), total_value(result)))

    open_and_clamped: tuple[dict[str, Any], ...] = ({}, {"clamp_trust": True})

    def losses(**settings: Any) -> Floats:
        """Lost to a culture clash, with trust open and clamped, (R, 2)."""
        lost = [
            outcome(run(seed, replicates, "culture_clash", **settings, **clamp), "value")
            - outcome(run(seed, replicates, **settings, **clamp), "value")
            for clamp in open_and_clamped
        ]
        return np.stack(lost, axis=-1)

    def through_trust(**settings: Any) -> Estimate:
        lost = losses(**settings)
        return mean(lost[:, 0] - lost[:, 1])

    return [
        Finding(
            1,
            "professed alignment does not matter",
            "correlation of professed alignment with value, over alliances",
            correlation(True),
            (-0.05, 0.05),
            "everybody practises what it professes (operationalization 1): it matters",
            correlation(True, operationalization=1.0),
            gone=(0.05, 1.0),
        ),
        Finding(
            1,
            "practised alignment matters",
            "correlation of practised alignment with value, over alliances",
            correlation(False),
            off="unlike practices do not rub and do not hinder know-how (friction_gap 0, synergy 0)",
            off_effect=correlation(False, friction_gap=0.0, synergy=0.0),
        ),
        Finding(
            1,
            "practised alignment works through trust",
            "money lost to a culture clash that is not lost with trust clamped",
            through_trust(),
            BELOW_ZERO,
            "unlike practices neither rub nor, by the know-how that they cost, disappoint (friction_gap 0; "
            "disappointment_loss, effort_frustration, adapt_frustration 0)",
            through_trust(friction_gap=0.0, **CALM),
        ),
        Finding(
            1,
            "and mostly through trust",
            "the same as a share of all that is lost to the clash",
            jackknife(lambda m: float(1.0 - m[1] / m[0]), losses()),
            (0.5, 1.0),
        ),
    ]


# ---------------------------------------------------------------------------------------------------------------
# 2 Trust and communication
# ---------------------------------------------------------------------------------------------------------------
SIX_YEARS = 72


def valley(x: Floats, seed: int, resamples: int = 400) -> Estimate:
    """Depth of the valley between two humps of a sample in [0, 1], as a share of the lower hump; 0 for one hump.

    The density is smoothed as in :func:`sim.study.analysis.bimodality`. The 95% interval is the percentile interval of
    resampled replicates.

    Args:
        x: (R, M), a sample for each replicate.
        seed: of the resampling.
    """
    edges = np.linspace(0.0, 1.0, BINS + 1)
    counts = np.stack([np.histogram(row, edges)[0] for row in x]).astype(np.float64)
    random = np.random.default_rng(seed)
    draws = random.multinomial(len(x), np.full(len(x), 1.0 / len(x)), size=resamples)
    depths = [1.0 - valley_depth(weights @ counts) for weights in draws]
    low, high = np.quantile(depths, [0.025, 0.975])
    return Estimate(1.0 - valley_depth(counts.sum(0)), float(low), float(high))


def statement_2(seed: int = SEED, replicates: int = REPLICATES) -> list[Finding]:
    """Trust and communication keep each other up, and make two humps."""

    def left_of_shock(variable: str, shock: dict[str, Any], **clamp: Any) -> Estimate:
        paths = [
            monthly(run(seed, MORE * replicates, **NOBODY_LEAVES, **clamp, **start), variable)[:, SIX_YEARS]
            for start in (shock, {})
        ]
        return mean(paths[0] - paths[1])

    def humps(values: Callable[[Result], Floats], **settings: Any) -> Estimate:
        return valley(values(run(seed, replicates, **NOBODY_LEAVES, **settings)), seed)

    def mean_trust(result: Result) -> Floats:
        return np.asarray(result.alliances.effective.mean(-1))

    return [
        Finding(
            2,
            "communication keeps trust up",
            "trust left after six years of 0.1 more at the signature, nobody leaving",
            left_of_shock("trust", {"trust_start": 0.65}),
            off="clamp_communication",
            off_effect=left_of_shock("trust", {"trust_start": 0.65}, clamp_communication=True),
        ),
        Finding(
            2,
            "trust keeps communication up",
            "communication left after six years of 0.2 more at the signature, nobody leaving",
            left_of_shock("communication", {"communication_start": 0.6}),
            off="clamp_trust",
            off_effect=left_of_shock("communication", {"communication_start": 0.6}, clamp_trust=True),
        ),
        Finding(
            2,
            "trust comes to have two humps",
            "how far the valley between two humps of trust lies below the lower one, as a share of it, after twelve "
            "years, nobody leaving; 0 where there is one hump",
            humps(mean_trust),
            (0.02, 1.0),
            "clamp_communication",
            humps(mean_trust, clamp_communication=True),
        ),
    ]


# ---------------------------------------------------------------------------------------------------------------
# 3 Monitoring
# ---------------------------------------------------------------------------------------------------------------
def statement_3(seed: int = SEED, replicates: int = REPLICATES) -> list[Finding]:
    """Monitoring falls with trust; too much and too little of it cost, with an optimum between."""

    def spent(result: Result) -> Floats:
        return np.asarray((result.alliances.monitoring_cost / result.alliances.age).mean(1))

    def saved(**both: Any) -> Estimate:
        high, low = (spent(run(seed, replicates, trust_start=level, **both)) for level in (MORE_TRUST, ONE_TRUST))
        return mean(high - low)

    def against_rational(multiplier: float, **both: Any) -> Floats:
        return gain(seed, replicates, "value", {"monitoring": multiplier}, {"monitoring": 1.0}, **both)

    def before_its_cost(**both: Any) -> Estimate:
        runs = [run(seed, replicates, monitoring=m, integrity=SOUND, trust_start=0.8, **both) for m in (2.0, 1.0)]
        monthly_value = [outcome(result, "value_per_month") + spent(result) for result in runs]
        return mean(monthly_value[0] - monthly_value[1])

    return [
        Finding(
            3,
            "monitoring cost falls with trust",
            f"money a month on monitoring, trust at the signature {MORE_TRUST} against {ONE_TRUST}",
            saved(),
            BELOW_ZERO,
            "effort fixed at 0.065 whatever the trust",
            saved(monitoring=0.0, verify_floor=0.065),
        ),
        Finding(
            3,
            "with partners of low integrity, blind faith destroys value",
            "money over life, no monitoring against the rational effort, integrity Beta(2, 6)",
            mean(against_rational(0.0, integrity=LOW_INTEGRITY)),
            BELOW_ZERO,
            "nobody shirks (shirk_rate 0)",
            mean(against_rational(0.0, integrity=LOW_INTEGRITY, shirk_rate=0.0)),
        ),
        Finding(
            3,
            "with trusting, sound partners, control beyond the optimum destroys more value than it costs",
            "money a month before the cost of monitoring, twice the rational effort against it, integrity Beta(12, 1), "
            "trust 0.8 at the signature",
            before_its_cost(),
            BELOW_ZERO,
            "control neither offends nor hides good conduct (monitoring_resentment 0, control_attribution 0)",
            before_its_cost(monitoring_resentment=0.0, control_attribution=0.0),
        ),
        Finding(
            3,
            "less than the optimum is worse",
            "money over life, the rational effort against half of it",
            mean(-against_rational(0.5)),
            off="nobody shirks (shirk_rate 0)",
            off_effect=mean(-against_rational(0.5, shirk_rate=0.0)),
        ),
        Finding(
            3,
            "more than the optimum is worse",
            "money over life, the rational effort against twice of it",
            mean(-against_rational(2.0)),
        ),
    ]


# ---------------------------------------------------------------------------------------------------------------
# 4 Trust and the unforeseen
# ---------------------------------------------------------------------------------------------------------------
def adaptation_worth(result: Result) -> Floats:
    """Value made less value lost on uncovered contingencies, money/month, mean of each replicate, (R,)."""
    a, p = result.alliances, result.scenario.parameters
    worth = p.creativity_value * a.met_together - p.contingency_loss * (a.contingencies - a.met_together)
    return np.asarray((worth / a.age).mean(1))


def statement_4(seed: int = SEED, replicates: int = REPLICATES) -> list[Finding]:
    """Trust is worth the more through adaptation, the more happens that no contract covers."""
    fully_covered: dict[str, Any] = {"contract_tightness": 5.0, "contract_cap": 1.0, "contract_scale": 0.1}

    def marginal(**settings: Any) -> Floats:
        held = {**NOBODY_LEAVES, "clamp_trust": True, **settings}
        more, less = (run(seed, replicates, trust_start=level, **held) for level in (MORE_TRUST, ONE_TRUST))
        return adaptation_worth(more) - adaptation_worth(less)

    def blur(**settings: Any) -> Floats:
        result = run(seed, replicates, clamp_trust=True, **NOBODY_LEAVES, **settings)
        return correlations(result.alliances.effective.mean(-1), total_value(result))

    usual = marginal()
    stormy = np.stack([marginal(market_volatility=0.18), usual], axis=-1)
    unmoved, rare = marginal(adapt_trust=0.0), {"contingency_rate": 0.24}
    return [
        Finding(
            4,
            "trust is worth something through adaptation",
            f"money a month on contingencies, trust held at {MORE_TRUST} against {ONE_TRUST}, nobody leaving",
            mean(usual),
            off="the contract covers everything (φ = 1)",
            off_effect=mean(marginal(**fully_covered)),
        ),
        Finding(
            4,
            "it vanishes as ν goes to 0",
            "as above",
            mean(usual),
            off="no contingencies (ν = 0)",
            off_effect=mean(marginal(contingency_rate=0.0)),
        ),
        Finding(
            4,
            "it grows with the rate of contingencies",
            "as above, ν = 0.24 against 0.12",
            mean(marginal(**rare) - usual),
            off="adapting does not depend on trust (adapt_trust 0)",
            off_effect=mean(marginal(adapt_trust=0.0, **rare) - unmoved),
        ),
        Finding(
            4,
            "it grows as the contract covers less",
            "as above, φ = 0 against 0.5",
            mean(marginal(contract_tightness=0.0) - usual),
            off="adapting does not depend on trust (adapt_trust 0)",
            off_effect=mean(marginal(adapt_trust=0.0, contract_tightness=0.0) - unmoved),
        ),
        Finding(
            4,
            "market shocks leave its marginal value alone and blur its correlation",
            "relative change of that worth, market_volatility 0.18 against 0.06",
            jackknife(lambda m: float(m[0] / m[1] - 1.0), stormy),
            (-REMAINS, REMAINS),
            "(the counterpart) change of the correlation of trust with value",
            mean(blur(market_volatility=0.18) - blur()),
            gone=BELOW_ZERO,
        ),
    ]


# ---------------------------------------------------------------------------------------------------------------
# 5 Investing in relations
# ---------------------------------------------------------------------------------------------------------------
LEVELS = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
"""Relational investment of the one side that is varied, the other's staying at 1."""
WATCHED_MONTHS = 73


def optimum(values: Floats) -> float:
    """The level at which the parabola through (:data:`LEVELS`, values) is highest, by least squares.

    Held within the levels: beyond them the parabola says nothing.
    """
    bend, slope, _ = np.polyfit(LEVELS, values, 2)
    if bend >= 0.0:
        return LEVELS[-1] if values[-1] > values[0] else LEVELS[0]
    return float(np.clip(-slope / (2.0 * bend), LEVELS[0], LEVELS[-1]))


def two_sides(seed: int, replicates: int, ours: float, **settings: Any) -> Floats:
    """Value to each side, mean over alliances (R, 2), when one side of every alliance invests ``ours``, the other 1."""
    plain = dict(load(find("scenarios", "baseline")).written)
    plain["network"] = {"mixing": "between"}
    plain["groups"] = [
        {"name": name, "share": 1.0, "traits": {"relational_investment": level}}
        for name, level in (("us", ours), ("them", 1.0))
    ]
    scenario = Scenario.from_plain(plain, "two sides").with_settings(settings)
    return np.asarray(simulate(scenario, replicates, seed).alliances.value.mean(1))


def statement_5(seed: int = SEED, replicates: int = REPLICATES) -> list[Finding]:
    """Under-investing pays at once and costs later, through ties, communication and trust in that order."""

    def changed(variable: str, **settings: Any) -> Floats:
        low = monthly(run(seed, replicates, "underinvestment", **settings), variable)
        return low - monthly(run(seed, replicates, **settings), variable)

    def lag(later: str, sooner: str) -> Estimate:
        paths = np.stack([changed(name, **NOBODY_LEAVES)[:, :WATCHED_MONTHS] for name in (sooner, later)], axis=1)
        return jackknife(lambda m: float(np.subtract(*((1.0 - m / m[:, -1:]).sum(1)[::-1]))), paths)

    def share_through_trust() -> Estimate:
        losses = np.stack([changed("value")[:, -1], changed("value", clamp_trust=True)[:, -1]], axis=-1)
        return jackknife(lambda m: float(1.0 - m[1] / m[0]), losses)

    def gap_of_optima(**settings: Any) -> Estimate:
        values = np.stack([two_sides(seed, replicates, level, **settings) for level in LEVELS], axis=1)
        return jackknife(lambda m: optimum(m.sum(1)) - optimum(m[:, 0]), values)

    return [
        Finding(
            5,
            "at once it pays",
            "money by month 6, under-investment against the baseline",
            mean(changed("value")[:, 6]),
            off="investing costs nothing (relational_cost 0)",
            off_effect=mean(changed("value", relational_cost=0.0)[:, 6]),
        ),
        Finding(
            5,
            "later it costs more than it saved",
            "money by month 144, under-investment against the baseline",
            mean(changed("value")[:, -1]),
            BELOW_ZERO,
            "clamp_ties",
            mean(changed("value", clamp_ties=True)[:, -1]),
        ),
        Finding(
            5,
            "the loss works through communication",
            "money by month 144, under-investment against the baseline",
            mean(changed("value")[:, -1]),
            BELOW_ZERO,
            "clamp_communication",
            mean(changed("value", clamp_communication=True)[:, -1]),
        ),
        Finding(
            5,
            "most of the loss passes through trust, its last link",
            "share of the loss by month 144 that is not lost with trust clamped",
            share_through_trust(),
            (0.5, 1.5),
        ),
        Finding(
            5,
            "communication falls after ties",
            "months by which the mean delay of its fall over six years is longer, nobody leaving",
            lag("communication", "ties"),
        ),
        Finding(5, "trust falls after communication", "as above", lag("trust", "communication")),
        Finding(
            5,
            "a party's own optimum is below the joint one",
            "joint optimum − own optimum of one side's investment (parabolas), the other's being 1",
            gap_of_optima(),
            off="investing moves nothing (clamp_ties)",
            off_effect=gap_of_optima(clamp_ties=True),
        ),
    ]


# ---------------------------------------------------------------------------------------------------------------
# 6 Chemistry and people
# ---------------------------------------------------------------------------------------------------------------
def hazard(result: Result) -> Floats:
    """Endings by distrust or disappointment per alliance-month lived, (R,)."""
    ended = np.isin(result.alliances.cause, (DISTRUST, DISAPPOINTMENT)).sum(1)
    return np.asarray(ended / result.alliances.age.sum(1))


def statement_6(seed: int = SEED, replicates: int = REPLICATES) -> list[Finding]:
    """Low chemistry complies but seldom exceeds; turnover of people raises the hazard of ending."""

    def low_against_high(measure: Callable[[Result], Floats], **settings: Any) -> Estimate:
        low, high = (run(seed, replicates, chemistry=x, chemistry_spread=0.0, **settings) for x in (0.15, 0.85))
        return mean(measure(low) - measure(high))

    def kept_faith(result: Result) -> Floats:
        return np.asarray(1.0 - (result.alliances.shirks / (2.0 * result.alliances.age)).mean(1))

    def exceeds(result: Result) -> Floats:
        a = result.alliances
        return np.asarray((a.value.sum(-1) > 2.0 * a.plan * a.age).mean(1))

    def turnover_raises(**settings: Any) -> Estimate:
        few, many = (hazard(run(seed, replicates, turnover=rate, **settings)) for rate in (0.005, 0.045))
        return jackknife(lambda m: float(np.log(m[1] / m[0])), np.stack([few, many], axis=-1))

    return [
        Finding(
            6,
            "low-chemistry alliances do not go the extra mile",
            "share of the extra mile gone, chemistry 0.15 against 0.85",
            low_against_high(lambda result: outcome(result, "extra_mile")),
            BELOW_ZERO,
            "effort_chemistry 0",
            low_against_high(lambda result: outcome(result, "extra_mile"), effort_chemistry=0.0),
        ),
        Finding(
            6,
            "they comply",
            "share of partner-months without shirking, chemistry 0.15 against 0.85",
            low_against_high(kept_faith),
            (-0.01, 0.01),
        ),
        Finding(
            6,
            "they seldom exceed the plan",
            "share of alliances worth more than the sober plan, chemistry 0.15 against 0.85",
            low_against_high(exceeds),
            BELOW_ZERO,
            "chemistry moves neither effort nor adapting (effort_chemistry 0, adapt_chemistry 0)",
            low_against_high(exceeds, effort_chemistry=0.0, adapt_chemistry=0.0),
        ),
        Finding(
            6,
            "turnover of people raises the hazard of ending",
            "logarithm of the ratio of hazards (distrust or disappointment), turnover 0.045 against 0.005 a month",
            turnover_raises(),
            off="people take nothing with them (turnover_ties_loss 0, turnover_trust_loss 0, chemistry_spread 0)",
            off_effect=turnover_raises(turnover_ties_loss=0.0, turnover_trust_loss=0.0, chemistry_spread=0.0),
        ),
        Finding(
            6,
            "also by the trust in people that is lost",
            "as above, with neither ties nor chemistry lost",
            turnover_raises(turnover_ties_loss=0.0, chemistry_spread=0.0),
        ),
    ]


# ---------------------------------------------------------------------------------------------------------------
# 7 Framing
# ---------------------------------------------------------------------------------------------------------------
SAME_FAULTS: dict[str, Any] = {
    **NOBODY_LEAVES,
    "shirk_rate": 0.0,
    "contingency_rate": 0.0,
    "friction_relief": 0.0,
    "clamp_gap": True,
}
"""Settings in which no problem depends on how an earlier one was treated."""


SILENT: dict[str, Any] = {"communication_start": 0.1, "clamp_communication": True}


def framings(seed: int, replicates: int, **settings: Any) -> tuple[Result, Result]:
    """Alliances that frame well and badly, with the same problems in the same months."""
    well, badly = (run(seed, replicates, frame_base=score, **SAME_FAULTS, **settings) for score in (2.0, -2.0))
    return well, badly


def statement_7(seed: int = SEED, replicates: int = REPLICATES) -> list[Finding]:
    """Equal fault histories diverge by framing alone; hard talks build more trust than silence without problems."""

    def diverge(**settings: Any) -> Estimate:
        well, badly = framings(seed, replicates, **settings)
        return mean(outcome(well, "trust") - outcome(badly, "trust"))

    frank: dict[str, Any] = {**NOBODY_LEAVES, "competence": 1.0, "shirk_rate": 0.0, "contingency_rate": 0.0}

    def talking_against_silent(**settings: Any) -> Estimate:
        talking = run(seed, replicates, openness=0.9, blame=0.0, **frank, **settings)
        silent = run(seed, replicates, **SILENT, friction_base=0.0, friction_gap=0.0, **frank, **settings)
        return mean(outcome(talking, "trust") - outcome(silent, "trust"))

    return [
        Finding(
            7,
            "equal fault histories diverge by framing alone",
            "trust after twelve years, frame_base +2 against −2, the very same problems, nobody leaving",
            diverge(),
            off="neither hard talks nor blame do anything (hard_talk_gain, blame_weight, blame_chill 0)",
            off_effect=diverge(hard_talk_gain=0.0, blame_weight=0.0, blame_chill=0.0),
        ),
        Finding(
            7,
            "alliances with hard talks end with more trust than silent ones without problems",
            "trust after twelve years, open partners without blame who have friction, against partners who have none "
            "and say nothing (communication held at 0.1); no other faults, nobody leaving",
            talking_against_silent(),
            off="hard talks earn nothing, and routine earns any trust in silence (hard_talk_gain 0, routine_ceiling 1)",
            off_effect=talking_against_silent(hard_talk_gain=0.0, routine_ceiling=1.0),
        ),
    ]


# ---------------------------------------------------------------------------------------------------------------
# 8 Reputation
# ---------------------------------------------------------------------------------------------------------------
DEAF: dict[str, Any] = {"appeal_reputation": 0.0, "reputation_trust": 0.0, "reputation_alarm": 0.0}
"""Settings with which nobody listens to what is said of others."""


@lru_cache(maxsize=4)
def _market(settings: str, seed: int, replicates: int, groups: str) -> Result:
    plain = dict(load(find("scenarios", "baseline")).written)
    plain["network"] = {"market": True}
    plain["parameters"] = {"choose_contract": True}
    plain["groups"] = json.loads(groups)
    return simulate(Scenario.from_plain(plain, "market").with_settings(json.loads(settings)), replicates, seed)


def market(seed: int, replicates: int, groups: dict[str, dict[str, Any]], **settings: Any) -> Result:
    """The baseline's organizations in a market with chosen contracts, in groups of equal size with these traits."""
    rows = [{"name": name, "share": 1.0, "traits": traits} for name, traits in groups.items()]
    return _market(json.dumps(settings, sort_keys=True), seed, replicates, json.dumps(rows))


def by_group(result: Result, values: Floats) -> Floats:
    """Mean over the organizations of each of two groups, (R, 2); ``values`` (R, N)."""
    sizes = result.scenario.sizes
    return np.stack([values[:, : sizes[0]].mean(1), values[:, sizes[0] :].mean(1)], axis=-1)


def over_organizations(result: Result, values: Floats) -> Floats:
    """Sum over the alliances of each organization, (R, N); ``values`` (R, M, 2) belong to the two sides."""
    sums = np.zeros(result.organizations.shape)
    signed = result.alliances.exists == 1
    for r in range(len(sums)):
        np.add.at(sums[r], result.alliances.org[r][signed[r]], values[r][signed[r]])
    return sums


def statement_8(seed: int = SEED, replicates: int = REPLICATES) -> list[Finding]:
    """With nothing observable, reputation has no effect; with it, a good name earns cheaper and more alliances."""
    kinds = {"sound": {"integrity": SOUND}, "doubtful": {"integrity": LOW_INTEGRITY}}

    def advantage(measure: Callable[[Result], Floats], **settings: Any) -> Estimate:
        """Of sound over doubtful organizations, where people listen to what is said, against where they do not."""
        heard, unheard = (
            by_group(result, measure(result))
            for result in (market(seed, replicates, kinds, **settings, **deaf) for deaf in ({}, DEAF))
        )
        return mean((heard[:, 0] - heard[:, 1]) - (unheard[:, 0] - unheard[:, 1]))

    def months_allied(result: Result) -> Floats:
        return over_organizations(result, np.repeat(result.alliances.age[..., None], 2, axis=-1).astype(float))

    def governed(result: Result) -> Floats:
        a = result.alliances
        cost = np.repeat(((a.monitoring_cost + a.governance_cost) / 2.0)[..., None], 2, axis=-1)
        return np.asarray(over_organizations(result, cost) / np.maximum(months_allied(result), 1.0))

    unseen = {"reputation_visibility": 0.0}
    return [
        Finding(
            8,
            "a good name earns more alliances; with nothing observable, reputation has no effect at all",
            "alliance-months of a sound organization (integrity Beta(12, 1)) above those of a doubtful one "
            "(Beta(2, 6)), where reputation is heeded against where it is not",
            advantage(months_allied),
            off="nothing is observable (reputation_visibility 0)",
            off_effect=advantage(months_allied, **unseen),
            gone=(0.0, 0.0),
        ),
        Finding(
            8,
            "a good name earns cheaper alliances; with nothing observable, reputation has no effect at all",
            "as above, cost of monitoring and contract for each month of an alliance, money",
            advantage(governed),
            BELOW_ZERO,
            "nothing is observable (reputation_visibility 0)",
            advantage(governed, **unseen),
            gone=(0.0, 0.0),
        ),
    ]


# ---------------------------------------------------------------------------------------------------------------
# 9 Vetting
# ---------------------------------------------------------------------------------------------------------------
UNTIL_SURE = 200
"""Most questions of an interview that goes on until yes or no: next to none takes so many."""
TELLING = {"team_rating_p1": 0.8, "team_rating_p0": 0.3, "management_rating_p1": 0.8, "management_rating_p0": 0.3}
"""Settings with which self-ratings would tell as much as questions for what is done."""


def statement_9(seed: int = SEED, replicates: int = REPLICATES) -> list[Finding]:
    """Stopped after three questions, vetting lets more bad matches in; self-ratings alone hardly help."""

    def genuine_found(limit: int, **settings: Any) -> Floats:
        """Genuine partners among those accepted, above their share in the market; sums over a replicate, (R, 2)."""
        result = market(seed, replicates, {"careful": {"vetting": limit}, "others": {}}, **settings)
        o = result.organizations
        base = (o.operationalization_start >= result.scenario.parameters.genuine_from).mean(1)
        accepted, mistakes = o.accepted.sum(1), o.mistakes.sum(1)
        return np.stack([(accepted - mistakes) - base * accepted, accepted], axis=-1)

    def lost_by_stopping(**settings: Any) -> Estimate:
        sample = np.concatenate([genuine_found(UNTIL_SURE, **settings), genuine_found(3, **settings)], axis=-1)
        return jackknife(lambda m: float(m[0] / m[1] - m[2] / m[3]), sample)

    def share_found_by_ratings(**settings: Any) -> Estimate:
        ratings = genuine_found(UNTIL_SURE, skip_behaviour=True, **settings)
        sample = np.concatenate([ratings, genuine_found(UNTIL_SURE)], axis=-1)
        return jackknife(lambda m: float((m[0] / m[1]) / (m[2] / m[3])), sample)

    tell_nothing = {f"{name}_{p}": 0.5 for name in QUESTIONS for p in ("p1", "p0")}
    return [
        Finding(
            9,
            "stopped after three questions, vetting lets more bad matches in",
            "share of genuine partners among those accepted: until yes or no, above three questions",
            lost_by_stopping(),
            off="no question tells anything (p1 = p0)",
            off_effect=lost_by_stopping(**tell_nothing),
        ),
        Finding(
            9,
            "self-ratings alone do hardly better than chance",
            "genuine partners found above their share in the market, self-ratings alone as a share of all questions",
            share_found_by_ratings(),
            (-REMAINS, REMAINS),
            "self-ratings tell as much as questions for what is done",
            share_found_by_ratings(**TELLING),
            gone=(0.75, 1.5),
        ),
    ]


# ---------------------------------------------------------------------------------------------------------------
# 10 Joint operationalization
# ---------------------------------------------------------------------------------------------------------------
def statement_10(seed: int = SEED, replicates: int = REPLICATES) -> list[Finding]:
    """Joint operationalization pays above relapse, not far below it, and works through practised values."""

    def pays(effort: float, **settings: Any) -> Estimate:
        return mean(gain(seed, replicates, "value", {"session_effort": effort}, {}, **settings))

    return [
        Finding(
            10,
            "sessions pay when ε exceeds relapse",
            "money over life, ε = 0.04 against none, δ = 0.02",
            pays(0.04),
            off="everybody has the same culture: there is nothing to close",
            off_effect=pays(0.04, **SAME_CULTURE),
        ),
        Finding(
            10,
            "they work through practised values",
            "as above",
            pays(0.04),
            off="clamp_gap",
            off_effect=pays(0.04, clamp_gap=True),
        ),
        Finding(
            10,
            "they do not pay far below relapse",
            "money over life, ε = 0.002 against none, δ = 0.02",
            pays(0.002),
            BELOW_ZERO,
        ),
    ]


# ---------------------------------------------------------------------------------------------------------------
# 11 AOL Time Warner
# ---------------------------------------------------------------------------------------------------------------
DYADS = 20
"""Dyads run for each replicate asked for: this scenario has one alliance where the others have 75."""


def clash_and_crash(seed: int, replicates: int, **settings: Any) -> dict[tuple[bool, bool], Result]:
    """The four cells (clash, crash) of the scenario."""
    return {
        (clash, crash): run(
            seed,
            DYADS * replicates,
            "aol_time_warner",
            **settings,
            events__crash__enabled=crash,
            **({} if clash else {"Time Warner__default_culture": 0.9}),
        )
        for clash in (False, True)
        for crash in (False, True)
    }


def statement_11(seed: int = SEED, replicates: int = REPLICATES) -> list[Finding]:
    """Clash and crash each alone can cause a write-off, and each has its share."""

    def written_off(**settings: Any) -> dict[tuple[bool, bool], Floats]:
        return {cell: outcome(it, "written_off") for cell, it in clash_and_crash(seed, replicates, **settings).items()}

    cells = clash_and_crash(seed, replicates)
    off = {cell: outcome(result, "written_off") for cell, result in cells.items()}
    no_clash = written_off(friction_gap=0.0, synergy=0.0)
    no_crash = written_off(market_recovery=1.0)
    both = off[True, True] - off[False, False]
    to_clash = 0.5 * (off[True, False] - off[False, False] + off[True, True] - off[False, True])
    return [
        Finding(
            11,
            "the clash alone causes a write-off",
            "money written off, clash against neither",
            mean(off[True, False] - off[False, False]),
            off="unlike practices do nothing (friction_gap 0, synergy 0)",
            off_effect=mean(no_clash[True, False] - no_clash[False, False]),
        ),
        Finding(
            11,
            "the crash alone causes a write-off",
            "money written off, crash against neither",
            mean(off[False, True] - off[False, False]),
            off="the market recovers within the month (market_recovery 1)",
            off_effect=mean(no_crash[False, True] - no_crash[False, False]),
        ),
        Finding(
            11,
            "each has its share: the clash's",
            "share due to the clash (Shapley) of what both add to the write-off",
            jackknife(lambda m: float(m[0] / m[1]), np.stack([to_clash, both], axis=-1)),
            (0.0, 1.0),
        ),
    ]


# ---------------------------------------------------------------------------------------------------------------
# 12 Optimism
# ---------------------------------------------------------------------------------------------------------------
DISAPPOINTED, SETTLED = 18, 96
"""Months at which frustration stands highest in the baseline, and at which it has long settled."""


def ended_between(result: Result, first: int, last: int) -> Floats:
    """Endings by distrust or disappointment in the months first to last, per alliance-month lived in them, (R,)."""
    a = result.alliances
    failed = np.isin(a.cause, (DISTRUST, DISAPPOINTMENT)) & (a.ended >= first) & (a.ended <= last)
    lived = np.clip(a.age, first - 1, last) - (first - 1)
    return np.asarray(failed.sum(1) / lived.sum(1))


def skewness(x: Floats) -> Floats:
    """Skewness over the last axis."""
    z = (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)
    return np.asarray((z**3).mean(-1))


def statement_12(seed: int = SEED, replicates: int = REPLICATES) -> list[Finding]:
    """Optimism gives honeymoon, then disappointment; most fall short; values are wide and skewed."""
    sober: dict[str, Any] = {"optimism": 0.0}

    def path(variable: str, **settings: Any) -> Floats:
        return monthly(run(seed, MORE * replicates, **NOBODY_LEAVES, **settings), variable)

    def hump(**settings: Any) -> Estimate:
        frustration = path("frustration", **settings)
        return mean(frustration[:, DISAPPOINTED] - frustration[:, SETTLED])

    def cost_of_optimism(variable: str, **settings: Any) -> Estimate:
        optimistic, managed = path(variable, **settings), path(variable, **settings, **sober)
        return mean(optimistic[:, DISAPPOINTED] - managed[:, DISAPPOINTED])

    def honeymoon(**settings: Any) -> Estimate:
        result = run(seed, 4 * MORE * replicates, months=24, **settings)
        return mean(ended_between(result, 13, 24) - ended_between(result, 1, 6))

    def drained(**settings: Any) -> Estimate:
        return mean(np.asarray((total_value(run(seed, replicates, **settings)) < 0.0).mean(1)))

    def fell_short(**settings: Any) -> Estimate:
        return mean(outcome(run(seed, replicates, **settings), "fell_short") - 0.5)

    return [
        Finding(
            12,
            "a honeymoon: few leave at first",
            "endings by distrust or disappointment per alliance-month, months 13–24 above months 1–6",
            honeymoon(),
            off="partners begin without credit: only the newest result counts, no trust has to be used up first, and "
            "markets do not drift apart (value_smoothing 1, trust_exit 0, market_volatility 0)",
            off_effect=honeymoon(value_smoothing=1.0, trust_exit=0.0, market_volatility=0.0),
        ),
        Finding(
            12,
            "then disappointment, which passes; managing expectations removes it",
            f"frustration in month {DISAPPOINTED} above month {SETTLED}, nobody leaving",
            hump(),
            off="expectations are managed (optimism 0)",
            off_effect=hump(**sober),
        ),
        Finding(
            12,
            "managing expectations spares the trust that disappointment costs",
            f"trust in month {DISAPPOINTED}, optimism as it is against none, nobody leaving",
            cost_of_optimism("trust"),
            BELOW_ZERO,
            "partners take disappointment calmly (disappointment_loss, effort_frustration, adapt_frustration 0)",
            cost_of_optimism("trust", **CALM),
        ),
        Finding(
            12,
            "and the effort that it drains",
            f"share of the extra mile in month {DISAPPOINTED}, optimism as it is against none, nobody leaving",
            cost_of_optimism("extra_mile"),
            BELOW_ZERO,
            "as above",
            cost_of_optimism("extra_mile", **CALM),
        ),
        Finding(
            12,
            "most fall short of what was expected",
            "share of alliances worth less than expected at the signature, above one half",
            fell_short(),
            off="expectations are managed (optimism 0)",
            off_effect=fell_short(**sober),
        ),
        Finding(
            12,
            "the best reap large rewards: values are skewed to the right",
            "skewness of value over alliances",
            mean(skewness(total_value(run(seed, replicates)))),
            ABOVE_ZERO,
            "know-how does not grow on itself and markets do not fluctuate (know_how_returns, market_volatility 0)",
            mean(skewness(total_value(run(seed, replicates, know_how_returns=0.0, market_volatility=0.0)))),
        ),
        Finding(
            12,
            "the worst drain",
            "share of alliances whose net value is negative",
            drained(),
            (0.01, 1.0),
            "nothing is sunk in the relation (specific_investment, contracting_cost 0)",
            drained(specific_investment=0.0, contracting_cost=0.0),
        ),
    ]


# ---------------------------------------------------------------------------------------------------------------
# The null
# ---------------------------------------------------------------------------------------------------------------
def spread_at_equal_faults(seed: int, replicates: int) -> Estimate:
    """Root mean square difference of trust between alliances with the very same problems, after twelve years."""
    well, badly = framings(seed, replicates)
    return mean(np.sqrt(((well.alliances.effective.mean(-1) - badly.alliances.effective.mean(-1)) ** 2).mean(1)))


def null_findings(seed: int = SEED, replicates: int = REPLICATES) -> list[Finding]:
    """What the null reproduces (no evidence for the model), beside the model's own number, and one thing it cannot."""
    model, null = run(seed, replicates), null_model(seed, replicates)
    months = model.scenario.months
    moments = model.moments[:, :, VARIABLES.index("trust")]
    there = ~np.isnan(null.trust)
    filled = np.where(there, null.trust, 0.0)
    null_age = age_correlation(there.sum(1).astype(np.float64), filled.sum(1), (filled**2).sum(1))
    return [
        Finding(
            0,
            "the hazard of ending has an interior peak",
            "endings a year per alliance: mean of years 2–6 above the mean of the first and the last two",
            interior_peak(hazard_by_year(model.alliances.ended, months)),
            off="the null",
            off_effect=interior_peak(hazard_by_year(null.ended, months)),
        ),
        Finding(
            0,
            "a small positive correlation of trust with age",
            "correlation over living alliance-months; calibration target 0 to 0.25",
            age_correlation(moments[..., 0], moments[..., 1], moments[..., 2]),
            (0.0, 0.25),
            "the null",
            null_age,
        ),
        Finding(
            0,
            "equal fault histories diverge",
            "root mean square difference of trust after twelve years, frame_base +2 against −2",
            spread_at_equal_faults(seed, replicates),
            (0.05, 1.0),
            off="the null: trust is a function of the numbers of good and bad months",
            off_effect=Estimate(0.0, 0.0, 0.0),
        ),
    ]


# ---------------------------------------------------------------------------------------------------------------
# The table
# ---------------------------------------------------------------------------------------------------------------
STATEMENTS: dict[int, Callable[[int, int], list[Finding]]] = {
    1: statement_1,
    2: statement_2,
    3: statement_3,
    4: statement_4,
    5: statement_5,
    6: statement_6,
    7: statement_7,
    8: statement_8,
    9: statement_9,
    10: statement_10,
    11: statement_11,
    12: statement_12,
}
"""The statements, by their number on the model page."""
NULL_VERDICT = {False: "not in the null", True: "the null does it too: no evidence"}
MEASURED = "statements, measured"
"""Name of the generated block of docs/validation.md that :func:`main` fills."""


def table(findings: dict[int, list[Finding]]) -> Iterator[str]:
    """The lines of the Markdown table of docs/validation.md; statement 0 is the null."""
    yield "| | claim | measured | effect | switched off | effect then | verdict |"
    yield "|---|---|---|---|---|---|---|"
    for number in sorted(findings, key=lambda n: n or math.inf):
        name = f"**{number}**" if number else "**null**"
        if number:
            yield f"| {name} | | | | | | **{verdict(findings[number])}** |"
        for part in findings[number]:
            said = (
                part.verdict
                if number
                else NULL_VERDICT[part.off_effect is not None and part.off_effect.within(part.expected)]
            )
            then = "" if part.off_effect is None else str(part.off_effect)
            first = "" if number else name
            yield f"| {first} | {part.claim} | {part.measured} | {part.effect} | {part.off} | {then} | {said} |"


def measure(seed: int = SEED, replicates: int = REPLICATES) -> dict[int, list[Finding]]:
    """All findings by statement, the null's under 0; tells its progress on the error stream."""
    found = {}
    everything = {**STATEMENTS, 0: null_findings}
    for done, (number, findings) in enumerate(everything.items(), start=1):
        found[number] = findings(seed, replicates)
        print(f"{done} of {len(everything)} statements measured", file=sys.stderr)
    return found


def main(arguments: list[str]) -> None:
    """Print the table; with ``--write PAGE`` put it on that page instead."""
    if arguments and not (len(arguments) == 2 and arguments[0] == "--write"):
        raise SystemExit("usage: python -m sim.study.patterns [--write docs/validation.md]")
    lines = list(table(measure()))
    if not arguments:
        print("\n".join(lines))
        return
    page = Path(arguments[1])
    page.write_text(fill(page.read_text(encoding="utf-8"), {MEASURED: lines}), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
