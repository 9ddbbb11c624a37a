"""Settings that act only when another is on: each declared condition simulated, unmet and met, and what is said."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from sim.conditions import (
    ACTS_WHEN,
    AT_THE_SIGNATURE,
    CONDITIONS,
    SIGNED_BEFORE,
    idle,
    idle_in_all,
    why_idle,
    why_idle_from,
)
from sim.engine import simulate, simulate_history
from sim.parameters import Parameters, Traits, meta
from sim.scenario import Scenario
from sim.study.whatif import Added, LeftOut, SetFrom, cannot_act, plan_of, whatif
from sim.study.whatif.worlds import other_world
from tests.builders import TEXTS, busy

EVERYTHING = {
    "months": 48,
    "organizations": 12,
    "market": True,
    "capacity": 3,
    "arrival": 0,
    "vetting": 12,
    "partners": 2,
    "search_rate": 1.0,
    "search_breadth": 4,
    "reputation_visibility": 0.9,
    "contract_tightness": 3.0,
    "contingency_rate": 0.5,
    "shirk_rate": 0.8,
    "turnover": 0.1,
    "session_effort": 0.05,
    "market_volatility": 0.3,
    "exogenous_exit": 0.05,
}
"""A small market in which every condition that does not exclude another is met."""

UNMET = {
    "market": {"market": False},
    "vetting": {"vetting": 0},
    "behaviour asked": {"skip_behaviour": True},
    "ratings asked": {"skip_self_ratings": True},
    "acts known": {"reputation_visibility": 0.0},
    "fame counts": {"market": False, "reputation_alarm": 0.0},
    "watchful": {"monitoring": 0.0},
    "trust free": {"clamp_trust": True},
    "communication free": {"clamp_communication": True},
    "ties free": {"clamp_ties": True},
    "gap free": {"clamp_gap": True},
    "gap or practice moves": {"clamp_gap": True, "session_effort": 0.0},
    "expectation free": {"clamp_expectation": True},
    "frustration free": {"clamp_frustration": True},
    "contract given": {"choose_contract": True},
    "contract chosen": {"choose_contract": False},
    "contract": {"contract_tightness": 0.0},
    "contingencies": {"contingency_rate": 0.0},
    "friction": {"friction_base": 0.0, "friction_gap": 0.0},
    "friction by the gap": {"friction_gap": 0.0},
    "shirking": {"shirk_rate": 0.0},
    "resentment": {"monitoring_resentment": 0.0},
    "blame frames": {"frame_blame": 0.0},
    "sessions": {"session_effort": 0.0},
    "turnover": {"turnover": 0.0},
    "synergy": {"synergy": 0.0},
    "synergy or market": {"synergy": 0.0, "market": False},
    "volatility": {"market_volatility": 0.0},
    "crash": {"events.crash.enabled": False},
}
"""For each condition, settings that leave it unmet."""

ALSO = {"contract_horizon": {"choose_contract": True}}
"""What a setting needs beside :data:`EVERYTHING` to act: it excludes another condition."""

CHANGES = {
    "contract_cap": (0.2, 0.5),
    "capacity": (1, 3),
    "arrival": (0, 30),
    "vetting": (0, 3),
    "search_breadth": (1, 8),
    "know_how_speed": (0.05, 0.9),
    "genuine_from": (0.2, 0.8),
    "vet_alpha": (0.01, 0.4),
    "vet_beta": (0.01, 0.4),
    "communication_noise": (0.0, 0.6),
    "contract_horizon": (12, 120),
    "legitimate_monitoring": (0.0, 0.05),
    "reputation_alarm": (0.0, 1.0),
    "adapt_frustration": (0.0, 20.0),
}
"""Two values of a setting, where a tenth and six tenths of its range would not show it."""


def world(**settings) -> Scenario:
    events = [{"name": "crash", "month": 6, "kind": "crash", "depth": 0.5}]
    base = Scenario.from_plain({**TEXTS, "months": 48, "organizations": 12, "events": events}, "world")
    return base.with_settings({**EVERYTHING, **settings})


def bits(scenario: Scenario) -> str:
    """Digest of every outcome of every run, every monthly mean and spread, and the whole ledger."""
    result = simulate(scenario, 2, seed=3)
    numbers = [result.runs().to_numpy(np.float64), np.asarray(result.moments), np.asarray(result.ledger)]
    return hashlib.sha256(b"".join(np.ascontiguousarray(number).tobytes() for number in numbers)).hexdigest()


def two_values(name: str):
    declared = Parameters.model_fields.get(name) or Traits.model_fields[name]
    if declared.annotation is bool:
        return False, True
    about = meta(declared)
    low, high = (
        about["low"],
        min(about["high"], 10 * abs(declared.default) + 1) if name in Parameters.model_fields else 1,
    )
    return CHANGES.get(name, (low + 0.1 * (high - low), low + 0.6 * (high - low)))


@pytest.mark.parametrize(("name", "need"), [(name, need) for name, needs in ACTS_WHEN.items() for need in needs])
def test_where_a_condition_is_unmet_the_setting_leaves_every_bit_as_it_was_and_it_is_said(name, need):
    low, high = (world(**{**ALSO.get(name, {}), **UNMET[need], name: value}) for value in two_values(name))
    assert not CONDITIONS[need].met(low)
    assert why_idle(low, name).startswith("has no effect")
    assert bits(low) == bits(high)


@pytest.mark.parametrize("name", ACTS_WHEN)
def test_where_its_conditions_are_met_the_setting_moves_something_and_nothing_is_said(name):
    low, high = (world(**{**ALSO.get(name, {}), name: value}) for value in two_values(name))
    assert why_idle(high, name) == ""
    assert bits(low) != bits(high)


@pytest.mark.parametrize("name", [*Parameters.model_fields, "optimism"])
def test_what_acts_at_the_signature_only_is_declared_so(name):
    """No market: all are signed before the first month. What is declared to act at the signature acts on these."""
    before = world(market=False, months=24, verify_floor=0.0, monitoring_resentment=1.0, routine_ceiling=0.2)
    if name in ("contract_horizon", "choose_contract"):
        before = before.replace(choose_contract=name == "contract_horizon")
    was, same = simulate_history(before, 1), True
    for value in (True, False) if name.startswith(("clamp", "skip", "choose")) else two_values(name):
        otherwise = other_world(plan_of(before, [SetFrom(1, name, value)]), was, None)
        same = same and otherwise.alliances.tobytes() == was.alliances.tobytes()
    if name in AT_THE_SIGNATURE:
        assert same
        assert why_idle_from(before, name) == SIGNED_BEFORE
        assert why_idle_from(before.replace(market=True), name) != SIGNED_BEFORE
    else:
        assert same == bool(why_idle_from(before, name))


def test_a_file_s_own_settings_are_looked_at_and_so_are_those_of_a_group():
    groups = [{"name": "Us", "traits": {"vetting": 6}}, {"name": "Giant", "traits": {"vetting": 0, "blame": 0.6}}]
    own = {**TEXTS, "months": 12, "organizations": 4, "groups": groups, "parameters": {"memory": 0.5}}
    assert idle(Scenario.from_plain(own)) == [
        "setting memory has no effect without a market",
        "setting Us.vetting has no effect without a market",
        "setting Giant.vetting has no effect without a market",
    ]
    assert idle(Scenario.from_plain({**own, "network": {"market": True}})) == []


def test_a_trait_that_every_group_has_of_its_own_and_a_group_that_nobody_meets():
    groups = [{"name": name, "traits": {"blame": blame}} for name, blame in (("a", 0.1), ("b", 0.2), ("c", 0.3))]
    plain = {**TEXTS, "months": 12, "organizations": 3, "traits": {"blame": 0.9}, "groups": groups}
    alone = Scenario.from_plain({**plain, "network": {"pairs": [["a", "b"]]}})
    assert idle(alone) == [
        "setting blame has no effect: every group has its own",
        "setting c.blame has no effect: nobody in c is allied with anybody",
    ]
    other = [{**groups[0]}, {**groups[1]}, {"name": "c", "traits": {"blame": 0.8}}]
    loud = Scenario.from_plain({**plain, "traits": {"blame": 0.1}, "groups": other, "network": {"pairs": [["a", "b"]]}})
    assert bits(alone) == bits(loud)


@pytest.mark.parametrize(
    ("event", "settings", "why"),
    [
        ({"kind": "breach", "who": 1, "severity": 0.9}, {"clamp_trust": True, "reputation_visibility": 0.0}, "trust"),
        ({"kind": "change", "who": 1, "trait": "vetting", "to": 9}, {}, "without a market"),
        ({"kind": "change", "who": 1, "trait": "optimism", "to": 3}, {}, "signature only"),
        ({"kind": "change", "who": 1, "trait": "openness", "to": 1}, {"clamp_communication": True}, "communication"),
        ({"kind": "breach", "who": 1, "severity": 0.9, "enabled": False}, {}, "switched off"),
    ],
)
def test_an_event_that_cannot_act_is_said_and_changes_no_bit(event, settings, why):
    base = Scenario.from_plain({**TEXTS, "months": 12, "organizations": 4}, "base").replace(**settings)
    named = {"name": "it", "month": 3, **event}
    with_event = Scenario.from_plain({**base.written, "events": [named]}, "with")
    said = idle(with_event, ["events.it.month"])
    assert any(line.startswith("setting events.it") and why in line for line in said)
    assert bits(base) == bits(with_event)
    free = Scenario.from_plain({**TEXTS, "months": 12, "organizations": 4, "events": [{**named, "enabled": True}]})
    assert idle(free.replace(market=True)) == []


def test_what_acts_in_one_cell_is_not_said_to_have_no_effect():
    off = Scenario.from_plain({**TEXTS, "months": 12, "parameters": {"memory": 0.5}}, "off")
    assert idle_in_all([(off, ()), (off.replace(market=True), ())]) == []
    assert idle_in_all([(off, ["search_rate"])]) == [
        "setting memory has no effect without a market",
        "setting search_rate has no effect without a market",
    ]


def test_a_change_that_cannot_act_says_why_in_the_answer():
    scenario = Scenario.from_plain({**TEXTS, "months": 12, "organizations": 2}, "dyad")
    said = whatif(scenario, changes=[SetFrom(1, "optimism", 0)]).sentence()
    assert (
        "the same in every month, and so would communication and value: --set-from 1 optimism=0 has no effect" in said
    )
    assert "signature only" in said
    assert "has no effect" not in whatif(scenario, changes=[SetFrom(1, "openness", 0.01)]).sentence()


def test_changes_that_cannot_act_are_named_with_the_reason():
    scenario = Scenario.from_plain({**TEXTS, "months": 12, "organizations": 4}, "four")
    clamped = scenario.replace(clamp_trust=True)
    assert cannot_act(scenario, [SetFrom(3, "search_rate", 1.0)]) == [
        "--set-from 3 search_rate=1.0 has no effect without a market"
    ]
    assert cannot_act(clamped, [SetFrom(3, "trust_gain", 0.2)]) != []
    assert cannot_act(clamped, [SetFrom(3, "trust_gain", 0.2), SetFrom(6, "clamp_trust", False)]) == []
    assert cannot_act(scenario, [SetFrom(3, "outside_option", 0.32)]) == [
        "--set-from 3 outside_option=0.32 has no effect: it is so already"
    ]
    assert cannot_act(scenario, [SetFrom(3, "outside_option", 0.4)]) == []
    vetting = {"kind": "change", "month": 3, "who": 1, "trait": "vetting", "to": 5}
    assert "without a market" in cannot_act(scenario, [Added(vetting)])[0]
    assert cannot_act(busy(), [LeftOut(busy().events[0].name)]) == []
