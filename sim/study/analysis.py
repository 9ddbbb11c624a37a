"""Contrasts between the cells of an experiment: means, paired differences, humps, and how to say them in words.

Tables are those of a result folder (``sim.sweeps.tables``). An interval is a 95% t interval over replicates: alliances
of one replicate share partners, so replicates, not alliances, are the independent observations.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import BINS, VARIABLES, histogram_range
from sim.engine import History
from sim.scenario import Scenario

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
TABLES = ("parameters", "traits", "network")
"""Tables of a scenario file whose settings are everybody's."""

FEWEST_RESAMPLED = 8
"""With fewer replicates none are drawn anew for an interval: it would hold the truth far less often than it says."""

RESAMPLES_AT_ONCE = 100
"""Resamples held in memory. BCa leaves out each replicate once, which all at once takes their number squared."""

ROUNDING = 1e-9
"""Shares that are no farther apart are the same: a product of shares is rounded, and no cell has 10⁹ alliances."""

BANDWIDTH = 0.03
"""Standard deviation of the Gaussian that smooths a histogram of trust before humps are looked for, trust."""
DEEPEST_VALLEY = 0.8
"""Two humps need a valley below this share of the lower of the two peaks."""
EMPTY_VALLEY = 0.1
"""Beside a peak within :data:`BANDWIDTH` of 0 or 1, two humps need a valley below this share of the lower peak.

One hump that a bound cuts off piles up there and leaves no gap: a normal one with a twentieth of it held at the bound
still has 0.26 of its highest density beside it.
"""
SMALLEST_HUMP = 0.05
"""Each of two humps must hold at least this share of the alliances."""
VALLEY_ERRORS = 3.0
"""The valley must lie this many standard errors (of counts) below the lower peak."""

CAUSE_WORDS = {
    "delivery": "work delivered well",
    "adaptation": "adapting when not obliged",
    "hard_talk": "problems talked through",
    "blame": "blame",
    "festering": "problems left unsaid",
    "breach": "breach of faith",
    "being_monitored": "being monitored",
    "disappointment": "disappointing results",
    "turnover": "people moving on",
    "people": "trust passed on by people",
    "ties": "ties growing or fading",
    "bound": "limits at 0 and 1",
}
"""The ledger's causes in words."""

OUTCOME_WORDS = {
    "value_against_expectation": "value against expectation",
    "gain": "gain over outside option",
    "surplus": "gain over outside option per month",
    "better_apart": "better off apart",
    "fell_short": "share falling short of expectation",
    "survived": "share still going on",
    "duration": "time together",
    "ended_by_distrust": "share ended by distrust",
    "ended_by_disappointment": "share ended by disappointment",
    "ended_by_strategy": "share ended by strategic change",
    "gap": "working gap",
    "met_together": "contingencies met together",
    "monitoring_share": "monitoring cost share",
    "governance_share": "governance cost share",
    "relational_cost": "relational spending",
    "talked_through": "problems talked through",
    "blamed": "problems blamed on somebody",
    "festered": "problems left unsaid",
    "written_off": "goodwill written off",
}
"""Outcomes whose name alone would not read well in a sentence."""


BESIDE = {"value": ("gain", "better_apart"), "value_per_month": ("surplus", "better_apart")}
"""What is told wherever an outcome is: value alone does not say whether the partners had done better elsewhere."""

PER_MONTH = {"value": "value_per_month", "gain": "surplus"}
"""What stands in for a sum of money where cells run for different numbers of months."""


def told_outcomes(manifest: Mapping[str, Any], runs: pd.DataFrame) -> list[str]:
    """The outcomes that a result is told by: those asked for, with :data:`BESIDE`; :data:`PER_MONTH` where it must be.

    Args:
        manifest: of the folder.
        runs: its table ``runs``; what an older one does not hold is not told.
    """
    asked = list(manifest["outcomes"])
    if len({int(cell["resolved"]["months"]) for cell in manifest.get("cells", ())}) > 1:
        asked = [PER_MONTH.get(name, name) for name in asked]
    told = [each for name in asked for each in (name, *BESIDE.get(name, ()))]
    return [name for name in dict.fromkeys(told) if name in runs]


# ---------------------------------------------------------------------------------------------------------------
# Words
# ---------------------------------------------------------------------------------------------------------------
def outcome_words(name: str) -> str:
    """An outcome as it stands in a sentence: "value per month"."""
    return OUTCOME_WORDS.get(name, name.replace("_", " "))


def label_words(label: str) -> str:
    """A cell's label as people read it: "culture clash" for "culture_clash"."""
    return label.replace("_", " ")


def short_labels(labels: Sequence[str]) -> list[str]:
    """Labels without the parts that all cells share, in words: "baseline · blame=0.2" becomes "blame=0.2".

    Factors are called as :func:`factor_names` calls them: "AOL default culture=0.9" for "AOL.default_culture=0.9".
    """
    rows = [label.split(" · ") for label in labels]
    if len(rows) < 2 or len({len(row) for row in rows}) > 1:
        return [label_words(label) for label in labels]
    columns = list(zip(*rows, strict=True))
    kept = [column for column in columns if len(set(column)) > 1] or columns
    short = factor_names({part.partition("=")[0] for column in kept for part in column if "=" in part})
    return [label_words(" · ".join(_renamed(part, short) for part in row)) for row in zip(*kept, strict=True)]


def factor_words(name: str) -> str:
    """What a factor is called, with its owner: "AOL blame" for "AOL.blame", "crash depth" for "events.crash.depth".

    A trait of a group is never called by the trait alone, which would be everybody's. Only the table of a setting that
    is everybody's is left out: "synergy" for "parameters.synergy".
    """
    owner, dot, setting = name.removeprefix("events.").partition(".")
    if not dot or owner in TABLES:
        return label_words(setting or owner)
    return f"{owner} {label_words(setting)}"


def factor_names(names: Iterable[str]) -> dict[str, str]:
    """What each of several factors is called: :func:`factor_words`, and in full where two would be called alike."""
    short = {name: factor_words(name) for name in names}
    count = Counter(short.values())
    return {name: said if count[said] == 1 else label_words(name.replace(".", " ")) for name, said in short.items()}


def _renamed(part: str, short: Mapping[str, str]) -> str:
    name, equals, level = part.partition("=")
    return f"{short[name]}={level}" if equals else part


def in_unit(value: float, unit: str) -> float:
    """A value as it is shown: shares in percent, all else as it is."""
    return 100.0 * value if unit == "share" else value


def decimals_for(error: float, value: float) -> int:
    """Decimals that show the first digit of an error (two when it is a one), or three digits of an exact value."""
    if math.isfinite(error) and error > 0.0:
        digits = -math.floor(math.log10(error))
        return min(max(0, digits + (error * 10.0**digits < 2.0)), 6)
    if math.isfinite(value) and value != 0.0:
        return min(max(0, 2 - math.floor(math.log10(abs(value)))), 6)
    return 0


def sentence(row: Mapping[str, Any] | pd.Series) -> str:
    """A row of :func:`paired` in words, with unit, direction and interval.

    "culture clash: value per month 0.31 money lower than baseline (95% interval 0.29 to 0.33 lower, 200 paired
    replicates)". A difference whose interval holds zero is called not distinguishable from zero.
    """
    about = OUTCOMES[str(row["outcome"])]
    who = f"{label_words(str(row['label']))}: {outcome_words(about.name)}"
    reference, n = label_words(str(row["reference"])), int(row["n"])
    if n == 0:
        return f"{who} cannot be compared with {reference} (in no replicate defined in both)"
    difference, low, high = (in_unit(float(row[key]), about.unit) for key in ("difference", "low", "high"))
    if difference == low == high == 0.0:
        return f"{who} the same as in {reference} (in each of {n} paired replicates)"
    unit = unit_words(about.name)
    digits = decimals_of_interval(difference, low, high)
    if n == 1 and difference == 0.0:
        return f"{who} the same as in {reference} (one paired replicate: no interval)"
    size, way = f"{abs(difference):.{digits}f}{unit}", "lower" if difference < 0 else "higher"
    if n == 1:
        return f"{who} {size} {way} than {reference} (one paired replicate: no interval)"
    if low <= 0.0 <= high:
        return (
            f"{who} not distinguishable from {reference} (difference {signed(difference, digits)}{unit}, "
            f"95% interval {signed(low, digits)} to {signed(high, digits)}, {n} paired replicates)"
        )
    near, far = sorted((abs(low), abs(high)))
    return (
        f"{who} {size} {way} than {reference} "
        f"(95% interval {near:.{digits}f} to {far:.{digits}f} {way}, {n} paired replicates)"
    )


def unit_words(outcome: str) -> str:
    """The unit of a difference as it follows a number; "value per month 0.3 money lower" needs no second month."""
    unit = OUTCOMES[outcome].unit
    if unit == "money/month" and outcome_words(outcome).endswith("per month"):
        return " money"
    return {"share": " percentage points", "month": " months", "trust": "", outcome: ""}.get(unit, f" {unit}")


def decimals_of_interval(value: float, low: float, high: float) -> int:
    """Decimals for a value and its interval, :func:`clear_of_zero`."""
    return clear_of_zero(decimals_for((high - low) / 2.0, value), low, high)


def clear_of_zero(digits: int, low: float, high: float) -> int:
    """So many decimals, or more where an end of an interval that excludes zero would read as zero."""
    nearest = min(abs(low), abs(high))
    while low * high > 0.0 and round(nearest, digits) == 0.0 and digits < 6:
        digits += 1
    return digits


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, a true minus, and no sign on zero."""
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0.0:
        return text
    return f"+{text}" if value > 0 else f"−{text}"


def percent(share: float) -> str:
    """A share in percent; what is nearly none or nearly all keeps a digit, so that it does not read as none or all."""
    rest = min(share, 1.0 - share)
    if 0.0 < rest < 0.0005:
        return "<0.1%" if share == rest else ">99.9%"
    return f"{100 * share:.1f}%" if 0.0 < rest < 0.0095 else f"{100 * share:.0f}%"


def choose_alliance(history: History, alliance: int | None) -> int | None:
    """Check the number of an alliance (from 1). None stays None (all), but is 1 where there is only one.

    Raises:
        ValueError: when there is no such alliance.
    """
    count = history.alliances.shape[1]
    if alliance is None:
        return 1 if count == 1 else None
    if not 1 <= alliance <= count:
        raise ValueError(f"alliance {alliance}: there are {count}, numbered from 1")
    return int(alliance)


def partner_name(scenario: Scenario, row: int) -> str:
    """What an organization (row from 0) is called: its group's name when it is alone in it, else its number from 1."""
    for group in scenario.groups:
        if list(scenario.rows(group.name)) == [row] and len(scenario.groups) > 1:
            return group.name
    return f"organization {row + 1}"


def alliance_name(history: History, alliance: int | None) -> str:
    """ "AOL with Time Warner", or "mean of 45 alliances"."""
    if alliance is None:
        return f"mean of {history.alliances.shape[1]} alliances"
    a, b = (int(row) for row in history.alliances[-1, alliance - 1].org)
    return f"{partner_name(history.scenario, a)} with {partner_name(history.scenario, b)}"


# ---------------------------------------------------------------------------------------------------------------
# Means and paired differences
# ---------------------------------------------------------------------------------------------------------------
def interval(values: ArrayLike) -> tuple[float, float, float, int]:
    """Mean, low and high end of its 95% t interval, and how many values are defined.

    NaN values are dropped. All NaN without any value; NaN bounds from a single one.
    """
    x = _defined(values)
    n = len(x)
    if n == 0:
        return math.nan, math.nan, math.nan, 0
    mean = float(x.mean())
    if n == 1:
        return mean, math.nan, math.nan, 1
    half = _student(n) * float(x.std(ddof=1)) / math.sqrt(n)
    return mean, mean - half, mean + half, n


def jackknife_interval(value: float, left_out: Floats) -> tuple[float, float, float]:
    """An estimate with the ends of its 95% t interval by the delete-one jackknife.

    Args:
        value: the estimate from n ≥ 2 replicates.
        left_out: the estimate without each of them, (n,).
    """
    n = len(left_out)
    half = _student(n) * math.sqrt((n - 1) * float(left_out.var()))
    return value, value - half, value + half


def _defined(values: ArrayLike) -> Floats:
    x = np.asarray(values, dtype=np.float64)
    return x[~np.isnan(x)]


def _student(n: int) -> float:
    """Half the width of a 95% t interval of n values, in standard errors."""
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2.0))


def cell_means(runs: pd.DataFrame, outcomes: Sequence[str]) -> pd.DataFrame:
    """Mean of each outcome in each cell, with its 95% interval over replicates.

    Args:
        runs: table ``runs`` of a result folder: ``cell``, ``label``, ``replicate`` and outcomes.
        outcomes: names of outcomes.

    Returns:
        Columns ``cell, label, outcome, mean, low, high, n``; n counts the replicates in which the outcome is defined.
    """
    rows = [
        (cell, label, name, *interval(group[name].to_numpy(dtype=np.float64)))
        for (cell, label), group in runs.groupby(["cell", "label"], sort=True)
        for name in outcomes
    ]
    return pd.DataFrame(rows, columns=["cell", "label", "outcome", "mean", "low", "high", "n"])


PAIRED = ["cell", "label", "reference", "outcome", "reference_mean", "mean", "difference", "low", "high", "n", "saved"]
"""Columns of :func:`paired`."""


def paired(runs: pd.DataFrame, reference: int, outcomes: Sequence[str]) -> pd.DataFrame:
    """Difference of each cell from the reference cell, paired by replicate.

    Both cells of a pair share every random draw that both make, so the difference holds little but the effect.

    Args:
        runs: table ``runs`` of a result folder.
        reference: the cell that the others are compared with.
        outcomes: names of outcomes.

    Returns:
        Columns :data:`PAIRED`, one row for each other cell and outcome. ``reference`` is the reference's label;
        ``difference`` = mean − reference_mean over the n replicates in which both are defined, with its 95% interval
        from ``low`` to ``high``; ``saved`` is the variance that the difference would have with independent draws,
        divided by the variance it has: as many times fewer replicates are needed. Infinite when pairing leaves no
        variance, NaN when there is none in either cell or fewer than two pairs.

    Raises:
        ValueError: when no run belongs to the reference.
    """
    base = runs[runs["cell"] == reference].set_index("replicate").sort_index()
    if base.empty:
        raise ValueError(f"cell {reference} has no runs to compare with")
    reference_label = str(base["label"].iloc[0])
    rows = []
    for (cell, label), group in runs[runs["cell"] != reference].groupby(["cell", "label"], sort=True):
        other = group.set_index("replicate").sort_index()
        shared = base.index.intersection(other.index)
        pairs = (table.loc[shared, list(outcomes)].to_numpy(dtype=np.float64).T for table in (base, other))
        for name, x, y in zip(outcomes, *pairs, strict=True):
            rows.append((cell, label, reference_label, name, *_contrast(x, y)))
    numbers = dict.fromkeys(("reference_mean", "mean", "difference", "low", "high", "saved"), "float64")
    return pd.DataFrame(rows, columns=PAIRED).astype({**numbers, "cell": "int64", "n": "int64"})


def _contrast(x: Floats, y: Floats) -> tuple[float, float, float, float, float, int, float]:
    """Means of x and y, mean of y − x with its interval, n, and what pairing saved; over pairs that are defined."""
    defined = ~np.isnan(x) & ~np.isnan(y)
    x, y = x[defined], y[defined]
    difference, low, high, n = interval(y - x)
    if n == 0:
        return math.nan, math.nan, difference, low, high, n, math.nan
    return float(x.mean()), float(y.mean()), difference, low, high, n, _saved(x, y)


def _saved(x: Floats, y: Floats) -> float:
    if len(x) < 2:
        return math.nan
    apart = float(x.var(ddof=1) + y.var(ddof=1))
    together = float((y - x).var(ddof=1))
    if together == 0.0:
        return math.inf if apart > 0.0 else math.nan
    return apart / together


def resampled_level(n: int) -> float:
    """The nominal level at which percentiles of resamples of n ≥ 2 values make a 95% interval.

    A resample of n values spreads too little by √(1 − 1/n), and by the normal where Student's t belongs. Hesterberg
    (2015), What teachers should know about the bootstrap, doi:10.1080/00031305.2015.1089789, expands the percentiles
    by both: 95.2% for 200 values, 96.8% for 20, 98.9% for 8.
    """
    from scipy.special import ndtr

    return float(1.0 - 2.0 * ndtr(-math.sqrt(n / (n - 1)) * _student(n)))


def resampled_interval(drawn: Floats, n: int) -> tuple[Floats, Floats]:
    """Low and high end of the 95% percentile interval of what resamples of n values gave, at :func:`resampled_level`.

    Args:
        drawn: a resample a row, (resamples, …).
        n: with fewer than :data:`FEWEST_RESAMPLED` both ends are NaN.

    Returns:
        Each of shape (…).
    """
    if n < FEWEST_RESAMPLED:
        nothing = np.full(drawn.shape[1:], math.nan)
        return nothing, nothing
    tail = 50.0 * (1.0 - resampled_level(n))
    low, high = np.percentile(drawn, [tail, 100.0 - tail], axis=0)
    return low, high


BOOTSTRAP = ["cell", "label", "outcome", "difference", "t_low", "t_high", "boot_low", "boot_high", "n"]
"""Columns of :func:`bootstrap_contrasts`."""


def bootstrap_interval(values: ArrayLike, seed: int = 1, resamples: int = 2000) -> tuple[float, float]:
    """A 95% bootstrap interval of the mean (BCa): it leans on no normal distribution, so it may be lopsided.

    Efron, B. (1987), Better bootstrap confidence intervals, doi:10.1080/01621459.1987.10478410, at the level of
    :func:`resampled_level`.

    Args:
        values: one a replicate; NaN values are dropped.
        seed: of the resampling; the same seed gives the same interval.
        resamples: how often the replicates are drawn anew.

    Returns:
        Its low and high end; NaN with fewer than :data:`FEWEST_RESAMPLED` values, the mean twice when all are equal.
    """
    from scipy.stats import bootstrap

    x = _defined(values)
    if len(x) < FEWEST_RESAMPLED:
        return math.nan, math.nan
    if np.ptp(x) == 0.0:  # BCa divides by the spread
        return float(x[0]), float(x[0])
    level = resampled_level(len(x))
    found = bootstrap(
        (x,), np.mean, n_resamples=resamples, batch=RESAMPLES_AT_ONCE, confidence_level=level, rng=seed
    ).confidence_interval
    return float(found.low), float(found.high)


def bootstrap_contrasts(
    runs: pd.DataFrame, reference: int, outcomes: Sequence[str], seed: int = 1, resamples: int = 2000
) -> pd.DataFrame:
    """The differences of :func:`paired` with a bootstrap interval over paired replicates beside the t interval.

    Args:
        runs: table ``runs`` of a result folder.
        reference: the cell that the others are compared with.
        outcomes: names of outcomes.
        seed, resamples: of :func:`bootstrap_interval`.

    Returns:
        Columns :data:`BOOTSTRAP`, in the order of :func:`paired`; ``t_low`` and ``t_high`` are its interval.

    Raises:
        ValueError: when no run belongs to the reference.
    """
    table = paired(runs, reference, outcomes)
    by_cell = {cell: group.set_index("replicate") for cell, group in runs.groupby("cell", sort=True)}
    ends = []
    for cell, name in zip(table["cell"], table["outcome"], strict=True):
        difference = by_cell[cell][name].astype(float) - by_cell[reference][name].astype(float)
        ends.append(bootstrap_interval(difference.to_numpy(), seed, resamples))
    table = table.rename(columns={"low": "t_low", "high": "t_high"})
    table["boot_low"], table["boot_high"] = zip(*ends, strict=True) if ends else ([], [])
    return table[BOOTSTRAP].astype({"boot_low": "float64", "boot_high": "float64"})


def spread_cells(runs: pd.DataFrame, outcome: str, most: int, reference: int | None = None) -> list[int]:
    """At most ``most`` cells that show the whole range of an outcome: the reference, else the first, and even ranks.

    Cells in which it is not defined only fill up.
    """
    means = runs.groupby("cell")[outcome].mean()
    cells = [int(cell) for cell in means.index]
    if len(cells) <= most:
        return cells
    first = cells[0] if reference is None else reference
    others = means.drop(first).sort_values(kind="stable")  # NaN last
    ranks = np.round(np.linspace(0, max(others.count(), most - 1) - 1, most - 1)).astype(int)
    return sorted([first, *(int(others.index[rank]) for rank in ranks)])


# ---------------------------------------------------------------------------------------------------------------
# Survival and the shape of distributions
# ---------------------------------------------------------------------------------------------------------------
def half_life(survival: pd.DataFrame) -> dict[int, float]:
    """For each cell, the first month at whose end half of the alliances or fewer go on; NaN when more than half do.

    Months as in the table: since the signature of each alliance.
    """
    lives: dict[int, float] = {}
    for cell, group in survival.groupby("cell", sort=True):
        gone = group.loc[group["going on"] <= 0.5 + ROUNDING, "month"]
        lives[int(cell)] = float(gone.min()) if len(gone) else math.nan
    return lives


def market_cells(manifest: Mapping[str, Any]) -> frozenset[int]:
    """Cells of a result whose scenario is a market (``network.market``), by the manifest of its folder.

    Their alliances are signed all through the run: the month of the run is not the age of an alliance.
    """
    return frozenset(int(cell["cell"]) for cell in manifest["cells"] if cell["resolved"]["network"].get("market"))


def counts_of(histogram: pd.DataFrame, cell: Hashable, variable: str, month: int) -> Floats:
    """Counts in each of the :data:`sim.dynamics.state.BINS` bins of one cell, variable and month; zeros included."""
    rows = histogram[(histogram["cell"] == cell) & (histogram["variable"] == variable) & (histogram["month"] == month)]
    edges = edges_of(variable, horizon_of(histogram, cell))
    bins = np.searchsorted(edges[:-1], rows["low"].to_numpy(dtype=np.float64) + 0.5 * (edges[1] - edges[0])) - 1
    counts = np.zeros(BINS)
    np.add.at(counts, bins, rows["count"].to_numpy(dtype=np.float64))
    return counts


def horizon_of(histogram: pd.DataFrame, cell: Hashable) -> int:
    """The last month of a cell's histograms, which is the horizon of its runs."""
    return int(histogram.loc[histogram["cell"] == cell, "month"].max())


def edges_of(variable: str, months: int) -> Floats:
    """Edges of the bins of a variable's histogram in runs of ``months``, (BINS + 1,)."""
    k = VARIABLES.index(variable)
    lows, highs = histogram_range(months)
    return np.linspace(lows[k], highs[k], BINS + 1)


def smooth(counts: Floats, bandwidth_bins: float) -> Floats:
    """Counts smoothed by a Gaussian (standard deviation in bins), reflected at both ends so that none is lost."""
    reach = math.ceil(4.0 * bandwidth_bins)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / bandwidth_bins) ** 2)
    return np.convolve(np.pad(counts, reach, mode="symmetric"), weights / weights.sum(), mode="valid")


@functools.cache
def _smoother(bins: int, bandwidth_bins: float) -> Floats:
    """What each bin gives to each smoothed one, (bins, bins): :func:`smooth` as a matrix.

    Its squares give the variance of the smoothed counts. A count near an end meets its own reflection there, which is
    no second count: the two weights add up before they are squared.
    """
    return np.column_stack([smooth(one, bandwidth_bins) for one in np.eye(bins)])


HUMPS = ["cell", "month", "n", "humps", "mode", "low_mode", "valley", "high_mode", "low_share", "high_share", "depth"]
"""Columns of :func:`bimodality`."""


def bimodality(histogram: pd.DataFrame, variable: str = "trust") -> pd.DataFrame:
    """Whether trust at the last month has two humps, for each cell.

    Method: counts in 100 bins are smoothed by a Gaussian (:data:`BANDWIDTH`); the split sought is the point that is
    lowest relative to the lower of the highest peaks left and right of it. There are two humps when this ``depth``
    (valley / lower peak) is below :data:`DEEPEST_VALLEY`, each side holds at least :data:`SMALLEST_HUMP` of the
    alliances, and the valley lies :data:`VALLEY_ERRORS` standard errors of counts below the lower peak, so that chance
    ripples of a small sample are no humps. The error takes alliances as independent.

    A variable that is held at its bound piles up there, which is no second kind of alliance: when one of the two peaks
    lies within one bandwidth of 0 or 1 and the valley is not all but empty (:data:`EMPTY_VALLEY`), the split is sought
    again between the peaks that lie farther inside.

    Args:
        histogram: table ``histogram`` of a result folder.
        variable: one of the variables on [0, 1].

    Returns:
        Columns :data:`HUMPS`; ``humps`` is 0 (nobody left), 1 or 2; ``mode`` is the highest peak, at a bound too; the
        two modes, the valley, the shares of alliances below and above it and ``depth`` are NaN unless there are two.
    """
    rows = []
    for cell, group in histogram.groupby("cell", sort=True):
        month = int(group["month"].max())
        rows.append((cell, month, *humps_of(counts_of(group, cell, variable, month), edges_of(variable, month))))
    return pd.DataFrame(rows, columns=HUMPS)


def humps_of(counts: Floats, edges: Floats) -> tuple[float, ...]:
    """The columns :data:`HUMPS` from ``n`` on for one histogram, (bins,), and its edges, (bins + 1,)."""
    total = counts.sum()
    if total == 0:
        return (0, 0, *[math.nan] * 7)
    middles = (edges[:-1] + edges[1:]) / 2.0
    bandwidth_bins = BANDWIDTH / (edges[1] - edges[0])
    away = _away_from_bounds(len(counts), bandwidth_bins)
    weights = _smoother(len(counts), bandwidth_bins)
    density, variance = weights @ counts, weights**2 @ counts
    mode = float(middles[np.argmax(density)])
    left, valley, right, depth = _deepest_valley(density, density)
    if depth >= EMPTY_VALLEY and not (away[left] and away[right]):
        left, valley, right, depth = _deepest_valley(density, _inner_peaks(density, away))
    lower = left if density[left] < density[right] else right
    low_share = float(counts[:valley].sum() + counts[valley] / 2.0) / total
    drop = density[lower] - density[valley]
    if (
        depth >= DEEPEST_VALLEY
        or min(low_share, 1.0 - low_share) < SMALLEST_HUMP
        or drop < VALLEY_ERRORS * math.sqrt(variance[lower] + variance[valley])
    ):
        return (int(total), 1, mode, *[math.nan] * 6)
    modes = (float(middles[left]), float(middles[valley]), float(middles[right]))
    return (int(total), 2, mode, *modes, low_share, 1.0 - low_share, depth)


def valley_depth(counts: Floats) -> float:
    """Smoothed density at the deepest valley between two peaks, as a share of the lower of them; 1 without a valley.

    Peaks at 0 and at 1 are peaks here: this is a measure, and :func:`bimodality` the rule.

    Args:
        counts: a histogram of [0, 1], (bins,), smoothed by a Gaussian of :data:`BANDWIDTH`.
    """
    density = smooth(counts, BANDWIDTH * len(counts))
    return _deepest_valley(density, density)[3]


def _away_from_bounds(bins: int, bandwidth_bins: float) -> NDArray[np.bool_]:
    """Which bins have their middle farther than a bandwidth from both ends."""
    places = np.arange(bins) + 0.5
    return np.minimum(places, bins - places) > bandwidth_bins


def _inner_peaks(density: Floats, away: NDArray[np.bool_]) -> Floats:
    """The density where it has a peak away from the bounds, else 0."""
    padded = np.pad(density, 1, mode="edge")
    is_peak = (density >= padded[:-2]) & (density >= padded[2:])
    return np.where(is_peak & away, density, 0.0)


def _deepest_valley(density: Floats, heights: Floats) -> tuple[int, int, int, float]:
    """The bin that is lowest relative to the lower of the peaks on its two sides, between those two.

    Args:
        density: smoothed, (bins,).
        heights: what counts as the height of a peak, (bins,): the density, or 0 where a peak does not count.

    Returns:
        Bins of the left peak, the valley and the right peak; density at the valley / lower peak (1: no valley).
    """
    left = np.maximum.accumulate(heights)
    right = np.maximum.accumulate(heights[::-1])[::-1]
    lower = np.minimum(left, right)
    ratio = np.minimum(np.divide(density, lower, out=np.ones_like(density), where=lower > 0), 1.0)
    deepest = np.flatnonzero(ratio == ratio.min())
    valley = int(deepest[len(deepest) // 2])
    peaks = int(np.argmax(heights[: valley + 1])), valley + int(np.argmax(heights[valley:]))
    return peaks[0], valley, peaks[1], float(ratio.min())
