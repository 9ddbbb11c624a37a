"""The parts of the page that say what was asked, what was compared and what came out."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import CAUSES
from sim.intervals import digits_of, mean_of
from sim.study import analysis, report
from sim.study.analysis import (
    CAUSE_WORDS,
    factor_names,
    key_words,
    outcome_words,
    percent,
    scenario_words,
    signed,
    unit_words,
)
from sim.study.attribution import attributions
from sim.study.page.findings import (
    LARGE,
    READING_RULE,
    SAME,
    SMALL,
    UNCLEAR,
    UNKNOWN,
    contrasts,
    tally,
)
from sim.study.page.markup import Field, Html, Row, bullets, definitions, element, html, prose, table
from sim.study.words import (
    CENSORED,
    SAMPLED,
    Study,
    asked_for,
    capital,
    endings,
    half_life_words,
    headlines,
    ledger_sentence,
    number,
    one_line,
    raw_survived,
    rows_of,
    survival_head,
    whole_sentence,
    with_interval,
)
from sim.text import named

MOST_FIGURES = 12
"""More pictures would make the page heavy; all are in ``figures/``."""

MOST_SAID = {LARGE: 6, SMALL: 4, UNCLEAR: 4, SAME: 2, UNKNOWN: 4}
"""How many differences of each kind are told in sentences; the table beneath has all."""

MOST_KINDS = 3
"""How many cells with two kinds of alliances are told beside the expectation."""

SMALLEST_CHANGE = 0.0005
"""Change of trust that would be written as zero."""

LEADS = {
    LARGE: "Large",
    SMALL: "Small, but told apart from zero",
    UNCLEAR: "Not told apart from zero",
    SAME: "The same",
    UNKNOWN: "Without an interval",
}
"""How the sentences of each kind are introduced."""


@dataclass(frozen=True)
class Picture:
    """A figure to embed: its name, its PNG file, its title (what came out) and its caption."""

    name: str
    png: bytes
    title: str
    caption: str


class Album:
    """The pictures of a page; gives each its number as it is shown."""

    def __init__(self, pictures: Sequence[Picture]) -> None:
        self._pictures = pictures
        self._shown = 0

    def show(self, *starts: str) -> Html:
        """The figures whose names begin with one of ``starts``, in that order, as long as there is room."""
        wanted = [picture for start in starts for picture in self._pictures if picture.name.startswith(start)]
        return html([self._figure(picture) for picture in wanted[: MOST_FIGURES - self._shown]])

    def _figure(self, picture: Picture) -> Html:
        self._shown += 1
        what = capital(report.figure_words(picture.name))
        alt = f"{what}. {one_line(picture.title)}. {one_line(picture.caption)}"
        source = f"data:image/png;base64,{b64encode(picture.png).decode()}"
        return element(
            "figure",
            element("div", element("img", src=source, alt=alt), tabindex="0", role="region", aria_label=what),
            element("figcaption", f"Figure {self._shown}. {what}. Also in figures/{picture.name}.png and .svg."),
        )


def sentences(items: Sequence[str]) -> Html:
    """A list of whole sentences."""
    return bullets([whole_sentence(item) for item in items])


# ---------------------------------------------------------------------------------------------------------------
# Question, expectation, design
# ---------------------------------------------------------------------------------------------------------------
def question(study: Study) -> Html:
    """The question, the finding expected beforehand, and beside it what came out; two kinds of alliances included."""
    return html(
        [
            prose("p", study.manifest["question"], class_="lead"),
            element("h3", "Expected, before the first run"),
            element("blockquote", prose("p", study.manifest["expected"])),
            element("h3", "What came out"),
            _reference(study),
            sentences([*headlines(study), *study.kinds[:MOST_KINDS]]),
            _met(study),
        ]
    )


def _reference(study: Study) -> Html:
    """Which cell the reference is, where sentences give it a shorter name."""
    whole = report.reference_words(study)
    return Html("") if study.names[study.reference] == whole else element("p", f"The reference is {whole}.")


def _met(study: Study) -> Html:
    """By what numbers the expectation is to be judged."""
    if len(study.numbers) < 2:
        return Html("")
    return html(
        [
            element("h3", "Was the expectation met?"),
            element(
                "p",
                "An expectation in words is judged by its reader. These are the numbers to judge it by: in how many "
                f"cells each outcome is lower or higher than in {study.names[study.reference]}, and from where to "
                "where the differences run.",
            ),
            _sampled(study),
            sentences([tally(contrasts(study, outcome)) for outcome in study.outcomes]),
            element("p", READING_RULE, class_="meta"),
        ]
    )


def _sampled(study: Study) -> Html:
    """A warning where cells are points of a sample, so that the reference is no baseline."""
    return element("p", SAMPLED, class_="notice", role="note") if study.sampled else Html("")


def design(study: Study) -> Html:
    """Scenarios, factors, replicates, seed, and what differs in each cell."""
    plan = study.manifest["design"]
    shared = "Replicates with the same number share every random draw that both cells make (common random numbers)."
    factors = factor_names(plan["factors"])
    facts = [
        ("Scenarios", ", ".join(map(scenario_words, plan["scenarios"]))),
        ("Cells", f"{len(study.tables['cells'])}; the reference is {report.reference_words(study)}"),
        ("Replicates", f"{asked_for(study)} asked for; {len(study.runs):,} runs came out"),
        ("Alliances", f"{report.alliances_in(study):,} in all, {report.months_words(study)}"),
        ("Seed", f"{plan['seed']}. {shared if len(study.numbers) > 1 else ''}"),
        *((f"{_role(name, plan)}: {said}", _levels(plan["factors"][name])) for name, said in factors.items()),
        ("Set for every cell", _settings(plan["settings"])),
        *((capital(key_words(key)), _entry(value)) for key, value in plan.items() if _is_said(key, value)),
        ("Outcomes", ", ".join(outcome_words(name) for name in study.outcomes)),
    ]
    notes = element("div", sentences(study.notes), class_="notice", role="note") if study.notes else Html("")
    return html([notes, definitions(facts), _cells(study), _whole_names(study)])


def _whole_names(study: Study) -> Html:
    """What the names are that are shortened everywhere else."""
    if not study.shortened:
        return Html("")
    return html([element("h3", "Names that are shortened here"), definitions(study.shortened.items())])


def _role(factor: str, plan: dict[str, Any]) -> str:
    """Whether the decision maker chooses a factor, or nobody knows it."""
    if factor in plan.get("levers", ()):
        return "Lever"
    return "Uncertainty" if factor in plan.get("uncertainties", ()) else "Factor"


def _is_said(key: str, value: Any) -> bool:
    """Whether an entry of the design still has to be said: it says something, and no line of its own does."""
    told = ("scenarios", "replicates", "max_replicates", "precision", "seed", "settings")
    factors = ("factors", "levers", "uncertainties")
    return key not in told + factors and _says(value)


def _says(value: Any) -> bool:
    return value not in ({}, [], None)


def _entry(value: Any) -> str:
    """An entry of the design in words; a table of entries one after the other, its kind first and without a name."""
    if not isinstance(value, dict):
        return report.setting_words(value)
    said = (
        key_words(_part(part)) if key == "kind" else f"{key_words(key)} {_part(part)}"
        for key, part in value.items()
        if _says(part)
    )
    return ", ".join(said)


def _part(value: Any) -> str:
    """A part of an entry: settings by name; of a list of points their number, since the table of cells has them."""
    if isinstance(value, dict):
        return ", ".join(f"{name} = {report.setting_words(value[key])}" for key, name in factor_names(value).items())
    return str(len(value)) if isinstance(value, list) else report.setting_words(value)


def _levels(levels: Any) -> str:
    """Levels one by one; a range, which is sampled, by its ends."""
    if isinstance(levels, dict):
        return f"from {report.setting_words(levels['low'])} to {report.setting_words(levels['high'])}" + (
            f", {levels['scale']} scale" if "scale" in levels else ""
        )
    names = [str(level["label"]) if _is_named(level) else report.setting_words(level) for level in levels]
    return f"{len(names)} levels: {', '.join(names)}"


def _is_named(level: Any) -> bool:
    return isinstance(level, dict) and set(level) == {"label", "value"}


def _settings(settings: dict[str, Any]) -> Html | str:
    """Settings of every cell as a list, which is easier to read than a line of many."""
    return bullets([f"{key} = {report.setting_words(value)}" for key, value in settings.items()]) if settings else ""


def _cells(study: Study) -> Html:
    """Every cell with its factors; without factors, with what it sets otherwise than the reference."""
    factors = [name for name in study.manifest["design"].get("factors", {}) if name in study.cells]
    if factors:
        columns = ["scenario", *factors] if study.cells["scenario"].nunique() > 1 else factors
        rows = [
            [study.names[int(row["cell"])], *(_level(name, row[name]) for name in columns)]
            for row in rows_of(study.cells)
        ]
        head = ["cell", *factor_names(columns).values()]
        return table("Every cell and the levels of its factors.", head, rows)
    resolved = {int(cell["cell"]): cell["resolved"] for cell in study.manifest["cells"]}
    reference = resolved[study.reference]
    described = [
        [study.names[cell], one_line(resolved[cell]["title"]), _differing(reference, resolved[cell])]
        for cell in study.numbers
    ]
    head = ["cell", "title", f"what differs from {study.names[study.reference]}"]
    return table("Every cell and what is set otherwise than in the reference.", head, described)


def _differing(reference: dict[str, Any], other: dict[str, Any]) -> str:
    return "the reference" if other is reference else "; ".join(report.differences(reference, other)) or "nothing"


def _level(factor: str, value: Any) -> Field | str:
    """A factor's level: numbers sort by size, words by the alphabet."""
    if isinstance(value, (bool, str)):
        return scenario_words(str(value)) if factor == "scenario" else named(value)
    return Field(report.setting_words(float(value)), float(value))


# ---------------------------------------------------------------------------------------------------------------
# Findings
# ---------------------------------------------------------------------------------------------------------------
def differences(study: Study, album: Album) -> Html:
    """Means, and outcome by outcome the differences from the reference: in words first, then all in a table."""
    parts: list[Html] = [_means(study), album.show("contrasts", "heat_map"), *_shared_out(study)]
    if len(study.numbers) > 1:
        parts.append(element("p", READING_RULE, class_="meta"))
        parts += [_outcome(study, outcome) for outcome in study.outcomes]
    return html(parts)


def _shared_out(study: Study) -> list[Html]:
    """For two causes that are each on or off: how much of each outcome's change is due to which, outcome by outcome."""
    parts = []
    for shared in attributions(study.stored):
        head, *body = shared.rows()
        numbers = shared.table.set_index("part").loc[list(shared.parts()), ["amount", "share"]].to_numpy()
        rows: list[Row] = [
            [words, *(Field(shown, float(key)) for shown, key in zip(fields, keys, strict=True))]
            for (words, *fields), keys in zip(body, numbers, strict=True)
        ]
        caption = f"{capital(outcome_words(shared.outcome))}: its change shared out between the two causes."
        parts.append(html([sentences([shared.sentence()]), table(caption, head, rows)]))
    return [element("h3", "What is due to which cause"), *parts] if parts else []


def _means(study: Study) -> Html:
    """Means of the outcomes with their intervals, a row a cell, and what the outcomes mean."""
    by_cell = {(row["cell"], row["outcome"]): row for row in rows_of(study.means)}
    head = ["cell", *(f"{outcome_words(name)}{report.unit_in_head(name)}" for name in study.outcomes)]
    rows: list[Row] = [
        [study.names[cell], *(_mean(by_cell[cell, name]) for name in study.outcomes)] for cell in study.numbers
    ]
    meanings = [(outcome_words(name), OUTCOMES[name].meaning) for name in study.outcomes]
    note = raw_survived(study)
    return html(
        [
            table("Mean of each outcome and its 95% interval.", head, rows),
            definitions(meanings),
            element("p", note, class_="notice", role="note") if note else "",
        ]
    )


def _mean(row: dict[str, Any]) -> Field:
    return Field(with_interval(row), float(row["mean"]))


def _outcome(study: Study, outcome: str) -> Html:
    """The differences in one outcome: the largest in sentences, by how they read, then all in a table."""
    rows = contrasts(study, outcome)
    parts = [element("h3", capital(outcome_words(outcome)))]
    for kind, most in MOST_SAID.items():
        those = [row for row in rows if row["reading"] == kind]
        if those:
            rest = f" (the {most} largest of {len(those)})" if len(those) > most else ""
            parts.append(element("p", element("strong", LEADS[kind]), rest))
            parts.append(sentences([row["sentence"] for row in those[:most]]))
    return html([*parts, _contrast_table(study, outcome, rows)])


def _contrast_table(study: Study, outcome: str, rows: Sequence[dict[str, Any]]) -> Html:
    unit = OUTCOMES[outcome].unit
    shown = f", in{unit_words(outcome)}" if unit_words(outcome) else ""
    head = ["cell", "its mean", "difference", "from", "to", "replicates", "reads as"]
    body: list[Row] = [
        [row["name"], *(_amount(row, key, unit) for key in ("mean", "difference", "low", "high")), _count(row["n"]),
         row["reading"]]
        for row in rows
    ]  # fmt: skip
    caption = (
        f"{capital(outcome_words(outcome))}: difference from {study.names[study.reference]} and its 95% interval"
        f"{shown}; the largest first."
    )
    return table(caption, head, body)


def _amount(row: dict[str, Any], key: str, unit: str) -> Field:
    """A number of a contrast, with as many decimals as its interval deserves; differences with their sign."""
    value, digits = analysis.in_unit(float(row[key]), unit), digits_of(analysis.sure_of(row, "difference"))
    if math.isnan(value):
        return Field("–")
    return Field(number(value, digits) if key == "mean" else signed(value, digits), value)


def _count(value: float) -> Field:
    return Field(f"{int(value):,}", float(value))


# ---------------------------------------------------------------------------------------------------------------
# Time, spread, ledger
# ---------------------------------------------------------------------------------------------------------------
def over_time(study: Study, album: Album) -> Html:
    """Trajectories and survival, and how the alliances had ended by the horizon; in a market, by their age."""
    head = ["cell", *survival_head(study)]
    rows: list[Row] = [[study.names[cell], _half_life(study, cell), *_endings(study, cell)] for cell in study.numbers]
    caption = "What had become of the alliances at the horizon, as shares of all; an ending is not a failure."
    if study.markets:
        caption = f"What becomes of alliances; an ending is not a failure. {CENSORED}"
    return html([_lifetimes(study), album.show("trajectories", "survival"), table(caption, head, rows)])


def _lifetimes(study: Study) -> Html:
    """How much longer alliances last than in the reference, and how sure that is; needs a row for every alliance."""
    from sim.study.survival import survival  # it draws, and Matplotlib takes a while to import

    alliances = study.stored.alliances("cell", "replicate", "duration", "cause")
    if alliances is None:
        return Html("")
    cells = study.cells[study.cells["cell"].isin(study.detailed)]
    answer = survival(alliances[alliances["cell"].isin(study.detailed)], cells)
    return element("p", answer.sentence)


def _half_life(study: Study, cell: int) -> Field:
    life = study.lives.get(cell, math.nan)
    return Field(half_life_words(study, cell), math.inf if math.isnan(life) else life)


def _endings(study: Study, cell: int) -> list[Field]:
    return [Field(percent(share), share) for share in endings(study, cell).values()]


def spread(study: Study, album: Album) -> Html:
    """Whether the alliances of a cell are of one kind or of two, which a mean would hide."""
    said = (
        element("div", sentences(study.kinds), class_="notice", role="note")
        if study.kinds
        else element("p", "In no cell does trust or communication at the horizon have two humps.")
    )
    note = (
        "A mean describes the alliances of a cell only where they are of one kind. Trust and communication at the "
        "horizon, among the alliances still going on, are searched for two humps: two peaks with a valley between them "
        f"below {percent(analysis.DEEPEST_VALLEY)} of the lower one, at least {percent(analysis.SMALLEST_HUMP)} of the "
        f"alliances on each side, and a depth of {analysis.VALLEY_ERRORS:g} standard errors. A pile-up within "
        f"{analysis.BANDWIDTH:g} of 0 or 1, where a variable is held, is a hump only beside a valley below "
        f"{percent(analysis.EMPTY_VALLEY)}. A hump that only chance blurs can go unseen with few alliances."
    )
    return html(
        [
            said,
            element("p", note),
            album.show("value_distribution", "trust_humps"),
            _hump_table(study),
        ]
    )


def _hump_table(study: Study) -> Html:
    head = ["cell", "variable", "alliances", "humps", "highest peak", "lower hump", "higher hump"]
    body: list[Row] = [
        [
            study.names[int(row["cell"])],
            str(row["variable"]),
            _count(row["n"]),
            _count(row["humps"]),
            Field(number(float(row["mode"]), 2), float(row["mode"])),
            _hump(row, "low"),
            _hump(row, "high"),
        ]
        for row in sorted(rows_of(study.humps), key=lambda row: -row["humps"])
    ]
    return table("Humps of trust and communication at the horizon: where each lies and what it holds.", head, body)


def _hump(row: dict[str, Any], which: str) -> Field:
    mode, share = float(row[f"{which}_mode"]), float(row[f"{which}_share"])
    return Field("–") if math.isnan(mode) else Field(f"{mode:.2f} ({percent(share)})", mode)


def ledger(study: Study, album: Album) -> Html:
    """The ledger of effective trust: some cells in sentences, all in a table."""
    rows = study.tables["ledger"].query("layer == 'effective'")
    changes = rows.pivot(index="cell", columns="cause", values="mean").fillna(0.0)
    causes = [name for name in CAUSES if name in changes and changes[name].abs().max() >= SMALLEST_CHANGE]
    by_run = dict(iter(study.tables["run_ledger"].groupby("cell")))
    body: list[Row] = [
        [study.names[cell], *(_change(by_run[cell][name]) for name in ("change", *causes))] for cell in study.numbers
    ]
    caption = (
        "Mean change of a partner's effective trust over the life of an alliance, in all and by cause; causes that "
        f"move less than {SMALLEST_CHANGE:g} in every cell are left out."
    )
    return html(
        [
            sentences([ledger_sentence(study, cell) for cell in study.detailed]),
            album.show("ledger"),
            table(caption, ["cell", "in all", *(CAUSE_WORDS[name] for name in causes)], body),
        ]
    )


def _change(values: pd.Series) -> Field:
    """The mean of a change over replicates, with the digits that its interval deserves."""
    found = mean_of(values)
    return Field(signed(found.estimate, digits_of(found)), found.estimate)
