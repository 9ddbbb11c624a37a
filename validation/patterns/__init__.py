"""What must come out: the statements of the model page, each measured as an effect with its 95% interval.

``python -m validation.patterns`` prints the table of docs/validation.md; the tests of ``tests/statistical`` hold those
statements that are found to hold. In the order of reading:

================= ===================================================================================================
module            holds
================= ===================================================================================================
``claims``        how a statement is stated and judged: a claim, the effect found of it, the same without its mechanism
``conditions``    conditions under which several statements are measured
``values``        1 professed and practised values, 10 joint operationalization
``communication`` 2 trust and communication, 7 framing
``governance``    3 monitoring, 4 trust and the unforeseen
``relations``     5 investing in relations, 6 chemistry and people
``market``        8 reputation, 9 vetting
``expectations``  11 AOL Time Warner, 12 optimism
``against_null``  what partners who merely learn do too (:mod:`validation.null`), and what they cannot
``page``          all of it measured, as the table of docs/validation.md
================= ===================================================================================================

How effects are measured on runs of the shipped scenarios is in :mod:`validation.effects`.
"""

from __future__ import annotations

from validation.patterns.against_null import AGAINST_NULL
from validation.patterns.claims import Claim
from validation.patterns.communication import FRAMING, TRUST_AND_COMMUNICATION
from validation.patterns.expectations import CLASH_AND_CRASH, OPTIMISM
from validation.patterns.governance import MONITORING, TRUST_AND_THE_UNFORESEEN
from validation.patterns.market import REPUTATION, VETTING
from validation.patterns.relations import CHEMISTRY_AND_PEOPLE, INVESTING_IN_RELATIONS
from validation.patterns.values import JOINT_OPERATIONALIZATION, PROFESSED_AND_PRACTISED

STATEMENTS: dict[int, tuple[Claim, ...]] = {
    1: PROFESSED_AND_PRACTISED,
    2: TRUST_AND_COMMUNICATION,
    3: MONITORING,
    4: TRUST_AND_THE_UNFORESEEN,
    5: INVESTING_IN_RELATIONS,
    6: CHEMISTRY_AND_PEOPLE,
    7: FRAMING,
    8: REPUTATION,
    9: VETTING,
    10: JOINT_OPERATIONALIZATION,
    11: CLASH_AND_CRASH,
    12: OPTIMISM,
}
"""The claims of each statement, by its number on the model page."""

__all__ = ["AGAINST_NULL", "STATEMENTS", "Claim"]
