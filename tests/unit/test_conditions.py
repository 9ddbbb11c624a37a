"""Settings that act only when another is on: each declared condition simulated, unmet and met, and what is said of it."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from sim.conditions import (
    ACTS_WHEN,
    CONDITIONS,
    why_idle,
)
from sim.engine import simulate
from sim.parameters import Parameters, Traits, meta
from sim.scenario import Scenario
from tests.builders import TEXTS

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
