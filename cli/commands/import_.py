"""``argon import``: load a file into a collection."""

from __future__ import annotations

import zlib
from itertools import chain, islice
from typing import Any

import click
from pymongo.errors import PyMongoError

from argon_cli.context import Context, pass_context
from argon_cli.failures import Failed, explain, one_line
from argon_cli.files.formats import FORMATS, STANDARD_STREAM, format_of, open_input, stem_of
from argon_cli.files.load import Loader
from argon_cli.files.read import read
from argon_cli.files.types import BadDocument
from argon_cli.options import force_option, global_options, message_option
from argon_cli.output import counted
from argon_cli.progress import progress
from argon_cli.space import shown_name, space_option


@click.command("import")
@global_options
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("-c", "--collection", metavar="NAME", help="Where to [the file's name].")
@space_option("The space to load into [default].")
@click.option(
    "--format", "file_format", type=click.Choice(FORMATS), help="What the file holds [by its suffix]."
)
@click.option(
    "--types",
    type=click.Choice(("auto", "string")),
    default="auto",
    help="CSV: recognise numbers and true/false, and leave out empty cells [auto].",
)
@click.option("--drop", is_flag=True, help="Drop the collection first.")
@click.option("--upsert", is_flag=True, help="Replace documents whose _id is there already.")
@click.option(
    "--on-error",
    type=click.Choice(("stop", "skip")),
    default="stop",
    help="What to do about a document that cannot be read or written [stop].",
)
@click.option(
    "--skip", type=click.IntRange(min=0), default=0, metavar="N", help="Go on behind the first N documents."
)
@force_option("Load into a protected branch, too.")
@message_option
@pass_context
def import_(
    context: Context,
    file: str,
    collection: str | None,
    file_format: str | None,
    types: str,
    drop: bool,
    upsert: bool,
    on_error: str,
    skip: int,
    message: str | None,  # noqa: ARG001 (the branch is opened with it)
) -> None:
    """Load a JSON, NDJSON, CSV or BSON file; '-' is stdin, .gz is unpacked.

    Documents go in by batches. Where that breaks off, it is said how many are
    in and with which --skip to go on.
    """
    if collection is None and file == STANDARD_STREAM:
        raise click.UsageError("what comes from stdin has no name; say --collection NAME")
    if drop and skip:
        raise click.UsageError("--skip goes on with an import and --drop begins anew; give one of them")
    chosen, target = format_of(file, file_format), collection or stem_of(file)
    documents = context.data().collection(target)
    loader = Loader(documents, upsert=upsert, skip_errors=on_error == "skip")
    try:
        with open_input(file) as source, progress(f"importing {target}", source.size, in_bytes=True) as show:
            items = read(source.stream, chosen, typed_csv=types == "auto")
            first = next(items, None)
            if drop and not (isinstance(first, BadDocument) and on_error == "stop"):
                documents.drop()
            every = chain([] if first is None else [first], items)
            loader.load(islice(every, skip, None), lambda: show(source.position, loader.imported))
    except (BadDocument, PyMongoError, OSError, EOFError, zlib.error) as error:
        reason, code = explain(error)
        raise Failed(f"{reason.rstrip('.')}; {_standing(loader, skip)}", code) from error
    except KeyboardInterrupt:
        context.output.note(_standing(loader, skip))
        raise
    _finish(context, target, loader)


def _standing(loader: Loader, skip: int) -> str:
    if not loader.done:
        return "nothing was imported"
    return f"{loader.imported:,} were imported, '--skip {skip + loader.done}' goes on from there"


def _finish(context: Context, target: str, loader: Loader) -> None:
    for reason in loader.errors:
        context.output.note(f"left out: {one_line(reason)}")
    if loader.failed > len(loader.errors):
        context.output.note(f"left out: {loader.failed - len(loader.errors):,} more")
    branch = f"{context.project.name}@{context.branch_name}"
    space = context.flags.space
    shown = shown_name(space, target)
    counts = [f"imported {counted(loader.imported, 'document')} into {shown} on {branch}"]
    counts += [f"{loader.replaced:,} of them replaced"] if loader.replaced else []
    counts += [f"{loader.failed:,} left out"] if loader.failed else []
    result: dict[str, Any] = {
        **({"space": space} if space else {}),
        "collection": target,
        "branch": context.branch_name,
        "imported": loader.imported,
        "replaced": loader.replaced,
        "failed": loader.failed,
    }
    context.output.done(", ".join(counts), result)
