"""The options that every command takes, before or after the command's name.

Each option writes into the flags of the root's :class:`Context`, so that
``argon -p shop log`` and ``argon log -p shop`` mean the same. The last one
given wins.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click

from argon_cli.complete import branches, targets
from argon_cli.context import Context

Decorated = TypeVar("Decorated", bound=Callable[..., Any] | click.Command)

FORMATS = ("table", "json", "yaml")
_PREFIX = "global_"
"""Keeps the names apart from those of a command's own arguments."""


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value is None or value is False or param.name is None:
        return
    if value == "":
        raise click.BadParameter("may not be empty", ctx=ctx, param=param)
    setattr(ctx.find_root().ensure_object(Context).flags, param.name.removeprefix(_PREFIX), value)


def global_options(command: Decorated, *, hidden: bool = True) -> Decorated:
    """Give a command the global options.

    Args:
        command: The function below a Click decorator, or the command itself.
        hidden: Leave them out of the command's own help; the root shows them.

    Returns:
        The same object, with the options added.
    """

    def option(*names: str, **attributes: Any) -> Callable[[Any], Any]:
        unique = _PREFIX + names[-1].removeprefix("--")
        return click.option(
            *names, unique, expose_value=False, callback=_remember, hidden=hidden, **attributes
        )

    for decorate in (
        option("--yes", is_flag=True, help="Answer every question with yes."),
        option("--author", metavar="NAME", help="Who writes; kept with each entry of the log."),
        option("-o", "--output", type=click.Choice(FORMATS), help="How results are printed [table]."),
        option(
            "-b", "--branch", metavar="NAME", shell_complete=branches, help="The branch to work on [main]."
        ),
        option("-p", "--project", metavar="NAME", shell_complete=targets, help="The project to work on."),
        option("--database", metavar="NAME", help="The MongoDB database that holds everything [argon]."),
        option("--uri", metavar="URI", help="MongoDB to use; without it an embedded one."),
    ):
        command = decorate(command)
    return command


def _kept(name: str, *, empty: bool = False) -> Callable[..., Any]:
    """Make a callback that keeps an option of a command for what opens the branch."""

    def keep(ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
        setattr(ctx.find_root().ensure_object(Context).flags, name, value or None if not empty else value)
        return value

    return keep


message_option = click.option(
    "-m", "--message", metavar="TEXT", callback=_kept("message"), help="Why; it is kept in the log."
)
"""Why something is written; the command gets it as ``message``."""


def force_option(text: str = "Do it although the branch is protected.") -> Callable[[Any], Any]:
    """Let a command go past the protection of a branch: branches that it opens are forced."""
    return click.option(
        "--force", is_flag=True, callback=_kept("force", empty=True), expose_value=False, help=text
    )


def _read_time(ctx: click.Context, param: click.Parameter, text: str | None) -> datetime | None:
    from argon.errors import InvalidPoint
    from argon.points import parse_time

    try:
        return None if text is None else parse_time(text)
    except InvalidPoint as error:
        raise click.BadParameter(str(error), ctx, param) from error


def expiry_options(command: Decorated) -> Decorated:
    """Give a command ``--ttl`` and ``--expires-at``; it gets ``ttl`` and ``expires_at``."""
    command = click.option(
        "--expires-at", callback=_read_time, metavar="TIME", help="When it counts as deleted [never]."
    )(command)
    return click.option("--ttl", metavar="AGE", help="After how long it does: 90s, 15m, 2h, 3d, 1w.")(command)
