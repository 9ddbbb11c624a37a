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
# # Calibrate, and ask what the data can tell
#
# Before fitting numbers to data one should know whether such data could find them. So this notebook first makes data
# with known numbers, hides them, and looks whether they come back. Put your own observations in place of the made
# ones afterwards.
#
# The defaults of the model were found by a longer search of the same kind: `experiments/calibration/calibrate.py`,
# with its results in `docs/verification.md`.

# %%
# %matplotlib inline
import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.interpolate import RectBivariateSpline
from scipy.optimize import minimize
from scipy.stats import chi2

from sim.engine import simulate
from sim.library import find
from sim.scenario import load

world = load(find("scenarios", "baseline")).replace(months=96, organizations=20)

# %% [markdown]
# ## What is observed
#
# Say a survey of some hundred alliances tells how many were still going on after eight years, how many had ended in
# distrust, and how far the partners trusted each other at last. The truth is known to nobody but this cell.

# %%
TRUTH = {"trust_gain": 0.05, "trust_loss": 0.16}
OBSERVED = ["survived", "ended_by_distrust", "trust"]

survey = simulate(world.replace(**TRUTH), replicates=10, seed=2026).runs()[OBSERVED]
data, error = survey.mean(), survey.sem()
pd.DataFrame({"observed": data, "standard error": error}).round(3)

# %% [markdown]
# ## The misfit of a guess
#
# Deviations in units of the standard errors, squared and added. The standard error of the model's own mean is part of
# it, since the model is random too. All guesses meet the same luck, so that they differ by their numbers only.


# %%
def predicted(gain: float, loss: float) -> tuple[pd.Series, pd.Series]:
    """Mean over replicates of each observed quantity, and its standard error."""
    runs = simulate(world.replace(trust_gain=gain, trust_loss=loss), replicates=20, seed=1).runs()[OBSERVED]
    return runs.mean(), runs.sem()


def misfit(gain: float, loss: float) -> float:
    """Sum over the observed quantities of the squared deviation, in units of what chance would allow."""
    mean, own_error = predicted(gain, loss)
    return float(((mean - data) ** 2 / (error**2 + own_error**2)).sum())


# %% [markdown]
# ## What each observation can tell
#
# Means over replicates change smoothly with the numbers, so eight by eight guesses, joined by a spline, give the
# whole map. Within the dashed line a guess is not refuted by the data at the 5% level (χ² with as many degrees of
# freedom as there are observations).

# %%
gains, losses = np.linspace(0.02, 0.09, 8), np.linspace(0.06, 0.26, 8)
means, errors = (
    np.array(part).reshape(8, 8, len(OBSERVED))
    for part in zip(*(predicted(gain, loss) for gain, loss in itertools.product(gains, losses)), strict=True)
)
x, y = np.linspace(0.02, 0.09, 100), np.linspace(0.06, 0.26, 100)
surfaces = [
    (RectBivariateSpline(gains, losses, means[..., k])(x, y) - data[name]) ** 2
    / (error[name] ** 2 + (errors[..., k] ** 2).mean())
    for k, name in enumerate(OBSERVED)
]

# %%
figure, panels = plt.subplots(1, 4, figsize=(13, 3.6), sharex=True, sharey=True, layout="constrained")
shown = [*zip(OBSERVED, surfaces, itertools.repeat(1)), ("all three", sum(surfaces), len(OBSERVED))]
for panel, (name, surface, observations) in zip(panels, shown, strict=True):
    panel.contourf(x, y, np.log10(surface + 0.1).T, levels=12, cmap="cividis")
    panel.contour(x, y, surface.T, levels=[chi2.ppf(0.95, observations)], colors="white", linestyles="--")
    panel.plot(TRUTH["trust_gain"], TRUTH["trust_loss"], "*", color="white", markeredgecolor="black", markersize=14)
    panel.set(title=name, xlabel="trust_gain")
panels[0].set_ylabel("trust_loss")
_ = figure.suptitle("Dark: fits well. Star: the truth. Dashed: what cannot be told from it")

# %% [markdown]
# Each observation alone leaves a valley: faster gain and faster loss make up for each other. The three together cut
# it short, but do not close it to a point.
#
# ## The best guess
#
# From the best point of the map, downhill without derivatives (Nelder–Mead).

# %%
row, column = np.unravel_index(np.argmin(shown[-1][1]), shown[-1][1].shape)
found = minimize(
    lambda guess: misfit(*np.clip(guess, 0.001, 0.5)),
    [x[row], y[column]],
    method="Nelder-Mead",
    options={"maxfev": 40, "xatol": 1e-4},
)
print(f"misfit of the best guess {found.fun:.2f}, of the truth {misfit(*TRUTH.values()):.2f}")
pd.DataFrame({"truth": TRUTH, "best guess": dict(zip(TRUTH, found.x.round(4), strict=True))})

# %% [markdown]
# The best guess fits the sample at least as well as the truth does, and is not the truth: it also fits the sample's
# luck. What may be claimed is the region within the dashed line, not the point.
#
# ## What was not fitted
#
# A calibrated model should get right what it was not calibrated on. Here that can be looked up:

# %%
others = ["value", "communication", "talked_through", "blamed"]
seen = simulate(world.replace(**TRUTH), replicates=10, seed=2026).runs()[others]
fitted = dict(zip(TRUTH, found.x, strict=True))
said = simulate(world.replace(**fitted), replicates=100, seed=1).runs()[others]
check = pd.DataFrame({"observed": seen.mean(), "fitted model": said.mean()})
check["deviation, standard errors"] = (said.mean() - seen.mean()) / np.hypot(seen.sem(), said.sem())
check.round(3)

# %% [markdown]
# This was the easy case: the data came from the model itself. Real alliances do not, so a good fit there says less.
# Keep some observations back, and report the valley.
