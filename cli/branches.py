"""What the command line shows of branches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from argon.periods import show_period
from argon_cli.context import Context
from argon_cli.output import Column, iso

if TYPE_CHECKING:
    from argon import Branch
    from argon.catalog.lineage import BranchNode

MAIN = "main"

COLUMNS = (
    Column("name", key=True),
    Column("parent", key=True, optional=True),
    Column("base_lsn", key=True, right=True),
    Column("head_lsn", key=True, right=True),
    Column("kind"),
    Column("status"),
    Column("created_at", key=True),
    Column("in_use", mark=True),
    Column("default", mark=True),
    Column("protected", optional=True),
    Column("expires_at", key=True, optional=True),
    Column("description", optional=True),
)


def describe(item: Branch, names: dict[Any, str], context: Context) -> dict[str, Any]:
    """Tell of a branch what the command line shows of it."""
    default = context.project.record.default_branch
    return {
        "name": item.name,
        "id": str(item.id),
        "parent": names.get(item.parent_id) or (str(item.parent_id) if item.parent_id else None),
        "base_lsn": item.base_lsn,
        "head_lsn": item.head_lsn,
        "kind": item.kind,
        "status": item.status,
        "created_at": iso(item.created_at),
        "in_use": item.name == context.branch_name,
        "default": item.id == default or (default is None and item.name == MAIN),
        "protected": context.project.record.protecting(item.name),
        "expires_at": iso(item.expires_at) if item.expires_at else None,
        "description": item.description,
        "metadata": item.metadata,
        "retention": None if item.record.retention is None else show_period(item.record.retention),
        "horizon_lsn": item.record.horizon_lsn,
    }


def list_tree(context: Context) -> None:
    """Print the branches as the tree that they grew into."""
    root = context.project.tree()
    if context.output.for_people:
        columns = (Column("branch", key=True), Column("base_lsn", key=True, right=True))
        context.output.records(_drawn(root), columns, empty="there is no branch")
    else:
        context.output.record(_nested(root))


def _drawn(node: BranchNode, first: str = "", further: str = "") -> Iterator[dict[str, Any]]:
    yield {"branch": first + node.name, "base_lsn": node.base_lsn}
    for child in node.children:
        last = child is node.children[-1]
        yield from _drawn(child, further + ("└─ " if last else "├─ "), further + ("   " if last else "│  "))


def _nested(node: BranchNode) -> dict[str, Any]:
    children = [_nested(child) for child in node.children]
    return {"name": node.name, "id": str(node.id), "base_lsn": node.base_lsn, "children": children}
