"""One alliance's part of a history: its months, from the signature to its end or the horizon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.analysis.basics import partner_name
from sim.analysis.story.phases import Phase
from sim.analysis.story.wording import dates
from sim.dynamics import kernel
from sim.dynamics.state import ALLIANCE, CAUSES, EFFECTIVE
from sim.engine import Floats, History, build_events, float_view
from sim.scenario import Event


@dataclass(frozen=True)
class Signing:
    """The market of the month in which an alliance was signed, run again by the kernel's own code.

    Attributes:
        organizations: records (N,) as they were when the search began.
        tie: record of the alliance on the day of the signature.
        free: how many organizations had a place free.
        sought: for each side, whether it had chosen the other from its candidates.
        suitors: for each side, how many organizations had chosen it, without those that it had refused lately.
    """

    organizations: Any
    tie: Any
    free: int
    sought: tuple[bool, bool]
    suitors: tuple[int, int]


def signing_of(history: History, alliance: int) -> Signing:
    """The market of the month in which an alliance was signed.

    A history keeps the ends of months; an alliance that is signed at the start of a month has worked by its end.

    Args:
        history: the run.
        alliance: number, from 1, of an alliance formed in month 1 or later.
    """
    scenario = history.scenario
    final = history.alliances[-1, alliance - 1]
    month = int(final.formed)
    organizations = history.organizations[month - 1].copy()
    events = build_events(scenario)
    kernel.apply_events(organizations, float_view(organizations), events, month, float(history.market[month - 1]))
    free = int(sum(kernel.is_free(me, month) for me in organizations))
    signed = np.zeros(free, ALLIANCE).view(np.recarray)
    scratch = np.zeros((6, len(organizations)), dtype=np.int64)
    kernel.market_month(
        scenario.parameters.record(), organizations.copy(), signed, 0, history.seed, history.replicate, month, scratch,
    )  # fmt: skip
    a, b = (int(row) for row in final.org)
    (mine,) = np.flatnonzero((signed.exists == 1) & (signed.org == (a, b)).all(axis=1))
    target = scratch[1]
    suitors = (_suitors(organizations, target, a), _suitors(organizations, target, b))
    return Signing(organizations, signed[mine], free, (bool(target[a] == b), bool(target[b] == a)), suitors)


def _suitors(organizations: Any, target: NDArray[np.int64], row: int) -> int:
    """How many organizations had chosen the one in ``row``, without those that it had refused lately."""
    chosen_by = np.flatnonzero(target == row)
    return sum(int(kernel.place_of(organizations[row].refused, int(other))) < 0 for other in chosen_by)


class Life:
    """The months of one alliance until it ended, or until the horizon; month 0 is the signature.

    Months of the alliance's life and of the run differ when it was formed during the run: see :meth:`run_month`.

    Attributes:
        last: its last month; ``ended``: whether it ended then.
        formed: month of the run in which it was signed; 0: before the first month.
        tie: its records, (last + 1,). ``trust``: effective trust, (last + 1, 2); ``mutual``: the mean of both sides.
        ledger: entries of effective trust, (last, 2, causes); row 0 is month 1.
        rows, names: the two partners.
    """

    def __init__(self, history: History, alliance: int) -> None:
        self.history, self.scenario, self.number = history, history.scenario, alliance
        self.parameters = history.scenario.parameters
        all_months = history.alliances[:, alliance - 1]
        final = all_months[-1]
        self.formed = int(final.formed)
        self.before = max(self.formed - 1, 0)  # months of the run that were over at the signature
        ended = int(final.ended) or history.scenario.months
        self.last = ended - self.before
        self.ended = bool(final.alive == 0)
        self.tie = all_months[self.before : ended + 1].copy()
        if self.signing:
            self.tie[0] = self.signing.tie
        self.rows = [int(row) for row in final.org]
        self.names = [partner_name(self.scenario, row) for row in self.rows]
        self.trust = np.asarray(self.tie["effective"])
        self.mutual = self.trust.mean(axis=1)
        self.ledger = history.ledger[self.before : ended, alliance - 1, :, EFFECTIVE]

    @cached_property
    def record(self) -> np.record:
        """The parameters as the kernel reads them; not to be changed."""
        return self.parameters.record()

    @cached_property
    def signing(self) -> Signing | None:
        """How it was signed in a market; None when it was there before the first month."""
        return signing_of(self.history, self.number) if self.formed else None

    def run_month(self, month: int) -> int:
        """Month of the run, of a month of its life."""
        return self.before + month

    def when(self, months: Sequence[int]) -> str:
        """Months of its life as dates of the run."""
        return dates([self.run_month(month) for month in months])

    def organization(self, month: int, side: int) -> Any:
        """Record of one partner at the end of a month; of month 0, on the day of the signature."""
        if month == 0 and self.signing:
            return self.signing.organizations[self.rows[side]]
        return self.history.organizations[self.run_month(month), self.rows[side]]

    def changes(self, phase: Phase, side: int) -> dict[str, float]:
        """Change of one side's trust by each cause in a phase."""
        total = self.ledger[phase.first - 1 : phase.last, side].sum(axis=0)
        return dict(zip(CAUSES, total.tolist(), strict=True))

    def during(self, phase: Phase, name: str) -> NDArray[Any]:
        """A field of the alliance in the months of a phase."""
        return np.asarray(self.tie[name][phase.first : phase.last + 1])

    @cached_property
    def dated(self) -> list[tuple[int, Event]]:
        """The scenario's dated events that befell one of the partners, or the market, in its time, by month of life."""
        mine = [
            (event.month - self.before, event)
            for event in self.scenario.events
            if event.enabled
            and 0 < event.month - self.before <= self.last
            and (event.kind == "crash" or self.sides_of(event))
        ]
        return sorted(mine, key=lambda row: row[0])

    def sides_of(self, event: Event) -> list[int]:
        """Which of the two partners a dated event befalls."""
        rows = self.scenario.rows(event.who)
        return [side for side in (0, 1) if self.rows[side] in rows]


def swings(history: History) -> Floats:
    """Highest less lowest mean of both partners' effective trust, of each alliance (M,), from its signature on."""
    trust = np.asarray(history.alliances["effective"]).mean(axis=-1)  # an ended alliance keeps its last state
    signed = np.asarray(history.alliances["exists"]) == 1
    start = np.asarray(history.alliances[-1]["trust_start"]).mean(axis=-1)
    highest = np.maximum(np.where(signed, trust, -np.inf).max(axis=0), start)
    lowest = np.minimum(np.where(signed, trust, np.inf).min(axis=0), start)
    return np.asarray(highest - lowest)


def most_telling(history: History) -> int:
    """Number (from 1) of the alliance whose trust swung widest; of equals the first.

    Where alliances were formed during the run it is one of those, because how the two met can then be told too. The
    swing is the highest less the lowest month of the mean of both partners' effective trust.

    Raises:
        ValueError: when no alliance was formed.
    """
    wide = swings(history)
    if len(wide) == 0:
        raise ValueError("no alliance was formed in this run, so there is no story to tell")
    formed = np.asarray(history.alliances[-1]["formed"]) > 0
    return int(np.argmax(np.where(formed, wide, -1.0) if formed.any() else wide)) + 1
