"""When a cell's means are precise enough: the interval itself, what has no spread, and how often it is right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sim.intervals import SHARE, mean_of
from sim.sweeps.design import FEWEST
from sim.sweeps.plan import Precision

Draw = Callable[[np.random.Generator, int], np.ndarray]


def precision(wanted: float, *rounds: object, outcome: str = "value") -> Precision:
    """After rounds of values."""
    found = Precision({outcome: wanted})
    for values in rounds:
        found.add([pd.DataFrame({outcome: np.asarray(values, dtype=float)})])
    return found


def test_the_half_width_is_that_of_a_t_interval_over_all_rounds() -> None:
    values = np.random.default_rng(1).normal(1e6, 1.0, 50)  # far from 0: sums of squares would lose the spread
    found = precision(1.0, values[:10], values[10:13], values[13:])
    low, high = stats.t.interval(0.95, 49, values.mean(), stats.sem(values))
    assert found.half_width("value") == pytest.approx((high - low) / 2, rel=1e-6)


def test_few_values_are_not_enough_however_alike() -> None:
    values = 0.5 + 1e-6 * np.arange(FEWEST)
    assert not precision(0.1, values[:-1]).reached()
    assert precision(0.1, values).reached()
    assert not precision(0.1, np.append(values[:-1], np.nan)).reached()  # an undefined value does not count


def test_without_any_spread_the_rule_of_three_holds() -> None:
    """0.7 is no sum of powers of two: its mean over ten runs is not 0.7 to the last bit, and yet there is no spread.

    What has not been seen in 150 runs may have a chance of 3/150, and takes a share from 0.7 to 0 at most.
    """
    rounds = [np.full(10, 0.7)] * 15
    assert not precision(0.0139, *rounds[:-1], outcome="survived").reached()
    found = precision(0.0139, *rounds, outcome="survived")
    assert found.half_width("survived") == pytest.approx(0.7 * 3 / 150, rel=0.02)
    assert found.half_width("survived") == mean_of(np.concatenate(rounds), SHARE).reach
    assert found.reached()


def test_what_has_no_bounds_is_not_precise_as_long_as_all_runs_are_alike() -> None:
    found = precision(100.0, np.full(500, 12.5))
    assert not found.reached()
    assert found.half_widths() == {"value": None}
    found.add([pd.DataFrame({"value": [12.0]})])
    assert found.reached()


def test_an_outcome_that_is_never_defined_is_never_precise() -> None:
    found = precision(100.0, np.full(500, np.nan))
    assert not found.reached()
    assert found.half_widths() == {"value": None}


def test_every_outcome_must_be_precise() -> None:
    found = Precision({"value": 0.5, "duration": 0.5})
    rng = np.random.default_rng(1)
    found.add([pd.DataFrame({"value": rng.normal(0, 1, 40), "duration": rng.normal(0, 5, 40)})])
    assert found.half_width("value") < 0.5 < found.half_width("duration")
    assert not found.reached()


@pytest.mark.parametrize(
    ("outcome", "draw", "mean", "wanted", "covered"),
    [
        ("value", lambda rng, n: rng.normal(0.0, 1.0, n), 0.0, 0.3, 0.94),
        ("survived", lambda rng, n: rng.random(n) < 0.05, 0.05, 0.04, 0.946),
    ],
    ids=["normal", "chance of one in twenty"],
)
def test_intervals_that_were_stopped_at_hold_the_mean_nearly_as_often_as_they_say(
    outcome: str, draw: Draw, mean: float, wanted: float, covered: float
) -> None:
    """Looking again and again costs a little: ``covered`` is the share in 4000 trials of the same rule."""
    trials = 150
    hits = 0
    for trial in range(trials):
        rng = np.random.default_rng([7, trial])
        found, values = Precision({outcome: wanted}), np.empty(0)
        while not found.reached():
            values = np.append(values, draw(rng, 10))
            found.add([pd.DataFrame({outcome: values[-10:]})])
        hits += abs(values.mean() - mean) <= found.half_width(outcome) + 1e-12
    assert hits / trials >= covered - 3 * np.sqrt(covered * (1 - covered) / trials)
