"""Where machine code is kept on disk. Where it cannot be kept, none is read either.

Numba keys its machine code on the file that holds a function, not on the files that the function calls, so a changed
rule could leave a stale kernel behind. The folder is therefore named after the text of the whole core as it was loaded:
change one equation and everything that uses it is compiled anew. Numba's own places (``__pycache__`` beside the sources
and a folder of its own among the user's) know nothing of that and are never used.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
from numba.core import caching, config

from sim import loaded

settings: Any = config
"""Numba's own."""
log = logging.getLogger(__name__)

OURS = "alliance-trust"
ELSEWHERE = "Name a folder of yours that can be written in NUMBA_CACHE_DIR"
_usable: set[Path] = set()
_said: set[str] = set()


def _root() -> Path | None:
    """The user's cache folder: ``NUMBA_CACHE_DIR``, ``XDG_CACHE_HOME`` or ``~/.cache``; None without a home.

    A relative path is ignored, as the rule for ``XDG_CACHE_HOME`` says: else every working folder would have its own.
    """
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        if os.path.isabs(named := os.environ.get(name, "")):
            return Path(named)
    home = os.path.expanduser("~")
    return Path(home) / ".cache" if os.path.isabs(home) else None


def _here() -> str:
    """Eight hex digits that stand for this copy of the code: Numba keeps machine code apart for each."""
    return hashlib.sha256(str(Path(__file__).resolve()).encode()).hexdigest()[:8]


def folder() -> Path | None:
    """Where machine code of the core as it runs now is kept; None where it cannot be, which is said once."""
    root = _root()
    if root is None:
        _say_without("there is no home folder")
        return None
    return _tried(root / OURS, f"numba-{numba.__version__}-{loaded.digest(loaded.CORE)}-{_here()}")


def _tried(ours: Path, name: str) -> Path | None:
    """The folder of that name, made when it is not there, if it is ours and can be written to."""
    path = ours / name
    if path in _usable:
        return path
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if hasattr(os, "geteuid") and {ours.stat().st_uid, path.stat().st_uid} != {os.geteuid()}:
            _say_without(f"{ours} belongs to another user, and machine code of others is not run")
            return None
        with tempfile.TemporaryFile(dir=path) as trial:
            trial.write(bytes(4096))  # on a full disk a file can still be made
    except OSError as error:
        _say_without(f"{path} cannot be written ({error.strerror})")
        return None
    _usable.add(path)
    return path


def _say_without(why: str) -> None:
    """Say once why nothing is kept."""
    _say(f"machine code cannot be kept: {why}; the core is compiled in every process. {ELSEWHERE}")


def _say(text: str) -> None:
    if text not in _said and not settings.DISABLE_JIT:
        _said.add(text)
        log.warning("%s", text)


# ---------------------------------------------------------------------------------------------------------------
# Numba's cache, in that folder only
# ---------------------------------------------------------------------------------------------------------------
class _Place(caching._CacheLocator):
    """A folder for machine code that is fresh because of the folder's name."""

    def __init__(self, path: Path, line: int) -> None:
        self._path, self._line = path, line

    def get_cache_path(self) -> str:
        return str(self._path)

    def get_source_stamp(self) -> str:
        return self._path.name

    def get_disambiguator(self) -> str:
        return str(self._line)

    def ensure_cache_path(self) -> None:
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)


class _Form(caching.CompileResultCacheImpl):
    """How machine code is written; where does not depend on Numba's own ways to look for a place."""

    def __init__(self, function: Any) -> None:
        path = folder()
        assert path is not None  # looked at by ``keep``
        code, abi = function.__code__, getattr(sys, "abiflags", "")
        self._lineno, self._locator = code.co_firstlineno, _Place(path, code.co_firstlineno)
        self._filename_base = self.get_filename_base(f"{Path(code.co_filename).stem}.{function.__qualname__}", abi)


class _Kept(caching.FunctionCache):
    """Machine code on disk. What cannot be read is compiled anew; what cannot be written is not kept."""

    _impl_class = _Form

    def load_overload(self, *about: Any) -> Any:
        try:
            return super().load_overload(*about)
        except Exception:  # whatever is wrong with a file that somebody damaged
            self._forget()
            return None

    def save_overload(self, *about: Any) -> None:
        try:
            super().save_overload(*about)
        except OSError as error:  # the disk is full, the folder is gone or no longer ours
            _say(f"machine code cannot be kept in {self.cache_path} ({error.strerror}). {ELSEWHERE}")
        except Exception:
            self._forget()

    def _forget(self) -> None:
        """Remove a damaged index, so that the next process can write a new one."""
        with suppress(OSError):
            os.unlink(self._cache_file._index_path)


def keep(dispatcher: Any) -> Any:
    """Let a function's machine code be kept on disk, where that is possible.

    Args:
        dispatcher: what ``numba.njit`` gave; a plain function, as without compiling, is left as it is.
    """
    if hasattr(dispatcher, "py_func") and folder() is not None:
        dispatcher._cache = _Kept(dispatcher.py_func)
    return dispatcher
