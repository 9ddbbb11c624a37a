"""A history as it was and as it would have been: both futures over months, and what their difference is made of."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.dynamics.state import CAUSES_OF_ENDING
from sim.study.analysis import scenario_words, signed
from sim.study.plots.causes import CAUSE_LOOKS
from sim.study.plots.frame import (
    GREY,
    INK,
    LOOKS,
    MONTHS,
    PALE,
    VARIABLE_WORDS,
    Floats,
    bare_rows,
    new_figure,
    styled,
    tick_years,
)
from sim.study.whatif import START, WAYS, Comparison, KeptAway, SetFrom, cause_words, rounded
from sim.study.words import capital

PANELS = ("trust", "communication", "value")
"""What is drawn over months."""
AS_IT_WAS, OTHERWISE = LOOKS[0], LOOKS[2]
"""Colour and dashes of the two futures."""
WAY_WORDS = ("of it at once", "of it through communication", "and what else follows")
"""How a difference comes about (:data:`sim.study.whatif.WAYS`), in words."""
SMALLEST_BAR = 0.01
"""Causes below this share of the longest bar are drawn as one."""


@styled
def whatif(comparison: Comparison, month: int | None = None) -> Figure:
    """Both futures of the alliance that is told, or of the mean of all, and the ledger of their difference.

    Args:
        comparison: what :func:`sim.study.whatif.whatif` returns.
        month: the month whose difference of trust is taken apart; without it the horizon.

    Raises:
        ValueError: when the alliance is not formed in both worlds, or the month is out of range.
    """
    futures, ledger = comparison.futures(), rounded(comparison.ledger_difference(month=month))
    at = comparison.factual.scenario.months if month is None else month
    bars = _bars(ledger)
    heights = [2.7, 2.2, 2.2, 0.42 * len(bars) + 0.6]
    figure, axes = new_figure(
        _title(comparison, ledger, at), _caption(comparison), 2.0 + sum(heights), 4,
        gridspec_kw={"height_ratios": heights},
    )  # fmt: skip
    last = _shown_until(comparison)
    for ax, name in zip(axes, PANELS, strict=False):
        _lines(ax, futures, name, _ends(comparison), last)
        _mark(ax, comparison, last)
    axes[0].legend(loc="lower left", ncols=2, bbox_to_anchor=(0.3, 1.0), borderaxespad=0.2)
    axes[2].set_xlabel("month of the run" if comparison.factual.scenario.network.market else MONTHS)
    _draw_bars(axes[3], bars)
    axes[3].set_title(f"The ledger of the difference {comparison.when(at)}")
    return figure


def _ends(comparison: Comparison) -> tuple[tuple[int, str], tuple[int, str]]:
    """For each world the month of the alliance's end and its cause; month 0 while it goes on, and for a mean."""
    if comparison.alliance is None:
        return (0, ""), (0, "")
    match = comparison.match(comparison.alliance)
    worlds = ((comparison.factual, match.factual), (comparison.counterfactual, match.counterfactual))
    ties = [history.alliances[-1, number - 1] for history, number in worlds if number is not None]
    was, otherwise = [(int(tie.ended), CAUSES_OF_ENDING[int(tie.cause)]) for tie in ties]
    return was, otherwise


def _shown_until(comparison: Comparison) -> int:
    """Last month of the axis: the horizon, or some time after both worlds have ended."""
    horizon, ends = comparison.factual.scenario.months, [month for month, _ in _ends(comparison)]
    return horizon if 0 in ends else min(horizon, round(1.25 * max(ends)) + 2)


def _lines(
    ax: Axes, futures: pd.DataFrame, name: str, ends: tuple[tuple[int, str], tuple[int, str]], last: int
) -> None:
    """One state over months in both worlds, each until its end."""
    title, unit = VARIABLE_WORDS[name]
    ax.set(title=title, ylabel=unit.replace(", ", ",\n"), xlim=(0, last))
    if name != "value":
        ax.set_ylim(0, 1)
    worlds = ((name, "as it was", AS_IT_WAS), (f"{name}_otherwise", "otherwise", OTHERWISE))
    for (column, label, (color, dashes)), (ended, _) in zip(worlds, ends, strict=True):
        values: Floats = futures[column].to_numpy(dtype=np.float64).copy()
        if ended:
            values[ended + 1 :] = np.nan
        wide = 3.2 if label == "as it was" else 2.4  # where both are the same the dashes lie on the black line
        ax.plot(futures["month"], values, color=color, linestyle=dashes, linewidth=wide, label=label)
        if ended:
            ax.scatter([ended], [values[ended]], s=190, marker="*", color=color, edgecolors="white", zorder=4)
    tick_years(ax)


def _mark(ax: Axes, comparison: Comparison, last: int) -> None:
    """The months of each change, as a line or a band; one that lasts has a line at its beginning."""
    for change in comparison.changes:
        if isinstance(change, KeptAway) and len(change.months) > 1:
            ax.axvspan(change.months[0], min(change.months[-1], last), color=PALE, alpha=0.6, zorder=0)
    dated = {change.months[0] for change in comparison.changes if isinstance(change, KeptAway) and change.months}
    dated |= {change.month for change in comparison.changes if isinstance(change, SetFrom)}
    for month in sorted({comparison.first_month, *dated}):
        ax.axvline(month, color=GREY, linewidth=1.4, linestyle=(0, (1, 2)), zorder=1)


def _bars(ledger: pd.DataFrame) -> list[tuple[str, float, tuple[str, str]]]:
    """Rows of the bar chart: words, length, colour and hatch. First the causes, then their sum, then the known ways.

    ``ledger`` is rounded, so that the numbers at the bars add up.
    """
    totals = ledger.set_index("cause")["total"]
    ranked = totals[totals.abs().sort_values(ascending=False, kind="stable").index]
    shown = ranked[ranked.abs() > SMALLEST_BAR * max(float(ranked.abs().max()), 1e-12)]
    rows = [(cause_words(str(cause)), float(total), _look(str(cause))) for cause, total in shown.items()]
    rest = float(totals.sum() - shown.sum())
    if signed(rest, 3) != "0.000":
        rows.append(("all else", rest, CAUSE_LOOKS["other"]))
    rows.append(("difference of trust", float(totals.sum()), (INK, "")))
    ways = [(column, words) for column, words in zip(WAYS, WAY_WORDS, strict=True) if ledger[column].notna().all()]
    return rows + [(words, float(ledger[column].sum()), (GREY, "")) for column, words in ways]


def _look(cause: str) -> tuple[str, str]:
    return CAUSE_LOOKS["other"] if cause == START else CAUSE_LOOKS[cause]


def _draw_bars(ax: Axes, bars: list[tuple[str, float, tuple[str, str]]]) -> None:
    """Horizontal bars, each with its number at its end."""
    widths = [width for _, width, _ in bars]
    for row, (_, width, (color, hatch)) in enumerate(bars):
        ax.barh(row, width, height=0.7, facecolor=color, hatch=hatch, edgecolor="white")
        ax.annotate(
            signed(width, 3), (width, row), xytext=(5 if width >= 0 else -5, 0), textcoords="offset points",
            ha="left" if width >= 0 else "right", va="center", fontsize=12, fontweight="bold",
        )  # fmt: skip
    total = [words for words, _, _ in bars].index("difference of trust")
    ax.axhline(total - 0.5, color=INK, linewidth=1)
    ax.axvline(0.0, color=INK, linewidth=1)
    ax.set_yticks(range(len(bars)), [words for words, _, _ in bars])
    ax.set_ylim(len(bars) - 0.4, -0.6)
    low, high = min(*widths, 0.0), max(*widths, 0.0)
    room = 0.12 * max(high - low, 1e-6)  # for the numbers at the ends of the bars
    ax.set_xlim(low - room, high + room)
    ax.set_xlabel("trust, otherwise less as it was")
    bare_rows(ax)


def _title(comparison: Comparison, ledger: pd.DataFrame, month: int) -> str:
    difference = float(ledger["total"].sum())
    way = "higher" if difference >= 0 else "lower"
    moved = "the same" if signed(difference, 3) == "0.000" else f"{abs(difference):.3f} {way}"
    return f"{capital(comparison.title)}, trust would be {moved} {comparison.when(month)}"


def _caption(comparison: Comparison) -> str:
    if comparison.alliance is None:
        whose = (
            f"Lines: mean of the {len(comparison.in_both())} alliances that are formed in both worlds, each from its "
            "signature on; one that ended keeps its last state. "
        )
    else:
        name = comparison.name(comparison.match(comparison.alliance))
        whose = f"Alliance {comparison.alliance}, {name}. Lines: mean of both partners, until the end (star). "
    scenario = comparison.factual
    return (
        f"{whose}Dotted: the month of the change. Bars: the difference of trust by cause, their sum, and how the sum "
        "comes about; through communication is what goes away when communication is held to what it was. One history, "
        "not a mean over many. "
        f"Scenario {scenario_words(scenario.scenario.name)}, seed {scenario.seed}, replicate {scenario.replicate}."
    )
