"""How the core is compiled: plain scalar code, no fast-math, the GIL released; ``cache`` keeps the machine code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba.core import types
from numba.core.registry import CPUDispatcher

from sim.dynamics import cache
from sim.dynamics.cache import settings as settings

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = {
    "nopython": True,
    "nogil": True,
    "error_model": "numpy",
    "_nrt": False,
    "no_cfunc_wrapper": True,
    "forceinline": True,
}
"""How all of the core is compiled. It allocates nothing, so nothing is reference-counted (``_nrt``)."""


class Inlined(CPUDispatcher):
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
    """The function as a dispatcher of Numba whose machine code is kept on disk, where that is possible."""
    if settings.DISABLE_JIT:
        return function
    return cast(F, cache.keep(kind(py_func=function, locals={}, targetoptions={**OPTIONS, **options})))


def is_cached() -> bool:
    """True when this version of the core has been compiled on this machine before, or needs no compiling."""
    folder = cache.folder()
    return bool(settings.DISABLE_JIT) or (folder is not None and any(folder.rglob("*run_many*.nbc")))
