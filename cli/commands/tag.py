"""``argon tag``: create, list, show and delete names for points of the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from argon_cli.complete import tags
from argon_cli.context import Context, pass_context
from argon_cli.lazy import NounGroup
from argon_cli.options import global_options, message_option
from argon_cli.output import Column, iso
from argon_cli.points import Place, read_point

if TYPE_CHECKING:
    from argon import Project
    from argon.models import TagRecord

COLUMNS = (
    Column("name", key=True),
    Column("branch", key=True),
    Column("lsn", key=True, right=True),
    Column("tagger", optional=True),
    Column("created_at", key=True),
    Column("message", optional=True),
)


@global_options
@click.group(cls=NounGroup, aliases={"ls": "list", "rm": "delete"})
def tag() -> None:
    """Create, list, show and delete tags.

    A tag names a branch at an LSN, and can be written wherever a POINT can.
    """


@tag.command("create")
@global_options
@click.argument("name")
@click.option(
    "--at",
    callback=read_point,
    metavar="POINT",
    help="The POINT of the branch in use, or BRANCH@POINT [now].",
)
@message_option
@pass_context
def create(context: Context, name: str, at: Place | None, message: str | None) -> None:
    """Create a tag, for now or for any point of the past."""
    branch = context.branch(at.branch if at else None).name
    made = context.project.create_tag(name, at=f"{branch}@{at.point}" if at else branch, message=message)
    context.output.done(f"tagged {branch} at LSN {made.lsn} as {name}", _described(context, made))


@tag.command("list")
@global_options
@pass_context
def list_(context: Context) -> None:
    """List the tags of the project."""
    names = _branch_names(context.project)
    records = (describe(each, names) for each in context.project.tags())
    context.output.records(records, COLUMNS, empty="there are no tags yet; 'argon tag create NAME' makes one")


@tag.command("show")
@global_options
@click.argument("name", shell_complete=tags)
@pass_context
def show(context: Context, name: str) -> None:
    """Show a tag."""
    context.output.record(_described(context, context.project.tag(name)))


@tag.command("delete")
@global_options
@click.argument("name", shell_complete=tags)
@message_option
@pass_context
def delete(context: Context, name: str, message: str | None) -> None:
    """Delete a tag; what it names stays."""
    doomed = context.project.tag(name)
    context.project.delete_tag(name, message=message)
    at = _described(context, doomed)
    context.output.done(f"deleted the tag {name}, which was at {at['branch']}@{doomed.lsn}", at)


def describe(item: TagRecord, names: dict[Any, str]) -> dict[str, Any]:
    """Tell of a tag what the command line shows of it."""
    return {
        "name": item.name,
        "branch": names.get(item.branch_id) or str(item.branch_id),
        "lsn": item.lsn,
        "tagger": item.tagger,
        "created_at": iso(item.created_at),
        "message": item.message,
    }


def _described(context: Context, item: TagRecord) -> dict[str, Any]:
    return describe(item, _branch_names(context.project))


def _branch_names(project: Project) -> dict[Any, str]:
    # A tag outlives the branch that it was made on.
    listed = [*project.branches(deleted=True), *project.branches()]
    return {each.id: each.name for each in listed}
