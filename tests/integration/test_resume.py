"""Going on with a sweep: what is refused and why, failed runs, wanted precision, and the commands around it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from nursery import tables_in
from scipy import stats

from sim import loaded
from sim.cli import alliance
from sim.engine import simulate
from sim.scenario import Scenario
from sim.study.page import publish
from sim.sweeps import manifest as manifests
from sim.sweeps import plan, runner, tables
from sim.sweeps.checking import status_of, verify
from sim.sweeps.design import Experiment, experiment_of
from sim.sweeps.executors.local import LocalExecutor
from sim.sweeps.journal import DONE, read_journal
from sim.sweeps.reading import read_results
from sim.sweeps.runner import Interrupted, RunFailed, Task, resume, run_experiment
from sim.tomlfile import BadFile

TEXTS = {"title": "T", "question": "Q?", "source": "S", "expected": "E."}
REPLICATES, SHARD, SEED = 20, 5, 11


def scenario(name: str, **parameters: float) -> Scenario:
    return Scenario.from_plain({**TEXTS, "organizations": 6, "months": 12, "parameters": parameters}, name)


@pytest.fixture
def experiment(monkeypatch: pytest.MonkeyPatch) -> Experiment:
    calm, rough = scenario("calm"), scenario("rough", contingency_rate=0.4)
    for module in (plan, runner):
        monkeypatch.setattr(module, "SHARD_WORK", SHARD * plan.work_of(calm))
    return experiment_of([calm, rough], REPLICATES, SEED, "trial")


def interrupted(experiment: Experiment, out: Path, after: int = 3, **how: Any) -> Path:
    """The folder of a sweep that was stopped after some shards."""

    def stop(progress: Any) -> None:
        if progress.runs_done >= after * SHARD:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as stopped:
        run_experiment(experiment, out, on_progress=stop, **{"jobs": 1, **how})
    return stopped.value.folder


def stored_shards(folder: Path) -> list[tuple[int, ...]]:
    entries = [line.entry for line in read_journal(folder / "journal.jsonl")]
    return [tuple(entry["shard"]) for entry in entries if entry and entry["event"] == DONE]


def call(*args: object) -> Result:
    return CliRunner().invoke(alliance, [str(arg) for arg in args], prog_name="alliance")


# ---------------------------------------------------------------------------------------------------------------
# The same tables, whatever happened and wherever it was computed
# ---------------------------------------------------------------------------------------------------------------
class Unreliable:
    """An executor as bad as the contract allows: backwards, tasks twice, tasks lost, lost tasks that come back."""

    name, jobs, task_seconds = "unreliable", 1, 0.3

    def __init__(self) -> None:
        self.lost = 0

    def run(self, work: Callable[[Any], Any], tasks: Iterator[Any]) -> Iterator[Any]:
        for number, task in enumerate(reversed(list(tasks))):
            if number % 3 == 1 and len(task.pieces) + len(task.pieces[0].replicates) > 2:
                self.lost += 1
                yield task, ConnectionError("the worker is gone")
                if self.lost % 2:
                    yield task, work(task)
                continue
            yield task, work(task)
            yield None
            if number % 2:
                yield task, work(task)

    def close(self) -> None:
        raise AssertionError("an executor that was given is not closed")


@pytest.mark.parametrize("chunk", [None, 1, 3, 7])
def test_an_executor_that_repeats_loses_and_mixes_up_tasks_changes_nothing(
    experiment: Experiment, tmp_path: Path, chunk: int | None
) -> None:
    expected = tables_in(run_experiment(experiment, tmp_path, jobs=1, keep_alliances=True))
    bad = Unreliable()
    folder = run_experiment(experiment, tmp_path, executor=bad, chunk=chunk, keep_alliances=True)
    assert tables_in(folder) == expected
    assert len(stored_shards(folder)) == len(set(stored_shards(folder))) == 2 * REPLICATES // SHARD
    assert bad.lost or chunk == 1


def test_row_groups_end_after_so_many_rows_wherever_a_shard_ended(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pandas as pd
    import pyarrow.parquet as pq

    expected = read_results(run_experiment(experiment, tmp_path, keep_alliances=True)).tables
    monkeypatch.setattr(tables, "ROWS", 7)
    folder = run_experiment(experiment, tmp_path, keep_alliances=True)
    for name, table in read_results(folder).tables.items():
        pd.testing.assert_frame_equal(table, expected[name], check_exact=True)
    file = pq.ParquetFile(folder / "tables" / "runs.parquet").metadata
    assert [file.row_group(k).num_rows for k in range(file.num_row_groups)] == [7] * 5 + [5]


def with_variance(table: Any) -> Any:
    return table.assign(sd=table["sd"] ** 2) if "sd" in table else table


@pytest.mark.parametrize("target", [1e-6, 1e3])
def test_tasks_of_any_length_give_the_same_tables(experiment: Experiment, tmp_path: Path, target: float) -> None:
    expected = tables_in(run_experiment(experiment, tmp_path, jobs=1))
    sizes: list[int] = []

    class Watched(LocalExecutor):
        task_seconds = target

        def run(self, work: Callable[[Any], Any], tasks: Iterator[Task]) -> Iterator[Any]:  # type: ignore[override]
            for item in super().run(work, tasks):
                if item is not None:
                    sizes.append(sum(len(piece.replicates) for piece in item[0].pieces))
                yield item

    assert tables_in(run_experiment(experiment, tmp_path, executor=Watched(2))) == expected
    assert sum(sizes) == 2 * REPLICATES
    assert min(sizes) < SHARD if target < 1 else max(sizes) > SHARD


@pytest.mark.parametrize(("tasks", "pieces"), [(1.0, {5}), (2.9, {5}), (3.0, {2, 1}), (5.0, {1})])
def test_a_shard_is_cut_only_when_it_takes_long(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tasks: float, pieces: set[int]
) -> None:
    """``tasks``: as how many tasks a shard is expected to take, here whatever it does take."""
    monkeypatch.setattr(runner, "SHARD_WORK", runner.SHARD_WORK / tasks)
    monkeypatch.setattr(runner._Sweep, "_learn_pace", lambda *_: None)
    found: set[int] = set()

    class Watched(LocalExecutor):
        def run(self, work: Callable[[Any], Any], tasks: Iterator[Task]) -> Iterator[Any]:  # type: ignore[override]
            for item in super().run(work, tasks):
                if item is not None:
                    found.update(len(piece.replicates) for piece in item[0].pieces)
                yield item

    run_experiment(experiment, tmp_path, executor=Watched(1))
    assert found == pieces


def test_the_size_of_shards_moves_no_number_by_more_than_rounding(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pandas as pd

    small = read_results(run_experiment(experiment, tmp_path)).tables
    monkeypatch.setattr(plan, "SHARD_WORK", 10**9)
    large = read_results(run_experiment(experiment, tmp_path)).tables
    for name, table in small.items():
        # Sums of a few hundred numbers of order one, in another order. A variance is such a sum, sd its square root.
        pd.testing.assert_frame_equal(*(with_variance(of) for of in (table, large[name])), rtol=1e-11, atol=1e-11)
    pd.testing.assert_frame_equal(small["runs"], large["runs"], check_exact=True)


@pytest.mark.parametrize("after", [1, 4, 7])
def test_a_sweep_that_was_interrupted_ends_with_the_same_tables(
    experiment: Experiment, tmp_path: Path, after: int
) -> None:
    expected = tables_in(run_experiment(experiment, tmp_path, keep_alliances=True))
    folder = interrupted(experiment, tmp_path, after, keep_alliances=True)
    assert status_of(folder).status == "interrupted"
    done = stored_shards(folder)
    assert status_of(folder).runs == len(done) * SHARD >= after * SHARD
    assert not list((folder / "tables").iterdir())
    assert tables_in(resume(folder, jobs=2, chunk=2)) == expected
    assert sorted(stored_shards(folder)) == sorted({*done, *stored_shards(folder)})
    assert status_of(folder).status == "complete"
    assert not (folder / "shards").exists()


def test_a_sweep_interrupted_while_its_tables_were_made_computes_nothing_again(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = tables_in(run_experiment(experiment, tmp_path))

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sim.sweeps.store.write_tables", stop)
        with pytest.raises(Interrupted) as stopped:
            run_experiment(experiment, tmp_path)
    assert len(read_results(stopped.value.folder).tables["runs"]) == 2 * REPLICATES
    monkeypatch.setattr(runner, "compute", lambda _: pytest.fail("something was computed"))
    assert tables_in(resume(stopped.value.folder)) == expected


def test_a_complete_sweep_is_left_alone(experiment: Experiment, tmp_path: Path) -> None:
    folder = run_experiment(experiment, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    manifest = (folder / "manifest.json").read_bytes()
    answer = call("resume", folder, "--no-figures")
    assert answer.exit_code == 0
    assert "nothing to compute" in answer.stderr
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")} == before
    assert (folder / "manifest.json").read_bytes() == manifest


def test_an_unfinished_sweep_can_be_reported(experiment: Experiment, tmp_path: Path) -> None:
    folder = interrupted(experiment, tmp_path, 6)
    before = sorted(path.name for path in folder.rglob("*"))
    stored = read_results(folder)
    assert sorted(path.name for path in folder.rglob("*")) == before
    assert stored.manifest["status"] == "interrupted"
    assert [cell["replicates_done"] for cell in stored.manifest["cells"]] == [20, len(stored.tables["runs"]) - 20]
    publish(stored)
    assert "Not complete (interrupted)" in (folder / "summary.md").read_text(encoding="utf-8")


# ---------------------------------------------------------------------------------------------------------------
# What is refused
# ---------------------------------------------------------------------------------------------------------------
def edited(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def other_parameter(manifest: dict[str, Any]) -> None:
    manifest["cells"][1]["resolved"]["parameters"]["contingency_rate"] = 0.5


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda m: m.update(code_digest="0123456789abcdef"),
            "the model's code has changed .then 0123456789abcdef, now",
        ),
        (lambda m: m["numerics"].update(numpy="1.0"), "numpy differs .then 1.0, now"),
        (lambda m: m["numerics"].update({"processor features": "ABACUS"}), "processor features differs .then ABACUS"),
        (lambda m: m["plan"].update(seed=12), "the design is another one"),
        (other_parameter, "the design is another one"),
        (
            lambda m: m["versions"].update({"alliance-trust": "0.0.1"}),
            "another version of alliance-trust .then 0.0.1, now",
        ),
    ],
    ids=["code", "library", "processor", "seed", "parameter", "version"],
)
def test_runs_that_were_made_otherwise_are_not_mixed_unless_asked_for(
    experiment: Experiment, tmp_path: Path, change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    folder = interrupted(experiment, tmp_path)
    edited(folder, change)
    before = stored_shards(folder)
    with pytest.raises(BadFile, match=rf"{reason}.*run the sweep anew, or go on with --force"):
        resume(folder)
    refused = call("resume", folder)
    assert refused.exit_code == 3
    assert "--force" in refused.stderr
    assert stored_shards(folder) == before


def test_mixing_that_was_asked_for_is_recorded(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = interrupted(experiment, tmp_path)
    monkeypatch.setattr(loaded, "code_digest", lambda *_: "fedcba9876543210")
    done = call("resume", folder, "--force", "--no-figures", "--quiet")
    assert done.exit_code == 0, done.output
    stored = read_results(folder)
    (forced,) = stored.manifest["forced"]
    assert "now fedcba9876543210" in forced["reasons"][0]
    assert forced["shards_before"] >= 3
    assert len(stored.tables["runs"]) == 2 * REPLICATES


def test_another_version_of_the_package_is_a_reason_of_its_own(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = interrupted(experiment, tmp_path)
    now = manifests.installed("alliance-trust")
    installed = manifests.installed
    monkeypatch.setattr(manifests, "installed", lambda name: "9.9" if name == "alliance-trust" else installed(name))
    reason = f"it was written by another version of alliance-trust (then {now}, now 9.9)"
    assert json.loads(call("status", folder, "--json").stdout)["changed since"] == [reason]
    resume(folder, force=True)
    assert read_results(folder).manifest["forced"][0]["reasons"] == [reason]


def test_another_commit_that_computes_the_same_is_said_and_recorded(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = tables_in(run_experiment(experiment, tmp_path))
    commits: list[dict[str, Any] | None] = [{"commit": letter * 40, "dirty": letter == "b"} for letter in "abc"]
    monkeypatch.setattr(manifests, "git_state", lambda: commits[0])
    folder = interrupted(experiment, tmp_path)
    before = len(stored_shards(folder))
    told: list[str] = []

    def go_on(at: dict[str, Any] | None, **how: Any) -> None:
        monkeypatch.setattr(runner, "git_state", lambda: at)
        resume(folder, jobs=1, on_message=told.append, **how)

    def stop(_: Any) -> None:
        raise KeyboardInterrupt

    for at in (commits[0], commits[1], commits[1]):
        with pytest.raises(Interrupted):
            go_on(at, on_progress=stop, chunk=SHARD)
    assert [line for line in told if "commit" in line] == [
        f"{folder}: written at commit {'a' * 12}, goes on at commit {'b' * 12} with changes; "
        "what computes is the same; the manifest records it"
    ]
    monkeypatch.setattr(loaded, "code_digest", lambda *_: "fedcba9876543210")
    go_on(None, force=True)
    assert told[-1].endswith("goes on at no commit; the manifest records it")
    manifest = read_results(folder).manifest
    assert manifest["git"] == commits[0]
    assert [entry["git"] for entry in manifest["continued"]] == [commits[1], None]
    assert manifest["continued"][0]["shards_before"] > before
    assert len(manifest["forced"]) == 1
    assert tables_in(folder) == expected


def test_the_speed_of_a_resume_is_that_of_its_own_runs(experiment: Experiment, tmp_path: Path) -> None:
    folder = interrupted(experiment, tmp_path)
    before = len(stored_shards(folder)) * SHARD
    seen: list[tuple[int, float]] = []
    resume(folder, jobs=1, chunk=SHARD, on_progress=lambda p: seen.append((p.runs_done, p.rate * p.seconds)))
    assert seen[0][0] > before > 0
    assert [own for _, own in seen] == pytest.approx([done - before for done, _ in seen])


# ---------------------------------------------------------------------------------------------------------------
# Failed runs
# ---------------------------------------------------------------------------------------------------------------
def breaking(bad: set[int]) -> Callable[..., Any]:
    """``simulate``, which fails for some replicates of the rough scenario."""

    def fragile(of: Scenario, replicates: Any, seed: int = 1) -> Any:
        if of.parameters.contingency_rate == 0.4 and bad & set(replicates):
            raise ArithmeticError("made for this test")
        return simulate(of, replicates, seed)

    return fragile


def test_failed_runs_are_rows_and_can_be_tried_again(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = tables_in(run_experiment(experiment, tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(runner, "simulate", breaking({6, 7}))
        folder = run_experiment(experiment, tmp_path)
    failed = read_results(folder).tables["failed"]
    assert failed.to_dict("list") == {
        "cell": [1, 1],
        "replicate": [6, 7],
        "seed": [SEED] * 2,
        "error": ["ArithmeticError: made for this test"] * 2,
    }
    state = status_of(folder)
    assert (state.status, state.runs, state.failed) == ("some runs failed", 2 * REPLICATES - 2, 2)
    assert state.next.endswith("--retry-failed")
    assert verify(folder) == []
    assert resume(folder) == folder  # nothing is tried again that was not asked for
    assert len(stored_shards(folder)) == 2 * REPLICATES // SHARD
    retried = call("resume", folder, "--retry-failed", "--no-figures", "--quiet")
    assert retried.exit_code == 0, retried.output
    assert tables_in(folder) == expected
    assert [shard for shard in set(stored_shards(folder)) if stored_shards(folder).count(shard) > 1] == [(1, 5, 10)]


def test_fail_fast_stops_at_the_first_failed_run(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = tables_in(run_experiment(experiment, tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(runner, "simulate", breaking({6}))
        with pytest.raises(RunFailed, match=r"cell 1 \(rough\), replicate 6, seed 11: ArithmeticError") as failure:
            run_experiment(experiment, tmp_path, jobs=1, fail_fast=True)
        state = status_of(failure.value.folder)
        assert (state.status, state.failed) == ("interrupted", 0)
        assert state.runs >= SHARD
        again = call("resume", failure.value.folder, "--fail-fast", "--no-figures")
        assert again.exit_code == 4
        assert "replicate 6" in again.stderr
        assert f"`alliance resume {failure.value.folder}` goes on" in again.stderr
    assert tables_in(resume(failure.value.folder)) == expected


# ---------------------------------------------------------------------------------------------------------------
# A wanted precision
# ---------------------------------------------------------------------------------------------------------------
def precise(experiment: Experiment, width: float, most: int = 200) -> Experiment:
    return experiment.replace(replicates=10, precision={"value": width}, max_replicates=most)


def half_width(values: Any) -> float:
    """Of the 95% t interval of the mean, by another road than the runner's."""
    low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    return float(high - low) / 2


def widest(experiment: Experiment, out: Path) -> float:
    """The widest half-width of any cell after the experiment's own replicates."""
    runs = read_results(run_experiment(experiment, out)).tables["runs"]
    return max(half_width(values) for _, values in runs.groupby("cell")["value"])


def test_replicates_come_in_rounds_until_the_mean_is_precise(experiment: Experiment, tmp_path: Path) -> None:
    width = 0.5 * widest(experiment, tmp_path)
    stored = read_results(run_experiment(precise(experiment, width), tmp_path))
    counts = []
    for cell, values in stored.tables["runs"].groupby("cell")["value"]:
        count = len(values)
        assert count % 10 == 0
        assert half_width(values) <= width
        assert all(half_width(values[:earlier]) > width for earlier in range(10, count, 10))
        reached = stored.manifest["cells"][cell]["half_widths"]["value"]
        assert reached == pytest.approx(half_width(values), rel=1e-9)
        counts.append(count)
    assert max(counts) > 20
    assert [cell["replicates_done"] for cell in stored.manifest["cells"]] == counts


def test_a_precision_out_of_reach_ends_at_the_most_replicates(experiment: Experiment, tmp_path: Path) -> None:
    stored = read_results(run_experiment(precise(experiment, 1e-9, most=35), tmp_path))
    assert [cell["replicates_done"] for cell in stored.manifest["cells"]] == [35, 35]
    assert stored.manifest["status"] == "complete"


@pytest.mark.parametrize("after", [1, 5, 9])
def test_rounds_come_out_the_same_after_an_interruption(experiment: Experiment, tmp_path: Path, after: int) -> None:
    wanted = precise(experiment, 0.5 * widest(experiment, tmp_path))
    reference = run_experiment(wanted, tmp_path)
    runs = read_results(reference).tables["runs"]
    assert after * SHARD < len(runs) < 400
    folder = interrupted(wanted, tmp_path, after, executor=Unreliable(), chunk=3)
    assert tables_in(resume(folder, jobs=2)) == tables_in(reference)
    assert len(stored_shards(folder)) == len(set(stored_shards(folder))) == len(runs) // SHARD


# ---------------------------------------------------------------------------------------------------------------
# The commands
# ---------------------------------------------------------------------------------------------------------------
def test_status_and_verify_tell_and_change_nothing(experiment: Experiment, tmp_path: Path) -> None:
    folder = interrupted(experiment, tmp_path / "with blanks")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    told = json.loads(call("status", folder, "--json").stdout)
    assert (told["status"], told["runs planned"], told["changed since"]) == ("interrupted", 2 * REPLICATES, [])
    assert told["runs stored"] == len(stored_shards(folder)) * SHARD
    assert told["next"] == f"alliance resume '{folder}'"
    assert f"alliance resume '{folder}'" in call("status", folder).stdout
    sound = call("verify", folder)
    assert (sound.exit_code, sound.stdout) == (0, "every file is as it should be\n")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before

    victim = min((folder / "shards").iterdir())
    victim.unlink()
    wrong = call("verify", folder, "--json")
    assert wrong.exit_code == 3
    assert json.loads(wrong.stdout)["findings"] == [
        {"path": str(victim), "problem": "is missing", "harmless": False, "mendable": True}
    ]
    assert "computes again what is damaged or missing" in wrong.stderr


@pytest.mark.parametrize("command", ["resume", "status", "verify"])
def test_what_is_no_sweep_is_refused(tmp_path: Path, command: str) -> None:
    result = call(command, tmp_path)
    assert result.exit_code == 3
    assert "is no result folder" in result.stderr


def test_figures_that_cannot_be_drawn_lose_nothing(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = interrupted(experiment, tmp_path)

    def fails(_: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("sim.study.page.publish", fails)
        result = call("resume", folder)
    assert result.exit_code == 1
    assert f"all runs are stored; `alliance report {folder}` writes the report" in result.stderr
    assert call("report", folder, "--quiet").exit_code == 0
    assert (folder / "summary.md").is_file()


def test_a_scheduler_is_for_dask(experiment: Experiment, tmp_path: Path) -> None:
    folder = interrupted(experiment, tmp_path)
    result = call("resume", folder, "--executor", "local", "--scheduler", "tcp://127.0.0.1:1")
    assert result.exit_code == 2
    assert "--scheduler is the address of a Dask scheduler" in result.stderr
    with pytest.raises(ValueError, match="'ray' is no executor: choose one of local, dask"):
        resume(folder, executor="ray")
    assert status_of(folder).status == "interrupted"
