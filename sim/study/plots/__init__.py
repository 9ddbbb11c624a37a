"""Figures of a result folder and of a single history. Each is one function from tables to a Matplotlib ``Figure``.

====================== ==============================================================================================
figure                 shows
====================== ==============================================================================================
``trajectories``       trust, communication, result and the share still going on, month by month, a line a cell
``survival``           how many alliances go on and what ended the others, with the month by which half have ended
``value_distribution`` net value of the alliances at the horizon: shape, mean, 5% to 95%, share that lost money
``trust_humps``        distribution of trust at several months: one hump, or two
``ledger``             what built and what destroyed trust, by cause, a bar a cell
``contrasts``          differences from the reference with their 95% intervals, a panel an outcome
``heat_map``           the mean of an outcome by two factors
``history``            one alliance, or the mean of all, month by month, with what happened when
``history_ledger``     what each cause has added to trust and taken from it in that history
``whatif``             a history as it was and otherwise, month by month, and the ledger of the difference
``network``            who is allied with whom at some months of a history, and how much each trusts the other
====================== ==============================================================================================

The figures of vetting and of the closed forms are in ``plots.vetting`` and ``plots.theory``, those of single analyses
in ``plots.sensitivity``, ``plots.lifetimes``, ``plots.discovery`` and ``plots.tipping``. ``draw_all`` draws
every figure that a result folder has the data for; ``save`` writes one as PNG and SVG; ``happenings`` counts what the
figure of a history marks.

No figure depends on the state of ``pyplot``. Colours are those of Okabe and Ito (safe for the colour-blind); lines also
differ in their dashes and areas in their hatches, so that a figure reads in grey. The title says what came out, the
caption under the figure what its lines and bands are.
"""

from sim.study.plots import backend as backend  # isort: skip # before anything else imports Matplotlib
from sim.study.plots.comparisons import contrasts, heat_map, ledger
from sim.study.plots.distributions import trust_humps, value_distribution
from sim.study.plots.files import draw_all
from sim.study.plots.frame import save
from sim.study.plots.histories import happenings, history, history_ledger
from sim.study.plots.network import network
from sim.study.plots.over_time import survival, trajectories
from sim.study.plots.whatif import whatif

__all__ = [
    "contrasts",
    "draw_all",
    "happenings",
    "heat_map",
    "history",
    "history_ledger",
    "ledger",
    "network",
    "save",
    "survival",
    "trajectories",
    "trust_humps",
    "value_distribution",
    "whatif",
]
