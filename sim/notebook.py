"""What a notebook shows of our objects: a few lines of HTML with a table and a small picture.

Objects call it through ``sim.in_a_notebook``; in a terminal they are a line. Everything that is text is escaped by
:mod:`sim.study.page.markup`, in pictures by the frame of figures.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.asking import Comparison, Shares, Survey
from sim.engine import History, Provenance, Result
from sim.parameters import Parameters, Traits, meta
from sim.scenario import EVERYONE, Scenario
from sim.study import analysis
from sim.study.answer import Answer
from sim.study.page.markup import Content, Html, bullets, element, prose
from sim.study.story import story
from sim.study.terminal import history_text
from sim.study.whatif import Comparison as Futures
from sim.study.words import capital, rows_of, whole_sentence, with_interval
from sim.sweeps.design import DEFAULT_OUTCOMES
from sim.text import named

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = (*DEFAULT_OUTCOMES, "communication", "duration")
"""Outcomes of a result that are shown; ``runs()`` has all."""
DRAWN = ("trust", "alive")
"""What is drawn of a result over months: trust never without the share that is left to trust."""
DOTS = 64
"""Dots an inch of a small picture."""
LONGEST = 90
"""Letters of a value that is shown; a longer one is shortened."""
MOST_ROWS = 60
"""Rows of a table that are shown."""


@singledispatch
def html_of(thing: object) -> str:
    """An object as a notebook shows it: its line, where no other form is registered for its kind."""
    return _block(thing)


# ---------------------------------------------------------------------------------------------------------------
# Scenarios
# ---------------------------------------------------------------------------------------------------------------
@html_of.register
def _(scenario: Scenario) -> str:
    written = scenario.written
    rows: list[tuple[str, str, str]] = []
    rows += [(key, _value(written[key]), "") for key in ("months", "organizations") if key in written]
    rows += [(f"network.{key}", _value(value), "") for key, value in written.get("network", {}).items()]
    rows += _settings("", written)
    for group in written.get("groups", []):
        rows += _settings(f"{group['name']}.", group)
    rows += [
        (f"events.{event.name}", _value(_event(told)), "")
        for event, told in zip(scenario.events, written.get("events", []), strict=True)
    ]
    overrides = [element("p", "It overrides nothing: every number is the default.")]
    if rows:
        overrides = _table(("overrides", "value", "default"), rows)
    return _block(scenario, prose("strong", scenario.title), prose("p", scenario.question), overrides)


def _settings(group: str, written: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What a file, or a group in it, says of parameters and traits: name, value and default, with the unit."""
    rows = []
    for table, model in (("parameters", Parameters), ("traits", Traits)):
        for name, value in written.get(table, {}).items():
            declared = model.model_fields[name]
            default = declared.default if table == "parameters" else declared.default.plain()
            rows.append((f"{group}{name}", _value(value), f"{_value(default)} ({meta(declared)['unit']})"))
    return rows


def _event(told: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if key != "name" and (key, value) != ("who", EVERYONE)}


def _value(value: Any) -> str:
    """A value as a scenario file would hold it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


# ---------------------------------------------------------------------------------------------------------------
# Results and histories
# ---------------------------------------------------------------------------------------------------------------
@html_of.register
def _(result: Result) -> str:
    runs = result.runs().assign(cell=0, label=result.scenario.name)
    rows = [(_outcome(row), with_interval(row) + _unit(row)) for row in rows_of(analysis.cell_means(runs, SHOWN))]
    table = _table(("outcome", "mean (95% interval)"), rows)
    return _block(result, table, *_over_time({result.scenario.name: result}))


@html_of.register
def _(history: History) -> str:
    if not history.alliances.shape[1]:
        return _block(history, prose("p", history_text(history)))
    from sim.study import plots

    told = story(history)
    lines = [prose("strong", told.title), *(prose("p", text) for text in told.paragraphs[:2])]
    picture = _picture(plots.history(history, told.alliance), f"Alliance {told.alliance}, month by month")
    return _block(history, *lines, picture)


def _over_time(results: Mapping[str, Result]) -> list[Html]:
    """Trust and the share of alliances going on, month by month; nothing where there are too many, or no alliance."""
    from sim.study import plots
    from sim.study.plots.frame import MOST_CELLS

    if len(results) > MOST_CELLS or not all(result.alliances.exists.any() for result in results.values()):
        return []
    monthly = [result.monthly().assign(cell=cell) for cell, result in enumerate(results.values())]
    cells = pd.DataFrame({"cell": range(len(results)), "label": list(results)})
    market = any(result.scenario.network.market for result in results.values())
    figure = plots.trajectories(pd.concat(monthly, ignore_index=True), cells, DRAWN, market=market)
    return [_picture(figure, "Trust and the share of alliances still going on, month by month")]


# ---------------------------------------------------------------------------------------------------------------
# What was asked
# ---------------------------------------------------------------------------------------------------------------
@html_of.register
def _(comparison: Comparison) -> str:
    said = bullets(whole_sentence(analysis.sentence(row)) for row in rows_of(comparison.contrasts))
    return _block(comparison, said, *_over_time(comparison.results))


@html_of.register
def _(futures: Futures) -> str:
    from sim.study import plots

    drawn = [_picture(plots.whatif(futures), "Both futures, month by month")] if futures.is_told() else []
    said = [prose("strong", capital(futures.title)), prose("p", whole_sentence(futures.sentence()))]
    return _div(*said, *drawn, _foot(futures.factual.provenance))


@html_of.register
def _(answer: Answer) -> str:
    return _div(prose("p", answer.sentence), _frame(answer.table), _picture(answer.figure, answer.sentence))


@html_of.register
def _(survey: Survey) -> str:
    return _block(survey, _frame(survey.table))


@html_of.register
def _(shares: Shares) -> str:
    said = [prose("p", sentence) for sentence in shares.sentences.values()]
    return _block(shares, *said, _frame(shares.table))


def _outcome(row: Mapping[str, Any]) -> str:
    return analysis.outcome_words(str(row["outcome"]))


def _unit(row: Mapping[str, Any]) -> str:
    """The unit after a number; a share has its sign already."""
    unit = analysis.unit_words(str(row["outcome"]))
    return "" if unit.strip() in ("%", "percentage points") else unit


# ---------------------------------------------------------------------------------------------------------------
# Parts
# ---------------------------------------------------------------------------------------------------------------
def _block(thing: Any, *parts: Content) -> str:
    """What is shown: the object's own line, its parts, and where it comes from."""
    made: Provenance | None = getattr(thing, "provenance", None)
    return _div(element("p", element("code", repr(thing))), *parts, _foot(made) if made else [])


def _div(*parts: Content) -> str:
    return str(element("div", *parts))


def _foot(made: Provenance) -> Html:
    return element("p", element("small", str(made)))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Html]:
    """A table; of a long one the first rows, and how many more there are."""
    body = [element("tr", [element("td", named(cell, LONGEST)) for cell in row]) for row in rows[:MOST_ROWS]]
    more = [element("p", f"and {len(rows) - MOST_ROWS} rows more")] if len(rows) > MOST_ROWS else []
    top = element("thead", element("tr", [element("th", named(cell, LONGEST)) for cell in head]))
    return [element("table", top, element("tbody", body)), *more]


def _frame(frame: pd.DataFrame) -> list[Html]:
    """A table of pandas, numbers to four digits."""
    cells = [
        [f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row.values()] for row in rows_of(frame)
    ]
    return _table([str(column) for column in frame.columns], cells)


def _picture(figure: Figure, says: str) -> Html:
    """A figure as a small image that stands in the page.

    Args:
        figure: as the figures of this program are made.
        says: what it shows, for those who cannot see it.
    """
    from sim.study.plots.frame import small_png

    data = base64.b64encode(small_png(figure, DOTS)).decode()
    return element("img", src=f"data:image/png;base64,{data}", alt=says)
