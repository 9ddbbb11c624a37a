"""The story of one alliance in plain words: who the partners were, what happened, why trust moved, how it ended.

:func:`story` derives every sentence from the history: states, the ledger of effective trust and the month's events, by
the thresholds below. Nothing is random, so the same history always gives the same text. "Because" stands only where the
ledger says so, or where the model's equation, run again without the reason, loses most of the change.

How a life is divided into phases (:func:`phases_of`): trust is the mean of both partners' effective trust, smoothed by
a centred mean of :data:`WINDOW` months. The life is first cut before each dated breach, crash or loss of a key person,
across which nothing is smoothed.
Then the phase that departs furthest from the straight line between its ends is cut where it departs most, again and
again, until none departs by :data:`TURN` or there are :data:`MOST_PHASES` (the line simplification of Ramer 1972 and
Douglas & Peucker 1973, with vertical distances). It finds turning points and also where a rise levels off.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.dynamics import rules
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
    CAUSES,
    DISAPPOINTMENT,
    DISTRUST,
    EFFECTIVE,
    EXOGENOUS,
    FESTERING,
    FRICTION,
    HARD_TALK,
    NO_PROBLEM,
    NOTHING,
    PROBLEMS,
    REFUSAL,
    SHIRKING,
)
from sim.engine import History
from sim.parameters import Traits, meta
from sim.scenario import Event, Scenario
from sim.study.analysis import choose_alliance, partner_name

Floats = NDArray[np.float64]

COLUMNS = 80
"""Width of the story as text."""

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
MOST_MONTHS = 4
"""Events of one kind are listed by month up to this many, and counted beyond."""
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


# ---------------------------------------------------------------------------------------------------------------
# What a story is
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Phase:
    """A stretch of months, first and last included, from 1."""

    first: int
    last: int

    @property
    def months(self) -> int:
        """How many months it has."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Chapter:
    """A paragraph and its heading."""

    heading: str
    text: str


@dataclass(frozen=True)
class Story:
    """The story of one alliance. ``str()`` gives text of 80 columns; :meth:`markdown` the same with headings."""

    title: str
    origin: str
    """Scenario, seed, replicate and which alliance; why this one, when it was chosen."""
    alliance: int
    """Number of the alliance, from 1."""
    phases: tuple[Phase, ...]
    chapters: tuple[Chapter, ...]

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """What is read aloud: the origin and every chapter without its heading."""
        return (self.origin, *(chapter.text for chapter in self.chapters))

    def __str__(self) -> str:
        """Title, then each paragraph under its heading, wrapped at 80 columns."""
        parts = [f"{_wrapped(self.title)}\n{'=' * min(len(self.title), COLUMNS)}", _wrapped(self.origin)]
        parts += [f"{chapter.heading.upper()}\n{_wrapped(chapter.text)}" for chapter in self.chapters]
        return "\n\n".join(parts)

    def markdown(self) -> str:
        """The same as Markdown, a paragraph a line."""
        parts = [f"# {_escaped(self.title)}", f"*{_escaped(self.origin)}*"]
        for chapter in self.chapters:
            parts += [f"## {_escaped(chapter.heading)}", _escaped(chapter.text)]
        return "\n\n".join(parts) + "\n"


def story(history: History, alliance: int | None = None) -> Story:
    """Tell what happened to an alliance and why.

    Args:
        history: what :func:`sim.engine.simulate_history` returns.
        alliance: its number, from 1; None for the one that :func:`most_telling` chooses.

    Raises:
        ValueError: when there is no such alliance.
    """
    chosen = choose_alliance(history, alliance) or most_telling(history)
    life = Life(history, chosen)
    phases = phases_of(life.mutual, [event.month - 1 for event in life.dated if event.kind in CUTS_A_PHASE])
    told = _Told(life, phases)
    chapters = [
        Chapter("The partners", _partners(life)),
        Chapter("What they hoped for", _hopes(life)),
        *(Chapter(_heading(phase), told.phase(k)) for k, phase in enumerate(phases)),
        Chapter("The end" if life.ended else "How it stands", _end(life)),
        Chapter("What it was worth", _worth(life)),
        Chapter("The ledger", _closing(life)),
    ]
    title = _begun(f"{life.names[0]} and {life.names[1]}")
    return Story(title, _origin(life, alliance), chosen, tuple(phases), tuple(chapters))


def most_telling(history: History) -> int:
    """Number (from 1) of the alliance whose trust swung widest; of equals the first.

    The swing is the highest less the lowest month of the mean of both partners' effective trust.
    """
    return int(np.argmax(_swings(history))) + 1


def _swings(history: History) -> Floats:
    trust = np.asarray(history.alliances["effective"]).mean(axis=-1)  # an ended alliance keeps its last state
    return np.asarray(trust.max(axis=0) - trust.min(axis=0))


# ---------------------------------------------------------------------------------------------------------------
# Phases
# ---------------------------------------------------------------------------------------------------------------
def smoothed(series: Floats) -> Floats:
    """Centred mean of :data:`WINDOW` values; near the ends of as many as there are on the shorter side."""
    reach = WINDOW // 2
    last = len(series) - 1
    means = []
    for k in range(len(series)):
        near = min(reach, k, last - k)
        means.append(series[k - near : k + near + 1].mean())
    return np.array(means)


def phases_of(trust: Floats, events: Iterable[int] = ()) -> list[Phase]:
    """Divide a life into phases; see the module's text for the method.

    Args:
        trust: mean trust of both partners at the end of each month, from month 0; at least two values.
        events: months after which a dated event begins a phase.

    Returns:
        Phases without a gap from month 1 to the last, in order.
    """
    last = len(trust) - 1
    cuts = [0, last]
    for month in sorted(events):
        if len(cuts) <= MOST_PHASES and all(abs(month - cut) >= SHORTEST_PHASE for cut in cuts):
            cuts.append(month)
    jumps = sorted(cuts[2:])  # here trust may jump, so neither the mean nor the straight line reaches across
    line = np.concatenate([smoothed(piece) for piece in np.split(trust, [month + 1 for month in jumps])])
    cuts.sort()
    while len(cuts) <= MOST_PHASES:
        found = [_departure(line, start, end, start in jumps) for start, end in pairwise(cuts)]
        size, month = max(found, key=lambda departure: (departure[0], -departure[1]))
        if size < TURN:
            break
        cuts = sorted([*cuts, month])
    return [Phase(start + 1, end) for start, end in pairwise(cuts)]


def _departure(line: Floats, start: int, end: int, jump: bool) -> tuple[float, int]:
    """How far a phase departs from the straight line between its ends, and where, where a cut is allowed.

    The line begins at the end of the month before the phase, or at that of its first month after a ``jump``.
    """
    allowed = np.arange(start + SHORTEST_PHASE, end - SHORTEST_PHASE + 1)
    if len(allowed) == 0:
        return 0.0, start
    begin = start + jump
    straight = line[begin] + (line[end] - line[begin]) * (allowed - begin) / (end - begin)
    away = np.abs(line[allowed] - straight)
    return float(away.max()), int(allowed[np.argmax(away)])


# ---------------------------------------------------------------------------------------------------------------
# One alliance's part of a history
# ---------------------------------------------------------------------------------------------------------------
class Life:
    """The months of one alliance until it ended, or until the horizon; month 0 is the signature.

    Attributes:
        last: its last month; ``ended``: whether it ended then.
        tie: its records, (last + 1,). ``trust``: effective trust, (last + 1, 2); ``mutual``: the mean of both sides.
        ledger: entries of effective trust, (last, 2, causes); row 0 is month 1.
        rows, names: the two partners.
    """

    def __init__(self, history: History, alliance: int) -> None:
        self.history, self.scenario, self.number = history, history.scenario, alliance
        self.parameters = history.scenario.parameters
        all_months = history.alliances[:, alliance - 1]
        self.last = int(all_months[-1].ended) or history.scenario.months
        self.ended = bool(all_months[-1].alive == 0)
        self.tie = all_months[: self.last + 1]
        self.rows = [int(row) for row in self.tie[0].org]
        self.names = [partner_name(self.scenario, row) for row in self.rows]
        self.trust = np.asarray(self.tie["effective"])
        self.mutual = self.trust.mean(axis=1)
        self.ledger = history.ledger[: self.last, alliance - 1, :, EFFECTIVE]

    def organization(self, month: int, side: int) -> Any:
        """Record of one partner at the end of a month."""
        return self.history.organizations[month, self.rows[side]]

    def changes(self, phase: Phase, side: int) -> dict[str, float]:
        """Change of one side's trust by each cause in a phase."""
        total = self.ledger[phase.first - 1 : phase.last, side].sum(axis=0)
        return dict(zip(CAUSES, total.tolist(), strict=True))

    def during(self, phase: Phase, name: str) -> NDArray[Any]:
        """A field of the alliance in the months of a phase."""
        return np.asarray(self.tie[name][phase.first : phase.last + 1])

    @cached_property
    def dated(self) -> list[Event]:
        """The scenario's dated events that befell one of the partners, or the market, in its time; by month."""
        mine = [
            event
            for event in self.scenario.events
            if event.enabled and event.month <= self.last and (event.kind == "crash" or self.sides_of(event))
        ]
        return sorted(mine, key=lambda event: event.month)

    def sides_of(self, event: Event) -> list[int]:
        """Which of the two partners a dated event befalls."""
        rows = self.scenario.rows(event.who)
        return [side for side in (0, 1) if self.rows[side] in rows]


# ---------------------------------------------------------------------------------------------------------------
# Before the first month
# ---------------------------------------------------------------------------------------------------------------
def _origin(life: Life, asked: int | None) -> str:
    history, count = life.history, life.history.alliances.shape[1]
    text = f"{life.scenario.title}, seed {history.seed}, replicate {history.replicate}"
    if count == 1:
        return f"{text}."
    text = f"{text}: alliance {life.number} of {count}"
    if asked is not None:
        return f"{text}."
    swing = float(_swings(history)[life.number - 1])
    if swing == 0.0:
        return f"{text}, the first, because trust moved in none of them."
    return f"{text}, chosen because its trust swung widest, {_number(swing)} from its lowest month to its highest."


def _partners(life: Life) -> str:
    sentences = [_values(life)]
    ordinary = "openness, integrity, blame and the practice of its values"
    lines = [_outstanding(life, side) for side in (0, 1)]
    if not any(lines):
        sentences.append("in openness, integrity, blame and the practice of values neither stands out")
    elif lines[0] == lines[1]:
        sentences.append(f"both are {_and(lines[0])} than most of their kind")
    else:
        for name, line in zip(life.names, lines, strict=True):
            sentences.append(
                f"{name} is {_and(line)} than most of its kind" if line else f"{name} is ordinary in {ordinary}"
            )
    held = [words for name, words in CLAMPED.items() if getattr(life.parameters, name)]
    if held:
        sentences.append(f"held fixed by the scenario: {_and(held)}")
    return _text(sentences)


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
        return f"{both} profess nearly the same values and practise nearly the same, {_number(practice)} apart {scale}"
    if words < ALIKE:
        return f"{both} profess nearly the same values, but what they practise is {far}, by {_number(practice)} {scale}"
    if practice < ALIKE:
        return f"{both} profess different values, but what they practise is close, {_number(practice)} apart {scale}"
    return f"{both} profess different values, and what they practise is {far} too, by {_number(practice)} {scale}"


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


def _hopes(life: Life) -> str:
    tie = life.tie[0]
    plan = float(tie.plan)
    a, b = life.names
    expected = [f"{_number(float(x))}, {_above(float(x), plan)}" for x in tie.expectation_start]
    sentences = [
        f"a sober plan gave each partner {_number(plan)} a month, where 1 is what an alliance makes together in a "
        "month of plain work",
        f"both expected {expected[0]}"
        if expected[0] == expected[1]
        else f"{a} expected {expected[0]}, and {b} {expected[1]}",
    ]
    if tie.goodwill_start > 0:
        sentences.append(
            f"they booked goodwill of {_money(float(tie.goodwill_start))} together, for what this promised beyond what "
            "their resources would earn elsewhere"
        )
    else:
        sentences.append("neither expected more than its resources would earn elsewhere, so no goodwill was booked")
    trust = [_number(float(x)) for x in tie.trust_start]
    signed = "on the day of the signature"
    if trust[0] == trust[1]:
        sentences.append(f"{signed} the trust of each in the other stood at {trust[0]}, between 0 and 1")
    else:
        sentences.append(
            f"{signed} {_possessive(a)} trust in {b} stood at {trust[0]} and {_possessive(b)} in {a} at {trust[1]}, "
            "between 0 and 1"
        )
    sentences.append("below, one number for trust is the mean of the two")
    return _text(sentences)


def _above(hoped: float, plan: float) -> str:
    percent = round(100.0 * (hoped / plan - 1.0))
    return f"{abs(percent)}% {'above' if percent > 0 else 'below'} the plan" if percent else "the same as the plan"


# ---------------------------------------------------------------------------------------------------------------
# A phase
# ---------------------------------------------------------------------------------------------------------------
def _heading(phase: Phase) -> str:
    return f"Month {phase.first}" if phase.months == 1 else f"Months {phase.first} to {phase.last}"


class _Told:
    """Tells the phases of a life in order; a phase may refer to the one before it."""

    def __init__(self, life: Life, phases: Sequence[Phase]) -> None:
        self.life, self.phases = life, phases
        self.leaning = [0] * len(phases)  # at the end of each phase, the side that trusts notably more: 1 A, -1 B
        for k, phase in enumerate(phases):
            a, b = life.trust[phase.last]
            self.leaning[k] = 0 if abs(a - b) < ASYMMETRY else (1 if a > b else -1)

    def phase(self, k: int) -> str:
        """The paragraph of phase ``k``."""
        return _text(
            [
                _course(self.life, self.phases[k]),
                *_causes(self.life, self.phases[k]),
                *happenings(self.life, self.phases[k]),
                *self.talk(k),
                _gap(self.life, self.phases[k]),
                self.asymmetry(k),
                _results(self.life, self.phases[k]),
                _frustration(self.life, self.phases[k]),
            ]
        )

    def talk(self, k: int) -> list[str]:
        """The loop between talk and trust in phase ``k``."""
        life, phase = self.life, self.phases[k]
        if life.parameters.clamp_communication:
            return [self.problems(k, "")]
        said = _communication(life, phase)
        return [said, self.problems(k, said)]

    def problems(self, k: int, said: str) -> str:
        """What became of the problems; set against the phase before when talk and silence both changed."""
        count = _talks(self.life, self.phases[k])
        if count["all"] < FEW_PROBLEMS:
            return ""
        total = count["all"]
        if k and (compared := self.compared(k, said)):
            return compared
        number = {fate: count[fate] for fate in (HARD_TALK, BLAME, FESTERING) if count[fate]}
        if len(number) == 1:
            verb = {HARD_TALK: "were talked through", BLAME: "ended in blame", FESTERING: "went unsaid"}
            return f"all {total} problems {verb[next(iter(number))]}"
        be = "was" if count[HARD_TALK] == 1 else "were"
        verb = {HARD_TALK: f"{be} talked through", BLAME: "ended in blame", FESTERING: "went unsaid"}
        return f"of {total} problems {_and([f'{_count(number[fate])} {verb[fate]}' for fate in number])}"

    def compared(self, k: int, said: str) -> str:
        """Problems left unsaid against those of the phase before, when talk changed and they with it; else empty."""
        life, phase, earlier = self.life, self.phases[k], self.phases[k - 1]
        now, before = _talks(life, phase), _talks(life, earlier)
        if min(now["all"], before["all"]) < FEW_PROBLEMS:
            return ""
        usual = float(np.mean(life.during(earlier, "communication")))
        talked = float(np.mean(life.during(phase, "communication"))) - usual
        unsaid = now[FESTERING] / now["all"] - before[FESTERING] / before["all"]
        if abs(talked) < TALK_MOVED or abs(unsaid) < SHARE_MOVED or talked * unsaid > 0:
            return ""
        degree, way = ("more", "less") if unsaid > 0 else ("less", "more")
        because = "so " if abs(unsaid_if(life, phase) - unsaid_if(life, phase, usual)) >= WHOLE_PROBLEM else ""
        again = "" if said.startswith(f"they talked {way}") else f"they talked {way} than before, {because or 'and '}"
        return (
            f"{again or because}{degree} was left unsaid: {now[FESTERING]} of {now['all']} problems, after "
            f"{before[FESTERING]} of {before['all']}"
        )

    def asymmetry(self, k: int) -> str:
        """Who trusts more than it is trusted, when that is new or when it is the last phase."""
        lean = self.leaning[k]
        if lean == 0 or (k and self.leaning[k - 1] == lean and k < len(self.phases) - 1):
            return ""
        more, less = (0, 1) if lean > 0 else (1, 0)
        life, last = self.life, self.phases[k].last
        still = "still " if k and self.leaning[k - 1] == lean else ""
        names, trust = life.names, life.trust[last]
        return (
            f"by month {last} {names[more]} {still}trusted more than it was trusted, {_number(trust[more])} against "
            f"{_number(trust[less])}{_why_unequal(life, last, more)}"
        )


def _course(life: Life, phase: Phase) -> str:
    """What trust did."""
    start, end = float(life.mutual[phase.first - 1]), float(life.mutual[phase.last])
    when = f"in month {phase.first}" if phase.months == 1 else f"from month {phase.first} to month {phase.last}"
    change = end - start
    if abs(change) >= MOVED:
        verb = "rose" if change > 0 else "fell"
        fast = " fast" if abs(change) / phase.months >= FAST and phase.months > 1 else ""
        return f"{when} trust {verb}{fast} from {_number(start)} to {_number(end)}"
    lived = life.mutual[phase.first - 1 : phase.last + 1]
    low, high = float(lived.min()), float(lived.max())
    if high - low >= WAVERED:
        return (
            f"{when} trust went up and down between {_number(low)} and {_number(high)}, and ended near where it began, "
            f"at {_number(end)}"
        )
    return f"{when} trust held, {_number(start)} at the beginning and {_number(end)} at the end"


def named_causes(changes: Mapping[str, float]) -> tuple[list[str], list[str]]:
    """The largest causes of gain and of loss that are worth naming, at most :data:`MOST_CAUSES` each way."""
    ranked = sorted(changes, key=lambda cause: -abs(changes[cause]))
    gains = [cause for cause in ranked if changes[cause] >= NOTABLE_CAUSE][:MOST_CAUSES]
    losses = [cause for cause in ranked if changes[cause] <= -NOTABLE_CAUSE][:MOST_CAUSES]
    return gains, losses


def _causes(life: Life, phase: Phase) -> list[str]:
    """The largest causes in the ledger of each side; both in one when they are the same."""
    if life.parameters.clamp_trust:
        return ["it could not move, because it is held fixed"]
    changes = [life.changes(phase, side) for side in (0, 1)]
    named = [named_causes(change) for change in changes]
    falling = life.mutual[phase.last] < life.mutual[phase.first - 1]
    if not any(gains or losses for gains, losses in named):
        return [f"no cause moved the trust of either by as much as {_number(NOTABLE_CAUSE)}"]
    same = [named[0][way][:1] == named[1][way][:1] for way in (0, 1)]
    if all(same):
        said = [_joint_causes(life, way, [named[side][way] for side in (0, 1)], changes) for way in (0, 1)]
        said = [clause for clause in said if clause]
        if falling:
            said.reverse()
        return [f"on both sides it {said[0]}", *(f"it {clause}" for clause in said[1:])]
    return [_own_causes(life, side, named[side], changes[side], falling) for side in (0, 1)]


def _joint_causes(life: Life, way: int, named: Sequence[Sequence[str]], changes: Sequence[Mapping[str, float]]) -> str:
    """Gains (way 0) or losses (way 1) whose largest cause is the same on both sides; empty when there is none."""
    if not named[0]:
        return ""
    words, verb, link = ((GAINED, "gained", "from"), (LOST, "lost", "to"))[way]
    largest = named[0][0]
    sizes = [_number(abs(change[largest])) for change in changes]
    split = _at(life.names, sizes)
    then = []
    for cause in dict.fromkeys([*named[0][1:], *named[1][1:]]):
        mine = [side for side in (0, 1) if cause in named[side]]
        then.append((f"at {life.names[mine[0]]} " if len(mine) == 1 else "") + f"{link} {words[cause]}")
    after = f", then {_and(then)}" if then else ""
    return f"{verb} most {link} {words[largest]} ({split}){after}"


def _at(names: Sequence[str], numbers: Sequence[str]) -> str:
    """ "0.10 at AOL and 0.20 at Time Warner", or "0.10 each"."""
    if len(numbers) > 1 and len(set(numbers)) == 1:
        return f"{numbers[0]} each"
    return _and([f"{number} at {name}" for number, name in zip(numbers, names, strict=True)])


def _own_causes(
    life: Life, side: int, named: tuple[list[str], list[str]], changes: Mapping[str, float], falling: bool
) -> str:
    def listed(causes: Sequence[str], words: Mapping[str, str]) -> str:
        return _and([f"{words[cause]} ({_number(abs(changes[cause]))})" for cause in causes])

    gains, losses = named
    said = [f"gained most from {listed(gains, GAINED)}"] if gains else []
    said += [f"lost most to {listed(losses, LOST)}"] if losses else []
    if falling:
        said.reverse()
    whose = f"{_possessive(life.names[side])} trust in {life.names[1 - side]}"
    return f"{whose} {_and(said)}" if said else f"{whose} hardly moved"


# ---------------------------------------------------------------------------------------------------------------
# Notable months
# ---------------------------------------------------------------------------------------------------------------
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
    dated = [event for event in life.dated if phase.first <= event.month <= phase.last]
    sure = {("people", side) for event in dated if event.kind == "turnover" for side in life.sides_of(event)}
    ranked = sorted(kinds, key=lambda key: (-kinds[key].weight, kinds[key].first, key))
    chosen = [key for key in ranked if kinds[key].weight >= NOTABLE_EVENT][:MOST_EVENTS]
    chosen += [key for key in ranked if key in sure and key not in chosen]
    told = [(kinds[key].first, _sentence(life, key, kinds[key])) for key in chosen]
    told += [(event.month, _dated(life, event)) for event in dated if event.kind != "turnover"]
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
        PROBLEMS[BAD_WORK]: f"{_possessive(who)} work came out badly",
    }[name]
    rows = sorted(kind.months.items(), key=lambda row: row[1][0])
    fate, months = rows[0]
    if name == "people":
        return f"{_when(months)} {what}{_ties_lost(life, months)}"
    became = _FATES.get((name, fate), _FATES["", fate])
    text = f"{_when(months)} {what}{f', and {became}' if became else ''}"
    also = [f"{_when(months)}, when {_FATES['', fate]}" for fate, months in rows[1:]]
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
    before, after = (float(life.tie[month].ties) for month in (months[0] - 1, months[0]))
    return f", and ties between the people fell from {_number(before)} to {_number(after)}" if after < before else ""


def _dated(life: Life, event: Event) -> str:
    """A dated event in words. Key persons are told with those who left by chance."""
    when, numbers, sides = f"in month {event.month}", event.numbers, life.sides_of(event)
    who = _and([life.names[side] for side in sides] or ["the market"])
    months = _months(int(numbers.get("months", 0)))
    if event.kind == "crash":
        return f"{when} the market crashed and lost {round(100 * numbers['depth'])}% of its level"
    if event.kind == "breach":
        lost = [(1 - side, -float(life.ledger[event.month - 1, 1 - side, BY_BREACH])) for side in sides]
        sizes = [_number(loss) for _, loss in lost]
        if life.parameters.clamp_trust:
            return f"{when} {who} broke faith"
        if len(set(sizes)) < len(sizes):
            return f"{when} {who} broke faith, which cost each {sizes[0]} of its trust"
        cost = _and([f"{life.names[side]} {size}" for (side, _), size in zip(lost, sizes, strict=True)])
        return f"{when} {who} broke faith, which cost {cost} of its trust"
    if event.kind == "programme":
        return f"{when} {who} began to invest more in people, for {months}"
    if event.kind == "sessions":
        return f"{when} {who} began sessions to turn values into behaviour, for {months}"
    before, after = (float(life.organization(month, sides[0])[event.trait]) for month in (event.month - 1, event.month))
    shown = f" from {_number(before)} to {_number(after)}" if len(sides) == 1 else ""
    return f"{when} the {event.trait.replace('_', ' ')} of {who} changed{shown}"


# ---------------------------------------------------------------------------------------------------------------
# Talk, asymmetry, money
# ---------------------------------------------------------------------------------------------------------------
def _communication(life: Life, phase: Phase) -> str:
    """Whether they talked more or less, and why, as far as the equations say."""
    start, end = (float(life.tie[month].communication) for month in (phase.first - 1, phase.last))
    change = end - start
    if abs(change) < TALK_MOVED:
        return ""
    less = change < 0
    why = ""
    if (end - communication_if(life, phase, trust_moved=False)) / change >= MAIN_PART:
        why = f" because they trusted {'less' if less else 'more'}"
    elif (end - communication_if(life, phase, blamed=False)) / change >= MAIN_PART:
        why = " because blame silenced them"
    then = ""
    if "delivery" in named_causes(life.changes(phase, 0))[0] + named_causes(life.changes(phase, 1))[0]:
        then = f", and good work was seen {'less' if less else 'more'}"
    return (
        f"they talked {'less' if less else 'more'}{why}: communication {'fell' if less else 'rose'} from "
        f"{_number(start)} to {_number(end)}{then}"
    )


def communication_if(life: Life, phase: Phase, trust_moved: bool = True, blamed: bool = True) -> float:
    """Communication at the end of a phase by the model's equations, all else as it was.

    Args:
        life: the alliance.
        phase: the months.
        trust_moved: False for trust that stays where it was at the beginning.
        blamed: False for blame that silences nobody.
    """
    p = life.parameters
    floor = rules.lifted_floor(p.openness_floor, p.contract_clarity, float(life.tie[0].coverage))
    willing = [
        rules.hill(rules.mutual_trust(float(a), float(b)), p.trust_half, p.trust_steepness)
        for a, b in life.trust[phase.first - 1 : phase.last]
    ]
    value = float(life.tie[phase.first - 1].communication)
    for k, month in enumerate(range(phase.first, phase.last + 1)):
        disclosed = float(life.tie[month].disclosure)
        if not trust_moved and willing[k] > 0:
            disclosed = floor + (disclosed - floor) * willing[0] / willing[k]
        value = rules.toward(value, disclosed, p.communication_speed)
        if blamed:
            value *= rules.kept(p.blame_chill, int((life.tie[month].talk == BLAME).sum()))
    return float(value)


def unsaid_if(life: Life, phase: Phase, communication: float | None = None) -> float:
    """Problems of a phase that the model's equations let go unsaid on average, all else as it was.

    Args:
        life: the alliance.
        phase: the months.
        communication: what it is throughout; None for what it was.
    """
    p = life.parameters
    unsaid = 0.0
    for month in range(phase.first, phase.last + 1):
        tie, before = life.tie[month], life.tie[month - 1]
        inside = 0.5 * sum(float(life.organization(month, side).internal_trust) for side in (0, 1))
        talk = float(before.communication) if communication is None else communication
        said = rules.voice(talk, p.silence, inside)
        for issue in np.flatnonzero(tie.problem != NO_PROBLEM):
            found = 0.0  # friction is found by nobody's monitoring; a fault by that of the partner
            if issue < 2:
                found = rules.watched(p.detection_effect, float(tie.monitoring[1 - issue]))
            unsaid += 1.0 - rules.either(said, found)
    return unsaid


def _talks(life: Life, phase: Phase) -> dict[Any, int]:
    """How many problems there were in a phase, and how many met each fate."""
    talk, problem = life.during(phase, "talk"), life.during(phase, "problem")
    return {"all": int((problem != NO_PROBLEM).sum())} | {
        fate: int((talk == fate).sum()) for fate in (HARD_TALK, BLAME, FESTERING)
    }


def _gap(life: Life, phase: Phase) -> str:
    start, end = (float(life.tie[month].gap) for month in (phase.first - 1, phase.last))
    if abs(end - start) < GAP_MOVED:
        return ""
    way = "came closer together" if end < start else "drifted apart"
    return f"their ways of working {way}: the gap went from {_number(start)} to {_number(end)}"


def _why_unequal(life: Life, month: int, more: int) -> str:
    """What made one partner trust more than the other, when one cause explains most of the difference."""
    total = life.ledger[:month].sum(axis=0)
    parts = dict(zip(CAUSES, (total[more] - total[1 - more]).tolist(), strict=True))
    parts["start"] = float(life.trust[0, more] - life.trust[0, 1 - more])
    gap = float(life.trust[month, more] - life.trust[month, 1 - more])
    cause = max(parts, key=lambda name: parts[name])
    if parts[cause] < MAIN_PART * gap:
        return ""
    if cause == "start":
        return "; it had begun so"
    words, cost = LOST.get(cause, cause), f"had cost {life.names[1 - more]} more"
    if float(total[1 - more, CAUSES.index(cause)]) >= 0:
        words, cost = GAINED.get(cause, cause), f"had given {life.names[more]} more"
    return f", mostly because {words} {cost}"


def _results(life: Life, phase: Phase) -> str:
    """What the phase brought both together a month, against what they expected when it began."""
    expected = float(life.tie[phase.first - 1].expectation.sum())
    brought = float(life.during(phase, "net").sum(axis=1).mean())
    if abs(brought - expected) < OFF_EXPECTATION * 2.0 * float(life.tie[0].plan):
        return ""
    since = "on the first day" if phase.first == 1 else "at the beginning of this time"
    rate = " a month" if phase.months > 1 else ""
    return f"together they earned {_number(brought)}{rate}; {since} they had expected {_number(expected)}"


def _frustration(life: Life, phase: Phase) -> str:
    start, end = life.tie[phase.first - 1].frustration, life.tie[phase.last].frustration
    for way, sign in (("rose", 1.0), ("eased", -1.0)):
        sides = [side for side in (0, 1) if sign * (end[side] - start[side]) >= FRUSTRATION_MOVED]
        if sides:
            shown = [_number(float(end[side])) for side in sides]
            where = _at([life.names[side] for side in sides], shown).replace(" each", " on both sides")
            return f"frustration {way} to {where}"
    return ""


# ---------------------------------------------------------------------------------------------------------------
# The end
# ---------------------------------------------------------------------------------------------------------------
def _end(life: Life) -> str:
    tie = life.tie[life.last]
    if not life.ended:
        return _text([f"after {_months(life.last)} the alliance goes on, with trust at {_number(life.mutual[-1])}"])
    tellers = {DISTRUST: _by_distrust, DISAPPOINTMENT: _by_disappointment, EXOGENOUS: _by_strategy}
    return _text(tellers[int(tie.cause)](life))


def _by_distrust(life: Life) -> list[str]:
    limit = life.parameters.trust_exit
    low = [
        f"{_possessive(life.names[side])} trust in {life.names[1 - side]} was {_under(life.trust[-1, side], limit)}"
        for side in (0, 1)
        if life.trust[-1, side] < limit
    ]
    return [
        f"the alliance ended in month {life.last}, by distrust",
        f"{_and(low)}; a partner leaves below {_number(limit)}",
    ]


def _under(value: float, limit: float) -> str:
    """A value that is below a limit, so that it is also seen to be."""
    shown = _number(float(value))
    return f"just under {shown}" if shown == _number(limit) else shown


def _by_disappointment(life: Life) -> list[str]:
    sides = [side for side in (0, 1) if _below(life, life.last, side)]
    chance = 100.0 * life.parameters.disappointment_exit
    leaver = life.names[sides[0]] + " left" if len(sides) == 1 else "the results of both had fallen too low"
    said = [f"the alliance ended in month {life.last}, by disappointment: {leaver}"]
    for side in sides:
        whose = "its" if len(sides) == 1 else _possessive(life.names[side])
        result = float(life.tie[life.last].smoothed[side])
        elsewhere = float(life.organization(life.last, side).outside_option)
        said.append(
            f"{whose} results, smoothed over recent months, were {_under(result, elsewhere)} a month; elsewhere its "
            f"resources would earn {_number(elsewhere)}"
        )
        if (months := _months_below(life, side)) > 1:
            said.append(f"they had been below that for {_months(months)}")
    return [*said, f"a partner that falls so low leaves with a chance of {chance:g}% a month", _left_at(life)]


def _left_at(life: Life) -> str:
    return f"trust stood at {_number(life.mutual[-1])}"


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
        f"the alliance ended in month {life.last}, by a sale or a change of strategy, which had nothing to do with how "
        "it went",
        _left_at(life),
    ]


def _worth(life: Life) -> str:
    tie = life.tie[life.last]
    value = _money(float(tie.value.sum()))
    hoped = _money(float(tie.expectation_start.sum()) * life.last)
    elsewhere = _money(
        sum(
            float(life.organization(month, side).outside_option) for month in range(1, life.last + 1) for side in (0, 1)
        )
    )
    return _text(
        [
            f"in {_months(life.last)} the alliance was worth {value} to both together, {_than(value, hoped)} that they "
            f"had expected on the first day and {_than(value, elsewhere)} that their resources would have earned "
            "elsewhere",
            _amounts("added", {"know-how shared": tie.synergy, "contingencies met together": tie.creativity}),
            _amounts(
                "cost",
                {
                    "friction, bad work, shirking and contingencies not met": tie.losses,
                    "watching each other": tie.monitoring_cost,
                },
            ),
            _written_off(life),
        ]
    )


def _amounts(verb: str, amounts: Mapping[str, Any]) -> str:
    """ "know-how shared added 1.9 and contingencies met together 2.0", without what would be shown as nothing."""
    shown = {what: _money(float(amount)) for what, amount in amounts.items() if round(float(amount), 1) != 0}
    first = next(iter(shown), "")
    return _and([f"{what} {verb + ' ' if what == first else ''}{amount}" for what, amount in shown.items()])


def _than(value: str, other: str) -> str:
    """How one shown amount stands to another: "less than the 23.2"."""
    if value == other:
        return f"as much as the {other}"
    more = float(value.replace("−", "-")) > float(other.replace("−", "-"))
    return f"{'more' if more else 'less'} than the {other}"


def _written_off(life: Life) -> str:
    booked, lost = float(life.tie[0].goodwill_start), float(life.tie[life.last].written_off)
    if booked == 0:
        return ""
    if not life.ended:
        return f"of the goodwill of {_money(booked)}, {_money(lost)} has been written off so far"
    before = float(life.tie[life.last - 1].written_off)
    if _money(before) == _money(0.0):
        return f"the goodwill of {_money(booked)} was written off at the end"
    if _money(before) == _money(booked):
        return f"the goodwill of {_money(booked)} was written off on the way"
    return f"the goodwill of {_money(booked)} is gone: {_money(before)} was written off on the way, the rest at the end"


# ---------------------------------------------------------------------------------------------------------------
# The ledger in one sentence
# ---------------------------------------------------------------------------------------------------------------
def rounded_ledger(start: float, changes: Mapping[str, float], end: float) -> tuple[int, dict[str, int], int]:
    """Start, changes and end in hundredths that add up as they are shown.

    Each number is rounded; where the sum does not come out, the changes that rounding moved furthest the wrong way are
    rounded the other way. Each change is then within 0.01 of the ledger's, and of the same sign.
    """
    first, last = round(100 * start), round(100 * end)
    shown = {cause: round(100 * change) for cause, change in changes.items() if change != 0.0}
    missing = last - first - sum(shown.values())
    step = 1 if missing > 0 else -1
    ranked = sorted(shown, key=lambda cause: step * (shown[cause] - 100 * changes[cause]))
    for cause in ranked[: abs(missing)]:
        shown[cause] += step
    return first, shown, last


def _closing(life: Life) -> str:
    whole = Phase(1, life.last)
    sides = [life.changes(whole, side) for side in (0, 1)]
    means = {cause: 0.5 * (sides[0][cause] + sides[1][cause]) for cause in CAUSES}
    first, changes, last = rounded_ledger(float(life.mutual[0]), means, float(life.mutual[-1]))
    gains = {cause: number for cause, number in changes.items() if number > 0}
    losses = {cause: -number for cause, number in changes.items() if number < 0}
    if not gains and not losses:
        return _text([f"nothing built and nothing destroyed trust: it stayed at {_hundredths(first)}"])
    built = _side_of_ledger(gains, GAINED, "built")
    destroyed = _side_of_ledger(losses, LOST, "destroyed")
    most = max(sum(gains.values()), sum(losses.values()))
    note = "what is lost can be built again, and lost again, so the sums can be more than 1" if most > 100 else ""
    return _text(
        [note, f"trust began at {_hundredths(first)}; {built}; {destroyed}; so it came to {_hundredths(last)}"]
    )


def _side_of_ledger(numbers: Mapping[str, int], words: Mapping[str, str], verb: str) -> str:
    """ "good work built 0.41, blame … and all else 0.03, together 0.54"."""
    if not numbers:
        return f"nothing {verb} any"
    ranked = sorted(numbers, key=lambda cause: -numbers[cause])
    parts = [f"{words[cause]} {_hundredths(numbers[cause])}" for cause in ranked[:3]]
    if len(ranked) > 3:
        parts.append(f"all else {_hundredths(sum(numbers[cause] for cause in ranked[3:]))}")
    parts[0] = f"{words[ranked[0]]} {verb} {_hundredths(numbers[ranked[0]])}"
    total = f", together {_hundredths(sum(numbers.values()))}" if len(parts) > 1 else ""
    return f"{_and(parts)}{total}"


# ---------------------------------------------------------------------------------------------------------------
# Words and numbers
# ---------------------------------------------------------------------------------------------------------------
def _number(value: float) -> str:
    return f"{round(float(value), 2) + 0.0:.2f}".replace("-", "−")  # adding 0 turns −0 into 0


def _money(value: float) -> str:
    return f"{round(float(value), 1) + 0.0:.1f}".replace("-", "−")


def _hundredths(number: int) -> str:
    return _number(number / 100)


def _count(number: int) -> str:
    small = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return small[number] if number < len(small) else str(number)


def _begun(sentence: str) -> str:
    """With a capital first."""
    return sentence[:1].upper() + sentence[1:]


def _text(sentences: Iterable[str]) -> str:
    """Sentences that are not empty, one after the other, each with a capital first and a full stop last."""
    return " ".join(f"{_begun(sentence)}." for sentence in sentences if sentence)


def _months(number: int) -> str:
    return "one month" if number == 1 else f"{number} months"


def _and(items: Sequence[str]) -> str:
    if len(items) < 2:
        return items[0] if items else ""
    return f"{', '.join(items[:-1])} and {items[-1]}"


def _possessive(name: str) -> str:
    return f"{name}'" if name.endswith("s") else f"{name}'s"


def _when(months: Sequence[int]) -> str:
    if len(months) == 1:
        return f"in month {months[0]}"
    if len(months) <= MOST_MONTHS:
        return f"in months {_and([str(month) for month in months])}"
    return f"{_count(len(months))} times between month {months[0]} and month {months[-1]}"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, COLUMNS, break_long_words=False, break_on_hyphens=False)


def _escaped(text: str) -> str:
    """With a backslash before what Markdown would take as markup."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", text)
