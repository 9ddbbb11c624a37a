"""Talk: statements 2 (trust and communication keep each other up) and 7 (how problems are framed)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from sim.dynamics.state import BINS
from sim.engine import Result
from sim.intervals import ALIKE, PERCENTILE, Interval, mean_of, resampled
from sim.study.analysis import valley_depth
from sim.study.effects import Floats, Settings, last_trust, monthly, outcome, run
from sim.study.patterns.claims import Claim
from sim.study.patterns.conditions import MORE, NOBODY_LEAVES

# ---------------------------------------------------------------------------------------------------------------
# 2 Trust and communication
# ---------------------------------------------------------------------------------------------------------------
SIX_YEARS = 72
"""Months after which it is asked what is left of a difference at the signature."""


def left_of_difference(seed: int, replicates: int, variable: str, begun: Settings, **settings: Any) -> Interval:
    """What six years leave of a difference at the signature: ``begun`` against the baseline, nobody leaving."""
    shifted, usual = (
        monthly(run(seed, MORE * replicates, **NOBODY_LEAVES, **settings, **start), variable)[:, SIX_YEARS]
        for start in (begun, {})
    )
    return mean_of(shifted - usual)


def valley(x: Floats, seed: int, resamples: int = 400) -> Interval:
    """Depth of the valley between two humps of a sample in [0, 1], as a share of the lower hump; 0 for one hump.

    The density is smoothed as in :func:`sim.study.analysis.bimodality`. The interval is that of replicates drawn anew.

    Args:
        x: (R, M), a sample for each replicate.
        seed: of the resampling.
        resamples: how many times.
    """
    edges = np.linspace(0.0, 1.0, BINS + 1)
    counts = np.stack([np.histogram(row, edges)[0] for row in x]).astype(np.float64)
    random = np.random.default_rng(seed)
    draws = random.multinomial(len(x), np.full(len(x), 1.0 / len(x)), size=resamples)
    depths = [1.0 - valley_depth(weights @ counts) for weights in draws]
    low, high = resampled(depths, len(x))
    method = ALIKE if np.isnan(low) else PERCENTILE
    return Interval(1.0 - valley_depth(counts.sum(0)), float(low), float(high), len(x), method)


def valley_of_trust(seed: int, replicates: int, **settings: Any) -> Interval:
    """Depth of the valley between two humps of trust after twelve years, nobody leaving."""
    return valley(last_trust(run(seed, replicates, **NOBODY_LEAVES, **settings)), seed)


TRUST_AND_COMMUNICATION = (
    Claim(
        "communication keeps trust up",
        "trust left after six years of 0.1 more at the signature, nobody leaving",
        partial(left_of_difference, variable="trust", begun={"trust_start": 0.65}),
        off="clamp_communication",
        without={"clamp_communication": True},
    ),
    Claim(
        "trust keeps communication up",
        "communication left after six years of 0.2 more at the signature, nobody leaving",
        partial(left_of_difference, variable="communication", begun={"communication_start": 0.6}),
        off="clamp_trust",
        without={"clamp_trust": True},
    ),
    Claim(
        "trust comes to have two humps",
        "how far the valley between two humps of trust lies below the lower one, as a share of it, after twelve "
        "years, nobody leaving; 0 where there is one hump",
        valley_of_trust,
        expected=(0.02, 1.0),
        off="clamp_communication",
        without={"clamp_communication": True},
    ),
)
"""2. Trust and communication keep each other up, and make two humps."""


# ---------------------------------------------------------------------------------------------------------------
# 7 Framing
# ---------------------------------------------------------------------------------------------------------------
SAME_FAULTS: Settings = {
    **NOBODY_LEAVES,
    "shirk_rate": 0.0,
    "contingency_rate": 0.0,
    "friction_relief": 0.0,
    "clamp_gap": True,
}
"""Settings in which no problem depends on how an earlier one was treated."""
FRICTION_ALONE: Settings = {**NOBODY_LEAVES, "competence": 1.0, "shirk_rate": 0.0, "contingency_rate": 0.0}
"""Settings in which partners have no other problems than friction."""
FRANK: Settings = {"openness": 0.9, "blame": 0.0}
SILENT: Settings = {"communication_start": 0.1, "clamp_communication": True, "friction_base": 0.0, "friction_gap": 0.0}
"""Partners who talk about their frictions without blame, and partners who have none and say nothing."""


def framings(seed: int, replicates: int, **settings: Any) -> tuple[Result, Result]:
    """Alliances that frame well and badly, with the same problems in the same months."""
    well, badly = (run(seed, replicates, frame_base=score, **SAME_FAULTS, **settings) for score in (2.0, -2.0))
    return well, badly


def trust_by_framing(seed: int, replicates: int, **settings: Any) -> Interval:
    """Trust after twelve years where the very same problems are framed well, above where they are framed badly."""
    well, badly = framings(seed, replicates, **settings)
    return mean_of(outcome(well, "trust") - outcome(badly, "trust"))


def trust_by_talking(seed: int, replicates: int, **settings: Any) -> Interval:
    """Trust after twelve years of frank partners with friction, above that of silent ones without problems."""
    frank, silent = (run(seed, replicates, **who, **FRICTION_ALONE, **settings) for who in (FRANK, SILENT))
    return mean_of(outcome(frank, "trust") - outcome(silent, "trust"))


FRAMING = (
    Claim(
        "equal fault histories diverge by framing alone",
        "trust after twelve years, frame_base +2 against −2, the very same problems, nobody leaving",
        trust_by_framing,
        off="neither hard talks nor blame do anything (hard_talk_gain, blame_weight, blame_chill 0)",
        without={"hard_talk_gain": 0.0, "blame_weight": 0.0, "blame_chill": 0.0},
    ),
    Claim(
        "alliances with hard talks end with more trust than silent ones without problems",
        "trust after twelve years, open partners without blame who have friction, against partners who have none "
        "and say nothing (communication held at 0.1); no other faults, nobody leaving",
        trust_by_talking,
        off="hard talks earn nothing, and routine earns any trust in silence (hard_talk_gain 0, routine_ceiling 1)",
        without={"hard_talk_gain": 0.0, "routine_ceiling": 1.0},
    ),
)
"""7. Equal fault histories diverge by framing alone; hard talks build more trust than silence without problems."""
