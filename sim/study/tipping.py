"""At which value of a factor an outcome crosses a level, found by bisection with shared random draws.

The same replicates are run at every value, so that the curve is as smooth as the model. How sure the value is comes
from repeating the bisection with the replicates drawn anew (percentile interval); runs made once are kept, so that a
repetition costs little. A resample that does not cross the level between the ends of the range crosses it beyond one of
them, so the interval is open there. It is of sampling; that a model tips twice is for the scan to show.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import astuple

import numpy as np
import pandas as pd

from sim.intervals import EVERYWHERE, FEWEST_RESAMPLED, Range, decimals, mean_of, resampled
from sim.study.analysis import SURE, factor_words, percent
from sim.study.answer import Answer
from sim.study.plots.tipping import digits_of, tipping_figure
from sim.study.response import Factor, Floats, Response, short_number
from sim.study.words import capital, number, whole_sentence

RESAMPLES = 400
"""How often the bisection is repeated with the replicates drawn anew."""
SCAN_HALVINGS = 3
"""The scan before the bisection cuts the range into 2 to the power of this."""

FOUND = [
    "factor", "low", "high", "level", "tips_at", "tips_low", "tips_high", "resolution", "way", "crossings", "crossed",
]  # fmt: skip
"""Columns of the table of :func:`tipping_point`. ``tips_low`` to ``tips_high``: 95% interval, an end of it infinite
where it lies beyond the range, NaN with fewer than ``FEWEST_RESAMPLED`` replicates; ``resolution``: width of the last
bracket; ``way``: whether the outcome falls or rises there; ``crossings``: how often the scan crosses the
level; ``crossed``: share of the resamples that cross it at all."""

Watch = Callable[[float, float], None]
"""Called after each value that was run, with the value and the mean outcome there."""


class Curve:
    """The outcome of each replicate at dyadic values of a factor, run when first asked for and then kept.

    Attributes:
        factor: what varies.
        depth: halvings of the range to the finest values.
        rows: outcomes (r,) by the number of the value, from 0 to 2**depth.
    """

    def __init__(self, response: Response, factor: Factor, depth: int, watch: Watch | None = None) -> None:
        self.factor, self.depth = factor, depth
        self.rows: dict[int, Floats] = {}
        self._response, self._watch = response, watch

    def value(self, place: float) -> float:
        """The factor at a number of a value, or between two."""
        return self.factor.low + (self.factor.high - self.factor.low) * place / 2**self.depth

    def at(self, place: int) -> Floats:
        """Outcomes of the replicates at the value of that number, (r,).

        Raises:
            ValueError: when one is not defined.
        """
        if place not in self.rows:
            found = np.asarray(self._response(np.array([[self.value(place)]])), dtype=np.float64)
            if np.isnan(found).any():
                at = f"{self.factor.name} = {short_number(self.value(place))}"
                raise ValueError(f"the outcome is not defined at {at}")
            self.rows[place] = found.reshape(-1)
            if self._watch is not None:
                self._watch(self.value(place), float(found.mean()))
        return self.rows[place]

    def scan(self) -> list[int]:
        """Numbers of the values of the scan, in order."""
        return list(range(0, 2**self.depth + 1, 2 ** (self.depth - SCAN_HALVINGS)))

    def above(self, place: int, level: float, weights: Floats) -> bool:
        """Whether the weighted mean there lies above the level.

        Differences are weighted, not outcomes: rounding would lift some means of replicates at the level above it.
        """
        return bool(weights @ (self.at(place) - level) > 0.0)

    def crossings(self, level: float, weights: Floats) -> list[tuple[int, int]]:
        """Neighbours in the scan between which the weighted mean crosses the level."""
        places = self.scan()
        above = {place: self.above(place, level, weights) for place in places}
        return [(a, b) for a, b in itertools.pairwise(places) if above[a] != above[b]]

    def bisect(self, level: float, weights: Floats, bracket: tuple[int, int]) -> float:
        """Halve the bracket until its ends are neighbours: the factor in the middle between them.

        Args:
            level: of the outcome.
            weights: of the replicates, (r,), adding up to 1.
            bracket: numbers of two values on whose two sides of the level the mean lies.
        """
        low, high = bracket
        rising = self.above(high, level, weights)
        while high - low > 1:
            middle = (low + high) // 2
            if self.above(middle, level, weights) == rising:
                high = middle
            else:
                low = middle
        return self.value((low + high) / 2.0)


def tipping_point(
    response: Response,
    factor: Factor,
    level: float,
    depth: int = 8,
    seed: int = 1,
    outcome: str = "outcome",
    watch: Watch | None = None,
    unit: str = "",
    bounds: Range = EVERYWHERE,
) -> Answer:
    """Where the mean outcome over replicates crosses a level as a factor goes from low to high.

    The range is scanned at 9 values; the first two neighbours on different sides of the level are bisected. Each
    resample of replicates does the same from its own scan.

    Args:
        response: a function of this factor alone.
        factor: what varies, and between which values.
        level: of the outcome.
        depth: halvings of the range in all, at least 3; the resolution is its width / 2**depth.
        seed: of the resampling.
        outcome: what the function gives, as it stands in a sentence.
        watch: told of each value that is run.
        unit: of the outcome, for the figure.
        bounds: the lowest and the highest value that the outcome can have.

    Returns:
        Table :data:`FOUND`, one row; more: ``curve``, every value that was run with the mean and its 95% interval.
        When the outcome never crosses the level, the values are NaN and the sentence says between what it stays.

    Raises:
        ValueError: when ``depth`` is below 3, the level is no number, or the outcome is not defined somewhere.
    """
    if getattr(response, "factors", (factor,)) != (factor,):
        raise ValueError(f"the response is no function of {factor.name} alone from {factor.low:g} to {factor.high:g}")
    if depth < SCAN_HALVINGS:
        raise ValueError(f"at least {SCAN_HALVINGS} halvings are needed, got {depth}")
    if not math.isfinite(level):
        raise ValueError(f"the level must be a number, got {level:g}")
    curve = Curve(response, factor, depth, watch)
    replicates = len(curve.at(0))
    even = np.full(replicates, 1.0 / replicates)
    brackets = curve.crossings(level, even)
    tips_at, way, low, high = math.nan, "stays", math.nan, math.nan
    resamples = np.random.default_rng(seed).multinomial(replicates, even, RESAMPLES) / replicates
    crossed = float(np.mean([bool(curve.crossings(level, weights)) for weights in resamples]))
    if brackets:
        tips_at = curve.bisect(level, even, brackets[0])
        way = "falls" if curve.above(brackets[0][0], level, even) else "rises"
        low, high = _interval(curve, level, resamples)
    resolution = (factor.high - factor.low) / 2**depth
    row = (
        factor.name, factor.low, factor.high, level, tips_at, low, high, resolution, way, len(brackets), crossed,
    )  # fmt: skip
    table = pd.DataFrame([row], columns=FOUND)
    points = _points(curve, bounds)
    said = _sentence(table.iloc[0], points, outcome, replicates)
    return Answer(table, lambda: tipping_figure(table, points, outcome, replicates, unit), said, {"curve": points})


def _interval(curve: Curve, level: float, resamples: Floats) -> tuple[float, float]:
    """The percentile interval of the first crossing, half a bracket wider; NaN with too few replicates.

    Args:
        curve: as far as it is known.
        level: of the outcome.
        resamples: weights of the replicates, (RESAMPLES, r).
    """
    replicates = resamples.shape[1]
    if replicates < FEWEST_RESAMPLED:
        return math.nan, math.nan
    drawn = [_first_crossing(curve, level, weights) for weights in resamples]
    low, high = resampled(drawn, replicates, grain=curve.value(1) - curve.value(0), on_drawn=True)
    return float(low), float(high)


def _first_crossing(curve: Curve, level: float, weights: Floats) -> float:
    """Where a resample crosses first; infinite where that lies beyond an end of the range.

    One that stays on the side of the level where the mean over all replicates begins has not crossed yet (+∞); one that
    stays on the other side has crossed before (−∞).
    """
    brackets = curve.crossings(level, weights)
    if brackets:
        return curve.bisect(level, weights, brackets[0])
    even = np.full(len(weights), 1.0 / len(weights))
    return math.inf if curve.above(0, level, weights) == curve.above(0, level, even) else -math.inf


def _points(curve: Curve, bounds: Range) -> pd.DataFrame:
    """Every value that was run, in order, with the mean outcome and its 95% interval."""
    rows = [(curve.value(place), *astuple(mean_of(curve.rows[place], bounds))) for place in sorted(curve.rows)]
    return pd.DataFrame(rows, columns=[curve.factor.name, "mean", *SURE])


def _sentence(row: pd.Series, points: pd.DataFrame, outcome: str, replicates: int) -> str:
    name = factor_words(row["factor"])
    level, start, end = (short_number(row[key]) for key in ("level", "low", "high"))
    if not row["crossings"]:
        low, high = float(points["mean"].min()), float(points["mean"].max())
        digits = decimals((high - low) / 2.0, high)
        perhaps = (
            f", though {percent(row['crossed'])} of the resamples of replicates cross it" if row["crossed"] else ""
        )
        return whole_sentence(
            f"mean {outcome} does not cross {level} while {name} goes from {start} to {end}: it "
            f"stays between {number(low, digits)} and {number(high, digits)}{perhaps}"
        )
    digits = digits_of(row)
    at = number(row["tips_at"], digits)
    said = f"{capital(outcome)} {row['way']} through {level} at {name} = {at} ({_sure(row, digits, replicates)})."
    if row["crossings"] > 1:
        said += f" It crosses {row['crossings']} times between {start} and {end}; this is the first."
    if row["crossed"] < 1.0:
        said += f" {percent(1.0 - row['crossed'])} of the resamples do not cross in this range."
    return said


def _sure(row: pd.Series, digits: int, replicates: int) -> str:
    """The interval in words; open where it reaches beyond the range."""
    if replicates < FEWEST_RESAMPLED:
        counted = "one replicate" if replicates == 1 else f"{replicates} replicates"
        return f"{counted}: no interval, which takes {FEWEST_RESAMPLED}"
    low, high = number(row["tips_low"], digits), number(row["tips_high"], digits)
    if math.isinf(row["tips_low"]):
        low = f"below {short_number(row['low'])}"
    if math.isinf(row["tips_high"]):
        high = f"beyond {short_number(row['high'])}"
    return f"95% interval {low} to {high}, {replicates} replicates"
