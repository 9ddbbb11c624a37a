"""Simulate: a scenario, a seed and replicates become arrays and tables.

``simulate`` runs many replicates and keeps what a sweep needs; ``simulate_history`` runs one and keeps every month.
Both call the same compiled month, so the history of a replicate is, bit for bit, the run that the sweep counted.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.distributions import Constant, Distribution
from sim.dynamics import draws, kernel
from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import (
    ADD_TRAIT,
    ALLIANCE,
    BINS,
    BREACH,
    CAUSES,
    CAUSES_OF_ENDING,
    CRASH,
    EVENT,
    FIRST_TRAIT,
    FIRST_WISHED,
    KEY_PERSON_LEAVES,
    LAYERS,
    LEAVERS,
    N_CAUSES,
    NOBODY,
    ORGANIZATION,
    SET_TRAIT,
    TRAIT_NUMBER,
    VARIABLES,
    histogram_range,
)
from sim.intervals import error_of_weighted_mean, standard_error
from sim.parameters import DIMENSIONS, SCALAR_TRAITS, VECTOR_TRAITS, Traits, meta
from sim.scenario import Event, Scenario

Records = Any
"""A NumPy record array."""
Floats = NDArray[np.float64]
LEDGER = (2, len(LAYERS), N_CAUSES)
"""Shape of one alliance's ledger: side, layer, cause."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


# ---------------------------------------------------------------------------------------------------------------
# Building the start
# ---------------------------------------------------------------------------------------------------------------
def build_organizations(scenario: Scenario, seed: int, replicates: NDArray[np.int64]) -> Records:
    """Organizations of each replicate: records (R, N), traits drawn from the scenario's groups."""
    orgs = np.zeros((len(replicates), scenario.organizations), ORGANIZATION).view(np.recarray)
    orgs.key[:] = np.arange(scenario.organizations)
    orgs.ally[:] = NOBODY
    orgs.past[:] = NOBODY
    orgs.refused[:] = NOBODY
    orgs.reputation[:] = 0.5
    for g, group in enumerate(scenario.groups):
        rows = scenario.rows(group.name)
        mine = slice(rows.start, rows.stop)
        keys = np.ascontiguousarray(orgs.key[:, mine])
        orgs["group"][:, mine] = g
        for number, name in enumerate(Traits.model_fields):
            spread = getattr(group.traits, name)
            orgs[name][:, mine] = draw_trait(spread, number, keys, seed, replicates)
    orgs.operationalization_start[:] = orgs.operationalization
    columns, count = float_view(orgs), len(SCALAR_TRAITS)
    columns[..., FIRST_WISHED : FIRST_WISHED + count] = columns[..., FIRST_TRAIT : FIRST_TRAIT + count]
    return orgs


def draw_trait(
    spread: Distribution, number: int, keys: NDArray[np.int64], seed: int, replicates: NDArray[np.int64]
) -> Floats:
    """A trait of the organizations with these keys (R, n): float64 (R, n), or (R, n, dimensions) for values."""
    name, declared = list(Traits.model_fields.items())[number]
    if isinstance(spread, Constant) and name not in VECTOR_TRAITS:  # no matter what is drawn
        return np.full(keys.shape, spread.value)
    width = len(DIMENSIONS) if name in VECTOR_TRAITS else 1
    values, selects = np.empty((2, *keys.shape, width))
    for d in range(width):
        plane, chosen = np.empty((2, *keys.shape))
        draws.fill_pairs(seed, replicates, draws.TRAITS + 64 * number + d, keys, plane, chosen)
        values[..., d] = plane
        selects[..., d] = chosen if d == 0 else selects[..., 0]  # one kind of organization, not one a dimension
    about = meta(declared)
    drawn = np.clip(spread.draw(selects, values), about["low"], about["high"])
    return np.asarray(drawn if name in VECTOR_TRAITS else drawn[..., 0])


def circle(size: int, partners: int) -> list[tuple[int, int]]:
    """Pairs of places on a circle that give each of ``size`` places ``partners`` neighbours."""
    pairs = [(i, (i + step) % size) for step in range(1, partners // 2 + 1) for i in range(size)]
    if partners % 2:
        pairs += [(i, i + size // 2) for i in range(size // 2)]
    return pairs


def build_pairs(scenario: Scenario, seed: int, replicates: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of the partners of each alliance, (R, M, 2), smaller key first.

    Everyone with k partners: the organizations stand on a circle in a random order, each allied with its neighbours.
    """
    network, shape = scenario.network, (len(replicates), scenario.organizations)
    if network.pairs or not network.partners:
        return np.tile(np.array(network.pairs, dtype=np.int64).reshape(-1, 2), (len(replicates), 1, 1))
    keys = np.ascontiguousarray(np.broadcast_to(np.arange(shape[1]), shape))
    place, spare = np.empty((2, *shape))
    draws.fill_pairs(seed, replicates, draws.ORDER, keys, place, spare)
    blocks = [range(shape[1])] if network.mixing == "any" else [scenario.rows(group.name) for group in scenario.groups]
    orders = [np.argsort(place[:, b.start : b.stop], axis=1, kind="stable") + b.start for b in blocks]
    if network.mixing == "between":
        left, right = orders
        size = left.shape[1]
        chosen = [(i, (i + step) % size) for step in range(network.partners) for i in range(size)]
        pairs = np.stack([left[:, [i for i, _ in chosen]], right[:, [j for _, j in chosen]]], axis=-1)
    else:
        circles = [np.array(circle(order.shape[1], network.partners)) for order in orders]
        pairs = np.concatenate([order[:, places] for order, places in zip(orders, circles, strict=True)], axis=1)
    pairs = np.sort(pairs, axis=-1)
    near = np.argsort(pairs[..., 0], axis=1, kind="stable")  # one's alliances lie together: far fewer cache misses
    return np.ascontiguousarray(np.take_along_axis(pairs, near[..., None], axis=1), dtype=np.int64)


def build_alliances(scenario: Scenario, seed: int, replicates: NDArray[np.int64], orgs: Records) -> Records:
    """Alliances of each replicate on the day of signature: records (R, M)."""
    pairs = build_pairs(scenario, seed, replicates)
    alliances = np.zeros(pairs.shape[:2], ALLIANCE).view(np.recarray)
    alliances.org[:] = pairs
    kernel.sign_many(scenario.parameters.record(), orgs, alliances, seed, replicates)
    return alliances


def build_events(scenario: Scenario) -> Records:
    """The scenario's enabled events as the kernel's records (``state.EVENT``), in the order of the file."""
    rows: list[tuple[int, int, int, int, float]] = []
    for event in scenario.events:
        if event.enabled:
            rows += _event_rows(event, scenario)
    return np.array(rows, dtype=EVENT).view(np.recarray)


def _event_rows(event: Event, scenario: Scenario) -> list[tuple[int, int, int, int, float]]:
    numbers = event.numbers
    if event.kind == "crash":
        return [(event.month, CRASH, 0, 0, numbers["depth"])]
    rows: list[tuple[int, int, int, int, float]] = []
    for org in scenario.rows(event.who):
        if event.kind == "breach":
            rows.append((event.month, BREACH, org, 0, numbers["severity"]))
        elif event.kind == "turnover":
            rows.append((event.month, KEY_PERSON_LEAVES, org, 0, 1.0))
        elif event.kind == "change":
            code = SET_TRAIT if "to" in numbers else ADD_TRAIT
            rows.append((event.month, code, org, TRAIT_NUMBER[event.trait], numbers.get("to", numbers.get("by", 0.0))))
        else:  # a programme or sessions: add now, take away again when they stop
            trait, amount = (
                ("relational_investment", numbers["investment"])
                if event.kind == "programme"
                else ("session_effort", numbers["effort"])
            )
            number = TRAIT_NUMBER[trait]
            rows.append((event.month, ADD_TRAIT, org, number, amount))
            rows.append((event.month + int(numbers["months"]), ADD_TRAIT, org, number, -amount))
    return rows


def float_view(orgs: Records) -> Floats:
    """The organizations' memory as float64, one column for each eight bytes: how events name traits."""
    return orgs.view(np.ndarray).view(np.float64).reshape(*orgs.shape, ORGANIZATION.itemsize // 8)


# ---------------------------------------------------------------------------------------------------------------
# Many runs
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Result:
    """Many replicates of one scenario. R replicates, M alliances, months counted from 0 (the signature)."""

    scenario: Scenario
    seed: int
    replicates: NDArray[np.int64]
    organizations: Records  # (R, N), at the end
    alliances: Records  # (R, M), at the end
    moments: Floats  # (R, months + 1, variables, 3): count, sum, sum of squares over alliances
    histogram: NDArray[np.int64]  # (months + 1, variables, bins), over alliances and replicates
    ledger: Floats  # (R, M, 2, layers, causes): totals over life, units of trust

    def runs(self) -> pd.DataFrame:
        """One row a replicate: the mean of every outcome over its alliances."""
        exists = self.alliances.exists == 1
        means = np.full((len(OUTCOMES), len(self.replicates)), np.nan)
        with np.errstate(invalid="ignore"):
            for number, outcome in enumerate(OUTCOMES.values()):
                kernel.mean_of_defined(outcome.formula(self.alliances), exists, means[number])
        return pd.DataFrame({"replicate": self.replicates, **dict(zip(OUTCOMES, means, strict=True))})

    def alliances_table(self) -> pd.DataFrame:
        """One row an alliance: partners (numbers from 1), when it was formed, how it ended, and every outcome."""
        a = self.alliances
        replicate, column = np.nonzero(a.exists)
        signed = a[replicate, column]
        table = {
            "replicate": self.replicates[replicate],
            "a": signed.org[:, 0] + 1,
            "b": signed.org[:, 1] + 1,
            "formed": signed.formed,
            "cause": pd.Categorical.from_codes(signed.cause, list(CAUSES_OF_ENDING)),
            "left_by": pd.Categorical.from_codes(signed.left_by, list(LEAVERS)),
            "ended": signed.ended,
        }
        with np.errstate(invalid="ignore"):
            for name, outcome in OUTCOMES.items():
                table[name] = np.asarray(outcome.formula(signed))
        return pd.DataFrame(table)

    def organizations_table(self) -> pd.DataFrame:
        """One row an organization: scalar traits at the end, reputation, interviews, its alliances and their value."""
        orgs, a = self.organizations, self.alliances
        exists = a.exists == 1
        table: dict[str, Any] = {
            "replicate": np.repeat(self.replicates, orgs.shape[1]),
            "organization": np.tile(np.arange(1, orgs.shape[1] + 1), len(orgs)),
            "group": pd.Categorical.from_codes(orgs.group.ravel(), [group.name for group in self.scenario.groups]),
        }
        for name in (*SCALAR_TRAITS, "reputation", "interviews", "questions", "accepted", "mistakes"):
            table[name] = orgs[name].ravel()
        held = {
            "alliances": np.ones(a.org.shape),
            "alive": np.broadcast_to(a.alive[..., None], a.org.shape),
            "alliance_months": np.broadcast_to(a.age[..., None], a.org.shape),
            "value": a.value,
        }
        for name, values in held.items():
            sums = np.zeros(orgs.shape)
            for r in range(len(orgs)):
                np.add.at(sums[r], a.org[r][exists[r]], values[r][exists[r]])
            table[name] = sums.ravel()
        return pd.DataFrame(table)

    def monthly(self) -> pd.DataFrame:
        """One row a month and variable: spread over alliances (mean, sd, quantiles), and the mean's standard error.

        ``mean``, ``sd`` and quantiles are over the living alliances of all replicates (``value``: over all alliances);
        quantiles are read off a histogram of 100 bins. ``se`` is the standard error of the mean from the spread of the
        replicates' means, so that it respects that alliances of one replicate share partners.
        """
        return monthly_table(self.moments, self.histogram)

    def survival(self) -> pd.DataFrame:
        """One row a month: share of alliances alive and share ended so far by each cause."""
        return survival_table(lifetimes(self.alliances, self.scenario.months))

    def ledger_table(self) -> pd.DataFrame:
        """One row a layer and cause: mean change of a partner's trust over the life of an alliance, and its se."""
        return ledger_table(self.ledger_means())

    def ledger_means(self) -> Floats:
        """Change of trust by layer and cause, mean over the alliances and sides of each replicate, (R, layers, causes).

        A replicate without alliances has NaN.
        """
        sums = self.ledger.sum(axis=(1, 2))  # of places that are not used, nothing
        sides = np.broadcast_to(2 * self.alliances.exists.sum(-1)[:, None, None], sums.shape)
        return np.divide(sums, sides, out=np.full(sums.shape, np.nan), where=sides > 0)


def monthly_table(moments: Floats, histogram: NDArray[np.int64]) -> pd.DataFrame:
    """See :meth:`Result.monthly`."""
    count, total, squares = moments.sum(0)[..., 0], moments.sum(0)[..., 1], moments.sum(0)[..., 2]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        variance = np.maximum(squares / count - mean**2, 0.0)
        per_run = moments[..., 1] / moments[..., 0]
        weight = moments[..., 0] / count
        residual = (weight * (per_run - mean)) ** 2
        runs = (moments[..., 0] > 0).sum(0)
    months, variables = mean.shape
    table = {
        "month": np.repeat(np.arange(months), variables),
        "variable": pd.Categorical.from_codes(np.tile(np.arange(variables), months), list(VARIABLES)),
        "alliances": count.ravel().astype(np.int64),
        "replicates": runs.ravel(),
        "mean": mean.ravel(),
        "sd": np.sqrt(variance).ravel(),
        "se": error_of_weighted_mean(np.nansum(residual, axis=0), runs).ravel(),
    }
    for q, values in zip(QUANTILES, histogram_quantiles(histogram), strict=True):
        table[f"q{round(100 * q):02d}"] = values.ravel()
    frame = pd.DataFrame(table)
    return frame[frame["alliances"] > 0].reset_index(drop=True)


def histogram_quantiles(histogram: NDArray[np.int64]) -> Iterator[Floats]:
    """The QUANTILES of each (month, variable), by linear interpolation within a bin; error at most one bin."""
    cumulative = np.cumsum(histogram, axis=-1)
    lows, highs = histogram_range(len(histogram) - 1)
    for q in QUANTILES:
        target = q * cumulative[..., -1:]
        bin_ = np.minimum((cumulative < target).sum(-1), BINS - 1)
        inside = np.take_along_axis(histogram, bin_[..., None], -1)[..., 0]
        below = np.take_along_axis(cumulative, bin_[..., None], -1)[..., 0] - inside
        fraction = np.divide(target[..., 0] - below, inside, out=np.zeros(bin_.shape), where=inside > 0)
        yield np.asarray(lows + (highs - lows) * (bin_ + fraction) / BINS)


def lifetimes(alliances: Records, months: int) -> pd.DataFrame:
    """One row a month of age: how many alliances ended at it by each cause, and how many were that old at the horizon.

    Counts of several runs add up; :func:`survival_table` makes shares of them.

    Args:
        alliances: records of any shape with the fields ``exists``, ``cause``, ``formed`` and ``ended``.
        months: the horizon.

    Returns:
        int64 columns: the causes of ending, then ``going on``; index the age, 0 to ``months``.
    """
    signed = np.ravel(alliances.exists) == 1
    cause, formed, ended = (np.ravel(alliances[name])[signed] for name in ("cause", "formed", "ended"))
    begun = np.maximum(formed - 1, 0)  # signed at the start of month ``formed``, or before the first month
    lived = np.where(cause > 0, ended, months) - begun
    counts = {name: np.bincount(lived[cause == c], minlength=months + 1) for c, name in enumerate(CAUSES_OF_ENDING)}
    return pd.DataFrame({name: counts[name] for name in (*CAUSES_OF_ENDING[1:], CAUSES_OF_ENDING[0])})


def survival_table(counts: pd.DataFrame) -> pd.DataFrame:
    """One row a month of age: share of alliances still going on, and ended so far by each cause.

    Alliances that are younger than the horizon at its end are censored: shares are Aalen–Johansen estimates; without
    censoring these are plain shares.

    Args:
        counts: as :func:`lifetimes` gives them, or a sum of such tables.
    """
    ends = counts[list(CAUSES_OF_ENDING[1:])].to_numpy()
    leaving = counts.to_numpy().sum(axis=1)
    at_risk = (leaving.sum() - np.concatenate([[0], np.cumsum(leaving)[:-1]]))[:, None]
    hazards = np.divide(ends, at_risk, out=np.zeros(ends.shape), where=at_risk > 0)
    going_on = np.cumprod(1.0 - hazards.sum(axis=1))
    before = np.concatenate([[1.0], going_on[:-1]])
    ended = np.cumsum(hazards * before[:, None], axis=0)
    table: dict[str, Any] = {"month": np.arange(len(counts))}
    table |= dict(zip(CAUSES_OF_ENDING[1:], ended.T, strict=True))
    table[CAUSES_OF_ENDING[0]] = going_on
    return pd.DataFrame(table)


def run_ledger_table(replicates: NDArray[np.int64], ledger: Floats) -> pd.DataFrame:
    """One row a replicate: change of effective trust by each cause over life, mean over alliances and sides.

    Args:
        replicates: int64 (R,).
        ledger: float64 (R, layers, causes), means over alliances and sides.

    Returns:
        Columns ``replicate``, the causes and ``change``, their sum; units of trust.
    """
    effective = ledger[:, LAYERS.index("effective")]
    return pd.DataFrame(
        {"replicate": replicates, **dict(zip(CAUSES, effective.T, strict=True)), "change": effective.sum(axis=1)}
    )


def ledger_table(per_run: Floats) -> pd.DataFrame:
    """See :meth:`Result.ledger_table`; ``per_run`` is float64 (R, layers, causes), NaN where there is no alliance."""
    per_run = per_run[~np.isnan(per_run).any(axis=(1, 2))]
    runs = len(per_run)
    none = np.full(per_run.shape[1:], np.nan)
    se = standard_error(((per_run - per_run.mean(0)) ** 2).sum(0), runs) if runs else none
    return pd.DataFrame(
        {
            "layer": np.repeat(LAYERS, N_CAUSES),
            "cause": np.tile(CAUSES, len(LAYERS)),
            "mean": (per_run.mean(0) if runs else none).ravel(),
            "se": se.ravel(),
        }
    )


def simulate(scenario: Scenario, replicates: int | Iterable[int] = 100, seed: int = 1) -> Result:
    """Run many replicates of a scenario.

    Args:
        scenario: what to run.
        replicates: how many, numbered from 0, or which ones. A replicate does not depend on the others.
        seed: integer in [0, 2**63). Scenarios run with the same seed share every draw that both make.

    Raises:
        TypeError, ValueError: when the seed or a replicate is no integer or out of range.
    """
    seed, which = _key(seed, replicates if isinstance(replicates, Iterable) else range(replicates))
    orgs = build_organizations(scenario, seed, which)
    alliances = build_alliances(scenario, seed, which, orgs)
    shape = (len(which), scenario.months + 1, len(VARIABLES))
    moments = np.zeros((*shape, 3))
    histogram = np.zeros((*shape[1:], BINS), dtype=np.int64)
    if scenario.network.market:
        alliances, ledger = _run_markets(scenario, seed, which, orgs, alliances, moments, histogram)
        return Result(scenario, seed, which, orgs, alliances, moments, histogram, ledger)
    ledger = np.zeros((*alliances.shape, *LEDGER))
    kernel.run_many(
        scenario.parameters.record(), orgs, float_view(orgs), alliances, build_events(scenario), seed, which,
        scenario.months, moments, histogram, ledger, *_scratch(scenario),
    )  # fmt: skip
    return Result(scenario, seed, which, orgs, alliances, moments, histogram, ledger)


def _key(seed: int, replicates: Iterable[int]) -> tuple[int, NDArray[np.int64]]:
    """Seed and replicates as the draws are keyed by them; see :func:`simulate` for what is refused."""
    which = [operator.index(replicate) for replicate in replicates]
    if not which or min(which) < 0 or max(which) >= 2**32:
        raise ValueError("replicates: at least one, each an integer from 0 to 2**32 - 1")
    return draws.check_seed(operator.index(seed)), np.array(which, dtype=np.int64)


def _scratch(scenario: Scenario) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Room for the kernel to work in: a month's ledger, rates of change, six numbers an organization."""
    places = scenario.organizations if scenario.network.market else 0
    return np.zeros(LEDGER), np.zeros(N_CAUSES), np.zeros((6, places), dtype=np.int64)


def _more(rows: Records, count: int) -> Records:
    """A copy of the first rows with ``count`` rows in all, the new ones empty."""
    grown = np.zeros((count, *rows.shape[1:]), rows.dtype)
    grown[: len(rows)] = rows
    return grown.view(type(rows))


def _run_markets(
    scenario: Scenario, seed: int, which: NDArray[np.int64], orgs: Records, alliances: Records, moments: Floats,
    histogram: NDArray[np.int64],
) -> tuple[Records, Floats]:  # fmt: skip
    """Runs with a market: the number of alliances is not known beforehand. Returns padded alliances and ledgers."""
    done: list[tuple[Records, Floats]] = []
    parameters, events, scratch = scenario.parameters.record(), build_events(scenario), _scratch(scenario)
    for r, replicate in enumerate(which):
        count, month, market = alliances.shape[1], 0, 1.0
        for k in range(count):
            kernel.engage(orgs[r], alliances[r, k])
        rows, ledger = alliances[r], np.zeros((count, *LEDGER))
        while month < scenario.months:
            room = count + count // 2 + 2 * scenario.organizations  # what is not used takes no memory
            rows, ledger = _more(rows, room), _more(ledger, room)
            month, count, market = kernel.run(
                parameters, orgs[r], float_view(orgs[r]), rows, count, True, events, market, seed, replicate,
                month + 1, scenario.months, moments[r], histogram, ledger, *scratch,
            )  # fmt: skip
        done.append((rows[:count], ledger[:count]))
    most = max(len(rows) for rows, _ in done)
    padded = np.stack([_more(rows, most) for rows, _ in done]).view(np.recarray)
    return padded, np.stack([_more(ledger, most) for _, ledger in done])


# ---------------------------------------------------------------------------------------------------------------
# One run, month by month
# ---------------------------------------------------------------------------------------------------------------
class LiveRun:
    """One replicate that is stepped by hand. The Mesa view and :func:`simulate_history` are built on it.

    Attributes:
        organizations: records (N,); ``alliances``: records (M,). Both are live: the next month uses what you set.
        month_ledger: float64 (M, 2, layers, causes), entries of the newest month; ``ledger``: their total so far.
        month: months done; ``market``: level of the market, 1 in normal times.

    Raises:
        TypeError, ValueError: when the seed or the replicate is no integer or out of range.
    """

    def __init__(self, scenario: Scenario, seed: int = 1, replicate: int = 0) -> None:
        self.seed, which = _key(seed, [replicate])
        self.scenario, self.replicate = scenario, int(which[0])
        organizations = build_organizations(scenario, self.seed, which)
        self.alliances = build_alliances(scenario, self.seed, which, organizations)[0]
        self.organizations = organizations[0]
        self.events = build_events(scenario)
        self.parameters = scenario.parameters.record()
        self.ledger = np.zeros((len(self.alliances), *LEDGER))
        self.month_ledger = np.zeros_like(self.ledger)
        self.month = 0
        self.market = 1.0
        self._scratch = _scratch(scenario)
        if scenario.network.market:
            for alliance in self.alliances:
                kernel.engage(self.organizations, alliance)

    def step(self) -> None:
        """One month for everybody. In a market the arrays of alliances are longer when new ones have been signed."""
        self.month += 1
        count = len(self.alliances)
        searching = self.scenario.network.market
        rows, entered = self.alliances, np.zeros_like(self.ledger)
        rows.practice[rows.alive == 1] = -1.0  # somebody may have set values by hand: distances are computed anew
        if searching:
            room = count + int(kernel.room_needed(self.organizations, self.events, self.month))
            rows, entered = _more(rows, room), _more(entered, room)
        self.market, count = kernel.month_of_all(
            self.parameters, self.organizations, float_view(self.organizations), rows, count, searching, self.events,
            self.market, self.seed, self.replicate, self.month, entered, *self._scratch,
        )  # fmt: skip
        if searching:
            self.alliances = rows[:count]
            self.ledger = _more(self.ledger, count)
        self.month_ledger = entered[:count]
        self.ledger += self.month_ledger


@dataclass(frozen=True)
class History:
    """Every month of one replicate. Month 0 is the signature."""

    scenario: Scenario
    seed: int
    replicate: int
    organizations: Records  # (months + 1, N)
    alliances: Records  # (months + 1, M); in a market, those not signed yet are empty
    ledger: Floats  # (months, M, 2, layers, causes): entries of each month, units of trust
    market: Floats  # (months + 1,)

    def table(self) -> pd.DataFrame:
        """One row a month and alliance (alliances from 1): state, mean of both sides, while it lives."""
        months, count = self.alliances.shape
        a = self.alliances
        both = {
            "trust": a.effective, "organizational_trust": a.trust, "personal_trust": a.personal,
            "frustration": a.frustration, "monitoring": a.monitoring, "extra_mile": a.effort,
            "expectation": a.expectation, "result": a.net,
        }  # fmt: skip
        shared = ("communication", "ties", "gap", "chemistry", "goodwill", "contingency")
        table: dict[str, Any] = {
            "month": np.repeat(np.arange(months), count),
            "alliance": np.tile(np.arange(1, count + 1), months),
            "alive": a.alive.ravel().astype(bool),
        }
        table |= {name: values.mean(-1).ravel() for name, values in both.items()}
        table |= {name: np.array(a[name]).ravel() for name in shared}
        table["value"] = a.value.sum(-1).ravel()
        table["market"] = np.repeat(self.market, count)
        frame = pd.DataFrame(table)
        last = np.tile(np.where(a.ended[-1] > 0, a.ended[-1], -1), months)
        lived = frame["alive"] | (frame["month"] == last)
        return frame[lived].reset_index(drop=True)

    def ledger_table(self, layer: str = "effective") -> pd.DataFrame:
        """One row a month, alliance (from 1), side ("a" or "b") and cause with an entry that is not zero."""
        entries = self.ledger[:, :, :, LAYERS.index(layer)]
        month, alliance, side, cause = np.nonzero(entries)
        return pd.DataFrame(
            {
                "month": month + 1,
                "alliance": alliance + 1,
                "side": np.array(["a", "b"])[side],
                "cause": np.array(CAUSES)[cause],
                "change": entries[month, alliance, side, cause],
            }
        )


def simulate_history(scenario: Scenario, seed: int = 1, replicate: int = 0) -> History:
    """Run one replicate and keep every month: the same run, bit for bit, as replicate ``replicate`` of ``simulate``."""
    return record(LiveRun(scenario, seed, replicate))


def record(live: LiveRun, step: Callable[[LiveRun], None] = LiveRun.step) -> History:
    """Run to the horizon and keep every month.

    Args:
        live: a run at its start.
        step: the next month; one that calls ``LiveRun.step`` and sets values before or after it tells another history.
    """
    months = live.scenario.months
    organizations = np.empty((months + 1, len(live.organizations)), ORGANIZATION).view(np.recarray)
    alliances, ledgers = [live.alliances.copy()], []
    market = np.ones(months + 1)
    organizations[0] = live.organizations
    for month in range(1, months + 1):
        step(live)
        organizations[month], market[month] = live.organizations, live.market
        alliances.append(live.alliances.copy())
        ledgers.append(live.month_ledger)
    count = len(live.alliances)
    rows = np.stack([_more(of_month, count) for of_month in alliances]).view(np.recarray)
    ledger = np.stack([_more(of_month, count) for of_month in ledgers])
    return History(live.scenario, live.seed, live.replicate, organizations, rows, ledger, market)
