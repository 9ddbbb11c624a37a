"""The summary of a result folder in words, for somebody who has to decide and has three minutes.

Every number is computed from the stored tables. :func:`sim.study.page.publish` writes it, with the figures and the
page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np

from sim.dynamics.outcomes import OUTCOMES
from sim.intervals import ALIKE, RULE_OF_THREE
from sim.study.analysis import key_words, label_words, outcome_words, percent, scenario_words
from sim.study.attribution import attributions
from sim.study.words import (
    CENSORED,
    SAMPLED,
    Study,
    asked_for,
    endings,
    failures,
    half_life_words,
    headlines,
    how_many,
    ledger_sentence,
    less_precise_than_wanted,
    one_line,
    raw_survived,
    replicates_words,
    rows_of,
    survival_head,
    warning_of,
    whole_sentence,
    with_interval,
)
from sim.sweeps.recipe import how_again
from sim.text import Markdown, code_block, markdown

MOST_ROWS = 40
"""Longer tables are cut in the summary; the stored tables have all rows."""

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
    "Unless a scenario opens a market (`network.market`), who is allied with whom is given at the start, and partners "
    "neither search nor vet each other nor carry a reputation. Every organization is one mind; a month is the "
    "shortest time.",
    "Means over months are over the alliances still going on, so a rise can also mean that the weak ones have left. "
    "Outcomes count all alliances, ended ones too, unless their meaning says otherwise. An ending is not a failure.",
    "Money is in units of what one alliance makes in a month of plain work.",
)


def summary_markdown(study: Study, figures: Sequence[str] = ()) -> str:
    """The summary as Markdown.

    Args:
        study: a result folder read back.
        figures: names of the figures that are in its ``figures/``.
    """
    parts = [
        f"# {markdown(study.manifest['title'])}",
        f"**Question.** {markdown(study.manifest['question'])}",
        _warning(study),
        "## Expected, and found",
        _expected(study),
        "## What was compared",
        _compared(study),
        "## What happened",
        _outcome_table(study),
        _details(study),
        _figures(figures, ("contrasts", "heat_map", "trajectories", "value_distribution", "trust_humps")),
        *_shared_out(study),
        "### How long the alliances lasted",
        _survival_table(study),
        _figures(figures, ("survival",)),
        "### What built and what destroyed trust",
        _bullets(ledger_sentence(study, cell) for cell in study.detailed),
        _figures(figures, ("ledger",)),
        "## How sure this is",
        _bullets(sureness(study)),
        "## What the model leaves out",
        _bullets(map(Markdown, LIMITS)),
        "## Where things lie",
        _places(study),
    ]
    told = "\n\n".join(part for part in parts if part)
    return f"{told}\n\n## How to reproduce it\n\n{_reproduce(study)}\n"


def _warning(study: Study) -> str:
    """What a reader must know first, its first words in bold; nothing when there is nothing."""
    lead, _, rest = warning_of(study).partition(". ")
    return f"> **{markdown(lead)}.** {markdown(rest)}" if lead else ""


# ---------------------------------------------------------------------------------------------------------------
# Markdown
# ---------------------------------------------------------------------------------------------------------------
def _bullets(items: Iterable[str]) -> str:
    """A list of sentences: each escaped unless it is :class:`sim.text.Markdown`."""
    return "\n".join(f"- {item if isinstance(item, Markdown) else markdown(whole_sentence(item))}" for item in items)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, cut after :data:`MOST_ROWS`; its fields are escaped."""
    lines = [head, [Markdown("---")] * len(head), *rows[:MOST_ROWS]]
    text = "\n".join("| " + " | ".join(map(markdown, line)) + " |" for line in lines)
    return text if len(rows) <= MOST_ROWS else f"{text}\n\n… and {len(rows) - MOST_ROWS} more rows in `tables/`."


# ---------------------------------------------------------------------------------------------------------------
# What was compared
# ---------------------------------------------------------------------------------------------------------------
def _compared(study: Study) -> str:
    resolved = {int(cell["cell"]): cell["resolved"] for cell in study.manifest["cells"]}
    reference = resolved[study.reference]
    rows = []
    for cell in study.numbers:
        if cell == study.reference:
            differs = f"the reference: {one_line(reference['title'])}"
        else:
            differs = "; ".join(differences(reference, resolved[cell])) or "nothing"
        rows.append([study.names[cell], differs])
    design = study.manifest["design"]
    settings = "; ".join(f"{key} = {setting_words(value)}" for key, value in design["settings"].items())
    lines = [
        f"{len(study.numbers)} cells × {replicates_words(study)}"
        if len(study.numbers) > 1
        else f"One cell, {replicates_words(study)}",
        f", {alliances_in(study):,} alliances in all, {months_words(study)}. ",
        f"Set for every cell: {settings}. " if settings else "",
        "Replicates with the same number share every random draw that both make. " if len(study.numbers) > 1 else "",
        f"The reference is {reference_words(study)}. " if len(study.numbers) > 1 else "",
        SAMPLED if study.sampled else "",
    ]
    table = _table(["cell", f"what differs from {study.names[study.reference]}"], rows)
    parts = [markdown("".join(lines)), *([_bullets(study.notes)] if study.notes else []), table, *_whole_names(study)]
    return "\n\n".join(parts)


def _whole_names(study: Study) -> list[str]:
    """What the names are that are shortened everywhere else."""
    names = [Markdown(f"{markdown(said)}: {markdown(whole)}") for said, whole in study.shortened.items()]
    return [f"Names that are shortened here:\n\n{_bullets(names)}"] if names else []


def alliances_in(study: Study) -> int:
    """How many alliances there were in all runs, ended ones too; in a market they are signed as months go by."""
    counted = study.tables["monthly"].query("variable == 'value'")
    return int(counted.groupby("cell")["alliances"].max().sum())


def reference_words(study: Study) -> str:
    """The whole label of the reference in words, and in whose place it stands when the first cell has no runs."""
    first, used = (label_words(str(table["label"].iloc[0])) for table in (study.tables["cells"], study.cells))
    return used if used == first else f"{used} (in place of {first}, which has no runs)"


def months_words(study: Study) -> str:
    """How long the runs are: "144 months", or "60 to 144 months" when cells differ."""
    horizons = sorted({int(cell["resolved"]["months"]) for cell in study.manifest["cells"]})
    return how_many(horizons[0], "month") if len(horizons) == 1 else f"{horizons[0]} to {horizons[-1]} months"


def differences(reference: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What a resolved scenario (:meth:`Scenario.plain`) sets otherwise than another: "blame 0.9 (was 0.4)"."""
    before, after = flattened(reference), flattened(other)
    listed = [
        f"{key} {setting_words(after[key])}" + (f" (was {setting_words(before[key])})" if key in before else "")
        for key in after
        if key not in before or before[key] != after[key]
    ]
    return listed + [f"no {key}" for key in before if key not in after and key.startswith("event ")]


def flattened(scenario: Mapping[str, Any]) -> dict[str, Any]:
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
            told |= {"trait": key_words(event["trait"])} if "trait" in event else {}
            numbers = ", ".join(f"{key} {setting_words(value)}" for key, value in told.items())
            flat[f"event {event['name']}"] = f"({event['kind']}: {numbers})"
    return flat


def setting_words(value: Any) -> str:
    """A setting as people write it: numbers short, "normal(0.4, 0.1)" for a distribution."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}({setting_words(numbers)})" for name, numbers in value.items())
    return ", ".join(map(setting_words, value)) if isinstance(value, (list, tuple)) else str(value)


# ---------------------------------------------------------------------------------------------------------------
# What came out
# ---------------------------------------------------------------------------------------------------------------
def _expected(study: Study) -> str:
    """The finding that was written beforehand, quoted beside what came out."""
    return (
        f"Written before the first run:\n\n> {markdown(study.manifest['expected'])}\n\n"
        f"What came out:\n\n{_bullets([*headlines(study), *study.kinds])}"
    )


def _outcome_table(study: Study) -> str:
    head = ["cell", *(f"{outcome_words(name)}{unit_in_head(name)}" for name in study.outcomes)]
    rows = [
        [study.names[cell], *(with_interval(study.mean(cell, name)) for name in study.outcomes)]
        for cell in study.numbers
    ]
    meanings = "; ".join(f"*{outcome_words(name)}*: {OUTCOMES[name].meaning}" for name in study.outcomes)
    return f"Mean and 95% interval.\n\n{_table(head, rows)}\n\n{meanings}. {raw_survived(study)}".rstrip()


def unit_in_head(name: str) -> str:
    """The unit of an outcome as it follows its name in the head of a column; nothing for a share, shown in percent."""
    unit = OUTCOMES[name].unit
    return "" if unit == "share" else f", {unit}" if unit != outcome_words(name) else ""


def _details(study: Study) -> str:
    """Every difference from the reference in a sentence, outcome by outcome."""
    if len(study.numbers) < 2:
        return ""
    said = [line for outcome in study.outcomes for line in study.sentences(outcome)]
    head = f"Differences from {study.names[study.reference]}"
    if len(study.detailed) < len(study.numbers):
        head += f"; {len(study.detailed) - 1} cells spread over the ranking by {outcome_words(study.outcomes[0])}"
    return f"{markdown(head)}:\n\n{_bullets(said)}"


def _shared_out(study: Study) -> list[str]:
    """For two causes that are each on or off: how much of each outcome's change is due to which."""
    shared = attributions(study.stored)
    return ["### What is due to which cause", *(each.markdown() for each in shared)] if shared else []


def _survival_table(study: Study) -> str:
    rows = [
        [study.names[cell], half_life_words(study, cell), *map(percent, endings(study, cell).values())]
        for cell in study.numbers
    ]
    table = _table(["cell", *survival_head(study)], rows)
    return f"{table}\n\n{CENSORED}" if study.markets else table


def _figures(names: Sequence[str], wanted: Sequence[str]) -> str:
    """Embedded figures whose names begin with one of ``wanted``, in that order, by relative links."""
    shown = [name for start in wanted for name in names if name.startswith(start)]
    return "\n\n".join(f"![{markdown(figure_words(name))}](figures/{quote(name)}.png)" for name in shown)


def figure_words(name: str) -> str:
    """What a figure shows, from its name (:data:`FIGURE_WORDS`), with the scenario when there is one for each."""
    start = next((start for start in FIGURE_WORDS if name.startswith(start)), "")
    rest = scenario_words(name[len(start) :].removeprefix("_"))
    return FIGURE_WORDS.get(start, name) + (f" ({rest})" if rest else "")


# ---------------------------------------------------------------------------------------------------------------
# How sure, where, how again
# ---------------------------------------------------------------------------------------------------------------
def sureness(study: Study) -> list[str]:
    """How sure the result is, a sentence each: replicates, intervals, what common random numbers saved, many tests."""
    design = study.manifest["design"]
    said = [
        f"{asked_for(study)} were asked for; {len(study.runs):,} runs came out, {failures(study)} failed"
        + _first_error(study)
    ]
    if short := less_precise_than_wanted(study):
        said.append(short)
    if int(design["replicates"]) == 1:
        said.append("a single replicate gives no interval: no difference here can be told from chance")
    else:
        said.append(
            "an interval holds the mean that endless replicates would give in 95 of 100 such studies (t interval over "
            "replicates, whose alliances share partners); it says nothing about whether the model is right"
        )
    if alike := int(study.means["method"].isin((RULE_OF_THREE, ALIKE)).sum()):
        said.append(
            f"{how_many(alike, 'mean')} came out alike in every replicate: the interval of a share or of trust then "
            "says what may still happen when it has not in so many (rule of three), and what has no bounds has none"
        )
    said += _common_numbers(study)
    compared = int((study.paired["n"] > 1).sum())
    if compared > 1:
        said.append(
            f"{compared:,} differences are reported; where nothing differs, about one in twenty such intervals still "
            "excludes zero by chance"
        )
    return said


def _first_error(study: Study) -> str:
    if not failures(study):
        return ""
    first = rows_of(study.tables["failed"].iloc[:1])[0]
    return f" (the first, cell {first['cell']}, replicate {first['replicate']}: {one_line(first['error'])})"


def _common_numbers(study: Study) -> list[str]:
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


def _places(study: Study) -> str:
    tables = ", ".join(f"`{name}`" for name in study.tables)
    return _bullets(
        Markdown(whole_sentence(said))
        for said in (
            "`report.html`: all of this and more as one page that stands alone, to send, open in a browser or print",
            "`figures/`: every figure as PNG and as SVG",
            f"`tables/`: Parquet files {tables}; read them with `pandas.read_parquet`, or take them elsewhere with "
            "`alliance export` (CSV, Parquet, NetCDF, RO-Crate)",
            "`manifest.json`: every resolved setting of every cell, units of all columns, versions, checksums",
        )
    )


def _reproduce(study: Study) -> str:
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
    command = f"\n\n{code_block(manifest['command'])}" if manifest["command"] else ""
    return f"{how_again(manifest)}{command}\n\n{_bullets(lines)}"
