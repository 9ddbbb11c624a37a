"""Every parameter and every trait of the model, declared once.

From these two models come the validation of scenario files, the record that the compiled core reads, ``--set``,
the JSON Schema, the sweep bounds, the test strategies and the tables in the documentation.

One step is one month. Money is in units of the base output of one alliance in one month. Each declaration says where
its default comes from, in the field ``basis``:

* ``source``   a published number, cited;
* ``model``    a starting value from the feasibility prototype of the model page;
* ``calibrated`` found by experiments/calibration/calibrate.py on the calibration targets alone;
* ``assumed``  our judgement, to be calibrated.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from sim.distributions import Beta, Constant, Distribution, Mixture, Normal, Uniform

DIMENSIONS = ("people", "culture", "politics", "practices", "priorities", "structures")
"""The six dimensions of values (Kotelnikov: trust "involves your people, corporate culture, politics, practices,
priorities, and structures")."""

PLACES = 8
"""Most alliances that an organization can hold in a market, and most earlier partners that it remembers."""

Basis = Literal["source", "model", "calibrated", "assumed"]
SHORT_SOURCES = (
    'Seeds are texts of practitioners: K, Kotelnikov, "Building trust between organizations"; L, "Trust is the '
    'lubrication and glue of life science alliances"; R, Robertson, "How to form strategic partnerships that work". '
    "The prototype is the small model in which the forms were first tried; model page and works by author and year: "
    "docs/model.md."
)
"""What the short names of sources stand for."""


def _number(
    default: Any,
    low: float,
    high: float,
    unit: str,
    meaning: str,
    basis: Basis,
    source: str,
    plausible: tuple[float, float] | None = None,
) -> Any:
    """A declared number: its default, closed bounds, unit, meaning, where the default comes from, and plausible range.

    The bounds are what the model can do with; the plausible range, where there is one, is what the literature and the
    prototype leave open: calibration searches it, and a sampled design may ask for it.
    """
    return Field(
        default,
        ge=low,
        le=high,
        description=meaning,
        json_schema_extra=_about(unit, basis, source, low, high, plausible),
    )


def _about(
    unit: str, basis: Basis, source: str, low: float, high: float, plausible: tuple[float, float] | None
) -> dict[str, Any]:
    """What is declared besides default and meaning."""
    about: dict[str, Any] = {"unit": unit, "basis": basis, "source": source, "low": low, "high": high}
    if plausible is not None:
        about |= {"plausible_low": plausible[0], "plausible_high": plausible[1]}
    return about


def _switch(meaning: str) -> Any:
    """A declared on/off switch, off by default."""
    return Field(
        False,
        description=meaning,
        json_schema_extra={"unit": "switch", "basis": "model", "source": "model page, Switches", "low": 0, "high": 1},
    )


STEP_9: tuple[Basis, str] = ("model", "model page, step 9")
INFLATED: tuple[Basis, str] = ("assumed", "seed R: 'likely inflated'")
"""Basis and source of how well the questions of an interview tell: those for what is done, and self-ratings."""


def _convinces(default: float, question: str, who: str, basis_and_source: tuple[Basis, str]) -> Any:
    """A declared chance that a sort of candidate answers a question of the interview convincingly."""
    meaning = f"question {question}: chance that a {who} answers convincingly"
    return _number(default, 0.01, 0.99, "probability", meaning, *basis_and_source)


def _costs(default: float, question: str) -> Any:
    """A declared cost of a question of the interview."""
    meaning = f"question {question}: cost of asking it once"
    return _number(default, 0, 100, "money", meaning, "assumed", "a day or two for an interview")


class Parameters(BaseModel):
    """The numbers that hold for a whole scenario, in the order of a month. Frozen; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # At the start
    trust_start: float = _number(
        0.55, 0, 1, "trust", "mean trust of each partner in the other at the signature", "model", "prototype"
    )
    trust_start_sd: float = _number(
        0.10, 0, 0.5, "trust", "spread of starting trust over partners (logistic, held in [0, 1])", "model", "prototype"
    )
    communication_start: float = _number(0.40, 0, 1, "share", "communication at the start", "model", "prototype")
    ties_start: float = _number(0.30, 0, 1, "share", "relational capital at the start", "model", "prototype")
    chemistry: float = _number(
        0.50, 0, 1, "share", "mean chemistry of the people who meet (L: 'a key driver')", "assumed", "seed L"
    )
    chemistry_spread: float = _number(
        0.35, 0, 0.5, "share", "chemistry is uniform within the mean ± this, held in [0, 1]", "assumed", "seed L"
    )
    complementarity: float = _number(
        0.60, 0, 1, "share", "mean complementarity of the partners' resources", "assumed", "seed K"
    )
    complementarity_spread: float = _number(
        0.20, 0, 0.5, "share", "complementarity is uniform within the mean ± this, held in [0, 1]", "assumed", "seed K"
    )
    contract_tightness: float = _number(
        1.0, 0, 5, "tightness", "effort put into the contract, x", "model", "prototype: φ = .5"
    )
    contract_scale: float = _number(
        1.44, 0.1, 10, "tightness", "tightness that covers 63% of contingencies, x0", "model", "prototype: φ = .5"
    )
    contract_cap: float = _number(
        0.90, 0, 1, "share", "largest share of contingencies that any contract covers", "assumed", "seed K (note 3)"
    )

    specific_investment: float = _number(
        1.5,
        0,
        100,
        "money",
        "what each partner sinks into the relation at the signature and cannot take elsewhere",
        "assumed",
        "Dyer & Chu 2003",
    )

    # 1 Disclose
    openness_floor: float = _number(
        0.098,
        0,
        1,
        "share",
        "c0: what is said whatever the trust",
        "calibrated",
        "experiments/calibration; prototype; Luna-Reyes et al. 2008",
        plausible=(0.02, 0.15),
    )
    trust_half: float = _number(
        0.23,
        0.01,
        1,
        "trust",
        "θ: trust at which half of what could be said is said",
        "calibrated",
        "experiments/calibration; prototype",
        plausible=(0.2, 0.45),
    )
    trust_steepness: float = _number(
        2.6,
        1,
        8,
        "1",
        "n: steepness of the disclosure curve",
        "calibrated",
        "experiments/calibration; prototype",
        plausible=(2.0, 4.0),
    )
    communication_speed: float = _number(
        0.24,
        0,
        1,
        "1/month",
        "κ: speed at which communication follows its target",
        "calibrated",
        "experiments/calibration; prototype",
        plausible=(0.1, 0.5),
    )
    openness_weight: float = _number(
        0.7, 0, 1, "1", "share of what could be said that wholly closed partners hold back", "assumed", "seed L"
    )
    internal_trust_weight: float = _number(
        0.20, 0, 1, "1", "how much distrust inside the house raises the trust that talk needs", "assumed", "seed R"
    )
    ties_candour: float = _number(0.50, 0, 1, "1", "how much missing personal ties raise it", "assumed", "seed K")
    communication_noise: float = _number(
        0.3,
        0,
        1,
        "share",
        "standard deviation of the monthly relative shock to communication: meetings fall out, crises crowd in",
        "calibrated",
        "experiments/calibration",
        plausible=(0.0, 0.4),
    )
    channel_spread: float = _number(
        0.1,
        0,
        1,
        "share",
        "channels of communication are uniform from 1 minus this to 1: distance, language, calendars",
        "calibrated",
        "experiments/calibration; so that communication does not follow trust alone",
        plausible=(0.0, 0.6),
    )
    contract_clarity: float = _number(
        0.10, 0, 1, "1", "how far a full contract lifts the openness floor", "assumed", "Poppo & Zenger 2002"
    )

    # 2 Monitor
    monitoring_effect: float = _number(
        15.0,
        0.1,
        50,
        "month/money",
        "k: how fast monitoring effort lowers the risk of being cheated",
        "assumed",
        "form: model page",
    )
    loss_at_stake: float = _number(
        0.40, 0, 5, "money", "L: loss to the partner when somebody shirks for a month", "assumed", "form: model page"
    )
    detection_effect: float = _number(
        3.0, 0, 50, "month/money", "how fast monitoring effort finds faults", "assumed", "seed K (note 3)"
    )
    legitimate_monitoring: float = _number(
        0.10, 0, 2, "money/month", "monitoring that every partner finds legitimate", "assumed", "Frey 1993"
    )
    monitoring_resentment: float = _number(
        0.30,
        0,
        5,
        "1/money",
        "trust lost by the monitored per unit of monitoring beyond the legitimate",
        "assumed",
        "seed K",
    )
    control_attribution: float = _number(
        0.20,
        0,
        1,
        "1",
        "share of what good conduct teaches that is lost under full control",
        "assumed",
        "Puranam & Vanneste 2009",
    )

    # 3 Work
    contingency_rate: float = _number(
        0.12, 0, 1, "1/month", "ν: chance of an event that the plan did not foresee", "model", "prototype"
    )
    adapt_floor: float = _number(
        0.20, 0, 1, "probability", "p0: chance that a partner adapts whatever the relation", "model", "prototype"
    )
    adapt_base: float = _number(
        -3.5, -20, 20, "logit", "readiness to adapt with everything else at zero", "assumed", "seed K"
    )
    adapt_trust: float = _number(4.0, 0, 20, "logit", "weight of trust in adapting", "assumed", "seed K (note 1)")
    adapt_ties: float = _number(1.5, 0, 20, "logit", "weight of relational capital in adapting", "assumed", "seed K")
    adapt_chemistry: float = _number(1.0, 0, 20, "logit", "weight of chemistry in adapting", "assumed", "seed L")
    adapt_integrity: float = _number(2.0, 0, 20, "logit", "weight of integrity in adapting", "assumed", "seed K")
    adapt_deterrence: float = _number(0.5, 0, 20, "logit", "weight of deterrence in adapting", "assumed", "model page")
    adapt_frustration: float = _number(
        2.0, 0, 20, "logit", "weight of frustration against adapting", "assumed", "seed L"
    )
    friction_base: float = _number(
        0.071,
        0,
        1,
        "1/month",
        "w0: friction between partners alike",
        "calibrated",
        "experiments/calibration; prototype",
        plausible=(0.02, 0.1),
    )
    friction_gap: float = _number(
        0.50,
        0,
        5,
        "1/month",
        "w1: friction added by a full gap of practised values",
        "model",
        "prototype",
    )
    friction_power: float = _number(
        1.3, 0.2, 5, "1", "η: how friction bends with the working gap", "model", "prototype"
    )
    friction_relief: float = _number(
        0.50, 0, 1, "1", "share of friction that full communication avoids", "assumed", "seed L"
    )
    shirk_rate: float = _number(
        0.60, 0, 1, "1/month", "chance that an unwatched partner without integrity shirks", "assumed", "model page"
    )
    shirk_visibility: float = _number(
        0.30, 0, 1, "probability", "chance that shirking shows without any monitoring", "assumed", "model page"
    )
    effort_base: float = _number(-3.0, -20, 20, "logit", "extra mile with everything else at zero", "assumed", "seed L")
    effort_chemistry: float = _number(3.0, 0, 20, "logit", "weight of chemistry in the extra mile", "assumed", "seed L")
    effort_trust: float = _number(3.0, 0, 20, "logit", "weight of trust in the extra mile", "assumed", "seed K")
    effort_frustration: float = _number(
        3.0, 0, 20, "logit", "weight of frustration against the extra mile", "assumed", "seed L"
    )

    delegation_base: float = _number(
        -4.0, -20, 20, "logit", "decisions left to the partner with everything else at zero", "assumed", "seed R"
    )
    delegation_trust: float = _number(5.0, 0, 20, "logit", "weight of trust in delegation", "assumed", "seed R")
    delegation_misreading: float = _number(
        3.0, 0, 20, "logit", "weight of misreading the partner against it", "assumed", "seed R"
    )

    # 4 Talk
    silence: float = _number(
        0.50, 0, 1, "1", "share of problems that stays unsaid in a house without internal trust", "assumed", "seed R"
    )
    frame_base: float = _number(
        0.0, -20, 20, "logit", "framing as a problem to solve, with everything else at zero", "assumed", "seed L"
    )
    frame_trust: float = _number(4.0, 0, 20, "logit", "weight of trust in a constructive framing", "assumed", "seed L")
    frame_operationalization: float = _number(
        1.5, 0, 20, "logit", "weight of operationalized values in a constructive framing", "assumed", "seed R"
    )
    frame_blame: float = _number(
        4.0, 0, 20, "logit", "weight of a culture of blame against it", "assumed", "seeds L, R"
    )
    gap_repair: float = _number(
        0.10, 0, 1, "share", "share of the working gap that a good hard conversation closes", "assumed", "seed L"
    )
    blame_chill: float = _number(
        0.15, 0, 1, "share", "share of communication lost when blame falls", "assumed", "seed L"
    )

    # 5 Learn
    trust_gain: float = _number(
        0.077,
        0,
        0.5,
        "1/month",
        "λ⁺: learning from good months",
        "calibrated",
        "experiments/calibration; prototype",
        plausible=(0.03, 0.08),
    )
    trust_loss: float = _number(
        0.17,
        0,
        0.5,
        "1/month",
        "λ⁻: learning from bad ones, 2–4 times λ⁺",
        "calibrated",
        "experiments/calibration; prototype; Slovic 1993",
        plausible=(0.08, 0.2),
    )
    routine_ceiling: float = _number(
        0.4,
        0,
        1,
        "trust",
        "trust that routine work can earn in silence; the more is said, the more of the rest it can earn",
        "calibrated",
        "experiments/calibration; seed K: dependence 'involves more than keeping promises'",
        plausible=(0.1, 0.5),
    )
    integrity_weight: float = _number(
        1.5, 0, 5, "1", "weight of a failure of integrity (shirking)", "assumed", "Connelly et al. 2018"
    )
    competence_weight: float = _number(
        0.5,
        0,
        5,
        "1",
        "weight of a failure of competence (work that came out badly)",
        "calibrated",
        "experiments/calibration; model page",
        plausible=(0.25, 1.0),
    )
    adaptation_gain: float = _number(
        2.0, 0, 5, "1", "trust from a partner who adapted, in units of λ⁺", "assumed", "seed K (note 1)"
    )
    hard_talk_gain: float = _number(
        2.5, 0, 5, "1", "trust from a hard conversation that went well, in units of λ⁺", "model", "prototype; seed L"
    )
    blame_weight: float = _number(1.0, 0, 5, "1", "trust lost to blame, in units of λ⁻", "assumed", "seed L")
    disappointment_loss: float = _number(
        0.07,
        0,
        1,
        "1/month",
        "trust lost per unit of shortfall against the plan",
        "calibrated",
        "experiments/calibration; seed L; Harrison & March 1984",
        plausible=(0.01, 0.1),
    )
    personal_speed: float = _number(
        1.5,
        1,
        5,
        "1",
        "how much faster personal trust learns than organizational trust",
        "assumed",
        "Zaheer et al. 1998",
    )
    people_rate: float = _number(
        0.05,
        0,
        1,
        "1/month",
        "speed at which personal trust becomes organizational, at full ties",
        "assumed",
        "Zaheer et al. 1998",
    )
    ties_weight: float = _number(
        0.60, 0, 1, "1", "ψ: weight of personal trust at full ties", "assumed", "Zaheer et al. 1998"
    )

    # 6 Relate
    ties_growth: float = _number(
        0.08, 0, 1, "1/month", "growth of relational capital at the joint optimum of investment", "model", "prototype"
    )
    ties_decay: float = _number(0.03, 0, 1, "1/month", "decay of relational capital", "model", "prototype")
    turnover_ties_loss: float = _number(
        0.50, 0, 1, "share", "relational capital lost when a key person leaves", "assumed", "Broschak & Block 2014"
    )
    turnover_trust_loss: float = _number(
        0.80,
        0,
        1,
        "share",
        "share of (personal − organizational) trust lost when a key person leaves",
        "assumed",
        "Broschak & Block 2014",
    )
    relapse: float = _number(
        0.02,
        0,
        1,
        "1/month",
        "δ: pull of the working gap and of w back to where practice is",
        "assumed",
        "form: model page",
    )
    session_learning: float = _number(
        0.30, 0, 5, "1", "rise of operationalization per unit of session effort", "assumed", "seed R"
    )

    inference_rate: float = _number(
        0.15, 0, 1, "1/month", "speed at which full communication ends misreading", "assumed", "seed K (alignment)"
    )
    forecast_learning: float = _number(
        0.20, 0, 1, "1", "weight of the newest act in the forecast of the partner's acts", "assumed", "seed K"
    )

    # 7 Account
    extra_effort: float = _number(
        0.50, 0, 5, "money/month", "output added when everybody goes the extra mile", "assumed", "seed L"
    )
    coordination_loss: float = _number(
        0.30, 0, 1, "share", "share of output lost when nobody talks", "assumed", "model page"
    )
    synergy: float = _number(
        1.50,
        0,
        10,
        "money/month",
        "value of shared know-how at full complementarity, talk, trust and fit",
        "assumed",
        "seed K",
    )
    know_how_speed: float = _number(
        0.05, 0, 1, "1/month", "speed at which shared know-how follows what is exchanged", "assumed", "model page"
    )
    know_how_returns: float = _number(
        2.0, 0, 10, "1", "how much know-how helps to absorb more of it", "assumed", "Cohen & Levinthal 1990"
    )
    creativity_value: float = _number(1.00, 0, 20, "money", "worth of a contingency met together", "assumed", "seed K")
    contingency_loss: float = _number(
        1.00, 0, 20, "money", "cost of an uncovered contingency not met together", "assumed", "seed K"
    )
    friction_cost: float = _number(
        0.20, 0, 5, "money", "cost of a friction incident that is not talked through", "assumed", "model page"
    )
    fault_cost: float = _number(
        0.30, 0, 5, "money", "cost of a month's work that came out badly", "assumed", "model page"
    )
    recovery: float = _number(
        0.50, 0, 1, "share", "share of the loss recovered when shirking is noticed", "assumed", "model page"
    )
    market_volatility: float = _number(
        0.06,
        0,
        1,
        "share",
        "standard deviation of the monthly shock to an alliance's own market",
        "assumed",
        "model page",
    )
    fortune_recovery: float = _number(
        0.05, 0, 1, "1/month", "speed at which an alliance's own market returns to normal", "assumed", "model page"
    )
    market_recovery: float = _number(
        0.02, 0, 1, "1/month", "speed at which the market recovers from a crash", "assumed", "seed R (AOL Time Warner)"
    )
    relational_cost: float = _number(
        0.018,
        0,
        5,
        "money/month",
        "cost to each partner of the joint optimum of relational investment",
        "assumed",
        "seed L",
    )
    session_cost: float = _number(
        0.50, 0, 20, "money", "cost to a partner of closing the whole gap by sessions", "assumed", "seed R"
    )
    session_fixed_cost: float = _number(
        0.02, 0, 5, "money/month", "cost to a partner of holding sessions at all", "assumed", "seed R"
    )
    contracting_cost: float = _number(
        0.30, 0, 10, "money/tightness", "cost of writing the contract, shared", "assumed", "Poppo & Zenger 2002"
    )
    planned_quality: float = _number(
        0.14,
        0,
        1,
        "share",
        "share of the whole synergy that a sober plan counts on",
        "calibrated",
        "experiments/calibration; model page",
        plausible=(0.02, 0.25),
    )
    expectation_learning: float = _number(
        0.08, 0, 1, "1/month", "speed at which expectation follows results", "model", "prototype"
    )
    value_smoothing: float = _number(
        0.15, 0.01, 1, "1/month", "weight of the newest month in the smoothed result", "assumed", "model page"
    )
    shortfall_tolerance: float = _number(
        0.10,
        0,
        5,
        "share",
        "shortfall that is taken as ordinary ups and downs, in units of the plan",
        "assumed",
        "model page",
    )
    frustration_gain: float = _number(
        0.15, 0, 1, "1/month", "frustration from falling short by the whole plan", "assumed", "seed L"
    )
    frustration_relief: float = _number(0.10, 0, 1, "1/month", "speed at which frustration fades", "assumed", "seed L")
    discount_rate: float = _number(
        0.008, 0.0001, 0.1, "1/month", "monthly rate at which goodwill is discounted", "assumed", "about 10% a year"
    )
    goodwill_months: float = _number(
        120, 1, 600, "month", "months of expected surplus that goodwill counts", "assumed", "model page"
    )
    impairment_interval: float = _number(
        12, 1, 600, "month", "months between two tests of goodwill for impairment", "source", "IAS 36: once a year"
    )

    impairment_headroom: float = _number(
        0.10, 0, 1, "share", "shortfall of worth that a test of goodwill lets pass", "assumed", "form: IAS 36"
    )

    # 8 Stay or leave
    trust_exit: float = _number(
        0.16,
        0,
        1,
        "trust",
        "a partner leaves below this trust",
        "calibrated",
        "experiments/calibration; prototype",
        plausible=(0.04, 0.2),
    )
    disappointment_exit: float = _number(
        0.065,
        0,
        1,
        "1/month",
        "chance of leaving while results are below the outside option",
        "calibrated",
        "experiments/calibration; prototype",
        plausible=(0.02, 0.12),
    )
    exogenous_exit: float = _number(
        0.0038,
        0,
        1,
        "1/month",
        "chance of a sale or a change of strategy",
        "calibrated",
        "experiments/calibration; prototype",
        plausible=(0.001, 0.005),
    )

    # 9 Market: search, reputation, contracts, vetting
    search_rate: float = _number(
        0.50, 0, 1, "1/month", "chance that an organization with free capacity searches", "assumed", "model page"
    )
    search_breadth: float = _number(6, 1, 100, "candidates", "strangers looked at in a search", "assumed", "model page")
    appeal_reputation: float = _number(
        1.0, 0, 20, "1", "weight of reputation in choosing a partner", "assumed", "seed K"
    )
    appeal_memory: float = _number(
        1.0, 0, 20, "1", "weight of trust in an earlier partner in choosing it again", "assumed", "model page"
    )
    memory: float = _number(
        0.70, 0, 1, "share", "share of trust and ties that an earlier alliance hands down", "assumed", "model page"
    )
    reputation_visibility: float = _number(
        0.30, 0, 1, "probability", "chance that a telling act becomes known", "assumed", "seed K"
    )
    witness_noise: float = _number(
        0.10, 0, 1, "probability", "chance that a known act is reported the wrong way round", "assumed", "model page"
    )
    reputation_forgetting: float = _number(
        0.02, 0, 1, "1/month", "speed at which known acts are forgotten", "assumed", "Jøsang & Ismail 2002"
    )
    reputation_prior: float = _number(
        2.0, 0.01, 100, "acts", "imagined neutral acts that a reputation starts from", "source", "Jøsang & Ismail 2002"
    )
    reputation_trust: float = _number(
        0.40, 0, 2, "trust", "trust at the signature per unit of reputation above the neutral", "assumed", "seed K"
    )
    reputation_alarm: float = _number(
        1.0, 0, 10, "1", "how much ill fame makes a trusted partner look risky", "assumed", "seed K (note 3)"
    )
    choose_contract: bool = _switch("choose the contract's tightness from stakes and trust, instead of as given")
    contract_horizon: float = _number(
        36, 1, 600, "month", "months that partners think of when they write a contract", "assumed", "model page"
    )
    vet_alpha: float = _number(
        0.05, 1e-6, 0.5, "probability", "α: tolerated chance of accepting a cat poster", "model", "model page"
    )
    vet_beta: float = _number(
        0.10, 1e-6, 0.49, "probability", "β: tolerated chance of turning a genuine partner away", "model", "model page"
    )
    genuine_from: float = _number(
        0.60,
        0,
        1,
        "share",
        "operationalization from which an organization counts as practising what it professes",
        "assumed",
        "so that about one in ten is genuine (seed R)",
    )
    skip_behaviour: bool = _switch("ask no behavioural questions")
    skip_self_ratings: bool = _switch("ask for no self-ratings")
    trust_example_p1: float = _convinces(0.8, "trust example", "genuine partner", STEP_9)
    trust_example_p0: float = _convinces(0.3, "trust example", "cat poster", STEP_9)
    trust_example_cost: float = _costs(0.01, "trust example")
    team_rating_p1: float = _convinces(0.6, "team rating", "genuine partner", INFLATED)
    team_rating_p0: float = _convinces(0.55, "team rating", "cat poster", INFLATED)
    team_rating_cost: float = _costs(0.005, "team rating")
    management_rating_p1: float = _convinces(0.6, "management rating", "genuine partner", INFLATED)
    management_rating_p0: float = _convinces(0.55, "management rating", "cat poster", INFLATED)
    management_rating_cost: float = _costs(0.005, "management rating")
    complaints_p1: float = _convinces(0.8, "complaints", "genuine partner", STEP_9)
    complaints_p0: float = _convinces(0.3, "complaints", "cat poster", STEP_9)
    complaints_cost: float = _costs(0.01, "complaints")
    agreed_actions_p1: float = _convinces(0.75, "agreed actions", "genuine partner", STEP_9)
    agreed_actions_p0: float = _convinces(0.35, "agreed actions", "cat poster", STEP_9)
    agreed_actions_cost: float = _costs(0.01, "agreed actions")
    absent_partner_p1: float = _convinces(0.75, "absent partner", "genuine partner", STEP_9)
    absent_partner_p0: float = _convinces(0.35, "absent partner", "cat poster", STEP_9)
    absent_partner_cost: float = _costs(0.01, "absent partner")

    # Clamps: each holds one state where it started, so that its loop is open
    clamp_trust: bool = _switch("hold both layers of trust at their start")
    clamp_communication: bool = _switch("hold communication at its start")
    clamp_ties: bool = _switch("hold relational capital at its start")
    clamp_gap: bool = _switch("hold the working gap at its start")
    clamp_expectation: bool = _switch("hold expectations at their start")
    clamp_frustration: bool = _switch("hold frustration at zero")
    clamp_monitoring: bool = _switch("hold monitoring at the optimum for the starting trust")

    def record(self) -> np.record:
        """The same numbers as the record that the compiled core reads; fields in the order declared above."""
        values = tuple(getattr(self, name) for name in type(self).model_fields)
        return np.array([values], parameters_dtype()).view(np.recarray)[0]


@cache
def parameters_dtype() -> np.dtype[np.void]:
    """The dtype of :meth:`Parameters.record`: float64 for numbers, bool for switches."""
    kinds = {float: "f8", bool: "?"}
    fields: list[Any] = [
        (name, kinds[field.annotation])  # type: ignore[index]
        for name, field in Parameters.model_fields.items()
    ]
    return np.dtype(fields, align=True)


Trait = Distribution
"""One trait of the organizations of a group: how it is spread over them."""


def _trait(
    default: Trait,
    low: float,
    high: float,
    unit: str,
    meaning: str,
    basis: Basis,
    source: str,
    plausible: tuple[float, float] | None = None,
) -> Any:
    """A declared trait: its distribution, the closed bounds that draws are held in, unit, meaning and basis.

    ``plausible`` is the range of one number for everybody.
    """
    return Field(
        default,
        description=meaning,
        json_schema_extra=_about(unit, basis, source, low, high, plausible),
    )


class Traits(BaseModel):
    """How the traits of a group's organizations are distributed. A draw is held within the trait's bounds."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    openness: Trait = _trait(
        Normal(0.65, 0.2), 0.01, 1, "share", "willingness to share, also the unpleasant", "assumed", "seed L"
    )
    integrity: Trait = _trait(
        Beta(5, 3),
        0,
        1,
        "share",
        "readiness to keep faith when it costs; its spread is behavioural uncertainty",
        "assumed",
        "Das & Teng 1998",
    )
    competence: Trait = _trait(
        Normal(0.97, 0.02), 0, 1, "probability", "chance that a month's own work comes out well", "assumed", "seed K"
    )
    internal_trust: Trait = _trait(
        Normal(0.65, 0.15), 0, 1, "share", "the team's trust in management, and back", "assumed", "seed R"
    )
    blame: Trait = _trait(
        Normal(0.4, 0.15),
        0,
        1,
        "share",
        "tendency to look for fault in people rather than for a remedy",
        "assumed",
        "seeds L, R",
    )
    operationalization: Trait = _trait(
        Mixture(((0.1, Beta(8, 2)), (0.9, Beta(2, 6)))),
        0,
        1,
        "share",
        "w: how far practice follows words; one in ten is high",
        "source",
        "seed R (Brown: 'only about 10%')",
    )
    monitoring: Trait = _trait(
        Constant(1.0),
        0,
        10,
        "1",
        "multiplier on the optimal monitoring: 0 blind faith, 1 rational",
        "model",
        "model page",
    )
    verify_floor: Trait = _trait(
        Constant(0.0),
        0,
        2,
        "money/month",
        "monitoring kept up whatever the trust ('trust but verify')",
        "model",
        "seed K",
    )
    relational_investment: Trait = _trait(
        Uniform(0.4, 1.0), 0, 3, "1", "spending on people and relations, 1 = joint optimum", "assumed", "seed L"
    )
    session_effort: Trait = _trait(
        Constant(0.0),
        0,
        1,
        "1/month",
        "ε: joint operationalization; rate at which it closes the gap",
        "model",
        "seed R",
    )
    turnover: Trait = _trait(
        Constant(0.015), 0, 1, "1/month", "chance that the key person moves on", "model", "prototype"
    )
    optimism: Trait = _trait(
        Uniform(0.01, 0.6),
        0,
        3,
        "share",
        "how far expectation starts above the plan",
        "source",
        "winner's curse 1–60%: Harrison & March 1984",
    )
    outside_option: Trait = _trait(
        Constant(0.32),
        -5,
        5,
        "money/month",
        "what its resources would earn elsewhere",
        "calibrated",
        "experiments/calibration",
        plausible=(0.25, 0.45),
    )
    professed: Trait = _trait(
        Mixture(((0.85, Normal(0.85, 0.05)), (0.15, Uniform(0.2, 1.0)))),
        0,
        1,
        "share",
        "values it professes, six dimensions; over 80% profess alike",
        "source",
        "Guiso, Sapienza & Zingales 2015",
    )
    default_culture: Trait = _trait(
        Uniform(0.1, 0.9),
        0,
        1,
        "share",
        "what it does when nobody looks, six dimensions",
        "assumed",
        "Sull et al. 2020",
    )
    capacity: Trait = _trait(
        Constant(3), 0, PLACES, "alliances", "how many alliances it can hold (in a market)", "assumed", "model page"
    )
    arrival: Trait = _trait(
        Constant(0), 0, 2400, "month", "month from which it is in the market", "model", "model page"
    )
    vetting: Trait = _trait(
        Constant(0),
        0,
        200,
        "questions",
        "most questions that it asks a candidate before it decides: 0 vets nobody",
        "model",
        "seed R",
    )


VECTOR_TRAITS = ("professed", "default_culture")
"""The traits that have one number per dimension of values; all others are one number."""

SCALAR_TRAITS = tuple(name for name in Traits.model_fields if name not in VECTOR_TRAITS)


def meta(field: FieldInfo) -> dict[str, Any]:
    """Unit, basis, source, low and high of a declared parameter or trait."""
    return dict(field.json_schema_extra)  # type: ignore[arg-type]
