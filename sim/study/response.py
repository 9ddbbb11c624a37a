"""The model as a function of some of its settings: points in, an outcome of each replicate out.

Every point is run with the same seed and the same replicates (common random numbers), so that two points differ by
what their settings do and little else. The analyses that choose their own points (:mod:`sim.study.sensitivity`,
:mod:`sim.study.tipping`) take such a function, or any other of the same form.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.distributions import expect, is_number, shown
from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import ALLIANCE
from sim.engine import A_SCENARIO, Batch, Records, outcome_means, simulate_many
from sim.intervals import SHARE, Range
from sim.parameters import Parameters, Traits, meta
from sim.scenario import Scenario, override
from sim.study.analysis import outcome_words, unit_words
from sim.tomlfile import BadFile, did_you_mean

Floats = NDArray[np.float64]

Response = Callable[[Floats], Floats]
"""Takes points, shape (n, k); gives outcomes, (n,) or (n, r) for r replicates that share their random draws."""

Ranges = Mapping[str, tuple[float, float]]
"""Factors with the ends of their ranges, ``{"trust_gain": (0.02, 0.1)}``: one thing, so that neither can slip. Their
order is that of the points' columns."""

Tick = Callable[[int], None]
"""Called with the number of runs done since the last time."""

FEWEST_RUNS, MOST_RUNS = 25, 250
"""Runs in one task of a thread: long against the cost of a task, small in memory, and enough tasks for all threads."""
MOST_ALLIANCES = 20_000
"""In one task, unless its fewest runs have more."""

WHOLE_OF_EVENTS = ("name", "month", "kind", "enabled", "who", "trait", "months")
"""Fields of events that take no fractions: words, switches and whole numbers."""


def short_number(value: float, digits: int = 6) -> str:
    """A number with so many significant digits and no zeros at its end, and with a true minus: "−0.5"."""
    return f"{value:.{digits}g}".replace("-", "−")


# ---------------------------------------------------------------------------------------------------------------
# Factors
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Factor:
    """A setting that varies from ``low`` to ``high``, uniformly where it is sampled; keys as in ``--set``.

    Raises:
        ValueError: when the range is empty or not finite.
    """

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            low, high = short_number(self.low), short_number(self.high)
            raise ValueError(f"{self.name}: the range must rise from low to high, got {low} to {high}")


def factors_of(response: Response | None, ranges: Ranges | None) -> tuple[Factor, ...]:
    """The factors of a function: as given, or those of a scenario that :func:`response_of` made a function of.

    Args:
        response: the function; None where there is only a sample to be made.
        ranges: its factors in the order of the points' columns; None for a function that knows its own.

    Raises:
        TypeError: when no factors are given, or not by name.
        ValueError: when a range is none, or the function is one of other factors or another order.
    """
    own: tuple[Factor, ...] | None = getattr(response, "factors", None)
    if ranges is None and own is not None:
        return own
    if not isinstance(ranges, Mapping):
        raise TypeError(f"factors: a range for each name, such as {{'blame': (0.1, 0.9)}}; got {shown(ranges)}")
    factors = []
    for name, ends in ranges.items():
        if not (isinstance(ends, Sequence) and len(ends) == 2 and all(map(is_number, ends))):
            raise ValueError(f"{name}: a range is two numbers, (low, high); got {shown(ends)}")
        factors.append(Factor(name, float(ends[0]), float(ends[1])))
    if own is not None and own != tuple(factors):
        known = ", ".join(f"{factor.name} ({factor.low:g} to {factor.high:g})" for factor in own)
        raise ValueError(f"the factors are not those of the response, in their order: {known}; leave them out")
    return tuple(factors)


def factor_of(scenario: Scenario, name: str, low: float | None = None, high: float | None = None) -> Factor:
    """A factor of a scenario, checked; without a range, with the bounds that are declared for it.

    Args:
        scenario: whose setting it is.
        name: a parameter, a trait (set for everybody), a trait of a group, or a number of an event.
        low, high: its range.

    Raises:
        TypeError: when the scenario is none, or the name no text.
        ValueError: when there is no such setting, it is no continuous number, or an end is out of its bounds.
    """
    expect(scenario, Scenario, A_SCENARIO)
    try:
        override(scenario.written, name, 0.0, scenario)
    except BadFile as error:
        raise ValueError(f"{name}: {error.problems[0].message}") from None
    short = name.rpartition(".")[2]
    of_event = name.startswith("events.")
    declared = None if of_event else Parameters.model_fields.get(short, Traits.model_fields.get(short))
    whole = short in WHOLE_OF_EVENTS if of_event else declared is None or meta(declared)["unit"] == "switch"
    if whole:
        raise ValueError(f"{name}: takes no fractions, so it cannot vary continuously; list levels in an experiment")
    if low is None or high is None:
        if declared is None:
            raise ValueError(f"{name}: has no declared range; give one, as in {name}=0.1..0.5")
        low, high = float(meta(declared)["low"]), float(meta(declared)["high"])
    factor = Factor(name, low, high)
    for value in (factor.low, factor.high, 0.37 * factor.low + 0.63 * factor.high):
        try:
            scenario.with_settings({name: value})
        except BadFile as error:
            raise ValueError(f"{name}: {error.problems[0].message}") from None
    return factor


# ---------------------------------------------------------------------------------------------------------------
# What is measured
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Measure:
    """A number for each replicate: the mean of an outcome over its alliances, or the share that lies above a threshold.

    Attributes:
        outcome: name of an outcome.
        above: the threshold, in the outcome's unit; None for the mean.

    Raises:
        ValueError: when there is no such outcome, or the threshold is no number.
    """

    outcome: str
    above: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.outcome, str) or self.outcome not in OUTCOMES:
            near = did_you_mean(str(self.outcome), OUTCOMES) or "; `alliance outcomes` lists them"
            raise ValueError(f"{shown(self.outcome)} is no outcome{near}")
        if self.above is not None and not np.isfinite(self.above):
            raise ValueError(f"the threshold must be a number, got {self.above:g}")

    @property
    def words(self) -> str:
        """As it stands in a sentence: "trust", or "share of alliances with trust above 0.5"."""
        name = outcome_words(self.outcome)
        return name if self.above is None else f"share of alliances with {name} above {short_number(self.above)}"

    @property
    def unit(self) -> str:
        """As it stands at an axis: "money"; empty for a share and what else has none."""
        share = self.above is not None or OUTCOMES[self.outcome].unit == "share"
        return "" if share else unit_words(self.outcome).strip()

    @property
    def bounds(self) -> Range:
        """The lowest and the highest value that it can have."""
        return OUTCOMES[self.outcome].bounds if self.above is None else SHARE

    def of(self, alliances: Records) -> Floats:
        """Its value in each run, (r,); NaN where the outcome is defined for no alliance.

        Args:
            alliances: records (r, alliances), such as ``Result.alliances``.

        Raises:
            TypeError: when they are none.
        """
        if getattr(alliances, "dtype", None) != ALLIANCE:
            raise TypeError(f"alliances: records of alliances, such as Result.alliances; got {shown(alliances)}")
        if self.above is None:
            return outcome_means(alliances, [self.outcome])[self.outcome]
        with np.errstate(invalid="ignore"):
            values = OUTCOMES[self.outcome].formula(alliances)
        defined = (alliances["exists"] == 1) & ~np.isnan(values)
        counts, above = defined.sum(axis=1), (defined & (values > self.above)).sum(axis=1)
        return np.divide(above, counts, out=np.full(len(alliances), np.nan), where=counts > 0)


# ---------------------------------------------------------------------------------------------------------------
# The function
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False, repr=False)
class ModelResponse:
    """A scenario as a function of some settings; see :func:`response_of`."""

    scenario: Scenario
    factors: tuple[Factor, ...]
    measure: Measure
    replicates: int
    seed: int
    tick: Tick | None = None

    def __repr__(self) -> str:
        names = ", ".join(factor.name for factor in self.factors)
        return f"<ModelResponse: {self.measure.words} of {self.scenario.name!r} by {names}>"

    def __call__(self, points: Floats) -> Floats:
        """Values (n, replicates) at points (n, k), a column a factor."""
        settings = {factor.name: column for factor, column in zip(self.factors, points.T, strict=True)}
        (values,) = measured_at(self.scenario, settings, self.replicates, self.seed, self._measured, self.tick)
        undefined = int(np.isnan(values).sum())
        if undefined:
            raise ValueError(
                f"{self.measure.words} is not defined in {undefined} of {values.size} runs: choose an outcome that "
                "always is"
            )
        return values

    def _measured(self, batch: Batch) -> Floats:
        """The measure of each run of a batch, (1, n, r)."""
        ran = batch.alliances
        return self.measure.of(ran.reshape(-1, ran.shape[-1])).reshape(1, *ran.shape[:2])


def measured_at(
    scenario: Scenario,
    settings: Mapping[str, Floats],
    replicates: int,
    seed: int,
    measure: Callable[[Batch], Floats],
    tick: Tick | None = None,
) -> Floats:
    """What is measured of every run at many points, (measures, n, replicates); threads share the runs.

    Args:
        scenario: everything that does not vary.
        settings: what varies, with a value for each of the n points.
        replicates: runs of every point, the same ones for all of them.
        seed: of the random numbers, the same for all points.
        measure: numbers of some runs, (measures, points, replicates) of a batch of so many.
        tick: told how many runs have been done since the last time.
    """
    points = len(next(iter(settings.values())))
    threads = os.cpu_count() or 1
    tasks = _tasks(points, replicates, threads, scenario.alliances)

    def measured(task: tuple[slice, range]) -> Floats:
        mine = {name: column[task[0]] for name, column in settings.items()}
        return measure(simulate_many(scenario, mine, task[1], seed))

    found: Floats | None = None
    with ThreadPoolExecutor(threads) as pool:
        for (of_task, chunk), values in zip(tasks, pool.map(measured, tasks), strict=True):
            if found is None:
                found = np.empty((len(values), points, replicates))
            found[:, of_task, chunk.start : chunk.stop] = values
            if tick is not None:
                tick(values[0].size)
    assert found is not None  # there is a task, since there is a point and a replicate
    return found


def response_of(
    scenario: Scenario,
    factors: Ranges,
    measure: Measure,
    replicates: int = 20,
    seed: int = 1,
    tick: Tick | None = None,
) -> ModelResponse:
    """A scenario as a function of some settings; threads share the runs, and the values do not depend on how many.

    Args:
        scenario: everything that does not vary.
        factors: the settings that vary with their ranges, in the order of the points' columns.
        measure: what is measured of each replicate.
        replicates: runs of every point, the same ones for all of them.
        seed: of the random numbers, the same for all points.
        tick: told how many runs have been done since the last time.

    Returns:
        A function from points (n, k) to values (n, replicates), which knows its factors. It raises ``ValueError`` when
        the outcome is not defined in some run, and ``BadFile`` when a point is no scenario.

    Raises:
        TypeError, ValueError: when a factor is no continuous setting of the scenario, or a range is out of its bounds.
    """
    expect(scenario, Scenario, A_SCENARIO)
    expect(measure, Measure, "measure: a Measure, such as Measure('trust')")
    expect(replicates, (int, np.integer), "replicates: how many, a whole number from 1")
    if replicates < 1:
        raise ValueError(f"replicates: at least one, got {replicates}")
    checked = tuple(factor_of(scenario, one.name, one.low, one.high) for one in factors_of(None, factors))
    return ModelResponse(scenario, checked, measure, replicates, seed, tick)


def _tasks(points: int, replicates: int, threads: int, alliances: int) -> list[tuple[slice, range]]:
    """Points and replicates of each task; together they are all points with all replicates."""
    most = min(MOST_RUNS, MOST_ALLIANCES // alliances, points * replicates // (4 * threads))
    runs = max(FEWEST_RUNS, most)
    together = max(1, runs // replicates)
    chunks = [range(start, min(start + runs, replicates)) for start in range(0, replicates, runs)]
    return [(slice(k, min(k + together, points)), chunk) for k in range(0, points, together) for chunk in chunks]
