"""Governance: statements 3 (monitoring) and 4 (trust where no contract reaches)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from sim.engine import Result
from sim.intervals import Interval, mean_of, ratio_of
from sim.study.effects import Floats, Settings, correlations, gain, last_trust, outcome, run, total_value
from sim.study.patterns.claims import BELOW_ZERO, REMAINS, Claim
from sim.study.patterns.conditions import LESS_TRUST, LOW_INTEGRITY, MORE_TRUST, SOUND, TRUST_HELD


# ---------------------------------------------------------------------------------------------------------------
# 3 Monitoring
# ---------------------------------------------------------------------------------------------------------------
def monitoring_cost(result: Result) -> Floats:
    """Money a month that an alliance spends on monitoring, mean of each replicate, (R,)."""
    return np.asarray((result.alliances.monitoring_cost / result.alliances.age).mean(1))


def monitoring_cost_by_trust(seed: int, replicates: int, **settings: Any) -> Interval:
    """Money a month on monitoring, more against less trust at the signature."""
    less, more = (run(seed, replicates, trust_start=level, **settings) for level in (LESS_TRUST, MORE_TRUST))
    return mean_of(monitoring_cost(more) - monitoring_cost(less))


def monitoring_pays(seed: int, replicates: int, effort: float, against: float, **settings: Any) -> Interval:
    """Money over life, one effort on monitoring against another, both as multiples of the rational one."""
    return mean_of(gain(seed, replicates, "value", {"monitoring": effort}, {"monitoring": against}, **settings))


def harm_of_control(seed: int, replicates: int, **settings: Any) -> Interval:
    """Money a month before the cost of monitoring, twice the rational effort against it, trusting sound partners."""
    partners: Settings = {"integrity": SOUND, "trust_start": 0.8}
    twice, rational = (run(seed, replicates, monitoring=effort, **partners, **settings) for effort in (2.0, 1.0))
    return mean_of(_value_before_monitoring(twice) - _value_before_monitoring(rational))


def _value_before_monitoring(result: Result) -> Floats:
    return outcome(result, "value_per_month") + monitoring_cost(result)


MONITORING = (
    Claim(
        "monitoring cost falls with trust",
        f"money a month on monitoring, trust at the signature {MORE_TRUST} against {LESS_TRUST}",
        monitoring_cost_by_trust,
        expected=BELOW_ZERO,
        off="effort fixed at 0.065 whatever the trust",
        without={"monitoring": 0.0, "verify_floor": 0.065},
    ),
    Claim(
        "with partners of low integrity, blind faith destroys value",
        "money over life, no monitoring against the rational effort, integrity Beta(2, 6)",
        partial(monitoring_pays, effort=0.0, against=1.0, integrity=LOW_INTEGRITY),
        expected=BELOW_ZERO,
        off="nobody shirks (shirk_rate 0)",
        without={"shirk_rate": 0.0},
    ),
    Claim(
        "with trusting, sound partners, control beyond the optimum destroys more value than it costs",
        "money a month before the cost of monitoring, twice the rational effort against it, integrity Beta(12, 1), "
        "trust 0.8 at the signature",
        harm_of_control,
        expected=BELOW_ZERO,
        off="control neither offends nor hides good conduct (monitoring_resentment 0, control_attribution 0)",
        without={"monitoring_resentment": 0.0, "control_attribution": 0.0},
    ),
    Claim(
        "less than the optimum is worse",
        "money over life, the rational effort against half of it",
        partial(monitoring_pays, effort=1.0, against=0.5),
        off="nobody shirks (shirk_rate 0)",
        without={"shirk_rate": 0.0},
    ),
    Claim(
        "more than the optimum is worse",
        "money over life, the rational effort against twice of it",
        partial(monitoring_pays, effort=1.0, against=2.0),
    ),
)
"""3. Monitoring falls with trust; too much and too little of it cost, with an optimum between."""


# ---------------------------------------------------------------------------------------------------------------
# 4 Trust and the unforeseen
# ---------------------------------------------------------------------------------------------------------------
STORMY: Settings = {"market_volatility": 0.18}
"""Three times the usual shocks of the market."""


def adaptation_worth(result: Result) -> Floats:
    """Value made less value lost on uncovered contingencies, money/month, mean of each replicate, (R,)."""
    a, p = result.alliances, result.scenario.parameters
    worth = p.creativity_value * a.met_together - p.contingency_loss * (a.contingencies - a.met_together)
    return np.asarray((worth / a.age).mean(1))


def marginal_worth(seed: int, replicates: int, **settings: Any) -> Floats:
    """What more trust held than less is worth a month through adaptation, money, (R,)."""
    less, more = (
        run(seed, replicates, trust_start=level, **TRUST_HELD, **settings) for level in (LESS_TRUST, MORE_TRUST)
    )
    return adaptation_worth(more) - adaptation_worth(less)


def worth_of_trust(seed: int, replicates: int, **settings: Any) -> Interval:
    """What trust is worth a month through adaptation, money."""
    return mean_of(marginal_worth(seed, replicates, **settings))


def rise_of_worth(seed: int, replicates: int, uncovered: Settings, **settings: Any) -> Interval:
    """By how much that worth rises when settings leave more contingencies uncovered, money/month."""
    more = marginal_worth(seed, replicates, **uncovered, **settings)
    return mean_of(more - marginal_worth(seed, replicates, **settings))


def change_of_worth_in_storms(seed: int, replicates: int) -> Interval:
    """Relative change of that worth when the market is stormy."""
    stormy, usual = marginal_worth(seed, replicates, **STORMY), marginal_worth(seed, replicates)
    return ratio_of(stormy - usual, usual)


def change_of_correlation_in_storms(seed: int, replicates: int) -> Interval:
    """Change of the correlation of trust held with value, over alliances, when the market is stormy."""
    stormy, usual = (run(seed, replicates, **TRUST_HELD, **market) for market in (STORMY, {}))
    return mean_of(
        correlations(last_trust(stormy), total_value(stormy)) - correlations(last_trust(usual), total_value(usual))
    )


TRUST_AND_THE_UNFORESEEN = (
    Claim(
        "trust is worth something through adaptation",
        f"money a month on contingencies, trust held at {MORE_TRUST} against {LESS_TRUST}, nobody leaving",
        worth_of_trust,
        off="the contract covers everything (φ = 1)",
        without={"contract_tightness": 5.0, "contract_cap": 1.0, "contract_scale": 0.1},
    ),
    Claim(
        "it vanishes as ν goes to 0",
        "as above",
        worth_of_trust,
        off="no contingencies (ν = 0)",
        without={"contingency_rate": 0.0},
    ),
    Claim(
        "it grows with the rate of contingencies",
        "as above, ν = 0.24 against 0.12",
        partial(rise_of_worth, uncovered={"contingency_rate": 0.24}),
        off="adapting does not depend on trust (adapt_trust 0)",
        without={"adapt_trust": 0.0},
    ),
    Claim(
        "it grows as the contract covers less",
        "as above, φ = 0 against 0.5",
        partial(rise_of_worth, uncovered={"contract_tightness": 0.0}),
        off="adapting does not depend on trust (adapt_trust 0)",
        without={"adapt_trust": 0.0},
    ),
    Claim(
        "market shocks leave its marginal value alone and blur its correlation",
        "relative change of that worth, market_volatility 0.18 against 0.06",
        change_of_worth_in_storms,
        expected=(-REMAINS, REMAINS),
        off="(the counterpart) change of the correlation of trust with value",
        counterpart=change_of_correlation_in_storms,
        gone=BELOW_ZERO,
    ),
)
"""4. Trust is worth the more through adaptation, the more happens that no contract covers."""
