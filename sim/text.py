"""Text that somebody else wrote, on its way out of the program: one place for every way out.

Titles, labels, names of groups, events and files, options, the environment and what a library complains of are data:
they say something to a reader and do nothing. Each way out has its function:

* terminal, figures, plain text: :func:`visible`;
* HTML: :func:`html`; Markdown: :func:`markdown`;
* JSON: :func:`json`; TOML: :func:`toml`, which programs read back as it was;
* CSV: :func:`csv`, and :func:`csv_cell` says the rule for what a spreadsheet would take for a formula.

An author's files are refused when their names and labels hold what cannot be seen (:func:`problem`). Long names are
shortened in the middle by :func:`named`; :func:`reading` is the same for two names that a reader cannot tell apart.
"""

from __future__ import annotations

import json as _json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_JOINED = "[\u0600-\u0dff]"
"""Scripts from Arabic to Sinhala, in which a joiner between two letters shows."""

UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    f"|(?<!{_JOINED})[\u200c\u200d]|[\u200c\u200d](?!{_JOINED})"
)
"""What does something to a terminal or a page, or nothing that a reader sees: control characters, marks that turn the
direction of writing, blanks of no width, halves of characters."""

HALVES = frozenset(map(chr, range(0xD800, 0xE000)))
"""Halves of characters, which are no text."""

BREAKS = "\t\n\r\x85\u2028\u2029"
"""What parts words in text of several lines."""

LONGEST = 48
"""Letters of a name in tables, sentences and figures; a longer one is shortened."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell begins that a spreadsheet takes for a formula, also in the wide signs of Chinese and Japanese."""

PROTECTED = (
    "a cell of text that a spreadsheet would run as a formula (it begins with = + - @, a tab or a line break, and is "
    "no number) has an apostrophe before it, and so has one that begins with an apostrophe"
)
"""The rule of :func:`csv_cell`, for readers."""

UNPROTECT = "frame.map(plain).rename(columns=plain)"
PLAIN = """plain = lambda cell: cell[1:] if isinstance(cell, str) and cell.startswith("'") else cell"""
"""What takes the apostrophes away again from a table that pandas has read: :data:`UNPROTECT` with this function."""

READ_CSV = 'pandas.read_csv(FILE, keep_default_na=False, na_values=[""])'
"""How pandas reads a CSV file of ours without taking a label such as NA for a missing one."""


def visible(text: Any, breaks: bool = False) -> str:
    r"""Text with every character that cannot be seen as a visible escape: ``\x1b``, ``\u202e``, ``\U000e0041``.

    Args:
        text: anything; its ``str()``.
        breaks: keep line breaks and tabs, where text may have several lines.
    """
    text = str(text)
    if text.isascii() and text.isprintable():
        return text
    return UNSEEN.sub(lambda found: found[0] if breaks and found[0] in "\n\t" else _escape(found[0]), text)


def _escape(sign: str) -> str:
    code = ord(sign)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def problem(text: str, breaks: bool = False) -> str:
    """Why a text cannot stand in an author's file: it holds what cannot be seen; "" when it can.

    Args:
        text: a title, a label, a name.
        breaks: line breaks and tabs are allowed.
    """
    found = [sign for sign in UNSEEN.findall(text) if not (breaks and sign in BREAKS)]
    if not found:
        return ""
    allowed = "visible characters, line breaks and tabs" if breaks else "visible characters in one line"
    return f"holds {_escape(found[0])}, which cannot be seen: only {allowed} are allowed"


def reading(text: str) -> str:
    """What a name reads as at the beginning of a sentence: equal for two names that a reader cannot tell apart.

    Such are é in one sign or in two, more blanks than one, and "open" and "Open".
    """
    import unicodedata

    name = " ".join((text if text.isascii() else unicodedata.normalize("NFKC", visible(text))).split())
    return name[:1].upper() + name[1:]


def named(name: Any, most: int = LONGEST) -> str:
    """A name as it is shown: :func:`visible`, and of at most ``most`` letters.

    A longer one is shown without its middle, for which stand … and eight digits.

    The digits are of the whole name, so that two long names that differ in their middle stay apart, and the same name
    is shortened alike wherever it stands.
    """
    name = visible(name)
    if len(name) <= most:
        return name
    from zlib import crc32

    kept = most - 10
    tail = kept // 3
    return f"{name[: kept - tail].rstrip()}…{crc32(name.encode()):08x}…{name[-tail:].lstrip()}"


# ---------------------------------------------------------------------------------------------------------------
# Pages
# ---------------------------------------------------------------------------------------------------------------
_ENTITIES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;", ord("'"): "&#x27;"}


def html(text: Any) -> str:
    """Text as it stands in HTML, between tags and within an attribute's quotes."""
    return visible(text, breaks=True).translate(_ENTITIES)


class Markdown(str):
    """Text that is Markdown already and is not escaped again."""

    __slots__ = ()


_MARKS = re.compile(
    r"[\\`*\[\]<|~$]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|:(?=//)|(?<=www)\."
    r"|^(?:[#>]|[-+=](?=[\s=-]|$)|\d+(?=[.)](?:\s|$)))"
)
"""What Markdown takes for markup: signs, ``_`` beside a word, links; and what begins a heading, a quotation, a list."""


def markdown(text: Any) -> Markdown:
    """Text in one line as it stands in Markdown, a cell of a table included; :class:`Markdown` stays as it is."""
    if isinstance(text, Markdown):
        return text
    line = " ".join(visible(text, breaks=True).split())
    return Markdown(_MARKS.sub(lambda found: _marked(found[0]), line))


def code_block(text: Any) -> Markdown:
    """Text as a block of code, whatever backticks it has."""
    told = visible(text, breaks=True)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", told)), default=0))
    return Markdown(f"{fence}\n{told}\n{fence}")


def code(text: Any) -> Markdown:
    """Text as code within a line, whatever backticks it has."""
    told = " ".join(visible(text, breaks=True).split())
    fence = "`" * (1 + max(map(len, re.findall("`+", told)), default=0))
    return Markdown(f"{fence} {told} {fence}" if "`" in told else f"`{told}`")


def _marked(sign: str) -> str:
    """A backslash before a sign; after a number that would begin a list."""
    return f"{sign}\\" if sign[-1].isdigit() else f"\\{sign}"


# ---------------------------------------------------------------------------------------------------------------
# Data
# ---------------------------------------------------------------------------------------------------------------
def json(document: Any, indent: int | None = None, tight: bool = False) -> str:
    """Plain data as JSON in which what cannot be seen is escaped; every reader of JSON gets it back as it was.

    Halves of characters, as in a file's name that is no UTF-8, are left for who encodes the text, and so refuses them.

    Raises:
        ValueError: for numbers that JSON does not know.
    """
    between = (",", ":") if tight else None  # no blank between
    told = _json.dumps(document, ensure_ascii=False, indent=indent, allow_nan=False, separators=between)
    return UNSEEN.sub(lambda found: found[0] if found[0] in HALVES or found[0] == "\n" else _units(found[0]), told)


def _units(sign: str) -> str:
    """A character as JSON escapes it, in halves of 16 bits."""
    halves = sign.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{halves[k : k + 4]}" for k in range(0, len(halves), 4))


def toml(text: str) -> str:
    """Text as a TOML basic string in which what cannot be seen is escaped."""
    told = _json.dumps(text, ensure_ascii=False)
    return UNSEEN.sub(lambda found: _escape(found[0]).replace("\\x", "\\u00"), told)


_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def csv_cell(text: str) -> str:
    """A cell of text as it stands in CSV: :data:`PROTECTED`; :data:`PLAIN` undoes it."""
    text = visible(text, breaks=True) if not text.startswith("\r") else "\r" + visible(text[1:], breaks=True)
    risky = text.startswith((*FORMULA, "'")) and not _NUMBER.fullmatch(text)
    return f"'{text}" if risky else text


def csv(table: pd.DataFrame) -> bytes:
    """A table as CSV: UTF-8, numbers with all their digits, nothing where a number is not defined, text by
    :func:`csv_cell`, also in the names of columns.
    """
    kept = {number: column.map(_cell) for number, (_, column) in enumerate(table.items()) if _has_text(column)}
    told = table.copy(deep=False)
    for number, column in kept.items():
        told.isetitem(number, column)
    told.columns = [csv_cell(str(name)) for name in table.columns]
    written: str = told.to_csv(index=False, lineterminator="\n")
    return written.encode()


def _cell(cell: Any) -> Any:
    return csv_cell(cell) if isinstance(cell, str) else cell


def _has_text(column: pd.Series) -> bool:
    """Whether a column may hold text: neither numbers nor true and false only."""
    return column.dtype.kind not in "biufc"
