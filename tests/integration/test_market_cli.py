"""``alliance run`` on a market: the story of how two met, the network, and what is refused with a reason."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sim.analysis.story import story
from sim.analysis.terminal import history_text, width
from sim.cli import alliance
from sim.engine import simulate_history
from tests.builders import market

MARKET = """
title = "A small market"
question = "Who finds whom?"
source = "the tests"
expected = "Some do."
months = 18
organizations = 8

[network]
market = true
partners = 0

[traits]
capacity = 2
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text(MARKET, encoding="utf-8")
    return tmp_path


def call(*args: str) -> Result:
    return CliRunner().invoke(alliance, ["run", "./small.toml", *args], prog_name="alliance")


def folder() -> Path:
    (manifest,) = Path("results").glob("*/*/manifest.json")
    return manifest.parent


def test_the_story_of_a_market_tells_how_they_met() -> None:
    result = call("--story", "--no-figures")
    assert result.exit_code == 0, result.output
    assert "HOW THEY MET" in result.stdout
    assert "organizations in a market: 8" in result.stderr
    number = json.loads((folder() / "manifest.json").read_text(encoding="utf-8"))["alliance"]
    assert f"alliance {number} of " in result.stdout.replace("\n", " ")


def test_the_network_is_drawn_at_the_months_asked_for() -> None:
    result = call("--network", "--months-shown", "0,6,18", "--quiet")
    assert result.exit_code == 0, result.output
    assert {path.name for path in (folder() / "figures").glob("network.*")} == {"network.png", "network.svg"}
    drawing = (folder() / "figures" / "network.svg").read_text(encoding="utf-8")
    assert [f"Month {month}:" in drawing for month in (0, 6, 18, 12)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--months-shown", "6"), "add --network"),
        (("--network", "--months-shown", "6,19"), "month 19: the run has months 0 to 18"),
        (("--network", "--months-shown", "six"), "write 12,48,96,144"),
        (("--network", "--no-figures"), "leave one of them out"),
        (("--alliance", "4000"), "small has alliances 1 to"),
        (("--story", "--set", "search_rate=0"), "no alliance was formed"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_reason(arguments: tuple[str, ...], words: str) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not Path("results").exists()


def flat(text: str) -> str:
    return " ".join(text.split())


def test_vain_interviews_are_counted_where_no_alliance_was_formed() -> None:
    history = simulate_history(market(months=6, organizations=4, search_rate=0.0), 2)
    history.organizations[-1].interviews[:] = [3, 0, 1, 0]
    told = flat(history_text(history, columns=60))
    assert told.startswith("A test, seed 2, replicate 0: no alliance was formed in 6 months among 4 organizations; ")
    assert told.endswith("; of 4 interviews none ended with a yes.")
    assert max(map(len, history_text(history, columns=60).splitlines())) <= 60
    with pytest.raises(ValueError, match="there are 0"):
        history_text(history, 1)
    with pytest.raises(ValueError, match="no story to tell"):
        story(history)


def test_lines_are_as_wide_as_the_terminal_but_not_wider_than_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert width() == 100
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout", terminal)
    for columns, wide in (("72", 72), ("200", 100)):
        monkeypatch.setenv("COLUMNS", columns)
        assert width() == wide


def test_a_market_in_which_nobody_meets_says_so() -> None:
    result = call("--network", "--set", "search_rate=0")
    assert result.exit_code == 0, result.output
    assert "no alliance was formed in 18 months among 8 organizations; nobody was interviewed." in flat(result.stdout)
    assert {path.stem for path in (folder() / "figures").iterdir()} == {"network"}
