"""``alliance sweep`` and ``alliance compare``: many runs, stored, summed up and drawn."""

from __future__ import annotations

import gc
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from sim.commands import core
from sim.commands.codes import SOME_FAILED
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
from sim.commands.output import duration, print_json, progress_for, put, say, size, writing
from sim.commands.report import show_results
from sim.sweeps.interrupts import any_end_as_ctrl_c

if TYPE_CHECKING:
    from sim.sweeps.design import Experiment
    from sim.sweeps.reading import Stored
    from sim.sweeps.runner import Progress


class How(NamedTuple):
    """How to run a sweep and what to show of it."""

    jobs: int | None
    out: Path
    alliances: bool
    as_json: bool
    quiet: bool
    dry_run: bool
    no_figures: bool
    executor: str | None
    scheduler: str | None
    fail_fast: bool


jobs_option = click.option(
    "--jobs", type=click.IntRange(1, MAX_JOBS), help="Threads; all cores without it. Results do not depend on it."
)
executor_option = click.option(
    "--executor",
    type=click.Choice(["local", "dask"]),
    help="Where runs are computed: threads of this process, or workers of a Dask cluster. [default: local]",
)
scheduler_option = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Use the workers of this Dask scheduler, such as tcp://127.0.0.1:8786; implies --executor dask.",
)
fail_fast_option = click.option(
    "--fail-fast", is_flag=True, help="Stop at the first run that fails; without it, the others go on."
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
    executor_option,
    scheduler_option,
    fail_fast_option,
)


@click.command(
    epilog="""\b
Examples:
  alliance sweep demo
  alliance sweep demo --dry-run
  alliance sweep demo --replicates 1000 --jobs 4 --seed 7
  alliance sweep demo --scheduler tcp://127.0.0.1:8786
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
    replicate by replicate. Stores tables, figures, a summary, a report as one page and everything needed to do it again
    in OUT/EXPERIMENT/<time>-<digest>/.
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
    if how.dry_run:
        for note in experiment.notes:
            say(note, how.quiet)
        core.prepare(how.quiet)
        _estimate(experiment, how)
        return None

    def run(on_progress: Callable[[Progress], None] | None) -> Path:
        from sim.sweeps.runner import run_experiment

        return run_experiment(
            experiment,
            out=how.out,
            jobs=how.jobs,
            on_progress=on_progress,
            keep_alliances=how.alliances,
            on_message=lambda text: say(text, how.quiet),
            command=command,
            executor=executor_name(how),
            scheduler=how.scheduler,
            fail_fast=how.fail_fast,
        )

    again = f"nothing was stored; `{click.get_current_context().meta['command']}` begins anew"
    return see_through(run, lambda: len(experiment.cells()) * experiment.replicates, how, again)


def executor_name(how: How) -> str:
    """The executor that was asked for.

    Raises:
        click.UsageError: when a scheduler's address comes with an executor that has no use for it.
    """
    if how.scheduler is not None and how.executor == "local":
        raise click.UsageError("--scheduler is the address of a Dask scheduler: leave out --executor local")
    return how.executor or ("dask" if how.scheduler is not None else "local")


def see_through(
    run: Callable[[Callable[[Progress], None] | None], Path], total: Callable[[], int], how: How, again: str
) -> int | None:
    """Run or resume a sweep under a bar of progress, and show what came out or how to go on.

    Args:
        run: runs the sweep, given what shows progress, and returns the folder.
        total: how many runs are planned, for the bar.
        how: what to show.
        again: what to say when it is stopped before the sweep can tell how to go on.

    Returns:
        The exit code when it is not 0.
    """
    with any_end_as_ctrl_c() as ended:
        try:
            from sim.sweeps.files import resume_command
            from sim.sweeps.runner import AllRunsFailed, RunFailed

            planned = total()
            core.prepare(how.quiet)
            with progress_for(planned, how.quiet) as progress:
                folder = run(progress)
            again = f"all runs are stored; `alliance report {shlex.quote(str(folder))}` writes the report"
            try:
                return _show(folder, how)
            except Exception:
                say(again)
                raise
        except KeyboardInterrupt as error:  # the first clause: it may come before the names in the others are imported
            say(f"interrupted; {_kept(error) or again}")
            gc.freeze()  # else Python takes a second to look through what the compiler has left, before it ends
            return ended.exit_code
        except AllRunsFailed as error:
            say(str(error))
            return SOME_FAILED
        except RunFailed as error:
            say(f"{error}; what was complete is kept, and `{resume_command(error.folder)}` goes on")
            return SOME_FAILED


def _kept(error: BaseException | None) -> str:
    """What a sweep said when it was interrupted; empty when it had not begun.

    A second Ctrl-C may come while it puts things away, in place of what it was about to say.
    """
    while error is not None and not hasattr(error, "folder"):  # runner.Interrupted; importing it may take a second
        error = error.__context__
    return str(error or "")


def _estimate(experiment: Experiment, how: How) -> None:
    """Say what the sweep would take."""
    from sim.analysis.words import how_many
    from sim.sweeps.estimate import estimate

    say("timing a few runs …", how.quiet)
    expected = estimate(experiment, how.jobs, keep_alliances=how.alliances)
    if how.as_json:
        print_json({"experiment": experiment.name, "design": experiment.describe(), **vars(expected)})
        return
    times = expected.most_runs / expected.runs  # above 1 with a wanted precision
    cells, replicates = how_many(expected.cells, "cell"), how_many(expected.runs // expected.cells, "replicate")
    least = how_many(expected.runs, "run") if times == 1 else f"at least {expected.runs:,} runs"
    most = (
        f"; at most {expected.most_runs:,} runs, about {duration(expected.seconds * times)} and "
        f"{size(round(expected.bytes * times))}"
    )
    put(
        f"{experiment.describe()}\n"
        f"{experiment.name}: {cells} × {replicates} = {least}, "
        f"{expected.alliance_months:,} alliance-months\n"
        f"about {duration(expected.seconds)} and {size(expected.bytes)} on disk{most if times > 1 else ''}; "
        "nothing was written"
        + ("\nA guess from what is usual: a run of this is too long to be timed here." if expected.guessed else "")
    )


def _show(folder: Path, how: How) -> int | None:
    """Draw, sum up and print a finished sweep; exit code 4 when some runs failed."""
    from sim.sweeps.reading import read_results

    stored, page = read_results(folder), None
    if not how.no_figures:
        from sim.analysis.page import publish

        say("drawing the figures, writing the report …", how.quiet)
        with writing(folder):
            page = publish(stored)[-1]
    show_results(stored, page, how.as_json, how.quiet)
    return _report_failures(stored)


def _report_failures(stored: Stored) -> int | None:
    failed = stored.tables["failed"]
    if failed.empty:
        return None
    from sim.analysis.words import how_many
    from sim.sweeps.files import resume_command

    first, alone = failed.iloc[0], len(failed) == 1
    say(
        f"{how_many(len(failed), 'run')} failed; the others are stored. {'It is' if alone else 'The first:'} cell "
        f"{first['cell']}, replicate {first['replicate']}: {first['error']}. {'It is' if alone else 'All are'} in "
        f"{stored.folder / 'tables' / 'failed.parquet'}; `{resume_command(stored.folder)} --retry-failed` tries "
        f"{'it' if alone else 'them'} again"
    )
    return SOME_FAILED
