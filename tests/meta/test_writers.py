"""Whatever leaves the program goes through ``sim.text``: who writes what, and nobody else."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.study.plots.frame import STYLE

ROOT = Path(__file__).resolve().parents[2]
SIM = ROOT / "sim"
MODULES = sorted(path for path in SIM.rglob("*.py"))

OUT = "sim/commands/output.py"
"""The one place that prints; its functions take text as it is."""
TOOLS = ("sim/study/benefits.py", "sim/study/patterns/page.py")
"""Fill written pages of the documentation with numbers, for developers; no text of anybody else is in them."""
OF_DIGESTS = {
    "sim/sweeps/design.py", "sim/sweeps/levels.py", "sim/sweeps/plan.py", "sim/sweeps/manifest.py",
    "sim/sweeps/checks.py", "sim/study/effects.py", "sim/commands/run.py", "sim/commands/theory.py",
}  # fmt: skip
"""JSON that is compared or hashed and never read by people."""

WRITERS: dict[str, set[str]] = {
    # the terminal
    "print": {OUT, *TOOLS},
    "echo": {OUT},
    "secho": set(),
    "Console": {OUT},
    "Text": {OUT, "sim/study/plots/frame.py"},  # rich's, and Matplotlib's, which is looked for in figures
    "from_markup": set(),
    "add_row": {OUT},
    "add_column": {OUT},
    "print_exception": set(),
    # figures
    "savefig": set(),
    "print_png": {"sim/study/plots/frame.py"},
    "print_svg": {"sim/study/plots/frame.py"},
    # data
    "to_csv": {"sim/text.py"},
    "to_json": set(),
    "to_html": set(),
    "to_markdown": set(),
    "to_string": set(),
    "dumps": {"sim/text.py", "sim/sweeps/shards.py", *OF_DIGESTS},
    # files
    "write_text": {*TOOLS},
    "write_bytes": {"sim/sweeps/recipe.py"},
    "write_file": {
        "sim/sweeps/files.py", "sim/sweeps/store.py", "sim/study/page/__init__.py", "sim/study/plots/frame.py",
        "sim/study/export.py", "sim/commands/analyse.py", "sim/commands/run.py", OUT,
    },
}  # fmt: skip
"""Functions that let text out, and the modules that may call them."""

THROUGH: dict[str, set[str]] = {
    OUT: {"visible", "csv", "json", "toml"},
    "sim/tomlfile.py": {"visible"},
    "sim/sweeps/store.py": {"json"},
    "sim/sweeps/journal.py": {"json"},
    "sim/study/page/markup.py": {"html"},
    "sim/sweeps/recipe.py": {"toml"},
    "sim/study/plots/frame.py": {"visible"},
    "sim/study/report.py": {"markdown", "code_block"},
    "sim/study/attribution.py": {"markdown"},
    "sim/study/story/telling.py": {"markdown"},
    "sim/commands/analyse.py": {"markdown", "code"},
    "sim/study/export.py": {"csv", "json"},
    "sim/study/crate.py": {"json"},
    "sim/commands/options.py": {"visible"},
}
"""The writers, and what of ``sim.text`` each of them uses."""


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def called(tree: ast.AST) -> Iterator[str]:
    """The last names of all that is called, ``echo`` of ``click.echo``; what is handed on is used as well."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            functions = [node.func, *node.args]
            for function in functions:
                if isinstance(function, ast.Attribute):
                    yield function.attr
                elif isinstance(function, ast.Name):
                    yield function.id


CALLS: dict[str, set[str]] = defaultdict(set)
for _path in MODULES:
    for _name in called(tree_of(_path)):
        CALLS[_name].add(relative(_path))


@pytest.mark.parametrize("name", WRITERS)
def test_only_the_listed_modules_let_text_out(name: str) -> None:
    assert CALLS[name] == WRITERS[name]


@pytest.mark.parametrize("path", THROUGH)
def test_each_writer_uses_the_one_place(path: str) -> None:
    assert THROUGH[path] <= set(called(tree_of(ROOT / path)))


def test_streams_are_written_by_click_alone() -> None:
    """``sys.stdout`` may be asked whether it is a terminal, and be flushed; nothing is written to it directly.

    The core alone says on ``sys.stderr`` that it is being compiled, in words of its own.
    """
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Attribute) and node.attr in ("write", "writelines"):
                own = ("sys.stderr.write",) if relative(path) == "sim/dynamics/compiled.py" else ()
                assert ast.unparse(node) in ("file.write", "os.write", "trial.write", *own), relative(path)


def importing(package: str) -> set[str]:
    """The modules that import a package or something from it."""
    found = set()
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            found |= {relative(path) for name in names if name.split(".")[0] == package}
    return found


def test_rich_is_known_in_one_module() -> None:
    assert importing("rich") == {OUT}


def test_nobody_has_an_escaping_of_his_own() -> None:
    assert importing("html") == importing("xml") == importing("markupsafe") == set()


@pytest.mark.parametrize(
    ("marker", "allowed"),
    [
        ("Html", {"sim/study/page/markup.py", "sim/study/page/__init__.py"}),
        ("Markdown", {"sim/text.py", "sim/study/report.py"}),
    ],
)
def test_text_is_called_markup_only_where_markup_is_made(marker: str, allowed: set[str]) -> None:
    """``Html(x)`` and ``Markdown(x)`` say that x is escaped: only of constants, outside the makers."""
    calling = {
        relative(path)
        for path in MODULES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == marker
        and not all(isinstance(argument, ast.Constant) for argument in node.args)
    }
    assert calling <= allowed


def test_a_dollar_in_a_figure_is_no_formula() -> None:
    assert STYLE["text.parse_math"] is False
    assert not STYLE.get("text.usetex", False)
