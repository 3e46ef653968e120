"""Deleting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pymongo.errors import OperationFailure

from argon.engine.errors import NEEDS_STORE
from argon.engine.matching import matching_rows, too_much
from argon.engine.prepare import Target, refuse_write_to_view
from argon.engine.snapshot import Snapshot
from argon.engine.specs import Deleted, DeleteSpec
from argon.engine.visible import row_filter
from argon.io import Operation
from argon.models import CollectionRecord
from argon.rewrite.filter import equality_id
from argon.rewrite.projection import is_positional
from argon.versions.layout import Row
from argon.wal.change import Change, Plan


def plan_delete(
    target: Target,
    spec: DeleteSpec,
    snapshot: Snapshot,
    careful: bool,
    *,
    ids: Sequence[Any] | None = None,
) -> Operation[Plan]:
    """Plan a delete at a head.

    Args:
        target: The collection.
        spec: The delete.
        snapshot: The head.
        careful: Whether to read before the transaction what it could find for itself.
        ids: Look at these documents only.

    Returns:
        A plan whose reply is a :class:`Deleted`.
    """
    record = snapshot.record(target.space, target.name)
    if record is None:
        yield from _refuse_invalid(target, spec, snapshot, record)
        return Plan([], Deleted)
    yield from refuse_write_to_view(
        snapshot, record, spec, lambda judged: _refuse_invalid(target, judged, snapshot, None)
    )
    quick = None if careful or ids is not None else _by_id(target, spec, snapshot, record)
    if quick is not None:
        return quick
    refuse = partial(_refuse_invalid, target, spec, snapshot, record)
    rows = yield from matching_rows(snapshot, record, target, spec, ids, refuse)
    if spec.many and ids is None and too_much(rows):
        return Plan([], lambda: Deleted(left=True))
    outcome = Deleted(count=len(rows))
    if spec.returns and rows:
        outcome.document = rows[0]["d"]
        if spec.projection is not None:
            outcome.document = yield from _projected(target, spec, snapshot, record, rows[0])
            outcome.projected = True
    elif spec.projection is not None:
        yield from refuse()
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


def _by_id(target: Target, spec: DeleteSpec, snapshot: Snapshot, record: CollectionRecord) -> Plan | None:
    """Plan the delete of one document that can only be the branch's own, without reading it first."""
    found, identity = equality_id(spec.filter)
    if not found or not snapshot.view.simple or snapshot.session is not None:
        return None
    if record.collation or any((spec.collation, spec.hint, spec.let, spec.sort, spec.projection)):
        return None
    where = row_filter(snapshot.source(record), spec.filter, None, seek=False)
    if where is None:
        return None
    change = Change("delete", target.space, target.name, record.store, identity, seek=where)

    def reply() -> Deleted:
        row = change.before
        if row is None:
            return Deleted()
        return Deleted(count=1, document=row["d"] if spec.returns else None)

    return Plan([change], reply)


def _projected(
    target: Target, spec: DeleteSpec, snapshot: Snapshot, record: CollectionRecord, row: Row
) -> Operation[Any]:
    """Delete a scratch copy, for what the server returns then."""

    def body(scratch: Any, session: Any) -> Operation[Any]:
        copies = scratch.with_options(codec_options=target.codec)
        query: Mapping[str, Any] = spec.filter
        if not is_positional(spec.projection):
            # The copy is known to match, and a filter may use what a scratch collection has not.
            query = {}
        return (yield _run(copies, replace(spec, filter=query), session))

    return (yield from snapshot.engine.scratch.evaluate(record, [row["d"]], body))


def _refuse_invalid(
    target: Target, spec: DeleteSpec, snapshot: Snapshot, record: CollectionRecord | None
) -> Operation[None]:
    """Refuse an invalid delete also where nothing matches, by running it on nothing."""
    nothing = yield from snapshot.engine.scratch.nothing(record)
    try:
        yield _run(nothing.with_options(codec_options=target.codec), spec, None)
    except OperationFailure as error:
        if error.code not in NEEDS_STORE:
            raise


def _run(copies: Any, spec: DeleteSpec, session: Any) -> Any:
    options = {"collation": spec.collation, "let": spec.let, "session": session}
    if spec.returns:
        return copies.find_one_and_delete(spec.filter, projection=spec.projection, sort=spec.sort, **options)
    return (copies.delete_many if spec.many else copies.delete_one)(spec.filter, **options)
