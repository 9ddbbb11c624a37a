"""Exports hold the numbers of the tables, unchanged and described, and never replace a file unasked."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import xarray as xr
from click.testing import CliRunner, Result

from sim.cli import alliance
from sim.commands.export import FORMATS
from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import CAUSES_OF_ENDING, VARIABLES
from sim.parameters import Parameters, Traits, meta
from sim.scenario import Scenario
from sim.study import export
from sim.study.crate import CONTEXT, METADATA, SPECIFICATION, crate
from sim.sweeps.design import experiment_of
from sim.sweeps.folder import JOURNAL
from sim.sweeps.journal import OPENED, Journal
from sim.sweeps.reading import Stored, read_results
from sim.sweeps.runner import run_experiment
from sim.tomlfile import BadFile

LABEL = 'sharp, "quick" = 2'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenarios of two lengths by two factors, one of words, with a row for every alliance."""
    texts = {"title": "Calm", "question": "Does it hold?", "source": "the tests", "expected": "It holds."}
    calm = Scenario.from_plain({**texts, "months": 14, "organizations": 6}, "calm")
    longer = Scenario.from_plain({**texts, "months": 20, "organizations": 6}, "longer")
    experiment = experiment_of([calm, longer], 3, 5, "exported").replace(
        factors={
            "trust_gain": (0.02, 0.08),
            "openness": ({"label": LABEL, "value": 0.9}, {"label": "closed", "value": 0.1}),
        },
        settings={"contingency_rate": 0.02},
    )
    return run_experiment(experiment, tmp_path_factory.mktemp("results"), jobs=1, keep_alliances=True)


@pytest.fixture(scope="module")
def stored(folder: Path) -> Stored:
    return read_results(folder)


# CSV and Parquet
def test_csv_holds_every_number_with_all_its_digits(folder: Path, stored: Stored, tmp_path: Path) -> None:
    paths = export.export(folder, "csv", tmp_path)
    assert {path.stem for path in paths} == {*stored.tables, "data_dictionary"}
    for name, table in stored.tables.items():
        again = pd.read_csv(tmp_path / f"{name}.csv", dtype=str, keep_default_na=False)
        assert list(again.columns) == list(table.columns)
        for column in table.columns:
            written = [text or "nan" for text in again[column]]
            if pd.api.types.is_float_dtype(table[column]):
                assert np.array_equal([float(text) for text in written], table[column], equal_nan=True), (name, column)
            else:
                assert written == list(table[column].astype(str)), (name, column)


def test_a_number_that_is_not_defined_stays_out_of_csv(folder: Path, stored: Stored, tmp_path: Path) -> None:
    assert stored.tables["alliances"]["met_together"].isna().any()
    export.export(folder, "csv", tmp_path)
    written = pd.read_csv(tmp_path / "alliances.csv", dtype=str, keep_default_na=False)
    assert set(written.loc[stored.tables["alliances"]["met_together"].isna(), "met_together"]) == {""}


def test_the_dictionary_describes_every_column(stored: Stored) -> None:
    found = export.dictionary(stored).set_index(["table", "column"])
    assert set(found.index) == {(name, column) for name, table in stored.tables.items() for column in table}
    assert (found["unit"] != "").all()
    assert (found["meaning"].str.len() > 4).all()
    assert found.loc[("alliances", "value"), "meaning"] == OUTCOMES["value"].meaning
    assert found.loc[("runs", "value"), "meaning"] == f"{OUTCOMES['value'].meaning}; mean over the run's alliances"
    assert found.loc[("runs", "value"), "unit"] == "money"
    assert found.loc[("monthly", "mean"), "meaning"] != found.loc[("ledger", "mean"), "meaning"]
    assert found.loc[("runs", "trust_gain"), "type"] == "number"
    assert found.loc[("runs", "trust_gain"), "unit"] == str(meta(Parameters.model_fields["trust_gain"])["unit"])
    assert tuple(found.loc[("runs", "openness"), ["type", "unit"]]) == ("text", "text")  # names of its levels
    assert found.loc[("runs", "openness"), "meaning"].startswith("factor: ")
    for (table, column), meaning in found["meaning"].items():
        factor = column in stored.manifest["design"]["factors"]
        assert meaning.startswith("factor: ") == factor, (table, column)


def test_the_dictionary_needs_no_other_file(stored: Stored) -> None:
    found = export.dictionary(stored).set_index(["table", "column"])
    assert not found["unit"].str.contains("variable_units").any()
    assert "trust: trust; " in found.loc[("monthly", "mean"), "unit"]
    assert "result: money/month" in found.loc[("histogram", "low"), "unit"]


def test_the_dictionary_tells_tables_apart(stored: Stored) -> None:
    meanings = export.dictionary(stored).set_index(["table", "column"])["meaning"]
    assert "month of the run" in meanings["monthly", "month"]
    assert "month of the run" not in meanings["survival", "month"]
    assert "censored" in meanings["survival", "going on"]
    assert meanings["ledger", "cause"] != meanings["alliances", "cause"]


def test_parquet_holds_the_tables_with_units(folder: Path, stored: Stored, tmp_path: Path) -> None:
    paths = {path.stem: path for path in export.export(folder, "parquet", tmp_path)}
    for name, table in stored.tables.items():
        pd.testing.assert_frame_equal(pd.read_parquet(paths[name]), table)
    about = pq.read_schema(paths["runs"]).field("value").metadata
    assert about[b"unit"] == b"money"
    assert about[b"meaning"].decode() == export.meaning("runs", "value")


# NetCDF
@pytest.fixture(scope="module")
def opened(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    (path,) = export.export(folder, "netcdf", tmp_path_factory.mktemp("netcdf"))
    return xr.load_dataset(path)


def test_netcdf_holds_outcomes_by_cell_and_replicate(opened: xr.Dataset, stored: Stored) -> None:
    runs = stored.tables["runs"]
    for name in OUTCOMES:
        assert opened[name].dims == ("cell", "replicate")
        table = runs.pivot(index="cell", columns="replicate", values=name).to_numpy()
        assert np.array_equal(opened[name].to_numpy(), table, equal_nan=True)
    assert list(opened["label"].to_numpy()) == list(stored.tables["cells"]["label"])
    assert list(opened["factor_trust_gain"].to_numpy()) == list(stored.tables["cells"]["trust_gain"])
    assert LABEL in opened["factor_openness"].to_numpy()


def test_netcdf_holds_months_survival_and_ledger(opened: xr.Dataset, stored: Stored) -> None:
    for row in stored.tables["monthly"].iloc[::97].itertuples():
        at = opened.sel(cell=row.cell, month=row.month)
        assert float(at[f"monthly_{row.variable}"].sel(statistic="q75")) == row.q75
        assert float(at["monthly_alliances"].sel(variable=row.variable)) == row.alliances
    for row in stored.tables["ledger"].iloc[::7].itertuples():
        at = opened.sel(cell=row.cell, layer=row.layer, cause=row.cause)
        assert (float(at["ledger_mean"]), float(at["ledger_se"])) == (row.mean, row.se)
    last = stored.tables["survival"].iloc[-1]
    at = opened["survival"].sel(cell=int(last["cell"]), month=int(last["month"]))
    assert [float(at.sel(ending=name)) for name in CAUSES_OF_ENDING] == [last[name] for name in CAUSES_OF_ENDING]
    assert {f"monthly_{name}" for name in VARIABLES} <= set(opened.data_vars)


def test_what_was_not_computed_is_missing_in_netcdf(opened: xr.Dataset) -> None:
    shorter = opened["monthly_trust"].sel(cell=0, statistic="mean")
    assert shorter.sel(month=slice(0, 14)).notnull().all()
    assert shorter.sel(month=slice(15, 20)).isnull().all()


def test_every_array_has_a_unit_and_a_name(opened: xr.Dataset, stored: Stored) -> None:
    for name, array in opened.data_vars.items():
        assert array.attrs["units"] in {"1", "money", "money month-1", "month"}, name
        assert len(array.attrs["long_name"]) > 4, name
    for name in opened.coords:
        assert opened[name].attrs["long_name"], name
    assert "units" not in opened["factor_openness"].attrs  # names of its levels
    assert opened["value"].attrs["units"] == "money"
    assert opened["value_per_month"].attrs["units"] == "money month-1"
    assert opened.attrs["Conventions"].startswith("CF-")
    assert stored.manifest["command"] in opened.attrs["history"]


def test_names_and_units_are_those_of_the_cf_conventions(stored: Stored) -> None:
    cells = stored.tables["cells"].rename(columns={"openness": "the shy.openness"})
    found = export.dataset(Stored(stored.folder, stored.manifest, {**stored.tables, "cells": cells}))
    assert "factor_the_shy_openness" in found.coords
    assert all(re.fullmatch("[A-Za-z][A-Za-z0-9_]*", str(name)) for name in found.variables)
    declared = [*Parameters.model_fields.values(), *Traits.model_fields.values()]
    for unit in {str(meta(field)["unit"]) for field in declared} | {outcome.unit for outcome in OUTCOMES.values()}:
        assert set(re.findall("[a-z]+", export.CF_UNITS.get(unit, unit))) <= {"money", "month"}, unit


def test_cells_without_runs_are_missing_in_netcdf(stored: Stored) -> None:
    tables = {name: table[table["cell"] != 1] for name, table in stored.tables.items() if name != "cells"}
    found = export.dataset(Stored(stored.folder, stored.manifest, {**tables, "cells": stored.tables["cells"]}))
    assert list(found["cell"].to_numpy()) == list(stored.tables["cells"]["cell"])
    assert found["value"].sel(cell=1).isnull().all()
    assert found["value"].sel(cell=0).notnull().all()


@pytest.mark.parametrize("missing", ["xarray", "netCDF4"])
def test_a_missing_extra_is_named(missing: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else found(name))
    result = call("export", str(folder), "--format", "netcdf", "--out", str(tmp_path))
    assert result.exit_code == 1
    assert missing in result.stderr
    assert "pip install 'alliance-trust[xarray]'" in result.stderr
    assert not list(tmp_path.iterdir())


# RO-Crate
@pytest.fixture(scope="module")
def copied(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the result with the metadata of a crate."""
    out = tmp_path_factory.mktemp("crate")
    export.export(folder, "ro-crate", out, licence="CC-BY-4.0")
    return out


@pytest.fixture(scope="module")
def metadata(copied: Path) -> dict[str, Any]:
    return dict(json.loads((copied / METADATA).read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def entities(metadata: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = {entity["@id"]: entity for entity in metadata["@graph"]}
    assert len(found) == len(metadata["@graph"])  # no identifier twice
    return found


def references(value: Any) -> list[str]:
    """Identifiers that an entity refers to."""
    if isinstance(value, list):
        return [one for item in value for one in references(item)]
    return [value["@id"]] if isinstance(value, dict) else []


def test_the_crate_is_built_as_the_specification_says(
    metadata: dict[str, Any], entities: dict[str, dict[str, Any]]
) -> None:
    assert metadata["@context"] == CONTEXT
    descriptor = entities[METADATA]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["conformsTo"] == {"@id": SPECIFICATION}
    assert descriptor["about"] == {"@id": "./"}
    root = entities["./"]
    assert root["@type"] == "Dataset"
    for key in ("name", "description", "datePublished", "license"):
        assert root[key], key
    for entity in entities.values():
        assert entity["@type"], entity
        for key, value in entity.items():
            assert key.startswith("@") or value not in (None, "", {}), (entity["@id"], key)


def test_every_reference_of_the_crate_leads_somewhere(entities: dict[str, dict[str, Any]]) -> None:
    outside = {SPECIFICATION, entities["#sweep"]["actionStatus"]["@id"]}
    for entity in entities.values():
        for value in (value for key, value in entity.items() if not key.startswith("@")):
            assert set(references(value)) <= set(entities) | outside, entity["@id"]


def test_the_crate_lists_every_file_with_size_and_checksum(copied: Path, entities: dict[str, dict[str, Any]]) -> None:
    files = {path.relative_to(copied).as_posix(): path for path in copied.rglob("*") if path.is_file()}
    del files[METADATA]
    listed = {name: entity for name, entity in entities.items() if entity["@type"] == "File"}
    assert set(listed) == set(files) == set(references(entities["./"]["hasPart"]))
    for name, path in files.items():
        assert listed[name]["contentSize"] == str(path.stat().st_size)
        assert listed[name]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert "/" in listed[name]["encodingFormat"]
    assert listed["tables/runs.parquet"]["encodingFormat"] == "application/vnd.apache.parquet"
    assert read_results(copied).manifest == read_results(copied).manifest  # the copy is a result folder itself


def test_the_crate_says_what_ran_and_with_what(entities: dict[str, dict[str, Any]], stored: Stored) -> None:
    action, manifest = entities["#sweep"], stored.manifest
    assert action["@type"] == "CreateAction"
    assert action["description"] == manifest["command"]
    assert action["startTime"] == manifest["started"]
    assert action["endTime"] >= action["startTime"]
    assert action["actionStatus"]["@id"].endswith("CompletedActionStatus")
    assert {f"tables/{name}.parquet" for name in manifest["files"]} == set(references(action["result"]))
    software = entities[action["instrument"]["@id"]]
    assert software["version"] == manifest["versions"]["alliance-trust"]
    assert manifest["code_digest"] in software["identifier"]
    values = {entities[one]["name"]: entities[one]["value"] for one in references(action["object"])}
    assert values["seed"] == 5
    assert values["replicates"] == 3
    assert values["contingency_rate"] == 0.02
    assert json.loads(values["trust_gain"]) == [0.02, 0.08]


def test_the_licence_is_the_one_that_was_named(entities: dict[str, dict[str, Any]], stored: Stored) -> None:
    assert entities["./"]["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}
    unnamed = {entity["@id"]: entity for entity in crate(stored)["@graph"]}
    assert unnamed[unnamed["./"]["license"]["@id"]]["name"] == "No licence stated"
    assert unnamed["#alliance-trust"]["license"] == {"@id": "https://spdx.org/licenses/MIT"}


def test_an_incomplete_sweep_is_no_completed_action(stored: Stored) -> None:
    partial = Stored(stored.folder, {**stored.manifest, "status": "interrupted"}, stored.tables)
    entities = {entity["@id"]: entity for entity in crate(partial)["@graph"]}
    assert entities["#sweep"]["actionStatus"]["@id"].endswith("FailedActionStatus")
    assert entities["./"]["creativeWorkStatus"] == "interrupted"


def test_the_crate_says_when_the_code_was_changed(stored: Stored) -> None:
    for dirty in (True, False):
        manifest = {**stored.manifest, "git": {"commit": "0123abcd", "dirty": dirty}}
        graph = {entity["@id"]: entity for entity in crate(Stored(stored.folder, manifest, stored.tables))["@graph"]}
        assert ("commit 0123abcd with changes" in graph["#alliance-trust"]["softwareVersion"]) == dirty


def test_the_crate_of_a_resumed_sweep_names_no_end(copied: Path, tmp_path: Path) -> None:
    place = tmp_path / "resumed"
    shutil.copytree(copied, place)
    journal = Journal(place / JOURNAL)
    journal.commit(OPENED, pid=1, host="another", damaged_lines=[])
    journal.close()
    action = next(one for one in crate(read_results(place))["@graph"] if one["@id"] == "#sweep")
    assert "startTime" in action
    assert "endTime" not in action


def test_hidden_files_stay_out_of_the_crate(copied: Path, tmp_path: Path) -> None:
    place = tmp_path / "result"
    shutil.copytree(copied, place)
    (place / ".lock").touch()
    (place / "tables" / ".runs.parquet.tmp").write_bytes(b"torn")
    (place / "notes of mine.md").write_text("seen")
    entities = {entity["@id"]: entity for entity in crate(read_results(place))["@graph"]}
    assert "notes%20of%20mine.md" in entities
    assert not [name for name in entities if ".tmp" in name or ".lock" in name]


def test_a_crate_is_not_copied_into_what_it_copies(folder: Path) -> None:
    result = call("export", str(folder), "--format", "ro-crate", "--out", str(folder / "inside"))
    assert result.exit_code == 1
    assert "choose a folder elsewhere" in result.stderr


# The command
def call(*args: str) -> Result:
    return CliRunner().invoke(alliance, list(args), prog_name="alliance")


def test_the_command_knows_the_formats() -> None:
    assert set(FORMATS) == {*export.FORMATS, "ro-crate"}


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_is_replaced_unasked(form: str, folder: Path, tmp_path: Path) -> None:
    options = ["export", str(folder), "--format", form, "--out", str(tmp_path)]
    first = call(*options)
    assert first.exit_code == 0, first.output
    written = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    victim = sorted(written)[-1]
    victim.write_bytes(b"mine")
    again = call(*options)
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr
    assert victim.read_bytes() == b"mine"
    assert call(*options, "--overwrite").exit_code == 0
    assert victim.read_bytes() != b"mine"


def test_the_command_says_what_it_wrote(folder: Path, tmp_path: Path) -> None:
    result = call("export", str(folder), "--format", "csv", "--out", str(tmp_path))
    assert "data_dictionary.csv" in result.stdout
    document = json.loads(call("export", str(folder), "--format", "csv", "--out", str(tmp_path / "b"), "--json").stdout)
    assert sorted(document["files"]) == sorted(str(path) for path in (tmp_path / "b").iterdir())
    quiet = call("export", str(folder), "--format", "parquet", "--out", str(tmp_path), "--quiet")
    assert quiet.output == f"{tmp_path}\n"


def test_without_a_place_it_goes_into_the_result_folder(copied: Path, tmp_path: Path) -> None:
    place = tmp_path / "result"
    shutil.copytree(copied, place)
    assert call("export", str(place), "--format", "csv").exit_code == 0
    assert (place / "exports" / "csv" / "runs.csv").is_file()
    assert read_results(place).manifest["status"] == "complete"


def test_what_is_no_result_is_refused(tmp_path: Path) -> None:
    result = call("export", str(tmp_path), "--format", "csv")
    assert result.exit_code == 3
    assert "is no result folder" in result.stderr
    with pytest.raises(BadFile, match="no result folder"):
        export.export(tmp_path, "csv")


def test_a_licence_needs_a_format_that_has_one(folder: Path) -> None:
    result = call("export", str(folder), "--format", "csv", "--license", "MIT")
    assert result.exit_code == 2
    assert "ro-crate" in result.stderr


def test_a_licence_is_an_spdx_name(folder: Path, tmp_path: Path) -> None:
    result = call(
        "export", str(folder), "--format", "ro-crate", "--out", str(tmp_path), "--license", "my own <licence>"
    )
    assert result.exit_code == 2
    assert "no SPDX name" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_target_that_cannot_be_written_is_told_in_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = call("export", str(folder), "--format", "csv", "--out", str(tmp_path / "file" / "inside"))
    assert result.exit_code == 1
    assert "choose another folder with --out" in result.stderr
    assert "Traceback" not in result.output
