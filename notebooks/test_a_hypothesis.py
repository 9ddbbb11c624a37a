# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Test a hypothesis
#
# From a sentence to a verdict, in the order that keeps one honest: the prediction and what would refute it, the
# number of runs, the test on a seed not seen before, the mechanism switched off, and the assumptions varied.
#
# > **Openness pays less where people look for culprits.** What is said aloud helps when it is framed as a problem to
# > solve, and hurts when it ends in blame (seed L of `docs/model.md`).

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import qmc
from scipy.stats import t as student

from sim.engine import simulate
from sim.library import find
from sim.parameters import Parameters, meta
from sim.scenario import Scenario, load

baseline = load(find("scenarios", "baseline")).replace(organizations=20)

# %% [markdown]
# ## 1 The prediction
#
# The gain from openness (0.85 against 0.45) in the value of an alliance is smaller with blame 0.8 than with blame
# 0.1. The hypothesis is refuted when the 95% interval of *gain with much blame − gain with little* does not lie below
# zero.
#
# All four worlds meet the same luck, so the difference of differences is taken within each replicate.

# %%
OPEN, CLOSED = 0.85, 0.45
MUCH, LITTLE = 0.8, 0.1


def gain(scenario: Scenario, blame: float, replicates: int, seed: int) -> pd.Series:
    """Value gained by openness in each replicate, money."""
    with_it, without = (
        simulate(scenario.replace(openness=openness, blame=blame), replicates, seed).runs()["value"]
        for openness in (OPEN, CLOSED)
    )
    return with_it - without


def interaction(scenario: Scenario, replicates: int, seed: int) -> pd.Series:
    """Gain with much blame less the gain with little, in each replicate, money."""
    return gain(scenario, MUCH, replicates, seed) - gain(scenario, LITTLE, replicates, seed)


def interval(numbers: pd.Series) -> tuple[float, float]:
    """95% t interval of the mean."""
    half = student.ppf(0.975, len(numbers) - 1) * numbers.sem()
    return numbers.mean() - half, numbers.mean() + half


# %% [markdown]
# ## 2 How many replicates
#
# A pilot, on a seed that is not used again, gives the spread. Say that 5 money would matter; the interval shall be
# half as wide on either side.

# %%
pilot = interaction(baseline, replicates=20, seed=99)
needed = int(np.ceil((1.96 * pilot.std() / 2.5) ** 2))
print(f"standard deviation of the paired difference: {pilot.std():.1f} money; replicates needed: {needed}")

# %% [markdown]
# ## 3 The test

# %%
measured = interaction(baseline, replicates=needed, seed=1)
low, high = interval(measured)
print(f"openness gains {gain(baseline, LITTLE, needed, 1).mean():+.1f} with little blame,")
print(f"               {gain(baseline, MUCH, needed, 1).mean():+.1f} with much of it;")
print(f"difference {measured.mean():+.1f} money, 95% interval {low:+.1f} to {high:+.1f}")
print("as predicted" if high < 0 else "refuted")

# %% [markdown]
# ## 4 Without the mechanism
#
# If the reason given is the right one, the effect must go when blame has no bearing on how a problem is framed
# (`frame_blame` 0). An effect that stays has another cause.

# %%
without = interaction(baseline.replace(frame_blame=0.0), replicates=needed, seed=1)
print(f"difference without the mechanism: {without.mean():+.3f} money")
print(f"largest in any replicate: {without.abs().max():.3f}")

# %% [markdown]
# ## 5 With other assumptions
#
# The numbers that the argument hangs on are assumed. Vary those of what talk and blame do, each from half to twice
# its default, in a Latin hypercube, and see in which share of these worlds the prediction comes out.

# %%
ASSUMED = ["frame_trust", "frame_blame", "hard_talk_gain", "blame_weight", "blame_chill", "silence"]
default = np.array([Parameters.model_fields[name].default for name in ASSUMED])
highest = np.array([meta(Parameters.model_fields[name])["high"] for name in ASSUMED])
unit = qmc.LatinHypercube(len(ASSUMED), rng=1).random(24)
points = np.minimum(default * 2.0 ** (2.0 * unit - 1.0), highest)

found = pd.DataFrame(points, columns=ASSUMED)
intervals = [
    interval(interaction(baseline.replace(**dict(zip(ASSUMED, point.tolist(), strict=True))), replicates=20, seed=1))
    for point in points
]
found["low"], found["high"] = zip(*intervals, strict=True)
print(f"as predicted in {(found.high < 0).sum()} of {len(found)} worlds, the opposite in {(found.low > 0).sum()}")

# %%
found = found.sort_values("high", ignore_index=True)
figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
axes.vlines(found.index, found.low, found.high, color="#0072B2", linewidth=3)
axes.axhline(0, color="0.4", linewidth=1)
axes.set(xlabel="sampled world, ordered", ylabel="difference of the gains, money", xticks=[])
_ = axes.set_title(
    "Openness with much blame against little: 95% intervals, one for each set of assumptions", fontsize=10
)

# %% [markdown]
# Which assumption moves the result most? Rank correlations with the middle of the interval, a first look only
# (`alliance analyse sobol` does it properly):

# %%
middle = (found.low + found.high) / 2
found[ASSUMED].corrwith(middle, method="spearman").round(2).sort_values()

# %% [markdown]
# ## What may be said
#
# That the sentence follows, or does not, from the mechanism as it is written in this model, and how far that hangs on
# the numbers. Not that it is true of alliances: that takes data.
#
# For a study to publish, put prediction and design into an experiment file (`docs/experiments.md`): `alliance sweep`
# then stores every run with its provenance, and the report sets the finding beside what was expected.
