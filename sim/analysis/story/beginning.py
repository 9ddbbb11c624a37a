"""Before the first month: which alliance this is, who the partners are and what they hoped for."""

from __future__ import annotations

import numpy as np

from sim.analysis.story.life import Life, swings
from sim.analysis.story.thresholds import ALIKE, APART, CLAMPED, POPULATION, STANDS_OUT, TAIL
from sim.analysis.story.wording import decimals, in_money, joined, paragraph, possessive
from sim.dynamics import rules
from sim.parameters import Traits, meta
from sim.scenario import Scenario


def origin(life: Life, asked: int | None) -> str:
    """Scenario, seed, replicate and which alliance; why this one, when nobody ``asked`` for it by its number."""
    history, count = life.history, life.history.alliances.shape[1]
    text = f"{life.scenario.title}, seed {history.seed}, replicate {history.replicate}"
    if count == 1:
        return f"{text}."
    text = f"{text}: alliance {life.number} of {count}"
    if asked is not None:
        return f"{text}."
    swing = float(swings(history)[life.number - 1])
    if swing == 0.0:
        return f"{text}, the first, because trust moved in none of them."
    among = " of those formed during the run" if life.formed and (history.alliances[0]["exists"] == 1).any() else ""
    return (
        f"{text}, chosen because{among} its trust swung widest, {decimals(swing)} from its lowest month to its highest."
    )


def partners(life: Life) -> str:
    """The partners' values, what stands out in each, and what the scenario holds fixed."""
    sentences = [_values(life)]
    ordinary = "openness, integrity, blame and the practice of its values"
    lines = [_outstanding(life, side) for side in (0, 1)]
    if not any(lines):
        sentences.append("in openness, integrity, blame and the practice of values neither stands out")
    elif lines[0] == lines[1]:
        sentences.append(f"both are {joined(lines[0])} than most of their kind")
    else:
        for name, line in zip(life.names, lines, strict=True):
            sentences.append(
                f"{name} is {joined(line)} than most of its kind" if line else f"{name} is ordinary in {ordinary}"
            )
    held = [words for name, words in CLAMPED.items() if getattr(life.parameters, name)]
    if held:
        sentences.append(f"held fixed by the scenario: {joined(held)}")
    return paragraph(sentences)


def _values(life: Life) -> str:
    """How far apart the partners' words are, and how far their practice."""
    a, b = (life.organization(0, side) for side in (0, 1))
    words = float(np.sqrt(np.mean((a.professed - b.professed) ** 2)))
    practice = float(
        rules.practised_distance(
            a.operationalization, a.professed, a.default_culture, b.operationalization, b.professed, b.default_culture
        )
    )
    both = f"{life.names[0]} and {life.names[1]}"
    far = "far apart" if practice > APART else "some way apart"
    scale = "on a scale from 0 to 1"
    if words < ALIKE and practice < ALIKE:
        return f"{both} profess nearly the same values and practise nearly the same, {decimals(practice)} apart {scale}"
    if words < ALIKE:
        return (
            f"{both} profess nearly the same values, but what they practise is {far}, by {decimals(practice)} {scale}"
        )
    if practice < ALIKE:
        return f"{both} profess different values, but what they practise is close, {decimals(practice)} apart {scale}"
    return f"{both} profess different values, and what they practise is {far} too, by {decimals(practice)} {scale}"


def _outstanding(life: Life, side: int) -> list[str]:
    """The traits in which one partner is in a tail of the scenario's organizations, in words."""
    found = []
    for trait, (low, high) in STANDS_OUT.items():
        place = position(life.scenario, trait, float(life.organization(0, side)[trait]))
        if place <= TAIL:
            found.append(low)
        elif place >= 1.0 - TAIL:
            found.append(high)
    return found


def position(scenario: Scenario, trait: str, value: float) -> float:
    """Share of the organizations that a scenario draws that have less of a scalar trait; of equals half count.

    Read off the declared distributions, each group by its size, so it does not depend on who was drawn.
    """
    about = meta(Traits.model_fields[trait])
    uniform = (np.arange(POPULATION) + 0.5) / POPULATION
    select = (np.arange(POPULATION) * 0.6180339887498949) % 1.0  # spread evenly, and apart from ``uniform``
    place = 0.0
    for group, size in zip(scenario.groups, scenario.sizes, strict=True):
        drawn = np.clip(getattr(group.traits, trait).draw(select, uniform), about["low"], about["high"])
        equal = np.isclose(drawn, value, rtol=0.0, atol=1e-9)
        place += size * float(((drawn < value) & ~equal).mean() + 0.5 * equal.mean())
    return place / sum(scenario.sizes)


def hopes(life: Life) -> str:
    """The plan, what each expected, goodwill, and trust on the day of the signature."""
    tie = life.tie[0]
    plan = float(tie.plan)
    a, b = life.names
    expected = [f"{decimals(float(x))}, {_above(float(x), plan)}" for x in tie.expectation_start]
    sentences = [
        f"a sober plan gave each partner {decimals(plan)} a month, where 1 is what an alliance makes together in a "
        "month of plain work",
        f"both expected {expected[0]}"
        if expected[0] == expected[1]
        else f"{a} expected {expected[0]}, and {b} {expected[1]}",
    ]
    if tie.goodwill_start > 0:
        sentences.append(
            f"they booked goodwill of {in_money(float(tie.goodwill_start))} together, for what this promised beyond "
            "what their resources would earn elsewhere"
        )
    else:
        sentences.append("neither expected more than its resources would earn elsewhere, so no goodwill was booked")
    trust = [decimals(float(x)) for x in tie.trust_start]
    signed = "on the day of the signature"
    if trust[0] == trust[1]:
        sentences.append(f"{signed} the trust of each in the other stood at {trust[0]}, between 0 and 1")
    else:
        sentences.append(
            f"{signed} {possessive(a)} trust in {b} stood at {trust[0]} and {possessive(b)} in {a} at {trust[1]}, "
            "between 0 and 1"
        )
    sentences.append("below, one number for trust is the mean of the two")
    return paragraph(sentences)


def _above(hoped: float, plan: float) -> str:
    percent = round(100.0 * (hoped / plan - 1.0))
    return f"{abs(percent)}% {'above' if percent > 0 else 'below'} the plan" if percent else "the same as the plan"
