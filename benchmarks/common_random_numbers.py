"""What common random numbers save: the table of ``docs/common_random_numbers.md``.

    python benchmarks/common_random_numbers.py [--replicates 100] [--seed 1] [--write]

For every shipped scenario against the baseline, and for cells of every shipped experiment against its reference: the
variance of the difference in an outcome with independent draws, which is the sum of the variances of both sides,
against its variance when both sides share their draws replicate by replicate. The ratio says how many times fewer
replicates the pairing needs for the same interval; its own 95% interval comes from the jackknife over replicates of its
logarithm. That the variances add up with independent draws is measured too, with another seed for the reference.

Of an experiment with many cells, some spread evenly over the design are taken (``--contrasts``); of one that samples
points for several levers, those at the reference's point. Takes about a minute on two free cores; ``--write`` puts the
tables into the page.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.engine import simulate
from sim.intervals import jackknife
from sim.library import available
from sim.scenario import Scenario, load
from sim.study.analysis import label_words, outcome_words, short_labels
from sim.study.pages import fill
from sim.sweeps.design import Cell, Experiment, load_experiment
from sim.sweeps.executors import make
from sim.sweeps.runner import warm_up
from sim.sweeps.sampling import SAMPLED

Floats = NDArray[np.float64]

PAGE = Path(__file__).resolve().parents[1] / "docs" / "common_random_numbers.md"
SCENARIOS, EXPERIMENTS, LEAST, CHECK = "scenarios", "experiments", "least", "check"
"""Names of the page's generated blocks."""

REFERENCE = "baseline"
LEADING = ("value", "trust", "survived")
"""The outcomes in which scenarios are compared with the baseline; an experiment has its own."""
MOST_CONTRASTS = 16
"""Contrasts of an experiment; of more, some spread evenly over the design."""
FEWEST = 10
"""Replicates below which a variance says little."""
MOST_LEAST = 12
"""Rows of the table of those that gain least."""


class Contrast(NamedTuple):
    """What pairing does for one difference in one outcome.

    ``effect``: whether the reference is a baseline, and not the first of many sampled points. ``ratio``: variance with
    independent draws over variance with shared ones, with its interval ``low`` to ``high``. ``correlation``: of the two
    sides, paired. ``spread``: standard deviation of the cell over that of the reference. ``added_up``: variance
    measured with another seed for the reference over the sum of the variances of both sides.
    """

    of: str
    cell: str
    outcome: str
    effect: bool
    ratio: float
    low: float
    high: float
    correlation: float
    spread: float
    added_up: float


# ---------------------------------------------------------------------------------------------------------------
# Measuring
# ---------------------------------------------------------------------------------------------------------------
def without_one(values: Floats) -> Floats:
    """Variance of the values without the first, without the second …, (n,)."""
    n = len(values)
    rest = (values.sum() - values) / (n - 1)
    squares = (np.square(values).sum() - np.square(values)) / (n - 1)
    return np.asarray((squares - rest**2) * (n - 1) / (n - 2))


def ratio_of(x: Floats, y: Floats) -> tuple[float, float, float]:
    """(variance of x + variance of y) / variance of (y − x) over n ≥ 3 replicates, and its 95% jackknife interval."""
    logarithm = math.log((x.var() + y.var()) / (y - x).var())
    one, other, paired = (without_one(values - values.mean()) for values in (x, y, y - x))
    found = jackknife(logarithm, np.log((one + other) / paired))
    return math.exp(found.estimate), math.exp(found.low), math.exp(found.high)


def contrast(of: Comparison, cell: str, outcome: str, runs: Sequence[pd.DataFrame]) -> Contrast | None:
    """The contrast of a cell with its reference; None where one side does not vary or is hardly ever defined.

    Args:
        of: where it belongs.
        cell: its name.
        outcome: in which the two are compared.
        runs: of the reference, of the reference with another seed, and of the cell.
    """
    values = np.array([table[outcome].to_numpy(dtype=np.float64) for table in runs])
    same, other, mine = values[:, np.isfinite(values).all(axis=0)]
    if len(mine) < FEWEST or min(same.std(), other.std(), mine.std(), (mine - same).std()) == 0.0:
        return None
    correlation, spread = float(np.corrcoef(same, mine)[0, 1]), float(mine.std() / same.std())
    added_up = float((mine - other).var() / (mine.var() + same.var()))
    return Contrast(of.of, cell, outcome, of.effect, *ratio_of(same, mine), correlation, spread, added_up)


class Comparison(NamedTuple):
    """A reference, the cells that are compared with it by name, and in which outcomes.

    ``effect``: whether the reference is a baseline, and not the first of many sampled points.
    """

    of: str
    reference: Scenario
    cells: dict[str, Scenario]
    outcomes: Sequence[str]
    effect: bool = True


def comparisons(most: int) -> Iterator[Comparison]:
    """The shipped scenarios against the baseline, then each shipped experiment."""
    scenarios = {name: load(path) for name, path in available("scenarios").items()}
    reference = scenarios.pop(REFERENCE)
    yield Comparison(SCENARIOS, reference, scenarios, LEADING)
    for name, path in available("experiments").items():
        experiment = load_experiment(path)
        cells = experiment.cells()
        labels = short_labels([cell.label for cell in cells])
        chosen = {labels[k]: cells[k].scenario for k in chosen_of(experiment, cells, most)}
        effect = experiment.design.kind not in SAMPLED or bool(experiment.levers)
        yield Comparison(name, cells[0].scenario, chosen, experiment.outcomes, effect)


def chosen_of(experiment: Experiment, cells: Sequence[Cell], most: int) -> list[int]:
    """Cells to compare with the first: those that share its sampled point when levers differ, else some of all."""
    others = list(range(1, len(cells)))
    if experiment.design.kind in SAMPLED and experiment.levers:
        point = [cells[0].factors[name] for name in experiment.sampled]
        others = [k for k in others if [cells[k].factors[name] for name in experiment.sampled] == point]
    ranks = np.linspace(0, len(others) - 1, min(most, len(others))).round().astype(int)
    return [others[rank] for rank in np.unique(ranks)]


def measure(replicates: int, seed: int, most: int) -> list[Contrast]:
    """Every contrast in each of its outcomes; progress on stderr."""
    found = []
    with ThreadPoolExecutor(make("local").jobs) as pool:
        for comparison in comparisons(most):
            print(f"{comparison.of}: {len(comparison.cells)} contrasts …", file=sys.stderr)
            jobs = [(comparison.reference, seed), (comparison.reference, seed + 1)]
            jobs += [(cell, seed) for cell in comparison.cells.values()]
            same, other, *cells = pool.map(lambda job: simulate(job[0], replicates, job[1]).runs(), jobs)
            for name, mine in zip(comparison.cells, cells, strict=True):
                for outcome in comparison.outcomes:
                    found.append(contrast(comparison, name, outcome, (same, other, mine)))
    return [one for one in found if one is not None]


# ---------------------------------------------------------------------------------------------------------------
# Tables
# ---------------------------------------------------------------------------------------------------------------
def row(*cells: str) -> str:
    """One row of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def times(value: float) -> str:
    """A ratio with the digits that it deserves."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def with_interval(one: Contrast) -> str:
    """A ratio and its interval."""
    return f"{times(one.ratio)} ({times(one.low)} to {times(one.high)})"


def of_scenarios(found: Iterable[Contrast]) -> list[str]:
    """Each scenario against the baseline, a column an outcome; a dash where an outcome does not vary."""
    by = {(one.cell, one.outcome): one for one in found}
    lines = [row("scenario", *map(outcome_words, LEADING)), row(*["---"] * (1 + len(LEADING)))]
    for name in dict.fromkeys(cell for cell, _ in by):
        shown = (with_interval(by[name, outcome]) if (name, outcome) in by else "–" for outcome in LEADING)
        lines.append(row(f"`{name}`", *shown))
    return lines


def of_experiments(found: Iterable[Contrast]) -> list[str]:
    """Each experiment and outcome: the median over its contrasts, and the two ends with their intervals."""
    groups: dict[tuple[str, str], list[Contrast]] = {}
    for one in found:
        groups.setdefault((one.of, one.outcome), []).append(one)
    lines = [row("experiment", "outcome", "contrasts", "median", "least", "most"), row(*["---"] * 6)]
    for (of, outcome), those in groups.items():
        those.sort(key=lambda one: one.ratio)
        median = times(float(np.median([one.ratio for one in those])))
        ends = (with_interval(those[0]), with_interval(those[-1]))
        lines.append(row(f"`{of}`", outcome_words(outcome), str(len(those)), median, *ends))
    return lines


def of_least(found: Iterable[Contrast]) -> list[str]:
    """The contrasts with a baseline that gain least in their leading outcome, with what explains it."""
    lines = [row("contrast", "outcome", "ratio", "correlation", "spread"), row(*["---"] * 5)]
    leading: dict[tuple[str, str], Contrast] = {}
    for one in found:
        if one.effect:
            leading.setdefault((one.of, one.cell), one)
    for one in sorted(leading.values(), key=lambda one: one.ratio)[:MOST_LEAST]:
        name = f"`{one.cell}`" if one.of == SCENARIOS else f"`{one.of}`: {label_words(one.cell)}"
        shown = (f"{one.correlation:.2f}".replace("-", "−"), f"{one.spread:.1f}")
        lines.append(row(name, outcome_words(one.outcome), with_interval(one), *shown))
    return lines


def of_check(found: Sequence[Contrast]) -> list[str]:
    """Whether variances add up with independent draws."""
    low, middle, high = np.percentile([one.added_up for one in found], [25, 50, 75])
    return [
        f"Over the {len(found)} contrasts of these tables the variance measured with another seed for the reference is "
        f"{middle:.2f} times the sum of the two variances (median; half of the contrasts between {low:.2f} and "
        f"{high:.2f})."
    ]


def main() -> None:
    """Measure, print the tables, and write them into the page when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=100, help="of each cell (default 100)")
    parser.add_argument("--seed", type=int, default=1, help="of both sides; the other is the next one (default 1)")
    parser.add_argument("--contrasts", type=int, default=MOST_CONTRASTS, help="of an experiment, at most (default 16)")
    parser.add_argument("--write", action="store_true", help="write the tables into the page")
    options = parser.parse_args()
    if options.replicates < FEWEST or options.contrasts < 1:
        parser.error(f"at least {FEWEST} replicates and 1 contrast are needed")
    warm_up()
    found = measure(options.replicates, options.seed, options.contrasts)
    scenarios = [one for one in found if one.of == SCENARIOS]
    experiments = [one for one in found if one.of != SCENARIOS]
    blocks = {SCENARIOS: of_scenarios(scenarios), EXPERIMENTS: of_experiments(experiments), LEAST: of_least(found)}
    blocks[CHECK] = of_check(found)
    for lines in blocks.values():
        print("\n".join(["", *lines]))
    if options.write:
        PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), blocks), encoding="utf-8")


if __name__ == "__main__":
    main()
