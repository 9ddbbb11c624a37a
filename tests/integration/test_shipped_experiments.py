"""Every shipped experiment runs, small: each cell comes out, each factor has an effect, all is summed up in words."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sim import library
from sim.analysis.attribution import attributions
from sim.analysis.report import summary_markdown
from sim.analysis.terminal import summary_text
from sim.analysis.words import Study
from sim.cli import alliance
from sim.sweeps.design import load_experiment
from sim.sweeps.reading import read_results
from sim.sweeps.runner import run_experiment

REPLICATES, MONTHS, POINTS = 3, 30, 8


@pytest.mark.parametrize("name", sorted(library.available("experiments")))
def test_a_shipped_experiment_runs(name: str, tmp_path: Path) -> None:
    experiment = load_experiment(library.find("experiments", name)).replace(replicates=REPLICATES)
    if experiment.design.points:
        experiment = experiment.replace(design=dataclasses.replace(experiment.design, points=POINTS))
    experiment = experiment.with_settings({"months": MONTHS})
    stored = read_results(run_experiment(experiment, tmp_path))
    cells, runs = experiment.cells(), stored.tables["runs"]
    assert stored.manifest["status"] == "complete"
    assert len(runs) == len(cells) * REPLICATES
    assert np.isfinite(runs[list(experiment.outcomes)].drop(columns="talked_through", errors="ignore")).all().all()
    for factor in ("scenario", *experiment.factors):
        means = runs.groupby(factor)[list(experiment.outcomes)].mean()
        assert len(means.drop_duplicates()) == runs[factor].nunique(), f"{factor} is without effect"
    for text in (summary_text(stored), summary_markdown(Study(stored))):
        assert experiment.title in text


def test_the_write_off_of_aol_time_warner_is_shared_out_between_clash_and_crash(tmp_path: Path) -> None:
    experiment = load_experiment(library.find("experiments", "aol_time_warner")).replace(replicates=200)
    written_off = attributions(read_results(run_experiment(experiment, tmp_path)))[0]
    assert (written_off.outcome, written_off.causes, written_off.n) == ("written_off", ("clash", "crash"), 200)
    parts = written_off.table.set_index("part")
    for part in ("first alone", "second alone", "first", "second"):
        assert parts.loc[part, "low"] > 0.0, f"{part} alone can cause a write-off"


DESIGNS = {
    "what_matters": "sobol: 128 points over 10 uncertainties × 1 scenario = 128 cells",
    "one_at_a_time": "one at a time: a base and 8 factors moved alone × 1 scenario = 17 cells",
    "policies_over_futures": (
        "latin hypercube: 4 combinations of 2 levers × 32 points over 5 uncertainties × 1 scenario = 128 cells"
    ),
    "control": "grid: monitoring (5 levels) × integrity (5 levels) × 1 scenario = 25 cells",
}


@pytest.mark.parametrize("name", DESIGNS)
def test_a_design_is_shown_in_a_line(name: str) -> None:
    result = CliRunner().invoke(alliance, ["experiments", "show", name])
    assert result.exit_code == 0, result.output
    assert DESIGNS[name] in " ".join(result.stdout.split())


def test_a_dry_run_says_the_design() -> None:
    result = CliRunner().invoke(
        alliance, ["sweep", "one_at_a_time", "--dry-run", "--replicates", "2", "--set", "months=12"]
    )
    assert result.exit_code == 0, result.output
    assert DESIGNS["one_at_a_time"] in result.stdout
