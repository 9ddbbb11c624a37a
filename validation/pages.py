"""Generated lines on a written page: between a named mark and the end mark that follows it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

END = "<!-- end of generated -->"


def mark(name: str) -> str:
    """The line that opens a generated block."""
    return f"<!-- generated: {name} -->"


def fill(text: str, blocks: Mapping[str, Iterable[str]]) -> str:
    """The page with the lines of every named block put between its marks; the rest stays as it is.

    Raises:
        ValueError: when the page lacks the marks of a block.
    """
    for name, lines in blocks.items():
        block = "\n".join([mark(name), "", *lines, "", END])
        pattern = re.compile(re.escape(mark(name)) + r"\n.*?" + re.escape(END), re.DOTALL)
        text, found = pattern.subn(lambda _, new=block: new, text)  # type: ignore[misc]
        if found != 1:
            raise ValueError(f"the page needs the lines {mark(name)!r} and {END!r} once; found {found} times")
    return text


def names(text: str) -> list[str]:
    """Names of the generated blocks of a page, in its order."""
    return re.findall(r"^<!-- generated: (.+) -->$", text, re.MULTILINE)
