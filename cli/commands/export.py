"""``argon export``: write a collection to a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click
from pymongo.collection import Collection

from argon.errors import FeatureDisabled, UnsupportedOperation
from argon.points import Lsn
from argon_cli.context import Context, pass_context
from argon_cli.files.formats import FORMATS, STANDARD_STREAM, format_of, open_output, stem_of
from argon_cli.files.write import write
from argon_cli.options import global_options
from argon_cli.output import counted
from argon_cli.points import Place, read_point
from argon_cli.progress import is_watched, progress
from argon_cli.query import projection, read_fields, read_filter, read_sort
from argon_cli.space import shown_name, space_option

_STEP = 1000
Record = Mapping[str, Any]


@click.command("export")
@global_options
@click.argument(
    "file", type=click.Path(dir_okay=False, writable=True, allow_dash=True), default=STANDARD_STREAM
)
@click.option("-c", "--collection", metavar="NAME", help="What to export [the file's name].")
@space_option("The space to export from [default].")
@click.option(
    "--format", "file_format", type=click.Choice(FORMATS), help="[by the file's suffix; ndjson to stdout]"
)
@click.option("--query", callback=read_filter, metavar="FILTER", help="Only documents that match.")
@click.option(
    "--at",
    callback=read_point,
    envvar="ARGON_AT",
    metavar="POINT",
    help="The POINT of the past to export [now, or ARGON_AT].",
)
@click.option("--sort", callback=read_sort, metavar="KEYS", help="The order, like age:-1,name.")
@click.option(
    "--fields", callback=read_fields, metavar="LIST", help="Only these fields; the columns of CSV [all]."
)
@click.option(
    "--relaxed", is_flag=True, help="JSON for reading: plain numbers, their exact type may be lost."
)
@pass_context
def export(
    context: Context,
    file: str,
    collection: str | None,
    file_format: str | None,
    query: dict[str, Any] | None,
    at: Place | None,
    sort: list[tuple[str, int]] | None,
    fields: list[str] | None,
    relaxed: bool,
) -> None:
    """Write a collection to FILE or stdout as of one moment; .gz is packed.

    JSON is canonical extended JSON, so that 'argon import' gives back every
    value with its type, and the fields in their order.
    """
    to_stdout = file == STANDARD_STREAM
    if collection is None and to_stdout:
        raise click.UsageError("what is to be exported? say --collection NAME, or name a file after it")
    chosen = file_format or ("ndjson" if to_stdout else format_of(file, None))
    source = collection or stem_of(file)
    documents, lsn = _at_one_moment(context, source, at)

    def found(only: Record | None) -> Iterator[Record]:
        cursor = documents.find(query or {}, only)
        return iter(cursor.sort(sort) if sort else cursor)

    count = 0
    total = documents.count_documents(query or {}) if is_watched() else None
    with progress(f"exporting {source}", total) as show:

        def watched() -> Iterator[Record]:
            nonlocal count
            for document in found(projection(fields)):
                yield document
                count += 1
                if count % _STEP == 0:
                    show(count, count)

        if chosen == "csv" and not fields:
            fields = _all_fields(found(None))
        with open_output(file) as stream:
            write(stream, chosen, watched(), relaxed=relaxed, fields=fields or [])
    moment = f" as of LSN {lsn}" if lsn else ""
    space = context.flags.space
    message = f"exported {counted(count, 'document')} of {shown_name(space, source)}{moment}"
    if to_stdout:
        context.output.note(message)
    else:
        about = {"space": space} if space else {}
        record = {"file": file, **about, "collection": source, "documents": count, "lsn": lsn}
        context.output.done(f"{message} to {file}", record)


def _at_one_moment(
    context: Context, name: str, at: Place | None
) -> tuple[Collection[dict[str, Any]], int | None]:
    """Open the collection so that all reads of it see the same, even while others write."""
    if at:
        return context.collection(name, at), at.point.lsn if isinstance(at.point, Lsn) else None
    lsn = context.branch().head_lsn
    try:
        return context.collection(name, Place(None, Lsn(lsn))), lsn
    except (FeatureDisabled, UnsupportedOperation):  # time travel is off, or the branch a classic one
        return context.collection(name), None


def _all_fields(documents: Iterable[Record]) -> list[str]:
    return list(dict.fromkeys(name for document in documents for name in document))
