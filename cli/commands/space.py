"""``argon space``: list, show and delete the spaces of a branch."""

from __future__ import annotations

from typing import Any

import click

from argon_cli.complete import spaces
from argon_cli.context import Context, pass_context
from argon_cli.failures import NOT_FOUND, Failed
from argon_cli.lazy import NounGroup
from argon_cli.options import force_option, global_options, message_option
from argon_cli.output import Column, counted
from argon_cli.points import Place, read_point
from argon_cli.space import read_space

COLUMNS = (
    Column("space", key=True),
    Column("collections", key=True, right=True),
)
_NAMED = click.argument("name", callback=read_space, shell_complete=spaces)
_AT = click.option(
    "--at", callback=read_point, metavar="POINT", help="The point of the past to look at [now]."
)


@global_options
@click.group(cls=NounGroup, aliases={"ls": "list", "rm": "delete"})
def space() -> None:
    """List, show and delete the spaces of a branch.

    A space is a namespace with collections of its own. It needs no making: it
    is there from the first write on, as in 'argon import FILE --space NAME'.
    """


@space.command("list")
@global_options
@_AT
@pass_context
def list_(context: Context, at: Place | None) -> None:
    """List the spaces of the branch in use, with the number of their collections."""
    database = context.data(at)
    records = (
        {"space": name, "collections": len(database.space(name).list_collection_names())}
        for name in database.list_spaces()
    )
    context.output.records(records, COLUMNS, empty="")


@space.command("show")
@global_options
@_NAMED
@_AT
@pass_context
def show(context: Context, name: str, at: Place | None) -> None:
    """Show what a space holds; its documents are counted."""
    database = _existing(context, name, at)
    stats = database.command("dbStats")
    context.output.record(
        {
            "space": name,
            "collections": sorted(database.list_collection_names()),
            "documents": stats["objects"],
            "bytes": int(stats["dataSize"]),
        }
    )


@space.command("delete")
@global_options
@_NAMED
@force_option("Delete it even if it holds documents, or the branch is protected.")
@message_option
@pass_context
def delete(
    context: Context,
    name: str,
    message: str | None,  # noqa: ARG001 (the branch is opened with it)
) -> None:
    """Drop all collections of a space in one commit; the past and other branches keep them."""
    branch = context.branch()
    dropped = len(context.data().space(name).list_collection_names())
    context.data().delete_space(name, force=context.flags.force)
    text = f"deleted the space {name} with {counted(dropped, 'collection')} from {branch.name}"
    context.output.done(text, {"space": name, "branch": branch.name, "collections": dropped})


def _existing(context: Context, name: str, at: Place | None) -> Any:
    database = context.data(at)
    known = database.list_spaces()
    if name not in known:
        raise Failed(f"there is no space {name!r}; there are: {', '.join(known)}", NOT_FOUND)
    return database.space(name)
