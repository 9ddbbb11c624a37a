"""Running the other world: the same chances, one thing different, and the same past made sure of."""

from __future__ import annotations

import numpy as np

from sim.analysis.whatif.changes import Plan
from sim.dynamics.state import EVENT, KEPT_AWAY, NOBODY, WITHOUT
from sim.engine import History, LiveRun, Records, record


def other_world(plan: Plan, history: History, alliance: int | None, hold_talk: bool = False) -> History:
    """The history as it would have been.

    Args:
        plan: the changes, with all their months.
        history: as it was.
        alliance: number from 1 of the one in which things are kept away; None for all.
        hold_talk: whether the communication of each alliance is held to what it was, from the first change on.

    Raises:
        RuntimeError: when the two worlds differ before the first change, which would be a fault of the program.
    """
    live = LiveRun(plan.scenario, history.seed, history.replicate)
    row = NOBODY if alliance is None else alliance - 1
    rows = [
        (month, KEPT_AWAY, row, WITHOUT.index(change.kind), 0.0) for change in plan.kept_away for month in change.months
    ]
    kept_away = np.array(rows, dtype=EVENT).view(np.recarray)
    live.events = np.concatenate([live.events, kept_away]).view(np.recarray)
    talk = TalkAsItWas(history, plan.first_month) if hold_talk else None

    def step(live: LiveRun) -> None:
        live.parameters = plan.parameters.get(live.month + 1, live.parameters)
        live.step()
        if talk:
            talk(live)

    other = record(live, step)
    check_same_past(history, other, plan.first_month)
    return other


class TalkAsItWas:
    """Holds the communication of each alliance to what it was in another history, from a month on."""

    def __init__(self, history: History, first_month: int) -> None:
        self.said = np.asarray(history.alliances["communication"])
        self.known = rows_of(history.alliances[-1])
        self.first_month = first_month
        self.pairs: list[tuple[int, int]] = []  # row here, row there
        self.seen = 0

    def __call__(self, live: LiveRun) -> None:
        """Set it at the end of a month; an alliance that ended there keeps its last."""
        for key, row in rows_of(live.alliances[self.seen :]).items():
            if key in self.known:
                self.pairs.append((self.seen + row, self.known[key]))
        self.seen = len(live.alliances)
        if live.month >= self.first_month and self.pairs:
            here, there = np.array(self.pairs).T
            live.alliances["communication"][here] = self.said[live.month, there]


Key = tuple[int, int, int]
"""Who an alliance is in any world: rows of its partners, and the month of its signature."""


def rows_of(alliances: Records) -> dict[Key, int]:
    """The row of each alliance that exists."""
    return {
        (int(tie["org"][0]), int(tie["org"][1]), int(tie["formed"])): row
        for row, tie in enumerate(alliances)
        if tie["exists"] == 1
    }


def check_same_past(history: History, other: History, first_month: int) -> None:
    """Make sure that two histories are the same, bit for bit, at the end of every month before ``first_month``.

    Raises:
        RuntimeError: when they are not. It would be a fault of the program.
    """
    counts = [int((one.alliances[first_month - 1]["exists"] == 1).sum()) for one in (history, other)]
    same = counts[0] == counts[1]
    for name in ("organizations", "alliances", "ledger", "market") if same else ():
        past = []
        for one in (history, other):
            months = getattr(one, name)[: first_month - (name == "ledger")]
            past.append((months[:, : counts[0]] if name in ("alliances", "ledger") else months).tobytes())
        same = same and past[0] == past[1]
    if not same:
        raise RuntimeError(f"the two worlds differ before month {first_month}, in which the first change is made")
