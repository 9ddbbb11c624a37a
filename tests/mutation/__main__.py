"""Breaks the code in many small ways, one at a time, and says which of them no test noticed.

    python -m tests.mutation                      # 150 mutants drawn by seed 1; an hour or two on two cores
    python -m tests.mutation --seed 2 --mutants 40 --only readers
    python -m tests.mutation --list               # what would be tried

A mutant is killed when a test fails or takes far longer than it should. Tests run in stages, the likeliest first: those
of the mutant's own part, and only for what survives them all the others. Each worker has a copy of the checkout, with
machine code of its own, and puts one mutant after the other into it. Nothing here touches the checkout.

Survivors that are known are listed in ``survivors.md`` beside this file, with the reason why each changes nothing or
may be tolerated; they count as survivors all the same.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from tests.mutation.mutants import Mutant, every_mutant

ROOT = Path(__file__).resolve().parents[2]
PLAIN = {"NUMBA_DISABLE_JIT": "1"}


@dataclass(frozen=True)
class Stage:
    """Tests that are run together, and the environment that they run in beside the ordinary one."""

    tests: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Part:
    """Files that are broken, and the tests that should notice, the quickest first."""

    files: tuple[str, ...]
    stages: tuple[Stage, ...]


PARTS = {
    "rules and steps": Part(
        (
            *("sim/dynamics/rules.py", "sim/dynamics/steps.py", "sim/dynamics/market.py", "sim/dynamics/signature.py"),
            *("sim/dynamics/events.py", "sim/dynamics/kernel.py", "sim/dynamics/recording.py", "sim/dynamics/draws.py"),
        ),
        (
            Stage(
                (
                    *("tests/unit/test_rules.py", "tests/unit/test_draws.py", "tests/unit/test_recording.py"),
                    "tests/unit/test_market.py::test_each_question_has_its_own_chances_and_cost",
                    "tests/unit/test_market.py::test_questions_of_a_sort_are_left_out_together",
                    "tests/golden/test_golden.py::test_results_are_what_they_were[busy]",
                    "tests/golden/test_golden.py::test_results_are_what_they_were[market]",
                ),
                tuple(PLAIN.items()),  # a mutant of the core would be compiled first, which takes longer than these
            ),
            Stage(
                ("tests/unit/test_kernel.py", "tests/unit/test_market.py", "tests/golden", "tests/unit/test_many.py")
            ),
        ),
    ),
    "estimators": Part(
        (
            *("sim/intervals.py", "sim/engine.py", "sim/dynamics/outcomes.py", "sim/distributions.py"),
            *(
                "sim/analysis/basics.py",
                "sim/analysis/survival.py",
                "sim/analysis/humps.py",
                "sim/analysis/attribution.py",
            ),
            *(
                "sim/analysis/sensitivity.py",
                "sim/analysis/tipping.py",
                "sim/analysis/contrasts.py",
                "sim/analysis/discovery.py",
            ),
            *("sim/analysis/vetting.py", "sim/analysis/theory.py", "sim/analysis/response.py"),
        ),
        (
            Stage(
                (
                    *("tests/unit/test_intervals.py", "tests/unit/test_analysis.py", "tests/unit/test_survival.py"),
                    *("tests/unit/test_humps.py", "tests/unit/test_bootstrap.py", "tests/unit/test_attribution.py"),
                    *("tests/unit/test_tipping.py", "tests/unit/test_distributions.py", "tests/unit/test_vetting.py"),
                    *("tests/unit/test_many.py", "tests/unit/test_from_python.py", "tests/unit/test_discovery.py"),
                )
            ),
            Stage(("tests/unit/test_sensitivity.py", "tests/unit/test_separatrix.py", "tests/unit/test_scenario.py")),
            Stage(
                (
                    "tests/integration/test_analyse.py",
                    "tests/integration/test_alike.py",
                    "tests/integration/test_vet.py",
                )
            ),
            Stage(("tests/statistical/test_theory.py", "tests/property/test_properties.py")),
        ),
    ),
    "store": Part(
        (
            *("sim/sweeps/store.py", "sim/sweeps/journal.py", "sim/sweeps/files.py", "sim/sweeps/folder.py"),
            *("sim/sweeps/shards.py", "sim/sweeps/tables.py", "sim/sweeps/checking.py", "sim/sweeps/reading.py"),
            *("sim/sweeps/manifest.py", "sim/sweeps/plan.py", "sim/sweeps/runner.py", "sim/sweeps/shape.py"),
        ),
        (
            Stage(("tests/unit/test_plan.py", "tests/integration/test_sweeps.py", "tests/integration/test_alike.py")),
            Stage(("tests/integration/test_store_states.py", "tests/integration/test_resume.py")),
            Stage(("tests/integration/test_faults.py", "tests/integration/test_power_cut.py")),
        ),
    ),
    "readers": Part(
        (
            *("sim/tomlfile.py", "sim/scenario.py", "sim/library.py", "sim/commands/options.py", "sim/conditions.py"),
            *("sim/sweeps/draft.py", "sim/sweeps/checks.py", "sim/sweeps/design.py", "sim/sweeps/levels.py"),
            *("sim/sweeps/sampling.py", "sim/text.py"),
        ),
        (
            Stage(
                (
                    *(
                        "tests/unit/test_tomlfile.py",
                        "tests/unit/test_scenario.py",
                        "tests/unit/test_scenario_files.py",
                    ),
                    *("tests/unit/test_design.py", "tests/unit/test_sampling.py", "tests/unit/test_plan.py"),
                    *("tests/unit/test_experiment_mistakes.py", "tests/unit/test_shipped_scenarios.py"),
                    *("tests/unit/test_text.py", "tests/unit/test_from_python.py"),
                )
            ),
            Stage(("tests/integration/test_cli.py", "tests/integration/test_sweeps.py")),
            Stage(("tests/unit/test_conditions.py", "tests/integration/test_answers.py", "tests/property")),
        ),
    ),
}
EVERYTHING = Stage(("tests",))
"""What survives the stages of its own part must survive this too."""
SLOWER = 5.0
"""A stage that takes this many times as long as without a mutant counts as failed: somebody would notice."""


# ---------------------------------------------------------------------------------------------------------------
# Mutants
# ---------------------------------------------------------------------------------------------------------------
def draw(count: int, seed: int, parts: Sequence[str], within: str = "") -> list[tuple[str, Mutant]]:
    """So many mutants of files with ``within`` in their name, as many of each part; in a part all are as likely."""
    chance = random.Random(seed)
    drawn: list[tuple[str, Mutant]] = []
    parts = [name for name in parts if any(within in file for file in PARTS[name].files)]
    for number, name in enumerate(parts):
        share = count // len(parts) + (number < count % len(parts))
        files = [ROOT / file for file in PARTS[name].files if within in file]
        found = every_mutant(ROOT, files)
        drawn += [(name, mutant) for mutant in chance.sample(found, min(share, len(found)))]
    return drawn


# ---------------------------------------------------------------------------------------------------------------
# Copies
# ---------------------------------------------------------------------------------------------------------------
class Copy:
    """A copy of the checkout in which one mutant at a time is put to the tests."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        self.cache = folder / "cache"
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
        for name in filter(None, listed.stdout.split("\0")):
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, self.root / name)
        self.took: dict[Stage, float] = {}

    def fails(self, stage: Stage, limit: float | None = None) -> bool:
        """Whether a test of this stage fails, or all together take longer than ``limit`` seconds."""
        environment = {
            **os.environ,
            **dict(stage.environment),
            "PYTHONPATH": str(self.root),
            "PYTHONDONTWRITEBYTECODE": "1",  # a mutant of the same second and length must not run from old bytecode
            "XDG_CACHE_HOME": str(self.cache),
        }
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *stage.tests]
        try:
            with subprocess.Popen(
                command, cwd=self.root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True,
            ) as child:  # fmt: skip
                try:
                    return child.wait(limit) != 0
                except subprocess.TimeoutExpired:
                    os.killpg(child.pid, 9)
                    return True
        finally:
            for left in self.root.glob("results/*/"):
                shutil.rmtree(left, ignore_errors=True)

    def usual(self, stage: Stage) -> float:
        """Seconds that a stage takes without a mutant; the tests must pass then."""
        if stage not in self.took:
            began = time.monotonic()
            if self.fails(stage):
                raise SystemExit(f"without any mutant, these tests fail: {' '.join(stage.tests)}")
            self.took[stage] = time.monotonic() - began
        return self.took[stage]

    def survives(self, mutant: Mutant, stages: Sequence[Stage]) -> bool:
        """Whether no test of any stage notices the mutant."""
        path = self.root / mutant.path
        text = path.read_text(encoding="utf-8")
        for stage in stages:
            limit = 60.0 + SLOWER * self.usual(stage)  # timed only once a mutant gets so far
            path.write_text(mutant.applied(text), encoding="utf-8")
            try:
                if self.fails(stage, limit):
                    return False
            finally:
                path.write_text(text, encoding="utf-8")
        return True


# ---------------------------------------------------------------------------------------------------------------
# The round
# ---------------------------------------------------------------------------------------------------------------
def try_all(drawn: Sequence[tuple[str, Mutant]], workers: int, everything: bool) -> list[tuple[str, Mutant]]:
    """Put every mutant to the tests, say of each what became of it, and return the survivors."""
    survivors: list[tuple[str, Mutant]] = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies: Queue[Copy] = Queue()
        for number in range(workers):
            copies.put(Copy(Path(folder) / str(number)))

        def one(part: str, mutant: Mutant) -> bool:
            copy = copies.get()
            try:
                return copy.survives(mutant, stages_for(part, mutant, everything))
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(workers) as pool:
            verdicts = [(part, mutant, pool.submit(one, part, mutant)) for part, mutant in drawn]
            for number, (part, mutant, verdict) in enumerate(verdicts, 1):
                alive = verdict.result()
                survivors += [(part, mutant)] if alive else []
                print(f"{number:4d}/{len(drawn)} {'SURVIVED' if alive else 'killed  '} {mutant}", flush=True)
    return survivors


def stages_for(part: str, mutant: Mutant, everything: bool) -> list[Stage]:
    """The stages of its part; before them the tests that bear its file's name, where the part does not start plain."""
    stages = [*PARTS[part].stages, *([EVERYTHING] if everything else [])]
    nearest = f"tests/unit/test_{Path(mutant.path).stem}.py"
    plain = bool(stages[0].environment)
    return stages if plain or not (ROOT / nearest).exists() else [Stage((nearest,)), *stages]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mutants", type=int, default=150, help="how many are drawn (150)")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (1)")
    parser.add_argument("--only", choices=list(PARTS), action="append", help="of this part alone; may be repeated")
    parser.add_argument("--within", default="", metavar="TEXT", help="of files with this text in their path alone")
    parser.add_argument("--workers", type=int, default=2, help="how many are tried at a time (2)")
    parser.add_argument("--quick", action="store_true", help="only the tests of a mutant's own part, not all of them")
    parser.add_argument("--list", action="store_true", help="name the mutants and try none")
    asked = parser.parse_args()
    drawn = draw(asked.mutants, asked.seed, asked.only or list(PARTS), asked.within)
    if not drawn:
        parser.error(f"no file of these parts has {asked.within!r} in its path: see PARTS in this file")
    if asked.list:
        print("\n".join(f"{part}: {mutant}" for part, mutant in drawn))
        return
    survivors = try_all(drawn, asked.workers, not asked.quick)
    print()
    tried, lost = Counter(part for part, _ in drawn), Counter(part for part, _ in survivors)
    for part in tried:
        print(f"{part:16s} {tried[part] - lost[part]:4d} of {tried[part]} killed")
    print(f"{'all':16s} {len(drawn) - len(survivors):4d} of {len(drawn)}: {1 - len(survivors) / len(drawn):.1%}")
    for part, mutant in survivors:
        print(f"survived ({part}): {mutant}")


if __name__ == "__main__":
    main()
