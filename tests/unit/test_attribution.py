"""Sharing out a change between two causes: what the Shapley value promises, intervals, words, and where it applies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.intervals import ratio_of
from sim.study.attribution import COLUMNS, Attribution, Cause, attribute, attributions, cause_of
from sim.sweeps.reading import Stored

CLASH = Cause("culture", "one culture", "clash", "clash")
CRASH = Cause("crash", False, True, "crash")
NEITHER, ONE, OTHER, BOTH = ("one culture", False), ("clash", False), ("one culture", True), ("clash", True)


def runs_of(cells: Mapping[tuple[str, Any], Any], outcome: str = "written_off") -> pd.DataFrame:
    """A table of runs from the outcome's values in each of the four cells, one value a replicate."""
    frames = [
        pd.DataFrame({"culture": culture, "crash": crash, "replicate": np.arange(len(values)), outcome: values})
        for (culture, crash), values in cells.items()
    ]
    return pd.concat(frames, ignore_index=True)


def parts_of(cells: dict[tuple[str, bool], Any]) -> pd.DataFrame:
    return attribute(runs_of(cells), CLASH, CRASH, "written_off").table.set_index("part")


# ---------------------------------------------------------------------------------------------------------------
# Amounts
# ---------------------------------------------------------------------------------------------------------------
def test_amounts_worked_by_hand() -> None:
    cells = {NEITHER: [10.0, 12.0], ONE: [16.0, 18.0], OTHER: [20.0, 22.0], BOTH: [24.0, 28.0]}
    amounts = parts_of(cells)["amount"]
    expected = {
        "neither": 11, "both": 26, "change": 15, "first alone": 6, "second alone": 10, "meeting": -1, "first": 5.5,
        "second": 9.5,
    }  # fmt: skip
    assert amounts.to_dict() == pytest.approx(expected)


def test_the_values_add_up_to_the_whole_change() -> None:
    """Efficiency of the Shapley value; and the parts alone with the meeting add up as well."""
    parts = parts_of(noisy(meeting=3.0))
    for pieces in (["first", "second"], ["first alone", "second alone", "meeting"]):
        for column in ("amount", "share"):
            assert parts.loc[pieces, column].sum() == pytest.approx(parts.loc["change", column])
    assert parts.loc["change", "share"] == pytest.approx(1.0)


def test_a_cause_that_does_nothing_gets_nothing() -> None:
    """The null player."""
    values, raised = np.random.default_rng(1).normal([[5.0], [9.0]], 1.0, (2, 50))
    parts = parts_of({NEITHER: values, ONE: values, OTHER: raised, BOTH: raised})
    assert parts.loc["first", ["amount", "share"]].tolist() == pytest.approx([0.0, 0.0], abs=1e-12)
    assert parts.loc["second", "share"] == pytest.approx(1.0)


def test_causes_that_do_the_same_get_the_same() -> None:
    """Symmetry: here neither does anything without the other."""
    parts = parts_of({NEITHER: [0.0, 1.0, 2.0], ONE: [0.0, 1.0, 2.0], OTHER: [0.0, 1.0, 2.0], BOTH: [6.0, 7.0, 9.0]})
    assert parts.loc["first", "share"] == pytest.approx(0.5)
    assert parts.loc["second", "share"] == pytest.approx(0.5)
    assert parts.loc["meeting", "share"] == pytest.approx(1.0)


def test_the_order_of_the_two_does_not_matter() -> None:
    runs = runs_of(noisy(meeting=-2.0))
    one = attribute(runs, CLASH, CRASH, "written_off").table.set_index("part")
    other = attribute(runs, CRASH, CLASH, "written_off").table.set_index("part")
    pd.testing.assert_series_equal(one.loc["first"], other.loc["second"], check_names=False)


def test_only_replicates_that_are_defined_in_all_four_cells_count() -> None:
    cells = {NEITHER: [1.0, 5.0, 9.0], ONE: [2.0, math.nan, 9.0], OTHER: [3.0, 5.0, 9.0], BOTH: [6.0, 5.0]}
    result = attribute(runs_of(cells), CLASH, CRASH, "written_off")
    assert result.n == 1
    assert result.table.set_index("part").loc["change", "amount"] == 5.0


def test_a_missing_cell_is_an_error() -> None:
    with pytest.raises(ValueError, match="no run has culture clash and crash True"):
        attribute(runs_of({NEITHER: [1.0], ONE: [1.0], OTHER: [1.0]}), CLASH, CRASH, "written_off")


# ---------------------------------------------------------------------------------------------------------------
# Intervals
# ---------------------------------------------------------------------------------------------------------------
def noisy(meeting: float, n: int = 60, seed: int = 1) -> dict[tuple[str, bool], Any]:
    """Outcomes in which the first cause adds 4, the second 6 and their meeting a number; noise within replicates."""
    rng = np.random.default_rng(seed)
    common = rng.normal(20.0, 5.0, n)
    cells = {NEITHER: 0.0, ONE: 4.0, OTHER: 6.0, BOTH: 10.0 + meeting}
    return {cell: common + level + rng.normal(0.0, 2.0, n) for cell, level in cells.items()}


def test_the_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of 100 intervals of 95%, 95 on average hold the truth; four standard errors (2.2 each) are allowed."""
    truths = {"first": 5.0 / 12.0, "meeting": 2.0 / 12.0}
    hits = dict.fromkeys(truths, 0)
    for seed in range(100):
        parts = parts_of(noisy(meeting=2.0, n=30, seed=seed))
        for part, truth in truths.items():
            hits[part] += parts.loc[part, "share_low"] <= truth <= parts.loc[part, "share_high"]
    assert all(abs(hit - 95) < 8.8 for hit in hits.values()), hits


def test_the_jackknife_of_a_ratio_to_a_constant_is_the_interval_of_the_mean() -> None:
    values = np.array([1.0, 4.0, 2.0, 8.0])
    half = 3.182446305284263 * values.std(ddof=1) / 2.0 / 10.0  # t quantile, 3 degrees of freedom
    found = ratio_of(values, np.full(4, 10.0))
    assert (found.estimate, found.low, found.high) == pytest.approx((0.375, 0.375 - half, 0.375 + half))


def test_no_shares_of_a_change_that_may_be_none() -> None:
    values = np.random.default_rng(2).normal(0.0, 1.0, (4, 20))
    result = attribute(
        runs_of(dict(zip((NEITHER, ONE, OTHER, BOTH), values, strict=True))), CLASH, CRASH, "written_off"
    )
    assert result.table["share"].isna().all()
    assert "cannot be told from zero" in result.sentence()
    assert "%" not in result.markdown()


def test_one_replicate_has_amounts_but_no_intervals() -> None:
    result = attribute(runs_of({NEITHER: [1.0], ONE: [2.0], OTHER: [3.0], BOTH: [6.0]}), CLASH, CRASH, "written_off")
    row = result.table.set_index("part").loc["first"]
    assert row["amount"] == 2.0
    assert row[["low", "high", "share"]].isna().all()
    assert "1 money with neither clash nor crash, 6 money with both" in result.sentence()
    assert result.sentence().endswith("one replicate has no interval, so the change is not shared out")


# ---------------------------------------------------------------------------------------------------------------
# Words
# ---------------------------------------------------------------------------------------------------------------
def of_numbers(outcome: str, numbers: dict[str, list[float]]) -> Attribution:
    table = pd.DataFrame([[part, *row[:3], 100, "t", *row[3:]] for part, row in numbers.items()], columns=COLUMNS)
    return Attribution(outcome, ("clash", "crash"), 100, table)


NUMBERS = {
    "neither": [0.30, 0.27, 0.33, math.nan, math.nan, math.nan],
    "both": [0.10, 0.07, 0.13, math.nan, math.nan, math.nan],
    "change": [-0.20, -0.23, -0.17, 1.0, 1.0, 1.0],
    "first alone": [-0.14, -0.17, -0.11, 0.7, 0.6, 0.8],
    "second alone": [-0.10, -0.13, -0.07, 0.5, 0.4, 0.6],
    "meeting": [0.04, 0.01, 0.07, -0.2, -0.3, -0.1],
    "first": [-0.12, -0.15, -0.09, 0.6, 0.5, 0.7],
    "second": [-0.08, -0.11, -0.05, 0.4, 0.3, 0.5],
}


def test_the_sentence_says_shares_meeting_and_intervals() -> None:
    assert of_numbers("survived", NUMBERS).sentence() == (
        "share still going on: 30.0% (27.0 to 33.0) with neither clash nor crash, 10.0% (7.0 to 13.0) with both, a "
        "change of −20.0 percentage points (−23.0 to −17.0). Of this change 60% (50 to 70) is due to clash and 40% "
        "(30 to 50) to crash, whichever of the two one adds first (Shapley values). Alone, clash does −14.0 percentage "
        "points (−17.0 to −11.0) and crash −10.0 percentage points (−13.0 to −7.0); their meeting does +4.0 percentage "
        "points (+1.0 to +7.0), −20% (−30 to −10) of the whole, which the two share evenly"
    )


def test_a_bar_in_the_name_of_a_cause_is_no_column() -> None:
    lines = replace(of_numbers("survived", NUMBERS), causes=("a|b", "crash")).markdown().splitlines()
    assert lines[4] == "| neither a\\|b nor crash | 30.0% (27.0 to 33.0) | – |"


def test_the_table_has_a_row_for_each_part() -> None:
    lines = of_numbers("survived", NUMBERS).markdown().splitlines()
    assert lines[0].startswith("Share still going on: ")
    assert lines[0].endswith(".")
    assert lines[2:5] == [
        "| part | share still going on | share of the change |",
        "| --- | --- | --- |",
        "| neither clash nor crash | 30.0% (27.0 to 33.0) | – |",
    ]
    assert lines[-2:] == [
        "| due to clash (Shapley value) | −12.0 percentage points (−15.0 to −9.0) | 60% (50 to 70) |",
        "| due to crash (Shapley value) | −8.0 percentage points (−11.0 to −5.0) | 40% (30 to 50) |",
    ]
    assert len(lines) == 2 + 2 + 7


def test_a_share_has_no_end_beyond_its_bounds() -> None:
    rng = np.random.default_rng(1)
    cells = {cell: rng.random(9) * 0.02 for cell in (NEITHER, ONE, OTHER)} | {BOTH: np.eye(9)[0] * 0.04}
    table = attribute(runs_of(cells, "survived"), CLASH, CRASH, "survived").table.set_index("part")
    assert table.loc["both", "low"] == 0.0 < table.loc["both", "amount"] < table.loc["both", "high"]


def test_months_are_several() -> None:
    said = of_numbers("duration", {part: [100.0 * x for x in row] for part, row in NUMBERS.items()}).sentence()
    assert "time together: 30.0 months (27.0 to 33.0) with neither clash nor crash" in said
    assert "a change of −20.0 months (−23.0 to −17.0)" in said


def test_nothing_at_all_has_no_sign() -> None:
    """Two causes that do not meet, each of less: the share of their meeting is a zero over a loss."""
    said = of_numbers("value", {**NUMBERS, "meeting": [-0.0, -0.01, 0.01, -0.0, -0.1, 0.1]}).sentence()
    assert "their meeting does 0.000 money (−0.010 to +0.010), 0% (−10 to 10) of the whole" in said
    assert "-0" not in said


def test_a_change_that_is_alike_in_all_replicates_is_not_shared_out() -> None:
    cells = {NEITHER: [5.0] * 3, ONE: [4.0] * 3, OTHER: [3.0] * 3, BOTH: [2.0] * 3}
    said = attribute(runs_of(cells), CLASH, CRASH, "written_off").sentence()
    assert "5 money (all 3 alike) with neither clash nor crash, 2 money (all 3 alike) with both" in said
    assert said.endswith("all 3 replicates alike: no interval, so the change is not shared out")


def test_nothing_in_common_is_said() -> None:
    cells = {NEITHER: [1.0], ONE: [math.nan], OTHER: [1.0], BOTH: [1.0]}
    result = attribute(runs_of(cells), CLASH, CRASH, "written_off")
    assert result.n == 0
    assert result.sentence().endswith("in no replicate is it defined in all four cells")


# ---------------------------------------------------------------------------------------------------------------
# Where it applies
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("factor", "levels", "cause"),
    [
        ("events.crash.enabled", [False, True], Cause("events.crash.enabled", False, True, "crash")),
        ("clamp_trust", [False, True], Cause("clamp_trust", False, True, "clamp trust")),
        ("monitoring", [0, 1.5], Cause("monitoring", 0, 1.5, "monitoring")),
        (
            "B.blame",
            [{"label": "calm", "value": 0.1}, {"label": "angry", "value": 0.9}],
            Cause("B.blame", "calm", "angry", "angry"),
        ),
        ("events.crash.enabled", [True, False], None),
        ("openness", [0.2, 0.8], None),
        ("openness", [0.0, 0.5, 0.8], None),
        ("openness", [{"normal": [0.2, 0.1]}, {"normal": [0.8, 0.1]}], None),
        ("openness", {"low": 0.0, "high": 1.0}, None),
        ("monitoring", [0, True], None),
    ],
)
def test_what_counts_as_on_and_off(factor: str, levels: Any, cause: Cause | None) -> None:
    assert cause_of(factor, levels) == cause


def stored(runs: pd.DataFrame, factors: dict[str, Any], scenarios: int = 1) -> Stored:
    design = {"scenarios": [f"s{k}" for k in range(scenarios)], "factors": factors}
    return Stored(Path(), {"design": design, "outcomes": ["written_off", "not_kept"]}, {"runs": runs})


CULTURES = [{"label": "one culture", "value": 0.9}, {"label": "clash", "value": 0.2}]


def test_a_two_by_two_of_causes_is_shared_out() -> None:
    found = attributions(stored(runs_of(noisy(meeting=0.0)), {"culture": CULTURES, "crash": [False, True]}))
    assert [(it.outcome, it.causes, it.n) for it in found] == [("written_off", ("clash", "crash"), 60)]


def test_causes_of_one_name_are_told_apart() -> None:
    """Two partners may differ in the same trait, with the same names for its levels."""
    levels = [{"label": "low", "value": 0.1}, {"label": "very_high", "value": 0.9}]
    cells = {("low", "low"): [1.0], ("very_high", "low"): [2.0], ("low", "very_high"): [3.0]}
    runs = runs_of({**cells, ("very_high", "very_high"): [4.0]}).rename(
        columns={"culture": "A.blame", "crash": "B.blame"}
    )
    (labelled,) = attributions(stored(runs, {"A.blame": levels, "B.blame": levels}))
    assert labelled.causes == ("A blame very_high", "B blame very_high")
    numbers = runs.replace({"low": 0, "very_high": 0.9})
    (numbered,) = attributions(stored(numbers, {"A.blame": [0, 0.9], "B.blame": [0, 0.9]}))
    assert numbered.causes == ("A blame", "B blame")


def test_nothing_else_is() -> None:
    runs = runs_of(noisy(meeting=0.0))
    both: dict[str, Any] = {"culture": CULTURES, "crash": [False, True]}
    assert attributions(stored(runs, both, scenarios=2)) == []
    assert attributions(stored(runs, {"culture": CULTURES})) == []
    assert attributions(stored(runs, {**both, "blame": [0, 1]})) == []
    assert attributions(stored(runs, {"culture": CULTURES, "crash": [0.1, 0.3]})) == []
    assert attributions(stored(runs[~(runs["crash"] & (runs["culture"] == "clash"))], both)) == []
