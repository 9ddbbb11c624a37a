"""Write docs/parameters.md and docs/outcomes.md from the declarations in the code: ``python docs/make_tables.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sim.dynamics.outcomes import OUTCOMES
from sim.parameters import Parameters, Traits, meta

HERE = Path(__file__).resolve().parent
NOTE = "Generated from the code by `python docs/make_tables.py`; a test holds that it is up to date.\n"


def row(*cells: Any) -> str:
    """One row of a Markdown table."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


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


def declared(model: type[Parameters] | type[Traits]) -> list[str]:
    """The rows of all parameters or traits."""
    rows = []
    for name, field in model.model_fields.items():
        about = meta(field)
        bounds = f"{about['low']:g} to {about['high']:g}"
        rows.append(
            row(
                f"`{name}`",
                shown(field.default),
                bounds,
                about["unit"],
                field.description,
                about["basis"],
                about["source"],
            )
        )
    return rows


def parameters() -> str:
    """The text of docs/parameters.md."""
    head = [row("name", "default", "bounds", "unit", "meaning", "basis", "source"), row(*["---"] * 7)]
    return "\n".join(
        [
            "# Parameters and traits\n",
            NOTE,
            "`basis` says where a default comes from: **source** a published number, **model** the feasibility "
            "prototype, **assumed** our judgement. Money is in units of one alliance's base output a month.\n",
            "## Parameters\n",
            *head,
            *declared(Parameters),
            "\n## Traits of organizations\n",
            "Each is a distribution over the organizations of a group; draws are held within the bounds.\n",
            *head,
            *declared(Traits),
            "",
        ]
    )


def outcomes() -> str:
    """The text of docs/outcomes.md."""
    better = {1: "more", -1: "less", 0: ""}
    rows = [row(f"`{o.name}`", o.unit, o.meaning, better[o.better]) for o in OUTCOMES.values()]
    return "\n".join(
        [
            "# Outcomes\n",
            NOTE,
            "Each outcome is a number for an alliance, defined once in `sim/dynamics/outcomes.py`; a run's outcome is "
            "the mean over its alliances (those for which it is defined).\n",
            row("name", "unit", "meaning", "better"),
            row(*["---"] * 4),
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    for name, text in {"parameters.md": parameters(), "outcomes.md": outcomes()}.items():
        (HERE / name).write_text(text, encoding="utf-8")
        print(f"wrote docs/{name}")
