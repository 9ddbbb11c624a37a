"""The metadata of an RO-Crate: what a result folder holds, what made it, and with which settings.

Written by hand as JSON-LD after the RO-Crate Metadata Specification 1.2 (doi:10.5281/zenodo.13751027) and the profile
Process Run Crate 0.5: a root dataset, its files, the software, and the action that made the files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sim import text
from sim.sweeps.folder import JOURNAL
from sim.sweeps.journal import OPENED, read_journal
from sim.sweeps.reading import Stored
from sim.sweeps.recipe import how_again

METADATA = "ro-crate-metadata.json"
SPECIFICATION = "https://w3id.org/ro/crate/1.2"
CONTEXT = [f"{SPECIFICATION}/context", {"sha256": "https://schema.org/sha256"}]
"""The terms of the specification; the checksum is named here, since not every version of its context has it."""
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
LICENCES = "https://spdx.org/licenses/"
SOFTWARE, ACTION, NO_LICENCE = "#alliance-trust", "#sweep", "#no-licence"

ENCODINGS = {
    ".parquet": "application/vnd.apache.parquet",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".md": "text/markdown",
    ".html": "text/html",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".csv": "text/csv",
    ".nc": "application/x-netcdf",
    ".toml": "application/toml",
}
"""Media types by the end of a file's name."""

DESCRIPTIONS = {
    "manifest.json": "Everything that led to the result: every resolved setting, units, versions, checksums",
    "experiment.toml": "The experiment: what was run, for `alliance sweep ./experiment.toml`",
    "journal.jsonl": "What was stored when, while the sweep ran",
    "summary.md": "What was compared, what happened, how sure that is",
    "report.html": "The report as one page that stands alone",
}

Entity = dict[str, Any]


def listed_files(folder: Path) -> list[str]:
    """Files of a result folder, as paths within it, but hidden ones (locks, temporary files) and the crate's own."""
    paths = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return [
        path.as_posix()
        for path in paths
        if path.as_posix() != METADATA and not any(part.startswith(".") for part in path.parts)
    ]


def crate(stored: Stored, licence: str | None = None) -> Entity:
    """The metadata of a result folder as plain data.

    Args:
        stored: a result folder read back.
        licence: SPDX name of the licence of the data, such as ``CC-BY-4.0``; without it the crate says that none is
            stated.
    """
    files = [_file(stored.folder, name) for name in listed_files(stored.folder)]
    properties = list(_properties(stored.manifest))
    graph = [
        _descriptor(),
        _root(stored.manifest, files, licence),
        *files,
        _software(stored.manifest),
        _action(stored, files, properties),
        *properties,
        _licence(licence),
        _licence("MIT"),
        {"@id": PROFILE, "@type": ["CreativeWork", "Profile"], "name": "Process Run Crate", "version": "0.5"},
    ]
    return {"@context": CONTEXT, "@graph": list({entity["@id"]: entity for entity in graph}.values())}


def _descriptor() -> Entity:
    return {
        "@id": METADATA,
        "@type": "CreativeWork",
        "conformsTo": _of(SPECIFICATION),
        "about": _of("./"),
    }


def _root(manifest: Mapping[str, Any], files: list[Entity], licence: str | None) -> Entity:
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": manifest["title"],
        "description": f"{manifest['question']} Expected beforehand: {manifest['expected']}",
        "identifier": f"sha256:{manifest['design_digest']}",
        "datePublished": manifest["started"],
        "dateCreated": manifest["started"],
        "creativeWorkStatus": manifest["status"],
        "license": _of(_licence(licence)["@id"]),
        "conformsTo": _of(PROFILE),
        "hasPart": [_of(file["@id"]) for file in files],
        "mentions": _of(ACTION),
    }


def _licence(name: str | None) -> Entity:
    """A licence by its SPDX name; without one, that there is none."""
    if name is None:
        return {
            "@id": NO_LICENCE,
            "@type": "CreativeWork",
            "name": "No licence stated",
            "description": "Whoever made this result has not said how it may be used.",
        }
    return {
        "@id": f"{LICENCES}{name}",
        "@type": "CreativeWork",
        "name": name,
        "description": f"The licence that SPDX lists as {name}",
    }


def _file(folder: Path, name: str) -> Entity:
    path = folder / name
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return {
        "@id": quote(name),
        "@type": "File",
        "name": name,
        "description": DESCRIPTIONS.get(name) or _about(name),
        "contentSize": str(path.stat().st_size),
        "encodingFormat": ENCODINGS.get(path.suffix, "application/octet-stream"),
        "sha256": digest,
    }


def _about(name: str) -> str:
    """What a file is, by its name and its folder: "Figures: trust humps"."""
    folder, _, last = name.rpartition("/")
    words = last.partition(".")[0].replace("_", " ")
    return f"{folder.capitalize()}: {words}" if folder else words.capitalize()


def _software(manifest: Mapping[str, Any]) -> Entity:
    git = manifest.get("git") or {}
    version = manifest["versions"]["alliance-trust"]
    requirements = ", ".join(
        f"{name} {number}" for name, number in manifest["versions"].items() if name != "alliance-trust"
    )
    return {
        "@id": SOFTWARE,
        "@type": "SoftwareApplication",
        "name": "alliance-trust",
        "description": "How trust grows, holds and collapses in alliances between organizations",
        "version": version,
        "softwareVersion": f"{version}, {_commit(git)}" if git else version,
        "identifier": f"code:{manifest['code_digest']}",
        "softwareRequirements": requirements,
        "license": _of(f"{LICENCES}MIT"),
    }


def _commit(git: Mapping[str, Any]) -> str:
    """The commit that ran, and whether it had been changed."""
    return f"commit {git['commit']}{' with changes' if git['dirty'] else ''}"


def _action(stored: Stored, files: list[Entity], properties: list[Entity]) -> Entity:
    """The sweep: what ran, with what, and what it made; and its end, where it ran in one go."""
    manifest = stored.manifest
    begun = datetime.fromisoformat(manifest["started"])
    action = {
        "@id": ACTION,
        "@type": "CreateAction",
        "name": f"Sweep of the experiment {manifest['name']}",
        "description": manifest["command"] or how_again(manifest),
        "instrument": _of(SOFTWARE),
        "startTime": manifest["started"],
        "object": [_of(entity["@id"]) for entity in properties],
        "result": [_of(file["@id"]) for file in files if file["@id"].startswith("tables/")],
        "actionStatus": _of(_status(manifest["status"])),
    }
    if "seconds" in manifest["timings"] and _in_one_go(stored.folder):
        end = begun + timedelta(seconds=float(manifest["timings"]["seconds"]))
        action["endTime"] = end.isoformat(timespec="seconds")
    return action


def _in_one_go(folder: Path) -> bool:
    """Whether the sweep was never resumed: only then do its seconds run from its start."""
    return sum(line["event"] == OPENED for _, line in read_journal(folder / JOURNAL) if line) == 1


def _status(status: str) -> str:
    return f"http://schema.org/{'Completed' if status == 'complete' else 'Failed'}ActionStatus"


def _properties(manifest: Mapping[str, Any]) -> Iterator[Entity]:
    """The settings of the sweep: its design, the constants, the levels of the factors."""
    design = manifest["design"]
    given = {key: design[key] for key in ("scenarios", "replicates", "seed")}
    for key, value in {**given, **design["settings"], **design["factors"]}.items():
        yield {
            "@id": f"#setting-{quote(key)}",
            "@type": "PropertyValue",
            "name": key,
            "value": value if isinstance(value, (str, bool, int, float)) else text.json(value),
        }


def _of(identifier: str) -> Entity:
    return {"@id": identifier}
