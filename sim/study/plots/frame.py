"""What all figures share: colours and looks, style, the frame with its title and caption, labels and keys."""

from __future__ import annotations

import functools
import io
import math
import textwrap
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Patch
from matplotlib.text import Annotation, Text
from matplotlib.typing import ColorType
from numpy.typing import ArrayLike, NDArray

from sim.study.analysis import short_labels
from sim.study.plots.backend import unheard
from sim.sweeps.files import write_file
from sim.text import visible

Floats = NDArray[np.float64]
P = ParamSpec("P")
R = TypeVar("R")

DPI = 150
"""Dots an inch."""
WIDTH = 12.0
"""Width of every figure, inches."""

MOST_CELLS = 6
"""More cells than this in one figure cannot be told apart; a choice is drawn and the caption says so."""

INK, GREY, PALE = "#222222", "#6b6b6b", "#d9d9d9"
BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, YELLOW = (
    "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#F0E442",
)  # fmt: skip
"""The palette of Okabe and Ito."""

MISSING_LETTER = r"Glyph \d+ .* missing from font"
"""How Matplotlib warns, for each letter and each time, of a name that its font cannot write; it draws a box."""

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
    "text.parse_math": False,
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "svg.fonttype": "none",
    "svg.hashsalt": "alliance-trust",
}
"""Settings of Matplotlib for every figure. Names come from the user's files: a dollar sign in one is no formula."""

LOOKS = (
    (INK, "-"),
    (BLUE, (0, (6, 2))),
    (VERMILLION, (0, (7, 2, 1.5, 2))),
    (GREEN, (0, (1.5, 1.5))),
    (ORANGE, (0, (10, 3))),
    (PURPLE, (0, (4, 1.5, 1, 1.5, 1, 1.5))),
)
"""Colour and dashes of the cells in their order; the reference comes first, in black."""

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

PANEL_LETTERS = {1: 80, 2: 44, 3: 22}
"""Letters that fit over a panel, by the number of columns."""

MOST_BANDS = 4
"""With more lines than this, bands of the middle half would hide each other."""

ON_WHITE: dict[str, Any] = {"boxstyle": "round,pad=0.15", "facecolor": "white", "alpha": 0.88, "linewidth": 0}
"""The ground of text that stands on data."""

MONTHS = "months since the signature"
"""Name of the month axis."""


# ---------------------------------------------------------------------------------------------------------------
# Looks
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Look:
    """How a cell is drawn everywhere."""

    label: str
    color: str
    dashes: Any


def looks_of(cells: pd.DataFrame) -> dict[int, Look]:
    """The look of each cell, by its number; at most :data:`MOST_CELLS` can be told apart."""
    labels = short_labels([str(label) for label in cells["label"]])
    return {
        int(cell): Look(label, *LOOKS[k % len(LOOKS)])
        for k, (cell, label) in enumerate(zip(cells["cell"], labels, strict=True))
    }


def luminance(color: ColorType) -> float:
    """How bright a colour is to the eye, 0 to 1 (weights of ITU-R BT.709)."""
    red, green, blue = to_rgb(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def darkened(color: ColorType) -> tuple[float, float, float]:
    """A colour deep enough for text on white."""
    red, green, blue = to_rgb(color)
    depth = min(1.0, 0.33 / max(luminance(color), 1e-9))
    return red * depth, green * depth, blue * depth


# ---------------------------------------------------------------------------------------------------------------
# The frame of a figure
# ---------------------------------------------------------------------------------------------------------------
def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Draw in :data:`STYLE`, whatever the caller has set; a letter that the font lacks is a box, without a word."""

    @functools.wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        with unheard(), mpl.rc_context(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", MISSING_LETTER)
            mpl.rcdefaults()
            mpl.rcParams.update(STYLE)  # type: ignore[arg-type]
            return draw(*args, **kwargs)

    return inside


def new_figure(
    title: str,
    caption: str,
    height: float,
    rows: int = 1,
    columns: int = 1,
    panels: int | None = None,
    **options: Any,
) -> tuple[Figure, list[Axes]]:
    """An empty figure with its title, its caption below and a grid of axes.

    Args:
        title: what came out; broken into lines.
        caption: what lines and areas are; broken into lines.
        height: inches; the width is :data:`WIDTH`.
        rows, columns: the grid.
        panels: how many of its fields are used; all without it.
        options: for ``Figure.subplots``.

    Returns:
        The figure, and the axes in use, row by row.
    """
    figure = Figure(
        figsize=(WIDTH, height), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1, wspace=0.02, hspace=0.02)
    )
    FigureCanvasAgg(figure)
    told = textwrap.fill(title, _letters(title, 74))
    figure.suptitle(told, x=0.012, ha="left", fontsize=18, fontweight="bold", color=INK, linespacing=1.25)
    figure.supxlabel(_even_lines(caption, 142), x=0.012, ha="left", fontsize=11, color=GREY, linespacing=1.35)
    axes = list(figure.subplots(rows, columns, squeeze=False, **options).ravel())
    for ax in axes[panels:] if panels is not None else []:
        ax.remove()
    return figure, axes[:panels]


def _even_lines(text: str, width: int) -> str:
    """Text in as few lines as fit, none of them much shorter than the others."""
    lines = math.ceil(len(text) / width)
    return textwrap.fill(text, min(width, len(text) // max(lines, 1) + 12))


def grid_of(panels: int) -> tuple[int, int]:
    """Rows and columns for small multiples."""
    columns = panels if panels <= 3 else 2 if panels == 4 else 3
    return math.ceil(panels / columns), columns


def arrange(figure: Figure) -> None:
    """Give axes and texts their places, which is otherwise done each time that a figure is drawn, slowly."""
    if engine := figure.get_layout_engine():
        engine.execute(figure)


@styled
def save(figure: Figure, folder: Path | str, name: str) -> list[Path]:
    """Write a figure as PNG (150 dots an inch) and SVG (text stays text); the same bytes for the same tables.

    Whatever text is in it is written as it is: nothing in it is a formula, and what cannot be seen is a visible escape.

    Returns:
        The two paths, PNG first.
    """
    for artist in figure.findobj(Text):
        artist.set_text(visible(artist.get_text(), breaks=True))
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.png", folder / f"{name}.svg"]
    png, svg, engine = io.BytesIO(), io.BytesIO(), figure.get_layout_engine()
    figure.set_dpi(DPI)
    arrange(figure)  # once for both files
    figure.set_layout_engine("none")
    try:
        FigureCanvasSVG(figure).print_svg(svg, metadata={"Date": None, "Creator": None})
        figure.set_dpi(DPI)  # the other one has changed it
        FigureCanvasAgg(figure).print_png(png, metadata={"Software": None})
    finally:
        figure.set_layout_engine(engine)
    for path, buffer in zip(paths, (png, svg), strict=True):
        write_file(path, buffer.getvalue())
    return paths


@styled
def small_png(figure: Figure, dots: float) -> bytes:
    """A figure as PNG with so many dots an inch, its text as :func:`save` writes it."""
    for artist in figure.findobj(Text):
        artist.set_text(visible(artist.get_text(), breaks=True))
    buffer = io.BytesIO()
    figure.set_dpi(dots)
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()


# ---------------------------------------------------------------------------------------------------------------
# Axes
# ---------------------------------------------------------------------------------------------------------------
def say_empty(ax: Axes, message: str) -> None:
    """Say in place of a plot why there is none."""
    ax.text(0.5, 0.5, message, transform=ax.transAxes, ha="center", va="center", color=GREY)


def tick_years(ax: Axes) -> None:
    """Ticks on the month axis: at whole years, or at months that divide a year when few months are shown."""
    low, high = ax.get_xlim()
    step = next((step for step in (1, 2, 3, 6, 12, 24, 36, 60, 120, 240, 480) if (high - low) / step <= 7), 1200)
    ax.set_xticks(np.arange(math.ceil(low / step) * step, high + 1, step))


def bare_rows(ax: Axes, lines: bool = False) -> None:
    """Rows with names need neither axis nor ticks at their left.

    Args:
        ax: the axes, a row at each whole number of y.
        lines: keep a thin line through each row.
    """
    ax.grid(lines, axis="y")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def draw_band(
    ax: Axes, x: ArrayLike, low: ArrayLike, high: ArrayLike, look: Look, step: Literal["post"] | None = None
) -> None:
    """A band about a line; its edges have the dashes of the line, so that bands which lie on each other read in grey.

    Args:
        ax: the axes.
        x, low, high: of each point (n,).
        look: of the line.
        step: as in ``Axes.fill_between``; "post" for a line drawn in steps.
    """
    ax.fill_between(
        x, low, high, step=step, facecolor=(look.color, 0.1), edgecolor=(look.color, 0.7), linestyle=look.dashes,
        linewidth=0.9,
    )  # fmt: skip


def draw_key(ax: Axes, looks: Mapping[str, tuple[str, str]], title: str) -> None:
    """Colours, hatches and their names, right of the axes, so that they cover no data."""
    handles = [
        Patch(facecolor=color, hatch=hatch, edgecolor="white", label=name) for name, (color, hatch) in looks.items()
    ]
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.02, 1.0), title=title, alignment="left")


# ---------------------------------------------------------------------------------------------------------------
# Labels
# ---------------------------------------------------------------------------------------------------------------
def count_words(values: pd.Series | Sequence[int]) -> str:
    """ "1800", or "20 to 1800" when the counts differ."""
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def wrap_label(label: str, width: int) -> str:
    """A label in lines of at most ``width`` characters, broken between its parts before within them."""
    if len(label) <= width:
        return label
    lines = (line for part in label.split(" · ") for line in textwrap.wrap(part, _letters(part, width)))
    return "\n".join(lines)


def _letters(text: str, width: int) -> int:
    """Letters of a line where ``width`` usual ones have room: fewer when a word must be broken, which may be all W."""
    return width if max(map(len, text.split()), default=0) <= min(width, 32) else round(0.65 * width)


End = tuple[float, float, str, str]
"""The end of a line: x, y, its name, its colour."""


def label_ends(figure: Figure, ends: Sequence[tuple[Axes, Sequence[End]]]) -> None:
    """Names at the ends of lines, pushed apart until none overlaps, joined to their line by thin leaders.

    They stand right of the axes; inside when all lines of the axes stop long before its right end.
    """
    labels = [(ax, end, _end_label(ax, end, of_ax)) for ax, of_ax in ends for end in of_ax]
    arrange(figure)  # only now is it known how high the axes and the texts are
    for ax, of_ax in ends:
        mine = [(end, text) for owner, end, text in labels if owner is ax]
        box = ax.get_window_extent()
        heights = [Text.get_window_extent(text).height / box.height * 1.08 for _, text in mine]
        centres = [(ax.transData.transform(end[:2])[1] - box.y0) / box.height for end, _ in mine]
        for (_, text), place in zip(mine, spread_apart(centres, heights, 0.0, 1.1), strict=True):
            text.set_position((_label_place(ax, of_ax), place))
    figure.set_layout_engine("none")  # all have their places, and to look for them again takes long


def _label_place(ax: Axes, ends: Sequence[End]) -> float:
    """Where labels begin, as a fraction of the axes' width."""
    low, high = ax.get_xlim()
    furthest = (max(x for x, _, _, _ in ends) - low) / (high - low)
    return furthest + 0.03 if furthest < 0.85 else 1.03


def _end_label(ax: Axes, end: End, ends: Sequence[End]) -> Annotation:
    x, y, name, color = end
    place, (low, high) = _label_place(ax, ends), ax.get_xlim()
    far = place - (x - low) / (high - low) > 0.15  # a long solid leader would look like a line of data
    return ax.annotate(
        wrap_label(name, 22), xy=(x, y), xytext=(place, 0.5), textcoords="axes fraction",
        va="center", ha="left", fontsize=12 if len(ends) <= MOST_BANDS else 10.5, color=darkened(color),
        fontweight="bold", linespacing=1.05, annotation_clip=False,
        arrowprops={
            "arrowstyle": "-", "color": color, "linewidth": 0.9, "shrinkA": 1, "shrinkB": 2, "relpos": (0.0, 0.5),
            "linestyle": (0, (1, 3)) if far else "-",
        },
    )  # fmt: skip


def spread_apart(centres: Sequence[float], heights: Sequence[float], low: float, high: float) -> list[float]:
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
