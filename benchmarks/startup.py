"""How long ``alliance --help`` takes beside ``python -c "import click"``: it must stay below twice that.

Both are run in turns, so that a busy moment of the machine falls on both, and the medians are compared::

    python benchmarks/startup.py [--runs 41]

Exit code 1 when the ratio is 2 or more.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

LIMIT = 2.0
ALLIANCE = [str(Path(sys.executable).with_name("alliance")), "--help"]
CLICK = [sys.executable, "-c", "import click"]


def seconds(command: list[str]) -> float:
    """Wall time of one run of a command, its output thrown away."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def measure(runs: int) -> tuple[list[float], list[float]]:
    """Times of both commands, run in turns after one unmeasured run of each."""
    for command in (ALLIANCE, CLICK):
        seconds(command)
    pairs = [(seconds(ALLIANCE), seconds(CLICK)) for _ in range(runs)]
    ours, theirs = zip(*pairs, strict=True)
    return list(ours), list(theirs)


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=41, help="runs of each command (default 41)")
    ours, theirs = measure(parser.parse_args().runs)
    ratio = statistics.median(ours) / statistics.median(theirs)
    for name, times in (("alliance --help", ours), ('python -c "import click"', theirs)):
        low, middle, high = (1000 * q for q in statistics.quantiles(times, n=4))
        print(f"{name:26} median {middle:6.1f} ms   quartiles {low:6.1f} to {high:6.1f} ms")
    print(f"{'ratio of medians':26} {ratio:13.2f}      limit {LIMIT:g}")
    return 0 if ratio < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
