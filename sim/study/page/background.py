"""The parts of the page that say how sure a result is, from which numbers it came, and how to make it again."""

from __future__ import annotations

import shlex
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sim.parameters import SHORT_SOURCES, Parameters, Traits, meta
from sim.study import report
from sim.study.analysis import key_words, label_words
from sim.study.page.markup import Content, Field, Html, Row, bullets, definitions, element, html, table
from sim.study.page.results import sentences
from sim.study.words import Study, capital, failures, one_line, rows_of
from sim.sweeps import recipe

MOST_VALUES = 8
"""Distinct values of a parameter that are listed; of more, how many there are, and the range or the first few."""

CALIBRATED = (
    "Some defaults were calibrated on published regularities, most are judgement; the table of parameters says which. "
    "Read differences between scenarios, not absolute numbers; nothing here forecasts a particular alliance."
)
"""How far the defaults come from data."""

TOLD_ELSEWHERE = frozenset(
    {
        "title",
        "question",
        "expected",
        "outcomes",
        "design",
        "cells",
        "units",
        "variable_units",
        "files",
        "kind",
        "notes",
    }
)
"""Entries of the manifest that other parts of the page show."""


# ---------------------------------------------------------------------------------------------------------------
# How sure
# ---------------------------------------------------------------------------------------------------------------
def sureness(study: Study) -> Html:
    """What the intervals mean, what pairing saved, and every run that failed."""
    return html([sentences(report.sureness(study)), element("h3", "Failed runs"), _failed(study)])


def _failed(study: Study) -> Html:
    if not failures(study):
        return element("p", "No run failed.")
    head = ["cell", "replicate", "seed", "what went wrong"]
    labels = dict(zip(study.tables["cells"]["cell"], study.tables["cells"]["label"], strict=True))
    rows: list[Row] = [
        [
            label_words(str(labels.get(row["cell"], row["cell"]))),
            Field(str(row["replicate"]), float(row["replicate"])),
            str(row["seed"]),
            str(row["error"]),
        ]
        for row in rows_of(study.tables["failed"])
    ]
    return table("Every run that failed; the numbers above are without them.", head, rows)


def limits() -> Html:
    """What no result of this model can say."""
    return bullets([_with_code(said) for said in (CALIBRATED, *report.LIMITS)])


def _with_code(text: str) -> Html:
    """What stands between backticks is code: in sentences of the program only, since a name may hold a backtick."""
    parts = text.split("`")
    return html([element("code", part) if k % 2 else part for k, part in enumerate(parts)])


# ---------------------------------------------------------------------------------------------------------------
# Parameters
# ---------------------------------------------------------------------------------------------------------------
def parameters(study: Study) -> Html:
    """What differs from the defaults first, then every value, folded away."""
    flat = [report.flattened(cell["resolved"]) for cell in study.manifest["cells"]]
    names = list(dict.fromkeys(name for settings in flat for name in settings))
    rows = {name: _parameter(name, [settings[name] for settings in flat if name in settings]) for name in names}
    differing = [rows[name] for name in names if _differs(name, flat)]
    return html(
        [
            element("p", "Values over all cells; where cells differ, how many cells have each. ", SHORT_SOURCES),
            table("What differs from the defaults, or has none.", HEAD, differing),
            element(
                "details",
                element("summary", f"All {len(names)} values"),
                table("Every value of every cell, defaults included.", HEAD, list(rows.values())),
            ),
        ]
    )


HEAD = ("name", "value", "default", "unit", "meaning", "where the default comes from")
"""Columns of the tables of parameters."""


def _declared(name: str) -> Any:
    """The declaration of a parameter or a trait, also of a group's trait ("AOL: blame"); None when there is none."""
    bare = name.rpartition(": ")[2]
    return Parameters.model_fields.get(bare) or Traits.model_fields.get(bare)


def _default(name: str) -> Any:
    default = _declared(name).default
    return default.plain() if hasattr(default, "plain") else default


def _differs(name: str, flat: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a value is another than the default in some cell; what has no default is shown too."""
    if _declared(name) is None:
        return True
    usual = report.setting_words(_default(name))
    return any(name in settings and report.setting_words(settings[name]) != usual for settings in flat)


def _parameter(name: str, values: Sequence[Any]) -> list[str]:
    field = _declared(name)
    if field is None:
        return [name, _counted(values), "–", "", "", ""]
    about = meta(field)
    whence = f"{about['basis']}: {about['source']}"
    return [
        name,
        _counted(values),
        report.setting_words(_default(name)),
        about["unit"],
        field.description or "",
        whence,
    ]


def _counted(values: Sequence[Any]) -> str:
    """ "0.4", or "0.4 (2 cells), 0.9 (1 cell)", or "512 values from 0.001 to 0.998"."""
    counts = Counter(report.setting_words(value) for value in values)
    if len(counts) == 1:
        return next(iter(counts))
    if len(counts) > MOST_VALUES and all(isinstance(value, (int, float)) for value in values):
        return f"{len(counts)} values from {report.setting_words(min(values))} to {report.setting_words(max(values))}"
    listed = [f"{shown} ({n} {'cell' if n == 1 else 'cells'})" for shown, n in list(counts.items())[:MOST_VALUES]]
    return ", ".join(listed) + (f" … {len(counts)} values in all" if len(counts) > MOST_VALUES else "")


# ---------------------------------------------------------------------------------------------------------------
# Again, and from where
# ---------------------------------------------------------------------------------------------------------------
def reproduce(study: Study) -> Html:
    """The commands, and the content of every file that they need."""
    manifest = study.manifest
    return html(
        [
            element("p", recipe.how_again(manifest)),
            element("pre", manifest["command"]) if manifest["command"] else Html(""),
            _from_this_page(manifest),
            element("p", "Figures and this page again, from the stored tables, in the folder that holds the result's:"),
            element("pre", f"alliance report {shlex.quote(study.folder.resolve().name)}"),
        ]
    )


def _from_this_page(manifest: Mapping[str, Any]) -> Html:
    """How to make the result from the page alone, where its files do make it with this version."""
    files = recipe.files_of(manifest)
    if manifest.get("replaced_rules") or not recipe.files_make(files, manifest["design_digest"]):
        return Html("")
    kept = " --alliances" if manifest["plan"]["keep_alliances"] else ""
    return html(
        [
            element(
                "p",
                f"With this page alone: install alliance-trust {manifest['versions']['alliance-trust']}, save the "
                "files below in an empty folder (scenarios in its folder scenarios), and run there:",
            ),
            element("pre", f"{recipe.FROM_FILES}{kept}"),
            element(
                "p",
                "The files hold what is not at its default; all values are listed under Parameters. The numbers do not "
                "depend on the number of threads; other versions or processors may differ in last digits. The design "
                f"of the new result must have the digest {manifest['design_digest'][:8]}, as it stands in its "
                "folder's name.",
            ),
            [_file(name, content) for name, content in files.items()],
        ]
    )


def _file(name: str, content: str) -> Html:
    link = f"data:text/plain;base64,{b64encode(content.encode()).decode()}"
    return element(
        "details",
        element("summary", name),
        element("p", element("a", f"Save {name}", href=link, download=name.rpartition("/")[2])),
        element("pre", content, data_file=name),
    )


def provenance(study: Study) -> Html:
    """Versions, digests, machine, timings, and the stored files with their checksums."""
    manifest = study.manifest
    facts = [(capital(key_words(key)), _plain(value)) for key, value in manifest.items() if key not in TOLD_ELSEWHERE]
    head = ["table", "bytes", "SHA-256"]
    files = [
        [f"tables/{name}.parquet", Field(f"{about['bytes']:,}", float(about["bytes"])), about["sha256"]]
        for name, about in manifest["files"].items()
    ]
    return html(
        [
            definitions([("Folder", study.folder.resolve().name), *facts]),
            table("The stored tables and their checksums.", head, files),
            element(
                "p",
                "Units of all columns and every resolved value are in manifest.json. To take the tables elsewhere: "
                "alliance export, as CSV, Parquet, NetCDF or RO-Crate.",
            ),
        ]
    )


def _plain(value: Any) -> Content:
    """An entry of the manifest as text; an empty one as a dash."""
    if isinstance(value, Mapping):
        return "; ".join(f"{key_words(str(key))}: {_plain(item)}" for key, item in value.items()) or "–"
    if isinstance(value, list):
        return ", ".join(str(_plain(item)) for item in value) or "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else one_line(str(value))
