"""``alliance vet`` as a user meets it: tables, sentences, JSON, figure, exit codes and messages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sim.cli import alliance
from sim.commands.vet import QuestionList, QuestionSetting
from sim.study import vetting
from sim.study.vetting import KINDS, QUESTIONS, Interview, compare, vet

REFERENCE = ["--questions", "behaviour", "--set", "p1=0.75", "--set", "p0=0.35"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*args: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(alliance, ["vet", *args], prog_name="alliance")


def document(*args: str) -> Any:
    """What the command prints with ``--json``."""
    result = call(*args, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def row_of(text: str, name: str) -> list[str]:
    """The cells of a row of a printed table."""
    line = next(line for line in text.splitlines() if line.strip().startswith(name))
    return line.strip().removeprefix(name).split()


def test_the_table_and_the_sentences():
    result = call(*REFERENCE)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert row_of(result.stdout, "accepted") == ["93.35%", "3.61%", "12.59%"]
    assert row_of(result.stdout, "questions asked, mean") == ["8.67", "7.06", "7.22"]
    assert row_of(result.stdout, "questions by Wald's formulas") == ["7.14", "5.63"]
    assert "Of 100 candidates you accept 13, of whom 9.3 practise what they profess (74%)" in result.stdout


def test_without_options_the_six_questions_are_asked():
    text = call().stdout
    assert all(name in " ".join(text.split()) for name in QUESTIONS)
    found = vet(Interview())
    assert row_of(text, "questions asked, mean")[2] == f"{found.questions:.2f}"


def test_a_limit_leaves_wald_s_formulas_out():
    text = call("--max-questions", "3").stdout
    assert "Wald" not in text
    assert "at a maybe" in text
    assert "at most 3 questions" in text
    assert "at most 1 question:" in call("--max-questions", "1").stdout


def test_the_comparison_is_one_table():
    text = call("--compare", "--value-genuine", "20", "--value-cat-poster=-10").stdout
    for name, way in compare(Interview(value_genuine=20, value_cat_poster=-10)).items():
        cells = row_of(text, name)
        assert cells[:3] == [
            f"{way.genuine.share_accepted:.1%}",
            f"{way.cat_poster.share_accepted:.1%}",
            f"{way.genuine_among_accepted:.1%}",
        ]
        assert cells[-1] == f"{way.value:.3g}"


def test_json_holds_what_was_given_and_computed():
    found = document(*REFERENCE, "--prior", "0.2", "--compare")
    assert found["interview"]["prior"] == 0.2
    assert {question["p1"] for question in found["interview"]["questions"]} == {0.75}
    assert found["genuine"]["questions"] == pytest.approx(8.6710, abs=5e-5)
    assert found["genuine"]["undecided"] <= 1e-12
    assert list(found["compared"]) == ["no vetting", "three questions", "self-ratings only", "the interview"]
    for sort in ("genuine", "cat_poster"):
        told = sum(row[f"{sort}_accepted"] + row[f"{sort}_turned_away"] for row in found["asked"])
        assert told == pytest.approx(1.0, abs=2e-6)
    assert len(found["sentences"]) == 4
    assert found["figures"] == []


def test_figure_is_written_as_png_and_svg():
    result = call("--figure", "drawn/vetting.png")
    assert result.exit_code == 0
    assert Path("drawn/vetting.png").read_bytes().startswith(b"\x89PNG")
    assert "The interview accepts 93%" in Path("drawn/vetting.svg").read_text(encoding="utf-8")
    assert "drawn/vetting.png" in result.stdout


def test_a_figure_that_cannot_be_written_leaves_with_1():
    Path("file").touch()
    result = call("--figure", "file/vetting.png")
    assert result.exit_code == 1
    assert "--figure file/vetting.png: cannot be written" in result.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--set", "p1=0.3"], "trust_example: p1 = 0.3 must be above p0 = 0.3"),
        (["--set", "complaints.p1=0.2"], "complaints: p1 = 0.2 must be above p0 = 0.3"),
        (["--alpha", "0.6", "--beta", "0.4"], "alpha + beta = 1 must be below 1"),
        (["--alpha", "2"], "alpha: must be from 1e-06 to 0.99, got 2.0"),
        (["--prior", "0", "--beta", "2"], "prior: must be from 0.001 to 0.999, got 0.0"),
        (["--beta", "nan"], "'--beta': 'nan' is no finite number"),
        (["--max-questions", "-1"], f"max_questions: must be from 0 to {vetting.HORIZON}, got -1"),
        (["--set", "p1=often"], "p1: must be from 0.01 to 0.99, got 'often'"),
        (["--set", "p1=0.7", "--set", "p1=0.8"], "'p1' is set twice"),
        (["--set", "trust_gain=0.7"], "trust_gain: is no setting of a question"),
        (["--questions", "complaint"], "did you mean 'complaints'?"),
        (["--questions", ","], "questions: name at least one"),
        (["--questions", "self", "--set", "complaints.p1=0.9"], "'complaints' is not asked"),
        (["--value-genuine", "20"], "give the worth of both sorts of partners"),
        (["--figure", "vetting.pdf"], "--figure vetting.pdf: must end in .png or .svg"),
        (["--set", "p1=0.501", "--set", "p0=0.5"], "these questions tell too little"),
    ],
)
def test_a_wrong_command_line_leaves_with_2(args, message, monkeypatch):
    monkeypatch.setattr(vetting, "HORIZON", 500)  # so that the last of them fails soon
    result = call(*args)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_the_help_states_the_defaults_and_the_questions():
    text = " ".join(call("--help").stdout.split())
    default = {name: field.default for name, field in Interview.model_fields.items()}
    assert f"accepting a cat poster; else {default['alpha']:g}." in text
    assert f"turning a genuine partner away; else {default['beta']:g}." in text
    assert f"among the candidates; else {default['prior']:g} (Brown)." in text
    for name, question in QUESTIONS.items():
        assert f"{name} {question.kind} " in text


def test_the_help_imports_nothing_heavy():
    script = (
        "import sys; from sim.cli import main\n"
        "sys.argv = ['alliance', 'vet', '--help']\n"
        "try: main()\n"
        "finally: print('MODULES', *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules = set(done.stderr.partition("MODULES")[2].split())
    assert "click" in modules
    assert modules & {"numpy", "numba", "pandas", "pydantic", "scipy", "matplotlib", "rich"} == set()


def test_the_table_needs_no_compiled_core():
    script = "import sys, sim.study.vetting; print({'numba', 'pandas', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_tab_key_knows_questions_and_their_settings():
    command = alliance.commands["vet"]
    with command.make_context("vet", []) as ctx:
        names = [item.value for item in QuestionList().shell_complete(ctx, command.params[0], "self,co")]
        assert names == ["self,complaints"]
        every = [item.value for item in QuestionList().shell_complete(ctx, command.params[0], "")]
        assert every == [*KINDS, *QUESTIONS]
        keys = [item.value for item in QuestionSetting().shell_complete(ctx, command.params[0], "complaints.")]
        assert keys == ["complaints.p1=", "complaints.p0=", "complaints.cost="]
