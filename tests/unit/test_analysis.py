"""Means, paired differences, humps and sentences against answers worked out by hand."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import BINS, CAUSES, VALUE, histogram_range
from sim.study import analysis

T2 = 0.95 * math.sqrt(2 / 0.0975)  # 97.5% point of t with 2 degrees of freedom: its closed form
T3 = 3.182446305284263  # with 3, from tables


def runs(**cells: list[float]) -> pd.DataFrame:
    """A table of runs: one cell for each keyword, replicates from 0, the outcome ``value``."""
    rows = [
        (cell, label, replicate, value)
        for cell, (label, values) in enumerate(cells.items())
        for replicate, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=["cell", "label", "replicate", "value"])


def only(table: pd.DataFrame) -> pd.Series:
    assert len(table) == 1
    return table.iloc[0]


# Means
def test_cell_means_has_a_row_for_each_cell_and_outcome() -> None:
    means = analysis.cell_means(runs(base=[1.0, 3.0], other=[5.0, math.nan]), ["value"])
    assert list(means.columns) == ["cell", "label", "outcome", "mean", "low", "high", "n", "method"]
    assert means["mean"].tolist() == [2.0, 5.0]
    assert means["n"].tolist() == [2, 1]
    assert means["label"].tolist() == ["base", "other"]


# Paired differences
def test_paired_difference_worked_by_hand() -> None:
    table = runs(base=[1.0, 2.0, 3.0], other=[2.0, 4.0, 3.0]).sample(frac=1.0, random_state=3)  # order must not matter
    row = only(analysis.paired(table, 0, ["value"]))
    half = T2 * 1.0 / math.sqrt(3.0)  # differences 1, 2, 0: mean 1, sd 1
    assert list(row.index) == analysis.PAIRED
    assert (row["reference_mean"], row["mean"], row["difference"], row["n"]) == (2.0, 3.0, 1.0, 3)
    assert row["low"] == pytest.approx(1.0 - half, abs=1e-9)
    assert row["high"] == pytest.approx(1.0 + half, abs=1e-9)
    assert row["saved"] == pytest.approx(2.0)  # (1 + 1) / 1


def test_pairs_with_an_undefined_side_are_dropped_from_both_means() -> None:
    row = only(analysis.paired(runs(base=[1.0, math.nan, 3.0], other=[2.0, 50.0, math.nan]), 0, ["value"]))
    assert (row["reference_mean"], row["mean"], row["difference"], row["n"]) == (1.0, 2.0, 1.0, 1)
    assert math.isnan(row["low"])


def test_replicates_that_one_cell_lacks_are_left_out() -> None:
    table = runs(base=[1.0, 2.0, 3.0], other=[2.0, 4.0, 9.0])
    row = only(analysis.paired(table[~((table["cell"] == 1) & (table["replicate"] == 2))], 0, ["value"]))
    assert (row["n"], row["difference"]) == (2, 1.5)


def test_a_constant_difference_saves_everything() -> None:
    row = only(analysis.paired(runs(base=[1.0, 2.0, 3.0], other=[2.0, 3.0, 4.0]), 0, ["value"]))
    assert (row["difference"], row["method"]) == (1.0, "all alike")
    assert math.isnan(row["low"]), "how far it may be off is not known"
    assert row["saved"] == math.inf


def test_nothing_is_saved_where_nothing_varies() -> None:
    row = only(analysis.paired(runs(base=[1.0, 1.0], other=[2.0, 2.0]), 0, ["value"]))
    assert math.isnan(row["saved"])


def test_saved_is_the_ratio_of_variances() -> None:
    rng = np.random.default_rng(5)
    shared, own = rng.normal(0, 3, 4000), rng.normal(0, 1, (2, 4000))
    table = runs(base=list(shared + own[0]), other=list(shared + own[1]))
    saved = only(analysis.paired(table, 0, ["value"]))["saved"]
    assert saved == pytest.approx(10.0, rel=0.15)  # (10 + 10) / 2; its relative standard error is about 0.03


def test_the_reference_need_not_be_the_first_cell_and_is_not_compared_with_itself() -> None:
    table = analysis.paired(runs(a=[1.0, 2.0], b=[5.0, 6.0], c=[0.0, 0.0]), 1, ["value"])
    assert table["label"].tolist() == ["a", "c"]
    assert table["difference"].tolist() == [-4.0, -5.5]
    assert set(table["reference"]) == {"b"}


def test_one_cell_alone_has_no_differences() -> None:
    table = analysis.paired(runs(a=[1.0, 2.0]), 0, ["value"])
    assert len(table) == 0
    assert list(table.columns) == analysis.PAIRED


def test_a_reference_without_runs_is_refused() -> None:
    with pytest.raises(ValueError, match="cell 7 has no runs"):
        analysis.paired(runs(a=[1.0]), 7, ["value"])


# Sentences
def row(outcome: str, difference: float, low: float, high: float, n: int = 200, method: str = "t") -> dict[str, object]:
    return {
        "label": "culture clash", "reference": "baseline", "outcome": outcome, "difference": difference, "low": low,
        "high": high, "n": n, "method": method,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            row("value_per_month", -0.31, -0.33, -0.29),
            "culture clash: value per month 0.310 money lower than baseline "
            "(95% interval 0.290 to 0.330 lower, 200 paired replicates)",
        ),
        (
            row("survived", 0.123, 0.08, 0.166),
            "culture clash: share still going on 12.3 percentage points higher than baseline "
            "(95% interval 8.0 to 16.6 higher, 200 paired replicates)",
        ),
        (
            row("duration", -6.4, -9.0, -3.8, 12),
            "culture clash: time together 6.4 months lower than baseline "
            "(95% interval 3.8 to 9.0 lower, 12 paired replicates)",
        ),
        (
            row("trust", 0.01, -0.02, 0.04),
            "culture clash: trust not distinguishable from baseline "
            "(difference +0.010, 95% interval −0.020 to +0.040, 200 paired replicates)",
        ),
        (
            row("trust", 0.0, -0.451, 0.451, 5, "rule of three"),
            "culture clash: trust the same as in baseline "
            "(in each of 5 paired replicates; 95% interval −0.45 to +0.45)",
        ),
        (
            row("value", 0.0, math.nan, math.nan, 5, "all alike"),
            "culture clash: value the same as in baseline (in each of 5 paired replicates: no interval)",
        ),
        (
            row("value", -2.5, math.nan, math.nan, 5, "all alike"),
            "culture clash: value 2.50 money lower than baseline (in each of 5 paired replicates: no interval)",
        ),
        (
            row("survived", 0.0, -0.0412, 0.0412, 5),
            "culture clash: share still going on not distinguishable from baseline "
            "(difference 0.0 percentage points, 95% interval −4.1 to +4.1, 5 paired replicates)",
        ),
        (
            row("synergy", -0.4567, math.nan, math.nan, 1, "none"),
            "culture clash: synergy 0.457 money/month lower than baseline (one paired replicate: no interval)",
        ),
        (
            row("met_together", math.nan, math.nan, math.nan, 0, "none"),
            "culture clash: contingencies met together cannot be compared with baseline "
            "(in no replicate defined in both)",
        ),
    ],
)  # fmt: skip
def test_sentences(given: dict[str, object], said: str) -> None:
    assert analysis.sentence(given) == said
    assert analysis.sentence(pd.Series(given)) == said


def test_a_unit_is_not_said_twice() -> None:
    assert "tightness 0.200 higher than baseline" in analysis.sentence(row("tightness", 0.2, 0.15, 0.25))


def test_a_bound_that_excludes_zero_does_not_read_as_zero() -> None:
    said = analysis.sentence(row("trust", 0.1003, 0.0004, 0.2002))
    assert "(95% interval 0.0004 to 0.2002 higher" in said


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_has_a_sentence_and_readable_words(outcome: str) -> None:
    assert "_" not in analysis.outcome_words(outcome)
    assert analysis.outcome_words(outcome) in analysis.sentence(row(outcome, 0.2, 0.1, 0.3))


def test_words_name_only_what_exists() -> None:
    assert set(analysis.OUTCOME_WORDS) <= set(OUTCOMES)
    assert set(analysis.CAUSE_WORDS) == set(CAUSES)


# Labels
def test_labels_lose_what_all_share() -> None:
    long = ["baseline · blame=0.2 · trust_start=0.3", "baseline · blame=0.9 · trust_start=0.3"]
    assert analysis.short_labels(long) == ["blame=0.2", "blame=0.9"]
    assert analysis.short_labels(["culture_clash"]) == ["culture clash"]
    assert analysis.short_labels(["a", "b · x=1"]) == ["a", "b · x=1"]


def test_dotted_factors_are_cut_only_where_nothing_is_lost() -> None:
    assert analysis.short_labels(["s · AOL.blame=1", "s · AOL.blame=2"]) == ["AOL blame=1", "AOL blame=2"]
    both = ["s · A.blame=1 · B.blame=1", "s · A.blame=2 · B.blame=2"]
    assert analysis.short_labels(both) == ["A blame=1 · B blame=1", "A blame=2 · B blame=2"]
    events = ["s · events.crash.enabled=true", "s · events.crash.enabled=false"]
    assert analysis.short_labels(events) == ["crash enabled=true", "crash enabled=false"]


# Choosing cells
def test_spread_cells_keeps_the_reference_and_both_ends() -> None:
    table = runs(**{f"c{k}": [float(10 * k % 97)] for k in range(20)})
    chosen = analysis.spread_cells(table, "value", 6)
    means = table.groupby("cell")["value"].mean()
    assert len(chosen) == 6
    assert 0 in chosen
    assert {int(means.iloc[1:].idxmin()), int(means.iloc[1:].idxmax())} <= set(chosen)
    assert analysis.spread_cells(table, "value", 20) == list(range(20))
    assert 7 in analysis.spread_cells(table, "value", 6, reference=7)


@pytest.mark.parametrize(("defined", "chosen"), [(15, {0, 1, 14}), (4, {0, 1, 2, 3}), (1, {0})])
def test_cells_in_which_an_outcome_is_not_defined_only_fill_up(defined: int, chosen: set[int]) -> None:
    table = runs(**{f"c{k}": [float(k) if k < defined else math.nan] for k in range(20)})
    found = analysis.spread_cells(table, "value", 6)
    assert len(found) == 6
    assert chosen <= set(found)


# Survival
def test_half_life_is_the_first_month_with_half_or_fewer() -> None:
    table = pd.DataFrame(
        {"cell": [0] * 3 + [1] * 3, "month": [0, 1, 2] * 2, "going on": [1.0, 0.5, 0.2, 1.0, 0.9, 0.51]}
    )
    lives = analysis.half_life(table)
    assert lives[0] == 1
    assert math.isnan(lives[1])


def test_half_is_half_however_a_product_is_rounded() -> None:
    """Of 24 alliances one ends in each of the first 12 months: Π(1 − 1/n) is 0.5 and 10⁻¹⁶."""
    going_on = np.cumprod(1.0 - 1.0 / np.arange(24, 12, -1))
    assert going_on[-1] > 0.5
    table = pd.DataFrame({"cell": 0, "month": np.arange(1, 13), "going on": going_on})
    assert analysis.half_life(table) == {0: 12.0}


# Humps
def histogram(counts: np.ndarray, cell: int = 0, month: int = 144) -> pd.DataFrame:
    """The stored form: only bins that hold something, as low and high ends."""
    bins = np.flatnonzero(counts)
    return pd.DataFrame(
        {
            "cell": cell, "month": month, "variable": "trust", "low": bins / BINS, "high": (bins + 1) / BINS,
            "count": counts[bins].astype(int),
        }
    )  # fmt: skip


def sample(rng: np.random.Generator, *humps: tuple[float, float, int]) -> np.ndarray:
    """Counts in 100 bins of a sample from normal humps (mean, sd, n), held in [0, 1]."""
    drawn = np.concatenate([rng.normal(mean, sd, n) for mean, sd, n in humps])
    return np.histogram(np.clip(drawn, 0.0, 0.9999), BINS, (0.0, 1.0))[0].astype(float)


def test_counts_are_put_back_into_their_bins() -> None:
    counts = np.zeros(BINS)
    counts[[0, 28, 29, 57, 99]] = [3, 1, 4, 1, 5]
    assert np.array_equal(analysis.counts_of(histogram(counts), 0, "trust", 144), counts)
    assert analysis.counts_of(histogram(counts), 0, "trust", 12).sum() == 0


def test_the_bins_of_value_scale_with_the_horizon_and_others_do_not() -> None:
    assert np.array_equal(analysis.edges_of("trust", 12), analysis.edges_of("trust", 240))
    short, long = analysis.edges_of("value", 12), analysis.edges_of("value", 240)
    assert len(short) == len(long) == BINS + 1
    assert long == pytest.approx(20.0 * short)
    lows, highs = histogram_range(240)
    assert (long[0], long[-1]) == (lows[VALUE], highs[VALUE])


def test_counts_of_value_are_put_back_into_the_bins_of_their_cell() -> None:
    rows = []
    for cell, months in ((0, 36), (1, 144)):
        edges = analysis.edges_of("value", months)
        rows += [(cell, months, "value", edges[k], edges[k + 1], k + 1) for k in (0, 17, 50, BINS - 1)]
    table = pd.DataFrame(rows, columns=["cell", "month", "variable", "low", "high", "count"])
    assert [analysis.horizon_of(table, cell) for cell in (0, 1)] == [36, 144]
    for cell, months in ((0, 36), (1, 144)):
        counts = analysis.counts_of(table, cell, "value", months)
        assert np.flatnonzero(counts).tolist() == [0, 17, 50, BINS - 1]
        assert counts[[0, 17, 50, BINS - 1]].tolist() == [1, 18, 51, BINS]


def test_a_share_that_is_nearly_none_or_all_does_not_read_so() -> None:
    shown = {
        0.0: "0%",
        0.0004: "<0.1%",
        0.9996: ">99.9%",
        0.0006: "0.1%",
        0.003: "0.3%",
        0.0096: "1%",
        0.5: "50%",
        0.9904: "99%",
        0.997: "99.7%",
        1.0: "100%",
    }
    assert {share: analysis.percent(share) for share in shown} == shown


def test_two_humps_are_found_where_they_are() -> None:
    counts = sample(np.random.default_rng(1), (0.25, 0.05, 3000), (0.75, 0.06, 7000))
    found = only(analysis.bimodality(histogram(counts)))
    assert found["humps"] == 2
    assert found["low_mode"] == pytest.approx(0.25, abs=0.02)
    assert found["high_mode"] == pytest.approx(0.75, abs=0.02)
    assert found["low_mode"] < found["valley"] < found["high_mode"]
    assert found["low_share"] == pytest.approx(0.3, abs=4 * math.sqrt(0.3 * 0.7 / 10000))
    assert found["low_share"] + found["high_share"] == pytest.approx(1.0)
    assert found["depth"] < 0.1
    assert found["mode"] == found["high_mode"]
    assert found["n"] == 10000


def test_one_hump_is_one() -> None:
    counts = sample(np.random.default_rng(2), (0.6, 0.15, 10000))
    found = only(analysis.bimodality(histogram(counts)))
    assert found["humps"] == 1
    assert found["mode"] == pytest.approx(0.6, abs=0.03)
    assert math.isnan(found["valley"])


def test_ripples_of_a_small_sample_are_no_humps() -> None:
    rng = np.random.default_rng(3)
    twos = sum(
        only(analysis.bimodality(histogram(sample(rng, (0.5, 0.2, 60)))))["humps"] == 2 for _ in range(200)
    )  # fmt: skip
    assert twos <= 4


def test_a_tiny_second_hump_is_none() -> None:
    counts = sample(np.random.default_rng(4), (0.2, 0.03, 300), (0.7, 0.08, 9700))
    assert only(analysis.bimodality(histogram(counts)))["humps"] == 1


def test_humps_at_the_very_ends_are_found() -> None:
    counts = np.zeros(BINS)
    counts[:3], counts[-3:] = 500, 500
    found = only(analysis.bimodality(histogram(counts)))
    assert found["humps"] == 2
    assert found["depth"] == 0.0
    assert found["valley"] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("held", [0.05, 0.1, 0.2, 0.3])
@pytest.mark.parametrize("upper", [True, False])
def test_what_a_bound_holds_back_is_no_hump(held: float, upper: bool) -> None:
    """One normal hump, of which a share lies beyond the bound and is held there."""
    sd = 0.15
    place = 1.0 - NormalDist().inv_cdf(1.0 - held) * sd
    counts = sample(np.random.default_rng(5), (place if upper else 1.0 - place, sd, 9000))
    assert counts[-1 if upper else 0] > 9000 * held * 0.9
    found = only(analysis.bimodality(histogram(counts)))
    assert found["humps"] == 1
    assert math.isnan(found["valley"])


def test_the_rule_for_pile_ups_is_what_keeps_them_from_being_humps(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = sample(np.random.default_rng(5), (0.7, 0.15, 9000))
    counts[-1] += 2000
    assert only(analysis.bimodality(histogram(counts)))["humps"] == 1
    monkeypatch.setattr(analysis, "EMPTY_VALLEY", analysis.DEEPEST_VALLEY)
    assert only(analysis.bimodality(histogram(counts)))["humps"] == 2


def test_alliances_gone_to_the_bound_with_nobody_between_are_a_hump() -> None:
    counts = sample(np.random.default_rng(8), (0.7, 0.07, 4000))
    counts[0] += 2000
    found = only(analysis.bimodality(histogram(counts)))
    assert found["humps"] == 2
    assert found["low_mode"] == 0.005
    assert found["depth"] < analysis.EMPTY_VALLEY


@pytest.mark.parametrize("pile", [0, 2, BINS - 3, BINS - 1])
def test_two_humps_beside_a_pile_up_are_still_found(pile: int) -> None:
    counts = sample(np.random.default_rng(8), (0.2, 0.1, 2000), (0.7, 0.14, 4000))
    alone = only(analysis.bimodality(histogram(counts)))
    counts[pile] += 1000
    found = only(analysis.bimodality(histogram(counts)))
    assert (alone["humps"], found["humps"]) == (2, 2)
    for mode, place in (("low_mode", 0.2), ("high_mode", 0.7)):
        assert alone[mode] == pytest.approx(place, abs=0.05)
        assert found[mode] == pytest.approx(place, abs=0.05)


def test_markets_are_known_by_the_resolved_scenario() -> None:
    networks = ({"market": True}, {"partners": 2}, {"market": False, "partners": 2})
    cells = [{"cell": 4 + k, "resolved": {"network": network}} for k, network in enumerate(networks)]
    assert analysis.market_cells({"cells": cells}) == {4}


def test_only_the_last_month_counts_and_nobody_left_is_no_hump() -> None:
    two = sample(np.random.default_rng(6), (0.2, 0.04, 2000), (0.8, 0.04, 2000))
    one = sample(np.random.default_rng(7), (0.5, 0.1, 4000))
    table = pd.concat([histogram(two, month=12), histogram(one, month=24)])
    assert only(analysis.bimodality(table))["humps"] == 1
    empty = histogram(one, cell=3, month=0)
    value = empty.assign(variable="value", month=144)  # ended alliances still have a value
    found = only(analysis.bimodality(pd.concat([empty, value])))
    assert (found["cell"], found["n"], found["humps"]) == (3, 0, 0)


def test_smoothing_loses_nobody() -> None:
    counts = sample(np.random.default_rng(8), (0.02, 0.05, 1000))
    assert analysis.smooth(counts, 3.0).sum() == pytest.approx(counts.sum())
