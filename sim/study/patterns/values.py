"""Values, professed and practised: statements 1 (alignment) and 10 (joint operationalization)."""

from __future__ import annotations

from functools import partial
from typing import Any

from sim.intervals import Interval, mean_of, ratio_of
from sim.study.effects import Floats, alignment, correlations, gain, outcome, run, total_value
from sim.study.patterns.claims import BELOW_ZERO, Claim
from sim.study.patterns.conditions import CALM, MORE


# ---------------------------------------------------------------------------------------------------------------
# 1 Professed and practised values
# ---------------------------------------------------------------------------------------------------------------
def alignment_with_value(seed: int, replicates: int, professed: bool, **settings: Any) -> Interval:
    """Correlation of professed, or else practised, alignment with value, over the alliances of a replicate."""
    result = run(seed, MORE * replicates, **settings)
    return mean_of(correlations(alignment(result, professed), total_value(result)))


def lost_to_clash(seed: int, replicates: int, **settings: Any) -> Floats:
    """Value of an alliance in the scenario of a culture clash above the baseline's, money, (R,): below 0."""
    clash, baseline = (run(seed, MORE * replicates, name, **settings) for name in ("culture_clash", "baseline"))
    return outcome(clash, "value") - outcome(baseline, "value")


def lost_through_trust(seed: int, replicates: int, **settings: Any) -> Interval:
    """Money lost to the clash that is not lost with trust clamped."""
    open_, clamped = (lost_to_clash(seed, replicates, **settings, clamp_trust=held) for held in (False, True))
    return mean_of(open_ - clamped)


def share_lost_through_trust(seed: int, replicates: int) -> Interval:
    """Share of all that is lost to the clash that is not lost with trust clamped."""
    open_, clamped = (lost_to_clash(seed, replicates, clamp_trust=held) for held in (False, True))
    return ratio_of(open_ - clamped, open_)


PROFESSED_AND_PRACTISED = (
    Claim(
        "professed alignment does not matter",
        "correlation of professed alignment with value, over alliances",
        partial(alignment_with_value, professed=True),
        expected=(-0.05, 0.05),
        off="everybody practises what it professes (operationalization 1): it matters",
        without={"operationalization": 1.0},
        gone=(0.05, 1.0),
    ),
    Claim(
        "practised alignment matters",
        "correlation of practised alignment with value, over alliances",
        partial(alignment_with_value, professed=False),
        off="unlike practices do not rub and do not hinder know-how (friction_gap 0, synergy 0)",
        without={"friction_gap": 0.0, "synergy": 0.0},
    ),
    Claim(
        "practised alignment works through trust",
        "money lost to a culture clash that is not lost with trust clamped",
        lost_through_trust,
        expected=BELOW_ZERO,
        off="unlike practices neither rub nor, by the know-how that they cost, disappoint (friction_gap 0; "
        "disappointment_loss, effort_frustration, adapt_frustration 0)",
        without={"friction_gap": 0.0, **CALM},
    ),
    Claim(
        "and mostly through trust",
        "the same as a share of all that is lost to the clash",
        share_lost_through_trust,
        expected=(0.5, 1.0),
    ),
)
"""1. Professed alignment does not matter, practised alignment does, and mostly through trust."""


# ---------------------------------------------------------------------------------------------------------------
# 10 Joint operationalization
# ---------------------------------------------------------------------------------------------------------------
def sessions_pay(seed: int, replicates: int, effort: float, **settings: Any) -> Interval:
    """Money over life, joint sessions that close the gap at rate ε = ``effort`` a month against none."""
    return mean_of(gain(seed, replicates, "value", {"session_effort": effort}, {}, **settings))


JOINT_OPERATIONALIZATION = (
    Claim(
        "sessions pay when ε exceeds relapse",
        "money over life, ε = 0.04 against none, δ = 0.02",
        partial(sessions_pay, effort=0.04),
        off="everybody has the same culture: there is nothing to close",
        without={"default_culture": 0.5, "professed": 0.85},
    ),
    Claim(
        "they work through practised values",
        "as above",
        partial(sessions_pay, effort=0.04),
        off="clamp_gap",
        without={"clamp_gap": True},
    ),
    Claim(
        "they do not pay far below relapse",
        "money over life, ε = 0.002 against none, δ = 0.02",
        partial(sessions_pay, effort=0.002),
        expected=BELOW_ZERO,
    ),
)
"""10. Joint operationalization pays above relapse, not far below it, and works through practised values."""
