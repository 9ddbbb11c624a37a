"""What can go wrong while a sweep writes: it is killed, the disk is full, files are damaged. Nothing stored is lost."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from nursery import SHARD, Nursery, experiment_for, tables_in

from sim.cli import alliance
from sim.sweeps import files, plan, store
from sim.sweeps.checking import status_of, verify
from sim.sweeps.files import CannotStore, write_file
from sim.sweeps.interrupts import CtrlC, any_end_as_ctrl_c
from sim.sweeps.journal import BEGUN, DONE, LOST, read_journal
from sim.sweeps.reading import read_results
from sim.sweeps.runner import resume, run_experiment
from sim.sweeps.store import SweepFolder
from sim.tomlfile import BadFile

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs fork and signals")
REPLICATES = 30
KILLS = 40
IN_MEMORY = Path("/dev/shm")
"""A kill does not lose what the system has taken, so it can be tested where syncing costs nothing."""


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as found:
        yield found


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is such a place."""
    if not os.access(IN_MEMORY, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as place:
        yield Path(place)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "SHARD_WORK", SHARD * plan.work_of(experiment_for(1).cells()[0].scenario))


def folders_in(out: Path) -> list[Path]:
    """Sweeps that were begun: a folder without a manifest holds nothing."""
    return sorted(path.parent for path in out.glob("trial/*/manifest.json"))


def whole(out: Path, replicates: int = REPLICATES) -> dict[str, bytes]:
    """The tables of a sweep that nothing happened to."""
    return tables_in(run_experiment(experiment_for(replicates), out / "whole", jobs=1))


def events_of(folder: Path) -> list[tuple[str, tuple[int, ...]]]:
    """What the journal says, in order: event and shard."""
    entries = [line.entry for line in read_journal(folder / "journal.jsonl")]
    return [(entry["event"], tuple(entry["shard"])) for entry in entries if entry and "shard" in entry]


def assert_nothing_stored_was_run_twice(folder: Path, replicates: int) -> None:
    events = events_of(folder)
    stored = Counter(shard for event, shard in events if event == DONE)
    assert set(stored.values()) == {1}
    assert sum(stop - first for _, first, stop in stored) == 2 * replicates
    seen: set[tuple[int, ...]] = set()
    for event, shard in events:
        assert event != LOST
        assert not (event == BEGUN and shard in seen)
        if event == DONE:
            seen.add(shard)


# ---------------------------------------------------------------------------------------------------------------
# kill -9
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_killed_at_any_moment_and_resumed_the_tables_are_the_same(nursery: Nursery, quick: Path, seed: int) -> None:
    chance = random.Random(seed)
    replicates = 3 * SHARD
    expected = whole(quick, replicates)
    usual = nursery.sweep(quick / "timing", replicates)["seconds"]
    kills = finished = 0
    out = quick / "0"
    while kills < KILLS or not finished:
        delay = chance.uniform(0.0, usual) if kills < KILLS else None
        begun = folders_in(out)
        answer = nursery.resume(begun[0], delay=delay) if begun else nursery.sweep(out, replicates, delay=delay)
        kills += answer["killed"]
        assert answer["code"] in (None, 0)
        for folder in folders_in(out):
            assert [finding for finding in verify(folder) if not finding.harmless] == []
        if not answer["killed"]:
            (folder,) = folders_in(out)
            assert tables_in(folder) == expected
            assert_nothing_stored_was_run_twice(folder, replicates)
            finished += 1
            out = quick / str(finished)
    assert kills >= KILLS


@pytest.mark.slow
@pytest.mark.parametrize("part", range(3))
def test_killed_before_any_call_to_the_system_the_tables_are_the_same(nursery: Nursery, quick: Path, part: int) -> None:
    replicates = SHARD
    expected = whole(quick, replicates)
    calls = nursery.sweep(quick / "counting", replicates)["calls"]
    assert calls > 50
    for number in range(1 + part, calls + 1, 3):
        out = quick / str(number)
        assert nursery.sweep(out, replicates, die_at=number)["killed"]
        begun = folders_in(out)
        answer = nursery.resume(begun[0]) if begun else nursery.sweep(out, replicates)
        assert answer["code"] == 0, number
        (folder,) = folders_in(out)
        assert tables_in(folder) == expected, number
        assert_nothing_stored_was_run_twice(folder, replicates)
        assert verify(folder) == [], number


def write_in_place(path: Path, content: bytes) -> None:
    """How not to do it."""
    half = len(content) // 2
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.write(file, content[:half])
    os.fsync(file)
    os.write(file, content[half:])
    os.close(file)


def contents_after_kills(write: Callable[[Path, bytes], None], path: Path) -> set[bytes]:
    """What a file holds after its writer was killed before its first, second, … call to the system."""
    found = set()
    for number in range(1, 6):
        path.write_bytes(b"before" * 1000)
        child = os.fork()
        if child == 0:
            from nursery import _dying_at

            _dying_at(number)
            write(path, b"after!" * 1000)
            os._exit(0)
        os.waitpid(child, 0)
        found.add(path.read_bytes())
    return found


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_file_is_there_as_it_was_or_as_it_shall_be_and_writing_in_place_is_caught(tmp_path: Path) -> None:
    sound = {b"before" * 1000, b"after!" * 1000}
    assert contents_after_kills(write_file, tmp_path / "good") == sound
    assert contents_after_kills(write_in_place, tmp_path / "bad") - sound


# ---------------------------------------------------------------------------------------------------------------
# The disk is full, or may not be written
# ---------------------------------------------------------------------------------------------------------------
def failing_after(original: Callable[..., Any], count: int, code: int) -> Callable[..., Any]:
    """The call, which fails from its ``count``-th time on."""
    left = [count]

    def call(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(code, os.strerror(code))
        return original(*arguments, **named)

    return call


@pytest.mark.parametrize(
    ("call", "count"), [*(("fsync", n) for n in (10, 13, 18, 26)), *(("replace", n) for n in (7, 10, 15, 23))]
)
def test_a_full_disk_keeps_what_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, count: int
) -> None:
    expected = whole(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(files.os, call, failing_after(getattr(os, call), count, errno.ENOSPC))
        with pytest.raises(CannotStore, match="No space left on device; free some space, then go on with"):
            run_experiment(experiment_for(REPLICATES), tmp_path, jobs=2)
    (folder,) = folders_in(tmp_path)
    before = {shard for event, shard in events_of(folder) if event == DONE}
    assert [finding for finding in verify(folder) if not finding.harmless] == []
    assert tables_in(resume(folder)) == expected
    again = [shard for event, shard in events_of(folder) if event == DONE]
    assert before <= set(again)
    assert len(again) == len(set(again))


def test_a_journal_line_cut_off_by_a_full_disk_is_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = whole(tmp_path)
    write = os.write
    lines = [0]

    def half_of_the_tenth(file: int, content: bytes) -> int:
        lines[0] += 1
        if lines[0] < 10:
            return write(file, content)
        if lines[0] == 10:
            return write(file, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half_of_the_tenth)
        with pytest.raises(CannotStore, match="No space left on device"):
            run_experiment(experiment_for(REPLICATES), tmp_path, jobs=1)
    (folder,) = folders_in(tmp_path)
    (torn,) = verify(folder)
    assert torn.problem.startswith("line 10 is torn or damaged")
    assert tables_in(resume(folder)) == expected
    assert verify(folder) == []


def test_a_folder_that_may_only_be_read_is_refused_by_resume_and_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = stopped_half_way(tmp_path)
    open_ = os.open

    def read_only(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and str(path).startswith(str(folder)):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return open_(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(CannotStore, match=r"Read-only file system; make it writable, then go on with `alliance resume"):
        resume(folder)
    assert len(read_results(folder).tables["runs"]) >= 3 * SHARD


# ---------------------------------------------------------------------------------------------------------------
# Damage
# ---------------------------------------------------------------------------------------------------------------
def stopped_half_way(out: Path, replicates: int = REPLICATES) -> Path:
    """A sweep that was interrupted after its third shard."""

    def stop(progress: Any) -> None:
        if progress.runs_done >= 3 * SHARD:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_experiment(experiment_for(replicates), out, jobs=1, on_progress=stop)
    (folder,) = folders_in(out)
    return folder


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def zero_a_page(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[512:1536] = bytes(1024)
    path.write_bytes(content)


def replace_by_another_sweeps(path: Path) -> None:
    out = path.parents[1] / "other"
    with pytest.raises(KeyboardInterrupt):
        run_experiment(experiment_for(REPLICATES).replace(seed=5), out, jobs=1, on_progress=pressed)
    path.write_bytes(next(out.rglob("c*.parquet")).read_bytes())


def replace_by_another_shard(path: Path) -> None:
    path.write_bytes(max(path.parent.iterdir()).read_bytes())


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (truncate, "is damaged"),
        (flip_a_bit, "is damaged"),
        (zero_a_page, "is damaged"),
        (Path.unlink, "is missing"),
        (replace_by_another_sweeps, "belongs to another sweep"),
        (replace_by_another_shard, "is another shard of this sweep"),
    ],
)
def test_a_shard_that_is_not_what_was_stored_is_named_and_run_again(
    tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    expected = whole(tmp_path)
    folder = stopped_half_way(tmp_path)
    victim = min((folder / "shards").iterdir())
    damage(victim)
    (finding,) = verify(folder)
    assert (finding.path, finding.harmless) == (victim, False)
    assert said in finding.problem
    with pytest.raises(BadFile, match=f"{victim.name}: {said}.*`alliance resume .*` computes it again"):
        read_results(folder)
    told: list[str] = []
    assert tables_in(resume(folder, on_message=told.append)) == expected
    assert [line for line in told if victim.name in line and said in line]
    repeated = [shard for shard, count in Counter(s for e, s in events_of(folder) if e == DONE).items() if count > 1]
    assert repeated == [(0, 0, SHARD)]
    assert verify(folder) == []


@pytest.mark.parametrize("damage", ["torn", "flipped"])
def test_a_damaged_line_of_the_journal_is_named_and_its_shard_run_again(tmp_path: Path, damage: str) -> None:
    expected = whole(tmp_path)
    folder = stopped_half_way(tmp_path)
    path = folder / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    (at, *_) = [number for number, line in enumerate(lines) if b'"done"' in line]
    if damage == "torn":
        lines = [*lines[:at], lines[at][:30]]
    else:
        lines[at] = lines[at].replace(b'"runs":5', b'"runs":7')
    path.write_bytes(b"".join(lines))
    (finding,) = verify(folder)
    assert finding.path == path
    assert finding.problem == f"line {at + 1} is torn or damaged: what it told is computed again"
    told: list[str] = []
    assert tables_in(resume(folder, on_message=told.append)) == expected
    assert [line for line in told if f"line {at + 1} of the journal" in line]
    assert verify(folder) == []


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, Path.unlink])
def test_a_damaged_table_is_made_again_with_the_same_bytes(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    folder = run_experiment(experiment_for(REPLICATES), tmp_path, jobs=2)
    expected = tables_in(folder)
    damage(folder / "tables" / "monthly.parquet")
    (finding,) = verify(folder)
    assert finding.path.name == "monthly.parquet"
    told: list[str] = []
    assert tables_in(resume(folder, on_message=told.append)) == expected
    assert [line for line in told if "runs are repeated" in line]
    assert verify(folder) == []


def test_tables_that_do_not_hold_what_the_manifest_tells_are_noticed(tmp_path: Path) -> None:
    folder = run_experiment(experiment_for(REPLICATES), tmp_path, jobs=2)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["cells"][1]["replicates_done"] += 1
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (finding,) = verify(folder)
    assert finding.problem == "does not hold the runs that the manifest tells of"


# ---------------------------------------------------------------------------------------------------------------
# Two at once, and clocks
# ---------------------------------------------------------------------------------------------------------------
def test_a_second_writer_is_refused_and_the_first_is_not_disturbed(tmp_path: Path) -> None:
    expected = whole(tmp_path)
    refused: list[str] = []

    def try_to_resume(progress: Any) -> None:
        if not refused:
            (folder,) = folders_in(tmp_path)
            assert status_of(folder).status == "running"
            with pytest.raises(BadFile) as error:
                resume(folder)
            refused.append(str(error.value))

    folder = run_experiment(experiment_for(REPLICATES), tmp_path, jobs=1, on_progress=try_to_resume)
    assert f"is being written by process {os.getpid()} on" in refused[0]
    assert "wait for it, or stop it with Ctrl-C" in refused[0]
    assert tables_in(folder) == expected


def test_the_lock_of_a_killed_sweep_is_free(nursery: Nursery, tmp_path: Path) -> None:
    answer = {"killed": False}
    for number in range(20, 60):
        if not folders_in(tmp_path):
            answer = nursery.sweep(tmp_path, REPLICATES, die_at=number)
    assert answer["killed"]
    (folder,) = folders_in(tmp_path)
    assert status_of(folder).status == "interrupted"
    assert tables_in(resume(folder)) == whole(tmp_path / "other")


def test_a_clock_that_goes_backwards_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.sweeps import manifest

    expected = whole(tmp_path)
    years = iter(range(2080, 1980, -1))

    class Backwards(store.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return store.datetime(next(years), 1, 2, tzinfo=tz)

    monkeypatch.setattr(store, "datetime", Backwards)
    monkeypatch.setattr(manifest, "datetime", Backwards)
    monkeypatch.setattr("time.time", lambda: float(next(years)))
    folder = stopped_half_way(tmp_path)
    assert tables_in(resume(folder)) == expected
    assert_nothing_stored_was_run_twice(folder, REPLICATES)


# ---------------------------------------------------------------------------------------------------------------
# Ctrl-C on the command line
# ---------------------------------------------------------------------------------------------------------------
EXPERIMENT = """\
title = "A trial"
question = "Does it hold?"
expected = "It holds."
scenarios = ["baseline"]
replicates = 100000
seed = 3
"""
COMMAND = Path(sys.executable).with_name("alliance")


@pytest.mark.usefixtures("default_signals")
@pytest.mark.slow
@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_says_how_to_go_on_and_that_works(tmp_path: Path, presses: int) -> None:
    (tmp_path / "trial.toml").write_text(EXPERIMENT, encoding="utf-8")
    args = ["sweep", "trial.toml", "--jobs", "1", "--no-figures", "--out", "with blanks"]
    process = subprocess.Popen(
        [COMMAND, *args], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not any(tmp_path.rglob("c*.parquet")):
        assert process.poll() is None
    for _ in range(presses):
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, ""), err
    assert "Traceback" not in err
    (folder,) = folders_in(tmp_path / "with blanks")
    command = f"alliance resume 'with blanks/trial/{folder.name}'"
    assert f"`{command}` goes on" in err
    stored = len(read_results(folder).tables["runs"])
    assert f"interrupted; {stored} complete runs are kept in" in err
    assert 0 < stored < 100_000

    done = {shard for event, shard in events_of(folder) if event == DONE}
    program = command.replace("alliance", str(COMMAND), 1) + " --no-figures"
    with subprocess.Popen(program, shell=True, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        while len(list((folder / "shards").iterdir())) <= len(done) + 1:
            assert process.poll() is None
        opened = [e for line in read_journal(folder / "journal.jsonl") if (e := line.entry) and e["event"] == "opened"]
        os.kill(opened[-1]["pid"], signal.SIGINT)
        process.communicate(timeout=120)
    again = [shard for event, shard in events_of(folder) if event == DONE]
    assert len(again) == len(set(again))
    assert done < set(again)


@pytest.mark.usefixtures("default_signals")
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_system_that_ends_the_job_and_a_terminal_that_is_closed_count_as_ctrl_c(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "trial.toml").write_text(EXPERIMENT, encoding="utf-8")
    terminal, end = os.openpty()
    process = subprocess.Popen(
        [COMMAND, "sweep", "trial.toml", "--jobs", "1"], cwd=tmp_path, stdout=end, stderr=end, start_new_session=True
    )
    os.close(end)
    watcher = threading.Thread(target=read_all, args=(terminal, said := bytearray()))
    watcher.start()
    while not any(tmp_path.rglob("c*.parquet")):
        assert process.poll() is None
    process.send_signal(number)
    assert process.wait(timeout=120) == 128 + number
    watcher.join()
    (folder,) = folders_in(tmp_path / "results")
    assert status_of(folder).status == "interrupted"
    assert json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["status"] == "interrupted"
    told = number == signal.SIGTERM  # to a terminal that is closed nothing is written any more
    assert (b"interrupted; " in said) == told
    assert (b"alliance resume results/trial/" in bytes(said).replace(b"\r\n", b"")) == told


def read_all(terminal: int, into: bytearray) -> None:
    """What is written to a terminal until nobody holds it open."""
    with suppress(OSError):
        while found := os.read(terminal, 10_000):
            into += found
    os.close(terminal)


@pytest.mark.usefixtures("default_signals")
def test_signals_are_as_before_after_a_command_and_nohup_is_respected() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with any_end_as_ctrl_c():
        signal.raise_signal(signal.SIGHUP)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize("ignored", [True, False])
def test_a_signal_to_end_is_heard_where_ctrl_c_is_only_noted_or_not_heard_at_all(ignored: bool) -> None:
    with any_end_as_ctrl_c():
        if ignored:  # as a shell does to what it runs in the background
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGTERM)
            return
        stop = CtrlC()
        with pytest.raises(KeyboardInterrupt), stop:
            press_twice(stop)


def press_twice(stop: CtrlC) -> None:
    signal.raise_signal(signal.SIGTERM)
    assert stop.pressed
    signal.raise_signal(signal.SIGTERM)


def raise_after(number: signal.Signals) -> None:
    signal.raise_signal(number)
    raise RuntimeError("something went wrong")


@pytest.mark.usefixtures("default_signals")
def test_one_that_came_after_the_last_look_is_heard_at_the_end() -> None:
    with any_end_as_ctrl_c() as ended:
        assert ended.exit_code == 130
        with pytest.raises(KeyboardInterrupt), CtrlC():
            signal.raise_signal(signal.SIGHUP)
        assert ended.exit_code == 129
        with pytest.raises(RuntimeError, match="wrong"), CtrlC():  # what went wrong is told first
            raise_after(signal.SIGTERM)
        assert ended.exit_code == 143
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def pressed(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


SWEEP = ("sweep", "trial.toml", "--no-figures", "--quiet", "--out", "out")


def call(*words: str) -> tuple[int, str]:
    """An ``alliance`` command, interrupted: its exit code and the last thing that it said."""
    done = CliRunner().invoke(alliance, words, prog_name="alliance")
    return done.exit_code, done.stderr.strip().splitlines()[-1]


@pytest.fixture
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "trial.toml").write_text(EXPERIMENT.replace("100000", "4"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "where",
    [
        "sim.commands.core.prepare",
        "sim.commands.sweep.progress_for",
        "sim.sweeps.runner.plan_of",
        "sim.sweeps.executors.local.LocalExecutor.__init__",
    ],
)
def test_ctrl_c_before_the_first_run_says_how_to_begin_anew(
    in_a_folder: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(where, pressed)
    assert call(*SWEEP) == (130, f"interrupted; nothing was stored; `alliance {' '.join(SWEEP)}` begins anew")
    assert not (in_a_folder / "out").exists()


@pytest.mark.parametrize(
    "where",
    [
        "sim.sweeps.runner.warm_up",
        "sim.sweeps.runner._Sweep._open_rounds",
        "sim.sweeps.runner._Sweep._store",
        "sim.sweeps.store.write_tables",
    ],
)
@pytest.mark.parametrize("twice", [False, True])
def test_ctrl_c_at_any_stage_says_how_to_go_on_and_that_works(
    in_a_folder: Path, monkeypatch: pytest.MonkeyPatch, where: str, twice: bool
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(where, pressed)
        if twice:  # the second one while the executor is closed
            patch.setattr("sim.sweeps.executors.local.LocalExecutor.close", pressed)
        code, said = call(*SWEEP)
    (folder,) = folders_in(Path("out"))
    assert code == 130
    assert said.endswith(f"`alliance resume {folder}` goes on")
    with monkeypatch.context() as patch:
        patch.setattr("sim.sweeps.runner._nothing_to_do", pressed)
        assert call("resume", str(folder)) == (
            130,
            f"interrupted; nothing was added; `alliance resume {folder}` goes on",
        )
    assert CliRunner().invoke(alliance, ["resume", str(folder), "--no-figures", "--quiet"]).exit_code == 0
    assert status_of(folder).status == "complete"


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["before the tables", "after the last look"])
def test_a_signal_in_the_last_moment_is_not_lost(
    in_a_folder: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, moment: str
) -> None:
    late = moment == "after the last look"
    name = "tidy" if late else "finish"
    original = getattr(SweepFolder, name)

    def told(*arguments: Any, **named: Any) -> Any:
        signal.raise_signal(number)
        return original(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(SweepFolder, name, told)
        code, said = call(*SWEEP)
    (folder,) = folders_in(Path("out"))
    again = f"all runs are stored; `alliance report {folder}` writes the report"
    assert code == 128 + number
    assert said == f"interrupted; {again}" if late else said.endswith(f"`alliance resume {folder}` goes on")
    assert status_of(folder).status == ("complete" if late else "interrupted")
    assert CliRunner().invoke(alliance, ["resume", str(folder), "--no-figures", "--quiet"]).exit_code == 0


@pytest.mark.parametrize("where", ["sim.study.page.publish", "sim.commands.sweep.show_results"])
def test_ctrl_c_while_results_are_shown_says_that_all_is_stored(
    in_a_folder: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(where, pressed)
    code, said = call(*(word for word in SWEEP if word != "--no-figures" or "show" in where))
    (folder,) = folders_in(Path("out"))
    assert (code, said) == (130, f"interrupted; all runs are stored; `alliance report {folder}` writes the report")
    assert status_of(folder).status == "complete"
