"""The design of experiments: cells, levels, validation and every mistake that a file can hold."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import library
from sim.parameters import Parameters
from sim.scenario import Scenario
from sim.sweeps.design import Experiment, experiment_of, load_experiment
from sim.sweeps.levels import text_of
from sim.sweeps.sampling import GRID, KINDS, LIST, ONE_AT_A_TIME, SOBOL, Design, Point, Range
from sim.tomlfile import BadFile

CORPUS = Path(__file__).parents[1] / "corpus" / "experiments"
PAGE = Path(__file__).parents[2] / "docs" / "experiments.md"
TEXTS = {"title": "T", "question": "Q?", "source": "S", "expected": "E."}


def scenario(name: str = "plain", **data: object) -> Scenario:
    return Scenario.from_plain({**TEXTS, "organizations": 4, "months": 6, **data}, name)


def design(*scenarios: Scenario, **fields: object) -> Experiment:
    return experiment_of(list(scenarios) or [scenario()], replicates=2, seed=1, name="test").replace(**fields)


def file(folder: Path, text: str, scenarios: str = '["plain.toml"]') -> Path:
    (folder / "plain.toml").write_text('title = "T"\nquestion = "Q?"\nsource = "S"\nexpected = "E."\nmonths = 6\n')
    path = folder / "trial.toml"
    path.write_text(f'title = "T"\nquestion = "Q?"\nexpected = "E."\nscenarios = {scenarios}\n{text}')
    return path


def message(error: pytest.ExceptionInfo[BadFile]) -> str:
    return str(error.value)


# Cells
def test_cells_are_scenario_major_with_the_last_factor_changing_fastest() -> None:
    cells = design(
        scenario("first"), scenario("second"), factors={"trust_gain": (0.01, 0.02), "months": (3, 4)}
    ).cells()
    assert [cell.label for cell in cells[:5]] == [
        "first · trust_gain=0.01 · months=3",
        "first · trust_gain=0.01 · months=4",
        "first · trust_gain=0.02 · months=3",
        "first · trust_gain=0.02 · months=4",
        "second · trust_gain=0.01 · months=3",
    ]
    assert [cell.index for cell in cells] == list(range(8))
    assert cells[3].factors == {"trust_gain": 0.02, "months": 4}
    assert cells[3].scenario.parameters.trust_gain == 0.02
    assert cells[3].scenario.months == 4
    assert cells[4].scenario_name == "second"


def test_without_factors_each_scenario_is_a_cell() -> None:
    cells = design(scenario("first"), scenario("second")).cells()
    assert [(cell.label, cell.factors) for cell in cells] == [("first", {}), ("second", {})]


def test_scenarios_of_one_name_get_labels_of_their_own() -> None:
    cells = design(scenario("same"), scenario("same", months=7), scenario("same", months=8)).cells()
    assert [cell.label for cell in cells] == ["same", "same (2)", "same (3)"]
    assert [cell.scenario_name for cell in cells] == ["same", "same (2)", "same (3)"]


def test_settings_apply_to_every_cell_and_factors_come_after_them() -> None:
    experiment = design(settings={"trust_gain": 0.03}, factors={"trust_loss": (0.1, 0.2)})
    assert [cell.scenario.parameters.trust_gain for cell in experiment.cells()] == [0.03, 0.03]
    assert [cell.scenario.parameters.trust_loss for cell in experiment.cells()] == [0.1, 0.2]


def test_a_factor_may_switch_an_event() -> None:
    crash = {"kind": "crash", "name": "crash", "month": 2, "depth": 0.5}
    cells = design(scenario(events=[crash]), factors={"events.crash.enabled": (True, False)}).cells()
    assert [cell.label for cell in cells] == [
        "plain · events.crash.enabled=true",
        "plain · events.crash.enabled=false",
    ]
    assert [cell.scenario.events[0].enabled for cell in cells] == [True, False]
    assert [cell.factors["events.crash.enabled"] for cell in cells] == [True, False]


def test_a_factor_may_hold_text() -> None:
    groups = [{"name": "a", "share": 1.0}, {"name": "b", "share": 1.0}]
    cells = design(
        scenario(groups=groups, network={"partners": 1}), factors={"mixing": ("any", "between", "within")}
    ).cells()
    assert [cell.factors["mixing"] for cell in cells] == ["any", "between", "within"]
    assert [cell.scenario.network.mixing for cell in cells] == ["any", "between", "within"]


# Levels
def test_numbers_are_shown_as_numbers_of_one_type() -> None:
    levels = design(factors={"trust_gain": (0, 0.25)}).levels("trust_gain")
    assert [level.shown for level in levels] == [0.0, 0.25]
    assert all(isinstance(level.shown, float) for level in levels)
    whole = design(factors={"months": (3, 5)}).levels("months")
    assert all(isinstance(level.shown, int) for level in whole)


def test_a_named_level_gives_its_name_to_label_and_tables() -> None:
    experiment = design(factors={"openness": ({"label": "open", "value": {"normal": [0.8, 0.1]}}, 0.5)})
    cells = experiment.cells()
    assert [cell.label for cell in cells] == ["plain · open", "plain · openness=0.5"]
    assert [cell.factors["openness"] for cell in cells] == ["open", "0.5"]
    assert cells[0].scenario.groups[0].traits.openness.plain() == {"normal": [0.8, 0.1]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5"),
        (3, "3"),
        (True, "true"),
        ("between", "between"),
        ({"normal": [0.8, 0.1]}, "normal(0.8, 0.1)"),
        ({"mixture": [[0.1, {"beta": [8, 2]}], [0.9, 0.2]]}, "mixture(0.1 beta(8, 2), 0.9 0.2)"),
        ({"people": 0.1, "culture": {"uniform": [0, 1]}}, "(people 0.1, culture uniform(0, 1))"),
    ],
)
def test_values_in_a_few_characters(value: object, text: str) -> None:
    assert text_of(value) == text


def test_a_parameter_that_shares_its_name_with_an_outcome_is_named_with_its_table() -> None:
    experiment = design(factors={"synergy": (1.0, 2.0)})
    assert list(experiment.factors) == ["parameters.synergy"]
    assert [cell.scenario.parameters.synergy for cell in experiment.cells()] == [1.0, 2.0]


# Files
def test_a_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    experiment = load_experiment(file(tmp_path, "[factors]\ntrust_gain = [0.01, 0.02]\n"))
    assert (experiment.name, experiment.title, experiment.replicates, experiment.seed) == ("trial", "T", 100, 1)
    assert experiment.outcomes == ("value", "trust", "survived")
    assert [cell.label for cell in experiment.cells()] == ["plain · trust_gain=0.01", "plain · trust_gain=0.02"]
    assert experiment.written["scenarios"] == ["plain.toml"]
    assert experiment.source == str(tmp_path / "trial.toml")


def test_a_shipped_experiment_is_known_by_its_name() -> None:
    name, path = next(iter(library.available("experiments").items()))
    assert load_experiment(path).source == name


def test_roles_are_told_by_their_tables(tmp_path: Path) -> None:
    text = """
[factors]
blame = [0.1, 0.2]
[uncertainties]
synergy = [1.0, 2.0]
[levers]
monitoring = [0.0, 1.0]
"""
    experiment = load_experiment(file(tmp_path, text))
    assert list(experiment.factors) == ["monitoring", "parameters.synergy", "blame"]
    assert (experiment.levers, experiment.uncertainties) == (("monitoring",), ("parameters.synergy",))
    assert experiment.cells()[1].label == "plain · monitoring=0 · parameters.synergy=1 · blame=0.2"


@pytest.mark.parametrize("table", ["constants", "settings"])
def test_constants_have_an_older_name(table: str, tmp_path: Path) -> None:
    experiment = load_experiment(file(tmp_path, f"[{table}]\nmonths = 4\n"))
    assert experiment.settings == experiment.written["settings"] == {"months": 4}
    assert [cell.scenario.months for cell in experiment.cells()] == [4]


def test_a_precision_is_read(tmp_path: Path) -> None:
    text = "replicates = 10\nmax_replicates = 70\nprecision = {trust = 0.01}\n"
    experiment = load_experiment(file(tmp_path, text))
    assert (dict(experiment.precision), experiment.max_replicates) == ({"trust": 0.01}, 70)
    assert load_experiment(file(tmp_path, "replicates = 10\nprecision = {trust = 0.01}\n")).max_replicates == 200


@pytest.mark.parametrize("block", re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
def test_every_example_of_the_page_is_a_sound_experiment(block: str, tmp_path: Path) -> None:
    path = tmp_path / "page.toml"
    if "title" in block:
        path.write_text(block, encoding="utf-8")
    else:
        path = file(tmp_path, block, scenarios='["baseline"]')
    assert len(load_experiment(path).cells()) > 1


def test_the_page_shows_every_design_and_its_python_runs() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [kind for kind in KINDS if kind != GRID and f'kind = "{kind}"' not in page] == []
    (script,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(script, names)
    assert len(names["trajectories"].cells()) == 4 * (names["k"] + 1)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "grid: 1 scenario = 1 cell"),
        (
            {"factors": {"blame": (0.1, 0.2), "months": (3,)}},
            "grid: blame (2 levels) × months (1 level) × 1 scenario = 2 cells",
        ),
        (
            {"factors": {"blame": (0.1, 0.2)}, "design": Design(ONE_AT_A_TIME)},
            "one at a time: a base and 1 factor moved alone × 1 scenario = 3 cells",
        ),
        (
            {"factors": {"blame": Range(0, 1)}, "design": Design(SOBOL, points=8)},
            "sobol: 8 points over blame × 1 scenario = 8 cells",
        ),
        ({"design": Design(LIST, listed=(Point({"blame": 0.1}),))}, "list: 1 point over blame × 1 scenario = 1 cell"),
    ],
)
def test_a_design_in_a_line(fields: dict[str, Any], line: str) -> None:
    assert design(**fields).describe() == line


def test_with_a_precision_a_design_says_how_many_runs_at_least_and_at_most() -> None:
    experiment = design(factors={"blame": (0.1, 0.2)}, precision={"trust": 0.01}).replace(
        replicates=20, max_replicates=400
    )
    assert experiment.runs == (2 * 40, 2 * 400)  # thirty runs at least, in whole rounds
    assert experiment.describe() == (
        "grid: blame (2 levels) × 1 scenario = 2 cells; rounds of 20 until trust ± 0.01: at least 80 runs, at most 800"
    )
    assert experiment.replace(max_replicates=20).runs == (40, 40)
    assert experiment.replace(precision={}).runs == (40, 40)


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_mistake_is_reported_with_its_line(path: Path) -> None:
    expected = [
        line.removeprefix("# expect: ").replace("{folder}", str(path.parent))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("# expect: ")
    ]
    with pytest.raises(BadFile) as caught:
        load_experiment(path)
    reports = caught.value.reports()
    assert len(reports) == len(expected), "\n".join(reports)
    for report, start in zip(reports, expected, strict=True):
        assert report.startswith(f"{path}:{start}")


def test_the_corpus_is_there() -> None:
    assert len(list(CORPUS.glob("*.toml"))) >= 70


@pytest.mark.parametrize("name", sorted(library.available("experiments")))
def test_shipped_experiments_are_valid_and_say_what_they_expect(name: str) -> None:
    experiment = load_experiment(library.find("experiments", name))
    assert len(experiment.expected) > 60
    assert experiment.question.endswith("?")
    work = experiment.replicates * sum(cell.scenario.alliances * cell.scenario.months for cell in experiment.cells())
    assert 0 < work < 120e6  # under about half a minute on two cores


def test_one_at_a_time_halves_and_doubles_the_defaults() -> None:
    experiment = load_experiment(library.find("experiments", "one_at_a_time"))
    for factor in experiment.uncertainties:
        default = Parameters.model_fields[factor.removeprefix("parameters.")].default
        assert experiment.factors[factor] == pytest.approx((default / 2, default * 2)), factor


def test_what_matters_ranges_over_the_middle_of_what_the_baseline_spreads() -> None:
    """From the 5th to the 95th percentile, to two digits: of each trait, of a uniform and of a logistic spread."""
    experiment = load_experiment(library.find("experiments", "what_matters"))
    baseline = experiment.scenarios[0]
    ranks = (np.arange(400) + 0.5) / 400
    for name in ("openness", "integrity", "internal_trust", "blame", "operationalization"):
        drawn = getattr(baseline.groups[0].traits, name).draw(ranks[:, np.newaxis], ranks)
        assert_middle(experiment, name, np.quantile(drawn, [0.05, 0.95]))
    for name in ("chemistry", "complementarity"):
        mean = getattr(baseline.parameters, name)
        spread = getattr(baseline.parameters, f"{name}_spread")
        assert_middle(experiment, name, mean + spread * np.array([-0.9, 0.9]))
    scale = baseline.parameters.trust_start_sd * math.sqrt(3.0) / math.pi
    assert_middle(experiment, "trust_start", baseline.parameters.trust_start + scale * np.log([1 / 19, 19]))


def assert_middle(experiment: Experiment, name: str, middle: Any) -> None:
    levels = experiment.factors[name]
    assert isinstance(levels, Range)
    assert levels.ends == pytest.approx(middle, abs=0.01), name


# Variants
def test_replace_and_with_settings_validate() -> None:
    experiment = design(settings={"months": 5})
    assert experiment.replace(replicates=9, seed=3).replicates == 9
    assert experiment.with_settings({"months": 4}).settings == {"months": 4}
    assert experiment.with_settings({"trust_gain": 0.1}).settings == {"months": 5, "trust_gain": 0.1}
    with pytest.raises(BadFile) as caught:
        experiment.replace(replicates=0, outcomes=("money",))
    assert "replicates: 0 is out of range" in message(caught)
    assert "'money' is no outcome" in message(caught)
    with pytest.raises(BadFile) as caught:
        experiment.with_settings({"trust_gain": 7})
    assert "settings.trust_gain: 7 is out of range: from 0 to 0.5" in message(caught)


def test_a_setting_in_another_spelling_replaces_the_earlier_one() -> None:
    experiment = design(settings={"trust_gain": 0.1}).with_settings({"parameters.trust_gain": 0.2})
    assert [cell.scenario.parameters.trust_gain for cell in experiment.cells()] == [0.2]


def test_a_setting_cannot_undo_a_factor() -> None:
    with pytest.raises(BadFile) as caught:
        design(factors={"trust_gain": (0.1, 0.2)}).with_settings({"trust_gain": 0.3})
    assert "factors.trust_gain: is already a constant" in message(caught)


def test_experiment_of_leads_with_the_outcomes_asked_for() -> None:
    assert experiment_of([scenario()], 3, 5, "c", ["gap"]).outcomes == ("gap",)
    with pytest.raises(BadFile):
        experiment_of([scenario()], 3, -5, "c")


# Digest
def test_the_digest_follows_what_decides_results_and_nothing_else() -> None:
    experiment = design(factors={"trust_gain": (0.1, 0.2)})
    assert experiment.digest() == design(factors={"trust_gain": (0.1, 0.2)}).digest()
    assert experiment.digest() == experiment.replace(title="Another title").digest()
    assert isinstance(Parameters().goodwill_months, int)  # as it is declared; a file's number becomes a float
    assert design().digest() == design(settings={"goodwill_months": Parameters().goodwill_months}).digest()
    others = [
        experiment.replace(seed=2),
        experiment.replace(replicates=3),
        experiment.with_settings({"trust_loss": 0.2}),
        experiment.replace(factors={"trust_gain": (0.1, 0.3)}),
    ]
    assert len({experiment.digest(), *(other.digest() for other in others)}) == 5
