"""Answers that do not mislead: like is compared with like, what cannot act is said, gain stands beside value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sim.cli import alliance
from sim.dynamics.outcomes import OUTCOMES
from sim.engine import simulate
from sim.scenario import Scenario
from sim.study import analysis, report, terminal
from sim.study.page import page_html
from sim.study.plots.distributions import value_distribution
from sim.study.whatif import SetFrom, effect_of, whatif
from sim.study.words import Study
from sim.sweeps.design import Experiment, experiment_of, unlike
from sim.sweeps.reading import read_results
from sim.sweeps.runner import run_experiment
from tests.builders import TEXTS


def scenario(name: str, months: int = 24, organizations: int = 4, **settings) -> Scenario:
    plain = {**TEXTS, "title": name, "months": months, "organizations": organizations}
    return Scenario.from_plain(plain, name).replace(**settings)


def run(folder: Path, experiment: Experiment) -> tuple[Study, list[str]]:
    said: list[str] = []
    return Study(read_results(run_experiment(experiment, folder, 1, on_message=said.append))), said


def everywhere(study: Study) -> list[str]:
    """What terminal, summary and page say, in one line each."""
    told = (terminal.summary_text(study.stored), report.summary_markdown(study), page_html(study))
    return [" ".join(text.split()) for text in told]


# ---------------------------------------------------------------------------------------------------------------
# Like with like
# ---------------------------------------------------------------------------------------------------------------
def test_scenarios_of_unequal_months_are_compared_over_the_shortest_and_it_is_said_everywhere(tmp_path):
    late = [{"month": 3, "kind": "crash", "depth": 0.5}, {"month": 20, "kind": "crash", "depth": 0.9}]
    long = Scenario.from_plain({**scenario("long").written, "events": late}, "long")
    study, said = run(tmp_path, experiment_of([long, scenario("short", 9)], 3, 1, "unequal"))
    note = "All are run for 9 months, those of the shortest scenario"
    assert study.manifest["notes"] == study.notes == said[: len(study.notes)]
    assert note in study.notes[0]
    assert "long (24)" in study.notes[0]
    assert all(note in told for told in everywhere(study))
    assert {cell["resolved"]["months"] for cell in study.manifest["cells"]} == {9}
    early = Scenario.from_plain({**scenario("long", 9).written, "events": late[:1]}, "early")
    alone = simulate(early, 3, seed=1).runs()
    ours = study.runs[study.runs["cell"] == 0]
    assert np.array_equal(ours[list(OUTCOMES)].to_numpy(float), alone[list(OUTCOMES)].to_numpy(float), equal_nan=True)


def test_months_that_are_set_for_all_need_no_word():
    both = experiment_of([scenario("long"), scenario("short", 9)], 2, 1, "set")
    assert both.with_settings({"months": 12}).notes == []
    assert both.cut == {"long": 24}
    assert experiment_of([scenario("a"), scenario("b")], 2, 1, "like").notes == []


def test_where_months_are_a_factor_money_is_told_per_month_and_it_is_said(tmp_path):
    base = experiment_of([scenario("base")], 3, 1, "months", ["value", "trust"])
    study, _ = run(tmp_path, base.replace(factors={"months": (6, 24)}))
    assert study.outcomes == ["value_per_month", "surplus", "better_apart", "trust"]
    assert [cell["resolved"]["months"] for cell in study.manifest["cells"]] == [6, 24]
    assert all("Cells run for 6 to 24 months: money is told per month" in told for told in everywhere(study))
    study.stored.manifest.pop("notes")
    assert Study(study.stored).notes == study.notes  # a folder written before notes were


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"organizations": 8, "partners": 1}, "4 to 8 organizations"),
        ({"partners": 1}, "2 to 6 alliances"),
        ({"market": True}, "Some cells are markets and some are not"),
        ({"trust_gain": 0.01}, ""),
    ],
)
def test_what_else_is_unlike_is_said(others, words):
    said = unlike([scenario("one"), scenario("other", **others)])
    assert bool(said) == bool(words)
    assert words in " ".join(said)


# ---------------------------------------------------------------------------------------------------------------
# What has no effect
# ---------------------------------------------------------------------------------------------------------------
def test_a_factor_without_effect_is_said_before_the_run_and_seen_after_it(tmp_path):
    base = experiment_of([scenario("base")], 3, 1, "idle")
    study, said = run(tmp_path, base.replace(factors={"memory": (0.1, 0.9), "trust_gain": (0.02, 0.1)}))
    assert "setting memory has no effect without a market" in said
    assert study.notes == ["setting memory has no effect without a market", "memory changes nothing here, bit for bit"]
    assert all("memory changes nothing here, bit for bit" in told.lower() for told in everywhere(study))


def test_a_scenario_that_changes_nothing_is_said(tmp_path):
    same = [scenario("base"), scenario("same", shirk_rate=0.6), scenario("other", trust_gain=0.01)]
    study, _ = run(tmp_path, experiment_of(same, 3, 1, "same"))
    assert study.notes == ["same changes nothing against base, bit for bit"]


# ---------------------------------------------------------------------------------------------------------------
# Whose lever
# ---------------------------------------------------------------------------------------------------------------
def test_a_lever_keeps_its_owner():
    assert analysis.factor_words("Us.relational_investment") == "Us relational investment"
    assert analysis.factor_words("relational_investment") == "relational investment"
    assert analysis.factor_words("parameters.synergy") == "synergy"
    assert analysis.factor_words("events.crash.depth") == "crash depth"
    names = analysis.factor_names(["Us.blame", "blame", "Giant.blame"])
    assert names == {"Us.blame": "Us blame", "blame": "blame", "Giant.blame": "Giant blame"}


# ---------------------------------------------------------------------------------------------------------------
# Against the outside option
# ---------------------------------------------------------------------------------------------------------------
def test_gain_and_the_chance_to_be_better_off_apart_stand_beside_value(tmp_path):
    study, _ = run(tmp_path, experiment_of([scenario("base"), scenario("other", outside_option=0.9)], 4, 1, "gain"))
    assert study.outcomes == ["value", "gain", "better_apart", "trust", "survived"]
    for told in everywhere(study):
        assert "gain over outside option" in told
        assert "better off apart" in told
    stored = study.tables
    figure = value_distribution(stored["histogram"], stored["cells"], stored["monthly"], runs=stored["runs"])
    assert "of alliances would be better off apart in other" in " ".join(figure.get_suptitle().split())
    plain = value_distribution(stored["histogram"], stored["cells"], stored["monthly"])
    assert "apart" not in plain.get_suptitle()


def test_who_is_better_off_apart_is_below_the_outside_option_and_not_below_zero():
    alliances = simulate(scenario("base", outside_option=0.6), 4, seed=2).alliances
    apart = OUTCOMES["better_apart"].formula(alliances)
    assert np.array_equal(apart, np.where(OUTCOMES["gain"].formula(alliances) < 0.0, 1.0, 0.0))
    assert apart.sum() > (OUTCOMES["value"].formula(alliances) < 0.0).sum()


def test_who_leaves_early_has_the_outside_option_afterwards():
    """Value forgoes all later months; the gain counts what both earn elsewhere once they have parted."""
    dyad = scenario("dyad", 36, 2, outside_option=0.3, trust_exit=0.0, disappointment_exit=0.0, exogenous_exit=0.0)
    comparison = whatif(dyad, changes=[SetFrom(12, "trust_exit", 1.0)])
    last = comparison.futures().iloc[-1]
    assert last["alive"] == 1
    assert last["alive_otherwise"] == 0
    assert last["gain_difference"] == pytest.approx(last["value_difference"] + 2 * 0.3 * (36 - 12))
    assert "over the outside option, which both also have once they part" in comparison.sentence()
    effect = effect_of(dyad, [SetFrom(12, "trust_exit", 1.0)], 2).table.set_index("outcome")
    assert effect.loc["gain", "difference"] == pytest.approx(effect.loc["value", "difference"] + 2 * 0.3 * (36 - 12))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["run", "FILE", "--set", "vetting=5", "--no-figures"], "setting vetting has no effect without a market"),
        (["whatif", "FILE", "--set-from", "1", "optimism=0"], "--set-from 1 optimism=0 has no effect: it acts at the"),
        (
            ["analyse", "morris", "FILE", "--factor", "memory=0.1..0.9", "--factor", "trust_gain=0.02..0.1",
             "--outcome", "trust", "--trajectories", "4", "--replicates", "2"],
            "setting memory has no effect without a market",
        ),
        (["compare", "FILE", "baseline", "--replicates", "1", "--dry-run"], "All are run for 12 months"),
    ],
)  # fmt: skip
def test_every_command_says_what_cannot_act_before_the_run(tmp_path, monkeypatch, words, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "four.toml").write_text(
        'title = "Four"\nquestion = "?"\nsource = "tests"\nexpected = "!"\nmonths = 12\norganizations = 4\n'
    )
    done = CliRunner().invoke(alliance, [word.replace("FILE", "./four.toml") for word in words], prog_name="alliance")
    assert done.exit_code == 0, done.output
    assert line in done.stderr
    quiet = CliRunner().invoke(
        alliance, [word.replace("FILE", "./four.toml") for word in [*words, "--quiet"]], prog_name="alliance"
    )
    assert line not in quiet.stderr
