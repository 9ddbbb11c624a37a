"""Scenarios for tests: a quiet dyad in which nothing happens by chance, a busy world in which everything does, and a
market. Every number is stated, so that a new default changes no test.
"""

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
    "specific_investment": 0.0,
    "openness_floor": 0.1,
    "trust_half": 0.4,
    "trust_steepness": 2.0,
    "communication_speed": 0.25,
    "communication_noise": 0.0,
    "openness_weight": 0.5,
    "internal_trust_weight": 0.3,
    "ties_candour": 0.2,
    "channel_spread": 0.0,
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
    "delegation_base": -20.0,
    "delegation_trust": 0.0,
    "delegation_misreading": 0.0,
    "silence": 0.5,
    "frame_base": 0.0,
    "frame_trust": 0.0,
    "frame_operationalization": 0.0,
    "frame_blame": 0.0,
    "gap_repair": 0.1,
    "blame_chill": 0.15,
    "trust_gain": 0.05,
    "trust_loss": 0.15,
    "routine_ceiling": 1.0,
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
    "inference_rate": 0.15,
    "forecast_learning": 0.2,
    "extra_effort": 0.5,
    "coordination_loss": 0.3,
    "synergy": 1.5,
    "know_how_speed": 1.0,
    "know_how_returns": 0.0,
    "creativity_value": 1.1,
    "contingency_loss": 0.9,
    "friction_cost": 0.2,
    "fault_cost": 0.3,
    "recovery": 0.5,
    "market_volatility": 0.0,
    "fortune_recovery": 0.05,
    "market_recovery": 0.02,
    "relational_cost": 0.02,
    "session_cost": 0.5,
    "session_fixed_cost": 0.0,
    "contracting_cost": 0.3,
    "planned_quality": 0.3,
    "expectation_learning": 0.08,
    "value_smoothing": 0.15,
    "shortfall_tolerance": 0.0,
    "frustration_gain": 0.15,
    "frustration_relief": 0.1,
    "discount_rate": 0.008,
    "goodwill_months": 120.0,
    "impairment_interval": 1.0,
    "impairment_headroom": 0.0,
    "trust_exit": 0.0,
    "disappointment_exit": 0.0,
    "exogenous_exit": 0.0,
    "search_rate": 1.0,
    "search_breadth": 6.0,
    "appeal_reputation": 1.0,
    "appeal_memory": 1.0,
    "memory": 0.7,
    "reputation_visibility": 0.0,
    "witness_noise": 0.0,
    "reputation_forgetting": 0.0,
    "reputation_prior": 2.0,
    "reputation_trust": 0.4,
    "reputation_alarm": 1.0,
    "choose_contract": False,
    "contract_horizon": 36.0,
    "vet_alpha": 0.05,
    "vet_beta": 0.1,
    "genuine_from": 0.6,
    "skip_behaviour": False,
    "skip_self_ratings": False,
    "trust_example_p1": 0.8,
    "trust_example_p0": 0.3,
    "trust_example_cost": 0.01,
    "team_rating_p1": 0.6,
    "team_rating_p0": 0.55,
    "team_rating_cost": 0.005,
    "management_rating_p1": 0.6,
    "management_rating_p0": 0.55,
    "management_rating_cost": 0.005,
    "complaints_p1": 0.8,
    "complaints_p0": 0.3,
    "complaints_cost": 0.01,
    "agreed_actions_p1": 0.75,
    "agreed_actions_p0": 0.35,
    "agreed_actions_cost": 0.01,
    "absent_partner_p1": 0.75,
    "absent_partner_p0": 0.35,
    "absent_partner_cost": 0.01,
}
"""Nothing is left to chance: rates and spreads are zero. Nothing is delegated (2e-9 of it), know-how is what this month
exchanges, routine can earn any trust, and nobody hears of anything."""

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
    "capacity": 3,
    "arrival": 0,
    "vetting": 0,
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
    "specific_investment": 0.5,
    "communication_noise": 0.05,
    "channel_spread": 0.4,
    "routine_ceiling": 0.4,
    "delegation_base": -4.0,
    "delegation_trust": 5.0,
    "delegation_misreading": 3.0,
    "know_how_speed": 0.1,
    "know_how_returns": 0.5,
    "session_fixed_cost": 0.02,
    "shortfall_tolerance": 0.05,
    "impairment_headroom": 0.05,
    "reputation_visibility": 0.5,
    "witness_noise": 0.1,
    "reputation_forgetting": 0.05,
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
    "capacity": 3,
    "arrival": 0,
    "vetting": 0,
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


MARKET_PARAMETERS: dict[str, Any] = {
    **BUSY_PARAMETERS,
    "search_rate": 0.6,
    "choose_contract": True,
    "exogenous_exit": 0.05,
}

MARKET_TRAITS: dict[str, Any] = {
    **BUSY_TRAITS,
    "operationalization": {"mixture": [[0.4, {"beta": [8, 2]}], [0.6, {"beta": [2, 6]}]]},
    "capacity": {"mixture": [[0.3, 1], [0.4, 2], [0.3, 3]]},
    "arrival": {"mixture": [[0.7, 0], [0.3, 9]]},
    "vetting": {"mixture": [[0.3, 0], [0.7, 12]]},
}


def market(months: int = 48, organizations: int = 12, partners: int = 0, **settings: Any) -> Scenario:
    """The busy world as a market: short alliances, newcomers in month 9, interviews, contracts chosen.

    Args:
        months: horizon.
        organizations: of both groups together.
        partners: alliances of everybody at the start.
        settings: see :meth:`Scenario.replace`.
    """
    plain = {
        **TEXTS,
        "months": months,
        "organizations": organizations,
        "network": {"market": True, "partners": partners},
        "parameters": dict(MARKET_PARAMETERS),
        "traits": dict(MARKET_TRAITS),
        "groups": [
            {"name": "open", "share": 2},
            {"name": "guarded", "share": 1, "traits": dict(GUARDED_TRAITS)},
        ],
        "events": [dict(event) for event in EVENTS if event["month"] <= months],
    }
    return Scenario.from_plain(plain, "market").replace(**settings)
