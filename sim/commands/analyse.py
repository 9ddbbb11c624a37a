"""``alliance analyse``: one question to a stored result or to a scenario, answered by table, figure and sentence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from sim.commands import core
from sim.commands.options import (
    MAX_REPLICATES,
    FileName,
    Number,
    Setting,
    all_of,
    brief,
    declared_names,
    json_option,
    quiet_option,
    refusals,
    scenario_with,
    seed_range,
    settings_option,
)
from sim.commands.output import paragraph, print_json, print_table, progress_for, put, records, say, write_csv, writing
from sim.text import code, markdown

if TYPE_CHECKING:
    import pandas as pd

    from sim.scenario import Scenario
    from sim.study.answer import Answer
    from sim.study.response import Factor, Measure
    from sim.sweeps.reading import Stored

OF_ENDS = {"": "going_on", "greenwood": "going_on", "t": "difference", "boot": "difference", "tips": "tips_at"}
"""Numbers whose ends of an interval bear another name than theirs, before ``_low`` and ``_high``."""
MOST_ROWS = 20
"""Rows of a table that are printed; ``--out`` writes all."""


# ---------------------------------------------------------------------------------------------------------------
# Options
# ---------------------------------------------------------------------------------------------------------------
class Range(NamedTuple):
    """One ``--factor``: its name and its ends; None where the declared ones hold."""

    name: str
    low: float | None
    high: float | None


class RangeType(click.ParamType):  # type: ignore[type-arg] # not generic before click 8.4
    """``NAME=LOW..HIGH`` or ``NAME`` on the command line."""

    name = "name=low..high"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Range:
        """Split at "=" and at ".."."""
        if isinstance(value, Range):
            return value
        name, equals, ends = (part.strip() for part in str(value).partition("="))
        if name and not equals:
            return Range(name, None, None)
        low, _, high = ends.partition("..")
        try:
            return Range(name, float(low), float(high))
        except ValueError:
            self.fail(f"{brief(value)!r} is no range: write NAME=LOW..HIGH, such as trust_gain=0.02..0.1", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The parameters and traits that begin as typed."""
        return [CompletionItem(name) for name in declared_names("Parameters", "Traits") if name.startswith(incomplete)]


class How(NamedTuple):
    """Where an answer goes."""

    out: Path | None
    as_json: bool
    quiet: bool


out_option = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the tables (CSV), the figure (PNG, SVG) and the sentence (.md) to this folder.",
)
result_argument = click.argument("folder", metavar="RESULT_FOLDER", type=click.Path(path_type=Path))
seed_option = click.option("--seed", type=seed_range(), default=1, show_default=True, help="Seed of all chance.")
shared = all_of(seed_option, out_option, json_option, quiet_option)
outcome_option = click.option("--outcome", default="trust", show_default=True, help="What is measured of each run.")
above_option = click.option(
    "--above", type=Number(), help="Measure the share of alliances whose outcome lies above this, instead of its mean."
)
of_model = all_of(outcome_option, above_option, settings_option, shared)
factor_option = click.option(
    "--factor",
    "factors",
    type=RangeType(),
    multiple=True,
    required=True,
    help="A setting that varies and its range; without one, the bounds declared for it. Repeat for more; tipping takes "
    "one.",
)


# ---------------------------------------------------------------------------------------------------------------
# Of a stored result
# ---------------------------------------------------------------------------------------------------------------
@click.group(
    epilog="""\b
Examples:
  alliance analyse contrasts RESULT_FOLDER --outcome value --outcome trust
  alliance analyse survival RESULT_FOLDER --out answers
  alliance analyse humps RESULT_FOLDER
  alliance analyse discover RESULT_FOLDER --outcome value --below 0
  alliance analyse morris baseline --factor trust_gain=0.02..0.1 --factor blame --factor turnover=0..0.1
  alliance analyse sobol baseline --factor trust_gain=0.02..0.1 --factor blame --outcome value
  alliance analyse tipping baseline --factor trust_loss=0.05..0.5 --outcome trust --above 0.5 --level 0.5
"""
)
def analyse() -> None:
    """Answer one question by a table, a figure and a sentence.

    contrasts, survival, humps and discover read a stored result; morris, sobol and tipping run what they need.
    """


@analyse.command(
    epilog="""\b
Examples:
  alliance analyse contrasts RESULT_FOLDER
  alliance analyse contrasts RESULT_FOLDER --outcome value --outcome trust --reference 2 --out answers
"""
)
@result_argument
@click.option("--outcome", "outcomes", multiple=True, help="An outcome to compare; else those of the experiment.")
@click.option("--reference", type=int, help="Number of the cell to compare with; else the first.")
@shared
@click.pass_context
def contrasts(
    ctx: click.Context, /, folder: Path, outcomes: tuple[str, ...], reference: int | None, seed: int, **how: Any
) -> None:
    """Differences between cells, in pairs of replicates, with bootstrap intervals."""
    with mistakes():
        from sim.study.analysis import told_outcomes
        from sim.study.contrasts import contrasts as ask

        stored = _stored(folder)
        runs = stored.tables["runs"]
        chosen = [_outcome(name) for name in outcomes] or told_outcomes(stored.manifest, runs)
        first = _cell(stored, reference) if reference is not None else int(runs["cell"].min())
        answer = ask(runs, first, chosen, seed)
    _give(ctx, "contrasts", answer, How(**how))


@analyse.command(
    epilog="""\b
Examples:
  alliance sweep demo --alliances
  alliance analyse survival RESULT_FOLDER
  alliance analyse survival RESULT_FOLDER --cell 0 --cell 2 --out answers
"""
)
@result_argument
@click.option(
    "--cell", "cells", type=int, multiple=True, help="Number of a cell, the reference first; else the first six."
)
@shared
@click.pass_context
def survival(ctx: click.Context, /, folder: Path, cells: tuple[int, ...], seed: int, **how: Any) -> None:
    """How long alliances last, what ends them, and whether cells differ.

    Needs a result of a sweep with --alliances.
    """
    with mistakes():
        from sim.study.plots.frame import MOST_CELLS
        from sim.study.survival import survival as ask

        stored = _stored(folder)
        alliances = stored.alliances("cell", "replicate", "duration", "cause")
        if alliances is None:
            raise ValueError(f"{folder} holds no single alliances: run its sweep again with --alliances")
        known = _cells(stored)["cell"].tolist()
        chosen = [_cell(stored, cell) for cell in cells] or known[:MOST_CELLS]
        if not cells and len(known) > MOST_CELLS:
            say(f"the first {MOST_CELLS} of {len(known)} cells; --cell N names others", bool(how["quiet"]))
        rows = _cells(stored).set_index("cell", drop=False).loc[list(dict.fromkeys(chosen))]
        answer = ask(alliances, rows, seed)
    columns = ["label", "lifetime", "reference_lifetime", "difference", "low", "high", "p_replicates", "p_log_rank"]
    bands = ("_low", "_high")  # of the causes; that of those going on is shown
    alone = [name for name in answer.table if not name.startswith("greenwood") and not name.endswith(bands)]
    shown = answer.more["comparison"][columns] if answer.more else answer.table.tail(1)[alone]
    _give(ctx, "survival", answer, How(**how), shown)


@analyse.command(
    epilog="""\b
Examples:
  alliance analyse humps RESULT_FOLDER
  alliance analyse humps RESULT_FOLDER --variable communication --json
"""
)
@result_argument
@click.option(
    "--variable",
    type=click.Choice(["trust", "communication", "ties", "gap", "frustration"]),
    default="trust",
    show_default=True,
    help="Whose distribution at the horizon.",
)
@shared
@click.pass_context
def humps(ctx: click.Context, /, folder: Path, variable: str, seed: int, **how: Any) -> None:
    """Whether the alliances of a cell are of two kinds, so that their mean describes nobody."""
    with mistakes():
        from sim.study.humps import humps as ask

        stored = _stored(folder)
        alliances = stored.alliances("cell", "replicate", "cause", variable)
        answer = ask(stored.tables["histogram"], _cells(stored), variable, alliances, seed)
    columns = ["label", "humps", "mean", "mode", "low_mode", "low_share", "high_mode", "high_share", "p_one_hump"]
    _give(ctx, "humps", answer, How(**how), answer.table[[*columns, "two_humps"]])


@analyse.command(
    epilog="""\b
Examples:
  alliance analyse discover RESULT_FOLDER --outcome value --below 0
  alliance analyse discover RESULT_FOLDER --outcome ended_by_distrust --above 0.2 --out answers
"""
)
@result_argument
@click.option("--outcome", default="value", show_default=True, help="By which runs fail or not.")
@click.option("--below", type=Number(), help="A run fails when its outcome is below this.")
@click.option("--above", type=Number(), help="A run fails when its outcome is above this.")
@shared
@click.pass_context
def discover(
    ctx: click.Context, /, folder: Path, outcome: str, below: float | None, above: float | None, seed: int, **how: Any
) -> None:
    """Which region of the factors makes runs fail."""
    given = [(way, limit) for way, limit in (("below", below), ("above", above)) if limit is not None]
    if len(given) != 1:
        raise click.UsageError("say when a run fails: either --below or --above")
    with mistakes():
        from sim.study.analysis import outcome_words
        from sim.study.discovery import cases_of
        from sim.study.discovery import discover as ask
        from sim.study.response import short_number

        stored = _stored(folder)
        runs, name = stored.tables["runs"], _outcome(outcome)
        ((way, limit),) = given
        fails = (runs[name] < limit if way == "below" else runs[name] > limit).where(runs[name].notna())
        factors = [column for column in _cells(stored) if column not in ("cell", "label") and column in runs]
        design = stored.manifest["design"]
        points = [name for name in design["factors"] if name not in design.get("levers", ())]
        cases_of(runs, factors, fails, points)  # refuses before anything is said
        say("growing trees on shuffled failures …", bool(how["quiet"]))
        answer = ask(runs, factors, fails, seed, f"{outcome_words(name)} is {way} {short_number(limit)}", points)
    _give(ctx, "discover", answer, How(**how))


# ---------------------------------------------------------------------------------------------------------------
# Of a scenario
# ---------------------------------------------------------------------------------------------------------------
scenario_argument = click.argument("scenario", metavar="SCENARIO", type=FileName("scenarios"))


def replicates_option(default: int) -> Callable[[Any], Any]:
    """``--replicates`` of every point."""
    return click.option(
        "--replicates",
        type=click.IntRange(1, MAX_REPLICATES),
        default=default,
        show_default=True,
        help="Runs of every point, the same ones for all.",
    )


@analyse.command(
    epilog="""\b
Examples:
  alliance analyse morris baseline --factor trust_gain=0.02..0.1 --factor blame --factor turnover=0..0.1
  alliance analyse morris baseline --factor trust_half --factor trust_steepness --outcome value --trajectories 64
"""
)
@scenario_argument
@factor_option
@click.option(
    "--trajectories",
    type=click.IntRange(4, 10_000),
    default=32,
    show_default=True,
    help="Of the sample; from 8 on there are intervals.",
)
@replicates_option(20)
@of_model
@click.pass_context
def morris(ctx: click.Context, /, trajectories: int, **given: Any) -> None:
    """Which factors matter: elementary effects over their ranges (Morris)."""
    from sim.study.sensitivity import morris as ask

    def answer(asked: _Asked) -> Answer:
        points = trajectories * (len(asked.factors) + 1)
        with asked.response(points) as response:
            return ask(response, None, trajectories, asked.seed, asked.measure.words, asked.measure.unit)

    _carry_out(ctx, "morris", answer, **given)


@analyse.command(
    epilog="""\b
Examples:
  alliance analyse sobol baseline --factor trust_gain=0.02..0.1 --factor blame --factor turnover=0..0.1
  alliance analyse sobol baseline --factor trust_gain --factor trust_loss --base 256 --outcome value
"""
)
@scenario_argument
@factor_option
@click.option(
    "--base",
    type=click.IntRange(16, 2**16),
    default=128,
    show_default=True,
    help="Size of the base sample, a power of two.",
)
@replicates_option(20)
@of_model
@click.pass_context
def sobol(ctx: click.Context, /, base: int, **given: Any) -> None:
    """Shares of an outcome's variance that factors decide (Sobol)."""
    from sim.study.sensitivity import sobol as ask

    if base & (base - 1):
        raise click.UsageError(f"--base {base}: the base sample must be a power of two, such as 128 or 256")

    def answer(asked: _Asked) -> Answer:
        with asked.response(base * (len(asked.factors) + 2)) as response:
            return ask(response, None, base, asked.seed, asked.measure.words)

    _carry_out(ctx, "sobol", answer, **given)


@analyse.command(
    epilog="""\b
Examples:
  alliance analyse tipping baseline --factor trust_loss=0.05..0.5 --outcome trust --above 0.5 --level 0.5
  alliance analyse tipping baseline --factor turnover=0..0.2 --outcome value --level 0 --halvings 10
"""
)
@scenario_argument
@factor_option
@click.option("--level", type=Number(), required=True, help="The level that the outcome crosses.")
@click.option("--halvings", type=click.IntRange(3, 20), default=8, show_default=True, help="Of the range: how finely.")
@replicates_option(50)
@of_model
@click.pass_context
def tipping(ctx: click.Context, /, level: float, halvings: int, **given: Any) -> None:
    """At which value of a factor an outcome crosses a level, by bisection."""
    from sim.study.response import response_of
    from sim.study.tipping import tipping_point as ask

    def answer(asked: _Asked) -> Answer:
        if len(asked.factors) != 1:
            raise ValueError(f"tipping takes one --factor, got {len(asked.factors)}")
        factor = asked.factors[0]
        ranges = {factor.name: (factor.low, factor.high)}
        response = response_of(asked.scenario, ranges, asked.measure, asked.replicates, asked.seed)

        def watch(value: float, mean: float) -> None:
            say(f"{factor.name} {value:.6g}: {mean:.4g}", asked.quiet)

        measure = asked.measure
        return ask(response, factor, level, halvings, asked.seed, measure.words, watch, measure.unit, measure.bounds)

    _carry_out(ctx, "tipping", answer, **given)


class _Asked(NamedTuple):
    """A question to a scenario, checked."""

    scenario: Scenario
    factors: Sequence[Factor]
    measure: Measure
    replicates: int
    seed: int
    quiet: bool

    @contextmanager
    def response(self, points: int) -> Iterator[Callable[[Any], Any]]:
        """The scenario as a function of its factors, which shows its progress over so many points."""
        from sim.study.response import response_of
        from sim.sweeps.runner import Progress

        total, start = points * self.replicates, time.perf_counter()
        ranges = {factor.name: (factor.low, factor.high) for factor in self.factors}
        done = 0
        with progress_for(total, self.quiet) as show:

            def tick(runs: int) -> None:
                nonlocal done
                done += runs
                if show is not None:
                    show(Progress(done, total, 0, time.perf_counter() - start))

            yield response_of(self.scenario, ranges, self.measure, self.replicates, self.seed, tick)


def _carry_out(
    ctx: click.Context,
    kind: str,
    answer: Callable[[_Asked], Answer],
    scenario: str,
    factors: tuple[Range, ...],
    settings: tuple[Setting, ...],
    outcome: str,
    above: float | None,
    replicates: int,
    seed: int,
    **how: Any,
) -> None:
    """Check what was asked, run it, and give the answer."""
    from sim.conditions import idle_in_all
    from sim.study.response import Measure, factor_of

    base = scenario_with(scenario, settings)
    with mistakes():
        twice = {given.name for given in factors if [other.name for other in factors].count(given.name) > 1}
        if twice:
            raise ValueError(f"--factor {sorted(twice)[0]} is given twice")
        found = [factor_of(base, *given) for given in factors]
        ends = [{one.name: getattr(one, end) for one in found} for end in ("low", "high")]
        for why in idle_in_all((base.with_settings(settings), settings) for settings in ends):
            say(why, bool(how["quiet"]))
        asked = _Asked(base, found, Measure(outcome, above), replicates, seed, bool(how["quiet"]))
        core.prepare(asked.quiet)
        given_back = answer(asked)
    _give(ctx, kind, given_back, How(**how))


# ---------------------------------------------------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------------------------------------------------
@contextmanager
def mistakes() -> Iterator[None]:
    """Turn what an analysis refuses into a mistake of the command line, and a missing extra into what to install."""
    from sim.study.answer import MissingExtra

    try:
        with refusals():
            yield
    except MissingExtra as error:
        raise click.ClickException(str(error)) from None


def _stored(folder: Path) -> Stored:
    from sim.sweeps.reading import read_results

    return read_results(folder)


def _cells(stored: Stored) -> pd.DataFrame:
    """Rows of the table ``cells`` that have runs."""
    planned = stored.tables["cells"]
    return planned[planned["cell"].isin(stored.tables["runs"]["cell"].unique())]


def _cell(stored: Stored, number: int) -> int:
    known = _cells(stored)["cell"].tolist()
    if number not in known:
        raise ValueError(f"cell {number} has no runs; cells are numbered from {min(known)} to {max(known)}")
    return number


def _outcome(name: str) -> str:
    from sim.study.response import Measure

    return Measure(name).outcome


# ---------------------------------------------------------------------------------------------------------------
# Telling
# ---------------------------------------------------------------------------------------------------------------
def _give(ctx: click.Context, kind: str, answer: Answer, how: How, shown: pd.DataFrame | None = None) -> None:
    """Print the sentence and the table, and write everything when a folder was named.

    Args:
        ctx: of the command, whose line is kept with the sentence.
        kind: name of the analysis and of its files.
        answer: what came out.
        how: where it goes.
        shown: what of the table is printed; all of it without.
    """
    files = _write(ctx.meta["command"], kind, answer, how.out) if how.out is not None else []
    if how.as_json:
        more = {name: records(table) for name, table in answer.more.items()}
        print_json({"sentence": answer.sentence, "table": records(answer.table), **more, "files": files})
        return
    paragraph(answer.sentence)
    _print(answer.table if shown is None else shown)
    for path in files:
        put(str(path))


def _print(table: pd.DataFrame) -> None:
    """The first rows of a table: numbers with an interval as it deserves, others to four digits."""
    rows = [list(_rounded(row).values()) for row in table.head(MOST_ROWS).to_dict("records")]
    print_table([_head(str(column)) for column in table.columns], rows)
    if len(table) > MOST_ROWS:
        put(f"… {len(table) - MOST_ROWS} more rows; --out writes them all")


def _head(column: str) -> str:
    """A column's name in words; of a factor, what its author calls a group or an event stays as it is."""
    *whose, last = column.split(".")
    return " ".join([*whose, last.replace("_", " ")])


def _rounded(row: dict[Any, Any]) -> dict[Any, str]:
    """The numbers of a row as text; a number and the ends of its interval have the same decimals."""
    from sim.intervals import decimals, written

    rounded: dict[Any, str] = {}
    for low in [str(column) for column in row if str(column).endswith("low")]:
        name, high = low.removesuffix("low").removesuffix("_"), low.removesuffix("low") + "high"
        number = OF_ENDS.get(name, name)
        number = "difference" if not name and number not in row else number
        if high not in row or number not in row:
            continue
        half = (row[high] - row[low]) / 2.0
        if half > 0.0 and half != float("inf"):
            digits = decimals(half)
            rounded = {column: written(row[column], digits) for column in (number, low, high)} | rounded
    return {column: rounded.get(column, _text(value)) for column, value in row.items()}


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:.4g}"  # NaN is the one number that differs from itself
    return str(value)


def _write(command: str, kind: str, answer: Answer, out: Path) -> list[Path]:
    """Write tables, figure and sentence; files of these names are replaced.

    Returns:
        Their paths.
    """
    from sim.study.plots import save
    from sim.sweeps.files import write_file

    note = out / f"{kind}.md"
    tables = {kind: answer.table, **{f"{kind}_{name}": table for name, table in answer.more.items()}}
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        write_file(note, f"{markdown(answer.sentence)}\n\nMade by {code(command)}.\n".encode())
        return [note, *write_csv(tables, out), *save(answer.figure, out, kind)]
