"""``alliance report``: figures, summary and page of a result folder, made again from its tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.commands.options import json_option, quiet_option
from sim.commands.output import print_json, put, records, say, writing

if TYPE_CHECKING:
    from sim.sweeps.reading import Stored


@click.command(
    epilog="""\b
Examples:
  alliance report results/demo/20260131-120000-0123abcd
  alliance report results/demo/20260131-120000-0123abcd --out for_the_board
"""
)
@click.argument("folder", metavar="RESULT_FOLDER", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to; the result folder without it.",
)
@json_option
@quiet_option
def report(folder: Path, out: Path | None, as_json: bool, quiet: bool) -> None:
    """Write the report of a result: one page, the figures and a summary.

    Everything is made from the tables stored in RESULT_FOLDER. report.html stands alone: send it, open it in a browser,
    print it. Use the command after an interrupted sweep, after --no-figures, or with a newer version of the program.
    """
    from sim.study.page import publish
    from sim.sweeps.reading import read_results

    stored = read_results(folder)
    say("drawing the figures, writing the report …", quiet)
    with writing(out or folder):
        page = publish(stored, out)[-1]
    show_results(stored, page, as_json, quiet)


def show_results(stored: Stored, page: Path | None, as_json: bool, quiet: bool) -> None:
    """Print what came out: a table and a few sentences, one JSON document, or with ``quiet`` only where it lies.

    Args:
        stored: a result folder read back.
        page: the report; None when it was not written.
        as_json, quiet: how to say it.
    """
    from sim.study.terminal import summary_text

    if as_json:
        print_json({**document(stored), "page": None if page is None else str(page)})
    elif quiet:
        put(str(stored.folder if page is None else page.parent))
    else:
        put(summary_text(stored))
        if page is not None:
            put(f"Report: {page}")


def document(stored: Stored) -> dict[str, Any]:
    """A result as one JSON document: its design, the mean of each outcome in each cell, and the paired differences."""
    from sim.dynamics.outcomes import OUTCOMES
    from sim.study.analysis import cell_means, paired
    from sim.study.words import Study

    runs = stored.tables["runs"]
    outcomes = [name for name in OUTCOMES if name in runs]
    cells = runs["cell"].unique()
    failed = stored.tables.get("failed")
    return {
        "folder": str(stored.folder),
        "status": stored.manifest["status"],
        "title": stored.manifest["title"],
        "notes": Study(stored).notes,
        "design": stored.manifest["design"],
        "outcomes": {name: {"unit": OUTCOMES[name].unit, "meaning": OUTCOMES[name].meaning} for name in outcomes},
        "runs": len(runs),
        "failed": [] if failed is None else records(failed),
        "means": records(cell_means(runs, outcomes)),
        "differences": records(paired(runs, int(cells[0]), outcomes)) if len(cells) > 1 else [],
    }
