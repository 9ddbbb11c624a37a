"""The scenarios that come with the program: each loads, says what it is about, and holds overrides only."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from sim.distributions import parse
from sim.engine import simulate
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
    "culture_clash",
    "hard_conversations",
    "life_science_alliance",
    "overpromise",
    "small_practice_partners",
    "trust_but_verify",
    "underinvestment",
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
OTHER_WORLDS = {"aol_time_warner", "small_practice_partners"}
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
