"""Designs that sample: strata, balance, bounds, seeds, and the same futures for every policy."""

from __future__ import annotations

import itertools
import json
import math
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import qmc

from sim.parameters import Parameters, Traits, meta
from sim.scenario import Scenario
from sim.sweeps.design import Experiment, experiment_of
from sim.sweeps.sampling import (
    KINDS,
    LATIN_HYPERCUBE,
    LIST,
    ONE_AT_A_TIME,
    SAMPLED,
    SOBOL,
    Design,
    Point,
    Range,
    read_design,
    read_range,
)
from sim.tomlfile import BadFile

TEXTS = {"title": "T", "question": "Q?", "source": "S", "expected": "E."}
UNCERTAIN: dict[str, Any] = {"trust_gain": Range(0.01, 0.1, "log"), "openness": Range(0.2, 0.9)}


def scenario(name: str = "plain", **data: Any) -> Scenario:
    return Scenario.from_plain({**TEXTS, "organizations": 4, "months": 6, **data}, name)


def design(*scenarios: Scenario, **fields: Any) -> Experiment:
    return experiment_of(list(scenarios) or [scenario()], replicates=2, seed=1, name="test").replace(**fields)


def sampled(kind: str = SOBOL, points: int = 8, seed: int = 1, **fields: Any) -> Experiment:
    return design(**{"factors": UNCERTAIN, "design": Design(kind, points=points, seed=seed), **fields})


def column(experiment: Experiment, factor: str) -> list[Any]:
    return [cell.factors[factor] for cell in experiment.cells()]


# Points in the unit cube
@settings(max_examples=25, deadline=None)
@given(points=st.integers(2, 200), dimensions=st.integers(1, 12), seed=st.integers(0, 2**63 - 1))
def test_a_latin_hypercube_has_one_point_in_each_stratum(points: int, dimensions: int, seed: int) -> None:
    sample = Design(LATIN_HYPERCUBE, points=points, seed=seed).sample(dimensions)
    assert sample.shape == (points, dimensions)
    for one in np.floor(sample * points).astype(int).T:
        assert sorted(one) == list(range(points))


@settings(max_examples=25, deadline=None)
@given(power=st.integers(1, 9), dimensions=st.integers(1, 12), seed=st.integers(0, 2**63 - 1))
def test_a_sobol_sequence_has_one_point_in_each_stratum(power: int, dimensions: int, seed: int) -> None:
    points = 2**power
    sample = Design(SOBOL, points=points, seed=seed).sample(dimensions)
    assert sample.shape == (points, dimensions)
    for one in np.floor(sample * points).astype(int).T:
        assert sorted(one) == list(range(points))


@pytest.mark.parametrize("seed", range(5))
def test_a_sobol_sequence_is_balanced_in_pairs(seed: int) -> None:
    """The first two dimensions form a (0, m, 2)-net: every binary box of area 1/64 holds one of 64 points."""
    sample = Design(SOBOL, points=64, seed=seed).sample(2)
    for k in range(7):
        boxes = np.floor(sample * [2**k, 2 ** (6 - k)]).astype(int)
        assert len({tuple(box) for box in boxes}) == 64


@pytest.mark.parametrize("seed", range(5))
def test_a_sobol_sequence_is_of_low_discrepancy(seed: int) -> None:
    random = np.random.default_rng(seed).random((256, 5))
    assert qmc.discrepancy(Design(SOBOL, points=256, seed=seed).sample(5)) < qmc.discrepancy(random) / 5


@pytest.mark.parametrize("kind", SAMPLED)
def test_the_seed_decides_the_points(kind: str) -> None:
    first = Design(kind, points=16, seed=3).sample(4)
    assert np.array_equal(first, Design(kind, points=16, seed=3).sample(4))
    assert not np.array_equal(first, Design(kind, points=16, seed=4).sample(4))


@settings(max_examples=10, deadline=None)
@given(power=st.integers(1, 8), dimensions=st.integers(1, 12), seed=st.integers(0, 2**63 - 1))
def test_twice_the_points_of_a_sobol_sequence_begin_with_the_same_points(
    power: int, dimensions: int, seed: int
) -> None:
    fewer, more = (Design(SOBOL, points=2**k, seed=seed).sample(dimensions) for k in (power, power + 1))
    assert np.array_equal(more[: len(fewer)], fewer)


# Ranges
@settings(max_examples=50, deadline=None)
@given(
    low=st.floats(1e-6, 1e3),
    width=st.floats(1e-3, 1e3),
    scale=st.sampled_from(["linear", "log"]),
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=20),
)
def test_values_lie_in_the_range_and_rise_with_the_share(
    low: float, width: float, scale: str, shares: list[float]
) -> None:
    along = Range(low, low + width, scale)
    values = along.at(np.array([0.0, *sorted(shares), 1.0]))
    assert values == sorted(values)
    assert values[0] == pytest.approx(along.low)
    assert values[-1] == pytest.approx(along.high)
    assert along.low <= min(values)
    assert max(values) <= along.high


def test_a_log_scale_gives_equal_ratios_equal_shares() -> None:
    assert Range(0.01, 100, "log").at(np.array([0, 0.25, 0.5, 0.75, 1])) == pytest.approx([0.01, 0.1, 1, 10, 100])
    assert Range(0.0, 4.0).at(np.array([0, 0.25, 0.5, 1])) == [0, 1, 2, 4]


def test_whole_numbers_have_equal_chances() -> None:
    shares = (np.arange(600) + 0.5) / 600
    values = Range(1, 6, integer=True).at(shares)
    assert all(isinstance(value, int) for value in values)
    assert [values.count(k) for k in range(1, 7)] == [100] * 6
    assert Range(1, 6, integer=True).at(np.array([0.0, 1.0])) == [1, 6]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((1, 1), "low must be below high"),
        ((0, 1, "log"), "a log scale needs low above 0"),
        ((0.5, 2, "linear", True), "integer needs whole ends"),
        ((math.nan, 1), "low must be a number"),
        ((0, True), "high must be a number"),
    ],
)
def test_what_is_no_range_is_refused(fields: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Range(*fields)


def test_declared_bounds_are_those_of_the_declaration() -> None:
    for name, field in [*Parameters.model_fields.items(), *Traits.model_fields.items()]:
        found, problems = read_range(name, "declared")
        about = meta(field)
        assert problems == []
        assert found == ((False, True) if field.annotation is bool else Range(about["low"], about["high"]))
    assert read_range("AOL.openness", "declared")[0] == Range(0.01, 1)
    for switch in ("events.crash.enabled", "market"):  # switches that are no parameter
        assert read_range(switch, "declared") == ((False, True), [])


def test_plausible_bounds_are_used_where_they_are_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = Parameters.model_fields["trust_gain"].json_schema_extra
    assert isinstance(extra, dict)
    monkeypatch.delitem(extra, "plausible_low", raising=False)
    monkeypatch.delitem(extra, "plausible_high", raising=False)
    found, problems = read_range("trust_gain", "plausible")
    assert found is None
    assert problems[0].startswith("has no plausible range")
    monkeypatch.setitem(extra, "plausible_low", 0.02)
    monkeypatch.setitem(extra, "plausible_high", 0.09)
    assert read_range("trust_gain", "plausible") == (Range(0.02, 0.09), [])


# Cells of sampled designs
@pytest.mark.parametrize("kind", SAMPLED)
def test_cells_are_points_with_short_labels_and_full_numbers(kind: str) -> None:
    experiment = sampled(kind)
    cells = experiment.cells()
    assert [cell.label for cell in cells] == [f"plain · point {k}" for k in range(1, 9)]
    for cell in cells:
        gain, openness = cell.factors["trust_gain"], cell.factors["openness"]
        assert 0.01 <= gain <= 0.1
        assert 0.2 <= openness <= 0.9
        assert cell.scenario.parameters.trust_gain == gain
        assert cell.scenario.groups[0].traits.openness.plain() == openness
    assert column(experiment, "openness") != column(sampled(kind, seed=2), "openness")
    assert experiment.digest() == sampled(kind).digest()


def test_the_seed_of_the_runs_leaves_the_points_alone() -> None:
    assert column(sampled(), "openness") == column(sampled().replace(seed=99), "openness")


def test_every_policy_and_scenario_meets_the_same_futures() -> None:
    experiment = design(
        scenario("first"),
        scenario("second"),
        factors={"monitoring": (0.0, 1.0), "relational_investment": (0.5, 1.0), **UNCERTAIN},
        levers=("monitoring", "relational_investment"),
        uncertainties=tuple(UNCERTAIN),
        design=Design(LATIN_HYPERCUBE, points=5),
    )
    cells = experiment.cells()
    assert len(cells) == 2 * 4 * 5
    futures = [
        [(cell.factors["trust_gain"], cell.factors["openness"]) for cell in cells[k : k + 5]] for k in range(0, 40, 5)
    ]
    assert all(future == futures[0] for future in futures)
    assert len(set(futures[0])) == 5
    policies = [(cell.factors["monitoring"], cell.factors["relational_investment"]) for cell in cells[:20:5]]
    assert policies == list(itertools.product((0.0, 1.0), (0.5, 1.0)))
    assert cells[7].label == "first · monitoring=0 · relational_investment=1 · point 3"
    assert experiment.describe() == (
        "latin hypercube: 4 combinations of 2 levers × 5 points over 2 uncertainties × 2 scenarios = 40 cells"
    )


def test_levels_are_sampled_with_equal_chances() -> None:
    crash = {"kind": "crash", "name": "crash", "month": 2, "depth": 0.5}
    factors = {
        "events.crash.enabled": (True, False),
        "openness": ({"label": "low", "value": 0.2}, {"label": "spread", "value": {"uniform": [0.2, 0.8]}}),
        "clamp_trust": read_range("clamp_trust", "declared")[0],
    }
    experiment = design(scenario(events=[crash]), factors=factors, design=Design(LATIN_HYPERCUBE, points=40))
    for factor, levels in [("events.crash.enabled", (True, False)), ("openness", ("low", "spread"))]:
        assert [column(experiment, factor).count(level) for level in levels] == [20, 20]
    assert column(experiment, "clamp_trust").count(True) == 20
    for cell in experiment.cells():
        assert cell.scenario.events[0].enabled is cell.factors["events.crash.enabled"]
        assert cell.scenario.parameters.clamp_trust is cell.factors["clamp_trust"]


def test_a_range_of_whole_numbers_may_set_the_network() -> None:
    experiment = sampled(factors={"partners": Range(1, 3, integer=True)}, points=16)
    assert set(column(experiment, "partners")) == {1, 2, 3}
    assert all(cell.scenario.network.partners == cell.factors["partners"] for cell in experiment.cells())


def test_values_that_do_not_go_together_are_found_before_the_run() -> None:
    with pytest.raises(BadFile, match=r"factors\.partners: 5 organizations cannot each have 3 partners"):
        sampled(factors={"partners": Range(1, 4, integer=True)}, settings={"organizations": 5})


def test_a_range_is_one_level_that_says_its_ends() -> None:
    (level,) = sampled().levels("trust_gain")
    assert level.shown == "0.01 to 0.1, log"


# Points from elsewhere
def test_a_sample_of_salib_can_be_run() -> None:
    sobol = pytest.importorskip("SALib.sample.sobol")
    experiment = sampled()
    problem = {"num_vars": 2, "names": experiment.sampled, "bounds": [[0, 1], [0, 1]]}
    unit = sobol.sample(problem, 8, calc_second_order=False, seed=1)
    run = experiment.with_points(experiment.scaled(unit))
    assert len(run.cells()) == len(unit) == 8 * 4
    assert column(run, "openness") == pytest.approx(0.2 + 0.7 * unit[:, 1])
    assert column(run, "trust_gain") == pytest.approx(0.01 * 10 ** unit[:, 0])
    assert run.cells()[4].label == "plain · point 5"
    assert run.factors == experiment.factors


def test_points_may_be_a_matrix_or_mappings() -> None:
    experiment = sampled(factors={**UNCERTAIN, "partners": Range(1, 3, integer=True)})
    matrix = experiment.with_points(np.array([[0.02, 0.3, 2], [0.05, 0.8, 1]]), labels=["dim", "bright"])
    mappings = experiment.with_points(
        [{"trust_gain": 0.02, "openness": 0.3, "partners": 2}, {"trust_gain": 0.05, "openness": 0.8, "partners": 1}]
    )
    assert matrix.digest() == mappings.digest()
    assert [cell.label for cell in matrix.cells()] == ["plain · dim", "plain · bright"]
    assert [cell.label for cell in mappings.cells()] == ["plain · point 1", "plain · point 2"]
    assert column(matrix, "partners") == [2, 1]


def test_points_meet_every_combination_of_levers() -> None:
    experiment = design(
        factors={"monitoring": (0.0, 1.0), **UNCERTAIN}, levers=("monitoring",), design=Design(SOBOL, points=2)
    )
    cells = experiment.with_points(
        [{"trust_gain": 0.05, "openness": 0.5}, {"trust_gain": 0.06, "openness": 0.5}]
    ).cells()
    assert [(cell.factors["monitoring"], cell.factors["trust_gain"]) for cell in cells] == [
        (0.0, 0.05), (0.0, 0.06), (1.0, 0.05), (1.0, 0.06),
    ]  # fmt: skip


def test_points_may_come_from_a_table_with_whole_and_other_numbers(tmp_path: Path) -> None:
    """As :mod:`pandas` reads them; 1 and 1.0 are the same level."""
    (tmp_path / "points.csv").write_text("trust_gain,openness,partners\n0.02,0.3,3\n0.05,0.8,1\n")
    points = pd.read_csv(tmp_path / "points.csv")
    experiment = design().with_points(points.to_dict("records"))
    assert column(experiment, "openness") == [0.3, 0.8]
    assert column(experiment, "partners") == [3, 1]
    mixed = [{"blame": 1, "openness": 0.3}, {"blame": 1.0, "openness": 0.4}]
    assert column(design().with_points(mixed), "blame") == [1.0, 1.0]


def test_points_that_do_not_fit_are_refused() -> None:
    experiment = sampled()
    with pytest.raises(ValueError, match=r"needed is \(points, 2\)"):
        experiment.with_points(np.full((3, 3), 0.5))
    with pytest.raises(ValueError, match=r"needed is \(points, 2\)"):
        experiment.scaled(np.full(4, 0.5))
    with pytest.raises(ValueError, match=r"lie in \[0, 1\]"):
        experiment.scaled(np.full((2, 2), 1.5))
    with pytest.raises(ValueError, match=r"a table has names for its columns: .*to_dict\('records'\)"):
        experiment.with_points(pd.DataFrame({"openness": [0.3], "trust_gain": [0.05]}))  # not in their order
    with pytest.raises(ValueError, match="1 labels for 2 points"):
        experiment.with_points(np.full((2, 2), 0.5), labels=["one"])
    with pytest.raises(
        BadFile, match=r"design.points.1.trust_gain: 0.5 is outside its range, 0.01 to 0.1, log \(2 points\)"
    ):
        experiment.with_points(np.full((2, 2), 0.5))


def test_a_point_may_come_twice_as_in_trajectories() -> None:
    point = {"trust_gain": 0.05, "openness": 0.5}
    assert len(sampled().with_points([point, point]).cells()) == 2


# One at a time
def one_at_a_time(*scenarios: Scenario, base: dict[str, Any] | None = None, **factors: Any) -> Experiment:
    return design(*scenarios, factors=factors, design=Design(ONE_AT_A_TIME, base=base or {}))


def test_one_factor_moves_at_a_time_from_the_scenarios_own_values() -> None:
    experiment = one_at_a_time(
        scenario("first", parameters={"trust_gain": 0.03, "trust_loss": 0.15}),
        scenario("second", parameters={"trust_gain": 0.05, "trust_loss": 0.15}),
        trust_gain=(0.01, 0.05, 0.1),
        trust_loss=(0.1, 0.2),
    )
    rows = [(cell.label, cell.factors["trust_gain"], cell.factors["trust_loss"]) for cell in experiment.cells()]
    assert rows == [
        ("first · base", 0.03, 0.15),
        ("first · trust_gain=0.01", 0.01, 0.15),
        ("first · trust_gain=0.05", 0.05, 0.15),
        ("first · trust_gain=0.1", 0.1, 0.15),
        ("first · trust_loss=0.1", 0.03, 0.1),
        ("first · trust_loss=0.2", 0.03, 0.2),
        ("second · base", 0.05, 0.15),
        ("second · trust_gain=0.01", 0.01, 0.15),  # its own 0.05 is the base and is not run again
        ("second · trust_gain=0.1", 0.1, 0.15),
        ("second · trust_loss=0.1", 0.05, 0.1),
        ("second · trust_loss=0.2", 0.05, 0.2),
    ]
    for cell in experiment.cells():
        assert cell.scenario.parameters.trust_gain == cell.factors["trust_gain"]
        assert cell.scenario.parameters.trust_loss == cell.factors["trust_loss"]


def test_the_others_stay_at_a_stated_base() -> None:
    cells = one_at_a_time(base={"trust_gain": 0.02}, trust_gain=(0.01, 0.04), openness=Range(0.1, 0.9)).cells()
    assert [cell.label for cell in cells] == [
        "plain · base", "plain · trust_gain=0.01", "plain · trust_gain=0.04",
        "plain · openness=0.1", "plain · openness=0.9",
    ]  # fmt: skip
    assert [cell.scenario.parameters.trust_gain for cell in cells] == [0.02, 0.01, 0.04, 0.02, 0.02]
    assert [cell.factors["openness"] for cell in cells] == ["normal(0.65, 0.2)"] * 3 + ["0.1", "0.9"]
    own = Traits().openness
    assert [cell.scenario.groups[0].traits.openness == own for cell in cells] == [True, True, True, False, False]


def test_the_base_is_shown_for_every_kind_of_factor() -> None:
    crash = {"kind": "crash", "name": "crash", "month": 2, "depth": 0.5}
    groups = [{"name": "a", "traits": {"openness": 0.3, "optimism": 0.2}}, {"name": "b", "traits": {"openness": 0.9}}]
    grouped = scenario(groups=groups, events=[crash], network={"mixing": "between", "partners": 2})
    experiment = one_at_a_time(
        grouped,
        **{
            "months": (3,), "mixing": ("any",), "partners": (1,), "openness": (0.5,), "a.optimism": (0.7,),
            "blame": (0.1,), "events.crash.enabled": (False,), "events.crash.depth": (0.1,), "clamp_ties": (True,),
        },
    )  # fmt: skip
    assert experiment.cells()[0].factors == {
        "months": 6, "mixing": "between", "partners": 2, "openness": "by group", "a.optimism": 0.2,
        "blame": "normal(0.4, 0.15)", "events.crash.enabled": True, "events.crash.depth": 0.5, "clamp_ties": False,
    }  # fmt: skip
    assert len(experiment.cells()) == 10
    pairs = one_at_a_time(scenario(network={"pairs": [[1, 2]]}), partners=(1, 2))
    assert column(pairs, "partners") == ["by pairs", "1", "2"]
    market = one_at_a_time(scenario(network={"pairs": [[1, 2]]}), market=(False, True))
    assert column(market, "market") == [False, True]


# Plain data
DESIGNS = [
    Design(),
    Design(ONE_AT_A_TIME),
    Design(ONE_AT_A_TIME, base={"trust_gain": 0.02}),
    Design(LATIN_HYPERCUBE, points=7, seed=3),
    Design(SOBOL, points=8),
    Design(LIST, listed=(Point({"trust_gain": 0.02}, "dim"), Point({"trust_gain": 0.05}))),
]


@pytest.mark.parametrize("written", DESIGNS, ids=lambda written: f"{written.kind}{len(written.base) or ''}")
def test_a_design_is_read_back_from_its_plain_data(written: Design) -> None:
    assert read_design(json.loads(json.dumps(written.plain()))) == (written, [])


def test_every_kind_of_design_is_tried() -> None:
    assert {each.kind for each in DESIGNS} == set(KINDS)


@pytest.mark.parametrize(
    "written", [Range(0, 1), Range(0.1, 10, "log"), Range(1, 9, integer=True), Range(1, 9, "log", True)], ids=str
)
def test_a_range_is_read_back_from_its_plain_data(written: Range) -> None:
    assert read_range("trust_gain", json.loads(json.dumps(written.plain()))) == (written, [])


def test_an_experiment_says_its_design_in_plain_data() -> None:
    plain = json.loads(json.dumps(sampled(levers=(), uncertainties=("openness",), precision={"trust": 0.01}).plain()))
    assert plain["factors"] == {
        "trust_gain": {"low": 0.01, "high": 0.1, "scale": "log"}, "openness": {"low": 0.2, "high": 0.9},
    }  # fmt: skip
    assert (plain["levers"], plain["uncertainties"]) == ([], ["openness"])
    assert plain["design"] == {"kind": "sobol", "points": 8, "seed": 1}
    assert (plain["precision"], plain["replicates"], plain["max_replicates"]) == ({"trust": 0.01}, 2, 40)


def test_what_toml_reads_is_what_a_design_takes() -> None:
    table = tomllib.loads('[design]\nkind = "list"\n[[design.points]]\nlabel = "dim"\nsynergy = 1.0\n')["design"]
    found, problems = read_design(table)
    assert problems == []
    assert found == Design(LIST, listed=(Point({"parameters.synergy": 1.0}, "dim"),))


# Size
def test_cells_are_counted_before_they_are_built() -> None:
    with pytest.raises(
        BadFile, match=r"design: make 32768 cells; at most 20000: take fewer points or levels of levers"
    ):
        design(
            factors={"monitoring": (0.0, 1.0, 2.0, 3.0), "blame": Range(0, 1)},
            levers=("monitoring",),
            design=Design(SOBOL, points=8192),
        )


# Roles and precision
def test_a_role_needs_a_factor() -> None:
    with pytest.raises(BadFile, match="levers: 'openness' is no factor of this experiment"):
        design(factors={"trust_gain": (0.1, 0.2)}, levers=("openness",))


def test_without_a_precision_replicates_are_fixed() -> None:
    experiment = design()
    assert (experiment.precision, experiment.max_replicates) == ({}, 2)
    assert experiment.replace(replicates=9).max_replicates == 9


def test_a_precision_decides_results_and_has_a_limit() -> None:
    experiment = design(precision={"trust": 0.01})
    assert experiment.max_replicates == 40
    assert experiment.digest() != design().digest()
    assert experiment.digest() != experiment.replace(precision={"trust": 0.02}).digest()
    assert experiment.digest() != experiment.replace(max_replicates=50).digest()
    with pytest.raises(BadFile, match="max_replicates: 40 is less than one batch"):
        experiment.replace(replicates=41)
