"""Vetting: whom an interview accepts, and how many questions it takes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from sim.analysis.plots.frame import BLUE, INK, ORANGE, VERMILLION, Floats, label_ends, new_figure, styled
from sim.analysis.vetting import STOPPED_AFTER, Findings, Interview, courses

DEGREES = np.linspace(0.0, 1.0, 41)
"""Degrees of practising what one professes, for the operating characteristic."""
MOST_BARS = 40
"""More numbers of questions than this are drawn in groups."""
SHOWN = 0.99
"""The number of questions is shown as far as this share of all interviews goes."""


@styled
def vetting(findings: Findings) -> Figure:
    """The operating characteristic of an interview, and the distribution of the number of questions asked.

    Args:
        findings: what ``sim.analysis.vetting.vet`` computed.
    """
    title = (
        f"The interview accepts {findings.genuine.share_accepted:.0%} of genuine partners and "
        f"{findings.cat_poster.share_accepted:.0%} of cat posters, after {findings.questions:.1f} questions on average"
    )
    caption = (
        "Left: chance of being accepted, by how far practice follows words (w): a question is answered convincingly "
        "with chance p0 + w·(p1 − p0). Right: chance that the interview ends after so many questions, upwards for a "
        f"genuine partner, downwards for a cat poster; the axis ends where {SHOWN:.0%} of all interviews are over. "
        "Computed exactly, not simulated."
    )
    figure, (left, right) = new_figure(title, caption, 6.2, columns=2, width_ratios=[1.0, 1.15])
    _operating_characteristic(figure, left, findings)
    _questions_asked(right, findings)
    return figure


def _operating_characteristic(figure: Figure, ax: Axes, findings: Findings) -> None:
    """Whom the interview accepts; beside it, whom it would accept when stopped early."""
    interview, limit = findings.interview, findings.interview.max_questions
    lines: list[tuple[str, Interview, str, Any]] = [("as planned", interview, INK, "-")]
    if limit is None or limit > STOPPED_AFTER:
        early = interview.changed(max_questions=STOPPED_AFTER)
        lines.append((f"stopped after {STOPPED_AFTER} questions", early, VERMILLION, (0, (6, 2))))
    ends = []
    for name, asked, color, dashes in lines:
        accepted = _accepted(asked)
        ax.plot(DEGREES, accepted, color=color, linestyle=dashes)
        ends.append((1.0, float(accepted[-1]), name, color))
    ax.plot([0.0, 1.0], [findings.cat_poster.share_accepted, findings.genuine.share_accepted], "o", color=INK, ms=7)
    ax.set_title("Who is accepted")
    ax.set_xlabel("how far practice follows words, w")
    ax.set_ylabel("chance of being accepted")
    ax.set_xlim(-0.02, 1.02)
    ax.set_ylim(0.0, 1.03)
    ax.set_xticks([0.0, 0.5, 1.0], ["0\ncat poster", "0.5", "1\ngenuine"])
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    label_ends(figure, [(ax, ends)])


def _accepted(interview: Interview) -> Floats:
    return np.array([course.share_accepted for course in courses(interview, DEGREES)])


def _questions_asked(ax: Axes, findings: Findings) -> None:
    """Bars for each number of questions: accepted and turned away, genuine partners up, cat posters down."""
    last = max(findings.enough_for(SHOWN), 1)
    width, highest = math.ceil(last / MOST_BARS), []
    for course, way in ((findings.genuine, 1.0), (findings.cat_poster, -1.0)):
        yes, no = (way * _grouped(ends, last, width) for ends in (course.accepted, course.rejected))
        middle = np.arange(len(yes)) * width + (width - 1) / 2.0
        ax.bar(middle, yes, 0.8 * width, color=BLUE, edgecolor="white", linewidth=0.4)
        ax.bar(middle, no, 0.8 * width, bottom=yes, color=ORANGE, hatch="////", edgecolor="white", linewidth=0.4)
        highest.append(float(np.abs(yes + no).max()))
    room = 0.16 * sum(highest)
    ax.set_ylim(-highest[1] - room, highest[0] + room)
    _name_half(ax, f"genuine partners: {findings.genuine.questions:.1f} on average", 0.975, "top")
    _name_half(ax, f"cat posters: {findings.cat_poster.questions:.1f} on average", 0.025, "bottom")
    ax.axhline(0.0, color=INK, linewidth=1.0)
    ax.set_title("How many questions it takes")
    ax.set_xlabel("questions asked" if width == 1 else f"questions asked, in groups of {width}")
    ax.set_ylabel("share of interviews that end there")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100.0 * abs(share):.3g}%"))
    ax.set_xlim(-0.6, last + 0.6)
    handles = [
        Patch(facecolor=BLUE, edgecolor="white", label="accepted"),
        Patch(facecolor=ORANGE, edgecolor="white", hatch="////", label="turned away"),
    ]
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)


def _name_half(ax: Axes, name: str, height: float, side: str) -> None:
    ax.text(0.985, height, name, transform=ax.transAxes, ha="right", va=side, fontweight="bold")


def _grouped(ends: Floats, last: int, width: int) -> Floats:
    """Chances of so many questions up to the last shown, summed over groups of ``width`` numbers from 0."""
    shown = ends[: last + 1]
    return np.add.reduceat(shown, np.arange(0, len(shown), width))
