"""How fast is the compiled core beside that of another checkout, and what does compiling cost?

    git worktree add ../before <commit>
    python benchmarks/core_speed.py --against ../before [--rounds 9] [--compile-rounds 3]

Each checkout has a process of its own. The two take turns, so that a busy moment of the machine falls on both, and what
counts is processor time of one thread: ratios are medians over the rounds. Before anything is timed, both checkouts run
the same replicates, and every number at the end must be the same in every bit. Compiling is timed with an empty cache,
the whole process, less the same process with a full one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent
MONTHS = 144
SIZES = {"dyad × 1,000": (2, 1, 1000), "50 × 20": (50, 3, 20), "1,000 × 1": (1000, 3, 1)}
"""What is timed: organizations, partners of each, replicates."""
DYAD, EVERYTHING = "what a dyad needs", "everything, with the market"
"""What is compiled: for many replicates without a market; and all that a run, a history and a market ever call."""


# ---------------------------------------------------------------------------------------------------------------
# One checkout, in a process of its own
# ---------------------------------------------------------------------------------------------------------------
def scenario_of(organizations: int, partners: int, months: int = MONTHS, **more: Any) -> Any:
    """The scenario ``baseline`` in this size."""
    from sim.library import find
    from sim.scenario import load

    baseline = load(find("scenarios", "baseline"))
    return baseline.replace(organizations=organizations, partners=partners, months=months, **more)


class KernelClock:
    """Adds up the processor time that ``simulate`` spends in the kernel."""

    def __init__(self) -> None:
        from sim.dynamics import kernel

        self.seconds = 0.0
        self._run_many: Callable[..., None] = kernel.run_many
        kernel.run_many = self

    def __call__(self, *arguments: Any) -> None:
        start = time.process_time()
        self._run_many(*arguments)
        self.seconds += time.process_time() - start


def answer(size: str, clock: KernelClock) -> dict[str, Any]:
    """Seconds of ``simulate`` in all and of the kernel in it, alliance-months lived, and a digest of every bit."""
    from sim.engine import simulate

    organizations, partners, replicates = SIZES[size]
    scenario = scenario_of(organizations, partners)
    clock.seconds = 0.0
    start = time.process_time()
    result = simulate(scenario, replicates, seed=1)
    seconds = time.process_time() - start
    digest = hashlib.sha256()
    for name in result.alliances.dtype.names:
        digest.update(result.alliances[name].tobytes())
    for array in (result.moments, result.ledger, result.histogram.astype("i8")):
        digest.update(array.tobytes())
    months = int(result.alliances.age.sum())
    return {"seconds": seconds, "kernel": clock.seconds, "months": months, "digest": digest.hexdigest()}


def serve() -> None:
    """Answer a line with the name of a size with a line of JSON."""
    clock = KernelClock()
    for line in sys.stdin:
        print(json.dumps(answer(line.strip(), clock)), flush=True)


def compile_once(what: str) -> None:
    """Run the smallest thing that compiles what is asked for."""
    from sim.engine import simulate, simulate_history

    simulate(scenario_of(2, 1, months=2), 1)
    if what == EVERYTHING:
        market = scenario_of(4, 0, months=2, market=True)
        simulate_history(scenario_of(2, 1, months=2))
        simulate(market, 1)
        simulate_history(market)


# ---------------------------------------------------------------------------------------------------------------
# Two checkouts, in turn
# ---------------------------------------------------------------------------------------------------------------
def surroundings(checkout: Path, **more: str) -> dict[str, str]:
    """The environment of a process that imports ``sim`` from a checkout, and computes with one thread."""
    return {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **more}


class Checkout:
    """A checkout's process, started once."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=surroundings(folder),
        )

    def ask(self, size: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(size + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("a checkout's process stopped; its error is above")
        return dict(json.loads(line))

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def running(pair: list[Path], rounds: int) -> dict[str, list[list[dict[str, Any]]]]:
    """Answers of both checkouts for every size, round by round."""
    checkouts = [Checkout(folder) for folder in pair]
    answers: dict[str, list[list[dict[str, Any]]]] = {size: [] for size in SIZES}
    try:
        for size in SIZES:
            first, second = (checkout.ask(size) for checkout in checkouts)  # compiles, or loads what was compiled
            if first["digest"] != second["digest"]:
                raise SystemExit(f"{size}: the two checkouts do not agree in every bit: nothing is compared.")
        print("Same numbers in every bit.", flush=True)
        for turn in range(rounds):
            print(f"round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
            for size in SIZES:
                answers[size].append([checkout.ask(size) for checkout in checkouts])
    finally:
        for checkout in checkouts:
            checkout.close()
    return answers


def compiling(folder: Path, what: str) -> float:
    """Processor seconds of compiling: a process with an empty cache, less the same one with a full one."""
    with tempfile.TemporaryDirectory() as cache:
        spent = []
        for _ in range(2):
            before = os.times()
            subprocess.run(
                [sys.executable, __file__, "--compile", what],
                check=True,
                stderr=subprocess.DEVNULL,  # what is said of the first use
                env=surroundings(folder, XDG_CACHE_HOME=cache),
            )
            after = os.times()
            spent.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return spent[0] - spent[1]


# ---------------------------------------------------------------------------------------------------------------
# What is printed
# ---------------------------------------------------------------------------------------------------------------
def speed_table(answers: dict[str, list[list[dict[str, Any]]]]) -> str:
    """Million alliance-months per second of both, medians, and how many times as fast this checkout is."""
    lines = [
        "| organizations × replicates | what | before, M alliance-months/s | now | times as fast | lowest–highest |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for size, rounds in answers.items():
        for key, name in (("kernel", "the kernel alone"), ("seconds", "`simulate` in all")):
            rates = [[side["months"] / side[key] / 1e6 for side in pair] for pair in rounds]
            ratios = [now / before for before, now in rates]
            before, now = (statistics.median(column) for column in zip(*rates, strict=True))
            spread = f"{min(ratios):.2f}–{max(ratios):.2f}"
            lines.append(f"| {size} | {name} | {before:.2f} | {now:.2f} | {statistics.median(ratios):.2f} | {spread} |")
    return "\n".join(lines)


def compile_table(pair: list[Path], rounds: int) -> str:
    """Processor seconds of compiling in both, medians, and this checkout's share of the other's."""
    lines = ["| compiled | before, s | now, s | share | lowest–highest |", "|---|--:|--:|--:|--:|"]
    for what in (DYAD, EVERYTHING):
        spent = []
        for turn in range(rounds):
            print(f"compiling {what}, round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
            spent.append([compiling(folder, what) for folder in pair])
        shares = [now / before for before, now in spent]
        before, now = (statistics.median(column) for column in zip(*spent, strict=True))
        spread = f"{min(shares):.2f}–{max(shares):.2f}"
        lines.append(f"| {what} | {before:.1f} | {now:.1f} | {statistics.median(shares):.2f} | {spread} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="the checkout to compare this one with")
    parser.add_argument("--rounds", type=int, default=9, help="how often every size is run (default 9; 0: not at all)")
    parser.add_argument("--compile-rounds", type=int, default=3, help="how often all is compiled (default 3; 0: not)")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--compile", choices=(DYAD, EVERYTHING), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        return serve()
    if chosen.compile:
        return compile_once(chosen.compile)
    if chosen.against is None or not (chosen.against / "sim" / "engine.py").is_file():
        parser.error("--against takes the folder of another checkout")
    pair = [chosen.against.resolve(), HERE]
    if chosen.rounds:
        print(speed_table(running(pair, chosen.rounds)))
    if chosen.compile_rounds:
        print(compile_table(pair, chosen.compile_rounds))
    return None


if __name__ == "__main__":
    main()
