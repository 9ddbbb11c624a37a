"""Reading a result folder: its manifest and its tables, also of a sweep that is not finished."""

from __future__ import annotations

import hashlib
import shlex
import tempfile
import weakref
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sim.distributions import expect
from sim.engine import Provenance
from sim.loaded import replaced_in_words
from sim.sweeps.files import resume_command, sha256_of
from sim.sweeps.folder import (
    MANIFEST,
    bad_file,
    by_cell,
    cells_done,
    load_shard,
    manifest_now,
    replayed,
    stored_plan,
)
from sim.sweeps.manifest import CHANGED, FAILED, RUNNING, is_described_otherwise
from sim.sweeps.tables import TABLES, runs_of_cells, runs_said, write_tables
from sim.tomlfile import MOST_LISTED, BadFile


@dataclass(frozen=True, eq=False, repr=False)
class Stored:
    """A result folder read back: its manifest and its tables by name (:class:`Tables`)."""

    folder: Path
    manifest: dict[str, Any]
    tables: Mapping[str, pd.DataFrame]

    def __repr__(self) -> str:
        return f"<Stored in {str(self.folder)!r}: tables {', '.join(self.tables)}>"

    @property
    def provenance(self) -> Provenance:
        """Version and digest of the code that made it, and the seed, as the manifest has them."""
        found = self.manifest
        rules = replaced_in_words(found.get("replaced_rules", {}))
        return Provenance(found["versions"]["alliance-trust"], found["code_digest"], found["plan"]["seed"], rules)

    def alliances(self, *columns: str) -> pd.DataFrame | None:
        """Some columns of the table of single alliances, without holding the others; None when it was not kept."""
        if "alliances" not in self.tables:
            return None
        if isinstance(self.tables, Tables):
            return self.tables.columns("alliances", columns)
        return self.tables["alliances"][list(columns)]


class Tables(Mapping[str, pd.DataFrame]):
    """Tables by name. All were checked when the folder was opened; one is read when it is first asked for, and kept.

    Their files must stay where they are until then; ``dict(tables)`` reads them all at once.
    """

    def __init__(self, folder: Path, files: Mapping[str, Any]) -> None:
        """Check the SHA-256 of every file.

        Args:
            folder: that holds the tables.
            files: for each table a mapping with its ``sha256``, as in the manifest.

        Raises:
            BadFile: when a file is missing or damaged.
        """
        self._folder = folder
        self._sha256 = {name: str(about["sha256"]) for name, about in files.items()}
        self._frames: dict[str, pd.DataFrame] = {}
        for name, sha256 in self._sha256.items():
            _check_table(self._path(name), sha256)

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._frames:
            self._frames[name] = _read_table(self._path(name), self._sha256[name])
        return self._frames[name]

    def columns(self, name: str, columns: Sequence[str]) -> pd.DataFrame:
        """Some columns of a table, without holding the others and without keeping any."""
        if name in self._frames:
            return self._frames[name][list(columns)]
        return _read_table(self._path(name), self._sha256[name], columns)

    def __contains__(self, name: object) -> bool:  # the inherited one reads the table to find out
        return name in self._sha256

    def __iter__(self) -> Iterator[str]:
        return iter(self._sha256)

    def __len__(self) -> int:
        return len(self._sha256)

    __eq__ = object.__eq__  # the inherited one compares frames, which gives no bool
    __hash__ = object.__hash__

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.parquet"


def read_results(folder: Path | str) -> Stored:
    """Open a result folder: every file is checked now, a table is read when it is first asked for. Nothing is changed.

    Of a sweep that is not finished (interrupted, killed, or still going on) the tables are made of what is stored.

    Raises:
        BadFile: when it is no result folder, was written by another version, holds no runs yet or is damaged.
        TypeError: when ``folder`` is neither a path nor text.
    """
    expect(folder, (str, Path), "folder: the path of a result folder, as run_experiment returns it")
    folder = Path(folder)
    manifest = manifest_now(folder)
    try:
        return _read(folder, manifest)
    except BadFile:
        if manifest_now(folder) == manifest:
            raise
    return read_results(folder)  # the sweep went on meanwhile, and its files are others now


def _read(folder: Path, manifest: dict[str, Any]) -> Stored:
    tables: Mapping[str, pd.DataFrame]
    if is_described_otherwise(manifest) and not manifest.get("forced"):  # else it was gone on with all the same
        raise bad_file(folder / MANIFEST, CHANGED)
    if manifest["files"]:
        tables = Tables(folder / "tables", manifest["files"])
        _check_whole(folder, manifest)
    else:
        manifest, tables = _read_unfinished(folder, manifest)
    if "runs" not in tables:
        raise bad_file(folder, f"holds no runs (status: {manifest['status']}): {_why_empty(folder, manifest)}")
    return Stored(folder, manifest, tables)


def _check_whole(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse tables that are not those of the sweep that the manifest tells of.

    A checksum in the manifest does not tell of that: it may have been written anew, with another table's.

    Raises:
        BadFile: names the table, and what is wrong with it.
    """
    has_runs = any(cell["replicates_done"] for cell in manifest["cells"])
    left_out = () if manifest["plan"]["keep_alliances"] and has_runs else ("alliances",)
    wanted = [name for name in TABLES if name not in left_out] if has_runs else ["cells", "failed"]
    for name in wanted:
        path = folder / "tables" / f"{name}.parquet"
        if name not in manifest["files"]:
            raise bad_file(path, f"is not named in the manifest: {_remedy(path)}")
        try:
            schema = pq.read_schema(path)
        except (OSError, pa.ArrowException) as error:
            raise bad_file(path, f"cannot be read: {error}; {_remedy(path)}") from None
        wrong = _wrong_columns(schema, manifest["units"].get(name, {}), manifest["design"]["factors"])
        if wrong:
            raise bad_file(path, f"is no table of this sweep ({wrong}): {_remedy(path)}")
    if has_runs and runs_of_cells(folder / "tables" / "runs.parquet") != runs_said(manifest):
        path = folder / "tables" / "runs.parquet"
        raise bad_file(path, f"does not hold the runs that the manifest tells of: {_remedy(path)}")


def _wrong_columns(schema: pa.Schema, units: Mapping[str, str], factors: Container[str]) -> str:
    """What is wrong with the columns of a table; empty when they are as it says. Factors may be of any type."""
    if list(schema.names) != list(units):
        odd = sorted(set(schema.names) ^ set(units)) or ["their order"]
        return f"its columns are not those of the manifest: {', '.join(map(str, odd[:MOST_LISTED]))}"
    for field in schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
        if not (is_text or is_number) or (field.name not in factors and is_text != (units[field.name] == "text")):
            return f"its column {field.name} is of type {field.type}"
    return ""


def _read_unfinished(folder: Path, manifest: dict[str, Any]) -> tuple[dict[str, Any], Mapping[str, pd.DataFrame]]:
    """The tables that would be written if the sweep ended now, and the manifest with the number of runs in them."""
    done, _ = replayed(folder, manifest)
    if not done:
        return manifest, {}
    plan, digest = stored_plan(folder, manifest), manifest["plan_digest"]
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        files = write_tables(place, plan, by_cell(done), lambda key: load_shard(folder, key, done[key], digest))
        tables = Tables(place, files)
        weakref.finalize(tables, stack.pop_all().close)  # they are read from there as long as somebody has them
    return {**manifest, "cells": cells_done(manifest, done)}, tables


def _why_empty(folder: Path, manifest: Mapping[str, Any]) -> str:
    if manifest["status"] == FAILED:
        return f"all of them failed; `{resume_command(folder)} --retry-failed` tries them again"
    if manifest["status"] == RUNNING:
        return f"its sweep has only begun; `alliance status {shlex.quote(str(folder))}` tells how far it is"
    return f"its sweep was stopped too early; `{resume_command(folder)}` goes on with it"


def _check_table(path: Path, sha256: str) -> None:
    try:
        if sha256_of(path) != sha256:
            raise bad_file(path, f"is damaged (its SHA-256 is not the manifest's): {_remedy(path)}")
    except OSError as error:
        raise bad_file(path, f"cannot be read: {error}; {_remedy(path)}") from None


def _read_table(path: Path, sha256: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """A table that was checked before, or some of its columns.

    It is checked again, or tables from before and after a resume could be mixed.
    """
    try:
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise bad_file(path, "has changed since the folder was opened: ask again for what you asked")
            file.seek(0)
            with pq.ParquetFile(file, page_checksum_verification=True) as parquet:
                frame: pd.DataFrame = parquet.read(columns).to_pandas(ignore_metadata=True)
            return frame
    except (OSError, pa.ArrowException) as error:
        raise bad_file(path, f"cannot be read: {error}; {_remedy(path)}") from None


def _remedy(path: Path) -> str:
    return f"`{resume_command(path.parent.parent)}` makes it again"
