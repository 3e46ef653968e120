"""The spaces of a branch: listing and deleting them.

A space is nothing but the first half of its collections' names in the
catalogue. So it comes into being with its first collection, is inherited,
merged and restored as its collections are, and is gone with the last one.
"""

from __future__ import annotations

from argon.engine.engine import Engine
from argon.engine.find import open_find
from argon.engine.handle import Handle
from argon.engine.query import FindSpec, Reader
from argon.engine.snapshot import Snapshot
from argon.errors import SpaceNotEmpty, SpaceNotFound, SpaceProtected
from argon.io import Operation
from argon.models import BranchRecord, CollectionRecord
from argon.names import check_space_name
from argon.versions.layout import RAW_CODEC
from argon.wal.change import Plan
from argon.wal.log import DEFAULT_SPACE

_SHOWN = 3
"""So many collections are named in an error."""


def list_spaces(handle: Handle) -> Operation[list[str]]:
    """Name the spaces of a view that users see; ``default`` is always there."""
    return (yield from handle.snapshot()).catalog.spaces()


def spaces_of(engine: Engine, branch: BranchRecord) -> Operation[list[str]]:
    """Name the spaces of a branch; ``default`` is always there."""
    if branch.kind == "classic":
        return [DEFAULT_SPACE]
    return (yield from engine.line(branch).snapshot()).catalog.spaces()


def delete_space(handle: Handle, space: str, *, force: bool = False) -> Operation[None]:
    """Drop every collection of a space as one commit, without touching a document.

    Args:
        handle: The branch.
        space: The space.
        force: Whether its collections may hold documents.

    Raises:
        InvalidName: It is no name for a space.
        SpaceProtected: It is the default space.
        SpaceNotFound: It has no collections.
        SpaceNotEmpty: One of them holds documents, and it was not forced.
    """
    check_space_name(space)
    if space == DEFAULT_SPACE:
        raise SpaceProtected(
            f"the space {DEFAULT_SPACE!r} is part of every branch and cannot be deleted: drop its collections"
        )

    def plan(snapshot: Snapshot, _careful: bool) -> Operation[Plan]:
        records = snapshot.catalog.records(space)
        if not records:
            known = ", ".join(snapshot.catalog.spaces())
            raise SpaceNotFound(
                f"the branch {snapshot.branch.name!r} has no space {space!r}; its spaces are: {known}"
            )
        if not force:
            held = []
            for record in records:
                if (yield from _holds_documents(snapshot, record)):
                    held.append(record.name)
            if held:
                raise _not_empty(space, held)
        return Plan([snapshot.catalog.drop(record) for record in records])

    yield from handle.write(plan)


def _holds_documents(snapshot: Snapshot, record: CollectionRecord) -> Operation[bool]:
    if record.kind == "view":
        return False
    opened = yield from open_find(
        snapshot, record.space, record.name, FindSpec({}, limit=-1), Reader(RAW_CODEC)
    )
    return bool((yield opened.cursor.to_list(1)))


def _not_empty(space: str, held: list[str]) -> SpaceNotEmpty:
    named = ", ".join(held[:_SHOWN]) + (f" and {len(held) - _SHOWN} more" if len(held) > _SHOWN else "")
    return SpaceNotEmpty(
        f"the space {space!r} holds documents, in {named}: delete it with force=True ('argon space delete "
        f"{space} --force'), or drop these first"
    )
