"""Collections and their indexes: changes of the catalogue, undone by time travel like any other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import bson
from bson import ObjectId
from pymongo.collation import validate_collation_or_none
from pymongo.errors import OperationFailure
from pymongo.operations import IndexModel

from argon.catalog.collections import new_record
from argon.catalog.tables import BRANCHES, COLLECTIONS, create_store
from argon.engine.errors import command_error, duplicate_key, renamed
from argon.engine.handle import Handle
from argon.engine.prepare import IS_VIEW, Target, existing, refuse_view
from argon.engine.query import Reader, aggregate, physical_pipeline
from argon.engine.shell import shell
from argon.engine.snapshot import Snapshot
from argon.errors import UnsupportedOperation
from argon.io import Operation
from argon.models import CollectionRecord, IndexRecord
from argon.models.entry import Operation as Kind
from argon.names import check_new_collection_name
from argon.rewrite.index import physical_keys, physical_options
from argon.rewrite.paths import CannotRewrite
from argon.versions.layout import MAX_LSN
from argon.wal.change import Plan

_ID_KEY = [("_id", 1)]
_NOT_SUPPORTED = (
    "capped",
    "size",
    "max",
    "timeseries",
    "clusteredIndex",
    "encryptedFields",
    "expireAfterSeconds",
    "changeStreamPreAndPostImages",
    "storageEngine",
    "indexOptionDefaults",
)
_KEPT = ("validator", "validationLevel", "validationAction", "collation", "viewOn", "pipeline")
_PASSING = ("comment", "writeConcern", "maxTimeMS", "session")


def create_collection(
    handle: Handle, space: str, name: str, options: Mapping[str, Any], *, must_be_new: bool = True
) -> Operation[None]:
    """Create a collection or a view.

    Args:
        handle: The branch.
        space: Namespace.
        name: Its name.
        options: As ``create_collection`` takes them.
        must_be_new: Whether an existing one is an error.

    Raises:
        OperationFailure: The name is taken, or an option is wrong.
    """
    for option in _NOT_SUPPORTED:
        if options.get(option):
            raise UnsupportedOperation(
                f"a collection on a branch cannot be made with {option!r}: make an ordinary one, and expire "
                "documents with a TTL index if that is what it is for"
            )
    kept = {key: value for key, value in options.items() if value is not None and key in _KEPT}
    if "collation" in kept:
        kept["collation"] = validate_collation_or_none(kept["collation"])
    for option in options.keys() - {*_KEPT, *_NOT_SUPPORTED, *_PASSING}:
        text = f"BSON field 'create.{option}' is an unknown field."
        raise command_error({"code": 40415, "codeName": "Location40415", "errmsg": text})
    if "pipeline" in kept and "viewOn" not in kept:
        text = "'pipeline' requires 'viewOn' to also be specified"
        raise command_error({"code": 72, "codeName": "InvalidOptions", "errmsg": text})
    record = new_record(space, name, kept)
    made: list[bool] = []

    def plan(snapshot: Snapshot, _careful: bool) -> Operation[Plan]:
        check_new_collection_name(snapshot.project or "db", name)
        if snapshot.record(space, name) is not None:
            if must_be_new:
                namespace = snapshot.namespace(name)
                raise command_error(
                    {
                        "code": 48,
                        "codeName": "NamespaceExists",
                        "errmsg": f"Collection {namespace} already exists.",
                    }
                )
            return Plan([])
        if record.collation is not None and not made:
            scratch = yield from snapshot.engine.scratch.collection(record)
            record.options["collation"] = yield from _full_collation(snapshot, scratch.name)
        if record.kind == "view":
            _refuse_cycle(snapshot, record)
            _refuse_sinks(snapshot, record)
            # The server looks at the pipeline now, not at the first read.
            store, stages = physical_pipeline(snapshot, space, kept["viewOn"], kept.get("pipeline", []))
            yield (yield snapshot.rows(store).aggregate([*stages, {"$limit": 1}])).to_list(1)
        elif not made:
            # Wrong rules are refused where they are tried first.
            yield from snapshot.engine.scratch.collection(record)
            yield from create_store(snapshot.engine.plain, record.store, record.collation)
            made.append(True)
        return Plan([snapshot.catalog.create(record)])

    yield from handle.write(plan)


def _refuse_cycle(snapshot: Snapshot, view: CollectionRecord) -> None:
    below: CollectionRecord | None = view
    while below is not None and below.kind == "view":
        name = str(below.options["viewOn"])
        if name == view.name:
            text = f"View cycle detected: {snapshot.namespace(name)}"
            raise command_error({"code": 5, "codeName": "GraphContainsCycle", "errmsg": text})
        below = snapshot.record(view.space, name)


def _refuse_sinks(snapshot: Snapshot, view: CollectionRecord) -> None:
    stages = view.options.get("pipeline", [])
    if not isinstance(stages, list | tuple):
        text = "BSON field 'create.pipeline' is the wrong type, expected type 'array'"
        raise command_error({"code": 14, "codeName": "TypeMismatch", "errmsg": text})
    for place, stage in enumerate(stages):
        for operator in {"$out", "$merge"} & set(stage if isinstance(stage, Mapping) else ()):
            text = (
                f"The aggregation stage {operator} in location {place} of the pipeline cannot be used in the "
                f"view definition of {snapshot.namespace(view.name)}"
            )
            raise command_error({"code": 167, "codeName": "OptionNotSupportedOnView", "errmsg": text})


def _full_collation(snapshot: Snapshot, name: str) -> Operation[Any]:
    """Read a collation as the server completes it."""
    found = yield (yield snapshot.engine.plain.list_collections(filter={"name": name})).to_list(None)
    return found[0]["options"].get("collation")


def modify_collection(handle: Handle, space: str, name: str, options: Mapping[str, Any]) -> Operation[None]:
    """Change a collection's validator, or an index's expiry; see the command ``collMod``."""
    options = dict(options)
    index = options.pop("index", None)

    def plan(snapshot: Snapshot, _careful: bool) -> Operation[Plan]:
        record = _existing(snapshot, space, name)
        changed = record.model_copy(update={"options": {**record.options, **options}})
        if index is not None:
            found = _find_index(record, index.get("name") or index.get("keyPattern"))
            if found is None:
                raise command_error(
                    {
                        "code": 27,
                        "codeName": "IndexNotFound",
                        "errmsg": f"cannot find index {index} for ns {name}",
                    }
                )
            new = found.model_copy(
                update={
                    "options": {
                        **found.options,
                        **{k: v for k, v in index.items() if k == "expireAfterSeconds"},
                    }
                }
            )
            changed = changed.model_copy(
                update={"indexes": [new if one.name == found.name else one for one in record.indexes]}
            )
        yield from snapshot.engine.scratch.collection(changed)
        return Plan([snapshot.catalog.replace(Kind.MODIFY_COLLECTION, record, changed)])

    yield from handle.write(plan)


def drop_collection(handle: Handle, space: str, name: str) -> Operation[bool]:
    """Drop a collection; its documents stay for the past and for other branches.

    Returns:
        Whether there was one.
    """

    def plan(snapshot: Snapshot, _careful: bool) -> Operation[Plan]:
        record = snapshot.record(space, name)
        yield None
        if record is None:
            return Plan([], lambda: False)
        return Plan([snapshot.catalog.drop(record)], lambda: True)

    dropped: bool = yield from handle.write(plan)
    return dropped


def rename_collection(
    handle: Handle, space: str, name: str, new_name: str, *, drop_target: bool = False
) -> Operation[None]:
    """Rename a collection; nothing is copied.

    Raises:
        OperationFailure: There is no such collection, or the new name is taken.
    """

    def plan(snapshot: Snapshot, _careful: bool) -> Operation[Plan]:
        check_new_collection_name(snapshot.project or "db", new_name)
        yield None
        if name == new_name:
            raise command_error(
                {"code": 20, "codeName": "IllegalOperation", "errmsg": "Can't rename a collection to itself"}
            )
        record = _existing(
            snapshot, space, name, f"Source collection {snapshot.namespace(name)} does not exist"
        )
        if record.kind == "view":
            text = f"cannot rename view: {snapshot.namespace(name)}"
            raise command_error({"code": IS_VIEW, "codeName": "CommandNotSupportedOnView", "errmsg": text})
        target = snapshot.record(space, new_name)
        changes = []
        if target is not None:
            if not drop_target:
                raise command_error(
                    {"code": 48, "codeName": "NamespaceExists", "errmsg": "target namespace exists"}
                )
            changes.append(snapshot.catalog.drop(target))
        renamed = record.model_copy(update={"name": new_name})
        return Plan([*changes, snapshot.catalog.replace(Kind.RENAME_COLLECTION, record, renamed)])

    yield from handle.write(plan)


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
    built: set[str] = set()

    def plan(snapshot: Snapshot, _careful: bool) -> Operation[Plan]:
        record, changes = yield from existing(target, snapshot)
        added: list[IndexRecord] = []
        for document in documents:
            index = yield from _parsed(snapshot, document)
            if index.key == _ID_KEY or _conflict(record, added, index):
                continue
            if index.physical not in built:
                yield from _build(snapshot, record, index, document)
                built.add(index.physical)
            if index.options.get("unique"):
                yield from _refuse_duplicates(snapshot, record, index, fresh=bool(changes))
            added.append(index)
        names = [document["name"] for document in documents]
        if not added:
            return Plan(changes, lambda: names)
        changed = record.model_copy(update={"indexes": [*record.indexes, *added]})
        if changes:
            return Plan([snapshot.catalog.create(changed)], lambda: names)
        return Plan([snapshot.catalog.replace(Kind.CREATE_INDEX, record, changed)], lambda: names)

    names: list[str] = yield from handle.write(plan)
    return names


def drop_index(handle: Handle, space: str, name: str, index: Any) -> Operation[None]:
    """Drop an index by name or key; ``*`` drops all but the one on ``_id``.

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
            found = _find_index(record, index)
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
        dropped = [one for one in record.indexes if one not in kept]
        return Plan(
            [snapshot.catalog.replace(Kind.DROP_INDEX, record, changed)], lambda: (record, dropped, snapshot)
        )

    done = yield from handle.write(plan)
    if done is not None and handle.transaction is None:
        record, dropped, snapshot = done
        for one in dropped:
            yield from _drop_unused(snapshot, record, one)


def list_indexes(snapshot: Snapshot, space: str, name: str) -> list[dict[str, Any]]:
    """Describe the indexes of a collection as the server does."""
    record = snapshot.record(space, name)
    if record is None:
        return []
    refuse_view(snapshot, record)
    described: list[dict[str, Any]] = [{"v": 2, "key": {"_id": 1}, "name": "_id_"}]
    for index in record.indexes:
        described.append({"v": 2, "key": dict(index.key), "name": index.name, **index.options})
    if record.collation:
        for document in described:
            document.setdefault("collation", record.collation)
    return described


def index_record(document: Mapping[str, Any]) -> IndexRecord:
    """Turn an index as the command has it into its record."""
    options = {
        key: value for key, value in document.items() if key not in ("key", "name", "background", "v", "ns")
    }
    key = list(document["key"].items())
    shape = {"key": [[field, kind] for field, kind in key], **physical_options(key, options)}
    digest = hashlib.sha256(bson.encode(shape)).hexdigest()[:16]
    return IndexRecord(name=document["name"], key=key, options=options, physical=f"ix_{digest}")


def _parsed(snapshot: Snapshot, document: Mapping[str, Any]) -> Operation[IndexRecord]:
    """Turn an index into its record; a definition that the server refuses fails in its words."""
    if list(document["key"].items()) == _ID_KEY and len(document) > 2:
        yield from _judge(snapshot, document)
    try:
        return index_record(document)
    except CannotRewrite as error:
        yield from _judge(snapshot, document)
        raise UnsupportedOperation(f"a branch cannot keep the index {document['name']!r}") from error


def _judge(snapshot: Snapshot, document: Mapping[str, Any]) -> Operation[None]:
    """Let the server look at a definition as the user wrote it, on a collection made for that."""
    trial = snapshot.engine.plain[f"scratch_index_{ObjectId()}"]
    options = {name: value for name, value in document.items() if name != "key"}
    try:
        yield trial.create_index(list(document["key"].items()), **options)
    except OperationFailure as error:
        raise renamed(error, trial.full_name, snapshot.namespace("")) from error
    finally:
        yield trial.drop()


def _build(
    snapshot: Snapshot, record: CollectionRecord, index: IndexRecord, document: Mapping[str, Any]
) -> Operation[None]:
    store = snapshot.engine.plain[record.store]
    options = physical_options(index.key, index.options)
    try:
        yield store.create_index(physical_keys(index.key, index.options), name=index.physical, **options)
    except OperationFailure as error:
        if error.code in (85, 86):
            # The same physical index under another definition's name, or the one text index there can be.
            if "text" not in [kind for _, kind in index.key]:
                return
            raise OperationFailure(
                "a collection has one text index over all branches, and another branch has defined a "
                "different one: drop that one first",
                error.code,
                dict(error.details or {}),
            ) from error
        yield from _judge(snapshot, document)
        raise


def _conflict(record: CollectionRecord, added: Sequence[IndexRecord], index: IndexRecord) -> bool:
    """Whether the very same index exists; refuse one that differs, as the server does."""
    for other in (*record.indexes, *added):
        same_key = other.key == index.key and other.options.get("collation") == index.options.get("collation")
        same_options = other.options == index.options
        if other.name == index.name:
            if same_key and same_options:
                return True
            code, text = (
                (86, "IndexKeySpecsConflict") if other.key != index.key else (85, "IndexOptionsConflict")
            )
            raise command_error(
                {
                    "code": code,
                    "codeName": text,
                    "errmsg": "An existing index has the same name as the requested index. When index "
                    "names are not specified, they are auto generated and can cause conflicts. "
                    "Please refer to our documentation. "
                    f"Requested index: {_shown(index)}, existing index: {_shown(other)}",
                }
            )
        if same_key and other.options.get("partialFilterExpression") == index.options.get(
            "partialFilterExpression"
        ):
            raise command_error(
                {
                    "code": 85,
                    "codeName": "IndexOptionsConflict",
                    "errmsg": f"Index already exists with a different name: {other.name}",
                }
            )
    return False


def _shown(index: IndexRecord) -> str:
    return shell({"v": 2, **index.options, "key": dict(index.key), "name": index.name})


def _refuse_duplicates(
    snapshot: Snapshot, record: CollectionRecord, index: IndexRecord, *, fresh: bool
) -> Operation[None]:
    if fresh:
        return
    fields = [field for field, _ in index.key]
    keys = {f"k{place}": f"${field}" for place, field in enumerate(fields)}
    stages: list[dict[str, Any]] = []
    partial = index.options.get("partialFilterExpression")
    if partial:
        stages.append({"$match": partial})
    if index.options.get("sparse"):
        stages.append({"$match": {"$or": [{field: {"$exists": True}} for field in fields]}})
    stages.append({"$project": keys})
    stages += [{"$unwind": {"path": f"${name}", "preserveNullAndEmptyArrays": True}} for name in keys]
    group = {name: {"$ifNull": [f"${name}", None]} for name in keys}
    stages += [
        {"$group": {"_id": group, "ids": {"$addToSet": "$_id"}}},
        {"$match": {"ids.1": {"$exists": True}}},
        {"$limit": 1},
    ]
    options = {"collation": index.options.get("collation"), "allowDiskUse": True}
    cursor = yield from aggregate(snapshot, record.space, record.name, stages, Reader(), options)
    found = yield cursor.to_list(1)
    if found:
        value = {field: found[0]["_id"].get(name) for field, name in zip(fields, keys, strict=True)}
        namespace = snapshot.namespace(record.name)
        raise command_error(
            {"codeName": "DuplicateKey", **duplicate_key(namespace, index.name, dict(index.key), value)}
        )


def _drop_unused(snapshot: Snapshot, record: CollectionRecord, index: IndexRecord) -> Operation[None]:
    """Drop a physical index that no live branch can see any more."""
    engine = snapshot.engine
    users = yield engine.plain[COLLECTIONS].count_documents(
        {"_id.t": MAX_LSN, "d.store": record.store, "d.indexes.physical": index.physical}, limit=1
    )
    children = yield engine.plain[BRANCHES].count_documents(
        {"lineage.number": snapshot.branch.number, "status": "active"}, limit=1
    )
    if users or children:
        return
    try:
        yield engine.plain[record.store].drop_index(index.physical)
    except OperationFailure:
        return


def _existing(snapshot: Snapshot, space: str, name: str, text: str | None = None) -> CollectionRecord:
    record = snapshot.record(space, name)
    if record is None:
        raise command_error(
            {
                "code": 26,
                "codeName": "NamespaceNotFound",
                "errmsg": text or f"ns does not exist: {snapshot.namespace(name)}",
            }
        )
    return record


def _find_index(record: CollectionRecord, index: Any) -> IndexRecord | None:
    keys = None if isinstance(index, str) else _pairs(index)
    for one in record.indexes:
        if one.name == index or (keys is not None and one.key == keys):
            return one
    return None


def _pairs(keys: Any) -> list[tuple[str, Any]]:
    items = keys.items() if isinstance(keys, Mapping) else keys
    return [(item, 1) if isinstance(item, str) else tuple(item) for item in items]
