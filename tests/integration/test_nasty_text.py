"""Every command on files full of markup, formulas, long names and file names with control characters.

Whatever comes out (terminal, summary, page, story, figures, CSV, JSON, journal) says the text as it was written, and
nothing of it acts: nothing that cannot be seen, no markup, no formula, no tag.
"""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from matplotlib.text import Text

from sim import text
from sim.cli import alliance
from sim.study import page, plots, report
from sim.study.terminal import summary_text
from sim.study.words import Study
from sim.sweeps.reading import Stored, read_results

MARKS = "<script>alert(1)</script> [red]x[/red] [/] :smile: a|b `c` $x_1^2$ **d** \"e\" 'f' & &lt; ~~g~~ {h} %s \\"
"""Signs that can be seen, and which one way out or another would take for something else."""
FIRST, LONG = "Us_& <b>Co</b> [bold] $_{x}$", "L" * 200 + "_" + "M" * 200
LABELS = ("=cmd|'/C calc'!A0", "+1+1", "very_open", "very open", LONG, LONG.replace("_", "-"))
ESCAPES = "\x1b[2J\x1b]8;;x\x07\x9b\u202eevil\u2066\u200b"
"""What no file may hold, but a file's name, an option or a folder made elsewhere may."""


def quoted(words: str) -> str:
    return text.toml(words)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scenario and an experiment in a folder, in files whose names hold control characters."""
    place = tmp_path_factory.mktemp("nasty")
    prose = "".join(f"{key} = {quoted(MARKS)}\n" for key in ("title", "question", "expected"))
    scenario = (
        f"{prose}source = {quoted(MARKS)}\nmonths = 14\norganizations = 2\n[network]\n"
        f"pairs = [[{quoted(FIRST)}, {quoted(LONG)}]]\n"
        f"[[groups]]\nname = {quoted(FIRST)}\n[[groups]]\nname = {quoted(LONG)}\n"
        f"[[events]]\nname = {quoted(FIRST + LONG)}\nmonth = 3\nkind = 'change'\nwho = {quoted(FIRST)}\n"
        "trait = 'relational_investment'\nto = 1.0\n"
    )
    (place / f"a_b{ESCAPES}<i>.toml").write_text(scenario)
    levels = ", ".join(f"{{label = {quoted(label)}, value = 0.{k}1}}" for k, label in enumerate(LABELS))
    experiment = (
        f"{prose}scenarios = [{quoted(f'a_b{ESCAPES}<i>.toml')}]\nreplicates = 2\n"
        f'[factors]\n"{FIRST}.blame" = [{levels}]\n'
    )
    (place / f"x{ESCAPES}.toml").write_text(experiment)
    return place


def tell(place: Path, *arguments: str, code: int = 0) -> Result:
    """Run a command in the folder; what it prints can be seen, on both streams."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        found = CliRunner().invoke(alliance, list(arguments))
    assert found.exit_code == code, found.output
    for stream in (found.stdout, found.stderr):
        seen(stream)
    return found


def seen(written: str) -> str:
    """The text, in which nothing is that cannot be seen, but line breaks and tabs."""
    bad = [sign for sign in text.UNSEEN.findall(written) if sign not in "\n\t"]
    assert not bad, (bad[:5], written[:300])
    return written


@pytest.fixture(scope="module")
def folder(place: Path) -> Path:
    """The experiment, swept, with figures, summary and page."""
    told = tell(place, "sweep", EXPERIMENT, "--out", str(place / f"out{ESCAPES}"), "--jobs", "1", "--alliances")
    assert "very_open" in told.stdout
    assert "very open" in told.stdout
    (manifest,) = place.glob("out*/**/manifest.json")
    return manifest.parent


SCENARIO, EXPERIMENT = f"./a_b{ESCAPES}<i>.toml", f"./x{ESCAPES}.toml"


@pytest.mark.parametrize(
    "arguments",
    [
        ("scenarios", "show", SCENARIO),
        ("scenarios", "show", SCENARIO, "--all"),
        ("scenarios", "check", SCENARIO),
        ("experiments", "show", EXPERIMENT),
        ("experiments", "check", EXPERIMENT),
        ("sweep", EXPERIMENT, "--dry-run"),
        ("run", SCENARIO, "--no-figures"),
        ("run", SCENARIO, "--story", "--no-figures"),
        ("whatif", SCENARIO, "--set-from", "2", f"{FIRST}.blame=0.9"),
    ],
    ids=lambda arguments: " ".join(arguments).replace(SCENARIO, "S").replace(EXPERIMENT, "E")[:40],
)
def test_commands_say_it_and_do_nothing(place: Path, arguments: tuple[str, ...]) -> None:
    told = tell(place, *arguments).stdout
    if "show" in arguments and "--all" not in arguments:
        assert MARKS[:60] in " ".join(told.split())


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("run", f"nobody{ESCAPES}"), 3),
        (("scenarios", "check", f"./{ESCAPES}.toml"), 3),
        (("run", "baseline", "--set", f"{ESCAPES}=1"), 2),
        (("run", "baseline", "--set", f"openness={ESCAPES}"), 2),
        (("run", "baseline", "--seed", ESCAPES), 2),
        ((f"run{ESCAPES}",), 2),
        (("run", f"--x{ESCAPES}"), 2),
        (("status", f"no{ESCAPES}"), 3),
        (("report", f"no{ESCAPES}"), 3),
        (("export", f"no{ESCAPES}", "--format", "csv"), 3),
    ],
    ids=lambda value: ascii(value)[:30],
)  # fmt: skip
def test_refusals_quote_it_and_do_nothing(place: Path, arguments: tuple[str, ...], code: int) -> None:
    tell(place, *arguments, code=code)


def test_a_refused_file_says_where_and_what_is_allowed(place: Path) -> None:
    (place / "bad.toml").write_text(
        'title = "a\\u001b[2J"\nquestion = "q"\nsource = "s"\nexpected = "e"\n[[groups]]\nname = "b\\u202e"\n'
    )
    told = tell(place, "scenarios", "check", "./bad.toml", code=3).stderr.splitlines()
    why = "which cannot be seen: only visible characters"
    assert told == [
        rf"bad.toml:1: title: holds \x1b, {why}, line breaks and tabs are allowed",
        rf"bad.toml:6: groups.1.name: holds \u202e, {why} in one line are allowed",
    ]


def test_json_is_the_data_and_nothing_unseen(place: Path, folder: Path) -> None:
    document = json.loads(tell(place, "scenarios", "show", SCENARIO, "--json").stdout)
    assert document["title"] == MARKS
    assert document["name"] == f"a_b{ESCAPES}<i>"
    assert [group["name"] for group in document["groups"]] == [FIRST, LONG]
    for name in ("manifest.json", "journal.jsonl"):
        seen((folder / name).read_text(encoding="utf-8"))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["title"] == MARKS
    levels = manifest["design"]["factors"][f"{FIRST}.blame"]
    assert [level["label"] for level in levels] == list(LABELS)


class Page(HTMLParser):
    """Texts and tags of a page."""

    def __init__(self, written: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.tags: set[str] = set()
        self.scripts = 0
        self.feed(written)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.scripts += tag == "script"

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def test_the_page_says_it_and_has_tags_of_its_own_only(folder: Path) -> None:
    found = Page(seen((folder / "report.html").read_text(encoding="utf-8")))
    assert found.scripts == 1
    assert not found.tags & {"b", "i", "red"}
    assert MARKS in found.said
    assert LONG in found.said  # once, in full
    for label in LABELS[:4]:
        assert label in found.said


def test_the_summary_says_it_and_has_markup_of_its_own_only(folder: Path) -> None:
    written = seen((folder / "summary.md").read_text(encoding="utf-8")).partition("## How to reproduce it")[0]
    assert not re.search(r"(?<!\\)<", written)
    plain = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", written)
    assert f"# {MARKS}\n" in plain
    assert f": {LONG}\n" in plain
    assert "- very_open: " in plain
    assert "- Very open: " in plain
    rows = [line for line in written.splitlines() if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
    assert widths <= {3, 5, 7}  # cells are not parted by what they say


def test_figures_say_it_and_are_well_formed(folder: Path) -> None:
    for path in (folder / "figures").glob("*.svg"):
        vector = seen(path.read_text(encoding="utf-8"))
        drawn = [line.text or "" for line in ElementTree.fromstring(vector).iter("{http://www.w3.org/2000/svg}text")]
        assert max(map(len, drawn)) < 160
        assert LONG not in vector
        if path.stem == "contrasts":
            assert {"very_open", "very open", "+1+1"} <= set(drawn)
    stored = read_results(folder)
    figure = plots.ledger(stored.tables["ledger"], stored.tables["cells"])
    assert not [artist for artist in figure.findobj(Text) if artist.get_text() and artist.get_parse_math()]


def test_the_story_and_the_figures_of_a_history(place: Path) -> None:
    out = place / "history"
    tell(place, "run", SCENARIO, "--story", "--out", str(out))
    (story,) = out.rglob("story.md")
    written = seen(story.read_text(encoding="utf-8"))
    assert "\\<b>Co" in written
    assert not re.search(r"(?<!\\)<", written)
    pictures = list(out.rglob("*.svg"))
    assert pictures
    for picture in pictures:
        vector = seen(picture.read_text(encoding="utf-8"))
        ElementTree.fromstring(vector)
        assert LONG not in vector


def cells_of(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [cell for row in csv.reader(file) for cell in row]


def test_no_csv_holds_a_formula(place: Path, folder: Path) -> None:
    tell(place, "export", str(folder), "--format", "csv", "--out", str(place / "csv"))
    for question in ("contrasts", "survival"):
        tell(place, "analyse", question, str(folder), "--out", str(place / "answers"))
    tell(place, "whatif", SCENARIO, "--set-from", "2", f"{FIRST}.blame=0.9", "--csv", str(place / "worlds"))
    paths = [path for name in ("csv", "answers", "worlds") for path in (place / name).glob("*.csv")]
    assert len(paths) > 8
    for path in paths:
        for cell in cells_of(path):
            seen(cell)
            assert not cell.startswith(text.FORMULA) or re.fullmatch(r"-?[\d.]+(e-?\d+)?", cell), cell
    runs = cells_of(place / "csv" / "runs.csv")
    assert f"'{LABELS[0]}" in runs
    assert f"'{LABELS[1]}" in runs
    assert LONG in runs
    for note in (place / "answers").glob("*.md"):
        seen(note.read_text(encoding="utf-8"))


def test_a_folder_made_elsewhere_is_told_in_visible_escapes(folder: Path, tmp_path: Path) -> None:
    """Files are refused; a folder of an older version, or of somebody else's making, is read as it is."""
    stored = read_results(folder)
    tables = {name: stored.tables[name].copy() for name in ("cells", "runs")}
    for table in tables.values():
        table["label"] = table["label"].astype(object).str.replace("very_open", f"very{ESCAPES}_open")
    texts = dict.fromkeys(("title", "question", "expected", "command", "status"), f"{MARKS}{ESCAPES}�\nnext")
    study = Study(Stored(stored.folder, {**stored.manifest, **texts}, {**stored.tables, **tables}))
    seen(report.summary_markdown(study)).encode()
    seen(page.page_html(study)).encode()
    seen(text.visible(summary_text(study.stored), breaks=True)).encode()
    figure = plots.ledger(stored.tables["ledger"], tables["cells"])
    figure.suptitle(f"{MARKS}{ESCAPES}")
    seen(plots.save(figure, tmp_path, "ledger")[1].read_text(encoding="utf-8"))
