"""An installed wheel works without the clone: it holds scenarios and experiments, and the command finds them."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this tree, unpacked as pip would."""
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=300)
    (wheel,) = place.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place / "site")
    return place / "site"


def alliance(installed: Path, here: Path, *words: str) -> str:
    """What the command prints, run from a folder of its own and from nothing but the wheel."""
    program = "import sim.cli, sys; sys.stderr.write(sim.__file__); sim.cli.main()"
    environment = {**os.environ, "PYTHONPATH": str(installed), "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-P", "-c", program, *words]
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert str(installed) in done.stderr
    return done.stdout


def test_scenarios_and_experiments_are_listed(installed: Path, tmp_path: Path) -> None:
    for kind in ("scenarios", "experiments"):
        shipped = [path.stem for path in (ROOT / kind).glob("*.toml") if not path.stem.startswith("_")]
        listed = alliance(installed, tmp_path, kind)
        assert shipped
        assert [name for name in shipped if name not in listed] == []


def test_a_scenario_runs_and_a_new_one_is_begun(installed: Path, tmp_path: Path) -> None:
    small = ("--set", "months=3", "--set", "organizations=2", "--no-figures")
    assert "month" in alliance(installed, tmp_path, "run", "baseline", *small)
    alliance(installed, tmp_path, "scenarios", "new", "mine")
    assert list(tmp_path.rglob("mine.toml"))


def test_a_report_finds_its_style(installed: Path) -> None:
    assert {"page.css", "table.js"} <= {path.name for path in (installed / "sim" / "study" / "page").iterdir()}
