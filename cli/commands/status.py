"""``argon status``: what is in use, and where it comes from."""

from __future__ import annotations

from typing import Any

import click

from argon.server import EmbeddedServer, redact_uri
from argon_cli.conflicts import pending, pending_text
from argon_cli.context import Context, pass_context
from argon_cli.flags import describe, flags_in_force
from argon_cli.options import global_options

_DEFAULT = "default"


@click.command("status")
@global_options
@pass_context
def status(context: Context) -> None:
    """Show what is in use, and where each choice comes from."""
    server = context.client.server_info()
    project, branch = context.project_setting, context.branch_setting
    projects = context.argon.projects()
    chosen = next((each for each in projects if each.name == project.value), None)
    if project.value and chosen is None:
        context.output.note(f"there is no project {project.value!r}; 'argon doctor' tells more")
    in_use = branch.value or (chosen.default_branch if chosen else "main")
    branches = chosen.branches() if chosen else []
    merge = next((pending(each) for each in branches if each.name == in_use), None)
    context.output.record(
        {
            "server": redact_uri(context.settings.mongodb_uri or context.uri.partition("?")[0]),
            "embedded": context.settings.mongodb_uri is None,
            "data_dir": None if context.settings.mongodb_uri else str(_data_dir(context)),
            "mongodb_version": server["version"],
            "database": context.settings.database,
            "project": project.value,
            "project_from": project.source,
            "branch": in_use,
            "branch_from": branch.source,
            "author": context.settings.author,
            "projects": len(projects),
            "branches": len(branches) if chosen else None,
            "pending_merge": pending_text(merge) if context.output.for_people else merge,
            "features_changed": _features_changed(context),
        }
    )


def _data_dir(context: Context) -> Any:
    return EmbeddedServer(context.settings.data_dir).data_dir


def _features_changed(context: Context) -> dict[str, Any]:
    flags = describe(flags_in_force(context))
    return {each["flag"]: each["value"] for each in flags if each["value"] is not True}
