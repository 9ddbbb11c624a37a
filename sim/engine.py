"""Simulate: a scenario, a seed and replicates become arrays and tables.

``simulate`` runs many replicates and keeps what a sweep needs; ``simulate_history`` runs one and keeps every month.
Both call the same compiled month, so the history of a replicate is, bit for bit, the run that the sweep counted.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic.fields import FieldInfo

import sim
from sim import loaded
from sim.distributions import Constant, Distribution, expect, shown
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
from sim.parameters import DIMENSIONS, SCALAR_TRAITS, VECTOR_TRAITS, Parameters, Traits, meta
from sim.scenario import Event, Scenario, place
from sim.sides import sides_table

Records = Any
"""A NumPy record array."""
Floats = NDArray[np.float64]
LEDGER = (2, len(LAYERS), N_CAUSES)
"""Shape of one alliance's ledger: side, layer, cause."""
A_SCENARIO = 'scenario: a Scenario, which sim.scenario.load("baseline") or load("scenarios/mine.toml") reads'
"""What is said when something else is given."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
QUANTILE_NAMES = tuple(f"q{round(100 * q):02d}" for q in QUANTILES)


# ---------------------------------------------------------------------------------------------------------------
# Building the start
# ---------------------------------------------------------------------------------------------------------------
def build_organizations(scenario: Scenario, seed: int, replicates: NDArray[np.int64]) -> Records:
    """Organizations of each replicate: records (R, N), traits drawn from the scenario's groups.

    Raises:
        TypeError: when the scenario is none.
    """
    expect(scenario, Scenario, A_SCENARIO)
    scenario.check_rules()
    alike = np.zeros(scenario.organizations, ORGANIZATION)  # what is the same in every replicate
    alike["key"] = np.arange(scenario.organizations)
    for name in ("ally", "past", "refused"):
        alike[name] = NOBODY
    alike["reputation"] = 0.5
    drawn: list[tuple[slice, int, str, Distribution]] = []
    for g, group in enumerate(scenario.groups):
        rows = scenario.rows(group.name)
        mine = slice(rows.start, rows.stop)
        alike["group"][mine] = g
        for number, name in enumerate(Traits.model_fields):
            spread = getattr(group.traits, name)
            if isinstance(spread, Constant) and name not in VECTOR_TRAITS:  # no matter what is drawn
                alike[name][mine] = spread.value
            else:
                drawn.append((mine, number, name, spread))
    orgs = np.empty((len(replicates), scenario.organizations), ORGANIZATION)
    orgs[:] = alike
    for mine, number, name, spread in drawn:
        keys = np.ascontiguousarray(orgs["key"][:, mine])
        orgs[name][:, mine] = draw_trait(spread, number, keys, seed, replicates)
    _begin(orgs)
    return orgs.view(np.recarray)


def _begin(orgs: Any) -> None:
    """Note on the organizations what their traits are before anything happened, in place."""
    orgs["operationalization_start"] = orgs["operationalization"]
    columns, count = float_view(orgs), len(SCALAR_TRAITS)
    columns[..., FIRST_WISHED : FIRST_WISHED + count] = columns[..., FIRST_TRAIT : FIRST_TRAIT + count]


def draw_trait(
    spread: Distribution, number: int, keys: NDArray[np.int64], seed: int, replicates: NDArray[np.int64]
) -> Floats:
    """A trait of the organizations with these keys (R, n): float64 (R, n), or (R, n, dimensions) for values."""
    name, declared = list(Traits.model_fields.items())[number]
    width = len(DIMENSIONS) if name in VECTOR_TRAITS else 1
    values, selects = np.empty((2, *keys.shape, width))
    for d in range(width):
        plane, chosen = np.empty((2, *keys.shape))
        draws.fill_pairs(seed, replicates, draws.TRAITS + 64 * number + d, keys, plane, chosen)
        values[..., d] = plane
        selects[..., d] = chosen if d == 0 else selects[..., 0]  # one kind of organization, not one a dimension
    about = meta(declared)
    drawn = spread.draw(selects, values).clip(about["low"], about["high"])
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
    one, points = _one_point(scenario, len(replicates))
    return _signed(build_pairs(scenario, seed, replicates), orgs, one, points, seed, replicates)


def _one_point(scenario: Scenario, runs: int) -> tuple[Records, NDArray[np.int64]]:
    """The parameters of runs that all have those of the scenario, (1,), and which of them each run has, (runs,)."""
    return np.array([scenario.parameters.record()]), np.zeros(runs, dtype=np.int64)


def _signed(
    pairs: NDArray[np.int64], orgs: Records, parameters: Records, points: NDArray[np.int64], seed: int,
    replicates: NDArray[np.int64],
) -> Records:  # fmt: skip
    """Alliances of these partners (R, M, 2) on the day of signature, with the parameters of their point."""
    alliances = np.zeros(pairs.shape[:2], ALLIANCE).view(np.recarray)
    alliances["org"] = pairs
    kernel.sign_many(parameters, points, orgs, alliances, seed, replicates)
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
    return _cells(orgs)


def _cells(records: Records) -> Floats:
    """The memory of records as float64, one column for each eight bytes: (…, columns)."""
    return records.view(np.ndarray).view(np.float64).reshape(*records.shape, records.dtype.itemsize // 8)


# ---------------------------------------------------------------------------------------------------------------
# Many runs
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Provenance:
    """Where a result comes from. With the same three, and the same scenario, it comes out again, bit for bit.

    Attributes:
        version: of the package.
        digest: of the code that decides bits, as it was loaded when the result was made.
        seed: of the random numbers.
        replaced: the rules that stood replaced (:mod:`sim.replaced`), in words; "none" when all were the shipped ones.
    """

    version: str
    digest: str
    seed: int
    replaced: str = "none"

    def __str__(self) -> str:
        rules = "" if self.replaced == "none" else f", replaced rules: {self.replaced}"
        return f"alliance-trust {self.version}, code {self.digest}, seed {self.seed}{rules}"


def code_now() -> tuple[str, str, str]:
    """Version, digest and replaced rules of the code that runs now, which :class:`Provenance` holds."""
    return loaded.version(), loaded.digest(loaded.BITS), loaded.replaced_in_words(loaded.replaced_rules())


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Made:
    """What every result shares: it knows the code that made it, and a notebook shows it by :mod:`sim.notebook`."""

    made_by: tuple[str, str, str] = field(default_factory=code_now, compare=False)  # see code_now

    @property
    def provenance(self) -> Provenance:
        """Version and digest of the code that made it, and the seed."""
        version, digest, replaced = self.made_by
        return Provenance(version, digest, self.seed, replaced)  # type: ignore[attr-defined]

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        return sim.in_a_notebook(self)


@dataclass(frozen=True, eq=False, repr=False)
class _Arrays(Made):
    """What results and histories share: two are equal when all that they hold is, bit for bit, and they are shown in a
    line."""

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        held = [one.name for one in fields(self) if one.compare]
        return all(_same(getattr(self, name), getattr(other, name)) for name in held)

    def __hash__(self) -> int:
        return hash((type(self), self.scenario, self.seed))  # type: ignore[attr-defined]


def _same(one: Any, other: Any) -> bool:
    if not isinstance(one, np.ndarray):
        return bool(one == other)
    return one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()


@dataclass(frozen=True, eq=False, repr=False)
class Result(_Arrays):
    """Many replicates of one scenario. R replicates, M alliances, months counted from 0 (the signature)."""

    scenario: Scenario
    seed: int
    replicates: NDArray[np.int64]
    organizations: Records  # (R, N), at the end
    alliances: Records  # (R, M), at the end
    moments: Floats  # (R, months + 1, variables, 3): count, sum, sum of squares over alliances
    histogram: NDArray[np.int64]  # (months + 1, variables, bins), over alliances and replicates
    ledger: Floats  # (R, M, 2, layers, causes): totals over life, units of trust

    def __repr__(self) -> str:
        return (
            f"<Result of {self.scenario.name!r}, seed {self.seed}: {len(self.replicates)} replicates, "
            f"{self.scenario.months} months, {int(self.alliances.exists.sum())} alliances>"
        )

    def runs(self) -> pd.DataFrame:
        """One row a replicate: the seed, its number, and the mean of every outcome over its alliances.

        Rows of two results with the same seed and replicate share their chances, and only these are pairs.
        """
        return pd.DataFrame({"seed": self.seed, "replicate": self.replicates, **outcome_means(self.alliances)})

    def bands(self) -> Bands:
        """Every monthly variable, month by month: mean, spread and quantiles over alliances, as arrays."""
        return bands_of(self.moments, self.histogram)

    def survival_shares(self) -> Floats:
        """Share of alliances by their age in months, (months + 1, causes): still going on, ended so far by each cause.

        The columns are those of ``state.CAUSES_OF_ENDING``. Alliances that are younger than the horizon at its end are
        censored: shares are Aalen–Johansen estimates; without censoring these are plain shares.
        """
        return shares_by_age(lifetimes(self.alliances, self.scenario.months))

    def ledger_spread(self) -> tuple[Floats, Floats]:
        """Mean change of a partner's trust over the life of an alliance and its standard error, (layers, causes) each.

        The standard error comes from the spread between replicates; it is NaN with fewer than two.
        """
        return spread_over_runs(self.ledger_means())

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
        return self.bands().table()

    def survival(self) -> pd.DataFrame:
        """:meth:`survival_shares` as a table, one row a month of age: ended so far by each cause, and going on."""
        return survival_table(lifetimes(self.alliances, self.scenario.months))

    def ledger_table(self) -> pd.DataFrame:
        """:meth:`ledger_spread` as a table, one row a layer and cause."""
        return ledger_table(*self.ledger_spread())

    def ledger_means(self) -> Floats:
        """Change of trust by layer and cause, mean over the alliances and sides of each replicate, (R, layers, causes).

        A replicate without alliances has NaN.
        """
        sums = self.ledger.sum(axis=(1, 2))  # of places that are not used, nothing
        sides = np.broadcast_to(2 * self.alliances.exists.sum(-1)[:, None, None], sums.shape)
        return np.divide(sums, sides, out=np.full(sums.shape, np.nan), where=sides > 0)


def outcome_means(alliances: Records, names: Iterable[str] = tuple(OUTCOMES)) -> dict[str, Floats]:
    """Each outcome's mean over the alliances of a run, (R,); NaN where it is defined for none of them.

    Args:
        alliances: records (R, M), at the end of the runs.
        names: of outcomes.
    """
    exists = alliances["exists"] == 1
    means = {name: np.full(len(alliances), np.nan) for name in names}
    with np.errstate(invalid="ignore"):
        for name, of_runs in means.items():
            kernel.mean_of_defined(OUTCOMES[name].formula(alliances), exists, of_runs)
    return means


@dataclass(frozen=True, eq=False)
class Bands:
    """Every monthly variable over the living alliances of all runs (``value``: over all alliances), month by month.

    Arrays are (months + 1, variables), the variables in the order of ``state.VARIABLES``; month 0 is the signature.
    Where there is no alliance, mean and sd are NaN and the quantiles mean nothing.
    """

    alliances: NDArray[np.int64]  # how many
    replicates: NDArray[np.int64]  # in how many runs there is any
    mean: Floats
    sd: Floats  # over alliances
    se: Floats  # of the mean, from the spread of the runs' means: alliances of one run share partners; NaN of one run
    quantiles: Floats  # (quantiles, months + 1, variables): QUANTILES, read off a histogram of 100 bins

    def of(self, variable: str) -> dict[str, Floats]:
        """The columns of one variable, (months + 1,) each: ``mean``, ``sd``, ``se``, ``q05`` and the other quantiles.

        Raises:
            ValueError: when there is no such variable.
        """
        if variable not in VARIABLES:
            raise ValueError(f"{variable!r} is no monthly variable: one of {', '.join(VARIABLES)}")
        v = VARIABLES.index(variable)
        spread = {"mean": self.mean[:, v], "sd": self.sd[:, v], "se": self.se[:, v]}
        return spread | dict(zip(QUANTILE_NAMES, self.quantiles[:, :, v], strict=True))

    def table(self) -> pd.DataFrame:
        """One row a month and variable with an alliance; see :meth:`Result.monthly`."""
        there = np.flatnonzero(self.alliances.ravel() > 0)
        month, variable = np.divmod(there, self.mean.shape[1])
        columns: dict[str, NDArray[Any]] = {"alliances": self.alliances, "replicates": self.replicates}
        columns |= {"mean": self.mean, "sd": self.sd, "se": self.se}
        columns |= dict(zip(QUANTILE_NAMES, self.quantiles, strict=True))
        return pd.DataFrame(
            {
                "month": month,
                "variable": pd.Categorical.from_codes(variable, list(VARIABLES)),
                **{name: values.ravel()[there] for name, values in columns.items()},
            }
        )


def bands_of(moments: Floats, histogram: NDArray[np.int64]) -> Bands:
    """Bands from what the kernel records.

    Args:
        moments: float64 (R, months + 1, variables, 3): count, sum and sum of squares over the alliances of each run.
        histogram: int64 (months + 1, variables, bins), over the alliances of all runs.
    """
    shape = moments.shape[1:3]
    count, total, squares = np.ascontiguousarray(np.moveaxis(moments.sum(0), -1, 0))
    runs, deviations = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        kernel.lie_apart(moments, count, mean, runs, deviations)
        variance = np.maximum(squares / count - mean**2, 0.0)
    se = error_of_weighted_mean(deviations, runs)
    quantiles = np.empty((len(QUANTILES), *shape))
    kernel.read_off(histogram, np.array(QUANTILES), *histogram_range(len(histogram) - 1), quantiles)
    return Bands(count.astype(np.int64), runs, mean, np.sqrt(variance), se, quantiles)


def lifetimes(alliances: Records, months: int) -> NDArray[np.int64]:
    """How many alliances ended at each age by each cause, or were that old at the horizon: (months + 1, causes).

    The columns are those of ``state.CAUSES_OF_ENDING``. Counts of several runs add up; :func:`shares_by_age` makes
    shares of them.

    Args:
        alliances: records of any shape with the fields ``exists``, ``cause``, ``formed`` and ``ended``.
        months: the horizon.
    """
    signed = np.ravel(alliances["exists"]) == 1
    cause, formed, ended = (np.ravel(alliances[name])[signed] for name in ("cause", "formed", "ended"))
    begun = np.maximum(formed - 1, 0)  # signed at the start of month ``formed``, or before the first month
    lived = np.where(cause > 0, ended, months) - begun
    causes = len(CAUSES_OF_ENDING)
    return np.bincount(lived * causes + cause, minlength=(months + 1) * causes).reshape(months + 1, causes)


def shares_by_age(counts: NDArray[np.int64]) -> Floats:
    """Share of alliances still going on and ended so far by each cause, by age; see :meth:`Result.survival_shares`.

    Args:
        counts: as :func:`lifetimes` gives them, or a sum of such.

    Returns:
        float64 (months + 1, causes).
    """
    leaving = counts.sum(axis=1)
    at_risk = (leaving.sum() - np.concatenate([[0], np.cumsum(leaving)[:-1]]))[:, None]
    hazards = np.divide(counts[:, 1:], at_risk, out=np.zeros((len(counts), counts.shape[1] - 1)), where=at_risk > 0)
    shares = np.empty(counts.shape)
    shares[:, 0] = np.cumprod(1.0 - hazards.sum(axis=1))
    before = np.concatenate([[1.0], shares[:-1, 0]])
    shares[:, 1:] = np.cumsum(hazards * before[:, None], axis=0)
    return shares


def survival_table(counts: NDArray[np.int64]) -> pd.DataFrame:
    """:func:`shares_by_age` as a table, one row a month of age: ended so far by each cause, and going on."""
    going_on, *ended = shares_by_age(counts).T
    table: dict[str, Any] = {"month": np.arange(len(counts))}
    table |= dict(zip(CAUSES_OF_ENDING[1:], ended, strict=True))
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


def spread_over_runs(per_run: Floats) -> tuple[Floats, Floats]:
    """Mean and its standard error over runs, (layers, causes) each; NaN where there are none, or fewer than two.

    Args:
        per_run: float64 (R, layers, causes), NaN in a run without alliances.
    """
    per_run = per_run[~np.isnan(per_run).any(axis=(1, 2))]
    runs = len(per_run)
    none = np.full(per_run.shape[1:], np.nan)
    se = standard_error(((per_run - per_run.mean(0)) ** 2).sum(0), runs) if runs else none
    return (per_run.mean(0) if runs else none), se


def ledger_table(mean: Floats, se: Floats) -> pd.DataFrame:
    """One row a layer and cause: mean change of a partner's trust over the life of an alliance, and its se.

    Args:
        mean, se: float64 (layers, causes).
    """
    return pd.DataFrame(
        {
            "layer": np.repeat(LAYERS, N_CAUSES),
            "cause": np.tile(CAUSES, len(LAYERS)),
            "mean": mean.ravel(),
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
        TypeError, ValueError: when the scenario is none, the seed or a replicate is no integer or out of range, or a
            replicate comes twice: it would be the same run, and no second observation.
    """
    seed, which = _key(seed, replicates)
    orgs = build_organizations(scenario, seed, which)
    one, points = _one_point(scenario, len(which))
    events = build_events(scenario)[None]
    return Result(scenario, seed, which, *_run(scenario, seed, which, orgs, one, points, events))


def _run(
    scenario: Scenario, seed: int, which: NDArray[np.int64], orgs: Records, parameters: Records,
    points: NDArray[np.int64], events: Records,
) -> tuple[Records, Records, Floats, NDArray[np.int64], Floats]:  # fmt: skip
    """Sign and run alliances of runs whose organizations stand ready.

    Args:
        which: the replicate of each run, (R,).
        orgs: records (R, N), changed in place.
        parameters: records (P,); ``events``: records (P, E).
        points: int64 (R,), which of both each run has.

    Returns:
        Organizations, alliances, moments, histogram and ledger, as in :class:`Result`.
    """
    pairs = build_pairs(scenario, seed, which)
    alliances = _signed(pairs, orgs, parameters, points, seed, which)
    shape = (len(which), scenario.months + 1, len(VARIABLES))
    moments = np.zeros((*shape, 3))
    histogram = np.zeros((*shape[1:], BINS), dtype=np.int64)
    if scenario.network.market:
        alliances, ledger = _run_markets(
            scenario, seed, which, orgs, alliances, parameters, points, events, moments, histogram
        )
        return orgs, alliances, moments, histogram, ledger
    ledger = np.zeros((*alliances.shape, *LEDGER))
    kernel.run_many(
        parameters, points, orgs, float_view(orgs), alliances, events, seed, which, scenario.months, moments, histogram,
        ledger, *_scratch(scenario)[:2],
    )  # fmt: skip
    return orgs, alliances, moments, histogram, ledger


# ---------------------------------------------------------------------------------------------------------------
# Many points
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False, repr=False)
class Batch(Made):
    """The same replicates of many variants of a scenario. P points, R replicates, M alliances.

    A row of a point is, bit for bit, that of ``simulate`` for the scenario with the point's settings; in a market,
    there are empty places after its alliances (``exists`` is 0).
    """

    scenario: Scenario
    settings: Mapping[str, Floats]  # the settings that vary and their values, (P,) each
    seed: int
    replicates: NDArray[np.int64]  # (R,)
    organizations: Records  # (P, R, N), at the end
    alliances: Records  # (P, R, M), at the end
    moments: Floats  # (P, R, months + 1, variables, 3): count, sum, sum of squares over alliances
    histogram: NDArray[np.int64]  # (months + 1, variables, bins), over the alliances of all points and replicates
    ledger: Floats  # (P, R, M, 2, layers, causes): totals over life, units of trust

    def __repr__(self) -> str:
        points, replicates = self.alliances.shape[:2]
        return (
            f"<Batch of {self.scenario.name!r}, seed {self.seed}: {points} points of {', '.join(self.settings)}, "
            f"{replicates} replicates each>"
        )

    def means(self, *names: str) -> dict[str, Floats]:
        """Each outcome (all, without names): its mean over the alliances of each run, (P, R); NaN where undefined.

        Raises:
            KeyError: when there is no such outcome.
        """
        points, replicates, alliances = self.alliances.shape
        found = outcome_means(self.alliances.reshape(points * replicates, alliances), names or OUTCOMES)
        return {name: means.reshape(points, replicates) for name, means in found.items()}

    def runs(self) -> pd.DataFrame:
        """One row a point (numbered from 0) and replicate: the seed, the settings that vary, and :meth:`means`."""
        points, replicates = self.alliances.shape[:2]
        known: dict[str, Any] = {"point": np.repeat(np.arange(points), replicates), "seed": self.seed}
        known["replicate"] = np.tile(self.replicates, points)
        settings = {name: np.repeat(values, replicates) for name, values in self.settings.items()}
        return pd.DataFrame(known | settings | {name: means.ravel() for name, means in self.means().items()})

    def bands(self) -> Bands:
        """As :meth:`Result.bands`, over the alliances of all points: a run of any point is a run."""
        return bands_of(self.moments.reshape(-1, *self.moments.shape[2:]), self.histogram)


def simulate_many(
    scenario: Scenario,
    settings: Mapping[str, Sequence[float] | Floats],
    replicates: int | Iterable[int] = 1,
    seed: int = 1,
) -> Batch:
    """Run many variants of a scenario in one call: as :func:`simulate` for each of them, many times as fast.

    What the variants share is built once. A run of 144 months takes 35 kB, so tens of thousands of runs are asked for
    in portions.

    Args:
        scenario: everything that does not vary.
        settings: what varies, with a value for each of the P points: a parameter, a trait, which is then the same for
            everybody or for all of a group (``aggressive.openness``), or a number of an event (``events.crash.depth``).
            They are set in the order given, as by ``Scenario.with_settings``.
        replicates: of every point: how many, numbered from 0, or which ones.
        seed: integer in [0, 2**63), the same for all points: two points share every draw that both make.

    Raises:
        BadFile: when a setting is unknown, a value is out of range, or it changes how many months, organizations or
            alliances there are, or what happens when, which must be the same for all points.
        TypeError, ValueError: when the seed or a replicate is no integer or out of range, or the settings are not
            equally many numbers, at least one.
    """
    seed, which = _key(seed, replicates)
    values = {name: np.array(column, dtype=np.float64) for name, column in settings.items()}
    shapes = {column.shape for column in values.values()}
    if len(shapes) != 1 or len(min(shapes)) != 1 or (0,) in shapes:
        raise ValueError("settings: one or more, each with as many numbers as there are points, at least one")
    ((points,),) = shapes
    orgs = np.repeat(build_organizations(scenario, seed, which)[None], points, axis=0)
    parameters, events = _vary(scenario, values, orgs)
    orgs = orgs.reshape(points * len(which), -1)
    of_run = np.repeat(np.arange(points), len(which))
    found = _run(scenario, seed, np.tile(which, points), orgs, parameters, of_run, events)
    orgs, alliances, moments, histogram, ledger = found
    shape = (points, len(which))
    return Batch(
        scenario, values, seed, which, orgs.reshape(*shape, -1), alliances.reshape(*shape, -1),
        moments.reshape(*shape, *moments.shape[1:]), histogram, ledger.reshape(*shape, *ledger.shape[1:]),
    )  # fmt: skip


def _vary(scenario: Scenario, values: Mapping[str, Floats], orgs: Records) -> tuple[Records, Records]:
    """Parameters (P,) and events (P, E) of points; their traits are set on the organizations (P, R, N), in place.

    Raises:
        BadFile: see :func:`simulate_many`.
    """
    parameters = np.repeat(np.array([scenario.parameters.record()]), len(orgs))
    events = np.repeat(build_events(scenario)[None], len(orgs), axis=0)
    for name, column in values.items():
        match place(name, scenario):
            case ("parameters", str(own)):
                _check(scenario, name, column, Parameters.model_fields[own])
                parameters[own] = column
            case ("traits", str(own)):
                _set_trait(scenario, name, own, column, orgs)
            case ("groups", int(group), "traits", str(own)):
                rows = scenario.rows(scenario.groups[group].name)
                _set_trait(scenario, name, own, column, orgs[:, :, rows.start : rows.stop])
            case ("events", *_):
                continue
            case _:
                scenario.with_settings({name: float(column[0])})  # refused: it is unknown, or takes no fractions
    if any(name.startswith("events.") for name in values):
        for k, of_point in enumerate(events):
            variant = scenario.with_settings({name: float(column[k]) for name, column in values.items()})
            of_point[:] = build_events(variant)
    _begin(orgs)
    return parameters, events


def _set_trait(scenario: Scenario, name: str, own: str, column: Floats, orgs: Records) -> None:
    """Give all of these organizations (P, R, n) the trait ``own`` of their point, (P,), in place."""
    _check(scenario, name, column, Traits.model_fields[own])
    trait = orgs[own]
    trait[...] = column.reshape(-1, *[1] * (trait.ndim - 1))


def _check(scenario: Scenario, name: str, column: Floats, declared: FieldInfo) -> None:
    """Refuse a value that a scenario would refuse, in its words; a switch takes 0 and 1."""
    about = meta(declared)
    fine = (column >= about["low"]) & (column <= about["high"])
    if about["unit"] == "switch":
        fine &= np.isin(column, (0.0, 1.0))
    if not fine.all():
        scenario.with_settings({name: float(column[~fine][0])})


def _key(seed: int, replicates: int | Iterable[int]) -> tuple[int, NDArray[np.int64]]:
    """Seed and replicates as the draws are keyed by them; see :func:`simulate` for what is refused."""
    if isinstance(replicates, (str, bytes, Mapping, pd.DataFrame)) or getattr(replicates, "ndim", 1) > 1:
        raise TypeError(f"replicates: how many, or integers that say which ones; got {shown(replicates)}")
    if not isinstance(replicates, Iterable) and _integer("replicates", replicates) > 2**32:
        raise ValueError(f"replicates: at most 2**32, numbered by an integer from 0 to 2**32 - 1; got {replicates}")
    given = replicates if isinstance(replicates, Iterable) else range(_integer("replicates", replicates))
    which = [_integer("replicates", replicate) for replicate in given]
    if not which or min(which) < 0 or max(which) >= 2**32:
        raise ValueError("replicates: at least one, each an integer from 0 to 2**32 - 1")
    if len(set(which)) < len(which):
        again = next(replicate for k, replicate in enumerate(which) if replicate in which[:k])
        raise ValueError(f"replicates: {again} comes twice, and would be the same run; name each once")
    return draws.check_seed(_integer("seed", seed)), np.array(which, dtype=np.int64)


def _integer(name: str, value: Any) -> int:
    """A whole number, also one of NumPy's; neither a switch nor a fraction."""
    try:
        if not isinstance(value, bool):
            return operator.index(value)
    except TypeError:
        pass
    raise TypeError(f"{name}: an integer, got {shown(value)}")


def _scratch(scenario: Scenario) -> tuple[Floats, Floats, NDArray[np.int64] | None]:
    """Room for the kernel to work in: a month's ledger, rates of change, in a market six numbers an organization."""
    places = np.zeros((6, scenario.organizations), dtype=np.int64) if scenario.network.market else None
    return np.zeros(LEDGER), np.zeros(N_CAUSES), places


def _more(rows: Records, count: int) -> Records:
    """A copy of the first rows with ``count`` rows in all, the new ones empty."""
    grown = np.zeros((count, *rows.shape[1:]), rows.dtype)
    grown[: len(rows)] = rows
    return grown.view(type(rows))


def _run_markets(
    scenario: Scenario, seed: int, which: NDArray[np.int64], orgs: Records, alliances: Records, parameters: Records,
    points: NDArray[np.int64], events: Records, moments: Floats, histogram: NDArray[np.int64],
) -> tuple[Records, Floats]:  # fmt: skip
    """Runs with a market: the number of alliances is not known beforehand. Returns padded alliances and ledgers."""
    done: list[tuple[Records, Floats]] = []
    scratch = _scratch(scenario)
    for r, replicate in enumerate(which):
        count, month, market = alliances.shape[1], 0, 1.0
        for k in range(count):
            kernel.engage(orgs[r], alliances[r, k])
        rows, ledger = alliances[r], np.zeros((count, *LEDGER))
        while month < scenario.months:
            room = count + count // 2 + 2 * scenario.organizations  # what is not used takes no memory
            rows, ledger = _more(rows, room), _more(ledger, room)
            month, count, market = kernel.run(
                parameters[points[r]], orgs[r], float_view(orgs[r]), rows, count, events[points[r]], market, seed,
                replicate, month + 1, scenario.months, moments[r], histogram, ledger, *scratch,
            )  # fmt: skip
        done.append((rows[:count], ledger[:count]))
    most = max(len(rows) for rows, _ in done)
    padded = np.stack([_more(rows, most) for rows, _ in done]).view(np.recarray)
    return padded, np.stack([_more(ledger, most) for _, ledger in done])


# ---------------------------------------------------------------------------------------------------------------
# One run, month by month
# ---------------------------------------------------------------------------------------------------------------
class LiveRun:
    """One replicate that is stepped by hand, as the Mesa view and other worlds are.

    Attributes:
        organizations: records (N,); ``alliances``: records (M,). Both are live: the next month uses what you set.
        month_ledger: float64 (M, 2, layers, causes), entries of the newest month; ``ledger``: their total so far.
        month: months done; ``market``: level of the market, 1 in normal times.
        scratch: room for the kernel to work in.

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
        self.scratch = _scratch(scenario)
        if scenario.network.market:
            for alliance in self.alliances:
                kernel.engage(self.organizations, alliance)

    def __repr__(self) -> str:
        return (
            f"<LiveRun of {self.scenario.name!r}, seed {self.seed}, replicate {self.replicate}: "
            f"month {self.month} of {self.scenario.months}, {len(self.alliances)} alliances>"
        )

    def step(self) -> None:
        """One month for everybody. In a market the arrays of alliances are longer when new ones have been signed."""
        self.scenario.check_rules()
        self.month += 1
        count = len(self.alliances)
        searching = self.scenario.network.market
        rows, entered = self.alliances, np.zeros_like(self.ledger)
        rows.practice[rows.alive == 1] = -1.0  # somebody may have set values by hand: distances are computed anew
        if searching:
            room = count + int(kernel.room_needed(self.organizations, self.events, self.month))
            rows, entered = _more(rows, room), _more(entered, room)
        self.market, count = kernel.month_of_all(
            self.parameters, self.organizations, float_view(self.organizations), rows, count, self.events,
            self.market, self.seed, self.replicate, self.month, entered, *self.scratch,
        )  # fmt: skip
        if searching:
            self.alliances = rows[:count]
            self.ledger = _more(self.ledger, count)
        self.month_ledger = entered[:count]
        self.ledger += self.month_ledger


@dataclass(frozen=True, eq=False, repr=False)
class History(_Arrays):
    """Every month of one replicate. Month 0 is the signature."""

    scenario: Scenario
    seed: int
    replicate: int
    organizations: Records  # (months + 1, N)
    alliances: Records  # (months + 1, M); in a market, those not signed yet are empty
    ledger: Floats  # (months, M, 2, layers, causes): entries of each month, units of trust
    market: Floats  # (months + 1,)

    def __repr__(self) -> str:
        return (
            f"<History of {self.scenario.name!r}, seed {self.seed}, replicate {self.replicate}: "
            f"{self.scenario.months} months, {self.alliances.shape[1]} alliances>"
        )

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

    def sides(self) -> pd.DataFrame:
        """One row an alliance, side and month while it lives, the partner's numbers beside its own.

        Columns and their units are :data:`sim.sides.COLUMNS`; :func:`sim.asking.panel` has many replicates of them.
        """
        groups = [group.name for group in self.scenario.groups]
        return sides_table(self.organizations, self.alliances, self.replicate, groups)

    def ledger_table(self, layer: str = "effective") -> pd.DataFrame:
        """One row a month, alliance (from 1), side ("a" or "b") and cause with an entry that is not zero.

        Raises:
            ValueError: when there is no such layer of trust.
        """
        if layer not in LAYERS:
            raise ValueError(f"layer: one of {', '.join(LAYERS)}, got {shown(layer)}")
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
    live = LiveRun(scenario, seed, replicate)
    months, begun = scenario.months, len(live.alliances)
    rows, count = live.alliances, begun
    if scenario.network.market:  # how many alliances there will be is known only after the run
        count = simulate(scenario, [replicate], seed).alliances.shape[1]
        rows = _more(rows, count + scenario.organizations)
    organizations = np.zeros((months + 1, len(live.organizations)), ORGANIZATION)
    alliances = np.zeros((months + 1, count), ALLIANCE)
    ledger, market = np.zeros((months, count, *LEDGER)), np.empty(months + 1)
    kernel.run_history(
        live.parameters, live.organizations, _cells(live.organizations), rows, _cells(rows), begun, live.events,
        live.market, live.seed, live.replicate, months, _cells(organizations), _cells(alliances), market, ledger,
        *live.scratch,
    )  # fmt: skip
    kept = organizations.view(np.recarray), alliances.view(np.recarray)
    return History(scenario, live.seed, live.replicate, *kept, ledger, market)


def record(live: LiveRun, step: Callable[[LiveRun], None]) -> History:
    """Run to the horizon by hand and keep every month.

    Args:
        live: a run at its start.
        step: the next month; it calls ``LiveRun.step`` and may set values before or after it, which tells another
            history than :func:`simulate_history`.
    """
    expect(live, LiveRun, "live: a LiveRun at its start; simulate_history makes one of a scenario")
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
