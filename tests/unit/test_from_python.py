"""What a researcher meets in Python: wrong things are refused in words, objects compare and show themselves, and a run
counts once."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from sim.agents import AllianceModel
from sim.engine import LiveRun, Result, record, simulate, simulate_history
from sim.library import available, find
from sim.scenario import Scenario, load
from sim.study import analysis
from sim.study.answer import Answer
from sim.study.attribution import Cause, attribute
from sim.study.contrasts import contrasts
from sim.study.discovery import discover
from sim.study.humps import humps
from sim.study.response import Measure, factor_of, response_of
from sim.study.story import story
from sim.study.survival import lifetimes, survival
from sim.study.whatif import KeptAway, effect_of, whatif
from sim.sweeps.design import experiment_of, load_experiment
from sim.sweeps.reading import read_results
from sim.sweeps.runner import run_experiment
from sim.tomlfile import BadFile
from tests.builders import busy, market

WORLD = busy(months=3, organizations=6)
RESULT = simulate(WORLD, 4, seed=3)
FRAME = pd.DataFrame({"a": [1]})


def runs(*results: Result) -> pd.DataFrame:
    """The runs of some results as the cells of one table."""
    return pd.concat([one.runs().assign(cell=k, label=f"cell {k}") for k, one in enumerate(results)], ignore_index=True)


# ---------------------------------------------------------------------------------------------------------------
# The obvious wrong things
# ---------------------------------------------------------------------------------------------------------------
def things() -> dict[str, Any]:
    return {
        "text": "baseline",
        "path": Path("baseline"),
        "nothing": None,
        "dictionary": {"trust": 1},
        "table": FRAME,
        "fraction": 2.5,
        "no number": float("nan"),
        "switch": True,
        "negative": -3,
        "bytes": b"baseline",
        "list": [1.5],
        "generator": (letter for letter in "ab"),
        "function": len,
        "Scenario": WORLD,
        "Result": RESULT,
    }


SCENARIO = (r"a Scenario, which sim.scenario.load\(", {"Scenario"})
COUNT = ("integer", set())
ASKED: dict[str, tuple[Callable[[Any], Any], str, set[str]]] = {
    "simulate, scenario": (lambda x: simulate(x, 2), *SCENARIO),
    "simulate, replicates": (lambda x: simulate(WORLD, x), *COUNT),
    "simulate, seed": (lambda x: simulate(WORLD, 2, x), *COUNT),
    "simulate_history, scenario": (simulate_history, *SCENARIO),
    "simulate_history, seed": (lambda x: simulate_history(WORLD, x), *COUNT),
    "simulate_history, replicate": (lambda x: simulate_history(WORLD, 1, x), *COUNT),
    "LiveRun": (LiveRun, *SCENARIO),
    "record": (lambda live: record(live, LiveRun.step), "a LiveRun at its start", set()),
    "load": (load, "by a name or a path|cannot be read", {"text"}),
    "find": (lambda x: find("scenarios", x), "by a name or a path", {"text", "path"}),
    "available": (available, "is no kind of file", set()),
    "from_plain": (Scenario.from_plain, "read from a dictionary|is missing", set()),
    "from_plain, name": (lambda x: Scenario.from_plain(WORLD.plain(), x), "name of a scenario: text", {"text"}),
    "with_settings": (WORLD.with_settings, "settings: a dictionary|is no setting", set()),
    "replace": (lambda x: WORLD.replace(trust_gain=x), "trust_gain: .*from 0 to", set()),
    "replace, a trait": (lambda x: WORLD.replace(openness=x), "no distribution|unknown distri|out of range", set()),
    "rows": (WORLD.rows, "is nobody in scenario", set()),
    "AllianceModel": (AllianceModel, "a Scenario of sim.scenario, a name or a path", {"text", "path", "Scenario"}),
    "AllianceModel, seed": (lambda x: AllianceModel(WORLD, x), "integer", {"nothing"}),
    "AllianceModel, replicate": (lambda x: AllianceModel(WORLD, 1, x), "integer", set()),
    "load_experiment": (load_experiment, "by a name or a path|no such experiment|cannot be read", set()),
    "experiment_of": (lambda x: experiment_of(x, 2, 1, "x"), "a list of Scenarios", set()),
    "experiment_of, replicates": (lambda x: experiment_of([WORLD], x, 1, "x"), "replicates: .*from 1 to", set()),
    "experiment_of, seed": (lambda x: experiment_of([WORLD], 2, x, "x"), "seed: .*from 0 to", set()),
    "experiment_of, name": (lambda x: experiment_of([WORLD], 2, 1, x), "name of an experiment: text", {"text"}),
    "experiment_of, outcomes": (
        lambda x: experiment_of([WORLD], 2, 1, "x", x), "outcomes: a list of names|is no outcome", set(),
    ),
    "run_experiment": (run_experiment, "an Experiment, which load_experiment", set()),
    "run_experiment, jobs": (
        lambda x: run_experiment(experiment_of([WORLD], 2, 1, "x"), "nowhere", jobs=x),
        "jobs: a whole number from 1|jobs must be at least 1", {"nothing"},
    ),
    "read_results": (read_results, "the path of a result folder|no result folder|no such folder", set()),
    "paired": (lambda x: analysis.paired(x, 0, ["trust"]), "runs: a table|no column", set()),
    "paired, outcomes": (lambda x: analysis.paired(runs(RESULT), 0, x), "a list of names|no column", set()),
    "cell_means": (lambda x: analysis.cell_means(x, ["trust"]), "runs: a table|no column", set()),
    "bootstrap_contrasts": (lambda x: analysis.bootstrap_contrasts(x, 0, ["trust"]), "runs: a table|no column", set()),
    "contrasts": (lambda x: contrasts(x, 0, ["trust"]), "runs: a table|no column", set()),
    "attribute": (
        lambda x: attribute(x, Cause("a", 0, 1, "a"), Cause("b", 0, 1, "b"), "trust"), "runs: a table|no column", set(),
    ),
    "half_life": (analysis.half_life, "survival: a table|no column", set()),
    "lifetimes": (lifetimes, "alliances: a table|no column", set()),
    "survival": (lambda x: survival(x, x), "alliances: a table|no column", set()),
    "humps": (lambda x: humps(x, x), "histogram: a table|no column", set()),
    "discover": (lambda x: discover(x, ["a"], FRAME["a"]), "runs: a table|no column", set()),
    "discover, factors": (lambda x: discover(runs(RESULT), x, FRAME["a"]), "a list of names|no column", set()),
    "Measure": (Measure, "is no outcome", set()),
    "Measure.of": (Measure("trust").of, "records of alliances", set()),
    "factor_of": (lambda x: factor_of(x, "blame"), *SCENARIO),
    "response_of": (lambda x: response_of(x, {"blame": (0, 1)}, Measure("trust")), *SCENARIO),
    "response_of, factors": (
        lambda x: response_of(WORLD, x, Measure("trust")), "a range for each name|two numbers", set(),
    ),
    "response_of, measure": (lambda x: response_of(WORLD, {"blame": (0, 1)}, x), "a Measure, such as", set()),
    "response_of, replicates": (
        lambda x: response_of(WORLD, {"blame": (0, 1)}, Measure("trust"), x),
        "replicates: .*(whole number|at least one)", set(),
    ),
    "story": (story, "a History, which simulate_history", set()),
    "whatif": (lambda x: whatif(x, changes=[KeptAway("blame")]), *SCENARIO),
    "whatif, changes": (lambda x: whatif(WORLD, changes=x), "a list of changes|nothing is changed", set()),
    "effect_of": (lambda x: effect_of(x, [KeptAway("blame")]), *SCENARIO),
    "effect_of, replicates": (
        lambda x: effect_of(WORLD, [KeptAway("blame")], x), "replicates: (how many|at least)", set(),
    ),
}  # fmt: skip
"""What is called with one thing in the wrong place; what the refusal must say; and the things that are right there."""


@pytest.mark.parametrize("asked", ASKED)
def test_a_wrong_thing_is_refused_in_words(asked: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    call, words, right = ASKED[asked]
    tried = 0
    for name, thing in things().items():
        if name in right:
            continue
        with pytest.raises((TypeError, ValueError, BadFile), match=f"(?s){words}"):
            call(thing)
        tried += 1
    assert tried + len(right) == len(things())


def test_what_is_nearly_an_integer_is_taken() -> None:
    few = simulate(WORLD, np.int64(2), np.uint8(3))
    for replicates in (range(2), (0, 1), np.arange(2), (k for k in range(2)), {0, 1}, pd.Series([0, 1])):
        assert simulate(WORLD, replicates, 3) == few
    with pytest.raises(ValueError, match=r"at most 2\*\*32"):
        simulate(WORLD, 10**12)
    with pytest.raises(TypeError, match="integers that say which ones"):
        simulate(WORLD, np.zeros((2, 2), dtype=int))


def test_a_kind_of_file_is_called_by_its_whole_name() -> None:
    with pytest.raises(BadFile, match="no such scenario; did you mean 'baseline'"):
        find("scenarios", "baselin")
    with pytest.raises(BadFile, match="no such experiment"):
        find("experiments", "nothing at all")
    for kind in ("scenario", "scenari", ""):
        with pytest.raises(ValueError, match="is no kind of file"):
            find(kind, "baseline")


def test_an_experiment_names_its_fields_and_is_loaded_by_name() -> None:
    assert load_experiment("what_matters") == load_experiment(available("experiments")["what_matters"])
    made = experiment_of([WORLD], 2, 1, "x")
    with pytest.raises(TypeError, match="has no field 'replicate'; did you mean 'replicates'"):
        made.replace(replicate=3)


def test_an_experiment_keeps_nothing_of_its_callers() -> None:
    settings: dict[str, Any] = {"openness": {"normal": [0.6, 0.1]}}
    factors: dict[str, Any] = {"trust_gain": [0.02, 0.04]}
    made = experiment_of([WORLD], 2, 1, "x").replace(settings=settings, factors=factors)
    kept = copy.deepcopy(made)
    settings["openness"]["normal"][0] = 0.9
    factors["trust_gain"][0] = 0.4
    factors["trust_loss"] = [0.1, 0.2]
    assert made == kept
    assert hash(made) == hash(kept)
    assert [cell.scenario for cell in made.cells()] == [cell.scenario for cell in kept.cells()]
    assert repr(made) == "<Experiment 'x': 1 scenarios, 1 factors, 2 replicates, seed 1>"


# ---------------------------------------------------------------------------------------------------------------
# A run counts once
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("given", [[0, 0, 1, 1, 2], (3, 1, 3), np.array([2, 2]), (k // 2 for k in range(4))])
def test_a_replicate_that_comes_twice_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match="comes twice, and would be the same run"):
        simulate(WORLD, given)


def test_runs_say_which_they_are() -> None:
    table = simulate(WORLD, [4, 1], seed=2**63 - 1).runs()
    assert table[["seed", "replicate"]].to_numpy().tolist() == [[2**63 - 1, 4], [2**63 - 1, 1]]


def test_only_runs_of_one_seed_are_pairs() -> None:
    other = WORLD.replace(trust_gain=0.09)
    same, apart = simulate(other, 4, seed=3), simulate(other, 4, seed=4)
    table = analysis.paired(runs(RESULT, same), 0, ["trust"])
    by_hand = same.runs()["trust"] - RESULT.runs()["trust"]
    assert (table["n"].item(), table["difference"].item()) == (4, pytest.approx(by_hand.mean(), rel=1e-12))
    for compare in (analysis.paired, analysis.bootstrap_contrasts, contrasts):
        with pytest.raises(ValueError, match="share a seed; cell 1 with 4 and the reference, cell 0, with 3"):
            compare(runs(RESULT, apart), 0, ["trust"])
    both = pd.concat([runs(RESULT, same), runs(simulate(WORLD, 4, seed=4), apart)])
    assert analysis.paired(both, 0, ["trust"])["n"].item() == 8  # two seeds are two samples


def test_a_run_that_comes_twice_in_a_table_is_refused() -> None:
    table = runs(RESULT, RESULT)
    twice = pd.concat([table, table.iloc[[1]]])
    with_causes = table.assign(a=table["cell"], b=0)
    for ask in (
        lambda: analysis.paired(twice, 0, ["trust"]),
        lambda: analysis.bootstrap_contrasts(twice, 0, ["trust"]),
        lambda: analysis.cell_means(twice, ["trust"]),
        lambda: contrasts(twice, 0, ["trust"]),
    ):
        with pytest.raises(ValueError, match="cell 0 has the run with seed 3, replicate 1 twice"):
            ask()
    with pytest.raises(ValueError, match="a 0, b 0 has the run with seed 3, replicate 2 twice"):
        attribute(
            pd.concat([with_causes, with_causes.iloc[[2]]]), Cause("a", 0, 1, "a"), Cause("b", 0, 1, "b"), "trust"
        )


# ---------------------------------------------------------------------------------------------------------------
# Comparing and showing
# ---------------------------------------------------------------------------------------------------------------
def test_results_and_histories_are_compared_bit_by_bit() -> None:
    again, other = simulate(WORLD, 4, seed=3), simulate(WORLD, 4, seed=4)
    assert (again == RESULT) is True
    assert (other == RESULT) is (simulate(WORLD, 3, seed=3) == RESULT) is (RESULT == 5) is False
    assert hash(RESULT) == hash(again)
    assert pickle.loads(pickle.dumps(RESULT)) == copy.deepcopy(RESULT) == RESULT
    again.alliances.effective[2, 1, 0] += 1e-15
    assert again != RESULT
    history = simulate_history(WORLD)
    assert (history == simulate_history(WORLD)) is True
    assert (history == simulate_history(WORLD, replicate=1)) is False
    assert pickle.loads(pickle.dumps(history)) == history


ARRAYS = ("Floats", "Integers", "NDArray", "Records", "DataFrame")


def test_what_holds_arrays_or_tables_compares_to_a_bool() -> None:
    """A dataclass compares its fields by ==, which of arrays and tables is no bool."""
    found = 0
    for module in pkgutil.walk_packages(sim.__path__, "sim."):
        for name, kind in vars(importlib.import_module(module.name)).items():
            if not (inspect.isclass(kind) and kind.__module__ == module.name and dataclasses.is_dataclass(kind)):
                continue
            words = " ".join(str(field.type) for field in dataclasses.fields(kind) if field.compare)
            if name != "Outcome" and any(word in words for word in ARRAYS):  # whose formula takes arrays
                found += 1
                assert not kind.__dataclass_params__.eq, f"{module.name}.{name}: write eq=False"
    assert found > 15


def test_objects_tell_in_a_short_line_what_they_are(tmp_path: Path) -> None:
    comparison = whatif(market(months=6), changes=[KeptAway("friction")], alliance="all")
    model = AllianceModel(WORLD)
    answer = Answer(FRAME, lambda: None, "It is so. " * 50)  # type: ignore[arg-type, return-value]
    shown = {
        "Result": repr(RESULT), "History": repr(simulate_history(WORLD)), "LiveRun": repr(LiveRun(WORLD)),
        "Scenario": repr(WORLD), "AllianceModel": repr(model), "Organization": repr(model.organizations[0]),
        "Experiment": repr(experiment_of([WORLD], 2, 1, "x")), "Answer": repr(answer),
    }  # fmt: skip
    for kind, line in shown.items():
        assert line.startswith(f"<{kind} "), line
        assert len(line) < 160, line
        assert "\n" not in line
    assert shown["Result"] == "<Result of 'busy', seed 3: 4 replicates, 3 months, 24 alliances>"
    assert shown["History"] == "<History of 'busy', seed 1, replicate 0: 3 months, 6 alliances>"
    assert len(repr(comparison)) < 1000
