"""Draw the pictures of the README again: ``python docs/make_images.py`` (about half a minute)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from sim.analysis import plots
from sim.engine import simulate_history
from sim.library import find
from sim.scenario import load
from sim.sweeps.design import load_experiment
from sim.sweeps.reading import read_results
from sim.sweeps.runner import run_experiment

IMAGES = Path(__file__).resolve().parent / "images"
FROM_THE_DEMO = ("trajectories",)
TYPICAL = 7
"""Replicate of ``aol_time_warner`` that is drawn: it ends in disappointment and within two years, as most do."""


def draw() -> None:
    """Trajectories of the demo sweep, the heat map of ``control``, and one history."""
    with tempfile.TemporaryDirectory() as folder:
        for name, figures in (("demo", FROM_THE_DEMO), ("control", ("heat_map",))):
            stored = read_results(run_experiment(load_experiment(find("experiments", name)), out=Path(folder)))
            drawn = plots.draw_all(stored)
            for figure in figures:
                keep(plots.save(drawn[figure], IMAGES, figure))
    history = simulate_history(load(find("scenarios", "aol_time_warner")), seed=1, replicate=TYPICAL)
    keep(plots.save(plots.history(history, 1), IMAGES, "history"))


def keep(files: list[Path]) -> None:
    """Keep the PNG and drop the SVG: a README shows one of them."""
    for file in files:
        if file.suffix == ".svg":
            file.unlink()
        else:
            print(f"wrote {file.relative_to(IMAGES.parent.parent)}")


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    draw()
