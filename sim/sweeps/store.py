"""The result folder of a sweep, from its first byte to its last.

1. A new folder gets its **manifest** (what will be run) and a **lock** (one writer at a time) before the first run.
2. While the sweep runs, results come as **shards**. A shard is written whole or not at all, and then the **journal**
   says so, with the shard's SHA-256. What the journal does not say was not stored.
3. Whoever opens the folder again reads the journal, checks every shard against it, and computes what is missing.
4. When all shards are there they are made into sorted **tables** (``tables``); the manifest then names the tables with
   their SHA-256, and the shards are removed, unless runs failed: those can be tried again without the others.

No step depends on a clock. What a folder holds is described in ``results/README.md``, what is promised in
``docs/durability.md``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import socket
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from sim.sweeps.files import (
    CannotStore,
    cannot_store,
    is_temporary,
    resume_command,
    sha256_of,
    sync_folder,
    write_file,
    write_table,
)
from sim.sweeps.journal import BEGUN, CLOSED, DONE, LOST, OPENED, Journal, read_journal
from sim.sweeps.manifest import (
    COMPLETE,
    FAILED,
    FORMAT,
    INTERRUPTED,
    KIND,
    RUNNING,
    command_line,
    describe,
    differences,
    provenance,
    versions,
)
from sim.sweeps.plan import Plan, ShardKey, plan_in
from sim.sweeps.shards import Shard, decode, encode, said_of
from sim.sweeps.tables import TABLES, write_tables
from sim.tomlfile import BadFile, Problem

__all__ = [
    "COMPLETE",
    "FAILED",
    "FORMAT",
    "INTERRUPTED",
    "RUNNING",
    "TABLES",
    "CannotStore",
    "Finding",
    "ResultFolder",
    "Status",
    "Stored",
    "SweepFolder",
    "cannot_store",
    "command_line",
    "describe",
    "provenance",
    "read_results",
    "resume_command",
    "status_of",
    "verify",
    "versions",
    "write_file",
    "write_table",
]

NEEDED = ("status", "command", "cells", "plan_digest", "code_digest", "numerics", "timings", "files")
"""What the manifest of a sweep must hold to be read; ``plan`` beside it to be resumed."""
MANIFEST, JOURNAL, LOCK, SHARDS = "manifest.json", "journal.jsonl", ".lock", "shards"


# ---------------------------------------------------------------------------------------------------------------
# A new folder and its manifest
# ---------------------------------------------------------------------------------------------------------------
class ResultFolder:
    """A folder of results: of a sweep, of one history, of a theory. It has a manifest and tables."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, out: Path, experiment: str, digest: str) -> ResultFolder:
        """A new folder ``<out>/<experiment>/<UTC time>-<digest>``; never one that is there already.

        Raises:
            CannotStore: when it cannot be made or written to.
        """
        return cls(_create(out, experiment, digest))

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write ``manifest.json``, replacing an earlier one.

        Raises:
            CannotStore: when the disk is full or gone.
            ValueError: when a number is NaN or infinite, which JSON cannot hold.
        """
        text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        try:
            write_file(self.path / MANIFEST, text.encode())
        except OSError as error:
            raise cannot_store(self.path, error, begun=(self.path / JOURNAL).exists()) from error


def _create(out: Path, experiment: str, digest: str) -> Path:
    """See :meth:`ResultFolder.create`. The time is for people; the name is new whatever the clock says."""
    parent = Path(out) / (re.sub(r"[^\w.-]+", "-", experiment).strip(".-") or "experiment")
    stem = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{digest[:8]}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        path = _make_new(parent, stem)
        (path / "tables").mkdir()
        sync_folder(parent)
    except OSError as error:
        raise cannot_store(parent, error) from error
    return path


def _make_new(parent: Path, stem: str) -> Path:
    """A folder that was not there: ``stem``, else ``stem-2``, ``stem-3`` and so on."""
    number = 1
    while True:
        path = parent / (stem if number == 1 else f"{stem}-{number}")
        try:
            path.mkdir()
            return path
        except FileExistsError:
            number += 1


# ---------------------------------------------------------------------------------------------------------------
# A sweep's folder, open for writing
# ---------------------------------------------------------------------------------------------------------------
class Record(NamedTuple):
    """What the journal says of a shard that is stored."""

    sha256: bytes
    runs: int  # that came out
    failed: int
    seconds: float  # that computing it took


class SweepFolder(ResultFolder):
    """The one open door to a sweep's folder. Every method leaves a folder that can be resumed, also when it is killed.

    Attributes:
        manifest: as on the disk.
        plan: what is computed.
        digest: of the plan as the sweep was begun; every shard carries it.
        done: every shard that is stored.
    """

    def __init__(self, path: Path, manifest: dict[str, Any], plan: Plan) -> None:
        """Take the lock and read the journal; use :meth:`begin` or :meth:`open`.

        Raises:
            BadFile: when another process writes to the folder.
            CannotStore: when it cannot be written.
        """
        super().__init__(path)
        self.manifest, self.plan = manifest, plan
        self.digest: str = manifest["plan_digest"]
        self._lock = _taken_lock(path)
        self._lock_file = (path / LOCK).stat().st_ino
        try:
            (path / SHARDS).mkdir(exist_ok=True)
            self.done, self.damaged_lines = _replayed(path)
            self._remove_leftovers()
            self._journal = Journal(path / JOURNAL)
            sync_folder(path)  # the names of the journal and of the folder of shards
        except OSError as error:
            self._lock.release()
            raise cannot_store(path, error, begun=True) from error

    @classmethod
    def begin(cls, out: Path, name: str, manifest: dict[str, Any], plan: Plan) -> SweepFolder:
        """A new folder with its manifest, which is on the disk before the first run.

        Raises:
            CannotStore: when it cannot be made or written to.
        """
        path = _create(out, name, manifest["design_digest"])
        ResultFolder(path).write_manifest(manifest)
        return cls(path, manifest, plan)

    @classmethod
    def open(cls, path: Path) -> SweepFolder:
        """The folder of a sweep that was begun.

        Raises:
            BadFile: when it is no such folder, is damaged beyond what can be computed again, or is being written to.
            CannotStore: when it cannot be written.
        """
        manifest = _read_manifest(path)
        return cls(path, manifest, _plan_in(path, manifest))

    def opened(self, **facts: Any) -> None:
        """Note in the journal that this process has begun to write, with what, and which lines it could not read."""
        about = {"pid": os.getpid(), "host": socket.gethostname(), "damaged_lines": self.damaged_lines}
        self._committed(OPENED, **about, **facts)

    def shard_path(self, key: ShardKey) -> Path:
        """Where a shard is stored."""
        return self.path / SHARDS / key.file_name

    def begun(self, key: ShardKey) -> None:
        """Note that a shard is going to be computed. Not waited for: if the note is lost, nothing is."""
        self._noted(BEGUN, shard=key)

    def store(self, key: ShardKey, content: bytes, runs: int, failed: int, seconds: float) -> None:
        """Store a shard; when this returns it will survive a power cut.

        Raises:
            CannotStore: when the disk is full or gone; shards stored before are kept.
        """
        self._check_lock()
        sha256 = hashlib.sha256(content).hexdigest()
        try:
            write_file(self.shard_path(key), content)
        except OSError as error:
            raise cannot_store(self.path, error, begun=True) from error
        self._committed(DONE, shard=key, sha256=sha256, runs=runs, failed=failed, seconds=round(seconds, 4))
        self.done[key] = Record(bytes.fromhex(sha256), runs, failed, seconds)

    def lose(self, key: ShardKey, reason: str) -> None:
        """Note that a stored shard no longer counts. If the note is lost, the shard is found damaged once more."""
        self._noted(LOST, shard=key, reason=reason)
        del self.done[key]

    def load(self, key: ShardKey) -> Shard:
        """A stored shard, checked against the journal.

        Raises:
            BadFile: when it is missing or damaged.
        """
        return _load(self.path, key, self.done[key], self.digest)

    def damaged_shards(self) -> Iterator[tuple[ShardKey, str]]:
        """Every shard that is not what the journal says, and what is wrong with it."""
        for key, record in sorted(self.done.items()):
            problem = _problem_with(self.shard_path(key), key, record, self.digest)
            if problem:
                yield key, problem

    def encode(self, key: ShardKey, shard: Shard) -> bytes:
        """A shard as the content of its file."""
        return encode(shard, key, self.digest)

    def replace_manifest(self, **changes: Any) -> None:
        """Change the manifest on the disk, if that changes anything.

        Raises:
            CannotStore: when the disk is full or gone.
        """
        changed = {**self.manifest, **changes}
        if changed == self.manifest:
            return
        self._check_lock()
        self.write_manifest(changed)
        self.manifest = changed

    def finish(self, keys: Mapping[int, list[ShardKey]], check: Any, **changes: Any) -> None:
        """Make the tables, name them in the manifest, and remove what is no longer needed.

        Raises:
            CannotStore: when the disk is full or gone; the shards are kept.
        """
        try:
            (self.path / "tables").mkdir(exist_ok=True)
            files = write_tables(self.path / "tables", self.plan, keys, self.load, check)
        except OSError as error:
            raise cannot_store(self.path, error, begun=True) from error
        for stale in set(TABLES) - set(files):
            (self.path / "tables" / f"{stale}.parquet").unlink(missing_ok=True)
        self.replace_manifest(files=files, **changes)
        self.tidy()

    def tidy(self) -> None:
        """Remove the shards when the tables hold every run. What cannot be removed does no harm."""
        if self.manifest["status"] != COMPLETE:
            return
        with suppress(OSError):
            for path in (self.path / SHARDS).glob("*.parquet"):
                path.unlink()
            (self.path / SHARDS).rmdir()

    def close(self, how: str) -> None:
        """Note how it ended and let go of the folder. Never fails: the end of the process does the same."""
        if not self._lock.is_locked:
            return
        with suppress(OSError):
            self._journal.commit(CLOSED, how=how)
        self._journal.close()
        self._lock.release()

    def _check_lock(self) -> None:
        """Refuse to write when somebody has removed the file that keeps others out: another process may be writing.

        Raises:
            CannotStore: when it is not there, or is another one.
        """
        try:
            ours = (self.path / LOCK).stat().st_ino == self._lock_file
        except OSError as error:
            raise cannot_store(self.path, error, begun=True) from error
        if not ours:
            raise CannotStore(
                f"{self.path}: another process writes here since {LOCK} was removed: leave the rest to it"
            )

    def _noted(self, event: str, **facts: Any) -> None:
        try:
            self._journal.note(event, **facts)
        except OSError as error:
            raise cannot_store(self.path, error, begun=True) from error

    def _committed(self, event: str, **facts: Any) -> None:
        try:
            self._journal.commit(event, **facts)
        except OSError as error:
            raise cannot_store(self.path, error, begun=True) from error

    def _remove_leftovers(self) -> None:
        """Remove what an interrupted write left under a temporary name. Only the holder of the lock may."""
        for folder in (self.path, self.path / SHARDS, self.path / "tables"):
            for path in folder.glob(".*.tmp"):
                if is_temporary(path):
                    path.unlink(missing_ok=True)


def _taken_lock(path: Path) -> FileLock:
    lock = FileLock(path / LOCK, thread_local=False)
    try:
        lock.acquire(timeout=0.5)  # somebody may just be looking whether it is free
    except Timeout:
        raise _bad(path, f"is being written by {_writer(path)}: wait for it, or stop it with Ctrl-C") from None
    except OSError as error:
        raise cannot_store(path, error, begun=True) from error
    return lock


def _is_taken(path: Path) -> bool:
    """True when a process is writing to the folder."""
    try:
        return _is_locked(path / LOCK)
    except OSError:  # there is none, or it is on a file system without such locks
        return _is_marked(path / LOCK)


def _is_locked(lock: Path) -> bool:
    """Looked at with a shared lock: whoever may read can tell, and two who look are not in each other's way."""
    if os.name != "posix":
        return _is_marked(lock)
    import fcntl

    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _is_marked(path: Path) -> bool:
    """Looked at by trying to take the lock."""
    if not path.exists():
        return False
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def _writer(path: Path) -> str:
    """The process that opened the folder last, as its journal says."""
    entries = [line.entry for line in read_journal(path / JOURNAL) if line.entry and line.entry["event"] == OPENED]
    return f"process {entries[-1]['pid']} on {entries[-1]['host']}" if entries else "another process"


def _replayed(path: Path) -> tuple[dict[ShardKey, Record], list[int]]:
    """What is stored by the journal, and the numbers of its torn or damaged lines."""
    done: dict[ShardKey, Record] = {}
    damaged = []
    for number, entry in read_journal(path / JOURNAL):
        if entry is None:
            damaged.append(number)
        elif entry["event"] == DONE:
            record = Record(bytes.fromhex(entry["sha256"]), entry["runs"], entry["failed"], entry["seconds"])
            done[ShardKey(*entry["shard"])] = record
        elif entry["event"] == LOST:
            done.pop(ShardKey(*entry["shard"]), None)
    return done, damaged


def _load(folder: Path, key: ShardKey, record: Record, digest: str) -> Shard:
    path = folder / SHARDS / key.file_name
    try:
        content = path.read_bytes()
        problem = _wrong_with(content, key, record, digest)
        if not problem:
            return decode(content)
    except FileNotFoundError:
        problem = "is missing"
    except (OSError, pa.ArrowException) as error:
        problem = f"cannot be read: {error}"
    raise _bad(path, f"{problem}; `{resume_command(folder)}` computes it again")


def _problem_with(path: Path, key: ShardKey, record: Record, digest: str) -> str:
    """What is wrong with a stored shard; empty when it is what the journal says."""
    try:
        return _wrong_with(path.read_bytes(), key, record, digest)
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"


def _wrong_with(content: bytes, key: ShardKey, record: Record, digest: str) -> str:
    """In what way a file is not the shard that the journal tells of; empty when it is.

    The file's own word counts beside the journal's: manifest, journal and shards may come from different sweeps.
    """
    said = said_of(content)
    if said and (said.get("sweep"), said.get("shard")) != (digest, list(key)):
        return "belongs to another sweep" if said.get("sweep") != digest else "is another shard of this sweep"
    sound = hashlib.sha256(content).digest() == record.sha256
    return "" if sound else "is damaged (its SHA-256 is not the journal's)"


# ---------------------------------------------------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Stored:
    """A result folder read back: its manifest and its tables by name."""

    folder: Path
    manifest: dict[str, Any]
    tables: dict[str, pd.DataFrame]


def read_results(folder: Path | str) -> Stored:
    """Read a result folder. Checksums of files and pages are verified. Nothing in the folder is changed.

    Of a sweep that is not finished (interrupted, killed, or still going on) the tables are made of what is stored.

    Raises:
        BadFile: when it is no result folder, was written by another version, holds no runs yet or is damaged.
    """
    folder = Path(folder)
    manifest = _manifest_now(folder)
    try:
        return _read(folder, manifest)
    except BadFile:
        if _manifest_now(folder) == manifest:
            raise
    return read_results(folder)  # the sweep went on meanwhile, and its files are others now


def _read(folder: Path, manifest: dict[str, Any]) -> Stored:
    if manifest["files"]:
        tables = _read_tables(folder / "tables", manifest["files"])
    else:
        manifest, tables = _read_unfinished(folder, manifest)
    if "runs" not in tables:
        raise _bad(folder, f"holds no runs (status: {manifest['status']}): {_why_empty(folder, manifest)}")
    return Stored(folder, manifest, tables)


def _read_unfinished(folder: Path, manifest: dict[str, Any]) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """The tables that would be written if the sweep ended now, and the manifest with the number of runs in them."""
    done, _ = _replayed(folder)
    if not done:
        return manifest, {}
    plan, digest = _plan_in(folder, manifest), manifest["plan_digest"]
    with tempfile.TemporaryDirectory() as place:
        files = write_tables(Path(place), plan, by_cell(done), lambda key: _load(folder, key, done[key], digest))
        tables = _read_tables(Path(place), files)
    return {**manifest, "cells": cells_done(manifest, done)}, tables


def by_cell(done: Mapping[ShardKey, Record]) -> dict[int, list[ShardKey]]:
    """The stored shards of each cell that has any, in order."""
    keys: dict[int, list[ShardKey]] = {}
    for key in sorted(done):
        keys.setdefault(key.cell, []).append(key)
    return keys


def cells_done(manifest: Mapping[str, Any], done: Mapping[ShardKey, Record]) -> list[dict[str, Any]]:
    """The manifest's cells with the number of runs that came out."""
    runs = [0] * len(manifest["cells"])
    for key, record in done.items():
        runs[key.cell] += record.runs
    return [{**cell, "replicates_done": count} for cell, count in zip(manifest["cells"], runs, strict=True)]


def _manifest_now(folder: Path) -> dict[str, Any]:
    """The manifest, with the true status also when the process was killed before it could write it.

    The lock is looked at first: a sweep that ends between the two looks is complete, not interrupted.
    """
    taken = _is_taken(folder)
    manifest = _read_manifest(folder)
    if manifest["status"] == RUNNING and not taken:
        manifest["status"] = INTERRUPTED
    return manifest


def _why_empty(folder: Path, manifest: Mapping[str, Any]) -> str:
    if manifest["status"] == FAILED:
        return f"all of them failed; `{resume_command(folder)} --retry-failed` tries them again"
    if manifest["status"] == RUNNING:
        return f"its sweep has only begun; `alliance status {shlex.quote(str(folder))}` tells how far it is"
    return f"its sweep was stopped too early; `{resume_command(folder)}` goes on with it"


def _plan_in(folder: Path, manifest: Mapping[str, Any]) -> Plan:
    try:
        return plan_in(manifest)
    except (KeyError, TypeError):
        raise _bad(
            folder, f"was begun by a version whose sweeps cannot be resumed; run it again: {manifest['command']}"
        ) from None


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        kind, version = manifest["kind"], manifest.get("format")
        if version == FORMAT and kind == KIND:
            _ = [manifest[key] for key in NEEDED], [about["sha256"] for about in manifest["files"].values()]
    except (FileNotFoundError, NotADirectoryError):
        inside = sorted(found.parent for found in folder.glob("*/manifest.json")) if folder.is_dir() else []
        hint = f"; did you mean {inside[-1]}?" if inside else "; `alliance sweep` and `alliance compare` make one"
        if (folder / JOURNAL).exists():
            hint = ": without it nobody knows what its shards are; put it back from a copy, or run the sweep again"
        raise _bad(folder, f"is no result folder (it has no manifest.json){hint}") from None
    except OSError as error:
        raise _bad(path, f"cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _bad(path, "is damaged or is no manifest of a result folder: run the sweep again") from None
    if kind != KIND:
        raise _bad(folder, f"holds a {kind}, not a sweep: `alliance sweep` and `alliance compare` make one")
    if version != FORMAT:
        raise _bad(folder, f"was written in format {version}; this version reads format {FORMAT}: run the sweep again")
    return dict(manifest)


def _read_tables(folder: Path, files: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    return {name: _read_table(folder / f"{name}.parquet", about["sha256"]) for name, about in files.items()}


def _read_table(path: Path, sha256: str) -> pd.DataFrame:
    remedy = f"`{resume_command(path.parent.parent)}` makes it again"
    try:
        if sha256_of(path) != sha256:
            raise _bad(path, f"is damaged (its SHA-256 is not the manifest's): {remedy}")
        frame: pd.DataFrame = pq.read_table(path, page_checksum_verification=True).to_pandas()
        return frame
    except (OSError, pa.ArrowException) as error:
        raise _bad(path, f"cannot be read: {error}; {remedy}") from None


def _bad(path: Path, message: str) -> BadFile:
    return BadFile(path, [Problem((), message)])


# ---------------------------------------------------------------------------------------------------------------
# Checking
# ---------------------------------------------------------------------------------------------------------------
class Finding(NamedTuple):
    """Something that is not as it should be: where, what, and whether results are affected."""

    path: Path
    problem: str
    harmless: bool


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


def status_of(folder: Path | str) -> Status:
    """How far a sweep is, also while it is running.

    Raises:
        BadFile: when it is no result folder of a sweep.
    """
    folder = Path(folder)
    manifest = _manifest_now(folder)
    plan, status = _plan_in(folder, manifest), manifest["status"]
    done, _ = _replayed(folder)
    command = {INTERRUPTED: resume_command(folder), FAILED: f"{resume_command(folder)} --retry-failed"}
    runs, failed = sum(record.runs for record in done.values()), sum(record.failed for record in done.values())
    if status == COMPLETE:  # the tables hold them, whatever has become of journal and shards
        runs = sum(cell["replicates_done"] for cell in manifest["cells"])
    planned = runs + failed if status in (COMPLETE, FAILED) else len(plan.cells) * plan.batch
    return Status(folder, status, runs, failed, max(planned, runs + failed), len(done), command.get(status, ""))


def differences_from_now(folder: Path | str) -> list[str]:
    """Why runs computed now may not be added to those in a folder; empty when they may.

    Raises:
        BadFile: when it is no result folder of a sweep.
    """
    manifest = _read_manifest(Path(folder))
    return differences(manifest, _plan_in(Path(folder), manifest))


def verify(folder: Path | str) -> list[Finding]:
    """Check every file of a sweep against what the journal and the manifest say of it. Nothing is changed.

    Raises:
        BadFile: when it is no result folder of a sweep.
    """
    folder = Path(folder)
    manifest = _read_manifest(folder)
    found = _findings(folder, manifest)
    if not found or _read_manifest(folder) == manifest:
        return found
    return verify(folder)  # the sweep went on meanwhile, and its files are others now


def _findings(folder: Path, manifest: Mapping[str, Any]) -> list[Finding]:
    found = _wrong_lines(folder, manifest) + _wrong_tables(folder, manifest)
    if manifest["status"] != COMPLETE:
        found += _wrong_shards(folder, manifest["plan_digest"])
    if not _is_taken(folder):
        leftovers = sorted(path for path in folder.rglob(".*.tmp") if is_temporary(path))
        found += [
            Finding(path, "was left by an interrupted write; the next resume removes it", True) for path in leftovers
        ]
    return found


def _wrong_lines(folder: Path, manifest: Mapping[str, Any]) -> list[Finding]:
    """Lines of the journal that are torn or damaged and that no later process has seen and made up for."""
    wrong: list[int] = []
    for number, entry in read_journal(folder / JOURNAL):
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
        if name == "runs":
            counted = _rows_of_cells(path)
            said = {cell["cell"]: cell["replicates_done"] for cell in manifest["cells"] if cell["replicates_done"]}
            if counted != said:
                found.append(Finding(path, "does not hold the runs that the manifest tells of", False))
    return found


def _rows_of_cells(path: Path) -> dict[int, int]:
    """How many rows each cell has in a table, without holding it in memory."""
    counted: Counter[int] = Counter()
    with pq.ParquetFile(path) as file:
        for rows in file.iter_batches(columns=["cell"]):
            counted.update(rows.column("cell").to_pylist())
    return dict(counted)


def _wrong_shards(folder: Path, digest: str) -> list[Finding]:
    """Stored shards that are not what the journal says."""
    found = []
    for key, record in sorted(_replayed(folder)[0].items()):
        path = folder / SHARDS / key.file_name
        problem = _problem_with(path, key, record, digest)
        if problem:
            found.append(Finding(path, problem, False))
    return found
