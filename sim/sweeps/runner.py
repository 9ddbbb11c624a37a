"""Run an experiment: cells × chunks of replicates are tasks in a thread pool; results go to disk cell by cell.

The kernel holds no lock and no state, so threads need no start-up and no copies. A replicate's numbers do not depend on
the others, chunks are reduced replicate by replicate and combined in the order of replicates, and cells are written in
the order of the design: the tables are the same bytes for any number of threads and any chunking.
"""

from __future__ import annotations

import io
import math
import os
import shutil
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sim.dynamics.compiled import is_cached
from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import (
    ALLIANCE,
    BINS,
    LAYERS,
    N_CAUSES,
    ORGANIZATION,
    VARIABLES,
    histogram_range,
)
from sim.engine import Result, ledger_table, monthly_table, run_ledger_table, simulate, survival_table
from sim.scenario import Scenario
from sim.sweeps.design import Cell, Experiment
from sim.sweeps.store import COMPLETE, FAILED, INTERRUPTED, CannotStore, ResultFolder, describe

TASK_WORK = 800_000
"""Alliance-months in one task: about 0.3 s, long against the cost of a task, short against a person's patience."""
TASK_BYTES = 64 * 2**20
"""Most memory that the arrays of one task may take."""
HISTOGRAM_EVERY = 12
"""Months between the histograms that are kept."""

OnProgress = Callable[["Progress"], None]
OnMessage = Callable[[str], None]

LOOK_EVERY = 0.2
"""Seconds after which a waiting sweep looks whether Ctrl-C was pressed."""
COMPILING = "compiling the core (first use on this machine; takes about 20 s) …"
STOPPING = "stopping: what is complete is being kept …"


class AllRunsFailed(RuntimeError):
    """Not one run of a sweep came out; ``str()`` says why the first one did not and where the list is."""


@dataclass
class Progress:
    """How far a sweep is. Runs that failed count as done."""

    runs_done: int
    runs_total: int
    alliance_months_done: int
    seconds: float
    alliance_months_total: int = 0

    @property
    def rate(self) -> float:
        """Runs per second so far; 0 before the first."""
        return self.runs_done / self.seconds if self.seconds > 0 else 0.0

    @property
    def eta(self) -> float:
        """Seconds still to go, from the work done so far; infinite before any is done."""
        done, total = self.alliance_months_done, self.alliance_months_total
        if not total:
            done, total = self.runs_done, self.runs_total
        return self.seconds * (total - done) / done if done else math.inf


@dataclass(frozen=True)
class Estimate:
    """What a sweep will take: seconds of wall time on ``jobs`` threads, bytes on disk."""

    cells: int
    runs: int
    alliance_months: int
    seconds: float
    bytes: int


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def warm_up(on_message: OnMessage | None = None) -> None:
    """Compile the core, or load it from the cache, once and before any thread needs it."""
    if on_message is not None and not is_cached():
        on_message(COMPILING)
    texts = {"title": "Warm-up", "question": "-", "source": "-", "expected": "-"}
    simulate(Scenario.from_plain({**texts, "organizations": 2, "months": 1}), [0])


# ---------------------------------------------------------------------------------------------------------------
# One chunk of a cell, reduced at once
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Part:
    """What is kept of R replicates of one cell. Everything but the histogram is per replicate, in their order."""

    replicates: NDArray[np.int64]
    runs: pd.DataFrame  # Result.runs()
    moments: NDArray[np.float64]  # (R, months + 1, variables, 3)
    histogram: NDArray[np.int64]  # (months + 1, variables, bins), summed over replicates
    endings: Any  # records (R, M): cause, ended
    ledger: NDArray[np.float64]  # (R, layers, causes): mean over alliances and sides
    alliances: pd.DataFrame | None  # Result.alliances_table()
    seconds: float  # time that simulating and reducing took


ENDING = np.dtype([("cause", "i1"), ("ended", "i2")])


def reduce(result: Result, keep_alliances: bool) -> Part:
    """Keep of a result what the tables need, replicate by replicate so that no number depends on the chunk."""
    endings = np.empty(result.alliances.shape, ENDING).view(np.recarray)
    endings.cause, endings.ended = result.alliances.cause, result.alliances.ended
    return Part(
        replicates=result.replicates,
        runs=result.runs(),
        moments=result.moments,
        histogram=result.histogram,
        endings=endings,
        ledger=np.stack([of_one.mean(axis=(0, 1)) for of_one in result.ledger]),
        alliances=result.alliances_table() if keep_alliances else None,
        seconds=0.0,
    )


def combine(parts: Sequence[Part]) -> Part:
    """Parts of one cell as one, in the order of replicates."""
    parts = sorted(parts, key=lambda part: int(part.replicates[0]))
    frames = [part.alliances for part in parts if part.alliances is not None]
    return Part(
        replicates=np.concatenate([part.replicates for part in parts]),
        runs=pd.concat([part.runs for part in parts], ignore_index=True),
        moments=np.concatenate([part.moments for part in parts]),
        histogram=np.sum([part.histogram for part in parts], axis=0),
        endings=np.concatenate([part.endings for part in parts]).view(np.recarray),
        ledger=np.concatenate([part.ledger for part in parts]),
        alliances=pd.concat(frames, ignore_index=True) if frames else None,
        seconds=sum(part.seconds for part in parts),
    )


def tables_of(cell: Cell, part: Part, seed: int) -> dict[str, pd.DataFrame]:
    """The rows of a cell in every table but ``cells`` and ``failed``."""
    known = {"label": cell.label, "scenario": cell.scenario_name, **cell.factors}
    runs = part.runs.copy()
    runs.insert(1, "seed", seed)
    for position, (name, value) in enumerate(known.items()):
        runs.insert(position, name, value)
    tables = {
        "runs": runs,
        "monthly": monthly_table(part.moments, part.histogram),
        "survival": survival_table(part.endings, cell.scenario.months),
        "ledger": ledger_table(part.ledger[:, None, None]),
        "run_ledger": run_ledger_table(part.replicates, part.ledger),
        "histogram": histogram_table(part.histogram),
    }
    if part.alliances is not None:
        tables["alliances"] = part.alliances.copy()
    for frame in tables.values():
        frame.insert(0, "cell", cell.index)
    return tables


def histogram_table(histogram: NDArray[np.int64]) -> pd.DataFrame:
    """One row a month (every twelfth and the last), variable and bin not empty; see ``state.histogram_range``."""
    last = len(histogram) - 1
    months = np.array(sorted({*range(0, last + 1, HISTOGRAM_EVERY), last}))
    month, variable, bin_ = np.nonzero(histogram[months])
    lows, highs = histogram_range(last)
    width = (highs - lows)[variable] / BINS
    return pd.DataFrame(
        {
            "month": months[month],
            "variable": pd.Categorical.from_codes(variable, list(VARIABLES)),
            "low": lows[variable] + width * bin_,
            "high": lows[variable] + width * (bin_ + 1),
            "count": histogram[months][month, variable, bin_],
        }
    )


def work_of(scenario: Scenario) -> int:
    """Alliance-months of one run, the measure of work."""
    return scenario.alliances * scenario.months


def chunk_of(scenario: Scenario) -> int:
    """Replicates in one task: about :data:`TASK_WORK`, at most :data:`TASK_BYTES`, at least one."""
    per_run = (
        scenario.organizations * ORGANIZATION.itemsize
        + scenario.alliances * (ALLIANCE.itemsize + 2 * len(LAYERS) * N_CAUSES * 8)
        + (scenario.months + 1) * len(VARIABLES) * 3 * 8
    )
    return max(1, min(TASK_WORK // work_of(scenario), TASK_BYTES // per_run))


# ---------------------------------------------------------------------------------------------------------------
# A whole sweep
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Task:
    cell: Cell
    replicates: range


@dataclass(frozen=True)
class _Failure:
    cell: int
    replicate: int
    error: str


class _Sweep:
    """One running sweep: hands out tasks, takes parts in, writes each cell when its turn comes."""

    def __init__(
        self, experiment: Experiment, folder: ResultFolder, keep_alliances: bool, on_progress: OnProgress | None
    ) -> None:
        self.experiment, self.folder, self.keep_alliances = experiment, folder, keep_alliances
        self.cells = experiment.cells()
        self.on_progress = on_progress
        self.failures: list[_Failure] = []
        self.replicates_done = [0] * len(self.cells)
        self.kernel_seconds = 0.0
        self._left = [experiment.replicates] * len(self.cells)
        self._parts: dict[int, list[Part]] = {}
        self._next = 0  # the first cell that is not written yet
        self._begun = time.perf_counter()
        work = [work_of(cell.scenario) for cell in self.cells]
        total = len(self.cells) * experiment.replicates
        self.progress = Progress(0, total, 0, 0.0, experiment.replicates * sum(work))

    def tasks(self, chunk: int | None) -> Iterator[_Task]:
        """Every cell cut into chunks of replicates, in order."""
        for cell in self.cells:
            size = chunk or chunk_of(cell.scenario)
            for first in range(0, self.experiment.replicates, size):
                yield _Task(cell, range(first, min(first + size, self.experiment.replicates)))

    def run(self, task: _Task) -> Part:
        """Simulate and reduce one task; called in a worker thread."""
        begun = time.perf_counter()
        result = simulate(task.cell.scenario, task.replicates, self.experiment.seed)
        part = reduce(result, self.keep_alliances)
        return replace(part, seconds=time.perf_counter() - begun)

    def run_all(self, jobs: int, chunk: int | None, stop: CtrlC) -> None:
        """All tasks on ``jobs`` threads; at most two tasks a thread are under way or waiting.

        Raises:
            KeyboardInterrupt: after Ctrl-C, when the tasks under way have ended and been taken in.
        """
        self._begun = time.perf_counter()  # compiling is no part of the speed
        fresh = self.tasks(chunk)
        again: deque[_Task] = deque()
        pending: dict[Future[Part], _Task] = {}
        pool = ThreadPoolExecutor(jobs, thread_name_prefix="sweep")
        try:
            while True:
                while len(pending) < 2 * jobs:
                    task = again.popleft() if again else next(fresh, None)
                    if task is None:
                        break
                    pending[pool.submit(self.run, task)] = task
                if not pending:
                    return
                done, _ = wait(pending, timeout=LOOK_EVERY, return_when=FIRST_COMPLETED)
                stop.check()
                for future in done:
                    task = pending.pop(future)
                    again.extend(self.take(task, future))
                    self.report()
        except KeyboardInterrupt:
            pool.shutdown(wait=True, cancel_futures=True)
            for future, task in pending.items():
                if not future.cancelled():
                    self.take(task, future)
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def take(self, task: _Task, future: Future[Part]) -> list[_Task]:
        """Take a task's part in. A task that failed comes back replicate by replicate, to find the culprit."""
        error = future.exception()
        if error is not None and len(task.replicates) > 1:
            return [_Task(task.cell, range(replicate, replicate + 1)) for replicate in task.replicates]
        index, count = task.cell.index, len(task.replicates)
        if error is not None:
            self.failures.append(_Failure(index, task.replicates[0], f"{type(error).__name__}: {error}"))
        else:
            part = future.result()
            self._parts.setdefault(index, []).append(part)
            self.replicates_done[index] += count
            self.kernel_seconds += part.seconds
        self._left[index] -= count
        self.progress.runs_done += count
        self.progress.alliance_months_done += count * work_of(task.cell.scenario)
        while self._next < len(self.cells) and self._left[self._next] == 0:
            self._write_next()
        return []

    def report(self) -> None:
        """Tell how far it is."""
        self.progress.seconds = time.perf_counter() - self._begun
        if self.on_progress is not None:
            self.on_progress(self.progress)

    def write_rest(self) -> None:
        """Write what there is of the cells that are not complete, and the two tables about all cells."""
        while self._next < len(self.cells):
            self._write_next()
        rows = [
            {"cell": cell.index, "label": cell.label, "scenario": cell.scenario_name, **cell.factors}
            for cell in self.cells
        ]
        self.folder.append("cells", pd.DataFrame(rows))
        failures = sorted(self.failures, key=lambda failure: (failure.cell, failure.replicate))
        failed = pd.DataFrame(
            {
                "cell": np.array([failure.cell for failure in failures], dtype=np.int64),
                "replicate": np.array([failure.replicate for failure in failures], dtype=np.int64),
                "seed": np.full(len(failures), self.experiment.seed, dtype=np.int64),
                "error": pd.Series([failure.error for failure in failures], dtype="str"),
            }
        )
        self.folder.append("failed", failed)

    def _write_next(self) -> None:
        parts = self._parts.pop(self._next, [])
        if parts:
            tables = tables_of(self.cells[self._next], combine(parts), self.experiment.seed)
            for name, frame in tables.items():
                self.folder.append(name, frame)
        self._next += 1


class CtrlC:
    """While it is entered, Ctrl-C is noted and raised where :meth:`check` is called, so that no row is half written.

    Only where Ctrl-C would raise KeyboardInterrupt: in the main thread, under Python's own handler.
    """

    def __init__(self, on_message: OnMessage | None = None) -> None:
        self.pressed = False
        self.on_message = on_message

    def __enter__(self) -> CtrlC:
        in_main = threading.current_thread() is threading.main_thread()
        self._held = in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._held:
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._held:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def check(self) -> None:
        """Raise KeyboardInterrupt when Ctrl-C was pressed."""
        if self.pressed:
            if self.on_message is not None:
                self.on_message(STOPPING)
            raise KeyboardInterrupt

    def _note(self, *_: object) -> None:
        self.pressed = True


def run_experiment(
    experiment: Experiment,
    out: Path | str = Path("results"),
    jobs: int | None = None,
    on_progress: OnProgress | None = None,
    keep_alliances: bool = False,
    chunk: int | None = None,
    *,
    on_message: OnMessage | None = None,
    command: str | None = None,
) -> Path:
    """Run every cell of an experiment and store the results.

    Args:
        experiment: what to run.
        out: where result folders go; this one becomes ``<out>/<experiment>/<UTC time>-<digest>``.
        jobs: threads; every processor that this process may use when None.
        on_progress: called in this thread after each task. The same object each time.
        keep_alliances: also store the table of all alliances (large).
        chunk: replicates in one task; by the work in them when None. Results do not depend on it.
        on_message: called with a sentence when something takes long that is no run (compiling).
        command: the command line that the manifest gives to reproduce the results; made from the experiment when None.

    Returns:
        The result folder. Runs that failed are in its table ``failed``, and the manifest's status says so.

    Raises:
        CannotStore: when the folder cannot be written; before anything is computed, as far as that can be known.
        AllRunsFailed: when not one run came out.
        KeyboardInterrupt: after Ctrl-C, when what was complete has been written.
        ValueError: when ``jobs`` or ``chunk`` is below 1.
    """
    for name, value in (("jobs", jobs), ("chunk", chunk)):
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    jobs = jobs or cores()
    begun = time.perf_counter()
    folder = ResultFolder.create(Path(out), experiment.name, experiment.digest())
    manifest = describe(experiment, jobs, command, keep_alliances)
    folder.write_manifest(manifest)
    sweep = _Sweep(experiment, folder, keep_alliances, on_progress)
    try:
        _check_room(folder.path, experiment, keep_alliances)
        try:
            warm_up(on_message)
            with CtrlC(on_message) as stop:
                sweep.run_all(jobs, chunk, stop)
                _close(sweep, manifest, FAILED if sweep.failures else COMPLETE, begun)
        except KeyboardInterrupt:
            with CtrlC():
                _close(sweep, manifest, INTERRUPTED, begun)
            raise
    except Exception:
        folder.abandon()
        raise
    if not any(sweep.replicates_done):
        raise AllRunsFailed(f"no run came out; the first error: {sweep.failures[0].error}; see {folder.path}")
    return folder.path


def _close(sweep: _Sweep, manifest: dict[str, Any], status: str, begun: float) -> None:
    """Write the rest, name the tables, and say in the manifest how it ended."""
    sweep.write_rest()
    files = sweep.folder.finish()
    for cell, done in zip(manifest["cells"], sweep.replicates_done, strict=True):
        cell["replicates_done"] = done
    timings = {"kernel_seconds": round(sweep.kernel_seconds, 3), "seconds": round(time.perf_counter() - begun, 3)}
    sweep.folder.write_manifest({**manifest, "status": status, "timings": timings, "files": files})


def _check_room(path: Path, experiment: Experiment, keep_alliances: bool) -> None:
    """Refuse before computing when the runs alone would not fit on the disk."""
    rows = len(experiment.cells()) * experiment.replicates
    if keep_alliances:
        rows += sum(cell.scenario.alliances for cell in experiment.cells()) * experiment.replicates
    need, free = rows * len(OUTCOMES) * 8, shutil.disk_usage(path).free
    if need > free:
        raise CannotStore(
            f"{path}: the results need about {need / 1e6:.0f} MB and the disk has {free / 1e6:.0f} MB free; "
            "free some space, or choose another folder with --out"
        )


# ---------------------------------------------------------------------------------------------------------------
# What it will take
# ---------------------------------------------------------------------------------------------------------------
PROBES = 6
PROBE_SECONDS = 0.15


def estimate(
    experiment: Experiment,
    jobs: int | None = None,
    on_message: OnMessage | None = None,
    keep_alliances: bool = False,
) -> Estimate:
    """Time a little of the experiment on this machine, on as many threads, and extrapolate.

    Up to six cells are probed, spread over the design, for about 0.15 s each (or one run a thread, when that takes
    longer). Cells between are taken to cost as much an alliance-month as the nearest probed one.
    """
    jobs = jobs or cores()
    cells = experiment.cells()
    warm_up(on_message)
    at = np.unique(np.linspace(0, len(cells) - 1, min(PROBES, len(cells))).round().astype(int))
    probes = [_probe(experiment, cells[k], jobs, keep_alliances) for k in at]
    runs = experiment.replicates
    busy = writing = total_bytes = 0.0
    tasks = 0
    for cell in cells:
        nearest = int(np.abs(at - cell.index).argmin())
        probe, probed = probes[nearest], cells[at[nearest]]
        busy += runs * probe.seconds_per_run * work_of(cell.scenario) / work_of(probed.scenario)
        writing += probe.seconds_per_cell
        total_bytes += probe.bytes_per_cell + runs * probe.bytes_per_run
        tasks += math.ceil(runs / chunk_of(cell.scenario))
    idle = jobs / min(jobs, tasks)  # a sweep of one task keeps one thread busy, whatever the number of threads
    work = runs * sum(work_of(cell.scenario) for cell in cells)
    return Estimate(len(cells), runs * len(cells), work, busy * idle + writing, round(total_bytes))


@dataclass(frozen=True)
class _Probe:
    seconds_per_run: float  # wall time, all threads at work
    seconds_per_cell: float  # tables and disk
    bytes_per_run: float
    bytes_per_cell: float


def _probe(experiment: Experiment, cell: Cell, jobs: int, keep_alliances: bool) -> _Probe:
    """Run as many replicates of a cell as fit in the time of a probe, on every thread at once."""

    def one(replicates: range) -> Part:
        return reduce(simulate(cell.scenario, replicates, experiment.seed), keep_alliances)

    begun = time.perf_counter()
    first = one(range(1))
    alone = time.perf_counter() - begun
    size = max(1, min(int(PROBE_SECONDS / alone), chunk_of(cell.scenario), experiment.replicates))
    begun = time.perf_counter()
    with ThreadPoolExecutor(jobs) as pool:
        parts = list(pool.map(one, [range(1 + k * size, 1 + (k + 1) * size) for k in range(jobs)]))
    per_run = (time.perf_counter() - begun) / (jobs * size)

    begun = time.perf_counter()
    sizes = _parquet_sizes(tables_of(cell, combine([first, *parts]), experiment.seed))
    per_cell = time.perf_counter() - begun
    few = _parquet_sizes(tables_of(cell, first, experiment.seed))
    growing = ("runs", "run_ledger", "alliances")
    each = sum(sizes[name] - few[name] for name in sizes if name in growing) / (jobs * size)
    return _Probe(per_run, per_cell, each, sum(sizes[name] for name in sizes if name not in growing))


def _parquet_sizes(tables: Mapping[str, pd.DataFrame]) -> dict[str, int]:
    sizes = {}
    for name, frame in tables.items():
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), buffer, compression="zstd")
        sizes[name] = buffer.tell()
    return sizes
