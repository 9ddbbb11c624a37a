"""How long alliances last: survival with censoring, by cause, and two or more cells compared.

An alliance that goes on at the horizon has lasted *at least* so long: its lifetime is censored there. Causes of ending
compete, because an alliance that one cause has ended cannot be ended by another; so each cause has a cumulative
incidence (Aalen & Johansen 1978) and not a survival curve of its own.

Alliances of one replicate share partners and markets. Greenwood's interval and the log-rank test take them as
independent, and may be too sure of themselves. Beside them stand answers for which only replicates are independent:
bands from replicates drawn anew, and the restricted mean lifetime of each replicate, compared in pairs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.dynamics.state import CAUSES_OF_ENDING
from sim.intervals import (
    PERCENTILE,
    SHARE,
    Interval,
    digits_of,
    falling,
    log_log,
    mean_of,
    resampled,
    rising,
    shown,
    written,
)
from sim.study.analysis import check_table, percent, short_labels, signed
from sim.study.answer import Answer
from sim.study.plots.lifetimes import survival_curves
from sim.study.words import whole_sentence

if TYPE_CHECKING:
    from scipy.stats import CensoredData

Floats = NDArray[np.float64]

GOING_ON, *ENDINGS = CAUSES_OF_ENDING
RESAMPLES = 1000
"""How often replicates are drawn anew for a band."""
SHUFFLES = 9999
"""How often the signs of paired differences are drawn anew for a test; all of them when there are fewer."""

COMPARED = [
    "cell", "label", "reference", "months", "reference_lifetime", "lifetime", "difference", "low", "high", "replicates",
    "method", "p_replicates", "log_rank", "p_log_rank",
]  # fmt: skip
"""Columns of the table ``comparison``. Lifetimes are restricted means up to ``months``; ``low`` to ``high`` is the 95%
interval of their paired difference, by ``method``; ``p_replicates`` is of the sign-flip test over replicates;
``log_rank`` is its statistic z, positive where alliances end sooner than in the reference."""


@dataclass(frozen=True, eq=False)
class Lifetimes:
    """The alliances of one cell, counted: R replicates, K causes, months 0 to M.

    Attributes:
        replicates: their numbers, (R,).
        ended: alliances that ended after so many months, by cause, (R, K, M + 1).
        censored: alliances last seen going on after so many months, (R, M + 1).
    """

    replicates: NDArray[np.int64]
    ended: Floats
    censored: Floats

    @property
    def last(self) -> int:
        """The longest time in months that any alliance was seen."""
        seen = np.flatnonzero((self.ended.sum(axis=1) + self.censored).sum(axis=0))
        return int(seen[-1])

    def at_risk(self) -> Floats:
        """Alliances seen going on just before the end of each month, (R, M + 1)."""
        left = self.ended.sum(axis=1) + self.censored
        return left[:, ::-1].cumsum(axis=1)[:, ::-1]


def lifetimes(alliances: pd.DataFrame) -> Lifetimes:
    """Count the lifetimes of the alliances of one cell.

    Args:
        alliances: rows of one cell of the table ``alliances``: ``replicate``, ``duration`` (months worked together) and
            ``cause`` (one of ``sim.dynamics.state.CAUSES_OF_ENDING``).

    Raises:
        ValueError: when there is no alliance.
    """
    check_table(alliances, "alliances", ("replicate", "duration", "cause"))
    if alliances.empty:
        raise ValueError("there is no alliance whose lifetime could be counted")
    months = alliances["duration"].to_numpy(dtype=np.int64)
    causes = pd.Categorical(alliances["cause"].astype(str), categories=list(CAUSES_OF_ENDING)).codes
    numbers, rows = np.unique(alliances["replicate"].to_numpy(dtype=np.int64), return_inverse=True)
    counts = np.zeros((len(numbers), len(CAUSES_OF_ENDING), int(months.max()) + 1))
    np.add.at(counts, (rows, causes, months), 1.0)
    return Lifetimes(numbers, counts[:, 1:], counts[:, 0])


# ---------------------------------------------------------------------------------------------------------------
# Curves
# ---------------------------------------------------------------------------------------------------------------
def curves(ended: Floats, at_risk: Floats) -> tuple[Floats, Floats]:
    """Kaplan–Meier survival and Aalen–Johansen incidence, for any number of samples at once.

    S(t) = Π(1 − d/n) over the months up to t, doi:10.1080/01621459.1958.10501452; the incidence of a cause is
    Σ S(t − 1)·d_cause/n. An alliance censored in a month was at risk in it.

    Args:
        ended: endings by cause and month, (…, K, M + 1).
        at_risk: alliances at risk in each month, (…, M + 1).

    Returns:
        Share going on, (…, M + 1), and share ended so far by each cause, (…, K, M + 1); they add up to 1. Beyond the
        last alliance seen, the last value holds.
    """
    risk = np.broadcast_to(at_risk[..., None, :], ended.shape)
    hazard = np.divide(ended, risk, out=np.zeros_like(ended), where=risk > 0)
    going_on = np.cumprod(1.0 - hazard.sum(axis=-2), axis=-1)
    before = np.concatenate([np.ones((*going_on.shape[:-1], 1)), going_on[..., :-1]], axis=-1)
    return going_on, np.cumsum(before[..., None, :] * hazard, axis=-1)


def curve_table(found: Lifetimes, seed: int = 1) -> pd.DataFrame:
    """Survival and incidence of a cell, month by month, with 95% bands.

    Returns:
        Columns ``month``, ``at_risk``, ``going_on``; ``greenwood_low`` and ``greenwood_high``, for which alliances are
        independent; ``low`` and ``high``, from replicates drawn anew, NaN with fewer than
        :data:`sim.intervals.FEWEST_RESAMPLED`; and for each cause its incidence with the same band, ``distrust``,
        ``distrust_low``, ``distrust_high`` ….
    """
    risk, replicates = found.at_risk(), len(found.replicates)
    going_on, incidence = curves(found.ended.sum(axis=0), risk.sum(axis=0))
    weights = _weights(replicates, seed)
    drawn_on, drawn_by = curves(np.tensordot(weights, found.ended, 1), weights @ risk)
    low, high = falling(*resampled(drawn_on, replicates, SHARE))
    greenwood_low, greenwood_high = log_log(going_on, found.ended.sum(axis=(0, 1)), risk.sum(axis=0))
    table = pd.DataFrame(
        {
            "month": np.arange(len(going_on)),
            "at_risk": risk.sum(axis=0).astype(np.int64),
            "going_on": going_on,
            "greenwood_low": greenwood_low,
            "greenwood_high": greenwood_high,
            "low": low,
            "high": high,
        }
    )
    low, high = rising(*resampled(drawn_by, replicates, SHARE))
    for k, name in enumerate(ENDINGS):
        table[name], table[f"{name}_low"], table[f"{name}_high"] = incidence[k], low[k], high[k]
    return table


def _weights(replicates: int, seed: int) -> Floats:
    """How often each replicate is in each resample, (RESAMPLES, R)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(replicates, np.full(replicates, 1.0 / replicates), RESAMPLES).astype(np.float64)


def _censored_data(found: Lifetimes) -> CensoredData:
    """The lifetimes as SciPy takes them, one number an alliance."""
    from scipy.stats import CensoredData

    months = np.arange(found.censored.shape[1], dtype=np.float64)
    return CensoredData(
        uncensored=np.repeat(months, found.ended.sum(axis=(0, 1)).astype(np.int64)),
        right=np.repeat(months, found.censored.sum(axis=0).astype(np.int64)),
    )


# ---------------------------------------------------------------------------------------------------------------
# Comparing cells
# ---------------------------------------------------------------------------------------------------------------
def restricted_lifetimes(found: Lifetimes, months: int) -> Floats:
    """Mean lifetime of the alliances of each replicate up to a month, (R,): Σ S(t) for t from 0 to ``months`` − 1.

    Royston & Parmar (2013), doi:10.1186/1471-2288-13-152. Needs no proportional hazards. Where the last alliance of a
    replicate was censored before ``months``, its survival is held at its last value.
    """
    going_on, _ = curves(found.ended, found.at_risk())
    missing = max(0, months - going_on.shape[1])
    padded = np.pad(going_on, ((0, 0), (0, missing)), mode="edge")
    return np.asarray(padded[:, :months].sum(axis=1))


def common_horizon(cells: Sequence[Lifetimes]) -> int:
    """The month up to which all cells can be compared: the shortest time at which one of them is censored last.

    A cell whose alliances have all ended is known for good.
    """
    censored = [int(np.flatnonzero(cell.censored.sum(axis=0))[-1]) for cell in cells if cell.censored.any()]
    return max(1, min(censored) if censored else max(cell.last for cell in cells))


def sign_flip_test(differences: Floats, seed: int = 1) -> float:
    """Two-sided p that paired differences are as likely to be of either sign, from flipping the sign of each.

    Exact with few pairs, else from :data:`SHUFFLES` random flips. NaN without a pair. It cannot fall below 2/2ⁿ.
    """
    from scipy.stats import permutation_test

    if len(differences) == 0:
        return math.nan
    if len(differences) == 1 or not differences.any():
        return 1.0
    found = permutation_test(
        (differences, np.zeros_like(differences)),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=SHUFFLES,
        batch=100,  # flips in memory at a time
        rng=seed,
    )
    return float(found.pvalue)


def log_rank(other: Lifetimes, reference: Lifetimes) -> tuple[float, float]:
    """Statistic z (positive when ``other`` ends sooner) and p of the log-rank test, alliances taken as independent.

    Mantel (1966); ``scipy.stats.logrank``. NaN where nothing tells: no alliance ended, or all of them in one month.
    """
    from scipy.stats import logrank

    if not (other.ended.any() or reference.ended.any()):
        return math.nan, math.nan
    with np.errstate(invalid="ignore"):  # 0/0 without variance
        found = logrank(_censored_data(other), _censored_data(reference))
    return float(found.statistic), float(found.pvalue)


def compare(cells: Mapping[int, Lifetimes], labels: Mapping[int, str], seed: int = 1) -> pd.DataFrame:
    """Each cell against the first one: restricted mean lifetimes in pairs of replicates, and the log-rank test.

    Args:
        cells: lifetimes by the cell's number, the reference first.
        labels: of the cells.
        seed: of the test's random flips.

    Returns:
        Columns :data:`COMPARED`, one row for each other cell.
    """
    (first, reference), *others = cells.items()
    months = common_horizon(list(cells.values()))
    known = pd.Series(restricted_lifetimes(reference, months), index=reference.replicates)
    rows = []
    for number, found in others:
        pair = pd.DataFrame({"x": known, "y": pd.Series(restricted_lifetimes(found, months), index=found.replicates)})
        pair = pair.dropna()
        difference = mean_of(pair["y"] - pair["x"], (-float(months), float(months)))
        p = sign_flip_test((pair["y"] - pair["x"]).to_numpy(), seed)
        means = (float(pair["x"].mean()), float(pair["y"].mean()))
        rows.append(
            (
                number, labels[number], labels[first], months, *means, *astuple(difference), p,
                *log_rank(found, reference),
            )
        )  # fmt: skip
    return pd.DataFrame(rows, columns=COMPARED)


# ---------------------------------------------------------------------------------------------------------------
# The answer
# ---------------------------------------------------------------------------------------------------------------
def survival(alliances: pd.DataFrame, cells: pd.DataFrame, seed: int = 1) -> Answer:
    """How long the alliances of some cells last, what ends them, and whether cells differ from the first.

    Args:
        alliances: table ``alliances`` of a result folder.
        cells: rows of its table ``cells``, the reference first.
        seed: of resampling and test.

    Returns:
        Table: that of :func:`curve_table` for each cell, with ``cell`` and ``label``. More: ``comparison``
        (:data:`COMPARED`), when there are at least two cells.

    Raises:
        ValueError: when a cell has no alliances.
    """
    check_table(alliances, "alliances", ("cell", "replicate", "duration", "cause"))
    check_table(cells, "cells", ("cell", "label"))
    names = dict(zip(cells["cell"], short_labels([str(label) for label in cells["label"]]), strict=True))
    empty = sorted(set(names) - set(alliances["cell"]))
    if empty:
        raise ValueError(f"cell {empty[0]} has no alliance whose lifetime could be counted: leave it out")
    found = {number: lifetimes(alliances[alliances["cell"] == number]) for number in names}
    tables = {number: curve_table(of_cell, seed) for number, of_cell in found.items()}
    for number, of_cell in tables.items():
        of_cell.insert(0, "cell", number)
        of_cell.insert(1, "label", names[number])
    table = pd.concat(tables.values(), ignore_index=True)
    compared = compare(found, names, seed)
    first = next(iter(names))
    if compared.empty:
        said = [_alone_sentence(names[first], tables[first])]
    else:
        said = [_compared_sentence(row, tables[first], tables[row["cell"]]) for row in compared.to_dict("records")]
    more = {} if compared.empty else {"comparison": compared}
    return Answer(table, lambda: survival_curves(table, cells, ENDINGS), " ".join(said), more)


def _alone_sentence(name: str, table: pd.DataFrame) -> str:
    last = table.iloc[-1]
    causes = ", ".join(f"{cause} {percent(last[cause])}" for cause in ENDINGS if last[cause] > 0)
    return whole_sentence(
        f"{name}: {_share(last, 'going_on')} of the alliances last beyond month {last['month']}; "
        + (f"ended by {causes}" if causes else "none ended")
    )


def _share(row: pd.Series, name: str) -> str:
    """A share with its band: "28.4% (24.1 to 33.0)"; alone where there is no band."""
    low, high = (row["low"], row["high"]) if name == "going_on" else (row[f"{name}_low"], row[f"{name}_high"])
    if math.isnan(low):
        return percent(row[name])
    return shown(Interval(float(row[name]), float(low), float(high), method=PERCENTILE).times(100.0), "%")


def _compared_sentence(row: Mapping[str, float | str], reference: pd.DataFrame, other: pd.DataFrame) -> str:
    """How much longer or shorter alliances last, by both tests, and the cause that tells the cells apart most."""
    who, base, months = str(row["label"]), str(row["reference"]), row["months"]
    ends = [table[table["month"] <= months].iloc[-1] for table in (reference, other)]
    within = "within a month" if months == 1 else f"within {months} months"
    if row["replicates"] == 0:
        return whole_sentence(f"{who}: cannot be compared with {base}, no replicate has alliances in both")
    if all(end["going_on"] == 1.0 for end in ends):
        return whole_sentence(f"{who}: as in {base}, no alliance ends {within}")
    return whole_sentence(f"{who}: {within} {_lifetime_words(row, base)}{_apart_words(*ends)}")


def _lifetime_words(row: Mapping[str, float | str], base: str) -> str:
    """The difference in mean lifetimes; one whose interval holds zero is not distinguishable."""
    found = Interval.of({**row, "n": row["replicates"]}, "difference")
    digits, difference = digits_of(found), found.estimate
    low, high = signed(found.low, digits), signed(found.high, digits)
    pairs = f"{row['replicates']} paired replicates"
    tests = (
        f"sign-flip test over {pairs} {p_words(float(row['p_replicates']))}; log-rank "
        f"test, which takes alliances as independent, {p_words(float(row['p_log_rank']))}"
    )
    if difference == 0.0 and found.n == 1:
        return f"the mean lifetime is the same as in {base} (one paired replicate: no interval)"
    if difference == 0.0 and found.alike:
        return f"the mean lifetime is the same as in {base} in each of {pairs} (95% interval {low} to {high} months)"
    if found.low <= 0.0 <= found.high:
        return (
            f"the mean lifetime is not distinguishable from {base} (difference {signed(difference, digits)} months, "
            f"95% interval {low} to {high}; {tests})"
        )
    way, sure = "shorter" if difference < 0 else "longer", "one paired replicate: no interval"
    if found.known:
        near, far = (written(end, digits) for end in sorted((abs(found.low), abs(found.high))))
        sure = f"95% interval {near} to {far} {way}; {tests}"
    lives = (written(float(row[name]), digits) for name in ("lifetime", "reference_lifetime"))
    return (
        f"alliances last {written(abs(difference), digits)} months {way} than in {base} "
        f"({' against '.join(lives)}; {sure})"
    )


def _apart_words(reference: pd.Series, other: pd.Series) -> str:
    """The cause of ending by whose share two cells differ most; nothing when it reads alike."""
    cause = max(ENDINGS, key=lambda cause: abs(other[cause] - reference[cause]))
    if percent(other[cause]) == percent(reference[cause]):
        return ""
    return f"; most apart in endings by {cause}: {_share(other, cause)} against {_share(reference, cause)}"


def p_words(p: float) -> str:
    """A p value as it is written: "p = 0.03", "p < 0.001", "not defined"."""
    if math.isnan(p):
        return "not defined"
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
