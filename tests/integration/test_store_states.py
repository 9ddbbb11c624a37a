"""Folders of sweeps that somebody or something has meddled with: what is told, what is kept, what is computed again."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from nursery import SHARD, experiment_for, tables_in

from sim.cli import alliance
from sim.dynamics.outcomes import OUTCOMES
from sim.sweeps import checking, plan, reading, runner, store
from sim.sweeps import folder as folders
from sim.sweeps.checking import Finding, differences_from_now, status_of, verify
from sim.sweeps.files import CannotStore, cannot_store, resume_command
from sim.sweeps.journal import DONE, Journal, read_journal
from sim.sweeps.reading import read_results
from sim.sweeps.runner import Interrupted, resume, run_experiment
from sim.tomlfile import BadFile

REPLICATES = 20


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "SHARD_WORK", SHARD * plan.work_of(experiment_for(1).cells()[0].scenario))


def complete(out: Path, seed: int = 11) -> Path:
    return run_experiment(experiment_for(REPLICATES).replace(seed=seed), out, jobs=1)


def half(out: Path, seed: int = 11) -> Path:
    """The folder of a sweep that was stopped after three shards."""
    with pytest.raises(Interrupted) as stopped:
        run_experiment(
            experiment_for(REPLICATES).replace(seed=seed), out, jobs=1, chunk=SHARD, on_progress=stop_after(3)
        )
    return stopped.value.folder


def stop_after(shards: int) -> Callable[[Any], None]:
    def stop(progress: Any) -> None:
        if progress.runs_done >= shards * SHARD:
            raise KeyboardInterrupt

    return stop


def edited(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def call(*args: object) -> Result:
    return CliRunner().invoke(alliance, [str(arg) for arg in args], prog_name="alliance")


def harm(folder: Path) -> list[Finding]:
    return [finding for finding in verify(folder) if not finding.harmless]


# ---------------------------------------------------------------------------------------------------------------
# Files of another sweep
# ---------------------------------------------------------------------------------------------------------------
def take_shards_and_journal(mine: Path, other: Path) -> None:
    shutil.rmtree(mine / "shards")
    shutil.copytree(other / "shards", mine / "shards")
    shutil.copy(other / "journal.jsonl", mine / "journal.jsonl")


def take_manifest(mine: Path, other: Path) -> None:
    shutil.copy(other / "manifest.json", mine / "manifest.json")


@pytest.mark.parametrize(("take", "seed"), [(take_shards_and_journal, 11), (take_manifest, 12)])
def test_shards_of_another_sweep_never_get_in_with_their_journal(
    tmp_path: Path, take: Callable[[Path, Path], None], seed: int
) -> None:
    mine, other = half(tmp_path / "mine"), half(tmp_path / "other", seed=12)
    take(mine, other)
    wrong = harm(mine)
    assert [finding.problem for finding in wrong] == ["belongs to another sweep"] * 3
    with pytest.raises(BadFile, match="belongs to another sweep"):
        read_results(mine)
    told: list[str] = []
    assert tables_in(resume(mine, on_message=told.append)) == tables_in(complete(tmp_path, seed))
    assert len([line for line in told if "belongs to another sweep" in line]) == 3
    assert verify(mine) == []


def test_a_shard_that_the_journal_knows_by_another_name_is_found(tmp_path: Path) -> None:
    folder = half(tmp_path)
    journal = Journal(folder / "journal.jsonl")
    first = next(line.entry for line in read_journal(folder / "journal.jsonl") if (line.entry or {})["event"] == DONE)
    assert first is not None
    journal.commit(**{**first, "shard": [0, 0, 2 * SHARD]})
    journal.close()
    names = [plan.ShardKey(*shard).file_name for shard in (first["shard"], (0, 0, 2 * SHARD))]
    shutil.copy(folder / "shards" / names[0], folder / "shards" / names[1])
    (finding,) = harm(folder)
    assert finding.path.name == names[1]
    assert finding.problem == "is another shard of this sweep"
    assert tables_in(resume(folder)) == tables_in(complete(tmp_path))


def say_and_resume(folder: Path) -> list[str]:
    told: list[str] = []
    resume(folder, on_message=told.append)
    return told


def test_what_is_no_shard_of_the_sweep_is_named_and_left_where_it_is(tmp_path: Path) -> None:
    folder = half(tmp_path)
    shards = folder / "shards"
    copied, notes, table = (shards / name for name in ("c00009-r00000000-00000005.parquet", "notes", "mine.parquet"))
    shutil.copy(min(shards.iterdir()), copied)
    notes.mkdir()
    table.write_text("mine", encoding="utf-8")
    foreign = [copied, table, notes]
    assert [(finding.path, finding.mendable) for finding in harm(folder)] == [(path, False) for path in foreign]
    told = call("verify", folder)
    assert told.exit_code == 3
    assert f"{table}: is no shard of this sweep: move it elsewhere" in told.stdout
    assert told.stdout.endswith("3 files are not as they should be\n")
    assert "computes again" not in told.stderr

    left = [f"{path} is no shard of this sweep; it is left where it is" for path in foreign]
    assert say_and_resume(folder) == left
    assert tables_in(folder) == tables_in(complete(tmp_path))
    assert sorted(shards.iterdir()) == foreign
    assert [finding.path for finding in harm(folder)] == foreign
    nothing, *named = say_and_resume(folder)
    assert nothing.startswith("nothing to compute")
    assert [line.partition(" ")[0] for line in named] == [str(path) for path in foreign]
    assert table.read_text(encoding="utf-8") == "mine"
    assert read_results(folder).tables["runs"] is not None

    copied.unlink()
    table.unlink()
    notes.rmdir()
    say_and_resume(folder)
    assert not shards.exists()


def test_what_an_interrupted_write_left_does_no_harm_and_is_removed(tmp_path: Path) -> None:
    folder = half(tmp_path)
    left = folder / "shards" / ".c00001-r00000000-00000005.parquet.tmp"
    left.write_bytes(b"torn")
    told = "was left by an interrupted write; the next resume removes it"
    assert verify(folder) == [Finding(left, told, harmless=True)]
    assert say_and_resume(folder) == []
    assert not left.parent.exists()


def test_a_file_of_another_sweep_in_the_place_of_a_missing_shard_is_named_and_written_over(tmp_path: Path) -> None:
    folder, other = half(tmp_path), half(tmp_path / "other", seed=12)
    victim = folder / "shards" / plan.ShardKey(1, 0, SHARD).file_name
    shutil.copy(min((other / "shards").iterdir()), victim)
    assert [finding.path for finding in harm(folder)] == [victim]
    assert say_and_resume(folder) == [f"{victim} is no shard of this sweep; it is written over"]
    assert tables_in(folder) == tables_in(complete(tmp_path))
    assert not (folder / "shards").exists()


def test_a_shard_that_a_kill_kept_from_the_journal_is_the_sweeps_own(tmp_path: Path) -> None:
    folder = half(tmp_path)
    journal = folder / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    last = max(number for number, line in enumerate(lines) if b'"done"' in line)
    journal.write_bytes(b"".join(lines[:last]))
    assert verify(folder) == []
    assert say_and_resume(folder) == []
    assert not (folder / "shards").exists()


def test_shards_that_a_kill_left_beside_complete_tables_are_removed_and_no_others(tmp_path: Path) -> None:
    folder, earlier, other = complete(tmp_path), half(tmp_path / "half"), half(tmp_path / "other", seed=12)
    shutil.copytree(earlier / "shards", folder / "shards")
    assert verify(folder) == []
    foreign = min((folder / "shards").iterdir())
    shutil.copy(other / "shards" / foreign.name, foreign)
    assert [finding.path for finding in harm(folder)] == [foreign]
    say_and_resume(folder)
    assert list((folder / "shards").iterdir()) == [foreign]
    (folder / "tables" / "histogram.parquet").unlink()
    assert f"{foreign} belongs to another sweep; it is computed again" in say_and_resume(folder)
    assert not (folder / "shards").exists()


@pytest.mark.parametrize("finish", [half, complete])
def test_a_description_that_was_edited_is_found(tmp_path: Path, finish: Callable[[Path], Path]) -> None:
    folder = finish(tmp_path)
    before = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for change in (
        lambda manifest: manifest["design"].update(seed=12),
        lambda manifest: manifest["cells"][1].update(label="renamed"),
        lambda manifest: manifest["units"].clear(),
    ):
        edited(folder, change)
        (finding,) = harm(folder)
        assert (finding.path.name, finding.mendable) == ("manifest.json", False)
        assert finding.problem.startswith("was changed after the sweep had begun")
        if finish is half:
            with pytest.raises(BadFile, match=r"what its manifest says of the sweep was changed .*--force"):
                resume(folder)
        else:
            nothing, named = say_and_resume(folder)
            assert nothing.startswith("nothing to compute")
            assert "manifest.json was changed" in named
        edited(folder, lambda manifest: manifest.update(before))
    assert verify(folder) == []


def test_a_folder_of_before_descriptions_had_digests_can_be_gone_on_with(tmp_path: Path) -> None:
    folder = half(tmp_path)
    edited(folder, lambda manifest: (manifest.pop("description_digest"), manifest["design"].update(seed=12)))
    assert (verify(folder), differences_from_now(folder)) == ([], [])
    assert tables_in(resume(folder)) == tables_in(complete(tmp_path))


@pytest.mark.parametrize("what", ["label", "scenario", "factors"])
def test_a_cell_that_was_renamed_in_the_manifest_is_another_design(tmp_path: Path, what: str) -> None:
    folder = half(tmp_path)
    edited(folder, lambda manifest: manifest["cells"][0].update({what: {"x": 1} if what == "factors" else "wrong"}))
    with pytest.raises(BadFile, match="the design is another one"):
        resume(folder)


def test_going_on_with_another_design_keeps_what_is_stored(tmp_path: Path) -> None:
    folder = half(tmp_path)
    edited(folder, lambda manifest: manifest["cells"][0].update(label="renamed"))
    told: list[str] = []
    assert len(read_results(resume(folder, force=True, on_message=told.append)).tables["runs"]) == 2 * REPLICATES
    assert told == []


# ---------------------------------------------------------------------------------------------------------------
# A complete sweep
# ---------------------------------------------------------------------------------------------------------------
def test_a_damaged_table_made_again_lets_go_of_no_other_before_it_is_there(tmp_path: Path) -> None:
    folder = complete(tmp_path)
    expected = tables_in(folder)
    damaged = folder / "tables" / "histogram.parquet"
    damaged.write_bytes(b"damaged")
    with pytest.raises(Interrupted):
        resume(folder, jobs=1, chunk=SHARD, on_progress=stop_after(3))
    (finding,) = verify(folder)
    assert finding.path == damaged
    assert status_of(folder).runs == 2 * REPLICATES
    damaged.write_bytes(expected[damaged.name])  # from a backup
    assert len(read_results(folder).tables["runs"]) == 2 * REPLICATES
    damaged.unlink()
    told: list[str] = []
    assert tables_in(resume(folder, on_message=told.append)) == expected
    assert [line for line in told if "runs are repeated" in line]
    assert verify(folder) == []
    assert not (folder / "shards").exists()


def test_room_is_needed_for_the_runs_that_are_missing_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two cells of 20 runs, of which 15 are stored: 25 rows."""
    folder = half(tmp_path)
    row = len(OUTCOMES) * 8
    monkeypatch.setattr(runner.shutil, "disk_usage", lambda _: SimpleNamespace(free=25 * row - 1))
    with pytest.raises(CannotStore, match="free some space"):
        resume(folder)
    monkeypatch.setattr(runner.shutil, "disk_usage", lambda _: SimpleNamespace(free=25 * row))
    assert resume(folder) == folder


def test_a_disk_without_room_takes_nothing_from_a_complete_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = complete(tmp_path)
    before = (folder / "manifest.json").read_bytes()
    (folder / "tables" / "histogram.parquet").unlink()
    monkeypatch.setattr(runner.shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(CannotStore, match="the disk has 0 MB free"):
        resume(folder)
    assert (folder / "manifest.json").read_bytes() == before


def test_a_manifest_that_says_complete_and_names_no_table_costs_no_shard(tmp_path: Path) -> None:
    folder = half(tmp_path)
    edited(folder, lambda manifest: manifest.update(status="complete"))
    assert {finding.problem for finding in harm(folder)} == {"is not named in the manifest of a complete sweep"}
    stored = [line.entry for line in read_journal(folder / "journal.jsonl") if (line.entry or {})["event"] == DONE]
    assert tables_in(resume(folder)) == tables_in(complete(tmp_path))
    again = [line.entry for line in read_journal(folder / "journal.jsonl") if (line.entry or {})["event"] == DONE]
    assert again[: len(stored)] == stored
    assert len(again) == 2 * REPLICATES // SHARD


def test_a_complete_sweep_does_not_need_its_journal(tmp_path: Path) -> None:
    folder = complete(tmp_path)
    (folder / "journal.jsonl").unlink()
    assert (status_of(folder).status, status_of(folder).runs) == ("complete", 2 * REPLICATES)
    assert harm(folder) == []


# ---------------------------------------------------------------------------------------------------------------
# What is told of a sweep while it runs, ends, or was killed early
# ---------------------------------------------------------------------------------------------------------------
def test_a_sweep_killed_before_its_journal_was_begun_is_interrupted(tmp_path: Path) -> None:
    folder = half(tmp_path)
    edited(folder, lambda manifest: manifest.update(status="running"))
    shutil.rmtree(folder / "shards")
    for name in ("journal.jsonl", ".lock"):
        (folder / name).unlink()
    status = status_of(folder)
    assert (status.status, status.runs) == ("interrupted", 0)
    assert status.next == f"alliance resume {folder}"
    with pytest.raises(BadFile, match=r"stopped too early; `alliance resume .*` goes on with it"):
        read_results(folder)
    assert tables_in(resume(folder)) == tables_in(complete(tmp_path))


def test_whoever_looks_while_a_sweep_ends_is_told_what_is_there_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep ends after a look at its manifest and before a look at the rest."""
    folder = half(tmp_path)
    reads = folders.read_manifest

    def ending_after(look: Callable[[Path], Any], where: ModuleType) -> Any:
        copy = tmp_path / "copies" / look.__name__
        shutil.copytree(folder, copy)
        with monkeypatch.context() as patch:

            def read_and_end(path: Path) -> dict[str, Any]:
                found = reads(path)
                patch.setattr(where, "read_manifest", reads)
                resume(path)
                return found

            patch.setattr(where, "read_manifest", read_and_end)
            return look(copy)

    assert ending_after(verify, checking) == []
    assert len(ending_after(read_results, folders).tables["runs"]) == 2 * REPLICATES


def test_a_sweep_that_ends_between_two_looks_is_not_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = half(tmp_path)
    looks = folders.is_taken

    def look_and_end(path: Path) -> bool:
        monkeypatch.setattr(folders, "is_taken", looks)
        resume(path)
        return True

    monkeypatch.setattr(folders, "is_taken", look_and_end)
    assert status_of(folder).status == "complete"


def test_a_sweep_that_ends_while_resume_waits_for_the_lock_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = half(tmp_path)
    take = store._taken_lock

    def taken_when_the_other_has_ended(path: Path) -> Any:
        monkeypatch.setattr(store, "_taken_lock", take)
        resume(path)
        return take(path)

    monkeypatch.setattr(store, "_taken_lock", taken_when_the_other_has_ended)
    told: list[str] = []
    resume(folder, on_message=told.append)
    assert told == ["nothing to compute: every run is stored and every table is whole"]


@pytest.mark.skipif(os.name != "posix", reason="needs permissions")
def test_whoever_may_only_read_is_told_that_a_sweep_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    open_ = os.open

    def read_only(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise PermissionError(13, "Permission denied", str(path))
        return open_(path, flags, *rest, **named)

    def look(_: Any) -> None:
        (folder,) = tmp_path.glob("trial/*")
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", read_only)
            told.append(status_of(folder).status)

    run_experiment(experiment_for(REPLICATES), tmp_path, jobs=1, on_progress=look)
    assert set(told) == {"running"}


# ---------------------------------------------------------------------------------------------------------------
# Tables are read when they are asked for
# ---------------------------------------------------------------------------------------------------------------
@pytest.fixture
def tables_read(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each table has been read from its file as a whole."""
    counted: Counter[str] = Counter()
    read_table = reading._read_table

    def counting(path: Path, sha256: str, columns: Sequence[str] | None = None) -> Any:
        if columns is None:
            counted[path.stem] += 1
        return read_table(path, sha256, columns)

    monkeypatch.setattr(reading, "_read_table", counting)
    return counted


def test_a_table_is_read_when_it_is_asked_for_and_only_then(tmp_path: Path, tables_read: Counter[str]) -> None:
    folder = complete(tmp_path)
    tables = read_results(folder).tables
    assert set(tables) == {path.stem for path in (folder / "tables").iterdir()}
    assert len(tables) == len(set(tables))
    assert ("monthly" in tables, "alliances" in tables, tables.get("alliances")) == (True, False, None)
    assert tables_read == {}
    assert tables["runs"] is tables["runs"]
    assert tables_read == {"runs": 1}
    with pytest.raises(KeyError, match="alliances"):
        tables["alliances"]


@pytest.mark.parametrize("command", ["sweep", "report"])
def test_what_is_shown_of_a_sweep_reads_no_table_twice(tmp_path: Path, tables_read: Counter[str], command: str) -> None:
    if command == "report":
        done = call("report", run_experiment(experiment_for(2), tmp_path, jobs=1, keep_alliances=True))
    else:
        done = call("compare", "baseline", "underinvestment", "--replicates", 2, "--alliances", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert tables_read["runs"] == 1
    assert set(tables_read.values()) == {1}
    assert "alliances" not in tables_read  # it is by far the largest, and some columns are enough


def test_single_alliances_are_read_by_the_column(tmp_path: Path) -> None:
    stored = read_results(run_experiment(experiment_for(2), tmp_path, jobs=1, keep_alliances=True))
    before = stored.alliances("trust", "cell")
    whole = stored.tables["alliances"]
    assert before is not None
    for kept in (stored, replace(stored, tables=dict(stored.tables))):
        pd.testing.assert_frame_equal(kept.alliances("trust", "cell"), before)
    pd.testing.assert_frame_equal(before, whole[["trust", "cell"]])
    assert read_results(run_experiment(experiment_for(2), tmp_path, jobs=1)).alliances("trust") is None


def test_tables_of_two_states_of_a_folder_are_not_mixed(tmp_path: Path) -> None:
    """The folder is opened, then written anew, then asked for another table."""
    folder, other = complete(tmp_path / "one"), complete(tmp_path / "two", seed=12)
    tables = read_results(folder).tables
    runs = tables["runs"]
    for name in ("runs.parquet", "monthly.parquet"):
        shutil.copy(other / "tables" / name, folder / "tables" / name)
    assert tables["runs"] is runs
    with pytest.raises(BadFile, match="has changed since the folder was opened"):
        tables["monthly"]


def test_tables_of_an_unfinished_sweep_can_be_read_as_long_as_they_are_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    stored = read_results(half(tmp_path))
    resume(stored.folder)
    assert len(stored.tables["runs"]) == 3 * SHARD
    assert list(place.iterdir())
    del stored
    assert not list(place.iterdir())


# ---------------------------------------------------------------------------------------------------------------
# Code and names
# ---------------------------------------------------------------------------------------------------------------
def test_the_names_of_journal_and_shards_are_synced_before_a_run_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a power cut could take the journal's name, and with it everything that it tells."""
    events: list[str] = []
    synced, committed = store.sync_folder, Journal.commit

    def sync(path: Path) -> None:
        events.append(f"synced {'with' if (path / 'journal.jsonl').exists() else 'without'} journal")
        synced(path)

    def commit(journal: Journal, event: str, **facts: Any) -> None:
        events.append(event)
        committed(journal, event, **facts)

    monkeypatch.setattr(store, "sync_folder", sync)
    monkeypatch.setattr(Journal, "commit", commit)
    complete(tmp_path)
    assert events.index("synced with journal") < events.index("opened") < events.index(DONE)


# ---------------------------------------------------------------------------------------------------------------
# What is done to a folder while its sweep runs
# ---------------------------------------------------------------------------------------------------------------
def once_at(shards: int, deed: Callable[[], None]) -> Callable[[Any], None]:
    """What does something once, when so many shards are stored."""
    done: list[bool] = []

    def watch(progress: Any) -> None:
        if progress.runs_done >= shards * SHARD and not done:
            done.append(True)
            deed()

    return watch


def test_a_lock_that_is_removed_lets_nobody_undo_what_another_has_finished(tmp_path: Path) -> None:
    expected = tables_in(complete(tmp_path / "whole"))

    def remove_the_lock_and_go_on() -> None:
        (folder,) = tmp_path.glob("trial/*")
        (folder / ".lock").unlink()
        resume(folder, jobs=1)

    with pytest.raises(CannotStore, match=r"another process writes here since \.lock was removed"):
        run_experiment(
            experiment_for(REPLICATES), tmp_path, jobs=1, chunk=SHARD, on_progress=once_at(3, remove_the_lock_and_go_on)
        )
    (folder,) = tmp_path.glob("trial/*")
    assert status_of(folder).status == "complete"
    assert verify(folder) == []
    assert tables_in(folder) == expected


def test_a_folder_that_is_moved_while_its_sweep_runs_can_go_on_at_its_new_place(tmp_path: Path) -> None:
    def move() -> None:
        (folder,) = tmp_path.glob("trial/*")
        folder.rename(tmp_path / "moved")

    with pytest.raises(CannotStore, match="No such file or directory; was it moved or removed"):
        run_experiment(experiment_for(REPLICATES), tmp_path, jobs=1, chunk=SHARD, on_progress=once_at(3, move))
    assert status_of(tmp_path / "moved").runs == 3 * SHARD
    assert tables_in(resume(tmp_path / "moved")) == tables_in(complete(tmp_path))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EFBIG, "allow larger files"),
        (errno.EMFILE, "allow more open files"),
        (errno.ENOLCK, "on which files can be locked"),
        (errno.EACCES, "make it writable"),
    ],
)
def test_what_to_do_first_depends_on_what_the_system_said(code: int, said: str) -> None:
    assert said in str(cannot_store(Path("results"), OSError(code, os.strerror(code)), begun=True))


def test_what_no_other_folder_cures_is_said_of_a_new_one_too() -> None:
    told = str(cannot_store(Path("results"), OSError(errno.EFBIG, os.strerror(errno.EFBIG))))
    assert "allow larger files (`ulimit -f unlimited`), or choose another folder with --out" in told


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    folder = half(tmp_path)
    shard = min((folder / "shards").iterdir())
    shard.unlink()
    shard.mkdir()
    with pytest.raises(CannotStore, match=f"Is a directory: {shard}; remove what stands in its place, then go on"):
        resume(folder)
    shard.rmdir()
    assert tables_in(resume(folder)) == tables_in(complete(tmp_path))


def test_a_folder_whose_name_looks_like_an_option_can_be_resumed() -> None:
    assert resume_command(Path("-x/trial/1")) == "alliance resume ./-x/trial/1"


# ---------------------------------------------------------------------------------------------------------------
# What is told
# ---------------------------------------------------------------------------------------------------------------
def test_a_lost_journal_is_told(tmp_path: Path) -> None:
    folder = half(tmp_path)
    (folder / "journal.jsonl").unlink()
    assert [finding.problem for finding in harm(folder)] == ["is missing: what it told is computed again"]
    assert tables_in(resume(folder)) == tables_in(complete(tmp_path))
    assert verify(folder) == []


def test_a_lost_manifest_is_told_from_no_sweep_at_all(tmp_path: Path) -> None:
    folder = half(tmp_path)
    (folder / "manifest.json").unlink()
    with pytest.raises(BadFile, match="put it back from a copy, or run the sweep again"):
        resume(folder)


@pytest.mark.parametrize("look", [status_of, verify, read_results, resume, differences_from_now])
def test_a_manifest_without_something_is_damaged(tmp_path: Path, look: Callable[[Path], Any]) -> None:
    folder = half(tmp_path)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for key in ("status", "command", "cells", "plan", "plan_digest", "code_digest", "numerics", "timings", "files"):
        path.write_text(json.dumps({name: said for name, said in manifest.items() if name != key}), encoding="utf-8")
        with pytest.raises(BadFile, match=f"{key}: is missing; the manifest is damaged"):
            look(folder)


@pytest.mark.parametrize(("part", "key"), [("its plan", "keep_alliances"), ("a cell", "cell")])
def test_a_complete_sweep_whose_manifest_lost_part_of_something_is_damaged(tmp_path: Path, part: str, key: str) -> None:
    folder = complete(tmp_path)
    edited(folder, lambda manifest: (manifest["plan"] if part == "its plan" else manifest["cells"][1]).pop(key))
    for look in (status_of, verify, read_results):
        with pytest.raises(BadFile, match=f"{key}: is missing; the manifest is damaged"):
            look(folder)


def test_cells_whose_scenario_is_gone_are_damage(tmp_path: Path) -> None:
    folder = half(tmp_path)
    edited(folder, lambda manifest: manifest["cells"][0].pop("resolved"))
    for look in (status_of, resume):
        with pytest.raises(BadFile, match=r"cells\.1\.resolved: is missing; the manifest is damaged"):
            look(folder)


def test_files_that_are_not_as_they_should_be_are_counted_once(tmp_path: Path) -> None:
    folder = half(tmp_path)
    journal = folder / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b"x\nx\n")
    assert call("verify", folder).stdout.endswith("\n1 file is not as it should be\n")
    min((folder / "shards").iterdir()).unlink()
    assert call("verify", folder).stdout.endswith("\n2 files are not as they should be\n")


def test_a_thousand_lines_of_damage_are_not_a_thousand_messages(tmp_path: Path) -> None:
    folder = half(tmp_path)
    journal = folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"\n", b"\r\n") + b"x\r\n" * 1000)
    told: list[str] = []
    assert tables_in(resume(folder, on_message=told.append)) == tables_in(complete(tmp_path))
    assert len(told) < 30
    assert "more like this" in told[20]
