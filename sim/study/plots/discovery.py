"""The region in which runs fail: the cells over two factors with the box drawn in, and every box of the tree."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from sim.study.analysis import percent, scenario_words
from sim.study.plots.frame import BLUE, INK, ORANGE, VERMILLION, bare_rows, new_figure, styled
from sim.study.words import capital
from sim.text import named

Bounds = Mapping[str, tuple[float, float]]
"""Low and high end of a box by column; infinite where there is none."""


@styled
def discovery_figure(
    boxes: pd.DataFrame, checks: pd.Series, cells: pd.DataFrame, best: Bounds, sentence: str, meaning: str
) -> Figure:
    """Cells over the two factors that matter most, and density and coverage of every leaf.

    Args:
        boxes: table of :func:`sim.study.discovery.discover`.
        checks: the row of its table ``checks``.
        cells: a row a cell: its columns, and ``failing``, the share of its runs that fail.
        best: the box that the sentence names; empty when nothing was found.
        sentence: the answer; its first clause is the title.
        meaning: what failing is, as it stands in a sentence.
    """
    caption = (
        f"Left: a dot for the cells at one place, darker where more of their runs fail ({meaning})"
        + ("; dashed, the box of the title over two factors. " if best else ". ")
        + "Right: the leaves of the tree, with the share of their runs that fail (density) and "
        "the share of all failures that they hold (coverage), in the runs that the tree was grown on. "
        f"Unseen cells: density {_share(checks['density'])}, coverage {_share(checks['coverage'])}, accuracy "
        f"{percent(checks['accuracy'])} against {percent(checks['accuracy_of_guessing'])} by guessing. n = "
        f"{checks['runs']:,} runs of {checks['cells']:,} cells."
    )
    height = 3.6 + max(3.2, 0.72 * len(boxes))
    figure, (left, right) = new_figure(sentence.split(": ")[0], caption, height, 1, 2, width_ratios=[1.0, 1.0])
    _draw_cells(figure, left, cells, best)
    _draw_boxes(right, boxes, float(checks["failing"]))
    return figure


def _share(value: float) -> str:
    return "not defined" if np.isnan(value) else percent(value)


def _axes_of(cells: pd.DataFrame, best: Bounds) -> tuple[str, str]:
    """The columns to draw: conditions of the box first, then those whose values go most with failing."""
    columns = [name for name in cells if name != "failing"]
    failing = cells["failing"] - cells["failing"].mean()
    link = {
        name: abs(float(failing @ (cells[name] - cells[name].mean()))) / float(cells[name].std()) for name in columns
    }
    ranked = [*best, *sorted((name for name in columns if name not in best), key=lambda name: -link[name])]
    return ranked[0], ranked[min(1, len(ranked) - 1)]


def _draw_cells(figure: Figure, ax: Axes, cells: pd.DataFrame, best: Bounds) -> None:
    x, y = _axes_of(cells, best)
    places = list(dict.fromkeys((x, y)))
    order = cells.groupby(places, as_index=False)["failing"].mean().sort_values("failing", kind="stable")
    dots = ax.scatter(
        order[x], order[y], c=order["failing"], cmap="cividis_r", vmin=0.0, vmax=1.0, s=42, edgecolor=INK, linewidth=0.4
    )
    ax.margins(0.06)
    ax.set(xlabel=_axis_words(x), ylabel=_axis_words(y) if y != x else "")
    for name, set_ticks in ((x, ax.set_xticks), (y, ax.set_yticks)):
        if "=" in name:  # the column of a word
            set_ticks([0.0, 1.0], ["no", "yes"])
    if best:
        _outline(ax, best.get(x), best.get(y) if y != x else None)
    bar = figure.colorbar(dots, ax=ax, pad=0.02, aspect=30, format=PercentFormatter(1.0, decimals=0))
    bar.outline.set_visible(False)
    bar.set_label("share of the runs that fail, mean of the cells")


def _axis_words(name: str) -> str:
    """A column as its axis names it: "monitoring: blind faith?" for the column of a word."""
    factor, equals, word = name.partition("=")
    said = scenario_words(word) if factor == "scenario" else named(word)
    return f"{factor}: {said}?" if equals else name


def _outline(ax: Axes, across: tuple[float, float] | None, up: tuple[float, float] | None) -> None:
    """The box over the two factors, to the edge where it has no end."""
    (left, right), (bottom, top) = (
        (max(low, limits[0]), min(high, limits[1]))
        for (low, high), limits in (
            (across or ax.get_xlim(), ax.get_xlim()),
            (up or ax.get_ylim(), ax.get_ylim()),
        )
    )
    ax.set_autoscale_on(False)
    ax.add_patch(
        Rectangle(
            (left, bottom), right - left, top - bottom, fill=False, edgecolor=VERMILLION, linewidth=2.4,
            linestyle=(0, (5, 2)),
        )
    )  # fmt: skip


def _draw_boxes(ax: Axes, boxes: pd.DataFrame, failing: float) -> None:
    """Density and coverage of each leaf."""
    rows = np.arange(len(boxes))
    ax.barh(rows - 0.18, boxes["density"], height=0.34, color=BLUE, label="density")
    ax.barh(rows + 0.18, boxes["coverage"], height=0.34, color=ORANGE, hatch="///", edgecolor="white", label="coverage")
    names = [
        ("▸ " if row.best else "") + capital(row.conditions).replace(" and ", "\nand ") for row in boxes.itertuples()
    ]
    ax.set_yticks(rows, names, fontsize=10.5)
    ax.set_ylim(len(boxes) - 0.4, -0.7)
    ax.axvline(failing, color=INK, linewidth=1.2, linestyle=(0, (4, 2)))
    ax.annotate(
        f"all runs {percent(failing)}", (failing, -0.62), xytext=(4, 0), textcoords="offset points", fontsize=11
    )
    ax.set_xlim(0.0, 1.0)
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)
    bare_rows(ax)
