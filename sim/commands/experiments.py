"""``alliance experiments``: list them, show one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from sim.commands.listing import list_without_command, print_list
from sim.commands.options import FileName, json_option
from sim.commands.output import print_json, print_table, print_texts, toml
from sim.commands.scenarios import check_files

if TYPE_CHECKING:
    from sim.sweeps.design import Experiment


@click.group(
    invoke_without_command=True,
    epilog="""\b
Examples:
  alliance experiments
  alliance experiments show demo
  alliance experiments show what_matters --json
""",
)
@json_option
@click.pass_context
def experiments(ctx: click.Context, as_json: bool) -> None:
    """List the experiments, or show one.

    An experiment is a TOML file: scenarios, levers, uncertainties and constants, the design that combines them, the
    outcomes of interest, and the finding expected beforehand. Files in ./experiments come before those that come with
    the program.
    """
    list_without_command(ctx, "experiments", as_json)


@experiments.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List every experiment with its title and question."""
    print_list("experiments", as_json)


@experiments.command()
@click.argument("files", metavar="EXPERIMENT...", nargs=-1, required=True, type=FileName("experiments"))
def check(files: tuple[str, ...]) -> None:
    """Check experiments: report every mistake with its line.

    EXPERIMENT is a name from the list or a path to a .toml file. Exit code 3 when there is a mistake.
    """
    from sim.library import find
    from sim.sweeps.design import load_experiment

    check_files(files, lambda name: load_experiment(find("experiments", name)))


@experiments.command()
@click.argument("experiment", metavar="EXPERIMENT", type=FileName("experiments"))
@json_option
def show(experiment: str, as_json: bool) -> None:
    """Show an experiment: its question, the finding expected beforehand, and its design.

    EXPERIMENT is a name from the list or a path to a .toml file.
    """
    from sim.library import find
    from sim.sweeps.design import load_experiment

    found = load_experiment(find("experiments", experiment))
    texts = {"title": found.title, "question": found.question, "expected": found.expected}
    if as_json:
        design = {**found.plain(), "outcomes": found.outcomes, "cells": [cell.label for cell in found.cells()]}
        print_json({"name": found.name, **texts, **design})
        return
    print_texts(texts)
    print_table(("design", ""), list(_rows(found)))


def _rows(found: Experiment) -> Iterator[tuple[str, str]]:
    """Name and text of each part of an experiment's design."""
    yield "scenarios", ", ".join(scenario.name for scenario in found.scenarios) + " (the first is the reference)"
    yield from ((f"constant {key}", toml(value)) for key, value in found.settings.items())
    for factor in found.factors:
        role = "lever" if factor in found.levers else "uncertainty" if factor in found.uncertainties else "factor"
        yield f"{role} {factor}", ", ".join(level.label for level in found.levels(factor))
    yield "outcomes", ", ".join(found.outcomes)
    yield "design", found.describe()
    yield from ((f"base {key}", toml(value)) for key, value in found.design.base.items())
    yield "cells", str(len(found.cells()))
    if found.precision:
        yield "replicates", f"{found.replicates} at a time in each cell, at most {found.max_replicates}"
    else:
        yield "replicates", f"{found.replicates} in each cell: {found.runs[0]} runs"
    yield "seed", str(found.seed)
