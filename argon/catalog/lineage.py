"""The branches of a project as the tree that they grew into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bson import ObjectId

from argon.models import BranchRecord


@dataclass
class BranchNode:
    """A branch and those that were made from it.

    Attributes:
        name: The branch's name.
        id: Its id.
        base_lsn: Where it left its parent.
        children: The live branches made from it, oldest first; those of a
            deleted branch stand with its nearest live ancestor.
    """

    name: str
    id: ObjectId
    base_lsn: int
    children: list[BranchNode] = field(default_factory=list)


def grow(live: Sequence[BranchRecord], deleted: Sequence[BranchRecord]) -> BranchNode:
    """Arrange branches as a tree.

    Args:
        live: The live branches, ``main`` among them, oldest first.
        deleted: The deleted ones, which are left out.

    Returns:
        ``main``, with everything below it.
    """
    parents = {record.id: record.parent_id for record in (*live, *deleted)}
    nodes = {record.id: BranchNode(record.name, record.id, record.base_lsn) for record in live}
    root = next(record.id for record in live if record.parent_id is None)
    for record in live:
        above = record.parent_id
        while above is not None and above not in nodes:
            above = parents.get(above, root)
        if above is not None:
            nodes[above].children.append(nodes[record.id])
    return nodes[root]
