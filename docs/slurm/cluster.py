"""Ask SLURM for workers, run an ``alliance`` command on them, and send them home.

    python docs/slurm/cluster.py --nodes 10 --cores 32 --memory 32GB -- sweep demo --replicates 100000
    python docs/slurm/cluster.py --nodes 10 -- resume results/demo/20260131-120000-0123abcd
    python docs/slurm/cluster.py --show                     # the job script that a worker node gets; needs no SLURM

Run it where jobs may be submitted from and where a long process may stay: in a small job of its own (``sweep.sh``), or
on a login node in tmux. Every node is a job of its own, with a process of one thread for each core; the sweep begins
when the first one is there, however long it waits in the queue, and goes on when some are late, end or die: a job that
has ended is asked for again. Results are written by this machine alone.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from dask_jobqueue import SLURMCluster

from sim.sweeps.executors import dask as executor


def options_of(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1, help="jobs to ask for, one a node (default 1)")
    parser.add_argument("--least", type=int, help="nodes to keep when there is little to do; without it, all of them")
    parser.add_argument("--cores", type=int, default=32, help="cores of a node, a worker on each (default 32)")
    parser.add_argument("--memory", default="32GB", help="memory of a node, shared by its workers (default 32GB)")
    parser.add_argument("--walltime", default="04:00:00", help="longest time of a job (default 04:00:00)")
    parser.add_argument("--partition", help="SLURM's partition; the site's default without it")
    parser.add_argument("--account", help="SLURM's account; yours without it")
    parser.add_argument("--interface", help="network between the nodes, such as ib0; the default one without it")
    parser.add_argument("--logs", default="slurm-logs", help="folder for what the workers say (default slurm-logs)")
    parser.add_argument("--show", action="store_true", help="print the job script of a node and leave")
    parser.add_argument("command", nargs="*", help="what `alliance` is to do: sweep … or resume …")
    options = parser.parse_args(arguments)
    if not options.command and not options.show:
        parser.error("say what to run, after --: sweep NAME …, or resume FOLDER")
    return options


def cluster_of(options: argparse.Namespace) -> SLURMCluster:
    """A scheduler in this process, without workers yet; no dashboard."""
    scheduler: dict[str, Any] = {"dashboard": False, "dashboard_address": ":0"}
    return SLURMCluster(
        queue=options.partition,
        account=options.account,
        cores=options.cores,
        processes=options.cores,  # one thread each: the core is compiled, the tables around it are not
        memory=options.memory,
        walltime=options.walltime,
        interface=options.interface,
        log_directory=options.logs,
        job_extra_directives=["--exclusive"],
        # A node gives its tasks back before SLURM ends it, and not all nodes do so at once.
        worker_extra_args=[
            *("--preload", executor.__name__),
            *("--lifetime", lifetime(options.walltime), "--lifetime-stagger", "60s"),
        ],
        scheduler_options=scheduler,
    )


def lifetime(walltime: str) -> str:
    """Seconds that a worker lives: five minutes less than its job, at least half of it."""
    days, _, clock = walltime.rpartition("-")
    hours, minutes, seconds = map(int, clock.split(":"))
    whole = ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds
    return f"{max(whole - 300, whole // 2)}s"


QUEUE_SECONDS = 7 * 24 * 3600
"""How long a sweep waits when it has no node: jobs may be queued for days, and it costs nothing."""


def run(command: list[str], scheduler: str) -> int:
    """Run ``alliance`` in a process of its own; hand it Ctrl-C, which SLURM sends before the end. Its exit code."""
    alliance = Path(sys.executable).with_name("alliance")
    words = [str(alliance), *command, "--executor", "dask", "--scheduler", scheduler]
    patient = {"DASK_ALLIANCE__PATIENCE": str(QUEUE_SECONDS), **os.environ}
    # A session of its own, or a Ctrl-C from the terminal would reach it twice.
    process = subprocess.Popen(words, env=patient, start_new_session=True)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)


def main(arguments: list[str]) -> int:
    """Do what the command line says; the exit code is that of ``alliance``, or 130 after Ctrl-C."""
    options = options_of(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # of scancel: also after it, nodes are given back
    try:
        with cluster_of(options) as cluster:
            if options.show:
                print(cluster.job_script())
                return 0
            # Not ``scale``, which would not ask again for a node whose time is up.
            least = options.nodes if options.least is None else options.least
            cluster.adapt(minimum_jobs=least, maximum_jobs=options.nodes)
            return run(options.command, cluster.scheduler_address)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
