"""The story of an alliance that was formed during a run: how the two met, in which months, and what came after."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

from sim.analysis.story import Life, Story, most_telling, story
from sim.analysis.story.meeting import chosen_contract, interview
from sim.analysis.story.talk import disclosed
from sim.dynamics.state import CAUSES_OF_ENDING, EFFECTIVE
from sim.engine import History, simulate_history
from tests.builders import market

SEEDS = (1, 2, 3)


@cache
def a_history(seed: int) -> History:
    return simulate_history(market(months=60, organizations=14), seed)


@cache
def stories(seed: int) -> tuple[Story, ...]:
    history = a_history(seed)
    return tuple(story(history, k + 1) for k in range(history.alliances.shape[1]))


def of_all() -> Iterator[tuple[History, Story, Any]]:
    """Every history with every story and the final record of its alliance."""
    for seed in SEEDS:
        for one in stories(seed):
            yield a_history(seed), one, a_history(seed).alliances[-1, one.alliance - 1]


@cache
def lives() -> tuple[Life, ...]:
    return tuple(Life(a_history(seed), one.alliance) for seed in SEEDS for one in stories(seed))


def met(life: Life) -> str:
    """How the two met, with every name as it is within a sentence."""
    one = stories(life.history.seed)[life.number - 1]
    return chapter(one, "How they met").replace("Organization", "organization")


def chapter(one: Story, heading: str) -> str:
    return next((chapter.text for chapter in one.chapters if chapter.heading == heading), "")


def names_of(final: Any) -> list[str]:
    return [f"organization {row + 1}" for row in final.org]


# ---------------------------------------------------------------------------------------------------------------
# The day of the signature
# ---------------------------------------------------------------------------------------------------------------
GIVEN = (
    "trust_start", "expectation_start", "goodwill_start", "plan", "annuity", "tightness", "coverage", "complementarity",
    "channels", "vetting_cost", "start_cost", "governance_cost", "earlier", "formed",
)  # fmt: skip
"""Fields that are written at the signature and never again."""


def test_the_signature_is_found_again_to_the_last_bit() -> None:
    for life in lives():
        first, later = life.tie[0], life.tie[1]
        for name in GIVEN:
            assert np.array_equal(first[name], later[name]), name
        assert np.array_equal(first.effective, first.trust_start)
        assert first.value + later.net == pytest.approx(later.value, abs=1e-12)
        assert life.trust[1] - life.trust[0] == pytest.approx(life.ledger[0].sum(axis=-1), abs=1e-12)
        assert later.age == 1


def test_communication_of_the_first_month_follows_from_the_signature() -> None:
    for life in lives():
        assert disclosed(life, 1, *map(float, life.trust[0])) == pytest.approx(life.tie[1].disclosure, abs=1e-14)


def test_contract_chosen_with_the_trust_that_there_was_is_the_contract() -> None:
    for life in lives():
        trust = life.trust[0]
        assert chosen_contract(life, (float(trust[0]), float(trust[1]))) == pytest.approx(life.tie[0].tightness)


def test_one_of_the_two_sought_the_other() -> None:
    both = 0
    for life in lives():
        assert life.signing is not None
        sought, suitors = life.signing.sought, life.signing.suitors
        assert any(sought)
        assert all(suitors[1 - side] >= 1 for side in (0, 1) if sought[side])
        both += all(sought)
        text = met(life)
        assert ("both were searching" in text.lower()) == all(sought)
        if not all(sought):
            seeker = sought.index(True)
            assert re.search(rf"{life.names[seeker]} looked at .*? and liked {life.names[1 - seeker]} best", text)
            others = re.search(r"preferred it to (\w+) other suitors?", text)
            assert bool(others) == (suitors[1 - seeker] > 1)
    assert both


# ---------------------------------------------------------------------------------------------------------------
# How they met
# ---------------------------------------------------------------------------------------------------------------
def test_questions_are_those_that_the_organization_counted() -> None:
    checked = 0
    for life in lives():
        month, history = life.formed, life.history
        before, after = history.organizations[month - 1], history.organizations[month]
        strangers = "asked" in met(life)
        for side, row in enumerate(life.rows):
            held = after[row].interviews - before[row].interviews
            if strangers and held == 1 and after[row].engaged - before[row].engaged == 1:
                asked, yes = interview(life, side)
                assert asked == after[row].questions - before[row].questions
                assert yes
                text = met(life)
                small = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
                words = small[asked] if asked <= 10 else str(asked)
                assert f"{life.names[side]} asked {life.names[1 - side]} {words} question" in text
                checked += 1
    assert checked > 20


def test_the_verdict_on_an_interview_is_the_truth() -> None:
    seen = set()
    for life in lives():
        text = met(life)
        for side in (0, 1):
            other = life.names[1 - side]
            match = re.search(rf"{life.names[side]} asked {other} .*?said yes; (\w+), for {other} puts (\d+)%", text)
            if match:
                practised = life.organization(0, 1 - side).operationalization
                assert int(match[2]) == round(100 * practised)
                assert (match[1] == "rightly") == (practised >= life.parameters.genuine_from)
                seen.add(match[1])
    assert seen == {"rightly", "wrongly"}


def test_an_earlier_alliance_is_named_with_its_end_and_saves_the_interview() -> None:
    known = 0
    for history, one, final in of_all():
        text = chapter(one, "How they met")
        ties = history.alliances[-1]
        both = np.flatnonzero((ties.org == final.org).all(axis=1) & (ties.formed < final.formed))
        match = re.search(r"until month (\d+), when it ended by ([a-z ]+?); so nobody held an interview", text)
        assert bool(match) == (final.earlier > 0)
        assert (" asked " in text or "without an interview" in text) != bool(match)
        if match:
            last = ties[both[-1]]
            assert (int(match[1]), match[2]) == (last.ended, CAUSES_OF_ENDING[last.cause])
            known += 1
        else:
            assert len(both) or "The two had never been allied" in text
    assert known > 3


def test_newcomers_are_named_and_nobody_else() -> None:
    seen = 0
    for history, one, final in of_all():
        text = chapter(one, "How they met").replace("Organization", "organization")
        for row, name in zip(final.org, names_of(final), strict=True):
            arrival = int(np.ceil(history.organizations[0, row].arrival))
            new = re.search(rf"{name} (was a newcomer|had come to the market in month (\d+))", text)
            assert bool(new) == (arrival > 1)
            assert not new or not new[2] or int(new[2]) == arrival <= final.formed
            seen += bool(new)
    assert seen > 5


def test_who_had_room_is_counted_among_those_in_the_market() -> None:
    for history, one, final in of_all():
        free, there = map(
            int, re.findall(r"month \d+, (\d+) of the (\d+) organizations", chapter(one, "How they met"))[0]
        )
        before = history.organizations[final.formed - 1]
        arrived = before.arrival <= final.formed
        assert there == arrived.sum()
        assert free == (arrived & (before.engaged < before.capacity)).sum()


# ---------------------------------------------------------------------------------------------------------------
# Months of the run, and months together
# ---------------------------------------------------------------------------------------------------------------
def test_headings_give_months_of_the_run_and_months_together() -> None:
    for history, one, final in of_all():
        shown = [
            [int(digits) for digits in re.findall(r"\d+", chapter.heading)]
            for chapter in one.chapters
            if chapter.heading.startswith("Month")
        ]
        last = int(final.ended) or history.scenario.months
        assert (shown[0][0], shown[-1][-1 if final.formed == 1 else len(shown[-1]) // 2 - 1]) == (final.formed, last)
        assert one.phases[0].first == 1
        assert one.phases[-1].last == final.age == last - final.formed + 1
        if final.formed > 1:
            for numbers, phase in zip(shown, one.phases, strict=True):
                half = len(numbers) // 2
                assert [numbers[0], numbers[half - 1]] == [final.formed + k - 1 for k in (phase.first, phase.last)]
                assert [numbers[half], numbers[-1]] == [phase.first, phase.last]


def test_every_month_in_the_text_of_a_phase_lies_in_it() -> None:
    checked = 0
    for _, one, final in of_all():
        told = [part.text for part in one.chapters if part.heading.startswith("Month")]
        for phase, text in zip(one.phases, told, strict=True):
            for when in re.findall(r"[Ii]n months? (\d+(?:, \d+)*(?: and \d+)?)", text):
                for month in map(int, re.findall(r"\d+", when)):
                    assert phase.first <= month - final.formed + 1 <= phase.last
                    checked += 1
    assert checked > 50


def test_dated_events_before_the_signature_are_not_told() -> None:
    breaches = 0
    for history, one, final in of_all():
        events = [event for event in history.scenario.events if event.kind == "breach"]
        last = int(final.ended) or history.scenario.months
        befell = [
            event.month
            for event in events
            if set(history.scenario.rows(event.who)) & set(final.org) and final.formed <= event.month <= last
        ]
        text = " ".join(part.text for part in one.chapters)
        assert [int(month) for month in re.findall(r"In month (\d+) [^.]*? broke faith", text)] == befell
        breaches += len(befell)
    assert breaches


def test_the_end_has_its_month_its_age_and_who_left() -> None:
    leavers = set()
    for _, one, final in of_all():
        if final.alive:
            continue
        text = chapter(one, "The end")
        together = "one month" if final.age == 1 else f"{final.age} months"
        lasted = "" if final.formed == 1 else f" after {together} together"
        assert text.startswith(f"The alliance ended in month {final.ended}{lasted}, by ")
        if CAUSES_OF_ENDING[final.cause] != "strategic change":
            who = ("", *names_of(final), "both")[final.left_by]
            assert f"{who} left" in text
            leavers.add(int(final.left_by))
    assert {1, 2} <= leavers


def test_the_ledger_starts_from_trust_at_the_signature() -> None:
    for history, one, final in of_all():
        start, end = re.findall(r"rust began at ([\d.]+);.* so it came to ([\d.]+)\.", chapter(one, "The ledger"))[0]
        assert (start, end) == (f"{final.trust_start.mean():.2f}", f"{final.effective.mean():.2f}")
        total = history.ledger[:, one.alliance - 1, :, EFFECTIVE].sum(axis=(0, 2))
        assert final.trust_start + total == pytest.approx(final.effective, abs=1e-12)


# ---------------------------------------------------------------------------------------------------------------
# What came after, what it was worth
# ---------------------------------------------------------------------------------------------------------------
def test_what_each_did_afterwards_is_in_the_run() -> None:
    again = alone = new = 0
    for history, one, final in of_all():
        text = chapter(one, "Afterwards").replace("Organization", "organization")
        assert bool(text) == (final.alive == 0)
        if final.alive:
            continue
        ties = history.alliances[-1]
        same = (ties.org == final.org).all(axis=1)
        later = np.flatnonzero(same & (ties.formed > final.ended))
        tried = re.search(r"In month (\d+) the two tried again", text)
        assert bool(tried) == (len(later) > 0)
        assert not tried or int(tried[1]) == ties.formed[later[0]]
        again += bool(tried)
        for row, name in zip(final.org, names_of(final), strict=True):
            others = (ties.org == row).any(axis=1) & ~same
            signed = others & (ties.formed > final.ended)
            held = others & (ties.formed <= final.ended) & ((ties.alive == 1) | (ties.ended > final.ended))
            sentence = next(part for part in text.split(". ") if part.startswith((f"{name} had", f"{name} was left")))
            assert (f"{name} was left alone" in sentence) == (held.sum() == 0)
            assert ("new one" in sentence and "signed no" not in sentence) == bool(signed.any())
            if signed.any():
                first = ties[np.flatnonzero(signed)[0]]
                partner = int(first.org[0] if first.org[1] == row else first.org[1]) + 1
                assert f"in month {first.formed} with organization {partner}" in sentence
                new += 1
            alone += int(held.sum() == 0)
    assert min(again, alone, new) > 0


def test_goodwill_of_a_sale_is_realized() -> None:
    sold = 0
    for _, one, final in of_all():
        text = chapter(one, "What it was worth")
        if final.realized > 0:
            sold += 1
            assert "was realized when the alliance was sold" in text
        elif not final.alive:
            assert "was realized" not in text
            assert final.written_off == pytest.approx(final.goodwill_start)
    assert sold


def test_know_how_reading_and_delegation_are_told_when_they_move() -> None:
    seen = dict.fromkeys(("know-how", "misreading", "decisions"), 0)
    history = simulate_history(market(months=40, organizations=10, know_how_speed=0.5), 1)
    for alliance in range(1, history.alliances.shape[1] + 1):
        one, life = story(history, alliance), Life(history, alliance)
        told = [part.text for part in one.chapters if part.heading.startswith("Month")]
        for phase, text in zip(one.phases, told, strict=True):
            start, end = life.tie[phase.first - 1], life.tie[phase.last]
            for pattern, name, values in (
                (r"know-how \w+ from (\S+) to (\S+\d)", "know-how", (start.know_how, end.know_how)),
                (r"misreading went from (\S+) to (\S+\d)", "misreading", (start.misread.mean(), end.misread.mean())),
            ):
                if match := re.search(pattern, text):
                    assert match.groups() == tuple(f"{value:.2f}" for value in values)
                    seen[name] += 1
            if match := re.search(r"(\d+)% of decisions after (\d+)%", text):
                first = life.tie[phase.first].delegation.mean()
                assert (int(match[1]), int(match[2])) == (round(100 * end.delegation.mean()), round(100 * first))
                seen["decisions"] += 1
    assert min(seen.values()) > 0


# ---------------------------------------------------------------------------------------------------------------
# Which alliance
# ---------------------------------------------------------------------------------------------------------------
def test_the_one_chosen_was_formed_during_the_run_and_swung_widest() -> None:
    history = simulate_history(market(months=40, organizations=10, partners=2), 5)
    final = history.alliances[-1]
    assert (final.formed == 0).any()
    swings = []
    for k in range(len(final)):
        lived = history.alliances[:, k].effective[history.alliances[:, k].exists == 1].mean(axis=-1)
        swings.append(float(np.ptp([final.trust_start[k].mean(), *lived])))
    formed = np.flatnonzero(final.formed > 0)
    assert most_telling(history) == formed[np.argmax(np.array(swings)[formed])] + 1
    one = story(history)
    assert "chosen because of those formed during the run its trust swung widest" in one.origin
    first = story(history, 1)
    assert chapter(first, "How they met") == ""
    assert "Afterwards" in [part.heading for part in first.chapters] or final.alive[0]


def test_without_any_alliance_there_is_no_story() -> None:
    history = simulate_history(market(months=4, organizations=4, search_rate=0.0), 1)
    assert history.alliances.shape[1] == 0
    with pytest.raises(ValueError, match="no alliance was formed"):
        story(history)


def test_the_text_is_clean() -> None:
    for _, one, _ in of_all():
        text = str(one)
        assert max(map(len, text.splitlines())) <= 80
        assert not re.search(r"nan|None|  |\(\)|-\d|\.\.| ,|−0\.00?\b", text)
        for paragraph in one.paragraphs:
            assert paragraph[0].isupper()
            assert paragraph.endswith(".")
