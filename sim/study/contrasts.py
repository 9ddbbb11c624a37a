"""Differences between cells, paired by replicate, with bootstrap intervals beside the t intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

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
        outcomes: names of outcomes; the sentence is of the first, the figure of the first four.
        seed: of the bootstrap.

    Returns:
        Table :data:`sim.study.analysis.BOOTSTRAP`. Sentence and figure are of at most six cells, which show the range.

    Raises:
        ValueError: when no run belongs to the reference, or to no other cell.
    """
    table = analysis.bootstrap_contrasts(runs, reference, outcomes, seed)
    if table.empty:
        raise ValueError("there is one cell only, so there is nothing to compare it with")
    labels = dict(zip(runs["cell"], runs["label"], strict=True))
    short = dict(zip(labels, short_labels(list(labels.values())), strict=True))
    first = runs.assign(cell=runs["cell"].replace({reference: -1}))  # the choice keeps the lowest number: the reference
    shown = analysis.spread_cells(first, outcomes[0], MOST_CELLS)
    chosen = table[table["cell"].isin(shown)]
    said = [
        whole_sentence(analysis.sentence({**row, "label": short[row["cell"]], "reference": short[reference]}))
        for row in rows_of(chosen.rename(columns={"boot_low": "low", "boot_high": "high"}))
        if row["outcome"] == outcomes[0]
    ]
    agreement = _agreement(table)
    drawn = analysis.paired(runs[runs["cell"].isin([reference, *shown])], reference, outcomes[:4])
    return Answer(table, contrasts_figure(drawn, agreement), " ".join([*said, agreement]))


def _agreement(table: pd.DataFrame) -> str:
    """How far the ends of both intervals are apart at most, as a share of the t interval's width."""
    width = table["t_high"] - table["t_low"]
    known = table[width > 0.0]
    if known.empty:
        return ""
    apart = np.maximum((known["boot_low"] - known["t_low"]).abs(), (known["boot_high"] - known["t_high"]).abs())
    worst = float((apart / width[width > 0.0]).max())
    return f"Bootstrap (BCa) and t intervals are apart by at most {percent(worst)} of their width."
