"""Writing a result folder, from its first byte to its last.

1. A new folder gets its **manifest** (what will be run) and a **lock** (one writer at a time) before the first run.
2. While the sweep runs, results come as **shards**. A shard is written whole or not at all, and then the **journal**
   says so, with the shard's SHA-256. What the journal does not say was not stored.
3. Whoever opens the folder again reads the journal, checks every shard against it, and computes what is missing.
4. When all shards are there they are made into sorted **tables** (``tables``); the manifest then names the tables with
   their SHA-256, and the shards are removed, unless runs failed: those can be tried again without the others.

No step depends on a clock. What a folder holds is described in ``results/README.md``, what is promised in
``docs/durability.md``. The tables are read by ``reading``, and everything is checked by ``checking``.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sim import text
from sim.sweeps.files import CannotStore, cannot_store, is_temporary, make_folder, sync_folder, write_file
from sim.sweeps.folder import (
    JOURNAL,
    LOCK,
    MANIFEST,
    SHARDS,
    Record,
    bad_file,
    load_shard,
    read_manifest,
    replayed,
    stored_plan,
    strangers,
    writer_of,
)
from sim.sweeps.journal import BEGUN, CLOSED, DONE, LOST, OPENED, Journal
from sim.sweeps.manifest import COMPLETE
from sim.sweeps.plan import Plan, ShardKey
from sim.sweeps.recipe import FROM_FILES, files_of, write_files
from sim.sweeps.shards import Shard
from sim.sweeps.tables import write_tables

MOST_DAMAGED = 10_000
"""Damaged lines that a line of the journal names: it must not become too long itself."""


# ---------------------------------------------------------------------------------------------------------------
# A new folder and its manifest
# ---------------------------------------------------------------------------------------------------------------
class ResultFolder:
    """A folder of results: of a sweep, of one history, of a theory. It has a manifest and tables."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @staticmethod
    def create(out: Path, experiment: str, digest: str) -> ResultFolder:
        """A new folder ``<out>/<experiment>/<UTC time>-<digest>``; never one that is there already.

        Raises:
            CannotStore: when it cannot be made or written to.
        """
        parent = Path(out) / (re.sub(r"[^\w.-]+", "-", experiment).strip(".-") or "experiment")
        stem = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{digest[:8]}"  # the time is for people
        try:
            make_folder(parent)
            path = _make_new(parent, stem)
            (path / "tables").mkdir()
            sync_folder(parent)
        except OSError as error:
            raise cannot_store(parent, error) from error
        return ResultFolder(path)

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write ``manifest.json``, replacing an earlier one.

        Raises:
            CannotStore: when the disk is full or gone.
            ValueError: when a number is NaN or infinite, which JSON cannot hold.
        """
        written = text.json(manifest, indent=2) + "\n"
        try:
            write_file(self.path / MANIFEST, written.encode())
        except OSError as error:
            raise cannot_store(self.path, error, begun=(self.path / JOURNAL).exists()) from error


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
class SweepFolder(ResultFolder):
    """The one open door to a sweep's folder. Every method leaves a folder that can be resumed, also when it is killed.

    Attributes:
        manifest: as on the disk.
        plan: what is computed.
        digest: of the plan as the sweep was begun; every shard carries it.
        done: every shard that is stored.
    """

    def __init__(self, path: Path, plan: Plan) -> None:
        """Take the lock and read manifest and journal; use :meth:`begin` or :meth:`open`.

        Raises:
            BadFile: when another process writes to the folder.
            CannotStore: when it cannot be written.
        """
        super().__init__(path)
        self.plan = plan
        self._lock = _taken_lock(path)
        self._lock_file = (path / LOCK).stat().st_ino
        try:
            with self._writing():
                self.manifest = read_manifest(path)  # now: who wrote before may have changed it to the last
                self.digest: str = self.manifest["plan_digest"]
                (path / SHARDS).mkdir(exist_ok=True)
                self.done, self.damaged_lines = replayed(path, self.manifest)
                self._remove_leftovers()
                self._journal = Journal(path / JOURNAL)
                sync_folder(path)  # the names of the journal and of the folder of shards
        except BaseException:
            self._lock.release()
            raise

    @classmethod
    def begin(cls, out: Path, name: str, manifest: dict[str, Any], plan: Plan) -> SweepFolder:
        """A new folder with its manifest, which is on the disk before the first run.

        With it the experiment's own files, when the manifest's command needs them.

        Raises:
            CannotStore: when it cannot be made or written to.
        """
        folder = ResultFolder.create(out, name, manifest["design_digest"])
        if manifest["command"].startswith(FROM_FILES):
            try:
                write_files(files_of(manifest), folder.path)
            except OSError as error:
                raise cannot_store(folder.path, error) from error
        folder.write_manifest(manifest)
        return cls(folder.path, plan)

    @classmethod
    def open(cls, path: Path) -> SweepFolder:
        """The folder of a sweep that was begun.

        Raises:
            BadFile: when it is no such folder, is damaged beyond what can be computed again, or is being written to.
            CannotStore: when it cannot be written.
        """
        return cls(path, stored_plan(path, read_manifest(path)))

    def opened(self, **facts: Any) -> None:
        """Note in the journal that this process has begun to write, with what, and which lines it could not read."""
        about = {"pid": os.getpid(), "host": socket.gethostname(), "damaged_lines": self.damaged_lines[:MOST_DAMAGED]}
        with self._writing():
            self._journal.commit(OPENED, **about, **facts)

    def shard_path(self, key: ShardKey) -> Path:
        """Where a shard is stored."""
        return self.path / SHARDS / key.file_name

    def begun(self, key: ShardKey) -> None:
        """Note that a shard is going to be computed. Not waited for: if the note is lost, nothing is."""
        with self._writing():
            self._journal.note(BEGUN, shard=key)

    def store(self, key: ShardKey, content: bytes, runs: int, failed: int, seconds: float) -> None:
        """Store a shard; when this returns it will survive a power cut.

        Raises:
            CannotStore: when the disk is full or gone; shards stored before are kept.
        """
        self._check_lock()
        sha256 = hashlib.sha256(content).hexdigest()
        with self._writing():
            write_file(self.shard_path(key), content)
            self._journal.commit(DONE, shard=key, sha256=sha256, runs=runs, failed=failed, seconds=round(seconds, 4))
        self.done[key] = Record(bytes.fromhex(sha256), runs, failed, seconds)

    def lose(self, reasons: Mapping[ShardKey, str]) -> None:
        """Note which stored shards no longer count, and why; when this returns the notes will survive a power cut.

        Else one of the shards could be stored anew while the journal still tells of the old one, and look damaged.

        Raises:
            CannotStore: when the disk is full or gone.
        """
        with self._writing():
            for key, reason in reasons.items():
                self._journal.note(LOST, shard=key, reason=reason)
                del self.done[key]
            self._journal.sync()

    def load(self, key: ShardKey) -> Shard:
        """A stored shard, checked against the journal.

        Raises:
            BadFile: when it is missing or damaged.
        """
        return load_shard(self.path, key, self.done[key], self.digest)

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

    def finish(self, keys: Mapping[int, list[ShardKey]], check: Any, **changes: Any) -> list[Path]:
        """Make the tables, name them in the manifest, and remove what is no longer needed, as :meth:`tidy` does.

        Raises:
            CannotStore: when the disk is full or gone; the shards are kept.
        """
        with self._writing():
            (self.path / "tables").mkdir(exist_ok=True)
            files = write_tables(self.path / "tables", self.plan, keys, self.load, check)
        self.replace_manifest(files=files, **changes)
        return self.tidy(self.done)

    def tidy(self, checked: Iterable[ShardKey] = ()) -> list[Path]:
        """Remove the shards when the tables hold every run. What cannot be removed does no harm.

        Args:
            checked: shards whose content was looked at in this process; the others are removed if they are the sweep's.

        Returns:
            What is not of this sweep: it is left where it is.
        """
        if self.manifest["status"] != COMPLETE:
            return []
        foreign = list(strangers(self.path, self.digest, checked))
        with suppress(OSError):
            for path in (self.path / SHARDS).glob("*.parquet"):
                if path not in foreign:
                    path.unlink()
            (self.path / SHARDS).rmdir()
        return foreign

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
        with self._writing():
            ours = (self.path / LOCK).stat().st_ino == self._lock_file
        if not ours:
            raise CannotStore(
                f"{self.path}: another process writes here since {LOCK} was removed: leave the rest to it"
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Say of an error of the system what to do."""
        try:
            yield
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
        raise bad_file(path, f"is being written by {writer_of(path)}: wait for it, or stop it with Ctrl-C") from None
    except OSError as error:
        raise cannot_store(path, error, begun=True) from error
    return lock
