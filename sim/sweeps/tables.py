"""Compaction: shards become the sorted tables, one shard at a time.

The bytes of a table depend on the shards alone: rows come in the order of cells and replicates, and row groups end
after a fixed number of rows, wherever a shard ended.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sim.sweeps.files import give_name, sha256_of, temporary_name
from sim.sweeps.plan import Plan, ShardKey
from sim.sweeps.shape import TABLES as TABLES
from sim.sweeps.shards import CellSums, Shard, failed_rows, rows_of

ROWS = 2**12
"""Rows in a row group; all that is held in memory of a table that is being written."""


def write_tables(
    folder: Path,
    plan: Plan,
    keys: Mapping[int, Iterable[ShardKey]],
    load: Callable[[ShardKey], Shard],
    check: Callable[[], None] = lambda: None,
) -> dict[str, dict[str, Any]]:
    """Write all tables into a folder; they get their names when all are whole.

    Args:
        folder: where the tables go.
        plan: what the shards belong to.
        keys: for each cell that has any, its shards in order.
        load: reads a shard.
        check: called before each shard; what it raises ends the work and leaves no table half written.

    Returns:
        For each table, its size in bytes and its SHA-256.

    Raises:
        OSError: when the disk is full or gone.
    """
    writers: dict[str, TableWriter] = {}

    def append(tables: Mapping[str, pd.DataFrame]) -> None:
        for name, frame in tables.items():
            if name not in writers:
                writers[name] = TableWriter(folder / f"{name}.parquet")
            writers[name].append(frame)

    try:
        append({"cells": cells_table(plan), "failed": failed_rows(0, (), plan.seed)})
        for cell in plan.cells:
            sums = CellSums(cell)
            for key in keys.get(cell.index, ()):
                check()
                shard = load(key)
                append(rows_of(cell, shard, plan.seed))
                sums.add(shard)
            append(sums.tables())
        check()
        return {name: writers[name].finish() for name in sorted(writers, key=TABLES.index)}
    finally:
        for writer in writers.values():
            writer.abandon()


def cells_table(plan: Plan) -> pd.DataFrame:
    """One row a cell: number, label, scenario and levels."""
    return pd.DataFrame(
        [
            {"cell": cell.index, "label": cell.label, "scenario": cell.scenario_name, **cell.factors}
            for cell in plan.cells
        ]
    )


def runs_of_cells(path: Path) -> dict[int, int]:
    """How many rows each cell has in a table, without holding it in memory; none when it cannot be read."""
    counted: Counter[int] = Counter()
    with suppress(OSError, ValueError, pa.ArrowException), pq.ParquetFile(path) as file:
        columns = [name for name in file.schema_arrow.names if name == "cell"]
        for rows in file.iter_batches(columns=columns) if columns else ():
            counted.update(rows.column("cell").to_pylist())
    return dict(counted)


def runs_said(manifest: Mapping[str, Any]) -> dict[int, int]:
    """How many runs each cell that has any has by a manifest."""
    return {cell["cell"]: cell["replicates_done"] for cell in manifest["cells"] if cell["replicates_done"]}


class TableWriter:
    """A table that grows and gets its name when it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = temporary_name(path).open("wb")
        self._writer: Any = None
        self._rows: list[pd.DataFrame] = []
        self._count = 0

    def append(self, frame: pd.DataFrame) -> None:
        """Add rows; whole row groups go to the disk."""
        self._rows.append(frame)
        self._count += len(frame)
        while self._count >= ROWS:
            self._write(ROWS)

    def finish(self) -> dict[str, Any]:
        """Write what is left, give the table its name, and tell its size in bytes and its SHA-256."""
        if self._count or self._writer is None:
            self._write(self._count)
        self._writer.close()
        give_name(self._file, temporary_name(self._path), self._path)
        self._file.close()
        return {"bytes": self._path.stat().st_size, "sha256": sha256_of(self._path)}

    def abandon(self) -> None:
        """Close and remove the table when it has not been finished."""
        if self._file.closed:
            return
        with suppress(OSError, ValueError):
            if self._writer is not None:
                self._writer.is_open = False  # or it would try to finish the file when it is collected
            self._file.close()
        with suppress(OSError):
            temporary_name(self._path).unlink(missing_ok=True)

    def _write(self, rows: int) -> None:
        """Write the first rows of those that wait, as one row group."""
        frames = [frame for frame in self._rows if len(frame)] or self._rows[:1]
        waiting = pd.concat(frames, ignore_index=True)
        table = pa.Table.from_pandas(waiting.iloc[:rows], preserve_index=False)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._file, table.schema, compression="zstd", write_page_checksum=True)
        if rows:
            self._writer.write_table(table, row_group_size=rows)
        rest = waiting.iloc[rows:]
        self._rows, self._count = ([rest] if len(rest) else []), len(rest)


def size_of_rows(frame: pd.DataFrame) -> int:
    """Bytes that the rows take in a table on the disk, without what every file has once."""
    return _parquet_size(frame) - _parquet_size(frame.iloc[:0])


def _parquet_size(frame: pd.DataFrame) -> int:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), buffer, compression="zstd")
    return buffer.tell()
