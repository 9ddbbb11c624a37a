"""The causes of the ledger in pictures: their colours and names, and which of them are too small to be seen."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from sim.analysis.basics import CAUSE_WORDS
from sim.analysis.plots.frame import BLUE, GREEN, INK, ORANGE, PURPLE, SKY, VERMILLION, YELLOW, draw_key

CAUSE_LOOKS = {
    "delivery": (BLUE, ""),
    "hard_talk": (GREEN, "///"),
    "adaptation": (SKY, "..."),
    "festering": (VERMILLION, ""),
    "blame": (ORANGE, "\\\\\\"),
    "disappointment": (PURPLE, "xx"),
    "breach": (INK, ""),
    "being_monitored": (YELLOW, "ooo"),
    "turnover": ("#8c8c8c", "---"),
    "people": ("#bdbdbd", "||"),
    "ties": ("#5b8c85", "++"),
    "bound": ("#e0e0e0", "**"),
    "other": ("#efefef", ""),
}
"""Colour and hatch of each cause of the ledger."""


def cause_words(cause: str) -> str:
    """A cause in words; "other" stands for those lumped together."""
    return "other causes" if cause == "other" else CAUSE_WORDS[cause]


def longest_stack(table: pd.DataFrame, gains: bool) -> float:
    """Length of the longest stack of gains, or of losses."""
    side = table.clip(lower=0.0) if gains else -table.clip(upper=0.0)
    return float(side.sum(axis=1).max())


def lump_small(table: pd.DataFrame, by: int = 0) -> pd.DataFrame:
    """Causes from the most building to the most destroying; those below 2% of the longest stack become "other".

    Args:
        table: change of trust, one column a cause.
        by: position of the row that orders the causes.

    Returns:
        The table with fewer columns; "other" is left out when nobody could see it.
    """
    longest = max(longest_stack(table, gains=True), longest_stack(table, gains=False))
    small = [cause for cause in table if float(table[cause].abs().max()) <= 0.02 * longest]
    kept = table.drop(columns=small)
    kept = kept[kept.iloc[by].sort_values(ascending=False, kind="stable").index]
    if small and float(table[small].sum(axis=1).abs().max()) > 0.005 * longest:
        kept["other"] = table[small].sum(axis=1)
    return kept


def key_of_causes(ax: Axes, table: pd.DataFrame) -> None:
    """The causes that are the columns of a table, right of the axes."""
    draw_key(ax, {cause_words(cause): CAUSE_LOOKS[cause] for cause in table}, "Cause")
