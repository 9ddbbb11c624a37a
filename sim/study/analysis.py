"""Contrasts between the cells of an experiment: means, paired differences, humps, and how to say them in words.

Tables are those of a result folder (``sim.sweeps.tables``). Intervals are those of :mod:`sim.intervals`, over
replicates: alliances of one share partners, so replicates, not alliances, are the independent observations.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.distributions import expect, shown
from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import BINS, VARIABLES, histogram_range
from sim.engine import History
from sim.intervals import Interval, Range, bootstrap_of, difference_bounds, digits_of, mean_of, written
from sim.library import SHIPPED
from sim.scenario import PLACE_OF, Scenario
from sim.text import LONGEST, named, reading, visible
from sim.tomlfile import did_you_mean

Floats = NDArray[np.float64]

LONGEST_PARTNER = 32
"""Letters of an organization's name in sentences and figures, which often name two; a longer one is shortened."""

TABLES = ("parameters", "traits", "network")
"""Tables of a scenario file whose settings are everybody's."""

PARTS = " · "
"""What stands between the parts of a cell's label."""

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
    return OUTCOME_WORDS.get(name, key_words(name))


def key_words(name: str) -> str:
    """A name of the program's own, such as a parameter's, in words: "trust gain"."""
    return name.replace("_", " ")


def scenario_words(name: str) -> str:
    """A scenario's name: one that comes with the code in words ("culture clash"), an author's own as it is written."""
    return key_words(name) if name in _shipped() else named(name)


@functools.cache
def _shipped() -> frozenset[str]:
    return frozenset(path.stem for path in (SHIPPED / "scenarios").glob("*.toml"))


def label_words(label: str) -> str:
    """A cell's label as people read it: "culture clash · trust gain=0.1" for "culture_clash · trust_gain=0.1".

    Names that an author gave to levels, points and scenarios stay as they are written, but for the middle of very long
    ones (:func:`sim.text.named`).
    """
    parts = label.split(PARTS)
    full = {key: factor_in_full(key) for part in parts if (key := _key_of(part))}
    return PARTS.join(_part_words(part, full, k == 0) for k, part in enumerate(parts))


def short_labels(labels: Sequence[str]) -> list[str]:
    """Labels without the parts that all cells share, in words: "baseline · blame=0.2" becomes "blame=0.2".

    Factors are called as :func:`factor_names` calls them: "AOL default culture=0.9" for "AOL.default_culture=0.9"; else
    as :func:`label_words`. Labels that would read the same stay as they are written.
    """
    rows = [label.split(PARTS) for label in labels]
    if len(rows) < 2 or len({len(row) for row in rows}) > 1:
        return _apart([label_words(label) for label in labels], labels)
    columns = list(enumerate(zip(*rows, strict=True)))
    kept = [(k, column) for k, column in columns if len(set(column)) > 1] or columns
    called = factor_names({key for _, column in kept for part in column if (key := _key_of(part))})
    worded = [[_part_words(part, called, k == 0) for part in column] for k, column in kept]
    return _apart([PARTS.join(row) for row in zip(*worded, strict=True)], labels)


def shortened_names(labels: Iterable[str]) -> dict[str, str]:
    """Names in labels that are shown without their middle (:func:`sim.text.named`): as shown, and whole."""
    names = (
        part[len(key) + 1 :] if (key := _key_of(part)) else part for label in labels for part in label.split(PARTS)
    )
    return {named(name): visible(name) for name in names if len(visible(name)) > LONGEST}


def _part_words(part: str, called: Mapping[str, str], is_first: bool) -> str:
    """A part of a label; the first one is the scenario."""
    if key := _key_of(part):
        return f"{called[key]}={named(part[len(key) + 1 :])}"
    return scenario_words(part) if is_first else named(part)


def _key_of(part: str) -> str:
    """The factor whose level a part of a label states, as "trust_gain=0.1" does; "" for an author's own name."""
    name, equals, _ = part.partition("=")
    return name if equals and (name.startswith("events.") or name.rpartition(".")[2] in PLACE_OF) else ""


def _apart(shown: list[str], labels: Sequence[str]) -> list[str]:
    """Names as shown, but as written where two labels would read the same."""
    count = Counter(map(reading, shown))
    return [said if count[reading(said)] == 1 else visible(label) for said, label in zip(shown, labels, strict=True)]


def factor_words(name: str) -> str:
    """What a factor is called, with its owner: "AOL blame" for "AOL.blame", "crash depth" for "events.crash.depth".

    A trait of a group is never called by the trait alone, which would be everybody's. Only the table of a setting that
    is everybody's is left out: "synergy" for "parameters.synergy". What its author named stays as written.
    """
    *whose, last = name.removeprefix("events.").split(".")
    owners = () if whose and whose[0] in TABLES else whose
    return " ".join([*map(named, owners), key_words(visible(last))])


def factor_in_full(name: str) -> str:
    """As :func:`factor_words`, with every part of the name: "events crash depth"."""
    *whose, last = name.split(".")
    return " ".join([*map(named, whose), key_words(visible(last))])


def factor_names(names: Iterable[str]) -> dict[str, str]:
    """What each of several factors is called: :func:`factor_words`, and in full where two would be called alike."""
    called = {name: factor_words(name) for name in names}
    count = Counter(called.values())
    return {name: said if count[said] == 1 else factor_in_full(name) for name, said in called.items()}


def in_unit(value: float, unit: str) -> float:
    """A value as it is shown: shares in percent, all else as it is."""
    return 100.0 * value if unit == "share" else value


def sentence(row: Mapping[str, Any] | pd.Series) -> str:
    """A row of :func:`paired` in words, with unit, direction and interval; its labels as :func:`short_labels` has them.

    "culture clash: value per month 0.310 money lower than baseline (95% interval 0.291 to 0.329 lower, 200 paired
    replicates)". A difference whose interval holds zero is called not distinguishable from zero.
    """
    about = OUTCOMES[str(row["outcome"])]
    who = f"{row['label']}: {outcome_words(about.name)}"
    reference, found = str(row["reference"]), sure_of(row, "difference")
    n, unit, digits = found.n, unit_words(about.name), digits_of(found)
    if n == 0:
        return f"{who} cannot be compared with {reference} (in no replicate defined in both)"
    way = "lower" if found.estimate < 0 else "higher"
    differs = f"{who} {written(abs(found.estimate), digits)}{unit} {way} than {reference}"
    if found.estimate == 0.0 and (found.alike or n == 1):
        differs = f"{who} the same as in {reference}"
    if n == 1:
        return f"{differs} (one paired replicate: no interval)"
    low, high = signed(found.low, digits), signed(found.high, digits)
    if found.alike:
        sure = f"; 95% interval {low} to {high}{unit}" if found.known else ": no interval"
        return f"{differs} (in each of {n} paired replicates{sure})"
    if found.low <= 0.0 <= found.high:
        return (
            f"{who} not distinguishable from {reference} (difference {signed(found.estimate, digits)}{unit}, "
            f"95% interval {low} to {high}, {n} paired replicates)"
        )
    near, far = sorted((abs(found.low), abs(found.high)))
    return f"{differs} (95% interval {written(near, digits)} to {written(far, digits)} {way}, {n} paired replicates)"


def unit_words(outcome: str) -> str:
    """The unit of a difference as it follows a number; "value per month 0.3 money lower" needs no second month."""
    unit = OUTCOMES[outcome].unit
    if unit == "money/month" and outcome_words(outcome).endswith("per month"):
        return " money"
    return {"share": " percentage points", "month": " months", "trust": "", outcome: ""}.get(unit, f" {unit}")


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, a true minus, and no sign on zero."""
    return written(value, digits, plus=True)


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
            return named(group.name, LONGEST_PARTNER)
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
def cell_means(runs: pd.DataFrame, outcomes: Sequence[str]) -> pd.DataFrame:
    """Mean of each outcome in each cell, with its 95% interval over replicates.

    Args:
        runs: table ``runs`` of a result folder: ``cell``, ``label``, ``replicate`` and outcomes.
        outcomes: names of outcomes.

    Returns:
        Columns ``cell, label, outcome, mean``, :data:`SURE`; n counts the replicates in which the outcome is defined.

    Raises:
        TypeError, ValueError: when ``runs`` is no such table, or a run comes twice.
    """
    outcomes = names_of(outcomes)
    check_table(runs, "runs", ("cell", "label", *outcomes))
    keys_of_runs(runs)
    rows = [
        (cell, label, name, *astuple(mean_of(group[name].to_numpy(dtype=np.float64), OUTCOMES[name].bounds)))
        for (cell, label), group in runs.groupby(["cell", "label"], sort=True)
        for name in outcomes
    ]
    return pd.DataFrame(rows, columns=["cell", "label", "outcome", "mean", *SURE])


def check_table(table: pd.DataFrame, name: str, columns: Iterable[str]) -> None:
    """Refuse what is no table, or one without a column, in words.

    Args:
        table: to be checked.
        name: what the table is called in a result folder.
        columns: that it must have.

    Raises:
        TypeError: when it is no table.
        ValueError: when a column is missing.
    """
    expect(table, pd.DataFrame, f"{name}: a table, such as read_results(folder).tables[{name!r}]")
    for column in columns:
        if column not in table:
            near = did_you_mean(str(column), map(str, table.columns))
            raise ValueError(f"{name}: the table has no column {shown(column)}{near}")


def names_of(names: Iterable[str], what: str = "outcomes") -> list[str]:
    """Names as a list. A single one is refused, because its letters would be taken for names.

    Raises:
        TypeError: when it is no list of names.
    """
    if isinstance(names, (str, bytes, Mapping, pd.DataFrame)) or not isinstance(names, Iterable):
        raise TypeError(f"{what}: a list of names, such as ['value', 'trust']; got {shown(names)}")
    return list(names)


def keys_of_runs(runs: pd.DataFrame, cell: Sequence[str] = ("cell",)) -> list[str]:
    """Columns by which runs of two cells are pairs; without a seed, all are taken to have the same one.

    Args:
        runs: a row a run, with ``replicate`` and perhaps ``seed``.
        cell: columns that tell cells apart.

    Raises:
        ValueError: when a cell has the same run twice: it would count as two observations.
    """
    check_table(runs, "runs", (*cell, "replicate"))
    keys = [name for name in ("seed", "replicate") if name in runs]
    again = runs[runs.duplicated([*cell, *keys])]
    if len(again):
        told = [", ".join(f"{name} {again[name].iloc[0]}" for name in names) for names in (cell, keys)]
        raise ValueError(f"{told[0]} has the run with {told[1]} twice: each run counts once")
    return keys


def _seeds(runs: pd.DataFrame) -> list[int]:
    """Seeds of runs that are indexed by seed and replicate."""
    return [int(seed) for seed in runs.index.unique("seed")]


SURE = ["low", "high", "n", "method"]
"""Columns that say how sure a number is, as the attributes of :class:`sim.intervals.Interval`."""

PAIRED = ["cell", "label", "reference", "outcome", "reference_mean", "mean", "difference", *SURE, "saved"]
"""Columns of :func:`paired`."""


def sure_of(row: Mapping[str, Any] | pd.Series, number: str) -> Interval:
    """The interval of a number that stands in a row beside :data:`SURE`, in the unit in which its outcome is shown."""
    return Interval.of(row, number).times(in_unit(1.0, OUTCOMES[str(row["outcome"])].unit))


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
        (:data:`SURE`); ``saved`` is the variance that the difference would have with independent draws,
        divided by the variance it has: as many times fewer replicates are needed. Infinite when pairing leaves no
        variance, NaN when there is none in either cell or fewer than two pairs.

    Raises:
        TypeError: when ``runs`` is no table, or outcomes are no list.
        ValueError: when no run belongs to the reference, a run comes twice, or two cells have no seed in common.
    """
    outcomes = names_of(outcomes)
    check_table(runs, "runs", ("cell", "label", *outcomes))
    keys = keys_of_runs(runs)
    base = runs[runs["cell"] == reference].set_index(keys).sort_index()
    if base.empty:
        raise ValueError(f"cell {reference} has no runs to compare with")
    reference_label = str(base["label"].iloc[0])
    rows = []
    for (cell, label), group in runs[runs["cell"] != reference].groupby(["cell", "label"], sort=True):
        other = group.set_index(keys).sort_index()
        shared = base.index.intersection(other.index)
        if "seed" in keys and not set(_seeds(base)) & set(_seeds(other)):
            told = (f"cell {cell} with {_seeds(other)[0]}", f"the reference, cell {reference}, with {_seeds(base)[0]}")
            raise ValueError(f"runs are pairs when they share a seed; {told[0]} and {told[1]}: run both with one")
        pairs = (table.loc[shared, list(outcomes)].to_numpy(dtype=np.float64).T for table in (base, other))
        for name, x, y in zip(outcomes, *pairs, strict=True):
            rows.append((cell, label, reference_label, name, *_contrast(x, y, OUTCOMES[name].bounds)))
    numbers = dict.fromkeys(("reference_mean", "mean", "difference", "low", "high", "saved"), "float64")
    return pd.DataFrame(rows, columns=PAIRED).astype({**numbers, "cell": "int64", "n": "int64"})


def _contrast(x: Floats, y: Floats, bounds: Range) -> tuple[Any, ...]:
    """Means of x and y, mean of y − x with its interval, and what pairing saved; over pairs that are defined."""
    known = ~np.isnan(x) & ~np.isnan(y)
    x, y = x[known], y[known]
    found = astuple(mean_of(y - x, difference_bounds(bounds)))
    if not len(x):
        return math.nan, math.nan, *found, math.nan
    return float(x.mean()), float(y.mean()), *found, _saved(x, y)


def _saved(x: Floats, y: Floats) -> float:
    if len(x) < 2:
        return math.nan
    apart = float(x.var(ddof=1) + y.var(ddof=1))
    together = float((y - x).var(ddof=1))
    if together == 0.0:
        return math.inf if apart > 0.0 else math.nan
    return apart / together


BOOTSTRAP = ["cell", "label", "outcome", "difference", "t_low", "t_high", "boot_low", "boot_high", "n", "method"]
"""Columns of :func:`bootstrap_contrasts`; ``method`` is that of the interval to quote."""


def bootstrap_contrasts(
    runs: pd.DataFrame, reference: int, outcomes: Sequence[str], seed: int = 1, resamples: int = 2000
) -> pd.DataFrame:
    """The differences of :func:`paired` with a bootstrap interval over paired replicates beside the t interval.

    Args:
        runs: table ``runs`` of a result folder.
        reference: the cell that the others are compared with.
        outcomes: names of outcomes.
        seed, resamples: of :func:`sim.intervals.bootstrap_of`.

    Returns:
        Columns :data:`BOOTSTRAP`, in the order of :func:`paired`; ``t_low`` and ``t_high`` are its interval.

    Raises:
        ValueError: when no run belongs to the reference.
    """
    outcomes = names_of(outcomes)
    table = paired(runs, reference, outcomes)
    keys = keys_of_runs(runs)
    by_cell = {cell: group.set_index(keys) for cell, group in runs.groupby("cell", sort=True)}
    drawn = []
    for cell, name in zip(table["cell"], table["outcome"], strict=True):
        difference = by_cell[cell][name].astype(float) - by_cell[reference][name].astype(float)
        bounds = difference_bounds(OUTCOMES[name].bounds)
        drawn.append(bootstrap_of(difference.to_numpy(), seed, resamples, bounds))
    table = table.rename(columns={"low": "t_low", "high": "t_high"})
    table["boot_low"] = np.array([found.low for found in drawn], dtype=np.float64)
    table["boot_high"] = np.array([found.high for found in drawn], dtype=np.float64)
    known = [found.known for found in drawn]
    table["method"] = table["method"].where(~np.array(known, dtype=bool), [found.method for found in drawn])
    return table[BOOTSTRAP]


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
    check_table(survival, "survival", ("cell", "month", "going on"))
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
