"""Where scenario and experiment files are found: a path, your own folder, or the files that come with the code."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from sim.distributions import expect
from sim.tomlfile import LONGEST_WORD, BadFile, Problem, did_you_mean, read, shortened

_PACKAGE = Path(__file__).resolve().parent
SHIPPED = _PACKAGE if (_PACKAGE / "scenarios").is_dir() else _PACKAGE.parent
"""Where our own files lie: in an installed wheel inside the package, in a clone beside it."""


KINDS = {"scenarios": "scenario", "experiments": "experiment"}
"""The kinds of files, and what one of them is called."""


def available(kind: str) -> dict[str, Path]:
    """Name and path of every file of a kind ("scenarios" or "experiments"); your own folder comes before ours.

    Raises:
        ValueError: when there is no such kind.
    """
    _one(kind)
    found: dict[str, Path] = {}
    for folder in (SHIPPED / kind, Path(kind)):
        if folder.is_dir():
            found |= {path.stem: path for path in sorted(folder.glob("*.toml")) if not path.stem.startswith("_")}
    return dict(sorted(found.items()))


def _one(kind: str) -> str:
    """What one file of a kind is called; a ``ValueError`` when there is no such kind."""
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of file{did_you_mean(str(kind), KINDS)}")
    return KINDS[kind]


def find(kind: str, name: Path | str) -> Path:
    """The file that ``name`` stands for: a path to a ``.toml`` file or the name of an available one.

    Raises:
        BadFile: when there is none; says which names are near.
        ValueError: when there is no such kind.
        TypeError: when ``name`` is neither a path nor text.
    """
    expect(name, (str, Path), "a file is found by a name or a path")
    one, name = _one(kind), str(name)
    if name.endswith(".toml") or "/" in name:
        with suppress(OSError, ValueError):  # no name that a file can have
            if Path(name).is_file():
                return Path(name)
        hint = _written_otherwise(Path(name)) or f"; `alliance {kind}` lists what there is"
        raise BadFile(shortened(name, LONGEST_WORD), [Problem((), f"no such file{hint}")])
    known = available(kind)
    if name not in known:
        meant = _meant(name, known)
        hint = f"; did you mean {meant!r}?" if meant else did_you_mean(name, known)
        hint = hint or f"; `alliance {kind}` lists what there is"
        raise BadFile(shortened(name, LONGEST_WORD), [Problem((), f"no such {one}{hint}")])
    return known[name]


def _written_otherwise(path: Path) -> str:
    """ "; did you mean MyFile.toml?" when a file of that name but for capitals lies there, else nothing."""
    with suppress(OSError, ValueError):
        for found in path.parent.iterdir():
            if found.name.casefold() == path.name.casefold() and found.is_file():
                return f"; did you mean {found}?"
    return ""


def _meant(name: str, known: dict[str, Path]) -> str:
    """The known name that is this one but for capitals, blanks and dashes, or whose file has it as its title."""
    plain = _plain(name)
    for other, path in known.items():
        if plain == _plain(other):
            return other
        with suppress(BadFile):
            if plain == _plain(str(read(path)[0].get("title", ""))):
                return other
    return ""


def _plain(name: str) -> str:
    return "_".join(re.split(r"[\W_]+", name.casefold()))
