"""Calibrate the defaults on the calibration targets alone, and keep a log of every point that was tried.

    python experiments/calibration/calibrate.py            # about ten minutes on two cores
    python experiments/calibration/calibrate.py --check    # only measure the present defaults against the targets

Nothing here looks at a statement of docs/validation.md. **Targets** are what the literature reports of alliances
(TARGETS); **free parameters** are those that no source gives and that move the targets (FREE), each within its
plausible range. The loss is the mean of squared deviations in units of each target's tolerance, zero within a band. All
points share their random draws, so that two points differ by their parameters only.

Method: a scrambled Sobol sequence over the plausible ranges, then Nelder–Mead from the best few points. Every point
tried is a line of ``search.csv``. The result is printed and written to ``result.json``; ``sim/parameters.py`` holds the
calibrated values, rounded, and cites this script. Parameters that the targets do not pin down are those whose good
points (loss at most twice the best) spread over most of the range: ``identified.csv``.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import qmc

from sim.analysis.vetting import Interview, vet
from sim.dynamics.state import DISAPPOINTMENT, DISTRUST, VARIABLES
from sim.engine import Result, simulate
from sim.library import find
from sim.parameters import Parameters, Traits, meta
from sim.scenario import Scenario, load

HERE = Path(__file__).parent
SEED = 77
"""Seed of every run and of the Sobol sequence; the statements of docs/validation.md are measured with another."""
REPLICATES = 16
"""Of 50 organizations with 75 alliances: standard errors are small against the tolerances."""
POINTS = 1024
STARTS = 4
STEPS = 120
"""Points of the Sobol sequence; how many of the best are refined; most steps of each refinement."""
PRIOR = 0.5
"""Weight of a weak prior: the loss of a point in a corner of the plausible ranges, above one in their middle. Without
it the search picks a corner among points that the targets cannot tell apart."""


# ---------------------------------------------------------------------------------------------------------------
# What the literature reports
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Target:
    """A band of values, what a deviation of one unit of loss is, and where the number comes from."""

    low: float
    high: float
    tolerance: float
    unit: str
    source: str

    def deviation(self, value: float) -> float:
        """Distance from the band in units of the tolerance, with sign; 0 within."""
        if math.isnan(value):
            return 10.0
        return (max(0.0, value - self.high) - max(0.0, self.low - value)) / self.tolerance


TARGETS = {
    "half_life": Target(78, 90, 6, "month", "half ended after about 7 years: Park & Russo 1996"),
    "failing": Target(0.30, 0.70, 0.03, "share", "30–70% failing: Kale & Singh 2009; seed L"),
    "peak_year": Target(2, 6, 0.5, "year", "interior peak of the hazard: Fichman & Levinthal 1991"),
    "late_hazard": Target(0.0, 0.75, 0.1, "share of the peak", "then falling: as above"),
    "age_correlation": Target(0.0, 0.25, 0.03, "correlation", "trust and age: Vanneste, Puranam & Kretschmer 2014"),
    "talk_correlation": Target(0.40, 0.60, 0.1, "correlation", "communication and trust: Palmatier et al. 2006"),
    "success": Target(0.45, 0.55, 0.05, "share", "about half without an alliance function: Kale & Singh 2009"),
    "vetting_questions": Target(6, 9, 1, "questions", "model page; seed R"),
    "vetting_accepted": Target(0.10, 0.15, 0.02, "share", "'only about 10%' practise what they profess: seed R"),
}  # fmt: skip


def hazard_by_year(result: Result) -> NDArray[np.float64]:
    """Endings in each year per alliance alive at its beginning, over all replicates, (years,)."""
    going_on = result.survival()["going on"].to_numpy()[::12]
    return np.asarray(1.0 - going_on[1:] / np.maximum(going_on[:-1], 1e-9))


def half_life(result: Result) -> float:
    """Month in which half have ended; beyond the horizon, extrapolated with the mean hazard of its last half."""
    going_on = result.survival()["going on"].to_numpy()
    if going_on[-1] < 0.5:
        return float(np.argmax(going_on < 0.5))
    middle = len(going_on) // 2
    rate = math.log(going_on[middle] / going_on[-1]) / (len(going_on) - 1 - middle)
    return len(going_on) - 1 + math.log(going_on[-1] / 0.5) / max(rate, 1e-6)


def age_correlation(result: Result) -> float:
    """Correlation of trust with age over living alliance-months."""
    n, total, squares = result.moments[:, :, VARIABLES.index("trust")].sum(0).T
    age = np.arange(len(n))
    mean_age, mean_trust = (n * age).sum() / n.sum(), total.sum() / n.sum()
    covariance = (total * age).sum() / n.sum() - mean_age * mean_trust
    spread = ((n * age**2).sum() / n.sum() - mean_age**2) * (squares.sum() / n.sum() - mean_trust**2)
    return float(covariance / math.sqrt(spread))


def talk_correlation(after: Result) -> float:
    """Correlation of communication with trust over the alliances that live at the end of a run."""
    living = after.alliances[after.alliances.alive == 1]
    if len(living) < 10:
        return math.nan
    return float(np.corrcoef(living.communication, living.effective.mean(-1))[0, 1])


def measure(scenario: Scenario, replicates: int = REPLICATES, seed: int = SEED) -> dict[str, float]:
    """Every quantity that has a target, of one scenario."""
    whole = simulate(scenario, replicates, seed)
    four_years = simulate(scenario.replace(months=48), replicates, seed)
    hazard, cause = hazard_by_year(whole), whole.alliances.cause
    vetting = vet(Interview())
    return {
        "half_life": half_life(whole),
        "failing": float(np.isin(cause, (DISTRUST, DISAPPOINTMENT)).mean()),
        "peak_year": float(np.argmax(hazard) + 1),
        "late_hazard": float(hazard[-3:].mean() / hazard.max()),
        "age_correlation": age_correlation(whole),
        "talk_correlation": talk_correlation(four_years),
        "success": float(whole.runs()["succeeded"].mean()),
        "vetting_questions": vetting.questions,
        "vetting_accepted": vetting.accepted,
    }


def loss_of(measured: Mapping[str, float]) -> float:
    """Mean of squared deviations, in units of the tolerances."""
    return float(np.mean([min(abs(TARGETS[name].deviation(value)), 10.0) ** 2 for name, value in measured.items()]))


# ---------------------------------------------------------------------------------------------------------------
# What is free
# ---------------------------------------------------------------------------------------------------------------
FREE: dict[str, tuple[float, float]] = {
    name: (about["plausible_low"], about["plausible_high"])
    for model in (Parameters, Traits)
    for name, field in model.model_fields.items()
    if (about := meta(field))["basis"] == "calibrated"
}
"""Plausible ranges, as ``sim/parameters.py`` declares them: from the feasibility prototype and our judgement. A trait
is one number for all. The ratio λ⁻/λ⁺ is held between 2 and 4 (Slovic 1993)."""


class Search:
    """Measures points, remembers them, and writes each to the log."""

    def __init__(self, scenario: Scenario, log: Path) -> None:
        self.scenario = scenario
        self.tried: list[tuple[float, dict[str, float], dict[str, float]]] = []
        self._file = log.open("w", encoding="utf-8", newline="")
        self._log = csv.writer(self._file)
        self._log.writerow(["stage", "loss", *FREE, *TARGETS])
        self._begun = time.perf_counter()

    def loss(self, unit: NDArray[np.float64], stage: str) -> float:
        """Loss of a point of the unit cube; outside it, and where λ⁻/λ⁺ leaves [2, 4], a penalty."""
        inside = np.clip(unit, 0.0, 1.0)
        outside = float(np.abs(unit - inside).sum())
        point = {
            name: low + (high - low) * float(u) for (name, (low, high)), u in zip(FREE.items(), inside, strict=True)
        }
        ratio = point["trust_loss"] / point["trust_gain"]
        outside += max(0.0, 2.0 - ratio, ratio - 4.0)
        if outside > 0.0:
            return 100.0 * (1.0 + outside)
        measured = measure(self.scenario.with_settings(point))
        loss = loss_of(measured) + PRIOR * float(np.mean((2.0 * inside - 1.0) ** 2))
        self.tried.append((loss, point, measured))
        self._log.writerow(
            [stage, f"{loss:.4f}", *(f"{v:.5g}" for v in point.values()), *(f"{v:.4g}" for v in measured.values())]
        )
        self._file.flush()
        if len(self.tried) % 20 == 0:
            best = min(self.tried, key=lambda t: t[0])[0]
            print(
                f"{len(self.tried)} points, best loss {best:.3f}, {time.perf_counter() - self._begun:.0f} s", flush=True
            )
        return loss

    def best(self, count: int) -> list[NDArray[np.float64]]:
        """The best points so far, in the unit cube."""
        ranked = sorted(self.tried, key=lambda t: t[0])[:count]
        return [np.array([(p[n] - low) / (high - low) for n, (low, high) in FREE.items()]) for _, p, _ in ranked]


def calibrate(points: int = POINTS, starts: int = STARTS, steps: int = STEPS) -> dict[str, float]:
    """Search; write ``search.csv``, ``result.json`` and ``identified.csv``; return the best point."""
    search = Search(load(find("scenarios", "baseline")), HERE / "search.csv")
    cube = qmc.Sobol(len(FREE), seed=SEED).random(points)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda unit: search.loss(unit, "sobol"), cube))
    for number, start in enumerate(search.best(starts), start=1):
        refine(lambda unit, n=number: search.loss(unit, f"refine {n}"), start, steps)  # type: ignore[misc]
    loss, point, measured = min(search.tried, key=lambda t: t[0])
    result = {
        "seed": SEED, "replicates": REPLICATES, "points_tried": len(search.tried), "loss": loss, "parameters": point,
        "measured": measured, "deviations": {name: TARGETS[name].deviation(value) for name, value in measured.items()},
    }  # fmt: skip
    (HERE / "result.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    write_identified(search, loss)
    return point


def refine(loss: Callable[[NDArray[np.float64]], float], start: NDArray[np.float64], steps: int) -> None:
    """Nelder–Mead from a good point, with a first simplex of a tenth of each range."""
    simplex = np.vstack([start, *(start + 0.1 * np.where(start < 0.5, 1, -1)[:, None] * np.eye(len(start)))])
    minimize(loss, start, method="Nelder-Mead", options={"maxfev": steps, "initial_simplex": simplex})


def write_identified(search: Search, best: float) -> None:
    """For each free parameter: its range, and the middle 80% of the good points' values as a share of that range."""
    good = [point for loss, point, _ in search.tried if loss <= 2.0 * best + 0.1]
    with (HERE / "identified.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["parameter", "plausible_low", "plausible_high", "good_10", "good_90", "share_of_range", "good_points"]
        )
        for name, (low, high) in FREE.items():
            tenth, ninetieth = np.quantile([point[name] for point in good], [0.1, 0.9])
            share = (ninetieth - tenth) / (0.8 * (high - low))
            rows.writerow([name, low, high, f"{tenth:.4g}", f"{ninetieth:.4g}", f"{share:.2f}", len(good)])


def report(scenario: Scenario, replicates: int = 100) -> list[str]:
    """The targets against what a scenario gives, as lines of a Markdown table."""
    lines = ["| target | band | measured | deviation in tolerances | source |", "|---|---|---|---|---|"]
    for name, value in measure(scenario, replicates).items():
        t = TARGETS[name]
        lines.append(
            f"| {name} ({t.unit}) | {t.low:g}–{t.high:g} | {value:.3g} | {t.deviation(value):+.1f} | {t.source} |"
        )
    return lines


def main() -> None:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description="Calibrate the defaults on the calibration targets alone.")
    parser.add_argument("--check", action="store_true", help="only measure the present defaults")
    parser.add_argument("--points", type=int, default=POINTS, help="points of the Sobol sequence, a power of two")
    parser.add_argument("--starts", type=int, default=STARTS, help="how many of the best points are refined")
    parser.add_argument("--steps", type=int, default=STEPS, help="most steps of each refinement")
    chosen: Any = parser.parse_args()
    baseline = load(find("scenarios", "baseline"))
    if not chosen.check:
        point = calibrate(chosen.points, chosen.starts, chosen.steps)
        for name, value in point.items():
            default = getattr(baseline.parameters, name, "a trait")
            print(f"{name} = {value:.4g}  (now {default})")
        baseline = baseline.with_settings(point)
    print("\n".join(report(baseline)))


if __name__ == "__main__":
    main()
