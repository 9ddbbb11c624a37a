"""The separatrix and the saddle-nodes with a floor: against the flow itself, its Jacobian and the cubic."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sim.analysis import phase, theory
from sim.analysis.theory import MeanField

approx = pytest.approx
NO_FLOOR = MeanField(friction=0.4)
FLOOR = MeanField(friction=0.55, floor=0.1)
SLOW_TALK = dataclasses.replace(NO_FLOOR, speed=0.02)
FIELDS = pytest.mark.parametrize("field", [NO_FLOOR, FLOOR, SLOW_TALK], ids=["no floor", "floor", "slow talk"])


def jacobian(field: MeanField, trust: float) -> np.ndarray:
    point, h = np.array([trust, field.disclosure(trust)]), 1e-6
    return np.array(
        [(np.array(field.change(*(point + d))) - field.change(*(point - d))) / (2 * h) for d in h * np.eye(2)]
    ).T


# ---------------------------------------------------------------------------------------------------------------
# The separatrix
# ---------------------------------------------------------------------------------------------------------------
@FIELDS
def test_starts_on_either_side_of_the_line_end_apart(field):
    low, saddle, high = field.fixed_points()
    line = field.separatrix(saddle)
    for trust, openness in line[5:-5:40]:
        for side, end in ((-0.01, low), (0.01, high)):
            start = np.clip([trust + side, openness + side], 0.0, 1.0)
            assert field.path(*start, [0.0, 3000.0])[-1, 0] == approx(end, abs=1e-4)


@FIELDS
def test_the_line_falls_from_edge_to_edge_of_the_square_through_the_saddle(field):
    saddle = field.fixed_points()[1]
    line = field.separatrix(saddle)
    assert (np.diff(line[:, 0]) > 0.0).all()
    assert (np.diff(line[:, 1]) < 0.0).all()
    for end in (line[0], line[-1]):
        assert min(*end, *(1.0 - end)) == approx(0.0, abs=1e-9)
    assert np.abs(line - [saddle, field.disclosure(saddle)]).max(1).min() == approx(0.0, abs=1e-12)


@FIELDS
def test_the_line_leaves_the_saddle_along_the_attracting_eigenvector(field):
    saddle = field.fixed_points()[1]
    line = field.separatrix(saddle)
    values, vectors = np.linalg.eig(jacobian(field, saddle))
    along = vectors[:, np.argmin(values.real)]
    near = np.hypot(*(line - [saddle, field.disclosure(saddle)]).T)
    for point in line[(near > 1e-7) & (near < 1e-3)] - [saddle, field.disclosure(saddle)]:
        across = point[0] * along[1] - point[1] * along[0]
        assert across / np.hypot(*point) == approx(0.0, abs=5e-3)


def test_what_starts_on_the_line_stays_at_the_saddle_for_long():
    saddle = NO_FLOOR.fixed_points()[1]
    line = NO_FLOOR.separatrix(saddle)
    for start in (line[0], line[-1]):
        path = NO_FLOOR.path(*start, [0.0, 60.0])
        assert path[-1] == approx([saddle, NO_FLOOR.disclosure(saddle)], abs=1e-3)


@pytest.mark.parametrize("index", [0, 2])
def test_only_a_saddle_has_a_separatrix(index):
    with pytest.raises(ValueError, match="no saddle at trust"):
        FLOOR.separatrix(FLOOR.fixed_points()[index])
    with pytest.raises(ValueError, match="no saddle at trust"):
        FLOOR.separatrix(0.5)


# ---------------------------------------------------------------------------------------------------------------
# Eigenvalue and loop gain with a floor
# ---------------------------------------------------------------------------------------------------------------
@FIELDS
def test_the_slow_eigenvalue_is_that_of_the_jacobian_also_with_a_floor(field):
    for trust, sign in zip(field.fixed_points()[-2:], (1.0, -1.0), strict=True):
        values = np.linalg.eigvals(jacobian(field, trust))
        assert (np.isreal(values)).all()
        assert field.slow_rate(trust) == approx(values.real.max(), rel=1e-5)
        assert np.sign(field.slow_rate(trust)) == np.sign(field.loop_gain(trust) - 1.0) == sign


def test_the_loop_gain_without_a_floor_is_the_closed_form():
    for trust in NO_FLOOR.fixed_points()[1:]:
        assert NO_FLOOR.loop_gain(trust) == approx(theory.loop_gain(trust, 2.0), rel=1e-9)
        assert NO_FLOOR.pull(trust) == approx(NO_FLOOR.gain * NO_FLOOR.disclosure(trust) / trust, rel=1e-9)


# ---------------------------------------------------------------------------------------------------------------
# Saddle-nodes with a floor
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("floor", [0.02, 0.1, 0.2])
def test_the_number_of_outcomes_changes_at_the_folds(floor):
    (low_trust, low), (high_trust, high) = theory.folds_with_floor(floor, 0.4)
    assert low_trust < theory.CUSP_TRUST < high_trust
    assert low < high
    for fold, inwards in ((low, 1.0), (high, -1.0)):
        for side, count in ((inwards, 3), (-inwards, 1)):
            assert len(theory.fixed_points_with_floor(floor, fold * (1.0 + side * 1e-5), 0.4)) == count


def test_the_folds_at_the_ends_of_the_curve():
    (trust, ratio), (upper_trust, upper) = theory.folds_with_floor(0.0, 0.4)
    assert (trust, ratio, upper_trust) == approx((0.0, 0.0, 0.5))
    assert upper / 3.0 == approx(theory.tipping_friction(0.1, 0.3, 0.4))
    assert theory.folds_with_floor(1.001 * theory.critical_floor(0.4), 0.4) == ()


def test_the_curve_of_tipping_has_its_cusp_at_the_critical_floor():
    curve = theory.tipping_curve(0.4, points=3000)
    ratio, floor = curve[np.argmax(curve[:, 1])]
    assert floor == approx(theory.critical_floor(0.4), rel=1e-6)
    assert ratio * (1.0 - floor) * 0.4**2 == approx(theory.CUSP_Q, rel=1e-6)
    for share in (0.3, 0.8):
        at = theory.folds_with_floor(share * floor, 0.4)
        for (_, fold), side in zip(at, (curve[: np.argmax(curve[:, 1])], curve[np.argmax(curve[:, 1]) :]), strict=True):
            order = np.argsort(side[:, 1])
            assert np.interp(share * floor, side[order, 1], side[order, 0]) == approx(fold, rel=1e-4)


def test_no_curve_beyond_a_floor_of_one():
    assert theory.tipping_curve(0.1)[:, 1].max() < 1.0


# ---------------------------------------------------------------------------------------------------------------
# What is made of them
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("floor", [0.0, 0.1, 0.3])
def test_every_point_of_a_loop_is_a_fixed_point(floor):
    curve = phase.loop(dataclasses.replace(NO_FLOOR, floor=floor))
    lines = [*curve.stable, curve.edge]
    for friction, trust in np.concatenate([line[1:-1:20] for line in lines]):
        if friction <= 0.0:
            continue
        field = dataclasses.replace(curve.field, friction=float(friction))
        assert field.change(trust, field.disclosure(trust)) == approx((0.0, 0.0), abs=1e-12)
    for line, sign in [*((line, -1.0) for line in curve.stable), (curve.edge, 1.0)]:
        for friction, trust in line[5:-5:40]:
            rate = dataclasses.replace(curve.field, friction=float(friction)).slow_rate(float(trust))
            assert np.sign(rate) == sign


@pytest.mark.parametrize("trust", [0.05, 0.2, 0.3, 0.9])
def test_where_a_start_settles_is_where_its_path_ends(trust):
    for field in (NO_FLOOR, FLOOR, dataclasses.replace(FLOOR, floor=0.3)):
        path = field.path(trust, field.disclosure(trust), [0.0, 3000.0])
        assert phase.settled(field, trust) == approx(path[-1, 0], abs=1e-4)


def test_numbers_out_of_bounds_are_all_named():
    with pytest.raises(ValueError, match="gain: must be above 0") as mistakes:
        phase.field_with(gain=0.0, friction=2.0, half=float("nan"), floor=0.0, loss=None)
    assert [line.split(":")[0] for line in str(mistakes.value).splitlines()] == ["gain", "friction", "half"]


def test_only_steepness_two_is_examined():
    with pytest.raises(ValueError, match="steepness 2, not 3"):
        phase.examine(dataclasses.replace(NO_FLOOR, steepness=3.0))
    with pytest.raises(ValueError, match="above 0"):
        phase.examine(dataclasses.replace(NO_FLOOR, friction=0.0))


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (NO_FLOOR, ["may end apart", "above 0.26", "ends at 0.74", "above 0.52", "no cut in friction alone", "0.23"]),
        (dataclasses.replace(NO_FLOOR, friction=0.7), ["Trust collapses", "falls towards zero", "above 0.52"]),
        (FLOOR, ["may end apart", "above 0.62", "must fall below 0.50", "now 0.10"]),
        (dataclasses.replace(FLOOR, floor=0.3), ["one outcome only", "No friction makes trust tip", "take the cliff"]),
        (dataclasses.replace(NO_FLOOR, half=0.1), ["even one incident every month", "No openness floor removes"]),
    ],
)
def test_the_sentences_say_what_holds(field, words):
    said = phase.sentences(phase.examine(field))
    assert 4 <= len(said) <= 6
    for word in words:
        assert word in " ".join(said)
