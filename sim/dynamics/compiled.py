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
from typing import Any, TypeVar

import numba
from numba.core import config as _numba_config

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


def compiled(function: F) -> F:
    """Compile a function of the core. ``NUMBA_DISABLE_JIT=1`` leaves it as plain Python: same code, same results."""
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(CACHE)
    try:
        made: Any = numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True, _nrt=False)(function)
        return made
    finally:
        settings.CACHE_DIR = before


def is_cached() -> bool:
    """True when this version of the core has been compiled on this machine before, or needs no compiling."""
    return bool(settings.DISABLE_JIT) or any(CACHE.rglob("*run_many*.nbc"))
