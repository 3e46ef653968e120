"""Indexes: entries of the catalogue, served by physical indexes that branches share."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import bson
from bson import ObjectId
from pymongo.errors import ExecutionTimeout, OperationFailure, WTimeoutError
from pymongo.operations import IndexModel

from argon.engine.client_timeout import in_time
from argon.engine.documents import plain_text
from argon.engine.errors import CANNOT_RUN, command_error, not_in_transaction, renamed
from argon.engine.handle import Handle
from argon.engine.index_building import build_index, refuse_duplicates
from argon.engine.max_time import MaxTime, max_time
from argon.engine.prepare import Target, existing, refuse_view
from argon.engine.snapshot import Snapshot
from argon.engine.transaction import Transaction
from argon.errors import UnsupportedOperation
from argon.io import Operation
from argon.models import CollectionRecord, IndexRecord
from argon.models.entry import Operation as Kind
from argon.rewrite.index import physical_options
from argon.rewrite.paths import CannotRewrite
from argon.wal.change import Plan

_ID_KEY = [("_id", 1)]


@in_time
def create_indexes(
    handle: Handle, target: Target, models: Sequence[IndexModel], max_time_ms: Any = None
) -> Operation[list[str]]:
    """Create indexes.

    The physical index serves every branch that defines it; uniqueness is the
    branch's own (see :mod:`argon.engine.unique`).

    Args:
        handle: The branch.
        target: The collection.
        models: The indexes.
        max_time_ms: How long it may take.

    Returns:
        Their names.

    Raises:
        WTimeoutError: It took longer, and none of them is there.
        OperationFailure: An index of that name or key exists with other options.
        DuplicateKeyError: A unique index, and documents that have the same key.
    """
    documents = [plain_text(dict(model.document)) for model in models]
    if not documents:
        text = "Must specify at least one index to create"
        raise command_error({"code": 2, "codeName": "BadValue", "errmsg": text})
    built: set[str] = set()
    limit = yield from max_time(handle.line.engine, max_time_ms)

    def plan(snapshot: Snapshot, _careful: bool) -> Operation[Plan]:
        limit.remaining()
        record, changes = yield from existing(target, snapshot)
        added: list[IndexRecord] = []
        for index in (yield from _new_indexes(snapshot, record, documents)):
            if index.physical not in built:
                yield from build_index(snapshot, record, index, limit)
                built.add(index.physical)
            if index.options.get("unique") and not changes:
                yield from refuse_duplicates(snapshot, record, index, limit)
            added.append(index)
        names = [document["name"] for document in documents]
        if not added:
            return Plan(changes, lambda: names)
        changed = record.model_copy(update={"indexes": [*record.indexes, *added]})
        if changes:
            return Plan([snapshot.catalog.create(changed)], lambda: names)
        return Plan([snapshot.catalog.replace(Kind.CREATE_INDEX, record, changed)], lambda: names)

    try:
        if handle.transaction is not None:
            yield from _build_outside(handle.transaction, target, documents, built, limit)
        names: list[str] = yield from handle.write(plan)
    except ExecutionTimeout as error:
        # The server also says that no majority has the index, and PyMongo makes the error of that.
        raise WTimeoutError(str(error), error.code, error.details) from error
    return names


def _build_outside(
    transaction: Transaction,
    target: Target,
    documents: Sequence[Mapping[str, Any]],
    built: set[str],
    limit: MaxTime,
) -> Operation[None]:
    """Build the physical indexes of a collection while the transaction holds none of its rows."""
    snapshot = yield from transaction.snapshot()
    record = snapshot.record(target.space, target.name)
    if record is None or record.kind == "view":
        return
    yield from transaction.pause()
    new = yield from _new_indexes(snapshot, record, documents)
    if new and transaction.of_session and not transaction.has_made(record.store):
        there = snapshot.namespace(target.name)
        text = f"Cannot create new indexes on existing collection {there} in a multi-document transaction."
        raise not_in_transaction(text)
    for index in new:
        yield from build_index(snapshot, record, index, limit)
        built.add(index.physical)


@in_time
def drop_index(handle: Handle, space: str, name: str, index: Any) -> Operation[None]:
    """Drop an index by name or key; ``*`` drops all but the one on ``_id``.

    The physical index stays: other branches may define it, and so does the past, which can be
    read, and branched from, at any time.

    Raises:
        OperationFailure: There is no such collection or index.
    """
    handle.refuse_in_session(CANNOT_RUN.format("dropIndexes"))

    def plan(snapshot: Snapshot, _careful: bool) -> Operation[Plan]:
        record = snapshot.record(space, name)
        yield None
        if record is None:
            return Plan([])  # PyMongo takes "ns not found" for done
        refuse_view(snapshot, record)
        if index == "*":
            kept: list[IndexRecord] = []
        else:
            if record.clustered is not None and index == record.id_index["name"]:
                text = "It is illegal to drop the clusteredIndex"
                raise command_error({"code": 5979800, "codeName": "Location5979800", "errmsg": text})
            if index == "_id_" or (not isinstance(index, str) and _pairs(index) == _ID_KEY):
                raise command_error(
                    {"code": 72, "codeName": "InvalidOptions", "errmsg": "cannot drop _id index"}
                )
            found = find_index(record, index)
            if found is None:
                shown = index if isinstance(index, str) else dict(_pairs(index))
                raise command_error(
                    {
                        "code": 27,
                        "codeName": "IndexNotFound",
                        "errmsg": f"index not found with name [{shown}]"
                        if isinstance(index, str)
                        else f"can't find index with key: {shown}",
                    }
                )
            kept = [one for one in record.indexes if one.name != found.name]
        if len(kept) == len(record.indexes):
            return Plan([])
        changed = record.model_copy(update={"indexes": kept})
        return Plan([snapshot.catalog.replace(Kind.DROP_INDEX, record, changed)])

    yield from handle.write(plan)


def list_indexes(snapshot: Snapshot, space: str, name: str) -> list[dict[str, Any]]:
    """Describe the indexes of a collection as the server does."""
    record = snapshot.record(space, name)
    if record is None:
        return []
    refuse_view(snapshot, record)
    return [record.id_index, *(dict(index.described) for index in record.indexes)]


def index_record(document: Mapping[str, Any], described: Mapping[str, Any]) -> IndexRecord:
    """Turn an index into its record.

    Args:
        document: The index as the command has it.
        described: The same as the server describes it, with all that it adds.

    Raises:
        UnsupportedOperation: Rows cannot be indexed so.
    """
    options = {
        key: described.get(key, value)
        for key, value in document.items()
        if key not in ("key", "name", "background", "v", "ns")
    }
    key = list(document["key"].items())
    try:
        shape = {"key": [[field, kind] for field, kind in key], **physical_options(key, options)}
    except CannotRewrite as error:
        raise UnsupportedOperation(f"a branch cannot keep the index {document['name']!r}") from error
    digest = hashlib.sha256(bson.encode(shape)).hexdigest()[:16]
    return IndexRecord(
        name=document["name"], key=key, options=options, physical=f"ix_{digest}", described=dict(described)
    )


def find_index(record: CollectionRecord, index: Any) -> IndexRecord | None:
    """Return a collection's index of a name or key."""
    keys = None if isinstance(index, str) else _pairs(index)
    for one in record.indexes:
        if one.name == index or (keys is not None and one.key == keys):
            return one
    return None


def _new_indexes(
    snapshot: Snapshot, record: CollectionRecord, documents: Sequence[Mapping[str, Any]]
) -> Operation[list[IndexRecord]]:
    """Let the server judge definitions beside those that are there, on an empty collection made for that.

    Returns:
        Those that are new.

    Raises:
        OperationFailure: One of them is wrong, or collides with another one.
    """
    trial = snapshot.engine.plain[f"scratch_index_{ObjectId()}"]
    try:
        if record.collation is not None:
            yield trial.database.create_collection(trial.name, collation=record.collation)
        if record.indexes:
            there = [IndexModel(index.key, name=index.name, **index.options) for index in record.indexes]
            yield trial.create_indexes(there)
        yield trial.create_indexes([_model(document) for document in documents])
        found = yield (yield trial.list_indexes()).to_list(None)
    except OperationFailure as error:
        raise renamed(error, trial.full_name, snapshot.namespace(record.name)) from error
    finally:
        yield trial.drop()
    described = {index["name"]: index for index in found}
    known = {"_id_", *(index.name for index in record.indexes)}
    new: list[IndexRecord] = []
    for document in documents:
        if document["name"] in described.keys() - known:
            new.append(index_record(document, described[document["name"]]))
            known.add(document["name"])
    return new


def _model(document: Mapping[str, Any]) -> IndexModel:
    options = {name: value for name, value in document.items() if name != "key"}
    return IndexModel(list(document["key"].items()), **options)


def _pairs(keys: Any) -> list[tuple[str, Any]]:
    items = keys.items() if isinstance(keys, Mapping) else keys
    return [(item, 1) if isinstance(item, str) else tuple(item) for item in items]
