"""Deleting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from argon.engine.prepare import Target, refuse_view
from argon.engine.query import FindSpec, Reader, open_find
from argon.engine.snapshot import Snapshot
from argon.engine.update import matching_rows, too_much
from argon.io import Operation
from argon.wal.change import Change, Plan


@dataclass
class DeleteSpec:
    """A delete in the user's terms; see :class:`argon.engine.update.UpdateSpec`."""

    filter: Mapping[str, Any]
    many: bool = False
    collation: Any = None
    hint: Any = None
    sort: list[tuple[str, Any]] | None = None
    let: Mapping[str, Any] | None = None
    projection: Any = None
    returns: bool = False


@dataclass
class Deleted:
    """What became of a delete.

    Attributes:
        count: Documents deleted.
        document: What find-and-delete returns.
        projected: Whether it has been through the user's projection and codec.
        left: Whether there is more to do than one commit holds.
    """

    count: int = 0
    document: Any = None
    projected: bool = False
    left: bool = False


def plan_delete(
    target: Target,
    spec: DeleteSpec,
    snapshot: Snapshot,
    _careful: bool,
    *,
    ids: Sequence[Any] | None = None,
) -> Operation[Plan]:
    """Plan a delete at a head.

    Args:
        target: The collection.
        spec: The delete.
        snapshot: The head.
        ids: Look at these documents only.

    Returns:
        A plan whose reply is a :class:`Deleted`.
    """
    record = snapshot.record(target.space, target.name)
    if record is None:
        # The server refuses a wrong filter also where there is nothing.
        cursor = (
            yield from open_find(
                snapshot, target.space, target.name, FindSpec(spec.filter), Reader(target.codec)
            )
        ).cursor
        yield cursor.to_list(1)
        return Plan([], Deleted)
    refuse_view(snapshot, record)
    rows = yield from matching_rows(snapshot, record, target, spec, ids)
    if spec.many and ids is None and too_much(rows):
        return Plan([], lambda: Deleted(left=True))
    outcome = Deleted(count=len(rows))
    if spec.returns and rows:
        outcome.document = rows[0]["d"]
        if spec.projection is not None:
            query = {"$and": [{"_id": rows[0]["d"]["_id"]}, spec.filter]}
            find = FindSpec(query, spec.projection, limit=1, collation=spec.collation)
            opened = yield from open_find(snapshot, target.space, target.name, find, Reader(target.codec))
            found = yield opened.cursor.to_list(1)
            outcome.document = (found[0]["d"] if opened.wrapped else found[0]) if found else None
            outcome.projected = True
    changes = [
        Change(
            "delete",
            target.space,
            target.name,
            record.store,
            row["d"]["_id"],
            before=row,
            inherited=snapshot.is_inherited(row),
        )
        for row in rows
    ]
    return Plan(changes, lambda: outcome)
