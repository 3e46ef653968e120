"""``argon project``: create, list, show and delete projects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from argon.periods import show_period
from argon_cli.complete import projects
from argon_cli.context import Context, pass_context
from argon_cli.lazy import NounGroup
from argon_cli.options import force_option, global_options, message_option
from argon_cli.output import Column, iso

if TYPE_CHECKING:
    from argon import Project

COLUMNS = (
    Column("name", key=True),
    Column("branches", right=True),
    Column("created_at", key=True),
    Column("in_use", mark=True),
)


@global_options
@click.group(cls=NounGroup, aliases={"ls": "list", "rm": "delete"})
def project() -> None:
    """Create, list, show and delete projects.

    A project is a database under version control; it begins with the branch main.
    """


@project.command("create")
@global_options
@click.argument("name")
@message_option
@pass_context
def create(context: Context, name: str, message: str | None) -> None:
    """Create a project with the branch main."""
    made = context.argon.create_project(name, message=message)
    context.output.done(f"created project {name}; 'argon use {name}' works on it", describe(made, context))


@project.command("list")
@global_options
@pass_context
def list_(context: Context) -> None:
    """List the projects."""
    context.output.records(
        (describe(each, context) for each in context.argon.projects()),
        COLUMNS,
        empty="there are no projects yet; 'argon project create NAME' makes one, 'argon demo' shows one",
    )


@project.command("show")
@global_options
@click.argument("name", shell_complete=projects, required=False)
@pass_context
def show(context: Context, name: str | None) -> None:
    """Show a project [the one in use]."""
    chosen = context.argon.project(name) if name else context.project
    context.output.record(describe(chosen, context))


@project.command("edit")
@global_options
@click.argument("name", shell_complete=projects, required=False)
@click.option(
    "--retention",
    metavar="PERIOD",
    required=True,
    help="How long history is kept: 12h, 30d, forever, or default.",
)
@pass_context
def edit(context: Context, name: str | None, retention: str) -> None:
    """Change how long a project [the one in use] keeps the history of its branches."""
    chosen = context.argon.project(name) if name else context.project
    chosen.set_retention(None if retention == "default" else retention)
    context.output.done(
        f"{chosen.name} keeps the history of its branches for {show_period(chosen.retention)}",
        describe(chosen, context),
    )


@project.command("delete")
@global_options
@click.argument("name", shell_complete=projects)
@force_option("Delete it even if it has protected branches.")
@message_option
@pass_context
def delete(context: Context, name: str, message: str | None) -> None:
    """Delete a project with all its branches and history."""
    doomed = context.argon.project(name)
    branches = len(doomed.branches())
    plural = "branch" if branches == 1 else "branches"
    context.confirm(f"Delete project {name} with {branches} {plural} and all history?")
    context.argon.delete_project(name, force=context.flags.force, message=message)
    context.output.done(f"deleted project {name}", {"deleted": name, "id": str(doomed.id)})


def describe(item: Project, context: Context) -> dict[str, Any]:
    """Tell of a project what the command line shows of it."""
    return {
        "name": item.name,
        "id": str(item.id),
        "branches": len(item.branches()),
        "default_branch": item.default_branch,
        "protected": item.record.protected,
        "created_at": iso(item.created_at),
        "retention": show_period(item.retention),
        "in_use": item.name == context.project_setting.value,
    }
