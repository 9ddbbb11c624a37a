"""What is kept of runs: moments and histograms over the alliances every month, means of outcomes at the end."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from sim.dynamics import rules
from sim.dynamics.compiled import compiled, entry
from sim.dynamics.state import (
    BINS,
    COMMUNICATION,
    EXPECTATION,
    EXTRA_MILE,
    FRUSTRATION,
    GAP,
    HIGHS,
    LOWS,
    MONITORING,
    RESULT,
    TIES,
    TRUST,
    VALUE,
)


@compiled
def note(x, v, scale, moments, histogram):
    """Enter one observation of variable ``v``: count, sum, sum of squares, and its bin on a range times ``scale``."""
    moments[v, 0] += 1.0
    moments[v, 1] += x
    moments[v, 2] += x * x
    position = (x / scale - LOWS[v]) / (HIGHS[v] - LOWS[v]) * BINS
    histogram[v, int(rules.within(position, 0.0, BINS - 1.0))] += 1


@compiled
def observe(alliances, count, months, moments, histogram):
    """Enter every alliance's state at the end of a month; the order of the variables is ``state.VARIABLES``.

    Args:
        alliances: records, (M,); the first ``count`` of them are in use.
        months: horizon of the run; the histogram of ``value`` is scaled by it.
        moments: float64 (variables, 3): count, sum, sum of squares.
        histogram: int64 (variables, BINS).
    """
    for k in range(count):
        tie = alliances[k]
        if tie.alive == 1:
            note(0.5 * (tie.effective[0] + tie.effective[1]), TRUST, 1.0, moments, histogram)
            note(tie.communication, COMMUNICATION, 1.0, moments, histogram)
            note(tie.ties, TIES, 1.0, moments, histogram)
            note(tie.gap, GAP, 1.0, moments, histogram)
            note(0.5 * (tie.frustration[0] + tie.frustration[1]), FRUSTRATION, 1.0, moments, histogram)
            note(0.5 * (tie.monitoring[0] + tie.monitoring[1]), MONITORING, 1.0, moments, histogram)
            note(0.5 * (tie.expectation[0] + tie.expectation[1]), EXPECTATION, 1.0, moments, histogram)
            if tie.age > 0:
                note(0.5 * (tie.effort[0] + tie.effort[1]), EXTRA_MILE, 1.0, moments, histogram)
                note(0.5 * (tie.net[0] + tie.net[1]), RESULT, 1.0, moments, histogram)
        note(tie.value[0] + tie.value[1], VALUE, float(months), moments, histogram)


@entry
def mean_of_defined(values, exists, means):
    """Mean of an outcome over the alliances of each run for which it is defined, added up in their order.

    NumPy's sum would add in an order that depends on how far the rows of a market are padded.

    Args:
        values: float64 (R, M), NaN where the outcome is not defined.
        exists: bool (R, M), whether the place holds an alliance.
        means: float64 (R,), filled in place; left as it is where the outcome is defined for no alliance.
    """
    for r in range(values.shape[0]):
        total, count = 0.0, 0
        for k in range(values.shape[1]):
            if exists[r, k] and values[r, k] == values[r, k]:  # NaN is not equal to itself
                total += values[r, k]
                count += 1
        if count > 0:
            means[r] = total / count


# ---------------------------------------------------------------------------------------------------------------
# Over many runs
# ---------------------------------------------------------------------------------------------------------------
@entry
def lie_apart(moments, count, mean, runs, deviations):
    """How far the means of many runs lie apart: the sum of (n/N · (s/n - mean))² over the runs that have n > 0.

    Args:
        moments: float64 (R, months + 1, variables, 3), of each run: count n, sum s, sum of squares.
        count, mean: float64 (months + 1, variables), over all runs: N and the mean.
        runs: int64 (months + 1, variables), zeros: filled with the number of runs with n > 0.
        deviations: float64 (months + 1, variables), zeros: filled with the sum, in the order of the runs.
    """
    for r in range(moments.shape[0]):
        for month in range(moments.shape[1]):
            for v in range(moments.shape[2]):
                n = moments[r, month, v, 0]
                if n > 0.0:
                    own = moments[r, month, v, 1]
                    if n != 1.0:  # a division by one would only take time, and a dyad makes nothing else
                        own /= n
                    off = n / count[month, v] * (own - mean[month, v])
                    runs[month, v] += 1
                    deviations[month, v] += off * off


@entry
def read_off(histogram, shares, lows, highs, quantiles):
    """Quantiles of each month and variable, by linear interpolation within a bin.

    Args:
        histogram: int64 (months + 1, variables, BINS).
        shares: float64 (Q,), which quantiles, from 0 to 1, in rising order.
        lows, highs: float64 (variables,), ends of the histograms.
        quantiles: float64 (Q, months + 1, variables), filled in place; the low end where the histogram is empty.
    """
    for month in range(histogram.shape[0]):
        for v in range(histogram.shape[1]):
            counts = histogram[month, v]
            total = 0
            for b in range(BINS):
                total += counts[b]
            b, upto = 0, counts[0]
            for q in range(len(shares)):
                target = shares[q] * total
                while b < BINS - 1 and upto < target:
                    b += 1
                    upto += counts[b]
                inside = counts[b]
                fraction = (target - (upto - inside)) / inside if inside > 0 else 0.0
                quantiles[q, month, v] = lows[v] + (highs[v] - lows[v]) * (b + fraction) / BINS
