"""Bootstrap intervals of paired differences against the t interval, which is right where differences are normal."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from sim.study import analysis
from sim.study.contrasts import contrasts


def table(**cells: np.ndarray) -> pd.DataFrame:
    """A table of runs: one cell for each keyword, with the outcomes value and trust."""
    frames = [
        pd.DataFrame({"cell": k, "label": label, "replicate": range(len(x)), "value": x, "trust": x / 10.0})
        for k, (label, x) in enumerate(cells.items())
    ]
    return pd.concat(frames, ignore_index=True)


@pytest.mark.parametrize("method", ["BCa", "percentile"])
def test_it_agrees_with_the_t_interval_on_normal_values(method: str) -> None:
    x = np.random.default_rng(1).normal(3.0, 2.0, 200)
    _, t_low, t_high, _ = analysis.interval(x)
    low, high = analysis.bootstrap_interval(x, seed=1, resamples=20_000, method=method)
    # An end of 20 000 resamples, bias-corrected, errs by 0.7% of the width; t and z differ by 0.6%, skewness by 1%.
    assert low == pytest.approx(t_low, abs=0.05 * (t_high - t_low))
    assert high == pytest.approx(t_high, abs=0.05 * (t_high - t_low))


def test_it_covers_the_mean_as_often_as_it_says() -> None:
    samples = np.random.default_rng(2).normal(1.0, 1.0, (300, 40))
    ends = [analysis.bootstrap_interval(x, seed=k, resamples=400) for k, x in enumerate(samples)]
    covered = np.mean([low <= 1.0 <= high for low, high in ends])
    # A bootstrap of n values is too narrow by about √(1 − 1/n) and by t against z: 0.94 with 40 values.
    assert covered == pytest.approx(0.94, abs=4 * math.sqrt(0.94 * 0.06 / 300))


def test_it_leans_to_the_long_side_of_lopsided_values() -> None:
    x = np.random.default_rng(3).exponential(1.0, 40)
    low, high = analysis.bootstrap_interval(x, seed=1)
    assert high - x.mean() > 1.15 * (x.mean() - low)


def test_it_is_the_same_for_the_same_seed_and_drops_what_is_not_defined() -> None:
    x = [1.0, 4.0, 2.0, 8.0, 5.0]
    assert analysis.bootstrap_interval(x, seed=4) == analysis.bootstrap_interval([*x, math.nan], seed=4)
    assert analysis.bootstrap_interval(x, seed=4) != analysis.bootstrap_interval(x, seed=5)


def test_equal_values_are_a_point_and_one_value_has_no_interval() -> None:
    assert analysis.bootstrap_interval([2.0, 2.0, 2.0]) == (2.0, 2.0)
    assert all(math.isnan(end) for end in analysis.bootstrap_interval([2.0]))


def test_contrasts_are_of_pairs() -> None:
    """Both cells swing with their replicate by 10, and differ by 1 ± 0.1: only a paired interval sees it."""
    rng = np.random.default_rng(5)
    luck = rng.normal(0.0, 10.0, 30)
    runs = table(base=luck, other=luck + 1.0 + rng.normal(0.0, 0.1, 30))
    row = analysis.bootstrap_contrasts(runs.sample(frac=1.0, random_state=1), 0, ["value"]).iloc[0]
    assert list(row.index) == analysis.BOOTSTRAP
    assert 0.9 < row["boot_low"] < row["difference"] < row["boot_high"] < 1.1


def test_a_replicate_that_one_cell_lacks_is_left_out() -> None:
    runs = table(base=np.array([1.0, 2.0, 3.0]), other=np.array([2.0, 4.0, math.nan]))
    row = analysis.bootstrap_contrasts(runs, 0, ["value"]).iloc[0]
    assert (row["n"], row["difference"]) == (2, 1.5)


def test_the_answer_says_the_first_outcome_and_how_far_both_intervals_are_apart() -> None:
    rng = np.random.default_rng(6)
    luck = rng.normal(5.0, 1.0, 50)
    answer = contrasts(table(base=luck, other=luck - 2.0 + rng.normal(0.0, 0.5, 50)), 0, ["value", "trust"])
    assert answer.sentence.startswith("Other: value 2.0")
    assert "lower than base" in answer.sentence
    assert "Bootstrap (BCa) and t intervals are apart by at most" in answer.sentence
    assert len(answer.table) == 2


def test_one_cell_has_nothing_to_be_compared_with() -> None:
    with pytest.raises(ValueError, match="one cell only"):
        contrasts(table(base=np.array([1.0, 2.0])), 0, ["value"])
