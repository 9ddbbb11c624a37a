"""An installed wheel works without the clone: it holds scenarios and experiments; command and front door find them.

The environment is an empty one, into which pip installs the wheel. What the wheel depends on is taken from the
environment of the tests, by a path that comes after its own, since it would take minutes to download.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with a wheel of this tree in it."""
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=300)
    (wheel,) = place.glob("*.whl")
    venv.create(place / "environment", with_pip=False)
    python = place / "environment" / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python), "install", "--no-deps"]
    subprocess.run([*pip, "--no-index", str(wheel)], check=True, capture_output=True, timeout=300)
    (site,) = (place / "environment").rglob("site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def run(installed: Path, here: Path, *words: str) -> str:
    """What a program of the environment prints, run from a folder of its own."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["NUMBA_DISABLE_JIT"] = "1"
    done = subprocess.run(words, cwd=here, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def alliance(installed: Path, here: Path, *words: str) -> str:
    """What the command prints."""
    return run(installed, here, str(installed.with_name("alliance")), *words)


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


def test_the_door_opens_and_every_shipped_scenario_runs(installed: Path, tmp_path: Path) -> None:
    program = """
import sim
from sim import LiveRun, compare, load
from sim.library import available
print(sim.__file__, sim.__version__)
for name in available("scenarios"):
    live = LiveRun(load(name))
    live.step()
    print(name, live.month)
small = load("baseline").replace(months=2, organizations=2, partners=1)
print(compare({"a": small, "b": small.replace(blame=0.1)}, 2).contrasts.shape)
"""
    first, *ran, last = run(installed, tmp_path, str(installed), "-c", program).splitlines()
    file, version = first.split()
    assert Path(file).is_relative_to(installed.parents[1])
    assert version == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    shipped = sorted(path.stem for path in (ROOT / "scenarios").glob("*.toml") if not path.stem.startswith("_"))
    assert ran == [f"{name} 1" for name in shipped]
    assert last.startswith("(3, ")


def test_what_is_no_code_is_there_too(installed: Path) -> None:
    """The page's style, and the mark that tells type checkers that the package is typed."""
    (package,) = installed.parents[1].rglob("site-packages/sim")
    assert {"page.css", "table.js"} <= {path.name for path in package.rglob("*")}
    assert (package / "py.typed").is_file()
