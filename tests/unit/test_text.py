"""Text on its way out: seen whole, taken for nothing else, and read back by programs as it was."""

from __future__ import annotations

import io
import json
import tomllib
from html.parser import HTMLParser

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sim import text
from sim.scenario import Scenario
from sim.study import analysis
from sim.sweeps.levels import level_problems
from sim.tomlfile import BadFile

UNSEEN = ("\x1b[2J", "\x07", "\x7f", "\x9b2J", "\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\ud800", "\U000e0041")
ANY = st.text(st.characters(codec=None), max_size=40)
"""Whatever Python holds as text, halves of characters too."""


@given(ANY)
@example("".join(UNSEEN))
def test_what_is_shown_can_be_seen_and_what_can_be_seen_is_shown(written: str) -> None:
    shown = text.visible(written)
    assert text.UNSEEN.search(shown) is None
    assert text.visible(shown) == shown
    if text.UNSEEN.search(written) is None:
        assert shown == written


@pytest.mark.parametrize("sign", UNSEEN, ids=ascii)
def test_a_sign_without_a_shape_becomes_an_escape(sign: str) -> None:
    assert text.visible(f"a{sign}b") == "a" + sign[0].encode("unicode_escape").decode() + sign[1:] + "b"
    assert "cannot be seen" in text.problem(f"a{sign}b")
    assert "cannot be seen" in text.problem(f"a{sign}b", breaks=True)


def test_lines_break_in_prose_and_not_in_names() -> None:
    assert text.problem("one\r\n\ttwo", breaks=True) == ""
    assert text.problem("one\ntwo").startswith(r"holds \x0a")
    assert text.visible("one\n\ttwo\r", breaks=True) == "one\n\ttwo\\x0d"


@pytest.mark.parametrize("name", ["Überblick", "日本語", "می‌خواهم", "क्‍ष", "1\u00a0000 €", "été", "🙂️", "x" * 999])
def test_names_of_any_script_are_taken_as_they_are(name: str) -> None:
    assert text.problem(name) == ""
    assert text.visible(name) == name


@given(ANY, ANY)
@example("a" * 200 + "b" + "c" * 200, "a" * 200 + "d" + "c" * 200)
def test_long_names_are_short_and_stay_apart(one: str, other: str) -> None:
    assert len(text.named(one)) <= text.LONGEST
    assert (text.named(one) == text.named(other)) == (text.visible(one) == text.visible(other))


def test_names_that_read_the_same_are_known() -> None:
    assert text.reading("caf\u00e9  x ") == text.reading("cafe\u0301 x")
    assert text.reading("open") == text.reading("Open")
    assert text.reading("openUp") != text.reading("openup")
    assert text.reading("a_b") != text.reading("a b")


class Heard(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said, self.tags, self.attributes = "", [], []
        self.feed(page)
        self.close()

    def handle_data(self, data: str) -> None:
        self.said += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


@given(ANY)
@example("<script>\"'&lt;</p>")
def test_html_says_it_and_does_nothing(written: str) -> None:
    heard = Heard(f'<p title="{text.html(written)}">{text.html(written)}</p>')
    seen = text.visible(written, breaks=True)
    assert (heard.said, heard.tags, heard.attributes) == (seen, ["p"], [("title", seen)])


@given(st.text(max_size=40), st.text(max_size=40))
@example("a\ud800", "".join(UNSEEN))
def test_json_is_read_back_as_it_was_and_has_nothing_unseen(key: str, value: str) -> None:
    for written in (
        text.json({key: [value]}),
        text.json({key: [value]}, indent=2),
        text.json({key: [value]}, tight=True),
    ):
        assert json.loads(written) == {key: [value]}
        assert not set(text.UNSEEN.findall(written)) - {"\n", *text.HALVES}
        shown = text.visible(written, breaks=True)
        assert json.loads(shown) == {key: [value]}  # as a terminal has it
        assert text.UNSEEN.search(shown.replace("\n", "")) is None


@given(st.text(max_size=40))
def test_toml_is_read_back_as_it_was_and_has_nothing_unseen(written: str) -> None:
    told = text.toml(written)
    assert tomllib.loads(f"key = {told}")["key"] == written
    assert text.UNSEEN.search(told) is None


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("a|b", r"a\|b"),
        ("`x` *y* ~z~ $w$", r"\`x\` \*y\* \~z\~ \$w\$"),
        ("_x_ and a_b", r"\_x\_ and a_b"),
        ("<script>", r"\<script>"),
        ("[red](x)", r"\[red\](x)"),
        ("&lt; Q&A", r"\&lt; Q&A"),
        ("https://x.org www.x.org", r"https\://x.org www\.x.org"),
        ("# a", r"\# a"),
        ("> a", r"\> a"),
        ("- a", r"\- a"),
        ("1. a", r"1\. a"),
        ("0.5 and 2.", "0.5 and 2."),
        ("---", r"\---"),
        ("−0.5 and 1.5", "−0.5 and 1.5"),
        ("a\n# b", "a # b"),
        ("a\x1b[2J", "a\\\\x1b\\[2J"),
    ],
)  # fmt: skip
def test_markdown_is_text_and_no_markup(written: str, told: str) -> None:
    assert text.markdown(written) == told
    assert text.markdown(text.markdown(written)) == told


def test_code_holds_any_backticks() -> None:
    assert text.code("a b") == "`a b`"
    assert text.code("a `` b") == "``` a `` b ```"
    assert text.code_block("a\n```\nb") == "````\na\n```\nb\n````"


# ---------------------------------------------------------------------------------------------------------------
# CSV
# ---------------------------------------------------------------------------------------------------------------
RISKY = (
    "=1+1",
    "+1+1",
    "@SUM(A1)",
    "-2+3",
    "=cmd|'/C calc'!A0",
    "\tx",
    "'quoted",
    "''",
    "＝1",
    "NA",
    "-0.5",
    "+1e3",
    "a=b",
)


@pytest.mark.parametrize("kind", ["object", "category", "str"])
def test_no_cell_of_text_begins_as_a_formula_and_readers_get_it_back(kind: str) -> None:
    numbers = [-1.5, float("nan"), *range(len(RISKY) - 2)]
    table = pd.DataFrame({"=label": pd.Series(RISKY).astype(kind), "number": numbers, "flag": [True] * len(RISKY)})
    written = text.csv(table)
    found = eval(text.READ_CSV, {"pandas": pd, "FILE": io.BytesIO(written)})
    for cell in (*found["'=label"], *found.columns):
        assert not cell.startswith(text.FORMULA) or cell in ("-0.5", "+1e3")
    assert written.decode().splitlines()[1] == "'=1+1,-1.5,True"
    names: dict[str, object] = {"frame": found}
    exec(text.PLAIN, names)
    again = eval(text.UNPROTECT, names)
    pd.testing.assert_frame_equal(again, table.astype({"=label": again["=label"].dtype}))
    assert list(table.columns) == ["=label", "number", "flag"]


def test_a_table_without_text_is_what_pandas_writes() -> None:
    table = pd.DataFrame({"a": [0.1, -2.5], "b": [1, 2], "c": ["x", None]})
    assert text.csv(table) == table.to_csv(index=False, lineterminator="\n").encode()
    assert text.csv(table.iloc[:0]) == b"a,b,c\n"


# ---------------------------------------------------------------------------------------------------------------
# Authors' files
# ---------------------------------------------------------------------------------------------------------------
PLAIN = {"title": "t", "question": "q", "source": "s", "expected": "e", "organizations": 4}


@pytest.mark.parametrize("sign", UNSEEN, ids=ascii)
@pytest.mark.parametrize(
    ("key", "part"),
    [
        *((name, {name: "a{}b"}) for name in ("title", "question", "source", "expected")),
        ("groups.1.name", {"groups": [{"name": "a{}b"}, {"name": "c"}]}),
        ("events.1.name", {"events": [{"name": "a{}b", "month": 3, "kind": "turnover"}]}),
    ],
)
def test_a_scenario_with_unseen_signs_is_refused_with_the_place(key: str, part: dict[str, object], sign: str) -> None:
    filled = json.loads(json.dumps(part).replace("{}", json.dumps(sign)[1:-1]))
    with pytest.raises(BadFile) as caught:
        Scenario.from_plain({**PLAIN, **filled})
    (report,) = caught.value.reports()
    assert report.startswith(f"scenario: {key}: holds ")
    assert text.UNSEEN.search(report) is None


def test_prose_may_have_lines_and_names_may_not() -> None:
    assert Scenario.from_plain({**PLAIN, "question": "one\n\ttwo"}).question == "one two"
    with pytest.raises(BadFile, match=r"groups.1.name: holds \\x0a"):
        Scenario.from_plain({**PLAIN, "groups": [{"name": "a\nb"}, {"name": "c"}]})


@pytest.mark.parametrize("other", ["a  b", "a b ", "ａ b", "A b"])
def test_two_names_that_read_the_same_are_one_too_many(other: str) -> None:
    levels = [{"label": "a b", "value": 0.1}, {"label": other, "value": 0.2}]
    assert "is listed twice" in level_problems("blame", levels)[0]
    with pytest.raises(BadFile, match="is already the name of another group"):
        Scenario.from_plain({**PLAIN, "groups": [{"name": "a b"}, {"name": other}]})


def test_an_error_s_own_words_do_nothing_to_a_terminal() -> None:
    with pytest.raises(BadFile) as caught:
        Scenario.from_plain({**PLAIN, "ti\x1b]8;;x\x07tle": 1}, path="a\x1b[2J.toml")
    assert caught.value.reports()[0].startswith(r"a\x1b[2J.toml: ti\x1b]8;;x\x07tle: unknown key")


# ---------------------------------------------------------------------------------------------------------------
# Names in tables, sentences and figures
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("culture_clash", "culture clash"),
        ("my_own", "my_own"),
        ("culture_clash · trust_gain=0.1", "culture clash · trust gain=0.1"),
        ("culture_clash · culture_clash", "culture clash · culture_clash"),
        ("my_own · very_open", "my_own · very_open"),
        ("my_own · events.big_crash.depth=0.3", "my_own · events big_crash depth=0.3"),
        ("my_own · R&D_costs=high_end", "my_own · R&D_costs=high_end"),
        ("a\x1b[2J · b\u202e", r"a\x1b[2J · b\u202e"),
    ],
)
def test_only_the_program_s_own_names_become_words(label: str, shown: str) -> None:
    assert analysis.label_words(label) == shown


def test_labels_that_differ_never_read_the_same() -> None:
    assert analysis.short_labels(["x · very_open", "x · very open"]) == ["very_open", "very open"]
    assert analysis.short_labels(["culture_clash", "culture clash"]) == ["culture_clash", "culture clash"]
    long = ["x · " + "a" * 200 + str(k) + "b" * 200 for k in range(9)]
    assert len(set(analysis.short_labels(long))) == 9
    assert max(map(len, analysis.short_labels(long))) <= text.LONGEST
    assert list(analysis.shortened_names(long).values()) == [label.removeprefix("x · ") for label in long]
