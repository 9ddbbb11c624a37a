"""A shard: what is kept of a range of replicates of one cell, how it is stored, and how shards add up to a cell.

Numbers of single runs (outcomes, ledger) are kept as they are. What a sweep shows by month (spread of trust over
alliances, survival) is kept as sums over the shard's runs, so that a cell's tables can be made from shards one at a
time, in memory that does not grow with the number of replicates.

Where runs were simulated in smaller parts, the parts are joined in the order of replicates before anything is summed:
a shard is the same bits for any chunking.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sim.dynamics.state import BINS, CAUSES_OF_ENDING, LAYERS, N_CAUSES, VARIABLES, histogram_range
from sim.engine import Result, bands_of, ledger_table, lifetimes, run_ledger_table, spread_over_runs, survival_table
from sim.intervals import error_of_weighted_mean, standard_error
from sim.sweeps.design import Cell
from sim.sweeps.plan import ShardKey
from sim.sweeps.shape import is_footer, read_json

HISTOGRAM_EVERY = 12
"""Months between the histograms that the tables keep."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Failure(NamedTuple):
    """A run that did not come out: which replicate, and what went wrong in one line."""

    replicate: int
    error: str


# ---------------------------------------------------------------------------------------------------------------
# From simulated runs to a shard
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Part:
    """What is kept of R replicates of one cell that were simulated together."""

    replicates: Integers  # (R,)
    runs: pd.DataFrame  # outcomes of Result.runs()
    ledger: Floats  # (R, layers, causes): mean over alliances and sides
    moments: Floats  # (R, months + 1, variables, 3)
    histogram: Integers  # (months + 1, variables, bins), summed over replicates
    lifetimes: Integers  # engine.lifetimes()
    alliance_rows: pd.DataFrame | None  # Result.alliances_table()


def reduce(result: Result, keep_alliances: bool) -> Part:
    """Keep of a result what the tables need, replicate by replicate so that no number depends on the chunk."""
    runs = result.runs().drop(columns=["seed", "replicate"])
    return Part(
        replicates=result.replicates,
        runs=runs,
        ledger=result.ledger_means(),
        moments=result.moments,
        histogram=result.histogram,
        lifetimes=lifetimes(result.alliances, result.scenario.months),
        alliance_rows=result.alliances_table() if keep_alliances else None,
    )


def combine(parts: Sequence[Part]) -> Part:
    """Parts of one cell as one, in the order of replicates."""
    if len(parts) == 1:
        return parts[0]
    parts = sorted(parts, key=lambda part: int(part.replicates[0]))
    rows = [part.alliance_rows for part in parts if part.alliance_rows is not None]
    return Part(
        replicates=np.concatenate([part.replicates for part in parts]),
        runs=pd.concat([part.runs for part in parts], ignore_index=True),
        ledger=np.concatenate([part.ledger for part in parts]),
        moments=np.concatenate([part.moments for part in parts]),
        histogram=np.sum([part.histogram for part in parts], axis=0),
        lifetimes=np.sum([part.lifetimes for part in parts], axis=0),
        alliance_rows=pd.concat(rows, ignore_index=True) if rows else None,
    )


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over the replicates of each month and variable, each (months + 1, variables); a file keeps their order.

    A replicate has n living alliances with the sum s and the sum of squares q of a variable; m is the mean over all
    alliances, Σs/Σn. ``deviations`` is Σ(s - n·m)², ``tilt`` is Σn(s - n·m), ``weights`` is Σn²: with them the spread
    between replicates can be moved to another mean when sums are added up, without losing digits.
    """

    count: Floats  # Σn
    total: Floats  # Σs
    squares: Floats  # Σq
    replicates: Floats  # how many have n > 0
    deviations: Floats
    tilt: Floats
    weights: Floats

    def mean(self) -> Floats:
        """Mean over alliances; 0 where there is none."""
        return np.divide(self.total, self.count, out=np.zeros(self.count.shape), where=self.count > 0)

    def standard_error(self) -> Floats:
        """Standard error of the mean from the spread between replicates; NaN with fewer than two."""
        spread = np.divide(
            np.maximum(self.deviations, 0.0), self.count**2, out=np.zeros(self.count.shape), where=self.count > 0
        )
        return error_of_weighted_mean(spread, self.replicates)


def sums_of(moments: Floats) -> Sums:
    """Sums over replicates; ``moments`` is (R, months + 1, variables, 3): count, sum, sum of squares."""
    n, s = moments[..., 0], moments[..., 1]
    count, total, squares = np.moveaxis(moments.sum(0), -1, 0)
    mean = np.divide(total, count, out=np.zeros(count.shape), where=count > 0)
    off = s - n * mean
    return Sums(
        count=count,
        total=total,
        squares=squares,
        replicates=(n > 0).sum(0).astype(np.float64),
        deviations=(off**2).sum(0),
        tilt=(n * off).sum(0),
        weights=(n**2).sum(0),
    )


def add_sums(one: Sums, other: Sums) -> Sums:
    """Sums over the replicates of both."""
    count, total = one.count + other.count, one.total + other.total
    mean = np.divide(total, count, out=np.zeros(count.shape), where=count > 0)
    moved = [(sums, sums.mean() - mean) for sums in (one, other)]
    return Sums(
        count=count,
        total=total,
        squares=one.squares + other.squares,
        replicates=one.replicates + other.replicates,
        deviations=np.add(*(sums.deviations + 2 * by * sums.tilt + by**2 * sums.weights for sums, by in moved)),
        tilt=np.add(*(sums.tilt + by * sums.weights for sums, by in moved)),
        weights=one.weights + other.weights,
    )


LIFETIMES = (*CAUSES_OF_ENDING[1:], CAUSES_OF_ENDING[0])
"""In which order a file keeps the columns of ``engine.lifetimes``."""
SUMS = ("count", "total", "squares", "replicates", "deviations", "tilt", "weights")


@dataclass(frozen=True, eq=False)
class Months:
    """What a shard, or a cell, keeps by month."""

    sums: Sums
    histogram: Integers  # (months + 1, variables, bins)
    lifetimes: Integers  # (months + 1, causes): numbers of alliances by age, see engine.lifetimes


@dataclass(frozen=True, eq=False)
class Shard:
    """What is stored of a range of replicates of one cell. ``months`` is None when no run came out."""

    replicates: Integers  # those that came out, (R,)
    runs: pd.DataFrame  # one row each: outcomes
    ledger: Floats  # (R, layers, causes)
    months: Months | None
    alliance_rows: pd.DataFrame | None
    failures: tuple[Failure, ...]


def condense(parts: Sequence[Part], failures: Iterable[Failure] = ()) -> Shard:
    """Parts and failures that together are a whole shard."""
    failed = tuple(sorted(failures))
    if not parts:
        return Shard(np.empty(0, np.int64), pd.DataFrame(), np.empty((0, 0, 0)), None, None, failed)
    part = combine(parts)
    months = Months(sums_of(part.moments), part.histogram, part.lifetimes)
    return Shard(part.replicates, part.runs, part.ledger, months, part.alliance_rows, failed)


# ---------------------------------------------------------------------------------------------------------------
# As a file: Parquet with one row; each column holds the bytes of one array, in C order
# ---------------------------------------------------------------------------------------------------------------
SLACK = 4096
"""Bytes beside an array that a column of a file may take."""
ABOUT = b"alliance_trust.shard"
"""Where the file says which shard of which sweep it is, type and shape of its arrays, and which runs failed."""


def encode(shard: Shard, key: ShardKey, digest: str) -> bytes:
    """The shard as the content of a file that says of which sweep (its plan's digest) and which shard it is."""
    arrays: dict[str, NDArray[Any]] = {"replicate": shard.replicates, "ledger": shard.ledger}
    about: dict[str, Any] = {"sweep": digest, "shard": list(key), "failures": shard.failures}
    months = shard.months
    if months is not None:
        arrays["sums"] = np.stack([getattr(months.sums, name) for name in SUMS])
        arrays["histogram"] = months.histogram.astype(np.min_scalar_type(months.histogram.max()))
    arrays["runs"] = shard.runs.to_numpy().T
    about["runs.columns"] = list(shard.runs)
    if months is not None:
        arrays["lifetimes"] = months.lifetimes.T[[CAUSES_OF_ENDING.index(name) for name in LIFETIMES]]
        about["lifetimes.columns"] = LIFETIMES
    if shard.alliance_rows is not None:
        packed, about["alliances.categories"] = _packed(shard.alliance_rows)
        arrays |= {f"alliances.{column}": values for column, values in packed.items()}
        about["alliances.columns"] = list(packed)
    return _parquet(arrays, about)


def _packed(table: pd.DataFrame) -> tuple[dict[str, NDArray[Any]], dict[str, list[str]]]:
    """The columns of a table of mixed types as arrays; of categories, codes in the place of names, and the names."""
    columns, categories = {}, {}
    for name, column in table.items():
        if isinstance(column.dtype, pd.CategoricalDtype):
            columns[str(name)] = column.cat.codes.to_numpy()
            categories[str(name)] = [str(category) for category in column.cat.categories]
        else:
            columns[str(name)] = column.to_numpy()
    return columns, categories


def _parquet(arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> bytes:
    """Bytes in the place of lists of numbers: for lists, Parquet writes and reads the place of every number too."""
    forms = {name: (values.dtype.str, values.shape) for name, values in arrays.items()}
    table = pa.table({name: pa.array([values.tobytes()], pa.binary()) for name, values in arrays.items()})
    table = table.replace_schema_metadata({ABOUT: json.dumps({**about, "arrays": forms}).encode()})
    buffer = io.BytesIO()
    pq.write_table(
        table, buffer, compression="zstd", use_dictionary=False, write_page_checksum=True, write_statistics=False
    )
    return buffer.getvalue()


def said_of(content: bytes) -> dict[str, Any]:
    """Which shard of which sweep a file says it is; empty when it is no shard or cannot be read."""
    try:
        metadata = pq.read_schema(pa.BufferReader(content)).metadata or {}
        about = read_json(metadata.get(ABOUT, b"{}"))
    except (OSError, ValueError, pa.ArrowException):
        return {}
    return about if isinstance(about, dict) and is_footer(about) else {}


def decode(content: bytes, key: ShardKey) -> Shard:
    """A shard from the content of its file; page checksums are verified. Its arrays are read-only.

    Raises:
        OSError, ValueError, pyarrow.ArrowException: when it is damaged, or is not the shard ``key``.
    """
    about = said_of(content)
    if not about:
        raise ValueError("it does not say what it holds")
    with pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True) as file:
        stored = _columns(file, about["arrays"])
    arrays: dict[str, NDArray[Any]] = {
        name: np.frombuffer(stored[name], dtype).reshape(shape) for name, (dtype, shape) in about["arrays"].items()
    }
    _check_arrays(arrays, about, key)
    months = None
    if "sums" in arrays:
        histogram = arrays["histogram"].astype(np.int64)
        columns = about["lifetimes.columns"]
        lived = arrays["lifetimes"][[columns.index(name) for name in CAUSES_OF_ENDING]].T
        months = Months(Sums(*arrays["sums"]), histogram, lived)
    return Shard(
        replicates=arrays["replicate"],
        runs=_runs(arrays["runs"], about["runs.columns"]),
        ledger=arrays["ledger"],
        months=months,
        alliance_rows=_unpacked(arrays, about) if "alliances.columns" in about else None,
        failures=tuple(Failure(*failure) for failure in about["failures"]),
    )


def _columns(file: pq.ParquetFile, forms: Mapping[str, Any]) -> dict[str, bytes]:
    """The bytes in each column, as many as its array needs; checked before they are unpacked.

    Raises:
        ValueError: when columns are missing, are no bytes, or would unpack to more than the arrays need.
    """
    held = [file.metadata.row_group(k) for k in range(file.metadata.num_row_groups)]
    needed = sum(np.dtype(dtype).itemsize * math.prod(shape) for dtype, shape in forms.values())
    if file.metadata.num_rows != 1 or sum(group.total_byte_size for group in held) > needed + SLACK * len(forms):
        raise ValueError("it holds more than a shard has")
    schema = file.schema_arrow
    if sorted(schema.names) != sorted(forms) or any(field.type != pa.binary() for field in schema):
        raise ValueError("its columns are not those that it tells of")
    row = file.read(use_threads=False)
    return {name: row[name][0].as_py() or b"" for name in forms}


def _check_arrays(arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any], key: ShardKey) -> None:
    """Refuse arrays that do not fit each other, or the replicates of the shard.

    Raises:
        ValueError: says which.
    """
    replicates = arrays["replicate"]
    came_out = len(replicates)
    seen = sorted([*replicates.tolist(), *(failure[0] for failure in about["failures"])])
    if replicates.ndim != 1 or seen != list(key.replicates):
        raise ValueError("its replicates are not those of its name")
    wanted: dict[str, tuple[int, ...]] = {"runs": (len(about["runs.columns"]), came_out)}
    if came_out:
        months = len(arrays["histogram"]) if "histogram" in arrays else 0
        wanted |= {
            "ledger": (came_out, len(LAYERS), N_CAUSES),
            "sums": (len(SUMS), months, len(VARIABLES)),
            "histogram": (months, len(VARIABLES), BINS),
            "lifetimes": (len(about.get("lifetimes.columns", ())), months),
        }
    for name, shape in wanted.items():
        if (name not in arrays or arrays[name].shape != shape) and (came_out or name in arrays):
            raise ValueError(f"its array {name} has not the shape {shape}")


def _runs(columns: NDArray[Any], names: list[str]) -> pd.DataFrame:
    """A table of one type, from its columns one after the other."""
    return pd.DataFrame(columns.T if names else None, columns=names)


def _unpacked(arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> pd.DataFrame:
    """The table of alliances, as :func:`_packed` took it apart."""
    columns: dict[str, Any] = {}
    for name in about["alliances.columns"]:
        values, categories = arrays[f"alliances.{name}"], about["alliances.categories"].get(name)
        columns[name] = values if categories is None else pd.Categorical.from_codes(values, categories)
    return pd.DataFrame(columns)


# ---------------------------------------------------------------------------------------------------------------
# As rows of the tables
# ---------------------------------------------------------------------------------------------------------------
def rows_of(cell: Cell, shard: Shard, seed: int) -> dict[str, pd.DataFrame]:
    """The rows of a shard in the tables that have a row for each run, alliance or failure."""
    tables = {"failed": failed_rows(cell.index, shard.failures, seed)} if shard.failures else {}
    if not len(shard.replicates):
        return tables
    known = {"cell": cell.index, "label": cell.label, "scenario": cell.scenario_name, **cell.factors}
    about = pd.DataFrame({**known, "replicate": shard.replicates, "seed": seed})
    tables["runs"] = pd.concat([about, shard.runs], axis="columns")
    tables["run_ledger"] = run_ledger_table(shard.replicates, shard.ledger)
    tables["run_ledger"].insert(0, "cell", cell.index)
    if shard.alliance_rows is not None:
        tables["alliances"] = shard.alliance_rows.copy()
        tables["alliances"].insert(0, "cell", cell.index)
    return tables


def failed_rows(cell: int, failures: Sequence[Failure], seed: int) -> pd.DataFrame:
    """One row a run that did not come out."""
    count = len(failures)
    return pd.DataFrame(
        {
            "cell": np.full(count, cell, dtype=np.int64),
            "replicate": np.array([failure.replicate for failure in failures], dtype=np.int64),
            "seed": np.full(count, seed, dtype=np.int64),
            "error": pd.Series([failure.error for failure in failures], dtype="str"),
        }
    )


class CellSums:
    """The shards of a cell added up, one at a time and in their order, for the tables that are about the whole cell."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self._months: Months | None = None
        self._runs = 0
        self._ledger_mean: Floats = np.zeros(0)
        self._ledger_squares: Floats = np.zeros(0)

    def add(self, shard: Shard) -> None:
        """Add the next shard."""
        if shard.months is None:
            return
        self._add_ledger(shard.ledger)
        if self._months is None:
            self._months = shard.months
            return
        before, more = self._months, shard.months
        self._months = Months(
            add_sums(before.sums, more.sums),
            before.histogram + more.histogram,
            before.lifetimes + more.lifetimes,
        )

    def _add_ledger(self, ledger: Floats) -> None:
        """Join mean and squared deviations over runs (as :class:`sim.sweeps.plan.Precision` does)."""
        ledger = ledger[~np.isnan(ledger).any(axis=(1, 2))]  # runs in which nobody was ever allied have none
        if not len(ledger):
            return
        count, mean = len(ledger), ledger.mean(0)
        squares = ((ledger - mean) ** 2).sum(0)
        if not self._runs:
            self._runs, self._ledger_mean, self._ledger_squares = count, mean, squares
            return
        runs = self._runs + count
        shift = mean - self._ledger_mean
        self._ledger_squares = self._ledger_squares + squares + shift**2 * (self._runs * count / runs)
        self._ledger_mean = self._ledger_mean + shift * (count / runs)
        self._runs = runs

    def tables(self) -> dict[str, pd.DataFrame]:
        """The rows of the cell in ``monthly``, ``survival``, ``ledger`` and ``histogram``; none without any run."""
        if self._months is None:
            return {}
        tables = {
            "monthly": self._monthly(self._months),
            "survival": survival_table(self._months.lifetimes),
            "ledger": self._ledger(),
            "histogram": histogram_table(self._months.histogram),
        }
        for frame in tables.values():
            frame.insert(0, "cell", self.cell.index)
        return tables

    def _monthly(self, months: Months) -> pd.DataFrame:
        """The engine's table of one run that holds all alliances, with the spread between the real runs."""
        sums = months.sums
        bands = bands_of(np.stack([sums.count, sums.total, sums.squares], axis=-1)[None], months.histogram)
        return replace(bands, replicates=sums.replicates.astype(np.int64), se=sums.standard_error()).table()

    def _ledger(self) -> pd.DataFrame:
        """The engine's table of the mean, with the spread between runs."""
        if not self._runs:
            return ledger_table(*spread_over_runs(np.empty((0, len(LAYERS), N_CAUSES))))
        return ledger_table(self._ledger_mean, standard_error(self._ledger_squares, self._runs))


def histogram_table(histogram: Integers) -> pd.DataFrame:
    """One row a month (every twelfth and the last), variable and bin not empty; see ``state.histogram_range``."""
    last = len(histogram) - 1
    months = np.array(sorted({*range(0, last + 1, HISTOGRAM_EVERY), last}))
    month, variable, bin_ = np.nonzero(histogram[months])
    lows, highs = histogram_range(last)
    width = (highs - lows)[variable] / BINS
    return pd.DataFrame(
        {
            "month": months[month],
            "variable": pd.Categorical.from_codes(variable, list(VARIABLES)),
            "low": lows[variable] + width * bin_,
            "high": lows[variable] + width * (bin_ + 1),
            "count": histogram[months][month, variable, bin_],
        }
    )
