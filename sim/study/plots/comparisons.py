"""Cells against each other: what moved trust, the differences from the reference, an outcome by two factors."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import CAUSES
from sim.intervals import decimals, digits_of, mean_of
from sim.study import analysis
from sim.study.analysis import factor_names, outcome_words, short_labels, signed
from sim.study.plots.causes import CAUSE_LOOKS, cause_words, key_of_causes, longest_stack, lump_small
from sim.study.plots.frame import (
    BLUE,
    GREY,
    INK,
    ON_WHITE,
    PALE,
    VERMILLION,
    Floats,
    Look,
    bare_rows,
    count_words,
    grid_of,
    looks_of,
    luminance,
    new_figure,
    styled,
    wrap_label,
)
from sim.study.words import LONG_NAME, capital, number
from sim.text import named

ROW_LABEL = 26
"""Most characters in a line of a row's label."""
LINE_HEIGHT = 0.22
"""Inches from line to line of a row's label."""


@styled
def ledger(ledger: pd.DataFrame, cells: pd.DataFrame, layer: str = "effective", note: str = "") -> Figure:
    """What built and what destroyed trust: mean change of trust by cause as stacked bars, one a cell, total marked.

    Args:
        ledger: table ``ledger`` of a result folder.
        cells: rows of its table ``cells`` to draw.
        layer: one of ``sim.dynamics.state.LAYERS``.
        note: a sentence put at the end of the caption.
    """
    looks = looks_of(cells)
    rows = ledger[(ledger["layer"] == layer) & ledger["cell"].isin(list(looks))]
    table = rows.pivot(index="cell", columns="cause", values="mean").reindex(index=list(looks), columns=list(CAUSES))
    table = table.fillna(0.0)
    shown = lump_small(table)
    caption = (
        f"Mean change of a partner's {layer} trust over the life of the alliance, by cause; the causes add up to the "
        "total (diamond). All alliances, ended ones too. Contributions too small to be seen in any cell are "
        f"under other causes. {note}"
    )
    figure, axes = new_figure(_ledger_title(shown, looks), caption, 2.9 + 0.95 * len(looks))
    ax = axes[0]
    span = longest_stack(table, gains=True) + longest_stack(table, gains=False) or 1.0
    for position, cell in enumerate(looks):
        _ledger_bar(ax, position, shown.loc[cell], float(table.loc[cell].sum()), span)
    ax.set_yticks(range(len(looks)), [wrap_label(look.label, 22) for look in looks.values()])
    ax.set_ylim(len(looks) - 0.4, -0.75)
    ax.axvline(0.0, color=INK, linewidth=1.2)
    ax.set_xlabel(f"change of {layer} trust since the signature (scale 0 to 1)")
    bare_rows(ax)
    ax.margins(x=0.03)
    key_of_causes(ax, shown)
    return figure


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


def _ledger_title(table: pd.DataFrame, looks: Mapping[int, Look]) -> str:
    if table.empty or table.shape[1] == 0 or float(table.abs().to_numpy().max()) == 0.0:
        return "Trust does not move"
    builds = {look.label: str(table.loc[cell].idxmax()) for cell, look in looks.items()}
    costs = {look.label: str(table.loc[cell].idxmin()) for cell, look in looks.items()}
    reference = next(iter(builds))
    title = (
        f"Trust is built mostly by {cause_words(builds[reference])} and lost mostly to {cause_words(costs[reference])}"
    )
    odd = [label for label in costs if costs[label] != costs[reference]]
    if odd:
        return f"{title}; in {odd[0]} mostly to {cause_words(costs[odd[0]])}"
    return title


@styled
def contrasts(paired: pd.DataFrame, note: str = "", interval: str = "interval") -> Figure:
    """Differences from the reference with their 95% intervals, one panel an outcome, one row a cell.

    Args:
        paired: what :func:`sim.study.analysis.paired` returns.
        note: a sentence put at the end of the caption.
        interval: what its columns ``low`` and ``high`` are.
    """
    outcomes = list(dict.fromkeys(paired["outcome"]))
    names = list(dict.fromkeys(zip(paired["cell"], paired["label"], strict=True)))
    reference = str(paired["reference"].iloc[0])
    labels = short_labels([reference, *(label for _, label in names)])
    rows, columns = grid_of(len(outcomes))
    caption = (
        f"Dot and bar: mean difference from {labels[0]} and its 95% {interval} over replicates that share their "
        "random draws. Filled: the interval excludes zero. Hollow: it does not, or there is none (a single "
        f"replicate, or all of them alike). n = {count_words([int(n) for n in paired['n']])} paired replicates. {note}"
    )
    ticks = [wrap_label(label, ROW_LABEL) for label in labels[1:]]
    row = max(0.55, 0.1 + LINE_HEIGHT * max(tick.count("\n") + 1 for tick in ticks))
    height = 2.3 + rows * (1.0 + row * len(names))
    title = _contrast_title(paired, dict(zip([reference, *(label for _, label in names)], labels, strict=True)))
    figure, axes = new_figure(title, caption, height, rows, columns, len(outcomes), sharey=True)
    for k, (ax, outcome) in enumerate(zip(axes, outcomes, strict=True)):
        _forest(ax, paired[paired["outcome"] == outcome].set_index("cell"), [cell for cell, _ in names], outcome)
        if k % columns == 0:
            ax.set_yticks(range(len(names)), ticks)
        ax.set_ylim(len(names) - 0.4, -0.6)
    return figure


def _forest(ax: Axes, rows: pd.DataFrame, cells: Sequence[int], outcome: str) -> None:
    about = OUTCOMES[outcome]
    for position, cell in enumerate(cells):
        row = rows.loc[cell]
        found = analysis.sure_of(row, "difference")
        difference, low, high = found.estimate, found.low, found.high
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
            signed(difference, digits_of(found)), (difference, position), xytext=(0, 9), textcoords="offset points",
            ha="center", va="bottom", fontsize=12,
            bbox=ON_WHITE,
        )  # fmt: skip
    ax.axvline(0.0, color=INK, linewidth=1.2, linestyle=(0, (4, 2)))
    unit = "percentage points" if about.unit == "share" else about.unit
    ax.set(title=textwrap.fill(outcome_words(outcome).capitalize(), 30), xlabel=f"difference, {unit}")
    ax.margins(x=0.18)
    left, right = ax.get_xlim()
    if right - left < 1e-9:  # nothing differs but by rounding
        ax.set_xlim(-1.0, 1.0)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    bare_rows(ax)


def _contrast_title(paired: pd.DataFrame, short: Mapping[str, str]) -> str:
    lead = paired[paired["outcome"] == paired["outcome"].iloc[0]].dropna(subset=["difference"])
    words, reference = outcome_words(str(paired["outcome"].iloc[0])), short[str(paired["reference"].iloc[0])]
    if len(reference) > LONG_NAME:
        reference = "the reference"
    if lead.empty:
        return f"No replicate allows a comparison of {words} with {reference}"
    if len(lead) == 1:
        only = lead.iloc[0]
        named = {**only, "label": short[str(only["label"])], "reference": reference}
        alone = " in one replicate" if int(only["n"]) == 1 else ""
        return capital(analysis.sentence(named).rsplit(" (", 1)[0]) + alone
    told = lead[(lead["low"] > 0) | (lead["high"] < 0)]
    if (lead["n"] == 1).all():
        return f"One replicate cannot tell {words} in any cell from {reference}"
    if told.empty and lead["low"].isna().all():
        return f"In each cell every replicate differs alike from {reference} in {words}"
    if told.empty:
        return f"{words.capitalize()} is not distinguishable from {reference} in any of {len(lead)} cells"
    clear, largest = len(told), told.loc[told["difference"].abs().idxmax()]
    how_many = f"{clear} of {len(lead)}" if clear < len(lead) else "both" if clear == 2 else f"all {clear}"
    way = "falls" if largest["difference"] < 0 else "rises"
    return (
        f"{words.capitalize()} differs from {reference} in {how_many} cells; "
        f"it {way} most in {short[str(largest['label'])]}"
    )


@styled
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
    names = factor_names((x, y))
    levels = {name: _levels(runs[name]) for name in names}
    means = runs.groupby([y, x])[outcome].mean().unstack().reindex(index=levels[y], columns=levels[x]) * scale
    numbers = means.to_numpy(dtype=np.float64)
    unit = "%" if about.unit == "share" else about.unit
    counts = runs.groupby([y, x])[outcome].count()
    caption = (
        f"Each field: mean of {outcome_words(outcome)} over replicates (and over all factors not shown), {unit}. "
        f"n = {count_words([int(n) for n in counts])} runs a field. Hatched: no runs. {note}"
    )
    height = 2.6 + max(2.4, 0.75 * len(levels[y]))
    digits = _field_digits(runs, x, y, outcome, means)
    figure, axes = new_figure(_heat_title(means, digits, names[x], names[y], outcome, unit), caption, height)
    ax = axes[0]
    # Even to the eye, also in grey, where the two arms of a scale around zero would look alike.
    image = ax.pcolormesh(np.ma.masked_invalid(numbers), cmap="cividis", edgecolors="white", linewidth=2)
    _write_fields(ax, numbers, digits.to_numpy(dtype=np.int64), image)
    ax.set_xticks(np.arange(len(levels[x])) + 0.5, [_level(level) for level in levels[x]])
    ax.set_yticks(np.arange(len(levels[y])) + 0.5, [_level(level) for level in levels[y]])
    ax.set(xlabel=names[x], ylabel=names[y])
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
    return f"{level:g}" if isinstance(level, (int, float, np.number)) else wrap_label(named(level), 18)


def _field_digits(runs: pd.DataFrame, x: str, y: str, outcome: str, means: pd.DataFrame) -> pd.DataFrame:
    """Decimals of the mean in each field: by its interval over replicates, else by how far apart the fields are."""
    scale, numbers = analysis.in_unit(1.0, OUTCOMES[outcome].unit), means.to_numpy(dtype=np.float64)
    spread = float(np.nanmax(numbers) - np.nanmin(numbers)) if np.isfinite(numbers).any() else 0.0
    default = decimals(spread / 2.0, float(means.max(axis=None)))
    digits = pd.DataFrame(default, index=means.index, columns=means.columns)
    by_replicate = runs.groupby([y, x, "replicate"])[outcome].mean()
    for (at_y, at_x), values in by_replicate.groupby(level=[0, 1]):
        found = mean_of(values).times(scale)
        if found.known:
            digits.loc[at_y, at_x] = digits_of(found)
    return digits


def _write_fields(ax: Axes, numbers: Floats, digits: NDArray[np.int64], image: Any) -> None:
    ax.set_facecolor("#f2f2f2")
    for (row, column), mean in np.ndenumerate(numbers):
        if math.isnan(mean):
            ax.fill_between(
                [column, column + 1], row, row + 1, facecolor="none", hatch="//", edgecolor=PALE, linewidth=0
            )
            continue
        dark = luminance(image.cmap(image.norm(mean))) < 0.5
        ax.text(
            column + 0.5, row + 0.5, number(mean, int(digits[row, column])), ha="center", va="center", fontsize=13,
            color="white" if dark else INK,
        )  # fmt: skip


def _heat_title(means: pd.DataFrame, digits: pd.DataFrame, x: str, y: str, outcome: str, unit: str) -> str:
    """Where the outcome is lowest and where it is highest; both factors in words."""
    stacked = means.stack().dropna()
    name = outcome_words(outcome).capitalize()
    if stacked.empty:
        return f"{name} by {x} and {y}: no runs"
    (low_y, low_x), (high_y, high_x) = stacked.idxmin(), stacked.idxmax()
    sign = "%" if unit == "%" else ""
    low, high = (number(stacked.loc[at], int(digits.loc[at])) for at in ((low_y, low_x), (high_y, high_x)))
    if low == high:
        return f"{name} is {low}{sign} whatever {x} and {y} are"

    def said(mean: str, at_x: Any, at_y: Any) -> str:
        return f"{mean}{sign} ({x} {_level(at_x)}, {y} {_level(at_y)})"

    return f"{name} runs from {said(low, low_x, low_y)} to {said(high, high_x, high_y)}"
