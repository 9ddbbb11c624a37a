"""Getting the compiled core ready before something is timed or shown."""

from __future__ import annotations

import time

from sim.commands.output import duration, say


def prepare(quiet: bool) -> None:
    """Compile the core when this machine has not done so before, and say so: it takes a while, and only once."""
    from sim.dynamics.compiled import is_cached

    if is_cached():
        return
    say("compiling the core (once, about 25 s) …", quiet)
    start = time.perf_counter()
    _run_a_month()
    say(f"compiled in {duration(time.perf_counter() - start)}", quiet)


def _run_a_month() -> None:
    """The smallest run of both kinds calls, and so compiles, every function of the core."""
    from sim.engine import simulate, simulate_history
    from sim.scenario import TEXTS, Scenario

    smallest = Scenario.from_plain({**dict.fromkeys(TEXTS, "the smallest run"), "months": 1, "organizations": 2})
    simulate(smallest, replicates=1)
    simulate_history(smallest)
