"""The six benefits of trust (seed K) as measured outputs, each with the path by which trust moves it and a cut of it.

A benefit whose path is cut must stop responding to trust: the **placebo test**. Trust is held at one of two levels
(``clamp_trust``, nobody leaving), in runs that share their random draws, and the benefit is compared. With its path cut
the difference must be exactly zero. ``tests/statistical/test_benefits.py`` tests what is declared here, and
docs/benefits.md shows it; ``python -m sim.study.benefits --write docs/benefits.md`` measures anew and fills the page.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from sim.intervals import Interval, mean_of
from sim.study.effects import REPLICATES, SEED, Floats, Settings, gain
from sim.study.pages import fill
from sim.study.patterns.conditions import LESS_TRUST, MORE_TRUST, TRUST_HELD

PATHS: dict[str, Settings] = {
    "communication": {"clamp_communication": True},
    "monitoring": {"monitoring": 0.0},
    "the extra mile": {"effort_trust": 0.0},
    "delegation": {"delegation_trust": 0.0},
    "adapting": {"adapt_trust": 0.0},
    "framing of problems": {"frame_trust": 0.0},
    "know-how": {"synergy": 0.0},
}
"""Every path by which trust reaches what an alliance earns, and how to cut it: what each rule reads of trust."""

EVERY_PATH: Settings = {name: value for cut in PATHS.values() for name, value in cut.items()}
ADAPTING: Settings = {"adapt_trust": 0.0, "adapt_frustration": 0.0, "adapt_deterrence": 0.0}
"""Trust itself, the results that frustrate, and the monitoring that distrust brings: all that moves adapting."""
FIXED_CONTROL: Settings = {**EVERY_PATH, "verify_floor": 0.06}
"""No path, and the same effort on monitoring whatever the trust."""


@dataclass(frozen=True)
class Benefit:
    """A measured output that trust is said to move.

    ``name`` is seed K's word for it, ``outcome`` its name in ``sim.dynamics.outcomes``, ``formula`` what is measured,
    ``path`` how trust reaches it, ``cut`` the settings that cut that path, ``direction`` +1 when more trust should
    raise it and -1 when it should lower it, and ``cut_stills`` whether the cut can only be had by stopping the output.
    """

    name: str
    outcome: str
    formula: str
    path: str
    cut: Settings
    direction: int = +1
    cut_stills: bool = False


BENEFITS = (
    Benefit(
        "confidence",
        "extra_mile",
        "mean over sides and months of logistic(b + χ + τ − F, weighted)",
        "τ itself (`effort_trust`), and the frustration that poor results bring (`effort_frustration`)",
        {"effort_trust": 0.0, "effort_frustration": 0.0},
    ),
    Benefit(
        "strategic alignment",
        "alignment",
        "1 − mean over sides and months of the misreading Mis",
        "τ opens communication, and talk teaches what the partner means to do (`inference_rate`·C)",
        {"clamp_communication": True},
    ),
    Benefit(
        "predictability",
        "predictability",
        "1 − mean over sides and uncovered contingencies of (adapted − forecast)²",
        "τ moves the chance that the partner adapts away from even odds; so do results and deterrence",
        ADAPTING,
    ),
    Benefit(
        "synergy",
        "surplus",
        "(net value of both − their outside options) / months lived",
        "every path by which τ reaches what is earned",
        EVERY_PATH,
    ),
    Benefit(
        "mutual creativity",
        "met_together",
        "uncovered contingencies in which both adapted / uncovered contingencies",
        "τ makes partners adapt (`adapt_trust`), and so do results and deterrence",
        ADAPTING,
    ),
    Benefit(
        "performance",
        "performance",
        "net value of both / (sober plan of both · months lived)",
        "every path by which τ reaches what is earned",
        EVERY_PATH,
    ),
)
"""Seed K's key benefits of trust, in its order."""

FURTHER = (
    Benefit(
        "know-how shared",
        "synergy",
        "s·Q·market, mean over months",
        "τ̄ and C let know-how through (`absorbed`); no weight stands between, so the cut stops it altogether",
        {"synergy": 0.0},
        cut_stills=True,
    ),
    Benefit(
        "delegation",
        "delegation",
        "mean over sides and months of logistic(b + τ − Mis, weighted)",
        "τ itself, and the misreading that talk takes away",
        {"delegation_trust": 0.0, "clamp_communication": True},
    ),
    Benefit(
        "cost of monitoring",
        "monitoring_share",
        "money spent on monitoring / what both made together",
        "perceived risk sets the optimal effort; every path moves what it is divided by",
        FIXED_CONTROL,
        -1,
    ),
    Benefit(
        "cost of governance",
        "governance_share",
        "money spent on monitoring and contract / what both made together",
        "as above (the contract is as given unless `choose_contract`)",
        FIXED_CONTROL,
        -1,
    ),
)
"""Outputs beyond the six that trust is said to move (seeds K, R)."""

ALL = (*BENEFITS, *FURTHER)

MEASURED, MEASURED_PATHS = "benefits, measured", "paths, measured"
"""Names of the generated blocks of docs/benefits.md that :func:`main` fills."""


def response(outcome: str, cut: Settings, replicates: int = REPLICATES, seed: int = SEED) -> Floats:
    """Difference of an outcome between more and less trust held, paired by replicate, (R,).

    Args:
        outcome: name in ``sim.dynamics.outcomes``.
        cut: settings that cut a path; empty for none.
        replicates, seed: of the baseline scenario.
    """
    more, less = {"trust_start": MORE_TRUST}, {"trust_start": LESS_TRUST}
    return gain(seed, replicates, outcome, more, less, **{**TRUST_HELD, **cut})


def table(replicates: int = REPLICATES, seed: int = SEED) -> list[str]:
    """What trust does to each benefit, whole and with its path cut, as lines of a Markdown table."""
    lines = ["| benefit | outcome | response to trust | with its path cut |", "|---|---|---|---|"]
    for number, benefit in enumerate(ALL, start=1):
        whole, cut = (mean_of(response(benefit.outcome, settings, replicates, seed)) for settings in ({}, benefit.cut))
        lines.append(f"| {benefit.name} | `{benefit.outcome}` | {whole} | {_estimate(cut)} |")
        print(f"{number} of {len(ALL)} benefits measured", file=sys.stderr)
    return lines


def table_of_paths(replicates: int = REPLICATES, seed: int = SEED) -> list[str]:
    """How much of what trust adds to surplus is gone when one path is cut alone, as lines of a Markdown table."""
    whole = response("surplus", {}, replicates, seed)
    lines = ["| path cut alone | cut | surplus that trust still adds, money/month | gone |", "|---|---|---|---|"]
    for number, (path, cut) in enumerate(PATHS.items(), start=1):
        left = response("surplus", cut, replicates, seed)
        gone = 1.0 - left.mean() / whole.mean()
        lines.append(f"| {path} | {settings_shown(cut)} | {mean_of(left)} | {gone:.0%} |")
        print(f"{number} of {len(PATHS)} paths measured", file=sys.stderr)
    return lines


def settings_shown(settings: Settings) -> str:
    """Settings as a reader would type them: `name` value, …"""
    return ", ".join(
        f"`{name}` {str(value).lower() if isinstance(value, bool) else f'{value:g}'}"
        for name, value in settings.items()
    )


def _estimate(estimate: Interval) -> str:
    """An estimate; exactly 0 where every replicate says so, as a cut path must."""
    return "0 exactly" if estimate.alike and estimate.estimate == 0.0 else str(estimate)


def main(arguments: list[str], replicates: int = REPLICATES) -> None:
    """Print the measured tables, or put them between their marks on a page (``--write PAGE``)."""
    if arguments and not (len(arguments) == 2 and arguments[0] == "--write"):
        raise SystemExit("usage: python -m sim.study.benefits [--write docs/benefits.md]")
    blocks = {MEASURED: table(replicates), MEASURED_PATHS: table_of_paths(replicates)}
    if not arguments:
        print("\n".join("\n".join([*lines, ""]) for lines in blocks.values()))
        return
    page = Path(arguments[1])
    page.write_text(fill(page.read_text(encoding="utf-8"), blocks), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
