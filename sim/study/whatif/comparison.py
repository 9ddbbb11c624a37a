"""Both worlds side by side: states, what happened, and what the difference of trust is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

import sim
from sim.dynamics.state import CAUSES, CAUSES_OF_ENDING, LAYERS, WITHOUT
from sim.engine import Floats, History, simulate_history
from sim.scenario import Scenario
from sim.study.analysis import partner_name
from sim.study.story.life import most_telling
from sim.study.story.wording import joined
from sim.study.whatif import words
from sim.study.whatif.changes import BadChange, Change, KeptAway, happened, plan_of
from sim.study.whatif.ledger import START, entries
from sim.study.whatif.worlds import Key, other_world, rows_of

ALL: Literal["all"] = "all"
"""In place of an alliance's number: every alliance."""
STATES = ("trust", "communication", "value", "gain", "frustration", "alive")
"""What of an alliance is laid side by side."""


@dataclass(frozen=True)
class Match:
    """An alliance in both worlds: its partners (rows), month of signature, and number (from 1) in each world."""

    partners: tuple[int, int]
    formed: int
    factual: int | None
    counterfactual: int | None


@dataclass(frozen=True)
class Comparison:
    """A history as it was, and as it would have been.

    Attributes:
        factual: as it was. ``counterfactual``: otherwise; its scenario has the dated events of that world, but not a
            parameter that changes during the run.
        held: otherwise, but with every alliance's communication held to what it was.
        changes: what was changed, with the months of ``@first`` filled in.
        alliance: the alliance that is told, its number in ``factual``; None for all.
        first_month: the first month that can differ.

    In all tables an alliance that has ended keeps its last state and earns no more, and its entries in the ledger are
    zero; one that is not signed has NaN.
    """

    factual: History
    counterfactual: History
    held: History
    changes: tuple[Change, ...]
    alliance: int | None
    first_month: int

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        return sim.in_a_notebook(self)

    @cached_property
    def matches(self) -> tuple[Match, ...]:
        """Every alliance of either world, matched by partners and month of signature; those as they were first."""
        here, there = (rows_of(history.alliances[-1]) for history in (self.factual, self.counterfactual))
        return tuple(
            Match(key[:2], key[2], _number(here.get(key)), _number(there.get(key))) for key in {**here, **there}
        )

    @property
    def title(self) -> str:
        """The changes in words: "without the blame in month 14"."""
        return joined([change.words() for change in self.changes])

    def match(self, alliance: int) -> Match:
        """An alliance by its number in ``factual``.

        Raises:
            ValueError: when there is none.
        """
        for match in self.matches:
            if match.factual == alliance:
                return match
        raise ValueError(f"alliance {alliance}: there are {self.factual.alliances.shape[1]}, numbered from 1")

    def name(self, match: Match) -> str:
        """ "AOL with Time Warner"."""
        return " with ".join(partner_name(self.factual.scenario, row) for row in match.partners)

    def only_as_it_was(self) -> list[Match]:
        """Alliances that would never have been formed."""
        return [match for match in self.matches if match.counterfactual is None]

    def only_otherwise(self) -> list[Match]:
        """Alliances that would have been formed in addition."""
        return [match for match in self.matches if match.factual is None]

    def others_changed(self) -> list[int]:
        """Numbers of the alliances, other than the one that is told, whose course differs, formed in both worlds."""
        others = [match for match in self.in_both() if match.factual != self.alliance]
        return [_both_rows(match)[0] + 1 for match in others if self.differs(match)]

    def differs(self, match: Match) -> bool:
        """Whether trust, communication, value or the end of an alliance is another one in the other world."""
        here, there = _both_rows(match)
        a, b = self.factual.alliances[:, here], self.counterfactual.alliances[:, there]
        return any(a[name].tobytes() != b[name].tobytes() for name in ("effective", "communication", "value", "alive"))

    def in_both(self, month: int | None = None) -> list[Match]:
        """Alliances that are formed in both worlds, by the end of a month or, without it, ever."""
        last = self.factual.scenario.months if month is None else month
        both = [match for match in self.matches if match.factual is not None and match.counterfactual is not None]
        return [match for match in both if match.formed <= last]

    def is_told(self, month: int | None = None) -> bool:
        """Whether there is a difference to tell at the end of a month: an alliance that is formed in both worlds."""
        both = self.in_both(month)
        return bool(both) if self.alliance is None else self.match(self.alliance) in both

    def last_of(self, match: Match) -> tuple[Any, Any]:
        """Records of an alliance at the horizon in both worlds: as it was, otherwise."""
        here, there = _both_rows(match)
        return self.factual.alliances[-1, here], self.counterfactual.alliances[-1, there]

    def table(self, alliance: int | None = None) -> pd.DataFrame:
        """Both futures side by side, all months: a row a month and alliance.

        Args:
            alliance: number in ``factual``; None for every alliance of either world.

        Returns:
            Columns ``month``, ``alliance`` and ``alliance_otherwise`` (numbers from 1, NaN where it is not formed),
            ``a`` and ``b`` (partners from 1), ``formed``, and for each of :data:`STATES` three: the name alone (as it
            was), ``…_otherwise`` and ``…_difference``. Trust and frustration are the mean of both sides, value is of
            both together so far, money, and gain what it is over their outside options, which they also have once they
            part; ``alive`` is 1 while the alliance goes on.
        """
        chosen = self.matches if alliance is None else (self.match(alliance),)
        if not chosen:
            return pd.DataFrame(columns=["month", "alliance", "alliance_otherwise", "a", "b", "formed"])
        return pd.concat([self._table_of(match) for match in chosen], ignore_index=True)

    def _table_of(self, match: Match) -> pd.DataFrame:
        months = np.arange(self.factual.scenario.months + 1)
        numbers = [np.nan if number is None else number for number in (match.factual, match.counterfactual)]
        columns: dict[str, Any] = {
            "month": months,
            "alliance": numbers[0],
            "alliance_otherwise": numbers[1],
            "a": match.partners[0] + 1,
            "b": match.partners[1] + 1,
            "formed": match.formed,
        }
        was = states(self.factual, match.factual)
        otherwise = states(self.counterfactual, match.counterfactual)
        for name in STATES:
            columns[name], columns[f"{name}_otherwise"] = was[name], otherwise[name]
            columns[f"{name}_difference"] = otherwise[name] - was[name]
        return pd.DataFrame(columns)

    def futures(self) -> pd.DataFrame:
        """:meth:`table` of the alliance that is told, or by month the mean over all formed by then in both worlds."""
        return self._futures

    @cached_property
    def _futures(self) -> pd.DataFrame:
        if self.alliance is not None:
            return self.table(self.alliance)
        table = self.table()
        both = table[
            table["alliance"].notna() & table["alliance_otherwise"].notna() & (table["month"] >= table["formed"])
        ]
        columns = [column for name in STATES for column in (name, f"{name}_otherwise", f"{name}_difference")]
        return both.groupby("month")[columns].mean().reset_index()

    def ledger_difference(
        self, alliance: int | None = None, month: int | None = None, layer: str = "effective"
    ) -> pd.DataFrame:
        """What the difference of trust at the end of a month is made of.

        Args:
            alliance: number in ``factual``; without it the one that is told, or the mean over all alliances that are
                formed by then in both worlds.
            month: from the first month of the change; without it the horizon.
            layer: of trust, in :data:`sim.dynamics.state.LAYERS`.

        Returns:
            A row a cause (:data:`sim.dynamics.state.CAUSES`, and first :data:`START`): ``at_once``, the difference of
            the entries of the first month of the change; ``later``, what would follow after it were communication to
            stay as it was; ``through_communication``, what comes of its not staying so; ``total``, their sum. Units of
            trust, mean of both sides, otherwise less as it was. Totals add up to the difference of trust (to rounding
            of the last bits). ``later`` and ``through_communication`` are NaN where the third run lacks the alliance.

        Raises:
            ValueError: when there is no such alliance or month, or the alliance is not formed in both worlds by then.
        """
        month = self._month(month)
        number = self.alliance if alliance is None else alliance
        mine = None if number is None else self.match(number)
        chosen = [match for match in self.in_both(month) if mine in (None, match)]
        if not chosen:
            raise ValueError("the alliance is not formed in both worlds by then: there is no difference of its trust")
        parts = [self._parts(match, month, LAYERS.index(layer)) for match in chosen]
        at_once, later, through, total = np.mean(parts, axis=0)
        return pd.DataFrame(
            {
                "cause": [START, *CAUSES],
                "at_once": at_once,
                "later": later,
                "through_communication": through,
                "total": total,
            }
        )

    def _month(self, month: int | None) -> int:
        horizon = self.factual.scenario.months
        if month is None:
            return horizon
        if not self.first_month <= month <= horizon:
            raise ValueError(f"month {month}: the two worlds can differ in months {self.first_month} to {horizon}")
        return month

    def _parts(self, match: Match, month: int, layer: int) -> Floats:
        """Rows at once, later, through communication, total; columns start and causes: (4, causes + 1)."""
        here, there = _both_rows(match)
        was = entries(self.factual, here, layer)[:month]
        otherwise = entries(self.counterfactual, there, layer)[:month]
        row = self._held_rows.get((*match.partners, match.formed))
        held = np.full_like(was, np.nan) if row is None else entries(self.held, row, layer)[:month]
        first = slice(0, self.first_month)  # month 1 is row 0; the months before the first one are the same
        at_once = (otherwise[first] - was[first]).sum(axis=0)
        total = (otherwise - was).sum(axis=0)
        through = (otherwise - held).sum(axis=0)
        return np.stack([at_once, total - at_once - through, through, total])

    @cached_property
    def _held_rows(self) -> dict[Key, int]:
        return rows_of(self.held.alliances[-1])

    def happenings(self, alliance: int | None = None) -> pd.DataFrame:
        """What happened in each world from the first month of the change on.

        Args:
            alliance: number in ``factual``; without it the one that is told, or all.

        Returns:
            A row for each kind (:data:`sim.dynamics.state.WITHOUT`), month, partners ``a`` and ``b`` (numbers from 1)
            and ``formed``; ``as_it_was`` and ``otherwise`` say in which worlds it happened. An ending says by what it
            came: "ended by distrust".
        """
        number = self.alliance if alliance is None else alliance
        chosen = self.matches if number is None else (self.match(number),)
        rows = []
        for match in chosen:
            was = _course(self.factual, match.factual, self.first_month)
            otherwise = _course(self.counterfactual, match.counterfactual, self.first_month)
            who = (match.partners[0] + 1, match.partners[1] + 1, match.formed)
            rows += [(*key, *who, key in was, key in otherwise) for key in sorted(was | otherwise)]
        return pd.DataFrame(rows, columns=["month", "what", "a", "b", "formed", "as_it_was", "otherwise"])

    def sentence(self, month: int | None = None) -> str:
        """The difference of trust at the end of a month (without it, the horizon) and what it is made of, in words.

        Of this history: what the change does on average is what :func:`effect_of` says.
        """
        return words.sentence(self, self._month(month))

    def when(self, month: int) -> str:
        """ "in month 144", or, where the alliance has ended by then in both worlds, "at its end"."""
        rows = self.futures().set_index("month").loc[month]
        ended = self.alliance is not None and max(rows["alive"], rows["alive_otherwise"]) == 0.0
        return "at its end" if ended else f"in month {month}"


def _number(row: int | None) -> int | None:
    return None if row is None else row + 1


def _both_rows(match: Match) -> tuple[int, int]:
    """Rows of an alliance that is formed in both worlds."""
    if match.factual is None or match.counterfactual is None:
        raise ValueError("the alliance is not formed in both worlds")
    return match.factual - 1, match.counterfactual - 1


def states(history: History, alliance: int | None) -> dict[str, Floats]:
    """:data:`STATES` of an alliance by month, (months + 1,); NaN before its signature, ``alive`` 0 there.

    Args:
        history: the run.
        alliance: number from 1; None when it is not formed in this run.
    """
    months = history.scenario.months + 1
    if alliance is None:
        return {name: np.zeros(months) if name == "alive" else np.full(months, np.nan) for name in STATES}
    a = history.alliances[:, alliance - 1]
    exists = a["exists"] == 1
    found = {
        "trust": a["effective"].mean(axis=-1),
        "communication": a["communication"],
        "value": a["value"].sum(axis=-1),
        "gain": a["value"].sum(axis=-1) - a["apart"],
        "frustration": a["frustration"].mean(axis=-1),
    }
    return {name: np.where(exists, values, np.nan) for name, values in found.items()} | {
        "alive": a["alive"].astype(np.float64)
    }


def _course(history: History, alliance: int | None, first_month: int) -> set[tuple[int, str]]:
    """Month and kind of all that happened to an alliance from a month on."""
    if alliance is None:
        return set()
    final = history.alliances[-1, alliance - 1]
    names = {kind: kind.replace("_", " ") for kind in WITHOUT}
    names["ending"] = f"ended by {CAUSES_OF_ENDING[int(final.cause)]}"
    return {
        (month, names[kind]) for kind in WITHOUT for month in happened(history, kind, alliance) if month >= first_month
    }


def whatif(
    scenario: Scenario,
    seed: int = 1,
    replicate: int = 0,
    changes: Sequence[Change] = (),
    alliance: int | Literal["all"] | None = None,
) -> Comparison:
    """One history as it was and as it would have been.

    Args:
        scenario: what is run. ``seed`` and ``replicate``: which history, as in :func:`sim.engine.simulate_history`.
        changes: what is different; at least one.
        alliance: number (from 1) of the alliance in which things are kept away, and which is told; without it the one
            whose trust swung widest, which is also the one that a story tells; :data:`ALL` for every alliance.

    Raises:
        BadChange: when a change cannot be made, or what is to be kept away did not happen: then the text names the
            months in which it did.
        ValueError: when the alliance, the seed or the replicate is out of range.
        RuntimeError: when the two worlds differ before the change, which would be a fault of the program.
    """
    plan = plan_of(scenario, changes)
    factual = simulate_history(scenario, seed, replicate)
    chosen = _chosen(factual, alliance)
    plan = plan.resolved(factual, chosen)
    counterfactual, held = (other_world(plan, factual, chosen, hold_talk) for hold_talk in (False, True))
    resolved = iter(plan.kept_away)
    told = tuple(next(resolved) if isinstance(change, KeptAway) else change for change in changes)
    return Comparison(factual, counterfactual, held, told, chosen, plan.first_month)


def _chosen(history: History, alliance: int | Literal["all"] | None) -> int | None:
    """Number of the alliance that is told; None for all."""
    if alliance == ALL:
        return None
    count = history.alliances.shape[1]
    if count == 0:
        raise BadChange(f"no alliance is formed in this history; {ALL} as the alliance tells of those formed otherwise")
    if alliance is None:
        return most_telling(history)
    if not 1 <= alliance <= count:
        raise BadChange(f"alliance {alliance}: this history has {count}, numbered from 1")
    return int(alliance)
