"""The report as one page: whole, safe, the same every time, and enough to make the result again."""

from __future__ import annotations

import base64
import itertools
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from sim.cli import alliance
from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import CAUSES_OF_ENDING
from sim.library import available
from sim.parameters import Parameters
from sim.scenario import Scenario
from sim.study import page, plots
from sim.study.page import background, findings, markup, page_html, results
from sim.study.page.results import MOST_FIGURES, Picture
from sim.study.report import summary_markdown
from sim.study.words import Study
from sim.sweeps import recipe
from sim.sweeps.design import experiment_of, load_experiment
from sim.sweeps.reading import Stored, read_results
from sim.sweeps.runner import run_experiment

NASTY = 'a < b & "c" </script><script>alert(1)</script> <img src=http://x.example/y>'


def scenario(name: str, **settings: Any) -> Scenario:
    plain = {"title": NASTY, "question": NASTY, "source": "the tests", "expected": NASTY, "months": 24}
    return Scenario.from_plain({**plain, "organizations": 6, **settings}, name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenarios, with groups and an event in one, by a factor with a level of its own name."""
    groups = [{"name": "the bold", "traits": {"blame": 0.2}}, {"name": "shy"}]
    events = [{"name": "crash", "month": 4, "kind": "crash", "depth": 0.3}]
    scenarios = [scenario("plain"), scenario("grouped", groups=groups, events=events)]
    experiment = experiment_of(scenarios, 4, 3, "nasty").replace(
        title=NASTY,
        question=NASTY,
        expected=NASTY,
        settings={"trust_loss": 0.2},
        factors={"trust_gain": (0.02, {"label": "<b>quick</b>", "value": 0.08})},
    )
    return run_experiment(experiment, tmp_path_factory.mktemp("results"), jobs=1)


@pytest.fixture(scope="module")
def published(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What is written for it, beside the result."""
    return page.publish(read_results(folder), tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def text(published: list[Path]) -> str:
    return published[-1].read_text(encoding="utf-8")


class Parsed(HTMLParser):
    """Every start tag with its attributes, the text by tag, and whether tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in markup.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.append((self.open[-1], data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def parsed(text: str) -> Parsed:
    return Parsed(text)


def flat(text: str) -> str:
    return " ".join(text.split())


# Structure
def test_headings_are_in_order_and_every_part_can_be_reached(parsed: Parsed) -> None:
    levels = [int(name[1]) for name, _ in parsed.tags if re.fullmatch(r"h[1-6]", name)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    anchors = [str(link["href"])[1:] for link in parsed.all("a") if str(link["href"]).startswith("#")]
    assert anchors == [section["id"] for section in parsed.all("section")]
    assert {section["aria-labelledby"] for section in parsed.all("section")} <= set(ids)


def test_nothing_is_loaded_from_anywhere(parsed: Parsed, text: str) -> None:
    for name, attributes in parsed.tags:
        for key in ("src", "href"):
            assert str(attributes.get(key, "#")).startswith(("#", "data:")), name
    assert not parsed.all("link")
    style = next(said for tag, said in parsed.texts if tag == "style")
    assert "url(" not in style
    assert "@import" not in style
    policy = next(str(meta["content"]) for meta in parsed.all("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy


def test_pictures_are_embedded_and_described(parsed: Parsed, published: list[Path]) -> None:
    pictures = parsed.all("img")
    files = {path.read_bytes(): path.stem for path in published if path.suffix == ".png"}
    embedded = [files[base64.b64decode(str(img["src"]).partition(",")[2])] for img in pictures]
    assert sorted(embedded) == sorted(files.values())
    for img in pictures:
        assert len(str(img["alt"])) > 60
    captions = [said for tag, said in parsed.texts if tag == "figcaption"]
    assert [re.match(r"Figure (\d+)\. \w+", said)[1] for said in captions] == [  # type: ignore[index]
        str(k + 1) for k in range(len(pictures))
    ]


def test_tables_are_described_and_sortable(parsed: Parsed) -> None:
    tables = parsed.all("table")
    assert len(tables) >= 8
    assert all("data-sortable" in table for table in tables)
    assert len([1 for tag, _ in parsed.tags if tag == "caption"]) == len(tables)
    assert {head["scope"] for head in parsed.all("th")} == {"col", "row"}
    regions = [div for div in parsed.all("div") if div.get("class") == "scroll"]
    assert all(div["role"] == "region" and div["aria-label"] and div["tabindex"] == "0" for div in regions)


def test_what_comes_from_files_is_text(parsed: Parsed, text: str) -> None:
    assert len(parsed.all("script")) == 1
    assert parsed.texts.count(("h1", NASTY)) == 1
    assert not parsed.all("b")
    assert "<b>quick</b>" not in text


def test_the_page_fits_eyes_and_paper(text: str) -> None:
    for said in ("prefers-color-scheme: dark", "@media print", "width=device-width", 'lang="en"'):
        assert said in text
    screen, _, paper = text.partition("</style>")[0].partition("@media print")
    assert "overflow-wrap: break-word" in screen.partition("body {")[2].partition("}")[0]  # a long name fits a phone
    assert "td:not(.number) { min-width: 9rem; }" in screen.partition("max-width: 36rem")[2]  # words in no tall columns
    assert "details::details-content { content-visibility: visible; }" in paper  # nothing can be unfolded on paper


def test_the_same_result_gives_the_same_bytes(folder: Path, text: str, published: list[Path]) -> None:
    pictures = [
        Picture(path.stem, path.read_bytes(), "title", "caption") for path in published if path.suffix == ".png"
    ]
    once, again = (page_html(Study(read_results(folder)), pictures) for _ in range(2))
    assert once == again
    assert str(folder.parent) not in text


# Content
def test_the_question_and_the_expectation_come_first(parsed: Parsed) -> None:
    said = [text for tag, text in parsed.texts if tag in ("p", "h2", "h3", "blockquote")]
    first = said.index("Question and expectation")
    assert said[first + 1] == flat(NASTY)
    assert said[first + 2 : first + 4] == ["Expected, before the first run", flat(NASTY)]


def test_every_mean_and_every_difference_is_there(folder: Path, parsed: Parsed) -> None:
    study = Study(read_results(folder))
    keys = {float(str(td["data-key"])) for td in parsed.all("td") if "data-key" in td}
    for table, column in ((study.means, "mean"), (study.paired, "difference")):
        for outcome, value in zip(table["outcome"], table[column], strict=True):
            scale = 100.0 if OUTCOMES[outcome].unit == "share" and column == "difference" else 1.0
            assert scale * value in keys, (outcome, column)
    written = " ".join(text for _, text in parsed.texts)
    for outcome in study.outcomes:
        assert findings.contrasts(study, outcome)[0]["sentence"][1:] in written


def test_the_design_and_the_limits_are_said(parsed: Parsed, folder: Path) -> None:
    written = " ".join(text for _, text in parsed.texts)
    manifest = read_results(folder).manifest
    for said in (
        "common random numbers",
        "2 levels: 0.02, <b>quick</b>",
        "Some defaults were calibrated",
        "nothing here forecasts",
        "No run failed",
        manifest["command"],
        manifest["code_digest"],
        manifest["design_digest"],
        manifest["files"]["runs"]["sha256"],
        manifest["versions"]["numba"],
    ):
        assert said in written, said


KINDS = [
    ({"kind": "grid"}, "grid"),
    ({"kind": "sobol", "points": 64, "seed": 0}, "sobol, points 64, seed 0"),
    ({"kind": "one_at_a_time", "base": {}}, "one at a time"),
    ({"kind": "one_at_a_time", "base": {"shy.blame": 0.3, "trust_gain": 0.1}},
     "one at a time, base shy blame = 0.3, trust gain = 0.1"),
    ({"kind": "list", "points": [{"openness": 0.3, "label": "shy"}, {"openness": 0.9}]}, "list, points 2"),
]  # fmt: skip


@pytest.mark.parametrize(("design", "words"), KINDS)
def test_each_kind_of_design_is_said_in_words(design: dict[str, Any], words: str, folder: Path) -> None:
    stored = read_results(folder)
    plan = {**stored.manifest["design"], "design": design, "precision": {"value": 2.0}}
    html = str(results.design(Study(Stored(folder, {**stored.manifest, "design": plan}, stored.tables))))
    assert f"<dt>Design</dt><dd>{words}</dd>" in html
    assert "<dt>Precision" not in html  # replicates are asked for until it is reached, which is said there


def test_factors_of_one_name_are_told_apart(folder: Path) -> None:
    stored = read_results(folder)
    factors = {"the bold.blame": [0.2, 0.4], "shy.blame": [0.6, 0.8]}
    cells = stored.tables["cells"].assign(**{"the bold.blame": [0.2, 0.4] * 2, "shy.blame": [0.6, 0.8] * 2})
    plan = {**stored.manifest["design"], "factors": factors, "levers": ["shy.blame"]}
    tables = {**stored.tables, "cells": cells}
    html = str(results.design(Study(Stored(folder, {**stored.manifest, "design": plan}, tables))))
    assert "<dt>Factor: the bold blame</dt><dd>2 levels: 0.2, 0.4</dd>" in html
    assert "<dt>Lever: shy blame</dt><dd>2 levels: 0.6, 0.8</dd>" in html
    assert re.search(r">the bold blame</th>.*>shy blame</th>", html)


def test_the_unit_of_a_difference_is_said_where_it_has_one(text: str) -> None:
    assert "Value: difference from plain · trust gain=0.02 and its 95% interval, in money; " in text
    assert "Trust: difference from plain · trust gain=0.02 and its 95% interval; " in text


def test_a_reference_that_stands_in_is_told(folder: Path) -> None:
    stored = read_results(folder)
    kept = ("cells", "failed")
    tables = {name: table if name in kept else table.query("cell != 0") for name, table in stored.tables.items()}
    said = "in place of plain · trust gain=0.02, which has no runs"
    study = Study(Stored(folder, stored.manifest, tables))
    assert page_html(study).count(said) == 2  # beside what came out, and in the design
    assert said in summary_markdown(study)


def test_parameters_that_differ_come_before_the_whole_list(text: str) -> None:
    differing, _, rest = text.partition('id="parameters"')[2].partition("<details>")
    assert "K, Kotelnikov" in differing  # what the letters in the column of seeds stand for
    assert f">trust_loss</th><td>0.2</td><td>{Parameters().trust_loss:g}</td>" in differing
    assert ">the bold: blame</th><td>0.2</td>" in differing
    assert ">trust_gain</th><td>0.02 (2 cells), 0.08 (2 cells)</td>" in differing
    assert ">event crash</th>" in differing
    assert ">trust_half</th>" not in differing
    usual = f"<td>{Parameters().trust_half:g}</td>"
    assert f">trust_half</th>{usual}{usual}" in rest


def test_of_many_values_the_range_is_said(folder: Path) -> None:
    stored = read_results(folder)
    cells = [json.loads(json.dumps(stored.manifest["cells"][0])) for _ in range(30)]
    for k, cell in enumerate(cells):
        cell["resolved"]["parameters"] |= {"trust_gain": 0.01 + k / 1000, "contract_horizon": 36 + k // 15}
    html = str(background.parameters(Study(Stored(folder, {**stored.manifest, "cells": cells}, stored.tables))))
    assert ">trust_gain</th><td>30 values from 0.01 to 0.039</td>" in html
    assert ">contract_horizon</th><td>36 (15 cells), 37 (15 cells)</td>" in html


def row(outcome: str, low: float, high: float, mean: float = 10.0, n: int = 9, method: str = "t") -> dict[str, Any]:
    sure = {"low": low, "high": high, "n": n, "method": method}
    return {"outcome": outcome, **sure, "difference": (low + high) / 2.0, "reference_mean": mean}


ALIKE = {**row("value", np.nan, np.nan, method="all alike"), "difference": 0.0}


@pytest.mark.parametrize(
    ("contrast", "reads"),
    [
        (row("trust", 0.11, 0.2), findings.LARGE),
        (row("trust", -0.3, -0.09), findings.SMALL),
        (row("survived", -0.3, -0.11), findings.LARGE),
        (row("value", 2.1, 3.0), findings.LARGE),
        (row("value", 1.9, 3.0), findings.SMALL),
        (row("value", -3.0, -2.1, mean=-10.0), findings.LARGE),
        (row("value", -0.1, 3.0), findings.UNCLEAR),
        (row("value", 0.0, 3.0), findings.UNCLEAR),
        (ALIKE, findings.SAME),
        (row("survived", -0.5, 0.5, method="rule of three"), findings.SAME),
        (row("survived", -0.01, 0.01), findings.UNCLEAR),
        ({**ALIKE, "difference": 2.0}, findings.UNKNOWN),
        (row("value", np.nan, np.nan, n=1, method="none"), findings.UNKNOWN),
    ],
)
def test_a_difference_reads_by_its_whole_interval(contrast: dict[str, Any], reads: str) -> None:
    assert findings.reading(contrast) == reads


def test_differences_are_counted_with_their_range() -> None:
    rows = [row("value", 2.1, 3.0), row("value", 0.1, 0.3), row("value", -1.0, 2.0)]
    rows = [{**one, "reading": findings.reading(one)} for one in rows]
    assert findings.tally(rows) == (
        "value: higher in 2 of 3 cells (1 large), not told apart from zero in 1 of 3; from +0.20 to +2.55 money"
    )


def test_an_end_that_excludes_zero_does_not_read_as_zero(folder: Path) -> None:
    stored = read_results(folder)
    runs = stored.tables["runs"].copy()
    moved = np.array([0.0125, 0.0325, 0.0525, 0.0725])  # 0.0425 ± 0.0411
    runs.loc[runs["cell"] == 1, "trust"] = runs.loc[runs["cell"] == 0, "trust"].to_numpy() + moved
    html = page_html(Study(Stored(folder, stored.manifest, {**stored.tables, "runs": runs})))
    row = html.partition("Trust: difference from")[2].partition("</table>")[0]
    assert re.search(r">\+0\.043</td><td[^>]*>\+0\.001</td><td[^>]*>\+0\.084</td>.*?<td>small</td>", row)


def test_where_nothing_differs_there_is_no_range() -> None:
    same = {**row("tightness", 0.0, 0.0), "reading": findings.SAME}
    assert findings.tally([same, same]) == "tightness: the same in 2 of 2"
    assert findings.tally([same, {**row("value", 1.0, 3.0), "reading": findings.SMALL}]).endswith("from 0 to +2.0")
    share = {**row("survived", 0.01, 0.03), "reading": findings.SMALL}
    assert findings.tally([share]).endswith("; by +2.0 percentage points")


def test_a_reference_with_a_shorter_name_is_introduced(folder: Path, tmp_path: Path) -> None:
    study = Study(read_results(folder))
    study.names[study.reference] = "the reference"
    came_out = page_html(study).partition("<h3>What came out</h3>")[2]
    assert came_out.startswith("<p>The reference is plain · trust gain=0.02.</p>")
    alone = run_experiment(experiment_of([scenario("alone")], 2, 1, "one"), tmp_path, jobs=1)
    assert "The reference is" not in page_html(Study(read_results(alone)))


def test_endings_are_sorted_by_their_shares(folder: Path) -> None:
    study = Study(read_results(folder))
    last = study.tables["survival"].query("cell == 1").set_index("month").loc[24, list(CAUSES_OF_ENDING)]
    assert [field.key for field in results._endings(study, 1)] == pytest.approx(last.tolist())
    assert last.max() > 0.0


def test_two_kinds_of_alliances_are_not_hidden_in_a_mean(folder: Path) -> None:
    stored = read_results(folder)
    month = int(stored.tables["histogram"]["month"].max())
    bins = np.arange(100)
    counts = np.where(abs(bins - 20) < 8, 40, 0) + np.where(abs(bins - 75) < 8, 60, 0)
    one = pd.DataFrame(
        {"cell": 0, "month": month, "variable": "trust", "low": bins / 100, "high": (bins + 1) / 100, "count": counts}
    )
    old = stored.tables["histogram"]
    kept = old[~((old["cell"] == 0) & (old["variable"].astype(str) == "trust"))]
    tables = {**stored.tables, "histogram": pd.concat([kept.astype({"variable": str}), one[one["count"] > 0]])}
    html = page_html(Study(Stored(stored.folder, stored.manifest, tables)))
    told = "40% of the alliances are near 0.2"
    assert html.count(told) == 2  # beside the expectation, and where the spread is shown
    assert html.index(told) < html.index('id="design"')
    assert 'class="notice" role="note"' in html.partition('id="spread"')[2]
    humps = html.partition("Humps of trust and communication")[2].partition("</table>")[0]
    found = re.findall(r"<tr>(?:<t[hd][^>]*>[^<]*</t[hd]>){3}<td[^>]*>(\d)</td>", humps)
    assert found == sorted(found, reverse=True)
    assert found[0] == "2"
    assert "two humps" not in page_html(Study(stored)).partition('id="design"')[0]


def test_lifetimes_are_compared_when_every_alliance_was_kept(tmp_path: Path) -> None:
    pair = [scenario("calm"), scenario("fleeting", parameters={"exogenous_exit": 0.2})]
    folder = run_experiment(experiment_of(pair, 6, 3, "kept"), tmp_path, jobs=1, keep_alliances=True)
    html = page_html(Study(read_results(folder)))
    assert "<pre>alliance sweep ./experiment.toml --alliances</pre>" in html
    time = html.partition('id="time"')[2].partition("</section>")[0]
    assert re.search(r"within 24 months alliances last \d[\d.]* months shorter than in calm", time)
    assert "log-rank test" in time


def test_a_sample_has_no_baseline_and_the_page_says_so(folder: Path) -> None:
    stored = read_results(folder)
    assert "points sampled over ranges" not in page_html(Study(stored))
    plan = {**stored.manifest["design"], "factors": {"trust_gain": {"low": 0.02, "high": 0.08, "scale": "log"}}}
    plan |= {"uncertainties": ["trust_gain"], "design": {"kind": "sobol", "points": 4, "seed": 1}}
    html = page_html(Study(Stored(stored.folder, {**stored.manifest, "design": plan}, stored.tables)))
    assert "points sampled over ranges" in html
    assert "<dt>Uncertainty: trust gain</dt><dd>from 0.02 to 0.08, log scale</dd>" in html
    assert "<dt>Design</dt><dd>sobol, points 4, seed 1</dd>" in html


# Incomplete and strange results
def test_what_is_missing_is_said_before_all_else(folder: Path) -> None:
    stored = read_results(folder)
    tables = dict(stored.tables)
    for name in ("runs", "monthly", "survival", "ledger", "run_ledger", "histogram"):
        tables[name] = tables[name][tables[name]["cell"] != 1]
    tables["failed"] = pd.DataFrame({"cell": [1], "replicate": [0], "seed": [3], "error": [f"ValueError: {NASTY}"]})
    html = page_html(Study(Stored(stored.folder, {**stored.manifest, "status": "interrupted"}, tables)))
    parsed = Parsed(html)
    notice = "Not complete (interrupted). 12 of 16 runs are in these tables; 1 failed. 1 of 4 cells has no runs: "
    name = Study(stored).names[1]
    assert ("p", f"{notice}{name}. To go on: alliance resume {folder.name}") in parsed.texts
    ended = page_html(Study(Stored(stored.folder, {**stored.manifest, "status": "some runs failed"}, tables)))
    assert f"To try the failed runs again: alliance resume {folder.name} --retry-failed" in ended
    assert html.index("Not complete") < html.index("<h2")
    assert ("td", f"ValueError: {NASTY}") in parsed.texts
    assert ("p", "No run failed.") not in parsed.texts


def test_a_complete_result_has_no_warning(parsed: Parsed) -> None:
    assert "incomplete" not in [attributes.get("id") for _, attributes in parsed.tags]


@pytest.mark.parametrize("replicates", [1, 2])
def test_a_page_of_one_cell_and_few_replicates(replicates: int, tmp_path: Path) -> None:
    html = page_html(
        Study(read_results(run_experiment(experiment_of([scenario("alone")], replicates, 1, "one"), tmp_path, jobs=1)))
    )
    parsed = Parsed(html)
    assert "Was the expectation met?" not in [said for _, said in parsed.texts]
    assert not [said for _, said in parsed.texts if re.search(r"\bnan\b", said)]


def many_cells(stored: Stored, cells: int) -> Stored:
    """A result with one cell repeated under other names, its values moved a little."""
    tables = {}
    shifts = np.linspace(-30.0, 30.0, cells)
    first = {name: table[table["cell"] == 0] for name, table in stored.tables.items() if name != "failed"}
    for name, table in first.items():
        copies = []
        for cell in range(cells):
            copy = table.assign(cell=cell)
            if "label" in copy:
                copy = copy.assign(label=f"plain · trust_gain={cell / 1000:g}")
            if name == "runs":  # a shift that differs a little from replicate to replicate
                copy = copy.assign(value=copy["value"] + shifts[cell] * (1.0 + 0.01 * copy["replicate"]))
            copies.append(copy)
        tables[name] = pd.concat(copies, ignore_index=True)
    tables["failed"] = stored.tables["failed"]
    tables["cells"]["trust_gain"] = np.arange(cells) / 1000
    planned = [{**stored.manifest["cells"][0], "cell": cell} for cell in range(cells)]
    return Stored(stored.folder, {**stored.manifest, "cells": planned}, tables)


def test_hundreds_of_cells_stay_readable(folder: Path) -> None:
    html = page_html(Study(many_cells(read_results(folder), 220)))
    parsed = Parsed(html)
    assert len(html) < 2_000_000
    assert "the 6 largest of" in html
    value = html.partition("<h3>Value</h3>")[2].partition("<h3>")[0]
    assert value.count("<tr>") == 220  # 219 differences and the head
    sizes = [abs(float(key)) for key in re.findall(r'</td><td class="number" data-key="([^"]+)">[+−]', value)][::3]
    assert sizes == sorted(sizes, reverse=True)
    assert len([said for tag, said in parsed.texts if tag == "li"]) < 150


def test_pictures_are_limited() -> None:
    from sim.study.page.results import Album

    album = Album([Picture(f"heat_map_{k}", b"png", "title", "caption") for k in range(30)])
    assert str(album.show("heat_map")).count("<img") == MOST_FIGURES
    assert str(album.show("heat_map")) == ""


# Doing it again
def saved(html: str, folder: Path) -> Path:
    """The files that the page embeds, saved as it says."""
    for name, content in re.findall(r'<pre data-file="([^"]+)">(.*?)</pre>', html, re.DOTALL):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Parsed(f"<pre>{content}</pre>").texts[0][1], encoding="utf-8")
    return folder / recipe.EXPERIMENT_FILE


def test_the_page_alone_makes_the_same_result_again(text: str, folder: Path, tmp_path: Path) -> None:
    experiment = load_experiment(saved(text, tmp_path))
    before = read_results(folder)
    assert experiment.digest() == before.manifest["design_digest"]
    assert experiment.title == flat(NASTY)
    after = read_results(run_experiment(experiment, tmp_path / "again", jobs=1))
    pd.testing.assert_frame_equal(after.tables["runs"], before.tables["runs"])
    assert after.manifest["files"]["runs"]["sha256"] == before.manifest["files"]["runs"]["sha256"]


def test_links_save_the_files_that_are_shown(parsed: Parsed) -> None:
    links = [link for link in parsed.all("a") if "download" in link]
    shown = [attributes for attributes in parsed.all("pre") if "data-file" in attributes]
    assert len(links) == len(shown) == 3
    for link, pre in zip(links, shown, strict=True):
        content = base64.b64decode(str(link["href"]).partition(",")[2]).decode()
        assert str(pre["data-file"]).endswith(str(link["download"]))
        assert ("pre", content) in parsed.texts


@pytest.mark.parametrize("name", list(available("experiments")))
def test_every_shipped_experiment_can_be_written_from_its_manifest(name: str, tmp_path: Path) -> None:
    experiment = load_experiment(available("experiments")[name])
    manifest = {
        **{key: getattr(experiment, key) for key in ("title", "question", "expected", "outcomes")},
        "design": experiment.plain(),
        "cells": [{"scenario": c.scenario_name, "resolved": c.scenario.plain()} for c in experiment.cells()],
    }
    for path, content in recipe.files_of(json.loads(json.dumps(manifest))).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(content, encoding="utf-8")
    again = load_experiment(tmp_path / recipe.EXPERIMENT_FILE)
    assert again.digest() == experiment.digest()
    assert [cell.label for cell in again.cells()] == [cell.label for cell in experiment.cells()]


# The script
@pytest.mark.skipif(shutil.which("node") is None, reason="the script needs Node.js to be run outside a browser")
def test_the_script_sorts_and_filters() -> None:
    script = Path(page.__file__).with_name("table.js")
    code = f"""
    const {{ compare, sortedOrder, matches }} = require({json.dumps(str(script))});
    console.log(JSON.stringify([
      sortedOrder([3, "", -1, 20, -1], 1), sortedOrder([3, "", -1, 20, -1], -1),
      sortedOrder(["b10", "b9", "", "A"], 1), compare(1, 1, 1),
      matches("Culture clash, large", "LARGE cult"), matches("small", "large"), matches("any", ""),
    ]));
    """
    done = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[2, 4, 0, 3, 1], [3, 0, 2, 4, 1], [3, 1, 0, 2], 0, True, False, True]


def test_the_script_is_short() -> None:
    assert len(Path(page.__file__).with_name("table.js").read_text(encoding="utf-8").splitlines()) < 100


# Markup
def test_text_is_escaped_and_html_is_not_escaped_twice() -> None:
    inner = markup.element("b", "1 < 2", title='say "hi"')
    assert inner == "<b title=\"say &quot;hi&quot;\">1 &lt; 2</b>"  # fmt: skip
    assert markup.element("p", inner, " & more", hidden=True, id=None) == f"<p hidden>{inner} &amp; more</p>"
    assert markup.element("img", alt="") == '<img alt="">'


def test_words_from_right_to_left_stand_apart() -> None:
    said = markup.element("li", "כן, לא: trust 0.5 & 2 money lower than ثقة عالية (95% interval)")
    assert said == (
        "<li><bdi>כן, לא</bdi>: trust 0.5 &amp; 2 money lower than <bdi>ثقة عالية</bdi> (95% interval)</li>"
    )  # fmt: skip
    assert markup.prose("h1", "ثقة < 5\nכן") == '<h1 dir="auto">ثقة &lt; 5 כן</h1>'
    assert markup.element("p", "信頼 ü — 🤝") == "<p>信頼 ü — 🤝</p>"


def test_names_of_any_script_are_drawn_and_kept_as_they_are(tmp_path: Path) -> None:
    factors = {"blame": ({"label": "信頼 `shy 🤝", "value": 0.1}, {"label": "ثقة", "value": 0.8})}
    experiment = experiment_of([scenario("alone")], 2, 1, "names").replace(title="ثقة", factors=factors)
    html = page.publish(read_results(run_experiment(experiment, tmp_path, jobs=1)))[-1].read_text(encoding="utf-8")
    parsed = Parsed(html)
    assert ("title", "ثقة") in parsed.texts
    assert ("bdi", "ثقة") in parsed.texts
    assert any(tag == "li" and said.startswith("信頼 `shy 🤝: value") for tag, said in parsed.texts)
    assert {said for tag, said in parsed.texts if tag == "code"} == {"docs/parameters.md", "network.market"}


def test_sort_keys_are_numbers_that_javascript_reads() -> None:
    keys = (0.1, 1e-7, 3e20, np.inf, -np.inf, np.nan)
    html = str(markup.table("Keys.", ["name", "k"], [["row", markup.Field("shown", key)] for key in keys]))
    written = re.findall(r'data-key="([^"]+)"', html)
    assert written == ["0.1", "1e-07", "3e+20", "Infinity", "-Infinity"]


def test_long_tables_are_cut_and_say_so() -> None:
    rows = [[f"row {k}", markup.Field(str(k), float(k))] for k in range(markup.MOST_ROWS + 5)]
    html = str(markup.table("Numbers.", ["name", "k"], rows))
    assert html.count("<tr>") == markup.MOST_ROWS + 1
    assert "Numbers. The first 2,000 of 2,005 rows; tables/ has all." in html


def test_toml_writes_what_tomllib_reads() -> None:
    import tomllib

    data = {
        "text": 'quotes " and \x7f and \\ and ü',
        "number": 0.1,
        "whole": 3,
        "switch": True,
        "table": {"events.crash.depth": 1e-7, "a b": [1, {"low": 0.5}]},
        "groups": [{"name": "x", "traits": {"blame": {"beta": [2, 4]}}}, {"name": "y"}],
    }
    assert tomllib.loads(recipe.toml(data)) == data


# The command
@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result of one cell, which is drawn soon."""
    return run_experiment(experiment_of([scenario("small")], 2, 1, "small"), tmp_path_factory.mktemp("small"), jobs=1)


def call(*args: str) -> Result:
    return CliRunner().invoke(alliance, list(args), prog_name="alliance")


def test_the_command_writes_the_page_and_says_where(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "elsewhere"
    result = call("report", str(small), "--out", str(out))
    assert result.exit_code == 0, result.output
    assert (out / "report.html").is_file()
    assert f"Report: {out / 'report.html'}" in result.stdout
    assert not (small / "report.html").exists()


def test_the_command_names_the_page_in_json(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "draw_all", lambda *_: {})  # the figures are not what is asked
    document = json.loads(call("report", str(small), "--out", str(tmp_path), "--json").stdout)
    assert document["page"] == str(tmp_path / "report.html")
    assert Path(document["page"]).is_file()


def test_a_page_that_cannot_be_written_is_told_in_one_line(small: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    result = call("report", str(small), "--out", str(blocked / "inside"))
    assert result.exit_code == 1
    assert "choose another folder with --out" in result.stderr
    assert "Traceback" not in result.output


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    result = call("report", str(tmp_path))
    assert result.exit_code == 3
    assert "is no result folder" in result.stderr
