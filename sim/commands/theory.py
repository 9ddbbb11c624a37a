"""``alliance theory``: what the closed forms say of trust and openness, with simulated points laid over the curves."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.commands import core
from sim.commands.options import Number, all_of, json_option, out_option, quiet_option, refusals, seed_range
from sim.commands.output import (
    checksums,
    counting,
    paragraph,
    plain,
    print_json,
    print_table,
    put,
    say,
    say_where,
    writing,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from sim.study.phase import Findings

KIND = "theory"
"""What a manifest says that it is of; also the name of the folder."""


@click.command(
    epilog="""\b
Examples:
  alliance theory
  alliance theory --floor 0.1 --friction 0.55
  alliance theory --half 0.3 --gain 0.05 --loss 0.2
  alliance theory --no-simulation --json
"""
)
@click.option("--friction", type=Number(), help="w: chance of a friction incident in a month; else 0.4.")
@click.option("--half", type=Number(), help="θ: trust at which half of what could be said is said; else 0.4.")
@click.option("--floor", type=Number(), help="c0: openness floor, what is said whatever the trust; else 0.")
@click.option("--gain", type=Number(), help="λ⁺: learning from good months, 1/month; else 0.1.")
@click.option("--loss", type=Number(), help="λ⁻: learning from bad months, 1/month; else 0.3.")
@click.option("--speed", type=Number(), help="κ: speed at which communication follows trust, 1/month; else 0.25.")
@click.option("--no-simulation", is_flag=True, help="Curves only: compute, simulate nothing.")
@click.option("--seed", type=seed_range(), default=1, show_default=True, help="Seed of the simulated points.")
@all_of(out_option, json_option, quiet_option)
@click.pass_context
def theory(
    ctx: click.Context,
    /,
    no_simulation: bool,
    seed: int,
    out: Path,
    as_json: bool,
    quiet: bool,
    **numbers: float | None,
) -> None:
    """Where trust holds, tips and returns, by theory.

    Trust lets partners say what they know, and what is said builds trust: two equations that a pencil can solve when
    all else is switched off. Draws their phase portrait, the map of where trust tips, and the loop of trust against
    friction, with simulated points laid over the curves; says in words what follows for an alliance. Writes to
    OUT/theory/<time>-<digest>/.
    """
    from sim.study.phase import examine, field_with, sentences

    with refusals("--"):
        field = field_with(**numbers)
    findings = examine(field)
    simulated = None if no_simulation else seed
    if simulated is not None:
        core.prepare(quiet)
    tables, figures = _study(findings, simulated, quiet)
    folder, files = _store(findings, tables, figures, simulated, out, ctx.meta["command"])
    if as_json:
        print_json({**_document(findings), "sentences": sentences(findings), "folder": folder, "files": files})
    elif quiet:
        put(str(folder))
    else:
        _tell(findings)
        say_where(files, folder)


def _study(findings: Findings, seed: int | None, quiet: bool) -> tuple[dict[str, pd.DataFrame], dict[str, Figure]]:
    """Tables and figures; nothing is simulated without a seed."""
    from sim.study import phase
    from sim.study.plots.theory import hysteresis, phase_portrait, tipping_map

    plane, shown, ends = phase.portrait(findings), phase.loops(findings), None
    tables = {"fixed_points": phase.points_table(findings)}
    if seed is not None:
        wanted = phase.places(findings, shown)
        say(f"simulating {len(plane.starts)} paths and {len(wanted)} ends in small steps, about 10 s …", quiet)
        plane = phase.simulate_paths(plane, seed)
        with counting(len(wanted), quiet) as tick:
            ends = phase.simulate_ends(wanted, seed, tick)
        tables |= {"paths": phase.paths_table(plane), "ends": ends}
    say("drawing the figures …", quiet)
    figures = {
        "phase_portrait": phase_portrait(plane),
        "tipping_map": tipping_map(phase.maps(findings), ends),
        "hysteresis": hysteresis(shown, phase.friction_limit(findings.field), ends),
    }
    return tables, figures


# ---------------------------------------------------------------------------------------------------------------
# Storing
# ---------------------------------------------------------------------------------------------------------------
def _store(
    findings: Findings,
    tables: dict[str, pd.DataFrame],
    figures: dict[str, Figure],
    seed: int | None,
    out: Path,
    command: str,
) -> tuple[Path, list[Path]]:
    """Write tables, figures and manifest to a new folder.

    Returns:
        The folder, and the files in it.
    """
    import hashlib
    import json

    from sim.study.plots import save
    from sim.sweeps.files import write_table
    from sim.sweeps.store import ResultFolder

    decided = json.dumps([dataclasses.asdict(findings.field), seed], sort_keys=True)
    folder = ResultFolder.create(out, KIND, hashlib.sha256(decided.encode()).hexdigest())
    files = []
    with writing(folder.path):
        for name, table in tables.items():
            files.append(folder.path / "tables" / f"{name}.parquet")
            write_table(files[-1], table)
        for name, figure in figures.items():
            files += save(figure, folder.path / "figures", name)
        folder.write_manifest(_manifest(findings, seed, files, folder.path, command))
    return folder.path, [*files, folder.path / "manifest.json"]


def _manifest(findings: Findings, seed: int | None, files: list[Path], folder: Path, command: str) -> dict[str, Any]:
    """What was computed and simulated, and how to make it again."""
    from sim.study.phase import UNITS
    from sim.sweeps.manifest import COMPLETE, FORMAT, provenance

    return {
        "format": FORMAT,
        "kind": KIND,
        "status": COMPLETE,
        **_document(findings),
        "simulated": seed is not None,
        "seed": seed,
        "units": UNITS,
        **provenance(("study/theory.py", "study/phase.py")),
        "command": command,
        "files": checksums({path.relative_to(folder).as_posix(): path for path in files}),
    }


# ---------------------------------------------------------------------------------------------------------------
# Telling
# ---------------------------------------------------------------------------------------------------------------
def _document(findings: Findings) -> dict[str, Any]:
    """The numbers; one that no friction or floor reaches is given all the same."""
    document: dict[str, Any] = plain(
        {
            "field": dataclasses.asdict(findings.field),
            "fixed_points": [{"kind": point.kind, **dataclasses.asdict(point)} for point in findings.points],
            "tipping_friction": findings.tipping_friction,
            "folds": [{"friction": friction, "trust": trust} for friction, trust in findings.folds],
            "critical_floor": findings.critical_floor,
        }
    )
    return document


def _tell(findings: Findings) -> None:
    """The fixed points as a table, the critical values, and what they mean."""
    from sim.study.phase import sentences

    field = findings.field
    rows = [
        (point.kind, f"{point.trust:.3f}", f"{point.communication:.3f}", f"{point.rate:+.4f}", f"{point.loop_gain:.3f}")
        for point in findings.points
    ]
    title = (
        f"Fixed points at friction w = {field.friction:g}, θ = {field.half:g}, openness floor c0 = {field.floor:g}, "
        f"λ⁺ = {field.gain:g}, λ⁻ = {field.loss:g}, κ = {field.speed:g}"
    )
    print_table(("", "trust", "communication", "slow eigenvalue, 1/month", "loop gain G"), rows, title)
    put()
    paragraph(
        f"tipping friction without a floor w_c = {findings.tipping_friction:.4f} a month, "
        f"critical openness floor c0* = {findings.critical_floor:.4f}"
    )
    put()
    for sentence in sentences(findings):
        paragraph(sentence)
