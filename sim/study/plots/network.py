"""The network of a run at some of its months: who is allied with whom, and how much each trusts the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sim.engine import History
from sim.study.analysis import partner_name, percent, scenario_words
from sim.study.plots.frame import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ON_WHITE,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    YELLOW,
    Floats,
    new_figure,
    styled,
    tick_years,
    wrap_label,
)
from sim.study.words import how_many
from sim.text import named

MOST_SHOWN = 60
"""More organizations than this cannot be told apart in a panel; those nearest to the best connected one are drawn."""
MOST_MONTHS = 6
"""Most panels of one figure."""
LONGEST_TITLE = 100
"""Letters of a scenario's title in the figure's."""
RECENT = 24
"""Months for which an alliance that has ended is still drawn, faintly."""
STEPS = 500
"""Steps of the layout."""
TO_THE_MIDDLE = 0.5
"""Pull to the middle of the layout, so that those without alliances do not drift off."""
LONGEST_MOVE = 0.15
"""Longest move in the first step of the layout; it falls to 0."""
NEAREST = 0.24
"""Nodes of a layout are kept this far apart; it fills the square from −1 to 1."""

ENDED: Any = (0, (1, 2.5))
"""Dots of an alliance that has ended."""
GROUP_LOOKS = (
    ("o", SKY), ("s", ORANGE), ("^", GREEN), ("D", YELLOW), ("P", PURPLE), ("X", VERMILLION), ("v", BLUE),
)  # fmt: skip
"""Shape and colour of the organizations of each group, in the scenario's order."""
TRUST_SHADES = LinearSegmentedColormap.from_list("trust", ["#d5d5d5", "#7f8ea3", "#2f4a73", "#08142e"])
"""Shades of trust from 0 to 1, ever darker, so that they also read in grey."""


def months_of(horizon: int, asked: Sequence[int] | None = None) -> tuple[int, ...]:
    """Months to show: those asked for, in order and each once, else four that are spread over the run.

    Args:
        horizon: last month of the run.
        asked: months from 0, the day before the first month, to the horizon.

    Raises:
        ValueError: when a month lies outside the run, or when there are none or more than :data:`MOST_MONTHS`.
    """
    if asked is None:
        return tuple(sorted({max(1, round(horizon * share)) for share in (1 / 12, 1 / 3, 2 / 3, 1)}))
    months = tuple(sorted(set(asked)))
    if not 1 <= len(months) <= MOST_MONTHS:
        raise ValueError(f"from 1 to {MOST_MONTHS} different months can be shown, not {len(months)}")
    if wrong := [month for month in months if not 0 <= month <= horizon]:
        raise ValueError(f"month {wrong[0]}: the run has months 0 to {horizon}")
    return months


# ---------------------------------------------------------------------------------------------------------------
# Where organizations stand
# ---------------------------------------------------------------------------------------------------------------
def months_together(history: History) -> Floats:
    """Months that each two organizations were allied in the whole run, (N, N), symmetric; 0 where they never were."""
    count = history.organizations.shape[1]
    together = np.zeros((count, count))
    for tie in history.alliances[-1]:
        a, b = tie.org
        together[a, b] += max(int(tie.age), 1)
    return together + together.T


def shown_organizations(together: Floats) -> list[int]:
    """Rows to draw: all, or with more than :data:`MOST_SHOWN` the best connected one and those nearest to it.

    Nearness is counted in alliances from one to the next; who was allied longer comes first.
    """
    if len(together) <= MOST_SHOWN:
        return list(range(len(together)))
    linked = together > 0
    ranked = sorted(range(len(together)), key=lambda row: (-int(linked[row].sum()), row))
    found: list[int] = []
    for start in ranked:  # only where a whole component has been drawn is there a second start
        queue = [start]
        while queue and len(found) < MOST_SHOWN:
            row = queue.pop(0)
            if row not in found:
                found.append(row)
                nearest = sorted(np.flatnonzero(linked[row]), key=lambda other: (-together[row, other], other))
                queue += [int(other) for other in nearest]
    return sorted(found)


def layout(together: Floats) -> Floats:
    """Places in the square from −1 to 1, (n, 2), that bring long allies near: the same for every month of a run.

    Springs pull allies together, everybody pushes everybody away, and all are drawn to the middle (Fruchterman &
    Reingold 1991). The start is a spiral, the best connected in the middle, so nothing is random.

    Args:
        together: months that each two were allied, (n, n).
    """
    count = len(together)
    rank = np.empty(count)
    rank[np.argsort(-(together > 0).sum(1), kind="stable")] = np.arange(count)
    angle = rank * np.pi * (3.0 - np.sqrt(5.0))
    place = np.sqrt((rank + 0.5) / count)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    pull = np.log1p(together) / np.log1p(max(together.max(), 1.0))
    ideal = 1.0 / np.sqrt(count)
    for step in range(STEPS):
        apart = place[:, None] - place[None, :]
        distance = np.maximum(np.linalg.norm(apart, axis=-1), 1e-6)
        force = ideal**2 / distance - pull * distance**2 / ideal
        move = (apart * (force / distance)[..., None]).sum(1) - TO_THE_MIDDLE * place
        length = np.maximum(np.linalg.norm(move, axis=1, keepdims=True), 1e-9)
        place = place + move / length * np.minimum(length, LONGEST_MOVE * (1.0 - step / STEPS))
    return _filling(_kept_apart(_filling(place)))


def _filling(place: Floats) -> Floats:
    """Moved and stretched to fill the square from −1 to 1; where all stand on a line, that line."""
    low, high = place.min(axis=0), place.max(axis=0)
    reach = np.where(high - low > 1e-9, 0.5 * (high - low), 1.0)
    return np.asarray((place - 0.5 * (low + high)) / reach)


def _kept_apart(place: Floats) -> Floats:
    """Nodes that would cover each other pushed apart."""
    for _ in range(STEPS):
        apart = place[:, None] - place[None, :]
        distance = np.linalg.norm(apart, axis=-1) + np.eye(len(place))
        push = np.clip(NEAREST - distance, 0.0, None) / np.maximum(distance, 1e-6)
        np.fill_diagonal(push, 0.0)
        place = place + 0.5 * (apart * push[..., None]).sum(1)
    return place


# ---------------------------------------------------------------------------------------------------------------
# The figure
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class _Stage:
    """What all panels of a figure share."""

    history: History
    rows: list[int]
    places: dict[int, Floats]
    radius: float  # points; of an organization without alliances


@styled
def network(history: History, months: Sequence[int] | None = None) -> Figure:
    """Who is allied with whom at some months, on one layout for all, and below how it went in between.

    Args:
        history: what :func:`sim.engine.simulate_history` returns.
        months: which months, at most :data:`MOST_MONTHS`; None for four that are spread over the run.

    Raises:
        ValueError: see :func:`months_of`.
    """
    chosen = months_of(history.scenario.months, months)
    together = months_together(history)
    rows = shown_organizations(together)
    places = dict(zip(rows, layout(together[np.ix_(rows, rows)]), strict=True))
    stage = _Stage(history, rows, places, 10.0 if len(rows) <= 30 else 8.0)
    columns = min(len(chosen), 2 if len(chosen) <= 4 else 3)
    lines = -(-len(chosen) // columns)
    side = 11.4 / columns
    heights = [side] * lines + [1.35, 2.4]
    figure, axes = new_figure(
        _title(history), _caption(stage), 1.7 + sum(heights), lines + 2, columns,
        gridspec_kw={"height_ratios": heights},
    )  # fmt: skip
    grid: Any = axes[0].get_gridspec()
    for ax in axes[len(chosen) :]:
        ax.remove()
    for ax, month in zip(axes, chosen, strict=False):
        _panel(ax, stage, month)
    key = figure.add_subplot(grid[lines, :])
    key.set_axis_off()
    _key(key, stage)
    series = network_over_months(history)
    strip = grid[lines + 1, :].subgridspec(1, len(series))
    for k, (name, values) in enumerate(series.items()):
        _strip(figure.add_subplot(strip[0, k]), name, values, chosen)
    return figure


def _arrived(history: History, row: int, month: int) -> bool:
    """Whether an organization is in the market by the end of a month; without a market all are from the start."""
    return not history.scenario.network.market or float(history.organizations[month, row].arrival) <= max(month, 1)


def _panel(ax: Axes, stage: _Stage, month: int) -> None:
    """The network at the end of one month."""
    ties = stage.history.alliances[month]
    ties = ties[(ties.exists == 1) & np.isin(ties.org, stage.rows).all(axis=1)]
    living = ties[ties.alive == 1]
    ax.set_axis_off()
    ax.set(xlim=(-1.12, 1.12), ylim=(-1.12, 1.12), aspect="equal")
    gone = ties[(ties.alive == 0) & (month - ties.ended < RECENT)]
    ended = [[stage.places[int(row)] for row in tie.org] for tie in gone]
    ax.add_collection(LineCollection(ended, colors=GREY, linewidths=1.1, linestyles=ENDED, zorder=1))
    _draw_trust(ax, stage, living)
    here = [row for row in stage.rows if _arrived(stage.history, row, month)]
    held = np.bincount(living.org.ravel(), minlength=stage.history.organizations.shape[1])
    for row in here:
        _draw_organization(ax, stage, row, int(held[row]))
    ax.set_title(_panel_title(stage, month, living))


def _panel_title(stage: _Stage, month: int, living: Any) -> str:
    """How many alliances there are and their mean trust; when only some are drawn, how many those are of all."""
    total = int((stage.history.alliances[month].alive == 1).sum())
    if len(stage.rows) < stage.history.organizations.shape[1]:
        return f"Month {month}: {len(living)} of {how_many(total, 'alliance')} drawn"
    trust = f", mean trust {living.effective.mean():.2f}" if total else ""
    return f"Month {month}: {how_many(total, 'alliance')}{trust}"


def _draw_trust(ax: Axes, stage: _Stage, living: Any) -> None:
    """Each half of a line shows how much the organization at its end trusts the other; the darker lie on top."""
    halves = []
    for tie in living:
        a, b = (stage.places[int(row)] for row in tie.org)
        middle = 0.5 * (a + b)
        halves += [(float(tie.effective[0]), a, middle), (float(tie.effective[1]), b, middle)]
    halves.sort(key=lambda half: half[0])
    trust = np.array([value for value, _, _ in halves])
    lines = LineCollection(
        [[end, middle] for _, end, middle in halves], colors=TRUST_SHADES(trust), linewidths=line_width(trust),
        capstyle="butt", zorder=2,
    )  # fmt: skip
    ax.add_collection(lines)


def line_width(trust: Any) -> Any:
    """Width of a line, points."""
    return 0.8 + 5.2 * np.asarray(trust) ** 1.5


def _draw_organization(ax: Axes, stage: _Stage, row: int, held: int) -> None:
    """Shape and colour say the group, size the number of living alliances; the name is its number."""
    scenario = stage.history.scenario
    marker, color = GROUP_LOOKS[int(stage.history.organizations[0, row].group) % len(GROUP_LOOKS)]
    name = partner_name(scenario, row)
    short = str(row + 1) if name == f"organization {row + 1}" else ""
    x, y = stage.places[row]
    radius = stage.radius * np.sqrt(1.0 + 0.35 * held)
    ax.scatter(
        x, y, s=(2.0 * radius) ** 2, marker=marker, color=[_paler(color)], edgecolors=INK, linewidths=1.0, zorder=3
    )
    ax.text(x, y - (0.015 if marker == "^" else 0.0), short, ha="center", va="center", fontsize=8, zorder=4)
    if not short:
        ax.annotate(
            name, (x, y), xytext=(0, -1.5 * radius), textcoords="offset points", ha="center", va="top", fontsize=10,
            fontweight="bold", zorder=4, bbox=ON_WHITE,
        )  # fmt: skip


def _paler(color: str) -> tuple[float, ...]:
    """A colour on which dark numbers can be read."""
    return tuple(0.45 + 0.55 * part for part in to_rgb(color))


def _key(ax: Axes, stage: _Stage) -> None:
    """What lines, shapes and sizes mean."""
    scenario = stage.history.scenario
    handles = [
        Line2D([], [], color=TRUST_SHADES(trust), linewidth=float(line_width(trust)), label=f"trust {trust:.1f}")
        for trust in (0.1, 0.4, 0.7, 1.0)
    ]
    label = f"ended in the last {RECENT} months"
    handles.append(Line2D([], [], color=GREY, linewidth=1.1, linestyle=ENDED, label=label))
    for k, group in enumerate(scenario.groups):
        marker, color = GROUP_LOOKS[k % len(GROUP_LOOKS)]
        name = "organization" if len(scenario.groups) == 1 else wrap_label(named(group.name), 20)
        name = f" {name}" if name.startswith("_") else name  # or Matplotlib would leave it out of the key
        handles.append(_node(marker, color, stage.radius, name))
    handles += [
        _node("o", "white", stage.radius * np.sqrt(1.0 + 0.35 * held), f"with {how_many(held, 'alliance')}")
        for held in (1, 4)
    ]
    ax.legend(handles=handles, loc="center", ncols=5, columnspacing=1.6, handletextpad=0.8, labelspacing=0.9)


def _node(marker: str, color: str, radius: float, label: str) -> Line2D:
    face: Any = "white" if color == "white" else _paler(color)
    return Line2D(
        [], [], marker=marker, linestyle="none", markersize=2.0 * radius, markerfacecolor=face, markeredgecolor=INK,
        label=label,
    )  # fmt: skip


def network_over_months(history: History) -> dict[str, Floats]:
    """Living alliances, mean trust and, in a market, the share of repeated ties, by month (months + 1,).

    Trust is the mean over both sides; a tie is repeated when the two were allied before. NaN where nobody is allied.
    """
    ties = history.alliances
    living: NDArray[np.bool_] = (ties["exists"] == 1) & (ties["alive"] == 1)
    count = living.sum(1).astype(np.float64)
    shares = {"Mean trust": np.asarray(ties["effective"]).mean(-1)}
    if history.scenario.network.market:
        shares["Share of repeated ties"] = (ties["earlier"] > 0).astype(np.float64)
    means = {
        name: np.divide((values * living).sum(1), count, out=np.full(len(count), np.nan), where=count > 0)
        for name, values in shares.items()
    }
    return {"Living alliances": count, **means}


def _strip(ax: Axes, name: str, values: Floats, months: Sequence[int]) -> None:
    """One number over the months, with the months that are drawn above marked."""
    ax.plot(np.arange(len(values)), values, color=INK)
    ax.plot(
        list(months),
        values[list(months)],
        linestyle="none",
        marker="o",
        color=VERMILLION,
        markersize=7,
        zorder=3,
        clip_on=False,
    )
    ax.set(title=name, xlabel="month of the run", xlim=(0, max(len(values) - 1, 1)))
    tick_years(ax)
    if name == "Living alliances":
        ax.set_ylim(bottom=0)
        ax.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    else:
        ax.set_ylim(0, 1)


def _title(history: History) -> str:
    series = network_over_months(history)
    last = {name: float(values[-1]) for name, values in series.items()}
    scenario, months = history.scenario, how_many(history.scenario.months, "month")
    living = int(last["Living alliances"])
    said = f"{named(scenario.title, LONGEST_TITLE)}: {how_many(living, 'alliance')} after {months}"
    if living == 0:
        return said
    said += f", with a mean trust of {last['Mean trust']:.2f}"
    if scenario.network.market:
        said += f"; {percent(last['Share of repeated ties'])} of them join earlier partners"
    return said


def _caption(stage: _Stage) -> str:
    history, total = stage.history, stage.history.organizations.shape[1]
    shown = ""
    if len(stage.rows) < total:
        shown = (
            f"Drawn are {len(stage.rows)} of {total:,} organizations: the one with most partners and those nearest to "
            "it in the network; the curves below count all. "
        )
    come = "Who has not yet come to the market is absent. " if history.scenario.network.market else ""
    return (
        "Each half of a line shows how much the organization at its end trusts its partner, by width and shade. "
        f"Organizations stand in the same place in every month, long allies near each other. {come}{shown}"
        f"Curves: all alliances of the run, dots at the months drawn. "
        f"Scenario {scenario_words(history.scenario.name)}, seed {history.seed}, replicate {history.replicate}."
    )
