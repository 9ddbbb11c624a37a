"""How sure a number is: intervals worked by hand, the one policy for few or equal replicates, and digits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import intervals
from sim.dynamics.outcomes import OUTCOMES
from sim.engine import bands_of, simulate, spread_over_runs
from sim.intervals import ALIKE, EVERYWHERE, NONE, RULE_OF_THREE, SHARE, STUDENT, Interval, exact, mean_of, shown
from sim.library import available
from sim.scenario import load

T3 = 3.182446305284263  # 97.5% point of t with 3 degrees of freedom, from tables

values_in_0_1 = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12)


# ---------------------------------------------------------------------------------------------------------------
# Means
# ---------------------------------------------------------------------------------------------------------------
def test_the_t_interval_worked_by_hand() -> None:
    found = mean_of([1.0, 2.0, 3.0, 4.0])
    half = T3 * math.sqrt(5.0 / 3.0) / 2.0  # variance 5/3, n = 4
    assert (found.estimate, found.n, found.method, found.note) == (2.5, 4, STUDENT, "")
    assert (found.low, found.high) == pytest.approx((2.5 - half, 2.5 + half), abs=1e-9)
    assert (found.half, found.reach) == pytest.approx((half, half))


def test_what_is_not_defined_is_dropped() -> None:
    assert mean_of([1.0, math.nan, 3.0]) == mean_of([1.0, 3.0])


def test_one_value_has_no_interval_and_none_has_no_mean() -> None:
    one, none = mean_of([7.0], SHARE), mean_of([math.nan])
    assert (one.estimate, one.n, one.method, one.known, one.alike) == (7.0, 1, NONE, False, False)
    assert math.isnan(one.low) and math.isnan(one.high)  # noqa: PT018
    assert one.note == "one replicate: no interval"
    assert math.isnan(none.estimate)
    assert (none.n, none.known, none.note) == (0, False, "not defined")
    assert one.reach == none.reach == math.inf


def test_the_interval_covers_the_true_mean_as_often_as_it_says() -> None:
    samples = np.random.default_rng(11).normal(1.0, 2.0, (2000, 8))
    covered = np.mean([found.low <= 1.0 <= found.high for found in map(mean_of, samples)])
    assert covered == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 2000))


def test_an_interval_ends_at_the_bounds_of_the_variable() -> None:
    found = mean_of([0.0, 0.0, 0.0, 0.3], SHARE)
    assert found.low == 0.0
    assert found.high == mean_of([0.0, 0.0, 0.0, 0.3]).high
    assert found.reach == pytest.approx(mean_of([0.0, 0.0, 0.0, 0.3]).half)
    assert mean_of([0.97, 1.0, 1.0], SHARE).high == 1.0
    assert intervals.difference_bounds(SHARE) == (-1.0, 1.0)
    assert intervals.difference_bounds(EVERYWHERE) == EVERYWHERE


@given(values_in_0_1)
def test_no_interval_of_a_share_leaves_its_range_or_its_estimate(values: list[float]) -> None:
    found = mean_of(values, SHARE)
    if len(values) == 1:
        assert not found.known
    else:
        assert 0.0 <= found.low <= found.estimate <= found.high <= 1.0
        assert found.low < found.high, "no interval is a point"


# ---------------------------------------------------------------------------------------------------------------
# All alike
# ---------------------------------------------------------------------------------------------------------------
def test_four_equal_shares_are_not_known_for_sure() -> None:
    """A chance of q of something else goes unseen four times with (1 − q)⁴, which is 5% at q = 0.527."""
    q = 1.0 - 0.05**0.25
    found = mean_of([0.93] * 4, SHARE)
    assert (found.low, found.high) == pytest.approx((0.93 * (1 - q), 0.93 + 0.07 * q))
    assert (found.method, found.alike, found.note) == (RULE_OF_THREE, True, "all 4 replicates alike")
    assert found.reach == pytest.approx(0.93 * q)


def test_the_rule_of_three_is_about_three_by_n() -> None:
    assert intervals.chance_unseen(1) == pytest.approx(0.95)
    assert intervals.chance_unseen(300) == pytest.approx(0.01, rel=0.01)
    never = mean_of(np.zeros(300), SHARE)
    assert (never.low, never.high) == (0.0, pytest.approx(0.01, rel=0.01))


def test_the_rule_of_three_covers_as_often_as_it_says() -> None:
    """Where nothing was seen: of samples of a chance that goes unseen in 5% of them, those 5% are covered as well."""
    chance = intervals.chance_unseen(20) - 1e-9
    hits = np.random.default_rng(3).random((20_000, 20)) < chance
    unseen = ~hits.any(axis=1)
    assert unseen.mean() == pytest.approx(0.05, abs=0.007)
    assert mean_of(np.zeros(20), SHARE).high >= chance
    assert mean_of(np.zeros(20), SHARE).high < 1.01 * chance


@pytest.mark.parametrize("bounds", [EVERYWHERE, (0.0, math.inf)])
def test_equal_values_without_bounds_have_no_interval(bounds: intervals.Range) -> None:
    found = mean_of([2.5] * 3, bounds)
    assert (found.estimate, found.known, found.method) == (2.5, False, ALIKE)
    assert found.note == "all 3 replicates alike: no interval"
    assert found.reach == math.inf


def test_what_rounding_tells_apart_is_alike() -> None:
    assert 0.1 + 0.2 != 0.3, "the premise"
    assert mean_of([0.1 + 0.2, 0.3, 0.3]).method == ALIKE
    assert mean_of([100.0, 100.0 + 1e-9]).method == STUDENT


def test_every_kind_of_interval_judges_equal_replicates_alike() -> None:
    for n in (2, 4, 8):
        x = np.full(n, 0.25)
        expected = mean_of(x, SHARE)
        assert intervals.jackknife(0.25, x, SHARE) == expected
        if n >= intervals.FEWEST_RESAMPLED:
            low, high = intervals.resampled(np.full((100, 1), 0.25), n, SHARE)
            assert (low[0], high[0]) == (expected.low, expected.high)
            assert intervals.bootstrap_of(x, bounds=SHARE) == expected
        assert intervals.from_moments(n, 0.25, 0.0, 0.25, 0.25, SHARE) == expected
    low, high = intervals.around(np.full(3, 0.5), np.array([0.1, 0.0, 1e-17]), np.array([4, 4, 4]))
    assert (low[0], high[0]) == pytest.approx((0.5 - 0.1 * T3, 0.5 + 0.1 * T3))
    assert np.isnan([low[1:], high[1:]]).all()


def test_one_replicate_has_no_interval_of_any_kind() -> None:
    one = np.array([0.25])
    found = [mean_of(one, SHARE), intervals.jackknife(0.25, one), intervals.ratio_of(one, one)]
    found += [intervals.bootstrap_of(one), intervals.from_moments(1, 0.25, 0.0, 0.25, 0.25, SHARE)]
    assert all((one.n, one.known, one.method) == (1, False, NONE) for one in found)
    assert np.isnan(intervals.resampled(np.full((100, 2), 0.25), 1, SHARE)).all()
    assert np.isnan(intervals.around(np.ones(2), np.ones(2), np.array([1, 0]))).all()


def test_from_eight_replicates_on_they_are_drawn_anew() -> None:
    drawn = np.random.default_rng(1).normal(size=(2000, 1))
    assert np.isnan(intervals.resampled(drawn, 7)).all()
    low, high = intervals.resampled(drawn, 8)
    assert low[0] < -2.0 < 2.0 < high[0]
    assert intervals.bootstrap_of(np.arange(7.0)).note == "7 replicates: no interval, which takes 8"


def test_a_number_told_in_steps_is_no_surer_than_half_a_step() -> None:
    low, high = intervals.resampled(np.full((100, 1), 0.825), 20, SHARE, grain=0.01)
    assert (low[0], high[0]) == pytest.approx((0.82, 0.83))
    low, high = intervals.resampled(np.array([0.5, math.inf] * 50), 20, grain=0.1, on_drawn=True)
    assert (float(low), float(high)) == (pytest.approx(0.45), math.inf)


# ---------------------------------------------------------------------------------------------------------------
# Standard errors
# ---------------------------------------------------------------------------------------------------------------
def test_a_standard_error_takes_two_replicates() -> None:
    squares = np.array([8.0, 0.0])
    assert np.isnan(intervals.standard_error(squares, 1)).all()
    assert np.isnan(intervals.standard_error(squares, 0)).all()
    assert intervals.standard_error(squares, 4).tolist() == pytest.approx([math.sqrt(8.0 / 3.0 / 4.0), 0.0])
    found = intervals.error_of_weighted_mean(np.array([0.5, 0.0, 0.0, 0.5]), np.array([2, 1, 0, 1]))
    assert found[0] == pytest.approx(1.0)
    assert np.isnan(found[1:]).all()


@pytest.mark.parametrize("replicates", [1, 2, 3])
def test_the_engine_has_no_standard_error_of_one_replicate(replicates: int) -> None:
    moments = np.random.default_rng(1).random((replicates, 2, 10, 3)) + 1.0
    histogram = np.ones((2, 10, 100), np.int64)
    monthly = bands_of(moments, histogram).table()
    assert (monthly["replicates"] == replicates).all()
    assert monthly["se"].notna().eq(replicates > 1).all()
    moments[1:, 1, :, 0] = 0.0  # in month 1 one replicate alone has a living alliance
    alone = bands_of(moments, histogram).table().query("month == 1")
    assert (alone["replicates"] == 1).all()
    assert alone["se"].isna().all()
    _, error = spread_over_runs(np.random.default_rng(2).normal(size=(replicates, 3, 12)))
    assert (np.isnan(error) == (replicates == 1)).all()
    assert np.isnan(spread_over_runs(np.full((3, 3, 12), np.nan))[1]).all()


# ---------------------------------------------------------------------------------------------------------------
# Bounds of outcomes
# ---------------------------------------------------------------------------------------------------------------
def test_outcomes_lie_within_their_bounds() -> None:
    """In each of the shipped scenarios, alliance by alliance."""
    for path in available("scenarios").values():
        table = simulate(load(path), 2, 3).alliances_table()
        for name, outcome in OUTCOMES.items():
            if name in table:
                values = table[name].dropna()
                assert values.between(*outcome.bounds).all(), (path, name, values.min(), values.max())


# ---------------------------------------------------------------------------------------------------------------
# Digits
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("half", "value", "digits"),
    [
        (0.02, 0.31, 3), (0.013, 0.31, 3), (3.0, 88.0, 1), (12.0, 88.0, 0), (120.0, 900.0, -1), (1234.0, 9e4, -2),
        (0.0996, 0.5, 2), (0.0994, 0.5, 3), (math.nan, 0.4567, 3), (0.0, 0.4567, 3), (math.nan, 88.15, 1),
        (math.nan, 1234.5, 0), (math.nan, 5.0, 0), (math.nan, 0.0, 0), (math.nan, math.nan, 0), (math.nan, 0.9996, 2),
    ],
)  # fmt: skip
def test_decimals_are_those_of_two_digits_of_the_half_width(half: float, value: float, digits: int) -> None:
    assert intervals.decimals(half, value) == digits


def of_ends(value: float, low: float, high: float, n: int = 9, method: str = STUDENT) -> Interval:
    return Interval(value, low, high, n, method)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (of_ends(0.94, 0.9211, 0.9589), "0.940 (0.921 to 0.959)"),
        (of_ends(12345.0, 12111.0, 12579.0), "12340 (12110 to 12580)"),
        (of_ends(-0.0004, -0.02, 0.02), "0.000 (−0.020 to 0.020)"),
        (of_ends(0.1003, 0.0004, 0.2002), "0.1003 (0.0004 to 0.2002)"),  # an end that excludes zero does not read as it
        (Interval(5.0, n=1), "5"),
        (Interval(5.125, n=1), "5.12"),
        (Interval(12.0, n=4, method=ALIKE), "12 (all 4 alike)"),
        (Interval(math.nan), "not defined"),
        (exact(0.5), "0.500"),
    ],
)
def test_a_number_is_shown_with_its_interval(found: Interval, said: str) -> None:
    assert shown(found) == str(found) == said


def test_units_and_signs_stand_where_they_belong() -> None:
    found = of_ends(0.31, 0.29, 0.33)
    assert shown(found, " money", plus=True) == "+0.310 money (+0.290 to +0.330)"
    assert shown(found.times(100.0), "%", plus_minus=True) == "31.0 ± 2.0%"
    assert shown(mean_of([0.93] * 4, SHARE).times(100.0), "%", plus_minus=True) == "93% (44 to 97)"
    assert shown(of_ends(0.01, 0.0, 0.05), plus_minus=True) == "0.010 (0.000 to 0.050)"
    assert intervals.written(-1234.0, -2) == "−1200"
    assert intervals.written(0.0, 1, plus=True) == "0.0"
    assert intervals.written(math.inf, 1) == "inf"


finite = st.floats(-1e6, 1e6)
halves = st.floats(1e-6, 1e6)


@given(finite, halves)
def test_what_is_shown_is_what_is_known(value: float, half: float) -> None:
    """All have the same decimals, half the width has two digits in them, and nothing moves by more than half of one."""
    found = of_ends(value, value - half, value + half)
    digits = intervals.decimals(half, value)
    assert 10 <= round(half * 10.0**digits) <= 100
    told = shown(found)
    texts = [told.split(" ")[0], *told.partition("(")[2].rstrip(")").split(" to ")]
    assert len({len(text.partition(".")[2]) for text in texts}) == 1
    assert len(texts[0].partition(".")[2]) >= max(digits, 0)
    for text, number in zip(texts, (value, value - half, value + half), strict=True):
        assert not (text.startswith("−") and float(text.replace("−", "-")) == 0.0)
        assert abs(float(text.replace("−", "-")) - number) <= 0.5000001 * 10.0**-digits + 1e-9
    assert texts[1] != texts[2], "an interval is never shown as a point"


@given(st.integers(-(10**9), 10**9))
def test_a_whole_number_without_an_interval_stays_whole(value: int) -> None:
    assert shown(Interval(float(value), n=1)) == str(value).replace("-", "−")


@given(st.floats(1e-3, 1e9).filter(lambda value: value != round(value)))
def test_without_an_interval_there_are_three_digits(value: float) -> None:
    text = shown(Interval(value, n=1))
    assert float(text) == pytest.approx(value, rel=0.0051)
    assert len(text.replace(".", "").lstrip("0")) == 3 or value >= 99.0 or float(text) < 1e-2
