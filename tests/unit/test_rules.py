"""Each equation of the model against values worked by hand, its limits, and the direction in which it bends.

The numbers are unlike one another, so that a wrong sign, exponent or order of arguments shows.
"""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

from sim.dynamics import rules

approx = pytest.approx

RULES = sorted(
    name
    for name, rule in vars(rules).items()
    if not name.startswith("_")
    and callable(rule)
    and getattr(inspect.unwrap(getattr(rule, "py_func", rule)), "__module__", "") == rules.__name__
)


def rises(rule, *arguments, at: int, low: float, high: float) -> bool:
    """The rule never falls, and does rise, as its argument number ``at`` goes from ``low`` to ``high``."""
    values = []
    for x in np.linspace(low, high, 41):
        row = list(arguments)
        row[at] = float(x)
        values.append(rule(*row))
    steps = np.diff(values)
    return bool((steps >= -1e-15).all() and values[-1] > values[0])


def falls(rule, *arguments, at: int, low: float, high: float) -> bool:
    """The rule never rises, and does fall, as its argument number ``at`` goes from ``low`` to ``high``."""
    return rises(lambda *row: -rule(*row), *arguments, at=at, low=low, high=high)


def test_every_rule_has_a_test_of_its_own_name():
    assert len(RULES) > 35
    missing = [name for name in RULES if f"test_{name}" not in globals()]
    assert missing == []


def test_logistic():
    assert rules.logistic(math.log(3.0)) == approx(3 / 4)
    assert rules.logistic(-math.log(4.0)) == approx(1 / 5)
    assert rules.logistic(0.0) == 0.5
    assert rules.logistic(40.0) == approx(1.0)
    assert 0.0 < rules.logistic(-40.0) < 1e-16
    assert rises(rules.logistic, 0.0, at=0, low=-8.0, high=8.0)


@pytest.mark.parametrize(("x", "held"), [(-0.2, 0.1), (0.1, 0.1), (0.3, 0.3), (0.7, 0.7), (0.9, 0.7)])
def test_within(x, held):
    assert rules.within(x, 0.1, 0.7) == held


def test_practised_value():
    assert rules.practised_value(0.25, 0.9, 0.5) == approx(0.25 * 0.9 + 0.75 * 0.5)
    assert rules.practised_value(0.0, 0.9, 0.5) == 0.5  # a poster on the wall
    assert rules.practised_value(1.0, 0.9, 0.5) == 0.9  # it does what it says
    assert rises(rules.practised_value, 0.0, 0.9, 0.5, at=0, low=0.0, high=1.0)


def profile(*values: float) -> np.ndarray:
    return np.array(values)


def test_practised_distance():
    # practised by a: ½(.8, .4) + ½(.2, .6) = (.5, .5); by b: ¼(1, .2) + ¾(.6, .6) = (.7, .5); differences (.2, 0)
    distance = rules.practised_distance(
        0.5, profile(0.8, 0.4), profile(0.2, 0.6), 0.25, profile(1.0, 0.2), profile(0.6, 0.6)
    )
    assert distance == approx(math.sqrt((0.2**2 + 0.0**2) / 2))


def test_practised_distance_runs_from_zero_to_one():
    none, all_ = profile(0.0, 0.0, 0.0), profile(1.0, 1.0, 1.0)
    assert rules.practised_distance(1.0, all_, none, 1.0, none, all_) == 1.0
    assert rules.practised_distance(0.3, all_, none, 0.3, all_, none) == 0.0


def test_practised_distance_ignores_words_that_nobody_practises():
    """R: values that are professed and not practised drive nothing."""
    same = profile(0.4, 0.6)
    assert rules.practised_distance(0.0, profile(1.0, 1.0), same, 0.0, profile(0.0, 0.0), same) == 0.0
    far = rules.practised_distance(0.0, same, profile(0.0, 0.0), 0.0, same, profile(1.0, 1.0))
    assert far == 1.0  # they profess alike and practise the opposite


def test_practice_gap():
    # half of the difference (.4, −.2) is not practised: (.2, −.1)
    assert rules.practice_gap(0.5, profile(0.9, 0.4), profile(0.5, 0.6)) == approx(math.sqrt((0.2**2 + 0.1**2) / 2))
    assert rules.practice_gap(1.0, profile(0.9, 0.4), profile(0.1, 0.6)) == 0.0  # it does what it says
    assert rules.practice_gap(0.0, profile(1.0, 1.0), profile(0.0, 0.0)) == 1.0
    assert rules.practice_gap(0.0, profile(0.3, 0.7), profile(0.3, 0.7)) == 0.0  # nothing to hide


def test_effective_trust():
    # share of the people = .6·.5 = .3
    assert rules.effective_trust(0.6, 0.5, 0.9, 0.4) == approx(0.3 * 0.9 + 0.7 * 0.4)
    assert rules.effective_trust(0.6, 0.0, 0.9, 0.4) == 0.4
    assert rules.effective_trust(1.0, 1.0, 0.9, 0.4) == 0.9
    assert rises(rules.effective_trust, 0.6, 0.0, 0.9, 0.4, at=1, low=0.0, high=1.0)
    assert falls(rules.effective_trust, 0.6, 0.0, 0.4, 0.9, at=1, low=0.0, high=1.0)


def test_mutual_trust():
    assert rules.mutual_trust(0.9, 0.4) == approx(0.6)
    assert rules.mutual_trust(0.0, 1.0) == 0.0
    assert rules.mutual_trust(1.0, 1.0) == 1.0
    assert rules.mutual_trust(0.9, 0.1) < (0.9 + 0.1) / 2  # the less trusting partner sets the tone


def test_hill():
    # T = ½θ, n = 3: (½)³/(1 + (½)³) = 1/9
    assert rules.hill(0.2, 0.4, 3.0) == approx(1 / 9)
    assert rules.hill(0.6, 0.3, 2.0) == approx(0.36 / (0.09 + 0.36))
    assert rules.hill(0.45, 0.45, 7.0) == approx(0.5)
    assert rules.hill(0.0, 0.45, 2.0) == 0.0
    assert rises(rules.hill, 0.0, 0.45, 2.0, at=0, low=0.0, high=1.0)
    assert falls(rules.hill, 0.5, 0.1, 2.0, at=1, low=0.05, high=1.0)


def test_lifted_floor():
    assert rules.lifted_floor(0.2, 0.5, 0.6) == approx(0.2 + 0.8 * 0.3)
    assert rules.lifted_floor(0.2, 0.5, 0.0) == 0.2
    assert rules.lifted_floor(0.2, 1.0, 1.0) == 1.0
    assert rises(rules.lifted_floor, 0.2, 0.5, 0.0, at=2, low=0.0, high=1.0)


def test_candour():
    assert rules.candour(0.3, 0.2, 0.4, 0.1) == approx((1 - 0.3 * 0.8) * (1 - 0.4 * 0.9))
    assert rules.candour(0.0, 0.1, 0.0, 0.1) == 1.0
    assert rules.candour(1.0, 1.0, 1.0, 1.0) == 1.0
    assert rules.candour(0.0, 0.5, 1.0, 0.0) == 0.0
    for at in (1, 3):
        assert rises(rules.candour, 0.3, 0.5, 0.4, 0.5, at=at, low=0.0, high=1.0)


def test_reach():
    assert rules.reach(0.7, 0.5, 0.6) == approx(0.7 * (1 - 0.5 * 0.4))
    assert rules.reach(1.0, 0.0, 0.1) == 1.0
    assert rules.reach(0.7, 1.0, 0.0) == 0.0
    assert rises(rules.reach, 0.7, 0.5, 0.0, at=2, low=0.0, high=1.0)


def test_disclosure():
    assert rules.disclosure(0.1, 0.5, 0.8) == approx(0.1 + 0.9 * 0.5 * 0.8)
    assert rules.disclosure(0.1, 0.0, 0.8) == 0.1
    assert rules.disclosure(0.1, 1.0, 0.0) == 0.1  # where nobody meets, will is not enough
    assert rules.disclosure(0.1, 1.0, 1.0) == approx(1.0)
    for at in (1, 2):
        assert rises(rules.disclosure, 0.1, 0.8, 0.8, at=at, low=0.0, high=1.0)


def test_candour_moves_the_threshold_and_not_the_ceiling():
    """Partners of half the candour need twice the trust for half the talk, and say as much when trust is plenty."""
    assert rules.hill(0.8, 0.4 / 0.5, 3.0) == approx(0.5)
    assert rules.hill(1.0, 0.01 / 0.5, 3.0) == approx(1.0, abs=1e-5)


def test_occasions():
    assert rules.occasions(0.5, 0.25) == 0.625
    assert rules.occasions(0.5, -0.25) == 0.375
    assert rules.occasions(0.25, 0.25) - 0.25 == 0.5 * (
        rules.occasions(0.5, 0.25) - 0.5
    )  # in proportion to what is said
    assert rules.occasions(0.9, 0.3) == 1.0
    assert rules.occasions(0.1, -1.5) == 0.0
    assert rules.occasions(0.0, 3.0) == 0.0


def test_kept():
    assert rules.kept(0.2, 3) == approx(0.8 * 0.8 * 0.8)
    assert rules.kept(0.2, 0) == 1.0
    assert rules.kept(1.0, 1) == 0.0
    assert rules.kept(0.0, 5) == 1.0


def test_toward():
    assert rules.toward(0.4, 0.8, 0.25) == approx(0.5)
    assert rules.toward(0.8, 0.4, 0.25) == approx(0.7)
    assert rules.toward(0.4, 0.8, 0.0) == 0.4
    assert rules.toward(0.4, 0.8, 1.0) == approx(0.8)


def test_perceived_risk():
    assert rules.perceived_risk(0.7, 0.5, 0.4) == approx(1 - 0.7 * (1 - 0.2))
    assert rules.perceived_risk(0.7, 0.5, 0.0) == approx(1 - 0.7)  # a good name adds nothing to trust
    assert rules.perceived_risk(0.7, 0.0, 0.9) == approx(1 - 0.7)
    assert rules.perceived_risk(0.7, 10.0, 0.4) == 1.0  # at most certain
    assert rises(rules.perceived_risk, 0.7, 0.8, 0.0, at=2, low=0.0, high=1.0)
    assert falls(rules.perceived_risk, 0.0, 0.8, 0.5, at=0, low=0.0, high=1.0)


def test_optimal_monitoring():
    # kL·risk = 4·2·¾ = 6
    assert rules.optimal_monitoring(4.0, 2.0, 0.75) == approx(math.log(6.0) / 4.0)
    edge = 1 / (4.0 * 2.0)
    assert rules.optimal_monitoring(4.0, 2.0, edge + 1e-3) > 0.0
    assert rules.optimal_monitoring(4.0, 2.0, edge - 1e-3) == 0.0
    assert rules.optimal_monitoring(4.0, 2.0, 0.0) == 0.0
    assert rises(rules.optimal_monitoring, 4.0, 2.0, 0.0, at=2, low=0.0, high=1.0)


@pytest.mark.parametrize("risk", [0.05, 0.4, 0.7, 1.0])
def test_optimal_monitoring_minimizes_cost_and_risk(risk):
    efforts = np.linspace(0.0, 2.0, 200_001)
    cost = efforts + 0.5 * risk * np.exp(-6.0 * efforts)
    assert rules.optimal_monitoring(6.0, 0.5, risk) == approx(efforts[np.argmin(cost)], abs=1e-5)


def test_monitoring_spent():
    assert rules.monitoring_spent(1.5, 0.1, 0.4) == approx(0.6)
    assert rules.monitoring_spent(0.0, 0.1, 0.4) == 0.1  # trust but verify
    assert rules.monitoring_spent(0.0, 0.0, 0.4) == 0.0  # blind faith


def test_watched():
    assert rules.watched(6.0, 0.5) == approx(1 - math.exp(-3.0))
    assert rules.watched(6.0, 0.0) == 0.0
    assert rules.watched(0.0, 0.5) == 0.0
    assert rises(rules.watched, 6.0, 0.0, at=1, low=0.0, high=2.0)


def test_illegitimate_monitoring():
    assert rules.illegitimate_monitoring(0.35, 0.1) == approx(0.25)
    assert rules.illegitimate_monitoring(0.1, 0.1) == 0.0
    assert rules.illegitimate_monitoring(0.05, 0.1) == 0.0


def test_attribution():
    assert rules.attribution(0.4, 0.7) == approx(1 - 0.28)
    assert rules.attribution(0.4, 0.0) == 1.0
    assert rules.attribution(1.0, 1.0) == 0.0
    assert falls(rules.attribution, 0.4, 0.0, at=1, low=0.0, high=1.0)


def test_coverage():
    assert rules.coverage(1.0, 2.0, 0.9) == approx(1 - math.exp(-0.5))
    assert rules.coverage(0.0, 2.0, 0.9) == 0.0
    assert rules.coverage(50.0, 2.0, 0.9) == 0.9
    assert rises(rules.coverage, 0.0, 2.0, 0.9, at=0, low=0.0, high=5.0)
    assert rules.coverage(1.0, 1.44, 1.0) == approx(0.5, abs=0.001)  # the model page's φ = .5


def test_chosen_tightness():
    # worth 2·(1 − .6) = .8 against c·x0 = .1·1.5: x* = 1.5·ln(.8/.15)
    assert rules.chosen_tightness(1.5, 2.0, 0.4, 0.1) == approx(1.5 * math.log(0.8 / 0.15))
    assert rules.chosen_tightness(1.5, 2.0, 0.0, 0.1) == 0.0  # full trust needs no contract
    assert rules.chosen_tightness(1.5, 0.1, 0.4, 0.1) == 0.0  # nor do small stakes
    assert rises(rules.chosen_tightness, 1.5, 2.0, 0.0, 0.1, at=2, low=0.0, high=1.0)
    assert falls(rules.chosen_tightness, 1.5, 2.0, 0.4, 0.0, at=3, low=0.05, high=1.0)


def test_a_contract_that_costs_nothing_is_as_tight_as_makes_a_difference():
    free = rules.chosen_tightness(1.5, 2.0, 0.4, 0.0)
    assert free == approx(1.5 * math.log(1e16))
    assert rules.coverage(free, 1.5, 1.0) == approx(1.0, abs=2e-16)
    assert rules.chosen_tightness(1.5, 2.0, 0.4, 1e-300) == free
    assert rules.chosen_tightness(1.5, 0.0, 0.4, 0.0) == 0.0  # without stakes there is nothing to cover


@pytest.mark.parametrize("distrust", [0.05, 0.3, 0.9])
def test_chosen_tightness_minimizes_cost_and_stakes(distrust):
    efforts = np.linspace(0.0, 10.0, 1_000_001)
    cost = 0.1 * efforts + 2.0 * distrust * np.exp(-efforts / 1.5)
    assert rules.chosen_tightness(1.5, 2.0, distrust, 0.1) == approx(efforts[np.argmin(cost)], abs=2e-5)


def test_adapting_score():
    assert rules.adapting_score(-3.5, 1.0, 0.25, 0.5, 2.0, 0.125, 0.75) == -3.5 + 1.0 + 0.25 + 0.5 + 2.0 + 0.125 - 0.75


def test_chance_to_adapt():
    assert rules.chance_to_adapt(0.2, math.log(3.0)) == approx(0.2 + 0.8 * 0.75)
    assert rules.chance_to_adapt(0.2, -50.0) == approx(0.2)
    assert rules.chance_to_adapt(0.2, 50.0) == approx(1.0)
    assert rises(rules.chance_to_adapt, 0.2, 0.0, at=1, low=-8.0, high=8.0)


def test_friction_chance():
    # (.05 + .5·.25^1.5)·(1 − .4·.5) = (.05 + .5·.125)·.8
    assert rules.friction_chance(0.05, 0.5, 0.25, 1.5, 0.4, 0.5) == approx((0.05 + 0.5 * 0.125) * 0.8)
    assert rules.friction_chance(0.05, 0.5, 0.0, 1.5, 0.4, 0.0) == approx(0.05)
    assert rules.friction_chance(0.05, 0.5, 0.25, 1.5, 1.0, 1.0) == 0.0
    assert rules.friction_chance(0.9, 5.0, 1.0, 1.5, 0.0, 0.5) == 1.0
    assert rises(rules.friction_chance, 0.05, 0.5, 0.0, 1.3, 0.4, 0.5, at=2, low=0.0, high=1.0)
    assert falls(rules.friction_chance, 0.05, 0.5, 0.3, 1.3, 0.4, 0.0, at=5, low=0.0, high=1.0)


def test_shirk_chance():
    assert rules.shirk_chance(0.3, 0.6, 0.25) == approx(0.3 * 0.4 * 0.75)
    assert rules.shirk_chance(0.3, 1.0, 0.0) == 0.0
    assert rules.shirk_chance(0.3, 0.0, 0.0) == 0.3
    assert falls(rules.shirk_chance, 0.3, 0.0, 0.25, at=1, low=0.0, high=1.0)
    assert falls(rules.shirk_chance, 0.3, 0.5, 0.0, at=2, low=0.0, high=1.0)


def test_either():
    assert rules.either(0.3, 0.2) == approx(0.3 + 0.2 - 0.06)
    assert rules.either(0.0, 0.2) == approx(0.2)
    assert rules.either(1.0, 0.2) == 1.0


def test_extra_mile():
    score = -3.0 + 1.5 + 2.25 - 0.5
    assert rules.extra_mile(-3.0, 1.5, 2.25, 0.5) == approx(1 / (1 + math.exp(-score)))
    for at in (1, 2):
        assert rises(rules.extra_mile, -3.0, 1.0, 1.0, 0.5, at=at, low=0.0, high=3.0)
    assert falls(rules.extra_mile, -3.0, 1.0, 1.0, 0.0, at=3, low=0.0, high=3.0)


def test_delegation():
    assert rules.delegation(-4.0, 3.5, 0.75) == approx(1 / (1 + math.exp(4.0 - 3.5 + 0.75)))
    assert rises(rules.delegation, -4.0, 1.0, 0.5, at=1, low=0.0, high=5.0)
    assert falls(rules.delegation, -4.0, 3.0, 0.0, at=2, low=0.0, high=3.0)


def test_voice():
    assert rules.voice(0.8, 0.5, 0.6) == approx(0.8 * (1 - 0.5 * 0.4))
    assert rules.voice(0.8, 0.5, 1.0) == 0.8
    assert rules.voice(0.8, 1.0, 0.0) == 0.0
    assert rules.voice(0.0, 0.5, 0.6) == 0.0
    assert rises(rules.voice, 0.8, 0.5, 0.0, at=2, low=0.0, high=1.0)


def test_constructive_chance():
    score = -0.5 + 1.2 + 0.9 - 2.1
    assert rules.constructive_chance(-0.5, 1.2, 0.9, 2.1) == approx(1 / (1 + math.exp(-score)))
    for at in (1, 2):
        assert rises(rules.constructive_chance, -0.5, 1.0, 1.0, 0.5, at=at, low=0.0, high=3.0)
    assert falls(rules.constructive_chance, -0.5, 1.0, 1.0, 0.0, at=3, low=0.0, high=3.0)


def test_trust_step():
    assert rules.trust_step(0.6, 0.1, 1.0) == approx(0.1 * 0.4)
    assert rules.trust_step(0.6, 0.1, 0.8) == approx(0.1 * 0.2)
    assert rules.trust_step(0.6, 0.1, 0.5) == 0.0  # a cause cannot earn more trust than its ceiling, nor take any
    assert rules.trust_step(0.6, -0.1, 0.3) == approx(-0.1 * 0.6)  # losses know no ceiling
    assert rules.trust_step(0.6, 0.0, 1.0) == 0.0
    assert 0.6 + rules.trust_step(0.6, 1.0, 1.0) == approx(1.0)
    assert 0.6 + rules.trust_step(0.6, -1.0, 1.0) == 0.0
    assert rules.trust_step(1.0, 0.5, 1.0) == 0.0
    assert rules.trust_step(0.0, -0.5, 1.0) == 0.0


def test_routine_ceiling():
    assert rules.routine_ceiling(0.4, 0.25) == approx(0.4 + 0.6 * 0.25)
    assert rules.routine_ceiling(0.4, 0.0) == 0.4
    assert rules.routine_ceiling(0.4, 1.0) == approx(1.0)
    assert rules.routine_ceiling(1.0, 0.0) == 1.0  # the mean-field limit
    assert rises(rules.routine_ceiling, 0.4, 0.0, at=1, low=0.0, high=1.0)


def test_credited():
    assert rules.credited(0.6, 0.8) == approx(0.48)
    assert rules.credited(0.0, 0.8) == 0.0  # what nobody hears of builds nothing
    assert rules.credited(0.6, 0.0) == 0.0  # nor what is credited to control


def test_passed_on():
    assert rules.passed_on(0.05, 0.4, 0.9, 0.5) == approx(0.05 * 0.4 * 0.4)
    assert rules.passed_on(0.05, 0.4, 0.5, 0.9) == approx(-0.05 * 0.4 * 0.4)
    assert rules.passed_on(0.05, 0.0, 0.9, 0.5) == 0.0


@pytest.mark.parametrize(("x", "back"), [(-0.25, 0.25), (0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (1.25, -0.25)])
def test_held_back(x, back):
    assert rules.held_back(x) == back
    assert 0.0 <= x + rules.held_back(x) <= 1.0


def test_ties_after():
    assert rules.ties_after(0.4, 0.08, 0.5, 1.0, 0.03) == approx(0.4 + 0.08 * 0.75 * 0.6 - 0.03 * 0.4)
    assert rules.ties_after(0.4, 0.08, 0.0, 0.0, 0.03) == approx(0.4 * 0.97)  # ties need upkeep
    assert rules.ties_after(0.9, 1.0, 3.0, 3.0, 0.0) == 1.0
    assert rules.ties_after(0.4, 0.08, 0.5, 1.0, 0.03) == rules.ties_after(0.4, 0.08, 1.0, 0.5, 0.03)
    assert rises(rules.ties_after, 0.4, 0.08, 0.0, 1.0, 0.03, at=2, low=0.0, high=3.0)


def test_gap_after():
    assert rules.gap_after(0.5, 0.1, 0.2, 0.05, 0.8) == approx(0.5 - 0.3 * 0.5 + 0.05 * 0.3)
    assert rules.gap_after(0.5, 0.0, 0.0, 0.0, 0.8) == 0.5
    assert rules.gap_after(0.5, 1.0, 1.0, 0.0, 0.8) == 0.0  # held at 0
    assert falls(rules.gap_after, 0.5, 0.0, 0.2, 0.05, 0.8, at=1, low=0.0, high=1.0)


def test_operationalization_after():
    assert rules.operationalization_after(0.4, 0.3, 0.5, 0.02, 0.1) == approx(0.4 + 0.15 * 0.6 - 0.02 * 0.3)
    assert rules.operationalization_after(0.4, 0.3, 0.0, 0.02, 0.1) == approx(0.4 - 0.02 * 0.3)
    assert rules.operationalization_after(0.4, 0.3, 0.0, 0.0, 0.1) == 0.4
    assert rules.operationalization_after(0.4, 5.0, 1.0, 0.0, 0.1) == 1.0  # held at 1
    assert rises(rules.operationalization_after, 0.4, 0.3, 0.0, 0.02, 0.1, at=2, low=0.0, high=1.0)


def test_misreading_after():
    assert rules.misreading_after(0.5, 0.8, 0.2, 0.6) == approx(0.5 * (1 - 0.12))
    assert rules.misreading_after(0.5, 0.3, 0.2, 0.6) == approx(0.3 * (1 - 0.12))  # it means more of what it says
    assert rules.misreading_after(0.5, 0.8, 0.2, 0.0) == 0.5  # without talk nothing is learned
    assert falls(rules.misreading_after, 0.5, 0.8, 0.2, 0.0, at=3, low=0.0, high=1.0)


def test_strangers_trust():
    assert rules.strangers_trust(0.9, 0.5, 0.75) == approx(-0.75 * 0.4)
    assert rules.strangers_trust(0.3, 0.5, 0.75) == 0.0  # distrust is inherited
    assert rules.strangers_trust(0.9, 0.5, 0.0) == 0.0


def test_chemistry_drawn():
    assert rules.chemistry_drawn(0.5, 0.3, 0.75) == approx(0.5 + 0.3 * 0.5)
    assert rules.chemistry_drawn(0.5, 0.3, 0.5) == 0.5
    assert rules.chemistry_drawn(0.5, 0.0, 0.9) == 0.5
    assert rules.chemistry_drawn(0.9, 0.5, 0.99) == 1.0
    assert rules.chemistry_drawn(0.1, 0.5, 0.01) == 0.0


def test_coordination():
    # silence costs where decisions wait for it, misreading where they are delegated
    assert rules.coordination(0.3, 0.6, 0.25, 0.5) == approx(1 - 0.3 * (0.4 * 0.75 + 0.25 * 0.5))
    assert rules.coordination(0.3, 0.6, 0.0, 0.5) == approx(1 - 0.3 * 0.4)
    assert rules.coordination(0.3, 0.0, 1.0, 0.0) == 1.0  # partners who read each other right need not talk
    assert rules.coordination(0.3, 1.0, 0.5, 0.0) == 1.0
    assert rises(rules.coordination, 0.3, 0.0, 0.25, 0.5, at=1, low=0.0, high=1.0)
    assert falls(rules.coordination, 0.3, 0.6, 0.25, 0.0, at=3, low=0.0, high=1.0)


def test_base_output():
    assert rules.base_output(0.8, 0.5, 0.4, 0.7) == approx(0.8 * (1 + 0.5 * 0.4) * 0.7)
    assert rules.base_output(1.0, 0.5, 0.0, 1.0) == 1.0  # the unit of money
    assert rules.base_output(0.0, 0.5, 0.4, 0.7) == 0.0
    assert rules.base_output(1.0, 0.5, 0.0, 0.0) == 0.0
    for at in (2, 3):
        assert rises(rules.base_output, 1.0, 0.5, 0.4, 0.7, at=at, low=0.0, high=1.0)


def test_absorbed():
    assert rules.absorbed(0.6, 0.5, 0.7, 0.2) == approx(0.6 * 0.5 * 0.7 * 0.8)
    for at in (0, 1, 2):
        row = [0.6, 0.5, 0.7, 0.2]
        row[at] = 0.0
        assert rules.absorbed(*row) == 0.0
    assert rules.absorbed(0.6, 0.5, 0.7, 1.0) == 0.0
    assert falls(rules.absorbed, 0.6, 0.5, 0.7, 0.0, at=3, low=0.0, high=1.0)


def test_know_how_after():
    assert rules.know_how_after(0.4, 0.3, 0.1, 0.5) == approx(0.4 + 0.1 * (0.3 * 1.2 - 0.4))
    assert rules.know_how_after(0.4, 0.0, 0.1, 0.5) == approx(0.4 * 0.9)  # what is not kept up is forgotten
    assert rules.know_how_after(0.4, 0.3, 0.0, 0.5) == 0.4
    assert rules.know_how_after(0.2, 0.0, 1.0, 0.5) == 0.0
    assert rules.know_how_after(0.4, 1.0, 0.1, 5.0) == approx(0.4 + 0.1 * (1.0 + 0.9 * 0.4 - 0.4))  # no endless growth


def test_know_how_settles_where_its_formula_says_and_more_than_doubles_with_the_exchange():
    settled = []
    for exchanged in (0.3, 0.6):
        know_how = 0.0
        for _ in range(600):
            know_how = rules.know_how_after(know_how, exchanged, 0.1, 0.8)
        assert know_how == approx(exchanged / (1 - 0.8 * exchanged))
        settled.append(know_how)
    assert settled[1] > 2 * settled[0]


def test_synergy_output():
    assert rules.synergy_output(0.8, 1.5, 0.6) == approx(0.8 * 1.5 * 0.6)
    assert rules.synergy_output(0.8, 1.5, 0.0) == 0.0


def test_logistic_draw():
    # u = 3/4: the logistic quantile is ln 3, its standard deviation π/√3
    assert rules.logistic_draw(0.2, 0.75) == approx(0.2 * math.log(3.0) * math.sqrt(3.0) / math.pi)
    assert rules.logistic_draw(0.2, 0.5) == 0.0
    assert rules.logistic_draw(0.2, 0.25) == approx(-rules.logistic_draw(0.2, 0.75))
    assert rules.logistic_draw(0.0, 0.75) == 0.0
    grid = (np.arange(200_000) + 0.5) / 200_000  # midpoints; the tails beyond them hold less than 1e-3 of the variance
    drawn = np.array([rules.logistic_draw(0.2, float(u)) for u in grid])
    assert drawn.mean() == approx(0.0, abs=1e-12)
    assert drawn.std() == approx(0.2, rel=1e-3)


def test_fortune_after():
    assert rules.fortune_after(0.8, 0.1, 0.25) == approx((0.8 + 0.1 * 0.2) * 1.25)
    assert rules.fortune_after(1.0, 0.1, 0.0) == 1.0
    assert rules.fortune_after(0.8, 1.0, 0.0) == approx(1.0)
    assert rules.fortune_after(1.0, 0.1, -3.0) == approx(0.01)  # nobody's market falls to nothing
    assert rises(rules.fortune_after, 0.8, 0.1, 0.0, at=2, low=-0.9, high=0.9)


def test_relational_spending():
    assert rules.relational_spending(0.02, 0.5) == approx(0.02 * 0.25)
    assert rules.relational_spending(0.02, 1.0) == 0.02
    assert rules.relational_spending(0.02, 0.0) == 0.0


def test_sober_plan():
    assert rules.sober_plan(1.5, 0.6, 0.3) == approx(0.5 * (1 + 0.27))
    assert rules.sober_plan(0.0, 0.6, 0.3) == 0.5


def test_shortfall():
    assert rules.shortfall(0.8, 0.5, 0.6, 0.0) == approx(0.5)
    assert rules.shortfall(0.8, 0.5, 0.6, 0.2) == approx(0.3)
    assert rules.shortfall(0.8, 0.5, 0.6, 0.7) == 0.0  # within what partners are used to
    assert rules.shortfall(0.5, 0.8, 0.6, 0.0) == 0.0


def test_frustration_after():
    assert rules.frustration_after(0.3, 0.2, 0.5, 0.1) == approx(0.3 + 0.2 * 0.5 * 0.7 - 0.1 * 0.3)
    assert rules.frustration_after(0.3, 0.2, 7.0, 0.1) == approx(0.3 + 0.2 * 0.7 - 0.1 * 0.3)  # at most the whole plan
    assert rules.frustration_after(0.0, 0.2, 0.0, 0.1) == 0.0
    assert rules.frustration_after(1.0, 1.0, 1.0, 0.0) == 1.0
    assert rises(rules.frustration_after, 0.3, 0.2, 0.0, 0.1, at=2, low=0.0, high=1.0)


def test_annuity():
    assert rules.annuity(0.1, 2.0) == approx(1 / 1.1 + 1 / 1.21)
    assert rules.annuity(0.0001, 1.0) == approx(1 / 1.0001)
    assert falls(rules.annuity, 0.01, 120.0, at=0, low=0.001, high=0.1)
    assert rises(rules.annuity, 0.01, 1.0, at=1, low=1.0, high=600.0)


def test_goodwill():
    assert rules.goodwill(0.7, 0.5, 30.0) == approx(0.2 * 30.0)
    assert rules.goodwill(0.4, 0.5, 30.0) == 0.0  # a deal worse than going elsewhere has none
    assert rises(rules.goodwill, 0.0, 0.5, 30.0, at=0, low=0.0, high=1.0)


def test_impairment():
    assert rules.impairment(10.0, 7.0, 0.1) == approx(3.0)
    assert rules.impairment(10.0, 9.5, 0.1) == 0.0  # within the error of any valuation
    assert rules.impairment(10.0, 9.5, 0.0) == approx(0.5)
    assert rules.impairment(10.0, 14.0, 0.1) == 0.0  # never up
    assert rules.impairment(0.0, 0.0, 0.1) == 0.0


def test_reputation():
    assert rules.reputation(0.0, 0.0, 2.0) == 0.5
    assert rules.reputation(3.0, 1.0, 2.0) == approx(4 / 6)
    assert rules.reputation(1.0, 3.0, 2.0) == approx(2 / 6)
    assert rises(rules.reputation, 0.0, 2.0, 2.0, at=0, low=0.0, high=50.0)
    assert falls(rules.reputation, 2.0, 0.0, 2.0, at=1, low=0.0, high=50.0)
    assert abs(rules.reputation(3.0, 1.0, 20.0) - 0.5) < abs(rules.reputation(3.0, 1.0, 2.0) - 0.5)


def test_remembered():
    assert rules.remembered(4.0, 0.25, 2.0) == approx(5.0)
    assert rules.remembered(4.0, 1.0, 2.0) == 2.0
    assert rules.remembered(4.0, 0.0, 0.0) == 4.0


def test_appeal():
    assert rules.appeal(0.6, -0.125, 0.25) == 0.6 - 0.125 + 0.25


def test_trust_at_start():
    assert rules.trust_at_start(0.5, 0.1, 0.0, 0.9) == approx(0.6)  # strangers: what was drawn and their name
    assert rules.trust_at_start(0.5, 0.1, 0.75, 0.9) == approx(0.25 * 0.6 + 0.75 * 0.9)
    assert rules.trust_at_start(0.5, 0.1, 1.0, 0.9) == approx(0.9)
    assert rules.trust_at_start(0.95, 0.4, 0.0, 0.0) == 1.0
    assert rules.trust_at_start(0.05, -0.4, 0.0, 0.0) == 0.0


def test_evidence():
    assert rules.evidence(True, 0.8, 0.3) == approx(math.log(0.8 / 0.3))
    assert rules.evidence(False, 0.8, 0.3) == approx(math.log(0.2 / 0.7))
    assert rules.evidence(True, 0.4, 0.4) == 0.0  # a question that tells nothing
