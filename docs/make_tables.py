"""Write what the documentation takes from the code: ``python docs/make_tables.py``.

Whole pages: parameters.md, outcomes.md. Between marks: the tables of odd.md, verification.md, benefits.md and
python.md. A test holds that all of it is current. Nothing is simulated here, so it takes a second.
"""

from __future__ import annotations

import ast
import csv
import importlib.util
import inspect
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from sim import scenario
from sim.dynamics import draws, kernel, market, recording, rules, signature, state, steps
from sim.dynamics import events as dated_events
from sim.dynamics.outcomes import OUTCOMES
from sim.parameters import SHORT_SOURCES, Basis, Parameters, Traits, meta
from sim.scenario import EVENT_KINDS
from sim.sides import COLUMNS, OWN
from sim.study.benefits import BENEFITS, EVERY_PATH, FURTHER, Benefit, settings_shown
from sim.study.pages import fill

HERE = Path(__file__).resolve().parent
CALIBRATION = HERE.parent / "experiments" / "calibration"
NOTE = "Generated from the code by `python docs/make_tables.py`; a test holds that it is up to date.\n"
BASES: dict[Basis, str] = {
    "source": "a published number, cited",
    "model": "a starting value from the feasibility prototype, or a switch that is off",
    "calibrated": "found on the calibration targets alone, within a plausible range",
    "assumed": "our judgement",
}
"""What the basis of a default means, strongest first."""
PINNED, LOOSE = 0.5, 0.8
"""Shares of its plausible range over which a parameter's good points spread: below, pinned down; above, not."""


def row(*cells: Any) -> str:
    """One row of a Markdown table."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> list[str]:
    """The lines of a Markdown table."""
    head = list(head)
    return [row(*head), row(*["---"] * len(head)), *(row(*cells) for cells in rows)]


# ---------------------------------------------------------------------------------------------------------------
# Parameters, traits, outcomes
# ---------------------------------------------------------------------------------------------------------------
def shown(value: Any) -> str:
    """A default as a scenario file would hold it."""
    plain = value.plain() if hasattr(value, "plain") else value
    if isinstance(plain, dict):
        return "{" + ", ".join(f"{key} = {_inline(item)}" for key, item in plain.items()) + "}"
    return str(plain).lower() if isinstance(plain, bool) else f"{plain:g}"


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return f"{value:g}"


def plausible(about: Mapping[str, Any]) -> str:
    """The plausible range of a parameter, empty when none is declared."""
    return f"{about['plausible_low']:g} to {about['plausible_high']:g}" if "plausible_low" in about else ""


def declared(model: type[Parameters] | type[Traits]) -> list[str]:
    """The table of all parameters or traits."""
    head = ("name", "default", "bounds", "plausible", "unit", "meaning", "basis", "source")
    rows = []
    for name, field in model.model_fields.items():
        about = meta(field)
        bounds = f"{about['low']:g} to {about['high']:g}"
        rows.append(
            (
                f"`{name}`",
                shown(field.default),
                bounds,
                plausible(about),
                about["unit"],
                field.description,
                about["basis"],
                about["source"],
            )
        )
    return table(head, rows)


def parameters() -> str:
    """The text of docs/parameters.md."""
    bases = "; ".join(f"**{basis}** {meaning}" for basis, meaning in BASES.items())
    return "\n".join(
        [
            "# Parameters and traits\n",
            NOTE,
            f"`basis` says where a default comes from: {bases}. Bounds are what the model can do with; the plausible "
            "range, where there is one, is what the literature and the prototype leave open. Money is in units of one "
            "alliance's base output a month.\n",
            f"{SHORT_SOURCES}\n",
            "## Parameters\n",
            *declared(Parameters),
            "\n## Traits of organizations\n",
            "Each is a distribution over the organizations of a group; draws are held within the bounds. The plausible "
            "range is that of one number for everybody.\n",
            *declared(Traits),
            "",
        ]
    )


def outcomes() -> str:
    """The text of docs/outcomes.md."""
    better = {1: "more", -1: "less", 0: ""}
    return "\n".join(
        [
            "# Outcomes\n",
            NOTE,
            "Each outcome is a number for an alliance, defined once in `sim/dynamics/outcomes.py`; a run's outcome is "
            "the mean over its alliances (those for which it is defined). The six benefits of seed K, the paths by "
            "which trust moves them, and what is left of them when a path is cut: [benefits.md](benefits.md).\n",
            *table(
                ("name", "unit", "meaning", "better"),
                ((f"`{o.name}`", o.unit, o.meaning, better[o.better]) for o in OUTCOMES.values()),
            ),
            "",
        ]
    )


# ---------------------------------------------------------------------------------------------------------------
# State, order of a month, equations, draws, events
# ---------------------------------------------------------------------------------------------------------------
FIELD = re.compile(r'^\s*(?:\+?\s*\[?\s*)\("(\w+)", "(\w+)"(?:, (.+?))?\)[\],]*\s*(?:#\s*(.*))?$')
SECTION = re.compile(r"^\s*# ([^#].*)$")
SIZES = {"BOTH": "2", "(ISSUES,)": "3", "(PLACES,)": "8", "(len(SCALAR_TRAITS),)": "traits"}
KINDS = {"f8": "number", "i8": "whole number"}


def fields_of(name: str) -> Iterator[tuple[str, str, str, str, str]]:
    """Section, name, type, how many, and meaning of each field that ``state.py`` writes down for a record.

    The scalar and vector traits, which come from :class:`Traits`, are not among them.
    """
    text = inspect.getsource(state)
    body = text[text.index(f"{name} = np.dtype(") :]
    section = ""
    for line in body[: body.index("align=True")].splitlines():
        if found := FIELD.match(line):
            field, kind, size, comment = found.groups()
            yield section, field, KINDS[kind], SIZES[size] if size else "1", comment or field.replace("_", " ")
        elif found := SECTION.match(line):
            section = found[1].strip()


def state_table(name: str) -> list[str]:
    """The table of the fields of a record."""
    rows = []
    last = None
    for section, field, kind, size, meaning in fields_of(name):
        rows.append((section if section != last else "", f"`{field}`", kind, size, meaning))
        last = section
    return table(("", "variable", "type", "numbers", "meaning, unit or range"), rows)


def processes() -> dict[str, ast.FunctionDef]:
    """Every function of :data:`CORE` by its name, parsed."""
    return {name: node for module in CORE for name, node in functions_of(module).items()}


@cache
def functions_of(module: ModuleType) -> dict[str, ast.FunctionDef]:
    """The functions that a module defines, parsed."""
    return {node.name: node for node in ast.parse(inspect.getsource(module)).body if isinstance(node, ast.FunctionDef)}


def called(node: ast.AST) -> list[str]:
    """Names that a function calls, ``rules.hill`` or ``disclose``, in the order of the text, each once."""
    calls = [call for call in ast.walk(node) if isinstance(call, ast.Call)]
    calls.sort(key=lambda call: (call.lineno, call.col_offset))
    return list(dict.fromkeys(ast.unparse(call.func) for call in calls))


def first_sentence(node: ast.FunctionDef) -> str:
    """What a function does: the first paragraph of its docstring, on one line."""
    said = ast.get_docstring(node)
    if said is None:
        raise ValueError(f"{node.name} has no docstring")
    return " ".join(said.split("\n\n")[0].split())


CORE = (steps, dated_events, signature, market, recording, kernel)
"""The modules whose functions are the processes of a month."""
BOOKKEEPING = {"clear", "add_to"}
"""Calls that only tidy arrays."""
OPENED = {"month_of_all", "alliance_month"}
"""Functions whose own calls are the rows of the schedule; every other call is one row."""


def schedule(name: str = "month_of_all", depth: int = 0) -> Iterator[tuple[int, str]]:
    """The processes of a month in the order in which the kernel runs them, with their depth."""
    functions = processes()
    for process in called(functions[name]):
        if process not in functions or process in BOOKKEEPING:
            continue
        yield depth, process
        if process in OPENED:
            yield from schedule(process, depth + 1)


def equations_of(name: str, seen: frozenset[str] = frozenset()) -> list[str]:
    """Rules that a process of the kernel uses, also by way of its helpers, in the order of the text."""
    functions = processes()
    found: list[str] = []
    for target in called(functions[name]):
        if target.startswith("rules."):
            found.append(target.removeprefix("rules."))
        elif target in functions and target not in seen and name not in OPENED:
            found += equations_of(target, seen | {name})
    return list(dict.fromkeys(found))


def order_of_a_month() -> list[str]:
    """The table of the schedule."""
    rows = []
    for depth, process in schedule():
        said = first_sentence(processes()[process])
        used = "" if process in OPENED else ", ".join(f"`{rule}`" for rule in equations_of(process))
        rows.append(("· " * depth + f"`{process}`", said, used))
    return table(("process", "what it does", "equations"), rows)


def equations() -> list[str]:
    """The table of every equation: its name and the first paragraph of its docstring."""
    helpers = {"logistic", "within"}
    return table(
        ("rule", "equation, range, what it says"),
        (
            (f"`{name}`", first_sentence(node))
            for name, node in functions_of(rules).items()
            if name not in helpers and not name.startswith("_")
        ),
    )


def blocks_of_draws() -> list[str]:
    """The table of the blocks of random numbers: name, number, what its four numbers decide."""
    found = re.findall(r"^([A-Z]+) = (\d+)  # (.+)$", inspect.getsource(draws), re.MULTILINE)
    return table(("block", "number", "what its four numbers decide"), ((f"`{n}`", k, what) for n, k, what in found))


def events() -> list[str]:
    """The table of the kinds of dated events, what each does, and its numbers."""
    said = dict(re.findall(r"^\* (\w+): (.+?)[;.]$", inspect.getsource(scenario), re.MULTILINE))
    rows = []
    for kind, numbers in EVENT_KINDS.items():
        bounds = ", ".join(f"`{name}` {low:g} to {high:g}" for name, (low, high) in numbers.items())
        rows.append((f"`{kind}`", said[kind].replace("``", "`"), bounds))
    return table(("kind", "what it does", "numbers"), rows)


# ---------------------------------------------------------------------------------------------------------------
# Where the numbers come from, and how well the targets are met
# ---------------------------------------------------------------------------------------------------------------
def bases() -> list[str]:
    """How many defaults come from where."""
    counts = {
        model: Counter(meta(field)["basis"] for field in model.model_fields.values()) for model in (Parameters, Traits)
    }
    rows: list[tuple[Any, ...]] = [
        (f"**{basis}**", meaning, counts[Parameters][basis], counts[Traits][basis]) for basis, meaning in BASES.items()
    ]
    rows.append(("all", "", len(Parameters.model_fields), len(Traits.model_fields)))
    return table(("basis", "meaning", "parameters", "traits"), rows)


def sourced() -> list[str]:
    """The table of the defaults that a published number gives."""
    rows = [
        (f"`{name}`", shown(field.default), about["unit"], about["source"])
        for model in (Parameters, Traits)
        for name, field in model.model_fields.items()
        if (about := meta(field))["basis"] == "source"
    ]
    return table(("name", "default", "unit", "source"), rows)


def calibrated() -> list[str]:
    """The table of the calibrated defaults, with the best point that the search has found."""
    best = json.loads((CALIBRATION / "result.json").read_text(encoding="utf-8"))["parameters"]
    rows = [
        (
            f"`{name}`",
            shown(field.default),
            f"{best[name]:.3g}" if name in best else "",
            plausible(about),
            about["unit"],
        )
        for model in (Parameters, Traits)
        for name, field in model.model_fields.items()
        if (about := meta(field))["basis"] == "calibrated"
    ]
    return table(("name", "default", "best point of the search", "plausible range", "unit"), rows)


def identified() -> list[str]:
    """What the calibration targets pin down: how far a parameter's good points spread over its plausible range."""
    rows = []
    for line in csv.DictReader((CALIBRATION / "identified.csv").read_text(encoding="utf-8").splitlines()):
        share = float(line["share_of_range"])
        said = "pinned down" if share < PINNED else "loosely" if share < LOOSE else "**not pinned down**"
        good = f"{line['good_10']} to {line['good_90']}"
        tried = f"{line['plausible_low']} to {line['plausible_high']}"
        rows.append((f"`{line['parameter']}`", tried, good, f"{share:.2f}", said))
    return table(
        ("parameter", "plausible range searched", "middle 80% of the good points", "share of the range", "the targets"),
        rows,
    )


def calibration_script() -> ModuleType:
    """``experiments/calibration/calibrate.py``, which declares the targets."""
    spec = importlib.util.spec_from_file_location("calibrate", CALIBRATION / "calibrate.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(CALIBRATION / "calibrate.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def targets() -> list[str]:
    """Calibration targets against the best point found."""
    result = json.loads((CALIBRATION / "result.json").read_text(encoding="utf-8"))
    declared_targets = calibration_script().TARGETS
    rows = []
    for name, measured in result["measured"].items():
        target = declared_targets[name]
        off = target.deviation(measured)
        rows.append(
            (
                name.replace("_", " "),
                f"{target.low:g} to {target.high:g}",
                f"{measured:.3g}",
                target.unit,
                "met" if off == 0.0 else f"**missed** by {abs(off):.2g} tolerances",
                target.source,
            )
        )
    return table(("target", "band", "result", "unit", "", "where the target comes from"), rows)


def search() -> list[str]:
    """How the calibration was made, in one sentence."""
    result = json.loads((CALIBRATION / "result.json").read_text(encoding="utf-8"))
    return [
        f"{result['points_tried']} points were tried, each with {result['replicates']} replicates and seed "
        f"{result['seed']}; the best has loss {result['loss']:.3f}."
    ]


# ---------------------------------------------------------------------------------------------------------------
# Benefits
# ---------------------------------------------------------------------------------------------------------------
def cut_shown(benefit: Benefit) -> str:
    """The settings of a benefit's cut; those of every path in three words."""
    if not EVERY_PATH.items() <= benefit.cut.items():
        return settings_shown(benefit.cut)
    rest = settings_shown({name: value for name, value in benefit.cut.items() if name not in EVERY_PATH})
    return "every path (listed below)" + (f", {rest}" if rest else "")


def benefits_table(some: Iterable[Benefit]) -> list[str]:
    """The declared benefits: formula, path, cut."""
    ways = {+1: "raises it", -1: "lowers it"}
    return table(
        ("benefit", "outcome", "formula", "how trust reaches it", "trust", "the path is cut by"),
        ((b.name, f"`{b.outcome}`", b.formula, b.path, ways[b.direction], cut_shown(b)) for b in some),
    )


# ---------------------------------------------------------------------------------------------------------------
# The panel
# ---------------------------------------------------------------------------------------------------------------
def panel_columns() -> list[str]:
    """Every column of a panel but those of the partner, which are the side's own again."""
    shown = [
        (name, *about) for name, about in COLUMNS.items() if name.removeprefix("partner_") not in OWN or name in OWN
    ]
    return table(
        ("column", "unit", "meaning"),
        ((f"`{name}`{f', `partner_{name}`' if name in OWN else ''}", unit, meaning) for name, unit, meaning in shown),
    )


# ---------------------------------------------------------------------------------------------------------------
# Pages
# ---------------------------------------------------------------------------------------------------------------
WHOLE: dict[str, Callable[[], str]] = {"parameters": parameters, "outcomes": outcomes}
"""Pages that are generated from the first line to the last."""

BLOCKS: dict[str, dict[str, Callable[[], list[str]]]] = {
    "odd": {
        "organization": lambda: state_table("ORGANIZATION"),
        "alliance": lambda: state_table("ALLIANCE"),
        "order of a month": order_of_a_month,
        "equations": equations,
        "draws": blocks_of_draws,
        "events": events,
    },
    "verification": {
        "bases": bases,
        "sourced": sourced,
        "calibrated": calibrated,
        "search": search,
        "targets": targets,
        "identified": identified,
    },
    "benefits": {
        "the six benefits": lambda: benefits_table(BENEFITS),
        "further outputs": lambda: benefits_table(FURTHER),
    },
    "python": {"panel": panel_columns},
}
"""Pages with generated tables between marks."""


def filled(page: str) -> str:
    """A page with its generated tables as they should be now."""
    text = (HERE / f"{page}.md").read_text(encoding="utf-8")
    return fill(text, {name: lines() for name, lines in BLOCKS[page].items()})


def main() -> None:
    """Write every page."""
    pages = {name: text() for name, text in WHOLE.items()} | {name: filled(name) for name in BLOCKS}
    for name, text in pages.items():
        (HERE / f"{name}.md").write_text(text, encoding="utf-8")
        print(f"wrote docs/{name}.md")


if __name__ == "__main__":
    main()
