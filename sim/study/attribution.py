"""Who is to blame when two causes meet: an outcome's change shared out between two factors that are each on or off.

In a 2×2 design the outcome has four means: with neither cause, with each alone, with both. What one cause adds depends
on whether the other is there, so "its share" depends on the order in which the two are added, unless one takes the mean
over both orders. That mean is the Shapley value (Shapley 1953, A value for n-person games): for two causes, half of
what the cause adds alone and half of what it adds where the other is present already. The two values always add up to
the whole change. What the causes do together beyond the sum of what each does alone, their *meeting*, is reported
beside them; the Shapley values split it evenly.

All four cells share random draws by replicate, so every amount is a mean over replicates of a contrast within one. Its
interval is a t interval; a share is a ratio of two means, and its interval comes from the jackknife over replicates
(Quenouille 1956, Notes on bias in estimation).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.dynamics.outcomes import OUTCOMES
from sim.intervals import EVERYWHERE, JACKKNIFE, Interval, difference_bounds, mean_of, ratio_of, shown
from sim.study import analysis
from sim.study.analysis import SURE, factor_in_full, factor_words, in_unit, outcome_words, told_outcomes, unit_words
from sim.study.words import whole_sentence
from sim.sweeps.reading import Stored
from sim.text import Markdown, markdown, named

Floats = NDArray[np.float64]

COLUMNS = ["part", "amount", *SURE, "share", "share_low", "share_high"]
"""Columns of :attr:`Attribution.table`."""

MEANS = ("neither", "both")
"""Its rows that are means of the outcome; the others are parts of the change."""

BETWEEN = ("change", "first alone", "second alone")
"""Its rows that are differences of two means."""


@dataclass(frozen=True)
class Cause:
    """A factor with two levels: its column, the levels as the tables show them, and what it is called when it is on."""

    column: str
    off: Any
    on: Any
    words: str


@dataclass(frozen=True, eq=False)
class Attribution:
    """An outcome's change from neither cause to both, shared out.

    Attributes:
        outcome: name in :data:`sim.dynamics.outcomes.OUTCOMES`.
        causes: what the two are called.
        n: replicates in which the outcome is defined in all four cells.
        table: columns :data:`COLUMNS`; rows ``neither``, ``both`` (means of the outcome), ``change`` (both − neither),
            ``first alone``, ``second alone``, ``meeting`` (these three add up to the change), ``first``, ``second``
            (Shapley values; they add up to it too). Amounts are in the outcome's unit. Shares are parts of the change;
            NaN for the means, and for all when the change cannot be told from zero. Intervals are those of
            :mod:`sim.intervals`, those of shares by the jackknife.
    """

    outcome: str
    causes: tuple[str, str]
    n: int
    table: pd.DataFrame = field(repr=False)

    def sentence(self) -> str:
        """The table in words: what the two did together, the share of each, and what was due to their meeting."""
        name, (first, second) = outcome_words(self.outcome), self.causes
        if self.n == 0:
            return f"{name} cannot be shared out: in no replicate is it defined in all four cells"
        begun, ended, change = (self._amount(part) for part in (*MEANS, "change"))
        told = f"{name}: {begun} with neither {first} nor {second}, {ended} with both, a change of {change}"
        if self.n == 1:
            return f"{told}; one replicate has no interval, so the change is not shared out"
        if not self._found("change").known:
            return f"{told}; {self._found('change').note}, so the change is not shared out"
        if math.isnan(self._row("first")["share"]):
            return f"{told}, which cannot be told from zero and is not shared out"
        return (
            f"{told}. Of this change {self._share('first')} is due to {first} and {self._share('second')} to {second}, "
            f"whichever of the two one adds first (Shapley values). Alone, {first} does "
            f"{self._amount('first alone')} and {second} {self._amount('second alone')}; their meeting does "
            f"{self._amount('meeting')}, {self._share('meeting')} of the whole, which the two share evenly"
        )

    def parts(self) -> dict[str, str]:
        """The parts that people read, in their order: what each is called, by its name in :attr:`table`."""
        first, second = self.causes
        return {
            "neither": f"neither {first} nor {second}",
            "first alone": f"{first} alone adds",
            "second alone": f"{second} alone adds",
            "meeting": "their meeting adds",
            "both": f"both {first} and {second}",
            "first": f"due to {first} (Shapley value)",
            "second": f"due to {second} (Shapley value)",
        }

    def rows(self) -> list[list[str]]:
        """The table as people read it, first row its head: :meth:`parts`, amount and share, each with its interval."""
        body = [[words, self._amount(part), self._share(part)] for part, words in self.parts().items()]
        return [["part", outcome_words(self.outcome), "share of the change"], *body]

    def markdown(self) -> str:
        """The sentence and, below it, the table in Markdown."""
        head, *body = self.rows()
        lines: list[Sequence[str]] = [head, [Markdown("---")] * len(head), *body]
        table = ("| " + " | ".join(map(markdown, line)) + " |" for line in lines)
        return "\n".join([markdown(whole_sentence(self.sentence())), "", *table])

    def _row(self, part: str) -> pd.Series:
        return self.table[self.table["part"] == part].iloc[0]

    def _found(self, part: str) -> Interval:
        return Interval.of(self._row(part), "amount")

    def _amount(self, part: str) -> str:
        """Amount and interval of a part as they are shown: shares in percent, changes with their sign."""
        unit = OUTCOMES[self.outcome].unit
        found = self._found(part).times(in_unit(1.0, unit))
        if part in MEANS and unit == "share":
            return shown(found, "%")
        return shown(found, unit_words(self.outcome), plus=part not in MEANS)

    def _share(self, part: str) -> str:
        share, low, high = (100.0 * float(self._row(part)[name]) for name in ("share", "share_low", "share_high"))
        return "–" if math.isnan(share) else shown(Interval(share, low, high, self.n, JACKKNIFE), "%")


def attributions(stored: Stored) -> list[Attribution]:
    """One attribution for each of an experiment's outcomes; none unless its design is one scenario × two causes.

    A factor is a cause when it has two levels of which the first is "off": false and true, two levels with names of
    their own (``{label = …, value = …}``), or a zero and a number.
    """
    design = stored.manifest["design"]
    factors = design["factors"]
    if len(design["scenarios"]) != 1 or len(factors) != 2:
        return []
    first, second = (cause_of(name, levels) for name, levels in factors.items())
    if first is None or second is None:
        return []
    if first.words == second.words:
        first, second = (replace(cause, words=_in_full(cause)) for cause in (first, second))
    runs = stored.tables["runs"]
    if len(runs[[first.column, second.column]].drop_duplicates()) < 4:  # a sweep that was stopped, or cells that failed
        return []
    return [attribute(runs, first, second, name) for name in told_outcomes(stored.manifest, runs)]


def cause_of(factor: str, levels: Any) -> Cause | None:
    """The cause that a factor is, from its name and its levels as a design records them; None when it is none."""
    if not isinstance(levels, list) or len(levels) != 2:
        return None
    off, on = levels
    if all(isinstance(level, Mapping) and "label" in level for level in levels):
        return Cause(factor, off["label"], on["label"], named(on["label"]))
    numbers = all(isinstance(level, (bool, int, float)) for level in levels)
    if numbers and isinstance(off, bool) == isinstance(on, bool) and off == 0 and on != 0:
        return Cause(factor, off, on, factor_words(factor).removesuffix(" enabled"))
    return None


def _in_full(cause: Cause) -> str:
    """What a cause is called beside another of the same words: "North blame high", or "North blame 0.9"."""
    return f"{factor_in_full(cause.column)} {named(cause.on)}"


def attribute(runs: pd.DataFrame, first: Cause, second: Cause, outcome: str) -> Attribution:
    """Share out the change of an outcome between two causes.

    Args:
        runs: table ``runs`` of a result folder, or any with ``replicate``, a column for each cause and the outcome.
        first, second: the causes; all four combinations of their levels must have runs.
        outcome: a column of ``runs``.

    Raises:
        ValueError: when a combination has no runs, or has one twice.
    """
    neither, one, other, both = _four(runs, first, second, outcome)
    alone, alone_too = one - neither, other - neither
    change = both - neither
    meeting = change - alone - alone_too
    parts = {
        "neither": neither,
        "both": both,
        "change": change,
        "first alone": alone,
        "second alone": alone_too,
        "meeting": meeting,
        "first": alone + 0.5 * meeting,
        "second": alone_too + 0.5 * meeting,
    }
    bounds = OUTCOMES[outcome].bounds
    whole = mean_of(change, difference_bounds(bounds))
    rows = []
    for part, values in parts.items():
        found = mean_of(
            values, bounds if part in MEANS else difference_bounds(bounds) if part in BETWEEN else EVERYWHERE
        )
        shared = whole.low * whole.high > 0.0 and part not in MEANS  # false without an interval
        share = ratio_of(values, change) if shared else Interval(math.nan)
        rows.append((part, *astuple(found), share.estimate, share.low, share.high))
    return Attribution(outcome, (first.words, second.words), whole.n, pd.DataFrame(rows, columns=COLUMNS))


def _four(runs: pd.DataFrame, first: Cause, second: Cause, outcome: str) -> tuple[Floats, ...]:
    """The outcome with neither, the first, the second and both, over the replicates in which all four are defined."""
    levels = [(first.off, second.off), (first.on, second.off), (first.off, second.on), (first.on, second.on)]
    keys = analysis.keys_of_runs(runs, (first.column, second.column))
    columns = []
    for a, b in levels:
        cell = runs[(runs[first.column] == a) & (runs[second.column] == b)]
        if cell.empty:
            raise ValueError(f"no run has {first.column} {a} and {second.column} {b}")
        columns.append(cell.set_index(keys)[outcome].astype(np.float64))
    shared = pd.concat(columns, axis=1).dropna()
    return tuple(shared.to_numpy().T)
