"""The files that make a result again, written from its manifest alone: an experiment and its scenarios, as TOML.

A scenario is written as its first cell had it, as far as it is not at the default. The experiment's settings and
factors are applied to it as they were, which gives the same design; its digest tells whether it does, also when another
version has other defaults.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sim import text
from sim.parameters import Parameters, Traits
from sim.sweeps.design import TEXTS

EXPERIMENT_FILE = "experiment.toml"

ROLES = ("levers", "uncertainties", "factors")
"""Tables of factors in an experiment file; a factor that is no lever and no uncertainty stands in the last."""

PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
"""What TOML takes as a key without quotes."""


def files_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Names and contents of the files from which ``alliance sweep ./experiment.toml`` makes the result again."""
    scenarios: dict[str, Any] = {}
    for cell in manifest["cells"]:
        scenarios.setdefault(str(cell["scenario"]), cell["resolved"])
    paths = {name: f"scenarios/{name}.toml" for name in scenarios}
    experiment = {
        **{key: manifest[key] for key in TEXTS},
        "scenarios": list(paths.values()),
        "outcomes": manifest["outcomes"],
        **_design(manifest["design"]),
    }
    return {EXPERIMENT_FILE: toml(experiment), **{paths[name]: toml(_own(plain)) for name, plain in scenarios.items()}}


def _design(design: Mapping[str, Any]) -> dict[str, Any]:
    """The design as a file holds it: each factor in the table of its role, and nothing that is empty."""
    factors = design.get("factors", {})
    tables = {role: {name: factors[name] for name in design.get(role, ()) if name in factors} for role in ROLES[:-1]}
    named = {name for table in tables.values() for name in table}
    tables[ROLES[-1]] = {name: levels for name, levels in factors.items() if name not in named}
    single = {key: design[key] for key in ("replicates", "seed", "settings", "design", "precision") if key in design}
    if design.get("precision"):
        single["max_replicates"] = design["max_replicates"]
    return {key: value for key, value in {**single, **tables}.items() if value not in ({}, [])}


def _own(scenario: Mapping[str, Any]) -> dict[str, Any]:
    """A resolved scenario without what is at the default."""
    kept = dict(scenario)
    kept["parameters"] = _not_default(scenario["parameters"], Parameters().model_dump())
    usual = {name: field.default.plain() for name, field in Traits.model_fields.items()}
    if "traits" in scenario:
        kept["traits"] = _not_default(scenario["traits"], usual)
    if "groups" in scenario:
        kept["groups"] = [{**group, "traits": _not_default(group["traits"], usual)} for group in scenario["groups"]]
    return {key: value for key, value in kept.items() if value not in ({}, [])}


def _not_default(values: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in usual or value != usual[name]}


def toml(data: Mapping[str, Any]) -> str:
    """Plain data as a TOML file: values first, then tables, then arrays of tables."""
    tables = {key: value for key, value in data.items() if isinstance(value, Mapping)}
    arrays = {key: value for key, value in data.items() if _is_array_of_tables(value)}
    first = {key: value for key, value in data.items() if key not in tables and key not in arrays}
    parts = [_lines(first)]
    parts += [f"[{_key(name)}]\n{_lines(table)}" for name, table in tables.items()]
    parts += [_array(name, rows) for name, rows in arrays.items()]
    return "\n\n".join(parts) + "\n"


def _is_array_of_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)


def _array(name: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """An array of tables, such as groups; the traits of a group become a table of their own."""
    parts = []
    for row in rows:
        inner = {key: value for key, value in row.items() if isinstance(value, Mapping)}
        parts.append(f"[[{name}]]\n{_lines({key: value for key, value in row.items() if key not in inner})}")
        parts += [f"[{name}.{_key(key)}]\n{_lines(table)}" for key, table in inner.items()]
    return "\n\n".join(parts)


def _lines(values: Mapping[str, Any]) -> str:
    return "\n".join(f"{_key(key)} = {_value(value)}" for key, value in values.items())


def _key(key: str) -> str:
    return key if PLAIN_KEY.fullmatch(key) else text.toml(key)


def _value(value: Any) -> str:
    """A value on one line; numbers with all their digits."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return text.toml(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value)
