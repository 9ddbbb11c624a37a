"""How a statement of the model page is stated and judged: claims, and what is found of them.

A statement is a tuple of claims. A claim names an effect, how it is measured, and where it must lie; most also name the
mechanism that brings it about. So a finding has two halves: the effect, whose whole 95% interval must lie within
``expected``, and the same effect with its mechanism switched off, whose whole interval must lie within ``gone``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sim.intervals import Interval, Range
from sim.study.effects import Settings

REMAINS = 0.25
"""Largest share of an effect that may remain when it is said to be gone."""
ABOVE_ZERO: Range = (0.0, math.inf)
BELOW_ZERO: Range = (-math.inf, 0.0)

Measure = Callable[..., Interval]
"""Measures an effect: takes a seed, a number of replicates and, by keyword, settings that all its variants share."""


@dataclass(frozen=True)
class Claim:
    """One part of a statement.

    Attributes:
        text: what should come out.
        quantity: what is measured, in words, with its unit.
        measure: measures it.
        expected: the range that the effect's whole interval must lie in.
        off: how the mechanism is switched off, in words; empty where there is nothing to switch.
        without: the settings that switch it off.
        counterpart: what is measured with the mechanism off, where it is not the same effect.
        gone: the range that the whole interval must lie in then; None: at most a quarter of the effect, or reversed.
    """

    text: str
    quantity: str
    measure: Measure
    expected: Range = ABOVE_ZERO
    off: str = ""
    without: Settings = field(default_factory=dict)
    counterpart: Measure | None = None
    gone: Range | None = None

    def tested(self, seed: int, replicates: int) -> Finding:
        """Measure the effect, and what is left of it with its mechanism switched off."""
        effect = self.measure(seed, replicates)
        if not self.off:
            return Finding(self, effect)
        return Finding(self, effect, (self.counterpart or self.measure)(seed, replicates, **self.without))


@dataclass(frozen=True)
class Finding:
    """What was found of a claim: the effect, and the effect with its mechanism off (None: nothing to switch)."""

    claim: Claim
    effect: Interval
    off_effect: Interval | None = None

    @property
    def holds(self) -> bool:
        """The effect is as expected."""
        return self.effect.within(self.claim.expected)

    @property
    def goes_away(self) -> bool:
        """Switched off, the effect is gone; True also where there is nothing to switch."""
        return self.off_effect is None or self.off_effect.within(self.claim.gone or self._little_of_it())

    def _little_of_it(self) -> Range:
        """A quarter of the effect or less, or the other sign."""
        left = REMAINS * abs(self.effect.estimate)
        return (-math.inf, left) if self.effect.estimate > 0 else (-left, math.inf)

    @property
    def verdict(self) -> str:
        """ "holds", "holds, but not by this mechanism alone" or "not yet"."""
        if not self.holds:
            return "not yet"
        return "holds" if self.goes_away else "holds, but not by this mechanism alone"


def verdict(findings: Sequence[Finding]) -> str:
    """The verdict on a whole statement: "holds", "partly" or "not yet"."""
    sound = [finding.holds and finding.goes_away for finding in findings]
    return "holds" if all(sound) else "partly" if any(sound) else "not yet"
