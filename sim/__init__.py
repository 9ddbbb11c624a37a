"""alliance-trust: how trust grows, holds and collapses in alliances between organizations.

The front door::

    from sim import compare, load

    base = load("baseline")
    compare({"base": base, "no blame": base.replace(blame=0.1)}).contrasts

What is listed in :data:`__all__` is public and stays; each name is explained where it is defined, by
``help(sim.compare)`` and in ``docs/python.md``. A name is loaded when it is first asked for, so that ``import sim`` and
``alliance --help`` answer at once. What else is found in the modules serves these and the command, and may change.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sim import loaded as loaded  # before anything else of the package: it notes what the files are

if TYPE_CHECKING:
    from sim.agents import AllianceModel as AllianceModel
    from sim.asking import compare as compare
    from sim.asking import panel as panel
    from sim.asking import sobol as sobol
    from sim.dynamics.outcomes import OUTCOMES as OUTCOMES
    from sim.engine import History as History
    from sim.engine import LiveRun as LiveRun
    from sim.engine import Result as Result
    from sim.engine import simulate as simulate
    from sim.engine import simulate_history as simulate_history
    from sim.parameters import Parameters as Parameters
    from sim.parameters import Traits as Traits
    from sim.scenario import Scenario as Scenario
    from sim.scenario import load as load
    from sim.study.story import story as story
    from sim.study.whatif import whatif as whatif
    from sim.sweeps.design import Experiment as Experiment
    from sim.sweeps.design import load_experiment as load_experiment
    from sim.sweeps.reading import read_results as read_results
    from sim.sweeps.runner import run_experiment as run_experiment
    from sim.tomlfile import BadFile as BadFile

    __version__: str

_ROOMS = {
    "load": "sim.scenario",
    "Scenario": "sim.scenario",
    "Parameters": "sim.parameters",
    "Traits": "sim.parameters",
    "simulate": "sim.engine",
    "simulate_history": "sim.engine",
    "LiveRun": "sim.engine",
    "Result": "sim.engine",
    "History": "sim.engine",
    "Experiment": "sim.sweeps.design",
    "load_experiment": "sim.sweeps.design",
    "run_experiment": "sim.sweeps.runner",
    "read_results": "sim.sweeps.reading",
    "study": "sim.asking",  # a package of this name hides it until its rooms are moved
    "compare": "sim.asking",
    "panel": "sim.asking",
    "whatif": "sim.study.whatif",
    "story": "sim.study.story",
    "sobol": "sim.asking",
    "OUTCOMES": "sim.dynamics.outcomes",
    "AllianceModel": "sim.agents",
    "BadFile": "sim.tomlfile",
}
"""Where each public name is defined."""

__all__ = [*_ROOMS, "__version__"]


def __getattr__(name: str) -> Any:
    """A public name, loaded when it is first asked for (PEP 562)."""
    if name == "__version__":
        return loaded.version()
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(_ROOMS[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def in_a_notebook(thing: object) -> str:
    """What a notebook shows of a scenario, a result, a history or a comparison, as HTML (:mod:`sim.notebook`)."""
    shown: str = importlib.import_module("sim.notebook").html_of(thing)
    return shown
