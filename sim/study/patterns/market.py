"""The market: statements 8 (reputation) and 9 (vetting)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from sim.engine import Result
from sim.intervals import Interval, mean_of
from sim.study.effects import Floats, Settings, groups_of_equal_size, jackknife, run
from sim.study.patterns.claims import BELOW_ZERO, REMAINS, Claim
from sim.study.patterns.conditions import LOW_INTEGRITY, SOUND
from sim.study.vetting import QUESTIONS


def market(seed: int, replicates: int, groups: Mapping[str, Settings], **settings: Any) -> Result:
    """The baseline's organizations in a market with chosen contracts, in groups of equal size with these traits."""
    tables = {"network": {"market": True}, "groups": groups_of_equal_size(groups)}
    return run(seed, replicates, tables=tables, choose_contract=True, **settings)


# ---------------------------------------------------------------------------------------------------------------
# 8 Reputation
# ---------------------------------------------------------------------------------------------------------------
SOUND_AND_DOUBTFUL: Mapping[str, Settings] = {"sound": {"integrity": SOUND}, "doubtful": {"integrity": LOW_INTEGRITY}}
"""Organizations that will earn a good name, and organizations that will not."""
DEAF: Settings = {"appeal_reputation": 0.0, "reputation_trust": 0.0, "reputation_alarm": 0.0}
"""Settings with which nobody listens to what is said of others."""


def over_organizations(result: Result, values: Floats) -> Floats:
    """Sum over the alliances of each organization, (R, N), of values that each of its alliances has, (R, M)."""
    sums = np.zeros(result.organizations.shape)
    signed = result.alliances.exists == 1
    for total, partners, own, here in zip(sums, result.alliances.org, values, signed, strict=True):
        np.add.at(total, partners[here], own[here, None])
    return sums


def months_allied(result: Result) -> Floats:
    """Alliance-months of each organization, (R, N)."""
    return over_organizations(result, result.alliances.age.astype(np.float64))


def cost_of_governance(result: Result) -> Floats:
    """Each organization's half of monitoring and contracts for each month of an alliance, money, (R, N)."""
    half = (result.alliances.monitoring_cost + result.alliances.governance_cost) / 2.0
    return np.asarray(over_organizations(result, half) / np.maximum(months_allied(result), 1.0))


def ahead(result: Result, values: Floats) -> Floats:
    """Mean of the first of two groups of organizations above the second's, (R,); ``values`` (R, N)."""
    size = result.scenario.sizes[0]
    return np.asarray(values[:, :size].mean(1) - values[:, size:].mean(1))


def advantage_of_a_good_name(
    seed: int, replicates: int, measured: Callable[[Result], Floats], **settings: Any
) -> Interval:
    """Sound above doubtful organizations, where people listen to what is said against where they do not."""
    heard, unheard = (
        ahead(result, measured(result))
        for result in (market(seed, replicates, SOUND_AND_DOUBTFUL, **settings, **ears) for ears in ({}, DEAF))
    )
    return mean_of(heard - unheard)


REPUTATION = (
    Claim(
        "a good name earns more alliances; with nothing observable, reputation has no effect at all",
        "alliance-months of a sound organization (integrity Beta(12, 1)) above those of a doubtful one "
        "(Beta(2, 6)), where reputation is heeded against where it is not",
        partial(advantage_of_a_good_name, measured=months_allied),
        off="nothing is observable (reputation_visibility 0)",
        without={"reputation_visibility": 0.0},
        gone=(0.0, 0.0),
    ),
    Claim(
        "a good name earns cheaper alliances; with nothing observable, reputation has no effect at all",
        "as above, cost of monitoring and contract for each month of an alliance, money",
        partial(advantage_of_a_good_name, measured=cost_of_governance),
        expected=BELOW_ZERO,
        off="nothing is observable (reputation_visibility 0)",
        without={"reputation_visibility": 0.0},
        gone=(0.0, 0.0),
    ),
)
"""8. With nothing observable, reputation has no effect; with it, a good name earns cheaper and more alliances."""


# ---------------------------------------------------------------------------------------------------------------
# 9 Vetting
# ---------------------------------------------------------------------------------------------------------------
UNTIL_SURE = 200
"""Most questions of an interview that goes on until yes or no. Next to none takes so many; of self-ratings alone, which
tell little, most do."""
CUT_SHORT = 3
"""Questions after which an interview is stopped."""
NOTHING_TELLS: Settings = {f"{name}_{chance}": 0.5 for name in QUESTIONS for chance in ("p1", "p0")}
"""Genuine partners and others answer alike."""
RATINGS_TELL: Settings = {
    "team_rating_p1": 0.8,
    "team_rating_p0": 0.3,
    "management_rating_p1": 0.8,
    "management_rating_p0": 0.3,
}
"""Self-ratings tell as much as questions for what is done."""


def vetted(seed: int, replicates: int, limit: int, **settings: Any) -> Floats:
    """Genuine partners accepted above chance, and all accepted, sums of each replicate, (R, 2).

    Half of the organizations vet, with at most ``limit`` questions. Chance is the share of genuine partners in the
    market.
    """
    result = market(seed, replicates, {"careful": {"vetting": limit}, "others": {}}, **settings)
    o = result.organizations
    chance = (o.operationalization_start >= result.scenario.parameters.genuine_from).mean(1)
    accepted, mistakes = o.accepted.sum(1), o.mistakes.sum(1)
    return np.stack([(accepted - mistakes) - chance * accepted, accepted], axis=-1)


def lost_by_stopping(seed: int, replicates: int, **settings: Any) -> Interval:
    """Share of genuine partners among those accepted: until yes or no, above three questions."""
    sure, short = (vetted(seed, replicates, limit, **settings) for limit in (UNTIL_SURE, CUT_SHORT))
    return jackknife(lambda m: float(m[0, 0] / m[0, 1] - m[1, 0] / m[1, 1]), np.stack([sure, short], axis=1))


def found_by_ratings(seed: int, replicates: int, **settings: Any) -> Interval:
    """Genuine partners found above chance among those accepted, by self-ratings alone as a share of all questions.

    The settings change the self-ratings alone; all questions are those of the baseline.
    """
    ratings = vetted(seed, replicates, UNTIL_SURE, skip_behaviour=True, **settings)
    everything = vetted(seed, replicates, UNTIL_SURE)
    return jackknife(
        lambda m: float((m[0, 0] / m[0, 1]) / (m[1, 0] / m[1, 1])), np.stack([ratings, everything], axis=1)
    )


VETTING = (
    Claim(
        "stopped after three questions, vetting lets more bad matches in",
        "share of genuine partners among those accepted: until yes or no, above three questions",
        lost_by_stopping,
        off="no question tells anything (p1 = p0)",
        without=NOTHING_TELLS,
    ),
    Claim(
        "self-ratings alone do hardly better than chance",
        "genuine partners found above their share in the market, self-ratings alone as a share of all questions",
        found_by_ratings,
        expected=(-REMAINS, REMAINS),
        off="self-ratings tell as much as questions for what is done",
        without=RATINGS_TELL,
        gone=(0.75, 1.5),
    ),
)
"""9. Stopped after three questions, vetting lets more bad matches in; self-ratings alone hardly help."""
