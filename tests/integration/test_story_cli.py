"""``alliance run --story``: the story is printed, stored, and of the alliance that was asked for or chosen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sim.analysis.story import most_telling, story
from sim.cli import alliance
from sim.engine import simulate_history
from sim.library import find
from sim.scenario import load

SMALL = ["--set", "months=36", "--set", "organizations=6", "--no-figures"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*args: str) -> Result:
    return CliRunner().invoke(alliance, list(args), prog_name="alliance")


def folder() -> Path:
    (manifest,) = Path("results").glob("*/*/manifest.json")
    return manifest.parent


def expected(number: int | None, seed: int = 1) -> tuple[str, str, int]:
    scenario = load(find("scenarios", "baseline")).replace(months=36, organizations=6)
    history = simulate_history(scenario, seed)
    one = story(history, number)
    return str(one), one.markdown(), most_telling(history)


def test_the_story_of_the_alliance_that_was_asked_for() -> None:
    result = call("run", "baseline", "--story", "--alliance", "2", "--seed", "4", *SMALL)
    text, markdown, _ = expected(2, seed=4)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{text}\n\nResult: ")
    assert "Ledger: what moved" not in result.stdout
    assert result.stdout.rstrip().endswith("story.md")
    assert (folder() / "story.md").read_text(encoding="utf-8") == markdown


def test_without_a_number_the_most_telling_one_is_told_and_recorded() -> None:
    result = call("run", "baseline", "--story", *SMALL)
    text, _, number = expected(None)
    assert result.stdout.startswith(text)
    assert f"alliance {number} of 9, chosen because" in text.replace("\n", " ")
    assert json.loads((folder() / "manifest.json").read_text(encoding="utf-8"))["alliance"] == number


def test_the_story_is_in_the_document_too() -> None:
    result = call("run", "baseline", "--story", "--json", *SMALL)
    document = json.loads(result.stdout)
    _, markdown, number = expected(None)
    assert document["story"] == markdown == (folder() / "story.md").read_text(encoding="utf-8")
    assert document["alliance"] == number


def test_quiet_prints_the_folder_and_writes_the_story() -> None:
    result = call("run", "baseline", "--story", "--quiet", *SMALL)
    assert result.stdout == f"{folder()}\n"
    assert result.stderr == ""
    assert (folder() / "story.md").is_file()


def test_without_the_option_there_is_no_story() -> None:
    result = call("run", "baseline", *SMALL)
    assert "Ledger: what moved" in result.stdout
    assert not (folder() / "story.md").exists()


def test_an_alliance_that_does_not_exist_is_refused_before_anything_runs() -> None:
    result = call("run", "baseline", "--story", "--alliance", "10", *SMALL)
    assert result.exit_code == 2
    assert "alliances 1 to 9" in result.stderr
    assert not Path("results").exists()
