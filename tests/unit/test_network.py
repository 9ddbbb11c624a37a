"""The picture of the network shows what the history holds: alliances, trust of each side, who is there, what ended."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from sim.analysis import plots
from sim.analysis.plots.frame import luminance
from sim.analysis.plots.network import (
    MOST_SHOWN,
    NEAREST,
    RECENT,
    TRUST_SHADES,
    layout,
    line_width,
    months_of,
    months_together,
    network_over_months,
    shown_organizations,
)
from sim.engine import History, simulate_history
from tests.builders import busy, dyad, market


@cache
def a_market() -> History:
    return simulate_history(market(months=48, organizations=20), 4)


def panels(figure: Figure) -> list[Axes]:
    return [ax for ax in figure.axes if ax.get_title(loc="left").startswith("Month ")]


def lines_of(ax: Axes, z: int) -> LineCollection:
    return next(part for part in ax.collections if isinstance(part, LineCollection) and part.get_zorder() == z)


def nodes_of(ax: Axes) -> list[PathCollection]:
    return [part for part in ax.collections if isinstance(part, PathCollection)]


def living(history: History, month: int) -> Any:
    ties = history.alliances[month]
    return ties[ties.alive == 1]


# ---------------------------------------------------------------------------------------------------------------
# Which months
# ---------------------------------------------------------------------------------------------------------------
def test_four_months_are_spread_over_the_run() -> None:
    assert months_of(144) == (12, 48, 96, 144)
    assert months_of(2) == (1, 2)
    assert months_of(1) == (1,)


def test_months_asked_for_are_shown_in_order_and_once() -> None:
    assert months_of(40, [30, 0, 30, 7]) == (0, 7, 30)
    with pytest.raises(ValueError, match="month 41: the run has months 0 to 40"):
        months_of(40, [3, 41])
    with pytest.raises(ValueError, match="from 1 to 6 different months"):
        months_of(40, range(7))


# ---------------------------------------------------------------------------------------------------------------
# The layout
# ---------------------------------------------------------------------------------------------------------------
def test_months_together_are_those_that_were_worked() -> None:
    history = a_market()
    together = months_together(history)
    final = history.alliances[-1]
    assert np.array_equal(together, together.T)
    assert together.sum() == 2 * final.age.sum()
    a, b = final.org[0]
    mine = (final.org == (a, b)).all(axis=1)
    assert together[a, b] == final.age[mine].sum()


def test_the_layout_is_the_same_every_time_and_keeps_nodes_apart() -> None:
    together = months_together(a_market())
    place = layout(together)
    assert np.array_equal(place, layout(together))
    assert np.abs(place).max() == pytest.approx(1.0)
    apart = np.linalg.norm(place[:, None] - place[None, :], axis=-1)
    assert apart[~np.eye(len(place), dtype=bool)].min() > 0.6 * NEAREST


def test_long_allies_stand_nearer_to_each_other() -> None:
    together = np.zeros((30, 30))
    for k in range(0, 30, 3):  # ten islands of three
        for i, j in ((k, k + 1), (k + 1, k + 2), (k, k + 2)):
            together[i, j] = together[j, i] = 100.0
    place = layout(together)
    apart = np.linalg.norm(place[:, None] - place[None, :], axis=-1)
    allied = together > 0
    assert apart[allied].mean() < 0.5 * apart[~allied & ~np.eye(30, dtype=bool)].mean()


def test_of_many_organizations_connected_ones_are_drawn_and_said_so() -> None:
    history = simulate_history(busy(organizations=90, months=4), 2)
    together = months_together(history)
    rows = shown_organizations(together)
    assert len(rows) == MOST_SHOWN == len(set(rows))
    reached, queue = set(), [rows[0]]
    while queue:
        row = queue.pop()
        if row not in reached:
            reached.add(row)
            queue += [other for other in rows if together[row, other] > 0]
    assert len(reached) == len(rows)
    figure = plots.network(history)
    assert "60 of 90 organizations" in figure._supxlabel.get_text().replace("\n", " ")
    ties = living(history, 4)
    shown = np.isin(ties.org, rows).all(axis=1).sum()
    assert panels(figure)[-1].get_title(loc="left") == f"Month 4: {shown} of {len(ties)} alliances drawn"


# ---------------------------------------------------------------------------------------------------------------
# What is drawn
# ---------------------------------------------------------------------------------------------------------------
def test_each_half_of_a_line_is_the_trust_of_the_organization_at_its_end() -> None:
    history = a_market()
    place = layout(months_together(history))
    figure = plots.network(history, [12, 48])
    for ax, month in zip(panels(figure), (12, 48), strict=True):
        ties = living(history, month)
        lines = lines_of(ax, 2)
        assert len(lines.get_segments()) == 2 * len(ties) > 0
        widths = {tuple(np.round(part[0], 9)): [] for part in lines.get_segments()}
        for part, width in zip(lines.get_segments(), lines.get_linewidths(), strict=True):
            widths[tuple(np.round(part[0], 9))].append(width)
        for row in np.unique(ties.org):
            trust = ties.effective[ties.org == row]
            found = widths[tuple(np.round(place[row], 9))]
            assert sorted(found) == pytest.approx(sorted(line_width(trust)))
        assert f"{len(ties)} alliances, mean trust {ties.effective.mean():.2f}" in ax.get_title(loc="left")


def test_more_trust_is_wider_and_darker() -> None:
    trust = np.linspace(0, 1, 50)
    assert (np.diff(line_width(trust)) > 0).all()
    bright = [luminance(to_rgb(color)) for color in TRUST_SHADES(trust)]
    assert (np.diff(bright) < 0).all()


def test_newcomers_are_absent_before_they_come_and_sizes_grow_with_alliances() -> None:
    history = a_market()
    figure = plots.network(history, [1, 4, 48])
    arrival = history.organizations[0].arrival
    counts = []
    for ax, month in zip(panels(figure), (1, 4, 48), strict=True):
        nodes = nodes_of(ax)
        here = np.flatnonzero(arrival <= month)
        assert len(nodes) == len(here)
        counts.append(len(nodes))
        held = [int((living(history, month).org == row).sum()) for row in here]
        sizes = [float(node.get_sizes()[0]) for node in nodes]
        for few, small in zip(held, sizes, strict=True):
            for many, large in zip(held, sizes, strict=True):
                assert (few < many) == (small < large)
    assert counts[0] < counts[-1] == 20


def test_alliances_that_ended_lately_are_dotted_and_older_ones_are_gone() -> None:
    history = a_market()
    for ax, month in zip(panels(plots.network(history, [12, 48])), (12, 48), strict=True):
        ties = history.alliances[month]
        lately = (ties.exists == 1) & (ties.alive == 0) & (month - ties.ended < RECENT)
        assert len(lines_of(ax, 1).get_segments()) == lately.sum() > 0


def test_a_place_is_the_same_in_every_month() -> None:
    figure = plots.network(a_market(), [40, 44, 48])
    first, *others = ([tuple(node.get_offsets()[0]) for node in nodes_of(ax)] for ax in panels(figure))
    assert all(other == first for other in others)


def test_the_curves_are_those_of_the_engine() -> None:
    history = a_market()
    series = network_over_months(history)
    assert list(series) == ["Living alliances", "Mean trust", "Share of repeated ties"]
    table = history.table()
    alive = table[table["alive"]].groupby("month")
    months = alive.size().index.to_numpy()
    assert np.array_equal(series["Living alliances"][months], alive.size().to_numpy())
    assert series["Mean trust"][months] == pytest.approx(alive["trust"].mean().to_numpy())
    assert np.isnan(series["Mean trust"][0])  # nobody is allied before the first month
    repeated = living(history, 48).earlier > 0
    assert series["Share of repeated ties"][-1] == pytest.approx(repeated.mean())
    assert repeated.any()


def test_a_fixed_network_and_a_dyad_are_drawn_too() -> None:
    history = simulate_history(busy(), 3)
    figure = plots.network(history)
    assert len(panels(figure)) == 4
    assert "Share of repeated ties" not in [ax.get_title(loc="left") for ax in figure.axes]
    plain = plots.network(simulate_history(dyad(months=3), 1))
    words = [text.get_text() for ax in panels(plain) for text in ax.texts]
    assert {"a", "b"} <= set(words)
    assert "1 alliance after 3 months" in plain._suptitle.get_text()


def test_a_market_in_which_nobody_ever_meets_is_drawn_empty() -> None:
    history = simulate_history(market(months=6, organizations=5, search_rate=0.0), 1)
    figure = plots.network(history)
    assert "0 alliances after 6 months" in figure._suptitle.get_text()
    assert len(nodes_of(panels(figure)[0])) == (history.organizations[0].arrival <= 1).sum()


# ---------------------------------------------------------------------------------------------------------------
# The other figures of a history, in a market
# ---------------------------------------------------------------------------------------------------------------
def of_line(ax: Axes, k: int = 0) -> np.ndarray:
    return np.asarray(ax.get_lines()[k].get_ydata(), dtype=float)


def test_the_mean_of_all_counts_only_alliances_that_have_been_signed() -> None:
    history = a_market()
    axes = plots.history_ledger(history).axes
    a = history.alliances
    expected = [
        a[month].effective[a[month].exists == 1].mean() if a[month].exists.any() else np.nan for month in range(49)
    ]
    assert of_line(axes[0]) == pytest.approx(np.array(expected), nan_ok=True)
    start = [a[-1].trust_start[a[month].exists == 1].mean() for month in range(1, 49)]
    assert of_line(axes[1], 1)[1:] == pytest.approx(np.array(expected[1:]) - start, abs=1e-9)
    value = plots.history(history).axes[3]
    signed = a[-1].exists == 1
    assert of_line(value)[-1] == pytest.approx(a[-1].value[signed].sum(axis=1).mean())


def test_one_alliance_is_drawn_in_the_months_of_its_life() -> None:
    history = a_market()
    final = history.alliances[-1]
    number = int(np.argmax(final.formed)) + 1
    formed = int(final.formed[number - 1])
    assert formed > 12
    for figure in (plots.history(history, number), plots.history_ledger(history, number)):
        low, high = figure.axes[0].get_xlim()
        assert (low, high <= 48) == (formed - 1, True)
        assert figure.axes[-1].get_xlabel() == "month of the run"
        assert len(figure.axes[0].get_xticks()) >= 2
        ticks = figure.axes[0].get_xticks()
        assert low <= ticks.min() <= ticks.max() <= high
