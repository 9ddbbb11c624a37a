"""``alliance whatif``: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from sim.cli import alliance
from sim.commands.whatif import _interval
from sim.engine import simulate_history
from sim.library import find
from sim.scenario import Scenario, load
from sim.study.story import most_telling
from sim.study.whatif import KeptAway, effect_of, happened, whatif

SMALL = ["--set", "months=36", "--set", "organizations=6"]
SCENARIO = """\
title = "Two firms"
question = "Does trust survive a scandal?"
source = "the tests"
expected = "Not at once."
months = 36
organizations = 2

[[groups]]
name = "North Co"
[[groups]]
name = "south"

[[events]]
name = "scandal"
kind = "breach"
month = 12
who = "North Co"
severity = 0.5
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "firms.toml").write_text(SCENARIO, encoding="utf-8")
    return tmp_path


def call(*args: str) -> Result:
    return CliRunner().invoke(alliance, ["whatif", *args], prog_name="alliance")


def small_baseline() -> Scenario:
    return load(find("scenarios", "baseline")).replace(months=36, organizations=6)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_both_futures_what_happened_and_the_ledger_are_printed() -> None:
    result = call("baseline", "--without", "hard_talk@first", "--alliance", "2", "--seed", "3", *SMALL)
    found = whatif(small_baseline(), 3, 0, [KeptAway("hard_talk")], 2)
    assert result.exit_code == 0, result.output
    assert found.sentence() in flat(result.stdout)
    for heading in ("Both futures: as it was | otherwise", "From the month of the change on", "The ledger of the diff"):
        assert heading in result.stdout
    assert "all together" in result.stdout
    assert not Path("results").exists()


def test_without_a_number_the_one_is_told_that_a_story_tells() -> None:
    told = most_telling(simulate_history(small_baseline(), 3))
    result = call("baseline", "--set-from", "6", "trust_gain=0.2", "--seed", "3", "--json", *SMALL)
    assert json.loads(result.stdout)["alliance"] == told


def test_the_document_holds_what_the_tables_hold() -> None:
    result = call("baseline", "--without", "friction@first", "--alliance", "all", "--at", "30", "--json", *SMALL)
    document = json.loads(result.stdout)
    found = whatif(small_baseline(), 1, 0, [KeptAway("friction")], "all")
    assert document["first_month"] == found.first_month
    assert document["changes"] == [f"--without friction@{found.first_month}"]
    assert document["alliance"] == "all"
    assert document["sentence"] == found.sentence(30)
    assert sum(row["total"] for row in document["ledger"]) == pytest.approx(
        document["futures"][30]["trust_difference"], abs=1e-12
    )
    assert len(document["futures"]) == 37


@pytest.mark.parametrize("named", ["scandal", "breach@12"])
def test_an_event_is_left_out_by_its_name_or_its_kind_and_month(named: str) -> None:
    document = json.loads(call("./firms.toml", "--without", named, "--json").stdout)
    assert document["changes"] == ["--without scandal"]
    assert document["first_month"] == 12
    assert document["futures"][12]["trust_difference"] > 0.0


def test_an_event_is_added_and_a_trait_set_for_a_group_with_a_space_in_its_name() -> None:
    result = call(
        "firms.toml", "--with", "breach@20:who=North Co,severity=0.2", "--set-from", "22", "North Co.blame=1", "--json"
    )
    document = json.loads(result.stdout)
    assert document["changes"] == ["--with 'breach@20:who=North Co,severity=0.2'", "--set-from 22 'North Co.blame=1'"]
    assert document["first_month"] == 20


def test_figures_and_tables_are_written_where_they_are_wanted() -> None:
    result = call("firms.toml", "--without", "scandal", "--figures", "drawn", "--csv", "deep/down", "--quiet")
    files = [Path(line) for line in result.stdout.split()]
    assert result.exit_code == 0
    assert [file.name for file in files] == ["futures.csv", "happenings.csv", "ledger.csv", "whatif.png", "whatif.svg"]
    assert all(file.stat().st_size > 100 for file in files)
    ledger, futures = pd.read_csv("deep/down/ledger.csv"), pd.read_csv("deep/down/futures.csv")
    assert ledger["total"].sum() == pytest.approx(futures["trust_difference"].iloc[-1], abs=1e-12)
    again = call("firms.toml", "--without", "scandal", "--csv", "deep/down")
    assert again.exit_code == 0
    assert "Files: deep/down/futures.csv" in again.stdout


def test_many_replicates_give_the_mean_effect() -> None:
    line = ["baseline", "--without", "blame@first", "--replicates", "12", *SMALL]
    effect = effect_of(small_baseline(), [KeptAway("blame")], 12)
    result = call(*line)
    assert flat(effect.sentence()) in flat(result.stdout)
    assert "The ledger of the difference, mean over replicates" in result.stdout
    document = json.loads(call(*line, "--json", "--csv", "effect").stdout)
    assert (document["scenario"], document["seed"], document["alliance"]) == ("baseline", 1, 1)
    assert document["applied"] == effect.applied
    assert document["effect"][0]["difference"] == pytest.approx(effect.table["difference"][0], abs=1e-12)
    assert [Path(file).name for file in document["files"]] == ["effect.csv", "effect_ledger.csv"]


def test_the_two_futures_fit_into_80_columns() -> None:
    lines = call("baseline", "--set-from", "6", "blame=1", "--seed", "3").stdout.splitlines()
    start = lines.index("Both futures: as it was | otherwise")
    table = lines[start : lines.index("From the month of the change on")]
    assert len(table) > 8
    assert max(map(len, table)) <= 80


def test_it_says_that_it_is_one_history_and_how_to_have_many() -> None:
    told = flat(call("firms.toml", "--without", "scandal").stdout)
    assert "This is one history, not a mean over many: --replicates 200 gives the mean effect" in told


def test_what_is_printed_adds_up_to_the_last_digit() -> None:
    lines = call("baseline", "--set-from", "6", "blame=1", "--seed", "3", *SMALL).stdout.splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith(" cause")) + 2
    rows = [line.replace("−", "-").rsplit(maxsplit=4)[1:] for line in lines[start:] if line.strip()]
    numbers = np.array([[round(1000 * float(cell)) for cell in row] for row in rows[: 1 + rows.index(rows[-1])]])
    assert (numbers[:, :3].sum(axis=1) == numbers[:, 3]).all()
    assert (numbers[:-1].sum(axis=0) == numbers[-1]).all()
    assert abs(numbers[-1, 3]) > 1


def test_a_market_without_an_alliance_is_told_in_words() -> None:
    line = ["vetting", "--set", "search_rate=0", "--set", "months=12", "--set", "organizations=6"]
    refused = call(*line, "--set-from", "3", "blame=1")
    assert refused.exit_code == 2
    assert "no alliance is formed in this history" in refused.stderr
    otherwise = call(*line, "--set-from", "3", "search_rate=1", "--alliance", "all")
    assert otherwise.exit_code == 0
    assert "would have been formed instead" in flat(otherwise.stdout)
    none = call(*line, "--set-from", "3", "blame=1", "--replicates", "2")
    assert none.exit_code == 0
    assert "can be made in none of 2 replicates. In replicate 0: no alliance is formed." in flat(none.stdout)


@pytest.mark.parametrize("at", ["1", "4", "30"])
def test_a_market_that_begins_without_an_alliance_is_told_from_its_first_one_on(at: str) -> None:
    line = ["vetting", "--set", "months=30", "--set", "organizations=8", "--alliance", "all"]
    result = call(*line, "--set-from", "1", "blame=1", "--at", at)
    assert result.exit_code == 0, result.output
    assert ("Both futures" in result.stdout) == ("no alliance is formed" not in flat(result.stdout))


def test_in_a_market_it_says_which_alliances_would_never_be_formed() -> None:
    line = ["reputation_market", "--set", "months=40", "--set", "organizations=12", "--alliance", "all"]
    line += ["--with", "breach@6:severity=0.9"]
    document = json.loads(call(*line, "--json").stdout)
    assert document["never_formed"]
    result = call(*line)
    assert f"{len(document['never_formed'])} would never have been formed (organization" in flat(result.stdout)
    one = document["never_formed"][0]["alliance"]
    told = call(*line[:5], "--alliance", str(one), *line[7:], "--figures", "drawn")
    assert told.exit_code == 0, told.output
    assert "would never have been formed" in flat(told.stdout)
    assert "no figure: the alliance is not formed in both worlds" in told.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ([], "say what is different"),
        (["--without", "blame"], "which month? Write blame@14, blame@14-30 or blame@first"),
        (["--without", "blame@x"], "which month?"),
        (["--without", "blame@99"], "out of range: from 1 to 36"),
        (["--without", "scandle"], "did you mean 'scandal'"),
        (["--without", "breach@13"], "dated events of firms: scandal (breach@12)"),
        (["--with", "breach"], "write KIND@MONTH:KEY=VALUE"),
        (["--with", "breach@3:severity"], "'severity' is no key=value"),
        (["--with", "breach@3:severity=1,severity=0"], "given twice"),
        (["--with", "breach@3:severity=7"], "7 is out of range"),
        (["--with", "breech@3:severity=1"], "did you mean 'breach'"),
        (["--set-from", "3", "trust_gian=1"], "did you mean 'trust_gain'"),
        (["--set-from", "99", "trust_gain=0.1"], "month 99 is out of range"),
        (["--without", "scandal", "--alliance", "2"], "this history has 1"),
        (["--without", "scandal", "--alliance", "none"], "a number from 1, or all"),
        (["--without", "scandal", "--at", "11"], "the two worlds can differ in months 12 to 36"),
        (["--without", "scandal", "--replicates", "3", "--at", "20"], "goes without"),
        (["--without", "scandal", "--set", "months=6"], "out of range"),
    ],
)
def test_a_wrong_line_is_refused_in_words(line: list[str], said: str) -> None:
    result = call("firms.toml", *line)
    assert result.exit_code == 2
    assert said in flat(result.stderr)
    assert result.stdout == ""


def test_what_did_not_happen_names_the_months_in_which_it_did() -> None:
    history = simulate_history(small_baseline(), 3)
    number = next(k for k in range(1, 10) if len(happened(history, "shirking", k)) > 1)
    when = happened(history, "shirking", number)
    never = next(month for month in range(1, 37) if month not in when)
    result = call(
        "baseline", "--seed", "3", "--alliance", str(number), "--without", f"shirking@{never}", *SMALL, "--quiet"
    )
    assert result.exit_code == 2
    listed = flat(result.stderr).split("it happened in month")[1]
    assert all(str(month) in listed for month in when)


def test_a_folder_that_cannot_be_written_is_told(here: Path) -> None:
    (here / "taken").write_text("a file", encoding="utf-8")
    result = call("firms.toml", "--without", "scandal", "--csv", "taken/tables")
    assert result.exit_code == 1
    assert "taken" in result.stderr


def test_the_shell_completes_what_can_be_kept_away() -> None:
    from sim.commands.whatif import KeptAwayName

    kinds = KeptAwayName().shell_complete(None, None, "f")  # type: ignore[arg-type]
    assert [item.value for item in kinds] == ["festering@", "friction@"]


def test_who_has_parted_does_not_talk() -> None:
    """As it was they part in month 28: what is left of their talk then is no measure for the months after it."""
    line = ["--seed", "7", "--alliance", "35", "--without", "blame@14", "--without", "festering@20-30"]
    told = flat(call("baseline", *line).stdout)
    assert "It ended in month 28" in told
    assert "because they would have talked more afterwards" in told


def test_talk_that_differs_only_once_one_world_has_parted_is_neither_more_nor_less() -> None:
    line = ["--set", "months=60", "--seed", "7", "--alliance", "35", "--without", "ending@1-60"]
    told = flat(call("baseline", *line).stdout)
    assert "It ended in month" in told
    assert "because they would have talked otherwise afterwards" in told


def test_an_interval_that_excludes_zero_is_seen_to_exclude_it() -> None:
    sure = {"n": 9, "method": "t"}
    assert _interval({"difference": -0.16, "low": -0.31, "high": -0.0002, **sure}) == "−0.1600 (−0.3100 to −0.0002)"
    assert _interval({"difference": 0.0, "low": -0.0002, "high": 0.0002, **sure}) == "0.00000 (−0.00020 to +0.00020)"
    assert _interval({"difference": 0.0123, "low": None, "high": None, "n": 1, "method": "none"}) == "+0.0123"
