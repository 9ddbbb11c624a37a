"""Reading TOML so that every mistake is reported at once, as ``file:line: key: what is wrong``."""

from __future__ import annotations

import difflib
import errno
import os
import re
import stat
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.distributions import shown as shown  # what quotes a value belongs to every reader of TOML
from sim.text import visible

Key = tuple[str | int, ...]
"""Path of a value in a file: names of keys and, for ``[[tables]]``, numbers from 0."""

MOST_LISTED = 20
"""Mistakes that are listed; of the others it is said how many there are."""
LONGEST_LINE = 1000
"""Characters of a mistake that are shown."""
LONGEST_WORD = 100
"""Characters of a word for which a near one is looked for."""
MOST_BYTES = 4_000_000
"""Size of a scenario or an experiment: room for as many listed points as may be, of a dozen factors each."""
DEEPEST = 32
"""Tables and lists in each other. Ours need eight; readers that call themselves stop at some hundred."""


@dataclass(frozen=True)
class Problem:
    """One mistake: where it is (a path of keys) and what to do about it."""

    key: Key
    message: str

    def dotted(self) -> str:
        """The key as a person would write it; tables of an array count from 1."""
        return ".".join(f"{part + 1}" if isinstance(part, int) else part for part in self.key)


class TooDeep(RecursionError):
    """A value in which tables and lists stand in each other too often; ``key`` is the beginning of its path."""

    def __init__(self, key: Key) -> None:
        super().__init__(TOO_DEEP)
        self.key = key


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
        """A line for each of the first mistakes in the order of the file, and one that says how many more there are."""
        ordered = sorted(self.problems, key=lambda problem: self.line_of(problem.key))
        more = [f"{self.path}: and {len(ordered) - MOST_LISTED:,} more"] if len(ordered) > MOST_LISTED else []
        return [self._report(problem) for problem in ordered[:MOST_LISTED]] + more

    def _report(self, problem: Problem) -> str:
        line = "" if self.lines is None else f":{self.line_of(problem.key)}"
        key = f"{shortened(problem.dotted(), LONGEST_WORD)}: " if problem.key else ""
        return visible(f"{self.path}{line}: {key}{shortened(problem.message)}")


def shortened(text: str, most: int = LONGEST_LINE) -> str:
    """The text, or its beginning and "…" where it is longer than ``most``."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def first_lines(lines: Iterable[str]) -> str:
    """The first mistakes as lines, none too long, and how many more there are."""
    listed = list(lines)
    more = [f"and {len(listed) - MOST_LISTED:,} more"] if len(listed) > MOST_LISTED else []
    return "\n".join([*map(shortened, listed[:MOST_LISTED]), *more])


def unknown_keys(table: Iterable[str], known: Iterable[str], at: Key, what: str = "unknown key") -> list[Problem]:
    """A mistake for each key that is not known. Only the first, which are listed, get a near name: that takes time."""
    known = list(known)
    allowed = set(known)
    names = [name for name in table if name not in allowed]
    return [
        Problem((*at, name), f"{what}{did_you_mean(name, known) if k < MOST_LISTED else ''}")
        for k, name in enumerate(names)
    ]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ ", did you mean x?" when a known name is near, else the whole list if it is short, else nothing."""
    known = list(known)
    word = str(word)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6) if len(word) <= LONGEST_WORD else []
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; allowed: {', '.join(known)}" if len(known) <= 16 else ""


BEYOND = "whole number beyond 64 bits"
TOO_DEEP = f"is nested too deeply: at most {DEEPEST} tables and lists in each other"
_NAME = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![\w-]){_NAME}(?:[ \t]*+\.[ \t]*+{_NAME}){{{DEEPEST}}}")
"""A dotted key of more parts than tables may stand in each other; a parser takes time by the square of their number."""
_MOST_DIGITS = 4300
"""Digits beyond which Python by itself refuses to make a whole number."""


def content_of(path: Path, most: int) -> bytes:
    """A file as a whole.

    Raises:
        OSError: when it cannot be read, is no file (a pipe could keep its reader waiting), or has more bytes.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no plain file", str(path))
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", str(path))
    return content


def parse(text: str) -> dict[str, Any]:
    """A TOML text as a dictionary, in time and memory bounded by its length.

    Raises:
        tomllib.TOMLDecodeError: when it is none.
        RecursionError: when it is nested too deeply.
        OverflowError: when a whole number has so many digits that Python refuses it.
    """
    if _LONG_KEY.search(text):
        raise RecursionError(TOO_DEEP)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:
        raise OverflowError(BEYOND) from None
    check_depth(data)
    return data


def check_depth(data: Mapping[str, Any] | list[Any]) -> None:
    """Refuse what those who walk it by calling themselves could not.

    Raises:
        TooDeep: says where it begins.
    """
    level: list[tuple[Key, Any]] = [((), data)]
    for depth in range(DEEPEST + 1):
        level = [
            ((*key, name) if depth < 2 else key, item)
            for key, value in level
            for name, item in (value.items() if isinstance(value, dict) else enumerate(value))
            if isinstance(item, (dict, list))
        ]
        if not level:
            return
    raise TooDeep(level[0][0])


def read(path: Path | str) -> tuple[dict[str, Any], dict[Key, int]]:
    """A TOML file as a dictionary, and the line of each of its keys.

    Raises:
        BadFile: when the file cannot be read, is too large or nested too deeply, or is no TOML.
    """
    try:
        text = content_of(Path(path), MOST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _invalid(path, "is not UTF-8 text: save it as UTF-8", line) from None
    except (OSError, ValueError) as error:  # a ValueError: no name that a file can have
        raise BadFile(path, [Problem((), f"cannot be read: {getattr(error, 'strerror', None) or error}")]) from None
    try:
        data = parse(text)
        lines = locate(text)
    except TooDeep as error:
        with suppress(RecursionError):
            raise BadFile(path, [Problem(error.key, TOO_DEEP)], locate(text)) from None
        raise _invalid(path, TOO_DEEP, 1) from None
    except RecursionError:
        deep = _LONG_KEY.search(text)
        raise _invalid(path, TOO_DEEP, text.count("\n", 0, deep.start()) + 1 if deep else 1) from None
    except OverflowError:
        before = re.split(rf"[\d_]{{{_MOST_DIGITS}}}", text, maxsplit=1)[0]
        raise _invalid(path, f"holds a {BEYOND}", before.count("\n") + 1) from None
    except tomllib.TOMLDecodeError as error:
        message = re.sub(r"\s*\(at .*\)$", "", str(error))
        raise _invalid(path, f"is not valid TOML: {message}", _line_of_error(str(error), text)) from None
    beyond = beyond_64_bits(data)
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


def beyond_64_bits(value: Any, key: Key = ()) -> list[Key]:
    """Keys of the whole numbers that TOML does not know; Python would read them, and stumble over them later."""
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [found for name, item in items for found in beyond_64_bits(item, (*key, name))]
    return [key] if isinstance(value, int) and not -(2**63) <= value < 2**63 else []


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
