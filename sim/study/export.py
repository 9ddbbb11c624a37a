"""A result for other programs: CSV with a data dictionary, Parquet, NetCDF, and an RO-Crate that describes the folder.

Nothing is computed here and no number is rounded. Files that are there are replaced only when asked.
"""

from __future__ import annotations

import errno
import importlib.util
import io
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sim import text
from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import CAUSES, CAUSES_OF_ENDING, LAYERS, VARIABLES
from sim.parameters import Parameters, Traits
from sim.study.analysis import CAUSE_WORDS
from sim.study.crate import METADATA, crate, listed_files
from sim.sweeps.files import write_file
from sim.sweeps.reading import Stored, read_results
from sim.sweeps.recipe import how_again

if TYPE_CHECKING:
    import xarray as xr

DICTIONARY = "data_dictionary"
"""Name of the table that says what every column of every table is."""

DESCRIBED = ["table", "column", "type", "unit", "meaning"]
"""Columns of the dictionary."""

CSV_NOTES = (
    f"{text.PROTECTED}. In pandas: {text.PLAIN}, then {text.UNPROTECT}. Parquet has all text as it was written",
    f"pandas reads a text such as NA or null as missing; read with {text.READ_CSV}",
)
"""What the dictionary of a CSV export says of all text."""

NETCDF = "result.nc"

SPREAD = {
    "mean": "mean over these alliances",
    "sd": "standard deviation over these alliances",
    "se": "standard error of the mean, from the spread between replicates; none of one replicate; 0 where all came out "
    "alike, which is no certainty",
    "q05": "5% quantile, read off a histogram of 100 bins",
    "q25": "25% quantile, read off a histogram of 100 bins",
    "q50": "median, read off a histogram of 100 bins",
    "q75": "75% quantile, read off a histogram of 100 bins",
    "q95": "95% quantile, read off a histogram of 100 bins",
}
"""Columns of ``monthly`` that describe the distribution over alliances."""

ESTIMATED = "; where a market is open, an estimate (Aalen–Johansen; those going on are censored at their age)"
"""What shares of survival are where alliances are signed all through the run."""

MEANINGS: dict[str, str] = {
    "cell": "one scenario with one level of every factor; cell 0 is the reference",
    "label": "the scenario's name, then each factor with its level",
    "scenario": "the scenario's name",
    "replicate": "the same number means the same random draws in every cell: compare cells replicate by replicate",
    "seed": "seed of the random numbers",
    "month": "months since the signature, 0 is the signature; where a market is open, month of the run",
    "variable": "what is described",
    "alliances": "alliances that went into the row, over all replicates: those alive, for value all",
    "replicates": "replicates that have such an alliance",
    **SPREAD,
    "going on": f"share of all alliances still alive{ESTIMATED}",
    **{name: f"share of all alliances ended so far by {name}{ESTIMATED}" for name in CAUSES_OF_ENDING[1:]},
    "layer": f"layer of trust: {', '.join(LAYERS)}",
    "change": "sum over the causes: change of effective trust since the signature",
    "low": "lower edge of the bin; the first bin also holds what lies below",
    "high": "upper edge of the bin; the last bin also holds what lies above",
    "count": "alliances in the bin, over all replicates",
    "error": "what went wrong",
    "a": "the first partner",
    "b": "the second partner",
    "formed": "month in which the alliance was signed; 0 before the first month",
    "left_by": "whose own threshold was crossed when it ended",
    "ended": "month in which the alliance ended; 0 while it goes on",
    **{name: outcome.meaning for name, outcome in OUTCOMES.items()},
}
"""What a column means, where its name means the same in every table."""

MEANINGS_IN = {
    **{("runs", name): f"{outcome.meaning}; mean over the run's alliances" for name, outcome in OUTCOMES.items()},
    ("survival", "month"): "months since the signature of each alliance; 0 is the signature",
    ("alliances", "cause"): "why the alliance ended; going on while it has not",
    ("ledger", "cause"): "what moved trust",
    ("ledger", "mean"): "change of a partner's trust by this cause over the alliance's life, mean over partners and "
    "runs",
    ("ledger", "se"): SPREAD["se"],
    **{
        ("run_ledger", name): f"change of a partner's effective trust by {CAUSE_WORDS[name]}, mean over the partners"
        for name in CAUSES
    },
}
"""What a column means in one table, where its name means something else elsewhere."""

WITHOUT_DIMENSION = (
    *("share", "share of the plan", "probability", "logit", "trust", "tightness", "switch"),
    *("count", "acts", "alliances", "candidates", "questions"),
)
"""Units that stand for plain numbers."""

CF_UNITS = {**dict.fromkeys(WITHOUT_DIMENSION, "1"), "money/month": "money month-1", "money/tightness": "money"}
"""Units as the CF conventions write them; month stays, and money is the model's own unit."""

TEXT = "text"
"""What the manifest says in place of the unit of words."""

NO_UNIT = ("", TEXT, "as written")
"""What the manifest says of a column that has no unit, or none that is known."""

MONEY = "money is in units of what one alliance makes in a month of plain work"


class MissingExtra(Exception):
    """A format needs packages that are not installed; ``str()`` says how to get them."""


class WouldOverwrite(OSError):
    """A file that would be written is there already; ``str()`` says which and what to do."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: is there already; --overwrite replaces it, --out writes elsewhere")


# ---------------------------------------------------------------------------------------------------------------
# What every format shares
# ---------------------------------------------------------------------------------------------------------------
def export(
    folder: Path | str,
    form: str,
    out: Path | str | None = None,
    overwrite: bool = False,
    licence: str | None = None,
) -> list[Path]:
    """Write a result in another format.

    Args:
        folder: a result folder of :func:`sim.sweeps.runner.run_experiment`.
        form: one of :data:`FORMATS`.
        out: where to; without it ``exports/<form>`` in the result folder, for an RO-Crate the result folder itself.
        overwrite: replace files that are there.
        licence: SPDX name of the licence of the data, for an RO-Crate.

    Returns:
        The files written.

    Raises:
        BadFile: when it is no result folder, or a damaged one.
        MissingExtra: when the format needs packages that are not installed.
        WouldOverwrite: when a file is there and ``overwrite`` is not set; nothing has been written then.
        OSError: when a file cannot be written.
    """
    stored = read_results(folder)
    if form == "ro-crate":
        return _write_crate(stored, Path(out) if out is not None else stored.folder, overwrite, licence)
    contents = FORMATS[form](stored)
    place = Path(out) if out is not None else stored.folder / "exports" / form
    return _write(place, contents, overwrite)


def _write(place: Path, contents: Mapping[str, bytes], overwrite: bool) -> list[Path]:
    """Write files into a folder: all of them or, when one may not be replaced, none."""
    paths = {place / name: content for name, content in contents.items()}
    for path in paths:
        _refuse(path, overwrite)
    place.mkdir(parents=True, exist_ok=True)
    for path, content in paths.items():
        write_file(path, content)
    return list(paths)


def _refuse(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise WouldOverwrite(path)


def dictionary(stored: Stored) -> pd.DataFrame:
    """What every column of every table is: columns ``table, column, type, unit, meaning``."""
    rows = [
        (table, column, _type(frame[column]), _unit(stored, table, column), meaning(table, column))
        for table, frame in stored.tables.items()
        for column in map(str, frame.columns)
    ]
    return pd.DataFrame(rows, columns=DESCRIBED)


def meaning(table: str, column: str) -> str:
    """What a column means; a factor means what its parameter or trait does."""
    known = MEANINGS_IN.get((table, column)) or MEANINGS.get(column)
    if known:
        return known
    name = column.rpartition(".")[2]
    declared = Parameters.model_fields.get(name) or Traits.model_fields.get(name)
    return f"factor: {declared.description if declared is not None and declared.description else column}"


def _type(column: pd.Series) -> str:
    """The kind of a column's values, in words that other programs share."""
    if pd.api.types.is_bool_dtype(column):
        return "boolean"
    if pd.api.types.is_integer_dtype(column):
        return "integer"
    return "number" if pd.api.types.is_float_dtype(column) else TEXT


def _unit(stored: Stored, table: str, column: str) -> str:
    """The unit of a column; where each variable has its own, all of them by name. The name of a level has none."""
    if _type(stored.tables[table][column]) == TEXT:
        return TEXT
    unit = str(stored.manifest["units"].get(table, {}).get(column, ""))
    if "variable_units" not in unit:  # else it refers to another entry of the manifest, which stays behind
        return unit
    return "; ".join(f"{variable}: {its_own}" for variable, its_own in stored.manifest["variable_units"].items())


# ---------------------------------------------------------------------------------------------------------------
# CSV and Parquet
# ---------------------------------------------------------------------------------------------------------------
def csv(stored: Stored) -> dict[str, bytes]:
    """A CSV file a table (UTF-8, numbers with all their digits, nothing where a number is not defined).

    The dictionary begins with what holds for the text of every table.
    """
    notes = pd.DataFrame([("every table", "every text", TEXT, TEXT, note) for note in CSV_NOTES], columns=DESCRIBED)
    tables = {**stored.tables, DICTIONARY: pd.concat([notes, dictionary(stored)], ignore_index=True)}
    return {f"{name}.csv": text.csv(frame) for name, frame in tables.items()}


def parquet(stored: Stored) -> dict[str, bytes]:
    """A Parquet file a table, tightly compressed; unit and meaning stand in the metadata of each column."""
    return {
        f"{name}.parquet": _parquet(_described(stored, name, frame))
        for name, frame in [*stored.tables.items(), (DICTIONARY, dictionary(stored))]
    }


def _described(stored: Stored, name: str, frame: pd.DataFrame) -> pa.Table:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if name == DICTIONARY:
        return table
    fields = [
        field.with_metadata({"unit": _unit(stored, name, field.name), "meaning": meaning(name, field.name)})
        for field in table.schema
    ]
    return table.cast(pa.schema(fields, metadata=table.schema.metadata))


def _parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", compression_level=19, write_page_checksum=True)
    return buffer.getvalue()


# ---------------------------------------------------------------------------------------------------------------
# NetCDF
# ---------------------------------------------------------------------------------------------------------------
def netcdf(stored: Stored) -> dict[str, bytes]:
    """One NetCDF file of :func:`dataset`.

    Raises:
        MissingExtra: without xarray and netCDF4.
    """
    missing = [name for name in ("xarray", "netCDF4") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"NetCDF needs {' and '.join(missing)}: install with pip install 'alliance-trust[xarray]', or choose "
            "another --format"
        )
    found = dataset(stored)
    packed = {name: {"zlib": True, "complevel": 4} for name, array in found.data_vars.items() if array.ndim > 1}
    with tempfile.TemporaryDirectory() as folder:  # the library writes to named files only
        path = Path(folder) / NETCDF
        found.to_netcdf(path, engine="netcdf4", encoding=packed)
        return {NETCDF: path.read_bytes()}


def dataset(stored: Stored) -> xr.Dataset:
    """A result as labelled arrays, NaN where a number is not defined or was not computed.

    Each outcome is an array cell × replicate; each variable over months is cell × month × statistic, and the counts
    behind them cell × month × variable; survival is cell × month × ending; the ledger is cell × layer × cause. Every
    array has ``units`` and ``long_name``. Histograms are left to the other formats.
    """
    import xarray as xr

    cells = stored.tables["cells"].set_index("cell")
    parts = [_outcomes(stored), _monthly(stored), _survival(stored), _ledger(stored)]
    found = xr.merge([part.reindex(cell=cells.index) for part in parts], join="outer")
    for name in map(str, cells.columns):
        about = {"long_name": meaning("cells", name)}
        if (unit := _unit(stored, "cells", name)) not in NO_UNIT:
            about["units"] = _cf(unit)
        found = found.assign_coords({_coordinate(name): ("cell", _plain(cells[name]), about)})
    found["month"].attrs = {"units": "month", "long_name": MEANINGS["month"]}
    found["cell"].attrs = {"long_name": MEANINGS["cell"]}
    found["replicate"].attrs = {"long_name": MEANINGS["replicate"]}
    found.attrs = _global(stored)
    return found


def _coordinate(column: str) -> str:
    """The name of a coordinate that a column of ``cells`` becomes: a factor must not be taken for an outcome.

    The CF conventions want letters, digits and underscores: ``newcomers.integrity`` is ``factor_newcomers_integrity``.
    """
    return column if column in ("label", "scenario") else f"factor_{re.sub('[^A-Za-z0-9]', '_', column)}"


def _plain(column: pd.Series) -> Any:
    """Values of a column as NumPy holds them: numbers as they are, true and false as 1 and 0, else text."""
    if pd.api.types.is_bool_dtype(column):
        return column.to_numpy(dtype="int8")
    return column.to_numpy() if pd.api.types.is_numeric_dtype(column) else column.astype(str).to_numpy(dtype=object)


def _cf(unit: str) -> str:
    return CF_UNITS.get(unit, unit)


def _global(stored: Stored) -> dict[str, str]:
    """What the file as a whole is."""
    manifest = stored.manifest
    return {
        "Conventions": "CF-1.11",
        "title": manifest["title"],
        "source": f"alliance-trust {manifest['versions']['alliance-trust']}, code {manifest['code_digest']}",
        "history": f"{manifest['started']}: {manifest['command'] or how_again(manifest)}",
        "comment": f"{manifest['question']} ({MONEY})",
        "status": manifest["status"],
        "design_digest": manifest["design_digest"],
    }


def _outcomes(stored: Stored) -> xr.Dataset:
    runs = stored.tables["runs"].set_index(["cell", "replicate"])
    names = [name for name in OUTCOMES if name in runs]
    found = runs[names].to_xarray()
    for name in names:
        found[name].attrs = {"units": _cf(OUTCOMES[name].unit), "long_name": meaning("runs", name)}
    return found


def _monthly(stored: Stored) -> xr.Dataset:
    import xarray as xr

    monthly = stored.tables["monthly"].astype({"variable": str})
    cube = monthly.set_index(["cell", "month", "variable"]).to_xarray()
    arrays = {}
    for name in [name for name in VARIABLES if name in cube["variable"]]:
        one = cube[list(SPREAD)].sel(variable=name, drop=True).to_array("statistic").transpose("cell", "month", ...)
        unit = _cf(stored.manifest["variable_units"][name])
        arrays[f"monthly_{name}"] = one.assign_attrs(units=unit, long_name=f"{name} by month, over alliances")
    about = {"units": "1", "long_name": MEANINGS["alliances"]}
    found = xr.Dataset({**arrays, "monthly_alliances": cube["alliances"].assign_attrs(about)})
    found["statistic"].attrs = {"long_name": "what is said of the distribution over alliances"}
    found["variable"].attrs = {"long_name": MEANINGS["variable"]}
    return found


def _survival(stored: Stored) -> xr.Dataset:
    shares = stored.tables["survival"].set_index(["cell", "month"])[list(CAUSES_OF_ENDING)].to_xarray()
    found = shares.to_array("ending").transpose("cell", "month", "ending")
    found["ending"].attrs = {"long_name": "what had become of an alliance"}
    about = {"units": "1", "long_name": f"share of all alliances, by months since the signature{ESTIMATED}"}
    return found.assign_attrs(about).to_dataset(name="survival")


def _ledger(stored: Stored) -> xr.Dataset:
    found = stored.tables["ledger"].set_index(["cell", "layer", "cause"])[["mean", "se"]].to_xarray()
    for name in ("mean", "se"):
        found[name].attrs = {"units": "1", "long_name": MEANINGS_IN["ledger", name]}
    found["layer"].attrs = {"long_name": MEANINGS["layer"]}
    found["cause"].attrs = {"long_name": MEANINGS_IN["ledger", "cause"]}
    return found.rename(mean="ledger_mean", se="ledger_se")


FORMATS: dict[str, Callable[[Stored], dict[str, bytes]]] = {"csv": csv, "parquet": parquet, "netcdf": netcdf}
"""The formats that are made of a result's tables; beside them there is ``ro-crate``."""


# ---------------------------------------------------------------------------------------------------------------
# RO-Crate
# ---------------------------------------------------------------------------------------------------------------
def _write_crate(stored: Stored, place: Path, overwrite: bool, licence: str | None) -> list[Path]:
    """Describe the result folder where it is, or a copy of it elsewhere."""
    names = listed_files(stored.folder)
    copied = place.resolve() != stored.folder.resolve()
    if copied and place.resolve().is_relative_to(stored.folder.resolve()):
        raise OSError(errno.EINVAL, "a copy cannot lie within what it copies: choose a folder elsewhere", str(place))
    for name in [METADATA, *(names if copied else [])]:
        _refuse(place / name, overwrite)
    for name in names if copied else []:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(stored.folder / name, place / name)
    content = text.json(crate(stored, licence), indent=2) + "\n"
    write_file(place / METADATA, content.encode())
    return [place / METADATA, *(place / name for name in names if copied)]
