"""Intervals hold the truth, and tests reject, nearly as often as they say: the first samples of the pages' tables.

``benchmarks/interval_coverage.py`` draws them and measures more; here there are fewer samples and fewer resamples
of each.
"""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from sim.analysis import humps, sensitivity, survival
from validation import pages

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "interval_coverage.py"


@pytest.fixture(scope="module")
def coverage() -> ModuleType:
    """The benchmark, which is in no package."""
    spec = importlib.util.spec_from_file_location("interval_coverage", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def share(coverage: ModuleType, table: str, case: int, count: int) -> dict[str, float]:
    """Share of the samples of a case that held or rejected, by column; over all factors that have an interval."""
    samples = [coverage.drawn(table, 1, (case, number)) for number in range(count)]
    return {column: float(np.nanmean([sample[column] for sample in samples])) for column in samples[0]}


def within(chance: float, count: int) -> float:
    """Four standard errors of a share."""
    return 4.0 * math.sqrt(chance * (1.0 - chance) / count)


@pytest.mark.parametrize("case", range(3))
def test_intervals_of_elementary_effects(coverage: ModuleType, monkeypatch: pytest.MonkeyPatch, case: int) -> None:
    monkeypatch.setattr(sensitivity, "RESAMPLES", 100)
    found = share(coverage, "morris", case, 40)
    assert found["32 trajectories"] >= 0.95 - within(0.95, 40)
    assert found["8 trajectories"] >= 0.90 - within(0.90, 40)


@pytest.mark.parametrize("case", range(3))
def test_intervals_of_sobol_indices(coverage: ModuleType, monkeypatch: pytest.MonkeyPatch, case: int) -> None:
    monkeypatch.setattr(sensitivity, "RESAMPLES", 100)
    found = share(coverage, "sobol", case, 10)
    assert found["first, 128"] >= 0.95 - within(0.95, 30)  # three factors or more
    assert found["total, 128"] >= 0.95 - within(0.95, 30)


def test_why_intervals_of_the_g_function_are_short_at_128_points(coverage: ModuleType) -> None:
    """The sequence is less even there than random points are, which resampling cannot know; at 256 it is far more so.

    Of 100 standard deviations of 100 indices each errs by 7%.
    """
    known = coverage.g_function()
    rng, places = np.random.default_rng(1), np.arange(4)

    def spread(base: int, even: bool) -> float:
        """Standard deviation of the total index of the factor with a = 1."""
        found = []
        for seed in range(1, 101):
            if even:
                rows = known.function(sensitivity.sobol_points(known.factors, base, seed)).reshape(base, 6)
                a, b, mixed = rows[:, 0], rows[:, -1], rows[:, 2]
            else:
                x, y = rng.random((2, base, 4))
                a, b, mixed = (known.function(of) for of in (x, y, np.where(places == 1, y, x)))
            found.append(((a - mixed) ** 2).mean() / (2.0 * np.concatenate([a, b]).var()))
        return float(np.std(found))

    assert spread(128, even=True) > spread(128, even=False)
    assert spread(256, even=True) < 0.75 * spread(256, even=False)


def test_bands_and_tests_over_replicates_that_share_their_fate(
    coverage: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Greenwood's interval and the log-rank test, for which alliances are independent, are the control."""
    monkeypatch.setattr(survival, "SHUFFLES", 199)
    monkeypatch.setattr(survival, "RESAMPLES", 200)
    found = share(coverage, "survival", 3, 40)
    assert found["band"] == pytest.approx(0.95, abs=within(0.95, 40))
    assert found["t interval of the difference"] == pytest.approx(0.95, abs=within(0.95, 40))
    assert found["sign flips reject equality"] <= 0.05 + within(0.05, 40)
    assert found["Greenwood"] < 0.95 - within(0.95, 40)
    assert found["log-rank"] > 0.05 + within(0.05, 40)


def test_intervals_of_places_and_shares_of_humps(coverage: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(humps, "RESAMPLES", 200)
    assert all(held >= 0.95 - within(0.95, 40) for held in share(coverage, "places of humps", 1, 40).values())


def test_intervals_at_which_a_sweep_stops(coverage: ModuleType) -> None:
    held = "95% intervals that hold the mean"
    assert share(coverage, "precision", 0, 200)[held] == pytest.approx(0.95, abs=within(0.95, 200))
    assert share(coverage, "precision", 4, 50)[held] >= 0.95 - within(0.95, 50)


def test_the_known_functions_are_as_declared(coverage: ModuleType) -> None:
    """Indices by brute force: the variance that is left with a factor known, from 200 000 points."""
    rng = np.random.default_rng(1)
    for known in [*coverage.FUNCTIONS.values(), coverage.IDLE]:
        k = len(known.first)
        a, b = known.low + (known.high - known.low) * rng.random((2, 100_000, k))
        whole = known.function(a).var()
        for factor in range(k):
            mixed = np.where(np.arange(k) == factor, a, b)  # the factor stays, the others are drawn anew
            first = np.cov(known.function(a), known.function(mixed))[0, 1] / whole
            assert first == pytest.approx(known.first[factor], abs=0.03)
            mixed = np.where(np.arange(k) == factor, b, a)
            total = ((known.function(a) - known.function(mixed)) ** 2).mean() / (2.0 * whole)
            assert total == pytest.approx(known.total[factor], abs=0.03)


def test_a_column_is_a_share_a_range_of_shares_a_mean_or_nothing(coverage: ModuleType) -> None:
    assert coverage.column_of([True, False, True, True]) == ("75%", pytest.approx(math.sqrt(0.75 * 0.25 / 4)))
    assert coverage.column_of([np.array([True, False]), np.array([True, True])])[0] == "50% to 100%"
    assert coverage.column_of([10, 20]) == ("15", 0.0)
    assert coverage.column_of([np.array(math.nan), np.array(math.nan)]) == ("none", 0.0)


def test_what_has_no_interval_counts_neither_as_a_hit_nor_as_a_miss(coverage: ModuleType) -> None:
    held = coverage.holds([0.0, 0.0, math.nan], 1.0, [2.0, 0.5, math.nan])
    assert held.tolist()[:2] == [1.0, 0.0]
    assert math.isnan(held[2])
    assert coverage.column_of([held[[0, 2]], held[[1, 2]]])[0] == "50%, none in 50%"


def test_every_table_has_its_place_on_its_page(coverage: ModuleType) -> None:
    for name, table in coverage.TABLES.items():
        text = table.page.read_text(encoding="utf-8")
        block = text.partition(pages.mark(name))[2].partition(pages.END)[0]
        assert all(f"| {' | '.join(case)} | " in block for case in table.cases), name
