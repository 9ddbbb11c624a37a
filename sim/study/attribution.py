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
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.dynamics.outcomes import OUTCOMES
from sim.study import analysis
from sim.study.analysis import (
    decimals_of_interval,
    factor_words,
    in_unit,
    label_words,
    outcome_words,
    signed,
    told_outcomes,
    unit_words,
)
from sim.study.words import number, whole_sentence
from sim.sweeps.reading import Stored

Floats = NDArray[np.float64]

COLUMNS = ["part", "amount", "low", "high", "share", "share_low", "share_high"]
"""Columns of :attr:`Attribution.table`."""

MEANS = ("neither", "both")
"""Its rows that are means of the outcome; the others are parts of the change."""


@dataclass(frozen=True)
class Cause:
    """A factor with two levels: its column, the levels as the tables show them, and what it is called when it is on."""

    column: str
    off: Any
    on: Any
    words: str


@dataclass(frozen=True)
class Attribution:
    """An outcome's change from neither cause to both, shared out.

    Attributes:
        outcome: name in :data:`sim.dynamics.outcomes.OUTCOMES`.
        causes: what the two are called.
        n: replicates in which the outcome is defined in all four cells.
        table: columns :data:`COLUMNS`; rows ``neither``, ``both`` (means of the outcome), ``change`` (both − neither),
            ``first alone``, ``second alone``, ``meeting`` (these three add up to the change), ``first``, ``second``
            (Shapley values; they add up to it too). Amounts are in the outcome's unit, with 95% t intervals. Shares are
            parts of the change, with 95% jackknife intervals; NaN for the means, and for all when the change cannot be
            told from zero. Intervals are NaN with fewer than two replicates.
    """

    outcome: str
    causes: tuple[str, str]
    n: int
    table: pd.DataFrame

    def sentence(self) -> str:
        """The table in words: what the two did together, the share of each, and what was due to their meeting."""
        name, (first, second) = outcome_words(self.outcome), self.causes
        if self.n == 0:
            return f"{name} cannot be shared out: in no replicate is it defined in all four cells"
        begun, ended, change = (self._amount(part) for part in (*MEANS, "change"))
        told = f"{name}: {begun} with neither {first} nor {second}, {ended} with both, a change of {change}"
        if self.n == 1:
            return f"{told}; one replicate has no interval, so the change is not shared out"
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
        lines = [head, ["---"] * len(head), *body]
        table = ("| " + " | ".join(field.replace("|", "\\|") for field in line) + " |" for line in lines)
        return "\n".join([whole_sentence(self.sentence()), "", *table])

    def _row(self, part: str) -> dict[str, float]:
        row = self.table[self.table["part"] == part].iloc[0]
        return {name: float(row[name]) for name in COLUMNS[1:]}

    def _amount(self, part: str) -> str:
        """Amount and interval of a part as they are shown: shares in percent, changes with their sign."""
        row, unit = self._row(part), OUTCOMES[self.outcome].unit
        numbers = [in_unit(row[name], unit) for name in ("amount", "low", "high")]
        if part not in MEANS:
            return _with_interval(numbers, unit_words(self.outcome), plus=True)
        if unit == "share":  # a t interval knows no bounds; a share does
            return _with_interval(np.clip(numbers, 0.0, 100.0).tolist(), "%")
        return _with_interval(numbers, unit_words(self.outcome))

    def _share(self, part: str) -> str:
        row = self._row(part)
        if math.isnan(row["share"]):
            return "–"
        return _with_interval([100.0 * row[name] for name in ("share", "share_low", "share_high")], "%")


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
        return Cause(factor, off["label"], on["label"], label_words(on["label"]))
    numbers = all(isinstance(level, (bool, int, float)) for level in levels)
    if numbers and isinstance(off, bool) == isinstance(on, bool) and off == 0 and on != 0:
        return Cause(factor, off, on, factor_words(factor).removesuffix(" enabled"))
    return None


def _in_full(cause: Cause) -> str:
    """What a cause is called beside another of the same words: "North blame high", or "North blame 0.9"."""
    return label_words(f"{cause.column.replace('.', ' ')} {cause.on}")


def attribute(runs: pd.DataFrame, first: Cause, second: Cause, outcome: str) -> Attribution:
    """Share out the change of an outcome between two causes.

    Args:
        runs: table ``runs`` of a result folder, or any with ``replicate``, a column for each cause and the outcome.
        first, second: the causes; all four combinations of their levels must have runs.
        outcome: a column of ``runs``.

    Raises:
        ValueError: when a combination has no runs.
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
    _, low, high, n = analysis.interval(change)
    told_from_zero = low * high > 0.0  # false with NaN bounds
    rows = []
    for part, values in parts.items():
        shared = told_from_zero and part not in MEANS
        share = jackknife_ratio(values, change) if shared else (math.nan,) * 3
        rows.append((part, *analysis.interval(values)[:3], *share))
    return Attribution(outcome, (first.words, second.words), n, pd.DataFrame(rows, columns=COLUMNS))


def jackknife_ratio(top: Floats, bottom: Floats) -> tuple[float, float, float]:
    """Ratio of two means over the same n ≥ 2 replicates, and its 95% interval by the delete-one jackknife.

    Args:
        top, bottom: float64 (n,), without NaN; no n − 1 of ``bottom`` may add up to zero.
    """
    whole, below = top.sum(), bottom.sum()
    return analysis.jackknife_interval(float(whole / below), (whole - top) / (below - bottom))


def _four(runs: pd.DataFrame, first: Cause, second: Cause, outcome: str) -> tuple[Floats, ...]:
    """The outcome with neither, the first, the second and both, over the replicates in which all four are defined."""
    levels = [(first.off, second.off), (first.on, second.off), (first.off, second.on), (first.on, second.on)]
    columns = []
    for a, b in levels:
        cell = runs[(runs[first.column] == a) & (runs[second.column] == b)]
        if cell.empty:
            raise ValueError(f"no run has {first.column} {a} and {second.column} {b}")
        columns.append(cell.set_index("replicate")[outcome].astype(np.float64))
    shared = pd.concat(columns, axis=1).dropna()
    return tuple(shared.to_numpy().T)


def _with_interval(numbers: Sequence[float], unit: str, plus: bool = False) -> str:
    """A value, its low and its high end: "12.2 money (11.0 to 13.4)"; without an interval when there is none."""
    value, low, high = numbers
    digits = decimals_of_interval(value, low, high)
    shown = [(signed if plus else number)(x, digits) for x in numbers]
    return f"{shown[0]}{unit}" if math.isnan(low) else f"{shown[0]}{unit} ({shown[1]} to {shown[2]})"
