"""How the core is compiled: plain scalar code, no fast-math, the GIL released; ``cache`` keeps the machine code."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba.core import event, types
from numba.core.registry import CPUDispatcher

from sim.dynamics import cache
from sim.dynamics.cache import settings as settings

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = {
    "nopython": True,
    "nogil": True,
    "error_model": "numpy",
    "forceinline": True,
    "_nrt": False,  # the core allocates nothing, so nothing is reference-counted
    "no_cfunc_wrapper": True,
}
"""How all of the core is compiled."""


class Core(CPUDispatcher):
    """A compiled function of the core."""

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """One machine code for all: Numba makes another one for each constant that an argument may be (0, 1, 2 …)."""
        return super().get_call_template([types.unliteral(one) for one in args], kws)


class Inlined(Core):
    """A function of the core that only machine code calls as machine code; Python that calls it runs it as Python.

    A way in from Python costs as much compiling as a small function itself, so only an :func:`entry` has one.
    """

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.py_func(*arguments, **named)


def compiled(function: F) -> F:
    """A function of the core that others of the core call: it becomes part of their machine code.

    Called from Python it runs as plain Python, with the same results: for what is called often, there is
    :func:`entry`. ``NUMBA_DISABLE_JIT=1`` leaves all as plain Python.
    """
    return _made(Inlined, function, no_cpython_wrapper=True)


def entry(function: F) -> F:
    """A function of the core that Python calls as machine code; else as :func:`compiled`."""
    return _made(Core, function)


def _made(kind: type[Core], function: F, **options: bool) -> F:
    """The function as a dispatcher of Numba whose machine code is kept on disk, where that is possible."""
    if settings.DISABLE_JIT:
        return function
    return cast(F, cache.keep(kind(py_func=function, locals={}, targetoptions={**OPTIONS, **options})))


# ---------------------------------------------------------------------------------------------------------------
# First use
# ---------------------------------------------------------------------------------------------------------------
class FirstUse(event.Listener):
    """Says on stderr, once in a process, that the core is being compiled; on a terminal also how far it is.

    Attributes:
        quiet: say nothing.
        said: it has been said.
    """

    ANNOUNCEMENT = "compiling the model for the first time on this machine: usually 20 to 60 s …"
    PATIENCE = 1.0
    """Seconds of compiling that pass without a word: one small function more is not worth one."""

    def __init__(self) -> None:
        self.quiet = self.said = False
        self.functions = self.depth = 0
        self.began = self.spent = 0.0

    def on_start(self, occasion: Any) -> None:
        """A function begins to be compiled; those that it calls are compiled within it."""
        if not isinstance(occasion.data["dispatcher"], Core):
            return
        if self.depth == 0:
            self.began = time.monotonic()
        self.depth += 1
        self.tell()

    def on_end(self, occasion: Any) -> None:
        """A function has been compiled."""
        if not isinstance(occasion.data["dispatcher"], Core):
            return
        self.functions += 1
        self.tell()
        self.depth -= 1
        if self.depth == 0:
            self.spent += time.monotonic() - self.began
            self.show("")

    def tell(self) -> None:
        """Say it if it has not been said and takes its time; renew the line on a terminal."""
        seconds = self.spent + time.monotonic() - self.began
        if seconds < self.PATIENCE:
            return
        if not self.said and not self.quiet and sys.stderr is not None:
            self.said = True
            sys.stderr.write(f"{self.ANNOUNCEMENT}\n")
            sys.stderr.flush()
        self.show(f"  {self.functions} functions in {seconds:.0f} s")

    def show(self, text: str) -> None:
        """The line on a terminal that says how far it is; an empty one takes it away."""
        if self.said and not self.quiet and sys.stderr is not None and sys.stderr.isatty():
            sys.stderr.write(f"\r{text}\x1b[K")
            sys.stderr.flush()


first_use = FirstUse()
event.register("numba:compile", first_use)


def is_cached() -> bool:
    """True when this version of the core has been compiled on this machine before, or needs no compiling."""
    folder = cache.folder()
    return bool(settings.DISABLE_JIT) or (folder is not None and any(folder.rglob("*run_many*.nbc")))
