"""Command groups that find their commands by name, suggest near misses, and load late.

``argon --help`` must answer at once, so a :class:`LazyGroup` knows the name
and the one-line help of each command from a table and imports the module
behind it only when that command is run.
"""

from __future__ import annotations

import importlib
from difflib import get_close_matches
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem


class Lazy(NamedTuple):
    """Where a command lives, as ``module:attribute``, and its one-line help."""

    target: str
    help: str


class NounGroup(click.Group):
    """A group with aliases and a *did you mean* for mistyped commands."""

    def __init__(self, *args: Any, aliases: dict[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.aliases = aliases or {}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Without anything to do, show the help."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command by its name or an alias of it."""
        return super().get_command(ctx, self.aliases.get(cmd_name, cmd_name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command to run; a name that is none names its neighbours."""
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None and not ctx.resilient_parsing:
            if name.startswith("-"):
                raise click.NoSuchOption(name, ctx=ctx)
            ctx.fail(f"there is no command {name!r} here{self._suggestion(ctx, name)}")
        return (command.name if command else None), command, args[1:]

    def _suggestion(self, ctx: click.Context, name: str) -> str:
        known = self.list_commands(ctx)
        begun = [each for each in known if each.startswith(name)]
        near = begun[:2] or get_close_matches(name, [*known, *self.aliases], n=2)
        if near:
            return f"; did you mean {' or '.join(repr(match) for match in near)}?"
        return f"; there are {', '.join(known)}"


class LazyGroup(NounGroup):
    """A group whose commands are imported when they are first needed."""

    def __init__(self, *args: Any, lazy: dict[str, Lazy] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order of the table, which is the order to learn them in."""
        return [*self.lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command of this name or alias."""
        entry = self.lazy.get(self.aliases.get(cmd_name, cmd_name))
        if entry is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = entry.target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.lazy[name].help) for name in self.list_commands(ctx)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete command names from the table, without importing them."""
        commands = [
            CompletionItem(name, help=entry.help)
            for name, entry in self.lazy.items()
            if name.startswith(incomplete)
        ]
        return commands + click.Command.shell_complete(self, ctx, incomplete)
