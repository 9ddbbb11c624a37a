"""The house stands as docs/architecture.md draws it: floors, doors, declarations, docstrings, clean text."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from sim.dynamics import rules, state
from sim.dynamics.outcomes import OUTCOMES
from sim.parameters import SCALAR_TRAITS, VECTOR_TRAITS, Basis, Parameters, Traits, meta, parameters_dtype

ROOT = Path(__file__).resolve().parents[2]
SIM = ROOT / "sim"
MODULES = sorted(SIM.rglob("*.py"))

FLOORS = (
    ("loaded",),
    ("text", "distributions", "intervals"),
    ("parameters",),
    ("dynamics",),
    ("tomlfile", "scenario", "conditions", "library", "replaced"),
    ("sides", "engine"),
    ("agents", "sweeps"),
    ("study",),
    ("asking", "notebook"),
    ("cli", "commands"),
)
"""From the ground up. A module may import its own floor and those before it."""
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def part_of(path: Path) -> str:
    """The name under ``sim`` that a file belongs to: ``engine``, ``dynamics`` …; empty for ``sim`` itself."""
    first = path.relative_to(SIM).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(tree: ast.AST, package: tuple[str, ...]) -> Iterator[str]:
    """Dotted names of everything imported anywhere in a file; ``package`` resolves relative imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(name for name in (start, node.module) if name)
            yield from (f"{module}.{alias.name}" for alias in node.names)


def imports_of(path: Path) -> set[str]:
    return set(imported(tree_of(path), path.relative_to(ROOT).parent.parts))


# ---------------------------------------------------------------------------------------------------------------
# Floors and doors
# ---------------------------------------------------------------------------------------------------------------
def test_every_module_has_a_floor():
    assert {part_of(path) for path in MODULES} - {""} <= set(FLOOR_OF)


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_module_imports_only_from_its_floor_and_below(path):
    here = part_of(path)
    ours = {name.split(".")[1] for name in imports_of(path) if name.startswith("sim.")}
    ours &= set(FLOOR_OF)  # what is left is a name defined in sim/__init__.py
    above = {name for name in ours if here and FLOOR_OF[name] > FLOOR_OF[here]}
    assert above == set()


def test_floors_of_siblings_are_kept_apart():
    """The Mesa view and the sweeps share a floor and do not know of each other."""
    for path in MODULES:
        ours = imports_of(path)
        if part_of(path) == "agents":
            assert not [name for name in ours if name.startswith("sim.sweeps")]
        if part_of(path) == "sweeps":
            assert not [name for name in ours if name.startswith("sim.agents")]


def test_only_the_agents_import_mesa():
    having = {relative(path) for path in MODULES if any(name.split(".")[0] == "mesa" for name in imports_of(path))}
    assert having <= {"sim/agents.py"}


CORE_MAY_IMPORT = {"sim", "math", "numpy", "numba", "collections", "dataclasses", "typing", "__future__"}
ALSO = {
    "cache.py": {"contextlib", "hashlib", "logging", "os", "pathlib", "sys", "tempfile"},
    "compiled.py": {"sys", "time"},
}
"""``cache.py`` alone has to do with files, those of machine code; ``compiled.py`` says on stderr that it compiles."""


@pytest.mark.parametrize("path", sorted((SIM / "dynamics").glob("*.py")), ids=relative)
def test_the_core_has_no_files_no_tables_and_no_printing(path):
    allowed = CORE_MAY_IMPORT | ALSO.get(path.name, set())
    assert {name.split(".")[0] for name in imports_of(path)} <= allowed
    called = {
        node.func.id for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call) and hasattr(node.func, "id")
    }
    assert called & {"print", "open", "input", "exec", "eval"} == set()


COMPILED = sorted(p.stem for p in (SIM / "dynamics").glob("*.py") if "sim.dynamics.compiled.compiled" in imports_of(p))
DECORATORS = {"compiled", "entry"}


@pytest.mark.parametrize("name", COMPILED)
def test_every_function_of_the_compiled_core_is_compiled(name):
    functions = [node for node in tree_of(SIM / "dynamics" / f"{name}.py").body if isinstance(node, ast.FunctionDef)]
    plain = [f.name for f in functions if not DECORATORS & {getattr(d, "id", "") for d in f.decorator_list}]
    assert plain == (["check_seed"] if name == "draws" else [])


def test_the_rules_hold_no_state_and_draw_no_numbers():
    assert imports_of(SIM / "dynamics" / "rules.py") == {"math", "sim.dynamics.compiled.compiled"}
    names = [name for name, value in vars(rules).items() if not name.startswith("__") and not callable(value)]
    assert set(names) == {"math"}


def test_the_command_starts_light():
    """``alliance --help`` must feel instant, so nothing heavy is imported before it is needed."""
    heavy = (
        *("numba", "pandas", "matplotlib", "scipy", "mesa", "pyarrow"),
        *("sklearn", "SALib", "dask", "distributed", "xarray"),
    )
    code = f"import sys, sim.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_simulation_needs_no_mesa():
    code = "import sys, sim.engine, sim.sweeps.runner, sim.study.theory; print('mesa' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


INTERVALS = {"stdtrit", "ndtri", "ppf", "isf", "sem", "bootstrap", "percentile", "quantile", "ddof"}
"""What intervals and standard errors are made of: functions, and the argument of a standard deviation of a sample."""
NO_INTERVALS = {
    "sim/distributions.py": {"ndtri"},  # quantile functions of traits
    "sim/study/phase.py": {"ddof"},  # standard deviations over alliances, which are shown as such
    "sim/study/sensitivity.py": {"ddof", "quantile"},  # σ of effects, noise, and how far ranks move
    "sim/study/analysis.py": {"ddof"},  # variances whose ratio is what pairing saved
}
QUANTILES_OF_INTERVALS = {0.975, 0.025, 97.5, 1.96}
NO_QUANTILES = {"sim/study/plots/vetting.py", "sim/study/phase.py"}
"""Where such a number is a place in a picture, or a step."""


def made_of_intervals(tree: ast.AST) -> set[str]:
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    names |= {str(node.arg) for node in ast.walk(tree) if isinstance(node, ast.keyword)}
    return names & INTERVALS


@pytest.mark.parametrize("path", [path for path in MODULES if relative(path) != "sim/intervals.py"], ids=relative)
def test_intervals_come_from_one_module(path):
    assert made_of_intervals(tree_of(path)) <= NO_INTERVALS.get(relative(path), set())
    numbers = {node.value for node in ast.walk(tree_of(path)) if isinstance(node, ast.Constant)}
    own = {value for value in numbers if isinstance(value, float)} & QUANTILES_OF_INTERVALS
    assert not own or relative(path) in NO_QUANTILES, own


def test_what_intervals_are_made_of_is_found():
    assert made_of_intervals(tree_of(SIM / "intervals.py")) >= {"stdtrit", "ndtri", "bootstrap", "percentile"}
    for code in ("scipy.stats.t.ppf(q, 3)", "np.quantile(x, [0.1])", "x.std(ddof=1)", "from a import ndtri"):
        assert made_of_intervals(ast.parse(code)), code


# ---------------------------------------------------------------------------------------------------------------
# Declarations
# ---------------------------------------------------------------------------------------------------------------
def test_the_columns_of_an_organization_are_its_traits():
    fields = state.ORGANIZATION.fields
    assert [name for name in fields if name in Traits.model_fields] == [*SCALAR_TRAITS, *VECTOR_TRAITS]
    assert set(SCALAR_TRAITS) | set(VECTOR_TRAITS) == set(Traits.model_fields)
    assert list(state.TRAIT_NUMBER) == list(SCALAR_TRAITS)
    one = np.zeros(1, state.ORGANIZATION)
    for k, name in enumerate(SCALAR_TRAITS):
        one[name], one["wished"][0, k] = k + 1, -k - 1
        about = meta(Traits.model_fields[name])
        assert (state.TRAIT_LOWS[k], state.TRAIT_HIGHS[k]) == (about["low"], about["high"])
    columns, count = one.view(np.float64), len(SCALAR_TRAITS)
    assert list(columns[state.FIRST_TRAIT : state.FIRST_TRAIT + count]) == list(range(1, count + 1))
    assert list(columns[state.FIRST_WISHED : state.FIRST_WISHED + count]) == list(range(-1, -count - 1, -1))


def test_every_field_of_the_records_is_eight_bytes_wide():
    """So that a trait can be addressed by its column and no padding makes equal states differ."""
    for record in (state.ORGANIZATION, state.ALLIANCE, state.EVENT):
        assert {record[name].base.itemsize for name in record.names} == {8}
        assert sum(record[name].itemsize for name in record.names) == record.itemsize


def test_the_parameters_record_holds_what_was_declared():
    assert parameters_dtype().names == tuple(Parameters.model_fields)
    record = Parameters().record()
    for name, field in Parameters.model_fields.items():
        assert record[name] == field.default


@pytest.mark.parametrize("model", [Parameters, Traits])
def test_every_declaration_has_bounds_unit_meaning_basis_and_source(model):
    for name, field in model.model_fields.items():
        about = meta(field)
        plausible = {"plausible_low", "plausible_high"}
        assert set(about) - plausible == {"unit", "basis", "source", "low", "high"}, name
        assert about["low"] < about["high"], name
        assert plausible <= set(about) or not plausible & set(about), name
        if plausible <= set(about):
            assert about["low"] <= about["plausible_low"] < about["plausible_high"] <= about["high"], name
        assert about["basis"] in get_args(Basis), name
        for text in (about["unit"], about["source"], field.description):
            assert text, name
            assert text.strip() == text, name
        if model is Parameters:
            assert about["low"] <= field.default <= about["high"], name


def test_constants_among_the_traits_are_within_bounds():
    for name, field in Traits.model_fields.items():
        about, drawn = meta(field), field.default.draw(np.full(99, 0.5), np.linspace(0.01, 0.99, 99))
        assert np.clip(drawn, about["low"], about["high"]).std() >= 0.0
        assert about["low"] <= np.median(drawn) <= about["high"], name


UNITS = {"money", "money/month", "month", "share", "share of the plan", "tightness", "trust"}


@pytest.mark.parametrize("name", OUTCOMES)
def test_every_outcome_has_a_unit_a_meaning_and_a_direction(name):
    outcome = OUTCOMES[name]
    assert outcome.name == name == outcome.formula.__name__
    assert outcome.unit in UNITS
    assert len(outcome.meaning) > 10
    assert outcome.better in (-1, 0, 1)


def test_no_two_outcomes_mean_the_same():
    assert len({outcome.meaning for outcome in OUTCOMES.values()}) == len(OUTCOMES)


def test_names_and_codes_match():
    assert len(state.CAUSES) == state.N_CAUSES == state.BY_TIES + 1 == len(set(state.CAUSES))
    for k, cause in enumerate(state.CAUSES):
        assert getattr(state, f"BY_{cause.upper()}") == k
    assert state.PROBLEMS[state.SHIRKING] == "shirking"
    assert state.TALKS[state.HARD_TALK] == "hard talk"
    assert state.CAUSES_OF_ENDING[state.EXOGENOUS] == "strategic change"
    assert state.LAYERS[state.EFFECTIVE] == "effective"
    assert len(state.LEAVERS) == 4
    for k, kept in enumerate(state.WITHOUT):
        assert getattr(state, f"NO_{kept.upper()}") == 1 << k
    assert len(state.VARIABLES) == len(state.LOWS) == len(state.HIGHS)
    assert (state.LOWS < state.HIGHS).all()


# ---------------------------------------------------------------------------------------------------------------
# Docstrings
# ---------------------------------------------------------------------------------------------------------------
def public_definitions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Classes, functions and methods whose names do not begin with an underscore, at any depth of classes."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield f"{prefix}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node.body, f"{prefix}{node.name}.")


def is_outcome(node: ast.AST) -> bool:
    """A measured output says what it means in its decorator, which registers it."""
    decorators = getattr(node, "decorator_list", [])
    return any(isinstance(d, ast.Call) and getattr(d.func, "id", "") == "outcome" for d in decorators)


def inherits_its_docstring(path: Path, name: str) -> bool:
    """A method whose base class documents it, as ``Beta.draw`` does from ``Distribution.draw``."""
    owner, _, method = name.rpartition(".")
    if not owner:
        return False
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return bool(inspect.getdoc(getattr(getattr(module, owner), method)))


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_everything_public_has_a_docstring(path):
    tree = tree_of(path)
    without = [
        name
        for name, node in public_definitions(tree.body)
        if not ast.get_docstring(node) and not is_outcome(node) and not inherits_its_docstring(path, name)
    ]
    if tree.body and not ast.get_docstring(tree):
        without.append("(the module)")
    assert without == []


def test_every_rule_is_described_in_whole_sentences():
    for node in tree_of(SIM / "dynamics" / "rules.py").body:
        if isinstance(node, ast.FunctionDef):
            said = ast.get_docstring(node) or ""
            assert len(said) > 20, node.name
            assert said.rstrip().endswith((".", ")", '"')), node.name


# ---------------------------------------------------------------------------------------------------------------
# Clean text
# ---------------------------------------------------------------------------------------------------------------
TEXT = {".py", ".md", ".toml", ".txt", ".cff", ".json", ".yml", ".yaml", ".cfg", ".ipynb", ".html", ".js", ".css", ""}
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|tmp|root|home|Users)/\w|[A-Z]:\\\\?Users")


def tracked_files() -> list[Path]:
    """Files that git tracks or would; every file outside hidden folders when this is no working copy."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        paths = [ROOT / line for line in listed.stdout.splitlines()]
    else:
        paths = [p for p in ROOT.rglob("*") if not any(part.startswith(".") for part in p.relative_to(ROOT).parts)]
    return [path for path in paths if path.is_file() and path.suffix in TEXT]


def test_no_tracked_text_holds_a_path_of_somebody_s_machine():
    found = []
    for path in tracked_files():
        text = path.read_text(encoding="utf-8", errors="replace")  # some test files are broken on purpose
        for number, line in enumerate(text.splitlines(), start=1):
            if MACHINE_PATH.search(line):
                found.append(f"{relative(path)}:{number}: {line.strip()[:80]}")
    assert found == []


def test_the_pattern_finds_machine_paths_and_spares_others():
    slash = "/"
    for bad in (f"see {slash}tmp{slash}x", f'"{slash}home{slash}me{slash}file"', f"{slash}root{slash}a"):
        assert MACHINE_PATH.search(bad)
    for folder in ("home", "tmp", "work"):
        assert not MACHINE_PATH.search(f"results{slash}{folder}{slash}x")
    for good in (f"https://example.org{slash}home{slash}me", "and/or"):
        assert not MACHINE_PATH.search(good)


def test_nothing_is_left_to_do():
    """No stub and no note to oneself in the package."""
    words = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")
    found = [
        f"{relative(path)}:{number}"
        for path in MODULES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if words.search(line)
    ]
    assert found == []
