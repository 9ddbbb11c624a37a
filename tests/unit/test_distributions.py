"""Traits are drawn by quantile functions: compared with scipy.stats, which the package itself does not use for it."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.distributions import Beta, Constant, Distribution, Mixture, Normal, Profile, Uniform, is_number, parse
from sim.parameters import DIMENSIONS, Traits, meta

GRID = np.linspace(0.001, 0.999, 201)
HALF = np.full_like(GRID, 0.5)

shares = st.floats(0, 1)
shapes = st.floats(0.1, 50)
SIMPLE = st.one_of(
    st.builds(Constant, shares),
    st.tuples(shares, shares).map(lambda ends: Uniform(*sorted(ends))),
    st.builds(Normal, shares, st.floats(0, 0.5)),
    st.builds(Beta, shapes, shapes),
)
MIXTURES = st.lists(st.tuples(st.floats(0.01, 10), SIMPLE), min_size=1, max_size=4).map(
    lambda parts: Mixture(tuple(parts))
)


# ---------------------------------------------------------------------------------------------------------------
# Quantiles
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("spread", "reference"),
    [
        (Uniform(0.2, 0.7), stats.uniform(0.2, 0.5)),
        (Normal(0.6, 0.15), stats.norm(0.6, 0.15)),
        (Beta(2, 6), stats.beta(2, 6)),
        (Beta(0.2, 0.2), stats.beta(0.2, 0.2)),
    ],
)
def test_quantiles_are_those_of_scipy_stats(spread: Distribution, reference: Any) -> None:
    np.testing.assert_allclose(spread.draw(HALF, GRID), reference.ppf(GRID), rtol=1e-9, atol=1e-12)


def test_a_constant_is_the_same_for_everybody() -> None:
    assert (Constant(0.3).draw(HALF[:, None], GRID[None, :]) == 0.3).all()
    assert Constant(0.3).draw(HALF[:, None], GRID[None, :]).shape == (len(HALF), len(GRID))


def test_a_spread_of_zero_is_a_constant() -> None:
    assert (Uniform(0.4, 0.4).draw(HALF, GRID) == 0.4).all()
    assert (Normal(0.4, 0.0).draw(HALF, GRID) == 0.4).all()


@given(SIMPLE)
def test_a_draw_rises_with_its_uniform_number(spread: Distribution) -> None:
    """So that scenarios which share their random numbers share the rank of every organization."""
    assert (np.diff(spread.draw(HALF, GRID)) >= 0).all()


# ---------------------------------------------------------------------------------------------------------------
# Mixtures and profiles
# ---------------------------------------------------------------------------------------------------------------
def test_a_mixture_gives_each_part_its_weight() -> None:
    mixture = Mixture(((1.0, Constant(0.0)), (2.0, Constant(1.0)), (0.0, Constant(9.0)), (5.0, Constant(2.0))))
    select = (np.arange(8000) + 0.5) / 8000
    values, counts = np.unique(mixture.draw(select, np.full(8000, 0.5)), return_counts=True)
    assert dict(zip(values, counts, strict=True)) == {0.0: 1000, 1.0: 2000, 2.0: 5000}


def test_a_mixture_is_distributed_as_the_weighted_sum_of_its_parts() -> None:
    mixture = Traits().operationalization
    rng = np.random.default_rng(1)
    drawn = mixture.draw(rng.random(20_000), rng.random(20_000))
    cdf = lambda x: 0.1 * stats.beta(8, 2).cdf(x) + 0.9 * stats.beta(2, 6).cdf(x)  # noqa: E731
    assert stats.kstest(drawn, cdf).pvalue > 0.01
    assert abs(drawn.mean() - (0.1 * 0.8 + 0.9 * 0.25)) < 4 * drawn.std() / math.sqrt(len(drawn))


def test_the_end_of_the_choice_belongs_to_the_last_part() -> None:
    mixture = Mixture(((0.1, Constant(0.0)), (0.2, Constant(1.0))))
    assert mixture.draw(np.array([np.nextafter(1.0, 0.0)]), np.array([0.5])) == 1.0


def test_a_profile_draws_each_dimension_from_its_own_spread() -> None:
    parts = [Constant(0.1), Uniform(0, 1), Normal(0.5, 0.1), Beta(2, 2), Constant(0.9), Uniform(0.5, 0.6)]
    uniform = np.random.default_rng(2).random((4, 5, 6))
    drawn = Profile(DIMENSIONS, tuple(parts)).draw(np.full(uniform.shape, 0.5), uniform)
    assert drawn.shape == uniform.shape
    for k, part in enumerate(parts):
        np.testing.assert_array_equal(drawn[..., k], part.draw(np.full((4, 5), 0.5), uniform[..., k]))


def test_a_mixture_of_mixtures_is_refused() -> None:
    inner = Mixture(((1.0, Constant(0.5)),))
    with pytest.raises(ValueError, match="simple distributions"):
        Mixture(((1.0, inner),))


@given(st.one_of(SIMPLE, MIXTURES))
def test_landmarks_are_values_that_lie_in_the_distribution(spread: Distribution) -> None:
    """Each is reached or straddled by draws, so a landmark out of bounds means draws out of bounds."""
    select, uniform = np.meshgrid((np.arange(400) + 0.5) / 400, GRID)
    drawn = spread.draw(select, uniform)
    for landmark in spread.landmarks():
        weightless = isinstance(spread, Mixture) and landmark not in _heavy(spread)
        slack = 0.01  # the grid stops short of 0 and 1
        assert weightless or drawn.min() - slack <= landmark <= drawn.max() + slack


def _heavy(mixture: Mixture) -> set[float]:
    """Landmarks of the parts that the grid of choices cannot miss."""
    total = sum(weight for weight, _ in mixture.parts)
    return {value for weight, part in mixture.parts if weight / total > 0.005 for value in part.landmarks()}


def test_declared_traits_have_landmarks_within_their_bounds() -> None:
    for name, field in Traits.model_fields.items():
        about = meta(field)
        for landmark in getattr(Traits(), name).landmarks():
            assert about["low"] <= landmark <= about["high"], name


# ---------------------------------------------------------------------------------------------------------------
# Reading and writing
# ---------------------------------------------------------------------------------------------------------------
@given(st.one_of(SIMPLE, MIXTURES))
def test_what_is_written_is_read_back(spread: Distribution) -> None:
    assert parse(spread.plain()) == spread


@given(st.lists(st.one_of(SIMPLE, MIXTURES), min_size=6, max_size=6))
def test_a_profile_is_read_back(parts: list[Distribution]) -> None:
    profile = Profile(DIMENSIONS, tuple(parts))
    assert parse(profile.plain(), DIMENSIONS) == profile


def test_numbers_become_floats() -> None:
    assert parse(1) == Constant(1.0)
    assert isinstance(parse(1).plain(), float)
    assert parse({"uniform": [0, 1]}) == Uniform(0.0, 1.0)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (True, "true is no distribution"),
        ("0.5", "is no distribution"),
        (None, "is no distribution"),
        ([0.1, 0.2], "is no distribution"),
        ({}, "is no distribution"),
        (math.nan, "is no distribution"),
        (math.inf, "is no distribution"),
        (10**400, "is no distribution"),
        (date(2020, 1, 31), "2020-01-31 is no distribution"),
        ({"normal": [0, 1], "beta": [1, 1]}, "is no distribution"),
        ({"gauss": [0, 1]}, "unknown distribution 'gauss'"),
        ({"normal": [0.5]}, "normal takes two numbers"),
        ({"normal": True}, "normal takes two numbers, got true"),
        ({"normal": [0.5, math.nan]}, "normal takes two numbers"),
        ({"normal": [0.5, -1]}, "sd >= 0"),
        ({"uniform": [1, 0]}, "low <= high"),
        ({"beta": [0, 1]}, "shapes > 0"),
        ({"mixture": []}, "mixture takes"),
        ({"mixture": [[1, 0.5, 2]]}, "mixture takes"),
        ({"mixture": [[True, 0.5]]}, "mixture takes"),
        ({"mixture": [[0, 0.5]]}, "positive sum"),
        ({"mixture": [[-1, 0.5], [2, 0.5]]}, "weights >= 0"),
        ({"mixture": [[1, "x"]]}, "is no distribution"),
        ({"people": 0.5}, "unknown distribution 'people'"),
    ],
)
def test_what_is_no_distribution_says_why(value: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse(value)


def test_a_profile_needs_all_dimensions() -> None:
    with pytest.raises(ValueError, match="missing: politics, practices, priorities, structures"):
        parse({"people": 0.5, "culture": 0.5}, DIMENSIONS)


@pytest.mark.parametrize("value", [0, -3, 2**63 - 1, -(2**63), 0.5, 1e300, np.float64(0.5)])
def test_numbers(value: Any) -> None:
    assert is_number(value)


@pytest.mark.parametrize("value", [True, False, math.nan, math.inf, -math.inf, 2**63, 10**400, "1", None, [1], 1j])
def test_no_numbers(value: Any) -> None:
    assert not is_number(value)


def test_remembered_quantiles_are_the_same_bits_and_nobody_s_to_change() -> None:
    from sim.distributions import SHORT

    uniforms = np.random.default_rng(1).random(SHORT + 1)
    long, spread = Beta(2.0, 6.0).draw(uniforms, uniforms), Beta(2.0, 6.0)
    for _ in range(2):
        short = spread.draw(uniforms[:-1], uniforms[:-1])
        assert (short == long[:-1]).all()
    assert (spread.draw(uniforms[:6:2], uniforms[:6:2]) == long[:6:2]).all()
    assert (spread.draw(uniforms[:6].reshape(2, 3), uniforms[:6].reshape(2, 3)) == long[:6].reshape(2, 3)).all()
    with pytest.raises(ValueError, match="read-only"):
        short[0] = 0.0
