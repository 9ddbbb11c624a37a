"""The story of one alliance in plain words: who the partners were, what happened, why trust moved, how it ended.

:func:`story` derives every sentence from the history: states, the ledger of effective trust and the month's events, by
the thresholds in :mod:`sim.study.story.thresholds`. Nothing is random, so the same history always gives the same text.
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

from sim.study.story.beginning import position
from sim.study.story.ending import rounded_ledger
from sim.study.story.life import Life, Signing, most_telling
from sim.study.story.meeting import chosen_contract, interview
from sim.study.story.phases import Phase, phases_of, smoothed
from sim.study.story.talk import communication_if, disclosed, named_causes, unsaid_if
from sim.study.story.telling import Chapter, Story, story
from sim.study.story.thresholds import (
    ALIKE,
    APART,
    ASYMMETRY,
    CLAMPED,
    FRUSTRATION_MOVED,
    GAINED,
    LOST,
    MAIN_PART,
    MOST_PHASES,
    MOVED,
    NOTABLE_CAUSE,
    OFF_EXPECTATION,
    SHORTEST_PHASE,
    STANDS_OUT,
    TAIL,
    TURN,
    WHOLE_PROBLEM,
    WINDOW,
)
from sim.study.story.wording import COLUMNS

__all__ = [
    "ALIKE",
    "APART",
    "ASYMMETRY",
    "CLAMPED",
    "COLUMNS",
    "FRUSTRATION_MOVED",
    "GAINED",
    "LOST",
    "MAIN_PART",
    "MOST_PHASES",
    "MOVED",
    "NOTABLE_CAUSE",
    "OFF_EXPECTATION",
    "SHORTEST_PHASE",
    "STANDS_OUT",
    "TAIL",
    "TURN",
    "WHOLE_PROBLEM",
    "WINDOW",
    "Chapter",
    "Life",
    "Phase",
    "Signing",
    "Story",
    "chosen_contract",
    "communication_if",
    "disclosed",
    "interview",
    "most_telling",
    "named_causes",
    "phases_of",
    "position",
    "rounded_ledger",
    "smoothed",
    "story",
    "unsaid_if",
]
