"""How sure a number is: every interval and standard error of the program, and the digits that a number deserves.

One policy, whatever is shown and wherever (docs/analysis.md, "How sure"):

* One replicate has no interval and no standard error.
* From two on a mean has Student's t interval over replicates, since alliances of one replicate share partners.
* Replicates are drawn anew only from :data:`FEWEST_RESAMPLED` on, at the level of :func:`resampled_level`.
* When all n replicates came out alike there is no spread to judge by, and "93.3 to 93.3" would claim to know all. What
  has not been seen in n replicates may still have a chance of about 3/n (:func:`chance_unseen`). A variable that has
  bounds can move no farther than to them, which gives the interval; one without bounds has none, and that is said.
* No end lies outside the range of the variable.
* The last digit shown is the second digit of half the interval's width (:func:`decimals`).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Range = tuple[float, float]
"""Lowest and highest value that a variable can have."""

EVERYWHERE: Range = (-math.inf, math.inf)
SHARE: Range = (0.0, 1.0)

CONFIDENCE = 0.95
FEWEST_RESAMPLED = 8
"""With fewer replicates none are drawn anew for an interval: it would hold the truth far less often than it says."""
RESAMPLES_AT_ONCE = 100
"""Resamples held in memory. BCa leaves out each replicate once, which all at once takes their number squared."""
ROUNDING = 1e-12
"""Values that are no farther apart, as a share of the largest of them or of 1, are alike: the rest is rounding."""

MOST_DECIMALS = 9
SIGNIFICANT = 3
"""Digits of a number that has no interval; none is cut off before the decimal point."""

STUDENT, JACKKNIFE, BCA, PERCENTILE, RULE_OF_THREE = "t", "jackknife", "BCa", "percentile", "rule of three"
EXACT = "exact"
"""How a number is known that needs no interval, because it follows from how the model is made."""
ALIKE, NONE = "all alike", "none"
"""Why there is no interval: all replicates came out alike and nothing bounds the variable; too few replicates."""


# ---------------------------------------------------------------------------------------------------------------
# Intervals
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Interval:
    """A number and how sure it is.

    Attributes:
        estimate: the number; NaN when it is defined in no replicate.
        low, high: the ends of its 95% interval; NaN when it has none.
        n: replicates in which it is defined.
        method: ``"t"``, ``"jackknife"``, ``"BCa"``, ``"percentile"`` or ``"rule of three"``; ``"exact"``; or why there
            is no interval, ``"all alike"`` or ``"none"``.
    """

    estimate: float
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    method: str = NONE

    @classmethod
    def of(cls, row: Any, number: str) -> Interval:
        """The interval of a number in a row of a table, which has ``low``, ``high``, ``n`` and ``method`` beside it."""
        low, high = (math.nan if row[end] is None else float(row[end]) for end in ("low", "high"))
        return cls(float(row[number]), low, high, int(row["n"]), str(row["method"]))

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return not math.isnan(self.low)

    @property
    def alike(self) -> bool:
        """Whether all of several replicates came out the same."""
        return self.method in (RULE_OF_THREE, ALIKE)

    @property
    def half(self) -> float:
        """Half the width; NaN without an interval."""
        return (self.high - self.low) / 2.0

    @property
    def reach(self) -> float:
        """How far the truth may be from the estimate: the distance of the farther end; infinite when not known."""
        return max(self.high - self.estimate, self.estimate - self.low) if self.known else math.inf

    @property
    def note(self) -> str:
        """What has to be said of it, such as why there is no interval; empty for an ordinary one."""
        if self.method == EXACT or (self.known and not self.alike):
            return ""
        if self.n == 0:
            return "not defined"
        if self.n == 1:
            return "one replicate: no interval"
        if self.alike:
            return f"all {self.n} replicates alike{'' if self.known else ': no interval'}"
        return f"{self.n} replicates: no interval, which takes {FEWEST_RESAMPLED}"

    def within(self, limits: Range) -> bool:
        """Whether the whole interval lies strictly within ``limits``.

        A number that is exact, or the same in each replicate, may also lie on them.
        """
        if self.method == EXACT or self.alike:
            return limits[0] <= self.estimate <= limits[1]
        return limits[0] < self.low and self.high < limits[1]

    def times(self, factor: float) -> Interval:
        """The same in another unit, ``factor`` > 0."""
        return replace(self, estimate=self.estimate * factor, low=self.low * factor, high=self.high * factor)

    def __str__(self) -> str:
        return shown(self)


def exact(value: float) -> Interval:
    """A number that follows from how the model is made."""
    return Interval(value, value, value, 0, EXACT)


def mean_of(values: ArrayLike, bounds: Range = EVERYWHERE) -> Interval:
    """Mean over replicates with its t interval.

    Args:
        values: one a replicate; NaN values are dropped.
        bounds: of the variable.
    """
    x = defined(values)
    if not len(x):
        return Interval(math.nan)
    mean = float(x.mean())
    return from_moments(len(x), mean, float(((x - mean) ** 2).sum()), float(x.min()), float(x.max()), bounds)


def from_moments(
    n: int, mean: float, squares: float, least: float, most: float, bounds: Range = EVERYWHERE
) -> Interval:
    """Mean of n values with its t interval, from what has been kept of them.

    Args:
        n: how many.
        mean: of them.
        squares: Σ(x − mean)².
        least, most: the lowest and the highest of them.
        bounds: of the variable.
    """
    if n == 0:
        return Interval(math.nan)
    if n > 1 and are_alike(least, most):
        return _alike(min(max(mean, least), most), n, bounds)
    return _student(mean, standard_error(squares, n), n, STUDENT, bounds)


def difference_bounds(bounds: Range) -> Range:
    """The range of a difference between two values of a variable."""
    return bounds[0] - bounds[1], bounds[1] - bounds[0]


def jackknife(value: float, left_out: Floats, bounds: Range = EVERYWHERE) -> Interval:
    """An estimate with its t interval by the delete-one jackknife (Quenouille 1956, Notes on bias in estimation).

    Args:
        value: the estimate from all n replicates.
        left_out: the estimate without each of them, (n,).
        bounds: of the estimate.
    """
    n = len(left_out)
    if n < 2:
        return Interval(value, n=n)
    if are_alike(float(left_out.min()), float(left_out.max())):
        return _alike(value, n, bounds)
    return _student(value, math.sqrt((n - 1) * float(left_out.var())), n, JACKKNIFE, bounds)


def ratio_of(top: Floats, bottom: Floats) -> Interval:
    """Ratio of two means over the same replicates, each (n,) without NaN, with its jackknifed interval.

    No n − 1 of ``bottom`` may add up to zero.
    """
    whole, below = top.sum(), bottom.sum()
    if len(top) < 2:
        return Interval(float(whole / below), n=len(top))
    return jackknife(float(whole / below), (whole - top) / (below - bottom))


def bootstrap_of(values: ArrayLike, seed: int = 1, resamples: int = 2000, bounds: Range = EVERYWHERE) -> Interval:
    """Mean over replicates with its BCa bootstrap interval: it leans on no normal distribution, so it may be lopsided.

    Efron, B. (1987), Better bootstrap confidence intervals, doi:10.1080/01621459.1987.10478410, at the level of
    :func:`resampled_level`.

    Args:
        values: one a replicate; NaN values are dropped.
        seed: of the resampling; the same seed gives the same interval.
        resamples: how often the replicates are drawn anew.
        bounds: of the variable.
    """
    from scipy.stats import bootstrap

    x = defined(values)
    n = len(x)
    if n < FEWEST_RESAMPLED:
        return Interval(float(x.mean()) if n else math.nan, n=n)
    if are_alike(float(x.min()), float(x.max())):  # BCa divides by the spread
        return _alike(float(x[0]), n, bounds)
    found = bootstrap(
        (x,), np.mean, n_resamples=resamples, batch=RESAMPLES_AT_ONCE, confidence_level=resampled_level(n), rng=seed
    ).confidence_interval  # its ends are means of resamples, which lie within the bounds
    return Interval(float(x.mean()), float(found.low), float(found.high), n, BCA)


def resampled(
    drawn: ArrayLike, n: int, bounds: Range = EVERYWHERE, grain: float = 0.0, on_drawn: bool = False
) -> tuple[Floats, Floats]:
    """Low and high end of the 95% percentile interval of what resamples of n replicates gave.

    Args:
        drawn: a resample a row, (resamples, …).
        n: with fewer than :data:`FEWEST_RESAMPLED` both ends are NaN.
        bounds: of what was drawn. Where all resamples are alike they make the interval, which is NaN without them.
        grain: steps in which the number is told, where it is told in steps: the ends lie half of one farther out.
        on_drawn: take ends that were drawn, since there is no place between a number and infinity.

    Returns:
        Each of shape (…).
    """
    drawn = np.asarray(drawn, dtype=np.float64)
    if n < FEWEST_RESAMPLED:
        nothing = np.full(drawn.shape[1:], math.nan)
        return nothing, nothing
    tail = 50.0 * (1.0 - resampled_level(n))
    low = np.percentile(drawn, tail, axis=0, method="lower" if on_drawn else "linear")
    high = np.percentile(drawn, 100.0 - tail, axis=0, method="higher" if on_drawn else "linear")
    if grain > 0.0:
        return np.maximum(low - grain / 2.0, bounds[0]), np.minimum(high + grain / 2.0, bounds[1])
    least, most = drawn.min(axis=0), drawn.max(axis=0)
    alike = are_alike(least, most)
    unseen_low, unseen_high = _unseen(least, n, bounds)
    return np.where(alike, unseen_low, low), np.where(alike, unseen_high, high)


def log_log(going_on: Floats, ended: Floats, at_risk: Floats) -> tuple[Floats, Floats]:
    """Low and high end of the 95% log-log interval of a Kaplan–Meier curve, each (M + 1,); alliances independent.

    Greenwood's variance Σ d/(n(n − d)) on the scale of log(−log S), which stays within 0 and 1 (Kalbfleisch & Prentice
    1980, The statistical analysis of failure time data, section 1.4). At S = 0 and S = 1 it has none: there all
    alliances at risk were alike.

    Args:
        going_on: S, (M + 1,).
        ended, at_risk: d and n, (M + 1,).
    """
    from scipy.special import ndtri

    with np.errstate(all="ignore"):  # S of 0 and 1, set right below
        error = np.sqrt(np.cumsum(ended / (at_risk * (at_risk - ended)))) / np.log(going_on)
        far = float(ndtri(0.5 + CONFIDENCE / 2.0)) * error
        low, high = going_on ** np.exp(-far), going_on ** np.exp(far)
    between = (going_on > 0.0) & (going_on < 1.0)
    first = float(at_risk[0]) if len(at_risk) else 0.0  # the most that were ever seen to go on, or to end
    unseen_low, unseen_high = _unseen(going_on, first, SHARE)
    return falling(np.where(between, low, unseen_low), np.where(between, high, unseen_high))


def falling(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Ends of a curve that never rises along its last axis: what it is at most later on, it is at most before."""
    return np.maximum.accumulate(low[..., ::-1], axis=-1)[..., ::-1], np.minimum.accumulate(high, axis=-1)


def rising(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Ends of a curve that never falls along its last axis."""
    return np.maximum.accumulate(low, axis=-1), np.minimum.accumulate(high[..., ::-1], axis=-1)[..., ::-1]


def around(mean: Floats, error: Floats, n: Floats, bounds: Range = EVERYWHERE) -> tuple[Floats, Floats]:
    """Ends of the t intervals of many means, for a picture: NaN where n replicates are too few, or all alike.

    Args:
        mean, error: means and their standard errors, (…).
        n: replicates behind each, (…).
        bounds: of the variable.
    """
    from scipy.special import stdtrit

    sure = (n > 1) & (error > ROUNDING * np.maximum(1.0, np.abs(mean)))
    half = stdtrit(np.where(sure, n - 1, 1), 0.5 + CONFIDENCE / 2.0) * np.where(sure, error, math.nan)
    return np.maximum(mean - half, bounds[0]), np.minimum(mean + half, bounds[1])


# ---------------------------------------------------------------------------------------------------------------
# What intervals are made of
# ---------------------------------------------------------------------------------------------------------------
def standard_error(squares: Any, n: int) -> Any:
    """Standard error of the mean of n values from Σ(x − mean)², of any shape; NaN with fewer than two."""
    return np.sqrt(squares / (n - 1) / n) if n > 1 else squares * math.nan


def error_of_weighted_mean(residuals: Floats, n: NDArray[Any]) -> Floats:
    """Standard error of Σw·m over n replicates that hold shares w of all alliances; NaN with fewer than two.

    Args:
        residuals: Σ(w·(m − mean))², (…).
        n: replicates that have any alliance, (…).
    """
    several = n > 1
    error = np.sqrt(np.where(several, residuals, 0.0) * n / np.where(several, n - 1, 1))
    return np.where(several, error, math.nan)


def defined(values: ArrayLike) -> Floats:
    """The values that are numbers."""
    x = np.asarray(values, dtype=np.float64)
    return x[~np.isnan(x)]


def are_alike(least: Any, most: Any) -> Any:
    """Whether the lowest and the highest of some values, of any shape, differ by no more than rounding."""
    with np.errstate(invalid="ignore"):  # infinite ones
        return most - least <= ROUNDING * np.maximum(1.0, np.maximum(np.abs(least), np.abs(most)))


def chance_unseen(n: float) -> float:
    """The highest chance, at 95%, of what has not happened in n replicates: 1 − 0.05^(1/n), about 3/n.

    The rule of three (Hanley & Lippman-Hand 1983, https://doi.org/10.1001/jama.1983.03330370053031).
    """
    return 1.0 - (1.0 - CONFIDENCE) ** (1.0 / n) if n > 0 else 1.0


def resampled_level(n: int) -> float:
    """The nominal level at which percentiles of resamples of n ≥ 2 values make a 95% interval.

    A resample of n values spreads too little by √(1 − 1/n), and by the normal where Student's t belongs. Hesterberg
    (2015), What teachers should know about the bootstrap, doi:10.1080/00031305.2015.1089789, expands the percentiles
    by both: 95.2% for 200 values, 96.8% for 20, 98.9% for 8.
    """
    from scipy.special import ndtr

    return float(1.0 - 2.0 * ndtr(-math.sqrt(n / (n - 1)) * student(n)))


@functools.cache
def student(n: int) -> float:
    """Half the width of a 95% t interval of n ≥ 2 values, in standard errors."""
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2.0))


def _student(value: float, error: float, n: int, method: str, bounds: Range) -> Interval:
    """A t interval cut off at the bounds; none of a single value."""
    if n < 2:
        return Interval(value, n=n)
    half = student(n) * float(error)
    return Interval(
        value, max(value - half, min(bounds[0], value)), min(value + half, max(bounds[1], value)), n, method
    )


def _alike(value: float, n: int, bounds: Range) -> Interval:
    """The interval when all n replicates came out the same."""
    if not (math.isfinite(bounds[0]) and math.isfinite(bounds[1])):
        return Interval(value, n=n, method=ALIKE)
    low, high = _unseen(np.float64(value), n, bounds)
    return Interval(value, float(low), float(high), n, RULE_OF_THREE)


def _unseen(value: Any, n: float, bounds: Range) -> tuple[Any, Any]:
    """Where a mean may lie whose n values were all the same: what was not seen may be as far off as the bounds."""
    if not (math.isfinite(bounds[0]) and math.isfinite(bounds[1])):
        return math.nan, math.nan
    chance = chance_unseen(n)
    return value - chance * np.maximum(value - bounds[0], 0.0), value + chance * np.maximum(bounds[1] - value, 0.0)


# ---------------------------------------------------------------------------------------------------------------
# Digits
# ---------------------------------------------------------------------------------------------------------------
def decimals(half: float, value: float = math.nan) -> int:
    """Decimals to which a number is shown whose interval is so wide: two digits of half its width.

    Negative where those stand before the decimal point: −1 for tens. Without an interval (NaN, or 0) a number has
    :data:`SIGNIFICANT` digits, a whole number no decimals, and no digit before the point is lost.
    """
    if math.isfinite(half) and half > 0.0:
        return min(1 - _power(half, 2), MOST_DECIMALS)
    if math.isfinite(value) and value != round(value):
        return min(max(0, SIGNIFICANT - 1 - _power(value, SIGNIFICANT)), MOST_DECIMALS)
    return 0


def digits_of(found: Interval) -> int:
    """Decimals for a number and both ends of its interval.

    More than :func:`decimals` where an end of an interval that excludes zero would read as zero.
    """
    digits = decimals(found.half, found.estimate)
    nearest = min(abs(found.low), abs(found.high))
    while found.low * found.high > 0.0 and round(nearest, digits) == 0.0 and digits < MOST_DECIMALS:
        digits += 1
    return digits


def _power(value: float, digits: int) -> int:
    """The power of ten of the first digit of a number that is rounded to so many digits: 2 for 99.96, 1 for 99.4."""
    return int(f"{abs(value):.{digits - 1}e}".partition("e")[2])


def written(value: float, digits: int, plus: bool = False) -> str:
    """A number to so many decimals (−1: to tens) with a true minus, no sign on zero; a dash when it is not defined.

    Args:
        value: the number.
        digits: decimals.
        plus: whether what lies above zero has its sign too.
    """
    if math.isnan(value):
        return "–"
    if math.isfinite(value) and digits < 0:
        value = round(value, digits)
    text = f"{value:{'+' if plus else ''}z.{max(digits, 0)}f}".replace("-", "−")
    return text.lstrip("+") if not any(digit in text for digit in "123456789inf") else text


def shown(found: Interval, unit: str = "", plus: bool = False, plus_minus: bool = False) -> str:
    """A number with its interval, as it is shown everywhere: "0.940 (0.921 to 0.959)".

    All have the same decimals, :func:`digits_of`. Where several replicates came out alike and there is no interval it
    says so, "12 (all 4 alike)"; one replicate leaves the number alone.

    Args:
        found: in the unit in which it is shown.
        unit: put after the number, such as "%" or " money".
        plus: whether numbers above zero have their sign.
        plus_minus: "0.940 ± 0.019" where both ends are equally far away.
    """
    if math.isnan(found.estimate):
        return "not defined"
    digits = digits_of(found)
    value, low, high = (written(x, digits, plus) for x in (found.estimate, found.low, found.high))
    if found.method == EXACT or not found.known:
        return f"{value}{unit} (all {found.n} alike)" if found.alike else f"{value}{unit}"
    ends = (written(found.estimate - found.low, digits), written(found.high - found.estimate, digits))
    if plus_minus and ends[0] == ends[1] and not found.alike:
        return f"{value} ± {ends[0]}{unit}"
    return f"{value}{unit} ({low} to {high})"
