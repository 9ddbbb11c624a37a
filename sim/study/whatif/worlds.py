"""Running the other world: the same chances, one thing different, and the same past made sure of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sim.dynamics.state import EVENT, KEPT_AWAY, NOBODY, WITHOUT
from sim.engine import History, LiveRun, Records
from sim.study.whatif.changes import Plan


def other_world(plan: Plan, history: History, alliance: int | None) -> LiveRun:
    """The run in which the changes will happen, on the day of the signature."""
    live = LiveRun(plan.scenario, history.seed, history.replicate)
    row = NOBODY if alliance is None else alliance - 1
    rows = [
        (month, KEPT_AWAY, row, WITHOUT.index(change.kind), 0.0) for change in plan.kept_away for month in change.months
    ]
    kept_away = np.array(rows, dtype=EVENT).view(np.recarray)
    live.events = np.concatenate([live.events, kept_away]).view(np.recarray)
    return live


def step(live: LiveRun, plan: Plan) -> None:
    """The next month, with the parameters that hold from it on."""
    live.parameters = plan.parameters.get(live.month + 1, live.parameters)
    live.step()


def record(live: LiveRun, plan: Plan, after: Callable[[LiveRun], None] | None = None) -> History:
    """Every month of a run that is at its start, as :func:`sim.engine.simulate_history` keeps it.

    Args:
        live: the run.
        plan: the changes.
        after: called at the end of every month; may change the state.
    """
    organizations, alliances, ledgers, market = (
        [live.organizations.copy()], [live.alliances.copy()], [], [live.market],
    )  # fmt: skip
    for _ in range(plan.scenario.months):
        step(live, plan)
        if after:
            after(live)
        organizations.append(live.organizations.copy())
        alliances.append(live.alliances.copy())
        ledgers.append(live.month_ledger)
        market.append(live.market)
    count = len(live.alliances)
    return History(
        plan.scenario, live.seed, live.replicate, np.stack(organizations).view(np.recarray),
        np.stack([_padded(rows, count) for rows in alliances]).view(np.recarray),
        np.stack([_padded(entries, count) for entries in ledgers]), np.array(market),
    )  # fmt: skip


def _padded(rows: Any, count: int) -> Any:
    """A copy with ``count`` rows, the new ones empty."""
    more = np.zeros((count, *rows.shape[1:]), rows.dtype)
    more[: len(rows)] = rows
    return more


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
        raise RuntimeError(_other_past(first_month))


def check_same_state(history: History, live: LiveRun) -> None:
    """Make sure that a run is now, bit for bit, where a history was at the end of the same month.

    Raises:
        RuntimeError: when it is not. It would be a fault of the program.
    """
    count = len(live.alliances)
    was = history.alliances[live.month]
    pairs = [
        (history.organizations[live.month], live.organizations),
        (was[:count], live.alliances),
        (history.market[live.month], np.float64(live.market)),
    ]
    if int((was["exists"] == 1).sum()) != count or any(a.tobytes() != b.tobytes() for a, b in pairs):
        raise RuntimeError(_other_past(live.month + 1))


def _other_past(first_month: int) -> str:
    return f"the two worlds differ before month {first_month}, in which the first change is made"
