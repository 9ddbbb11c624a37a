"""Tasks in threads of this process: no start-up, no copies; the compiled core lets go of Python's lock.

The threads are daemons on purpose. A run of a large network can take minutes and cannot be stopped half-way; after
Ctrl-C nobody should have to wait for it. Everything that a sweep keeps is written by the main thread.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

LOOK_SECONDS = 0.2
"""Seconds after which a waiting sweep gets to look around."""
TASK_SECONDS = 0.5
"""Long against the cost of a task (under a millisecond), short against a person's patience."""


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalExecutor:
    """Computes tasks in threads of this process; see :class:`sim.sweeps.executors.Executor`."""

    name = "local"
    task_seconds = TASK_SECONDS

    def __init__(self, jobs: int | None = None) -> None:
        """Threads are started when the first tasks come.

        Raises:
            ValueError: when ``jobs`` is below 1.
        """
        if jobs is not None and jobs < 1:
            raise ValueError(f"jobs must be at least 1, got {jobs}")
        self.jobs = jobs or cores()
        self._waiting: SimpleQueue[Any] = SimpleQueue()  # (work, task, where the result goes), or None: go home
        self._threads: list[threading.Thread] = []

    def run(self, work: Callable[[T], R], tasks: Iterator[T]) -> Iterator[tuple[T, R | BaseException] | None]:
        """See :meth:`sim.sweeps.executors.Executor.run`. Two tasks a thread are under way or waiting."""
        self._start()
        done: SimpleQueue[tuple[T, R | BaseException]] = SimpleQueue()
        under_way, more = 0, True
        try:
            while True:
                while more and under_way < 2 * self.jobs:
                    task = next(tasks, None)
                    if task is None:
                        more = False
                    else:
                        self._waiting.put((work, task, done))
                        under_way += 1
                if not under_way:
                    return
                try:
                    result = done.get(timeout=LOOK_SECONDS)
                except Empty:
                    yield None
                    continue
                under_way -= 1
                yield result
                del result  # or it would be held until the next one comes
        finally:
            self._drop_waiting()

    def close(self) -> None:
        """Send the threads home. One that is in the middle of a run finishes it first; nobody waits for it."""
        self._drop_waiting()
        for _ in self._threads:
            self._waiting.put(None)
        self._threads = []

    def _start(self) -> None:
        for number in range(len(self._threads), self.jobs):
            thread = threading.Thread(target=self._labour, name=f"sweep-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _drop_waiting(self) -> None:
        while True:
            try:
                self._waiting.get_nowait()
            except Empty:
                return

    def _labour(self) -> None:
        """What a thread does until it is sent home."""
        while (item := self._waiting.get()) is not None:
            work, task, done = item
            try:
                done.put((task, work(task)))
            except BaseException as error:  # whatever it is, it is the task's result
                done.put((task, error))
            del item, work, task, done
