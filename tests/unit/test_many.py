"""Many runs at once: a batch of points is each point by itself, and arrays say what the tables say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.dynamics.state import BINS, CAUSES, LAYERS, VARIABLES, histogram_range
from sim.engine import QUANTILES, LiveRun, Result, record, simulate, simulate_history, simulate_many
from sim.scenario import Scenario
from sim.tomlfile import BadFile
from tests.builders import busy, dyad, market

FIELDS = ("organizations", "alliances", "moments", "ledger")


# ---------------------------------------------------------------------------------------------------------------
# Points
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("scenario", "settings"),
    [
        (busy(months=15), {"trust_gain": [0.02, 0.09, 0.05], "clamp_ties": [0.0, 1.0, 0.0]}),
        (busy(months=15), {"openness": [0.2, 0.9], "open.openness": [0.4, 0.1], "professed": [0.3, 0.8]}),
        (busy(months=15), {"open.openness": [0.4, 0.1], "openness": [0.2, 0.9]}),  # the later one holds for everybody
        (busy(months=15), {"operationalization": [0.3, 0.9], "relapse": [0.1, 0.02]}),
        (busy(months=15), {"events.crash@8.depth": [0.1, 0.7], "blame": [0.2, 0.2], "trust_start": [0.4, 0.6]}),
        (market(months=15), {"search_rate": [0.2, 0.9], "capacity": [1.0, 3.0], "trust_exit": [0.3, 0.05]}),
    ],
    ids=["parameters", "traits", "a group first", "practice", "an event", "a market"],
)
def test_a_point_of_a_batch_is_the_scenario_with_these_settings(scenario: Scenario, settings: dict[str, Any]) -> None:
    batch = simulate_many(scenario, settings, [3, 0], seed=9)
    histogram = np.zeros_like(batch.histogram)
    for k in range(len(next(iter(settings.values())))):
        own = {name: values[k] for name, values in settings.items()}
        own |= {name: bool(value) for name, value in own.items() if name == "clamp_ties"}
        alone = simulate(scenario.with_settings(own), [3, 0], seed=9)
        histogram += alone.histogram
        count = alone.alliances.shape[1]
        assert batch.organizations[k].tobytes() == alone.organizations.tobytes()
        assert batch.alliances[k, :, :count].tobytes() == alone.alliances.tobytes()
        assert not batch.alliances[k, :, count:].exists.any()
        assert batch.ledger[k, :, :count].tobytes() == alone.ledger.tobytes()
        assert batch.moments[k].tobytes() == alone.moments.tobytes()
        rows = batch.runs().query("point == @k")
        assert rows["replicate"].tolist() == [3, 0]
        assert all((rows[name] == settings[name][k]).all() for name in settings)
        pd.testing.assert_frame_equal(rows[list(alone.runs())].reset_index(drop=True), alone.runs(), check_exact=True)
    assert np.array_equal(batch.histogram, histogram)


def test_the_points_of_a_batch_do_differ() -> None:
    trust = simulate_many(dyad(months=30), {"trust_start": [0.2, 0.8, 0.2]}).means("trust")["trust"]
    assert trust.shape == (3, 1)
    assert trust[0, 0] == trust[2, 0] < trust[1, 0]


def test_the_bands_of_a_batch_are_over_all_its_points() -> None:
    batch = simulate_many(busy(months=6), {"trust_gain": [0.02, 0.09]}, 2)
    assert batch.bands().alliances[0, 0] == 4 * batch.alliances.shape[2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trust_gian": [0.1]}, "did you mean 'trust_gain'"),
        ({"trust_gain": [0.1, 9.0]}, "9 is out of range: from"),
        ({"trust_gain": [0.1, np.nan]}, "must be a number"),
        ({"openness": [0.5, -1.0]}, "-1 is out of range: from"),
        ({"open.openness": [0.5, 7.0]}, "7 is out of range: from"),
        ({"clamp_ties": [0.0, 0.5]}, "must be true or false"),
        ({"months": [12.0]}, "must be a whole number"),
        ({"partners": [2.0]}, "must be a whole number"),
        ({"mixing": [1.0]}, "is not allowed"),
        ({"events.crash@8.month": [3.0]}, "must be a whole number"),
        ({"events.crash@8.depth": [0.5, 3.0]}, "3 is out of range: from"),
    ],
)
def test_a_setting_that_no_point_can_have_is_refused_as_in_a_scenario(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BadFile) as caught:
        simulate_many(busy(months=12), settings)
    assert message in caught.value.problems[0].message


@pytest.mark.parametrize(
    "settings", [{}, {"trust_gain": []}, {"trust_gain": [0.1, 0.2], "blame": [0.1]}, {"blame": 0.1}, {"blame": [[0.1]]}]
)
def test_settings_are_equally_many_numbers(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="as many numbers as there are points"):
        simulate_many(busy(months=12), settings)


# ---------------------------------------------------------------------------------------------------------------
# Arrays
# ---------------------------------------------------------------------------------------------------------------
RESULTS = pytest.mark.parametrize(
    ("scenario", "replicates"),
    [(busy(months=20), 7), (dyad(months=20, trust_start_sd=0.2, turnover=0.1), 5), (market(months=20), 3), (busy(), 1)],
    ids=["busy", "dyad", "market", "one run"],
)


def spread_by_numpy(result: Result) -> dict[str, np.ndarray]:
    """Columns of ``monthly`` as NumPy works them out, without the compiled core."""
    moments, histogram = result.moments, result.histogram
    count, total, squares = np.moveaxis(moments.sum(0), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        residual = (moments[..., 0] / count * (moments[..., 1] / moments[..., 0] - mean)) ** 2
        runs = (moments[..., 0] > 0).sum(0)
        se = np.sqrt(np.nansum(residual, axis=0) * runs / np.maximum(runs - 1, 1))
        sd = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
    columns = {"alliances": count.astype(np.int64), "replicates": runs}
    columns |= {"mean": mean, "sd": sd, "se": np.where(runs > 1, se, np.nan)}
    cumulative = np.cumsum(histogram, axis=-1)
    lows, highs = histogram_range(len(histogram) - 1)
    for q in QUANTILES:
        target = q * cumulative[..., -1:]
        bin_ = np.minimum((cumulative < target).sum(-1), BINS - 1)
        inside = np.take_along_axis(histogram, bin_[..., None], -1)[..., 0]
        below = np.take_along_axis(cumulative, bin_[..., None], -1)[..., 0] - inside
        fraction = np.divide(target[..., 0] - below, inside, out=np.zeros(bin_.shape), where=inside > 0)
        columns[f"q{round(100 * q):02d}"] = lows + (highs - lows) * (bin_ + fraction) / BINS
    return {name: values.ravel()[count.ravel() > 0] for name, values in columns.items()}


@RESULTS
def test_the_months_of_a_result_are_to_the_bit_those_that_numpy_works_out(scenario: Scenario, replicates: int) -> None:
    result = simulate(scenario, replicates, seed=4)
    table, expected = result.monthly(), spread_by_numpy(result)
    assert list(table) == ["month", "variable", *expected]
    for name, values in expected.items():
        assert table[name].to_numpy().tobytes() == values.tobytes(), name
    for variable in VARIABLES:
        rows, bands = table[table["variable"] == variable], result.bands().of(variable)
        for name, values in bands.items():
            assert values[rows["month"]].tobytes() == rows[name].to_numpy().tobytes()


@RESULTS
def test_shares_and_ledger_as_arrays_are_those_of_the_tables(scenario: Scenario, replicates: int) -> None:
    result = simulate(scenario, replicates, seed=4)
    table, shares = result.survival(), result.survival_shares()
    assert list(table) == ["month", "distrust", "disappointment", "strategic change", "going on"]
    assert table.iloc[:, 1:].to_numpy().tobytes() == np.roll(shares, -1, axis=1).tobytes()
    assert shares.sum(axis=1) == pytest.approx(1.0)
    (mean, se), ledger = result.ledger_spread(), result.ledger_table()
    assert mean.shape == se.shape == (len(LAYERS), len(CAUSES))
    assert ledger["mean"].to_numpy().tobytes() == mean.tobytes()
    assert ledger["se"].to_numpy().tobytes() == se.tobytes()


def test_bands_of_an_unknown_variable_are_refused() -> None:
    with pytest.raises(ValueError, match="trsut"):
        simulate(dyad(), 1).bands().of("trsut")


# ---------------------------------------------------------------------------------------------------------------
# One history
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "scenario", [busy(), dyad(months=30, turnover=0.1), market(months=40)], ids=["busy", "dyad", "market"]
)
def test_a_history_is_to_the_bit_what_stepping_by_hand_keeps(scenario: Scenario) -> None:
    kept, stepped = simulate_history(scenario, 6, 2), record(LiveRun(scenario, 6, 2), LiveRun.step)
    for name in ("organizations", "alliances", "ledger", "market"):
        one, other = getattr(kept, name), getattr(stepped, name)
        assert one.shape == other.shape
        assert one.tobytes() == other.tobytes(), name
