"""Words and numbers of a story: how amounts, months and lists are written, and lines are broken."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence

from sim.study.words import capital, number

COLUMNS = 80
"""Width of the story as text."""
MOST_MONTHS = 4
"""Months are listed up to this many, and counted beyond."""


def decimals(value: float) -> str:
    """With two decimals and a true minus."""
    return number(float(value), 2)


def in_money(value: float) -> str:
    """Money, with one decimal and a true minus."""
    return number(float(value), 1)


def hundredths(whole: int) -> str:
    """A whole number of hundredths, with two decimals."""
    return decimals(whole / 100)


def adding_up(parts: Mapping[str, float], total: int, units: int) -> dict[str, int]:
    """Parts in whole units that add up to ``total`` as they are shown.

    Each is rounded; where the sum does not come out, those that rounding moved furthest the wrong way are rounded the
    other way. So each is within one unit of what it is, and one that is exactly zero stays so.

    Args:
        parts: amounts by name.
        total: their sum in units, itself rounded.
        units: how many of them make 1.
    """
    shown = {name: round(units * part) for name, part in parts.items()}
    missing = total - sum(shown.values())
    step = 1 if missing > 0 else -1
    moved = [name for name, part in parts.items() if part]
    ranked = sorted(moved, key=lambda name: step * (shown[name] - units * parts[name]))
    for name in ranked[: abs(missing)]:
        shown[name] += step
    return shown


def counted(many: int) -> str:
    """A whole number; in words up to ten."""
    small = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return small[many] if many < len(small) else str(many)


def paragraph(sentences: Iterable[str]) -> str:
    """Sentences that are not empty, one after the other, each with a capital first and a full stop last."""
    return " ".join(f"{capital(sentence)}." for sentence in sentences if sentence)


def months_long(many: int) -> str:
    """ "one month", "12 months"."""
    return "one month" if many == 1 else f"{many} months"


def joined(items: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(items) < 2:
        return items[0] if items else ""
    return f"{', '.join(items[:-1])} and {items[-1]}"


def possessive(name: str) -> str:
    """ "AOL's", "Sons'"."""
    return f"{name}'" if name.endswith("s") else f"{name}'s"


def dates(months: Sequence[int]) -> str:
    """ "in month 3", "in months 3 and 5", "six times between month 3 and month 40"; months in order."""
    if len(months) == 1:
        return f"in month {months[0]}"
    if len(months) <= MOST_MONTHS:
        return f"in months {joined([str(month) for month in months])}"
    return f"{counted(len(months))} times between month {months[0]} and month {months[-1]}"


def wrapped(text: str, columns: int) -> str:
    """In lines of at most so many characters."""
    return textwrap.fill(text, columns, break_long_words=False, break_on_hyphens=False)


def at_each(names: Sequence[str], numbers: Sequence[str]) -> str:
    """ "0.10 at AOL and 0.20 at Time Warner", or "0.10 each"."""
    if len(numbers) > 1 and len(set(numbers)) == 1:
        return f"{numbers[0]} each"
    return joined([f"{shown} at {name}" for shown, name in zip(numbers, names, strict=True)])


def just_under(value: float, limit: float) -> str:
    """A value that is below a limit, so that it is also seen to be."""
    shown = decimals(float(value))
    return f"just under {shown}" if shown == decimals(limit) else shown
