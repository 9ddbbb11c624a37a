"""How often intervals hold the truth and tests reject: tables of ``docs/analysis.md`` and ``docs/experiments.md``.

    python benchmarks/interval_coverage.py [--replicates 100] [--seed 1] [--only sobol] [--write]

Studies whose truth is known take the place of the simulation: functions, distributions and hazards. What estimates is
the library's own. Each table says of how many samples it is, a multiple of ``--replicates``, and how large its standard
errors are. All tables take six minutes on two free cores; ``--write`` puts them into the pages.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.dynamics.state import BINS
from sim.intervals import bootstrap_of, mean_of
from sim.study import analysis
from sim.study.discovery import discover
from sim.study.humps import beyond_chance, humps
from sim.study.pages import fill
from sim.study.response import Factor, Response
from sim.study.sensitivity import LEVELS, morris, sobol
from sim.study.survival import ENDINGS, GOING_ON, Lifetimes, compare, curve_table, lifetimes
from sim.study.tipping import tipping_point
from sim.sweeps.plan import Precision

Floats = NDArray[np.float64]
Rng = np.random.Generator
Draw = Callable[[Rng, int], Floats]

Sample = Mapping[str, Any]
"""What one sample came to, by column: whether it held or rejected, an array of that over factors, a number, or None."""
Study = Callable[[Rng], Sample]

DOCS = Path(__file__).resolve().parents[1] / "docs"
ANALYSIS, EXPERIMENTS = DOCS / "analysis.md", DOCS / "experiments.md"
CLOSE = 1e-12
"""Rounding."""


def holds(low: Any, truth: Any, high: Any) -> Any:
    """Whether an interval, or each of several, holds the truth."""
    return (np.asarray(low) - CLOSE <= truth) & (truth <= np.asarray(high) + CLOSE)


def or_itself(table: pd.DataFrame, end: str, number: str) -> Any:
    """An end of intervals; of a number that is alike in the whole sample, and so has none, the number."""
    return table[end].fillna(table[number])


def seed_of(rng: Rng) -> int:
    """A seed for what draws by itself."""
    return int(rng.integers(2**31))


# ---------------------------------------------------------------------------------------------------------------
# Paired differences
# ---------------------------------------------------------------------------------------------------------------
DIFFERENCES: dict[str, tuple[float, Draw]] = {
    "normal": (0.0, lambda rng, n: rng.normal(size=n)),
    "exponential": (1.0, lambda rng, n: rng.exponential(size=n)),
    "lognormal": (math.exp(0.5), lambda rng, n: rng.lognormal(size=n)),
}
"""Mean, and how the differences of pairs are drawn."""


def contrast_sample(rng: Rng, pairs: int) -> Sample:
    """Whether Student's t interval, BCa at the library's level and BCa at 95% hold the mean difference."""
    from scipy.stats import bootstrap

    found: dict[str, Any] = {}
    for name, (mean, draw) in DIFFERENCES.items():
        x, seed = draw(rng, pairs), seed_of(rng)
        t, own = mean_of(x), bootstrap_of(x, seed)
        plain = bootstrap((x,), np.mean, n_resamples=2000, method="BCa", rng=seed).confidence_interval
        found[f"{name}: t"] = holds(t.low, mean, t.high)
        found[f"{name}: BCa"] = holds(own.low, mean, own.high) if own.known else None
        found[f"{name}: plain BCa"] = holds(plain.low, mean, plain.high)
    return found


# ---------------------------------------------------------------------------------------------------------------
# Survival
# ---------------------------------------------------------------------------------------------------------------
HAZARDS = np.array([0.02, 0.06])
"""Endings a month of the two kinds of alliances, or of replicates when all alliances of one share their fate."""
ALLIANCES, MONTHS, MONTH = 20, 48, 24
"""Of a replicate; until the horizon; at which the bands are judged."""
SHORTER = 1.5
"""Times the hazards, where lives differ."""


def survival_sample(rng: Rng, shared: bool, replicates: int) -> Sample:
    """Bands of one cell, the difference from a cell with higher hazards, and tests against one without a difference."""
    cells = {k: lives(rng, shared, replicates, factor) for k, factor in enumerate((1.0, 1.0, SHORTER))}
    table = curve_table(cells[0], seed_of(rng)).set_index("month").loc[MONTH]
    same, other = (row for _, row in compare(cells, dict.fromkeys(cells, ""), seed_of(rng)).iterrows())
    truth = going_on(SHORTER)[:MONTHS].sum() - going_on()[:MONTHS].sum()
    return {
        "band": holds(table["low"], going_on()[MONTH], table["high"]),
        "Greenwood": holds(table["greenwood_low"], going_on()[MONTH], table["greenwood_high"]),
        "t interval of the difference": holds(other["low"], truth, other["high"]),
        "sign flips reject equality": same["p_replicates"] < 0.05,
        "log-rank": same["p_log_rank"] < 0.05,
        "sign flips find the difference": other["p_replicates"] < 0.05,
    }


def lives(rng: Rng, shared: bool, replicates: int, factor: float) -> Lifetimes:
    """Lifetimes of a cell: each alliance is of a kind of its own, or of that of its replicate."""
    kinds = rng.integers(2, size=(replicates, 1 if shared else ALLIANCES))
    months = rng.geometric(np.broadcast_to(factor * HAZARDS[kinds], (replicates, ALLIANCES))).ravel()
    ended = months <= MONTHS
    causes = np.where(ended, ENDINGS[0], GOING_ON)
    numbers = np.repeat(np.arange(replicates), ALLIANCES)
    return lifetimes(pd.DataFrame({"replicate": numbers, "duration": np.minimum(months, MONTHS), "cause": causes}))


def going_on(factor: float = 1.0) -> Floats:
    """True share of the alliances that last beyond each month, (MONTHS + 1,)."""
    return np.asarray((1.0 - factor * HAZARDS[:, None]) ** np.arange(MONTHS + 1)).mean(axis=0)


# ---------------------------------------------------------------------------------------------------------------
# Humps
# ---------------------------------------------------------------------------------------------------------------
def mixture(share: float, low: tuple[float, float], high: tuple[float, float]) -> Draw:
    """Two normal kinds, of mean and standard deviation."""
    return lambda rng, n: np.where(rng.random(n) < share, rng.normal(*low, n), rng.normal(*high, n))


SHAPES: dict[str, Draw] = {
    "one hump, skewed: beta (1, 5)": lambda rng, n: rng.beta(1.0, 5.0, n),
    "flat: uniform": lambda rng, n: rng.random(n),
    "one hump, a fifth held at 0": lambda rng, n: rng.normal(0.25, 0.3, n),
    "one hump, a tenth held at each bound": lambda rng, n: rng.normal(0.5, 0.4, n),
    "two clear humps: 40% at .15 ± .05, 60% at .75 ± .08": mixture(0.4, (0.15, 0.05), (0.75, 0.08)),
    "a small one: 10% at .15 ± .05, 90% at .7 ± .1": mixture(0.1, (0.15, 0.05), (0.7, 0.1)),
    "two that run together: .35 ± .1 and .7 ± .1": mixture(0.5, (0.35, 0.1), (0.7, 0.1)),
}
"""How trust is drawn, before it is held within 0 and 1."""
EDGES = np.linspace(0.0, 1.0, BINS + 1)
CELL = pd.DataFrame({"cell": [0], "label": ["a"]})


def histogram(values: Floats) -> pd.DataFrame:
    """The table ``histogram`` of one cell."""
    counts = np.histogram(values, EDGES)[0]
    used = np.flatnonzero(counts)
    bins = {"low": EDGES[used], "high": EDGES[used + 1], "count": counts[used]}
    return pd.DataFrame({"cell": 0, "month": 1, "variable": "trust", **bins})


def hump_sample(rng: Rng, draw: Draw) -> Sample:
    """Whether the rule finds two humps, the sentence says so without "perhaps", and Silverman's test rejects one."""
    several = {n: np.histogram(draw(rng, n).clip(0.0, 1.0), EDGES)[0].astype(float) for n in (50, 200, 1000)}
    found = {f"{n} alliances": analysis.humps_of(counts, EDGES)[1] == 2 for n, counts in several.items()}
    row = humps(histogram(draw(rng, 200).clip(0.0, 1.0)), CELL, seed=seed_of(rng)).table.iloc[0]
    sure = bool(row["humps"] == 2 and beyond_chance(row))
    return {**found, "said for sure, 200": sure, "Silverman's p < 0.05, 200": row["p_one_hump"] < 0.05}


LOW, HIGH, SHARE = 0.155, 0.745, 0.4
"""Places of two kinds, in the middle of a bin, and share of the lower one; within a replicate it is beta (4, 6)."""


def place_sample(rng: Rng, replicates: int) -> Sample:
    """Whether the intervals over resampled replicates hold the places and the share of two humps."""
    lower = rng.random((replicates, ALLIANCES)) < rng.beta(10.0 * SHARE, 10.0 * (1.0 - SHARE), (replicates, 1))
    trust = np.where(lower, rng.normal(LOW, 0.05, lower.shape), rng.normal(HIGH, 0.08, lower.shape)).clip(0.0, 1.0)
    numbers = np.repeat(np.arange(replicates), ALLIANCES)
    alliances = pd.DataFrame({"cell": 0, "replicate": numbers, "trust": trust.ravel(), "cause": GOING_ON})
    row = humps(histogram(trust), CELL, alliances=alliances, seed=seed_of(rng)).table.iloc[0]
    return {
        "place of the lower hump": holds(row["low_mode_low"], LOW, row["low_mode_high"]),
        "of the upper": holds(row["high_mode_low"], HIGH, row["high_mode_high"]),
        "share of the lower": holds(row["low_share_low"], SHARE, row["low_share_high"]),
    }


# ---------------------------------------------------------------------------------------------------------------
# Scenario discovery
# ---------------------------------------------------------------------------------------------------------------
NAMES = ["a", "b", "c"]
RUNS = 10
"""Of a cell."""


def unlike(rng: Rng, points: Floats) -> Floats:
    """Chance of failing at each point: its own, for no reason of the factors."""
    return np.asarray(1.0 / (1.0 + np.exp(-rng.normal(-1.0, 1.5, len(points)))))


def boxed(rng: Rng, points: Floats) -> Floats:
    """Chance of failing at each point: high in a box of three tenths of the space."""
    return np.where((points[:, 0] > 0.4) & (points[:, 1] < 0.5), 0.6, 0.2)


def region_sample(rng: Rng, count: int, levers: int, chance: Callable[[Rng, Floats], Floats]) -> Sample:
    """p of the tree's skill, and whether a region counts as found, when points are crossed with levers."""
    points = rng.random((count, len(NAMES)))
    cells = pd.DataFrame(np.repeat(points, levers, axis=0), columns=NAMES)
    cells["lever"] = np.tile(np.arange(float(levers)), count)
    runs = cells.loc[cells.index.repeat(RUNS)].rename_axis("cell").reset_index()
    fails = pd.Series(rng.random(len(runs)) < np.repeat(chance(rng, points), levers * RUNS))
    checks = discover(runs, [*NAMES, "lever"], fails, seed_of(rng), points=NAMES).more["checks"].iloc[0]
    shares = {f"p ≤ {level:g}": checks["p"] <= level for level in (0.01, 0.05, 0.1)}
    return {**shares, "region found": bool(checks["found"])}


# ---------------------------------------------------------------------------------------------------------------
# Morris and Sobol
# ---------------------------------------------------------------------------------------------------------------
class Known(NamedTuple):
    """A function of factors from ``low`` to ``high``, with its first and total Sobol indices, each (k,)."""

    function: Callable[[Floats], Floats]
    low: float
    high: float
    first: Floats
    total: Floats

    @property
    def factors(self) -> dict[str, tuple[float, float]]:
        """Its arguments."""
        return {f"x{k}": (self.low, self.high) for k in range(len(self.first))}

    def mu_star(self) -> Floats:
        """μ* over all steps of Morris's grid, (k,)."""
        k, step = len(self.first), LEVELS // 2
        grid = np.array(list(itertools.product(range(LEVELS), repeat=k))) / (LEVELS - 1)
        values = self.function(self.low + (self.high - self.low) * grid).reshape((LEVELS,) * k)
        lower, upper = np.arange(step), np.arange(step, LEVELS)
        changes = [np.abs(values.take(upper, axis) - values.take(lower, axis)).mean() for axis in range(k)]
        return np.array(changes) / (step / (LEVELS - 1))


def product(parts: Floats, function: Callable[[Floats], Floats]) -> Known:
    """A product of functions of one factor each on [0, 1]; ``parts``: variance of each over its squared mean, (k,)."""
    others = np.prod(1.0 + parts) / (1.0 + parts)
    whole = np.prod(1.0 + parts) - 1.0
    return Known(function, 0.0, 1.0, parts / whole, parts * others / whole)


def g_function() -> Known:
    """Saltelli & Sobol (1995): factors that matter much, less, little and hardly at all."""
    a = np.array([0.0, 1.0, 4.5, 99.0])
    return product(1.0 / (3.0 * (1.0 + a) ** 2), lambda x: np.prod((np.abs(4.0 * x - 2.0) + a) / (1.0 + a), axis=1))


def exponential(rates: Sequence[float]) -> Known:
    """exp(Σ c·x), smooth and with interactions; a factor with c = 0 does nothing. Its parts: (c/2)·coth(c/2) − 1."""
    c = np.array(rates)
    halves = np.where(c == 0.0, 1.0, c) / 2.0
    return product(np.where(c == 0.0, 0.0, halves / np.tanh(halves) - 1.0), lambda x: np.exp(x @ c))


def ishigami() -> Known:
    """Ishigami & Homma (1990), with a = 7 and b = 0.1: far from monotonic, and a factor that only interacts."""
    one, two = 0.5 * (1.0 + 0.1 * math.pi**4 / 5.0) ** 2, 49.0 / 8.0
    both = 0.01 * math.pi**8 * (1.0 / 18.0 - 1.0 / 50.0)
    first, total = np.array([one, two, 0.0]), np.array([one + both, two, both])
    whole = one + two + both

    def function(x: Floats) -> Floats:
        return np.asarray(np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))

    return Known(function, -math.pi, math.pi, first / whole, total / whole)


FUNCTIONS = {"exp(2a + b + c/2)": exponential([2.0, 1.0, 0.5]), "Ishigami": ishigami(), "Sobol's g": g_function()}
IDLE = exponential([2.0, 1.0, 0.0])
"""The last factor does nothing."""


def morris_sample(rng: Rng, known: Known) -> Sample:
    """Whether the intervals of μ*, factor by factor, hold it at a quarter, half and all of 32 trajectories."""
    by_size = morris(known.function, known.factors, 32, seed_of(rng)).more["convergence"].groupby("size")
    return {
        f"{size} trajectories": holds(
            or_itself(part, "low", "index"), known.mu_star(), or_itself(part, "high", "index")
        )
        for size, part in by_size
    }


def sobol_sample(rng: Rng, known: Known) -> Sample:
    """Whether the intervals, factor by factor, hold the indices: total ones at a quarter, half and all of 128."""
    answer = sobol(known.function, known.factors, 128, seed_of(rng))
    table, by_size = answer.table.sort_values("factor"), answer.more["convergence"].groupby("size")
    totals = {f"total, {size}": holds(part["low"], known.total, part["high"]) for size, part in by_size}
    return {"first, 128": holds(table["first_low"], known.first, table["first_high"]), **totals}


def noisy(rng: Rng, known: Known, share: float, replicates: int) -> Response:
    """The function with luck that a replicate has everywhere, and noise that is a share of the variance of points."""
    spread = known.function(np.random.default_rng(0).random((100_000, len(known.first)))).std()
    noise = spread * math.sqrt(replicates * share / (1.0 - share))

    def respond(x: Floats) -> Floats:
        luck = rng.normal(0.0, noise, (1, replicates)) + rng.normal(0.0, noise, (len(x), replicates))
        return np.asarray(known.function(x)[:, None] + luck)

    return respond


def noise_sample(rng: Rng, share: float, replicates: int) -> Sample:
    """Whether intervals of noisy outcomes hold the indices of two factors that matter, and the 0 of the idle one."""
    respond = noisy(rng, IDLE, share, replicates)
    size = morris(respond, IDLE.factors, 32, seed_of(rng)).table.sort_values("factor")
    shares = sobol(respond, IDLE.factors, 64, seed_of(rng)).table.sort_values("factor")
    found: dict[str, Any] = {}
    for name, table, truth in (("mu_star", size, IDLE.mu_star()), ("total", shares, IDLE.total)):
        held = holds(or_itself(table, f"{name}_low", name), truth, or_itself(table, f"{name}_high", name))
        word = name.replace("mu_star", "μ\\*")
        found |= {f"{word}, factors that matter": held[:-1], f"{word}, idle factor": held[-1]}
    return found


# ---------------------------------------------------------------------------------------------------------------
# Tipping
# ---------------------------------------------------------------------------------------------------------------
CROSSING = 0.43
CURVES: dict[str, Callable[[Floats], Floats]] = {
    "straight line": lambda x: 0.5 + x,
    "step": lambda x: np.where(x > 0.0, 1.0, 0.0),
}
"""The outcome of a replicate, of the distance of the factor from where it crosses 0.5."""


def tipping_sample(rng: Rng, curve: Callable[[Floats], Floats]) -> Sample:
    """Whether the interval holds the crossing when each replicate crosses at a place of its own."""
    found = {}
    for replicates in (8, 10, 20, 50):
        luck = rng.normal(0.0, 0.1, replicates)
        respond = lambda x, luck=luck: curve(x[:, :1] - CROSSING - luck[None])  # noqa: E731
        row = tipping_point(respond, Factor("x", 0.0, 1.0), 0.5, seed=seed_of(rng)).table.iloc[0]
        found[f"{replicates} replicates"] = holds(row["tips_low"], CROSSING, row["tips_high"])
    return found


# ---------------------------------------------------------------------------------------------------------------
# Replicates until the interval is narrow enough
# ---------------------------------------------------------------------------------------------------------------
SKEWED_SD = math.sqrt((math.e - 1.0) * math.e)  # of a lognormal of log-mean 0 and log-sd 1
NORMAL: Draw = lambda rng, n: rng.normal(size=n)  # noqa: E731
OUTCOMES: tuple[tuple[str, float, float, Draw], ...] = (
    ("normal", 0.0, 1 / 3, NORMAL),
    ("normal", 0.0, 0.1, NORMAL),
    ("gamma, skewness 1", 2.0, 0.2, lambda rng, n: rng.gamma(4.0, 0.5, n)),
    ("lognormal, skewness 6", math.sqrt(math.e) / SKEWED_SD, 0.2, lambda rng, n: rng.lognormal(size=n) / SKEWED_SD),
    ("yes or no, one in two", 0.5, 0.05, lambda rng, n: rng.random(n) < 0.5),
    ("yes or no, one in twenty", 0.05, 0.02, lambda rng, n: rng.random(n) < 0.05),
    ("a share of 20, one in twenty", 0.05, 0.01, lambda rng, n: rng.binomial(20, 0.05, n) / 20),
)
"""Name, mean, wanted half-width, and how runs are drawn. Where no share, the standard deviation is 1."""
ROUND = 10


def of_bounds(name: str) -> str:
    """An outcome with the bounds of one of :data:`OUTCOMES`."""
    return "survived" if name.startswith(("yes or no", "a share")) else "value"


def precision_sample(rng: Rng, mean: float, wanted: float, draw: Draw, outcome: str) -> Sample:
    """Whether the interval at which the rule of sweeps stops holds the mean, and of how many runs it is."""
    precision, rounds = Precision({outcome: wanted}), []
    while not precision.reached():
        rounds.append(draw(rng, ROUND).astype(float))
        precision.add([pd.DataFrame({outcome: rounds[-1]})])
    middle, half = np.mean(rounds), precision.half_width(outcome)
    return {
        "runs on average": ROUND * len(rounds),
        "95% intervals that hold the mean": abs(middle - mean) <= half + CLOSE,
    }


# ---------------------------------------------------------------------------------------------------------------
# The tables
# ---------------------------------------------------------------------------------------------------------------
class Table(NamedTuple):
    """A generated block of a page: heads of what names a case, the cases, and samples as a multiple of the option."""

    page: Path
    heads: tuple[str, ...]
    cases: dict[tuple[str, ...], Study]
    times: int


TABLES = {
    "contrasts": Table(
        ANALYSIS,
        ("pairs",),
        {(str(n),): partial(contrast_sample, pairs=n) for n in (5, 8, 20, 200)},
        times=4,
    ),
    "survival": Table(
        ANALYSIS,
        ("an alliance's fate is", "replicates"),
        {
            (fate, str(n)): partial(survival_sample, shared=shared, replicates=n)
            for fate, shared in (("its own", False), ("its replicate's", True))
            for n in (8, 30)
        },
        times=2,
    ),
    "humps": Table(
        ANALYSIS,
        ("distribution",),
        {(name,): partial(hump_sample, draw=draw) for name, draw in SHAPES.items()},
        times=2,
    ),
    "places of humps": Table(
        ANALYSIS,
        ("replicates",),
        {(str(n),): partial(place_sample, replicates=n) for n in (8, 20, 50)},
        times=2,
    ),
    "discover": Table(
        ANALYSIS,
        ("region",),
        {
            (name,): partial(region_sample, count=count, levers=levers, chance=chance)
            for name, count, levers, chance in (
                ("none: 60 cells", 60, 1, unlike),
                ("none: 20 points, each with eight levers", 20, 8, unlike),
                ("a box, 60 cells", 60, 1, boxed),
            )
        },
        times=1,
    ),
    "morris": Table(
        ANALYSIS,
        ("function",),
        {(name,): partial(morris_sample, known=known) for name, known in FUNCTIONS.items()},
        times=2,
    ),
    "sobol": Table(
        ANALYSIS,
        ("function",),
        {(name,): partial(sobol_sample, known=known) for name, known in FUNCTIONS.items()},
        times=1,
    ),
    "noise": Table(
        ANALYSIS,
        ("noise", "replicates"),
        {
            (f"{share:.0%}", str(n)): partial(noise_sample, share=share, replicates=n)
            for share, n in ((0.1, 20), (0.3, 5))
        },
        times=1,
    ),
    "tipping": Table(
        ANALYSIS,
        ("a replicate is a",),
        {(name,): partial(tipping_sample, curve=curve) for name, curve in CURVES.items()},
        times=2,
    ),
    "precision": Table(
        EXPERIMENTS,
        ("what a run's outcome is", "wanted half-width"),
        {
            (name, f"{wanted:.3g}"): partial(
                precision_sample, mean=mean, wanted=wanted, draw=draw, outcome=of_bounds(name)
            )
            for name, mean, wanted, draw in OUTCOMES
        },
        times=10,
    ),
}
"""By the name of the block."""


def drawn(name: str, seed: int, place: tuple[int, int]) -> Sample:
    """One sample of a table, at the number of a case and of the sample: the same whatever else is drawn."""
    study = list(TABLES[name].cases.values())[place[0]]
    return study(np.random.default_rng([seed, list(TABLES).index(name), *place]))


def samples_of(name: str, count: int, seed: int, pool: ProcessPoolExecutor) -> list[list[Sample]]:
    """All samples, by case; progress on stderr."""
    cases = len(TABLES[name].cases)
    places = [(case, number) for case in range(cases) for number in range(count)]
    found = []
    for sample in pool.map(partial(drawn, name, seed), places, chunksize=10):
        found.append(sample)
        print(f"\r{name}: {len(found)} of {len(places)} samples", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return [found[case * count : (case + 1) * count] for case in range(cases)]


def shown(values: Sequence[Any]) -> tuple[str, float]:
    """A column of a case, and its standard error: a share, the lowest and highest share of several, or a mean."""
    if values[0] is None:
        return "none", 0.0
    found = np.array(values)
    mean = found.mean(axis=0)
    if found.dtype != bool:
        return f"{mean:.0f}", 0.0
    error = float(np.sqrt(mean * (1.0 - mean) / len(found)).max())
    low, high = f"{mean.min():.0%}", f"{mean.max():.0%}"
    return low if low == high else f"{low} to {high}", error


def lines_of(table: Table, cases: Sequence[Sequence[Sample]]) -> list[str]:
    """The table in Markdown, and of how many samples it is."""
    columns = list(cases[0][0])
    rows, errors = [[*table.heads, *columns], ["---"] * (len(table.heads) + len(columns))], []
    for name, samples in zip(table.cases, cases, strict=True):
        cells, error = zip(*(shown([sample[column] for sample in samples]) for column in columns), strict=True)
        rows.append([*name, *cells])
        errors += error
    many = f"{len(cases[0])} samples each; standard errors up to {max(errors):.1%}."
    return [*(f"| {' | '.join(row)} |" for row in rows), "", many]


def main() -> None:
    """Print each table as soon as it is there, and write them into the pages when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=100, help="samples, times a table's multiple (default 100)")
    parser.add_argument("--seed", type=int, default=1, help="of the samples (default 1)")
    parser.add_argument("--only", choices=TABLES, action="append", help="a table; can be repeated (default all)")
    parser.add_argument("--write", action="store_true", help="write the tables into the pages")
    options = parser.parse_args()
    if options.replicates < 1:
        parser.error("at least one replicate is needed")
    chosen = {name: TABLES[name] for name in options.only or TABLES}
    if options.write:  # so that a page without its marks is found before the measuring
        for name, table in chosen.items():
            fill(table.page.read_text(encoding="utf-8"), {name: []})
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for name, table in chosen.items():
            lines = lines_of(table, samples_of(name, options.replicates * table.times, options.seed, pool))
            print("\n".join(["", name, "", *lines, ""]), flush=True)
            if options.write:
                text = fill(table.page.read_text(encoding="utf-8"), {name: lines})
                table.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
