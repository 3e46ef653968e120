"""``argon conflicts``: list, show and resolve the conflicts of a merge that waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from argon_cli.commands.diff import shown
from argon_cli.conflicts import (
    SIDES,
    describe_kept,
    describe_pending,
    print_conflicts,
    resolution,
)
from argon_cli.context import Context, pass_context
from argon_cli.extjson import BadExtendedJSON, parse
from argon_cli.lazy import NounGroup
from argon_cli.options import global_options
from argon_cli.output import Column, counted
from argon_cli.query import parse_id
from argon_cli.space import read_space, shown_name

if TYPE_CHECKING:
    from argon.merging.pending.kept import KeptConflict

COLUMNS = (
    Column("number", key=True, right=True),
    Column("collection", key=True),
    Column("id", key=True, optional=True),
    Column("path", key=True),
    Column("base"),
    Column("source"),
    Column("target"),
    Column("resolution", optional=True),
)


class ListingGroup(NounGroup):
    """A group that lists where no command is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take arguments without a command as those of ``list``."""
        options = bool(args) and args[0].startswith("-") and args[0] not in ("-h", "--help")
        if not ctx.resilient_parsing and (not args or (options and not set(args) & set(self.commands))):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@global_options
@click.group(cls=ListingGroup, aliases={"ls": "list"})
def conflicts() -> None:
    """List and resolve the conflicts of the merge that waits on the branch in use.

    'argon merge SOURCE --keep-conflicts' begins one, 'argon merge --continue'
    finishes it, 'argon merge --abort' gives it up. Alone it lists.
    """


@conflicts.command("list")
@global_options
@click.option("--state", type=click.Choice(("open", "resolved")), help="Only these.")
@click.option("--collection", metavar="NAME", help="Only in this collection.")
@click.option("--space", metavar="NAME", callback=read_space, help="Only in this space.")
@click.option("--id", "document_id", metavar="ID", help="Only of this document.")
@click.option("--path", metavar="FIELD", help="Only of this field; '' for documents as a whole.")
@pass_context
def list_(
    context: Context,
    state: str | None,
    collection: str | None,
    space: str | None,
    document_id: str | None,
    path: str | None,
) -> None:
    """List the conflicts."""
    chosen = {} if document_id is None else {"document_id": parse_id(document_id)}
    found = context.branch().conflicts(state, space=space, collection=collection, path=path, **chosen)
    records = map(_row if context.output.for_people else describe_kept, found)
    context.output.records(records, COLUMNS, empty="there is no such conflict")


@conflicts.command("show")
@global_options
@click.argument("number", type=click.IntRange(min=1))
@pass_context
def show(context: Context, number: int) -> None:
    """Show a conflict with all its values."""
    from argon.errors import MergeNotFound

    found = [each for each in context.branch().conflicts() if each.number == number]
    if not found:
        raise MergeNotFound(f"the merge has no conflict {number}; 'argon conflicts' lists those it has")
    if not context.output.for_people:
        context.output.record(describe_kept(found[0]))
        return
    print_conflicts(found)
    click.echo(f"      {found[0].state}" + (f": {resolution(found[0])}" if found[0].choice else ""))


@conflicts.command("resolve")
@global_options
@click.argument("what", nargs=-1, metavar="NUMBER… | COLLECTION [ID [FIELD]]")
@click.option("--all", "everything", is_flag=True, help="Resolve all that are open.")
@click.option("--ours", "take", flag_value="ours", help="Take the target's side.")
@click.option("--theirs", "take", flag_value="theirs", help="Take the source's side.")
@click.option("--base", "take", flag_value="base", help="Take what was there at the merge base.")
@click.option("--value", metavar="JSON", help="Let the field or document become this.")
@click.option("--delete", is_flag=True, help="Let the field, document or definition go.")
@click.option("--space", metavar="NAME", callback=read_space, help="The space of COLLECTION.")
@pass_context
def resolve(
    context: Context,
    what: tuple[str, ...],
    everything: bool,
    take: str | None,
    value: str | None,
    delete: bool,
    space: str | None,
) -> None:
    """Settle conflicts, by their numbers or by what they are about.

    The branch stays as it is until 'argon merge --continue'.
    """
    if bool(what) == everything:
        raise click.UsageError("say which conflicts: NUMBER…, COLLECTION [ID [FIELD]], or --all")
    if (take is not None) + (value is not None) + delete != 1:
        raise click.UsageError(
            "say what shall become of them, in one way: --ours, --theirs, --base, --value JSON or --delete"
        )
    chosen: dict[str, Any] = {"take": take, "delete": delete, "space": space, **_which(what)}
    if value is not None:
        chosen["value"] = _value(value)
    branch = context.branch()
    number = branch.resolve(**chosen)
    pending = branch.pending_merge()
    left = 0 if pending is None else pending.open
    further = f"{left:,} open" if left else "none is open: 'argon merge --continue' finishes the merge"
    told = {} if pending is None else {"merge": describe_pending(pending)}
    context.output.done(f"{counted(number, 'conflict')} resolved, {further}", {"resolved": number, **told})


def _which(what: tuple[str, ...]) -> dict[str, Any]:
    if all(each.isdecimal() for each in what):
        return {"conflict": [int(each) for each in what]} if what else {}
    if len(what) > 3:
        raise click.UsageError(f"{what[3]!r} is too much: write NUMBER…, or COLLECTION [ID [FIELD]]")
    named = dict(zip(("collection", "document_id", "path"), what, strict=False))
    return named | ({"document_id": parse_id(what[1])} if len(what) > 1 else {})


def _value(text: str) -> Any:
    try:
        return parse(text)
    except BadExtendedJSON as error:
        raise click.BadParameter(
            f"""{error}; a value is JSON like 3, '"text"' or '{{"a": 1}}'""", param_hint="'--value'"
        ) from error


def _row(conflict: KeptConflict) -> dict[str, Any]:
    return {
        "number": conflict.number,
        "collection": shown_name(conflict.space, conflict.collection),
        "id": None if conflict.definition else "null" if conflict.id is None else conflict.id,
        "path": conflict.path or "(document)",
        **{side: shown(getattr(conflict, name)) for side, name in SIDES.items()},
        "resolution": resolution(conflict),
    }
