"""Matplotlib for files, whatever its surroundings say: ``MPLBACKEND``, a file ``matplotlibrc``, a folder for its cache.

Importing this module imports Matplotlib. A variable or a file that it refuses would stop every figure, and figures that
are drawn into files need neither: they have a canvas and a style of their own (:mod:`sim.study.plots.frame`).
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def unheard() -> Iterator[None]:
    """Keep what Matplotlib has to say about settings and folders from the terminal: it says it through a log."""
    log = logging.getLogger("matplotlib")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


def _import() -> None:
    """Import Matplotlib without the user's backend, which is set afterwards if there is such a one."""
    if "matplotlib" in sys.modules:
        return
    wanted = os.environ.pop("MPLBACKEND", None)
    try:
        with unheard():
            try:
                mpl: Any = importlib.import_module("matplotlib")
            except (OSError, ValueError):  # a matplotlibrc that cannot be read
                mpl = _import_with_own_settings()
            importlib.import_module("matplotlib.font_manager")  # looks for a folder for its list of fonts
            if "sim.cli" in sys.modules:
                _import_without_help()
    finally:
        if wanted is not None:
            os.environ["MPLBACKEND"] = wanted
    if wanted:  # for pyplot, should a notebook use it as well
        with contextlib.suppress(ValueError):
            mpl.rcParams["backend"] = wanted


def _import_without_help() -> None:
    """Import what figures are made of for a command, in which nobody reads the help of Matplotlib's classes.

    Listing in it which properties every class of artists can have takes half of the time of the import.
    """
    artist: Any = importlib.import_module("matplotlib.artist")
    listing = artist.kwdoc
    artist.kwdoc = lambda _: ""
    try:
        importlib.import_module("matplotlib.figure")
    finally:
        artist.kwdoc = listing


def _import_with_own_settings() -> Any:
    """Import Matplotlib with the settings that it brings along: it looks first in the folder in which it is started."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        del sys.modules[name]  # what was imported before it failed
    found = importlib.util.find_spec("matplotlib")
    assert found is not None
    assert found.origin is not None
    here = Path.cwd()
    os.chdir(Path(found.origin).with_name("mpl-data"))
    try:
        return importlib.import_module("matplotlib")
    finally:
        os.chdir(here)


_import()
