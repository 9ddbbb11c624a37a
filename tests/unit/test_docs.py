"""The documentation says what the code does: tables are current, equations are named, links lead somewhere."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from sim.analysis import theory
from sim.dynamics import draws, rules, state
from sim.dynamics.outcomes import OUTCOMES
from sim.parameters import SCALAR_TRAITS, VECTOR_TRAITS
from validation import benefits, pages

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "results" / "README.md"])


def tables_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_tables", ROOT / "docs" / "make_tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TABLES = tables_script()
STALE = "run: python docs/make_tables.py"
ALL_TESTS = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests").rglob("test_*.py")))


def written(page: str) -> str:
    return (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", TABLES.WHOLE)
def test_generated_pages_are_current(page: str) -> None:
    assert written(page) == TABLES.WHOLE[page](), STALE


@pytest.mark.parametrize("page", TABLES.BLOCKS)
def test_generated_tables_are_current(page: str) -> None:
    assert written(page) == TABLES.filled(page), STALE


@pytest.mark.parametrize("page", TABLES.BLOCKS)
def test_every_mark_of_a_page_is_known(page: str) -> None:
    measured = {benefits.MEASURED, benefits.MEASURED_PATHS} if page == "benefits" else set()
    assert set(pages.names(written(page))) == set(TABLES.BLOCKS[page]) | measured


def test_the_measured_benefits_are_those_that_are_declared() -> None:
    """The numbers are filled in by hand of ``python -m validation.benefits``; the rows must be today's."""
    rows = re.findall(r"^\| ([^|]+) \| `(\w+)` \| [^|]+ \| [^|]+ \|$", written("benefits"), re.MULTILINE)
    assert rows == [(benefit.name, benefit.outcome) for benefit in benefits.ALL]


def test_odd_has_its_seven_elements_and_eleven_design_concepts_in_order() -> None:
    page = written("odd")
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == [
        "1 Purpose and patterns",
        "2 Entities, state variables and scales",
        "3 Process overview and scheduling",
        "4 Design concepts",
        "5 Initialization",
        "6 Input data",
        "7 Submodels",
    ]
    concepts = page[page.index("## 4") : page.index("## 5")]
    assert re.findall(r"^\*\*([A-Z]\w+(?: \w+)?)\.\*\*", concepts, re.MULTILINE) == [
        "Basic principles",
        "Emergence",
        "Adaptation",
        "Objectives",
        "Learning",
        "Prediction",
        "Sensing",
        "Interaction",
        "Stochasticity",
        "Collectives",
        "Observation",
    ]


@pytest.mark.parametrize("name", ["ORGANIZATION", "ALLIANCE"])
def test_every_state_variable_is_in_its_table(name: str) -> None:
    """The tables are read off the text of ``state.py``; nothing of the record may slip through."""
    shown = [field for _, field, *_ in TABLES.fields_of(name)]
    traits = {*SCALAR_TRAITS, *VECTOR_TRAITS} if name == "ORGANIZATION" else set()
    assert shown == [field for field in getattr(state, name).names if field not in traits]


@pytest.mark.parametrize("name", ["ORGANIZATION", "ALLIANCE"])
def test_the_kinds_and_sizes_of_the_table_are_those_of_the_record(name: str) -> None:
    record = getattr(state, name)
    sizes = {"traits": len(SCALAR_TRAITS)}
    for _, field, kind, size, _ in TABLES.fields_of(name):
        dtype = record[field]
        assert {"number": "f", "whole number": "i"}[kind] == dtype.base.kind, field
        assert (sizes[size] if size in sizes else int(size)) == int(np.prod(dtype.shape, initial=1)), field


def test_every_equation_is_used_in_a_month_and_shown_with_its_process() -> None:
    """So that the schedule on the page is the whole of it: no rule runs outside the processes that it lists."""
    shown = {rule for _, process in TABLES.schedule() for rule in TABLES.equations_of(process)}
    helpers = {"logistic", "mutual_trust"}
    used = set(re.findall(r"rules\.(\w+)\(", "".join(map(inspect.getsource, TABLES.CORE))))
    assert used - shown - helpers == set()


def test_every_cause_of_the_ledger_is_on_the_model_page() -> None:
    page = written("model")
    learn = page[page.index("### 5 Learn") : page.index("### 6 Relate")]
    shown = re.findall(r"^\| (\w[\w ]*) \|", learn, re.MULTILINE)
    assert shown == ["cause", *(cause.replace("_", " ") for cause in state.CAUSES)]


def test_every_block_of_draws_is_in_its_table() -> None:
    numbers = {name for name, value in vars(draws).items() if name.isupper() and isinstance(value, int)} - {"NOBODY"}
    assert {name for name in numbers if not name.startswith("_")} == {
        line.split("`")[1] for line in TABLES.blocks_of_draws() if "`" in line
    }


def test_every_test_that_a_page_names_exists() -> None:
    text = written("verification") + written("benefits") + written("odd")
    named = set(re.findall(r"`(test_\w+)`", text))
    assert len(named) > 15
    assert sorted(name for name in named if f"def {name}(" not in ALL_TESTS) == []


def test_the_page_names_all_that_the_mean_field_limit_switches_off() -> None:
    page = written("model")
    limit = page[page.index("**Mean-field limit.**") : page.index("Closed forms (")]
    switched_off = theory.mean_field_scenario(theory.MeanField(friction=0.4), 0.9, dyads=1).written
    off = [name for name, value in switched_off["parameters"].items() if value in (0.0, 1.0)]
    assert len(off) > 15
    assert [name for name in off if f"`{name}`" not in limit] == []


def test_every_outcome_that_is_called_a_benefit_is_on_the_page() -> None:
    """The words of seed K stand at the head of an outcome's meaning; the page must have each."""
    for benefit in benefits.BENEFITS:
        assert OUTCOMES[benefit.outcome].meaning.startswith(f"{benefit.name}:")


def test_every_equation_is_named_on_the_model_page() -> None:
    page = (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    helpers = {"logistic", "within"}
    equations = {
        name
        for name, item in vars(rules).items()
        if not name.startswith("_") and callable(item) and inspect.getmodule(getattr(item, "py_func", item)) is rules
    }
    assert len(equations) > 30
    assert sorted(name for name in equations - helpers if f"`{name}`" not in page) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    broken = [t for t in targets if "://" not in t and not t.startswith("mailto:") and not (page.parent / t).exists()]
    assert broken == []
