"""Results are what their manifest says: digests are of the code that was loaded, machine code is that of the text."""

from __future__ import annotations

import ast
import importlib.util
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import pytest

from sim import loaded
from sim.dynamics import cache, compiled, rules
from sim.sweeps import manifest as manifests
from sim.sweeps.executors import dask as dask_executor

ROOT = Path(__file__).resolve().parents[2]


# ---------------------------------------------------------------------------------------------------------------
# A copy of the package
# ---------------------------------------------------------------------------------------------------------------
@pytest.fixture
def package(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "sim", tmp_path / "sim", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "sim"


def loaded_from(package: Path) -> ModuleType:
    """The module ``loaded`` of a copy, as a new process would have it."""
    spec = importlib.util.spec_from_file_location("loaded_of_a_copy", package / "loaded.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def append(path: Path, text: str = "# changed\n") -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def python(package: Path, code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process that imports a copy of the package."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=package.parent,
        env={**os.environ, "PYTHONPATH": str(package.parent), **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


# ---------------------------------------------------------------------------------------------------------------
# What the digest covers
# ---------------------------------------------------------------------------------------------------------------
def test_every_file_that_can_change_a_run_changes_the_digest(package: Path) -> None:
    before = loaded_from(package)
    seen = {before.code_digest(): "none"}
    for name in before.files_of(before.BITS):
        text = (package / name).read_bytes()
        append(package / name)
        changed = loaded_from(package)
        assert seen.setdefault(changed.code_digest(), name) == name, name
        assert (changed.digest(changed.CORE) != before.digest(before.CORE)) == (name in before.files_of(before.CORE))
        (package / name).write_bytes(text)
    assert loaded_from(package).code_digest() in seen
    append(package / "study" / "words.py")
    assert seen[loaded_from(package).code_digest()] == "none"  # words change no run


def imports_of(name: str) -> Iterator[str]:
    """Files of the package that one of its files imports."""
    for node in ast.walk(ast.parse((ROOT / "sim" / name).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sim":
            base = ROOT.joinpath(*str(node.module).split("."))
            for path in (base.with_suffix(".py"), *(base / f"{alias.name}.py" for alias in node.names)):
                if path.is_file():
                    yield path.relative_to(ROOT / "sim").as_posix()


def test_the_digest_covers_all_that_leads_from_files_to_tables() -> None:
    found: set[str] = set()
    waiting = ["engine.py", "sweeps/design.py", "sweeps/plan.py", "sweeps/shards.py"]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += imports_of(name)
    assert len(found) > 20
    assert found <= set(loaded.files_of(loaded.BITS))
    assert {"sweeps/runner.py", "sweeps/tables.py"} <= set(loaded.files_of(loaded.BITS))  # these add up and write


def test_a_theory_s_digest_covers_its_closed_forms() -> None:
    assert loaded.code_digest(("study/theory.py",)) != loaded.code_digest()
    assert manifests.provenance()["code_digest"] == loaded.code_digest()
    assert "replaced_rules" not in manifests.provenance()


# ---------------------------------------------------------------------------------------------------------------
# Edited while loaded
# ---------------------------------------------------------------------------------------------------------------
def test_a_file_that_is_another_one_now_is_refused_by_name(package: Path) -> None:
    copy = loaded_from(package)
    digest, path = copy.code_digest(), package / "dynamics" / "rules.py"
    text = path.read_bytes()
    os.utime(path)
    assert rules.__name__ in sys.modules  # so that its functions were compared with the text
    assert copy.code_digest() == digest  # only its date
    append(path)
    with pytest.raises(copy.CodeChanged, match=r"^dynamics/rules.py was changed after it was loaded: restart the ker"):
        copy.code_digest()
    assert copy.digest(copy.BITS) == digest  # what was loaded is what it was
    path.write_bytes(text)
    assert copy.code_digest() == digest
    (package / "engine.py").unlink()
    append(package / "scenario.py")
    with pytest.raises(copy.CodeChanged, match=r"^engine.py, scenario.py were changed after they were loaded"):
        copy.code_digest()
    append(package / "study" / "words.py")
    assert "words" not in copy.changed()


def test_a_file_that_was_written_before_its_text_was_looked_at_has_no_digest(package: Path) -> None:
    copy = loaded_from(package)
    append(package / "engine.py")
    assert copy.digest(copy.BITS) not in {loaded_from(package).digest(copy.BITS), loaded.digest(loaded.BITS)}
    with pytest.raises(copy.CodeChanged, match=r"engine.py"):
        copy.code_digest()


IN_ONE_SESSION = """
import importlib, sys, time
from pathlib import Path
from sim import loaded
from sim.dynamics import kernel, rules
from sim.library import find
from sim.scenario import load
from sim.sweeps.design import experiment_of
from sim.sweeps.runner import run_experiment

dyad = load(find("scenarios", "baseline")).replace(months=1, organizations=2, partners=1)
experiment = experiment_of([dyad, dyad.replace(trust_gain=0.2)], 1, 1, "trial")

def attempt():
    try:
        return str(run_experiment(experiment, "out", jobs=1))
    except loaded.CodeChanged as error:
        return str(error)

path = Path(rules.__file__)
text = path.read_text(encoding="utf-8")
print(attempt().startswith("out"))
path.write_text(text.replace("x + speed", "x + 0.2 * speed"), encoding="utf-8")
print(attempt())
importlib.reload(rules)
print(attempt())
path.write_text(text, encoding="utf-8")  # as it was, while the other one is still loaded
print(attempt())
importlib.reload(rules)
print(attempt().startswith("out"), len(list(Path("out").rglob("manifest.json"))))
"""


def test_a_session_in_which_a_rule_was_edited_stores_nothing(package: Path) -> None:
    for folder in ("scenarios", "experiments"):
        shutil.copytree(ROOT / folder, package.parent / folder)
    rules = (package / "dynamics" / "rules.py").read_text(encoding="utf-8")
    assert "x + speed" in rules
    done = python(package, IN_ONE_SESSION, NUMBA_DISABLE_JIT="1")
    assert done.returncode == 0, done.stderr
    words = "dynamics/rules.py was changed after it was loaded: restart the kernel, worker or program that runs it"
    assert done.stdout.splitlines() == ["True", words, words, words, "True 2"]


def test_bytecode_that_is_older_than_its_source_is_not_run(package: Path) -> None:
    """Python itself looks at whole seconds and at the size only."""
    remedies = package / "sweeps" / "remedies.py"
    with remedies.open("a", encoding="utf-8") as file:
        file.write("K = 1.5\n")
    date, show = remedies.stat().st_mtime_ns, "from sim.sweeps import remedies; print(remedies.K)"
    assert python(package, show).stdout == "1.5\n"
    remedies.write_text(remedies.read_text(encoding="utf-8").replace("K = 1.5", "K = 3.0"), encoding="utf-8")
    os.utime(remedies, ns=(date, date))
    assert python(package, show).stdout == "3.0\n"


# ---------------------------------------------------------------------------------------------------------------
# Machine code
# ---------------------------------------------------------------------------------------------------------------
ONE = "from sim.dynamics.compiled import entry\n\n@entry\ndef inner(x):\n    return x * {}\n"
TWO = (
    "from sim.dynamics import one\nfrom sim.dynamics.compiled import entry\n\n"
    "@entry\ndef outer(x):\n    return one.inner(x) + 0.0\n"
)
OUTER = "from sim.dynamics import two; print(two.outer(2.0))"


def test_without_a_folder_for_machine_code_numbers_follow_the_source(package: Path) -> None:
    (package / "dynamics" / "two.py").write_text(TWO, encoding="utf-8")
    kept = set()
    for factor, result in (("1.5", "3.0"), ("2.5", "5.0")):
        (package / "dynamics" / "one.py").write_text(ONE.format(factor), encoding="utf-8")
        done = python(package, OUTER, XDG_CACHE_HOME=os.devnull, NUMBA_CACHE_DIR="")
        assert done.stdout == f"{result}\n"
        (line,) = (said for said in done.stderr.splitlines() if said != compiled.FirstUse.ANNOUNCEMENT)
        kept.add(line.partition("alliance-trust/")[0])
    assert kept == {f"machine code cannot be kept: {os.devnull}/"}
    assert not list(package.rglob("*.nb*"))


def test_numba_s_own_ways_to_find_a_place_are_not_used(package: Path, tmp_path: Path) -> None:
    (package / "dynamics" / "one.py").write_text(ONE.format("1.5"), encoding="utf-8")
    show = "from sim.dynamics import cache, one; print(one.inner(2.0), cache.folder())"
    kept = tmp_path / "kept"
    environment = {"NUMBA_CACHE_DIR": str(kept), "NUMBA_CACHE_LOCATOR_CLASSES": "InTreeCacheLocator"}
    done = python(package, show, **environment)
    assert done.stdout.startswith(f"3.0 {kept}"), done.stderr
    assert not list(package.rglob("*.nb*"))
    assert list(kept.rglob("*.nbc"))


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, and no variable that names another place."""
    monkeypatch.setattr(cache, "_usable", set())
    monkeypatch.setattr(cache, "_said", set())
    monkeypatch.setattr(cache.settings, "DISABLE_JIT", 0)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_the_folder_for_machine_code_follows_the_rule(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def root() -> Path:
        found = cache.folder()
        assert found is not None
        return found.parents[1]

    assert root() == places / "home" / ".cache"
    for name in ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR"):
        before = root()
        for ignored in ("", "cache", "./cache", "~/cache"):
            monkeypatch.setenv(name, ignored)
            assert root() == before
        monkeypatch.setenv(name, str(places / name))
        assert root() == places / name
    assert not (Path.cwd() / "cache").exists()


@pytest.mark.parametrize("place", ["a file", "nowhere", "of another user", "no home", "full"])
def test_where_machine_code_cannot_be_kept_one_line_says_so(
    place: str, places: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    words = {"a file": "Not a directory", "nowhere": "cannot be written", "of another user": "belongs to another user"}
    if place == "a file":
        (places / "home").write_text("")
    elif place == "nowhere":
        monkeypatch.setenv("HOME", "/proc")
    elif place == "no home":
        monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    elif place == "full":
        monkeypatch.setattr(cache.tempfile, "TemporaryFile", full)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with caplog.at_level(logging.WARNING):
        assert [cache.folder() for _ in range(3)] == [None] * 3
        assert not compiled.is_cached()
        kept = cache.keep(numba.njit(lambda x: x + 1))
    (record,) = caplog.records
    assert words.get(place, {"no home": "no home folder", "full": "No space left"}.get(place, "")) in record.message
    assert record.message.endswith("Name a folder of yours that can be written in NUMBA_CACHE_DIR")
    assert not isinstance(kept._cache, cache._Kept)


def test_what_happens_to_the_folder_later_costs_no_run(
    places: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def twice(x: float) -> float:
        return x * 2.0

    def made() -> Any:
        return cache.keep(numba.njit(twice))

    path = cache.folder()
    assert path is not None
    assert made()(1.0) == 2.0
    (index,) = path.glob("*.nbi")
    assert (other := made())(1.0) == 2.0
    assert sum(other.stats.cache_hits.values()) == 1
    for damage in (b"", b"damaged", index.read_bytes()[:-20]):
        index.write_bytes(damage)
        assert made()(1.0) == 2.0  # compiled anew
        made()(1.0)
        assert (other := made())(1.0) == 2.0
        assert sum(other.stats.cache_hits.values()) == 1
    before = made()
    shutil.rmtree(path)
    path.write_text("in the way")
    with caplog.at_level(logging.WARNING):
        assert before(1.0) == 2.0
    (record,) = caplog.records
    assert "machine code cannot be kept in" in record.message


def test_doctor_says_that_nothing_is_kept(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from sim.cli import alliance

    monkeypatch.setenv("NUMBA_CACHE_DIR", os.devnull)
    assert "none: machine code is not kept" in CliRunner().invoke(alliance, ["doctor", "--json"]).stdout


# ---------------------------------------------------------------------------------------------------------------
# Workers and commits
# ---------------------------------------------------------------------------------------------------------------
def test_a_worker_that_lived_too_long_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    here = dask_executor.facts()
    assert dask_executor.compared(here) == ([], [])
    monkeypatch.setattr(loaded, "changed", lambda *_: "engine.py was changed after it was loaded: restart it")
    assert dask_executor.compared(here) == ([], [])  # it has loaded what the sweep runs
    refused, _ = dask_executor.compared({**here, "model": "newer"})
    assert refused == [f"model {here['model']}, here newer", "engine.py was changed after it was loaded: restart it"]


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words],
        cwd=folder,
        check=True,
        capture_output=True,
    )


def test_git_tells_the_commit_and_whether_anything_was_changed(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "__file__", str(package / "sweeps" / "manifest.py"))

    def state() -> Any:
        manifests.git_state.cache_clear()
        return manifests.git_state()

    try:
        assert state() is None  # in no repository
        git(tmp_path, "init", "-q")
        assert state() is None  # in one that does not hold it
        git(tmp_path, "add", "sim")
        git(tmp_path, "commit", "-q", "-m", "all")
        clean = state()
        assert (len(clean["commit"]), clean["dirty"]) == (40, False)
        assert manifests.commit_of(clean) == f"commit {clean['commit'][:12]}"
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        git(elsewhere, "init", "-q")
        monkeypatch.setenv("GIT_DIR", str(elsewhere / ".git"))  # as within a hook of another repository
        monkeypatch.setenv("GIT_WORK_TREE", str(elsewhere))
        shutil.rmtree(elsewhere / ".git" / "hooks", ignore_errors=True)
        assert state()["commit"] == clean["commit"]
        monkeypatch.delenv("GIT_DIR")
        monkeypatch.delenv("GIT_WORK_TREE")
        shutil.rmtree(elsewhere)
        append(package / "study" / "words.py")
        assert state() == {**clean, "dirty": True}
        assert manifests.commit_of(state()) == f"commit {clean['commit'][:12]} with changes"
        git(tmp_path, "checkout", "-q", "sim")
        (tmp_path / "new.py").write_text("")
        assert state() == {**clean, "dirty": True}
    finally:
        manifests.git_state.cache_clear()
