"""``alliance parameters``: what can be set."""

from __future__ import annotations

from typing import Any

import click

from sim.commands.options import json_option
from sim.commands.output import paragraph, print_json, print_table, toml


@click.command(
    epilog="""\b
Examples:
  alliance parameters                every parameter and trait
  alliance parameters monitor        those that have to do with monitoring
  alliance parameters --json         for a program
"""
)
@click.argument("word", required=False, default="")
@json_option
def parameters(word: str, as_json: bool) -> None:
    """List what can be set: parameters and traits.

    Each with default, bounds, unit, meaning and where the default comes from. WORD filters: it is looked for in
    names, meanings and sources. The basis of a default is `source` (a published number), `model` (a starting value of
    the model page), `calibrated` (fitted to the targets of calibration) or `assumed` (our judgement).
    """
    from sim.parameters import SHORT_SOURCES

    rows = [row for row in declared() if word.casefold() in " ".join(map(str, row.values())).casefold()]
    if as_json:
        print_json(rows)
    elif rows:
        columns = ("name", "default", "bounds", "unit", "meaning", "basis: source")
        print_table(columns, [_cells(row) for row in rows])
        paragraph(SHORT_SOURCES)
    else:
        raise click.UsageError(f"nothing has {word!r} in its name, meaning or source; leave WORD out to see all")


def declared() -> list[dict[str, Any]]:
    """Every parameter and trait as plain data; the default of a trait is its distribution."""
    from sim.parameters import Parameters, Traits, meta

    rows = []
    for kind, model in (("parameter", Parameters), ("trait", Traits)):
        for name, field in model.model_fields.items():
            about = meta(field)
            default = field.default.plain() if kind == "trait" else field.default
            rows.append(
                {
                    "name": name,
                    "kind": kind,
                    "default": default,
                    "low": about["low"],
                    "high": about["high"],
                    "unit": about["unit"],
                    "meaning": field.description,
                    "basis": about["basis"],
                    "source": about["source"],
                }
            )
    return rows


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    bounds = "true, false" if isinstance(row["default"], bool) else f"{row['low']:g} to {row['high']:g}"
    origin = f"{row['basis']}: {row['source']}"
    return row["name"], toml(row["default"]), bounds, row["unit"], row["meaning"], origin
