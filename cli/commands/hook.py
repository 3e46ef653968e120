"""``argon hook``: commands that may refuse a commit or a merge."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from argon_cli.complete import branches
from argon_cli.context import Context, pass_context
from argon_cli.lazy import NounGroup
from argon_cli.options import global_options, message_option
from argon_cli.output import Column

if TYPE_CHECKING:
    from argon.models.project import HookRecord

EVENTS = ("pre-merge", "pre-commit")
COLUMNS = (
    Column("name", key=True),
    Column("event", key=True),
    Column("branches", key=True),
    Column("command"),
    Column("author", optional=True),
)


@global_options
@click.group(cls=NounGroup, aliases={"ls": "list", "rm": "remove"})
def hook() -> None:
    """Add, list, remove and try hooks.

    A hook is a command that is asked before a merge or a commit is written. It
    gets the changes on stdin, as NDJSON, and refuses with an exit code other
    than 0. It runs on the machine of whoever merges, where ARGON_RUN_HOOKS=1
    is set; without that the merge is refused.
    """


@hook.command("add")
@global_options
@click.argument("event", type=click.Choice(EVENTS))
@click.argument("pattern", metavar="BRANCHES")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--name", metavar="NAME", help="What to call it [EVENT-1, EVENT-2 …].")
@message_option
@pass_context
def add(
    context: Context,
    event: Any,
    pattern: str,
    command: tuple[str, ...],
    name: str | None,
    message: str | None,
) -> None:
    """Store a hook: argon hook add pre-merge 'release/*' -- python checks.py

    BRANCHES is a name or a pattern of names of branches that are merged into,
    or committed to. No shell reads the command.
    """
    made = context.project.add_hook(event, list(command), pattern, name=name, message=message)
    words = f"stored the hook {made.name}: {event} on {pattern} runs {shlex.join(command)}"
    context.output.done(words, describe(made))


@hook.command("list")
@global_options
@pass_context
def list_(context: Context) -> None:
    """List the stored hooks, in the order in which they are asked."""
    records = (describe(each) for each in context.project.hooks())
    if context.output.for_people:
        records = ({**each, "command": shlex.join(each["command"])} for each in records)
    context.output.records(records, COLUMNS, empty="there are no hooks; 'argon hook add --help' tells more")


@hook.command("remove")
@global_options
@click.argument("name")
@message_option
@pass_context
def remove(context: Context, name: str, message: str | None) -> None:
    """Remove a stored hook."""
    context.project.remove_hook(name, message=message)
    context.output.done(f"removed the hook {name}", {"removed": name})


@hook.command("run")
@global_options
@click.argument("source", shell_complete=branches)
@click.option(
    "--into", "target", metavar="TARGET", shell_complete=branches, help="The branch to merge into [in use]."
)
@pass_context
def run(context: Context, source: str, target: str | None) -> None:
    """Ask the pre-merge hooks about merging SOURCE, and merge nothing."""
    context.argon.engine.run_hooks = True  # that is what was asked for
    into = context.branch(target)
    into.check_merge(source)
    context.output.done(f"the hooks agree to merging {source} into {into.name}", {"agreed": True})


def describe(item: HookRecord) -> dict[str, Any]:
    """Tell of a hook what the command line shows of it."""
    return item.model_dump()
