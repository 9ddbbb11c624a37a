"""How much of a sweep's time goes outside the compiled core, and how memory grows with the number of replicates.

    python benchmarks/whole_path.py [EXPERIMENT]

The same experiment (``demo`` without an argument) is run in a process of its own at 0.4× to 10× its replicates, on one
thread, so that everything adds up. Time is processor time of the process, measured from after compiling to the summary
in words: simulating, reducing, storing shards, making the tables; then reading them again, comparing and saying what
was found. It is divided by watches around each call of the compiled core (drawing, signing, running), of ``simulate``,
which builds the organizations and alliances that the core works on, for the most part quantile functions of traits, and
of the analysis. Starting Python (what it left in memory is collected before the clock starts), drawing figures and
waiting for the disk are not part of it; waiting is printed beside, as a share of the wall clock. Memory is the highest
resident size until the tables are there, less the highest before the sweep began; only its ratio is printed.
"""

from __future__ import annotations

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
    """Print the table."""
    name = sys.argv[1] if len(sys.argv) > 1 else "demo"
    found = {factor: _in_a_process_of_its_own(name, factor) for factor in FACTORS}
    heads = f"{'kernel':>8} {'building':>9} {'storing':>8} {'analysing':>10} {'outside':>8} {'waiting':>8}"
    print(f"{'replicates':>12} {heads} {'peak memory':>12}")
    for factor, measured in found.items():
        kernel = measured["kernel"] / measured["processor"]
        building = measured["simulate"] / measured["processor"] - kernel
        analysing = measured["analysis"] / measured["processor"]
        storing = 1 - kernel - building - analysing
        outside = 1 - kernel
        waiting = max(0.0, measured["wall"] - measured["processor"]) / measured["wall"]
        memory = measured["memory"] / found[1]["memory"]
        shares = f"{kernel:>8.1%} {building:>9.1%} {storing:>8.1%} {analysing:>10.1%} {outside:>8.1%} {waiting:>8.1%}"
        print(f"{factor:>11}× {shares} {memory:>11.2f}×")


def _in_a_process_of_its_own(name: str, factor: float) -> dict[str, float]:
    command = [sys.executable, __file__, name, str(factor)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def measure(name: str, factor: float) -> dict[str, float]:
    """Run the sweep in this process: seconds in parts of it, of the processor and of the wall; memory."""
    from sim.dynamics import draws, kernel
    from sim.library import find
    from sim.study.terminal import summary_text
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
    """Highest resident size of this process so far, in the system's unit."""
    import resource

    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measure(sys.argv[1], float(sys.argv[2]))))
    else:
        main()
