"""What came out, in words: which differences are large, which small, and which cannot be told from zero."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sim.dynamics.outcomes import OUTCOMES
from sim.intervals import digits_of
from sim.study import analysis
from sim.study.analysis import outcome_words, sentence, signed, unit_words
from sim.study.words import Study, rows_of

LARGE_SHARE = 0.2
"""A difference in money or months is large beyond this share of the reference's mean."""
LARGE_STEP = 0.1
"""A difference in a share or in trust (0 to 1) is large beyond this."""

LARGE, SMALL, UNCLEAR, SAME, UNKNOWN = "large", "small", "not told apart from zero", "the same", "no interval"
"""How a difference reads."""

READING_RULE = (
    f"A difference is called large when its whole 95% interval lies beyond {LARGE_STEP:g} for trust, "
    f"{100 * LARGE_STEP:.0f} percentage points for shares, {100 * LARGE_SHARE:.0f}% of the reference's mean for "
    "all else; small when the interval only excludes zero; not told apart from zero when it does not."
)


def reading(row: Mapping[str, Any]) -> str:
    """How a row of :func:`sim.study.analysis.paired` reads, by :data:`READING_RULE`."""
    low, high, found = float(row["low"]), float(row["high"]), analysis.sure_of(row, "difference")
    if found.alike and found.estimate == 0.0:
        return SAME
    if not found.known:
        return UNKNOWN
    if low <= 0.0 <= high:
        return UNCLEAR
    bounded = OUTCOMES[str(row["outcome"])].unit in ("share", "trust")
    limit = LARGE_STEP if bounded else LARGE_SHARE * abs(float(row["reference_mean"]))
    return LARGE if min(abs(low), abs(high)) > limit else SMALL


def contrasts(study: Study, outcome: str) -> list[dict[str, Any]]:
    """Differences of every cell from the reference, the largest first, each with its name, reading and sentence."""
    names, reference = study.names, study.names[study.reference]
    rows = rows_of(study.paired[study.paired["outcome"] == outcome])
    found = []
    for row in rows:
        said = sentence({**row, "label": names[row["cell"]], "reference": reference})
        found.append({**row, "name": names[row["cell"]], "reading": reading(row), "sentence": said})
    return sorted(found, key=lambda row: -abs(row["difference"]) if not math.isnan(row["difference"]) else math.inf)


def tally(rows: list[dict[str, Any]]) -> str:
    """Differences in one outcome, counted: "value: lower in 2 of 2 cells (1 large); from −24.1 to −14.2 money"."""
    parts = []
    for way, sign in (("lower", -1), ("higher", 1)):
        those = [row for row in rows if row["reading"] in (LARGE, SMALL) and sign * row["difference"] > 0]
        large = sum(row["reading"] == LARGE for row in those)
        if those:
            parts.append(f"{way} in {len(those)} of {len(rows)} cells" + (f" ({large} large)" if large else ""))
    for kind in (UNCLEAR, SAME, UNKNOWN):
        count = sum(row["reading"] == kind for row in rows)
        if count:
            parts.append(f"{kind} in {count} of {len(rows)}")
    return f"{outcome_words(str(rows[0]['outcome']))}: {', '.join(parts)}{_range(rows)}"


def _range(rows: list[dict[str, Any]]) -> str:
    """The lowest and the highest difference, with unit; nothing where there is no difference to tell of."""
    outcome = str(rows[0]["outcome"])
    known = [row for row in rows if not math.isnan(row["difference"])]
    if all(row["reading"] == SAME for row in known):
        return ""
    ends = [min(known, key=lambda row: row["difference"]), max(known, key=lambda row: row["difference"])]
    shown = list(dict.fromkeys(_difference(row) for row in ends))
    return f"; {'from ' if len(shown) > 1 else 'by '}{' to '.join(shown)}{unit_words(outcome)}"


def _difference(row: Mapping[str, Any]) -> str:
    found = analysis.sure_of(row, "difference")
    return signed(found.estimate, digits_of(found))
