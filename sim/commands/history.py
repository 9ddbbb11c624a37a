"""What the commands share that keep every month of a run: its size, and whether memory holds it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from sim.commands.output import size

if TYPE_CHECKING:
    from sim.scenario import Scenario

PLACE_LASTS = 48
"""Months after which a place in a market is taken by another alliance, for the guess of how many a run will have."""
COPIES = 4
"""What keeps a history takes this many times the size of its arrays: the arrays, what is made of them, other worlds."""


def size_words(scenario: Scenario) -> str:
    """ "144 months, alliances: 75"; in a market nobody knows beforehand how many alliances there will be."""
    from sim.analysis.words import how_many

    months = how_many(scenario.months, "month")
    if scenario.network.market:
        return f"{months}, organizations in a market: {scenario.organizations}"
    return f"{months}, alliances: {scenario.alliances}"


def check_memory(scenario: Scenario) -> None:
    """Refuse a history that this machine cannot hold, before it is begun.

    Raises:
        click.UsageError: with what it would take and what there is.
    """
    from sim.dynamics.state import ALLIANCE, LAYERS, N_CAUSES, ORGANIZATION

    ledger = 2 * len(LAYERS) * N_CAUSES * 8
    alliances = scenario.alliances
    if scenario.network.market:
        alliances = round(alliances * (1 + scenario.months / PLACE_LASTS))
    month = scenario.organizations * ORGANIZATION.itemsize + alliances * (ALLIANCE.itemsize + ledger)
    needed = COPIES * month * (scenario.months + 1)
    if needed > memory():
        raise click.UsageError(
            f"a history keeps every month of every alliance: {scenario.months} months of {alliances} "
            f"alliances take about {size(needed)} of memory, and this machine has {size(memory())}. Choose fewer with "
            "--set organizations=… or --set months=…, or use `alliance sweep`, which keeps moments instead"
        )


def memory() -> float:
    """Bytes of memory of this machine; infinite when the system does not say."""
    if sys.platform == "win32":
        return float("inf")
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
