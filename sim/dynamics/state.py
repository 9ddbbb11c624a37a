"""The state of a run, its shapes stated once: one record per organization, one per alliance.

A run has N organizations and M alliances: ``organizations`` is a record array of shape (N,), ``alliances`` of shape
(M,). In many runs at once a replicate axis comes first. The Mesa view and the tables read these same arrays.
Fields of shape (2,) hold side A, then side B; side A is the partner with the smaller key. ``trust[0]`` is A's trust in
B.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.parameters import DIMENSIONS, PLACES, SCALAR_TRAITS, VECTOR_TRAITS, Traits, meta

SIDES = 2
BOTH = (SIDES,)
ISSUES = 3
"""What may go wrong in a month: a fault of side A, a fault of side B, friction; in this order."""
NOBODY = -1
"""In a field that names a row: there is none."""

ORGANIZATION = np.dtype(
    [
        ("key", "i8"),  # who it is to the random numbers, in [0, 2**32); its row may change, its key does not
        # what others look at, together in memory
        ("reputation", "f8"),  # (0, 1), 1/2 is neutral
        ("good", "f8"),  # good acts that became known, remembered
        ("bad", "f8"),  # bad acts that became known, remembered
        ("good_now", "f8"),  # good acts that became known this month
        ("bad_now", "f8"),  # bad acts that became known this month
        ("breach_now", "f8"),  # share of the partners' trust that a breach costs this month (dated event)
        ("turnover_now", "f8"),  # 1 when the key person leaves this month (dated event)
        ("engaged", "i8"),  # alliances that it holds (in a market)
    ]
    + [(name, "f8") for name in SCALAR_TRAITS]
    + [(name, "f8", (len(DIMENSIONS),)) for name in VECTOR_TRAITS]
    + [
        ("wished", "f8", (len(SCALAR_TRAITS),)),  # scalar traits as events would have them, were there no bounds
        ("operationalization_start", "f8"),  # w that relapse pulls back to
        ("group", "i8"),  # row of the scenario's group
        # in a market
        ("ally", "i8", (PLACES,)),  # rows of the partners that it has, or NOBODY
        ("past", "i8", (PLACES,)),  # rows of earlier partners, or NOBODY
        ("refused", "i8", (PLACES,)),  # rows of candidates that failed its interview, or NOBODY
        ("past_trust", "f8", (PLACES,)),  # effective trust in them at the end
        ("past_ties", "f8", (PLACES,)),  # relational capital at the end
        ("past_times", "i8", (PLACES,)),  # how many times they were allied
        ("next_past", "i8"),  # where the next earlier partner is written
        ("next_refused", "i8"),  # where the next of them is written
        ("search_cost", "f8"),  # spent on vetting since the last signature, money
        ("interviews", "i8"),  # candidates vetted
        ("questions", "i8"),  # questions asked
        ("accepted", "i8"),  # candidates accepted
        ("mistakes", "i8"),  # of them: cat posters
    ],
    align=True,
)
"""An organization. Every field is eight bytes wide, so that a dated event can address a trait by its column."""

TRAIT_NUMBER = {name: number for number, name in enumerate(SCALAR_TRAITS)}
"""Number of each scalar trait: how a dated event names it."""
FIRST_TRAIT = ORGANIZATION.fields[SCALAR_TRAITS[0]][1] // 8  # type: ignore[index]
FIRST_WISHED = ORGANIZATION.fields["wished"][1] // 8  # type: ignore[index]
"""Columns of trait 0 and of its wished value in the float64 view (N, ORGANIZATION.itemsize / 8); the others follow."""
TRAIT_LOWS = np.array([meta(Traits.model_fields[name])["low"] for name in SCALAR_TRAITS], dtype=np.float64)
TRAIT_HIGHS = np.array([meta(Traits.model_fields[name])["high"] for name in SCALAR_TRAITS], dtype=np.float64)

ALLIANCE = np.dtype(
    [
        # who
        ("org", "i8", BOTH),  # rows of the two partners
        ("exists", "i8"),  # 1 once signed; other rows of a padded array are empty
        ("alive", "i8"),  # 1 while it goes on
        ("cause", "i8"),  # one of CAUSES_OF_ENDING
        ("left_by", "i8"),  # one of LEAVERS
        ("formed", "i8"),  # month of the signature; 0: before the first month
        ("ended", "i8"),  # month of the end, 0 while it goes on
        ("age", "i8"),  # months worked together
        ("earlier", "i8"),  # how many times the two were allied before
        # state
        ("trust", "f8", BOTH),  # organizational trust T, [0, 1]
        ("personal", "f8", BOTH),  # personal trust P between the people who carry it, [0, 1]
        ("effective", "f8", BOTH),  # effective trust tau, [0, 1]
        ("expectation", "f8", BOTH),  # E, money/month
        ("frustration", "f8", BOTH),  # F, [0, 1]
        ("smoothed", "f8", BOTH),  # smoothed net result, money/month
        ("communication", "f8"),  # C, [0, 1]
        ("ties", "f8"),  # relational capital K, [0, 1]
        ("gap", "f8"),  # working gap G, [0, 1]
        ("chemistry", "f8"),  # chi, [0, 1]
        ("misread", "f8", BOTH),  # how far each misreads what the other means to do, [0, 1]
        ("forecast", "f8", BOTH),  # chance that each gives the other's adapting, [0, 1]
        ("know_how", "f8"),  # Q, shared, >= 0
        ("fortune", "f8"),  # level of its own market, 1 in normal times
        ("goodwill", "f8"),  # on the books of both, money
        # given
        ("complementarity", "f8"),  # [0, 1]
        ("channels", "f8"),  # what distance, language and calendars let through, [0, 1]
        ("tightness", "f8"),  # of the contract, x
        ("coverage", "f8"),  # contract coverage phi, [0, 1]
        ("plan", "f8"),  # sober plan of one partner, money/month
        ("practice", "f8", BOTH),  # operationalization of each side when the next two were computed
        ("distance", "f8"),  # of practised values, [0, 1]
        ("words", "f8", BOTH),  # distance between words and deeds of each side, [0, 1]
        ("annuity", "f8"),  # present value of one unit of money a month, months
        # this month
        ("disclosure", "f8"),  # S, what communication moves to, [0, 1]
        ("monitoring", "f8", BOTH),  # m, what each spends on watching the other, money/month
        ("watching", "f8", BOTH),  # how well each keeps watch on the other, [0, 1)
        ("effort", "f8", BOTH),  # share of the extra mile gone, (0, 1)
        ("delegation", "f8", BOTH),  # share of decisions that each leaves to the absent partner, (0, 1)
        ("without", "i8"),  # what is kept from happening: sum of 2**(number in WITHOUT)
        ("net", "f8", BOTH),  # what each earned after its own costs, money
        ("contingency", "i8"),  # 0 none, 1 covered by the contract, 2 uncovered
        ("adapted", "i8", BOTH),  # 1 adapted to an uncovered contingency
        ("shirked", "i8", BOTH),  # 1 shirked, noticed or not
        ("problem", "i8", (ISSUES,)),  # fault of A, fault of B, friction: one of PROBLEMS
        ("talk", "i8", (ISSUES,)),  # what became of each problem: one of TALKS
        ("turnover", "i8", BOTH),  # 1 the key person left
        # totals over its life
        ("value", "f8", BOTH),  # net value, money
        ("apart", "f8"),  # what both would have earned elsewhere in the meantime, money
        ("output", "f8"),  # value made together before each one's own costs, money
        ("synergy", "f8"),  # of it: know-how shared, money
        ("creativity", "f8"),  # of it: contingencies met together, money
        ("losses", "f8"),  # friction, faults, contingencies not met, shirking, money
        ("monitoring_cost", "f8"),  # money
        ("governance_cost", "f8"),  # contract, money
        ("vetting_cost", "f8"),  # interviews that led to it, vain ones included, money
        ("start_cost", "f8"),  # sunk at the signature, money
        ("relational_cost", "f8"),  # people and sessions, money
        ("extra_mile", "f8"),  # sum over months of the mean effort
        ("delegated", "f8"),  # sum over months of the mean delegation
        ("misreading", "f8"),  # sum over months of the mean misreading
        ("forecast_error", "f8"),  # sum of squared errors of both forecasts
        ("contingencies", "i8"),  # uncovered ones
        ("met_together", "i8"),  # of them: both adapted
        ("problems", "i8"),  # faults and frictions that were felt
        ("hard_talks", "i8"),  # problems talked through
        ("blames", "i8"),  # problems laid at somebody's door
        ("festered", "i8"),  # problems felt and not said
        ("shirks", "i8"),  # months in which a partner shirked, both partners'
        ("written_off", "f8"),  # goodwill impaired or written off, money
        ("realized", "f8"),  # goodwill sold with the alliance at a strategic end, money
        ("goodwill_start", "f8"),  # goodwill booked at the signature, money
        ("expectation_start", "f8", BOTH),  # money/month
        ("trust_start", "f8", BOTH),  # effective trust at the signature
    ],
    align=True,
)
"""An alliance: who, state, what is given, this month, totals."""

CAUSES_OF_ENDING = ("going on", "distrust", "disappointment", "strategic change")
GOING_ON, DISTRUST, DISAPPOINTMENT, EXOGENOUS = range(4)

LEAVERS = ("nobody", "side a", "side b", "both")
"""Who left: the partner whose own threshold was crossed; at a strategic change nobody is named."""

PROBLEMS = ("none", "bad work", "refusal to adapt", "shirking", "friction")
NO_PROBLEM, BAD_WORK, REFUSAL, SHIRKING, FRICTION = range(5)

TALKS = ("nothing to say", "hard talk", "blame", "festering")
NOTHING, HARD_TALK, BLAME, FESTERING = range(4)

MEANING_OF_CAUSE = {
    "delivery": "the partner's work came out well",
    "adaptation": "the partner adapted when it was not obliged to",
    "hard_talk": "a problem was talked through",
    "blame": "a problem was laid at somebody's door",
    "festering": "a problem was felt and not said",
    "breach": "the partner broke faith",  # a dated event
    "being_monitored": "the partner controls more than is legitimate",
    "disappointment": "results fell short of what was expected",
    "people": "trust between people was passed on to the organization",
    "bound": "trust cannot leave the range from 0 to 1",
    "turnover": "the people who carried the trust moved on",
    "ties": "people count more, or less, as ties change",  # effective trust only
}
"""The ledger's named causes of a change of trust, in the order in which they are added, and what each says to the
partner whose trust moves."""
CAUSES = tuple(MEANING_OF_CAUSE)
(
    BY_DELIVERY,
    BY_ADAPTATION,
    BY_HARD_TALK,
    BY_BLAME,
    BY_FESTERING,
    BY_BREACH,
    BY_BEING_MONITORED,
    BY_DISAPPOINTMENT,
    BY_PEOPLE,
    BY_BOUND,
    BY_TURNOVER,
    BY_TIES,
) = range(len(CAUSES))
N_CAUSES = len(CAUSES)
LEARNED = BY_DISAPPOINTMENT + 1
"""The causes before this one are learned from the month's events, by both layers of trust."""

LAYERS = ("organizational", "personal", "effective")
ORGANIZATIONAL, PERSONAL, EFFECTIVE = range(3)
"""A ledger has shape (M, 2, 3, N_CAUSES): alliance, side, layer, cause; entries in units of trust."""

VARIABLES = (
    "trust",
    "communication",
    "ties",
    "gap",
    "frustration",
    "monitoring",
    "extra_mile",
    "expectation",
    "result",
    "value",
)
"""Recorded every month, mean of both sides or shared; ``value`` counts ended alliances too, the others do not."""
TRUST, COMMUNICATION, TIES, GAP, FRUSTRATION, MONITORING, EXTRA_MILE, EXPECTATION, RESULT, VALUE = range(len(VARIABLES))
BINS = 100
LOWS = np.array([0, 0, 0, 0, 0, 0, 0, -0.9, -0.9, -0.6])
HIGHS = np.array([1, 1, 1, 1, 1, 1, 1, 2.1, 2.1, 2.4])
"""Range of each variable's histogram (``value``: per month of the horizon); end bins also hold what lies beyond,
and zero is an edge between two bins."""


def histogram_range(months: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper end of each variable's histogram, (variables,), in a run of ``months``; bins are equally wide."""
    scale = np.ones(len(VARIABLES))
    scale[VALUE] = months
    return LOWS * scale, HIGHS * scale


EVENT = np.dtype([("month", "i8"), ("code", "i8"), ("org", "i8"), ("trait", "i8"), ("value", "f8")], align=True)
"""A dated event on one organization (or on the market), applied at the start of its month, in the order of the file."""
SET_TRAIT, ADD_TRAIT, BREACH, KEY_PERSON_LEAVES, CRASH, KEPT_AWAY = range(6)

WITHOUT = ("blame", "festering", "hard_talk", "friction", "contingency", "bad_work", "shirking", "turnover", "ending")
"""What can be kept from happening in one month of one alliance, for a counterfactual: an event of code KEPT_AWAY, whose
``trait`` is a number in this list and whose ``org`` is the row of the alliance (-1: all)."""
(
    NO_BLAME,
    NO_FESTERING,
    NO_HARD_TALK,
    NO_FRICTION,
    NO_CONTINGENCY,
    NO_BAD_WORK,
    NO_SHIRKING,
    NO_TURNOVER,
    NO_ENDING,
) = (1 << number for number in range(len(WITHOUT)))
