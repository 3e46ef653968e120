"""Collections and views: changes of the catalogue, undone by time travel like any other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson import ObjectId
from pymongo.collation import validate_collation_or_none

from argon.catalog.collections import new_record
from argon.catalog.tables import create_store
from argon.engine.client_timeout import in_time
from argon.engine.errors import CANNOT_RUN, command_error, unknown_field
from argon.engine.handle import Handle
from argon.engine.indexes import find_index
from argon.engine.pipelines import physical_pipeline
from argon.engine.prepare import IS_VIEW, existing_record
from argon.engine.profiled import drop_profile
from argon.engine.snapshot import Snapshot
from argon.errors import UnsupportedOperation
from argon.io import Operation
from argon.models import CollectionRecord
from argon.models.entry import Operation as Kind
from argon.names import check_new_collection_name
from argon.profiling import SHOWN_AS
from argon.wal.change import Plan

_NOT_SUPPORTED = (
    "capped",
    "size",
    "max",
    "timeseries",
    "encryptedFields",
    "expireAfterSeconds",
    "storageEngine",
    "indexOptionDefaults",
)


_KEPT = (
    "validator",
    "validationLevel",
    "validationAction",
    "clusteredIndex",  # of rows, which have one anyway
    "collation",
    "viewOn",
    "pipeline",
    "changeStreamPreAndPostImages",  # the log has them all, and streams show none if this says so
)
_CHANGEABLE = frozenset(_KEPT) - {"clusteredIndex", "collation"}


_PASSING = ("comment", "writeConcern", "maxTimeMS", "session")


@in_time
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
        raise unknown_field(f"create.{option}")
    if "pipeline" in kept and "viewOn" not in kept:
        text = "'pipeline' requires 'viewOn' to also be specified"
        raise command_error({"code": 72, "codeName": "InvalidOptions", "errmsg": text})
    if "clusteredIndex" in kept and "viewOn" in kept:
        text = "The 'clusteredIndex' option is not supported with views"
        raise command_error({"code": 6026500, "codeName": "Location6026500", "errmsg": text})
    if "viewOn" in kept:
        handle.refuse_in_session("Cannot create a view in a multi-document transaction.")
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
        if record.clustered is not None and not made:
            record.options["clusteredIndex"] = yield from _full_clustered(snapshot, record.clustered)
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


def _full_clustered(snapshot: Snapshot, clustered: Mapping[str, Any]) -> Operation[Any]:
    """Let the server judge a clustered index, on a collection made for that, and complete it."""
    trial = snapshot.engine.plain[f"scratch_index_{ObjectId()}"]
    try:
        yield trial.database.create_collection(trial.name, check_exists=False, clusteredIndex=clustered)
        found = yield (yield trial.database.list_collections(filter={"name": trial.name})).to_list(None)
        return found[0]["options"]["clusteredIndex"]
    finally:
        yield trial.drop()


@in_time
def modify_collection(handle: Handle, space: str, name: str, options: Mapping[str, Any]) -> Operation[None]:
    """Change a collection's validator, or an index's expiry; see the command ``collMod``.

    Raises:
        OperationFailure: There is no such collection or index, or an option is wrong.
        UnsupportedOperation: An option is about the physical collection.
    """
    handle.refuse_in_session(CANNOT_RUN.format("collMod"))
    options = {key: value for key, value in options.items() if key not in _PASSING}
    index = options.pop("index", None)
    for option in options.keys() - _CHANGEABLE:
        raise UnsupportedOperation(f"collMod cannot change {option!r} on a branch: make a new collection")

    def plan(snapshot: Snapshot, _careful: bool) -> Operation[Plan]:
        record = existing_record(snapshot, space, name)
        changed = record.model_copy(update={"options": {**record.options, **options}})
        if index is not None:
            found = find_index(record, index.get("name") or index.get("keyPattern"))
            if found is None:
                raise command_error(
                    {
                        "code": 27,
                        "codeName": "IndexNotFound",
                        "errmsg": f"cannot find index {index} for ns {name}",
                    }
                )
            expiry = {name: value for name, value in index.items() if name == "expireAfterSeconds"}
            new = found.model_copy(
                update={
                    "options": {**found.options, **expiry},
                    "described": {**found.described, **expiry},
                }
            )
            changed = changed.model_copy(
                update={"indexes": [new if one.name == found.name else one for one in record.indexes]}
            )
        yield from snapshot.engine.scratch.collection(changed)
        return Plan([snapshot.catalog.replace(Kind.MODIFY_COLLECTION, record, changed)])

    yield from handle.write(plan)


@in_time
def drop_collection(handle: Handle, space: str, name: str) -> Operation[bool]:
    """Drop a collection; its documents stay for the past and for other branches.

    Returns:
        Whether there was one.
    """
    handle.refuse_in_session(CANNOT_RUN.format("drop"))
    if name == SHOWN_AS:
        yield from handle.snapshot()
        return drop_profile(handle)

    def plan(snapshot: Snapshot, _careful: bool) -> Operation[Plan]:
        record = snapshot.record(space, name)
        yield None
        if record is None:
            return Plan([], lambda: False)
        return Plan([snapshot.catalog.drop(record)], lambda: True)

    dropped: bool = yield from handle.write(plan)
    return dropped


@in_time
def drop_all(handle: Handle, space: str) -> Operation[None]:
    """Drop every collection of a space as one commit."""
    handle.refuse_in_session(CANNOT_RUN.format("dropDatabase"))

    def plan(snapshot: Snapshot, _careful: bool) -> Operation[Plan]:
        yield None
        return Plan([snapshot.catalog.drop(record) for record in snapshot.catalog.records(space)])

    yield from handle.write(plan)


@in_time
def rename_collection(
    handle: Handle, space: str, name: str, new_name: str, *, drop_target: bool = False
) -> Operation[None]:
    """Rename a collection; nothing is copied.

    Raises:
        OperationFailure: There is no such collection, or the new name is taken.
    """
    handle.refuse_in_session(CANNOT_RUN.format("renameCollection"))

    def plan(snapshot: Snapshot, _careful: bool) -> Operation[Plan]:
        check_new_collection_name(snapshot.project or "db", new_name)
        yield None
        if name == new_name:
            raise command_error(
                {"code": 20, "codeName": "IllegalOperation", "errmsg": "Can't rename a collection to itself"}
            )
        record = existing_record(
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
