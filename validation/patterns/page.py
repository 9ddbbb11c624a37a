"""The statements measured, as the table of docs/validation.md."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from validation.effects import REPLICATES, SEED
from validation.pages import fill
from validation.patterns import AGAINST_NULL, STATEMENTS
from validation.patterns.claims import Finding, verdict

NULL = 0
"""Stands for the comparison with the null among the numbers of the statements."""
MEASURED = "statements, measured"
"""Name of the generated block of docs/validation.md that :func:`main` fills."""


def measure(seed: int = SEED, replicates: int = REPLICATES) -> dict[int, list[Finding]]:
    """What is found of every claim, by statement, the null at the end; tells its progress on the error stream."""
    found = {}
    everything = {**STATEMENTS, NULL: AGAINST_NULL}
    for number, claims in everything.items():
        found[number] = [claim.tested(seed, replicates) for claim in claims]
        print(f"{len(found)} of {len(everything)} statements measured", file=sys.stderr)
    return found


def table(found: Mapping[int, Sequence[Finding]]) -> Iterator[str]:
    """The lines of the Markdown table of docs/validation.md."""
    yield "| | claim | measured | effect | switched off | effect then | verdict |"
    yield "|---|---|---|---|---|---|---|"
    for number, findings in found.items():
        if number == NULL:
            yield from (_row("**null**", finding, beside_null(finding)) for finding in findings)
        else:
            yield f"| **{number}** | | | | | | **{verdict(findings)}** |"
            yield from (_row("", finding, finding.verdict) for finding in findings)


def beside_null(finding: Finding) -> str:
    """Whether the null brings about what is expected of the model."""
    does_it_too = finding.off_effect is not None and finding.off_effect.within(finding.claim.expected)
    return "the null does it too: no evidence" if does_it_too else "not in the null"


def _row(name: str, finding: Finding, said: str) -> str:
    claim, then = finding.claim, finding.off_effect
    cells = (name, claim.text, claim.quantity, finding.effect, claim.off, "" if then is None else then, said)
    return f"| {' | '.join(map(str, cells))} |"


def main(arguments: Sequence[str]) -> None:
    """Print the table; with ``--write PAGE`` put it on that page instead.

    Raises:
        SystemExit: with how to call it, when the arguments are others.
        OSError: when there is no such page, ValueError: when it lacks the marks; both before anything is measured.
    """
    if arguments and not (len(arguments) == 2 and arguments[0] == "--write"):
        raise SystemExit("usage: python -m validation.patterns [--write docs/validation.md]")
    if not arguments:
        print("\n".join(table(measure())))
        return
    page = Path(arguments[1])
    fill(page.read_text(encoding="utf-8"), {MEASURED: ()})  # refuses now, not after minutes of measuring
    lines = list(table(measure()))
    page.write_text(fill(page.read_text(encoding="utf-8"), {MEASURED: lines}), encoding="utf-8")
