"""Tasks on the workers of a Dask cluster: on this machine, or on as many machines as a scheduler has workers.

With the address of a running scheduler the executor uses its workers; without one it starts workers on this machine, on
the loopback interface and without a dashboard, and ends them when it is closed. It opens no other connection: results
come through the scheduler.

What goes wrong with a cluster, and what happens then:

* A worker dies: Dask runs its tasks again elsewhere. A task whose workers died more often than Dask allows
  (``distributed.scheduler.allowed-failures``) is a *suspect*: Dask blames every task that such a worker held. Suspects
  are run again, one at a time, when nothing else is under way: what kills its workers alone is handed back as failed.
* A worker runs another copy of the code, other libraries or no such package: :class:`ClusterError`, before the first
  task for the workers that are there, with its first task for a worker that comes later. One that comes later and has
  no such package cannot even say so: it dies of its first task.
* The scheduler is lost or silent, or there is no worker for a long time: :class:`ClusterError`. The sweep has stored
  what was handed back, and can be resumed.

A worker that is started with ``dask worker ADDRESS --preload sim.sweeps.executors.dask`` has the core ready before its
first task.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import queue
import re
import signal
import tempfile
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from typing import Any, Generic, TypeVar

from sim import loaded
from sim.sweeps.executors.local import LOOK_SECONDS, cores

T = TypeVar("T")
R = TypeVar("R")

TASK_SECONDS = 2.0
"""How long a task should take: handing one over costs some milliseconds, ten times as much as between threads."""
TASKS_A_THREAD = 2
"""Tasks under way for each thread of a worker: one is computed while the next one is there already."""
WATCH_SECONDS = 2.0
"""Between two looks at the workers."""
CONNECT_SECONDS = 15.0
"""A scheduler that does not answer within this time is not there."""
SILENCE_SECONDS = 60.0
"""A scheduler that was there and has not answered for this time is lost."""
PROBE_SECONDS = 120.0
"""A worker must say within this time what it runs: it may have to import the package from a slow disk."""
PATIENCE = 300.0
"""Seconds without any worker after which a sweep gives up; Dask's setting ``alliance.patience`` overrides it."""
CLOSE_SECONDS = 1.0
"""What closing waits for a good-bye that nobody needs."""
ADDRESS = re.compile(r"(?:(?:tcp|tls|ucx|wss?)://)?(?:[^\s/:\[\]]+|\[[^\s/\[\]]+\]):(?P<port>\d{1,5})")
"""What can be the address of a scheduler: ``tcp://HOST:PORT``, also without the protocol, or with another of Dask's."""

log = logging.getLogger(__name__)


class ClusterError(ConnectionError):
    """A cluster cannot be used, or no longer; ``str()`` says in one line what is wrong and what to do."""


class WorkerDied(RuntimeError):
    """What is handed back for a task that ended every worker that computed it."""


class _Unfetched(RuntimeError):
    """Not the task failed, but the way to its result; ``str()`` says how, in Dask's words."""


class _WrongWorker(RuntimeError):
    """A worker that joined later runs something else; ``str()`` says what."""


# ---------------------------------------------------------------------------------------------------------------
# What a worker runs
# ---------------------------------------------------------------------------------------------------------------
Facts = dict[str, str]
NOTED = ("C library", "processor", "processor features")
"""Facts in which machines of a sweep may differ: they decide the last digits at most. The others must be equal."""


def facts() -> Facts:
    """What decides the results of this process: the code that it has loaded, versions, the machine."""
    from sim.sweeps.manifest import numerics, versions

    return {
        "model": loaded.digest(loaded.BITS),
        **versions(),
        **numerics(),
        "code around the model": loaded.digest(loaded.TASKS),  # tasks must mean the same on both sides
    }


def differences(theirs: Facts, ours: Facts) -> tuple[list[str], list[str]]:
    """In what a worker differs: what forbids to mix its results with ours, and what is only noted."""
    found = {
        name: f"{name} {theirs.get(name) or 'unknown'}, here {ours.get(name) or 'unknown'}"
        for name in {**ours, **theirs}
        if theirs.get(name) != ours.get(name)
    }
    noted = [found.pop(name) for name in NOTED if name in found]
    return list(found.values()), noted


def compared(expected: Facts) -> tuple[list[str], list[str]]:
    """In what this process, a worker, differs from what a sweep runs: what forbids its results, what is only noted.

    It may have lived so long that its code is no longer what the files say: then that is the reason.
    """
    refused, noted = differences(facts(), expected)
    if refused and (words := loaded.changed(loaded.TASKS)):
        refused.append(words)
    return refused, noted


def compute(work: Callable[[T], R], task: T, expected: Facts) -> tuple[R, list[str]]:
    """``work(task)`` and what is to be noted of the machine that did it; for a worker that runs what the sweep runs.

    Every task is checked, because a worker may join long after the start.
    """
    refused, noted = compared(expected)
    if refused:
        raise _WrongWorker("; ".join(refused))
    return work(task), noted


def dask_setup(worker: Any) -> None:
    """What ``--preload`` calls in a worker: get the core ready before the first task.

    Ctrl-C is left to the nanny, which ends its worker when it should end, and to the sweep.
    """
    from sim.sweeps.runner import warm_up

    if worker.nanny:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    warm_up()


# ---------------------------------------------------------------------------------------------------------------
# The executor
# ---------------------------------------------------------------------------------------------------------------
class DaskExecutor:
    """See :class:`sim.sweeps.executors.Executor`, and the module for what happens when something breaks.

    Args:
        jobs: workers to start on this machine, one for each processor when None; with a scheduler, the most tasks that
            are under way at the same time, as many as its workers take when None.
        scheduler: address of a running scheduler, such as ``tcp://127.0.0.1:8786``.
        patience: seconds without any worker after which to give up; Dask's setting ``alliance.patience`` (in the
            environment ``DASK_ALLIANCE__PATIENCE``), else :data:`PATIENCE`, when None.

    Attributes:
        jobs: threads of the workers that were there at the start; more may join.
        patience: as above; may be changed.

    Raises:
        ClusterError: when there is no Dask, no such scheduler or no worker, when a worker runs something else, or when
            rules are replaced here.
        ValueError: when ``jobs`` is below 1.
    """

    name = "dask"
    task_seconds = TASK_SECONDS

    def __init__(self, jobs: int | None = None, scheduler: str | None = None, patience: float | None = None) -> None:
        if jobs is not None and jobs < 1:
            raise ValueError(f"jobs must be at least 1, got {jobs}")
        if replaced := loaded.replaced_rules():
            words = loaded.replaced_in_words(replaced)
            raise ClusterError(
                f"rules are replaced in this process alone ({words}) and workers have the shipped ones: use the "
                "executor 'local'"
            )
        distributed = _distributed()
        self._client: Any = None
        self._workers: _WorkersHere | None = None
        try:
            if scheduler is None:
                self._workers = _WorkersHere(distributed)
                scheduler = self._workers.start(jobs or cores())
                jobs = None
            self._client = _connect(distributed, scheduler)
            self._address = self._client.scheduler.address
            self._most = jobs
            self.patience = _patience() if patience is None else patience
            self._threads = self._wait_for_workers()
            self._noted: set[str] = set()
            self._check_workers()
            self.jobs = min(self._threads, self._most or self._threads)
            self._answered = self._staffed = time.monotonic()
            self._watching = asyncio.run_coroutine_threadsafe(self._watch(), self._client.loop.asyncio_loop)
        except BaseException:
            self.close()
            raise

    def run(self, work: Callable[[T], R], tasks: Iterator[T]) -> Iterator[tuple[T, R | BaseException] | None]:
        """See :meth:`sim.sweeps.executors.Executor.run`. Two tasks for each thread of a worker are under way.

        Raises:
            ClusterError: when the cluster is lost.
        """
        return _Run(self, work, tasks).results()

    def close(self) -> None:
        """Let go of the cluster; end it when it was started here, whatever it is doing. May be called twice."""
        client, self._client = self._client, None
        workers, self._workers = self._workers, None
        try:
            if workers is not None:
                workers.kill()
            if client is not None:
                if hasattr(self, "_watching"):
                    self._watching.cancel()
                with suppress(OSError, TimeoutError):  # the scheduler is gone: there is nobody to say good-bye to
                    client.close(timeout=CLOSE_SECONDS)
        finally:
            if workers is not None:
                workers.close()

    # What a run needs of the cluster
    @property
    def window(self) -> int:
        """The most tasks that may be under way now."""
        most = TASKS_A_THREAD * max(1, self._threads)
        return most if self._most is None else min(most, self._most)

    def submit(self, work: Callable[[T], R], task: T, ready: queue.SimpleQueue[tuple[str, Any]]) -> tuple[str, Any]:
        """Begin a task; ``(key, outcome)`` is put into ``ready`` when it is done. Returns the key and Dask's future."""
        key = f"alliance-{uuid.uuid4().hex}"
        future = self._client.submit(compute, work, task, facts(), key=key, pure=False)
        self._client.loop.add_callback(_fetch, key, future, ready)
        return key, future

    def drop(self, futures: list[Any]) -> None:
        """Cancel tasks; returns at once, also when the scheduler does not answer."""

        async def cancel(client: Any) -> None:
            with suppress(OSError):
                await client.cancel(futures, force=True)

        if self._client is not None and futures:
            self._client.loop.add_callback(cancel, self._client)

    def check(self) -> None:
        """Raise when there is nothing to wait for any more."""
        now = time.monotonic()
        if self._client is None or self._client.status != "running":
            raise self.lost()
        if now - self._answered > SILENCE_SECONDS:
            raise self.lost(f"no answer for {SILENCE_SECONDS:.0f} s")
        if not self._threads and now - self._staffed > self.patience:
            raise ClusterError(
                f"the Dask scheduler at {self._address} has had no worker for {self.patience:.0f} s; "
                f"{_KEPT}; start workers (`{_start_worker(self._address)}`)"
            )

    def lost(self, why: str = "the connection broke") -> ClusterError:
        """The scheduler is lost."""
        return ClusterError(
            f"the Dask scheduler at {self._address} is lost ({why}); {_KEPT}; start a scheduler and workers"
        )

    def wrong(self, report: str) -> ClusterError:
        """A worker runs something else."""
        return ClusterError(
            f"a worker of the Dask scheduler at {self._address} does not run what this sweep runs: {report}; "
            "install the same version of alliance-trust and of its libraries there, or stop that worker"
        )

    def note(self, noted: list[str]) -> None:
        """Say once in what a worker's machine differs from this one."""
        text = "; ".join(noted)
        if text and text not in self._noted:
            self._noted.add(text)
            log.warning("note: the last digits of results may differ between machines; a worker has %s", text)

    # Watching
    async def _watch(self) -> None:
        """Keep looking how many threads the workers have, and whether the scheduler answers."""
        while True:
            with suppress(OSError, TimeoutError):
                threads = await asyncio.wait_for(self._client.nthreads(), SILENCE_SECONDS)
                had = self._threads
                self._threads = sum(threads.values())
                self._answered = time.monotonic()
                if self._threads:
                    self._staffed = self._answered
                elif had:
                    self._say_waiting()
            await asyncio.sleep(WATCH_SECONDS)

    def _wait_for_workers(self) -> int:
        """Threads of the workers that are there, as soon as there is one."""
        if not self._client.nthreads():
            self._say_waiting()
        try:
            self._client.wait_for_workers(1, timeout=self.patience)
        except TimeoutError:
            raise ClusterError(
                f"the Dask scheduler at {self._address} has no worker (waited {self.patience:.0f} s): start one with "
                f"`{_start_worker(self._address)}`"
            ) from None
        return sum(self._client.nthreads().values())

    def _why(self, address: str, error: Exception) -> str:
        """Why a worker cannot run our code: what importing it says there, which Dask does not tell."""
        trial = self._client.submit(importlib.import_module, __name__, workers=[address], pure=False)
        cause = trial.exception(timeout=PROBE_SECONDS) or error
        return f"{type(cause).__name__}: {_one_line(cause)}"

    def _say_waiting(self) -> None:
        log.warning(
            "waiting for workers: the Dask scheduler at %s has none now (for at most %.0f s)",
            self._address,
            self.patience,
        )

    def _check_workers(self) -> None:
        """Ask every worker what it runs."""
        probes = {
            address: self._client.submit(compared, facts(), workers=[address], pure=False)
            for address in self._client.nthreads()
        }
        for address, probe in probes.items():
            try:
                refused, noted = probe.result(timeout=PROBE_SECONDS)
            except TimeoutError:
                raise self.wrong(f"{address}: no answer within {PROBE_SECONDS:.0f} s") from None
            except OSError as error:
                raise self.lost() from error
            except Exception as error:  # whatever went wrong over there
                raise self.wrong(f"{address}: {self._why(address, error)}") from None
            if refused:
                raise self.wrong(f"{address}: {'; '.join(refused)}")
            self.note(noted)


_KEPT = "every result that came back is stored"


class _Run(Generic[T, R]):
    """One run of an executor: which tasks are under way, and what comes of them."""

    def __init__(self, executor: DaskExecutor, work: Callable[[T], R], tasks: Iterator[T]) -> None:
        self.executor, self.work, self.tasks = executor, work, tasks
        self.ended = False  # no more tasks
        self.pending: dict[str, tuple[T, Any]] = {}  # key: task and Dask's future
        self.suspects: deque[T] = deque()
        self.alone = False  # a suspect is under way, and nothing else
        self.ready: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    def results(self) -> Iterator[tuple[T, R | BaseException] | None]:
        """Every task with what came of it."""
        try:
            while self.fill():
                yield self.take()
                self.executor.check()
        finally:
            self.executor.drop([future for _, future in self.pending.values()])

    def fill(self) -> bool:
        """Begin as many tasks as may be under way; False when there is nothing left to wait for."""
        while not self.ended and not self.alone and len(self.pending) < self.executor.window:
            try:
                task = next(self.tasks)
            except StopIteration:
                self.ended = True
                break
            self.begin(task)
        if not self.pending and self.suspects:
            self.alone = True
            self.begin(self.suspects.popleft())
        return bool(self.pending) or not self.ended

    def begin(self, task: T) -> None:
        key, future = self.executor.submit(self.work, task, self.ready)
        self.pending[key] = task, future

    def take(self) -> tuple[T, R | BaseException] | None:
        """The next task with what came of it, or None when there is none yet."""
        try:
            key, outcome = self.ready.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            return None
        task, _ = self.pending.pop(key)
        alone, self.alone = self.alone, False
        if not isinstance(outcome, BaseException):
            result, noted = outcome
            self.executor.note(noted)
            return task, result
        if isinstance(outcome, _Unfetched):
            raise self.executor.lost() from outcome
        if isinstance(outcome, _WrongWorker):
            raise self.executor.wrong(str(outcome))
        if not _is_killed(outcome):
            return task, outcome
        if alone:
            return task, WorkerDied("every worker that computed it died: out of memory, or a crash")
        self.suspects.append(task)
        return None


async def _fetch(key: str, future: Any, ready: queue.SimpleQueue[tuple[str, Any]]) -> None:
    """Wait for a task, bring its result here and put it into ``ready``; runs in the client's event loop."""
    try:
        outcome = await future
    except BaseException as error:  # of a lost connection too: whoever waits for the task must hear of it
        outcome = error if future.status == "error" else _Unfetched(_one_line(error))
    ready.put((key, outcome))


# ---------------------------------------------------------------------------------------------------------------
# Dask itself, imported only when it is asked for
# ---------------------------------------------------------------------------------------------------------------
def _distributed() -> Any:
    """The package ``distributed``, told to be quiet."""
    try:
        import distributed
    except ImportError:
        raise ClusterError("Dask is not installed: pip install 'alliance-trust[cluster]'") from None
    # What they say of a lost scheduler or worker is told by ClusterError; a cluster left while it starts says more.
    for name in ("client", "batched", "comm", "scheduler", "core", "nanny"):
        logging.getLogger(f"distributed.{name}").setLevel(logging.CRITICAL)
    return distributed


class _WorkersHere:
    """A scheduler in this process and workers on this machine, on the loopback interface and without a dashboard.

    Workers are processes of one thread each. They are not asked to stop but killed: they hold nothing that a sweep will
    need, and one that is in the middle of a long run could not listen.
    """

    def __init__(self, distributed: Any) -> None:
        from distributed.utils import LoopRunner

        self._distributed = distributed
        self._nannies: list[Any] = []  # from the moment that they may have a process
        self._cluster: Any = None
        self._scratch = tempfile.TemporaryDirectory(prefix="alliance-")  # workers that are killed do not clear it away
        self._thread = LoopRunner()
        with _deaf_children():
            self._thread.start()

    def start(self, count: int) -> str:
        """Start so many workers, and return the scheduler's address. Ctrl-C is heard meanwhile."""

        async def begin() -> str:
            self._cluster = self._distributed.LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                processes=True,
                worker_class=self._hire,
                host="127.0.0.1",
                # Without an address of its own the scheduler takes port 8787, also without a dashboard.
                scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
                silence_logs=logging.CRITICAL,  # what matters of a worker's end is told in the outcome of its tasks
                preload=[__name__],
                local_directory=self._scratch.name,
                asynchronous=True,
            )
            self._cluster.shutdown_on_close = False  # by this class, and not once more at the end of the process
            await self._cluster
            return str(self._cluster.scheduler_address)

        try:
            return asyncio.run_coroutine_threadsafe(begin(), self._thread.loop.asyncio_loop).result()
        except (OSError, RuntimeError) as error:
            raise ClusterError(
                f"no workers could be started on this machine ({_one_line(error)}): is there enough memory for "
                f'{count} (--jobs)? A script of your own must begin below `if __name__ == "__main__":`'
            ) from error

    def kill(self) -> None:
        """End the workers at once, also those that are just starting, and let none be started again."""
        for nanny in self._nannies:
            nanny.close_gracefully()  # it takes its worker's end for wanted
            if nanny.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(nanny.pid, getattr(signal, "SIGKILL", signal.SIGTERM))  # on Windows the one is the other

    def close(self) -> None:
        """Close what is left of the cluster, when the workers have been killed."""

        async def end() -> None:
            if self._cluster is not None:
                await asyncio.wait_for(self._cluster.close(), CLOSE_SECONDS)

        try:
            with suppress(Exception):  # Dask may find fault with the way its workers ended; they have, and that is all
                asyncio.run_coroutine_threadsafe(end(), self._thread.loop.asyncio_loop).result(2 * CLOSE_SECONDS)
        finally:
            self._thread.stop(CLOSE_SECONDS)
            with suppress(OSError):
                self._scratch.cleanup()

    def _hire(self, *args: Any, **options: Any) -> Any:
        nanny = self._distributed.Nanny(*args, **options)
        self._nannies.append(nanny)
        return nanny


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Threads that are started meanwhile, and all processes that they will ever start, do not hear of Ctrl-C.

    The terminal sends it, and the news that it was closed, to the workers too; but it is for the sweep to end them. A
    thread inherits which signals are kept from it, and so does a process.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    kept_away = {signal.SIGINT, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, kept_away)
    try:
        resource_tracker.ensure_running()  # now: whoever starts this child of Python's own lets Ctrl-C in again
        signal.pthread_sigmask(signal.SIG_BLOCK, kept_away)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _connect(distributed: Any, where: str) -> Any:
    """A client of the scheduler at an address."""
    from distributed.utils import LoopRunner

    address = ADDRESS.fullmatch(where)
    if not address or not 1 <= int(address["port"]) <= 65535:
        raise ClusterError(f"{where!r} is no address of a Dask scheduler: write tcp://HOST:PORT")

    try:
        LoopRunner().run_sync(_greet, distributed, where)
        return distributed.Client(where, timeout=CONNECT_SECONDS, set_as_default=False, name="alliance")
    except OSError:
        reason = f"waited {CONNECT_SECONDS:.0f} s"
    except MemoryError:  # an answer that is no message of Dask's has no sensible length
        reason = "something else answers, such as a dashboard"
    except Exception as error:  # whatever else may be there, or not
        reason = _one_line(error)
    raise ClusterError(
        f"no Dask scheduler answers at {where} ({reason}): start one with `dask scheduler --no-dashboard`, "
        "or leave --scheduler out for workers on this machine"
    )


async def _greet(distributed: Any, where: str) -> None:
    """Ask a scheduler who it is. A Dask client would wait for ever when something is there that does not answer."""

    async def ask() -> None:
        how = distributed.Security().get_connection_args("client")
        async with distributed.rpc(where, timeout=CONNECT_SECONDS, connection_args=how) as scheduler:
            await scheduler.identity()

    await asyncio.wait_for(ask(), CONNECT_SECONDS)


def _patience() -> float:
    """Seconds to wait for a worker, as Dask's configuration says."""
    import dask

    return float(dask.config.get("alliance.patience", PATIENCE))


def _start_worker(address: str) -> str:
    return f"dask worker {address} --nthreads 1 --preload {__name__}"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _is_killed(outcome: BaseException) -> bool:
    from distributed import KilledWorker

    return isinstance(outcome, KilledWorker)
