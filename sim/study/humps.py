"""Whether the alliances of a cell are of two kinds, so that their mean describes nobody.

The rule that decides is :func:`sim.study.analysis.bimodality`. Here it gets two statements of how sure it is:

* Silverman's test (1981, doi:10.1111/j.2517-6161.1981.tb01155.x) of one hump: the distribution is smoothed until one
  hump is left; p is the chance that a sample of such a distribution needs as much smoothing. Alliances count as
  independent in it.
* With a table of single alliances, replicates are drawn anew, because alliances of one replicate share partners: in
  what share of the resamples there are two humps, and 95% intervals of their places and shares. Without it, or with
  a single replicate, the counts are drawn anew as if alliances were independent, and ``by`` says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.dynamics.state import BINS, CAUSES_OF_ENDING
from sim.intervals import CONFIDENCE, SHARE, resampled
from sim.study import analysis
from sim.study.analysis import HUMPS, percent, short_labels
from sim.study.answer import Answer
from sim.study.plots.distributions import trust_humps
from sim.study.plots.frame import MOST_CELLS
from sim.study.words import capital, rows_of

Floats = NDArray[np.float64]

RESAMPLES = 400
"""How often replicates (or counts) are drawn anew, and samples for Silverman's test."""
HALVINGS = 20
"""Halvings in the search for the critical bandwidth: finer than any difference that matters."""
RIPPLE = 1e-9
"""Rises below this share of the peak are rounding, not modes."""
NEAR = 0.1
"""Alliances within this of the mean are such as it describes."""
FEWEST_ALLIANCES = 50
"""Of fewer alliances it is not said that they have one hump: two clear ones are found in 93% of samples of so many."""
FEW = 0.2
"""The mean describes few where a smaller share than this is near it."""
SURE = 0.95
"""Share of the resamples with two humps from which on two humps are said to be there."""

SURENESS = [
    "label", "mean", "near_mean", "p_one_hump", "two_humps", "by", "low_mode_low", "low_mode_high", "high_mode_low",
    "high_mode_high", "low_share_low", "low_share_high",
]  # fmt: skip
"""Columns of the table of :func:`humps` after those of :func:`sim.study.analysis.bimodality`. ``near_mean``: share
of the alliances within :data:`NEAR` of the mean; ``p_one_hump``: Silverman's; ``two_humps``: share of the resamples
with two humps; ``by``: what was drawn anew, ``replicates`` or ``alliances``; the others are 95% intervals over the
resamples that have two humps, NaN with fewer than :data:`sim.intervals.FEWEST_RESAMPLED` to draw."""


def humps(
    histogram: pd.DataFrame,
    cells: pd.DataFrame,
    variable: str = "trust",
    alliances: pd.DataFrame | None = None,
    seed: int = 1,
) -> Answer:
    """One hump or two in the distribution of a variable at the horizon, over the alliances still going on.

    Args:
        histogram: table ``histogram`` of a result folder.
        cells: rows of its table ``cells``.
        variable: one on [0, 1] that is an outcome too: trust, communication, ties, gap or frustration.
        alliances: its table ``alliances`` when it was kept; then replicates are drawn anew.
        seed: of the resampling.

    Returns:
        Table: columns :data:`sim.study.analysis.HUMPS` and :data:`SURENESS`, a row a cell. The figure is
        :func:`sim.study.plots.trust_humps`, of the first cells only when there are many.

    Raises:
        ValueError: when a cell has no histogram.
    """
    analysis.check_table(histogram, "histogram", ("cell", "variable"))
    analysis.check_table(cells, "cells", ("cell", "label"))
    numbers = [int(cell) for cell in cells["cell"]]
    missing = [number for number in numbers if not (histogram["cell"] == number).any()]
    if missing:
        raise ValueError(f"cell {missing[0]} has no histogram: it has no runs")
    labels = short_labels([str(label) for label in cells["label"]])
    shown = histogram[histogram["cell"].isin(numbers)]
    decided = {row["cell"]: row for row in rows_of(analysis.bimodality(shown, variable))}
    rows = []
    for number, label in zip(numbers, labels, strict=True):
        found, month = decided[number], decided[number]["month"]
        counts = analysis.counts_of(histogram, number, variable, month)
        edges = analysis.edges_of(variable, month)
        own = None if alliances is None else _by_replicate(alliances[alliances["cell"] == number], variable, edges)
        rows.append({**found, "label": label, **_sureness(counts, own, edges, seed)})
    table = pd.DataFrame(rows)[[*HUMPS, *SURENESS]]
    sure = frozenset(table.loc[beyond_chance(table), "cell"])
    return Answer(
        table,
        lambda: trust_humps(shown, cells.head(MOST_CELLS), variable, sure=sure),
        _summary(table, variable),
    )


def beyond_chance(found: Any) -> Any:
    """Whether two humps are there in nearly all resamples and beyond Silverman's test; of a row, or of each.

    Args:
        found: table of :func:`humps`, or one of its rows as a mapping.
    """
    return (found["two_humps"] >= SURE) & (found["p_one_hump"] < 1.0 - CONFIDENCE)


def _summary(table: pd.DataFrame, variable: str) -> str:
    """Every cell in a sentence; of many cells their count, and the first ones with two humps."""
    if len(table) <= MOST_CELLS:
        return " ".join(hump_sentences(table, variable))
    two = table[table["humps"] == 2]
    count = f"In {len(two)} of {len(table)} cells {variable} has two humps."
    if two.empty:
        return f"In none of {len(table)} cells does {variable} have two humps."
    return " ".join([count, *hump_sentences(two.head(MOST_CELLS), variable)])


def hump_sentences(table: pd.DataFrame, variable: str = "trust") -> list[str]:
    """A sentence for each cell: whether its mean describes its alliances, and how sure that is.

    Args:
        table: table of :func:`humps`.
        variable: what it is of.
    """
    return [_sentence(row, variable) for row in rows_of(table)]


def _sentence(row: Mapping[str, Any], variable: str) -> str:
    start = capital(str(row["label"]))
    if row["humps"] == 0:
        return f"{start}: no alliance goes on, so {variable} has no distribution."
    sure = (
        f"two humps in {percent(row['two_humps'])} of the resamples of {row['by']}, Silverman's test of one hump "
        f"p = {row['p_one_hump']:.2g}"
    )
    if row["n"] == 1:
        return f"{start}: one alliance goes on, with {variable} {row['mean']:.2f}."
    if row["humps"] == 1:
        at = f"at {row['mode']:.2f} (mean {row['mean']:.2f}; {sure})"
        if row["n"] < FEWEST_ALLIANCES:
            few = f"{row['n']} alliances are too few to tell two humps of {variable} from one"
            return f"{start}: {few}; the highest is {at}."
        if row["p_one_hump"] < 1.0 - CONFIDENCE:
            return f"{start}: {variable} has one main hump, {at}: what the test finds beside it is small or shallow."
        return f"{start}: {variable} has one hump, {at}."
    kinds = (
        f"{percent(row['low_share'])} of the alliances are near {row['low_mode']:.2f}, "
        f"{percent(row['high_share'])} near {row['high_mode']:.2f}"
    )
    if not beyond_chance(row):
        return (
            f"{start}: {variable} has perhaps two humps, not beyond chance: {kinds} (mean {row['mean']:.2f}; {sure})."
        )
    few = row["near_mean"] < FEW
    mean = f"the mean {variable} of {row['mean']:.2f} " + (
        f"describes hardly anybody ({percent(row['near_mean'])} are within {NEAR:g} of it)"
        if few
        else "hides two kinds"
    )
    return f"{start}: {mean}: {kinds} ({sure})."


# ---------------------------------------------------------------------------------------------------------------
# How sure
# ---------------------------------------------------------------------------------------------------------------
def _sureness(counts: Floats, by_replicate: Floats | None, edges: Floats, seed: int) -> dict[str, float | str]:
    """The columns :data:`SURENESS` but the label, from counts in all, (bins,), and of each replicate, (R, bins)."""
    middles = (edges[:-1] + edges[1:]) / 2.0
    total = counts.sum()
    if total == 0:
        return {**dict.fromkeys(SURENESS[1:], math.nan), "by": "nothing"}
    mean = float(middles @ counts / total)
    rng = np.random.default_rng(seed)
    drawn = _drawn(counts, by_replicate, rng)
    found = np.array([analysis.humps_of(sample, edges) for sample in drawn])
    columns = dict(zip(HUMPS[HUMPS.index("n") :], found.T, strict=True))
    two = columns["humps"] == 2
    by, n = ("alliances", int(total)) if by_replicate is None else ("replicates", len(by_replicate))
    row: dict[str, float | str] = {
        "mean": mean,
        "near_mean": float(counts[np.abs(middles - mean) <= NEAR].sum() / total),
        "p_one_hump": silverman_test(counts, rng),
        "two_humps": float(two.mean()),
        "by": by,
    }
    for name, grain in (("low_mode", edges[1] - edges[0]), ("high_mode", edges[1] - edges[0]), ("low_share", 0.0)):
        low, high = resampled(columns[name][two], n, SHARE, grain) if two.any() else (math.nan, math.nan)
        row[f"{name}_low"], row[f"{name}_high"] = float(low), float(high)
    return row


def _by_replicate(alliances: pd.DataFrame, variable: str, edges: Floats) -> Floats | None:
    """Histogram of the alliances still going on at the horizon, for each replicate, (R, bins); None of a single one."""
    replicates = alliances["replicate"].nunique()
    if replicates < 2:
        return None
    going_on = alliances[alliances["cause"].astype(str) == CAUSES_OF_ENDING[0]]
    _, rows = np.unique(going_on["replicate"], return_inverse=True)
    counts = np.zeros((replicates, BINS))
    width = edges[1] - edges[0]
    bins = np.clip(((going_on[variable].to_numpy(dtype=np.float64) - edges[0]) / width).astype(int), 0, BINS - 1)
    np.add.at(counts, (rows, bins), 1.0)
    return counts


def _drawn(counts: Floats, by_replicate: Floats | None, rng: np.random.Generator) -> Floats:
    """Histograms of resamples, (RESAMPLES, bins)."""
    if by_replicate is None:
        return rng.multinomial(int(counts.sum()), counts / counts.sum(), RESAMPLES).astype(np.float64)
    replicates = len(by_replicate)
    weights = rng.multinomial(replicates, np.full(replicates, 1.0 / replicates), RESAMPLES)
    return np.asarray(weights @ by_replicate)


# ---------------------------------------------------------------------------------------------------------------
# Silverman's test
# ---------------------------------------------------------------------------------------------------------------
def silverman_test(counts: Floats, rng: np.random.Generator) -> float:
    """p of one hump, for a histogram of independent numbers, (bins,).

    The smallest bandwidth that leaves one hump is found; samples are drawn from the distribution smoothed so far; p is
    the share of them with more than one hump at that bandwidth. Nothing is reflected at the ends of the scale, where it
    would count a pile twice, and the samples keep the wider variance: brought back to that of the data, as Silverman
    does, they reject one hump far too often where many numbers lie on a bound.
    """
    if np.count_nonzero(counts) == 1:
        return 1.0
    free = np.pad(counts, len(counts))
    critical = critical_bandwidth(free)
    null = np.clip(heat(free, critical), 0.0, None)
    samples = rng.multinomial(int(counts.sum()), null / null.sum(), RESAMPLES)
    several = sum(modes(sample) > 1 for sample in heat(samples, critical))
    return (1 + several) / (1 + RESAMPLES)


def critical_bandwidth(counts: Floats) -> float:
    """The smallest standard deviation of the smoothing, in bins, that leaves one hump; more makes no new one."""
    low, high = 0.0, float(len(counts))
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        if modes(heat(counts, middle)) > 1:
            low = middle
        else:
            high = middle
    return high


def heat(counts: NDArray[Any], bandwidth: float) -> Floats:
    """Counts smoothed along the last axis as heat spreads in a rod that loses none; ``bandwidth`` in bins."""
    from scipy.fft import dct, idct

    waves = np.arange(counts.shape[-1])
    fade = np.exp(-0.5 * (math.pi * waves * bandwidth / counts.shape[-1]) ** 2)
    return np.asarray(idct(dct(counts.astype(np.float64), axis=-1) * fade, axis=-1))


def modes(density: Floats) -> int:
    """How many peaks a curve has, those at its ends included."""
    steps = np.diff(density)
    ways = np.sign(steps[np.abs(steps) > RIPPLE * np.abs(density).max()])
    if len(ways) == 0:
        return 1
    inner = int(((ways[:-1] > 0) & (ways[1:] < 0)).sum())
    return inner + int(ways[0] < 0) + int(ways[-1] > 0)
