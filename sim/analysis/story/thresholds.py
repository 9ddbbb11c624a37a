"""What is told and how it is called: every threshold of a story, and the words for causes, traits and clamps."""

from __future__ import annotations

WINDOW = 5
"""Months of the centred mean that smooths trust before phases are looked for; fewer at the two ends."""
TURN = 0.08
"""A phase is cut where smoothed trust departs this far from the straight line between the phase's ends."""
SHORTEST_PHASE = 6
"""Months; a cut that would leave less on one side is not made."""
MOST_PHASES = 5
"""The largest departures are cut first, so what is left uncut is the smallest."""

MOVED = 0.05
"""Trust rose or fell in a phase when its ends differ by this much; else it held."""
FAST = 0.02
"""Trust moved fast when it rose or fell by this much a month."""
WAVERED = 0.20
"""Trust that held, but whose highest and lowest month are this far apart, went up and down."""
NOTABLE_CAUSE = 0.02
"""A cause is named when it moved a partner's trust by this much in a phase."""
MOST_CAUSES = 2
"""Causes named each way, gains and losses, for a partner in a phase."""
NOTABLE_EVENT = 0.02
"""Events of one kind are told when together they moved trust (mean of both) by this much in a phase."""
MOST_EVENTS = 4
"""Kinds of events told in a phase, the weightiest; dated events come on top."""
TALK_MOVED = 0.08
"""Communication rose or fell in a phase when its ends differ by this much."""
MAIN_PART = 0.5
"""Something is called the reason when it explains at least this part of a change."""
FEW_PROBLEMS = 4
"""With fewer problems than this in a phase, what became of them is neither counted nor compared."""
WHOLE_PROBLEM = 1.0
"""More is unsaid "so", because less is talked, when the equations alone leave this many more problems unsaid."""
SHARE_MOVED = 0.10
"""The share of problems left unsaid changed between two phases when it differs by this much."""
GAP_MOVED = 0.08
"""The working gap narrowed or widened in a phase when its ends differ by this much."""
ASYMMETRY = 0.15
"""One partner trusts more than it is trusted when the two differ by this much at the end of a phase."""
OFF_EXPECTATION = 0.10
"""Results are set against expectation when they differ by this part of the plan."""
FRUSTRATION_MOVED = 0.10
"""Frustration of a partner is told when it changed by this much in a phase."""
KNOW_HOW_MOVED = 0.15
"""Shared know-how grew or shrank in a phase when its ends differ by this much."""
LEFT_MOVED = 0.10
"""More or less was left to the absent partner (delegation) when the ends of a phase differ by this share."""
READING_MOVED = 0.08
"""The partners came to read each other better or worse when mean misreading differs by this much between the ends."""
NEUTRAL = 0.5
"""The reputation of an organization of which nothing is known."""
FAMOUS = 0.05
"""A reputation is good or poor when it differs from the neutral one by this much."""
OTHER_CONTRACT = 0.05
"""A contract is lighter or tighter than between ordinary strangers when its tightness differs by this much."""
TAIL = 0.25
"""A partner stands out in a trait when it is in this tail of its kind: the organizations that the scenario draws."""
ALIKE, APART = 0.15, 0.30
"""Values closer than the first are nearly the same, farther than the second far apart; root mean square, [0, 1]."""
POPULATION = 1000
"""Points at which the distribution of a trait is read."""

GAINED = {
    "delivery": "good work",
    "adaptation": "adapting to the unforeseen",
    "hard_talk": "problems talked through",
    "turnover": "distrusted people moving on",
    "people": "trust between people that passed on to the organization",
    "ties": "the changing weight of personal ties",
    "bound": "the limit at 0",
}
"""Causes that built trust, in words."""
LOST = {
    "blame": "blame",
    "festering": "problems left unsaid",
    "breach": "the breach of faith",
    "being_monitored": "being watched too closely",
    "disappointment": "results short of what was expected",
    "turnover": "trusted people moving on",
    "people": "distrust between people that passed on to the organization",
    "ties": "the changing weight of personal ties",
    "bound": "the limit at 1",
}
"""Causes that destroyed trust, in words."""
STANDS_OUT = {
    "openness": ("less open", "more open"),
    "integrity": ("lower in integrity", "higher in integrity"),
    "blame": ("slower to blame", "quicker to blame"),
    "operationalization": ("worse at practising what it professes", "better at practising what it professes"),
}
"""What a partner in the lower or the upper tail of a trait is."""
CLAMPED = {
    "clamp_trust": "trust",
    "clamp_communication": "communication",
    "clamp_ties": "ties between people",
    "clamp_gap": "the working gap",
    "clamp_expectation": "expectations",
    "clamp_frustration": "frustration",
    "clamp_monitoring": "monitoring",
}
"""What each clamp holds fixed."""
CUTS_A_PHASE = ("breach", "turnover", "crash")
"""Kinds of dated events that begin a phase; the others work slowly and are only told."""
