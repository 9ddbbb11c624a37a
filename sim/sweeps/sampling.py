"""Which combinations of levels an experiment runs: the kinds of design, ranges, and points in the unit cube.

A file chooses with ``design = "grid"`` or with a table::

    [design]
    kind = "sobol"      # grid | one_at_a_time | latin_hypercube | sobol | list
    points = 128        # of the sampled kinds; of a list: tables [[design.points]]
    seed = 1            # of the sampled kinds; apart from the seed of the runs
    base = {…}          # of one_at_a_time: where the others stay; what is left out stays as in the scenario

A range is written ``{low = …, high = …}``, with ``scale = "log"`` or ``integer = true`` where wanted.

Sources: McKay, Beckman & Conover 1979, doi:10.2307/1268522 (Latin hypercube); Sobol' 1967,
doi:10.1016/0041-5553(67)90144-9, scrambled after Matoušek 1998, doi:10.1006/jcom.1998.0489. Both are SciPy's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.parameters import Parameters, Traits, meta
from sim.sweeps.levels import column_name, identity, is_number, label_problem, plain_name
from sim.text import reading
from sim.tomlfile import Key, Problem, did_you_mean, shown

Array = NDArray[np.float64]

GRID, ONE_AT_A_TIME, LATIN_HYPERCUBE, SOBOL, LIST = "grid", "one_at_a_time", "latin_hypercube", "sobol", "list"
KINDS: dict[str, tuple[str, ...]] = {
    GRID: (),
    ONE_AT_A_TIME: ("base",),
    LATIN_HYPERCUBE: ("points", "seed"),
    SOBOL: ("points", "seed"),
    LIST: ("points",),
}
"""Each kind of design with what else its table takes."""
SAMPLED = (LATIN_HYPERCUBE, SOBOL)
MAX_POINTS, MAX_DESIGN_SEED = 20_000, 2**63 - 1
DEFAULT_DESIGN_SEED = 1
SCALES = ("linear", "log")
BOUNDS: dict[str, tuple[str, str]] = {"declared": ("low", "high"), "plausible": ("plausible_low", "plausible_high")}
"""Ranges that a word stands for, and where the declaration of a parameter or trait has their ends."""
WHOLE = ("months", "organizations", "partners", "month")
"""Last parts of the keys that count whole things."""
SWITCHES = ("enabled", "market")
"""Last parts of the keys that switch something and are no parameter."""


@dataclass(frozen=True)
class Range:
    """The values from ``low`` to ``high``, both included, that a sampled factor may take.

    Attributes:
        scale: "linear", or "log" for equal chances of equal ratios.
        integer: whole numbers only, each with the same chance on a linear scale.

    Raises:
        ValueError: when it is no range; says why.
    """

    low: float
    high: float
    scale: str = "linear"
    integer: bool = False

    def __post_init__(self) -> None:
        problems = _range_problems(vars(self))
        if problems:
            raise ValueError("; ".join(problems))

    @property
    def ends(self) -> tuple[float, float]:
        """Both ends, as whole numbers when it is a range of such."""
        return (int(self.low), int(self.high)) if self.integer else (float(self.low), float(self.high))

    def at(self, shares: Array) -> list[float]:
        """Values at shares of the way from low (0) to high (1); monotone in the share.

        Args:
            shares: in [0, 1], any shape of one dimension.
        """
        high = self.high + 1 if self.integer else self.high  # each whole number has a step of its own
        if self.scale == "log":
            values = np.exp(math.log(self.low) + shares * math.log(high / self.low))
        else:
            values = self.low + shares * (high - self.low)
        values = np.clip(np.floor(values) if self.integer else values, self.low, self.high)
        return [int(value) if self.integer else float(value) for value in values]

    def plain(self) -> dict[str, Any]:
        """The table that a file would hold; :func:`read_range` reads it back."""
        more = {"scale": self.scale} if self.scale != "linear" else {}
        return {"low": self.low, "high": self.high, **more, **({"integer": True} if self.integer else {})}

    def __str__(self) -> str:
        more = [", log" if self.scale == "log" else "", ", whole" if self.integer else ""]
        return f"{self.low:.12g} to {self.high:.12g}{''.join(more)}"


Factor = tuple[Any, ...] | Range
"""The levels of a factor as written, or the range that it is sampled from."""


@dataclass(frozen=True)
class Point:
    """A point of a design that is listed: what it sets, and its name in labels ("" for "point 3")."""

    values: Mapping[str, Any]
    label: str = ""


@dataclass(frozen=True)
class Design:
    """Which combinations are run. Validate with :meth:`problems`.

    Attributes:
        kind: one of :data:`KINDS`.
        points: how many points a sampled design has; a power of two for Sobol.
        seed: of the points. Runs have their own, so that either can change alone.
        base: where one_at_a_time keeps the factors that it does not move; else they stay as in the scenario.
        listed: the points of a list.
    """

    kind: str = GRID
    points: int = 0
    seed: int = DEFAULT_DESIGN_SEED
    base: Mapping[str, Any] = field(default_factory=dict)
    listed: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "base", {column_name(key): value for key, value in self.base.items()})

    def sample(self, dimensions: int) -> Array:
        """The points of a sampled design in the unit cube, shape (points, dimensions), values in [0, 1).

        The same kind, number, seed and dimensions give the same points.
        """
        from scipy.stats import qmc  # slow to import, and only sampled designs need it

        if self.kind == LATIN_HYPERCUBE:
            drawn = qmc.LatinHypercube(dimensions, rng=np.random.default_rng(self.seed)).random(self.points)
        else:
            engine = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(self.seed))
            drawn = engine.random_base2(self.points.bit_length() - 1)
        return np.asarray(drawn, dtype=np.float64)

    def plain(self) -> dict[str, Any]:
        """The table that a file would hold; :func:`read_design` reads it back."""
        if self.kind == LIST:
            points = [{**({"label": point.label} if point.label else {}), **point.values} for point in self.listed]
            return {"kind": self.kind, "points": points}
        return {"kind": self.kind, **{name: getattr(self, name) for name in KINDS.get(self.kind, ())}}

    def problems(self) -> list[Problem]:
        """What is wrong with it by itself; whether it fits the factors is the experiment's to say."""
        if self.kind not in KINDS:
            return [Problem(("design", "kind"), f"{shown(self.kind)} is no design{did_you_mean(self.kind, KINDS)}")]
        problems: list[Problem] = []
        if self.kind in SAMPLED:
            problems += whole_problems(self.points, 2, MAX_POINTS, ("design", "points"))
            problems += whole_problems(self.seed, 0, MAX_DESIGN_SEED, ("design", "seed"))
        if self.kind == SOBOL and not problems and self.points & (self.points - 1):
            below = 2 ** (self.points.bit_length() - 1)
            reason = f"is no power of two, and only those fill the space evenly: take {below} or {2 * below}"
            problems.append(Problem(("design", "points"), f"{self.points} {reason}"))
        return problems + (_listed_problems(self.listed) if self.kind == LIST else [])


def read_range(key: str, value: Any) -> tuple[Range | tuple[Any, ...] | None, list[str]]:
    """The range of a factor as a file writes it, or what is wrong with it.

    Args:
        key: the factor; "declared" and "plausible" look up its declaration.
        value: a table ``{low, high, scale, integer}``, "declared" or "plausible".

    Returns:
        The range (for a switch and a word: its two levels), None when there are mistakes; and the mistakes.
    """
    if isinstance(value, str):
        return _range_by_word(key, value)
    known = ("low", "high", "scale", "integer")
    problems = [f"{name}: unknown key of a range{did_you_mean(name, known)}" for name in value if name not in known]
    given = {"scale": "linear", "integer": False, **{name: value[name] for name in value if name in known}}
    problems += _range_problems(given)
    whole = key.rpartition(".")[2] in WHOLE
    if not problems and whole and not given["integer"]:
        problems.append("counts whole things: add integer = true to the range")
    return (None if problems else Range(**given)), problems


def read_design(value: Any) -> tuple[Design | None, list[Problem]]:
    """A design as a file writes it: a kind, a table, or None for a grid.

    Returns:
        The design, None when its form has mistakes; and these. Values are left to :meth:`Design.problems`.
    """
    if value is None:
        return Design(), []
    if isinstance(value, str):
        named, problems = read_design({"kind": value})
        return named, [Problem(("design",), problem.message) for problem in problems]
    if not isinstance(value, dict):
        return None, [Problem(("design",), f"must be a kind of design or a table [design], got {shown(value)}")]
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        wrong = f"{shown(kind)} is no design{did_you_mean(str(kind), KINDS)}"
        missing = f"is missing: one of {', '.join(KINDS)}"
        return None, [Problem(("design", "kind"), missing if kind is None else wrong)]
    known = ("kind", *KINDS[kind])
    problems = [
        Problem(("design", name), f"is no key of a {kind} design{did_you_mean(name, known)}")
        for name in value
        if name not in known
    ]
    fields = {name: value[name] for name in KINDS[kind] if name in value}
    if kind == LIST:
        fields["listed"], unreadable = _read_listed(fields.pop("points", None))
        problems += unreadable
    elif "points" in KINDS[kind] and "points" not in fields:
        problems.append(Problem(("design", "points"), f"is missing: how many, from 2 to {MAX_POINTS}"))
    if not isinstance(fields.get("base", {}), dict):
        problems.append(Problem(("design", "base"), f"must be a table {{factor = value}}, got {shown(fields['base'])}"))
    return (None if problems else Design(kind, **fields)), problems


def _range_by_word(key: str, word: str) -> tuple[Range | tuple[Any, ...] | None, list[str]]:
    if word not in BOUNDS:
        return None, [f"{shown(word)} is no range: write {{low = …, high = …}}{did_you_mean(word, BOUNDS)}"]
    name, trait = plain_name(key), key.rpartition(".")[2]
    declared = Parameters.model_fields.get(name) or Traits.model_fields.get(trait)
    if trait in SWITCHES:
        return (False, True), []
    if declared is None:
        known = (*Parameters.model_fields, *Traits.model_fields)
        near = did_you_mean(trait, known) if trait != "mixing" else ""  # a key of its own, and no slip of monitoring
        advice = near or ": write {low = …, high = …} or levels [ … ]"
        return None, [f"has no {word} range, as parameters and traits have{advice}"]
    if declared.annotation is bool:
        return (False, True), []
    low, high = (meta(declared).get(end) for end in BOUNDS[word])
    if low is None or high is None:
        return None, [f"has no {word} range: write {{low = …, high = …}}, or 'declared' for all that is allowed"]
    return Range(low, high), []


def _range_problems(given: Mapping[str, Any]) -> list[str]:
    """What is wrong with the four fields of a range."""
    problems = []
    for name in ("low", "high"):
        if name not in given:
            problems.append(f"{name} is missing: a range is {{low = …, high = …}}")
        elif not is_number(given[name]) or not math.isfinite(given[name]):
            problems.append(f"{name} must be a number, got {shown(given[name])}")
    if given["scale"] not in SCALES:
        problems.append(f"scale: {shown(given['scale'])} is not allowed{did_you_mean(str(given['scale']), SCALES)}")
    if not isinstance(given["integer"], bool):
        problems.append(f"integer must be true or false, got {shown(given['integer'])}")
    if problems:
        return problems
    low, high = given["low"], given["high"]
    if not low < high:
        problems.append(f"low must be below high, got {low:.12g} and {high:.12g}")
    if given["scale"] == "log" and low <= 0:
        problems.append(f"a log scale needs low above 0, got {low:.12g}")
    if given["integer"] and (low != int(low) or high != int(high)):
        problems.append(f"integer needs whole ends, got {low:.12g} and {high:.12g}")
    return problems


def _read_listed(rows: Any) -> tuple[tuple[Point, ...], list[Problem]]:
    at: Key = ("design", "points")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        missing = "is missing: list points as tables [[design.points]]"
        return (), [Problem(at, missing if rows is None else f"must be tables [[design.points]], got {shown(rows)}")]
    points, problems, met = [], [], set()
    for k, row in enumerate(rows):
        label = row.get("label", "")
        if "label" in row and label_problem(label):
            problems.append(Problem((*at, k, "label"), label_problem(label)))
        points.append(Point({column_name(key): value for key, value in row.items() if key != "label"}, str(label)))
        text = identity(points[-1].values)
        if text in met:
            problems.append(Problem((*at, k), "sets the same as an earlier point"))
        met.add(text)
    return tuple(points), problems + (_listed_problems(points) if problems else [])  # else the design itself is asked


def _listed_problems(points: Sequence[Point]) -> list[Problem]:
    """Lists without points, points that leave out what others set, and labels that come twice."""
    if not points:
        return [Problem(("design", "points"), "has no points: list at least one")]
    problems = []
    names = dict.fromkeys(name for point in points for name in point.values)
    labels: set[str] = set()
    for k, point in enumerate(points):
        at: Key = ("design", "points", k)
        missing = [name for name in names if name not in point.values]
        if missing:
            problems.append(Problem(at, f"does not set {', '.join(missing)}: every point sets the same factors"))
        if point.label and reading(point.label) in labels:
            problems.append(Problem((*at, "label"), f"{point.label!r} is already the label of another point"))
        labels.add(reading(point.label))
    if not names:
        problems.append(Problem(("design", "points"), "set nothing: write factor = value in each"))
    return problems


def whole_problems(value: Any, low: int, high: int, at: Key) -> list[Problem]:
    """Why a value is no whole number from ``low`` to ``high``; empty when it is one."""
    if isinstance(value, bool) or not isinstance(value, int):
        return [Problem(at, f"must be a whole number from {low} to {high}, got {shown(value)}")]
    if not low <= value <= high:
        return [Problem(at, f"{value} is out of range: from {low} to {high}")]
    return []
