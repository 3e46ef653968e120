"""``argon completion``: print the script that teaches a shell to complete ``argon``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from argon_cli.failures import Failed

HINTS = {
    "bash": 'eval "$(argon completion bash)"   # into ~/.bashrc',
    "zsh": 'eval "$(argon completion zsh)"   # into ~/.zshrc, after compinit',
    "fish": "argon completion fish | source   # into ~/.config/fish/config.fish",
}


@click.command("completion", epilog="Put one of these to use:  " + ";  ".join(HINTS.values()))
@click.argument("shell", type=click.Choice(tuple(HINTS)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell."""
    root = ctx.find_root().command
    kind = get_completion_class(shell)
    if kind is None:
        raise Failed(f"this version of Click knows no completion for {shell}; upgrade it with pip")
    click.echo(kind(root, {}, "argon", "_ARGON_COMPLETE").source())
