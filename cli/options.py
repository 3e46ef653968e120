"""The options that every command takes, before or after the command's name.

Each option writes into the flags of the root's :class:`Context`, so that
``argon -p shop log`` and ``argon log -p shop`` mean the same. The last one
given wins.
"""

from __future__ import annotations

from collections.abc import Callable
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
