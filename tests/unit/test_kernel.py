"""Months of one alliance worked by hand, and the ledger, the clamps and the endings.

Chances are set to nought or one, so that a month has one outcome whatever the random numbers; nothing is mocked. The
numbers of the quiet dyad are in ``tests/builders.py``: T = P = .5, C = .4, K = .3, chemistry .5, complementarity .6.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from sim.dynamics import kernel, rules, steps
from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import (
    BAD_WORK,
    BLAME,
    CAUSES,
    DISAPPOINTMENT,
    DISTRUST,
    EFFECTIVE,
    EVENT,
    EXOGENOUS,
    FESTERING,
    FRICTION,
    GOING_ON,
    HARD_TALK,
    KEPT_AWAY,
    LEAVERS,
    NO_PROBLEM,
    NOTHING,
    ORGANIZATIONAL,
    PERSONAL,
    REFUSAL,
    SHIRKING,
    WITHOUT,
)
from sim.engine import LiveRun, simulate, simulate_history
from sim.parameters import Parameters, Traits
from tests.builders import QUIET_PARAMETERS, QUIET_TRAITS, busy, dyad, market

approx = pytest.approx
A, B = 0, 1

HEARD = {"communication_start": 1.0, "silence": 0.0}  # every problem is said aloud
UNHEARD = {"silence": 1.0, "internal_trust": 0.0}  # every problem festers
KIND = {"frame_base": 20.0}  # chance of framing it as somebody's fault: 2e-9
HARSH = {"frame_base": -20.0}
OPEN_CONTRACT = {"contract_tightness": 0.0}  # covers nothing


def after(months: int = 1, events=None, prepare=None, **settings) -> LiveRun:
    """The quiet dyad with some settings, ``months`` later. ``prepare(alliance)`` may set its state at the start."""
    live = LiveRun(dyad(events, **settings))
    if prepare is not None:
        prepare(live.alliances[0])
    for _ in range(months):
        live.step()
    return live


def tie(live: LiveRun):
    return live.alliances[0]


def entries(live: LiveRun, side: int, layer: int = ORGANIZATIONAL) -> dict[str, float]:
    """This month's ledger entries of one side that are not zero."""
    row = live.month_ledger[0, side, layer]
    return {cause: float(row[k]) for k, cause in enumerate(CAUSES) if row[k] != 0.0}


def willing(trust: float, candour: float) -> float:
    """H at θ = .4 and n = 2, for partners who need 1/candour times that trust."""
    return trust**2 / ((0.4 / candour) ** 2 + trust**2)


# ---------------------------------------------------------------------------------------------------------------
# A month with nothing
# ---------------------------------------------------------------------------------------------------------------
def test_the_quiet_dyad_states_every_number():
    """A parameter that it left out would change months worked by hand with its default."""
    clamps = {name for name in Parameters.model_fields if name.startswith("clamp_")}
    assert set(QUIET_PARAMETERS) == set(Parameters.model_fields) - clamps
    assert set(QUIET_TRAITS) == set(Traits.model_fields)


def test_a_quiet_month_disclosure_and_communication():
    live = after()
    disclosure = 0.1 + 0.9 * willing(0.5, candour=1 - 0.2 * 0.7)
    assert tie(live).disclosure == approx(disclosure)
    assert tie(live).communication == approx(0.4 + 0.25 * (disclosure - 0.4))


def test_the_less_trusting_partner_sets_the_tone_of_disclosure():
    def prepare(alliance):
        alliance.effective[:] = 0.9, 0.4

    assert tie(after(prepare=prepare)).disclosure == approx(0.1 + 0.9 * willing(0.6, candour=1 - 0.2 * 0.7))


def test_closed_partners_say_less_and_distrust_in_the_house_needs_more_trust_to_talk():
    live = after(a__openness=0.9, b__openness=0.4, a__internal_trust=0.1, b__internal_trust=0.4)
    candour = (1 - 0.3 * (1 - 0.2)) * (1 - 0.2 * 0.7)
    assert tie(live).disclosure == approx(0.1 + 0.9 * willing(0.5, candour) * (1 - 0.5 * (1 - 0.6)))


def test_partners_who_would_never_speak_up_say_no_more_than_the_floor():
    """Also in plain Python, where a division by zero would be an error."""
    live = LiveRun(dyad(ties_candour=1.0, ties_start=0.0))
    disclose = getattr(kernel.disclose, "py_func", kernel.disclose)
    disclose(live.parameters, live.organizations[0], live.organizations[1], tie(live))
    assert tie(live).disclosure == live.parameters.openness_floor
    needed = getattr(kernel.trust_needed, "py_func", kernel.trust_needed)
    assert needed(live.parameters, live.organizations[0], live.organizations[1], tie(live)) == math.inf


def test_from_month_to_month_more_or_less_is_said_than_the_will_would_have_it():
    """Every seed another shock, in proportion to what the will alone would give; 300 draws, 4 se of mean and sd."""
    quiet = tie(after()).communication
    drawn = []
    for seed in range(300):
        live = LiveRun(dyad(communication_noise=0.05), seed)
        live.step()
        drawn.append(tie(live).communication)
    spread = 0.05 * quiet
    assert np.mean(drawn) == approx(quiet, abs=4 * spread / math.sqrt(300))
    assert np.std(drawn) == approx(spread, rel=4 * math.sqrt((4.2 - 1) / 300) / 2)


def test_channels_hold_back_what_partners_would_say():
    """Uniform from 1 minus the spread to 1, lasting, and another draw for every pair."""
    drawn = []
    for seed in range(40):
        live = LiveRun(dyad(channel_spread=0.6), seed)
        live.step()
        channels = tie(live).channels
        assert tie(live).disclosure == approx(0.1 + 0.9 * willing(0.5, candour=1 - 0.2 * 0.7) * channels)
        drawn.append(channels)
    assert 0.4 <= min(drawn) < 0.45
    assert 0.95 < max(drawn) <= 1.0
    assert tie(after()).channels == 1.0


def test_a_quiet_month_trust():
    live = after()
    for side in (A, B):
        assert tie(live).trust[side] == approx(0.5 + 0.05 * 0.4 * 0.5)
        assert tie(live).personal[side] == approx(0.5 + 1.5 * 0.05 * 0.4 * 0.5)
        assert entries(live, side) == approx({"delivery": 0.05 * 0.4 * 0.5})
        assert entries(live, side, PERSONAL) == approx({"delivery": 1.5 * 0.05 * 0.4 * 0.5})
        share = 0.6 * (0.3 - 0.03 * 0.3)
        assert tie(live).effective[side] == approx(share * 0.515 + (1 - share) * 0.51)


def test_a_quiet_month_money():
    live = after()
    effort = 1 / (1 + math.exp(-(-3.0 + 3.0 * 0.5 + 2.0 * 0.5)))
    work = (1 + 0.5 * effort) * (1 - 0.3 * 0.6)
    synergy = 1.5 * 0.6 * 0.4 * 0.5
    plan = 0.5 * (1 + 1.5 * 0.6 * 0.3)
    net = 0.5 * (work + synergy)
    assert tie(live).output == approx(work + synergy)
    assert tie(live).synergy == approx(synergy)
    assert tie(live).extra_mile == approx(effort)
    assert tie(live).plan == approx(plan)
    for side in (A, B):
        assert tie(live).value[side] == tie(live).net[side] == approx(net)
        assert tie(live).expectation[side] == approx(plan + 0.08 * (net - plan))
        assert tie(live).smoothed[side] == approx(plan + 0.15 * (net - plan))
        assert tie(live).frustration[side] == 0.0  # before the first result they see what they expect


def test_a_quiet_month_leaves_no_trace_of_problems():
    live = after()
    assert list(tie(live).problem) == [NO_PROBLEM] * 3
    assert list(tie(live).talk) == [NOTHING] * 3
    assert (tie(live).age, tie(live).alive, tie(live).cause, tie(live).ended) == (1, 1, GOING_ON, 0)
    for name in ("losses", "monitoring_cost", "relational_cost", "governance_cost", "problems", "hard_talks", "shirks"):
        assert tie(live)[name] == 0
    assert tie(live).ties == approx(0.3 * 0.97)
    assert tie(live).gap == 0.0
    assert tie(live).chemistry == 0.5


def test_the_second_month_frustrates_those_who_expected_more():
    first, second = after(1), after(2)
    short = (tie(first).expectation[A] - tie(first).smoothed[A]) / tie(first).plan
    assert short > 0.0
    assert tie(second).frustration[A] == approx(0.15 * short)
    assert entries(second, A)["disappointment"] == approx(-0.03 * short * tie(first).trust[A])


def test_ordinary_ups_and_downs_disappoint_nobody():
    first, second = after(1), after(2, shortfall_tolerance=0.004)
    short = (tie(first).expectation[A] - tie(first).smoothed[A]) / tie(first).plan
    assert short > 0.004
    assert tie(second).frustration[A] == approx(0.15 * (short - 0.004))
    assert tie(after(2, shortfall_tolerance=short + 0.01)).frustration[A] == 0.0


def test_only_the_side_that_expected_more_is_disappointed_and_by_the_whole_plan_at_most():
    def prepare(alliance):
        alliance.expectation[:] = 1.0, 0.5
        alliance.smoothed[:] = 0.6, 0.9

    live = after(prepare=prepare)
    short = (1.0 - 0.6) / 0.635
    assert entries(live, A)["disappointment"] == approx(-0.03 * short * 0.5)
    assert "disappointment" not in entries(live, B)
    assert list(tie(live).frustration) == approx([0.15 * short, 0.0])

    def prepare_a_disaster(alliance):
        alliance.smoothed[:] = -5.0

    assert entries(after(prepare=prepare_a_disaster), A)["disappointment"] == approx(-0.03 * 0.5)


def test_personal_trust_is_passed_on_to_the_organization():
    def prepare(alliance):
        alliance.personal[A] = 0.9

    live = after(prepare=prepare)
    assert entries(live, A)["people"] == approx(0.05 * 0.3 * (0.9 - 0.5))
    assert tie(live).trust[A] == approx(0.51 + 0.05 * 0.3 * 0.4)
    assert "people" not in entries(live, B)


def test_each_side_learns_about_the_other():
    """A delivers, B does not: it is A who loses trust (trust[A] is A's trust in B)."""
    live = after(b__competence=0.0, **UNHEARD)
    assert list(tie(live).problem) == [NO_PROBLEM, BAD_WORK, NO_PROBLEM]
    assert list(tie(live).talk) == [NOTHING, FESTERING, NOTHING]
    assert entries(live, A) == approx({"festering": -0.15 * 0.5 * 0.5})  # competence weighs .5
    assert entries(live, B) == approx({"delivery": 0.05 * 0.4 * 0.5})
    assert tie(live).losses == approx(0.3)


# ---------------------------------------------------------------------------------------------------------------
# Friction: it festers, it is talked through, it is blamed
# ---------------------------------------------------------------------------------------------------------------
def test_friction_that_nobody_mentions_festers_on_both_sides():
    live, quiet = after(friction_base=1.0, **UNHEARD), after(**UNHEARD)
    assert tie(live).problem[2] == FRICTION
    assert tie(live).talk[2] == FESTERING
    for side in (A, B):
        assert entries(live, side) == approx({"delivery": 0.01, "festering": -0.15 * 0.5})
        assert entries(live, side, PERSONAL) == approx({"delivery": 0.015, "festering": -1.5 * 0.15 * 0.5})
    assert tie(quiet).output - tie(live).output == approx(0.2)
    assert (tie(live).problems, tie(live).festered) == (1, 1)


def test_friction_that_is_talked_through_builds_trust_and_narrows_the_gap():
    def prepare(alliance):
        alliance.gap = 0.5

    live = after(prepare=prepare, friction_base=1.0, relapse=0.0, **HEARD, **KIND)
    assert tie(live).talk[2] == HARD_TALK
    for side in (A, B):
        assert entries(live, side) == approx({"delivery": 0.05 * 0.5, "hard_talk": 0.05 * 2.5 * 0.5})
    assert tie(live).gap == approx(0.5 * 0.9)
    assert tie(live).losses == 0.0  # what is talked through costs nothing
    assert tie(live).hard_talks == 1


def test_blame_costs_trust_and_chills_the_talk():
    live = after(friction_base=1.0, **HEARD, **HARSH)
    calm = after(**HEARD)
    assert tie(live).talk[2] == BLAME
    for side in (A, B):
        assert entries(live, side)["blame"] == approx(-0.15 * 1.2 * 0.5)
    assert tie(live).communication == approx(tie(calm).communication * 0.85)
    assert tie(live).losses == approx(0.2)
    assert tie(live).blames == 1


def test_blame_for_a_fault_weighs_on_both_sides():
    """B's work came out badly and A blames B for it: weighted by the fault for A, a plain quarrel for B."""
    live = after(b__competence=0.0, **HEARD, **HARSH)
    assert entries(live, A) == approx({"blame": -0.15 * 1.2 * 0.5 * 0.5})
    assert entries(live, B) == approx({"delivery": 0.05 * 0.5, "blame": -0.15 * 1.2 * 0.5})


@pytest.mark.parametrize(
    ("raiser_blames", "other_blames", "outcome"), [(0.0, 1.0, HARD_TALK), (1.0, 0.0, BLAME)], ids=["calm", "blaming"]
)
def test_the_one_who_suffered_a_fault_frames_it(raiser_blames, other_blames, outcome):
    live = after(
        b__competence=0.0, a__blame=raiser_blames, b__blame=other_blames, frame_base=10.0, frame_blame=20.0, **HEARD
    )
    assert tie(live).talk[B] == outcome


@pytest.mark.parametrize(
    ("helps", "outcome"),
    [
        ({}, BLAME),
        ({"frame_trust": 20.0}, HARD_TALK),
        ({"frame_trust": 20.0, "trust_start": 0.0}, BLAME),
        ({"frame_operationalization": 20.0}, HARD_TALK),
        ({"frame_operationalization": 20.0, "operationalization": 0.0}, BLAME),
        ({"frame_trust": 20.0, "frame_blame": 20.0}, BLAME),
        ({"frame_trust": 20.0, "frame_blame": 20.0, "blame": 0.0}, HARD_TALK),
    ],
)
def test_trust_and_operationalized_values_frame_problems_well_and_blame_does_not(helps, outcome):
    full = {"trust_start": 1.0, "operationalization": 1.0, "blame": 1.0}
    live = after(friction_base=1.0, frame_base=-10.0, **HEARD, **{**full, **helps})
    assert tie(live).talk[2] == outcome


@pytest.mark.parametrize(("a_trusts", "outcome"), [(1.0, HARD_TALK), (0.0, BLAME)])
def test_it_is_the_raiser_s_own_trust_that_frames(a_trusts, outcome):
    """B's work came out badly, so A raises it."""

    def prepare(alliance):
        alliance.effective[:] = a_trusts, 1.0 - a_trusts

    live = after(prepare=prepare, b__competence=0.0, frame_base=-10.0, frame_trust=20.0, **HEARD)
    assert tie(live).talk[B] == outcome


def test_problems_are_said_where_people_talk_and_trust_their_own_house():
    """Silence at its most: with internal trust on both sides everything is said, without it nothing."""
    settings = {"communication_start": 1.0, "silence": 1.0, "friction_base": 1.0, **KIND}
    assert tie(after(internal_trust=1.0, **settings)).talk[2] == HARD_TALK
    assert tie(after(internal_trust=0.0, **settings)).talk[2] == FESTERING


def test_unlike_practices_rub():
    """A full gap of practised values at weight one makes friction certain; no gap makes it impossible."""
    apart = after(friction_gap=1.0, a__default_culture=1.0, b__default_culture=0.0, **UNHEARD)
    alike = after(friction_gap=1.0, **UNHEARD)
    assert tie(apart).gap == 1.0
    assert tie(apart).problem[2] == FRICTION
    assert tie(alike).problem[2] == NO_PROBLEM


def test_talking_avoids_friction():
    assert tie(after(friction_base=1.0, friction_relief=1.0, communication_start=1.0)).problem[2] == NO_PROBLEM


# ---------------------------------------------------------------------------------------------------------------
# What routine can earn, and what talk is worth
# ---------------------------------------------------------------------------------------------------------------
def test_routine_earns_no_more_trust_than_what_is_said_lets_it():
    """Ceiling .2 + .8·C; at C = .4 it is .52: a partner at .5 still gains, one at .6 neither gains nor loses."""

    def prepare(alliance):
        alliance.trust[:] = alliance.personal[:] = alliance.effective[:] = 0.5, 0.6

    live = after(prepare=prepare, routine_ceiling=0.2)
    assert entries(live, A) == approx({"delivery": 0.05 * 0.4 * (0.52 - 0.5)})
    assert entries(live, B) == {}


def test_hard_talks_and_adaptation_may_earn_any_trust_in_proportion_to_what_is_said():
    settings = {"routine_ceiling": 0.0, "trust_start": 0.9, "communication_start": 0.8, "control_attribution": 0.0}
    finding = {"a__verify_floor": 2.0, "detection_effect": 50.0, "legitimate_monitoring": 2.0}
    talked = after(b__competence=0.0, **finding, **KIND, **settings)
    assert tie(talked).talk[B] == HARD_TALK
    assert entries(talked, A) == approx({"hard_talk": 0.05 * 2.5 * 0.8 * (1 - 0.9)})
    adapted = after(contingency_rate=1.0, adapt_floor=1.0, **OPEN_CONTRACT, **settings)
    assert entries(adapted, A) == approx({"adaptation": 0.05 * 2.0 * 0.8 * (1 - 0.9)})


# ---------------------------------------------------------------------------------------------------------------
# Delegation, misreading, forecasts
# ---------------------------------------------------------------------------------------------------------------
LIP_SERVICE = {"a__professed": 0.9, "a__default_culture": 0.5, "operationalization": 0.25}
"""A professes .9 everywhere and practises ¼·.9 + ¾·.5: words and deeds of A are .3 apart; those of B .225."""


def test_words_are_taken_for_deeds_at_first_and_talk_teaches_better():
    live = after(inference_rate=0.2, **LIP_SERVICE)
    start = LiveRun(dyad(inference_rate=0.2, **LIP_SERVICE)).alliances[0]
    assert list(start.misread) == approx([0.75 * 0.3, 0.75 * 0.4])  # each misreads the other
    left = 1 - 0.2 * tie(live).communication  # of the end of the month
    assert list(tie(live).misread) == approx([0.75 * 0.3 * left, 0.75 * 0.4 * left])
    assert tie(live).misreading == approx(0.5 * (0.75 * 0.3 + 0.75 * 0.4) * left)


def test_new_people_at_the_partner_s_are_read_by_their_words_again():
    event = {"month": 3, "kind": "turnover", "who": "a"}
    live = after(3, events=[event], inference_rate=0.2, **LIP_SERVICE)
    assert tie(live).misread[B] == approx(0.75 * 0.4)
    assert tie(live).misread[A] < 0.9 * 0.75 * 0.3


def test_who_does_what_it_says_is_not_misread():
    live = after(professed=0.9, default_culture=0.5, operationalization=1.0)
    assert list(tie(live).misread) == [0.0, 0.0]


# One group teaches itself from the first month on, all from month 11: one side of a pair may change alone, A or B.
PRACTISING = pytest.mark.parametrize(
    "scenario",
    [
        world(months=24, **{f"{group}__session_effort": 0.1, f"{other}__session_effort": 0.0})
        for world in (busy, market)
        for group, other in (("open", "guarded"), ("guarded", "open"))
    ],
    ids=["busy, open", "busy, guarded", "market, open", "market, guarded"],
)


@PRACTISING
def test_the_distance_of_practices_is_always_that_of_this_month_s_practices(scenario):
    """Kept from month to month, and yet to the last bit what the rules give from what both practise now."""
    live, seen = LiveRun(scenario.replace(**{"events__change@15__enabled": False}), 2), set()
    for _ in range(scenario.months):
        orgs = live.organizations.copy()  # sessions teach at the end of a month
        live.step()
        for alliance in live.alliances[live.alliances.alive == 1]:
            sides = [(orgs[i].operationalization, orgs[i].professed, orgs[i].default_culture) for i in alliance.org]
            assert alliance.distance == rules.practised_distance(*sides[0], *sides[1])
            assert alliance.words.tolist() == [rules.practice_gap(*side) for side in sides]
            seen.add((*alliance.org.tolist(), alliance.distance))
    pairs = {pair[:2] for pair in seen}
    assert len(seen) > 5 * len(pairs) > 0  # it did change


@PRACTISING
def test_a_run_that_works_out_the_distance_anew_every_month_is_the_same_run(scenario):
    """The change of practice by a dated event included."""
    kept, anew = LiveRun(scenario, 2), LiveRun(scenario, 2)
    for _ in range(scenario.months):
        anew.alliances.practice[:] = -1.0  # as at the signature: nothing computed yet
        kept.step()
        anew.step()
        lives = kept.alliances.alive == 1
        assert anew.alliances[lives].tobytes() == kept.alliances[lives].tobytes()
        assert anew.organizations.tobytes() == kept.organizations.tobytes()
        assert anew.month_ledger.tobytes() == kept.month_ledger.tobytes()
    assert lives.any()


def test_trust_delegates_and_delegation_spares_talk_but_costs_what_is_misread():
    settings = {"delegation_base": -1.0, "delegation_trust": 3.0, "delegation_misreading": 2.0, **LIP_SERVICE}
    live = after(**settings)
    shares = [1 / (1 + math.exp(-(-1.0 + 3.0 * 0.5 - 2.0 * misread))) for misread in (0.225, 0.3)]
    delegated = sum(shares) / 2
    assert list(tie(live).delegation) == approx(shares)
    assert tie(live).delegated == approx(delegated)
    effort = 1 / (1 + math.exp(-(-3.0 + 3.0 * 0.5 + 2.0 * 0.5)))
    running = 1 - 0.3 * (0.6 * (1 - delegated) + delegated * (0.225 + 0.3) / 2)
    assert tie(live).output - tie(live).synergy == approx((1 + 0.5 * effort) * running)


def test_forecasts_start_even_and_learn_from_each_uncovered_contingency():
    """Both adapt every month: forecasts .5, .6, .68 and squared errors .25, .16, .1024 on either side."""
    live = after(3, contingency_rate=1.0, adapt_floor=1.0, **OPEN_CONTRACT)
    assert list(tie(live).forecast) == approx([1 - 0.5 * 0.8**3] * 2)
    assert tie(live).forecast_error == approx(2 * (0.5**2 + 0.4**2 + 0.32**2))
    assert OUTCOMES["predictability"].formula(live.alliances)[0] == approx(1 - (0.25 + 0.16 + 0.1024) / 3)
    assert list(tie(after(3)).forecast) == [0.5, 0.5]
    assert np.isnan(OUTCOMES["predictability"].formula(after(3).alliances)[0])


def test_each_side_forecasts_the_other():
    live = after(
        contingency_rate=1.0, adapt_floor=0.0, adapt_base=-15.0, adapt_integrity=20.0, b__integrity=0.0, **UNHEARD
    )
    assert list(tie(live).adapted) == [1, 0]
    assert list(tie(live).forecast) == approx([0.4, 0.6])  # A expects less of B, B more of A


# ---------------------------------------------------------------------------------------------------------------
# Know-how and fortune
# ---------------------------------------------------------------------------------------------------------------
def test_know_how_is_a_stock_that_grows_on_itself():
    live = after(2, know_how_speed=0.1, know_how_returns=0.5)
    stock, earned = 0.0, 0.0
    history = simulate_history(dyad(months=2)).alliances[:, 0]
    for before in history[:2]:
        exchanged = 0.6 * before.communication * math.sqrt(before.effective[0] * before.effective[1])
        stock += 0.1 * (exchanged * (1 + 0.5 * stock) - stock)
        earned += 1.5 * stock
    assert tie(live).know_how == approx(stock)
    assert tie(live).synergy == approx(earned)


def test_fortune_multiplies_what_the_month_earns_and_returns_to_normal():
    def prepare(alliance):
        alliance.fortune = 0.6

    live, quiet = after(prepare=prepare, fortune_recovery=0.25), after()
    assert tie(live).fortune == approx(0.7)
    assert tie(live).output == approx(0.7 * tie(quiet).output)
    assert tie(live).synergy == approx(0.7 * tie(quiet).synergy)


# ---------------------------------------------------------------------------------------------------------------
# What is kept from happening
# ---------------------------------------------------------------------------------------------------------------
HAPPENING = {
    "blame": (lambda a: (a.talk == BLAME).any(-1)),
    "festering": (lambda a: (a.talk == FESTERING).any(-1)),
    "hard_talk": (lambda a: (a.talk == HARD_TALK).any(-1)),
    "friction": (lambda a: a.problem[..., 2] == FRICTION),
    "contingency": (lambda a: a.contingency > 0),
    "bad_work": (lambda a: (a.problem == BAD_WORK).any(-1)),
    "shirking": (lambda a: (a.shirked == 1).any(-1)),
    "turnover": (lambda a: (a.turnover == 1).any(-1)),
    "ending": (lambda a: a.cause != GOING_ON),
}


def counterfactual(scenario, seed: int, month: int, kind: str, alliance: int) -> list[np.ndarray]:
    """The alliances after each month of a run in which something is kept from happening."""
    live = LiveRun(scenario, seed)
    row = np.array([(month, KEPT_AWAY, alliance, WITHOUT.index(kind), 0.0)], dtype=EVENT).view(np.recarray)
    live.events = np.concatenate([live.events, row]).view(np.recarray)
    states = [live.alliances.copy()]
    for _ in range(scenario.months):
        live.step()
        states.append(live.alliances.copy())
    return states


@pytest.mark.parametrize("kind", WITHOUT)
def test_what_is_kept_away_does_not_happen_and_nothing_before_it_or_beside_it_changes(kind):
    scenario, seed = busy(months=40, organizations=12, blame=0.8), 3
    factual = simulate_history(scenario, seed).alliances
    lived = np.zeros(factual.shape, dtype=bool)
    lived[1:] = factual.alive[:-1] == 1
    month, alliance = np.argwhere(lived & HAPPENING[kind](factual))[0]
    states = counterfactual(scenario, seed, month, kind, alliance)
    assert not HAPPENING[kind](states[month])[alliance]
    for earlier in range(month):
        assert states[earlier].tobytes() == factual[earlier].tobytes()
    others = np.arange(len(factual[0])) != alliance
    assert states[month][others].tobytes() == factual[month][others].tobytes()
    assert states[month][alliance].tobytes() != factual[month][alliance].tobytes()


@pytest.mark.parametrize("kind", WITHOUT)
def test_only_what_is_named_is_kept_away_that_month(kind):
    """Everything else that chance alone decides happens as it did: the draws are the same."""
    scenario, seed = busy(months=40, organizations=12, blame=0.8), 3
    factual = simulate_history(scenario, seed).alliances
    chances = {"friction", "contingency", "shirking", "turnover"} - {kind}
    lived = factual.alive[9] == 1
    states = counterfactual(scenario, seed, 10, kind, -1)
    assert not HAPPENING[kind](states[10])[lived].any()
    for other in chances:
        assert (HAPPENING[other](states[10])[lived] == HAPPENING[other](factual[10])[lived]).all(), other


# ---------------------------------------------------------------------------------------------------------------
# Contingencies
# ---------------------------------------------------------------------------------------------------------------
def test_an_uncovered_contingency_met_together_creates_value_and_trust():
    live, quiet = after(contingency_rate=1.0, adapt_floor=1.0, **OPEN_CONTRACT), after(**OPEN_CONTRACT)
    assert tie(live).contingency == 2
    assert list(tie(live).adapted) == [1, 1]
    for side in (A, B):
        assert entries(live, side) == approx({"delivery": 0.01, "adaptation": 0.05 * 2.0 * 0.4 * 0.5})
    assert tie(live).output - tie(quiet).output == approx(1.1)
    assert tie(live).creativity == approx(1.1)
    assert (tie(live).contingencies, tie(live).met_together) == (1, 1)


def test_an_uncovered_contingency_refused_costs_money_and_trust():
    live, quiet = after(contingency_rate=1.0, adapt_floor=0.0, adapt_base=-20.0, **UNHEARD), after(**UNHEARD)
    assert list(tie(live).problem) == [REFUSAL, REFUSAL, NO_PROBLEM]
    for side in (A, B):
        assert entries(live, side) == approx({"festering": -0.15 * 0.5})  # a refusal weighs one
    assert tie(quiet).output - tie(live).output == approx(0.9)
    assert (tie(live).contingencies, tie(live).met_together, tie(live).problems) == (1, 0, 2)


def test_when_only_one_adapts_the_other_gains_trust_and_the_contingency_is_lost():
    live = after(
        contingency_rate=1.0, adapt_floor=0.0, adapt_base=-15.0, adapt_integrity=20.0, b__integrity=0.0, **UNHEARD
    )
    assert list(tie(live).adapted) == [1, 0]
    assert list(tie(live).problem) == [NO_PROBLEM, REFUSAL, NO_PROBLEM]
    assert entries(live, A) == approx({"festering": -0.15 * 0.5})
    assert entries(live, B) == approx({"delivery": 0.01, "adaptation": 0.05 * 2.0 * 0.4 * 0.5})
    assert (tie(live).creativity, tie(live).losses) == (0.0, approx(0.9))


def test_a_month_without_contingency_owes_nothing_to_the_last_one():
    scenario = dyad(months=40, contingency_rate=0.5, adapt_floor=1.0)
    alliance = simulate_history(scenario).alliances[1:, 0]
    assert set(alliance.contingency) == {0, 2}
    for side in (A, B):
        assert (alliance.adapted[:, side] == (alliance.contingency == 2)).all()


def test_a_covered_contingency_asks_nothing_of_anybody():
    live = after(contingency_rate=1.0, contract_tightness=5.0, contract_scale=0.1, contract_cap=1.0, adapt_floor=0.0)
    assert tie(live).coverage == 1.0
    assert tie(live).contingency == 1
    assert list(tie(live).adapted) == [0, 0]
    assert list(tie(live).problem) == [NO_PROBLEM] * 3
    assert tie(live).contingencies == 0


ADAPT_WEIGHTS = dict.fromkeys(("adapt_trust", "adapt_ties", "adapt_chemistry", "adapt_integrity"), 0.0)
"""Nothing makes a partner adapt but what a test gives a weight."""


@pytest.mark.parametrize("weight", ADAPT_WEIGHTS)
@pytest.mark.parametrize(("state", "adapted"), [(0.9, [1, 1]), (0.1, [0, 0])])
def test_what_makes_a_partner_adapt(weight, state, adapted):
    """Score −10 + 20·state: 8 or −8."""
    live = after(
        contingency_rate=1.0, adapt_floor=0.0, adapt_base=-10.0,
        trust_start=state, ties_start=state, chemistry=state, integrity=state, **{**ADAPT_WEIGHTS, weight: 20.0},
    )  # fmt: skip
    assert list(tie(live).adapted) == adapted


def test_frustration_keeps_a_partner_from_adapting_and_from_the_extra_mile():
    def prepare(alliance):
        alliance.frustration[A] = 1.0

    live = after(
        prepare=prepare, contingency_rate=1.0, adapt_floor=0.0, adapt_base=10.0, adapt_frustration=20.0, **ADAPT_WEIGHTS
    )
    assert list(tie(live).adapted) == [0, 1]
    assert tie(live).effort[A] == approx(1 / (1 + math.exp(3.5)))  # −3 + 1.5 + 1 − 3
    assert tie(live).effort[B] == approx(1 / (1 + math.exp(0.5)))
    assert tie(live).frustration[A] == approx(0.9)


def test_the_extra_mile_is_the_mean_of_both_sides():
    def prepare(alliance):
        alliance.effective[:] = 0.9, 0.1

    live = after(prepare=prepare)
    efforts = [1 / (1 + math.exp(-(-3.0 + 1.5 + 2.0 * trust))) for trust in (0.9, 0.1)]
    assert list(tie(live).effort) == approx(efforts)
    assert tie(live).extra_mile == approx(sum(efforts) / 2)
    assert tie(live).output - tie(live).synergy == approx((1 + 0.5 * sum(efforts) / 2) * (1 - 0.3 * 0.6))
    assert tie(live).synergy == approx(1.5 * 0.6 * 0.4 * math.sqrt(0.9 * 0.1))


def test_deterrence_makes_a_watched_partner_adapt():
    live = after(
        contingency_rate=1.0, adapt_floor=0.0, adapt_base=-10.0, adapt_deterrence=20.0, a__verify_floor=2.0,
        **ADAPT_WEIGHTS,
    )  # fmt: skip
    assert list(tie(live).adapted) == [0, 1]  # it is A who watches B


# ---------------------------------------------------------------------------------------------------------------
# Shirking and monitoring
# ---------------------------------------------------------------------------------------------------------------
def test_shirking_that_nobody_notices_costs_money_and_looks_like_delivery():
    live = after(shirk_rate=1.0, b__integrity=0.0, shirk_visibility=0.0)
    quiet = after()
    assert list(tie(live).shirked) == [0, 1]
    assert tie(live).problem[B] == NO_PROBLEM
    assert entries(live, A) == approx({"delivery": 0.01})
    assert tie(quiet).net[A] - tie(live).net[A] == approx(0.5)
    assert tie(quiet).net[B] == tie(live).net[B]
    assert (tie(live).shirks, tie(live).losses) == (1, approx(0.5))


def test_shirking_that_is_noticed_weighs_most_and_is_half_recovered():
    live = after(shirk_rate=1.0, b__integrity=0.0, shirk_visibility=1.0, **UNHEARD)
    quiet = after(**UNHEARD)
    assert tie(live).problem[B] == SHIRKING
    assert entries(live, A) == approx({"festering": -0.15 * 1.5 * 0.5})
    assert tie(quiet).net[A] - tie(live).net[A] == approx(0.5 * (1 - 0.5))


@pytest.mark.parametrize(("watcher", "found"), [("a", True), ("b", False)])
def test_it_is_the_partner_s_monitoring_that_finds_shirking(watcher, found):
    """Watching that hardly deters (effect .1) and always detects: B is caught when A watches, not when B does."""
    scenario = dyad(
        months=40, shirk_rate=1.0, b__integrity=0.0, shirk_visibility=0.0, monitoring_effect=0.1,
        detection_effect=50.0, **{f"{watcher}__verify_floor": 2.0},
    )  # fmt: skip
    alliance = simulate_history(scenario).alliances[1:, 0]
    shirked = alliance.shirked[:, B] == 1
    assert shirked.sum() > 20
    assert ((alliance.problem[shirked, B] == SHIRKING) == found).all()
    assert (alliance.problem[~shirked, B] == NO_PROBLEM).all()


def test_the_gravest_fault_counts():
    live = after(
        shirk_rate=1.0, b__integrity=0.0, shirk_visibility=1.0, b__competence=0.0,
        contingency_rate=1.0, adapt_floor=0.0, adapt_base=-20.0, **UNHEARD,
    )  # fmt: skip
    assert list(tie(live).problem) == [REFUSAL, SHIRKING, NO_PROBLEM]
    assert tie(live).problems == 2


def test_monitoring_is_paid_and_follows_distrust():
    live = after(a__monitoring=1.0, b__verify_floor=0.05)
    best = math.log(6.0 * 0.5 * 0.5) / 6.0
    assert tie(live).monitoring[A] == approx(best)
    assert tie(live).monitoring[B] == 0.05
    quiet = after()
    assert tie(quiet).net[A] - tie(live).net[A] == approx(best)
    assert tie(live).monitoring_cost == approx(best + 0.05)


def test_each_side_watches_as_much_as_it_distrusts():
    def prepare(alliance):
        alliance.effective[:] = 0.2, 0.6

    live = after(prepare=prepare, monitoring=2.0)
    optima = [math.log(6.0 * 0.5 * (1 - trust)) / 6.0 for trust in (0.2, 0.6)]
    assert list(tie(live).monitoring) == approx([2 * optimum for optimum in optima])
    assert list(tie(live).watching) == approx([1 - math.exp(-12 * optimum) for optimum in optima])


def test_monitoring_beyond_the_legitimate_is_resented_by_the_monitored():
    live = after(a__verify_floor=0.6)
    assert entries(live, B)["being_monitored"] == approx(-0.3 * (0.6 - 0.1) * 0.5)
    assert "being_monitored" not in entries(live, A)
    assert "being_monitored" not in entries(after(a__verify_floor=0.1), B)


def test_good_conduct_under_control_teaches_less():
    live = after(a__verify_floor=0.1)
    deterrence = 1 - math.exp(-6.0 * 0.1)
    assert entries(live, A)["delivery"] == approx(0.05 * 0.4 * (1 - 0.5 * deterrence) * 0.5)
    assert entries(live, B)["delivery"] == approx(0.05 * 0.4 * 0.5)


def test_monitoring_deters_shirking_and_finds_faults():
    watched = {"a__verify_floor": 2.0, "monitoring_effect": 50.0, "detection_effect": 50.0}
    assert list(tie(after(shirk_rate=1.0, b__integrity=0.0)).shirked) == [0, 1]
    assert list(tie(after(shirk_rate=1.0, b__integrity=0.0, **watched)).shirked) == [0, 0]
    assert tie(after(b__competence=0.0, **UNHEARD)).talk[B] == FESTERING
    assert tie(after(b__competence=0.0, **UNHEARD, **watched, **KIND)).talk[B] == HARD_TALK
    assert tie(after(a__competence=0.0, **UNHEARD, **watched, **KIND)).talk[A] == FESTERING  # B does not watch A


# ---------------------------------------------------------------------------------------------------------------
# Dated events
# ---------------------------------------------------------------------------------------------------------------
def test_a_breach_costs_the_partner_s_trust_and_nobody_else_s():
    event = {"month": 1, "kind": "breach", "who": "b", "severity": 0.4}
    live = after(events=[event])
    assert entries(live, A)["breach"] == approx(-0.4 * 0.5)
    assert entries(live, A, PERSONAL)["breach"] == approx(-1.5 * 0.4 * 0.5)
    assert "breach" not in entries(live, B)
    live.step()
    assert "breach" not in entries(live, A)


def test_a_full_breach_leaves_no_trust_and_the_bound_is_entered():
    event = {"month": 1, "kind": "breach", "who": "b", "severity": 1.0}
    live = after(events=[event], friction_base=1.0, **UNHEARD)
    assert tie(live).trust[A] == 0.0
    assert tie(live).personal[A] == 0.0
    assert entries(live, A)["bound"] == approx(0.15 * 0.5 - 0.01)


def test_two_breaches_of_one_month_add_like_independent_ones():
    events = [
        {"month": 1, "kind": "breach", "who": "b", "severity": s, "name": name}
        for name, s in (("first", 0.2), ("second", 0.5))
    ]
    assert entries(after(events=events), A)["breach"] == approx(-(1 - 0.8 * 0.5) * 0.5)


def test_when_a_key_person_leaves_ties_and_personal_trust_fall_back():
    def prepare(alliance):
        alliance.personal[:] = 0.9

    event = {"month": 1, "kind": "turnover", "who": "a"}
    live = after(events=[event], prepare=prepare, people_rate=0.0)
    personal = 0.9 + 1.5 * 0.02 * 0.1
    assert entries(live, A, PERSONAL)["turnover"] == approx(-0.8 * (personal - 0.51))
    assert tie(live).personal[A] == approx(personal - 0.8 * (personal - 0.51))
    assert tie(live).personal[B] == approx(tie(live).personal[A])  # B lost its counterpart
    assert tie(live).ties == approx(0.3 * 0.97 * 0.5)
    assert list(tie(live).turnover) == [1, 0]


@pytest.mark.parametrize("who", ["a", "b"])
def test_one_departure_on_either_side_costs_both_their_personal_trust(who):
    live = after(events=[{"month": 1, "kind": "turnover", "who": who}])
    for side in (A, B):
        assert entries(live, side, PERSONAL)["turnover"] == approx(-0.8 * (0.515 - 0.51))


def test_turnover_on_both_sides_halves_the_ties_twice_and_new_people_meet():
    live = after(turnover=1.0, chemistry_spread=0.4)
    assert list(tie(live).turnover) == [1, 1]
    assert tie(live).ties == approx(0.3 * 0.97 * 0.25)
    before = LiveRun(dyad(turnover=1.0, chemistry_spread=0.4)).alliances[0].chemistry
    assert tie(live).chemistry != before
    assert 0.1 <= tie(live).chemistry <= 0.9


def test_a_crash_hits_output_and_the_market_recovers():
    event = {"month": 1, "kind": "crash", "depth": 0.4}
    live = after(events=[event])
    assert tie(live).output == approx(0.6 * tie(after()).output)
    assert live.market == approx(0.6 + 0.02 * 0.4)
    live.step()
    assert live.market == approx(1 - 0.4 * 0.98**2)


def test_a_programme_starts_and_stops():
    event = {"month": 2, "kind": "programme", "who": "a", "investment": 0.6, "months": 3}
    history = simulate_history(dyad([event], months=8))
    spent = np.diff(history.alliances.relational_cost[:, 0])
    assert spent == approx([0.0] + 3 * [0.02 * 0.36] + 4 * [0.0])
    ties = history.alliances.ties[:, 0]
    assert ties[1] == approx(0.3 * 0.97)
    assert ties[2] == approx(ties[1] * 0.97 + 0.08 * 0.5 * 0.6 * (1 - ties[1]))
    assert ties[5] == approx(ties[4] * 0.97)


def test_sessions_close_the_gap_teach_and_cost():
    event = {"month": 1, "kind": "sessions", "who": "everyone", "effort": 0.1, "months": 2}
    history = simulate_history(dyad([event], months=4, a__default_culture=0.9, b__default_culture=0.1, professed=0.5))
    gap, w = history.alliances.gap[:, 0], history.organizations.operationalization[:, 0]
    assert gap[0] == approx(0.8)
    assert gap[1] == approx(0.8 - 0.2 * 0.8)
    assert w[1] == approx(0.3 * 0.1)
    distance = 0.8 * (1 - w[1])  # practised values as they are when the month begins
    assert gap[2] == approx(gap[1] - 0.2 * gap[1] + 0.02 * (distance - gap[1]))
    assert w[2] == approx(w[1] + 0.03 * (1 - w[1]) - 0.02 * w[1])
    assert w[3] == approx(w[2] - 0.02 * w[2])  # relapse to where it started
    assert np.diff(history.alliances.relational_cost[:, 0]) == approx([2 * 0.5 * 0.1] * 2 + [0.0] * 2)


@pytest.mark.parametrize(("number", "expected"), [({"to": 0.3}, 0.3), ({"by": -0.2}, 0.8)])
def test_a_trait_changes_from_its_month_on(number, expected):
    event = {"month": 3, "kind": "change", "who": "a", "trait": "openness", **number}
    history = simulate_history(dyad([event], months=4))
    assert list(history.organizations.openness[:, 0]) == approx([1.0, 1.0, 1.0, expected, expected])
    assert (history.organizations.openness[:, 1] == 1.0).all()


def test_a_changed_operationalization_is_the_new_place_to_relapse_to():
    event = {"month": 1, "kind": "change", "who": "a", "trait": "operationalization", "to": 0.7}
    assert after(3, events=[event]).organizations.operationalization[0] == 0.7


@pytest.mark.parametrize(("by", "bound"), [(-1.0, 0.01), (1.0, 1.0)])
def test_a_change_stays_within_the_trait_s_bounds(by, bound):
    event = {"month": 1, "kind": "change", "who": "a", "trait": "openness", "by": by / 2, "name": "one"}
    live = after(events=[event, {**event, "name": "two"}, {**event, "name": "three"}], openness=0.5)
    assert live.organizations.openness[0] == bound
    assert np.isfinite(tie(live).communication)


def test_overlapping_programmes_each_take_back_what_they_added():
    """Also when the trait's bound held one of them back in between."""
    events = [
        {"month": 1, "kind": "sessions", "who": "a", "effort": 0.7, "months": 4, "name": "long"},
        {"month": 2, "kind": "sessions", "who": "a", "effort": 0.6, "months": 1, "name": "short"},
    ]
    history = simulate_history(dyad(events, months=6))
    assert list(history.organizations.session_effort[:, 0]) == approx([0.0, 0.7, 1.0, 0.7, 0.7, 0.0, 0.0])


def test_a_trait_set_by_hand_is_where_a_later_change_starts():
    live = LiveRun(dyad([{"month": 2, "kind": "change", "who": "a", "trait": "openness", "by": -0.2}]))
    live.step()
    live.organizations.openness[0] = 0.5
    live.step()
    assert live.organizations.openness[0] == approx(0.3)


def test_an_event_that_is_switched_off_does_nothing():
    event = {"month": 1, "kind": "breach", "who": "b", "severity": 0.4, "enabled": False}
    assert entries(after(events=[event]), A) == entries(after(), A)


# ---------------------------------------------------------------------------------------------------------------
# Costs, goodwill, endings
# ---------------------------------------------------------------------------------------------------------------
def test_contract_and_specific_investment_are_sunk_at_the_signature():
    history = simulate_history(dyad(months=3, contract_tightness=2.0, specific_investment=1.5))
    alliance = history.alliances[:, 0]
    assert list(alliance.governance_cost) == approx([0.3 * 2.0] * 4)
    assert list(alliance.start_cost) == approx([2 * 1.5] * 4)
    assert list(alliance.value[0]) == approx([-0.3 - 1.5] * 2)
    assert np.diff(alliance.value, axis=0) == approx(alliance.net[1:])  # nothing of it comes back


def test_a_contract_that_costs_nothing_leaves_the_books_whole():
    alliance = tie(after(3, choose_contract=True, contracting_cost=0.0, contingency_rate=0.2))
    assert alliance.governance_cost == 0.0
    assert alliance.coverage == 0.9  # the cap
    assert np.isfinite(alliance.value).all()


def test_a_given_contract_covers_what_it_covers():
    start = LiveRun(dyad(contract_tightness=2.0)).alliances[0]
    assert start.tightness == 2.0
    assert start.coverage == approx(1 - math.exp(-2.0 / 1.5))


def test_a_chosen_contract_is_the_mean_of_what_each_side_would_choose():
    """At stake are ½·.2·.9 a month for 36 months; tightness costs a side .15: x* = x0·ln(stakes·(1 − τ)/(.15x0))."""
    settings = {"choose_contract": True, "contingency_rate": 0.2, "trust_start_sd": 0.15, "contract_scale": 1.5}
    stakes, seen = 0.5 * 0.2 * 0.9 * 36, []
    for seed in range(20):
        start = LiveRun(dyad(**settings), seed).alliances[0]
        wanted = [1.5 * max(0.0, math.log(stakes * (1 - trust) / (0.15 * 1.5))) for trust in start.effective]
        assert start.tightness == approx(sum(wanted) / 2)
        assert start.coverage == approx(min(0.9, 1 - math.exp(-start.tightness / 1.5)))
        assert start.governance_cost == approx(0.3 * start.tightness)
        seen.append((start.effective.mean(), start.tightness))
    assert np.corrcoef(np.array(seen).T)[0, 1] < -0.9  # the more trust, the lighter the contract
    sure = LiveRun(dyad(**{**settings, "trust_start": 1.0, "trust_start_sd": 0.0})).alliances[0]
    assert sure.tightness == sure.coverage == sure.governance_cost == 0.0


@pytest.mark.parametrize(("side", "payer"), [("a", A), ("b", B)])
def test_each_side_pays_for_its_own_people_and_sessions(side, payer):
    """c·r² = .02·1.5² for relations and .5·.2 for sessions, on the books of the one who spends."""
    live = after(**{f"{side}__relational_investment": 1.5, f"{side}__session_effort": 0.2})
    cost = 0.02 * 1.5**2 + 0.5 * 0.2
    fixed = after(**{f"{side}__session_effort": 0.2}, session_fixed_cost=0.07)
    assert tie(fixed).relational_cost == approx(0.5 * 0.2 + 0.07)
    assert tie(live).net[payer] == approx(tie(after()).net[payer] - cost)
    assert tie(live).net[1 - payer] == approx(tie(after()).net[1 - payer])
    assert tie(live).relational_cost == approx(cost)


def test_a_clear_contract_lifts_the_floor_of_disclosure():
    covered = after(contract_tightness=5.0, contract_scale=0.1, contract_cap=0.8)
    floor = 0.1 + 0.9 * 0.1 * 0.8
    assert tie(covered).disclosure == approx(floor + (1 - floor) * willing(0.5, candour=0.86))


def test_goodwill_is_impaired_when_expectation_falls_and_written_off_at_the_end():
    start = LiveRun(dyad(outside_option=0.4)).alliances[0]
    annuity = (1 - 1.008**-120) / 0.008
    assert start.goodwill == start.goodwill_start == approx(2 * (0.635 - 0.4) * annuity)
    live = after(outside_option=0.4)
    carried = 2 * (tie(live).expectation[A] - 0.4) * annuity
    assert tie(live).goodwill == approx(carried)
    assert tie(live).written_off == approx(start.goodwill - carried)
    assert tie(live).realized == 0.0


def test_goodwill_is_sold_with_the_alliance_at_a_strategic_end_and_written_off_at_any_other():
    start = LiveRun(dyad(outside_option=0.4)).alliances[0]
    sold = tie(after(outside_option=0.4, exogenous_exit=1.0, impairment_interval=12.0))
    assert (sold.goodwill, sold.realized, sold.written_off) == (0.0, approx(start.goodwill), 0.0)
    lost = tie(after(outside_option=0.4, trust_exit=1.0, impairment_interval=12.0))
    assert (lost.goodwill, lost.realized, lost.written_off) == (0.0, 0.0, approx(start.goodwill))
    impaired = tie(after(outside_option=0.4, exogenous_exit=1.0))  # a test in the month of the sale
    assert impaired.realized + impaired.written_off == approx(start.goodwill)
    assert impaired.written_off > 0.0


@pytest.mark.parametrize(("headroom", "written_down"), [(0.0, True), (0.5, False)])
def test_small_shortfalls_of_worth_pass_the_test(headroom, written_down):
    start = LiveRun(dyad(outside_option=0.4)).alliances[0]
    live = after(outside_option=0.4, impairment_headroom=headroom)
    assert (tie(live).written_off > 0.0) == written_down
    assert tie(live).goodwill + tie(live).written_off == approx(start.goodwill)


def test_goodwill_counts_each_side_s_surplus_over_its_own_outside_option():
    def prepare(alliance):
        alliance.expectation[:] = 0.5, 0.6

    live = after(prepare=prepare, a__outside_option=0.3, b__outside_option=0.1, expectation_learning=0.0)
    annuity = (1 - 1.008**-120) / 0.008
    assert tie(live).goodwill_start == approx((0.635 - 0.3 + 0.635 - 0.1) * annuity)
    assert tie(live).goodwill == approx((0.5 - 0.3 + 0.6 - 0.1) * annuity)


def test_goodwill_is_never_written_up():
    def prepare(alliance):
        alliance.expectation[:] = 0.2
        alliance.goodwill = 0.5

    live = after(6, prepare=prepare, outside_option=0.3)
    assert tie(live).expectation[A] > 0.3
    assert tie(live).goodwill == 0.0
    assert tie(live).written_off == approx(0.5)


@pytest.mark.parametrize(
    ("interval", "months"),
    [
        (1.0, [1, 2, 3, 4, 5, 6, 7]),
        (3.0, [3, 6]),
        (2.5, [3, 5]),  # the first month after 2.5, and after 5
    ],
)
def test_goodwill_is_tested_at_intervals(interval, months):
    history = simulate_history(dyad(months=7, optimism=0.6, outside_option=0.4, impairment_interval=interval))
    written_down = np.diff(history.alliances.written_off[:, 0]) > 0.0
    assert list(np.flatnonzero(written_down) + 1) == months


@pytest.mark.parametrize("interval", [1.0, 1.5, 2.0, 2.5, 3.0, 7.3, 12.0, 36.0])
def test_a_test_falls_due_in_the_month_in_which_another_interval_has_passed(interval):
    due = [age for age in range(1, 145) if steps.falls_due(age, interval)]
    assert due == sorted({math.ceil(times * interval) for times in range(1, int(144 / interval) + 1)})


@pytest.mark.parametrize("power", [0.5, 1.0, 1.7, 3.0])
@pytest.mark.parametrize("gap", [0.0, 0.3, 1.0])
def test_unlike_practices_rub_with_their_chance_whether_or_not_the_power_is_worked_out(power, gap):
    """Draws just below and just above the chance, and far from it; a power below one makes more of a gap."""
    p = Parameters(friction_base=0.02, friction_gap=0.3, friction_power=power, friction_relief=0.5)
    state = SimpleNamespace(gap=gap, communication=0.4)
    chance = (0.02 + 0.3 * gap**power) * 0.8
    for uniform in (0.0, chance * 0.999, chance * 1.001, 0.5, 0.999):
        assert steps.rubs(p, state, uniform) == (uniform < chance)


def test_optimism_starts_expectation_above_the_plan():
    start = LiveRun(dyad(a__optimism=0.4)).alliances[0]
    assert start.expectation[A] == start.smoothed[A] == approx(0.635 * 1.4)
    assert start.expectation[B] == approx(0.635)


EXITS = {
    DISTRUST: {"trust_exit": 1.0},
    DISAPPOINTMENT: {"disappointment_exit": 1.0, "outside_option": 5.0},
    EXOGENOUS: {"exogenous_exit": 1.0},
}


@pytest.mark.parametrize(
    ("risks", "recorded"),
    [
        ((), GOING_ON),
        ((DISTRUST,), DISTRUST),
        ((DISAPPOINTMENT,), DISAPPOINTMENT),
        ((EXOGENOUS,), EXOGENOUS),
        ((DISTRUST, DISAPPOINTMENT), DISTRUST),
        ((DISTRUST, EXOGENOUS), DISTRUST),
        ((DISAPPOINTMENT, EXOGENOUS), DISAPPOINTMENT),
        ((DISTRUST, DISAPPOINTMENT, EXOGENOUS), DISTRUST),
    ],
)
def test_endings_and_which_of_them_is_recorded(risks, recorded):
    settings = {name: value for risk in risks for name, value in EXITS[risk].items()}
    live = after(**settings)
    assert tie(live).cause == recorded
    assert (tie(live).alive, tie(live).ended) == ((1, 0) if recorded == GOING_ON else (0, 1))
    nobody, both = LEAVERS.index("nobody"), LEAVERS.index("both")
    assert tie(live).left_by == (both if recorded in (DISTRUST, DISAPPOINTMENT) else nobody)


@pytest.mark.parametrize("side", ["a", "b"])
def test_one_partner_is_enough_to_end_it(side):
    live = after(disappointment_exit=1.0, **{f"{side}__outside_option": 5.0})
    assert tie(live).cause == DISAPPOINTMENT
    assert LEAVERS[tie(live).left_by] == f"side {side}"


@pytest.mark.parametrize("side", [A, B])
def test_the_distrust_of_one_partner_is_enough(side):
    def prepare(alliance):
        alliance.trust[side] = alliance.personal[side] = 0.05

    ended = tie(after(prepare=prepare, trust_exit=0.3))
    assert (ended.cause, ended.left_by) == (DISTRUST, side + 1)
    assert tie(after(trust_exit=0.3)).cause == GOING_ON


def test_disappointment_ends_nothing_while_results_are_above_the_outside_option():
    assert tie(after(disappointment_exit=1.0, outside_option=0.5)).cause == GOING_ON


def test_an_ended_alliance_stays_as_it_was():
    live = after(exogenous_exit=1.0)
    before = tie(live).copy()
    live.step()
    assert tie(live).tobytes() == before.tobytes()
    assert not live.month_ledger.any()


# ---------------------------------------------------------------------------------------------------------------
# The ledger
# ---------------------------------------------------------------------------------------------------------------
def months_of_a_busy_world(seeds=range(6), **settings):
    """(alliance before, after, ledger of the month) of every living alliance in every month of a few busy runs."""
    for seed in seeds:
        history = simulate_history(busy(months=60, **settings), seed)
        for month in range(60):
            for k in np.flatnonzero(history.alliances.alive[month]):
                yield history.alliances[month, k], history.alliances[month + 1, k], history.ledger[month, k]


def folded(start: float, row: np.ndarray) -> float:
    """``start`` with a layer's entries added one by one, in the order of ``CAUSES``."""
    for entry in row:
        start += entry
    return start


@pytest.mark.parametrize(("layer", "name"), [(ORGANIZATIONAL, "trust"), (PERSONAL, "personal")])
def test_the_ledger_is_the_update_to_the_last_bit(layer, name):
    seen = np.zeros(len(CAUSES), dtype=int)
    for before, now, ledger in months_of_a_busy_world():
        for side in (A, B):
            assert folded(before[name][side], ledger[side, layer]) == now[name][side]
            seen += ledger[side, layer] != 0.0
    unseen = {cause for cause, count in zip(CAUSES, seen, strict=True) if count == 0}
    of_the_other_layer = {"turnover", "ties"} if layer == ORGANIZATIONAL else {"people", "ties"}
    assert unseen - {"bound"} == of_the_other_layer


def test_the_ledger_is_exact_when_a_person_leaves_in_the_month_of_a_breach():
    """Personal trust above the organization's goes with the person; when it is held at 0, none is left to go."""
    bounds, departures = 0, 0
    for severity, trust, personal in np.random.default_rng(1).uniform((0.1, 0.1, 0.6), (0.9, 0.5, 0.95), (200, 3)):
        events = [
            {"month": 1, "kind": "breach", "who": "b", "severity": float(severity)},
            {"month": 1, "kind": "turnover", "who": "b"},
        ]

        def prepare(alliance, trust=trust, personal=personal):
            alliance.trust[:], alliance.personal[:] = trust, personal

        live = after(events=events, prepare=prepare, friction_base=1.0, **UNHEARD)
        row = live.month_ledger[0, A, PERSONAL]
        held, left = row[CAUSES.index("bound")] > 0.0, row[CAUSES.index("turnover")] < 0.0
        assert not (held and left)
        bounds, departures = bounds + held, departures + left
        assert folded(float(personal), row) == tie(live).personal[A]
    assert min(bounds, departures) > 20


def test_newcomers_inherit_distrust_and_not_friendship():
    def prepare(alliance):
        alliance.personal[:] = 0.2

    live = after(events=[{"month": 1, "kind": "turnover", "who": "a"}], prepare=prepare, people_rate=0.0)
    assert "turnover" not in entries(live, A, PERSONAL)
    assert tie(live).personal[A] == approx(0.2 + 1.5 * 0.02 * 0.8)


def test_the_ledger_of_effective_trust_explains_its_change():
    """Two sums of a dozen numbers below 1 each round a few times by at most 2^-54: 1e-15 is ample for all of it."""
    for before, now, ledger in months_of_a_busy_world():
        for side in (A, B):
            change = now.effective[side] - before.effective[side]
            assert ledger[side, EFFECTIVE].sum() == approx(change, abs=1e-15)


def test_over_a_run_the_entries_add_up_to_the_total_change():
    """Sixty months of a dozen entries, each rounded at 2^-54 or less: 1e-12 leaves room for a thousand roundings."""
    result = simulate(busy(months=60), 20, seed=3)
    total = result.ledger.sum(-1)
    a = result.alliances
    for layer, name in ((ORGANIZATIONAL, "trust"), (PERSONAL, "personal"), (EFFECTIVE, "effective")):
        assert total[..., layer] == approx(a[name] - a.trust_start, abs=1e-12)


def test_a_sweep_and_a_history_keep_the_same_ledger():
    scenario = busy(months=60)
    result = simulate(scenario, 5, seed=3)
    for replicate in range(5):
        history = simulate_history(scenario, 3, replicate)
        total = np.zeros_like(history.ledger[0])
        for month in history.ledger:
            total += month
        assert (total == result.ledger[replicate]).all()
        assert history.alliances[-1].tobytes() == result.alliances[replicate].tobytes()


# ---------------------------------------------------------------------------------------------------------------
# Clamps
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("clamp", "name"),
    [
        ("clamp_trust", "trust"),
        ("clamp_trust", "personal"),
        ("clamp_communication", "communication"),
        ("clamp_ties", "ties"),
        ("clamp_gap", "gap"),
        ("clamp_expectation", "expectation"),
        ("clamp_frustration", "frustration"),
        ("clamp_monitoring", "monitoring"),
    ],
)
def test_a_clamp_holds_its_state_and_leaves_the_others_free(clamp, name):
    free, held = simulate_history(busy()).alliances, simulate_history(busy(**{clamp: True})).alliances
    assert (held[name] == held[name][0]).all()
    assert (free[name] != free[name][0]).any()
    others = [n for n in ("communication", "ties", "gap", "expectation", "frustration", "smoothed") if n != name]
    for other in others:
        assert (held[other] != held[other][0]).any()


def test_clamped_trust_leaves_nothing_in_the_ledger():
    """Effective trust mixes two layers that are equal and stand still; the mixing rounds in the last bit."""
    history = simulate_history(busy(clamp_trust=True))
    assert not history.ledger.any()
    assert history.alliances.effective == approx(history.alliances.effective[[0] * 49], abs=2e-16)
