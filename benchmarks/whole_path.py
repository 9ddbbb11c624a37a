"""How much of a sweep's time goes outside the compiled core, and how memory grows with the number of replicates.

    python benchmarks/whole_path.py [EXPERIMENT]

The same experiment (``demo`` without an argument) is run in a process of its own at 0.4× to 10× its replicates, on one
thread, so that everything adds up. Time is processor time of the process, measured from after compiling to the summary
in words: simulating, reducing, storing shards, making the tables; then reading them again, comparing and saying what
was found. It is divided by watches around each call of the compiled core (drawing, signing, running), of ``simulate``,
which builds the organizations and alliances that the core works on, for the most part quantile functions of traits, and
of the analysis. Starting Python (what it left in memory is collected before the clock starts), drawing figures and
waiting for the disk are not part of it; waiting is printed beside, as a share of the wall clock. Memory is the highest
resident size until the tables are there, less the highest before the sweep began, and its ratio.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FACTORS = (0.4, 1, 4, 10)


def main() -> None:
    """Print the table, or with ``--tell FACTOR`` the measurement of this process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", nargs="?", default="demo", help="name or file (default demo)")
    parser.add_argument("--tell", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.tell is None:
        print_table(options.experiment)
    else:
        print(json.dumps(measure(options.experiment, options.tell)))


def print_table(name: str) -> None:
    """A row for each factor, as soon as all are measured."""
    found = {}
    for factor in FACTORS:
        print(f"{name} at {factor}× its replicates …", file=sys.stderr, flush=True)
        found[factor] = _in_a_process_of_its_own(name, factor)
    heads = f"{'kernel':>8} {'building':>9} {'storing':>8} {'analysing':>10} {'outside':>8} {'waiting':>8}"
    print(f"{'replicates':>12} {heads} {'peak memory':>18}")
    for factor, measured in found.items():
        kernel = measured["kernel"] / measured["processor"]
        building = measured["simulate"] / measured["processor"] - kernel
        analysing = measured["analysis"] / measured["processor"]
        storing = 1 - kernel - building - analysing
        outside = 1 - kernel
        waiting = max(0.0, measured["wall"] - measured["processor"]) / measured["wall"]
        memory = measured["memory"] / found[1]["memory"]
        shares = f"{kernel:>8.1%} {building:>9.1%} {storing:>8.1%} {analysing:>10.1%} {outside:>8.1%} {waiting:>8.1%}"
        print(f"{factor:>11}× {shares} {measured['memory'] / 1e6:>8.0f} MB {memory:>5.2f}×")


def _in_a_process_of_its_own(name: str, factor: float) -> dict[str, float]:
    command = [sys.executable, __file__, name, "--tell", str(factor)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def measure(name: str, factor: float) -> dict[str, float]:
    """Run the sweep in this process: seconds in parts of it, of the processor and of the wall; memory."""
    from sim.analysis.terminal import summary_text
    from sim.dynamics import draws, kernel
    from sim.library import find
    from sim.sweeps import runner
    from sim.sweeps.design import load_experiment
    from sim.sweeps.reading import read_results

    experiment = load_experiment(find("experiments", name))
    experiment = experiment.replace(replicates=round(experiment.replicates * factor))
    runner.warm_up()
    spent = {"kernel": 0.0, "simulate": 0.0}

    def watched(name: str, function: Any) -> Any:
        def call(*arguments: Any) -> Any:
            begun = time.thread_time()
            result = function(*arguments)
            spent[name] += time.thread_time() - begun
            return result

        return call

    for compiled, name_in_it in ((kernel, "run_many"), (kernel, "sign_many"), (draws, "fill_pairs")):
        setattr(compiled, name_in_it, watched("kernel", getattr(compiled, name_in_it)))
    runner.simulate = watched("simulate", runner.simulate)
    with tempfile.TemporaryDirectory() as out:
        few = runner.run_experiment(experiment.replace(replicates=2), Path(out), jobs=1)
        summary_text(read_results(few))  # imports what is imported late
        spent.update(kernel=0.0, simulate=0.0)
        gc.collect()
        before = _peak_memory()
        processor, wall = time.process_time(), time.perf_counter()
        folder = runner.run_experiment(experiment, Path(out), jobs=1)
        memory, swept = _peak_memory() - before, time.process_time()
        summary_text(read_results(folder))
        ended, wall = time.process_time(), time.perf_counter() - wall
    return {**spent, "analysis": ended - swept, "processor": ended - processor, "wall": wall, "memory": memory}


def _peak_memory() -> float:
    """Highest resident size of this process so far, bytes; the system tells kilobytes, on macOS bytes."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return float(unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    main()
