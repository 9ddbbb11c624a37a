"""``alliance export``: a result for other programs."""

from __future__ import annotations

import re
from pathlib import Path

import click

from sim.commands.options import json_option, quiet_option
from sim.commands.output import print_json, put, say, say_where, size, writing

FORMATS = ("csv", "parquet", "netcdf", "ro-crate")


@click.command(
    epilog="""\b
Examples:
  alliance export results/demo/20260131-120000-0123abcd --format csv
  alliance export results/demo/20260131-120000-0123abcd --format netcdf --out for_r
  alliance export results/demo/20260131-120000-0123abcd --format ro-crate --license CC-BY-4.0
"""
)
@click.argument("folder", metavar="RESULT_FOLDER", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    required=True,
    help="csv: a file a table and a data dictionary; parquet: compact tables with units; netcdf: labelled arrays "
    "(needs the extra xarray); ro-crate: the folder described for an archive.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to; else exports/FORMAT in the result folder. An RO-Crate describes the result folder where "
    "it is, or copies it to this folder.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that are there; without it they are left and said.")
@click.option("--license", "licence", metavar="SPDX", help="RO-Crate: licence of the data, such as CC-BY-4.0.")
@json_option
@quiet_option
def export(
    folder: Path,
    form: str,
    out: Path | None,
    overwrite: bool,
    licence: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write a result in a format for other programs.

    Takes the tables stored in RESULT_FOLDER as they are: nothing is computed again and no number is rounded.
    """
    from sim.study.export import MissingExtra
    from sim.study.export import export as write

    if licence is not None and form != "ro-crate":
        raise click.UsageError("--license goes with --format ro-crate: the other formats have no place for it")
    if licence is not None and not re.fullmatch(r"[A-Za-z0-9.+-]+", licence):
        raise click.UsageError(
            f"--license {licence!r} is no SPDX name; spdx.org/licenses lists them, such as CC-BY-4.0"
        )
    say(f"writing {form} …", quiet)
    try:
        with writing(out or folder):
            paths = write(folder, form, out, overwrite, licence)
    except MissingExtra as missing:
        raise click.ClickException(str(missing)) from None
    place = out or (folder if form == "ro-crate" else folder / "exports" / form)
    if as_json:
        print_json({"folder": str(place), "files": [str(path) for path in paths]})
    elif quiet:
        put(str(place))
    else:
        say_where(paths, place)
        files = "1 file" if len(paths) == 1 else f"{len(paths)} files"
        put(f"{files}, {size(sum(path.stat().st_size for path in paths))}")
