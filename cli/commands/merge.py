"""``argon merge``: bring into a branch what another one changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from argon_cli.commands.diff import describe as describe_change
from argon_cli.commands.diff import print_changes, sides
from argon_cli.complete import branches
from argon_cli.context import Context, pass_context
from argon_cli.failures import CONFLICT
from argon_cli.options import force_option, global_options, message_option
from argon_cli.output import counted, to_cell
from argon_cli.space import shown_name

if TYPE_CHECKING:
    from argon.merging.plan import MergePlan
    from argon.merging.results import ConflictEntry, MergeInfo

STRATEGIES = ("strict", "last_writer_wins", "ours", "theirs")


@click.command("merge")
@global_options
@click.argument("source", shell_complete=branches)
@click.option(
    "--into",
    "target",
    metavar="TARGET",
    shell_complete=branches,
    help="The branch to merge into [the one in use].",
)
@click.option(
    "--strategy",
    type=click.Choice(STRATEGIES),
    default="strict",
    help="Who wins where both sides changed the same thing: nobody [strict], the target (ours), or the "
    "source (theirs, last_writer_wins).",
)
@click.option("--keep-deleted", is_flag=True, help="Do not delete what the source deleted.")
@force_option("Merge into a protected branch, too.")
@message_option
@click.option("--preview", is_flag=True, help="Show what would be done, and do nothing.")
@click.pass_context
@pass_context
def merge(
    context: Context,
    ctx: click.Context,
    source: str,
    target: str | None,
    strategy: str,
    keep_deleted: bool,
    message: str | None,
    preview: bool,
) -> None:
    """Merge SOURCE into a branch [the one in use], in one commit.

    SOURCE is a branch or a point of one: feature, feature@40. Changes since the
    two last met are brought in, field by field. Where both sides changed the
    same thing nothing is written, and the conflicts are listed (exit code 4).
    """
    from argon.errors import MergeConflict
    from argon.merging.plan import MergePlan

    into = context.branch(target)
    options: dict[str, Any] = {"strategy": strategy, "propagate_deletes": not keep_deleted}
    try:
        merged = into.merge(source, message=message, preview=preview, **options)
        if isinstance(merged, MergePlan):
            _preview(context, merged)
        else:
            _done(context, merged)
    except MergeConflict as error:
        if context.output.for_people:
            _print_conflicts(error.conflicts)
            number = counted(len(error.conflicts), "conflict")
            context.output.note(f"{number}, nothing was written; '--strategy' says who wins")
        else:
            context.output.record(
                {"merged": False, "conflicts": [describe_conflict(each) for each in error.conflicts]}
            )
        ctx.exit(CONFLICT)


def describe_conflict(conflict: ConflictEntry) -> dict[str, Any]:
    """Tell of a conflict what programs get; what a side does not have is left out."""
    about = {"space": conflict.space, "collection": conflict.collection, "id": conflict.id}
    values = sides(conflict, ("base_value", "source_value", "target_value"))
    return {**about, "path": conflict.path, **values}


def _done(context: Context, info: MergeInfo) -> None:
    message = (
        f"merged {info.source} into {info.target} at LSN {info.lsn}: "
        f"{counted(info.documents_applied, 'document')} applied, {info.documents_deleted:,} deleted"
    )
    if info.resolved:
        message += f", {counted(len(info.resolved), 'conflict')} settled"
    record = {
        "merged": True,
        "source": info.source,
        "target": info.target,
        "base_lsn": info.base_lsn,
        "lsn": info.lsn,
        "documents_applied": info.documents_applied,
        "documents_deleted": info.documents_deleted,
        "spaces_merged": info.spaces_merged,
        "resolved": [describe_conflict(each) for each in info.resolved],
        "conflicts": [],
    }
    context.output.done(message, record)


def _preview(context: Context, plan: MergePlan) -> None:
    if not context.output.for_people:
        context.output.record(
            {
                "merged": False,
                "source": plan.source,
                "target": plan.target,
                "base_lsn": plan.base_lsn,
                "source_lsn": plan.source_lsn,
                "target_lsn": plan.target_lsn,
                "documents_applied": plan.documents_applied,
                "documents_deleted": plan.documents_deleted,
                "resolved": [describe_conflict(each) for each in plan.resolved],
                "conflicts": [describe_conflict(each) for each in plan.conflicts],
                "changes": [describe_change(each) for each in plan.changes],
            }
        )
        return
    print_changes(plan.changes)
    _print_conflicts(plan.conflicts)
    context.output.note(
        f"merging {plan.source} into {plan.target} would apply "
        f"{counted(plan.documents_applied, 'document')} and delete {plan.documents_deleted:,}; "
        f"{counted(len(plan.conflicts), 'conflict')}"
    )


def _print_conflicts(conflicts: list[ConflictEntry]) -> None:
    from argon_cli.commands.diff import shown

    for each in conflicts:
        name = shown_name(each.space, each.collection)
        about = "" if each.id is None else f" {to_cell(each.id)}"
        click.secho(f"! {name}{about} {each.path or '(document)'}", fg="red", bold=True)
        for side, value in (
            ("base", each.base_value),
            ("source", each.source_value),
            ("target", each.target_value),
        ):
            click.echo(f"      {side}: {shown(value)}")
