"""The command ``alliance`` as a user meets it: exit codes, messages, what is printed where, and what is written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from sim import loaded
from sim.cli import COMMANDS, _mend_environment, alliance, first_words
from sim.commands import core, history, options, output
from sim.commands.options import read_value, refusals
from sim.dynamics import cache, compiled
from sim.dynamics.outcomes import OUTCOMES
from sim.engine import simulate
from sim.parameters import Parameters, Traits
from sim.scenario import PLACE_OF, load
from sim.sweeps import design, files, runner
from sim.sweeps.reading import read_results

ROOT = Path(__file__).parents[2]
COMMAND = str(Path(sys.executable).with_name("alliance"))
SMALL = ["--set", "months=12", "--set", "organizations=6"]
FEW = ["--replicates", "4", *SMALL, "--no-figures"]

SCENARIO = """\
title = "{title}"
question = "Does it hold?"
source = "the tests"
expected = "It holds."
organizations = 6
months = 12
"""
EXPERIMENT = """\
title = "A trial"
question = "Does it hold?"
expected = "It holds."
scenarios = ["calm"]
replicates = 4
seed = 3
[factors]
trust_gain = [0.02, 0.08]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with two scenarios and an experiment of its own."""
    for folder in ("scenarios", "experiments"):
        (tmp_path / folder).mkdir()
    (tmp_path / "scenarios" / "calm.toml").write_text(SCENARIO.format(title="Calm"), encoding="utf-8")
    rough = SCENARIO.format(title="Rough") + "[parameters]\ncontingency_rate = 0.4\n"
    (tmp_path / "scenarios" / "rough.toml").write_text(rough, encoding="utf-8")
    (tmp_path / "experiments" / "trial.toml").write_text(EXPERIMENT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*args: str, **options: Any) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(alliance, list(args), prog_name="alliance", **options)


def launch(*args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process of its own."""
    return subprocess.run([COMMAND, *args], capture_output=True, text=True, check=False, timeout=300, **options)


def result_folders() -> list[Path]:
    return sorted(path.parent for path in Path("results").glob("*/*/manifest.json"))


def everything_in(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def strict_json(text: str) -> Any:
    """The one JSON document that the text is; NaN and infinity are refused."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


# ---------------------------------------------------------------------------------------------------------------
# Help, version, speed of the first answer
# ---------------------------------------------------------------------------------------------------------------
def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", [(), *commands(alliance)], ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...]) -> None:
    result = call(*path, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: alliance")
    assert result.stderr == ""


def test_help_states_the_exit_codes() -> None:
    text = call("--help").stdout
    assert all(f"\n    {code} " in text for code in (0, 1, 2, 3, 4, 130))


@pytest.mark.parametrize("args", [["--help"], ["sweep", "--help"], ["--version"], ["completion", "bash"]], ids=" ".join)
def test_help_imports_nothing_heavy(args: list[str]) -> None:
    script = (
        "import sys; from sim.cli import main\n"
        f"sys.argv = ['alliance', *{args!r}]\n"
        "try: main()\n"
        "finally: print('MODULES', *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules = set(done.stderr.partition("MODULES")[2].split())
    assert "click" in modules
    heavy = {"numpy", "numba", "pandas", "pydantic", "scipy", "matplotlib", "rich", "pyarrow", "mesa"}
    assert modules & heavy == set()


@pytest.mark.parametrize(
    ("args", "needed"),
    [
        (["--help"], set()),
        (["--version"], set()),
        (["status", "--help"], {"store"}),
    ],
    ids=["help", "version", "one command"],
)
def test_only_the_command_that_is_called_is_imported(args: list[str], needed: set[str]) -> None:
    script = (
        "import sys; from sim.cli import main\n"
        f"sys.argv = ['alliance', *{args!r}]\n"
        "try: main()\n"
        "finally: print('MODULES', *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules = set(done.stderr.partition("MODULES")[2].split())
    ours = {name.removeprefix("sim.commands.") for name in modules if name.startswith("sim.commands.")}
    shared = {"codes", "options", "output", "core", "history", "listing"}
    assert ours - shared == needed
    assert needed or ours == {"codes", "output"}
    assert needed or len([name for name in modules if name.partition(".")[0] == "sim"]) <= 9


def test_what_the_help_says_of_a_command_is_how_its_own_help_begins() -> None:
    assert alliance.list_commands(click.Context(alliance)) == list(COMMANDS)
    for name, command in alliance.commands.items():
        assert name == command.name
        for limit in (20, 45, 80, 200):
            assert first_words(name, limit) == command.get_short_help_str(limit)


def test_an_unknown_command_is_refused() -> None:
    done = call("runn")
    assert done.exit_code == 2
    assert "No such command 'runn'" in done.stderr


@pytest.mark.parametrize(
    "surroundings",
    [
        {"MPLBACKEND": "nonsense"},
        {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
        {"MPLBACKEND": "module://no.such.module"},
        {"MPLCONFIGDIR": os.devnull + "/nowhere"},
        {"matplotlibrc": b"figure.dpi: nonsense\nno.such.key: 1\nbackend: nonsense\n"},
        {"matplotlibrc": b"\xff\xfe"},
    ],
    ids=["backend", "notebook", "module", "folder", "settings", "no text"],
)
def test_figures_are_drawn_whatever_the_surroundings_say_to_matplotlib(tmp_path: Path, surroundings: Any) -> None:
    program = (
        "import os, sim.analysis.plots as plots; from sim.analysis.plots.frame import new_figure\n"
        "plots.save(new_figure('A title', 'A caption', 3.0)[0], '.', 'figure')\n"
        "print(os.getcwd(), os.environ.get('MPLBACKEND'))"
    )
    settings = surroundings.get("matplotlibrc")
    if settings is not None:
        (tmp_path / "matplotlibrc").write_bytes(settings)
    said = {name: value for name, value in surroundings.items() if name != "matplotlibrc"}
    env = {**os.environ, **said, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [str(tmp_path), str(env.get("MPLBACKEND"))]
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert b"A caption" in (tmp_path / "figure.svg").read_bytes()


def test_version() -> None:
    assert call("--version").stdout == "alliance-trust 0.1.0\n"


def test_doctor_knows_the_cache_folder() -> None:
    facts = strict_json(call("doctor", "--json").stdout)
    assert facts["cache folder"] == str(cache.folder())
    assert facts["core"] == loaded.digest(loaded.CORE)
    assert facts["code"] == loaded.code_digest()
    assert "numba" in call("doctor").stdout


# ---------------------------------------------------------------------------------------------------------------
# Scenarios, experiments, parameters
# ---------------------------------------------------------------------------------------------------------------
def test_lists_show_own_files_and_those_that_come_with_the_program() -> None:
    result = call("scenarios")
    assert result.exit_code == 0
    assert {"calm", "baseline"} <= set(result.stdout.split())
    assert result.stdout == call("scenarios", "list").stdout
    names = {row["name"]: row for row in strict_json(call("scenarios", "list", "--json").stdout)}
    assert names["calm"]["title"] == "Calm"
    assert "trial" in call("experiments").stdout


@pytest.mark.parametrize("kind", ["scenarios", "experiments"])
def test_a_list_is_also_there_as_json_without_saying_list(kind: str) -> None:
    assert strict_json(call(kind, "--json").stdout) == strict_json(call(kind, "list", "--json").stdout)


def test_a_list_survives_a_broken_file() -> None:
    Path("scenarios/broken.toml").write_text("title = ", encoding="utf-8")
    result = call("scenarios", "list", "--json")
    assert result.exit_code == 0
    (broken,) = [row for row in strict_json(result.stdout) if row["name"] == "broken"]
    assert broken["question"].startswith("scenarios/broken.toml:1: ")


def test_show_tells_what_a_scenario_changes() -> None:
    text = call("scenarios", "show", "rough").stdout
    assert "Does it hold?" in text
    (line,) = [line for line in text.splitlines() if "contingency_rate" in line]
    assert line.split() == ["contingency_rate", "0.4", "1/month", "0.12"]


def test_show_all_tells_every_value() -> None:
    text = call("scenarios", "show", "rough", "--all").stdout
    assert [name for name in (*Parameters.model_fields, *Traits.model_fields) if name not in text] == []
    marked = [line.split()[0] for line in text.splitlines() if line.split()[1:2] == ["*"]]
    assert marked == ["months", "organizations", "contingency_rate"]


def test_show_all_tells_groups_and_events() -> None:
    text = call("scenarios", "show", "aol_time_warner", "--all").stdout
    assert "AOL.openness" in text
    assert "month" in next(line for line in text.splitlines() if "events." in line)


def test_show_all_stands_an_empty_list_of_groups() -> None:
    text = SCENARIO.format(title="Alike") + "groups = []\n[traits]\nblame = 0.1\n"
    Path("scenarios/alike.toml").write_text(text, encoding="utf-8")
    shown = call("scenarios", "show", "alike", "--all")
    assert shown.exit_code == 0, shown.output
    marked = [line.split()[::2] for line in shown.stdout.splitlines() if line.split()[1:2] == ["*"]]
    assert [cells[:2] for cells in marked][2:] == [["blame", "0.1"]]


def test_show_json_can_be_read_back() -> None:
    shown = strict_json(call("scenarios", "show", "rough", "--json").stdout)
    assert shown["overrides"] == {"organizations": 6, "months": 12, "parameters": {"contingency_rate": 0.4}}
    assert shown["parameters"] == load("scenarios/rough.toml").parameters.model_dump()


def test_show_an_experiment() -> None:
    text = call("experiments", "show", "trial").stdout
    assert "4 in each cell: 8 runs" in text
    shown = strict_json(call("experiments", "show", "trial", "--json").stdout)
    assert shown["cells"] == ["calm · trust_gain=0.02", "calm · trust_gain=0.08"]


@pytest.mark.parametrize("title", ['Our "big" merger', "Fusion à Zürich \\ 東京", "one\ntwo"])
def test_new_writes_a_scenario_that_runs_and_never_overwrites(title: str) -> None:
    result = call("scenarios", "new", "our_merger", "--title", title)
    assert result.exit_code == 0
    assert load("scenarios/our_merger.toml").title == " ".join(title.split())
    before = Path("scenarios/our_merger.toml").read_bytes()
    again = call("scenarios", "new", "our_merger", "--title", "other")
    assert again.exit_code == 2
    assert "not overwritten" in again.stderr
    assert Path("scenarios/our_merger.toml").read_bytes() == before


def test_new_refuses_a_title_that_cannot_be_seen() -> None:
    result = call("scenarios", "new", "our_merger", "--title", "one\x7f")
    assert result.exit_code == 2
    assert r"--title holds \x7f, which cannot be seen" in result.stderr
    assert not Path("scenarios/our_merger.toml").exists()


@pytest.mark.parametrize("name", ["../outside", "a/b", "", "_hidden", "a.toml", "a b"])
def test_new_refuses_names_that_are_no_names(name: str, here: Path) -> None:
    before = everything_in(here)
    result = call("scenarios", "new", name)
    assert result.exit_code == 2
    assert everything_in(here) == before


def test_check_says_fine_or_lists_every_mistake() -> None:
    Path("bad.toml").write_text(SCENARIO.format(title="Bad") + "[parameters]\nsynergi = 1\nfriction_gap = 99\n")
    result = call("scenarios", "check", "calm", "bad.toml")
    assert result.exit_code == 3
    assert result.stdout == "calm: fine\n"
    first, second = result.stderr.splitlines()
    assert first.startswith("bad.toml:8: parameters.synergi: ")
    assert "did you mean 'synergy'" in first
    assert second.startswith("bad.toml:9: parameters.friction_gap: 99 is out of range")
    assert call("experiments", "check", "trial").exit_code == 0


def test_parameters_are_filtered_by_a_word() -> None:
    rows = strict_json(call("parameters", "--json").stdout)
    assert {row["name"] for row in rows} == {*Parameters.model_fields, *Traits.model_fields}
    some = strict_json(call("parameters", "MONITOR", "--json").stdout)
    assert 0 < len(some) < len(rows)
    assert "monitoring_resentment" in call("parameters", "MONITOR").stdout
    nothing = call("parameters", "no such word")
    assert nothing.exit_code == 2
    assert "no such word" in nothing.stderr


def test_parameters_print_where_letters_are_missing() -> None:
    done = launch("parameters", "trust_half", env={**os.environ, "PYTHONIOENCODING": "latin-1"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "?: trust at" in done.stdout


# ---------------------------------------------------------------------------------------------------------------
# --set
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.06", 0.06),
        ("3", 3),
        ("true", True),
        ("between", "between"),
        ('"between"', "between"),
        ("{normal = [0.8, 0.1]}", {"normal": [0.8, 0.1]}),
        ("1\nother = 2", "1\nother = 2"),
        ("", ""),
    ],
)
def test_values_are_read_as_toml_or_as_text(text: str, value: object) -> None:
    assert read_value(text) == value


@pytest.mark.parametrize("command", [["run", "calm"], ["sweep", "trial"], ["compare", "calm", "rough"]], ids=" ".join)
@pytest.mark.parametrize(
    ("settings", "messages"),
    [
        (["trust_gian=1"], ["--set trust_gian=1: is no setting; did you mean 'trust_gain'?"]),
        (["trust_loss=7"], ["--set trust_loss=7: 7 is out of range: from 0 to 0.5 (1/month)"]),
        (["trust_loss=much"], ["--set trust_loss=much: must be a number from 0 to 0.5 (1/month), got 'much'"]),
        (["trust_loss=nan"], ["--set trust_loss=nan: must be a number from 0 to 0.5"]),
        (["months=0", "openness=9"], ["--set months=0: 0 is out of range", "--set openness=9: 9 is out of range"]),
        (["months=6", "months=7"], ["--set months=7: 'months' is set twice"]),
        (["months"], ["'months' is no setting: write key=value"]),
        (["=3"], ["'=3' is no setting: write key=value"]),
        (["organizations=7", "partners=3"], ["7 organizations cannot each have 3 partners"]),
        (["events.crash.enabled=true"], ["--set events.crash.enabled=true: is no setting"]),
    ],
    ids=str,
)
def test_a_wrong_setting_is_refused(command: list[str], settings: list[str], messages: list[str], here: Path) -> None:
    before = everything_in(here)
    result = call(*command, *(part for setting in settings for part in ("--set", setting)))
    assert result.exit_code == 2, result.output
    assert [message for message in messages if message not in result.stderr] == []
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert everything_in(here) == before


def test_a_factor_of_the_experiment_cannot_be_set() -> None:
    for key in ("trust_gain", "parameters.trust_gain"):
        result = call("sweep", "trial", "--set", f"{key}=0.05")
        assert result.exit_code == 2
        assert f"--set {key}=0.05: is a factor of this experiment, which varies it over 0.02, 0.08" in result.stderr
    Path("experiments/trial.toml").write_text(EXPERIMENT + "market = [true, false]\n", encoding="utf-8")
    result = call("sweep", "trial", "--set", "market=true")
    assert "--set market=true: is a factor of this experiment, which varies it over true, false" in result.stderr


def test_every_line_of_what_is_refused_says_which_option_it_is_of() -> None:
    with pytest.raises(click.UsageError) as refused, refusals("--months-shown: "):
        raise ValueError("0 is too early\n99 is too late")
    assert refused.value.message == "--months-shown: 0 is too early\n--months-shown: 99 is too late"


def test_settings_reach_the_run() -> None:
    call("run", "calm", "--no-figures", "--set", "months=7", "--set", "openness={uniform = [0.2, 0.3]}")
    (folder,) = result_folders()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["scenario"]["months"] == 7
    assert manifest["scenario"]["traits"]["openness"] == {"uniform": [0.2, 0.3]}
    assert pd.read_parquet(folder / "tables" / "history.parquet")["month"].max() <= 7


# ---------------------------------------------------------------------------------------------------------------
# Wrong numbers and wrong files
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("args", "allowed"),
    [
        (["sweep", "trial", "--replicates", "0"], "1<=x<=10000000"),
        (["sweep", "trial", "--replicates", "-5"], "1<=x<=10000000"),
        (["sweep", "trial", "--jobs", "0"], "1<=x<=1024"),
        (["sweep", "trial", "--seed", "-1"], "0<=x<=9223372036854775807"),
        (["sweep", "trial", "--seed", str(2**63)], "0<=x<=9223372036854775807"),
        (["compare", "calm", "rough", "--replicates", "0"], "1<=x<=10000000"),
        (["run", "calm", "--seed", "-1"], "0<=x<=9223372036854775807"),
        (["run", "calm", "--replicate", "-1"], "0<=x<=4294967295"),
        (["run", "calm", "--alliance", "0"], "x>=1"),
        (["run", "calm", "--alliance", "10"], "alliances 1 to 9"),
        (["run", "calm", "--seed", "many"], "not a valid"),
        (["run"], "Missing argument 'SCENARIO'"),
        (["compare", "calm"], "at least two scenarios"),
        (["compare", "calm", "scenarios/calm.toml"], "named twice"),
        (["fly"], "No such command 'fly'"),
        (["scenarios", "--json", "check", "calm"], "after its name"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_refused_with_what_is_allowed(args: list[str], allowed: str, here: Path) -> None:
    before = everything_in(here)
    result = call(*args)
    assert result.exit_code == 2
    assert allowed in result.stderr
    assert everything_in(here) == before


def test_the_ranges_are_those_of_engine_and_design() -> None:
    assert (options.MAX_SEED, options.MAX_REPLICATES) == (design.MAX_SEED, design.MAX_REPLICATES)
    calm = load("scenarios/calm.toml")
    assert simulate(calm, [options.MAX_REPLICATE], seed=options.MAX_SEED).seed == options.MAX_SEED
    with pytest.raises(ValueError, match="replicate"):
        simulate(calm, [options.MAX_REPLICATE + 1])


def test_a_history_that_does_not_fit_in_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "memory", lambda: 1e6)
    result = call("run", "calm", "--set", "months=120")
    assert result.exit_code == 2
    assert "alliance sweep" in result.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["run", "basline"], "did you mean 'baseline'?"),
        (["sweep", "trail"], "did you mean 'trial'?"),
        (["compare", "calm", "nowhere.toml"], "nowhere.toml"),
        (["scenarios", "show", "basline"], "did you mean 'baseline'?"),
        (["report", "scenarios"], "is no result folder"),
        (["report", "nowhere"], "is no result folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_not_there_is_a_bad_file(args: list[str], message: str) -> None:
    result = call(*args)
    assert result.exit_code == 3
    assert message in result.stderr
    assert result.stdout == ""


def test_a_file_with_mistakes_lists_them_all_with_their_lines() -> None:
    text = SCENARIO.format(title="Bad") + "[parameters]\ntrust_gain = 3\n[traits]\nopeness = 0.4\n"
    Path("bad.toml").write_text(text, encoding="utf-8")
    result = call("run", "bad.toml")
    assert result.exit_code == 3
    first, second = result.stderr.splitlines()
    assert first.startswith("bad.toml:8: parameters.trust_gain: 3 is out of range")
    assert second.startswith("bad.toml:10: traits.openess: unknown key; did you mean 'openness'?")


# ---------------------------------------------------------------------------------------------------------------
# run
# ---------------------------------------------------------------------------------------------------------------
def tables_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "tables").iterdir())}


def test_run_tells_and_stores_a_history_with_its_figures() -> None:
    result = call("run", "calm", "--alliance", "2")
    assert result.exit_code == 0, result.output
    (folder,) = result_folders()
    assert folder.parent == Path("results/run-calm")
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    figures = {f"figures/{name}.{kind}" for name in ("history", "ledger") for kind in ("png", "svg")}
    assert found == {"manifest.json", "tables/history.parquet", "tables/ledger.parquet", *figures}
    assert f"Result: {folder}" in result.stdout
    assert all(name in result.stdout for name in found)
    assert "work delivered well" in result.stdout.partition("Ledger: what moved")[2]


def test_run_is_the_same_for_the_same_seed_and_overwrites_nothing() -> None:
    for seed in ("1", "1", "2"):
        assert call("run", "calm", "--no-figures", "--seed", seed).exit_code == 0
    first, second, other = sorted(result_folders(), key=lambda folder: (folder / "manifest.json").stat().st_mtime_ns)
    assert tables_of(first) == tables_of(second)
    assert tables_of(first) != tables_of(other)


def test_run_is_the_run_that_a_sweep_counts() -> None:
    document = strict_json(call("run", "rough", "--replicate", "3", "--seed", "9", "--json", "--no-figures").stdout)
    counted = simulate(load("scenarios/rough.toml"), [3], seed=9)
    assert document["endings"]["distrust"] == (counted.alliances.cause == 1).sum()
    assert document["months"][0]["trust"] == pytest.approx(counted.alliances.trust_start.mean())


def test_the_ledger_of_a_run_adds_up_to_the_change_of_trust() -> None:
    document = strict_json(call("run", "calm", "--alliance", "4", "--json", "--no-figures").stdout)
    months = document["months"]
    assert sum(document["ledger"].values()) == pytest.approx(months[-1]["trust"] - months[0]["trust"], abs=1e-9)
    assert {row["alliance"] for row in months} == {4}


@pytest.mark.parametrize(
    "args",
    [["run", "calm", "--no-figures"], ["sweep", "trial", "--no-figures"], ["compare", "calm", "rough", *FEW]],
    ids=lambda args: args[0],
)
def test_quiet_prints_the_path_only_and_json_one_document_only(args: list[str]) -> None:
    quiet = call(*args, "--quiet")
    assert quiet.exit_code == 0, quiet.output
    assert (quiet.stdout, quiet.stderr) == (f"{result_folders()[0]}\n", "")
    document = strict_json(call(*args, "--json").stdout)
    assert (Path(document["folder"]) / "manifest.json").is_file()


def test_paths_may_hold_spaces_and_any_letters(here: Path) -> None:
    folder = here / "Ünsere Szenarien 東京"
    folder.mkdir()
    shutil.copy("scenarios/calm.toml", folder / "zwei Häuser.toml")
    done = launch(
        "run", str(folder / "zwei Häuser.toml"), "--out", str(here / "our results é"), "--quiet", "--no-figures"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (Path(done.stdout.strip()) / "tables" / "history.parquet").is_file()


# ---------------------------------------------------------------------------------------------------------------
# sweep, compare, report
# ---------------------------------------------------------------------------------------------------------------
def test_sweep_stores_sums_up_and_draws() -> None:
    result = call("sweep", "trial")
    assert result.exit_code == 0, result.output
    (folder,) = result_folders()
    assert folder.parent == Path("results/trial")
    assert (folder / "summary.md").is_file()
    assert list(folder.glob("figures/*.png"))
    assert (folder / "report.html").is_file()
    assert f"Results: {folder}\n" in result.stdout
    assert "In that folder: report.html, summary.md, figures/, tables/, manifest.json\n" in result.stdout
    assert f"Report: {folder / 'report.html'}\n" in result.stdout
    assert len(read_results(folder).tables["runs"]) == 8


def test_no_figures_stores_tables_only() -> None:
    result = call("compare", "calm", "rough", *FEW)
    assert result.exit_code == 0, result.output
    (folder,) = result_folders()
    left = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    assert left <= {"manifest.json", "journal.jsonl", "tables", "shards"}
    assert "Report:" not in result.stdout
    assert "In that folder: tables/, manifest.json\n" in result.stdout
    document = strict_json(call("resume", str(folder), "--no-figures", "--json").stdout)
    assert document["page"] is None
    assert strict_json(call("resume", str(folder), "--json").stdout)["page"] == str(folder / "report.html")
    assert (folder / "report.html").is_file()


def test_sweep_is_the_same_for_the_same_seed_and_any_jobs() -> None:
    for extra in ([], ["--jobs", "1"], ["--seed", "4"]):
        assert call("sweep", "trial", "--no-figures", "--quiet", *extra).exit_code == 0
    first, second, other = sorted(result_folders(), key=lambda folder: (folder / "manifest.json").stat().st_mtime_ns)
    assert tables_of(first) == tables_of(second)
    assert tables_of(first) != tables_of(other)


def test_options_of_a_sweep_reach_its_design() -> None:
    call("sweep", "trial", "--replicates", "3", "--seed", "8", "--set", "months=5", "--alliances", "--no-figures")
    stored = read_results(result_folders()[0])
    design = stored.manifest["design"]
    assert (design["replicates"], design["seed"], design["settings"]) == (3, 8, {"months": 5})
    assert len(stored.tables["alliances"]) == 2 * 3 * 9
    assert stored.tables["monthly"]["month"].max() == 5


def test_json_of_a_sweep_holds_means_and_differences() -> None:
    document = strict_json(call("sweep", "trial", "--json", "--no-figures").stdout)
    assert (document["status"], document["runs"], document["failed"]) == ("complete", 8, [])
    assert len(document["means"]) == 2 * len(OUTCOMES)
    (trust,) = [row for row in document["differences"] if row["outcome"] == "trust"]
    assert trust["low"] > 0, "who learns trust faster has more of it"


def test_compare_pairs_with_the_first_and_says_so_in_words() -> None:
    result = call("compare", "calm", "rough", "--replicates", "6", "--no-figures")
    assert result.exit_code == 0, result.output
    assert "rough" in result.stdout
    assert "interval" in result.stdout
    stored = read_results(result_folders()[0])
    assert [cell["label"] for cell in stored.manifest["cells"]] == ["calm", "rough"]
    assert stored.manifest["command"] == "alliance compare calm rough --replicates 6 --no-figures"


@pytest.mark.parametrize("args", [["sweep", "trial"], ["compare", "calm", "rough"]], ids=lambda args: args[0])
def test_dry_run_writes_nothing(args: list[str], here: Path) -> None:
    before = everything_in(here)
    result = call(*args, "--dry-run", "--replicates", "50")
    assert result.exit_code == 0, result.output
    assert "2 cells × 50 replicates = 100 runs, 10,800 alliance-months" in result.stdout
    assert strict_json(call(*args, "--dry-run", "--replicates", "50", "--json").stdout)["runs"] == 100
    assert everything_in(here) == before


def test_a_dry_run_of_what_is_too_long_to_be_timed_says_that_it_guesses(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("compare", "calm", "rough", "--dry-run", "--replicates", "50")
    assert "A guess" not in call(*asked).stdout
    assert strict_json(call(*asked, "--json").stdout)["guessed"] is False
    monkeypatch.setattr("sim.sweeps.estimate.MOST_PROBED", 10)
    monkeypatch.setattr("sim.sweeps.estimate.simulate", None)  # nothing is run
    assert "A guess from what is usual" in call(*asked).stdout
    assert strict_json(call(*asked, "--json").stdout)["guessed"] is True


def test_a_dry_run_with_a_precision_tells_the_fewest_and_the_most_runs(here: Path) -> None:
    (here / "experiments" / "precise.toml").write_text(
        EXPERIMENT.replace("replicates = 4", "replicates = 20\nmax_replicates = 60\nprecision = { value = 1.0 }")
    )
    told = call("sweep", "precise", "--dry-run").stdout
    fewest = 2 * 40  # a cell is not judged on less than two rounds here: 30 values are needed
    assert f"= at least {fewest} runs," in told
    assert "on disk; at most 120 runs, about " in told
    document = strict_json(call("sweep", "precise", "--dry-run", "--json").stdout)
    assert (document["runs"], document["most_runs"]) == (fewest, 120)


def test_a_precision_that_is_not_reached_yet_leaves_the_plan_open(here: Path) -> None:
    (here / "experiments" / "precise.toml").write_text(EXPERIMENT.replace("seed", "precision = { value = 99.0 }\nseed"))
    assert call("sweep", "precise", "--no-figures").exit_code == 0
    (folder,) = result_folders()
    manifest = (folder / "manifest.json").read_text()
    assert "at least" not in call("status", str(folder)).stdout
    (folder / "manifest.json").write_text(manifest.replace('"status": "complete"', '"status": "interrupted"'))
    assert "until the wanted precision is reached" in call("status", str(folder)).stdout
    told = strict_json(call("status", str(folder), "--json").stdout)
    assert told["runs planned"] == told["runs stored"] > 0  # and not the most that may be needed


def test_one_cell_and_one_replicate_are_one(here: Path) -> None:
    alone = EXPERIMENT.replace("replicates = 4", "replicates = 1").partition("[factors]")[0]
    (here / "experiments" / "alone.toml").write_text(alone)
    told = call("sweep", "alone", "--dry-run").stdout
    assert "alone: 1 cell × 1 replicate = 1 run, " in told


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", "-0.5 +/- 1 -> ..."), ("utf-8", "−0.5 ± 1 → …")])
def test_signs_that_a_terminal_lacks_become_near_ones(encoding: str, shown: str) -> None:
    """A number that lost its minus would be another number."""
    import io

    import sim.cli  # noqa: F401 # knows the handler

    with io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="near") as terminal:
        terminal.write("−0.5 ± 1 → …")
        terminal.flush()
        assert terminal.buffer.getvalue().decode(encoding) == shown  # type: ignore[attr-defined]


@pytest.mark.skipif(os.name != "posix" or sys.platform == "darwin", reason="names there are always Unicode")
def test_a_folder_whose_name_is_not_utf_8_is_refused_in_words(here: Path) -> None:
    result = call("compare", "calm", "rough", "--replicates", "2", "--out", os.fsdecode(b"r\xff"))
    assert result.exit_code == 1
    assert "the name of a file or folder is not UTF-8" in result.output


@pytest.mark.skipif(os.name != "posix" or sys.platform == "darwin", reason="names there are always Unicode")
def test_a_scenario_whose_name_is_not_utf_8_is_refused_in_words(here: Path) -> None:
    """Its name becomes a label in the tables, which hold Unicode."""
    name = os.fsdecode(b"./s\xff.toml")
    Path(name).write_bytes(Path("scenarios/calm.toml").read_bytes())
    result = call("compare", "calm", name, "--replicates", "2", "--no-figures")
    assert result.exit_code == 1
    assert "the name of a file or folder is not UTF-8" in result.output


def fail(monkeypatch: pytest.MonkeyPatch, replicate: int, gain: float | None = None) -> None:
    """Let a replicate fail: in every cell, or in the one with this ``trust_gain``."""

    def failing(scenario: Any, replicates: Any, seed: int) -> Any:
        if replicate in list(replicates) and gain in (None, scenario.parameters.trust_gain):
            raise FloatingPointError("no number")
        return simulate(scenario, replicates, seed)

    monkeypatch.setattr(runner, "simulate", failing)
    monkeypatch.setattr(runner, "warm_up", lambda *_: None)


def test_runs_that_fail_are_reported_and_the_others_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, 2)
    result = call("sweep", "trial", "--no-figures", "--json")
    assert result.exit_code == 4
    assert "2 runs failed; the others are stored" in result.stderr
    assert f"`alliance resume {result_folders()[0]} --retry-failed` tries them again" in result.stderr
    document = strict_json(result.stdout)
    assert document["runs"] == 6
    assert [(row["cell"], row["replicate"]) for row in document["failed"]] == [(0, 2), (1, 2)]


def test_a_single_run_that_fails_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, 2, gain=0.08)
    result = call("sweep", "trial", "--no-figures", "--quiet")
    assert result.exit_code == 4
    assert result.stderr.startswith("1 run failed; the others are stored. It is cell 1, replicate 2: ")
    assert result.stderr.endswith("tries it again\n")


def test_a_sweep_without_any_good_run_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise FloatingPointError("no number")

    monkeypatch.setattr(runner, "simulate", fails)
    monkeypatch.setattr(runner, "warm_up", lambda *_: None)
    result = call("sweep", "trial", "--no-figures")
    assert result.exit_code == 4
    assert "no number" in result.stderr
    assert "Traceback" not in result.stderr


def test_report_draws_again_from_the_tables() -> None:
    call("sweep", "trial", "--no-figures", "--quiet")
    (folder,) = result_folders()
    before = tables_of(folder)
    assert not list(folder.glob("figures/*.png"))
    result = call("report", str(folder), "--json")
    assert result.exit_code == 0, result.output
    assert strict_json(result.stdout)["runs"] == 8
    assert list(folder.glob("figures/*.png"))
    assert (folder / "summary.md").is_file()
    assert tables_of(folder) == before


@pytest.mark.parametrize("args", [["report"], ["export", "--format", "csv"], ["status"]], ids=lambda args: args[0])
def test_a_history_is_no_sweep(args: list[str]) -> None:
    call("run", "calm", "--no-figures", "--quiet")
    result = call(*args, str(result_folders()[0]))
    assert result.exit_code == 3
    assert result.stderr.splitlines()[-1].startswith(f"{result_folders()[0]}: holds a history, not a sweep")


# ---------------------------------------------------------------------------------------------------------------
# Interruptions, full disks, closed pipes, bugs
# ---------------------------------------------------------------------------------------------------------------
def wait_for(pattern: str, seconds: float = 120.0) -> None:
    """Wait until a file has come and is not empty."""
    deadline = time.monotonic() + seconds
    while not any(path.stat().st_size for path in Path().glob(pattern)):
        assert time.monotonic() < deadline, f"{pattern} did not come"
        time.sleep(0.02)


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.usefixtures("default_signals")
def test_an_interrupted_sweep_keeps_what_is_complete() -> None:
    levels = [round(0.01 + 0.001 * k, 3) for k in range(40)]  # forty cells: the first is written long before the last
    text = EXPERIMENT.replace("[0.02, 0.08]", str(levels)).replace("replicates = 4", "replicates = 1000")
    Path("experiments/trial.toml").write_text(text, encoding="utf-8")
    core.prepare(quiet=True)
    args = ["sweep", "trial", "--jobs", "1", "--no-figures", "--set", "months=144"]
    process = subprocess.Popen([COMMAND, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for("results/trial/*/shards/c*.parquet")  # the first results are stored
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert out == ""
    (folder,) = result_folders()
    stored = read_results(folder)
    assert stored.manifest["status"] == "interrupted"
    runs = stored.tables["runs"]
    assert 0 < len(runs) < 40 * 1000
    assert f"interrupted; {len(runs)} complete runs are kept in {folder}" in err
    assert "Traceback" not in err


def test_an_interruption_elsewhere_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(quiet: bool) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(core, "prepare", interrupt)
    result = call("run", "calm")
    assert result.exit_code == 130
    assert result.stderr.strip() == "interrupted"


@pytest.mark.parametrize("args", [["run", "calm", "--no-figures"], ["sweep", "trial"]], ids=lambda args: args[0])
def test_a_place_that_cannot_be_written_is_named(args: list[str], here: Path) -> None:
    (here / "occupied").write_text("a file")
    result = call(*args, "--out", "occupied/results")
    assert result.exit_code == 1
    *_, line = result.stderr.splitlines()
    assert "occupied/results" in line
    assert "--out" in line


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ((28, "No space left on device"), "No space left on device; free some space"),
        ((27, "File too large"), "File too large; allow larger files (`ulimit -f unlimited`)"),
    ],
    ids=["full disk", "limit of a file"],
)
@pytest.mark.parametrize("args", [["run", "calm", "--no-figures"], ["sweep", "trial"]], ids=lambda args: args[0])
def test_a_disk_that_fills_up_is_named(
    args: list[str], error: tuple[int, str], advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(*error)  # as file.write says it: without a name

    monkeypatch.setattr(files.os, "fsync", full)
    result = call(*args)
    assert result.exit_code == 1
    *_, line = result.stderr.splitlines()
    assert "results/" in line
    assert advice in line


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("args", [["--help"], ["parameters"], ["run", "calm", "--json", "--no-figures"]], ids=" ".join)
def test_a_full_disk_behind_stdout_is_told(args: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([COMMAND, *args], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "alliance: standard output cannot be written: No space left on device"
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs pipes as on POSIX")
@pytest.mark.parametrize("args", [["--help"], ["parameters"], ["run", "calm", "--json", "--no-figures"]], ids=" ".join)
def test_a_closed_pipe_is_no_error(args: list[str]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "w") as closed:
        done = subprocess.run([COMMAND, *args], stdout=closed, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0
    assert [word for word in ("Broken", "Traceback", "Exception") if word in done.stderr] == []


def test_a_sweep_outlives_a_closed_stderr() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "w") as closed:
        done = subprocess.run(
            [COMMAND, "sweep", "trial", "--no-figures", "--json"], stdout=subprocess.PIPE, stderr=closed, check=False
        )
    assert done.returncode == 0
    assert strict_json(done.stdout.decode())["runs"] == 8


def test_a_bug_is_told_in_one_line_and_shown_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(quiet: bool) -> None:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr(core, "prepare", broken)
    result = call("run", "calm")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "this is a bug: ZeroDivisionError: by zero" in line
    assert "ALLIANCE_DEBUG=1" in line
    shown = call("run", "calm", env={"ALLIANCE_DEBUG": "1"})
    assert shown.exit_code == 1
    assert "Traceback" in shown.stderr


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "not enough memory"),
        (ModuleNotFoundError("no", name="numba"), "the package 'numba' is missing"),
        (loaded.CodeChanged("dynamics/rules.py was changed after it was loaded: restart"), "rules.py was changed"),
        (PermissionError(13, "Permission denied", "/there"), "/there: Permission denied; you may not write there"),
        (OSError(28, "No space left on device", "/there"), "/there: No space left on device; free some space"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_trouble_in_the_environment_is_told_in_one_line(
    error: Exception, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trouble(quiet: bool) -> None:
        raise error

    monkeypatch.setattr(core, "prepare", trouble)
    result = call("run", "calm")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("alliance: ")
    assert words in line


# ---------------------------------------------------------------------------------------------------------------
# Progress and compiling
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("quiet", [False, True])
def test_quiet_is_also_quiet_about_compiling(quiet: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "first_use", compiled.FirstUse())
    call("run", "calm", "--no-figures", "--json", *(["--quiet"] if quiet else []))
    assert compiled.first_use.quiet == quiet


def test_preparing_compiles_all_that_run_and_sweep_call(tmp_path: Path) -> None:
    script = (
        "from sim.commands import core; from sim.dynamics import draws, kernel; core._run_a_month()\n"
        "print(*(bool(f.signatures) for f in (kernel.run_many, draws.fill_pairs, kernel.sign_many)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "True"]


def test_progress_in_a_log_is_one_line_in_five_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(output.time, "monotonic", lambda: clock.now)
    lines = output.Lines()
    for second in range(21):
        clock.now = float(second)
        lines(runner.Progress(10 * second, 400, 100 * second, float(second), 4000))
    printed = capsys.readouterr().err.splitlines()
    assert printed == [
        "50/400 runs, 10 runs/s, 35 s left",
        "100/400 runs, 10 runs/s, 30 s left",
        "150/400 runs, 10 runs/s, 25 s left",
        "200/400 runs, 10 runs/s, 20 s left",
    ]


def test_progress_on_a_terminal_is_a_bar_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output.sys.stderr, "isatty", lambda: True)
    bar = output.progress_for(400, quiet=False)
    assert isinstance(bar, output.Bar)
    with bar as show:
        show(runner.Progress(100, 400, 1000, 10.0, 4000))
        (task,) = bar.display.tasks
        assert (task.completed, task.total, task.fields["speed"]) == (100, 400, "10 runs/s, 30 s left")


def test_a_plain_bar_takes_how_many_are_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output.sys.stderr, "isatty", lambda: True)
    with output.counting(4, quiet=False) as tick:
        assert tick is not None
        for done in (1, 4):
            tick(done, 4)
    assert "100%" in capsys.readouterr().err
    with output.counting(4, quiet=True) as tick:
        assert tick is None


def test_what_is_left_of_a_round_is_not_called_all_that_is_left() -> None:
    assert output.speed(runner.Progress(100, 400, 1000, 10.0, 4000)) == "10 runs/s, 30 s left"
    assert output.speed(runner.Progress(1, 2, 1000, 19.0, 2000)) == "19 s a run, 19 s left"
    assert output.speed(runner.Progress(100, 400, 1000, 10.0, 4000, in_rounds=True)).endswith("30 s left in this round")
    wanted = design.experiment_of([load("scenarios/calm.toml")], 4, 1, "trial").replace(precision={"trust": 0.5})
    seen: list[bool] = []
    runner.run_experiment(wanted, Path("results"), jobs=1, on_progress=lambda progress: seen.append(progress.in_rounds))
    assert seen
    assert all(seen)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.5, "0.5 s"), (45, "45 s"), (600, "10 min"), (7200, "2.0 h"), (float("inf"), "unknown time")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert output.duration(seconds) == words


@pytest.mark.parametrize(
    ("number", "words"), [(12, "12 bytes"), (2500, "2.5 kB"), (3e9, "3.0 GB"), (5e15, "5000.0 TB")]
)
def test_sizes_in_words(number: float, words: str) -> None:
    assert output.size(number) == words


# ---------------------------------------------------------------------------------------------------------------
# Completion
# ---------------------------------------------------------------------------------------------------------------
def complete(*words: str) -> list[str]:
    """What the Tab key offers after these words; the last one is being typed."""
    environment = {
        "_ALLIANCE_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["alliance", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = call(env=environment)
    assert (done.exit_code, done.stderr) == (0, "")
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


TYPED = {"_ALLIANCE_COMPLETE": "bash_complete", "COMP_WORDS": "alliance r", "COMP_CWORD": "1"}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"SOURCE_DATE_EPOCH": "0"}, True),
        ({"SOURCE_DATE_EPOCH": "abc"}, False),
        ({"SOURCE_DATE_EPOCH": "-1"}, False),
        ({"SOURCE_DATE_EPOCH": "1.5"}, False),
        ({"SOURCE_DATE_EPOCH": ""}, False),
        ({"SOURCE_DATE_EPOCH": "253402300799"}, True),
        ({"SOURCE_DATE_EPOCH": "253402300800"}, False),
        ({"SOURCE_DATE_EPOCH": "1" * 5000}, False),
        (TYPED, True),
        ({**TYPED, "_ALLIANCE_COMPLETE": "fish_complete", "COMP_CWORD": "r"}, True),
        ({**TYPED, "COMP_CWORD": "abc"}, False),
        ({**TYPED, "COMP_CWORD": "-1"}, False),
        ({**TYPED, "COMP_CWORD": "1" * 5000}, False),
        ({"_ALLIANCE_COMPLETE": "bash_complete", "COMP_WORDS": "alliance r"}, False),
        ({"_ALLIANCE_COMPLETE": "fish_complete", "COMP_CWORD": "r"}, False),
    ],
    ids=lambda value: (
        " ".join(f"{name}={text[:14]}" for name, text in value.items()) if isinstance(value, dict) else ""
    ),
)
def test_what_libraries_stumble_over_is_taken_out(
    said: dict[str, str], kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SOURCE_DATE_EPOCH", *TYPED):
        monkeypatch.delenv(name, raising=False)
    for name, text in said.items():
        monkeypatch.setenv(name, text)
    _mend_environment()
    assert (next(iter(said)) in os.environ) == kept


def test_completion_of_names_and_settings() -> None:
    assert complete("sw") == ["sweep"]
    assert complete("run", "ca") == ["calm"]
    assert complete("sweep", "tr") == ["trial"]
    assert complete("run", "calm", "--set", "trust_g") == ["trust_gain="]
    assert complete("run", "calm", "--set", "mont") == ["months="]
    assert complete("run", "aol_time_warner", "--set", "AOL.open") == ["AOL.openness="]
    assert complete("run", "aol_time_warner", "--set", "events.") == ["events.crash.enabled="]
    assert "events.crash.enabled=" in complete("compare", "baseline", "aol_time_warner", "--set", "events.")
    assert "events.crash.enabled=" in complete("sweep", "aol_time_warner", "--set", "events.")
    assert complete("run", "no_such", "--set", "events.") == []


@pytest.mark.parametrize("kind", ["scenarios", "experiments"])
@pytest.mark.parametrize("text", ["groups = 3\nevents = [1]\nscenarios = 3", "scenarios = [3]", "title = "])
def test_completion_survives_files_with_mistakes(kind: str, text: str) -> None:
    Path(kind, "broken.toml").write_text(text, encoding="utf-8")
    assert complete("sweep" if kind == "experiments" else "run", "broken", "--set", "events.") == []


def test_completion_knows_every_setting() -> None:
    offered = {key.removesuffix("=") for key in complete("run", "calm", "--set", "")}
    assert offered == set(PLACE_OF)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_says_how_to_install_it(shell: str) -> None:
    result = call("completion", shell)
    assert result.exit_code == 0
    assert f"alliance completion {shell}" in result.stdout
    assert "_ALLIANCE_COMPLETE" in result.stdout
    assert call("completion", env={"SHELL": f"/bin/{shell}"}).stdout == result.stdout
    assert call("completion", "tcsh").exit_code == 2


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_script_works_in_bash() -> None:
    lines = f"""
        PATH={Path(COMMAND).parent}:$PATH
        {call("completion", "bash").stdout}
        COMP_WORDS=(alliance run cal) COMP_CWORD=2
        compopt() {{ echo "compopt $*"; }}
        _alliance_without_space alliance
        echo "${{COMPREPLY[@]}}"
        COMPREPLY=() COMP_WORDS=(alliance run calm --set trust_ga) COMP_CWORD=4
        _alliance_without_space alliance
        echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", lines], capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout.splitlines()) == ("", ["calm", "compopt -o nospace", "trust_gain="])
