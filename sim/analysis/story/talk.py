"""The loop between talk and trust, and what the model's equations say would have been without one of its links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sim.analysis.story.life import Life
from sim.analysis.story.phases import Phase
from sim.analysis.story.thresholds import MAIN_PART, MOST_CAUSES, NOTABLE_CAUSE, TALK_MOVED
from sim.analysis.story.wording import decimals
from sim.dynamics import kernel, rules
from sim.dynamics.state import BLAME, FESTERING, HARD_TALK, NO_PROBLEM, NOTHING


def named_causes(changes: Mapping[str, float]) -> tuple[list[str], list[str]]:
    """The largest causes of gain and of loss that are worth naming, at most :data:`MOST_CAUSES` each way."""
    ranked = sorted(changes, key=lambda cause: -abs(changes[cause]))
    gains = [cause for cause in ranked if changes[cause] >= NOTABLE_CAUSE][:MOST_CAUSES]
    losses = [cause for cause in ranked if changes[cause] <= -NOTABLE_CAUSE][:MOST_CAUSES]
    return gains, losses


def communication_words(life: Life, phase: Phase) -> str:
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
    elif (end - communication_if(life, phase, by_chance=False)) / change >= MAIN_PART:
        why = f" because chance gave them {'fewer' if less else 'more'} occasions to talk"
    then = ""
    if "delivery" in named_causes(life.changes(phase, 0))[0] + named_causes(life.changes(phase, 1))[0]:
        then = f", and good work was seen {'less' if less else 'more'}"
    return (
        f"they talked {'less' if less else 'more'}{why}: communication {'fell' if less else 'rose'} from "
        f"{decimals(start)} to {decimals(end)}{then}"
    )


def communication_if(
    life: Life, phase: Phase, trust_moved: bool = True, blamed: bool = True, by_chance: bool = True
) -> float:
    """Communication at the end of a phase by the kernel's own step, all else as it was.

    Args:
        life: the alliance.
        phase: the months.
        trust_moved: False for trust that stays where it was at the beginning.
        blamed: False for blame that silences nobody.
        by_chance: False for as many occasions to talk in every month.
    """
    p = life.record.copy()
    if not by_chance:
        p["communication_noise"] = 0.0
    value = float(life.tie[phase.first - 1].communication)
    for month in range(phase.first, phase.last + 1):
        trust = life.trust[month - 1 if trust_moved else phase.first - 1]
        one = life.tie[month : month + 1].copy()
        one.communication[0], one.disclosure[0] = value, disclosed(life, month, float(trust[0]), float(trust[1]))
        if not blamed:
            one.talk[one.talk == BLAME] = NOTHING
        a, b = (life.organization(month, side) for side in (0, 1))
        kernel.relate(p, a, b, one[0], life.history.seed, life.history.replicate, life.run_month(month))
        value = float(one.communication[0])
    return value


def disclosed(life: Life, month: int, trust_a: float, trust_b: float) -> float:
    """What the partners would be willing to say in a month with this much effective trust, [0, 1]; all else as it was.

    With the trust of the month before it is the alliance's ``disclosure``.
    """
    before = life.tie[month - 1 : month].copy()
    before.effective[0] = trust_a, trust_b
    a, b = (life.organization(month, side) for side in (0, 1))
    kernel.disclose(life.record, a, b, before[0])
    return float(before.disclosure[0])


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


def talks(life: Life, phase: Phase) -> dict[Any, int]:
    """How many problems there were in a phase, and how many met each fate."""
    talk, problem = life.during(phase, "talk"), life.during(phase, "problem")
    return {"all": int((problem != NO_PROBLEM).sum())} | {
        fate: int((talk == fate).sum()) for fate in (HARD_TALK, BLAME, FESTERING)
    }
