"""What the second answer costs, beside another checkout of this repository: processor time, paired.

Both checkouts take turns in child processes of their own, so that a busy moment of the machine falls on both, and what
is compared are ratios of processor time, this checkout divided by the other one::

    python benchmarks/second_answer.py --against PATH [--rounds 7] [--commands]

Rows: 200 replicates of a dyad over 144 months, from a ready scenario to bands of all monthly variables, share alive and
ledger; one point of a batch against ``simulate`` of one replicate, here and there; the history of a dyad and of 50
organizations; with ``--commands`` also ``alliance run baseline`` and ``alliance compare baseline culture_clash``, warm.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
TURNS = 9
"""Repetitions within a child process; their median counts."""
POINTS = 400
COMMANDS = {"run baseline": ["run", "baseline"], "compare": ["compare", "baseline", "culture_clash"]}


# ---------------------------------------------------------------------------------------------------------------
# In a child process, with whichever checkout is on its path
# ---------------------------------------------------------------------------------------------------------------
def measure_here() -> dict[str, float]:
    """Milliseconds of processor time of each thing, with the ``sim`` that is imported."""
    from sim import engine
    from sim.library import find
    from sim.scenario import load

    baseline = load(find("scenarios", "baseline"))
    dyad = baseline.replace(organizations=2, partners=1)
    gains = [0.02 + 0.06 * k / POINTS for k in range(POINTS)]
    variants = [dyad.replace(trust_gain=gain) for gain in gains[:40]]

    def answer() -> None:
        result = engine.simulate(dyad, 200)
        if hasattr(result, "bands"):
            result.bands(), result.survival_shares(), result.ledger_spread()
        else:
            result.monthly(), result.survival(), result.ledger_table()

    def singles() -> None:
        for variant in variants:
            engine.simulate(variant, 1)

    found = {
        "answer": _median(answer),
        "of it simulate": _median(lambda: engine.simulate(dyad, 200)),
        "one replicate": _median(singles) / len(variants),
        "history of a dyad": _median(lambda: engine.simulate_history(dyad)),
        "history of 50": _median(lambda: engine.simulate_history(baseline)),
    }
    if hasattr(engine, "simulate_many"):
        found["a point of a batch"] = _median(lambda: engine.simulate_many(dyad, {"trust_gain": gains})) / POINTS
    return found


def _median(action: Callable[[], object]) -> float:
    action()
    times = []
    for _ in range(TURNS):
        begun = time.process_time()
        action()
        times.append(1000.0 * (time.process_time() - begun))
    return statistics.median(times)


# ---------------------------------------------------------------------------------------------------------------
# Pairs
# ---------------------------------------------------------------------------------------------------------------
def child(root: Path) -> dict[str, float]:
    """:func:`measure_here` in a process that imports the checkout at ``root``."""
    done = subprocess.run(
        [sys.executable, __file__, "--child"], env=_env(root), cwd=root, check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def command(root: Path, args: list[str]) -> float:
    """Milliseconds of processor time of one call of ``alliance`` with the checkout at ``root``."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as out:
        call = [sys.executable, "-c", "from sim.cli import main; main()", *args, "--quiet", "--out", out]
        subprocess.run(call, env=_env(root), cwd=root, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000.0 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _env(root: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(root), "OPENBLAS_NUM_THREADS": "1"}


def pairs(one: Path, other: Path, rounds: int, measure: Callable[[Path], Any]) -> list[tuple[Any, Any]]:
    """What is measured of both in turns, after one round that fills caches and does not count."""
    return [(measure(one), measure(other)) for _ in range(rounds + 1)][1:]


def show(name: str, here: list[float], there: list[float]) -> None:
    """One row: medians of both and the median of the rounds' ratios."""
    ratio = statistics.median(x / y for x, y in zip(here, there, strict=True))
    print(f"{name:34} {statistics.median(here):9.2f} {statistics.median(there):9.2f} {ratio:7.2f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="the other checkout")
    parser.add_argument("--rounds", type=int, default=7, help="pairs of child processes (default 7)")
    parser.add_argument("--commands", action="store_true", help="time the commands too")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(measure_here()))
        return
    if asked.against is None:
        parser.error("--against PATH: which checkout to compare with?")
    other = asked.against.resolve()
    found = pairs(HERE, other, asked.rounds, child)
    print(f"{'processor time, ms':34} {'here':>9} {'there':>9} {'ratio':>7}")
    for name in found[0][1]:
        show(name, [x[name] for x, _ in found], [y[name] for _, y in found])
    here, there = [x["a point of a batch"] for x, _ in found], [y["one replicate"] for _, y in found]
    show("a point of a batch, or simulate", here, there)
    for name, args in COMMANDS.items() if asked.commands else ():
        timed = pairs(HERE, other, asked.rounds, lambda root, args=args: command(root, args))  # type: ignore[misc]
        show(f"alliance {name}", [x for x, _ in timed], [y for _, y in timed])


if __name__ == "__main__":
    main()
