"""``alliance run``: one history of a scenario, month by month."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.commands import core
from sim.commands.history import check_memory, size_words
from sim.commands.options import (
    MAX_REPLICATE,
    FileName,
    Setting,
    all_of,
    brief,
    json_option,
    no_figures_option,
    out_option,
    quiet_option,
    refusals,
    scenario_with,
    seed_range,
    settings_option,
)
from sim.commands.output import checksums, plain, print_json, print_table, put, records, say, say_where, writing

if TYPE_CHECKING:
    import pandas as pd

    from sim.engine import History
    from sim.scenario import Scenario
    from sim.study.story import Story

HISTORY = "history"
"""What a manifest says that it is of; that of a sweep does not say."""


WORTH = ("value", "gain", "better_apart")
"""What the document says of all alliances: means of these outcomes."""


class Months(click.ParamType):  # type: ignore[type-arg] # not generic before click 8.4
    """Months separated by commas."""

    name = "months"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """The months as integers."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(month) for month in value.split(","))
        except ValueError:
            self.fail(f"{brief(value)!r} is no list of months: write 12,48,96,144", param, ctx)


@click.command(
    epilog="""\b
Examples:
  alliance run baseline
  alliance run aol_time_warner --story
  alliance run baseline --alliance 3
  alliance run reputation_market --network
  alliance run reputation_market --network --months-shown 12,48,96,144 --story
  alliance run culture_clash --set session_effort=0.05 --set months=60 --seed 7
  alliance run ./our_merger.toml --json > our_merger.json
"""
)
@click.argument("scenario", metavar="SCENARIO", type=FileName("scenarios"))
@click.option("--seed", type=seed_range(), default=1, show_default=True, help="Seed of the random numbers.")
@click.option(
    "--replicate",
    type=click.IntRange(0, MAX_REPLICATE),
    default=0,
    show_default=True,
    help="Which history of this seed: the same one that a sweep numbers so.",
)
@click.option("--alliance", type=click.IntRange(min=1), help="Tell and draw one alliance, by its number from 1.")
@click.option(
    "--story",
    "as_story",
    is_flag=True,
    help="Tell one alliance in plain words: --alliance, or else the one whose trust swung widest; in a market, of "
    "those formed during the run.",
)
@click.option(
    "--network",
    "as_network",
    is_flag=True,
    help="Draw who is allied with whom, and how much each trusts the other, at four months spread over the run.",
)
@click.option(
    "--months-shown",
    type=Months(),
    help="Months that --network draws instead, at most six: 12,48,96,144; 0 is the day before the first.",
)
@all_of(settings_option, out_option, json_option, quiet_option, no_figures_option)
@click.pass_context
def run(
    ctx: click.Context,
    scenario: str,
    seed: int,
    replicate: int,
    alliance: int | None,
    as_story: bool,
    as_network: bool,
    months_shown: tuple[int, ...] | None,
    settings: tuple[Setting, ...],
    out: Path,
    as_json: bool,
    quiet: bool,
    no_figures: bool,
) -> None:
    """Run one history of a SCENARIO, month by month.

    Tells who stayed, who left and why, and what moved trust; with --story, what happened to one alliance and, in a
    market, how the two met; with --network, draws who is allied with whom.

    SCENARIO is a name from `alliance scenarios` or a path to a .toml file. Writes every month of every alliance, the
    ledger of trust and the figures to OUT/run-SCENARIO/<time>-<digest>/. The same seed gives the same history.
    """
    from sim.conditions import idle

    chosen = scenario_with(scenario, settings)
    if not chosen.network.market:
        _check_alliance(chosen, alliance, chosen.alliances)
    drawn = _months_drawn(chosen, as_network, months_shown, no_figures)
    check_memory(chosen)
    for why in idle(chosen):
        say(why, quiet)
    core.prepare(quiet)

    from sim.engine import simulate_history

    say(f"simulating {size_words(chosen)} …", quiet)
    history = simulate_history(chosen, seed, replicate)
    _check_formed(history, alliance, as_story)
    ledger = history.ledger_table()
    story: Story | None = None
    if as_story:
        from sim.study.story import story as told

        story = told(history, alliance)
        alliance = story.alliance  # the figures and the document show the alliance that is told
    say("storing the history …" if no_figures else "storing the history and drawing the figures …", quiet)
    figures = None if no_figures else drawn
    folder, files = _store(history, ledger, out, f"run-{chosen.name}", alliance, figures, ctx.meta["command"])
    if story:
        files.append(_write_story(story, folder))
    if as_json:
        print_json(_document(history, ledger, alliance, folder) | ({"story": story.markdown()} if story else {}))
    elif quiet:
        put(str(folder))
    else:
        if story:
            from sim.study.story.wording import COLUMNS
            from sim.study.terminal import width

            put(story.text(min(COLUMNS, width())))
        else:
            _tell(history, ledger, alliance)
        say_where(files, folder)


def _check_alliance(scenario: Scenario, alliance: int | None, count: int) -> None:
    if alliance is not None and alliance > count:
        raise click.UsageError(f"--alliance {alliance}: {scenario.name} has alliances 1 to {count}")


def _check_formed(history: History, alliance: int | None, as_story: bool) -> None:
    """In a market it is known only after the run how many alliances there are."""
    scenario, count = history.scenario, history.alliances.shape[1]
    if count == 0 and (as_story or alliance is not None):
        raise click.UsageError(
            f"no alliance was formed in {scenario.months} months of {scenario.name}, so there is none to tell. Let "
            "more search (--set search_rate=1) or ask fewer questions (--set vetting=0)"
        )
    _check_alliance(scenario, alliance, count)


def _months_drawn(
    scenario: Scenario, as_network: bool, months_shown: tuple[int, ...] | None, no_figures: bool
) -> tuple[int, ...]:
    """Months of the network figure; none when it is not asked for."""
    if not as_network:
        if months_shown is not None:
            raise click.UsageError("--months-shown is for the picture of the network: add --network")
        return ()
    if no_figures:
        raise click.UsageError("--network draws a figure and --no-figures forbids it: leave one of them out")
    from sim.study.plots.network import months_of

    with refusals("--months-shown: "):
        return months_of(scenario.months, months_shown)


# ---------------------------------------------------------------------------------------------------------------
# Storing
# ---------------------------------------------------------------------------------------------------------------
def _store(
    history: History,
    ledger: pd.DataFrame,
    out: Path,
    name: str,
    alliance: int | None,
    figures: tuple[int, ...] | None,
    command: str,
) -> tuple[Path, list[Path]]:
    """Write the history's tables, manifest and figures to a new folder.

    ``figures`` are the months at which the network is drawn beside the history, perhaps none; None draws nothing.

    Returns:
        The folder, and the files in it.
    """
    from sim.sweeps.files import write_table
    from sim.sweeps.store import ResultFolder

    folder = ResultFolder.create(out, name, _digest(history))
    tables = {"history": history.table(), "ledger": ledger}
    files = []
    with writing(folder.path):
        for table, frame in tables.items():
            files.append(folder.path / "tables" / f"{table}.parquet")
            write_table(files[-1], frame)
        folder.write_manifest(_manifest(history, alliance, files, command))
        files.append(folder.path / "manifest.json")
        if figures is not None:
            files += _draw(history, alliance, figures, folder.path / "figures")
    return folder.path, files


def _digest(history: History) -> str:
    """SHA-256 in hex of everything that decides this history but the code."""
    import hashlib
    import json

    decided = [history.seed, history.replicate, history.scenario.plain()]
    return hashlib.sha256(json.dumps(decided, sort_keys=True).encode()).hexdigest()


def _manifest(history: History, alliance: int | None, files: list[Path], command: str) -> dict[str, Any]:
    """What the history was and how to make it again."""
    from sim.conditions import idle
    from sim.sweeps.manifest import COMPLETE, FORMAT, provenance

    return {
        "format": FORMAT,
        "kind": HISTORY,
        "status": COMPLETE,
        "scenario": {"name": history.scenario.name, **plain(history.scenario.plain())},
        "seed": history.seed,
        "replicate": history.replicate,
        "alliance": alliance,
        "notes": idle(history.scenario),
        **provenance(),
        "command": command,
        "files": checksums({path.stem: path for path in files}),
    }


def _draw(history: History, alliance: int | None, months: tuple[int, ...], folder: Path) -> list[Path]:
    """The history and its ledger as figures, unless nobody was ever allied, and the network at ``months``, if any."""
    from sim.study import plots

    folder.mkdir(exist_ok=True)
    figures = {"network": plots.network(history, months)} if months else {}
    if history.alliances.shape[1]:
        figures |= {"history": plots.history(history, alliance), "ledger": plots.history_ledger(history, alliance)}
    return [path for name, figure in figures.items() for path in plots.save(figure, folder, name)]


def _write_story(story: Story, folder: Path) -> Path:
    from sim.sweeps.files import write_file

    with writing(folder):
        write_file(folder / "story.md", story.markdown().encode())
    return folder / "story.md"


# ---------------------------------------------------------------------------------------------------------------
# Telling
# ---------------------------------------------------------------------------------------------------------------
def _tell(history: History, ledger: pd.DataFrame, alliance: int | None) -> None:
    """The summary in words, and the ledger."""
    from sim.study.analysis import CAUSE_WORDS, signed
    from sim.study.terminal import history_text, width

    put(history_text(history, alliance, width()))
    if history.alliances.shape[1] == 0:
        return
    whose = "mean over all partners" if alliance is None else f"alliance {alliance}"
    totals = ledger_totals(history, ledger, alliance)
    rows = [(CAUSE_WORDS[cause], signed(change, 3)) for cause, change in totals.items()]
    print_table(("cause", "trust"), rows, f"Ledger: what moved effective trust over the whole time, {whose}")


def ledger_totals(history: History, ledger: pd.DataFrame, alliance: int | None) -> dict[str, float]:
    """Change of effective trust of a partner by each cause over the history; the largest first.

    Args:
        history: the run.
        ledger: its ``ledger_table()``.
        alliance: a number from 1 for the mean of its two sides; None for the mean over all partners.
    """
    mine = ledger if alliance is None else ledger[ledger["alliance"] == alliance]
    partners = 2 * (history.alliances.shape[1] if alliance is None else 1)
    totals = mine.groupby("cause", observed=True)["change"].sum() / partners
    return {
        str(cause): float(totals[cause]) for cause in totals.abs().sort_values(ascending=False, kind="stable").index
    }


def _document(history: History, ledger: pd.DataFrame, alliance: int | None, folder: Path) -> dict[str, Any]:
    """The history as one JSON document: the facts, and every month of the chosen alliance or the mean of all."""
    from sim.dynamics.outcomes import OUTCOMES
    from sim.dynamics.state import CAUSES_OF_ENDING

    table, last = history.table(), history.alliances[-1]
    months = (
        table[table["alliance"] == alliance]
        if alliance is not None
        else table.drop(columns=["alliance", "alive"]).groupby("month", as_index=False).mean()
    )
    return {
        "scenario": history.scenario.name,
        "seed": history.seed,
        "replicate": history.replicate,
        "alliance": alliance,
        "folder": str(folder),
        "alliances": history.alliances.shape[1],
        "endings": {name: int((last.cause == code).sum()) for code, name in enumerate(CAUSES_OF_ENDING)},
        "worth": {name: plain(OUTCOMES[name].formula(last).mean()) for name in WORTH if len(last)},
        "ledger": ledger_totals(history, ledger, alliance),
        "months": records(months),
    }
