"""``alliance completion``: names of commands, scenarios, experiments and settings at the Tab key."""

from __future__ import annotations

import os
from pathlib import PurePath

import click

from sim.commands.output import put

SHELLS = ("bash", "zsh", "fish")
INSTALL = {
    "bash": """\
# Completion of the command `alliance` for bash. Keep it for every new shell:
#   mkdir -p ~/.local/share/bash-completion/completions
#   alliance completion bash > ~/.local/share/bash-completion/completions/alliance
# Or for this shell only:  eval "$(alliance completion bash)"
""",
    "zsh": """\
#compdef alliance
# Completion of the command `alliance` for zsh. Keep it for every new shell: put it in a folder of your fpath, as with
#   mkdir -p ~/.zfunc
#   alliance completion zsh > ~/.zfunc/_alliance
# and have in ~/.zshrc:  fpath+=~/.zfunc; autoload -Uz compinit; compinit
# Or for this shell only:  eval "$(alliance completion zsh)"
""",
    "fish": """\
# Completion of the command `alliance` for fish. Keep it for every new shell:
#   alliance completion fish > ~/.config/fish/completions/alliance.fish
# Or for this shell only:  alliance completion fish | source
""",
}

NO_SPACE = """
_alliance_without_space() {  # after "trust_gain=" comes the value, not a space
    _alliance_completion "$@"
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    return 0
}
complete -o nosort -F _alliance_without_space alliance
"""


@click.command()
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.pass_context
def completion(ctx: click.Context, shell: str | None) -> None:
    """Print the script for completion at the Tab key.

    It completes commands, scenarios, experiments and settings. SHELL is bash, zsh or fish; without it, the one that
    you use. The script begins with how to install it.
    """
    from click.shell_completion import get_completion_class

    shell = shell or _own_shell()
    writer = get_completion_class(shell)
    if writer is None:
        raise click.UsageError(f"click has no completion for {shell!r}")
    script = writer(ctx.find_root().command, {}, "alliance", "_ALLIANCE_COMPLETE").source()
    put(INSTALL[shell] + script.removeprefix("#compdef alliance\n") + (NO_SPACE if shell == "bash" else ""))


def _own_shell() -> str:
    """The user's shell by the variable SHELL, bash when it says nothing that we know."""
    name = PurePath(os.environ.get("SHELL", "")).name
    return name if name in SHELLS else "bash"
