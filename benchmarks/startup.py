"""How long ``alliance --help`` takes beside ``python -c "import click"``: it must stay below twice that.

Both are run in turns, so that a busy moment of the machine falls on both, and the medians are compared; once as usual,
and once where Python neither finds nor keeps what it has compiled of this package (``PYTHONDONTWRITEBYTECODE=1``)::

    python benchmarks/startup.py [--runs 41]

Exit code 1 when a ratio is 2 or more.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT = 2.0
SIM = Path(__file__).resolve().parents[1] / "sim"
ALLIANCE = [str(Path(sys.executable).with_name("alliance")), "--help"]
CLICK = [sys.executable, "-c", "import click"]


def seconds(command: list[str], env: dict[str, str]) -> float:
    """Wall time of one run of a command, its output thrown away."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=env)
    return time.perf_counter() - begun


def measure(runs: int, env: dict[str, str]) -> tuple[list[float], list[float]]:
    """Times of both commands, run in turns after one unmeasured run of each."""
    for command in (ALLIANCE, CLICK):
        seconds(command, env)
    pairs = [(seconds(ALLIANCE, env), seconds(CLICK, env)) for _ in range(runs)]
    ours, theirs = zip(*pairs, strict=True)
    return list(ours), list(theirs)


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=41, help="runs of each command (default 41)")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(SIM, Path(folder) / "sim", ignore=shutil.ignore_patterns("__pycache__"))
        bare = {**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        fine = [compare("with what is compiled", runs, dict(os.environ)), compare("without", runs, bare)]
    return 0 if all(fine) else 1


def compare(title: str, runs: int, env: dict[str, str]) -> bool:
    """Measure both commands in this environment, print, and say whether the ratio is below the limit."""
    ours, theirs = measure(runs, env)
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(title)
    for name, times in (("alliance --help", ours), ('python -c "import click"', theirs)):
        low, middle, high = (1000 * q for q in statistics.quantiles(times, n=4))
        print(f"  {name:26} median {middle:6.1f} ms   quartiles {low:6.1f} to {high:6.1f} ms")
    print(f"  {'ratio of medians':26} {ratio:13.2f}      limit {LIMIT:g}")
    return ratio < LIMIT


if __name__ == "__main__":
    sys.exit(main())
