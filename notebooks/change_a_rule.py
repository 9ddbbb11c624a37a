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
# # Change an equation
#
# Many forms of the rules are assumed, and `docs/model.md` says which. Does a conclusion hang on such a form? This
# notebook puts another equation in its place, for this session only, and compares. Each new equation is compiled once
# (about half a minute) and kept for the next time.

# %%
# %matplotlib inline
import inspect

import matplotlib.pyplot as plt
import pandas as pd
from scipy.stats import t as student

from sim.dynamics import rules
from sim.engine import simulate
from sim.library import find
from sim.loaded import replaced_rules
from sim.replaced import instead
from sim.scenario import load

# %% [markdown]
# ## The equation as it is
#
# What two partners say to each other depends on their mutual trust. All equations are in `sim/dynamics/rules.py`;
# this is the one:

# %%
print(inspect.getsource(getattr(rules.mutual_trust, "py_func", rules.mutual_trust)))

# %% [markdown]
# The geometric mean is an assumption. One may as well hold that the less trusting partner decides alone:


# %%
def the_lower_one(trust_a, trust_b):
    """τ̄ = min(τ_ab, τ_ba)."""
    return min(trust_a, trust_b)


# %% [markdown]
# ## Another equation, for a while
#
# `instead` puts another function in the place of a rule, within a block and in this process alone. The core is compiled
# anew with it, and kept apart from the shipped one by the function's text and by all that it reads. Whatever is stored
# within the block says so: its manifest names the rule, and its `code_digest` is another one. Work that is sent from
# within the block to workers of other processes is refused there: they have the shipped rules.

# %% [markdown]
# ## Does a conclusion change?
#
# The conclusion: *a clash of cultures costs an alliance money*. We measure that cost under both forms, on the same
# luck.

# %%
baseline, clash = (load(find("scenarios", name)) for name in ("baseline", "culture_clash"))


def cost_of_clash() -> pd.DataFrame:
    """What the clash changes in each replicate, one column an outcome."""
    outcomes = ["value", "trust", "communication"]
    return simulate(clash, 100, seed=1).runs()[outcomes] - simulate(baseline, 100, seed=1).runs()[outcomes]


shipped = cost_of_clash()
with instead("mutual_trust", the_lower_one):
    changed = cost_of_clash()
    print(dict(replaced_rules()))
assert not changed.equals(shipped)  # the other equation was used

# %% [markdown]
# Means with their 95% intervals over replicates; the last column is the change of the conclusion itself, paired.


# %%
def interval(differences: pd.Series) -> str:
    """Mean and 95% t interval."""
    half = student.ppf(0.975, len(differences) - 1) * differences.sem()
    return f"{differences.mean():+.3f} ± {half:.3f}"


pd.DataFrame(
    {
        "geometric mean": shipped.apply(interval),
        "the lower one": changed.apply(interval),
        "change": (changed - shipped).apply(interval),
    }
)

# %%
figure, axes = plt.subplots(figsize=(5.2, 4.4))
axes.scatter(shipped["value"], changed["value"], s=14, color="#0072B2")
lowest = shipped["value"].min()
axes.axline((lowest, lowest), slope=1, color="0.5", linewidth=1)
axes.set_aspect("equal")
axes.set_xlabel("value changed by the clash, geometric mean, money")
axes.set_ylabel("the same with the lower of the two, money")
_ = axes.set_title("Each point a replicate; on the line the form does not matter", fontsize=9)

# %% [markdown]
# Two things to read off: whether the sign stands under both forms, and whether the *change* column excludes zero. If
# the sign stands, the conclusion does not need this assumption. If the change excludes zero, its size does.

# %% [markdown]
# ## Back to the shipped model
#
# Outside the block everything is as before, to the last bit.

# %%
assert cost_of_clash().equals(shipped)

# %% [markdown]
# ## To keep a change
#
# Edit the function in `sim/dynamics/rules.py`. Then every command, sweep, history and agent runs on it, the core is
# compiled anew by itself, and results carry another `code_digest`. `tests/unit/test_rules.py` will say that the
# numbers worked out by hand are no longer those of the rule: change them too, and the row in `docs/model.md`.
#
# A rule with another *argument* needs its calls in `sim/dynamics` changed as well, and a new number for it a line in
# `sim/parameters.py`.
