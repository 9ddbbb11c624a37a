"""Every chance of a month comes up as often as its equation says, and independently of the others.

A dyad with all its states clamped lives through thousands of identical months. A share of n independent months may be
off by four standard errors; seeds are fixed.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.dynamics.state import BAD_WORK, BLAME, FESTERING, FRICTION, HARD_TALK, NO_PROBLEM, REFUSAL, SHIRKING
from sim.engine import History, simulate_history
from tests.builders import dyad

MONTHS = 2400
A, B = 0, 1

SETTINGS = {
    "clamp_trust": True,
    "clamp_communication": True,
    "clamp_ties": True,
    "clamp_gap": True,
    "clamp_frustration": True,
    "clamp_monitoring": True,
    "communication_start": 0.6,
    "contingency_rate": 0.6,
    "contract_tightness": 1.0,
    "friction_base": 0.3,
    "friction_relief": 0.5,
    "shirk_rate": 0.8,
    "a__integrity": 0.7,
    "b__integrity": 0.4,
    "a__competence": 0.8,
    "b__competence": 0.7,
    "a__internal_trust": 0.8,
    "b__internal_trust": 0.4,
    "a__monitoring": 0.0,
    "b__verify_floor": 0.1,
    "a__turnover": 0.2,
    "b__turnover": 0.4,
    "adapt_base": -2.0,
    "adapt_trust": 2.0,
    "frame_base": -1.0,
    "frame_blame": 3.0,
    "frame_trust": 2.0,
    "a__blame": 0.1,
    "b__blame": 0.5,
}

WATCH_BY_B = 1 - math.exp(-6.0 * 0.1)  # deters A
DETECTION_BY_B = 1 - math.exp(-3.0 * 0.1)
COVERED = 1 - math.exp(-1.0 / 1.5)
SAID = 0.6 * (1 - 0.5 * 0.4)  # internal trust .6 on average


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def adapting(integrity: float, watched: float) -> float:
    """Trust .5, ties .3, chemistry .5, no frustration; weights of the quiet dyad but the two set above."""
    return 0.2 + 0.8 * logistic(-2.0 + 2.0 * 0.5 + 1.0 * 0.3 + 1.0 * 0.5 + 2.0 * integrity + 0.5 * watched)


ADAPTING = (adapting(0.7, WATCH_BY_B), adapting(0.4, 0.0))
SHIRKS = (0.8 * 0.3 * (1 - WATCH_BY_B), 0.8 * 0.6)
NOTICED = (1 - 0.7 * (1 - DETECTION_BY_B), 0.3)
RAISED = (1 - (1 - SAID) * (1 - DETECTION_BY_B), SAID)  # a fault of A is raised by B, of B by A
FRAMED = (logistic(-1.0 + 2.0 * 0.5 - 3.0 * 0.5), logistic(-1.0 + 2.0 * 0.5 - 3.0 * 0.1))


@pytest.fixture(scope="module")
def history() -> History:
    return simulate_history(dyad(months=MONTHS, **SETTINGS), seed=4)


@pytest.fixture(scope="module")
def months(history):
    return history.alliances[1:, 0]


def assert_share(events: np.ndarray, chance: float) -> None:
    """The share of months in which it happens is its chance, within four standard errors."""
    assert len(events) > 150
    assert np.mean(events) == pytest.approx(chance, abs=4 * math.sqrt(chance * (1 - chance) / len(events)))


def test_contingencies_and_their_cover(months):
    assert_share(months.contingency > 0, 0.6)
    assert_share(months.contingency[months.contingency > 0] == 2, 1 - COVERED)


@pytest.mark.parametrize("side", [A, B])
def test_adapting(months, side):
    uncovered = months.contingency == 2
    assert_share(months.adapted[uncovered, side] == 1, ADAPTING[side])
    assert (months.adapted[~uncovered] == 0).all()


@pytest.mark.parametrize("side", [A, B])
def test_shirking_and_whether_it_shows(months, side):
    shirked = months.shirked[:, side] == 1
    assert_share(shirked, SHIRKS[side])
    assert_share(months.problem[shirked, side] == SHIRKING, NOTICED[side])


@pytest.mark.parametrize(("side", "competence"), [(A, 0.8), (B, 0.7)])
def test_work_that_comes_out_badly(months, side, competence):
    problem = months.problem[:, side]
    plain = (problem == NO_PROBLEM) | (problem == BAD_WORK)
    refused = (months.contingency == 2) & (months.adapted[:, side] == 0)
    assert_share(problem[plain] == BAD_WORK, 1 - competence)
    assert (problem[refused] != NO_PROBLEM).all()
    assert (problem[~refused] != REFUSAL).all()


def test_friction(months):
    assert_share(months.problem[:, 2] == FRICTION, 0.3 * (1 - 0.5 * 0.6))


@pytest.mark.parametrize("side", [A, B])
def test_faults_are_raised_and_framed_by_the_one_who_suffered(months, side):
    faults = months.talk[months.problem[:, side] != NO_PROBLEM, side]
    assert_share(faults != FESTERING, RAISED[side])
    assert_share(faults[faults != FESTERING] == HARD_TALK, FRAMED[side])


def test_friction_is_raised_by_either_side_at_random(months):
    frictions = months.talk[months.problem[:, 2] == FRICTION, 2]
    assert_share(frictions != FESTERING, SAID)
    assert_share(frictions[frictions != FESTERING] == BLAME, 1 - (FRAMED[A] + FRAMED[B]) / 2)


@pytest.mark.parametrize(("side", "chance"), [(A, 0.2), (B, 0.4)])
def test_turnover(months, side, chance):
    assert_share(months.turnover[:, side] == 1, chance)


def test_the_chances_of_a_month_do_not_depend_on_one_another(months):
    """Each pair of events that no equation connects is uncorrelated."""
    events = {
        "contingency": months.contingency > 0,
        "friction": months.problem[:, 2] == FRICTION,
        "A shirks": months.shirked[:, A] == 1,
        "B shirks": months.shirked[:, B] == 1,
        "A's person leaves": months.turnover[:, A] == 1,
        "B's person leaves": months.turnover[:, B] == 1,
    }
    correlation = np.corrcoef(np.array(list(events.values()), dtype=float))
    assert np.abs(correlation[~np.eye(len(events), dtype=bool)]).max() < 4 / math.sqrt(MONTHS)


def test_the_two_partners_adapt_independently(months):
    uncovered = months.contingency == 2
    assert_share(months.adapted[uncovered].all(-1), ADAPTING[A] * ADAPTING[B])


def test_one_month_does_not_depend_on_the_last(months):
    for event in (months.contingency > 0, months.problem[:, 2] == FRICTION, months.shirked[:, B] == 1):
        series = event.astype(float)
        assert abs(np.corrcoef(series[1:], series[:-1])[0, 1]) < 4 / math.sqrt(MONTHS)


def test_new_people_bring_new_chemistry():
    """Uniform in .5 ± .4 whenever somebody left, unchanged otherwise."""
    chemistry = simulate_history(dyad(months=MONTHS, chemistry_spread=0.4, a__turnover=0.5), seed=4).alliances
    left = chemistry.turnover[1:, 0, A] == 1
    drawn, before = chemistry.chemistry[1:, 0], chemistry.chemistry[:-1, 0]
    assert (drawn[~left] == before[~left]).all()
    assert drawn[left].mean() == pytest.approx(0.5, abs=4 * 0.8 / math.sqrt(12 * left.sum()))
    assert 0.1 <= drawn.min() < 0.12
    assert 0.88 < drawn.max() <= 0.9


def test_shocks_to_an_alliance_s_own_market_have_the_declared_spread():
    """Logistic, kurtosis 4.2; fortune that returns to 1 at once leaves nothing but this month's shock."""
    settings = {"clamp_trust": True, "clamp_communication": True, "clamp_frustration": True, "fortune_recovery": 1.0}
    fortune = simulate_history(dyad(months=MONTHS, market_volatility=0.1, **settings), seed=4).alliances.fortune[1:, 0]
    assert fortune.min() > 0.01  # none was held
    assert fortune.std() == pytest.approx(0.1, rel=4 * math.sqrt((4.2 - 1) / MONTHS) / 2)
    assert fortune.mean() == pytest.approx(1.0, abs=4 * 0.1 / math.sqrt(MONTHS))


def test_fortune_keeps_its_mean_and_wanders_as_a_multiplicative_process():
    """f' = (1 + (1 − r)(f − 1))(1 + e): mean 1, variance v = (1 − r)²v(1 + σ²) + σ²."""
    sd, recovery = 0.1, 0.2
    fortune = simulate_history(
        dyad(months=MONTHS, market_volatility=sd, fortune_recovery=recovery), seed=4
    ).alliances.fortune[100:, 0]
    kept = (1 - recovery) ** 2 * (1 + sd**2)
    variance = sd**2 / (1 - kept)
    independent = len(fortune) * recovery / 2  # months that count, at a memory of 1/recovery months on either side
    assert fortune.mean() == pytest.approx(1.0, abs=4 * math.sqrt(variance / independent))
    assert fortune.var() == pytest.approx(variance, rel=4 * math.sqrt(3.2 / independent))
