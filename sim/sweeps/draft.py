"""An experiment file as it is written: its form, and where in it things stand.

A file holds::

    title = "Culture clash"
    question = "What does …?"
    expected = "What should come out, written before the first run."
    scenarios = ["baseline", "culture_clash"]   # names or paths; the first is the reference
    replicates = 200                            # optional
    seed = 1                                    # optional
    outcomes = ["value", "trust"]               # optional: what the summary leads with
    design = "grid"                             # optional; or a table: see sim.sweeps.sampling
    precision = {trust = 0.01}                  # optional: half-width of every cell's 95% interval …
    max_replicates = 2000                       # … with at most so many replicates

    [constants]                                 # optional: for every cell; keys as in `sim.scenario.override`
    months = 120
    "events.crash.enabled" = false              # a name with dots stands in quotes

    [levers]                                    # optional: what the decision maker chooses
    relational_investment = [0.3, 0.6, 1.0]

    [uncertainties]                             # optional: what nobody knows
    trust_gain = {low = 0.02, high = 0.08}      # a range, for designs that sample
    openness = [{normal = [0.4, 0.1]}, {label = "open", value = {normal = [0.8, 0.1]}}]

    [factors]                                   # optional: varied, without saying by whom

Levers, uncertainties and factors are all factors; the table is a factor's role. A level may be any value that a
scenario file takes there. ``{label = …, value = …}`` gives a level a name of its own. The roles are those of Kwakkel
2017, doi:10.1016/j.envsoft.2017.06.054 (EMAworkbench). Whether the values make a sound experiment is looked at
elsewhere (:mod:`sim.sweeps.checks`); all mistakes are reported at once, as ``file:line: key: what is wrong``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim import library
from sim.scenario import MAX_TEXT, Scenario, load
from sim.sweeps.checks import MAX_REPLICATES, MAX_SCENARIOS, QUOTES
from sim.sweeps.levels import column_name, is_name, plain_name
from sim.sweeps.sampling import Factor, read_design, read_range
from sim.text import problem
from sim.tomlfile import BadFile, Key, Problem, shown, unknown_keys

TEXTS = ("title", "question", "expected")
ROLES = {"levers": "a lever", "uncertainties": "an uncertainty", "factors": "a factor"}
"""The tables of factors, in the order in which factors are crossed: the first changes slowest."""
CONSTANTS = ("constants", "settings")
"""The table of constants, and its older name."""
NUMBERS = ("replicates", "max_replicates", "seed")
TOP = (*TEXTS, "scenarios", *NUMBERS, "outcomes", "precision", "design", *CONSTANTS, *ROLES)


class Draft:
    """An experiment file, read. Values are left to :func:`sim.sweeps.checks.mistakes`.

    Attributes:
        fields: what an ``Experiment`` is made of, without what is missing or cannot be read.
        problems: mistakes of form.
        whole: False when the design or a factor cannot be read, so that nothing can be said of how they fit.
    """

    def __init__(self, data: Mapping[str, Any], path: Path) -> None:
        self.problems = unknown_keys(data, TOP, ())
        self.whole = True
        self._data = data
        self._places: dict[Key, Key] = {}  # where the file has what an Experiment holds under another key
        self.fields = self._fields(path)

    def in_the_file(self, problems: Sequence[Problem]) -> list[Problem]:
        """The problems of an experiment, laid at the tables in which the file has things."""
        return [Problem(self._place(problem.key), problem.message) for problem in problems]

    def _place(self, key: Key) -> Key:
        for length in range(len(key), 0, -1):
            if key[:length] in self._places:
                return (*self._places[key[:length]], *key[length:])
        return key

    def _wrong(self, key: Key, message: str) -> None:
        self.problems.append(Problem(key, message))

    def _fields(self, path: Path) -> dict[str, Any]:
        data = self._data
        texts = {name: self._text(name) for name in TEXTS}
        scenarios, unreadable = _load_scenarios(data.get("scenarios"), path.parent)
        self.problems += unreadable
        constants = self._constants()
        factors, roles = self._factors()
        design, mistakes = read_design(data.get("design"))
        self.problems += mistakes
        self.whole = self.whole and design is not None
        for name in design.listed[0].values if design and design.listed else ():
            self._places.setdefault(("factors", name), ("design", "points", 0, name))
        self._check_limit()
        return {
            "name": path.stem,
            **texts,
            "scenarios": tuple(scenarios),
            **{name: data[name] for name in NUMBERS if name in data},
            **({"outcomes": self._outcomes()} if "outcomes" in data else {}),
            "settings": constants,
            "factors": factors,
            "levers": roles["levers"],
            "uncertainties": roles["uncertainties"],
            **({"design": design} if design else {}),
            "precision": self._table("precision"),
            "written": {**data, "settings": constants},
            "source": _source(path),
        }

    def _text(self, name: str) -> str:
        if name not in self._data:
            self._wrong((name,), "is missing: say it in a sentence")
            return ""
        found = self._data[name]
        if not isinstance(found, str) or not found.strip():
            self._wrong((name,), f"must be text that is not empty, got {shown(found)}")
        elif unseen := problem(found, breaks=True):
            self._wrong((name,), unseen)
        elif len(found) > MAX_TEXT:
            self._wrong((name,), f"has {len(found):,} characters; at most {MAX_TEXT:,}")
        return str(found)

    def _table(self, name: str) -> dict[str, Any]:
        found = self._data.get(name, {})
        if isinstance(found, dict):
            return dict(found)
        self._wrong((name,), f"must be a table [{name}], got {shown(found)}")
        return {}

    def _outcomes(self) -> tuple[Any, ...]:
        found = self._data["outcomes"]
        if isinstance(found, list) and found:
            return tuple(found)
        self._wrong(("outcomes",), f"must be a list of outcomes that is not empty, got {shown(found)}")
        return ()

    def _check_limit(self) -> None:
        """A limit without a precision, and one of none, which an Experiment takes for "not said"."""
        if "max_replicates" in self._data and not self._data.get("precision"):
            advice = "goes with a precision, as precision = {trust = 0.01}: add one or drop this"
            self._wrong(("max_replicates",), advice)
        elif self._data.get("max_replicates") == 0:
            self._wrong(("max_replicates",), f"0 is out of range: from 1 to {MAX_REPLICATES}")

    def _constants(self) -> dict[str, Any]:
        given = [name for name in CONSTANTS if name in self._data]
        if len(given) == 2:
            self._wrong(("settings",), "is the older name of [constants]: keep one table")
        found = self._table(given[0] if given else CONSTANTS[0])
        if given:
            self._places["settings",] = (given[0],)
        return found

    def _factors(self) -> tuple[dict[str, Factor], dict[str, tuple[str, ...]]]:
        """The factors of all roles by their names in tables, and the names by role."""
        found: dict[str, Factor] = {}
        roles: dict[str, tuple[str, ...]] = {}
        taken: dict[str, str] = {}
        for role in ROLES:
            roles[role] = ()
            for key, written in self._table(role).items():
                levels = self._factor((role, key), written)
                self.whole = self.whole and levels is not None
                name, plain = column_name(key), plain_name(key)
                if plain in taken:
                    self._wrong((role, key), f"is already {ROLES[taken[plain]]}: keep one of them")
                elif levels is not None:
                    found[name] = levels
                    roles[role] += (name,)
                    self._places["factors", name] = (role, key)
                taken.setdefault(plain, role)
        tables = [role for role in ("design", *ROLES) if role in self._data]
        if tables and "factors" not in self._data:
            self._places["factors",] = (tables[-1],)
        return found, roles

    def _factor(self, at: tuple[str, str], written: Any) -> Factor | None:
        """The levels or the range of a factor; None when it is neither."""
        if isinstance(written, list):
            return tuple(written)
        is_range = isinstance(written, str) or (isinstance(written, dict) and {"low", "high"} & set(written))
        if is_range:
            found, messages = read_range(at[1], written)
            self.problems += [Problem(at, message) for message in messages]
            return found
        if isinstance(written, dict) and not is_name(at[1]):
            self._wrong(at, QUOTES)
        else:
            advice = "write [ … ], or a range {low = …, high = …}"
            self._wrong(at, f"must be a list of levels, got {shown(written)}: {advice}")
        return None


def _load_scenarios(names: Any, folder: Path) -> tuple[list[Scenario], list[Problem]]:
    at: Key = ("scenarios",)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        missing = "is missing: name at least one scenario" if names is None else None
        return [], [Problem(at, missing or f"must be a list of names or paths that is not empty, got {shown(names)}")]
    if len(names) > MAX_SCENARIOS:
        return [], [Problem(at, f"has {len(names):,} names; at most {MAX_SCENARIOS:,}")]
    scenarios: dict[Path, Scenario] = {}
    problems = []
    for name in names:
        try:
            path = _find_scenario(name, folder)
            if path.resolve() in scenarios:
                problems.append(Problem(at, f"{shown(name)} is listed twice"))
            else:
                scenarios[path.resolve()] = load(path)
        except OSError as error:  # no name that a file can have
            problems.append(Problem(at, f"{shown(name)}: {error.strerror}"))
        except BadFile as error:
            unreadable = all(not problem.key for problem in error.problems)
            reports = [f"{shown(name)}: {p.message}" for p in error.problems] if unreadable else error.reports()
            problems += [Problem(at, report) for report in reports]
    return list(scenarios.values()), problems


def _find_scenario(name: str, folder: Path) -> Path:
    beside = folder / name
    return beside if name.endswith(".toml") and beside.is_file() else library.find("scenarios", name)


def _source(path: Path) -> str:
    """The short name of an experiment file when the library finds that very file by it, else its path."""
    known = library.available("experiments").get(path.stem)
    return path.stem if known is not None and known.resolve() == path.resolve() else str(path)
