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
# # Trust between organizations: a first hour
#
# This notebook takes a scenario, changes one thing in it, and asks what follows: on average, for one alliance, and for
# one organization that can explain itself. It runs in less than a minute. (The very first run on a machine compiles the
# core, which takes about twenty seconds once.)
#
# It is a plain Python file: open it as a notebook in Jupyter (with jupytext) or VS Code.

# %%
# %matplotlib inline
import tempfile

import pandas as pd

from sim.agents import AllianceModel
from sim.analysis import basics, plots
from sim.dynamics.outcomes import OUTCOMES
from sim.engine import simulate, simulate_history
from sim.library import available, find
from sim.scenario import load
from sim.sweeps.design import experiment_of
from sim.sweeps.reading import read_results
from sim.sweeps.runner import run_experiment

# %% [markdown]
# ## 1 Take a scenario
#
# A scenario is a short file in `scenarios/`: a question, the source that it comes from, what is expected, and only the
# numbers that differ from the defaults. These are at hand:

# %%
for name, path in available("scenarios").items():
    print(f"{name:25} {load(path).question}")

# %%
baseline = load(find("scenarios", "baseline"))
print(baseline.question, baseline.expected.strip(), sep="\n\n")

# %% [markdown]
# One hundred replicates are one hundred times the same world with other luck: other organizations drawn from the same
# distributions, other faults, other surprises. A row of `runs()` is the mean over the alliances of one replicate.

# %%
before = simulate(baseline, replicates=100, seed=1)
before.runs()[["value", "survived", "trust", "communication", "talked_through", "blamed"]].describe().round(3)

# %% [markdown]
# Every outcome has a definition and a unit:

# %%
for name in ("value", "survived", "talked_through", "blamed"):
    print(f"{name:15} {OUTCOMES[name].unit:12} {OUTCOMES[name].meaning}")

# %% [markdown]
# ## 2 Change one thing
#
# What if these organizations looked for remedies instead of culprits? `blame` is a trait of each organization, between
# 0 and 1. `replace` makes a variant; a typing mistake or a value out of range is refused with a hint.

# %%
no_blame = baseline.replace(blame={"normal": [0.15, 0.1]})
after = simulate(no_blame, replicates=100, seed=1)

# %% [markdown]
# Both worlds had **the same luck**: random numbers are keyed by what they decide, so replicate 7 meets the same
# organizations and the same surprises in both. So we compare replicate with replicate, and the luck cancels out. The
# difference is then far better known than two independent averages would tell:

# %%
difference = after.runs()["value"] - before.runs()["value"]
unpaired = (after.runs()["value"].var() + before.runs()["value"].var()) / len(difference)
print(f"value of an alliance, without blame against with it: {difference.mean():+.2f} money")
print(f"standard error, paired:   {difference.sem():.2f}")
print(f"standard error, unpaired: {unpaired**0.5:.2f}")

# %% [markdown]
# ## 3 Compare scenarios
#
# The same for whole scenarios, with the tables and figures that `alliance compare` makes. (Here in a temporary folder;
# the command keeps them in `results/`.)

# %%
scenarios = [load(find("scenarios", name)) for name in ("baseline", "hard_conversations", "blame_culture")]
experiment = experiment_of(scenarios, replicates=60, seed=1, name="talk", outcomes=("value", "trust", "survived"))
with tempfile.TemporaryDirectory() as folder:
    tables = dict(read_results(run_experiment(experiment, out=folder)).tables)  # all of them, while the folder is there

# %%
plots.trajectories(tables["monthly"], tables["cells"])

# %%
contrasts = basics.paired(tables["runs"], reference=0, outcomes=experiment.outcomes)
for _, row in contrasts.iterrows():
    print(basics.sentence(row))

# %% [markdown]
# What built trust in each of them, and what destroyed it? Trust moves only by named causes, so the ledger adds up.

# %%
plots.ledger(tables["ledger"], tables["cells"])

# %% [markdown]
# ## 4 Look at one history
#
# An average hides how it happens. `simulate_history` keeps every month of one replicate: the very run that was counted
# above. Let us look at the alliance that had the most hard conversations of those that lasted.

# %%
history = simulate_history(scenarios[1], seed=1, replicate=0)
last = history.alliances[-1]
chosen = max(range(len(last)), key=lambda k: (last.alive[k], last.hard_talks[k])) + 1
plots.history(history, alliance=chosen)

# %%
plots.history_ledger(history, alliance=chosen)

# %% [markdown]
# The ledger as a table: by how much did each cause move the trust of each partner, all in all?

# %%
ledger = history.ledger_table().query("alliance == @chosen")
ledger.pivot_table(index="cause", columns="side", values="change", aggfunc="sum", fill_value=0.0).round(3)

# %% [markdown]
# ## 5 Ask an organization
#
# `AllianceModel` is the same run as a [Mesa](https://mesa.readthedocs.io) model: a step is a month, an agent is an
# organization, and what you read and set are the numbers that the run itself works with. Same seed and replicate, same
# history, to the last bit.

# %%
model = AllianceModel("hard_conversations", seed=1, replicate=0)
for _ in range(24):
    model.step()
me, partner = (model.organizations[row] for row in model.live.alliances.org[chosen - 1])
print(
    f"{me.name}: openness {me.openness:.2f}, blame {me.blame:.2f}; allied with {', '.join(p.name for p in me.partners)}"
)
print(f"it trusts {partner.name} {me.trust_in(partner):.2f} and is trusted {partner.trust_in(me):.2f}")

# %% [markdown]
# Why does it trust its partner as it does, and what follows from it? Each term comes from the equations that the
# simulation runs on (`sim/dynamics/rules.py`), so nothing is told that is not so.

# %%
print(me.explain(partner))

# %% [markdown]
# Agents can be changed on the way. From here on, let this organization look for culprits, and let everything else be as
# it was, the luck of every coming month included:

# %%
changed = AllianceModel("hard_conversations", seed=1, replicate=0)
for _ in range(24):
    changed.step()
changed.organizations[me.row].blame = 1.0
model.run_model()
changed.run_model()
trust = pd.DataFrame(
    {
        name: run.datacollector.get_agent_vars_dataframe()["trusted"].unstack()[me.unique_id]
        for name, run in (("as it was", model), ("turned to blame", changed))
    }
)
axes = trust.plot(xlabel="month", ylabel="trust (0 to 1)", ylim=(0, 1), style=["-", "--"])
axes.set_title(f"How far its partners trust {me.name}, mean of those it has")
_ = axes.axvline(24, color="0.6", linewidth=1)

# %% [markdown]
# The two lines part only when a problem comes up that would have been talked through and is now laid at somebody's
# door. Everything after that is its consequence: the luck is the same.

# %% [markdown]
# ## Where to go from here
#
# - `change_a_rule`, `calibrate` and `test_a_hypothesis`, the other notebooks.
# - `docs/model.md`: the equations, and where each comes from; `docs/validation.md`: what must come out of them.
# - `docs/parameters.md`: every parameter with its unit, bounds and source.
# - `alliance scenarios new my_alliance`: a scenario of your own, in a few lines.
# - `baseline.replace(clamp_trust=True)` holds trust where it started and lets you see what the loop between trust and
#   communication does: is trust a cause, an effect, or both?
