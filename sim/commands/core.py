"""Getting the compiled core ready before something is timed or shown."""

from __future__ import annotations


def prepare(quiet: bool) -> None:
    """Compile the core when this machine has not done so before: it takes a while, only once, and says so itself."""
    from sim.dynamics.compiled import first_use, is_cached

    first_use.quiet = quiet
    if not is_cached():
        _run_a_month()


def _run_a_month() -> None:
    """The smallest run of both kinds calls, and so compiles, every function of the core but the market's."""
    from sim.engine import simulate, simulate_history
    from sim.scenario import TEXTS, Scenario

    smallest = Scenario.from_plain({**dict.fromkeys(TEXTS, "the smallest run"), "months": 1, "organizations": 2})
    simulate(smallest, replicates=1)
    simulate_history(smallest)
