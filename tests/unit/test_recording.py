"""What is kept of a month: every variable's count, sum, sum of squares and bin, worked by hand from one record."""

from __future__ import annotations

import numpy as np
import pytest

from sim.dynamics import recording
from sim.dynamics.state import (
    ALLIANCE,
    BINS,
    COMMUNICATION,
    EXPECTATION,
    EXTRA_MILE,
    FRUSTRATION,
    GAP,
    HIGHS,
    LOWS,
    MONITORING,
    RESULT,
    TIES,
    TRUST,
    VALUE,
    VARIABLES,
)

approx = pytest.approx
MONTHS = 20
KEPT = {  # the field, what it is set to, the variable that it becomes, its value, its bin
    "effective": ((0.2, 0.613), TRUST, 0.4065, 40),
    "communication": (0.955, COMMUNICATION, 0.955, 95),
    "ties": (0.945, TIES, 0.945, 94),
    "gap": (0.935, GAP, 0.935, 93),
    "frustration": ((0.9, 0.95), FRUSTRATION, 0.925, 92),
    "monitoring": ((0.88, 0.95), MONITORING, 0.915, 91),
    "effort": ((0.86, 0.95), EXTRA_MILE, 0.905, 90),
    "expectation": ((1.5, 1.03), EXPECTATION, 1.265, 72),
    "net": ((1.5, 0.97), RESULT, 1.235, 71),
    "value": ((5.3, 9.4), VALUE, 14.7, 44),
}
"""Far from nought, so that a scale that is a tenth too large moves every bin."""


def observed(count: int = 1, **changed) -> tuple[np.ndarray, np.ndarray]:
    """Moments and histogram after one month of one alliance, beside a place that is not in use."""
    alliances = np.zeros(2, ALLIANCE).view(np.recarray)
    alliances["alive"], alliances["age"] = 1, 1
    for name, (value, *_) in KEPT.items():
        alliances[name] = value
    for name, value in changed.items():
        alliances[name] = value
    moments = np.zeros((len(VARIABLES), 3))
    histogram = np.zeros((len(VARIABLES), BINS), np.int64)
    recording.observe(alliances, count, MONTHS, moments, histogram)
    return moments, histogram


@pytest.mark.parametrize("name", KEPT)
def test_each_variable_is_entered_as_it_is_and_in_its_bin(name):
    moments, histogram = observed()
    _, variable, value, place = KEPT[name]
    assert moments[variable] == approx([1.0, value, value**2], rel=1e-12)
    assert np.flatnonzero(histogram[variable]).tolist() == [place]


def test_only_places_in_use_are_entered():
    assert (observed(count=1)[0][:, 0] == 1.0).all()
    assert (observed(count=2)[0][:, 0] == 2.0).all()
    assert (observed(count=0)[1] == 0).all()


def test_of_an_alliance_that_has_ended_only_its_value_counts():
    moments, histogram = observed(alive=0)
    assert np.flatnonzero(moments[:, 0]).tolist() == [VALUE]
    assert np.flatnonzero(histogram.sum(axis=1)).tolist() == [VALUE]


def test_before_its_first_month_an_alliance_has_no_effort_and_no_result():
    moments, histogram = observed(age=0)
    assert np.flatnonzero(moments[:, 0] == 0.0).tolist() == [EXTRA_MILE, RESULT]
    assert np.flatnonzero(histogram.sum(axis=1) == 0).tolist() == [EXTRA_MILE, RESULT]


def entered(x: float, variable: int, scale: float = 1.0) -> int:
    """Number of the bin in which a value is entered."""
    moments = np.zeros((len(VARIABLES), 3))
    histogram = np.zeros((len(VARIABLES), BINS), np.int64)
    recording.note(x, variable, scale, moments, histogram)
    (place,) = np.flatnonzero(histogram[variable])
    assert histogram[variable, place] == 1
    return int(place)


@pytest.mark.parametrize("variable", range(len(VARIABLES)))
def test_a_value_lies_in_the_bin_of_its_place_and_beyond_the_ends_in_the_last(variable):
    low, high = LOWS[variable], HIGHS[variable]
    for place in (0, 1, 37, 98, 99):
        assert entered(3.0 * (low + (high - low) * (place + 0.5) / BINS), variable, 3.0) == place
    assert entered(low - 5.0, variable) == 0
    assert entered(high + 5.0, variable) == BINS - 1
    assert entered(high, variable) == BINS - 1


def test_a_mean_of_an_outcome_leaves_out_empty_places_and_what_is_not_defined():
    values = np.array(
        [[1.0, 5.0, np.nan], [2.0, np.nan, 9.0], [np.nan, np.nan, np.nan], [3.0, 4.0, 8.0], [6.0, 8.0, 1.0]]
    )
    exists = np.array([[True, True, True], [True, True, False], [True, True, True], [False] * 3, [True] * 3])
    means = np.full(5, -7.0)
    recording.mean_of_defined(values, exists, means)
    assert means.tolist() == [3.0, 2.0, -7.0, -7.0, 5.0]


def test_how_far_means_of_runs_lie_apart_is_weighted_by_what_each_run_counts():
    moments = np.zeros((3, 1, 2, 3))
    moments[:, 0, 0, 0], moments[:, 0, 0, 1] = (1, 3, 0), (4.0, 6.0, 0.0)  # means 4 and 2 of 1 and 3; one counts none
    moments[:, 0, 1, 0], moments[:, 0, 1, 1] = (2, 2, 4), (2.0, 6.0, 12.0)
    count, mean = moments[..., 0].sum(axis=0), moments[..., 1].sum(axis=0) / moments[..., 0].sum(axis=0)
    runs, deviations = np.zeros((1, 2), np.int64), np.zeros((1, 2))
    recording.lie_apart(moments, count, mean, runs, deviations)
    assert runs.tolist() == [[2, 3]]
    first = (1 / 4 * (4.0 - 2.5)) ** 2 + (3 / 4 * (2.0 - 2.5)) ** 2
    second = (2 / 8 * (1.0 - 2.5)) ** 2 + (2 / 8 * (3.0 - 2.5)) ** 2 + (4 / 8 * (3.0 - 2.5)) ** 2
    assert deviations == approx(np.array([[first, second]]), rel=1e-12)


def test_quantiles_are_read_off_within_a_bin():
    histogram = np.zeros((1, 3, BINS), np.int64)
    histogram[0, 2, [0, 50]] = 1, 3
    histogram[0, 0, [10, 20, 99]] = 4, 4, 2
    quantiles = np.full((6, 1, 3), np.nan)
    shares = np.array([0.0, 0.1, 0.4, 0.5, 0.8, 1.0])
    recording.read_off(histogram, shares, np.array([0.0, -1.0, -1.0]), np.array([1.0, 1.0, 3.0]), quantiles)
    assert quantiles[1:, 0, 0] == approx([0.1025, 0.11, 0.2025, 0.21, 1.0])
    assert quantiles[0, 0, 0] == 0.0
    assert quantiles[:, 0, 1].tolist() == [-1.0] * 6  # an empty histogram
    assert quantiles[:, 0, 2] == approx([-1.0, -0.984, 1.008, 1.0 + 0.04 / 3, 1.0 + 0.04 * 2.2 / 3, 1.04])
