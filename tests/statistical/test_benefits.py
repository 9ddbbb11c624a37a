"""The six benefits of trust (seed K): each responds to trust, and with its path cut it does not (the placebo test).

Trust is held at one of two levels in runs that share every random draw; what is declared in ``sim.study.benefits`` is
both what is tested here and what docs/benefits.md shows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import CAUSES, EFFECTIVE
from sim.engine import Result, simulate
from sim.intervals import mean_of
from sim.library import find
from sim.parameters import Parameters, Traits
from sim.scenario import Scenario, load
from sim.study import benefits
from sim.study.benefits import ALL, BENEFITS, EVERY_PATH, PATHS, Benefit, response
from sim.study.pages import END, fill, mark, names
from sim.study.patterns.conditions import LESS_TRUST, MORE_TRUST, TRUST_HELD
from tests.builders import market

SEED = 411
REPLICATES = 16
"""Of 75 alliances over 144 months each; effects are many times their standard error."""

EVERY = pytest.mark.parametrize("benefit", ALL, ids=lambda benefit: benefit.name)


@EVERY
def test_a_benefit_responds_to_trust(benefit: Benefit) -> None:
    effect = mean_of(benefit.direction * response(benefit.outcome, {}, REPLICATES, SEED))
    assert effect.low > 0.0


@EVERY
def test_a_benefit_whose_path_is_cut_does_not_respond_to_trust_at_all(benefit: Benefit) -> None:
    assert np.all(response(benefit.outcome, benefit.cut, REPLICATES, SEED) == 0.0)


@EVERY
def test_a_cut_leaves_the_benefit_alive(benefit: Benefit) -> None:
    """Else the placebo would say nothing: an output that cannot vary cannot respond."""
    held = {**TRUST_HELD, **benefit.cut}
    alliances = simulate(load(find("scenarios", "baseline")).with_settings(held), 2, SEED).alliances
    varies = float(np.nanstd(OUTCOMES[benefit.outcome].formula(alliances))) > 1e-3
    assert varies != benefit.cut_stills


def test_the_six_benefits_are_those_of_seed_k_in_its_order() -> None:
    names = [benefit.name for benefit in BENEFITS]
    assert names == [
        "confidence",
        "strategic alignment",
        "predictability",
        "synergy",
        "mutual creativity",
        "performance",
    ]


def test_what_is_declared_exists() -> None:
    known = set(Parameters.model_fields) | set(Traits.model_fields)
    for benefit in ALL:
        assert benefit.outcome in OUTCOMES
        assert set(benefit.cut) <= known
    assert set(EVERY_PATH) <= known


@pytest.mark.parametrize("path", PATHS)
def test_every_path_carries_a_part_of_what_trust_earns(path: str) -> None:
    whole, left = response("surplus", {}, REPLICATES, SEED), response("surplus", PATHS[path], REPLICATES, SEED)
    assert mean_of(whole - left).low > 0.0


@pytest.mark.parametrize("spared", PATHS)
def test_one_path_left_open_is_enough_for_trust_to_pay(spared: str) -> None:
    """So that the zero with every path cut is due to all the cuts and not to one that stops everything."""
    cut = {name: value for path, settings in PATHS.items() if path != spared for name, value in settings.items()}
    assert mean_of(response("surplus", cut, REPLICATES, SEED)).low > 0.0


# ---------------------------------------------------------------------------------------------------------------
# The ledger and the contract: what trust's causes leave, and what trust writes
# ---------------------------------------------------------------------------------------------------------------
RATES: dict[str, dict[str, Any]] = {
    "delivery": {"trust_gain": 0.0},
    "adaptation": {"adaptation_gain": 0.0},
    "hard_talk": {"hard_talk_gain": 0.0},
    "blame": {"blame_weight": 0.0},
    "festering": {"trust_loss": 0.0},
    "being_monitored": {"monitoring_resentment": 0.0},
    "disappointment": {"disappointment_loss": 0.0},
    "people": {"people_rate": 0.0},
    "turnover": {"turnover_trust_loss": 0.0},
    "ties": {"ties_weight": 0.0},
}
"""Every cause of the ledger but breach, a dated event, and bound; and the rate without which it does nothing."""


def entries(cause: str, **settings: Any) -> float:
    """Sum of the sizes of a cause's entries over all layers, with twice the rational control, which offends."""
    scenario: Scenario = load(find("scenarios", "baseline")).with_settings({"monitoring": 2.0, **settings})
    result: Result = simulate(scenario, 2, SEED)
    return float(np.abs(result.ledger[..., CAUSES.index(cause)]).sum())


@pytest.mark.parametrize("cause", RATES)
def test_a_cause_without_its_rate_leaves_nothing_in_the_ledger(cause: str) -> None:
    assert entries(cause) > 0.0
    assert entries(cause, **RATES[cause]) == 0.0


def test_every_cause_has_its_rate() -> None:
    assert set(CAUSES) == set(RATES) | {"breach", "bound"}


@pytest.mark.parametrize("clamped", [False, True])
def test_the_ledger_answers_to_trust_only_while_trust_is_free(clamped: bool) -> None:
    low, high = (
        simulate(load(find("scenarios", "baseline")).replace(trust_start=level, clamp_trust=clamped), 4, SEED)
        for level in (LESS_TRUST, MORE_TRUST)
    )
    difference = np.abs(high.ledger[..., EFFECTIVE, :] - low.ledger[..., EFFECTIVE, :]).sum()
    assert (difference == 0.0) == clamped


def chosen_tightness(**settings: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Tightness of the contracts of the first month of a market, (contracts,): all between strangers."""
    scenario = market(months=1, organizations=40, vetting=0, trust_start_sd=0.0, **settings)
    alliances = simulate(scenario, 4, SEED).alliances
    return np.asarray(alliances.tightness[alliances.exists == 1])


def test_a_contract_is_lighter_with_trust_when_it_is_chosen() -> None:
    wary, trusting = (chosen_tightness(trust_start=level) for level in (0.45, 0.75))
    assert len(wary) == len(trusting) > 20
    assert np.all(trusting < wary)


def test_a_contract_that_is_given_does_not_answer_to_trust() -> None:
    wary, trusting = (chosen_tightness(trust_start=level, choose_contract=False) for level in (0.45, 0.75))
    assert np.array_equal(wary, trusting)


# ---------------------------------------------------------------------------------------------------------------
# The page
# ---------------------------------------------------------------------------------------------------------------
def test_the_measured_tables_name_every_benefit_and_every_path(tmp_path: Path) -> None:
    page = tmp_path / "benefits.md"
    blocks = [f"{mark(name)}\nold\n{END}" for name in (benefits.MEASURED, benefits.MEASURED_PATHS)]
    page.write_text("\n".join(["before", *blocks, "after\n"]), encoding="utf-8")
    benefits.main(["--write", str(page)], replicates=2)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert all(f"| {benefit.name} |" in text for benefit in ALL)
    assert all(f"| {path} |" in text for path in PATHS)
    assert text.count("0 exactly") == len(ALL)


def test_a_block_is_filled_between_its_own_marks() -> None:
    page = f"a\n{mark('one')}\n{END}\nb\n{mark('two')}\nold\n{END}\n"
    filled = fill(page, {"two": ["new \\1"], "one": ["1", "2"]})
    assert filled == f"a\n{mark('one')}\n\n1\n2\n\n{END}\nb\n{mark('two')}\n\nnew \\1\n\n{END}\n"
    assert fill(filled, {"two": ["new \\1"]}) == filled
    assert names(filled) == ["one", "two"]


def test_a_page_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="found 0 times"):
        fill("no marks", {"one": []})


def test_other_arguments_are_refused() -> None:
    with pytest.raises(SystemExit, match="usage"):
        benefits.main(["--no"])


def test_nothing_in_a_month_reads_trust_but_by_a_path_that_is_named() -> None:
    """With every path cut, runs that differ by trust alone leave the same money, to the last bit."""
    held = {**TRUST_HELD, **EVERY_PATH}
    low, high = (
        simulate(load(find("scenarios", "baseline")).with_settings({"trust_start": level, **held}), 2, SEED)
        for level in (0.2, 0.9)
    )
    assert np.array_equal(low.alliances.value, high.alliances.value)
    assert not np.array_equal(low.alliances.effective, high.alliances.effective)
