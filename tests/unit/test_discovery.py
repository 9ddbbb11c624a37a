"""Scenario discovery on data with a known box, and on noise, in which nothing may be found."""

from __future__ import annotations

import dataclasses
import math
import sys

import numpy as np
import pandas as pd
import pytest

from sim.study import discovery
from sim.study.answer import MissingExtra
from sim.study.discovery import BOXES, CHECKS, Box, cases_of, discover
from sim.study.plots.discovery import discovery_figure

FACTORS = ["turnover", "trust_start", "blame", "openness"]


def sample(cells: int, replicates: int, inside: float, outside: float, seed: int = 1) -> tuple[pd.DataFrame, pd.Series]:
    """Cells at random, and runs that fail with one chance where turnover > 0.04 and trust start < 0.5, else another."""
    rng = np.random.default_rng(seed)
    points = rng.random((cells, 4)) * [0.1, 1.0, 1.0, 1.0]
    chance = np.where((points[:, 0] > 0.04) & (points[:, 1] < 0.5), inside, outside)
    runs = pd.DataFrame(np.repeat(points, replicates, axis=0), columns=FACTORS)
    runs.insert(0, "cell", np.repeat(np.arange(cells), replicates))
    return runs, pd.Series(rng.random(cells * replicates) < np.repeat(chance, replicates))


def test_a_known_box_is_found() -> None:
    runs, fails = sample(200, 5, inside=0.8, outside=0.05)
    answer = discover(runs, FACTORS, fails, meaning="value is below 0")
    checks = answer.more["checks"].iloc[0]
    assert list(answer.table.columns) == BOXES
    assert list(answer.more["checks"].columns) == CHECKS
    assert checks["found"]
    assert "trust start ≤ 0." in answer.sentence
    assert "turnover > 0.0" in answer.sentence
    assert "blame" not in answer.sentence
    assert "openness" not in answer.sentence
    # Truth: 30% of the cells, of whose runs 80% fail, hold 87% of the failures.
    assert checks["density"] == pytest.approx(0.80, abs=0.08)
    assert checks["coverage"] == pytest.approx(0.87, abs=0.08)
    assert checks["accuracy"] > checks["accuracy_of_guessing"] + 0.1


def test_the_conditions_lie_at_the_edges_of_the_box() -> None:
    runs, fails = sample(400, 5, inside=0.9, outside=0.05, seed=2)
    cases = cases_of(runs, FACTORS, fails)
    best = discovery._best(discovery._boxes(discovery._grow(cases), cases.names), cases)
    assert set(best.bounds) == {"turnover", "trust start"}
    assert best.bounds["turnover"][0] == pytest.approx(0.04, abs=0.004)  # cells are 0.0005 apart on this edge
    assert best.bounds["trust start"][1] == pytest.approx(0.5, abs=0.04)


def test_in_pure_noise_nothing_is_found() -> None:
    """Of ten samples without a region, more than one is found at a level of 1% with a chance of 0.4%."""
    answers = []
    for seed in range(10):
        runs, fails = sample(40, 4, inside=0.3, outside=0.3, seed=100 + seed)
        answers.append(discover(runs, FACTORS, fails, meaning="value is below 0"))
    quiet = [answer for answer in answers if not answer.more["checks"]["found"].iloc[0]]
    assert len(quiet) >= 9
    assert all(answer.sentence.startswith("No region where value is below 0 holds up: ") for answer in quiet)
    assert not any(answer.table["best"].any() for answer in quiet)


@pytest.mark.parametrize(("coverage", "often"), [(0.6, "mostly"), (0.3, "more often")])
def test_mostly_is_said_of_a_box_that_holds_most_failures_of_unseen_cells(coverage: float, often: str) -> None:
    runs, fails = sample(20, 5, inside=0.9, outside=0.2)
    cases = cases_of(runs, FACTORS, fails)
    checks = dict.fromkeys(CHECKS, 0.5) | {"coverage": coverage, "found": True}
    said = discovery._sentence(Box({"turnover": (0.04, math.inf)}), cases, checks, "value is below 0")
    assert said.startswith(f"Value is below 0 {often} when turnover > 0.04: ")


@pytest.mark.parametrize(
    ("p", "skill", "why"),
    [
        (0.01, 0.5, "the tree's skill on unseen cells is within chance (p = 0.01 by shuffling; below 0.01 counts)."),
        (0.005, -0.1, "the tree foretells unseen cells no better than guessing does."),
        (0.005, 0.5, "boxes found on some of the cells hold no more failures than chance in the others."),
    ],
)
def test_what_does_not_hold_up_is_named_and_why(p: float, skill: float, why: str) -> None:
    """A box that has every failure is in the table: "no region found" would contradict it."""
    runs = pd.DataFrame({"cell": np.repeat(np.arange(30), 10), "x": np.repeat(np.arange(30) / 30.0, 10)})
    cases = cases_of(runs, ["x"], runs["x"] < 0.395)
    checks = dict.fromkeys(CHECKS, 0.5) | {"p": p, "skill": skill, "found": False}
    said = discovery._sentence(Box({"x": (-math.inf, 0.4)}), cases, checks, "value is below 0")
    assert said == (
        "No region where value is below 0 holds up: the best box, x ≤ 0.4, has 120 of the 120 failures in 130 of the "
        f"300 runs, but {why}"
    )


def test_a_box_must_fail_more_than_all_runs_do() -> None:
    """Most runs fail, a little fewer in the large box: its harmonic mean is the best, but it explains nothing."""
    runs = pd.DataFrame({"cell": range(20), "x": np.arange(20) / 20.0})
    cases = cases_of(runs, ["x"], pd.Series([True] * 15 + [False] * 2 + [True] * 3))
    large, small = Box({"x": (-math.inf, 0.825)}), Box({"x": (0.825, math.inf)})
    assert large.merit(cases) > small.merit(cases)
    assert large.density(cases) < cases.share < small.density(cases)
    assert discovery._best([Box({}), large, small], cases) is small


def test_cells_that_all_fail_alike_have_no_region() -> None:
    runs = pd.DataFrame({"cell": np.repeat(np.arange(12), 2), "x": np.repeat(np.arange(12) / 12.0, 2)})
    answer = discover(runs, ["x"], pd.Series([True, False] * 12), meaning="value is below 0")
    title, _, why = answer.sentence.partition(": ")
    assert title == answer.figure.get_suptitle() == "No region where value is below 0 holds up"
    assert why == "in no box do more of the runs fail than in all (12 of 24)."


def test_cells_at_one_place_are_one_dot_of_their_mean() -> None:
    """Two levels of a lever at every point: of dots on top of each other only the last one would be seen."""
    cells = pd.DataFrame({"x": np.repeat([0.1, 0.2, 0.3], 2), "lever": [0.0, 1.0] * 3, "failing": [0.2, 0.4] * 3})
    checks = pd.Series(dict.fromkeys(CHECKS, 0.5) | {"runs": 60, "cells": 6})
    boxes = pd.DataFrame([(1, "anywhere", 60, 18, 0.3, 1.0, True)], columns=BOXES)
    figure = discovery_figure(boxes, checks, cells, {"x": (-math.inf, 0.15)}, "Value is below 0: x", "value is below 0")
    assert len(figure.axes[0].collections[0].get_offsets()) == 6
    alone = discovery_figure(boxes, checks, cells.drop(columns="lever"), {}, "Value is below 0: x", "value is below 0")
    assert alone.axes[0].collections[0].get_array().tolist() == pytest.approx([0.3] * 3)


def test_the_leaves_hold_every_run_and_every_failure_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "SHUFFLES", 9)  # of which the table knows nothing
    runs, fails = sample(120, 3, inside=0.9, outside=0.1, seed=3)
    table = discover(runs, FACTORS, fails).table
    assert table["runs"].sum() == 360
    assert table["failures"].sum() == fails.sum()
    assert table["coverage"].sum() == pytest.approx(1.0)
    assert (table["failures"] / table["runs"]).to_numpy() == pytest.approx(table["density"].to_numpy())
    assert table["conditions"].str.count(" and ").max() <= discovery.DEPTH - 1


def test_coverage_and_density_worked_by_hand() -> None:
    """Ten cells of two runs; x > 0.55 holds four of them with 5 of the 6 failures."""
    runs = pd.DataFrame({"cell": np.repeat(np.arange(10), 2), "x": np.repeat(np.arange(10) / 10.0, 2)})
    fails = pd.Series([False] * 7 + [True] + [False] * 5 + [True] * 5 + [False] * 2)
    box = Box({"x": (0.55, math.inf)})
    cases = cases_of(runs, ["x"], fails)
    assert box.density(cases) == pytest.approx(5 / 8)
    assert box.coverage(cases) == pytest.approx(5 / 6)
    assert box.merit(cases) == pytest.approx(2 * (5 / 8) * (5 / 6) / (5 / 8 + 5 / 6))
    assert box.conditions(cases) == "x > 0.55"
    assert Box({"x": (0.2, 0.5)}).conditions(cases) == "0.2 < x ≤ 0.5"
    assert Box({"x": (-1.5, -0.5)}).conditions(cases) == "−1.5 < x ≤ −0.5"
    assert Box({"x": (0.6, 0.8)}).within(box)
    assert not box.within(Box({"x": (0.6, 0.8)}))


def test_factors_of_words_are_conditions_too() -> None:
    rng = np.random.default_rng(4)
    policy = rng.choice(["blind_faith", "rational", "contract"], 90)
    runs = pd.DataFrame({"cell": np.repeat(np.arange(90), 4), "policy": np.repeat(policy, 4)})
    runs["openness"] = np.repeat(rng.random(90), 4)
    fails = pd.Series(rng.random(360) < np.where(runs["policy"] == "blind_faith", 0.9, 0.1))
    cases = cases_of(runs, ["policy", "openness"], fails)
    best = discovery._best(discovery._boxes(discovery._grow(cases), cases.names), cases)
    assert best.conditions(cases) == "policy is blind_faith"


def test_the_same_trait_of_two_groups_is_told_apart() -> None:
    x = np.arange(12) / 12.0
    runs = pd.DataFrame({"cell": range(12), "North.blame": x, "South.blame": x[::-1]})
    cases = cases_of(runs, ["North.blame", "South.blame"], pd.Series([False, True] * 6))
    box = Box({"North blame": (0.2, math.inf), "South blame": (-math.inf, 0.5)})
    assert box.conditions(cases) == "North blame > 0.2 and South blame ≤ 0.5"
    assert box.holds(cases).sum() == 7


def test_of_two_words_the_other_one_is_named() -> None:
    runs = pd.DataFrame({"cell": range(12), "policy": ["a", "b"] * 6})
    cases = cases_of(runs, ["policy"], pd.Series([False, True] * 6))
    assert cases.names == ("policy=a",)
    assert Box({"policy=a": (-math.inf, 0.5)}).conditions(cases) == "policy is b"


def test_a_switch_is_told_as_words_and_not_as_a_number() -> None:
    runs = pd.DataFrame({"cell": range(12), "market": [True, False] * 6})
    cases = cases_of(runs, ["market"], pd.Series([False, True] * 6))
    assert Box({cases.names[0]: (-math.inf, 0.5)}).conditions(cases) == "market is True"


def test_cells_of_one_point_are_seen_or_unseen_together() -> None:
    """Every point of a sample is crossed with three levels of a lever."""
    runs = pd.DataFrame({"cell": range(60), "x": np.repeat(np.arange(20) / 20.0, 3), "lever": [0.0, 0.5, 1.0] * 20})
    cases = cases_of(runs, ["x", "lever"], pd.Series([True, False, False] * 20), points=["x"])
    for seen, unseen in discovery._folds(cases.points, seed=1):
        assert set(cases.points[seen]) & set(cases.points[unseen]) == set()
        assert len(seen) + len(unseen) == 60


def test_shuffles_keep_the_cells_of_a_point_together() -> None:
    """Where all cells of a point fail or none do, that is so in every shuffle; the second point has lost a cell."""
    points = np.array([0, 1, 2, 3, 0, 1, 2, 3, 0, 2, 3])
    failures = np.isin(points, [0, 1]) * 5.0
    runs, fails = sample(11, 5, inside=0.5, outside=0.5)
    cases = dataclasses.replace(cases_of(runs, FACTORS, fails), points=points, failures=failures)
    blocks = discovery._blocks(points)
    assert sorted(np.concatenate([block.ravel() for block in blocks])) == list(range(11))
    rng = np.random.default_rng(1)
    failing = set()
    for _ in range(40):
        shuffled = pd.Series(discovery._shuffled(cases, blocks, rng).failures).groupby(points)
        assert shuffled.nunique().eq(1).all()
        failing.add(tuple(shuffled.first()))
    assert failing == {(5, 5, 0, 0), (0, 5, 5, 0), (0, 5, 0, 5)}


@pytest.mark.parametrize("seed", [44, 61])
def test_points_that_differ_for_no_reason_of_the_factors_are_no_region(seed: int) -> None:
    """Eight levers meet 20 points with chances of their own; shuffling single cells, p was below 0.01 in 11 of 250."""
    rng = np.random.default_rng(seed)
    points, odds = rng.random((20, 3)), rng.normal(-1.0, 1.5, 20)
    cells = pd.DataFrame(np.tile(points, (8, 1)), columns=["a", "b", "c"])
    cells["lever"] = np.repeat(np.arange(8.0), 20)
    runs = cells.loc[np.repeat(cells.index, 20)].rename_axis("cell").reset_index()
    fails = pd.Series(rng.random(len(runs)) < np.repeat(np.tile(1.0 / (1.0 + np.exp(-odds)), 8), 20))
    checks = discover(runs, ["lever", "a", "b", "c"], fails, seed, points=["a", "b", "c"]).more["checks"].iloc[0]
    assert checks["p"] >= 0.01
    assert not checks["found"]


@pytest.mark.parametrize(
    ("cells", "x", "fails", "message"),
    [
        (12, 1.0, [True, False] * 6, "no factor varies"),
        (4, None, [True, False, True, False], "only 4 cells"),
        (12, None, [False] * 12, "no run fails"),
        (12, None, [True] * 12, "every run fails"),
    ],
)
def test_data_without_an_answer_is_refused(cells: int, x: float | None, fails: list[bool], message: str) -> None:
    runs = pd.DataFrame({"cell": range(cells), "x": np.arange(cells) / 10.0 if x is None else x})
    with pytest.raises(ValueError, match=message):
        discover(runs, ["x"], pd.Series(fails))


def test_too_few_points_are_refused() -> None:
    """Twelve cells are enough, but they lie at four points of the sample."""
    runs = pd.DataFrame({"cell": range(12), "x": np.repeat(np.arange(4.0), 3), "lever": [0, 1, 2] * 4})
    with pytest.raises(ValueError, match="only 4 points of the sample"):
        cases_of(runs, ["x", "lever"], pd.Series([True, False, False] * 4), points=["x"])


def test_runs_whose_outcome_is_not_defined_are_left_out() -> None:
    runs = pd.DataFrame({"cell": np.repeat(np.arange(12), 2), "x": np.repeat(np.arange(12) / 10.0, 2)})
    fails = pd.Series([1.0, math.nan] * 6 + [0.0, math.nan] * 6)
    assert cases_of(runs, ["x"], fails).runs.tolist() == [1.0] * 12


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.tree", None)
    runs, fails = sample(20, 2, 0.9, 0.1)
    with pytest.raises(MissingExtra, match=r"pip install 'alliance-trust\[analysis\]'"):
        discover(runs, FACTORS, fails)
