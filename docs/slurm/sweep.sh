#!/bin/bash
# The sweep's own job: small and long. It submits the jobs of the workers and writes the results.
#
#   sbatch docs/slurm/sweep.sh sweep demo --replicates 100000 --out results
#   sbatch docs/slurm/sweep.sh resume results/demo/20260131-120000-0123abcd      # after the time limit
#
#SBATCH --job-name=alliance
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=2
#SBATCH --mem=8G
#SBATCH --time=24:00:00
#SBATCH --output=alliance-%j.log
# Ctrl-C two minutes before the time limit: what is complete is kept, and the log says how to go on.
#SBATCH --signal=B:INT@120

set -euo pipefail
cd "${SLURM_SUBMIT_DIR:-.}"
export NUMBA_CACHE_DIR="${NUMBA_CACHE_DIR:-$PWD/.numba}" # shared by all nodes: the core is compiled once

# Nodes, cores and the rest belong to the site: python docs/slurm/cluster.py --help
exec python docs/slurm/cluster.py --nodes "${NODES:-10}" --cores "${CORES:-32}" --memory "${MEMORY:-32GB}" -- "$@"
