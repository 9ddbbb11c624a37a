"""Which settings act only under a condition, and why a setting has no effect in a scenario.

A setting that cannot act is no mistake, but whoever set it should know: :func:`idle` says it in a line each, before the
run. Each condition is declared once, in :data:`CONDITIONS`, with the words that follow "has no effect"; a test
simulates every one of them. What is no matter of a switch shows after the run, where nothing differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sim.parameters import Traits
from sim.scenario import EVERYONE, Event, Scenario


@dataclass(frozen=True)
class Condition:
    """When a setting acts: whether a scenario meets it, and what follows "has no effect" where it does not."""

    words: str
    met: Callable[[Scenario], bool]


def _ever(scenario: Scenario, trait: str, *kinds: str) -> bool:
    """Whether a trait is anywhere, or ever becomes, other than zero; events of these kinds raise it too."""
    at_first = any(getattr(group.traits, trait).plain() != 0 for group in scenario.groups)
    return at_first or any(
        event.enabled and (event.kind in kinds or (event.kind == "change" and event.trait == trait))
        for event in scenario.events
    )


def _happens(scenario: Scenario, kind: str) -> bool:
    return any(event.enabled and event.kind == kind for event in scenario.events)


def _fame_counts(scenario: Scenario) -> bool:
    """Whether anybody acts on a partner's reputation: a market does; else only who monitors by the risk it sees."""
    p = scenario.parameters
    return scenario.network.market or (
        p.reputation_alarm > 0 and not p.clamp_monitoring and _ever(scenario, "monitoring")
    )


CONDITIONS: dict[str, Condition] = {
    "market": Condition("without a market", lambda s: s.network.market),
    "vetting": Condition("where nobody vets (vetting = 0)", lambda s: _ever(s, "vetting")),
    "behaviour asked": Condition(
        "while skip_behaviour leaves this question out", lambda s: not s.parameters.skip_behaviour
    ),
    "ratings asked": Condition(
        "while skip_self_ratings leaves this question out", lambda s: not s.parameters.skip_self_ratings
    ),
    "acts known": Condition(
        "while no act becomes known (reputation_visibility = 0)", lambda s: s.parameters.reputation_visibility > 0
    ),
    "fame counts": Condition(
        "without a market, where nobody monitors by reputation (reputation_alarm = 0, or no monitoring)", _fame_counts
    ),
    "watchful": Condition(
        "where nobody monitors by the risk that it sees",
        lambda s: _ever(s, "monitoring") and (s.network.market or not s.parameters.clamp_monitoring),
    ),
    "trust free": Condition("while clamp_trust holds trust", lambda s: not s.parameters.clamp_trust),
    "communication free": Condition(
        "while clamp_communication holds communication", lambda s: not s.parameters.clamp_communication
    ),
    "ties free": Condition("while clamp_ties holds ties", lambda s: not s.parameters.clamp_ties),
    "gap free": Condition("while clamp_gap holds the working gap", lambda s: not s.parameters.clamp_gap),
    "gap or practice moves": Condition(
        "while clamp_gap holds the working gap and there are no sessions",
        lambda s: not s.parameters.clamp_gap or _ever(s, "session_effort", "sessions"),
    ),
    "expectation free": Condition(
        "while clamp_expectation holds expectations", lambda s: not s.parameters.clamp_expectation
    ),
    "frustration free": Condition(
        "while clamp_frustration holds frustration at zero", lambda s: not s.parameters.clamp_frustration
    ),
    "contract given": Condition(
        "while the partners choose the contract (choose_contract)", lambda s: not s.parameters.choose_contract
    ),
    "contract chosen": Condition(
        "unless the partners choose the contract (choose_contract = true)", lambda s: s.parameters.choose_contract
    ),
    "contract": Condition(
        "without a contract (contract_tightness = 0)",
        lambda s: s.parameters.choose_contract or s.parameters.contract_tightness > 0,
    ),
    "contingencies": Condition(
        "without contingencies (contingency_rate = 0)", lambda s: s.parameters.contingency_rate > 0
    ),
    "friction": Condition(
        "without friction (friction_base and friction_gap = 0)",
        lambda s: s.parameters.friction_base > 0 or s.parameters.friction_gap > 0,
    ),
    "friction by the gap": Condition(
        "while the working gap causes no friction (friction_gap = 0)", lambda s: s.parameters.friction_gap > 0
    ),
    "shirking": Condition("while nobody shirks (shirk_rate = 0)", lambda s: s.parameters.shirk_rate > 0),
    "resentment": Condition(
        "while nobody resents being monitored (monitoring_resentment = 0)",
        lambda s: s.parameters.monitoring_resentment > 0,
    ),
    "blame frames": Condition(
        "while a culture of blame changes no framing (frame_blame = 0)", lambda s: s.parameters.frame_blame > 0
    ),
    "sessions": Condition(
        "without sessions (session_effort = 0, no event of them)", lambda s: _ever(s, "session_effort", "sessions")
    ),
    "turnover": Condition(
        "while no key person leaves (turnover = 0, no event of it)", lambda s: _ever(s, "turnover", "turnover")
    ),
    "synergy": Condition("without synergy (synergy = 0)", lambda s: s.parameters.synergy > 0),
    "synergy or market": Condition(
        "without synergy (synergy = 0) and without a market", lambda s: s.parameters.synergy > 0 or s.network.market
    ),
    "volatility": Condition("without market_volatility", lambda s: s.parameters.market_volatility > 0),
    "crash": Condition("without an event that crashes the market", lambda s: _happens(s, "crash")),
}  # fmt: skip
"""Every condition, by a name of its own."""

_QUESTIONS = {
    "behaviour asked": ("trust_example", "complaints", "agreed_actions", "absent_partner"),
    "ratings asked": ("team_rating", "management_rating"),
}

_TOGETHER: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("market",), ("search_rate", "search_breadth", "appeal_memory", "memory", "capacity", "arrival", "vetting")),
    (("market", "acts known"), ("appeal_reputation", "reputation_trust")),
    (("market", "vetting"), ("vet_alpha", "vet_beta", "genuine_from", "skip_behaviour", "skip_self_ratings")),
    *(
        (
            ("market", "vetting", asked),
            tuple(f"{question}_{part}" for question in questions for part in ("p1", "p0", "cost")),
        )
        for asked, questions in _QUESTIONS.items()
    ),
    (("fame counts",), ("reputation_visibility",)),
    (("acts known", "fame counts"), ("witness_noise", "reputation_forgetting", "reputation_prior")),
    (("acts known", "watchful"), ("reputation_alarm",)),
    (
        ("trust free",),
        ("trust_gain", "trust_loss", "routine_ceiling", "competence_weight", "hard_talk_gain", "blame_weight",
         "disappointment_loss", "personal_speed", "people_rate", "ties_weight", "control_attribution",
         "monitoring_resentment"),
    ),
    (("trust free", "shirking"), ("integrity_weight",)),
    (("trust free", "contingencies"), ("adaptation_gain",)),
    (("trust free", "resentment"), ("legitimate_monitoring",)),
    (("trust free", "turnover"), ("turnover_trust_loss",)),
    (
        ("communication free",),
        ("openness_floor", "trust_half", "trust_steepness", "communication_speed", "openness_weight",
         "internal_trust_weight", "ties_candour", "communication_noise", "channel_spread", "blame_chill", "openness"),
    ),
    (("communication free", "contract"), ("contract_clarity",)),
    (("ties free",), ("ties_growth", "ties_decay")),
    (("ties free", "turnover"), ("turnover_ties_loss",)),
    (("gap free",), ("gap_repair",)),
    (("gap or practice moves",), ("relapse",)),
    (("expectation free",), ("expectation_learning",)),
    (("frustration free",), ("frustration_gain", "frustration_relief", "effort_frustration")),
    (("contract given",), ("contract_tightness",)),
    (("contract chosen", "contingencies"), ("contract_horizon",)),
    (("contract",), ("contract_scale", "contract_cap", "contracting_cost")),
    (
        ("contingencies",),
        ("adapt_floor", "adapt_base", "adapt_trust", "adapt_ties", "adapt_chemistry", "adapt_integrity",
         "adapt_deterrence", "forecast_learning", "creativity_value", "contingency_loss"),
    ),
    (("contingencies", "frustration free"), ("adapt_frustration",)),
    (("friction by the gap",), ("friction_power",)),
    (("friction",), ("friction_relief", "friction_cost")),
    (("shirking",), ("shirk_visibility", "recovery")),
    (("blame frames",), ("blame",)),
    (("sessions",), ("session_learning", "session_cost", "session_fixed_cost")),
    (("synergy",), ("know_how_speed", "know_how_returns", "planned_quality")),
    (("synergy or market",), ("complementarity", "complementarity_spread")),
    (("volatility",), ("fortune_recovery",)),
    (("crash",), ("market_recovery",)),
)  # fmt: skip

ACTS_WHEN: Mapping[str, tuple[str, ...]] = {name: conditions for conditions, names in _TOGETHER for name in names}
"""Parameters and traits that act only when all of these :data:`CONDITIONS` are met; all others act in any scenario."""

AT_THE_SIGNATURE = frozenset(
    {"trust_start", "trust_start_sd", "communication_start", "ties_start", "complementarity", "complementarity_spread",
     "channel_spread", "contract_tightness", "contract_scale", "contract_cap", "contracting_cost", "choose_contract",
     "contract_horizon", "specific_investment", "planned_quality", "discount_rate", "goodwill_months", "optimism"}
)  # fmt: skip
"""Parameters and traits that act on the day of the signature only. Outside a market that is before the first month."""

SIGNED_BEFORE = "has no effect: it acts at the signature only, and without a market all are signed before month 1"
"""Why a change of :data:`AT_THE_SIGNATURE` during a run does nothing."""


def idle(scenario: Scenario, keys: Iterable[str] = ()) -> list[str]:
    """Settings that a scenario's file or a ``--set`` has written, and that have no effect in it; a line each.

    Args:
        scenario: what is run.
        keys: of :func:`sim.scenario.override`, looked at as well.

    Returns:
        Such as "setting vetting has no effect without a market".
    """
    return idle_in_all([(scenario, keys)])


def idle_in_all(scenarios: Iterable[tuple[Scenario, Iterable[str]]]) -> list[str]:
    """As :func:`idle`, of several scenarios, each with further keys: what has an effect in none that has it written."""
    found: dict[str, str] = {}
    acting: set[str] = set()
    for scenario, keys in scenarios:
        for key in dict.fromkeys([*written_keys(scenario), *keys]):
            if key in acting:
                continue
            if why := why_idle(scenario, key):
                found.setdefault(key, why)
            else:
                acting.add(key)
    return [f"setting {key} {why}" for key, why in found.items() if key not in acting]


def written_keys(scenario: Scenario) -> list[str]:
    """Keys of all that a scenario has written otherwise than by default: parameters, traits, and events as a whole."""
    data = scenario.written
    keys = [name for table in ("parameters", "traits") for name in data.get(table, {})]
    for group in data.get("groups", []):
        keys += [f"{group.get('name')}.{trait}" for trait in group.get("traits", {})]
    return keys + [f"events.{event.name}" for event in scenario.events if event.enabled]


def why_idle(scenario: Scenario, key: str) -> str:
    """Why a setting has no effect in a scenario, "has no effect without a market"; empty where it may have one.

    Args:
        scenario: with the setting.
        key: of :func:`sim.scenario.override`, or ``events.NAME`` for an event as a whole.
    """
    *table, name = key.split(".")
    if table[:1] == ["events"]:
        return _why_event(scenario, *key.split(".")[1:])
    if unmet := _unmet(scenario, name):
        return f"has no effect {unmet}"
    if name not in Traits.model_fields:
        return ""
    if table and table != ["traits"]:
        return "" if _is_allied(scenario, table[0]) else f"has no effect: nobody in {table[0]} is allied with anybody"
    own = [name in group.get("traits", {}) for group in scenario.written.get("groups", [])]
    return "has no effect: every group has its own" if own and all(own) else ""


def why_idle_from(scenario: Scenario, key: str) -> str:
    """As :func:`why_idle`, of a setting that changes when the run has begun."""
    name = key.rpartition(".")[2]
    if name in AT_THE_SIGNATURE and not scenario.network.market:
        return SIGNED_BEFORE
    return why_idle(scenario, key)


def why_event_idle(scenario: Scenario, event: Event) -> str:
    """Why an event has no effect in a scenario, as :func:`why_idle`; empty where it may have one."""
    if event.kind == "crash":
        return ""
    if isinstance(event.who, str) and event.who != EVERYONE and not _is_allied(scenario, event.who):
        return f"has no effect: nobody in {event.who} is allied with anybody"
    if event.kind == "breach" and scenario.parameters.clamp_trust:
        known = all(CONDITIONS[name].met(scenario) for name in ACTS_WHEN["witness_noise"])
        return "" if known else "has no effect while clamp_trust holds trust"
    if event.kind == "change":
        return why_idle_from(scenario, event.trait)
    return ""


def _why_event(scenario: Scenario, name: str, field: str = "") -> str:
    """Of a field of an event, or of an event as a whole."""
    event = next((event for event in scenario.events if event.name == name), None)
    if event is None:
        return "has no effect: the event lies beyond the last month"
    if not event.enabled and field != "enabled":
        return "has no effect: the event is switched off"
    return why_event_idle(scenario, event)


def _unmet(scenario: Scenario, name: str) -> str:
    """Words of the first condition of a parameter or trait that a scenario does not meet; empty when all are met."""
    return next((CONDITIONS[need].words for need in ACTS_WHEN.get(name, ()) if not CONDITIONS[need].met(scenario)), "")


def _is_allied(scenario: Scenario, group: str) -> bool:
    """Whether an organization of a group ever is in an alliance; a market lets all that are in it."""
    rows = scenario.rows(group)
    if scenario.network.market or not scenario.network.pairs:
        return len(rows) > 0
    return any(row in rows for pair in scenario.network.pairs for row in pair)
