"""Sensitivity indices: how large they are, how sure, and whether they have settled."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sim.study.analysis import percent
from sim.study.plots.frame import (
    BLUE,
    GREY,
    INK,
    LOOKS,
    MOST_CELLS,
    VERMILLION,
    End,
    bare_rows,
    label_ends,
    new_figure,
    styled,
    wrap_label,
)
from sim.study.response import short_number
from sim.study.words import capital


@styled
def morris_figure(
    table: pd.DataFrame, told: pd.DataFrame, settling: pd.DataFrame, outcome: str, replicates: int, unit: str = ""
) -> Figure:
    """μ* with its interval and σ, a row a factor; beside it μ* as the sample grew.

    Args:
        table: table of :func:`sim.study.sensitivity.morris`, by rank, its factors in words.
        told: its rows whose effect can be told from zero.
        settling: its table ``convergence``, the factors in words.
        outcome: in words.
        replicates: of each point.
        unit: of the outcome; empty when it has none.
    """
    sure = bool(table["mu_star_low"].notna().any())
    caption = (
        f"Left: {'dot and bar' if sure else 'dot'}, mean size of the elementary effects (μ*)"
        f"{' and its 95% interval' if sure else ''}, the change of the outcome "
        "when the factor moves over its range; ring, standard deviation of the effects (σ): where it is as large as "
        "μ*, the effect depends on the other factors or is curved. Right: μ* at a quarter, half and all of the "
        "sample, for the first six factors. "
        + (_replicate_words(replicates) if sure else "The sample is too small for intervals.")
    )
    title = f"No factor can be told to move {outcome}"
    if len(told):
        title = _as_sure(f"{told['factor'].iloc[0]} moves {outcome} most", settling)
    figure, (left, right) = _two_panels(title, caption, len(table))
    rows = np.arange(len(table))
    left.hlines(rows, table["mu_star_low"], table["mu_star_high"], color=BLUE, linewidth=3.5)
    left.plot(table["mu_star"], rows, "o", color=BLUE, markersize=9, label="μ*")
    left.plot(table["sigma"], rows, "o", color=VERMILLION, markersize=10, markerfacecolor="none", label="σ")
    _finish_rows(left, table, f"change of {outcome} over the range{f', {unit}' if unit else ''}")
    _settling_lines(right, table, settling, "μ*", "trajectories in the sample")
    label_ends(figure, [(right, _ends_of(table, settling))])
    return figure


@styled
def sobol_figure(
    table: pd.DataFrame, told: pd.DataFrame, settling: pd.DataFrame, outcome: str, replicates: int
) -> Figure:
    """First and total index with their intervals, a row a factor; beside them the total index as the sample grew.

    Args:
        table: table of :func:`sim.study.sensitivity.sobol`, by rank, its factors in words.
        told: its rows whose share can be told from zero.
        settling: its table ``convergence``, the factors in words.
        outcome: in words.
        replicates: of each point.
    """
    caption = (
        "Left: share of the variance of the outcome that a factor decides alone (dot) and with its interactions "
        "(diamond), with 95% intervals; the distance between the two is interactions. Right: the total index at a "
        f"quarter, half and all of the sample, for the first six factors. {_replicate_words(replicates)}"
    )
    title = f"No factor can be told to decide what varies in {outcome}"
    if len(told):
        lead, share = told["factor"].iloc[0], percent(min(told["total"].iloc[0], 1.0))
        title = _as_sure(f"{lead} decides {share} of what varies in {outcome}", settling)
    figure, (left, right) = _two_panels(title, caption, len(table))
    for name, marker, color, shift in (("first", "o", BLUE, -0.14), ("total", "D", VERMILLION, 0.14)):
        rows = np.arange(len(table)) + shift
        left.hlines(rows, table[f"{name}_low"], table[f"{name}_high"], color=color, linewidth=3.5)
        label = {"first": "alone", "total": "with interactions"}[name]
        left.plot(table[name], rows, marker, color=color, markersize=8, label=label)
    _finish_rows(left, table, f"share of the variance of {outcome}")
    _settling_lines(right, table, settling, "total index", "size of the base sample")
    label_ends(figure, [(right, _ends_of(table, settling))])
    return figure


def _as_sure(title: str, settling: pd.DataFrame) -> str:
    """The title, with a warning when another sample could order the factors otherwise."""
    last = settling[settling["size"] == settling["size"].max()].iloc[0]
    doubt = "; the sample is too small to be sure" if np.isnan(last["rank_shift"]) else "; the ranks have not settled"
    return capital(title if last["settled"] else f"{title}{doubt}")


def _replicate_words(replicates: int) -> str:
    if replicates == 1:
        return "Intervals: the sample drawn anew."
    return (
        f"Intervals: the sample and the {replicates} replicates, which all points share, drawn anew; what their noise "
        "adds is taken out."
    )


def _two_panels(title: str, caption: str, factors: int) -> tuple[Figure, list[Axes]]:
    return new_figure(title, caption, 3.4 + 0.5 * max(factors, 4), 1, 2, width_ratios=[1.25, 1.0])


def _finish_rows(ax: Axes, table: pd.DataFrame, label: str) -> None:
    """Names at the rows, zero marked, and a key that covers no data."""
    ranges = [f"{short_number(row.low)} to {short_number(row.high)}" for row in table.itertuples()]
    names = [f"{wrap_label(name, 26)}\n{over}" for name, over in zip(table["factor"], ranges, strict=True)]
    ax.set_yticks(range(len(table)), names)
    ax.set_ylim(len(table) - 0.5, -0.6)
    ax.axvline(0.0, color=INK, linewidth=1.2)
    ax.set_xlabel(label)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)
    bare_rows(ax, lines=True)


def _settling_lines(ax: Axes, table: pd.DataFrame, settling: pd.DataFrame, index: str, size: str) -> None:
    """A line for each of the first factors, with its interval at each size of the sample."""
    for (name, (color, dashes)), shift in zip(_shown(table), np.linspace(-0.04, 0.04, MOST_CELLS), strict=False):
        rows = settling[settling["factor"] == name].sort_values("size")
        places = rows["size"] * (1.0 + shift)  # side by side, so that bars do not cover each other
        ax.vlines(places, rows["low"], rows["high"], color=color, linewidth=1.8)
        ax.plot(places, rows["index"], color=color, linestyle=dashes, marker="o", markersize=5)
    sizes = sorted(settling["size"].unique())
    ax.set_xscale("log")
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.minorticks_off()
    ax.axhline(0.0, color=GREY, linewidth=1)
    ax.set(xlabel=size, ylabel=index)


def _shown(table: pd.DataFrame) -> list[tuple[str, tuple[str, object]]]:
    return list(zip(table["factor"], LOOKS, strict=False))


def _ends_of(table: pd.DataFrame, settling: pd.DataFrame) -> list[End]:
    last = settling[settling["size"] == settling["size"].max()].set_index("factor")
    return [
        (float(last.loc[name, "size"]), float(last.loc[name, "index"]), name, color)
        for name, (color, _) in _shown(table)
    ]
