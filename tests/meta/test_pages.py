"""What a newcomer reads can be typed: commands, Python, names and links of the pages, examples of every help."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from sim.analysis.vetting import NUMBERS, QUESTIONS
from sim.cli import alliance
from sim.parameters import Parameters, Traits

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md")), ROOT / "results" / "README.md"]
SETTINGS = {*Parameters.model_fields, *Traits.model_fields}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, *languages: str) -> list[str]:
    """The fenced blocks of a page in one of these languages."""
    return re.findall(rf"^```(?:{'|'.join(languages)})\n(.*?)^```", text_of(page), re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[list[str]]:
    """The arguments of every ``alliance`` command in a page's shell blocks, without comments and what is printed."""
    console = "".join(blocks(page, "console")).replace("\\\n", " ")
    lines = blocks(page, "sh") + re.findall(r"^\$ (.*)", console, re.MULTILINE)
    typed = re.findall(r"^alliance .*", "\n".join(lines), re.MULTILINE)
    return [words[1:] for words in (shlex.split(line.split(" > ")[0], comments=True) for line in typed)]


# ---------------------------------------------------------------------------------------------------------------
# Commands
# ---------------------------------------------------------------------------------------------------------------
def accepts(words: list[str]) -> None:
    """Let the parser of the command read the words, as it would before the command runs.

    Raises:
        click.UsageError: when there is no such command, option or number of arguments.
    """
    command: click.Command = alliance
    context = click.Context(alliance, info_name="alliance")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        if found is None:
            raise click.UsageError(f"no command {words[0]!r}")
        command, words = found, words[1:]
        context = click.Context(command, parent=context, info_name=command.name)
    _, left, _ = command.make_parser(context).parse_args(list(words))
    if left:
        raise click.UsageError(f"left over: {left}")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_of_a_page_is_understood(page: Path) -> None:
    for words in commands(page):
        accepts(words)


def every_command(group: click.Group, *before: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Path and command of everything below a group."""
    for name, command in group.commands.items():
        yield (*before, name), command
        if isinstance(command, click.Group):
            yield from every_command(command, *before, name)


def test_every_example_of_a_help_is_understood() -> None:
    examples = 0
    for _, command in every_command(alliance):
        for line in re.findall(r"^ {2}(alliance .*)", command.epilog or "", re.MULTILINE):
            accepts(shlex.split(re.split(r" > | {2,}", line)[0])[1:])
            examples += 1
    assert examples > 30


@pytest.mark.parametrize("wrong", ["alliance swep demo", "alliance run baseline --sed 1", "alliance run baseline x"])
def test_a_command_that_does_not_exist_is_noticed(wrong: str) -> None:
    with pytest.raises(click.UsageError):
        accepts(wrong.split()[1:])


CHEAPER = {
    "compare": ("--replicates", "2", "--no-figures"),
    "sweep": ("--replicates", "2", "--no-figures"),
    "resume": ("--no-figures",),
    "theory": ("--no-simulation",),
}
"""What is added to a command of the README, so that all of them take seconds."""


@pytest.mark.slow
def test_the_commands_of_the_readme_work_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder, after the sweep that ``make demo`` runs: none ends in an error."""
    monkeypatch.chdir(tmp_path)
    for words in [["sweep", "demo"], *commands(README)]:
        folders = sorted(Path("results").glob("*/*/manifest.json"), key=lambda file: file.stat().st_mtime_ns)
        sweeps = [str(file.parent) for file in folders if (file.parent / "journal.jsonl").exists()]
        typed = [sweeps[-1] if word == "RESULT_FOLDER" or word.endswith("…") else word for word in words]
        done = CliRunner().invoke(alliance, [*typed, *CHEAPER.get(words[0], ())], prog_name="alliance")
        assert done.exit_code == 0, f"{' '.join(typed)}: {done.output}"


@pytest.mark.slow
def test_the_counterfactuals_of_the_command_page_have_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An example that takes away what never happened in that history ends in an error."""
    monkeypatch.chdir(tmp_path)
    typed = [
        words for words in commands(ROOT / "docs" / "cli.md") if words[0] == "whatif" and "--replicates" not in words
    ]
    assert len(typed) >= 5
    for words in typed:
        done = CliRunner().invoke(alliance, words, prog_name="alliance")
        assert done.exit_code == 0, f"{' '.join(words)}: {done.output}"


# ---------------------------------------------------------------------------------------------------------------
# Python
# ---------------------------------------------------------------------------------------------------------------
def test_the_python_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    (code,) = blocks(README, "python")
    exec(compile(code.replace("replicates=200", "replicates=2"), str(README), "exec"), {})
    assert "mean" in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_what_the_python_of_a_page_imports_from_us_exists(page: Path) -> None:
    for code in blocks(page, "python"):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sim."):
                module = importlib.import_module(str(node.module))
                assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


# ---------------------------------------------------------------------------------------------------------------
# Names and links
# ---------------------------------------------------------------------------------------------------------------
OURS = re.compile(r"`((?:sim|docs|tests|benchmarks|notebooks|scenarios|experiments)/[\w/.]*)`")
MADE_BY_THE_READER = {"scenarios/my_alliance.toml"}
MODULE = re.compile(r"`(sim(?:\.\w+)+)`")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_of_ours_that_a_page_names_exists(page: Path) -> None:
    names = set(OURS.findall(text_of(page))) - MADE_BY_THE_READER
    assert sorted(name for name in names if not (ROOT / name).exists() and not (ROOT / f"{name}.py").exists()) == []


def exists(dotted: str) -> bool:
    """Whether a dotted name is a module, or something that a module holds."""
    try:
        importlib.import_module(dotted)
    except ModuleNotFoundError:
        owner, _, name = dotted.rpartition(".")
        return bool(owner) and hasattr(importlib.import_module(owner), name)
    return True


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_module_and_function_that_a_page_names_exists(page: Path) -> None:
    assert sorted(name for name in set(MODULE.findall(text_of(page))) if not exists(name)) == []


def test_every_test_that_is_named_exists_and_a_beginning_is_enough() -> None:
    """``durability.md`` names the file and shortens the test with an ellipsis."""
    tests = "\n".join(text_of(path) for path in sorted((ROOT / "tests").rglob("test_*.py")))
    page = text_of(ROOT / "docs" / "durability.md")
    names = re.findall(r"`(test_\w+)(?:…|`)", page)
    assert len(names) > 15
    assert [name for name in names if f"def {name}" not in tests] == []
    files = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    assert set(re.findall(r"`(test_\w+\.py)`", page)) <= files


def anchors(page: Path) -> set[str]:
    """What GitHub lets one jump to: headings in small letters, without punctuation, hyphens for blanks."""
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_to_a_heading_finds_it(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", text_of(page))
    targets = [(page.parent / target if target else page, anchor) for target, anchor in links]
    assert [f"{path}#{anchor}" for path, anchor in targets if anchor not in anchors(path)] == []


# ---------------------------------------------------------------------------------------------------------------
# The equations
# ---------------------------------------------------------------------------------------------------------------
GENERAL = {"toward", "kept", "either", "within", "logistic", "logistic_draw", "watched", "mutual_trust"}
"""Rules that serve several equations: their numbers belong to the equation and not to the rule."""


def is_rule(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "rules"
    )


def settings_in(node: ast.AST) -> Iterator[str]:
    """Parameters (``p.…``) and traits in an expression, in their order; those within another rule are that rule's."""
    if is_rule(node):
        return
    if (
        isinstance(node, ast.Attribute)
        and node.attr in SETTINGS
        and getattr(node.value, "id", "") in {"p", "me", "a", "b"}
    ):
        yield node.attr
    for child in ast.iter_child_nodes(node):
        yield from settings_in(child)


@cache
def numbers_of_rules() -> dict[str, list[str]]:
    """What the core passes to each rule, each name once, in the order of the arguments."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "sim" / "dynamics").glob("*.py")):
        for call in filter(is_rule, ast.walk(ast.parse(text_of(path)))):
            names = found.setdefault(call.func.attr, [])
            for argument in call.args:
                names += [name for name in settings_in(argument) if name not in names]
    return found


def rows_of_equations() -> list[tuple[list[str], list[str]]]:
    """Rules and numbers of each row of the model page's tables of equations."""
    rows = re.findall(
        r"^\| [^|]+ \| [^|]+ \| ([^|]*) \| ([^|]*) \| [^|]* \|$", text_of(ROOT / "docs" / "model.md"), re.M
    )
    cells = [(re.findall(r"`(\w+)`", rules), re.findall(r"`(\w+)`", numbers)) for rules, numbers in rows]
    return [(rules, numbers) for rules, numbers in cells if rules and set(rules) <= {*numbers_of_rules()}]


def test_the_model_page_names_the_numbers_that_the_core_gives_to_each_rule() -> None:
    passed, rows = numbers_of_rules(), rows_of_equations()
    assert len(rows) > 40
    for rules, numbers in rows:
        expected = [name for rule in rules if rule not in GENERAL for name in passed[rule]]
        assert [name for name in expected if name not in numbers] == [], rules
        assert set(numbers) <= SETTINGS, rules


def test_every_parameter_and_trait_is_on_the_model_page() -> None:
    page = text_of(ROOT / "docs" / "model.md")
    in_full = {name for name in SETTINGS if f"`{name}`" in page}
    of_interviews = {f"{question}_{number}" for question in QUESTIONS for number in NUMBERS if f"`{question}`" in page}
    assert sorted(SETTINGS - in_full - of_interviews) == []
