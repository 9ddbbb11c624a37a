"""The design of an experiment: what is varied, what is fixed, what is measured, and the finding expected beforehand.

A file holds::

    title = "Culture clash"
    question = "What does …?"
    expected = "What should come out, written before the first run."
    scenarios = ["baseline", "culture_clash"]   # names or paths; the first is the reference
    replicates = 200                            # optional
    seed = 1                                    # optional
    outcomes = ["value", "trust"]               # optional: what the summary leads with
    design = "grid"                             # optional; or a table: see sim.sweeps.sampling
    precision = {trust = 0.01}                  # optional: half-width of every cell's 95% interval …
    max_replicates = 2000                       # … with at most so many replicates

    [constants]                                 # optional: for every cell; keys as in `sim.scenario.override`
    months = 120
    "events.crash.enabled" = false              # a name with dots stands in quotes

    [levers]                                    # optional: what the decision maker chooses
    relational_investment = [0.3, 0.6, 1.0]

    [uncertainties]                             # optional: what nobody knows
    trust_gain = {low = 0.02, high = 0.08}      # a range, for designs that sample
    openness = [{normal = [0.4, 0.1]}, {label = "open", value = {normal = [0.8, 0.1]}}]

    [factors]                                   # optional: varied, without saying by whom

Levers, uncertainties and factors are all factors; the table is a factor's role. A level may be any value that a
scenario file takes there. ``{label = …, value = …}`` gives a level a name of its own. The roles are those of Kwakkel
2017, doi:10.1016/j.envsoft.2017.06.054 (EMAworkbench). All mistakes are reported at once as
``file:line: key: what is wrong``.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sim import library
from sim.dynamics.outcomes import OUTCOMES
from sim.parameters import Parameters, Traits
from sim.scenario import Scenario, load, override
from sim.sweeps.levels import Level, column_name, is_name, is_number, level_problems, levels_of, plain_name
from sim.sweeps.sampling import (
    GRID,
    LIST,
    MAX_POINTS,
    ONE_AT_A_TIME,
    SAMPLED,
    Array,
    Design,
    Point,
    Range,
    read_design,
    read_range,
)
from sim.tomlfile import BadFile, Key, Problem, did_you_mean, read

TEXTS = ("title", "question", "expected")
ROLES = {"levers": "a lever", "uncertainties": "an uncertainty", "factors": "a factor"}
"""The tables of factors, in the order in which factors are crossed: the first changes slowest."""
CONSTANTS = ("constants", "settings")
"""The table of constants, and its older name."""
TOP = (
    *TEXTS, "scenarios", "replicates", "max_replicates", "seed", "outcomes", "precision", "design", *CONSTANTS, *ROLES,
)  # fmt: skip
MAX_REPLICATES, MAX_CELLS, MAX_SEED = 10_000_000, MAX_POINTS, 2**63 - 1
"""A cell keeps its whole scenario, some 7 kB."""
DEFAULT_REPLICATES, DEFAULT_SEED, DEFAULT_BATCHES = 100, 1, 20
DEFAULT_OUTCOMES = ("value", "trust", "survived")
"""What the summary leads with when the file does not say."""

Factor = tuple[Any, ...] | Range
"""The levels of a factor as written, or the range that it is sampled from."""


@dataclass(frozen=True)
class Cell:
    """One scenario with one combination of levels; ``factors`` holds the levels as the tables show them."""

    index: int
    label: str
    scenario_name: str
    factors: dict[str, Any]
    scenario: Scenario


@dataclass(frozen=True)
class Experiment:
    """Scenarios × combinations of factors × replicates. Make one with :func:`load_experiment` or :func:`experiment_of`.

    Attributes:
        scenarios: the first one is the reference of every comparison.
        outcomes: names in :data:`sim.dynamics.outcomes.OUTCOMES` that the summary leads with.
        settings: the constants, applied to every cell; keys as in :func:`sim.scenario.override`.
        factors: levels of each factor as written, or its range. A factor that shares its name with an outcome is named
            with its table (``parameters.synergy``), so that a table can hold both.
        levers: the factors that the decision maker chooses.
        uncertainties: the factors that nobody knows. A factor in neither has no role; designs treat it as these.
        design: which combinations of the factors are run.
        precision: outcome → wanted half-width of the 95% interval of every cell's mean, in the outcome's unit; empty
            for a fixed number of replicates.
        max_replicates: with a precision, replicates come in batches of ``replicates`` until every interval is narrow
            enough, and at most this many (0: 20 batches); without one it equals ``replicates``.
        written: the file's own content, its constants under "settings"; empty when it was not read from a file.
        source: the name or path that :command:`alliance sweep` finds the file by; empty without a file.
    """

    name: str
    title: str
    question: str
    expected: str
    scenarios: tuple[Scenario, ...]
    replicates: int = DEFAULT_REPLICATES
    seed: int = DEFAULT_SEED
    outcomes: tuple[str, ...] = DEFAULT_OUTCOMES
    settings: dict[str, Any] = field(default_factory=dict)
    factors: dict[str, Factor] = field(default_factory=dict)
    levers: tuple[str, ...] = ()
    uncertainties: tuple[str, ...] = ()
    design: Design = field(default_factory=Design)
    precision: Mapping[str, float] = field(default_factory=dict)
    max_replicates: int = 0
    written: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        named = {
            column_name(factor): levels if isinstance(levels, Range) else tuple(levels)
            for factor, levels in self.factors.items()
        }
        listed = [point.values for point in self.design.listed]
        for name in dict.fromkeys(name for values in listed for name in values):
            if name not in named:
                named[name] = _distinct([values[name] for values in listed if name in values])
        object.__setattr__(self, "factors", named)
        for role in ("levers", "uncertainties"):
            object.__setattr__(self, role, tuple(map(column_name, getattr(self, role))))
        if not self.precision:
            object.__setattr__(self, "max_replicates", self.replicates)
        elif self.max_replicates == 0 and isinstance(self.replicates, int):
            object.__setattr__(self, "max_replicates", min(DEFAULT_BATCHES * self.replicates, MAX_REPLICATES))

    @property
    def sampled(self) -> tuple[str, ...]:
        """The factors that are not levers: those that a sampled design draws, in the order of a sample's columns."""
        return tuple(factor for factor in self.factors if factor not in self.levers)

    def cells(self) -> tuple[Cell, ...]:
        """Every cell, scenario by scenario; within one, the last factor or the point changes fastest."""
        return self._cells

    def levels(self, factor: str) -> tuple[Level, ...]:
        """The levels of a factor, in the order of the file; a range is one entry, shown as "0.1 to 0.9"."""
        levels = self.factors[factor]
        if isinstance(levels, Range):
            return (Level(f"{factor} from {levels}", levels, str(levels)),)
        return levels_of(factor, levels)

    def replace(self, **fields: Any) -> Experiment:
        """A variant with other fields, validated: ``experiment.replace(replicates=50, seed=7)``.

        Raises:
            BadFile: with every mistake.
        """
        if not self.precision:  # then there was no limit to keep
            fields = {"max_replicates": 0, **fields}
        changed = dataclasses.replace(self, **fields)
        problems = _check(changed)
        if problems:
            raise BadFile(self.name, problems)
        return changed

    def with_settings(self, settings: Mapping[str, Any]) -> Experiment:
        """A variant with more settings for every cell; they come after the experiment's own.

        Raises:
            BadFile: when a key is unknown, is a factor of this experiment, or a value is out of range.
        """
        names = {plain_name(key) for key in settings}
        kept = {key: value for key, value in self.settings.items() if plain_name(key) not in names}
        return self.replace(settings={**kept, **settings})

    def with_points(self, points: Array | Sequence[Mapping[str, Any]], labels: Sequence[str] = ()) -> Experiment:
        """A variant that runs these points and no others, each with every combination of levers.

        A sample of SALib runs so::

            problem = {"num_vars": 2, "names": experiment.sampled, "bounds": [[0, 1], [0, 1]]}
            experiment.with_points(experiment.scaled(SALib.sample.sobol.sample(problem, 64)))

        Args:
            points: values of the factors in :attr:`sampled`, in their own units: an array, shape (points, factors), or
                a mapping for each point.
            labels: a name for each point; "point 1", "point 2" … without them.

        Raises:
            BadFile: when a value is outside the factor's range, or the model does not take it.
            ValueError: when the shape does not fit.
        """
        rows = points if isinstance(points, Sequence) else self._rows(np.asarray(points, dtype=np.float64))
        if labels and len(labels) != len(rows):
            raise ValueError(f"{len(labels)} labels for {len(rows)} points")
        names = labels or [""] * len(rows)
        listed = [
            Point({column_name(key): value for key, value in row.items()}, label)
            for row, label in zip(rows, names, strict=True)
        ]
        return self.replace(design=Design(LIST, listed=tuple(listed)))

    def scaled(self, unit: Array) -> tuple[dict[str, Any], ...]:
        """Points of the unit cube as values of the factors in :attr:`sampled`: along each range, over equal shares of
        a list of levels.

        Args:
            unit: shape (points, factors), in [0, 1].

        Raises:
            ValueError: when the shape does not fit or a value is not in [0, 1].
        """
        return tuple({name: level.value for name, level in row.items()} for row in self._scaled(unit))

    def describe(self) -> str:
        """The design in a line: kind, points, levers × uncertainties, scenarios, cells."""
        parts = [f"{_count(len(self.scenarios), 'scenario')} = {_count(len(self.cells()), 'cell')}"]
        kind = self.design.kind
        others = "uncertainties" if set(self.sampled) <= set(self.uncertainties) else "factors"
        if kind == GRID:
            parts[:0] = [f"{factor} ({_count(len(self.levels(factor)), 'level')})" for factor in self.factors]
        elif kind == ONE_AT_A_TIME:
            parts.insert(0, f"a base and {_count(len(self.factors), 'factor')} moved alone")
        else:
            over = self.sampled[0] if len(self.sampled) == 1 else f"{len(self.sampled)} {others}"
            points = self.design.points or len(self.design.listed)
            parts.insert(0, f"{_count(points, 'point')} over {over}")
            if self.levers:
                levers = math.prod(len(self.levels(lever)) for lever in self.levers)
                parts.insert(0, f"{_count(levers, 'combination')} of {_count(len(self.levers), 'lever')}")
        return f"{kind.replace('_', ' ')}: {' × '.join(parts)}"

    def plain(self) -> dict[str, Any]:
        """The design as a manifest records it. Each part is as a file would hold it, words for ranges resolved."""
        return {
            "scenarios": list(_unique([scenario.name for scenario in self.scenarios])),
            "replicates": self.replicates,
            "max_replicates": self.max_replicates,
            "precision": dict(self.precision),
            "seed": self.seed,
            "settings": copy.deepcopy(self.settings),
            "factors": {
                key: levels.plain() if isinstance(levels, Range) else list(copy.deepcopy(levels))
                for key, levels in self.factors.items()
            },
            "levers": list(self.levers),
            "uncertainties": list(self.uncertainties),
            "design": copy.deepcopy(self.design.plain()),
        }

    def digest(self) -> str:
        """SHA-256 in hex of all that decides the results but the code: resolved cells, replicates, precision, seed."""
        design: list[Any] = [self.replicates, self.seed, [_fingerprint(cell.scenario) for cell in self.cells()]]
        if self.precision:
            design += [self.max_replicates, sorted(self.precision.items())]
        return hashlib.sha256(json.dumps(design).encode()).hexdigest()

    @cached_property
    def _cells(self) -> tuple[Cell, ...]:
        names = _unique([scenario.name for scenario in self.scenarios])
        cells: list[Cell] = []
        for k, name in enumerate(names):
            for combination in self._combinations(k):
                cells.append(
                    Cell(
                        index=len(cells),
                        label=" · ".join(part for part in (name, combination.label) if part),
                        scenario_name=name,
                        factors=combination.shown,
                        scenario=self._bases[k].with_settings(combination.values),
                    )
                )
        return tuple(cells)

    @cached_property
    def _bases(self) -> tuple[Scenario, ...]:
        """The scenarios with the constants in them."""
        return tuple(scenario.with_settings(self.settings) for scenario in self.scenarios)

    def _combinations(self, scenario: int) -> Iterator[_Combination]:
        """What each cell of a scenario sets, in the order of the cells."""
        if self.design.kind == GRID:
            yield from _grid({factor: self.levels(factor) for factor in self.factors})
        elif self.design.kind == ONE_AT_A_TIME:
            yield from self._one_at_a_time(scenario)
        else:
            for chosen in _grid({lever: self.levels(lever) for lever in self.levers}):
                yield from (chosen & point for point in self._points)

    @cached_property
    def _points(self) -> tuple[_Combination, ...]:
        """The points that every combination of levers meets."""
        if self.design.kind != LIST:
            rows = self._scaled(self.design.sample(len(self.sampled)))
            return tuple(_combination(f"point {k}", row) for k, row in enumerate(rows, start=1))
        listed = self.design.listed
        columns = {name: levels_of(name, [point.values[name] for point in listed]) for name in listed[0].values}
        return tuple(
            _combination(
                point.label or f"point {k + 1}",
                {name: levels[k] for name, levels in columns.items()},
                ("design", "points", k),
            )
            for k, point in enumerate(listed)
        )

    def _one_at_a_time(self, scenario: int) -> Iterator[_Combination]:
        """The base, then each factor at each of its levels but the base's own."""
        moves, own = {}, {}
        for factor in self.factors:
            moves[factor], bases = self._moves(factor)
            own[factor] = bases[scenario]
        given = {factor: own[factor] for factor in self.design.base}
        shown = {factor: level.shown for factor, level in own.items()}
        base = _combination("base", given, ("design", "base"))
        yield dataclasses.replace(base, shown=shown)
        for factor, levels in moves.items():
            for level in levels:
                if level.value != own[factor].value:
                    moved = _combination(level.label, {**given, factor: level})
                    yield dataclasses.replace(moved, shown={**shown, factor: level.shown})

    def _moves(self, factor: str) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """The levels of a factor, and its base in each scenario, all shown as one column of a table."""
        levels = self.factors[factor]
        written = levels.ends if isinstance(levels, Range) else levels
        bases = [self.design.base.get(factor, _own_value(base, factor)) for base in self._bases]
        together = levels_of(factor, [*written, *bases])
        return together[: len(written)], together[len(written) :]

    def _scaled(self, unit: Array) -> Iterator[dict[str, Level]]:
        """As :meth:`scaled`, with how the tables show each value."""
        shares = np.asarray(unit, dtype=np.float64)
        if shares.ndim != 2 or shares.shape[1] != len(self.sampled):
            raise ValueError(f"points have shape {shares.shape}; needed is (points, {len(self.sampled)})")
        if not ((shares >= 0) & (shares <= 1)).all():
            raise ValueError("points of the unit cube lie in [0, 1]")
        columns = [self._along(factor, shares[:, k]) for k, factor in enumerate(self.sampled)]
        return (dict(zip(self.sampled, row, strict=True)) for row in zip(*columns, strict=True))

    def _along(self, factor: str, shares: Array) -> list[Level]:
        """The values of a factor at shares of its range or list of levels."""
        levels = self.factors[factor]
        if isinstance(levels, Range):
            return [Level("", value, value) for value in levels.at(shares)]
        listed = self.levels(factor)
        return [listed[min(int(share * len(listed)), len(listed) - 1)] for share in shares]

    def _rows(self, matrix: Array) -> list[dict[str, Any]]:
        """A matrix of values as a dictionary for each row, whole numbers where the range is of such."""
        if matrix.ndim != 2 or matrix.shape[1] != len(self.sampled):
            raise ValueError(f"points have shape {matrix.shape}; needed is (points, {len(self.sampled)})")
        whole = [isinstance(levels, Range) and levels.integer for levels in map(self.factors.get, self.sampled)]
        return [
            {
                name: int(value) if is_whole and value == int(value) else float(value)
                for name, value, is_whole in zip(self.sampled, row, whole, strict=True)
            }
            for row in matrix
        ]


@dataclass(frozen=True)
class _Combination:
    """What a cell sets on top of its scenario: its part of the label, values, what the tables show, place in the file.

    ``key`` is where the file has the values when it is not with the factors: the base, or a point of a list.
    """

    label: str
    values: dict[str, Any]
    shown: dict[str, Any]
    key: Key = ()

    def __and__(self, other: _Combination) -> _Combination:
        label = " · ".join(part for part in (self.label, other.label) if part)
        return _Combination(label, {**self.values, **other.values}, {**self.shown, **other.shown}, other.key)


def load_experiment(path: Path | str) -> Experiment:
    """Read an experiment file and the scenarios that it names.

    Names of scenarios are looked up as everywhere (:func:`sim.library.find`); a path is taken from the folder of the
    experiment file first, then from where you stand.

    Raises:
        BadFile: when it, or a scenario in it, cannot be read or has mistakes.
    """
    data, lines = read(path)
    draft = _Draft(data, Path(path))
    experiment = draft.experiment()
    problems = draft.problems + draft.in_the_file(_check(experiment, draft.is_whole))
    if problems:
        raise BadFile(path, problems, lines)
    return experiment


def experiment_of(
    scenarios: Sequence[Scenario], replicates: int, seed: int, name: str, outcomes: Sequence[str] = ()
) -> Experiment:
    """Scenarios side by side, without factors; the first is the reference.

    Raises:
        BadFile: when a number is out of range or an outcome is unknown.
    """
    named = " and ".join(dict.fromkeys(scenario.title for scenario in scenarios))
    draft = Experiment(
        name=name,
        title=f"Compared: {named}",
        question=f"What differs between {named}?",
        expected="Not said beforehand.",
        scenarios=tuple(scenarios),
    )
    return draft.replace(replicates=replicates, seed=seed, outcomes=tuple(outcomes) or DEFAULT_OUTCOMES)


# ---------------------------------------------------------------------------------------------------------------
# From a file's plain data
# ---------------------------------------------------------------------------------------------------------------
class _Draft:
    """Reads the form of an experiment file and gathers mistakes on the way. Values are left to :func:`_check`."""

    def __init__(self, data: Mapping[str, Any], path: Path) -> None:
        self.data, self.path = data, path
        self.problems = [Problem((key,), f"unknown key{did_you_mean(key, TOP)}") for key in data if key not in TOP]
        self.places: dict[Key, Key] = {}
        """Where the file has what an :class:`Experiment` holds under another key."""
        self.is_whole = True
        """False when the design or a factor cannot be read, so that nothing can be said of how they fit."""

    def wrong(self, key: Key, message: str) -> None:
        self.problems.append(Problem(key, message))

    def experiment(self) -> Experiment:
        """The experiment as written, with defaults in place of what cannot be read."""
        data = self.data
        texts = {name: self.text(name) for name in TEXTS}
        scenarios, unreadable = _load_scenarios(data.get("scenarios"), self.path.parent)
        self.problems += unreadable
        constants = self.constants()
        factors, roles = self.factors()
        design, mistakes = read_design(data.get("design"))
        self.problems += mistakes
        self.is_whole = self.is_whole and design is not None
        for name in design.listed[0].values if design and design.listed else ():
            self.places.setdefault(("factors", name), ("design", "points", 0, name))
        precision = self.table("precision")
        if "max_replicates" in data and not data.get("precision"):
            self.wrong(
                ("max_replicates",), "goes with a precision, as precision = {trust = 0.01}: add one or drop this"
            )
        elif data.get("max_replicates") == 0:
            self.wrong(("max_replicates",), f"0 is out of range: from 1 to {MAX_REPLICATES}")
        return Experiment(
            name=self.path.stem,
            **texts,
            scenarios=tuple(scenarios),
            replicates=data.get("replicates", DEFAULT_REPLICATES),
            seed=data.get("seed", DEFAULT_SEED),
            outcomes=self.outcomes(),
            settings=constants,
            factors=factors,
            levers=roles["levers"],
            uncertainties=roles["uncertainties"],
            design=design or Design(),
            precision=precision,
            max_replicates=data.get("max_replicates", 0),
            written={**data, "settings": constants},
            source=_source(self.path),
        )

    def in_the_file(self, problems: Sequence[Problem]) -> list[Problem]:
        """The problems of an experiment, laid at the tables in which the file has things."""
        return [Problem(self.place(problem.key), problem.message) for problem in problems]

    def place(self, key: Key) -> Key:
        for length in range(len(key), 0, -1):
            if key[:length] in self.places:
                return (*self.places[key[:length]], *key[length:])
        return key

    def text(self, name: str) -> str:
        if name not in self.data:
            self.wrong((name,), "is missing: say it in a sentence")
            return ""
        found = self.data[name]
        if not isinstance(found, str) or not found.strip():
            self.wrong((name,), f"must be text that is not empty, got {found!r}")
        return str(found)

    def table(self, name: str) -> dict[str, Any]:
        found = self.data.get(name, {})
        if isinstance(found, dict):
            return dict(found)
        self.wrong((name,), f"must be a table [{name}], got {found!r}")
        return {}

    def outcomes(self) -> tuple[Any, ...]:
        found = self.data.get("outcomes", list(DEFAULT_OUTCOMES))
        if isinstance(found, list) and found:
            return tuple(found)
        self.wrong(("outcomes",), f"must be a list of outcomes that is not empty, got {found!r}")
        return ()

    def constants(self) -> dict[str, Any]:
        given = [name for name in CONSTANTS if name in self.data]
        if len(given) == 2:
            self.wrong(("settings",), "is the older name of [constants]: keep one table")
        found = self.table(given[0] if given else CONSTANTS[0])
        if given:
            self.places["settings",] = (given[0],)
        return found

    def factors(self) -> tuple[dict[str, Factor], dict[str, tuple[str, ...]]]:
        """The factors of all roles by their names in tables, and the names by role."""
        found: dict[str, Factor] = {}
        roles: dict[str, tuple[str, ...]] = {}
        taken: dict[str, str] = {}
        for role in ROLES:
            roles[role] = ()
            for key, written in self.table(role).items():
                levels = self.factor((role, key), written)
                self.is_whole = self.is_whole and levels is not None
                name, plain = column_name(key), plain_name(key)
                if plain in taken:
                    self.wrong((role, key), f"is already {ROLES[taken[plain]]}: keep one of them")
                elif levels is not None:
                    found[name] = levels
                    roles[role] += (name,)
                    self.places["factors", name] = (role, key)
                taken.setdefault(plain, role)
        tables = [role for role in ("design", *ROLES) if role in self.data]
        if tables and "factors" not in self.data:
            self.places["factors",] = (tables[-1],)
        return found, roles

    def factor(self, at: tuple[str, str], written: Any) -> Factor | None:
        """The levels or the range of a factor; None when it is neither."""
        if isinstance(written, list):
            return tuple(written)
        is_range = isinstance(written, str) or (isinstance(written, dict) and {"low", "high"} & set(written))
        if is_range:
            found, messages = read_range(at[1], written)
            self.problems += [Problem(at, message) for message in messages]
            return found
        if isinstance(written, dict) and not is_name(at[1]):
            self.wrong(at, _QUOTES)
        else:
            self.wrong(at, f"must be a list of levels, got {written!r}: write [ … ], or a range {{low = …, high = …}}")
        return None


def _load_scenarios(names: Any, folder: Path) -> tuple[list[Scenario], list[Problem]]:
    at: Key = ("scenarios",)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        missing = "is missing: name at least one scenario" if names is None else None
        return [], [Problem(at, missing or f"must be a list of names or paths that is not empty, got {names!r}")]
    scenarios, problems = [], []
    for k, name in enumerate(names):
        if name in names[:k]:
            problems.append(Problem(at, f"{name!r} is listed twice"))
            continue
        try:
            scenarios.append(load(_find_scenario(name, folder)))
        except BadFile as error:
            unreadable = all(not problem.key for problem in error.problems)
            reports = [f"{name!r}: {p.message}" for p in error.problems] if unreadable else error.reports()
            problems += [Problem(at, report) for report in reports]
    return scenarios, problems


def _find_scenario(name: str, folder: Path) -> Path:
    beside = folder / name
    return beside if name.endswith(".toml") and beside.is_file() else library.find("scenarios", name)


def _source(path: Path) -> str:
    """The short name of an experiment file when the library finds that very file by it, else its path."""
    known = library.available("experiments").get(path.stem)
    return path.stem if known is not None and known.resolve() == path.resolve() else str(path)


# ---------------------------------------------------------------------------------------------------------------
# Checking values
# ---------------------------------------------------------------------------------------------------------------
_QUOTES = 'is a table: write a name with dots in quotes, as in "events.crash.enabled" = …'


def _check(experiment: Experiment, whole: bool = True) -> list[Problem]:
    """Every mistake in an experiment's values; ``whole`` is False when its design or a factor could not be read."""
    problems = _whole_problems(experiment) + _outcome_problems(experiment) + _precision_problems(experiment)
    sound: dict[str, Factor] = {}
    for factor, levels in experiment.factors.items():
        wrong = [] if isinstance(levels, Range) else level_problems(factor, levels)
        problems += [Problem(("factors", factor), message) for message in wrong]
        if not wrong:
            sound[factor] = levels
    problems += _name_problems(experiment) + _role_problems(experiment)
    misfits = experiment.design.problems() or (_fit_problems(experiment) if whole else [])
    whole = whole and not misfits
    too_many = _size_problems(experiment, sound) if whole else []
    return problems + misfits + (too_many or _cell_problems(experiment, sound, whole))


def _whole_problems(experiment: Experiment) -> list[Problem]:
    problems = []
    bounds = [("replicates", 1, MAX_REPLICATES), ("seed", 0, MAX_SEED)]
    bounds += [("max_replicates", 1, MAX_REPLICATES)] if experiment.precision else []
    for name, low, high in bounds:
        value = getattr(experiment, name)
        if isinstance(value, bool) or not isinstance(value, int):
            problems.append(Problem((name,), f"must be a whole number from {low} to {high}, got {value!r}"))
        elif not low <= value <= high:
            problems.append(Problem((name,), f"{value} is out of range: from {low} to {high}"))
    return problems


def _outcome_problems(experiment: Experiment) -> list[Problem]:
    at: Key = ("outcomes",)
    problems = []
    for k, name in enumerate(experiment.outcomes):
        if not isinstance(name, str) or name not in OUTCOMES:
            problems.append(Problem(at, f"{name!r} is no outcome{did_you_mean(str(name), OUTCOMES)}"))
        elif name in experiment.outcomes[:k]:
            problems.append(Problem(at, f"{name!r} is listed twice"))
    return problems


def _precision_problems(experiment: Experiment) -> list[Problem]:
    problems = []
    for name, width in experiment.precision.items():
        at: Key = ("precision", name)
        if name not in OUTCOMES:
            problems.append(Problem(at, f"is no outcome{did_you_mean(name, OUTCOMES)}"))
        elif not is_number(width) or not 0 < width < math.inf:
            problems.append(Problem(at, f"must be a half-width above 0, in the unit of {name}, got {width!r}"))
    batch, most = experiment.replicates, experiment.max_replicates
    if experiment.precision and isinstance(batch, int) and isinstance(most, int):
        if batch == 1:
            problems.append(Problem(("replicates",), "a precision needs at least 2 in a batch, to see how runs differ"))
        elif 0 < most < batch:
            problems.append(Problem(("max_replicates",), f"{most} is less than one batch (replicates = {batch})"))
    return problems


def _name_problems(experiment: Experiment) -> list[Problem]:
    """Constants and factors that name the same thing twice."""
    problems = []
    seen: dict[str, str] = {}
    for table, keys in (("settings", experiment.settings), ("factors", experiment.factors)):
        for key in keys:
            name = plain_name(key)
            if name in seen:
                where = "a constant" if seen[name] == "settings" else "a factor"
                problems.append(Problem((table, key), f"is already {where}: keep one of them"))
            seen.setdefault(name, table)
    return problems


def _role_problems(experiment: Experiment) -> list[Problem]:
    """Roles of what is no factor; only Python code can say such a thing."""
    return [
        Problem((role,), f"{name!r} is no factor of this experiment")
        for role in ("levers", "uncertainties")
        for name in getattr(experiment, role)
        if name not in experiment.factors
    ]


def _fit_problems(experiment: Experiment) -> list[Problem]:
    """Why the design does not fit the factors."""
    design, at = experiment.design, ("design",)
    ranges = [factor for factor, levels in experiment.factors.items() if isinstance(levels, Range)]
    if design.kind == GRID:
        sampled = "a grid needs levels: list them, or sample with [design] kind = 'sobol'"
        return [Problem(("factors", factor), sampled) for factor in ranges]
    if design.kind == ONE_AT_A_TIME:
        if not experiment.factors:
            return [Problem(at, "one_at_a_time needs factors: [levers], [uncertainties] or [factors]")]
        return [
            Problem(("design", "base", key), f"is no factor here{did_you_mean(key, experiment.factors)}")
            for key in design.base
            if key not in experiment.factors
        ]
    if not experiment.sampled:
        return [Problem(at, f"{design.kind} needs factors besides levers: [uncertainties] or [factors]")]
    needs_levels = "a lever needs levels, since levers form a grid: list them, or make it an uncertainty to sample it"
    problems = [Problem(("factors", factor), needs_levels) for factor in ranges if factor in experiment.levers]
    return problems + (_point_problems(experiment) if design.kind == LIST else [])


def _point_problems(experiment: Experiment) -> list[Problem]:
    """Listed points that do not fit the factors declared beside them."""
    listed = experiment.design.listed
    at: Key = ("design", "points")
    problems = [
        Problem((*at, 0, name), "is a lever, and every combination of levers meets every point: keep one of them")
        for name in listed[0].values
        if name in experiment.levers
    ]
    for factor in experiment.sampled:
        levels = experiment.factors[factor]
        if factor not in listed[0].values:
            problems.append(Problem(("factors", factor), "is not set by the points"))
        elif isinstance(levels, Range):
            values = [point.values[factor] for point in listed]
            beyond = [
                k for k, value in enumerate(values) if is_number(value) and not levels.low <= value <= levels.high
            ]
            if beyond:
                times = f" ({_count(len(beyond), 'point')})" if len(beyond) > 1 else ""
                message = f"{values[beyond[0]]:.12g} is outside its range, {levels}{times}"
                problems.append(Problem((*at, beyond[0], factor), message))
    return problems


def _size_problems(experiment: Experiment, sound: Mapping[str, Factor]) -> list[Problem]:
    """More cells than can be kept."""
    sizes = {factor: 2 if isinstance(levels, Range) else len(levels) for factor, levels in sound.items()}
    design, at, fewer = experiment.design, ("factors",), "levels"
    if design.kind == GRID:
        each = math.prod(sizes.values())
    elif design.kind == ONE_AT_A_TIME:
        each = 1 + sum(sizes.values())
    else:
        points = design.points if design.kind in SAMPLED else len(design.listed)
        each = points * math.prod(sizes.get(lever, 1) for lever in experiment.levers)
        at, fewer = ("design",), "points or levels of levers"
    count = len(experiment.scenarios) * each
    return [Problem(at, f"make {count} cells; at most {MAX_CELLS}: take fewer {fewer}")] if count > MAX_CELLS else []


def _cell_problems(experiment: Experiment, sound: Mapping[str, Factor], whole: bool) -> list[Problem]:
    """Try the cells; each distinct mistake once, with the scenarios that have it when not all do."""
    found: dict[Problem, list[str]] = {}
    for scenario in experiment.scenarios:
        for problem in _problems_in(experiment, scenario, sound, whole):
            names = found.setdefault(problem, [])
            if scenario.name not in names:
                names.append(scenario.name)
    everywhere = len({scenario.name for scenario in experiment.scenarios})
    return [
        problem
        if len(names) == everywhere
        else Problem(problem.key, f"{problem.message} (in scenario {', '.join(names)})")
        for problem, names in found.items()
    ]


def _problems_in(
    experiment: Experiment, scenario: Scenario, sound: Mapping[str, Factor], whole: bool
) -> Iterator[Problem]:
    """The mistakes in one scenario's cells, as far as names, constants and design allow to build them."""
    settings = experiment.settings
    unknown = {("settings", key): _unknown(scenario, key, settings[key]) for key in settings}
    unknown |= {("factors", key): _unknown(scenario, key, None) for key in sound}
    yield from (Problem(key, message) for key, message in unknown.items() if message)
    settings = {key: value for key, value in settings.items() if not unknown["settings", key]}
    factors = {key: levels for key, levels in sound.items() if not unknown["factors", key]}
    try:
        base = scenario.with_settings(settings)
    except BadFile as error:
        yield from _traced(error, lambda key: ("settings", key), settings, ("settings",))
        return
    complete = whole and (experiment.design.kind == GRID or len(factors) == len(experiment.factors))
    for combinations, alike in _trials(experiment, scenario, settings, factors, complete):
        problems = list(_problems_of(experiment, base, combinations, alike))
        yield from problems
        if problems:
            return


def _trials(
    experiment: Experiment, scenario: Scenario, settings: dict[str, Any], factors: dict[str, Factor], complete: bool
) -> Iterator[tuple[Iterator[_Combination], bool]]:
    """The combinations to try, and whether two of them may make the same cell; the next when these are without mistake.

    Parameters and traits are bounded one by one, so that a sample is within them when the ends of its ranges are: then
    the corners are enough. Other keys (months, partners, events) hang together, and every cell is tried.
    """
    one = dataclasses.replace(
        experiment,
        scenarios=(scenario,),
        settings=settings,
        factors=factors,
        levers=tuple(lever for lever in experiment.levers if lever in factors),
        uncertainties=(),
    )
    kind, apart = experiment.design.kind, {factor: levels for factor, levels in factors.items() if is_name(factor)}
    if not complete:
        yield _corners(apart), False
    elif kind in SAMPLED:
        yield _corners(apart), False
        if len(apart) < len(factors):
            yield one._combinations(0), True
    else:
        yield one._combinations(0), kind == LIST


def _corners(factors: Mapping[str, Factor]) -> Iterator[_Combination]:
    """All factors at their first level or low end, then each alone at each of its other levels or its high end."""
    levels = {
        factor: levels_of(factor, written.ends if isinstance(written, Range) else written)
        for factor, written in factors.items()
    }
    first = {factor: each[0] for factor, each in levels.items()}
    yield _combination("every factor at its first", first)
    for factor, each in levels.items():
        yield from (_combination(level.label, {**first, factor: level}) for level in each[1:])


def _problems_of(
    experiment: Experiment, base: Scenario, combinations: Iterator[_Combination], alike: bool
) -> Iterator[Problem]:
    """The mistakes in cells that are built in full; ``alike``: two may be the same."""
    cells: dict[str, str] = {}
    for combination in combinations:
        try:
            cell = base.with_settings(combination.values)
        except BadFile as error:
            place = _placer(experiment, combination)
            yield from _traced(error, place, combination.values, combination.key or ("factors",))
            if combination.key == ("design", "base"):
                return  # every other cell would have the same mistakes
            continue
        if not alike:
            same = cells.setdefault(_fingerprint(cell), combination.label)
            if same != combination.label:
                message = f"{same!r} and {combination.label!r} are the same: one factor undoes another"
                yield Problem(("factors",), message)


def _placer(experiment: Experiment, combination: _Combination) -> Callable[[str], Key]:
    """Where the file has the value of a factor in a combination."""

    def place(factor: str) -> Key:
        beside = combination.key and factor not in experiment.levers
        return (*combination.key, factor) if beside else ("factors", factor)

    return place


def _unknown(scenario: Scenario, key: str, value: Any) -> str:
    """Why ``key`` is no setting of the scenario; "" when it is one."""
    try:
        override(copy.deepcopy(dict(scenario.written)), key, value, scenario)
    except BadFile as error:
        return _QUOTES if isinstance(value, dict) and not is_name(key) else error.problems[0].message
    return ""


def _traced(error: BadFile, place: Callable[[str], Key], keys: Iterable[str], otherwise: Key) -> Iterator[Problem]:
    """A scenario's mistakes, laid at the setting or factor that they come from, else at ``otherwise``."""
    names = {key.rpartition(".")[2]: key for key in keys}
    for problem in error.problems:
        source = next((names[part] for part in reversed(problem.key) if part in names), None)
        if source is None:
            yield Problem(otherwise, f"{problem.dotted()}: {problem.message}")
        else:
            yield Problem(place(source), problem.message)


# ---------------------------------------------------------------------------------------------------------------
# Combinations and small things
# ---------------------------------------------------------------------------------------------------------------
def _combination(label: str, levels: Mapping[str, Level], key: Key = ()) -> _Combination:
    values = {factor: level.value for factor, level in levels.items()}
    return _Combination(label, values, {factor: level.shown for factor, level in levels.items()}, key)


def _grid(levels: Mapping[str, Sequence[Level]]) -> Iterator[_Combination]:
    """Every combination of levels, the last factor changing fastest; one empty combination without factors."""
    for chosen in itertools.product(*levels.values()):
        label = " · ".join(level.label for level in chosen)
        yield _combination(label, dict(zip(levels, chosen, strict=True)))


def _own_value(scenario: Scenario, key: str) -> Any:
    """What the scenario itself has for a key of :func:`sim.scenario.override`, in plain data.

    A trait that differs between groups is "by group", and partners where pairs are named is "by pairs".
    """
    *table, name = plain_name(key).split(".")
    if not table and name in Parameters.model_fields:
        return getattr(scenario.parameters, name)
    if name in Traits.model_fields:
        groups = [group for group in scenario.groups if table in ([], [group.name])]
        first, *others = [getattr(group.traits, name).plain() for group in groups]
        return first if all(other == first for other in others) else "by group"
    if name in ("partners", "mixing"):
        return "by pairs" if scenario.network.pairs else getattr(scenario.network, name)
    if not table:
        return getattr(scenario, name)
    event = next(event for event in scenario.plain()["events"] if event["name"] == table[-1])
    return event.get(name, "")


def _distinct(values: Sequence[Any]) -> tuple[Any, ...]:
    """The values without repetition; they may be tables."""
    return tuple({repr(value): value for value in values}.values())


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _unique(names: Sequence[str]) -> list[str]:
    """The names; a repeated one gets " (2)", " (3)" and so on."""
    return [f"{name} ({names[: k + 1].count(name)})" if name in names[:k] else name for k, name in enumerate(names)]


def _fingerprint(scenario: Scenario) -> str:
    """What decides a scenario's runs, as text: everything but its sentences."""
    plain = {key: value for key, value in scenario.plain().items() if key not in ("title", "question", "source")}
    plain.pop("expected")
    return json.dumps(_numbers_alike(plain), sort_keys=True)


def _numbers_alike(value: Any) -> Any:
    """Plain data with every number as a float: 120 and 120.0 are two ways to write the same setting."""
    if isinstance(value, Mapping):
        return {key: _numbers_alike(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_numbers_alike(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
