"""Options and arguments that several commands share; how ``--set`` is read, and what becomes of a mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click
from click.shell_completion import CompletionItem

from sim.text import visible

if TYPE_CHECKING:
    from sim.scenario import Scenario
    from sim.sweeps.design import Experiment
    from sim.tomlfile import Problem

Command = TypeVar("Command", bound=Callable[..., Any])

SETTINGS = ("months", "organizations", "partners", "mixing", "market")
"""What ``--set`` takes besides parameters, traits and events."""
LONGEST_TYPED = 80
"""Characters of an argument that a message repeats."""
MAX_SEED, MAX_REPLICATES, MAX_REPLICATE, MAX_JOBS = 2**63 - 1, 10_000_000, 2**32 - 1, 1024
"""What the engine and the design of experiments take; importing them to print ``--help`` would take too long."""


class Setting(NamedTuple):
    """One ``--set key=value``: the key, the value as TOML reads it, and the text as it was typed."""

    key: str
    value: Any
    text: str


def read_value(text: str) -> Any:
    """A value as TOML reads it (``0.06``, ``true``, ``{normal = [0.8, 0.1]}``), else the text itself.

    Raises:
        ValueError: when it is nested too deeply, or a whole number too large for any setting; says so.
    """
    import tomllib

    from sim.tomlfile import BEYOND, beyond_64_bits, parse

    try:
        document = parse(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    except (RecursionError, OverflowError) as error:
        raise ValueError(str(error)) from None
    if beyond_64_bits(document):
        raise ValueError(BEYOND)
    return document["value"] if len(document) == 1 else text


def brief(value: Any) -> str:
    """What was typed, as a message repeats it: long text is cut."""
    text = str(value)
    return text if len(text) <= LONGEST_TYPED else f"{text[: LONGEST_TYPED - 1]}…"


class Number(click.ParamType):  # type: ignore[type-arg] # not generic before click 8.4
    """A finite number. Percent, and what is none, are refused with the number that may be meant."""

    name = "float"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number."""
        import math

        from sim.distributions import in_percent

        try:
            number = float(value)
        except ValueError:
            self.fail(f"{brief(value)!r} is no number{in_percent(value)}", param, ctx)
        if not math.isfinite(number):
            self.fail(f"{brief(value)!r} is no finite number", param, ctx)
        return number


class SettingType(click.ParamType):  # type: ignore[type-arg] # not generic before click 8.4
    """``key=value`` on the command line."""

    name = "key=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Setting:
        """Split at the first "=" and read the value."""
        if isinstance(value, Setting):
            return value
        key, equals, text = (part.strip() for part in str(value).partition("="))
        if not equals or not key:
            self.fail(f"{brief(value)!r} is no setting: write key=value, such as trust_gain=0.06", param, ctx)
        try:
            return Setting(key, read_value(text), brief(value))
        except ValueError as error:
            self.fail(f"{brief(value)}: {error}", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The keys that begin as typed, each with its "="."""
        keys = [*declared_names("Parameters", "Traits"), *SETTINGS, *_own_keys(ctx)]
        return [CompletionItem(f"{key}=") for key in keys if key.startswith(incomplete) and visible(key) == key]


def declared_names(*models: str) -> list[str]:
    """Names declared in ``Parameters`` and ``Traits``, read off the source: an import is too slow for the Tab key."""
    import ast

    source = Path(__file__).parent.parent / "parameters.py"
    return [
        statement.target.id
        for model in ast.parse(source.read_text(encoding="utf-8")).body
        if isinstance(model, ast.ClassDef) and model.name in models
        for statement in model.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    ]


def _own_keys(ctx: click.Context) -> list[str]:
    """Keys of the groups and the events of the scenarios that stand on the command line already."""
    # An option that still waits for its value stops click's reading of arguments: they are then left in ctx.args.
    named = [ctx.params.get("scenario"), *(ctx.params.get("scenarios") or ()), *ctx.args]
    if ctx.info_name == "sweep":
        files = [_data("experiments", name) for name in (ctx.params.get("experiment"), *ctx.args)]
        named = [name for file in files for name in _items(file, "scenarios", str)]
    keys: dict[str, None] = {}
    for name in named:
        data = _data("scenarios", name)
        groups = [row["name"] for row in _items(data, "groups", dict) if "name" in row]
        events = [row.get("name", f"{row.get('kind')}@{row.get('month')}") for row in _items(data, "events", dict)]
        keys |= {f"{group}.{trait}": None for group in groups for trait in declared_names("Traits")}
        keys |= {f"events.{event}.enabled": None for event in events}
    return list(keys)


def _items(data: dict[str, Any], key: str, kind: type) -> list[Any]:
    """What a file lists under a key; what is no list or of another kind is a mistake that is told elsewhere."""
    found = data.get(key)
    return [item for item in found if isinstance(item, kind)] if isinstance(found, list) else []


def _data(kind: str, name: str | None) -> dict[str, Any]:
    """What a file holds; nothing when there is no such file or it cannot be read."""
    from sim.library import find
    from sim.tomlfile import BadFile, read

    try:
        return read(find(kind, name or ""))[0]
    except BadFile:
        return {}


class FileName(click.ParamType):  # type: ignore[type-arg]
    """The name of a scenario or an experiment, or a path to a file of one."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.name = kind[:-1]

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names that begin as typed, with their titles; files when a path has been begun."""
        if "/" in incomplete or incomplete.startswith("."):
            return [CompletionItem(incomplete, type="file")]
        from sim.library import available

        names = [name for name in available(self.kind) if name.startswith(incomplete) and visible(name) == name]
        return [CompletionItem(name, help=visible(_data(self.kind, name).get("title", ""))) for name in names]


# ---------------------------------------------------------------------------------------------------------------
# Options
# ---------------------------------------------------------------------------------------------------------------
def settings_option(command: Command) -> Command:
    """``--set key=value``, as often as wanted."""
    return click.option(
        "--set",
        "settings",
        type=SettingType(),
        multiple=True,
        metavar="KEY=VALUE",
        help="Change one setting: a parameter (trust_gain=0.06), a trait (openness='{normal=[0.8, 0.1]}'), a trait of "
        "one group (cautious.openness=0.4), months, organizations, partners, mixing, market, or an event "
        "(events.crash.enabled=false). Repeat for more. `alliance parameters` lists them.",
    )(command)


def out_option(command: Command) -> Command:
    """``--out``: where results go."""
    return click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("results"),
        show_default=True,
        help="Folder for results. A run never overwrites another.",
    )(command)


def json_option(command: Command) -> Command:
    """``--json``: one JSON document on stdout, and nothing else there."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout and nothing else.")(
        command
    )


def quiet_option(command: Command) -> Command:
    """``--quiet``: errors and the result's path only."""
    return click.option("--quiet", is_flag=True, help="Print only errors and where the result lies.")(command)


def no_figures_option(command: Command) -> Command:
    """``--no-figures``: tables and summary only."""
    return click.option("--no-figures", is_flag=True, help="Draw no figures; `alliance report` draws them later.")(
        command
    )


def seed_range() -> click.IntRange:
    """Seeds that the random numbers take."""
    return click.IntRange(0, MAX_SEED)


def all_of(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, shown in ``--help`` in the order given."""

    def decorate(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


# ---------------------------------------------------------------------------------------------------------------
# Checking what was given
# ---------------------------------------------------------------------------------------------------------------
def as_dictionary(settings: Iterable[Setting]) -> dict[str, Any]:
    """The settings by key.

    Raises:
        click.UsageError: when one is given twice, since only one of the two could hold.
    """
    found: dict[str, Any] = {}
    for setting in settings:
        if setting.key in found:
            raise click.UsageError(f"--set {setting.text}: {setting.key!r} is set twice")
        found[setting.key] = setting.value
    return found


def with_settings(experiment: Experiment, settings: Iterable[Setting]) -> Experiment:
    """The experiment with the settings of the command line in every cell.

    Raises:
        click.UsageError: with a line for each setting that is unknown, out of range or a factor of the experiment.
    """
    from sim.sweeps.levels import plain_name, text_of
    from sim.tomlfile import BadFile

    settings = list(settings)
    wanted = as_dictionary(settings)
    if not wanted:
        return experiment
    factors = {plain_name(factor): factor for factor in experiment.factors}
    varied = [
        f"--set {setting.text}: is a factor of this experiment, which varies it over "
        + ", ".join(text_of(level.shown) for level in experiment.levels(factors[plain_name(setting.key)]))
        for setting in settings
        if plain_name(setting.key) in factors
    ]
    if varied:
        raise click.UsageError("\n".join(varied))
    try:
        return experiment.with_settings(wanted)
    except BadFile as bad:
        raise click.UsageError("\n".join(_line(problem, settings) for problem in bad.problems)) from None


def scenario_with(name: str, settings: Iterable[Setting]) -> Scenario:
    """The scenario of that name or file, with the settings of the command line."""
    from sim.library import find
    from sim.scenario import load
    from sim.sweeps.design import experiment_of

    loaded = load(find("scenarios", name))
    return with_settings(experiment_of([loaded], 1, 1, loaded.name), settings).cells()[0].scenario


@contextmanager
def refusals(before: str = "") -> Iterator[None]:
    """What is refused with a ValueError is a mistake of the command line; ``before`` stands before each line of it."""
    try:
        yield
    except ValueError as error:
        raise click.UsageError("\n".join(before + line for line in str(error).splitlines())) from None


def _line(problem: Problem, settings: list[Setting]) -> str:
    """The mistake as a line that begins with the setting that made it, when one setting did."""
    for setting in settings:
        if problem.key == ("settings", setting.key):
            return f"--set {setting.text}: {problem.message}"
    return f"--set: {problem.message}"
