"""A process that has imported and compiled everything and forks a child for each sweep: a child starts at once.

``Nursery`` is the side of the tests. Run as a program it is the other side: it reads orders, one JSON object a line,
and answers each with how the child ended. It is single-threaded, because only then is a fork safe.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TEXTS = {"title": "T", "question": "Q?", "source": "S", "expected": "E."}
SHARD = 5
"""Replicates in a shard of these sweeps."""
CALLS = ("write", "fsync", "replace", "mkdir", "unlink", "rmdir")
"""Calls to the system at which a child can be told to die."""


class Nursery:
    """Runs sweeps in children that can be killed. Use it as a context."""

    def __enter__(self) -> Nursery:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._answer() == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def sweep(self, out: Path, replicates: int, **how: Any) -> dict[str, Any]:
        """Begin a sweep in a child; see :func:`_serve` for ``how`` and the answer."""
        return self._ask(out=str(out), replicates=replicates, **how)

    def resume(self, folder: Path, **how: Any) -> dict[str, Any]:
        """Go on with a sweep in a child."""
        return self._ask(folder=str(folder), **how)

    def _ask(self, **order: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = self._answer()
        return answer

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def experiment_for(replicates: int) -> Any:
    """Two small cells in which things happen."""
    from sim.scenario import Scenario
    from sim.sweeps.design import experiment_of

    small = {**TEXTS, "organizations": 6, "months": 12}
    scenarios = [
        Scenario.from_plain({**small}, "calm"),
        Scenario.from_plain({**small, "parameters": {"contingency_rate": 0.4}}, "rough"),
    ]
    return experiment_of(scenarios, replicates, 11, "trial")


def tables_in(folder: Path) -> dict[str, bytes]:
    """The content of every table of a sweep, by the name of its file."""
    return {path.name: path.read_bytes() for path in sorted((folder / "tables").iterdir())}


def _serve() -> None:
    """Answer orders until there are no more.

    An order holds ``out`` and ``replicates``, or ``folder``; ``delay``: seconds after which the child is killed;
    ``die_at``: the child kills itself before its call number so-and-so (from 1) to one of :data:`CALLS`. The answer
    holds ``killed``, ``code``, ``seconds`` and ``calls``: how many calls the child made when it was to die at none.
    """
    import pyarrow.parquet  # noqa: F401 # once, in place of once in each child

    from sim.sweeps import plan, runner

    runner.warm_up()
    plan.SHARD_WORK = SHARD * plan.work_of(experiment_for(1).cells()[0].scenario)
    print('"ready"', flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        begun = time.monotonic()
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            os._exit(_work(order, write_end))
        os.close(write_end)
        if order.get("delay") is not None:
            time.sleep(order["delay"])
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        calls = os.read(read_end, 100).decode()
        os.close(read_end)
        killed = os.WIFSIGNALED(status)
        answer = {"killed": killed, "code": None if killed else os.WEXITSTATUS(status)}
        print(json.dumps({**answer, "seconds": time.monotonic() - begun, "calls": int(calls or 0)}), flush=True)


def _work(order: dict[str, Any], write_end: int) -> int:
    """What a child does; its exit code."""
    from sim.sweeps import runner

    counter = _dying_at(order.get("die_at"))
    try:
        if "folder" in order:
            runner.resume(order["folder"], jobs=2)
        else:
            runner.run_experiment(experiment_for(order["replicates"]), order["out"], jobs=2)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        return 1
    calls = counter[0]
    os.write(write_end, str(calls).encode())
    return 0


def _dying_at(number: int | None) -> list[int]:
    """Count calls to the system, and end the process before the given one as if by ``kill -9``."""
    counter = [0]

    def wrapped(original: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            counter[0] += 1
            if counter[0] == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **named)

        return call

    for name in CALLS:
        setattr(os, name, wrapped(getattr(os, name)))
    return counter


if __name__ == "__main__":
    _serve()
