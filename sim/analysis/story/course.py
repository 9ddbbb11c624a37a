"""A phase as a paragraph: where trust went, what moved it, what happened, how they talked and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sim.analysis.story.events import happenings
from sim.analysis.story.life import Life
from sim.analysis.story.phases import Phase
from sim.analysis.story.talk import communication_words, named_causes, talks, unsaid_if
from sim.analysis.story.thresholds import (
    ASYMMETRY,
    FAST,
    FEW_PROBLEMS,
    FRUSTRATION_MOVED,
    GAINED,
    GAP_MOVED,
    KNOW_HOW_MOVED,
    LEFT_MOVED,
    LOST,
    MAIN_PART,
    MOVED,
    NOTABLE_CAUSE,
    OFF_EXPECTATION,
    READING_MOVED,
    SHARE_MOVED,
    TALK_MOVED,
    WAVERED,
    WHOLE_PROBLEM,
)
from sim.analysis.story.wording import at_each, counted, decimals, joined, paragraph, possessive
from sim.dynamics.state import BLAME, CAUSES, FESTERING, HARD_TALK


def heading(life: Life, phase: Phase) -> str:
    """Months of the run, "Months 5 to 20", with the months together when they are others."""
    first, last = life.run_month(phase.first), life.run_month(phase.last)
    months = f"Month {first}" if phase.months == 1 else f"Months {first} to {last}"
    if first == phase.first:
        return months
    together = f"month {phase.first}" if phase.months == 1 else f"months {phase.first} to {phase.last}"
    return f"{months} ({together} together)"


class Course:
    """Tells the phases of a life in order; a phase may refer to the one before it."""

    def __init__(self, life: Life, phases: Sequence[Phase]) -> None:
        self.life, self.phases = life, phases
        self.leaning = [0] * len(phases)  # at the end of each phase, the side that trusts notably more: 1 A, -1 B
        for k, phase in enumerate(phases):
            a, b = life.trust[phase.last]
            self.leaning[k] = 0 if abs(a - b) < ASYMMETRY else (1 if a > b else -1)

    def phase(self, k: int) -> str:
        """The paragraph of phase ``k``."""
        return paragraph(
            [
                _course(self.life, self.phases[k]),
                *_causes(self.life, self.phases[k]),
                *happenings(self.life, self.phases[k]),
                *self.talk(k),
                _gap(self.life, self.phases[k]),
                _know_how(self.life, self.phases[k]),
                _reading(self.life, self.phases[k]),
                _delegation(self.life, self.phases[k]),
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
        said = communication_words(life, phase)
        return [said, self.problems(k, said)]

    def problems(self, k: int, said: str) -> str:
        """What became of the problems; set against the phase before when talk and silence both changed."""
        count = talks(self.life, self.phases[k])
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
        return f"of {total} problems {joined([f'{counted(number[fate])} {verb[fate]}' for fate in number])}"

    def compared(self, k: int, said: str) -> str:
        """Problems left unsaid against those of the phase before, when talk changed and they with it; else empty."""
        life, phase, earlier = self.life, self.phases[k], self.phases[k - 1]
        now, before = talks(life, phase), talks(life, earlier)
        if min(now["all"], before["all"]) < FEW_PROBLEMS:
            return ""
        usual = float(np.mean(life.during(earlier, "communication")))
        talked = float(np.mean(life.during(phase, "communication"))) - usual
        unsaid = now[FESTERING] / now["all"] - before[FESTERING] / before["all"]
        if abs(talked) < TALK_MOVED or abs(unsaid) < SHARE_MOVED or talked * unsaid > 0:
            return ""
        degree, way = ("more", "less") if unsaid > 0 else ("less", "more")
        because = "so " if abs(unsaid_if(life, phase) - unsaid_if(life, phase, usual)) >= WHOLE_PROBLEM else ""
        if not said.startswith(f"they talked {way}"):
            on_average = "yet on average " if said else ""  # at the end of the phase it was the other way round
            because = f"{on_average}they talked {way} than before, {because or 'and '}"
        return (
            f"{because}{degree} was left unsaid: {now[FESTERING]} of {now['all']} problems, after "
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
            f"by month {life.run_month(last)} {names[more]} {still}trusted more than it was trusted, "
            f"{decimals(trust[more])} against {decimals(trust[less])}{_why_unequal(life, last, more)}"
        )


def _course(life: Life, phase: Phase) -> str:
    """What trust did."""
    start, end = float(life.mutual[phase.first - 1]), float(life.mutual[phase.last])
    first, last = life.run_month(phase.first), life.run_month(phase.last)
    when = f"in month {first}" if phase.months == 1 else f"from month {first} to month {last}"
    change = end - start
    if abs(change) >= MOVED:
        verb = "rose" if change > 0 else "fell"
        fast = " fast" if abs(change) / phase.months >= FAST and phase.months > 1 else ""
        return f"{when} trust {verb}{fast} from {decimals(start)} to {decimals(end)}"
    lived = life.mutual[phase.first - 1 : phase.last + 1]
    low, high = float(lived.min()), float(lived.max())
    if high - low >= WAVERED:
        return (
            f"{when} trust went up and down between {decimals(low)} and {decimals(high)}, and ended near where it "
            f"began, at {decimals(end)}"
        )
    return f"{when} trust held, {decimals(start)} at the beginning and {decimals(end)} at the end"


def _causes(life: Life, phase: Phase) -> list[str]:
    """The largest causes in the ledger of each side; both in one when they are the same."""
    if life.parameters.clamp_trust:
        return ["it could not move, because it is held fixed"]
    changes = [life.changes(phase, side) for side in (0, 1)]
    named = [named_causes(change) for change in changes]
    falling = life.mutual[phase.last] < life.mutual[phase.first - 1]
    if not any(gains or losses for gains, losses in named):
        return [f"no cause moved the trust of either by as much as {decimals(NOTABLE_CAUSE)}"]
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
    sizes = [decimals(abs(change[largest])) for change in changes]
    split = at_each(life.names, sizes)
    then = []
    for cause in dict.fromkeys([*named[0][1:], *named[1][1:]]):
        mine = [side for side in (0, 1) if cause in named[side]]
        then.append((f"at {life.names[mine[0]]} " if len(mine) == 1 else "") + f"{link} {words[cause]}")
    after = f", then {joined(then)}" if then else ""
    return f"{verb} most {link} {words[largest]} ({split}){after}"


def _own_causes(
    life: Life, side: int, named: tuple[list[str], list[str]], changes: Mapping[str, float], falling: bool
) -> str:
    def listed(causes: Sequence[str], words: Mapping[str, str]) -> str:
        return joined([f"{words[cause]} ({decimals(abs(changes[cause]))})" for cause in causes])

    gains, losses = named
    said = [f"gained most from {listed(gains, GAINED)}"] if gains else []
    said += [f"lost most to {listed(losses, LOST)}"] if losses else []
    if falling:
        said.reverse()
    whose = f"{possessive(life.names[side])} trust in {life.names[1 - side]}"
    return f"{whose} {joined(said)}" if said else f"{whose} hardly moved"


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


def _gap(life: Life, phase: Phase) -> str:
    start, end = (float(life.tie[month].gap) for month in (phase.first - 1, phase.last))
    if abs(end - start) < GAP_MOVED:
        return ""
    way = "came closer together" if end < start else "drifted apart"
    return f"their ways of working {way}: the gap went from {decimals(start)} to {decimals(end)}"


def _know_how(life: Life, phase: Phase) -> str:
    start, end = (float(life.tie[month].know_how) for month in (phase.first - 1, phase.last))
    if abs(end - start) < KNOW_HOW_MOVED:
        return ""
    return f"their shared know-how {'grew' if end > start else 'shrank'} from {decimals(start)} to {decimals(end)}"


def _reading(life: Life, phase: Phase) -> str:
    """Whether they came to know what the other means to do."""
    start, end = (float(life.tie[month].misread.mean()) for month in (phase.first - 1, phase.last))
    if abs(end - start) < READING_MOVED:
        return ""
    way = "learned what the other means to do" if end < start else "knew less well what the other means to do"
    return f"they {way}: misreading went from {decimals(start)} to {decimals(end)}"


def _delegation(life: Life, phase: Phase) -> str:
    """What each leaves to the partner when it is absent itself; nothing is left before the first month."""
    start, end = (100.0 * float(life.tie[month].delegation.mean()) for month in (phase.first, phase.last))
    if abs(end - start) < 100.0 * LEFT_MOVED:
        return ""
    way = "more" if end > start else "less"
    return f"they left {way} to the absent partner, {end:.0f}% of decisions after {start:.0f}%"


def _results(life: Life, phase: Phase) -> str:
    """What the phase brought both together a month, against what they expected when it began."""
    expected = float(life.tie[phase.first - 1].expectation.sum())
    brought = float(life.during(phase, "net").sum(axis=1).mean())
    if abs(brought - expected) < OFF_EXPECTATION * 2.0 * float(life.tie[0].plan):
        return ""
    since = "on the first day" if phase.first == 1 else "at the beginning of this time"
    rate = " a month" if phase.months > 1 else ""
    return f"together they earned {decimals(brought)}{rate}; {since} they had expected {decimals(expected)}"


def _frustration(life: Life, phase: Phase) -> str:
    start, end = life.tie[phase.first - 1].frustration, life.tie[phase.last].frustration
    for way, sign in (("rose", 1.0), ("eased", -1.0)):
        sides = [side for side in (0, 1) if sign * (end[side] - start[side]) >= FRUSTRATION_MOVED]
        if sides:
            shown = [decimals(float(end[side])) for side in sides]
            where = at_each([life.names[side] for side in sides], shown).replace(" each", " on both sides")
            return f"frustration {way} to {where}"
    return ""
