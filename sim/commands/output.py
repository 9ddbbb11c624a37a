"""What the commands print: tables, JSON, values as TOML writes them, and progress."""

from __future__ import annotations

import math
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim import text as told

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType
    from rich.text import Text

    from sim.sweeps.runner import Progress

PLAIN_WIDTH = 120
"""Columns of a table that goes to a file or a pipe."""
GAP = 2
"""Blank columns between two columns of a table."""
INDENT = 2
"""Blank columns before what stands below the head of a block."""
WHOLE = 16
"""A cell of a table is not wrapped narrower than this."""
SECONDS_BETWEEN_LINES = 5.0
"""Progress in a log: at most one line in this time."""


def put(text: str = "", err: bool = False, nl: bool = True) -> None:
    """Text on stdout, or on stderr, as it is: what others wrote in it does nothing to the terminal."""
    click.echo(told.visible(text, breaks=True), err=err, nl=nl)


def words(text: str, **look: Any) -> Text:
    """Text for rich to lay out, in one look: without markup, and with what cannot be seen as visible escapes."""
    from rich.text import Text

    return Text(told.visible(text, breaks=True), **look)


def show(*renderables: RenderableType, columns: int | None = None) -> None:
    """Print what rich can render, without spaces at the ends of lines, ``columns`` or :func:`_room` wide.

    Text in it is made by :func:`words`; what is printed holds the signs by which rich makes it bold.
    """
    from rich.console import Console

    console = Console(width=columns or _room(), highlight=False)
    with console.capture() as capture:
        console.print(*renderables, sep="\n")
    click.echo("\n".join(line.rstrip() for line in capture.get().strip("\n").splitlines()))


def _room() -> int:
    """Columns of the terminal, or of a file or a pipe."""
    return shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns if sys.stdout.isatty() else PLAIN_WIDTH


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> None:
    """A table on stdout, or a block for each row where the terminal is too narrow for that; nothing is cut off.

    Text is wrapped at its words; numbers, which are the caller's text, stay whole.
    """
    columns = [told.visible(column) for column in columns]
    body = [[told.visible(cell) for cell in row] for row in rows]
    if title:
        put()
        show(words(title, style="bold"))
    if widths := _fitted(columns, body):
        show(_table(columns, body, widths))
    else:
        _print_blocks(columns, body)


def _table(columns: Sequence[str], body: Sequence[Sequence[str]], widths: Sequence[int]) -> RenderableType:
    """A table whose columns have these widths."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column, width in zip(columns, widths, strict=True):
        table.add_column(words(column), width=width, overflow="fold")
    for row in body:
        table.add_row(*map(words, row))
    return table


def _print_blocks(columns: Sequence[str], body: Sequence[Sequence[str]]) -> None:
    """Each row as its first cell and, below it, a line for each of the others that is not empty."""
    from rich.padding import Padding
    from rich.table import Table

    first, *others = columns
    room = _room() - INDENT - GAP
    values = max((_least(cell) for row in body for cell in row[1:]), default=0)
    names = max((_longest_word(name) for name in others), default=0)
    names = max(names, min(max(map(_wide, others), default=0), room - values))
    for head, *cells in body:
        block = Table.grid(padding=(0, GAP, 0, 0))
        block.add_column(width=names, overflow="fold")
        block.add_column(width=max(room - names, 1), overflow="fold")
        for name, cell in zip(others, cells, strict=True):
            if cell:
                block.add_row(words(name), words(cell))
        put()
        show(words(f"{first}: {head}" if first else head, style="bold", overflow="fold"))
        if block.row_count:
            show(Padding(block, (0, 0, 0, INDENT)))
    put()


def _fitted(columns: Sequence[str], body: Sequence[Sequence[str]]) -> list[int]:
    """Widths of the columns at which a table fits the terminal; none when it does not.

    Where it is too wide the widest column is narrowed first: the heads down to the cells, and when that is not enough,
    cells down to what :func:`_least` says.
    """
    cells = list(zip(*body, strict=True)) or [()] * len(columns)
    heads = [_longest_word(column) for column in columns]
    widths = [max(map(_wide, (column, *below))) for column, below in zip(columns, cells, strict=True)]
    room = _room() - GAP * len(columns)
    for narrowest in (_wide, _least):
        least = [max([head, *map(narrowest, below)]) for head, below in zip(heads, cells, strict=True)]
        while sum(widths) > room and (wider := [k for k, width in enumerate(widths) if width > least[k]]):
            widths[max(wider, key=widths.__getitem__)] -= 1
    return widths if sum(widths) <= room else []


def _least(cell: str) -> int:
    """Columns of a terminal that a cell takes at least: all of a number or of a few short words, else a word."""
    can_be_wrapped = re.search(r"[^\W\d_]{3}|, ", cell)  # has words, of which "to" in an interval is none, or is a list
    return max(_longest_word(cell), min(_wide(cell), WHOLE)) if can_be_wrapped else _wide(cell)


def _longest_word(text: str) -> int:
    """Columns of the longest word. Wide characters, such as Chinese ones, may be parted anywhere."""
    return max(map(_wide, re.sub(r"[\u2e80-\uffef]", " ", text).split()), default=0)


def _wide(text: str) -> int:
    """Columns of a terminal that text takes."""
    from rich.cells import cell_len

    return cell_len(text)


def paragraph(text: str) -> None:
    """Text on stdout, wrapped to the terminal."""
    from sim.study.terminal import width

    show(words(" ".join(text.split()), overflow="fold"), columns=width())


def print_texts(texts: Mapping[str, str]) -> None:
    """Sentences under their headings, wrapped to the terminal."""
    from rich.padding import Padding

    for heading, text in texts.items():
        show(words(heading.capitalize(), style="bold"), Padding(words(" ".join(text.split())), (0, 0, 0, INDENT)))


def print_json(document: Any) -> None:
    """One JSON document on stdout. Numbers that are not defined become ``null``."""
    put(told.json(plain(document), indent=2))


def plain(value: Any) -> Any:
    """The value as JSON can hold it: NumPy numbers as numbers, NaN and infinity as None, paths as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset, range)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # a NumPy number or array
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    return str(value)


def records(table: Any) -> list[dict[str, Any]]:
    """The rows of a DataFrame as plain dictionaries."""
    return [plain(row) for row in table.astype(object).to_dict("records")]


def toml(value: Any) -> str:
    """A value as a scenario file or ``--set`` would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return told.toml(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def say(text: str, quiet: bool = False) -> None:
    """A remark on stderr, so that stdout holds results only."""
    if not quiet:
        put(text, err=True)


def say_where(files: Sequence[Path], folder: Path) -> None:
    """Which files a result consists of."""
    put(f"\nResult: {folder}")
    for path in files:
        put(f"  {path.relative_to(folder) if path.is_relative_to(folder) else path}")


def write_csv(tables: Mapping[str, pd.DataFrame], folder: Path) -> list[Path]:
    """Write each table as a CSV file of its name, replacing an older one; gives the paths."""
    from sim.sweeps.files import write_file

    files = {folder / f"{name}.csv": table for name, table in tables.items()}
    for path, table in files.items():
        write_file(path, told.csv(table))
    return list(files)


def checksums(files: Mapping[str, Path]) -> dict[str, Any]:
    """What a manifest keeps of each file under its name: its bytes, and their SHA-256 in hex."""
    import hashlib

    contents = {name: path.read_bytes() for name, path in files.items()}
    return {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in contents.items()
    }


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Give an error that came from writing to a file, and does not say to which, the place."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None and not isinstance(error, BrokenPipeError):
            error.filename = str(place)
        raise


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if not math.isfinite(seconds):
        return "unknown time"
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def size(number: float) -> str:
    """Bytes as people say them."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


# ---------------------------------------------------------------------------------------------------------------
# Progress
# ---------------------------------------------------------------------------------------------------------------
def progress_for(total: int, quiet: bool) -> AbstractContextManager[Any]:
    """What shows the progress of ``total`` runs on stderr: a bar, lines in a log, or nothing.

    The context gives a function that takes a ``Progress``, or None.
    """
    if quiet:
        return nullcontext(None)
    return Bar(total) if sys.stderr.isatty() else Lines()


@contextmanager
def counting(total: int, quiet: bool) -> Iterator[Callable[..., None] | None]:
    """A plain bar on a terminal for what is soon done; gives a function that takes how many are done, or None.

    A log has nothing: say beforehand what is simulated.
    """
    if quiet or not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=total, label="simulating", file=sys.stderr) as bar:
        yield lambda done, *_: bar.update(done - bar.pos)


class Lines:
    """Progress as plain lines, for a log file: at most one every few seconds."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __call__(self, progress: Progress) -> None:
        """Print a line when enough time has gone by. A log that cannot be written must not end a sweep."""
        now = time.monotonic()
        if now - self.last < SECONDS_BETWEEN_LINES:
            return
        self.last = now
        with suppress(OSError):
            put(f"{progress.runs_done}/{progress.runs_total} runs, {speed(progress)}", err=True)


class Bar:
    """Progress as a bar on a terminal."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Display

        self.display = Display(
            TextColumn("sweep"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("runs, {task.fields[speed]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self.task = self.display.add_task("sweep", total=total, speed="starting")

    def __enter__(self) -> Bar:
        self.display.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self.display.stop()

    def __call__(self, progress: Progress) -> None:
        """Move the bar. A terminal that has gone must not end a sweep."""
        with suppress(OSError):
            self.display.update(
                self.task, completed=progress.runs_done, total=progress.runs_total, speed=speed(progress)
            )


def speed(progress: Progress) -> str:
    """Runs a second and the time that is left, of this round where others may follow."""
    left = "left in this round" if progress.in_rounds else "left"
    return f"{_pace(progress.rate)}, {duration(progress.eta)} {left}"


def _pace(rate: float) -> str:
    """Runs a second as people say them: the time that one takes, where it takes more than a second."""
    if 0 < rate < 1:
        return f"{duration(1 / rate)} a run"
    return f"{rate:.1f} runs/s" if 0 < rate < 9.95 else f"{rate:.0f} runs/s"
