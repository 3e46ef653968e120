"""``argon merge``: bring into a branch what another one changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from argon_cli.commands.diff import describe as describe_change
from argon_cli.commands.diff import print_changes
from argon_cli.complete import branches, plans
from argon_cli.conflicts import describe_conflict, print_conflicts
from argon_cli.context import Context, pass_context
from argon_cli.failures import CONFLICT
from argon_cli.options import force_option, global_options, message_option
from argon_cli.output import counted
from argon_cli.plans import read_plan, storable, write_plan
from argon_cli.progress import merge_progress
from argon_cli.strategies import HELP, read_strategies

if TYPE_CHECKING:
    from argon.merging.plan import MergePlan
    from argon.merging.results import ConflictEntry, MergeInfo


@click.command("merge")
@global_options
@click.argument("source", shell_complete=branches, required=False)
@click.option(
    "--into",
    "target",
    metavar="TARGET",
    shell_complete=branches,
    help="The branch to merge into [the one in use].",
)
@click.option("--strategy", multiple=True, callback=read_strategies, metavar="STRATEGY", help=HELP)
@click.option("--keep-deleted", "--no-deletes", is_flag=True, help="Do not delete what the source deleted.")
@force_option("Merge into a protected branch, too.")
@message_option
@click.option("--preview", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--save", metavar="NAME|FILE.json", help="Store the plan of a --preview.")
@click.option(
    "--plan",
    "planned",
    metavar="NAME|FILE.json",
    shell_complete=plans,
    help="Do what was planned, in place of SOURCE.",
)
@click.option(
    "--keep-conflicts", is_flag=True, help="Keep conflicts, to be resolved one by one ('argon conflicts')."
)
@click.option("--continue", "go_on", is_flag=True, help="Finish the merge whose conflicts were kept.")
@click.option("--abort", is_flag=True, help="Give up the merge whose conflicts were kept.")
@click.pass_context
@pass_context
def merge(
    context: Context,
    ctx: click.Context,
    source: str | None,
    target: str | None,
    strategy: Any,
    keep_deleted: bool,
    message: str | None,
    preview: bool,
    save: str | None,
    planned: str | None,
    keep_conflicts: bool,
    go_on: bool,
    abort: bool,
) -> None:
    """Merge SOURCE into a branch [the one in use], in one commit.

    SOURCE is a branch or a point of one: feature, feature@40. Changes since the
    two last met are brought in, field by field. Where both sides changed the
    same thing nothing is written, and the conflicts are listed (exit code 4).
    With --keep-conflicts they wait to be resolved one by one ('argon conflicts
    resolve'), and --continue finishes the merge.
    """
    from argon.errors import MergeConflict
    from argon.merging.plan import MergePlan

    if (source is not None) + (planned is not None) + go_on + abort != 1:
        raise click.UsageError("say what to merge: SOURCE, --plan NAME, --continue or --abort")
    if save and not preview:
        raise click.UsageError("--save stores the plan of a --preview; give both")
    if preview and (keep_conflicts or go_on or abort):
        raise click.UsageError("a --preview writes nothing; leave the other option out")
    into = context.branch(target)
    if abort:
        into.merge_abort()
        context.output.done(f"gave up the merge into {into.name}, which is as it was", {"aborted": True})
        return
    try:
        with merge_progress(f"merging {source or planned or 'what is pending'} into {into.name}") as watch:
            options: dict[str, Any] = {"message": message, "progress": watch.tell}
            if go_on:
                merged: MergeInfo | MergePlan = into.merge_continue(**options)
            elif planned is not None:
                merged = into.merge(read_plan(into, planned), preview=preview, **options)
            else:
                options |= {"propagate_deletes": not keep_deleted, "keep_conflicts": keep_conflicts}
                merged = into.merge(source, strategy, preview=preview, **options)
        if isinstance(merged, MergePlan):
            _preview(context, merged)
            if save:
                write_plan(into, save, merged)
                context.output.note(f"'argon merge --plan {save}' does it")
        elif merged.conflicts:
            _kept(context, merged.conflicts)
            ctx.exit(CONFLICT)
        else:
            _done(context, merged)
    except MergeConflict as error:
        if go_on:
            _kept(context, error.conflicts, str(error).partition(":")[0])
        else:
            number = counted(len(error.conflicts), "conflict")
            advice = "'--strategy' says who wins, '--keep-conflicts' lets you settle each"
            _refused(context, error.conflicts, f"{number}, nothing was written; {advice}")
        ctx.exit(CONFLICT)


def _kept(context: Context, conflicts: list[ConflictEntry], message: str | None = None) -> None:
    message = message or f"{counted(len(conflicts), 'conflict')} kept, and nothing else was written"
    advice = "'argon conflicts resolve' settles them, 'argon merge --continue' finishes the merge"
    _refused(context, conflicts, f"{message}; {advice}", kept=True)


def _refused(context: Context, conflicts: list[ConflictEntry], message: str, **about: bool) -> None:
    if context.output.for_people:
        print_conflicts(conflicts)
        context.output.note(message)
    else:
        told = [describe_conflict(each) for each in conflicts]
        context.output.record({"merged": False, **about, "conflicts": told})


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
                "plan": storable(plan),
            }
        )
        return
    print_changes(plan.changes)
    print_conflicts(plan.conflicts)
    context.output.note(
        f"merging {plan.source} into {plan.target} would apply "
        f"{counted(plan.documents_applied, 'document')} and delete {plan.documents_deleted:,}; "
        f"{counted(len(plan.conflicts), 'conflict')}"
    )
