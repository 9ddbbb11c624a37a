"""Writing files so that they are there completely or not at all, also after a power cut.

The order is what counts: content under a temporary name in the same folder, sync of the file, rename, sync of the
folder. Without the first sync the name can outlive the content; without the last the content can outlive its name.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shlex
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from sim.sweeps.remedies import REMEDIES


class CannotStore(OSError):
    """Results cannot be written; ``str()`` says in one line where, why and what to do."""


def write_file(path: Path, content: bytes) -> None:
    """Write a whole file so that it is there completely or not at all, also after a power cut.

    Raises:
        OSError: when it cannot be written; what was there before is still there.
    """
    temporary = temporary_name(path)
    try:
        with temporary.open("wb") as file:
            file.write(content)
            give_name(file, temporary, path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as Parquet with page checksums, completely or not at all."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, compression="zstd", write_page_checksum=True, index=False)
    write_file(path, buffer.getvalue())


def temporary_name(path: Path) -> Path:
    """The name under which ``path`` is written before it is whole; :func:`is_temporary` knows it again."""
    return path.with_name(f".{path.name}.tmp")


def is_temporary(path: Path) -> bool:
    """True for what an interrupted write left behind."""
    return path.name.startswith(".") and path.name.endswith(".tmp")


def give_name(file: BinaryIO, temporary: Path, final: Path) -> None:
    """Sync an open file, give it its final name, and sync the folder so that the name lasts too."""
    file.flush()
    os.fsync(file.fileno())
    os.replace(temporary, final)
    sync_folder(final.parent)


def sync_folder(path: Path) -> None:
    """Make new and changed names in a folder last. Windows has no such call and keeps names by itself."""
    if os.name != "posix":
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, so that their names last after a power cut.

    Raises:
        NotADirectoryError: when a file stands in the place of one of them.
    """
    if path.is_dir():
        return
    make_folder(path.parent)
    try:
        path.mkdir(exist_ok=True)  # another sweep may have just made it
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from None
    sync_folder(path.parent)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hex, without holding it in memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cannot_store(path: Path, error: OSError, begun: bool = False) -> CannotStore:
    """The error in one line, with what to do.

    Args:
        path: the folder that cannot be written.
        error: what the system said.
        begun: True when the folder holds a sweep that can be resumed.
    """
    reason = error.strerror or str(error).splitlines()[0]
    if error.errno == errno.EISDIR:  # a folder bears the name of a file
        reason += f": {error.filename2 or error.filename}"
    first = REMEDIES.get(error.errno or 0)
    if begun and error.errno == errno.ENOENT:
        advice = "was it moved or removed? What is left of it goes on with `alliance resume` and its new name"
    elif begun:
        advice = f"{first or 'make it writable'}, then go on with `{resume_command(path)}`; what was stored is kept"
    else:
        advice = f"{first}, or choose another folder with --out" if first else "choose another folder with --out"
    return CannotStore(f"{path}: results cannot be written here: {reason}; {advice}")


def resume_command(folder: Path) -> str:
    """The command that goes on with a sweep, ready for a shell."""
    text = str(folder)
    return f"alliance resume {shlex.quote(f'./{text}' if text.startswith('-') else text)}"
