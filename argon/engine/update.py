"""Updating and replacing.

An update runs in place, by the server's own update on the row, where its
paths can be prefixed. Everything else (pipelines, positional operators,
upserts, validators) is evaluated by the server on scratch copies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from bson import Timestamp
from pymongo.errors import OperationFailure

from argon.engine.documents import replacement_image
from argon.engine.evaluate import evaluate_update, inserted, refuse_invalid
from argon.engine.insert import write_error
from argon.engine.matching import matching_rows, too_much
from argon.engine.prepare import Target, refuse_write_to_view
from argon.engine.snapshot import Snapshot
from argon.engine.specs import Updated, UpdateSpec
from argon.engine.unique import unique_check
from argon.engine.upsert import plan_upsert
from argon.engine.visible import row_filter
from argon.io import Operation
from argon.models import CollectionRecord
from argon.rewrite.effect import effect, elements_after
from argon.rewrite.filter import equality_id, has_expr
from argon.rewrite.paths import has_duplicate_keys
from argon.rewrite.touched import touched_paths
from argon.rewrite.update import is_pipeline, is_replacement, prefix_update
from argon.versions.layout import Row, raw
from argon.wal.change import Change, Plan


def plan_update(
    target: Target,
    spec: UpdateSpec,
    snapshot: Snapshot,
    careful: bool,
    *,
    ids: Sequence[Any] | None = None,
) -> Operation[Plan]:
    """Plan an update at a head.

    Args:
        target: The collection.
        spec: The update.
        snapshot: The head.
        careful: Whether to evaluate on scratch copies what could be done in place.
        ids: Look at these documents only; for updates of more than one commit holds.

    Returns:
        A plan whose reply is an :class:`Updated`.
    """
    record = snapshot.record(target.space, target.name)
    if record is not None:
        yield from refuse_write_to_view(
            snapshot, record, spec, lambda judged: refuse_invalid(target, judged, snapshot, None)
        )
    if spec.upsert and has_expr(spec.filter):
        yield from inserted(target, spec, snapshot, record)  # is refused, also where something matches
    if record is not None:
        quick_plan = None if careful or ids is not None else _by_id(target, spec, snapshot, record)
        if quick_plan is not None:
            return quick_plan
    refuse = partial(refuse_invalid, target, spec, snapshot, record)
    rows: list[Row] = []
    if record is not None:
        rows = yield from matching_rows(snapshot, record, target, spec, ids, refuse)
    if not rows:
        if ids is not None:
            return Plan([], Updated)
        if spec.upsert:
            return (yield from plan_upsert(target, spec, snapshot))
        yield from refuse()
        return Plan([], Updated)
    assert record is not None
    if spec.many and ids is None and too_much(rows):
        return Plan([], lambda: Updated(left=True))
    quick = None if careful or record.validated or spec.exact_only else _quick(spec)
    changes: list[Change] = []
    touched = touched_paths(spec.update)
    outcome = Updated(matched=len(rows))
    if quick is not None:
        for row in rows:
            change = _change(target, record, snapshot, row, touched)
            quick(change, target)
            # An array filter that the update has no use for is refused, and only the server knows.
            if change.inherited and change.in_place is not None and not spec.array_filters:
                change.after = effect(spec.update, row["d"])
                if change.after is not None:
                    change.in_place = None
            changes.append(change)
    else:
        images, outcome.document, outcome.error = yield from evaluate_update(
            target, spec, snapshot, record, rows
        )
        outcome.projected = spec.is_find_and_modify
        for row, image in zip(rows, images, strict=False):
            change = _change(target, record, snapshot, row, touched)
            change.after = image
            changes.append(change)
    for change in changes:
        if change.after is not None and change.before is not None:
            change.noop = change.after.raw == change.before["d"].raw
    kept = [change for change in changes if not change.noop]

    def reply() -> Updated:
        outcome.modified = sum(not change.noop for change in kept)
        if is_replacement(spec.update) and raw(spec.update).raw != rows[0]["d"].raw:
            # The server counts a replacement that leaves the _id to it also where it changes nothing.
            outcome.modified = 1
        if spec.is_find_and_modify and not outcome.projected:
            image = changes[0].after if spec.returns else rows[0]["d"]
            outcome.document = image
        return outcome

    return Plan(kept, reply, unique_check(snapshot, record, kept))


def _by_id(target: Target, spec: UpdateSpec, snapshot: Snapshot, record: CollectionRecord) -> Plan | None:
    """Plan the update of one document that can only be the branch's own, without reading it first."""
    if not snapshot.view.simple or snapshot.session is not None or record.validated or record.collation:
        return None
    if spec.upsert or spec.exact_only or spec.array_filters or spec.collation or spec.hint:
        return None
    if is_pipeline(spec.update) or is_replacement(spec.update) or not equality_id(spec.filter)[0]:
        return None
    where = row_filter(snapshot.source(record), spec.filter, None, seek=False)
    in_place = prefix_update(spec.update, None)
    if where is None or in_place is None:
        return None
    change = Change(
        "update",
        target.space,
        target.name,
        record.store,
        equality_id(spec.filter)[1],
        in_place=in_place,
        seek=where,
        effect=partial(elements_after, spec.update),
        touched=touched_paths(spec.update),
    )

    def reply() -> Updated:
        if change.before is None:
            return Updated()
        image = change.after if spec.returns else change.before["d"]
        document = image if spec.is_find_and_modify else None
        return Updated(matched=1, modified=int(not change.noop), document=document)

    return Plan([change], reply, unique_check(snapshot, record, [change]))


def _change(
    target: Target,
    record: CollectionRecord,
    snapshot: Snapshot,
    row: Row,
    touched: tuple[str, ...] | None,
) -> Change:
    return Change(
        "update",
        target.space,
        target.name,
        record.store,
        row["d"]["_id"],
        before=row,
        inherited=snapshot.is_inherited(row),
        touched=touched,
    )


def _quick(spec: UpdateSpec) -> Any:
    """Return what turns a change into one that needs no evaluation beforehand, if there is such a thing."""
    if is_replacement(spec.update):
        if "_id" in spec.update or any(key[:1] == "$" for key in spec.update) or _has_timestamp(spec.update):
            return None
        if has_duplicate_keys(spec.update):
            return None

        def replace_whole(change: Change, target: Target) -> None:
            image = replacement_image(change.document_id, spec.update, target.codec)
            change.after = image.raw

        return replace_whole
    rewritten = prefix_update(spec.update, spec.array_filters)
    if rewritten is None:
        return None

    def in_place(change: Change, _target: Target) -> None:
        change.in_place = rewritten
        change.array_filters = None if spec.array_filters is None else list(spec.array_filters)
        change.collation = spec.collation

    return in_place


def _has_timestamp(document: Mapping[str, Any]) -> bool:
    return any(type(value) is Timestamp for value in document.values())


def partial_error(outcome: Updated) -> dict[str, Any] | None:
    """Return the write error of an update that failed after some documents."""
    error = outcome.error
    return write_error(error) if isinstance(error, OperationFailure) else None
