"""``argon log``: what was written, newest first."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from argon_cli.complete import branches
from argon_cli.context import Context, pass_context
from argon_cli.options import global_options
from argon_cli.output import Column, iso, to_cell
from argon_cli.points import Place, read_point
from argon_cli.query import parse_id
from argon_cli.space import DEFAULT, shown_name, space_option

if TYPE_CHECKING:
    from argon.models import WALEntry
    from argon.points import Point

PEOPLE_READ = 20
"""Entries in a table unless told otherwise; programs get all."""

COLUMNS = (
    Column("lsn", key=True, right=True),
    Column("time", key=True),
    Column("operation", key=True),
    Column("space", optional=True),
    Column("collection", optional=True),
    Column("document_id", key=True, optional=True),
    Column("author", optional=True),
    Column("message", optional=True),
)


@click.command("log")
@global_options
@click.argument("branch", required=False, shell_complete=branches)
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"At most N entries; 0 for all [{PEOPLE_READ} in a table, else all].",
)
@click.option("--collection", metavar="NAME", help="Only what was written to this collection.")
@space_option("Only what was written to this space.")
@click.option(
    "--id", "document_id", metavar="ID", help="Only this document: an _id in extended JSON, or a string."
)
@click.option("--since", callback=read_point, metavar="POINT", help="Only what was written after it.")
@click.option("--until", callback=read_point, metavar="POINT", help="Only what was written by then.")
@click.option("--oneline", is_flag=True, help="One short line for each entry.")
@pass_context
def log(
    context: Context,
    branch: str | None,
    limit: int | None,
    collection: str | None,
    document_id: str | None,
    since: Place | None,
    until: Place | None,
    oneline: bool,
) -> None:
    """Show what was written to a branch [the one in use], newest first.

    --author NAME shows only what NAME has written.
    """
    page = limit is None and context.output.for_people
    limit = PEOPLE_READ if page else limit or 0
    chosen: dict[str, Any] = {"collection": collection, "limit": limit + page if limit else None}
    chosen |= {"space": context.flags.space, "author": context.flags.author}
    for name, place in (("since", since), ("until", until)):
        chosen[name] = None if place is None else _point(context, branch, place)
    if document_id is not None:
        chosen["document_id"] = parse_id(document_id)
    read = context.branch(branch)
    entries = iter(read.iter_log(**{k: v for k, v in chosen.items() if v is not None}))
    records = map(describe, islice(entries, limit or None))
    narrowed = any(value is not None for name, value in chosen.items() if name != "limit")
    empty = "nothing like that was written" if narrowed else "nothing was written yet"
    if oneline and context.output.for_people:
        for record in records:
            click.echo(_line(record))
    else:
        if context.output.for_people:
            records = map(_without_default, records)
        context.output.records(records, COLUMNS, empty=empty)
    if page and next(entries, None) is not None:
        context.output.note(f"the newest {limit} are shown; '--limit 0' shows all")
    elif read.record.horizon_lsn and context.output.for_people:
        horizon = read.record.horizon_lsn
        context.output.note(f"what is from before LSN {horizon} has expired, except for what is still held")


def _point(context: Context, branch: str | None, place: Place) -> Point:
    here = branch or context.branch_setting.value
    if place.branch not in (None, here):
        raise click.UsageError(f"the log is that of {here!r}: a point of {place.branch!r} says nothing there")
    return place.point


def describe(entry: WALEntry) -> dict[str, Any]:
    """Tell of a log entry what the command line shows of it."""
    return {
        "lsn": entry.lsn,
        "time": iso(entry.timestamp),
        "operation": str(entry.operation),
        "space": entry.space,
        "collection": entry.collection,
        "document_id": entry.document_id,
        "author": entry.author,
        "message": entry.message,
    }


def _without_default(record: dict[str, Any]) -> dict[str, Any]:
    # A column that says the same in every row tells nothing.
    return {**record, "space": None} if record["space"] == DEFAULT else record


def _line(record: dict[str, Any]) -> str:
    words = [str(record["lsn"]), record["operation"]]
    if record["collection"]:
        words.append(shown_name(record["space"], record["collection"]))
    if record["document_id"] is not None:
        words.append(to_cell(record["document_id"]))
    if record["author"]:
        words.append(f"({to_cell(record['author'])})")
    if record["message"]:
        words.append(to_cell(record["message"]))
    return " ".join(words)
