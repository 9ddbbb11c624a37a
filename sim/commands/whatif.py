"""``alliance whatif``: one history as it was and as it would have been, or the mean effect of a change over many."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from click.shell_completion import CompletionItem

from sim.commands import core
from sim.commands.history import check_memory, size_words
from sim.commands.options import (
    MAX_REPLICATE,
    MAX_REPLICATES,
    FileName,
    Setting,
    SettingType,
    all_of,
    brief,
    json_option,
    quiet_option,
    read_value,
    refusals,
    scenario_with,
    seed_range,
    settings_option,
)
from sim.commands.output import (
    counting,
    paragraph,
    plain,
    print_json,
    print_table,
    put,
    records,
    say,
    write_csv,
    writing,
)

if TYPE_CHECKING:
    import pandas as pd

    from sim.scenario import Scenario
    from sim.study.whatif import Change, Comparison, Effect

ALL = "all"
FIRST = "first"
"""Mean effects by cause are shown in thousandths that add up."""
MOST_NAMED = 6
"""At most so many alliances are named; all of them are in the JSON document."""
ONE_HISTORY = (
    "This is one history, not a mean over many: --replicates 200 gives the mean effect of a change, with an interval"
)
NOTHING = "say what is different: --without, --with or --set-from"


class AllianceNumber(click.ParamType):  # type: ignore[type-arg] # not generic before click 8.4
    """The number of an alliance, from 1, or "all"."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """The number, or "all"."""
        if isinstance(value, int) or value == ALL:
            return value
        if not re.fullmatch(r"0*[1-9][0-9]{0,8}", str(value)):
            self.fail(f"{brief(value)!r} is no alliance: a number from 1, or all", param, ctx)
        return int(value)


class KeptAwayName(click.ParamType):  # type: ignore[type-arg]
    """What does not happen; the names are checked when the scenario is known."""

    name = "what@month"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The kinds that begin as typed, each with its "@"."""
        from sim.dynamics.state import WITHOUT

        return [CompletionItem(f"{kind}@") for kind in WITHOUT if kind.startswith(incomplete)]


@click.command(
    epilog="""\b
What --without keeps from happening in the alliance that is told:
  blame, hard_talk, festering         a problem is blamed on somebody, talked through, left unsaid
  friction, bad_work, shirking        the problem itself
  contingency, turnover, ending       the unforeseen, a key person leaving, the end
  @14 is a month, @14-30 a range, @first the first time; or the name of a dated event, or its kind@month

\b
Examples:
  alliance whatif baseline --without blame@first
  alliance whatif baseline --seed 7 --alliance 35 --without blame@14 --without festering@20-30
  alliance whatif aol_time_warner --without crash --figures figures
  alliance whatif aol_time_warner --with breach@24:who=1,severity=0.5 --json
  alliance whatif baseline --alliance all --set-from 24 monitoring=2 --at 60
  alliance whatif baseline --without blame@first --replicates 200
"""
)
@click.argument("scenario", metavar="SCENARIO", type=FileName("scenarios"))
@click.option(
    "--without", "kept_away", multiple=True, type=KeptAwayName(), help="This does not happen. Repeat for more."
)
@click.option(
    "--with",
    "added",
    multiple=True,
    metavar="KIND@MONTH[:KEY=VALUE,…]",
    help="A dated event happens, with the keys of [[events]] in a scenario file. Repeat for more.",
)
@click.option(
    "--set-from",
    "set_from",
    multiple=True,
    type=(int, SettingType()),
    metavar="MONTH KEY=VALUE",
    help="A parameter, a trait (monitoring=2) or a trait of one group (cautious.openness=0.4) has this value from this "
    "month on. Repeat for more.",
)
@click.option("--seed", type=seed_range(), default=1, show_default=True, help="Seed of the random numbers.")
@click.option(
    "--replicate",
    type=click.IntRange(0, MAX_REPLICATE),
    default=0,
    show_default=True,
    help="Which history of this seed: the same one that `alliance run` tells and a sweep numbers so.",
)
@click.option(
    "--alliance",
    type=AllianceNumber(),
    help="In which alliance things are kept away, and which is told: its number from 1, or all. Without it the one "
    "that `alliance run --story` tells; with --replicates the first.",
)
@click.option(
    "--at", type=int, metavar="MONTH", help="Take the difference apart at the end of this month, not the last."
)
@click.option(
    "--replicates",
    type=click.IntRange(1, MAX_REPLICATES),
    help="The mean effect over so many replicates, each compared with itself.",
)
@settings_option
@click.option(
    "--figures",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Draw both futures to this folder.",
)
@click.option(
    "--csv", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write the tables to this folder."
)
@all_of(json_option, quiet_option)
def whatif(
    scenario: str,
    kept_away: tuple[str, ...],
    added: tuple[str, ...],
    set_from: tuple[tuple[int, Setting], ...],
    seed: int,
    replicate: int,
    alliance: int | Literal["all"] | None,
    at: int | None,
    replicates: int | None,
    settings: tuple[Setting, ...],
    figures: Path | None,
    csv: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """The same history with one thing different, both futures side by side.

    Runs SCENARIO twice on the same chances: as it was, and without something that happened, with something that did
    not, or with another value from a month on. Until then both are the same, bit for bit. Says by how much trust would
    differ, and takes the difference apart by cause. With --set both worlds are changed.
    """
    if not (kept_away or added or set_from):
        raise click.UsageError(NOTHING)
    if replicates is not None and (replicate or at is not None or figures):
        raise click.UsageError("--replicates is about many histories: it goes without --replicate, --at and --figures")
    chosen = scenario_with(scenario, settings)

    from sim.conditions import idle
    from sim.study import whatif as study

    changes: list[Change] = [*(_without(text, chosen) for text in kept_away), *(_with(text) for text in added)]
    changes += [study.SetFrom(month, setting.key, setting.value) for month, setting in set_from]
    with refusals():
        study.plan_of(chosen, changes)
    for why in [*idle(chosen), *study.cannot_act(chosen, changes)]:
        say(why, quiet)
    if replicates is not None:
        core.prepare(quiet)
        say(f"simulating replicates: {replicates}, each twice …", quiet)
        with counting(replicates, quiet) as tick:
            effect = study.effect_of(chosen, changes, replicates, seed, 1 if alliance is None else alliance, tick)
        _give_effect(effect, chosen, seed, csv, as_json, quiet)
        return
    check_memory(chosen)
    core.prepare(quiet)
    say(f"simulating {size_words(chosen)}, three times …", quiet)
    with refusals():
        comparison = study.whatif(chosen, seed, replicate, changes, alliance)
    _check_month(comparison, at)
    _give_comparison(comparison, at, figures, csv, as_json, quiet)


# ---------------------------------------------------------------------------------------------------------------
# Reading the command line
# ---------------------------------------------------------------------------------------------------------------
def _without(text: str, scenario: Scenario) -> Change:
    """ "blame@14", "blame@14-30", "blame@first", the name of a dated event, or its kind and month: "breach@24"."""
    from sim.dynamics.state import WITHOUT
    from sim.study.whatif import KeptAway, LeftOut, dated_events
    from sim.tomlfile import did_you_mean

    kind, _, when = text.partition("@")
    if kind in WITHOUT:
        if when == FIRST:
            return KeptAway(kind)
        months = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", when)
        if not months:
            raise click.UsageError(
                f"--without {brief(text)}: which month? Write {kind}@14, {kind}@14-30 or {kind}@first"
            )
        first, last = months.groups()
        return KeptAway(kind, int(first), int(last) if last else None)
    names = {event.name: f"{event.kind}@{event.month}" for event in scenario.events}
    meant = [text] if text in names else [name for name, what in names.items() if what == text]
    if len(meant) == 1:
        return LeftOut(meant[0])
    if meant:
        raise click.UsageError(f"--without {brief(text)}: several events are meant; name one: {', '.join(meant)}")
    hint = did_you_mean(kind, [*WITHOUT, *names])
    events = f"dated events of {scenario.name}: {dated_events(scenario)}"
    raise click.UsageError(f"--without {brief(text)}: is nothing that can be left out{hint} ({events})")


def _with(text: str) -> Change:
    """ "breach@24:who=1,severity=0.5" as a table of ``[[events]]``; its values are checked with the scenario."""
    from sim.study.whatif import Added

    found = re.fullmatch(r"([^@:]+)@(\d{1,9})(?::(.*))?", text, re.DOTALL)
    if not found:
        raise click.UsageError(
            f"--with {brief(text)}: write KIND@MONTH:KEY=VALUE,…, such as breach@24:who=1,severity=0.5"
        )
    kind, month, rest = found.groups()
    row: dict[str, Any] = {"kind": kind, "month": int(month)}
    for item in (rest or "").split(",") if rest else ():
        key, equals, value = item.partition("=")
        if not equals or not key.strip():
            raise click.UsageError(f"--with {brief(text)}: {brief(item)!r} is no key=value")
        if key.strip() in row:
            raise click.UsageError(f"--with {brief(text)}: {key.strip()!r} is given twice")
        try:
            row[key.strip()] = read_value(value.strip())
        except ValueError as error:
            raise click.UsageError(f"--with {brief(text)}: {key.strip()}: {error}") from None
    return Added(row)


def _check_month(comparison: Comparison, month: int | None) -> None:
    first, last = comparison.first_month, comparison.factual.scenario.months
    if month is not None and not first <= month <= last:
        raise click.UsageError(f"--at {month}: the two worlds can differ in months {first} to {last}")


# ---------------------------------------------------------------------------------------------------------------
# One history
# ---------------------------------------------------------------------------------------------------------------
def _give_comparison(
    comparison: Comparison, at: int | None, figures: Path | None, csv: Path | None, as_json: bool, quiet: bool
) -> None:
    """Draw, write and tell."""
    tables = _tables(comparison, at)
    files = _write(tables, csv) if csv else []
    files += _draw(comparison, at, figures, quiet) if figures else []
    if as_json:
        print_json({**_document(comparison, at, tables), "files": files})
    elif quiet:
        put("\n".join(str(file) for file in files), nl=bool(files))
    else:
        _tell(comparison, at, tables)
        _say_files(files)


def _tables(comparison: Comparison, at: int | None) -> dict[str, pd.DataFrame]:
    """The tables that are printed and written."""
    tables = {"futures": comparison.table(comparison.alliance), "happenings": comparison.happenings()}
    if comparison.is_told(at):
        tables["ledger"] = comparison.ledger_difference(month=at)
    return tables


def _write(tables: dict[str, pd.DataFrame], folder: Path) -> list[Path]:
    """Each table as a CSV file, replacing an older one."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return write_csv(tables, folder)


def _draw(comparison: Comparison, at: int | None, folder: Path, quiet: bool) -> list[Path]:
    """The figure as PNG and SVG; none when there is no difference to draw."""
    if not comparison.is_told(at):
        say("no figure: the alliance is not formed in both worlds", quiet)
        return []
    from sim.study import plots

    say("drawing the figure …", quiet)
    with writing(folder):
        return plots.save(plots.whatif(comparison, at), folder, "whatif")


def _document(comparison: Comparison, at: int | None, tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Everything as one JSON document."""
    from sim.study.whatif import cannot_act

    factual = comparison.factual
    return {
        "scenario": factual.scenario.name,
        "seed": factual.seed,
        "replicate": factual.replicate,
        "alliance": ALL if comparison.alliance is None else comparison.alliance,
        "changes": [str(change) for change in comparison.changes],
        "without_effect": cannot_act(factual.scenario, comparison.changes),
        "first_month": comparison.first_month,
        "at": factual.scenario.months if at is None else at,
        "sentence": comparison.sentence(at),
        "futures": records(comparison.futures()),
        "happenings": records(tables["happenings"]),
        "ledger": records(tables["ledger"]) if "ledger" in tables else [],
        "others_changed": comparison.others_changed(),
        "never_formed": [_match(match) for match in comparison.only_as_it_was()],
        "formed_instead": [_match(match) for match in comparison.only_otherwise()],
    }


def _match(match: Any) -> dict[str, Any]:
    """An alliance of one world: partners from 1, month of signature, number in its own world."""
    number = match.counterfactual if match.factual is None else match.factual
    return {"a": match.partners[0] + 1, "b": match.partners[1] + 1, "formed": match.formed, "alliance": number}


def _tell(comparison: Comparison, at: int | None, tables: dict[str, pd.DataFrame]) -> None:
    """The sentence, both futures, what happened, the ledger of the difference."""
    from sim.study.whatif import courses_in_words

    factual = comparison.factual
    paragraph(f"{factual.scenario.title}, seed {factual.seed}, replicate {factual.replicate}")
    paragraph(f"{comparison.sentence(at)}.")
    paragraph(f"{_elsewhere(comparison)}.")
    paragraph(f"{ONE_HISTORY}.")
    if "ledger" not in tables:
        return
    _print_futures(comparison, at)
    courses = courses_in_words(tables["happenings"])
    head = ("what happened", "in both", "only as it was", "only otherwise")
    if courses:
        print_table(head, courses, "From the month of the change on")
    _print_ledger(comparison, at, tables["ledger"])


def _elsewhere(comparison: Comparison) -> str:
    """What becomes of other alliances."""
    changed, never, instead = comparison.others_changed(), comparison.only_as_it_was(), comparison.only_otherwise()
    other = "alliance" if comparison.alliance is None else "other alliance"
    both = " of those formed in both worlds" if never or instead else ""
    if changed:
        which = _named([str(number) for number in changed])
        said = [f"{len(changed)} {other}{'s' if len(changed) > 1 else ''}{both} would take another course{which}"]
    else:
        said = [f"No {other}{both} would take another course"]
    for words, matches in (("would never have been formed", never), ("would have been formed instead", instead)):
        if matches:
            named = [f"{comparison.name(match)} in month {match.formed}" for match in matches]
            said.append(f"{len(matches)} {words}{_named(named)}")
    return ". ".join(said)


def _named(names: list[str]) -> str:
    """The first names in brackets; nothing when there are none."""
    more = ", …" if len(names) > MOST_NAMED else ""
    return f" ({', '.join(names[:MOST_NAMED])}{more})" if names else ""


def _print_futures(comparison: Comparison, at: int | None) -> None:
    """States of some months: the one before the change, then ever further apart, to the horizon."""
    from sim.study.whatif import STATES

    states = [name for name in STATES if name != "frustration"]  # as much as fits into 80 columns; --csv has all
    rows = comparison.futures().set_index("month")
    shown = []
    last = comparison.factual.scenario.months
    wanted = _months_shown(comparison.first_month, last if at is None else at, last)
    for month in (month for month in wanted if month in rows.index):  # at first a market may have no alliance
        row = rows.loc[month]
        worlds = [(name, row[name], row[f"{name}_otherwise"]) for name in states]
        shown.append((str(month), *(_both(comparison, *both) for both in worlds)))
    head = ["alive, %" if name == "alive" and comparison.alliance is None else name for name in states]
    print_table(("month", *head), shown, "Both futures: as it was | otherwise")


def _months_shown(first: int, at: int, last: int) -> list[int]:
    """The month before the first, the first, others ever further apart, the one that is taken apart, and the last."""
    apart = [first - 1, first, *(first + step for step in (1, 6, 12, 24, 60)), at, last]
    return sorted({month for month in apart if month <= last})


def _both(comparison: Comparison, name: str, was: float, otherwise: float) -> str:
    """A state in both worlds, in so few digits that the table fits into 80 columns."""
    from sim.study.words import number

    if name == "alive":
        if comparison.alliance is None:
            return f"{100 * was:.0f} | {100 * otherwise:.0f}"
        return f"{'yes' if was else 'no'} | {'yes' if otherwise else 'no'}"
    digits = {"value": 1, "gain": 1}.get(name, 3)
    return f"{number(was, digits)} | {number(otherwise, digits)}"


def _print_ledger(comparison: Comparison, at: int | None, ledger: pd.DataFrame) -> None:
    """The ledger of the difference, causes without an entry left out, and its sum."""
    from sim.study.whatif import WAYS, cause_words, rounded

    columns = [*WAYS, "total"]
    shown = rounded(ledger)
    rows = [
        (cause_words(str(row["cause"])), *(_entry(row[name]) for name in columns))
        for row in records(shown)
        if any(row[name] for name in columns)
    ]
    rows.append(("all together", *(_entry(plain(shown[name].sum(skipna=False))) for name in columns)))
    month = comparison.factual.scenario.months if at is None else at
    head = ("cause", "at once", "through communication", "what else follows", "together")
    print_table(head, rows, f"The ledger of the difference: trust {comparison.when(month)}, otherwise less as it was")
    if _ended_before(comparison, month):
        paragraph("After the end of an alliance its entries are zero, and its trust stays what it was.")


def _entry(value: float | None) -> str:
    """An entry with its sign; a dash where the third run lacks an alliance."""
    from sim.study.analysis import signed

    return "–" if value is None else signed(value, 3)


def _ended_before(comparison: Comparison, month: int) -> bool:
    rows = comparison.futures().set_index("month").loc[month]
    return bool(min(rows["alive"], rows["alive_otherwise"]) < 1.0)


def _say_files(files: Sequence[Path]) -> None:
    if files:
        put("\nFiles: " + ", ".join(str(file) for file in files))


# ---------------------------------------------------------------------------------------------------------------
# Many replicates
# ---------------------------------------------------------------------------------------------------------------
def _give_effect(effect: Effect, scenario: Scenario, seed: int, csv: Path | None, as_json: bool, quiet: bool) -> None:
    """Write and tell the mean effect."""
    tables = {"effect": effect.table, "effect_ledger": effect.ledger}
    files = _write(tables, csv) if csv else []
    if as_json:
        document = {
            "scenario": scenario.name,
            "seed": seed,
            "alliance": ALL if effect.alliance is None else effect.alliance,
            "changes": [str(change) for change in effect.changes],
            "replicates": effect.replicates,
            "applied": effect.applied,
            "refused": effect.refused,
            "sentence": effect.sentence(),
            **{name: records(table) for name, table in tables.items()},
            "files": files,
        }
        print_json(document)
    elif quiet:
        put("\n".join(str(file) for file in files), nl=bool(files))
    else:
        paragraph(f"{scenario.title}, seed {seed}")
        paragraph(f"{effect.sentence()}.")
        if effect.applied:
            _print_effect(effect)
        _say_files(files)


def _print_effect(effect: Effect) -> None:
    from sim.intervals import Interval, digits_of, written
    from sim.study.whatif import cause_words

    outcomes = []
    for row in records(effect.table):
        digits = digits_of(Interval.of(row, "difference"))
        both = (written(row[name], digits) for name in ("as_it_was", "otherwise"))
        outcomes.append((row["outcome"], row["unit"], *both, _interval(row)))
    print_table(("at the horizon", "unit", "as it was", "otherwise", "difference (95% interval)"), outcomes)
    causes = [(cause_words(row["cause"]), _interval(row)) for row in records(effect.ledger) if row["difference"] != 0.0]
    causes.append(("all together", _interval(records(effect.table)[0])))
    print_table(("cause", "trust (95% interval)"), causes, "The ledger of the difference, mean over replicates")


def _interval(row: dict[str, Any]) -> str:
    """ "+0.031 (+0.020 to +0.042)"; without an interval from one replicate."""
    from sim.intervals import Interval, shown

    return shown(Interval.of(row, "difference"), plus=True)
