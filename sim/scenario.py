"""A scenario: who meets whom, and what happens. A TOML file becomes a validated, frozen :class:`Scenario`.

A file holds only what differs from the defaults::

    title = "Culture clash"
    question = "What does …?"
    source = "R: \\"…\\""            # the passage of the seed that it comes from
    expected = "What should happen."
    months = 144                     # optional
    organizations = 50               # optional

    [network]                        # optional
    partners = 3                     # everyone with k partners, or: pairs = [["AOL", "Time Warner"], [1, 3]]
    mixing = "any"                   # any | between (two groups) | within (a group)
    market = false                   # true: free organizations search, vet, contract, sign; partners may be 0

    [parameters]                     # any of sim.parameters.Parameters
    [traits]                         # any of sim.parameters.Traits, for everybody
    [[groups]]                       # optional: name, share, traits
    [[events]]                       # optional: month, kind, who, …; see EVENT_KINDS

All mistakes are reported at once as ``file:line: key: what is wrong``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

import sim
from sim import loaded
from sim.distributions import Distribution, expect, in_percent, is_number, parse, shown
from sim.library import find
from sim.parameters import DIMENSIONS, PLACES, SCALAR_TRAITS, VECTOR_TRAITS, Parameters, Traits, meta
from sim.text import problem, reading
from sim.tomlfile import BadFile, Key, Problem, did_you_mean, read, unknown_keys

TEXTS = ("title", "question", "source", "expected")
TOP = (*TEXTS, "months", "organizations", "network", "parameters", "traits", "groups", "events")
MIXING = ("any", "between", "within")
MAX_MONTHS, MAX_ORGANIZATIONS, MAX_ALLIANCES = 2400, 1_000_000, 5_000_000
MAX_GROUPS, MAX_EVENTS = 200, 1000
MAX_TEXT, MAX_NAME = 10_000, 500
"""Characters of a sentence, and of what is a name in tables and pictures."""
EVERYONE = "everyone"
CAME_WITH = "_came_with"
"""In what is pickled of a scenario: the rules that stood replaced."""
RESERVED = (EVERYONE, "parameters", "traits", "network", "events")
"""What a group cannot be called, because a key or ``who`` would then mean two things."""

EVENT_KINDS: dict[str, dict[str, tuple[float, float]]] = {
    "breach": {"severity": (0, 1)},
    "turnover": {},
    "crash": {"depth": (0, 1)},
    "programme": {"investment": (0, 3), "months": (1, MAX_MONTHS)},
    "sessions": {"effort": (0, 1), "months": (1, MAX_MONTHS)},
    "change": {"to": (-10, 10), "by": (-10, 10)},
}
"""Kinds of dated events and their numbers, with bounds.

* breach: ``who`` breaks faith; its partners lose ``severity`` of their trust;
* turnover: the key person of ``who`` leaves;
* crash: the market falls by ``depth`` of its level and recovers at ``market_recovery``;
* programme: ``who`` adds ``investment`` to its relational investment for ``months``, then takes it away again;
* sessions: ``who`` adds ``effort`` to its joint operationalization sessions for ``months``, likewise;
* change: ``trait`` of ``who`` is set ``to`` a value within its bounds, or moved ``by`` a step, from that month on.
"""


@dataclass(frozen=True)
class Group:
    """Organizations of one kind: how many of the whole, and how their traits are distributed."""

    name: str
    share: float
    traits: Traits = field(repr=False)


@dataclass(frozen=True)
class Network:
    """Who is allied with whom at the start: ``pairs`` (rows of organizations, from 0) or everyone with ``partners``.

    With a ``market``, organizations that have a place free search for partners from the first month on.
    """

    partners: int = 3
    mixing: str = "any"
    pairs: tuple[tuple[int, int], ...] = ()
    market: bool = False


class Numbers(Mapping[str, float]):
    """The numbers of an event by name, as a dictionary that nobody can change and that has a hash."""

    def __init__(self, numbers: Mapping[str, float]) -> None:
        self._numbers = dict(numbers)

    def __getitem__(self, name: str) -> float:
        return self._numbers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __hash__(self) -> int:
        return hash(frozenset(self._numbers.items()))

    def __repr__(self) -> str:
        return repr(self._numbers)


@dataclass(frozen=True)
class Event:
    """A dated event. ``who`` names a group, is an organization's number from 1, or "everyone"."""

    name: str
    month: int
    kind: str
    who: str | int = EVERYONE
    enabled: bool = True
    trait: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", Numbers(self.numbers))


PARTS: dict[str, type] = {
    **dict.fromkeys(TEXTS, str), "months": int, "organizations": int, "network": Network, "parameters": Parameters,
    "groups": tuple, "events": tuple,
}  # fmt: skip
"""The fields of a scenario that a file decides, and what they are."""


@dataclass(frozen=True)
class _Written:
    """What a file holds (overrides only), and the fields of a scenario that it was read as."""

    data: Mapping[str, Any]
    fields: tuple[Any, ...]


@dataclass(frozen=True, repr=False)
class Scenario:
    """Everything that decides a run but seed and replicate. Make one with :func:`load` or :meth:`from_plain`.

    A scenario cannot be changed, and what it was written as always says the same as its fields: where another way of
    making one (``dataclasses.replace``, the constructor) sets fields, they are written down, read and checked like a
    file's. Equal scenarios have equal hashes.

    Raises:
        BadFile: when the fields make no scenario.
        TypeError: when a field is of another kind.
    """

    name: str
    title: str
    question: str
    source: str
    expected: str
    months: int
    organizations: int
    network: Network
    parameters: Parameters
    groups: tuple[Group, ...]
    events: tuple[Event, ...]
    _written: _Written | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        fields = tuple(getattr(self, part) for part in PARTS)
        said = self._written.fields if self._written else (None,) * len(PARTS)
        moved = [part for part, now, before in zip(PARTS, fields, said, strict=True) if now is not before]
        if moved:
            made = self._read_with(moved)
            for name in (*PARTS, "_written"):
                object.__setattr__(self, name, getattr(made, name))

    def _read_with(self, moved: list[str]) -> Scenario:
        """What is written, with the fields that were set otherwise in the place of what it says of them, read anew."""
        for part in moved:
            if not isinstance(getattr(self, part), PARTS[part]):
                kind = {str: "text", int: "a whole number"}.get(PARTS[part], f"a {PARTS[part].__name__}")
                raise TypeError(f"{part} of a scenario: {kind}, got {shown(getattr(self, part))}")
        try:
            plain = self.plain()
        except (AttributeError, TypeError, ValueError) as error:
            raise TypeError(
                f"{', '.join(moved)} of a scenario: {error}; Scenario.from_plain reads plain data"
            ) from None
        data = self.written
        for part in moved:
            for key in ("groups", "traits") if part == "groups" else (part,):
                data.pop(key, None)
                if key in plain:
                    data[key] = plain[key]
        return Scenario.from_plain(data, self.name)

    def __repr__(self) -> str:
        parts = [_counted(self.months, "month"), _counted(self.organizations, "organization")]
        parts += ["a market" if self.network.market else _counted(self.alliances, "alliance")]
        parts += [_counted(len(self.events), "event")] if self.events else []
        return f"<Scenario {self.name!r}: {', '.join(parts)}>"

    def _repr_html_(self) -> str:
        """As a notebook shows it: its question, and what it overrides."""
        return sim.in_a_notebook(self)

    @property
    def written(self) -> dict[str, Any]:
        """The file's own content (overrides only), from which :meth:`replace` makes variants: a copy to do with as you
        like."""
        return _plain_copy(self._written.data) if self._written else {}

    @classmethod
    def from_plain(
        cls, data: Mapping[str, Any], name: str = "scenario", path: Path | str = "", lines: dict[Key, int] | None = None
    ) -> Scenario:
        """Validate plain data, as read from TOML. Nothing of ``data`` is kept; numbers may be NumPy's.

        Raises:
            BadFile: with every mistake in it.
            TypeError: when ``data`` is no dictionary.
        """
        expect(data, Mapping, "a scenario is read from a dictionary, or with load from a file")
        expect(name, str, "name of a scenario: text")
        reader = _Reader(_plain_copy(data))
        scenario = reader.scenario(name)
        if scenario is None:
            raise BadFile(path or name, reader.problems, lines)
        return scenario

    def replace(self, **settings: Any) -> Scenario:
        """A variant: ``scenario.replace(trust_gain=0.06, openness={"normal": [0.8, 0.1]}, months=60)``.

        Keys are those of :func:`override`; write ``__`` for a dot (``network__partners=2``).

        Raises:
            BadFile: when a key is unknown or a value is out of range.
        """
        return self.with_settings({key.replace("__", "."): value for key, value in settings.items()})

    def with_settings(self, settings: Mapping[str, Any]) -> Scenario:
        """As :meth:`replace`, from a dictionary with dotted keys. A value may be one of NumPy's."""
        self.check_rules()
        expect(settings, Mapping, "settings: a dictionary such as {'trust_gain': 0.06}")
        if not settings:
            return self
        data = self.written
        for key, value in settings.items():
            override(data, key, value, self)
        return Scenario.from_plain(data, self.name, path=f"{self.name} with settings")

    def check_rules(self) -> None:
        """Refuse to be run by other rules than those that were in force where this scenario came from.

        A worker in a process of its own has the shipped rules, whatever :func:`sim.replaced.instead` has put in their
        place where the work was handed out.

        Raises:
            CodeChanged: when it was pickled under other rules.
        """
        came_with = self.__dict__.get(CAME_WITH)
        if came_with is not None:
            there, here = map(loaded.replaced_in_words, (came_with, loaded.replaced_rules()))
            raise loaded.CodeChanged(
                f"{self.name} was handed over by a process with other rules (replaced there: {there}; here: {here}): a "
                "replaced rule holds in its own process alone, so simulate there, in threads if need be"
            )

    def __getstate__(self) -> dict[str, Any]:
        return {CAME_WITH: dict(loaded.replaced_rules()), **self.__dict__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        came_with = state.get(CAME_WITH, {})
        self.__dict__.update({key: value for key, value in state.items() if key != CAME_WITH})
        if came_with != loaded.replaced_rules():
            self.__dict__[CAME_WITH] = came_with

    def until(self, months: int) -> Scenario:
        """The same world, run for so many months only: dated events that lie beyond them are left out."""
        if months >= self.months:
            return self
        data = self.written
        data["months"] = months
        if "events" in data:
            kept = zip(data["events"], self.events, strict=True)
            data["events"] = [{**row, "name": event.name} for row, event in kept if event.month <= months]
        return Scenario.from_plain(data, self.name, path=f"{self.name} for {months} months")

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """How many organizations each group has (largest remainders of the shares)."""
        shares = np.array([group.share for group in self.groups])
        exact = shares / shares.sum() * self.organizations
        counts = np.floor(exact).astype(int)
        for k in np.argsort(-(exact - counts), kind="stable")[: self.organizations - counts.sum()]:
            counts[k] += 1
        return tuple(int(count) for count in counts)

    def rows(self, who: str | int) -> range:
        """Rows (from 0) of the organizations that ``who`` names: a group, a number from 1, or "everyone".

        Raises:
            ValueError: when it names nobody.
        """
        names = [group.name for group in self.groups]
        if isinstance(who, str) and who == EVERYONE:
            return range(self.organizations)
        if isinstance(who, (int, np.integer)) and not isinstance(who, bool) and 1 <= who <= self.organizations:
            return range(int(who) - 1, int(who))
        if not isinstance(who, str) or who not in names:
            known = (
                f"a number from 1 to {self.organizations}, {', '.join(map(repr, dict.fromkeys([*names, EVERYONE])))}"
            )
            raise ValueError(f"{shown(who)} is nobody in scenario {self.name!r}; allowed: {known}")
        k = names.index(who)
        start = sum(self.sizes[:k])
        return range(start, start + self.sizes[k])

    @property
    def alliances(self) -> int:
        """How many alliances the network has; with a market, about how many there are at a time."""
        if self.network.pairs:
            return len(self.network.pairs)
        if not self.network.market:
            return self.organizations * self.network.partners // 2
        evenly = (np.arange(64) + 0.5) / 64
        parts = evenly * 37 % 1.0  # in another order, so that every part of a mixture meets all numbers
        places = [group.traits.capacity.draw(parts, evenly).mean() for group in self.groups]
        held = sum(size * place for size, place in zip(self.sizes, places, strict=True))
        return max(1, round(held / 2))

    def plain(self) -> dict[str, Any]:
        """Every resolved value, defaults included, as a manifest records it and :meth:`from_plain` reads it."""
        network: dict[str, Any] = (
            {"pairs": [[a + 1, b + 1] for a, b in self.network.pairs]}
            if self.network.pairs
            else {"partners": self.network.partners, "mixing": self.network.mixing}
        )
        if self.network.market:
            network["market"] = True
        return {
            **{text: getattr(self, text) for text in TEXTS},
            "months": self.months,
            "organizations": self.organizations,
            "network": network,
            "parameters": self.parameters.model_dump(),
            **_plain_groups(self.groups),
            "events": [_plain_event(event) for event in self.events],
        }


def _plain_groups(groups: tuple[Group, ...]) -> dict[str, Any]:
    """The traits of everybody where there are no groups, else the groups with theirs."""
    traits = [
        {name: getattr(group.traits, name).plain() for name in Traits.model_fields}  # complete: nothing is shared
        for group in groups
    ]
    if [group.name for group in groups] == [EVERYONE]:
        return {"traits": traits[0]}
    named = zip(groups, traits, strict=True)
    return {"groups": [{"name": group.name, "share": group.share, "traits": own} for group, own in named]}


def _plain_event(event: Event) -> dict[str, Any]:
    plain: dict[str, Any] = {"name": event.name, "month": event.month, "kind": event.kind}
    if event.kind != "crash":
        plain["who"] = event.who
    if event.trait:
        plain["trait"] = event.trait
    return {**plain, **event.numbers, "enabled": event.enabled}


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


DEEPEST = 32
"""Tables within tables that are copied; a scenario has far fewer, so deeper ones are refused anyway."""


def _plain_copy(value: Any, depth: int = 0) -> Any:
    """Plain data with dictionaries and lists of its own; NumPy's numbers and arrays as Python's."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if depth == DEEPEST:
        return value
    if isinstance(value, Mapping):
        return {key: _plain_copy(item, depth + 1) for key, item in value.items()}
    return [_plain_copy(item, depth + 1) for item in value] if isinstance(value, (list, tuple)) else value


def load(path: Path | str) -> Scenario:
    """Read a scenario file.

    Args:
        path: of the file; text without a slash and ``.toml`` is the name of one that ``alliance scenarios`` lists.

    Raises:
        BadFile: when it cannot be found or read or has mistakes.
        TypeError: when it is neither a path nor text.
    """
    expect(path, (str, Path), "a scenario is loaded by a name or a path")
    if isinstance(path, str):
        path = find("scenarios", path)
    data, lines = read(path)
    return Scenario.from_plain(data, Path(path).stem, path, lines)


PLACE_OF: dict[str, Key] = {
    **{name: ("parameters", name) for name in Parameters.model_fields},
    **{name: ("traits", name) for name in Traits.model_fields},
    **{name: (name,) for name in ("months", "organizations")},
    **{name: ("network", name) for name in ("partners", "mixing", "market")},
}
"""Where a scenario's plain data has the settings that any scenario has."""


def override(data: dict[str, Any], key: str, value: Any, scenario: Scenario) -> None:
    """Set one value of a scenario's plain data, in place.

    Keys: a parameter (``trust_gain``), a trait for everybody (``openness``) or one group (``aggressive.openness``),
    ``months``, ``organizations``, ``partners``, ``mixing``, ``market``, or an event's field (``events.crash.enabled``).

    Raises:
        BadFile: when there is no such key.
        TypeError: when the key is no text.
    """
    expect(key, str, "a setting is named by text such as 'trust_gain'")
    found = place(key, scenario)
    if found is None:
        known = [*PLACE_OF]
        known += [f"{group}.{trait}" for group in _groups(scenario) for trait in Traits.model_fields]
        known += [f"events.{event.name}.enabled" for event in scenario.events]
        raise BadFile(scenario.name, [Problem((key,), _no_setting(key, scenario, known))])
    *tables, name = found
    table: Any = data
    for step in tables:
        table = table[step] if isinstance(step, int) else table.setdefault(step, {})
    table[name] = value
    if tables == ["traits"]:  # for everybody: no group keeps its own
        for group in data.get("groups", []):
            group.get("traits", {}).pop(name, None)
    if tables == ["network"] and name != "market":
        table.pop("pairs", None)


def place(key: str, scenario: Scenario) -> Key | None:
    """Where the scenario's plain data has a setting; None when there is no such setting."""
    groups, events = _groups(scenario), [event.name for event in scenario.events]
    match key.split("."):
        case [name] | ["parameters" | "traits" | "network", name]:
            return PLACE_OF.get(name)
        case [group, trait] if group in groups and trait in Traits.model_fields:
            return ("groups", groups.index(group), "traits", trait)
        case ["events", event, name] if event in events:
            return ("events", events.index(event), name)
    return None


def _no_setting(key: str, scenario: Scenario, known: Iterable[str]) -> str:
    """Why a key is no setting of a scenario, and which is meant."""
    group, _, name = key.rpartition(".")
    if group not in _groups(scenario):
        return f"is no setting{did_you_mean(key, known)}"
    if name in Parameters.model_fields:
        return f"is no setting: {name} is a parameter, the same for everybody; write {name}, without the group"
    if name in ("size", "share", "organizations"):
        return (
            "is no setting: how many organizations a group has is its share in the scenario file; "
            "write organizations for how many there are in all"
        )
    near = did_you_mean(name, Traits.model_fields)
    return f"is no setting: a group has traits, and {shown(name)} is none{near or '; `alliance parameters` lists them'}"


def _groups(scenario: Scenario) -> list[str]:
    """Names of the groups that the file has; none where everybody is alike."""
    return [group.name for group in scenario.groups if group.name != EVERYONE]


class _Reader:
    """Turns plain data into a scenario and gathers every mistake on the way."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.problems: list[Problem] = []

    def wrong(self, key: Key, message: str) -> None:
        self.problems.append(Problem(key, message))

    # Small readers: each returns a usable value even when it has reported a mistake.
    def unknown(self, table: Mapping[str, Any], known: Iterable[str], at: Key) -> None:
        self.problems += unknown_keys(table, known, at)

    def table(self, data: Mapping[str, Any], name: str, at: Key = ()) -> Mapping[str, Any]:
        found = data.get(name, {})
        if isinstance(found, Mapping):
            return found
        self.wrong((*at, name), f"must be a table [{name}], got {shown(found)}")
        return {}

    def tables(self, name: str, most: int) -> list[Mapping[str, Any]]:
        found = self.data.get(name, [])
        if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
            self.wrong((name,), f"must be tables [[{name}]], got {shown(found)}")
        elif len(found) > most:
            self.wrong((name,), f"has {len(found):,} tables; at most {most:,}")
        else:
            return found
        return []

    def text(self, table: Mapping[str, Any], name: str, at: Key = (), default: str | None = None) -> str:
        found = table.get(name, default)
        if found is None:
            self.wrong((*at, name), "is missing: " + ("give it a name" if at else "say it in a sentence"))
        elif not isinstance(found, str) or not found.strip():
            self.wrong((*at, name), f"must be text that is not empty, got {shown(found)}")
        elif unseen := problem(found, breaks=not at):  # a name is one line
            self.wrong((*at, name), unseen)
        elif len(found) > (most := MAX_NAME if at else MAX_TEXT):
            self.wrong((*at, name), f"has {len(found):,} characters; at most {most:,}")
        else:
            return found
        return ""

    def number(self, value: Any, low: float, high: float, at: Key, unit: str = "") -> float | None:
        allowed = f"from {low:g} to {high:g}{f' ({unit})' if unit else ''}"
        if not is_number(value):
            self.wrong(at, f"must be a number {allowed}, got {shown(value)}{in_percent(value)}")
        elif not low <= value <= high:
            meant = in_percent(value) if high == 1 and low <= value / 100 else ""
            self.wrong(at, f"{value:.15g} is out of range: {allowed}{meant}")
        else:
            return float(value)
        return None

    def switch(self, value: Any, at: Key) -> bool:
        if not isinstance(value, bool):
            self.wrong(at, f"must be true or false, got {shown(value)}")
        return value is True

    def whole(self, value: Any, low: float, high: float, at: Key) -> int | None:
        if value is None:
            self.wrong(at, f"is missing: a whole number from {low} to {high}")
        elif isinstance(value, bool) or not isinstance(value, int):
            self.wrong(at, f"must be a whole number from {low} to {high}, got {shown(value)}")
        elif not low <= value <= high:
            self.wrong(at, f"{shown(value)} is out of range: from {low} to {high}")
        else:
            return value
        return None

    def choice(self, value: Any, allowed: Iterable[str], at: Key) -> str | None:
        allowed = list(allowed)
        if value in allowed:
            return str(value)
        if value is None:
            self.wrong(at, f"is missing: one of {', '.join(allowed)}")
        else:
            self.wrong(at, f"{shown(value)} is not allowed{did_you_mean(str(value), allowed)}")
        return None

    # The parts of a scenario
    def scenario(self, name: str) -> Scenario | None:
        """The scenario; None when there are problems."""
        self.unknown(self.data, TOP, ())
        texts = {text: " ".join(self.text(self.data, text).split()) for text in TEXTS}  # lines may break anywhere
        months = self.whole(self.data.get("months", 144), 1, MAX_MONTHS, ("months",)) or 144
        count = self.whole(self.data.get("organizations", 50), 2, MAX_ORGANIZATIONS, ("organizations",)) or 50
        parameters = self.parameters()
        groups = self.groups()
        fields = {**texts, "months": months, "organizations": count, "parameters": parameters, "groups": groups}
        draft = self.made(name, **fields, network=Network(), events=())
        for k, (group, size) in enumerate(zip(groups, draft.sizes, strict=True)):
            if size == 0:
                self.wrong(("groups", k, "share"), f"leaves group {group.name!r} without any of {count} organizations")
        network = self.network(draft)
        events = self.events(draft)
        return None if self.problems else self.made(name, **fields, network=network, events=events)

    def made(self, name: str, **fields: Any) -> Scenario:
        """A scenario of which the data says just these fields."""
        return Scenario(name, **fields, _written=_Written(self.data, tuple(fields[part] for part in PARTS)))

    def parameters(self) -> Parameters:
        table = self.table(self.data, "parameters")
        self.unknown(table, Parameters.model_fields, ("parameters",))
        good: dict[str, Any] = {}
        for name, value in table.items():
            declared = Parameters.model_fields.get(name)
            if declared is None:
                continue
            at, about = ("parameters", name), meta(declared)
            if declared.annotation is bool:
                good[name] = self.switch(value, at)
            elif (number := self.number(value, about["low"], about["high"], at, about["unit"])) is not None:
                good[name] = number
        return Parameters(**good)

    def traits(self, table: Mapping[str, Any], at: Key) -> dict[str, Distribution]:
        self.unknown(table, Traits.model_fields, at)
        good: dict[str, Distribution] = {}
        for name, value in table.items():
            if name not in Traits.model_fields:
                continue
            about = meta(Traits.model_fields[name])
            try:
                found = parse(value, DIMENSIONS if name in VECTOR_TRAITS else ())
            except ValueError as error:
                self.wrong((*at, name), str(error))
                continue
            for landmark in found.landmarks():
                if self.number(landmark, about["low"], about["high"], (*at, name), about["unit"]) is None:
                    break
            good[name] = found
        return good

    def groups(self) -> tuple[Group, ...]:
        shared = self.traits(self.table(self.data, "traits"), ("traits",))
        rows = self.tables("groups", MAX_GROUPS)
        if not rows:
            return (Group(EVERYONE, 1.0, Traits(**shared)),)
        groups: list[Group] = []
        for k, row in enumerate(rows):
            at: Key = ("groups", k)
            self.unknown(row, ("name", "share", "traits"), at)
            name = self.text(row, "name", at)
            if name in RESERVED or "." in name:
                self.wrong((*at, "name"), f"{name!r} cannot be a group's name: no dots, not {', '.join(RESERVED)}")
            if name and reading(name) in [reading(group.name) for group in groups]:
                self.wrong((*at, "name"), f"{name!r} is already the name of another group")
            share = self.number(row.get("share", 1.0), 1e-6, 1e6, (*at, "share")) or 1.0
            own = self.traits(self.table(row, "traits", at), (*at, "traits"))
            groups.append(Group(name or f"group {k + 1}", share, Traits(**{**shared, **own})))
        return tuple(groups)

    def network(self, draft: Scenario) -> Network:
        table = self.table(self.data, "network")
        self.unknown(table, ("partners", "mixing", "pairs", "market"), ("network",))
        market = self.switch(table.get("market", False), ("network", "market"))
        if "pairs" not in table:
            return self.everyone_alike(table, market, draft)
        for name in ("partners", "mixing"):
            if name in table:
                self.wrong(("network", name), "goes with 'partners', not with 'pairs': keep one of them")
        pairs = self.pairs(table["pairs"], draft)
        if market and pairs and max(np.bincount(np.ravel(pairs))) > PLACES:
            self.wrong(("network", "pairs"), f"gives somebody more than the {PLACES} partners that a market knows")
        return Network(pairs=pairs, market=market)

    def everyone_alike(self, table: Mapping[str, Any], market: bool, draft: Scenario) -> Network:
        """A network in which everyone has as many partners as everyone else."""
        n = draft.organizations
        default = 0 if market else 2 if n % 2 else min(3, n - 1)
        fewest, most = (0, min(PLACES, n - 1)) if market else (1, n - 1)
        found = self.whole(table.get("partners", default), fewest, most, ("network", "partners"))
        partners = default if found is None else found
        mixing = self.choice(table.get("mixing", "any"), MIXING, ("network", "mixing")) or "any"
        self.enough_partners(partners, mixing, draft, ("network", "partners") if "partners" in table else ("network",))
        return Network(partners, mixing, market=market)

    def enough_partners(self, partners: int, mixing: str, draft: Scenario, at: Key) -> None:
        """Report what keeps everyone from having so many partners."""
        n, sizes = draft.organizations, draft.sizes
        if mixing == "any" and partners % 2 and n % 2:
            self.wrong(at, f"{n} organizations cannot each have {partners} partners: make one of the numbers even")
        if mixing == "between" and (len(sizes) != 2 or sizes[0] != sizes[1]):
            self.wrong(("network", "mixing"), "'between' needs exactly two groups of the same size")
        elif mixing == "between" and partners > sizes[0]:
            self.wrong(at, f"{partners} partners are more than the other group has ({sizes[0]})")
        if mixing == "within":
            for group, size in zip(draft.groups, sizes, strict=True):
                if partners >= size or (partners % 2 and size % 2):
                    self.wrong(at, f"group {group.name!r} of {size} cannot give each member {partners} partners")
        if n * partners // 2 > MAX_ALLIANCES:
            self.wrong(at, f"{n} organizations with {partners} partners are more than {MAX_ALLIANCES} alliances")

    def pairs(self, rows: Any, draft: Scenario) -> tuple[tuple[int, int], ...]:
        at: Key = ("network", "pairs")
        if not isinstance(rows, list) or not rows:
            self.wrong(at, f"must be a list of pairs that is not empty, got {shown(rows)}")
            return ()
        found: dict[tuple[int, int], None] = {}
        for k, row in enumerate(rows):
            here: Key = (*at, k)
            if not isinstance(row, list) or len(row) != 2:
                self.wrong(here, f"{shown(row)} is no pair of two organizations")
                continue
            sides = [self.one_of(who, draft, here) for who in row]
            if None in sides:
                continue
            low, high = sorted(side for side in sides if side is not None)
            if low == high:
                self.wrong(here, f"{shown(row)}: an organization cannot ally with itself")
            elif (low, high) in found:
                self.wrong(here, f"{shown(row)} is listed twice")
            else:
                found[low, high] = None
        return tuple(found)

    def one_of(self, who: Any, draft: Scenario, at: Key) -> int | None:
        """The row of a single organization, named by number from 1 or by a group of one."""
        rows = self.who(who, draft, at)
        if rows is not None and len(rows) != 1:
            self.wrong(at, f"{shown(who)} names {len(rows)} organizations; a pair needs single ones, by number from 1")
            return None
        return None if rows is None else rows[0]

    def who(self, who: Any, draft: Scenario, at: Key) -> range | None:
        names = [group.name for group in draft.groups]
        if isinstance(who, int) and not isinstance(who, bool):
            number = self.whole(who, 1, draft.organizations, at)
            return None if number is None else draft.rows(number)
        if who == EVERYONE or who in names:
            return draft.rows(who)
        self.wrong(at, f"{shown(who)} is nobody here{did_you_mean(str(who), dict.fromkeys([*names, EVERYONE]))}")
        return None

    def events(self, draft: Scenario) -> tuple[Event, ...]:
        events: list[Event] = []
        for k, row in enumerate(self.tables("events", MAX_EVENTS)):
            event = self.event(row, ("events", k), draft)
            if event.name and reading(event.name) in [reading(other.name) for other in events]:
                self.wrong(
                    ("events", k, "name"), f"{event.name!r} is already the name of another event: give each its own"
                )
            events.append(event)
        return tuple(events)

    def event(self, row: Mapping[str, Any], at: Key, draft: Scenario) -> Event:
        kind = self.choice(row.get("kind"), EVENT_KINDS, (*at, "kind"))
        month = self.whole(row.get("month"), 1, draft.months, (*at, "month"))
        enabled = self.switch(row.get("enabled", True), (*at, "enabled"))
        name = self.text(row, "name", at, default=f"{kind}@{month}" if kind and month else f"event {at[-1]}")
        if "." in name:
            self.wrong((*at, "name"), f"{name!r} cannot be an event's name: no dots")
        who = row.get("who", EVERYONE)
        self.who(who, draft, (*at, "who"))
        if kind is None:  # then nobody knows what else belongs here
            return Event(name, month or 1, "", EVERYONE)
        known = ["name", "month", "kind", "enabled", *EVENT_KINDS[kind]]
        known += ["who"] if kind != "crash" else []
        known += ["trait"] if kind == "change" else []
        self.unknown(row, known, at)
        if kind == "change":
            trait, numbers = self.change(row, at)
        else:
            trait, numbers = "", self.event_numbers(row, kind, at)
        return Event(name, month or 1, kind, who, enabled, trait, numbers)

    def event_numbers(self, row: Mapping[str, Any], kind: str, at: Key) -> dict[str, float]:
        numbers: dict[str, float] = {}
        for name, (low, high) in EVENT_KINDS[kind].items():
            if name not in row:
                self.wrong((*at, name), f"is missing: a {kind} needs a number from {low:g} to {high:g}")
                continue
            read = self.whole if name == "months" else self.number
            number = read(row[name], low, high, (*at, name))
            if number is not None:
                numbers[name] = number
        return numbers

    def change(self, row: Mapping[str, Any], at: Key) -> tuple[str, dict[str, float]]:
        """The trait that changes, and either the value that it is set ``to`` or the step that it moves ``by``."""
        if ("to" in row) == ("by" in row):
            self.wrong(at, "a change needs either 'to' or 'by'")
        trait = self.choice(row.get("trait"), SCALAR_TRAITS, (*at, "trait"))
        bounds = EVENT_KINDS["change"]
        unit = ""
        if trait:
            about = meta(Traits.model_fields[trait])
            low, high, unit = about["low"], about["high"], about["unit"]
            bounds = {"to": (low, high), "by": (low - high, high - low)}
        numbers: dict[str, float] = {}
        for name, (low, high) in bounds.items():
            if name in row and (number := self.number(row[name], low, high, (*at, name), unit)) is not None:
                numbers[name] = number
        return trait or "", numbers
