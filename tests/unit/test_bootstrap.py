"""Bootstrap intervals of paired differences against the t interval, which is right where differences are normal."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from sim import intervals
from sim.study import analysis
from sim.study.contrasts import contrasts


def table(**cells: np.ndarray) -> pd.DataFrame:
    """A table of runs: one cell for each keyword, with the outcomes value and trust."""
    frames = [
        pd.DataFrame({"cell": k, "label": label, "replicate": range(len(x)), "value": x, "trust": x / 10.0})
        for k, (label, x) in enumerate(cells.items())
    ]
    return pd.concat(frames, ignore_index=True)


def test_it_agrees_with_the_t_interval_on_normal_values() -> None:
    x = np.random.default_rng(1).normal(3.0, 2.0, 200)
    t, found = intervals.mean_of(x), intervals.bootstrap_of(x, seed=1, resamples=20_000)
    # An end of 20 000 resamples, bias-corrected, errs by 0.7% of the width; t and z differ by 0.6%, skewness by 1%.
    assert found.low == pytest.approx(t.low, abs=0.1 * t.half)
    assert found.high == pytest.approx(t.high, abs=0.1 * t.half)


@pytest.mark.parametrize(("values", "samples"), [(40, 300), (8, 700)])
def test_it_covers_the_mean_as_often_as_it_says(values: int, samples: int) -> None:
    """Of few values too: of 8 normal ones a plain BCa interval holds the mean 88 times in 100."""
    drawn = np.random.default_rng(values).normal(1.0, 1.0, (samples, values))
    found = [intervals.bootstrap_of(x, seed=k, resamples=400) for k, x in enumerate(drawn)]
    covered = np.mean([one.low <= 1.0 <= one.high for one in found])
    assert covered == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / samples))


def test_the_level_of_percentiles_makes_up_for_few_values() -> None:
    """By hand for 8: t at 7 degrees of freedom is 2.3646, times √(8/7) is 2.5279, beyond which lie 0.573% each way."""
    assert intervals.resampled_level(8) == pytest.approx(1.0 - 2 * 0.00573, abs=1e-4)
    assert intervals.resampled_level(100_000) == pytest.approx(0.95, abs=1e-4)


def test_it_leans_to_the_long_side_of_lopsided_values() -> None:
    x = np.random.default_rng(3).exponential(1.0, 40)
    found = intervals.bootstrap_of(x, seed=1)
    assert found.high - x.mean() > 1.15 * (x.mean() - found.low)


def test_it_is_the_same_for_the_same_seed_and_drops_what_is_not_defined() -> None:
    x = [1.0, 4.0, 2.0, 8.0, 5.0, 3.0, 9.0, 1.5]
    assert intervals.bootstrap_of(x, seed=4) == intervals.bootstrap_of([*x, math.nan], seed=4)
    assert intervals.bootstrap_of(x, seed=4) != intervals.bootstrap_of(x, seed=5)


def test_equal_values_are_judged_as_everywhere_and_few_values_have_no_interval() -> None:
    alike = intervals.bootstrap_of([0.5] * 8, bounds=intervals.SHARE)
    assert alike == intervals.mean_of([0.5] * 8, intervals.SHARE)
    assert alike.low < 0.5 < alike.high
    assert intervals.bootstrap_of([2.0] * 8).method == intervals.ALIKE
    for few in (1, 7):
        assert not intervals.bootstrap_of(range(few)).known


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
    assert "95% BCa bootstrap interval" in " ".join(answer.figure.get_supxlabel().split())


def test_few_pairs_are_judged_by_the_t_interval() -> None:
    """Three differences of one sign: every resample has that sign too, and by chance a quarter of all triples do."""
    answer = contrasts(table(base=np.zeros(3), other=np.array([1.0, 2.0, 6.0])), 0, ["value"])
    assert answer.sentence.startswith("Other: value not distinguishable from base")
    assert "Intervals of fewer than 8 pairs are t intervals" in answer.sentence
    assert answer.figure.get_suptitle() == "Other: value not distinguishable from base"
    assert "95% interval over replicates" in " ".join(answer.figure.get_supxlabel().split())


def test_where_nothing_differs_no_cell_is_said_to() -> None:
    x = np.random.default_rng(9).normal(0.0, 1.0, (3, 30))
    answer = contrasts(table(base=x[0], one=x[1], two=x[2]), 0, ["value"])
    assert answer.sentence.count("not distinguishable from base") == 2
    assert "Each of the 2 intervals is for itself" in answer.sentence
    title = " ".join(answer.figure.get_suptitle().split())
    assert title == "Value is not distinguishable from base in any of 2 cells"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (np.array([3.0]), "Other: value 2 money higher than base (one paired replicate: no interval)."),
        (np.array([1.0]), "Other: value the same as in base (one paired replicate: no interval)."),
        (np.array([math.nan]), "Other: value cannot be compared with base (in no replicate defined in both)."),
    ],
)
def test_a_single_pair_has_no_interval(other: np.ndarray, said: str) -> None:
    answer = contrasts(table(base=np.array([1.0]), other=other), 0, ["value", "trust"])
    assert answer.sentence == said
    assert answer.figure.get_suptitle()


def test_a_title_claims_nothing_of_one_replicate() -> None:
    one = contrasts(table(base=np.array([1.0]), other=np.array([3.0]), third=np.array([2.0])), 0, ["value"])
    assert one.figure.get_suptitle() == "One replicate cannot tell value in any cell from base"
    alone = contrasts(table(base=np.array([1.0]), other=np.array([3.0])), 0, ["value"])
    assert alone.figure.get_suptitle() == "Other: value 2 money higher than base in one replicate"


def test_a_figure_is_drawn_only_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.study.contrasts.contrasts_figure", lambda *_: pytest.fail("drawn"))
    assert contrasts(table(base=np.arange(9.0), other=np.arange(9.0) + 1.0), 0, ["value"]).sentence


def test_one_cell_has_nothing_to_be_compared_with() -> None:
    with pytest.raises(ValueError, match="one cell only"):
        contrasts(table(base=np.array([1.0, 2.0])), 0, ["value"])


def test_memory_grows_with_the_replicates_and_not_with_their_square(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(3).normal(size=2000)
    intervals.bootstrap_of(x[:10])  # imports what is imported late
    tracemalloc.start()
    try:
        in_batches = intervals.bootstrap_of(x)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * intervals.RESAMPLES_AT_ONCE * x.nbytes < len(x) * x.nbytes / 3
    monkeypatch.setattr(intervals, "RESAMPLES_AT_ONCE", len(x))
    assert intervals.bootstrap_of(x) == in_batches
