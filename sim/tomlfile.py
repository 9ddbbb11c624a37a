"""Reading TOML so that every mistake is reported at once, as ``file:line: key: what is wrong``."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Key = tuple[str | int, ...]
"""Path of a value in a file: names of keys and, for ``[[tables]]``, numbers from 0."""


@dataclass(frozen=True)
class Problem:
    """One mistake: where it is (a path of keys) and what to do about it."""

    key: Key
    message: str

    def dotted(self) -> str:
        """The key as a person would write it; tables of an array count from 1."""
        return ".".join(f"{part + 1}" if isinstance(part, int) else part for part in self.key)


class BadFile(Exception):
    """A file with mistakes. ``str()`` gives one line for each: ``file:line: key: what is wrong``."""

    def __init__(self, path: Path | str, problems: Iterable[Problem], lines: dict[Key, int] | None = None) -> None:
        self.path = path
        self.problems = list(problems)
        self.lines = lines or {}
        super().__init__("\n".join(self.reports()))

    def line_of(self, key: Key) -> int:
        """The line of a key, or of the nearest table that holds it; 1 when nothing is known."""
        for length in range(len(key), 0, -1):
            if key[:length] in self.lines:
                return self.lines[key[:length]]
        return 1

    def reports(self) -> list[str]:
        """One line for each mistake, in the order of the file."""
        ordered = sorted(self.problems, key=lambda problem: self.line_of(problem.key))
        return [
            f"{self.path}:{self.line_of(problem.key)}: "
            + (f"{problem.dotted()}: " if problem.key else "")
            + problem.message
            for problem in ordered
        ]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ ", did you mean x?" when a known name is near, else the whole list if it is short, else nothing."""
    known = list(known)
    near = difflib.get_close_matches(str(word), known, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; allowed: {', '.join(known)}" if len(known) <= 16 else ""


def read(path: Path | str) -> tuple[dict[str, Any], dict[Key, int]]:
    """A TOML file as a dictionary, and the line of each of its keys.

    Raises:
        BadFile: when the file cannot be read or is no TOML.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadFile(path, [Problem((), f"cannot be read: {error.strerror or error}")]) from None
    except UnicodeDecodeError as error:
        raise BadFile(path, [Problem((), f"is not UTF-8 text (byte {error.start})")]) from None
    try:
        return tomllib.loads(text), locate(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line = int(found.group(1)) if found else text.count("\n") + 1
        message = re.sub(r"\s*\(at .*\)$", "", str(error))
        raise BadFile(path, [Problem(("toml",), f"is not valid TOML: {message}")], {("toml",): line}) from None
    except RecursionError:
        raise BadFile(path, [Problem((), "is nested too deeply")]) from None


_HEADER = re.compile(r"^\s*(\[\[?)([^\[\]]+)\]\]?\s*(#.*)?$")
_ASSIGNMENT = re.compile(
    r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


def locate(text: str) -> dict[Key, int]:
    """The line (from 1) on which each key and table of a valid TOML text is set."""
    lines: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    table: Key = ()
    depth = 0
    quote = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if depth == 0 and not quote:
            header, assignment = _HEADER.match(line), _ASSIGNMENT.match(line)
            if header:
                table = _resolve(tuple(_parts(header.group(2))), counts, header.group(1) == "[[")
                lines.setdefault(table, number)
                continue
            if assignment:
                key = table + tuple(_parts(assignment.group(1)))
                for length in range(len(table) + 1, len(key) + 1):
                    lines.setdefault(key[:length], number)
                line = line[assignment.end() :]
        depth, quote = _scan(line, depth, quote)
    return lines


def _parts(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(dotted)]


def _resolve(names: Key, counts: dict[Key, int], is_array: bool) -> Key:
    """The path of a table header, with the number of the newest element put in after each array of tables."""
    path: Key = ()
    for position, name in enumerate(names):
        path += (name,)
        last = position == len(names) - 1
        if last and is_array:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path += (counts[path],)
    return path


def _scan(line: str, depth: int, quote: str) -> tuple[int, str]:
    """Depth of open brackets and the open multi-line quote after this line."""
    i = 0
    while i < len(line):
        if quote:
            if quote[0] == '"' and line[i] == "\\":
                i += 2
                continue
            if line.startswith(quote, i):
                i += len(quote)
                quote = ""
                continue
        elif line.startswith(('"""', "'''"), i):
            quote = line[i : i + 3]
            i += 3
            continue
        elif line[i] in "\"'":
            quote = line[i]
        elif line[i] in "[{":
            depth += 1
        elif line[i] in "]}":
            depth -= 1
        elif line[i] == "#":
            break
        i += 1
    return depth, quote if len(quote) == 3 else ""
