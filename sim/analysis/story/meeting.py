"""How the two met: the market of that month, the search, the interviews, the reputation, the contract.

Everything here is found again by the kernel's own functions on the state of the day of the signature, because a history
keeps only what was left of it at the end of the month.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sim.analysis.story.life import Life, Signing
from sim.analysis.story.thresholds import FAMOUS, NEUTRAL, NOTABLE_CAUSE, OTHER_CONTRACT
from sim.analysis.story.wording import at_each, counted, decimals, in_money, joined, paragraph, possessive
from sim.dynamics import kernel
from sim.dynamics.state import CAUSES_OF_ENDING


def meeting(life: Life) -> str:
    """How the partners of an alliance that was formed during the run found and chose each other; else empty."""
    signing = life.signing
    if signing is None:
        return ""
    sides = (0, 1)
    return paragraph(
        [
            f"at the beginning of month {life.formed}, {signing.free} of the {_present(life, signing)} organizations "
            "in the market had room for another alliance",
            *(_newcomer(life, side) for side in sides),
            _search(life, signing),
            _appeal(life, signing),
            _known(life, signing),
            *([] if _remembered(life) else [_interview(life, side) for side in sides]),
            _cost_of_search(life),
            *(_fame(life, side) for side in sides),
            _contract(life),
        ]
    )


def _present(life: Life, signing: Signing) -> int:
    """How many organizations had come to the market by then."""
    return int((signing.organizations.arrival <= life.formed).sum())


def _newcomer(life: Life, side: int) -> str:
    """When a partner came to the market, if it was not there from the first month; whether this was its first."""
    arrived = max(1, math.ceil(float(life.organization(0, side).arrival)))
    if arrived == 1:
        return ""
    first = not _of(life, side)[_formed(life) < life.formed].any()
    so_far = "; this was its first alliance" if first else ""
    if arrived == life.formed:
        return f"{life.names[side]} was a newcomer, in the market since that very month{so_far}"
    return f"{life.names[side]} had come to the market in month {arrived}{so_far}"


def _of(life: Life, side: int) -> Any:
    """Which alliances of the run one partner is a party to, bool (M,)."""
    return (life.history.alliances[-1].org == life.rows[side]).any(axis=1)


def _formed(life: Life) -> Any:
    """Months in which the alliances of the run were signed, int64 (M,)."""
    return np.asarray(life.history.alliances[-1].formed)


# ---------------------------------------------------------------------------------------------------------------
# The search
# ---------------------------------------------------------------------------------------------------------------
def _search(life: Life, signing: Signing) -> str:
    candidates = f"candidates, at most {counted(int(life.parameters.search_breadth))} strangers and earlier partners"
    if all(signing.sought):
        return f"both were searching; each looked at {candidates}, and each liked the other best"
    seeker = signing.sought.index(True)
    sought = 1 - seeker
    rivals = signing.suitors[sought] - 1
    preferred = "had no other suitor"
    if rivals:
        preferred = f"preferred it to {counted(rivals)} other {'suitor' if rivals == 1 else 'suitors'}"
    return f"{life.names[seeker]} looked at {candidates}, and liked {life.names[sought]} best, which {preferred}"


def _appeal(life: Life, signing: Signing) -> str:
    """What the seekers went by: the terms of the kernel's appeal."""
    p = life.parameters
    said = [f"how well the two complement each other ({decimals(signing.tie.complementarity)}; typical is "
            f"{decimals(p.complementarity)})"]  # fmt: skip
    if p.appeal_reputation > 0.0:
        seekers = [side for side in (0, 1) if signing.sought[side]]
        names = [life.names[1 - side] for side in seekers]
        fame = [decimals(life.organization(0, 1 - side).reputation) for side in seekers]
        said.append(f"reputation ({at_each(names, fame)}; {decimals(NEUTRAL)} is neutral)")
    if _remembered(life) and p.appeal_memory > 0.0:
        said.append("what was remembered of earlier alliances")
    return f"what counted was {joined(said)}"


# ---------------------------------------------------------------------------------------------------------------
# Old acquaintances, and strangers who ask
# ---------------------------------------------------------------------------------------------------------------
def _remembered(life: Life) -> dict[int, float]:
    """Trust in the other from earlier alliances, of each side that remembers one."""
    found = {}
    for side in (0, 1):
        me = life.organization(0, side)
        place = kernel.place_of(me.past, life.rows[1 - side])
        if place >= 0:
            found[side] = float(me.past_trust[place])
    return found


def _known(life: Life, signing: Signing) -> str:
    """What became of their last alliance, and what is left of it, when one of them remembers."""
    remembered = _remembered(life)
    if not remembered:
        return "the two had never been allied" if not _earlier(life) else "their earlier alliance was forgotten"
    last = life.history.alliances[-1, _earlier(life)[-1]]
    names = [life.names[side] for side in remembered]
    trust = at_each(names, [decimals(value) for value in remembered.values()])
    times = int(signing.tie.earlier)
    before = "had been allied once before" if times == 1 else f"had been allied {counted(times)} times before"
    return (
        f"the two {before}, until month {int(last.ended)}, when it ended by {CAUSES_OF_ENDING[int(last.cause)]}; so "
        f"nobody held an interview, and {round(100 * life.parameters.memory)}% of the trust that they had at its end "
        f"({trust}) came back"
    )


def _earlier(life: Life) -> list[int]:
    """Rows of the alliances that the two had before, in order."""
    both = _of(life, 0) & _of(life, 1) & (_formed(life) < life.formed)
    return [int(row) for row in np.flatnonzero(both)]


def interview(life: Life, side: int) -> tuple[int, bool]:
    """How many questions one side asked the other before the signature, and whether the answer was yes.

    Asked again by the kernel with the same chances.
    """
    if life.signing is None:
        raise ValueError("an alliance that was there before the first month began without an interview")
    pair = life.signing.organizations[life.rows].copy()
    before = int(pair.questions[side])
    yes = kernel.vets(
        life.record, pair[side], pair[1 - side], life.rows[1 - side], life.history.seed, life.history.replicate,
        life.formed,
    )  # fmt: skip
    return int(pair.questions[side]) - before, bool(yes)


def _interview(life: Life, side: int) -> str:
    asked, _ = interview(life, side)
    me, other = life.names[side], life.names[1 - side]
    if asked == 0:
        return f"{me} took {other} without an interview"
    practised = float(life.organization(0, 1 - side).operationalization)
    right = practised >= life.parameters.genuine_from
    questions = "one question" if asked == 1 else f"{counted(asked)} questions"
    forced = ", all that it allows itself," if asked == int(life.organization(0, side).vetting) else ""
    return (
        f"{me} asked {other} {questions}{forced} to learn whether it practises what it professes, and said yes; "
        f"{'rightly' if right else 'wrongly'}, for {other} puts {round(100 * practised)}% of its values into practice"
    )


def _cost_of_search(life: Life) -> str:
    spent = float(life.tie[0].vetting_cost)
    if round(spent, 2) == 0.0:
        return ""
    return f"what the two had spent on interviews since they last signed, vain ones included, was {decimals(spent)}"


# ---------------------------------------------------------------------------------------------------------------
# What reputation and trust did to the beginning
# ---------------------------------------------------------------------------------------------------------------
def _fame(life: Life, side: int) -> str:
    """What the partner's reputation did to one side's trust at the signature."""
    p = life.parameters
    fame = float(life.organization(0, 1 - side).reputation)
    share = 1.0 - p.memory if side in _remembered(life) else 1.0
    effect = share * p.reputation_trust * (fame - NEUTRAL)
    if abs(fame - NEUTRAL) < FAMOUS or abs(effect) < NOTABLE_CAUSE:
        return ""
    name, way = ("good", "raised") if effect > 0 else ("poor", "lowered")
    return (
        f"the {name} reputation of {life.names[1 - side]}, {decimals(fame)}, {way} "
        f"{possessive(life.names[side])} trust at the signature by {decimals(abs(effect))}"
    )


def chosen_contract(life: Life, trust: tuple[float, float]) -> float:
    """Tightness of the contract that the two would write with this much trust: the mean of what each would choose."""
    one = life.tie[:1].copy()
    one.effective[0] = trust
    kernel.write_contract(life.record, one[0])
    return float(one.tightness[0])


def _contract(life: Life) -> str:
    """What the contract covers, and, where partners choose it, what their trust made of it."""
    tie, p = life.tie[0], life.parameters
    covers = f"the contract covers {round(100 * float(tie.coverage))}% of what may come up unforeseen"
    paid = f"writing it cost {in_money(p.contracting_cost * float(tie.tightness))}"
    if not p.choose_contract:
        return f"{covers}, as the scenario has it; {paid}"
    usual = chosen_contract(life, (p.trust_start, p.trust_start))
    change = float(tie.tightness) - usual
    between = f"than the {decimals(usual)} of strangers who trust each other at {decimals(p.trust_start)}"
    why = f"about as tight as between ordinary strangers ({decimals(usual)})"
    if abs(change) >= OTHER_CONTRACT:
        way, because = ("lighter", "more") if change < 0 else ("tighter", "less")
        why = f"{way} {between}, because they trusted {because}, and what is at stake is the same"
    return f"they wrote {covers.replace('the contract covers', 'a contract that covers')}, of tightness " + (
        f"{decimals(tie.tightness)}, {why}; {paid}"
    )
