"""``alliance analyse`` as a user meets it: what is printed and written, and what is refused and how."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from sim.cli import alliance
from sim.commands import output
from sim.commands.output import print_table
from sim.study import terminal
from sim.sweeps.reading import read_results

COMMAND = str(Path(sys.executable).with_name("alliance"))
SCENARIO = """\
title = "{title}"
question = "Does it hold?"
source = "the tests"
expected = "It holds."
organizations = 6
months = 18
[parameters]
disappointment_exit = {exit}
"""
EXPERIMENT = """\
title = "A grid"
question = "Does it hold?"
expected = "It holds."
scenarios = ["calm"]
replicates = 3
seed = 3
[factors]
trust_gain = [0.02, 0.04, 0.06, 0.08]
blame = [0.1, 0.5, 0.9]
"""
FACTORS = ["--factor", "trust_gain=0.02..0.1", "--factor", "blame"]


def call(*args: str) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(alliance, list(args), prog_name="alliance")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two scenarios, their comparison with single alliances, and a grid of twelve cells."""
    folder = tmp_path_factory.mktemp("analyse")
    for name in ("scenarios", "experiments"):
        (folder / name).mkdir()
    for name, exit_ in (("calm", 0.01), ("rough", 0.4)):
        text = SCENARIO.format(title=name.capitalize(), exit=exit_)
        (folder / "scenarios" / f"{name}.toml").write_text(text, encoding="utf-8")
    (folder / "experiments" / "grid.toml").write_text(EXPERIMENT, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command in (["compare", "calm", "rough", "--replicates", "8", "--alliances"], ["sweep", "grid"]):
            done = call(*command, "--no-figures", "--quiet")
            assert done.exit_code == 0, done.stderr
            (folder / f"{command[0]}.txt").write_text(done.stdout.strip(), encoding="utf-8")
    return folder


@pytest.fixture
def compared(place: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The result folder of the comparison, seen from the folder of the scenarios."""
    monkeypatch.chdir(place)
    return (place / "compare.txt").read_text(encoding="utf-8")


@pytest.fixture
def grid(place: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The result folder of the grid."""
    monkeypatch.chdir(place)
    return (place / "sweep.txt").read_text(encoding="utf-8")


def sentence_of(done: Result) -> str:
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["table"]
    return str(document["sentence"])


# Of a stored result
def test_contrasts_prints_the_sentence_and_the_table(compared: str) -> None:
    done = call("analyse", "contrasts", compared, "--outcome", "duration")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("Rough: time together")
    assert "boot low" in done.stdout


def test_long_names_leave_numbers_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """Names and heads are wrapped at their words; a number that is cut in two cannot be read."""
    head = ("label", "lifetime", "reference lifetime", "difference", "low", "high", "p replicates", "p log rank")
    row = ("baseline · relational investment=0.5 · integrity=0.2", *["0.001953"] * 7)
    print_table(head, [row])
    text = capsys.readouterr().out
    assert text.count("0.001953") == 7
    assert set(" ".join(head).split()) <= set(text.split())
    assert [word for line in text.splitlines()[4:] for word in line.partition("  ")[0].split()] == row[0].split()


WIDE = "信頼の構築と崩壊についての長い名前"
TABLES = {
    "numbers": (["cell", "label", *"abcdefg"], [["1", "culture_clash", *["-0.005082"] * 7], ["2", "x", *["12"] * 7]]),
    "intervals": (
        ["at the horizon", "unit", "as it was", "difference (95% interval)"],
        [["value", "money", "99.109", "+5.141 (+1.553 to +8.729)"], ["alive", "", "0.1 | 0.2", "0.000"]],
    ),
    "words": (["name", "meaning", "default"], [["monitoring_resentment", "trust lost by the monitored" * 3, "0.3"]]),
    "wide": (["name", "題", "note"], [[WIDE, "0.001953", WIDE], ["plain", "[red]2[/red]", "some words"]]),
    "long": (["what", "value"], [["folder", "/" + "x" * 150], ["number", "123456789"]]),
    "no head": (["", "trust"], [["work delivered well", "+0.594"]]),
    "no rows": (["a", "b"], []),
    "one column": (["a"], [["1"], ["2"]]),
}


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 120])
@pytest.mark.parametrize("kind", TABLES)
def test_a_table_of_any_width_shows_every_word_and_number_whole(
    kind: str, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    head, rows = TABLES[kind]
    monkeypatch.setattr(output, "PLAIN_WIDTH", columns)
    print_table(head, rows, "A title")
    text = capsys.readouterr().out
    assert max(map(cell_len, text.splitlines())) <= columns
    cells = [cell for row in rows for cell in row]
    words = [word for cell in (cells and [*head, *cells]) for word in cell.split()]
    short = [word for word in words if cell_len(word) == len(word) <= columns - 15]
    said = text.replace(":", "").split()
    assert all(said.count(word) >= short.count(word.replace(":", "")) for word in set(short) if word not in head)
    long = "".join(word for word in words if word not in short)
    assert not Counter(long) - Counter(text)  # what is longer than a line is broken, and all of it is there
    for interval in (cell for cell in cells if " to " in cell or "|" in cell):
        assert any(interval in line for line in text.splitlines())


def test_a_table_that_does_not_fit_is_a_block_for_each_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "PLAIN_WIDTH", 44)
    head = ("cause", "at once", "through communication", "note")
    print_table(head, [("blame", "+0.142", "−0.002", "one line and then another"), ("all", "0.000", "–", "")])
    assert capsys.readouterr().out == (
        "\ncause: blame\n"
        "  at once                +0.142\n"
        "  through communication  −0.002\n"
        "  note                   one line and then\n"
        "                         another\n"
        "\ncause: all\n"
        "  at once                0.000\n"
        "  through communication  –\n\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of its own")
@pytest.mark.parametrize("columns", [40, 80])
def test_on_a_terminal_nothing_is_broken(columns: int) -> None:
    """As a person sees it: a line that is too long the terminal itself breaks, wherever it is."""
    import fcntl
    import termios

    terminal, end = os.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    without = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    with subprocess.Popen([COMMAND, "vet", "--compare"], stdout=end, env={**without, "NO_COLOR": "1"}) as process:
        os.close(end)
        said = b""
        with suppress(OSError):  # what the system calls a terminal that was closed
            while part := os.read(terminal, 65536):
                said += part
    os.close(terminal)
    assert process.returncode == 0
    text = re.sub(r"\x1b\[[0-9;]*m", "", said.decode()).replace("\r\n", "\n")
    assert max(map(len, text.splitlines())) <= columns
    assert re.search(r"^  questions per genuine partner  +134\.7$", text, re.MULTILINE)
    assert "practise what they profess (73%)" in " ".join(text.split())


@pytest.mark.parametrize("columns", [40, 80])
def test_the_summary_of_a_sweep_is_as_wide_as_the_terminal(
    compared: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = read_results(Path(compared))
    usual = terminal.summary_text(stored)
    monkeypatch.setattr(terminal, "width", lambda: columns)
    text = terminal.summary_text(stored)
    assert max(len(line) for line in text.splitlines() if not line.startswith("Results: ")) <= columns
    sentences, narrow = (said.split("\n\n")[2].split() for said in (usual, text))
    assert sentences == narrow


def test_the_survival_of_one_cell_is_a_short_table(compared: str) -> None:
    told = call("analyse", "survival", compared, "--cell", "0").stdout
    head = next(line for line in told.splitlines() if line.startswith(" cell"))
    assert [name.strip() for name in head.split("  ") if name.strip()] == [
        "cell", "label", "month", "at risk", "going on", "low", "high", "distrust", "disappointment",
        "strategic change",
    ]  # fmt: skip


def test_cells_that_survival_leaves_out_are_counted(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    done = call("sweep", "grid", "--alliances", "--no-figures", "--quiet")
    told = call("analyse", "survival", done.stdout.strip())
    assert "the first 6 of 12 cells; --cell N names others" in told.stderr
    assert max(map(len, told.stdout.splitlines())) <= 120
    assert "the first" not in call("analyse", "survival", done.stdout.strip(), "--cell", "0", "--cell", "7").stderr


def test_an_outcome_named_twice_is_one(compared: str, tmp_path: Path) -> None:
    asked = ("--outcome", "trust", "--outcome", "trust", "--out", str(tmp_path), "--json")
    done = call("analyse", "contrasts", compared, *asked)
    assert done.exit_code == 0, done.stderr
    assert len(json.loads(done.stdout)["table"]) == 1


def test_the_reference_can_be_chosen(compared: str) -> None:
    said = sentence_of(call("analyse", "contrasts", compared, "--outcome", "duration", "--reference", "1", "--json"))
    assert said.startswith("Calm: time together")


def test_survival_writes_table_figure_and_sentence(compared: str, tmp_path: Path) -> None:
    done = call("analyse", "survival", compared, "--out", str(tmp_path / "answers"))
    assert done.exit_code == 0, done.stderr
    names = {"survival.md", "survival.csv", "survival_comparison.csv", "survival.png", "survival.svg"}
    assert {path.name for path in (tmp_path / "answers").iterdir()} == names
    assert "alliance analyse survival" in (tmp_path / "answers" / "survival.md").read_text(encoding="utf-8")
    table = pd.read_csv(tmp_path / "answers" / "survival.csv")
    assert table.groupby("cell")["month"].max().tolist() == [18, 18]
    assert all(name in done.stdout for name in names)


def test_the_same_question_gives_the_same_answer(compared: str) -> None:
    first, second = (call("analyse", "survival", compared, "--json").stdout for _ in range(2))
    assert first == second
    assert call("analyse", "survival", compared, "--json", "--seed", "2").stdout != first


def test_one_cell_can_be_chosen(compared: str) -> None:
    assert sentence_of(call("analyse", "survival", compared, "--cell", "1", "--json")).startswith("Rough: ")


def test_humps_reads_single_alliances_when_they_are_there(compared: str, grid: str) -> None:
    with_them = json.loads(call("analyse", "humps", compared, "--json").stdout)["table"]
    without = json.loads(call("analyse", "humps", grid, "--json").stdout)["table"]
    assert {row["by"] for row in with_them} <= {"replicates", "nothing"}
    assert {row["by"] for row in without} <= {"alliances", "nothing"}


def test_discover_names_the_factor_that_decides(grid: str) -> None:
    """Trust is low where blame is high; twelve cells are just enough."""
    trust = json.loads(call("analyse", "contrasts", grid, "--outcome", "trust", "--json").stdout)["table"]
    assert len(trust) == 11
    done = call("analyse", "discover", grid, "--outcome", "trust_change", "--below", "0", "--json")
    document = json.loads(done.stdout)
    assert sum(row["coverage"] for row in document["table"]) == pytest.approx(1.0)
    assert document["checks"][0]["cells"] == 12


@pytest.mark.parametrize("levers", [0, 1])
def test_discover_takes_all_that_is_no_lever_for_a_point(
    levers: int, grid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also factors that are no uncertainties, as in a grid. A run without the outcome neither fails nor does not."""
    stored, asked = read_results(grid), []
    factors = list(stored.manifest["design"]["factors"])
    design = {**stored.manifest["design"], "levers": factors[:levers]}
    runs = stored.tables["runs"].assign(trust=lambda runs: runs["trust"].where(runs.index != 5))
    changed = replace(stored, manifest={**stored.manifest, "design": design}, tables={**stored.tables, "runs": runs})

    def ask(*arguments: Any) -> Any:
        asked.append(arguments)
        raise ValueError("enough")

    monkeypatch.setattr("sim.commands.analyse._stored", lambda _: changed)
    monkeypatch.setattr("sim.study.discovery.cases_of", lambda *_: None)  # which would refuse, for no run fails
    monkeypatch.setattr("sim.study.discovery.discover", ask)
    call("analyse", "discover", grid, "--outcome", "trust", "--below", "0")
    ((_, _, fails, *_, points),) = asked
    assert points == factors[levers:]
    assert np.flatnonzero(fails.isna()).tolist() == [5]


# Of a scenario
def test_morris_ranks_the_factors(place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(place)
    done = call(
        "analyse", "morris", "calm", *FACTORS, "--trajectories", "4", "--replicates", "3", "--set", "months=12",
        "--out", str(tmp_path),
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("Over its range each of these moves trust most")
    assert len(pd.read_csv(tmp_path / "morris_sample.csv")) == 4 * 3
    assert (tmp_path / "morris.svg").is_file()


def test_sobol_shares_out_the_variance(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    done = call("analyse", "sobol", "calm", *FACTORS, "--base", "16", "--replicates", "2", "--json", "--quiet")
    document = json.loads(done.stdout)
    assert {row["factor"] for row in document["table"]} == {"trust_gain", "blame"}
    assert len(document["convergence"]) == 6
    assert done.stderr == ""


def test_tipping_shows_each_value_that_it_runs(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    asked = ["tipping", "calm", "--factor", "trust_start=0.1..0.9", "--level", "0.55", "--replicates", "4"]
    done = call("analyse", *asked, "--halvings", "4")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("Trust rises through 0.55 at trust start")
    assert len([line for line in done.stderr.splitlines() if line.startswith("trust_start ")]) >= 9


# What is refused
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["morris", "calm", "--factor", "trust_gian=0..0.1", "--factor", "blame"], "did you mean 'trust_gain'?"),
        (["morris", "calm", "--factor", "trust_gain=0-0.1"], "write NAME=LOW..HIGH"),
        (["morris", "calm", "--factor", "blame", "--factor", "blame=0..0.5"], "--factor blame is given twice"),
        (["morris", "calm", "--factor", "blame"], "at least two factors"),
        (["morris", "calm", *FACTORS, "--outcome", "trsut"], "did you mean 'trust'?"),
        (["sobol", "calm", *FACTORS, "--base", "100"], "power of two"),
        (["sobol", "calm", "--factor", "trust_gain=0..7", "--factor", "blame"], "out of range"),
        (["tipping", "calm", *FACTORS, "--level", "0.5"], "tipping takes one --factor, got 2"),
        (["tipping", "calm", "--factor", "blame"], "Missing option '--level'"),
        (["tipping", "calm", "--factor", "blame", "--level", "nan"], "'--level': 'nan' is no finite number"),
        (
            ["tipping", "calm", "--factor", "blame", "--level", "0", "--above", "nan"],
            "'--above': 'nan' is no finite number",
        ),
        (["discover", "anywhere"], "either --below or --above"),
        (["discover", "anywhere", "--below", "0", "--above", "1"], "either --below or --above"),
    ],
)
def test_a_wrong_question_is_a_mistake_of_the_command_line(
    place: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str], message: str
) -> None:
    monkeypatch.chdir(place)
    done = call("analyse", *asked)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_result_that_lacks_what_is_asked_says_what_to_do(grid: str, compared: str) -> None:
    for asked, message in (
        (["survival", grid], "run its sweep again with --alliances"),
        (["contrasts", grid, "--reference", "99"], "cell 99 has no runs; cells are numbered from 0 to 11"),
        (["discover", compared, "--below", "0"], "only 2 cells"),
        (["discover", grid, "--outcome", "trust", "--below", "-1"], "no run fails"),
    ):
        done = call("analyse", *asked)
        assert done.exit_code == 2, done.stdout
        assert message in done.stderr


def test_what_is_no_result_is_a_bad_file(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    done = call("analyse", "humps", "nowhere")
    assert done.exit_code == 3
    assert "is no result folder" in done.stderr


def test_a_missing_extra_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setitem(sys.modules, "SALib.sample.morris", None)
    done = call("analyse", "morris", "calm", *FACTORS)
    assert done.exit_code == 1
    assert "pip install 'alliance-trust[analysis]'" in done.stderr


@pytest.mark.parametrize("command", ["", "contrasts", "survival", "humps", "discover", "morris", "sobol", "tipping"])
def test_every_question_has_examples(command: str) -> None:
    done = call("analyse", *([command] if command else []), "--help")
    assert done.exit_code == 0
    assert f"alliance analyse {command}".strip() in done.stdout.partition("Examples:")[2]
