"""What is printed as "how to do it again" does it again: the same tables, for every kind of result."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from nursery import tables_in

from sim import loaded
from sim.cli import alliance
from sim.library import find
from sim.scenario import Scenario, load
from sim.study.page.background import reproduce
from sim.study.report import summary_markdown
from sim.study.words import Study
from sim.sweeps import recipe
from sim.sweeps.design import Experiment, experiment_of, load_experiment
from sim.sweeps.reading import read_results
from sim.sweeps.runner import run_experiment
from sim.sweeps.sampling import Design, Range

OWN_SCENARIO = """\
title = "Ours"
question = "Q?"
source = "the tests"
expected = "E."
months = 3
organizations = 4
[network]
partners = 2
[[groups]]
name = "the calm"
share = 0.5
traits = { openness = 0.4 }
[[groups]]
name = "the others"
share = 0.5
[[events]]
name = "bang"
month = 2
kind = "crash"
depth = 0.5
"""
OWN_EXPERIMENT = """\
title = "Our trial"
question = "Q?"
expected = "E."
scenarios = ["our scenario.toml", "baseline"]
replicates = 2
[settings]
months = 3
organizations = 4
[factors]
trust_gain = [0.02, { value = 0.08, label = "much — \\"very\\" much" }]
mixing = ["any", "within"]
"""
SMALL = ("--set", "months=2", "--set", "organizations=4", "--set", "partners=2", "--no-figures", "--quiet")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "our scenario.toml").write_text(OWN_SCENARIO, encoding="utf-8")
    (tmp_path / "our trial.toml").write_text(OWN_EXPERIMENT.replace('mixing = ["any", "within"]\n', ""), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(command: str, *more: str) -> Any:
    """A command line, typed where the process stands; its one line of output as a path when it is quiet."""
    program, *words = shlex.split(command)
    assert program == "alliance"
    done = CliRunner().invoke(alliance, [*words, *more], prog_name="alliance")
    assert done.exit_code == 0, done.output
    return done.stdout


def folder_of(printed: str) -> Path:
    return Path(printed.strip().splitlines()[-1])


def printed_in(folder: Path) -> str:
    """The command that a result's summary states, which is the page's and the manifest's too."""
    stored = read_results(folder)
    study = Study(stored)
    command = stored.manifest["command"]
    assert command
    assert f"```\n{command}\n```" in summary_markdown(study)
    assert f"<pre>{escape(command)}</pre>" in str(reproduce(study))
    return str(command)


@pytest.mark.parametrize(
    "command",
    [
        ("sweep", "demo", "--replicates", "3", "--seed", "9", "--alliances", *SMALL),
        ("sweep", "./our trial.toml", "--set", "trust_loss=0.2", "--set", "openness={normal=[0.8, 0.1]}"),
        ("compare", "baseline", "culture_clash", "--replicates", "2", *SMALL),
        ("compare", "./our scenario.toml", "baseline", "--replicates", "2", "--set", "months=2"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_sweep_from_the_command_line(command: tuple[str, ...]) -> None:
    first = folder_of(typed(shlex.join(["alliance", *command]), "--no-figures", "--quiet"))
    again = folder_of(typed(printed_in(first), "--no-figures", "--quiet", "--out", "again"))
    assert tables_in(again) == tables_in(first)


def dyad(name: str = "baseline", **settings: Any) -> Scenario:
    return load(find("scenarios", name)).replace(months=2, organizations=4, partners=2, **settings)


def replaced_scenarios() -> Experiment:
    return experiment_of([dyad(), dyad("culture_clash", openness=0.2)], 3, 5, "compare")


def unchanged_scenarios() -> Experiment:
    shipped = [load(find("scenarios", name)) for name in ("baseline", "blind_faith")]
    return experiment_of(shipped, 2, 5, "compare").with_settings({"months": 2, "organizations": 4, "partners": 2})


def one_scenario() -> Experiment:
    return experiment_of([dyad(trust_gain=0.07)], 3, 5, "alone")


def with_other_factors() -> Experiment:
    found = load_experiment(find("experiments", "demo")).replace(replicates=2, factors={"trust_gain": [0.02, 0.05]})
    return found.with_settings({"months": 2, "organizations": 4, "partners": 2})


def with_other_outcomes() -> Experiment:
    return load_experiment("our trial.toml").replace(outcomes=("value", "trust"))


def with_one_other_scenario() -> Experiment:
    first, *others = load_experiment("our trial.toml").scenarios
    return load_experiment("our trial.toml").replace(scenarios=(first.with_settings({"trust_start": 0.3}), *others))


def with_everything() -> Experiment:
    ours = load("our scenario.toml")
    return experiment_of([ours, dyad(), dyad()], 2, 3, "all").replace(
        factors={
            "openness": [0.2, {"value": {"normal": [0.5, 0.1]}, "label": 'so "or" so'}],
            "parameters.synergy": [1.0, 2.0],
        },
        settings={"trust_loss": 0.25},
        levers=("parameters.synergy",),
    )


def with_precision() -> Experiment:
    return experiment_of([dyad(), dyad(trust_gain=0.07)], 2, 3, "rounds").replace(
        precision={"trust": 0.001}, max_replicates=4
    )


def sampled(kind: str) -> Callable[[], Experiment]:
    def made() -> Experiment:
        return experiment_of([dyad()], 1, 3, kind).replace(
            factors={"trust_gain": Range(0.01, 0.1), "openness": Range(0.1, 0.9)}, design=Design(kind, points=4, seed=2)
        )

    made.__name__ = kind
    return made


def of_points() -> Experiment:
    return sampled("latin_hypercube")().with_points(np.array([[0.02, 0.3], [0.05, 0.7]]), labels=["low", "high"])


MADE = (
    *(replaced_scenarios, unchanged_scenarios, one_scenario, with_other_factors, with_other_outcomes),
    *(
        with_one_other_scenario,
        with_everything,
        with_precision,
        sampled("sobol"),
        sampled("latin_hypercube"),
        of_points,
    ),
)


@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_an_experiment_made_in_python(
    make: Callable[[], Experiment], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_experiment(make(), here / "out", jobs=1, keep_alliances=make is one_scenario)
    command = printed_in(first)
    from_files = command.startswith(recipe.FROM_FILES)
    assert from_files == (make is not unchanged_scenarios)
    assert (first / recipe.EXPERIMENT_FILE).exists() == from_files
    if from_files:
        monkeypatch.chdir(first)
        assert "In this result's folder" in summary_markdown(Study(read_results(first)))
    again = folder_of(typed(command, "--no-figures", "--quiet", "--out", str(here / "again")))
    assert tables_in(again) == tables_in(first)


def test_no_command_is_promised_that_is_none(here: Path) -> None:
    """Two names for one file on some disks, a name that is no name of a file, and one that looks like an option."""
    for name in ("a/b", "..", "--out"):
        scenario = Scenario.from_plain(dyad().plain(), name)
        experiment = experiment_of([scenario, dyad()], 1, 1, "odd")
        folder = run_experiment(experiment, here / "out", jobs=1)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if manifest["command"]:
            assert manifest["command"] == recipe.FROM_FILES
            assert load_experiment(folder / recipe.EXPERIMENT_FILE).digest() == experiment.digest()
            continue
        assert not (folder / recipe.EXPERIMENT_FILE).exists()
        words = "No command makes this result again: run the experiment from the Python code that made it."
        assert words in summary_markdown(Study(read_results(folder)))
        page = str(reproduce(Study(read_results(folder))))
        assert words in page
        assert recipe.FROM_FILES not in page


def test_a_file_that_was_edited_since_it_was_read_is_not_named(here: Path) -> None:
    experiment = load_experiment("our trial.toml")
    path = here / "our trial.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("0.02", "0.03"), encoding="utf-8")
    folder = run_experiment(experiment, here / "out", jobs=1)
    assert read_results(folder).manifest["command"] == recipe.FROM_FILES


def test_words_on_the_line_are_read_back_as_they_were() -> None:
    for value in (
        "any",
        "true",
        "nan",
        "0.5",
        "a b",
        'say "so"',
        True,
        3,
        0.1,
        1e-9,
        [0.1, "x"],
        {"normal": [0.1, 0.2]},
    ):
        text = f"key={recipe._on_the_line(value)}"
        assert recipe._setting(text) == ("key", value)


def test_a_history(here: Path) -> None:
    out = typed("alliance run baseline --set months=3 --set organizations=4 --set partners=2 --no-figures --quiet")
    first = folder_of(out)
    command = json.loads((first / "manifest.json").read_text(encoding="utf-8"))["command"]
    again = folder_of(typed(command, "--out", "again"))
    for name in ("history", "ledger"):
        pd.testing.assert_frame_equal(
            *(pd.read_parquet(path / "tables" / f"{name}.parquet") for path in (first, again))
        )


def test_a_theory(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.study.plots.save", lambda *_: [])
    first = folder_of(typed("alliance theory --no-simulation --quiet"))
    command = json.loads((first / "manifest.json").read_text(encoding="utf-8"))["command"]
    again = folder_of(typed(command, "--out", "again"))
    assert tables_in(again) == tables_in(first)


def test_an_analysis(here: Path) -> None:
    folder = folder_of(typed("alliance sweep './our trial.toml' --no-figures --quiet"))
    typed(f"alliance analyse contrasts {folder} --outcome trust --out answer")
    kept = (here / "answer" / "contrasts.csv").read_bytes()
    (command,) = re.findall("Made by `(.*)`", (here / "answer" / "contrasts.md").read_text(encoding="utf-8"))
    (here / "answer" / "contrasts.csv").unlink()
    typed(command)
    assert (here / "answer" / "contrasts.csv").read_bytes() == kept


def test_a_result_with_replaced_rules_names_them_and_no_command(here: Path) -> None:
    with loaded.replacing("mutual_trust", "the_lower_one (0123456789abcdef)"):
        folder = run_experiment(unchanged_scenarios(), here / "out", jobs=1)
    stored = read_results(folder)
    assert stored.manifest["command"] == ""
    words = "because rules were replaced (mutual_trust by the_lower_one (0123456789abcdef))"
    assert words in summary_markdown(Study(stored))
    page = str(reproduce(Study(stored)))
    assert words in page
    assert recipe.FROM_FILES not in page
