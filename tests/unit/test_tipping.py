"""Tipping points against curves whose crossing is known, and the closed form of the mean field."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from sim.engine import simulate
from sim.study.response import Factor, Floats, Measure
from sim.study.theory import MeanField, mean_field_scenario, tipping_friction, tipping_trust
from sim.study.tipping import FOUND, RESAMPLES, tipping_point

UNIT = Factor("x", 0.0, 1.0)


def test_a_step_is_found_to_the_resolution() -> None:
    answer = tipping_point(lambda x: (x[:, 0] > 0.37).astype(float), UNIT, level=0.5, depth=10)
    row = answer.table.iloc[0]
    assert list(answer.table.columns) == FOUND
    assert row["resolution"] == pytest.approx(2**-10)
    assert row["tips_at"] == pytest.approx(0.37, abs=2**-11)
    assert (row["way"], row["crossings"]) == ("rises", 1)
    assert "one replicate: no interval, which takes 8" in answer.sentence


def test_the_interval_is_the_sampling_error() -> None:
    """Replicate r is the line x + g_r: the mean crosses 0.5 at 0.5 − mean(g), with the standard error of mean(g)."""
    luck = np.random.default_rng(1).normal(0.0, 0.1, 25)
    answer = tipping_point(lambda x: x[:, :1] + luck[None], UNIT, level=0.5, depth=12)
    row = answer.table.iloc[0]
    error = luck.std(ddof=0) / math.sqrt(25)
    assert row["tips_at"] == pytest.approx(0.5 - luck.mean(), abs=row["resolution"])
    assert row["tips_low"] < row["tips_at"] < row["tips_high"]
    # The quantile of 400 resamples errs by 7% of its distance.
    assert row["tips_high"] - row["tips_low"] == pytest.approx(2 * 1.96 * error, rel=0.25)
    assert row["crossed"] == 1.0


def test_the_interval_covers_the_crossing_as_often_as_it_says() -> None:
    """Of few replicates too: with 8, plain percentiles hold it 90 times in 100."""
    covered = 0
    for seed in range(60):
        luck = np.random.default_rng(seed).normal(0.0, 0.1, 8)
        row = tipping_point(lambda x, luck=luck: x[:, :1] + luck[None], UNIT, 0.5, 8, seed).table.iloc[0]
        covered += row["tips_low"] <= 0.5 <= row["tips_high"]
    assert covered / 60 == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 60))


def test_no_value_is_run_twice() -> None:
    asked: list[float] = []

    def respond(x: Floats) -> Floats:
        asked.extend(x[:, 0])
        return x[:, :1] + np.linspace(-0.02, 0.02, 10)[None]

    answer = tipping_point(respond, UNIT, level=0.5, depth=8)
    assert len(asked) == len(set(asked)) == len(answer.more["curve"])
    assert len(asked) < RESAMPLES / 10


def test_a_level_that_is_never_crossed_is_said() -> None:
    answer = tipping_point(lambda x: 0.2 + 0.1 * x[:, 0], UNIT, level=0.5)
    assert answer.table["crossings"].iloc[0] == 0
    assert math.isnan(answer.table["tips_at"].iloc[0])
    assert "does not cross 0.5" in answer.sentence
    assert "between 0.200 and 0.300" in answer.sentence


def test_several_crossings_are_said_and_the_first_is_given() -> None:
    answer = tipping_point(lambda x: np.cos(3.0 * math.pi * x[:, 0]), UNIT, level=0.0, depth=10)
    row = answer.table.iloc[0]
    assert (row["crossings"], row["way"]) == (3, "falls")
    assert row["tips_at"] == pytest.approx(1.0 / 6.0, abs=2**-10)
    assert "crosses 3 times" in answer.sentence
    assert "The scan crosses the level 3 times; marked is the first." in " ".join(answer.figure.get_supxlabel().split())


def test_resamples_that_do_not_cross_are_counted() -> None:
    """Half of the replicates rise beyond the level and half do not: many resamples never reach it."""
    gain = np.repeat([0.0, 1.0], 10)
    answer = tipping_point(lambda x: x[:, :1] * gain[None], UNIT, level=0.49, depth=6)
    assert 0.0 < answer.table["crossed"].iloc[0] < 1.0
    row = answer.table.iloc[0]
    assert math.isfinite(row["tips_low"])
    assert row["tips_high"] == math.inf  # those that do not cross have yet to
    assert " to beyond 1, 20 replicates)" in answer.sentence
    assert "of the resamples do not cross in this range" in answer.sentence
    assert "It goes on beyond the range." in " ".join(answer.figure.get_supxlabel().split())


def test_resamples_that_have_crossed_before_the_range_leave_the_interval_open_below() -> None:
    """Half of the replicates are above the level everywhere: where more of them are drawn the mean begins above it."""
    high = np.repeat([0.0, 1.0], 10)
    answer = tipping_point(lambda x: np.maximum(x[:, :1], high[None]), UNIT, level=0.52, depth=6)
    assert answer.table["tips_low"].iloc[0] == -math.inf
    assert "(95% interval below 0 to " in answer.sentence


def test_a_level_that_the_mean_just_misses_is_not_flatly_denied() -> None:
    luck = np.random.default_rng(3).normal(0.0, 0.1, 12)
    answer = tipping_point(lambda x: 0.1 * x[:, :1] + luck[None], UNIT, level=float(luck.mean()) - 0.001)
    assert len(answer.more["curve"]) == 9  # the scan alone was run
    row = answer.table.iloc[0]
    assert row["crossings"] == 0
    assert 0.0 < row["crossed"] < 1.0
    assert "of the resamples of replicates cross it" in answer.sentence


@pytest.mark.parametrize("level", [0.3, 0.6, 0.7])
def test_an_outcome_that_reaches_the_level_and_stays_there_crosses_it_in_no_resample(level: float) -> None:
    """Every replicate is at the level, which is no sum of powers of two: weighted means round to either side of it."""
    response = lambda x: np.tile(np.minimum(x, level), (1, 10))  # noqa: E731
    answer = tipping_point(response, UNIT, level)
    assert answer.table.loc[0, "crossed"] == 0.0
    assert "does not cross" in answer.sentence
    assert "of the resamples" not in answer.sentence


def test_numbers_below_zero_have_a_true_minus() -> None:
    factor = Factor("x", -1.0, 1.0)
    crosses = tipping_point(lambda x: 10.0 * x[:, 0], factor, level=-5.0, depth=4)
    assert crosses.sentence.startswith("Outcome rises through −5 at x = −0.")
    assert crosses.figure.get_suptitle().startswith("Outcome rises through −5 at x −0.")
    never = tipping_point(lambda x: x[:, 0], factor, level=-5.0)
    assert "does not cross −5 while x goes from −1 to 1" in never.sentence
    assert never.figure.get_suptitle().endswith("does not cross −5")
    assert Measure("value", above=-20.0).words.endswith("above −20")


def test_the_axis_says_the_unit() -> None:
    response = lambda x: x[:, 0]  # noqa: E731
    assert tipping_point(response, UNIT, 0.5, outcome="value", unit="money").figure.axes[0].get_ylabel() == (
        "value (money)"
    )
    assert tipping_point(response, UNIT, 0.5, outcome="trust").figure.axes[0].get_ylabel() == "trust"


@pytest.mark.parametrize(
    ("measure", "unit"),
    [
        (Measure("value"), "money"),
        (Measure("duration"), "months"),
        (Measure("trust"), ""),
        (Measure("survived"), ""),
        (Measure("value", above=0.0), ""),
    ],
)
def test_the_unit_of_a_measure(measure: Measure, unit: str) -> None:
    assert measure.unit == unit


def test_few_replicates_have_no_interval() -> None:
    answer = tipping_point(lambda x: x[:, :1] + np.linspace(-0.1, 0.1, 5)[None], UNIT, level=0.5)
    assert math.isnan(answer.table["tips_low"].iloc[0])
    assert "(5 replicates: no interval, which takes 8)" in answer.sentence
    assert answer.figure.get_suptitle().startswith("Outcome rises through 0.5 at x 0.")


def test_an_outcome_that_is_not_defined_does_not_cross() -> None:
    with pytest.raises(ValueError, match=r"not defined at x = 0\.625"):
        tipping_point(lambda x: np.where(x > 0.5, math.nan, x), UNIT, level=0.5)


def test_too_few_halvings_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 3"):
        tipping_point(lambda x: x[:, 0], UNIT, 0.5, depth=2)


def test_friction_tips_trust_where_the_closed_form_says() -> None:
    """w_c = λ⁺/(4λ⁻θ²). From the trust at which trust tips, n = 2: below w_c it recovers, above it collapses.

    Steps of 0.025 of trust instead of none let chance push some alliances over early, and 200 months instead of
    all time leave some behind beyond w_c: each moves the crossing by about 2%, in opposite directions.
    """
    field = MeanField(friction=0.4)
    critical, start = tipping_friction(field.gain, field.loss, field.half), tipping_trust(2.0)
    measure = Measure("trust", above=start - 0.1)

    def respond(points: Floats) -> Floats:
        at = dataclasses.replace(field, friction=float(points[0, 0]))
        scenario = mean_field_scenario(at, start, months=200, steps=12, dyads=8)
        return measure.of(simulate(scenario, 12).alliances)[None]

    factor = Factor("friction_base", 0.8 * critical, 1.2 * critical)
    row = tipping_point(respond, factor, level=0.5, depth=6).table.iloc[0]
    assert row["way"] == "falls"
    assert row["tips_at"] == pytest.approx(critical, rel=0.03)
    assert row["tips_low"] - 0.02 * critical < critical < row["tips_high"] + 0.02 * critical
