"""alliance-trust: how trust grows, holds and collapses in alliances between organizations.

Start with :func:`sim.scenario.load`, :func:`sim.engine.simulate` and :func:`sim.engine.simulate_history`; the agents
for Mesa are in :mod:`sim.agents`. Nothing else is imported here, so that ``alliance --help`` answers at once.
"""

from sim import loaded as loaded  # before anything else of the package: it notes what the files are
