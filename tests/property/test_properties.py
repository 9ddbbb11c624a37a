"""What must hold whatever the numbers: bounds, symmetry, honest books, live parameters, independence.

Hypothesis draws the parameters and traits from their declared bounds (``sim.parameters``), so a new one is covered by
itself. The examples are the same in every run, see ``tests/conftest.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.dynamics import kernel
from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import BINS, N_CAUSES, NOBODY, SHIRKING, VARIABLES
from sim.engine import (
    LEDGER,
    build_alliances,
    build_events,
    build_organizations,
    float_view,
    simulate,
    simulate_history,
)
from sim.parameters import SCALAR_TRAITS, VECTOR_TRAITS, Parameters, Traits, meta
from sim.scenario import Scenario
from tests.builders import EVENTS, TEXTS, busy, dyad, market

SHARES = ("trust", "personal", "effective", "frustration", "communication", "ties", "gap", "chemistry", "disclosure",
          "coverage", "complementarity", "effort", "watching", "misread", "forecast", "delegation",
          "channels")  # fmt: skip
"""Fields of an alliance that are shares, probabilities or trust."""


# ---------------------------------------------------------------------------------------------------------------
# Strategies from the declarations
# ---------------------------------------------------------------------------------------------------------------
def numbers(about: dict[str, Any]) -> st.SearchStrategy[float]:
    """A number within declared bounds; the bounds themselves come up often."""
    low, high = float(about["low"]), float(about["high"])
    return st.one_of(st.sampled_from([low, high]), st.floats(low, high, allow_subnormal=False))


def steps(about: dict[str, Any]) -> st.SearchStrategy[dict[str, float]]:
    """What a dated change may do to a trait: set it within its bounds, or move it by up to their distance."""
    to = numbers(about).map(lambda number: {"to": number})
    by = numbers({"low": about["low"] - about["high"], "high": about["high"] - about["low"]})
    return st.one_of(to, by.map(lambda number: {"by": number}))


def some_of(strategies: dict[str, st.SearchStrategy[Any]], most: int) -> st.SearchStrategy[dict[str, Any]]:
    """Values for up to ``most`` of the names: with all of them an example would outgrow what Hypothesis takes."""
    names = st.lists(st.sampled_from(list(strategies)), unique=True, max_size=most)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: strategies[name] for name in chosen}))


def parameter_sets() -> st.SearchStrategy[dict[str, Any]]:
    """Some parameters, each within its bounds."""
    strategies = {
        name: st.booleans() if field.annotation is bool else numbers(meta(field))
        for name, field in Parameters.model_fields.items()
    }
    return some_of(strategies, most=40)


def trait_sets() -> st.SearchStrategy[dict[str, Any]]:
    """Some traits: the same for everybody, or spread evenly between two values within the bounds."""
    strategies = {}
    for name, field in Traits.model_fields.items():
        number = numbers(meta(field))
        spread = st.tuples(number, number).map(lambda ends: {"uniform": sorted(ends)})
        strategies[name] = st.one_of(number, spread)
    return some_of(strategies, most=10)


def events() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Some of the dated events of every kind, and a change of any trait."""
    changes = st.sampled_from(SCALAR_TRAITS).flatmap(
        lambda name: st.builds(
            lambda month, who, number: {"month": month, "kind": "change", "who": who, "trait": name, **number},
            st.integers(1, 24),
            st.sampled_from([1, "open", "everyone"]),
            steps(meta(Traits.model_fields[name])),
        )
    )
    dated = st.lists(st.sampled_from(EVENTS), unique_by=lambda event: event["month"], max_size=4)
    return st.builds(lambda some, change: [*some, {**change, "name": "changed"}], dated, changes)


def worlds(network: dict[str, Any] | None = None) -> st.SearchStrategy[Scenario]:
    """Six organizations with any parameters, traits and dated events, for two years; two partners each, or as given."""
    return st.builds(
        lambda parameters, traits, dated: Scenario.from_plain(
            {
                **TEXTS,
                "months": 24,
                "organizations": 6,
                "network": network or {"partners": 2},
                "parameters": parameters,
                "traits": traits,
                "groups": [{"name": "open", "share": 2}, {"name": "guarded", "share": 1}],
                "events": dated,
            }
        ),
        parameter_sets(),
        trait_sets(),
        events(),
    )


def markets() -> st.SearchStrategy[Scenario]:
    """The same in a market, with or without partners at the start."""
    return st.one_of(worlds({"market": True}), worlds({"market": True, "partners": 2}))


# ---------------------------------------------------------------------------------------------------------------
# Bounds
# ---------------------------------------------------------------------------------------------------------------
@given(st.one_of(worlds(), markets()), st.integers(0, 2**63 - 1))
def test_every_state_stays_in_its_range_and_is_a_number(scenario, seed):
    history = simulate_history(scenario, seed)
    alliances = history.alliances
    for name in alliances.dtype.names:
        assert np.isfinite(alliances[name]).all(), name
    for name in SHARES:
        assert (alliances[name] >= 0.0).all(), name
        assert (alliances[name] <= 1.0).all(), name
    for name in ("monitoring", "goodwill", "written_off", "realized", "losses", "monitoring_cost", "relational_cost",
                 "governance_cost", "vetting_cost", "start_cost", "know_how", "fortune", "tightness"):  # fmt: skip
        assert (alliances[name] >= 0.0).all(), name
    assert np.isfinite(history.ledger).all()
    w, fame = history.organizations.operationalization, history.organizations.reputation
    assert 0.0 <= w.min() <= w.max() <= 1.0
    assert 0.0 < fame.min() <= fame.max() < 1.0


BOUNDS = [
    (name, bound)
    for model in (Parameters, Traits)
    for name, field in model.model_fields.items()
    if field.annotation is not bool
    for bound in (float(meta(field)["low"]), float(meta(field)["high"]))
]


@pytest.mark.parametrize("world", [busy, market])
def test_at_either_bound_of_any_number_every_state_is_a_number(world):
    """Contracts are chosen: their tightness has no bound of its own. Hypothesis seldom sets two numbers at once so."""
    at_fault = []
    for name, bound in BOUNDS:
        result = simulate(world(months=8, **{"choose_contract": True, name: bound}), 1, seed=5)
        records = (result.alliances, result.organizations)
        states = [record[field] for record in records for field in record.dtype.names]
        if not all(np.isfinite(values).all() for values in (*states, result.ledger, result.moments)):
            at_fault.append(f"{name} = {bound:g}")
    assert at_fault == []


@given(markets(), st.integers(0, 2**63 - 1))
def test_a_market_keeps_its_lists(scenario, seed):
    """Places, partners and earlier partners are what the alliances say, whatever the numbers."""
    history = simulate_history(scenario, seed)
    for orgs, alliances in zip(history.organizations, history.alliances, strict=True):
        living = alliances.org[alliances.alive == 1].tolist()
        assert all(a < b for a, b in living)
        assert len({tuple(pair) for pair in living}) == len(living)
        ended = alliances.org[(alliances.exists == 1) & (alliances.alive == 0)].tolist()
        for row, me in enumerate(orgs):
            partners = sorted(sum(pair) - row for pair in living if row in pair)
            assert sorted(ally for ally in me.ally.tolist() if ally != NOBODY) == partners
            assert me.engaged == len(partners)
            past = {other for other in me.past.tolist() if other != NOBODY}
            assert past == {sum(pair) - row for pair in ended if row in pair}  # six: nobody is forgotten
    a = history.alliances[-1]
    assert (a.formed == 0).sum() == scenario.organizations * scenario.network.partners // 2


@given(worlds())
def test_the_organizations_stay_within_the_bounds_of_their_traits(scenario):
    organizations = simulate_history(scenario).organizations
    for name, field in Traits.model_fields.items():
        assert organizations[name].min() >= meta(field)["low"], name
        assert organizations[name].max() <= meta(field)["high"], name


@given(st.one_of(worlds(), markets()))
def test_the_ledger_explains_every_month(scenario):
    """A dozen entries below 1 in size, rounded at most at 2^-53 each: 1e-14 is ample."""
    history = simulate_history(scenario)
    a = history.alliances
    unsigned = (a.exists[:-1] == 0)[..., None]  # those come from what they have at the signature
    for layer, name in enumerate(("trust", "personal", "effective")):
        start = np.where(unsigned, np.where(a.exists[1:, :, None] == 1, a.trust_start[1:], 0.0), a[name][:-1])
        assert (np.abs(history.ledger[:, :, :, layer].sum(-1) - (a[name][1:] - start)) < 1e-14).all()


# ---------------------------------------------------------------------------------------------------------------
# Symmetry
# ---------------------------------------------------------------------------------------------------------------
def run_arrays(scenario: Scenario, seed: int, order: np.ndarray, alliance_order: np.ndarray) -> dict[str, Any]:
    """One run with the organizations in the rows ``order`` and the alliances in the rows ``alliance_order``.

    Keys stay with the organizations, so that the random numbers do; events follow their organization.
    """
    which = np.array([0], dtype=np.int64)
    orgs = build_organizations(scenario, seed, which)
    alliances = build_alliances(scenario, seed, which, orgs)
    row_of = np.argsort(order)
    orgs = np.ascontiguousarray(orgs[:, order]).view(np.recarray)
    alliances = np.ascontiguousarray(alliances[:, alliance_order]).view(np.recarray)
    alliances.org[:] = row_of[alliances.org]
    events = build_events(scenario).copy()
    events.org[:] = row_of[events.org]
    moments = np.zeros((scenario.months + 1, len(VARIABLES), 3))
    histogram = np.zeros((scenario.months + 1, len(VARIABLES), BINS), dtype=np.int64)
    ledger = np.zeros((alliances.shape[1], *LEDGER))
    kernel.run(
        scenario.parameters.record(), orgs[0], float_view(orgs)[0], alliances[0], alliances.shape[1], events,
        1.0, seed, 0, 1, scenario.months, moments, histogram, ledger, np.zeros(LEDGER), np.zeros(N_CAUSES), None,
    )  # fmt: skip
    return {"orgs": orgs[0], "alliances": alliances[0], "ledger": ledger, "moments": moments, "histogram": histogram}


@given(worlds(), st.permutations(range(6)), st.permutations(range(6)))
def test_no_result_depends_on_the_order_of_organizations_or_alliances(scenario, order, alliance_order):
    plain = run_arrays(scenario, 1, np.arange(6), np.arange(6))
    moved = run_arrays(scenario, 1, np.array(order), np.array(alliance_order))
    alliances = moved["alliances"].copy()
    alliances.org[:] = np.array(order)[alliances.org]
    assert alliances.tobytes() == plain["alliances"][list(alliance_order)].tobytes()
    assert moved["orgs"].tobytes() == plain["orgs"][list(order)].tobytes()
    assert (moved["ledger"] == plain["ledger"][list(alliance_order)]).all()
    assert (moved["histogram"] == plain["histogram"]).all()
    # sums over alliances in another order round differently: six numbers, each below 1e4 in size when squared
    assert np.allclose(moved["moments"], plain["moments"], rtol=1e-13, atol=1e-9)


def test_partners_alike_fare_alike():
    """Nothing but chance tells side A from side B: with certain outcomes both end the same, to the last bit."""
    history = simulate_history(dyad(months=36, friction_base=1.0, silence=1.0, internal_trust=0.0, optimism=0.3))
    for name in ("trust", "personal", "effective", "expectation", "frustration", "value"):
        assert (history.alliances[name][..., 0] == history.alliances[name][..., 1]).all()
    assert history.alliances.trust[-1, 0, 0] != history.alliances.trust[0, 0, 0]


# ---------------------------------------------------------------------------------------------------------------
# Books
# ---------------------------------------------------------------------------------------------------------------
def cheated(history) -> np.ndarray:
    """What shirking took from the partners over each alliance's life, (M,)."""
    p = history.scenario.parameters
    lived = np.diff(history.alliances.age, axis=0) == 1  # from the month of the signature on
    shirked = history.alliances.shirked[1:] * lived[..., None]
    noticed = history.alliances.problem[1:, :, :2] == SHIRKING
    return (shirked * p.loss_at_stake * (1.0 - p.recovery * noticed)).sum((0, 2))


@given(st.one_of(worlds(), markets()), st.integers(0, 1000))
def test_the_books_balance(scenario, seed):
    """What was made together = what both kept + every cost + what was lost to shirking; nothing else."""
    history = simulate_history(scenario, seed)
    a = history.alliances[-1]
    costs = a.monitoring_cost + a.relational_cost + a.governance_cost + a.vetting_cost + a.start_cost
    accounted = a.value.sum(-1) + costs + cheated(history)
    size = 1.0 + np.abs(a.output) + np.abs(a.value).sum(-1) + costs
    assert (np.abs(accounted - a.output) <= 1e-12 * size).all()


@given(worlds())
def test_there_is_no_money_from_nothing(scenario):
    """Without extra effort, synergy, creativity and shocks an alliance makes at most its base output a month."""
    bare = scenario.replace(extra_effort=0.0, synergy=0.0, creativity_value=0.0, market_volatility=0.0)
    a = simulate_history(bare).alliances[-1]
    assert (a.output <= a.age * (1.0 + 1e-12)).all()
    assert (a.value.sum(-1) <= a.age * (1.0 + 1e-12)).all()


@given(worlds())
def test_goodwill_is_kept_sold_or_written_off(scenario):
    a = simulate_history(scenario).alliances
    assert np.allclose(a.goodwill + a.realized + a.written_off, a.goodwill_start, rtol=1e-12, atol=1e-12)
    assert (np.diff(a.goodwill, axis=0) <= 0.0).all()


# ---------------------------------------------------------------------------------------------------------------
# Every parameter and every trait is live
# ---------------------------------------------------------------------------------------------------------------
SCENES = {
    "busy": busy(),
    "tight contract": busy(contract_tightness=4.0),
    "no exits": busy(trust_exit=0.0, disappointment_exit=0.0, exogenous_exit=0.0),
    "market": market(search_breadth=2, vetting=20),
    "sold early": busy(impairment_interval=1.0, exogenous_exit=0.1),
}
"""In each scene some mechanism is at work that another leaves idle."""


def fingerprint(scenario: Scenario) -> bytes:
    """What a run leads to, as bytes: every outcome of every alliance, the ledger and the monthly records.

    What is only stored (coverage, plan, annuity …) is left out: a parameter must do something to count as live.
    """
    result = simulate(scenario, 4, seed=2)
    outcomes = [np.asarray(outcome.formula(result.alliances), dtype=np.float64) for outcome in OUTCOMES.values()]
    return b"".join(np.ascontiguousarray(array).tobytes() for array in (*outcomes, result.ledger, result.moments))


@pytest.fixture(scope="module")
def fingerprints():
    return {name: fingerprint(scene) for name, scene in SCENES.items()}


def other_value(low: float, high: float, now: float) -> float:
    """Another value within the bounds: nearer the far end, but not so far that it stops everything."""
    far = high if high - now > now - low else low
    return now + 0.3 * (far - now)


@pytest.mark.parametrize("name", Parameters.model_fields)
def test_every_parameter_is_live(name, fingerprints):
    field = Parameters.model_fields[name]
    changed = []
    for scene, scenario in SCENES.items():
        now = getattr(scenario.parameters, name)
        value = not now if field.annotation is bool else other_value(meta(field)["low"], meta(field)["high"], now)
        assert value != now
        changed.append(fingerprint(scenario.replace(**{name: value})) != fingerprints[scene])
    assert any(changed)


@pytest.mark.parametrize("name", Traits.model_fields)
def test_every_trait_is_live(name, fingerprints):
    about = meta(Traits.model_fields[name])
    middle = {"turnover": 0.2, "arrival": 5, "vetting": 6, "capacity": 1}.get(
        name, 0.5 * (about["low"] + about["high"])
    )
    spread = {"uniform": [about["low"], middle]} if name in VECTOR_TRAITS else middle
    assert any(
        fingerprint(scenario.replace(**{name: spread})) != fingerprints[scene] for scene, scenario in SCENES.items()
    )


# ---------------------------------------------------------------------------------------------------------------
# Independence
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("scenario", [busy(), market()], ids=["busy", "market"])
def test_a_replicate_does_not_depend_on_the_others(scenario):
    among = simulate(scenario, 12, seed=4)
    for replicates in ([7], [11, 7, 2], [7, 100_000]):
        some = simulate(scenario, replicates, seed=4)
        at = replicates.index(7)
        here, there = some.alliances.exists[at] == 1, among.alliances.exists[7] == 1
        assert some.alliances[at, here].tobytes() == among.alliances[7, there].tobytes()
        assert (some.ledger[at, here] == among.ledger[7, there]).all()
        assert (some.moments[at] == among.moments[7]).all()


@pytest.mark.parametrize("kind", ["breach", "turnover", "programme", "sessions", "change"])
def test_an_event_touches_only_the_alliances_of_the_one_it_names(kind):
    numbers_of = {
        "breach": {"severity": 0.5},
        "turnover": {},
        "programme": {"investment": 0.5, "months": 5},
        "sessions": {"effort": 0.1, "months": 5},
        "change": {"trait": "integrity", "to": 0.1},
    }
    event = {"month": 5, "kind": kind, "who": 3, **numbers_of[kind]}
    base = {**TEXTS, "months": 30, "organizations": 8, "network": {"partners": 2}}
    without = simulate_history(Scenario.from_plain(base)).alliances
    with_it = simulate_history(Scenario.from_plain({**base, "events": [event]})).alliances
    touched = (without.org[0] == 2).any(-1)
    assert touched.sum() == 2
    assert with_it[:, ~touched].tobytes() == without[:, ~touched].tobytes()
    assert with_it[:5, touched].tobytes() == without[:5, touched].tobytes()
    assert (with_it[-1, touched] != without[-1, touched]).all()


def test_a_longer_horizon_does_not_change_what_came_before():
    short, long = simulate_history(busy(months=24)), simulate_history(busy(months=48))
    assert long.alliances[:25].tobytes() == short.alliances.tobytes()
    short, long = simulate_history(market(months=24)), simulate_history(market(months=48))
    count = short.alliances.shape[1]
    assert long.alliances[:25, :count].tobytes() == short.alliances.tobytes()
    assert not long.alliances.exists[:25, count:].any()


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1))
def test_any_seed_and_replicate_run_and_repeat(seed, replicate):
    scenario = busy(months=6)
    one = simulate(scenario, [replicate], seed)
    again = simulate_history(scenario, seed, replicate)
    assert one.alliances[0].tobytes() == again.alliances[-1].tobytes()
