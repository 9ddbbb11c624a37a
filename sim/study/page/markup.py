"""HTML that is safe by construction: all text is escaped unless it was made here."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sim import text
from sim.study.words import one_line

EMPTY = frozenset({"meta", "img"})
"""Elements without an end tag."""

MOST_ROWS = 2000
"""Longer tables are cut on the page; the stored tables have all rows."""

_RIGHT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
RIGHT_TO_LEFT = re.compile(f"[{_RIGHT}]+(?:[ ,.'’־-]+[{_RIGHT}]+)*")
"""Words of a script that runs from right to left, such as Arabic and Hebrew."""


class Html(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


Content = str | Iterable["Content"]
"""Text, HTML, or any nesting of both."""


def html(content: Content) -> Html:
    """Content as HTML: plain text escaped, lists joined.

    Words that run from right to left stand apart (``bdi``), or a number after them would be drawn before them.
    """
    if isinstance(content, Html):
        return content
    if isinstance(content, str):
        return Html(RIGHT_TO_LEFT.sub(r"<bdi>\g<0></bdi>", text.html(content)))
    return Html("".join(html(part) for part in content))


def element(name: str, *content: Content, **attributes: str | bool | None) -> Html:
    """An element: ``element("p", "a < b", class_="note")``.

    Args:
        name: its tag.
        content: what stands in it, escaped unless it is :class:`Html`.
        attributes: a trailing underscore is dropped, others become hyphens; True stands alone, None and False are
            left out.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items() if value not in (None, False))
    opened = f"<{name}{written}>"
    return Html(opened if name in EMPTY else f"{opened}{html(content)}</{name}>")


def prose(name: str, words: str, **attributes: str | bool | None) -> Html:
    """An element of somebody's own words on one line, which runs in the direction of their script."""
    return element(name, Html(text.html(one_line(words))), dir="auto", **attributes)


def _attribute(key: str, value: str | bool | None) -> str:
    key = key.rstrip("_").replace("_", "-")
    return f" {key}" if value is True else f' {key}="{text.html(value)}"'


def bullets(items: Iterable[Content]) -> Html:
    """An unordered list."""
    return element("ul", [element("li", item) for item in items])


def definitions(pairs: Iterable[tuple[str, Content]]) -> Html:
    """Names with what they stand for; a name without anything is left out."""
    return element("dl", [[element("dt", name), element("dd", what)] for name, what in pairs if what])


@dataclass(frozen=True)
class Field:
    """A field of a table: what is shown, and the number that it is sorted by."""

    shown: Content
    key: float = math.nan


Row = Sequence[Field | str]
"""Fields of a row; text is sorted by the alphabet."""


def table(caption: str, head: Sequence[str], rows: Sequence[Row]) -> Html:
    """A table that the page's script makes sortable, in a frame that scrolls.

    Args:
        caption: what it shows.
        head: names of the columns.
        rows: the first field of each names the row; cut after :data:`MOST_ROWS`.
    """
    numeric = [bool(rows) and all(isinstance(row[k], Field) for row in rows) for k in range(len(head))]
    columns = [
        element("th", name, scope="col", class_="number" if is_number else None)
        for name, is_number in zip(head, numeric, strict=True)
    ]
    body = [
        element("tr", [_field(field, k == 0, numeric[k]) for k, field in enumerate(row)]) for row in rows[:MOST_ROWS]
    ]
    cut = "" if len(rows) <= MOST_ROWS else f" The first {MOST_ROWS:,} of {len(rows):,} rows; tables/ has all."
    whole = element(
        "table",
        element("caption", element("span", f"{caption}{cut}")),
        element("thead", element("tr", columns)),
        element("tbody", body),
        data_sortable=True,
    )
    return element("div", whole, class_="scroll", role="region", aria_label=caption, tabindex="0")


def _field(field: Field | str, names_the_row: bool, number: bool) -> Html:
    shown, key = (field.shown, field.key) if isinstance(field, Field) else (field, math.nan)
    return element(
        "th" if names_the_row else "td",
        shown,
        scope="row" if names_the_row else None,
        class_="number" if number else None,
        data_key=None if math.isnan(key) else repr(float(key)).replace("inf", "Infinity"),  # as JavaScript reads it
    )
