"""``argon plan``: list, show and delete the merges that were planned and stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from argon_cli.complete import plans
from argon_cli.context import Context, pass_context
from argon_cli.lazy import NounGroup
from argon_cli.options import global_options
from argon_cli.output import Column

if TYPE_CHECKING:
    from argon.merging.plan import MergePlan

COLUMNS = (
    Column("name", key=True),
    Column("source", key=True),
    Column("target", key=True),
    Column("strategy"),
    Column("deletes"),
    Column("documents_applied", right=True),
    Column("documents_deleted", right=True),
    Column("base_lsn", right=True),
    Column("target_lsn", right=True),
)


@global_options
@click.group(cls=NounGroup, aliases={"ls": "list", "rm": "delete"})
def plan() -> None:
    """List, show and delete the merges that were planned for the branch in use.

    'argon merge SOURCE --preview --save NAME' stores a plan, and
    'argon merge --plan NAME' does it.
    """


@plan.command("list")
@global_options
@pass_context
def list_(context: Context) -> None:
    """List the plans of merges into the branch."""
    branch = context.branch()
    records = (describe(name, each) for name, each in branch.plans().items())
    empty = (
        f"no merge into {branch.name} is planned; 'argon merge SOURCE --preview --save NAME' stores a plan"
    )
    context.output.records(records, COLUMNS, empty=empty)


@plan.command("show")
@global_options
@click.argument("name", shell_complete=plans)
@pass_context
def show(context: Context, name: str) -> None:
    """Show a plan, and whether the branch has moved since it was made."""
    branch = context.branch()
    found = describe(name, branch.plan(name))
    context.output.record({**found, "target_head": branch.head_lsn})
    if context.output.for_people:
        context.output.note(
            f"'argon merge --plan {name}' does it, and with --preview shows what it would change"
        )


@plan.command("delete")
@global_options
@click.argument("name", shell_complete=plans)
@pass_context
def delete(context: Context, name: str) -> None:
    """Delete a plan; the branches stay as they are."""
    branch = context.branch()
    doomed = describe(name, branch.plan(name))
    branch.delete_plan(name)
    message = f"deleted the plan {name} of a merge of {doomed['source']} into {branch.name}"
    context.output.done(message, doomed)


def describe(name: str, item: MergePlan) -> dict[str, Any]:
    """Tell of a plan what the command line shows of it."""
    source = item.source.partition("@")[0]
    return {
        "name": name,
        "source": f"{source}@{item.source_lsn}",
        "target": item.target,
        "strategy": item.strategy,
        "deletes": item.propagate_deletes,
        "documents_applied": item.documents_applied,
        "documents_deleted": item.documents_deleted,
        "base_lsn": item.base_lsn,
        "target_lsn": item.target_lsn,
    }
