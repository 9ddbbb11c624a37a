"""What the mean field of trust and communication can do, as arrays, and the engine's own points beside them.

The closed forms of ``sim.study.theory`` (n = 2 throughout) become the three pictures of ``sim.study.plots.theory``: the
phase portrait, the map of where trust tips, and trust against friction on the way up and down. The same places are then
simulated with the engine in small steps, where it follows the mean field, so that a reader sees theory and engine agree
or differ.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from sim.engine import Result, simulate
from sim.parameters import Parameters, meta
from sim.study.theory import (
    Floats,
    MeanField,
    critical_floor,
    fixed_points_with_floor,
    folds_with_floor,
    mean_field_scenario,
    tipping_curve,
    tipping_friction,
)

LOW_START, HIGH_START = 0.05, 0.95
"""Trust at the start of the two histories that are compared wherever two outcomes may be possible."""
STARTS = (
    (0.05, 0.55), (0.16, 0.40), (0.28, 0.05), (0.05, 0.22), (0.20, 0.97), (0.42, 0.97), (0.97, 0.55), (0.97, 0.08),
    (0.72, 0.03), (0.50, 0.10),
)  # fmt: skip
"""Trust and communication at the starts of the simulated paths of the portrait."""
CLEAR_OF_THE_EDGE = 0.04
"""Paths that start nearer to the separatrix are left out: some of their dyads would cross it, and a mean over two
outcomes is the path of none."""

EXAMPLE = MeanField(friction=0.4)
"""The model page's example of tipping, which holds for what is not said."""
DECLARED = {
    "friction": "friction_base",
    "half": "trust_half",
    "floor": "openness_floor",
    "gain": "trust_gain",
    "loss": "trust_loss",
    "speed": "communication_speed",
}
"""The parameter of the simulation behind each number of the mean field; it has its bounds."""

IN_THE_CORNER = 1e-4
"""With a saddle nearer to no trust than this the separatrix cannot be told from the axis and is not computed."""

PATH_JUMP, PATH_DYADS, PATH_MONTHS = 0.01, 200, 60
END_JUMP, END_DYADS = 0.025, 32
"""Largest change of trust in a step of the engine, and dyads, for paths and ends; for paths, months of the field."""
MOST_STEPS = 2400
"""Months of the engine that a scenario may have."""
SETTLED_AFTER = 16.0
"""Ends are simulated for so many times 1/min(λ⁺, κ)."""


# ---------------------------------------------------------------------------------------------------------------
# What theory says
# ---------------------------------------------------------------------------------------------------------------
def field_with(**given: float | None) -> MeanField:
    """The example of the model page with other numbers; None keeps one.

    Raises:
        ValueError: with a line for each number that is out of the bounds of its parameter, or zero where the closed
            forms divide by it.
    """
    wanted = {name: float(value) for name, value in given.items() if value is not None}
    mistakes = []
    for name, value in wanted.items():
        about = meta(Parameters.model_fields[DECLARED[name]])
        if not about["low"] <= value <= about["high"]:
            mistakes.append(f"{name}: must be from {about['low']:g} to {about['high']:g}, got {value:g}")
        elif value == 0.0 and name != "floor":
            mistakes.append(f"{name}: must be above 0, or nothing can tip")
    if mistakes:
        raise ValueError("\n".join(mistakes))
    return dataclasses.replace(EXAMPLE, **wanted)


@dataclass(frozen=True)
class FixedPoint:
    """A pair of trust and communication at which nothing changes.

    Attributes:
        trust, communication: where it is, [0, 1].
        rate: the slower eigenvalue, 1/month: negative where trust comes back, positive at a saddle.
        loop_gain: G; a saddle has G > 1.
    """

    trust: float
    communication: float
    rate: float
    loop_gain: float

    @property
    def stable(self) -> bool:
        """Whether trust comes back after a push. What is not stable is a saddle."""
        return self.rate < 0.0

    @property
    def kind(self) -> str:
        """``stable`` or ``saddle``: the mean field has no other kind."""
        return "stable" if self.stable else "saddle"


@dataclass(frozen=True)
class Findings:
    """What the closed forms say of one mean field.

    Attributes:
        field: its numbers; n = 2.
        points: the fixed points, by increasing trust: one, or two stable ones with a saddle between them.
        tipping_friction: w_c without a floor, 1/month; may be above 1, which no friction reaches.
        folds: friction and trust (w, T) at the saddle-nodes with the field's own floor: two of them or none.
        critical_floor: c0*; may be above 1, which no floor reaches.
    """

    field: MeanField
    points: tuple[FixedPoint, ...]
    tipping_friction: float
    folds: tuple[tuple[float, float], ...]
    critical_floor: float

    @property
    def saddle(self) -> FixedPoint | None:
        """The edge between the two outcomes; None when there is one outcome only."""
        return next((point for point in self.points if not point.stable), None)


def examine(field: MeanField) -> Findings:
    """Fixed points, their eigenvalues and loop gains, and where trust tips.

    Raises:
        ValueError: when the closed forms do not hold for it: n other than 2, or a rate or θ of zero.
    """
    if field.steepness != 2.0:
        raise ValueError(f"the closed forms with a floor are those of steepness 2, not {field.steepness:g}")
    if min(field.friction, field.gain, field.loss, field.half, field.speed) <= 0.0:
        raise ValueError("friction, gain, loss, half and speed must be above 0")
    trusts = [float(trust) for trust in fixed_points_with_floor(field.floor, field.ratio, field.half)]
    points = tuple(
        FixedPoint(trust, field.disclosure(trust), field.slow_rate(trust), field.loop_gain(trust))
        for trust in trusts
    )  # fmt: skip
    return Findings(
        field,
        points,
        tipping_friction(field.gain, field.loss, field.half),
        _folds(field),
        critical_floor(field.half),
    )


def _folds(field: MeanField) -> tuple[tuple[float, float], ...]:
    """Friction and trust at the saddle-nodes with the field's floor."""
    return tuple((ratio * field.gain / field.loss, trust) for trust, ratio in folds_with_floor(field.floor, field.half))


def settled(field: MeanField, trust: ArrayLike) -> Floats:
    """Where the mean field ends that starts from this trust and the communication that goes with it, S(T).

    The saddle is the only crossing of the separatrix, which falls, with C = S(T), which rises: so it is the edge.
    Shape of ``trust``.
    """
    points = fixed_points_with_floor(field.floor, field.ratio, field.half)
    edge = points[len(points) // 2]  # the saddle of three; of a single outcome itself
    return np.where(np.asarray(trust) > edge, points[-1], points[0])


@dataclass(frozen=True, eq=False)
class Portrait:
    """The plane of trust and communication.

    Attributes:
        findings: the fixed points.
        trust: (k,), for the two nullclines.
        disclosed: C at which communication stands still, S(T), (k,).
        balanced: C at which trust stands still, (k,).
        axis: (m,), of the grid on which the flow is given, for both variables.
        flow: dT/dt and dC/dt, 1/month, (2, m, m); rows are communication.
        separatrix: (j, 2), the line between the two outcomes; None when there is one, or the line is in the corner.
        months: times of the paths, (t,).
        starts: trust and communication at the starts of the paths, (p, 2).
        paths: the mean field from these starts, (p, t, 2).
        simulated: the engine's means, (p, t, 2); None when not simulated.
    """

    findings: Findings
    trust: Floats
    disclosed: Floats
    balanced: Floats
    axis: Floats
    flow: Floats
    separatrix: Floats | None
    months: Floats
    starts: Floats
    paths: Floats
    simulated: Floats | None = None


def portrait(findings: Findings) -> Portrait:
    """Nullclines, flow, separatrix and some paths of the mean field."""
    field = findings.field
    trust = np.linspace(0.0, 1.0, 401)
    axis = np.linspace(0.0, 1.0, 61)
    flow = np.array([[field.change(float(t), float(c)) for t in axis] for c in axis]).transpose(2, 0, 1)
    saddle = findings.saddle
    line = None if saddle is None or saddle.trust < IN_THE_CORNER else field.separatrix(saddle.trust)
    months = np.arange(PATH_MONTHS + 1.0)
    starts = np.array(  # the line is drawn finely: its nearest point is as near as the line
        [start for start in STARTS if line is None or np.hypot(*(line - start).T).min() >= CLEAR_OF_THE_EDGE]
    )
    return Portrait(
        findings,
        trust,
        np.array([field.disclosure(float(t)) for t in trust]),
        field.ratio * trust / (field.ratio * trust + 1.0 - trust),
        axis,
        flow,
        line,
        months,
        starts,
        np.array([field.path(float(trust), float(openness), months) for trust, openness in starts]),
    )


@dataclass(frozen=True, eq=False)
class Maps:
    """Where trust ends, over friction and its start, and over friction and the openness floor.

    Attributes:
        findings: of the field; its friction is where the user stands.
        friction: (k,), 1/month, from 0, the columns of both maps.
        start: (m,), trust at the start; ``ends``: where it leads, (m, k).
        floor: (j,), openness floors; ``gap``: how far apart the highest and the lowest outcome are, (j, k).
        edge: friction and trust along the saddles at the field's own floor, (e, 2); empty when there are none.
        curve: friction and floor along the saddle-nodes, (i, 2); two outcomes are possible between its branches.
        cusp: friction and floor at which tipping ends; outside the map when it cannot be reached.
    """

    findings: Findings
    friction: Floats
    start: Floats
    ends: Floats
    floor: Floats
    gap: Floats
    edge: Floats
    curve: Floats
    cusp: tuple[float, float]


def maps(findings: Findings, points: int = 160) -> Maps:
    """Both maps on even grids, and the curve of tipping."""
    field = findings.field
    curve = tipping_curve(field.half) * [field.gain / field.loss, 1.0]
    top = int(np.argmax(curve[:, 1]))
    friction = np.linspace(0.0, friction_limit(field), points + 1)[1:]
    start = np.linspace(0.0, 1.0, points + 1)[1:]
    floor = np.linspace(0.0, floor_limit(field), points // 2)
    fields = [dataclasses.replace(field, friction=float(w)) for w in friction]
    by_floor = [[dataclasses.replace(at, floor=float(c)) for at in fields] for c in floor]
    return Maps(
        findings,
        friction,
        start,
        np.column_stack([settled(at, start) for at in fields]),
        floor,
        np.array([[float(np.ptp(settled(at, (0.0, 1.0)))) for at in row] for row in by_floor]),
        loop(field).edge,
        curve,
        (float(curve[top, 0]), float(curve[top, 1])),
    )


def friction_limit(field: MeanField) -> float:
    """The end of the axes of friction: beyond every saddle-node, and the field's own friction unless far away."""
    furthest = float(tipping_curve(field.half)[:, 0].max()) * field.gain / field.loss
    return min(1.0, max(1.3 * furthest, min(1.15 * field.friction, 2.5 * furthest)))


def floor_limit(field: MeanField) -> float:
    """The end of the axis of the openness floor: beyond the cusp and the field's own floor, at most 1."""
    return min(1.0, max(1.5 * float(tipping_curve(field.half)[:, 1].max()), 1.15 * field.floor))


@dataclass(frozen=True, eq=False)
class Loop:
    """Trust against friction at one openness floor.

    Attributes:
        field: its numbers; friction varies.
        stable: friction and trust along each line of stable fixed points, each (k, 2), by increasing trust.
        edge: the same along the saddles, (k, 2); empty when there is none.
        folds: friction and trust at which the lines meet: two or none.
    """

    field: MeanField
    stable: tuple[Floats, ...]
    edge: Floats
    folds: tuple[tuple[float, float], ...]


def loop(field: MeanField, points: int = 600) -> Loop:
    """The lines of fixed points over trust, from w = λ⁺S(1 − T)/(λ⁻(1 − S)T), and the folds that part them."""
    folds = _folds(field)
    marks = [0.0, *(trust for _, trust in folds), 1.0]
    lines = [_line(field, low, high, points) for low, high in itertools.pairwise(marks)]
    edge = lines.pop(1) if folds else np.empty((0, 2))
    if field.floor == 0.0:  # collapsed trust is a fixed point whatever the friction
        limit = friction_limit(field)
        lines[0] = np.array([[0.0, 0.0], [limit, 0.0]])
    return Loop(field, tuple(lines), edge, folds)


def _line(field: MeanField, low: float, high: float, points: int) -> Floats:
    """Friction and trust at the fixed points with trust between two values."""
    trust = np.linspace(low, high, points + 1)
    inside = trust[(trust > 0.0) & (trust < 1.0)]
    openness = np.array([field.disclosure(float(t)) for t in inside])
    with np.errstate(divide="ignore"):  # a floor of 1 leaves nothing unsaid, so no friction is enough
        friction = field.gain * openness * (1.0 - inside) / (field.loss * (1.0 - openness) * inside)
    return np.column_stack([friction, inside])


def loops(findings: Findings) -> tuple[Loop, ...]:
    """No floor, a floor of half the critical one, and one above it; the field's own floor takes the place of its kind.

    Floors that no share can reach are left out.
    """
    own, critical = findings.field.floor, findings.critical_floor
    floors = [0.0, 0.5 * critical, 1.3 * critical]
    floors[0 if own == 0.0 else 1 if own < critical else 2] = own
    return tuple(
        loop(dataclasses.replace(findings.field, floor=floor)) for floor in floors if floor in (own, min(floor, 0.95))
    )


# ---------------------------------------------------------------------------------------------------------------
# What the engine does
# ---------------------------------------------------------------------------------------------------------------
UNITS = {
    "fixed_points": {
        "kind": "text", "trust": "trust", "communication": "share", "rate": "1/month", "loop_gain": "1",
    },
    "paths": {
        "path": "number, from 1", "month": "month", "trust": "trust", "communication": "share",
        "expected_trust": "trust", "expected_communication": "share",
    },
    "ends": {
        "picture": "text", "floor": "share", "friction": "1/month", "trust_start": "trust", "expected": "trust",
        "trust": "trust", "sd": "trust", "dyads": "count", "months": "month", "steps": "count",
    },
}  # fmt: skip
"""The unit of every column of the tables. Of the simulated ends, ``expected`` is the mean field's fixed point,
``trust`` and ``sd`` are over the dyads at the end, ``months`` is time of the mean field, ``steps`` are months of the
engine for each of them."""
Tick = Callable[[int, int], None]
"""Called with the simulations that are done and their total."""


@dataclass(frozen=True)
class Place:
    """One history to simulate: the picture that it is for, its mean field, and trust at its start."""

    picture: str
    field: MeanField
    trust: float


def places(findings: Findings, shown: Sequence[Loop]) -> list[Place]:
    """Everything whose end is simulated: cells of both maps, and points of the loops, from both starts.

    Args:
        findings: of the field.
        shown: the loops that are drawn.
    """
    field, limit = findings.field, friction_limit(findings.field)
    highest = floor_limit(field)
    across = [dataclasses.replace(field, friction=float(w)) for w in limit * (np.arange(8) + 0.5) / 8.0]
    up = [float(trust) for trust in (np.arange(7) + 0.5) / 7.0]
    floors = [float(floor) for floor in highest * (np.arange(6) + 0.5) / 6.0]
    both = (LOW_START, HIGH_START)
    found = [Place("start", at, trust) for at in across for trust in up]
    found += [
        Place("floor", dataclasses.replace(at, floor=c), trust) for c in floors for at in across for trust in both
    ]
    for curve in shown:
        along = [dataclasses.replace(curve.field, friction=float(w)) for w in limit * (np.arange(11) + 0.5) / 11.0]
        found += [Place("loop", at, trust) for at in along for trust in both]
    return found


def simulate_ends(wanted: Sequence[Place], seed: int = 1, tick: Tick | None = None) -> pd.DataFrame:
    """Where the engine ends in small steps, a row a place; see :data:`UNITS`.

    Threads share the work; the rows do not depend on how many.

    Args:
        wanted: what to simulate.
        seed: of the random numbers, the same for every place.
        tick: told how many are done.
    """
    rows: list[tuple[object, ...]] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for row in pool.map(lambda place: _end(place, seed), wanted):
            rows.append(row)
            if tick:
                tick(len(rows), len(wanted))
    return pd.DataFrame(rows, columns=list(UNITS["ends"]))


def _end(place: Place, seed: int) -> tuple[object, ...]:
    field, steps = place.field, _steps(place.field, END_JUMP)
    months = max(1, min(math.ceil(SETTLED_AFTER / min(field.gain, field.speed)), MOST_STEPS // steps))
    result = simulate(mean_field_scenario(field, place.trust, months=months, steps=steps, dyads=END_DYADS), 1, seed)
    trust = result.alliances.effective[0].mean(-1)
    expected = float(settled(field, place.trust))
    mean, sd = float(trust.mean()), float(trust.std(ddof=1))
    return (
        place.picture, field.floor, field.friction, place.trust, expected, mean, sd, END_DYADS, months, steps
    )  # fmt: skip


def simulate_paths(plane: Portrait, seed: int = 1) -> Portrait:
    """The portrait with the engine's mean paths from its starts, in small steps."""
    field = plane.findings.field
    months = len(plane.months) - 1
    steps = min(_steps(field, PATH_JUMP), MOST_STEPS // months)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = pool.map(
            lambda start: simulate(mean_field_scenario(field, start[0], start[1], months, steps, PATH_DYADS), 1, seed),
            [(float(trust), float(openness)) for trust, openness in plane.starts],
        )
        return dataclasses.replace(plane, simulated=np.array([_means(result)[::steps] for result in results]))


def _means(result: Result) -> Floats:
    """Mean trust and communication over the dyads, month by month, (months + 1, 2)."""
    moments = result.moments[0, :, :2]
    return np.asarray(moments[..., 1] / moments[..., 0])


def _steps(field: MeanField, jump: float) -> int:
    """Months of the engine for each month of the field, so that no event moves trust by more than ``jump``."""
    return max(1, math.ceil(max(field.loss, field.gain) / jump))


def paths_table(plane: Portrait) -> pd.DataFrame:
    """The simulated paths beside those of the mean field, a row a start and month.

    Raises:
        ValueError: when the portrait has not been simulated.
    """
    if plane.simulated is None:
        raise ValueError("the portrait has no simulated paths: simulate_paths makes them")
    count, months = plane.simulated.shape[:2]
    return pd.DataFrame(
        {
            "path": np.repeat(np.arange(1, count + 1), months),
            "month": np.tile(plane.months, count),
            "trust": plane.simulated[..., 0].ravel(),
            "communication": plane.simulated[..., 1].ravel(),
            "expected_trust": plane.paths[..., 0].ravel(),
            "expected_communication": plane.paths[..., 1].ravel(),
        }
    )


def points_table(findings: Findings) -> pd.DataFrame:
    """The fixed points, a row each."""
    return pd.DataFrame(
        [(p.kind, p.trust, p.communication, p.rate, p.loop_gain) for p in findings.points],
        columns=list(UNITS["fixed_points"]),
    )


# ---------------------------------------------------------------------------------------------------------------
# In words
# ---------------------------------------------------------------------------------------------------------------
def sentences(findings: Findings) -> list[str]:
    """What the closed forms mean for somebody who runs an alliance, in four to six sentences."""
    return [_outcome(findings), *_how_fast(findings), *_loop_gain(findings), _friction(findings), _floor(findings)]


def _outcome(findings: Findings) -> str:
    low, high = findings.points[0], findings.points[-1]
    if findings.saddle is None:
        how = "collapses" if high.trust < 0.01 else f"ends at {high.trust:.2f}"
        return f"Trust {how} from wherever it starts: there is one outcome only."
    return (
        "Two alliances with the same partners may end apart: trust that starts above "
        f"{findings.saddle.trust:.2f}, with the openness that goes with it, ends at {high.trust:.2f}, "
        f"and trust that starts below it at {low.trust:.2f}."
    )


def _how_fast(findings: Findings) -> list[str]:
    high = findings.points[-1]
    if high.rate >= 0.0:
        return []
    half = math.log(2.0) / -high.rate
    if half > 1200.0:
        return [f"At {high.trust:.2f} trust hardly comes back after a setback: friction is at the tipping point."]
    said = f"It falls towards zero at {-high.rate:.3f} a month"
    if high.trust >= 0.01:
        setback = "a setback that leaves it above the edge" if findings.saddle else "a setback"
        said = f"After {setback} it comes back to {high.trust:.2f} at {-high.rate:.3f} a month"
    near = f", half of the way in {half:.0f} months" if half >= 1.5 else ", half of the way within about a month"
    slow = "; this slows down as the tipping point comes near, which is its warning" if findings.saddle else ""
    return [f"{said}{near}{slow}."]


def _loop_gain(findings: Findings) -> list[str]:
    saddle, high = findings.saddle, findings.points[-1]
    if saddle is None:
        return [f"The loop of trust and openness returns {high.loop_gain:.2f} of any push, so a push dies out."]
    return [
        f"The loop of trust and openness returns {high.loop_gain:.2f} of a push at the upper outcome, where it dies "
        f"out, and {saddle.loop_gain:.2f} at the edge, where it grows by itself."
    ]


def _friction(findings: Findings) -> str:
    w, own = findings.field.friction, findings.field.floor
    if not findings.folds:
        return (
            f"No friction makes trust tip here (it is at {w:.2f} a month), because so much is said whatever the trust: "
            "friction lowers trust step by step, and trust follows when friction falls again."
        )
    (down, _), (up, _) = findings.folds
    if up > 1.0:
        return f"Friction stands at {w:.2f} a month; even one incident every month would not make high trust collapse."
    where = f"Friction stands at {w:.2f} a month and high trust collapses above {up:.2f}"
    without = "" if own == 0.0 else f" ({findings.tipping_friction:.2f} without the floor)"
    back = (
        "; once trust is gone, no cut in friction alone brings it back"
        if own == 0.0
        else f"; to bring lost trust back, friction must fall below {down:.2f}"
    )
    return where + without + back + "."


def _floor(findings: Findings) -> str:
    own, critical = findings.field.floor, findings.critical_floor
    if critical >= 1.0:
        return "No openness floor removes tipping at this θ: what counts is low friction and a start above the edge."
    if own >= critical:
        return (
            f"The openness floor of {own:.2f} is above the critical {critical:.2f}: what is said whatever the trust "
            "(reviews, agreed rules for bad news) is enough to take the cliff away."
        )
    return (
        f"Make sure that at least {critical:.2f} of what matters is said whatever the trust (now {own:.2f}; reviews, "
        "agreed rules for bad news): above that floor there is no cliff at any friction."
    )
