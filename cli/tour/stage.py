"""Showing a step of the tour as the user would type it, and really doing it."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Any

import click

from argon_cli.context import Context

_PROMPT, _PYTHON = "$ ", ">>> "


class Stage:
    """Runs commands and lines of Python in sight of the user.

    Args:
        context: The tour's own; what it runs works on the same server.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._variables: dict[str, Any] = {}
        self._coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def say(self, text: str) -> None:
        """Tell what comes, or what was to be seen."""
        click.echo(f"\n{self._style(text, bold=True)}")

    def run(self, *arguments: str) -> None:
        """Show a command line of argon and run it."""
        click.echo(self._style(_PROMPT + shlex.join(["argon", *arguments]), fg="cyan"))
        root = click.get_current_context().find_root().command
        with root.make_context("argon", list(arguments), obj=self._context.sibling()) as ctx:
            root.invoke(ctx)

    def python(self, *lines: str) -> None:
        """Show lines of Python and execute them, as the interactive interpreter does."""
        for line in lines:
            click.echo(self._style(_PYTHON + line, fg="green"))
            exec(compile(line, "<tour>", "single"), self._variables)

    def know(self, **variables: Any) -> None:
        """Let the lines of Python use what was made off stage."""
        self._variables.update(variables)

    def _style(self, text: str, **style: Any) -> str:
        return click.style(text, **style) if self._coloured else text
