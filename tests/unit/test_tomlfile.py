"""The line of every key of a TOML text, whatever the text looks like; reading and quoting."""

from __future__ import annotations

import datetime
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.tomlfile import BadFile, Key, Problem, did_you_mean, locate, read, shown

LOOKALIKES = [
    "[table]",
    "[[array]]",
    "key = 1",
    "# comment",
    "'''",
    '"',
    "]",
    "}",
    "a = [",
    "\\",
    "",
    "=",
    "{ x = 1 }",
    '""',
    "''",
]


# ---------------------------------------------------------------------------------------------------------------
# A writer of TOML that knows on which line it put what
# ---------------------------------------------------------------------------------------------------------------
class Writer:
    """Writes nested plain data as TOML in many styles and keeps the line of each key and element."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.text = ""
        self.lines: dict[Key, int] = {}

    def pick(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def here(self, key: Key) -> None:
        for length in range(1, len(key) + 1):
            self.lines.setdefault(key[:length], self.text.count("\n") + 1)

    def gap(self) -> None:
        """Blank lines and comments, which are allowed between statements and inside arrays."""
        self.text += self.pick("", "\n", '  # [x] = "\n', "\n# key = '''\n\n", " ", "\t")

    def end_of_line(self) -> None:
        self.text += self.pick("\n", " # a = [\n", "\r\n", "\n\n", "\t# ]] '\n")

    def key(self, name: str) -> None:
        bare = re.fullmatch(r"[A-Za-z0-9_-]+", name)
        literal = "'" not in name and name.isprintable()
        self.text += self.pick(*([name] if bare else []), *([f"'{name}'"] if literal else []), f'"{escaped(name)}"')

    def path(self, key: Key) -> None:
        names = [part for part in key if isinstance(part, str)]
        for number, name in enumerate(names):
            self.text += self.pick(".", " . ", ".\t") if number else ""
            self.key(name)

    def table(self, key: Key, data: dict[str, Any]) -> None:
        """First the values, then the tables below, as TOML wants it."""
        later = []
        for name, value in data.items():
            below = (*key, name)
            if isinstance(value, dict) and self.pick(True, False):
                later.append((below, value))
            elif (
                isinstance(value, list) and value and all(isinstance(v, dict) for v in value) and self.pick(True, False)
            ):
                later += [((*below, number), item) for number, item in enumerate(value)]
            else:
                self.text += self.pick("", "  ", "\t")
                self.assignment(below, (name,), value)
                self.end_of_line()
        for below, value in later:
            self.gap()
            self.text += "" if self.text.endswith("\n") or not self.text else "\n"
            self.here(below)
            opening, closing = ("[[", "]]") if isinstance(below[-1], int) else ("[", "]")
            self.text += opening + self.pick("", " ")
            self.path(below)
            self.text += self.pick("", " ") + closing
            self.end_of_line()
            self.table(below, value)

    def assignment(self, key: Key, names: tuple[str, ...], value: Any) -> None:
        """``name = value``; a table with one key may become ``name.key = value``."""
        if isinstance(value, dict) and len(value) == 1 and self.pick(True, False):
            ((name, inner),) = value.items()
            self.assignment((*key, name), (*names, name), inner)
            return
        self.here(key)
        self.path(names)
        self.text += self.pick("=", " = ", "  =\t")
        self.value(key, value)

    def value(self, key: Key, value: Any) -> None:
        if isinstance(value, dict):
            self.inline(key, value)
        elif isinstance(value, list):
            self.array(key, value)
        elif isinstance(value, str):
            self.string(value)
        elif isinstance(value, bool):
            self.text += str(value).lower()
        else:
            self.text += str(value)

    def inline(self, key: Key, value: dict[str, Any]) -> None:
        self.text += "{"
        for number, (name, item) in enumerate(value.items()):
            self.text += self.pick(", ", ",", " , ") if number else self.pick("", " ")
            self.assignment((*key, name), (name,), item)
        self.text += self.pick("", " ") + "}"

    def array(self, key: Key, value: list[Any]) -> None:
        self.text += "["
        for number, item in enumerate(value):
            self.gap()
            self.here((*key, number))
            self.value((*key, number), item)
            self.gap()
            self.text += "," if number < len(value) - 1 or self.pick(True, False) else ""
        self.gap()
        self.text += "]"

    def string(self, value: str) -> None:
        """In any of the styles that can say it; the parser itself tells which can."""
        inside = escaped(value)
        styles = [f'"{inside}"', f'"{value}"', f"'{value}'"]
        styles += [f'"""{value}"""', f"'''{value}'''", f'"""\n{value}"""', f"'''\n{value}'''", f'"""\\\n   {inside}"""']
        self.text += self.pick(*(style for style in styles if says(style, value)))


def says(style: str, value: str) -> bool:
    """True when ``style`` is TOML for ``value``."""
    try:
        return tomllib.loads(f"x = {style}") == {"x": value}
    except tomllib.TOMLDecodeError:
        return False


def escaped(text: str) -> str:
    """The inside of a basic string."""
    return "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text)


NAMES = st.one_of(st.sampled_from(["a", "b", "traits", "a.b", "x]y", "=", "#", "ä", "'", '"', ""]), st.text(max_size=4))
SCALARS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.sampled_from(LOOKALIKES), max_size=4).map("\n".join),
    st.text(max_size=8),
    st.dates(),
    st.times().map(lambda time: time.replace(microsecond=0)),
    st.datetimes().map(lambda moment: moment.replace(microsecond=0)),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=12
)


@given(st.dictionaries(NAMES, VALUES, max_size=4), st.data())
def test_every_key_and_element_is_found_on_its_line(data: dict[str, Any], choices: st.DataObject) -> None:
    writer = Writer(choices.draw)
    writer.gap()
    writer.table((), data)
    assert tomllib.loads(writer.text) == data, "the writer is wrong"
    assert locate(writer.text) == writer.lines


def test_the_newest_table_of_an_array_is_the_one_that_is_meant() -> None:
    text = "[[g]]\nn = 1\n[[g]]\n[g.t]\nn = 2\n[[g.h]]\n[[g.h]]\nn = 3\n[[g]]\n[[g.h]]\nn = 4\n"
    lines = locate(text)
    assert lines["g", 0, "n"] == 2
    assert lines["g", 1, "t", "n"] == 5
    assert lines["g", 1, "h", 1, "n"] == 8
    assert lines["g", 2, "h", 0, "n"] == 11


def test_a_table_that_is_only_implied_lies_where_it_is_first_named() -> None:
    assert locate("\n[a.b.c]\nx = 1\n") == {
        ("a",): 2,
        ("a", "b"): 2,
        ("a", "b", "c"): 2,
        ("a", "b", "c", "x"): 3,
    }


def test_characters_that_only_python_takes_for_line_ends_do_not_count() -> None:
    assert locate("a = '\u2028\u2029\x85'\nb = 1\n")["b",] == 2


# ---------------------------------------------------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------------------------------------------------
def test_a_file_is_read_with_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "good.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\r\n\r\nb.c = 'x'\r\n")
    assert read(path) == ({"a": 1, "b": {"c": "x"}}, {("a",): 1, ("b",): 3, ("b", "c"): 3})


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()], ids=["missing", "a folder"])
def test_what_cannot_be_read_is_a_bad_file(tmp_path: Path, make: Any) -> None:
    path = tmp_path / "x.toml"
    make(path)
    with pytest.raises(BadFile, match=r"x\.toml: cannot be read: "):
        read(path)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
def test_whole_numbers_beyond_64_bits_are_refused(tmp_path: Path, number: int) -> None:
    path = tmp_path / "x.toml"
    path.write_text(f"\na = [1, {{b = {number}}}]\n", encoding="utf-8")
    with pytest.raises(BadFile, match=r"x\.toml:2: a\.2\.b: is a whole number beyond 64 bits"):
        read(path)


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63)])
def test_whole_numbers_of_64_bits_are_read(tmp_path: Path, number: int) -> None:
    path = tmp_path / "x.toml"
    path.write_text(f"a = {number}\n", encoding="utf-8")
    assert read(path)[0] == {"a": number}


# ---------------------------------------------------------------------------------------------------------------
# Reporting
# ---------------------------------------------------------------------------------------------------------------
def test_reports_come_in_the_order_of_the_file_and_fall_back_to_the_table() -> None:
    lines = {("b",): 9, ("a",): 2, ("a", "x"): 3, ("g",): 5, ("g", 0): 6}
    problems = [Problem(("b",), "b!"), Problem(("a", "y"), "y!"), Problem(("g", 0, "n"), "n!"), Problem((), "all!")]
    assert str(BadFile("f.toml", problems, lines)).split("\n") == [
        "f.toml:1: all!",
        "f.toml:2: a.y: y!",
        "f.toml:6: g.1.n: n!",
        "f.toml:9: b: b!",
    ]


def test_near_names_are_offered() -> None:
    assert did_you_mean("opennes", ["openness", "blame"]) == "; did you mean 'openness'?"
    assert did_you_mean("qqq", ["openness", "blame"]) == "; allowed: openness, blame"
    assert did_you_mean("qqq", [f"name {k}" for k in range(17)]) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (datetime.date(2026, 1, 31), "2026-01-31"),
        (datetime.time(7, 30), "07:30:00"),
        (0.5, "0.5"),
        ("a", "'a'"),
        (list(range(9)), "[0, 1, 2, 3, 4, 5, ...]"),
    ],
)
def test_values_are_quoted_as_toml_writes_them_and_not_at_length(value: Any, text: str) -> None:
    assert shown(value) == text
