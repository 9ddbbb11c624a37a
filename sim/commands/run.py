"""``alliance run``: one history of a scenario, month by month."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.commands import core
from sim.commands.options import (
    MAX_REPLICATE,
    FileName,
    Setting,
    all_of,
    json_option,
    no_figures_option,
    out_option,
    quiet_option,
    seed_range,
    settings_option,
    with_settings,
)
from sim.commands.output import plain, print_json, print_table, records, say, say_where, size, writing

if TYPE_CHECKING:
    import pandas as pd

    from sim.engine import History
    from sim.scenario import Scenario
    from sim.study.story import Story

HISTORY = "history"
"""What a manifest says that it is of; that of a sweep does not say."""
COPIES = 4
"""A history takes this many times the size of its arrays: the arrays, the table made of them, and the file."""


@click.command(
    epilog="""\b
Examples:
  alliance run baseline
  alliance run aol_time_warner --story
  alliance run baseline --alliance 3
  alliance run culture_clash --set session_effort=0.05 --set months=60 --seed 7
  alliance run ./our_merger.toml --json > our_merger.json
"""
)
@click.argument("scenario", metavar="SCENARIO", type=FileName("scenarios"))
@click.option("--seed", type=seed_range(), default=1, show_default=True, help="Seed of the random numbers.")
@click.option(
    "--replicate",
    type=click.IntRange(0, MAX_REPLICATE),
    default=0,
    show_default=True,
    help="Which history of this seed: the same one that a sweep numbers so.",
)
@click.option("--alliance", type=click.IntRange(min=1), help="Tell and draw one alliance, by its number from 1.")
@click.option(
    "--story",
    "as_story",
    is_flag=True,
    help="Tell one alliance in plain words: --alliance, or else the one whose trust swung widest.",
)
@all_of(settings_option, out_option, json_option, quiet_option, no_figures_option)
@click.pass_context
def run(
    ctx: click.Context,
    scenario: str,
    seed: int,
    replicate: int,
    alliance: int | None,
    as_story: bool,
    settings: tuple[Setting, ...],
    out: Path,
    as_json: bool,
    quiet: bool,
    no_figures: bool,
) -> None:
    """Run one history of a SCENARIO, month by month.

    Tells who stayed, who left and why, and what moved trust; with --story, what happened to one alliance.

    SCENARIO is a name from `alliance scenarios` or a path to a .toml file. Writes every month of every alliance, the
    ledger of trust and the figures to OUT/run-SCENARIO/<time>-<digest>/. The same seed gives the same history.
    """
    from sim.library import find
    from sim.scenario import load
    from sim.sweeps.design import experiment_of

    loaded = load(find("scenarios", scenario))
    design = with_settings(experiment_of([loaded], 1, seed, f"run-{loaded.name}"), settings)
    chosen = design.cells()[0].scenario
    _check_alliance(chosen, alliance)
    _check_memory(chosen)
    core.prepare(quiet)

    from sim.engine import simulate_history

    say(f"simulating {chosen.months} months, alliances: {chosen.alliances} …", quiet)
    history = simulate_history(chosen, seed, replicate)
    ledger = history.ledger_table()
    story = _story(history, alliance) if as_story else None
    if story:
        alliance = story.alliance  # the figures and the document show the alliance that is told
    say("storing the history …" if no_figures else "storing the history and drawing the figures …", quiet)
    folder, files = _store(history, ledger, out, design.name, alliance, not no_figures, ctx.meta["command"])
    if story:
        files.append(_write_story(story, folder))
    if as_json:
        told = {"story": story.markdown()} if story else {}
        print_json(_document(history, ledger, alliance, folder) | told)
    elif quiet:
        click.echo(str(folder))
    else:
        if story:
            click.echo(str(story))
        else:
            _tell(history, ledger, alliance)
        say_where(files, folder)


def _check_alliance(scenario: Scenario, alliance: int | None) -> None:
    if alliance is not None and alliance > scenario.alliances:
        raise click.UsageError(f"--alliance {alliance}: {scenario.name} has alliances 1 to {scenario.alliances}")


def _check_memory(scenario: Scenario) -> None:
    """Refuse a history that this machine cannot hold, before it is begun."""
    from sim.dynamics.state import ALLIANCE, LAYERS, N_CAUSES, ORGANIZATION

    ledger = 2 * len(LAYERS) * N_CAUSES * 8
    month = scenario.organizations * ORGANIZATION.itemsize + scenario.alliances * (ALLIANCE.itemsize + ledger)
    needed = COPIES * month * (scenario.months + 1)
    if needed > _memory():
        raise click.UsageError(
            f"a history keeps every month of every alliance: {scenario.months} months of {scenario.alliances} "
            f"alliances take about {size(needed)} of memory, and this machine has {size(_memory())}. Choose fewer with "
            "--set organizations=… or --set months=…, or use `alliance sweep`, which keeps moments instead"
        )


def _memory() -> float:
    """Bytes of memory of this machine; infinite when the system does not say."""
    if sys.platform == "win32":
        return float("inf")
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


# ---------------------------------------------------------------------------------------------------------------
# Storing
# ---------------------------------------------------------------------------------------------------------------
def _store(
    history: History, ledger: pd.DataFrame, out: Path, name: str, alliance: int | None, figures: bool, command: str
) -> tuple[Path, list[Path]]:
    """Write the history's tables, manifest and figures to a new folder.

    Returns:
        The folder, and the files in it.
    """
    from sim.sweeps.store import ResultFolder, write_table

    folder = ResultFolder.create(out, name, _digest(history))
    tables = {"history": history.table(), "ledger": ledger}
    files = []
    with writing(folder.path):
        for table, frame in tables.items():
            files.append(folder.path / "tables" / f"{table}.parquet")
            write_table(files[-1], frame)
        folder.write_manifest(_manifest(history, alliance, files, command))
        files.append(folder.path / "manifest.json")
        if figures:
            files += _draw(history, alliance, folder.path / "figures")
    return folder.path, files


def _digest(history: History) -> str:
    """SHA-256 in hex of everything that decides this history but the code."""
    import hashlib
    import json

    decided = [history.seed, history.replicate, history.scenario.plain()]
    return hashlib.sha256(json.dumps(decided, sort_keys=True).encode()).hexdigest()


def _manifest(history: History, alliance: int | None, files: list[Path], command: str) -> dict[str, Any]:
    """What the history was and how to make it again."""
    import hashlib

    from sim.sweeps.store import COMPLETE, FORMAT, provenance

    return {
        "format": FORMAT,
        "kind": HISTORY,
        "status": COMPLETE,
        "scenario": {"name": history.scenario.name, **plain(history.scenario.plain())},
        "seed": history.seed,
        "replicate": history.replicate,
        "alliance": alliance,
        **provenance(),
        "command": command,
        "files": {
            path.stem: {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for path in files
        },
    }


def _draw(history: History, alliance: int | None, folder: Path) -> list[Path]:
    """The history and its ledger as figures."""
    from sim.study import plots

    folder.mkdir(exist_ok=True)
    return [
        *plots.save(plots.history(history, alliance), folder, "history"),
        *plots.save(plots.history_ledger(history, alliance), folder, "ledger"),
    ]


def _write_story(story: Story, folder: Path) -> Path:
    from sim.sweeps.store import write_file

    with writing(folder):
        write_file(folder / "story.md", story.markdown().encode())
    return folder / "story.md"


# ---------------------------------------------------------------------------------------------------------------
# Telling
# ---------------------------------------------------------------------------------------------------------------
def _story(history: History, alliance: int | None) -> Story:
    from sim.study.story import story

    return story(history, alliance)


def _tell(history: History, ledger: pd.DataFrame, alliance: int | None) -> None:
    """The summary in words, and the ledger."""
    from sim.study.terminal import history_text

    click.echo(history_text(history, alliance))
    whose = "mean over all partners" if alliance is None else f"alliance {alliance}"
    rows = [(cause, f"{change:+.3f}") for cause, change in ledger_totals(history, ledger, alliance).items()]
    print_table(("cause", "trust"), rows, f"Ledger: what moved effective trust over the whole time, {whose}")


def ledger_totals(history: History, ledger: pd.DataFrame, alliance: int | None) -> dict[str, float]:
    """Change of effective trust of a partner by each cause over the history; the largest first.

    Args:
        history: the run.
        ledger: its ``ledger_table()``.
        alliance: a number from 1 for the mean of its two sides; None for the mean over all partners.
    """
    mine = ledger if alliance is None else ledger[ledger["alliance"] == alliance]
    partners = 2 * (history.alliances.shape[1] if alliance is None else 1)
    totals = mine.groupby("cause", observed=True)["change"].sum() / partners
    return {
        str(cause): float(totals[cause]) for cause in totals.abs().sort_values(ascending=False, kind="stable").index
    }


def _document(history: History, ledger: pd.DataFrame, alliance: int | None, folder: Path) -> dict[str, Any]:
    """The history as one JSON document: the facts, and every month of the chosen alliance or the mean of all."""
    table = history.table()
    months = (
        table[table["alliance"] == alliance]
        if alliance is not None
        else table.drop(columns=["alliance", "alive"]).groupby("month", as_index=False).mean()
    )
    last = history.alliances[-1]
    from sim.dynamics.state import CAUSES_OF_ENDING

    return {
        "scenario": history.scenario.name,
        "seed": history.seed,
        "replicate": history.replicate,
        "alliance": alliance,
        "folder": str(folder),
        "alliances": history.alliances.shape[1],
        "endings": {name: int((last.cause == code).sum()) for code, name in enumerate(CAUSES_OF_ENDING)},
        "ledger": ledger_totals(history, ledger, alliance),
        "months": records(months),
    }
