"""``argon history`` and ``argon blame``: what became of a document, and who set its fields."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import click

from argon_cli.commands.diff import print_fields, sides
from argon_cli.context import Context, pass_context
from argon_cli.failures import NOT_FOUND, Failed
from argon_cli.options import global_options
from argon_cli.output import Column, iso, to_cell, to_json
from argon_cli.points import Place, read_point
from argon_cli.query import parse_id
from argon_cli.space import DEFAULT, missing, space_option

if TYPE_CHECKING:
    from argon.history.results import DocumentVersion, FieldBlame

PEOPLE_READ = 20
"""Versions shown to people unless told otherwise; programs get all."""

BLAME = (
    Column("path", key=True),
    Column("value"),
    Column("lsn", key=True, right=True),
    Column("time", key=True),
    Column("author", optional=True),
    Column("message", optional=True),
)
_COLOURS = {"insert": "green", "update": "yellow", "delete": "red"}


def document_arguments(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the arguments COLLECTION and ID, and ``--at`` and ``--space``."""
    for decorate in (
        space_option("The space of the collection [default]."),
        click.option(
            "--at",
            callback=read_point,
            envvar="ARGON_AT",
            metavar="POINT",
            help="The point of the past from which to look back [now].",
        ),
        click.argument("document_id", metavar="ID"),
        click.argument("collection"),
    ):
        command = decorate(command)
    return command


@click.command("history")
@global_options
@document_arguments
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"At most N versions; 0 for all [{PEOPLE_READ} for people, else all].",
)
@pass_context
def history(context: Context, collection: str, document_id: str, at: Place | None, limit: int | None) -> None:
    """Show all versions of a document, newest first: who wrote them, when, and what changed.

    ID is the _id in extended JSON, 24 hex digits, or a string.
    """
    page = limit is None and context.output.for_people
    limit = PEOPLE_READ if page else limit or 0
    branch = context.branch(at.branch if at else None)
    identity = parse_id(document_id)
    point = None if at is None else at.point
    versions = iter(branch.history(collection, identity, at=point, space=context.flags.space or DEFAULT))
    first = next(versions, None)
    if first is None:
        raise Failed(
            f"{collection} has never had a document with the _id {to_json(identity)}: "
            f"{_hint(context, at, collection)}",
            NOT_FOUND,
        )
    shown = islice(chain([first], versions), limit or None)
    if context.output.for_people:
        for version in shown:
            _print(version)
    else:
        context.output.records(map(describe, shown), (), empty="")
    if page and next(versions, None) is not None:
        context.output.note(f"the newest {limit} are shown; '--limit 0' shows all")


def _hint(context: Context, at: Place | None, collection: str) -> str:
    database = context.data(at)
    if collection not in database.list_collection_names():
        return missing(database, collection)
    return "an _id is typed as in JSON, where 42 is a number and '\"42\"' a string"


@click.command("blame")
@global_options
@document_arguments
@pass_context
def blame(context: Context, collection: str, document_id: str, at: Place | None) -> None:
    """Show for every field of a document the commit that gave it its value.

    ID is the _id in extended JSON, 24 hex digits, or a string.
    """
    branch = context.branch(at.branch if at else None)
    point = None if at is None else at.point
    fields = branch.blame(collection, parse_id(document_id), at=point, space=context.flags.space or DEFAULT)
    context.output.records(map(describe_field, fields), BLAME, empty="")


def describe(version: DocumentVersion) -> dict[str, Any]:
    """Tell of a version what programs get; a document that was gone is left out."""
    document = {} if version.document is None else {"document": version.document}
    fields = [{"path": each.path, **sides(each)} for each in version.fields]
    return {
        "lsn": version.lsn,
        **_credits(version),
        "operation": version.operation,
        "space": version.space,
        "collection": version.collection,
        "id": version.id,
        **document,
        **({"fields": fields} if fields else {}),
    }


def describe_field(field: FieldBlame) -> dict[str, Any]:
    """Tell of a field what programs get."""
    about = {"lsn": field.lsn, **_credits(field), "operation": field.operation}
    return {"path": field.path, "value": field.value, **about}


def _credits(told: DocumentVersion | FieldBlame) -> dict[str, Any]:
    return {
        "time": None if told.time is None else iso(told.time),
        "branch": told.branch,
        "author": told.author,
        "message": told.message,
        "commit": told.commit,
    }


def _print(version: DocumentVersion) -> None:
    """Print a version as ``git log`` prints a commit, with what changed."""
    colour = "red" if version.document is None else _COLOURS.get(version.operation, "yellow")
    click.secho(f"{version.operation} at LSN {version.lsn}", fg=colour, bold=True)
    time = "(no longer in the log)" if version.time is None else iso(version.time)
    by = f" by {to_cell(version.author)}" if version.author else ""
    click.echo(f"  {time} on {version.branch or '?'}{by}")
    if version.message:
        click.echo(f"  {to_cell(version.message)}")
    if version.fields:
        print_fields(version.fields, indent=4)
    elif version.document is not None:
        click.echo(f"    {to_cell(version.document)}")
