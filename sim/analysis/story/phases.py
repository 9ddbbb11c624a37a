"""A life is divided into phases where trust turns, levels off, or jumps.

Trust is the mean of both partners' effective trust, smoothed by a centred mean of :data:`WINDOW` months. The life is
first cut before each dated breach, crash or loss of a key person, across which nothing is smoothed.
Then the phase that departs furthest from the straight line between its ends is cut where it departs most, again and
again, until none departs by :data:`TURN` or there are :data:`MOST_PHASES` (the line simplification of Ramer 1972 and
Douglas & Peucker 1973, with vertical distances). It finds turning points and also where a rise levels off.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sim.analysis.story.thresholds import MOST_PHASES, SHORTEST_PHASE, TURN, WINDOW

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Phase:
    """A stretch of an alliance's life, first and last month included; its first month together is 1."""

    first: int
    last: int

    @property
    def months(self) -> int:
        """How many months it has."""
        return self.last - self.first + 1


def smoothed(series: Floats) -> Floats:
    """Centred mean of :data:`WINDOW` values; near the ends of as many as there are on the shorter side."""
    reach = WINDOW // 2
    last = len(series) - 1
    means = []
    for k in range(len(series)):
        near = min(reach, k, last - k)
        means.append(series[k - near : k + near + 1].mean())
    return np.array(means)


def phases_of(trust: Floats, events: Iterable[int] = ()) -> list[Phase]:
    """Divide a life into phases; see the module's text for the method.

    Args:
        trust: mean trust of both partners at the end of each month, from month 0; at least two values.
        events: months after which a dated event begins a phase.

    Returns:
        Phases without a gap from month 1 to the last, in order.
    """
    last = len(trust) - 1
    cuts = [0, last]
    for month in sorted(events):
        if len(cuts) <= MOST_PHASES and all(abs(month - cut) >= SHORTEST_PHASE for cut in cuts):
            cuts.append(month)
    jumps = sorted(cuts[2:])  # here trust may jump, so neither the mean nor the straight line reaches across
    line = np.concatenate([smoothed(piece) for piece in np.split(trust, [month + 1 for month in jumps])])
    cuts.sort()
    while len(cuts) <= MOST_PHASES:
        found = [_departure(line, start, end, start in jumps) for start, end in pairwise(cuts)]
        size, month = max(found, key=lambda departure: (departure[0], -departure[1]))
        if size < TURN:
            break
        cuts = sorted([*cuts, month])
    return [Phase(start + 1, end) for start, end in pairwise(cuts)]


def _departure(line: Floats, start: int, end: int, jump: bool) -> tuple[float, int]:
    """How far a phase departs from the straight line between its ends, and where, where a cut is allowed.

    The line begins at the end of the month before the phase, or at that of its first month after a ``jump``.
    """
    allowed = np.arange(start + SHORTEST_PHASE, end - SHORTEST_PHASE + 1)
    if len(allowed) == 0:
        return 0.0, start
    begin = start + jump
    straight = line[begin] + (line[end] - line[begin]) * (allowed - begin) / (end - begin)
    away = np.abs(line[allowed] - straight)
    return float(away.max()), int(allowed[np.argmax(away)])
