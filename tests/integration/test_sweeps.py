"""Sweeps from end to end: the same bytes however they are run, failures isolated, nothing complete lost."""

from __future__ import annotations

import importlib.util
import json
import math
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from nursery import tables_in

from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import CAUSES, VARIABLES
from sim.engine import simulate
from sim.library import available
from sim.scenario import Scenario
from sim.study import pages
from sim.sweeps import plan, runner, store
from sim.sweeps.checking import status_of
from sim.sweeps.design import Experiment, experiment_of
from sim.sweeps.estimate import estimate
from sim.sweeps.executors.local import LocalExecutor
from sim.sweeps.files import CannotStore
from sim.sweeps.reading import read_results
from sim.sweeps.recipe import command_line
from sim.sweeps.runner import AllRunsFailed, Progress, resume, run_experiment
from sim.sweeps.store import ResultFolder
from sim.sweeps.tables import TABLES
from sim.tomlfile import BadFile

TEXTS = {"title": "T", "question": "Q?", "source": "S", "expected": "E."}
REPLICATES = 15


def scenario(name: str, **data: object) -> Scenario:
    return Scenario.from_plain({**TEXTS, "organizations": 8, "months": 30, **data}, name)


@pytest.fixture
def experiment() -> Experiment:
    scenarios = [scenario("calm"), scenario("rough", parameters={"contingency_rate": 0.4})]
    return experiment_of(scenarios, REPLICATES, 7, "trial").replace(
        factors={"synergy": (1.0, 2.0), "openness": ({"label": "open", "value": {"normal": [0.8, 0.1]}}, 0.4)}
    )


# The same results however they are run
def test_tables_are_the_same_bytes_for_any_number_of_threads_and_any_chunk(
    experiment: Experiment, tmp_path: Path
) -> None:
    reference = tables_in(run_experiment(experiment, tmp_path, jobs=1, keep_alliances=True))
    assert set(reference) == {f"{name}.parquet" for name in TABLES}
    for jobs in (1, 2):
        for chunk in (1, 7, REPLICATES):
            folder = run_experiment(experiment, tmp_path, jobs=jobs, chunk=chunk, keep_alliances=True)
            assert tables_in(folder) == reference, f"jobs {jobs}, chunk {chunk}"


def test_tables_are_those_of_the_engine(experiment: Experiment, tmp_path: Path) -> None:
    tables = read_results(run_experiment(experiment, tmp_path, chunk=4, keep_alliances=True)).tables
    for cell in experiment.cells():
        result = simulate(cell.scenario, REPLICATES, experiment.seed)
        expected = {
            "runs": result.runs(),
            "monthly": result.monthly(),
            "survival": result.survival(),
            "ledger": result.ledger_table(),
            "alliances": result.alliances_table(),
        }
        for name, frame in expected.items():
            stored = tables[name][tables[name]["cell"] == cell.index].reset_index(drop=True)
            pd.testing.assert_frame_equal(
                stored[list(frame.columns)], frame, check_dtype=False, check_categorical=False, rtol=1e-12
            )
        runs = tables["runs"][tables["runs"]["cell"] == cell.index].reset_index(drop=True)
        causes = tables["run_ledger"][tables["run_ledger"]["cell"] == cell.index].reset_index(drop=True)
        assert list(causes["replicate"]) == list(runs["replicate"])
        # Sums of at most a few thousand entries below 1, each rounded to 1e-16.
        np.testing.assert_allclose(causes["change"], runs["trust_change"], atol=1e-12)
        np.testing.assert_allclose(causes[list(CAUSES)].sum(axis=1), causes["change"], atol=1e-12)
        assert set(runs["label"]) == {cell.label}
        assert set(runs["scenario"]) == {cell.scenario_name}
        assert set(runs["parameters.synergy"]) == {cell.factors["parameters.synergy"]}
        assert set(runs["openness"]) == {cell.factors["openness"]}
        assert set(runs["seed"]) == {experiment.seed}


def test_histograms_hold_every_alliance_of_every_kept_month(experiment: Experiment, tmp_path: Path) -> None:
    table = read_results(run_experiment(experiment, tmp_path)).tables["histogram"]
    assert sorted(table["month"].unique()) == [0, 12, 24, 30]
    assert set(table["variable"]) <= set(VARIABLES)
    assert (table["count"] > 0).all()
    assert (table["high"] > table["low"]).all()
    counts = table[table["variable"] == "value"].groupby(["cell", "month"])["count"].sum()
    alliances = experiment.cells()[0].scenario.alliances
    assert set(counts) == {REPLICATES * alliances}


def test_every_column_has_a_unit(experiment: Experiment, tmp_path: Path) -> None:
    stored = read_results(run_experiment(experiment, tmp_path, keep_alliances=True))
    for name, frame in stored.tables.items():
        assert list(stored.manifest["units"][name]) == list(frame.columns)
        assert all(stored.manifest["units"][name].values())
    assert list(stored.manifest["variable_units"]) == list(VARIABLES)
    assert set(OUTCOMES) <= set(stored.tables["runs"].columns)


# The manifest
def test_the_manifest_holds_everything_needed_to_do_it_again(experiment: Experiment, tmp_path: Path) -> None:
    folder = run_experiment(experiment, tmp_path, jobs=2)

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert manifest["status"] == "complete"
    assert (manifest["title"], manifest["outcomes"]) == (experiment.title, list(experiment.outcomes))
    assert manifest["command"] == "alliance sweep ./experiment.toml"  # its scenarios have no files of their own
    assert manifest["design"]["factors"]["parameters.synergy"] == [1.0, 2.0]
    for cell, row in zip(experiment.cells(), manifest["cells"], strict=True):
        again = Scenario.from_plain(row["resolved"], cell.scenario.name)
        assert again == cell.scenario
        assert (row["label"], row["replicates_done"]) == (cell.label, REPLICATES)
    assert {"python", "numpy", "numba", "scipy", "pandas", "pyarrow", "alliance-trust"} == set(manifest["versions"])
    assert manifest["timings"]["kernel_seconds"] > 0
    assert folder.name.endswith(experiment.digest()[:8])
    assert not [path for path in folder.rglob("*") if path.name.endswith(".tmp")]


def test_the_command_names_file_and_settings(tmp_path: Path) -> None:
    (tmp_path / "calm.toml").write_text("".join(f'{key} = "{value}"\n' for key, value in TEXTS.items()))
    path = tmp_path / "my trial.toml"
    path.write_text(
        'title = "T"\nquestion = "Q?"\nexpected = "E."\nscenarios = ["calm.toml"]\n[settings]\nmonths = 12\n'
    )
    from sim.sweeps.design import load_experiment

    asked = load_experiment(path).with_settings({"openness": {"normal": [0.8, 0.1]}})
    assert command_line(asked) == (
        f"alliance sweep '{path}' --seed 1 --replicates 100 --set 'openness={{normal = [0.8, 0.1]}}'"
    )


# Folders
def test_no_folder_is_ever_overwritten(experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Still(store.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return store.datetime(2025, 1, 2, 3, 4, 5, tzinfo=tz)

    monkeypatch.setattr(store, "datetime", Still)
    folders = [ResultFolder.create(tmp_path, "a b/c", "0123456789").path for _ in range(3)]
    names = ["20250102-030405-01234567", "20250102-030405-01234567-2", "20250102-030405-01234567-3"]
    assert folders == [tmp_path / "a-b-c" / name for name in names]


def test_a_folder_that_cannot_be_written_is_refused_before_any_run(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "simulate", lambda *_: pytest.fail("something was computed"))
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStore, match="results cannot be written here: Not a directory; choose another folder"):
        run_experiment(experiment, tmp_path / "file")
    monkeypatch.setattr(runner.shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(CannotStore, match=r"need about .* and the disk has 0 MB free"):
        run_experiment(experiment, tmp_path)


FILLS_UP = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from test_sweeps import scenario
from sim.sweeps.design import experiment_of
from sim.sweeps.runner import run_experiment
from sim.sweeps.files import CannotStore
experiment = experiment_of([scenario("calm")], 400, 1, "full")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
run_experiment(experiment, Path(sys.argv[1]) / "warm")
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
try:
    run_experiment(experiment, Path(sys.argv[1]))
except CannotStore as error:
    print(error)
"""


def test_a_disk_that_fills_up_ends_in_one_sentence_and_can_be_resumed(tmp_path: Path) -> None:
    program = FILLS_UP.format(here=str(Path(__file__).parent))
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, timeout=300)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    advice = "allow larger files (`ulimit -f unlimited`), then go on with"
    assert f"results cannot be written here: File too large; {advice}" in done.stdout
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".tmp"]
    (whole,), (folder,) = (tmp_path / "warm" / "full").iterdir(), (tmp_path / "full").iterdir()
    assert f"`alliance resume {folder}`; what was stored is kept" in done.stdout
    assert tables_in(resume(folder)) == tables_in(whole)


# Failures
def break_replicates(monkeypatch: pytest.MonkeyPatch, bad: set[int], rate: float = 0.4) -> None:
    """Make these replicates of scenarios with this contingency rate fail."""

    def fragile(of: Scenario, replicates: Any, seed: int = 1) -> Any:
        if of.parameters.contingency_rate == rate and bad & set(replicates):
            raise ArithmeticError("made for this test")
        return simulate(of, replicates, seed)

    monkeypatch.setattr(runner, "simulate", fragile)


def test_only_the_replicates_that_fail_are_lost(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_results(run_experiment(experiment, tmp_path))
    break_replicates(monkeypatch, {3, 4})
    seen: list[int] = []
    folder = run_experiment(
        experiment, tmp_path, jobs=2, chunk=6, on_progress=lambda progress: seen.append(progress.runs_done)
    )
    broken = read_results(folder)
    assert broken.manifest["status"] == "some runs failed"
    failed = broken.tables["failed"]
    assert list(zip(failed["cell"], failed["replicate"], strict=True)) == [
        (cell, replicate) for cell in (4, 5, 6, 7) for replicate in (3, 4)
    ]
    assert set(failed["error"]) == {"ArithmeticError: made for this test"}
    assert set(failed["seed"]) == {7}
    before = whole.tables["runs"]
    kept = before[~((before["cell"] >= 4) & before["replicate"].isin([3, 4]))].reset_index(drop=True)
    pd.testing.assert_frame_equal(broken.tables["runs"], kept)
    assert [row["replicates_done"] for row in broken.manifest["cells"]] == [15] * 4 + [13] * 4
    assert seen[-1] == 8 * REPLICATES
    assert tables_in(run_experiment(experiment, tmp_path, jobs=1, chunk=15)) == tables_in(folder)


def test_of_a_long_error_the_beginning_is_kept(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(*_: Any, **__: Any) -> None:
        raise MemoryError("Unable to allocate 9 GiB for\n an array with data type " + 100 * "('trust', '<f8'), ")

    monkeypatch.setattr(runner, "simulate", too_large)
    monkeypatch.setattr(runner, "warm_up", lambda *_: None)
    with pytest.raises(
        AllRunsFailed, match="no run came out; the first error: MemoryError: Unable to allocate"
    ) as told:
        run_experiment(experiment, tmp_path, jobs=1)
    (path,) = tmp_path.glob("*/*/tables/failed.parquet")
    (error,) = set(pd.read_parquet(path)["error"])
    assert error.startswith("MemoryError: Unable to allocate 9 GiB for an array with data type ('trust', ")
    assert (len(error), error[-1], "\n" in error) == (300, "…", False)
    assert error in str(told.value)


def test_a_cell_that_fails_altogether_leaves_the_others(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_replicates(monkeypatch, set(range(REPLICATES)))
    stored = read_results(run_experiment(experiment, tmp_path))
    assert set(stored.tables["runs"]["cell"]) == {0, 1, 2, 3}
    assert set(stored.tables["cells"]["cell"]) == set(range(8))
    assert len(stored.tables["failed"]) == 4 * REPLICATES


def test_when_nothing_comes_out_it_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only = experiment_of([scenario("rough", parameters={"contingency_rate": 0.4})], 3, 1, "lost")
    break_replicates(monkeypatch, {0, 1, 2})
    with pytest.raises(AllRunsFailed, match="no run came out; the first error: ArithmeticError: made for this test"):
        run_experiment(only, tmp_path)
    (folder,) = (tmp_path / "lost").iterdir()
    with pytest.raises(BadFile, match="holds no runs \\(status: some runs failed\\)"):
        read_results(folder)


# Interruption
def test_interrupted_by_the_caller_everything_complete_is_kept(experiment: Experiment, tmp_path: Path) -> None:
    whole = read_results(run_experiment(experiment, tmp_path / "whole")).tables["runs"]

    def stop(progress: Progress) -> None:
        if progress.runs_done >= 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_experiment(experiment, tmp_path, jobs=2, chunk=5, on_progress=stop)
    (folder,) = (tmp_path / "trial").iterdir()
    stored = read_results(folder)
    runs = stored.tables["runs"]
    assert stored.manifest["status"] == "interrupted"
    assert 50 <= len(runs) < 8 * REPLICATES
    assert sum(row["replicates_done"] for row in stored.manifest["cells"]) == len(runs)
    merged = runs.merge(whole, on=["cell", "replicate"], suffixes=("", "_whole"))
    assert len(merged) == len(runs)
    assert (merged["value"] == merged["value_whole"]).all()
    assert set(stored.tables["survival"]["cell"]) == set(runs["cell"])


# Reading
def test_what_is_no_result_folder_is_refused(experiment: Experiment, tmp_path: Path) -> None:
    folder = run_experiment(experiment, tmp_path)
    with pytest.raises(BadFile, match="is no result folder"):
        read_results(tmp_path / "nowhere")
    with pytest.raises(BadFile, match=f"did you mean {folder}"):
        read_results(folder.parent)
    manifest = folder / "manifest.json"
    written = manifest.read_text(encoding="utf-8")
    manifest.write_text(written[: len(written) // 2], encoding="utf-8")
    with pytest.raises(BadFile, match="is damaged"):
        read_results(folder)
    manifest.write_text(json.dumps({**json.loads(written), "format": 99}), encoding="utf-8")
    with pytest.raises(BadFile, match="was written in format 99"):
        read_results(folder)
    manifest.write_text(json.dumps({**json.loads(written), "kind": "history"}), encoding="utf-8")
    with pytest.raises(BadFile, match="holds a history, not a sweep"):
        read_results(folder)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize(("damage", "said"), [(flip, "is damaged"), (cut, "is damaged"), (Path.unlink, "cannot be")])
def test_a_damaged_table_is_found_before_any_is_asked_for(
    experiment: Experiment, tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    folder = run_experiment(experiment, tmp_path)
    damage(folder / "tables" / "histogram.parquet")
    with pytest.raises(BadFile, match=rf"histogram\.parquet.*{said}.*`alliance resume .*` makes it again"):
        read_results(folder)


def test_the_pages_of_a_table_have_checksums_of_their_own(experiment: Experiment, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = run_experiment(experiment, tmp_path) / "tables" / "runs.parquet"
    column = pq.ParquetFile(path).metadata.row_group(0).column(8)
    content = bytearray(path.read_bytes())
    content[column.data_page_offset + column.total_compressed_size - 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(OSError, match="CRC"):
        pq.read_table(path, page_checksum_verification=True)


# Progress and estimate
def test_progress_counts_up_to_the_end(experiment: Experiment, tmp_path: Path) -> None:
    seen: list[tuple[int, int, float]] = []
    run_experiment(
        experiment,
        tmp_path,
        chunk=4,
        on_progress=lambda p: seen.append((p.runs_done, p.alliance_months_done, p.eta)),
    )
    total = 8 * REPLICATES
    assert [runs for runs, _, _ in seen] == sorted({runs for runs, _, _ in seen})
    assert seen[-1] == (total, total * 12 * 30, 0.0)
    halfway = Progress(runs_done=50, runs_total=200, alliance_months_done=0, seconds=10.0)
    assert (halfway.rate, halfway.eta) == (5.0, 30.0)
    assert Progress(0, 10, 0, 0.0).eta == np.inf
    assert Progress(0, 10, 0, 0.0).rate == 0.0


def test_jobs_and_chunk_are_checked(experiment: Experiment, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="jobs must be at least 1, got 0"):
        run_experiment(experiment, tmp_path, jobs=0)
    with pytest.raises(ValueError, match="chunk must be at least 1, got -1"):
        run_experiment(experiment, tmp_path, chunk=-1)
    assert not list(tmp_path.iterdir())


def test_an_estimate_counts_runs_and_bytes(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.sweeps.estimate.PROBE_SECONDS", 1e9)  # probe as many runs as there are on any machine
    larger = experiment.replace(replicates=200)
    guess = estimate(larger, jobs=1)
    assert (guess.cells, guess.runs, guess.alliance_months) == (8, 1600, 1600 * 12 * 30)
    folder = run_experiment(larger, tmp_path, jobs=1)
    written = sum(path.stat().st_size for path in (folder / "tables").iterdir())
    assert guess.bytes == pytest.approx(written, rel=0.1)


def test_an_estimate_is_timed_and_not_assumed(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*arguments: Any) -> Any:
        time.sleep(0.02)
        return simulate(*arguments)

    monkeypatch.setattr("sim.sweeps.estimate.PROBE_SECONDS", 0.0)  # one run a thread
    monkeypatch.setattr("sim.sweeps.estimate.simulate", slow)
    assert estimate(experiment, jobs=1).seconds >= 8 * REPLICATES * 0.02


def test_shards_follow_the_work_and_the_memory() -> None:
    dyad = scenario("dyad", organizations=2, months=12)
    crowd = scenario("crowd", organizations=100_000, months=144)
    assert plan.shard_size(crowd) == 1
    assert 1000 < plan.shard_size(dyad) <= plan.SHARD_WORK // 12
    per_run = simulate(dyad, 1).moments.nbytes
    assert plan.shard_size(dyad) * per_run <= plan.SHARD_BYTES


# Workers elsewhere
class Lost(LocalExecutor):
    """An executor whose workers are gone."""

    def run(self, work: Any, tasks: Any) -> Any:
        raise ConnectionError("the workers are lost")
        yield


def test_the_way_on_after_lost_workers_can_be_pasted(experiment: Experiment, tmp_path: Path) -> None:
    out = tmp_path / "our results"
    with pytest.raises(ConnectionError, match=r"the workers are lost; the command that goes on: `.*`") as caught:
        run_experiment(experiment, out, executor=Lost(1))
    command = re.search(r"`(.*)`", str(caught.value))
    assert command is not None
    *words, folder = shlex.split(command[1])
    assert words == ["alliance", "resume"]
    assert status_of(Path(folder)).status == "interrupted"


@pytest.mark.parametrize(
    ("scheduler", "said"), [(None, "starting workers …"), ("tcp://here:1", "looking for workers at tcp://here:1 …")]
)
def test_waiting_for_workers_is_said(
    scheduler: str | None, said: str, experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    def make(name: str, jobs: int | None, address: str | None) -> LocalExecutor:
        assert (name, address, heard) == ("dask", scheduler, [said])
        return LocalExecutor(1)

    monkeypatch.setattr(runner, "make", make)
    run_experiment(experiment, tmp_path, executor="dask", scheduler=scheduler, on_message=heard.append)
    assert heard[0] == said


# What common random numbers save
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    """benchmarks/common_random_numbers.py, which is in no package."""
    path = ROOT / "benchmarks" / "common_random_numbers.py"
    spec = importlib.util.spec_from_file_location("common_random_numbers", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def named_in(page: str, block: str) -> set[str]:
    """What the rows of a generated table are of."""
    return set(re.findall(r"^\| `(\w+)`", page.partition(pages.mark(block))[2].partition(pages.END)[0], re.MULTILINE))


def test_the_page_of_what_pairing_saves_names_every_scenario_and_experiment(benchmark: ModuleType) -> None:
    page = benchmark.PAGE.read_text(encoding="utf-8")
    assert named_in(page, benchmark.SCENARIOS) == set(available("scenarios")) - {benchmark.REFERENCE}
    assert named_in(page, benchmark.EXPERIMENTS) == set(available("experiments"))


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.9])
def test_the_ratio_of_variances_is_that_of_theory(benchmark: ModuleType, correlation: float) -> None:
    """Of two normal sides with standard deviations 1 and 2 it is 5 / (5 - 4ρ)."""
    rng = np.random.default_rng(3)
    drawn = rng.multivariate_normal([0.0, 1.0], [[1.0, 2.0 * correlation], [2.0 * correlation, 4.0]], (400, 50))
    found = np.array([benchmark.ratio_of(*sides.T) for sides in drawn])
    truth = 5.0 / (5.0 - 4.0 * correlation)
    logs = np.log(found[:, 0])
    assert logs.mean() == pytest.approx(math.log(truth), abs=4 * logs.std() / 20 + 0.02)  # bias of order 1/n
    covered = float(((found[:, 1] <= truth) & (truth <= found[:, 2])).mean())
    assert 0.90 < covered < 0.985


def test_a_variance_without_one_is_that_of_the_others(benchmark: ModuleType) -> None:
    values = np.array([1.0, 4.0, -2.0, 7.5])
    assert benchmark.without_one(values) == pytest.approx([np.delete(values, k).var(ddof=1) for k in range(4)])
