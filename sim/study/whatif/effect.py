"""The mean effect of a change over many replicates, each compared with itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from sim.dynamics.state import CAUSES, LAYERS
from sim.engine import Floats, Records, simulate_history
from sim.scenario import Scenario
from sim.study.analysis import decimals_for, interval, signed
from sim.study.story.wording import begun, joined
from sim.study.whatif.changes import Change, DidNotHappen, Plan, check_signed, plan_of
from sim.study.whatif.comparison import ALL, START
from sim.study.whatif.worlds import check_same_state, other_world, step

OUTCOMES_OF_AN_EFFECT = {
    "trust": "trust",
    "communication": "communication",
    "value": "money",
    "frustration": "frustration",
    "alive": "share",
    "months": "month",
}
"""Outcomes of :func:`effect_of` and their units, all at the horizon; an alliance that ended keeps its last state."""


@dataclass(frozen=True)
class Effect:
    """The mean effect of a change over replicates, each compared with itself.

    Attributes:
        changes: what was changed.
        replicates: how many were tried. ``applied``: in how many of them what is kept away had happened.
        table: a row for each of :data:`OUTCOMES_OF_AN_EFFECT` at the horizon: ``outcome``, ``unit``, ``as_it_was`` and
            ``otherwise`` (means), ``difference`` with its 95% t interval ``low`` to ``high``, ``n``.
        ledger: a row a cause: mean difference of effective trust by it, ``low``, ``high``, ``n``; they add up to the
            difference of trust.
    """

    changes: tuple[Change, ...]
    replicates: int
    applied: int
    table: pd.DataFrame
    ledger: pd.DataFrame

    def sentence(self) -> str:
        """The effect on trust in words, with its interval."""
        title = begun(joined([change.words() for change in self.changes]))
        if not self.applied:
            return f"{title}: in none of {self.replicates} replicates is there anything to change"
        row = self.table[self.table["outcome"] == "trust"].iloc[0]
        digits = decimals_for((row["high"] - row["low"]) / 2.0, row["difference"])
        mean, low, high = (signed(float(row[name]), digits) for name in ("difference", "low", "high"))
        within = f" (95% interval {low} to {high})" if self.applied > 1 else " (one replicate: no interval)"
        return (
            f"{title}, trust at the horizon changes by {mean}{within}, mean over the {self.applied} of "
            f"{self.replicates} replicates in which the change can be made"
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
    if replicates < 1:
        raise ValueError("replicates: at least one")
    plan = plan_of(scenario, changes)
    pairs = []
    for replicate in range(replicates):
        pair = _ends_of_both(plan, scenario, seed, replicate, alliance)
        if pair is not None:
            pairs.append(pair)
        if progress:
            progress(replicate + 1)
    width = len(OUTCOMES_OF_AN_EFFECT) + 1 + len(CAUSES)
    return _effect(tuple(changes), replicates, np.array(pairs).reshape(len(pairs), 2, width))


def _ends_of_both(
    plan: Plan, scenario: Scenario, seed: int, replicate: int, alliance: int | Literal["all"]
) -> tuple[Floats, Floats] | None:
    """Outcomes and ledger at the horizon, as it was and otherwise; None when the change cannot be made here."""
    factual = simulate_history(scenario, seed, replicate)
    count = factual.alliances.shape[1]
    chosen = None if alliance == ALL else alliance
    if count == 0 or (chosen is not None and not 1 <= chosen <= count):
        return None
    try:
        plan = plan.resolved(factual, chosen)
        if chosen is not None:
            check_signed(factual, chosen, plan)
    except DidNotHappen:
        return None
    live = other_world(plan, factual, chosen)
    while live.month < scenario.months:
        if live.month == plan.first_month - 1:
            check_same_state(factual, live)
        step(live, plan)
    rows = slice(None) if chosen is None else slice(chosen - 1, chosen)
    was = _ends(factual.alliances[-1, rows], factual.ledger[:, rows].sum(axis=0))
    return was, _ends(live.alliances[rows], live.ledger[rows])


def _ends(alliances: Records, ledger: Floats) -> Floats:
    """:data:`OUTCOMES_OF_AN_EFFECT`, then trust at the start and the ledger by cause; means over alliances."""
    effective = LAYERS.index("effective")
    outcomes = (
        alliances["effective"].mean(),
        alliances["communication"].mean(),
        alliances["value"].sum(axis=-1).mean(),
        alliances["frustration"].mean(),
        alliances["alive"].mean(),
        alliances["age"].mean(),
    )
    return np.array([*outcomes, alliances["trust_start"].mean(), *ledger[:, :, effective].mean(axis=(0, 1))])


def _effect(changes: tuple[Change, ...], replicates: int, ends: Floats) -> Effect:
    """Sum up both worlds of each replicate, float64 (applied, 2, outcomes + 1 + causes)."""
    names = list(OUTCOMES_OF_AN_EFFECT)
    differences = ends[:, 1] - ends[:, 0]
    rows = [
        (name, OUTCOMES_OF_AN_EFFECT[name], *_means(ends[:, :, k]), *interval(differences[:, k]))
        for k, name in enumerate(names)
    ]
    causes = [(cause, *interval(differences[:, len(names) + k])) for k, cause in enumerate((START, *CAUSES))]
    return Effect(
        changes,
        replicates,
        len(ends),
        pd.DataFrame(rows, columns=["outcome", "unit", "as_it_was", "otherwise", "difference", "low", "high", "n"]),
        pd.DataFrame(causes, columns=["cause", "difference", "low", "high", "n"]),
    )


def _means(values: Floats) -> tuple[float, float]:
    """Mean of each world over replicates, (replicates, 2); NaN without any."""
    return (float(values[:, 0].mean()), float(values[:, 1].mean())) if len(values) else (np.nan, np.nan)
