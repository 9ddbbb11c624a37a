"""Differences between cells, paired by replicate, with bootstrap intervals beside the t intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sim.intervals import FEWEST_RESAMPLED
from sim.study import analysis
from sim.study.analysis import percent, short_labels
from sim.study.answer import Answer
from sim.study.plots.comparisons import contrasts as contrasts_figure
from sim.study.plots.frame import MOST_CELLS
from sim.study.words import rows_of, whole_sentence


def contrasts(runs: pd.DataFrame, reference: int, outcomes: Sequence[str], seed: int = 1) -> Answer:
    """How the other cells differ from one, when both meet the same chances.

    Args:
        runs: table ``runs`` of a result folder.
        reference: the cell that the others are compared with.
        outcomes: names of outcomes, each counted once; the sentence is of the first, the figure of the first four.
        seed: of the bootstrap.

    Returns:
        Table :data:`sim.study.analysis.BOOTSTRAP`. Sentence and figure quote the bootstrap interval, and the t interval
        where there is none, of at most six cells, which show the range.

    Raises:
        ValueError: when no run belongs to the reference, or to no other cell.
    """
    outcomes = list(dict.fromkeys(analysis.names_of(outcomes)))
    table = analysis.bootstrap_contrasts(runs, reference, outcomes, seed)
    if table.empty:
        raise ValueError("there is one cell only, so there is nothing to compare it with")
    labels = dict(zip(runs["cell"], runs["label"], strict=True))
    short = dict(zip(labels, short_labels(list(labels.values())), strict=True))
    shown = analysis.spread_cells(runs, outcomes[0], MOST_CELLS, reference)
    quoted = table.assign(low=table["boot_low"].fillna(table["t_low"]), high=table["boot_high"].fillna(table["t_high"]))
    quoted = quoted[quoted["cell"].isin(shown)].assign(reference=labels[reference])
    said = [
        whole_sentence(analysis.sentence({**row, "label": short[row["cell"]], "reference": short[reference]}))
        for row in rows_of(quoted)
        if row["outcome"] == outcomes[0]
    ]
    notes = " ".join(filter(None, (_agreement(table), _chance(int(table["t_low"].notna().sum())))))
    drawn = quoted[quoted["outcome"].isin(outcomes[:4])]
    kind = "interval" if quoted["boot_low"].isna().any() else "BCa bootstrap interval"
    return Answer(table, lambda: contrasts_figure(drawn, notes, kind), " ".join([*said, notes]).strip())


def _agreement(table: pd.DataFrame) -> str:
    """How far the ends of both intervals are apart at most, as a share of the t interval's width."""
    width = table["t_high"] - table["t_low"]
    both = table["boot_low"].notna()
    few = (
        f"Intervals of fewer than {FEWEST_RESAMPLED} pairs are t intervals: too few to resample."
        if (table["t_low"].notna() & ~both).any()
        else ""
    )
    known = table[both & (width > 0.0)]
    if known.empty:
        return few
    apart = np.maximum((known["boot_low"] - known["t_low"]).abs(), (known["boot_high"] - known["t_high"]).abs())
    worst = float((apart / width[known.index]).max())
    return f"Bootstrap (BCa) and t intervals are apart by at most {percent(worst)} of their width. {few}".strip()


def _chance(intervals: int) -> str:
    """That several intervals together are not as sure as each is alone."""
    if intervals < 2:
        return ""
    return (
        f"Each of the {intervals} intervals is for itself: where nothing differs, about one in twenty still excludes "
        "zero by chance."
    )
