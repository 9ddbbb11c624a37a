"""A rule replaced for a while: other numbers, another digest, named in manifests, and nowhere else."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

from sim import loaded, replaced
from sim.dynamics import rules
from sim.replaced import instead
from sim.scenario import Scenario
from sim.study import effects
from sim.sweeps.executors.dask import ClusterError, DaskExecutor
from tests.builders import TEXTS

ROOT = Path(__file__).resolve().parents[2]

SESSION = """
import copy, json, multiprocessing, pickle, sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from sim import loaded
from sim.agents import AllianceModel
from sim.dynamics import kernel, rules
from sim.engine import LiveRun, simulate
from sim.library import find
from sim.replaced import instead
from sim.scenario import load
from sim.sweeps.design import experiment_of
from sim.sweeps.runner import resume, run_experiment

K = 0.5

def lower(a, b):
    return K * min(a, b)

def trust(scenario):
    return simulate(scenario, [0], 1).runs()["trust"].tolist()

def refused(function, *arguments):
    try:
        function(*arguments)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "taken"

def manifest(experiment):
    folder = run_experiment(experiment, sys.argv[1], jobs=1)
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8")), folder

if __name__ == "__main__":
    dyad = load(find("scenarios", "baseline")).replace(months=2, organizations=2, partners=1)
    experiment = experiment_of([dyad], 1, 1, "trial")
    shipped, names = trust(dyad), {m: dict(vars(m)) for m in (rules, kernel)}
    plain, _ = manifest(experiment)
    found = {}
    for K in (0.5, 1.0):
        with instead("mutual_trust", lower):
            found[K] = trust(dyad), loaded.code_digest(), loaded.digest(loaded.CORE)
            assert trust(copy.deepcopy(dyad)) == found[K][0]  # within the process it goes where it is wanted
            AllianceModel(dyad).step()
            told, folder = manifest(experiment)
            inside = pickle.dumps(dyad)
            K = 0.9
            assert trust(dyad) == found[told_k := float(list(found)[-1])][0]  # taken as it was
            answers = [refused(pickle.loads(pickle.dumps(dyad)).replace)]
            if told_k == 0.5:
                continue
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                answers += [refused(pool.submit(work, dyad).result) for work in (trust, LiveRun)]
            with instead("toward", lambda x, target, speed: x):
                assert len(loaded.replaced_rules()) == 2 and trust(dyad) != found[told_k][0]
            assert trust(dyad) == found[told_k][0]
    assert trust(dyad) == shipped and trust(pickle.loads(pickle.dumps(dyad))) == shipped
    assert all(vars(m) == before for m, before in names.items())
    assert loaded.code_digest() == plain["code_digest"] and not loaded.replaced_rules()
    again = pickle.loads(inside)
    print(json.dumps({
        "numbers": [shipped, found[0.5][0], found[1.0][0]],
        "digests": [plain["code_digest"], found[0.5][1], found[1.0][1]],
        "cores": [found[0.5][2], found[1.0][2]],
        "told": [told["code_digest"], told["replaced_rules"], told["command"]],
        "plain": [plain.get("replaced_rules"), plain["command"]],
        "answers": answers,
        "outside": [refused(trust, again), refused(LiveRun, again), refused(lambda: again.replace(months=1))],
    }))
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a session says that replaced a rule, without compiling."""
    import json

    folder = tmp_path_factory.mktemp("session")
    (folder / "session.py").write_text(SESSION, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, folder / "session.py", folder / "out"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_numbers_follow_the_function_and_what_it_reads(session: Any) -> None:
    shipped, first, second = session["numbers"]
    assert shipped != first != second != shipped


def test_digest_and_manifest_know_it(session: Any) -> None:
    shipped, first, second = session["digests"]
    assert len({shipped, first, second}) == 3
    assert len(set(session["cores"])) == 2  # so that machine code is kept apart
    digest, named, command = session["told"]
    assert (digest, command) == (second, "")
    assert list(named) == ["mutual_trust"]
    assert named["mutual_trust"].startswith("lower (")
    assert session["plain"] == [None, "alliance sweep ./experiment.toml"]


def test_workers_do_not_use_the_shipped_rule_in_silence(session: Any) -> None:
    here, simulated, stepped = session["answers"]
    for answer in (simulated, stepped, *session["outside"]):
        assert answer.startswith(
            "CodeChanged: baseline was handed over by a process with other rules (replaced there: "
        )
        assert "mutual_trust by lower (" in answer
        assert answer.count("here: none") == 1
    assert here == "taken"


def test_dask_workers_are_refused() -> None:
    with (
        loaded.replacing("mutual_trust", "lower (1a2b)"),
        pytest.raises(
            ClusterError, match=r"mutual_trust by lower \(1a2b\)\) and workers have .* use the executor 'local'"
        ),
    ):
        DaskExecutor(1)


def test_results_that_are_kept_are_of_the_rules_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(effects, "simulate", lambda *arguments: calls.append(arguments))
    effects._cached.cache_clear()
    for _ in range(2):
        effects.run(1, 1)
    with loaded.replacing("mutual_trust", "lower (1a2b)"):
        effects.run(1, 1)
    effects._cached.cache_clear()
    assert len(calls) == 2


def test_a_scenario_that_was_pickled_elsewhere_still_reads_and_compares() -> None:
    import pickle

    scenario = Scenario.from_plain({**TEXTS, "months": 1, "organizations": 2})
    with loaded.replacing("mutual_trust", "lower (1a2b)"):
        content = pickle.dumps(scenario)
    came = pickle.loads(content)
    assert came == scenario
    assert came.plain() == scenario.plain()
    with pytest.raises(loaded.CodeChanged):
        came.check_rules()
    with pytest.raises(loaded.CodeChanged):  # also when it is handed on
        pickle.loads(pickle.dumps(came)).check_rules()


# ---------------------------------------------------------------------------------------------------------------
# What a function reads
# ---------------------------------------------------------------------------------------------------------------
K = 1.5
TABLE = np.array([1.0, 2.0])
PAIR = (1, "a")
OBJECT = object()


@numba.njit
def helper(x: float) -> float:
    return x * K


def plain_helper(x: float) -> float:
    return x + K


def reads_a_constant(a: float, b: float) -> float:
    return K * min(a, b)


def reads_an_array(a: float, b: float) -> float:
    return float(TABLE[0]) * a * b


def reads_a_tuple(a: float, b: float) -> float:
    return PAIR[0] * a * b


def calls_a_compiled_helper(a: float, b: float) -> float:
    return float(helper(a)) + b


def calls_a_helper(a: float, b: float) -> float:
    return plain_helper(a) + b


def reads_within(a: float, b: float) -> float:
    return sum(K * x for x in (a, b))


def digest_of(function: Callable[..., Any]) -> str:
    frozen = replaced._Frozen()
    frozen.function(function)
    return frozen.digest()


@pytest.mark.parametrize(
    ("function", "name", "value"),
    [
        (reads_a_constant, "K", 3.0),
        (reads_a_constant, "K", 1),
        (reads_an_array, "TABLE", np.array([1.0, 3.0])),
        (reads_a_tuple, "PAIR", (2, "a")),
        (calls_a_compiled_helper, "K", 3.0),
        (calls_a_helper, "K", 3.0),
        (reads_within, "K", 3.0),
    ],
)
def test_the_digest_is_of_all_that_a_function_reads(
    function: Callable[..., Any], name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest_of(function)
    assert digest_of(function) == before
    monkeypatch.setitem(globals(), name, value)
    assert digest_of(function) != before


def test_the_digest_is_of_closures_defaults_and_text() -> None:
    def closed(k: float) -> Callable[..., float]:
        return lambda a, b: k * a * b

    def with_default(k: float) -> Callable[..., float]:
        def function(a: float, b: float, c: float = k) -> float:
            return a * b * c

        return function

    made = [closed(1.0), closed(2.0), with_default(1.0), with_default(2.0), lambda a, b: a * b, lambda a, b: a + b]
    assert len({digest_of(function) for function in made}) == len(made)
    assert digest_of(closed(1.0)) == digest_of(closed(1.0))


def test_helpers_that_were_compiled_before_are_compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    assert helper(1.0) == 1.5
    monkeypatch.setitem(globals(), "K", 3.0)
    assert helper(1.0) == 1.5  # Numba's way
    frozen = replaced._Frozen().function(calls_a_compiled_helper)
    monkeypatch.setitem(globals(), "K", 4.0)
    assert frozen(1.0, 0.0) == 3.0  # as it was when it was taken


def reads_an_object(a: float, b: float) -> float:
    return a * b * hash(OBJECT)


def reads_a_module(a: float, b: float) -> float:
    return a * b * sys.maxsize


def calls_itself(a: float, b: float) -> float:
    return a if b < 0 else calls_itself(a, b - 1)


@pytest.mark.parametrize(
    ("rule", "function", "error", "words"),
    [
        (
            "mutual_trus",
            reads_a_constant,
            ValueError,
            "'mutual_trus' is no rule of sim.dynamics.rules.*mutual_trust",
        ),
        ("compiled", reads_a_constant, ValueError, "'compiled' is no rule"),
        ("mutual_trust", lambda a: a, TypeError, "mutual_trust takes 2 arguments, .*and <lambda> takes"),
        ("mutual_trust", min, TypeError, "no function that is written in Python"),
        ("mutual_trust", reads_an_object, TypeError, "OBJECT is object: a rule may read numbers"),
        ("mutual_trust", reads_a_module, TypeError, "sys is module"),
        ("mutual_trust", calls_itself, TypeError, "calls_itself calls itself"),
    ],
)
def test_what_cannot_stand_in_for_a_rule_is_refused(
    rule: str, function: Callable[..., Any], error: type[Exception], words: str
) -> None:
    before = dict(vars(rules))
    with pytest.raises(error, match=words), instead(rule, function):
        pass
    assert vars(rules) == before
    assert not loaded.replaced_rules()


def test_nobody_outside_the_core_holds_a_function_that_is_replaced() -> None:
    """What is loaded again is reached through its module; a name taken out of it would stay the old function."""
    affected = {module.__name__ for module in replaced.modules_with_rules()}
    assert {"sim.dynamics.rules", "sim.dynamics.steps", "sim.dynamics.kernel"} <= affected
    for path in (ROOT / "sim").rglob("*.py"):
        if path.parent.name != "dynamics":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                assert not (isinstance(node, ast.ImportFrom) and node.module in affected), path
