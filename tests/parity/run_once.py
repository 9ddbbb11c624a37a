"""Run a busy scenario and a market, and write what they lead to: ``python -m tests.parity.run_once FILE.npz``.

The parity test runs this in a process of its own with ``NUMBA_DISABLE_JIT=1``, where the core is plain Python.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from sim.engine import Result, simulate, simulate_history
from sim.scenario import Scenario
from tests.builders import busy, market

MONTHS, SEED, REPLICATE = 40, 2**63 - 25, 3
WORLDS: dict[str, Scenario] = {"busy": busy(months=MONTHS), "market": market(months=MONTHS, contract_cap=0.4)}
"""Contracts that cover little, so that contingencies are met together."""


def arrays(result: Result) -> dict[str, np.ndarray]:
    """Each array of a result, records as plain structured arrays."""
    return {
        "organizations": np.asarray(result.organizations),
        "alliances": np.asarray(result.alliances),
        "ledger": result.ledger,
        "moments": result.moments,
        "histogram": result.histogram,
    }


def run_once() -> dict[str, np.ndarray]:
    """The arrays of a run of each world, and the monthly ledger of its history, from the other door of the engine."""
    found: dict[str, np.ndarray] = {}
    for name, scenario in WORLDS.items():
        history = simulate_history(scenario, SEED, REPLICATE)
        result = simulate(scenario, [REPLICATE], SEED)
        of_run = {**arrays(result), "runs": result.runs().to_numpy(), "monthly_ledger": history.ledger}
        found |= {f"{name} {array}": values for array, values in of_run.items()}
    return found


if __name__ == "__main__":
    np.savez(Path(sys.argv[1]), **run_once())
