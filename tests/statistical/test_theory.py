"""The closed forms of ``sim.study.theory`` against the mean field that they solve, and the engine against both.

Tolerances are not tuned. A mean over independent dyads may be off by four standard errors; a trajectory in small steps
also by the largest jump that a single month makes, λ⁻/steps, because the mean field is the limit of no jumps at all.
Seeds are fixed, so each test gives the same answer every time.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from sim.dynamics import rules
from sim.dynamics.state import CAUSES_OF_ENDING
from sim.engine import LiveRun, Result, simulate, simulate_history
from sim.study import theory
from sim.study.theory import MeanField, mean_field_scenario
from tests.builders import dyad

approx = pytest.approx
MANY_SE = 4.0
EXAMPLE = MeanField(friction=0.4)  # .1/.3, θ = .4, n = 2, no floor: the model page's example
W_C = theory.tipping_friction(0.1, 0.3, 0.4)


def in_the_end(result: Result) -> np.ndarray:
    """Effective trust of each dyad at the horizon, mean of both sides; one run."""
    return result.alliances.effective[0].mean(-1)


# ---------------------------------------------------------------------------------------------------------------
# The closed forms solve the mean field
# ---------------------------------------------------------------------------------------------------------------
def test_the_numbers_of_the_model_page():
    assert theory.tipping_friction(0.1, 0.3, 0.4) == approx(0.5208, abs=5e-5)
    assert theory.smoothing_mean(0.9, 0.1, 0.3) == approx(0.75)
    assert theory.smoothing_variance(0.9, 0.1, 0.3) == approx(0.0253, abs=5e-5)
    assert theory.restoring_subsidy() == 0.5
    assert EXAMPLE.ratio == approx(1.2)


@pytest.mark.parametrize("half", [0.2, 0.4, 0.7])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_fixed_points_without_a_floor(half, share):
    friction = share * theory.tipping_friction(0.1, 0.3, half)
    field = dataclasses.replace(EXAMPLE, half=half, friction=friction)
    low, high = theory.fixed_points(field.ratio, half)
    assert field.fixed_points() == approx([0.0, low, high], abs=1e-10)
    for trust in (low, high):
        assert field.change(trust, field.disclosure(trust)) == approx((0.0, 0.0), abs=1e-15)


@pytest.mark.parametrize("steepness", [1.5, 2.0, 3.0, 5.0])
def test_the_saddle_node(steepness):
    w_c = theory.tipping_friction(0.1, 0.3, 0.6, steepness)
    below, above = (
        dataclasses.replace(EXAMPLE, half=0.6, steepness=steepness, friction=w_c * (1 + d)).fixed_points()
        for d in (-1e-4, 1e-4)
    )
    assert len(below) == 3
    assert len(above) == 1
    assert below[1:].mean() == approx(theory.tipping_trust(steepness), abs=1e-2)
    assert below[1] < theory.tipping_trust(steepness) < below[2]
    ratio_at_fold = 0.3 * w_c / 0.1 * 0.6**steepness
    assert ratio_at_fold == approx((steepness - 1) ** (steepness - 1) / steepness**steepness)


def test_beyond_the_saddle_node_there_is_no_fixed_point_with_trust():
    assert all(math.isnan(trust) for trust in theory.fixed_points(1.01 / (4 * 0.4**2), 0.4))
    assert theory.fixed_points(1 / (4 * 0.5**2), 0.5) == (0.5, 0.5)


def test_without_steepness_trust_fades_and_never_tips():
    assert theory.tipping_friction(0.1, 0.3, 0.4, 1.0) == math.inf
    for friction in (0.2, 0.5, 0.8):
        field = dataclasses.replace(EXAMPLE, steepness=1.0, friction=friction)
        assert field.fixed_points() == approx([0.0, 1.0 - field.ratio * 0.4], abs=1e-10)


@pytest.mark.parametrize("floor", [0.02, 0.1, 0.2, 0.3])
@pytest.mark.parametrize("friction", [0.1, 0.55, 0.9])
def test_the_cubic_with_a_floor(floor, friction):
    field = dataclasses.replace(EXAMPLE, floor=floor, friction=friction)
    assert theory.fixed_points_with_floor(floor, field.ratio, 0.4) == approx(field.fixed_points(), abs=1e-9)


def test_the_cusp():
    floor = theory.critical_floor(0.4)
    ratio = theory.CUSP_Q / ((1 - floor) * 0.4**2)
    coefficients = theory.floor_cubic(floor, ratio, 0.4)
    assert coefficients == approx(np.poly([theory.CUSP_TRUST] * 3), abs=1e-15)
    assert floor == approx(1 / (27 * 0.4**2))


@pytest.mark.parametrize(("share", "most"), [(0.98, 3), (1.02, 1)])
def test_a_floor_above_the_critical_one_leaves_one_fixed_point_whatever_the_friction(share, most):
    floor = share * theory.critical_floor(0.4)
    counts = {len(theory.fixed_points_with_floor(floor, ratio, 0.4)) for ratio in np.linspace(0.01, 5.0, 20_000)}
    assert max(counts) == most


@pytest.mark.parametrize("friction", [0.1, 0.3, 0.5])
def test_the_slow_eigenvalue(friction):
    field = dataclasses.replace(EXAMPLE, friction=friction)
    for trust, sign in zip(theory.fixed_points(field.ratio, field.half), (1.0, -1.0), strict=True):
        point, h = np.array([trust, field.disclosure(trust)]), 1e-6
        jacobian = np.array(
            [(np.array(field.change(*(point + d))) - field.change(*(point - d))) / (2 * h) for d in h * np.eye(2)]
        ).T
        assert field.slow_rate(trust) == approx(np.linalg.eigvals(jacobian).real.max(), rel=1e-6)
        assert np.sign(field.slow_rate(trust)) == sign
        assert (theory.loop_gain(trust, 2.0) > 1.0) == (sign > 0)


def test_the_path_comes_back_at_the_slow_rate():
    trust = theory.fixed_points(EXAMPLE.ratio, 0.4)[1]
    path = EXAMPLE.path(trust - 1e-3, EXAMPLE.disclosure(trust - 1e-3), [0.0, 100.0, 150.0])
    distance = trust - path[1:, 0]
    assert math.log(distance[1] / distance[0]) / 50.0 == approx(EXAMPLE.slow_rate(trust), rel=1e-3)


def test_a_clamped_loop_has_one_resting_place():
    for communication in (0.2, 0.5, 0.9):
        trust = theory.clamped_trust(communication, EXAMPLE.ratio)
        assert EXAMPLE.change(trust, communication)[0] == approx(0.0, abs=1e-15)


# ---------------------------------------------------------------------------------------------------------------
# The engine follows the mean field in small steps
# ---------------------------------------------------------------------------------------------------------------
STEPS, MONTHS, DYADS = 20, 120, 400


@pytest.mark.parametrize(
    ("field", "trust", "ends"),
    [
        (EXAMPLE, 0.9, "holds"),
        (EXAMPLE, 0.5, "holds"),
        (EXAMPLE, 0.12, "falls"),
        (dataclasses.replace(EXAMPLE, friction=1.5 * W_C), 0.9, "falls"),
        (dataclasses.replace(EXAMPLE, friction=0.5, floor=0.3), 0.1, "holds"),
        (dataclasses.replace(EXAMPLE, friction=0.5, floor=0.3), 0.9, "holds"),
    ],
    ids=["high", "middle", "below the edge", "too much friction", "floor from below", "floor from above"],
)
def test_the_engine_follows_the_mean_field(field, trust, ends):
    scenario = mean_field_scenario(field, trust, communication=0.5, months=MONTHS, steps=STEPS, dyads=DYADS)
    moments = simulate(scenario, 1, seed=7).moments[0]
    path = field.path(trust, 0.5, np.arange(MONTHS * STEPS + 1) / STEPS)
    for variable in (0, 1):  # trust, communication
        mean = moments[:, variable, 1] / DYADS
        spread = np.sqrt(np.maximum(moments[:, variable, 2] / DYADS - mean**2, 0.0))
        tolerance = MANY_SE * spread / math.sqrt(DYADS) + field.loss / STEPS
        assert (np.abs(mean - path[:, variable]) <= tolerance).all()
    final = moments[-1, 0, 1] / DYADS
    settled = field.fixed_points()[-1] if ends == "holds" else 0.0
    assert final == approx(settled, abs=0.03)


def test_smaller_steps_come_nearer():
    def error(steps: int) -> float:
        scenario = mean_field_scenario(EXAMPLE, 0.9, communication=0.4, months=60, steps=steps, dyads=4000)
        moments = simulate(scenario, 1, seed=3).moments[0]
        path = EXAMPLE.path(0.9, 0.4, np.arange(60 * steps + 1) / steps)
        return float(np.abs(moments[:, 0, 1] / 4000 - path[:, 0]).max())

    assert error(20) < error(1) / 5


@pytest.mark.parametrize(("share", "still_high"), [(0.8, True), (1.2, False)])
def test_trust_tips_at_the_critical_friction(share, still_high):
    """From the same start, a fifth less friction than w_c holds nearly every dyad and a fifth more none."""
    field = dataclasses.replace(EXAMPLE, friction=share * W_C)
    trust = in_the_end(simulate(mean_field_scenario(field, 0.9, months=240, steps=10, dyads=400), 1, seed=5))
    high = np.mean(trust > theory.tipping_trust(2.0) / 2)
    assert high > 0.99 if still_high else high < 0.01


@pytest.mark.parametrize(("floor_share", "tips"), [(0.2, True), (1.3, False)])
def test_an_openness_floor_removes_tipping(floor_share, tips):
    """Where a low start and a high start lead: far apart with little floor, to one place with a floor above c0*."""
    floor = floor_share * theory.critical_floor(0.4)
    field = dataclasses.replace(EXAMPLE, floor=floor, friction=0.5)
    ends = [
        in_the_end(simulate(mean_field_scenario(field, start, months=120, steps=20, dyads=200), 1, seed=5))
        for start in (0.05, 0.95)
    ]
    apart = ends[1].mean() - ends[0].mean()
    error = math.sqrt(ends[0].var() / 200 + ends[1].var() / 200)
    expected = np.ptp(theory.fixed_points_with_floor(floor, field.ratio, 0.4))
    assert apart == approx(expected, abs=MANY_SE * error + field.loss / 20)
    assert (apart > 0.3) == tips


def test_full_size_jumps_tip_dyads_that_theory_calls_stable(record_property):
    """Noise-induced tipping: at w = .4 < w_c theory holds trust at .74; the jumps of real months lose many dyads.

    The model page's prototype had about 15% still high after 400 months and 99.8% at a tenth of the step. The share at
    full size depends on the speed of communication and on whether a month of festering also earns its delivery (here it
    does), so it is measured, with its interval, and compared with the same process written independently.
    """
    full, dyads, edge = 240, 1000, theory.fixed_points(EXAMPLE.ratio, 0.4)[0]
    jumps = in_the_end(simulate(mean_field_scenario(EXAMPLE, 0.9, months=full, dyads=dyads), 1, seed=5))
    steps = in_the_end(simulate(mean_field_scenario(EXAMPLE, 0.9, months=full, steps=10, dyads=dyads), 1, seed=5))
    shares = {
        name: stats.binomtest(int((end > edge).sum()), dyads) for name, end in (("jumps", jumps), ("tenth", steps))
    }
    for name, share in shares.items():
        interval = share.proportion_ci(0.95)
        record_property(name, f"{share.statistic:.3f} still high, 95% [{interval.low:.3f}, {interval.high:.3f}]")
    assert shares["jumps"].proportion_ci(0.9999).high < 0.9
    assert shares["tenth"].proportion_ci(0.95).low > 0.99

    independent = np.mean(jump_process(full, 20_000) > edge)
    assert independent == approx(shares["jumps"].statistic, abs=MANY_SE * math.sqrt(0.25 / dyads + 0.25 / 20_000))


def jump_process(months: int, dyads: int) -> np.ndarray:
    """Trust of dyads in the mean-field limit with full-size months, in NumPy and without the engine."""
    rng = np.random.default_rng(1)
    trust = np.full(dyads, 0.9)
    talk = trust**2 / (0.4**2 + trust**2)
    for _ in range(months):
        festers = (rng.random(dyads) < EXAMPLE.friction) & (rng.random(dyads) >= talk)
        target = trust**2 / (0.4**2 + trust**2)
        trust = trust + 0.1 * talk * (1 - trust) - 0.3 * trust * festers
        talk = talk + 0.25 * (target - talk)
    return trust


# ---------------------------------------------------------------------------------------------------------------
# Clamps open the loop
# ---------------------------------------------------------------------------------------------------------------
def test_a_clamp_on_either_stops_the_spiral_of_the_other():
    field = dataclasses.replace(EXAMPLE, friction=1.5 * W_C)
    run = {
        name: simulate(mean_field_scenario(field, 0.9, months=120, steps=20, dyads=200, **clamp), 1, seed=5)
        for name, clamp in (("free", {}), ("trust", {"clamp_trust": True}), ("talk", {"clamp_communication": True}))
    }
    start = field.disclosure(0.9)
    assert in_the_end(run["free"]).mean() < 0.05
    assert run["free"].alliances.communication.mean() < 0.05
    assert run["trust"].alliances.communication[0] == approx(start)  # S(T0): it stays where it was
    held = in_the_end(run["talk"])
    open_loop = theory.clamped_trust(start, field.ratio)
    assert held.mean() == approx(open_loop, abs=MANY_SE * held.std() / math.sqrt(200) + field.loss / 20)
    assert open_loop > 0.5


def test_without_the_loop_the_outcomes_lose_their_two_humps():
    """Starts are spread over both sides of the edge; with communication clamped all end in one place."""
    settings = {"trust_start_sd": 0.2}
    edge = theory.fixed_points(EXAMPLE.ratio, 0.4)[0]
    free, held = (
        in_the_end(simulate(mean_field_scenario(EXAMPLE, edge, months=120, steps=20, dyads=400, **s), 1, seed=5))
        for s in (settings, {**settings, "clamp_communication": True})
    )
    counts, _ = np.histogram(free, bins=[0.0, 0.15, 0.45, 1.0])
    low, middle, high = counts / 400
    assert min(low, high) > 0.15
    assert middle < 0.5 * min(low, high)
    one_place = theory.clamped_trust(EXAMPLE.disclosure(edge), EXAMPLE.ratio)
    assert np.mean(np.abs(held - one_place) < 0.15) > 0.95


@pytest.mark.parametrize("steps", [1, 10])
def test_the_noise_of_a_clamped_dyad(steps):
    """The exact variance of the jump process, at full size and in small steps."""
    dyads, communication = 2000, 0.6
    scenario = mean_field_scenario(
        EXAMPLE, 0.75, communication=communication, months=100, steps=steps, dyads=dyads, clamp_communication=True
    )
    trust = in_the_end(simulate(scenario, 1, seed=5))
    expected = theory.noise_variance(EXAMPLE.friction, communication, EXAMPLE.gain / steps, EXAMPLE.loss / steps)
    squares = (trust - trust.mean()) ** 2
    assert trust.var() == approx(expected, abs=MANY_SE * squares.std() / math.sqrt(dyads))
    mean = theory.clamped_trust(communication, EXAMPLE.ratio)
    assert trust.mean() == approx(mean, abs=MANY_SE * trust.std() / math.sqrt(dyads))


# ---------------------------------------------------------------------------------------------------------------
# Asymmetric smoothing, survival, gap, ties, monitoring, investment
# ---------------------------------------------------------------------------------------------------------------
def test_asymmetric_smoothing():
    """Good work with chance .9 is seen in full; bad work always festers; nothing else happens."""
    field = dataclasses.replace(EXAMPLE, friction=0.0)
    scenario = mean_field_scenario(
        field, 0.75, communication=1.0, months=200, dyads=2000, clamp_communication=True,
        competence=0.9, silence=1.0, internal_trust=0.0, competence_weight=1.0,
    )  # fmt: skip
    trust = simulate(scenario, 1, seed=5).alliances.trust.ravel()  # the two sides are independent here
    count = len(trust)
    squares = (trust - trust.mean()) ** 2
    assert trust.mean() == approx(theory.smoothing_mean(0.9, 0.1, 0.3), abs=MANY_SE * trust.std() / math.sqrt(count))
    assert trust.var() == approx(
        theory.smoothing_variance(0.9, 0.1, 0.3), abs=MANY_SE * squares.std() / math.sqrt(count)
    )


@pytest.mark.parametrize("hazard", [0.003, 0.02])
def test_survival_under_the_exogenous_hazard_alone(hazard):
    """The whole curve lies in the band of Dvoretzky, Kiefer and Wolfowitz, left with a chance of one in a million."""
    dyads = 5000
    result = simulate(mean_field_scenario(EXAMPLE, 0.9, months=144, dyads=dyads, exogenous_exit=hazard), 1, seed=5)
    table = result.survival()
    band = math.sqrt(math.log(2e6) / (2 * dyads))
    assert np.abs(table["going on"] - theory.survival(hazard, table["month"])).max() < band
    assert table["going on"].iloc[-1] < 1.0
    for cause in CAUSES_OF_ENDING[1:3]:
        assert (table[cause] == 0.0).all()


@pytest.mark.parametrize(("session", "relapse"), [(0.05, 0.02), (0.01, 0.05), (0.0, 0.1)])
def test_the_gap_under_sessions(session, relapse):
    scenario = dyad(
        months=600, session_effort=session, relapse=relapse, session_learning=0.0,
        a__default_culture=0.9, b__default_culture=0.3,
    )  # fmt: skip
    gap = simulate_history(scenario).alliances.gap[:, 0]
    assert gap == approx(theory.gap_path(0.6, 0.6, session, relapse, np.arange(601)), abs=1e-12)
    assert gap[-1] == approx(theory.settled_gap(0.6, session, relapse), abs=1e-12)


def test_ties_settle_where_upkeep_and_decay_balance():
    scenario = dyad(months=600, a__relational_investment=0.4, b__relational_investment=1.0)
    ties = simulate_history(scenario).alliances.ties[-1, 0]
    assert ties == approx(theory.settled_ties(0.08, 0.7, 0.03), abs=1e-12)


@pytest.mark.parametrize(("effect", "loss"), [(6.0, 0.5), (15.0, 0.4), (3.0, 2.0)])
def test_nobody_monitors_above_the_edge(effect, loss):
    edge = theory.trust_without_monitoring(effect, loss)
    spent = []
    for trust in (edge - 0.01, edge + 0.01):
        live = LiveRun(dyad(monitoring=1.0, trust_start=trust, monitoring_effect=effect, loss_at_stake=loss))
        spent.append(live.alliances[0].monitoring[0])
    assert spent[0] > 0.0
    assert spent[1] == 0.0


BENEFIT = 0.5  # what full ties would be worth to both together, money a month
GROWTH, DECAY, COST, TIES = 0.08, 0.03, 0.02, 0.3


def together(mine: float, other: float) -> float:
    """What next month's ties are worth to both, by the engine's own rule."""
    return BENEFIT * rules.ties_after(TIES, GROWTH, mine, other, DECAY)


def best(payoff) -> float:
    """The investment that maximizes a payoff, on a grid of 1e-4."""
    grid = np.linspace(0.0, 2.0, 20_001)
    return float(grid[np.argmax([payoff(float(r)) for r in grid])])


def test_each_partner_invests_half_of_what_is_best_for_both():
    """Linear in the sum of both, quadratic in cost, so the own optimum does not depend on the other's investment."""
    gain = BENEFIT * GROWTH * (1 - TIES)
    for other in (0.0, 0.5, 1.5):
        own = best(lambda r, o=other: 0.5 * together(r, o) - rules.relational_spending(COST, r))
        assert own == approx(theory.own_investment(gain, COST), abs=1e-4)
    joint = best(lambda r: together(r, r) - 2 * rules.relational_spending(COST, r))
    assert joint == approx(theory.joint_investment(gain, COST), abs=1e-4)
    assert theory.own_investment(gain, COST) == approx(joint / 2, abs=1e-4)


def test_a_half_subsidy_restores_the_joint_optimum():
    gain = BENEFIT * GROWTH * (1 - TIES)
    paid = 1.0 - theory.restoring_subsidy(2)
    own = best(lambda r: 0.5 * together(r, 0.5) - paid * rules.relational_spending(COST, r))
    assert own == approx(theory.joint_investment(gain, COST), abs=1e-4)


@pytest.mark.parametrize("partners", [2, 3, 6])
def test_many_partners_invest_one_over_n(partners):
    benefit, cost, others = 0.1, 0.02, 0.7
    own = best(lambda r: benefit * (r + (partners - 1) * others) / partners**2 - cost * r**2)
    joint = best(lambda r: benefit * r - partners * cost * r**2)
    paid = 1.0 - theory.restoring_subsidy(partners)
    helped = best(lambda r: benefit * r / partners**2 - paid * cost * r**2)
    assert own == approx(theory.own_investment(benefit, cost, partners), abs=1e-4)
    assert joint == approx(theory.joint_investment(benefit, cost, partners), abs=1e-4)
    assert joint == approx(partners * own, abs=1e-3)
    assert helped == approx(joint, abs=1e-4)
