"""The design of an experiment: scenarios × factors × replicates, and the finding expected beforehand.

A file holds::

    title = "Culture clash"
    question = "What does …?"
    expected = "What should come out, written before the first run."
    scenarios = ["baseline", "culture_clash"]   # names or paths; the first is the reference
    replicates = 200                            # optional
    seed = 1                                    # optional
    outcomes = ["value", "trust"]               # optional: what the summary leads with

    [settings]                                  # optional: for every cell; keys as in `sim.scenario.override`
    months = 120
    "events.crash.enabled" = false              # a name with dots stands in quotes

    [factors]                                   # optional: every combination of levels is a cell
    relational_investment = [0.3, 0.6, 1.0]
    openness = [{normal = [0.4, 0.1]}, {label = "open", value = {normal = [0.8, 0.1]}}]

A level may be any value that a scenario file takes there. ``{label = …, value = …}`` gives a level a name of its own.
All mistakes are reported at once as ``file:line: key: what is wrong``.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from sim import library
from sim.dynamics.outcomes import OUTCOMES
from sim.parameters import Parameters, Traits
from sim.scenario import Scenario, load, override
from sim.tomlfile import BadFile, Key, Problem, did_you_mean, read

TEXTS = ("title", "question", "expected")
TOP = (*TEXTS, "scenarios", "replicates", "seed", "outcomes", "settings", "factors")
MAX_REPLICATES, MAX_CELLS, MAX_SEED = 10_000_000, 10_000, 2**63 - 1
DEFAULT_REPLICATES, DEFAULT_SEED = 100, 1
DEFAULT_OUTCOMES = ("value", "trust", "survived")
"""What the summary leads with when the file does not say."""


@dataclass(frozen=True)
class Level:
    """One level of a factor: how a cell's label says it, the value that is set, and how the tables show it.

    ``shown`` is a number, true or false when all levels of the factor are such and none has a name; else text.
    """

    label: str
    value: Any
    shown: float | bool | str


@dataclass(frozen=True)
class Cell:
    """One combination of a scenario and a level of each factor; ``factors`` holds levels as the tables show them."""

    index: int
    label: str
    scenario_name: str
    factors: dict[str, Any]
    scenario: Scenario


@dataclass(frozen=True)
class Experiment:
    """Scenarios × factors × replicates. Make one with :func:`load_experiment` or :func:`experiment_of`.

    Attributes:
        scenarios: the first one is the reference of every comparison.
        outcomes: names in :data:`sim.dynamics.outcomes.OUTCOMES` that the summary leads with.
        settings: applied to every cell, keys as in :func:`sim.scenario.override`.
        factors: levels of each factor as written; all combinations are run. A factor that shares its name with an
            outcome is named with its table (``parameters.synergy``), so that a table can hold both.
        written: the file's own content; empty when the experiment was not read from a file.
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
    factors: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    written: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        named = {_column_name(factor): tuple(levels) for factor, levels in self.factors.items()}
        object.__setattr__(self, "factors", named)

    def cells(self) -> tuple[Cell, ...]:
        """Every cell, scenario by scenario; within one, the last factor of the file changes fastest."""
        return self._cells

    def levels(self, factor: str) -> tuple[Level, ...]:
        """The levels of a factor, in the order of the file."""
        return _levels(factor, self.factors[factor])

    def replace(self, **fields: Any) -> Experiment:
        """A variant with other fields, validated: ``experiment.replace(replicates=50, seed=7)``.

        Raises:
            BadFile: with every mistake.
        """
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
        names = {_plain_name(key) for key in settings}
        kept = {key: value for key, value in self.settings.items() if _plain_name(key) not in names}
        return self.replace(settings={**kept, **settings})

    def plain(self) -> dict[str, Any]:
        """The design as a manifest records it."""
        return {
            "scenarios": list(_unique([scenario.name for scenario in self.scenarios])),
            "replicates": self.replicates,
            "seed": self.seed,
            "settings": copy.deepcopy(self.settings),
            "factors": {key: list(copy.deepcopy(levels)) for key, levels in self.factors.items()},
        }

    def digest(self) -> str:
        """SHA-256 in hex of everything that decides the results but the code: resolved cells, replicates, seed."""
        design = [self.replicates, self.seed, [_fingerprint(cell.scenario) for cell in self.cells()]]
        return hashlib.sha256(json.dumps(design).encode()).hexdigest()

    @cached_property
    def _cells(self) -> tuple[Cell, ...]:
        names = _unique([scenario.name for scenario in self.scenarios])
        cells: list[Cell] = []
        for name, scenario in zip(names, self.scenarios, strict=True):
            base = scenario.with_settings(self.settings)
            for combination in _combinations(self.factors):
                cells.append(
                    Cell(
                        index=len(cells),
                        label=" · ".join([name, *(level.label for level in combination.values())]),
                        scenario_name=name,
                        factors={key: level.shown for key, level in combination.items()},
                        scenario=base.with_settings({key: level.value for key, level in combination.items()}),
                    )
                )
        return tuple(cells)


def load_experiment(path: Path | str) -> Experiment:
    """Read an experiment file and the scenarios that it names.

    Names of scenarios are looked up as everywhere (:func:`sim.library.find`); a path is taken from the folder of the
    experiment file first, then from where you stand.

    Raises:
        BadFile: when it, or a scenario in it, cannot be read or has mistakes.
    """
    data, lines = read(path)
    experiment, problems = _parse(data, Path(path))
    problems += _check(experiment)
    for key in [key for key in lines if len(key) == 2 and key[0] == "factors"]:
        lines.setdefault(("factors", _column_name(str(key[1]))), lines[key])
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
def _parse(data: Mapping[str, Any], path: Path) -> tuple[Experiment, list[Problem]]:
    """An experiment as written, and what is wrong with its form. Values are left to :func:`_check`."""
    problems = [Problem((key,), f"unknown key{did_you_mean(key, TOP)}") for key in data if key not in TOP]
    texts = {}
    for name in TEXTS:
        texts[name] = data.get(name, "")
        if name not in data:
            problems.append(Problem((name,), "is missing: say it in a sentence"))
        elif not isinstance(texts[name], str) or not texts[name].strip():
            problems.append(Problem((name,), f"must be text that is not empty, got {data[name]!r}"))
    scenarios, wrong = _load_scenarios(data.get("scenarios"), path.parent)
    problems += wrong
    outcomes = data.get("outcomes", list(DEFAULT_OUTCOMES))
    if not isinstance(outcomes, list) or not outcomes:
        problems.append(Problem(("outcomes",), f"must be a list of outcomes that is not empty, got {outcomes!r}"))
        outcomes = []
    tables: dict[str, dict[str, Any]] = {}
    for name in ("settings", "factors"):
        found = data.get(name, {})
        tables[name] = dict(found) if isinstance(found, dict) else {}
        if not isinstance(found, dict):
            problems.append(Problem((name,), f"must be a table [{name}], got {found!r}"))
    factors = {}
    for key, levels in tables["factors"].items():
        if isinstance(levels, list):
            factors[key] = tuple(levels)
        elif isinstance(levels, dict) and not _is_name(key):
            problems.append(Problem(("factors", key), _QUOTES))
        else:
            problems.append(Problem(("factors", key), f"must be a list of levels, got {levels!r}: write [ … ]"))
    experiment = Experiment(
        name=path.stem,
        **texts,
        scenarios=tuple(scenarios),
        replicates=data.get("replicates", DEFAULT_REPLICATES),
        seed=data.get("seed", DEFAULT_SEED),
        outcomes=tuple(outcomes),
        settings=tables["settings"],
        factors=factors,
        written=data,
        source=_source(path),
    )
    return experiment, problems


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


def _check(experiment: Experiment) -> list[Problem]:
    """Every mistake in an experiment's values."""
    problems = _whole_problems(experiment) + _outcome_problems(experiment)
    sound: dict[str, tuple[Any, ...]] = {}
    for factor, levels in experiment.factors.items():
        wrong = [Problem(("factors", factor), message) for message in _level_problems(factor, levels)]
        problems += wrong
        if not wrong:
            sound[factor] = tuple(levels)
    problems += _name_problems(experiment)
    count = len(experiment.scenarios) * math.prod(len(levels) for levels in sound.values())
    if count > MAX_CELLS:
        return [*problems, Problem(("factors",), f"make {count} cells; at most {MAX_CELLS}: take fewer levels")]
    return problems + _cell_problems(experiment.scenarios, experiment.settings, sound)


def _whole_problems(experiment: Experiment) -> list[Problem]:
    problems = []
    for name, low, high in (("replicates", 1, MAX_REPLICATES), ("seed", 0, MAX_SEED)):
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


def _level_problems(factor: str, levels: Sequence[Any]) -> list[str]:
    """What is wrong with the form of a factor's levels."""
    if not levels:
        return ["has no levels: list at least one"]
    messages = []
    for level in levels:
        if not isinstance(level, dict) or not {"label", "value"} & set(level):
            continue
        if set(level) != {"label", "value"}:
            messages.append(f"a named level is {{label = …, value = …}}, got {level!r}")
        elif not isinstance(level["label"], str) or not level["label"].strip():
            messages.append(f"a label must be text that is not empty, got {level['label']!r}")
    if messages:
        return messages
    found = _levels(factor, levels)
    for k, level in enumerate(found):
        if level.label in [other.label for other in found[:k]] or level.value in [other.value for other in found[:k]]:
            messages.append(f"level {levels[k]!r} is listed twice")
    return messages


def _name_problems(experiment: Experiment) -> list[Problem]:
    """Settings and factors that name the same thing twice."""
    problems = []
    seen: dict[str, str] = {}
    for table, keys in (("settings", experiment.settings), ("factors", experiment.factors)):
        for key in keys:
            name = _plain_name(key)
            if name in seen:
                where = "a setting" if seen[name] == "settings" else "a factor"
                problems.append(Problem((table, key), f"is already {where}: keep one of them"))
            seen.setdefault(name, table)
    return problems


def _cell_problems(
    scenarios: Sequence[Scenario], settings: Mapping[str, Any], factors: Mapping[str, Sequence[Any]]
) -> list[Problem]:
    """Build every cell; each distinct mistake once, with the scenarios that have it when not all do."""
    found: dict[Problem, list[str]] = {}
    for scenario in scenarios:
        for problem in _problems_in(scenario, settings, factors):
            names = found.setdefault(problem, [])
            if scenario.name not in names:
                names.append(scenario.name)
    everywhere = len({scenario.name for scenario in scenarios})
    return [
        problem
        if len(names) == everywhere
        else Problem(problem.key, f"{problem.message} (in scenario {', '.join(names)})")
        for problem, names in found.items()
    ]


def _problems_in(
    scenario: Scenario, settings: Mapping[str, Any], factors: Mapping[str, Sequence[Any]]
) -> Iterator[Problem]:
    unknown = {("settings", key): _unknown(scenario, key, settings[key]) for key in settings}
    unknown |= {("factors", key): _unknown(scenario, key, None) for key in factors}
    yield from (Problem(key, message) for key, message in unknown.items() if message)
    settings = {key: value for key, value in settings.items() if not unknown["settings", key]}
    factors = {key: levels for key, levels in factors.items() if not unknown["factors", key]}
    try:
        base = scenario.with_settings(settings)
    except BadFile as error:
        yield from _traced(error, "settings", settings)
        return
    cells: dict[str, str] = {}
    for combination in _combinations(factors):
        label = " · ".join(level.label for level in combination.values())
        try:
            cell = base.with_settings({key: level.value for key, level in combination.items()})
        except BadFile as error:
            yield from _traced(error, "factors", factors)
            continue
        same = cells.setdefault(_fingerprint(cell), label)
        if same != label:
            yield Problem(("factors",), f"{same!r} and {label!r} are the same: one factor undoes another")


def _unknown(scenario: Scenario, key: str, value: Any) -> str:
    """Why ``key`` is no setting of the scenario; "" when it is one."""
    try:
        override(copy.deepcopy(dict(scenario.written)), key, value, scenario)
    except BadFile as error:
        return _QUOTES if isinstance(value, dict) and not _is_name(key) else error.problems[0].message
    return ""


def _traced(error: BadFile, table: str, keys: Iterable[str]) -> Iterator[Problem]:
    """A scenario's mistakes, laid at the setting or factor that they come from."""
    for problem in error.problems:
        names = {key.rpartition(".")[2]: key for key in keys}
        source = next((names[part] for part in reversed(problem.key) if part in names), None)
        at: Key = (table,) if source is None else (table, source)
        within = "" if source else f"{problem.dotted()}: "
        yield Problem(at, f"{within}{problem.message}")


# ---------------------------------------------------------------------------------------------------------------
# Factors, levels and their names
# ---------------------------------------------------------------------------------------------------------------
def _is_name(key: str) -> bool:
    """True for a parameter or a trait: the settings that may hold a table as their value."""
    return _plain_name(key) in Parameters.model_fields or key.rpartition(".")[2] in Traits.model_fields


def _plain_name(key: str) -> str:
    """The key without the table that a scenario file has it in: ``parameters.synergy`` is ``synergy``."""
    table, _, name = key.partition(".")
    return name if table in ("parameters", "traits", "network") else key


def _column_name(key: str) -> str:
    """A factor's name in tables. A parameter that shares its name with an outcome is named with its table."""
    if key in OUTCOMES and key in Parameters.model_fields:
        return f"parameters.{key}"
    return f"traits.{key}" if key in OUTCOMES and key in Traits.model_fields else key


def _combinations(factors: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Level]]:
    """Every combination of levels, the last factor changing fastest; one empty combination without factors."""
    levels = [_levels(factor, written) for factor, written in factors.items()]
    return (dict(zip(factors, chosen, strict=True)) for chosen in itertools.product(*levels))


def _levels(factor: str, written: Sequence[Any]) -> tuple[Level, ...]:
    named = [isinstance(level, dict) and set(level) == {"label", "value"} for level in written]
    values = [level["value"] if is_named else level for level, is_named in zip(written, named, strict=True)]
    texts = [
        level["label"] if is_named else text_of(value)
        for level, value, is_named in zip(written, values, named, strict=True)
    ]
    shown: list[Any] = texts
    if not any(named) and all(isinstance(value, bool) for value in values):
        shown = values
    elif not any(named) and all(_is_number(value) for value in values):
        whole = all(isinstance(value, int) for value in values)
        shown = values if whole else [float(value) for value in values]
    labels = [text if is_named else f"{factor}={text}" for text, is_named in zip(texts, named, strict=True)]
    return tuple(map(Level, labels, values, shown))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def text_of(value: Any) -> str:
    """A value in a few characters: ``0.5``, ``true``, ``between``, ``normal(0.8, 0.1)``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if _is_number(value):
        return f"{value:.12g}"
    if isinstance(value, dict) and len(value) == 1:
        (kind, arguments), *_ = value.items()
        if kind == "mixture" and isinstance(arguments, list):
            return "mixture(" + ", ".join(" ".join(map(text_of, part)) for part in arguments) + ")"
        if isinstance(arguments, list):
            return f"{kind}({', '.join(map(text_of, arguments))})"
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {text_of(item)}" for key, item in value.items()) + ")"
    return str(value)


def _unique(names: Sequence[str]) -> list[str]:
    """The names; a repeated one gets " (2)", " (3)" and so on."""
    return [f"{name} ({names[: k + 1].count(name)})" if name in names[:k] else name for k, name in enumerate(names)]


def _fingerprint(scenario: Scenario) -> str:
    """What decides a scenario's runs, as text: everything but its sentences."""
    plain = {key: value for key, value in scenario.plain().items() if key not in ("title", "question", "source")}
    plain.pop("expected")
    return json.dumps(plain, sort_keys=True)
