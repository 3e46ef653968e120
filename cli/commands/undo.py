"""``argon revert``, ``undo``, ``cherry-pick`` and ``branch reset``: take back, and pick."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from argon_cli.commands.diff import describe as describe_change
from argon_cli.commands.diff import print_changes
from argon_cli.complete import branches
from argon_cli.conflicts import SIDES, describe_conflict, print_conflicts
from argon_cli.context import Context, pass_context
from argon_cli.failures import CONFLICT
from argon_cli.options import force_option, global_options, message_option
from argon_cli.output import counted, iso
from argon_cli.points import Place, read_point
from argon_cli.progress import merge_progress
from argon_cli.strategies import HELP, read_strategies

if TYPE_CHECKING:
    from argon.merging.progress import Watcher
    from argon.undoing.results import ChangeInfo, CommitInfo
    from argon_cli.commands.diff import Change

_LSN = click.IntRange(min=1)
_DOING = {"revert": "reverting", "undo": "undoing", "cherry-pick": "picking", "reset": "resetting"}
_SIDES_OF_REVERT = ("as it was left", "before that", "now")


def _strategy(help_: str) -> Callable[[Any], Any]:
    return click.option("--strategy", multiple=True, callback=read_strategies, metavar="STRATEGY", help=help_)


_dry_run = click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")


@click.command("revert")
@global_options
@click.argument("lsn", type=_LSN, required=False, metavar="[LSN]")
@click.option("--to-lsn", type=_LSN, metavar="N", help="Everything from LSN up to this one.")
@click.option("--by", metavar="AUTHOR", help="Only what this author committed, from LSN on if it is given.")
@_strategy(
    "What becomes of later writes that depend on it: nothing is done [strict], they stay (ours), or they "
    "are taken back, too (theirs)."
)
@force_option()
@message_option
@_dry_run
@pass_context
def revert(
    context: Context,
    lsn: int | None,
    to_lsn: int | None,
    by: str | None,
    strategy: Any,
    message: str | None,
    dry_run: bool,
) -> None:
    """Take back the commit of an LSN, and keep what was written since.

    'argon log' shows the LSNs. Whole commits are taken back. Where later writes
    depend on them nothing is written, and the list is shown (exit code 4).
    """
    if lsn is None and by is None:
        raise click.UsageError("say what to revert: an LSN of 'argon log', or --by AUTHOR")
    if to_lsn is not None and lsn is None:
        raise click.UsageError("--to-lsn ends a range: give the LSN that it begins with, too")
    branch = context.branch()
    _run(
        context,
        lambda tell: branch.revert(
            lsn, to_lsn, author=by, strategy=strategy, preview=dry_run, message=message, progress=tell
        ),
        _SIDES_OF_REVERT,
    )


@click.command("undo")
@global_options
@click.option(
    "-n",
    "count",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="So many commits, in one step [1].",
)
@force_option()
@message_option
@_dry_run
@pass_context
def undo(context: Context, count: int, message: str | None, dry_run: bool) -> None:
    """Take back the last commit of a branch [the one in use]; again: take back the undoing."""
    branch = context.branch()
    _run(context, lambda tell: branch.undo(count, preview=dry_run, message=message, progress=tell))


@click.command("cherry-pick")
@global_options
@click.argument("source", shell_complete=branches)
@click.option("--lsn", type=_LSN, metavar="N", help="The commit [the last one of SOURCE].")
@click.option("--to-lsn", type=_LSN, metavar="N", help="Everything from --lsn up to this one.")
@click.option(
    "--into",
    "target",
    metavar="TARGET",
    shell_complete=branches,
    help="The branch to bring it into [the one in use].",
)
@_strategy(HELP)
@force_option()
@message_option
@_dry_run
@pass_context
def cherry_pick(
    context: Context,
    source: str,
    lsn: int | None,
    to_lsn: int | None,
    target: str | None,
    strategy: Any,
    message: str | None,
    dry_run: bool,
) -> None:
    """Bring one commit of SOURCE into a branch [the one in use].

    SOURCE is a branch, or BRANCH@POINT for the commit at that point. Where both
    sides changed the same thing nothing is written, and the conflicts are listed
    (exit code 4).
    """
    if to_lsn is not None and lsn is None:
        raise click.UsageError("--to-lsn ends a range: give --lsn that it begins with, too")
    if lsn is not None and "@" in source:
        raise click.UsageError("say which commit either as BRANCH@POINT or with --lsn")
    into = context.branch(target)
    _run(
        context,
        lambda tell: into.cherry_pick(
            source, lsn, to_lsn, strategy=strategy, preview=dry_run, message=message, progress=tell
        ),
    )


@click.command("reset")
@global_options
@click.argument("name", shell_complete=branches, metavar="[BRANCH]", required=False)
@click.option(
    "--to",
    callback=read_point,
    metavar="POINT",
    help="The POINT of the branch, or BRANCH@POINT of another one.",
)
@click.option("--to-parent", is_flag=True, help="The branch that it was made from, as it is now.")
@force_option()
@message_option
@_dry_run
@pass_context
def reset(
    context: Context, name: str | None, to: Place | None, to_parent: bool, message: str | None, dry_run: bool
) -> None:
    """Let a branch [the one in use] be what it was, or what another one is.

    What it is now stays in a backup branch and in the log.
    """
    if (to is None) == (not to_parent):
        raise click.UsageError("say what to reset to: either --to POINT or --to-parent")
    branch = context.branch(name)
    where = to and (f"{to.branch}@{to.point}" if to.branch else str(to.point))
    _run(
        context,
        lambda tell: branch.reset(
            where, to_parent=to_parent, preview=dry_run, message=message, progress=tell
        ),
    )


def report_change(context: Context, info: ChangeInfo) -> None:
    """Tell of what was done, or would be."""
    verb = info.operation.replace("_", "-")
    if info.preview:
        _preview(context, info, verb)
        return
    if info.backup is None:
        context.output.done(f"nothing to {verb}: {info.branch} is that already", describe(info))
        return
    done = {"undo": "undid", "revert": "reverted", "cherry-pick": "picked", "reset": "reset"}[verb]
    message = (
        f"{done} {_about(info)} at LSN {info.lsn}: {counted(info.documents_applied, 'document')} applied, "
        f"{info.documents_deleted:,} deleted"
    )
    if info.schema:
        message += f", {counted(len(info.schema), 'definition')} changed"
    if info.resolved:
        message += f", {counted(len(info.resolved), 'conflict')} settled"
    context.output.done(f"{message}; {info.backup} holds what was there before", describe(info))


def describe(info: ChangeInfo) -> dict[str, Any]:
    """Tell of a change what programs get."""
    record = {
        "done": info.backup is not None,
        "operation": info.operation,
        "branch": info.branch,
        "source": info.source,
        "lsn": info.lsn,
        "backup": info.backup,
        "documents_applied": info.documents_applied,
        "documents_deleted": info.documents_deleted,
        "commits": [_describe_commit(each) for each in info.commits],
        "schema": [describe_change(each) for each in info.schema],
        "resolved": [describe_conflict(each) for each in info.resolved],
        "conflicts": [describe_conflict(each) for each in info.conflicts],
    }
    if info.preview:
        record["changes"] = [describe_change(each) for each in info.changes]
    return record


def _describe_commit(commit: CommitInfo) -> dict[str, Any]:
    return {
        "lsn": commit.lsn,
        "first_lsn": commit.first_lsn,
        "time": iso(commit.time),
        "author": commit.author,
        "message": commit.message,
        "operations": commit.operations,
    }


def _run(
    context: Context, change: Callable[[Watcher | None], ChangeInfo], sides: Iterable[str] = SIDES
) -> None:
    from argon.errors import MergeConflict

    try:
        with merge_progress(_DOING[click.get_current_context().command.name or ""]) as watch:
            info = change(watch.tell)
    except MergeConflict as error:
        if context.output.for_people:
            print_conflicts(error.conflicts, sides)
            number = counted(len(error.conflicts), "conflict")
            context.output.note(f"{number}, nothing was written; '--strategy' says who wins")
        else:
            conflicts = [describe_conflict(each) for each in error.conflicts]
            context.output.record({"done": False, "conflicts": conflicts})
        click.get_current_context().exit(CONFLICT)
    else:
        if info.preview and info.conflicts and context.output.for_people:
            print_conflicts(info.conflicts, sides)
        report_change(context, info)


def _preview(context: Context, info: ChangeInfo, verb: str) -> None:
    if not context.output.for_people:
        context.output.record(describe(info))
        return
    changes: list[Change] = [*info.schema, *info.changes]
    print_changes(sorted(changes, key=lambda change: (change.space, change.collection)))
    context.output.note(
        f"{verb} of {_about(info)} would apply {counted(info.documents_applied, 'document')} and delete "
        f"{info.documents_deleted:,}; {counted(len(info.conflicts), 'conflict')}"
    )


def _about(info: ChangeInfo) -> str:
    if info.operation == "reset":
        return f"{info.branch} to {info.source}"
    said = f" ({info.commits[0].message})" if len(info.commits) == 1 and info.commits[0].message else ""
    commits = (
        f"LSN {info.commits[0].lsn}{said}" if len(info.commits) == 1 else counted(len(info.commits), "commit")
    )
    return (
        f"{commits} of {info.source.rpartition('@')[0]} on {info.branch}"
        if info.operation == "cherry_pick"
        else f"{commits} of {info.branch}"
    )
