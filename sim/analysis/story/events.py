"""The notable events of a phase in words: those that moved trust, and the scenario's dated ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sim.analysis.story.life import Life
from sim.analysis.story.phases import Phase
from sim.analysis.story.thresholds import MOST_EVENTS, NOTABLE_EVENT
from sim.analysis.story.wording import decimals, joined, months_long, possessive
from sim.dynamics.state import (
    BAD_WORK,
    BLAME,
    BY_ADAPTATION,
    BY_BLAME,
    BY_BREACH,
    BY_FESTERING,
    BY_HARD_TALK,
    BY_TIES,
    BY_TURNOVER,
    FESTERING,
    FRICTION,
    HARD_TALK,
    NOTHING,
    PROBLEMS,
    REFUSAL,
    SHIRKING,
)
from sim.scenario import Event


@dataclass
class _Kind:
    """Events of one kind in a phase: their months by what became of them, and by how much they moved trust."""

    months: dict[int, list[int]]  # by fate, one of TALKS
    weight: float = 0.0

    @property
    def first(self) -> int:
        return min(months[0] for months in self.months.values())


def happenings(life: Life, phase: Phase) -> list[str]:
    """The notable events of a phase, the same kind together, in the order of their first months."""
    kinds: dict[tuple[str, int], _Kind] = {}
    for month in range(phase.first, phase.last + 1):
        for name, side, fate, weight in _of_month(life, month):
            kind = kinds.setdefault((name, side), _Kind({}))
            kind.months.setdefault(fate, []).append(month)
            kind.weight += weight
    dated = [(month, event) for month, event in life.dated if phase.first <= month <= phase.last]
    sure = {("people", side) for _, event in dated if event.kind == "turnover" for side in life.sides_of(event)}
    ranked = sorted(kinds, key=lambda key: (-kinds[key].weight, kinds[key].first, key))
    chosen = [key for key in ranked if kinds[key].weight >= NOTABLE_EVENT][:MOST_EVENTS]
    chosen += [key for key in ranked if key in sure and key not in chosen]
    told = [(kinds[key].first, _sentence(life, key, kinds[key])) for key in chosen]
    told += [(month, _dated(life, month, event)) for month, event in dated if event.kind != "turnover"]
    return [sentence for _, sentence in sorted(told, key=lambda row: row[0])]


def _of_month(life: Life, month: int) -> list[tuple[str, int, int, float]]:
    """What happened in a month: kind, whose it was, its fate, and the size of what it did to trust (mean of both)."""
    tie, entries = life.tie[month], life.ledger[month - 1].mean(axis=0)
    fates = [int(fate) for fate in tie.talk]
    moved_by = {HARD_TALK: BY_HARD_TALK, BLAME: BY_BLAME, FESTERING: BY_FESTERING}
    weights = [abs(float(entries[moved_by[fate]])) / fates.count(fate) if fate in moved_by else 0.0 for fate in fates]
    found: list[tuple[str, int, int, float]] = []
    refused = [side for side in (0, 1) if tie.contingency == 2 and tie.adapted[side] == 0]
    if tie.contingency == 2 and not refused:
        found.append(("met", 0, NOTHING, abs(float(entries[BY_ADAPTATION]))))
    if len(refused) == 2:
        found.append(("neither", 0, NOTHING, sum(weights[side] for side in (0, 1) if tie.problem[side] == REFUSAL)))
    for side in (0, 1):
        problem = int(tie.problem[side])
        if problem in (SHIRKING, BAD_WORK) or (problem == REFUSAL and len(refused) == 1):
            found.append((PROBLEMS[problem], side, fates[side], weights[side]))
        if tie.turnover[side]:
            found.append(("people", side, NOTHING, abs(float(entries[BY_TURNOVER] + entries[BY_TIES]))))
    if tie.problem[2] == FRICTION:
        found.append((PROBLEMS[FRICTION], 0, fates[2], weights[2]))
    return found


def _sentence(life: Life, key: tuple[str, int], kind: _Kind) -> str:
    """Events of one kind in words: what happened, then what became of it, and when it went otherwise."""
    name, side = key
    who, other = life.names[side], life.names[1 - side]
    unforeseen = "something came up that the contract did not cover"
    what = {
        "met": f"{unforeseen}, and both partners adapted",
        "neither": f"{unforeseen}, and neither adapted",
        "people": f"the key person of {who} left",
        PROBLEMS[FRICTION]: "their ways of working clashed",
        PROBLEMS[REFUSAL]: f"{unforeseen}; {other} adapted, its partner did not",
        PROBLEMS[SHIRKING]: f"{other} noticed that its partner shirked",
        PROBLEMS[BAD_WORK]: f"{possessive(who)} work came out badly",
    }[name]
    rows = sorted(kind.months.items(), key=lambda row: row[1][0])
    fate, months = rows[0]
    if name == "people":
        return f"{life.when(months)} {what}{_ties_lost(life, months)}"
    became = _FATES.get((name, fate), _FATES["", fate])
    text = f"{life.when(months)} {what}{f', and {became}' if became else ''}"
    also = [f"{life.when(months)}, when {_FATES['', fate]}" for fate, months in rows[1:]]
    return "; ".join(
        [text, *(f"it happened also {words}" for words in also[:1]), *(f"and {words}" for words in also[1:])]
    )


_FATES = {
    ("", NOTHING): "",
    ("", HARD_TALK): "they talked it through",
    ("", BLAME): "it ended in blame",
    ("", FESTERING): "nothing was said",
    (PROBLEMS[SHIRKING], BLAME): "blamed it",
    (PROBLEMS[SHIRKING], FESTERING): "said nothing",
    (PROBLEMS[BAD_WORK], BLAME): "its partner blamed it",
    (PROBLEMS[BAD_WORK], FESTERING): "its partner said nothing",
}
"""What became of a problem: in the words that go with one kind of event, else in those that go with all."""


def _ties_lost(life: Life, months: Sequence[int]) -> str:
    if len(months) > 1 or life.parameters.clamp_ties:
        return ""
    before, after = (decimals(life.tie[month].ties) for month in (months[0] - 1, months[0]))
    fell = after < before  # as shown: both are written with as many digits
    return f", and ties between the people fell from {before} to {after}" if fell else ""


def _dated(life: Life, month: int, event: Event) -> str:
    """A dated event of a month of the alliance's life in words. Key persons are told with those who left by chance."""
    when, numbers, sides = f"in month {event.month}", event.numbers, life.sides_of(event)
    who = joined([life.names[side] for side in sides] or ["the market"])
    months = months_long(int(numbers.get("months", 0)))
    if event.kind == "crash":
        return f"{when} the market crashed and lost {round(100 * numbers['depth'])}% of its level"
    if event.kind == "breach":
        lost = [(1 - side, -float(life.ledger[month - 1, 1 - side, BY_BREACH])) for side in sides]
        sizes = [decimals(loss) for _, loss in lost]
        if life.parameters.clamp_trust:
            return f"{when} {who} broke faith"
        if len(set(sizes)) < len(sizes):
            return f"{when} {who} broke faith, which cost each {sizes[0]} of its trust"
        cost = joined([f"{life.names[side]} {size}" for (side, _), size in zip(lost, sizes, strict=True)])
        return f"{when} {who} broke faith, which cost {cost} of its trust"
    if event.kind == "programme":
        return f"{when} {who} began to invest more in people, for {months}"
    if event.kind == "sessions":
        return f"{when} {who} began sessions to turn values into behaviour, for {months}"
    row = life.rows[sides[0]]
    before, after = (
        decimals(life.history.organizations[at, row][event.trait]) for at in (event.month - 1, event.month)
    )
    shown = "changed"
    if len(sides) == 1:
        shown = f"changed from {before} to {after}" if before != after else f"was set to {after}, as it had been"
    return f"{when} the {event.trait.replace('_', ' ')} of {who} {shown}"
