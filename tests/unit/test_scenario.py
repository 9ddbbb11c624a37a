"""A scenario: what is written is what is simulated, whatever way it was said."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.distributions import Beta, Constant, Distribution, Normal, Uniform
from sim.dynamics.state import ADD_TRAIT, BREACH, CRASH, KEY_PERSON_LEAVES, SET_TRAIT, TRAIT_NUMBER
from sim.engine import LiveRun, build_events, build_organizations, build_pairs, simulate_history
from sim.library import available
from sim.parameters import PLACES, SCALAR_TRAITS, VECTOR_TRAITS, Parameters, Traits, meta
from sim.scenario import (
    EVENT_KINDS,
    MAX_ALLIANCES,
    MAX_MONTHS,
    MAX_ORGANIZATIONS,
    Event,
    Group,
    Network,
    Scenario,
    load,
)
from sim.tomlfile import BadFile
from tests.builders import TEXTS, dyad

REPLICATES = np.arange(5)
TWO_GROUPS = [{"name": "a", "traits": {"openness": 0.2}}, {"name": "b", "traits": {"openness": 0.8}}]


def scenario(**data: Any) -> Scenario:
    return Scenario.from_plain({**TEXTS, **data})


def mistakes(**data: Any) -> list[str]:
    with pytest.raises(BadFile) as caught:
        scenario(**data)
    return [f"{problem.dotted()}: {problem.message}" for problem in caught.value.problems]


# ---------------------------------------------------------------------------------------------------------------
# Defaults and limits
# ---------------------------------------------------------------------------------------------------------------
def test_a_file_with_its_texts_alone_is_the_default_world() -> None:
    made = scenario()
    assert (made.months, made.organizations, made.alliances, made.sizes) == (144, 50, 75, (50,))
    assert made.parameters == Parameters()
    assert [group.traits for group in made.groups] == [Traits()]
    assert made.events == ()


def test_texts_may_break_lines_anywhere() -> None:
    assert scenario(question="\nWhat happens,\n   and why? \n").question == "What happens, and why?"


@pytest.mark.parametrize(
    ("name", "low", "high"), [("months", 1, MAX_MONTHS), ("organizations", 2, MAX_ORGANIZATIONS)], ids=lambda x: str(x)
)
def test_limits_are_allowed_and_one_beyond_is_not(name: str, low: int, high: int) -> None:
    for value in (low, high):
        assert getattr(scenario(**{name: value}), name) == value
    for value in (low - 1, high + 1):
        assert mistakes(**{name: value}) == [f"{name}: {value} is out of range: from {low} to {high}"]


def test_the_number_of_alliances_has_a_limit() -> None:
    assert scenario(organizations=1_000_000, network={"partners": 10}).alliances == MAX_ALLIANCES
    (mistake,) = mistakes(organizations=1_000_000, network={"partners": 11})
    assert mistake.startswith("network.partners: ")


@pytest.mark.parametrize("name", [name for name, field in Parameters.model_fields.items() if field.annotation is float])
def test_every_parameter_takes_its_bounds_and_nothing_beyond(name: str) -> None:
    about = meta(Parameters.model_fields[name])
    for value in (about["low"], about["high"]):
        assert getattr(scenario(parameters={name: value}).parameters, name) == value
    for value in (about["low"] - 0.001, about["high"] + 0.001):
        assert "is out of range" in mistakes(parameters={name: value})[0]


def test_a_number_just_out_of_range_is_told_to_its_last_digit() -> None:
    (mistake,) = mistakes(parameters={"trust_loss": 0.50000001})
    assert mistake == "parameters.trust_loss: 0.50000001 is out of range: from 0 to 0.5 (1/month)"


@pytest.mark.parametrize("name", list(Traits.model_fields))
def test_every_trait_takes_its_bounds_and_nothing_beyond(name: str) -> None:
    about = meta(Traits.model_fields[name])
    low, high = about["low"], about["high"]
    for value in (low, high, {"uniform": [low, high]}, {"normal": [high, 1.0]}):
        scenario(traits={name: value})
    for value in (low - 0.001, high + 0.001, {"uniform": [low, high + 0.001]}, {"normal": [low - 0.001, 1.0]}):
        assert "is out of range" in mistakes(traits={name: value})[0]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 10**400, True, "1", None])
def test_what_is_no_finite_number_is_refused_everywhere(value: Any) -> None:
    found = mistakes(
        parameters={"synergy": value},
        traits={"blame": value},
        groups=[{"name": "a", "share": value}],
        events=[{"kind": "crash", "month": 1, "depth": value}],
    )
    assert [line.split(":")[0] for line in found] == [
        "parameters.synergy",
        "traits.blame",
        "groups.1.share",
        "events.1.depth",
    ]
    assert all("must be a number from" in line or "is no distribution" in line for line in found)


# ---------------------------------------------------------------------------------------------------------------
# Groups, sizes, rows
# ---------------------------------------------------------------------------------------------------------------
def groups_of(shares: dict[str, float]) -> list[dict[str, Any]]:
    return [{"name": name, "share": share} for name, share in shares.items()]


def test_sizes_go_by_the_largest_remainders() -> None:
    made = scenario(organizations=10, groups=groups_of({"a": 0.5, "b": 0.33, "c": 0.17}))  # 5, 3.3, 1.7
    assert made.sizes == (5, 3, 2)
    assert scenario(organizations=10, groups=groups_of({"a": 1, "b": 1, "c": 1})).sizes == (4, 3, 3)


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=6), st.integers(200, 400))
def test_sizes_sum_up_and_are_within_one_of_the_share(shares: list[float], count: int) -> None:
    made = scenario(organizations=count, groups=groups_of({f"g{k}": share for k, share in enumerate(shares)}))
    assert sum(made.sizes) == count
    for size, share in zip(made.sizes, shares, strict=True):
        assert abs(size - count * share / sum(shares)) < 1


def test_rows_of_groups_follow_each_other() -> None:
    made = scenario(organizations=10, groups=groups_of({"a": 6, "b": 4}))
    assert (made.rows("a"), made.rows("b")) == (range(6), range(6, 10))
    assert made.rows("everyone") == range(10)
    assert made.rows(1) == range(1)
    assert made.rows(10) == range(9, 10)


def test_a_group_has_its_own_traits_and_those_of_everybody() -> None:
    made = scenario(
        traits={"openness": 0.5, "blame": 0.1}, groups=[{"name": "a", "traits": {"blame": 0.9}}, {"name": "b"}]
    )
    a, b = (group.traits for group in made.groups)
    assert (a.openness, a.blame) == (Constant(0.5), Constant(0.9))
    assert (b.openness, b.blame) == (Constant(0.5), Constant(0.1))
    assert a.integrity == Traits().integrity


def test_organizations_have_the_traits_of_their_group() -> None:
    made = scenario(organizations=10, groups=TWO_GROUPS)
    orgs = build_organizations(made, 1, REPLICATES)
    assert (orgs.openness[:, :5] == 0.2).all()
    assert (orgs.openness[:, 5:] == 0.8).all()


# ---------------------------------------------------------------------------------------------------------------
# Networks
# ---------------------------------------------------------------------------------------------------------------
def assert_everyone_has(pairs: Any, count: int, partners: int) -> None:
    """Every replicate: exactly ``partners`` alliances each, none with oneself, none twice, smaller row first."""
    for rows in pairs:
        assert (rows[:, 0] < rows[:, 1]).all()
        assert len({tuple(row) for row in rows}) == len(rows) == count * partners // 2
        assert (np.bincount(rows.ravel(), minlength=count) == partners).all()


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7, 12, 13])
def test_any_network_gives_everyone_its_partners(count: int) -> None:
    for partners in range(1, count):
        if partners % 2 and count % 2:
            assert "make one of the numbers even" in mistakes(organizations=count, network={"partners": partners})[0]
            continue
        made = scenario(organizations=count, network={"partners": partners})
        pairs = build_pairs(made, 1, REPLICATES)
        assert pairs.shape[1] == made.alliances
        assert_everyone_has(pairs, count, partners)


@pytest.mark.parametrize("half", [1, 2, 3, 5, 8])
def test_between_allies_everyone_with_the_other_group(half: int) -> None:
    for partners in range(1, half + 1):
        network = {"partners": partners, "mixing": "between"}
        made = scenario(organizations=2 * half, network=network, groups=TWO_GROUPS)
        pairs = build_pairs(made, 1, REPLICATES)
        assert_everyone_has(pairs, 2 * half, partners)
        assert ((pairs[..., 0] < half) & (pairs[..., 1] >= half)).all()


@pytest.mark.parametrize(("sizes", "partners"), [((4, 6), 3), ((3, 5), 2), ((7, 7, 8), 4), ((2, 2), 1)])
def test_within_keeps_everyone_in_the_group(sizes: tuple[int, ...], partners: int) -> None:
    groups = groups_of({f"g{k}": size for k, size in enumerate(sizes)})
    network = {"partners": partners, "mixing": "within"}
    made = scenario(organizations=sum(sizes), network=network, groups=groups)
    assert made.sizes == sizes
    pairs = build_pairs(made, 1, REPLICATES)
    assert_everyone_has(pairs, sum(sizes), partners)
    group = np.repeat(np.arange(len(sizes)), sizes)
    assert (group[pairs[..., 0]] == group[pairs[..., 1]]).all()


def test_replicates_meet_in_different_orders() -> None:
    pairs = build_pairs(scenario(), 1, REPLICATES)
    assert len({rows.tobytes() for rows in pairs}) == len(REPLICATES)


def test_named_pairs_are_taken_as_they_are() -> None:
    made = scenario(organizations=4, network={"pairs": [[1, 2], [4, 3], [2, 4]]})
    assert made.network.pairs == ((0, 1), (2, 3), (1, 3))
    assert made.alliances == 3
    np.testing.assert_array_equal(build_pairs(made, 1, REPLICATES)[4], [[0, 1], [2, 3], [1, 3]])
    dyad = scenario(organizations=2, groups=TWO_GROUPS, network={"pairs": [["b", "a"]]})
    assert dyad.network.pairs == ((0, 1),)


# ---------------------------------------------------------------------------------------------------------------
# Markets
# ---------------------------------------------------------------------------------------------------------------
def test_a_market_may_start_without_partners() -> None:
    made = scenario(organizations=6, network={"market": True})
    assert (made.network.market, made.network.partners, made.network.pairs) == (True, 0, ())
    assert build_pairs(made, 1, REPLICATES).shape == (5, 0, 2)
    assert not scenario(organizations=6).network.market
    assert "out of range: from 1 to 5" in mistakes(organizations=6, network={"partners": 0})[0]


@pytest.mark.parametrize(("count", "partners"), [(6, 2), (12, 8), (5, 4), (2, 1)])
def test_a_market_may_start_with_partners(count: int, partners: int) -> None:
    made = scenario(organizations=count, network={"market": True, "partners": partners})
    assert_everyone_has(build_pairs(made, 1, REPLICATES), count, partners)
    engaged = LiveRun(made).organizations.engaged
    assert (engaged == partners).all()


def test_a_market_knows_no_more_partners_than_it_has_places() -> None:
    assert PLACES == 8
    assert "out of range: from 0 to 8" in mistakes(organizations=20, network={"market": True, "partners": 10})[0]
    star = [[1, other] for other in range(2, 2 + PLACES)]
    assert scenario(organizations=20, network={"market": True, "pairs": star}).network.market
    (mistake,) = mistakes(organizations=20, network={"market": True, "pairs": [*star, [1, 20]]})
    assert mistake.startswith("network.pairs: gives somebody more than the 8 partners")


def test_a_market_holds_about_as_many_alliances_as_there_are_places_for() -> None:
    made = scenario(organizations=20, network={"market": True}, traits={"capacity": 3})
    assert made.alliances == 30
    mixed = scenario(organizations=20, network={"market": True}, traits={"capacity": {"mixture": [[0.5, 1], [0.5, 3]]}})
    assert mixed.alliances == 20
    assert scenario(organizations=20, network={"market": True}, traits={"capacity": 0}).alliances == 1
    pairs = {"market": True, "pairs": [[1, 2], [3, 4]]}
    assert scenario(organizations=20, network=pairs).alliances == 2


def test_a_market_is_opened_and_closed_by_a_setting() -> None:
    closed = scenario(organizations=6)
    opened = closed.replace(market=True)
    assert (opened.network.market, opened.network.partners) == (True, 0)
    assert opened.replace(market=False).network == closed.network
    paired = scenario(organizations=4, network={"pairs": [[1, 2]]}).replace(network__market=True)
    assert (paired.network.market, paired.network.pairs) == (True, ((0, 1),))
    variant = opened.replace(capacity=2, arrival={"uniform": [0, 12]}, vetting=6)
    assert (variant.groups[0].traits.capacity, variant.groups[0].traits.vetting) == (Constant(2.0), Constant(6.0))


def test_market_must_be_a_switch() -> None:
    for value in ("yes", 1, None):
        assert mistakes(network={"market": value})[0].startswith("network.market: must be true or false")


# ---------------------------------------------------------------------------------------------------------------
# Variants
# ---------------------------------------------------------------------------------------------------------------
def test_settings_name_any_value() -> None:
    made = scenario(groups=TWO_GROUPS, events=[{"name": "crash", "kind": "crash", "month": 3, "depth": 0.2}])
    variant = made.with_settings(
        {
            "trust_gain": 0.06,
            "parameters.synergy": 2,
            "clamp_trust": True,
            "blame": {"normal": [0.2, 0.1]},
            "traits.integrity": 0.9,
            "a.openness": {"uniform": [0.1, 1]},
            "months": 60,
            "organizations": 20,
            "network.partners": 2,
            "mixing": "between",
            "events.crash.enabled": False,
            "events.crash.depth": 0.5,
        }
    )
    p = variant.parameters
    assert (p.trust_gain, p.synergy, p.clamp_trust) == (0.06, 2.0, True)
    a, b = (group.traits for group in variant.groups)
    assert a.blame == b.blame == Normal(0.2, 0.1)
    assert a.integrity == b.integrity == Constant(0.9)
    assert (a.openness, b.openness) == (Uniform(0.1, 1.0), Constant(0.8))
    assert (variant.months, variant.organizations, variant.alliances) == (60, 20, 20)
    assert variant.network.mixing == "between"
    assert (variant.events[0].enabled, variant.events[0].numbers) == (False, {"depth": 0.5})


def test_a_variant_leaves_the_original_alone() -> None:
    made = scenario(groups=TWO_GROUPS, events=[{"name": "crash", "kind": "crash", "month": 3, "depth": 0.2}])
    before = copy.deepcopy((made.plain(), dict(made.written)))
    made.with_settings({"openness": 0.5, "events.crash.enabled": False, "a.blame": 0.1, "months": 12})
    assert (made.plain(), dict(made.written)) == before


def test_a_trait_set_for_everybody_overrides_the_groups_own() -> None:
    variant = scenario(groups=TWO_GROUPS).replace(openness=0.5)
    assert [group.traits.openness for group in variant.groups] == [Constant(0.5)] * 2


def test_replace_takes_two_underscores_for_a_dot() -> None:
    variant = scenario(groups=TWO_GROUPS).replace(a__openness=0.4, network__partners=2, months=12)
    assert (variant.groups[0].traits.openness, variant.network.partners, variant.months) == (Constant(0.4), 2, 12)
    assert scenario().replace() == scenario()


def test_settings_may_come_from_numpy() -> None:
    plain = scenario().replace(organizations=8, trust_gain=0.05, clamp_trust=True)
    variant = scenario().replace(organizations=np.int64(8), trust_gain=np.float64(0.05), clamp_trust=np.bool_(True))
    assert variant == plain
    assert json.dumps(dict(variant.written)) == json.dumps(dict(plain.written))


def test_partners_take_the_place_of_pairs() -> None:
    variant = scenario(organizations=4, network={"pairs": [[1, 2]]}).replace(partners=2)
    assert (variant.network.pairs, variant.network.partners) == ((), 2)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("trust_gian", "did you mean 'trust_gain'?"),
        ("a.opennes", "did you mean 'openness'?"),
        ("events.crsh.enabled", "did you mean 'events.crash.enabled'?"),
        ("parameters.openness.x", ""),
        ("title", ""),
        ("", ""),
    ],
)
def test_an_unknown_setting_is_refused(key: str, hint: str) -> None:
    made = scenario(groups=TWO_GROUPS, events=[{"name": "crash", "kind": "crash", "month": 3, "depth": 0.2}])
    with pytest.raises(BadFile) as caught:
        made.with_settings({key: 1})
    assert "is no setting" in str(caught.value)
    assert hint in str(caught.value)


def test_everyone_is_no_group_of_a_file_without_groups() -> None:
    with pytest.raises(BadFile, match=r"everyone\.openness: is no setting; did you mean 'openness'"):
        scenario().with_settings({"everyone.openness": 0.5})


def test_a_market_holds_half_the_places_of_all_also_where_places_are_a_mixture() -> None:
    """Half of 100 organizations have no place and the others 4 on average: 200 places, two to an alliance."""
    capacity = {"mixture": [[1, 0], [1, {"uniform": [0, 8]}]]}
    made = scenario(organizations=100, network={"market": True}, traits={"capacity": capacity})
    assert made.alliances == pytest.approx(100, rel=0.1)


def test_a_setting_out_of_range_is_refused_by_name() -> None:
    with pytest.raises(BadFile, match=r"scenario with settings: parameters\.trust_gain: 2 is out of range"):
        scenario().replace(trust_gain=2)


# ---------------------------------------------------------------------------------------------------------------
# Plain data and back
# ---------------------------------------------------------------------------------------------------------------
def spreads(name: str) -> st.SearchStrategy[Distribution]:
    about = meta(Traits.model_fields[name])
    inside = st.floats(about["low"], about["high"])
    return st.one_of(
        st.builds(Constant, inside),
        st.tuples(inside, inside).map(lambda ends: Uniform(*sorted(ends))),
        st.builds(Normal, inside, st.floats(0, 1)),
        st.builds(Beta, st.floats(0.1, 9), st.floats(0.1, 9)),
    )


def traits() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {}, optional={name: spreads(name).map(lambda s: s.plain()) for name in Traits.model_fields}
    )


def parameters() -> st.SearchStrategy[dict[str, Any]]:
    def values(field: Any) -> st.SearchStrategy[Any]:
        return st.booleans() if field.annotation is bool else st.floats(meta(field)["low"], meta(field)["high"])

    return st.fixed_dictionaries({}, optional={name: values(field) for name, field in Parameters.model_fields.items()})


def events() -> st.SearchStrategy[list[dict[str, Any]]]:
    who = st.sampled_from(["everyone", 1, 4])
    month = st.integers(1, 12)

    def one(kind: str) -> st.SearchStrategy[dict[str, Any]]:
        numbers: dict[str, Any] = {
            name: st.integers(1, 30) if name == "months" else st.floats(*bounds)
            for name, bounds in EVENT_KINDS[kind].items()
        }
        if kind == "change":
            numbers = {"trait": st.sampled_from(["openness", "blame"]), "to": st.floats(0.1, 0.9)}
        given_who = {} if kind == "crash" else {"who": who}
        return st.fixed_dictionaries(
            {"kind": st.just(kind), "month": month, "enabled": st.booleans(), **numbers, **given_who}
        )

    listed = st.lists(st.sampled_from(list(EVENT_KINDS)).flatmap(one), max_size=4)
    return listed.map(lambda rows: [{"name": f"event {k}", **row} for k, row in enumerate(rows)])


WORLDS = st.fixed_dictionaries(
    {"months": st.integers(12, 40), "organizations": st.sampled_from([4, 6, 9])},
    optional={
        "parameters": parameters(),
        "traits": traits(),
        "events": events(),
        "groups": st.lists(traits(), min_size=1, max_size=3).map(
            lambda rows: [{"name": f"g{k}", "share": k + 1.0, "traits": row} for k, row in enumerate(rows)]
        ),
        "network": st.sampled_from(
            [
                {"partners": 2},
                {"pairs": [[1, 2], [4, 3]]},
                {"market": True},
                {"market": True, "partners": 2, "mixing": "any"},
                {"market": True, "pairs": [[1, 2], [4, 3]]},
            ]
        ),
    },
)


@given(WORLDS)
def test_plain_data_gives_the_same_scenario(world: dict[str, Any]) -> None:
    made = scenario(**world)
    again = Scenario.from_plain(made.plain(), made.name)
    assert again == made
    assert again.plain() == made.plain()


@given(WORLDS)
def test_plain_data_is_complete(world: dict[str, Any]) -> None:
    """So that a manifest still says what was run when defaults have changed since."""
    plain = scenario(**world).plain()
    assert set(plain["parameters"]) == set(Parameters.model_fields)
    for everybody in [plain["traits"]] if "traits" in plain else [group["traits"] for group in plain["groups"]]:
        assert set(everybody) == set(Traits.model_fields)


# ---------------------------------------------------------------------------------------------------------------
# Events
# ---------------------------------------------------------------------------------------------------------------
def test_events_become_rows_for_each_organization_concerned() -> None:
    made = scenario(
        organizations=4,
        groups=TWO_GROUPS,
        events=[
            {"kind": "breach", "month": 2, "who": "b", "severity": 0.4},
            {"kind": "turnover", "month": 3, "who": 1},
            {"kind": "crash", "month": 4, "depth": 0.3},
            {"kind": "change", "month": 5, "who": 2, "trait": "blame", "to": 0.1},
            {"kind": "change", "month": 6, "who": 2, "trait": "blame", "by": -0.1},
            {"kind": "turnover", "month": 7, "enabled": False},
        ],
    )
    blame = TRAIT_NUMBER["blame"]
    assert [tuple(row) for row in build_events(made)] == [
        (2, BREACH, 2, 0, 0.4),
        (2, BREACH, 3, 0, 0.4),
        (3, KEY_PERSON_LEAVES, 0, 0, 1.0),
        (4, CRASH, 0, 0, 0.3),
        (5, SET_TRAIT, 1, blame, 0.1),
        (6, ADD_TRAIT, 1, blame, -0.1),
    ]


@pytest.mark.parametrize(
    ("kind", "number", "trait"),
    [("programme", "investment", "relational_investment"), ("sessions", "effort", "session_effort")],
)
def test_a_programme_runs_for_its_months_and_stops(kind: str, number: str, trait: str) -> None:
    event = {"kind": kind, "month": 3, "months": 4, "who": "a", number: 0.25}
    history = simulate_history(dyad(events=[event], months=10, **{trait: 0.5}))
    a, b = history.organizations[trait].T
    expected = np.full(11, 0.5)
    expected[3:7] = 0.75  # months 3, 4, 5 and 6
    np.testing.assert_allclose(a, expected, rtol=1e-12)
    assert (b == 0.5).all()


def test_a_programme_may_run_beyond_the_horizon() -> None:
    event = {"kind": "programme", "month": 9, "months": 100, "who": "a", "investment": 0.25}
    history = simulate_history(dyad(events=[event], months=10, relational_investment=0.5))
    np.testing.assert_allclose(history.organizations.relational_investment[-1], [0.75, 0.5], rtol=1e-12)


def test_an_event_that_is_switched_off_leaves_no_trace() -> None:
    event = {"name": "x", "kind": "breach", "month": 3, "who": "a", "severity": 0.5}
    without = simulate_history(dyad())
    switched_off = simulate_history(dyad(events=[{**event, "enabled": False}]))
    switched_on = simulate_history(dyad(events=[event]))
    assert without.alliances.tobytes() == switched_off.alliances.tobytes()
    assert without.alliances.tobytes() != switched_on.alliances.tobytes()


@pytest.mark.parametrize("kinds", list(combinations(EVENT_KINDS, 2)), ids="-".join)
def test_events_without_names_are_told_apart_by_kind_and_month(kinds: tuple[str, str]) -> None:
    numbers = {name: 1 for kind in EVENT_KINDS for name in EVENT_KINDS[kind] if kind != "change"}
    change = {"trait": "blame", "to": 1}
    rows = []
    for kind, month in ((kinds[0], 1), (kinds[1], 1), (kinds[0], 2)):
        own = change if kind == "change" else {name: numbers[name] for name in EVENT_KINDS[kind]}
        rows.append({"kind": kind, "month": month, **own})
    assert [event.name for event in scenario(events=rows).events] == [f"{row['kind']}@{row['month']}" for row in rows]


def test_every_scalar_trait_can_change_and_no_value_profile() -> None:
    for name in SCALAR_TRAITS:
        value = meta(Traits.model_fields[name])["high"]
        made = scenario(events=[{"kind": "change", "month": 1, "trait": name, "to": value}])
        assert made.events[0].numbers == {"to": value}
    for name in VECTOR_TRAITS:
        (mistake,) = mistakes(events=[{"kind": "change", "month": 1, "trait": name, "to": 0.5}])
        assert mistake.startswith("events.1.trait: ")


# ---------------------------------------------------------------------------------------------------------------
# A scenario is what it says, however it was made
# ---------------------------------------------------------------------------------------------------------------
WORLD = {
    **TEXTS,
    "organizations": 8,
    "parameters": {"trust_gain": 0.04},
    "traits": {"openness": {"mixture": [[0.3, {"beta": [8, 2]}], [0.7, 0.4]]}},
    "groups": [{"name": "a", "traits": {"blame": 0.2}}, {"name": "b"}],
    "events": [{"name": "crash", "kind": "crash", "month": 3, "depth": 0.2}],
}
PAIRED_WORLD = {**WORLD, "network": {"pairs": [[1, 5], [2, 6], [3, 4]]}}


def by_fields(made: Scenario, months: int, gain: float, depth: float) -> Scenario:
    """As a researcher sets fields: with ``dataclasses.replace`` and pydantic's ``model_copy``."""
    crash = dataclasses.replace(made.events[0], numbers={"depth": depth})
    parameters = made.parameters.model_copy(update={"trust_gain": gain})
    return dataclasses.replace(made, months=months, parameters=parameters, events=(crash,))


def by_settings(made: Scenario, months: int, gain: float, depth: float) -> Scenario:
    return made.with_settings({"months": months, "trust_gain": gain, "events.crash.depth": depth})


def by_constructor(made: Scenario, months: int, gain: float, depth: float) -> Scenario:
    fields = {field.name: getattr(made, field.name) for field in dataclasses.fields(made) if field.name != "_written"}
    return by_fields(Scenario(**fields), months, gain, depth)


def by_plain(made: Scenario, months: int, gain: float, depth: float) -> Scenario:
    """From a dictionary that its owner goes on to change."""
    data = made.plain()
    data["months"], data["parameters"]["trust_gain"], data["events"][0]["depth"] = months, gain, depth
    found = Scenario.from_plain(data, made.name)
    data["parameters"]["trust_gain"], data["events"][0]["depth"] = 0.001, 0.9
    data["groups"][0]["traits"].clear()
    return found


def by_written(made: Scenario, months: int, gain: float, depth: float) -> Scenario:
    """From what is written, which is a copy as well."""
    data = made.written
    data["months"], data["events"][0]["depth"] = months, depth
    data.setdefault("parameters", {})["trust_gain"] = gain
    return Scenario.from_plain(data, made.name)


def copied(made: Scenario, months: int, gain: float, depth: float) -> Scenario:
    return copy.copy(copy.deepcopy(by_settings(made, months, gain, depth)))


def pickled(made: Scenario, months: int, gain: float, depth: float) -> Scenario:
    made.sizes, made.alliances  # what is remembered must not be believed later  # noqa: B018
    return by_fields(pickle.loads(pickle.dumps(made)), months, gain, depth)


WAYS = (by_fields, by_settings, by_constructor, by_plain, by_written, copied, pickled)


@given(
    st.sampled_from([WORLD, PAIRED_WORLD]),
    st.lists(
        st.tuples(st.sampled_from(WAYS), st.integers(3, 60), st.floats(0.01, 0.1), st.floats(0, 1)),
        min_size=1,
        max_size=4,
    ),
)
def test_whatever_way_a_scenario_is_made_it_says_the_same(
    world: Any, chain: list[tuple[Any, int, float, float]]
) -> None:
    made = first = Scenario.from_plain(world)
    kept = (first.plain(), first.written)
    for way, months, gain, depth in chain:
        made = way(made, months, gain, depth)
        assert (made.months, made.parameters.trust_gain, made.events[0].numbers) == (months, gain, {"depth": depth})
        expected = by_settings(first, months, gain, depth)
        assert made == expected
        assert hash(made) == hash(expected)
        assert repr(made) == repr(expected)
        assert made.plain() == expected.plain() == Scenario.from_plain(made.written).plain()
        assert made.replace(trust_loss=0.2) == expected.replace(trust_loss=0.2)
        assert made.replace(openness=0.5) == expected.replace(openness=0.5)
    assert (first.plain(), first.written) == kept


def test_fields_set_otherwise_are_checked_like_a_files() -> None:
    made = scenario(events=[{"name": "crash", "kind": "crash", "month": 30, "depth": 0.2}])
    for change, words in (
        ({"months": 12}, "from 1 to 12"),
        ({"months": 0}, "from 1 to 2400"),
        ({"title": ""}, "text that is not empty"),
        ({"parameters": Parameters().model_copy(update={"trust_gain": 7.0})}, "trust_gain: 7 is out of range"),
        ({"network": Network(partners=60)}, "from 1 to 49"),
        ({"groups": (Group("a", 1.0, Traits()), Group("a", 1.0, Traits()))}, "already the name of another group"),
        ({"events": (Event("late", 1, "crash", numbers={"depth": 3.0}),)}, "depth: 3 is out of range"),
    ):
        with pytest.raises(BadFile, match=words):
            dataclasses.replace(made, **change)
    for change, words in (
        ({"months": 12.0}, "months of a scenario: a whole number, got 12.0"),
        ({"network": {"partners": 2}}, "network of a scenario: a Network"),
        ({"parameters": {"trust_gain": 0.1}}, "parameters of a scenario: a Parameters"),
        ({"groups": (1, 2)}, "groups of a scenario: .*from_plain"),
        ({"network": Network(pairs=(("AOL", "TW"),))}, "network of a scenario: .*from_plain"),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError, match=words):
            dataclasses.replace(made, **change)


def test_nothing_in_a_scenario_can_be_changed() -> None:
    made = Scenario.from_plain(WORLD)
    with pytest.raises(TypeError):
        made.events[0].numbers["depth"] = 0.9  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.months = 12  # type: ignore[misc]
    with pytest.raises(ValidationError):
        made.parameters.trust_gain = 0.1
    made.written["parameters"]["trust_gain"] = 0.09
    assert made.replace(months=20).parameters.trust_gain == made.parameters.trust_gain == 0.04


def test_a_change_of_a_setting_by_default_still_follows_the_others() -> None:
    """What nobody wrote is no wish: an odd number of organizations has two partners each."""
    assert dataclasses.replace(scenario(), organizations=51) == scenario(organizations=51)
    assert dataclasses.replace(scenario(), name="other").replace(months=12).name == "other"


def test_plain_data_may_hold_tuples_and_numpys_numbers() -> None:
    data = {"months": np.int64(12), "traits": {"openness": {"normal": (np.float64(0.6), 0.1)}}}
    data["network"] = {"pairs": np.array([[1, 2], [3, 4]])}
    made = scenario(organizations=np.int32(4), **data)
    assert made == scenario(
        organizations=4, months=12, traits={"openness": {"normal": [0.6, 0.1]}}, network={"pairs": [[1, 2], [3, 4]]}
    )
    json.dumps(made.written)


def test_equal_scenarios_have_equal_hashes() -> None:
    found = [load(path) for path in available("scenarios").values()]
    assert len({*found, *(load(path) for path in available("scenarios").values())}) == len(found)
    assert len({made.name for made in found}) == len(found)


def test_a_scenario_tells_in_a_line_what_it_is() -> None:
    assert repr(Scenario.from_plain(PAIRED_WORLD, "mine")) == (
        "<Scenario 'mine': 144 months, 8 organizations, 3 alliances, 1 event>"
    )
    assert repr(scenario(network={"market": True})) == "<Scenario 'scenario': 144 months, 50 organizations, a market>"


def test_a_scenario_is_loaded_by_name_or_by_path(tmp_path: Path) -> None:
    path = available("scenarios")["culture_clash"]
    assert load("culture_clash") == load(path) == load(str(path))
    with pytest.raises(BadFile, match="no such scenario; did you mean 'culture_clash'"):
        load("culture_clush")
    with pytest.raises(BadFile, match="no such file"):
        load(str(tmp_path / "none.toml"))


def test_who_is_nobody_is_refused_in_words() -> None:
    made = Scenario.from_plain(WORLD)
    assert made.rows("b") == range(4, 8)
    assert made.rows(np.int64(2)) == made.rows(2) == range(1, 2)
    for who in ("c", 0, 9, None, 1.0, True):
        with pytest.raises(ValueError, match=r"is nobody in scenario .* a number from 1 to 8, 'a', 'b', 'everyone'"):
            made.rows(who)  # type: ignore[arg-type]
