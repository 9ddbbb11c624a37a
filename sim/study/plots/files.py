"""Every figure of a result folder."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd
from matplotlib.figure import Figure
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from sim.study import analysis
from sim.study.analysis import outcome_words, scenario_words
from sim.study.plots.comparisons import contrasts, heat_map, ledger
from sim.study.plots.distributions import trust_humps, value_distribution
from sim.study.plots.frame import MOST_CELLS
from sim.study.plots.over_time import survival, trajectories
from sim.sweeps.reading import Stored
from sim.sweeps.sampling import GRID

MOST_CONTRASTS = 13
"""Most cells in the figure of contrasts, the reference with them."""


def draw_all(stored: Stored, sure: Collection[int] | None = None) -> dict[str, Figure]:
    """Every figure that a result folder has the data for, by name.

    Survival is drawn when an alliance ended; contrasts need two cells; heat maps a grid of two factors whose levels are
    numbers; humps are drawn when trust at the horizon has two humps in some cell. With more than :data:`MOST_CELLS`
    cells the figures over months show a choice of them, with more than :data:`MOST_CONTRASTS` that of contrasts.

    Args:
        stored: a result folder read back.
        sure: numbers of the cells whose two humps of trust are beyond chance; without it all that have two are titled.
    """
    tables = stored.tables
    runs = tables["runs"]
    outcomes = analysis.told_outcomes(stored.manifest, runs)
    done = tables["cells"][tables["cells"]["cell"].isin(runs["cell"].unique())]
    chosen = analysis.spread_cells(runs, outcomes[0], MOST_CELLS)
    cells = done[done["cell"].isin(chosen)]
    note = "" if len(cells) == len(done) else _choice(len(cells), len(done), outcomes[0])
    ends = sorted({int(cell["resolved"]["months"]) for cell in stored.manifest["cells"]})
    if len(ends) > 1:
        note = f"Cells run for {ends[0]} to {ends[-1]} months, each to its own end. {note}".strip()
    market = bool(analysis.market_cells(stored.manifest).intersection(done["cell"]))
    figures = {
        "trajectories": trajectories(tables["monthly"], cells, note=note, market=market),
        "value_distribution": value_distribution(tables["histogram"], cells, tables["monthly"], note, market, runs),
        "ledger": ledger(tables["ledger"], cells, note=note),
    }
    if (tables["survival"]["going on"] < 1.0).any():
        figures["survival"] = survival(tables["survival"], cells, note, market)
    humps = analysis.bimodality(tables["histogram"])
    if (humps["humps"] == 2).any():
        shown = _humped(done, humps, chosen)
        figures["trust_humps"] = trust_humps(tables["histogram"], shown, note=note, market=market, sure=sure)
    if len(done) > 1:
        reference = int(done["cell"].iloc[0])
        some = analysis.spread_cells(runs, outcomes[0], MOST_CONTRASTS)
        left_out = "" if len(some) == len(done) else _choice(len(some), len(done), outcomes[0])
        figures["contrasts"] = contrasts(analysis.paired(runs[runs["cell"].isin(some)], reference, outcomes), left_out)
    return figures | _heat_maps(stored, runs, outcomes[0])


def _choice(shown: int, done: int, outcome: str) -> str:
    return f"{shown} of {done} cells: the reference and others spread over the ranking by {outcome_words(outcome)}."


def _humped(cells: pd.DataFrame, humps: pd.DataFrame, chosen: Sequence[int]) -> pd.DataFrame:
    """The cells to show humps of: those that have two first, filled up with the chosen ones."""
    two = [int(cell) for cell in humps.loc[humps["humps"] == 2, "cell"]]
    shown = (two + [cell for cell in chosen if cell not in two])[:MOST_CELLS]
    return cells[cells["cell"].isin(shown)]


def _heat_maps(stored: Stored, runs: pd.DataFrame, outcome: str) -> dict[str, Figure]:
    """A heat map for each scenario when the design is a grid of two factors whose levels are numbers."""
    design = stored.manifest["design"]
    factors = list(design["factors"])
    if design["design"]["kind"] != GRID or len(factors) != 2 or not all(_is_numeric(runs[name]) for name in factors):
        return {}
    scenarios = list(dict.fromkeys(runs["scenario"]))
    single = len(scenarios) == 1
    return {
        "heat_map" if single else f"heat_map_{scenario}": heat_map(
            runs[runs["scenario"] == scenario], factors[1], factors[0], outcome, f"Scenario {scenario_words(scenario)}."
        )
        for scenario in scenarios[:MOST_CELLS]
    }


def _is_numeric(levels: pd.Series) -> bool:
    """Whether a factor has two numbers or more as levels; true and false are none."""
    return is_numeric_dtype(levels) and not is_bool_dtype(levels) and levels.nunique() > 1
