"""``alliance scenarios``: list them, show one, begin a new one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.commands.codes import BAD_FILE
from sim.commands.listing import list_without_command, print_list
from sim.commands.options import FileName, json_option
from sim.commands.output import print_json, print_table, print_texts, put, say, toml, writing
from sim.text import problem

if TYPE_CHECKING:
    from sim.scenario import Scenario


@click.group(
    invoke_without_command=True,
    epilog="""\b
Examples:
  alliance scenarios
  alliance scenarios show culture_clash --all
  alliance scenarios new our_merger --title "Our merger"
""",
)
@json_option
@click.pass_context
def scenarios(ctx: click.Context, as_json: bool) -> None:
    """List the scenarios, show one, or begin one of your own.

    A scenario says who meets whom and what happens. It is a TOML file that holds only what differs from the defaults.
    Files in ./scenarios come before those that come with the program.
    """
    list_without_command(ctx, "scenarios", as_json)


@scenarios.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List every scenario with its title and question."""
    print_list("scenarios", as_json)


@scenarios.command("show")
@click.argument("scenario", metavar="SCENARIO", type=FileName("scenarios"))
@click.option("--all", "show_all", is_flag=True, help="Show every resolved value with its unit, defaults included.")
@json_option
def show_(scenario: str, show_all: bool, as_json: bool) -> None:
    """Show a scenario: title, question, source, expected finding, and what it changes.

    SCENARIO is a name from the list or a path to a .toml file.
    """
    from sim.library import find
    from sim.scenario import TEXTS, load

    found = load(find("scenarios", scenario))
    if as_json:
        print_json({"name": found.name, "overrides": _written(found), **found.plain()})
        return
    print_texts({text: getattr(found, text) for text in TEXTS})
    if show_all:
        print_table(("setting", "value", "unit", "meaning"), _all_values(found), "Every value (* set by this file)")
    elif _written(found):
        print_table(("setting", "value", "unit", "default"), _overrides(found), "What it changes")
    else:
        put("\nIt changes nothing: every value is the default. --all shows them.")


@scenarios.command()
@click.argument("files", metavar="SCENARIO...", nargs=-1, required=True, type=FileName("scenarios"))
def check(files: tuple[str, ...]) -> None:
    """Check scenarios: report every mistake with its line.

    SCENARIO is a name from the list or a path to a .toml file. Exit code 3 when there is a mistake.
    """
    from sim.library import find
    from sim.scenario import load

    check_files(files, lambda name: load(find("scenarios", name)))


@scenarios.command()
@click.argument("name")
@click.option("--title", help="Its title; the name without one.")
def new(name: str, title: str | None) -> None:
    """Begin a scenario of your own: writes ./scenarios/NAME.toml from the template.

    It is a complete scenario that runs as it stands; change what you like. A file that is there is never overwritten.
    """
    from sim.library import SHIPPED

    if not re.fullmatch(r"\w[\w-]*", name) or name.startswith("_"):
        raise click.UsageError(f"{name!r} cannot be a scenario's name: use letters, digits, '_' and '-', no folder")
    if title and (unseen := problem(title, breaks=True)):
        raise click.UsageError(f"--title {unseen}")
    template = (SHIPPED / "scenarios" / "_template.toml").read_text(encoding="utf-8")
    path = Path("scenarios") / f"{name}.toml"
    path.parent.mkdir(exist_ok=True)
    try:
        with writing(path), path.open("x", encoding="utf-8") as file:
            file.write(with_title(template, title or name.replace("_", " ").capitalize()))
    except FileExistsError:
        raise click.UsageError(f"{path} is there already and is not overwritten: choose another name") from None
    put(f"{path}\nEdit it, then: alliance run {name}")


def with_title(template: str, title: str) -> str:
    """The template's text with another title."""
    return re.sub(r"(?m)^title\s*=.*$", lambda _: f"title = {toml(title)}", template, count=1)


def check_files(names: Iterable[str], read: Callable[[str], Any]) -> None:
    """Read each file and say that it is fine, or everything that is wrong with all of them.

    Raises:
        click.exceptions.Exit: with code 3 when a file has mistakes.
    """
    from sim.tomlfile import BadFile

    bad = 0
    for name in names:
        try:
            read(name)
        except BadFile as error:
            bad += 1
            say("\n".join(error.reports()))
        else:
            put(f"{name}: fine")
    if bad:
        raise click.exceptions.Exit(BAD_FILE)


# ---------------------------------------------------------------------------------------------------------------
# Values of a scenario
# ---------------------------------------------------------------------------------------------------------------
def _written(scenario: Scenario) -> dict[str, Any]:
    """What the file sets besides its sentences."""
    from sim.scenario import TEXTS

    return {key: value for key, value in scenario.written.items() if key not in TEXTS}


def _overrides(scenario: Scenario) -> Iterator[tuple[str, str, str, str]]:
    """What the file sets: key as ``--set`` takes it, value, unit, default."""
    written = _written(scenario)
    for name in ("months", "organizations"):
        if name in written:
            yield name, toml(written[name]), _unit(name), ""
    for name, value in written.get("network", {}).items():
        yield f"network.{name}", toml(value), "", ""
    for table in ("parameters", "traits"):
        for name, value in written.get(table, {}).items():
            yield name, toml(value), _unit(name), _default(name)
    for group in written.get("groups", []):
        yield f"group {group.get('name')}", f"share {toml(group.get('share', 1.0))}", "", ""
        for name, value in group.get("traits", {}).items():
            yield f"{group.get('name')}.{name}", toml(value), _unit(name), _default(name)
    for event in scenario.events:
        yield f"events.{event.name}", _event(event), "", ""


def _all_values(scenario: Scenario) -> Iterator[tuple[str, str, str, str]]:
    """Every resolved value: key, with a mark when the file sets it, value, unit, meaning."""
    from sim.parameters import Parameters, Traits
    from sim.scenario import EVERYONE

    written = _written(scenario)
    for name in ("months", "organizations"):
        yield _marked(name, name in written), toml(getattr(scenario, name)), _unit(name), ""
    for name, value in scenario.plain()["network"].items():
        yield _marked(name, name in written.get("network", {})), toml(value), "", ""
    yield "alliances", str(scenario.alliances), "", "follows from the network"
    for name, declared in Parameters.model_fields.items():
        value = getattr(scenario.parameters, name)
        is_set = name in written.get("parameters", {})
        yield _marked(name, is_set), toml(value), _unit(name), declared.description or ""
    rows = written.get("groups") or [{}]
    for group, size, row in zip(scenario.groups, scenario.sizes, rows, strict=True):
        alone = group.name == EVERYONE
        if not alone:
            yield _marked(f"group {group.name}"), f"{size} of {scenario.organizations}", "organizations", ""
        for name, declared in Traits.model_fields.items():
            key, value = name if alone else f"{group.name}.{name}", getattr(group.traits, name).plain()
            is_set = name in row.get("traits", {}) or name in written.get("traits", {})
            yield _marked(key, is_set), toml(value), _unit(name), declared.description or ""
    for event in scenario.events:
        yield _marked(f"events.{event.name}"), _event(event), "", ""


def _marked(key: str, is_set: bool = True) -> str:
    return f"{key} *" if is_set else key


def _event(event: Any) -> str:
    """An event in words."""
    numbers = ", ".join(f"{name} {number:g}" for name, number in event.numbers.items())
    who = "" if event.kind == "crash" else f" of {event.who}"
    trait = f" {event.trait}" if event.trait else ""
    switched = "" if event.enabled else " (disabled)"
    return f"month {event.month}: {event.kind}{trait}{who}{f', {numbers}' if numbers else ''}{switched}"


def _declared(name: str) -> Any:
    """The declaration of a parameter or trait; None when there is no such name."""
    from sim.parameters import Parameters, Traits

    return Parameters.model_fields.get(name) or Traits.model_fields.get(name)


def _unit(name: str) -> str:
    from sim.parameters import meta

    declared = _declared(name)
    return {"months": "month"}.get(name, "") if declared is None else str(meta(declared)["unit"])


def _default(name: str) -> str:
    default = _declared(name).default
    return toml(default.plain() if hasattr(default, "plain") else default)
