"""The design of an experiment: what is varied, what is fixed, what is measured, and the finding expected beforehand.

An :class:`Experiment` is read from a file (:mod:`sim.sweeps.draft` shows the form) or made in Python, is checked as a
whole (:mod:`sim.sweeps.checks`), and becomes cells: scenarios × combinations of levels. Levers, uncertainties and
factors without a role are all factors.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sim.conditions import idle_in_all
from sim.distributions import expect
from sim.library import find
from sim.parameters import Parameters, Traits
from sim.scenario import Scenario
from sim.sweeps.checks import MAX_REPLICATES as MAX_REPLICATES
from sim.sweeps.checks import MAX_SEED as MAX_SEED
from sim.sweeps.checks import fingerprint, mistakes
from sim.sweeps.draft import TEXTS as TEXTS
from sim.sweeps.draft import Draft
from sim.sweeps.levels import Combination, Level, column_name, combination, grid, identity, levels_of, plain_name
from sim.sweeps.sampling import GRID, LIST, ONE_AT_A_TIME, Array, Design, Factor, Point, Range
from sim.tomlfile import BadFile, did_you_mean, read

DEFAULT_REPLICATES, DEFAULT_SEED, DEFAULT_BATCHES = 100, 1, 20
DEFAULT_OUTCOMES = ("value", "trust", "survived")
"""What the summary leads with when the file does not say."""
FEWEST = 30
"""Runs of a cell before a wanted precision is judged: of fewer the spread is too uncertain to stop on."""


@dataclass(frozen=True)
class Cell:
    """One scenario with one combination of levels; ``factors`` holds the levels as the tables show them."""

    index: int
    label: str
    scenario_name: str
    factors: dict[str, Any]
    scenario: Scenario


@dataclass(frozen=True, repr=False)
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
        for name in ("settings", "factors", "precision", "written"):  # what the caller has may be changed by him
            object.__setattr__(self, name, copy.deepcopy(getattr(self, name)))
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

    def __repr__(self) -> str:
        counts = f"{len(self.scenarios)} scenarios, {len(self.factors)} factors, {self.replicates} replicates"
        return f"<Experiment {self.name!r}: {counts}, seed {self.seed}>"

    def __hash__(self) -> int:
        return hash((self.name, self.scenarios, self.replicates, self.seed, self.outcomes))

    @property
    def sampled(self) -> tuple[str, ...]:
        """The factors that are not levers: those that a sampled design draws, in the order of a sample's columns."""
        return tuple(factor for factor in self.factors if factor not in self.levers)

    @cached_property
    def cut(self) -> dict[str, int]:
        """Scenarios whose months are cut to those of the shortest, so that all are compared over the same, and theirs.

        Nothing is cut where the months are a factor: then to compare horizons is what is asked.
        """
        if "months" in self.factors:
            return {}
        own = dict(zip(_unique([scenario.name for scenario in self.scenarios]), self._bases, strict=True))
        shortest = min((base.months for base in own.values()), default=0)
        return {name: base.months for name, base in own.items() if base.months > shortest}

    @property
    def notes(self) -> list[str]:
        """What must be known before the first run, a sentence each: what is compared over what, and what cannot act."""
        said = []
        if self.cut:
            shortest = self.cells()[0].scenario.months
            longer = ", ".join(f"{name} ({months})" for name, months in self.cut.items())
            said.append(
                f"All are run for {shortest} months, those of the shortest scenario, so that they can be compared; cut "
                f"to that: {longer}"
            )
        said += unlike(cell.scenario for cell in self.cells())
        written = ((cell.scenario, [*self.settings, *cell.factors]) for cell in self.cells())
        return said + idle_in_all((scenario, map(plain_name, keys)) for scenario, keys in written)

    @property
    def runs(self) -> tuple[int, int]:
        """At least and at most so many runs; the same number twice without a precision."""
        fewest = self.replicates
        if self.precision:
            fewest = min(math.ceil(FEWEST / self.replicates) * self.replicates, self.max_replicates)
        return len(self.cells()) * fewest, len(self.cells()) * self.max_replicates

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
        known = [field.name for field in dataclasses.fields(self)]
        for name in fields:
            if name not in known:
                raise TypeError(f"an experiment has no field {name!r}{did_you_mean(name, known)}")
        if not fields:
            return self
        if not self.precision:  # then there was no limit to keep
            fields = {"max_replicates": 0, **fields}
        changed = dataclasses.replace(self, **fields)
        problems = mistakes(changed)
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
            ValueError: when the shape does not fit, or it is a table whose columns may stand in another order.
        """
        if hasattr(points, "columns"):
            raise ValueError("a table has names for its columns: give its rows, points.to_dict('records')")
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
        """The design in a line: kind, points, levers × uncertainties, scenarios, cells, and the wanted precision."""
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
        line = f"{kind.replace('_', ' ')}: {' × '.join(parts)}"
        if not self.precision:
            return line
        widths = ", ".join(f"{outcome} ± {width:g}" for outcome, width in self.precision.items())
        least, most = self.runs
        return f"{line}; rounds of {self.replicates} until {widths}: at least {least:,} runs, at most {most:,}"

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
        design: list[Any] = [self.replicates, self.seed, [fingerprint(cell.scenario) for cell in self.cells()]]
        if self.precision:
            design += [self.max_replicates, sorted(self.precision.items())]
        return hashlib.sha256(json.dumps(design).encode()).hexdigest()

    @cached_property
    def _cells(self) -> tuple[Cell, ...]:
        names = _unique([scenario.name for scenario in self.scenarios])
        cells: list[Cell] = []
        for k, name in enumerate(names):
            for chosen in self.combinations(k):
                cells.append(
                    Cell(
                        index=len(cells),
                        label=" · ".join(part for part in (name, chosen.label) if part),
                        scenario_name=name,
                        factors=chosen.shown,
                        scenario=self._bases[k].with_settings(chosen.values),
                    )
                )
        if not self.cut:
            return tuple(cells)
        shortest = min(base.months for base in self._bases)
        return tuple(dataclasses.replace(cell, scenario=cell.scenario.until(shortest)) for cell in cells)

    @cached_property
    def _bases(self) -> tuple[Scenario, ...]:
        """The scenarios with the constants in them."""
        return tuple(scenario.with_settings(self.settings) for scenario in self.scenarios)

    def combinations(self, scenario: int) -> Iterator[Combination]:
        """What each cell of a scenario sets, in the order of the cells."""
        if self.design.kind == GRID:
            yield from grid({factor: self.levels(factor) for factor in self.factors})
        elif self.design.kind == ONE_AT_A_TIME:
            yield from self._one_at_a_time(scenario)
        else:
            for chosen in grid({lever: self.levels(lever) for lever in self.levers}):
                yield from (chosen & point for point in self._points)

    @cached_property
    def _points(self) -> tuple[Combination, ...]:
        """The points that every combination of levers meets."""
        if self.design.kind != LIST:
            rows = self._scaled(self.design.sample(len(self.sampled)))
            return tuple(combination(f"point {k}", row) for k, row in enumerate(rows, start=1))
        listed = self.design.listed
        columns = {name: levels_of(name, [point.values[name] for point in listed]) for name in listed[0].values}
        return tuple(
            combination(
                point.label or f"point {k + 1}",
                {name: levels[k] for name, levels in columns.items()},
                ("design", "points", k),
            )
            for k, point in enumerate(listed)
        )

    def _one_at_a_time(self, scenario: int) -> Iterator[Combination]:
        """The base, then each factor at each of its levels but the base's own."""
        moves, own = {}, {}
        for factor in self.factors:
            moves[factor], bases = self._moves(factor)
            own[factor] = bases[scenario]
        given = {factor: own[factor] for factor in self.design.base}
        shown = {factor: level.shown for factor, level in own.items()}
        base = combination("base", given, ("design", "base"))
        yield dataclasses.replace(base, shown=shown)
        for factor, levels in moves.items():
            for level in levels:
                if level.value != own[factor].value:
                    moved = combination(level.label, {**given, factor: level})
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


def load_experiment(path: Path | str) -> Experiment:
    """Read an experiment file and the scenarios that it names.

    Args:
        path: of the file; text without a slash and ``.toml`` is the name of one that ``alliance experiments`` lists.

    Names of scenarios are looked up as everywhere (:func:`sim.library.find`); a path is taken from the folder of the
    experiment file first, then from where you stand.

    Raises:
        BadFile: when it, or a scenario in it, cannot be read or has mistakes.
    """
    expect(path, (str, Path), "an experiment is loaded by a name or a path")
    if isinstance(path, str):
        path = find("experiments", path)
    data, lines = read(path)
    draft = Draft(data, Path(path))
    experiment = Experiment(**draft.fields)
    problems = draft.problems + draft.in_the_file(mistakes(experiment, draft.whole))
    if problems:
        raise BadFile(path, problems, lines)
    return experiment


def experiment_of(
    scenarios: Sequence[Scenario], replicates: int, seed: int, name: str, outcomes: Sequence[str] = ()
) -> Experiment:
    """Scenarios side by side, without factors; the first is the reference.

    Raises:
        BadFile: when a number is out of range or an outcome is unknown.
        TypeError: when something is of another kind.
        ValueError: when there is no scenario.
    """
    listed = "scenarios: a list of Scenarios, such as [load('baseline'), load('culture_clash')] of sim.scenario"
    expect(scenarios, (Sequence, Iterator), listed)
    scenarios = tuple(scenarios)
    for scenario in scenarios:
        expect(scenario, Scenario, listed)
    if not scenarios:
        raise ValueError(f"{listed}; got none")
    expect(name, str, "name of an experiment: text")
    expect(outcomes, (list, tuple, Iterator), "outcomes: a list of names, such as ['value', 'trust']")
    named = " and ".join(dict.fromkeys(scenario.title for scenario in scenarios))
    draft = Experiment(
        name=name,
        title=f"Compared: {named}",
        question=f"What differs between {named}?",
        expected="Not said beforehand.",
        scenarios=tuple(scenarios),
    )
    return draft.replace(replicates=replicates, seed=seed, outcomes=tuple(outcomes) or DEFAULT_OUTCOMES)


def unlike(scenarios: Iterable[Scenario]) -> list[str]:
    """What cells that are compared do not have in common, so that their sums are not of the same; a sentence each."""
    kinds = {(one.months, one.organizations, one.network.market, one.alliances) for one in scenarios}
    months, organizations, markets, alliances = map(set, zip(*kinds, strict=True)) if kinds else [set()] * 4
    said = []
    if len(months) > 1:
        said.append(
            f"Cells run for {min(months)} to {max(months)} months: money is told per month that an alliance lived; "
            "shares and all else that grows with time are over each cell's own months"
        )
    if len(markets) > 1:
        said.append(
            "Some cells are markets and some are not: a market signs alliances all through the run, so they are "
            "younger at its end; compare money per month, and survival by months since the signature"
        )
    if len(organizations) > 1 or (len(alliances) > 1 and markets == {False}):
        said.append(
            f"Cells have {_from_to(organizations)} organizations and {_from_to(alliances)} alliances: every outcome is "
            "the mean over a cell's alliances, so alliances are compared, not organizations or totals"
        )
    return said


def _from_to(numbers: set[int]) -> str:
    return f"{min(numbers):,}" if len(numbers) == 1 else f"{min(numbers):,} to {max(numbers):,}"


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
    if name in ("partners", "mixing") and scenario.network.pairs:
        return "by pairs"
    if name in ("partners", "mixing", "market"):
        return getattr(scenario.network, name)
    if not table:
        return getattr(scenario, name)
    event = next(event for event in scenario.plain()["events"] if event["name"] == table[-1])
    return event.get(name, "")


def _distinct(values: Sequence[Any]) -> tuple[Any, ...]:
    """The values without repetition; they may be tables."""
    return tuple({identity(value): value for value in values}.values())


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _unique(names: Sequence[str]) -> list[str]:
    """The names; a repeated one gets " (2)", " (3)" and so on."""
    return [f"{name} ({names[: k + 1].count(name)})" if name in names[:k] else name for k, name in enumerate(names)]
