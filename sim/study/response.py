"""The model as a function of some of its settings: points in, an outcome of each replicate out.

Every point is run with the same seed and the same replicates (common random numbers), so that two points differ by
what their settings do and little else. The analyses that choose their own points (:mod:`sim.study.sensitivity`,
:mod:`sim.study.tipping`) take such a function, or any other of the same form.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.outcomes import OUTCOMES
from sim.engine import Result, simulate
from sim.parameters import Parameters, Traits, meta
from sim.scenario import Scenario, override
from sim.study.analysis import outcome_words, unit_words
from sim.tomlfile import BadFile, did_you_mean, shown

Floats = NDArray[np.float64]

Response = Callable[[Floats], Floats]
"""Takes points, shape (n, k); gives outcomes, (n,) or (n, r) for r replicates that share their random draws."""

Tick = Callable[[int], None]
"""Called with the number of runs done so far."""

CHUNK = 25
"""Replicates in one task of a thread: long against the cost of a task, small in memory."""

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


def factor_of(scenario: Scenario, name: str, low: float | None = None, high: float | None = None) -> Factor:
    """A factor of a scenario, checked; without a range, with the bounds that are declared for it.

    Args:
        scenario: whose setting it is.
        name: a parameter, a trait (set for everybody), a trait of a group, or a number of an event.
        low, high: its range.

    Raises:
        ValueError: when there is no such setting, it is no continuous number, or an end is out of its bounds.
    """
    try:
        override(copy.deepcopy(dict(scenario.written)), name, 0.0, scenario)
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
        if self.outcome not in OUTCOMES:
            near = did_you_mean(self.outcome, OUTCOMES) or "; `alliance outcomes` lists them"
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

    def of(self, result: Result) -> Floats:
        """Its value in each replicate of a result, (r,); NaN where the outcome is defined for no alliance."""
        if self.above is None:
            return result.runs()[self.outcome].to_numpy(dtype=np.float64)
        table = result.alliances_table()[["replicate", self.outcome]].dropna()
        share = (table[self.outcome] > self.above).groupby(table["replicate"]).mean()
        return share.reindex(result.replicates).to_numpy(dtype=np.float64)


# ---------------------------------------------------------------------------------------------------------------
# The function
# ---------------------------------------------------------------------------------------------------------------
def response_of(
    scenario: Scenario,
    names: Sequence[str],
    measure: Measure,
    replicates: int = 20,
    seed: int = 1,
    tick: Tick | None = None,
) -> Response:
    """A scenario as a function of some settings; threads share the runs, and the values do not depend on how many.

    Args:
        scenario: everything that does not vary.
        names: the settings that vary, in the order of the points' columns.
        measure: what is measured of each replicate.
        replicates: runs of every point, the same ones for all of them.
        seed: of the random numbers, the same for all points.
        tick: told how many runs have been done since the function was made.

    Returns:
        A function from points (n, k) to values (n, replicates). It raises ``ValueError`` when the outcome is not
        defined in some run, and ``BadFile`` when a point is no scenario.
    """
    runs_done = 0

    def respond(points: Floats) -> Floats:
        nonlocal runs_done
        scenarios = [scenario.with_settings(dict(zip(names, map(float, point), strict=True))) for point in points]
        chunks = [range(start, min(start + CHUNK, replicates)) for start in range(0, replicates, CHUNK)]
        tasks = [(k, chunk) for k in range(len(scenarios)) for chunk in chunks]
        values = np.empty((len(scenarios), replicates))
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            measured = pool.map(lambda task: measure.of(simulate(scenarios[task[0]], task[1], seed)), tasks)
            for (k, chunk), of_chunk in zip(tasks, measured, strict=True):
                values[k, chunk.start : chunk.stop] = of_chunk
                runs_done += len(chunk)
                if tick is not None:
                    tick(runs_done)
        undefined = int(np.isnan(values).sum())
        if undefined:
            raise ValueError(
                f"{measure.words} is not defined in {undefined} of {values.size} runs: choose an outcome that always is"
            )
        return values

    return respond
