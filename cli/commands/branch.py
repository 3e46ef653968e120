"""``argon branch``: create, fork, list, show, rename, restore, delete and undelete branches."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from argon_cli.branches import COLUMNS, describe, list_tree
from argon_cli.commands.rules import protect, protected, set_default, unprotect
from argon_cli.commands.undo import report_change, reset
from argon_cli.complete import branches
from argon_cli.conflicts import pending, pending_text
from argon_cli.context import Context, pass_context
from argon_cli.lazy import NounGroup
from argon_cli.options import expiry_options, force_option, global_options, message_option
from argon_cli.points import Place, arguments, read_point
from argon_cli.progress import merge_progress, progress
from argon_cli.query import read_document

if TYPE_CHECKING:
    from argon import Branch, Project


@global_options
@click.group(cls=NounGroup, aliases={"ls": "list", "rm": "delete", "mv": "rename"})
def branch() -> None:
    """Create, list, restore and delete branches.

    A branch is a pointer: making one copies nothing, whatever the size of the data.
    """


@branch.command("create")
@global_options
@click.argument("name")
@click.option(
    "--parent", metavar="BRANCH", shell_complete=branches, help="The branch it starts from [the one in use]."
)
@click.option(
    "--at", callback=read_point, metavar="POINT", help="The POINT of the parent it starts from [now]."
)
@click.option("--description", metavar="TEXT", help="What it is for.")
@expiry_options
@message_option
@pass_context
def create(
    context: Context,
    name: str,
    parent: str | None,
    at: Place | None,
    description: str | None,
    ttl: str | None,
    expires_at: datetime | None,
    message: str | None,
) -> None:
    """Create a branch, now or from any point of the past."""
    if at and at.branch and parent and at.branch != parent:
        raise click.UsageError(f"--at names branch {at.branch} and --parent names {parent}; give one of them")
    source = parent or (at and at.branch) or context.branch_name
    made = context.project.create_branch(
        name,
        parent=source,
        at=at.point if at else None,
        ttl=ttl,
        expires_at=expires_at,
        message=message,
    )
    if description:
        made.update(description=description, message=message)
    _done(context, f"created {name} from {source} at LSN {made.base_lsn}; {_how_to_use(made)}", made)


@branch.command("fork")
@global_options
@click.argument("name")
@click.option(
    "--from", "source", metavar="BRANCH", shell_complete=branches, help="The branch to fork [the one in use]."
)
@message_option
@pass_context
def fork(context: Context, name: str, source: str | None, message: str | None) -> None:
    """Fork a branch [the one in use] as it is now; nothing is copied."""
    info = context.branch(source).fork(name, message=message)
    message = f"forked {info.source} at LSN {info.lsn} into {info.destination}"
    record = {} if context.output.for_people else asdict(info)
    context.output.done(f"{message}; 'argon use {context.project.name}@{name}' works on it", record)


@branch.command("list")
@global_options
@click.option("--deleted", is_flag=True, help="The deleted ones that can be brought back.")
@click.option("--tree", is_flag=True, help="Show which branch was made from which.")
@pass_context
def list_(context: Context, deleted: bool, tree: bool) -> None:
    """List the branches of the project."""
    if tree:
        if deleted:
            raise click.UsageError("--tree shows live branches; give it or --deleted")
        list_tree(context)
        return
    listed = context.project.branches(deleted=deleted)
    names = _names(context.project)
    # Classic branches and another default than main are rare: elsewhere the columns would only take room.
    usual = {"kind"} if all(item.kind == "wal" for item in listed) else set()
    usual |= {"default"} if context.project.record.default_branch is None else set()
    columns = [each for each in COLUMNS if each.field not in usual]
    records = (describe(each, names, context) for each in listed)
    context.output.records(records, columns, empty="there is no such branch")


@branch.command("show")
@global_options
@click.argument("name", shell_complete=branches, required=False)
@pass_context
def show(context: Context, name: str | None) -> None:
    """Show a branch [the one in use]."""
    item = context.branch(name)
    merge = pending(item)
    told = pending_text(merge) if context.output.for_people else merge
    context.output.record(describe(item, _names(context.project), context) | {"pending_merge": told})


@branch.command("edit")
@global_options
@click.argument("name", shell_complete=branches, required=False)
@click.option("--description", metavar="TEXT", help="What it is for; '' removes it.")
@click.option(
    "--metadata", callback=read_document, metavar="DOCUMENT", help="What programs keep with it, all of it."
)
@expiry_options
@click.option("--clear-expiration", is_flag=True, help="Let it stay for good.")
@click.option(
    "--retention", metavar="PERIOD", help="How long its history is kept: 12h, 30d, forever, or default."
)
@force_option("Let it expire although it is protected.")
@message_option
@pass_context
def edit(
    context: Context,
    name: str | None,
    description: str | None,
    metadata: dict[str, Any] | None,
    ttl: str | None,
    expires_at: datetime | None,
    clear_expiration: bool,
    retention: str | None,
    message: str | None,
) -> None:
    """Change what is said about a branch [the one in use], when it expires, or how long it keeps history."""
    expires = ttl is not None or expires_at is not None
    said = (description, metadata, retention)
    if all(each is None for each in said) and not expires and not clear_expiration:
        raise click.UsageError(
            "say what to change: --description TEXT, --metadata DOCUMENT, --retention PERIOD, --ttl, "
            "--expires-at or --clear-expiration"
        )
    if expires and clear_expiration:
        raise click.UsageError("--clear-expiration goes without --ttl and --expires-at; give one of them")
    edited = context.branch(name)
    if expires or clear_expiration:
        edited.set_expiry(ttl, expires_at, message=message)
    if retention is not None:
        edited.set_retention(None if retention == "default" else retention, message=message)
    if description is not None or metadata is not None:
        edited.update(description=description, metadata=metadata, message=message)
    _done(context, f"edited {edited.name}", edited)


@branch.command("rename")
@global_options
@click.argument("name", shell_complete=branches)
@click.argument("new_name")
@force_option()
@message_option
@pass_context
def rename(context: Context, name: str, new_name: str, message: str | None) -> None:
    """Give a branch another name."""
    renamed = context.branch(name)
    renamed.rename(new_name, message=message)
    _done(context, f"renamed {name} to {new_name}", renamed)


@branch.command("delete")
@global_options
@click.argument("name", shell_complete=branches)
@force_option("Delete it even if it is protected, or other branches were made from it.")
@message_option
@pass_context
def delete(context: Context, name: str, message: str | None) -> None:
    """Delete a branch; 'argon branch undelete' brings it back."""
    doomed = context.branch(name)
    context.confirm(f"Delete branch {name} of project {context.project.name}?")
    context.project.delete_branch(name, force=context.flags.force, message=message)
    _done(context, f"deleted {name}; 'argon branch undelete {name}' brings it back", doomed)


@branch.command("undelete")
@global_options
@click.argument("name")
@click.option("--name", "new_name", metavar="NEW", help="Another name, where the old one is used again.")
@message_option
@pass_context
def undelete(context: Context, name: str, new_name: str | None, message: str | None) -> None:
    """Bring a deleted or expired branch back, as it was."""
    found = context.project.undelete_branch(name, new_name=new_name, message=message)
    _done(context, f"brought {name} back" + (f" as {new_name}" if new_name else ""), found)


@branch.command("restore")
@global_options
@click.argument("name", shell_complete=branches, metavar="[BRANCH]", required=False)
@click.option("--lsn", type=click.IntRange(min=1), metavar="N", help="The last LSN to keep.")
@click.option(
    "--time",
    callback=read_point,
    metavar="T",
    help="The time to go back to: 2026-11-21T10:00:00Z, 15m, a tag …",
)
@click.option("--name", "new_name", metavar="NEW", help="The name of the restored branch [BRANCH-restore-N].")
@message_option
@force_option("Restore in place although the branch is protected.")
@click.option(
    "--in-place", is_flag=True, help="Let BRANCH itself be what it was; a backup branch keeps the rest."
)
@pass_context
def restore(
    context: Context,
    name: str | None,
    lsn: int | None,
    time: Place | None,
    new_name: str | None,
    message: str | None,
    in_place: bool,
) -> None:
    """Restore a branch [the one in use] as it was, as a new branch.

    The branch itself stays as it is: what was written since is still there.
    """
    if in_place and new_name is not None:
        raise click.UsageError("--in-place makes no branch that --name could name; give one of them")
    if (lsn is None) == (time is None):
        raise click.UsageError("say what to go back to: either --lsn N or --time T ('argon log' shows both)")
    if time and time.branch and name and time.branch != name:
        raise click.UsageError(
            f"--time names branch {time.branch}, the argument names {name}; give one of them"
        )
    source = context.branch(name or (time.branch if time else None))
    point: dict[str, Any] = arguments(time.point) if time else {"lsn": lsn}
    if in_place:
        with merge_progress(f"restoring {source.name}") as watch:
            info = source.restore(**point, in_place=True, message=message, progress=watch.tell)
        report_change(context, info)
        return
    made = source.restore(**point, name=new_name, message=message)
    done = f"restored {source.name} as it was at LSN {made.base_lsn} into {made.name}"
    _done(context, f"{done}; {_how_to_use(made)}", made)


@branch.command("migrate")
@global_options
@click.argument("name", shell_complete=branches)
@message_option
@pass_context
def migrate(context: Context, name: str, message: str | None) -> None:
    """Turn a classic branch, a physical database, into one in the log."""
    with progress(f"migrating {name}") as show:
        migrated = context.project.migrate_branch(
            name, progress=lambda done, _total: show(done, done), message=message
        )
    _done(context, f"{name} is now in the log, with branches and time travel of its own", migrated)


for _command in (reset, set_default, protect, unprotect, protected):
    branch.add_command(_command)


def _names(project: Project) -> dict[Any, str]:
    return {each.id: each.name for each in project.branches()}


def _done(context: Context, message: str, item: Branch) -> None:
    record = {} if context.output.for_people else describe(item, _names(context.project), context)
    context.output.done(message, record)


def _how_to_use(item: Branch) -> str:
    return f"'argon use {item.project_name}@{item.name}' works on it"
