"""Updating and replacing.

An update runs in place, by the server's own update on the row, where its
paths can be prefixed. Everything else (pipelines, positional operators,
upserts, validators) is evaluated by the server on scratch copies, with the
user's filter and update unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from bson import Timestamp
from bson.raw_bson import RawBSONDocument
from pymongo import ReturnDocument
from pymongo.errors import OperationFailure, PyMongoError

from argon.engine.documents import incoming, replacement_image
from argon.engine.errors import NEEDS_STORE, command_error, duplicate_key
from argon.engine.find import find_rows
from argon.engine.insert import write_error
from argon.engine.prepare import Target, existing, refuse_view
from argon.engine.query import FindSpec
from argon.engine.snapshot import Snapshot
from argon.engine.unique import unique_check
from argon.engine.visible import row_filter, rows_by_id
from argon.io import Operation
from argon.models import CollectionRecord
from argon.rewrite.effect import effect
from argon.rewrite.filter import equality_id, has_expr
from argon.rewrite.paths import has_duplicate_keys
from argon.rewrite.projection import is_positional
from argon.rewrite.touched import touched_paths
from argon.rewrite.update import is_pipeline, is_replacement, prefix_update, uses_positional
from argon.versions.ids import id_key
from argon.versions.layout import Row, raw, size_of
from argon.wal.change import Change, Plan

PAGE = 1000
PAGE_BYTES = 8 * 1024 * 1024


@dataclass
class UpdateSpec:
    """An update in the user's terms.

    Attributes:
        filter: Which documents.
        update: Operators, a pipeline, or a replacement.
        many: All of them, or the first.
        upsert: Insert one where none matches.
        array_filters: For ``$[name]``.
        collation: For comparisons of strings.
        hint: Which index finds them.
        sort: Which is the first.
        let: Variables.
        projection: Of what is returned, for the find-and-modify family.
        returns: None for plain updates; else whether the document after it is returned.
    """

    filter: Mapping[str, Any]
    update: Any
    many: bool = False
    upsert: bool = False
    array_filters: Sequence[Mapping[str, Any]] | None = None
    collation: Any = None
    hint: Any = None
    sort: list[tuple[str, Any]] | None = None
    let: Mapping[str, Any] | None = None
    projection: Any = None
    returns: bool | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def exact_only(self) -> bool:
        """Whether rows cannot be updated in place, whatever the update says."""
        return self.let is not None or (self.returns is not None and self.projection is not None)


@dataclass
class Updated:
    """What became of an update.

    Attributes:
        matched: Documents that the filter matched.
        modified: Documents that changed.
        upserted: Whether one was inserted, and
        upserted_id: its ``_id``.
        document: What find-and-modify returns: raw before or after, or projected already.
        projected: Whether ``document`` has been through the user's projection and codec.
        error: A failure after some documents had been updated.
        left: Whether there is more to do than one commit holds.
    """

    matched: int = 0
    modified: int = 0
    upserted: bool = False
    upserted_id: Any = None
    document: Any = None
    projected: bool = False
    error: PyMongoError | None = None
    left: bool = False


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
        refuse_view(snapshot, record)
    if spec.upsert and has_expr(spec.filter):
        yield from _inserted(target, spec, snapshot, record)  # is refused, also where something matches
    if record is not None:
        quick_plan = None if careful or ids is not None else _by_id(target, spec, snapshot, record)
        if quick_plan is not None:
            return quick_plan
    rows: list[Row] = []
    if record is not None:
        try:
            rows = yield from matching_rows(snapshot, record, target, spec, ids)
        except OperationFailure:
            # The server looks at the update before it looks for documents.
            yield from _validate(target, spec, snapshot, record)
            raise
    if not rows:
        if ids is not None:
            return Plan([], Updated)
        if spec.upsert:
            return (yield from _plan_upsert(target, spec, snapshot))
        yield from _validate(target, spec, snapshot, record)
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
            if change.inherited and change.in_place is not None:
                change.after = effect(spec.update, row["d"])
                if change.after is not None:
                    change.in_place = None
            changes.append(change)
    else:
        images, outcome.document, outcome.error = yield from _evaluate(target, spec, snapshot, record, rows)
        outcome.projected = spec.returns is not None
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
        if spec.returns is not None and not outcome.projected:
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
        effect=partial(effect, spec.update),
        touched=touched_paths(spec.update),
    )

    def reply() -> Updated:
        if change.before is None:
            return Updated()
        image = change.after if spec.returns else change.before["d"]
        document = None if spec.returns is None else image
        return Updated(matched=1, modified=int(not change.noop), document=document)

    return Plan([change], reply, unique_check(snapshot, record, [change]))


def matching_rows(
    snapshot: Snapshot,
    record: CollectionRecord,
    target: Target,
    spec: Any,
    ids: Sequence[Any] | None,
) -> Operation[list[Row]]:
    """Read the rows that an update or a delete is about.

    Args:
        snapshot: The head.
        record: The collection.
        target: The same, as the user named it.
        spec: Has ``filter``, ``many``, ``sort``, ``hint``, ``collation``, ``let``.
        ids: Look at these documents only.
    """
    options = {} if spec.let is None else {"let": spec.let}
    query: Mapping[str, Any] = spec.filter
    if ids is not None:
        query = {"$and": [{"_id": {"$in": list(ids)}}, spec.filter]}
    limit = 1 if not spec.many else (0 if ids is not None else PAGE + 1)
    return (
        yield from find_rows(
            snapshot,
            record,
            FindSpec(
                query, None, spec.sort, 0, limit, spec.hint if ids is None else None, spec.collation, options
            ),
            target.codec,
        )
    )


def too_much(rows: Sequence[Row]) -> bool:
    """Whether rows are more than one commit should hold."""
    return len(rows) > PAGE or sum(size_of(row) for row in rows) > PAGE_BYTES


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


def _evaluate(
    target: Target, spec: UpdateSpec, snapshot: Snapshot, record: CollectionRecord, rows: Sequence[Row]
) -> Operation[tuple[list[RawBSONDocument], Any, PyMongoError | None]]:
    """Let the server update scratch copies, one after the other as it would the documents."""
    if len(rows) > 1 and not _looks_at_filter(spec):
        try:
            return (yield from _evaluate_together(target, spec, snapshot, record, rows)), None, None
        except PyMongoError as error:
            if error.has_error_label("TransientTransactionError"):
                raise
            # One of them failed; those before it are updated all the same.
    images: list[RawBSONDocument] = []
    answer: Any = None
    for row in rows:

        def body(scratch: Any, session: Any, row: Row = row) -> Operation[tuple[Any, RawBSONDocument]]:
            reply = yield from _modify(scratch, session, target, spec, row["d"]["_id"])
            found = yield scratch.find({}, session=session).to_list(1)
            return reply, found[0]

        try:
            answer, image = yield from snapshot.engine.scratch.evaluate(record, [row["d"]], body)
        except PyMongoError as error:
            if error.has_error_label("TransientTransactionError") or not images:
                raise
            return images, answer, error
        images.append(image)
    return images, answer, None


def _evaluate_together(
    target: Target, spec: UpdateSpec, snapshot: Snapshot, record: CollectionRecord, rows: Sequence[Row]
) -> Operation[list[RawBSONDocument]]:
    def body(scratch: Any, session: Any) -> Operation[list[RawBSONDocument]]:
        yield from _modify(scratch, session, target, replace(spec, filter={}), None)
        found: list[RawBSONDocument] = yield scratch.find({}, session=session).to_list(None)
        return found

    images = yield from snapshot.engine.scratch.evaluate(record, [row["d"] for row in rows], body)
    by_id = {id_key(image["_id"]): image for image in images}
    return [by_id[id_key(row["d"]["_id"])] for row in rows]


def _looks_at_filter(spec: UpdateSpec) -> bool:
    """Whether the update or what is returned depends on which array element the filter matched."""
    if is_positional(spec.projection):
        return True
    return not is_pipeline(spec.update) and uses_positional(spec.update)


def _modify(
    scratch: Any,
    session: Any,
    target: Target,
    spec: UpdateSpec,
    identity: Any = None,
    *,
    upsert: bool = False,
) -> Operation[Any]:
    copies = scratch.with_options(codec_options=target.codec)
    query: Mapping[str, Any] = spec.filter
    if identity is not None and not _looks_at_filter(spec):
        # The copy is known to match, and a filter may use what a scratch collection has not.
        query = {"_id": identity}
    options = {
        "array_filters": spec.array_filters,
        "collation": spec.collation,
        "let": spec.let,
        "session": session,
        "upsert": upsert,
    }
    if spec.returns is not None:
        after = ReturnDocument.AFTER if spec.returns else ReturnDocument.BEFORE
        options |= {"projection": spec.projection, "return_document": after}
        if target.bypass is not None:
            options["bypassDocumentValidation"] = target.bypass
        if is_replacement(spec.update):
            options.pop("array_filters")
            return (yield copies.find_one_and_replace(query, spec.update, **options))
        return (yield copies.find_one_and_update(query, spec.update, **options))
    options["bypass_document_validation"] = target.bypass
    if is_replacement(spec.update):
        options.pop("array_filters")
        return (yield copies.replace_one(query, spec.update, **options))
    if spec.many:
        return (yield copies.update_many(query, spec.update, **options))
    return (yield copies.update_one(query, spec.update, **options))


def _validate(
    target: Target, spec: UpdateSpec, snapshot: Snapshot, record: CollectionRecord | None
) -> Operation[None]:
    """Refuse an invalid update also where nothing matches, by running it on nothing."""
    nothing = yield from snapshot.engine.scratch.nothing(record)
    try:
        yield from _modify(nothing, None, target, spec)
    except OperationFailure as error:
        if error.code not in NEEDS_STORE:
            raise


def _plan_upsert(target: Target, spec: UpdateSpec, snapshot: Snapshot) -> Operation[Plan]:
    record, changes = yield from existing(target, snapshot)
    found, identity = equality_id(spec.filter)
    plain = (
        is_replacement(spec.update)
        and found
        and len(spec.filter) == 1
        and "_id" not in spec.update
        and not has_duplicate_keys(spec.update)
        and spec.returns is None
        and not record.validated
    )
    document = None
    if plain:
        document = incoming({"_id": identity, **spec.update}, target.codec)
    answer: Any = None
    if document is None or document.odd:
        answer, image = yield from _inserted(target, spec, snapshot, record)
    else:
        image = document.raw
    # The filter did not match, and yet the id may be taken: the server then refuses the insert.
    taken = [] if changes else (yield from rows_by_id(snapshot, record, [image["_id"]]))
    if taken:
        raise command_error(
            {
                "index": 0,
                **duplicate_key(snapshot.namespace(target.name), "_id_", {"_id": 1}, {"_id": image["_id"]}),
            }
        )
    insert = Change("insert", target.space, target.name, record.store, image["_id"], after=image)
    outcome = Updated(upserted=True, upserted_id=image["_id"], document=answer, projected=True)
    return Plan([*changes, insert], lambda: outcome, unique_check(snapshot, record, [insert]))


def _inserted(
    target: Target, spec: UpdateSpec, snapshot: Snapshot, record: CollectionRecord | None
) -> Operation[tuple[Any, RawBSONDocument]]:
    """Let the server upsert where nothing matches; return its reply and the document."""

    def body(scratch: Any, session: Any) -> Operation[tuple[Any, RawBSONDocument]]:
        reply = yield from _modify(scratch, session, target, spec, upsert=True)
        made = yield scratch.find({}, session=session).to_list(1)
        return reply, made[0]

    done: tuple[Any, RawBSONDocument] = yield from snapshot.engine.scratch.evaluate(record, [], body)
    return done


def partial_error(outcome: Updated) -> dict[str, Any] | None:
    """Return the write error of an update that failed after some documents."""
    error = outcome.error
    return write_error(error) if isinstance(error, OperationFailure) else None
