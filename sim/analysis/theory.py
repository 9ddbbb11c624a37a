"""Closed forms of the model page: what the engine must do where a pencil is enough.

Symbols, as on the model page: T trust, C communication, S disclosure (what C moves to), w chance of a friction incident
in a month, λ⁺ and λ⁻ monthly learning from good and from bad, κ speed of communication, θ trust at half disclosure,
n steepness, c0 openness floor, ρ = λ⁻w/λ⁺. Trust, communication and shares are in [0, 1]; rates are per month.

With all else off and small steps the engine follows the **mean field**

    dT/dt = λ⁺·C·(1 − T) − λ⁻·w·(1 − C)·T,    dC/dt = κ·(S(T) − C),    S = c0 + (1 − c0)·Tⁿ/(θⁿ + Tⁿ).

Disclosure comes from ``sim.dynamics.rules``, so that the theory is about the equation that runs. The tests of
``tests/statistical`` hold the closed forms against that system and against the engine. Source of every form without
another: docs/model.md, "Switches and special cases".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.dynamics import rules
from sim.scenario import Scenario

Floats = NDArray[np.float64]

CUSP_A = 1 / 27
"""A = c0·θ² at the cusp (n = 2): with a larger A no friction makes trust tip."""
CUSP_Q = 8 / 27
"""q = ρ(1 − c0)θ² at the cusp (n = 2)."""
CUSP_TRUST = 1 / 3
"""Trust at the cusp (n = 2)."""


# ---------------------------------------------------------------------------------------------------------------
# The mean field
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class MeanField:
    """The two coupled equations of trust and communication, with their numbers.

    Attributes:
        friction: w, chance of a friction incident in a month, [0, 1].
        gain, loss: λ⁺ and λ⁻, 1/month.
        half: θ, trust at which half of what could be said is said, (0, 1].
        steepness: n ≥ 1.
        floor: c0, what is said whatever the trust, [0, 1].
        speed: κ, 1/month.

    The defaults are those of the model page's example of tipping.
    """

    friction: float
    gain: float = 0.1
    loss: float = 0.3
    half: float = 0.4
    steepness: float = 2.0
    floor: float = 0.0
    speed: float = 0.25

    @property
    def ratio(self) -> float:
        """ρ = λ⁻w/λ⁺, ≥ 0: how fast friction takes trust, against how fast delivery gives it."""
        return self.loss * self.friction / self.gain

    def disclosure(self, trust: float) -> float:
        """S(T) = c0 + (1 − c0)·Tⁿ/(θⁿ + Tⁿ), in [0, 1]."""
        return float(rules.disclosure(self.floor, rules.hill(trust, self.half, self.steepness), 1.0))

    def change(self, trust: float, communication: float) -> tuple[float, float]:
        """(dT/dt, dC/dt), 1/month: the right-hand side of the mean field."""
        gained = self.gain * communication * (1.0 - trust)
        lost = self.loss * self.friction * (1.0 - communication) * trust
        return gained - lost, self.speed * (self.disclosure(trust) - communication)

    def path(self, trust: float, communication: float, months: ArrayLike) -> Floats:
        """T and C, shape (len(months), 2), from the given start at time 0, integrated to a relative error of 1e-9.

        Args:
            trust, communication: the start, [0, 1].
            months: times at which to report, increasing, from 0.
        """
        from scipy.integrate import solve_ivp

        times = np.asarray(months, dtype=np.float64)
        solved = solve_ivp(
            lambda _, state: self.change(state[0], state[1]),
            (0.0, float(times[-1])),
            (trust, communication),
            t_eval=times,
            rtol=1e-9,
            atol=1e-12,
        )
        return np.asarray(solved.y.T, dtype=np.float64)

    def fixed_points(self, points: int = 20_001) -> Floats:
        """Every trust at which nothing changes, increasing, shape (k,); T = 0 is one when there is no floor.

        Found by bracketing the changes of sign of dT/dt at C = S(T) on an even grid of ``points``, for any n and c0;
        two roots that lie within one cell of the grid (at the tipping point itself) are not seen.
        """
        from scipy.optimize import brentq

        def drift(trust: float) -> float:
            return self.change(trust, self.disclosure(trust))[0]

        grid = np.linspace(0.0, 1.0, points)
        values = np.array([drift(trust) for trust in grid])
        exact = [float(trust) for trust, value in zip(grid, values, strict=True) if value == 0.0]
        signs = np.flatnonzero(values[:-1] * values[1:] < 0.0)
        between = [float(brentq(drift, grid[k], grid[k + 1], xtol=1e-14)) for k in signs]
        return np.array(sorted(exact + between))

    def pull(self, trust: float) -> float:
        """a = λ⁺C + λ⁻w(1 − C) at C = S(T), 1/month: how fast trust follows communication that is held.

        At a fixed point without a floor it is λ⁺C/T.
        """
        openness = self.disclosure(trust)
        return self.gain * openness + self.loss * self.friction * (1.0 - openness)

    def loop_gain(self, trust: float) -> float:
        """G = S'(T)·(λ⁺(1 − T) + λ⁻wT)/a, ≥ 0: what comes back once round the loop of trust and openness.

        A change of trust changes openness by S', and that, held, changes the trust that it leads to by the second
        factor. At a fixed point without a floor it is n(1 − T), see :func:`loop_gain`. Needs a > 0.
        """
        moved = self.gain * (1.0 - trust) + self.loss * self.friction * trust
        return float(self._disclosure_slope(trust) * moved / self.pull(trust))

    def slow_rate(self, trust: float) -> float:
        """The slower eigenvalue at a fixed point, 1/month: negative where trust comes back.

        See :func:`slow_eigenvalue`. The other one is always negative and none is complex, because the two variables
        help each other: a fixed point is a node that attracts or a saddle, never a spiral or a repelling node.
        """
        return slow_eigenvalue(self.pull(trust), self.speed, self.loop_gain(trust))

    def separatrix(self, saddle: float, step: float = 1e-6) -> Floats:
        """The stable manifold of a saddle: the line in the unit square that parts recovery from collapse.

        From a short step to either side of the saddle, along the eigenvector of the faster eigenvalue, the mean field
        is integrated backwards in time until it leaves the unit square. What starts above the line ends at the upper
        fixed point, what starts below it at the lower one.

        Args:
            saddle: trust at the saddle, (0, 1).
            step: length of the first step; its error is of its square and shrinks on the way backwards in time.

        Returns:
            Trust and communication, shape (k, 2), from the end with little trust to that with much.

        Raises:
            ValueError: when no saddle is there.
        """
        point = np.array([saddle, self.disclosure(saddle)])
        if np.abs(self.change(*point)).max() > 1e-9 or self.slow_rate(saddle) <= 0.0:
            raise ValueError(f"there is no saddle at trust {saddle:g}")
        fast = -(self.pull(saddle) + self.speed) - self.slow_rate(saddle)  # the trace less the other eigenvalue
        along = np.array([fast + self.speed, self.speed * self._disclosure_slope(saddle)])
        along *= math.copysign(min(step, 1e-3 * saddle) / float(np.hypot(*along)), along[0])
        low, high = self._backwards(point - along), self._backwards(point + along)
        return np.concatenate([low[::-1], point[None], high])

    def _disclosure_slope(self, trust: float) -> float:
        """S'(T) = (1 − c0)·nθⁿTⁿ⁻¹/(θⁿ + Tⁿ)²."""
        n, whole = self.steepness, self.half**self.steepness + trust**self.steepness
        return float((1.0 - self.floor) * n * self.half**n * trust ** (n - 1.0) / whole**2)

    def _backwards(self, start: Floats) -> Floats:
        """The path that leads to ``start``, backwards in time to the edge of the unit square, shape (k, 2)."""
        from scipy.integrate import solve_ivp

        def room(_: float, state: Floats) -> float:
            return float(min(state.min(), 1.0 - state.max()))

        room.terminal = True  # type: ignore[attr-defined]
        longest = 200.0 / min(self.speed, self.pull(float(start[0])))  # many times what leaving takes
        solved = solve_ivp(
            lambda _, state: [-speed for speed in self.change(state[0], state[1])],
            (0.0, longest),
            start,
            events=room,
            rtol=1e-9,
            atol=1e-12,
        )
        return np.clip(np.asarray(solved.y.T, dtype=np.float64), 0.0, 1.0)


def fixed_points(ratio: float, half: float) -> tuple[float, float]:
    """T± = [1 ± √(1 − 4ρθ²)]/2 as (T−, T+), without a floor and with n = 2; (NaN, NaN) when there are none.

    T+ holds; T− is the edge below which trust collapses.
    """
    discriminant = 1.0 - 4.0 * ratio * half**2
    if discriminant < 0.0:
        return math.nan, math.nan
    return 0.5 * (1.0 - math.sqrt(discriminant)), 0.5 * (1.0 + math.sqrt(discriminant))


def tipping_trust(steepness: float) -> float:
    """T = (n − 1)/n: where the two fixed points meet, without a floor; 0 at n = 1, which never tips."""
    return (steepness - 1.0) / steepness


def tipping_friction(gain: float, loss: float, half: float, steepness: float = 2.0) -> float:
    """w_c = (λ⁺/λ⁻)·(n − 1)^(n − 1)/(nθ)ⁿ, 1/month: the saddle-node, without a floor.

    From ρθⁿ = (n − 1)^(n − 1)/nⁿ; with n = 2 it is λ⁺/(4λ⁻θ²). Above it no trust holds. Infinite at n = 1, where trust
    fades smoothly instead of tipping.
    """
    if steepness <= 1.0:
        return math.inf
    fold = (steepness - 1.0) ** (steepness - 1.0) / steepness**steepness
    return float(gain / loss * fold / half**steepness)


def floor_cubic(floor: float, ratio: float, half: float) -> tuple[float, float, float, float]:
    """Coefficients of T³ − T² + (A + q)·T − A, with A = c0θ² and q = ρ(1 − c0)θ²; highest power first.

    The cubic is zero at the fixed points of the mean field with a floor, n = 2.
    """
    a = floor * half**2
    q = ratio * (1.0 - floor) * half**2
    return 1.0, -1.0, a + q, -a


def fixed_points_with_floor(floor: float, ratio: float, half: float) -> Floats:
    """Fixed points in [0, 1] with a floor and n = 2, increasing: one, or three when trust can tip (0 counts)."""
    roots = np.roots(floor_cubic(floor, ratio, half))
    real = roots.real[np.abs(roots.imag) < 1e-9]
    return np.sort(real[(real > -1e-12) & (real < 1.0 + 1e-12)])


def critical_floor(half: float) -> float:
    """c0* = 1/(27θ²), n = 2: an openness floor above it removes tipping, whatever the friction."""
    return CUSP_A / half**2


def folds_with_floor(floor: float, half: float) -> tuple[tuple[float, float], ...]:
    """The saddle-nodes with a floor and n = 2, as (T, ρ) with T increasing: two below c0*, none above it.

    Where the cubic has the double root t, A = t²(1 − 2t) and q = 2t(1 − t)². At the lower one, T < 1/3, trust that has
    collapsed recovers as friction falls; at the upper one, T > 1/3, trust that holds collapses as friction rises.
    Without a floor the lower one is at (0, 0): collapsed trust never recovers.
    """
    if floor >= critical_floor(half) or floor >= 1.0:
        return ()
    roots = np.sort(np.roots([-2.0, 1.0, 0.0, -floor * half**2]).real)[1:]  # the first is negative, or 0 at no floor
    return tuple((float(t), 2.0 * float(t) * (1.0 - float(t)) ** 2 / ((1.0 - floor) * half**2)) for t in roots)


def tipping_curve(half: float, points: int = 400) -> Floats:
    """ρ and c0 along the saddle-nodes, n = 2, shape (k, 2): from (0, 0) to the cusp and on to no floor at ρ = 1/(4θ²).

    By the double root t of the cubic from 0 to 1/2, see :func:`folds_with_floor`; the cusp is at t = 1/3. Two outcomes
    are possible between its two branches. Cut where c0 would pass 1.
    """
    t = np.linspace(0.0, 0.5, points + 1)
    floor = t**2 * (1.0 - 2.0 * t) / half**2
    t, floor = t[floor < 1.0], floor[floor < 1.0]
    return np.column_stack([2.0 * t * (1.0 - t) ** 2 / ((1.0 - floor) * half**2), floor])


def loop_gain(trust: float, steepness: float) -> float:
    """G = n(1 − T) at a fixed point without a floor: the loop of trust and openness feeds on itself where G > 1."""
    return steepness * (1.0 - trust)


def slow_eigenvalue(pull: float, speed: float, gain_of_loop: float) -> float:
    """½·{−(a + κ) + √[(a + κ)² − 4aκ(1 − G)]}, 1/month: how fast trust comes back (< 0) or runs away (> 0).

    Args:
        pull: a = λ⁺C/T at the fixed point, 1/month.
        speed: κ, 1/month.
        gain_of_loop: G, see :func:`loop_gain`.
    """
    total = pull + speed
    return 0.5 * (-total + math.sqrt(total**2 - 4.0 * pull * speed * (1.0 - gain_of_loop)))


def clamped_trust(communication: float, ratio: float) -> float:
    """T = C/(C + ρ(1 − C)), in [0, 1]: where trust settles when communication is held, so that the loop is open."""
    return communication / (communication + ratio * (1.0 - communication))


# ---------------------------------------------------------------------------------------------------------------
# Learning from single events
# ---------------------------------------------------------------------------------------------------------------
def smoothing_mean(good: float, gain: float, loss: float) -> float:
    """pλ⁺/(pλ⁺ + (1 − p)λ⁻), in [0, 1]: mean trust in the long run when a month is good with chance p, else bad.

    A good month moves T by λ⁺(1 − T), a bad one by −λ⁻T.
    """
    return good * gain / (good * gain + (1.0 - good) * loss)


def smoothing_variance(good: float, gain: float, loss: float) -> float:
    """Variance of trust in the long run under the same asymmetric smoothing.

    From E[T²] = p·E[((1 − λ⁺)T + λ⁺)²] + (1 − p)·E[((1 − λ⁻)T)²] with the mean of :func:`smoothing_mean`.
    """
    mean = smoothing_mean(good, gain, loss)
    pushed = good * (2.0 * gain * (1.0 - gain) * mean + gain**2)
    kept = good * (1.0 - gain) ** 2 + (1.0 - good) * (1.0 - loss) ** 2
    return pushed / (1.0 - kept) - mean**2


def noise_variance(friction: float, communication: float, gain: float, loss: float) -> float:
    """Variance of trust in the long run with communication held at C: the size of the noise that small steps remove.

    Every month moves T by λ⁺C(1 − T), and with chance f = w(1 − C) also by −λ⁻T: T' = (1 − g − λ⁻X)·T + g, g = λ⁺C.
    It shrinks in proportion to λ⁺ and λ⁻, which is why the engine is compared with the mean field in small steps.
    """
    festers = friction * (1.0 - communication)
    g = gain * communication
    mean = g / (g + loss * festers)
    kept = (1.0 - g) ** 2 - 2.0 * (1.0 - g) * loss * festers + loss**2 * festers
    square = (2.0 * g * (1.0 - g - loss * festers) * mean + g**2) / (1.0 - kept)
    return square - mean**2


# ---------------------------------------------------------------------------------------------------------------
# Ties, gap, monitoring, endings
# ---------------------------------------------------------------------------------------------------------------
def settled_ties(growth: float, investment: float, decay: float) -> float:
    """K* = g·r/(g·r + d), in [0, 1]: relational capital in the long run at mean investment r."""
    return growth * investment / (growth * investment + decay)


def own_investment(benefit: float, cost: float, partners: int = 2) -> float:
    """r = B/(2cN²): what each of N partners invests for itself.

    All share the benefit B·mean(r) equally and each pays c·r². It is 1/N of :func:`joint_investment`, because a partner
    reaps 1/N of what its investment brings (L: most under-invest).
    """
    return joint_investment(benefit, cost, partners) / partners


def joint_investment(benefit: float, cost: float, partners: int = 2) -> float:
    """r = B/(2cN): the investment of each that is best for all together; see :func:`own_investment`."""
    return benefit / (2.0 * cost * partners)


def restoring_subsidy(partners: int = 2) -> float:
    """1 − 1/N: share of the cost that, paid for each partner, makes its own optimum the joint one; a half for two."""
    return 1.0 - 1.0 / partners


def settled_gap(distance: float, session: float, relapse: float) -> float:
    """G* = δD/(2ε + δ), in [0, 1]: sessions of effort ε on both sides against relapse δ to the distance D (R)."""
    return relapse * distance / (2.0 * session + relapse)


def gap_path(gap: float, distance: float, session: float, relapse: float, months: ArrayLike) -> Floats:
    """G_t = G* + (G_0 − G*)·(1 − 2ε − δ)^t, shape of ``months``: the working gap on its way to :func:`settled_gap`."""
    settled = settled_gap(distance, session, relapse)
    return settled + (gap - settled) * (1.0 - 2.0 * session - relapse) ** np.asarray(months, dtype=np.float64)


def trust_without_monitoring(effect: float, loss_at_stake: float) -> float:
    """1 − 1/(kL), trust: above it the optimal monitoring m* is zero (K, note 3)."""
    return 1.0 - 1.0 / (effect * loss_at_stake)


def survival(hazard: float, months: ArrayLike) -> Floats:
    """(1 − h)^t ≈ exp(−ht), shape of ``months``: share going on when only strategy ends alliances, h a month."""
    return (1.0 - hazard) ** np.asarray(months, dtype=np.float64)


# ---------------------------------------------------------------------------------------------------------------
# The engine in that limit
# ---------------------------------------------------------------------------------------------------------------
def mean_field_scenario(
    field: MeanField,
    trust: float,
    communication: float | None = None,
    months: int = 400,
    steps: int = 1,
    dyads: int = 100,
    **settings: Any,
) -> Scenario:
    """The scenario in which the engine must follow ``field`` as ``steps`` grows.

    All else is off: work never fails, no contingency, no shirking, no control, no personal ties; friction depends on
    nothing; hard talks and blame move nothing; everybody speaks up as far as C goes; routine work can earn any trust;
    nobody hears of anything, nobody leaves.

    Args:
        field: the numbers of the mean field.
        trust: trust of everybody at the start, [0, 1].
        communication: at the start, [0, 1]; S(trust) when not given.
        months: months of the mean field's time.
        steps: months of the engine for each month of the field; all three speeds are divided by it.
        dyads: alliances, each of two organizations of its own, so that they are independent.
        settings: further settings, as :meth:`Scenario.with_settings` takes them.

    Raises:
        BadFile: when a value is out of its range; months·steps may be 2400 at most.
    """
    start = field.disclosure(trust) if communication is None else communication
    parameters = {
        "trust_start": trust,
        "trust_start_sd": 0.0,
        "communication_start": start,
        "trust_gain": field.gain / steps,
        "trust_loss": field.loss / steps,
        "communication_speed": field.speed / steps,
        "trust_half": field.half,
        "trust_steepness": field.steepness,
        "openness_floor": field.floor,
        "friction_base": field.friction,
        "routine_ceiling": 1.0,
        **dict.fromkeys(_SILENCED, 0.0),
    }
    plain = {
        "title": "Mean-field limit",
        "question": "Does the engine follow the mean field of trust and communication?",
        "source": "docs/model.md, Switches and special cases",
        "expected": "The mean over dyads follows the two equations as the steps become small.",
        "months": months * steps,
        "organizations": 2 * dyads,
        "network": {"partners": 1},
        "parameters": parameters,
        "traits": dict(_SOUND),
    }
    return Scenario.from_plain(plain, "mean-field limit").with_settings(settings)


_SILENCED = (
    "communication_noise",
    "channel_spread",
    "openness_weight",
    "internal_trust_weight",
    "ties_candour",
    "contract_clarity",
    "contingency_rate",
    "friction_gap",
    "friction_relief",
    "shirk_rate",
    "gap_repair",
    "blame_chill",
    "hard_talk_gain",
    "blame_weight",
    "disappointment_loss",
    "people_rate",
    "ties_weight",
    "market_volatility",
    "reputation_visibility",
    "trust_exit",
    "disappointment_exit",
    "exogenous_exit",
)
"""Parameters that are zero in the mean-field limit, so that only trust and communication are left."""

_SOUND = {"competence": 1.0, "internal_trust": 1.0, "monitoring": 0.0, "verify_floor": 0.0, "turnover": 0.0}
"""Traits of everybody in the mean-field limit: work comes out well, problems can be said, nobody watches or leaves."""
