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
    assert rules.candour(0.5, 0.6, 0.3, 0.2, 0.4, 0.1) == approx((1 - 0.5 * 0.4) * (1 - 0.3 * 0.8) * (1 - 0.4 * 0.9))
    assert rules.candour(0.0, 0.1, 0.0, 0.1, 0.0, 0.1) == 1.0
    assert rules.candour(1.0, 1.0, 1.0, 1.0, 1.0, 1.0) == 1.0
    assert rules.candour(1.0, 0.0, 0.0, 0.5, 0.0, 0.5) == 0.0
    for at in (1, 3, 5):
        assert rises(rules.candour, 0.5, 0.5, 0.3, 0.5, 0.4, 0.5, at=at, low=0.0, high=1.0)


def test_disclosure():
    assert rules.disclosure(0.1, 0.5, 0.8) == approx(0.1 + 0.9 * 0.5 * 0.8)
    assert rules.disclosure(0.1, 0.0, 0.8) == 0.1
    assert rules.disclosure(0.1, 1.0, 1.0) == approx(1.0)
    assert rises(rules.disclosure, 0.1, 0.0, 0.8, at=1, low=0.0, high=1.0)


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


def test_optimal_monitoring():
    # kL(1 − T) = 4·2·(1 − ¼) = 6
    assert rules.optimal_monitoring(4.0, 2.0, 0.25) == approx(math.log(6.0) / 4.0)
    edge = 1 - 1 / (4.0 * 2.0)
    assert rules.optimal_monitoring(4.0, 2.0, edge - 1e-3) > 0.0
    assert rules.optimal_monitoring(4.0, 2.0, edge + 1e-3) == 0.0
    assert rules.optimal_monitoring(4.0, 2.0, 1.0) == 0.0
    assert falls(rules.optimal_monitoring, 4.0, 2.0, 0.0, at=2, low=0.0, high=1.0)


@pytest.mark.parametrize("trust", [0.0, 0.3, 0.6, 0.95])
def test_optimal_monitoring_minimizes_cost_and_risk(trust):
    efforts = np.linspace(0.0, 2.0, 200_001)
    cost = efforts + 0.5 * (1 - trust) * np.exp(-6.0 * efforts)
    assert rules.optimal_monitoring(6.0, 0.5, trust) == approx(efforts[np.argmin(cost)], abs=1e-5)


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
    assert rules.trust_step(0.6, 0.1) == approx(0.1 * 0.4)
    assert rules.trust_step(0.6, -0.1) == approx(-0.1 * 0.6)
    assert rules.trust_step(0.6, 0.0) == 0.0
    assert 0.6 + rules.trust_step(0.6, 1.0) == approx(1.0)
    assert 0.6 + rules.trust_step(0.6, -1.0) == 0.0
    assert rules.trust_step(1.0, 0.5) == 0.0
    assert rules.trust_step(0.0, -0.5) == 0.0


def test_delivery_rate():
    assert rules.delivery_rate(0.05, 0.6, 0.8) == approx(0.05 * 0.6 * 0.8)
    assert rules.delivery_rate(0.05, 0.0, 0.8) == 0.0  # what nobody hears of builds nothing
    assert rules.delivery_rate(0.05, 0.6, 0.0) == 0.0  # nor what is credited to control


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


def test_chemistry_drawn():
    assert rules.chemistry_drawn(0.5, 0.3, 0.75) == approx(0.5 + 0.3 * 0.5)
    assert rules.chemistry_drawn(0.5, 0.3, 0.5) == 0.5
    assert rules.chemistry_drawn(0.5, 0.0, 0.9) == 0.5
    assert rules.chemistry_drawn(0.9, 0.5, 0.99) == 1.0
    assert rules.chemistry_drawn(0.1, 0.5, 0.01) == 0.0


def test_base_output():
    assert rules.base_output(0.8, 0.5, 0.4, 0.3, 0.6) == approx(0.8 * (1 + 0.5 * 0.4) * (1 - 0.3 * 0.4))
    assert rules.base_output(1.0, 0.5, 0.0, 0.3, 1.0) == 1.0  # the unit of money
    assert rules.base_output(0.0, 0.5, 0.4, 0.3, 0.6) == 0.0
    assert rules.base_output(1.0, 0.5, 0.0, 1.0, 0.0) == 0.0
    assert rises(rules.base_output, 1.0, 0.5, 0.4, 0.3, 0.0, at=4, low=0.0, high=1.0)


def test_synergy_output():
    assert rules.synergy_output(0.8, 1.5, 0.6, 0.5, 0.7, 0.2) == approx(0.8 * 1.5 * 0.6 * 0.5 * 0.7 * (1 - 0.2))
    for at in (0, 1, 2, 3, 4):
        row = [0.8, 1.5, 0.6, 0.5, 0.7, 0.2]
        row[at] = 0.0
        assert rules.synergy_output(*row) == 0.0
    assert rules.synergy_output(0.8, 1.5, 0.6, 0.5, 0.7, 1.0) == 0.0
    assert falls(rules.synergy_output, 0.8, 1.5, 0.6, 0.5, 0.7, 0.0, at=5, low=0.0, high=1.0)


def test_market_shock():
    # u = 3/4: the logistic quantile is ln 3, its standard deviation π/√3
    assert rules.market_shock(0.2, 0.75) == approx(0.2 * math.log(3.0) * math.sqrt(3.0) / math.pi)
    assert rules.market_shock(0.2, 0.5) == 0.0
    assert rules.market_shock(0.2, 0.25) == approx(-rules.market_shock(0.2, 0.75))
    assert rules.market_shock(0.0, 0.75) == 0.0
    grid = (np.arange(200_000) + 0.5) / 200_000  # midpoints; the tails beyond them hold less than 1e-3 of the variance
    shocks = np.array([rules.market_shock(0.2, float(u)) for u in grid])
    assert shocks.mean() == approx(0.0, abs=1e-12)
    assert shocks.std() == approx(0.2, rel=1e-3)


def test_relational_spending():
    assert rules.relational_spending(0.02, 0.5) == approx(0.02 * 0.25)
    assert rules.relational_spending(0.02, 1.0) == 0.02
    assert rules.relational_spending(0.02, 0.0) == 0.0


def test_sober_plan():
    assert rules.sober_plan(1.5, 0.6, 0.3) == approx(0.5 * (1 + 0.27))
    assert rules.sober_plan(0.0, 0.6, 0.3) == 0.5


def test_shortfall():
    assert rules.shortfall(0.8, 0.5, 0.6) == approx(0.5)
    assert rules.shortfall(0.5, 0.8, 0.6) == 0.0


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
