"""Does a month of an organization cost the same in a large world as in a small one, with a market and without?

    python benchmarks/market_scale.py [--sizes 1000 3000 10000 30000 100000] [--months 24] [--rounds 5]

Worlds of each size, with a market and without, take turns within a round, and each is set against the smallest world
of its kind in the same round; medians over the rounds are shown. A turn simulates as many replicates, one after the
other, as make about as many organization-months as the largest world has. Peak memory is that of a process of its own,
above what it held after a small run (Linux only). benchmarks/README.md says what was found.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

SIZES, MONTHS, ROUNDS = (1_000, 3_000, 10_000, 30_000, 100_000), 24, 5
SCENARIO, SEED, PARTNERS = "baseline", 1, 3
MARKET = {"market": True, "partners": 0, "capacity": PARTNERS, "vetting": 12, "choose_contract": True}
"""Everybody begins without an alliance, searches, vets and writes its own contracts, until it has three."""
PARTS: dict[str, Mapping[str, Any]] = {
    "as it is": {},
    "nobody searches": {"search_rate": 0.0, "partners": PARTNERS},
    "one candidate is looked at": {"search_breadth": 1.0},
    "nobody is vetted": {"vetting": 0},
    "nothing becomes known": {"reputation_visibility": 0.0},
    "nobody leaves": {"exogenous_exit": 0.0, "trust_exit": 0.0, "disappointment_exit": 0.0},
}
"""Parts of a market that ``--parts`` switches off, one at a time."""


def world(organizations: int, months: int, market: bool, settings: Mapping[str, Any] | None = None) -> Any:
    """A scenario of one size; without a market everybody has as many partners as it could get in one."""
    from sim.library import find
    from sim.scenario import load

    base = load(find("scenarios", SCENARIO)).replace(organizations=organizations, months=months, partners=PARTNERS)
    return base.with_settings({**MARKET, **(settings or {})}) if market else base


def seconds_a_turn(scenario: Any, replicates: int) -> float:
    """Processor seconds that ``simulate`` takes in all for this many replicates, one at a time."""
    from sim.engine import simulate

    start = time.process_time()
    for replicate in range(replicates):
        simulate(scenario, [replicate], SEED)
    return time.process_time() - start


# ---------------------------------------------------------------------------------------------------------------
# Memory: each size in a process of its own, because a peak is never taken back
# ---------------------------------------------------------------------------------------------------------------
def tell_peak(organizations: int, months: int, market: bool) -> None:
    """Print the bytes by which resident memory at its highest during one run exceeds that before it (Linux)."""
    from sim.engine import simulate

    simulate(world(100, 2, market), 1, SEED)
    chosen = world(organizations, months, market)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak of loading and compiling
    before = resident_memory("VmRSS")
    simulate(chosen, 1, SEED)
    print(json.dumps(resident_memory("VmHWM") - before))


def resident_memory(field: str) -> int:
    """Resident memory of this process, bytes: now (``VmRSS``), or at its highest (``VmHWM``)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (kilobytes,) = [line.split()[1] for line in lines if line.startswith(f"{field}:")]
    return 1024 * int(kilobytes)


def memory_of(organizations: int, months: int, market: bool) -> int:
    """Peak memory of one run in a new process, bytes."""
    asked = ["--tell-peak", str(organizations), str(months), str(int(market))]
    done = subprocess.run([sys.executable, __file__, *asked], capture_output=True, text=True, check=True)
    return int(json.loads(done.stdout))


# ---------------------------------------------------------------------------------------------------------------
# Time
# ---------------------------------------------------------------------------------------------------------------
def take_turns(turns: Mapping[Any, Callable[[], float]], rounds: int) -> dict[Any, list[float]]:
    """Each turn once to warm up, then all of them once a round; what each returned, by turn."""
    measured: dict[Any, list[float]] = {name: [] for name in turns}
    for round_ in range(rounds + 1):
        for name, turn in turns.items():
            value = turn()
            if round_:
                measured[name].append(value)
        print(f"round {round_} of {rounds}" if round_ else "warm", file=sys.stderr, flush=True)
    return measured


def cost_of(scenario: Any, largest: int) -> Callable[[], float]:
    """A turn: microseconds that an organization costs in a month, over about as much work as the largest world."""
    replicates = max(1, round(largest / scenario.organizations))
    worked = replicates * scenario.organizations * scenario.months
    return lambda: 1e6 * seconds_a_turn(scenario, replicates) / worked


def show_sizes(sizes: list[int], months: int, rounds: int) -> None:
    """Cost and memory by size, with a market and without."""
    turns = {
        (market, size): cost_of(world(size, months, market), max(sizes)) for size in sizes for market in (True, False)
    }
    measured = take_turns(turns, rounds)
    print("| market | organizations | µs an organization-month, median | lowest–highest | ratio | peak kB each |")
    print("|---|--:|--:|--:|--:|--:|")
    for market in (True, False):
        first = measured[market, sizes[0]]
        for size in sizes:
            mine = measured[market, size]
            ratio = statistics.median(one / other for one, other in zip(mine, first, strict=True))
            kilobytes = memory_of(size, months, market) / size / 1000.0
            print(
                f"| {'yes' if market else 'no'} | {size:,} | {statistics.median(mine):.2f} | {min(mine):.2f}–"
                f"{max(mine):.2f} | {ratio:.2f} | {kilobytes:.1f} |",
                flush=True,
            )


def show_parts(small: int, large: int, months: int, rounds: int) -> None:
    """How the cost of a small and of a large market changes when a part is switched off."""
    turns = {
        (part, size): cost_of(world(size, months, True, settings), large)
        for part, settings in PARTS.items()
        for size in (small, large)
    }
    measured = take_turns(turns, rounds)
    print(f"| switched off | µs at {small:,} | µs at {large:,} | ratio |")
    print("|---|--:|--:|--:|")
    for part in PARTS:
        few, many = measured[part, small], measured[part, large]
        ratio = statistics.median(one / other for one, other in zip(many, few, strict=True))
        print(f"| {part} | {statistics.median(few):.2f} | {statistics.median(many):.2f} | {ratio:.2f} |", flush=True)


def main() -> None:
    """Measure and print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="organizations, the smallest first")
    parser.add_argument("--months", type=int, default=MONTHS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--parts", action="store_true", help="instead: the first and last size with parts switched off")
    parser.add_argument("--tell-peak", type=int, nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.tell_peak:
        organizations, months, market = asked.tell_peak
        tell_peak(organizations, months, bool(market))
    elif asked.parts:
        show_parts(asked.sizes[0], asked.sizes[-1], asked.months, asked.rounds)
    else:
        show_sizes(asked.sizes, asked.months, asked.rounds)


if __name__ == "__main__":
    main()
