"""What if: the same history with something kept from happening, left out, added or set, and both futures side by side.

A counterfactual here is a second run of the same scenario, seed and replicate in which one thing is changed. Every
random number is keyed by who, when and what for (:mod:`sim.dynamics.draws`), so both runs meet the same chances, and
until the month of the change they are the same run, bit for bit; :func:`check_same_past` makes sure of it each time.

What is changed:

* :class:`KeptAway`: something that the model brought about in an alliance (blame, friction, the end …) does not happen;
* :class:`LeftOut`: a dated event of the scenario does not happen; :class:`Added`: another one does;
* :class:`SetFrom`: a trait or a parameter has another value from a month on.

The difference between both futures is taken apart by the ledger of trust. Its entries add up to trust in each run, so
the differences of its entries add up to the difference of trust. How much of it comes about because the partners then
talk more, or less, is found by a third run: the change is made, and communication is held to what it was.

============== ======================================================================================================
module         holds
============== ======================================================================================================
``changes``    what can be different, checked against the scenario and the history
``worlds``     the run of the other world, and the check that the past is the same
``comparison`` both worlds side by side in tables, the ledger of their difference; :func:`whatif`
``ledger``     the entries of one world, and the ledger of a difference as it is shown
``words``      a comparison in words
``effect``     the mean effect of a change over replicates
============== ======================================================================================================
"""

from sim.study.whatif.changes import (
    Added,
    BadChange,
    Change,
    DidNotHappen,
    KeptAway,
    LeftOut,
    Plan,
    SetFrom,
    cannot_act,
    dated_events,
    happened,
    plan_of,
)
from sim.study.whatif.comparison import ALL, STATES, Comparison, Match, states, whatif
from sim.study.whatif.effect import OUTCOMES_OF_AN_EFFECT, Effect, effect_of
from sim.study.whatif.ledger import START, WAYS, cause_words, rounded
from sim.study.whatif.words import courses_in_words
from sim.study.whatif.worlds import check_same_past

__all__ = [
    "ALL",
    "OUTCOMES_OF_AN_EFFECT",
    "START",
    "STATES",
    "WAYS",
    "Added",
    "BadChange",
    "Change",
    "Comparison",
    "DidNotHappen",
    "Effect",
    "KeptAway",
    "LeftOut",
    "Match",
    "Plan",
    "SetFrom",
    "cannot_act",
    "cause_words",
    "check_same_past",
    "courses_in_words",
    "dated_events",
    "effect_of",
    "happened",
    "plan_of",
    "rounded",
    "states",
    "whatif",
]
