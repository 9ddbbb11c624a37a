"""The list of scenarios or experiments, read without building them, so that it comes at once."""

from __future__ import annotations

from pathlib import Path

import click

from sim.commands.output import print_json, print_table


def print_list(kind: str, as_json: bool) -> None:
    """Name, title and question of every file of a kind; a file with mistakes is listed with its first one."""
    from sim.library import available

    rows = [{"name": name, **about(path), "path": str(path)} for name, path in available(kind).items()]
    if as_json:
        print_json(rows)
    else:
        print_table(("name", "title", "question"), [(row["name"], row["title"], row["question"]) for row in rows])


def list_without_command(ctx: click.Context, kind: str, as_json: bool) -> None:
    """The list, when a group of commands is called without one of them.

    Raises:
        click.UsageError: when ``--json`` stands before the command that it is meant for.
    """
    if ctx.invoked_subcommand is None:
        print_list(kind, as_json)
    elif as_json:
        raise click.UsageError("--json here is for the list; a command takes its own, after its name")


def about(path: Path) -> dict[str, str]:
    """Title and question of a file."""
    from sim.tomlfile import BadFile, read

    try:
        data, _ = read(path)
    except BadFile as bad:
        return {"title": "(cannot be read)", "question": bad.reports()[0]}
    return {name: " ".join(str(data.get(name, "(missing)")).split()) for name in ("title", "question")}
