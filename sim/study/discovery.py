"""Which region of the uncertainties makes a policy fail (scenario discovery).

Cells of a sweep are points of a space of factors; in each, some share of the runs fails. A shallow decision tree
(Breiman et al. 1984, CART) cuts the space into boxes, which read as plain conditions. As in scenario discovery (Bryant
& Lempert 2010, doi:10.1016/j.techfore.2009.08.002) a box is judged by its *coverage*, the share of all failures that
lie in it, and its *density*, the share of its runs that fail.

A tree finds boxes in noise too. So every number that the sentence says is of cells that the tree had not seen
(cross-validation over cells, since the runs of a cell share its factors), and the sentence says that nothing was found
unless the tree predicts unseen cells better than trees grown on failures shuffled between points, and within them
(Ojala & Garriga 2010, https://jmlr.org/papers/v11/ojala10a.html), and the best boxes hold more failures than chance
there.

Needs the extra ``analysis`` (scikit-learn).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.distributions import expect
from sim.study.analysis import check_table, factor_names, names_of, percent, scenario_words
from sim.study.answer import Answer, optional
from sim.study.plots.discovery import discovery_figure
from sim.study.response import short_number
from sim.study.words import capital
from sim.text import named

Floats = NDArray[np.float64]
Cells = NDArray[np.int64]
"""Numbers of cells, or one number for each of them."""
Folds = Sequence[tuple[Cells, Cells]]
"""Cells to grow trees on, and cells to predict."""

DEPTH = 3
"""Conditions in a box, at most: more cannot be kept in mind."""
SMALLEST_BOX = 0.05
"""Share of the runs that a box must hold."""
FOLDS = 5
"""Parts of the cells; each is predicted by a tree grown on the others."""
SHUFFLES = 199
"""Trees grown on failures shuffled between cells, at most."""
ENOUGH_AS_GOOD = 10
"""Shuffles stop when so many did as well: p is large then, and known well enough (Besag & Clifford 1991)."""
FOUND_BELOW = 0.01
"""A region counts as found when shuffled failures are predicted as well with a chance below this."""
MOSTLY = 0.5
"""A box from this coverage on, in unseen cells, is said to be where runs mostly fail; below, where they fail more."""
FEWEST_CELLS = 10
"""With fewer cells there are too few points to cut."""

BOXES = ["box", "conditions", "runs", "failures", "density", "coverage", "best"]
"""Columns of the table of :func:`discover`: the leaves, by density. ``best`` marks those within the box that the
sentence names; none when nothing was found."""
CHECKS = [
    "accuracy", "accuracy_of_guessing", "skill", "p", "density", "coverage", "failing", "cells", "runs", "found",
]  # fmt: skip
"""Columns of the table ``checks``. Over unseen cells: ``accuracy`` of the tree, of guessing the commoner answer;
``skill``, 1 − Brier score over that of guessing the base rate; ``density`` and ``coverage`` of the best box. ``p``: of
the skill among shuffled failures; ``failing``: share of the runs that fail."""


# ---------------------------------------------------------------------------------------------------------------
# The data
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Cases:
    """The cells as points with failures.

    Attributes:
        columns: one number a factor; a factor of words is a column for each word, 1 where it holds, or a single one
            when there are two, (cells, k).
        names: of the columns: what people call the factor, and "factor=word" for a word.
        words: of a column that stands for a word: what is said where it holds, and where it does not.
        points: number of the point of the sample at which each cell lies, (cells,).
        runs: runs of each cell, (cells,).
        failures: how many of them fail, (cells,).
    """

    columns: Floats
    names: tuple[str, ...]
    words: Mapping[str, tuple[str, str]]
    points: Cells
    runs: Floats
    failures: Floats

    @property
    def share(self) -> float:
        """Share of all runs that fail."""
        return float(self.failures.sum() / self.runs.sum())

    def only(self, cells: Cells) -> Cases:
        """Some of the cells."""
        return replace(
            self,
            columns=self.columns[cells],
            points=self.points[cells],
            runs=self.runs[cells],
            failures=self.failures[cells],
        )


def cases_of(runs: pd.DataFrame, factors: Sequence[str], fails: pd.Series, points: Sequence[str] = ()) -> Cases:
    """Gather the runs of each cell.

    Args:
        runs: table ``runs`` of a result folder: ``cell`` and the factors.
        factors: its columns that vary between cells.
        fails: for each row, whether the run fails; NaN rows are left out.
        points: factors that make up a point of the sample, as in :func:`discover`.

    Raises:
        ValueError: when no factor varies, there are too few cells or points, or none or all of the runs fail.
    """
    factors = names_of(factors, "factors")
    check_table(runs, "runs", ("cell", *factors))
    expect(fails, pd.Series, "fails: a column of runs, such as runs['value'] < 0")
    known = runs.assign(fails=fails.astype(float)).dropna(subset=["fails"])
    varying = [name for name in factors if known[name].nunique() > 1]
    if not varying:
        raise ValueError("no factor varies between the cells, so there is no region to look for")
    by_cell = known.groupby("cell", sort=True)
    counted = by_cell["fails"].agg(["count", "sum"])
    if len(counted) < FEWEST_CELLS:
        raise ValueError(f"only {len(counted)} cells: a region needs at least {FEWEST_CELLS}; sweep more values")
    if counted["sum"].sum() in (0.0, counted["count"].sum()):
        raise ValueError(f"{'no' if counted['sum'].sum() == 0 else 'every'} run fails: choose another threshold")
    cells = by_cell[varying].first()
    columns, words = _columns(cells)
    shared = [name for name in points if name in varying]
    at = cells.groupby(shared).ngroup().to_numpy() if shared else np.arange(len(cells))
    if at.max() + 1 < FOLDS:
        raise ValueError(f"only {at.max() + 1} points of the sample: a region needs at least {FOLDS}")
    return Cases(
        np.column_stack(list(columns.values())),
        tuple(columns),
        words,
        at,
        counted["count"].to_numpy(dtype=np.float64),
        counted["sum"].to_numpy(dtype=np.float64),
    )


def _columns(table: pd.DataFrame) -> tuple[dict[str, Floats], dict[str, tuple[str, str]]]:
    """Factors as numbers; a factor of words as a column for each word."""
    columns: dict[str, Floats] = {}
    words: dict[str, tuple[str, str]] = {}
    for column, name in factor_names(table).items():
        if pd.api.types.is_numeric_dtype(table[column]) and not pd.api.types.is_bool_dtype(table[column]):
            columns[name] = table[column].to_numpy(dtype=np.float64)
            continue
        values = table[column].astype(str)
        known = sorted(values.unique())
        called = {word: scenario_words(word) if column == "scenario" else named(word) for word in known}
        for word in known if len(known) > 2 else known[:1]:
            columns[f"{name}={word}"] = (values == word).to_numpy(dtype=np.float64)
            other = f"is not {called[word]}" if len(known) > 2 else f"is {called[known[1]]}"
            words[f"{name}={word}"] = f"{name} is {called[word]}", f"{name} {other}"
    return columns, words


# ---------------------------------------------------------------------------------------------------------------
# Boxes
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Box:
    """A region: for some columns, a low end (excluded) and a high end (included); infinite where there is none."""

    bounds: Mapping[str, tuple[float, float]]
    leaf: bool = True

    def holds(self, cases: Cases) -> NDArray[np.bool_]:
        """Which cells lie in it, (cells,)."""
        inside = np.ones(len(cases.runs), dtype=bool)
        for name, (low, high) in self.bounds.items():
            x = cases.columns[:, cases.names.index(name)]
            inside &= (x > low) & (x <= high)
        return inside

    def within(self, other: Box) -> bool:
        """Whether it lies in another box."""
        mine = {name: self.bounds.get(name, (-math.inf, math.inf)) for name in other.bounds}
        return all(low <= mine[name][0] and mine[name][1] <= high for name, (low, high) in other.bounds.items())

    def density(self, cases: Cases) -> float:
        """Share of its runs that fail; NaN without a run."""
        inside = self.holds(cases)
        runs = float(cases.runs[inside].sum())
        return float(cases.failures[inside].sum()) / runs if runs else math.nan

    def coverage(self, cases: Cases) -> float:
        """Share of all failures that lie in it; NaN without a failure."""
        whole = float(cases.failures.sum())
        return float(cases.failures[self.holds(cases)].sum()) / whole if whole else math.nan

    def merit(self, cases: Cases) -> float:
        """Harmonic mean of density and coverage: high only when both are."""
        density, coverage = self.density(cases), self.coverage(cases)
        return 2.0 * density * coverage / (density + coverage) if density + coverage > 0.0 else 0.0

    def conditions(self, cases: Cases) -> str:
        """As people say it: "turnover > 0.04 and trust start ≤ 0.5"."""
        said = []
        for name, (low, high) in self.bounds.items():
            if name in cases.words:
                holds, does_not = cases.words[name]
                said.append(holds if low >= 0.0 else does_not)
            elif math.isinf(low):
                said.append(f"{name} ≤ {short_number(high, 3)}")
            elif math.isinf(high):
                said.append(f"{name} > {short_number(low, 3)}")
            else:
                said.append(f"{short_number(low, 3)} < {name} ≤ {short_number(high, 3)}")
        return " and ".join(said) or "anywhere"


def _grow(cases: Cases) -> Any:
    """A tree: each cell counts once as failing and once as not, weighted by its runs of that kind.

    Raises:
        MissingExtra: without scikit-learn.
    """
    x = np.concatenate([cases.columns] * 2)
    y = np.repeat([1, 0], len(cases.runs))
    weights = np.concatenate([cases.failures, cases.runs - cases.failures])
    tree = optional("sklearn.tree", "scenario discovery").DecisionTreeClassifier(
        criterion="gini", max_depth=DEPTH, min_weight_fraction_leaf=SMALLEST_BOX, random_state=0
    )
    return tree.fit(x, y, sample_weight=weights)


def _boxes(tree: Any, names: Sequence[str]) -> Iterator[Box]:
    """Every node of a tree as a box, the leaves among them; the root is the box without conditions."""
    grown = tree.tree_

    def below(node: int, bounds: dict[str, tuple[float, float]]) -> Iterator[Box]:
        leaf = grown.children_left[node] == -1
        yield Box(bounds, leaf)
        if leaf:
            return
        name, cut = names[grown.feature[node]], float(grown.threshold[node])
        low, high = bounds.get(name, (-math.inf, math.inf))
        yield from below(grown.children_left[node], {**bounds, name: (low, cut)})
        yield from below(grown.children_right[node], {**bounds, name: (cut, high)})

    yield from below(0, {})


def _best(boxes: Iterable[Box], cases: Cases) -> Box:
    """Of the boxes in which more runs fail than in all, the best by merit; the one with fewer conditions of equals."""
    conditioned = [box for box in boxes if box.bounds and box.density(cases) > cases.share]
    if not conditioned:
        return Box({})
    return max(conditioned, key=lambda box: (round(box.merit(cases), 9), -len(box.bounds)))


# ---------------------------------------------------------------------------------------------------------------
# Unseen cells
# ---------------------------------------------------------------------------------------------------------------
def _folds(points: Cells, seed: int) -> Folds:
    """Cells to grow on and cells to predict, :data:`FOLDS` times; the cells of one point stay together."""
    order = np.random.default_rng(seed).permutation(np.unique(points))
    unseen = [np.isin(points, part) for part in np.array_split(order, FOLDS)]
    return [(np.flatnonzero(~part), np.flatnonzero(part)) for part in unseen]


def _predicted(cases: Cases, folds: Folds) -> tuple[Floats, Floats]:
    """Chance of failing that trees, and that base rates, give to cells that they have not seen; each (cells,)."""
    by_tree, by_rate = np.empty(len(cases.runs)), np.empty(len(cases.runs))
    for seen, unseen in folds:
        known = cases.only(seen)
        by_rate[unseen] = known.share
        by_tree[unseen] = _grow(known).predict_proba(cases.columns[unseen])[:, 1]
    return by_tree, by_rate


def _skill(cases: Cases, by_tree: Floats, by_rate: Floats) -> float:
    """1 − Brier score of the trees over that of base rates."""

    def brier(chance: Floats) -> float:
        return float((cases.failures * (1.0 - chance) ** 2 + (cases.runs - cases.failures) * chance**2).sum())

    return 1.0 - brier(by_tree) / brier(by_rate)


def _accuracy(cases: Cases, chance: Floats) -> float:
    """Share of the runs for which the likelier answer is right."""
    right = np.where(chance > 0.5, cases.failures, cases.runs - cases.failures)
    return float(right.sum() / cases.runs.sum())


def _unseen_box(cases: Cases, folds: Folds) -> tuple[float, float]:
    """Density and coverage of each fold's best box among the cells that it was not found on, all folds together."""
    inside = np.zeros(len(cases.runs), dtype=bool)
    for seen, unseen in folds:
        known = cases.only(seen)
        best = _best(_boxes(_grow(known), cases.names), known)
        inside[unseen] = best.holds(cases)[unseen]
    hit, whole = float(cases.failures[inside].sum()), float(cases.runs[inside].sum())
    return (hit / whole if whole else math.nan), hit / float(cases.failures.sum())


def _blocks(points: Cells) -> list[Cells]:
    """The cells of each point, (points, cells of a point), one array for each number of cells that a point has."""
    members = [np.flatnonzero(points == point) for point in np.unique(points)]
    return [np.array([of for of in members if len(of) == size]) for size in sorted({len(of) for of in members})]


def _shuffled(cases: Cases, blocks: Sequence[Cells], rng: np.random.Generator) -> Cases:
    """The cells as they would be if the failing share of a cell had nothing to do with its factors.

    Cells of one point are alike, also where no box tells why. So points change places as wholes, and cells within their
    point: shuffling single cells would undo the likeness, of which a tree may make something by luck, and p would come
    out too small.
    """
    shares = cases.failures / cases.runs
    anew = np.empty_like(shares)
    for cells in blocks:
        anew[cells] = rng.permuted(shares[rng.permutation(cells)], axis=1)
    return replace(cases, failures=anew * cases.runs)


# ---------------------------------------------------------------------------------------------------------------
# The answer
# ---------------------------------------------------------------------------------------------------------------
def discover(
    runs: pd.DataFrame,
    factors: Sequence[str],
    fails: pd.Series,
    seed: int = 1,
    meaning: str = "the run fails",
    points: Sequence[str] = (),
) -> Answer:
    """The region of the factors in which runs fail, as conditions that can be said in a sentence.

    Args:
        runs: table ``runs`` of a result folder: ``cell`` and the factors.
        factors: its columns that vary between cells; numbers, or words.
        fails: for each row, whether the run fails.
        seed: of folds and shuffles.
        meaning: what failing is, as it stands in a sentence: "value is below 0".
        points: factors that make up a point of the sample when levers are crossed with it. Cells that agree in all of
            them are seen or unseen together. Without them each cell is a point.

    Returns:
        Table :data:`BOXES`, the leaves of the tree; more: ``checks`` (:data:`CHECKS`), one row.

    Raises:
        ValueError: as :func:`cases_of`.
        MissingExtra: without scikit-learn.
    """
    cases = cases_of(runs, factors, fails, points)
    boxes = tuple(_boxes(_grow(cases), cases.names))
    best = _best(boxes, cases)
    checks = _checks(cases, seed)
    table = _table(cases, [box for box in boxes if box.leaf], best if checks["found"] else None)
    said = _sentence(best, cases, checks, meaning)
    shown = best.bounds if checks["found"] else {}
    return Answer(
        table,
        lambda: discovery_figure(table, pd.Series(checks), _points(cases), shown, said, meaning),
        said,
        {"checks": pd.DataFrame([checks])[CHECKS]},
    )


def _checks(cases: Cases, seed: int) -> dict[str, Any]:
    """The row of the table ``checks``."""
    folds = _folds(cases.points, seed)
    by_tree, by_rate = _predicted(cases, folds)
    skill = _skill(cases, by_tree, by_rate)
    p = _chance_of(skill, cases, folds, seed)
    density, coverage = _unseen_box(cases, folds)
    return {
        "accuracy": _accuracy(cases, by_tree),
        "accuracy_of_guessing": _accuracy(cases, by_rate),
        "skill": skill,
        "p": p,
        "density": density,
        "coverage": coverage,
        "failing": cases.share,
        "cells": len(cases.runs),
        "runs": int(cases.runs.sum()),
        "found": bool(p < FOUND_BELOW and skill > 0.0 and density > cases.share),
    }


def _chance_of(skill: float, cases: Cases, folds: Folds, seed: int) -> float:
    """p of a skill among shuffled failures, by sequential shuffling, doi:10.1093/biomet/78.2.301."""
    rng, as_good, blocks = np.random.default_rng(seed), 0, _blocks(cases.points)
    for done in range(1, SHUFFLES + 1):
        shuffled = _shuffled(cases, blocks, rng)
        as_good += _skill(shuffled, *_predicted(shuffled, folds)) >= skill
        if as_good == ENOUGH_AS_GOOD:
            return as_good / done
    return (1 + as_good) / (1 + SHUFFLES)


def _table(cases: Cases, leaves: Iterable[Box], best: Box | None) -> pd.DataFrame:
    rows = []
    for leaf in leaves:
        held = cases.only(np.flatnonzero(leaf.holds(cases)))
        counts = int(held.runs.sum()), round(float(held.failures.sum()))
        named = best is not None and leaf.within(best)
        rows.append((leaf.conditions(cases), *counts, leaf.density(cases), leaf.coverage(cases), named))
    table = pd.DataFrame(rows, columns=BOXES[1:]).sort_values("density", ascending=False, ignore_index=True)
    table.insert(0, "box", range(1, len(table) + 1))
    return table


def _points(cases: Cases) -> pd.DataFrame:
    """The cells: their columns and the share of their runs that fail."""
    return pd.DataFrame(cases.columns, columns=list(cases.names)).assign(failing=cases.failures / cases.runs)


def _sentence(best: Box, cases: Cases, checks: Mapping[str, Any], meaning: str) -> str:
    if not checks["found"]:
        return _nothing_sentence(best, cases, checks, meaning)
    held_out = (
        f"the tree foretells {percent(checks['accuracy'])} of the runs of cells that it has not seen, guessing "
        f"{percent(checks['accuracy_of_guessing'])}"
    )
    often = "mostly" if checks["coverage"] >= MOSTLY else "more often"
    return (
        f"{capital(meaning)} {often} when {best.conditions(cases)}: this box holds {percent(best.coverage(cases))} of "
        f"the failures and {percent(best.density(cases))} of its runs fail ({percent(checks['coverage'])} and "
        f"{percent(checks['density'])} in unseen cells), against {percent(checks['failing'])} of all runs; {held_out} "
        f"(p = {checks['p']:.2g} by shuffling)."
    )


def _nothing_sentence(best: Box, cases: Cases, checks: Mapping[str, Any], meaning: str) -> str:
    """The best box all the same, and which of the conditions of ``found`` is not met."""
    failures, runs = round(float(cases.failures.sum())), round(float(cases.runs.sum()))
    said = f"No region where {meaning} holds up: "
    if not best.bounds:
        return f"{said}in no box do more of the runs fail than in all ({failures:,} of {runs:,})."
    if checks["p"] >= FOUND_BELOW:
        why = (
            f"the tree's skill on unseen cells is within chance (p = {checks['p']:.2g} by shuffling; below "
            f"{FOUND_BELOW:g} counts)"
        )
    elif checks["skill"] <= 0.0:
        why = "the tree foretells unseen cells no better than guessing does"
    else:
        why = "boxes found on some of the cells hold no more failures than chance in the others"
    held = cases.only(np.flatnonzero(best.holds(cases)))
    return (
        f"{said}the best box, {best.conditions(cases)}, has {round(float(held.failures.sum())):,} of the {failures:,} "
        f"failures in {round(float(held.runs.sum())):,} of the {runs:,} runs, but {why}."
    )
