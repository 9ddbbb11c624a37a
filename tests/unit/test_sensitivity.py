"""Morris and Sobol indices against functions whose indices are known, against SALib's own numbers, and on the model."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sim.engine import simulate
from sim.study import sensitivity
from sim.study.answer import Answer, MissingExtra, optional
from sim.study.response import Factor, Floats, Measure, factor_of, response_of
from sim.study.sensitivity import (
    MORRIS,
    SOBOL,
    _estimate,
    elementary_effects,
    morris,
    morris_points,
    noise_of,
    sobol,
    sobol_points,
)
from sim.study.tipping import tipping_point
from tests.builders import busy, dyad

ANGLES = dict.fromkeys(("x1", "x2", "x3"), (-math.pi, math.pi))


def ishigami(x: Floats) -> Floats:
    """Ishigami & Homma (1990), with a = 7 and b = 0.1."""
    return np.asarray(np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))


def ishigami_indices() -> tuple[list[float], list[float]]:
    """First and total indices in closed form."""
    one, two = 0.5 * (1.0 + 0.1 * math.pi**4 / 5.0) ** 2, 49.0 / 8.0
    both = 0.01 * math.pi**8 * (1.0 / 18.0 - 1.0 / 50.0)
    whole = one + two + both
    return [one / whole, two / whole, 0.0], [(one + both) / whole, two / whole, both / whole]


def problem() -> dict[str, object]:
    return {"num_vars": 3, "names": ["x1", "x2", "x3"], "bounds": [[-math.pi, math.pi]] * 3}


def same(x: Floats, replicates: int = 5) -> Floats:
    """The Ishigami function with replicates that are all alike."""
    return np.tile(ishigami(x)[:, None], replicates)


def with_luck(x: Floats) -> Floats:
    """The same with five noisy replicates."""
    return same(x) + np.random.default_rng(9).normal(0.0, 3.0, (len(x), 5))


# Sobol
def test_sobol_indices_of_the_ishigami_function() -> None:
    table = sobol(ishigami, ANGLES, base=1024).table.set_index("factor")
    first, total = ishigami_indices()
    for k, name in enumerate(("x1", "x2", "x3")):
        for index, known in (("first", first[k]), ("total", total[k])):
            half = (table.loc[name, f"{index}_high"] - table.loc[name, f"{index}_low"]) / 2.0
            assert half < 0.1
            assert table.loc[name, index] == pytest.approx(known, abs=2.0 * half)  # four standard errors


@pytest.mark.parametrize(
    ("response", "column"), [(ishigami, "{}"), (same, "{}"), (same, "{}_plain"), (with_luck, "{}_plain")]
)
def test_sobol_indices_are_those_of_salib(response: Callable[[Floats], Floats], column: str) -> None:
    """Without noise the index itself, however many replicates there are; with noise the plain one."""
    points = sobol_points(ANGLES, 32, seed=3)
    values = response(points).reshape(len(points), -1).mean(axis=1)
    theirs = optional("SALib.analyze.sobol", "the test").analyze(problem(), values, calc_second_order=False, seed=1)
    table = sobol(response, ANGLES, base=32, seed=3).table.set_index("factor").loc[["x1", "x2", "x3"]]
    assert table[column.format("total")].to_numpy() == pytest.approx(theirs["ST"], rel=1e-12)
    assert table[column.format("first")].to_numpy() == pytest.approx(theirs["S1"], rel=1e-12)


def test_what_is_taken_out_of_an_index_is_the_noise_of_replicates_alone() -> None:
    """An index that is quadratic in the means: the jackknife takes out the variance between replicates over r."""
    values = np.random.default_rng(5).normal(1.0, 2.0, (30, 1, 6))
    found = _estimate(values, lambda rows: (rows.mean(axis=2) ** 2).mean(axis=0), seed=1)
    assert found.plain - found.index == pytest.approx(values.var(axis=2, ddof=1).mean() / 6)


def test_a_step_that_few_points_reach_has_resamples_without_variance() -> None:
    """Two factors of which one point in eight reaches the step: some resamples hold none, and nothing is warned of."""
    factors = {"a": (0.0, 1.0), "b": (0.0, 1.0)}
    answer = sobol(lambda x: (x[:, 0] > 0.95).astype(float), factors, base=16)
    assert answer.table["total"].between(0.0, 5.0).all()
    with pytest.raises(ValueError, match="trust is the same at every point of the base sample: take a larger one"):
        sobol(only_mixed, factors, base=16, outcome="trust")


def only_mixed(x: Floats) -> Floats:
    """0 at the points of both base samples of two factors, 1 at the points mixed of them."""
    return np.tile([0.0, 1.0, 1.0, 0.0], len(x) // 4)


def test_an_additive_function_has_no_interactions() -> None:
    factors = {"a": (0.0, 1.0), "b": (0.0, 1.0)}
    table = sobol(lambda x: x[:, 0] + 2.0 * x[:, 1], factors, base=512).table.set_index("factor")
    assert table.loc["a", "total"] == pytest.approx(0.2, abs=0.02)
    assert table.loc["b", "total"] == pytest.approx(0.8, abs=0.06)
    assert table.loc["b", "rank"] == 1


def test_a_constant_outcome_has_no_variance_to_share_out() -> None:
    with pytest.raises(ValueError, match="the same at every point"):
        sobol(lambda x: np.ones(len(x)), ANGLES, base=16)


@pytest.mark.parametrize("base", [8, 100])
def test_a_base_sample_that_is_not_balanced_is_refused(base: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        sobol_points(ANGLES, base)


def test_sobol_indices_of_the_g_function() -> None:
    """Saltelli & Sobol (1995): V_i = 1/(3(1 + a_i)²), V = Π(1 + V_i) − 1."""
    a = np.array([0.0, 1.0, 4.5, 99.0])
    factors = {f"x{k}": (0.0, 1.0) for k in range(4)}
    part = 1.0 / (3.0 * (1.0 + a) ** 2)
    whole = float(np.prod(1.0 + part)) - 1.0
    total = [part[k] * np.prod(np.delete(1.0 + part, k)) / whole for k in range(4)]
    answer = sobol(lambda x: np.prod((np.abs(4.0 * x - 2.0) + a) / (1.0 + a), axis=1), factors, base=256)
    table = answer.table.set_index("factor").loc[list(factors)]
    for index, known in (("first", part / whole), ("total", total)):
        half = (table[f"{index}_high"] - table[f"{index}_low"]).to_numpy() / 2.0
        assert (np.abs(table[index].to_numpy() - known) <= 2.0 * half).all()  # four standard errors
        assert half.max() < 0.25


# Morris
def test_elementary_effects_are_those_of_salib() -> None:
    points = morris_points(ANGLES, 20, seed=2)
    values = ishigami(points)
    theirs = optional("SALib.analyze.morris", "the test").analyze(problem(), points, values, num_levels=4)
    effects = elementary_effects(ANGLES, points, values[:, None])[..., 0]
    assert np.abs(effects).mean(axis=0) == pytest.approx(np.asarray(theirs["mu_star"], dtype=float))
    assert effects.mean(axis=0) == pytest.approx(np.asarray(theirs["mu"], dtype=float), abs=1e-12)
    assert effects.std(axis=0, ddof=1) == pytest.approx(np.asarray(theirs["sigma"], dtype=float))
    table = morris(same, ANGLES, 20, seed=2).table.set_index("factor").loc[["x1", "x2", "x3"]]
    for column in ("mu_star", "mu_star_plain"):
        assert table[column].to_numpy() == pytest.approx(np.asarray(theirs["mu_star"], dtype=float), rel=1e-12)


def test_a_linear_function_has_effects_without_spread() -> None:
    factors = {"a": (0.0, 2.0), "b": (10.0, 11.0), "idle": (0.0, 1.0)}
    answer = morris(lambda x: 3.0 * x[:, 0] - x[:, 1], factors, trajectories=8)
    table = answer.table.set_index("factor")
    assert list(answer.table.columns) == MORRIS
    assert table["mu_star"].to_dict() == pytest.approx({"a": 6.0, "b": 1.0, "idle": 0.0}, abs=1e-9)
    assert table.loc["b", "mu"] == pytest.approx(-1.0)
    assert table["sigma"].to_numpy() == pytest.approx(np.zeros(3), abs=1e-9)
    assert "a 6 (all 8 alike), then b 1 (all 8 alike)" in answer.sentence
    assert table[["mu_star_low", "mu_star_high"]].isna().all(axis=None), "nothing says how far it may be off"
    assert "largest with their whole intervals: idle" in answer.sentence


@pytest.mark.parametrize("method", [morris, sobol])
def test_what_is_negligible_is_not_named_among_what_moves_most(method: Callable[..., Answer]) -> None:
    said = method(lambda x: 100.0 * x[:, 0] + x[:, 1], WIDE, 64).sentence
    most, negligible, *_ = said.split(". ")
    assert "then" not in most
    assert negligible.endswith("with their whole intervals: b, idle")


@pytest.mark.parametrize("method", [morris, sobol])
def test_the_same_trait_of_two_groups_is_told_apart(method: Callable[..., Answer]) -> None:
    factors = {"North.blame": (0.0, 1.0), "South.blame": (0.0, 1.0)}
    answer = method(lambda x: 2.0 * x[:, 0] + np.exp(x[:, 1]), factors, 64)
    assert " North blame " in answer.sentence
    assert "then South blame " in answer.sentence
    assert answer.figure.get_suptitle().startswith("North blame ")
    assert set(answer.table["factor"]) == {"North.blame", "South.blame"}


def test_too_few_trajectories_and_a_single_factor_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 4"):
        morris_points(ANGLES, 3)
    with pytest.raises(ValueError, match="at least two factors"):
        morris_points({"x1": (0.0, 1.0)}, 8)


# How sure
def test_of_few_trajectories_there_is_no_interval_and_nothing_is_settled() -> None:
    """Four effects drawn anew hold the mean size in 70% of the samples, and a single one is always like itself."""
    few = morris(lambda x: np.exp(2.0 * x[:, 0]) + x[:, 1], WIDE, 4)
    assert few.sentence.startswith(
        "Over its range each of these moves outcome most (μ*, no interval): a 6.18, then b 1.00. "
    )
    assert few.sentence.endswith("Intervals, and whether the ranks have settled, take a sample of 8 or more.")
    assert few.table[["mu_star_low", "mu_star_high"]].isna().all(axis=None)
    assert not few.more["convergence"]["settled"].any()
    assert few.figure.get_suptitle().endswith("the sample is too small to be sure")
    enough = morris(lambda x: np.exp(2.0 * x[:, 0]) + x[:, 1], WIDE, 16).more["convergence"]
    assert enough["low"].notna().groupby(enough["size"]).any().to_dict() == {4: False, 8: True, 16: True}


def test_the_interval_of_few_trajectories_is_wider_than_plain_percentiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean of eight normal effects: Student's t interval, of which plain percentiles are three quarters."""
    monkeypatch.setattr(sensitivity, "RESAMPLES", 4000)
    effects = np.random.default_rng(3).normal(10.0, 1.0, (8, 1, 1))
    found = _estimate(effects, lambda rows: rows.mean(axis=(0, 2)), seed=4)
    student = 2.0 * 2.365 * effects.std(ddof=1) / math.sqrt(8)
    assert found.high[0] - found.low[0] == pytest.approx(student, rel=0.1)


def test_ranks_settle_as_the_sample_grows() -> None:
    factors = {"a": (0.0, 1.0), "b": (0.0, 1.0)}
    clear = sobol(lambda x: x[:, 0] + 3.0 * x[:, 1], factors, base=256).more["convergence"]
    assert clear["size"].unique().tolist() == [64, 128, 256]
    assert clear["evaluations"].unique().tolist() == [256, 512, 1024]
    assert clear["settled"].all()
    widths = (clear["high"] - clear["low"]).groupby(clear["size"]).mean()
    assert widths[256] < widths[64]


def test_ranks_of_equal_factors_never_settle() -> None:
    factors = {"a": (0.0, 1.0), "b": (0.0, 1.0)}
    answer = sobol(lambda x: x[:, 0] + x[:, 1], factors, base=64)
    assert not answer.more["convergence"]["settled"].any()
    assert "have not settled" in answer.sentence


def test_noise_is_what_is_left_after_points_and_replicates() -> None:
    """Variance between points 4, replicates shared 9, noise 1: with r = 5 noise is 0.2 of 4.2."""
    rng = np.random.default_rng(7)
    n, r = 4000, 5
    values = rng.normal(0, 2, (n, 1)) + rng.normal(0, 3, (1, r)) + rng.normal(0, 1, (n, r))
    noise = noise_of(values)
    assert noise.share == pytest.approx(0.2 / 4.2, rel=0.1)  # four standard errors: √(2/4000) and √(2/16000)
    assert "noise of 5 replicates" in noise.sentence()


WIDE = dict.fromkeys(("a", "b", "idle"), (0.0, 1.0))


def noisy(noise: float, replicates: int, seed: int) -> Callable[[Floats], Floats]:
    """a + b/2 with luck that a replicate has everywhere, and noise of each run."""
    rng = np.random.default_rng(seed)

    def respond(x: Floats) -> Floats:
        luck = rng.normal(0.0, 3.0, (1, replicates)) + rng.normal(0.0, noise, (len(x), replicates))
        return (x[:, 0] + 0.5 * x[:, 1])[:, None] + luck

    return respond


def test_noise_of_replicates_is_no_effect() -> None:
    """Totals are .8, .2 and 0. Percentiles of resamples never hold the 0, and the estimate lies outside its own."""
    known = np.array([0.8, 0.2, 0.0])
    tables = [sobol(noisy(0.5, 10, seed), WIDE, base=32, seed=seed).table for seed in range(5)]
    ordered = [table.set_index("factor").loc[["a", "b", "idle"]] for table in tables]
    held = np.array([(table["total_low"] <= known) & (known <= table["total_high"]) for table in ordered])
    assert held.mean() >= 0.95 - 4 * math.sqrt(0.95 * 0.05 / 15)
    for table in ordered:
        for index in ("first", "total"):
            assert table[index].between(table[f"{index}_low"], table[f"{index}_high"]).all()
    assert np.mean([table.loc["idle", "total"] for table in ordered]) < 0.1
    assert np.mean([table.loc["idle", "total_plain"] for table in ordered]) > 0.15


def test_noise_is_taken_out_of_elementary_effects() -> None:
    """Of a factor that does nothing the mean size is σ√(2/10)·√(2/π)·3/2 = 0.27 with the noise."""
    tables = [morris(noisy(0.5, 10, seed), WIDE, 24, seed).table.set_index("factor") for seed in (1, 2, 3)]
    for table in tables:
        assert table["mu_star"].between(table["mu_star_low"], table["mu_star_high"]).all()
        assert table.loc["a", "mu_star_low"] <= 1.0 <= table.loc["a", "mu_star_high"]
    assert np.mean([table.loc["idle", "mu_star"] for table in tables]) < 0.2


@pytest.mark.parametrize("method", [morris, sobol])
def test_no_factor_is_named_where_there_is_noise_and_nothing_else(method: Callable[..., Answer]) -> None:
    rng = np.random.default_rng(4)
    answer = method(lambda x: rng.normal(0.0, 1.0, (len(x), 5)), WIDE, 32, outcome="trust")
    assert answer.sentence.startswith("No factor's ")
    assert "is noise of 5 replicates: take more of them" in answer.sentence
    assert answer.figure.get_suptitle().startswith("No factor can be told to ")


@pytest.mark.parametrize("method", [morris, sobol])
def test_an_outcome_that_nothing_moves_or_that_is_not_defined_is_refused(method: Callable[..., Answer]) -> None:
    luck = np.arange(5.0)
    with pytest.raises(ValueError, match="trust is the same at every point"):
        method(lambda x: np.tile(luck, (len(x), 1)), WIDE, 16, outcome="trust")
    with pytest.raises(ValueError, match="trust is not defined at"):
        method(lambda x: np.where(x[:, 0] > 0.5, math.nan, x[:, 0]), WIDE, 16, outcome="trust")


def test_the_figure_says_the_unit_and_a_true_minus() -> None:
    factors = {"a": (-1.0, 1.0), "b": (0.0, 1.0)}
    left = morris(lambda x: x.sum(axis=1), factors, 8, outcome="value", unit="money").figure.axes[0]
    assert left.get_xlabel() == "change of value over the range, money"
    assert [label.get_text() for label in left.get_yticklabels()] == ["a\n−1 to 1", "b\n0 to 1"]


def test_no_factor_decides_more_than_all_that_varies() -> None:
    """The estimate of a share may lie above 1."""
    answer = sobol(lambda x: x[:, 0] ** 2 + 1e-4 * x[:, 1], {"a": (0.0, 1.0), "b": (0.0, 1.0)}, base=16)
    assert answer.table["total"].iloc[0] > 1.05
    assert answer.figure.get_suptitle() == "A decides 100% of what varies in outcome"
    assert "a (alone 100% (53 to 100), with its interactions 100% (" in answer.sentence


def test_a_title_does_not_hide_that_ranks_have_not_settled() -> None:
    factors = {"a": (0.0, 1.0), "b": (0.0, 1.0)}
    title = sobol(lambda x: x[:, 0] + x[:, 1], factors, base=64).figure.get_suptitle()
    assert title.endswith("the ranks have not settled")


@pytest.mark.parametrize("method", [morris, sobol])
def test_the_key_of_a_figure_covers_no_bar(method: Callable[..., Answer]) -> None:
    """With nine factors alike there are bars everywhere."""
    factors = {f"f{k}": (0.0, 1.0) for k in range(9)}
    figure = method(lambda x: np.prod(1.0 + x, axis=1), factors, 32).figure
    figure.canvas.draw()
    left = figure.axes[0]
    assert not left.get_legend().get_window_extent().overlaps(left.get_window_extent())


def test_one_replicate_does_not_know_its_noise() -> None:
    assert math.isnan(noise_of(np.arange(4.0)[:, None]).share)
    assert noise_of(np.arange(4.0)[:, None]).sentence() == ""


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "SALib.sample.sobol", None)
    with pytest.raises(MissingExtra, match=r"pip install 'alliance-trust\[analysis\]'"):
        sobol_points(ANGLES, 16)


# The model as a function
def test_the_response_is_the_simulation_with_these_settings() -> None:
    scenario = busy(months=12)
    ranges = {"trust_gain": (0.02, 0.1), "blame": (0.0, 1.0)}
    done: list[int] = []
    respond = response_of(scenario, ranges, Measure("trust"), 30, seed=5, tick=done.append)
    values = respond(np.array([[0.03, 0.2], [0.08, 0.7]]))
    alone = simulate(scenario.replace(trust_gain=0.08, blame=0.7), 30, seed=5).runs()["trust"].to_numpy()
    assert values.shape == (2, 30)
    assert (values[1] == alone).all()  # in chunks and threads: the same bits
    assert sum(done) == 60


def test_a_factor_keeps_its_name_whatever_the_order() -> None:
    """Names apart from ranges would give trust_gain's effect to blame when their orders differ."""
    scenario, ranges = busy(months=12), {"trust_gain": (0.02, 0.1), "blame": (0.0, 1.0)}
    backwards = dict(reversed(ranges.items()))
    one, other = (response_of(scenario, order, Measure("trust"), 3) for order in (ranges, backwards))
    assert [factor.name for factor in other.factors] == ["blame", "trust_gain"]
    point = np.array([[0.03, 0.9]])
    assert (one(point) == other(point[:, ::-1])).all()
    for method in (morris, sobol):
        with pytest.raises(ValueError, match=r"not those of the response, in their order: trust_gain \(0.02 to 0.1\)"):
            method(one, backwards)
        with pytest.raises(ValueError, match="not those of the response"):
            method(one, {**ranges, "blame": (0.0, 0.5)})
    table = morris(one, ranges, 4).table
    assert table.equals(morris(one, None, 4).table)
    assert table.set_index("factor").loc["blame", ["low", "high"]].tolist() == [0.0, 1.0]
    assert repr(one) == "<ModelResponse: trust of 'busy' by trust_gain, blame>"
    with pytest.raises(ValueError, match="no function of blame alone"):
        tipping_point(one, Factor("blame", 0.0, 1.0), 0.5)


@pytest.mark.parametrize(
    ("factors", "error", "words"),
    [
        (None, TypeError, "a range for each name, such as .*; got None"),
        (["a", "b"], TypeError, "a range for each name"),
        ([Factor("a", 0.0, 1.0), Factor("b", 0.0, 1.0)], TypeError, "a range for each name"),
        ("ab", TypeError, "a range for each name"),
        ({"a": 1.0, "b": (0.0, 1.0)}, ValueError, "a: a range is two numbers"),
        ({"a": (0.0, 1.0, 2.0), "b": (0.0, 1.0)}, ValueError, "a: a range is two numbers"),
        ({"a": ("0", "1"), "b": (0.0, 1.0)}, ValueError, "a: a range is two numbers"),
        ({"a": (1.0, 0.0), "b": (0.0, 1.0)}, ValueError, "a: the range must rise"),
    ],
)
def test_factors_are_named_with_their_ranges(factors: Any, error: type[Exception], words: str) -> None:
    for ask in (
        lambda: morris(lambda x: x.sum(axis=1), factors),
        lambda: sobol(lambda x: x.sum(axis=1), factors),
        lambda: morris_points(factors, 8),
        lambda: sobol_points(factors, 16),
        lambda: response_of(busy(months=12), factors, Measure("trust")),
    ):
        with pytest.raises(error, match=words):
            ask()


def test_a_share_above_a_threshold_counts_alliances() -> None:
    result = simulate(busy(months=12), 6, seed=2)
    table = result.alliances_table()
    by_hand = [float((group["trust"] > 0.5).mean()) for _, group in table.groupby("replicate")]
    assert Measure("trust", above=0.5).of(result.alliances).tolist() == pytest.approx(by_hand)
    assert Measure("trust", above=0.5).words == "share of alliances with trust above 0.5"


def test_an_outcome_that_is_not_always_defined_is_refused() -> None:
    respond = response_of(
        dyad(months=2), {"trust_gain": (0.01, 0.1)}, Measure("talked_through"), 2
    )  # no problem ever arises
    with pytest.raises(ValueError, match="not defined in 2 of 2 runs"):
        respond(np.array([[0.05]]))


def test_a_factor_without_a_range_has_the_declared_one() -> None:
    assert factor_of(busy(), "blame") == Factor("blame", 0.0, 1.0)
    assert factor_of(busy(), "open.blame", 0.2, 0.4) == Factor("open.blame", 0.2, 0.4)


@pytest.mark.parametrize(
    ("name", "ends", "message"),
    [
        ("trust_gian", (0.0, 0.1), "did you mean 'trust_gain'"),
        ("trust_gain", (0.0, 9.0), "out of range"),
        ("trust_gain", (0.1, 0.1), "must rise from low to high"),
        ("partners", (1.0, 3.0), "takes no fractions"),
        ("clamp_communication", (0.0, 1.0), "takes no fractions"),
        ("events.crash@8.month", (1.0, 3.0), "takes no fractions"),
        ("events.programme@9.months", (1.0, 3.0), "takes no fractions"),
        ("events.crash@8.deepness", (0.0, 1.0), "unknown key"),
        ("trust_gain", (-0.1, -0.2), "got −0.1 to −0.2"),
        ("events.crash@8.depth", (None, None), "has no declared range; give one, as in "),
    ],
)
def test_a_factor_that_cannot_be_is_refused(name: str, ends: tuple[float | None, float | None], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        factor_of(busy(), name, *ends)


def test_an_unknown_outcome_is_refused() -> None:
    with pytest.raises(ValueError, match="did you mean 'trust'"):
        Measure("trsut")


def test_on_the_model_a_factor_that_does_nothing_has_no_index() -> None:
    """How long goodwill lasts in the books moves no trust; how fast trust is gained does."""
    scenario = busy(months=24)
    ranges = {"trust_gain": (0.02, 0.1), "goodwill_months": (24.0, 240.0)}
    respond = response_of(scenario, ranges, Measure("trust"), 4)
    answer = sobol(respond, base=64, outcome="trust")
    table = answer.table.set_index("factor")
    assert list(answer.table.columns) == SOBOL
    for index in ("first", "total"):
        assert table.loc["goodwill_months", f"{index}_low"] <= 0.0 <= table.loc["goodwill_months", f"{index}_high"]
    assert table.loc["trust_gain", "total_low"] > 0.5
    assert "largest with their whole intervals: goodwill months" in answer.sentence
    assert "noise of 4 replicates" in answer.sentence
