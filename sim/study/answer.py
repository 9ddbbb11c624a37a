"""What an analysis gives back: a table, a figure and a sentence; and the packages that only some analyses need."""

from __future__ import annotations

import importlib
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING

import pandas as pd

import sim

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Answer:
    """The answer to one question.

    Attributes:
        table: every number behind the figure and the sentence.
        draw: makes the figure.
        sentence: what came out and how sure that is, in one or a few sentences.
        more: further tables by name, such as the convergence of an index.
    """

    table: pd.DataFrame
    draw: Callable[[], Figure]
    sentence: str
    more: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Answer of {len(self.table)} rows: {textwrap.shorten(self.sentence, 100, placeholder=' …')}>"

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        return sim.in_a_notebook(self)

    @cached_property
    def figure(self) -> Figure:
        """In the style of ``sim.study.plots.frame``; drawn when first asked for, since many want the words alone."""
        return self.draw()


class MissingExtra(ModuleNotFoundError):
    """An optional package is not installed; ``str()`` names the extra that brings it."""


def optional(module: str, purpose: str) -> ModuleType:
    """A module of a package that the extra ``analysis`` brings.

    Args:
        module: its dotted name.
        purpose: what needs it, as a sentence begins with it.

    Raises:
        MissingExtra: when the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        raise MissingExtra(
            f"{purpose} needs the package {package}: pip install 'alliance-trust[analysis]'", name=error.name
        ) from None
