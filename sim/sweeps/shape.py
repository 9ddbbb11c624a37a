"""What a manifest, a line of a journal and the footer of a shard must look like, before anything is made of them.

Files may have been edited, damaged, or made by another program. Whoever reads one checks it here, once, so that all
others can take what is in it as it was written.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from sim.tomlfile import Problem, check_depth, shown

MOST_CELLS, MOST_RUNS, MOST_SECONDS, MOST_AXES = 1_000_000, 10_000_000, 1e10, 4
TABLES = ("cells", "runs", "monthly", "survival", "ledger", "run_ledger", "histogram", "failed", "alliances")
"""Every table of a sweep; the last one is kept when it was asked for."""
STATUSES = ("complete", "some runs failed", "interrupted", "running")


def read_json(text: str | bytes) -> Any:
    """A JSON document in which nothing is nested so deeply, or so long a number, that it could not be worked with.

    Raises:
        ValueError: when it is none.
    """
    try:
        document = json.loads(text, parse_constant=_no_number)
        if isinstance(document, (dict, list)):
            check_depth(document)
    except RecursionError as error:
        raise ValueError(str(error)) from None
    return document


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


# ---------------------------------------------------------------------------------------------------------------
# The manifest
# ---------------------------------------------------------------------------------------------------------------
def _is_date(text: str) -> str:
    if datetime.fromisoformat(text).year > 9000:
        raise ValueError("is no date of a run")
    return text


Count = Annotated[int, Field(ge=0, le=MOST_RUNS)]
Size = Annotated[int, Field(ge=1, le=MOST_RUNS)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]
Seconds = Annotated[float, Field(ge=0, le=MOST_SECONDS)]
HalfWidth = Annotated[float, Field(ge=0)] | None


class _Shape(BaseModel):
    """Keys that must be there, each of its type and nothing near it; others are left alone."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class _Resolved(_Shape):
    months: Size
    organizations: Size
    network: dict[str, Any]
    parameters: dict[str, float | bool]
    events: list[dict[str, Any]]


class _Cell(_Shape):
    cell: Annotated[int, Field(ge=0, lt=MOST_CELLS)]
    label: str
    scenario: str
    factors: dict[str, float | bool | str]
    replicates_done: Count
    shard_size: Size
    resolved: _Resolved
    half_widths: dict[str, HalfWidth] = {}


class _Plan(_Shape):
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    batch: Size
    most: Size
    precision: dict[str, Annotated[float, Field(gt=0)]]
    keep_alliances: bool


class _Design(_Shape):
    scenarios: list[str]
    replicates: Size
    max_replicates: Size = 1
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    precision: dict[str, float] = {}
    settings: dict[str, Any]
    factors: dict[str, list[Any] | dict[str, Any]]
    levers: list[str] = []
    uncertainties: list[str] = []
    design: dict[str, Any] = {}


class _File(_Shape):
    bytes: Annotated[int, Field(ge=0)] = 0
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Git(_Shape):
    commit: str
    dirty: bool


class _Forced(_Shape):
    reasons: list[str]
    shards_before: Count


class _Continued(_Shape):
    git: _Git | None
    shards_before: Count


class _Manifest(_Shape):
    status: str
    name: str
    title: str
    question: str
    expected: str
    outcomes: Annotated[list[str], Field(min_length=1)]
    command: str
    design: _Design
    design_digest: Digest
    plan: _Plan
    plan_digest: Digest
    description_digest: str = ""
    cells: Annotated[list[_Cell], Field(min_length=1, max_length=MOST_CELLS)]
    started: Annotated[str, AfterValidator(_is_date)]
    jobs: Annotated[int, Field(ge=1)]
    code_digest: str
    versions: dict[str, str]
    git: _Git | None
    platform: str
    numerics: dict[str, str]
    timings: dict[str, Seconds]
    units: dict[str, dict[str, str]]
    variable_units: dict[str, str]
    files: dict[str, _File]
    forced: list[_Forced] = []
    continued: list[_Continued] = []


def manifest_problems(manifest: Mapping[str, Any]) -> list[Problem]:
    """Everything about the form of a sweep's manifest that its readers could stumble over; empty when it is sound."""
    try:
        _Manifest.model_validate(manifest)
    except ValidationError as error:
        return [_in_words(mistake) for mistake in error.errors(include_url=False, include_context=False)]
    problems = []
    if manifest["status"] not in STATUSES:
        problems.append(Problem(("status",), f"must be one of {', '.join(STATUSES)}, got {shown(manifest['status'])}"))
    if "alliance-trust" not in manifest["versions"]:
        problems.append(Problem(("versions", "alliance-trust"), "is missing"))
    numbers = [row["cell"] for row in manifest["cells"]]
    if numbers != list(range(len(numbers))):
        at = next(k for k, number in enumerate(numbers) if number != k)
        problems.append(Problem(("cells", at, "cell"), f"cells are numbered from 0, so it must be {at}"))
    if len({row["label"] for row in manifest["cells"]}) < len(numbers):
        problems.append(Problem(("cells",), "two have the same label"))
    problems += [
        Problem(("files", name), f"is no table; allowed: {', '.join(TABLES)}")
        for name in manifest["files"]
        if name not in TABLES
    ]
    return problems


def _in_words(mistake: Any) -> Problem:
    """A mistake that pydantic found: where, and what is allowed."""
    key = tuple(part for part in mistake["loc"] if not str(part).startswith(("function-", "dict[", "list[")))
    if mistake["type"] == "missing":
        return Problem(key, "is missing")
    if mistake["type"] == "string_pattern_mismatch":
        return Problem(key, f"must be a checksum in hex digits, got {shown(mistake['input'])}")
    said = re.sub(r"^\w+ should ", "must ", mistake["msg"])
    return Problem(key, f"{said}, got {shown(mistake['input'])}")


# ---------------------------------------------------------------------------------------------------------------
# The journal, and what a shard says of itself
# ---------------------------------------------------------------------------------------------------------------
def is_shard(value: Any) -> bool:
    """Whether a value names a shard: cell, first replicate, and the one before which it ends."""
    return (
        isinstance(value, list)
        and len(value) == 3
        and all(_is_count(number) for number in value)
        and value[0] < MOST_CELLS
        and value[1] < value[2] <= MOST_RUNS
    )


def is_sha256(value: Any) -> bool:
    """Whether a value is a SHA-256 in hex."""
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) is not None


def is_done(entry: Mapping[str, Any]) -> bool:
    """Whether an entry tells of a stored shard all that it must."""
    seconds = entry.get("seconds")
    return (
        is_shard(entry.get("shard"))
        and is_sha256(entry.get("sha256"))
        and _is_count(entry.get("runs"))
        and _is_count(entry.get("failed"))
        and isinstance(seconds, (int, float))
        and math.isfinite(seconds)
        and 0 <= seconds <= MOST_SECONDS
    )


def is_opened(entry: Mapping[str, Any]) -> bool:
    """Whether an entry tells of a process all that it must."""
    lines = entry.get("damaged_lines")
    return {"pid", "host"} <= set(entry) and isinstance(lines, list) and all(_is_count(line) for line in lines)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def is_footer(about: Mapping[str, Any]) -> bool:
    """Whether a shard says of itself all that is needed to read it."""
    arrays, failures, categories = about.get("arrays"), about.get("failures"), about.get("alliances.categories", {})
    columns = [about.get(f"{name}.columns", []) for name in ("runs", "lifetimes", "alliances")]
    return (
        isinstance(about.get("sweep"), str)
        and is_shard(about.get("shard"))
        and isinstance(arrays, dict)
        and "replicate" in arrays
        and "runs.columns" in about
        and all(_is_form(form) for form in arrays.values())
        and isinstance(failures, list)
        and all(isinstance(f, list) and len(f) == 2 and _is_count(f[0]) and isinstance(f[1], str) for f in failures)
        and all(_are_texts(texts) for texts in (*columns, *_values(categories)))
        and all(f"alliances.{name}" in arrays for name in columns[-1])
        and isinstance(categories, dict)
        and set(categories) <= set(columns[-1])
    )


def _is_form(form: Any) -> bool:
    """Whether a value tells type and shape of an array of numbers."""
    if not (isinstance(form, list) and len(form) == 2 and isinstance(form[0], str) and isinstance(form[1], list)):
        return False
    known = re.fullmatch(r"[<>|=](?:f[48]|[iu][1248]|b1)", form[0]) is not None
    return known and len(form[1]) <= MOST_AXES and all(_is_count(length) for length in form[1])


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value) and len(set(value)) == len(value)


def _values(table: Any) -> list[Any]:
    return list(table.values()) if isinstance(table, dict) else []
