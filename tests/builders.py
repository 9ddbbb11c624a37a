"""Scenarios for tests: a quiet dyad in which nothing happens by chance, and a busy world in which everything does."""

from __future__ import annotations

from typing import Any

from sim.scenario import Scenario

TEXTS = {"title": "A test", "question": "Does it hold?", "source": "the tests", "expected": "It holds."}

QUIET_PARAMETERS: dict[str, Any] = {
    "trust_start": 0.5,
    "trust_start_sd": 0.0,
    "communication_start": 0.4,
    "ties_start": 0.3,
    "chemistry": 0.5,
    "chemistry_spread": 0.0,
    "complementarity": 0.6,
    "complementarity_spread": 0.0,
    "contract_tightness": 0.0,
    "contract_scale": 1.5,
    "contract_cap": 0.9,
    "openness_floor": 0.1,
    "trust_half": 0.4,
    "trust_steepness": 2.0,
    "communication_speed": 0.25,
    "openness_weight": 0.5,
    "internal_trust_weight": 0.3,
    "ties_candour": 0.2,
    "contract_clarity": 0.1,
    "monitoring_effect": 6.0,
    "loss_at_stake": 0.5,
    "detection_effect": 3.0,
    "legitimate_monitoring": 0.1,
    "monitoring_resentment": 0.3,
    "control_attribution": 0.5,
    "contingency_rate": 0.0,
    "adapt_floor": 0.2,
    "adapt_base": -3.5,
    "adapt_trust": 4.0,
    "adapt_ties": 1.0,
    "adapt_chemistry": 1.0,
    "adapt_integrity": 2.0,
    "adapt_deterrence": 0.5,
    "adapt_frustration": 2.0,
    "friction_base": 0.0,
    "friction_gap": 0.0,
    "friction_power": 1.3,
    "friction_relief": 0.0,
    "shirk_rate": 0.0,
    "shirk_visibility": 0.3,
    "effort_base": -3.0,
    "effort_chemistry": 3.0,
    "effort_trust": 2.0,
    "effort_frustration": 3.0,
    "silence": 0.5,
    "frame_base": 0.0,
    "frame_trust": 0.0,
    "frame_operationalization": 0.0,
    "frame_blame": 0.0,
    "gap_repair": 0.1,
    "blame_chill": 0.15,
    "trust_gain": 0.05,
    "trust_loss": 0.15,
    "integrity_weight": 1.5,
    "competence_weight": 0.5,
    "adaptation_gain": 2.0,
    "hard_talk_gain": 2.5,
    "blame_weight": 1.2,
    "disappointment_loss": 0.03,
    "personal_speed": 1.5,
    "people_rate": 0.05,
    "ties_weight": 0.6,
    "ties_growth": 0.08,
    "ties_decay": 0.03,
    "turnover_ties_loss": 0.5,
    "turnover_trust_loss": 0.8,
    "relapse": 0.02,
    "session_learning": 0.3,
    "extra_effort": 0.5,
    "coordination_loss": 0.3,
    "synergy": 1.5,
    "creativity_value": 1.1,
    "contingency_loss": 0.9,
    "friction_cost": 0.2,
    "fault_cost": 0.3,
    "recovery": 0.5,
    "market_volatility": 0.0,
    "market_recovery": 0.02,
    "relational_cost": 0.02,
    "session_cost": 0.5,
    "contracting_cost": 0.3,
    "planned_quality": 0.3,
    "expectation_learning": 0.08,
    "value_smoothing": 0.15,
    "frustration_gain": 0.15,
    "frustration_relief": 0.1,
    "discount_rate": 0.008,
    "goodwill_months": 120.0,
    "impairment_interval": 1.0,
    "trust_exit": 0.0,
    "disappointment_exit": 0.0,
    "exogenous_exit": 0.0,
}
"""Every number stated, so that a new default changes no test; nothing left to chance: rates and spreads are zero."""

QUIET_TRAITS: dict[str, Any] = {
    "openness": 1.0,
    "integrity": 1.0,
    "competence": 1.0,
    "internal_trust": 1.0,
    "blame": 0.0,
    "operationalization": 0.0,
    "monitoring": 0.0,
    "verify_floor": 0.0,
    "relational_investment": 0.0,
    "session_effort": 0.0,
    "turnover": 0.0,
    "optimism": 0.0,
    "outside_option": 0.0,
    "professed": 0.8,
    "default_culture": 0.5,
}
"""Two sound partners of the same culture who neither watch, invest, nor leave."""


def dyad(events: list[dict[str, Any]] | None = None, months: int = 12, **settings: Any) -> Scenario:
    """Two organizations, the groups "a" and "b", and one alliance in which nothing happens by chance.

    Args:
        events: dated events, as in a scenario file.
        months: horizon.
        settings: parameters, traits for both (``openness=0.5``) or for one side (``a__openness=0.5``).
    """
    plain = {
        **TEXTS,
        "months": months,
        "organizations": 2,
        "network": {"pairs": [["a", "b"]]},
        "parameters": dict(QUIET_PARAMETERS),
        "groups": [{"name": side, "traits": dict(QUIET_TRAITS)} for side in ("a", "b")],
        "events": events or [],
    }
    everybody = {name: value for name, value in settings.items() if name in QUIET_TRAITS}
    for name, value in everybody.items():
        for group in plain["groups"]:
            group["traits"][name] = value
    rest = {name: value for name, value in settings.items() if name not in everybody}
    return Scenario.from_plain(plain, "dyad").replace(**rest)


EVENTS: list[dict[str, Any]] = [
    {"month": 4, "kind": "breach", "who": 2, "severity": 0.4},
    {"month": 6, "kind": "turnover", "who": "guarded"},
    {"month": 8, "kind": "crash", "depth": 0.3},
    {"month": 9, "kind": "programme", "who": "open", "investment": 0.5, "months": 6},
    {"month": 11, "kind": "sessions", "who": "everyone", "effort": 0.1, "months": 8},
    {"month": 13, "kind": "change", "who": 1, "trait": "openness", "to": 0.2},
    {"month": 15, "kind": "change", "who": "open", "trait": "operationalization", "by": 0.1},
    {"month": 20, "kind": "breach", "who": "guarded", "severity": 0.2},
]
"""At least one dated event of every kind."""


BUSY_PARAMETERS: dict[str, Any] = {
    **QUIET_PARAMETERS,
    "trust_start_sd": 0.1,
    "chemistry_spread": 0.35,
    "complementarity_spread": 0.2,
    "contract_tightness": 0.8,
    "contingency_rate": 0.4,
    "friction_base": 0.2,
    "friction_gap": 0.5,
    "friction_relief": 0.5,
    "shirk_rate": 0.5,
    "legitimate_monitoring": 0.02,
    "frame_trust": 3.0,
    "frame_operationalization": 1.5,
    "frame_blame": 3.0,
    "market_volatility": 0.15,
    "impairment_interval": 6.0,
    "trust_exit": 0.08,
    "disappointment_exit": 0.05,
    "exogenous_exit": 0.003,
}

BUSY_TRAITS: dict[str, Any] = {
    "openness": {"normal": [0.6, 0.15]},
    "integrity": {"beta": [6, 2]},
    "competence": 0.95,
    "internal_trust": {"normal": [0.65, 0.15]},
    "blame": {"normal": [0.4, 0.15]},
    "operationalization": {"mixture": [[0.1, {"beta": [8, 2]}], [0.9, {"beta": [2, 6]}]]},
    "monitoring": 1.0,
    "verify_floor": 0.0,
    "relational_investment": {"uniform": [0.4, 1.0]},
    "session_effort": 0.05,
    "turnover": 0.05,
    "optimism": {"uniform": [0.1, 0.6]},
    "outside_option": 0.33,
    "professed": {"normal": [0.85, 0.05]},
    "default_culture": {"uniform": [0.1, 0.9]},
}

GUARDED_TRAITS: dict[str, Any] = {
    "integrity": {"uniform": [0.0, 0.6]},
    "monitoring": {"uniform": [0.5, 2.0]},
    "verify_floor": 0.05,
    "competence": 0.8,
    "blame": 0.7,
    "internal_trust": 0.3,
    "session_effort": 0.0,
}


def busy(months: int = 48, organizations: int = 6, **settings: Any) -> Scenario:
    """Two groups with everything switched on: shirking, control, sessions, turnover, exits, shocks and all events."""
    plain = {
        **TEXTS,
        "months": months,
        "organizations": organizations,
        "network": {"partners": 2},
        "parameters": dict(BUSY_PARAMETERS),
        "traits": dict(BUSY_TRAITS),
        "groups": [
            {"name": "open", "share": 2},
            {"name": "guarded", "share": 1, "traits": dict(GUARDED_TRAITS)},
        ],
        "events": [dict(event) for event in EVENTS if event["month"] <= months],
    }
    return Scenario.from_plain(plain, "busy").replace(**settings)
