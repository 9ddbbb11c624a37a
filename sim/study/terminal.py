"""What the terminal shows: a result folder, or one history, in few lines.

Needs no Matplotlib, so that a table is on the screen at once.
"""

from __future__ import annotations

import math
import os
import shutil
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import CAUSES, CAUSES_OF_ENDING, EFFECTIVE
from sim.engine import History
from sim.intervals import shown
from sim.study import analysis
from sim.study.analysis import outcome_words
from sim.study.report import reference_words
from sim.study.words import (
    REFERENCE,
    SAMPLED,
    Study,
    causes_in_words,
    headlines,
    how_many,
    number,
    one_line,
    raw_survived,
    warning_of,
    whole_sentence,
)
from sim.sweeps.reading import Stored

TERMINAL = 100
"""Columns of a terminal line, at most."""

NAME = 16
"""Columns of a table that names of cells have at least; one of the last two outcomes is left out for them."""

MOST_NOTES = 4
"""Notes on what is compared that the terminal has room for; the summary has all."""

CONTENTS = ("report.html", "summary.md", "figures/", "tables/", "manifest.json")
"""What a result folder may hold, in the order in which it is named."""


def width() -> int:
    """Columns of a line of text: those of the terminal, at most :data:`TERMINAL`; that many in a file or a pipe."""
    return min(TERMINAL, shutil.get_terminal_size((TERMINAL, 24)).columns) if sys.stdout.isatty() else TERMINAL


# ---------------------------------------------------------------------------------------------------------------
# A result folder
# ---------------------------------------------------------------------------------------------------------------
def summary_text(stored: Stored) -> str:
    """The summary for the terminal: an aligned table and a few sentences, at most 40 lines of 100 columns.

    A narrower terminal has more lines. Only the line that names the folder may be longer, as long as its path.
    """
    study = Study(stored)
    lines = _wrapped(one_line(study.manifest["title"]), 1)
    lines += _wrapped(one_line(study.manifest["question"]), 2)
    if warning := warning_of(study):
        lines += _wrapped(warning, 2)
    lines += ["", *_terminal_table(study), ""]
    if study.names[study.reference] == REFERENCE:
        lines += _wrapped(f"The reference is {reference_words(study)}.", 2)
    for said in headlines(study)[:6]:
        lines += _wrapped(whole_sentence(said), 3)
    for note in study.notes[:MOST_NOTES]:
        lines += _wrapped(whole_sentence(note), 3)
    for warning in (_two_humps(study), SAMPLED if study.sampled else "", raw_survived(study)):
        lines += _wrapped(warning, 3)
    lines += ["", f"Results: {os.path.relpath(study.folder) if _is_near(study.folder) else study.folder}"]
    if there := [name for name in CONTENTS if (study.folder / name).exists()]:
        lines += _wrapped(f"In that folder: {', '.join(there)}", 2)
    return "\n".join(lines)


def _wrapped(text: str, most: int) -> list[str]:
    """In lines as wide as the terminal, with as much text as ``most`` of the widest lines take."""
    wide = width()
    return textwrap.wrap(
        text, wide, max_lines=math.ceil(most * TERMINAL / wide), placeholder=" …", break_on_hyphens=False
    )


def _two_humps(study: Study) -> str:
    """Where a mean of trust describes nobody, when that is beyond chance; how sure it is stands in the summary."""
    if not study.split:
        return ""
    names = ", ".join(study.names[cell] for cell in study.split[:3])
    more = f" and {len(study.split) - 3} more" if len(study.split) > 3 else ""
    return f"Two kinds of alliances, which the mean hides: trust ends in two humps in {names}{more}."


def _is_near(folder: Path) -> bool:
    return folder.resolve().is_relative_to(Path.cwd())


def _terminal_table(study: Study) -> list[str]:
    """Means of up to four outcomes by cell with half the width of their intervals; fewer where names are long.

    A name that is longer than what is left beside the numbers is wrapped.
    """
    names = [study.names[cell] for cell in study.detailed]
    outcomes = study.outcomes[:4]
    while True:
        head = [textwrap.shorten(outcome_words(name), 24, placeholder=" …") for name in outcomes]
        body = [[_plus_minus(study.mean(cell, name)) for name in outcomes] for cell in study.detailed]
        widths = [max(len(row[k]) for row in [head, *body]) for k in range(len(head))]
        room = width() - sum(widths) - 2 * len(widths)
        if max(map(len, names)) <= room or len(outcomes) == 1 or (len(outcomes) == 2 and room >= NAME):
            break
        outcomes = outcomes[:-1]
    longest = min(max(map(len, names)), max(room, NAME))
    lines = []
    for name, row in zip(["", *names], [head, *body], strict=True):
        first, *more = textwrap.wrap(name, longest) or [""]
        numbers = (field.rjust(width) for field, width in zip(row, widths, strict=True))
        lines += ["  ".join([first.ljust(longest), *numbers]), *more]
    if len(study.detailed) < len(study.numbers):
        left = len(study.numbers) - len(study.detailed)
        lines += _wrapped(f"… {left} more cells: see summary.md or tables/", 1)
    return lines


def _plus_minus(row: Mapping[str, Any]) -> str:
    """ "0.940 ± 0.019", shares in percent; both ends where they are not equally far away."""
    found, sign = analysis.sure_of(row, "mean"), "%" if OUTCOMES[str(row["outcome"])].unit == "share" else ""
    return "–" if math.isnan(found.estimate) else shown(found, sign, plus_minus=True)


# ---------------------------------------------------------------------------------------------------------------
# One history
# ---------------------------------------------------------------------------------------------------------------
def history_text(history: History, alliance: int | None = None, columns: int = TERMINAL) -> str:
    """What happened in one history: how many alliances ended and why, and the ledger of the chosen one in words.

    Where no alliance was ever formed it says so, and what became of the search.

    Args:
        history: what :func:`sim.engine.simulate_history` returns.
        alliance: its number, from 1; None for the mean of all alliances.
        columns: of a line.

    Raises:
        ValueError: when there is no such alliance.
    """
    alliance = analysis.choose_alliance(history, alliance)
    if history.alliances.shape[1] == 0:
        return textwrap.fill(_nobody_in_words(history), columns)
    paragraphs = [_all_in_words(history)]
    if alliance is not None:
        paragraphs.append(_one_in_words(history, alliance))
    entries = history.ledger if alliance is None else history.ledger[:, alliance - 1 : alliance]
    totals = entries[:, :, :, EFFECTIVE].sum(axis=0).mean(axis=(0, 1))
    whose = "Mean over all partners" if alliance is None else f"Alliance {alliance}, mean of both partners"
    ledger = causes_in_words(dict(zip(CAUSES, totals.tolist(), strict=True)))
    paragraphs.append(f"{whose}: {ledger}.")
    return "\n".join(textwrap.fill(paragraph, columns) for paragraph in paragraphs)


def _run_in_words(history: History) -> str:
    return f"{one_line(history.scenario.title)}, seed {history.seed}, replicate {history.replicate}"


def _nobody_in_words(history: History) -> str:
    """A market in which no alliance was formed: how many organizations there were, and their interviews."""
    last = history.organizations[-1]
    count, interviews, accepted = len(last), int(last["interviews"].sum()), int(last["accepted"].sum())
    months = how_many(history.scenario.months, "month")
    asked = "nobody was interviewed"
    if interviews:
        asked = f"of {interviews} interviews {accepted or 'none'} ended with a yes"
    return f"{_run_in_words(history)}: no alliance was formed in {months} among {count} organizations; {asked}."


def _all_in_words(history: History) -> str:
    last = history.alliances[-1]
    count, months = len(last), how_many(history.scenario.months, "month")
    causes = {name: int((last["cause"] == code).sum()) for code, name in enumerate(CAUSES_OF_ENDING)}
    ended = count - causes["going on"]
    by = ", ".join(f"{causes[name]} by {name}" for name in CAUSES_OF_ENDING[1:] if causes[name])
    until = (
        f"at the end of the run of {months}, some of them young"
        if history.scenario.network.market
        else f"after {months}"
    )
    return (
        f"{_run_in_words(history)}: of {how_many(count, 'alliance')}, {causes['going on']} still going on {until}, "
        f"{ended} ended{f' ({by})' if by else ''}. {_worth_in_words(last)}"
    )


def _worth_in_words(last: Any) -> str:
    """What the alliances were worth, against what their resources would have earned elsewhere."""
    value, gain, apart = (OUTCOMES[name].formula(last) for name in ("value", "gain", "better_apart"))
    mean, more = float(value.mean()), float(gain.mean())
    whose = "It was worth" if len(last) == 1 else "On average an alliance was worth"
    than = f"{number(abs(more), 1)} {'more' if more >= 0 else 'less'} than their resources would have earned elsewhere"
    return (
        f"{whose} {number(mean, 1)} money to both partners, {than} meanwhile; {int(apart.sum())} of {len(last)} would "
        "have been better off apart."
    )


def _one_in_words(history: History, alliance: int) -> str:
    tie = history.alliances[-1, alliance - 1]
    start, end = float(np.mean(tie.trust_start)), float(np.mean(tie.effective))
    fate = (
        f"still going on after {how_many(int(tie.age), 'month')}"
        if tie.alive == 1
        else f"ended in month {int(tie.ended)} by {CAUSES_OF_ENDING[int(tie.cause)]}"
    )
    contingencies = "1 contingency" if tie.contingencies == 1 else f"{int(tie.contingencies)} contingencies"
    problems = how_many(int(tie.problems), "problem")
    if history.scenario.network.market:
        fate = f"signed in month {int(tie.formed)} of the run, {fate}"
    return (
        f"Alliance {alliance}, {analysis.alliance_name(history, alliance)}: {fate}. Trust went from {start:.2f} to "
        f"{end:.2f}; net value {number(float(tie.value.sum()), 1)} money, gain over the outside option "
        f"{number(float(tie.value.sum() - tie.apart), 1)}; {contingencies} "
        f"({int(tie.met_together)} met together); {problems} ({int(tie.hard_talks)} talked through, "
        f"{int(tie.blames)} blamed on somebody, {int(tie.festered)} left unsaid)."
    )
