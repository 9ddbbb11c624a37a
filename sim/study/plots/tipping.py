"""An outcome against a factor, with the value at which it crosses a level."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.intervals import decimals
from sim.study.analysis import factor_words
from sim.study.plots.frame import BLUE, GREY, INK, ON_WHITE, VERMILLION, new_figure, styled, wrap_label
from sim.study.response import short_number
from sim.study.words import capital, number


@styled
def tipping_figure(table: pd.DataFrame, points: pd.DataFrame, outcome: str, replicates: int, unit: str = "") -> Figure:
    """Every value that was run, the level, and the interval in which the outcome crosses it.

    Args:
        table: table of :func:`sim.study.tipping.tipping_point`.
        points: its table ``curve``.
        outcome: in words.
        replicates: of each value, shared by all.
        unit: of the outcome; empty when it has none.
    """
    found = table.iloc[0]
    name = factor_words(str(found["factor"]))
    several, band, several_times = replicates > 1, not math.isnan(found["tips_low"]), found["crossings"] > 1
    beyond = " It goes on beyond the range." if math.isinf(found["tips_low"]) or math.isinf(found["tips_high"]) else ""
    caption = (
        f"Dots: mean over {replicates} replicates, the same ones at every value"
        + (", with its 95% interval. " if several else ". ")
        + "They crowd where the bisection looked. Dashed: the level. "
        + ("Band: 95% interval of the crossing, the bisection repeated with replicates drawn anew." if band else "")
        + beyond
        + (f" The scan crosses the level {found['crossings']} times; marked is the first." if several_times else "")
    )
    figure, (ax,) = new_figure(_title(found, name, outcome), caption, 5.6)
    x = points[str(found["factor"])]
    if several:
        ax.vlines(x, points["low"], points["high"], color=BLUE, linewidth=1.4, alpha=0.6)
    ax.plot(x, points["mean"], "-o", color=BLUE, markersize=6, linewidth=1.6)
    ax.axhline(found["level"], color=GREY, linewidth=1.4, linestyle=(0, (5, 3)))
    if found["crossings"]:
        _mark(ax, found)
    ax.set(xlabel=name, ylabel=wrap_label(f"{outcome} ({unit})" if unit else outcome, 32))
    ax.margins(x=0.02, y=0.08)
    return figure


def _mark(ax: Axes, found: pd.Series) -> None:
    """The crossing and its interval."""
    if not math.isnan(found["tips_low"]):
        ends = max(found["tips_low"], found["low"]), min(found["tips_high"], found["high"])
        ax.axvspan(*ends, color=VERMILLION, alpha=0.22, linewidth=0)
    ax.axvline(found["tips_at"], color=VERMILLION, linewidth=1.6)
    ax.plot(found["tips_at"], found["level"], "D", color=VERMILLION, markersize=10, markeredgecolor="white", zorder=5)
    left = found["tips_at"] > (found["low"] + found["high"]) / 2.0
    at = number(found["tips_at"], digits_of(found))
    ax.annotate(
        at, (found["tips_at"], found["level"]), xytext=(-14 if left else 14, 12),
        textcoords="offset points", ha="right" if left else "left", fontsize=14, fontweight="bold", color=INK,
        bbox=ON_WHITE,
    )  # fmt: skip


def digits_of(found: pd.Series) -> int:
    """Decimals of a crossing: by half its interval within the range; by the last bracket, one digit, without one.

    Args:
        found: a row of :data:`sim.study.tipping.FOUND`.
    """
    half = (min(found["tips_high"], found["high"]) - max(found["tips_low"], found["low"])) / 2.0
    return decimals(10.0 * found["resolution"] if math.isnan(half) else max(half, found["resolution"] / 2.0))


def _title(found: pd.Series, name: str, outcome: str) -> str:
    level = short_number(found["level"])
    if not found["crossings"]:
        return f"Mean {outcome} does not cross {level}"
    at = number(found["tips_at"], digits_of(found))
    return f"{capital(outcome)} {found['way']} through {level} at {name} {at}"
