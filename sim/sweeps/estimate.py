"""What a sweep will take: runs, time and disk. A few runs are timed and weighed; nothing is written."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from sim.dynamics.outcomes import OUTCOMES
from sim.engine import simulate
from sim.sweeps.design import Cell, Experiment
from sim.sweeps.executors.local import cores
from sim.sweeps.plan import shard_size, work_of
from sim.sweeps.runner import warm_up
from sim.sweeps.shards import CellSums, Part, condense, reduce, rows_of
from sim.sweeps.tables import size_of_rows

PROBES = 6
PROBE_SECONDS = 0.15
MOST_PROBED = 50_000_000
"""Alliance-months of a run that is timed; a longer one is guessed from :data:`TYPICAL_SECONDS`."""
TYPICAL_SECONDS = 3e-7
"""Of an alliance-month, where nothing is timed."""
BYTES_PER_MONTH = 500.0
"""Of a cell's tables, where nothing is weighed."""


@dataclass(frozen=True)
class Estimate:
    """What a sweep will take: seconds of wall time on ``jobs`` threads, bytes on disk.

    With a wanted precision everything is for the fewest runs that there may be; ``most_runs`` is the other end. Where a
    run is too long to be timed, seconds and bytes are ``guessed`` from what is usual.
    """

    cells: int
    runs: int
    most_runs: int
    alliance_months: int
    seconds: float
    bytes: int
    guessed: bool


def estimate(
    experiment: Experiment,
    jobs: int | None = None,
    keep_alliances: bool = False,
) -> Estimate:
    """Time a little of the experiment on this machine, on as many threads, and extrapolate.

    Up to six cells are probed, spread over the design, for about 0.15 s each (or one run a thread, when that takes
    longer). Cells between are taken to cost as much an alliance-month as the nearest probed one.
    """
    jobs = jobs or cores()
    cells = experiment.cells()
    warm_up()
    at = np.unique(np.linspace(0, len(cells) - 1, min(PROBES, len(cells))).round().astype(int))
    probes = [_probe(experiment, cells[k], jobs, keep_alliances) for k in at]
    least, most = experiment.runs
    runs = least // len(cells)
    busy = writing = total_bytes = 0.0
    tasks = 0
    for cell in cells:
        nearest = int(np.abs(at - cell.index).argmin())
        probe, probed = probes[nearest], cells[at[nearest]]
        busy += runs * probe.seconds_per_run * work_of(cell.scenario) / work_of(probed.scenario)
        writing += probe.seconds_per_cell
        total_bytes += probe.bytes_per_cell + runs * probe.bytes_per_run
        tasks += math.ceil(runs / shard_size(cell.scenario))
    idle = jobs / min(jobs, tasks)  # a sweep of one task keeps one thread busy, whatever the number of threads
    work = runs * sum(work_of(cell.scenario) for cell in cells)
    guessed = any(_is_too_long(cells[k]) for k in at)
    return Estimate(len(cells), least, most, work, busy * idle + writing, round(total_bytes), guessed)


@dataclass(frozen=True)
class _Probe:
    seconds_per_run: float  # wall time, all threads at work
    seconds_per_cell: float  # tables and disk
    bytes_per_run: float
    bytes_per_cell: float


def _is_too_long(cell: Cell) -> bool:
    """Whether one run would already take minutes."""
    return work_of(cell.scenario) > MOST_PROBED


def _probe(experiment: Experiment, cell: Cell, jobs: int, keep_alliances: bool) -> _Probe:
    """Run as many replicates of a cell as fit in the time of a probe, on every thread at once."""
    if _is_too_long(cell):
        seconds = work_of(cell.scenario) * TYPICAL_SECONDS
        return _Probe(seconds, 0.1, len(OUTCOMES) * 8.0, cell.scenario.months * BYTES_PER_MONTH)

    def one(replicates: range) -> Part:
        return reduce(simulate(cell.scenario, replicates, experiment.seed), keep_alliances)

    begun = time.perf_counter()
    first = one(range(1))
    alone = time.perf_counter() - begun
    size = max(1, min(int(PROBE_SECONDS / alone), shard_size(cell.scenario), experiment.replicates))
    begun = time.perf_counter()
    with ThreadPoolExecutor(jobs) as pool:
        parts = list(pool.map(one, [range(1 + k * size, 1 + (k + 1) * size) for k in range(jobs)]))
    per_run = (time.perf_counter() - begun) / (jobs * size)

    begun = time.perf_counter()
    sizes = _table_sizes(cell, [first, *parts], experiment.seed)
    per_cell = time.perf_counter() - begun
    few = _table_sizes(cell, [first], experiment.seed)
    growing = ("runs", "run_ledger", "alliances")
    each = sum(sizes[name] - few[name] for name in sizes if name in growing) / (jobs * size)
    return _Probe(per_run, per_cell, each, sum(sizes[name] for name in sizes if name not in growing))


def _table_sizes(cell: Cell, parts: list[Part], seed: int) -> dict[str, int]:
    """Bytes that the rows of a cell take in each table."""
    shard, sums = condense(parts), CellSums(cell)
    sums.add(shard)
    return {name: size_of_rows(frame) for name, frame in {**rows_of(cell, shard, seed), **sums.tables()}.items()}
