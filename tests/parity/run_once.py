"""Run one busy scenario and write what it leads to: ``python -m tests.parity.run_once FILE.npz``.

The parity test runs this in a process of its own with ``NUMBA_DISABLE_JIT=1``, where the core is plain Python.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from sim.engine import Result, simulate, simulate_history
from tests.builders import busy

MONTHS, SEED, REPLICATE = 40, 2**63 - 25, 3


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
    """The arrays of one run, and the monthly ledger of its history, which comes from the other door of the engine."""
    history = simulate_history(busy(months=MONTHS), SEED, REPLICATE)
    return {**arrays(simulate(busy(months=MONTHS), [REPLICATE], SEED)), "monthly_ledger": history.ledger}


if __name__ == "__main__":
    np.savez(Path(sys.argv[1]), **run_once())
