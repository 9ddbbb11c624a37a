"""The journal of a sweep: one line for everything that happened to a shard, appended and never changed.

A line is ``<checksum> <JSON>``. The checksum (CRC-32 of the JSON, eight hex digits) tells a line that was cut off by a
crash, or that a failing disk changed, from a whole one; such a line counts as not written, and what it told is done
again. Order is the order of lines. Nothing in the journal depends on a clock.

Events:

* ``opened``: a process has begun to write to the folder;
* ``begun``: a shard was handed out to be computed. It says nothing about whether it was stored;
* ``done``: a shard is on the disk under its final name, with the SHA-256 of its content;
* ``lost``: a shard that was done no longer counts (damaged, missing, or to be tried again), and why;
* ``closed``: the process has ended its work in order, and how.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sim import text
from sim.sweeps.shape import is_done, is_opened, is_shard, read_json

LONGEST = 2**20
"""Bytes of a line; a longer one is damaged."""
OPENED, BEGUN, DONE, LOST, CLOSED = "opened", "begun", "done", "lost", "closed"


class Line(NamedTuple):
    """One line: its number (from 1) and what it says; ``entry`` is None when the line is torn or damaged."""

    number: int
    entry: dict[str, Any] | None


class Journal:
    """An open journal. Only one process at a time has one, the one that holds the folder's lock."""

    def __init__(self, path: Path) -> None:
        """Open or begin a journal. A line that was cut off by a crash is closed first, so that new lines stand alone.

        Raises:
            OSError: when it cannot be written.
        """
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        self._torn = self._ends_torn()

    def note(self, event: str, **facts: Any) -> None:
        """Append a line. It survives the end of this process; after a power cut it may be missing."""
        noted = text.json({"event": event, **facts}, tight=True)
        line = f"{_checksum(noted)} {noted}\n"
        content = (f"\n{line}" if self._torn else line).encode()
        self._torn = True  # until the line is written as a whole
        while content:
            content = content[os.write(self._file, content) :]
        self._torn = False

    def commit(self, event: str, **facts: Any) -> None:
        """Append a line; when this returns, it and all lines before it are on the disk."""
        self.note(event, **facts)
        self.sync()

    def sync(self) -> None:
        """When this returns, all lines are on the disk."""
        os.fsync(self._file)

    def close(self) -> None:
        """Close the file. May be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _ends_torn(self) -> bool:
        if os.fstat(self._file).st_size == 0:
            return False
        os.lseek(self._file, -1, os.SEEK_END)
        return os.read(self._file, 1) != b"\n"


def read_journal(path: Path) -> Iterator[Line]:
    """The lines of a journal, one by one, also while it is being written; nothing when there is none."""
    if not path.is_file():  # a pipe would keep its reader waiting
        return
    file = path.open("rb")
    with file:
        number = 1
        while line := file.readline(LONGEST):
            yield Line(number, _entry(line))
            number += line.endswith(b"\n")


def _entry(line: bytes) -> dict[str, Any] | None:
    """What a line says; None when it is not whole."""
    try:
        checksum, _, noted = line.decode().partition(" ")
        if not noted.endswith("\n") or checksum != _checksum(noted[:-1]):
            return None
        entry = read_json(noted)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and _is_whole(entry) else None


def _is_whole(entry: dict[str, Any]) -> bool:
    """Whether an entry says all that its readers ask it for."""
    event = entry.get("event")
    if event == DONE:
        return is_done(entry)
    if event == OPENED:
        return is_opened(entry)
    return event == CLOSED or (event in (BEGUN, LOST) and is_shard(entry.get("shard")))


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"
