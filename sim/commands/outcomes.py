"""``alliance outcomes``: what is measured of each run."""

from __future__ import annotations

import click

from sim.commands.options import json_option
from sim.commands.output import print_json, print_table


@click.command(
    epilog="""\b
Examples:
  alliance outcomes                  everything that is measured
  alliance outcomes trust            what has to do with trust
  alliance outcomes --json           for a program
"""
)
@click.argument("word", required=False, default="")
@json_option
def outcomes(word: str, as_json: bool) -> None:
    """List what is measured of each run: name, unit, meaning.

    Names are those that `--outcome` and the outcomes of an experiment file take. WORD filters: it is looked for in
    names, units and meanings.
    """
    from sim.dynamics.outcomes import OUTCOMES

    rows = [{"name": name, "unit": about.unit, "meaning": about.meaning} for name, about in OUTCOMES.items()]
    rows = [row for row in rows if word.casefold() in " ".join(row.values()).casefold()]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(("name", "unit", "meaning"), [tuple(row.values()) for row in rows])
    else:
        raise click.UsageError(f"no outcome has {word!r} in its name, unit or meaning; leave WORD out to see all")
