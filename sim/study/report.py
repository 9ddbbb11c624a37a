"""The summary of a result folder in words, for somebody who has to decide and has three minutes.

:func:`publish` writes ``figures/`` and ``summary.md``; :func:`summary_text` is what the terminal shows;
:func:`history_text` says what happened in one history. Every number is computed from the stored tables.
"""

from __future__ import annotations

import math
import os
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import CAUSES, CAUSES_OF_ENDING, EFFECTIVE
from sim.engine import History
from sim.study import analysis
from sim.study.analysis import CAUSE_WORDS, label_words, outcome_words, percent, sentence, short_labels, signed
from sim.sweeps.store import Stored, read_results, write_file

TERMINAL = 100
"""Columns of a terminal line."""
MOST_ROWS = 40
"""Longer tables are cut in the summary; the stored tables have all rows."""
MOST_DETAILS = 6
"""Cells that are described one by one; with more, a choice that shows the range, the same as in the figures."""

FIGURE_WORDS = {
    "contrasts": "Differences from the reference, with 95% intervals",
    "trajectories": "Trust, communication, result and survival over months",
    "value_distribution": "Distribution of value over the alliances",
    "survival": "What became of the alliances",
    "ledger": "What built and what destroyed trust",
    "trust_humps": "Trust: one hump or two",
    "heat_map": "The outcome by two factors",
}
"""What a figure shows, by the beginning of its name, in the order of the summary."""

LIMITS = (
    "These are statements about the model, not forecasts. Many of its numbers are assumed; `docs/parameters.md` says "
    "of each where it comes from.",
    "Who is allied with whom is given at the start: partners do not search, vet each other or carry a reputation. "
    "Every organization is one mind; a month is the shortest time.",
    "Means over months are over the alliances still going on, so a rise can also mean that the weak ones have left. "
    "Outcomes count all alliances, ended ones too, unless their meaning says otherwise. An ending is not a failure.",
    "Money is in units of what one alliance makes in a month of plain work.",
)


# ---------------------------------------------------------------------------------------------------------------
# Publishing
# ---------------------------------------------------------------------------------------------------------------
def publish(folder: Path | str) -> list[Path]:
    """Draw the figures of a result folder and write its summary.

    Args:
        folder: a result folder of :func:`sim.sweeps.runner.run_experiment`.

    Returns:
        The files written: PNG and SVG of each figure in ``figures/``, then ``summary.md``.

    Raises:
        BadFile: when it is no result folder, or a damaged one.
    """
    from sim.study import plots  # Matplotlib takes a while to import; the terminal's summary does without it

    stored = read_results(folder)
    figures = plots.draw_all(stored)
    paths = [path for name, figure in figures.items() for path in plots.save(figure, stored.folder / "figures", name)]
    summary = stored.folder / "summary.md"
    write_file(summary, summary_markdown(stored, list(figures)).encode())
    return [*paths, summary]


def summary_markdown(stored: Stored, figures: Sequence[str] = ()) -> str:
    """The summary as Markdown.

    Args:
        stored: a result folder read back.
        figures: names of the figures that are in its ``figures/``.
    """
    study = _Study(stored)
    parts = [
        f"# {study.manifest['title']}",
        f"**Question.** {_flat(study.manifest['question'])}",
        _warning(study),
        "## Expected, and found",
        _expected(study),
        "## What was compared",
        _compared(study),
        "## What happened",
        _outcome_table(study),
        _details(study),
        _figures(figures, ("contrasts", "heat_map", "trajectories", "value_distribution", "trust_humps")),
        "### How long the alliances lasted",
        _survival_table(study),
        _figures(figures, ("survival",)),
        "### What built and what destroyed trust",
        _bullets(ledger_sentence(study, cell) for cell in study.detailed),
        _figures(figures, ("ledger",)),
        "## How sure this is",
        _bullets(_sureness(study)),
        "## What the model leaves out",
        _bullets(LIMITS),
        "## Where things lie",
        _places(study, figures),
        "## How to reproduce it",
        _reproduce(study),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


class _Study:
    """A result folder with what every part of the summary needs, computed once."""

    def __init__(self, stored: Stored) -> None:
        self.folder = stored.folder
        self.manifest = stored.manifest
        self.tables = stored.tables
        self.runs = stored.tables["runs"]
        self.outcomes = [name for name in stored.manifest["outcomes"] if name in self.runs]
        planned = stored.tables["cells"]
        self.cells = planned[planned["cell"].isin(self.runs["cell"].unique())]
        self.numbers = [int(cell) for cell in self.cells["cell"]]
        short = short_labels([str(label) for label in self.cells["label"]])
        self.names = dict(zip(self.numbers, short, strict=True))
        self.reference = self.numbers[0]
        self.means = analysis.cell_means(self.runs, self.outcomes)
        self.paired = analysis.paired(self.runs, self.reference, self.outcomes)
        self.lives = analysis.half_life(self.tables["survival"])
        self.detailed = analysis.spread_cells(self.runs, self.outcomes[0], MOST_DETAILS)

    def sentences(self, outcome: str) -> list[str]:
        """Paired differences of the cells that are described, in words, with short names."""
        rows = self.paired[(self.paired["outcome"] == outcome) & self.paired["cell"].isin(self.detailed)]
        reference = self.names[self.reference]
        return [sentence({**row, "label": self.names[row["cell"]], "reference": reference}) for row in _rows(rows)]

    def mean(self, cell: int, outcome: str) -> dict[str, Any]:
        """Row of :func:`sim.study.analysis.cell_means`."""
        rows = self.means[(self.means["cell"] == cell) & (self.means["outcome"] == outcome)]
        return _rows(rows)[0]


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False, name=None)]


def _flat(text: str) -> str:
    return " ".join(str(text).split())


def _sentence(text: str) -> str:
    """With a capital first and a full stop last."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _bullets(items: Iterable[str]) -> str:
    return "\n".join(f"- {_sentence(item)}" for item in items)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, cut after :data:`MOST_ROWS`."""
    lines = [head, ["---"] * len(head), *rows[:MOST_ROWS]]
    text = "\n".join("| " + " | ".join(str(field).replace("|", "\\|") for field in line) + " |" for line in lines)
    return text if len(rows) <= MOST_ROWS else f"{text}\n\n… and {len(rows) - MOST_ROWS} more rows in `tables/`."


# ---------------------------------------------------------------------------------------------------------------
# Numbers in words
# ---------------------------------------------------------------------------------------------------------------
def _number(value: float, digits: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}".replace("-", "−")


def _with_interval(row: Mapping[str, Any]) -> str:
    """ "0.94 (0.92 to 0.96)", shares in percent; without an interval from a single replicate."""
    unit = OUTCOMES[str(row["outcome"])].unit
    mean, low, high = (analysis.in_unit(float(row[key]), unit) for key in ("mean", "low", "high"))
    sign = "%" if unit == "share" else ""
    if math.isnan(mean):
        return "not defined"
    digits = analysis.decimals_for((high - low) / 2.0, mean)
    if unit == "share" and not math.isnan(low):  # a t interval knows no bounds; a share does
        low, high = max(low, 0.0), min(high, 100.0)
    shown = f"{_number(mean, digits)}{sign}"
    return shown if math.isnan(low) else f"{shown} ({_number(low, digits)} to {_number(high, digits)})"


def causes_in_words(changes: Mapping[str, float]) -> str:
    """What built and what destroyed trust: the three largest causes each way, and the sum of all.

    Args:
        changes: change of trust by cause, keys as in ``sim.dynamics.state.CAUSES``.
    """
    gains = sorted((c for c in changes if changes[c] >= 0.005), key=lambda c: -changes[c])[:3]
    losses = sorted((c for c in changes if changes[c] <= -0.005), key=lambda c: changes[c])[:3]
    built = ", ".join(f"{CAUSE_WORDS[cause]} {signed(changes[cause])}" for cause in gains) or "nothing"
    lost = ", ".join(f"{CAUSE_WORDS[cause]} {signed(changes[cause])}" for cause in losses) or "nothing"
    return f"trust was built by {built}; destroyed by {lost}; in all {signed(sum(changes.values()))}"


def ledger_sentence(study: _Study, cell: int) -> str:
    """The ledger of effective trust of one cell in words."""
    ledger = study.tables["ledger"]
    rows = ledger[(ledger["cell"] == cell) & (ledger["layer"] == "effective")]
    changes = {str(row["cause"]): float(row["mean"]) for row in _rows(rows)}
    return f"{study.names[cell]}: {causes_in_words(changes)}"


def _endings(study: _Study, cell: int) -> dict[str, float]:
    """Share of the alliances of a cell that go on at the horizon, and that ended by each cause."""
    rows = study.tables["survival"]
    last = rows[rows["cell"] == cell].sort_values("month").iloc[-1]
    return {name: float(last[name]) for name in CAUSES_OF_ENDING}


def survival_sentence(study: _Study, cell: int) -> str:
    """How many alliances of a cell go on, when half had ended, and what ended them."""
    shares = _endings(study, cell)
    life = study.lives.get(cell, math.nan)
    half = "more than half go on" if math.isnan(life) else f"half had ended by month {life:.0f}"
    causes = [f"{name} {percent(shares[name])}" for name in CAUSES_OF_ENDING[1:] if shares[name] > 0]
    ended = f"; ended by {', '.join(causes)}" if causes else ""
    return f"{study.names[cell]}: {percent(shares['going on'])} of the alliances go on at the horizon ({half}){ended}"


def headlines(study: _Study) -> list[str]:
    """Three to six sentences: the first outcome, its range of differences, survival and the ledger."""
    lead = study.outcomes[0]
    row = study.mean(study.reference, lead)
    unit = OUTCOMES[lead].unit
    said = [f"{study.names[study.reference]}: {outcome_words(lead)} {_with_interval(row)}{_unit_after(unit)}"]
    said += _extremes(study, lead)
    for outcome in study.outcomes[1:]:
        if len(said) < 4 and len(study.numbers) > 1:
            said += _extremes(study, outcome)[:1]
    said.append(survival_sentence(study, study.reference))
    said.append(ledger_sentence(study, study.reference))
    return said[:6]


def _unit_after(unit: str) -> str:
    return "" if unit in ("share", "trust") else f" {unit}"


def _extremes(study: _Study, outcome: str) -> list[str]:
    """The sentences of the lowest and the highest difference in an outcome; one when there is only one cell."""
    rows = study.paired[(study.paired["outcome"] == outcome) & study.paired["cell"].isin(study.detailed)]
    differences = rows["difference"].reset_index(drop=True).dropna()
    if differences.empty:
        return study.sentences(outcome)[:1]
    return [study.sentences(outcome)[k] for k in sorted({int(differences.idxmin()), int(differences.idxmax())})]


# ---------------------------------------------------------------------------------------------------------------
# The parts of the summary
# ---------------------------------------------------------------------------------------------------------------
def _failed(study: _Study) -> int:
    return len(study.tables["failed"]) if "failed" in study.tables else 0


def _warning(study: _Study) -> str:
    """What a reader must know first when the sweep is not complete; else nothing."""
    if study.manifest["status"] == "complete":
        return ""
    planned = len(study.tables["cells"]) * int(study.manifest["design"]["replicates"])
    missing = len(study.tables["cells"]) - len(study.numbers)
    cells = f" {missing} of {len(study.tables['cells'])} cells have no runs." if missing else ""
    return (
        f"> **Not complete ({study.manifest['status']}).** {len(study.runs):,} of {planned:,} runs are in these "
        f"tables; {_failed(study)} failed.{cells}"
    )


def _compared(study: _Study) -> str:
    resolved = {int(cell["cell"]): cell["resolved"] for cell in study.manifest["cells"]}
    reference = resolved[study.reference]
    rows = []
    for cell in study.numbers:
        if cell == study.reference:
            differs = f"the reference: {_flat(reference['title'])}"
        else:
            differs = "; ".join(differences(reference, resolved[cell])) or "nothing"
        rows.append([study.names[cell], differs])
    design = study.manifest["design"]
    alliances = study.tables["monthly"].query("month == 0 and variable == 'value'")["alliances"]
    settings = "; ".join(f"{key} = {_shown(value)}" for key, value in design["settings"].items())
    lines = [
        f"{len(study.numbers)} cells × {design['replicates']} replicates"
        if len(study.numbers) > 1
        else f"One cell, {design['replicates']} replicates",
        f", {int(alliances.sum()):,} alliances in all, {_months(study)}. ",
        f"Set for every cell: {settings}. " if settings else "",
        "Replicates with the same number share every random draw that both make." if len(study.numbers) > 1 else "",
    ]
    table = _table(["cell", f"what differs from {study.names[study.reference]}"], rows)
    return "".join(lines).strip() + "\n\n" + table


def _months(study: _Study) -> str:
    horizons = sorted({int(cell["resolved"]["months"]) for cell in study.manifest["cells"]})
    return f"{horizons[0]} months" if len(horizons) == 1 else f"{horizons[0]} to {horizons[-1]} months"


def differences(reference: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What a resolved scenario (:meth:`Scenario.plain`) sets otherwise than another: "blame 0.9 (was 0.4)"."""
    before, after = _flattened(reference), _flattened(other)
    listed = [
        f"{key} {_shown(after[key])}" + (f" (was {_shown(before[key])})" if key in before else "")
        for key in after
        if key not in before or before[key] != after[key]
    ]
    return listed + [f"no {key}" for key in before if key not in after and key.startswith("event ")]


def _flattened(scenario: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by name. A trait that all groups share stands alone; else it is named after its group."""
    flat: dict[str, Any] = {key: scenario[key] for key in ("months", "organizations")}
    flat |= scenario["network"] | scenario["parameters"]
    groups = scenario.get("groups") or [{"name": "everyone", "traits": scenario["traits"]}]
    if len(groups) > 1:
        flat["groups"] = ", ".join(f"{group['name']} ({group['share']:g})" for group in groups)
    for trait in groups[0]["traits"]:
        values = [group["traits"][trait] for group in groups]
        if all(value == values[0] for value in values):
            flat[trait] = values[0]
        else:
            flat |= {f"{group['name']}: {trait}": value for group, value in zip(groups, values, strict=True)}
    for event in scenario["events"]:
        if event["enabled"]:
            told = {key: value for key, value in event.items() if key not in ("name", "kind", "enabled")}
            numbers = ", ".join(f"{key} {_shown(value)}" for key, value in told.items())
            flat[f"event {event['name']}"] = f"({event['kind']}: {numbers})"
    return flat


def _shown(value: Any) -> str:
    """A setting as people write it: numbers short, "normal(0.4, 0.1)" for a distribution."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}({_inside(numbers)})" for name, numbers in value.items())
    return _inside(value) if isinstance(value, (list, tuple)) else label_words(str(value))


def _inside(value: Any) -> str:
    return ", ".join(_shown(item) for item in value) if isinstance(value, (list, tuple)) else _shown(value)


def _expected(study: _Study) -> str:
    """The finding that was written beforehand, quoted beside what came out."""
    return (
        f"Written before the first run:\n\n> {_flat(study.manifest['expected'])}\n\n"
        f"What came out:\n\n{_bullets(headlines(study))}"
    )


def _outcome_table(study: _Study) -> str:
    head = ["cell", *(f"{outcome_words(name)}{_unit_in_head(name)}" for name in study.outcomes)]
    rows = [
        [study.names[cell], *(_with_interval(study.mean(cell, name)) for name in study.outcomes)]
        for cell in study.numbers
    ]
    meanings = "; ".join(f"*{outcome_words(name)}*: {OUTCOMES[name].meaning}" for name in study.outcomes)
    return f"Mean and 95% interval.\n\n{_table(head, rows)}\n\n{meanings}."


def _unit_in_head(name: str) -> str:
    unit = OUTCOMES[name].unit
    return "" if unit == "share" else f", {unit}" if unit != outcome_words(name) else ""


def _details(study: _Study) -> str:
    """Every difference from the reference in a sentence, outcome by outcome."""
    if len(study.numbers) < 2:
        return ""
    said = [line for outcome in study.outcomes for line in study.sentences(outcome)]
    head = f"Differences from {study.names[study.reference]}"
    if len(study.detailed) < len(study.numbers):
        head += f"; {len(study.detailed) - 1} cells spread over the ranking by {outcome_words(study.outcomes[0])}"
    return f"{head}:\n\n{_bullets(said)}"


def _survival_table(study: _Study) -> str:
    rows = []
    for cell in study.numbers:
        life, shares = study.lives.get(cell, math.nan), _endings(study, cell)
        half = "later than the horizon" if math.isnan(life) else f"{life:.0f}"
        rows.append([study.names[cell], half, *(percent(shares[name]) for name in CAUSES_OF_ENDING)])
    names = [CAUSES_OF_ENDING[0], *(f"ended by {name}" for name in CAUSES_OF_ENDING[1:])]
    return _table(["cell", "half had ended by month", *names], rows)


def _figures(names: Sequence[str], wanted: Sequence[str]) -> str:
    """Embedded figures whose names begin with one of ``wanted``, in that order, by relative links."""
    shown = [name for start in wanted for name in names if name.startswith(start)]
    return "\n\n".join(f"![{_figure_words(name)}](figures/{name}.png)" for name in shown)


def _figure_words(name: str) -> str:
    start = next((start for start in FIGURE_WORDS if name.startswith(start)), "")
    rest = label_words(name[len(start) :]).strip()
    return FIGURE_WORDS.get(start, name) + (f" ({rest})" if rest else "")


def _sureness(study: _Study) -> list[str]:
    design = study.manifest["design"]
    said = [
        f"{design['replicates']} replicates a cell were asked for; {len(study.runs):,} runs came out, "
        f"{_failed(study)} failed" + _first_error(study)
    ]
    if int(design["replicates"]) == 1:
        said.append("a single replicate gives no interval: no difference here can be told from chance")
    else:
        said.append(
            "an interval holds the mean that endless replicates would give in 95 of 100 such studies (t interval over "
            "replicates, whose alliances share partners); it says nothing about whether the model is right"
        )
    said += _common_numbers(study)
    compared = int((study.paired["n"] > 1).sum())
    if compared > 1:
        said.append(
            f"{compared} differences are reported; where nothing differs, about one in twenty such intervals still "
            "excludes zero by chance"
        )
    return said + _humps(study)


def _first_error(study: _Study) -> str:
    if not _failed(study):
        return ""
    first = _rows(study.tables["failed"].iloc[:1])[0]
    return f" (the first, cell {first['cell']}, replicate {first['replicate']}: {_flat(first['error'])})"


def _common_numbers(study: _Study) -> list[str]:
    """What pairing saved in the first outcome."""
    saved = study.paired.loc[study.paired["outcome"] == study.outcomes[0], "saved"]
    finite = saved[np.isfinite(saved)]
    if finite.empty:
        return []
    low, high = float(finite.min()), float(finite.max())
    times = f"{low:.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f}"
    return [
        f"common random numbers: with independent draws, the same precision in {outcome_words(study.outcomes[0])} "
        f"would have needed {times} times as many replicates"
    ]


def _humps(study: _Study) -> list[str]:
    """Where a mean hides two kinds of alliances."""
    found = analysis.bimodality(study.tables["histogram"])
    return [
        f"{study.names[int(row['cell'])]}: trust at the horizon has two humps, near {row['low_mode']:.2f} "
        f"({percent(row['low_share'])} of the alliances going on) and near {row['high_mode']:.2f} "
        f"({percent(row['high_share'])}); their mean describes neither"
        for row in _rows(found[found["humps"] == 2])[:MOST_DETAILS]
    ]


def _places(study: _Study, figures: Sequence[str]) -> str:
    tables = ", ".join(f"`{name}`" for name in study.tables)
    lines = [
        f"`tables/`: Parquet files {tables}; read them with `pandas.read_parquet`",
        "`manifest.json`: every resolved setting of every cell, units of all columns, versions, checksums",
    ]
    if figures:
        lines.append("`figures/`: every figure as PNG and as SVG")
    return _bullets(lines)


def _reproduce(study: _Study) -> str:
    manifest = study.manifest
    versions = ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())
    git = manifest.get("git")
    commit = f", commit {git['commit'][:12]}{' with changes' if git['dirty'] else ''}" if git else ""
    lines = [
        f"seed {manifest['design']['seed']}; started {manifest['started']}; design {manifest['design_digest'][:12]}, "
        f"code {manifest['code_digest'][:12]}{commit}",
        f"versions: {versions}",
        "the numbers do not depend on the number of threads; other versions or processors may differ in last digits",
    ]
    return f"```\n{manifest['command']}\n```\n\n{_bullets(lines)}"


# ---------------------------------------------------------------------------------------------------------------
# The terminal
# ---------------------------------------------------------------------------------------------------------------
def summary_text(stored: Stored) -> str:
    """The summary for the terminal: an aligned table and a few sentences, at most 40 lines of 100 columns.

    Only the line that names the folder may be longer, as long as its path.
    """
    study = _Study(stored)
    lines = [*textwrap.wrap(_flat(study.manifest["title"]), TERMINAL)[:1]]
    lines += textwrap.wrap(_flat(study.manifest["question"]), TERMINAL, max_lines=2, placeholder=" …")
    if warning := _warning(study):
        lines += textwrap.wrap(warning.replace("> ", "").replace("**", ""), TERMINAL)[:2]
    lines += ["", *_terminal_table(study), ""]
    for said in headlines(study)[:6]:
        lines += textwrap.wrap(_sentence(said), TERMINAL, max_lines=3, placeholder=" …")
    lines += ["", f"Results: {os.path.relpath(study.folder) if _is_near(study.folder) else study.folder}"]
    if (study.folder / "summary.md").is_file():
        lines.append("In that folder: summary.md, figures/, tables/, manifest.json")
    return "\n".join(lines)


def _is_near(folder: Path) -> bool:
    return folder.resolve().is_relative_to(Path.cwd())


def _terminal_table(study: _Study) -> list[str]:
    """Means of up to four outcomes by cell with half the width of their intervals; fewer where names are long."""
    names = [study.names[cell] for cell in study.detailed]
    outcomes = study.outcomes[:4]
    while True:
        head = [textwrap.shorten(outcome_words(name), 20, placeholder=" …") for name in outcomes]
        body = [[_plus_minus(study.mean(cell, name)) for name in outcomes] for cell in study.detailed]
        widths = [max(len(row[k]) for row in [head, *body]) for k in range(len(head))]
        room = TERMINAL - sum(widths) - 2 * len(widths)
        if max(map(len, names)) <= room or len(outcomes) <= 2:
            break
        outcomes = outcomes[:-1]
    longest = min(max(map(len, names)), room)
    lines = [
        "  ".join([name.ljust(longest), *(field.rjust(width) for field, width in zip(row, widths, strict=True))])
        for name, row in zip(["", *(_cut(name, room) for name in names)], [head, *body], strict=True)
    ]
    if len(study.detailed) < len(study.numbers):
        lines.append(f"… {len(study.numbers) - len(study.detailed)} more cells: see summary.md or tables/")
    return lines


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _plus_minus(row: Mapping[str, Any]) -> str:
    """ "0.94 ± 0.02", shares in percent."""
    unit = OUTCOMES[str(row["outcome"])].unit
    mean, low, high = (analysis.in_unit(float(row[key]), unit) for key in ("mean", "low", "high"))
    half = (high - low) / 2.0
    digits = analysis.decimals_for(half, mean)
    sign = "%" if unit == "share" else ""
    shown = _number(mean, digits)
    return f"{shown}{sign}" if math.isnan(half) else f"{shown} ± {half:.{digits}f}{sign}"


# ---------------------------------------------------------------------------------------------------------------
# One history
# ---------------------------------------------------------------------------------------------------------------
def history_text(history: History, alliance: int | None = None) -> str:
    """What happened in one history: how many alliances ended and why, and the ledger of the chosen one in words.

    Args:
        history: what :func:`sim.engine.simulate_history` returns.
        alliance: its number, from 1; None for the mean of all alliances.

    Raises:
        ValueError: when there is no such alliance.
    """
    alliance = analysis.choose_alliance(history, alliance)
    paragraphs = [_all_in_words(history)]
    if alliance is not None:
        paragraphs.append(_one_in_words(history, alliance))
    entries = history.ledger if alliance is None else history.ledger[:, alliance - 1 : alliance]
    totals = entries[:, :, :, EFFECTIVE].sum(axis=0).mean(axis=(0, 1))
    whose = "Mean over all partners" if alliance is None else f"Alliance {alliance}, mean of both partners"
    ledger = causes_in_words(dict(zip(CAUSES, totals.tolist(), strict=True)))
    paragraphs.append(f"{whose}: {ledger}.")
    return "\n".join(textwrap.fill(paragraph, TERMINAL) for paragraph in paragraphs)


def _all_in_words(history: History) -> str:
    last = history.alliances[-1]
    count, months = len(last), history.scenario.months
    causes = {name: int((last["cause"] == code).sum()) for code, name in enumerate(CAUSES_OF_ENDING)}
    ended = count - causes["going on"]
    by = ", ".join(f"{causes[name]} by {name}" for name in CAUSES_OF_ENDING[1:] if causes[name])
    return (
        f"{_flat(history.scenario.title)}, seed {history.seed}, replicate {history.replicate}: of {count} "
        f"{'alliance' if count == 1 else 'alliances'}, {causes['going on']} still going on after {months} months, "
        f"{ended} ended{f' ({by})' if by else ''}."
    )


def _one_in_words(history: History, alliance: int) -> str:
    tie = history.alliances[-1, alliance - 1]
    start, end = float(np.mean(tie.trust_start)), float(np.mean(tie.effective))
    fate = (
        f"still going on after {history.scenario.months} months"
        if tie.alive == 1
        else f"ended in month {int(tie.ended)} by {CAUSES_OF_ENDING[int(tie.cause)]}"
    )
    return (
        f"Alliance {alliance}, {analysis.alliance_name(history, alliance)}: {fate}. Trust went from {start:.2f} to "
        f"{end:.2f}; net value {_number(float(tie.value.sum()), 1)} money; {int(tie.contingencies)} contingencies "
        f"({int(tie.met_together)} met together); {int(tie.problems)} problems ({int(tie.hard_talks)} talked through, "
        f"{int(tie.blames)} blamed on somebody, {int(tie.festered)} left unsaid)."
    )
