"""From a result folder to figures and words: figures are drawn without a warning, the text says what is there."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from sim.dynamics.state import BINS, CAUSES, CAUSES_OF_ENDING, EFFECTIVE
from sim.engine import History, simulate_history
from sim.intervals import digits_of
from sim.scenario import Scenario
from sim.study import analysis, page, plots, report, terminal, words
from sim.study.attribution import attributions
from sim.study.plots import distributions, files, histories
from sim.study.plots.discovery import discovery_figure
from sim.study.plots.frame import LOOKS, luminance, spread_apart, tick_years, wrap_label
from sim.study.plots.tipping import tipping_figure
from sim.study.words import rows_of
from sim.sweeps.design import Experiment, experiment_of
from sim.sweeps.reading import Stored, read_results
from sim.sweeps.runner import run_experiment
from sim.tomlfile import BadFile

TEXTS = {"question": "Does it hold?", "source": "the tests", "expected": "It holds."}
SMALL: dict[str, Any] = {**TEXTS, "months": 30, "organizations": 8}


def scenario(name: str, **settings: Any) -> Scenario:
    return Scenario.from_plain({**SMALL, "title": name.replace("_", " ").capitalize(), **settings}, name)


def run(tmp: Path, *scenarios: Scenario, replicates: int = 4, **fields: Any) -> Path:
    experiment: Experiment = experiment_of(list(scenarios), replicates, 3, "test").replace(**fields)
    return run_experiment(experiment, tmp, jobs=1)


def several() -> list[Scenario]:
    base = scenario("baseline")
    return [base, base_named("blame_culture", blame=0.9), base_named("low_start", trust_start=0.3)]


def base_named(name: str, **settings: Any) -> Scenario:
    return dataclasses.replace(scenario("baseline").replace(**settings), name=name)


def base_market(name: str) -> Scenario:
    return scenario(name, network={"market": True}, traits={"blame": 0.9 if name == "shy" else 0.2})


def dying() -> Scenario:
    """Trust starts below the point at which partners leave: everybody is gone in the first month."""
    return base_named("dying", trust_start=0.05, trust_start_sd=0.0, trust_exit=0.9)


MARKET_OUTCOMES = ("value_per_month", "survived")

FOLDERS = {
    "several cells": lambda tmp: run(tmp, *several()),
    "one cell": lambda tmp: run(tmp, scenario("baseline")),
    "a single replicate": lambda tmp: run(tmp, *several(), replicates=1),
    "one alliance, once": lambda tmp: run(tmp, scenario("dyad", organizations=2), replicates=1),
    "all ended": lambda tmp: run(tmp, dying()),
    "some ended": lambda tmp: run(tmp, scenario("baseline"), dying()),
    "a month": lambda tmp: run(tmp, *several(), settings={"months": 1}),
    "two horizons": lambda tmp: run(tmp, scenario("baseline"), factors={"months": (30, 60)}),
    "two factors": lambda tmp: run(
        tmp, scenario("baseline"), replicates=2, factors={"trust_start": (0.3, 0.7), "partners": (1, 2)}
    ),
    "two scenarios by two factors": lambda tmp: run(
        tmp, *several()[:2], replicates=2, factors={"partners": (1, 2), "ties_start": (0.1, 0.6)}
    ),
    "markets": lambda tmp: run(tmp, *(base_market(name) for name in ("open", "shy")), outcomes=MARKET_OUTCOMES),
    "never defined": lambda tmp: run(tmp, *several(), settings={"contingency_rate": 0}, outcomes=("met_together",)),
}  # fmt: skip


class Made(dict[str, Any]):
    """Values made when they are first asked for, and once."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, kind: str) -> Any:
        self[kind] = self.make(kind)
        return self[kind]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A result folder of each kind."""
    return Made(lambda kind: FOLDERS[kind](tmp_path_factory.mktemp("results")))


@pytest.fixture(scope="module")
def drawn(folders: dict[str, Path]) -> dict[str, dict[str, Figure]]:
    """The figures of each kind of folder, by name."""
    return Made(lambda kind: plots.draw_all(read_results(folders[kind])))


@pytest.fixture(scope="module")
def published(folders: dict[str, Path]) -> list[Path]:
    """The files that are written for several cells."""
    return page.publish(read_results(folders["several cells"]))


@pytest.fixture(scope="module")
def history() -> History:
    """Two named partners with every kind of dated event."""
    return simulate_history(
        scenario(
            "merger",
            organizations=2,
            groups=[{"name": "Left"}, {"name": "Right"}],
            parameters={"disappointment_exit": 0.0, "exogenous_exit": 0.0},
            events=[
                {"name": "dot-com", "month": 5, "kind": "crash", "depth": 0.4},
                {"month": 8, "kind": "breach", "who": "Left", "severity": 0.3},
                {"month": 9, "kind": "turnover", "who": "Right"},
                {"month": 12, "kind": "programme", "who": "Left", "investment": 0.5, "months": 6},
                {"month": 29, "kind": "change", "who": "everyone", "trait": "blame", "to": 0.9},
            ],
        ),
        seed=5,
    )


@pytest.fixture(scope="module")
def crowd() -> History:
    return simulate_history(scenario("crowd", months=60), seed=2)


def texts(figure: Figure) -> str:
    """Everything that is written in a figure."""
    return "\n".join(text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")))


def flat(text: str) -> str:
    return " ".join(text.split())


# Publishing
def links(summary: str) -> set[str]:
    """Relative links of the embedded figures."""
    return set(re.findall(r"!\[[^\]]+\]\(([^)]+)\)", summary))


def test_publish_writes_what_it_says(published: list[Path], folders: dict[str, Path]) -> None:
    folder = folders["several cells"]
    assert published[-2:] == [folder / "summary.md", folder / "report.html"]
    assert sorted(published[:-2]) == sorted((folder / "figures").iterdir())
    assert all(path.stat().st_size > 1000 for path in published)
    assert {path.suffix for path in published[:-2]} == {".png", ".svg"}
    summary = published[-2].read_text()
    assert {folder / link for link in links(summary)} == {path for path in published if path.suffix == ".png"}
    assert "nan" not in re.findall(r"[a-z]+", summary)


@pytest.mark.parametrize("kind", [kind for kind in FOLDERS if kind != "several cells"])  # which are published
def test_every_figure_draws_without_a_warning_and_is_in_the_summary(
    kind: str, folders: dict[str, Path], drawn: dict[str, dict[str, Figure]]
) -> None:
    figures = drawn[kind]
    for name, figure in figures.items():
        if name != "trajectories":  # which lays itself out to place its labels
            figure.draw_without_rendering()
    summary = report.summary_markdown(words.Study(read_results(folders[kind])), list(figures))
    assert links(summary) == {f"figures/{name}.png" for name in figures}
    assert "nan" not in re.findall(r"[a-z]+", summary)


@pytest.mark.parametrize("kind", FOLDERS)
def test_the_terminal_summary_fits_a_terminal(kind: str, folders: dict[str, Path]) -> None:
    text = terminal.summary_text(read_results(folders[kind]))
    lines = text.splitlines()
    assert len(lines) <= 40
    assert all(len(line) <= 100 for line in lines if not line.startswith("Results: "))
    assert str(folders[kind].name) in text


def test_figures_are_there_when_the_data_are(drawn: dict[str, dict[str, Figure]]) -> None:
    always = {"trajectories", "value_distribution", "ledger"}
    assert set(drawn["one cell"]) - {"survival"} == always
    assert set(drawn["several cells"]) - {"survival"} == always | {"contrasts"}
    assert "survival" in drawn["all ended"]
    assert "heat_map" in drawn["two factors"]
    assert {"heat_map_baseline", "heat_map_blame_culture"} <= set(drawn["two scenarios by two factors"])


def test_the_summary_says_what_was_compared_and_what_came_out(folders: dict[str, Path]) -> None:
    stored = read_results(folders["several cells"])
    summary = report.summary_markdown(words.Study(stored))
    assert "> Not said beforehand." in summary
    assert "| blame culture | blame 0.9 (was normal(0.4, 0.15)) |" in summary
    assert "| low_start | trust_start 0.3 (was 0.55) |" in summary
    assert "In this result's folder, which holds the experiment's files:\n\n```\nalliance sweep ./exp" in summary
    assert f"numpy {np.__version__}" in summary
    table = analysis.paired(stored.tables["runs"], 0, stored.manifest["outcomes"])
    for _, row in table.iterrows():
        said = analysis.sentence({**row, "label": analysis.label_words(row["label"])})
        assert said[1:] in summary
    assert "12 runs came out, 0 failed" in summary


def test_names_are_no_html_in_the_summary(folders: dict[str, Path]) -> None:
    stored = read_results(folders["several cells"])
    study = words.Study(Stored(stored.folder, {**stored.manifest, "title": "Below\n<b>5%</b>"}, stored.tables))
    summary = report.summary_markdown(study)
    assert summary.startswith("# Below \\<b>5%\\</b>\n")
    assert not re.search(r"(?<!\\)<", summary)


def test_the_survival_table_is_the_stored_one(folders: dict[str, Path]) -> None:
    stored = read_results(folders["some ended"])
    summary = report.summary_markdown(words.Study(stored))
    assert re.search(r"\| dying \| 1 \| 0% \| 100% \| 0% \| 0% \|", summary)


def test_alliances_of_a_market_are_counted_as_they_come(tmp_path: Path) -> None:
    experiment = experiment_of([base_market("open")], 3, 3, "test")
    stored = read_results(run_experiment(experiment, tmp_path, jobs=1, keep_alliances=True))
    signed = len(stored.tables["alliances"])
    assert signed > 0
    assert report.alliances_in(words.Study(stored)) == signed
    assert f"{signed} alliances in all" in report.summary_markdown(words.Study(stored))


def test_two_causes_that_are_on_or_off_are_shared_out(tmp_path: Path) -> None:
    crash = [{"name": "crash", "month": 4, "kind": "crash", "depth": 0.4}]
    factors = {"blame": (0.0, 0.9), "events.crash.enabled": (False, True)}
    folder = run(tmp_path, scenario("merger", events=crash), factors=factors)
    stored = read_results(folder)
    summary, html = report.summary_markdown(words.Study(stored)), page.page_html(words.Study(stored))
    shared = attributions(stored)
    assert [each.outcome for each in shared] == analysis.told_outcomes(stored.manifest, stored.tables["runs"])
    for each in shared:
        assert each.markdown() in summary
        assert each.rows()[1][0] in html
        amounts = each.table.set_index("part")["amount"]
        assert f'data-key="{float(amounts["first alone"])!r}">{each.rows()[2][1]}</td>' in html  # sorted by number
    assert "What is due to which cause" in html


def test_other_designs_share_nothing_out(folders: dict[str, Path]) -> None:
    for kind in ("several cells", "two factors"):
        assert "due to which cause" not in report.summary_markdown(words.Study(read_results(folders[kind])))


def with_humps(stored: Stored) -> Stored:
    """The same result, but in its first cell trust splits."""
    split = two_humped()
    last = int(stored.tables["histogram"]["month"].max())
    split = split[split["month"] == 24].assign(month=last)
    old = stored.tables["histogram"].astype({"variable": str})
    kept = old[~((old["cell"] == 0) & (old["variable"] == "trust"))]
    return Stored(stored.folder, stored.manifest, {**stored.tables, "histogram": pd.concat([kept, split])})


def test_two_humps_are_not_hidden_in_a_mean(folders: dict[str, Path]) -> None:
    stored = read_results(folders["several cells"])
    split = words.Study(with_humps(stored))
    summary = report.summary_markdown(split)
    assert split.kinds
    assert all(said in summary for said in split.kinds)
    assert summary.index(split.kinds[0]) < summary.index("## What was compared")
    told = "the mean hides: trust ends in two humps in baseline."
    assert told in flat(terminal.summary_text(split.stored))
    assert "humps" not in report.summary_markdown(words.Study(stored))
    assert "humps" not in terminal.summary_text(stored)


@pytest.mark.parametrize(
    ("outcome", "unit"), [("duration", " months"), ("value_per_month", " money"), ("survived", ""), ("trust", "")]
)
def test_a_headline_gives_its_mean_with_the_unit(folders: dict[str, Path], outcome: str, unit: str) -> None:
    stored = read_results(folders["several cells"])
    asked = Stored(stored.folder, {**stored.manifest, "outcomes": [outcome]}, stored.tables)
    first = words.headlines(words.Study(asked))[0]
    assert first.partition(";")[0].endswith(f"){unit}")
    assert ("; better off apart " in first) == (outcome == "value_per_month")


def test_two_humps_within_chance_are_no_headline(folders: dict[str, Path]) -> None:
    """The two kinds come from one replicate of six: a resample lacks it with chance (5/6)⁶ = 33%."""
    stored = with_humps(read_results(folders["several cells"]))
    counts = analysis.counts_of(stored.tables["histogram"], 0, "trust", int(stored.tables["histogram"]["month"].max()))
    trust = np.repeat((np.arange(BINS) + 0.5) / BINS, counts.astype(int))
    alliances = pd.DataFrame({"cell": 0, "replicate": np.where(trust < 0.5, 0, 1 + np.arange(len(trust)) % 5)})
    alliances = alliances.assign(trust=trust, cause=CAUSES_OF_ENDING[0])
    doubtful = Stored(stored.folder, stored.manifest, {**stored.tables, "alliances": alliances})
    study = words.Study(doubtful)
    assert study.split == []
    assert "perhaps two humps, not beyond chance" in study.kinds[0]
    assert "two humps" not in terminal.summary_text(doubtful)
    figure = plots.draw_all(doubtful, study.split)["trust_humps"]
    assert figure.get_suptitle().startswith("Trust ends perhaps in two humps")
    assert words.Study(stored).split == [0]


def test_the_figures_of_a_report_know_which_humps_are_sure(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: list[Collection[int]] = []
    monkeypatch.setattr(plots, "draw_all", lambda stored, sure: told.append(sure) or {})
    page.publish(with_humps(read_results(folders["several cells"])), tmp_path)
    assert told == [[0]]


@pytest.mark.parametrize(("mean", "shown"), [(math.nan, "–"), (0.25, "25.0 ± 1.0%")])
def test_a_share_that_is_not_defined_has_no_unit(mean: float, shown: str) -> None:
    row = {"outcome": "survived", "mean": mean, "low": mean - 0.01, "high": mean + 0.01, "n": 9, "method": "t"}
    assert terminal._plus_minus(row) == shown


def test_points_of_a_sample_are_no_baseline(folders: dict[str, Path]) -> None:
    stored = read_results(folders["two factors"])
    ranges = {"trust_start": {"low": 0.3, "high": 0.7}, "partners": {"low": 1, "high": 2, "integer": True}}

    def said(kind: str, factors: Mapping[str, Any]) -> bool:
        design = {**stored.manifest["design"], "factors": factors, "design": {"kind": kind}}
        drawn = Stored(stored.folder, {**stored.manifest, "design": design}, stored.tables)
        texts = (report.summary_markdown(words.Study(drawn)), terminal.summary_text(drawn))
        found = [words.SAMPLED in flat(text) for text in texts]
        assert found[0] == found[1]
        return found[0]

    assert said("latin_hypercube", ranges)
    assert said("sobol", {"mixing": ["any", "within"]}), "levels are drawn too"
    assert said("list", ranges)
    assert not said("list", {"trust_start": [0.3, 0.7]})
    assert not said("one_at_a_time", ranges), "both ends of a range are levels there, and the reference is the base"
    assert not said("grid", {"trust_start": [0.3, 0.7]})


def test_a_reference_with_a_long_name_is_named_once(folders: dict[str, Path]) -> None:
    stored = read_results(folders["two factors"])
    label = "baseline · trust_start=0.3 · a level with a very long name"
    cells = stored.tables["cells"].assign(label=[label, *stored.tables["cells"]["label"][1:]])
    long = Stored(stored.folder, stored.manifest, {**stored.tables, "cells": cells})
    assert f"The reference is {label.replace('_', ' ')}." in flat(terminal.summary_text(long))
    assert "The reference is" not in terminal.summary_text(stored)


def test_a_sweep_with_a_precision_is_not_told_to_have_its_first_round_only(folders: dict[str, Path]) -> None:
    stored = read_results(folders["several cells"])
    plan = {**stored.manifest["plan"], "batch": 2, "most": 50, "precision": {"value": 0.1}}
    study = words.Study(
        Stored(stored.folder, {**stored.manifest, "plan": plan, "status": "interrupted"}, stored.tables)
    )
    count, runs = len(study.tables["cells"]), len(study.runs)
    assert f"{runs} of {2 * count} to {50 * count} runs are in these tables" in words.warning_of(study)
    assert f"{count} cells × 2 to 50 replicates, " in report.summary_markdown(study)


@pytest.mark.parametrize(("wider", "shown"), [(0.0201, "0.0201"), (0.05, "0.05"), (0.02349, "0.023")])
def test_a_half_width_that_is_too_wide_reads_so(wider: float, shown: str) -> None:
    plan = {"precision": {"trust": 0.02}, "most": 80}
    study = SimpleNamespace(manifest={"plan": plan, "cells": [{"half_widths": {"trust": wider}}]})
    assert f"wider than ± 0.02 (the widest: ± {shown})" in words.less_precise_than_wanted(study)


def test_a_single_replicate_is_not_given_an_interval(folders: dict[str, Path]) -> None:
    summary = report.summary_markdown(words.Study(read_results(folders["a single replicate"])))
    assert "a single replicate gives no interval" in summary.lower()
    assert "one paired replicate: no interval" in summary
    assert not re.search(r"95% interval [\d−+]", summary)


def test_a_market_says_which_months_it_counts(drawn: dict[str, dict[str, Figure]], folders: dict[str, Path]) -> None:
    figures = drawn["markets"]
    assert "month of the run" in texts(figures["trajectories"])
    assert "months since the signature" not in texts(figures["trajectories"])
    assert "share of those signed so far" in texts(figures["trajectories"])
    assert "months since the signature" in texts(figures["survival"])
    assert "are censored at their age" in flat(texts(figures["survival"]))
    assert "ended and young ones too" in flat(texts(figures["value_distribution"]))
    for name in ("trajectories", "survival"):
        assert "months since the signature" in texts(drawn["some ended"][name])
        assert "month of the run" not in texts(drawn["some ended"][name])
        assert "censored" not in texts(drawn["some ended"][name])


def test_survival_in_a_market_is_said_by_age(folders: dict[str, Path]) -> None:
    study = words.Study(read_results(folders["markets"]))
    said = words.survival_sentence(study, study.reference)
    going_on = study.tables["survival"].query("cell == 0 and month == 30")["going on"].item()
    assert f"of alliances, {analysis.percent(going_on)} last 30 months" in said
    assert "estimated, those still young are censored" in said
    assert "go on at the horizon" not in said
    summary, terse = report.summary_markdown(study), flat(terminal.summary_text(study.stored))
    assert "| half had ended by month since the signature | lasting as long as the run |" in summary
    assert words.CENSORED in summary
    for text in (summary, terse, page.page_html(study)):
        assert said.partition(": ")[2] in flat(text)
        assert words.RAW_SURVIVED in flat(text)


def test_without_a_market_survival_is_said_at_the_horizon(folders: dict[str, Path]) -> None:
    study = words.Study(read_results(folders["several cells"]))
    assert "of the alliances go on at the horizon" in words.survival_sentence(study, study.reference)
    assert "survived" in study.outcomes
    for text in (report.summary_markdown(study), terminal.summary_text(study.stored), page.page_html(study)):
        assert words.CENSORED not in flat(text)
        assert words.RAW_SURVIVED not in flat(text)
        assert "censored" not in text


LIVES = [
    ({0: math.nan}, "More than half of the alliances last 30 months",
     "More than half of the alliances are still going on at the horizon"),
    ({0: 12.0}, "Half of the alliances end within 12 months of their signature",
     "Half of the alliances have ended by month 12"),
    ({0: 12.0, 1: 12.0}, "Half of the alliances end within 12 months of their signature in every cell",
     "Half of the alliances have ended by month 12 in every cell"),
    ({0: 12.0, 1: 20.0}, "Half end within 12 months of their signature in open, but only within 20 months in shy",
     "Half have ended by month 12 in open, but only by month 20 in shy"),
    ({0: 12.0, 1: math.nan}, "Half end within 12 months of their signature in open; in shy more than half last",
     "Half have ended by month 12 in open; in shy more than half go on"),
]  # fmt: skip


@pytest.mark.parametrize(("lives", "by_age", "by_month"), LIVES)
def test_the_title_of_survival_in_a_market_is_of_age(lives: dict[int, float], by_age: str, by_month: str) -> None:
    months = np.arange(31)
    cells = pd.DataFrame({"cell": list(lives), "label": ["open", "shy"][: len(lives)]})
    tables = []
    for cell, life in lives.items():
        going_on = np.where(months < (999 if math.isnan(life) else life), 1.0, 0.4)
        shares = dict.fromkeys(CAUSES_OF_ENDING, 0.0) | {"going on": going_on, "distrust": 1.0 - going_on}
        tables.append(pd.DataFrame({"cell": cell, "month": months, **shares}))
    for market, title in ((True, by_age), (False, by_month)):
        assert flat(plots.survival(pd.concat(tables), cells, market=market).get_suptitle()) == title


def test_the_history_of_a_market_tells_age_and_month_apart() -> None:
    history = simulate_history(base_market("open"), 3)
    last = history.alliances[-1]
    young = int(np.flatnonzero((last.alive == 1) & (last.formed > 1))[0])
    told = flat(terminal.history_text(history, young + 1))
    assert "still going on at the end of the run of 30 months, some of them young" in told
    formed, age = int(last.formed[young]), int(last.age[young])
    assert age == 30 - formed + 1
    assert f"signed in month {formed} of the run, still going on after {age} months" in told


def interrupted(stored: Stored) -> Stored:
    """The same results as a sweep leaves them that lost a cell and one run of another."""
    tables = dict(stored.tables)
    for name in ("runs", "monthly", "survival", "ledger", "histogram"):
        tables[name] = tables[name][tables[name]["cell"] != 1]
    runs = tables["runs"]
    tables["runs"] = runs[~((runs["cell"] == 2) & (runs["replicate"] == 0))]
    tables["failed"] = pd.DataFrame({"cell": [2], "replicate": [0], "seed": [3], "error": ["ValueError: too bad"]})
    return Stored(stored.folder, {**stored.manifest, "status": "interrupted"}, tables)


def test_what_is_missing_is_said_first(folders: dict[str, Path]) -> None:
    whole = read_results(folders["several cells"])
    stored, name = interrupted(whole), words.Study(whole).names[1]
    summary = report.summary_markdown(words.Study(stored))
    warning = "**Not complete (interrupted).** 7 of 12 runs are in these tables; 1 failed. 1 of 3 cells has no runs: "
    assert f"{warning}{name}." in summary
    assert summary.index(warning) < summary.index("## ")
    assert "(the first, cell 2, replicate 0: ValueError: too bad)" in summary
    assert "Not complete (interrupted)" in terminal.summary_text(stored)
    assert plots.draw_all(stored)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no result folder"):
        read_results(tmp_path)


def test_differences_name_groups_and_events() -> None:
    one = scenario("one").plain()
    two = scenario(
        "two",
        groups=[{"name": "a", "traits": {"blame": 0.2}}, {"name": "b"}],
        events=[{"name": "crash", "month": 4, "kind": "crash", "depth": 0.3}],
        parameters={"clamp_trust": True},
    ).plain()
    found = report.differences(one, two)
    assert "clamp_trust yes (was no)" in found
    assert "a: blame 0.2" in found
    assert "event crash (crash: month 4, depth 0.3)" in found
    assert "no event crash" in report.differences(two, one)
    assert report.differences(one, one) == []


# Figures
def test_the_same_results_give_the_same_bytes(published: list[Path], folders: dict[str, Path], tmp_path: Path) -> None:
    figures = plots.draw_all(read_results(folders["several cells"]))
    again = [path for name, figure in figures.items() for path in plots.save(figure, tmp_path, name)]
    assert [path.name for path in again] == [path.name for path in published[:-2]]
    for one, other in zip(published, again, strict=False):
        assert one.read_bytes() == other.read_bytes(), other.name


def test_files_hold_text_and_no_dates(published: list[Path]) -> None:
    content = next(path for path in published if path.name == "trajectories.svg").read_text()
    assert "blame culture</text>" in content
    assert "dc:date" not in content
    assert "Matplotlib" not in content
    picture = next(path for path in published if path.name == "trajectories.png").read_bytes()
    assert b"Software" not in picture
    assert b"tEXt" not in picture


def test_the_style_of_the_caller_is_neither_used_nor_changed(
    published: list[Path], folders: dict[str, Path], tmp_path: Path
) -> None:
    import matplotlib as mpl

    tables = read_results(folders["several cells"]).tables
    plain = next(path for path in published if path.name == "ledger.png")
    with mpl.rc_context({"font.size": 30.0, "axes.facecolor": "red"}):
        styled, _ = plots.save(plots.ledger(tables["ledger"], tables["cells"]), tmp_path, "ledger")
        assert mpl.rcParams["font.size"] == 30.0
    assert styled.read_bytes() == plain.read_bytes()


def test_names_are_never_read_as_formulas(folders: dict[str, Path], tmp_path: Path) -> None:
    stored = read_results(folders["several cells"])
    named = {name: stored.tables[name].replace("blame_culture", "costs $x_{$ <5%") for name in ("cells", "runs")}
    figures = plots.draw_all(Stored(stored.folder, stored.manifest, {**stored.tables, **named}))
    for name in ("contrasts", "survival"):
        _, vector = plots.save(figures[name], tmp_path, name)
        assert "$x_{$" in vector.read_text(encoding="utf-8")


def test_long_words_are_broken_to_fit() -> None:
    lines = wrap_label(f"short · {'long' * 9} and more", 22).split("\n")
    assert "".join(lines).replace(" ", "") == f"short{'long' * 9}andmore"
    assert max(map(len, lines)) <= 22


def test_labels_at_line_ends_do_not_overlap(drawn: dict[str, dict[str, Figure]]) -> None:
    figure = drawn["two scenarios by two factors"]["trajectories"]
    figure.draw_without_rendering()
    for ax in figure.axes:
        boxes = sorted((text.get_window_extent() for text in _end_labels(ax)), key=lambda box: box.y0)
        assert len(boxes) > 1
        for lower, upper in itertools.pairwise(boxes):
            assert upper.y0 >= lower.y1 - 1.0  # a pixel


def _end_labels(ax: Any) -> list[Any]:
    from matplotlib.text import Annotation, Text

    class Words:  # an annotation's own extent includes its leader
        def __init__(self, text: Annotation) -> None:
            self.text = text

        def get_window_extent(self) -> Any:
            return Text.get_window_extent(self.text)

    return [Words(child) for child in ax.get_children() if isinstance(child, Annotation)]


def test_spreading_moves_labels_no_more_than_needed() -> None:
    assert spread_apart([0.2, 0.8], [0.1, 0.1], 0.0, 1.0) == pytest.approx([0.2, 0.8])
    assert spread_apart([0.5, 0.5], [0.1, 0.1], 0.0, 1.0) == pytest.approx([0.45, 0.55])
    assert spread_apart([0.99, 0.98], [0.1, 0.1], 0.0, 1.0) == pytest.approx([0.95, 0.85])


def test_the_title_leaves_out_cells_in_which_nobody_is_left(drawn: dict[str, dict[str, Figure]]) -> None:
    assert "(baseline)" in flat(drawn["some ended"]["trajectories"].get_suptitle())
    assert drawn["all ended"]["trajectories"].get_suptitle() == "No alliance is going on at the horizon"


def test_what_has_one_month_is_a_point(drawn: dict[str, dict[str, Figure]]) -> None:
    """A line of one point is not to be seen: here trust is known on the day of the signature only."""
    trust, _, result, alive = drawn["all ended"]["trajectories"].axes
    assert [text.get_text() for text in result.texts] == ["in no month is it known"]
    assert [list(line.get_xdata()) for line in trust.lines] == [[0]] * len(trust.lines)
    assert {line.get_marker() for line in trust.lines} == {"o"}
    assert "o" not in {line.get_marker() for line in alive.lines}


def test_cells_alike_to_the_digit_are_not_ranked(folders: dict[str, Path]) -> None:
    """A highest and a lowest cell with the same number would tell a difference that is not shown."""
    stored = read_results(folders["several cells"])
    first = {name: table[table["cell"] == 0] for name, table in stored.tables.items()}
    two = {name: pd.concat([rows, rows.assign(cell=1)]) for name, rows in first.items()}
    cells = two["cells"].assign(label=["one", "other"])
    titles = [
        plots.trajectories(two["monthly"], cells).get_suptitle(),
        plots.value_distribution(two["histogram"], cells, two["monthly"]).get_suptitle(),
    ]
    assert all("in every cell" in title for title in titles), titles


@pytest.mark.parametrize(
    ("means", "said"),
    [
        ((40.0, 60.0), "; the mean runs from 40 in one to 60 in other"),
        ((40.1, 40.2), "; the mean is 40 in every cell"),
    ],
)
def test_where_all_lose_alike_the_means_tell_the_cells_apart(means: tuple[float, float], said: str) -> None:
    values = {
        label: SimpleNamespace(mean=mean, digits=0, below_zero=0.05, apart=math.nan, months=144)
        for label, mean in zip(("one", "other"), means, strict=True)
    }
    assert distributions._value_title(values) == f"5% of alliances lose money in every cell{said}"


def test_runs_of_a_month_are_of_one_month(folders: dict[str, Path]) -> None:
    history = simulate_history(base_named("short", months=1), 1, 0)
    assert "1 months" not in flat(terminal.history_text(history, 1))
    assert "1 months" not in flat(texts(plots.history(history, 1)))
    assert "1 months" not in flat(texts(plots.network(history)))


def test_what_was_built_and_destroyed_adds_up_as_it_is_written() -> None:
    """0.004 and −0.107 make −0.103: rounded one by one they would read 0.00, −0.11 and −0.10."""
    title = histories._gross(pd.DataFrame([[0.0, 0.0], [0.004, -0.107]], columns=["delivery", "friction"]))
    assert title == "+0.01 of trust built and −0.11 destroyed make −0.10"


def test_values_at_two_horizons_are_drawn_each_in_its_own_bins(drawn: dict[str, dict[str, Figure]]) -> None:
    figure = drawn["two horizons"]["value_distribution"]
    assert "in steps of 0.9 money (30 months), 1.8 money (60 months);" in flat(texts(figure))
    for ax, step in zip(figure.axes, (0.9, 1.8), strict=True):
        density, edges, _ = next(patch for patch in ax.patches if isinstance(patch, StepPatch)).get_data()
        assert np.diff(edges) == pytest.approx(step)
        assert np.sum(density * np.diff(edges)) == pytest.approx(1.0)


def test_a_single_horizon_has_one_step(drawn: dict[str, dict[str, Figure]]) -> None:
    assert "in steps of 0.9 money; areas" in flat(texts(drawn["several cells"]["value_distribution"]))


def test_cells_of_two_horizons_share_an_axis_as_long_as_the_longer(folders: dict[str, Path]) -> None:
    tables = read_results(folders["two horizons"]).tables
    reverse = tables["cells"].iloc[::-1]
    for cells in (tables["cells"], reverse):
        assert {ax.get_xlim() for ax in plots.survival(tables["survival"], cells).axes} == {(0, 60)}
    ridges = plots.trust_humps(tables["histogram"], tables["cells"])
    last = [ax.get_yticklabels()[-1].get_text() for ax in ridges.axes]
    assert last == ["month 30", "month 60"]


def values(shares: dict[int, int], months: int = 100) -> pd.DataFrame:
    """A histogram of value at the horizon: counts by bin."""
    edges = analysis.edges_of("value", months)
    rows = [(0, months, "value", edges[k], edges[k + 1], count) for k, count in shares.items()]
    return pd.DataFrame(rows, columns=["cell", "month", "variable", "low", "high", "count"])


def test_what_lies_beyond_the_bins_is_said() -> None:
    cells = pd.DataFrame({"cell": [0], "label": ["rich"]})
    written = texts(plots.value_distribution(values({40: 6, 41: 4, BINS - 1: 90}), cells))
    assert "90% above 237" in written  # the last of 100 bins from -60 to 240
    assert "What lies beyond the axis is drawn at its end." in flat(written)
    assert "beyond" not in texts(plots.value_distribution(values({40: 6, 41: 4}), cells))


def two_humped(n: int = 4000) -> pd.DataFrame:
    """Trust of one cell that splits: one hump at the signature, two at the end."""
    rng = np.random.default_rng(1)
    frames = []
    for month, apart in ((0, 0.0), (12, 0.1), (24, 0.28)):
        drawn = np.concatenate([rng.normal(0.5 - apart, 0.06, n // 4), rng.normal(0.5 + apart, 0.06, 3 * n // 4)])
        counts = np.histogram(drawn, BINS, (0.0, 1.0))[0]
        bins = np.flatnonzero(counts)
        frames.append(
            pd.DataFrame({"month": month, "low": bins / BINS, "high": (bins + 1) / BINS, "count": counts[bins]})
        )
    return pd.concat(frames).assign(cell=0, variable="trust")


def test_two_humps_are_drawn_and_named() -> None:
    cells = pd.DataFrame({"cell": [0], "label": ["a_loop"]})
    written = texts(plots.trust_humps(two_humped(), cells))
    assert "Trust ends in two humps: near 0.2" in flat(written)
    assert "25%" in written
    assert "75%" in written


def test_a_heat_map_shows_every_mean_also_of_words_and_of_gaps() -> None:
    rows = [("low", 1, 0.25), ("low", 1, 0.35), ("low", 2, -0.5), ("high", 1, 0.9)]
    runs = pd.DataFrame(rows, columns=["mixing", "partners", "trust_change"]).assign(replicate=[0, 1, 0, 0])
    written = texts(plots.heat_map(runs, "partners", "mixing", "trust_change"))
    for number in ("0.30", "−0.50", "0.90"):
        assert number in written
    assert "low" in written
    assert "n = 1 to 2 runs a field" in flat(written) or "n = 0 to 2 runs a field" in flat(written)


def test_a_heat_map_reads_in_grey_also_where_it_crosses_zero() -> None:
    rows = [(0, 0, -0.5), (0, 1, -0.1), (1, 0, 0.1), (1, 1, 0.5)]
    runs = pd.DataFrame(rows, columns=["mixing", "partners", "trust_change"]).assign(replicate=0)
    fields = plots.heat_map(runs, "partners", "mixing", "trust_change").axes[0].collections[0]
    bright = [luminance(fields.cmap(fields.norm(mean))) for _, _, mean in rows]
    assert np.all(np.diff(bright) > 0.05)


def test_a_heat_map_of_one_number_ranks_nothing() -> None:
    runs = pd.DataFrame({"mixing": [0, 0, 1, 1], "partners": [1, 2, 1, 2], "survived": 0.25, "replicate": 0})
    title = plots.heat_map(runs, "partners", "mixing", "survived").get_suptitle()
    assert flat(title) == "Share still going on is 25% whatever partners and mixing are"


def test_a_heat_map_tells_factors_of_one_name_apart() -> None:
    rows = [(0.2, 0.2, 1.0), (0.2, 0.8, 2.0), (0.8, 0.2, 3.0), (0.8, 0.8, 4.0)]
    runs = pd.DataFrame(rows, columns=["North.blame", "the_south.blame", "value"]).assign(replicate=0)
    figure = plots.heat_map(runs, "North.blame", "the_south.blame", "value")
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("North blame", "the_south blame")
    title = "Value runs from 1.0 (North blame 0.2, the_south blame 0.2) to 4.0 (North blame 0.8, the_south blame 0.8)"
    assert flat(figure.get_suptitle()) == title


@pytest.mark.parametrize(
    ("months", "ticks"),
    [
        ((0.0, 7.0), [0, 1, 2, 3, 4, 5, 6, 7]),
        ((5.2, 17.0), [6, 8, 10, 12, 14, 16]),
        ((0.0, 144.0), [0, 24, 48, 72, 96, 120, 144]),
        ((0.0, 1200.0), [0, 240, 480, 720, 960, 1200]),
    ],
)
def test_the_month_axis_has_few_ticks_at_whole_years_or_parts_of_one(
    months: tuple[float, float], ticks: list[int]
) -> None:
    ax = Figure().subplots()
    ax.set_xlim(months)
    tick_years(ax)
    assert ax.get_xticks().tolist() == ticks


def test_bands_have_the_dashes_of_their_lines(drawn: dict[str, dict[str, Figure]]) -> None:
    """Bands that lie on each other are one grey on paper but for their edges."""
    trust = drawn["several cells"]["trajectories"].axes[0]
    bands = [area for area in trust.collections if area.get_linewidth()[0] > 0]
    drawn_edges = [(area.get_linestyle()[0][1] is None, tuple(area.get_edgecolor()[0][:3])) for area in bands]
    assert drawn_edges == [(dashes == "-", pytest.approx(to_rgb(color))) for color, dashes in LOOKS[:3]]


def test_a_ribbon_without_a_band_is_not_called_darker(drawn: dict[str, dict[str, Figure]]) -> None:
    four, eight = (drawn[kind]["trajectories"] for kind in ("two factors", "two scenarios by two factors"))
    assert "Band: middle half of them (25% to 75%). Darker ribbon: " in flat(texts(four))
    assert "still going on. Ribbon: " in flat(texts(eight))


def test_a_long_outcome_fits_beside_its_axis() -> None:
    found = {"factor": "blame", "level": 0.5, "tips_at": 0.5, "tips_low": 0.4, "tips_high": 0.6, "crossings": 1}
    table = pd.DataFrame([{**found, "low": 0.0, "high": 1.0, "resolution": 0.01, "way": "falls"}])
    points = pd.DataFrame({"blame": [0.0, 1.0], "mean": [1.0, 0.0], "low": [0.9, -0.1], "high": [1.1, 0.1]})
    figure = tipping_figure(table, points, f"share of alliances with {'expectations ' * 3}above 0.25", 5)
    figure.draw_without_rendering()
    name, ax = figure.axes[0].yaxis.label.get_window_extent(), figure.axes[0].get_window_extent()
    assert ax.y0 <= name.y0
    assert name.y1 <= ax.y1


def test_the_key_of_a_discovery_covers_no_leaf() -> None:
    boxes = pd.DataFrame({"density": [1.0, 0.9], "coverage": [0.6, 0.4], "conditions": ["x ≤ 1", "x > 1"]})
    checks = pd.Series({"density": 0.9, "coverage": 0.9, "accuracy": 0.9, "accuracy_of_guessing": 0.8, "failing": 0.95})
    checks = checks.astype(object).combine_first(pd.Series({"runs": 10, "cells": 2}, dtype=object))
    cells = pd.DataFrame({"x": [0.0, 2.0], "y": [0.0, 1.0], "failing": [1.0, 0.9]})
    figure = discovery_figure(boxes.assign(best=[True, False]), checks, cells, {}, "Value fails", "value is below 0")
    figure.draw_without_rendering()
    leaves = figure.axes[1]
    assert leaves.get_legend().get_window_extent().y0 >= leaves.get_window_extent().y1


def test_contrasts_write_the_differences(folders: dict[str, Path]) -> None:
    stored = read_results(folders["several cells"])
    table = analysis.paired(stored.tables["runs"], 0, ["trust"])
    written = texts(plots.contrasts(table))
    for row in rows_of(table):
        found = analysis.sure_of(row, "difference")
        assert analysis.signed(found.estimate, digits_of(found)) in written


def of_factors(levels: int) -> pd.DataFrame:
    """Runs of a reference and other cells that differ in five factors with long names."""
    rng = np.random.default_rng(2)
    names = ("relational_investment", "reputation_visibility", "contingency_rate", "disappointment_exit", "openness")
    rows = []
    for cell in range(levels + 1):
        label = " · ".join(["baseline", *(f"{name}={cell / 10:g}" for name in names)])
        rows += [(cell, label, k, value) for k, value in enumerate(rng.normal(0.4 + 0.02 * cell, 0.01, 5))]
    return pd.DataFrame(rows, columns=["cell", "label", "replicate", "trust"])


def test_row_labels_of_many_factors_do_not_overlap() -> None:
    figure = plots.contrasts(analysis.paired(of_factors(12), 0, ["trust"]))
    figure.draw_without_rendering()
    boxes = sorted((tick.get_window_extent() for tick in figure.axes[0].get_yticklabels()), key=lambda box: box.y0)
    assert len(boxes) == 12
    for lower, upper in itertools.pairwise(boxes):
        assert upper.y0 > lower.y1


def test_where_nothing_differs_but_by_rounding_the_axis_is_no_axis_of_rounding() -> None:
    same = of_factors(2)
    same["trust"] = 0.4 + 1e-17 * same["cell"] + 1e-16 * same["replicate"] * (same["cell"] == 1)
    left, right = plots.contrasts(analysis.paired(same, 0, ["trust"])).axes[0].get_xlim()
    assert left < -0.4 < 0.4 < right, "that of what five replicates leave open"
    same = same.rename(columns={"trust": "value"})
    assert plots.contrasts(analysis.paired(same, 0, ["value"])).axes[0].get_xlim() == (-1.0, 1.0)


def test_titles_do_not_repeat_what_all_cells_share() -> None:
    assert plots.contrasts(analysis.paired(of_factors(1), 0, ["trust"])).get_suptitle().count("the reference") == 1
    one = of_factors(1)
    one["label"] = one["cell"].map({0: "baseline · blame=0.2", 1: "baseline · blame=0.8"})
    title = flat(plots.contrasts(analysis.paired(one, 0, ["trust"])).get_suptitle())
    assert title.startswith("Blame=0.8: trust 0.0")
    assert title.endswith("higher than blame=0.2")
    two = flat(plots.contrasts(analysis.paired(of_factors(2), 0, ["trust"])).get_suptitle())
    assert two.startswith("Trust differs from the reference in both cells; it rises most in relational investment=0.2")
    assert "in all 3 cells" in plots.contrasts(analysis.paired(of_factors(3), 0, ["trust"])).get_suptitle()


def designed(stored: Stored, kind: str, factors: dict[str, Any] | None = None) -> Stored:
    """The same result as another design, or other levels, would have left it."""
    design = {**stored.manifest["design"], "design": {"kind": kind}}
    runs = stored.tables["runs"].assign(**(factors or {}))
    return Stored(stored.folder, {**stored.manifest, "design": design}, {**stored.tables, "runs": runs})


def test_heat_maps_are_for_grids_of_two_numbers(folders: dict[str, Path]) -> None:
    stored = read_results(folders["two factors"])
    on = stored.tables["runs"]["trust_start"] > 0.5
    for other in (
        designed(stored, "sobol"),
        designed(stored, "list"),
        designed(stored, "grid", {"trust_start": on}),
        designed(stored, "grid", {"trust_start": on.map({True: "high", False: "low"})}),
        designed(stored, "grid", {"trust_start": 0.3}),
    ):
        assert not files._heat_maps(other, other.tables["runs"], "trust")
    grid = designed(stored, "grid")
    assert list(files._heat_maps(grid, grid.tables["runs"], "trust")) == ["heat_map"]


# Histories
def test_a_history_is_drawn_with_its_events(history: History) -> None:
    written = texts(plots.history(history, 1))
    for said in ("dot-com (month 5)", "breach (month 8)", "turnover (month 9)", "change (month 29)", "expectation"):
        assert said in written
    assert "Left with Right" in written
    assert texts(plots.history(history)) == written  # the mean of a single alliance is that alliance


def test_the_ledger_of_a_history_adds_up_to_its_trust(history: History) -> None:
    change = float(np.mean(history.alliances[-1, 0].effective - history.alliances[0, 0].effective))
    assert f"make {analysis.signed(change)}" in texts(plots.history_ledger(history, 1))


def test_the_mean_of_all_alliances_is_drawn(crowd: History) -> None:
    assert "mean of 12 alliances" in texts(plots.history(crowd))
    change = float((crowd.alliances[-1].effective - crowd.alliances[0].effective).mean())
    assert f"make {analysis.signed(change)}" in texts(plots.history_ledger(crowd))


def test_happenings_are_those_of_the_records(crowd: History) -> None:
    last = crowd.alliances[-1]
    found = plots.happenings(crowd, None)
    assert found["contingency met together"].sum() == last["met_together"].sum()
    both = found["contingency met together"] + found["contingency not met"]
    assert both.sum() == last["contingencies"].sum()
    assert found["end"].sum() == (last["alive"] == 0).sum()
    each = [plots.happenings(crowd, k + 1) for k in range(len(last))]
    for kind, counts in found.items():
        assert np.array_equal(counts, sum(one[kind] for one in each))


def test_a_breach_is_marked_in_its_month(history: History) -> None:
    assert np.flatnonzero(plots.happenings(history, 1)["breach of faith"]).tolist() == [8]


@pytest.mark.parametrize("draw", [plots.history, plots.history_ledger, terminal.history_text])
def test_an_alliance_that_is_not_there_is_refused(draw: Any, history: History) -> None:
    with pytest.raises(ValueError, match="alliance 2: there are 1"):
        draw(history, 2)


def test_the_text_of_a_history_counts_and_adds_up(crowd: History) -> None:
    text = flat(terminal.history_text(crowd, 3))
    last = crowd.alliances[-1]
    assert f"of 12 alliances, {int(last['alive'].sum())} still going on after 60 months" in text
    assert "Alliance 3, organization" in text
    assert f"{int(last[2].hard_talks)} talked through" in text
    total = crowd.ledger[:, 2, :, EFFECTIVE].sum(axis=0).mean(axis=0).sum()
    assert f"in all {analysis.signed(float(total))}." in text
    assert all(len(line) <= 100 for line in terminal.history_text(crowd).splitlines())


def test_causes_in_words_names_the_largest_and_sums_all() -> None:
    changes = dict.fromkeys(CAUSES, 0.0) | {"delivery": 0.4, "hard_talk": 0.2, "blame": -0.35, "festering": -0.001}
    assert words.causes_in_words(changes) == (
        "trust was built by work delivered well +0.40, problems talked through +0.20; destroyed by blame −0.35; "
        "in all +0.25"
    )
    small = dict.fromkeys(CAUSES, 0.0) | {"delivery": 0.003, "hard_talk": 0.002, "festering": -0.006}
    assert words.causes_in_words(small).endswith(
        "by nothing; destroyed by problems left unsaid −0.01; all else +0.01; in all 0.00"
    )
    assert "built by nothing" in words.causes_in_words(dict.fromkeys(CAUSES, 0.0))


@pytest.mark.parametrize(("wanted", "reached"), [(1e-6, False), (1e6, True)])
def test_a_precision_that_was_not_reached_is_said_first(wanted: float, reached: bool, tmp_path: Path) -> None:
    folder = run(tmp_path, *several()[:2], replicates=20, precision={"value": wanted}, max_replicates=40)
    stored = read_results(folder)
    told = [
        report.summary_markdown(words.Study(stored)),
        terminal.summary_text(stored),
        page.page_html(words.Study(stored)),
    ]
    assert all(("Less precise than wanted" in " ".join(text.split())) != reached for text in told)
    assert all("20 to 40 replicates a cell, until value ±" in " ".join(text.split()) for text in (told[0], told[2]))
    if not reached:
        assert "2 of 2 cells the interval of value is wider than ± 1e-06 (the widest: ± " in " ".join(told[0].split())
        assert "alliance resume" not in told[2].split("</header>")[0]
