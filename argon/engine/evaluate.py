"""Updates evaluated by the server on scratch copies, with the user's filter and update unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo import ReturnDocument
from pymongo.errors import OperationFailure, PyMongoError

from argon.engine.errors import NEEDS_STORE
from argon.engine.prepare import Target
from argon.engine.snapshot import Snapshot
from argon.engine.specs import UpdateSpec
from argon.io import Operation
from argon.models import CollectionRecord
from argon.rewrite.projection import is_positional
from argon.rewrite.update import is_pipeline, is_replacement, uses_positional
from argon.versions.ids import id_key
from argon.versions.layout import Row


def evaluate_update(
    target: Target, spec: UpdateSpec, snapshot: Snapshot, record: CollectionRecord, rows: Sequence[Row]
) -> Operation[tuple[list[RawBSONDocument], Any, PyMongoError | None]]:
    """Let the server update scratch copies, one after the other as it would the documents.

    Returns:
        The images of the documents as far as they could be updated, what a
        find-and-modify answers, and the error of the first one that could not be.
    """
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
    if spec.is_find_and_modify:
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


def inserted(
    target: Target, spec: UpdateSpec, snapshot: Snapshot, record: CollectionRecord | None
) -> Operation[tuple[Any, RawBSONDocument]]:
    """Let the server upsert where nothing matches; return its reply and the document."""

    def body(scratch: Any, session: Any) -> Operation[tuple[Any, RawBSONDocument]]:
        reply = yield from _modify(scratch, session, target, spec, upsert=True)
        made = yield scratch.find({}, session=session).to_list(1)
        return reply, made[0]

    done: tuple[Any, RawBSONDocument] = yield from snapshot.engine.scratch.evaluate(record, [], body)
    return done


def refuse_invalid(
    target: Target, spec: UpdateSpec, snapshot: Snapshot, record: CollectionRecord | None
) -> Operation[None]:
    """Refuse an invalid update also where nothing matches, by running it on nothing."""
    nothing = yield from snapshot.engine.scratch.nothing(record)
    try:
        yield from _modify(nothing, None, target, spec)
    except OperationFailure as error:
        if error.code not in NEEDS_STORE:
            raise
