"""Checking a sweep's folder: how far it is, whether its files are what was stored, whether it may be gone on with.

Nothing is changed, and nothing is computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sim.sweeps.files import is_temporary, resume_command, sha256_of
from sim.sweeps.folder import (
    JOURNAL,
    MANIFEST,
    SHARDS,
    is_taken,
    journal_of,
    manifest_now,
    read_manifest,
    replayed,
    stored_plan,
    strangers,
    wrong_shards,
)
from sim.sweeps.journal import OPENED
from sim.sweeps.manifest import CHANGED, COMPLETE, FAILED, INTERRUPTED, differences, is_described_otherwise
from sim.sweeps.tables import TABLES, runs_of_cells, runs_said


class Finding(NamedTuple):
    """Something that is not as it should be: where, what, and whether it may stay so."""

    path: Path
    problem: str
    harmless: bool
    mendable: bool = True
    """Whether resuming makes up for it."""


FOREIGN = (
    "is no shard of this sweep: move it elsewhere; resuming writes over it when it bears the name of a missing shard"
)


@dataclass(frozen=True)
class Status:
    """How far a sweep is, by its manifest and its journal."""

    folder: Path
    status: str
    runs: int
    failed: int
    planned: int
    shards: int
    next: str
    """What to type to go on; empty when there is nothing to do."""
    in_rounds: bool
    """Whether ``planned`` is the least: runs go on until a wanted precision is reached."""


def status_of(folder: Path | str) -> Status:
    """How far a sweep is, also while it is running.

    Raises:
        BadFile: when it is no result folder of a sweep.
    """
    folder = Path(folder)
    manifest = manifest_now(folder)
    plan, status = manifest["plan"], manifest["status"]
    done, _ = replayed(folder, manifest)
    command = {INTERRUPTED: resume_command(folder), FAILED: f"{resume_command(folder)} --retry-failed"}
    runs, failed = sum(record.runs for record in done.values()), sum(record.failed for record in done.values())
    if status == COMPLETE:  # the tables hold them, whatever has become of journal and shards
        runs = sum(cell["replicates_done"] for cell in manifest["cells"])
    ended = status in (COMPLETE, FAILED)
    planned = max(runs + failed, 0 if ended else len(manifest["cells"]) * plan["batch"])
    in_rounds = bool(plan["precision"]) and not ended
    return Status(folder, status, runs, failed, planned, len(done), command.get(status, ""), in_rounds)


def differences_from_now(folder: Path | str) -> list[str]:
    """Why runs computed now may not be added to those in a folder; empty when they may.

    Raises:
        BadFile: when it is no result folder of a sweep.
    """
    manifest = read_manifest(Path(folder))
    return differences(manifest, stored_plan(Path(folder), manifest))


def verify(folder: Path | str) -> list[Finding]:
    """Check every file of a sweep against what the journal and the manifest say of it. Nothing is changed.

    Raises:
        BadFile: when it is no result folder of a sweep.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    found = _findings(folder, manifest)
    if not found or read_manifest(folder) == manifest:
        return found
    return verify(folder)  # the sweep went on meanwhile, and its files are others now


def _findings(folder: Path, manifest: Mapping[str, Any]) -> list[Finding]:
    found = _wrong_lines(folder, manifest) + _wrong_tables(folder, manifest)
    if is_described_otherwise(manifest):
        found.append(Finding(folder / MANIFEST, CHANGED, harmless=False, mendable=False))
    digest, done = manifest["plan_digest"], {} if manifest["status"] == COMPLETE else replayed(folder, manifest)[0]
    wrong = wrong_shards(folder, done, digest)
    found += [Finding(folder / SHARDS / key.file_name, problem, False) for key, problem in wrong]
    found += [Finding(path, FOREIGN, harmless=False, mendable=False) for path in strangers(folder, digest, done)]
    if not is_taken(folder):
        leftovers = sorted(path for path in folder.rglob(".*.tmp") if is_temporary(path))
        found += [
            Finding(path, "was left by an interrupted write; the next resume removes it", True) for path in leftovers
        ]
    return found


def _wrong_lines(folder: Path, manifest: Mapping[str, Any]) -> list[Finding]:
    """Lines of the journal that are torn or damaged and that no later process has seen and made up for."""
    wrong: list[int] = []
    for number, entry in journal_of(folder, manifest):
        if entry is None:
            wrong.append(number)
        elif entry["event"] == OPENED:
            wrong = [line for line in wrong if line not in entry["damaged_lines"]]
    finished = manifest["status"] == COMPLETE
    if not (folder / JOURNAL).exists() and any((folder / SHARDS).glob("*.parquet")):
        return [Finding(folder / JOURNAL, "is missing: what it told is computed again", finished)]
    problem = "is torn or damaged" + ("" if finished else ": what it told is computed again")
    return [Finding(folder / JOURNAL, f"line {number} {problem}", finished) for number in wrong]


def _wrong_tables(folder: Path, manifest: Mapping[str, Any]) -> list[Finding]:
    """Tables that are not what the manifest says, by their SHA-256 and the number of runs of each cell."""
    found = []
    if manifest["status"] == COMPLETE:
        expected = [name for name in TABLES if name != "alliances" or manifest["plan"]["keep_alliances"]]
        unnamed = [folder / "tables" / f"{name}.parquet" for name in expected if name not in manifest["files"]]
        found += [Finding(path, "is not named in the manifest of a complete sweep", False) for path in unnamed]
    for name, about in manifest["files"].items():
        path = folder / "tables" / f"{name}.parquet"
        try:
            if sha256_of(path) != about["sha256"]:
                found.append(Finding(path, "is damaged (its SHA-256 is not the manifest's)", False))
                continue
        except OSError as error:
            found.append(Finding(path, f"cannot be read: {error.strerror or error}", False))
            continue
        if name == "runs" and runs_of_cells(path) != runs_said(manifest):
            found.append(Finding(path, "does not hold the runs that the manifest tells of", False))
    return found
