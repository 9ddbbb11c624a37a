"""How the core is compiled: plain scalar code, no fast-math, the GIL released; ``cache`` keeps the machine code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

from sim.dynamics import cache
from sim.dynamics.cache import settings as settings

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile a function of the core. ``NUMBA_DISABLE_JIT=1`` leaves it as plain Python: same code, same results."""
    made: F = cache.keep(numba.njit(nogil=True, error_model="numpy")(function))
    return made


def is_cached() -> bool:
    """True when this version of the core has been compiled on this machine before, or needs no compiling."""
    folder = cache.folder()
    return bool(settings.DISABLE_JIT) or (folder is not None and any(folder.rglob("*run_many*.nbc")))
