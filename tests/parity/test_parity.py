"""One rule set, many doors: compiled or not, alone or among others, by sweep or step by step, the same bits."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sim.dynamics.state import FESTERING, HARD_TALK
from sim.engine import LiveRun, simulate, simulate_history
from tests.builders import busy, market
from tests.parity.run_once import REPLICATE, SEED, WORLDS, run_once

ROOT = Path(__file__).resolve().parents[2]


SCENARIOS = pytest.mark.parametrize("scenario", [busy(), market()], ids=["busy", "market"])


@pytest.fixture(scope="module")
def compiled() -> dict[str, np.ndarray]:
    """The arrays of :func:`run_once` from the compiled core."""
    return run_once()


@pytest.fixture(scope="module")
def plain_python(tmp_path_factory) -> tuple[dict[str, np.ndarray], str]:
    """The arrays of :func:`run_once` from a process in which nothing is compiled, and what it wrote to stderr."""
    file = tmp_path_factory.mktemp("parity") / "plain.npz"
    done = subprocess.run(
        [sys.executable, "-W", "always", "-m", "tests.parity.run_once", str(file)],
        cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with np.load(file) as found:
        return dict(found), done.stderr


def differing(one: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Fields that differ in a bit, with the largest difference; a plain array is one field without a name."""
    names = one.dtype.names or ("",)
    pairs = {name: (one[name], other[name]) if name else (one, other) for name in names}
    return {name: float(np.abs(x - y).max()) for name, (x, y) in pairs.items() if x.tobytes() != y.tobytes()}


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("name", ["organizations", "alliances", "ledger", "monthly_ledger", "moments", "histogram"])
def test_compiled_and_plain_python_give_the_same_bits(compiled, plain_python, world, name):
    here, there = compiled[f"{world} {name}"], plain_python[0][f"{world} {name}"]
    assert here.shape == there.shape
    assert differing(here, there) == {}


def test_plain_python_runs_without_a_warning(plain_python):
    """No overflow, division by zero or NaN: a user who debugs the rules in plain Python sees nothing amiss."""
    warnings = {line for line in plain_python[1].splitlines() if "Warning" in line}
    assert warnings == set()


@pytest.mark.parametrize("world", WORLDS)
def test_the_compared_run_uses_every_mechanism(world):
    """Else equal bits would prove little."""
    history = simulate_history(WORLDS[world], SEED, REPLICATE)
    a, orgs = history.alliances, history.organizations[-1]
    for name in ("contingencies", "met_together", "hard_talks", "blames", "festered", "shirks", "written_off",
                 "know_how", "misreading", "forecast_error", "start_cost", "delegated"):  # fmt: skip
        assert a[name][-1].sum() > 0, name
    assert set(np.unique(a.problem)) == {0, 1, 2, 3, 4}
    assert {HARD_TALK, FESTERING} <= set(np.unique(a.talk))
    assert a.turnover.sum() > 0
    assert (a.monitoring > 0).any()
    assert (a.cause[-1] != 0).any()
    assert (orgs.reputation != 0.5).any()
    if world == "market":
        assert (a.earlier[-1] > 0).any()
        assert (a.vetting_cost[-1] > 0).any()
        assert (a.tightness[-1] > 0).any()
        assert (orgs.interviews > orgs.accepted).any()
        assert orgs.mistakes.sum() > 0


@SCENARIOS
def test_a_replicate_is_the_same_alone_and_among_fifty(scenario):
    among = simulate(scenario, 50, seed=9)
    outcomes, ledgers = among.runs(), among.ledger_means()
    for replicate in (0, 31, 49):
        alone = simulate(scenario, [replicate], seed=9)
        count = alone.alliances.shape[1]  # in a market, the rows beyond are empty
        assert not among.alliances.exists[replicate, count:].any()
        assert not among.ledger[replicate, count:].any()
        assert differing(np.asarray(alone.organizations)[0], np.asarray(among.organizations)[replicate]) == {}
        assert differing(np.asarray(alone.alliances)[0], np.asarray(among.alliances)[replicate, :count]) == {}
        assert differing(alone.ledger[0], among.ledger[replicate, :count]) == {}
        assert differing(alone.moments[0], among.moments[replicate]) == {}
        assert alone.runs().equals(outcomes.iloc[[replicate]].reset_index(drop=True))
        assert differing(alone.ledger_means()[0], ledgers[replicate]) == {}


def signed(result) -> bytes:
    """The alliances of all replicates one after the other, without the empty rows that pad a market."""
    return result.alliances[result.alliances.exists == 1].tobytes()


@SCENARIOS
def test_the_order_and_the_chunks_of_replicates_do_not_matter(scenario):
    whole = simulate(scenario, 20, seed=9)
    backwards = simulate(scenario, range(19, -1, -1), seed=9)
    assert backwards.alliances[::-1].tobytes() == whole.alliances.tobytes()
    assert (backwards.histogram == whole.histogram).all()
    chunks = [simulate(scenario, range(first, first + 5), seed=9) for first in range(0, 20, 5)]
    assert b"".join(signed(chunk) for chunk in chunks) == signed(whole)
    assert (sum(chunk.histogram for chunk in chunks) == whole.histogram).all()


@SCENARIOS
def test_threads_give_the_same_bits(scenario):
    whole = simulate(scenario, 16, seed=9)
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda first: simulate(scenario, range(first, first + 2), seed=9), range(0, 16, 2)))
    assert b"".join(signed(part) for part in parts) == signed(whole)


@SCENARIOS
def test_sweep_history_and_single_steps_are_the_same_run(scenario):
    result = simulate(scenario, 5, seed=9)
    for replicate in range(5):
        history = simulate_history(scenario, 9, replicate)
        live = LiveRun(scenario, 9, replicate)
        for month in range(1, scenario.months + 1):
            live.step()
            count = len(live.alliances)
            assert live.alliances.tobytes() == history.alliances[month, :count].tobytes()
            assert not history.alliances.exists[month, count:].any()
            assert live.month_ledger.tobytes() == history.ledger[month - 1, :count].tobytes()
            assert live.market == history.market[month]
        assert live.alliances.tobytes() == result.alliances[replicate, :count].tobytes()
        assert live.organizations.tobytes() == result.organizations[replicate].tobytes()
        assert (live.ledger == result.ledger[replicate, :count]).all()


def test_another_seed_or_replicate_gives_another_run():
    scenario = busy()
    first = simulate(scenario, 2, seed=9).alliances
    assert first[0].tobytes() != first[1].tobytes()
    assert first[0].tobytes() != simulate(scenario, 1, seed=10).alliances[0].tobytes()
    assert first[0].tobytes() != simulate(scenario, 1, seed=9 + 2**32).alliances[0].tobytes()


def test_scenarios_share_every_draw_that_both_make():
    """Common random numbers: the same shocks and the same starting trust, whatever the parameter."""
    one, other = (simulate_history(busy(trust_gain=gain), 9) for gain in (0.05, 0.06))
    assert (one.alliances.trust[0] == other.alliances.trust[0]).all()
    assert (one.alliances.chemistry[0] == other.alliances.chemistry[0]).all()
    both = one.alliances.alive[:-1] & other.alliances.alive[:-1]
    happened = [h.alliances.contingency[1:][both == 1] for h in (one, other)]
    assert (happened[0] > 0).tolist() == (happened[1] > 0).tolist()
    assert (one.alliances.trust[-1] != other.alliances.trust[-1]).any()
