"""The story says what the history says: every kind of sentence is read back and checked against arrays and ledger."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.analysis.story import Life, Phase, Story, phases_of, story, thresholds
from sim.analysis.story.beginning import position
from sim.analysis.story.ending import rounded_ledger
from sim.analysis.story.talk import communication_if, unsaid_if
from sim.analysis.story.thresholds import GAINED, LOST
from sim.analysis.story.wording import COLUMNS, decimals, in_money
from sim.analysis.words import number as number_in_words
from sim.dynamics import state
from sim.dynamics.state import CAUSES, CAUSES_OF_ENDING, PROBLEMS, TALKS
from sim.engine import History, simulate_history
from sim.parameters import Parameters
from sim.scenario import Scenario, load
from tests.builders import busy, dyad

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
RUNS = [
    ("baseline", 1),
    ("baseline", 2),
    ("culture_clash", 3),
    ("blame_culture", 4),
    ("life_science_alliance", 5),
    ("small_practice_partners", 6),
    ("aol_time_warner", 7),
    ("busy", 8),
]
EVERY_CLAMP = {name: True for name in Parameters.model_fields if name.startswith("clamp_")}


@cache
def a_history(name: str, seed: int) -> History:
    if name == "busy":
        return simulate_history(busy(), seed)
    scenario = load(SCENARIOS / f"{name}.toml")
    return simulate_history(scenario.replace(organizations=12) if scenario.organizations > 12 else scenario, seed)


@cache
def stories(name: str, seed: int) -> tuple[Story, ...]:
    history = a_history(name, seed)
    return tuple(story(history, k + 1) for k in range(history.alliances.shape[1]))


def of_all() -> Iterator[tuple[History, Story]]:
    for run in RUNS:
        for one in stories(*run):
            yield a_history(*run), one


def tell(scenario: Scenario, seed: int = 1, alliance: int | None = None) -> tuple[History, Story]:
    history = simulate_history(scenario, seed)
    return history, story(history, alliance)


def chapter(one: Story, heading: str) -> str:
    return next(chapter.text for chapter in one.chapters if chapter.heading == heading)


def phase_texts(one: Story) -> list[tuple[Phase, str]]:
    texts = [chapter.text for chapter in one.chapters if chapter.heading.startswith("Month")]
    return list(zip(one.phases, texts, strict=True))


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def tie(history: History, one: Story, month: int = -1) -> Any:
    return history.alliances[month, one.alliance - 1]


def last_month(history: History, one: Story) -> int:
    return int(tie(history, one).ended) or history.scenario.months


def changes(history: History, one: Story, phase: Phase) -> np.ndarray:
    """Ledger of effective trust in a phase, (2, causes)."""
    months = slice(phase.first - 1, phase.last)
    return history.ledger[months, one.alliance - 1, :, state.EFFECTIVE].sum(axis=0)


# ---------------------------------------------------------------------------------------------------------------
# The ledger in one sentence
# ---------------------------------------------------------------------------------------------------------------
def one_side(clause: str, verb: str) -> tuple[dict[str, int], int]:
    """Named amounts in hundredths, and their sum as the sentence has it."""
    if clause == f"nothing {verb} any":
        return {}, 0
    body, together, total = clause.partition(", together ")
    named = {
        what.removesuffix(f" {verb}"): round(100 * float(amount))
        for what, amount in re.findall(r"(?:^|, | and )([a-z0-9 ]+?) (\d+\.\d\d)", body)
    }
    return named, round(100 * float(total)) if together else sum(named.values())


def test_the_closing_sentence_adds_up_and_is_the_ledger_s() -> None:
    for history, one in of_all():
        text = chapter(one, "The ledger")
        text = text.removeprefix("What is lost can be built again, and lost again, so the sums can be more than 1. ")
        found = re.fullmatch(r"Trust began at ([\d.]+); (.+?); (.+?); so it came to ([\d.]+)\.", text)
        assert found, text
        first, last = (round(100 * float(found[k])) for k in (1, 4))
        built, all_built = one_side(found[2].lower(), "built")
        destroyed, all_destroyed = one_side(found[3].lower(), "destroyed")
        assert sum(built.values()) == all_built
        assert sum(destroyed.values()) == all_destroyed
        assert first + all_built - all_destroyed == last
        assert first == round(100 * float(np.mean(tie(history, one, 0).effective)))
        assert last == round(100 * float(np.mean(tie(history, one).effective)))
        means = changes(history, one, Phase(1, last_month(history, one))).mean(axis=0)
        for named, words, sign in ((built, GAINED, 1), (destroyed, LOST, -1)):
            for what, amount in named.items():
                if what != "all else":
                    cause = next(cause for cause, text in words.items() if text == what)
                    assert amount / 100 == pytest.approx(sign * means[CAUSES.index(cause)], abs=0.0101)
            largest = max(sign * means)
            if largest > 0.02:
                assert max(named.values()) / 100 == pytest.approx(largest, abs=0.0101)


@given(
    st.floats(0, 1),
    st.lists(st.floats(-0.3, 0.3, allow_subnormal=False), min_size=len(CAUSES), max_size=len(CAUSES)),
)
def test_rounding_never_breaks_the_sum(start: float, amounts: list[float]) -> None:
    whole = dict(zip(CAUSES, amounts, strict=True))
    first, shown, last = rounded_ledger(start, whole, start + sum(amounts))
    assert first + sum(shown.values()) == last
    for cause, amount in shown.items():
        assert amount / 100 == pytest.approx(whole[cause], abs=0.01 + 1e-9)
        assert amount * whole[cause] >= 0


def test_every_cause_has_words_for_each_way_it_can_move_trust() -> None:
    assert set(GAINED) | set(LOST) == set(CAUSES)
    for name, seed in RUNS:
        totals = a_history(name, seed).ledger[:, :, :, state.EFFECTIVE].sum(axis=0)
        for k, cause in enumerate(CAUSES):
            assert cause in GAINED or totals[..., k].max() <= 0
            assert cause in LOST or totals[..., k].min() >= 0


# ---------------------------------------------------------------------------------------------------------------
# Beginning and end
# ---------------------------------------------------------------------------------------------------------------
def test_the_end_has_its_month_and_its_cause() -> None:
    seen = set()
    words = {"distrust": "by distrust", "disappointment": "by disappointment", "strategic change": "by a sale"}
    for history, one in of_all():
        last, cause = tie(history, one), CAUSES_OF_ENDING[tie(history, one).cause]
        seen.add(cause)
        if last.alive:
            assert f"After {history.scenario.months} months the alliance goes on" in chapter(one, "How it stands")
        else:
            text = chapter(one, "The end")
            assert text.startswith(f"The alliance ended in month {int(last.ended)}, {words[cause]}")
            assert not [other for other in words if other != cause and words[other] in text]
    assert seen == set(CAUSES_OF_ENDING)


def test_who_left_in_disappointment_had_results_below_what_they_would_earn_elsewhere() -> None:
    single = both = 0
    for history, one in of_all():
        last = tie(history, one)
        if CAUSES_OF_ENDING[last.cause] != "disappointment":
            continue
        text = chapter(one, "The end")
        options = [history.organizations[last.ended, row].outside_option for row in last.org]
        low = [last.smoothed[side] < options[side] for side in (0, 1)]
        if all(low):
            both += 1
            assert "the results of both had fallen too low" in text
        else:
            single += 1
            name = f"organization {last.org[low.index(True)] + 1} left"
            assert name in text or "AOL" in one.title
        for shown, elsewhere in re.findall(
            r"were (−?\d\.\d\d) a month; elsewhere its resources would earn (\d\.\d\d)", text
        ):
            assert number(shown) < number(elsewhere)
        results = history.alliances[1 : last.ended + 1, one.alliance - 1].smoothed
        lasting = []
        for side in (0, 1):
            below = results[:, side] < history.organizations[1 : last.ended + 1, last.org[side]].outside_option
            lasting.append(int(np.argmin(below[::-1])) if not below.all() else len(below))
        said = [int(months) for months in re.findall(r"below that for (\d+) months", text)]
        assert said == [months for months in lasting if months > 1]
    assert single
    assert both


def test_what_it_was_worth_is_what_was_booked() -> None:
    for history, one in of_all():
        last, months = tie(history, one), last_month(history, one)
        text = chapter(one, "What it was worth")
        value, hoped, elsewhere = re.findall(r"was worth ([\d.−]+) .*? the ([\d.]+) that .*? the ([\d.]+) that", text)[
            0
        ]
        table = history.table()
        booked = table[(table["alliance"] == one.alliance) & (table["month"] == months)]["value"].item()
        assert number(value) == pytest.approx(booked, abs=0.051)
        assert number(hoped) == pytest.approx(last.expectation_start.sum() * months, abs=0.051)
        options = sum(history.organizations[1 : months + 1, row].outside_option.sum() for row in last.org)
        assert number(elsewhere) == pytest.approx(options, abs=0.051)
        for less_or_more, other in re.findall(r"(less|more) than the ([\d.]+)", text):
            assert (number(value) < number(other)) == (less_or_more == "less")
        if not last.alive:
            assert last.written_off + last.realized == pytest.approx(last.goodwill_start)
            before = f"{tie(history, one, months - 1).written_off:.1f}"
            sold = CAUSES_OF_ENDING[last.cause] == "strategic change" and before != f"{last.goodwill_start:.1f}"
            assert ("realized when the alliance was sold" in text) == sold
            if sold and before != "0.0":
                assert f"{before} was written off on the way and the rest, {last.realized:.1f}," in text
            elif before not in ("0.0", f"{last.goodwill_start:.1f}"):
                assert f"{before} was written off on the way, the rest at the end" in text
        elif last.goodwill_start > 0:
            assert f"{last.written_off:.1f} has been written off so far" in text


def test_hopes_are_those_of_the_first_day() -> None:
    for history, one in of_all():
        text = chapter(one, "What they hoped for")
        first = tie(history, one, 0)
        assert f"gave each partner {first.plan:.2f} a month" in text
        assert f"goodwill of {first.goodwill_start:.1f}" in text
        for hoped in first.expectation:
            assert f"{hoped:.2f}, {abs(round(100 * (hoped / first.plan - 1)))}% above the plan" in text


def test_partners_are_called_by_their_own_names_or_by_number() -> None:
    assert stories("aol_time_warner", 7)[0].title == "AOL and Time Warner"
    history, one = a_history("baseline", 1), stories("baseline", 1)[4]
    a, b = tie(history, one).org + 1
    assert one.title == f"Organization {a} and organization {b}"
    assert f"seed 1, replicate 0: alliance 5 of {history.alliances.shape[1]}." in one.origin


def test_a_partner_stands_out_only_in_the_tails_of_its_kind() -> None:
    seen = 0
    for history, one in of_all():
        text = chapter(one, "The partners")
        for side in (0, 1):
            record = history.organizations[0, tie(history, one).org[side]]
            name = one.title.split(" and ")[side]
            name = name if side or "AOL" in name else name[:1].lower() + name[1:]
            own = re.search(rf"{re.escape(name)} is ([^.]*) than most of its kind", text, re.IGNORECASE)
            said = own[1] if own else text if "Both are" in text else ""
            for trait, (low, high) in thresholds.STANDS_OUT.items():
                place = position(history.scenario, trait, record[trait])
                assert (low in said) == (place <= thresholds.TAIL), (text, trait)
                assert (high in said) == (place >= 1 - thresholds.TAIL), (text, trait)
                seen += low in said or high in said
    assert seen > 50


def test_position_is_the_share_of_organizations_with_less() -> None:
    drawn = simulate_history(busy(months=1, organizations=3000), 5)
    for trait in thresholds.STANDS_OUT:
        values = np.sort(drawn.organizations[0][trait])
        for share in (0.1, 0.25, 0.5, 0.9):
            at = float(values[int(share * len(values))])
            equal = np.isclose(values, at).mean()  # a constant trait of one group
            exact = (values < at).mean() + 0.5 * equal if equal > 0.01 else share
            error = 4 * np.sqrt(0.25 / len(values)) + 0.02  # sampling, and the mixture's grid
            assert position(drawn.scenario, trait, at) == pytest.approx(exact, abs=error)


def test_values_near_and_far() -> None:
    far = {"a__default_culture": 0.0, "b__default_culture": 1.0}
    for settings, words in (
        ({}, "profess nearly the same values and practise nearly the same, 0.00 apart"),
        (far, "profess nearly the same values, but what they practise is far apart, by 1.00"),
        ({"b__default_culture": 0.75}, "but what they practise is some way apart, by 0.25"),
        ({"b__professed": 0.2}, "profess different values, but what they practise is close, 0.00 apart"),
        (far | {"b__professed": 0.2}, "profess different values, and what they practise is far apart too, by 1.00"),
    ):
        assert words in chapter(tell(dyad(months=2, **settings))[1], "The partners")


# ---------------------------------------------------------------------------------------------------------------
# Phases
# ---------------------------------------------------------------------------------------------------------------
def test_phases_cover_the_life_in_order() -> None:
    for history, one in of_all():
        months = [month for phase in one.phases for month in range(phase.first, phase.last + 1)]
        assert months == list(range(1, last_month(history, one) + 1))
        assert len(one.phases) <= thresholds.MOST_PHASES
        assert len(one.phases) == 1 or min(phase.months for phase in one.phases) >= thresholds.SHORTEST_PHASE


def test_a_straight_line_is_one_phase() -> None:
    assert phases_of(np.linspace(0.2, 0.9, 100)) == [Phase(1, 99)]
    assert phases_of(np.array([0.5, 0.1])) == [Phase(1, 1)]


def test_a_turning_point_and_a_levelling_off_are_found() -> None:
    up, down = np.linspace(0.3, 0.8, 31), np.linspace(0.8, 0.2, 31)[1:]
    assert phases_of(np.concatenate([up, down])) == [Phase(1, 30), Phase(31, 60)]
    rise, rest = phases_of(np.concatenate([up, np.full(60, 0.8)]))
    assert rise.last == pytest.approx(30, abs=thresholds.WINDOW // 2)  # the mean rounds the bend
    assert rest.last == 90


def test_a_single_bad_month_that_heals_is_no_turning_point() -> None:
    trust = np.full(61, 0.6)
    trust[30] = 0.35
    assert phases_of(trust) == [Phase(1, 60)]


def test_a_dated_event_begins_a_phase_unless_one_is_near() -> None:
    flat = np.full(61, 0.6)
    assert phases_of(flat, [19]) == [Phase(1, 19), Phase(20, 60)]
    assert phases_of(flat, [3, 19, 22, 58]) == [Phase(1, 19), Phase(20, 60)]
    assert len(phases_of(flat, range(6, 60, 6))) == thresholds.MOST_PHASES


@given(st.lists(st.floats(0, 1), min_size=2, max_size=80), st.lists(st.integers(0, 80), max_size=4))
def test_any_series_is_covered_without_gaps(trust: list[float], events: list[int]) -> None:
    phases = phases_of(np.array(trust), [event for event in events if event < len(trust)])
    assert [phases[0].first, phases[-1].last] == [1, len(trust) - 1]
    assert all(later.first == earlier.last + 1 for earlier, later in pairwise(phases))
    assert len(phases) <= thresholds.MOST_PHASES


def test_each_phase_says_where_trust_went() -> None:
    for history, one in of_all():
        mean = history.alliances[:, one.alliance - 1].effective.mean(axis=1)
        for phase, text in phase_texts(one):
            start, end = mean[phase.first - 1], mean[phase.last]
            if end - start >= thresholds.MOVED:
                assert re.search(rf"trust rose( fast)? from {start:.2f} to {end:.2f}\.", text)
            elif end - start <= -thresholds.MOVED:
                assert re.search(rf"trust fell( fast)? from {start:.2f} to {end:.2f}\.", text)
            else:
                assert re.search(rf"trust (held,|went up and down) [^A-Z]*{end:.2f}", text)


def side_of(one: Story, name: str) -> int:
    return [partner.lower() for partner in one.title.split(" and ")].index(name.lower())


def test_amounts_of_a_cause_are_those_of_the_side_they_are_given_to() -> None:
    seen = 0
    pattern = r"(gained|lost) most (?:from|to) ([a-z ]+) \((\d\.\d\d) at (.+?) and (\d\.\d\d) at (.+?)\)"
    for history, one in of_all():
        for phase, text in phase_texts(one):
            total = changes(history, one, phase)
            for verb, what, *shown in re.findall(pattern, text):
                words, sign = (GAINED, 1.0) if verb == "gained" else (LOST, -1.0)
                cause = next(k for k, cause in enumerate(CAUSES) if words.get(cause) == what)
                for size, name in (shown[:2], shown[2:]):
                    assert size == f"{sign * total[side_of(one, name), cause]:.2f}"
                    seen += 1
    assert seen > 100


def test_the_largest_causes_of_each_side_are_named_with_their_size() -> None:
    for history, one in of_all():
        for phase, text in phase_texts(one):
            total = changes(history, one, phase)
            mean = history.alliances[:, one.alliance - 1].effective
            assert total.sum(axis=1) == pytest.approx(mean[phase.last] - mean[phase.first - 1], abs=1e-12)
            for side in (0, 1):
                for words, sign in ((GAINED, 1.0), (LOST, -1.0)):
                    size = sign * total[side]
                    largest = int(np.argmax(size))
                    if size[largest] >= thresholds.NOTABLE_CAUSE:
                        assert words[CAUSES[largest]] in text
                        assert f"{size[largest]:.2f}" in text


# ---------------------------------------------------------------------------------------------------------------
# Notable months
# ---------------------------------------------------------------------------------------------------------------
WHEN = r"([Ii]n months? \d+(?:, \d+)*(?: and \d+)?|(?:\w+) times between month \d+ and month \d+)"
NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def check_months(when: str, true_months: set[int]) -> None:
    """The months named are exactly those in which it happened; or their count, first and last are."""
    found = [int(digits) for digits in re.findall(r"\d+", when)]
    if "times between" in when:
        word = when.split()[0].lower()
        count = NUMBERS.index(word) if word in NUMBERS else int(word)
        assert (count, found[-2], found[-1]) == (len(true_months), min(true_months), max(true_months))
    else:
        assert set(found) == true_months


def months_of(history: History, one: Story, phase: Phase, problem: str, side: int, talk: str | None) -> set[int]:
    return {
        month
        for month in range(phase.first, phase.last + 1)
        if PROBLEMS[tie(history, one, month).problem[side]] == problem
        and (talk is None or TALKS[tie(history, one, month).talk[side]] == talk)
    }


def test_friction_and_shirking_and_what_became_of_them_are_true() -> None:
    fates = {
        "they talked it through": "hard talk",
        "it ended in blame": "blame",
        "nothing was said": "festering",
        "blamed it": "blame",
        "said nothing": "festering",
    }
    checked = {"friction": 0, "shirking": 0}
    for history, one in of_all():
        names = [name[:1].upper() + name[1:] for name in one.title.split(" and ")]
        for phase, text in phase_texts(one):
            for sentence in text.split(". "):
                if "their ways of working clashed" in sentence:
                    problem, side = "friction", 2
                elif match := re.search(r"(\S+ ?\S*) noticed that its partner shirked", sentence):
                    problem = "shirking"
                    noticer = next(k for k in (0, 1) if match[1].lower().endswith(names[k].lower()))
                    side = 1 - noticer
                else:
                    continue
                for clause in sentence.rstrip(".").split("; "):
                    when = re.search(WHEN, clause)
                    fate = next(fates[words] for words in fates if clause.endswith(words))
                    assert when
                    check_months(when[1], months_of(history, one, phase, problem, side, fate))
                    checked[problem] += 1
    assert min(checked.values()) > 50


def test_contingencies_and_key_persons_are_true() -> None:
    checked = {"met": 0, "neither": 0, "left": 0}
    for history, one in of_all():
        names = [name.lower() for name in one.title.split(" and ")]
        for phase, text in phase_texts(one):
            rows = {month: tie(history, one, month) for month in range(phase.first, phase.last + 1)}
            for sentence in text.split(". "):
                when = re.search(WHEN, sentence)
                if "both partners adapted" in sentence:
                    kind, true = "met", {m for m, r in rows.items() if r.contingency == 2 and r.adapted.all()}
                elif "neither adapted" in sentence:
                    kind, true = "neither", {m for m, r in rows.items() if r.contingency == 2 and not r.adapted.any()}
                elif match := re.search(r"key person of (.+?) left", sentence):
                    side = names.index(match[1].lower())
                    kind, true = "left", {m for m, r in rows.items() if r.turnover[side]}
                else:
                    continue
                assert when
                check_months(when[1], true)
                checked[kind] += 1
    assert min(checked.values()) > 0


def test_counts_of_problems_are_the_history_s() -> None:
    checked = 0
    for history, one in of_all():
        for phase, text in phase_texts(one):
            rows = history.alliances[phase.first : phase.last + 1, one.alliance - 1]
            total = int((rows.problem > 0).sum())
            if match := re.search(r"Of (\d+) problems (.+?)\.", text):
                assert int(match[1]) == total
                for words, fate in (("talked through", 1), ("ended in blame", 2), ("went unsaid", 3)):
                    count = int((rows.talk == fate).sum())
                    shown = NUMBERS[count] if count <= 10 else str(count)
                    assert (f"{shown} {words}" in re.sub(r" wa?e?re? | was ", " ", match[2])) == (count > 0)
                checked += 1
            if match := re.search(r"left unsaid: (\d+) of (\d+) problems", text):
                assert (int(match[1]), int(match[2])) == (int((rows.talk == 3).sum()), total)
                checked += 1
    assert checked > 50


def test_asymmetry_frustration_and_money_are_told_only_when_notable() -> None:
    seen = 0
    for history, one in of_all():
        rows = history.alliances[:, one.alliance - 1]
        for phase, text in phase_texts(one):
            start, end = rows[phase.first - 1], rows[phase.last]
            if match := re.search(r"trusted more than it was trusted, (\d\.\d\d) against (\d\.\d\d)", text):
                high, low = sorted(end.effective, reverse=True)
                assert high - low >= thresholds.ASYMMETRY
                assert (match[1], match[2]) == (f"{high:.2f}", f"{low:.2f}")
                seen += 1
            if match := re.search(r"mostly because ([a-z ]+?) had (cost|given) (.+?) more", text):
                side = side_of(one, match[3])
                words = LOST if match[2] == "cost" else GAINED
                cause = next(k for k, cause in enumerate(CAUSES) if words.get(cause) == match[1])
                total = changes(history, one, Phase(1, phase.last))[:, cause]
                part = total[1 - side] - total[side] if match[2] == "cost" else total[side] - total[1 - side]
                assert part >= thresholds.MAIN_PART * (high - low)
            for verb, sign in (("rose", 1), ("eased", -1)):
                for level, name in re.findall(rf"Frustration {verb} to (\d\.\d\d) at (.+?)(?: and|\.$|\. )", text):
                    side = side_of(one, name)
                    assert level == f"{end.frustration[side]:.2f}"
                    assert sign * (end.frustration[side] - start.frustration[side]) >= thresholds.FRUSTRATION_MOVED
            if match := re.search(r"(closer|apart).*: the gap went from (\d\.\d\d) to (\d\.\d\d)", text):
                assert match.groups() == (
                    "closer" if end.gap < start.gap else "apart",
                    f"{start.gap:.2f}",
                    f"{end.gap:.2f}",
                )
            moved = np.abs(end.frustration - start.frustration).max()
            assert ("Frustration" in text) == (moved >= thresholds.FRUSTRATION_MOVED)
            earned = float(rows[phase.first : phase.last + 1].net.sum(axis=1).mean())
            off = abs(earned - start.expectation.sum()) >= thresholds.OFF_EXPECTATION * 2 * start.plan
            assert ("Together they earned" in text) == bool(off)
            assert not off or f"earned {earned:.2f}".replace("-", "−") in text
    assert seen > 10


# ---------------------------------------------------------------------------------------------------------------
# The loop between talk and trust
# ---------------------------------------------------------------------------------------------------------------
def test_communication_is_recomputed_exactly() -> None:
    """So that what is left out of the equation is the whole difference."""
    for history, one in of_all():
        life = Life(history, one.alliance)
        for phase in one.phases:
            actual = float(tie(history, one, phase.last).communication)
            assert communication_if(life, phase) == pytest.approx(actual, abs=1e-12)


def test_problems_left_unsaid_follow_talk_by_the_equations() -> None:
    """The mean of what is unsaid is right: over many problems, as many festered as the equations say."""
    expected = variance = unsaid = 0.0
    for history, one in of_all():
        life = Life(history, one.alliance)
        whole = Phase(1, life.last)
        expected += unsaid_if(life, whole)
        variance += 0.25 * int((life.tie.problem[1:] > 0).sum())  # at most
        unsaid += int((life.tie.talk[1:] == TALKS.index("festering")).sum())
        assert unsaid_if(life, whole, 0.0) >= unsaid_if(life, whole) >= unsaid_if(life, whole, 1.0)
    assert unsaid == pytest.approx(expected, abs=4 * np.sqrt(variance))
    assert variance > 200


def test_so_stands_only_where_less_talk_explains_a_whole_problem() -> None:
    seen = {"so ": 0, "": 0}
    for history, one in of_all():
        life = Life(history, one.alliance)
        for k, (phase, text) in enumerate(phase_texts(one)):
            match = re.search(
                r"(so )?(more|less) was left unsaid: (\d+) of (\d+) problems, after (\d+) of (\d+)", text, re.I
            )
            if match:
                usual = float(np.mean(life.during(one.phases[k - 1], "communication")))
                effect = unsaid_if(life, phase) - unsaid_if(life, phase, usual)
                assert bool(match[1]) == (abs(effect) >= thresholds.WHOLE_PROBLEM)
                now, before = int(match[3]) / int(match[4]), int(match[5]) / int(match[6])
                assert (now > before) == (match[2].lower() == "more")
                assert not match[1] or (effect > 0) == (now > before)
                seen[(match[1] or "").lower()] += 1
    assert min(seen.values()) > 10


def test_talk_on_average_is_set_against_talk_from_the_first_month_to_the_last() -> None:
    seen = 0
    for _, one in of_all():
        for _, text in phase_texts(one):
            if both := re.search(
                r"They talked (more|less).*: communication .*?\. (\w+) .*?talked (more|less) than", text
            ):
                assert both[1] != both[3]
                assert both[2] == "Yet"
                seen += 1
    assert seen > 5


def test_a_breach_makes_them_talk_less_because_they_trust_less() -> None:
    breach = {"month": 13, "kind": "breach", "who": "everyone", "severity": 0.7}
    _, one = tell(dyad([breach], months=24, trust_gain=0.01))
    text = phase_texts(one)[1][1]
    assert one.phases == (Phase(1, 12), Phase(13, 24))
    assert "They talked less because they trusted less: communication fell" in text
    assert "lost most to the breach of faith" in text


def test_blame_that_silences_is_called_so_when_trust_cannot_move() -> None:
    always = {"friction_base": 1.0, "frame_base": -20.0, "communication_start": 0.9, "clamp_trust": True}
    _, one = tell(dyad(months=24, openness_floor=0.9, **always))
    text = chapter(one, "Months 1 to 24")
    assert "They talked less because blame silenced them" in text
    assert "because they trusted" not in text
    assert "It could not move, because it is held fixed" in text


def test_less_talk_for_another_reason_is_given_none() -> None:
    change = {"month": 13, "kind": "change", "who": "everyone", "trait": "openness", "to": 0.05}
    _, one = tell(dyad([change], months=30, trust_gain=0.0, communication_start=0.6))
    assert re.search(r"They talked less: communication fell from 0\.\d\d to 0\.\d\d", one.chapters[2].text)


def test_reasons_for_talking_less_or_more_follow_trust() -> None:
    seen = 0
    for history, one in of_all():
        mean = history.alliances[:, one.alliance - 1].effective
        for phase, text in phase_texts(one):
            if match := re.search(r"They talked (less|more) because they trusted (less|more)", text):
                assert match[1] == match[2]
                trust = np.sqrt(mean[phase.first - 1 : phase.last, 0] * mean[phase.first - 1 : phase.last, 1])
                assert (trust.mean() < trust[0]) == (match[1] == "less")
                seen += 1
    assert seen > 10


# ---------------------------------------------------------------------------------------------------------------
# Dated events
# ---------------------------------------------------------------------------------------------------------------
def test_dated_events_are_told_in_their_phases() -> None:
    events = [
        {"month": 2, "kind": "sessions", "who": "a", "effort": 0.1, "months": 8},
        {"month": 10, "kind": "breach", "who": "b", "severity": 0.5},
        {"month": 20, "kind": "turnover", "who": "a"},
        {"month": 22, "kind": "change", "who": "b", "trait": "openness", "to": 0.25},
        {"month": 30, "kind": "crash", "depth": 0.25},
        {"month": 31, "kind": "programme", "who": "everyone", "investment": 0.5, "months": 1},
        {"month": 35, "kind": "crash", "depth": 0.9, "enabled": False},
    ]
    history, one = tell(dyad(events, months=40))
    lost = -changes(history, one, Phase(10, 10))[0, CAUSES.index("breach")]
    assert lost == pytest.approx(0.5 * history.alliances[9, 0].effective[0], rel=0.2)
    texts = dict(phase_texts(one))
    assert list(texts) == [Phase(1, 9), Phase(10, 19), Phase(20, 29), Phase(30, 40)]
    first, second, third, fourth = texts.values()
    assert "In month 2 a began sessions to turn values into behaviour, for 8 months." in first
    assert f"In month 10 b broke faith, which cost a {lost:.2f} of its trust." in second
    assert re.search(r"In month 20 the key person of a left, and ties between the people fell from ", third)
    assert "In month 22 the openness of b changed from 1.00 to 0.25." in third
    assert "In month 30 the market crashed and lost 25% of its level." in fourth
    assert "In month 31 a and b began to invest more in people, for one month." in fourth
    assert "month 35" not in str(one)


def test_what_moves_by_less_than_is_shown_has_not_moved() -> None:
    events = [
        {"month": 5, "kind": "turnover", "who": "a"},
        {"month": 9, "kind": "change", "who": "b", "trait": "openness", "to": 1.0},
    ]
    text = str(tell(dyad(events, ties_start=0.004))[1]).replace("\n", " ")
    assert "In month 5 the key person of a left." in text
    assert "In month 9 the openness of b was set to 1.00, as it had been." in text


def test_events_of_others_are_not_told() -> None:
    seen = set()
    for seed in (8, 9, 10):
        history = simulate_history(busy(), seed)
        for alliance in range(1, history.alliances.shape[1] + 1):
            one = story(history, alliance)
            rows, last = tie(history, one).org, last_month(history, one)
            befell = [
                event.month
                for event in history.scenario.events
                if event.kind == "breach" and set(history.scenario.rows(event.who)) & set(rows) and event.month <= last
            ]
            told_of = [
                int(month) for month in re.findall(r"In month (\d+) [^.]*? broke faith", str(one).replace("\n", " "))
            ]
            assert told_of == befell
            seen.add(len(befell))
    assert seen == {0, 1, 2}


# ---------------------------------------------------------------------------------------------------------------
# Extreme cases
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"trust_exit": 0.9}, "by distrust. A's trust in b was 0.51 and b's trust in a was 0.51; a partner leaves"),
        ({"exogenous_exit": 1.0}, "by a sale or a change of strategy"),
        ({"disappointment_exit": 1.0, "outside_option": 2.0}, "by disappointment: the results of both"),
        ({"disappointment_exit": 1.0, "b__outside_option": 2.0}, "by disappointment: b left. Its results"),
    ],
)
def test_an_alliance_that_ends_in_its_first_month(settings: dict[str, Any], words: str) -> None:
    _, one = tell(dyad(months=24, **settings))
    assert one.phases == (Phase(1, 1),)
    assert f"The alliance ended in month 1, {words}" in chapter(one, "The end")
    assert "In month 1 trust held" in chapter(one, "Month 1")
    assert "In one month the alliance was worth" in str(one).replace("\n", " ")


def test_a_horizon_of_one_month() -> None:
    _, one = tell(dyad(months=1))
    assert "After one month the alliance goes on" in chapter(one, "How it stands")
    _, one = tell(busy(months=1), alliance=2)
    assert one.phases == (Phase(1, 1),)


def test_nothing_happens() -> None:
    _, one = tell(
        dyad(
            months=48,
            trust_gain=0.0,
            communication_start=0.1,
            openness_floor=0.1,
            trust_half=1.0,
            disappointment_loss=0.0,
        )
    )
    text = chapter(one, "Months 1 to 48")
    assert "No cause moved the trust of either by as much as 0.02." in text
    assert "problems" not in text
    assert "In month" not in text


def test_everything_clamped() -> None:
    history, one = tell(busy(**EVERY_CLAMP), seed=3)
    assert "the first, because trust moved in none of them" in one.origin
    assert one.alliance == 1
    assert chapter(one, "The partners").endswith(
        "Held fixed by the scenario: trust, communication, ties between people, the working gap, expectations, "
        "frustration and monitoring."
    )
    trust = float(history.alliances[0, 0].effective.mean())
    assert chapter(one, "The ledger") == f"Nothing built and nothing destroyed trust: it stayed at {trust:.2f}."
    for _, text in phase_texts(one):
        assert "It could not move, because it is held fixed." in text
        assert "talked less" not in text


def test_every_clamp_has_words() -> None:
    assert set(thresholds.CLAMPED) == set(EVERY_CLAMP)


# ---------------------------------------------------------------------------------------------------------------
# Which alliance
# ---------------------------------------------------------------------------------------------------------------
def test_the_alliance_whose_trust_swung_widest_is_chosen() -> None:
    history = simulate_history(busy(organizations=100, months=36), 11)
    assert history.alliances.shape[1] == 100
    one = story(history)
    swings = np.ptp(history.alliances.effective.mean(axis=-1), axis=0)
    assert one.alliance == int(np.argmax(swings)) + 1
    assert (
        f"alliance {one.alliance} of 100, chosen because its trust swung widest, {swings.max():.2f} from" in one.origin
    )
    asked = story(history, one.alliance)
    assert asked.chapters == one.chapters
    assert "chosen" not in asked.origin


def test_there_is_no_such_alliance() -> None:
    with pytest.raises(ValueError, match="alliance 10"):
        story(a_history("busy", 8), 10)


# ---------------------------------------------------------------------------------------------------------------
# Text
# ---------------------------------------------------------------------------------------------------------------
def test_the_text_fits_a_narrow_terminal() -> None:
    one = story(a_history("busy", 8), 1)
    assert max(map(len, one.text(40).splitlines())) <= 40
    assert one.text(40).replace("=", "").split() == str(one).replace("=", "").split()


def test_the_text_is_wrapped_and_clean() -> None:
    for _, one in of_all():
        text = str(one)
        assert max(map(len, text.splitlines())) <= COLUMNS
        assert not re.search(r"nan|None|  |\(\)|-\d|\.\.| ,|−0\.00?\b", text)
        for paragraph in one.paragraphs:
            assert paragraph[0].isupper()
            assert paragraph.endswith(".")
        for sentence in re.split(r"\. (?=[A-Z])", " ".join(one.paragraphs[1:])):
            assert sentence.count("(") == sentence.count(")")


def test_what_is_shown_as_nothing_has_no_sign() -> None:
    assert (number_in_words(-0.001, 2), number_in_words(-0.1, 1)) == ("0.00", "−0.1")
    assert (decimals(-0.004), in_money(-0.06)) == ("0.00", "−0.1")


def test_markdown_has_the_same_words() -> None:
    for _, one in of_all():
        markdown = one.markdown()
        assert markdown.startswith(f"# {one.title}\n\n*")
        assert [line[3:] for line in markdown.splitlines() if line.startswith("## ")] == [
            chapter.heading for chapter in one.chapters
        ]
        words = re.sub(r"[#*=]", " ", str(one)).lower().split()
        assert re.sub(r"[#*\\]", " ", markdown).lower().split() == words


def test_names_are_no_markup_and_keep_their_letters() -> None:
    plain = dyad(months=3).plain()
    plain["groups"][0]["name"], plain["groups"][1]["name"] = "*Big* & [Co]", "Sons"
    del plain["network"]
    _, one = tell(Scenario.from_plain(plain, "named"))
    assert one.title == "*Big* & [Co] and Sons"
    assert r"# \*Big\* & \[Co\] and Sons" in one.markdown()
    assert "Sons' in *Big* & [Co]" in str(tell(Scenario.from_plain(plain, "named").replace(trust_start_sd=0.2))[1])


def test_the_story_is_the_same_every_time_and_changes_nothing() -> None:
    history = simulate_history(busy(), 8)
    before = (history.alliances.tobytes(), history.organizations.tobytes(), history.ledger.tobytes())
    assert [str(story(history, k)) for k in range(1, 7)] == [str(one) for one in stories("busy", 8)]
    assert before == (history.alliances.tobytes(), history.organizations.tobytes(), history.ledger.tobytes())
