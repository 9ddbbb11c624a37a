"""What the alliances of each cell go through, month by month: means of their state, and how many are left."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.intervals import EVERYWHERE, SHARE, Range, around
from sim.study import analysis
from sim.study.plots.frame import (
    INK,
    MONTHS,
    MOST_BANDS,
    ON_WHITE,
    ORANGE,
    PANEL_LETTERS,
    SKY,
    VARIABLE_WORDS,
    VERMILLION,
    End,
    Look,
    count_words,
    draw_band,
    draw_key,
    grid_of,
    label_ends,
    looks_of,
    new_figure,
    say_empty,
    styled,
    tick_years,
    wrap_label,
)
from sim.study.words import how_many

RUN_MONTHS = "month of the run"
"""Name of the month axis of trajectories in a market, where alliances are signed all through the run."""

ENDINGS = {
    "going on": ("#dbe9f4", ""),
    "strategic change": (SKY, "///"),
    "disappointment": (ORANGE, "..."),
    "distrust": (VERMILLION, "xxx"),
}
"""Colour and hatch of each way to be or to end, from the bottom up."""


@styled
def trajectories(
    monthly: pd.DataFrame,
    cells: pd.DataFrame,
    variables: Sequence[str] = ("trust", "communication", "result", "alive"),
    note: str = "",
    market: bool = False,
) -> Figure:
    """Means over months, one line a cell, with the middle half of the alliances and the error of the mean.

    Args:
        monthly: table ``monthly`` of a result folder.
        cells: rows of its table ``cells`` to draw, the reference first.
        variables: names in ``sim.dynamics.state.VARIABLES``, or "alive" for the share of alliances going on.
        note: a sentence put at the end of the caption.
        market: whether a cell is a market: months are those of the run, in which alliances are of any age.
    """
    looks = looks_of(cells)
    rows = math.ceil(len(variables) / 2)
    columns = min(2, len(variables))
    mine = monthly[monthly["cell"].isin(list(looks))]
    signed = mine[mine["variable"] == "value"].groupby("cell")["alliances"].max()  # in a market they come by and by
    banded = len(looks) <= MOST_BANDS
    ribbon = "Darker ribbon" if banded else "Ribbon"
    with_errors = bool(mine["se"].notna().any())
    caption = (
        f"Line: mean over the alliances {'going on in that month, of any age' if market else 'still going on'}. "
        + ("Band: middle half of them (25% to 75%). " if banded else "")
        + (f"{ribbon}: 95% interval of the mean over replicates, where they are not all alike. " if with_errors else "")
        + f"n = {count_words(signed.tolist())} alliances a cell, ended ones too. {note}"
    )
    title = _trajectory_title(monthly, looks, variables[0], market)
    figure, axes = new_figure(title, caption, 1.9 + 4.1 * rows, rows, columns, len(variables))
    ends = []
    for ax, variable in zip(axes, variables, strict=True):
        name, unit = VARIABLE_WORDS[variable]
        if market and variable == "alive":
            unit = "share of those signed so far"
        ax.set(title=name, ylabel=unit, xlim=(0, max(int(mine["month"].max()), 1)))
        series = {cell: _series(mine[mine["cell"] == cell], variable) for cell in looks}
        for cell, data in series.items():
            _trajectory(ax, data, looks[cell], banded, SHARE if "0 to 1" in unit else EVERYWHERE)
        if variable == "alive" or "0 to 1" in unit:
            ax.set_ylim(0, 1)
        tick_years(ax)
        if all(data.empty for data in series.values()):
            say_empty(ax, "in no month is it known")
        ends.append((ax, [_last(data, looks[cell]) for cell, data in series.items() if len(data)]))
    for ax in axes[-columns:]:
        ax.set_xlabel(RUN_MONTHS if market else MONTHS)
    label_ends(figure, ends)
    return figure


def _last(data: pd.DataFrame, look: Look) -> End:
    last = data.iloc[-1]
    return float(last["month"]), float(last["mean"]), look.label, look.color


def _series(rows: pd.DataFrame, variable: str) -> pd.DataFrame:
    """Months, mean, standard error and quartiles of one variable in one cell; "alive" is a share without spread."""
    if variable != "alive":
        return rows[rows["variable"] == variable].sort_values("month")
    everybody = rows[rows["variable"] == "value"].set_index("month")["alliances"]
    living = rows[rows["variable"] == "trust"].set_index("month")["alliances"]
    share = living.reindex(everybody.index, fill_value=0) / everybody
    blank = np.full(len(share), np.nan)
    spread = dict.fromkeys(("replicates", "se", "q25", "q75"), blank)
    return pd.DataFrame({"month": share.index, "mean": share.to_numpy(), **spread})


def _trajectory(ax: Axes, data: pd.DataFrame, look: Look, banded: bool, bounds: Range) -> None:
    columns = ("month", "mean", "se", "replicates")
    months, mean, error, replicates = (data[name].to_numpy(dtype=np.float64) for name in columns)
    if banded:
        draw_band(ax, months, data["q25"], data["q75"], look)
    ax.fill_between(months, *around(mean, error, replicates, bounds), color=look.color, alpha=0.35, linewidth=0)
    alone = len(months) == 1  # one point makes no line, and it stands on an end of the axis
    ax.plot(months, mean, color=look.color, linestyle=look.dashes, marker="o" if alone else "", clip_on=not alone)


def _trajectory_title(monthly: pd.DataFrame, looks: Mapping[int, Look], variable: str, market: bool) -> str:
    """What the first variable came to in the lowest and the highest cell of those with alliances at the horizon."""
    name = VARIABLE_WORDS[variable][0]
    ends = {}
    for cell, look in looks.items():
        rows = monthly[monthly["cell"] == cell]
        data = _series(rows, variable)
        if len(data) and data["month"].max() == rows["month"].max():
            ends[look.label] = (float(data["mean"].iloc[-1]), int(data["month"].iloc[-1]))
    if not ends:
        return "No alliance is going on at the horizon"
    ranked = sorted(ends, key=lambda label: ends[label][0])
    low, high = ranked[0], ranked[-1]
    month = max(month for _, month in ends.values())
    if len(ranked) == 1:
        when = f"in month {month} of the run" if market else f"after {how_many(month, 'month')}"
        return f"{name} stands at {ends[low][0]:.2f} {when} ({low})"
    who = "alliances going on at the end of the run" if market else "alliances that last"
    most, least = (f"{ends[label][0]:.2f}" for label in (high, low))
    where = "in every cell" if most == least else f"in {high} and to {least} in {low}"
    return f"Among {who}, {name.lower()} comes to {most} {where}"


@styled
def survival(survival: pd.DataFrame, cells: pd.DataFrame, note: str = "", market: bool = False) -> Figure:
    """How many alliances go on, and what ended the others: stacked areas, one panel a cell, half-life marked.

    Args:
        survival: table ``survival`` of a result folder.
        cells: rows of its table ``cells`` to draw.
        note: a sentence put at the end of the caption.
        market: whether a cell is a market: shares are estimates, as alliances that are still young are censored.
    """
    looks = looks_of(cells)
    lives = analysis.half_life(survival)
    rows, columns = grid_of(len(looks))
    longest = max([1, *survival.loc[survival["cell"].isin(list(looks)), "month"]])
    shares = (
        "Estimated share of alliances, by what becomes of them up to each month since their signature (Aalen–Johansen; "
        "alliances still going on at the end of the run are censored at their age)."
        if market
        else "Share of all alliances signed, by what became of them up to each month."
    )
    caption = (
        f"{shares} Dot: the month at whose end half of them or fewer go on. An ending is not a failure: strategic "
        f"change comes from outside. {note}"
    )
    title = _survival_title(looks, lives, longest, market)
    figure, axes = new_figure(title, caption, 2.4 + 3.6 * rows, rows, columns, len(looks), sharex=True, sharey=True)
    for ax, (cell, look) in zip(axes, looks.items(), strict=True):
        data = survival[survival["cell"] == cell].sort_values("month")
        ax.set_title(wrap_label(look.label, PANEL_LETTERS[columns]))
        if data.empty:
            say_empty(ax, "no runs")
            continue
        _areas(ax, data)
        _mark_half_life(ax, lives.get(cell, math.nan), longest)
    axes[0].set(xlim=(0, longest), ylim=(0, 1))
    tick_years(axes[0])
    for k, ax in enumerate(axes):
        ax.grid(False)
        if k % columns == 0:
            ax.set_ylabel("share of alliances")
        if k + columns >= len(looks):
            ax.set_xlabel(MONTHS)
            ax.tick_params(labelbottom=True)
    draw_key(axes[columns - 1], dict(reversed(ENDINGS.items())), "What became of them")
    return figure


def _areas(ax: Axes, data: pd.DataFrame) -> None:
    floor = np.zeros(len(data))
    for name, (color, hatch) in ENDINGS.items():
        ceiling = floor + data[name].to_numpy(dtype=np.float64)
        ax.fill_between(data["month"], floor, ceiling, facecolor=color, hatch=hatch, edgecolor="white", linewidth=0.0)
        floor = ceiling
    ax.plot(data["month"], data["going on"], color=INK, linewidth=2)


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


def _survival_title(looks: Mapping[int, Look], lives: Mapping[int, float], longest: int, market: bool) -> str:
    """By when half have ended, first and last cell; in a market by age, not by the month of the run."""
    known = {look.label: lives.get(cell, math.nan) for cell, look in looks.items()}
    ended = {label: month for label, month in known.items() if not math.isnan(month)}
    if not ended:
        lasting = f"last {how_many(longest, 'month')}" if market else "are still going on at the horizon"
        return f"More than half of the alliances {lasting}"
    by = {
        label: f"within {how_many(round(month), 'month')}" if market else f"by month {month:.0f}"
        for label, month in ended.items()
    }
    first, last = (pick(ended, key=lambda label: ended[label]) for pick in (min, max))
    half = f"end {by[first]} of their signature" if market else f"have ended {by[first]}"
    if len(known) == 1:
        return f"Half of the alliances {half}"
    if len(ended) < len(known):
        many = len(known) - len(ended)
        where = next(label for label in known if label not in ended) if many == 1 else f"{many} others"
        return f"Half {half} in {first}; in {where} more than half {'last' if market else 'go on'}"
    if ended[first] == ended[last]:
        return f"Half of the alliances {half} in every cell"
    return f"Half {half} in {first}, but only {by[last]} in {last}"
