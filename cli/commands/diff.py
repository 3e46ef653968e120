"""``argon diff``: what differs between two branches or points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from argon_cli import three_way
from argon_cli.complete import branches
from argon_cli.context import Context, pass_context
from argon_cli.options import global_options
from argon_cli.output import Column, counted, to_cell
from argon_cli.progress import watched
from argon_cli.query import parse_id, read_filter
from argon_cli.space import read_space, shown_name

if TYPE_CHECKING:
    from argon.merging.results import DiffEntry, FieldChange, SchemaChange

    Change = DiffEntry | SchemaChange

COLUMNS = (
    Column("space", optional=True),
    Column("collection", key=True),
    Column("added", key=True, right=True),
    Column("removed", key=True, right=True),
    Column("modified", key=True, right=True),
    Column("schema", key=True, right=True),
)
_SIGNS = {
    "added": ("+", "green"),
    "removed": ("-", "red"),
    "modified": ("~", "yellow"),
    "schema": ("*", "cyan"),
}


@click.command("diff")
@global_options
@click.argument("a", shell_complete=branches)
@click.argument("b", shell_complete=branches, required=False)
@click.option(
    "--base",
    metavar="POINT",
    help="Compare both with a common base, or 'auto' for the merge base: what did each side do?",
)
@click.option("--stat", is_flag=True, help="Only count the differences, by collection.")
@click.option("--ndjson", is_flag=True, help="Print one JSON document a line for each difference.")
@click.option("--collection", metavar="NAME", help="Only this collection.")
@click.option("--space", metavar="NAME", callback=read_space, help="Only this space.")
@click.option(
    "--filter",
    "query",
    callback=read_filter,
    metavar="FILTER",
    help="Only documents that match, on either side.",
)
@click.option("--id", "ids", metavar="ID", multiple=True, help="Only this document; may be repeated.")
@pass_context
def diff(
    context: Context,
    a: str,
    b: str | None,
    base: str | None,
    stat: bool,
    ndjson: bool,
    collection: str | None,
    space: str | None,
    query: dict[str, Any] | None,
    ids: tuple[str, ...],
) -> None:
    """Show what differs between A and B [the branch in use].

    A and B are branches or points of them: main, main@40, main@2h. What B has
    and A has not was added (+), what only A has was removed (-).

    With --base it tells what A (ours, <) and B (theirs, >) have each changed
    since then, what both have changed alike (=), what combines (~) and what
    collides (!).
    """
    if stat and ndjson:
        raise click.UsageError("--stat counts differences and --ndjson prints them: leave one out")
    places = _place(context, a), _place(context, b or context.branch().name)
    chosen: dict[str, Any] = {"space": space, "collection": collection, "filter": query}
    chosen["ids"] = [parse_id(text) for text in ids] if ids else None
    told: dict[str, Any] = {"title": f"comparing {places[0]} with {places[1]}", "printed": not stat}
    project = context.project
    if base is None:
        _two_way(context, watched(partial(project.iter_diff, *places, **chosen), **told), stat, ndjson)
    else:
        origin = None if base == "auto" else _place(context, base)
        changes = partial(project.iter_diff3, *places, origin, **chosen)
        _three_way(context, watched(changes, **told), stat, ndjson)


def _two_way(context: Context, changes: Iterable[Change], stat: bool, ndjson: bool) -> None:
    if stat:
        context.output.records(count(changes), COLUMNS, empty="nothing differs")
    elif ndjson:
        context.output.lines(map(describe, changes))
    elif not context.output.for_people:
        context.output.records(map(describe, changes), (), empty="")
    elif not print_changes(changes):
        context.output.note("nothing differs")


def _three_way(context: Context, changes: Iterable[three_way.Change], stat: bool, ndjson: bool) -> None:
    records = (three_way.describe(change, sides) for change in changes)
    if stat:
        context.output.records(three_way.count(changes), three_way.COLUMNS, empty="nothing differs")
    elif ndjson:
        context.output.lines(records)
    elif not context.output.for_people:
        context.output.records(records, (), empty="")
    elif not three_way.print_changes(changes, shown):
        context.output.note("nothing differs")


def _place(context: Context, text: str) -> str:
    """Let a point without a branch be one of the branch in use."""
    from argon.points import Tag, parse_point

    if "@" in text or isinstance(parse_point(text), Tag):
        return text
    return f"{context.branch().name}@{text}"


def describe(change: Change) -> dict[str, Any]:
    """Tell of a difference what programs get; what a side does not have is left out."""
    from argon.merging.results import DiffEntry

    about: dict[str, Any] = {"space": change.space, "collection": change.collection}
    if not isinstance(change, DiffEntry):
        return {"kind": "schema", **about, "path": change.path, **sides(change)}
    documents = {"value_a": change.value_a, "value_b": change.value_b}
    told = {name: document for name, document in documents.items() if document is not None}
    fields = [{"path": each.path, **sides(each)} for each in change.fields]
    return {"kind": change.kind, **about, "id": change.id, **told, **({"fields": fields} if fields else {})}


def count(changes: Iterable[Change]) -> Iterator[dict[str, Any]]:
    """Count differences by collection."""
    for (space, collection), group in groupby(changes, key=lambda change: (change.space, change.collection)):
        counts = dict.fromkeys(_SIGNS, 0)
        for change in group:
            counts[getattr(change, "kind", "schema")] += 1
        yield {"space": space, "collection": collection, **counts}


def print_changes(changes: Iterable[Change]) -> int:
    """Print differences for people, collection by collection.

    Returns:
        How many there are.
    """
    from argon.merging.results import DiffEntry

    number = 0
    for (space, collection), group in groupby(changes, key=lambda change: (change.space, change.collection)):
        click.secho(shown_name(space, collection), bold=True)
        for change in group:
            number += 1
            if isinstance(change, DiffEntry):
                _print_document(change)
            else:
                _line("schema", f"{change.path}: {_arrow(change)}")
    return number


def _print_document(entry: DiffEntry) -> None:
    document = entry.value_b if entry.value_a is None else entry.value_a
    if entry.kind != "modified":
        _line(entry.kind, to_cell(document))
        return
    _line(entry.kind, f"{to_cell(entry.id)} ({counted(len(entry.fields), 'field')})")
    print_fields(entry.fields, indent=6)


def print_fields(fields: Iterable[FieldChange], *, indent: int) -> None:
    """Print for people what changed inside a document."""
    for each in fields:
        click.echo(f"{' ' * indent}{each.path or '(order of fields)'}: {_arrow(each)}")


def _line(kind: str, text: str) -> None:
    sign, colour = _SIGNS[kind]
    click.secho(f"  {sign} {text}", fg=colour)


def _arrow(change: Any) -> str:
    return f"{shown(change.value_a)} -> {shown(change.value_b)}"


def shown(value: Any) -> str:
    """Write a value of one side for a person."""
    from argon.merging.results import MISSING

    return "(none)" if value is MISSING else "null" if value is None else to_cell(value)


def sides(change: Any, names: Sequence[str] = ("value_a", "value_b")) -> dict[str, Any]:
    """Return the values that there are, by the names of the sides."""
    from argon.merging.results import MISSING

    values = {name: getattr(change, name) for name in names}
    return {name: value for name, value in values.items() if value is not MISSING}
