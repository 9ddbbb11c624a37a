"""Every shipped experiment runs, small: each cell comes out, each factor has an effect, all is summed up in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim import library
from sim.study.attribution import attributions
from sim.study.report import summary_markdown
from sim.study.terminal import summary_text
from sim.sweeps.design import load_experiment
from sim.sweeps.runner import run_experiment
from sim.sweeps.store import read_results

REPLICATES, MONTHS = 3, 30


@pytest.mark.parametrize("name", sorted(library.available("experiments")))
def test_a_shipped_experiment_runs(name: str, tmp_path: Path) -> None:
    experiment = load_experiment(library.find("experiments", name)).replace(replicates=REPLICATES)
    experiment = experiment.with_settings({"months": MONTHS})
    stored = read_results(run_experiment(experiment, tmp_path))
    cells, runs = experiment.cells(), stored.tables["runs"]
    assert stored.manifest["status"] == "complete"
    assert len(runs) == len(cells) * REPLICATES
    assert np.isfinite(runs[list(experiment.outcomes)].drop(columns="talked_through", errors="ignore")).all().all()
    for factor in ("scenario", *experiment.factors):
        means = runs.groupby(factor)[list(experiment.outcomes)].mean()
        assert len(means.drop_duplicates()) == runs[factor].nunique(), f"{factor} is without effect"
    for text in (summary_text(stored), summary_markdown(stored)):
        assert experiment.title in text


def test_the_write_off_of_aol_time_warner_is_shared_out_between_clash_and_crash(tmp_path: Path) -> None:
    experiment = load_experiment(library.find("experiments", "aol_time_warner")).replace(replicates=200)
    written_off = attributions(read_results(run_experiment(experiment, tmp_path)))[0]
    assert (written_off.outcome, written_off.causes, written_off.n) == ("written_off", ("clash", "crash"), 200)
    parts = written_off.table.set_index("part")
    for part in ("first alone", "second alone", "first", "second"):
        assert parts.loc[part, "low"] > 0.0, f"{part} alone can cause a write-off"
