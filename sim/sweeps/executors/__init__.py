"""Where tasks are computed: in threads of this process, or on other machines. One contract for all of them.

An executor carries an importable top-level function over tasks and hands results back as they come. It knows nothing
about cells, tables or files. The sweep in the main process decides what is run and writes what came out; whatever an
executor does twice, loses or hands back late does not change the results:

* **At least once.** A task may be computed more than once. The sweep stores the first result and drops the others.
* **Any order.** The sweep puts results where they belong; it asks for no order.
* **Bounded.** Only a few tasks are taken from the iterator and not handed back yet (twice as many as can be computed at
  the same time), and a result is let go of as soon as it is handed back, so that memory does not grow with a sweep.
* **A task that fails is a result.** Its exception is handed back in place of a result: what the work raised, or what
  ended the worker that computed it. The sweep decides what to do next; the executor goes on with the other tasks.
* **Plain data.** ``work`` is found by its name on the other side; tasks and results are pickled. Randomness is keyed by
  the seed and the replicate in the task, so results do not depend on where or when they are computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")

NAMES = ("local", "dask")
"""What :func:`make` knows."""


class Executor(Protocol):
    """Computes tasks somewhere.

    Attributes:
        name: as in :data:`NAMES`; the manifest records it.
        jobs: how many tasks are computed at the same time, as far as the executor knows.
        task_seconds: how long a task should take so that handing it over costs little. The sweep cuts its tasks to
            about this length. Results do not depend on it.
    """

    name: str
    jobs: int
    task_seconds: float

    def run(self, work: Callable[[T], R], tasks: Iterator[T]) -> Iterator[tuple[T, R | BaseException] | None]:
        """Compute ``work(task)`` for every task and yield each task with what came out, in any order.

        Tasks are taken from the iterator lazily, in the thread that iterates over the results, a few more than can be
        computed at the same time: the sweep cuts the next task by what it has learned from results. The generator ends
        when the iterator has ended and everything that was taken has been handed back. ``run`` is called several times
        in a sweep, one call after the other.

        While nothing comes out, None is yielded about five times a second, so that the sweep can react to Ctrl-C. When
        the generator is closed (``GeneratorExit`` at a ``yield``), tasks that have not been begun are dropped.

        Yields:
            ``(task, result)``, ``(task, exception)`` for a task that failed, or None when it is time to look around.
        """
        ...

    def close(self) -> None:
        """Give up what is under way and release threads, connections and machines. May be called twice."""
        ...


def make(name: str, jobs: int | None = None, scheduler: str | None = None) -> Executor:
    """The executor called ``name``; what it needs is imported only now.

    Args:
        name: "local" (threads of this process) or "dask" (workers of a Dask cluster).
        jobs: tasks at the same time; as many as there are processors, or workers, when None.
        scheduler: for "dask", the address of a scheduler; None starts workers on this machine.

    Raises:
        ValueError: when the name is unknown, or an address is given to an executor that has no use for it.
    """
    if name == "local":
        if scheduler is not None:
            raise ValueError("a scheduler's address is for the executor 'dask'; 'local' computes in this process")
        from sim.sweeps.executors.local import LocalExecutor

        return LocalExecutor(jobs)
    if name == "dask":
        from sim.sweeps.executors.dask import DaskExecutor

        made: Executor = DaskExecutor(jobs, scheduler)
        return made
    raise ValueError(f"{name!r} is no executor: choose one of {', '.join(NAMES)}")
