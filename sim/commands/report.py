"""``alliance report``: figures and summary of a result folder, drawn again from its tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.commands.options import json_option, quiet_option
from sim.commands.output import print_json, records, say, writing
from sim.commands.run import HISTORY

if TYPE_CHECKING:
    from sim.sweeps.store import Stored


@click.command(
    epilog="""\b
Example:
  alliance report results/demo/20260131-120000-0123abcd
"""
)
@click.argument("folder", metavar="RESULT_FOLDER", type=click.Path(path_type=Path))
@json_option
@quiet_option
def report(folder: Path, as_json: bool, quiet: bool) -> None:
    """Draw the figures and the summary of a result again.

    Everything is made from the tables stored in RESULT_FOLDER. Use it after an interrupted sweep, after --no-figures,
    or with a newer version of the program.
    """
    from sim.study.report import publish
    from sim.study.terminal import summary_text
    from sim.sweeps.store import read_results

    _refuse_history(folder)
    stored = read_results(folder)
    say("drawing the figures …", quiet)
    with writing(folder):
        publish(folder)
    if as_json:
        print_json(document(stored))
    elif quiet:
        click.echo(str(folder))
    else:
        click.echo(summary_text(stored))


def _refuse_history(folder: Path) -> None:
    """Say it when the folder is one of ``alliance run``, which holds one history and nothing to compare."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # read_results says what is wrong
    if isinstance(manifest, dict) and manifest.get("kind") == HISTORY:
        raise click.UsageError(f"{folder} holds one history, drawn by `alliance run`; a report needs a sweep's folder")


def document(stored: Stored) -> dict[str, Any]:
    """A result as one JSON document: its design, the mean of each outcome in each cell, and the paired differences."""
    from sim.dynamics.outcomes import OUTCOMES
    from sim.study.analysis import cell_means, paired

    runs, outcomes = stored.tables["runs"], list(OUTCOMES)
    cells = runs["cell"].unique()
    failed = stored.tables.get("failed")
    return {
        "folder": str(stored.folder),
        "status": stored.manifest["status"],
        "title": stored.manifest["title"],
        "design": stored.manifest["design"],
        "outcomes": {name: {"unit": OUTCOMES[name].unit, "meaning": OUTCOMES[name].meaning} for name in outcomes},
        "runs": len(runs),
        "failed": [] if failed is None else records(failed),
        "means": records(cell_means(runs, outcomes)),
        "differences": records(paired(runs, int(cells[0]), outcomes)) if len(cells) > 1 else [],
    }
