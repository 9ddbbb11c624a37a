"""A result in sentences: what the summary of a folder and the terminal both say, and how numbers are written.

Every number is computed from the stored tables. How outcomes, labels and differences are called is in
:mod:`sim.study.analysis`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pandas as pd

from sim.dynamics.outcomes import OUTCOMES
from sim.dynamics.state import CAUSES_OF_ENDING
from sim.intervals import shown, written
from sim.scenario import Scenario
from sim.study import analysis
from sim.study.analysis import CAUSE_WORDS, outcome_words, percent, sentence, short_labels, signed, unit_words
from sim.sweeps.design import unlike
from sim.sweeps.reading import Stored
from sim.sweeps.sampling import LATIN_HYPERCUBE, LIST, SOBOL

MOST_DETAILS = 6
"""Cells that are described one by one; with more, a choice that shows the range, the same as in the figures."""

MOST_NAMED = 3
"""Cells without runs that are named; of more, their number says enough."""

LONG_NAME = 40
"""A reference with a longer name is called :data:`REFERENCE`, since every sentence names it."""

REFERENCE = "the reference"
"""What a reference with a long name is called."""

HUMPED = ("trust", "communication")
"""Variables whose distribution over the alliances is searched for two humps."""

SAMPLED = (
    "The cells are points sampled over ranges. The reference is only the first of them: a difference from it is not "
    "the effect of a factor. Which factor matters is the question of a sensitivity analysis."
)
"""Said of a result whose cells are no baseline and its variants."""


RAW_SURVIVED = (
    f"In a market, the {analysis.outcome_words('survived')} is a raw share: of all alliances that a run has ever had, "
    "those that go on at its end, some of them young. How long alliances last is estimated by months since the "
    "signature."
)
"""Said of the outcome ``survived`` where alliances are signed all through the run."""

CENSORED = (
    "In a market, months are those since the signature of each alliance, and shares are estimates of what becomes of "
    "an alliance that is as old as the run is long (Aalen–Johansen; those younger than that at its end are censored)."
)
"""Said of survival where alliances are signed all through the run."""


class Study:
    """A result folder with what every part of the summary and of the page needs, computed once."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self.folder = stored.folder
        self.manifest = stored.manifest
        self.tables = stored.tables
        self.runs = stored.tables["runs"]
        self.outcomes = analysis.told_outcomes(stored.manifest, self.runs)
        planned = stored.tables["cells"]
        self.cells = planned[planned["cell"].isin(self.runs["cell"].unique())]
        self.numbers = [int(cell) for cell in self.cells["cell"]]
        short = short_labels([str(label) for label in self.cells["label"]])
        self.names = dict(zip(self.numbers, short, strict=True))
        self.reference = self.numbers[0]
        if len(self.names[self.reference]) > LONG_NAME:
            self.names[self.reference] = REFERENCE
        self.means = analysis.cell_means(self.runs, self.outcomes)
        self.paired = analysis.paired(self.runs, self.reference, self.outcomes)
        self.lives = analysis.half_life(self.tables["survival"])
        self.markets = analysis.market_cells(self.manifest).intersection(self.numbers)
        self.detailed = analysis.spread_cells(self.runs, self.outcomes[0], MOST_DETAILS)
        self._mean_of = {(row["cell"], row["outcome"]): row for row in rows_of(self.means)}

    @cached_property
    def shortened(self) -> dict[str, str]:
        """Names of an author's own that are too long to be shown whole, as they are shown and as they are."""
        return analysis.shortened_names(str(label) for label in self.cells["label"])

    @cached_property
    def humps(self) -> pd.DataFrame:
        """Humps at the horizon of each cell: :func:`sim.study.analysis.bimodality` for each of :data:`HUMPED`.

        Its column ``variable`` says of what.
        """
        found = [analysis.bimodality(self.tables["histogram"], name).assign(variable=name) for name in HUMPED]
        return pd.concat(found, ignore_index=True)

    @cached_property
    def sureness(self) -> pd.DataFrame:
        """How sure the first :data:`MOST_DETAILS` distributions with two humps are: tables of :mod:`sim.study.humps`.

        Besides, column ``variable`` says of what, and ``sure`` whether both humps are beyond chance.
        """
        from sim.study.humps import beyond_chance, humps  # it draws, and Matplotlib takes a while to import

        two = self.humps[self.humps["humps"] == 2].head(MOST_DETAILS)
        found = []
        for variable, rows in two.groupby("variable", sort=False):
            cells = self.cells[self.cells["cell"].isin(rows["cell"])]
            alliances = self.stored.alliances("cell", "replicate", "cause", str(variable))
            table = humps(self.tables["histogram"], cells, str(variable), alliances).table
            names = [self.names[int(cell)] for cell in table["cell"]]
            found.append(table.assign(label=names, variable=variable, sure=beyond_chance(table)))
        return pd.concat(found, ignore_index=True) if found else two.assign(sure=False)

    @property
    def split(self) -> list[int]:
        """Numbers of the cells whose mean of trust describes nobody, beyond chance: those that :attr:`sureness` has."""
        rows = self.sureness[self.sureness["variable"] == "trust"]
        return [int(row["cell"]) for row in rows_of(rows) if row["sure"]]

    @cached_property
    def kinds(self) -> list[str]:
        """Where the alliances of a cell are of two kinds, a sentence for each row of :attr:`sureness`."""
        from sim.study.humps import hump_sentences

        of_variable = self.sureness.groupby("variable", sort=False)
        return [said for variable, rows in of_variable for said in hump_sentences(rows, str(variable))]

    @cached_property
    def notes(self) -> list[str]:
        """What is compared over what, and what had no effect: known before the first run, or seen in the runs."""
        before = self.manifest.get("notes")
        if before is None:
            resolved = (cell["resolved"] for cell in self.manifest["cells"] if cell["cell"] in self.numbers)
            before = unlike(Scenario.from_plain(each) for each in resolved)
        return [*before, *self._unmoved()]

    def _unmoved(self) -> list[str]:
        """Cells in which every outcome of every run is that of the reference, and factors that move nothing at all."""
        outcomes = [name for name in OUTCOMES if name in self.runs]
        found = _digests(self.runs, outcomes)
        factors = [name for name in self.manifest["design"].get("factors", {}) if name in self.cells]
        if factors:
            names = analysis.factor_names(factors)
            still = [name for name in factors if _moves_nothing(self.cells, name, factors, found)]
            return [f"{names[name]} changes nothing here, bit for bit" for name in still]
        same = [cell for cell in self.numbers[1:] if found[cell] == found[self.reference]]
        reference = self.names[self.reference]
        return [f"{self.names[cell]} changes nothing against {reference}, bit for bit" for cell in same]

    @property
    def sampled(self) -> bool:
        """Whether the cells are points of a sample, so that the reference is no baseline.

        One at a time the ends of a range are levels, and the reference is the base. A list over ranges may be a sample
        that was drawn elsewhere.
        """
        design = self.manifest["design"]
        ranges = any(isinstance(levels, Mapping) for levels in design["factors"].values())
        kind = design["design"]["kind"]
        return kind in (LATIN_HYPERCUBE, SOBOL) or (kind == LIST and ranges)

    def sentences(self, outcome: str) -> list[str]:
        """Paired differences of the cells that are described, in words, with short names."""
        rows = self.paired[(self.paired["outcome"] == outcome) & self.paired["cell"].isin(self.detailed)]
        reference = self.names[self.reference]
        return [sentence({**row, "label": self.names[row["cell"]], "reference": reference}) for row in rows_of(rows)]

    def mean(self, cell: int, outcome: str) -> dict[str, Any]:
        """Row of :func:`sim.study.analysis.cell_means`."""
        return self._mean_of[cell, outcome]


def _digests(runs: pd.DataFrame, outcomes: list[str]) -> pd.Series:
    """By cell, a number that is the same where every bit of the outcomes is, replicate by replicate."""
    of_runs = pd.util.hash_pandas_object(runs[["replicate", *outcomes]], index=False)
    return of_runs.groupby(runs["cell"]).sum()


def _moves_nothing(cells: pd.DataFrame, factor: str, factors: list[str], found: pd.Series) -> bool:
    """Whether cells that differ in one factor alone are there, and all such have the same outcomes."""
    others = ["scenario", *(name for name in factors if name != factor)]
    alike = cells[cells.duplicated(others, keep=False)]
    if alike.empty:
        return False
    kinds = alike.assign(found=alike["cell"].map(found)).groupby(others, dropna=False)["found"].nunique()
    return bool(kinds.max() == 1)


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as dictionaries of plain values."""
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False, name=None)]


# ---------------------------------------------------------------------------------------------------------------
# Text and numbers
# ---------------------------------------------------------------------------------------------------------------
def one_line(text: str) -> str:
    """Text without line breaks, its words one space apart."""
    return " ".join(str(text).split())


def how_many(number: int, noun: str) -> str:
    """ "1 month", "1,200 months"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def capital(text: str) -> str:
    """Text with a capital first, the rest as it is; a name with ``_`` in its first word is no word and stays."""
    return text if "_" in text.partition(" ")[0] else text[:1].upper() + text[1:]


def whole_sentence(text: str) -> str:
    """With a capital first and a full stop last."""
    text = capital(text)
    return text if text.endswith((".", "!", "?")) else f"{text}."


def number(value: float, digits: int) -> str:
    """A number with a true minus, and none before zero; a dash when it is not defined."""
    return written(value, digits)


def with_interval(row: Mapping[str, Any]) -> str:
    """ "0.940 (0.921 to 0.959)", shares in percent; without an interval from a single replicate."""
    return shown(analysis.sure_of(row, "mean"), "%" if OUTCOMES[str(row["outcome"])].unit == "share" else "")


# ---------------------------------------------------------------------------------------------------------------
# Findings
# ---------------------------------------------------------------------------------------------------------------
def causes_in_words(changes: Mapping[str, float]) -> str:
    """What built and what destroyed trust: the three largest causes each way, all else, and the sum.

    Args:
        changes: change of trust by cause, keys as in ``sim.dynamics.state.CAUSES``.
    """
    gains = sorted((c for c in changes if changes[c] >= 0.005), key=lambda c: -changes[c])[:3]
    losses = sorted((c for c in changes if changes[c] <= -0.005), key=lambda c: changes[c])[:3]
    built = ", ".join(f"{CAUSE_WORDS[cause]} {signed(changes[cause])}" for cause in gains) or "nothing"
    lost = ", ".join(f"{CAUSE_WORDS[cause]} {signed(changes[cause])}" for cause in losses) or "nothing"
    total = sum(changes.values())
    rest = round(total, 2) - sum(round(changes[cause], 2) for cause in (*gains, *losses))  # so that it adds up as shown
    others = f"; all else {signed(rest)}" if round(rest, 2) else ""
    return f"trust was built by {built}; destroyed by {lost}{others}; in all {signed(total)}"


def ledger_sentence(study: Study, cell: int) -> str:
    """The ledger of effective trust of one cell in words."""
    ledger = study.tables["ledger"]
    rows = ledger[(ledger["cell"] == cell) & (ledger["layer"] == "effective")]
    changes = {str(row["cause"]): float(row["mean"]) for row in rows_of(rows)}
    return f"{study.names[cell]}: {causes_in_words(changes)}"


def endings(study: Study, cell: int) -> dict[str, float]:
    """Share of the alliances of a cell that go on at the horizon, and that ended by each cause."""
    rows = study.tables["survival"]
    last = rows[rows["cell"] == cell].sort_values("month").iloc[-1]
    return {name: float(last[name]) for name in CAUSES_OF_ENDING}


def survival_sentence(study: Study, cell: int) -> str:
    """How many alliances of a cell go on, when half had ended, and what ended them; in a market, by their age."""
    shares = endings(study, cell)
    life = study.lives.get(cell, math.nan)
    causes = [f"{name} {percent(shares[name])}" for name in CAUSES_OF_ENDING[1:] if shares[name] > 0]
    ended = f"; ended by {', '.join(causes)}" if causes else ""
    name, lasting = study.names[cell], percent(shares["going on"])
    if cell in study.markets:
        rows = study.tables["survival"]
        oldest = int(rows.loc[rows["cell"] == cell, "month"].max())
        half = "more than half do"
        if not math.isnan(life):
            half = f"half end within {how_many(round(life), 'month')} of the signature"
        estimated = "estimated, those still young are censored"
        return f"{name}: of alliances, {lasting} last {how_many(oldest, 'month')} ({half}; {estimated}){ended}"
    half = "more than half go on" if math.isnan(life) else f"half had ended by month {life:.0f}"
    return f"{name}: {lasting} of the alliances go on at the horizon ({half}){ended}"


def survival_head(study: Study) -> list[str]:
    """Heads of the columns of half-life and endings: months of age, and shares, for which :data:`CENSORED` is said."""
    half, lasting = "half had ended by month", CAUSES_OF_ENDING[0]
    if study.markets:
        half, lasting = "half had ended by month since the signature", "lasting as long as the run"
    return [half, lasting, *(f"ended by {name}" for name in CAUSES_OF_ENDING[1:])]


def half_life_words(study: Study, cell: int) -> str:
    """The month by which half of a cell's alliances had ended, as it stands in a column."""
    life = study.lives.get(cell, math.nan)
    if not math.isnan(life):
        return f"{life:.0f}"
    return "later than the run is long" if cell in study.markets else "later than the horizon"


def raw_survived(study: Study) -> str:
    """:data:`RAW_SURVIVED` where it has to be said, else nothing."""
    return RAW_SURVIVED if study.markets and "survived" in study.outcomes else ""


def headlines(study: Study) -> list[str]:
    """Three to six sentences: the first outcome, its range of differences, survival and the ledger."""
    lead = study.outcomes[0]
    row = study.mean(study.reference, lead)
    bare = math.isnan(row["mean"]) or OUTCOMES[lead].unit == "share"
    unit = "" if bare else unit_words(lead)
    beside = "".join(_beside(study, name) for name in analysis.BESIDE.get(lead, ()) if name in study.outcomes)
    said = [f"{study.names[study.reference]}: {outcome_words(lead)} {with_interval(row)}{unit}{beside}"]
    said += _extremes(study, lead)
    for outcome in study.outcomes[1:]:
        if len(said) < 4 and len(study.numbers) > 1:
            said += _extremes(study, outcome)[:1]
    said.append(survival_sentence(study, study.reference))
    said.append(ledger_sentence(study, study.reference))
    return said[:6]


def _beside(study: Study, outcome: str) -> str:
    """ "; gain over outside option 17.7 (15.2 to 20.1) money", of the reference."""
    row = study.mean(study.reference, outcome)
    bare = math.isnan(row["mean"]) or OUTCOMES[outcome].unit == "share"
    return f"; {outcome_words(outcome)} {with_interval(row)}{'' if bare else unit_words(outcome)}"


def _extremes(study: Study, outcome: str) -> list[str]:
    """The sentences of the lowest and the highest difference in an outcome; one when there is only one cell."""
    rows = study.paired[(study.paired["outcome"] == outcome) & study.paired["cell"].isin(study.detailed)]
    differences = rows["difference"].reset_index(drop=True).dropna()
    if differences.empty:
        return study.sentences(outcome)[:1]
    return [study.sentences(outcome)[k] for k in sorted({int(differences.idxmin()), int(differences.idxmax())})]


def failures(study: Study) -> int:
    """How many runs failed."""
    return len(study.tables["failed"]) if "failed" in study.tables else 0


def warning_of(study: Study) -> str:
    """What a reader must know first: that the sweep is not complete, or less precise than wanted; else nothing."""
    if study.manifest["status"] == "complete":
        short = less_precise_than_wanted(study)
        return f"Less precise than wanted. {capital(short)}." if short else ""
    count, plan = len(study.tables["cells"]), study.manifest["plan"]
    planned = f"{count * int(plan['most']):,}"
    if plan["precision"]:
        planned = f"{count * int(plan['batch']):,} to {planned}"
    return (
        f"Not complete ({study.manifest['status']}). {len(study.runs):,} of {planned} runs are in these "
        f"tables; {failures(study)} failed.{_without_runs(study)}"
    )


def _without_runs(study: Study) -> str:
    """How many cells have no runs, and which they are when they are few."""
    planned = study.tables["cells"]
    names = dict(zip(planned["cell"], short_labels([str(label) for label in planned["label"]]), strict=True))
    missing = [name for cell, name in names.items() if cell not in study.numbers]
    if not missing:
        return ""
    which = f": {', '.join(missing)}" if len(missing) <= MOST_NAMED else ""
    return f" {len(missing)} of {len(names)} cells {'has' if len(missing) == 1 else 'have'} no runs{which}."


def asked_for(study: Study) -> str:
    """How many replicates a cell, or until when."""
    plan = study.manifest["plan"]
    if not plan["precision"]:
        return f"{replicates_words(study)} a cell"
    wanted = " and ".join(f"{outcome_words(outcome)} ± {half:g}" for outcome, half in plan["precision"].items())
    return f"{replicates_words(study)} a cell, until {wanted} was reached,"


def replicates_words(study: Study) -> str:
    """ "30 replicates", or "20 to 200 replicates" where a cell has as many as its precision takes."""
    plan = study.manifest["plan"]
    most = how_many(int(plan["most"]), "replicate")
    return f"{plan['batch']:,} to {most}" if plan["precision"] else most


def _apart_from(wanted: float, wider: float) -> str:
    """A half-width in as few digits, from two on, as it takes to read wider than the wanted one."""
    texts = (f"{wider:.{digits}g}" for digits in range(2, 17))
    return next((text for text in texts if float(text) > wanted), f"{wider:g}")


def less_precise_than_wanted(study: Study) -> str:
    """In how many cells the wanted half-width was not reached at ``max_replicates``; empty when in none."""
    plan = study.manifest["plan"]
    reached = [cell["half_widths"] for cell in study.manifest["cells"] if "half_widths" in cell]
    said = []
    for outcome, wanted in plan["precision"].items():
        short = [widths[outcome] for widths in reached if widths[outcome] is None or widths[outcome] > wanted]
        if short:
            worst = "not defined" if None in short else f"± {_apart_from(wanted, max(short))}"
            said.append(
                f"in {len(short)} of {len(reached)} cells the interval of {outcome_words(outcome)} is wider than "
                f"± {wanted:g} (the widest: {worst})"
            )
    return f"{'; '.join(said)} after {plan['most']:,} replicates, the most allowed" if said else ""
