"""What handing a task over costs, in threads and on Dask workers, and the constants behind ``docs/scale.md``.

    python benchmarks/executors.py [--rounds 5] [--jobs 2]

A task sleeps for a known time and hands back as many bytes as a shard has, so nothing but the executor is measured. The
*gap* is what a task costs beyond its own time: wall time × jobs / tasks - length. Both executors take turns within each
round, so that a busy moment of the machine falls on both; medians over rounds are shown, and the ratio is the median
of the rounds' ratios. Workers are started before the clock.

Before that, shards of the scenario ``baseline`` are computed on one core and stored, and what was stored is weighed;
then workers compute the same shards, and their memory is taken. ``--work 100`` makes shards as large as they can be.
"""

from __future__ import annotations

import argparse
import pickle
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sim import library
from sim.scenario import load
from sim.sweeps import plan
from sim.sweeps.design import experiment_of
from sim.sweeps.executors import Executor, make
from sim.sweeps.folder import JOURNAL
from sim.sweeps.manifest import describe
from sim.sweeps.runner import Piece, Task, compute, warm_up
from sim.sweeps.store import SweepFolder

LENGTHS = (0.0, 0.02, 0.1, 0.5)
"""Seconds that a task takes."""
WALL = 4.0
"""Seconds of work for each length and executor in a round, at least two tasks a job."""
MOST_TASKS = 200


class Nap(NamedTuple):
    """A task: how long it takes, and the size of what it hands back."""

    seconds: float
    size: int


def nap(task: Nap) -> bytes:
    """The work."""
    time.sleep(task.seconds)
    return bytes(task.size)


class Cost(NamedTuple):
    """What a task costs beyond its own time, in seconds."""

    wall: float  # wall time × jobs / tasks - length
    main: float  # processor time of this process, which with Dask holds the scheduler too


def cost(executor: Executor, length: float, size: int) -> Cost:
    """Run tasks of one length."""
    jobs = executor.jobs
    count = max(2 * jobs, min(MOST_TASKS, int(WALL * jobs / length))) if length else MOST_TASKS
    begun, busy = time.perf_counter(), time.process_time()
    failed = 0
    for found in executor.run(nap, iter([Nap(length, size)] * count)):
        failed += found is not None and isinstance(found[1], BaseException)
    wall, busy = time.perf_counter() - begun, time.process_time() - busy
    if failed:
        raise SystemExit(f"{failed} tasks failed")
    return Cost(wall * jobs / count - length, busy / count)


def measure_gaps(jobs: int, rounds: int, size: int) -> None:
    """Print what tasks cost both executors, side by side."""
    begun = time.perf_counter()
    local, dask = make("local", jobs), make("dask", jobs)
    print(f"\n{jobs} jobs, {size:,} bytes a result; Dask's workers started in {time.perf_counter() - begun:.1f} s")
    print("   task   gap ms: threads     dask  ratio   main process ms: threads     dask")
    try:
        for executor in (local, dask):
            cost(executor, 0.02, size)  # the first tasks import what they need
        for length in LENGTHS:
            pairs = [(cost(local, length, size), cost(dask, length, size)) for _ in range(rounds)]
            near, far = (Cost(*map(statistics.median, zip(*of, strict=True))) for of in zip(*pairs, strict=True))
            ratio = statistics.median(other.wall / one.wall for one, other in pairs)
            print(
                f"{length:6.2f}s {1000 * near.wall:17.2f} {1000 * far.wall:8.2f} {ratio:6.1f} "
                f"{1000 * near.main:26.2f} {1000 * far.main:8.2f}"
            )
    finally:
        local.close()
        dask.close()


def measure_memory(jobs: int, tasks: Sequence[Task]) -> None:
    """Print how much memory a Dask worker takes while it computes shards."""
    import psutil

    dask = make("dask", jobs)
    most = 0
    try:
        for _ in dask.run(compute, iter(tasks)):
            held = [process.memory_info().rss for process in psutil.Process().children(recursive=True)]
            most = max(most, *held)
    finally:
        dask.close()
    print(f"\nmemory of a Dask worker {most / 1e6:.0f} MB")


def measure_constants(shards: int) -> tuple[int, list[Task]]:
    """Compute and store a sweep of one cell, shard by shard; print its constants.

    Returns:
        Bytes of a shard, and the tasks.
    """
    scenario = load(library.find("scenarios", "baseline"))
    warm_up()
    size = plan.shard_size(scenario)
    experiment = experiment_of([scenario], size * shards, 1, "weighed")
    whole = plan.plan_of(experiment, keep_alliances=False)
    keys = list(whole.shards(0, range(size * shards)))
    tasks = [Task(scenario, whole.seed, False, whole.digest, (Piece(key, key.replicates),)) for key in keys]
    computing, storing, sizes = [], [], []
    with tempfile.TemporaryDirectory() as out:
        folder = SweepFolder.begin(Path(out), experiment.name, describe(experiment, whole, 1, None), whole)
        before = (folder.path / JOURNAL).stat().st_size
        for key, task in zip(keys, tasks, strict=True):
            begun = time.perf_counter()
            (shard,) = compute(task).results
            computed = time.perf_counter()
            folder.begun(key)
            folder.store(key, shard.content, shard.runs, 0, computed - begun)
            computing.append(computed - begun)
            storing.append(time.perf_counter() - computed)
            sizes.append(len(shard.content))
        journal = (folder.path / JOURNAL).stat().st_size - before
        begun = time.perf_counter()
        folder.finish({0: keys}, lambda: None)
        making = time.perf_counter() - begun
        tables = {file.stem: file.stat().st_size for file in (folder.path / "tables").iterdir()}
        folder.close("measured")
    growing = tables["runs"] + tables["run_ledger"]
    runs = size * shards
    print(f"\nscenario {scenario.name}: {scenario.alliances} alliances, {scenario.months} months; {shards} shards")
    print(f"runs in a shard {size}; runs/s on a core {size / statistics.median(computing):.0f}")
    print(f"bytes of a shard {statistics.mean(sizes):.0f}; of the tables: {growing / runs:.0f} a run")
    print(f"  and {sum(tables.values()) - growing} once for a cell; of the journal {journal / shards:.0f} a shard")
    print(f"bytes of a task sent to a worker {len(pickle.dumps(tasks[0]))}")
    print(f"storing a shard {1000 * statistics.median(storing):.2f} ms")
    print(f"making tables {1000 * making / shards:.2f} ms a shard")
    return round(statistics.mean(sizes)), tasks


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each length (default 5)")
    parser.add_argument("--jobs", type=int, default=2, help="threads, and workers (default 2)")
    parser.add_argument("--shards", type=int, default=20, help="shards to compute and store (default 20)")
    parser.add_argument("--work", type=int, default=1, help="times the work of a shard (default 1)")
    options = parser.parse_args()
    plan.SHARD_WORK *= options.work
    size, tasks = measure_constants(options.shards)
    measure_memory(options.jobs, tasks)
    measure_gaps(options.jobs, options.rounds, size)


if __name__ == "__main__":  # workers import this file
    main()
