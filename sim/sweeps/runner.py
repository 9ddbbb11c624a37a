"""Run an experiment, or go on with one: hand out tasks, store shards, make tables.

A replicate's numbers do not depend on the others, parts of a shard are joined in the order of replicates, and tables
are made from whole shards in the order of the design: the tables are the same bytes for any executor, any number of
workers, any chunking, and any history of interruptions. The main process alone writes; see ``store`` for how.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import shlex
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sim.distributions import expect
from sim.dynamics.outcomes import OUTCOMES
from sim.engine import simulate
from sim.scenario import Scenario
from sim.sweeps.checking import verify
from sim.sweeps.design import Cell, Experiment
from sim.sweeps.executors import Executor, make
from sim.sweeps.files import CannotStore, resume_command
from sim.sweeps.folder import by_cell, cells_done, strangers, wrong_shards
from sim.sweeps.interrupts import CtrlC
from sim.sweeps.manifest import (
    COMPLETE,
    FAILED,
    INTERRUPTED,
    RUNNING,
    commit_of,
    describe,
    differences,
    git_state,
)
from sim.sweeps.plan import SHARD_WORK, Precision, ShardKey, plan_of, work_of
from sim.sweeps.shards import Failure, Part, condense, encode, reduce
from sim.sweeps.store import SweepFolder
from sim.tomlfile import BadFile, Problem

OnProgress = Callable[["Progress"], None]
OnMessage = Callable[[str], None]

STARTING = "starting workers …"

LONGEST_ERROR = 300
"""Most characters that are kept of what a failed run said."""
UNCUT = 3.0
"""A shard is one task although it takes up to so many times as long as the executor likes, as on a busy machine."""


class AllRunsFailed(RuntimeError):
    """Not one run of a sweep came out; ``str()`` says why the first one did not and where the list is."""


class RunFailed(RuntimeError):
    """A run failed and the sweep was to stop at the first; ``str()`` says which and why, ``folder`` where it is."""

    def __init__(self, message: str, folder: Path) -> None:
        super().__init__(message)
        self.folder = folder


class Interrupted(KeyboardInterrupt):
    """A sweep was stopped by Ctrl-C; ``folder`` holds what is complete, ``runs`` says how many runs that is.

    It may have come when everything was stored: then nothing is left to go on with (``ended``).
    """

    def __init__(self, folder: Path, runs: int, ended: bool = False) -> None:
        kept = f"{runs} complete runs are kept in {folder}" if runs else f"no run was complete yet in {folder}"
        words = f"{kept}; `{resume_command(folder)}` goes on"
        if ended:
            words = f"all runs are stored; `alliance report {shlex.quote(str(folder))}` writes the report"
        super().__init__(words)
        self.folder, self.runs = folder, runs


@dataclass
class Progress:
    """How far a sweep is: runs that are stored. Runs that failed count too."""

    runs_done: int
    runs_total: int
    alliance_months_done: int
    seconds: float
    alliance_months_total: int = 0
    runs_before: int = 0
    """Runs that were stored before this process began."""
    alliance_months_before: int = 0
    in_rounds: bool = False
    """Whether another round may follow when these runs are done, until intervals are narrow enough."""

    @property
    def rate(self) -> float:
        """Runs per second so far; 0 before the first."""
        return (self.runs_done - self.runs_before) / self.seconds if self.seconds > 0 else 0.0

    @property
    def eta(self) -> float:
        """Seconds still to go, from the work done so far; infinite before any is done."""
        before, done, total = self.alliance_months_before, self.alliance_months_done, self.alliance_months_total
        if not total:
            before, done, total = self.runs_before, self.runs_done, self.runs_total
        if done == total:
            return 0.0
        return self.seconds * (total - done) / (done - before) if done > before else math.inf


def warm_up() -> None:
    """Compile the core, or load it from the cache, once and before any thread needs it."""
    texts = {"title": "Warm-up", "question": "-", "source": "-", "expected": "-"}
    simulate(Scenario.from_plain({**texts, "organizations": 2, "months": 1}), [0]).runs()


# ---------------------------------------------------------------------------------------------------------------
# What a worker does
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Piece:
    """Some or all of a shard's replicates."""

    shard: ShardKey
    replicates: range


@dataclass(frozen=True)
class Task:
    """Pieces of one cell, and everything needed to compute them anywhere. ``sweep`` is the sweep's digest."""

    scenario: Scenario
    seed: int
    keep_alliances: bool
    sweep: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Whole:
    """A whole shard, ready to be stored: the content of its file, how many runs came out and how many failed."""

    content: bytes
    runs: int
    failed: int


@dataclass(frozen=True)
class Outcome:
    """What came out of a task: for each piece a part, a whole shard, or what went wrong; and its processor seconds."""

    results: tuple[Part | Whole | str, ...]
    seconds: tuple[float, ...]


def compute(task: Task) -> Outcome:
    """Simulate and reduce the pieces of a task. Called in a worker, here or on another machine."""
    results: list[Part | Whole | str] = []
    seconds = []
    for piece in task.pieces:
        begun = time.thread_time()  # a busy machine must not make tasks look larger than they are
        try:
            results.append(_compute_piece(task, piece))
        except Exception as error:  # the sweep looks for the run that did it
            results.append(_in_one_line(error))
        seconds.append(time.thread_time() - begun)
    return Outcome(tuple(results), tuple(seconds))


def _compute_piece(task: Task, piece: Piece) -> Part | Whole:
    part = reduce(simulate(task.scenario, piece.replicates, task.seed), task.keep_alliances)
    return _whole(piece.shard, task.sweep, [part]) if piece.replicates == piece.shard.replicates else part


def _whole(key: ShardKey, sweep: str, parts: list[Part], failures: Iterable[Failure] = ()) -> Whole:
    shard = condense(parts, failures)
    return Whole(encode(shard, key, sweep), len(shard.replicates), len(shard.failures))


def _in_one_line(error: BaseException) -> str:
    line = " ".join(f"{type(error).__name__}: {error}".split())
    return line if len(line) <= LONGEST_ERROR else f"{line[: LONGEST_ERROR - 1]}…"


# ---------------------------------------------------------------------------------------------------------------
# A sweep
# ---------------------------------------------------------------------------------------------------------------
@dataclass
class _Assembly:
    """A shard of which pieces come in one by one."""

    parts: list[Part] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    covered: set[int] = field(default_factory=set)  # replicates that came out or failed for good
    seconds: float = 0.0


class _Sweep:
    """One running sweep: hands out tasks, takes results in, stores each shard when it is whole."""

    def __init__(
        self,
        folder: SweepFolder,
        executor: Executor,
        chunk: int | None,
        fail_fast: bool,
        progress: OnProgress | None,
        stop: CtrlC,
    ) -> None:
        self.folder, self.plan, self.executor = folder, folder.plan, executor
        self.chunk, self.fail_fast, self.on_progress, self.stop = chunk, fail_fast, progress, stop
        self._assemblies: dict[ShardKey, _Assembly] = {}
        self._again: deque[Task] = deque()  # what is tried once more, replicate by replicate
        self._pace = executor.task_seconds / SHARD_WORK  # seconds an alliance-month, a first guess
        self._precision = {cell.index: Precision(self.plan.precision) for cell in self.plan.cells}
        self._rounds = [0] * len(self.plan.cells)  # rounds of each cell that are known to be needed and are complete
        self._work = [work_of(cell.scenario) for cell in self.plan.cells]
        self.progress = Progress(0, 0, 0, 0.0, in_rounds=bool(self.plan.precision))

    def run(self) -> None:
        """Compute and store everything that is not stored yet.

        Raises:
            KeyboardInterrupt: after Ctrl-C, when what ended in time has been stored.
            RunFailed: at the first run that fails, when that was asked for.
        """
        self._count_what_is_there()
        begun = time.perf_counter()  # compiling is no part of the speed
        while True:
            wave = [] if self._again else self._open_rounds()
            if not wave and not self._again:
                return
            results: Any = self.executor.run(compute, self._tasks(wave))  # a generator
            with closing(results):
                for item in results:
                    if self.stop.overdue():
                        break
                    if item is not None and self._take(*item):
                        self._report(begun)
            self.stop.check()

    def needed(self) -> dict[int, list[ShardKey]]:
        """The shards that the tables are made of, for each cell, in order."""
        stops, found = self._stops(), by_cell(self.folder.done)
        return {cell: [key for key in keys if key.stop <= stops[cell]] for cell, keys in found.items()}

    def precision(self) -> dict[int, dict[str, float | None]]:
        """For each cell the half-widths that were reached; empty without a wanted precision."""
        return {cell: of.half_widths() for cell, of in self._precision.items()} if self.plan.precision else {}

    # Which shards are missing
    def _open_rounds(self) -> list[tuple[Cell, range]]:
        """For each cell the next round that is needed and not complete."""
        rounds = list(self.plan.rounds())
        found = []
        for cell in self.plan.cells:
            while self._rounds[cell.index] < len(rounds):
                self.stop.check()  # rounds that are stored are read again, which takes time
                replicates = rounds[self._rounds[cell.index]]
                if self._rounds[cell.index] and self._precision[cell.index].reached():
                    break
                keys = list(self.plan.shards(cell.index, replicates))
                if any(key not in self.folder.done for key in keys):
                    found.append((cell, replicates))
                    break
                if self.plan.precision:
                    self._precision[cell.index].add(self.folder.load(key).runs for key in keys)
                self._rounds[cell.index] += 1
        self._plan_progress(found)
        return found

    def _plan_progress(self, wave: list[tuple[Cell, range]]) -> None:
        """How much there is to do as far as is known."""
        stops = self._stops()
        for cell, replicates in wave:
            stops[cell.index] = replicates.stop
        self.progress.runs_total = sum(stops)
        self.progress.alliance_months_total = sum(n * work for n, work in zip(stops, self._work, strict=True))

    def _stops(self) -> list[int]:
        """For each cell the replicate before which its complete rounds end."""
        return [min(count * self.plan.batch, self.plan.most) for count in self._rounds]

    def _count_what_is_there(self) -> None:
        for key in self.folder.done:
            self._count(key)
        self.progress.runs_before = self.progress.runs_done
        self.progress.alliance_months_before = self.progress.alliance_months_done

    def _count(self, key: ShardKey) -> None:
        self.progress.runs_done += len(key.replicates)
        self.progress.alliance_months_done += len(key.replicates) * self._work[key.cell]

    # Tasks
    def _tasks(self, wave: list[tuple[Cell, range]]) -> Iterator[Task]:
        """What is tried again, then the missing shards of a wave, cut by time; no more after Ctrl-C."""
        fresh = self._fresh(wave)
        while not self.stop.pressed:
            task = self._again.popleft() if self._again else next(fresh, None)
            if task is None:
                return
            yield task

    def _fresh(self, wave: list[tuple[Cell, range]]) -> Iterator[Task]:
        for cell, replicates in wave:
            waiting: list[Piece] = []
            for key in self.plan.shards(cell.index, replicates):
                if key in self.folder.done:
                    continue
                self.folder.begun(key)
                size, runs = self._task_size(cell), key.replicates
                if size < len(runs):
                    for k in range(0, len(runs), size):
                        yield self._task(cell, [Piece(key, runs[k : k + size])])
                    continue
                waiting.append(Piece(key, runs))
                if sum(len(piece.replicates) for piece in waiting) + len(runs) > size:
                    yield self._task(cell, waiting)
                    waiting = []
            if waiting:
                yield self._task(cell, waiting)

    def _task_size(self, cell: Cell) -> int:
        """Replicates in a task: as many as take about the time that the executor likes, going by the speed so far.

        A shard is cut, evenly, when it takes as long as :data:`UNCUT` tasks: its parts cost room and joining.
        """
        if self.chunk:
            return self.chunk
        size = self.executor.task_seconds / (self._pace * self._work[cell.index])
        shard = self.plan.shard_sizes[cell.index]
        return max(shard, round(size)) if shard < UNCUT * size else math.ceil(shard / round(shard / size))

    def _task(self, cell: Cell, pieces: Iterable[Piece]) -> Task:
        return Task(cell.scenario, self.plan.seed, self.plan.keep_alliances, self.folder.digest, tuple(pieces))

    # Results
    def _take(self, task: Task, outcome: Outcome | BaseException) -> bool:
        """Take in what came out of a task; True when a shard was stored."""
        if isinstance(outcome, BaseException):  # the worker was killed, or the task could not be sent
            results: tuple[Part | Whole | str, ...] = (_in_one_line(outcome),) * len(task.pieces)
            seconds: tuple[float, ...] = (0.0,) * len(task.pieces)
        else:
            results, seconds = outcome.results, outcome.seconds
            if not any(isinstance(result, str) for result in results):
                self._learn_pace(task, sum(seconds))
        stored = False
        for piece, result, spent in zip(task.pieces, results, seconds, strict=True):
            if piece.shard not in self.folder.done:  # else it was computed twice
                stored = self._take_piece(task, piece, result, spent) or stored
        return stored

    def _take_piece(self, task: Task, piece: Piece, result: Part | Whole | str, seconds: float) -> bool:
        if isinstance(result, Whole):
            self._store(piece.shard, result, seconds)
            return True
        assembly = self._assemblies.setdefault(piece.shard, _Assembly())
        if not assembly.covered.isdisjoint(piece.replicates):  # a lost task came back after all
            return False
        if isinstance(result, str) and len(piece.replicates) > 1:
            one_by_one = (Piece(piece.shard, range(one, one + 1)) for one in piece.replicates)
            self._again.extend(dataclasses.replace(task, pieces=(one,)) for one in one_by_one)
            return False
        if isinstance(result, Part):
            assembly.parts.append(result)
        else:
            failure = Failure(piece.replicates[0], result)
            self._check_failure(piece.shard.cell, failure)
            assembly.failures.append(failure)
        assembly.covered.update(piece.replicates)
        assembly.seconds += seconds
        if len(assembly.covered) < len(piece.shard.replicates):
            return False
        whole = _whole(piece.shard, self.folder.digest, assembly.parts, assembly.failures)
        self._store(piece.shard, whole, assembly.seconds)
        return True

    def _check_failure(self, cell: int, failure: Failure) -> None:
        """Stop at the first run that fails, when that was asked for."""
        if self.fail_fast:
            raise RunFailed(
                f"stopped at the first run that failed: cell {cell} ({self.plan.cells[cell].label}), "
                f"replicate {failure.replicate}, seed {self.plan.seed}: {failure.error}",
                self.folder.path,
            )

    def _store(self, key: ShardKey, whole: Whole, seconds: float) -> None:
        self.folder.store(key, whole.content, whole.runs, whole.failed, seconds)
        self._assemblies.pop(key, None)
        self._count(key)

    def _learn_pace(self, task: Task, seconds: float) -> None:
        """Follow the speed: half of what the newest task says, half of what was thought before."""
        replicates = sum(len(piece.replicates) for piece in task.pieces)
        work = replicates * self._work[task.pieces[0].shard.cell]
        self._pace = (self._pace + max(seconds / work, 1e-12)) / 2

    def _report(self, begun: float) -> None:
        self.progress.seconds = time.perf_counter() - begun
        if self.on_progress is not None:
            self.on_progress(self.progress)


# ---------------------------------------------------------------------------------------------------------------
# From beginning to end
# ---------------------------------------------------------------------------------------------------------------
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
    executor: str | Executor = "local",
    scheduler: str | None = None,
    fail_fast: bool = False,
) -> Path:
    """Run every cell of an experiment and store the results.

    Args:
        experiment: what to run.
        out: where result folders go; this one becomes ``<out>/<experiment>/<UTC time>-<digest>``.
        jobs: tasks at the same time; every processor that this process may use when None.
        on_progress: called in this thread after each shard that was stored. The same object each time.
        keep_alliances: also store the table of all alliances (large).
        chunk: replicates in one task; by the time they take when None. Results do not depend on it.
        on_message: called with a sentence when something takes long that is no run (starting workers).
        command: the command line that the manifest gives to reproduce the results. When None it is found from the
            experiment and tried out; where none leads to the same tables, the experiment's files are written into the
            folder (``alliance sweep ./experiment.toml`` there).
        executor: where runs are computed: a name (:data:`sim.sweeps.executors.NAMES`), or one that is there already
            and is left open.
        scheduler: address of a Dask scheduler, for the executor "dask".
        fail_fast: stop at the first run that fails; else it becomes a row of the table ``failed``.

    Returns:
        The result folder. Runs that failed are in its table ``failed``, and the manifest's status says so.

    Raises:
        CannotStore: when the folder cannot be written; what was stored before is kept.
        AllRunsFailed: when not one run came out.
        RunFailed: with ``fail_fast``, at the first run that fails; :func:`resume` goes on.
        Interrupted: after Ctrl-C (it is a KeyboardInterrupt); :func:`resume` goes on.
        ValueError: when ``jobs`` or ``chunk`` is below 1, or the executor is unknown.
    """
    expect(experiment, Experiment, "experiment: an Experiment, which load_experiment and experiment_of make")
    expect(out, (str, Path), "out: the folder where result folders go")
    _check_positive(jobs=jobs, chunk=chunk)
    plan = plan_of(experiment, keep_alliances)
    with _hands(executor, jobs, scheduler, on_message) as hands:
        manifest = describe(experiment, plan, hands.jobs, command)
        folder = SweepFolder.begin(Path(out), experiment.name, manifest, plan)
        for note in manifest["notes"]:
            if on_message is not None:
                on_message(note)
        return _carry_on(folder, hands, chunk, fail_fast, on_progress, on_message)


def resume(
    folder: Path | str,
    jobs: int | None = None,
    on_progress: OnProgress | None = None,
    chunk: int | None = None,
    *,
    on_message: OnMessage | None = None,
    executor: str | Executor = "local",
    scheduler: str | None = None,
    force: bool = False,
    retry_failed: bool = False,
    fail_fast: bool = False,
) -> Path:
    """Go on with a sweep that was interrupted or killed, or mend one that is damaged. Nothing stored is run twice.

    Every stored file is checked first; what is missing or damaged is computed again.

    Args:
        folder: of the sweep.
        force: go on although the version, the code, the libraries, the processor or the design are not those of the
            stored runs; the manifest records it.
        retry_failed: compute shards again in which runs failed, as a whole, since their sums are over all their runs.
        jobs, on_progress, chunk, on_message, executor, scheduler, fail_fast: as in :func:`run_experiment`.

    Returns:
        The result folder.

    Raises:
        BadFile: when it is no sweep, is being written by another process, or its runs may not be mixed with new ones.
        CannotStore, AllRunsFailed, RunFailed, Interrupted, ValueError: as in :func:`run_experiment`.
    """
    _check_positive(jobs=jobs, chunk=chunk)
    store, say = SweepFolder.open(Path(folder)), on_message or (lambda _: None)
    try:
        if _nothing_to_do(store, retry_failed, say):
            return store.path
        _admit(store, force, say)
        with _hands(executor, jobs, scheduler, on_message) as hands:
            return _carry_on(store, hands, chunk, fail_fast, on_progress, on_message, retry_failed)
    finally:
        store.close("left as it was")


def _check_positive(**numbers: int | None) -> None:
    for name, value in numbers.items():
        if value is not None:
            expect(value, (int, np.integer), f"{name}: a whole number from 1, or None")
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")


def _nothing_to_do(store: SweepFolder, retry_failed: bool, say: OnMessage) -> bool:
    """True when the tables are there and whole, and no failed runs are to be tried again; says so."""
    finished = store.manifest["status"] == COMPLETE or (store.manifest["status"] == FAILED and not retry_failed)
    if not finished:
        return False
    wrong = [finding for finding in verify(store.path) if not finding.harmless]
    if any(finding.mendable for finding in wrong):
        return False
    store.tidy()
    say("nothing to compute: every run is stored and every table is whole")
    _say_first(say, [f"{finding.path} {finding.problem}" for finding in wrong])
    return True


def _admit(store: SweepFolder, force: bool, say: OnMessage) -> None:
    """Refuse to add runs to others that were made otherwise, or record that it was wanted.

    Another commit that computes the same is no reason to refuse. It is recorded, and said.

    Raises:
        BadFile: with every reason.
    """
    reasons, manifest, changes = differences(store.manifest, store.plan), store.manifest, {}
    if reasons and not force:
        advice = (
            "new runs may not be added to those in it: run the sweep anew, or go on with --force, which is recorded"
        )
        raise BadFile(store.path, [Problem((), f"{reason}; {advice}") for reason in reasons])
    if reasons:
        changes["forced"] = [*manifest.get("forced", []), {"reasons": reasons, "shards_before": len(store.done)}]
    continued = manifest.get("continued", [])
    then, now = continued[-1]["git"] if continued else manifest.get("git"), git_state()
    if now != then:
        changes["continued"] = [*continued, {"git": now, "shards_before": len(store.done)}]
        same = "" if reasons else "what computes is the same; "
        say(f"{store.path}: written at {commit_of(then)}, goes on at {commit_of(now)}; {same}the manifest records it")
    store.replace_manifest(**changes)


@contextmanager
def _hands(
    executor: str | Executor, jobs: int | None, scheduler: str | None, on_message: OnMessage | None
) -> Iterator[Executor]:
    """An executor for as long as it is entered; one that was made here is closed at the end."""
    if not isinstance(executor, str):
        yield executor
        return
    if executor == "dask" and on_message is not None:
        on_message(STARTING if scheduler is None else f"looking for workers at {scheduler} …")
    with closing(make(executor, jobs, scheduler)) as made:
        yield made


def _carry_on(
    store: SweepFolder,
    executor: Executor,
    chunk: int | None,
    fail_fast: bool,
    on_progress: OnProgress | None,
    on_message: OnMessage | None,
    retry_failed: bool = False,
) -> Path:
    """Compute what is missing, make the tables, and say in the manifest how it ended."""
    begun, say = time.perf_counter(), on_message or (lambda _: None)
    try:
        store.opened(executor=executor.name, jobs=executor.jobs)
        if store.manifest["status"] != COMPLETE:  # else its sound tables can be read until the new ones are there
            store.replace_manifest(status=RUNNING, files={}, jobs=executor.jobs)
        _strike_out(store, retry_failed, say)
        _check_room(store)
        warm_up()
        with CtrlC(on_message) as stop:
            sweep = _Sweep(store, executor, chunk, fail_fast, on_progress, stop)
            sweep.run()
            left = _finish(store, sweep, begun)
        _say_first(say, [f"{path} is no shard of this sweep; it is left where it is" for path in left])
    except ConnectionError as error:  # the workers are lost
        raise type(error)(f"{error}; the command that goes on: `{resume_command(store.path)}`") from error
    except KeyboardInterrupt:
        ended = store.manifest["status"] in (COMPLETE, FAILED)
        raise Interrupted(store.path, sum(record.runs for record in store.done.values()), ended) from None
    finally:
        if store.manifest["status"] == RUNNING:
            with suppress(OSError, KeyboardInterrupt):  # when this cannot be written, the journal tells the same
                store.replace_manifest(status=INTERRUPTED, cells=cells_done(store.manifest, store.done))
        store.close(store.manifest["status"])
    if not any(cell["replicates_done"] for cell in store.manifest["cells"]):
        first = store.load(min(store.done)).failures[0]
        raise AllRunsFailed(f"no run came out; the first error: {first.error}; see {store.path}")
    return store.path


def _strike_out(store: SweepFolder, retry_failed: bool, say: OnMessage) -> None:
    """Strike out stored shards that are damaged or missing, and those with failed runs when they are to be retried."""
    _say_first(
        say,
        [
            f"{store.path}: line {number} of the journal is torn or damaged; what it told is computed again"
            for number in store.damaged_lines
        ],
    )
    was_complete = store.manifest["status"] == COMPLETE
    if was_complete:
        seconds = store.manifest["timings"].get("kernel_seconds", 0.0)
        say(
            f"{store.path}: tables are damaged, and the shards were removed when they were made; runs are repeated, at "
            f"first they took {seconds:.0f} s of computing. The other tables are kept until new ones are there"
        )
    damaged = dict(wrong_shards(store.path, store.done, store.digest))
    there = {key: problem for key, problem in damaged.items() if not was_complete or store.shard_path(key).exists()}
    lines = [f"{store.shard_path(key)} {problem}; it is computed again" for key, problem in there.items()]
    _say_first(say, lines + _in_the_way(store))
    failed = [key for key, record in store.done.items() if record.failed and retry_failed]
    store.lose({**dict.fromkeys(failed, "failed runs are tried again"), **damaged})


def _in_the_way(store: SweepFolder) -> list[str]:
    """What to say of files that are not of this sweep and bear the names of shards that are not stored yet."""
    foreign = {path.name: path for path in strangers(store.path, store.digest, store.done)}
    if not foreign:  # there may be very many names
        return []
    rounds = itertools.product(store.plan.cells, store.plan.rounds())
    names = (key.file_name for cell, replicates in rounds for key in store.plan.shards(cell.index, replicates))
    return [f"{foreign[name]} is no shard of this sweep; it is written over" for name in names if name in foreign]


def _say_first(say: OnMessage, lines: list[str], most: int = 20) -> None:
    """Say the first lines and how many more there are; ``alliance verify`` lists them all."""
    for line in lines[:most]:
        say(line)
    if len(lines) > most:
        say(f"… and {len(lines) - most} more like this")


def _finish(store: SweepFolder, sweep: _Sweep, begun: float) -> list[Path]:
    """Make the tables and name them in the manifest; gives what was among the shards and is not of this sweep."""
    records = {key: store.done[key] for keys in sweep.needed().values() for key in keys}
    cells = cells_done(store.manifest, records)
    for cell, reached in sweep.precision().items():
        cells[cell]["half_widths"] = reached
    return store.finish(
        sweep.needed(),
        sweep.stop.check,
        status=FAILED if any(record.failed for record in records.values()) else COMPLETE,
        cells=cells,
        timings={
            "kernel_seconds": round(sum(record.seconds for record in records.values()), 3),
            "seconds": round(time.perf_counter() - begun, 3),
        },
    )


def _check_room(store: SweepFolder) -> None:
    """Refuse before computing when the missing runs alone would not fit on the disk."""
    plan = store.plan
    missing = [plan.batch] * len(plan.cells)
    for key in store.done:
        missing[key.cell] = max(0, missing[key.cell] - len(key.replicates))
    rows = sum(
        runs * (1 + plan.keep_alliances * cell.scenario.alliances)
        for cell, runs in zip(plan.cells, missing, strict=True)
    )
    need, free = rows * len(OUTCOMES) * 8, shutil.disk_usage(store.path).free
    if need > free:
        raise CannotStore(
            f"{store.path}: the results need about {need / 1e6:.0f} MB and the disk has {free / 1e6:.0f} MB free; "
            f"free some space and go on with `{resume_command(store.path)}`, or choose another folder with --out"
        )
