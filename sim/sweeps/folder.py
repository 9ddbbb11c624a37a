"""A sweep's folder, looked at: its manifest, its lock, its journal and its shards. Nothing is changed.

Writing (``store``), reading the tables (``reading``) and checking (``checking``) begin with what is told here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from filelock import FileLock, Timeout

from sim.sweeps.files import resume_command
from sim.sweeps.journal import DONE, LOST, OPENED, Line, read_journal
from sim.sweeps.manifest import FORMAT, INTERRUPTED, KIND, RUNNING
from sim.sweeps.plan import Plan, ShardKey, plan_in
from sim.sweeps.shape import manifest_problems, read_json
from sim.sweeps.shards import Shard, decode, said_of
from sim.tomlfile import LONGEST_WORD, BadFile, Problem, content_of, shortened, shown

MOST_MANIFEST, MOST_SHARD = 2**30, 2**32
"""Bytes of a manifest, which holds a scenario for each cell, and of a shard."""
DAMAGED = "is damaged or is no manifest of a result folder: run the sweep again"
MANIFEST, JOURNAL, LOCK, SHARDS = "manifest.json", "journal.jsonl", ".lock", "shards"


# ---------------------------------------------------------------------------------------------------------------
# The manifest
# ---------------------------------------------------------------------------------------------------------------
def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest as it is on the disk.

    Raises:
        BadFile: when there is none, it cannot be read, or it is of another kind or format.
    """
    path = folder / MANIFEST
    try:
        manifest = read_json(content_of(path, MOST_MANIFEST).decode())
        kind, version = manifest["kind"], manifest.get("format")
    except (FileNotFoundError, NotADirectoryError):
        inside = sorted(found.parent for found in folder.glob("*/manifest.json")) if folder.is_dir() else []
        hint = f"; did you mean {inside[-1]}?" if inside else "; `alliance sweep` and `alliance compare` make one"
        if (folder / JOURNAL).exists():
            hint = ": without it nobody knows what its shards are; put it back from a copy, or run the sweep again"
        raise bad_file(folder, f"is no result folder (it has no manifest.json){hint}") from None
    except OSError as error:
        raise bad_file(path, f"cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise bad_file(path, DAMAGED) from None
    kind = shortened(kind, LONGEST_WORD) if isinstance(kind, str) else "something else"
    if kind != KIND:
        raise bad_file(folder, f"holds a {kind}, not a sweep: `alliance sweep` and `alliance compare` make one")
    if version != FORMAT:
        raise bad_file(
            folder, f"was written in format {shown(version)}; this version reads format {FORMAT}: run the sweep again"
        )
    problems = manifest_problems(manifest)
    if problems:
        advice = "the manifest is damaged: put it back from a copy, or run the sweep again"
        raise BadFile(path, [Problem(problem.key, f"{problem.message}; {advice}") for problem in problems])
    return dict(manifest)


def manifest_now(folder: Path) -> dict[str, Any]:
    """The manifest, with the true status also when the process was killed before it could write it.

    The lock is looked at first: a sweep that ends between the two looks is complete, not interrupted.

    Raises:
        BadFile: as :func:`read_manifest`.
    """
    taken = is_taken(folder)
    manifest = read_manifest(folder)
    if manifest["status"] == RUNNING and not taken:
        manifest["status"] = INTERRUPTED
    return manifest


def stored_plan(folder: Path, manifest: Mapping[str, Any]) -> Plan:
    """What a sweep was begun to compute, from its manifest. Takes a while when there are thousands of cells.

    Raises:
        BadFile: when the manifest does not say, or this version cannot read a scenario.
    """
    try:
        return plan_in(manifest)
    except BadFile as error:
        raise BadFile(folder / MANIFEST, [Problem(("cells", *p.key), p.message) for p in error.problems]) from None


# ---------------------------------------------------------------------------------------------------------------
# The lock, looked at
# ---------------------------------------------------------------------------------------------------------------
def is_taken(path: Path) -> bool:
    """True when a process is writing to the folder."""
    if os.name == "posix":
        with suppress(OSError):  # there is no lock, or it is on a file system without such locks
            return _is_locked(path / LOCK)
    return _is_marked(path / LOCK)


def _is_locked(lock: Path) -> bool:
    """Looked at with a shared lock: whoever may read can tell, and two who look are not in each other's way."""
    import fcntl

    if not lock.is_file():  # a pipe would keep its reader waiting
        raise FileNotFoundError(lock)
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


def writer_of(path: Path) -> str:
    """The process that opened the folder last, as its journal says."""
    entries = [line.entry for line in read_journal(path / JOURNAL) if line.entry and line.entry["event"] == OPENED]
    return f"process {entries[-1]['pid']} on {entries[-1]['host']}" if entries else "another process"


# ---------------------------------------------------------------------------------------------------------------
# The journal and the shards that it tells of
# ---------------------------------------------------------------------------------------------------------------
class Record(NamedTuple):
    """What the journal says of a shard that is stored."""

    sha256: bytes
    runs: int  # that came out
    failed: int
    seconds: float  # that computing it took


def journal_of(path: Path, manifest: Mapping[str, Any]) -> Iterator[Line]:
    """The journal's lines. One that tells of a shard that the sweep has not is damaged too: it is another's."""
    cells, most = len(manifest["cells"]), manifest["plan"]["most"]
    for number, entry in read_journal(path / JOURNAL):
        if entry is not None and "shard" in entry and (entry["shard"][0] >= cells or entry["shard"][2] > most):
            entry = None
        yield Line(number, entry)


def replayed(path: Path, manifest: Mapping[str, Any]) -> tuple[dict[ShardKey, Record], list[int]]:
    """What is stored by the journal of a sweep, and the numbers of its torn or damaged lines."""
    done: dict[ShardKey, Record] = {}
    damaged = []
    for number, entry in journal_of(path, manifest):
        if entry is None:
            damaged.append(number)
        elif entry["event"] == DONE:
            record = Record(bytes.fromhex(entry["sha256"]), entry["runs"], entry["failed"], entry["seconds"])
            done[ShardKey(*entry["shard"])] = record
        elif entry["event"] == LOST:
            done.pop(ShardKey(*entry["shard"]), None)
    return done, damaged


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


def load_shard(folder: Path, key: ShardKey, record: Record, digest: str) -> Shard:
    """A stored shard of the sweep with this digest, checked against its record.

    Raises:
        BadFile: when it is missing or damaged.
    """
    path = folder / SHARDS / key.file_name
    try:
        content = content_of(path, MOST_SHARD)
        problem = _wrong_with(content, key, record, digest)
        if not problem:
            return decode(content, key)
    except FileNotFoundError:
        problem = "is missing"
    except (OSError, ValueError, pa.ArrowException) as error:
        problem = f"cannot be read: {error}"
    raise bad_file(path, f"{problem}; `{resume_command(folder)}` computes it again")


def problem_with(path: Path, key: ShardKey, record: Record, digest: str) -> str:
    """What is wrong with a stored shard; empty when it is what the journal says."""
    try:
        return _wrong_with(content_of(path, MOST_SHARD), key, record, digest)
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"


def wrong_shards(path: Path, done: Mapping[ShardKey, Record], digest: str) -> Iterator[tuple[ShardKey, str]]:
    """Every stored shard that is not what the journal says, and what is wrong with it."""
    for key, record in sorted(done.items()):
        problem = problem_with(path / SHARDS / key.file_name, key, record, digest)
        if problem:
            yield key, problem


def strangers(folder: Path, digest: str, stored: Iterable[ShardKey]) -> Iterator[Path]:
    """What is among the shards and is none of the sweep with this digest. Names with a dot in front are left out.

    A file is the sweep's own when it is one of those ``stored``, whose content is checked elsewhere, or when it says
    itself that it is the shard of its name: then a kill kept the journal from telling of it, and it is computed again.
    """
    names = {key.file_name for key in stored}
    for path in sorted((folder / SHARDS).glob("[!.]*")):
        if path.name not in names and not _is_own(path, digest):
            yield path


def _is_own(path: Path, digest: str) -> bool:
    try:
        said = said_of(content_of(path, MOST_SHARD))
    except FileNotFoundError:  # the sweep has just removed it
        return True
    except OSError:
        return False
    return bool(said) and said["sweep"] == digest and path.name == ShardKey(*said["shard"]).file_name


def _wrong_with(content: bytes, key: ShardKey, record: Record, digest: str) -> str:
    """In what way a file is not the shard that the journal tells of; empty when it is.

    The file's own word counts beside the journal's: manifest, journal and shards may come from different sweeps.
    """
    said = said_of(content)
    if said and (said.get("sweep"), said.get("shard")) != (digest, list(key)):
        return "belongs to another sweep" if said.get("sweep") != digest else "is another shard of this sweep"
    sound = hashlib.sha256(content).digest() == record.sha256
    return "" if sound else "is damaged (its SHA-256 is not the journal's)"


def bad_file(path: Path, message: str) -> BadFile:
    """The error that says what is wrong with a folder or a file in it, and what to do."""
    return BadFile(path, [Problem((), message)])
