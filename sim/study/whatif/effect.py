"""The mean effect of a change over many replicates, each compared with itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from sim.distributions import expect
from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import CAUSES, LAYERS
from sim.engine import Floats, History, simulate_history
from sim.intervals import EVERYWHERE, SHARE, Interval, Range, difference_bounds, digits_of, mean_of
from sim.scenario import Scenario
from sim.study.analysis import SURE, signed
from sim.study.story.wording import joined
from sim.study.whatif.changes import Change, DidNotHappen, Plan, check_signed, plan_of
from sim.study.whatif.comparison import ALL
from sim.study.whatif.ledger import START
from sim.study.whatif.worlds import other_world
from sim.study.words import capital, how_many

OUTCOMES_OF_AN_EFFECT = {
    "trust": "trust",
    "communication": "communication",
    "value": "money",
    "gain": "money",
    "better_apart": "share",
    "frustration": "frustration",
    "alive": "share",
    "months": "month",
}
"""Outcomes of :func:`effect_of` and their units, all at the horizon; an alliance that ended keeps its last state."""

WITHOUT_BOUNDS = ("money", "month")
"""Units whose differences have none; all else lies within 0 and 1."""


@dataclass(frozen=True, eq=False)
class Effect:
    """The mean effect of a change over replicates, each compared with itself.

    Attributes:
        changes: what was changed.
        alliance: whose trust it is, its number from 1; None for the mean of every alliance of each world.
        replicates: how many were tried. ``applied``: in how many of them the change can be made.
        refused: of those in which it cannot, the first and why not; empty when it can in all.
        table: a row for each of :data:`OUTCOMES_OF_AN_EFFECT` at the horizon: ``outcome``, ``unit``, ``as_it_was`` and
            ``otherwise`` (means), ``difference`` and how sure it is (:data:`sim.study.analysis.SURE`).
        ledger: a row a cause: mean difference of effective trust by it, and how sure it is; they add up to the
            difference of trust.
    """

    changes: tuple[Change, ...]
    alliance: int | None
    replicates: int
    applied: int
    refused: str
    table: pd.DataFrame = field(repr=False)
    ledger: pd.DataFrame = field(repr=False)

    def sentence(self) -> str:
        """The effect on trust in words, with its interval."""
        title = capital(joined([change.words() for change in self.changes]))
        tried = how_many(self.replicates, "replicate")
        if not self.applied:
            return f"{title}: this can be made in none of {tried}. {capital(self.refused)}"
        row = self.table[self.table["outcome"] == "trust"].iloc[0]
        found = Interval.of(row, "difference")
        digits = digits_of(found)
        mean, low, high = (signed(value, digits) for value in (found.estimate, found.low, found.high))
        within = f" ({found.note})" if not found.known else f" (95% interval {low} to {high})"
        whose = "the mean trust of all alliances" if self.alliance is None else f"trust in alliance {self.alliance}"
        return (
            f"{title}, {whose} at the horizon changes by {mean}{within}, mean over the {self.applied} of {tried} in "
            "which the change can be made"
        )


def effect_of(
    scenario: Scenario,
    changes: Sequence[Change],
    replicates: int = 200,
    seed: int = 1,
    alliance: int | Literal["all"] = 1,
    progress: Callable[[int], None] | None = None,
) -> Effect:
    """The mean effect of a change, such as ``KeptAway("blame")``, the first blame, over many replicates.

    Args:
        scenario: what is run.
        changes: what is different.
        replicates: how many, numbered from 0. A replicate in which what is kept away did not happen does not count.
        seed: of the random numbers.
        alliance: whose, by its number; :data:`ALL` for the mean of every alliance of each world. The alliances of a
            network without named pairs are drawn alike, so the first stands for any.
        progress: called after each replicate with how many are done.

    Raises:
        BadChange: when a change cannot be made.
        ValueError: when there are no replicates.
        RuntimeError: when the two worlds differ before the change, which would be a fault of the program.
    """
    expect(replicates, (int, np.integer), "replicates: how many, a whole number from 1")
    if replicates < 1:
        raise ValueError("replicates: at least one")
    plan = plan_of(scenario, changes)
    chosen = None if alliance == ALL else int(alliance)
    pairs, refused = [], ""
    for replicate in range(replicates):
        try:
            pairs.append(_ends_of_both(plan, simulate_history(scenario, seed, replicate), chosen))
        except DidNotHappen as why:
            refused = refused or f"in replicate {replicate}: {why}"
        if progress:
            progress(replicate + 1)
    ends = np.array(pairs).reshape(len(pairs), 2, len(OUTCOMES_OF_AN_EFFECT) + 1 + len(CAUSES))
    return Effect(tuple(changes), chosen, replicates, len(pairs), refused, _table(ends), _ledger(ends))


def _ends_of_both(plan: Plan, factual: History, alliance: int | None) -> tuple[Floats, Floats]:
    """Outcomes and ledger at the horizon, as it was and otherwise.

    Raises:
        DidNotHappen: when the change cannot be made in this history.
    """
    count = factual.alliances.shape[1]
    if count < (alliance or 1):
        raise DidNotHappen(f"{count or 'no'} alliance{'s are' if count > 1 else ' is'} formed")
    plan = plan.resolved(factual, alliance)
    if alliance is not None:
        check_signed(factual, alliance, plan)
    otherwise = other_world(plan, factual, alliance)
    if not otherwise.alliances.shape[1]:
        raise DidNotHappen("no alliance is formed otherwise, so there is no trust to compare")
    return _ends(factual, alliance), _ends(otherwise, alliance)


def _ends(history: History, alliance: int | None) -> Floats:
    """:data:`OUTCOMES_OF_AN_EFFECT`, then trust at the start and the ledger by cause; means over alliances."""
    rows = slice(None) if alliance is None else slice(alliance - 1, alliance)
    alliances, ledger = history.alliances[-1, rows], history.ledger[:, rows].sum(axis=0)
    outcomes = (
        alliances["effective"].mean(),
        alliances["communication"].mean(),
        alliances["value"].sum(axis=-1).mean(),
        OUTCOMES["gain"].formula(alliances.view(np.recarray)).mean(),
        OUTCOMES["better_apart"].formula(alliances.view(np.recarray)).mean(),
        alliances["frustration"].mean(),
        alliances["alive"].mean(),
        alliances["age"].mean(),
    )
    caused = ledger[:, :, LAYERS.index("effective")].mean(axis=(0, 1))
    return np.array([*outcomes, alliances["trust_start"].mean(), *caused])


def _table(ends: Floats) -> pd.DataFrame:
    """Outcomes of both worlds of each replicate, float64 (applied, 2, outcomes + 1 + causes), summed up."""
    rows = [
        (name, unit, *_means(ends[:, :, k]), *astuple(mean_of(ends[:, 1, k] - ends[:, 0, k], _bounds(unit))))
        for k, (name, unit) in enumerate(OUTCOMES_OF_AN_EFFECT.items())
    ]
    return pd.DataFrame(rows, columns=["outcome", "unit", "as_it_was", "otherwise", "difference", *SURE])


def _bounds(unit: str) -> Range:
    """The range of a difference in an outcome."""
    return EVERYWHERE if unit in WITHOUT_BOUNDS else difference_bounds(SHARE)


def _ledger(ends: Floats) -> pd.DataFrame:
    """The ledger of both worlds of each replicate, summed up."""
    differences = (ends[:, 1] - ends[:, 0])[:, len(OUTCOMES_OF_AN_EFFECT) :]
    rows = [(cause, *astuple(mean_of(differences[:, k]))) for k, cause in enumerate((START, *CAUSES))]
    return pd.DataFrame(rows, columns=["cause", "difference", *SURE])


def _means(values: Floats) -> tuple[float, float]:
    """Mean of each world over replicates, (replicates, 2); NaN without any."""
    return (float(values[:, 0].mean()), float(values[:, 1].mean())) if len(values) else (np.nan, np.nan)
