"""One hump or two: the test, its resampling and its sentences, on distributions that are known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from sim.analysis import basics
from sim.analysis import humps as study
from sim.analysis.humps import critical_bandwidth, heat, humps, modes, silverman_test
from sim.dynamics.state import BINS, CAUSES_OF_ENDING
from sim.engine import simulate
from tests.builders import busy

EDGES = np.linspace(0.0, 1.0, BINS + 1)


def counts(values: np.ndarray) -> np.ndarray:
    return np.histogram(values, EDGES)[0].astype(np.float64)


def two_kinds(n: int, seed: int = 1) -> np.ndarray:
    """40% near 0.1, 60% near 0.9."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(n) < 0.4, rng.normal(0.12, 0.03, n), rng.normal(0.88, 0.03, n)).clip(0.0, 0.999)


def histogram(values: np.ndarray, cell: int = 0, month: int = 12) -> pd.DataFrame:
    """The table ``histogram`` of a result folder."""
    found = counts(values)
    used = np.flatnonzero(found)
    rows = {"cell": cell, "month": month, "variable": "trust", "low": EDGES[used], "high": EDGES[used + 1]}
    return pd.DataFrame({**rows, "count": found[used].astype(int)})


def alliances(values: np.ndarray, replicates: np.ndarray, cell: int = 0) -> pd.DataFrame:
    return pd.DataFrame({"cell": cell, "replicate": replicates, "trust": values, "cause": CAUSES_OF_ENDING[0]})


CELL = pd.DataFrame({"cell": [0], "label": ["baseline"]})


# Smoothing and modes
def test_heat_loses_nothing_and_flattens_in_the_end() -> None:
    found = counts(two_kinds(500))
    assert heat(found, 3.0).sum() == pytest.approx(500.0)
    assert heat(found, 0.0) == pytest.approx(found)
    assert heat(found, 1e3) == pytest.approx(np.full(BINS, 5.0))


@pytest.mark.parametrize(
    ("curve", "peaks"),
    [([0, 1, 0], 1), ([1, 0, 1], 2), ([1, 2, 3], 1), ([3, 2, 1], 1), ([0, 2, 2, 1, 3, 0], 2), ([1, 1, 1], 1)],
)
def test_peaks_are_counted_those_at_the_ends_too(curve: list[int], peaks: int) -> None:
    assert modes(np.array(curve, dtype=float)) == peaks


def test_the_critical_bandwidth_is_where_the_second_hump_goes() -> None:
    """Two equal normals of sd s at ±d merge where s² + h² = d²: here d = 0.2, s = 0.1, in bins of 0.01."""
    from scipy.stats import norm

    middles = (EDGES[:-1] + EDGES[1:]) / 2.0
    found = 1e6 * (norm.pdf(middles, 0.3, 0.05) + norm.pdf(middles, 0.7, 0.05))
    merged = critical_bandwidth(np.pad(found, len(found)))  # room enough to spread freely
    assert merged == pytest.approx(100.0 * math.sqrt(0.2**2 - 0.05**2), rel=0.01)


# Silverman's test
def test_one_hump_is_rarely_rejected() -> None:
    rng = np.random.default_rng(2)
    p = [silverman_test(counts(rng.normal(0.5, 0.1, 300)), rng) for _ in range(40)]
    assert np.mean(np.array(p) < 0.05) <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / 40)  # the test is known to be cautious


def test_piles_at_the_bounds_are_no_humps_of_their_own() -> None:
    """Of a normal held within 0 and 1, a tenth lies at each bound."""
    rng = np.random.default_rng(5)
    p = [silverman_test(counts(rng.normal(0.5, 0.4, 200).clip(0.0, 1.0)), rng) for _ in range(40)]
    assert np.mean(np.array(p) < 0.05) <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / 40)


def test_two_humps_are_found() -> None:
    assert silverman_test(counts(two_kinds(300)), np.random.default_rng(3)) < 0.01


def test_a_single_value_is_one_hump() -> None:
    assert silverman_test(counts(np.full(50, 0.5)), np.random.default_rng(4)) == 1.0


# The answer
def test_the_mean_that_describes_nobody_is_said() -> None:
    answer = humps(histogram(two_kinds(2000)), CELL)
    row = answer.table.iloc[0]
    assert row["humps"] == 2
    assert row["low_share"] == pytest.approx(0.4, abs=4 * math.sqrt(0.24 / 2000))
    assert row["low_share_low"] < 0.4 < row["low_share_high"]
    assert row["low_mode_low"] <= row["low_mode"] <= row["low_mode_high"]
    assert (row["near_mean"], row["by"]) == (0.0, "alliances")
    assert answer.sentence.startswith("Baseline: the mean trust of 0.5")
    assert "describes hardly anybody (0% are within 0.1 of it)" in answer.sentence
    assert "near 0.1" in answer.sentence


def test_one_hump_is_said() -> None:
    answer = humps(histogram(np.random.default_rng(5).normal(0.6, 0.1, 1000).clip(0, 0.99)), CELL)
    assert answer.sentence.startswith("Baseline: trust has one hump, at 0.6")
    assert math.isnan(answer.table["low_share"].iloc[0])


def test_replicates_that_share_their_fate_widen_the_interval_of_the_shares() -> None:
    """All 40 alliances of a replicate are of one kind: 30 kinds are seen and not 1200."""
    rng = np.random.default_rng(6)
    kind = rng.random(30) < 0.4
    values = np.where(np.repeat(kind, 40), rng.normal(0.12, 0.03, 1200), rng.normal(0.88, 0.03, 1200)).clip(0, 0.999)
    replicates = np.repeat(np.arange(30), 40)
    alone = humps(histogram(values), CELL).table.iloc[0]
    clustered = humps(histogram(values), CELL, alliances=alliances(values, replicates)).table.iloc[0]
    assert clustered["by"] == "replicates"
    ratio = (clustered["low_share_high"] - clustered["low_share_low"]) / (
        alone["low_share_high"] - alone["low_share_low"]
    )
    assert ratio == pytest.approx(math.sqrt(40), rel=0.25)


def test_two_humps_that_come_from_few_replicates_are_not_sure() -> None:
    """One replicate of six is of the other kind: a resample lacks it with chance (5/6)⁶ = 33%."""
    rng = np.random.default_rng(7)
    values = np.concatenate([rng.normal(0.2, 0.03, 100), rng.normal(0.8, 0.03, 500)])
    found = humps(histogram(values), CELL, alliances=alliances(values, np.repeat(np.arange(6), 100)))
    assert found.table["two_humps"].iloc[0] == pytest.approx(1 - (5 / 6) ** 6, abs=4 * math.sqrt(0.22 / 400))
    assert math.isnan(found.table["low_share_low"].iloc[0])  # of 6 it would hold the share less often than it says
    assert "perhaps two humps, not beyond chance" in found.sentence


def test_intervals_of_the_humps_are_over_the_resamples_that_have_two() -> None:
    """One replicate of ten is of the other kind: a resample lacks it, and has one hump, with chance 0.9¹⁰ = 35%."""
    values = np.where(np.arange(1000) < 100, 0.2, 0.8) + np.random.default_rng(12).normal(0.0, 0.03, 1000)
    row = humps(histogram(values), CELL, alliances=alliances(values, np.repeat(np.arange(10), 100))).table.iloc[0]
    assert row["two_humps"] == pytest.approx(1 - 0.9**10, abs=4 * math.sqrt(0.23 / 400))
    assert (row["low_mode_low"], row["low_mode_high"]) == pytest.approx((0.2, 0.2), abs=0.02)
    assert row["low_share_low"] == pytest.approx(0.1)  # of those with it, the fewest have it once


def test_a_single_replicate_cannot_be_drawn_anew() -> None:
    table = humps(histogram(two_kinds(300)), CELL, alliances=alliances(two_kinds(300), np.zeros(300, dtype=int))).table
    assert table["by"].iloc[0] == "alliances"


def test_two_humps_that_are_not_sure_are_no_title_either() -> None:
    """One replicate of six is of the other kind."""
    values = np.where(np.arange(600) < 100, 0.2, 0.8) + np.random.default_rng(9).normal(0.0, 0.03, 600)
    answer = humps(histogram(values), CELL, alliances=alliances(values, np.repeat(np.arange(6), 100)))
    assert answer.figure.get_suptitle().startswith("Trust ends perhaps in two humps: near 0.2")


@pytest.mark.parametrize("n", [1, 20])
def test_of_few_alliances_it_is_not_said_that_they_have_one_hump(n: int) -> None:
    """20 alliances of two clear kinds are too few for the rule."""
    values = np.where(np.arange(n) % 2 == 0, 0.2, 0.8) + np.random.default_rng(1).normal(0.0, 0.08, n)
    answer = humps(histogram(values), CELL)
    assert "has one hump" not in answer.sentence
    assert ("20 alliances are too few" if n > 1 else "one alliance goes on, with trust 0.") in answer.sentence
    assert answer.figure.get_suptitle() == "Trust shows no two humps at the horizon"


def test_what_a_long_tail_adds_is_called_small() -> None:
    """Silverman's test counts any bump in a long tail as a second hump, the rule does not."""
    values = (0.5 + 0.02 * np.random.default_rng(10).standard_t(1, 1000)).clip(0.0, 0.999)
    answer = humps(histogram(values), CELL)
    assert answer.table["p_one_hump"].iloc[0] < 0.05
    assert "trust has one main hump, at 0.49" in answer.sentence
    assert "beside it is small or shallow" in answer.sentence


SHAPES = {
    "skewed": lambda rng, n: rng.beta(1.0, 5.0, n),
    "flat": lambda rng, n: rng.random(n),
    "held at 0": lambda rng, n: rng.normal(0.25, 0.3, n).clip(0.0, 1.0),
    "held at both bounds": lambda rng, n: rng.normal(0.5, 0.4, n).clip(0.0, 1.0),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [50, 200])
def test_one_kind_of_any_shape_is_rarely_called_two(shape: str, n: int) -> None:
    """Clipped normal values and 50 alliances: half of the samples had two humps when a pile-up counted twice."""
    rng = np.random.default_rng(11)
    two = [basics.humps_of(counts(SHAPES[shape](rng, n)), EDGES)[1] == 2 for _ in range(100)]
    assert np.mean(two) <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / 100)


def test_the_alliances_table_and_the_histogram_count_the_same() -> None:
    result = simulate(busy(months=24), 6)
    by_hand = study._by_replicate(result.alliances_table(), "trust", EDGES).sum(axis=0)
    column = basics.VARIABLES.index("trust")
    assert by_hand.tolist() == result.histogram[24, column].tolist()


def test_a_cell_in_which_nobody_is_left_has_no_distribution() -> None:
    table = histogram(two_kinds(50), month=0)
    table = pd.concat([table, table.assign(month=12, variable="value")])  # nobody's trust at the horizon
    answer = humps(table, CELL)
    assert answer.sentence == "Baseline: no alliance goes on, so trust has no distribution."


def test_of_many_cells_the_count_and_those_with_two_humps_are_said() -> None:
    one = np.random.default_rng(8).normal(0.6, 0.1, 500).clip(0, 0.99)
    table = pd.concat([histogram(two_kinds(500) if cell == 4 else one, cell) for cell in range(8)])
    cells = pd.DataFrame({"cell": range(8), "label": [f"cell {cell}" for cell in range(8)]})
    said = humps(table, cells).sentence
    assert said.startswith("In 1 of 8 cells trust has two humps. Cell 4: the mean trust")
    assert "one hump, at" not in said


def test_a_cell_without_runs_is_refused() -> None:
    with pytest.raises(ValueError, match="cell 3 has no histogram"):
        humps(histogram(two_kinds(50)), pd.DataFrame({"cell": [3], "label": ["x"]}))
