"""The golden numbers: what a few scenarios give today, so that a change of results is seen and meant.

``python -m tests.golden.refresh`` prints each number that changed, old and new, and then writes the file; with
``--check`` it only prints. Say in the changelog why results changed.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from sim.engine import Result, simulate
from sim.scenario import Scenario
from tests.builders import TEXTS, busy, market

FILE = Path(__file__).with_name("golden.json")
SEED, REPLICATES = 1, 10
DECLARED_SINCE = frozenset({"better_apart"})
"""Outcomes that came after the file: each is a comparison of numbers that are in it, so the file stays as it was."""
MONTHS_KEPT = (0, 1, 12, 48, 144)


def scenarios() -> dict[str, Scenario]:
    """The baseline with every default, a small world with groups and every kind of dated event, and a market."""
    return {"baseline": Scenario.from_plain({**TEXTS, "months": 144}, "baseline"), "busy": busy(), "market": market()}


def digest(result: Result) -> str:
    """SHA-256 (16 hex digits) of every whole number of the alliances: who, when it ended and why, and all counts.

    Whole numbers do not hang on the last bit of ``exp``, so the digest holds on other machines too.
    """
    alliances = np.asarray(result.alliances)
    whole = [name for name in alliances.dtype.names if alliances.dtype[name].base == np.int64]
    hashed = hashlib.sha256()
    for name in whole:
        hashed.update(name.encode() + np.ascontiguousarray(alliances[name]).astype("<i8").tobytes())
    return hashed.hexdigest()[:16]


def rounded(number: float) -> float | None:
    """Twelve significant digits; None for what is not defined."""
    return None if np.isnan(number) else float(f"{number:.12g}")


def golden_of(scenario: Scenario) -> dict[str, Any]:
    """The digest, the mean of every outcome, the ledger, and monthly means at a few months."""
    result = simulate(scenario, REPLICATES, SEED)
    runs = result.runs().drop(columns=["seed", "replicate"])
    monthly = result.monthly()
    kept = monthly[monthly["month"].isin(MONTHS_KEPT)]
    ledger = result.ledger_table()
    return {
        "digest": digest(result),
        "outcomes": {name: rounded(runs[name].mean()) for name in runs if name not in DECLARED_SINCE},
        "ledger": {f"{row.layer} {row.cause}": rounded(row.mean) for row in ledger.itertuples() if row.mean != 0.0},
        "monthly": {f"{row.variable} {row.month}": rounded(row.mean) for row in kept.itertuples()},
    }


def compute() -> dict[str, Any]:
    """The golden numbers as the code gives them now."""
    return {name: golden_of(scenario) for name, scenario in scenarios().items()}


def stored() -> dict[str, Any]:
    """The golden numbers as the file holds them; nothing when there is no file yet."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def flat(golden: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as one, with keys like ``busy.outcomes.trust``."""
    rows: dict[str, Any] = {}
    for name, value in golden.items():
        rows |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return rows


def same(old: Any, new: Any) -> bool:
    """Equal, or numbers within 1e-9 of their size (another C library may round its ``exp`` differently)."""
    if isinstance(old, float) and isinstance(new, float):
        return abs(old - new) <= 1e-9 * max(1.0, abs(old))
    return bool(old == new)


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """One line for each number that changed, came or went: ``key: old → new``."""
    before, now = flat(old), flat(new)
    keys = [key for key in dict.fromkeys([*before, *now]) if not same(before.get(key, "-"), now.get(key, "-"))]
    return [f"{key}: {before.get(key, 'not there')} → {now.get(key, 'gone')}" for key in keys]


def main(arguments: list[str]) -> None:
    """Print the differences; write the new numbers unless ``--check`` is given."""
    new = compute()
    changed = differences(stored(), new)
    print("\n".join(changed) or "Nothing changed.")
    if changed and "--check" not in arguments:
        FILE.write_text(json.dumps(new, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"{len(changed)} numbers written to {FILE.name}.")


if __name__ == "__main__":
    main(sys.argv[1:])
