"""How to make a result again: a command, or the files of an experiment, tried out before they are promised.

A command is promised when what it names now (a file of an experiment, scenarios, settings) gives the same cells. An
experiment made in Python may have no such command; then its files are written into the result's folder, from the
manifest alone. A scenario is written as its first cell had it, as far as it is not at the default. The experiment's
settings and factors are applied to it as they were.
"""

from __future__ import annotations

import re
import shlex
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sim import loaded, text
from sim.library import find
from sim.parameters import Parameters, Traits
from sim.scenario import load
from sim.sweeps.design import TEXTS, Experiment, experiment_of, load_experiment
from sim.sweeps.files import write_file
from sim.sweeps.sampling import GRID, ONE_AT_A_TIME
from sim.tomlfile import BadFile

EXPERIMENT_FILE = "experiment.toml"
FROM_FILES = f"alliance sweep ./{EXPERIMENT_FILE}"
"""The command for the files of :func:`files_of`, in the folder that holds them."""

ROLES = ("levers", "uncertainties", "factors")
"""Tables of factors in an experiment file; a factor that is no lever and no uncertainty stands in the last."""

PLAIN_WORD = re.compile(r"(?!(?:true|false|inf|nan)$)[A-Za-z][A-Za-z0-9_-]*")
"""Text that no reader of TOML takes for something else."""
PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
"""What TOML takes as a key without quotes."""


# ---------------------------------------------------------------------------------------------------------------
# A command
# ---------------------------------------------------------------------------------------------------------------
def command_that_makes(experiment: Experiment, manifest: Mapping[str, Any]) -> str:
    """What to type to make the same tables, tried out as far as it needs no run; empty when there is no such command.

    Args:
        experiment: what is run.
        manifest: of its sweep, in which the command still lacks.

    Returns:
        A command for where the process stands, or one that begins with :data:`FROM_FILES`, for the result's folder.
    """
    if loaded.replaced_rules():
        return ""
    alliances = " --alliances" if manifest["plan"]["keep_alliances"] else ""
    line = command_line(experiment)
    if _same_cells(experiment, lambda: _asked_by(line)):
        return line + alliances
    return FROM_FILES + alliances if files_make(files_of(manifest), experiment) else ""


def command_line(experiment: Experiment) -> str:
    """The command that runs an experiment from its file, or from the names of its scenarios."""
    names = shlex.join(scenario.name for scenario in experiment.scenarios)
    start = f"sweep {shlex.quote(experiment.source)}" if experiment.source else f"compare {names}"
    asked = {**experiment.settings}
    for key, value in dict(experiment.written.get("settings", {})).items():
        if asked.get(key) == value:
            del asked[key]
    sets = "".join(f" --set {shlex.quote(f'{key}={_on_the_line(value)}')}" for key, value in asked.items())
    return f"alliance {start} --seed {experiment.seed} --replicates {experiment.replicates}{sets}"


def _on_the_line(value: Any) -> str:
    """A value as ``--set`` takes it: as in a file, or a word without quotes where it cannot be taken for another."""
    return value if isinstance(value, str) and PLAIN_WORD.fullmatch(value) else _value(value)


def _asked_by(line: str) -> Experiment:
    """The experiment that a command line asks for, which :func:`command_line` wrote.

    Raises:
        BadFile, OSError, ValueError: when it asks for none.
    """
    _, command, *words = shlex.split(line)
    options = words.index("--seed")
    names, given = words[:options], dict(zip(words[options::2], words[options + 1 :: 2], strict=True))
    seed, replicates = int(given["--seed"]), int(given["--replicates"])
    pairs = zip(words[options::2], words[options + 1 :: 2], strict=True)
    settings = dict(_setting(word) for option, word in pairs if option == "--set")
    if any(name.startswith("-") for name in names) or len(set(names)) < len(names):
        raise ValueError("a name that the command would take for something else")
    if command == "sweep":
        asked = load_experiment(find("experiments", names[0])).replace(seed=seed, replicates=replicates)
    elif len(names) < 2:
        raise ValueError("one scenario alone is not compared")
    else:
        asked = experiment_of([load(find("scenarios", name)) for name in names], replicates, seed, "compared")
    return asked.with_settings(settings)


def _setting(given: str) -> tuple[str, Any]:
    key, _, value = given.partition("=")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value


def _same_cells(experiment: Experiment, make: Callable[[], Experiment]) -> bool:
    """Whether another way to an experiment leads to the same tables: the same runs, and the same names for them."""
    try:
        other = make()
        return other.digest() == experiment.digest() and _named(other) == _named(experiment)
    except (BadFile, OSError, ValueError):
        return False


def _named(experiment: Experiment) -> object:
    return experiment.outcomes, [(cell.label, cell.scenario_name, cell.factors) for cell in experiment.cells()]


def how_again(manifest: Mapping[str, Any]) -> str:
    """What to say before the command of a manifest, or in its place when there is none."""
    if replaced := manifest.get("replaced_rules"):
        return (
            f"No command makes this result again, because rules were replaced ({loaded.replaced_in_words(replaced)}): "
            "run the experiment in Python, within `sim.replaced.instead` of the same functions."
        )
    if not manifest["command"]:
        return "No command makes this result again: run the experiment from the Python code that made it."
    if manifest["command"].startswith(FROM_FILES):
        return "In this result's folder, which holds the experiment's files:"
    return "The command that made this result:"


# ---------------------------------------------------------------------------------------------------------------
# Files
# ---------------------------------------------------------------------------------------------------------------
def files_make(files: Mapping[str, str], experiment: Experiment | str) -> bool:
    """Whether files, as :func:`files_of` gives them, lead to the same tables.

    Args:
        files: names and contents.
        experiment: the one that they should give, or its digest.
    """
    with tempfile.TemporaryDirectory(prefix="alliance-") as folder:

        def read_back() -> Experiment:
            write_files(files, Path(folder), Path.write_bytes)  # for a moment: no need to wait for the disk
            return load_experiment(Path(folder) / EXPERIMENT_FILE)

        if isinstance(experiment, Experiment):
            return _same_cells(experiment, read_back)
        try:
            return read_back().digest() == experiment
        except (BadFile, OSError, ValueError):
            return False


def write_files(files: Mapping[str, str], folder: Path, write: Callable[[Path, bytes], object] = write_file) -> None:
    """Write what :func:`files_of` gives into a folder.

    Args:
        files: names and contents.
        folder: that is there.
        write: writes one file.

    Raises:
        OSError: when that cannot be done.
        ValueError: when the name of a scenario can be none of a file.
    """
    for name, content in files.items():
        path = folder / name
        if path.parent not in (folder, folder / "scenarios"):
            raise ValueError(f"{name} is no name for a file in the folder scenarios")
        path.parent.mkdir(exist_ok=True)
        write(path, content.encode())


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
    """The design as a file holds it: each factor in the table of its role, and nothing that is empty.

    A file's factors come in the order of these tables. Where another order numbers the cells, it is kept and the roles,
    which then change no cell, are not.
    """
    factors = design.get("factors", {})
    tables = {role: {name: factors[name] for name in design.get(role, ()) if name in factors} for role in ROLES[:-1]}
    named = {name for table in tables.values() for name in table}
    tables[ROLES[-1]] = {name: levels for name, levels in factors.items() if name not in named}
    by_role = [name for table in tables.values() for name in table]
    if by_role != list(factors) and design.get("design", {}).get("kind", GRID) in (GRID, ONE_AT_A_TIME):
        tables = {ROLES[-1]: dict(factors)}
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
