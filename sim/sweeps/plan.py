"""What a sweep has to compute: cells, rounds of replicates, and shards.

A *shard* is a range of replicates of one cell, the unit that is stored. The size of a cell's shards is chosen once,
before the first run, and written into the manifest: names are the same whoever computes them, in whatever order, and
storing a shard twice changes nothing. How shards are cut or joined into tasks is free (``runner``).

A *round* is ``batch`` replicates of a cell. With a fixed number of replicates there is one. With a wanted precision
there is another round until the 95% interval of the mean of every named outcome is narrow enough. That is decided from
the stored results of whole rounds and nothing else, so it comes out the same after any interruption.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import ALLIANCE, LAYERS, N_CAUSES, ORGANIZATION, VARIABLES
from sim.intervals import from_moments
from sim.scenario import Scenario
from sim.sweeps.design import FEWEST, Cell, Experiment
from sim.sweeps.levels import numbers_alike

SHARD_WORK = 1_200_000
"""Alliance-months in a shard: about a third of a second, long against storing it (some milliseconds)."""
SHARD_BYTES = 64 * 2**20
"""Most memory that the arrays of one shard may take."""


class ShardKey(NamedTuple):
    """Which shard: replicates ``first`` to ``stop`` (not included) of a cell. Sorts in the order of the tables."""

    cell: int
    first: int
    stop: int

    @property
    def replicates(self) -> range:
        """The numbers of its replicates."""
        return range(self.first, self.stop)

    @property
    def file_name(self) -> str:
        """The name of its file."""
        return f"c{self.cell:05d}-r{self.first:08d}-{self.stop:08d}.parquet"


@dataclass(frozen=True)
class Plan:
    """Everything that decides what is computed and where it is stored.

    Attributes:
        cells: in the order of the design.
        seed: of the random numbers.
        batch: replicates in a round; ``most``: replicates of a cell at most. Equal without a wanted precision.
        precision: outcome → wanted half-width of the 95% interval of each cell's mean, in the outcome's unit.
        keep_alliances: whether a row for every alliance is kept.
        shard_sizes: replicates in a shard, for each cell.
    """

    cells: tuple[Cell, ...]
    seed: int
    batch: int
    most: int
    precision: Mapping[str, float]
    keep_alliances: bool
    shard_sizes: tuple[int, ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hex of everything that decides what is in the shards and the tables, but the code."""
        decided = [
            numbers_alike(
                [[cell.label, cell.scenario_name, cell.factors, cell.scenario.plain()] for cell in self.cells]
            ),
            [self.seed, self.batch, self.most, dict(self.precision), self.keep_alliances, self.shard_sizes],
        ]
        return hashlib.sha256(json.dumps(decided, sort_keys=True).encode()).hexdigest()

    def rounds(self) -> Iterator[range]:
        """The replicates of each round that there may be."""
        for first in range(0, self.most, self.batch):
            yield range(first, min(first + self.batch, self.most))

    def shards(self, cell: int, replicates: range) -> Iterator[ShardKey]:
        """The shards of a round of a cell, in order."""
        size = self.shard_sizes[cell]
        for first in range(replicates.start, replicates.stop, size):
            yield ShardKey(cell, first, min(first + size, replicates.stop))


def plan_of(experiment: Experiment, keep_alliances: bool) -> Plan:
    """The plan of an experiment that has not been begun."""
    cells = experiment.cells()
    precision = dict(experiment.precision)
    return Plan(
        cells=cells,
        seed=experiment.seed,
        batch=experiment.replicates,
        most=experiment.max_replicates if precision else experiment.replicates,
        precision=precision,
        keep_alliances=keep_alliances,
        shard_sizes=tuple(shard_size(cell.scenario) for cell in cells),
    )


def plan_in(manifest: Mapping[str, Any]) -> Plan:
    """The plan of a sweep that has been begun, from its manifest alone; the experiment's file is not needed.

    Raises:
        BadFile: when this version cannot read a scenario.
        KeyError, TypeError: when the manifest is damaged.
    """
    rows, recorded = manifest["cells"], manifest["plan"]
    return Plan(
        cells=tuple(
            Cell(row["cell"], row["label"], row["scenario"], row["factors"], Scenario.from_plain(row["resolved"]))
            for row in rows
        ),
        seed=recorded["seed"],
        batch=recorded["batch"],
        most=recorded["most"],
        precision=recorded["precision"],
        keep_alliances=recorded["keep_alliances"],
        shard_sizes=tuple(row["shard_size"] for row in rows),
    )


def work_of(scenario: Scenario) -> int:
    """Alliance-months of one run, the measure of work."""
    return scenario.alliances * scenario.months


def shard_size(scenario: Scenario) -> int:
    """Replicates in a shard: about :data:`SHARD_WORK`, at most :data:`SHARD_BYTES`, at least one."""
    per_run = (
        scenario.organizations * ORGANIZATION.itemsize
        + scenario.alliances * (ALLIANCE.itemsize + 2 * len(LAYERS) * N_CAUSES * 8)
        + (scenario.months + 1) * len(VARIABLES) * 3 * 8
    )
    return max(1, min(SHARD_WORK // work_of(scenario), SHARD_BYTES // per_run))


# ---------------------------------------------------------------------------------------------------------------
# How precise a cell's means are
# ---------------------------------------------------------------------------------------------------------------
class Precision:
    """The means of a cell's named outcomes so far, round by round, and whether they are precise enough.

    The rule is to stop at the first look at which the interval is narrow enough, but neither before the spread can be
    known (:data:`sim.sweeps.design.FEWEST` values) nor because none has been seen yet. Why it takes both, and that such
    intervals are right in the limit: Chow & Robbins 1965, https://doi.org/10.1214/aoms/1177700156. How often they are
    before that is measured by ``benchmarks/interval_coverage.py``.

    Count, mean and sum of squared deviations of each outcome are kept and joined (Chan, Golub & LeVeque 1983,
    https://doi.org/10.1080/00031305.1983.10483115), always in the order of rounds.
    """

    def __init__(self, wanted: Mapping[str, float]) -> None:
        self._wanted = wanted
        self._count = dict.fromkeys(wanted, 0)
        self._mean = dict.fromkeys(wanted, 0.0)
        self._squares = dict.fromkeys(wanted, 0.0)
        self._low = dict.fromkeys(wanted, math.inf)
        self._high = dict.fromkeys(wanted, -math.inf)

    def add(self, runs: Iterable[pd.DataFrame]) -> None:
        """Take in a round: the runs of its shards, in order. A run in which an outcome is not defined is left out."""
        table = pd.concat(list(runs), ignore_index=True)
        for name in self._wanted:
            values = table[name].to_numpy(float) if name in table else np.empty(0)
            values = values[~np.isnan(values)]
            if not len(values):
                continue
            count, mean = len(values), float(values.mean())
            total, shift = self._count[name] + count, mean - self._mean[name]
            within = float(((values - mean) ** 2).sum())
            self._squares[name] += within + shift**2 * self._count[name] * count / total
            self._mean[name] += shift * count / total
            self._count[name] = total
            self._low[name] = min(self._low[name], float(values.min()))
            self._high[name] = max(self._high[name], float(values.max()))

    def half_width(self, name: str) -> float:
        """How far an outcome's mean may be from what it is so far, by the interval that a result shows of it.

        Infinite where that has none (:mod:`sim.intervals`): with fewer than two values, and while all are the same
        and nothing bounds the outcome.
        """
        count, mean, squares = self._count[name], self._mean[name], self._squares[name]
        low, high, bounds = self._low[name], self._high[name], OUTCOMES[name].bounds
        return from_moments(count, mean, squares, low, high, bounds).reach

    def reached(self) -> bool:
        """True when every named outcome is as precise as wanted."""
        return all(
            self._count[name] >= FEWEST and self.half_width(name) <= wanted for name, wanted in self._wanted.items()
        )

    def half_widths(self) -> dict[str, float | None]:
        """For a manifest: half-width of each named outcome; None where it is not defined."""
        widths = {name: self.half_width(name) for name in self._wanted}
        return {name: width if math.isfinite(width) else None for name, width in widths.items()}
