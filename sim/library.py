"""Where scenario and experiment files are found: a path, your own folder, or the files that come with the code."""

from __future__ import annotations

from pathlib import Path

from sim.tomlfile import BadFile, Problem, did_you_mean

_PACKAGE = Path(__file__).resolve().parent
SHIPPED = _PACKAGE if (_PACKAGE / "scenarios").is_dir() else _PACKAGE.parent
"""Where our own files lie: in an installed wheel inside the package, in a clone beside it."""


def available(kind: str) -> dict[str, Path]:
    """Name and path of every file of a kind ("scenarios" or "experiments"); your own folder comes before ours."""
    found: dict[str, Path] = {}
    for folder in (SHIPPED / kind, Path(kind)):
        if folder.is_dir():
            found |= {path.stem: path for path in sorted(folder.glob("*.toml")) if not path.stem.startswith("_")}
    return dict(sorted(found.items()))


def find(kind: str, name: str) -> Path:
    """The file that ``name`` stands for: a path to a ``.toml`` file or the name of an available one.

    Raises:
        BadFile: when there is none; says which names are near.
    """
    if name.endswith(".toml") or "/" in name:
        if Path(name).is_file():
            return Path(name)
        raise BadFile(name, [Problem((), f"no such file; `alliance {kind}` lists what there is")])
    known = available(kind)
    if name not in known:
        raise BadFile(name, [Problem((), f"no such {kind[:-1]}{did_you_mean(name, known)}")])
    return known[name]
