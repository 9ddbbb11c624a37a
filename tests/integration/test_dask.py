"""Sweeps on the workers of a Dask cluster: the same bytes as on this machine, and whatever breaks is told or mended.

Schedulers and workers are processes of their own, on the loopback interface, without dashboards, on free ports.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest
from nursery import tables_in

from sim.scenario import Scenario
from sim.sweeps.design import Experiment, experiment_of
from sim.sweeps.executors import dask as dask_executor
from sim.sweeps.executors.dask import ClusterError, DaskExecutor, WorkerDied, differences, facts
from sim.sweeps.runner import Progress, resume, run_experiment
from tests.builders import TEXTS

ROOT = Path(__file__).resolve().parents[2]
ALLIANCE = str(Path(sys.executable).with_name("alliance"))
CLUSTER_SCRIPT = ROOT / "docs" / "slurm" / "cluster.py"
SECONDS = 60
"""No test waits longer than this for a process; nothing is measured against it."""


# ---------------------------------------------------------------------------------------------------------------
# Work; workers find it in this module by its name
# ---------------------------------------------------------------------------------------------------------------
FAILS, KILLS = -1, -2


def square(number: int) -> int:
    if number == FAILS:
        raise ValueError("no square of this one")
    if number == KILLS:
        os._exit(1)  # as the system does to a process that is out of memory
    return number**2


def wait_a_little(number: int) -> int:
    time.sleep(0.05)
    return number


# ---------------------------------------------------------------------------------------------------------------
# A cluster
# ---------------------------------------------------------------------------------------------------------------
class Cluster:
    """A scheduler and its workers, each a process; ``address`` is the scheduler's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = (folder / "log").open("wb")
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, module: str, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        paths = os.pathsep.join([environment.pop("first_path", ""), str(Path(__file__).parent), str(ROOT)])
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", *options],
            env={**os.environ, "PYTHONPATH": paths.strip(os.pathsep), **environment},
            cwd=self.folder,
            stdout=self.log,
            stderr=self.log,
        )
        self.processes.append(process)
        return process

    def start_scheduler(self, **environment: str) -> subprocess.Popen[bytes]:
        options = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")
        return self.start("dask_scheduler", *options, "--scheduler-file", str(self.file), **environment)

    def start_worker(self, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        fixed = ("--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard", "--scheduler-file", str(self.file))
        return self.start("dask_worker", *fixed, *options, **environment)

    @property
    def file(self) -> Path:
        return self.folder / "scheduler.json"

    @property
    def address(self) -> str:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                return str(json.loads(self.file.read_text())["address"])
            except (FileNotFoundError, ValueError):  # not there yet, or half written
                time.sleep(0.05)
        raise AssertionError(f"no scheduler within {SECONDS} s: {(self.folder / 'log').read_text()}")

    def close(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        self.log.close()


READY = ("--preload", "sim.sweeps.executors.dask")
ALONE = ("--no-nanny", *READY)


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    made = Cluster(folder)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def executor_on(address: str | None, jobs: int | None = None, patience: float = SECONDS) -> Iterator[DaskExecutor]:
    made = DaskExecutor(jobs, address, patience)
    try:
        yield made
    finally:
        made.close()


def outcomes(executor: DaskExecutor, work: Any, tasks: list[int]) -> dict[int, Any]:
    return dict(found for found in executor.run(work, iter(tasks)) if found is not None)


# ---------------------------------------------------------------------------------------------------------------
# The executor's contract, on two workers with nannies
# ---------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler that blames a task at once when its worker dies."""
    with cluster(tmp_path_factory.mktemp("cluster")) as made:
        made.start_scheduler(DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
        for _ in range(2):
            made.start_worker("--nanny", *READY)
        yield made.address


def test_every_task_comes_back_with_its_result(two_workers: str) -> None:
    with executor_on(two_workers) as executor:
        assert outcomes(executor, square, list(range(40))) == {number: number**2 for number in range(40)}
        assert outcomes(executor, square, [7]) == {7: 49}  # a second run of the same executor


def test_a_task_that_fails_is_a_result(two_workers: str) -> None:
    with executor_on(two_workers) as executor:
        found = outcomes(executor, square, [1, FAILS, 2])
    assert (found[1], found[2]) == (1, 4)
    assert isinstance(found[FAILS], ValueError)
    assert str(found[FAILS]) == "no square of this one"


def test_a_task_that_kills_its_workers_fails_and_the_others_do_not(two_workers: str) -> None:
    with executor_on(two_workers) as executor:
        found = outcomes(executor, square, [0, 1, 2, KILLS, 3, 4, 5])
    assert isinstance(found.pop(KILLS), WorkerDied)
    assert found == {number: number**2 for number in range(6)}


def test_tasks_are_taken_only_as_they_are_needed(two_workers: str) -> None:
    taken = 0

    def tasks() -> Iterator[int]:
        nonlocal taken
        for number in range(30):
            taken += 1
            yield number

    back = 0
    with executor_on(two_workers) as executor:
        for found in executor.run(square, tasks()):
            back += found is not None
            assert taken - back <= dask_executor.TASKS_A_THREAD * 2
    assert (taken, back) == (30, 30)


def test_jobs_limit_what_is_under_way(two_workers: str) -> None:
    with executor_on(two_workers, jobs=1) as executor:
        assert (executor.jobs, executor.window) == (1, 1)
        assert outcomes(executor, square, [3, 4]) == {3: 9, 4: 16}


def test_the_caller_may_look_around_while_nothing_comes_and_leave(two_workers: str) -> None:
    with executor_on(two_workers) as executor:
        running = executor.run(time.sleep, iter([2 * dask_executor.LOOK_SECONDS] * 1000))
        assert next(running) is None
        running.close()
        assert outcomes(executor, square, [5]) == {5: 25}  # what was dropped does not stand in the way


# ---------------------------------------------------------------------------------------------------------------
# What breaks
# ---------------------------------------------------------------------------------------------------------------
def test_nobody_at_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_executor, "CONNECT_SECONDS", 0.5)
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ClusterError, match=f"no Dask scheduler answers at {address}.*: start one with `dask sched"):
            DaskExecutor(None, address)


@pytest.mark.parametrize(
    "address",
    ["", "nonsense", "tcp://127.0.0.1", "smoke://127.0.0.1:1", "tcp://127.0.0.1:none", "::1", "tcp://127.0.0.1:99999"],
)
def test_no_address(address: str) -> None:
    """It is not asked to start a scheduler there, because there can be none."""
    with pytest.raises(ClusterError, match=f"^'{address}' is no address of a Dask scheduler: write tcp://HOST:PORT$"):
        DaskExecutor(None, address)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["silent", "dashboard"])
def test_something_else_at_the_address(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_executor, "CONNECT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(answer)
                connection.settimeout(SECONDS)
                while connection.recv(1000):  # until the other side has had enough
                    pass

        there = threading.Thread(target=serve)
        there.start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        why = "something else answers" if answer else "waited"
        with pytest.raises(ClusterError, match=rf"no Dask scheduler answers at {address} \({why}"):
            DaskExecutor(None, address)
        there.join()


def test_workers_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    import distributed

    def fails(**_: object) -> None:
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(distributed, "LocalCluster", fails)
    with pytest.raises(
        ClusterError, match=r"no workers could be started .*failed to start.* enough memory for 2 \(--jobs"
    ):
        DaskExecutor(2)


def test_no_jobs() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        DaskExecutor(0)


def test_no_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)  # as if it were not installed
    with pytest.raises(ClusterError, match=r"pip install 'alliance-trust\[cluster\]'"):
        DaskExecutor()


def test_a_worker_that_runs_other_code_is_refused_at_the_start(tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(ROOT / "sim", other / "sim", ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "sim" / "engine.py").open("a") as engine:
        engine.write("# something else\n")
    with cluster(tmp_path) as made:
        made.start_scheduler()
        with pytest.raises(ClusterError, match=r"has no worker \(waited 0 s\): start one with `dask worker tcp://"):
            DaskExecutor(None, made.address, patience=0.1)
        made.start_worker("--no-nanny", first_path=str(other))
        with pytest.raises(
            ClusterError,
            match=r"does not run what this sweep runs: tcp://.*: model \w+, here \w+; code around .*; install",
        ):
            DaskExecutor(None, made.address, SECONDS)


def test_all_workers_lost(tmp_path: Path) -> None:
    with cluster(tmp_path) as made:
        made.start_scheduler()
        worker = made.start_worker(*ALONE)
        with executor_on(made.address) as executor:
            executor.patience = 1.0
            running = executor.run(wait_a_little, iter(range(10_000)))
            assert any(found is not None for found in running)
            worker.kill()
            with pytest.raises(
                ClusterError, match=r"has had no worker for 1 s; every result .*; start workers \(`[^`]*`\)$"
            ):
                list(running)


def test_a_worker_without_the_package_is_found_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "sim").mkdir()
    (tmp_path / "sim" / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'sim'\")\n")
    with cluster(tmp_path) as made:
        made.start_scheduler()
        made.start_worker("--no-nanny", first_path=str(tmp_path))
        with pytest.raises(ClusterError, match=r"ModuleNotFoundError: No module named 'sim'; install the same version"):
            DaskExecutor(None, made.address, SECONDS)


def test_a_worker_that_joins_later_is_checked_with_its_first_task() -> None:
    assert dask_executor.compute(square, 3, facts()) == (9, [])
    with pytest.raises(RuntimeError, match=f"model {facts()['model']}, here another"):
        dask_executor.compute(square, 3, {**facts(), "model": "another"})


def test_what_differs_between_machines() -> None:
    here = facts()
    decisive = {"model", "code around the model", "python", "numpy", "numba", "scipy", "pandas"}
    assert decisive | set(dask_executor.NOTED) <= set(here)
    assert differences(here, here) == ([], [])
    assert differences({**here, "numpy": "1.0"}, here) == ([f"numpy 1.0, here {here['numpy']}"], [])
    assert differences({**here, "processor": "abacus"}, here) == ([], [f"processor abacus, here {here['processor']}"])
    without = {name: fact for name, fact in here.items() if name != "code around the model"}
    assert differences(without, here) == ([f"code around the model unknown, here {here['code around the model']}"], [])


def test_another_machine_is_noted_once(two_workers: str, caplog: pytest.LogCaptureFixture) -> None:
    with executor_on(two_workers) as executor:
        caplog.clear()  # it may have had to wait for the workers
        for noted in ([], ["processor abacus, here x86_64"], ["processor abacus, here x86_64"]):
            executor.note(noted)
    (record,) = caplog.records
    assert record.getMessage().endswith("between machines; a worker has processor abacus, here x86_64")


# ---------------------------------------------------------------------------------------------------------------
# Whole sweeps
# ---------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def trial() -> Experiment:
    scenarios = [Scenario.from_plain({**TEXTS, "organizations": 8, "months": 24, **more}, name) for name, more in SIDES]
    return experiment_of(scenarios, 60, 7, "trial")


SIDES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("calm", {}),
    ("rough", {"parameters": {"contingency_rate": 0.4}}),
)


@pytest.fixture(scope="module")
def expected(trial: Experiment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The tables as threads of this process make them."""
    return tables_in(run_experiment(trial, tmp_path_factory.mktemp("local"), jobs=2))


class AtFirstProgress:
    """Kills a process when the first results are stored, in the middle of the sweep."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process, self.left = process, 0

    def __call__(self, progress: Progress) -> None:
        if not self.left:
            self.left = progress.runs_total - progress.runs_done
            self.process.kill()


def test_a_sweep_whose_worker_is_killed_has_the_same_tables(
    trial: Experiment, expected: dict[str, bytes], tmp_path: Path
) -> None:
    with cluster(tmp_path) as made:
        made.start_scheduler()
        victim, _ = made.start_worker(*ALONE), made.start_worker(*ALONE)
        kill = AtFirstProgress(victim)
        with executor_on(made.address) as executor:
            wait_for_two(executor)
            folder = run_experiment(trial, tmp_path / "out", chunk=2, on_progress=kill, executor=executor)
    assert kill.left > 0
    assert victim.returncode is not None
    assert tables_in(folder) == expected
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["status"], manifest["jobs"]) == ("complete", executor.jobs)


def wait_for_two(executor: DaskExecutor) -> None:
    """Wait until the executor knows of both workers."""
    deadline = time.monotonic() + SECONDS
    while executor.window < 2 * dask_executor.TASKS_A_THREAD:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_sweep_whose_scheduler_is_killed_goes_on_with_resume(
    trial: Experiment, expected: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with cluster(tmp_path) as made:
        kill = AtFirstProgress(made.start_scheduler())
        made.start_worker(*ALONE)
        told = (
            r"is lost \(the connection broke\); every result that came back is stored; start a scheduler .*; "
            r"[^`]*`alliance resume [^`]*`$"
        )
        with pytest.raises(ClusterError, match=told):
            run_experiment(trial, out, chunk=2, on_progress=kill, executor="dask", scheduler=made.address)
    assert kill.left > 0
    (manifest,) = out.glob("*/*/manifest.json")
    assert json.loads(manifest.read_text())["status"] == "interrupted"
    assert tables_in(resume(manifest.parent, jobs=2)) == expected


def test_without_an_address_workers_are_started_here_and_ended(
    trial: Experiment, expected: dict[str, bytes], tmp_path: Path
) -> None:
    before = psutil.Process().children(recursive=True)
    with executor_on(None, jobs=1) as executor:
        assert executor.jobs == 1
        listening = [c.laddr.ip for c in psutil.Process().net_connections() if c.status == psutil.CONN_LISTEN]
        assert set(listening) == {"127.0.0.1"}
        assert tables_in(run_experiment(trial, tmp_path, executor=executor)) == expected
    left = [child for child in psutil.Process().children(recursive=True) if child not in before]
    assert [child for child in left if "resource_tracker" not in " ".join(child.cmdline())] == []


@pytest.mark.skipif(os.name != "posix", reason="sends a signal to a group of processes")
@pytest.mark.parametrize("running", [False, True])
@pytest.mark.usefixtures("default_signals")
def test_ctrl_c_ends_a_sweep_and_its_workers(tmp_path: Path, running: bool) -> None:
    """At once, also while workers are started. A terminal sends Ctrl-C to the workers too."""
    (tmp_path / "trial.toml").write_text(TRIAL.replace("replicates = 4", "replicates = 10000000"))
    command = [ALLIANCE, "sweep", "trial.toml", "--executor", "dask", "--jobs", "1", "--out", "out"]
    sweep = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert sweep.stderr is not None
    try:
        while "starting workers" not in sweep.stderr.readline():
            assert sweep.poll() is None
        while running and not any(tmp_path.rglob("c*.parquet")):
            assert sweep.poll() is None
        while not (children := psutil.Process(sweep.pid).children(recursive=True)):
            assert sweep.poll() is None
        os.killpg(sweep.pid, signal.SIGINT)
        _, said = sweep.communicate(timeout=SECONDS)
        assert psutil.wait_procs(children, timeout=SECONDS)[1] == []
    finally:
        sweep.kill()
    assert sweep.returncode == 130
    assert "Traceback" not in said
    if not running:
        assert said == f"interrupted; nothing was stored; `{' '.join(['alliance', *command[1:]])}` begins anew\n"
        return
    (manifest,) = tmp_path.glob("out/*/*/manifest.json")
    assert said.endswith(f"`alliance resume {manifest.parent.relative_to(tmp_path)}` goes on\n")
    assert json.loads(manifest.read_text())["status"] == "interrupted"


def test_a_failure_is_one_line_of_error_and_an_exit_code(tmp_path: Path) -> None:
    command = [ALLIANCE, "sweep", "demo", "--scheduler", "nonsense", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stdout) == (1, "")
    said, error = done.stderr.splitlines()
    assert said.startswith("looking for workers")
    assert error.startswith("alliance: 'nonsense' is no address of a Dask scheduler: write tcp://HOST:PORT")
    assert not (tmp_path / "out").exists()


# ---------------------------------------------------------------------------------------------------------------
# SLURM, without SLURM
# ---------------------------------------------------------------------------------------------------------------
def run_script(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", str(CLUSTER_SCRIPT), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def test_the_job_script_of_a_node_asks_for_what_was_asked() -> None:
    options = ("--cores=8", "--memory=16GB", "--walltime=02:30:00", "--partition=short", "--account=trust")
    done = run_script("--show", "--interface", "lo", *options)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    for line in ("-n 1", "--cpus-per-task=8", "--mem=15G", "-t 02:30:00", "-p short", "-A trust", "--exclusive"):
        assert f"#SBATCH {line}" in lines
    worker = lines[-1] if lines[-1] else lines[-2]
    assert "-m distributed.cli.dask_worker tcp://127.0.0.1:" in worker
    nodes = ("--nthreads 1", "--nworkers 8", "--nanny", "--preload sim.sweeps.executors.dask", "--lifetime 8700s")
    for option in nodes:
        assert f" {option} " in worker


def test_the_batch_script_is_sound() -> None:
    script = ROOT / "docs" / "slurm" / "sweep.sh"
    subprocess.run(["bash", "-n", str(script)], check=True)
    lines = script.read_text().splitlines()
    assert any(line.startswith("#SBATCH --signal=B:INT@") for line in lines)
    assert lines[-1].startswith("exec ")  # so that the signal reaches Python and not the shell


SBATCH = """#!/bin/sh
cp "$1" "$0-job" # as sbatch does: the script is removed when sbatch returns
setsid sh "$0-job" > /dev/null 2>&1 &
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
kill -- "-$1"
"""
TRIAL = """
title = "Trial"
question = "Does it run?"
expected = "It does."
scenarios = ["baseline"]
replicates = 4
[settings]
organizations = 8
months = 12
"""


def test_the_script_runs_a_sweep_on_the_nodes_that_it_asked_for(tmp_path: Path) -> None:
    """With an ``sbatch`` that runs the job at once, here."""
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL), ("trial.toml", TRIAL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    size = ("--cores", "1", "--memory", "1GB", "--walltime", "00:10:00", "--logs", str(tmp_path))
    sweep = ("sweep", str(tmp_path / "trial.toml"), "--out", str(tmp_path / "out"), "--quiet", "--no-figures")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = run_script("--nodes", "1", "--interface", "lo", *size, "--", *sweep, PATH=path)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((Path(done.stdout.strip()) / "manifest.json").read_text())
    assert manifest["status"] == "complete"
    assert [cell["replicates_done"] for cell in manifest["cells"]] == [4]


def module_in(path: Path) -> ModuleType:
    """A program that is no part of the package, as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


class Nodes:
    """A cluster that only takes note of what it is asked for."""

    scheduler_address = "tcp://127.0.0.1:1"

    def __init__(self) -> None:
        self.asked: dict[str, int] = {}
        self.closed = False

    def __enter__(self) -> Nodes:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def adapt(self, **asked: int) -> None:
        self.asked = asked


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The SLURM script, with :class:`Nodes` in place of a cluster."""
    before = signal.getsignal(signal.SIGTERM)
    found, nodes = module_in(CLUSTER_SCRIPT), Nodes()
    monkeypatch.setattr(found, "cluster_of", lambda _: nodes)
    found.nodes = nodes  # type: ignore[attr-defined]
    yield found
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(("options", "least"), [([], 3), (["--least", "1"], 1)])
def test_nodes_whose_time_is_up_are_asked_for_again_and_the_queue_is_waited_for(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, options: list[str], least: int
) -> None:
    """``adapt`` asks again when a job has ended, ``scale`` does not."""
    begun: dict[str, Any] = {}

    class Command:
        def __init__(self, words: list[str], **how: Any) -> None:
            begun.update(how, words=words)

        def wait(self) -> int:
            return 4

    monkeypatch.setattr(script.subprocess, "Popen", Command)
    assert script.main(["--nodes", "3", *options, "--", "sweep", "demo"]) == 4
    assert script.nodes.asked == {"minimum_jobs": least, "maximum_jobs": 3}
    assert begun["words"][1:] == ["sweep", "demo", "--executor", "dask", "--scheduler", Nodes.scheduler_address]
    assert float(begun["env"]["DASK_ALLIANCE__PATIENCE"]) > 24 * 3600 > dask_executor.PATIENCE
    assert script.nodes.closed


def test_scancel_stops_the_sweep_and_gives_the_nodes_back(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []

    class Command:
        def __init__(self, *_: Any, **__: Any) -> None:
            self.send_signal = sent.append

        def wait(self) -> int:
            if not sent:
                signal.raise_signal(signal.SIGTERM)
            return 130

    monkeypatch.setattr(script.subprocess, "Popen", Command)
    assert script.main(["--", "sweep", "demo"]) == 130
    assert sent == [signal.SIGINT]
    assert script.nodes.closed


def test_the_constants_of_the_plan_for_many_runs_can_be_measured(capsys: pytest.CaptureFixture[str]) -> None:
    module_in(ROOT / "benchmarks" / "executors.py").measure_constants(shards=1)
    assert "making tables" in capsys.readouterr().out
