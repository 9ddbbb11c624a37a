"""The story of one alliance in plain words: who the partners were, what happened, why trust moved, how it ended.

:func:`story` derives every sentence from the history: states, the ledger of effective trust and the month's events, by
the thresholds in ``story/thresholds.py``. Nothing is random, so the same history always gives the same text.
"Because" stands only where the ledger says so, or where the model's equation, run again without the reason, loses most
of the change. In a market the story also tells how the two met and what each did afterwards.

Months in the text are months of the run. The age of an alliance counts from its signature; the two differ for an
alliance that was formed during the run, and its headings then give both.

============== ======================================================================================================
module         tells
============== ======================================================================================================
``telling``    the whole story, as text and as Markdown
``life``       one alliance's part of a history, and which one is worth telling
``phases``     how a life is divided into phases
``beginning``  the partners and their hopes
``meeting``    the market: search, interviews, reputation, contract
``course``     a phase: trust, its causes, talk, know-how, results
``events``     the notable events of a phase
``talk``       the loop between talk and trust, with counterfactuals
``ending``     the end, what came after, the worth, the ledger
``thresholds`` what is notable, and the words for causes
``wording``    how numbers, months and lists are written
============== ======================================================================================================
"""

from sim.analysis.story.life import Life, most_telling
from sim.analysis.story.phases import Phase, phases_of
from sim.analysis.story.telling import Chapter, Story, story

__all__ = ["Chapter", "Life", "Phase", "Story", "most_telling", "phases_of", "story"]
