"""Figures of a result folder and of a single history. Each is one function from tables to a Matplotlib ``Figure``.

No figure depends on the state of ``pyplot``. Colours are those of Okabe and Ito (safe for the colour-blind); lines also
differ in their dashes and areas in their hatches, so that a figure reads in grey. The title says what came out, the
caption under the figure what its lines and bands are.
"""

from __future__ import annotations

import functools
import io
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize, TwoSlopeNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Patch
from matplotlib.text import Annotation, Text
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import (
    BLAME,
    BY_BREACH,
    CAUSES,
    CAUSES_OF_ENDING,
    EFFECTIVE,
    FESTERING,
    HARD_TALK,
    SHIRKING,
)
from sim.engine import History
from sim.scenario import Event
from sim.study import analysis
from sim.study.analysis import (
    CAUSE_WORDS,
    alliance_name,
    choose_alliance,
    factor_words,
    label_words,
    outcome_words,
    percent,
    short_labels,
    signed,
)
from sim.sweeps.store import Stored, write_file

Floats = NDArray[np.float64]
P = ParamSpec("P")
R = TypeVar("R")

DPI = 150
WIDTH = 12.0
"""Width of every figure, inches."""
MOST_CELLS = 6
"""More cells than this in one figure cannot be told apart; a choice is drawn and the caption says so."""

INK, GREY, PALE = "#222222", "#6b6b6b", "#d9d9d9"
BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, YELLOW = (
    "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#F0E442",
)  # fmt: skip

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 13,
    "axes.titlesize": 14,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 13,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "legend.frameon": False,
    "legend.fontsize": 12,
    "lines.linewidth": 2.2,
    "hatch.linewidth": 0.7,
    "text.color": INK,
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "svg.fonttype": "none",
    "svg.hashsalt": "alliance-trust",
}

LOOKS = (
    (INK, "-", "o"),
    (BLUE, (0, (6, 2)), "s"),
    (VERMILLION, (0, (7, 2, 1.5, 2)), "^"),
    (GREEN, (0, (1.5, 1.5)), "D"),
    (ORANGE, (0, (10, 3)), "v"),
    (PURPLE, (0, (4, 1.5, 1, 1.5, 1, 1.5)), "P"),
)
"""Colour, dashes and marker of the cells in their order; the reference comes first, in black."""

ENDINGS = {
    "going on": ("#dbe9f4", ""),
    "strategic change": (SKY, "///"),
    "disappointment": (ORANGE, "..."),
    "distrust": (VERMILLION, "xxx"),
}
"""Colour and hatch of each way to be or to end, from the bottom up."""

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

VARIABLE_WORDS = {
    "trust": ("Trust", "effective trust (0 to 1)"),
    "communication": ("Communication", "share (0 to 1)"),
    "ties": ("Personal ties", "share (0 to 1)"),
    "gap": ("Working gap", "share (0 to 1)"),
    "frustration": ("Frustration", "share (0 to 1)"),
    "monitoring": ("Monitoring", "money/month, each partner"),
    "extra_mile": ("Extra mile", "share (0 to 1)"),
    "expectation": ("Expectation", "money/month, each partner"),
    "result": ("Result", "money/month, each partner"),
    "value": ("Value so far", "money, both partners"),
    "alive": ("Alliances still going on", "share of all alliances"),
}
"""Title and unit of what is drawn over months; ``alive`` is made from the counts."""

MOST_CONTRASTS = 13
"""Most cells in the figure of contrasts, the reference with them."""

PANEL_LETTERS = {1: 80, 2: 44, 3: 22}
"""Letters that fit over a panel, by the number of columns."""

MOST_BANDS = 4
"""With more lines than this, bands of the middle half would hide each other."""

ON_WHITE: dict[str, Any] = {"boxstyle": "round,pad=0.15", "facecolor": "white", "alpha": 0.88, "linewidth": 0}
"""The ground of text that stands on data."""

MONTHS = "months since the signature"


# ---------------------------------------------------------------------------------------------------------------
# The frame of a figure
# ---------------------------------------------------------------------------------------------------------------
def _styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Draw in :data:`STYLE`, whatever the caller has set."""

    @functools.wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(STYLE)  # type: ignore[arg-type]
            return draw(*args, **kwargs)

    return inside


def _frame(
    title: str, caption: str, height: float, rows: int = 1, columns: int = 1, **options: Any
) -> tuple[Figure, list[Axes]]:
    """An empty figure with its title, its caption below and a grid of axes, row by row."""
    figure = Figure(
        figsize=(WIDTH, height), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1, wspace=0.02, hspace=0.02)
    )
    FigureCanvasAgg(figure)
    figure.suptitle(
        textwrap.fill(title, 74), x=0.012, ha="left", fontsize=18, fontweight="bold", color=INK, linespacing=1.25
    )
    figure.supxlabel(_even_lines(caption, 142), x=0.012, ha="left", fontsize=11, color=GREY, linespacing=1.35)
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(axes.ravel())


def _even_lines(text: str, width: int) -> str:
    """Text in as few lines as fit, none of them much shorter than the others."""
    lines = math.ceil(len(text) / width)
    return textwrap.fill(text, min(width, len(text) // max(lines, 1) + 12))


def _empty(ax: Axes, message: str) -> None:
    """Say in place of a plot why there is none."""
    ax.text(0.5, 0.5, message, transform=ax.transAxes, ha="center", va="center", color=GREY)


@dataclass(frozen=True)
class _Look:
    """How a cell is drawn everywhere."""

    label: str
    color: str
    dashes: Any
    marker: str


def _looks(cells: pd.DataFrame) -> dict[int, _Look]:
    """The look of each cell, by its number; at most :data:`MOST_CELLS` can be told apart."""
    labels = short_labels([str(label) for label in cells["label"]])
    return {
        int(cell): _Look(label, *LOOKS[k % len(LOOKS)])
        for k, (cell, label) in enumerate(zip(cells["cell"], labels, strict=True))
    }


def _dark(color: str) -> tuple[float, float, float]:
    """A colour deep enough for text on white."""
    red, green, blue = to_rgb(color)
    depth = min(1.0, 0.33 / max(0.2126 * red + 0.7152 * green + 0.0722 * blue, 1e-9))
    return red * depth, green * depth, blue * depth


def _count(values: pd.Series | Sequence[int]) -> str:
    """ "1800", or "20 to 1800" when the counts differ."""
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _spread(centres: Sequence[float], heights: Sequence[float], low: float, high: float) -> list[float]:
    """Places for labels, each as near to its centre as the others allow: none overlap, order is kept.

    Blocks of labels that touch are moved together (pool adjacent violators), then shifted into [low, high].
    """
    order = sorted(range(len(centres)), key=lambda k: centres[k])
    blocks: list[list[int]] = []

    def bottom(block: list[int]) -> float:
        offset, wanted = 0.0, 0.0
        for k in block:
            wanted += centres[k] - offset - heights[k] / 2.0
            offset += heights[k]
        return min(max(wanted / len(block), low), high - offset)

    def top(block: list[int]) -> float:
        return bottom(block) + sum(heights[k] for k in block)

    for k in order:
        blocks.append([k])
        while len(blocks) > 1 and bottom(blocks[-1]) < top(blocks[-2]):
            last = blocks.pop()
            blocks[-1] += last
    placed = [0.0] * len(centres)
    for block in blocks:
        y = bottom(block)
        for k in block:
            placed[k] = y + heights[k] / 2.0
            y += heights[k]
    return placed


End = tuple[float, float, str, str]
"""The end of a line: x, y, its name, its colour."""


def _label_ends(figure: Figure, ends: Sequence[tuple[Axes, Sequence[End]]]) -> None:
    """Names at the ends of lines, pushed apart until none overlaps, joined to their line by thin leaders.

    They stand right of the axes; inside when all lines of the axes stop long before its right end.
    """
    labels = [(ax, end, _end_label(ax, end, of_ax)) for ax, of_ax in ends for end in of_ax]
    figure.draw_without_rendering()  # only now is it known how high the axes and the texts are
    for ax, of_ax in ends:
        mine = [(end, text) for owner, end, text in labels if owner is ax]
        box = ax.get_window_extent()
        heights = [Text.get_window_extent(text).height / box.height * 1.08 for _, text in mine]
        centres = [(ax.transData.transform(end[:2])[1] - box.y0) / box.height for end, _ in mine]
        for (_, text), place in zip(mine, _spread(centres, heights, 0.0, 1.1), strict=True):
            text.set_position((_label_place(ax, of_ax), place))


def _label_place(ax: Axes, ends: Sequence[End]) -> float:
    """Where labels begin, as a fraction of the axes' width."""
    low, high = ax.get_xlim()
    furthest = (max(x for x, _, _, _ in ends) - low) / (high - low)
    return furthest + 0.03 if furthest < 0.85 else 1.03


def _end_label(ax: Axes, end: End, ends: Sequence[End]) -> Annotation:
    x, y, name, color = end
    return ax.annotate(
        _wrap(name, 22), xy=(x, y), xytext=(_label_place(ax, ends), 0.5), textcoords="axes fraction",
        va="center", ha="left", fontsize=12 if len(ends) <= MOST_BANDS else 10.5, color=_dark(color),
        fontweight="bold", linespacing=1.05, annotation_clip=False,
        arrowprops={
            "arrowstyle": "-", "color": color, "linewidth": 0.9, "shrinkA": 1, "shrinkB": 2, "relpos": (0.0, 0.5),
        },
    )  # fmt: skip


def _wrap(label: str, width: int) -> str:
    """A label in lines of at most ``width`` characters, broken between its parts before within them."""
    if len(label) <= width:
        return label
    parts = [line for part in label.split(" · ") for line in textwrap.wrap(part, width, break_long_words=False)]
    return "\n".join(parts)


def _key(ax: Axes, looks: Mapping[str, tuple[str, str]], title: str) -> None:
    """Colours, hatches and their names, right of the axes, so that they cover no data."""
    handles = [
        Patch(facecolor=color, hatch=hatch, edgecolor="white", label=name) for name, (color, hatch) in looks.items()
    ]
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.02, 1.0), title=title, alignment="left")


def _grid(panels: int) -> tuple[int, int]:
    """Rows and columns for small multiples."""
    columns = panels if panels <= 3 else 2 if panels == 4 else 3
    return math.ceil(panels / columns), columns


# ---------------------------------------------------------------------------------------------------------------
# A result folder: over months
# ---------------------------------------------------------------------------------------------------------------
@_styled
def trajectories(
    monthly: pd.DataFrame,
    cells: pd.DataFrame,
    variables: Sequence[str] = ("trust", "communication", "result", "alive"),
    note: str = "",
) -> Figure:
    """Means over months, one line a cell, with the middle half of the alliances and the error of the mean.

    Args:
        monthly: table ``monthly`` of a result folder.
        cells: rows of its table ``cells`` to draw, the reference first.
        variables: names in ``sim.dynamics.state.VARIABLES``, or "alive" for the share of alliances going on.
        note: a sentence put at the end of the caption.
    """
    looks = _looks(cells)
    rows = math.ceil(len(variables) / 2)
    columns = min(2, len(variables))
    mine = monthly[monthly["cell"].isin(list(looks))]
    starts = mine[(mine["variable"] == "value") & (mine["month"] == 0)]
    banded = len(looks) <= MOST_BANDS
    with_errors = bool(mine["se"].notna().any())
    caption = (
        "Line: mean over the alliances still going on. "
        + ("Band: middle half of them (25% to 75%). " if banded else "")
        + ("Darker ribbon: 95% interval of the mean (1.96 standard errors over replicates). " if with_errors else "")
        + ("The result of the first month bears the cost of the contract. " if "result" in variables else "")
        + f"n = {_count(starts['alliances'])} alliances a cell at the signature. {note}"
    )
    title = _trajectory_title(monthly, looks, variables[0])
    figure, axes = _frame(title, caption, 1.9 + 4.1 * rows, rows, columns)
    ends = []
    for ax, variable in zip(axes, variables, strict=False):
        name, unit = VARIABLE_WORDS[variable]
        ax.set(title=name, ylabel=unit, xlim=(0, max(int(mine["month"].max()), 1)))
        series = {cell: _series(mine[mine["cell"] == cell], variable) for cell in looks}
        for cell, data in series.items():
            _trajectory(ax, data, looks[cell], banded)
        if variable == "alive" or "0 to 1" in unit:
            ax.set_ylim(0, 1)
        _years(ax)
        ends.append((ax, [_last(data, looks[cell]) for cell, data in series.items() if len(data)]))
    for ax in axes[len(variables) :]:
        ax.remove()
    for ax in axes[max(0, len(variables) - columns) : len(variables)]:
        ax.set_xlabel(MONTHS)
    _label_ends(figure, ends)
    return figure


def _last(data: pd.DataFrame, look: _Look) -> End:
    last = data.iloc[-1]
    return float(last["month"]), float(last["mean"]), look.label, look.color


def _years(ax: Axes) -> None:
    """Ticks on the month axis that fall on whole years."""
    last = ax.get_xlim()[1]
    step = next((step for step in (1, 2, 3, 6, 12, 24, 36, 60, 120, 240, 480) if last / step <= 7), 1200)
    ax.set_xticks(np.arange(0, last + 1, step))


def _series(rows: pd.DataFrame, variable: str) -> pd.DataFrame:
    """Months, mean, standard error and quartiles of one variable in one cell; "alive" is a share without spread."""
    if variable != "alive":
        return rows[rows["variable"] == variable].sort_values("month")
    everybody = rows[rows["variable"] == "value"].set_index("month")["alliances"]
    living = rows[rows["variable"] == "trust"].set_index("month")["alliances"]
    share = living.reindex(everybody.index, fill_value=0) / everybody
    blank = np.full(len(share), np.nan)
    return pd.DataFrame({"month": share.index, "mean": share.to_numpy(), "se": blank, "q25": blank, "q75": blank})


def _trajectory(ax: Axes, data: pd.DataFrame, look: _Look, banded: bool) -> None:
    months, mean, error = (data[name].to_numpy(dtype=np.float64) for name in ("month", "mean", "se"))
    if banded:
        ax.fill_between(months, data["q25"], data["q75"], color=look.color, alpha=0.10, linewidth=0)
    ax.fill_between(months, mean - 1.96 * error, mean + 1.96 * error, color=look.color, alpha=0.35, linewidth=0)
    ax.plot(months, mean, color=look.color, linestyle=look.dashes)


def _trajectory_title(monthly: pd.DataFrame, looks: Mapping[int, _Look], variable: str) -> str:
    """What the first variable came to, lowest and highest cell."""
    name = VARIABLE_WORDS[variable][0]
    ends = {}
    for cell, look in looks.items():
        data = _series(monthly[monthly["cell"] == cell], variable)
        if len(data):
            ends[look.label] = (float(data["mean"].iloc[-1]), int(data["month"].iloc[-1]))
    if not ends:
        return f"{name} over months"
    ranked = sorted(ends, key=lambda label: ends[label][0])
    low, high = ranked[0], ranked[-1]
    month = max(month for _, month in ends.values())
    if len(ranked) == 1:
        return f"{name} stands at {ends[low][0]:.2f} after {month} months ({low})"
    return (
        f"Among alliances that last, {name.lower()} comes to {ends[high][0]:.2f} in {high} "
        f"and to {ends[low][0]:.2f} in {low}"
    )


@_styled
def survival(survival: pd.DataFrame, cells: pd.DataFrame, note: str = "") -> Figure:
    """How many alliances go on, and what ended the others: stacked areas, one panel a cell, half-life marked.

    Args:
        survival: table ``survival`` of a result folder.
        cells: rows of its table ``cells`` to draw.
        note: a sentence put at the end of the caption.
    """
    looks = _looks(cells)
    lives = analysis.half_life(survival)
    rows, columns = _grid(len(looks))
    caption = (
        "Share of all alliances signed, by what became of them up to each month. Dot: the month at whose end half of "
        f"them or fewer go on. An ending is not a failure: strategic change comes from outside. {note}"
    )
    figure, axes = _frame(
        _survival_title(looks, lives), caption, 2.4 + 3.6 * rows, rows, columns, sharex=True, sharey=True
    )
    for ax, (cell, look) in zip(axes, looks.items(), strict=False):
        data = survival[survival["cell"] == cell].sort_values("month")
        ax.set_title(_wrap(look.label, PANEL_LETTERS[columns]))
        if data.empty:
            _empty(ax, "no runs")
            continue
        _areas(ax, data)
        _mark_half_life(ax, lives.get(cell, math.nan), int(data["month"].max()))
    for ax in axes[len(looks) :]:
        ax.remove()
    _years(axes[0])
    for k, ax in enumerate(axes[: len(looks)]):
        ax.grid(False)
        if k % columns == 0:
            ax.set_ylabel("share of alliances")
        if k + columns >= len(looks):
            ax.set_xlabel(MONTHS)
            ax.tick_params(labelbottom=True)
    _key(axes[columns - 1], dict(reversed(ENDINGS.items())), "What became of them")
    return figure


def _areas(ax: Axes, data: pd.DataFrame) -> None:
    floor = np.zeros(len(data))
    for name, (color, hatch) in ENDINGS.items():
        ceiling = floor + data[name].to_numpy(dtype=np.float64)
        ax.fill_between(
            data["month"], floor, ceiling, facecolor=color, hatch=hatch, edgecolor="white", linewidth=0.0, step=None
        )
        floor = ceiling
    ax.plot(data["month"], data["going on"], color=INK, linewidth=2)
    ax.set(ylim=(0, 1), xlim=(0, max(int(data["month"].max()), 1)))


def _mark_half_life(ax: Axes, month: float, last: int) -> None:
    if math.isnan(month):
        return
    ax.plot([0, month], [0.5, 0.5], color=INK, linewidth=1, linestyle=(0, (2, 2)))
    ax.plot(month, 0.5, marker="o", color=INK, markersize=9, markeredgecolor="white", markeredgewidth=1.5)
    early = month < 0.55 * last  # beside the falling line, not on it
    ax.annotate(
        f"half ended\nby month {month:.0f}", (month, 0.5), xytext=(9, 7) if early else (-9, -9),
        textcoords="offset points", ha="left" if early else "right", va="bottom" if early else "top", fontsize=12,
        fontweight="bold", linespacing=1.1,
        bbox=ON_WHITE,
    )  # fmt: skip


def _survival_title(looks: Mapping[int, _Look], lives: Mapping[int, float]) -> str:
    known = {look.label: lives.get(cell, math.nan) for cell, look in looks.items()}
    ended = {label: month for label, month in known.items() if not math.isnan(month)}
    if not ended:
        return "More than half of the alliances are still going on at the horizon"
    first = min(ended, key=lambda label: ended[label])
    if len(known) == 1:
        return f"Half of the alliances have ended by month {ended[first]:.0f}"
    if len(ended) < len(known):
        many = len(known) - len(ended)
        where = next(label for label in known if label not in ended) if many == 1 else f"{many} others"
        return f"Half have ended by month {ended[first]:.0f} in {first}; in {where} more than half go on"
    last = max(ended, key=lambda label: ended[label])
    if ended[first] == ended[last]:
        return f"Half of the alliances have ended by month {ended[first]:.0f} in every cell"
    return f"Half have ended by month {ended[first]:.0f} in {first}, but only by month {ended[last]:.0f} in {last}"


# ---------------------------------------------------------------------------------------------------------------
# A result folder: distributions
# ---------------------------------------------------------------------------------------------------------------
@_styled
def value_distribution(
    histogram: pd.DataFrame, cells: pd.DataFrame, monthly: pd.DataFrame | None = None, note: str = ""
) -> Figure:
    """Net value of the alliances at the horizon, one row a cell, with mean, 5% and 95% and the share below zero.

    Args:
        histogram: table ``histogram`` of a result folder.
        cells: rows of its table ``cells`` to draw; the first is repeated as an outline in the other rows.
        monthly: table ``monthly``, for exact means; without it they come from the histogram.
        note: a sentence put at the end of the caption.
    """
    looks = _looks(cells)
    values = {cell: _values(histogram, cell, monthly) for cell in looks}
    known = {cell: value for cell, value in values.items() if value is not None}
    sizes = [int(value.counts.sum()) for value in known.values()]
    outline = f"Grey outline: {next(iter(looks.values())).label}. " if len(looks) > 1 else ""
    caption = (
        "Each area: share of all alliances (ended ones too) by net value to both partners at the horizon, steps of "
        f"{_value_step():g} money. Diamond: mean. Bar: 5% to 95%. {outline}"
        f"What lies beyond the axis is drawn at its end, with its share. n = {_count(sizes or [0])} "
        f"alliances a cell. {note}"
    )
    title = _value_title({looks[cell].label: value for cell, value in known.items()})
    figure, axes = _frame(title, caption, 2.3 + 1.55 * len(looks), len(looks), sharex=True, sharey=True)
    if known:
        _value_rows(axes, looks, known)
    axes[-1].set_xlabel("net value at the horizon, money, both partners")
    return figure


@dataclass(frozen=True)
class _Values:
    """Value at the horizon in one cell: shares by bin, mean, quantiles, share below zero."""

    counts: Floats
    mean: float
    low: float
    high: float
    below_zero: float


def _value_step() -> float:
    edges = analysis.edges_of("value")
    return float(edges[1] - edges[0])


def _values(histogram: pd.DataFrame, cell: int, monthly: pd.DataFrame | None) -> _Values | None:
    mine = histogram[(histogram["cell"] == cell) & (histogram["variable"] == "value")]
    if mine.empty:
        return None
    month = int(mine["month"].max())
    counts = analysis.counts_of(mine, cell, "value", month)
    edges = analysis.edges_of("value")
    mean = float(np.average((edges[:-1] + edges[1:]) / 2.0, weights=counts))
    if monthly is not None:
        exact = monthly[(monthly["cell"] == cell) & (monthly["variable"] == "value") & (monthly["month"] == month)]
        mean = float(exact["mean"].iloc[0])
    cumulative = np.concatenate([[0.0], np.cumsum(counts)]) / counts.sum()
    low, high = (float(np.interp(q, cumulative, edges)) for q in (0.05, 0.95))
    return _Values(counts, mean, low, high, float(np.interp(0.0, edges, cumulative)))


def _value_title(values: Mapping[str, _Values]) -> str:
    if not values:
        return "No alliance has a value: no runs"
    by_loss = sorted(values, key=lambda label: values[label].below_zero)
    by_mean = sorted(values, key=lambda label: values[label].mean)
    best, worst = values[by_loss[0]], values[by_loss[-1]]
    if len(values) == 1:
        return f"An alliance is worth {best.mean:.0f} on average; {percent(best.below_zero)} of them lose money"
    if worst.below_zero < 0.01:
        return (
            f"Hardly any alliance loses money; the mean runs from {values[by_mean[0]].mean:.0f} in {by_mean[0]} to "
            f"{values[by_mean[-1]].mean:.0f} in {by_mean[-1]}"
        )
    return (
        f"{percent(worst.below_zero)} of alliances lose money in {by_loss[-1]}, "
        f"{percent(best.below_zero)} in {by_loss[0]}"
    )


def _value_rows(axes: Sequence[Axes], looks: Mapping[int, _Look], values: Mapping[int, _Values]) -> None:
    edges = analysis.edges_of("value")
    shares = {cell: value.counts / value.counts.sum() for cell, value in values.items()}
    used = np.flatnonzero(np.sum(list(shares.values()), axis=0))
    left, right = min(edges[used[0]], 0.0), max(edges[used[-1] + 1], 0.0)
    # The end bins hold all that lies beyond: they must not set the scale of the shape between them.
    tallest = max(float(share[1:-1].max()) for share in shares.values()) or 1.0
    first = next(iter(shares))
    for ax, (cell, look) in zip(axes, looks.items(), strict=True):
        ax.set_title(_wrap(look.label, PANEL_LETTERS[1]), color=_dark(look.color), pad=4)
        ax.yaxis.set_visible(False)
        ax.spines["left"].set_visible(False)
        ax.set(xlim=(left - 0.005 * (right - left), right), ylim=(-0.24 * tallest, 1.12 * tallest))
        if cell not in values:
            _empty(ax, "no runs")
            continue
        ax.stairs(shares[cell], edges, fill=True, color=look.color, alpha=0.25)
        ax.stairs(shares[cell], edges, color=look.color, linewidth=1.6)
        if cell != first:
            ax.stairs(shares[first], edges, color=GREY, linewidth=1.1, linestyle=(0, (2, 2)))
        ax.axvline(0.0, color=INK, linewidth=1)
        _value_marks(ax, values[cell], look, -0.12 * tallest)
        _name_beyond(ax, shares[cell], edges, tallest)


def _value_marks(ax: Axes, value: _Values, look: _Look, height: float) -> None:
    """Bar from 5% to 95%, diamond at the mean, and both numbers of interest in words."""
    ax.plot([value.low, value.high], [height, height], color=look.color, linewidth=5, solid_capstyle="butt")
    middle = min(max(value.mean, ax.get_xlim()[0]), ax.get_xlim()[1])
    ax.plot(middle, height, "D", color=look.color, markeredgecolor="white", markersize=10, clip_on=False)
    ax.text(
        1.0, 1.02, f"mean {value.mean:.0f} · below zero {percent(value.below_zero)}".replace("-", "−"),
        transform=ax.transAxes, ha="right", va="bottom", fontsize=12, color=INK,
    )  # fmt: skip


def _name_beyond(ax: Axes, shares: Floats, edges: Floats, tallest: float) -> None:
    """Say how much an end bin holds when its column does not fit."""
    for share, x, side, words in ((shares[0], edges[1], "left", "below"), (shares[-1], edges[-2], "right", "above")):
        if share > tallest:
            ax.annotate(
                f"{percent(float(share))} {words} {x:.0f}".replace("-", "−"), (x, tallest),
                xytext=(6 if side == "left" else -6, 0), textcoords="offset points", ha=side, va="top", fontsize=12,
                bbox=ON_WHITE,
            )  # fmt: skip


@_styled
def trust_humps(histogram: pd.DataFrame, cells: pd.DataFrame, variable: str = "trust", note: str = "") -> Figure:
    """Distribution of trust at several months, one column a cell; two humps at the end are marked.

    Args:
        histogram: table ``histogram`` of a result folder.
        cells: rows of its table ``cells`` to draw.
        variable: one of the variables on [0, 1].
        note: a sentence put at the end of the caption.
    """
    looks = _looks(cells)
    found = analysis.bimodality(histogram[histogram["cell"].isin(list(looks))], variable).set_index("cell")
    months = _some_months(sorted(histogram["month"].unique()))
    rows, columns = _grid(len(looks))
    caption = (
        f"Each ridge: distribution of {variable} over the alliances going on in that month (n at its right), "
        f"smoothed with a standard deviation of {analysis.BANDWIDTH:g}; areas are alike. Two humps: the valley is "
        f"below {analysis.DEEPEST_VALLEY:.0%} of the lower peak and beyond sampling error, and each side holds at "
        f"least {analysis.SMALLEST_HUMP:.0%} of the alliances. {note}"
    )
    title = _humps_title(variable, found, looks)
    figure, axes = _frame(title, caption, 2.3 + 4.6 * rows, rows, columns, sharex=True, sharey=True)
    for ax, (cell, look) in zip(axes, looks.items(), strict=False):
        ax.set_title(_wrap(look.label, PANEL_LETTERS[columns]), color=_dark(look.color))
        _ridges(ax, histogram, cell, variable, months, look)
        if cell in found.index and found.loc[cell, "humps"] == 2:
            _mark_humps(ax, found.loc[cell])
        ax.set_xlabel(VARIABLE_WORDS[variable][1])
        ax.tick_params(labelbottom=True)
    for ax in axes[len(looks) :]:
        ax.remove()
    return figure


def _some_months(months: Sequence[int]) -> list[int]:
    """First, last and up to four months between them."""
    picks = np.unique(np.round(np.linspace(0, len(months) - 1, min(6, len(months)))).astype(int))
    return [int(months[k]) for k in picks]


def _ridges(ax: Axes, histogram: pd.DataFrame, cell: int, variable: str, months: Sequence[int], look: _Look) -> None:
    edges = analysis.edges_of(variable)
    middles = (edges[:-1] + edges[1:]) / 2.0
    width = edges[1] - edges[0]
    curves = {}
    for month in months:
        counts = analysis.counts_of(histogram, cell, variable, month)
        if counts.sum() > 0:
            curves[month] = (analysis.smooth(counts, analysis.BANDWIDTH / width) / counts.sum() / width, counts.sum())
    scale = 1.35 / max((float(curve.max()) for curve, _ in curves.values()), default=1.0)
    for level, month in enumerate(months):  # later months lie lower and in front
        base = float(len(months) - 1 - level)
        ax.axhline(base, color=PALE, linewidth=0.8, zorder=2 * level)
        if month in curves:
            curve, n = curves[month]
            ax.fill_between(middles, base, base + scale * curve, color="white", linewidth=0, zorder=2 * level)
            ax.fill_between(
                middles, base, base + scale * curve, color=look.color, alpha=0.18 + 0.04 * level, linewidth=0,
                zorder=2 * level,
            )  # fmt: skip
            ax.plot(middles, base + scale * curve, color=look.color, linewidth=1.8, zorder=2 * level + 1)
            ax.text(1.01, base, f"{int(n):,}", transform=ax.get_yaxis_transform(), va="center", fontsize=11, color=GREY)
    names = [f"month {month}" for month in months]
    ax.set_yticks([float(len(months) - 1 - k) for k in range(len(months))], names)
    ax.set(xlim=(edges[0], edges[-1]), ylim=(-0.35, len(months) + 0.5))
    ax.grid(False, axis="y")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)


def _mark_humps(ax: Axes, found: pd.Series) -> None:
    for side, share in (("low_mode", "low_share"), ("high_mode", "high_share")):
        ax.plot(found[side], -0.07, marker="^", color=INK, markersize=9, clip_on=False, zorder=50)
        ax.text(found[side], -0.14, percent(found[share]), ha="center", va="top", fontsize=11, fontweight="bold")


def _humps_title(variable: str, found: pd.DataFrame, looks: Mapping[int, _Look]) -> str:
    name = VARIABLE_WORDS[variable][0]
    two = [int(cell) for cell in found.index if found.loc[cell, "humps"] == 2]
    if not two:
        return f"{name} has one hump at the horizon" + ("" if len(looks) == 1 else " in every cell")
    row = found.loc[two[0]]
    where = "" if len(looks) == 1 else f" in {looks[two[0]].label}"
    others = f" (and in {len(two) - 1} more)" if len(two) > 1 else ""
    return f"{name} ends in two humps{where}{others}: near {row['low_mode']:.2f} and near {row['high_mode']:.2f}"


# ---------------------------------------------------------------------------------------------------------------
# A result folder: causes, contrasts and factors
# ---------------------------------------------------------------------------------------------------------------
@_styled
def ledger(ledger: pd.DataFrame, cells: pd.DataFrame, layer: str = "effective", note: str = "") -> Figure:
    """What built and what destroyed trust: mean change of trust by cause as stacked bars, one a cell, total marked.

    Args:
        ledger: table ``ledger`` of a result folder.
        cells: rows of its table ``cells`` to draw.
        layer: one of ``sim.dynamics.state.LAYERS``.
        note: a sentence put at the end of the caption.
    """
    looks = _looks(cells)
    rows = ledger[(ledger["layer"] == layer) & ledger["cell"].isin(list(looks))]
    table = rows.pivot(index="cell", columns="cause", values="mean").reindex(index=list(looks), columns=list(CAUSES))
    table = table.fillna(0.0)
    shown = _lump(table)
    caption = (
        f"Mean change of a partner's {layer} trust over the life of the alliance, by cause; the causes add up to the "
        "total (diamond). All alliances, ended ones too. Contributions too small to be seen in any cell are "
        f"under other causes. {note}"
    )
    figure, axes = _frame(_ledger_title(shown, looks), caption, 2.9 + 0.95 * len(looks))
    ax = axes[0]
    span = _longest(table, gains=True) + _longest(table, gains=False) or 1.0
    for position, cell in enumerate(looks):
        _ledger_bar(ax, position, shown.loc[cell], float(table.loc[cell].sum()), span)
    ax.set_yticks(range(len(looks)), [_wrap(look.label, 22) for look in looks.values()])
    ax.set_ylim(len(looks) - 0.4, -0.75)
    ax.axvline(0.0, color=INK, linewidth=1.2)
    ax.set_xlabel(f"change of {layer} trust since the signature (scale 0 to 1)")
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.margins(x=0.03)
    _key(ax, {_cause(cause): CAUSE_LOOKS[cause] for cause in shown}, "Cause")
    return figure


def _cause(cause: str) -> str:
    return "other causes" if cause == "other" else CAUSE_WORDS[cause]


def _longest(table: pd.DataFrame, gains: bool) -> float:
    """Length of the longest stack of gains, or of losses."""
    side = table.clip(lower=0.0) if gains else -table.clip(upper=0.0)
    return float(side.sum(axis=1).max())


def _lump(table: pd.DataFrame) -> pd.DataFrame:
    """Causes from the most building to the most destroying; those below 2% of the longest stack become "other".

    "other" is left out when nobody could see it.
    """
    longest = max(_longest(table, gains=True), _longest(table, gains=False))
    small = [cause for cause in table if float(table[cause].abs().max()) <= 0.02 * longest]
    kept = table.drop(columns=small)
    kept = kept[kept.iloc[-1 if len(kept) > MOST_CELLS else 0].sort_values(ascending=False, kind="stable").index]
    if small and float(table[small].sum(axis=1).abs().max()) > 0.005 * longest:
        kept["other"] = table[small].sum(axis=1)
    return kept


def _ledger_bar(ax: Axes, position: int, row: pd.Series, total: float, span: float) -> None:
    """One stacked bar: gains to the right of zero, losses to the left, the largest next to it; its total above it."""
    ends = {True: 0.0, False: 0.0}
    for cause in row.abs().sort_values(ascending=False, kind="stable").index:
        change = float(row[cause])
        color, hatch = CAUSE_LOOKS[cause]
        gain = change >= 0
        ax.barh(
            position, change, left=ends[gain], height=0.56, color=color, hatch=hatch, edgecolor="white", linewidth=0.8
        )
        if abs(change) > 0.075 * span:
            ax.text(
                ends[gain] + change / 2.0, position, signed(change), ha="center", va="center", fontsize=11,
                bbox=ON_WHITE,
            )  # fmt: skip
        ends[gain] += change
    ax.plot(total, position - 0.43, "D", color=INK, markersize=8, markeredgecolor="white", zorder=5)
    ax.annotate(
        f"total {signed(total)}", (total, position - 0.43), xytext=(9, 0), textcoords="offset points", va="center",
        ha="left", fontsize=12, fontweight="bold",
        bbox=ON_WHITE,
    )  # fmt: skip


def _ledger_title(table: pd.DataFrame, looks: Mapping[int, _Look]) -> str:
    if table.empty or table.shape[1] == 0 or float(table.abs().to_numpy().max()) == 0.0:
        return "Trust does not move"
    builds = {label: str(table.loc[cell].idxmax()) for cell, label in ((c, v.label) for c, v in looks.items())}
    costs = {label: str(table.loc[cell].idxmin()) for cell, label in ((c, v.label) for c, v in looks.items())}
    reference = next(iter(builds))
    title = f"Trust is built mostly by {_cause(builds[reference])} and lost mostly to {_cause(costs[reference])}"
    odd = [label for label in costs if costs[label] != costs[reference]]
    if odd:
        return f"{title}; in {odd[0]} mostly to {_cause(costs[odd[0]])}"
    return title


@_styled
def contrasts(paired: pd.DataFrame, note: str = "") -> Figure:
    """Differences from the reference with their 95% intervals, one panel an outcome, one row a cell.

    Args:
        paired: what :func:`sim.study.analysis.paired` returns.
        note: a sentence put at the end of the caption.
    """
    outcomes = list(dict.fromkeys(paired["outcome"]))
    names = list(dict.fromkeys(zip(paired["cell"], paired["label"], strict=True)))
    reference = str(paired["reference"].iloc[0])
    labels = short_labels([reference, *(label for _, label in names)])
    rows, columns = _grid(len(outcomes))
    caption = (
        f"Dot and bar: mean difference from {labels[0]} and its 95% t interval over replicates that share their random "
        "draws. Filled: the interval excludes zero. Hollow: it does not (or there is none, with a single replicate). "
        f"n = {_count([int(n) for n in paired['n']])} paired replicates. {note}"
    )
    height = 2.3 + rows * (1.0 + 0.55 * len(names))
    title = _contrast_title(paired, dict(zip([reference, *(label for _, label in names)], labels, strict=True)))
    figure, axes = _frame(title, caption, height, rows, columns, sharey=True)
    for k, (ax, outcome) in enumerate(zip(axes, outcomes, strict=False)):
        _forest(ax, paired[paired["outcome"] == outcome].set_index("cell"), [cell for cell, _ in names], outcome)
        if k % columns == 0:
            ax.set_yticks(range(len(names)), [_wrap(label, 26) for label in labels[1:]])
        ax.set_ylim(len(names) - 0.4, -0.6)
    for ax in axes[len(outcomes) :]:
        ax.remove()
    return figure


def _forest(ax: Axes, rows: pd.DataFrame, cells: Sequence[int], outcome: str) -> None:
    about = OUTCOMES[outcome]
    scale = analysis.in_unit(1.0, about.unit)
    halves = scale * (rows["high"] - rows["low"]) / 2.0
    digits = analysis.decimals_for(float(halves[halves > 0].median()), scale * float(rows["difference"].abs().max()))
    for position, cell in enumerate(cells):
        row = rows.loc[cell]
        difference, low, high = (scale * float(row[key]) for key in ("difference", "low", "high"))
        if math.isnan(difference):
            ax.text(
                0.02, position, "not defined", va="center", fontsize=12, color=GREY, transform=ax.get_yaxis_transform()
            )
            continue
        clear = low > 0.0 or high < 0.0
        color = BLUE if difference >= 0.0 else VERMILLION
        if not math.isnan(low):
            ax.plot([low, high], [position, position], color=color, linewidth=3, solid_capstyle="butt")
        ax.plot(
            difference, position, "o", markersize=8, color=color, markeredgewidth=2,
            markerfacecolor=color if clear else "white",
        )  # fmt: skip
        ax.annotate(
            signed(difference, digits), (difference, position), xytext=(0, 9), textcoords="offset points",
            ha="center", va="bottom", fontsize=12,
            bbox=ON_WHITE,
        )  # fmt: skip
    ax.axvline(0.0, color=INK, linewidth=1.2, linestyle=(0, (4, 2)))
    unit = "percentage points" if about.unit == "share" else about.unit
    ax.set(title=textwrap.fill(outcome_words(outcome).capitalize(), 30), xlabel=f"difference, {unit}")
    ax.margins(x=0.18)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def _contrast_title(paired: pd.DataFrame, short: Mapping[str, str]) -> str:
    lead = paired[paired["outcome"] == paired["outcome"].iloc[0]].dropna(subset=["difference"])
    words, reference = outcome_words(str(paired["outcome"].iloc[0])), short[str(paired["reference"].iloc[0])]
    if lead.empty:
        return f"No replicate allows a comparison of {words} with {reference}"
    largest = lead.loc[lead["difference"].abs().idxmax()]
    if len(lead) == 1:
        text = analysis.sentence(largest).split(" (")[0]
        return text[0].upper() + text[1:]
    clear = int(((lead["low"] > 0) | (lead["high"] < 0)).sum())
    how_many = "all" if clear == len(lead) else f"{clear} of"
    way = "falls" if largest["difference"] < 0 else "rises"
    return (
        f"{words.capitalize()} differs from {reference} in {how_many} {len(lead)} cells; "
        f"it {way} most in {short[str(largest['label'])]}"
    )


@_styled
def heat_map(runs: pd.DataFrame, x: str, y: str, outcome: str, note: str = "") -> Figure:
    """Mean of an outcome for every combination of two factors, written into the fields.

    Args:
        runs: table ``runs`` of a result folder.
        x, y: names of two of its columns, numbers or words.
        outcome: name of an outcome. Its mean is over replicates, and over all other factors.
        note: a sentence put at the end of the caption.
    """
    about = OUTCOMES[outcome]
    scale = analysis.in_unit(1.0, about.unit)
    levels = {name: _levels(runs[name]) for name in (x, y)}
    means = runs.groupby([y, x])[outcome].mean().unstack().reindex(index=levels[y], columns=levels[x]) * scale
    numbers = means.to_numpy(dtype=np.float64)
    unit = "%" if about.unit == "share" else about.unit
    counts = runs.groupby([y, x])[outcome].count()
    caption = (
        f"Each field: mean of {outcome_words(outcome)} over replicates (and over all factors not shown), {unit}. "
        f"n = {_count([int(n) for n in counts])} runs a field. Hatched: no runs. {note}"
    )
    height = 2.6 + max(2.4, 0.75 * len(levels[y]))
    figure, axes = _frame(_heat_title(means, x, y, outcome, unit), caption, height)
    ax = axes[0]
    colors, norm = _colours(numbers)
    image = ax.pcolormesh(np.ma.masked_invalid(numbers), cmap=colors, norm=norm, edgecolors="white", linewidth=2)
    _write_fields(ax, numbers, image)
    ax.set_xticks(np.arange(len(levels[x])) + 0.5, [_level(level) for level in levels[x]])
    ax.set_yticks(np.arange(len(levels[y])) + 0.5, [_level(level) for level in levels[y]])
    ax.set(xlabel=label_words(x), ylabel=label_words(y))
    ax.grid(False)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(image, ax=ax, pad=0.02, aspect=30)
    bar.outline.set_visible(False)
    bar.set_label(f"{outcome_words(outcome)}, {unit}")
    return figure


def _levels(column: pd.Series) -> list[Any]:
    """Levels of a factor: numbers in order, words as they come."""
    found = list(dict.fromkeys(column))
    numeric = all(isinstance(level, (int, float, np.number)) and not isinstance(level, bool) for level in found)
    return sorted(found) if numeric else found


def _level(level: Any) -> str:
    if isinstance(level, (bool, np.bool_)):
        return "yes" if level else "no"
    return f"{level:g}" if isinstance(level, (int, float, np.number)) else textwrap.fill(label_words(str(level)), 18)


def _colours(numbers: Floats) -> tuple[str, Normalize]:
    """Cividis, even to the eye; from brown over white to teal around zero when the outcome crosses it."""
    finite = numbers[np.isfinite(numbers)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    if low < 0.0 < high:
        reach = max(-low, high)
        return "BrBG", TwoSlopeNorm(0.0, -reach, reach)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return "cividis", Normalize(low, high)


def _write_fields(ax: Axes, numbers: Floats, image: Any) -> None:
    ax.set_facecolor("#f2f2f2")
    spread = float(np.nanmax(numbers) - np.nanmin(numbers)) if np.isfinite(numbers).any() else 0.0
    digits = analysis.decimals_for(spread / 20.0, float(np.nanmax(np.abs(numbers)))) if spread > 0 else 2
    for (row, column), number in np.ndenumerate(numbers):
        if math.isnan(number):
            ax.fill_between(
                [column, column + 1], row, row + 1, facecolor="none", hatch="//", edgecolor=PALE, linewidth=0
            )
            continue
        red, green, blue, _ = image.cmap(image.norm(number))
        dark = 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.5
        ax.text(
            column + 0.5, row + 0.5, f"{number:.{digits}f}".replace("-", "−"), ha="center", va="center", fontsize=13,
            color="white" if dark else INK,
        )  # fmt: skip


def _heat_title(means: pd.DataFrame, x: str, y: str, outcome: str, unit: str) -> str:
    """Where the outcome is lowest and where it is highest."""
    stacked = means.stack().dropna()
    name = outcome_words(outcome).capitalize()
    if stacked.empty:
        return f"{name} by {label_words(x)} and {label_words(y)}: no runs"
    digits = analysis.decimals_for((stacked.max() - stacked.min()) / 20.0, float(stacked.abs().max()))
    (low_y, low_x), (high_y, high_x) = stacked.idxmin(), stacked.idxmax()
    sign = "%" if unit == "%" else ""

    def said(number: float, at_x: Any, at_y: Any) -> str:
        shown = f"{number:.{digits}f}".replace("-", "−")
        return f"{shown}{sign} ({factor_words(x)} {_level(at_x)}, {factor_words(y)} {_level(at_y)})"

    return f"{name} runs from {said(stacked.min(), low_x, low_y)} to {said(stacked.max(), high_x, high_y)}"


# ---------------------------------------------------------------------------------------------------------------
# One history
# ---------------------------------------------------------------------------------------------------------------
HAPPENINGS = {
    "contingency met together": ("^", GREEN),
    "contingency not met": ("v", VERMILLION),
    "hard talk": ("o", BLUE),
    "blame": ("X", ORANGE),
    "problem left unsaid": ("s", GREY),
    "shirking noticed": ("P", PURPLE),
    "breach of faith": ("D", INK),
    "key person leaves": ("<", SKY),
    "end": ("*", INK),
}
"""Marker and colour of what can happen to an alliance in a month."""


HISTORY_PANELS: tuple[tuple[str, str, tuple[float, float] | None, list[tuple[str, str, str, Any, float]]], ...] = (
    ("Trust", "trust (0 to 1)", (0, 1), [
        ("effective", "effective", INK, "-", 2.6), ("trust", "organizational", BLUE, (0, (6, 2)), 2.0),
        ("personal", "personal", VERMILLION, (0, (1.5, 1.5)), 2.0)]),
    ("Relation", "share (0 to 1)", (0, 1), [
        ("communication", "communication", GREEN, "-", 2.2), ("ties", "personal ties", ORANGE, (0, (6, 2)), 2.2),
        ("gap", "working gap", PURPLE, (0, (1.5, 1.5)), 2.2)]),
    ("Expectation and result", "money/month,\neach partner", None, [
        ("result", "result", PALE, "-", 1.4), ("smoothed", "result, smoothed", BLUE, "-", 2.4),
        ("expectation", "expectation", VERMILLION, (0, (6, 2)), 2.4)]),
    ("Value so far", "money,\nboth partners", None, [("value", "net value", INK, "-", 2.4)]),
)  # fmt: skip
"""Panels of a history: title, unit, limits, and of each line: key, name, colour, dashes, width."""


def happenings(history: History, alliance: int | None) -> dict[str, Floats]:
    """For each kind of :data:`HAPPENINGS`, in how many alliances it happened, by month (months + 1,)."""
    a = history.alliances if alliance is None else history.alliances[:, alliance - 1 : alliance]
    ledger = history.ledger if alliance is None else history.ledger[:, alliance - 1 : alliance]
    months = np.arange(len(a))[:, None]
    lived = (months > 0) & ((a["alive"] == 1) | (a["ended"] == months))
    met = (a["adapted"] == 1).all(-1)
    breach = np.zeros(lived.shape, dtype=bool)
    breach[1:] = (ledger[:, :, :, EFFECTIVE, BY_BREACH] != 0.0).any(-1)
    found = {
        "contingency met together": (a["contingency"] == 2) & met,
        "contingency not met": (a["contingency"] == 2) & ~met,
        "hard talk": (a["talk"] == HARD_TALK).any(-1),
        "blame": (a["talk"] == BLAME).any(-1),
        "problem left unsaid": (a["talk"] == FESTERING).any(-1),
        "shirking noticed": (a["problem"] == SHIRKING).any(-1),
        "breach of faith": breach,
        "key person leaves": (a["turnover"] == 1).any(-1),
        "end": a["ended"] == months,
    }
    return {kind: (happened & lived).sum(1).astype(np.float64) for kind, happened in found.items()}


def _events_of(history: History, alliance: int | None) -> list[Event]:
    """The enabled dated events that touch the alliance."""
    scenario = history.scenario
    if alliance is None:
        return [event for event in scenario.events if event.enabled]
    partners = {int(row) for row in history.alliances[0, alliance - 1].org}
    ended = int(history.alliances[-1, alliance - 1].ended) or scenario.months
    return [
        event
        for event in scenario.events
        if event.enabled
        and event.month <= ended
        and (event.kind == "crash" or partners & set(scenario.rows(event.who)))
    ]


def _lines(history: History, alliance: int | None) -> dict[str, Floats]:
    """Mean of both sides by month, of one alliance or of all that go on; NaN where there is nothing."""
    a = history.alliances if alliance is None else history.alliances[:, alliance - 1 : alliance]
    months = np.arange(len(a))[:, None]
    lived = (a["alive"] == 1) | ((a["ended"] == months) & (a["ended"] > 0))
    worked = lived & (months > 0)
    lines = {}
    for name in ("trust", "personal", "effective", "expectation", "communication", "ties", "gap"):
        values = np.asarray(a[name]).mean(-1) if a[name].ndim == 3 else np.asarray(a[name])
        lines[name] = _mean_where(values, lived)
    lines["result"] = _mean_where(np.asarray(a["net"]).mean(-1), worked)
    lines["smoothed"] = _mean_where(np.asarray(a["smoothed"]).mean(-1), lived)
    lines["value"] = _mean_where(np.asarray(a["value"]).sum(-1), lived | (alliance is None))
    return lines


def _mean_where(values: Floats, where: NDArray[np.bool_]) -> Floats:
    counts = where.sum(-1)
    sums = np.where(where, values, 0.0).sum(-1)
    return np.divide(sums, counts, out=np.full(counts.shape, np.nan), where=counts > 0)


@_styled
def history(history: History, alliance: int | None = None) -> Figure:
    """One alliance, or the mean of all, month by month: trust, relation, money, and what happened when.

    Args:
        history: what :func:`sim.engine.simulate_history` returns.
        alliance: its number, from 1; None for the mean of all alliances.

    Raises:
        ValueError: when there is no such alliance.
    """
    alliance = choose_alliance(history, alliance)
    lines = _lines(history, alliance)
    events = _events_of(history, alliance)
    happened = happenings(history, alliance)
    caption = _history_caption(history, alliance)
    panels = [2.7, 2.7, 2.4, 1.9, 3.0]
    figure, axes = _frame(
        _history_title(history, alliance), caption, 2.0 + sum(panels), 5, sharex=True,
        gridspec_kw={"height_ratios": panels},
    )  # fmt: skip
    axes[0].set_xlim(0, _shown_until(history, alliance))
    for ax, (title, unit, limits, parts) in zip(axes, HISTORY_PANELS, strict=False):
        ax.set(title=title, ylabel=unit)
        if limits:
            ax.set_ylim(*limits)
        for name, _, color, dashes, width in parts:
            ax.plot(np.arange(len(lines[name])), lines[name], color=color, linestyle=dashes, linewidth=width)
    _rows_of_happenings(axes[-1])
    if alliance is None:
        axes[-1].set_title("What happened, for each alliance going on and year")
        _rates(axes[-1], happened, _living(history))
    else:
        _track(axes[-1], happened)
        _name_end(axes[-1], history.alliances[-1, alliance - 1])
    _date_lines(axes, events)
    _years(axes[0])
    axes[-1].set_xlabel(MONTHS)
    ends = [
        (ax, [_end(lines[name], words, color) for name, words, color, _, _ in parts])
        for ax, (_, _, _, parts) in zip(axes, HISTORY_PANELS, strict=False)
    ]
    _label_ends(figure, ends)
    return figure


def _shown_until(history: History, alliance: int | None) -> int:
    """Last month of the axis: the horizon, or some time after the end of an alliance that ended early."""
    horizon = max(history.scenario.months, 1)
    ended = 0 if alliance is None else int(history.alliances[-1, alliance - 1].ended)
    return min(horizon, math.ceil(1.25 * ended) + 2) if ended else horizon


def _end(line: Floats, words: str, color: str) -> End:
    defined = np.flatnonzero(~np.isnan(line))
    last = int(defined[-1]) if len(defined) else 0
    return float(last), float(line[last]) if len(defined) else 0.0, words, GREY if color == PALE else color


def _rows_of_happenings(ax: Axes) -> None:
    ax.set_title("What happened")
    ax.set_yticks(range(len(HAPPENINGS)), list(HAPPENINGS))
    ax.set_ylim(len(HAPPENINGS) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def _living(history: History) -> Floats:
    """Alliances that lived at the start of each month, (months + 1,); month 0 counts those signed."""
    alive = (history.alliances["alive"] == 1).sum(1).astype(np.float64)
    return np.concatenate([alive[:1], alive[:-1]])


def _track(ax: Axes, happened: Mapping[str, Floats]) -> None:
    """A row for each kind of happening, a symbol in each month in which it happened."""
    for row, (kind, (marker, color)) in enumerate(HAPPENINGS.items()):
        months = np.flatnonzero(happened[kind])
        ax.scatter(
            months, np.full(len(months), row), s=200.0 if marker == "*" else 85.0, marker=marker, color=color,
            edgecolors="white", linewidths=0.6, zorder=3,
        )  # fmt: skip


def _rates(ax: Axes, happened: Mapping[str, Floats], living: Floats) -> None:
    """A row for each kind of happening: its rate an alliance and year, year by year, as columns on a common scale."""
    years = np.array_split(np.arange(1, len(living)), range(12, len(living) - 1, 12))
    exposed = [max(float(living[year].sum()), 1.0) for year in years]
    rates = {
        kind: [12.0 * happened[kind][year].sum() / months for year, months in zip(years, exposed, strict=True)]
        for kind in HAPPENINGS
    }
    highest = max(max(row) for row in rates.values()) or 1.0
    edges = [float(year[0] - 1) for year in years] + [float(years[-1][-1])]
    for row, (kind, (_, color)) in enumerate(HAPPENINGS.items()):
        tops = row + 0.4 - 0.8 * np.array(rates[kind]) / highest
        ax.stairs(tops, edges, baseline=row + 0.4, fill=True, color=color, alpha=0.85)
        mean = 12.0 * happened[kind][1:].sum() / sum(exposed)
        ax.text(
            1.03, row, f"{mean:.2f} a year", transform=ax.get_yaxis_transform(), va="center", fontsize=12,
            color=_dark(color), fontweight="bold",
        )  # fmt: skip


def _name_end(ax: Axes, tie: Any) -> None:
    """Write the cause beside the symbol of the end."""
    if tie.cause > 0:
        ax.annotate(
            CAUSES_OF_ENDING[int(tie.cause)], (int(tie.ended), list(HAPPENINGS).index("end")), xytext=(8, 0),
            textcoords="offset points", va="center", fontsize=12, fontweight="bold",
        )  # fmt: skip


def _date_lines(axes: Sequence[Axes], events: Sequence[Event]) -> None:
    """Dated events as thin lines through all panels, named above the first one on as many levels as they need."""
    span = axes[0].get_xlim()[1]
    events = [event for event in events if event.month <= span]
    ends: list[float] = []
    levels = []
    for event in sorted(events, key=lambda event: event.month):
        room = span * 0.0135 * (len(_event_words(event)) + 2)  # a character is about 1.3% of the axis
        start = event.month if event.month + room < span else event.month - room
        level = next((k for k, end in enumerate(ends) if end <= start), len(ends))
        ends[level : level + 1] = [start + room]
        levels.append((event, level, start != event.month))
    for event, level, left in levels:
        for ax in axes:
            ax.axvline(event.month, color=GREY, linewidth=1, linestyle=(0, (1, 2)), zorder=1)
        axes[0].annotate(
            _event_words(event), (event.month, 1.0), xycoords=("data", "axes fraction"),
            xytext=(-3 if left else 3, 6 + 16 * level), textcoords="offset points", fontsize=12, fontweight="bold",
            ha="right" if left else "left", va="bottom", color=INK, annotation_clip=False,
        )  # fmt: skip
    if events:
        axes[0].set_title(axes[0].get_title(loc="left"), pad=12 + 16 * len(ends))


def _event_words(event: Event) -> str:
    default = f"{event.kind}@{event.month}"
    name = event.kind if event.name == default else event.name
    return f"{label_words(name)} (month {event.month})"


def _history_title(history: History, alliance: int | None) -> str:
    name = alliance_name(history, alliance)
    start_of_line = name[0].upper() + name[1:]
    end = history.alliances[-1]
    if alliance is None:
        going = int((end["alive"] == 1).sum())
        scenario = label_words(history.scenario.name).capitalize()
        return f"{scenario}, {name}: {going} go on after {history.scenario.months} months"
    tie = end[alliance - 1]
    start, last = float(np.mean(tie.trust_start)), float(np.mean(tie.effective))
    moved = f"trust goes from {start:.2f} to {last:.2f}"
    if tie.alive == 1:
        return f"{start_of_line}: {moved}, still going on after {history.scenario.months} months"
    return f"{start_of_line}: {moved}; ended in month {int(tie.ended)} by {CAUSES_OF_ENDING[int(tie.cause)]}"


def _history_caption(history: History, alliance: int | None) -> str:
    run = f"Scenario {label_words(history.scenario.name)}, seed {history.seed}, replicate {history.replicate}."
    if alliance is None:
        return (
            "Lines: mean of both partners over the alliances still going on (value: over all). Columns below: how "
            "often it happened to an alliance in a year, all on one scale; at the right the mean. Dotted lines: dated "
            "events. "
            f"{run}"
        )
    return f"Lines: mean of both partners. Symbols: the month in which it happened. Dotted lines: dated events. {run}"


@_styled
def history_ledger(history: History, alliance: int | None = None, layer: str = "effective") -> Figure:
    """What built and destroyed trust, added up month by month, and below it the sum: trust itself.

    Args:
        history: what :func:`sim.engine.simulate_history` returns.
        alliance: its number, from 1; None for the mean of all alliances.
        layer: "effective".

    Raises:
        ValueError: when there is no such alliance.
    """
    alliance = choose_alliance(history, alliance)
    a = history.alliances if alliance is None else history.alliances[:, alliance - 1 : alliance]
    entries = history.ledger if alliance is None else history.ledger[:, alliance - 1 : alliance]
    monthly = entries[:, :, :, EFFECTIVE].mean(axis=(1, 2))
    summed = pd.DataFrame(np.vstack([np.zeros(len(CAUSES)), np.cumsum(monthly, axis=0)]), columns=list(CAUSES))
    trust = np.asarray(a["effective"]).mean(axis=(1, 2))
    shown = _lump(summed)
    caption = (
        "Above: effective trust, mean of both partners. Below: what each cause has added to it (above zero) and taken "
        "from it (below) since the signature; the black line is their sum, so it has the shape of the line above. "
        + ("Alliances that ended keep what they had. " if alliance is None else "")
        + f"Scenario {label_words(history.scenario.name)}, seed {history.seed}, replicate {history.replicate}."
    )
    name = alliance_name(history, alliance)
    title = f"{name[0].upper()}{name[1:]}: {_gross(summed)}"
    figure, axes = _frame(title, caption, 9.6, 2, sharex=True, gridspec_kw={"height_ratios": [1, 2.3]})
    last = max(int(end) or history.scenario.months for end in a["ended"][-1])
    months = np.arange(last + 1)
    axes[0].plot(months, trust[: last + 1], color=INK, linewidth=2.6)
    axes[0].set(ylim=(0, 1), ylabel="trust (0 to 1)", title="Effective trust")
    axes[0].set_xlim(0, _shown_until(history, alliance))
    _stack(axes[1], months, shown.iloc[: last + 1])
    axes[1].set(ylabel="change since the signature", xlabel=MONTHS, title="What it is made of")
    _date_lines(axes, _events_of(history, alliance))
    _years(axes[0])
    _key(axes[1], {_cause(cause): CAUSE_LOOKS[cause] for cause in shown}, "Cause")
    return figure


def _stack(ax: Axes, months: NDArray[np.int64], summed: pd.DataFrame) -> None:
    """Cumulated gains stacked upwards from zero, losses downwards, the largest next to zero; their sum as a line."""
    tops, bottoms = np.zeros(len(months)), np.zeros(len(months))
    for cause in summed.abs().iloc[-1].sort_values(ascending=False, kind="stable").index:
        color, hatch = CAUSE_LOOKS[cause]
        look: dict[str, Any] = {"facecolor": color, "hatch": hatch, "edgecolor": "white", "linewidth": 0.4}
        gain, loss = summed[cause].clip(lower=0.0).to_numpy(), summed[cause].clip(upper=0.0).to_numpy()
        ax.fill_between(months, tops, tops + gain, **look)
        ax.fill_between(months, bottoms, bottoms + loss, **look)
        tops, bottoms = tops + gain, bottoms + loss
    total = summed.sum(axis=1).to_numpy()
    ax.plot(months, total, color="white", linewidth=5)
    ax.plot(months, total, color=INK, linewidth=2.6)
    ax.axhline(0.0, color=INK, linewidth=1)


def _gross(summed: pd.DataFrame) -> str:
    """What was gained and lost in all."""
    end = summed.iloc[-1]
    gained, lost = float(end.clip(lower=0.0).sum()), float(end.clip(upper=0.0).sum())
    return f"{signed(gained)} of trust built and {signed(lost)} destroyed make {signed(gained + lost)}"


# ---------------------------------------------------------------------------------------------------------------
# All of them, and files
# ---------------------------------------------------------------------------------------------------------------
def draw_all(stored: Stored) -> dict[str, Figure]:
    """Every figure that a result folder has the data for, by name.

    Survival is drawn when an alliance ended; contrasts need two cells; heat maps two factors with two levels or more;
    humps are drawn when trust at the horizon has two humps in some cell. With more than :data:`MOST_CELLS` cells the
    figures over months show a choice of them.
    """
    tables = stored.tables
    runs = tables["runs"]
    outcomes = [name for name in stored.manifest["outcomes"] if name in runs]
    done = tables["cells"][tables["cells"]["cell"].isin(runs["cell"].unique())]
    chosen = analysis.spread_cells(runs, outcomes[0], MOST_CELLS)
    cells = done[done["cell"].isin(chosen)]
    note = "" if len(cells) == len(done) else _choice(len(cells), len(done), outcomes[0])
    figures = {
        "trajectories": trajectories(tables["monthly"], cells, note=note),
        "value_distribution": value_distribution(tables["histogram"], cells, tables["monthly"], note),
        "ledger": ledger(tables["ledger"], cells, note=note),
    }
    if (tables["survival"]["going on"] < 1.0).any():
        figures["survival"] = survival(tables["survival"], cells, note)
    humps = analysis.bimodality(tables["histogram"])
    if (humps["humps"] == 2).any():
        figures["trust_humps"] = trust_humps(tables["histogram"], _humped(done, humps, chosen), note=note)
    if len(done) > 1:
        reference = int(done["cell"].iloc[0])
        some = analysis.spread_cells(runs, outcomes[0], MOST_CONTRASTS)
        left_out = "" if len(some) == len(done) else _choice(len(some), len(done), outcomes[0])
        figures["contrasts"] = contrasts(analysis.paired(runs[runs["cell"].isin(some)], reference, outcomes), left_out)
    return figures | _heat_maps(stored, runs, outcomes[0])


def _choice(shown: int, done: int, outcome: str) -> str:
    return f"{shown} of {done} cells: the reference and others spread over the ranking by {outcome_words(outcome)}."


def _humped(cells: pd.DataFrame, humps: pd.DataFrame, chosen: Sequence[int]) -> pd.DataFrame:
    """The cells to show humps of: those that have two first, filled up with the chosen ones."""
    two = [int(cell) for cell in humps.loc[humps["humps"] == 2, "cell"]]
    shown = (two + [cell for cell in chosen if cell not in two])[:MOST_CELLS]
    return cells[cells["cell"].isin(shown)]


def _heat_maps(stored: Stored, runs: pd.DataFrame, outcome: str) -> dict[str, Figure]:
    """A heat map of the first two factors that vary, for each scenario."""
    factors = [name for name in stored.manifest["design"]["factors"] if name in runs and runs[name].nunique() > 1]
    if len(factors) < 2:
        return {}
    scenarios = list(dict.fromkeys(runs["scenario"]))
    single = len(scenarios) == 1
    return {
        "heat_map" if single else f"heat_map_{scenario}": heat_map(
            runs[runs["scenario"] == scenario], factors[1], factors[0], outcome, f"Scenario {label_words(scenario)}."
        )
        for scenario in scenarios[:MOST_CELLS]
    }


@_styled
def save(figure: Figure, folder: Path | str, name: str) -> list[Path]:
    """Write a figure as PNG (150 dots an inch) and SVG (text stays text); the same bytes for the same figure.

    Returns:
        The two paths, PNG first.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, dpi=DPI, metadata=metadata)
        path = folder / f"{name}.{kind}"
        write_file(path, buffer.getvalue())
        paths.append(path)
    return paths
