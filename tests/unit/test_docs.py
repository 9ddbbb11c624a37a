"""The documentation says what the code does: tables are current, equations are named, links lead somewhere."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

from sim.dynamics import rules

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "results" / "README.md"])


def tables_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_tables", ROOT / "docs" / "make_tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["parameters", "outcomes"])
def test_generated_tables_are_current(page: str) -> None:
    written = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert written == getattr(tables_script(), page)(), "run: python docs/make_tables.py"


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
