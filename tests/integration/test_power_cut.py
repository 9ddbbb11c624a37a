"""The power fails while a sweep writes. What was reported as stored is there afterwards, and the tables are the same.

A small sweep runs once, and every change that it makes to the disk is recorded. For every moment the disks are built
that a power cut may then leave. They follow the rules of POSIX and not those of one file system (as in Pillai et al.,
"All file systems are not created equal", OSDI 2014): what was not synced may be there or not.

* Content: of what was added to a file and not synced since, any part may be missing at the end, and zeros may stand in
  the place of any other.
* Names: of a folder that was not synced since, each single change (a name made, replaced or removed; a rename is one
  change) may have reached the disk or not, whatever became of the changes before and after it.
"""

from __future__ import annotations

import io
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from nursery import SHARD, experiment_for

from sim.sweeps import plan, runner
from sim.sweeps.checking import status_of, verify
from sim.sweeps.folder import JOURNAL, MANIFEST, SHARDS, problem_with, read_manifest, replayed
from sim.sweeps.journal import DONE, read_journal
from sim.sweeps.manifest import COMPLETE, FAILED
from sim.sweeps.plan import ShardKey
from sim.sweeps.reading import read_results
from sim.tomlfile import BadFile

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows syncs no folders")
REPLICATES = 2 * SHARD
AT_RANDOM = 1
"""Disks that are drawn for each moment, beside the extreme ones."""


# ---------------------------------------------------------------------------------------------------------------
# A disk, and what happens to it
# ---------------------------------------------------------------------------------------------------------------
@dataclass(eq=False)
class File:
    """Content that is on the disk for sure, and what was added since the last sync."""

    synced: bytes = b""
    added: bytes = b""


Names = dict[str, "File | Folder | None"]
"""What names in a folder mean from now on; None: nothing."""


@dataclass(eq=False)
class Folder:
    """Names that are on the disk for sure, and the changes since the last sync."""

    synced: Names = field(default_factory=dict)
    changes: list[Names] = field(default_factory=list)


class Change(NamedTuple):
    """Names in a folder change, all at once."""

    folder: Folder
    names: Names

    def happen(self) -> None:
        self.folder.changes.append(self.names)


@dataclass(eq=False)
class Write:
    """Content is added to a file. Of one that is written through a buffer it is known when the file is synced."""

    file: File
    content: bytes = b""

    def happen(self) -> None:
        self.file.added += self.content


class Sync(NamedTuple):
    """What was done to a file or a folder until now lasts."""

    what: File | Folder

    def happen(self) -> None:
        if isinstance(self.what, File):
            self.what.synced, self.what.added = self.what.synced + self.what.added, b""
            return
        for names in self.what.changes:
            self.what.synced = {**self.what.synced, **names}
        self.what.changes = []


class Report(NamedTuple):
    """Somebody was told that so many runs are stored; the disk is as it was."""

    runs: int
    complete: bool = False

    def happen(self) -> None: ...


Operation = Change | Write | Sync | Report


class Disk:
    """A folder on a disk. While it is watched, all changes below it are recorded in ``operations``."""

    def __init__(self, place: Path) -> None:
        self.operations: list[Operation] = []
        self._known: dict[tuple[int, int], File | Folder] = {}  # by device and inode
        self._buffered: dict[File, tuple[Path, Write]] = {}
        self.root = self._find(place)

    def _find(self, path: Path) -> Any:
        """What is there before anything is recorded."""
        if path.is_dir():
            found: File | Folder = Folder({inside.name: self._find(inside) for inside in path.iterdir()})
        else:
            found = File(path.read_bytes())
        self._known[identity(os.stat(path))] = found
        return found

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Record from now on what this process does through these functions."""
        original = {name: getattr(os, name) for name in ("open", "write", "fsync", "mkdir", "replace")}
        open_buffered = io.open

        def opened(path: Any, flags: int, *more: Any, **named: Any) -> int:
            new = isinstance(path, str | os.PathLike) and not os.path.lexists(path)
            number = int(original["open"](path, flags, *more, **named))
            if new:
                self._made(path, File())
            return number

        def opened_buffered(path: Any, *how: Any, **named: Any) -> Any:
            new = isinstance(path, str | os.PathLike) and not os.path.lexists(path)
            stream = open_buffered(path, *how, **named)
            if new and self._made(path, file := File()):
                self._buffered[file] = Path(path), Write(file)
                self.operations.append(self._buffered[file][1])
            return stream

        def written(number: int, content: bytes) -> int:
            count = int(original["write"](number, content))
            if isinstance(file := self._known.get(identity(os.fstat(number))), File):
                self.operations.append(Write(file, content[:count]))
            return count

        def synced(number: int) -> None:
            original["fsync"](number)
            if (what := self._known.get(identity(os.fstat(number)))) is None:
                return
            if what in self._buffered:
                path, write = self._buffered.pop(what)
                write.content = path.read_bytes()
            self.operations.append(Sync(what))

        def made(path: Any, *more: Any) -> None:
            original["mkdir"](path, *more)
            self._made(path, Folder())

        def replaced(old: Any, new: Any) -> None:
            names = {Path(old).name: None, Path(new).name: self._known.get(identity(os.stat(old)))}
            original["replace"](old, new)
            self._changed(new, names)

        hooks = {"open": opened, "write": written, "fsync": synced, "mkdir": made, "replace": replaced}
        for name, hook in {**hooks, "unlink": self._removing(os.unlink), "rmdir": self._removing(os.rmdir)}.items():
            patch.setattr(os, name, hook)
        patch.setattr(io, "open", opened_buffered)

    def _removing(self, original: Callable[..., None]) -> Callable[[Any], None]:
        def remove(path: Any, *, dir_fd: int | None = None) -> None:
            if dir_fd is not None:  # a temporary folder, which lies elsewhere
                original(path, dir_fd=dir_fd)
                return
            original(path)
            self._changed(path, {Path(path).name: None})

        return remove

    def _made(self, path: Any, what: File | Folder) -> bool:
        """Note a new name; False when it is elsewhere."""
        if not self._changed(path, {Path(path).name: what}):
            return False
        self._known[identity(os.stat(path))] = what
        return True

    def _changed(self, path: Any, names: Names) -> bool:
        folder = self._known.get(identity(os.stat(Path(path).parent)))
        if isinstance(folder, Folder):
            self.operations.append(Change(folder, names))
        return isinstance(folder, Folder)


def identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


# ---------------------------------------------------------------------------------------------------------------
# What a power cut may leave
# ---------------------------------------------------------------------------------------------------------------
Tree = dict[str, Any]
"""Content of files (bytes) and of folders (trees) by name."""


class Luck(NamedTuple):
    """What becomes of a change that was not synced: whether a name lasts, and what is there of a file's content."""

    lasts: Callable[[], bool]
    rest: Callable[[bytes], bytes]


def at_random(chance: random.Random) -> Luck:
    """Anything may happen to anything."""

    def rest(added: bytes) -> bytes:
        size = len(added)
        hole, more, end = sorted(chance.choice([0, size, chance.randint(0, size)]) for _ in range(3))
        return added[:hole] + bytes(more - hole) + added[more:end]

    return Luck(lambda: chance.random() < 0.5, rest)


ALL_LASTS = Luck(lambda: True, lambda added: added)
EXTREMES = [
    ALL_LASTS,  # as after kill -9
    Luck(lambda: False, lambda added: b""),  # nothing that was not synced
    Luck(lambda: True, lambda added: b""),  # names of empty files
    Luck(lambda: True, lambda added: bytes(len(added))),  # names of files full of zeros
    Luck(lambda: False, lambda added: added),
]


def left(folder: Folder, luck: Luck) -> Tree:
    """What is there after a power cut."""
    names = folder.synced
    for change in folder.changes:
        if luck.lasts():
            names = {**names, **change}
    return {
        name: left(what, luck) if isinstance(what, Folder) else what.synced + luck.rest(what.added)
        for name, what in sorted(names.items())
        if what is not None
    }


def tree_at(place: Path) -> Tree:
    """What is there now."""
    return {path.name: tree_at(path) if path.is_dir() else path.read_bytes() for path in sorted(place.iterdir())}


def plant(tree: Tree, place: Path) -> Path:
    """Write a tree into a new folder."""
    place.mkdir()
    for name, what in tree.items():
        if isinstance(what, dict):
            plant(what, place / name)
        else:
            (place / name).write_bytes(what)
    return place


def power_cuts(disk: Disk, told: Report, chance: random.Random) -> Iterator[tuple[Report, Tree]]:
    """For every moment what had been reported by then, and disks that a power cut may leave; each once."""
    seen = set()
    for operation in [told, *disk.operations]:
        operation.happen()
        told = operation if isinstance(operation, Report) else told
        for luck in [*EXTREMES, *[at_random(chance)] * AT_RANDOM]:
            tree = left(disk.root, luck)
            if (key := (told, repr(tree))) not in seen:
                seen.add(key)
                yield told, tree


# ---------------------------------------------------------------------------------------------------------------
# Sweeps that are watched
# ---------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module", autouse=True)
def small_shards() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "SHARD_WORK", SHARD * plan.work_of(experiment_for(1).cells()[0].scenario))
        yield


@pytest.fixture(scope="module")
def expected(small_shards: None, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The tables of a sweep that nothing happened to."""
    return tables_in(begin(tmp_path_factory.mktemp("whole")))


def begin(place: Path, **how: Any) -> Path:
    return runner.run_experiment(experiment_for(REPLICATES), place / "results", jobs=1, chunk=SHARD, **how)


def go_on(place: Path, **how: Any) -> Path:
    """Do what ``alliance status`` says, once."""
    retry = status_of(sweep_in(place)).status == FAILED
    return runner.resume(sweep_in(place), jobs=1, chunk=SHARD, retry_failed=retry, **how)


def sweep_in(place: Path) -> Path:
    """The one sweep at a place."""
    (manifest,) = place.glob(f"results/trial/*/{MANIFEST}")
    return manifest.parent


def tables_in(folder: Path) -> Tree:
    return tree_at(folder / "tables")


def with_failed_runs(place: Path) -> Report:
    """Begin with a sweep in which a run failed; what is reported of all but its shard."""
    simulate = runner.simulate

    def fragile(of: Any, replicates: Any, seed: int = 1) -> Any:
        if of.parameters.contingency_rate == 0.4 and 6 in replicates:
            raise ArithmeticError("made for this test")
        return simulate(of, replicates, seed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "simulate", fragile)
        assert status_of(begin(place)).status == FAILED
    return Report(2 * REPLICATES - SHARD)


def with_a_damaged_table(place: Path) -> Report:
    """Begin with a complete sweep, of which a table was damaged since."""
    runs = begin(place) / "tables" / "runs.parquet"
    runs.write_bytes(runs.read_bytes()[:-1])
    return Report(2 * REPLICATES, complete=True)


def with_nothing(place: Path) -> Report:
    return Report(0)


def watched(place: Path) -> Disk:
    """What a sweep that begins, or goes on, does to the disk."""
    disk = Disk(place)
    act = go_on if any(place.glob(f"results/trial/*/{MANIFEST}")) else begin
    with pytest.MonkeyPatch.context() as patch:
        disk.watch(patch)
        act(place, on_progress=lambda progress: disk.operations.append(Report(progress.runs_done)))
    disk.operations.append(Report(2 * REPLICATES, complete=True))
    return disk


# ---------------------------------------------------------------------------------------------------------------
# What must be there
# ---------------------------------------------------------------------------------------------------------------
def check_promises(place: Path, told: Report, damaged: frozenset[str]) -> Any:
    """Look at a place as its user would; return what there is to do in few words.

    Args:
        place: where the sweep is, after a power cut.
        told: what had been reported.
        damaged: files that were damaged before.
    """
    begun = [manifest.parent for manifest in place.glob(f"results/trial/*/{MANIFEST}")]
    if not begun:
        assert not told.runs, "all that was reported as stored is lost"
        for folder in place.glob("results/trial/*"):
            with pytest.raises(BadFile, match="no manifest"):
                status_of(folder)
        return "nothing"
    (folder,) = begun
    state, harm = status_of(folder), [finding for finding in verify(folder) if not finding.harmless]
    assert state.runs >= told.runs, "runs that were reported as stored are lost"
    assert state.status == COMPLETE or not told.complete, "a sweep that was complete is not"
    assert not [finding for finding in harm if finding.path.name not in {JOURNAL, *damaged}]
    stored, torn = replayed(folder, read_manifest(folder))
    return state.status, len(stored), bool(torn), bool(harm), *sorted(path.name for path in folder.iterdir())


def check_going_on(place: Path, expected: Tree) -> None:
    """Go on until all is complete: what is stored is not computed again, and the tables are the same."""
    if not any(place.glob(f"results/trial/*/{MANIFEST}")):
        begin(place)
    folder = sweep_in(place)
    state = status_of(folder)
    if state.runs and all(finding.harmless for finding in verify(folder)):
        assert len(read_results(folder).tables["runs"]) == state.runs
    digest = read_manifest(folder)["plan_digest"]
    kept = {
        key
        for key, record in replayed(folder, read_manifest(folder))[0].items()
        if not record.failed and not problem_with(folder / SHARDS / key.file_name, key, record, digest)
    }
    before = times_stored(folder)
    go_on(place)
    if status_of(folder).status == FAILED:  # the power failed before it was noted what is to be tried again
        go_on(place)
    assert [finding for finding in verify(folder) if not finding.harmless] == []
    assert tables_in(folder) == expected
    after = times_stored(folder)
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}, "computed twice"


def times_stored(folder: Path) -> Counter[ShardKey]:
    """How often the journal says of each shard that it was stored."""
    entries = [line.entry for line in read_journal(folder / JOURNAL) if line.entry]
    return Counter(ShardKey(*entry["shard"]) for entry in entries if entry["event"] == DONE)


# ---------------------------------------------------------------------------------------------------------------
# The tests
# ---------------------------------------------------------------------------------------------------------------
def check_all(disk: Disk, told: Report, expected: Tree, after: Path, damaged: frozenset[str] = frozenset()) -> int:
    """Check every disk that a power cut may leave, and go on once from each kind of them; return how many there were.

    A file's SHA-256 is checked before its content is used, so disks on which there is as much to do are of one kind.
    """
    kinds, chance, number = set(), random.Random(1), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda number: None)  # nothing will happen to these disks
        patch.setattr(runner, "warm_up", lambda: None)  # it has been
        for reported, tree in power_cuts(disk, told, chance):
            number += 1
            place = plant(tree, after / str(number))
            kind = check_promises(place, reported, damaged)
            if kind not in kinds:
                kinds.add(kind)
                check_going_on(place, expected)
            shutil.rmtree(place)
    return number


@pytest.mark.parametrize("given", [with_nothing, with_failed_runs, with_a_damaged_table])
def test_whatever_a_power_cut_leaves_nothing_reported_is_lost_and_the_tables_are_the_same(
    tmp_path: Path, expected: Tree, given: Callable[[Path], Report]
) -> None:
    (place := tmp_path / "disk").mkdir()
    told = given(place)
    disk = watched(place)
    damaged = frozenset(["runs.parquet"] if told.complete else [])
    assert check_all(disk, told, expected, tmp_path, damaged) > 100
    assert left(disk.root, ALL_LASTS) == tree_at(place)  # nothing that was done to the disk escaped notice


@pytest.mark.parametrize("seed", range(2))
def test_power_cuts_in_a_row_lose_nothing(tmp_path: Path, expected: Tree, seed: int) -> None:
    chance = random.Random(seed)
    (place := tmp_path / "0").mkdir()
    told = Report(0)
    for number in range(1, 7):
        disk = watched(place)
        for operation in disk.operations[: chance.randrange(len(disk.operations))]:
            operation.happen()
            told = operation if isinstance(operation, Report) else told
        place = plant(left(disk.root, at_random(chance)), tmp_path / str(number))
        check_promises(place, told, frozenset())
    check_going_on(place, expected)


@pytest.mark.parametrize("what", [File, Folder])
def test_a_store_that_does_not_sync_is_caught(tmp_path: Path, expected: Tree, what: type) -> None:
    (place := tmp_path / "disk").mkdir()
    disk = watched(place)
    disk.operations = [done for done in disk.operations if not (isinstance(done, Sync) and isinstance(done.what, what))]
    with pytest.raises((AssertionError, BadFile)):
        check_all(disk, Report(0), expected, tmp_path)
