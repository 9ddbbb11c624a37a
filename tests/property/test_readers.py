"""Whatever a reader is given, it says in a few lines what is wrong, or goes on; soon, and never "this is a bug".

Readers are fed sound input with something wrong in it: options, files of scenarios and experiments, the manifest,
journal, shards and tables of a result, and the environment. Each case has a number, which is its seed: ``pytest -k`` is
not needed to see one again, ``READERS_FIRST=1234 READERS_CASES=1`` runs just that one of each reader.

An ordinary run looks at some hundred cases. All of them, 5,000 over all readers (some twenty minutes)::

    READERS_CASES=5000 python -m pytest -n 2 tests/property/test_readers.py
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import shutil
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from sim.cli import alliance
from sim.commands.codes import BAD_FILE, FINE, SOME_FAILED
from sim.sweeps.design import load_experiment
from sim.sweeps.manifest import description_digest
from sim.sweeps.runner import Interrupted, run_experiment

CASES = int(os.environ.get("READERS_CASES", "250"))
"""Over all readers together."""
FIRST = int(os.environ.get("READERS_FIRST", "0"))
MOST_SECONDS, MOST_LINES, MOST_TEXT = 60.0, 45, 30_000
"""Of processor time, and of what is said about mistakes: usage and help come on top of twenty lines."""
ROOT = Path(__file__).parents[2]
USAGE = 2
SOUND = (FINE, USAGE, BAD_FILE, SOME_FAILED)
"""Exit codes that a malformed input may have; fine where what was changed does no harm."""

SCENARIO = """title = "Small"
question = "Does it read?"
source = "the tests"
expected = "It does."
months = 6
organizations = 6

[network]
partners = 2
mixing = "any"

[parameters]
trust_gain = 0.05
trust_steepness = 2.0

[traits]
openness = {normal = [0.5, 0.1]}
blame = {mixture = [[0.5, 0.2], [0.5, {beta = [2.0, 3.0]}]]}

[[groups]]
name = "careful"
share = 0.5
traits = {integrity = 0.9}

[[groups]]
name = "bold"
share = 0.5

[[events]]
name = "crash"
month = 3
kind = "crash"
depth = 0.4

[[events]]
name = "late"
month = 4
kind = "breach"
who = "bold"
severity = 0.5
"""
EXPERIMENT = """title = "Small"
question = "Does it read?"
expected = "It does."
scenarios = ["small.toml"]
replicates = 4
seed = 3
outcomes = ["value", "trust"]

[constants]
months = 6
"events.crash.enabled" = true

[levers]
relational_investment = [0.3, 1.0]

[uncertainties]
trust_gain = [0.02, {label = "fast", value = 0.08}]
"""
SAMPLED = EXPERIMENT.replace(
    "[levers]", '[design]\nkind = "latin_hypercube"\npoints = 3\nseed = 2\n\n[levers]'
).replace("trust_gain = [0.02, ", "blame = {low = 0.1, high = 0.4}\ntrust_gain = [0.02, ")
ODD_TOML = (
    "0",
    "-1",
    "1",
    "1e308",
    "-1e308",
    "1e999",
    "nan",
    "inf",
    "-inf",
    "9223372036854775807",
    "9223372036854775808",
    "1" * 5000,
    "0x" + "f" * 40,
    "1979-05-27",
    "07:32:00",
    "1979-05-27T07:32:00Z",
    "true",
    '""',
    '"x"',
    '" "',
    '"' + "x" * 20_000 + '"',
    "[]",
    "{}",
    "[[]]",
    "[0, [1, [2]]]",
    '["a", 1]',
    "{normal = [0.5]}",
    "{a = {b = {c = 1}}}",
    "[" * 60 + "]" * 60,
    "{a = " * 40 + "1" + "}" * 40,
    '"\\u0000"',
    '"\\u202e"',
    '"\\u001b[2J"',
    '"80%"',
    "0.1.2",
    "'''",
    "[" + "1, " * 30_000 + "1]",
    "1000000",
    "2400",
    "{low = 0, high = 1}",
    '{label = "a", value = 1}',
    '"declared"',
    '"everyone"',
    "1.5",
    "-0.0",
    "5e-324",
)
ODD_JSON: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    10**6,
    2**63,
    10**30,
    -1e308,
    1e308,
    0.5,
    "",
    "x",
    "x" * 5000,
    "\x00",
    "\x1b[2J",
    "../..",
    [],
    {},
    [None],
    [[]],
    {"a": 1},
    {"": {}},
    [1, 2],
    "1979-05-27",
    "9999-12-31T23:59:59+00:00",
    "0" * 64,
    "NaN",
    math.nan,
    math.inf,
)
ODD_BYTES = (
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\r",
    b"\n",
    b"\x1b[2J",
    b"\x7f",
    b"\xc3",
    b"\xe2\x80\xae",
    b'"',
    b"[",
    b"]",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a scenario, an experiment, and results of it: complete, with single alliances, interrupted."""
    folder = tmp_path_factory.mktemp("readers")
    (folder / "small.toml").write_text(SCENARIO, encoding="utf-8")
    (folder / "trial.toml").write_text(EXPERIMENT, encoding="utf-8")
    experiment = load_experiment(folder / "trial.toml")
    for name, kept in (("complete", False), ("alliances", True)):
        run_experiment(experiment, folder / "made", jobs=1, keep_alliances=kept).rename(folder / name)

    def stop(progress: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as stopped:
        run_experiment(experiment, folder / "made", jobs=1, on_progress=stop)
    stopped.value.folder.rename(folder / "half")
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


# ---------------------------------------------------------------------------------------------------------------
# What must hold
# ---------------------------------------------------------------------------------------------------------------
def check(args: list[str], what: str) -> None:
    """Run a command and look at how it ends."""
    begun = time.process_time()
    done = CliRunner().invoke(alliance, args, prog_name="alliance")
    took = time.process_time() - begun
    said = done.stderr
    about = f"{what}: alliance {' '.join(args)[:300]}\nexit {done.exit_code}, {took:.1f} s\n{said[-1500:]}"
    assert done.exit_code in SOUND, about
    look_at(said, about)
    assert took < MOST_SECONDS, about
    if done.exit_code in (USAGE, BAD_FILE):
        assert said.strip() or done.stdout.strip(), about


def look_at(said: str, about: str) -> None:
    """Nothing but a few lines for people."""
    assert "this is a bug" not in said, about
    assert "Traceback" not in said, about
    assert len(said.splitlines()) <= MOST_LINES, about
    assert len(said) <= MOST_TEXT, about


def numbers(share: float) -> list[int]:
    """The numbers of the cases of a reader that gets this share of all."""
    return list(range(FIRST, FIRST + max(1, round(CASES * share))))


def run_cases(name: str, share: float, case: Callable[[random.Random], list[str]]) -> None:
    """Every case of a reader; all that fail are told together."""
    failed = []
    for number in numbers(share):
        chance = random.Random(f"{name} {number}")
        try:
            check(case(chance), f"{name} {number}")
        except AssertionError as error:
            failed.append(str(error))
    assert not failed, f"{len(failed)} failed\n\n" + "\n\n".join(failed[:12])


# ---------------------------------------------------------------------------------------------------------------
# Files of scenarios and experiments
# ---------------------------------------------------------------------------------------------------------------
def mutated_text(chance: random.Random, text: str) -> bytes:
    """A TOML text with one to three things wrong."""
    content = text.encode()
    for _ in range(chance.randint(1, 3)):
        content = chance.choice(TEXT_MUTATIONS)(chance, content)
    return content


def other_value(chance: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    places = [k for k, line in enumerate(lines) if b"=" in line]
    if places:
        k = chance.choice(places)
        lines[k] = lines[k].partition(b"=")[0] + b"= " + chance.choice(ODD_TOML).encode()
    return b"\n".join(lines)


def other_key(chance: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    k = chance.randrange(len(lines))
    name = chance.choice(
        ["x", '""', "a.b.c", ".".join("a" * 3000), '"a.b"', "k" * 5000, "trust_gian", "__class__", '"\\u0000"']
    )
    lines[k] = f"{name} = {chance.choice(ODD_TOML)}".encode()
    return b"\n".join(lines)


def twice(chance: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    k = chance.randrange(len(lines))
    return b"\n".join([*lines[:k], lines[k], *lines[k:]])


def without(chance: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    del lines[chance.randrange(len(lines))]
    return b"\n".join(lines)


def cut(chance: random.Random, content: bytes) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def flipped(chance: random.Random, content: bytes) -> bytes:
    at = bytearray(content or b"\0")
    for _ in range(chance.randint(1, 8)):
        at[chance.randrange(len(at))] ^= 1 << chance.randrange(8)
    return bytes(at)


def sprinkled(chance: random.Random, content: bytes) -> bytes:
    k = chance.randrange(len(content) + 1)
    return content[:k] + chance.choice(ODD_BYTES) * chance.choice((1, 1, 1, 50)) + content[k:]


def much(chance: random.Random, content: bytes) -> bytes:
    """Very many of something."""
    count = chance.choice((30, 300, 3000))
    one: Callable[[int], str] = chance.choice(
        [
            lambda k: f"unknown_{k} = 1",
            lambda k: f'[[events]]\nmonth = {k % 9}\nkind = "turnover"\n',
            lambda k: f'[[groups]]\nname = "g{k}"\n',
            lambda k: f"[x{k}]",
            lambda k: f"[levers.l{k}]",
            lambda k: f"[[design.points]]\nblame = 0.{k}\n",
            lambda k: "[[x]]",
        ]
    )
    return content + b"\n" + "\n".join(map(one, range(count))).encode()


def in_another_code(chance: random.Random, content: bytes) -> bytes:
    return content.decode("utf-8", "replace").encode(chance.choice(["utf-16", "utf-32", "utf-7", "utf-8-sig"]))


TEXT_MUTATIONS = (
    other_value,
    other_value,
    other_value,
    other_value,
    other_key,
    twice,
    without,
    cut,
    flipped,
    sprinkled,
    much,
    in_another_code,
)


def test_scenario_files(place: Path) -> None:
    def case(chance: random.Random) -> list[str]:
        (place / "bad.toml").write_bytes(mutated_text(chance, SCENARIO))
        return chance.choice(
            [
                ["scenarios", "check", "bad.toml"],
                ["scenarios", "show", "bad.toml"],
                ["scenarios", "show", "bad.toml", "--json"],
            ]
        )

    run_cases("scenario", 0.2, case)


def test_experiment_files(place: Path) -> None:
    def case(chance: random.Random) -> list[str]:
        (place / "bad.toml").write_bytes(mutated_text(chance, chance.choice([EXPERIMENT, SAMPLED])))
        return chance.choice([["experiments", "check", "bad.toml"], ["experiments", "show", "bad.toml"]])

    run_cases("experiment", 0.2, case)


# ---------------------------------------------------------------------------------------------------------------
# Options
# ---------------------------------------------------------------------------------------------------------------
WORDS = (
    "",
    " ",
    "-",
    "--",
    "=",
    "a=",
    "=1",
    "nan",
    "inf",
    "-inf",
    "1e999",
    "-1",
    "0",
    "1.5",
    "1" * 5000,
    "80%",
    "\u00b2",
    "\u0663",
    "0x10",
    "1_000",
    "9" * 18,
    "2" * 30,
    "\udcff",
    "a" * 3000,
    "a\nb",
    "\x1b[2J",
    "../..",
    "/dev/null",
    "/",
    "~",
    "*",
    "1,2,,3",
    ",",
    "1..2",
    "..",
    "1..",
    "nan..1",
    "all",
    "first",
    "@",
    "@first",
    "blame@",
    "blame@0",
    "blame@99999999999",
    "blame@3-1",
    "breach@3:who=1",
    "breach@3:who=1,severity=nan",
    "breach@3:severity=" + "9" * 5000,
    "x@1",
    "months=36",
    "months=",
    "months=" + "1" * 5000,
    "months=0x" + "f" * 40,
    "organizations=1000001",
    ".".join("a" * 3000) + "=1",
    "openness=80",
    "openness={normal=[1,1",
    "openness=" + "[" * 3000,
    "openness=" + "{a=" * 50 + "1" + "}" * 50,
    "trust_gain=1979-05-27",
    "events.crash.enabled=maybe",
    "events.crash.month=0",
    "bold.trust_exit=1",
    "bold.size=3",
    "network.pairs=[[1,2]]",
    "trust_gain=0.02..0.1",
    "trust_gain=nan..1",
    "trust_gain",
    "p1=0.8",
    "p1=2",
    "complaints.p1=x",
    "p0",
    "trust_example",
    "all,all",
    "value",
    "profit",
    "TRUST",
    "small.toml",
    "Small.toml",
    "small",
    "bad.toml",
    "complete",
    "half",
    "baseline",
    "BASELINE",
    "demo",
    "12,48",
    "1,2,3,4,5,6,7",
    "-5",
    "csv",
)
SLOW_OPTIONS = {
    "--replicates",
    "--trajectories",
    "--base",
    "--jobs",
    "--halvings",
    "--scheduler",
    "--executor",
    "--overwrite",
}
"""Those that may rightly take long, reach out, or write."""
HEAVY = {
    ("run",),
    ("whatif",),
    ("sweep",),
    ("compare",),
    ("theory",),
    ("analyse", "morris"),
    ("analyse", "sobol"),
    ("analyse", "tipping"),
}
"""Commands that simulate or draw: they get something that they must refuse."""


def commands(group: Any = alliance, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its path."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


ALL = list(commands())


def odd_arguments(chance: random.Random) -> list[str]:
    """A command with odd values for some options and arguments."""
    path, command = chance.choice(ALL)
    args = list(path)
    for param in command.params:
        if isinstance(param, click.Argument):
            if chance.random() < 0.9:
                sound = {"folder": ["complete", "half"], "scenario": ["small.toml"], "experiment": ["trial.toml"]}
                known = sound.get(str(param.name), ["small.toml"])
                args.append(chance.choice([*known, *known, chance.choice(WORDS)]))
            continue
        name = max(param.opts, key=len)
        if name in SLOW_OPTIONS or chance.random() < 0.6:
            continue
        args.append(name)
        if not getattr(param, "is_flag", False):
            args += [chance.choice(WORDS) for _ in range(param.nargs if param.nargs > 0 else 1)]
    if path in HEAVY:
        args += chance.choice([["--seed", "x"], ["--nothing", "1"], ["--set", "months=0"], ["--set", "nothing=1"]])
    elif path in {("export",), ("report",), ("resume",)}:
        args.append("--nothing")
    return args


def test_options(place: Path) -> None:
    run_cases("options", 0.2, odd_arguments)


# ---------------------------------------------------------------------------------------------------------------
# Result folders
# ---------------------------------------------------------------------------------------------------------------
def copy_of(place: Path, name: str) -> Path:
    folder = place / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(place / name, folder)
    return folder


def look(chance: random.Random, writes: bool = True) -> list[str]:
    """A command that reads a result folder."""
    reading = [
        ["status", "copy"],
        ["status", "copy", "--json"],
        ["verify", "copy"],
        ["resume", "copy", "--no-figures", "--quiet"],
        ["resume", "copy", "--force", "--no-figures", "--quiet"],
        ["export", "copy", "--format", "csv"],
        ["export", "copy", "--format", "parquet"],
        ["export", "copy", "--format", "ro-crate"],
        ["analyse", "contrasts", "copy"],
        ["analyse", "survival", "copy"],
        ["analyse", "humps", "copy"],
        ["analyse", "discover", "copy", "--below", "0"],
    ]
    if chance.random() < 0.04:
        return ["report", "copy", "--quiet"]
    return chance.choice(reading)


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything in a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places_in(item, (*path, key))


def change_document(chance: random.Random, document: Any) -> None:
    """Replace, drop, double or shorten something anywhere in a document; what is near its top as often as the rest."""
    known = list(places_in(document))
    if not known:
        return
    depth = chance.choice([1, 2, 3, 9])
    *above, last = chance.choice([path for path in known if len(path) <= depth] or known)
    holder = document
    for key in above:
        holder = holder[key]
    kind = chance.random()
    if kind < 0.6:
        holder[last] = chance.choice(ODD_JSON)
    elif kind < 0.75:
        del holder[last]
    elif isinstance(holder[last], list) and holder[last]:
        holder[last] = chance.choice([holder[last][:-1], holder[last] * 2, holder[last][::-1], holder[last] * 50])
    elif isinstance(holder[last], (int, float)):
        holder[last] = chance.choice(
            [-holder[last], holder[last] + 1, holder[last] * 10**9, str(holder[last]), float(holder[last])]
        )
    else:
        holder[last] = [holder[last]]


def test_manifests(place: Path) -> None:
    def case(chance: random.Random) -> list[str]:
        path = copy_of(place, chance.choice(["complete", "half", "alliances"])) / "manifest.json"
        if chance.random() < 0.15:
            path.write_bytes(chance.choice([cut, flipped, sprinkled])(chance, path.read_bytes()))
            return look(chance)
        manifest = json.loads(path.read_text(encoding="utf-8"))
        for _ in range(chance.choice((1, 1, 2))):
            change_document(chance, manifest)
        if chance.random() < 0.6:  # whoever changed it knows how
            if chance.random() < 0.5:
                manifest.pop("description_digest", None)
            else:
                with suppress(TypeError, KeyError, ValueError, AttributeError):
                    manifest["description_digest"] = description_digest(manifest)
        text = json.dumps(manifest)
        if chance.random() < 0.05:
            text = text.replace('"cells"', '"x": ' + "[" * 5000 + "]" * 5000 + ', "cells"', 1)
        path.write_text(text, encoding="utf-8")
        return look(chance)

    run_cases("manifest", 0.2, case)


def journal_line(entry: Any) -> bytes:
    text = json.dumps(entry)
    return f"{zlib.crc32(text.encode()):08x} {text}\n".encode()


def test_journals(place: Path) -> None:
    def case(chance: random.Random) -> list[str]:
        path = copy_of(place, chance.choice(["half", "half", "complete"])) / "journal.jsonl"
        lines = path.read_bytes().splitlines(keepends=True)
        for _ in range(chance.randint(1, 3)):
            k = chance.randrange(len(lines))
            kind = chance.randrange(7)
            if kind == 0:
                lines[k] = cut(chance, lines[k])
            elif kind == 1:
                lines.insert(k, lines[k])
            elif kind == 2:
                chance.shuffle(lines)
            elif kind == 3:
                lines[k] = flipped(chance, lines[k])
            elif kind == 4:
                lines.insert(
                    k, chance.choice([b"\n", b"x" * 10**6 + b"\n", b"\x00" * 99, journal_line(chance.choice(ODD_JSON))])
                )
            else:
                try:
                    entry = json.loads(lines[k].partition(b" ")[2])
                except ValueError:  # it has been damaged before
                    continue
                change_document(chance, entry)
                lines[k] = journal_line(entry)
        path.write_bytes(b"".join(lines))
        return look(chance)

    run_cases("journal", 0.08, case)


def other_parquet(chance: random.Random, content: bytes, path: Path) -> bytes:
    """A Parquet file with other columns, types, rows or words about itself."""
    table = pq.read_table(pa.BufferReader(content))
    kind = chance.randrange(8)
    metadata = dict(table.schema.metadata or {})
    if kind == 0:
        table = table.drop_columns([chance.choice(table.column_names)])
    elif kind == 1:
        table = table.slice(0, chance.randrange(table.num_rows + 1))
    elif kind == 2:
        table = pa.concat_tables([table] * chance.choice((2, 50)))
    elif kind == 3:
        k = chance.randrange(table.num_columns)
        other = chance.choice(
            [pa.string(), pa.int8(), pa.float64(), pa.bool_(), pa.binary(), pa.date32(), pa.list_(pa.int64())]
        )
        table = table.set_column(k, table.column_names[k], pa.nulls(table.num_rows, other))
    elif kind == 4:
        k = chance.randrange(table.num_columns)
        table = table.set_column(k, table.column_names[k], pa.array([chance.choice([0, -1, 10**9])] * table.num_rows))
    elif kind == 5:
        table = table.rename_columns([f"{name}_" for name in table.column_names])
    elif kind == 6:
        table = pa.table({"x": [1, 2, 3]})
    elif metadata:
        key = chance.choice(list(metadata))
        try:
            about = json.loads(metadata[key])
            change_document(chance, about)
            metadata[key] = json.dumps(about).encode()
        except (ValueError, TypeError):
            metadata[key] = flipped(chance, metadata[key])
    buffer = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(metadata), buffer)
    return buffer.getvalue().to_pybytes()


def test_shards(place: Path) -> None:
    def case(chance: random.Random) -> list[str]:
        folder = copy_of(place, "half")
        path = chance.choice(sorted((folder / "shards").glob("*.parquet")))
        before = path.read_bytes()
        change = chance.choice([cut, flipped, sprinkled])
        after = change(chance, before) if chance.random() < 0.25 else other_parquet(chance, before, path)
        path.write_bytes(after)
        if chance.random() < 0.75:  # and the journal tells of that content
            said = [hashlib.sha256(content).hexdigest() for content in (before, after)]
            journal = folder / "journal.jsonl"
            lines = []
            for line in journal.read_bytes().splitlines():
                entry = json.loads(line.partition(b" ")[2].decode().replace(*said))
                lines.append(journal_line(entry))
            journal.write_bytes(b"".join(lines))
        if chance.random() < 0.1:
            path.rename(
                path.with_name(chance.choice(["x.parquet", "c00000-r00000000-00000001.parquet", "c99999-r1-2.parquet"]))
            )
        return look(chance)

    run_cases("shard", 0.06, case)


def test_tables(place: Path) -> None:
    def case(chance: random.Random) -> list[str]:
        folder = copy_of(place, chance.choice(["complete", "alliances"]))
        path = chance.choice(sorted((folder / "tables").glob("*.parquet")))
        before = path.read_bytes()
        after = flipped(chance, before) if chance.random() < 0.2 else other_parquet(chance, before, path)
        path.write_bytes(after)
        if chance.random() < 0.85:
            manifest = (folder / "manifest.json").read_text(encoding="utf-8")
            said = [hashlib.sha256(content).hexdigest() for content in (before, after)]
            (folder / "manifest.json").write_text(manifest.replace(*said), encoding="utf-8")
        return look(chance)

    run_cases("table", 0.06, case)


# ---------------------------------------------------------------------------------------------------------------
# The environment
# ---------------------------------------------------------------------------------------------------------------
VARIABLES = (
    "NO_COLOR",
    "FORCE_COLOR",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
    "COLUMNS",
    "LINES",
    "TERM",
    "COLORTERM",
    "LANG",
    "LC_ALL",
    "LANGUAGE",
    "TZ",
    "HOME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "TMPDIR",
    "MPLBACKEND",
    "MPLCONFIGDIR",
    "MATPLOTLIBRC",
    "NUMBA_DISABLE_JIT",
    "NUMBA_NUM_THREADS",
    "NUMBA_CACHE_DIR",
    "NUMBA_OPT",
    "NUMBA_DEBUG_CACHE",
    "NUMBA_CPU_NAME",
    "NUMBA_BOUNDSCHECK",
    "PYTHONINTMAXSTRDIGITS",
    "PYTHONUTF8",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONOPTIMIZE",
    "PYTHONUNBUFFERED",
    "SOURCE_DATE_EPOCH",
    "SHELL",
    "PATH",
    "GIT_DIR",
    "PAGER",
    "EDITOR",
    "ALLIANCE_DEBUG",
    "COMP_WORDS",
    "COMP_CWORD",
    "_ALLIANCE_COMPLETE",
    "OMP_NUM_THREADS",
    "JUPYTER_COLUMNS",
    "DASK_CONFIG",
)
ODD_WORDS = (
    "",
    "0",
    "1",
    "-1",
    "nan",
    "x",
    "\u00b2",
    "1" * 5000,
    "99999999999",
    "1.5",
    "/dev/null",
    "/proc",
    "/nowhere/at all",
    "relative",
    "dumb",
    "C",
    "xx_YY.UTF-9",
    "bash_complete",
    "bash_source",
    "módule",
    "a b; c",
    "~",
)
OF_PYTHON = {"PYTHONINTMAXSTRDIGITS": ("0", "640"), "PYTHONUTF8": ("0", "1"), "PYTHONOPTIMIZE": ("1", "2")}
"""With other values Python itself does not begin."""


def test_environment(place: Path) -> None:
    failed = []
    for number in numbers(0.015):
        chance = random.Random(f"environment {number}")
        odd = {
            name: chance.choice(OF_PYTHON.get(name, ODD_WORDS))
            for name in chance.sample(VARIABLES, chance.randint(1, 4))
        }
        args = chance.choice(
            [
                ["parameters", "trust"],
                ["scenarios", "check", "small.toml"],
                ["outcomes"],
                ["status", "half"],
                ["vet"],
                ["export", "complete", "--format", "csv", "--overwrite", "--quiet"],
                ["scenarios", "show", "nothing"],
                ["completion"],
                ["run", "small.toml", "--set", "months=" + "1" * 5000],
                ["report", "complete", "--quiet"],
            ]
        )
        done = subprocess.run(
            [sys.executable, "-c", "from sim.cli import main; main()", *args],
            env={"PYTHONPATH": str(ROOT), **os.environ, **odd},
            capture_output=True,
            text=True,
            timeout=300,
            errors="replace",
        )
        about = (
            f"environment {number}: {odd} alliance {' '.join(args)[:100]}\nexit {done.returncode}\n{done.stderr[-900:]}"
        )
        try:
            assert done.returncode in SOUND, about
            look_at(done.stderr, about)
        except AssertionError as error:
            failed.append(str(error))
    assert not failed, f"{len(failed)} failed\n\n" + "\n\n".join(failed[:12])
