"""What the closed forms say of trust and communication, with the engine's own points laid over the curves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Patch

from sim.analysis.phase import LOW_START, PATH_DYADS, Findings, FixedPoint, Loop, Maps, Portrait
from sim.analysis.plots.frame import (
    BLUE,
    INK,
    ON_WHITE,
    ORANGE,
    PALE,
    VERMILLION,
    Floats,
    darkened,
    new_figure,
    styled,
)

SHADES = LinearSegmentedColormap.from_list("trust", ["#ffffff", "#9ecae1", BLUE, "#062a44"])
"""From none to all, of trust or of the distance between outcomes; evenly darker, so that it reads in grey."""
DASHED, DOTTED = (0, (6, 2)), (0, (1, 1.6))
POINT_EVERY = 3
"""Months between two points of a simulated path."""
MOST_FRICTION = 1.0
"""Friction is a chance."""
FRICTION = "friction w: chance of an incident in a month"
TRUST_START = "trust at the start"


# ---------------------------------------------------------------------------------------------------------------
# The phase portrait
# ---------------------------------------------------------------------------------------------------------------
@styled
def phase_portrait(plane: Portrait) -> Figure:
    """Where trust and communication go from every pair of them: flow, nullclines, fixed points, separatrix, paths.

    Args:
        plane: from ``sim.analysis.phase.portrait``, with or without simulated paths.
    """
    figure, (ax,) = new_figure(_portrait_title(plane.findings), _portrait_caption(plane), 9.0)
    ax.set_aspect("equal", anchor="W")
    ax.grid(False)
    if plane.separatrix is not None:
        trust, openness = plane.separatrix.T
        ax.fill_between(trust, openness, 0.0, color=PALE, alpha=0.7, linewidth=0, zorder=0.5)
    flow = ax.streamplot(
        plane.axis,
        plane.axis,
        plane.flow[0],
        plane.flow[1],
        color="#a3a3a3",
        linewidth=0.8,
        arrowsize=0.9,
        density=1.15,
        zorder=1.0,
    )
    flow.arrows.set_zorder(1.0)
    ax.plot(plane.trust, plane.disclosed, color=BLUE, zorder=2.0)
    ax.plot(plane.trust, plane.balanced, color=VERMILLION, linestyle=DASHED, zorder=2.0)
    if plane.separatrix is not None:
        ax.plot(*plane.separatrix.T, color=INK, linewidth=3.0, linestyle=(0, (3, 1.2)), zorder=2.2)
    _paths(ax, plane)
    _fixed_points(ax, plane.findings)
    ax.set_xlim(-0.015, 1.015)
    ax.set_ylim(-0.015, 1.015)
    ax.set_xlabel("trust T")
    ax.set_ylabel("communication C: share of what could be said that is said")
    ax.legend(
        handles=_portrait_key(plane), loc="upper left", bbox_to_anchor=(1.02, 1.0), handlelength=3.0, labelspacing=0.9
    )
    return figure


def _portrait_title(findings: Findings) -> str:
    low, high = findings.points[0], findings.points[-1]
    if findings.saddle is None:
        where = "nothing" if high.trust < 0.01 else f"{high.trust:.2f}"
        return f"Wherever it starts, trust goes to {where}: nothing parts one start from another"
    return f"Trust and openness lift each other to {high.trust:.2f} or pull each other down to {low.trust:.2f}"


def _portrait_caption(plane: Portrait) -> str:
    field = plane.findings.field
    numbers = (
        f"Friction w = {field.friction:g}, trust at half disclosure θ = {field.half:g}, openness floor c0 = "
        f"{field.floor:g}, gain {field.gain:g}, loss {field.loss:g}, speed of communication {field.speed:g} a month."
    )
    line = (
        "" if plane.separatrix is None else "From the shaded side of the thick line trust goes to the lower outcome. "
    )
    engine = (
        ""
        if plane.simulated is None
        else f" Dots: means of {PATH_DYADS} simulated alliances in small steps, every {POINT_EVERY} months, over "
        f"{plane.months[-1]:.0f} months."
    )
    return f"{line}Grey arrows: the mean field of trust and communication.{engine} {numbers}"


def _paths(ax: Axes, plane: Portrait) -> None:
    """The mean field from each start as a thin line, and the engine on top of it as dots."""
    for path in plane.paths:
        ax.plot(*path.T, color=INK, linewidth=1.0, zorder=2.4)
    if plane.simulated is not None:
        for path in plane.simulated:
            ax.plot(*path[::POINT_EVERY].T, "o", ms=4.6, color=ORANGE, mec=INK, mew=0.6, zorder=2.6)
    ax.plot(*plane.starts.T, "s", ms=7.0, color="white", mec=INK, mew=1.3, zorder=2.8)


def _fixed_points(ax: Axes, findings: Findings) -> None:
    for point in findings.points:
        face = INK if point.stable else "white"
        ax.plot(point.trust, point.communication, "o", ms=13, color=face, mec=INK, mew=2.4, zorder=4.0, clip_on=False)
        offset, beside, height = _label_side(point)
        ax.annotate(
            f"T = {point.trust:.2f}", (point.trust, point.communication), xytext=offset, textcoords="offset points",
            ha=beside, va=height, fontweight="bold", bbox=ON_WHITE, zorder=5.0,
        )  # fmt: skip


def _label_side(point: FixedPoint) -> tuple[tuple[float, float], str, str]:
    """Where a fixed point's label stands, clear of the nullclines, which all rise to the right."""
    if point.stable and point.trust > 0.3:
        return (-8.0, 11.0), "right", "bottom"
    return (13.0, -3.0 if point.trust > 0.03 else 6.0), "left", "center"


def _portrait_key(plane: Portrait) -> list[Any]:
    handles: list[Any] = [
        Line2D([], [], color=BLUE, label="communication stands still:\nC = S(T), what trust\nlets be said"),
        Line2D([], [], color=VERMILLION, linestyle=DASHED, label="trust stands still"),
    ]
    if plane.separatrix is not None:
        handles += [
            Line2D([], [], color=INK, linewidth=3.0, linestyle=(0, (3, 1.2)), label="the edge (separatrix)"),
            Patch(facecolor=PALE, alpha=0.7, label="starts that end low"),
        ]
    handles += [
        _dot("o", INK, 11, "stable: trust comes back"),
        *([_dot("o", "white", 11, "saddle: trust runs away\nto either side")] if plane.separatrix is not None else []),
        _dot("s", "white", 7, "a start"),
        Line2D([], [], color=INK, linewidth=1.0, label="its path by theory"),
    ]
    return handles + ([_dot("o", ORANGE, 5, "its path as simulated")] if plane.simulated is not None else [])


def _dot(marker: str, face: Any, size: float, label: str) -> Line2D:
    edge = 2.0 if size > 10 else 1.0
    return Line2D([], [], marker=marker, ls="", color=face, mec=INK, ms=size, mew=edge, label=label)


# ---------------------------------------------------------------------------------------------------------------
# Where trust tips
# ---------------------------------------------------------------------------------------------------------------
@styled
def tipping_map(found: Maps, ends: pd.DataFrame | None = None) -> Figure:
    """Where trust ends, by friction and its start; how far apart outcomes are, by friction and the openness floor.

    Args:
        found: from ``sim.analysis.phase.maps``.
        ends: simulated ends, from ``sim.analysis.phase.simulate_ends``; none are drawn without it.
    """
    figure, (left, right) = new_figure(_map_title(found), _map_caption(found, ends), 7.0, columns=2)
    shown = _shade(left, found.friction, found.start, found.ends)
    _shade(right, found.friction, found.floor, found.gap)
    _start_map(left, found)
    _floor_map(right, found)
    if ends is not None:
        of_start = ends[ends["picture"] == "start"]
        _cells(left, of_start["friction"], of_start["trust_start"], of_start["trust"])
        _cells(right, *_gaps(ends[ends["picture"] == "floor"]))
    bar = figure.colorbar(shown, ax=[left, right], shrink=0.75, aspect=28, pad=0.015)
    bar.set_label("left: trust in the end\nright: distance between the two outcomes")
    bar.outline.set_visible(False)
    return figure


def _map_title(found: Maps) -> str:
    folds, floor = found.findings.folds, found.cusp[1]
    if floor > 0.99:
        return "Where trust ends hangs on where it starts; no openness floor removes the edge"
    kept = f"an openness floor above {floor:.2f} removes the edge"
    if not folds:
        return f"At this openness floor trust ends in one place from every start: {kept}"
    if folds[1][0] > 1.0:
        return f"Friction alone never takes high trust away; {kept} below it"
    return f"Friction above {folds[1][0]:.2f} takes trust away from every start; {kept}"


def _map_caption(found: Maps, ends: pd.DataFrame | None) -> str:
    here = (
        "Dotted line and diamond: the case at hand."
        if found.findings.field.friction <= found.friction[-1]
        else "The case at hand lies beyond the right side."
    )
    said = (
        f"Left, openness floor {found.findings.field.floor:g}: shade is where theory says trust ends, white none, dark "
        "all. Right: shade is the distance between the outcomes of a high and a low start; white: one outcome only. "
        "Lines: where outcomes appear and vanish. Star: the cusp, c0θ² = 1/27 and ρ(1 − c0)θ² = 8/27 with ρ the losses "
        f"against the gains. {here}"
    )
    if ends is None:
        return said
    return (
        f"{said} Circles are simulated, {ends['dyads'].iloc[0]} alliances each, over {ends['months'].max()} months in "
        "small steps, and filled by the same scale: a circle filled like its ground agrees; beside a line trust is "
        "still on its way, or chance decides, so that they differ."
    )


def _shade(ax: Axes, across: Floats, up: Floats, values: Floats) -> Any:
    ax.grid(False)
    return ax.pcolormesh(across, up, values, cmap=SHADES, vmin=0.0, vmax=1.0, shading="nearest", rasterized=True)


def _cells(ax: Axes, across: Any, up: Any, values: Any) -> None:
    """Simulated values as circles of the shade that the ground should have."""
    ax.scatter(
        across, up, c=values, cmap=SHADES, vmin=0.0, vmax=1.0, s=120, edgecolors="white", linewidths=3.2, zorder=3.0
    )
    ax.scatter(across, up, c=values, cmap=SHADES, vmin=0.0, vmax=1.0, s=110, edgecolors=INK, linewidths=1.1, zorder=3.1)


def _gaps(ends: pd.DataFrame) -> tuple[Any, Any, Any]:
    """Friction, floor and the distance between the ends from the high and from the low start."""
    wide = ends.pivot_table(index=["friction", "floor"], columns="trust_start", values="trust")
    gap = (wide.iloc[:, -1] - wide.iloc[:, 0]).clip(lower=0.0)
    where = gap.index.to_frame()
    return where["friction"], where["floor"], gap


def _start_map(ax: Axes, found: Maps) -> None:
    ax.plot(*found.edge.T, color=INK, linewidth=2.6, zorder=2.5)
    for (friction, trust), end in zip(found.findings.folds, (0.0, 1.0), strict=False):
        ax.plot([friction, friction], [trust, end], color=INK, linewidth=2.6, zorder=2.5)
    ax.axvline(found.findings.field.friction, color=ORANGE, linestyle=DOTTED, linewidth=2.2, zorder=2.4)
    ax.set_title("Where trust ends, by its start")
    ax.set_xlabel(FRICTION)
    ax.set_ylabel(TRUST_START)
    ax.set_xlim(0.0, float(found.friction[-1]))
    ax.set_ylim(0.0, 1.0)


def _floor_map(ax: Axes, found: Maps) -> None:
    ax.plot(*found.curve.T, color=INK, linewidth=2.6, zorder=2.5)
    field, (friction, floor) = found.findings.field, found.cusp
    if field.friction <= found.friction[-1]:
        ax.plot(field.friction, field.floor, "D", ms=11, color=ORANGE, mec=INK, mew=1.4, zorder=4.0, clip_on=False)
    if friction <= found.friction[-1] and floor < 0.99:
        ax.plot(friction, floor, "*", ms=17, color=VERMILLION, mec=INK, mew=1.0, zorder=4.0)
        ax.annotate(
            f"cusp: w = {friction:.2f}, c0 = {floor:.2f}", (friction, floor), xytext=(-13, 0),
            textcoords="offset points", ha="right", va="center", fontweight="bold", bbox=ON_WHITE, zorder=4.0,
        )  # fmt: skip
    ax.set_title("Two outcomes or one, by openness floor")
    ax.set_xlabel(FRICTION)
    ax.set_ylabel("openness floor c0: said whatever the trust")
    ax.set_xlim(0.0, float(found.friction[-1]))
    ax.set_ylim(0.0, float(found.floor[-1]))


# ---------------------------------------------------------------------------------------------------------------
# Up and down
# ---------------------------------------------------------------------------------------------------------------
@styled
def hysteresis(shown: tuple[Loop, ...], limit: float, ends: pd.DataFrame | None = None) -> Figure:
    """Trust against friction on the way up and on the way down, a panel an openness floor.

    Args:
        shown: from ``sim.analysis.phase.loops``.
        limit: end of the axis of friction, 1/month.
        ends: simulated ends, from ``sim.analysis.phase.simulate_ends``; none are drawn without it.
    """
    figure, axes = new_figure(_loop_title(shown), _loop_caption(ends), 6.4, columns=len(shown), sharey=True)
    for ax, curve in zip(axes, shown, strict=True):
        _loop_panel(ax, curve, limit)
        if ends is not None:
            of_loop = ends[(ends["picture"] == "loop") & np.isclose(ends["floor"], curve.field.floor)]
            _both_starts(ax, of_loop)
    axes[0].set_ylabel("trust in the end")
    inside = not shown[-1].folds  # where trust slides, the corner under the line is free
    place = {"loc": "lower left"} if inside else {"loc": "upper left", "bbox_to_anchor": (1.02, 1.0)}
    axes[-1].legend(handles=_loop_key(ends), **place)
    return figure


def _loop_title(shown: tuple[Loop, ...]) -> str:
    kinds = [curve for curve in shown if curve.folds]
    if not kinds:
        return "Trust falls and rises with friction along one line: it never tips"
    first = kinds[0]
    (down, _), (up, _) = first.folds
    if up > MOST_FRICTION:
        return "No friction takes high trust away, and none that is left gives lost trust back"
    if first.field.floor == 0.0:
        return f"What friction above {up:.2f} takes away, less friction alone does not give back; openness does"
    return f"Friction above {up:.2f} takes trust away; only below {down:.2f} does it come back"


def _loop_caption(ends: pd.DataFrame | None) -> str:
    said = (
        "A panel for each openness floor c0 (said whatever the trust). Solid: outcomes that hold; dashed: the "
        "edge between them; dots: tipping points, where trust jumps along the arrows; "
        "shaded: friction at which the outcome depends on where trust comes from."
    )
    if ends is None:
        return said
    return (
        f"{said} Triangles: simulated means of {ends['dyads'].iloc[0]} alliances over {ends['months'].max()} months in "
        "small steps; near a tipping point they are still on their way or part by chance."
    )


def _loop_panel(ax: Axes, curve: Loop, limit: float) -> None:
    if curve.folds:
        (down, _), (up, _) = curve.folds
        ax.axvspan(down, min(up, limit), color=PALE, alpha=0.55, linewidth=0, zorder=0.5)
    for line in curve.stable:
        ax.plot(*line.T, color=INK, linewidth=2.8, zorder=2.0)
    ax.plot(*curve.edge.T, color=INK, linewidth=1.8, linestyle=DASHED, zorder=2.0)
    _jumps(ax, curve, limit)
    kind = "trust slides" if not curve.folds else "no way back" if curve.field.floor == 0.0 else "a loop"
    ax.set_title(f"Floor {curve.field.floor:.2f}: {kind}")
    ax.set_xlabel("friction w (chance in a month)")
    ax.set_xlim(0.0, limit)
    ax.set_ylim(-0.03, 1.03)


def _jumps(ax: Axes, curve: Loop, limit: float) -> None:
    """The tipping points and where trust jumps from there; without a floor collapsed trust never jumps."""
    for k, (friction, trust) in enumerate(curve.folds):
        if friction > limit or (k == 0 and curve.field.floor == 0.0):
            continue
        target = _other_line(curve.stable[1 - k], friction)
        color = VERMILLION if k else BLUE
        ax.add_patch(
            FancyArrowPatch(
                (friction, trust), (friction, target), arrowstyle="-|>", mutation_scale=20, linewidth=2.2,
                color=color, shrinkA=6, shrinkB=3, zorder=2.6,
            )
        )  # fmt: skip
        ax.plot(friction, trust, "o", ms=10, color=color, mec=INK, mew=1.2, zorder=3.4)
        ax.annotate(
            f"w = {friction:.2f}", (friction, trust), xytext=(9 if k else -9, 2), textcoords="offset points",
            ha="left" if k else "right", va="center", color=darkened(color), fontweight="bold", bbox=ON_WHITE,
            zorder=3.5,
        )  # fmt: skip


def _other_line(line: Floats, friction: float) -> float:
    """Trust on a line of fixed points at this friction."""
    order = np.argsort(line[:, 0])
    return float(np.interp(friction, line[order, 0], line[order, 1]))


def _both_starts(ax: Axes, ends: pd.DataFrame) -> None:
    for low, marker, face in ((False, "v", ORANGE), (True, "^", "white")):
        mine = ends[(ends["trust_start"] == LOW_START) == low]
        ax.plot(mine["friction"], mine["trust"], marker, ms=9, color=face, mec=INK, mew=1.3, zorder=3.0, clip_on=False)


def _loop_key(ends: pd.DataFrame | None) -> list[Any]:
    handles: list[Any] = [
        Line2D([], [], color=INK, linewidth=2.8, label="outcome that holds"),
        Line2D([], [], color=INK, linewidth=1.8, linestyle=DASHED, label="edge"),
        Patch(facecolor=PALE, alpha=0.55, label="two outcomes"),
    ]
    if ends is None:
        return handles
    high, low = ends["trust_start"].max(), ends["trust_start"].min()
    return [
        *handles,
        _dot("v", ORANGE, 9, f"simulated from trust {high:g}"),
        _dot("^", "white", 9, f"simulated from trust {low:g}"),
    ]
