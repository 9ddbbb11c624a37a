"""``alliance resume``: go on with a sweep that was interrupted or killed, or mend one that is damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.commands.options import json_option, no_figures_option, quiet_option
from sim.commands.output import say
from sim.commands.sweep import (
    How,
    executor_name,
    executor_option,
    fail_fast_option,
    jobs_option,
    scheduler_option,
    see_through,
)

if TYPE_CHECKING:
    from sim.sweeps.runner import Progress


@click.command(
    epilog="""\b
Examples:
  alliance resume results/demo/20260131-120000-0123abcd
  alliance resume results/demo/20260131-120000-0123abcd --jobs 8
  alliance resume results/demo/20260131-120000-0123abcd --retry-failed
"""
)
@click.argument("folder", metavar="RESULT_FOLDER", type=click.Path(path_type=Path))
@jobs_option
@click.option("--retry-failed", is_flag=True, help="Try runs again that failed, with the runs they are stored with.")
@click.option(
    "--force",
    is_flag=True,
    help="Go on although version, code, libraries, processor or design have changed; the manifest records it.",
)
@fail_fast_option
@executor_option
@scheduler_option
@json_option
@quiet_option
@no_figures_option
def resume(folder: Path, retry_failed: bool, force: bool, **shown: Any) -> int | None:
    """Go on with a sweep that was stopped, killed or damaged.

    Every stored file in RESULT_FOLDER is checked; what is missing or damaged is computed, nothing else. The tables are
    the same, byte for byte, as if the sweep had never been interrupted. A folder that was begun with another version of
    this program, other code that computes, other numeric libraries, another kind of processor or another design is
    refused, with the reason; one of another commit that computes the same is not, and its manifest names both.
    """
    from sim.sweeps.files import resume_command

    how = How(out=folder.parent, alliances=False, dry_run=False, **shown)

    def planned() -> int:
        from sim.sweeps.checking import status_of

        return status_of(folder).planned

    def run(on_progress: Callable[[Progress], None] | None) -> Path:
        from sim.sweeps.runner import resume as go_on

        return go_on(
            folder,
            jobs=how.jobs,
            on_progress=on_progress,
            on_message=lambda text: say(text, how.quiet),
            executor=executor_name(how),
            scheduler=how.scheduler,
            force=force,
            retry_failed=retry_failed,
            fail_fast=how.fail_fast,
        )

    return see_through(run, planned, how, f"nothing was added; `{resume_command(folder)}` goes on")
