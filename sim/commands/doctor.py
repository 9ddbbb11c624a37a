"""``alliance doctor``: what a bug report needs, and whether the core is compiled."""

from __future__ import annotations

import click

from sim.commands.options import json_option
from sim.commands.output import print_json, print_table


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Show versions and folders: what a bug report needs."""
    import os
    import platform
    from importlib.metadata import version

    from sim import loaded
    from sim.dynamics import cache, compiled
    from sim.library import SHIPPED

    packages = ("alliance-trust", "numpy", "numba", "scipy", "pandas", "pyarrow", "matplotlib", "mesa", "click", "rich")
    facts = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        **{package: version(package) for package in packages},
        "code": loaded.code_digest(),
        "core": loaded.digest(loaded.CORE),
        "core compiled": compiled.is_cached(),
        "cache folder": str(cache.folder() or "none: machine code is not kept"),
        "files shipped in": str(SHIPPED),
    }
    if as_json:
        print_json(facts)
    else:
        print_table(("what", "value"), facts.items())
