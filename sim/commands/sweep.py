"""``alliance sweep`` and ``alliance compare``: many runs, stored, summed up and drawn."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from sim.commands import core
from sim.commands.codes import INTERRUPTED, SOME_FAILED
from sim.commands.options import (
    MAX_JOBS,
    MAX_REPLICATES,
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
from sim.commands.output import duration, print_json, progress_for, say, size, writing
from sim.commands.report import document

if TYPE_CHECKING:
    from sim.sweeps.design import Experiment
    from sim.sweeps.store import Stored


class How(NamedTuple):
    """How to run a sweep and what to show of it."""

    jobs: int | None
    out: Path
    alliances: bool
    as_json: bool
    quiet: bool
    dry_run: bool
    no_figures: bool


jobs_option = click.option(
    "--jobs", type=click.IntRange(1, MAX_JOBS), help="Threads; all cores without it. Results do not depend on it."
)
alliances_option = click.option(
    "--alliances", is_flag=True, help="Keep a row for every alliance too (a large table: see --dry-run)."
)
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Say how many runs, how long and how much disk; time a few runs, write nothing."
)
shared = all_of(
    jobs_option,
    settings_option,
    out_option,
    alliances_option,
    json_option,
    quiet_option,
    dry_run_option,
    no_figures_option,
)


@click.command(
    epilog="""\b
Examples:
  alliance sweep demo
  alliance sweep demo --dry-run
  alliance sweep demo --replicates 1000 --jobs 4 --seed 7
  alliance sweep ./our_experiment.toml --set trust_loss=0.2 --out "Our results"
"""
)
@click.argument("experiment", metavar="EXPERIMENT", type=FileName("experiments"))
@click.option("--replicates", type=click.IntRange(1, MAX_REPLICATES), help="Runs of each cell; else as in the file.")
@click.option("--seed", type=seed_range(), help="Seed of the random numbers; else as in the file.")
@shared
def sweep(
    experiment: str, replicates: int | None, seed: int | None, settings: tuple[Setting, ...], **how: Any
) -> int | None:
    """Run an EXPERIMENT: scenarios × factors × replicates.

    EXPERIMENT is a name from `alliance experiments` or a path to a .toml file. Every cell meets the same chances,
    replicate by replicate. Stores tables, figures, a summary and
    everything needed to do it again in OUT/EXPERIMENT/<time>-<digest>/.
    """
    from sim.library import find
    from sim.sweeps.design import load_experiment

    found = load_experiment(find("experiments", experiment))
    given = {name: value for name, value in (("replicates", replicates), ("seed", seed)) if value is not None}
    return _carry_out(with_settings(found.replace(**given), settings), How(**how))


@click.command(
    epilog="""\b
Examples:
  alliance compare baseline culture_clash
  alliance compare baseline blind_faith trust_but_verify --replicates 1000
  alliance compare baseline ./our_merger.toml --set months=60
"""
)
@click.argument("scenarios", metavar="REFERENCE OTHER...", nargs=-1, required=True, type=FileName("scenarios"))
@click.option(
    "--replicates",
    type=click.IntRange(1, MAX_REPLICATES),
    default=200,
    show_default=True,
    help="Runs of each scenario.",
)
@click.option("--seed", type=seed_range(), default=1, show_default=True, help="Seed of the random numbers.")
@shared
def compare(
    scenarios: tuple[str, ...],
    replicates: int,
    seed: int,
    settings: tuple[Setting, ...],
    **how: Any,
) -> int | None:
    """Compare scenarios with a REFERENCE, on the same chances.

    Shows differences with 95% intervals, in a table and in words. Every scenario meets the same chances, replicate by
    replicate, so that a difference is the scenarios' own. Scenarios are names from `alliance scenarios` or paths to
    .toml files. Stores results as a sweep does.
    """
    from sim.library import find
    from sim.scenario import load
    from sim.sweeps.design import experiment_of

    if len(scenarios) < 2:
        raise click.UsageError("name at least two scenarios: the first is the reference")
    paths = [find("scenarios", name) for name in scenarios]
    if len({path.resolve() for path in paths}) < len(paths):
        raise click.UsageError("a scenario is named twice: there is nothing to compare")
    loaded = [load(path) for path in paths]
    name = "compare-" + "-".join(scenario.name for scenario in loaded)
    experiment = with_settings(experiment_of(loaded, replicates, seed, name), settings)
    return _carry_out(experiment, How(**how), click.get_current_context().meta["command"])


def _carry_out(experiment: Experiment, how: How, command: str | None = None) -> int | None:
    """Estimate or run an experiment, and show what came out.

    Args:
        experiment: what to run.
        how: with what, where to and what to show.
        command: the command line for the manifest; None lets the experiment write its own.

    Returns:
        The exit code when it is not 0.
    """
    from sim.sweeps.runner import AllRunsFailed

    core.prepare(how.quiet)
    if how.dry_run:
        _estimate(experiment, how)
        return None
    before = _folders(experiment, how.out)
    try:
        folder = _run(experiment, how, command)
    except AllRunsFailed as error:
        say(str(error))
        return SOME_FAILED
    except KeyboardInterrupt:
        for folder in _folders(experiment, how.out) - before:
            say(f"interrupted; {_kept(folder)}")
        return INTERRUPTED
    try:
        return _show(folder, how)
    except KeyboardInterrupt:
        say(f"interrupted; all runs are stored in {folder}; `alliance report` draws the figures and the summary")
        return INTERRUPTED


def _estimate(experiment: Experiment, how: How) -> None:
    """Say what the sweep would take."""
    from sim.sweeps.runner import estimate

    say("timing a few runs …", how.quiet)
    expected = estimate(experiment, how.jobs, keep_alliances=how.alliances)
    if how.as_json:
        print_json({"experiment": experiment.name, **vars(expected)})
        return
    click.echo(
        f"{experiment.name}: {expected.cells} cells × {experiment.replicates} replicates = {expected.runs:,} runs, "
        f"{expected.alliance_months:,} alliance-months\n"
        f"about {duration(expected.seconds)} and {size(expected.bytes)} on disk; nothing was written"
    )


def _run(experiment: Experiment, how: How, command: str | None) -> Path:
    """Run the experiment and show its progress."""
    from sim.sweeps.runner import run_experiment

    with progress_for(len(experiment.cells()) * experiment.replicates, how.quiet) as progress:
        return run_experiment(
            experiment,
            out=how.out,
            jobs=how.jobs,
            on_progress=progress,
            keep_alliances=how.alliances,
            command=command,
        )


def _show(folder: Path, how: How) -> int | None:
    """Draw, sum up and print a finished sweep; exit code 4 when some runs failed."""
    from sim.study.report import publish
    from sim.study.terminal import summary_text
    from sim.sweeps.store import read_results

    if not how.no_figures:
        say("drawing the figures …", how.quiet)
        with writing(folder):
            publish(folder)
    stored = read_results(folder)
    if how.as_json:
        print_json(document(stored))
    elif how.quiet:
        click.echo(str(folder))
    else:
        click.echo(summary_text(stored))
    return _report_failures(stored)


def _report_failures(stored: Stored) -> int | None:
    failed = stored.tables["failed"]
    if failed.empty:
        return None
    first = failed.iloc[0]
    say(
        f"{len(failed)} runs failed; the others are stored. The first: cell {first['cell']}, "
        f"replicate {first['replicate']}: {first['error']}. All are in {stored.folder / 'tables' / 'failed.parquet'}"
    )
    return SOME_FAILED


def _folders(experiment: Experiment, out: Path) -> set[Path]:
    """The result folders of this very design that are there now."""
    return {path.parent for path in out.glob(f"*/*-{experiment.digest()[:8]}*/manifest.json")}


def _kept(folder: Path) -> str:
    """What an interrupted sweep has kept, and what can be done with it."""
    from sim.sweeps.store import read_results
    from sim.tomlfile import BadFile

    try:
        runs = len(read_results(folder).tables["runs"])
    except BadFile:
        return f"no run was complete; {folder} holds only what was planned"
    return f"{runs} complete runs are kept in {folder}; `alliance report {shlex.quote(str(folder))}` sums them up"
