"""What each side of each alliance went through, month by month: a panel for those who fit models of their own.

A row is a side of an alliance in a month. What is the side's own stands beside the same of its partner
(``partner_…``), so that models of two members who influence each other need no join. What every column means is
declared here once; ``docs/python.md`` lists it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.dynamics.state import BAD_WORK, BLAME, CAUSES_OF_ENDING, FRICTION, PROBLEMS, REFUSAL, SHIRKING, TALKS

Column = tuple[str, str]
"""Unit and meaning."""

WHO: dict[str, Column] = {
    "replicate": ("", "which world of the seed"),
    "alliance": ("", "number of the alliance in its replicate, from 1"),
    "side": ("", '"a", the partner with the smaller number, or "b"'),
    "month": ("month", "of the run; in a row of month 0, the day of the signature, nobody has worked yet"),
    "organization": ("", "number of this side, from 1"),
    "partner": ("", "number of its partner, from 1"),
    "group": ("", "the scenario's group that it belongs to"),
    "partner_group": ("", "the group of its partner"),
    "formed": ("month", "in which the alliance was signed; 0: before the first month"),
    "age": ("month", "months worked together so far"),
    "alive": ("", "whether it goes on at the end of the month; its last row says false where it ended"),
}
"""Who a row is of, and when."""

OWN: dict[str, Column] = {
    "trust": ("share", "effective trust in the partner, on which it acts"),
    "organizational_trust": ("share", "trust of the organization as such"),
    "personal_trust": ("share", "trust between the people who carry it"),
    "frustration": ("share", "frustration"),
    "expectation": ("money/month", "what it expects to earn"),
    "words": ("share", "distance between the values that it professes and those that it practises"),
    "value": ("money", "net value so far"),
    "monitoring": ("money/month", "spent on watching the partner"),
    "watching": ("share", "how well it keeps watch on the partner"),
    "effort": ("share", "of the extra mile it went"),
    "delegation": ("share", "of decisions in its absence that it left to the partner"),
    "result": ("money", "earned this month, its own costs paid"),
    "shirked": ("", "1: it shirked, noticed or not"),
    "bad_work": ("", "1: its work came out badly"),
    "refused": ("", "1: it did not adapt to what the contract did not cover"),
    "blamed": ("", "1: a fault of its own was laid at its door"),
    "turnover": ("", "1: its key person left"),
}
"""What a side has of its own; its partner's is in ``partner_…``."""
OF_A_MONTH = tuple(OWN)[tuple(OWN).index("monitoring") :]
"""What is of a month of work, so that month 0 has none."""

SHARED: dict[str, Column] = {
    "talk": ("share", "communication between the two"),
    "ties": ("share", "relational capital"),
    "gap": ("share", "working gap: distance of practised values as it shows in joint work"),
    "practised_distance": ("share", "root mean square distance of the values that both practise"),
    "professed_distance": ("share", "root mean square distance of the values that both profess"),
    "output": ("money", "made together this month, before each one's own costs"),
    "friction": ("", "1: their ways of working clashed"),
    "friction_blamed": ("", "1: and it ended in blame, which names nobody"),
}
"""What both sides have in common."""

COLUMNS: dict[str, Column] = {
    **WHO,
    **{whose + name: column for name, column in OWN.items() for whose in ("", "partner_")},
    **SHARED,
}
"""Every column in its order, with its unit and meaning; for ``partner_…``, of the partner."""


def sides_table(organizations: Any, alliances: Any, replicate: int, groups: Sequence[str]) -> pd.DataFrame:
    """A row a side of an alliance and month, columns :data:`COLUMNS`, by alliance, side and month.

    The months are those in which the alliance goes on, and the one in which it ends. Numbers that are of a month of
    work are NaN in month 0.

    Args:
        organizations: records (months + 1, N).
        alliances: records (months + 1, M).
        replicate: number of the replicate.
        groups: names of the scenario's groups, in their order.
    """
    months, count = alliances.shape
    month = np.arange(months)[:, None]
    lived = (alliances["exists"] == 1) & ((alliances["alive"] == 1) | (month == alliances["ended"]))
    kept = np.broadcast_to(lived.T[:, None], (count, 2, months))

    def laid(values: Any) -> NDArray[Any]:
        """Values of both sides (months + 1, M, 2), or what they share (months + 1, M), as a column."""
        values = np.asarray(values)
        shape = (months, count, 2)
        full = np.broadcast_to(values if values.ndim == 3 else values[..., None], shape)
        return np.asarray(full.transpose(1, 2, 0)[kept])

    rows = alliances["org"]
    group_of = np.asarray(organizations["group"])[0] if len(organizations) else np.zeros(0, np.int64)
    begun = np.broadcast_to(month > 0, lived.shape)
    own, shared = _own(alliances), _shared(organizations, alliances)
    for name in OF_A_MONTH:
        own[name] = np.where(begun[..., None], own[name], np.nan)
    for name in ("output", "friction", "friction_blamed"):
        shared[name] = np.where(begun, shared[name], np.nan)
    table: dict[str, Any] = {
        "replicate": np.full(int(kept.sum()), replicate),
        "alliance": laid(np.broadcast_to(np.arange(1, count + 1), lived.shape)),
        "side": pd.Categorical.from_codes(laid(np.broadcast_to(np.arange(2), rows.shape)), ["a", "b"]),
        "month": laid(np.broadcast_to(month, lived.shape)),
        "organization": laid(rows + 1),
        "partner": laid(rows[..., ::-1] + 1),
        "group": pd.Categorical.from_codes(laid(group_of[rows]), list(groups)),
        "partner_group": pd.Categorical.from_codes(laid(group_of[rows[..., ::-1]]), list(groups)),
        "formed": laid(alliances["formed"]),
        "age": laid(alliances["age"]),
        "alive": laid(alliances["alive"] == 1),
    }
    for name in OWN:
        table[name], table[f"partner_{name}"] = laid(own[name]), laid(own[name][..., ::-1])
    table |= {name: laid(shared[name]) for name in SHARED}
    return pd.DataFrame(table, columns=list(COLUMNS))


def _own(alliances: Any) -> dict[str, Any]:
    """What each side has of its own, (months + 1, M, 2) each; faults as 0 and 1."""
    problem, talk = alliances["problem"][..., :2], alliances["talk"][..., :2]
    called = {"trust": "effective", "organizational_trust": "trust", "personal_trust": "personal", "result": "net"}
    found = {name: alliances[called.get(name, name)] for name in OWN if called.get(name, name) in alliances.dtype.names}
    return {
        **found,
        "bad_work": problem == BAD_WORK,
        "refused": problem == REFUSAL,
        "blamed": talk == BLAME,
    }


def _shared(organizations: Any, alliances: Any) -> dict[str, Any]:
    """What both sides have in common, (months + 1, M) each."""
    made = np.asarray(alliances["output"])
    return {
        "talk": alliances["communication"],
        "ties": alliances["ties"],
        "gap": alliances["gap"],
        "practised_distance": alliances["distance"],
        "professed_distance": _professed_distance(organizations, alliances["org"]),
        "output": np.diff(made, axis=0, prepend=made[:1]),
        "friction": alliances["problem"][..., 2] == FRICTION,
        "friction_blamed": alliances["talk"][..., 2] == BLAME,
    }


def _professed_distance(organizations: Any, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Root mean square distance of what both partners profess, (months + 1, M)."""
    months = np.arange(len(rows))[:, None]
    professed = np.asarray(organizations["professed"])
    apart = professed[months, rows[..., 0]] - professed[months, rows[..., 1]]
    return np.asarray(np.sqrt((apart**2).mean(axis=-1)))


# ---------------------------------------------------------------------------------------------------------------
# What happened in a month
# ---------------------------------------------------------------------------------------------------------------
def happenings(tie: Any, side: int) -> list[tuple[str, str]]:
    """What happened to one side of an alliance in the month that its record stands at: (what, what became of it).

    What: "bad work", "refusal to adapt", "shirking" and "shirking unnoticed" of its own or, with "partner's " before
    it, of its partner; "friction", "met together" (both adapted to the unforeseen), "key person left" (and "partner's
    …"), "end". What became of a problem is one of ``state.TALKS``; empty where there is nothing to talk about.

    Args:
        tie: record of an alliance at the end of a month.
        side: 0 or 1.
    """
    found: list[tuple[str, str]] = []
    for s, whose in ((side, ""), (1 - side, "partner's ")):
        if tie["problem"][s]:
            found.append((whose + PROBLEMS[tie["problem"][s]], TALKS[tie["talk"][s]]))
        if tie["shirked"][s] and tie["problem"][s] != SHIRKING:
            found.append((f"{whose}shirking unnoticed", ""))
        if tie["turnover"][s]:
            found.append((f"{whose}key person left", ""))
    if tie["problem"][2] == FRICTION:
        found.append((PROBLEMS[FRICTION], TALKS[tie["talk"][2]]))
    if tie["contingency"] == 2 and tie["adapted"].all():
        found.append(("met together", ""))
    if tie["cause"]:
        found.append(("end", CAUSES_OF_ENDING[tie["cause"]]))
    return found
