"""``alliance theory``: what it prints, what it writes, and that the engine's points lie where the closed forms say."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from sim.cli import alliance
from sim.study import phase
from sim.study.phase import EXAMPLE, Place, examine, loops, maps, places, portrait, simulate_ends, simulate_paths
from sim.study.plots.theory import hysteresis, phase_portrait, tipping_map

approx = pytest.approx


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*args: str, **options: Any) -> Result:
    return CliRunner().invoke(alliance, ["theory", *args], prog_name="alliance", **options)


def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a handful of places only, over less time and with fewer dyads."""
    every = phase.places
    monkeypatch.setattr(phase, "places", lambda *given: every(*given)[::3] + every(*given)[1::3])
    monkeypatch.setattr(phase, "STARTS", phase.STARTS[:4])
    monkeypatch.setattr(phase, "SETTLED_AFTER", 0.2)
    monkeypatch.setattr(phase, "END_DYADS", 4)
    monkeypatch.setattr(phase, "PATH_DYADS", 4)


def test_a_whole_study_is_written(monkeypatch, here):
    few(monkeypatch)
    done = call("--friction", "0.55", "--floor", "0.1", "--seed", "4")
    assert done.exit_code == 0, done.output
    (folder,) = (here / "results" / "theory").iterdir()
    assert str(folder.relative_to(here)) in done.output
    for words in ("loop gain G", "w_c = 0.5208", "c0* = 0.2315", "must fall below 0.50"):
        assert words in done.output
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["kind"] == "theory"
    assert manifest["field"]["floor"] == 0.1
    assert manifest["seed"] == 4
    assert manifest["command"] == "alliance theory --friction 0.55 --floor 0.1 --seed 4"
    assert [point["kind"] for point in manifest["fixed_points"]] == ["stable", "saddle", "stable"]
    figures = {
        f"figures/{name}.{kind}" for name in ("phase_portrait", "tipping_map", "hysteresis") for kind in ("png", "svg")
    }
    tables = {f"tables/{name}.parquet" for name in ("fixed_points", "paths", "ends")}
    assert set(manifest["files"]) == figures | tables
    for name, about in manifest["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == about["sha256"]
    for name, units in manifest["units"].items():
        assert list(pd.read_parquet(folder / "tables" / f"{name}.parquet").columns) == list(units)


def test_without_simulation_json_holds_the_closed_forms():
    done = call("--no-simulation", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    low, saddle, high = found["fixed_points"]
    assert (low["trust"], saddle["trust"], high["trust"]) == approx((0.0, 0.25917, 0.74083), abs=1e-5)
    assert saddle["rate"] > 0.0 > high["rate"]
    assert found["tipping_friction"] == approx(0.52083, abs=1e-5)
    assert found["critical_floor"] == approx(0.23148, abs=1e-5)
    assert found["folds"][-1] == approx({"friction": found["tipping_friction"], "trust": 0.5})
    assert 4 <= len(found["sentences"]) <= 6
    assert sorted(path.name for path in Path(found["folder"], "tables").iterdir()) == ["fixed_points.parquet"]


def test_mistakes_of_the_command_line_are_named_together():
    done = call("--friction", "2", "--half", "0", "--speed", "-1")
    assert done.exit_code == 2
    for words in ("--friction: must be from 0 to 1, got 2", "--half: must be from", "--speed: must be from"):
        assert words in done.stderr
    assert not Path("results").exists()


# ---------------------------------------------------------------------------------------------------------------
# The points
# ---------------------------------------------------------------------------------------------------------------
def test_the_engine_ends_where_the_mean_field_does(monkeypatch):
    """Away from the edge and the folds: four standard errors, and the jump of one step."""
    monkeypatch.setattr(phase, "END_DYADS", 100)
    wanted = [
        Place("loop", phase.field_with(friction=friction, floor=floor), trust)
        for friction, floor in ((0.2, 0.0), (0.8, 0.0), (0.3, 0.1), (0.5, 0.3))
        for trust in (phase.LOW_START, phase.HIGH_START)
    ]
    ends = simulate_ends(wanted, seed=5)
    assert list(ends.columns) == list(phase.UNITS["ends"])
    tolerance = 4.0 * ends["sd"] / np.sqrt(ends["dyads"]) + phase.END_JUMP
    assert ((ends["trust"] - ends["expected"]).abs() <= tolerance).all()
    assert ends["expected"].max() - ends["expected"].min() > 0.8


def test_the_points_do_not_depend_on_threads_or_order():
    wanted = places(examine(EXAMPLE), ())[:60:12]
    told: list[tuple[int, int]] = []
    ends = simulate_ends(wanted, seed=2, tick=lambda done, total: told.append((done, total)))
    alone = pd.concat([simulate_ends([place], seed=2) for place in reversed(wanted)][::-1], ignore_index=True)
    pd.testing.assert_frame_equal(ends, alone)
    assert told == [(k, len(wanted)) for k in range(1, len(wanted) + 1)]


def test_the_simulated_paths_follow_theory():
    plane = simulate_paths(portrait(examine(EXAMPLE)), seed=3)
    table = phase.paths_table(plane)
    assert len(table) == plane.paths.shape[0] * plane.paths.shape[1]
    apart = (table[["trust", "communication"]] - table[["expected_trust", "expected_communication"]].to_numpy()).abs()
    assert apart.to_numpy().max() < 0.06
    assert apart.to_numpy().mean() < 0.006
    with pytest.raises(ValueError, match="no simulated paths"):
        phase.paths_table(portrait(examine(EXAMPLE)))


# ---------------------------------------------------------------------------------------------------------------
# The figures
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("numbers", "panels", "titles"),
    [
        ({}, 3, ("lift each other to 0.74", "Friction above 0.52", "does not give back")),
        ({"floor": 0.3, "friction": 0.5}, 3, ("Wherever it starts", "ends in one place", "does not give back")),
        ({"half": 0.1}, 1, ("lift each other to 0.99", "no openness floor removes", "No friction takes")),
        ({"half": 0.9, "gain": 0.01, "loss": 0.5}, 3, ("goes to nothing", "removes the edge", "does not give back")),
    ],
)
def test_the_titles_say_what_came_out(numbers, panels, titles):
    findings = examine(phase.field_with(**numbers))
    shown = loops(findings)
    drawn = [
        phase_portrait(portrait(findings)),
        tipping_map(maps(findings, points=24)),
        hysteresis(shown, phase.friction_limit(findings.field)),
    ]
    assert len(drawn[2].axes) == len(shown) == panels
    for figure, words in zip(drawn, titles, strict=True):
        assert words in " ".join(figure.get_suptitle().split())
