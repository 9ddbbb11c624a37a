"""How often a 95% interval holds the mean when runs are added until it is narrow: the table in ``docs/experiments.md``.

    python benchmarks/precision.py [--samples 1000] [--round 10]

Numbers with a known mean are drawn in place of runs, and handed round by round to the rule that sweeps stop by.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from sim.sweeps.plan import Precision

Draw = Callable[[np.random.Generator, int], np.ndarray]

SKEWED_SD = math.sqrt((math.e - 1.0) * math.e)  # of a lognormal of log-mean 0 and log-sd 1

KINDS: tuple[tuple[str, float, float, Draw], ...] = (
    ("normal", 0.0, 1 / 3, lambda rng, n: rng.normal(size=n)),
    ("normal", 0.0, 0.1, lambda rng, n: rng.normal(size=n)),
    ("gamma, skewness 1", 2.0, 0.2, lambda rng, n: rng.gamma(4.0, 0.5, n)),
    ("lognormal, skewness 6", math.sqrt(math.e) / SKEWED_SD, 0.2, lambda rng, n: rng.lognormal(size=n) / SKEWED_SD),
    ("yes or no, one in two", 0.5, 0.05, lambda rng, n: rng.random(n) < 0.5),
    ("yes or no, one in twenty", 0.05, 0.02, lambda rng, n: rng.random(n) < 0.05),
    ("a share of 20, one in twenty", 0.05, 0.01, lambda rng, n: rng.binomial(20, 0.05, n) / 20),
)
"""Name, mean, wanted half-width, and how runs are drawn. Where no share, the standard deviation is 1."""


def stopped(draw: Draw, wanted: float, batch: int, rng: np.random.Generator) -> tuple[int, float, float]:
    """Runs, mean and half-width of one sample when the rule stops it."""
    precision, rounds = Precision({"y": wanted}), []
    while not precision.reached():
        rounds.append(draw(rng, batch))
        precision.add([pd.DataFrame({"y": rounds[-1].astype(float)})])
    values = np.concatenate(rounds)
    return len(values), float(values.mean()), precision.half_width("y")


def main() -> None:
    """Print the table, a row as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--round", type=int, default=10, dest="batch")
    options = parser.parse_args()
    print("| what is drawn | wanted half-width | runs on average | hold the mean | standard error |")
    print("|---|---|---|---|---|")
    for number, (name, mean, wanted, draw) in enumerate(KINDS):
        rng = np.random.default_rng([1, number])
        found = [stopped(draw, wanted, options.batch, rng) for _ in range(options.samples)]
        share = np.mean([abs(middle - mean) <= half + 1e-12 for _, middle, half in found])
        runs = np.mean([count for count, _, _ in found])
        error = math.sqrt(share * (1.0 - share) / options.samples)
        print(f"| {name} | {wanted:.3g} | {runs:.0f} | {share:.1%} | {error:.1%} |", flush=True)


if __name__ == "__main__":
    main()
