"""What the same rules cost as plain Mesa objects, and what they cost compiled.

    python benchmarks/mesa_objects.py [--rounds 7] [--replicates 200] [--plain 1]

The kernel is ordinary Python that reads and writes attributes, so with ``NUMBA_DISABLE_JIT=1`` its month runs on any
objects that have them. This file runs it, in a process of its own, on ``mesa.Agent`` organizations and plain alliance
objects (``plain_objects.py``), first with the engine's keyed random numbers, to prove that the objects reproduce the
compiled run number by number, and then with Python's own generator, for the clock. benchmarks/README.md says what is
counted and why.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

SCENARIO, ORGANIZATIONS, PARTNERS, MONTHS = "baseline", 50, 3, 144
SEED = 1
TOLERANCE = 1e-12
MODES = ("keyed", "own")
"""Random numbers of the plain objects: the engine's, in pure Python, or those of Python's own generator."""


def the_scenario() -> Any:
    """The scenario that both sides run."""
    from sim.library import find
    from sim.scenario import load

    return load(find("scenarios", SCENARIO)).replace(organizations=ORGANIZATIONS, partners=PARTNERS, months=MONTHS)


# ---------------------------------------------------------------------------------------------------------------
# The plain side: a process with NUMBA_DISABLE_JIT=1, asked over its standard input
# ---------------------------------------------------------------------------------------------------------------
def serve_plain_runs() -> None:
    """Answer one line of JSON, ``{"replicate": …, "mode": …}``, with another: seconds, months lived, alliances."""
    from plain_objects import PlainModel  # it imports Mesa and changes the kernel, which the compiled side must not

    scenario = the_scenario()
    for line in sys.stdin:
        asked = json.loads(line)
        model = PlainModel(scenario, SEED, asked["replicate"], own_draws=asked["mode"] == "own")
        start = time.perf_counter()
        for _ in range(scenario.months):
            model.step()
        seconds = time.perf_counter() - start
        print(json.dumps({"seconds": seconds, "alliances": [tie.plain() for tie in model.alliances]}), flush=True)


class PlainRuns:
    """The plain process, started once, so that its runs can alternate with the compiled ones."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            # Keys overflow on purpose: NumPy integers warn where plain and compiled ones wrap.
            [sys.executable, "-W", "ignore:overflow encountered", __file__, "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        )

    def run(self, replicate: int, mode: str) -> dict[str, Any]:
        """One replicate: seconds in ``step`` alone, and every alliance at the end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"replicate": replicate, "mode": mode}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit("the plain process stopped; its error is above")
        return dict(json.loads(answer))

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


# ---------------------------------------------------------------------------------------------------------------
# The compiled side
# ---------------------------------------------------------------------------------------------------------------
class KernelClock:
    """Adds up the seconds that ``simulate`` spends in the kernel."""

    def __init__(self) -> None:
        from sim.dynamics import kernel

        self.seconds = 0.0
        self._run_many: Callable[..., None] = kernel.run_many
        kernel.run_many = self

    def __call__(self, *arguments: Any) -> None:
        start = time.perf_counter()
        self._run_many(*arguments)
        self.seconds += time.perf_counter() - start


def lived(result: Any) -> int:
    """Alliance-months that were simulated: months up to the end of each alliance."""
    return int(result.alliances.age.sum())


def compiled_rates(scenario: Any, replicates: int, clock: KernelClock) -> tuple[float, float]:
    """Alliance-months per second of ``simulate`` in all, and of the kernel alone, on one thread."""
    from sim.engine import simulate

    clock.seconds = 0.0
    start = time.perf_counter()
    months = lived(simulate(scenario, replicates, SEED))
    return months / (time.perf_counter() - start), months / clock.seconds


def threaded_rate(scenario: Any, replicates: int, threads: int) -> float:
    """Alliance-months per second of ``simulate`` in all, on several threads."""
    from sim.engine import simulate

    parts = [range(replicates)[k::threads] for k in range(threads)]
    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        months = sum(lived(result) for result in pool.map(lambda part: simulate(scenario, part, SEED), parts))
    return months / (time.perf_counter() - start)


# ---------------------------------------------------------------------------------------------------------------
# The comparison
# ---------------------------------------------------------------------------------------------------------------
def largest_difference(scenario: Any, plain: PlainRuns, replicate: int) -> float:
    """Largest difference between the objects and the compiled run, over every field of every alliance at the end."""
    import numpy as np

    from sim.engine import simulate

    objects = plain.run(replicate, "keyed")["alliances"]
    records = simulate(scenario, [replicate], SEED).alliances[0]
    return max(
        float(np.abs(np.array([tie[name] for tie in objects], dtype=float) - records[name]).max())
        for name in records.dtype.names
    )


def measure(rounds: int, replicates: int, plain_runs: int) -> dict[str, list[float]]:
    """Alliance-months per second of each variant, one number a round; the variants alternate within a round."""
    scenario = the_scenario()
    plain, clock = PlainRuns(), KernelClock()
    try:
        difference = largest_difference(scenario, plain, replicate=0)
        print(f"Same rules: largest difference over all fields of all alliances {difference:.1e}", flush=True)
        if difference > TOLERANCE:
            raise SystemExit(f"The objects do not reproduce the engine (tolerance {TOLERANCE:g}): nothing is compared.")
        compiled_rates(scenario, 2, clock)  # compiles, or loads what was compiled before
        rates: dict[str, list[float]] = {}
        for turn in range(rounds):
            print(f"round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
            for mode in MODES:
                runs = [plain.run(turn * plain_runs + k, mode) for k in range(plain_runs)]
                months = sum(tie["age"] for run in runs for tie in run["alliances"])
                rates.setdefault(mode, []).append(months / sum(run["seconds"] for run in runs))
            in_all, in_kernel = compiled_rates(scenario, replicates, clock)
            rates.setdefault("simulate", []).append(in_all)
            rates.setdefault("kernel", []).append(in_kernel)
            rates.setdefault("two threads", []).append(threaded_rate(scenario, replicates, 2))
    finally:
        plain.close()
    return rates


def table(rates: dict[str, list[float]]) -> str:
    """The medians and their spread as a Markdown table; ratios are to plain objects with their own generator."""
    rows = {
        "own": ("plain Mesa objects, Python's own random numbers", 1),
        "keyed": ("plain Mesa objects, keyed random numbers in Python", 1),
        "simulate": ("compiled, `simulate` in all", 1),
        "kernel": ("compiled, the kernel alone", 1),
        "two threads": ("compiled, `simulate` in all", 2),
    }
    lines = [
        "| variant | threads | alliance-months/s, median | lowest–highest | ratio | ratio per core |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for key, (name, threads) in rows.items():
        ratio = statistics.median(mine / plain for mine, plain in zip(rates[key], rates["own"], strict=True))
        low, middle, high = min(rates[key]), statistics.median(rates[key]), max(rates[key])
        lines.append(
            f"| {name} | {threads} | {middle:,.0f} | {low:,.0f}–{high:,.0f} | {ratio:.3g} | {ratio / threads:.3g} |"
        )
    return "\n".join(lines)


def surroundings() -> str:
    """Processor, Python and the packages that matter, in a line."""
    from importlib.metadata import version

    packages = ", ".join(f"{name} {version(name)}" for name in ("mesa", "numba", "numpy"))
    return f"{cpu()}, {os.cpu_count()} cores; Python {platform.python_version()}, {packages}"


def cpu() -> str:
    """Name of the processor, as far as the system tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="how often everything is measured (default 7)")
    parser.add_argument("--replicates", type=int, default=200, help="replicates of the compiled runs (default 200)")
    parser.add_argument("--plain", type=int, default=1, help="replicates of the plain runs in each round (default 1)")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve_plain_runs()
        return
    print(f"{ORGANIZATIONS} organizations x {PARTNERS} partners x {MONTHS} months, scenario {SCENARIO!r}")
    print(surroundings())
    print(table(measure(chosen.rounds, chosen.replicates, chosen.plain)))


if __name__ == "__main__":
    main()
