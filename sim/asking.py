"""What is asked of a scenario in Python: many points of it, several side by side, what matters, a panel of histories.

Each function takes scenarios and gives an object with tables; nothing is stored. The same seed means the same chances,
so that points, scenarios and replicates are compared like with like. With ``progress`` a bar shows how far it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from sim.distributions import expect, shown
from sim.dynamics.state import HIGHS, LOWS, TRUST, VALUE, VARIABLES
from sim.engine import A_SCENARIO, Batch, Floats, Made, Result, simulate, simulate_history
from sim.intervals import EVERYWHERE, SHARE, Range, around, difference_bounds, standard_error
from sim.scenario import Scenario
from sim.study import analysis
from sim.study.answer import Answer
from sim.study.response import Factor, Measure, Ranges, Tick, factor_of, factors_of, measured_at
from sim.sweeps.design import DEFAULT_OUTCOMES
from sim.sweeps.sampling import LATIN_HYPERCUBE, Design

T = TypeVar("T")

ALIVE = "alive"
"""The share of the alliances signed so far that go on, beside the monthly variables."""
BANDS = ["scenario", "month", "variable", "mean", "low", "high", "n", "difference", "difference_low", "difference_high"]
"""Columns of :attr:`Comparison.bands`."""


# ---------------------------------------------------------------------------------------------------------------
# Many points of one scenario
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False, repr=False)
class Survey(Made):
    """A scenario at many points of some ranges; see :func:`study`. P points, R replicates.

    Attributes:
        points: float64 (P, factors), in the order of ``factors``.
        values: of each outcome, (P, R); NaN where it is defined for no alliance of a run.
    """

    scenario: Scenario
    factors: tuple[Factor, ...]
    points: Floats
    values: Mapping[str, Floats]
    replicates: int
    seed: int

    def __repr__(self) -> str:
        ranges = ", ".join(f"{one.name} {one.low:g} to {one.high:g}" for one in self.factors)
        return (
            f"<Survey of {self.scenario.name!r}, seed {self.seed}: {len(self.points)} points of {ranges}, "
            f"{self.replicates} replicates each>"
        )

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a point: its number from 0, the factors, and each outcome's mean over replicates and ``…_se``.

        Standard errors are over the replicates in which the outcome is defined; NaN of fewer than two.
        """
        table: dict[str, Any] = {"point": np.arange(len(self.points))} | self._settings
        for name, values in self.values.items():
            table[name], table[f"{name}_se"], _ = _mean_and_error(values.T)
        return pd.DataFrame(table)

    @property
    def long(self) -> pd.DataFrame:
        """One row a point and outcome: ``point``, the factors, ``outcome``, ``mean``, ``se`` and ``n`` replicates."""
        parts = []
        for name, values in self.values.items():
            mean, se, n = _mean_and_error(values.T)
            told = {"point": np.arange(len(self.points)), **self._settings, "outcome": name}
            parts.append(pd.DataFrame({**told, "mean": mean, "se": se, "n": n}))
        return pd.concat(parts, ignore_index=True)

    @property
    def runs(self) -> pd.DataFrame:
        """One row a point and replicate: ``point``, ``replicate``, the factors and each outcome of the run."""
        count = len(self.points)
        table = {"point": np.repeat(np.arange(count), self.replicates)}
        table["replicate"] = np.tile(np.arange(self.replicates), count)
        settings = {name: np.repeat(column, self.replicates) for name, column in self._settings.items()}
        return pd.DataFrame(table | settings | {name: values.ravel() for name, values in self.values.items()})

    @property
    def _settings(self) -> dict[str, Any]:
        return {one.name: self.points[:, k] for k, one in enumerate(self.factors)}


def study(
    scenario: Scenario,
    ranges: Ranges,
    points: int = 200,
    replicates: int = 20,
    outcomes: Iterable[str] = DEFAULT_OUTCOMES,
    seed: int = 1,
    progress: bool = False,
) -> Survey:
    """Run a scenario at points that fill the space of some ranges evenly (a Latin hypercube).

    Args:
        scenario: everything that does not vary.
        ranges: what varies, ``{"blame": (0, 1), "trust_gain": (0.02, 0.1)}``: a parameter, a trait (then the same for
            everybody, or for all of a group) or a number of an event.
        points: how many, from 2.
        replicates: of every point, the same ones for all.
        outcomes: names in :data:`sim.dynamics.outcomes.OUTCOMES`.
        seed: of the points and of the runs; all points share every draw that they make.
        progress: show how far it is.

    Raises:
        TypeError, ValueError: when a setting cannot vary continuously, a range is out of bounds, there is no such
            outcome, or a number is no whole one.
    """
    expect(scenario, Scenario, A_SCENARIO)
    factors = _factors(scenario, ranges)
    names = _outcomes(outcomes)
    _whole(points, 2, "points")
    _whole(replicates, 1, "replicates")
    design = Design(LATIN_HYPERCUBE, points=points, seed=seed)
    if problems := design.problems():
        raise ValueError(problems[0].message)
    lows, highs = (np.array(ends) for ends in zip(*((one.low, one.high) for one in factors), strict=True))
    chosen = lows + design.sample(len(factors)) * (highs - lows)
    values = _values_at(scenario, factors, chosen, replicates, names, seed, progress)
    return Survey(scenario, factors, chosen, values, replicates, seed)


def _factors(scenario: Scenario, ranges: Ranges) -> tuple[Factor, ...]:
    """The ranges as factors of a scenario, checked.

    Raises:
        TypeError, ValueError: see :func:`sim.study.response.factors_of` and ``factor_of``.
    """
    given = factors_of(None, ranges)
    if not given:
        raise ValueError("ranges: at least one, such as {'blame': (0, 1)}")
    return tuple(factor_of(scenario, one.name, one.low, one.high) for one in given)


def _values_at(
    scenario: Scenario,
    factors: Sequence[Factor],
    points: Floats,
    replicates: int,
    outcomes: Sequence[str],
    seed: int,
    progress: bool,
) -> dict[str, Floats]:
    """Each outcome in every run at points (n, factors): (n, replicates) each."""
    settings = {one.name: column for one, column in zip(factors, points.T, strict=True)}

    def measure(batch: Batch) -> Floats:
        return np.stack(list(batch.means(*outcomes).values()))

    with _bar(progress, scenario.name, len(points) * replicates) as tick:
        found = measured_at(scenario, settings, replicates, seed, measure, tick)
    return dict(zip(outcomes, found, strict=True))


# ---------------------------------------------------------------------------------------------------------------
# Which settings matter
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False, repr=False)
class Shares(Made):
    """Sobol's indices of several outcomes; see :func:`sobol`.

    Attributes:
        answers: of each outcome its :class:`sim.study.answer.Answer`, with sentence, table and figure.
    """

    scenario: Scenario
    factors: tuple[Factor, ...]
    answers: Mapping[str, Answer]
    seed: int

    def __repr__(self) -> str:
        names = ", ".join(one.name for one in self.factors)
        return f"<Shares of the variance of {', '.join(self.answers)} in {self.scenario.name!r}: {names}>"

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row an outcome and factor: ``outcome``, then the columns :data:`sim.study.sensitivity.SOBOL`."""
        from sim.study import sensitivity

        parts = [answer.table.assign(outcome=name) for name, answer in self.answers.items()]
        return pd.concat(parts, ignore_index=True)[["outcome", *sensitivity.SOBOL]]

    @property
    def sentences(self) -> dict[str, str]:
        """What came out for each outcome and how sure that is, in words."""
        return {name: answer.sentence for name, answer in self.answers.items()}


def sobol(
    scenario: Scenario,
    ranges: Ranges,
    outcomes: Iterable[str] = DEFAULT_OUTCOMES[:1],
    base: int = 128,
    replicates: int = 20,
    seed: int = 1,
    progress: bool = False,
) -> Shares:
    """How much of the variance of some outcomes each setting decides, alone and with its interactions.

    All outcomes are measured in the same runs: ``base`` · (ranges + 2) · ``replicates``.

    Args:
        scenario, ranges, outcomes, replicates, seed, progress: as of :func:`study`.
        base: size of the base sample, a power of two from 16.

    Raises:
        TypeError, ValueError: as :func:`study`, and :func:`sim.study.sensitivity.sobol`.
        MissingExtra: without SALib, which the extra ``analysis`` brings.
    """
    from sim.study import sensitivity  # it draws, and Matplotlib takes a while to import

    expect(scenario, Scenario, A_SCENARIO)
    factors, names = _factors(scenario, ranges), _outcomes(outcomes)
    _whole(replicates, 1, "replicates")
    checked = {one.name: (one.low, one.high) for one in factors}
    points = sensitivity.sobol_points(checked, base, seed)
    values = _values_at(scenario, factors, points, replicates, names, seed, progress)

    def known(name: str) -> Callable[[Floats], Floats]:
        return lambda _: values[name]  # at the very points, which the same base and seed give

    answers = {
        name: sensitivity.sobol(known(name), checked, base, seed, analysis.outcome_words(name)) for name in names
    }
    return Shares(scenario, factors, answers, seed)


# ---------------------------------------------------------------------------------------------------------------
# Scenarios side by side
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Made):
    """Scenarios under the same chances; see :func:`compare`. The first is the reference.

    Attributes:
        results: by name.
        outcomes: what the contrasts are of.
    """

    results: Mapping[str, Result]
    outcomes: tuple[str, ...]
    seed: int

    def __repr__(self) -> str:
        names = list(self.results)
        count = len(self.results[names[0]].replicates)
        return f"<Comparison of {', '.join(map(repr, names[1:]))} with {names[0]!r}: {count} paired replicates>"

    @property
    def reference(self) -> str:
        """Name of the scenario that the others are compared with."""
        return next(iter(self.results))

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row a scenario and replicate: ``cell`` from 0, ``label`` (its name), seed, replicate, every outcome."""
        parts = [result.runs() for result in self.results.values()]
        told = zip(self.results, parts, strict=True)
        frames = [part.assign(cell=cell, label=name) for cell, (name, part) in enumerate(told)]
        return pd.concat(frames, ignore_index=True)

    @cached_property
    def means(self) -> pd.DataFrame:
        """One row a scenario and outcome: its mean with the 95% interval (:func:`sim.study.analysis.cell_means`)."""
        return analysis.cell_means(self.runs, self.outcomes)

    @cached_property
    def contrasts(self) -> pd.DataFrame:
        """One row another scenario and outcome: its difference from the reference, paired by replicate, with the 95%
        interval (:func:`sim.study.analysis.paired`)."""
        return analysis.paired(self.runs, 0, self.outcomes)

    @cached_property
    def bands(self) -> pd.DataFrame:
        """One row a scenario, month and variable: mean over replicates, 95% interval, and the paired difference.

        Columns :data:`BANDS`. A replicate's number is the mean over its living alliances (``value``: over all;
        ``alive``: share of the alliances signed so far that go on); ``n`` replicates have one. The difference is from
        the reference in the same replicates and month, NaN for the reference itself and beyond the shorter horizon.
        Where all replicates are alike, or there is only one, ends are NaN.
        """
        paths = {name: _paths(result) for name, result in self.results.items()}
        base = paths[self.reference]
        parts = [_band(name, own, None if name == self.reference else base) for name, own in paths.items()]
        return pd.concat(parts, ignore_index=True)


def compare(
    scenarios: Mapping[str, Scenario],
    replicates: int = 100,
    outcomes: Iterable[str] = DEFAULT_OUTCOMES,
    seed: int = 1,
    progress: bool = False,
) -> Comparison:
    """Run scenarios under the same chances: paired contrasts at the end, and paired bands over time.

    Args:
        scenarios: by name, ``{"base": a, "clash": b}``; the first is the reference.
        replicates: of each.
        outcomes: names in :data:`sim.dynamics.outcomes.OUTCOMES`.
        seed: of all of them: replicate 7 of one meets the chances of replicate 7 of another.
        progress: show how far it is.

    Raises:
        TypeError, ValueError: when there are fewer than two, one is no scenario, there is no such outcome, or a number
            is no whole one.
    """
    expect(scenarios, Mapping, "scenarios: by name, such as {'base': a, 'clash': b}")
    for name, scenario in scenarios.items():
        expect(name, str, "scenarios: each has text for its name")
        expect(scenario, Scenario, A_SCENARIO)
    if len(scenarios) < 2:
        raise ValueError("scenarios: two or more, the first is what the others are compared with")
    names = tuple(_outcomes(outcomes))
    _whole(replicates, 1, "replicates")

    def run(scenario: Scenario) -> Result:
        return simulate(scenario, replicates, seed)

    with _bar(progress, " / ".join(scenarios), len(scenarios)) as tick, _threads() as pool:
        found = _counted(pool.map(run, scenarios.values()), tick)
        return Comparison(dict(zip(scenarios, found, strict=True)), names, seed)


def _paths(result: Result) -> dict[str, Floats]:
    """Each monthly variable, and :data:`ALIVE`: means over the alliances of each replicate, (R, months + 1)."""
    count, total = result.moments[..., 0], result.moments[..., 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = total / count
        alive = count[..., TRUST] / count[..., VALUE]
    return {**{name: means[..., v] for v, name in enumerate(VARIABLES)}, ALIVE: alive}


def _band(name: str, paths: Mapping[str, Floats], reference: Mapping[str, Floats] | None) -> pd.DataFrame:
    """The rows of :attr:`Comparison.bands` of one scenario."""
    parts = []
    for variable, values in paths.items():
        bounds = _bounds(variable)
        mean, low, high, n = _interval(values, bounds)
        apart = np.full((3, len(mean)), np.nan)
        if reference is not None:
            months = min(len(mean), reference[variable].shape[1])
            difference = values[:, :months] - reference[variable][:, :months]
            apart[:, :months] = _interval(difference, difference_bounds(bounds))[:3]
        columns = [name, np.arange(len(mean)), variable, mean, low, high, n, *apart]
        parts.append(pd.DataFrame(dict(zip(BANDS, columns, strict=True))))
    return pd.concat(parts, ignore_index=True)


def _bounds(variable: str) -> Range:
    """The lowest and the highest value that a monthly variable can have."""
    if variable == ALIVE:
        return SHARE
    v = VARIABLES.index(variable)
    is_share = (LOWS[v], HIGHS[v]) == SHARE and variable != "monitoring"
    return SHARE if is_share else EVERYWHERE


# ---------------------------------------------------------------------------------------------------------------
# A panel
# ---------------------------------------------------------------------------------------------------------------
def panel(
    scenario: Scenario, replicates: int | Iterable[int] = 20, seed: int = 1, progress: bool = False
) -> pd.DataFrame:
    """One row a replicate, alliance, side and month, the partner's numbers beside its own: for models of your own.

    A replicate of 75 alliances over 144 months has some 15,000 rows, 6 MB.

    Args:
        scenario: what to run.
        replicates: how many, numbered from 0, or which ones.
        seed: of the random numbers.
        progress: show how far it is.

    Returns:
        Columns :data:`sim.sides.COLUMNS`, rows by replicate, alliance, side and month.

    Raises:
        TypeError, ValueError: when the scenario is none, or seed or replicates no integers or out of range.
    """
    expect(scenario, Scenario, A_SCENARIO)
    if not isinstance(replicates, Iterable):
        _whole(replicates, 1, "replicates")
        replicates = range(replicates)
    which = list(replicates)
    if not which:
        raise ValueError("replicates: at least one")

    def sides(replicate: int) -> pd.DataFrame:
        return simulate_history(scenario, seed, replicate).sides()

    with _bar(progress, scenario.name, len(which)) as tick, _threads() as pool:
        return pd.concat(_counted(pool.map(sides, which), tick), ignore_index=True)


# ---------------------------------------------------------------------------------------------------------------
# What they share
# ---------------------------------------------------------------------------------------------------------------
def _outcomes(names: Iterable[str]) -> list[str]:
    """Names of outcomes, each once.

    Raises:
        TypeError, ValueError: when it is no list of names, an empty one, or there is no such outcome.
    """
    found = list(dict.fromkeys(Measure(name).outcome for name in analysis.names_of(names)))
    if not found:
        raise ValueError("outcomes: at least one, such as ['value']")
    return found


def _whole(number: Any, least: int, name: str) -> None:
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
        raise TypeError(f"{name}: how many, a whole number from {least}; got {shown(number)}")
    if number < least:
        raise ValueError(f"{name}: at least {least}, got {number}")


def _mean_and_error(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean, its standard error, and how many are defined, over the first axis; NaN where none, or fewer than two."""
    defined = ~np.isnan(values)
    n = defined.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(defined, values, 0.0).sum(axis=0) / n
        squares = (np.where(defined, values - mean, 0.0) ** 2).sum(axis=0)
    error = np.full(mean.shape, np.nan)
    for count in np.unique(n[n > 1]):
        error[n == count] = standard_error(squares[n == count], int(count))
    return mean, error, n


def _interval(values: Floats, bounds: Range) -> tuple[Floats, Floats, Floats, Floats]:
    """Mean over the first axis, both ends of its 95% interval, and how many are defined."""
    mean, error, n = _mean_and_error(values)
    return mean, *around(mean, error, n, bounds), n


def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1)


def _counted(found: Iterable[T], tick: Tick) -> list[T]:
    """What is found, as a list; each counts when it is there."""
    done = []
    for one in found:
        done.append(one)
        tick(1)
    return done


@contextmanager
def _bar(wanted: bool, name: str, total: int) -> Iterator[Tick]:
    """A bar on standard error for as long as it is entered, in a notebook lines; what is yielded moves it on."""
    if not wanted:
        yield lambda done: None
        return
    import click

    from sim.text import visible

    done, name = 0, visible(name)
    with click.progressbar(length=total, label=name, file=sys.stderr) as bar:

        def tick(more: int) -> None:
            nonlocal done
            done += more
            if not sys.stderr.isatty():  # a line for each tenth, where a bar cannot move
                bar.label = f"{name}: {10 * (10 * done // total)}%"
            bar.update(more)

        yield tick
