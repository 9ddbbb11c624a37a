"""Another equation in the place of one of the model's, for a while and in this process alone.

    def the_lower_one(trust_a, trust_b):
        return min(trust_a, trust_b)

    with instead("mutual_trust", the_lower_one):
        changed = simulate(scenario)

Within the block everything that runs, stores or draws uses the other function, and everything that is stored says so:
its ``code_digest`` is another one, and its manifest names the rule and what stood in its place. Workers in processes of
their own have the shipped rules; work that is sent to them from within the block is refused there.
"""

from __future__ import annotations

import dis
import hashlib
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from graphlib import TopologicalSorter
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numba
import numpy as np

from sim import loaded
from sim.dynamics import rules
from sim.dynamics.compiled import compiled
from sim.tomlfile import did_you_mean

Rule = Callable[..., Any]
NO_FUNCTION = "{!r} is no function that is written in Python"
_standing: dict[str, Rule] = {}


@contextmanager
def instead(rule: str, function: Rule) -> Iterator[None]:
    """Within this block the model runs on ``function`` in place of the rule of that name. Blocks may be nested.

    The function is taken as it is when the block is entered, with the values that it reads at that moment. It is
    compiled with everything that calls it, once for each text and each set of values; that takes half a minute and is
    kept on disk. Not for use while other threads simulate.

    Args:
        rule: name of a function in ``sim.dynamics.rules``.
        function: with as many arguments, in the same order. It may read numbers, texts, tuples and arrays, and call
            functions of ``math``, NumPy, ``sim.dynamics`` and your own, as far as Numba can compile it.

    Raises:
        ValueError: when there is no such rule.
        TypeError: when the function takes other arguments, or reads something whose value cannot be told.
        CodeChanged: when the model's files are not what was loaded from them.
    """
    _check(rule, function)
    loaded.code_digest()
    frozen = _Frozen()
    standing = frozen.function(function)
    affected = modules_with_rules()
    before, before_standing = {module: dict(vars(module)) for module in affected}, dict(_standing)
    name = getattr(function, "__name__", type(function).__name__)
    with loaded.replacing(rule, f"{name} ({frozen.digest()})"):
        try:
            _standing[rule] = compiled(standing)
            for module in affected:
                importlib.reload(module)
                if module is rules:
                    vars(rules).update(_standing)
            yield
        finally:
            _standing.clear()
            _standing.update(before_standing)
            for module, names in before.items():
                vars(module).update(names)
                for added in vars(module).keys() - names.keys():
                    del vars(module)[added]


def modules_with_rules() -> list[ModuleType]:
    """The rules and every loaded module of the core that calls them, each after those from which it takes names."""
    core = {name: module for name, module in sys.modules.items() if name.startswith("sim.dynamics.")}
    graph = {name: {part for part in _sources(module) if part in core} - {name} for name, module in core.items()}
    affected: list[ModuleType] = []
    for name in TopologicalSorter(graph).static_order():
        if core[name] is rules or any(core[part] in affected for part in graph[name]):
            affected.append(core[name])
    return affected


def _sources(module: ModuleType) -> Iterator[str]:
    """Names of the modules from which a module has something: themselves, or a function of theirs."""
    for value in vars(module).values():
        yield value.__name__ if isinstance(value, ModuleType) else str(getattr(value, "__module__", ""))


def _check(rule: str, function: Rule) -> None:
    known = {name: value for name, value in vars(rules).items() if _plain(value).__module__ == rules.__name__}
    if rule not in known:
        raise ValueError(f"{rule!r} is no rule of sim.dynamics.rules{did_you_mean(rule, known)}")
    if _plain(function) is _nobody:
        raise TypeError(NO_FUNCTION.format(function))
    shipped, other = inspect.signature(_plain(known[rule])), inspect.signature(_plain(function))
    try:
        other.bind(*shipped.parameters)
    except TypeError:
        raise TypeError(
            f"{rule} takes {len(shipped.parameters)} arguments, {shipped}, and {function.__name__} takes {other}"
        ) from None


def _plain(function: Any) -> Any:
    """A compiled function as it was written; anything that is no function as something of no module."""
    found = getattr(function, "py_func", function)
    return found if isinstance(found, FunctionType) else _nobody


def _nobody() -> None:
    """No rule."""


class _Frozen:
    """A function with copies of all that it reads, so that later changes do not reach it, and a digest of it all."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256(sys.version.encode())
        self._made: dict[FunctionType, Rule | None] = {}  # helpers; None while one is being made

    def digest(self) -> str:
        """SHA-256 of everything that was frozen, first 16 hex digits."""
        return self._hash.hexdigest()[:16]

    def function(self, function: Rule) -> Rule:
        """A copy of a function, not compiled."""
        plain = _plain(function)
        if plain is _nobody:
            raise TypeError(NO_FUNCTION.format(function))
        if plain in self._made:
            raise TypeError(f"{plain.__name__} calls itself, which a rule and its helpers may not")
        self._made[plain] = None
        self._note("function", plain.__qualname__)
        self._code(plain.__code__)
        read = {name: plain.__globals__[name] for name in _globals(plain.__code__) if name in plain.__globals__}
        copied: dict[str, Any] = {"__builtins__": __builtins__}
        copy = FunctionType(plain.__code__, copied, plain.__name__, None, self._cells(plain))
        copied.update({name: self.value(name, value) for name, value in read.items()})
        copy.__defaults__ = self.value("a default", plain.__defaults__)
        copy.__qualname__, copy.__doc__ = plain.__qualname__, plain.__doc__
        return copy

    def value(self, name: str, value: Any) -> Any:
        """What a function reads under a name."""
        self._note("value", name, type(value).__qualname__)
        if value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.generic)):
            self._note(repr(value))
            return value
        if isinstance(value, tuple):
            kept = [self.value(f"{name}[{k}]", item) for k, item in enumerate(value)]
            return tuple(kept) if type(value) is tuple else value
        if isinstance(value, np.ndarray) and not value.dtype.hasobject:
            self._note(value.dtype.str, value.shape)
            self._hash.update(value.tobytes())
            return value.copy()
        if isinstance(value, ModuleType) and value.__name__.split(".")[0] in ("math", "numpy", "sim"):
            self._note(value.__name__)  # of a known version, or of our digest
            return value
        if isinstance(value, np.ufunc) or isinstance(getattr(value, "__self__", None), ModuleType):  # such as math.exp
            self._note(value.__name__)
            return value
        if (plain := _plain(value)) is not _nobody:
            if plain.__module__.split(".")[0] in ("numpy", "sim"):
                self._note(plain.__module__, plain.__qualname__)
                return value
            return self._made.get(plain) or self._helper(plain, value)
        raise TypeError(
            f"{name} is {type(value).__name__}: a rule may read numbers, texts, tuples and arrays, and call functions; "
            f"give a value of a module or an object a name of its own first"
        )

    def _helper(self, plain: FunctionType, function: Any) -> Rule:
        """A function that is called, compiled as its author had it, or as the core is."""
        options = getattr(function, "targetoptions", {"error_model": "numpy"})
        self._note("options", sorted(options.items()))
        made: Rule = numba.jit(**{**options, "nopython": True})(self.function(function))
        self._made[plain] = made
        return made

    def _cells(self, function: FunctionType) -> tuple[CellType, ...] | None:
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        kept = tuple(CellType(self.value(name, cell.cell_contents)) for name, cell in cells)
        return kept or None

    def _code(self, code: CodeType) -> None:
        self._note(code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_argcount)
        for constant in code.co_consts:
            self._code(constant) if isinstance(constant, CodeType) else self._note(repr(constant))

    def _note(self, *facts: object) -> None:
        self._hash.update(repr(facts).encode())


def _globals(code: CodeType) -> Iterator[str]:
    """Names that code reads from its module, inner functions too."""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _globals(constant)
