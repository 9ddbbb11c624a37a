"""What is wrong with an experiment's values: every mistake at once, laid at the key that it comes from."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.dynamics.outcomes import OUTCOMES
from sim.parameters import Parameters, Traits
from sim.scenario import Scenario, override
from sim.sweeps.levels import (
    Combination,
    combination,
    is_name,
    is_number,
    level_problems,
    levels_of,
    numbers_alike,
    plain_name,
)
from sim.sweeps.sampling import GRID, LIST, MAX_POINTS, ONE_AT_A_TIME, SAMPLED, Factor, Range, whole_problems
from sim.text import reading
from sim.tomlfile import MOST_LISTED, BadFile, Key, Problem, did_you_mean, shown, unknown_keys

if TYPE_CHECKING:
    from sim.sweeps.design import Experiment

MAX_REPLICATES, MAX_CELLS, MAX_SEED = 10_000_000, MAX_POINTS, 2**63 - 1
"""A cell keeps its whole scenario, some 7 kB."""
MAX_VALUES = 20_000_000
"""Values in all cells' scenarios together: a cell keeps its whole scenario."""
MAX_FACTORS, MAX_CONSTANTS, MAX_SCENARIOS = 1000, 1000, 1000
MAX_ROUNDS = 10_000
"""After each round of a wanted precision every cell is judged anew, which takes time of its own."""
LISTED_OUTCOMES = "; `alliance outcomes` lists them"
QUOTES = 'is a table: write a name with dots in quotes, as in "events.crash.enabled" = …'


def mistakes(experiment: Experiment, whole: bool = True) -> list[Problem]:
    """Every mistake in an experiment's values.

    Args:
        experiment: to be checked; nothing of it is run.
        whole: False when its design or a factor could not be read, so that nothing can be said of how they fit.
    """
    problems = _number_problems(experiment) + _outcome_problems(experiment) + _precision_problems(experiment)
    if beyond := _beyond(experiment):
        return problems + beyond
    sound: dict[str, Factor] = {}
    undoing = _undoing(experiment)
    for factor, levels in experiment.factors.items():
        wrong = [] if isinstance(levels, Range) else level_problems(factor, levels)
        wrong += undoing.get(factor, [])
        problems += [Problem(("factors", factor), message) for message in wrong]
        if not wrong:
            sound[factor] = levels
    problems += _name_problems(experiment) + _role_problems(experiment)
    misfits = experiment.design.problems() or (_fit_problems(experiment) if whole else [])
    whole = whole and not misfits
    too_many = _size_problems(experiment, sound) if whole else []
    return problems + misfits + (too_many or _cell_problems(experiment, sound, whole))


def _beyond(experiment: Experiment) -> list[Problem]:
    """More of something than is worth a look at each; counted, so that it is told at once."""
    problems = [
        Problem((name,), f"has {len(found):,} entries; at most {most:,}")
        for name, found, most in (
            ("scenarios", experiment.scenarios, MAX_SCENARIOS),
            ("settings", experiment.settings, MAX_CONSTANTS),
            ("factors", experiment.factors, MAX_FACTORS),
        )
        if len(found) > most
    ]
    levels = sum(len(levels) for levels in experiment.factors.values() if not isinstance(levels, Range))
    if levels > MAX_CELLS and experiment.design.kind != LIST:  # those of a list are told as points
        problems.append(Problem(("factors",), f"list {levels:,} levels; at most {MAX_CELLS:,} in all"))
    if len(experiment.design.listed) > MAX_POINTS:
        message = f"has {len(experiment.design.listed):,} points; at most {MAX_POINTS:,}"
        problems.append(Problem(("design", "points"), message))
    return problems


def fingerprint(scenario: Scenario) -> str:
    """What decides a scenario's runs, as text: everything but its sentences."""
    sentences = ("title", "question", "source", "expected")
    plain = {key: value for key, value in scenario.plain().items() if key not in sentences}
    return json.dumps(numbers_alike(plain), sort_keys=True)


def _number_problems(experiment: Experiment) -> list[Problem]:
    bounds = {"replicates": (1, MAX_REPLICATES), "seed": (0, MAX_SEED)}
    if experiment.precision:
        bounds["max_replicates"] = (1, MAX_REPLICATES)
    return [
        problem
        for name, (low, high) in bounds.items()
        for problem in whole_problems(getattr(experiment, name), low, high, (name,))
    ]


def _outcome_problems(experiment: Experiment) -> list[Problem]:
    at: Key = ("outcomes",)
    problems: list[Problem] = []
    met: set[str] = set()
    for name in experiment.outcomes:
        if not isinstance(name, str) or name not in OUTCOMES:
            near = did_you_mean(str(name), OUTCOMES) if len(problems) < MOST_LISTED else ""
            problems.append(Problem(at, f"{shown(name)} is no outcome{near or LISTED_OUTCOMES}"))
        elif name in met:
            problems.append(Problem(at, f"{shown(name)} is listed twice"))
        else:
            met.add(name)
    return problems


def _precision_problems(experiment: Experiment) -> list[Problem]:
    problems: list[Problem] = []
    for name, width in experiment.precision.items():
        at: Key = ("precision", name)
        if name not in OUTCOMES:
            near = did_you_mean(name, OUTCOMES) if len(problems) < MOST_LISTED else ""
            problems.append(Problem(at, f"is no outcome{near or LISTED_OUTCOMES}"))
        elif not is_number(width) or not 0 < width < math.inf:
            problems.append(Problem(at, f"must be a half-width above 0, in the unit of {name}, got {shown(width)}"))
    batch, most = experiment.replicates, experiment.max_replicates
    if experiment.precision and isinstance(batch, int) and isinstance(most, int):
        if batch == 1:
            problems.append(Problem(("replicates",), "a precision needs at least 2 in a batch, to see how runs differ"))
        elif 0 < most < batch:
            problems.append(Problem(("max_replicates",), f"{most} is less than one batch (replicates = {batch})"))
        elif 0 < batch < most / MAX_ROUNDS:
            advice = f"take replicates = {math.ceil(most / MAX_ROUNDS)} or more"
            rounds = f"are {math.ceil(most / batch)} rounds of {batch}; at most {MAX_ROUNDS}"
            problems.append(Problem(("max_replicates",), f"{most} {rounds}: {advice}"))
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


def _undoing(experiment: Experiment) -> dict[str, list[str]]:
    """Factors that set a trait of everybody, and with it that of a group that another key has set; why that is wrong.

    One at a time, such a factor would also move a group that is shown as left where it was, whichever comes first.
    """
    before = list(experiment.settings)
    found = {}
    for factor in experiment.factors:
        trait = plain_name(factor)
        others = list(experiment.factors) if experiment.design.kind == ONE_AT_A_TIME else []
        undone = [key for key in (*before, *others) if trait in Traits.model_fields and _is_of_group(key, trait)]
        if undone:
            found[factor] = [
                f"sets everybody's {trait} and so undoes {undone[0]!r}: name the groups that are to vary, or drop that"
            ]
        before.append(factor)
    return found


def _is_of_group(key: str, trait: str) -> bool:
    """Whether a key sets the trait of one group."""
    group, _, name = plain_name(key).rpartition(".")
    return bool(group) and "." not in group and name == trait


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
        return unknown_keys(design.base, experiment.factors, ("design", "base"), "is no factor here")
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
                times = f" ({len(beyond):,} points)" if len(beyond) > 1 else ""
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
    if count > MAX_CELLS:
        much = f"make {count} cells" if count < 10**15 else f"make more than {10**15:,} cells"
        return [Problem(at, f"{much}; at most {MAX_CELLS}: take fewer {fewer}")]
    values = each * sum(_values_in(scenario) for scenario in experiment.scenarios)
    if values > MAX_VALUES:
        much = f"make {count} cells, whose scenarios have {values:,} values together; at most {MAX_VALUES:,}"
        return [Problem(at, f"{much}: take fewer {fewer}, pairs, groups or events")]
    return []


def _values_in(scenario: Scenario) -> int:
    """About how many values a cell of the scenario keeps."""
    groups = len(scenario.groups) * len(Traits.model_fields)
    return len(Parameters.model_fields) + groups + len(scenario.network.pairs) + 5 * len(scenario.events)


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
        yield from _traced(error, {key: ("settings", key) for key in settings}, ("settings",))
        return
    complete = whole and (experiment.design.kind == GRID or len(factors) == len(experiment.factors))
    for trial in _trials(experiment, scenario, settings, factors, complete):
        problems = list(_problems_of(experiment, base, trial))
        yield from problems
        if problems:
            return


class _Trial(NamedTuple):
    """Combinations to be built in full."""

    combinations: Iterator[Combination]
    are_cells: bool  # those of the design, in full; else they only stand for its cells
    distinct: bool  # no two of them may make the same cell


def _trials(
    experiment: Experiment, scenario: Scenario, settings: dict[str, Any], factors: dict[str, Factor], complete: bool
) -> Iterator[_Trial]:
    """What to try; the next when this is without mistake.

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
        yield _Trial(_corners(apart), are_cells=False, distinct=True)
    elif kind in SAMPLED:
        yield _Trial(_corners(apart), are_cells=False, distinct=True)
        if len(apart) < len(factors):
            yield _Trial(one.combinations(0), are_cells=True, distinct=False)
    else:
        yield _Trial(one.combinations(0), are_cells=True, distinct=kind != LIST)


def _corners(factors: Mapping[str, Factor]) -> Iterator[Combination]:
    """All factors at their first level or low end, then each alone at each of its other levels or its high end."""
    levels = {
        factor: levels_of(factor, written.ends if isinstance(written, Range) else written)
        for factor, written in factors.items()
    }
    first = {factor: each[0] for factor, each in levels.items()}
    yield combination("every factor at its first", first)
    for factor, each in levels.items():
        yield from (combination(level.label, {**first, factor: level}) for level in each[1:])


def _problems_of(experiment: Experiment, base: Scenario, trial: _Trial) -> Iterator[Problem]:
    """The mistakes in cells that are built in full."""
    labels: dict[str, int] = {}
    cells: dict[str, str] = {}
    drawn = trial.are_cells and experiment.design.kind in SAMPLED
    for tried in trial.combinations:
        at: Key = tried.key or ("factors",)  # levers are always among the factors
        label = reading(tried.label)
        labels[label] = labels.get(label, 0) + 1
        if trial.are_cells and labels[label] == 2:
            advice = "would name two cells: give each level or point a label of its own"
            yield Problem(at, f"{tried.label!r} {advice}")
        try:
            cell = base.with_settings(tried.values)
        except BadFile as error:
            places = {name: (*(("factors",) if name in experiment.levers else at), name) for name in tried.values}
            yield from _traced(error, places, at)
            if drawn or tried.key == ("design", "base"):
                return  # every other cell would have the same mistakes
            continue
        if trial.distinct:
            same = cells.setdefault(repr(cell.plain()), tried.label)
            if same != tried.label:
                message = f"{same!r} and {tried.label!r} are the same: one factor undoes another"
                yield Problem(("factors",), message)


def _unknown(scenario: Scenario, key: str, value: Any) -> str:
    """Why ``key`` is no setting of the scenario; "" when it is one."""
    try:
        override(scenario.written, key, value, scenario)
    except BadFile as error:
        return QUOTES if isinstance(value, dict) and not is_name(key) else error.problems[0].message
    return ""


def _traced(error: BadFile, places: Mapping[str, Key], otherwise: Key) -> Iterator[Problem]:
    """A scenario's mistakes, laid at the setting or factor that they come from, else at ``otherwise``."""
    by_last_part = {name.rpartition(".")[2]: place for name, place in places.items()}
    for problem in error.problems:
        place = next((by_last_part[part] for part in reversed(problem.key) if part in by_last_part), None)
        if place is None:
            yield Problem(otherwise, f"{problem.dotted()}: {problem.message}")
        else:
            yield Problem(place, problem.message)
