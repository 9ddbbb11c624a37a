"""The end, what each did afterwards, what the alliance was worth, and the ledger in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sim.dynamics.state import CAUSES, CAUSES_OF_ENDING, DISAPPOINTMENT, DISTRUST, EXOGENOUS
from sim.study.analysis import partner_name
from sim.study.story.life import Life
from sim.study.story.phases import Phase
from sim.study.story.thresholds import GAINED, LOST
from sim.study.story.wording import (
    adding_up,
    counted,
    decimals,
    hundredths,
    in_money,
    joined,
    just_under,
    months_long,
    paragraph,
    possessive,
)


def end(life: Life) -> str:
    """How it ended, who left and why; or that it goes on."""
    tie = life.tie[life.last]
    if not life.ended:
        return paragraph(
            [f"after {months_long(life.last)} the alliance goes on, with trust at {decimals(life.mutual[-1])}"]
        )
    tellers = {DISTRUST: _by_distrust, DISAPPOINTMENT: _by_disappointment, EXOGENOUS: _by_strategy}
    return paragraph(tellers[int(tie.cause)](life))


def _ended(life: Life) -> str:
    """That it ended, and when; how long it had lasted where that is another number."""
    lasted = f" after {months_long(life.last)} together" if life.before else ""
    return f"the alliance ended in month {life.run_month(life.last)}{lasted}"


def _leavers(life: Life) -> str:
    """Who left, as the kernel noted it: a name, or "both"."""
    who = int(life.tie[life.last].left_by)
    return "both" if who == 3 else life.names[who - 1]


def _by_distrust(life: Life) -> list[str]:
    limit = life.parameters.trust_exit
    low = [
        f"{possessive(life.names[side])} trust in {life.names[1 - side]} was {just_under(life.trust[-1, side], limit)}"
        for side in (0, 1)
        if life.trust[-1, side] < limit
    ]
    return [
        f"{_ended(life)}, by distrust",
        f"{joined(low)}; a partner leaves below {decimals(limit)}, so {_leavers(life)} left",
    ]


def _by_disappointment(life: Life) -> list[str]:
    sides = [side for side in (0, 1) if _below(life, life.last, side)]
    chance = 100.0 * life.parameters.disappointment_exit
    both = "the results of both had fallen too low, and " if len(sides) == 2 else ""
    said = [f"{_ended(life)}, by disappointment: {both}{_leavers(life)} left"]
    for side in sides:
        whose = "its" if len(sides) == 1 else possessive(life.names[side])
        result = float(life.tie[life.last].smoothed[side])
        elsewhere = float(life.organization(life.last, side).outside_option)
        said.append(
            f"{whose} results, smoothed over recent months, were {just_under(result, elsewhere)} a month; elsewhere "
            f"its resources would earn {decimals(elsewhere)}"
        )
        if (months := _months_below(life, side)) > 1:
            said.append(f"they had been below that for {months_long(months)}")
    return [*said, f"a partner that falls so low leaves with a chance of {chance:g}% a month", _left_at(life)]


def _left_at(life: Life) -> str:
    return f"trust stood at {decimals(life.mutual[-1])}"


def _below(life: Life, month: int, side: int) -> bool:
    """Whether a side's smoothed result was below its outside option at the end of a month."""
    return bool(life.tie[month].smoothed[side] < life.organization(month, side).outside_option)


def _months_below(life: Life, side: int) -> int:
    """For how many months to the end a side's smoothed result had been below its outside option."""
    months = 0
    while months < life.last and _below(life, life.last - months, side):
        months += 1
    return months


def _by_strategy(life: Life) -> list[str]:
    return [
        f"{_ended(life)}, by a sale or a change of strategy, which had nothing to do with how it went",
        _left_at(life),
    ]


def afterwards(life: Life) -> str:
    """What each partner did after the end, in a market; else empty."""
    if not (life.scenario.network.market and life.ended):
        return ""
    ended, final = life.run_month(life.last), life.history.alliances[-1]
    again = np.flatnonzero((final.org == life.rows).all(axis=1) & (final.formed > ended))
    said = [_again(life, int(again[0]))] if len(again) else []
    return paragraph([*said, *(_went_on(life, side) for side in (0, 1)), *(_name_since(life, side) for side in (0, 1))])


def _again(life: Life, row: int) -> str:
    """The next alliance of the same two."""
    tie = life.history.alliances[-1, row]
    fate = "it still goes on" if tie.alive else f"it ended in month {int(tie.ended)}, {_by(int(tie.cause))}"
    return f"in month {int(tie.formed)} the two tried again; {fate}"


def _by(cause: int) -> str:
    return "by a sale or a change of strategy" if cause == EXOGENOUS else f"by {CAUSES_OF_ENDING[cause]}"


def _went_on(life: Life, side: int) -> str:
    """The other alliances of one partner: those that it kept, and those that it signed."""
    final, me, ended = life.history.alliances[-1], life.rows[side], life.run_month(life.last)
    mine = (final.org == me).any(axis=1)
    others = mine & ~(final.org == life.rows).all(axis=1)
    kept = int((others & (final.formed <= ended) & ((final.alive == 1) | (final.ended > ended))).sum())
    held = f"had {counted(kept)} other {'alliance' if kept == 1 else 'alliances'} left" if kept else "was left alone"
    new = np.flatnonzero(others & (final.formed > ended))
    if len(new) == 0:
        left = life.scenario.months - ended
        signed = f"signed no new one in the {months_long(left)} that remained" if left else ""
        return f"{life.names[side]} {joined([words for words in (held, signed) if words])}"
    first = final[new[0]]
    partner = partner_name(life.scenario, int(first.org[0] if first.org[1] == me else first.org[1]))
    number = "a new one" if len(new) == 1 else f"{counted(len(new))} new ones"
    when = f"in month {int(first.formed)} with {partner}"
    return f"{life.names[side]} {held} and signed {number}, {'' if len(new) == 1 else 'the first '}{when}"


def _name_since(life: Life, side: int) -> str:
    """How a partner's reputation went, when it changed as it is shown."""
    at_start, at_end = (float(life.organization(month, side).reputation) for month in (0, life.last))
    now = float(life.history.organizations[-1, life.rows[side]].reputation)
    shown = [decimals(value) for value in (at_start, at_end, now)]
    if len(set(shown)) == 1:
        return ""
    return (
        f"the reputation of {life.names[side]} was {shown[0]} at the signature, {shown[1]} at the end and "
        f"{shown[2]} in month {life.scenario.months}"
    )


def worth(life: Life) -> str:
    """What it was worth to both, against hopes and the outside, and what became of goodwill."""
    tie = life.tie[life.last]
    value = in_money(float(tie.value.sum()))
    hoped = in_money(float(tie.expectation_start.sum()) * life.last)
    elsewhere = in_money(float(tie.apart))
    return paragraph(
        [
            f"in {months_long(life.last)} the alliance was worth {value} to both together, {_than(value, hoped)} that "
            f"they had expected on the first day and {_by_how_much(value, elsewhere)} that their resources would "
            "have earned elsewhere",
            _amounts("added", {"know-how shared": tie.synergy, "contingencies met together": tie.creativity}),
            _amounts(
                "cost",
                {
                    "friction, bad work, shirking and contingencies not met": tie.losses,
                    "watching each other": tie.monitoring_cost,
                    "people and sessions": tie.relational_cost,
                    "the contract": tie.governance_cost,
                    "the search": tie.vetting_cost,
                    "what was sunk at the signature": tie.start_cost,
                },
            ),
            _goodwill(life),
        ]
    )


def _amounts(verb: str, amounts: Mapping[str, Any]) -> str:
    """ "know-how shared added 1.9 and contingencies met together 2.0", without what would be shown as nothing."""
    shown = {what: in_money(float(amount)) for what, amount in amounts.items() if round(float(amount), 1) != 0}
    first = next(iter(shown), "")
    return joined([f"{what} {verb + ' ' if what == first else ''}{amount}" for what, amount in shown.items()])


def _than(value: str, other: str) -> str:
    """How one shown amount stands to another: "less than the 23.2"."""
    if value == other:
        return f"as much as the {other}"
    more = float(value.replace("−", "-")) > float(other.replace("−", "-"))
    return f"{'more' if more else 'less'} than the {other}"


def _by_how_much(value: str, other: str) -> str:
    """As :func:`_than`, with the difference of what is shown: "4.1 more than the 23.2"."""
    apart = abs(float(value.replace("−", "-")) - float(other.replace("−", "-")))
    return _than(value, other) if value == other else f"{in_money(apart)} {_than(value, other)}"


def _goodwill(life: Life) -> str:
    """What became of the goodwill on the books: written off on the way or at the end, or sold."""
    tie = life.tie[life.last]
    booked, lost, sold = (float(amount) for amount in (tie.goodwill_start, tie.written_off, tie.realized))
    if booked == 0:
        return ""
    if not life.ended:
        return f"of the goodwill of {in_money(booked)}, {in_money(lost)} has been written off so far"
    before = float(life.tie[life.last - 1].written_off)
    nothing, everything = in_money(before) == in_money(0.0), in_money(before) == in_money(booked)
    if sold > 0 and not everything:
        on_the_way = "" if nothing else f"{in_money(before)} was written off on the way and "
        rest = f"the goodwill of {in_money(booked)}" if nothing else f"the rest, {in_money(sold)},"
        of = "" if nothing else f"of the goodwill of {in_money(booked)}, "
        return f"{of}{on_the_way}{rest} was realized when the alliance was sold"
    if nothing:
        return f"the goodwill of {in_money(booked)} was written off at the end"
    if everything:
        return f"the goodwill of {in_money(booked)} was written off on the way"
    on_the_way = f"{in_money(before)} was written off on the way"
    return f"the goodwill of {in_money(booked)} is gone: {on_the_way}, the rest at the end"


# ---------------------------------------------------------------------------------------------------------------
# The ledger in one sentence
# ---------------------------------------------------------------------------------------------------------------
def rounded_ledger(start: float, changes: Mapping[str, float], end: float) -> tuple[int, dict[str, int], int]:
    """Start, changes that are not zero, and end in hundredths that add up as they are shown."""
    first, last = round(100 * start), round(100 * end)
    moved = {cause: change for cause, change in changes.items() if change != 0.0}
    return first, adding_up(moved, last - first, 100), last


def closing(life: Life) -> str:
    """The ledger of its whole life in one sentence whose numbers add up."""
    whole = Phase(1, life.last)
    sides = [life.changes(whole, side) for side in (0, 1)]
    means = {cause: 0.5 * (sides[0][cause] + sides[1][cause]) for cause in CAUSES}
    first, changes, last = rounded_ledger(float(life.mutual[0]), means, float(life.mutual[-1]))
    gains = {cause: number for cause, number in changes.items() if number > 0}
    losses = {cause: -number for cause, number in changes.items() if number < 0}
    if not gains and not losses:
        return paragraph([f"nothing built and nothing destroyed trust: it stayed at {hundredths(first)}"])
    built = _side_of_ledger(gains, GAINED, "built")
    destroyed = _side_of_ledger(losses, LOST, "destroyed")
    most = max(sum(gains.values()), sum(losses.values()))
    note = "what is lost can be built again, and lost again, so the sums can be more than 1" if most > 100 else ""
    return paragraph(
        [note, f"trust began at {hundredths(first)}; {built}; {destroyed}; so it came to {hundredths(last)}"]
    )


def _side_of_ledger(numbers: Mapping[str, int], words: Mapping[str, str], verb: str) -> str:
    """ "good work built 0.41, blame … and all else 0.03, together 0.54"."""
    if not numbers:
        return f"nothing {verb} any"
    ranked = sorted(numbers, key=lambda cause: -numbers[cause])
    parts = [f"{words[cause]} {hundredths(numbers[cause])}" for cause in ranked[:3]]
    if len(ranked) > 3:
        parts.append(f"all else {hundredths(sum(numbers[cause] for cause in ranked[3:]))}")
    parts[0] = f"{words[ranked[0]]} {verb} {hundredths(numbers[ranked[0]])}"
    total = f", together {hundredths(sum(numbers.values()))}" if len(parts) > 1 else ""
    return f"{joined(parts)}{total}"
