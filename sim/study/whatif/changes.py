"""What can be different in the other world, and whether it can be: changes checked against scenario and history."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced
from typing import Any

import numpy as np

from sim.conditions import why_event_idle, why_idle_from
from sim.distributions import expect
from sim.dynamics.state import BAD_WORK, BLAME, FESTERING, FRICTION, HARD_TALK, WITHOUT
from sim.engine import A_SCENARIO, History, Records
from sim.parameters import SCALAR_TRAITS, VECTOR_TRAITS, Parameters
from sim.scenario import EVERYONE, Scenario
from sim.study.story.wording import joined
from sim.tomlfile import BadFile, Problem, did_you_mean

FRICTION_ISSUE = 2
"""Where friction stands in an alliance's three problems."""
MOST_SUGGESTED = 3
"""At most so many other alliances are suggested where nothing happened in the one that was asked for."""
KIND_WORDS = {
    "blame": "the blame",
    "festering": "what was left unsaid",
    "hard_talk": "the hard talk",
    "friction": "the friction",
    "contingency": "the contingency",
    "bad_work": "the bad work",
    "shirking": "the shirking",
    "turnover": "the departure of key people",
    "ending": "the end",
}
"""What is kept away, in words."""


class BadChange(ValueError):
    """A change that cannot be made; the text says why and what to do."""


class DidNotHappen(BadChange):
    """What is to be kept away did not happen in these months of this history."""


@dataclass(frozen=True)
class KeptAway:
    """Something does not happen: ``kind`` (in :data:`sim.dynamics.state.WITHOUT`), from month ``first`` to ``last``.

    Without ``last`` it is one month; without ``first`` the month in which it happened first. As text a change is the
    option of ``alliance whatif`` that asks for it.
    """

    kind: str
    first: int | None = None
    last: int | None = None

    def __str__(self) -> str:
        when = "first" if self.first is None else str(self.first)
        return f"--without {self.kind}@{when}" + (f"-{self.last}" if self.last not in (None, self.first) else "")

    @property
    def months(self) -> range:
        """The months; none while ``first`` is open."""
        if self.first is None:
            return range(0)
        return range(self.first, (self.first if self.last is None else self.last) + 1)

    def words(self) -> str:
        """ "without the blame in month 14"."""
        what = KIND_WORDS[self.kind]
        if self.first is None:
            return f"without {what} that came first"
        if len(self.months) == 1:
            return f"without {what} in month {self.first}"
        return f"without {what} in months {self.first} to {self.last}"


@dataclass(frozen=True)
class LeftOut:
    """A dated event of the scenario, by its name, does not happen."""

    event: str

    def __str__(self) -> str:
        return shlex.join(["--without", self.event])

    def words(self) -> str:
        """ "without the event scandal"."""
        return f"without the event {self.event}"


@dataclass(frozen=True)
class Added:
    """A dated event happens that the scenario does not have: a table with the keys of ``[[events]]`` in its file."""

    event: Mapping[str, Any]

    def __str__(self) -> str:
        return shlex.join(["--with", self.short])

    @property
    def short(self) -> str:
        """ "breach@24:who=1,severity=0.5"."""
        numbers = ",".join(
            f"{key}={_typed(value)}" for key, value in self.event.items() if key not in ("kind", "month")
        )
        return f"{self.event.get('kind')}@{self.event.get('month')}{f':{numbers}' if numbers else ''}"

    def words(self) -> str:
        """ "with breach@24:who=1,severity=0.5"."""
        return f"with {self.short}"


@dataclass(frozen=True)
class SetFrom:
    """From ``month`` on a parameter or a scalar trait has another value.

    Keys as in :meth:`sim.scenario.Scenario.replace`: ``trust_gain``, ``monitoring`` (everybody), ``cautious.openness``
    (one group). What a parameter decides once, on the day of the signature, it decides for alliances signed from then
    on.
    """

    month: int
    key: str
    value: Any

    def __str__(self) -> str:
        return shlex.join(["--set-from", str(self.month), f"{self.key}={_typed(self.value)}"])

    def words(self) -> str:
        """ "with monitoring=2 from month 24 on"."""
        return f"with {self.key}={_typed(self.value)} from month {self.month} on"

    @property
    def trait(self) -> str:
        """The key without the group."""
        return self.key.rpartition(".")[2]

    @property
    def who(self) -> str:
        """The group, or everyone."""
        return self.key.rpartition(".")[0] or EVERYONE


def _typed(value: Any) -> str:
    """A value as it is typed on the command line."""
    return str(value).lower() if isinstance(value, bool) else str(value)


Change = KeptAway | LeftOut | Added | SetFrom


@dataclass(frozen=True)
class Plan:
    """Changes that are known to be possible.

    Attributes:
        scenario: with the dated events of the other world; a parameter that changes during the run is not in it.
        kept_away: what does not happen.
        parameters: records of the parameters, by the month from which they hold.
        dated: the first month of the other changes, or None.
    """

    scenario: Scenario
    kept_away: tuple[KeptAway, ...]
    parameters: Mapping[int, Any]
    dated: int | None

    @property
    def first_month(self) -> int:
        """The first month that can differ."""
        months = [change.months[0] for change in self.kept_away if change.months]
        return min([*months, *([] if self.dated is None else [self.dated])])

    def resolved(self, history: History, alliance: int | None) -> Plan:
        """The plan with the months of ``@first`` filled in.

        Args:
            history: the run as it was.
            alliance: number from 1; None for all.

        Raises:
            DidNotHappen: when something that is to be kept away did not happen, or when the alliance is signed too late
                for its row to be the same in both worlds.
        """
        plan = replaced(self, kept_away=tuple(_resolve(change, history, alliance) for change in self.kept_away))
        if alliance is not None and plan.kept_away:
            check_signed(history, alliance, plan)
        return plan


def plan_of(scenario: Scenario, changes: Iterable[Change]) -> Plan:
    """Check changes against a scenario.

    Raises:
        BadChange: with a line for each mistake; also when there is no change.
        TypeError: when the scenario is none, or a change is of another kind.
    """
    expect(scenario, Scenario, A_SCENARIO)
    listed = "changes: a list of changes of sim.study.whatif, such as [KeptAway('blame')]"
    expect(changes, Iterable, listed)
    changes = list(changes)
    for change in changes:
        expect(change, (KeptAway, LeftOut, Added, SetFrom), listed)
    if not changes:
        raise BadChange("nothing is changed: say what is kept from happening, left out, added or set")
    kept_away = tuple(change for change in changes if isinstance(change, KeptAway))
    problems = [problem for change in changes for problem in _problems(change, scenario)]
    settings = [(change.month, change.key) for change in changes if isinstance(change, SetFrom)]
    twice = dict.fromkeys(setting for setting in settings if settings.count(setting) > 1)
    problems += [f"--set-from {month} {key}: is set twice from that month on" for month, key in twice]
    if problems:
        raise BadChange("\n".join(problems))
    other = _with_events(scenario, changes)
    months = [month for month, _ in settings]
    months += [event.month for event in other.events[len(scenario.events) :]]
    left_out = {change.event for change in changes if isinstance(change, LeftOut)}
    months += [event.month for event in scenario.events if event.name in left_out]
    return Plan(other, kept_away, _parameters(scenario, changes), min(months, default=None))


def cannot_act(scenario: Scenario, changes: Iterable[Change]) -> list[str]:
    """Of changes that are possible, those that have no effect, and why; a line each.

    "--set-from 1 optimism=0 has no effect: it acts at the signature only …". A setting is judged without and with all
    that is set beside it.
    """
    changes = list(changes)
    settings = {change.key: change.value for change in changes if isinstance(change, SetFrom)}
    changed = scenario.with_settings(settings)
    found = [(change, _why_not(change, scenario, changed, changes)) for change in changes]
    return [f"{change} {why}" for change, why in found if why]


def _why_not(change: Change, scenario: Scenario, changed: Scenario, changes: Sequence[Change]) -> str:
    """Why a change has no effect; empty where it may have one."""
    if isinstance(change, KeptAway):
        return ""
    if isinstance(change, LeftOut):
        return why_event_idle(scenario, next(event for event in scenario.events if event.name == change.event))
    if isinstance(change, Added):
        return why_event_idle(changed, _with_events(scenario, [change]).events[-1])
    whys = [why_idle_from(one, change.key) for one in (scenario, changed)]
    if all(whys):
        return whys[-1]
    alone = sum(isinstance(other, SetFrom) and other.trait == change.trait for other in changes) == 1
    return "has no effect: it is so already" if alone and _is_so(change, scenario) else ""


def _is_so(change: SetFrom, scenario: Scenario) -> bool:
    """Whether a setting has the value that it is set to, at the start and, since no event moves it, ever after."""
    if change.key in Parameters.model_fields:
        return bool(getattr(scenario.parameters, change.key) == change.value)
    if scenario.events or change.trait == "operationalization":  # which sessions move
        return False
    groups = [group for group in scenario.groups if change.who in (EVERYONE, group.name)]
    return all(getattr(group.traits, change.trait).plain() == change.value for group in groups)


def _problems(change: Change, scenario: Scenario) -> list[str]:
    """Mistakes in a change that the scenario's own reader does not see."""
    if isinstance(change, KeptAway):
        return _problems_kept_away(change, scenario)
    if isinstance(change, LeftOut):
        enabled = {event.name: event.enabled for event in scenario.events}
        if change.event not in enabled:
            return [f"{change}: no such event; {scenario.name} has: {dated_events(scenario)}"]
        return [] if enabled[change.event] else [f"{change}: does not happen anyway: it is switched off"]
    if isinstance(change, SetFrom):
        if not 1 <= change.month <= scenario.months:
            return [f"{change}: month {change.month} is out of range: from 1 to {scenario.months}"]
        if change.trait in VECTOR_TRAITS:
            return [f"{change}: {change.trait} has a value for each of six dimensions and cannot change during a run"]
        if change.trait not in SCALAR_TRAITS and change.key not in Parameters.model_fields:
            known = [*Parameters.model_fields, *SCALAR_TRAITS]
            return [f"{change}: {change.key!r} is no parameter and no trait{did_you_mean(change.key, known)}"]
    return []


def _problems_kept_away(change: KeptAway, scenario: Scenario) -> list[str]:
    if change.kind not in WITHOUT:
        return [f"{change}: {change.kind!r} cannot be kept away{did_you_mean(change.kind, WITHOUT)}"]
    if change.first is None:
        return []
    if not change.months:
        return [f"{change}: the first month is after the last one"]
    if not 1 <= change.months[0] <= change.months[-1] <= scenario.months:
        return [f"{change}: months are out of range: from 1 to {scenario.months}"]
    return []


def dated_events(scenario: Scenario) -> str:
    """The dated events of a scenario, to choose from: "crash (crash@4)"; "none"."""
    return ", ".join(f"{event.name} ({event.kind}@{event.month})" for event in scenario.events) or "none"


def _with_events(scenario: Scenario, changes: Sequence[Change]) -> Scenario:
    """The scenario without the events left out and with those added, checked by its own reader.

    Raises:
        BadChange: with a line for each mistake.
    """
    data = scenario.written
    rows = data["events"] = list(data.get("events", []))
    names = [event.name for event in scenario.events]
    made_by: dict[int, Change] = {}
    for change in changes:
        if isinstance(change, LeftOut):
            rows[names.index(change.event)]["enabled"] = False
        elif isinstance(change, (Added, SetFrom)) and (row := _event_row(change)):
            made_by[len(rows)] = change
            row.setdefault("name", _new_name(change, names))
            names.append(row["name"])
            rows.append(row)
    if not made_by and not any(isinstance(change, LeftOut) for change in changes):
        return scenario
    try:
        return Scenario.from_plain(data, scenario.name)
    except BadFile as bad:
        raise BadChange("\n".join(_line(problem, made_by) for problem in bad.problems)) from None


def _event_row(change: Added | SetFrom) -> dict[str, Any] | None:
    """The table of the dated event that a change adds, or None."""
    if isinstance(change, Added):
        return dict(change.event)
    if change.trait in SCALAR_TRAITS:
        return {
            "kind": "change", "month": change.month, "who": change.who, "trait": change.trait, "to": change.value,
        }  # fmt: skip
    return None


def _new_name(change: Added | SetFrom, names: Sequence[str]) -> str:
    """A name for an added event that no other event has."""
    if isinstance(change, SetFrom):
        wanted = f"{change.key.replace('.', ' ')} from {change.month}"
    else:
        wanted = change.short.partition(":")[0].replace(".", " ")
    number, name = 1, wanted
    while name in names:
        number += 1
        name = f"{wanted} ({number})"
    return name


def _line(problem: Problem, made_by: Mapping[int, Change]) -> str:
    """A mistake in an added event as a line that begins with the change that made it."""
    number = problem.key[1] if len(problem.key) > 1 and isinstance(problem.key[1], int) else -1
    change, field = made_by.get(number), ".".join(str(part) for part in problem.key[2:])
    if change is None:
        return f"{problem.dotted()}: {problem.message}"
    return f"{change}: {problem.message}" if isinstance(change, SetFrom) else f"{change}: {field}: {problem.message}"


def _parameters(scenario: Scenario, changes: Sequence[Change]) -> dict[int, Any]:
    """Records of the parameters by the month from which they hold; changes add up.

    Raises:
        BadChange: when a value is out of range.
    """
    found: dict[int, Any] = {}
    settings: dict[str, Any] = {}
    wanted = [change for change in changes if isinstance(change, SetFrom) and change.key in Parameters.model_fields]
    for change in sorted(wanted, key=lambda change: change.month):
        settings[change.key] = change.value
        try:
            found[change.month] = scenario.with_settings(settings).parameters.record()
        except BadFile as bad:
            raise BadChange("\n".join(f"{change}: {problem.message}" for problem in bad.problems)) from None
    return found


# ---------------------------------------------------------------------------------------------------------------
# What happened when
# ---------------------------------------------------------------------------------------------------------------
def happened(history: History, kind: str, alliance: int | None = None) -> list[int]:
    """The months in which something of a kind happened.

    Args:
        history: the run.
        kind: in :data:`sim.dynamics.state.WITHOUT`.
        alliance: number from 1; None for any alliance.
    """
    mine = history.alliances if alliance is None else history.alliances[:, alliance - 1 : alliance]
    return [int(month) for month in np.flatnonzero(_happened(mine, kind).any(axis=1))]


def _happened(a: Records, kind: str) -> Any:
    """Whether something of a kind happened, bool (months + 1, M), while the alliance lived."""
    months = np.arange(len(a))[:, None]
    ends = (a["ended"] == months) & (months > 0)
    lived = (months > 0) & ((a["alive"] == 1) | ends)
    found = {
        "blame": lambda: (a["talk"] == BLAME).any(-1),
        "festering": lambda: (a["talk"] == FESTERING).any(-1),
        "hard_talk": lambda: (a["talk"] == HARD_TALK).any(-1),
        "friction": lambda: a["problem"][..., FRICTION_ISSUE] == FRICTION,
        "contingency": lambda: a["contingency"] > 0,
        "bad_work": lambda: (a["problem"] == BAD_WORK).any(-1),
        "shirking": lambda: (a["shirked"] == 1).any(-1),
        "turnover": lambda: (a["turnover"] == 1).any(-1),
        "ending": lambda: ends,
    }
    return lived & found[kind]()


def _resolve(change: KeptAway, history: History, alliance: int | None) -> KeptAway:
    """The change with its months, once it is sure that there is something to keep away."""
    when = happened(history, change.kind, alliance)
    if change.first is None and when:
        return replaced(change, first=when[0])
    if set(change.months) & set(when):
        return change
    what, where = change.kind.replace("_", " "), _where(change, history, alliance)
    if not when:
        raise DidNotHappen(f"{change}: {what} never happened in {where}{_where_else(history, change)}")
    months = joined([str(month) for month in when])
    raise DidNotHappen(
        f"{change}: {what} did not happen then in {where}; it happened in month{'s' if len(when) > 1 else ''} {months}"
        f"{_where_else(history, change)}"
    )


def _where(change: KeptAway, history: History, alliance: int | None) -> str:
    """ "alliance 1", and when it ended, if that was before."""
    if alliance is None:
        return "any alliance"
    ended = int(history.alliances[-1, alliance - 1].ended)
    late = change.first is not None and 0 < ended < change.first
    return f"alliance {alliance}" + (f", which ended in month {ended}" if late else "")


def _where_else(history: History, change: KeptAway) -> str:
    """Some of the alliances in which it did happen in those months, or, without months, ever."""
    when = _happened(history.alliances, change.kind)
    others = np.flatnonzero((when if change.first is None else when[list(change.months)]).any(axis=0)) + 1
    if len(others) == 0:
        return ""
    named = joined([f"--alliance {number}" for number in others[:MOST_SUGGESTED]])
    return f". {len(others)} other{'s' if len(others) > 1 else ''} had it: try {named}"


def check_signed(history: History, alliance: int, plan: Plan) -> None:
    """An alliance that is signed after the first change may be another one, or none, in the other world."""
    formed, first = int(history.alliances[-1, alliance - 1].formed), plan.first_month
    if formed > first or (formed == first and plan.dated == first):
        raise DidNotHappen(
            f"alliance {alliance} is signed in month {formed}, and the other world may be different from month {first} "
            "on: it need not be signed there. Keep away only what comes after its signature, or take --alliance all"
        )
