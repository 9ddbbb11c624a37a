"""Where scenario and experiment files are found: a path, your own folder, or the files that come with the code."""

from __future__ import annotations

from pathlib import Path

from sim.distributions import expect
from sim.tomlfile import BadFile, Problem, did_you_mean

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
        if Path(name).is_file():
            return Path(name)
        raise BadFile(name, [Problem((), f"no such file; `alliance {kind}` lists what there is")])
    known = available(kind)
    if name not in known:
        raise BadFile(name, [Problem((), f"no such {one}{did_you_mean(name, known)}")])
    return known[name]
