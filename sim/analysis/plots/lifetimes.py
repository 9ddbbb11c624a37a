"""How long alliances last: Kaplan–Meier curves, and what ended the others as competing causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from sim.analysis.basics import percent
from sim.analysis.plots.frame import (
    MONTHS,
    MOST_BANDS,
    End,
    Look,
    count_words,
    draw_band,
    grid_of,
    label_ends,
    looks_of,
    new_figure,
    styled,
    tick_years,
)


@styled
def survival_curves(curves: pd.DataFrame, cells: pd.DataFrame, causes: Sequence[str]) -> Figure:
    """Share going on, and share ended so far by each cause that ended any, a line a cell with its 95% band.

    Args:
        curves: table of :func:`sim.analysis.survival.survival`.
        cells: rows of the table ``cells`` of the result folder, the reference first.
        causes: columns of ``curves`` with the incidence of a cause.
    """
    looks = looks_of(cells)
    names = ["going_on", *(cause for cause in causes if curves[cause].max() > 0.0)]
    rows, columns = grid_of(len(names))
    bands = len(looks) <= MOST_BANDS and bool(curves["low"].notna().any())
    signed = curves[curves["month"] == 0]["at_risk"].tolist()
    caption = (
        "Lines: Kaplan–Meier share of alliances still going on, and Aalen–Johansen share ended by each cause; the "
        "shares of a cell add up to 1. "
        + ("Bands: 95%, replicates drawn anew, since alliances of one replicate share partners. " if bands else "")
        + f"n = {count_words(signed)} alliances a cell. Strategic change comes from outside and is no failure."
    )
    figure, axes = new_figure(_title(curves, looks), caption, 2.2 + 3.4 * rows, rows, columns, len(names), sharex=True)
    ends = []
    for ax, name in zip(axes, names, strict=True):
        ends.append((ax, _draw(ax, curves, looks, name, bands)))
        ax.set_title("Still going on" if name == "going_on" else f"Ended by {name}")
        ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes[0].set_ylim(0.0, 1.0)
    highest = [*names[1:], *(f"{name}_high" for name in names[1:] if bands)]
    for ax in axes[1:]:
        ax.set_ylim(0.0, 1.05 * float(curves[highest].max().max()))
    axes[0].set_xlim(0.0, max(1.0, float(curves["month"].max())))
    tick_years(axes[0])
    for k, ax in enumerate(axes):
        if k + columns >= len(names):
            ax.set_xlabel(MONTHS)
            ax.tick_params(labelbottom=True)
    label_ends(figure, ends)
    return figure


def _draw(ax: Axes, curves: pd.DataFrame, looks: Mapping[int, Look], name: str, bands: bool) -> list[End]:
    """The lines of one panel.

    Returns:
        Their ends, for the labels.
    """
    ends = []
    low, high = ("low", "high") if name == "going_on" else (f"{name}_low", f"{name}_high")
    for cell, look in looks.items():
        rows = curves[curves["cell"] == cell]
        if bands:
            draw_band(ax, rows["month"], rows[low], rows[high], look, step="post")
        ax.plot(rows["month"], rows[name], drawstyle="steps-post", color=look.color, linestyle=look.dashes)
        ends.append((float(rows["month"].iloc[-1]), float(rows[name].iloc[-1]), look.label, look.color))
    return ends


def _title(curves: pd.DataFrame, looks: Mapping[int, Look]) -> str:
    """What is left where most and where least goes on, in the last month that is known of all."""
    last = curves.groupby("cell").last()
    lasting = last.loc[last["going_on"] > 0.0, "month"]
    month = int(lasting.min() if len(lasting) else last["month"].max())
    at = curves[curves["month"] <= month].groupby("cell")["going_on"].last()
    left = sorted((float(at[cell]), look.label) for cell, look in looks.items())
    (least, low), (most, high) = left[0], left[-1]
    if percent(least) == percent(most):
        everywhere = " in every cell" if len(left) > 1 else ""
        return f"{percent(least)} of the alliances last beyond month {month}{everywhere}"
    return f"{percent(most)} of the alliances last beyond month {month} in {high}, {percent(least)} in {low}"
