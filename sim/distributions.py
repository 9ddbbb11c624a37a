"""How a trait is spread over organizations: five distributions, each drawn by its quantile function.

Drawing by quantiles makes a draw monotone in one uniform number, so two scenarios that share their random numbers
share the *rank* of every organization, whatever the distribution. In a scenario file a distribution is written as a
number, ``{uniform = [low, high]}``, ``{normal = [mean, sd]}``, ``{beta = [a, b]}`` or
``{mixture = [[weight, distribution], …]}``; for the two value profiles also as a table by dimension.
"""

from __future__ import annotations

import functools
import math
import reprlib
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]


class Distribution(ABC):
    """A one-dimensional distribution that can be drawn from uniforms and written to a scenario file."""

    @abstractmethod
    def draw(self, select: Array, uniform: Array) -> Array:
        """Values for uniforms in (0, 1). ``select`` picks the component of a mixture and broadcasts."""

    @abstractmethod
    def plain(self) -> Any:
        """The value that a scenario file would hold; :func:`parse` reads it back."""

    @abstractmethod
    def landmarks(self) -> tuple[float, ...]:
        """The values named in it that should lie within the trait's bounds: a constant, both ends, a mean."""


@dataclass(frozen=True)
class Constant(Distribution):
    """Everybody the same."""

    value: float

    def draw(self, select: Array, uniform: Array) -> Array:
        return np.full(np.broadcast_shapes(np.shape(select), np.shape(uniform)), float(self.value))

    def plain(self) -> Any:
        return self.value

    def landmarks(self) -> tuple[float, ...]:
        return (self.value,)


@dataclass(frozen=True)
class Uniform(Distribution):
    """Evenly spread from ``low`` to ``high``."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"uniform needs low <= high, got [{self.low}, {self.high}]")

    def draw(self, select: Array, uniform: Array) -> Array:
        return self.low + (self.high - self.low) * uniform

    def plain(self) -> Any:
        return {"uniform": [self.low, self.high]}

    def landmarks(self) -> tuple[float, ...]:
        return (self.low, self.high)


@dataclass(frozen=True)
class Normal(Distribution):
    """Bell-shaped, with ``mean`` and standard deviation ``sd``."""

    mean: float
    sd: float

    def __post_init__(self) -> None:
        if self.sd < 0:
            raise ValueError(f"normal needs sd >= 0, got {self.sd}")

    def draw(self, select: Array, uniform: Array) -> Array:
        return self.mean + self.sd * special.ndtri(uniform)

    def plain(self) -> Any:
        return {"normal": [self.mean, self.sd]}

    def landmarks(self) -> tuple[float, ...]:
        return (self.mean,)


@dataclass(frozen=True)
class Beta(Distribution):
    """On [0, 1], with shapes ``a`` and ``b`` (mean a/(a+b))."""

    a: float
    b: float

    def __post_init__(self) -> None:
        if self.a <= 0 or self.b <= 0:
            raise ValueError(f"beta needs both shapes > 0, got [{self.a}, {self.b}]")

    def draw(self, select: Array, uniform: Array) -> Array:
        if uniform.size > SHORT:
            return np.asarray(special.betaincinv(self.a, self.b, uniform))
        return _beta_quantiles(self.a, self.b, uniform.tobytes()).reshape(uniform.shape)

    def plain(self) -> Any:
        return {"beta": [self.a, self.b]}

    def landmarks(self) -> tuple[float, ...]:
        return ()  # it cannot leave [0, 1]


SHORT = 2**14
"""Uniforms for which quantiles of a beta distribution are remembered, at most; so memory stays below 20 MB."""


@functools.lru_cache(maxsize=64)
def _beta_quantiles(a: float, b: float, uniforms: bytes) -> Array:
    """Remembered, since they are slow and the cells of a sweep share their random numbers; read-only."""
    quantiles = np.asarray(special.betaincinv(a, b, np.frombuffer(uniforms)))
    quantiles.flags.writeable = False
    return quantiles


@dataclass(frozen=True)
class Mixture(Distribution):
    """Several kinds of organizations: ``parts`` are (weight, distribution); the weights need not sum to one.

    A part cannot be a mixture itself: one uniform number picks the part, and a second choice would need another.
    """

    parts: tuple[tuple[float, Distribution], ...]

    def __post_init__(self) -> None:
        weights = [weight for weight, _ in self.parts]
        if min(weights, default=-1.0) < 0 or not 0 < sum(weights) < math.inf:
            raise ValueError("mixture needs at least one part, weights >= 0 and a positive sum of weights")
        if any(isinstance(part, (Mixture, Profile)) for _, part in self.parts):
            raise ValueError("the parts of a mixture are simple distributions: write a mixture of mixtures as one")

    def draw(self, select: Array, uniform: Array) -> Array:
        edges = np.cumsum([weight for weight, _ in self.parts])
        select, uniform = np.broadcast_arrays(select, uniform)
        choice = np.minimum(np.searchsorted(edges / edges[-1], select, side="right"), len(self.parts) - 1)
        values = np.empty(uniform.shape)
        for k, (_, part) in enumerate(self.parts):
            mine = choice == k
            values[mine] = part.draw(select[mine], uniform[mine])
        return values

    def plain(self) -> Any:
        return {"mixture": [[weight, part.plain()] for weight, part in self.parts]}

    def landmarks(self) -> tuple[float, ...]:
        return tuple(value for _, part in self.parts for value in part.landmarks())


@dataclass(frozen=True)
class Profile(Distribution):
    """A value profile: one distribution for each dimension, in the order of ``sim.parameters.DIMENSIONS``.

    Its draws expect the dimensions on the last axis of ``uniform``.
    """

    dimensions: tuple[str, ...]
    parts: tuple[Distribution, ...]

    def draw(self, select: Array, uniform: Array) -> Array:
        select, uniform = np.broadcast_arrays(select, uniform)
        return np.stack([part.draw(select[..., k], uniform[..., k]) for k, part in enumerate(self.parts)], axis=-1)

    def plain(self) -> Any:
        return {name: part.plain() for name, part in zip(self.dimensions, self.parts, strict=True)}

    def landmarks(self) -> tuple[float, ...]:
        return tuple(value for part in self.parts for value in part.landmarks())


_SHAPES: dict[str, type[Uniform | Normal | Beta]] = {"uniform": Uniform, "normal": Normal, "beta": Beta}
MOST_PARTS = 100
"""Kinds of organizations in a mixture, at most: a draw looks at each."""
FORMS = "a number, {uniform=[low, high]}, {normal=[mean, sd]}, {beta=[a, b]} or {mixture=[[weight, distribution], …]}"


def is_number(value: Any) -> bool:
    """True for a finite number; a switch is none, nor is a whole number beyond the 64 bits that TOML knows."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return -(2**63) <= value < 2**63 if isinstance(value, int) else math.isfinite(value)


def shown(value: Any) -> str:
    """A value as a message quotes it: dates and switches as TOML writes them, long ones shortened."""
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "a whole number beyond 64 bits"  # Python refuses to write one of very many digits
    return str(value).lower() if isinstance(value, bool) else reprlib.repr(value)


def expect(value: Any, kind: type | tuple[type, ...], what: str) -> None:
    """Refuse a value of another kind and say what is expected, such as "folder: a path or text".

    Raises:
        TypeError: when it is of none of the kinds; a switch is no number.
    """
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{what}; got {shown(value)}")


def in_percent(value: Any) -> str:
    """ "; did you mean 0.8?" for "80%" and for 80, where a share is wanted; else nothing."""
    text = value.strip() if isinstance(value, str) else ""
    if text.endswith("%"):
        with suppress(ValueError):
            value = float(text[:-1])
    if is_number(value) and (text or value > 1) and 0 <= value <= 100:
        return f"; did you mean {value / 100:g}?"
    return ""


def parse(value: Any, dimensions: tuple[str, ...] = ()) -> Distribution:
    """Read a distribution as written in a scenario file.

    Args:
        value: a number or a table, see the module's docstring.
        dimensions: names of the dimensions of a value profile; with them, a table by dimension is allowed too.

    Raises:
        ValueError: with what is wrong and what is allowed.
    """
    if is_number(value):
        return Constant(float(value))
    if isinstance(value, dict) and value and set(value) <= set(dimensions):
        return _profile(value, dimensions)
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError(f"{shown(value)} is no distribution{in_percent(value) or f'; allowed: {FORMS}'}")
    ((kind, arguments),) = value.items()
    if kind in _SHAPES:
        return _shape(kind, arguments)
    if kind == "mixture":
        return _mixture(arguments)
    raise ValueError(f"unknown distribution {shown(kind)}; allowed: {FORMS}")


def _profile(parts: dict[str, Any], dimensions: tuple[str, ...]) -> Profile:
    missing = [name for name in dimensions if name not in parts]
    if missing:
        raise ValueError(f"a profile needs all dimensions; missing: {', '.join(missing)}")
    return Profile(dimensions, tuple(parse(parts[name]) for name in dimensions))


def _shape(kind: str, arguments: Any) -> Distribution:
    if not (isinstance(arguments, list) and len(arguments) == 2 and all(map(is_number, arguments))):
        raise ValueError(f"{kind} takes two numbers, got {shown(arguments)}")
    return _SHAPES[kind](*map(float, arguments))


def _mixture(parts: Any) -> Mixture:
    pairs = parts if isinstance(parts, list) else []
    if not pairs or not all(isinstance(p, list) and len(p) == 2 and is_number(p[0]) for p in pairs):
        raise ValueError(f"mixture takes [[weight, distribution], …], got {shown(parts)}")
    if len(pairs) > MOST_PARTS:
        raise ValueError(f"mixture has {len(pairs)} parts; at most {MOST_PARTS}")
    return Mixture(tuple((float(weight), parse(part)) for weight, part in pairs))
