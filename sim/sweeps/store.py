"""The result folder: Parquet tables with checksums, a manifest of everything that led to them, and reading both back.

A file is written under a temporary name, synced, renamed, and its folder synced: after a power cut there is the whole
file or none. What a folder holds is described in ``results/README.md``.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.metadata
import io
import json
import os
import platform
import re
import shlex
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sim.dynamics.compiled import source_digest
from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import CAUSES, CAUSES_OF_ENDING
from sim.parameters import Parameters, Traits, meta
from sim.sweeps.design import Experiment
from sim.tomlfile import BadFile, Problem

KIND = "sweep"
FORMAT = 1
"""Version of the folder's layout; raised when a reader of an older one would misread a newer one."""

TABLES = ("cells", "runs", "monthly", "survival", "ledger", "run_ledger", "histogram", "failed", "alliances")
COMPLETE, FAILED, INTERRUPTED, RUNNING = "complete", "some runs failed", "interrupted", "running"


class CannotStore(OSError):
    """Results cannot be written; ``str()`` says in one line where, why and what to do."""


@dataclass(frozen=True)
class Stored:
    """A result folder read back: its manifest and its tables by name."""

    folder: Path
    manifest: dict[str, Any]
    tables: dict[str, pd.DataFrame]


def read_results(folder: Path | str) -> Stored:
    """Read a result folder. Checksums of files and pages are verified.

    Raises:
        BadFile: when it is no result folder, was written by another version, has no tables yet or is damaged.
    """
    folder = Path(folder)
    manifest = _read_manifest(folder)
    tables = {}
    for name, about in manifest["files"].items():
        tables[name] = _read_table(folder / "tables" / f"{name}.parquet", about["sha256"])
    if "runs" not in tables:
        raise _bad(
            folder,
            f"holds no runs (status: {manifest['status']}): its sweep is still going on, was killed, or failed; "
            f"run it again: {manifest['command']}",
        )
    return Stored(folder, manifest, tables)


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        kind, version = manifest["kind"], manifest.get("format")
    except (FileNotFoundError, NotADirectoryError):
        inside = sorted(found.parent for found in folder.glob("*/manifest.json")) if folder.is_dir() else []
        hint = f"; did you mean {inside[-1]}?" if inside else "; `alliance sweep` and `alliance compare` make one"
        raise _bad(folder, f"is no result folder (it has no manifest.json){hint}") from None
    except OSError as error:
        raise _bad(path, f"cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError):
        raise _bad(path, "is damaged or is no manifest of a result folder: run the sweep again") from None
    if kind != KIND:
        raise _bad(folder, f"holds a {kind}, not a sweep: `alliance sweep` and `alliance compare` make one")
    if version != FORMAT:
        raise _bad(folder, f"was written in format {version}; this version reads format {FORMAT}: run the sweep again")
    return dict(manifest)


def _read_table(path: Path, sha256: str) -> pd.DataFrame:
    try:
        if _sha256(path) != sha256:
            raise _bad(path, "is damaged (its SHA-256 is not the manifest's): run the sweep again")
        frame: pd.DataFrame = pq.read_table(path, page_checksum_verification=True).to_pandas()
        return frame
    except (OSError, pa.ArrowException) as error:
        raise _bad(path, f"cannot be read: {error}; run the sweep again") from None


def _bad(path: Path, message: str) -> BadFile:
    return BadFile(path, [Problem((), message)])


# ---------------------------------------------------------------------------------------------------------------
# Writing
# ---------------------------------------------------------------------------------------------------------------
class ResultFolder:
    """A result folder that is being written: tables grow cell by cell and get their names when finished."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: dict[str, tuple[BinaryIO, pq.ParquetWriter]] = {}

    @classmethod
    def create(cls, out: Path, experiment: str, digest: str) -> ResultFolder:
        """A new folder ``<out>/<experiment>/<UTC time>-<digest>``; never one that is there already.

        Raises:
            CannotStore: when it cannot be made or written to.
        """
        parent = Path(out) / (re.sub(r"[^\w.-]+", "-", experiment).strip(".-") or "experiment")
        stem = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{digest[:8]}"
        try:
            parent.mkdir(parents=True, exist_ok=True)
            path = _make_new(parent, stem)
            (path / "tables").mkdir()
        except OSError as error:
            raise cannot_store(parent, error) from error
        return cls(path)

    def append(self, name: str, frame: pd.DataFrame) -> None:
        """Add rows to a table; they go to disk at once, as one row group. An empty frame after others adds nothing.

        Raises:
            CannotStore: when the disk is full or gone.
        """
        table = pa.Table.from_pandas(frame, preserve_index=False)
        try:
            if name not in self._open:
                file = self._temporary(name).open("wb")
                writer = pq.ParquetWriter(file, table.schema, compression="zstd", write_page_checksum=True)
                self._open[name] = (file, writer)
            elif not len(frame):
                return
            self._open[name][1].write_table(table)
        except OSError as error:
            raise cannot_store(self.path, error) from error

    def finish(self) -> dict[str, dict[str, Any]]:
        """Close and name all tables; for each, its size in bytes and its SHA-256.

        Raises:
            CannotStore: when the disk is full or gone.
        """
        files = {}
        try:
            for name in sorted(self._open, key=TABLES.index):
                file, writer = self._open[name]
                writer.close()
                final = self.path / "tables" / f"{name}.parquet"
                _name(file, self._temporary(name), final)
                files[name] = {"bytes": final.stat().st_size, "sha256": _sha256(final)}
                del self._open[name]
        except OSError as error:
            raise cannot_store(self.path, error) from error
        return files

    def abandon(self) -> None:
        """Close and remove unfinished tables, when they cannot be finished."""
        for name, (file, writer) in self._open.items():
            self._temporary(name).unlink(missing_ok=True)
            with suppress(OSError, ValueError):
                writer.close()
            writer.is_open = False  # or it would try again, on a closed file, when it is collected
            with suppress(OSError):
                file.close()
        self._open.clear()

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Write ``manifest.json``, replacing an earlier one.

        Raises:
            CannotStore: when the disk is full or gone.
            ValueError: when a number is NaN or infinite, which JSON cannot hold.
        """
        text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        try:
            write_file(self.path / "manifest.json", text.encode())
        except OSError as error:
            raise cannot_store(self.path, error) from error

    def _temporary(self, name: str) -> Path:
        return self.path / "tables" / f".{name}.parquet.tmp"


def write_file(path: Path, content: bytes) -> None:
    """Write a whole file so that it is there completely or not at all, also after a power cut."""
    temporary = path.with_name(f".{path.name}.tmp")
    file = temporary.open("wb")
    file.write(content)
    _name(file, temporary, path)


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as Parquet with page checksums, completely or not at all."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, compression="zstd", write_page_checksum=True, index=False)
    write_file(path, buffer.getvalue())


def cannot_store(path: Path, error: OSError) -> CannotStore:
    """The error in one line, with what to do."""
    reason = error.strerror or str(error).splitlines()[0]
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    advice = "free some space, or choose another folder with --out" if full else "choose another folder with --out"
    return CannotStore(f"{path}: results cannot be written here: {reason}; {advice}")


def _make_new(parent: Path, stem: str) -> Path:
    """A folder that was not there: ``stem``, else ``stem-2``, ``stem-3`` and so on."""
    number = 1
    while True:
        path = parent / (stem if number == 1 else f"{stem}-{number}")
        try:
            path.mkdir()
            return path
        except FileExistsError:
            number += 1


def _name(file: BinaryIO, temporary: Path, final: Path) -> None:
    """Sync and close ``file``, give it its final name, and sync the folder so that the name lasts too."""
    with file:
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, final)
    if os.name == "posix":
        folder = os.open(final.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ---------------------------------------------------------------------------------------------------------------
# The manifest
# ---------------------------------------------------------------------------------------------------------------
VARIABLE_UNITS = {
    "trust": "trust",
    "communication": "share",
    "ties": "share",
    "gap": "share",
    "frustration": "share",
    "monitoring": "money/month",
    "extra_mile": "share",
    "expectation": "money/month",
    "result": "money/month",
    "value": "money",
}
"""Units of ``state.VARIABLES``."""


def describe(experiment: Experiment, jobs: int, command: str | None, keep_alliances: bool) -> dict[str, Any]:
    """The manifest as far as it is known before the first run."""
    return {
        "kind": KIND,
        "format": FORMAT,
        "status": RUNNING,
        "name": experiment.name,
        "title": experiment.title,
        "question": experiment.question,
        "expected": experiment.expected,
        "outcomes": list(experiment.outcomes),
        "command": command or command_line(experiment),
        "design": experiment.plain(),
        "design_digest": experiment.digest(),
        "cells": [
            {
                "cell": cell.index,
                "label": cell.label,
                "scenario": cell.scenario_name,
                "factors": cell.factors,
                "replicates_done": 0,
                "resolved": cell.scenario.plain(),
            }
            for cell in experiment.cells()
        ],
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "jobs": jobs,
        **provenance(),
        "cpu_features": np.show_config(mode="dicts")["SIMD Extensions"],
        "timings": {},
        "units": units(experiment, keep_alliances),
        "variable_units": VARIABLE_UNITS,
        "files": {},
    }


def command_line(experiment: Experiment) -> str:
    """The command that runs the experiment again."""
    names = shlex.join(scenario.name for scenario in experiment.scenarios)
    start = f"sweep {shlex.quote(experiment.source)}" if experiment.source else f"compare {names}"
    asked = {**experiment.settings}
    for key, value in dict(experiment.written.get("settings", {})).items():
        if asked.get(key) == value:
            del asked[key]
    sets = "".join(f" --set {shlex.quote(f'{key}={_toml(value)}')}" for key, value in asked.items())
    return f"alliance {start} --seed {experiment.seed} --replicates {experiment.replicates}{sets}"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value)


def provenance() -> dict[str, Any]:
    """What made a result: digest of the core, versions, commit, platform."""
    return {
        "code_digest": source_digest(),
        "versions": versions(),
        "git": git_state(),
        "platform": platform.platform(),
    }


def versions() -> dict[str, str]:
    """Versions of the interpreter and of every package that decides bits or bytes."""
    packages = ("numpy", "numba", "scipy", "pandas", "pyarrow", "alliance-trust")
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in packages}}


def git_state() -> dict[str, Any] | None:
    """Commit of the code and whether it was changed since; None when the code is not in a git repository."""
    here = Path(__file__).resolve().parent

    def ask(*words: str) -> str:
        answer = subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, timeout=10, check=True)
        return answer.stdout.strip()

    try:
        ask("ls-files", "--error-unmatch", Path(__file__).name)
        return {"commit": ask("rev-parse", "HEAD"), "dirty": bool(ask("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return None


def units(experiment: Experiment, keep_alliances: bool) -> dict[str, dict[str, str]]:
    """The unit of every column of every table."""
    cell = {"cell": "number, from 0"}
    names = {"label": "text", "scenario": "text"}
    factors = {factor: factor_unit(factor) for factor in experiment.factors}
    outcomes = {name: outcome.unit for name, outcome in OUTCOMES.items()}
    run = {"replicate": "number, from 0", "seed": "number"}
    of_variable = "the variable's, see variable_units"
    spread = ("mean", "sd", "se", "q05", "q25", "q50", "q75", "q95")
    found = {
        "cells": {**cell, **names, **factors},
        "runs": {**cell, **names, **factors, **run, **outcomes},
        "monthly": {
            **cell,
            "month": "month",
            "variable": "text",
            "alliances": "count",
            **dict.fromkeys(spread, of_variable),
        },
        "survival": {**cell, "month": "month", **dict.fromkeys((*CAUSES_OF_ENDING[1:], CAUSES_OF_ENDING[0]), "share")},
        "ledger": {**cell, "layer": "text", "cause": "text", "mean": "trust", "se": "trust"},
        "run_ledger": {**cell, "replicate": "number, from 0", **dict.fromkeys((*CAUSES, "change"), "trust")},
        "histogram": {
            **cell,
            "month": "month",
            "variable": "text",
            "low": of_variable,
            "high": of_variable,
            "count": "count",
        },
        "failed": {**cell, **run, "error": "text"},
    }
    if keep_alliances:
        partners = {"a": "organization, from 1", "b": "organization, from 1", "cause": "text", "ended": "month"}
        found["alliances"] = {**cell, "replicate": "number, from 0", **partners, **outcomes}
    return found


def factor_unit(factor: str) -> str:
    """The unit of a factor's levels."""
    name = factor.rpartition(".")[2]
    declared = Parameters.model_fields.get(name) or Traits.model_fields.get(name)
    if declared is not None:
        return str(meta(declared)["unit"])
    return {"months": "month", "organizations": "count", "partners": "count", "month": "month"}.get(name, "as written")
