"""What code runs in this process: its digest, whether its files were changed since, which rules were replaced.

A result bears the digest of the code that computed it. That is the code which this process has *loaded*, and not what
the files say by the time somebody asks: a file may be edited while a notebook or a worker lives. So the state of every
file is noted when the package is imported, before any other module of it is loaded, and whoever puts a digest on a
result asks :func:`code_digest`, which refuses when a file is another one by then.

Nothing heavy is imported here: it is the first thing that ``import sim`` does.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from importlib.util import cache_from_source
from pathlib import Path
from types import CodeType, MappingProxyType

PACKAGE = Path(__file__).resolve().parent

CORE = ("dynamics/*.py", "parameters.py", "distributions.py")
"""What is compiled, and what decides the layout of its records: machine code is kept apart for each text of these."""
BITS = (
    *("__init__.py", "loaded.py", "text.py", "parameters.py", "distributions.py", "intervals.py"),
    *("tomlfile.py", "scenario.py", "conditions.py", "library.py"),
    *("dynamics/*.py", "engine.py", "sweeps/__init__.py"),
    *("sweeps/checks.py", "sweeps/design.py", "sweeps/draft.py", "sweeps/levels.py", "sweeps/sampling.py"),
    *("sweeps/plan.py", "sweeps/runner.py", "sweeps/shape.py", "sweeps/shards.py", "sweeps/tables.py"),
    "sides.py",
)
"""What decides a number on its way from the files of an experiment to a table: the code digest is over these."""
TASKS = ("*.py", "dynamics/*.py", "sweeps/*.py", "sweeps/executors/*.py")
"""What a task meets on its way to a worker and back."""


class CodeChanged(RuntimeError):
    """Code is not what it was when it was loaded; ``str()`` says which files and what to do."""


# ---------------------------------------------------------------------------------------------------------------
# What the files were
# ---------------------------------------------------------------------------------------------------------------
Stamp = tuple[int, int, int, int]


def _stamp(path: Path | str) -> Stamp | None:
    """What changes when a file is written or replaced; None when it is not there."""
    with suppress(OSError):
        found = os.stat(path)
        return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
    return None


def _all_files() -> Iterator[str]:
    """Every source file that a digest may cover, by its name in the package."""
    for folder in ("", "dynamics/", "sweeps/", "sweeps/executors/", "study/"):
        with suppress(OSError):
            names = os.listdir(os.path.join(PACKAGE, folder))
            yield from (f"{folder}{name}" for name in names if name.endswith(".py"))


def _drop_stale_bytecode(name: str, stamp: Stamp | None) -> None:
    """Remove Python's bytecode of a file that was written after it.

    Python knows stale bytecode by the size of the source and by its time in whole seconds. So the bytecode of
    ``K = 1.5`` could run under the digest of a text that says ``K = 3.0``.
    """
    if stamp is None or sys.implementation.cache_tag is None:  # then there is no bytecode
        return
    with suppress(OSError):
        kept = cache_from_source(os.path.join(PACKAGE, name))
        if max(stamp[:2]) >= os.stat(kept).st_mtime_ns:
            os.unlink(kept)


_STAMPS: dict[str, Stamp | None] = globals().get("_STAMPS") or {  # kept when this module is loaded once more
    name: _stamp(os.path.join(PACKAGE, name)) for name in _all_files()
}
for _name, _found in _STAMPS.items():
    _drop_stale_bytecode(_name, _found)


@functools.cache
def _sha256(name: str) -> bytes:
    """Of a file's text as it was loaded. Of one that was written to since the package was imported, it equals none."""
    import hashlib

    with suppress(OSError):
        text = (PACKAGE / name).read_bytes()
        if _stamp(PACKAGE / name) == _STAMPS.get(name):
            return hashlib.sha256(text).digest()
    return os.urandom(32)


# ---------------------------------------------------------------------------------------------------------------
# The digest
# ---------------------------------------------------------------------------------------------------------------
@functools.cache
def files_of(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the files that were there when the package was imported, such as ``dynamics/rules.py``, sorted."""
    return tuple(
        sorted(
            name
            for name in _STAMPS
            if any(name.count("/") == pattern.count("/") and fnmatchcase(name, pattern) for pattern in patterns)
        )
    )


def digest(patterns: tuple[str, ...]) -> str:
    """SHA-256 (first 16 hex digits) of files as they were loaded, by their names, and of the rules that were replaced.

    It says nothing of what has become of them since; :func:`code_digest` does.
    """
    import hashlib

    made = hashlib.sha256()
    for name in files_of(patterns):
        made.update(name.encode() + b"\0" + _sha256(name))
    for rule, other in sorted(_replaced.items()):
        made.update(f"{rule}\0{other}\0".encode())
    return made.hexdigest()[:16]


def code_digest(more: tuple[str, ...] = ()) -> str:
    """The digest of everything that decides a run's bits, as it was loaded.

    Args:
        more: patterns of other files that have a part in a result, such as closed forms.

    Raises:
        CodeChanged: when a file is not what was loaded from it. What would be computed is not what its text says.
    """
    if words := changed((*BITS, *more)):
        raise CodeChanged(words)
    return digest((*BITS, *more))


def changed(patterns: tuple[str, ...] = BITS) -> str:
    """Which files are not what was loaded from them and what to do, in words; empty when all are the same.

    As long as nobody writes to a file this is one look at its date.
    """
    wrong = [name for name in files_of(patterns) if not _is_as_loaded(name)]
    if not wrong:
        return ""
    was = "was changed after it was" if len(wrong) == 1 else "were changed after they were"
    return f"{', '.join(wrong)} {was} loaded: restart the kernel, worker or program that runs it"


def _is_as_loaded(name: str) -> bool:
    import hashlib

    stamp = _stamp(PACKAGE / name)
    if stamp == _STAMPS[name]:
        return True
    with suppress(OSError):
        text = (PACKAGE / name).read_bytes()
        if hashlib.sha256(text).digest() == _sha256(name) and _is_running(name, text):
            _STAMPS[name] = stamp  # somebody wrote it as it had been
            return True
    return False


def _is_running(name: str, text: bytes) -> bool:
    """Whether the functions of a module are those of a text: it may have been loaded again while it was another."""
    parts = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    module = sys.modules.get("sim" if parts == "__init__" else f"sim.{parts}")
    if module is None:
        return True
    written = set(_codes(compile(text, str(PACKAGE / name), "exec", dont_inherit=True)))
    functions = (getattr(value, "py_func", value) for value in vars(module).values())
    own = [function for function in functions if getattr(function, "__module__", "") == module.__name__]
    return {function.__code__ for function in own if hasattr(function, "__code__")} <= written


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


@functools.cache
def version() -> str:
    """The version of the package as it is installed; "unknown" where its files are used without being installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("alliance-trust")
    except PackageNotFoundError:
        return "unknown"


# ---------------------------------------------------------------------------------------------------------------
# Replaced rules
# ---------------------------------------------------------------------------------------------------------------
_replaced: dict[str, str] = globals().get("_replaced") or {}


def replaced_rules() -> Mapping[str, str]:
    """The rules that stand replaced now, each with the name and the digest of what stands in its place."""
    return MappingProxyType(_replaced)


@contextmanager
def replacing(rule: str, by: str) -> Iterator[None]:
    """While it is entered, digests tell that a rule is replaced. It replaces nothing: ``sim.replaced.instead`` does."""
    before = dict(_replaced)
    _replaced[rule] = by
    try:
        yield
    finally:
        _replaced.clear()
        _replaced.update(before)


def replaced_in_words(rules: Mapping[str, str]) -> str:
    """Replaced rules in words: "mutual_trust by the_lower_one (1a2b3c4d)"; "none" when all are the shipped ones."""
    return ", ".join(f"{rule} by {other}" for rule, other in sorted(rules.items())) or "none"
