"""Indexes: entries of the catalogue, served by physical indexes that branches share."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import bson
from bson import ObjectId
from pymongo.errors import OperationFailure
from pymongo.operations import IndexModel

from argon.catalog.tables import BRANCHES, COLLECTIONS
from argon.engine.errors import command_error, renamed
from argon.engine.handle import Handle
from argon.engine.pipelines import aggregate
from argon.engine.prepare import Target, existing, refuse_view
from argon.engine.query import Reader
from argon.engine.snapshot import Snapshot
from argon.engine.transaction import Transaction
from argon.errors import UnsupportedOperation
from argon.io import Operation
from argon.models import CollectionRecord, IndexRecord
from argon.models.entry import Operation as Kind
from argon.rewrite.index import physical_keys, physical_options
from argon.rewrite.paths import CannotRewrite
from argon.versions.layout import MAX_LSN, RAW_CODEC
from argon.wal.change import Plan

_ID_KEY = [("_id", 1)]
_DEFINED_OTHERWISE = frozenset({85, 86})
_PAGE = 1000


def create_indexes(handle: Handle, target: Target, models: Sequence[IndexModel]) -> Operation[list[str]]:
    """Create indexes.

    The physical index serves every branch that defines it; uniqueness is the
    branch's own (see :mod:`argon.engine.unique`).

    Returns:
        Their names.

    Raises:
        OperationFailure: An index of that name or key exists with other options.
        DuplicateKeyError: A unique index, and documents that have the same key.
    """
    documents = [dict(model.document) for model in models]
    if not documents:
        text = "Must specify at least one index to create"
        raise command_error({"code": 2, "codeName": "BadValue", "errmsg": text})
    built: set[str] = set()

    def plan(snapshot: Snapshot, _careful: bool) -> Operation[Plan]:
        record, changes = yield from existing(target, snapshot)
        added: list[IndexRecord] = []
        for index in (yield from _new_indexes(snapshot, record, documents)):
            if index.physical not in built:
                yield from build_index(snapshot, record, index)
                built.add(index.physical)
            if index.options.get("unique") and not changes:
                yield from _refuse_duplicates(snapshot, record, index)
            added.append(index)
        names = [document["name"] for document in documents]
        if not added:
            return Plan(changes, lambda: names)
        changed = record.model_copy(update={"indexes": [*record.indexes, *added]})
        if changes:
            return Plan([snapshot.catalog.create(changed)], lambda: names)
        return Plan([snapshot.catalog.replace(Kind.CREATE_INDEX, record, changed)], lambda: names)

    if handle.transaction is not None:
        yield from _build_outside(handle.transaction, target, documents, built)
    names: list[str] = yield from handle.write(plan)
    return names


def _build_outside(
    transaction: Transaction, target: Target, documents: Sequence[Mapping[str, Any]], built: set[str]
) -> Operation[None]:
    """Build the physical indexes of a collection while the transaction holds none of its rows."""
    snapshot = yield from transaction.snapshot()
    record = snapshot.record(target.space, target.name)
    if record is None or record.kind == "view":
        return
    yield from transaction.pause()
    for index in (yield from _new_indexes(snapshot, record, documents)):
        yield from build_index(snapshot, record, index)
        built.add(index.physical)


def drop_index(handle: Handle, space: str, name: str, index: Any) -> Operation[None]:
    """Drop an index by name or key; ``*`` drops all but the one on ``_id``.

    The physical index stays: other branches may define it, and so does the past, which can be
    read, and branched from, at any time.

    Raises:
        OperationFailure: There is no such collection or index.
    """

    def plan(snapshot: Snapshot, _careful: bool) -> Operation[Plan]:
        record = snapshot.record(space, name)
        yield None
        if record is None:
            return Plan([])  # PyMongo takes "ns not found" for done
        refuse_view(snapshot, record)
        if index == "*":
            kept: list[IndexRecord] = []
        else:
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
    own: dict[str, Any] = {"v": 2, "key": {"_id": 1}, "name": "_id_"}
    if record.collation:
        own["collation"] = record.collation
    return [own, *(dict(index.described) for index in record.indexes)]


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


def build_index(snapshot: Snapshot, record: CollectionRecord, index: IndexRecord) -> Operation[None]:
    """Build the physical index, which all branches share, where it is not there yet."""
    store = snapshot.engine.plain[record.store]
    keys = physical_keys(index.key, index.options)
    options = physical_options(index.key, index.options)
    try:
        yield store.create_index(keys, name=index.physical, **options)
    except OperationFailure as error:
        if error.code not in _DEFINED_OTHERWISE:
            raise renamed(error, store.full_name, snapshot.namespace(record.name)) from error
        if "text" not in [kind for _, kind in index.key]:
            return  # the same physical index under another definition's name
        yield from _drop_text_index(snapshot, record, error)
        yield store.create_index(keys, name=index.physical, **options)


def _drop_text_index(
    snapshot: Snapshot, record: CollectionRecord, conflict: OperationFailure
) -> Operation[None]:
    """Make room for another text index, of which the server allows one, if no live branch has this one.

    Raises:
        OperationFailure: One has.
    """
    engine = snapshot.engine
    store = engine.plain[record.store]
    found = yield (yield store.list_indexes()).to_list(None)
    [physical] = [index["name"] for index in found if "textIndexVersion" in index]
    rows = (
        yield engine.plain[COLLECTIONS]
        .find({"d.store": record.store, "d.indexes.physical": physical}, {"_id": 1, "f": 1})
        .to_list(None)
    )
    seen: list[dict[str, Any]] = []
    for row in rows:
        number, end = row["_id"]["b"], row["_id"]["t"]
        if end == MAX_LSN:
            seen.append({"number": number})
        # Whether a branch below hides it is not asked: better to keep it once too often.
        forks = {"$gte": row["f"], "$lt": end}
        seen.append({"lineage": {"$elemMatch": {"number": number, "fork": forks}}})
    if seen and (yield engine.plain[BRANCHES].find_one({"status": "active", "$or": seen})) is not None:
        text = (
            "a collection has one text index over all branches, and another branch has defined a "
            "different one: drop that one first"
        )
        raise command_error({**(conflict.details or {}), "errmsg": text}) from conflict
    yield store.drop_index(physical)


def _refuse_duplicates(snapshot: Snapshot, record: CollectionRecord, index: IndexRecord) -> Operation[None]:
    """Build the index on copies of its fields, which says exactly what the server would say."""
    partial = index.options.get("partialFilterExpression")
    stages: list[dict[str, Any]] = [{"$match": partial}] if partial else []
    stages.append({"$project": {field.split(".")[0]: 1 for field, _ in index.key}})
    cursor = yield from aggregate(
        snapshot, record.space, record.name, stages, Reader(RAW_CODEC), {"allowDiskUse": True}
    )
    page = yield cursor.to_list(_PAGE)
    if not page:
        return
    trial = snapshot.engine.plain[f"scratch_index_{ObjectId()}"]
    options = {name: value for name, value in index.options.items() if name != "partialFilterExpression"}
    if record.collation is not None:
        options.setdefault("collation", record.collation)
    try:
        while page:
            yield trial.insert_many(page)
            page = yield cursor.to_list(_PAGE)
        yield trial.create_index(index.key, name=index.name, **options)
    except OperationFailure as error:
        raise renamed(error, trial.full_name, snapshot.namespace(record.name)) from error
    finally:
        yield trial.drop()


def _pairs(keys: Any) -> list[tuple[str, Any]]:
    items = keys.items() if isinstance(keys, Mapping) else keys
    return [(item, 1) if isinstance(item, str) else tuple(item) for item in items]
