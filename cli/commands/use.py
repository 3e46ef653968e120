"""``argon use``: choose the project and branch that later commands work on."""

from __future__ import annotations

import os
from pathlib import Path

import click

from argon_cli.complete import targets
from argon_cli.context import CONTEXT_FILE, Context, pass_context, write_context_file
from argon_cli.options import global_options


@click.command("use")
@global_options
@click.argument("target", metavar="[PROJECT[@BRANCH]]", required=False, shell_complete=targets)
@click.option("--here", is_flag=True, help="Write the file into this folder, even if one above has it.")
@pass_context
def use(context: Context, target: str | None, here: bool) -> None:
    """Choose the project and branch to work on.

    The choice is kept in a file .argon, in this folder or the one above that
    has it already, and holds for every command run below that folder. @BRANCH
    alone stays in the project. Without an argument, tells what is in use.
    """
    if target is not None:
        _choose(context, target, here)
        if context.output.for_people:
            return
    project, branch = context.project_setting, context.branch_setting
    context.output.record(
        {
            "project": project.value,
            "project_from": project.source,
            "branch": context.branch_name if project.value else None,
            "branch_from": branch.source if project.value else "not set",
        }
    )


def _choose(context: Context, target: str, here: bool) -> None:
    name, _, branch = target.partition("@")
    project = context.argon.project(name) if name else context.project
    line = project.branch(branch or context.flags.branch)
    path = (None if here else context.file) or Path.cwd() / CONTEXT_FILE
    write_context_file(path, project.name, line.name)
    context.output.note(f"{path} now says {project.name}@{line.name}")
    for variable in ("ARGON_PROJECT", "ARGON_BRANCH"):
        if os.environ.get(variable):
            context.output.note(f"{variable}={os.environ[variable]} in the environment goes before it")
    for stale in ("file", "_in_file", "project_setting", "project", "branch_setting", "branch_name"):
        context.__dict__.pop(stale, None)
