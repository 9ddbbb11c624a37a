"""The ledger of a difference: the entries of an alliance in one world, and the difference as it is shown."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sim.analysis.basics import CAUSE_WORDS
from sim.analysis.story.wording import adding_up
from sim.engine import Floats, History

START = "start"
"""In a ledger of a difference: trust on the day of the signature, where a market signs the two in both worlds."""
WAYS = ("at_once", "through_communication", "later")
"""How a difference comes about: columns of a ledger of a difference, beside their sum ``total``."""
SHOWN = 1000
"""Ledgers of a difference are shown in thousandths."""


def entries(history: History, row: int, layer: int) -> Floats:
    """Entries of the ledger of an alliance by month, mean of both sides, with trust at the start before the causes.

    Shape (months, causes + 1); trust at the start stands in the month of the signature.
    """
    caused = history.ledger[:, row, :, layer].mean(axis=1)
    start = np.zeros((len(caused), 1))
    final = history.alliances[-1, row]
    start[max(int(final.formed) - 1, 0)] = final.trust_start.mean()
    return np.hstack([start, caused])


def rounded(ledger: pd.DataFrame) -> pd.DataFrame:
    """A ledger of a difference as it is shown, in thousandths that add up, by row and by column.

    Args:
        ledger: what :meth:`Comparison.ledger_difference` returns.

    Returns:
        The same columns, units of trust. The sum of all is rounded, and each entry is within 0.001 of what it is, a sum
        of a row within 0.003. Ways that are not known are NaN here too; then only ``at_once`` and ``total`` are known.
    """
    whole = round(SHOWN * float(ledger["total"].sum()))
    shown = ledger.copy()
    if ledger[list(WAYS)].isna().any(axis=None):
        sums = {"at_once": round(SHOWN * float(ledger["at_once"].sum())), "total": whole}
    else:
        sums = adding_up({way: float(ledger[way].sum()) for way in WAYS}, whole, SHOWN)
    for column, total in sums.items():
        parts = dict(zip(ledger["cause"], ledger[column].tolist(), strict=True))
        shown[column] = np.array(list(adding_up(parts, total, SHOWN).values())) / SHOWN
    if "total" not in sums:
        shown["total"] = (shown[list(WAYS)].sum(axis=1) * SHOWN).round() / SHOWN
    return shown


def cause_words(cause: str) -> str:
    """A cause of a difference in words."""
    return "another start" if cause == START else CAUSE_WORDS[cause]
