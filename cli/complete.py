"""Shell completion of the names of projects, branches, tags, spaces and plans.

Completion must be quick and silent: it asks a server that runs already, and
where there is none, or anything goes wrong, it offers nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from argon_cli.context import Context

if TYPE_CHECKING:
    from pymongo.database import Database

    from argon import Branch

_PATIENCE = 300
"""Milliseconds."""
_ACTIVE = {"status": "active"}


def projects(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Offer the names of projects."""
    return _ask(ctx, lambda _context, tables: _names(tables, "projects", {}, incomplete))


def branches(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Offer the names of the branches of the project in use."""
    return _ask(ctx, lambda context, tables: _branches(tables, context.project_setting.value, incomplete))


def tags(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Offer the names of the tags of the project in use."""

    def find(context: Context, tables: Database[Any]) -> list[str]:
        found = tables["projects"].find_one({"name": context.project_setting.value, **_ACTIVE})
        listed = tables["tags"].find({"project_id": found["_id"]}, {"name": 1}) if found else ()
        return sorted(tag["name"] for tag in listed if tag["name"].startswith(incomplete))

    return _ask(ctx, find)


def spaces(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Offer the names of the spaces of the branch in use."""

    def find(context: Context, tables: Database[Any]) -> list[str]:
        from argon import WALDatabase

        names = WALDatabase[Any](_branch(context, tables)).list_spaces()
        return [name for name in names if name.startswith(incomplete)]

    return _ask(ctx, find)


def plans(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Offer the names of the plans of merges into the branch in use."""

    def find(context: Context, tables: Database[Any]) -> list[str]:
        return [name for name in _branch(context, tables).plans() if name.startswith(incomplete)]

    return _ask(ctx, find)


def targets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer ``PROJECT``, and behind its ``@`` ``PROJECT@BRANCH``."""
    name, at, beginning = incomplete.partition("@")
    if not at:
        return projects(ctx, param, incomplete)
    found = _ask(
        ctx, lambda context, tables: _branches(tables, name or context.project_setting.value, beginning)
    )
    return [f"{name}@{branch}" for branch in found]


def _branch(context: Context, tables: Database[Any]) -> Branch:
    from argon import Argon

    argon = Argon(database=context.settings.database, client=tables.client)
    return argon.project(context.project_setting.value or "").branch(context.branch_setting.value)


def _branches(tables: Database[Any], project: str | None, beginning: str) -> list[str]:
    found = tables["projects"].find_one({"name": project, **_ACTIVE})
    return _names(tables, "branches", {"project_id": found["_id"]}, beginning) if found else []


def _names(tables: Database[Any], table: str, which: dict[str, Any], beginning: str) -> list[str]:
    names = (record["name"] for record in tables[table].find({**which, **_ACTIVE}, {"name": 1}))
    return sorted(name for name in names if name.startswith(beginning))


def _ask(ctx: click.Context, question: Callable[[Context, Database[Any]], list[str]]) -> list[str]:
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    from argon.server import EmbeddedServer

    context = ctx.find_root().ensure_object(Context)
    try:
        settings = context.settings
        uri = settings.mongodb_uri or EmbeddedServer(settings.data_dir).status().uri
        if uri is None:
            return []
        with MongoClient[Any](uri, serverSelectionTimeoutMS=_PATIENCE) as client:
            return question(context, client[settings.database])
    except (PyMongoError, OSError, click.ClickException):
        return []
