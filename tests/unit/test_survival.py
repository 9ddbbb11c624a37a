"""Survival, competing causes and comparisons against examples worked by hand and hazards that are known."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from sim.dynamics.state import CAUSES_OF_ENDING
from sim.engine import simulate
from sim.study import survival as study
from sim.study.survival import ENDINGS, Lifetimes, lifetimes
from tests.builders import dyad

ON, DISTRUST, DISAPPOINTMENT, STRATEGY = CAUSES_OF_ENDING


def counted(rows: Sequence[tuple[int, int, str]]) -> Lifetimes:
    """Lifetimes from (replicate, months, cause)."""
    return lifetimes(pd.DataFrame(rows, columns=["replicate", "duration", "cause"]))


HAND = counted([(0, 1, DISTRUST), (0, 2, ON), (0, 3, DISAPPOINTMENT), (0, 3, DISTRUST), (0, 4, ON), (0, 5, DISTRUST)])
"""Six alliances. S: 1 − 1/6 = 5/6 in month 1; two of four at risk end in month 3: 5/12; the last one in month 5: 0."""


def many(hazard: float, replicates: int, alliances: int, months: int, seed: int = 1) -> Lifetimes:
    """Independent lifetimes with a constant hazard a month, censored at the horizon."""
    rng = np.random.default_rng(seed)
    drawn = rng.geometric(hazard, (replicates, alliances))
    return counted(
        [(r, min(int(t), months), DISTRUST if t <= months else ON) for r in range(replicates) for t in drawn[r]]
    )


# Curves
def test_survival_worked_by_hand() -> None:
    table = study.curve_table(HAND)
    assert table["at_risk"].tolist() == [6, 6, 5, 4, 2, 1]
    assert table["going_on"].to_numpy() == pytest.approx([1, 5 / 6, 5 / 6, 5 / 12, 5 / 12, 0])


def test_incidence_worked_by_hand() -> None:
    """Distrust: 1/6 in month 1, 5/6·1/4 in month 3, 5/12·1 in month 5; disappointment: 5/6·1/4 in month 3."""
    table = study.curve_table(HAND)
    assert table[DISTRUST].to_numpy() == pytest.approx([0, 1 / 6, 1 / 6, 3 / 8, 3 / 8, 19 / 24])
    assert table[DISAPPOINTMENT].to_numpy() == pytest.approx([0, 0, 0, 5 / 24, 5 / 24, 5 / 24])


def test_shares_of_all_causes_and_of_those_going_on_add_up_to_one() -> None:
    table = study.curve_table(many(0.05, 5, 10, 30))
    assert table[["going_on", *ENDINGS]].sum(axis=1).to_numpy() == pytest.approx(np.ones(len(table)))


def test_the_curve_is_that_of_scipy() -> None:
    from scipy.stats import CensoredData, ecdf

    found = many(0.04, 6, 20, 40, seed=2)
    months = np.arange(found.censored.shape[1], dtype=float)
    ended = np.repeat(months, found.ended.sum(axis=(0, 1)).astype(int))
    censored = np.repeat(months, found.censored.sum(axis=0).astype(int))
    theirs = ecdf(CensoredData(uncensored=ended, right=censored)).sf
    ours = study.curve_table(found)
    assert ours["going_on"].to_numpy() == pytest.approx(theirs.evaluate(months))
    first = int(ended.min())  # before it SciPy's formula has no value
    band = theirs.confidence_interval(0.95, method="log-log")
    assert ours["greenwood_low"].to_numpy()[first:] == pytest.approx(band.low.evaluate(months[first:]))
    assert ours["greenwood_high"].to_numpy()[first:] == pytest.approx(band.high.evaluate(months[first:]))


# Remission under 6-mercaptopurine and placebo, weeks (Freireich et al. 1963, doi:10.1182/blood.V21.6.699.699).
TREATED = [(6, 3, 1), (7, 1, 0), (9, 0, 1), (10, 1, 1), (11, 0, 1), (13, 1, 0), (16, 1, 0), (17, 0, 1), (19, 0, 1)]
TREATED += [(20, 0, 1), (22, 1, 0), (23, 1, 0), (25, 0, 1), (32, 0, 2), (34, 0, 1), (35, 0, 1)]  # week, ended, censored
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def freireich() -> tuple[Lifetimes, Lifetimes]:
    treated = [(week, cause) for week, ended, going in TREATED for cause in [DISTRUST] * ended + [ON] * going]
    return (
        counted([(k, week, cause) for k, (week, cause) in enumerate(treated)]),
        counted([(k, week, DISTRUST) for k, week in enumerate(PLACEBO)]),
    )


def test_the_leukaemia_data_of_the_textbooks() -> None:
    """Kalbfleisch & Prentice (1980): S of the treated; SAS and R print the same log-log limits, log-rank χ² = 16.79."""
    treated, placebo = freireich()
    table = study.curve_table(treated).set_index("month")
    known = {6: 0.8571, 7: 0.8067, 10: 0.7529, 13: 0.6902, 16: 0.6275, 22: 0.5378, 23: 0.4482}
    assert table.loc[list(known), "going_on"].tolist() == pytest.approx(list(known.values()), abs=5e-5)
    assert table.loc[[6, 23], "greenwood_low"].tolist() == pytest.approx([0.6197, 0.1881], abs=5e-5)
    assert table.loc[[6, 23], "greenwood_high"].tolist() == pytest.approx([0.9516, 0.6801], abs=5e-5)
    statistic, p = study.log_rank(treated, placebo)
    assert statistic**2 == pytest.approx(16.79, abs=0.005)
    assert statistic < 0.0  # the treated last longer
    assert p == pytest.approx(4.17e-5, abs=5e-8)


def test_a_constant_hazard_gives_its_exponential() -> None:
    table = study.curve_table(many(0.03, 40, 50, 60, seed=3))
    known = 0.97 ** table["month"].to_numpy()
    error = np.sqrt(known * (1 - known) / 2000)
    assert (np.abs(table["going_on"] - known) <= 4.5 * error + 1e-12).all()  # the worst of 60 months that go together


def test_the_model_with_one_cause_follows_its_hazard() -> None:
    table = simulate(dyad(months=60, exogenous_exit=0.02), 400).alliances_table()
    curve = study.curve_table(lifetimes(table))
    known = 0.98**60
    assert curve["going_on"].iloc[-1] == pytest.approx(known, abs=4 * math.sqrt(known * (1 - known) / 400))
    assert curve[STRATEGY].iloc[-1] == pytest.approx(1.0 - curve["going_on"].iloc[-1])
    assert curve[DISTRUST].max() == 0.0


def test_bands_hold_their_curve_and_stay_within_0_and_1() -> None:
    table = study.curve_table(many(0.05, 12, 10, 40, seed=4))
    for low, high in (("low", "high"), ("greenwood_low", "greenwood_high")):
        assert (table[low] <= table["going_on"] + 1e-12).all()
        assert (table["going_on"] <= table[high] + 1e-12).all()
        assert table[low].min() >= 0.0
        assert table[high].max() <= 1.0


def test_replicates_that_share_their_fate_widen_the_band_of_replicates_only() -> None:
    """All 25 alliances of a replicate end together: the true error is 5 times the one of independent alliances."""
    rng = np.random.default_rng(5)
    fates = np.minimum(rng.geometric(0.05, 40), 30)
    found = counted([(r, int(t), DISTRUST if t < 30 else ON) for r, t in enumerate(fates) for _ in range(25)])
    row = study.curve_table(found).iloc[15]
    ratio = (row["high"] - row["low"]) / (row["greenwood_high"] - row["greenwood_low"])
    assert ratio == pytest.approx(5.0, rel=0.15)


def test_what_nobody_ended_may_still_end() -> None:
    """Of two alliances, and of 30 of ten replicates: the rule of three over what counts as one observation."""
    table = study.curve_table(counted([(0, 3, ON), (1, 3, ON)]))
    assert table["going_on"].tolist() == [1.0] * 4
    assert table["greenwood_low"].tolist() == pytest.approx([math.sqrt(0.05)] * 4)
    assert table["greenwood_high"].tolist() == [1.0] * 4
    assert table["low"].isna().all()
    table = study.curve_table(counted([(r, 3, ON) for r in range(10) for _ in range(3)]))
    assert table["low"].tolist() == pytest.approx([0.05 ** (1 / 10)] * 4)
    assert table["greenwood_low"].tolist() == pytest.approx([0.05 ** (1 / 30)] * 4)
    assert table["distrust_high"].tolist() == pytest.approx([1.0 - 0.05 ** (1 / 10)] * 4)
    assert table["distrust_low"].tolist() == [0.0] * 4


def test_a_band_never_says_that_alliances_rise_again() -> None:
    """Before the first ending all are alike; what goes on later at least, went on before at least."""
    table = study.curve_table(many(0.05, 10, 20, 30, seed=3))
    for low, high in (("low", "high"), ("greenwood_low", "greenwood_high")):
        assert (table[[low, high]].diff().dropna() <= 1e-12).all(axis=None)
    assert (table[["distrust_low", "distrust_high"]].diff().dropna() >= -1e-12).all(axis=None)
    assert table["low"].iloc[0] > table["low"].iloc[5] > 0.5


def test_no_alliance_is_refused() -> None:
    with pytest.raises(ValueError, match="no alliance"):
        counted([])
    table, cells = alliances(base=HAND, empty=HAND)
    with pytest.raises(ValueError, match="cell 1 has no alliance whose lifetime could be counted: leave it out"):
        study.survival(table[table["cell"] == 0], cells)


# Comparing
def test_restricted_lifetimes_worked_by_hand() -> None:
    """Replicate 0 lasts 1 and 3 months; in replicate 1 one lasts 2 and one beyond 4."""
    found = counted([(0, 1, DISTRUST), (0, 3, DISTRUST), (1, 2, STRATEGY), (1, 4, ON)])
    assert study.restricted_lifetimes(found, 4).tolist() == pytest.approx([2.0, 3.0])
    assert study.restricted_lifetimes(found, 2).tolist() == pytest.approx([1.5, 2.0])
    assert study.restricted_lifetimes(found, 6).tolist() == pytest.approx([2.0, 4.0])  # the last value is held


def test_the_common_horizon_is_the_shortest_censoring_and_not_the_last_ending() -> None:
    gone = counted([(0, 2, DISTRUST), (0, 7, DISTRUST)])
    short, long = counted([(0, 12, ON), (0, 3, DISTRUST)]), counted([(0, 24, ON)])
    assert study.common_horizon([long, short]) == 12
    assert study.common_horizon([long, gone]) == 24
    assert study.common_horizon([gone]) == 7


def test_the_sign_flip_test_is_exact_for_few_pairs() -> None:
    assert study.sign_flip_test(np.array([1.0, 2.0, 0.5, 3.0, 1.5])) == pytest.approx(2 / 32)
    assert study.sign_flip_test(np.zeros(5)) == 1.0
    assert math.isnan(study.sign_flip_test(np.empty(0)))


def test_the_sign_flip_test_rejects_as_often_as_it_says_where_there_is_no_difference() -> None:
    pairs = np.random.default_rng(6).normal(0.0, 1.0, (400, 8))
    rejected = np.mean([study.sign_flip_test(pair) <= 0.05 for pair in pairs])
    exact = 12 / 256  # the largest share of 256 flips up to 5% that comes in twos
    assert rejected == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 400))


def test_log_rank_says_who_ends_sooner() -> None:
    fast, slow = many(0.10, 10, 10, 40, seed=7), many(0.03, 10, 10, 40, seed=8)
    statistic, p = study.log_rank(fast, slow)
    assert statistic > 3.0
    assert p < 0.001
    assert study.log_rank(slow, fast)[0] == pytest.approx(-statistic)
    nobody = counted([(0, 3, ON), (1, 3, ON)])
    assert all(math.isnan(number) for number in study.log_rank(nobody, nobody))


def test_clustered_fates_mislead_the_log_rank_test_and_not_the_one_over_replicates() -> None:
    """Two cells without a difference, fates shared within 8 replicates: p of the log-rank test is far too small."""
    rng = np.random.default_rng(9)
    small = {"log_rank": 0, "replicates": 0}
    for _ in range(40):
        cells = {}
        for cell in (0, 1):
            fates = np.minimum(rng.geometric(0.05, 8), 40)
            cells[cell] = counted(
                [(r, int(t), DISTRUST if t < 40 else ON) for r, t in enumerate(fates) for _ in range(20)]
            )
        row = study.compare(cells, {0: "a", 1: "b"}).iloc[0]
        small["log_rank"] += row["p_log_rank"] < 0.05
        small["replicates"] += row["p_replicates"] < 0.05
    assert small["log_rank"] > 16  # rejects 65% or so; by right 5%
    assert small["replicates"] <= 2 + 4 * math.sqrt(40 * 0.05 * 0.95)


# The answer
def alliances(**cells: Lifetimes) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables ``alliances`` and ``cells`` of a result folder with these lifetimes."""
    frames = []
    for number, found in enumerate(cells.values()):
        for cause, counts in ((ON, found.censored), *zip(ENDINGS, found.ended.transpose(1, 0, 2), strict=True)):
            replicate, months = np.nonzero(counts)
            times = counts[replicate, months].astype(int)
            numbers = found.replicates[np.repeat(replicate, times)]
            rows = {"cell": number, "replicate": numbers, "duration": np.repeat(months, times)}
            frames.append(pd.DataFrame(rows).assign(cause=cause))
    names = pd.DataFrame({"cell": range(len(cells)), "label": list(cells)})
    return pd.concat(frames, ignore_index=True), names


def test_the_answer_compares_cells_in_words() -> None:
    table, cells = alliances(base=many(0.03, 20, 20, 48, seed=10), rough=many(0.08, 20, 20, 48, seed=11))
    answer = study.survival(table, cells)
    assert "within 48 months alliances last" in answer.sentence
    assert "months shorter than in base" in answer.sentence
    assert "takes alliances as independent, p < 0.001" in answer.sentence
    assert "by distrust" in answer.sentence
    assert set(answer.table["label"]) == {"base", "rough"}
    assert list(answer.more["comparison"].columns) == study.COMPARED


def test_cells_that_do_not_differ_are_said_not_to() -> None:
    same = many(0.05, 12, 10, 30, seed=12)
    table, cells = alliances(base=same, twin=same)
    answer = study.survival(table, cells)
    assert answer.sentence == (
        "Twin: within 30 months the mean lifetime is the same as in base in each of 12 paired replicates "
        "(95% interval −6.6 to +6.6 months)."
    )
    assert answer.more["comparison"]["p_replicates"].iloc[0] == 1.0


def test_a_difference_that_chance_explains_is_not_claimed() -> None:
    table, cells = alliances(base=many(0.05, 12, 10, 30, seed=20), other=many(0.05, 12, 10, 30, seed=21))
    assert "the mean lifetime is not distinguishable from base" in study.survival(table, cells).sentence


@pytest.mark.parametrize(
    ("base", "other", "said"),
    [
        (
            [(0, 3, ON), (0, 2, DISTRUST)],
            [(0, 3, ON), (0, 1, DISTRUST)],
            "Other: within 3 months alliances last 0.500 months shorter than in base (2.000 against 2.500; one paired "
            "replicate: no interval).",
        ),
        (
            [(0, 5, ON), (1, 3, DISTRUST)],
            [(2, 5, ON), (3, 2, DISTRUST)],
            "Other: cannot be compared with base, no replicate has alliances in both.",
        ),
        ([(0, 5, ON)], [(0, 5, ON)], "Other: as in base, no alliance ends within 5 months."),
        (
            [(0, 5, DISTRUST)],
            [(0, 5, DISTRUST)],
            "Other: within 5 months the mean lifetime is the same as in base (one paired replicate: no interval).",
        ),
        (
            [(r, 5, DISTRUST) for r in range(3)],
            [(r, 5, DISTRUST) for r in range(3)],
            "Other: within 5 months the mean lifetime is the same as in base in each of 3 paired replicates "
            "(95% interval −3.2 to +3.2 months).",
        ),
    ],
)
def test_corner_cases_claim_nothing(
    base: list[tuple[int, int, str]], other: list[tuple[int, int, str]], said: str
) -> None:
    table, cells = alliances(base=counted(base), other=counted(other))
    answer = study.survival(table, cells)
    assert answer.sentence == said
    assert answer.figure.get_suptitle()


def test_an_end_that_excludes_zero_does_not_read_as_zero() -> None:
    row = dict(zip(study.COMPARED[3:], (36, 31.9, 31.4, -4.7, -9.36, -0.04, 9, "t", 0.047, 0.5, 0.61), strict=True))
    said = study._lifetime_words(row, "base")
    assert "last 4.70 months shorter than in base" in said
    assert "(31.40 against 31.90; 95% interval 0.04 to 9.36 shorter" in said
    alone = {**row, "difference": -0.04, "low": math.nan, "high": math.nan, "replicates": 1, "method": "none"}
    assert "last 0.0400 months shorter than in base (31.4000 against 31.9000; " in study._lifetime_words(alone, "base")


def test_causes_are_compared_at_the_month_that_both_cells_reach() -> None:
    """In the first 12 months both lose a third; the longer run loses another third to distrust later."""
    base = [(r, t, c) for r in range(8) for t, c in ((6, DISTRUST), (20, DISTRUST), (24, ON))]
    other = [(r, t, c) for r in range(8) for t, c in ((6, DISAPPOINTMENT), (12, ON), (12, ON))]
    table, cells = alliances(base=counted(base), other=counted(other))
    answer = study.survival(table, cells)
    assert "by distrust: 0% (0 to 31) against 33% (23 to 54)" in answer.sentence
    assert answer.figure.get_suptitle() == "67% of the alliances last beyond month 12 in every cell"


def test_a_band_has_the_steps_of_its_line() -> None:
    table, cells = alliances(base=many(0.1, 10, 20, 12), other=many(0.2, 10, 20, 12, seed=2))
    bands = study.survival(table, cells).figure.axes[0].collections
    assert len(bands) == 2
    for band in bands:
        moves = np.diff(band.get_paths()[0].vertices, axis=0)
        assert (moves == 0.0).any(axis=1).all()  # each goes across or down
        assert (moves[:, 1] != 0.0).sum() > 10


def test_few_replicates_have_no_band() -> None:
    table = study.curve_table(many(0.05, 7, 10, 30))
    assert table[["low", "high", "distrust_low"]].isna().all(axis=None)
    assert table["greenwood_low"].notna().all()


def test_one_cell_alone_is_described() -> None:
    table, cells = alliances(base=many(0.05, 12, 10, 30, seed=13))
    answer = study.survival(table, cells)
    assert answer.sentence.startswith("Base: ")
    assert "of the alliances last beyond month 30" in answer.sentence
    assert answer.more == {}
