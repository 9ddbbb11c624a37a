"""Factors, their levels, and combinations of levels: how each is named, written in a file, labelled and shown."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.dynamics.outcomes import OUTCOMES
from sim.parameters import Parameters, Traits
from sim.scenario import MAX_NAME
from sim.text import problem, reading
from sim.tomlfile import Key, shown


@dataclass(frozen=True)
class Level:
    """One level of a factor: how a cell's label says it, the value that is set, and how the tables show it.

    ``shown`` is a number, true or false when all levels of the factor are such and none has a name; else text.
    """

    label: str
    value: Any
    shown: float | bool | str


@dataclass(frozen=True)
class Combination:
    """What a cell sets on top of its scenario: its part of the label, values, what the tables show, place in the file.

    ``key`` is where the file has the values when it is not with the factors: the base, or a point of a list.
    """

    label: str
    values: dict[str, Any]
    shown: dict[str, Any]
    key: Key = ()

    def __and__(self, other: Combination) -> Combination:
        label = " · ".join(part for part in (self.label, other.label) if part)
        return Combination(label, {**self.values, **other.values}, {**self.shown, **other.shown}, other.key)


def combination(label: str, levels: Mapping[str, Level], key: Key = ()) -> Combination:
    """One level of each of some factors."""
    values = {factor: level.value for factor, level in levels.items()}
    return Combination(label, values, {factor: level.shown for factor, level in levels.items()}, key)


def grid(levels: Mapping[str, Sequence[Level]]) -> Iterator[Combination]:
    """Every combination of levels, the last factor changing fastest; one empty combination without factors."""
    for chosen in itertools.product(*levels.values()):
        label = " · ".join(level.label for level in chosen)
        yield combination(label, dict(zip(levels, chosen, strict=True)))


def levels_of(factor: str, written: Sequence[Any]) -> tuple[Level, ...]:
    """The levels of a factor as a file lists them; ``{label = …, value = …}`` gives a level a name of its own."""
    named = [_is_named(level) for level in written]
    values = [level["value"] if is_named else level for level, is_named in zip(written, named, strict=True)]
    texts = [
        level["label"] if is_named else text_of(value)
        for level, value, is_named in zip(written, values, named, strict=True)
    ]
    labels = [text if is_named else f"{factor}={text}" for text, is_named in zip(texts, named, strict=True)]
    return tuple(map(Level, labels, values, texts if any(named) else as_column(values)))


def level_problems(factor: str, written: Sequence[Any]) -> list[str]:
    """What is wrong with the form of a factor's levels. Whether the model takes their values is not looked at."""
    if not written:
        return ["has no levels: list at least one"]
    messages = []
    for level in written:
        if not isinstance(level, dict) or not {"label", "value"} & set(level):
            continue
        if set(level) != {"label", "value"}:
            messages.append(f"a named level is {{label = …, value = …}}, got {shown(level)}")
        elif label_problem(level["label"]):
            messages.append(f"a label {label_problem(level['label'])}")
    if messages:
        return messages
    labels: set[str] = set()
    values: set[str] = set()
    for level, as_written in zip(levels_of(factor, written), written, strict=True):
        value = identity(level.value)
        label = reading(level.label)
        if label in labels or value in values:
            messages.append(f"level {shown(as_written)} is listed twice")
        labels.add(label)
        values.add(value)
    return messages


def label_problem(label: Any) -> str:
    """Why a text is no label of a level or a point; "" when it is one."""
    if not isinstance(label, str) or not label.strip():
        return f"must be text that is not empty and in one line, got {shown(label)}"
    if unseen := problem(label):
        return f"must be text in one line; it {unseen}"
    return "" if len(label) <= MAX_NAME else f"has {len(label):,} characters; at most {MAX_NAME:,}"


def as_column(values: Sequence[Any]) -> list[Any]:
    """Values of a factor as one column of a table: all switches, all whole, all numbers, else all text."""
    if all(isinstance(value, bool) for value in values):
        return list(values)
    if all(is_number(value) for value in values):
        return list(values) if all(isinstance(value, int) for value in values) else [float(value) for value in values]
    return [text_of(value) for value in values]


def text_of(value: Any) -> str:
    """A value in a few characters: ``0.5``, ``true``, ``between``, ``normal(0.8, 0.1)``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_number(value):
        return f"{value:.12g}"
    if isinstance(value, dict) and len(value) == 1:
        (kind, arguments), *_ = value.items()
        if kind == "mixture" and isinstance(arguments, list):
            return "mixture(" + ", ".join(" ".join(map(text_of, part)) for part in arguments) + ")"
        if isinstance(arguments, list):
            return f"{kind}({', '.join(map(text_of, arguments))})"
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {text_of(item)}" for key, item in value.items()) + ")"
    return str(value)


def is_number(value: Any) -> bool:
    """True for whole and other numbers, but not for switches."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_name(key: str) -> bool:
    """True for a parameter or a trait: the settings that may hold a table as their value."""
    return plain_name(key) in Parameters.model_fields or key.rpartition(".")[2] in Traits.model_fields


def plain_name(key: str) -> str:
    """The key without the table that a scenario file has it in: ``parameters.synergy`` is ``synergy``."""
    table, _, name = key.partition(".")
    return name if table in ("parameters", "traits", "network") else key


def column_name(key: str) -> str:
    """A factor's name in tables. A parameter that shares its name with an outcome is named with its table."""
    if key in OUTCOMES and key in Parameters.model_fields:
        return f"parameters.{key}"
    return f"traits.{key}" if key in OUTCOMES and key in Traits.model_fields else key


def _is_named(level: Any) -> bool:
    return isinstance(level, dict) and set(level) == {"label", "value"}


def numbers_alike(value: Any) -> Any:
    """Plain data with every number as a float: 120 and 120.0 are two ways to write the same setting."""
    return json.loads(json.dumps(value, default=repr), parse_int=float)


def identity(value: Any) -> str:
    """A text that is the same for values that set the same."""
    return json.dumps(numbers_alike(value), sort_keys=True)
