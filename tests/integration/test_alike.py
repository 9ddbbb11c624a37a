"""Replicates that all came out alike, or a single one, are shown with the same honest interval everywhere."""

from __future__ import annotations

import csv
import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.commands.analyse import _rounded
from sim.engine import simulate
from sim.intervals import SHARE, mean_of
from sim.study import plots, report, terminal
from sim.study.analysis import paired
from sim.study.contrasts import contrasts
from sim.study.page import page_html
from sim.study.whatif import Added, effect_of
from sim.study.words import Study
from sim.sweeps.design import experiment_of
from sim.sweeps.plan import Precision
from sim.sweeps.reading import Stored, read_results
from sim.sweeps.runner import run_experiment
from sim.sweeps.shards import add_sums, sums_of
from tests.builders import dyad

SURVIVED = 0.875
Q = 1.0 - 0.05**0.25
"""What goes unseen in four replicates in 5% of the cases."""


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """Two cells of four replicates, in which every replicate of a cell has the same outcomes."""
    folder = tmp_path_factory.mktemp("alike") / "result"
    one, other = (dyad(months=12, trust_gain=gain, openness=0.5) for gain in (0.05, 0.06))
    cells = [dataclasses.replace(scenario, name=name) for scenario, name in ((one, "one"), (other, "other"))]
    experiment = experiment_of(cells, 4, 3, "test").replace(outcomes=("survived", "value"))
    found = read_results(run_experiment(experiment, folder, jobs=1))
    runs = found.tables["runs"].assign(survived=SURVIVED, value=12.5)
    return Stored(found.folder, found.manifest, {**found.tables, "runs": runs})


def test_the_terminal_the_summary_and_the_page_show_the_same_interval(stored: Stored) -> None:
    interval = f"{100 * SURVIVED * (1 - Q):.0f} to {100 * (SURVIVED + (1 - SURVIVED) * Q):.0f}"
    assert interval == "41 to 94"
    texts = [terminal.summary_text(stored), report.summary_markdown(Study(stored)), page_html(Study(stored))]
    for text in texts:
        assert f"88% ({interval})" in text
        assert "12.5 (all 4 alike)" in text
        assert "87.5 to 87.5" not in text
        assert not re.search(r"12\.5\d* \(12\.5", text)
        assert "± 0" not in text


def test_differences_in_words_csv_and_picture_show_the_same_interval(stored: Stored, tmp_path: Path) -> None:
    runs = stored.tables["runs"]
    answer = contrasts(runs, 0, ["survived", "value"])
    end = pytest.approx(Q)
    row = answer.table.set_index("outcome").loc["survived"]
    assert (row["difference"], -row["t_low"], row["t_high"]) == (0.0, end, end)
    assert "the same as in" in answer.sentence
    assert f"95% interval −{100 * Q:.0f} to +{100 * Q:.0f} percentage points" in answer.sentence
    answer.table.to_csv(tmp_path / "contrasts.csv", index=False)
    with (tmp_path / "contrasts.csv").open(encoding="utf-8") as file:
        rows = {line["outcome"]: line for line in csv.DictReader(file)}
    assert float(rows["survived"]["t_high"]) == end
    assert (rows["value"]["t_low"], rows["value"]["method"]) == ("", "all alike")
    figure = plots.contrasts(paired(runs, 0, ["survived", "value"]))
    bars = [[line.get_xdata() for line in ax.lines if len(line.get_xdata()) == 2] for ax in figure.axes]
    assert any(x == pytest.approx([-100 * Q, 100 * Q]) for x in bars[0])
    assert all(x[0] == x[1] == 0.0 for x in bars[1] if set(x) != {0.0, 1.0}), "no bar without an interval"


def test_the_tables_of_analyses_are_rounded_by_their_intervals() -> None:
    row = {"difference": -25.921, "t_low": -27.852, "t_high": -23.99, "boot_low": -31.06, "boot_high": -2.12, "n": 30}
    assert list(_rounded(row).values()) == ["−25.9", "−27.9", "−24.0", "−31", "−2", "30"]
    row = {"low": 0.05, "high": 0.5, "mu_star": 0.29987, "mu_star_low": 0.26382, "mu_star_high": 0.3388, "mu": 1.23456}
    assert list(_rounded(row).values()) == ["0.05", "0.5", "0.300", "0.264", "0.339", "1.235"]
    row = {"going_on": 0.51234, "low": 0.4, "high": 0.6, "greenwood_low": 0.5, "greenwood_high": 0.52}
    assert list(_rounded(row).values()) == ["0.51", "0.40", "0.60", "0.500", "0.520"]


def test_the_rule_that_ends_a_sweep_goes_by_the_same_interval() -> None:
    found = Precision({"survived": 0.5, "value": 0.5})
    found.add([pd.DataFrame({"survived": [SURVIVED] * 4, "value": [12.5] * 4})])
    assert found.half_width("survived") == mean_of([SURVIVED] * 4, SHARE).reach == pytest.approx(SURVIVED * Q)
    assert found.half_widths()["value"] is None


def test_no_ribbon_is_drawn_where_nothing_tells_how_sure_a_mean_is(stored: Stored) -> None:
    monthly = stored.tables["monthly"].assign(se=0.0)
    drawn = plots.trajectories(monthly, stored.tables["cells"].iloc[:1])
    assert "95% interval of the mean over replicates, where they are not all alike" in " ".join(
        drawn.get_supxlabel().split()
    )
    ribbons = [band for ax in drawn.axes for band in ax.collections if band.get_alpha() == 0.35]
    heights = [np.ptp(path.vertices[:, 1]) for band in ribbons for path in band.get_paths()]
    assert not np.nansum(heights)


@pytest.mark.parametrize("replicates", [1, 2])
def test_the_tables_of_a_sweep_have_no_standard_error_of_one_replicate(replicates: int, tmp_path: Path) -> None:
    experiment = experiment_of([dyad(months=6)], replicates, 3, "test")
    tables = read_results(run_experiment(experiment, tmp_path / "result", jobs=1)).tables
    for name in ("monthly", "ledger"):
        assert tables[name]["se"].notna().all() == (replicates > 1), name
        assert tables[name]["se"].isna().all() == (replicates == 1), name
    assert set(tables["monthly"]["replicates"]) <= {1, replicates}


def test_sums_of_one_living_replicate_have_no_standard_error() -> None:
    moments = simulate(dyad(months=3), 2, 1).moments.copy()
    moments[1, 2:] = 0.0  # in the second replicate nobody is left
    moments[:, 3] = 0.0  # and then in none
    parts = [sums_of(moments[:1]), sums_of(moments[1:])]
    assert np.isnan(parts[0].standard_error()).all()
    error = add_sums(*parts).standard_error()
    assert np.isfinite(error[1]).any()
    assert np.isnan(error[2:]).all()


def test_a_what_if_of_one_replicate_and_of_equal_ones() -> None:
    """In the dyad nothing happens by chance, so that every replicate is like the first."""
    breach = Added({"kind": "breach", "month": 3, "severity": 0.4, "who": 1})
    one, four = (effect_of(dyad(months=6), [breach], replicates) for replicates in (1, 4))
    assert "(one replicate: no interval)" in one.sentence()
    assert one.table[["low", "high"]].isna().all(axis=None)
    found = four.table.set_index("outcome").loc["trust"]
    assert found["difference"] < 0.0
    assert (found["low"], found["method"]) == (pytest.approx(found["difference"] * (1 - Q) - Q), "rule of three")
    assert four.table.set_index("outcome").loc["value", ["low", "high"]].isna().all()
    said = re.search(r"95% interval −(\d\.\d\d) to \+(\d\.\d\d)\)", four.sentence())
    assert said
    assert float(said[2]) == pytest.approx(found["high"], abs=0.005)
