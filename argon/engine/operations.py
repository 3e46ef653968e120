"""The operations of a collection: PyMongo's calls in, PyMongo's results out.

Each is a generator, so that the synchronous and the asynchronous collection
are the same code. Arguments have been through PyMongo's own checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from bson import ObjectId
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure
from pymongo.results import InsertManyResult, InsertOneResult

from argon.engine.client_timeout import in_time
from argon.engine.delete import plan_delete
from argon.engine.documents import Incoming, incoming, is_raw, plain_text, plain_values, users_value
from argon.engine.errors import command_error
from argon.engine.find import open_find
from argon.engine.handle import Handle
from argon.engine.insert import NO_STAGES, Inserted, plan_inserts, raise_write_error, refusals, write_error
from argon.engine.matching import PAGE, PAGE_BYTES
from argon.engine.max_time import max_time
from argon.engine.prepare import IS_VIEW, Target
from argon.engine.query import FindSpec, Reader
from argon.engine.results import bulk_result
from argon.engine.snapshot import Snapshot
from argon.engine.specs import Deleted, DeleteSpec, Updated, UpdateSpec
from argon.engine.update import plan_update
from argon.io import Operation
from argon.wal.change import Plan, Planner

T = TypeVar("T")

_OF_COMMANDS = NO_STAGES | {13, 112, 239, 246, 251}
"""Errors of a whole command: no stages, not allowed, a lost race, no snapshot, no transaction."""


@in_time
def insert_one(
    handle: Handle, target: Target, document: Mapping[str, Any], *, acknowledged: bool = True
) -> Operation[InsertOneResult]:
    """Insert one document; see ``Collection.insert_one``."""
    [encoded] = encode_documents([document], target.codec)
    outcome = yield from _insert(handle, target, [encoded])
    if outcome.errors and acknowledged:
        raise_write_error(outcome.errors[0])
    return InsertOneResult(None if isinstance(document, RawBSONDocument) else document["_id"], acknowledged)


@in_time
def insert_many(
    handle: Handle,
    target: Target,
    documents: Iterable[Mapping[str, Any]],
    *,
    ordered: bool = True,
    acknowledged: bool = True,
) -> Operation[InsertManyResult]:
    """Insert many documents, in commits of up to a thousand; see ``Collection.insert_many``."""
    given = list(documents)
    encoded = encode_documents(given, target.codec)
    outcome = yield from insert_all(handle, target, encoded, ordered=ordered)
    if outcome.errors and acknowledged:
        for error in outcome.errors:
            error["op"] = given[error["index"]]
        raise BulkWriteError(bulk_result(inserted=outcome.count, errors=outcome.errors))
    # PyMongo does not look into raw documents for their ids.
    ids = [document["_id"] for document in given if not is_raw(document)]
    return InsertManyResult(ids, acknowledged)


def insert_all(
    handle: Handle, target: Target, documents: Sequence[Incoming], *, ordered: bool
) -> Operation[Inserted]:
    """Insert documents page by page and gather what became of them."""
    ordered = ordered or handle.transaction is not None  # which the first error ends
    total = Inserted()
    start = 0
    for page in pages(documents):
        outcome = yield from _insert(handle, target, page, ordered=ordered)
        total.count += outcome.count
        total.errors += [{**error, "index": error["index"] + start} for error in outcome.errors]
        if ordered and total.errors:
            break
        start += len(page)
    return total


def _insert(
    handle: Handle, target: Target, documents: Sequence[Incoming], *, ordered: bool = True
) -> Operation[Inserted]:
    def plan(snapshot: Snapshot, careful: bool) -> Operation[Plan]:
        return (yield from plan_inserts(target, documents, snapshot, careful, ordered=ordered))

    one_by_one = len(documents) > 1 and (yield from _would_end(handle, target))
    if not one_by_one:
        try:
            outcome: Inserted = yield from handle.write(plan)
            if outcome.errors and handle.transaction is not None:
                yield from handle.transaction.fail()  # as any error does
            return outcome
        except DuplicateKeyError as error:
            # A unique index: in a batch, find out whose fault it is by going one by one.
            if len(documents) == 1:
                return Inserted(0, [{**write_error(error), "index": 0}])
        except OperationFailure as error:
            if error.code != IS_VIEW:
                raise
            # The server looks at each document before it looks at what takes it.
            outside = replace(handle, transaction=None)  # which this has ended
            own = yield from refusals(target, (yield from outside.snapshot()), documents)
            errors = [own.get(place, {**_details(error), "index": place}) for place in range(len(documents))]
            return Inserted(0, errors[:1] if ordered else errors)
    total = Inserted()
    for place, document in enumerate(documents):
        outcome = yield from _insert(handle, target, [document])
        total.count += outcome.count
        total.errors += [{**failure, "index": place} for failure in outcome.errors]
        if ordered and total.errors:
            break
    return total


def _would_end(handle: Handle, target: Target) -> Operation[bool]:
    """Whether a duplicate in a unique index would end a transaction before its place is known."""
    if handle.transaction is None:
        return False
    record = (yield from handle.snapshot()).record(target.space, target.name)
    return record is not None and any(index.options.get("unique") for index in record.indexes)


def encode_documents(documents: Sequence[Any], codec: CodecOptions[Any]) -> list[Incoming]:
    """Give documents an ``_id``, as PyMongo does in place, and encode them."""
    encoded: list[Incoming] = []
    for document in documents:
        fresh = False
        if not is_raw(document) and "_id" not in document:
            document["_id"] = ObjectId()
            fresh = True
        encoded.append(incoming(document, codec, fresh=fresh))
    return encoded


def pages(documents: Sequence[Incoming]) -> Iterable[Sequence[Incoming]]:
    """Cut documents into what one transaction should hold."""
    page: list[Incoming] = []
    size = 0
    for document in documents:
        if page and (len(page) >= PAGE or size + len(document.raw.raw) > PAGE_BYTES):
            yield page
            page, size = [], 0
        page.append(document)
        size += len(document.raw.raw)
    if page:
        yield page


@in_time
def update(handle: Handle, target: Target, spec: UpdateSpec) -> Operation[Updated]:
    """Update or replace; see :class:`UpdateSpec`."""
    spec.filter = plain_values(spec.filter, target.codec)
    spec.update = plain_values(spec.update, target.codec)
    spec.array_filters = plain_values(spec.array_filters, target.codec)
    limit = yield from max_time(handle.line.engine, spec.max_time_ms)

    def plan(ids: list[Any] | None = None) -> Planner:
        def on(snapshot: Snapshot, careful: bool) -> Operation[Plan]:
            return (yield from plan_update(target, limit.on(spec), snapshot, careful, ids=ids))

        return on

    try:
        outcome: Updated = yield from _as_write(handle.write(plan()), not spec.is_find_and_modify)
    except DuplicateKeyError:
        apart = spec.many and handle.transaction is None
        ids = (yield from _matching_ids(handle, target, spec)) if apart else []
        if not ids:
            raise
    else:
        if outcome.upserted:
            outcome.upserted_id = users_value(outcome.upserted_id, target.codec)
        if not outcome.left:
            return outcome
        ids = yield from _matching_ids(handle, target, spec)
    return (yield from _update_parts(handle, plan, _chunks(ids)))


def _update_parts(
    handle: Handle, plan: Callable[[list[Any]], Planner], parts: Iterable[list[Any]]
) -> Operation[Updated]:
    """Update documents part by part; the ones before one that meets a double stay updated, as in MongoDB."""
    total = Updated()
    for ids in parts:
        try:
            part: Updated = yield from handle.write(plan(ids))
        except DuplicateKeyError:
            if len(ids) == 1 or handle.transaction is not None:
                raise
            part = yield from _update_parts(handle, plan, [[one] for one in ids])
        total.matched += part.matched
        total.modified += part.modified
        total.error = part.error
        if total.error is not None:
            break
    return total


@in_time
def delete(handle: Handle, target: Target, spec: DeleteSpec) -> Operation[Deleted]:
    """Delete; see :class:`DeleteSpec`."""
    spec.filter = plain_text(spec.filter, target.codec)
    limit = yield from max_time(handle.line.engine, spec.max_time_ms)

    def plan(snapshot: Snapshot, careful: bool) -> Operation[Plan]:
        return (yield from plan_delete(target, limit.on(spec), snapshot, careful))

    outcome: Deleted = yield from _as_write(handle.write(plan), not spec.is_find_and_modify)
    if not outcome.left:
        return outcome
    total = Deleted()
    for chunk in _chunks((yield from _matching_ids(handle, target, spec))):

        def plan_chunk(snapshot: Snapshot, careful: bool, chunk: list[Any] = chunk) -> Operation[Plan]:
            return (yield from plan_delete(target, spec, snapshot, careful, ids=chunk))

        part: Deleted = yield from handle.write(plan_chunk)
        total.count += part.count
    return total


def quietly(operation: Operation[T], acknowledged: bool, nothing: T) -> Operation[T]:
    """Run a write whose refusal by the server nobody waits to hear of, where that is so.

    Args:
        operation: The write.
        acknowledged: What the write concern says.
        nothing: The outcome of a refused write.
    """
    try:
        return (yield from operation)
    except OperationFailure:
        if acknowledged:
            raise
        return nothing


def _as_write(operation: Operation[Any], is_write: bool) -> Operation[Any]:
    """Run a write, and turn the error of a read that it needed into that of a write."""
    try:
        return (yield from operation)
    except OperationFailure as error:
        if not is_write and isinstance(error, DuplicateKeyError):
            details = {"codeName": "DuplicateKey", **(error.details or {})}
            details.pop("index", None)
            raise command_error(details) from error
        labelled = bool((error.details or {}).get("errorLabels"))
        if not is_write or type(error) is not OperationFailure or labelled or error.code in _OF_COMMANDS:
            raise
        raise_write_error(_details(error))


def _details(error: OperationFailure) -> dict[str, Any]:
    return {key: value for key, value in write_error(error).items() if key != "codeName"}


def _chunks(found: Sequence[tuple[Any, int]]) -> Iterable[list[Any]]:
    """Cut ids, given with the sizes of their documents, into what one transaction should hold."""
    chunk: list[Any] = []
    total = 0
    for identity, size in found:
        if chunk and (len(chunk) >= PAGE // 2 or total + size > PAGE_BYTES):
            yield chunk
            chunk, total = [], 0
        chunk.append(identity)
        total += size
    if chunk:
        yield chunk


def _matching_ids(handle: Handle, target: Target, spec: Any) -> Operation[list[tuple[Any, int]]]:
    """Read at one moment which documents a write of many commits is about, and how large they are."""
    snapshot = yield from handle.snapshot()
    record = snapshot.record(target.space, target.name)
    if record is None:
        return []
    sized = {"_id": 1, "size": {"$bsonSize": "$$ROOT"}}
    find = FindSpec(spec.filter, sized, None, 0, 0, spec.hint, spec.collation)
    codec = target.codec.with_options(document_class=RawBSONDocument)
    opened = yield from open_find(snapshot, target.space, target.name, find, Reader(codec))
    found: list[tuple[Any, int]] = []
    while True:
        batch = yield opened.cursor.to_list(PAGE)
        documents = [document["d"] if opened.wrapped else document for document in batch]
        found += [(document["_id"], int(document["size"])) for document in documents]
        if not batch:
            return found
