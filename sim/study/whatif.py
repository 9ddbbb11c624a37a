"""What if: the same history with something kept from happening, left out, added or set, and both futures side by side.

A counterfactual here is a second run of the same scenario, seed and replicate in which one thing is changed. Every
random number is keyed by who, when and what for (:mod:`sim.dynamics.draws`), so both runs meet the same chances, and
until the month of the change they are the same run, bit for bit; :func:`check_same_past` makes sure of it each time.

What is changed:

* :class:`KeptAway`: something that the model brought about in an alliance (blame, friction, the end …) does not happen;
* :class:`LeftOut`: a dated event of the scenario does not happen; :class:`Added`: another one does;
* :class:`SetFrom`: a trait or a parameter has another value from a month on.

The difference between both futures is taken apart by the ledger of trust. Its entries add up to trust in each run, so
the differences of its entries add up to the difference of trust. How much of it comes about because the partners then
talk more, or less, is found by a third run: the change is made, and communication is held to what it was.
"""

from __future__ import annotations

import copy
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from sim.dynamics.state import (
    BAD_WORK,
    BLAME,
    CAUSES,
    CAUSES_OF_ENDING,
    EVENT,
    FESTERING,
    FRICTION,
    HARD_TALK,
    KEPT_AWAY,
    LAYERS,
    NOBODY,
    WITHOUT,
)
from sim.engine import Floats, History, LiveRun, Records, simulate_history
from sim.parameters import SCALAR_TRAITS, VECTOR_TRAITS, Parameters
from sim.scenario import EVERYONE, Scenario
from sim.study.analysis import CAUSE_WORDS, decimals_for, interval, partner_name, signed
from sim.study.story.life import most_telling
from sim.study.story.wording import counted, dates, joined
from sim.tomlfile import BadFile, Problem, did_you_mean

ALL: Literal["all"] = "all"
"""In place of an alliance's number: every alliance."""
FRICTION_ISSUE = 2
"""Where friction stands in an alliance's three problems."""
START = "start"
"""In a ledger of a difference: trust on the day of the signature, where a market signs the two in both worlds."""
STATES = ("trust", "communication", "value", "frustration", "alive")
"""What of an alliance is laid side by side."""
OUTCOMES_OF_AN_EFFECT = {
    "trust": "trust",
    "communication": "communication",
    "value": "money",
    "frustration": "frustration",
    "alive": "share",
    "months": "month",
}
"""Outcomes of :func:`effect_of` and their units, all at the horizon; an alliance that ended keeps its last state."""
SAME = 5e-4
"""Differences that are smaller than this are not told in words."""

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


# ---------------------------------------------------------------------------------------------------------------
# Changes
# ---------------------------------------------------------------------------------------------------------------
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
        numbers = ",".join(f"{key}={value}" for key, value in self.event.items() if key not in ("kind", "month"))
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
        return shlex.join(["--set-from", str(self.month), f"{self.key}={self.value}"])

    def words(self) -> str:
        """ "with monitoring=2 from month 24 on"."""
        return f"with {self.key}={self.value} from month {self.month} on"

    @property
    def trait(self) -> str:
        """The key without the group."""
        return self.key.rpartition(".")[2]

    @property
    def who(self) -> str:
        """The group, or everyone."""
        return self.key.rpartition(".")[0] or EVERYONE


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
            _check_signed(history, alliance, plan)
        return plan


def plan_of(scenario: Scenario, changes: Iterable[Change]) -> Plan:
    """Check changes against a scenario.

    Raises:
        BadChange: with a line for each mistake; also when there is no change.
    """
    changes = list(changes)
    if not changes:
        raise BadChange("nothing is changed: say what is kept from happening, left out, added or set")
    kept_away = tuple(change for change in changes if isinstance(change, KeptAway))
    problems = [problem for change in changes for problem in _problems(change, scenario)]
    if problems:
        raise BadChange("\n".join(problems))
    months = [change.month for change in changes if isinstance(change, SetFrom)]
    other = _with_events(scenario, changes)
    months += [event.month for event in other.events[len(scenario.events) :]]
    left_out = {change.event for change in changes if isinstance(change, LeftOut)}
    months += [event.month for event in scenario.events if event.name in left_out]
    return Plan(other, kept_away, _parameters(scenario, changes), min(months, default=None))


def _problems(change: Change, scenario: Scenario) -> list[str]:
    """Mistakes in a change that the scenario's own reader does not see."""
    if isinstance(change, KeptAway):
        return _problems_kept_away(change, scenario)
    if isinstance(change, LeftOut):
        enabled = {event.name: event.enabled for event in scenario.events}
        if change.event not in enabled:
            return [f"{change}: no such event; {scenario.name} has: {', '.join(enabled) or 'none'}"]
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


def _with_events(scenario: Scenario, changes: Sequence[Change]) -> Scenario:
    """The scenario without the events left out and with those added, checked by its own reader.

    Raises:
        BadChange: with a line for each mistake.
    """
    data = copy.deepcopy(dict(scenario.written))
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
    when = _happened(history.alliances, kind)
    mine = when if alliance is None else when[:, alliance - 1 : alliance]
    return [int(month) for month in np.flatnonzero(mine.any(axis=1))]


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
    what, where = change.kind.replace("_", " "), "any alliance" if alliance is None else f"alliance {alliance}"
    if not when:
        raise DidNotHappen(f"{change}: {what} never happened in {where}{_where_else(history, change)}")
    months = joined([str(month) for month in when])
    raise DidNotHappen(
        f"{change}: {what} did not happen then in {where}; it happened in month{'s' if len(when) > 1 else ''} {months}"
        f"{_where_else(history, change)}"
    )


def _where_else(history: History, change: KeptAway) -> str:
    """Some of the alliances in which it did happen in those months, or, without months, ever."""
    when = _happened(history.alliances, change.kind)
    others = np.flatnonzero((when if change.first is None else when[list(change.months)]).any(axis=0)) + 1
    if len(others) == 0:
        return ""
    named = joined([f"--alliance {number}" for number in others[:MOST_SUGGESTED]])
    return f". {len(others)} other{'s' if len(others) > 1 else ''} had it: try {named}"


def _check_signed(history: History, alliance: int, plan: Plan) -> None:
    """An alliance that is signed after the first change may be another one, or none, in the other world."""
    formed, first = int(history.alliances[-1, alliance - 1].formed), plan.first_month
    if formed > first or (formed == first and plan.dated == first):
        raise DidNotHappen(
            f"alliance {alliance} is signed in month {formed}, and the other world may be different from month {first} "
            "on: it need not be signed there. Keep away only what comes after its signature"
        )


# ---------------------------------------------------------------------------------------------------------------
# Running the other world
# ---------------------------------------------------------------------------------------------------------------
def _other_world(plan: Plan, history: History, alliance: int | None) -> LiveRun:
    """The run in which the changes will happen, on the day of the signature."""
    live = LiveRun(plan.scenario, history.seed, history.replicate)
    row = NOBODY if alliance is None else alliance - 1
    rows = [
        (month, KEPT_AWAY, row, WITHOUT.index(change.kind), 0.0) for change in plan.kept_away for month in change.months
    ]
    kept_away = np.array(rows, dtype=EVENT).view(np.recarray)
    live.events = np.concatenate([live.events, kept_away]).view(np.recarray)
    return live


def _step(live: LiveRun, plan: Plan) -> None:
    """The next month, with the parameters that hold from it on."""
    live.parameters = plan.parameters.get(live.month + 1, live.parameters)
    live.step()


def _record(live: LiveRun, plan: Plan, after: Callable[[LiveRun], None] | None = None) -> History:
    """Every month of a run that is at its start, as :func:`sim.engine.simulate_history` keeps it.

    Args:
        live: the run.
        plan: the changes.
        after: called at the end of every month; may change the state.
    """
    organizations, alliances, ledgers, market = (
        [live.organizations.copy()], [live.alliances.copy()], [], [live.market],
    )  # fmt: skip
    for _ in range(plan.scenario.months):
        _step(live, plan)
        if after:
            after(live)
        organizations.append(live.organizations.copy())
        alliances.append(live.alliances.copy())
        ledgers.append(live.month_ledger)
        market.append(live.market)
    count = len(live.alliances)
    return History(
        plan.scenario, live.seed, live.replicate, np.stack(organizations).view(np.recarray),
        np.stack([_padded(rows, count) for rows in alliances]).view(np.recarray),
        np.stack([_padded(entries, count) for entries in ledgers]), np.array(market),
    )  # fmt: skip


def _padded(rows: Any, count: int) -> Any:
    """A copy with ``count`` rows, the new ones empty."""
    more = np.zeros((count, *rows.shape[1:]), rows.dtype)
    more[: len(rows)] = rows
    return more


class _TalkAsItWas:
    """Holds the communication of each alliance to what it was in another history, from a month on."""

    def __init__(self, history: History, first_month: int) -> None:
        self.said = np.asarray(history.alliances["communication"])
        self.known = _rows_of(history.alliances[-1])
        self.first_month = first_month
        self.pairs: list[tuple[int, int]] = []  # row here, row there
        self.seen = 0

    def __call__(self, live: LiveRun) -> None:
        """Set it at the end of a month; an alliance that ended there keeps its last."""
        for key, row in _rows_of(live.alliances[self.seen :]).items():
            if key in self.known:
                self.pairs.append((self.seen + row, self.known[key]))
        self.seen = len(live.alliances)
        if live.month >= self.first_month and self.pairs:
            here, there = np.array(self.pairs).T
            live.alliances["communication"][here] = self.said[live.month, there]


Key = tuple[int, int, int]
"""Who an alliance is in any world: rows of its partners, and the month of its signature."""


def _rows_of(alliances: Records) -> dict[Key, int]:
    """The row of each alliance that exists."""
    return {
        (int(tie["org"][0]), int(tie["org"][1]), int(tie["formed"])): row
        for row, tie in enumerate(alliances)
        if tie["exists"] == 1
    }


def check_same_past(history: History, other: History, first_month: int) -> None:
    """Make sure that two histories are the same, bit for bit, at the end of every month before ``first_month``.

    Raises:
        RuntimeError: when they are not. It would be a fault of the program.
    """
    counts = [int((one.alliances[first_month - 1]["exists"] == 1).sum()) for one in (history, other)]
    same = counts[0] == counts[1]
    for name in ("organizations", "alliances", "ledger", "market") if same else ():
        past = []
        for one in (history, other):
            months = getattr(one, name)[: first_month - (name == "ledger")]
            past.append((months[:, : counts[0]] if name in ("alliances", "ledger") else months).tobytes())
        same = same and past[0] == past[1]
    if not same:
        raise RuntimeError(f"the two worlds differ before month {first_month}, in which the first change is made")


# ---------------------------------------------------------------------------------------------------------------
# Comparing both worlds
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Match:
    """An alliance in both worlds: its partners (rows), month of signature, and number (from 1) in each world."""

    partners: tuple[int, int]
    formed: int
    factual: int | None
    counterfactual: int | None


@dataclass(frozen=True)
class Comparison:
    """A history as it was, and as it would have been.

    Attributes:
        factual: as it was. ``counterfactual``: otherwise; its scenario has the dated events of that world, but not a
            parameter that changes during the run.
        held: otherwise, but with every alliance's communication held to what it was.
        changes: what was changed, with the months of ``@first`` filled in.
        alliance: the alliance that is told, its number in ``factual``; None for all.
        first_month: the first month that can differ.

    In all tables an alliance that has ended keeps its last state and earns no more, and its entries in the ledger are
    zero; one that is not signed has NaN.
    """

    factual: History
    counterfactual: History
    held: History
    changes: tuple[Change, ...]
    alliance: int | None
    first_month: int

    @cached_property
    def matches(self) -> tuple[Match, ...]:
        """Every alliance of either world, matched by partners and month of signature; those as they were first."""
        here, there = (_rows_of(history.alliances[-1]) for history in (self.factual, self.counterfactual))
        return tuple(
            Match(key[:2], key[2], _number(here.get(key)), _number(there.get(key))) for key in {**here, **there}
        )

    @property
    def title(self) -> str:
        """The changes in words: "without the blame in month 14"."""
        return joined([change.words() for change in self.changes])

    def match(self, alliance: int) -> Match:
        """An alliance by its number in ``factual``.

        Raises:
            ValueError: when there is none.
        """
        for match in self.matches:
            if match.factual == alliance:
                return match
        raise ValueError(f"alliance {alliance}: there are {self.factual.alliances.shape[1]}, numbered from 1")

    def name(self, match: Match) -> str:
        """ "AOL with Time Warner"."""
        return " with ".join(partner_name(self.factual.scenario, row) for row in match.partners)

    def only_as_it_was(self) -> list[Match]:
        """Alliances that would never have been formed."""
        return [match for match in self.matches if match.counterfactual is None]

    def only_otherwise(self) -> list[Match]:
        """Alliances that would have been formed in addition."""
        return [match for match in self.matches if match.factual is None]

    def others_changed(self) -> list[int]:
        """Numbers of the alliances, other than the one that is told, whose course differs, formed in both worlds."""
        others = [match for match in self._in_both() if match.factual != self.alliance]
        return [_both_rows(match)[0] + 1 for match in others if self._differs(match)]

    def _differs(self, match: Match) -> bool:
        here, there = _both_rows(match)
        a, b = self.factual.alliances[:, here], self.counterfactual.alliances[:, there]
        return any(a[name].tobytes() != b[name].tobytes() for name in ("effective", "communication", "value", "alive"))

    def _in_both(self) -> list[Match]:
        return [match for match in self.matches if match.factual is not None and match.counterfactual is not None]

    def table(self, alliance: int | None = None) -> pd.DataFrame:
        """Both futures side by side, all months: a row a month and alliance.

        Args:
            alliance: number in ``factual``; None for every alliance of either world.

        Returns:
            Columns ``month``, ``alliance`` and ``alliance_otherwise`` (numbers from 1, NaN where it is not formed),
            ``a`` and ``b`` (partners from 1), ``formed``, and for each of :data:`STATES` three: the name alone (as it
            was), ``…_otherwise`` and ``…_difference``. Trust and frustration are the mean of both sides, value is of
            both together so far, money; ``alive`` is 1 while the alliance goes on.
        """
        chosen = self.matches if alliance is None else (self.match(alliance),)
        if not chosen:
            return pd.DataFrame(columns=["month", "alliance", "alliance_otherwise", "a", "b", "formed"])
        return pd.concat([self._table_of(match) for match in chosen], ignore_index=True)

    def _table_of(self, match: Match) -> pd.DataFrame:
        months = np.arange(self.factual.scenario.months + 1)
        numbers = [np.nan if number is None else number for number in (match.factual, match.counterfactual)]
        columns: dict[str, Any] = {
            "month": months,
            "alliance": numbers[0],
            "alliance_otherwise": numbers[1],
            "a": match.partners[0] + 1,
            "b": match.partners[1] + 1,
            "formed": match.formed,
        }
        was = states(self.factual, match.factual)
        otherwise = states(self.counterfactual, match.counterfactual)
        for name in STATES:
            columns[name], columns[f"{name}_otherwise"] = was[name], otherwise[name]
            columns[f"{name}_difference"] = otherwise[name] - was[name]
        return pd.DataFrame(columns)

    def futures(self) -> pd.DataFrame:
        """:meth:`table` of the alliance that is told, or the mean over all that are formed in both worlds, by month."""
        if self.alliance is not None:
            return self.table(self.alliance)
        table = self.table()
        both = table[table["alliance"].notna() & table["alliance_otherwise"].notna()]
        columns = [column for name in STATES for column in (name, f"{name}_otherwise", f"{name}_difference")]
        return both.groupby("month")[columns].mean().reset_index()

    def ledger_difference(
        self, alliance: int | None = None, month: int | None = None, layer: str = "effective"
    ) -> pd.DataFrame:
        """What the difference of trust at the end of a month is made of.

        Args:
            alliance: number in ``factual``; without it the one that is told, or the mean over all alliances that are
                formed in both worlds.
            month: from the first month of the change; without it the horizon.
            layer: of trust, in :data:`sim.dynamics.state.LAYERS`.

        Returns:
            A row a cause (:data:`sim.dynamics.state.CAUSES`, and first :data:`START`): ``at_once``, the difference of
            the entries of the first month of the change; ``later``, what would follow after it were communication to
            stay as it was; ``through_communication``, what comes of its not staying so; ``total``, their sum. Units of
            trust, mean of both sides, otherwise less as it was. Totals add up to the difference of trust (to rounding
            of the last bits). ``later`` and ``through_communication`` are NaN where the third run lacks the alliance.

        Raises:
            ValueError: when there is no such alliance or month, or the alliance is not formed in both worlds.
        """
        month = self._month(month)
        number = self.alliance if alliance is None else alliance
        chosen = self._in_both() if number is None else [self.match(number)]
        if not chosen or chosen[0].counterfactual is None:
            raise ValueError("the alliance is not formed in both worlds: there is no difference of its trust")
        parts = [self._parts(match, month, LAYERS.index(layer)) for match in chosen]
        at_once, later, through, total = np.mean(parts, axis=0)
        return pd.DataFrame(
            {
                "cause": [START, *CAUSES],
                "at_once": at_once,
                "later": later,
                "through_communication": through,
                "total": total,
            }
        )

    def _month(self, month: int | None) -> int:
        horizon = self.factual.scenario.months
        if month is None:
            return horizon
        if not self.first_month <= month <= horizon:
            raise ValueError(f"month {month}: the two worlds can differ in months {self.first_month} to {horizon}")
        return month

    def _parts(self, match: Match, month: int, layer: int) -> Floats:
        """Rows at once, later, through communication, total; columns start and causes: (4, causes + 1)."""
        here, there = _both_rows(match)
        was = _entries(self.factual, here, layer)[:month]
        otherwise = _entries(self.counterfactual, there, layer)[:month]
        row = _rows_of(self.held.alliances[-1]).get((*match.partners, match.formed))
        held = np.full_like(was, np.nan) if row is None else _entries(self.held, row, layer)[:month]
        first = slice(0, self.first_month)  # month 1 is row 0; the months before the first one are the same
        at_once = (otherwise[first] - was[first]).sum(axis=0)
        total = (otherwise - was).sum(axis=0)
        through = (otherwise - held).sum(axis=0)
        return np.stack([at_once, total - at_once - through, through, total])

    def happenings(self, alliance: int | None = None) -> pd.DataFrame:
        """What happened in each world from the first month of the change on.

        Args:
            alliance: number in ``factual``; without it the one that is told, or all.

        Returns:
            A row for each kind (:data:`sim.dynamics.state.WITHOUT`), month, partners ``a`` and ``b`` (numbers from 1)
            and ``formed``; ``as_it_was`` and ``otherwise`` say in which worlds it happened. An ending says by what it
            came: "ended by distrust".
        """
        number = self.alliance if alliance is None else alliance
        chosen = self.matches if number is None else (self.match(number),)
        rows = []
        for match in chosen:
            was = _course(self.factual, match.factual, self.first_month)
            otherwise = _course(self.counterfactual, match.counterfactual, self.first_month)
            who = (match.partners[0] + 1, match.partners[1] + 1, match.formed)
            rows += [(*key, *who, key in was, key in otherwise) for key in sorted(was | otherwise)]
        return pd.DataFrame(rows, columns=["month", "what", "a", "b", "formed", "as_it_was", "otherwise"])

    def sentence(self, month: int | None = None) -> str:
        """The difference of trust at the end of a month (without it, the horizon) and what it is made of, in words."""
        month = self._month(month)
        if self.alliance is not None and self.match(self.alliance).counterfactual is None:
            return f"{_begun(self.title)}, {self._whose()} would never have been formed"
        if not self._in_both():
            return f"{_begun(self.title)}, no alliance is formed in both worlds"
        ledger = self.ledger_difference(month=month)
        difference = float(ledger["total"].sum())
        if abs(difference) < SAME and self.futures()["trust_difference"].abs().max() < SAME:
            return f"{_begun(self.title)}, trust in {self._whose()} would have been the same in every month"
        if abs(difference) < SAME:
            return ". ".join([f"{_begun(self.title)}, {self._passing(month)}", *self._fates()])
        told = f"{_begun(self.title)}, trust in {self._whose()} would be {_higher(difference)} in month {month}"
        parts = [f"{told}: {self._ways(ledger, month)}", _by_cause(ledger), *self._fates()]
        return ". ".join(part for part in parts if part)

    def _whose(self) -> str:
        if self.alliance is None:
            return f"the mean of {len(self._in_both())} alliances"
        return f"alliance {self.alliance} ({self.name(self.match(self.alliance))})"

    def _passing(self, month: int) -> str:
        """A difference that has gone by the end of a month."""
        rows = self.futures()
        widest = rows["trust_difference"].abs().idxmax()
        when, by = int(rows.loc[widest, "month"]), float(rows.loc[widest, "trust_difference"])
        return (
            f"trust in {self._whose()} would be the same in month {month}; the difference was widest in month {when}, "
            f"{signed(by, 3)}"
        )

    def _ways(self, ledger: pd.DataFrame, month: int) -> str:
        """At once, through communication, otherwise."""
        at_once, later, through = (
            float(ledger[name].sum()) for name in ("at_once", "later", "through_communication")
        )  # fmt: skip
        said = f"{signed(at_once, 3)} of it at once, in month {self.first_month}"
        if np.isnan(through):
            return said
        rows = self.futures()
        talked = rows.loc[rows["month"].between(self.first_month, month), "communication_difference"].mean()
        more = "more" if talked > 0 else "less"
        return (
            f"{said}, {signed(through, 3)} because they would have talked {more} afterwards, and {signed(later, 3)} by "
            "what else follows from it"
        )

    def _fates(self) -> list[str]:
        """How each world ends for the alliance that is told, and what it is worth."""
        if self.alliance is None:
            return []
        match = self.match(self.alliance)
        here, there = _both_rows(match)
        was, otherwise = self.factual.alliances[-1, here], self.counterfactual.alliances[-1, there]
        fates = [_fate(tie) for tie in (was, otherwise)]
        value = float(otherwise.value.sum() - was.value.sum())
        worth = f"It would be worth {abs(value):.1f} money {'more' if value >= 0 else 'less'}"
        if fates[0] == fates[1]:
            return [f"It {fates[0]} in both worlds", worth]
        return [f"It {fates[0]}; otherwise it {fates[1]}", worth]


def _number(row: int | None) -> int | None:
    return None if row is None else row + 1


def _both_rows(match: Match) -> tuple[int, int]:
    """Rows of an alliance that is formed in both worlds."""
    if match.factual is None or match.counterfactual is None:
        raise ValueError("the alliance is not formed in both worlds")
    return match.factual - 1, match.counterfactual - 1


def states(history: History, alliance: int | None) -> dict[str, Floats]:
    """:data:`STATES` of an alliance by month, (months + 1,); NaN before its signature, ``alive`` 0 there.

    Args:
        history: the run.
        alliance: number from 1; None when it is not formed in this run.
    """
    months = history.scenario.months + 1
    if alliance is None:
        return {name: np.zeros(months) if name == "alive" else np.full(months, np.nan) for name in STATES}
    a = history.alliances[:, alliance - 1]
    exists = a["exists"] == 1
    found = {
        "trust": a["effective"].mean(axis=-1),
        "communication": a["communication"],
        "value": a["value"].sum(axis=-1),
        "frustration": a["frustration"].mean(axis=-1),
    }
    return {name: np.where(exists, values, np.nan) for name, values in found.items()} | {
        "alive": a["alive"].astype(np.float64)
    }


def _entries(history: History, row: int, layer: int) -> Floats:
    """Entries of the ledger of an alliance by month, mean of both sides, with trust at the start before the causes.

    Shape (months, causes + 1); trust at the start stands in the month of the signature.
    """
    entries = history.ledger[:, row, :, layer].mean(axis=1)
    start = np.zeros((len(entries), 1))
    final = history.alliances[-1, row]
    start[max(int(final.formed) - 1, 0)] = final.trust_start.mean()
    return np.hstack([start, entries])


def _course(history: History, alliance: int | None, first_month: int) -> set[tuple[int, str]]:
    """Month and kind of all that happened to an alliance from a month on."""
    if alliance is None:
        return set()
    final = history.alliances[-1, alliance - 1]
    words = {kind: kind.replace("_", " ") for kind in WITHOUT}
    words["ending"] = f"ended by {CAUSES_OF_ENDING[int(final.cause)]}"
    return {
        (month, words[kind]) for kind in WITHOUT for month in happened(history, kind, alliance) if month >= first_month
    }


def _fate(tie: Any) -> str:
    """ "goes on to the end", "ended in month 60 by distrust"."""
    if tie.alive == 1:
        return "goes on to the end"
    return f"ended in month {int(tie.ended)} by {CAUSES_OF_ENDING[int(tie.cause)]}"


def _by_cause(ledger: pd.DataFrame) -> str:
    """The largest causes of a difference, the rest in one number; empty when no cause is large enough to tell."""
    totals = {str(cause): float(total) for cause, total in zip(ledger["cause"], ledger["total"], strict=True)}
    ranked = sorted((cause for cause in totals if abs(totals[cause]) >= SAME), key=lambda cause: -abs(totals[cause]))
    told = [f"{cause_words(cause)} {signed(totals[cause], 3)}" for cause in ranked[:4]]
    rest = sum(totals.values()) - sum(totals[cause] for cause in ranked[:4])
    if abs(rest) >= SAME:
        told.append(f"all else {signed(rest, 3)}")
    return f"By cause: {joined(told)}" if told else ""


def cause_words(cause: str) -> str:
    """A cause of a difference in words."""
    return "another start" if cause == START else CAUSE_WORDS[cause]


def _higher(difference: float) -> str:
    return f"{abs(difference):.3f} {'higher' if difference >= 0 else 'lower'}"


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def courses_in_words(happenings: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    """What happened in both worlds, only as it was, and only otherwise: a row a kind.

    Args:
        happenings: see :meth:`Comparison.happenings`.

    Returns:
        Kind, then months for each of the three, in words; a dash where there is none.
    """
    rows = []
    for what, group in happenings.groupby("what", sort=False):
        was, otherwise = group["as_it_was"], group["otherwise"]
        parts = [group[was & otherwise], group[was & ~otherwise], group[~was & otherwise]]
        both, only_was, only_otherwise = (_when(part) for part in parts)
        rows.append((str(what), both, only_was, only_otherwise))
    return rows


def _when(rows: pd.DataFrame) -> str:
    months = sorted({int(month) for month in rows["month"]})
    if not months:
        return "–"
    if len(rows) > len(months):
        return f"{counted(len(rows))} times"
    return dates(months)


# ---------------------------------------------------------------------------------------------------------------
# The questions
# ---------------------------------------------------------------------------------------------------------------
def whatif(
    scenario: Scenario,
    seed: int = 1,
    replicate: int = 0,
    changes: Sequence[Change] = (),
    alliance: int | Literal["all"] | None = None,
) -> Comparison:
    """One history as it was and as it would have been.

    Args:
        scenario: what is run. ``seed`` and ``replicate``: which history, as in :func:`sim.engine.simulate_history`.
        changes: what is different; at least one.
        alliance: number (from 1) of the alliance in which things are kept away, and which is told; without it the one
            whose trust swung widest, which is also the one that a story tells; :data:`ALL` for every alliance.

    Raises:
        BadChange: when a change cannot be made, or what is to be kept away did not happen: then the text names the
            months in which it did.
        ValueError: when the alliance, the seed or the replicate is out of range.
        RuntimeError: when the two worlds differ before the change, which would be a fault of the program.
    """
    plan = plan_of(scenario, changes)
    factual = simulate_history(scenario, seed, replicate)
    chosen = _chosen(factual, alliance)
    plan = plan.resolved(factual, chosen)
    first = plan.first_month
    counterfactual = _record(_other_world(plan, factual, chosen), plan)
    check_same_past(factual, counterfactual, first)
    held = _record(_other_world(plan, factual, chosen), plan, _TalkAsItWas(factual, first))
    resolved = iter(plan.kept_away)
    told = tuple(next(resolved) if isinstance(change, KeptAway) else change for change in changes)
    return Comparison(factual, counterfactual, held, told, chosen, first)


def _chosen(history: History, alliance: int | Literal["all"] | None) -> int | None:
    """Number of the alliance that is told; None for all."""
    if alliance == ALL:
        return None
    if alliance is None:
        return most_telling(history)
    count = history.alliances.shape[1]
    if not 1 <= alliance <= count:
        raise BadChange(f"alliance {alliance}: this history has {count}, numbered from 1")
    return int(alliance)


@dataclass(frozen=True)
class Effect:
    """The mean effect of a change over replicates, each compared with itself.

    Attributes:
        changes: what was changed.
        replicates: how many were tried. ``applied``: in how many of them what is kept away had happened.
        table: a row for each of :data:`OUTCOMES_OF_AN_EFFECT` at the horizon: ``outcome``, ``unit``, ``as_it_was`` and
            ``otherwise`` (means), ``difference`` with its 95% t interval ``low`` to ``high``, ``n``.
        ledger: a row a cause: mean difference of effective trust by it, ``low``, ``high``, ``n``; they add up to the
            difference of trust.
    """

    changes: tuple[Change, ...]
    replicates: int
    applied: int
    table: pd.DataFrame
    ledger: pd.DataFrame

    def sentence(self) -> str:
        """The effect on trust in words, with its interval."""
        title = _begun(joined([change.words() for change in self.changes]))
        if not self.applied:
            return f"{title}: in none of {self.replicates} replicates is there anything to change"
        row = self.table[self.table["outcome"] == "trust"].iloc[0]
        digits = decimals_for((row["high"] - row["low"]) / 2.0, row["difference"])
        mean, low, high = (signed(float(row[name]), digits) for name in ("difference", "low", "high"))
        within = f" (95% interval {low} to {high})" if self.applied > 1 else " (one replicate: no interval)"
        return (
            f"{title}, trust at the horizon changes by {mean}{within}, mean over the {self.applied} of "
            f"{self.replicates} replicates in which the change can be made"
        )


def effect_of(
    scenario: Scenario,
    changes: Sequence[Change],
    replicates: int = 200,
    seed: int = 1,
    alliance: int | Literal["all"] = 1,
    progress: Callable[[int], None] | None = None,
) -> Effect:
    """The mean effect of a change, such as ``KeptAway("blame")``, the first blame, over many replicates.

    Args:
        scenario: what is run.
        changes: what is different.
        replicates: how many, numbered from 0. A replicate in which what is kept away did not happen does not count.
        seed: of the random numbers.
        alliance: whose, by its number; :data:`ALL` for the mean of every alliance of each world. The alliances of a
            network without named pairs are drawn alike, so the first stands for any.
        progress: called after each replicate with how many are done.

    Raises:
        BadChange: when a change cannot be made.
        ValueError: when there are no replicates.
    """
    if replicates < 1:
        raise ValueError("replicates: at least one")
    plan = plan_of(scenario, changes)
    pairs = []
    for replicate in range(replicates):
        pair = _ends_of_both(plan, scenario, seed, replicate, alliance)
        if pair is not None:
            pairs.append(pair)
        if progress:
            progress(replicate + 1)
    width = len(OUTCOMES_OF_AN_EFFECT) + 1 + len(CAUSES)
    return _effect(tuple(changes), replicates, np.array(pairs).reshape(len(pairs), 2, width))


def _ends_of_both(
    plan: Plan, scenario: Scenario, seed: int, replicate: int, alliance: int | Literal["all"]
) -> tuple[Floats, Floats] | None:
    """Outcomes and ledger at the horizon, as it was and otherwise; None when the change cannot be made here."""
    factual = simulate_history(scenario, seed, replicate)
    count = factual.alliances.shape[1]
    chosen = None if alliance == ALL else alliance
    if count == 0 or (chosen is not None and not 1 <= chosen <= count):
        return None
    try:
        plan = plan.resolved(factual, chosen)
        if chosen is not None:
            _check_signed(factual, chosen, plan)
    except DidNotHappen:
        return None
    live = _other_world(plan, factual, chosen)
    for _ in range(scenario.months):
        _step(live, plan)
    rows = slice(None) if chosen is None else slice(chosen - 1, chosen)
    was = _ends(factual.alliances[-1, rows], factual.ledger[:, rows].sum(axis=0))
    return was, _ends(live.alliances[rows], live.ledger[rows])


def _ends(alliances: Records, ledger: Floats) -> Floats:
    """:data:`OUTCOMES_OF_AN_EFFECT`, then trust at the start and the ledger by cause; means over alliances."""
    effective = LAYERS.index("effective")
    outcomes = (
        alliances["effective"].mean(),
        alliances["communication"].mean(),
        alliances["value"].sum(axis=-1).mean(),
        alliances["frustration"].mean(),
        alliances["alive"].mean(),
        alliances["age"].mean(),
    )
    return np.array([*outcomes, alliances["trust_start"].mean(), *ledger[:, :, effective].mean(axis=(0, 1))])


def _effect(changes: tuple[Change, ...], replicates: int, ends: Floats) -> Effect:
    """Sum up both worlds of each replicate, float64 (applied, 2, outcomes + 1 + causes)."""
    names = list(OUTCOMES_OF_AN_EFFECT)
    differences = ends[:, 1] - ends[:, 0]
    rows = [
        (name, OUTCOMES_OF_AN_EFFECT[name], *_means(ends[:, :, k]), *interval(differences[:, k]))
        for k, name in enumerate(names)
    ]
    causes = [(cause, *interval(differences[:, len(names) + k])) for k, cause in enumerate((START, *CAUSES))]
    return Effect(
        changes,
        replicates,
        len(ends),
        pd.DataFrame(rows, columns=["outcome", "unit", "as_it_was", "otherwise", "difference", "low", "high", "n"]),
        pd.DataFrame(causes, columns=["cause", "difference", "low", "high", "n"]),
    )


def _means(values: Floats) -> tuple[float, float]:
    """Mean of each world over replicates, (replicates, 2); NaN without any."""
    return (float(values[:, 0].mean()), float(values[:, 1].mean())) if len(values) else (np.nan, np.nan)
