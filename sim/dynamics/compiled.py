"""How the core is compiled: plain scalar code, no fast-math, the GIL released, machine code kept on disk.

Numba keys its on-disk cache on the file that holds a function, not on the files that the function calls, so a changed
rule could leave a stale kernel behind. The cache folder is therefore named after the text of the whole core: change one
equation and everything that uses it is compiled anew.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import config as _numba_config
from numba.core import types
from numba.core.registry import CPUDispatcher

F = TypeVar("F", bound=Callable[..., Any])
settings: Any = _numba_config


def _cache_root() -> Path:
    """The user's cache folder (``XDG_CACHE_HOME`` is respected)."""
    base = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "alliance-trust"


def source_digest() -> str:
    """SHA-256 (first 16 hex digits) of everything that decides a run's bits: the core and the declared parameters."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for path in [*sorted(here.glob("*.py")), here.parent / "parameters.py", here.parent / "distributions.py"]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _here() -> str:
    """Eight hex digits that stand for this copy of the code: Numba keeps machine code apart for each."""
    return hashlib.sha256(str(Path(__file__).resolve()).encode()).hexdigest()[:8]


CACHE = _cache_root() / f"numba-{numba.__version__}-{source_digest()}-{_here()}"


OPTIONS = {"nopython": True, "nogil": True, "error_model": "numpy", "_nrt": False, "no_cfunc_wrapper": True, "forceinline": True}
"""How all of the core is compiled. It allocates nothing, so nothing is reference-counted (``_nrt``)."""


class Inlined(CPUDispatcher):  # type: ignore[misc]
    """A function of the core that only machine code calls as machine code; Python that calls it runs it as Python.

    A way in from Python costs as much compiling as a small function itself, so only an :func:`entry` has one.
    """

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.py_func(*arguments, **named)

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """One machine code for all: Numba makes another one for each constant that an argument may be (0, 1, 2 …)."""
        return super().get_call_template([types.unliteral(one) for one in args], kws)


def compiled(function: F) -> F:
    """A function of the core that others of the core call: it becomes part of their machine code.

    Called from Python it runs as plain Python, with the same results: for what is called often, there is
    :func:`entry`. ``NUMBA_DISABLE_JIT=1`` leaves all as plain Python.
    """
    return _made(Inlined, function, no_cpython_wrapper=True)


def entry(function: F) -> F:
    """A function of the core that Python calls as machine code; else as :func:`compiled`."""
    return _made(CPUDispatcher, function)


def _made(kind: type, function: F, **options: bool) -> F:
    """The function as a dispatcher of Numba that keeps its machine code in ``CACHE``."""
    if settings.DISABLE_JIT:
        return function
    made: Any = kind(py_func=function, locals={}, targetoptions={**OPTIONS, **options})
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(CACHE)
    try:
        made.enable_caching()
        return cast(F, made)
    finally:
        settings.CACHE_DIR = before


def is_cached() -> bool:
    """True when this version of the core has been compiled on this machine before, or needs no compiling."""
    return bool(settings.DISABLE_JIT) or any(CACHE.rglob("*run_many*.nbc"))
