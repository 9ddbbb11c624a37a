"""One history: an alliance, or the mean of all, month by month, with what happened and what moved trust."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

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
from sim.study.analysis import alliance_name, choose_alliance, scenario_words, signed
from sim.study.plots.causes import CAUSE_LOOKS, key_of_causes, lump_small
from sim.study.plots.frame import (
    BLUE,
    GREEN,
    GREY,
    INK,
    MONTHS,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    End,
    Floats,
    bare_rows,
    darkened,
    label_ends,
    new_figure,
    styled,
    tick_years,
)
from sim.study.story.wording import adding_up
from sim.study.words import capital, how_many
from sim.text import named

LONGEST_EVENT = 28
"""Letters of a dated event's name; a longer one is shortened, so that it stays beside its line."""

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
        ("result", "result", GREY, "-", 1.0), ("smoothed", "result, smoothed", BLUE, "-", 2.4),
        ("expectation", "expectation", VERMILLION, (0, (6, 2)), 2.4)]),
    ("Value so far", "money,\nboth partners", None, [("value", "net value", INK, "-", 2.4)]),
)  # fmt: skip
"""Panels of a history: title, unit, limits, and of each line: key, name, colour, dashes, width."""


def happenings(history: History, alliance: int | None) -> dict[str, Floats]:
    """For each kind of :data:`HAPPENINGS`, in how many alliances it happened, by month (months + 1,)."""
    a = _chosen(history.alliances, alliance)
    ledger = _chosen(history.ledger, alliance)
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


def _chosen(records: Any, alliance: int | None) -> Any:
    """Records (month, alliance, …) of one alliance, which keeps its axis, or of all."""
    return records if alliance is None else records[:, alliance - 1 : alliance]


def _events_of(history: History, alliance: int | None) -> list[Event]:
    """The enabled dated events that touch the alliance."""
    scenario = history.scenario
    if alliance is None:
        return [event for event in scenario.events if event.enabled]
    last = history.alliances[-1, alliance - 1]
    partners = {int(row) for row in last.org}
    ended = int(last.ended) or scenario.months
    return [
        event
        for event in scenario.events
        if event.enabled
        and max(int(last.formed), 1) <= event.month <= ended
        and (event.kind == "crash" or partners & set(scenario.rows(event.who)))
    ]


def _lines(history: History, alliance: int | None) -> dict[str, Floats]:
    """Mean of both sides by month, of one alliance or of all that go on; NaN where there is nothing."""
    a = _chosen(history.alliances, alliance)
    months = np.arange(len(a))[:, None]
    lived = (a["alive"] == 1) | ((a["ended"] == months) & (a["ended"] > 0))
    worked = lived & (months > 0)
    lines = {}
    for name in ("trust", "personal", "effective", "expectation", "communication", "ties", "gap"):
        values = np.asarray(a[name]).mean(-1) if a[name].ndim == 3 else np.asarray(a[name])
        lines[name] = _mean_where(values, lived)
    lines["result"] = _mean_where(np.asarray(a["net"]).mean(-1), worked)
    lines["smoothed"] = _mean_where(np.asarray(a["smoothed"]).mean(-1), lived)
    counted = (a["exists"] == 1) if alliance is None else lived
    lines["value"] = _mean_where(np.asarray(a["value"]).sum(-1), counted)
    return lines


def _mean_where(values: Floats, where: NDArray[np.bool_]) -> Floats:
    counts = where.sum(-1)
    sums = np.where(where, values, 0.0).sum(-1)
    return np.divide(sums, counts, out=np.full(counts.shape, np.nan), where=counts > 0)


@styled
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
    figure, axes = new_figure(
        _history_title(history, alliance), caption, 2.0 + sum(panels), 5, sharex=True,
        gridspec_kw={"height_ratios": panels},
    )  # fmt: skip
    axes[0].set_xlim(_shown_from(history, alliance), _shown_until(history, alliance))
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
    tick_years(axes[0])
    axes[-1].set_xlabel(_months_words(history))
    ends = [
        (ax, [_end(lines[name], words, color) for name, words, color, _, _ in parts])
        for ax, (_, _, _, parts) in zip(axes, HISTORY_PANELS, strict=False)
    ]
    label_ends(figure, ends)
    return figure


def _shown_from(history: History, alliance: int | None) -> int:
    """First month of the axis: the day of the signature, which is the end of the month before the first together."""
    return 0 if alliance is None else max(int(history.alliances[-1, alliance - 1].formed) - 1, 0)


def _shown_until(history: History, alliance: int | None) -> int:
    """Last month of the axis: the horizon, or some time after the end of an alliance that ended early."""
    horizon = max(history.scenario.months, 1)
    ended = 0 if alliance is None else int(history.alliances[-1, alliance - 1].ended)
    lasted = ended - _shown_from(history, alliance)
    return min(horizon, ended + math.ceil(0.25 * lasted) + 2) if ended else horizon


def _months_words(history: History) -> str:
    """Name of the month axis; in a market alliances are signed in all months of the run."""
    return "month of the run" if history.scenario.network.market else MONTHS


def _end(line: Floats, words: str, color: str) -> End:
    defined = np.flatnonzero(~np.isnan(line))
    last = int(defined[-1]) if len(defined) else 0
    return float(last), float(line[last]) if len(defined) else 0.0, words, color


def _rows_of_happenings(ax: Axes) -> None:
    ax.set_title("What happened")
    ax.set_yticks(range(len(HAPPENINGS)), list(HAPPENINGS))
    ax.set_ylim(len(HAPPENINGS) - 0.4, -0.6)
    bare_rows(ax, lines=True)


def _living(history: History) -> Floats:
    """Alliances that worked together in each month, (months + 1,); month 0 counts those signed before the first."""
    a = history.alliances
    months = np.arange(len(a))[:, None]
    worked = (a["alive"] == 1) | ((a["ended"] == months) & (months > 0))
    return np.asarray(worked.sum(1), dtype=np.float64)


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
            color=darkened(color), fontweight="bold",
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
    low, high = axes[0].get_xlim()
    span = high - low
    events = [event for event in events if low <= event.month <= high]
    ends: list[float] = []
    levels = []
    for event in sorted(events, key=lambda event: event.month):
        room = span * 0.0135 * (len(_event_words(event)) + 2)  # a character is about 1.3% of the axis
        start = event.month if event.month + room < high else event.month - room
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
    return f"{named(name, LONGEST_EVENT)} (month {event.month})"


def _history_title(history: History, alliance: int | None) -> str:
    name, months = alliance_name(history, alliance), how_many(history.scenario.months, "month")
    end = history.alliances[-1]
    if alliance is None:
        going = int((end["alive"] == 1).sum())
        scenario = capital(scenario_words(history.scenario.name))
        return f"{scenario}, {name}: {going} go on after {months}"
    tie = end[alliance - 1]
    start, last = float(np.mean(tie.trust_start)), float(np.mean(tie.effective))
    moved = f"trust goes from {start:.2f} to {last:.2f}"
    if tie.alive == 1:
        return f"{capital(name)}: {moved}, still going on after {months}"
    return f"{capital(name)}: {moved}; ended in month {int(tie.ended)} by {CAUSES_OF_ENDING[int(tie.cause)]}"


def _history_caption(history: History, alliance: int | None) -> str:
    if alliance is None:
        return (
            "Lines: mean of both partners over the alliances still going on (value: over all). Columns below: how "
            "often it happened to an alliance in a year, all on one scale; at the right the mean. Dotted lines: dated "
            "events. "
            f"{_run_words(history)}"
        )
    return (
        "Lines: mean of both partners. Symbols: the month in which it happened. Dotted lines: dated events. "
        f"{_run_words(history)}"
    )


def _run_words(history: History) -> str:
    """Which history this is."""
    return f"Scenario {scenario_words(history.scenario.name)}, seed {history.seed}, replicate {history.replicate}."


@styled
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
    a = _chosen(history.alliances, alliance)
    entries = _chosen(history.ledger, alliance)
    signed = (a["exists"] == 1).sum(1)
    gained = np.cumsum(entries[:, :, :, EFFECTIVE].mean(axis=2).sum(axis=1), axis=0)
    summed = pd.DataFrame(
        np.vstack([np.zeros(len(CAUSES)), gained / np.maximum(signed[1:, None], 1)]), columns=list(CAUSES)
    )
    trust = _mean_where(np.asarray(a["effective"]).mean(-1), a["exists"] == 1)
    shown = lump_small(summed, by=-1)
    caption = (
        "Above: effective trust, mean of both partners. Below: what each cause has added to it (above zero) and taken "
        "from it (below) since the signature; the black line is their sum"
        + (
            ", trust less that at the signature. Alliances count from their signature on. "
            if alliance is None and history.scenario.network.market
            else ", so it has the shape of the line above. "
        )
        + ("Alliances that ended keep what they had. " if alliance is None else "")
        + _run_words(history)
    )
    title = f"{capital(alliance_name(history, alliance))}: {_gross(summed)}"
    figure, axes = new_figure(title, caption, 9.6, 2, sharex=True, gridspec_kw={"height_ratios": [1, 2.3]})
    last = max(int(end) or history.scenario.months for end in a["ended"][-1])
    months = np.arange(last + 1)
    axes[0].plot(months, trust[: last + 1], color=INK, linewidth=2.6)
    axes[0].set(ylim=(0, 1), ylabel="trust (0 to 1)", title="Effective trust")
    axes[0].set_xlim(_shown_from(history, alliance), _shown_until(history, alliance))
    _stack(axes[1], months, shown.iloc[: last + 1])
    axes[1].set(ylabel="change since the signature", xlabel=_months_words(history), title="What it is made of")
    _date_lines(axes, _events_of(history, alliance))
    tick_years(axes[0])
    key_of_causes(axes[1], shown)
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
    parts = {"built": float(end.clip(lower=0.0).sum()), "destroyed": float(end.clip(upper=0.0).sum())}
    total = round(100 * sum(parts.values()))
    shown = {name: signed(part / 100) for name, part in adding_up(parts, total, 100).items()}
    return f"{shown['built']} of trust built and {shown['destroyed']} destroyed make {signed(total / 100)}"
