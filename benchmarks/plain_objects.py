"""The engine's start as plain Mesa objects, on which the kernel's month runs with ``NUMBA_DISABLE_JIT=1``.

For a process of its own: importing this changes ``kernel.clear``, and a model changes where the kernel's draws come
from.
"""

from __future__ import annotations

import random
from typing import Any

import mesa

from sim.dynamics import draws, kernel, rules
from sim.dynamics.state import ALLIANCE, LAYERS, N_CAUSES, ORGANIZATION
from sim.engine import LiveRun
from sim.parameters import parameters_dtype
from sim.scenario import Scenario

KEYED_DRAWS = draws.four
EMPTY = {(layer, cause): 0.0 for layer in range(len(LAYERS)) for cause in range(N_CAUSES)}


def clear(entries: list[dict[Any, float]]) -> None:
    """As ``kernel.clear``: a dictionary is the fastest thing in plain Python that ``entries[i, j]`` can address."""
    for side in entries:
        side.update(EMPTY)


kernel.clear = clear


class PlainParameters:
    """The parameters as attributes."""

    __slots__ = parameters_dtype().names

    def __init__(self, record: Any) -> None:
        for name in self.__slots__:
            setattr(self, name, record[name].item())


class PlainAlliance:
    """An alliance with ordinary attributes; fields of two sides are lists."""

    __slots__ = ALLIANCE.names

    def __init__(self, record: Any) -> None:
        for name in self.__slots__:
            setattr(self, name, record[name].tolist())

    def plain(self) -> dict[str, Any]:
        """Every field by name."""
        return {name: getattr(self, name) for name in self.__slots__}


class PlainOrganization(mesa.Agent):
    """An organization with ordinary attributes, which works on the alliances in which it is side A."""

    def __init__(self, model: PlainModel, record: Any) -> None:
        super().__init__(model)
        for name in ORGANIZATION.names or ():
            setattr(self, name, record[name].tolist())
        self.alliances: list[PlainAlliance] = []

    def work(self) -> None:
        """A month of its alliances."""
        model = self.model
        for tie in self.alliances:
            if tie.alive == 1:
                kernel.alliance_month(
                    model.parameters, model.organizations, tie, model.market, model.run_seed, model.replicate,
                    model.steps, model.entries, model.rates,
                )  # fmt: skip


class PlainModel(mesa.Model):
    """A run of a scenario without dated events; no data collection."""

    def __init__(self, scenario: Scenario, seed: int, replicate: int, own_draws: bool) -> None:
        """Build the objects.

        Args:
            scenario, seed, replicate: of the run.
            own_draws: draw from Python's own generator, for the clock, and not from the engine's keyed numbers.

        Raises:
            ValueError: when the scenario has dated events.
        """
        super().__init__(rng=seed)
        start = LiveRun(scenario, seed, replicate)
        if len(start.events):
            raise ValueError("the plain objects know no dated events: choose a scenario without")
        self.run_seed, self.replicate, self.market = seed, replicate, 1.0
        self.parameters = PlainParameters(start.parameters)
        self.organizations = [PlainOrganization(self, record) for record in start.organizations]
        self.alliances = [PlainAlliance(record) for record in start.alliances]
        for tie in self.alliances:
            self.organizations[tie.org[0]].alliances.append(tie)
        self.entries = [dict(EMPTY), dict(EMPTY)]
        self.rates = [0.0] * N_CAUSES
        uniform = random.Random(replicate).random
        draws.four = (lambda *_: (uniform(), uniform(), uniform(), uniform())) if own_draws else KEYED_DRAWS

    def step(self) -> None:
        """A month of everybody."""
        self.agents.do("work")
        kernel.organizations_month(self.parameters, self.organizations)
        self.market = rules.toward(self.market, 1.0, self.parameters.market_recovery)
