"""The command ``alliance``: the door to scenarios, runs, sweeps and results. No default and no computing of its own.

A command's module is imported when the command is called, and nothing heavy is imported here or at the top of
``sim/commands``: NumPy, Numba, pandas, matplotlib and rich are imported by the function that needs them. So ``alliance
--help`` and the Tab key answer at once, also where Python may not keep what it has read.
"""

from __future__ import annotations

import codecs
import errno
import importlib
import io
import itertools
import os
import shlex
import sys
import warnings
from collections import UserDict
from typing import TYPE_CHECKING, Any

import click

from sim.commands.codes import BAD_FILE, CANNOT_WRITE, FINE, INTERRUPTED
from sim.commands.output import put
from sim.loaded import CodeChanged
from sim.sweeps.remedies import REMEDIES

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

EPILOG = """\b
Examples:
  alliance scenarios                     what there is to run
  alliance run NAME                      one history, month by month
  alliance whatif NAME --without blame@first  the same history, one thing different
  alliance sweep demo                    an experiment: scenarios × factors × replicates
  alliance resume RESULT_FOLDER          go on with a sweep that was stopped or killed
  alliance compare NAME OTHER            two scenarios, paired on the same chances
  alliance vet --compare                 how long to question a candidate, and whom you get
  alliance theory                        where trust holds, tips and returns, by the closed forms
  alliance analyse survival RESULT       one question to a result or a scenario, answered
  alliance parameters trust              what can be set, and where its default comes from
  alliance outcomes                      what is measured

\b
Exit codes:
  0    fine
  1    could not write, or something unexpected in the environment
  2    the command line is wrong
  3    a scenario, experiment or result has mistakes; each is listed as file:line: key: what is wrong
  4    some runs of a sweep failed; the others are stored
  130  interrupted by Ctrl-C (129: the terminal was closed, 143: SIGTERM); what was complete is kept
"""


COMMANDS = {
    "scenarios": ("scenarios.scenarios", "List the scenarios, show one, or begin one of your own."),
    "run": ("run.run", "Run one history of a SCENARIO, month by month."),
    "whatif": ("whatif.whatif", "The same history with one thing different, both futures side by side."),
    "experiments": ("experiments.experiments", "List the experiments, or show one."),
    "sweep": ("sweep.sweep", "Run an EXPERIMENT: scenarios × factors × replicates."),
    "compare": ("sweep.compare", "Compare scenarios with a REFERENCE, on the same chances."),
    "resume": ("resume.resume", "Go on with a sweep that was stopped, killed or damaged."),
    "status": ("store.status", "Show how far a sweep is, also while it runs."),
    "verify": ("store.verify", "Check every file of a sweep against its checksum."),
    "report": ("report.report", "Write the report of a result: one page, the figures and a summary."),
    "export": ("export.export", "Write a result in a format for other programs."),
    "vet": ("vet.vet", "How long to question a candidate, and whom you get."),
    "theory": ("theory.theory", "Where trust holds, tips and returns, by theory."),
    "analyse": ("analyse.analyse", "Answer one question by a table, a figure and a sentence."),
    "parameters": ("parameters.parameters", "List what can be set: parameters and traits."),
    "outcomes": ("outcomes.outcomes", "List what is measured of each run: name, unit, meaning."),
    "completion": ("completion.completion", "Print the script for completion at the Tab key."),
    "doctor": ("doctor.doctor", "Show versions and folders: what a bug report needs."),
}
"""In the order in which a newcomer needs them: where each is in ``sim.commands``, and how its help begins."""

LONG_MESSAGE = 1000
"""Characters from which on a message is looked at for what may be left out."""
WIDEST = 4
"""Digits of a width of a terminal that are believed."""


class Rooms(UserDict[str, click.Command]):
    """The commands by their names; one is imported when it is looked up."""

    def __getitem__(self, name: str) -> click.Command:
        module, command = COMMANDS[name][0].split(".")
        found: click.Command = getattr(importlib.import_module(f"sim.commands.{module}"), command)
        return found


def first_words(name: str, limit: int) -> str:
    """How a command's help begins, as click cuts it, without importing it."""
    return click.Command(name, help=COMMANDS[name][1]).get_short_help_str(limit)


class Door(click.Group):
    """The group of all commands, whose failures are exit codes and one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of :data:`COMMANDS`."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in the help, as in click."""
        limit = formatter.width - 6 - max(map(len, COMMANDS))
        with formatter.section("Commands"):
            formatter.write_dl([(name, first_words(name, limit)) for name in COMMANDS])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands and options that begin so, as in click."""
        from click.shell_completion import CompletionItem

        names = [name for name in COMMANDS if name.startswith(incomplete)]
        found = [CompletionItem(name, help=first_words(name, 45)) for name in names]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the command line and leave the process with one of the exit codes above."""
        try:
            code = super().main(*args, **{**options, "standalone_mode": False})
            sys.stdout.flush()  # so that a full disk or a closed pipe shows while it can still be told
        except Exception as error:
            code = _explain(error)
        sys.exit(code if isinstance(code, int) else FINE)

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **options: Any) -> click.Context:
        """As in click; keeps the command line for manifests, and is quiet when the reader of ``--help`` has gone."""
        command = shlex.join([info_name or "alliance", *args])
        try:
            context = super().make_context(info_name, args, *rest, **options)
            context.meta["command"] = command
            return context
        except BrokenPipeError:
            _leave_pipe()
            raise click.exceptions.Exit(FINE) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command. A reader who has seen enough (``| head``) is no error."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _leave_pipe()
            return FINE


def _leave_pipe() -> None:
    """Point the standard streams to nowhere, so that Python does not complain about the pipe when it leaves."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(nowhere, stream.fileno())
        except (OSError, ValueError):  # a stream that is no file, as in tests
            continue


def _explain(error: Exception) -> int:
    """Tell the user on stderr what went wrong and what to do next.

    Returns:
        The exit code that goes with it.
    """
    if isinstance(error, click.ClickException):
        text = _in_bounds(error.message + _meant_as_setting(error))
        code, shown = error.exit_code, error
        if text != error.message:
            shown = click.ClickException(text)
            if isinstance(error, click.UsageError):
                shown = click.UsageError(text, error.ctx)
        printed = io.StringIO()
        shown.show(file=printed)  # what the user typed stands in it
        put(printed.getvalue(), err=True, nl=False)
        return code
    if isinstance(error, click.Abort):
        put("interrupted", err=True)
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        _leave_pipe()
        return FINE
    reports = getattr(error, "reports", None)  # BadFile, known by what it can do: importing it here would cost time
    if reports is not None:
        put("\n".join(reports()), err=True)
        return BAD_FILE
    if os.environ.get("ALLIANCE_DEBUG") == "1":
        import traceback

        put("".join(traceback.format_exception(error)), err=True, nl=False)
    put(f"alliance: {_one_line(error)}", err=True)
    return CANNOT_WRITE


def _in_bounds(message: str) -> str:
    """The message, or its first lines and how many more there are."""
    if len(message) < LONG_MESSAGE:
        return message
    from sim.tomlfile import first_lines

    return first_lines(message.splitlines())


def _meant_as_setting(error: click.ClickException) -> str:
    """What to write instead of ``--months 36``: settings are options in many programs, and not in this one."""
    if not isinstance(error, click.NoSuchOption) or error.ctx is None:
        return ""
    if all(param.name != "settings" for param in error.ctx.command.params):
        return ""
    from sim.commands.options import SETTINGS, brief, declared_names

    name = error.option_name.lstrip("-").replace("-", "_")
    if name not in (*SETTINGS, *declared_names("Parameters", "Traits")):
        return ""
    typed = shlex.split(error.ctx.meta.get("command", ""))
    after = [value for option, value in itertools.pairwise(typed) if option == error.option_name]
    value = after[0] if after and not after[0].startswith("--") else "…"
    return f" It is a setting: write --set {brief(f'{name}={value}')}"


def _one_line(error: Exception) -> str:
    """What happened and what to do next."""
    if isinstance(error, OSError):
        if error.errno is None:  # CannotStore: its text names the folder and says what to do
            return str(error)
        if error.filename is None:
            return f"standard output cannot be written: {error.strerror}"
        return f"{os.fsdecode(error.filename)}: {error.strerror}{_remedy(error)}"
    if isinstance(error, UnicodeEncodeError) and any("\udc80" <= sign <= "\udcff" for sign in str(error.object)):
        return "the name of a file or folder is not UTF-8: choose or rename it so that it is"
    if isinstance(error, MemoryError):
        return "not enough memory: choose fewer organizations, months or replicates, or fewer --jobs"
    if isinstance(error, ModuleNotFoundError):
        return f"the package {error.name!r} is missing: install again with `pip install -e .`"
    if isinstance(error, CodeChanged):
        return str(error)
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"this is a bug: {what}. Please report it with your command line; ALLIANCE_DEBUG=1 shows where it happened"


def _remedy(error: OSError) -> str:
    """What to do about a failed write."""
    if first := REMEDIES.get(error.errno or 0):
        return f"; {first}, or write elsewhere with --out"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "; you may not write there: choose another folder with --out"
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return "; it is in the way: choose another folder with --out"
    return ""


@click.group(
    cls=Door,
    commands=Rooms(dict.fromkeys(COMMANDS)),  # type: ignore[arg-type] # looked up, never stored
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="alliance-trust", message="%(package)s %(version)s")
def alliance() -> None:
    """How trust grows, holds and collapses in alliances between organizations.

    Run one history of a scenario, sweep an experiment over many, compare scenarios on the same chances, and read the
    results as figures, tables and a summary in words.
    """


NEAR = {"−": "-", "–": "-", "…": "...", "×": "x", "·": "-", "’": "'", "→": "->", "≥": ">=", "≤": "<=", "±": "+/-"}
"""What stands for a sign that a terminal does not have: a number without its minus would be another number."""


def _near(error: UnicodeError) -> tuple[str, int]:
    """For a terminal that lacks a sign: a near one, else "?"."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(NEAR.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


codecs.register_error("near", _near)


def _mend_environment() -> None:
    """Take out of the environment what libraries stumble over: sizes of a terminal that are none, numbers without end.

    A whole number of very many digits takes Python time by the square of their number; by itself it refuses such.
    """
    for name in ("COLUMNS", "LINES"):
        value = os.environ.get(name, "1")
        if not (value.isascii() and value.isdecimal() and len(value) <= WIDEST):
            del os.environ[name]
    if "_ALLIANCE_COMPLETE" in os.environ:
        from sim.commands.completion import SHELLS

        shell, _, task = os.environ["_ALLIANCE_COMPLETE"].partition("_")
        if shell not in SHELLS or task not in ("source", "complete"):
            del os.environ["_ALLIANCE_COMPLETE"]
    sys.set_int_max_str_digits(sys.int_info.default_max_str_digits)


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,
) -> None:
    """A library's warning as one line: Numba's, of a variable that it cannot read, have a whole traceback in them."""
    put(f"warning: {str(message).strip().splitlines()[0]}", err=True)


def main() -> None:
    """The entry point of the command ``alliance``."""
    _mend_environment()
    warnings.showwarning = _warn
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed before Python began
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 # as long as the process
        getattr(sys, name).reconfigure(errors="near")
    alliance.main(prog_name="alliance")
