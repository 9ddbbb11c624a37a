"""The manifest: everything that led to a result, and whether results of now and of then may be mixed."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from sim import loaded
from sim.dynamics.compiled import settings as compiler
from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import CAUSES, CAUSES_OF_ENDING
from sim.parameters import Parameters, Traits, meta
from sim.sweeps.design import Experiment
from sim.sweeps.plan import Plan
from sim.sweeps.recipe import command_that_makes

KIND = "sweep"
FORMAT = 2
"""Version of the folder's layout; raised when a reader of an older one would misread a newer one."""

CHANGING = ("status", "jobs", "files", "timings", "forced", "continued")
CHANGING_OF_CELLS = ("replicates_done", "half_widths")
"""What a sweep changes in its manifest while it runs. All the rest stays as it was written before the first run."""

COMPLETE, FAILED, INTERRUPTED, RUNNING = "complete", "some runs failed", "interrupted", "running"

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


def describe(experiment: Experiment, plan: Plan, jobs: int, command: str | None) -> dict[str, Any]:
    """The manifest as far as it is known before the first run.

    Raises:
        CodeChanged: when the code is not what was loaded from its files.
    """
    manifest = {
        "kind": KIND,
        "format": FORMAT,
        "status": RUNNING,
        "name": experiment.name,
        "title": experiment.title,
        "question": experiment.question,
        "expected": experiment.expected,
        "outcomes": list(experiment.outcomes),
        "notes": experiment.notes,
        "command": command,
        "design": experiment.plain(),
        "design_digest": experiment.digest(),
        "plan": {
            "seed": plan.seed,
            "batch": plan.batch,
            "most": plan.most,
            "precision": dict(plan.precision),
            "keep_alliances": plan.keep_alliances,
        },
        "plan_digest": plan.digest,
        "cells": [
            {
                "cell": cell.index,
                "label": cell.label,
                "scenario": cell.scenario_name,
                "factors": cell.factors,
                "replicates_done": 0,
                "shard_size": size,
                "resolved": cell.scenario.plain(),
            }
            for cell, size in zip(plan.cells, plan.shard_sizes, strict=True)
        ],
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "jobs": jobs,
        **provenance(),
        "cpu_features": np.show_config(mode="dicts")["SIMD Extensions"],
        "numerics": numerics(),
        "timings": {},
        "units": units(experiment, plan.keep_alliances),
        "variable_units": VARIABLE_UNITS,
        "files": {},
    }
    if command is None:
        manifest["command"] = command_that_makes(experiment, manifest)
    return {**manifest, "description_digest": description_digest(manifest)}


def description_digest(manifest: Mapping[str, Any]) -> str:
    """SHA-256 in hex of everything in a manifest that stays as it is while its sweep runs."""
    lasting = {key: value for key, value in manifest.items() if key not in (*CHANGING, "description_digest")}
    lasting["cells"] = [
        {key: value for key, value in cell.items() if key not in CHANGING_OF_CELLS} for cell in manifest["cells"]
    ]
    return hashlib.sha256(json.dumps(lasting, sort_keys=True).encode()).hexdigest()


def is_described_otherwise(manifest: Mapping[str, Any]) -> bool:
    """True when somebody has changed what the manifest says of its sweep. Older ones have no digest to tell by."""
    return "description_digest" in manifest and manifest["description_digest"] != description_digest(manifest)


@functools.cache
def numerics() -> dict[str, str]:
    """What decides the last bit of a number, beside the code: results that differ in one of these are not mixed.

    Python, pandas and pyarrow are not among them: they hold numbers and make none.
    """
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return {
        **{name: installed(name) for name in ("numpy", "numba", "scipy")},
        "C library": " ".join(platform.libc_ver()).strip() or platform.platform(),
        "processor": platform.machine(),
        "processor features": " ".join(found),
        "compiled": "no" if compiler.DISABLE_JIT else "yes",
    }


CHANGED = "was changed after the sweep had begun (its description_digest is another): put it back from a copy"


def differences(manifest: Mapping[str, Any], plan: Plan) -> list[str]:
    """Why runs computed now may not be added to those in a folder; empty when they may."""
    reasons = []
    version, now = manifest.get("versions", {}).get("alliance-trust", "unknown"), installed("alliance-trust")
    if version != now:
        reasons.append(f"it was written by another version of alliance-trust (then {version}, now {now})")
    if is_described_otherwise(manifest):
        reasons.append(f"what its manifest says of the sweep {CHANGED}")
    then_rules, now_rules = manifest.get("replaced_rules", {}), loaded.replaced_rules()
    if then_rules != now_rules:
        then_words, now_words = map(loaded.replaced_in_words, (then_rules, now_rules))
        reasons.append(f"rules were replaced then that are not now, or the other way round ({then_words}; {now_words})")
    elif manifest["code_digest"] != (code := loaded.code_digest()):
        reasons.append(f"the model's code has changed (then {manifest['code_digest']}, now {code})")
    before = manifest["numerics"]
    reasons += [
        f"{name} differs (then {before.get(name, 'unknown')}, now {now})"
        for name, now in numerics().items()
        if before.get(name) != now
    ]
    if manifest["plan_digest"] != plan.digest:
        reasons.append(
            f"the design is another one (then {manifest['plan_digest'][:8]}, now {plan.digest[:8]}): "
            "the manifest was changed, or this version reads a scenario otherwise"
        )
    return reasons


def provenance(more: tuple[str, ...] = ()) -> dict[str, Any]:
    """What made a result: digest of the code, replaced rules if any, versions, commit, platform.

    Args:
        more: files of the package that have a part in the result beside those that every run passes.

    Raises:
        CodeChanged: when a file is not what was loaded from it.
    """
    replaced = dict(loaded.replaced_rules())
    return {
        "code_digest": loaded.code_digest(more),
        **({"replaced_rules": replaced} if replaced else {}),
        "versions": versions(),
        "git": git_state(),
        "platform": platform.platform(),
    }


def versions() -> dict[str, str]:
    """Versions of the interpreter and of every package that decides bits or bytes."""
    packages = ("numpy", "numba", "scipy", "pandas", "pyarrow", "alliance-trust")
    return {"python": platform.python_version(), **{name: installed(name) for name in packages}}


@functools.cache
def installed(package: str) -> str:
    """Version of a package in this environment."""
    return importlib.metadata.version(package)


@functools.cache
def git_state() -> dict[str, Any] | None:
    """Commit of the code and whether it was changed since; None when the code is not in a git repository.

    Asked once: what is written to the files later is not what runs here.
    """
    here = Path(__file__).resolve().parent
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}  # set within hooks

    def ask(*words: str) -> str:
        answer = subprocess.run(
            ["git", *words], cwd=here, env=plain, capture_output=True, text=True, timeout=10, check=True
        )
        return answer.stdout.strip()

    try:
        ask("ls-files", "--error-unmatch", Path(__file__).name)
        commit, *changes = ask("status", "--porcelain=v2", "--branch").splitlines()
        return {"commit": commit.rpartition(" ")[2], "dirty": any(line[0] != "#" for line in changes)}
    except (OSError, subprocess.SubprocessError):
        return None


def commit_of(git: Mapping[str, Any] | None) -> str:
    """What :func:`git_state` found, in words."""
    if git is None:
        return "no commit"
    return f"commit {git['commit'][:12]}{' with changes' if git['dirty'] else ''}"


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
            "replicates": "count",
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
        partners = {"a": "organization, from 1", "b": "organization, from 1"}
        life = {"formed": "month", "cause": "text", "left_by": "text", "ended": "month"}
        found["alliances"] = {**cell, "replicate": "number, from 0", **partners, **life, **outcomes}
    return found


def factor_unit(factor: str) -> str:
    """The unit of a factor's levels."""
    name = factor.rpartition(".")[2]
    declared = Parameters.model_fields.get(name) or Traits.model_fields.get(name)
    if declared is not None:
        return str(meta(declared)["unit"])
    return {"months": "month", "organizations": "count", "partners": "count", "month": "month"}.get(name, "as written")
