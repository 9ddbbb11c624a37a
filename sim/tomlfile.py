"""Reading TOML so that every mistake is reported at once, as ``file:line: key: what is wrong``."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.distributions import shown as shown  # what quotes a value belongs to every reader of TOML
from sim.text import visible

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
    """A file with mistakes. ``str()`` gives one line for each: ``file:line: key: what is wrong``.

    Without ``lines`` (the data came from no file, or it cannot be read) the line is left out.
    """

    def __init__(self, path: Path | str, problems: Iterable[Problem], lines: dict[Key, int] | None = None) -> None:
        self.path = path
        self.problems = list(problems)
        self.lines = lines
        super().__init__("\n".join(self.reports()))

    def line_of(self, key: Key) -> int:
        """The line of a key, or of the nearest table that holds it; 1 when nothing is known."""
        lines = self.lines or {}
        for length in range(len(key), 0, -1):
            if key[:length] in lines:
                return lines[key[:length]]
        return 1

    def reports(self) -> list[str]:
        """One line for each mistake, in the order of the file."""
        ordered = sorted(self.problems, key=lambda problem: self.line_of(problem.key))
        return [
            visible(
                f"{self.path}{'' if self.lines is None else f':{self.line_of(problem.key)}'}: "
                + (f"{problem.dotted()}: " if problem.key else "")
                + problem.message
            )
            for problem in ordered
        ]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ ", did you mean x?" when a known name is near, else the whole list if it is short, else nothing."""
    known = list(known)
    near = difflib.get_close_matches(str(word), known, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; allowed: {', '.join(known)}" if len(known) <= 16 else ""


BEYOND = "whole number beyond 64 bits"


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
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _invalid(path, "is not UTF-8 text: save it as UTF-8", line) from None
    try:
        data, lines = tomllib.loads(text), locate(text)
    except RecursionError:
        raise BadFile(path, [Problem((), "is nested too deeply")], {}) from None
    except tomllib.TOMLDecodeError as error:
        message = re.sub(r"\s*\(at .*\)$", "", str(error))
        raise _invalid(path, f"is not valid TOML: {message}", _line_of_error(str(error), text)) from None
    except ValueError:  # more digits than Python converts to a number
        before = re.split(r"[\d_]{4300}", text, maxsplit=1)[0]
        raise _invalid(path, f"holds a {BEYOND}", before.count("\n") + 1) from None
    beyond = list(_beyond_64_bits(data, ()))
    if beyond:
        raise BadFile(path, [Problem(key, f"is a {BEYOND}") for key in beyond], lines)
    return data, lines


def _invalid(path: Path | str, message: str, line: int) -> BadFile:
    """A file that is no TOML at all: the mistake has a line, and "toml" in place of a key."""
    return BadFile(path, [Problem(("toml",), message)], {("toml",): line})


def _line_of_error(message: str, text: str) -> int:
    """The line that a parser's message names; "at end of document" is the last line with something on it."""
    found = re.search(r"\(at line (\d+), column \d+\)", message)
    return int(found.group(1)) if found else text.rstrip().count("\n") + 1


def _beyond_64_bits(value: Any, key: Key) -> Iterator[Key]:
    """Keys of the whole numbers that TOML does not know; Python would read them, and stumble over them later."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _beyond_64_bits(item, (*key, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _beyond_64_bits(item, (*key, number))
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield key


def locate(text: str) -> dict[Key, int]:
    """The line (from 1) on which each key, table and element of an array of a valid TOML text begins."""
    locator = _Locator(text)
    locator.document()
    return locator.lines


_TOKEN = re.compile(
    r"""
      (?P<comment> \#[^\n]* )
    | (?P<string>  \"{3} (?:\\.|[^\\])*? \"{3,5} | '{3} .*? '{3,5} | " (?:\\.|[^"\\])* " | ' [^']* ' )
    | (?P<word>    [^\s\#"'=.,\[\]{}]+ )
    | (?P<mark>    [\n=.,\[\]{}] )
    """,
    re.VERBOSE | re.DOTALL,
)


class _Locator:
    """Walks a TOML text that is known to be valid, and so need not check anything, and notes where things begin."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Key, int] = {}
        self.newest: dict[Key, int] = {}  # number of the newest element of each [[array of tables]]
        self.tokens: list[tuple[str, int]] = []
        line, end = 1, 0
        for token in _TOKEN.finditer(text):
            line += text.count("\n", end, token.start())
            end = token.start()
            if token.lastgroup != "comment":
                self.tokens.append((token.group(), line))
        self.tokens.append(("\n", line))
        self.at = 0

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1][0]

    def peek(self) -> str:
        return self.tokens[self.at][0]

    def skip(self, *marks: str) -> None:
        while self.at < len(self.tokens) and self.peek() in marks:
            self.at += 1

    def note(self, key: Key, line: int) -> None:
        """Enter a key and the tables that hold it, unless they have been met before."""
        for length in range(1, len(key) + 1):
            self.lines.setdefault(key[:length], line)

    def document(self) -> None:
        table: Key = ()
        self.skip("\n")
        while self.at < len(self.tokens):
            if self.peek() == "[":
                table = self.header()
            else:
                self.assignment(table)
            self.skip("\n")

    def header(self) -> Key:
        """``[table]`` or ``[[table]]``: its path, with the number of the newest element after each array of tables."""
        line = self.tokens[self.at][1]
        self.take()
        is_array = self.peek() == "["
        self.skip("[")
        names = self.names(until="]")
        self.skip("]")
        path: Key = ()
        for position, name in enumerate(names, start=1):
            path += (name,)
            if is_array and position == len(names):
                self.newest[path] = self.newest.get(path, -1) + 1
            if path in self.newest:
                path += (self.newest[path],)
        self.note(path, line)
        return path

    def assignment(self, table: Key) -> None:
        """``key = value`` or ``a."b".c = value``."""
        line = self.tokens[self.at][1]
        key = table + self.names(until="=")
        self.note(key, line)
        self.value(key)

    def names(self, until: str) -> Key:
        """The parts of a dotted key."""
        parts = []
        while (token := self.take()) != until:
            if token != ".":
                parts.append(token)
        return tuple(tomllib.loads(f"key = {part}")["key"] if part[0] in "\"'" else part for part in parts)

    def value(self, key: Key) -> None:
        opening = self.take()
        if opening == "[":
            self.skip("\n", ",")
            number = 0
            while self.peek() != "]":
                self.note((*key, number), self.tokens[self.at][1])
                self.value((*key, number))
                self.skip("\n", ",")
                number += 1
            self.take()
        elif opening == "{":
            self.skip("\n", ",")
            while self.peek() != "}":
                self.assignment(key)
                self.skip("\n", ",")
            self.take()
        else:
            while self.peek() not in ("\n", ",", "]", "}"):  # numbers and dates have several parts
                self.take()
