"""The scenarios that come with the program: each loads, says what it is about, and holds overrides only."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sim.distributions import Constant, parse
from sim.engine import Result, simulate
from sim.intervals import mean_of
from sim.library import SHIPPED, available
from sim.parameters import DIMENSIONS, VECTOR_TRAITS, Parameters, Traits
from sim.scenario import EVENT_KINDS, MIXING, TEXTS, Scenario, load

FILES = sorted((SHIPPED / "scenarios").glob("*.toml"))
TEMPLATE = SHIPPED / "scenarios" / "_template.toml"
PROMISED = {
    "aol_time_warner",
    "baseline",
    "blame_culture",
    "blind_faith",
    "contract_or_trust",
    "culture_clash",
    "deep_trust",
    "hard_conversations",
    "joint_values",
    "key_person_leaves",
    "life_science_alliance",
    "managed_expectations",
    "no_vetting",
    "overpromise",
    "reputation_market",
    "small_practice_partners",
    "trust_but_verify",
    "underinvestment",
    "vetting",
}


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param  # type: ignore[no-any-return]


def test_the_promised_scenarios_are_there_and_the_template_is_none_of_them() -> None:
    assert set(available("scenarios")) >= PROMISED
    assert TEMPLATE.stem not in available("scenarios")


def test_a_shipped_scenario_runs(path: Path) -> None:
    runs = simulate(load(path), 2, seed=1).runs()
    assert runs["value"].notna().all()


def test_it_says_what_it_is_about(path: Path) -> None:
    scenario = load(path)
    assert scenario.question.endswith("?")
    if path != TEMPLATE:
        assert re.match(r"[KLR] \(.*\): \"", scenario.source), "the source names the seed and quotes it"
        assert len(scenario.expected) > 100


def test_titles_are_all_different() -> None:
    titles = [load(path).title for path in FILES]
    assert len(set(titles)) == len(titles)


def test_it_holds_overrides_only(path: Path) -> None:
    written = tomllib.loads(path.read_text(encoding="utf-8"))
    plain = Scenario.from_plain(dict.fromkeys(TEXTS, "?"))
    assert set(written) - set(TEXTS) <= {
        "months",
        "organizations",
        "network",
        "parameters",
        "traits",
        "groups",
        "events",
    }
    for name in ("months", "organizations"):
        assert written.get(name) != getattr(plain, name), name
    for name, value in written.get("network", {}).items():
        assert value != getattr(plain.network, name), name
    for name, value in written.get("parameters", {}).items():
        assert value != getattr(Parameters(), name), name
    shared = overrides(written.get("traits", {}), Traits())
    for group in written.get("groups", []):
        assert group.get("share") != 1.0, "share"
        overrides(group.get("traits", {}), Traits(**shared))
    for event in written.get("events", []):
        assert event.get("enabled") is not True, "enabled"
        assert event.get("who") != "everyone", "who"


def overrides(written: dict[str, Any], below: Traits) -> dict[str, Any]:
    """The traits written in a table, each of which must differ from what holds without it."""
    read = {name: parse(value, DIMENSIONS if name in VECTOR_TRAITS else ()) for name, value in written.items()}
    for name, spread in read.items():
        assert spread != getattr(below, name), name
    return read


# ---------------------------------------------------------------------------------------------------------------
# Comparable with the baseline
# ---------------------------------------------------------------------------------------------------------------
OTHER_WORLDS = {
    "aol_time_warner",
    "key_person_leaves",
    "no_vetting",
    "reputation_market",
    "small_practice_partners",
    "vetting",
}
"""Scenarios whose question needs other organizations or another network than the baseline's."""


@pytest.mark.parametrize("name", sorted(PROMISED - OTHER_WORLDS))
def test_it_is_a_clean_contrast_to_the_baseline(name: str) -> None:
    """Same horizon, organizations, network and grouping, so that replicates can be compared in pairs."""
    scenario, baseline = (load(available("scenarios")[it]) for it in (name, "baseline"))
    assert scenario.network == baseline.network
    assert (scenario.months, scenario.sizes) == (baseline.months, baseline.sizes)


def test_the_clash_and_the_crash_of_aol_time_warner_can_each_be_switched_off() -> None:
    scenario = load(available("scenarios")["aol_time_warner"])
    assert [group.name for group in scenario.groups] == ["AOL", "Time Warner"]
    assert scenario.alliances == 1
    aol, warner = (group.traits for group in scenario.groups)
    assert aol.professed == warner.professed
    assert aol.default_culture != warner.default_culture
    variant = scenario.with_settings({"events.crash.enabled": False, "default_culture": 0.5})
    assert [event.enabled for event in variant.events] == [False]
    assert variant.groups[0].traits == variant.groups[1].traits


def test_the_departure_can_be_switched_off_and_takes_one_side_of_every_alliance() -> None:
    scenario = load(available("scenarios")["key_person_leaves"])
    assert scenario.network.mixing == "between"
    assert [event.who for event in scenario.events] == ["losing"]
    assert not scenario.with_settings({"events.departure.enabled": False}).events[0].enabled


def test_joint_sessions_are_above_relapse() -> None:
    scenario = load(available("scenarios")["joint_values"])
    effort = scenario.groups[0].traits.session_effort
    assert isinstance(effort, Constant)
    assert effort.value > scenario.parameters.relapse


# ---------------------------------------------------------------------------------------------------------------
# Vetting against no vetting
# ---------------------------------------------------------------------------------------------------------------
@cache
def market(name: str) -> Result:
    """Thirty markets of a vetting scenario."""
    return simulate(load(available("scenarios")[name]), 30, seed=1)


def of_the_genuine(name: str, outcome: str) -> pd.Series:
    """Mean of an outcome over the alliances that have a genuine organization in them, for each replicate."""
    result = market(name)
    genuine = result.scenario.rows("genuine")
    table = result.alliances_table()
    concerned = table["a"].sub(1).isin(genuine) | table["b"].sub(1).isin(genuine)
    return table[concerned].groupby("replicate")[outcome].mean()


def test_vetting_and_no_vetting_differ_in_the_vetting_of_one_group_only() -> None:
    vetting, without = (load(available("scenarios")[name]) for name in ("vetting", "no_vetting"))
    assert without.network.market
    assert vetting.with_settings({"genuine.vetting": 0}).plain()["groups"] == without.plain()["groups"]
    assert (vetting.parameters, vetting.network, vetting.sizes, vetting.months) == (
        without.parameters,
        without.network,
        without.sizes,
        without.months,
    )


@pytest.mark.parametrize(("outcome", "way"), [("gap", -1), ("blamed", -1), ("trust", 1)])
def test_vetting_gets_the_genuine_better_alliances(outcome: str, way: int) -> None:
    """The whole 95% interval of the paired difference lies on the expected side."""
    difference = of_the_genuine("vetting", outcome) - of_the_genuine("no_vetting", outcome)
    found = mean_of(difference)
    assert found.n == 30
    assert way * found.low > 0.0
    assert way * found.high > 0.0


def test_vetting_leaves_the_genuine_fewer_alliances_and_more_of_them_with_one_another() -> None:
    """Who says no to most waits longer; whom it says yes to says yes as well."""
    tables = {name: market(name).organizations_table() for name in ("vetting", "no_vetting")}
    months = {
        name: table[table["group"] == "genuine"].groupby("replicate")["alliance_months"].mean()
        for name, table in tables.items()
    }
    high = mean_of(months["vetting"] - months["no_vetting"]).high
    assert high < 0.0
    between = {name: genuine_with_genuine(market(name)) for name in tables}
    low = mean_of(between["vetting"] - between["no_vetting"]).low
    assert low > 0.0


def genuine_with_genuine(result: Result) -> pd.Series:
    """For each replicate, the share of alliances that join two of the genuine."""
    genuine = result.scenario.rows("genuine")
    table = result.alliances_table()
    both = table["a"].sub(1).isin(genuine) & table["b"].sub(1).isin(genuine)
    return both.groupby(table["replicate"]).mean()


def test_only_who_vets_asks_questions() -> None:
    table = market("vetting").organizations_table()
    asked = table.groupby("group", observed=True)["questions"].sum()
    assert asked["others"] == 0
    assert asked["genuine"] > 0


# ---------------------------------------------------------------------------------------------------------------
# The template
# ---------------------------------------------------------------------------------------------------------------
def uncommented() -> dict[str, Any]:
    """The template with every example taken out of its comment: "#" without a space after it."""
    lines = TEMPLATE.read_text(encoding="utf-8").splitlines()
    return tomllib.loads("\n".join(re.sub(r"^#(?=[\w\[])", "", line) for line in lines))


def test_the_template_as_it_stands_is_the_baseline() -> None:
    assert set(tomllib.loads(TEMPLATE.read_text(encoding="utf-8"))) == set(TEXTS)


def test_the_template_with_all_its_examples_is_valid_too() -> None:
    simulate(Scenario.from_plain(uncommented()), 1, seed=1)


def test_the_template_shows_every_kind_of_event_and_every_number_of_each() -> None:
    shown = {event["kind"]: event for event in uncommented()["events"]}
    assert set(shown) == set(EVENT_KINDS)
    for kind, numbers in EVENT_KINDS.items():
        assert set(numbers) - set(shown[kind]) <= {"by"}, kind


def test_the_template_names_every_way_of_mixing() -> None:
    text = TEMPLATE.read_text(encoding="utf-8")
    assert all(f'"{mixing}"' in text for mixing in MIXING)
