"""How the alliances of a cell differ from each other: their value at the horizon, and trust over time."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.intervals import around, decimals
from sim.study import analysis
from sim.study.analysis import percent
from sim.study.plots.frame import (
    GREY,
    INK,
    ON_WHITE,
    PALE,
    PANEL_LETTERS,
    VARIABLE_WORDS,
    Floats,
    Look,
    bare_rows,
    count_words,
    darkened,
    grid_of,
    looks_of,
    new_figure,
    say_empty,
    styled,
    wrap_label,
)
from sim.study.words import how_many, number

APART = "Better off apart: net value below what the resources of both would have earned elsewhere meanwhile. "


@styled
def value_distribution(
    histogram: pd.DataFrame,
    cells: pd.DataFrame,
    monthly: pd.DataFrame | None = None,
    note: str = "",
    market: bool = False,
    runs: pd.DataFrame | None = None,
) -> Figure:
    """Net value of the alliances at the horizon, one row a cell, with mean, 5% and 95% and the share below zero.

    Areas are densities, so that cells of different horizons, whose bins differ, compare.

    Args:
        histogram: table ``histogram`` of a result folder.
        cells: rows of its table ``cells`` to draw; the first is repeated as an outline in the other rows.
        monthly: table ``monthly``, for exact means; without it they come from the histogram.
        note: a sentence put at the end of the caption.
        market: whether a cell is a market, in which alliances are of any age at the end of the run.
        runs: table ``runs``, for the share of alliances that had been better off apart.
    """
    looks = looks_of(cells)
    values = {cell: _values(histogram, cell, monthly, _better_apart(runs, cell)) for cell in looks}
    known = {cell: value for cell, value in values.items() if value is not None}
    outline = f"Grey outline: {looks[next(iter(known))].label}. " if len(known) > 1 else ""
    beyond = any(value.shares[[0, -1]].any() for value in known.values())
    across = any(not np.isclose(value.edges, 0.0).any() for value in known.values())
    counted = "ended and young ones" if market else "ended ones"
    caption = (
        f"Each area: all alliances ({counted} too) by net value to both partners at the horizon, in steps of "
        f"{_step_words(list(known.values()))}; areas are alike. Diamond: mean. Bar: 5% to 95%. {outline}"
        + ("What lies beyond the axis is drawn at its end. " if beyond else "")
        + (APART if any(not math.isnan(value.apart) for value in known.values()) else "")
        + ("Shares below zero are interpolated within the step that holds zero. " if across else "")
        + f"n = {count_words([value.alliances for value in known.values()] or [0])} alliances a cell. {note}"
    )
    title = _value_title({looks[cell].label: value for cell, value in known.items()})
    figure, axes = new_figure(title, caption, 2.3 + 1.55 * len(looks), len(looks), sharex=True, sharey=True)
    if known:
        _value_rows(axes, looks, known)
    axes[-1].set_xlabel("net value at the horizon, money, both partners")
    return figure


@dataclass(frozen=True, eq=False)
class _Values:
    """Net value at the horizon in one cell, whose bins scale with its horizon."""

    months: int
    """The horizon."""
    alliances: int
    edges: Floats
    """Of the bins, money, (BINS + 1,)."""
    shares: Floats
    """Of the alliances in each bin, (BINS,)."""
    mean: float
    low: float
    """5% of the alliances have less, money."""
    high: float
    """5% have more, money."""
    below_zero: float
    """Share of the alliances that lost money: net value below zero."""
    digits: int
    """Decimals that the mean deserves."""
    apart: float = math.nan
    """Share that had been better off apart: net value below the outside options; NaN when it is not known."""

    @property
    def step(self) -> float:
        """Width of a bin, money."""
        return float(self.edges[1] - self.edges[0])

    @property
    def density(self) -> Floats:
        """Share of the alliances for each unit of money: bins of any width compare."""
        return self.shares / self.step


def _better_apart(runs: pd.DataFrame | None, cell: int) -> float:
    """Share of a cell's alliances that had been better off apart, mean over its runs; NaN when it is not stored."""
    if runs is None or "better_apart" not in runs:
        return math.nan
    return float(runs.loc[runs["cell"] == cell, "better_apart"].mean())


def _values(
    histogram: pd.DataFrame, cell: int, monthly: pd.DataFrame | None, apart: float = math.nan
) -> _Values | None:
    """The values of a cell; None when it has no runs."""
    if not ((histogram["cell"] == cell) & (histogram["variable"] == "value")).any():
        return None
    months = analysis.horizon_of(histogram, cell)
    edges = analysis.edges_of("value", months)
    counts = analysis.counts_of(histogram, cell, "value", months)
    mean = float(np.average((edges[:-1] + edges[1:]) / 2.0, weights=counts))
    digits = 0
    if monthly is not None:
        exact = monthly[(monthly["cell"] == cell) & (monthly["variable"] == "value") & (monthly["month"] == months)]
        means, error, n = (exact[name].to_numpy(dtype=np.float64) for name in ("mean", "se", "replicates"))
        ends = around(means, error, n)
        mean = float(means[0])
        digits = decimals(float(ends[1][0] - ends[0][0]) / 2.0, mean)
    cumulative = np.concatenate([[0.0], np.cumsum(counts)]) / counts.sum()
    low, high = (float(np.interp(q, cumulative, edges)) for q in (0.05, 0.95))
    below_zero = float(np.interp(0.0, edges, cumulative))
    shares = counts / counts.sum()
    return _Values(months, int(counts.sum()), edges, shares, mean, low, high, below_zero, digits, apart)


def _step_words(values: Sequence[_Values]) -> str:
    """How wide a bin is: "4.32 money", or for each horizon "2.16 money (72 months), 4.32 money (144 months)"."""
    steps = dict(sorted({value.months: value.step for value in values}.items()))
    if len(steps) <= 1:
        return "".join(f"{step:.3g} money" for step in steps.values()) or "equal width"
    return ", ".join(f"{step:.3g} money ({how_many(months, 'month')})" for months, step in steps.items())


def _value_title(values: Mapping[str, _Values]) -> str:
    if not values:
        return "No alliance has a value: no runs"
    known = not any(math.isnan(value.apart) for value in values.values())
    shares = {label: value.apart if known else value.below_zero for label, value in values.items()}
    by_share, by_mean = sorted(values, key=shares.__getitem__), sorted(values, key=lambda label: values[label].mean)
    of_alliances = "would be better off apart" if known else "lose money"
    if len(values) == 1:
        only = values[by_share[0]]
        loss = f"{percent(only.below_zero)} of them lose money" + (
            f", {percent(only.apart)} {of_alliances}" if known else ""
        )
        return f"An alliance is worth {number(only.mean, only.digits)} on average; {loss}"
    most, least = percent(shares[by_share[-1]]), percent(shares[by_share[0]])
    means = _means_words(values, by_mean)
    if shares[by_share[-1]] < 0.01:
        hardly = "would be better off apart" if known else "loses money"
        return f"Hardly any alliance {hardly}{means}"
    if most == least:
        return f"{most} of alliances {of_alliances} in every cell{means}"
    return f"{most} of alliances {of_alliances} in {by_share[-1]}, {least} in {by_share[0]}"


def _means_words(values: Mapping[str, _Values], by_mean: Sequence[str]) -> str:
    """From where to where the means run; nothing where they are of different numbers of months."""
    if len({value.months for value in values.values()}) > 1:
        return ""
    ends = (values[by_mean[end]] for end in (0, -1))
    poorest, richest = (number(value.mean, value.digits) for value in ends)
    if poorest == richest:
        return f"; the mean is {richest} in every cell"
    return f"; the mean runs from {poorest} in {by_mean[0]} to {richest} in {by_mean[-1]}"


def _value_rows(axes: Sequence[Axes], looks: Mapping[int, Look], values: Mapping[int, _Values]) -> None:
    drawn = {cell: _drawn(value) for cell, value in values.items()}
    left, right = (end(0.0, *(end(edges) for _, edges in drawn.values())) for end in (min, max))
    # The end bins hold all that lies beyond: they must not set the scale of the shape between them.
    tallest = max(float(value.density[1:-1].max()) for value in values.values()) or 1.0
    first = next(iter(values))
    for ax, (cell, look) in zip(axes, looks.items(), strict=True):
        ax.set_title(wrap_label(look.label, PANEL_LETTERS[1]), color=darkened(look.color), pad=4)
        ax.yaxis.set_visible(False)
        ax.spines["left"].set_visible(False)
        ax.set(xlim=(left - 0.005 * (right - left), right), ylim=(-0.24 * tallest, 1.12 * tallest))
        if cell not in values:
            say_empty(ax, "no runs")
            continue
        ax.stairs(*drawn[cell], fill=True, color=look.color, alpha=0.25)
        ax.stairs(*drawn[cell], color=look.color, linewidth=1.6)
        if cell != first:
            ax.stairs(*drawn[first], color=GREY, linewidth=1.1, linestyle=(0, (2, 2)))
        ax.axvline(0.0, color=INK, linewidth=1)
        _value_marks(ax, values[cell], look, -0.12 * tallest)
        _name_beyond(ax, values[cell], tallest)


def _drawn(value: _Values) -> tuple[Floats, Floats]:
    """Density and edges from the first bin that holds an alliance to the last."""
    used = np.flatnonzero(value.shares)
    return value.density[used[0] : used[-1] + 1], value.edges[used[0] : used[-1] + 2]


def _value_marks(ax: Axes, value: _Values, look: Look, height: float) -> None:
    """Bar from 5% to 95%, diamond at the mean, and both numbers of interest in words."""
    ax.plot([value.low, value.high], [height, height], color=look.color, linewidth=5, solid_capstyle="butt")
    middle = min(max(value.mean, ax.get_xlim()[0]), ax.get_xlim()[1])
    ax.plot(middle, height, "D", color=look.color, markeredgecolor="white", markersize=10, clip_on=False)
    ax.text(
        1.0, 1.02,
        f"mean {number(value.mean, value.digits)} · below zero {percent(value.below_zero)}"
        + ("" if math.isnan(value.apart) else f" · better off apart {percent(value.apart)}"),
        transform=ax.transAxes, ha="right", va="bottom", fontsize=12, color=INK,
    )  # fmt: skip


def _name_beyond(ax: Axes, value: _Values, tallest: float) -> None:
    """Say how much an end bin holds when its column does not fit."""
    ends = ((0, value.edges[1], "left", "below"), (-1, value.edges[-2], "right", "above"))
    digits = 0 if value.step >= 1.0 else 2
    for end, x, side, words in ends:
        if value.density[end] > tallest:
            ax.annotate(
                f"{percent(float(value.shares[end]))} {words} {number(float(x), digits)}", (x, tallest),
                xytext=(6 if side == "left" else -6, 0), textcoords="offset points", ha=side, va="top", fontsize=12,
                bbox=ON_WHITE,
            )  # fmt: skip


@styled
def trust_humps(
    histogram: pd.DataFrame,
    cells: pd.DataFrame,
    variable: str = "trust",
    note: str = "",
    market: bool = False,
    sure: Collection[int] | None = None,
) -> Figure:
    """Distribution of trust at several months, one column a cell; two humps at the end are marked.

    Args:
        histogram: table ``histogram`` of a result folder.
        cells: rows of its table ``cells`` to draw.
        variable: one of the variables on [0, 1].
        note: a sentence put at the end of the caption.
        market: whether a cell is a market: months are those of the run.
        sure: numbers of the cells whose two humps are beyond chance; all that have two without it.
    """
    looks = looks_of(cells)
    found = analysis.bimodality(histogram[histogram["cell"].isin(list(looks))], variable).set_index("cell")
    months = {cell: _some_months(histogram.loc[histogram["cell"] == cell, "month"]) for cell in looks}
    alike = len({tuple(of_cell) for of_cell in months.values()}) == 1
    rows, columns = grid_of(len(looks))
    month = "month of the run" if market else "month"
    caption = (
        f"Each ridge: distribution of {variable} over the alliances going on in that {month} (n at its right), "
        f"smoothed with a standard deviation of {analysis.BANDWIDTH:g}; areas are alike. Two humps: the valley is "
        f"below {analysis.DEEPEST_VALLEY:.0%} of the lower peak and beyond sampling error, and each side holds at "
        f"least {analysis.SMALLEST_HUMP:.0%} of the alliances. A pile-up within {analysis.BANDWIDTH:g} of 0 or 1 is a "
        f"hump only beside a valley below {analysis.EMPTY_VALLEY:.0%}. {note}"
    )
    title = _humps_title(variable, found, looks, sure)
    figure, axes = new_figure(title, caption, 2.3 + 4.6 * rows, rows, columns, len(looks), sharex=True, sharey=alike)
    for ax, (cell, look) in zip(axes, looks.items(), strict=True):
        ax.set_title(wrap_label(look.label, PANEL_LETTERS[columns]), color=darkened(look.color))
        if not months[cell]:
            say_empty(ax, "no runs")
            continue
        _ridges(ax, histogram, cell, variable, months[cell], look)
        if cell in found.index and found.loc[cell, "humps"] == 2:
            _mark_humps(ax, found.loc[cell])
        ax.set_xlabel(VARIABLE_WORDS[variable][1])
        ax.tick_params(labelbottom=True)
    return figure


def _some_months(months: pd.Series) -> list[int]:
    """First, last and up to four months between them; none of none."""
    found = np.unique(months)
    picks = np.unique(np.round(np.linspace(0, len(found) - 1, min(6, len(found)))).astype(int))
    return [int(found[k]) for k in picks]


def _ridges(ax: Axes, histogram: pd.DataFrame, cell: int, variable: str, months: Sequence[int], look: Look) -> None:
    """Smoothed distributions, one below the other; later months lie lower and in front."""
    edges = analysis.edges_of(variable, months[-1])
    middles = (edges[:-1] + edges[1:]) / 2.0
    curves = {month: _density(analysis.counts_of(histogram, cell, variable, month), edges) for month in months}
    scale = 1.35 / (max(float(curve.max()) for curve, _ in curves.values()) or 1.0)
    for level, (curve, n) in enumerate(curves.values()):
        base = float(len(months) - 1 - level)
        ax.axhline(base, color=PALE, linewidth=0.8, zorder=2 * level)
        if n == 0:
            continue
        ridge = base + scale * curve
        ax.fill_between(middles, base, ridge, color="white", linewidth=0, zorder=2 * level)
        ax.fill_between(
            middles, base, ridge, color=look.color, alpha=0.18 + 0.04 * level, linewidth=0, zorder=2 * level
        )
        ax.plot(middles, ridge, color=look.color, linewidth=1.8, zorder=2 * level + 1)
        ax.text(1.01, base, f"{n:,}", transform=ax.get_yaxis_transform(), va="center", fontsize=11, color=GREY)
    ax.set_yticks(range(len(months))[::-1], [f"month {month}" for month in months])
    ax.set(xlim=(edges[0], edges[-1]), ylim=(-0.35, len(months) + 0.5))
    bare_rows(ax)


def _density(counts: Floats, edges: Floats) -> tuple[Floats, int]:
    """Smoothed density, and how many it is of; zero where there is nobody."""
    width = edges[1] - edges[0]
    n = counts.sum()
    return analysis.smooth(counts, analysis.BANDWIDTH / width) / max(n, 1.0) / width, int(n)


def _mark_humps(ax: Axes, found: pd.Series) -> None:
    for side, share in (("low_mode", "low_share"), ("high_mode", "high_share")):
        ax.plot(found[side], -0.07, marker="^", color=INK, markersize=9, clip_on=False, zorder=50)
        beside = "left" if found[side] < 0.9 else "right"  # within the axes, clear of the names of the months
        ax.annotate(
            percent(found[share]), (found[side], -0.07), xytext=(7 if beside == "left" else -7, 0),
            textcoords="offset points", ha=beside, va="top", fontsize=11, fontweight="bold",
        )  # fmt: skip


def _humps_title(
    variable: str, found: pd.DataFrame, looks: Mapping[int, Look], sure: Collection[int] | None = None
) -> str:
    name = VARIABLE_WORDS[variable][0]
    two = [int(cell) for cell in found.index if found.loc[cell, "humps"] == 2]
    if not two:
        return f"{name} shows no two humps at the horizon" + ("" if len(looks) == 1 else " in any cell")
    beyond_chance = [cell for cell in two if sure is None or cell in sure]
    told = beyond_chance or two
    row = found.loc[told[0]]
    where = "" if len(looks) == 1 else f" in {looks[told[0]].label}"
    others = f" (and in {len(told) - 1} more)" if len(told) > 1 else ""
    perhaps = "" if beyond_chance else "perhaps "
    return (
        f"{name} ends {perhaps}in two humps{where}{others}: near {row['low_mode']:.2f} and near {row['high_mode']:.2f}"
    )
