"""``alliance status`` and ``alliance verify``: how far a sweep is, and whether its files are what they should be."""

from __future__ import annotations

from pathlib import Path

import click

from sim.commands.codes import BAD_FILE
from sim.commands.options import json_option
from sim.commands.output import print_json, print_table, put, say


@click.command(
    epilog="""\b
Examples:
  alliance status results/demo/20260131-120000-0123abcd
  alliance status results/demo/20260131-120000-0123abcd --json
"""
)
@click.argument("folder", metavar="RESULT_FOLDER", type=click.Path(path_type=Path))
@json_option
def status(folder: Path, as_json: bool) -> None:
    """Show how far a sweep is, also while it runs.

    Tells from the journal of RESULT_FOLDER how many runs are stored and what to type next. Changes nothing.
    """
    from sim.sweeps.checking import differences_from_now, status_of

    found = status_of(folder)
    changed = differences_from_now(folder) if found.next else []
    facts = {
        "status": found.status,
        "runs stored": found.runs,
        "runs failed": found.failed,
        "runs planned": found.planned,
        "shards stored": found.shards,
    }
    if as_json:
        print_json({"folder": found.folder, **facts, "next": found.next, "changed since": changed})
        return
    if found.in_rounds:
        facts["runs planned"] = f"at least {found.planned}, until the wanted precision is reached"
    print_table(("what", "value"), facts.items())
    if found.next:
        put(f"\nnext: {found.next}")
    for reason in changed:
        say(f"resuming needs --force: {reason}")


@click.command(
    epilog="""\b
Examples:
  alliance verify results/demo/20260131-120000-0123abcd
  alliance verify results/demo/20260131-120000-0123abcd --json
"""
)
@click.argument("folder", metavar="RESULT_FOLDER", type=click.Path(path_type=Path))
@json_option
def verify(folder: Path, as_json: bool) -> int | None:
    """Check every file of a sweep against its checksum.

    Reads everything in RESULT_FOLDER and names what is damaged, missing or foreign. Changes nothing; `alliance resume`
    computes again what is damaged or missing, and leaves what is foreign. Exit code 3 when something is wrong.
    """
    from sim.sweeps.checking import verify as check
    from sim.sweeps.files import resume_command

    findings = check(folder)
    wrong = [finding for finding in findings if not finding.harmless]
    files = len({finding.path for finding in wrong})
    if as_json:
        print_json({"folder": folder, "sound": not wrong, "findings": [finding._asdict() for finding in findings]})
    else:
        for finding in findings:
            put(f"{finding.path}: {finding.problem}")
        some = "1 file is not as it should be" if files == 1 else f"{files} files are not as they should be"
        put(some if wrong else "every file is as it should be")
    if any(finding.mendable for finding in wrong):
        say(f"`{resume_command(folder)}` computes again what is damaged or missing")
    return BAD_FILE if wrong else None
