"""``argon find`` and ``argon count``: query a collection, now or in the past."""

from __future__ import annotations

from itertools import islice
from typing import Any

import click

from argon_cli.context import Context, pass_context
from argon_cli.options import global_options
from argon_cli.points import Place
from argon_cli.query import projection, query_options, read_fields, read_sort
from argon_cli.space import missing, space_option

PEOPLE_READ = 20
"""Documents in a table unless told otherwise; programs get all."""


@click.command("find")
@global_options
@query_options
@space_option("The space to look in [default].")
@click.option("--sort", callback=read_sort, metavar="KEYS", help="The order, like age:-1,name.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"At most N documents; 0 for all [{PEOPLE_READ} in a table, else all].",
)
@click.option("--skip", type=click.IntRange(min=0), default=0, metavar="N", help="Leave out the first N.")
@click.option("--fields", callback=read_fields, metavar="LIST", help="Only these fields, like name,age.")
@pass_context
def find(
    context: Context,
    collection: str,
    filter_: dict[str, Any] | None,
    at: Place | None,
    sort: list[tuple[str, int]] | None,
    limit: int | None,
    skip: int,
    fields: list[str] | None,
) -> None:
    """Query a collection, now or at any point of the past.

    FILTER is MongoDB's, in extended JSON: argon find users '{"age": {"$gt": 30}}'
    """
    page = limit is None and context.output.for_people
    limit = PEOPLE_READ if page else limit or 0
    cursor = context.collection(collection, at).find(filter_ or {}, projection(fields))
    if sort:
        cursor = cursor.sort(sort)
    if skip:
        cursor = cursor.skip(skip)
    if limit:
        cursor = cursor.limit(limit + page)
    documents = iter(cursor)
    context.output.documents(
        islice(documents, limit or None), empty=lambda: _why_none(context, collection, at), fields=fields
    )
    if page and next(documents, None) is not None:
        context.output.note(f"the first {limit} are shown; '--limit 0' shows all")


@click.command("count")
@global_options
@query_options
@space_option("The space to look in [default].")
@pass_context
def count(context: Context, collection: str, filter_: dict[str, Any] | None, at: Place | None) -> None:
    """Count the documents of a collection, all or those that match FILTER."""
    number = context.collection(collection, at).count_documents(filter_ or {})
    if context.output.for_people:
        click.echo(number)
        if not number:
            context.output.note(_why_none(context, collection, at))
    else:
        context.output.record({"count": number})


def _why_none(context: Context, collection: str, at: Place | None) -> str:
    database = context.data(at)
    if collection in database.list_collection_names():
        return f"no document of {collection} matches"
    return missing(database, collection)
